//! \[rt\] Every block that the engine makes, for whoever wants to read along: a
//! recorder, a drill. It never makes the engine wait.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shm_ring::ring::{Consumer, Producer, Ring};
use sostenuto_dsp::units::MIN_BLOCK_FRAMES;

use crate::engine::Frame;

/// Frames that wait to be read: 1.4 seconds at 48 kHz.
const FRAMES: usize = 65_536;
const BLOCKS: usize = FRAMES / MIN_BLOCK_FRAMES;

type Frames = Ring<Frame, FRAMES>;
type Headers = Ring<TappedBlock, BLOCKS>;

/// A block that the engine has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TappedBlock {
    /// Frames since the sound began, at the present sample rate, up to the first
    /// of this block.
    pub frame: u64,
    /// How many frames it has.
    pub frames: u32,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// How long it took, in nanoseconds.
    pub nanos: u32,
    /// For whom it was pushed: who opens the tap later does not want it.
    opening: u32,
}

/// What both ends know.
#[derive(Default)]
struct Valve {
    /// Counts openings and closings: odd while it is open.
    opening: AtomicU32,
    lost: AtomicU64,
}

impl Valve {
    fn is_open(opening: u32) -> bool {
        opening % 2 == 1
    }
}

/// The engine's end.
pub struct TapSender {
    valve: Arc<Valve>,
    frames: Producer<Arc<Frames>>,
    headers: Producer<Arc<Headers>>,
}

impl TapSender {
    /// A block was made, from that frame on. Does nothing while nobody reads.
    /// Real-time safe.
    pub fn push(&mut self, frame: u64, sample_rate_hz: u32, nanos: u32, block: &[Frame]) {
        // Acquire: with the Release in `Pipe::open`, by which `lost` is 0.
        let opening = self.valve.opening.load(Acquire);
        if !Valve::is_open(opening) {
            return;
        }
        if self.frames.room() < block.len() || self.headers.room() == 0 {
            self.valve.lost.fetch_add(1, Relaxed);
            return;
        }
        self.frames.push(block);
        let frames = block.len() as u32;
        self.headers.push(&[TappedBlock { frame, frames, sample_rate_hz, nanos, opening }]);
    }
}

/// Where the reader's end lies while nobody reads.
pub struct Pipe(Arc<Mutex<Option<Ends>>>);

struct Ends {
    valve: Arc<Valve>,
    frames: Consumer<Arc<Frames>>,
    headers: Consumer<Arc<Headers>>,
}

impl Pipe {
    /// A closed tap, and the engine's end of it.
    pub fn new() -> (TapSender, Pipe) {
        let (to_frames, frames) = Frames::split();
        let (to_headers, headers) = Headers::split();
        let valve = Arc::<Valve>::default();
        let sender =
            TapSender { valve: Arc::clone(&valve), frames: to_frames, headers: to_headers };
        (sender, Pipe(Arc::new(Mutex::new(Some(Ends { valve, frames, headers })))))
    }

    /// Opens the tap, for one reader at a time.
    pub fn open(&self) -> Option<Tap> {
        let ends = lock(&self.0).take()?;
        ends.valve.lost.store(0, Relaxed);
        // Release: with the Acquire in `TapSender::push`.
        let opening = ends.valve.opening.fetch_add(1, Release) + 1;
        Some(Tap { opening, ends: Some(ends), home: Arc::clone(&self.0) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open tap: every block from now on, in order and whole, until it is
/// dropped.
pub struct Tap {
    opening: u32,
    ends: Option<Ends>,
    home: Arc<Mutex<Option<Ends>>>,
}

impl Tap {
    /// The next block, its frames into `out`, which holds nothing else then.
    /// `None` where none is there yet. Never waits.
    pub fn read(&mut self, out: &mut Vec<Frame>) -> Option<TappedBlock> {
        let ends = self.ends.as_mut()?;
        let mut header = [TappedBlock::default()];
        while ends.headers.pop(&mut header) == 1 {
            let [block] = header;
            // Its frames were pushed before it was.
            out.resize(block.frames as usize, [0.0; 2]);
            ends.frames.pop(out);
            if block.opening == self.opening {
                return Some(block);
            }
        }
        None
    }

    /// Blocks that were not kept, because too many waited to be read.
    pub fn lost(&self) -> u64 {
        self.ends.as_ref().map_or(0, |ends| ends.valve.lost.load(Relaxed))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(ends) = self.ends.take() {
            ends.valve.opening.fetch_add(1, Relaxed);
            *lock(&self.home) = Some(ends);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    fn block(value: f32) -> [Frame; 32] {
        [[value, -value]; 32]
    }

    #[test]
    fn blocks_are_read_in_order_and_whole() {
        let (mut sender, pipe) = Pipe::new();
        let mut tap = pipe.open().expect("nobody reads");
        sender.push(0, RATE_HZ, 7, &block(1.0));
        sender.push(32, RATE_HZ, 8, &block(2.0)[..16]);
        let mut out = Vec::new();
        let first = tap.read(&mut out).expect("the first block");
        assert_eq!((first.frame, first.frames, first.nanos), (0, 32, 7));
        assert_eq!(out, block(1.0));
        assert_eq!(tap.read(&mut out).map(|block| block.frame), Some(32));
        assert_eq!(out, block(2.0)[..16]);
        assert_eq!(tap.read(&mut out), None);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_rest_stays_whole() {
        let (mut sender, pipe) = Pipe::new();
        let mut tap = pipe.open().expect("nobody reads");
        let long = [[0.5; 2]; 2048];
        (0..40).for_each(|index| sender.push(2048 * index, RATE_HZ, 0, &long));
        assert_eq!(tap.lost(), 8);
        let mut out = Vec::new();
        let frames: Vec<u64> =
            std::iter::from_fn(|| tap.read(&mut out)).map(|block| block.frame).collect();
        assert_eq!(frames, (0..32).map(|index| 2048 * index).collect::<Vec<_>>());
        sender.push(81_920, RATE_HZ, 0, &long);
        assert_eq!(tap.read(&mut out).map(|block| block.frame), Some(81_920));
    }

    #[test]
    fn one_reads_at_a_time_and_from_its_own_opening_on() {
        let (mut sender, pipe) = Pipe::new();
        let first = pipe.open().expect("nobody reads");
        assert!(pipe.open().is_none());
        sender.push(0, RATE_HZ, 0, &block(1.0));
        drop(first);
        sender.push(32, RATE_HZ, 0, &block(2.0));
        let mut second = pipe.open().expect("nobody reads any more");
        sender.push(64, RATE_HZ, 0, &block(3.0));
        let mut out = Vec::new();
        assert_eq!(second.read(&mut out).map(|block| block.frame), Some(64));
        assert_eq!(out, block(3.0));
        assert_eq!(second.read(&mut out), None);
    }
}
