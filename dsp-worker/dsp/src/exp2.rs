//! Two to the power of: from `voct` volts to frequency ratios.

use crate::lane::Lane;

/// 2^x, for |x| below 126, within 3e-7 of the true value (0.0005 cent).
///
/// Splits x into its nearest whole number and a rest between -1/2 and 1/2, for
/// which it sums the Taylor series of e^(x ln 2) to the seventh power. It uses
/// nothing but plain arithmetic, so every machine computes the same bits.
#[inline(always)]
pub fn exp2<L: Lane>(x: L) -> L {
    // 1.5 · 2^23: adding it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let c = L::splat;
    let rounded = x + c(ROUND);
    let rest = x - (rounded - c(ROUND));
    let power = rounded.map(|x| f32::from_bits((x.to_bits() << 23).wrapping_add(0x3f80_0000)));
    let series = c(1.525_273_4e-5);
    let series = series * rest + c(1.540_353e-4);
    let series = series * rest + c(1.333_355_8e-3);
    let series = series * rest + c(9.618_129e-3);
    let series = series * rest + c(5.550_411e-2);
    let series = series * rest + c(0.240_226_5);
    let series = series * rest + c(std::f32::consts::LN_2);
    power * (series * rest + c(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_true_to_a_thousandth_of_a_cent() {
        for step in -10_000..10_000 {
            let x = step as f32 * 1.2e-3;
            let error_cents = 1200.0 * (f64::from(exp2(x)).log2() - f64::from(x));
            assert!(error_cents.abs() < 1e-3, "{x}: {error_cents}");
        }
    }

    #[test]
    fn whole_octaves_are_exact() {
        for octave in -20..20 {
            assert_eq!(exp2(octave as f32), 2f32.powi(octave));
        }
    }
}
