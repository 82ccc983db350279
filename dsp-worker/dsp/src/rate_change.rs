//! Another sample rate while a patch plays: the seconds go on.

use crate::units::QUANTUM;

/// The latest frame that a clock comes to, so that it has room to go on.
const LAST_FRAME: f64 = (1u64 << 62) as f64;

/// From one sample rate to another, at one instant.
///
/// Sound, volts and phases stay as they are. What is counted in frames becomes
/// as many seconds at the new rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateChange {
    /// Until now, in Hz.
    pub from_hz: f32,
    /// From now on, in Hz.
    pub to_hz: f32,
    /// The clock at this instant, in frames of the old rate.
    pub from_frame: u64,
    /// The same in frames of the new rate: the nearest whole quantum.
    pub to_frame: u64,
}

/// A number of frames, or of quanta.
pub trait Frames: Copy {
    /// As many seconds, where a second has `ratio` times as many frames. A whole
    /// number above 0 stays above 0.
    #[must_use]
    fn scaled(self, ratio: f64) -> Self;
}

impl Frames for f64 {
    fn scaled(self, ratio: f64) -> f64 {
        self * ratio
    }
}

impl Frames for f32 {
    fn scaled(self, ratio: f64) -> f32 {
        (f64::from(self) * ratio) as f32
    }
}

impl Frames for u32 {
    fn scaled(self, ratio: f64) -> u32 {
        ((f64::from(self) * ratio).round() as u32).max(self.min(1))
    }
}

impl Frames for u64 {
    fn scaled(self, ratio: f64) -> u64 {
        ((self as f64 * ratio).round() as u64).max(self.min(1))
    }
}

impl RateChange {
    /// The change at that frame of the clock.
    pub fn new(from_hz: f32, to_hz: f32, from_frame: u64) -> RateChange {
        let change = RateChange { from_hz, to_hz, from_frame, to_frame: 0 };
        let quanta = from_frame as f64 * change.ratio() / QUANTUM as f64;
        let to_frame = (quanta.round() * QUANTUM as f64).min(LAST_FRAME) as u64;
        RateChange { to_frame, ..change }
    }

    /// Frames of the new rate to one of the old.
    pub fn ratio(&self) -> f64 {
        f64::from(self.to_hz) / f64::from(self.from_hz)
    }

    /// Turns a number of frames into as many seconds at the new rate.
    pub fn frames(&self, frames: &mut impl Frames) {
        *frames = frames.scaled(self.ratio());
    }

    /// [`RateChange::frames`] for each.
    pub fn all_frames<'a, F: Frames + 'a>(&self, frames: impl IntoIterator<Item = &'a mut F>) {
        frames.into_iter().for_each(|frames| self.frames(frames));
    }

    /// Turns what a frame adds into what a frame of the new rate adds.
    pub fn step(&self, step: &mut f32) {
        *step = (f64::from(*step) / self.ratio()) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seconds_go_on_to_half_a_quantum() {
        assert_eq!(RateChange::new(48_000.0, 96_000.0, 4800).to_frame, 9600);
        for from_frame in [0, 32, 48_000, 123_456_789 * 32] {
            let change = RateChange::new(48_000.0, 44_100.0, from_frame);
            let late = change.to_frame as f64 / 44_100.0 - from_frame as f64 / 48_000.0;
            assert!(late.abs() <= 16.0 / 44_100.0, "{late}");
            assert!(change.to_frame.is_multiple_of(32));
        }
        assert!(RateChange::new(8000.0, 384_000.0, 1 << 61).to_frame <= 1 << 62);
    }

    #[test]
    fn what_has_begun_does_not_end_by_rounding() {
        let change = RateChange::new(96_000.0, 8000.0, 0);
        let (mut left, mut none, mut all) = (3u32, 0u32, 96_000u64);
        change.all_frames([&mut left, &mut none]);
        change.frames(&mut all);
        assert_eq!((left, none, all), (1, 0, 8000));
        let mut step = 0.25;
        change.step(&mut step);
        assert_eq!(step, 3.0);
    }
}
