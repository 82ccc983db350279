//! To the base of two: from frequency ratios to octaves, from gains to dB.

/// log2(x) for normal x above zero, within 2e-6 of the true value.
///
/// Splits x into a power of two and a rest m between 1/sqrt(2) and sqrt(2), for
/// which it sums the series of 2 artanh((m - 1) / (m + 1)) to the ninth power.
/// Plain arithmetic: every machine computes the same bits.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    let steps = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let octaves = (steps as i32 >> 23) as f32;
    let rest = f32::from_bits((steps & 0x007f_ffff) + SQRT_HALF_BITS);
    let ratio = (rest - 1.0) / (rest + 1.0);
    let square = ratio * ratio;
    let series = 1.0 / 9.0;
    let series = series * square + 1.0 / 7.0;
    let series = series * square + 1.0 / 5.0;
    let series = series * square + 1.0 / 3.0;
    let series = series * square + 1.0;
    octaves + 2.0 * std::f32::consts::LOG2_E * ratio * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_true_to_a_few_millionths() {
        for step in 0..200_000 {
            let x = f32::from_bits(0x0080_0000 + step * 10_000);
            let error = f64::from(log2(x)) - f64::from(x).log2();
            assert!(error.abs() < 2e-6 * f64::from(x).log2().abs().max(1.0), "{x}: {error}");
        }
    }

    #[test]
    fn whole_octaves_are_exact() {
        for octave in -100..100 {
            assert_eq!(log2(2f32.powi(octave)), octave as f32);
        }
    }
}
