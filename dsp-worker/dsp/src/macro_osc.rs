//! Sixteen voices' worth of one knob-driven oscillator with many models.
//!
//! Each model is told the pitch and three numbers from 0 to 1, and makes two
//! signals of about ±1: the main one, and another that goes with it. Models are
//! plain functions of a phase where they can be; the others keep what they
//! remember in a struct of their own.

pub mod analog;
pub mod bend;
pub mod fm;
pub mod fold;
pub mod formant;
pub mod harmonic;
pub mod modal;
pub mod models;
pub mod noise;
pub mod string;
pub mod terrain;

use crate::lane::{Lane, each};
use crate::mask::Mask;

/// What a model is told for a frame, or for half a frame where it runs at twice
/// the sample rate.
#[derive(Clone, Copy)]
pub struct Controls<L> {
    /// The pitch, in turns a frame.
    pub turns: L,
    /// Mostly ratios: which overtones there are.
    pub harmonics: L,
    /// Mostly brightness.
    pub timbre: L,
    /// Mostly shape.
    pub morph: L,
    /// Where a trigger has just come.
    pub strike: Mask<L>,
    /// Whether triggers are expected: else models that are struck are bowed.
    pub is_struck: bool,
}

impl<L: Lane> Controls<L> {
    /// How many harmonics there is room for, at twice the sample rate: what lies
    /// higher would come back below 21 kHz of 48.
    #[inline(always)]
    fn top_harmonic(&self) -> L {
        L::splat(0.78) / self.turns
    }

    /// How far a phase may be bent, in radians, by a sine of that multiple of
    /// the pitch, so that no sideband above -100 dB is past the top harmonic.
    #[inline(always)]
    fn deepest_bend(&self, multiple: L) -> L {
        // J_n(x) is below 1e-5 from n = 5 + 2 x on, for x up to 15.
        (self.top_harmonic() / multiple - L::splat(5.0)).max(L::splat(0.0)) * L::splat(0.5)
    }
}

/// A number out of a table, by a knob from 0 to 1 that rests on each of them
/// for a while and glides from one to the next. Slow: once a quantum.
#[inline(always)]
pub fn staircase<L: Lane>(knob: L, steps: &[f32]) -> L {
    knob.map(|knob| {
        let at = knob.clamp(0.0, 1.0) * (steps.len() - 1) as f32;
        let step = (at as usize).min(steps.len() - 2);
        let way = ((at - step as f32 - 0.3) * 2.5).clamp(0.0, 1.0);
        let way = way * way * (3.0 - 2.0 * way);
        steps[step] + way * (steps[step + 1] - steps[step])
    })
}

/// How much of each of `K` neighbours a knob from 0 to 1 picks.
#[inline(always)]
fn crossfade<L: Lane, const K: usize>(knob: L) -> [L; K] {
    let at = knob * ((K - 1) as f32).into();
    each(|k| (L::splat(1.0) - (at - (k as f32).into()).abs()).max(0.0.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staircase_rests_on_its_steps() {
        let steps = [1.0, 2.0, 4.0];
        assert_eq!(
            [0.0, 0.14, 0.5, 0.6, 1.0].map(|k| staircase(k, &steps)),
            [1.0, 1.0, 2.0, 2.0, 4.0]
        );
        assert_eq!(staircase(0.75f32, &steps), 3.0);
        assert_eq!(crossfade::<f32, 3>(0.75), [0.0, 0.5, 0.5]);
    }
}
