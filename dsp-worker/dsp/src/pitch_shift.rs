//! A sound at another pitch, at the same speed: two heads on a tape.
//!
//! Each head runs away from the recording or towards it, jumps back when it is
//! at the end of its way, and is silent while it jumps. The two take turns.
//! (Zölzer, ed., "DAFX: Digital Audio Effects", section 6.4.3.)

use bytemuck::{Pod, Zeroable};

use crate::phase::{from_unipolar_turns, triangle};
use crate::sine::sine_of_triangle;
use crate::tape::Tapes;
use crate::tape_head::Place;
use crate::units::QUANTUM;

/// The nearest that a head comes to the recording: what is read in a quantum
/// was written before it.
const NEAREST_FRAMES: f32 = (QUANTUM + 2) as f32;

/// Where the heads are on their way: 2^64 to one length of it.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct PitchShift {
    phase: u64,
}

/// The longest delay of the tape, in frames, for a way of that length.
pub fn longest_frames(way_frames: f32) -> usize {
    (NEAREST_FRAMES + way_frames) as usize + 3
}

impl PitchShift {
    /// Moves the heads on by a part of their way, 0 to 1.
    pub fn turn(&mut self, part: f32) {
        self.phase = self.phase.wrapping_add(((part * 16_777_216.0) as u64) << 40);
    }

    /// The next frame, at `ratio` times the pitch. Nothing of the tape that is
    /// younger than a quantum is read.
    #[inline(always)]
    pub fn next(
        &mut self,
        tapes: &Tapes,
        tape: usize,
        frame: usize,
        ratio: f32,
        way_frames: f32,
    ) -> f32 {
        const WAY: f64 = 18_446_744_073_709_551_616.0;
        let step = f64::from(1.0 - ratio) / f64::from(way_frames);
        self.phase = self.phase.wrapping_add((step * WAY) as i64 as u64);
        let mut volts = 0.0;
        for half in [0, 1 << 63] {
            let phase = self.phase.wrapping_add(half);
            let part = (phase >> 40) as f32 * (1.0 / 16_777_216.0);
            // Half a turn from end to end: its square and the other head's are
            // 1 together.
            let [turns] = from_unipolar_turns::<f32, 1>(0.5 * part);
            let height = sine_of_triangle(triangle::<f32, 1>([turns]));
            let place = Place::new(NEAREST_FRAMES + part * way_frames);
            volts += height * height * place.read(tapes, tape, frame);
        }
        volts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{cents, frequency_hz};
    use crate::tape::lay_out;

    #[test]
    fn a_sine_is_heard_at_the_other_pitch() {
        for ratio in [0.5, 1.498_307, 2.0, 4.0] {
            let way_frames = 4800.0;
            let spans = lay_out(&[longest_frames(way_frames)]);
            let mut memory = vec![0.0; spans[0].end()];
            let mut shift = PitchShift::default();
            let mut heard = Vec::new();
            // A whole number of cycles fits into the way, so that the heads
            // agree.
            let hz = 480.0;
            for quantum in 0..3000u64 {
                let first = quantum * QUANTUM as u64;
                let mut tapes = Tapes::new(first, &mut memory, &spans);
                for frame in 0..QUANTUM {
                    heard.push(shift.next(&tapes, 0, frame, ratio, way_frames));
                    let turns = (first + frame as u64) as f64 * hz / 48_000.0;
                    tapes.write(0, frame, (std::f64::consts::TAU * turns).sin() as f32);
                }
            }
            let heard = &heard[48_000..];
            let ideal_hz = hz * f64::from(ratio);
            let found = frequency_hz(heard, 48_000.0, Some(ideal_hz));
            assert!(cents(found, ideal_hz).abs() < 0.1, "{ratio}: {found} Hz");
            let energy: f64 = heard.iter().map(|&v| f64::from(v).powi(2)).sum();
            let level = (2.0 * energy / heard.len() as f64).sqrt();
            assert!((level - 1.0).abs() < 0.02, "{ratio}: {level}");
        }
    }
}
