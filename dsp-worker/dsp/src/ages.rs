//! Since when each channel has been writing its tape.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::units::CHANNELS;

/// A channel that begins anew finds on its tape what it played before: that is
/// not to be heard once more.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Ages {
    /// One more than the frames since then; 0 where the tape was empty.
    frames: [u32; CHANNELS],
}

impl Ages {
    /// These channels begin anew with their next frame.
    pub fn begin(&mut self, channels: &Range<usize>) {
        self.frames[channels.clone()].fill(1);
    }

    /// A channel has written a frame.
    #[inline(always)]
    pub fn next(&mut self, channel: usize) {
        let frames = &mut self.frames[channel % CHANNELS];
        *frames = if *frames == 0 { 0 } else { frames.saturating_add(1) };
    }

    /// How many frames of the tape count.
    #[inline(always)]
    pub fn frames(&self, channel: usize) -> usize {
        (self.frames[channel % CHANNELS] as usize).wrapping_sub(1)
    }

    /// Whether all that its tape has room for was written since the channel began.
    #[inline(always)]
    pub fn are_endless(&self, channel: usize) -> bool {
        self.frames[channel % CHANNELS] == 0
    }

    /// Whether what lies that far behind, in frames, was written since the
    /// channel began.
    #[inline(always)]
    pub fn reach(&self, channel: usize, delay_frames: f32) -> bool {
        self.frames(channel) as f32 >= delay_frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_since_is_within_reach() {
        let mut ages = Ages::default();
        assert!(ages.reach(3, 1e6));
        ages.begin(&(2..4));
        assert!(!ages.reach(3, 1.0) && ages.reach(4, 1e6));
        ages.next(3);
        assert!(ages.reach(3, 1.0) && !ages.reach(3, 1.5) && !ages.reach(2, 1.0));
    }
}
