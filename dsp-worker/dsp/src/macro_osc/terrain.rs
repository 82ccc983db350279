//! A round walk over hills: wave terrain.
//!
//! Mitsuhashi, "Audio signal synthesis by functions of two variables", JAES
//! 30(10), 1982. The hills are sines, so the walk's overtones end.

use super::{Controls, crossfade};
use crate::lane::Lane;
use crate::phase::{self, Phases};

/// Timbre walks wider circles, morph elsewhere, harmonics in loops of more
/// turns. Beside it, the hills' slope.
#[inline(always)]
pub fn terrain<L: Lane, const N: usize>(phases: Phases<N>, controls: &Controls<L>) -> [L; 2] {
    let c = L::splat;
    let loops = crossfade::<L, 3>(controls.harmonics);
    let harmonic = |n: i32| phase::sine::<L, N>(phases.map(|phase| phase.wrapping_mul(n)));
    let first = harmonic(1);
    let across = loops[0] * phase::cosine::<L, N>(phases) + loops[1] * harmonic(2);
    let across = across + loops[2] * harmonic(3);

    let multiple = c(2.0) + controls.harmonics * c(2.0);
    let wanted = c(0.6) + controls.timbre * controls.timbre * c(5.4);
    let radius = wanted.min(controls.deepest_bend(multiple).max(c(0.4)));
    let radius = radius * c(1.0 / std::f32::consts::TAU);
    let east = phase::from_turns::<L, N>(radius * first + controls.morph * c(0.35));
    let north = phase::from_turns::<L, N>(radius * across + controls.morph * c(0.15));
    let [hill_east, hill_north] = [east, north].map(phase::sine::<L, N>);
    let [slope_east, slope_north] = [east, north].map(phase::cosine::<L, N>);
    [
        (hill_east * slope_north + c(0.5) * hill_north * hill_east) * c(0.8),
        (slope_east * slope_north - c(0.5) * hill_north) * c(0.7),
    ]
}
