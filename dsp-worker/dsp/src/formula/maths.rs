//! The functions of books, of plain arithmetic alone: the same bits on every
//! machine. All are Taylor series of a reduced argument, cut where the rest is
//! below the last bits of an f64.

use std::f64::consts::{FRAC_PI_2, LN_2, SQRT_2, TAU};

/// 1/1!, 1/2!, …
const INVERSE_FACTORIALS: [f64; 22] = {
    let mut inverse = [1.0; 22];
    let mut n = 1;
    while n < inverse.len() {
        inverse[n] = inverse[n - 1] / n as f64;
        n += 1;
    }
    inverse
};

/// e^x; 0 where it is too small, infinite where it is too large.
pub fn exp(x: f64) -> f64 {
    exp2(x / LN_2)
}

fn exp2(x: f64) -> f64 {
    if x >= 1024.0 {
        return f64::INFINITY;
    } else if x <= -1022.0 {
        return 0.0;
    }
    let whole = x.round();
    let rest = (x - whole) * LN_2;
    let series = INVERSE_FACTORIALS[..15].iter().rev().fold(0.0, |sum, term| sum * rest + term);
    // Halved and doubled: 2^1023.6 is finite, and 2^1024 is not.
    let power = f64::from_bits(((whole as i64 + 1022) as u64) << 52);
    if whole < -1021.0 { 0.0 } else { series * power * 2.0 }
}

/// The natural logarithm. Not a number below 0; minus infinity at 0.
pub fn log(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE {
        return if x < 0.0 { f64::NAN } else { f64::NEG_INFINITY };
    }
    log2_parts(x).map_or(f64::INFINITY, |(octaves, rest)| octaves * LN_2 + rest)
}

/// Octaves, and the natural logarithm of what is left.
fn log2_parts(x: f64) -> Option<(f64, f64)> {
    if !x.is_finite() {
        return None;
    }
    let exponent = (x.to_bits() >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(x.to_bits() & ((1 << 52) - 1) | 1023 << 52);
    let (octaves, rest) =
        if mantissa > SQRT_2 { (exponent + 1, mantissa * 0.5) } else { (exponent, mantissa) };
    let ratio = (rest - 1.0) / (rest + 1.0);
    let square = ratio * ratio;
    let series = (0..12).rev().fold(0.0, |sum, n| sum * square + 1.0 / f64::from(2 * n + 1));
    Some((octaves as f64, 2.0 * ratio * series))
}

/// The sine of an angle in radians.
pub fn sin(x: f64) -> f64 {
    let turns = x / TAU;
    let turns = turns - turns.round();
    // Folded to the quarter turns at either side of 0.
    let turns = if turns > 0.25 {
        0.5 - turns
    } else if turns < -0.25 {
        -0.5 - turns
    } else {
        turns
    };
    let angle = turns * TAU;
    let square = -angle * angle;
    let odd = INVERSE_FACTORIALS.iter().skip(1).step_by(2);
    angle * odd.rev().fold(0.0, |sum, term| sum * square + term)
}

/// The cosine of an angle in radians.
pub fn cos(x: f64) -> f64 {
    sin(x + FRAC_PI_2)
}

/// The hyperbolic tangent.
pub fn tanh(x: f64) -> f64 {
    let x = x.clamp(-20.0, 20.0);
    let square = exp(2.0 * x);
    (square - 1.0) / (square + 1.0)
}

/// Exponents up to this are multiplied out.
const MOST_FACTORS: f64 = 64.0;

/// To the power of. Not a number where a base below 0 has an exponent with a
/// fraction.
pub fn power(base: f64, exponent: f64) -> f64 {
    if exponent.abs() <= MOST_FACTORS && exponent == exponent.trunc() {
        let product = whole_power(base, exponent.abs() as u32);
        return if exponent < 0.0 { 1.0 / product } else { product };
    }
    match base {
        0.0 if exponent > 0.0 => 0.0,
        base if base < f64::MIN_POSITIVE => f64::NAN,
        base => log2_parts(base)
            .map_or(f64::INFINITY, |(octaves, rest)| exp2(exponent * (octaves + rest / LN_2))),
    }
}

fn whole_power(mut base: f64, mut exponent: u32) -> f64 {
    let mut product = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> impl Iterator<Item = f64> {
        (-20_000..20_000).map(|step| f64::from(step) * 1.7e-3)
    }

    #[test]
    fn they_are_true_to_the_last_digits() {
        for x in steps() {
            assert!((sin(x) - x.sin()).abs() < 1e-14, "sin {x}");
            assert!((cos(x) - x.cos()).abs() < 2e-14, "cos {x}");
            assert!((tanh(x) - x.tanh()).abs() < 1e-14, "tanh {x}");
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp {x}");
            let above = x.abs() + 1e-9;
            assert!((log(above) - above.ln()).abs() < 1e-14 * above.ln().abs().max(1.0), "log {x}");
            let (root, true_root) = (power(above, 1.3), above.powf(1.3));
            assert!((root / true_root - 1.0).abs() < 1e-12, "{above} ^ 1.3");
        }
    }

    #[test]
    fn the_ends_of_their_ranges_are_no_accidents() {
        assert_eq!([exp(-2000.0), exp(2000.0), exp(0.0)], [0.0, f64::INFINITY, 1.0]);
        assert!((exp(709.7) / 709.7f64.exp() - 1.0).abs() < 1e-12);
        assert_eq!([log(0.0), log(1.0)], [f64::NEG_INFINITY, 0.0]);
        assert!((log(f64::MAX) - f64::MAX.ln()).abs() < 1e-10);
        assert_eq!([power(2.0, 10.0), power(-2.0, 3.0), power(0.0, 0.5)], [1024.0, -8.0, 0.0]);
        assert!(power(-2.0, 0.5).is_nan() && log(-1.0).is_nan());
        // Far from 0 the angle itself is blurred, and no more than that.
        assert!((sin(1e9) - 1e9f64.sin()).abs() < 1e-6);
    }
}
