//! Bent ways: from 0 to 1, faster at first or faster at last.

use crate::exp2;
use crate::lane::Lane;

/// A way from 0 to 1, bent by a [`bow`]. Its slope is 1 / `bow` at first and
/// `bow` at last; the reciprocal of a bow bends it back.
///
/// Schlick, "Fast alternatives to Perlin's bias and gain functions", Graphics
/// Gems IV, 1994, p. 401.
#[inline(always)]
pub fn bend<L: Lane>(way: L, bow: L) -> L {
    way / (way + bow * (L::splat(1.0) - way))
}

/// How strongly to [`bend`]: at 1 a way is half gone when 1/17 of the time is,
/// at 0 it is straight, and at -1 it is half gone at 16/17.
#[inline(always)]
pub fn bow<L: Lane>(curve: L) -> L {
    exp2(curve * L::splat(-4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_bent_between_the_same_ends() {
        assert_eq!([0.0, 0.25, 1.0].map(|way| bend(way, bow(0.0f32))), [0.0, 0.25, 1.0]);
        assert_eq!([0.0, 1.0 / 17.0, 1.0].map(|way| bend(way, bow(1.0f32))), [0.0, 0.5, 1.0]);
        let back = bend(bend(0.3, bow(0.7f32)), bow(-0.7));
        assert!((back - 0.3).abs() < 1e-6, "{back}");
    }
}
