//! Curves that bend a wave, without the aliasing.
//!
//! Between two frames a wave is taken for a straight line, and what a curve makes
//! of that line is averaged: antiderivative antialiasing (Parker, Zavalishin and
//! Le Bivic, "Reducing the aliasing of nonlinear waveshaping using
//! continuous-time convolution", DAFx 2016). The usual quotient of differences
//! loses its digits where the line is short; these curves have means that do not.
//! The sound comes half a frame late.

use crate::lane::Lane;
use crate::mask::Mask;
use crate::sine::sine_of_triangle;

/// Too short a line to divide by.
const SHORTEST: f32 = 1e-9;

/// x / sqrt(1 + x²): soft, and odd. Its antiderivative is the root itself.
#[inline(always)]
pub fn soft<L: Lane>(from: L, to: L) -> L {
    (from + to) / (root(from * from) + root(to * to))
}

/// Untouched from -1 to 1, and no further.
#[inline(always)]
pub fn hard<L: Lane>(from: L, to: L) -> L {
    let one = L::splat(1.0);
    let ends = from.clamp(-1.0, 1.0) + to.clamp(-1.0, 1.0);
    (ends + corner(from + one, to + one) - corner(from - one, to - one)) * L::splat(0.5)
}

/// x / sqrt(1 + k x²), with k = 1 above 0 and 1/4 below: it bends up to 1 one way
/// and down to -2 the other, as a valve does, and both halves fit at 0 without a
/// corner. Found by ear.
#[inline(always)]
pub fn tube<L: Lane>(from: L, to: L) -> L {
    let bent = |x: L| root(x * x * Mask::above(x, L::splat(0.0)).pick_const(1.0, 0.25));
    let (from_root, to_root) = (bent(from), bent(to));
    let one = L::splat(1.0);
    // The integral from 0, which stays exact near it.
    let risen = to * to / (one + to_root) - from * from / (one + from_root);
    let across = risen / not_zero(to - from);
    crosses(from, to).pick(across, (from + to) / (from_root + to_root))
}

/// sqrt(1 + 2|x|) - 1 with the sign of x: like a pair of diodes behind a resistor
/// it gives way ever more slowly, and never stops. Found by ear.
#[inline(always)]
pub fn diode<L: Lane>(from: L, to: L) -> L {
    let (one, two) = (L::splat(1.0), L::splat(2.0));
    let size = |x: L| (x.abs() * two + one).map(f32::sqrt);
    let (a, b) = (size(from), size(to));
    let sign = Mask::above(from + to, L::splat(0.0)).pick_const(1.0, -1.0);
    let beside = (a * a + a * b + b * b) * L::splat(2.0 / 3.0) / (a + b) - one;
    let integral = |x: L, size: L| {
        let bent = x.abs() * two / (size + one);
        bent * bent * (size * two + one) * L::splat(1.0 / 6.0)
    };
    let across = (integral(to, b) - integral(from, a)) / not_zero(to - from);
    crosses(from, to).pick(across, sign * beside)
}

/// Half of what the starved transistor of a fuzz leaves out around 0, and where it
/// stops on the lower side. Found by ear.
const GAP: f32 = 0.08;
const FLOOR: f32 = 0.5;

/// Nothing near 0, straight beyond, and stopped at 1 and at -1/2: a starved fuzz,
/// which spits where a note dies.
#[inline(always)]
pub fn fuzz<L: Lane>(from: L, to: L) -> L {
    let at = |x: L| (x - GAP.into()).clamp(0.0, 1.0) + (x + GAP.into()).clamp(-FLOOR, 0.0);
    let bend = |place: f32| corner(from - L::splat(place), to - L::splat(place));
    let corners = bend(-GAP - FLOOR) - bend(-GAP) + bend(GAP) - bend(GAP + 1.0);
    (at(from) + at(to) + corners) * L::splat(0.5)
}

/// sin(π/2 · x): folds at every odd number, roundly.
#[inline(always)]
pub fn sine_fold<L: Lane>(from: L, to: L) -> L {
    let half = not_zero((to - from) * L::splat(0.5));
    let middle = (from + to) * L::splat(0.5);
    // The mean of a sine over a line is the sine of its middle times sin(h)/h.
    let is_long = Mask::above(half.abs(), L::splat(1.0));
    let arc = sine_of_triangle(is_long.pick(triangle(half), half));
    sine_of_triangle(triangle(middle)) * arc / (half * L::splat(std::f32::consts::FRAC_PI_2))
}

/// x itself from -1 to 1, and folded there and at every odd number, sharply.
#[inline(always)]
pub fn triangle_fold<L: Lane>(from: L, to: L) -> L {
    let (one, two) = (L::splat(1.0), L::splat(2.0));
    let half = (to - from) * L::splat(0.5);
    // A short line meets one peak or one trough at most.
    let middle = from_peak((from + to) * L::splat(0.5));
    let is_low = Mask::above(middle.abs(), one);
    let sign = is_low.pick_const(-1.0, 1.0);
    let trough = Mask::above(middle, L::splat(0.0)).pick(two, -two);
    let middle = middle - is_low.keep(trough);
    let (start, end) = (middle - half, middle + half);
    let height = (start.abs() + end.abs()) * L::splat(0.5) + corner(start, end);
    let short = sign * (one - height);
    let integral = |x: L| {
        let x = from_peak(x);
        x - x * x.abs() * L::splat(0.5)
    };
    let is_long = Mask::above(half.abs(), one);
    let length = is_long.pick(half + half, one);
    is_long.pick((integral(to) - integral(from)) / length, short)
}

/// How far the mean of |x| over a line lies above the mean of its two ends: never,
/// and below it only where the line crosses 0.
#[inline(always)]
fn corner<L: Lane>(from: L, to: L) -> L {
    let below = (from * to).min(L::splat(0.0));
    below / (from.abs() + to.abs() + L::splat(1e-20))
}

/// A triangle wave that is x from -1 to 1.
#[inline(always)]
pub(super) fn triangle<L: Lane>(x: L) -> L {
    L::splat(1.0) - from_peak(x).abs()
}

/// The way to x from the nearest peak of that triangle: -2 to 2.
#[inline(always)]
fn from_peak<L: Lane>(x: L) -> L {
    // 1.5 · 2^23: adding it leaves the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x - L::splat(1.0);
    let turns = x * L::splat(0.25) + L::splat(ROUND) - L::splat(ROUND);
    x - turns * L::splat(4.0)
}

#[inline(always)]
fn crosses<L: Lane>(from: L, to: L) -> Mask<L> {
    Mask::above(L::splat(0.0), from * to)
}

#[inline(always)]
fn not_zero<L: Lane>(x: L) -> L {
    x.abs().at_least(L::splat(SHORTEST), x, L::splat(SHORTEST))
}

#[inline(always)]
fn root<L: Lane>(square: L) -> L {
    (square + L::splat(1.0)).map(f32::sqrt)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Curve = fn(f32, f32) -> f32;
    type Ideal = fn(f64) -> f64;

    /// Each mean, and the curve that it is of.
    const CURVES: [(&str, Curve, Ideal); 7] = [
        ("soft", soft, |x| x / (1.0 + x * x).sqrt()),
        ("hard", hard, |x| x.clamp(-1.0, 1.0)),
        ("tube", tube, |x| x / (1.0 + x * x * if x > 0.0 { 1.0 } else { 0.25 }).sqrt()),
        ("diode", diode, |x| ((1.0 + 2.0 * x.abs()).sqrt() - 1.0) * x.signum()),
        ("fuzz", fuzz, |x| (x - 0.08).clamp(0.0, 1.0) + (x + 0.08).clamp(-0.5, 0.0)),
        ("sine", sine_fold, |x| (std::f64::consts::FRAC_PI_2 * x).sin()),
        ("triangle", triangle_fold, |x| 1.0 - ((x + 1.0).rem_euclid(4.0) - 2.0).abs()),
    ];

    #[test]
    fn each_is_the_mean_of_its_curve_over_the_line() {
        for (name, mean, curve) in CURVES {
            for step in 0..4000 {
                let from = (step % 61) as f32 * 0.173 - 5.3;
                let to = from + (step % 67) as f32 * 0.151 - 5.0;
                let line =
                    |n: i32| f64::from(from) + (f64::from(n) + 0.5) / 4000.0 * f64::from(to - from);
                let truly = (0..4000).map(|n| curve(line(n))).sum::<f64>() / 4000.0;
                let found = f64::from(mean(from, to));
                assert!((found - truly).abs() < 5e-6, "{name} {from} to {to}: {found}, {truly}");
            }
        }
    }

    #[test]
    fn a_line_of_no_length_is_the_curve_itself() {
        for (name, mean, curve) in CURVES {
            for step in -400..400 {
                let x = step as f32 * 0.0171;
                for length in [0.0, 1e-7, 1e-5] {
                    let (found, truly) = (f64::from(mean(x, x + length)), curve(f64::from(x)));
                    assert!((found - truly).abs() < 2e-5, "{name} {x} + {length}: {found}");
                }
            }
        }
    }
}
