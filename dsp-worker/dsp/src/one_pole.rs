//! The gentlest filter: 6 dB an octave.

use bytemuck::{Pod, Zeroable};

use crate::lane::Lane;
use crate::units::CHANNELS;
use crate::{exp2, hush};

/// One pole by impulse invariance (Smith, *Introduction to Digital Filters*,
/// "One-Pole"). Its lowpass never overshoots.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct OnePole {
    low_volts: f32,
}

impl OnePole {
    /// Takes the next frame: what is below the cutoff of that
    /// [`coefficient`].
    #[inline(always)]
    pub fn lowpass(&mut self, volts: f32, coefficient: f32) -> f32 {
        self.low_volts = hush(self.low_volts + coefficient * (volts - self.low_volts));
        self.low_volts
    }

    /// Takes the next frame: what is above the cutoff.
    #[inline(always)]
    pub fn highpass(&mut self, volts: f32, coefficient: f32) -> f32 {
        volts - self.lowpass(volts, coefficient)
    }
}

/// One pole for every channel.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct OnePoles {
    low_volts: [f32; CHANNELS],
}

impl OnePoles {
    /// As [`OnePole::lowpass`], for one channel or one group.
    #[inline(always)]
    pub fn lowpass<L: Lane>(&mut self, group: usize, volts: L, coefficient: f32) -> L {
        let low_volts = L::load(&self.low_volts, group);
        let low_volts = (low_volts + (volts - low_volts) * L::splat(coefficient)).map(hush);
        low_volts.store(&mut self.low_volts, group);
        low_volts
    }

    /// As [`OnePole::highpass`], for one channel or one group.
    #[inline(always)]
    pub fn highpass<L: Lane>(&mut self, group: usize, volts: L, coefficient: f32) -> L {
        volts - self.lowpass(group, volts, coefficient)
    }
}

/// How far the filter follows in one frame, 0 to 1. Towards half the sample
/// rate the filter opens wholly.
#[inline(always)]
pub fn coefficient(cutoff_hz: f32, sample_rate_hz: f32) -> f32 {
    const OCTAVES: f32 = std::f32::consts::TAU * std::f32::consts::LOG2_E;
    1.0 - exp2(-OCTAVES * (cutoff_hz / sample_rate_hz).clamp(0.0, 4.0))
}

/// The same by time: after so many seconds 1/e of a step, 37 %, is left.
#[inline(always)]
pub fn coefficient_of_secs(secs: f32, sample_rate_hz: f32) -> f32 {
    1.0 - exp2(-std::f32::consts::LOG2_E / (secs * sample_rate_hz).max(0.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_followed_by_63_percent_in_one_time_constant() {
        // 1 kHz cutoff: a time constant of 48 000 / 2π / 1000 frames.
        let coefficient = coefficient(1000.0, 48_000.0);
        let mut filter = OnePole::default();
        let after = (0..764).map(|_| filter.lowpass(1.0, coefficient / 100.0)).last().unwrap();
        assert!((after - 0.632).abs() < 0.03, "{after}");
        let mut filter = OnePole::default();
        let after = (0..8).map(|_| filter.lowpass(1.0, coefficient)).last().unwrap();
        assert!((after - (1.0 - (-8.0f32 / 7.639).exp())).abs() < 1e-4, "{after}");
    }

    #[test]
    fn a_highpass_forgets_a_constant() {
        let coefficient = coefficient(20.0, 48_000.0);
        let mut filter = OnePole::default();
        let after = (0..48_000).map(|_| filter.highpass(5.0, coefficient)).last().unwrap();
        assert!(after.abs() < 1e-4, "{after}");
    }
}
