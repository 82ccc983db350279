//! Gates and triggers of every channel at once.

use bytemuck::{Pod, Zeroable};

use crate::lane::Lane;
use crate::mask::Mask;
use crate::rate_change::RateChange;
use crate::units::{GATE_VOLTS, SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS};

/// A gate input's memory: on above 1 V, off below 0.1 V, unchanged between. Yes
/// is 1 and no is 0.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Gates {
    is_on: [f32; 16],
}

/// What a gate input does at one frame.
#[derive(Clone, Copy, Default)]
pub struct Gate<L> {
    /// Where it is on.
    pub is_on: Mask<L>,
    /// Where it has just gone on.
    pub rises: Mask<L>,
    /// Where it has just gone off.
    pub falls: Mask<L>,
}

impl Gates {
    /// Takes the next frame of a group of channels.
    #[inline(always)]
    pub fn follow<L: Lane>(&mut self, group: usize, volts: L) -> Gate<L> {
        let was_on = Mask::<L>::load(&self.is_on, group);
        let is_on = Mask::above(volts, was_on.pick_const(SCHMITT_LOW_VOLTS, SCHMITT_HIGH_VOLTS));
        is_on.store(&mut self.is_on, group);
        Gate { is_on, rises: is_on.and_not(was_on), falls: was_on.and_not(is_on) }
    }
}

/// A gate output that goes off by itself: how many frames are left.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Pulses {
    left_frames: [f32; 16],
}

impl Pulses {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        change.all_frames(&mut self.left_frames);
    }

    /// Takes the next frame of a group of channels: 10 V while a pulse lasts,
    /// else 0 V. Where it `starts`, it lasts so many frames from this one on.
    #[inline(always)]
    pub fn next<L: Lane>(&mut self, group: usize, starts: Mask<L>, frames: L) -> L {
        let left = starts.pick(frames, L::load(&self.left_frames, group));
        (left - L::splat(1.0)).max(L::splat(0.0)).store(&mut self.left_frames, group);
        volts(Mask::above(left, L::splat(0.5)))
    }

    /// Ends pulses before the next frame.
    #[inline(always)]
    pub fn stop<L: Lane>(&mut self, group: usize, here: Mask<L>) {
        here.clear(L::load(&self.left_frames, group)).store(&mut self.left_frames, group);
    }

    /// Where a pulse lasts into the next frame.
    #[inline(always)]
    pub fn lasts<L: Lane>(&self, group: usize) -> Mask<L> {
        Mask::above(L::load(&self.left_frames, group), L::splat(0.5))
    }
}

/// 10 V where it is so, else 0 V.
#[inline(always)]
pub fn volts<L: Lane>(is_on: Mask<L>) -> L {
    is_on.keep(L::splat(GATE_VOLTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lanes;

    #[test]
    fn a_gate_rises_once_and_a_pulse_ends_by_itself() {
        let (mut gates, mut pulses) = (Gates::default(), Pulses::default());
        let mut out = Vec::new();
        for volts in [0.9, 1.1, 0.5, 0.05, 0.5, 0.5] {
            let gate = gates.follow(1, Lanes::splat(volts));
            out.push(pulses.next(1, gate.rises, Lanes::splat(3.0)).to_lanes()[5]);
        }
        assert_eq!(out, [0.0, 10.0, 10.0, 10.0, 0.0, 0.0]);
        assert_eq!(gates.is_on[13], 0.0);
    }
}
