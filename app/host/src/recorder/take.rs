//! A recording on its way to the disk: one WAV or FLAC file, and further ones where one
//! is full or the sample rate changes.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use sostenuto_dsp::random::Random;
use sostenuto_osc::message::record::{Recorded, WavFormat};
use sostenuto_patch::disk;
use thiserror::Error;

use crate::engine::Frame;
use crate::sound_writer::{Container, SoundWriter};

/// How often the head of the file is brought up to date: so much is lost where
/// the host is killed.
const FLUSH_SECS: u64 = 2;

/// Frames of silence written at a time.
const SILENCE: [Frame; 1024] = [[0.0; 2]; 1024];

/// Why nothing is recorded.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum TakeError {
    #[error("A file with that name exists and was not changed. Record under another name: {}", .0.display())]
    Taken(PathBuf),
    #[error("Invalid recording name, choose one without line breaks or control characters: {0:?}")]
    NoName(PathBuf),
    #[error("Nothing is recorded: {what}. {}", path.display())]
    Kind { path: PathBuf, what: &'static str },
    #[error("Nothing can be recorded there ({what}). The sound goes on; choose another folder: {}", path.display())]
    Open { path: PathBuf, what: io::Error },
    #[error("The recording ended ({what}). The sound goes on. What was recorded until then is in {}", path.display())]
    Write { path: PathBuf, what: io::Error },
}

/// What a recording is written to.
trait Sink: Write + Seek + Send {}

impl<T: Write + Seek + Send> Sink for T {}

type Open = fn(&Path) -> io::Result<Box<dyn Sink>>;

fn open(path: &Path) -> io::Result<Box<dyn Sink>> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    Ok(Box::new(BufWriter::with_capacity(1 << 18, file)))
}

/// A recording.
pub struct Take {
    path: PathBuf,
    format: WavFormat,
    open: Open,
    most_frames: u64,
    part: Option<Part>,
    /// Files begun.
    parts: u32,
    secs: f64,
    random: Random,
    done: Vec<Recorded>,
}

/// One file of it.
struct Part {
    file: SoundWriter<Box<dyn Sink>>,
    /// Its name until it is done.
    unfinished: PathBuf,
    rate: u32,
    frames: u64,
    peak: f32,
}

impl Take {
    /// Begins a file beside `path`, which gets that name when it is done.
    ///
    /// # Errors
    /// Where there is one already, or none can be.
    pub fn create(path: &Path, format: WavFormat, rate: u32) -> Result<Take, TakeError> {
        let most_frames = Container::of(path).most_frames(format);
        Take::create_with(path, format, rate, (open, most_frames))
    }

    fn create_with(
        path: &Path,
        format: WavFormat,
        rate: u32,
        (open, most_frames): (Open, u64),
    ) -> Result<Take, TakeError> {
        if path.file_name().is_none() || disk::check_name(path).is_err() {
            return Err(TakeError::NoName(path.to_owned()));
        }
        let kind = Container::of(path).check(format);
        kind.map_err(|what| TakeError::Kind { path: path.to_owned(), what })?;
        // A link is a name that is taken, too, wherever it leads.
        if fs::symlink_metadata(path).is_ok() {
            return Err(TakeError::Taken(path.to_owned()));
        }
        let mut take = Take {
            path: path.to_owned(),
            format,
            open,
            most_frames,
            part: None,
            parts: 0,
            secs: 0.0,
            random: Random::new(0),
            done: Vec::new(),
        };
        take.begin(rate)?;
        Ok(take)
    }

    /// Where it will lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is by now.
    pub fn secs(&self) -> f64 {
        self.secs
    }

    /// Writes more of it.
    ///
    /// # Errors
    /// Where the disk does not take it: then it is over.
    pub fn push(&mut self, rate: u32, mut frames: &[Frame]) -> Result<(), TakeError> {
        self.secs += frames.len() as f64 / f64::from(rate);
        while !frames.is_empty() {
            let room = match &self.part {
                Some(part) if part.rate == rate => self.most_frames - part.frames,
                _ => 0,
            };
            if room == 0 {
                self.end()?;
                self.begin(rate)?;
                continue;
            }
            let (now, rest) = frames.split_at((frames.len() as u64).min(room) as usize);
            self.write(now)?;
            frames = rest;
        }
        Ok(())
    }

    /// Writes so many silent frames.
    ///
    /// # Errors
    /// As in [`Take::push`].
    pub fn push_silence(&mut self, rate: u32, mut frames: usize) -> Result<(), TakeError> {
        while frames > 0 {
            let count = frames.min(SILENCE.len());
            self.push(rate, &SILENCE[..count])?;
            frames -= count;
        }
        Ok(())
    }

    /// Ends it; returns all its files.
    ///
    /// # Errors
    /// As in [`Take::push`].
    pub fn finish(mut self) -> Result<Vec<Recorded>, TakeError> {
        self.end()?;
        Ok(self.done)
    }

    fn begin(&mut self, rate: u32) -> Result<(), TakeError> {
        self.parts += 1;
        let failed = |what| TakeError::Open { path: self.path.clone(), what };
        let container = Container::of(&self.path);
        let kind = container.ending();
        let (stem, _) = split(&self.path);
        for again in 1..1000 {
            let ending = if again == 1 { String::new() } else { format!("-{again}") };
            let number = if self.parts == 1 { String::new() } else { format!("-{}", self.parts) };
            let name = disk::name(&stem, &format!("{number}.unfinished{ending}.{kind}"));
            let unfinished = self.path.with_file_name(name);
            let sink = match (self.open)(&unfinished) {
                Ok(sink) => sink,
                // A host that was killed has left it: somebody may want it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed(error)),
            };
            let file = SoundWriter::new(sink, container, self.format, rate);
            let file = file.map_err(|what| TakeError::Write { path: unfinished.clone(), what })?;
            self.part = Some(Part { file, unfinished, rate, frames: 0, peak: 0.0 });
            return Ok(());
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), TakeError> {
        let Some(part) = &mut self.part else { return Ok(()) };
        let (bits, random) = (self.format.bits(), &mut self.random);
        let mut write = || {
            let loud = |peak: f32, sample: &f32| peak.max(sample.abs());
            part.peak = frames.as_flattened().iter().fold(part.peak, loud);
            part.file.write(frames, |sample| dithered(sample, bits, random))?;
            let every = u64::from(part.rate) * FLUSH_SECS;
            let before = part.frames;
            part.frames += frames.len() as u64;
            if before / every != part.frames / every { part.file.flush() } else { Ok(()) }
        };
        write().map_err(|what| TakeError::Write { path: part.unfinished.clone(), what })
    }

    fn end(&mut self) -> Result<(), TakeError> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let Part { file, unfinished, rate, frames, peak } = part;
        let is_first = self.done.is_empty();
        if frames == 0 && (!is_first || self.secs > 0.0) {
            // The sample rate changed before anything came.
            drop(file);
            let _ = fs::remove_file(&unfinished);
            self.parts -= 1;
            return Ok(());
        }
        let failed = |what| TakeError::Write { path: unfinished.clone(), what };
        file.finish().map_err(failed)?;
        let whole = OpenOptions::new().write(true).open(&unfinished);
        whole.and_then(|file| file.sync_all()).map_err(failed)?;
        let number = if self.parts == 1 { None } else { Some(self.parts) };
        let path = free_name(&self.path, number);
        fs::rename(&unfinished, &path).map_err(failed)?;
        let secs = frames as f64 / f64::from(rate);
        self.done.push(Recorded { path, secs, peak });
        Ok(())
    }
}

/// The name, or the next that nobody has: `rain.wav`, `rain-2.wav`.
pub fn free_name(path: &Path, number: Option<u32>) -> PathBuf {
    let (stem, ending) = split(path);
    let numbered = |number| path.with_file_name(disk::name(&stem, &format!("-{number}{ending}")));
    let names = number.is_none().then(|| path.to_owned()).into_iter();
    let mut names = names.chain((number.unwrap_or(2)..).map(numbered));
    let is_free = |name: &PathBuf| fs::symlink_metadata(name).is_err();
    names.find(is_free).unwrap_or_else(|| path.to_owned())
}

/// A name without its ending, and the ending with its dot: `.wav`, `.flac`, `.sostenuto` or
/// none. In `Set v1.2` there is none.
fn split(path: &Path) -> (String, String) {
    let is_ours = |ending: &&std::ffi::OsStr| {
        ["wav", "flac", "sostenuto"].iter().any(|ours| ending.eq_ignore_ascii_case(ours))
    };
    let text =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    match path.extension().filter(is_ours) {
        Some(ending) => (text(path.file_stem()), format!(".{}", ending.to_string_lossy())),
        None => (text(path.file_name()), String::new()),
    }
}

/// The patch's file beside a recording.
pub fn patch_beside(recording: &Path) -> PathBuf {
    let (stem, _) = split(recording);
    recording.with_file_name(disk::name(&stem, ".sostenuto"))
}

/// To a whole number, by way of triangular noise of two steps (Lipshitz,
/// Wannamaker & Vanderkooy 1992): what is too quiet for a step is still heard.
fn dithered(sample: f32, bits: u16, random: &mut Random) -> i32 {
    let full = f64::from(1 << (bits - 1));
    let noise = f64::from(random.unipolar()) - f64::from(random.unipolar());
    (f64::from(sample) * full + noise).round().clamp(-full, full - 1.0) as i32
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use hound::{SampleFormat, WavSpec};

    use super::*;

    fn sine(frames: usize) -> Vec<Frame> {
        (0..frames).map(|n| [(n as f32 * 0.05).sin() * 0.5, -0.25]).collect()
    }

    fn read(path: &Path) -> (WavSpec, Vec<f32>) {
        let mut wav = hound::WavReader::open(path).unwrap();
        let spec = wav.spec();
        let full = f64::from(1u32 << (spec.bits_per_sample - 1));
        let samples = match spec.sample_format {
            SampleFormat::Float => wav.samples::<f32>().map(Result::unwrap).collect(),
            SampleFormat::Int => {
                wav.samples::<i32>().map(|s| (f64::from(s.unwrap()) / full) as f32).collect()
            }
        };
        (spec, samples)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn floating_point_is_what_was_made_and_integers_are_a_dither_away() {
        let folder = tempfile::tempdir().unwrap();
        for format in WavFormat::ALL {
            let path = folder.path().join(format!("{}.wav", format.word()));
            let mut take = Take::create(&path, format, 8000).unwrap();
            take.push(8000, &sine(999)).unwrap();
            assert!(!path.exists());
            let [done] = &take.finish().unwrap()[..] else { panic!("one file") };
            assert_eq!((done.path.as_path(), done.secs), (&*path, 999.0 / 8000.0));
            assert!((done.peak - 0.5).abs() < 1e-3);
            let (spec, samples) = read(&path);
            assert_eq!((spec.bits_per_sample, spec.sample_rate), (format.bits(), 8000));
            let step = 1.0 / (1u32 << (format.bits() - 1)) as f32;
            let most = if format == WavFormat::F32 { 0.0 } else { 1.5001 * step };
            let wanted = sine(999);
            assert!(samples.iter().zip(wanted.as_flattened()).all(|(a, b)| (a - b).abs() <= most));
        }
        assert_eq!(names(folder.path()), ["f32.wav", "s16.wav", "s24.wav"]);
    }

    #[test]
    fn a_take_that_is_called_so_is_a_flac_and_no_floating_point() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rain.flac");
        let refused = Take::create(&path, WavFormat::F32, 8000).err().unwrap().to_string();
        assert!(refused.starts_with("Nothing is recorded: a FLAC file has no floating point"));
        let mut take = Take::create(&path, WavFormat::S24, 8000).unwrap();
        take.push(8000, &sine(5000)).unwrap();
        assert_eq!(names(folder.path()), ["rain.unfinished.flac"]);
        let [done] = &take.finish().unwrap()[..] else { panic!("one file") };
        assert_eq!((done.path.as_path(), done.secs), (&*path, 5000.0 / 8000.0));
        assert_eq!(fs::read(&path).unwrap()[..4], *b"fLaC");
        assert_eq!(free_name(&path, None), folder.path().join("rain-2.flac"));
    }

    #[test]
    fn dither_keeps_what_is_smaller_than_a_step() {
        let mut random = Random::new(1);
        let sum: i64 =
            (0..100_000).map(|_| i64::from(dithered(0.3 / 32_768.0, 16, &mut random))).sum();
        assert!((sum as f64 / 1e5 - 0.3).abs() < 0.01, "{sum}");
        assert_eq!(dithered(2.0, 16, &mut random), 32_767);
        assert_eq!(dithered(-2.0, 24, &mut random), -8_388_608);
    }

    #[test]
    fn a_full_file_and_another_rate_go_on_in_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rain.wav");
        let mut take = Take::create_with(&path, WavFormat::F32, 8000, (open, 1000)).unwrap();
        take.push(8000, &sine(2500)).unwrap();
        take.push_silence(16_000, 10).unwrap();
        let lengths: Vec<f64> = take.finish().unwrap().iter().map(|done| done.secs).collect();
        assert_eq!(lengths, [0.125, 0.125, 0.0625, 10.0 / 16_000.0]);
        assert_eq!(names(folder.path()), ["rain-2.wav", "rain-3.wav", "rain-4.wav", "rain.wav"]);
        let all: Vec<f32> = ["rain.wav", "rain-2.wav", "rain-3.wav"]
            .iter()
            .flat_map(|name| read(&folder.path().join(name)).1)
            .collect();
        assert_eq!(all, sine(2500).as_flattened());
        assert_eq!(read(&folder.path().join("rain-4.wav")).0.sample_rate, 16_000);
    }

    #[test]
    fn a_rate_that_changes_before_the_first_frame_leaves_no_empty_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rain.wav");
        let mut take = Take::create(&path, WavFormat::S24, 8000).unwrap();
        take.push(16_000, &sine(10)).unwrap();
        take.finish().unwrap();
        assert_eq!(names(folder.path()), ["rain.wav"]);
        assert_eq!(read(&path).0.sample_rate, 16_000);
    }

    #[test]
    fn what_is_there_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rain.wav");
        fs::write(folder.path().join("rain.unfinished.wav"), "of a host that was killed").unwrap();
        let take = Take::create(&path, WavFormat::S24, 8000).unwrap();
        fs::write(&path, "meanwhile").unwrap();
        let done = take.finish().unwrap();
        assert_eq!(done[0].path, folder.path().join("rain-2.wav"));
        assert_eq!(fs::read(&path).unwrap(), b"meanwhile");
        assert_eq!(names(folder.path()), ["rain-2.wav", "rain.unfinished.wav", "rain.wav"]);
        let refused =
            |path: &Path| Take::create(path, WavFormat::S24, 8000).err().unwrap().to_string();
        assert!(refused(&path).contains("was not changed"));
        assert!(refused(&folder.path().join("no/where.wav")).contains("another folder"));
    }

    #[test]
    fn long_names_leave_room_for_what_is_added() {
        let folder = tempfile::tempdir().unwrap();
        for stem in ["x".repeat(251), "ä".repeat(125), "Set v1.2".to_owned()] {
            let path = folder.path().join(format!("{stem}.wav"));
            for _ in 0..2 {
                let path = free_name(&path, None);
                let mut take = Take::create(&path, WavFormat::S16, 8000).unwrap();
                take.push(8000, &sine(10)).unwrap();
                assert_eq!(take.finish().unwrap()[0].path, path);
                assert_eq!(path.extension().unwrap(), "wav");
                let patch = patch_beside(&path);
                fs::write(&patch, "{}").unwrap();
                assert_eq!(patch.extension().unwrap(), "sostenuto");
            }
        }
        assert!(names(folder.path()).contains(&"Set v1.2-2.wav".to_owned()));
        assert!(names(folder.path()).contains(&"Set v1.2.sostenuto".to_owned()));
    }

    #[test]
    fn names_with_line_breaks_are_refused_and_links_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| Take::create(path, WavFormat::S24, 8000).err().unwrap();
        for name in ["a\nb.wav", "a\tb.wav", "\u{1b}[2J.wav"] {
            let error = refused(&folder.path().join(name));
            assert!(matches!(error, TakeError::NoName(_)));
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
        #[cfg(unix)]
        {
            let link = folder.path().join("link.wav");
            std::os::unix::fs::symlink("nowhere.wav", &link).unwrap();
            assert!(matches!(refused(&link), TakeError::Taken(_)));
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
    }

    /// A disk with room for 2000 bytes.
    struct Full(File, u64);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += bytes.len() as u64;
            if self.1 > 2000 { Err(io::ErrorKind::StorageFull.into()) } else { self.0.write(bytes) }
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    impl Seek for Full {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_full_disk_is_a_sentence_that_says_where_the_rest_is() {
        let folder = tempfile::tempdir().unwrap();
        let full: Open = |path| Ok(Box::new(Full(File::create(path)?, 0)));
        let path = folder.path().join("rain.wav");
        let mut take = Take::create_with(&path, WavFormat::F32, 8000, (full, 1 << 20)).unwrap();
        let error = take.push(8000, &sine(1000)).unwrap_err().to_string();
        assert!(
            error.contains("The sound goes on") && error.contains("rain.unfinished.wav"),
            "{error}"
        );
        drop(take);
        assert_eq!(names(folder.path()), ["rain.unfinished.wav"]);
    }
}
