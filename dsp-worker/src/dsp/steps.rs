//! What a clock and a reset do to a row of steps.
//!
//! Whatever steps by a clock asks this, so that a patch's sequencers stay
//! together: a reset and a clock within 1 ms of each other, whichever comes
//! first, land on the first step, and nobody takes one of them for two.

use bytemuck::{Pod, Zeroable};

use super::schmitt::Schmitt;
use crate::units::RESET_HOLDOFF_SECS;

/// The memory of a clock input and a reset input. It begins as all zeros.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Steps {
    clock: Schmitt,
    reset: Schmitt,
    has_begun: u32,
    /// Frames in which a clock still belongs to the last reset.
    holdoff_frames: u32,
    /// At the next frame; 0 where no clock has come yet.
    since_clock_frames: u32,
    /// 0 where no two clocks have come yet.
    clock_frames: u32,
}

/// Where a row of steps goes at a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays.
    Stay,
    /// To its first step.
    First {
        /// Whether a clock plays it, or only a reset has called it.
        is_clocked: bool,
    },
    /// To the next step, which is played.
    Next,
}

impl Steps {
    /// Takes the next frame. Clocks count only while it `runs`. The first clock
    /// of all goes to the first step.
    #[inline(always)]
    pub fn next(
        &mut self,
        clock_volts: f32,
        reset_volts: f32,
        runs: bool,
        sample_rate_hz: f32,
    ) -> Step {
        let holdoff_frames = (RESET_HOLDOFF_SECS * sample_rate_hz) as u32;
        let is_clocked = self.clock.rises(clock_volts) && runs;
        let is_reset = self.reset.rises(reset_volts);
        let since_frames = self.since_clock_frames;
        let was_clocked = (1..=holdoff_frames).contains(&since_frames);
        if is_clocked {
            self.clock_frames = since_frames;
            self.since_clock_frames = 1;
        } else if since_frames > 0 {
            self.since_clock_frames = since_frames.saturating_add(1);
        }

        let is_held_off = self.holdoff_frames > 0;
        self.holdoff_frames = self.holdoff_frames.saturating_sub(1);
        let begins = self.has_begun == 0 && is_clocked;
        self.has_begun |= (is_clocked || is_reset) as u32;
        if is_reset {
            self.holdoff_frames = holdoff_frames;
            Step::First { is_clocked: is_clocked || was_clocked }
        } else if begins || is_clocked && is_held_off {
            Step::First { is_clocked }
        } else if is_clocked {
            Step::Next
        } else {
            Step::Stay
        }
    }

    /// Whether a clock or a reset has come yet.
    #[inline(always)]
    pub fn has_begun(&self) -> bool {
        self.has_begun != 0
    }

    /// Whether the clock's gate is on.
    #[inline(always)]
    pub fn is_clock_on(&self) -> bool {
        self.clock.is_on()
    }

    /// Frames from the last clock to this frame, or 0 where none has come yet.
    #[inline(always)]
    pub fn since_clock_frames(&self) -> u32 {
        self.since_clock_frames.saturating_sub(1)
    }

    /// Frames between the last two clocks, or 0 where there were no two yet.
    #[inline(always)]
    pub fn clock_frames(&self) -> u32 {
        self.clock_frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the steps go, at 1 frame a millisecond: `c` is a clock, `r` a
    /// reset, `b` is both, `s` a clock while it does not run.
    fn moves(events: &str) -> String {
        let mut steps = Steps::default();
        let mut take = |event| {
            let volts = |on: &str| if on.contains(event) { 10.0 } else { 0.0 };
            match steps.next(volts("cbs"), volts("rb"), event != 's', 1000.0) {
                Step::Stay => '.',
                Step::First { is_clocked: true } => '1',
                Step::First { is_clocked: false } => '0',
                Step::Next => '+',
            }
        };
        events.chars().map(&mut take).collect()
    }

    #[test]
    fn a_clock_and_a_reset_together_are_the_first_step() {
        assert_eq!(moves("..c..c..c.."), "..1..+..+..");
        assert_eq!(moves("c..c..b..c.."), "1..+..1..+..");
        assert_eq!(moves("c..c..cr..c."), "1..+..+1..+.");
        assert_eq!(moves("c..c..rc..c."), "1..+..01..+.");
        assert_eq!(moves("c..c..r.c..c"), "1..+..0.+..+");
    }

    #[test]
    fn a_reset_before_the_first_clock_goes_to_the_first_step() {
        assert_eq!(moves(".r..c..c"), ".0..+..+");
        assert_eq!(moves("rc..c.."), "01..+..");
    }

    #[test]
    fn a_clock_that_does_not_run_is_none() {
        assert_eq!(moves(".s.s.c.s.c"), ".....1...+");
    }

    #[test]
    fn it_knows_how_long_a_clock_lasts() {
        let mut steps = Steps::default();
        for frame in 0..100 {
            steps.next(if frame % 12 == 3 { 10.0 } else { 0.0 }, 0.0, true, 48_000.0);
            assert_eq!(steps.clock_frames(), if frame < 15 { 0 } else { 12 });
        }
    }
}
