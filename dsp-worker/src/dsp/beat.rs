//! The tempo of a clock, for what keeps time with it.

use bytemuck::{Pod, Zeroable};

use crate::dsp::schmitt::Schmitt;

/// Measures the time between the last two clocks.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Beat {
    clock: Schmitt,
    /// 0 until the first clock.
    frames_since_clock: u32,
    /// 0 until the second clock.
    clock_frames: u32,
}

impl Beat {
    /// Takes the next frame of the clock. The frames from clock to clock, or 0
    /// while they are not known.
    #[inline(always)]
    pub fn follow(&mut self, volts: f32) -> u32 {
        if self.clock.rises(volts) {
            // A tempo of so many frames and a half must not waver.
            if self.frames_since_clock.abs_diff(self.clock_frames) > 1 {
                self.clock_frames = self.frames_since_clock;
            }
            self.frames_since_clock = 1;
        } else if self.frames_since_clock > 0 {
            self.frames_since_clock = self.frames_since_clock.saturating_add(1);
        }
        self.clock_frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_the_tempo_from_the_second_clock_on() {
        let mut beat = Beat::default();
        let clock = |frame: u32| if frame % 100 < 10 { 10.0 } else { 0.0 };
        for frame in 0..1000 {
            assert_eq!(beat.follow(clock(frame)), if frame < 100 { 0 } else { 100 }, "{frame}");
        }
    }

    #[test]
    fn half_a_frame_does_not_make_it_waver() {
        let mut beat = Beat::default();
        let clock = |frame: u32| if (2 * frame) % 201 < 20 { 10.0 } else { 0.0 };
        let beats: Vec<u32> = (0..5000).map(|frame| beat.follow(clock(frame))).collect();
        assert!(beats[300..].iter().all(|&frames| frames == beats[300]));
    }
}
