//! Pulses that ring at formants: grains and vowels.
//!
//! A pulse of exp(k (cos θ - 1)) times a cosine between two harmonics: the
//! phase-aligned formants of Puckette ("Formant-based audio synthesis using
//! nonlinear distortion", JAES 43(1), 1995) with the modified FM of Lazzarini
//! and Timoney ("Theory and practice of modified frequency modulation
//! synthesis", JAES 58(6), 2010). A formant's skirts are a bell curve of √k
//! harmonics, so they can be kept within bounds.

use super::Controls;
use crate::exp2;
use crate::formants::{TABLE, VOWELS};
use crate::lane::{Lane, each};
use crate::phase::{self, Phases};

/// Grains: timbre moves the formant, harmonics sets a second one above it, morph
/// makes the grains shorter. Beside it, the second formant alone.
#[inline(always)]
pub fn grain<L: Lane, const N: usize>(
    phases: Phases<N>,
    controls: &Controls<L>,
    hz_per_turn: f32,
) -> [L; 2] {
    let c = L::splat;
    let first = exp2(controls.timbre * c(7.0)) * c(70.0 / hz_per_turn);
    let second = first * (c(1.0) + controls.harmonics * c(3.0));
    let width = exp2(controls.morph * c(4.0));
    let voice = Voice::<L, N>::new(phases, controls.turns);
    let turns = [first, second];
    let [first, second] = each(|formant| voice.formant(turns[formant], width));
    [(first + second) * c(0.6), second]
}

const TENOR: usize = 1;
/// The tenor's levels, as gains.
const GAINS: [[f32; 3]; VOWELS] = [
    [1.0, 0.501, 0.447],
    [1.0, 0.2, 0.251],
    [1.0, 0.178, 0.126],
    [1.0, 0.316, 0.251],
    [1.0, 0.1, 0.141],
];

/// Vowels: timbre goes through a, e, i, o and u, harmonics from a giant's throat
/// to a child's, morph from a hum to a shout. Beside it, without the lowest
/// formant.
#[inline(always)]
pub fn vowel<L: Lane, const N: usize>(
    phases: Phases<N>,
    controls: &Controls<L>,
    hz_per_turn: f32,
) -> [L; 2] {
    let c = L::splat;
    let vowels = super::crossfade::<L, VOWELS>(controls.timbre);
    let size = exp2(controls.harmonics * c(1.6) - c(0.6)) * c(1.0 / hz_per_turn);
    let width_hz = c(70.0) + controls.morph * controls.morph * c(330.0);
    let width = width_hz * c(1.0 / hz_per_turn) / controls.turns;
    let voice = Voice::<L, N>::new(phases, controls.turns);
    let mut sums = [c(0.0); 2];
    for formant in 0..3 {
        let (mut turns, mut gain) = (c(0.0), c(0.0));
        for (vowel, share) in vowels.iter().enumerate() {
            turns += *share * c(TABLE[TENOR][vowel][0][formant]);
            gain += *share * c(GAINS[vowel][formant]);
        }
        let sound = voice.formant(turns * size, width * c(1.0 + 0.4 * formant as f32)) * gain;
        sums[0] += sound;
        if formant > 0 {
            sums[1] += sound;
        }
    }
    [sums[0] * c(0.7), sums[1] * c(1.4)]
}

/// A pulse at the pitch, to which formants are added.
struct Voice<L, const N: usize> {
    phases: Phases<N>,
    /// 1 - cos θ.
    away: L,
    turns: L,
    per_turn: L,
}

impl<L: Lane, const N: usize> Voice<L, N> {
    #[inline(always)]
    fn new(phases: Phases<N>, turns: L) -> Voice<L, N> {
        let away = L::splat(1.0) - phase::cosine::<L, N>(phases);
        Voice { phases, away, turns, per_turn: L::splat(1.0) / turns }
    }

    /// A formant at that frequency, in turns a frame, and that wide, in
    /// harmonics.
    #[inline(always)]
    fn formant(&self, turns: L, width: L) -> L {
        let c = L::splat;
        let harmonic = (turns.min(c(0.4)).max(self.turns)) * self.per_turn;
        // Five times as wide it is at -108 dB: that must not come back below
        // 20 kHz of 48.
        let room = (c(0.58) * self.per_turn - harmonic - c(1.0)) * c(1.0 / 5.0);
        let width = width.min(room).max(c(0.5));
        let pulse = exp2((self.away * width * width * c(-std::f32::consts::LOG2_E)).max(c(-100.0)));

        let lower = harmonic.map(|harmonic| harmonic as i32 as f32);
        let fade = harmonic - lower;
        let lower = lower.to_lanes();
        let [below, above] = each(|more| {
            let turned =
                each(|lane| self.phases[lane].wrapping_mul(lower[lane] as i32 + more as i32));
            phase::cosine::<L, N>(turned)
        });
        pulse * (below + fade * (above - below))
    }
}
