//! Twenty-four sines, shaped as a hill.

use super::{Controls, crossfade};
use crate::lane::Lane;
use crate::phase::{self, Phases};

const PARTIALS: usize = 24;
/// Root mean square, of ±1: crests stay below 1.
const RMS: f32 = 0.42;

/// Which partials there are, from left to right of harmonics: all, odd ones,
/// octaves and fifths, octaves.
const STOPS: [u32; 4] = [
    0b1111_1111_1111_1111_1111_1111,
    0b0101_0101_0101_0101_0101_0101,
    0b1000_0000_1000_1000_1010_1111,
    0b0000_0000_1000_0000_1000_1011,
];

/// Sine and cosine of where each partial starts, so that their crests do not
/// meet: -π n² / 24 (Schroeder, "Synthesis of low-peak-factor signals", IEEE
/// Trans. Information Theory 16, 1970).
const STARTS: [[f32; 2]; PARTIALS] = starts();

const fn starts() -> [[f32; 2]; PARTIALS] {
    let mut starts = [[0.0; 2]; PARTIALS];
    let mut n = 0;
    while n < PARTIALS {
        let turns = (((n + 1) * (n + 1)) % (2 * PARTIALS)) as f64 / (2 * PARTIALS) as f64;
        starts[n] =
            [crate::const_math::sin(-turns) as f32, crate::const_math::sin(0.25 - turns) as f32];
        n += 1;
    }
    starts
}

/// Timbre moves the hill's top from the first partial to the last, morph widens
/// it, harmonics takes partials out. Beside it, the odd partials alone.
#[inline(always)]
pub fn harmonic<L: Lane, const N: usize>(phases: Phases<N>, controls: &Controls<L>) -> [L; 2] {
    let c = L::splat;
    let top = c(1.0) + controls.timbre * controls.timbre * c((PARTIALS - 1) as f32);
    let width = c(0.5) + controls.morph * controls.morph * c(9.5);
    let steep = c(1.0) / (width * width);
    let stops = crossfade::<L, { STOPS.len() }>(controls.harmonics);

    let (cos, sin) = (phase::cosine::<L, N>(phases), phase::sine::<L, N>(phases));
    let mut wave = [cos, sin];
    let mut sums = [c(0.0); 2];
    let mut power = c(1e-4);
    for (n, [start_sin, start_cos]) in STARTS.into_iter().enumerate() {
        let away = c((n + 1) as f32) - top;
        let hill = c(1.0) / (c(1.0) + away * away * steep);
        let mut share = c(0.0);
        for (stop, partials) in stops.iter().zip(STOPS) {
            if partials >> n & 1 == 1 {
                share += *stop;
            }
        }
        // Gone by 22 kHz of 48.
        let room = ((c(0.46) - controls.turns * c((n + 1) as f32)) * c(40.0)).clamp(0.0, 1.0);
        let gain = hill * hill * share * room;
        power += gain * gain;
        let partial = gain * (wave[1] * c(start_cos) + wave[0] * c(start_sin));
        sums[0] += partial;
        if n % 2 == 0 {
            sums[1] += partial;
        }
        wave = [wave[0] * cos - wave[1] * sin, wave[0] * sin + wave[1] * cos];
    }
    let gain = c(RMS * std::f32::consts::SQRT_2) / power.map(f32::sqrt);
    sums.map(|sum| sum * gain)
}
