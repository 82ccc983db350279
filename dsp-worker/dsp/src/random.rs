//! Chance that every machine repeats alike.

use bytemuck::{Pod, Zeroable};

/// A random number generator of 64 bits: xorshift64* (Marsaglia 2003, Vigna
/// 2016). The same seed gives the same numbers everywhere.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Any seed will do.
    pub fn new(seed: u64) -> Random {
        // SplitMix64's finalizer, so that seeds next to each other differ in
        // every bit. xorshift must not start from zero.
        let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random { state: (z ^ (z >> 31)) | 1 }
    }

    /// 32 random bits.
    #[inline(always)]
    pub fn bits(&mut self) -> u32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// Evenly from 0 up to, not including, 1.
    #[inline(always)]
    pub fn unipolar(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Evenly from -1 up to, not including, 1.
    #[inline(always)]
    pub fn bipolar(&mut self) -> f32 {
        self.unipolar() * 2.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_even_and_without_a_lean() {
        let mut random = Random::new(0);
        let mut tenths = [0; 10];
        let mean: f32 = (0..100_000)
            .map(|_| {
                let value = random.unipolar();
                tenths[(value * 10.0) as usize] += 1;
                value
            })
            .sum::<f32>()
            / 100_000.0;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!(tenths.iter().all(|&count: &i32| (count - 10_000).abs() < 500), "{tenths:?}");
    }
}
