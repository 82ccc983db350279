//! When a gate is on: a switch that does not chatter.

use bytemuck::{Pod, Zeroable};

use crate::units::{SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS};

/// A gate input's memory: on above 1 V, off below 0.1 V, unchanged between.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Schmitt {
    is_on: u32,
}

impl Schmitt {
    /// Takes the next frame. True where the gate has just gone on.
    #[inline(always)]
    pub fn rises(&mut self, volts: f32) -> bool {
        let was_on = self.is_on();
        self.follow(volts) && !was_on
    }

    /// Takes the next frame. Whether the gate is on.
    #[inline(always)]
    pub fn follow(&mut self, volts: f32) -> bool {
        let limit = if self.is_on() { SCHMITT_LOW_VOLTS } else { SCHMITT_HIGH_VOLTS };
        self.is_on = (volts > limit) as u32;
        self.is_on()
    }

    /// Whether none of the next frames turns the gate on or off.
    #[inline(always)]
    pub fn stays(&self, volts: &[f32]) -> bool {
        let (is_on, mut stays) = (self.is_on(), true);
        for &volts in volts {
            stays &= if is_on { volts > SCHMITT_LOW_VOLTS } else { volts <= SCHMITT_HIGH_VOLTS };
        }
        stays
    }

    /// Whether the gate was on at the last frame.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.is_on != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wobble_between_the_limits_is_one_gate() {
        let mut gate = Schmitt::default();
        let rises: Vec<bool> =
            [0.0, 0.9, 1.1, 0.5, 0.9, 1.5, 0.05, 1.1].iter().map(|&v| gate.rises(v)).collect();
        assert_eq!(rises, [false, false, true, false, false, false, false, true]);
    }
}
