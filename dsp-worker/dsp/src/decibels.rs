//! Levels in decibels, as every machine computes them.

use crate::lane::Lane;
use crate::{exp2, log2};

/// log2(10) / 20.
const OCTAVES_PER_DB: f32 = 0.166_096_4;
/// Below it is nothing: -400 dB.
const NOTHING: f32 = 1e-20;

/// The linear gain of a level, within ±700 dB. Real-time safe.
#[inline(always)]
pub fn gain_from_db<L: Lane>(level_db: L) -> L {
    exp2(level_db * L::splat(OCTAVES_PER_DB))
}

/// The level of a linear gain from 0 up; -400 dB is silence. Real-time safe.
#[inline(always)]
pub fn db_from_gain(gain: f32) -> f32 {
    log2(gain.max(NOTHING)) / OCTAVES_PER_DB
}

/// What a compressor takes off a level so far above its threshold. A knee of 0 dB is
/// a corner. Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor Design",
/// JAES 60(6), 2012, equation 4. Real-time safe.
#[inline(always)]
pub fn reduction_db(over_db: f32, ratio: f32, knee_db: f32) -> f32 {
    let slope = 1.0 - 1.0 / ratio;
    if 2.0 * over_db <= -knee_db {
        0.0
    } else if 2.0 * over_db >= knee_db {
        slope * over_db
    } else {
        let into_db = over_db + 0.5 * knee_db;
        slope * into_db * into_db / (2.0 * knee_db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_to_one_takes_three_quarters_off_and_the_knee_begins_below() {
        assert_eq!(reduction_db(8.0, 4.0, 0.0), 6.0);
        assert_eq!(reduction_db(-0.1, 4.0, 0.0), 0.0);
        assert_eq!(reduction_db(0.0, 2.0, 8.0), 0.5);
        assert_eq!(reduction_db(-4.0, 2.0, 8.0), 0.0);
    }

    #[test]
    fn twenty_db_are_ten_times_and_back() {
        assert!((gain_from_db(20.0f32) - 10.0).abs() < 1e-5);
        assert!((gain_from_db(-60.0f32) - 1e-3).abs() < 1e-8);
        for level_db in [-90.0, -6.02, 0.0, 12.0f32] {
            assert!((db_from_gain(gain_from_db(level_db)) - level_db).abs() < 1e-4, "{level_db}");
        }
        assert!(db_from_gain(0.0) < -390.0);
    }
}
