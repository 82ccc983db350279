//! Eight times the sample rate and back, for what bends a wave sharply.
//!
//! Three half-band filters in a row. From 96 kHz up there is nothing left to hear
//! between what is kept and what folds, so the faster filters are short.

use bytemuck::{Pod, Zeroable};

use super::half_band::{HalfBand, HalfBandState, STEEP, STEEPEST, WIDE, WIDEST};
use crate::lane::Lane;

/// What eightfold oversampling remembers one way, for every channel.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct EightfoldState {
    steep: HalfBandState<STEEP>,
    wide: HalfBandState<WIDE>,
    widest: HalfBandState<WIDEST>,
}

/// The same for [`FineEightfold`].
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct FineEightfoldState {
    steep: HalfBandState<STEEPEST>,
    wide: HalfBandState<WIDE>,
    widest: HalfBandState<WIDE>,
}

/// One signal on its way up to eight times its rate, or down from there, by a
/// filter of `N` stages, by [`WIDE`] and by one of `M`.
#[derive(Clone, Copy)]
pub struct Oversampler<L, const N: usize, const M: usize> {
    steep: HalfBand<L, N>,
    wide: HalfBand<L, WIDE>,
    widest: HalfBand<L, M>,
}

/// Flat to 20 kHz at 48 kHz, and images are 100 dB down; it delays the lows by
/// 2.7 frames each way.
pub type Eightfold<L> = Oversampler<L, STEEP, WIDEST>;

/// For what bends a wave many times over, and images with it: they are 130 dB
/// down. It delays the lows by 3.1 frames each way.
pub type FineEightfold<L> = Oversampler<L, STEEPEST, WIDE>;

impl<L: Lane> Eightfold<L> {
    /// Takes up where [`Eightfold::store`] left off.
    #[inline(always)]
    pub fn load(state: &EightfoldState, group: usize) -> Eightfold<L> {
        Oversampler {
            steep: HalfBand::load(&state.steep, group),
            wide: HalfBand::load(&state.wide, group),
            widest: HalfBand::load(&state.widest, group),
        }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(&self, state: &mut EightfoldState, group: usize) {
        self.steep.store(&mut state.steep, group);
        self.wide.store(&mut state.wide, group);
        self.widest.store(&mut state.widest, group);
    }
}

impl<L: Lane> FineEightfold<L> {
    /// Takes up where [`FineEightfold::store`] left off.
    #[inline(always)]
    pub fn load(state: &FineEightfoldState, group: usize) -> FineEightfold<L> {
        Oversampler {
            steep: HalfBand::load(&state.steep, group),
            wide: HalfBand::load(&state.wide, group),
            widest: HalfBand::load(&state.widest, group),
        }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(&self, state: &mut FineEightfoldState, group: usize) {
        self.steep.store(&mut state.steep, group);
        self.wide.store(&mut state.wide, group);
        self.widest.store(&mut state.widest, group);
    }
}

impl<L: Lane, const N: usize, const M: usize> Oversampler<L, N, M> {
    /// One frame becomes eight, the oldest first.
    #[inline(always)]
    pub fn up(&mut self, volts: L) -> [L; 8] {
        let mut eighths = [volts; 8];
        let halves = self.steep.up(volts);
        for half in 0..2 {
            let quarters = self.wide.up(halves[half]);
            for quarter in 0..2 {
                let [older, newer] = self.widest.up(quarters[quarter]);
                eighths[4 * half + 2 * quarter] = older;
                eighths[4 * half + 2 * quarter + 1] = newer;
            }
        }
        eighths
    }

    /// Eight frames, the oldest first, become one.
    #[inline(always)]
    pub fn down(&mut self, eighths: [L; 8]) -> L {
        let mut halves = [eighths[0]; 2];
        for half in 0..2 {
            let mut quarters = [eighths[0]; 2];
            for quarter in 0..2 {
                let first = 4 * half + 2 * quarter;
                quarters[quarter] = self.widest.down([eighths[first], eighths[first + 1]]);
            }
            halves[half] = self.wide.down(quarters);
        }
        self.steep.down(halves)
    }
}

/// Sixteen steps of a frame become eight, for [`Eightfold::down`]. `last` is the
/// last step of the frame before.
#[inline(always)]
pub fn eight_of_sixteen<L: Lane>(last: L, steps: &[L; 16]) -> [L; 8] {
    let mut eighths = [last; 8];
    for n in 0..8 {
        let before = if n == 0 { last } else { steps[2 * n - 1] };
        let middle = steps[2 * n];
        eighths[n] = (before + middle + middle + steps[2 * n + 1]) * L::splat(0.25);
    }
    eighths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<const N: usize, const M: usize>(mut up: Oversampler<f32, N, M>, hz: f64) {
        let mut down = up;
        let sine = |n: usize| (std::f64::consts::TAU * (hz / 48e3 * n as f64).fract()).sin();
        let out = (0..48_480).map(|n| down.down(up.up(sine(n) as f32)));
        let squares = out.skip(480).map(|volts| f64::from(volts * volts)).sum::<f64>();
        assert!((squares / 24_000.0 - 1.0).abs() < 2e-3, "{hz} Hz: {squares}");
    }

    #[test]
    fn a_sine_goes_up_and_down_again_at_its_size() {
        for hz in [100.0, 5000.0, 20_000.0f64] {
            let up = Eightfold::<f32>::load(&EightfoldState::zeroed(), 0);
            there_and_back(up, hz);
            there_and_back(FineEightfold::<f32>::load(&FineEightfoldState::zeroed(), 0), hz);
        }
    }
}
