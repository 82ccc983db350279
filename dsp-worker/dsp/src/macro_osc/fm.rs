//! Two sines, one of which bends the other.

use super::Controls;
use crate::lane::{Lane, each};
use crate::phase::{self, Phases};

/// Ratios of the bending sine, for harmonics from 0 to 1.
pub const RATIOS: [f32; 13] =
    [0.5, 1.0, 1.001, 1.414, 1.5, 2.0, 2.5, 3.0, 3.53, 4.0, 5.0, 6.27, 8.0];

/// Timbre bends, morph lets the first sine bend itself as well; beside it, the
/// same an octave below. `halves` are phases at half the pitch, `others` those
/// of the bending sine, of that `ratio`.
#[inline(always)]
pub fn fm<L: Lane, const N: usize>(
    halves: Phases<N>,
    others: Phases<N>,
    ratio: L,
    controls: &Controls<L>,
) -> [L; 2] {
    let c = L::splat;
    let phases = halves.map(|phase| phase.wrapping_mul(2));
    let room = controls.deepest_bend(ratio.max(c(1.0)));
    let own = (controls.morph * c(1.3)).min(controls.deepest_bend(c(1.0)) * c(0.5));
    let other = (controls.timbre * controls.timbre * c(12.0)).min(room * c(0.5));
    let bend = other * phase::sine::<L, N>(others) + own * phase::sine::<L, N>(phases);
    let bend = phase::from_turns::<L, N>(bend * c(1.0 / std::f32::consts::TAU));
    let pair = [phases, halves];
    each(|octave| phase::sine::<L, N>(phase::add(pair[octave], bend)))
}
