//! Reads tunings: Scala files of a scale, of a keyboard mapping, or of both.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use sostenuto_dsp::tuning;
use sostenuto_dsp::tuning::scala::{self, Mapping, ScalaError, Scale};
use sostenuto_modules::clip::is_mapping;
use sostenuto_patch::disk;
use sostenuto_patch::factory;
use sostenuto_patch::sounds::FACTORY;
use thiserror::Error;

/// Longer files are not read: the longest scale of Scala's archive has some 40 kB.
const MOST_BYTES: u64 = 1 << 20;

/// Why a tuning cannot be had, and which of its files is the reason.
#[derive(Debug, Error)]
pub enum TuningError {
    #[error("Give the full path of the file: {0}")]
    HalfPath(String),
    #[error("There is no factory tuning called `{0}`.")]
    NoFactoryTuning(String),
    #[error("A tuning has one scale and one keyboard mapping at most. Take away {0}")]
    Twice(String),
    #[error("The {kind} cannot be read: {what}. {path}")]
    Read { kind: &'static str, path: String, what: ReadError },
}

/// What is wrong with a file.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is not a regular file")]
    NoFile,
    #[error("it is too long for a Scala file")]
    TooLong,
    #[error("{0}")]
    Scala(#[from] ScalaError),
    #[error("{0}")]
    Mapping(&'static str),
}

/// The [table](tuning) of a tuning whose files are named a line each. Where it has no scale,
/// that is 12 equal steps; where it has no mapping, each key is the next note.
///
/// # Errors
/// Where a file cannot be read.
pub fn read(files: &str) -> Result<Vec<f32>, TuningError> {
    let (mut scale, mut mapping) = (None, None);
    for file in files.lines().map(str::trim).filter(|file| !file.is_empty()) {
        let kind = if is_mapping(file) { "keyboard mapping" } else { "scale" };
        let failed = |what| TuningError::Read { kind, path: file.to_owned(), what };
        let bytes = bytes(file)?.map_err(failed)?;
        let text = scala::text(&bytes).map_err(|error| failed(error.into()))?;
        let is_twice = if is_mapping(file) {
            let read = Mapping::read(&text).map_err(|error| failed(error.into()))?;
            mapping.replace((read, file)).is_some()
        } else {
            let read = Scale::read(&text).map_err(|error| failed(error.into()))?;
            scale.replace(read).is_some()
        };
        if is_twice {
            return Err(TuningError::Twice(file.to_owned()));
        }
    }
    let scale = scale.unwrap_or_else(Scale::equal);
    let (mapping, file) = mapping.unwrap_or((Mapping::LINEAR, ""));
    tuning::compile(&scale, &mapping).map_err(|what| TuningError::Read {
        kind: "keyboard mapping",
        path: file.to_owned(),
        what: ReadError::Mapping(what),
    })
}

/// What is in a file, or why it cannot be read; or why it is no name of a file.
fn bytes(file: &str) -> Result<Result<Vec<u8>, ReadError>, TuningError> {
    if let Some(name) = file.strip_prefix(FACTORY) {
        let text = factory::tuning(name);
        let text = text.ok_or_else(|| TuningError::NoFactoryTuning(name.to_owned()))?;
        return Ok(Ok(text.as_bytes().to_vec()));
    }
    let path = Path::new(file);
    if !path.has_root() {
        return Err(TuningError::HalfPath(file.to_owned()));
    }
    Ok(of_disk(path))
}

fn of_disk(path: &Path) -> Result<Vec<u8>, ReadError> {
    // Asked first, for its own sentence.
    if !fs::metadata(path)?.is_file() {
        return Err(ReadError::NoFile);
    }
    let mut bytes = Vec::new();
    disk::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES { Err(ReadError::TooLong) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use sostenuto_dsp::tuning::Tuning;

    use super::*;

    /// The sentence for a file of that name with these bytes in it.
    fn refused(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let sentence = read(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(sentence.ends_with(path.to_str().unwrap()), "{sentence}");
        sentence.replace(path.to_str().unwrap(), "PATH")
    }

    #[test]
    fn a_tuning_is_a_scale_a_mapping_or_both() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("a.KBM");
        fs::write(&keys, "0\n0\n127\n60\n69\n432.0\n").unwrap();
        let a4 = |files: &str| {
            let table = read(files).unwrap();
            let volts = Tuning::of(&table).unwrap().sounding(0.75).unwrap();
            1200.0 * volts
        };
        assert!((a4("factory:12-edo.scl") - 900.0).abs() < 1e-3);
        assert!((a4("factory:werckmeister-iii.scl") - 888.27).abs() < 1e-2);
        let of_432 = 900.0 - 31.766;
        assert!((a4(keys.to_str().unwrap()) - of_432).abs() < 1e-2);
        let both = format!("{}\nfactory:werckmeister-iii.scl\n", keys.display());
        assert!((a4(&both) - of_432).abs() < 1e-2, "the mapping says how high A4 is");
        assert!(read("").unwrap().len() > 128);
    }

    #[test]
    fn why_there_is_no_tuning_is_said() {
        assert_eq!(
            refused("a.scl", b"Third\n2\n5:4\n2/1"),
            "The scale cannot be read: line 3 (`5:4`) is not an interval: cents such as 701.955, \
             or a ratio such as 3/2. PATH"
        );
        assert_eq!(
            refused("a.kbm", b"12\n0\n127\n60\n61\n440.0\n12\n0\n"),
            "The keyboard mapping cannot be read: the key whose frequency it gives has no note. \
             PATH"
        );
        assert!(refused("a.scl", b"").contains("it ends before"));
        assert!(refused("a.scl", b"RIFF\0\0\0\0WAVE").contains("not a text file"));
        assert!(refused("a.scl", &vec![b'!'; 2 << 20]).contains("too long"));
        let said = |files: &str| read(files).unwrap_err().to_string();
        assert!(said("scales/a.scl").contains("full path"));
        assert!(said("factory:nothing.scl").contains("`nothing.scl`"));
        assert!(said("factory:young.scl\nfactory:pelog.scl").contains("Take away factory:pelog"));
        let folder = tempfile::tempdir().unwrap();
        assert!(said(folder.path().to_str().unwrap()).contains("not a regular file"));
        let missing = folder.path().join("no.scl");
        assert!(said(missing.to_str().unwrap()).contains("no.scl"));
    }
}
