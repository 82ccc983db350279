//! \[rt\] What Recorder modules record, on its way to the disk. It never makes
//! the engine wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use shm_ring::ring::{Consumer, Producer, Ring};
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, MAX_BLOCK_FRAMES, QUANTUM, SCHMITT_HIGH_VOLTS};

use crate::engine::Frame;

/// Frames that wait to be written: 1.4 seconds of one recorder at 48 kHz.
const FRAMES: usize = 65_536;
const RUNS: usize = 4096;

type Frames = Ring<Frame, FRAMES>;
type Runs = Ring<Run, RUNS>;

/// Recorder modules that may record at a time, those that fade out included.
pub const MAX_RECORDERS: usize = 16;

/// Frames in a row that a module has recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Which module; see [`Memory::number`](crate::plan::Memory::number).
    pub number: u32,
    /// How many frames.
    pub frames: u32,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Whether the recording ends with them.
    pub ends: bool,
    /// The clock at the first of them.
    pub frame: u64,
}

/// The engine's end.
pub struct Reels {
    frames: Producer<Arc<Frames>>,
    runs: Producer<Arc<Runs>>,
    room: Box<[Frame]>,
    /// The modules that have recorded up to the last frame.
    open: [Option<u32>; MAX_RECORDERS],
    lost: Arc<AtomicU64>,
}

/// The end of who writes.
pub struct Reader {
    frames: Consumer<Arc<Frames>>,
    runs: Consumer<Arc<Runs>>,
    lost: Arc<AtomicU64>,
}

/// Both ends. Not real-time.
pub fn reels() -> (Reels, Reader) {
    let (to_frames, frames) = Frames::split();
    let (to_runs, runs) = Runs::split();
    let lost = Arc::<AtomicU64>::default();
    let room = vec![[0.0; 2]; MAX_BLOCK_FRAMES].into_boxed_slice();
    let open = [None; MAX_RECORDERS];
    let reels = Reels { frames: to_frames, runs: to_runs, room, open, lost: Arc::clone(&lost) };
    (reels, Reader { frames, runs, lost })
}

impl Reels {
    /// A block of a module is done: `outputs` are its left, right and whether it
    /// records, quantum by quantum. Real-time safe.
    pub fn push<'a>(
        &mut self,
        at: Run,
        frames: usize,
        outputs: impl Fn(usize) -> Option<&'a [Signal; 3]>,
    ) {
        let (mut first, mut count) = (0, 0);
        let mut was_open = self.close(at.number);
        for offset in 0..frames.min(MAX_BLOCK_FRAMES) {
            let Some([left, right, recording]) = outputs(offset / QUANTUM) else { return };
            let frame = offset % QUANTUM;
            if recording.at(0, frame) > SCHMITT_HIGH_VOLTS {
                first = if count == 0 { offset } else { first };
                let volts = [left.at(0, frame), right.at(0, frame)];
                self.room[count] = volts.map(|volts| volts / FULL_SCALE_VOLTS);
                count += 1;
            } else if count > 0 || was_open {
                first = if count == 0 { offset } else { first };
                self.push_run(Run { ends: true, ..at }, first, count);
                (count, was_open) = (0, false);
            }
        }
        if count > 0 {
            self.push_run(Run { ends: false, ..at }, first, count);
            if let Some(free) = self.open.iter_mut().find(|open| open.is_none()) {
                *free = Some(at.number);
            }
        }
    }

    /// Whether that module has recorded up to the last frame; from now on, it
    /// has not.
    fn close(&mut self, number: u32) -> bool {
        let open = self.open.iter_mut().find(|open| **open == Some(number));
        open.is_some_and(|open| open.take().is_some())
    }

    fn push_run(&mut self, run: Run, first: usize, count: usize) {
        if self.frames.room() < count || self.runs.room() == 0 {
            self.lost.fetch_add(count as u64, Relaxed);
            return;
        }
        self.frames.push(&self.room[..count]);
        self.runs.push(&[Run { frames: count as u32, frame: run.frame + first as u64, ..run }]);
    }
}

impl Reader {
    /// The next run, its frames into `out`, which holds nothing else then. Full
    /// scale is 1. `None` where none is there yet. Never waits.
    pub fn read(&mut self, out: &mut Vec<Frame>) -> Option<Run> {
        let mut run = [Run::default()];
        if self.runs.pop(&mut run) == 0 {
            return None;
        }
        // Its frames were pushed before it was.
        out.resize(run[0].frames as usize, [0.0; 2]);
        self.frames.pop(out);
        Some(run[0])
    }

    /// Frames that came faster than they were read, ever.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::*;

    /// A quantum that records where `is_on` says, and counts in volts.
    fn quantum(start: usize, is_on: impl Fn(usize) -> bool) -> [Signal; 3] {
        let mut signals = [Signal::zeroed(); 3];
        for frame in 0..QUANTUM {
            let at = start + frame;
            signals[0].put(0, frame, at as f32);
            signals[1].put(0, frame, -(at as f32));
            signals[2].put(0, frame, if is_on(at) { 10.0 } else { 0.0 });
        }
        signals
    }

    #[test]
    fn recordings_are_cut_to_the_frame_and_end_once() {
        let (mut reels, mut reader) = reels();
        let is_on = |at: usize| (10..100).contains(&at) || (120..128).contains(&at);
        for block in 0..3 {
            let start = block * 64;
            let quanta = [start, start + QUANTUM].map(|start| quantum(start, is_on));
            let at =
                Run { number: 7, sample_rate_hz: 48_000, frame: start as u64, ..Run::default() };
            reels.push(at, 64, |quantum| quanta.get(quantum));
        }
        let mut out = Vec::new();
        let mut read = || {
            let run = reader.read(&mut out)?;
            Some((run.frame, out.len(), run.ends, out.first().copied()))
        };
        assert_eq!(read(), Some((10, 54, false, Some([1.0, -1.0]))));
        assert_eq!(read(), Some((64, 36, true, Some([6.4, -6.4]))));
        assert_eq!(read(), Some((120, 8, false, Some([12.0, -12.0]))));
        assert_eq!(read(), Some((128, 0, true, None)));
        assert_eq!(read(), None);
    }

    #[test]
    fn who_reads_too_slowly_loses_frames_and_they_are_counted() {
        let (mut reels, reader) = reels();
        let quanta = vec![quantum(0, |_| true); MAX_BLOCK_FRAMES / QUANTUM];
        for _ in 0..FRAMES / MAX_BLOCK_FRAMES + 1 {
            reels.push(Run::default(), MAX_BLOCK_FRAMES, |quantum| quanta.get(quantum));
        }
        assert_eq!(reader.lost(), MAX_BLOCK_FRAMES as u64);
    }
}
