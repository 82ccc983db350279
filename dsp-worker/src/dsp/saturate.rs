//! Saturation that aliases little.

use crate::lane::Lane;

/// The curve x / sqrt(1 + x²), averaged over the way from one frame to the
/// next instead of taken at the frames, so that less of it folds back (Parker,
/// Zavalishin and Le Bivic, "Reducing the aliasing of nonlinear waveshaping
/// using continuous-time convolution", DAFx 2016). It is never beyond ±1, and
/// half a frame late.
///
/// The curve's integral is sqrt(1 + x²), and a difference of two roots over a
/// difference is a quotient of two sums: unlike other curves it needs no care
/// where two frames are alike.
#[inline(always)]
pub fn saturate<L: Lane>(before: L, now: L) -> L {
    // Bounded, so that its square stays finite.
    let root = |x: L| (L::splat(1.0) + x * x).map(f32::sqrt);
    let (before, now) = (before.clamp(-1e9, 1e9), now.clamp(-1e9, 1e9));
    (before + now) / (root(before) + root(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Shape, alias, coherent_hz};

    #[test]
    fn a_constant_is_bent_by_the_curve_itself() {
        for x in [0.0, 0.1, -3.0, 20.0, -1e9f32] {
            let curve = f64::from(x) / (1.0 + f64::from(x).powi(2)).sqrt();
            assert!((f64::from(saturate(x, x)) - curve).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn it_aliases_less_than_the_curve_alone() {
        let hz = coherent_hz(1500.0, 96_000.0);
        let sine = |frame: i32| {
            let turns = f64::from(frame) * hz / 96_000.0;
            5.0 * (std::f64::consts::TAU * turns).sin() as f32
        };
        let bent: Vec<f32> = (0..140_000).map(|n| saturate(sine(n - 1), sine(n))).collect();
        let plain: Vec<f32> =
            (0..140_000).map(|n| sine(n) / (1.0 + sine(n).powi(2)).sqrt()).collect();
        let [bent, plain] =
            [bent, plain].map(|sound| alias(&sound, 96_000.0, hz, 1, Shape::Any).alias_20k_db);
        assert!(bent < plain - 6.0, "{bent} dB, {plain} dB");
    }
}
