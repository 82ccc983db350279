//! Keeps what the engine makes: a recording, and always the last minutes, in
//! case somebody wants them afterwards. It reads along on a thread of its own
//! and costs the engine nothing but the tap.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sostenuto_osc::message::record::{Recorded, RecorderStatus, WavFormat};
use sostenuto_patch::{Patch, file};
use thiserror::Error;

use crate::engine::Frame;
use crate::engine::tap::Tap;
use crate::notice::{Notice, Tell};

mod memory;
mod modules;
mod take;

use memory::{Memory, Stretch};
pub use modules::ModuleTakes;
pub use take::TakeError;
use take::{Take, free_name, patch_beside};

/// How often the tap is emptied. It holds far more.
const NAP: Duration = Duration::from_millis(20);

/// Why it does not record.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum RecordError {
    #[error("{0}")]
    Take(#[from] TakeError),
    #[error("A recording is already running: {}", .0.display())]
    Recording(PathBuf),
    #[error("Nothing is being recorded.")]
    NotRecording,
    #[error("There is no recent audio to save.")]
    NothingRemembered,
    #[error("This host does not record.")]
    NoRecorder,
}

/// The thread that keeps the sound, until this is dropped; then it ends a
/// recording that is going on.
pub struct Recorder {
    remote: Remote,
    thread: Option<JoinHandle<()>>,
}

/// What the recorder is told by.
#[derive(Clone)]
pub struct Remote {
    orders: Sender<Order>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    status: RecorderStatus,
    done: Vec<Recorded>,
    rate: u32,
}

enum Order {
    Start(Box<Take>),
    Stop(Box<Patch>),
    Save { take: Box<Take>, secs: f64, patch: Box<Patch> },
    End,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Keeps what comes from the tap, so much of it as `remembered` says.
    /// `rate`, in Hz, counts until the first block has come.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn start(
        tap: Tap,
        remembered: Duration,
        rate: u32,
        tell: Tell,
    ) -> std::io::Result<Recorder> {
        let (orders, mailbox) = channel();
        let shared = Arc::new(Mutex::new(Shared { rate, ..Shared::default() }));
        let keeper = Keeper {
            tap,
            memory: Memory::new(remembered.as_secs_f64()),
            take: None,
            next: None,
            rate: None,
            shared: Arc::clone(&shared),
            savers: Vec::new(),
            tell,
        };
        let thread = std::thread::Builder::new().name("recorder".to_owned());
        let thread = thread.spawn(move || keeper.run(&mailbox))?;
        Ok(Recorder { remote: Remote { orders, shared }, thread: Some(thread) })
    }

    /// To tell it what to do, from anywhere.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.remote.orders.send(Order::End);
        self.thread.take().map(JoinHandle::join);
    }
}

impl Remote {
    /// Records from now on, into a file of that name.
    ///
    /// # Errors
    /// Where a recording is going on, or there can be no such file.
    pub fn start(&self, path: &Path, format: WavFormat) -> Result<(), RecordError> {
        let rate = {
            let shared = lock(&self.shared);
            if let Some(path) = &shared.status.path {
                return Err(RecordError::Recording(path.clone()));
            }
            shared.rate
        };
        // The disk has time, and nobody is to wait for it.
        let take = Take::create(path, format, rate)?;
        let mut shared = lock(&self.shared);
        if let Some(path) = &shared.status.path {
            return Err(RecordError::Recording(path.clone()));
        }
        shared.status.path = Some(path.to_owned());
        shared.status.secs = 0.0;
        let _ = self.orders.send(Order::Start(Box::new(take)));
        Ok(())
    }

    /// Ends the recording, with all that the engine has made until now. The
    /// patch is saved beside it.
    ///
    /// # Errors
    /// Where there is none.
    pub fn stop(&self, patch: Patch) -> Result<(), RecordError> {
        if lock(&self.shared).status.path.is_none() {
            return Err(RecordError::NotRecording);
        }
        let _ = self.orders.send(Order::Stop(Box::new(patch)));
        Ok(())
    }

    /// Saves what is remembered, or the last of it; a recording goes on
    /// meanwhile. The patch is saved beside it.
    ///
    /// # Errors
    /// Where nothing is, or there can be no such file.
    pub fn save_last(
        &self,
        path: &Path,
        format: WavFormat,
        secs: Option<f64>,
        patch: Patch,
    ) -> Result<(), RecordError> {
        let (remembered_secs, rate) = {
            let shared = lock(&self.shared);
            (shared.status.remembered_secs, shared.rate)
        };
        if remembered_secs <= 0.0 {
            return Err(RecordError::NothingRemembered);
        }
        let take = Box::new(Take::create(path, format, rate)?);
        let secs = secs.unwrap_or(f64::INFINITY);
        let _ = self.orders.send(Order::Save { take, secs, patch: Box::new(patch) });
        Ok(())
    }

    /// What it does.
    pub fn status(&self) -> RecorderStatus {
        lock(&self.shared).status.clone()
    }

    /// The files that were done since the last time.
    pub fn take_done(&self) -> Vec<Recorded> {
        std::mem::take(&mut lock(&self.shared).done)
    }
}

struct Keeper {
    tap: Tap,
    memory: Memory,
    take: Option<Take>,
    /// The frame that comes next.
    next: Option<u64>,
    /// Of the last block.
    rate: Option<u32>,
    shared: Arc<Mutex<Shared>>,
    savers: Vec<JoinHandle<()>>,
    tell: Tell,
}

impl Keeper {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut frames = Vec::new();
        loop {
            let order = orders.recv_timeout(NAP);
            // What the engine has made until now was made before the order.
            self.empty_tap(&mut frames);
            match order {
                Ok(Order::Start(take)) => self.take = Some(*take),
                Ok(Order::Stop(patch)) => self.stop(Some(&patch)),
                Ok(Order::Save { take, secs, patch }) => self.save(*take, secs, *patch),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.say();
        }
        self.stop(None);
        for saver in self.savers {
            let _ = saver.join();
        }
    }

    fn empty_tap(&mut self, frames: &mut Vec<Frame>) {
        while let Some(block) = self.tap.read(frames) {
            let rate = block.sample_rate_hz;
            // What did not fit into the tap is silent, so that time stays right. At
            // another sample rate the clock counts other frames.
            let next = self.next.filter(|_| self.rate == Some(rate));
            let missing = next.map_or(0, |next| block.frame.saturating_sub(next));
            self.rate = Some(rate);
            self.next = Some(block.frame + u64::from(block.frames));
            if missing > 0 {
                lock(&self.shared).status.dropped_frames += missing;
            }
            self.memory.push_silence(rate, missing as usize);
            self.memory.push(rate, frames);
            let Some(take) = &mut self.take else { continue };
            let written = take.push_silence(rate, missing as usize);
            if let Err(error) = written.and_then(|()| take.push(rate, frames)) {
                self.take = None;
                self.end(Err(error));
            }
        }
    }

    fn say(&mut self) {
        self.savers.retain(|saver| !saver.is_finished());
        let mut shared = lock(&self.shared);
        shared.status.remembered_secs = self.memory.secs();
        shared.rate = self.rate.unwrap_or(shared.rate);
        if let Some(take) = &self.take {
            shared.status.secs = take.secs();
        }
    }

    fn stop(&mut self, patch: Option<&Patch>) {
        let Some(take) = self.take.take() else { return };
        let path = take.path().to_owned();
        self.end(take.finish());
        if let Some(patch) = patch {
            save_patch(&path, patch, &self.tell);
        }
    }

    /// The recording is over.
    fn end(&self, done: Result<Vec<Recorded>, TakeError>) {
        let mut shared = lock(&self.shared);
        shared.status.path = None;
        shared.status.secs = 0.0;
        match done {
            Ok(done) => shared.done.extend(done),
            Err(error) => {
                drop(shared);
                (self.tell)(failed(&error));
            }
        }
    }

    fn save(&mut self, take: Take, secs: f64, patch: Patch) {
        let stretches = self.memory.last(secs);
        let (shared, tell) = (Arc::clone(&self.shared), Arc::clone(&self.tell));
        let save = move || {
            let path = take.path().to_owned();
            match write(take, &stretches) {
                Ok(done) => lock(&shared).done.extend(done),
                Err(error) => return tell(failed(&error)),
            }
            save_patch(&path, &patch, &tell);
        };
        match std::thread::Builder::new().name("save last".to_owned()).spawn(save) {
            Ok(saver) => self.savers.push(saver),
            Err(error) => {
                (self.tell)(failed(&format!("The recent audio was not saved: {error}")));
            }
        }
    }
}

fn write(mut take: Take, stretches: &[Stretch]) -> Result<Vec<Recorded>, TakeError> {
    for stretch in stretches {
        match stretch.frames() {
            Some(frames) => take.push(stretch.rate, frames)?,
            None => take.push_silence(stretch.rate, stretch.len())?,
        }
    }
    take.finish()
}

fn failed(error: &impl ToString) -> Notice {
    Notice::RecordingFailed { error: error.to_string() }
}

/// What was heard, to go on from: beside the recording, and never over another
/// patch.
fn save_patch(recording: &Path, patch: &Patch, tell: &Tell) {
    let path = free_name(&patch_beside(recording), None);
    if let Err(error) = file::save(&path, patch, file::Over::Patches) {
        tell(failed(&error));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::engine::tap::Pipe;

    /// How long something may take that takes no time on a quiet machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "it does not come to this: {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_the_tap_lost_is_silent_and_counted_so_that_time_stays_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gap.wav");
        let (mut sender, pipe) = Pipe::new();
        let tell: Tell = Arc::new(|_| ());
        let minute = Duration::from_secs(60);
        let recorder = Recorder::start(pipe.open().unwrap(), minute, 8000, tell).unwrap();
        let remote = recorder.remote();
        remote.start(&path, WavFormat::F32).unwrap();
        until("it records", || remote.status().path.is_some());
        let nothing = remote.save_last(&path, WavFormat::F32, None, Patch::default());
        assert!(matches!(nothing, Err(RecordError::NothingRemembered)));
        sender.push(640, 8000, 0, &[[0.5; 2]; 32]);
        until("the first block is there", || remote.status().remembered_secs > 0.0);
        sender.push(640 + 32 + 64, 8000, 0, &[[0.25; 2]; 32]);
        until("the second block is there", || remote.status().remembered_secs >= 128.0 / 8000.0);
        assert_eq!(remote.status().dropped_frames, 64);
        let all = folder.path().join("all.wav");
        remote.save_last(&all, WavFormat::F32, None, Patch::default()).unwrap();
        until("it is saved", || !remote.take_done().is_empty());
        let mut wav = hound::WavReader::open(&all).unwrap();
        let samples: Vec<f32> = wav.samples().map(Result::unwrap).collect();
        let should_be = [[0.5; 64].as_slice(), &[0.0; 128], &[0.25; 64]].concat();
        assert_eq!(samples, should_be);
        drop(recorder);
        assert!(path.exists(), "what nobody ended is whole");
    }
}
