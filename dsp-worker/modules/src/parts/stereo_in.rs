//! A left and a right input, as a stereo module hears them.

use sostenuto_dsp::signal::Signal;

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

    /// The volts of one frame: side 0 is left, 1 is right.
    #[inline(always)]
    pub fn at(&self, side: usize, frame: usize) -> f32 {
        self.0[side % 2].sum(frame).clamp(-LOUDEST_VOLTS, LOUDEST_VOLTS)
    }
}
