//! Writes what Recorder modules record, each time into a file of its own, on a
//! thread of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sostenuto_osc::message::record::{Recorded, WavFormat};

use super::take::{Take, TakeError, free_name};
use crate::engine::Frame;
use crate::engine::reels::{Reader, Run};
use crate::notice::Notice;
use crate::sound_writer::Container;

/// What a Recorder is called, and what it records into.
pub type Named = (String, Container);

/// Recordings that modules make.
pub struct ModuleTakes {
    folder: PathBuf,
    reader: Reader,
    room: Vec<Frame>,
    takes: BTreeMap<u32, Open>,
    may: bool,
}

/// A recording that goes on.
struct Open {
    /// `None`: it could not be written, and the rest of it is not.
    take: Option<Take>,
    /// The frame that comes next.
    next: u64,
    rate: u32,
}

impl ModuleTakes {
    /// Into that folder, which need not be there yet.
    pub fn new(folder: PathBuf, reader: Reader) -> ModuleTakes {
        ModuleTakes { folder, reader, room: Vec::new(), takes: BTreeMap::new(), may: false }
    }

    /// Whether anything is recorded from now on. Before this, nothing is.
    pub fn allow(&mut self, may: bool) {
        self.may = may;
    }

    /// Writes what has come since the last time. `now` is the engine's clock:
    /// of a module that says nothing more for a second, the recording has ended. `name` says
    /// what a module of that number is called, and what it records into.
    /// Returns what is to be told.
    pub fn write(&mut self, now: u64, name: impl Fn(u32) -> Named) -> Vec<Notice> {
        let mut told = Vec::new();
        while let Some(run) = self.reader.read(&mut self.room) {
            if run.frames > 0 && self.may {
                told.extend(self.push(run, &name));
            }
            if run.ends {
                told.extend(self.takes.remove(&run.number).and_then(finish));
            }
        }
        let is_over = |_: &u32, open: &mut Open| open.next + u64::from(open.rate) < now;
        let over: Vec<Open> = self.takes.extract_if(.., is_over).map(|(_, open)| open).collect();
        told.extend(over.into_iter().filter_map(finish));
        told
    }

    /// Ends every recording. Returns what is to be told.
    pub fn end(mut self, now: u64, name: impl Fn(u32) -> Named) -> Vec<Notice> {
        let mut told = self.write(now, name);
        told.extend(std::mem::take(&mut self.takes).into_values().filter_map(finish));
        told
    }

    fn push(&mut self, run: Run, name: impl Fn(u32) -> Named) -> Option<Notice> {
        let rate = run.sample_rate_hz;
        let open = self.takes.entry(run.number);
        let mut told = None;
        let open = open.or_insert_with(|| {
            let take = begin(&self.folder, &name(run.number), rate);
            let take = take.map_err(|error| told = Some(failed(&error))).ok();
            Open { take, next: run.frame, rate }
        });
        // What came too fast is silent, so that time stays right. At another
        // sample rate the clock counts other frames.
        let missing = if rate == open.rate { run.frame.saturating_sub(open.next) } else { 0 };
        let missing = missing as usize;
        open.next = run.frame + u64::from(run.frames);
        open.rate = rate;
        let Some(take) = &mut open.take else { return told };
        let written = take.push_silence(rate, missing).and_then(|()| take.push(rate, &self.room));
        if let Err(error) = written {
            open.take = None;
            told = Some(failed(&error));
        }
        told
    }
}

fn begin(folder: &Path, (module, container): &Named, rate: u32) -> Result<Take, TakeError> {
    let failed = |what| TakeError::Open { path: folder.to_owned(), what };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let ending = container.ending();
    let name =
        format!("{module} {}.{ending}", now.replace(':', "-").replace('T', " ").replace('Z', ""));
    Take::create(&free_name(&folder.join(name), None), WavFormat::default(), rate)
}

fn failed(error: &TakeError) -> Notice {
    Notice::RecordingFailed { error: error.to_string() }
}

fn finish(open: Open) -> Option<Notice> {
    let done = open.take?.finish();
    let say = |Recorded { path, secs, .. }: Recorded| Notice::Recorded { path, secs };
    match done {
        Ok(done) => done.into_iter().next_back().map(say),
        Err(error) => Some(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_dsp::signal::Signal;
    use sostenuto_dsp::units::QUANTUM;

    use super::*;
    use crate::engine::reels::{Reels, reels};

    fn push(reels: &mut Reels, number: u32, frame: u64, is_on: bool) {
        let mut signals: [Signal; 3] = bytemuck::Zeroable::zeroed();
        for at in 0..QUANTUM {
            signals[0].put(0, at, 5.0);
            signals[1].put(0, at, -2.5);
            signals[2].put(0, at, if is_on { 10.0 } else { 0.0 });
        }
        let run = Run { number, sample_rate_hz: 8000, frame, ..Run::default() };
        reels.push(run, QUANTUM, |_| Some(&signals));
    }

    fn files(folder: &Path) -> Vec<(String, usize)> {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files
            .map(|path| {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let wav = hound::WavReader::open(&path).unwrap();
                (name, wav.duration() as usize)
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn every_recording_of_every_module_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("not there yet");
        let (mut reels, reader) = reels();
        let mut takes = ModuleTakes::new(folder.clone(), reader);
        takes.allow(true);
        let name = |number| (format!("tape-{number}"), Container::Wav);
        let mut told = Vec::new();
        for block in 0..20u64 {
            push(&mut reels, 1, block * 32, block % 10 < 5);
            push(&mut reels, 2, block * 32, block < 18);
            told.extend(takes.write(block * 32, name));
        }
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().all(|notice| matches!(notice, Notice::Recorded { .. })), "{told:?}");
        let files = files(&folder);
        let lengths: Vec<(&str, usize)> =
            files.iter().map(|(name, length)| (&name[..6], *length)).collect();
        assert_eq!(lengths, [("tape-1", 160), ("tape-1", 160), ("tape-2", 576)]);
    }

    #[test]
    fn a_module_that_is_gone_has_ended_and_so_has_all_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut reels, reader) = reels();
        let mut takes = ModuleTakes::new(folder.path().to_owned(), reader);
        takes.allow(true);
        let name = |number| (format!("tape-{number}"), Container::Wav);
        push(&mut reels, 1, 0, true);
        assert!(takes.write(8032, name).is_empty());
        push(&mut reels, 2, 8032, true);
        assert_eq!(takes.write(8033, name).len(), 1);
        assert_eq!(takes.end(8064, name).len(), 1);
        assert_eq!(files(folder.path()).len(), 2);
    }

    #[test]
    fn nothing_is_recorded_before_it_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut reels, reader) = reels();
        let mut takes = ModuleTakes::new(folder.path().to_owned(), reader);
        let name = |_| ("tape".to_owned(), Container::Wav);
        push(&mut reels, 1, 0, true);
        assert!(takes.write(32, name).is_empty());
        assert_eq!(files(folder.path()), []);
        takes.allow(true);
        push(&mut reels, 1, 32, true);
        push(&mut reels, 1, 64, false);
        assert_eq!(takes.write(96, name).len(), 1);
        assert_eq!(files(folder.path())[0].1, 32, "from when on it was allowed");
    }

    #[test]
    fn a_module_that_is_set_so_records_into_flac_files() {
        let folder = tempfile::tempdir().unwrap();
        let (mut reels, reader) = reels();
        let mut takes = ModuleTakes::new(folder.path().to_owned(), reader);
        takes.allow(true);
        push(&mut reels, 1, 0, true);
        push(&mut reels, 1, 32, false);
        let told = takes.write(64, |_| ("tape".to_owned(), Container::Flac));
        let [Notice::Recorded { path, .. }] = &told[..] else { panic!("{told:?}") };
        assert_eq!(std::fs::read(path).unwrap()[..4], *b"fLaC");
    }

    #[test]
    fn where_nothing_can_be_written_it_is_told_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut reels, reader) = reels();
        let mut takes = ModuleTakes::new(file.path().join("in a file"), reader);
        takes.allow(true);
        push(&mut reels, 1, 0, true);
        push(&mut reels, 1, 32, true);
        push(&mut reels, 1, 64, false);
        let told = takes.write(96, |_| ("tape".to_owned(), Container::Wav));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].to_string().contains("Nothing can be recorded there"), "{told:?}");
    }
}
