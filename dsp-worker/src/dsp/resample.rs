//! What a sound is between its frames, at any speed.
//!
//! A sinc under a Kaiser window (Smith and Gossett, "A flexible sampling-rate
//! conversion method", ICASSP 1984). Played faster than it was recorded, the
//! window is stretched, so that what would fold back is left out.

use super::const_math::kaiser_sinc;

/// Frames that one reading looks at, at speeds up to 1.
const TAPS: usize = 32;
const HALF: usize = TAPS / 2;
/// Rows of the table: places between two frames.
const PLACES: usize = 256;
/// In cycles a frame. At 48 kHz it is flat to 20 kHz and 84 dB down from 28 kHz.
const CUTOFF: f64 = 0.5;
const KAISER_BETA: f64 = 8.36;
/// Beyond three octaves up the window is stretched no more: it would cost too
/// much, and aliases.
const WIDEST: f64 = 8.0;

/// For every place behind a frame, the weights of the 16 frames up to it and
/// the 16 after it.
static TABLE: [[f32; TAPS]; PLACES + 1] = table();

#[allow(long_running_const_eval, reason = "a second")]
const fn table() -> [[f32; TAPS]; PLACES + 1] {
    let mut table = [[0.0; TAPS]; PLACES + 1];
    let mut place = 0;
    while place <= PLACES {
        let mut values = [0.0; TAPS];
        let mut sum = 0.0;
        let mut tap = 0;
        while tap < TAPS {
            let frames = tap as f64 - (HALF - 1) as f64 - place as f64 / PLACES as f64;
            values[tap] = kaiser_sinc(frames, HALF, CUTOFF, KAISER_BETA);
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

/// The sound at a place in frames, played at that many frames a frame. `at` is
/// the sound by its frames, also before its first and past its last. `whole` is
/// the same without gaps, where it is one piece of memory.
#[inline(always)]
pub fn read_at(whole: &[f32], place: f64, speed: f64, at: impl Fn(i64) -> f32) -> f32 {
    let frame = place.floor();
    let fraction = (place - frame) as f32;
    let frame = frame as i64;
    let speed = speed.abs();
    if speed > 1.0 {
        return read_wide(frame, fraction, speed.min(WIDEST) as f32, at);
    }
    let row = fraction * PLACES as f32;
    let here = (row as usize).min(PLACES - 1);
    let next = row - here as f32;
    let (here, after) = (&TABLE[here], &TABLE[here + 1]);
    let first = frame - (HALF - 1) as i64;
    let inside = usize::try_from(first).ok().and_then(|first| whole.get(first..first + TAPS));
    let mut sums = [0.0; 8];
    let mut tap =
        |n: usize, volts: f32| sums[n % 8] += volts * (here[n] + next * (after[n] - here[n]));
    match inside {
        Some(frames) => (0..TAPS).for_each(|n| tap(n, frames[n])),
        None => (0..TAPS).for_each(|n| tap(n, at(first + n as i64))),
    }
    sums.iter().sum()
}

/// With the window as many times as wide.
#[inline(always)]
fn read_wide(frame: i64, fraction: f32, width: f32, at: impl Fn(i64) -> f32) -> f32 {
    let scale = 1.0 / width;
    let reach = (HALF as f32 * width) as i64;
    let mut sum = 0.0;
    for n in 1 - reach..=reach {
        let frames = (n as f32 - fraction) * scale + (HALF - 1) as f32;
        // Behind the row's frame, counted in turn from there.
        let tap = frames.ceil();
        let row = (tap - frames) * PLACES as f32;
        let (tap, place) = (tap as usize, (row as usize).min(PLACES - 1));
        if tap < TAPS {
            let next = row - place as f32;
            let weight = TABLE[place][tap] + next * (TABLE[place + 1][tap] - TABLE[place][tap]);
            sum += weight * at(frame + n);
        }
    }
    sum * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The level, in dB, of a sine of those cycles a frame, read at that speed.
    fn level_db(cycles: f64, speed: f64) -> f64 {
        let sine = |n: i64| (TAU * (cycles * n as f64).fract()).sin() as f32;
        let read = |n: u32| f64::from(read_at(&[], 500.3 + speed * f64::from(n), speed, sine));
        let energy = (0..4000).map(|n| read(n).powi(2)).sum::<f64>() / 2000.0;
        10.0 * energy.max(1e-20).log10()
    }

    #[test]
    fn what_can_be_heard_is_kept_and_what_would_fold_is_not() {
        for speed in [0.3, 1.0, 1.5, 2.0, 5.3] {
            let top = 1.0 / f64::max(speed, 1.0);
            for cycles in [0.01, 0.1, 0.3, 0.41] {
                let db = level_db(cycles * top, speed);
                assert!(db.abs() < 0.02, "{cycles} at {speed}: {db} dB");
            }
            if speed > 1.5 {
                let db = level_db(0.59 * top, speed);
                assert!(db < -80.0, "{speed}: {db} dB");
            }
        }
    }

    #[test]
    fn one_piece_of_memory_is_read_as_its_frames_are() {
        let sound: Vec<f32> = (0..200).map(|n: i32| ((n * n) % 17) as f32 - 8.0).collect();
        let at = |n: i64| usize::try_from(n).ok().and_then(|n| sound.get(n)).map_or(0.0, |&v| v);
        for place in [-3.3, 0.0, 15.2, 90.7, 180.1, 210.0] {
            assert_eq!(read_at(&sound, place, 0.7, at), read_at(&[], place, 0.7, at));
        }
        assert!((read_at(&sound, 90.0, 1.0, at) - sound[90]).abs() < 1e-4);
    }
}
