//! How slowly a voltage follows.

use crate::exp2;

/// What is left of a step after one frame, if 1 % is left after `secs`.
#[inline(always)]
pub fn lag(secs: f32, sample_rate_hz: f32) -> f32 {
    const OCTAVES: f32 = 6.643_856; // log2(100)
    let frames = secs * sample_rate_hz;
    if frames < OCTAVES / 100.0 { 0.0 } else { exp2(-OCTAVES / frames) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_percent_is_left_in_the_end() {
        assert_eq!(lag(0.0, 48_000.0), 0.0);
        assert!((lag(1.0, 1.0) - 0.01).abs() < 1e-6);
        assert!((lag(1.0, 2.0) - 0.1).abs() < 1e-6);
    }
}
