//! Tapes: the long memories of delays and reverbs.
//!
//! A tape is written at the clock's frame and read behind it. It is longer than
//! its longest delay by a whole block, so a block that is repeated overwrites
//! only what it wrote before, and reads what it read before: tapes need no copy
//! to survive a worker's death.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::rate_change::RateChange;
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

/// Carries tapes to another sample rate: what lay so many seconds back lies there
/// again, by the nearest frame. `old` is what was at an index of the old tapes.
pub fn carry(
    change: &RateChange,
    old: impl Fn(usize) -> f32,
    old_spans: &[TapeSpan],
    new: &mut [f32],
    new_spans: &[TapeSpan],
) {
    for (old_span, new_span) in old_spans.iter().zip(new_spans) {
        for back in 1..=new_span.frames as usize {
            let old_back = (back as f64 / change.ratio()).round() as usize;
            if (1..=old_span.frames as usize).contains(&old_back) {
                let from = old_span.index((change.from_frame as usize).wrapping_sub(old_back));
                let to = new_span.index((change.to_frame as usize).wrapping_sub(back));
                new[to] = old(from);
            }
        }
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

    /// [`Tapes::read`] of `N` frames in a row, the oldest first.
    #[inline(always)]
    pub fn read_row<const N: usize>(
        &self,
        tape: usize,
        frame: usize,
        newest_frames: usize,
    ) -> [f32; N] {
        let span = self.spans[tape];
        let newest = (self.frame as usize + frame).wrapping_sub(newest_frames);
        let end = span.index(newest) + 1;
        if end >= span.start as usize + N
            && let Some(row) = self.memory[..end].last_chunk()
        {
            return *row;
        }
        let mut volts = [0.0; N];
        for n in 0..N {
            volts[n] = self.memory[span.index(newest.wrapping_sub(N - 1 - n))];
        }
        volts
    }

    /// [`Tapes::write`] for several frames of this quantum at once, which is
    /// much quicker.
    #[inline(always)]
    pub fn write_run(&mut self, tape: usize, frames: Range<usize>, volts: &[f32; QUANTUM]) {
        let now = self.frame as usize + frames.start;
        self.copy_to(tape, now, &volts[frames]);
    }

    /// [`Tapes::read`] for several frames of this quantum at once, which is much
    /// quicker. Other frames are 0 V.
    #[inline(always)]
    pub fn read_run(
        &self,
        tape: usize,
        frames: Range<usize>,
        delay_frames: usize,
    ) -> [f32; QUANTUM] {
        let mut volts = [0.0; QUANTUM];
        let first = (self.frame as usize + frames.start).wrapping_sub(delay_frames);
        self.copy_from(tape, first, &mut volts[frames]);
        volts
    }

    /// Writes from the start of this quantum on, ahead of it where `volts` goes
    /// on for longer. The tape's longest delay then is to count the frames ahead
    /// too, and what lies ahead is to be read only when its time has come: so a
    /// block that is repeated still reads what it read before.
    #[inline(always)]
    pub fn write_slice(&mut self, tape: usize, volts: &[f32]) {
        self.copy_to(tape, self.frame as usize, volts);
    }

    /// What was written from `delay_frames` before this quantum on.
    #[inline(always)]
    pub fn read_slice(&self, tape: usize, delay_frames: usize, volts: &mut [f32]) {
        self.copy_from(tape, (self.frame as usize).wrapping_sub(delay_frames), volts);
    }

    /// Keeps volts at a place of the tape's own, whatever the clock says. Places
    /// past the end are those from the beginning on.
    ///
    /// Who keeps at places looks after what a repeated block finds there: where
    /// it reads before it keeps, nothing that the block after may keep.
    #[inline(always)]
    pub fn keep(&mut self, tape: usize, place: usize, volts: &[f32]) {
        self.copy_to(tape, place, volts);
    }

    /// What was kept from that place on: `frames`, or as many as there are before
    /// the end of the tape.
    #[inline(always)]
    pub fn kept(&self, tape: usize, place: usize, frames: usize) -> &[f32] {
        let span = self.spans[tape];
        let start = span.index(place);
        &self.memory[start..(start + frames).min(span.end())]
    }

    #[inline(always)]
    fn copy_to(&mut self, tape: usize, first: usize, volts: &[f32]) {
        let span = self.spans[tape];
        let start = span.index(first);
        // What does not fit before the end goes on at the beginning.
        let (here, rest) = volts.split_at(volts.len().min(span.end() - start));
        let at_beginning = span.start as usize;
        let copy = |memory: &mut [f32], volts: &[f32]| {
            for (kept, &volts) in memory.iter_mut().zip(volts) {
                *kept = if volts.abs() < MOST_VOLTS { volts } else { 0.0 };
            }
        };
        copy(&mut self.memory[start..][..here.len()], here);
        copy(&mut self.memory[at_beginning..][..rest.len()], rest);
    }

    #[inline(always)]
    fn copy_from(&self, tape: usize, first: usize, volts: &mut [f32]) {
        let span = self.spans[tape];
        let start = span.index(first);
        let (here, rest) = volts.split_at_mut(volts.len().min(span.end() - start));
        here.copy_from_slice(&self.memory[start..][..here.len()]);
        rest.copy_from_slice(&self.memory[span.start as usize..][..rest.len()]);
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
    fn a_run_is_what_its_frames_are_one_by_one() {
        let spans = lay_out(&[100, 300]);
        let mut memory = vec![0.0; spans[1].end()];
        for quantum in 0..500u64 {
            let mut tapes = Tapes::new(quantum * QUANTUM as u64, &mut memory, &spans);
            let volts: [f32; QUANTUM] =
                std::array::from_fn(|frame| (quantum * QUANTUM as u64) as f32 + frame as f32);
            tapes.write_run(1, 5..QUANTUM, &volts);
            tapes.write_run(1, 0..5, &volts);
            for delay in [0, 7, 33, 300] {
                let run = tapes.read_run(1, 3..30, delay);
                for frame in 0..QUANTUM {
                    let alone =
                        if (3..30).contains(&frame) { tapes.read(1, frame, delay) } else { 0.0 };
                    assert_eq!(run[frame], alone);
                }
            }
        }
        let mut tapes = Tapes::new(0, &mut memory, &spans);
        tapes.write_run(1, 0..QUANTUM, &[f32::NAN; QUANTUM]);
        assert_eq!(tapes.read_run(1, 0..QUANTUM, 0), [0.0; QUANTUM]);
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
