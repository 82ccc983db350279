//! A left and a right input, as a stereo module hears them.

use std::ops::Range;

use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::QUANTUM;

use crate::module::{Block, Port, port};

/// The left input.
pub const LEFT: Port = port("left", "Left input, ±5 V. A polyphonic cable is summed");

/// The right input.
pub const RIGHT: Port = port("right", "Right input. Unpatched, it is a copy of left");

/// Louder than any patch is, and so far from the largest number that no sum or
/// filter of it can reach infinity and stay there.
const LOUDEST_VOLTS: f32 = 1e4;

/// Two inputs, each the sum of its channels. Right is the same as left while
/// nothing is patched into it.
#[derive(Clone, Copy)]
pub struct StereoIn<'a>([&'a Signal; 2]);

impl<'a> StereoIn<'a> {
    /// The module's inputs of those indices.
    #[inline(always)]
    pub fn new(block: &Block<'a>, left: usize, right: usize) -> StereoIn<'a> {
        let (left, right) = (block.input(left), block.input(right));
        StereoIn([left, if right.is_patched() { right } else { left }])
    }

    /// [`StereoIn::at`] for some frames of the quantum.
    #[inline(always)]
    pub fn volts(&self, side: usize, frames: Range<usize>) -> [f32; QUANTUM] {
        let mut volts = [0.0; QUANTUM];
        for frame in frames {
            volts[frame] = self.at(side, frame);
        }
        volts
    }

    /// Whether both sides are the same signal.
    #[inline(always)]
    pub fn is_mono(&self) -> bool {
        std::ptr::eq(self.0[0], self.0[1])
    }

    /// The volts of one frame: side 0 is left, 1 is right.
    #[inline(always)]
    pub fn at(&self, side: usize, frame: usize) -> f32 {
        self.0[side % 2].sum(frame).clamp(-LOUDEST_VOLTS, LOUDEST_VOLTS)
    }
}
