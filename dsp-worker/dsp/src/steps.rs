//! What a clock and a reset do to a row of steps.
//!
//! Everything that steps by a clock asks this, so that the sequencers of a patch
//! stay together: after a reset the next clock plays the first step, and so does
//! a clock that came up to 1 ms before the reset.

use bytemuck::{Pod, Zeroable};

use super::schmitt::Schmitt;
use super::tempo::Tempo;
use crate::rate_change::RateChange;
use crate::units::RESET_HOLDOFF_SECS;

/// The memory of a clock input and a reset input. It begins as all zeros.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Steps {
    tempo: Tempo,
    reset: Schmitt,
    /// [`NEW`], [`WAITS`] or [`PLAYS`].
    state: u32,
    /// Since the last clock that counted, at the next frame; 0 where none has
    /// come yet.
    since_clock_frames: u32,
}

/// Neither a clock nor a reset has come yet.
const NEW: u32 = 0;
/// After a reset: the next clock plays the first step.
const WAITS: u32 = 1;
/// The next clock plays the next step.
const PLAYS: u32 = 2;

/// Where a row of steps goes at a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays.
    Stay,
    /// To its first step.
    First {
        /// Whether a clock plays it. Otherwise a reset has called it, and the
        /// next clock plays it.
        is_clocked: bool,
    },
    /// To the next step, which is played.
    Next,
}

impl Steps {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        self.tempo.change_rate(change);
        change.frames(&mut self.since_clock_frames);
    }

    /// Takes the next frame. Clocks count only while it `runs`. The first clock
    /// of all plays the first step. Real-time safe.
    #[inline(always)]
    pub fn next(
        &mut self,
        clock_volts: f32,
        reset_volts: f32,
        runs: bool,
        sample_rate_hz: f32,
    ) -> Step {
        let is_clocked = self.tempo.next(clock_volts, sample_rate_hz) && runs;
        let is_reset = self.reset.rises(reset_volts);
        let since_frames = self.since_clock_frames;
        if is_clocked {
            self.since_clock_frames = 1;
        } else if since_frames > 0 {
            self.since_clock_frames = since_frames.saturating_add(1);
        }

        if is_reset {
            let holdoff_frames = (RESET_HOLDOFF_SECS * sample_rate_hz) as u32;
            let is_clocked = is_clocked || (1..=holdoff_frames).contains(&since_frames);
            self.state = if is_clocked { PLAYS } else { WAITS };
            Step::First { is_clocked }
        } else if is_clocked {
            let plays = self.state == PLAYS;
            self.state = PLAYS;
            if plays { Step::Next } else { Step::First { is_clocked } }
        } else {
            Step::Stay
        }
    }

    /// Whether a clock or a reset has come yet.
    #[inline(always)]
    pub fn has_begun(&self) -> bool {
        self.state != NEW
    }

    /// Whether the next clock plays the first step.
    #[inline(always)]
    pub fn waits(&self) -> bool {
        self.state != PLAYS
    }

    /// Whether the clock's gate is on.
    #[inline(always)]
    pub fn is_clock_on(&self) -> bool {
        self.tempo.is_on()
    }

    /// Frames from the last clock that counted to this frame, or 0 where none
    /// has come yet.
    #[inline(always)]
    pub fn since_clock_frames(&self) -> u32 {
        self.since_clock_frames.saturating_sub(1)
    }

    /// How long the clock that has begun will probably last; see
    /// [`Tempo::expected_frames`].
    #[inline(always)]
    pub fn expected_frames(&self) -> u32 {
        self.tempo.expected_frames()
    }

    /// How long a clock lasts in the mean; see [`Tempo::period_frames`].
    #[inline(always)]
    pub fn period_frames(&self) -> f32 {
        self.tempo.period_frames()
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
    }

    #[test]
    fn after_a_reset_the_next_clock_plays_the_first_step_whenever_it_comes() {
        assert_eq!(moves("c..c..r.c..c"), "1..+..0.1..+");
        assert_eq!(moves("c..c.r..........c..c"), "1..+.0..........1..+");
        assert_eq!(moves("c..c.r.r..c..c"), "1..+.0.0..1..+");
        assert_eq!(moves(".r..c..c"), ".0..1..+");
        assert_eq!(moves("rc..c.."), "01..+..");
    }

    #[test]
    fn a_clock_that_does_not_run_is_none() {
        assert_eq!(moves(".s.s.c.s.c"), ".....1...+");
    }

    #[test]
    fn the_tempo_goes_on_while_it_does_not_run() {
        let mut steps = Steps::default();
        for frame in 0..200 {
            let clock = if frame % 12 == 3 { 10.0 } else { 0.0 };
            steps.next(clock, 0.0, !(40..150).contains(&frame), 48_000.0);
            assert_eq!(steps.expected_frames(), if frame < 15 { 0 } else { 12 });
        }
    }
}
