//! Twice the sample rate and back, for what saturates.
//!
//! The half-band filter is two chains of all-passes, each at the lower rate
//! (Valenzuela and Constantinides, "Digital signal processing schemes for
//! efficient interpolation and decimation", IEE Proc. 130-G, 1983). It is flat
//! to 5/12 of the lower rate (20 kHz of 48) and 96 dB down from 7/12 on, and it
//! delays the lows by 1.6 frames each way: little enough for feedback.

use bytemuck::{Pod, Zeroable};

use crate::lane::Lane;

/// All-passes of one chain.
const LENGTH: usize = 3;
/// The elliptic half-band of order 13 whose transition is 1/12 of the higher
/// rate wide: six coefficients, dealt out to the two chains in turn.
const EVEN: [f32; LENGTH] = [0.044_181_91, 0.330_744_16, 0.702_052_85];
const ODD: [f32; LENGTH] = [0.164_188_86, 0.515_086_94, 0.894_889_65];

/// What a half-band filter remembers, for every channel.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct HalfBandState {
    even: [[f32; 16]; LENGTH + 1],
    odd: [[f32; 16]; LENGTH + 1],
}

/// A half-band filter at work on one channel or one group.
#[derive(Clone, Copy)]
pub struct HalfBand<L> {
    even: [L; LENGTH + 1],
    odd: [L; LENGTH + 1],
}

impl<L: Lane> HalfBand<L> {
    /// Takes up where [`HalfBand::store`] left off.
    #[inline(always)]
    pub fn load(state: &HalfBandState, group: usize) -> HalfBand<L> {
        HalfBand {
            even: std::array::from_fn(|at| L::load(&state.even[at], group)),
            odd: std::array::from_fn(|at| L::load(&state.odd[at], group)),
        }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(&self, state: &mut HalfBandState, group: usize) {
        for at in 0..=LENGTH {
            self.even[at].store(&mut state.even[at], group);
            self.odd[at].store(&mut state.odd[at], group);
        }
    }

    /// One frame becomes two, the older first.
    #[inline(always)]
    pub fn up(&mut self, volts: L) -> [L; 2] {
        [pass(&mut self.even, &EVEN, volts), pass(&mut self.odd, &ODD, volts)]
    }

    /// Two frames, the older first, become one.
    #[inline(always)]
    pub fn down(&mut self, volts: [L; 2]) -> L {
        let sum = pass(&mut self.even, &EVEN, volts[1]) + pass(&mut self.odd, &ODD, volts[0]);
        sum * L::splat(0.5)
    }
}

/// A chain of first-order all-passes. Each one's last output is the next one's
/// last input, so they share their memory.
#[inline(always)]
fn pass<L: Lane>(memory: &mut [L; LENGTH + 1], coefficients: &[f32; LENGTH], input: L) -> L {
    let mut signal = input;
    for at in 0..LENGTH {
        let passed = (signal - memory[at + 1]) * L::splat(coefficients[at]) + memory[at];
        memory[at] = signal;
        signal = passed;
    }
    memory[LENGTH] = signal;
    signal
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The level, in dB, of what comes out of `down` for a sine of that
    /// frequency, in cycles per frame of the higher rate.
    fn level_db(frequency: f64) -> f64 {
        let mut half_band = HalfBand::<f32>::load(&HalfBandState::default(), 0);
        let mut energy = 0.0;
        for frame in 0..6000 {
            let at = |n: usize| (TAU * frequency * n as f64).sin() as f32;
            let out = half_band.down([at(2 * frame), at(2 * frame + 1)]);
            if frame >= 1200 {
                energy += f64::from(out).powi(2) / 2400.0;
            }
        }
        10.0 * energy.max(1e-20).log10()
    }

    #[test]
    fn it_keeps_20_khz_and_drops_28_khz() {
        for hz in [100.0, 5000.0, 15_000.0, 20_000.0] {
            assert!(level_db(hz / 96_000.0).abs() < 0.01, "{hz} Hz: {}", level_db(hz / 96_000.0));
        }
        for hz in [28_010.0, 31_000.0, 40_000.0, 47_000.0] {
            assert!(level_db(hz / 96_000.0) < -95.0, "{hz} Hz: {}", level_db(hz / 96_000.0));
        }
    }

    #[test]
    fn up_and_down_again_is_the_same_signal() {
        let (mut up, mut down) = (
            HalfBand::<f32>::load(&HalfBandState::default(), 0),
            HalfBand::<f32>::load(&HalfBandState::default(), 0),
        );
        let out: Vec<f32> = (0..200).map(|_| down.down(up.up(1.0))).collect();
        assert!((out[199] - 1.0).abs() < 1e-5, "{}", out[199]);
    }
}
