//! The slow sine inside a chorus, a flanger or a phaser.

use bytemuck::{Pod, Zeroable};

use crate::phase::{from_unipolar_turns, long_steps_per_frame, triangle};
use crate::sine::sine_of_triangle;

/// Where in its cycle it stands: 2^64 to a turn.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Sweep {
    phase: u64,
}

impl Sweep {
    /// Takes the next frame.
    #[inline(always)]
    pub fn advance(&mut self, rate_hz: f32, sample_rate_hz: f32) {
        let [step] = long_steps_per_frame::<f32, 1>(rate_hz / sample_rate_hz);
        self.phase = self.phase.wrapping_add(step);
    }

    /// Its height, -1 to 1, that part of a turn (0 to 1) ahead.
    #[inline(always)]
    pub fn ahead(&self, turns: f32) -> f32 {
        let [offset] = from_unipolar_turns::<f32, 1>(turns);
        let phase = ((self.phase >> 32) as i32).wrapping_add(offset);
        sine_of_triangle(triangle::<f32, 1>([phase]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_turns_as_often_as_it_says_and_looks_ahead() {
        let mut sweep = Sweep::default();
        for frame in 0..48_000 {
            let turns = 2.5 * f64::from(frame) / 48_000.0;
            for ahead in [0.0, 0.25, 0.5] {
                let sine = (std::f64::consts::TAU * (turns + f64::from(ahead))).sin();
                assert!((f64::from(sweep.ahead(ahead)) - sine).abs() < 1e-5, "{frame} {ahead}");
            }
            sweep.advance(2.5, 48_000.0);
        }
    }
}
