//! How a cycle becomes a table that does not alias: the same cycle again and
//! again, each time with half as many harmonics.
//!
//! Not real-time. Also part of the build script, which makes the tables that
//! come with the program; all is plain arithmetic in f64, so that every machine
//! makes the same.

use super::sin;

/// Frames of a cycle as it is given.
pub const CYCLE: usize = 2048;
/// Harmonics that a cycle keeps at most.
pub const HARMONICS: usize = 512;
/// Levels of a chain: level `n` has [`HARMONICS`] / 2^n harmonics.
pub const LEVELS: usize = 10;
/// Samples of each level: from 8 to 32 for each cycle of its highest harmonic.
pub const LENGTHS: [usize; LEVELS] = [4096, 2048, 2048, 1024, 512, 256, 256, 128, 128, 64];
/// Where each level begins.
pub const STARTS: [usize; LEVELS] = starts();
/// Samples of a whole chain.
pub const CHAIN: usize = STARTS[LEVELS - 1] + LENGTHS[LEVELS - 1];

const fn starts() -> [usize; LEVELS] {
    let mut starts = [0; LEVELS];
    let mut level = 1;
    while level < LEVELS {
        starts[level] = starts[level - 1] + LENGTHS[level - 1];
        level += 1;
    }
    starts
}

/// A cosine part and a sine part.
pub type Complex = [f64; 2];

/// The harmonics of a cycle, from the first. Its mean is left out. It takes
/// longer where its length is no power of two.
pub fn harmonics(cycle: &[f64]) -> Vec<Complex> {
    let mut bins: Vec<Complex> = cycle.iter().map(|&sample| [sample, 0.0]).collect();
    let kept = HARMONICS.min(cycle.len().saturating_sub(1) / 2);
    if cycle.len().is_power_of_two() {
        transform(&mut bins);
    } else {
        bins = (0..=kept).map(|n| bin(cycle, n)).collect();
    }
    let scale = 2.0 / cycle.len() as f64;
    bins[1..=kept].iter().map(|bin| [bin[0] * scale, -bin[1] * scale]).collect()
}

/// All levels of a cycle with these harmonics, one behind the other:
/// [`CHAIN`] samples.
///
/// They are to be read between samples by a cubic B-spline, whose loss at high
/// harmonics is made up for here (Unser, "Splines: a perfect fit for signal and
/// image processing", IEEE Signal Processing Magazine 16(6), 1999).
pub fn chain(harmonics: &[Complex]) -> Vec<f32> {
    let mut chain = Vec::with_capacity(CHAIN);
    for (level, length) in LENGTHS.into_iter().enumerate() {
        let mut bins = vec![[0.0; 2]; length];
        let kept = HARMONICS >> level;
        for (n, harmonic) in (1..).zip(harmonics.iter().take(kept)) {
            let turns = 0.5 * f64::from(n) / length as f64;
            let sinc = sin(turns) / (std::f64::consts::TAU * turns);
            let gain = 1.0 / (sinc * sinc * sinc * sinc);
            bins[n as usize] = harmonic.map(|part| gain * part);
        }
        // The real part of a sum of c e^(-jx) is that of cosines and sines.
        transform(&mut bins);
        chain.extend(bins.iter().map(|bin| bin[0] as f32));
    }
    chain
}

/// One bin of the discrete Fourier transform.
fn bin(cycle: &[f64], n: usize) -> Complex {
    let mut sum = [0.0; 2];
    for (at, sample) in cycle.iter().enumerate() {
        let turns = (at * n % cycle.len()) as f64 / cycle.len() as f64;
        sum[0] += sample * sin(0.25 - turns);
        sum[1] += sample * sin(-turns);
    }
    sum
}

/// The discrete Fourier transform, by Cooley and Tukey, "An algorithm for the
/// machine calculation of complex Fourier series", Mathematics of Computation
/// 19, 1965.
fn transform(bins: &mut [Complex]) {
    let length = bins.len();
    let bits = length.trailing_zeros();
    for from in 0..length {
        let to = from.reverse_bits() >> (usize::BITS - bits);
        if from < to {
            bins.swap(from, to);
        }
    }
    let mut half = 1;
    while half < length {
        let turn = 0.5 / half as f64;
        let twiddles: Vec<Complex> =
            (0..half).map(|n| [sin(0.25 - turn * n as f64), sin(-turn * n as f64)]).collect();
        for pair in bins.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for ((low, high), [cos, sin]) in low.iter_mut().zip(high).zip(&twiddles) {
                let turned = [high[0] * cos - high[1] * sin, high[0] * sin + high[1] * cos];
                *high = [low[0] - turned[0], low[1] - turned[1]];
                *low = [low[0] + turned[0], low[1] + turned[1]];
            }
        }
        half *= 2;
    }
}
