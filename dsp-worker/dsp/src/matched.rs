//! Equalizer bands that keep the shape of their analog originals.
//!
//! A digital filter's response is squeezed together below half the sample rate. Here
//! its poles are those of the analog filter, carried over exactly (Vicanek, "Matched
//! Second Order Digital Filters", 2016), and its zeros such that the gain is the
//! analog one at 0 Hz and at two frequencies more. Run at twice the sample rate, all
//! that is audible stays within about 0.1 dB of the original.
//!
//! Instead of the five coefficients of a biquad this yields those of a state-variable
//! filter, which may be turned while it sounds (see [`crate::svf`]).

use bytemuck::{Pod, Zeroable};

use crate::exp2;
use crate::sine::sine_of_triangle;
use crate::tan_fraction;

/// One band: a state-variable filter, and how much of each response is heard.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Band {
    /// The integrators' gain.
    pub gain: f32,
    /// 1/Q.
    pub damping: f32,
    /// What is heard of the low response, of the band and of the high one.
    pub parts: [f32; 3],
}

/// Which frequencies a band raises or lowers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Those below.
    LowShelf,
    /// Those around.
    Peak,
    /// Those above.
    HighShelf,
}

/// The zeros are matched no higher than at 0.15 of the sample rate, and there where
/// 20 kHz is at 96 kHz.
const MIDDLE_TURNS: f32 = 0.15;
const TOP_TURNS: f32 = 0.21;

/// A band at a frequency over the sample rate, 0 to 0.24, with that gain at its peak
/// or past its shelf, and that Q. Real-time safe.
///
/// With the root A of the gain, the originals are, as in Bristow-Johnson's "Cookbook
/// formulae for audio EQ biquad filter coefficients", (s² + As/Q + 1) / (s² + s/AQ + 1)
/// for a peak and A (s² + √A s/Q + A) / (As² + √A s/Q + 1) for a low shelf.
pub fn band(kind: Kind, turns: f32, gain: f32, q: f32) -> Band {
    if gain < 1.0 {
        inverse(&raised(kind, turns, 1.0 / gain, q))
    } else {
        raised(kind, turns, gain, q)
    }
}

fn raised(kind: Kind, turns: f32, gain: f32, q: f32) -> Band {
    let root = gain.sqrt();
    let pole_turns = match kind {
        Kind::Peak => turns,
        Kind::LowShelf => turns / root.sqrt(),
        Kind::HighShelf => turns * root.sqrt(),
    };
    let damping = if kind == Kind::Peak { 1.0 / (root * q) } else { 1.0 / q };
    let (integrator, damping) = carried_over(pole_turns, damping);

    // In v, the square of the tangent over the integrators' gain, the gain's square is
    // (low² + middle v + high² v²) / (1 + (damping² - 2) v + v²).
    let low_square = if kind == Kind::LowShelf { gain * gain } else { 1.0 };
    let sides = [turns.min(MIDDLE_TURNS), TOP_TURNS].map(|at_turns| {
        let (sine, cosine) = tan_fraction(std::f32::consts::PI * at_turns);
        let tangent = sine / (cosine * integrator);
        let v = tangent * tangent;
        let ratio = at_turns / turns;
        let wanted = analog_square(kind, ratio * ratio, root, q);
        let below = (v + (damping * damping - 2.0)) * v + 1.0;
        (v, (wanted * below - low_square) / v)
    });
    let [(v, sum), (top_v, top_sum)] = sides;
    let high_square = ((top_sum - sum) / (top_v - v)).max(0.0);
    let middle = sum - high_square * v;
    let (low, high) = (low_square.sqrt(), high_square.sqrt());
    let band = (middle + 2.0 * low * high).max(0.0).sqrt();
    Band { gain: integrator, damping, parts: [low, band, high] }
}

/// The square of the analog filter's gain at so many times its frequency, squared.
fn analog_square(kind: Kind, square: f32, root: f32, q: f32) -> f32 {
    let sharp = 1.0 / (q * q);
    if kind == Kind::Peak {
        let tuned = (1.0 - square) * (1.0 - square);
        return (tuned + root * root * sharp * square) / (tuned + sharp * square / (root * root));
    }
    // A high shelf is a low one, mirrored in octaves: here with both sides times
    // the square of the square.
    let middle = root * sharp * square;
    let (far, near) = (root - square, 1.0 - root * square);
    let (above, below) = if kind == Kind::LowShelf { (far, near) } else { (near, far) };
    root * root * (above * above + middle) / (below * below + middle)
}

/// A pair of analog poles as the integrators' gain and the damping that place their
/// digital images: each is e to the power of the pole.
fn carried_over(turns: f32, damping: f32) -> (f32, f32) {
    let angle = std::f32::consts::TAU * turns;
    let half = 0.5 * damping;
    // With poles p and q: (1 - p)(1 - q), (1 + p)(1 + q).
    let (low, high) = if half < 1.0 {
        let gone = one_less_exp(half * angle);
        let kept = 1.0 - gone;
        // A sine counts in quarters of a turn; this is half of the poles' angle.
        let quarters = (2.0 * turns * (1.0 - half * half).sqrt()).min(1.0);
        let (sine, cosine) = (sine_of_triangle(quarters), sine_of_triangle(1.0 - quarters));
        (gone * gone + 4.0 * kept * sine * sine, gone * gone + 4.0 * kept * cosine * cosine)
    } else {
        let spread = (half * half - 1.0).sqrt();
        let fast = one_less_exp((half + spread) * angle);
        // The product of both speeds is 1, so nothing is lost in a difference.
        let slow = one_less_exp(angle / (half + spread));
        (fast * slow, (2.0 - fast) * (2.0 - slow))
    };
    let gain = (low / high).sqrt();
    (gain, (4.0 / high - 1.0 - gain * gain) / gain)
}

/// 1 - e^-x for x from 0 up, without losing digits near 0.
fn one_less_exp(x: f32) -> f32 {
    if x < 0.2 {
        let series = 1.0 - x * (1.0 / 5.0);
        let series = 1.0 - x * (1.0 / 4.0) * series;
        let series = 1.0 - x * (1.0 / 3.0) * series;
        x * (1.0 - x * (1.0 / 2.0) * series)
    } else {
        1.0 - exp2(-std::f32::consts::LOG2_E * x.min(80.0))
    }
}

/// The band that takes off what this one adds.
fn inverse(band: &Band) -> Band {
    let [low, middle, high] = band.parts;
    let side = (low * high).sqrt();
    Band {
        gain: band.gain * (low / high).sqrt(),
        damping: middle / side,
        parts: [1.0 / low, band.damping / side, 1.0 / high],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// The digital gain, in dB, at a frequency over the sample rate.
    fn found_db(band: &Band, turns: f64) -> f64 {
        let s = (PI * turns).tan() / f64::from(band.gain);
        let [low, middle, high] = band.parts.map(f64::from);
        let above = (low - high * s * s).hypot(middle * s);
        let below = (1.0 - s * s).hypot(f64::from(band.damping) * s);
        20.0 * (above / below).log10()
    }

    /// The analog gain, in dB, at so many times the band's frequency: from the
    /// cookbook's polynomials, in complex numbers.
    fn analog_db(kind: Kind, ratio: f64, level_db: f64, q: f64) -> f64 {
        let a = 10f64.powf(level_db / 40.0);
        let size = |constant: f64, linear: f64, square: f64| {
            (constant - square * ratio * ratio).hypot(linear * ratio)
        };
        let slope = a.sqrt() / q;
        let gain = match kind {
            Kind::Peak => size(1.0, a / q, 1.0) / size(1.0, 1.0 / (a * q), 1.0),
            Kind::LowShelf => a * size(a, slope, 1.0) / size(1.0, slope, a),
            Kind::HighShelf => a * size(1.0, slope, a) / size(a, slope, 1.0),
        };
        20.0 * gain.log10()
    }

    #[test]
    fn up_to_20_khz_each_band_is_the_analog_one_within_a_ninth_of_a_db() {
        for kind in [Kind::LowShelf, Kind::Peak, Kind::HighShelf] {
            for hz in [20.0, 100.0, 1000.0, 5000.0, 10_000.0, 14_000.0, 20_000.0] {
                for level_db in [-18.0, -6.0, -1.0, 0.0, 3.0, 12.0, 18.0] {
                    for q in if kind == Kind::Peak { [0.2, 0.7, 10.0] } else { [0.5, 0.7, 1.0] } {
                        let gain = 10f64.powf(level_db / 20.0) as f32;
                        let band = band(kind, (hz / 96_000.0) as f32, gain, q as f32);
                        for step in 0..=100 {
                            let at_hz = 20.0 * 1000f64.powf(f64::from(step) / 100.0);
                            let error = found_db(&band, at_hz / 96_000.0)
                                - analog_db(kind, at_hz / hz, level_db, q);
                            let what = (kind, hz, level_db, q, at_hz);
                            assert!(error.abs() < 0.11, "{what:?}: {error} dB");
                        }
                    }
                }
            }
        }
    }
}
