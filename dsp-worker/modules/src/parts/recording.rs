//! Since when a module has been writing its tapes.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::QUANTUM;

use crate::module::Block;

/// How long what was recorded after a break takes to fade in, in frames.
const FADE_FRAMES: f32 = 256.0;

/// A module that is bypassed is left alone: its tapes keep what they had. When
/// it plays again, that is not to be heard once more.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Recording {
    /// The clock at the end of the last break. 0: there was none.
    since: u64,
    /// The clock at the next quantum, unless there is a break. 0: new.
    next: u64,
}

impl Recording {
    /// To be told of every call of [`process`](crate::Module::process). Whether
    /// it is the first after a break.
    #[inline(always)]
    pub fn follow(&mut self, block: &Block) -> bool {
        if !block.starts_quantum() {
            return false;
        }
        let breaks = self.next != 0 && self.next != block.frame;
        if breaks {
            self.since = block.frame;
        }
        self.next = block.frame + QUANTUM as u64;
        breaks
    }

    /// How much of what was recorded that long before the clock's frame is to be
    /// heard: 0 where it is from before the break.
    #[inline(always)]
    pub fn level(&self, now: u64, delay_frames: f32) -> f32 {
        if self.since == 0 {
            return 1.0;
        }
        let age_frames = now.wrapping_sub(self.since) as f32 - delay_frames;
        (age_frames * (1.0 / FADE_FRAMES)).clamp(0.0, 1.0)
    }

    /// How far back the tapes are free of a break, in frames, at the start of
    /// this quantum.
    #[inline(always)]
    pub fn frames(&self, block: &Block) -> usize {
        if self.since == 0 { usize::MAX } else { block.frame.wrapping_sub(self.since) as usize }
    }
}
