//! What the sound card hears, as modules get it: written by the host before a
//! block, and the same for whoever computes the block again.

use sostenuto_dsp::units::MAX_BLOCK_FRAMES;

/// Channels of the sound card that modules can hear.
pub const CARD_CHANNELS: usize = 8;

/// Samples that one block of it takes: channel after channel, each as long as
/// the longest block.
pub const CARD_SAMPLES: usize = CARD_CHANNELS * MAX_BLOCK_FRAMES;

/// What the sound card heard during one quantum, in volts.
#[derive(Clone, Copy, Debug, Default)]
pub struct CardInput<'a> {
    samples: &'a [f32],
    /// The quantum's first frame in the block.
    first: usize,
}

impl<'a> CardInput<'a> {
    /// `samples` are [`CARD_SAMPLES`] of a block, or none: then it hears nothing.
    pub fn new(samples: &'a [f32], first: usize) -> CardInput<'a> {
        CardInput { samples, first }
    }

    /// The volts of one channel at a frame of the quantum; 0 V where there is no
    /// such channel.
    #[inline(always)]
    pub fn at(&self, channel: usize, frame: usize) -> f32 {
        let index = channel * MAX_BLOCK_FRAMES + self.first + frame;
        self.samples.get(index).copied().unwrap_or(0.0)
    }
}
