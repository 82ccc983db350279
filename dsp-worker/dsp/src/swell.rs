//! How a gain follows a control voltage.

use crate::exp2;
use crate::lane::Lane;

/// What the exponential response multiplies by from just open to fully open, in
/// octaves: 60 dB.
const RANGE_OCTAVES: f32 = 10.0;

/// From a straight line, at a blend of 0, to an exponential through the same ends.
/// `open` is from 0 to 1. Real-time safe.
#[inline(always)]
pub fn swell<L: Lane>(open: L, blend: L) -> L {
    const FULL: f32 = 1024.0; // 2^RANGE_OCTAVES
    let bent =
        (exp2(open * L::splat(RANGE_OCTAVES)) - L::splat(1.0)) * L::splat(1.0 / (FULL - 1.0));
    open + (bent - open) * blend
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_stay_where_they_are_and_half_way_is_30_db_down() {
        assert_eq!([swell(0.0f32, 1.0), swell(0.5, 0.0)], [0.0, 0.5]);
        assert!((swell(1.0f32, 1.0) - 1.0).abs() < 1e-6);
        assert!((swell(0.5f32, 1.0) - 31.0 / 1023.0).abs() < 1e-6);
    }
}
