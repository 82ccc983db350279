//! Twice the sample rate and back.

use bytemuck::{Pod, Zeroable};

use crate::lane::Lane;
use crate::units::CHANNELS;

/// All-passes in each of the two branches.
const STAGES: usize = 4;

/// At twice the rate of 48 kHz: flat to 21 kHz, and 113 dB down from 27 kHz,
/// whose alias is at 21 kHz. An elliptic filter, designed as in Valenzuela and
/// Constantinides, "Digital signal processing schemes for efficient
/// interpolation and decimation", IEE Proceedings 130 part G, 1983.
const BRANCHES: [[f32; STAGES]; 2] = [
    [0.032_155_645, 0.249_157_9, 0.540_447_4, 0.807_473_84],
    [0.121_315_32, 0.394_457_2, 0.678_349_7, 0.934_021_95],
];

/// One signal on its way down to half its rate, or up to twice.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct HalfBand {
    /// For each branch, what went into each all-pass, and what came out last.
    branches: [[[f32; CHANNELS]; STAGES + 1]; 2],
}

impl HalfBand {
    /// Two samples become one.
    #[inline(always)]
    pub fn halve<L: Lane>(&mut self, group: usize, [first, second]: [L; 2]) -> L {
        (self.branch(0, group, second) + self.branch(1, group, first)) * 0.5.into()
    }

    /// One sample becomes two.
    #[inline(always)]
    pub fn double<L: Lane>(&mut self, group: usize, sample: L) -> [L; 2] {
        [self.branch(0, group, sample), self.branch(1, group, sample)]
    }

    #[inline(always)]
    fn branch<L: Lane>(&mut self, branch: usize, group: usize, sample: L) -> L {
        let kept = &mut self.branches[branch];
        let mut sample = sample;
        for (stage, &gain) in BRANCHES[branch].iter().enumerate() {
            let before = L::load(&kept[stage], group);
            let out_before = L::load(&kept[stage + 1], group);
            sample.store(&mut kept[stage], group);
            sample = (sample - out_before) * gain.into() + before;
        }
        sample.store(&mut kept[STAGES], group);
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The peak after a while of a sine that was doubled, or halved.
    fn peak(cycles: f64, through: impl Fn(&mut HalfBand, [f32; 2]) -> [f32; 2]) -> f32 {
        let mut filter = HalfBand::zeroed();
        let sine = |n: usize| (std::f64::consts::TAU * (cycles * n as f64).fract()).sin() as f32;
        let out = (0..3000).map(|n| through(&mut filter, [sine(2 * n), sine(2 * n + 1)]));
        out.skip(2000).flatten().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    #[test]
    fn what_is_audible_passes_and_what_would_fold_does_not() {
        let halve = |filter: &mut HalfBand, pair| [filter.halve(0, pair), 0.0];
        assert!((peak(0.013, halve) - 1.0).abs() < 1e-3);
        assert!((peak(20.03 / 96.0, halve) - 1.0).abs() < 1e-2);
        assert!(peak(27.3 / 96.0, halve) < 5e-6);
        assert!(peak(40.1 / 96.0, halve) < 5e-6);
    }

    #[test]
    fn a_signal_keeps_its_size_at_twice_the_rate() {
        let double = |filter: &mut HalfBand, pair: [f32; 2]| filter.double(0, pair[0]);
        assert!((peak(0.013, double) - 1.0).abs() < 1e-3);
    }
}
