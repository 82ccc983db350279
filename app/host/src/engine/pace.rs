//! How fast and how finely the sound is computed: it may change while it plays.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::engine::link::OUT_FRAMES;

/// What engine, planner and sound card go by.
#[derive(Debug)]
pub struct Pace {
    sample_rate_hz: AtomicU32,
    block_frames: AtomicU32,
    ahead: AtomicU32,
    card_frames: AtomicU32,
}

impl Pace {
    /// To begin with.
    pub fn new(sample_rate_hz: u32, block_frames: u32, ahead: u32) -> Pace {
        Pace {
            sample_rate_hz: sample_rate_hz.into(),
            block_frames: block_frames.into(),
            ahead: ahead.into(),
            card_frames: block_frames.into(),
        }
    }

    /// In Hz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz.load(Relaxed)
    }

    /// Computed in one go.
    pub fn block_frames(&self) -> u32 {
        self.block_frames.load(Relaxed)
    }

    /// Blocks computed ahead of the sound card.
    pub fn ahead(&self) -> u32 {
        self.ahead.load(Relaxed)
    }

    /// A plan of that rate and block is played from now on.
    pub fn set(&self, sample_rate_hz: u32, block_frames: u32) {
        self.sample_rate_hz.store(sample_rate_hz, Relaxed);
        self.block_frames.store(block_frames, Relaxed);
    }

    /// So many blocks ahead from now on.
    pub fn set_ahead(&self, ahead: u32) {
        self.ahead.store(ahead, Relaxed);
    }

    /// How long a block is heard.
    pub fn block(&self) -> Duration {
        let secs = f64::from(self.block_frames()) / f64::from(self.sample_rate_hz());
        Duration::from_secs_f64(secs)
    }

    /// What the sound card takes at once, in frames.
    pub fn card_frames(&self) -> u32 {
        self.card_frames.load(Relaxed)
    }

    /// The card takes so many frames at once.
    pub fn set_card_frames(&self, frames: u32) {
        self.card_frames.store(frames, Relaxed);
    }

    /// How full the ring to the card is to be at most, where blocks are that
    /// long. Real-time safe.
    pub fn ring_frames(&self, block_frames: u32) -> usize {
        let card = self.card_frames().next_multiple_of(block_frames);
        ((card + self.ahead() * block_frames) as usize).min(OUT_FRAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_holds_what_the_card_takes_and_what_is_computed_ahead() {
        let pace = Pace::new(48_000, 256, 1);
        pace.set_card_frames(256);
        assert_eq!(pace.ring_frames(256), 512);
        pace.set_card_frames(300);
        assert_eq!(pace.ring_frames(256), 768);
        pace.set_ahead(4);
        pace.set_card_frames(64);
        assert_eq!(pace.ring_frames(64), 320);
        pace.set_card_frames(2048);
        assert_eq!(pace.ring_frames(2048), 10_240);
        pace.set_ahead(16);
        pace.set_card_frames(2048);
        assert_eq!(pace.ring_frames(2048), OUT_FRAMES);
        pace.set(96_000, 96);
        assert_eq!(pace.block(), Duration::from_millis(1));
    }
}
