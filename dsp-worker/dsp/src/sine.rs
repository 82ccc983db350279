//! Sines of phases.

use crate::lane::Lane;

const COEFFICIENTS: [f32; 5] =
    [std::f32::consts::FRAC_PI_2, -0.645_963_4, 0.079_688_48, -0.004_672_228, 0.000_150_820_56];

/// sin(π/2 · x) for x from -1 to 1, within 2e-7: a triangle bent to a sine.
///
/// An odd polynomial of the ninth degree, fitted (minimax) for this range.
#[inline(always)]
pub fn sine_of_triangle<L: Lane>(x: L) -> L {
    let square = x * x;
    let sum = L::splat(COEFFICIENTS[4]);
    let sum = sum * square + L::splat(COEFFICIENTS[3]);
    let sum = sum * square + L::splat(COEFFICIENTS[2]);
    let sum = sum * square + L::splat(COEFFICIENTS[1]);
    let sum = sum * square + L::splat(COEFFICIENTS[0]);
    sum * x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_sine_to_the_last_bits_of_f32() {
        for step in -10_000..=10_000 {
            let x = step as f32 * 1e-4;
            let true_sine = (std::f64::consts::FRAC_PI_2 * f64::from(x)).sin();
            let error = f64::from(sine_of_triangle(x)) - true_sine;
            assert!(error.abs() < 2e-7, "{x}: {error}");
        }
    }
}
