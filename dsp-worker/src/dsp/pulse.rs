//! A trigger: 10 V for one millisecond.

use bytemuck::{Pod, Zeroable};

use crate::units::{GATE_VOLTS, TRIGGER_SECS};

/// A trigger output's memory: how much of the pulse is left.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Pulse {
    left_frames: u32,
}

impl Pulse {
    /// Begins a trigger, with the frame that [`Pulse::volts`] gives next.
    #[inline(always)]
    pub fn start(&mut self, sample_rate_hz: f32) {
        self.left_frames = frames(sample_rate_hz);
    }

    /// Takes the next frame: 10 V while the trigger lasts, else 0 V.
    #[inline(always)]
    pub fn volts(&mut self) -> f32 {
        let volts = if self.is_on() { GATE_VOLTS } else { 0.0 };
        self.left_frames = self.left_frames.saturating_sub(1);
        volts
    }

    /// Whether the next frame is within the trigger.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.left_frames > 0
    }
}

/// Frames of one trigger: at least one.
#[inline(always)]
pub fn frames(sample_rate_hz: f32) -> u32 {
    ((TRIGGER_SECS * sample_rate_hz) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_lasts_a_millisecond() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.volts(), 0.0);
        pulse.start(48_000.0);
        let on = (0..100).filter(|_| pulse.volts() == 10.0).count();
        assert_eq!(on, 48);
    }
}
