//! A trigger: 10 V for one millisecond.

use bytemuck::{Pod, Zeroable};

use crate::rate_change::RateChange;
use crate::units::{GATE_VOLTS, TRIGGER_SECS};

/// A trigger output's memory: how much of the pulse is left.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Pulse {
    /// With [`GAP`] where a frame of 0 V comes first.
    left_frames: u32,
}

/// Marks a trigger that begins while another lasts.
const GAP: u32 = 1 << 31;

impl Pulse {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        let gap = self.left_frames & GAP;
        self.left_frames &= !GAP;
        change.frames(&mut self.left_frames);
        self.left_frames |= gap;
    }

    /// Begins a trigger, with the frame that [`Pulse::volts`] gives next. Where
    /// one lasts, it goes off for that frame first, so that both are heard.
    #[inline(always)]
    pub fn start(&mut self, sample_rate_hz: f32) {
        let full_frames = frames(sample_rate_hz);
        // A trigger of which nothing was played yet needs no gap.
        let lasts = self.left_frames > 0 && self.left_frames != full_frames;
        self.left_frames = full_frames | if lasts { GAP } else { 0 };
    }

    /// Takes the next frame: 10 V while the trigger lasts, else 0 V.
    #[inline(always)]
    pub fn volts(&mut self) -> f32 {
        if self.left_frames & GAP != 0 {
            self.left_frames &= !GAP;
            return 0.0;
        }
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

    #[test]
    fn a_trigger_within_another_is_heard_too() {
        let mut pulse = Pulse::default();
        let mut out = Vec::new();
        for frame in 0..12 {
            if frame == 1 || frame == 3 || frame == 4 {
                pulse.start(5000.0);
            }
            out.push(pulse.volts() > 0.0);
        }
        let on: Vec<usize> = (0..12).filter(|&frame| out[frame]).collect();
        assert_eq!(on, [1, 2, 4, 5, 6, 7, 8]);
    }
}
