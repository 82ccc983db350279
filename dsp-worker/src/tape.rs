//! Tapes: the long memories of delays and reverbs.
//!
//! A tape is written at the clock's frame and read behind it. It is longer than
//! its longest delay by a whole block, so a block that is repeated overwrites
//! only what it wrote before, and reads what it read before: tapes need no copy
//! to survive a worker's death.

use bytemuck::{Pod, Zeroable};

use crate::units::{MAX_BLOCK_FRAMES, QUANTUM};

/// Tapes that one module may have.
pub const MAX_TAPES: usize = 32;

/// The memory of a tape that is read at most `longest_delay_frames` back, in
/// frames: a power of two.
pub fn tape_frames(longest_delay_frames: usize) -> usize {
    // Interpolation looks two frames further back.
    (longest_delay_frames + 2 + MAX_BLOCK_FRAMES + QUANTUM).next_power_of_two()
}

/// Beyond any voltage, and small enough that sums stay finite.
const MOST_VOLTS: f32 = 1e30;

/// Where one tape lies in a module's tape memory, in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TapeSpan {
    start: u32,
    frames: u32,
}

/// Lays tapes end to end, one for each longest delay in frames. The last span's
/// [`end`](TapeSpan::end) is the memory that they take together.
pub fn lay_out(longest_delays: &[usize]) -> Vec<TapeSpan> {
    let mut start = 0;
    let span = |&delay: &usize| {
        let span = TapeSpan { start, frames: tape_frames(delay) as u32 };
        start = span.start + span.frames;
        span
    };
    longest_delays.iter().map(span).collect()
}

impl TapeSpan {
    /// The first frame past it.
    pub fn end(self) -> usize {
        self.start as usize + self.frames as usize
    }

    #[inline(always)]
    fn index(self, frame: usize) -> usize {
        // The length is a power of two.
        self.start as usize + (frame & (self.frames.wrapping_sub(1) as usize))
    }
}

/// A module's tapes for one quantum.
pub struct Tapes<'a> {
    frame: u64,
    memory: &'a mut [f32],
    spans: &'a [TapeSpan],
}

impl<'a> Tapes<'a> {
    /// `spans` are from [`lay_out`] and lie in `memory`; `frame` is the clock
    /// at the start of the quantum.
    pub fn new(frame: u64, memory: &'a mut [f32], spans: &'a [TapeSpan]) -> Tapes<'a> {
        Tapes { frame, memory, spans }
    }

    /// Writes a tape at a frame of this quantum. What is no number, or too
    /// large to be added up, is 0 V: a module that starts afresh finds its
    /// tapes as they are, and would take it from there again and again.
    #[inline(always)]
    pub fn write(&mut self, tape: usize, frame: usize, volts: f32) {
        let volts = if volts.abs() < MOST_VOLTS { volts } else { 0.0 };
        let now = self.frame as usize + frame;
        self.memory[self.spans[tape].index(now)] = volts;
    }

    /// What was written `delay_frames` before that frame. 0 is what was
    /// written at this very frame.
    #[inline(always)]
    pub fn read(&self, tape: usize, frame: usize, delay_frames: usize) -> f32 {
        let now = self.frame as usize + frame;
        self.memory[self.spans[tape].index(now.wrapping_sub(delay_frames))]
    }

    /// Between two frames, by Hermite's cubic (4 points, third order). From 1
    /// frame of delay up.
    #[inline(always)]
    pub fn read_between(&self, tape: usize, frame: usize, delay_frames: f32) -> f32 {
        let delay_frames = delay_frames.max(1.0);
        let whole = delay_frames as usize;
        let fraction = delay_frames - whole as f32;
        let newer = self.read(tape, frame, whole - 1);
        let here = self.read(tape, frame, whole);
        let older = self.read(tape, frame, whole + 1);
        let oldest = self.read(tape, frame, whole + 2);
        let slope = 0.5 * (older - newer);
        let next_slope = 0.5 * (oldest - here);
        let step = here - older;
        let bend = slope + step;
        let twist = bend + step + next_slope;
        ((twist * fraction - (bend + twist)) * fraction + slope) * fraction + here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_that_much_later() {
        let spans = lay_out(&[7, 100]);
        let mut memory = vec![0.0; spans[1].end()];
        for frame in 0..10_000u64 {
            let mut tapes = Tapes::new(frame, &mut memory, &spans);
            tapes.write(0, 0, -1.0);
            tapes.write(1, 0, frame as f32);
            if frame >= 103 {
                assert_eq!(tapes.read(1, 0, 100), (frame - 100) as f32);
                assert_eq!(tapes.read_between(1, 0, 99.5), frame as f32 - 99.5);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_not_kept() {
        let spans = lay_out(&[7]);
        let mut memory = vec![1.0; spans[0].end()];
        let mut tapes = Tapes::new(0, &mut memory, &spans);
        for (frame, volts) in [f32::NAN, f32::INFINITY, f32::MIN, 5.0].into_iter().enumerate() {
            tapes.write(0, frame, volts);
        }
        assert_eq!([0, 1, 2, 3].map(|frame| tapes.read(0, frame, 0)), [0.0, 0.0, 0.0, 5.0]);
    }

    #[test]
    fn a_block_repeated_hears_the_same() {
        let spans = lay_out(&[500]);
        let mut memory: Vec<f32> = (0..spans[0].end()).map(|n| n as f32).collect();
        let mut run = |frames: usize| {
            let mut tapes = Tapes::new(1 << 20, &mut memory, &spans);
            (0..frames)
                .map(|frame| {
                    tapes.write(0, frame, -1.0 - frame as f32);
                    tapes.read(0, frame, 500)
                })
                .collect::<Vec<_>>()
        };
        let cut_short = run(1000);
        let whole = run(MAX_BLOCK_FRAMES);
        assert_eq!(cut_short, whole[..1000]);
        assert_eq!(run(MAX_BLOCK_FRAMES), whole);
    }
}
