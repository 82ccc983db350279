//! Voices that are turned away: they are let go, and stay to fade.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::QUANTUM;

use crate::module::Block;

/// How long the channel of a voice that was turned away stays, in seconds: as
/// long as most releases take.
const TAIL_SECS: f32 = 5.0;

/// How many channels the outputs of a module with voices have.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Tail {
    channels: u32,
    left_frames: u32,
}

impl Tail {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        change.frames(&mut self.left_frames);
    }

    /// To be told of every call of [`process`](crate::Module::process): as many
    /// channels as there are voices, and for a while as many as there were.
    #[inline(always)]
    pub fn channels(&mut self, block: &Block, voices: usize) -> usize {
        if block.starts_quantum() {
            let voices = voices as u32;
            if voices >= self.channels {
                self.channels = voices;
                self.left_frames = (TAIL_SECS * block.sample_rate_hz) as u32;
            } else if self.left_frames > 0 {
                self.left_frames = self.left_frames.saturating_sub(QUANTUM as u32);
            } else {
                self.channels = voices;
            }
        }
        (self.channels as usize).max(voices)
    }
}
