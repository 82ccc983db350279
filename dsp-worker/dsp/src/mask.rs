//! Yes and no, channel by channel: state machines without branches.

use crate::lane::Lane;

/// A truth value per channel: every bit of the lane set, or none.
#[derive(Clone, Copy, Default)]
pub struct Mask<L>(L);

impl<L: Lane> Mask<L> {
    /// Where `a > b`.
    #[inline(always)]
    pub fn above(a: L, b: L) -> Mask<L> {
        Mask(a.zip(b, |a, b| f32::from_bits(if a > b { u32::MAX } else { 0 })))
    }

    /// From a state where yes is 1 and no is 0.
    #[inline(always)]
    pub fn load(channels: &[f32; 16], group: usize) -> Mask<L> {
        Mask::above(L::load(channels, group), L::splat(0.5))
    }

    /// As 1 and 0.
    #[inline(always)]
    pub fn store(self, channels: &mut [f32; 16], group: usize) {
        self.keep(L::splat(1.0)).store(channels, group);
    }

    /// Both.
    #[inline(always)]
    pub fn and(self, other: Mask<L>) -> Mask<L> {
        Mask(bits(self.0, other.0, |a, b| a & b))
    }

    /// Either or both.
    #[inline(always)]
    pub fn or(self, other: Mask<L>) -> Mask<L> {
        Mask(bits(self.0, other.0, |a, b| a | b))
    }

    /// This and not the other.
    #[inline(always)]
    pub fn and_not(self, other: Mask<L>) -> Mask<L> {
        Mask(bits(self.0, other.0, |a, b| a & !b))
    }

    /// One of the two alone.
    #[inline(always)]
    pub fn differs(self, other: Mask<L>) -> Mask<L> {
        Mask(bits(self.0, other.0, |a, b| a ^ b))
    }

    /// The value, or 0.
    #[inline(always)]
    pub fn keep(self, value: L) -> L {
        bits(self.0, value, |mask, value| mask & value)
    }

    /// 0, or the value where this is not.
    #[inline(always)]
    pub fn clear(self, value: L) -> L {
        bits(self.0, value, |mask, value| !mask & value)
    }

    /// One or the other.
    #[inline(always)]
    pub fn pick(self, then: L, otherwise: L) -> L {
        // The sign bit is what SIMD blends go by.
        self.0.zip3(then, otherwise, |mask, a, b| if (mask.to_bits() as i32) < 0 { a } else { b })
    }

    /// One or the other of two constants.
    #[inline(always)]
    pub fn pick_const(self, then: f32, otherwise: f32) -> L {
        let differing = f32::from_bits(then.to_bits() ^ otherwise.to_bits());
        bits(self.keep(L::splat(differing)), L::splat(otherwise), |a, b| a ^ b)
    }

    /// Whether it is so in any channel.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.0.to_lanes().iter().fold(0, |all, lane| all | lane.to_bits()) != 0
    }
}

#[inline(always)]
fn bits<L: Lane>(a: L, b: L, f: impl Fn(u32, u32) -> u32) -> L {
    a.zip(b, |a, b| f32::from_bits(f(a.to_bits(), b.to_bits())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lanes;

    #[test]
    fn every_channel_answers_for_itself() {
        let ramp = Lanes::from_lanes([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        let high = Mask::above(ramp, Lanes::splat(3.5));
        let low = Mask::above(Lanes::splat(1.5), ramp);
        let lanes = |mask: Mask<Lanes>| mask.pick(Lanes::splat(1.0), Lanes::splat(0.0)).to_lanes();
        assert_eq!(lanes(high), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(lanes(high.or(low)), [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(lanes(high.differs(high)), [0.0; 8]);
        assert_eq!(high.clear(ramp).to_lanes(), [0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(high.any() && !high.and(low).any() && !high.and_not(high).any());
    }
}
