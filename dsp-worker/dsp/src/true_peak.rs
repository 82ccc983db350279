//! How high a sound goes between its frames.

use super::const_math::kaiser_sinc;

/// Frames that are looked at.
pub const TAPS: usize = 12;
/// Places between two frames: with the frames themselves four times the rate, as
/// meters have it (ITU-R BS.1770, annex 2).
const PLACES: usize = 3;
/// In cycles a frame, with a window that leaves 20 kHz of 48 as it is within 0.1 dB.
const CUTOFF: f64 = 0.5;
const KAISER_BETA: f64 = 5.0;

static BETWEEN: [[f32; TAPS]; PLACES] = between();

const fn between() -> [[f32; TAPS]; PLACES] {
    let mut table = [[0.0; TAPS]; PLACES];
    let mut place = 0;
    while place < PLACES {
        let fraction = (place + 1) as f64 / (PLACES + 1) as f64;
        let mut values = [0.0; TAPS];
        let (mut tap, mut sum) = (0, 0.0);
        while tap < TAPS {
            let frames = tap as f64 - (TAPS / 2 - 1) as f64 - fraction;
            values[tap] = kaiser_sinc(frames, TAPS / 2, CUTOFF, KAISER_BETA);
            sum += values[tap];
            tap += 1;
        }
        while tap > 0 {
            tap -= 1;
            table[place][tap] = (values[tap] / sum) as f32;
        }
        place += 1;
    }
    table
}

/// The largest size between the two frames in the middle, both included. The frames
/// are in the order of time, or all the other way round.
#[inline(always)]
pub fn true_peak(frames: &[f32; TAPS]) -> f32 {
    let mut peak = frames[TAPS / 2 - 1].abs().max(frames[TAPS / 2].abs());
    for weights in &BETWEEN {
        let products = weights.iter().zip(frames).map(|(weight, volts)| weight * volts);
        peak = products.sum::<f32>().abs().max(peak);
    }
    peak
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_as_high_as_it_truly_is() {
        for (hz, error_db) in [(1000.0, 0.02), (12_000.0, 0.2), (19_000.0, 0.6)] {
            let sine = |n: usize| (std::f64::consts::TAU * (hz / 48e3 * n as f64 + 0.125)).sin();
            let peaks = (0..5000).map(|n| true_peak(&std::array::from_fn(|t| sine(n + t) as f32)));
            let peak_db = 20.0 * peaks.fold(0f32, f32::max).log10();
            assert!(peak_db.abs() < error_db, "{hz} Hz: {peak_db} dB");
        }
    }
}
