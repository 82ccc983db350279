//! Channels that begin anew: their part of what a module remembers.

use std::ops::Range;

use bytemuck::Pod;

use crate::units::CHANNELS;

/// Clears some channels of what is made of `[f32; 16]` and the like, one number
/// for each channel. Real-time safe.
#[inline(always)]
pub fn clear<T: Pod>(memory: &mut T, channels: &Range<usize>) {
    const { assert!(size_of::<T>().is_multiple_of(size_of::<[u32; CHANNELS]>())) };
    const { assert!(align_of::<T>().is_multiple_of(align_of::<[u32; CHANNELS]>())) };
    let memory = std::slice::from_mut(memory);
    for row in bytemuck::cast_slice_mut::<T, [u32; CHANNELS]>(memory) {
        row[channels.clone()].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::Gates;
    use crate::lane::{Lane, Lanes};

    #[test]
    fn only_those_channels_are_cleared() {
        let mut gates = [Gates::default(); 2];
        for gates in &mut gates {
            (0..2).for_each(|group| _ = gates.follow(group, Lanes::splat(10.0)));
        }
        clear(&mut gates, &(3..12));
        for gates in &mut gates {
            let rises = [0, 1].map(|g| gates.follow(g, Lanes::splat(10.0)).rises);
            let rises = rises.map(|rises| rises.keep(Lanes::splat(1.0)).to_lanes()).concat();
            let should_be: Vec<f32> = (0..16).map(|c| f32::from((3..12).contains(&c))).collect();
            assert_eq!(rises, should_be);
        }
    }
}
