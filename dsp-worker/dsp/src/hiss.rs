//! White noise in every channel at once.

use bytemuck::{Pod, Zeroable};

use crate::lane::{LANES, Lane};
use crate::random::Random;

/// Sixteen generators of 32 bits (xorshift; Marsaglia, Journal of Statistical
/// Software 8(14), 2003): a period of a day of sound, and SIMD all through.
/// Where chance must be finer, there is [`Random`].
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Hiss {
    bits: [u32; 16],
}

impl Hiss {
    /// Any seed will do.
    pub fn new(seed: u64) -> Hiss {
        let mut random = Random::new(seed);
        // It must not start from zero.
        Hiss { bits: [(); 16].map(|()| random.bits() | 1) }
    }

    /// The next frame: evenly from -1 up to 1.
    #[inline(always)]
    pub fn next<L: Lane>(&mut self, group: usize) -> L {
        let all = &mut self.bits.as_chunks_mut::<LANES>().0[group % 2];
        let mut volts = [0.0; LANES];
        for (bits, volts) in all.iter_mut().zip(&mut volts).take(L::WIDTH) {
            *volts = step(bits);
        }
        L::from_lanes(volts)
    }

    /// The next frame of one channel alone.
    #[inline(always)]
    pub fn next_in(&mut self, channel: usize) -> f32 {
        step(&mut self.bits[channel % 16])
    }
}

#[inline(always)]
fn step(bits: &mut u32) -> f32 {
    *bits ^= *bits << 13;
    *bits ^= *bits >> 17;
    *bits ^= *bits << 5;
    // From 2 up to 4.
    f32::from_bits(*bits >> 9 | 0x4000_0000) - 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lanes;

    #[test]
    fn it_is_even_white_and_different_in_every_channel() {
        let mut hiss = Hiss::new(0);
        let volts: Vec<_> = (0..100_000).map(|_| hiss.next::<Lanes>(0).to_lanes()).collect();
        let mean = |f: &dyn Fn(usize) -> f32| (1..100_000).map(f).sum::<f32>() / 1e5;
        assert!(mean(&|n| volts[n][0]).abs() < 0.01);
        assert!((mean(&|n| volts[n][0] * volts[n][0]) - 1.0 / 3.0).abs() < 0.01);
        assert!(mean(&|n| volts[n][0] * volts[n - 1][0]).abs() < 0.01);
        assert!(mean(&|n| volts[n][0] * volts[n][5]).abs() < 0.01);
    }
}
