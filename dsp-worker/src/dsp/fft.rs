//! The Fourier transform, the same to the bit on every machine.
//!
//! FFT crates choose their code by the processor, and so their rounding; what
//! is only shown may use them (see [`crate::tools`]), what is heard may not.
//!
//! Radix 2, in place and without reordering: forward by decimation in
//! frequency, back by decimation in time (Oppenheim and Schafer, "Discrete-Time
//! Signal Processing", sections 9.3 and 9.4). Bins lie in scrambled order in
//! between; [`place`] says where.

use super::const_math::sin;

/// The most points of a transform.
pub const MOST_POINTS: usize = 8192;

/// For every number of pairs h, at h and after it: the h turns of half a circle.
static COSINES: [f32; MOST_POINTS] = turns(0.25);
static SINES: [f32; MOST_POINTS] = turns(0.0);

#[allow(long_running_const_eval, reason = "a second")]
const fn turns(offset: f64) -> [f32; MOST_POINTS] {
    let mut table = [0.0; MOST_POINTS];
    let mut pairs = MOST_POINTS / 2;
    let mut pair = 0;
    while pair < pairs {
        table[pairs + pair] = sin(offset + pair as f64 / MOST_POINTS as f64) as f32;
        pair += 1;
    }
    while pairs > 1 {
        pair = 0;
        while pair < pairs / 2 {
            table[pairs / 2 + pair] = table[pairs + 2 * pair];
            pair += 1;
        }
        pairs /= 2;
    }
    table
}

/// Cosine and sine of that many [`MOST_POINTS`]ths of a turn.
#[inline(always)]
pub fn turn(points: usize) -> (f32, f32) {
    let half = MOST_POINTS / 2;
    let at = half + points % half;
    let sign = if points & half == 0 { 1.0 } else { -1.0 };
    (sign * COSINES[at], sign * SINES[at])
}

/// Where a bin lies among that many after [`forward`].
#[inline(always)]
pub fn place(bin: usize, points: usize) -> usize {
    bin.reverse_bits() >> (usize::BITS - points.trailing_zeros())
}

/// From frames to bins. Both parts have the same length, a power of two up to
/// [`MOST_POINTS`]. Real-time safe.
#[inline(always)]
pub fn forward(real: &mut [f32], imaginary: &mut [f32]) {
    let mut pairs = real.len() / 2;
    while pairs > 0 {
        let (cosines, sines) = (&COSINES[pairs..2 * pairs], &SINES[pairs..2 * pairs]);
        let groups = real.chunks_exact_mut(2 * pairs).zip(imaginary.chunks_exact_mut(2 * pairs));
        for (real, imaginary) in groups {
            let (re_a, re_b) = real.split_at_mut(pairs);
            let (im_a, im_b) = imaginary.split_at_mut(pairs);
            let (im_a, im_b) = (&mut im_a[..pairs], &mut im_b[..pairs]);
            let re_b = &mut re_b[..pairs];
            for pair in 0..pairs {
                let (re, im) = (re_a[pair] - re_b[pair], im_a[pair] - im_b[pair]);
                re_a[pair] += re_b[pair];
                im_a[pair] += im_b[pair];
                re_b[pair] = re * cosines[pair] + im * sines[pair];
                im_b[pair] = im * cosines[pair] - re * sines[pair];
            }
        }
        pairs /= 2;
    }
}

/// From bins, as [`forward`] left them, to frames, times the number of points.
/// Real-time safe.
#[inline(always)]
pub fn inverse(real: &mut [f32], imaginary: &mut [f32]) {
    let mut pairs = 1;
    while pairs < real.len() {
        let (cosines, sines) = (&COSINES[pairs..2 * pairs], &SINES[pairs..2 * pairs]);
        let groups = real.chunks_exact_mut(2 * pairs).zip(imaginary.chunks_exact_mut(2 * pairs));
        for (real, imaginary) in groups {
            let (re_a, re_b) = real.split_at_mut(pairs);
            let (im_a, im_b) = imaginary.split_at_mut(pairs);
            let (im_a, im_b) = (&mut im_a[..pairs], &mut im_b[..pairs]);
            let re_b = &mut re_b[..pairs];
            for pair in 0..pairs {
                let re = re_b[pair] * cosines[pair] - im_b[pair] * sines[pair];
                let im = im_b[pair] * cosines[pair] + re_b[pair] * sines[pair];
                re_b[pair] = re_a[pair] - re;
                im_b[pair] = im_a[pair] - im;
                re_a[pair] += re;
                im_a[pair] += im;
            }
        }
        pairs *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::random::Random;
    use realfft::num_complex::Complex64;

    fn noise(points: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..points).map(|_| random.bipolar()).collect()
    }

    #[test]
    fn every_bin_is_the_sum_that_defines_it() {
        for points in [2, 8, 64, 512] {
            let (frames, others) = (noise(points, 1), noise(points, 2));
            let (mut real, mut imaginary) = (frames.clone(), others.clone());
            forward(&mut real, &mut imaginary);
            for bin in 0..points {
                let bin_of = |(frame, (&re, &im)): (usize, (&f32, &f32))| {
                    let turns = ((bin * frame) % points) as f64 / points as f64;
                    Complex64::new(f64::from(re), f64::from(im))
                        * Complex64::from_polar(1.0, -std::f64::consts::TAU * turns)
                };
                let ideal: Complex64 = frames.iter().zip(&others).enumerate().map(bin_of).sum();
                let at = place(bin, points);
                let found = Complex64::new(f64::from(real[at]), f64::from(imaginary[at]));
                assert!((found - ideal).norm() < 1e-5 * points as f64, "{points}: bin {bin}");
            }
        }
    }

    #[test]
    fn there_and_back_is_the_same_to_the_last_bits() {
        let (frames, others) = (noise(MOST_POINTS, 1), noise(MOST_POINTS, 2));
        let (mut real, mut imaginary) = (frames.clone(), others.clone());
        forward(&mut real, &mut imaginary);
        inverse(&mut real, &mut imaginary);
        let scale = 1.0 / MOST_POINTS as f32;
        for frame in 0..MOST_POINTS {
            assert!((real[frame] * scale - frames[frame]).abs() < 2e-6);
            assert!((imaginary[frame] * scale - others[frame]).abs() < 2e-6);
        }
    }

    #[test]
    fn a_turn_is_a_cosine_and_a_sine() {
        for points in (0..2 * MOST_POINTS).step_by(37) {
            let angle = std::f64::consts::TAU * points as f64 / MOST_POINTS as f64;
            let (cosine, sine) = turn(points);
            assert!((f64::from(cosine) - angle.cos()).abs() < 1e-7, "{points}");
            assert!((f64::from(sine) - angle.sin()).abs() < 1e-7, "{points}");
        }
    }
}
