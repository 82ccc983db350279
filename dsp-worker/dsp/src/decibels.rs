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

#[cfg(test)]
mod tests {
    use super::*;

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
