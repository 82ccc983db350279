//! A switch that does not click.

use bytemuck::{Pod, Zeroable};

/// How far something is open, on its way between shut and open.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Fade {
    /// From 0 to 1, in a straight line.
    open: f32,
}

impl Fade {
    /// Goes there at once: for a module's first frame.
    #[inline(always)]
    pub fn jump(&mut self, is_open: bool) {
        self.open = if is_open { 1.0 } else { 0.0 };
    }

    /// Takes the next frame, one [`step`] further at most. The gain, 0 to 1: two
    /// fades that cross add up to 1.
    #[inline(always)]
    pub fn next(&mut self, is_open: bool, step: f32) -> f32 {
        let goal = if is_open { 1.0 } else { 0.0 };
        let way = goal - self.open;
        // A hair more than a step, so that rounding does not cost a frame.
        let is_there = way.abs() < 1.01 * step;
        self.open = if is_there { goal } else { self.open + step.copysign(way) };
        // Flat at both ends, so that it begins and ends without an edge.
        self.open * self.open * (3.0 - 2.0 * self.open)
    }

    /// Whether it is wholly shut.
    #[inline(always)]
    pub fn is_shut(&self) -> bool {
        self.open == 0.0
    }

    /// Whether it is wholly open.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.open == 1.0
    }
}

/// How much further a fade of that length is after each frame.
#[inline(always)]
pub fn step(fade_secs: f32, sample_rate_hz: f32) -> f32 {
    (fade_secs * sample_rate_hz).recip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_its_time_and_arrives() {
        let (mut opens, mut shuts) = (Fade::default(), Fade::default());
        shuts.jump(true);
        let step = step(0.004, 1000.0);
        let gains: Vec<f32> = (0..5).map(|_| opens.next(true, step)).collect();
        assert_eq!(gains, [0.15625, 0.5, 0.84375, 1.0, 1.0]);
        for gain in gains {
            assert_eq!(gain + shuts.next(false, step), 1.0);
        }
        assert!(opens.is_open() && shuts.is_shut());
        assert_eq!(shuts.next(true, super::step(0.0, 1000.0)), 1.0);
    }
}
