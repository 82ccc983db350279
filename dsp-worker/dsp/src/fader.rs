//! Level knobs in decibels.

use crate::exp2;

/// Where a level knob is all the way down, and shuts.
pub const SHUT_DB: f32 = -60.0;
/// log2(10) / 20: octaves of gain per decibel.
const OCTAVES_PER_DB: f32 = 0.166_096_4;

/// The gain of a level knob: quite shut at its lower end.
#[inline(always)]
pub fn gain(level_db: f32) -> f32 {
    // A glide ends a hair above its goal.
    if level_db < SHUT_DB + 0.01 { 0.0 } else { exp2(level_db * OCTAVES_PER_DB) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knob_all_the_way_down_is_silence() {
        assert_eq!(gain(SHUT_DB), 0.0);
        assert_eq!(gain(0.0), 1.0);
        assert!((gain(-20.0) - 0.1).abs() < 1e-6);
    }
}
