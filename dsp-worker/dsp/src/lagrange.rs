//! What a sound was between two frames.

/// The weights of four frames in a row, newest first, for a place behind the
/// second of them by that fraction of a frame, 0 to 1.
///
/// Lagrange's interpolation to the third power. Between its middle points it
/// is never louder than the sound itself at any frequency (Laakso, Välimäki,
/// Karjalainen and Laine, "Splitting the unit delay", IEEE Signal Processing
/// Magazine 13(1), 1996), so that a loop through it stays a decaying loop.
#[inline(always)]
pub fn lagrange(fraction: f32) -> [f32; 4] {
    let d = fraction;
    let (after, before, past) = (d + 1.0, d - 1.0, d - 2.0);
    [
        d * before * past * (-1.0 / 6.0),
        after * before * past * 0.5,
        after * d * past * -0.5,
        after * d * before * (1.0 / 6.0),
    ]
}

/// The weights of six frames in a row, newest first, for a place behind the
/// third of them by that fraction of a frame, 0 to 1: to the fifth power, for
/// loops that a sound passes hundreds of times a second.
#[inline(always)]
pub fn lagrange_of_six(fraction: f32) -> [f32; 6] {
    let d = fraction;
    let [a, b, e, f, g] = [d + 2.0, d + 1.0, d - 1.0, d - 2.0, d - 3.0];
    let (outer, inner) = (a * g, b * f);
    [
        b * d * e * f * g * (-1.0 / 120.0),
        outer * d * e * f * (1.0 / 24.0),
        outer * inner * e * (-1.0 / 12.0),
        outer * inner * d * (1.0 / 12.0),
        outer * b * d * e * (-1.0 / 24.0),
        a * inner * d * e * (1.0 / 120.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_are_exact_for_a_quintic_and_never_louder_than_the_sound() {
        let quintic = |x: f32| 0.5 + x - 0.2 * x * x * x + 0.01 * x * x * x * x * x;
        for step in 0..=32 {
            let d = step as f32 / 32.0;
            let weights = lagrange_of_six(d);
            let at = |n: usize| quintic(n as f32 - 2.0);
            let sum: f32 = weights.iter().enumerate().map(|(n, weight)| weight * at(n)).sum();
            assert!((sum - quintic(d)).abs() < 1e-5, "{d}: {sum}");
            for turn in 0..=64 {
                let w = std::f64::consts::PI * f64::from(turn) / 64.0;
                let part = |f: fn(f64) -> f64| -> f64 {
                    let tap = |(n, &weight): (usize, &f32)| f64::from(weight) * f(w * n as f64);
                    weights.iter().enumerate().map(tap).sum()
                };
                assert!(part(f64::cos).hypot(part(f64::sin)) < 1.0 + 1e-6, "{step} {turn}");
            }
        }
    }

    #[test]
    fn it_is_exact_for_a_cubic() {
        let cubic = |x: f32| 0.5 + x - 2.0 * x * x + 0.25 * x * x * x;
        for step in 0..=16 {
            let d = step as f32 / 16.0;
            let [newer, here, older, oldest] = lagrange(d);
            let sum =
                newer * cubic(-1.0) + here * cubic(0.0) + older * cubic(1.0) + oldest * cubic(2.0);
            assert!((sum - cubic(d)).abs() < 1e-5, "{d}: {sum}");
        }
    }

    #[test]
    fn it_is_never_louder_than_the_sound() {
        for step in 0..=32 {
            let weights = lagrange(step as f32 / 32.0).map(f64::from);
            for turn in 0..=64 {
                let w = std::f64::consts::PI * f64::from(turn) / 64.0;
                let part = |f: fn(f64) -> f64| -> f64 {
                    weights.iter().enumerate().map(|(n, weight)| weight * f(w * n as f64)).sum()
                };
                assert!(part(f64::cos).hypot(part(f64::sin)) < 1.0 + 1e-6, "{step} {turn}");
            }
        }
    }
}
