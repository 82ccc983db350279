//! The Fourier transform, the same to the bit on every machine.
//!
//! FFT crates choose their code by the processor, and so their rounding; what
//! is only shown may use them, what is heard may not.
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

/// The turns of the smallest circle that is not computed at once.
const EIGHTHS: [[f32; 4]; 2] = {
    const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    [[1.0, HALF, 0.0, -HALF], [0.0, HALF, 1.0, HALF]]
};

/// From frames to bins. Both parts have the same length, a power of two from 8
/// up to [`MOST_POINTS`]. Real-time safe.
#[inline(always)]
pub fn forward(real: &mut [f32], imaginary: &mut [f32]) {
    let mut pairs = real.len() / 2;
    while pairs > 4 {
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
    let eights = real.as_chunks_mut::<8>().0.iter_mut().zip(imaginary.as_chunks_mut::<8>().0);
    for (real, imaginary) in eights {
        eight_forward(real, imaginary);
    }
}

/// From bins, as [`forward`] left them, to frames, times the number of points.
/// Real-time safe.
#[inline(always)]
pub fn inverse(real: &mut [f32], imaginary: &mut [f32]) {
    let eights = real.as_chunks_mut::<8>().0.iter_mut().zip(imaginary.as_chunks_mut::<8>().0);
    for (real, imaginary) in eights {
        eight_inverse(real, imaginary);
    }
    let mut pairs = 8;
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

/// The last three stages there, with all their turns known.
#[inline(always)]
fn eight_forward(re: &mut [f32; 8], im: &mut [f32; 8]) {
    let [cosines, sines] = EIGHTHS;
    let (mut a, mut b) = ([[0.0; 4]; 2], [[0.0; 4]; 2]);
    for pair in 0..4 {
        a[0][pair] = re[pair] + re[pair + 4];
        a[1][pair] = im[pair] + im[pair + 4];
        let (down_re, down_im) = (re[pair] - re[pair + 4], im[pair] - im[pair + 4]);
        b[0][pair] = down_re * cosines[pair] + down_im * sines[pair];
        b[1][pair] = down_im * cosines[pair] - down_re * sines[pair];
    }
    for (half, [four_re, four_im]) in [a, b].into_iter().enumerate() {
        let [sums_re, sums_im] = [four_re, four_im].map(|f| [f[0] + f[2], f[1] + f[3]]);
        // The second is a quarter of a turn on.
        let gaps_re = [four_re[0] - four_re[2], four_im[1] - four_im[3]];
        let gaps_im = [four_im[0] - four_im[2], four_re[3] - four_re[1]];
        let at = 4 * half;
        (re[at], re[at + 1]) = (sums_re[0] + sums_re[1], sums_re[0] - sums_re[1]);
        (im[at], im[at + 1]) = (sums_im[0] + sums_im[1], sums_im[0] - sums_im[1]);
        (re[at + 2], re[at + 3]) = (gaps_re[0] + gaps_re[1], gaps_re[0] - gaps_re[1]);
        (im[at + 2], im[at + 3]) = (gaps_im[0] + gaps_im[1], gaps_im[0] - gaps_im[1]);
    }
}

/// The first three stages back.
#[inline(always)]
fn eight_inverse(re: &mut [f32; 8], im: &mut [f32; 8]) {
    let [cosines, sines] = EIGHTHS;
    let mut fours = [[[0.0; 4]; 2]; 2];
    for (half, [four_re, four_im]) in fours.iter_mut().enumerate() {
        let at = 4 * half;
        let sums_re = [re[at] + re[at + 1], re[at + 2] + re[at + 3]];
        let sums_im = [im[at] + im[at + 1], im[at + 2] + im[at + 3]];
        let gaps_re = [re[at] - re[at + 1], re[at + 2] - re[at + 3]];
        let gaps_im = [im[at] - im[at + 1], im[at + 2] - im[at + 3]];
        // The second gap is turned by a quarter.
        *four_re = [
            sums_re[0] + sums_re[1],
            gaps_re[0] - gaps_im[1],
            sums_re[0] - sums_re[1],
            gaps_re[0] + gaps_im[1],
        ];
        *four_im = [
            sums_im[0] + sums_im[1],
            gaps_im[0] + gaps_re[1],
            sums_im[0] - sums_im[1],
            gaps_im[0] - gaps_re[1],
        ];
    }
    let [[a_re, a_im], [b_re, b_im]] = fours;
    for pair in 0..4 {
        let turned_re = b_re[pair] * cosines[pair] - b_im[pair] * sines[pair];
        let turned_im = b_im[pair] * cosines[pair] + b_re[pair] * sines[pair];
        (re[pair], re[pair + 4]) = (a_re[pair] + turned_re, a_re[pair] - turned_re);
        (im[pair], im[pair + 4]) = (a_im[pair] + turned_im, a_im[pair] - turned_im);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use realfft::num_complex::Complex64;

    fn noise(points: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..points).map(|_| random.bipolar()).collect()
    }

    #[test]
    fn every_bin_is_the_sum_that_defines_it() {
        for points in [8, 16, 64, 512] {
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
