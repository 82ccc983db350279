//! A sine folded by a sine, over and over.

use super::Controls;
use crate::lane::Lane;
use crate::phase::{self, Phases};

/// Timbre folds, morph leans to one side (even harmonics), harmonics blends an
/// octave into what is folded. Beside it, the same wave folded by a cosine: an
/// octave above, where nothing leans.
///
/// sin(g sin θ) is a sum of Bessel functions, so it ends where g says.
#[inline(always)]
pub fn fold<L: Lane, const N: usize>(phases: Phases<N>, controls: &Controls<L>) -> [L; 2] {
    let c = L::splat;
    let octave = controls.harmonics;
    let wave = phase::sine::<L, N>(phases);
    let high = phase::sine::<L, N>(phases.map(|phase| phase.wrapping_mul(2)));
    let wave = wave + octave * (high - wave);
    let wanted = c(1.0) + controls.timbre * controls.timbre * c(11.0);
    let gain = wanted.min(controls.deepest_bend(c(1.0) + octave).max(c(0.5)));
    let lean = controls.morph * c(0.25);
    let folded = wave * gain * c(1.0 / std::f32::consts::TAU);
    let main = phase::sine::<L, N>(phase::from_turns::<L, N>(folded + lean));
    let beside = phase::cosine::<L, N>(phase::from_turns::<L, N>(folded + lean));
    [main * c(0.85), beside * c(0.85)]
}
