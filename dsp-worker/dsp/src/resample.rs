//! What a sound is between its frames, at any speed: the one resampler, for
//! every module that plays a file.
//!
//! A sinc under a window (Smith and Gossett, "A flexible sampling-rate
//! conversion method", ICASSP 1984). Up to 0.454 of a cycle a frame, which is
//! 20 kHz at 44.1 kHz, it is flat within 0.1 dB; what would fold back below
//! that is 100 dB down. Played faster than it was recorded, the window is
//! stretched, so that the same holds of the frames that are heard.

use super::const_math::sin;
use crate::lane::{LANES, Lane, Lanes};
use crate::mask::Mask;
use crate::mean::triangle;
use crate::sine::sine_of_triangle;

/// Frames that one reading looks at, at speeds up to 1.
const TAPS: usize = 96;
/// How far it looks to either side, in frames, at speeds up to 1.
const HALF: usize = TAPS / 2;
/// Rows of the table: places between two frames. A straight line from row to
/// row is 106 dB off at most.
const PLACES: usize = 256;
/// Half amplitude, in cycles a frame.
const CUTOFF: f64 = 0.478;
/// A Kaiser window (β = 10) as a polynomial of the square of the way to its
/// end, fitted (minimax) within 2e-6.
const WINDOW: [f64; 9] = [
    0.999_999_7,
    -4.742_953,
    10.127_25,
    -12.997_036,
    11.273_866,
    -6.978_394,
    3.083_989_4,
    -0.894_222_26,
    0.127_856_36,
];
/// Beyond four octaves up the window is stretched no more: it would cost too
/// much, and aliases.
const WIDEST: f64 = 16.0;

/// For every place behind a frame, the weights of the 48 frames up to it and
/// the 48 after it.
static TABLE: [[f32; TAPS]; PLACES + 1] = table();

#[allow(long_running_const_eval, reason = "two seconds")]
const fn table() -> [[f32; TAPS]; PLACES + 1] {
    let mut table = [[0.0; TAPS]; PLACES + 1];
    let mut place = 0;
    while place <= PLACES {
        let mut values = [0.0; TAPS];
        let mut sum = 0.0;
        let mut tap = 0;
        while tap < TAPS {
            let frames = tap as f64 - (HALF - 1) as f64 - place as f64 / PLACES as f64;
            values[tap] = impulse(frames);
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

const fn impulse(frames: f64) -> f64 {
    let way = frames / HALF as f64;
    if way * way >= 1.0 {
        return 0.0;
    }
    let turns = CUTOFF * frames;
    let sinc = if turns == 0.0 { 1.0 } else { sin(turns) / (std::f64::consts::TAU * turns) };
    let mut window = 0.0;
    let mut power = WINDOW.len();
    while power > 0 {
        power -= 1;
        window = window * way * way + WINDOW[power];
    }
    sinc * window
}

/// How far a reading at that speed looks to either side, in frames of the sound.
#[inline(always)]
pub fn reach_frames(speed: f64) -> f64 {
    HALF as f64 * speed.abs().clamp(1.0, WIDEST)
}

/// The channels of a sound at a place in frames, played at that many frames a
/// frame. `at` is a channel by its frames, also before its first and past its
/// last. `whole` are the same without gaps, where they are one piece of memory.
///
/// At speed 1 and on a frame it is that frame, to the bit.
#[inline(always)]
pub fn read_at<const N: usize>(
    whole: [&[f32]; N],
    place: f64,
    speed: f64,
    at: impl Fn(usize, i64) -> f32,
) -> [f32; N] {
    let frame = place.floor();
    let fraction = (place - frame) as f32;
    let frame = frame as i64;
    let speed = speed.abs();
    let mut sums = [Lanes::default(); N];
    if speed > 1.0 {
        let width = speed.min(WIDEST) as f32;
        let first = frame - (HALF as f32 * width) as i64;
        let count = 2 * (HALF as f32 * width) as usize + 2;
        for tap in (0..count).step_by(LANES) {
            let weights = wide_weights((first + tap as i64 - frame) as f32 - fraction, width);
            add(&mut sums, whole, first + tap as i64, weights, &at);
        }
    } else if speed == 1.0 && fraction == 0.0 {
        let mut frames = [0.0; N];
        for channel in 0..N {
            frames[channel] = at(channel, frame);
        }
        return frames;
    } else {
        let row = fraction * PLACES as f32;
        let here = (row as usize).min(PLACES - 1);
        let next = Lanes::splat(row - here as f32);
        let (here, after) = (TABLE[here].as_chunks().0, TABLE[here + 1].as_chunks().0);
        let first = frame - (HALF - 1) as i64;
        for chunk in 0..TAPS / LANES {
            let here = Lanes::from_lanes(here[chunk]);
            let weights = here + next * (Lanes::from_lanes(after[chunk]) - here);
            add(&mut sums, whole, first + (chunk * LANES) as i64, weights, &at);
        }
    }
    let mut read = [0.0; N];
    for channel in 0..N {
        read[channel] = sums[channel].to_lanes().iter().sum();
    }
    read
}

/// The next eight frames of every channel, by their weights.
#[inline(always)]
fn add<const N: usize>(
    sums: &mut [Lanes; N],
    whole: [&[f32]; N],
    first: i64,
    weights: Lanes,
    at: &impl Fn(usize, i64) -> f32,
) {
    for channel in 0..N {
        let start = usize::try_from(first).unwrap_or(usize::MAX);
        let piece = whole[channel].get(start..).and_then(|frames| frames.first_chunk::<LANES>());
        let frames = match piece {
            Some(frames) => *frames,
            None => {
                let mut frames = [0.0; LANES];
                for lane in 0..LANES {
                    frames[lane] = at(channel, first + lane as i64);
                }
                frames
            }
        };
        sums[channel] += weights * Lanes::from_lanes(frames);
    }
}

/// The weights of eight frames, from the first's way to the place on, under a
/// window so many times as wide.
#[inline(always)]
fn wide_weights(first_frames: f32, width: f32) -> Lanes {
    let c = Lanes::splat;
    let scale = 1.0 / width;
    let lane = Lanes::from_lanes([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let frames = (lane + c(first_frames)).abs() * c(scale);
    let way = (frames * c(1.0 / HALF as f32)).min(c(1.0));
    let square = way * way;
    let mut window = c(0.0);
    for power in (0..WINDOW.len()).rev() {
        window = window * square + c(WINDOW[power] as f32);
    }
    let window = Mask::above(c(1.0), way).keep(window);
    // In quarters of a turn. Near its middle a triangle wave is short of digits.
    let quarters = (frames * c(4.0 * CUTOFF as f32)).max(c(1e-6));
    let is_near = Mask::above(c(1.0), quarters);
    let sine = sine_of_triangle(is_near.pick(quarters, triangle(quarters)));
    sine / quarters * window * c(4.0 * CUTOFF as f32 * std::f32::consts::FRAC_1_PI * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::power_spectrum;
    use std::f64::consts::TAU;

    fn sine(cycles: f64) -> impl Fn(usize, i64) -> f32 {
        move |_, n| (TAU * (cycles * n as f64).fract()).sin() as f32
    }

    fn read(cycles: f64, speed: f64) -> Vec<f32> {
        let at = sine(cycles);
        (0..8192).map(|n| read_at([&[]], 500.3 + speed * f64::from(n), speed, &at)[0]).collect()
    }

    /// The level of a sine of those cycles a frame, read at that speed, and the
    /// level of all that is not it, in dB.
    fn levels_db(cycles: f64, speed: f64) -> (f64, f64) {
        let powers = power_spectrum(&read(cycles, speed), 18.0);
        let bin = (cycles * speed * 8192.0).round() as usize;
        let (mut tone, mut rest) = (0.0, 0.0);
        for (n, power) in powers.iter().enumerate() {
            *(if n.abs_diff(bin) <= 16 { &mut tone } else { &mut rest }) += power;
        }
        let full: f64 = power_spectrum(&read(0.1, 1.0), 18.0).iter().sum();
        let db = |energy: f64| 10.0 * (energy / full).max(1e-20).log10();
        (db(tone), db(rest))
    }

    #[test]
    fn up_to_20_khz_it_is_flat_and_clean_from_any_rate_to_any() {
        for file_hz in [44_100.0, 48_000.0, 88_200.0, 96_000.0, 192_000.0, 384_000.0] {
            for engine_hz in [44_100.0, 48_000.0, 88_200.0, 96_000.0, 192_000.0] {
                for tone_hz in [1000.0, 10_000.0, 19_000.0, 20_000.0] {
                    let (tone_db, rest_db) = levels_db(tone_hz / file_hz, file_hz / engine_hz);
                    let words = format!("{tone_hz} Hz of {file_hz} Hz at {engine_hz} Hz");
                    assert!(tone_db.abs() < 0.1, "{words}: {tone_db} dB");
                    assert!(rest_db < -100.0, "{words}: {rest_db} dB of images");
                }
                for tone_hz in [24_500.0, 28_000.0, 40_000.0, 90_000.0, 180_000.0] {
                    if tone_hz < 0.5 * file_hz && tone_hz > 0.521 * engine_hz {
                        let (tone_db, rest_db) = levels_db(tone_hz / file_hz, file_hz / engine_hz);
                        let db = tone_db.max(rest_db);
                        assert!(db < -100.0, "{tone_hz} of {file_hz} at {engine_hz}: {db} dB");
                    }
                }
            }
        }
    }

    #[test]
    fn at_any_pitch_what_is_kept_is_clean() {
        for speed in [0.1, 0.5, 0.97, 1.06, 1.5, 2.0, 3.7, 7.9] {
            let top = 1.0 / f64::max(speed, 1.0);
            for cycles in [0.01, 0.1, 0.3, 0.41, 0.453] {
                let (tone_db, rest_db) = levels_db(cycles * top, speed);
                assert!(tone_db.abs() < 0.1, "{cycles} at {speed}: {tone_db} dB");
                assert!(rest_db < -100.0, "{cycles} at {speed}: {rest_db} dB");
            }
        }
    }

    #[test]
    fn one_piece_of_memory_is_read_as_its_frames_are() {
        let sound: Vec<f32> = (0..700).map(|n: i32| ((n * n) % 17) as f32 - 8.0).collect();
        let at = |_, n: i64| usize::try_from(n).ok().and_then(|n| sound.get(n)).map_or(0.0, |&v| v);
        for place in [-3.3, 0.0, 15.2, 90.7, 380.1, 690.0, 710.0] {
            for speed in [0.7, 1.0, 1.9] {
                let whole = read_at([&sound], place, speed, at);
                assert_eq!(whole, read_at([&[]], place, speed, at), "{place} {speed}");
                assert_eq!([whole[0]; 2], read_at([&sound, &sound], place, speed, at));
            }
        }
        assert_eq!(read_at([&sound], 90.0, 1.0, at), [sound[90]]);
    }
}
