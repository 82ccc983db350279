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

#[cfg(test)]
mod tests {
    use super::*;

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
