//! Twice the sample rate and back.
//!
//! An elliptic half-band filter made of two chains of all-passes, each at the
//! lower rate (Valenzuela and Constantinides, "Digital signal processing schemes
//! for efficient interpolation and decimation", IEE Proceedings 130 part G, 1983).

use crate::lane::{LANES, Lane, Lanes, each};
use crate::units::CHANNELS;

/// From 48 to 96 kHz: flat to 21 kHz, and 143 dB down from 27 kHz. It delays the
/// lows by 2.4 frames each way.
pub const STEEPEST: usize = 6;
/// From 48 to 96 kHz: flat to 21 kHz, and 113 dB down from 27 kHz, whose alias is
/// at 21 kHz. It delays the lows by 2 frames each way.
pub const STEEP: usize = 5;
/// From 48 to 96 kHz where the sound may not be late: flat to 20 kHz, 96 dB down
/// from 28 kHz. It delays the lows by 1.6 frames each way.
pub const QUICK: usize = 4;
/// From 96 to 192 kHz: flat to 20 kHz, and 130 dB down from 76 kHz.
pub const WIDE: usize = 3;
/// From 192 to 384 kHz: flat to 20 kHz, and 100 dB down from 172 kHz.
pub const WIDEST: usize = 2;

/// What a filter remembers, for every channel: of each chain, what went into every
/// all-pass, and what came out last. `N` is one of the constants above.
pub type HalfBandState<const N: usize> = [[[f32; CHANNELS]; N]; 2];

/// One signal on its way down to half its rate, or up to twice.
#[derive(Clone, Copy)]
pub struct HalfBand<L, const N: usize> {
    chains: [[L; N]; 2],
    /// Where there is one channel: both chains side by side, for SIMD.
    paired: [Lanes; N],
}

impl<L: Lane, const N: usize> HalfBand<L, N> {
    const GAINS: [&'static [f32]; 2] = gains(N);

    /// Takes up where [`HalfBand::store`] left off.
    #[inline(always)]
    pub fn load(state: &HalfBandState<N>, group: usize) -> HalfBand<L, N> {
        let chain = |at: usize| each(|stage| L::load(&state[at][stage], group));
        let paired = |stage: usize| pair(state[0][stage][0], state[1][stage][0]);
        HalfBand { chains: [chain(0), chain(1)], paired: each(paired) }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(&self, state: &mut HalfBandState<N>, group: usize) {
        for stage in 0..N {
            for chain in 0..2 {
                if L::WIDTH == 1 {
                    state[chain][stage][0] = self.paired[stage].to_lanes()[chain];
                } else {
                    self.chains[chain][stage].store(&mut state[chain][stage], group);
                }
            }
        }
    }

    /// One frame becomes two, the older first.
    #[inline(always)]
    pub fn up(&mut self, volts: L) -> [L; 2] {
        self.pass([volts, volts])
    }

    /// Two frames, the older first, become one.
    #[inline(always)]
    pub fn down(&mut self, [older, newer]: [L; 2]) -> L {
        let [newer, older] = self.pass([newer, older]);
        (newer + older) * L::splat(0.5)
    }

    /// Both chains.
    #[inline(always)]
    fn pass(&mut self, inputs: [L; 2]) -> [L; 2] {
        if L::WIDTH == 1 {
            let gain = |stage: usize| pair(Self::GAINS[0][stage], Self::GAINS[1][stage]);
            let inputs = pair(inputs[0].first(), inputs[1].first());
            let [first, second, ..] = all_passes(&mut self.paired, gain, inputs).to_lanes();
            return [L::splat(first), L::splat(second)];
        }
        let gain = |chain: usize| move |stage: usize| L::splat(Self::GAINS[chain][stage]);
        [
            all_passes(&mut self.chains[0], gain(0), inputs[0]),
            all_passes(&mut self.chains[1], gain(1), inputs[1]),
        ]
    }
}

/// A chain of first-order all-passes. Each one's last output is the next one's
/// last input, so they share their memory.
#[inline(always)]
fn all_passes<L: Lane, const N: usize>(
    memory: &mut [L; N],
    gain: impl Fn(usize) -> L,
    input: L,
) -> L {
    let mut signal = input;
    for stage in 0..N - 1 {
        let passed = (signal - memory[stage + 1]) * gain(stage) + memory[stage];
        memory[stage] = signal;
        signal = passed;
    }
    memory[N - 1] = signal;
    signal
}

#[inline(always)]
fn pair(first: f32, second: f32) -> Lanes {
    let mut lanes = [0.0; LANES];
    (lanes[0], lanes[1]) = (first, second);
    Lanes::from_lanes(lanes)
}

/// Two frames, the older first, become one: [`HalfBand::down`] where the filter
/// lies in a module's state.
#[inline(always)]
pub fn halve<L: Lane, const N: usize>(
    state: &mut HalfBandState<N>,
    group: usize,
    volts: [L; 2],
) -> L {
    let mut filter = HalfBand::load(state, group);
    let volts = filter.down(volts);
    filter.store(state, group);
    volts
}

/// One frame becomes two: [`HalfBand::up`] where the filter lies in a module's
/// state.
#[inline(always)]
pub fn double<L: Lane, const N: usize>(
    state: &mut HalfBandState<N>,
    group: usize,
    volts: L,
) -> [L; 2] {
    let mut filter = HalfBand::load(state, group);
    let volts = filter.up(volts);
    filter.store(state, group);
    volts
}

/// The all-passes' gains in both chains: elliptic filters of order 4N - 3.
const fn gains(length: usize) -> [&'static [f32]; 2] {
    match length {
        STEEP => [
            &[0.032_155_645, 0.249_157_9, 0.540_447_4, 0.807_473_84],
            &[0.121_315_32, 0.394_457_2, 0.678_349_7, 0.934_021_95],
        ],
        STEEPEST => [
            &[0.020_691_423, 0.168_867_95, 0.394_774_05, 0.626_663_1, 0.839_585_36],
            &[0.079_705, 0.277_404_46, 0.512_797_4, 0.735_013, 0.944_892_05],
        ],
        QUICK => [
            &[0.044_181_91, 0.330_744_16, 0.702_052_85],
            &[0.164_188_86, 0.515_086_94, 0.894_889_65],
        ],
        WIDE => [&[0.038_403_066, 0.372_950_32], &[0.157_356_25, 0.732_084_5]],
        WIDEST => [&[0.110_301_21], &[0.536_772_1]],
        _ => panic!("one of the constants above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The level, in dB, of what is left of a sine halved in rate. Its frequency
    /// is in cycles per frame of the higher rate.
    fn level_db<const N: usize>(frequency: f64) -> f64 {
        let mut filter = HalfBand::<f32, N>::load(&[[[0.0; CHANNELS]; N]; 2], 0);
        let mut energy = 0.0;
        for frame in 0..6000 {
            let at = |n: usize| (TAU * (frequency * n as f64).fract()).sin() as f32;
            let out = filter.down([at(2 * frame), at(2 * frame + 1)]);
            if frame >= 1200 {
                energy += f64::from(out).powi(2) / 2400.0;
            }
        }
        10.0 * energy.max(1e-20).log10()
    }

    fn assert_passes_and_stops<const N: usize>(high_khz: f64, pass_khz: f64, stop_db: f64) {
        for hz in [0.01, 0.3, 0.7, 1.0].map(|part| part * pass_khz) {
            let level_db = level_db::<N>(hz / high_khz);
            assert!(level_db.abs() < 0.01, "{N}, {hz} kHz: {level_db}");
        }
        for hz in [0.01, 0.3, 0.7, 0.99].map(|part| 0.5 * high_khz - part * pass_khz) {
            let level_db = level_db::<N>(hz / high_khz);
            assert!(level_db < stop_db, "{N}, {hz} kHz: {level_db}");
        }
    }

    #[test]
    fn what_is_audible_passes_and_what_would_fold_does_not() {
        assert_passes_and_stops::<STEEP>(96.0, 21.0, -112.0);
        assert_passes_and_stops::<STEEPEST>(96.0, 21.0, -125.0);
        assert_passes_and_stops::<QUICK>(96.0, 20.0, -95.0);
        assert_passes_and_stops::<WIDE>(192.0, 20.0, -130.0);
        assert_passes_and_stops::<WIDEST>(384.0, 20.0, -100.0);
    }

    #[test]
    fn up_and_down_again_is_the_same_signal() {
        let mut up = HalfBand::<f32, STEEP>::load(&[[[0.0; CHANNELS]; STEEP]; 2], 0);
        let mut down = up;
        let out: Vec<f32> = (0..300).map(|_| down.down(up.up(1.0))).collect();
        assert!((out[299] - 1.0).abs() < 1e-5, "{}", out[299]);
    }
}
