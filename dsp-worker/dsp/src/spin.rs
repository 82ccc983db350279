//! What rings: a number that spins in the plane and fades.
//!
//! A struck body is a sum of such modes. Its angle may change at every frame
//! without a change of energy, and its pitch is exact (Mathews and Smith,
//! "Methods for synthesizing very high Q parametrically well behaved two pole
//! filters", SMAC 2003).

use bytemuck::{Pod, Zeroable};

use crate::hush;
use crate::lane::Lane;
use crate::sine::sine_of_triangle;

/// A fall by 60 dB, in octaves of loudness.
pub const FALL_OCTAVES: f32 = 9.965_784;

/// What a mode remembers, for every channel.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct SpinState {
    across: [f32; 16],
    up: [f32; 16],
}

/// A mode at work on one channel or one group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spin<L> {
    across: L,
    up: L,
}

/// How far a mode spins in one frame, and what it keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn<L> {
    /// By the angle's cosine.
    pub cosine: L,
    /// By its sine.
    pub sine: L,
}

impl<L: Lane> Turn<L> {
    /// `turns` a frame, 0 to 0.5, and the part of its size that is left after
    /// one frame.
    #[inline(always)]
    pub fn new(turns: L, keep: L) -> Turn<L> {
        let c = L::splat;
        let cosine = c(1.0) - turns * c(4.0);
        let sine = c(1.0) - cosine.abs();
        Turn { cosine: keep * sine_of_triangle(cosine), sine: keep * sine_of_triangle(sine) }
    }
}

impl<L: Lane> Spin<L> {
    /// Takes up where [`Spin::store`] left off.
    #[inline(always)]
    pub fn load(state: &SpinState, group: usize) -> Spin<L> {
        Spin { across: L::load(&state.across, group), up: L::load(&state.up, group) }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(self, state: &mut SpinState, group: usize) {
        self.across.store(&mut state.across, group);
        self.up.store(&mut state.up, group);
    }

    /// From the two numbers of [`Spin::parts`].
    #[inline(always)]
    pub fn of(across: L, up: L) -> Spin<L> {
        Spin { across, up }
    }

    /// What it remembers, for a module that keeps it in its own way.
    #[inline(always)]
    pub fn parts(self) -> [L; 2] {
        [self.across, self.up]
    }

    /// Strikes it: so many volts swing from the next frame on, from 0 V up.
    #[inline(always)]
    pub fn push(&mut self, volts: L) {
        self.across += volts;
    }

    /// Takes away all but a part of it.
    #[inline(always)]
    pub fn keep(&mut self, part: L) {
        self.across = self.across * part;
        self.up = self.up * part;
    }

    /// The square of its size, in square volts.
    #[inline(always)]
    pub fn energy(&self) -> L {
        self.across * self.across + self.up * self.up
    }

    /// The next frame's volts.
    #[inline(always)]
    pub fn next(&mut self, turn: &Turn<L>) -> L {
        let across = self.across * turn.cosine - self.up * turn.sine;
        let up = self.across * turn.sine + self.up * turn.cosine;
        self.across = across.map(hush);
        self.up = up.map(hush);
        self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exp2;
    use crate::measure::{cents, frequency_hz};

    #[test]
    fn it_rings_in_tune_and_fades_in_time() {
        for hz in [30.0, 440.0, 9000.0, 20_000.0] {
            let keep = exp2(-FALL_OCTAVES / 48_000.0);
            let turn = Turn::new(hz / 48_000.0, keep);
            let mut spin = Spin::default();
            spin.push(1000.0);
            let sound: Vec<f32> = (0..48_000).map(|_| spin.next(&turn)).collect();
            let found_hz = frequency_hz(&sound[..24_000], 48_000.0, None);
            assert!(cents(found_hz, f64::from(hz)).abs() < 0.01, "{hz} Hz: {found_hz}");
            let left = spin.energy().sqrt();
            assert!((left - 1.0).abs() < 0.02, "{hz} Hz: {left}");
        }
    }
}
