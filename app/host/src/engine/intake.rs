//! \[rt\] What the sound card hears, on its way from the card's callback to the
//! modules. It never makes either wait.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, PoisonError};

use shm_ring::ring::{Consumer, Producer, Ring};
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, MAX_BLOCK_FRAMES};
use sostenuto_modules::card::CARD_CHANNELS;

/// A frame that was heard. Full scale is 1.
pub type Heard = [f32; CARD_CHANNELS];

/// Frames that wait at most: 170 ms at 48 kHz.
pub const HEARD_FRAMES: usize = 8192;

type HeardRing = Ring<Heard, HEARD_FRAMES>;

/// What remains of a jump after each frame.
const FADE: f32 = 0.99;

/// Below this, a jump has faded.
const FAINT: f32 = 1e-6;

/// What both ends know.
#[derive(Debug, Default)]
pub struct Flow {
    /// Frames that come at a time, at most; 0 while nobody listens.
    chunk_frames: AtomicU32,
    /// Times that nothing was there in time, or too much was.
    slips: AtomicU64,
}

impl Flow {
    /// Times that a stretch was missing or too much: another clock than the
    /// sound's, or a busy machine.
    pub fn slips(&self) -> u64 {
        self.slips.load(Relaxed)
    }

    /// How long a frame waits, in frames, before the block that hears it.
    pub fn waiting_frames(&self) -> u32 {
        self.chunk_frames.load(Relaxed)
    }
}

/// The card's end. Whoever listens last pushes: one at a time.
#[derive(Clone)]
pub struct InputFeed {
    ring: Arc<Mutex<Producer<Arc<HeardRing>>>>,
    flow: Arc<Flow>,
}

impl InputFeed {
    /// What was heard, so many channels to a frame; see [`heard`]. Real-time safe.
    pub fn push(&self, samples: impl ExactSizeIterator<Item = f32>, channels: usize) {
        let frames = samples.len() / channels.max(1);
        self.push_frames(heard(samples, channels), frames);
    }

    /// Frames that were heard; so many come at a time. Real-time safe.
    pub fn push_frames(&self, frames: impl Iterator<Item = Heard>, at_once_frames: usize) {
        // Only a stream that is just being replaced finds another one here.
        let Ok(mut ring) = self.ring.try_lock() else { return };
        let at_once = at_once_frames.min(MAX_BLOCK_FRAMES) as u32;
        self.flow.chunk_frames.fetch_max(at_once, Release);
        // Where nobody hears it, it is lost.
        frames.for_each(|frame| {
            let is_number = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
            ring.push(&[frame.map(is_number)]);
        });
    }

    /// Nobody listens any more, or somebody else does.
    pub fn close(&self) {
        let _last = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        self.flow.chunk_frames.store(0, Release);
    }

    /// How it flows.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }
}

/// Frames of samples that come channel by channel, so many to a frame. A mono card
/// is heard on both sides. Real-time safe.
pub fn heard(
    mut samples: impl Iterator<Item = f32>,
    channels: usize,
) -> impl Iterator<Item = Heard> {
    std::iter::from_fn(move || {
        let mut frame = [0.0; CARD_CHANNELS];
        frame[0] = samples.next()?;
        for channel in 1..channels {
            let sample = samples.next()?;
            if let Some(place) = frame.get_mut(channel) {
                *place = sample;
            }
        }
        if channels <= 1 {
            frame[1] = frame[0];
        }
        Some(frame)
    })
}

/// The engine's end.
pub struct Intake {
    ring: Consumer<Arc<HeardRing>>,
    flow: Arc<Flow>,
    room: Box<[Heard; MAX_BLOCK_FRAMES]>,
    is_waiting: bool,
    last: Heard,
    /// From what would have come to what does: it fades, so that nothing jumps.
    gap: Heard,
    is_silent: bool,
}

/// Both ends. Not real-time.
pub fn intake() -> (InputFeed, Intake) {
    let (producer, consumer) = HeardRing::split();
    let flow = Arc::<Flow>::default();
    let input_feed = InputFeed { ring: Arc::new(Mutex::new(producer)), flow: Arc::clone(&flow) };
    let room = vec![[0.0; CARD_CHANNELS]; MAX_BLOCK_FRAMES].into_boxed_slice();
    let intake = Intake {
        ring: consumer,
        flow,
        room: room.try_into().expect("it has that length"),
        is_waiting: true,
        last: [0.0; CARD_CHANNELS],
        gap: [0.0; CARD_CHANNELS],
        is_silent: false,
    };
    (input_feed, intake)
}

impl Intake {
    /// Writes the volts of the next block, channel after channel, each as long
    /// as the longest block. Real-time safe.
    pub fn fill(&mut self, frames: usize, out: &mut [f32]) {
        let frames = frames.min(MAX_BLOCK_FRAMES);
        let there = self.ring.filled();
        // Acquire: with the Release in `InputFeed`.
        let chunk = self.flow.chunk_frames.load(Acquire) as usize;
        let enough = chunk + frames;
        let mut jumps_at = None;
        if self.is_waiting && chunk > 0 && there >= enough {
            self.is_waiting = false;
            jumps_at = Some(0);
        }
        if !self.is_waiting && there > 2 * enough + frames {
            self.skip(there - enough);
            jumps_at = Some(0);
        }
        let count = if self.is_waiting { 0 } else { self.ring.pop(&mut self.room[..frames]) };
        if !self.is_waiting && count < frames {
            self.is_waiting = true;
            self.flow.slips.fetch_add(u64::from(chunk > 0), Relaxed);
            jumps_at = Some(count);
        }
        if count == 0 && jumps_at.is_none() && self.gap.iter().all(|gap| gap.abs() < FAINT) {
            if !self.is_silent {
                out.fill(0.0);
                self.last = [0.0; CARD_CHANNELS];
                self.is_silent = true;
            }
            return;
        }
        self.is_silent = false;
        self.room[count..frames].fill([0.0; CARD_CHANNELS]);
        for (frame, heard) in self.room[..frames].iter().enumerate() {
            if jumps_at == Some(frame) {
                self.gap = std::array::from_fn(|channel| self.last[channel] - heard[channel]);
            }
            for (channel, heard) in heard.iter().enumerate() {
                self.last[channel] = heard + self.gap[channel];
                self.gap[channel] *= FADE;
                if let Some(out) = out.get_mut(channel * MAX_BLOCK_FRAMES + frame) {
                    *out = self.last[channel] * FULL_SCALE_VOLTS;
                }
            }
        }
    }

    /// Its clock is slower than the card's: some frames are not heard.
    fn skip(&mut self, mut frames: usize) {
        self.flow.slips.fetch_add(1, Relaxed);
        while frames > 0 {
            let count = frames.min(MAX_BLOCK_FRAMES);
            self.ring.pop(&mut self.room[..count]);
            frames -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::card::CARD_SAMPLES;

    use super::*;

    fn block(intake: &mut Intake, frames: usize) -> (Vec<f32>, Vec<f32>) {
        let mut out = vec![9.0; CARD_SAMPLES];
        intake.is_silent = false;
        intake.fill(frames, &mut out);
        (out[..frames].to_vec(), out[MAX_BLOCK_FRAMES..][..frames].to_vec())
    }

    #[test]
    fn what_was_heard_comes_as_volts_once_there_is_enough() {
        let (input_feed, mut intake) = intake();
        assert_eq!(block(&mut intake, 64).0, [0.0; 64]);
        let tone: Vec<f32> = (0..512).flat_map(|n| [n as f32 / 512.0, 0.5]).collect();
        for chunk in tone.chunks(128) {
            input_feed.push(chunk.iter().copied(), 2);
        }
        // Somebody is ahead by one chunk, and so by less than two blocks.
        let (left, right) = block(&mut intake, 64);
        assert_eq!(left[0], 0.0);
        assert!(left.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.1));
        assert!(right.windows(2).all(|pair| pair[1] > pair[0]), "it fades in");
        assert_eq!(input_feed.flow().waiting_frames(), 64);
        let later = block(&mut intake, 64);
        assert!((later.1[63] - 5.0).abs() < 2.0);
    }

    #[test]
    fn a_mono_card_is_heard_on_both_sides_and_a_wide_one_to_its_eighth_channel() {
        let (input_feed, mut intake) = intake();
        (0..4).for_each(|_| input_feed.push([0.5; 64].into_iter(), 1));
        let (left, right) = block(&mut intake, 64);
        assert_eq!(left, right);
        let (input_feed, mut intake) = self::intake();
        (0..4).for_each(|_| input_feed.push([0.5; 640].into_iter(), 10));
        let mut out = vec![0.0; CARD_SAMPLES];
        intake.fill(64, &mut out);
        assert!(out[7 * MAX_BLOCK_FRAMES + 63] > 1.0);
    }

    #[test]
    fn what_comes_late_or_too_fast_makes_no_step_and_is_counted() {
        let (input_feed, mut intake) = intake();
        let mut heard = Vec::new();
        let mut go = |pushes: usize, blocks: usize, heard: &mut Vec<f32>| {
            (0..pushes).for_each(|_| input_feed.push([0.8; 64].into_iter(), 1));
            (0..blocks).for_each(|_| heard.extend(block(&mut intake, 64).0));
        };
        go(4, 12, &mut heard);
        go(4, 3, &mut heard);
        go(40, 20, &mut heard);
        let steps = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.11);
        assert!(heard.iter().any(|&volts| volts > 5.0));
        assert_eq!(
            input_feed.flow().slips(),
            3,
            "once empty, once too full, once empty at the end"
        );
    }

    #[test]
    fn once_nobody_listens_it_is_silent() {
        let (input_feed, mut intake) = intake();
        (0..4).for_each(|_| input_feed.push([0.8; 64].into_iter(), 1));
        block(&mut intake, 64);
        input_feed.close();
        let heard: Vec<f32> = (0..40).flat_map(|_| block(&mut intake, 64).0).collect();
        assert_eq!(heard[heard.len() - 64..], [0.0; 64]);
    }
}
