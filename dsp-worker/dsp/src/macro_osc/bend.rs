//! A sine whose phase hurries and lingers: phase distortion that knows where to
//! end.
//!
//! Instead of straight pieces, whose corners alias, the phase is bent by an
//! all-pass of second order, as in Lazzarini, Timoney, Pekonen and Välimäki,
//! "Adaptive phase distortion synthesis", DAFx 2009. Its harmonics die away as
//! the powers of the poles' radius, so that says how far they reach.

use super::{Controls, crossfade};
use crate::exp2;
use crate::lane::Lane;
use crate::phase::{self, Phases};

/// How many powers of the bent wave harmonics goes through.
const POWERS: usize = 4;

/// Timbre bends, morph moves the places where the phase hurries apart (from a
/// saw's to a square's and beyond), harmonics goes on to a higher power, as a
/// resonance would. Beside it, a quarter turn on.
#[inline(always)]
pub fn bend<L: Lane, const N: usize>(phases: Phases<N>, controls: &Controls<L>) -> [L; 2] {
    let c = L::splat;
    let (cos, sin) = (phase::cosine::<L, N>(phases), phase::sine::<L, N>(phases));
    // The poles' radius to the power of the top harmonic leaves nothing, also
    // where they are many.
    let power = c(1.0) + controls.harmonics * c((POWERS - 1) as f32);
    let widest = exp2((c(-18.0) - power * c(7.5)) / controls.top_harmonic());
    let radius = (controls.timbre * c(0.92)).min(widest);
    let apart = phase::cosine::<L, N>(phase::from_turns::<L, N>(controls.morph * c(0.375)));

    // Below the fraction, with u = cos + j sin: 1 - 2 r cos φ u + r² u².
    let [once, twice] = [c(-2.0) * radius * apart, radius * radius];
    let (cos2, sin2) = (cos * cos - sin * sin, c(2.0) * sin * cos);
    let below = [c(1.0) + once * cos + twice * cos2, once * sin + twice * sin2];
    // Above it u² times its conjugate; once around is taken off again.
    let size = below[0] * below[0] + below[1] * below[1];
    let turned = times([cos, sin], times([below[0], -below[1]], [below[0], -below[1]]));
    let bent = turned.map(|part| part / size);

    let fades = crossfade::<L, POWERS>(controls.harmonics);
    let mut sum = [c(0.0); 2];
    let mut wave = bent;
    for fade in fades {
        sum[0] += fade * wave[1];
        sum[1] += fade * wave[0];
        wave = times(wave, bent);
    }
    // A cosine may lean far to one side: it is as high once it no longer does.
    [sum[0], sum[1] * c(0.6)]
}

/// Of two complex numbers.
#[inline(always)]
fn times<L: Lane>(a: [L; 2], b: [L; 2]) -> [L; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}
