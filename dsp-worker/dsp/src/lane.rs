//! One channel, or eight at once: DSP code is written over either.
//!
//! [`Lanes`] is plain arithmetic on an array. The compiler turns it into SSE2,
//! AVX2 or NEON, whichever the catalogue compiled the module for; the
//! results are the same to the bit, because nothing here fuses or reorders.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use bytemuck::{Pod, Zeroable};

/// Channels in one SIMD group.
pub const LANES: usize = 8;

/// Eight channels of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C, align(32))]
pub struct Lanes([f32; LANES]);

/// A number per channel: `f32` for one channel, [`Lanes`] for eight.
pub trait Lane:
    Copy
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + From<f32>
{
    /// How many channels.
    const WIDTH: usize;

    /// The same value in every channel.
    fn splat(value: f32) -> Self;
    /// The first channel.
    fn first(self) -> f32;
    /// From eight channels; as `f32`, the first of them.
    fn from_lanes(lanes: [f32; LANES]) -> Self;
    /// As eight channels; an `f32` in each.
    fn to_lanes(self) -> [f32; LANES];
    /// Each channel by itself.
    fn map(self, f: impl Fn(f32) -> f32) -> Self;
    /// Channel by channel with another.
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self;
    /// Channel by channel with two others.
    fn zip3(self, second: Self, third: Self, f: impl Fn(f32, f32, f32) -> f32) -> Self;

    /// Reads the group's channels from per-channel state.
    #[inline(always)]
    fn load(channels: &[f32; 16], group: usize) -> Self {
        Self::from_lanes(channels.as_chunks().0[group % 2])
    }

    /// Writes the group's channels to per-channel state; an `f32` only to the
    /// first.
    #[inline(always)]
    fn store(self, channels: &mut [f32; 16], group: usize) {
        if Self::WIDTH == 1 {
            channels[0] = self.first();
        } else {
            channels.as_chunks_mut().0[group % 2] = self.to_lanes();
        }
    }

    /// The smaller of two.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    /// The larger of two.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    /// Within both ends.
    #[inline(always)]
    fn clamp(self, low: f32, high: f32) -> Self {
        self.max(Self::splat(low)).min(Self::splat(high))
    }

    /// Without its sign.
    #[inline(always)]
    fn abs(self) -> Self {
        self.map(f32::abs)
    }

    /// `then` where `self >= limit`, `otherwise` elsewhere.
    #[inline(always)]
    fn at_least(self, limit: Self, then: Self, otherwise: Self) -> Self {
        let above = self.zip(limit, |a, b| f32::from_bits(if a >= b { u32::MAX } else { 0 }));
        let picked = above.zip(then, |m, t| f32::from_bits(m.to_bits() & t.to_bits()));
        let rest = above.zip(otherwise, |m, o| f32::from_bits(!m.to_bits() & o.to_bits()));
        picked.zip(rest, |a, b| f32::from_bits(a.to_bits() | b.to_bits()))
    }
}

/// An array from its indices. [`std::array::from_fn`] and `map` may stay functions
/// of their own, compiled for any processor; this is inlined. A closure of more
/// than some lines may still not be: write a loop.
#[inline(always)]
pub fn each<T: Copy + Default, const N: usize>(mut make: impl FnMut(usize) -> T) -> [T; N] {
    let mut all = [T::default(); N];
    for (index, one) in all.iter_mut().enumerate() {
        *one = make(index);
    }
    all
}

impl Lane for f32 {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn splat(value: f32) -> f32 {
        value
    }
    #[inline(always)]
    fn first(self) -> f32 {
        self
    }
    #[inline(always)]
    fn from_lanes(lanes: [f32; LANES]) -> f32 {
        lanes[0]
    }
    #[inline(always)]
    fn to_lanes(self) -> [f32; LANES] {
        [self; LANES]
    }
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> f32 {
        f(self)
    }
    #[inline(always)]
    fn zip(self, other: f32, f: impl Fn(f32, f32) -> f32) -> f32 {
        f(self, other)
    }
    #[inline(always)]
    fn zip3(self, second: f32, third: f32, f: impl Fn(f32, f32, f32) -> f32) -> f32 {
        f(self, second, third)
    }
}

impl Lane for Lanes {
    const WIDTH: usize = LANES;

    #[inline(always)]
    fn splat(value: f32) -> Lanes {
        Lanes([value; LANES])
    }
    #[inline(always)]
    fn first(self) -> f32 {
        self.0[0]
    }
    #[inline(always)]
    fn from_lanes(lanes: [f32; LANES]) -> Lanes {
        Lanes(lanes)
    }
    #[inline(always)]
    fn to_lanes(self) -> [f32; LANES] {
        self.0
    }
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Lanes {
        let mut out = self.0;
        for value in &mut out {
            *value = f(*value);
        }
        Lanes(out)
    }
    #[inline(always)]
    fn zip(self, other: Lanes, f: impl Fn(f32, f32) -> f32) -> Lanes {
        let mut out = self.0;
        for (value, other) in out.iter_mut().zip(other.0) {
            *value = f(*value, other);
        }
        Lanes(out)
    }
    #[inline(always)]
    fn zip3(self, second: Lanes, third: Lanes, f: impl Fn(f32, f32, f32) -> f32) -> Lanes {
        let mut out = self.0;
        for ((value, second), third) in out.iter_mut().zip(second.0).zip(third.0) {
            *value = f(*value, second, third);
        }
        Lanes(out)
    }
}

impl From<f32> for Lanes {
    #[inline(always)]
    fn from(value: f32) -> Lanes {
        Lanes::splat(value)
    }
}

macro_rules! lanes_operator {
    ($trait:ident, $method:ident, $operator:tt) => {
        impl $trait for Lanes {
            type Output = Lanes;
            #[inline(always)]
            fn $method(self, other: Lanes) -> Lanes {
                self.zip(other, |a, b| a $operator b)
            }
        }
    };
}

lanes_operator!(Add, add, +);
lanes_operator!(Sub, sub, -);
lanes_operator!(Mul, mul, *);
lanes_operator!(Div, div, /);

impl Neg for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn neg(self) -> Lanes {
        self.map(|a| -a)
    }
}

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Lanes) {
        *self = *self + other;
    }
}

impl SubAssign for Lanes {
    #[inline(always)]
    fn sub_assign(&mut self, other: Lanes) {
        *self = *self - other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_channels_compute_what_one_does() {
        let a = Lanes::from_lanes([1.0, -2.0, 3.5, 0.0, 5.0, 6.0, -7.25, 8.0]);
        let b = Lanes::splat(1.5);
        for lane in 0..LANES {
            let (x, y) = (a.to_lanes()[lane], 1.5f32);
            assert_eq!((a * b - a / b).to_lanes()[lane], x * y - x / y);
            assert_eq!(a.at_least(b, a, -b).to_lanes()[lane], if x >= y { x } else { -y });
            assert_eq!(Lane::clamp(a, -1.0, 1.0).to_lanes()[lane], x.clamp(-1.0, 1.0));
        }
    }
}
