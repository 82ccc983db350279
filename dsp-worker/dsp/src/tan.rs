//! The tangent that tunes a digital filter, and the angle that it delays by.

use crate::lane::Lane;

/// tan(x) as numerator and denominator, for |x| up to 1.55: within 1e-5 of the
/// true value up to 1.3, and still within 1e-3 (2 cents) at 1.55.
///
/// Lambert's continued fraction to its fifth level. It is handed out in two
/// halves because a filter's gain, g / (1 + g) and the like, then costs one
/// division and not two.
#[inline(always)]
pub fn tan_fraction<L: Lane>(x: L) -> (L, L) {
    let c = L::splat;
    let square = x * x;
    let above = ((square + c(-105.0)) * square + c(945.0)) * x;
    let below = (square * c(15.0) + c(-420.0)) * square + c(945.0);
    (above, below)
}

/// atan(above / below), in radians, for both from 0 up and not both 0: within
/// 1.2e-5 (Abramowitz and Stegun, 4.4.47).
#[inline(always)]
pub fn atan_fraction<L: Lane>(above: L, below: L) -> L {
    let c = L::splat;
    let ratio = above.min(below) / above.max(below);
    let square = ratio * ratio;
    let sum = c(0.020_835_1);
    let sum = sum * square + c(-0.085_133);
    let sum = sum * square + c(0.180_141);
    let sum = sum * square + c(-0.330_299_5);
    let angle = (sum * square + c(0.999_866)) * ratio;
    above.at_least(below, c(std::f32::consts::FRAC_PI_2) - angle, angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_true_to_a_fiftieth_of_a_cent_but_for_the_last_third_of_an_octave() {
        for step in 1..1550 {
            let x = step as f32 * 1e-3;
            let (above, below) = tan_fraction(x);
            let error = f64::from(above) / f64::from(below) / f64::from(x).tan() - 1.0;
            let limit = if x < 1.3 { 1e-5 } else { 1e-3 };
            assert!(error.abs() < limit, "{x}: {error}");
        }
    }

    #[test]
    fn it_is_the_angle_all_around_the_quarter() {
        for step in 0..=1000 {
            let angle = f64::from(step) / 1000.0 * std::f64::consts::FRAC_PI_2;
            let found = atan_fraction(3.0 * angle.sin() as f32, 3.0 * angle.cos() as f32);
            assert!((f64::from(found) - angle).abs() < 1.5e-5, "{angle}: {found}");
        }
    }
}
