//! Gates that are heard to begin, however soon one follows another.

use bytemuck::{Pod, Zeroable};

use super::steps::Steps;
use crate::rate_change::RateChange;

/// A gate output's memory. Where a gate begins while the one before is still on,
/// it goes off for up to 1 ms first, so that whatever listens hears both.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct StruckGate {
    is_on: u32,
    /// How long it is still off, so that the next gate is heard to begin.
    gap_frames: u32,
    /// How long it is still on, whatever else there is.
    least_frames: u32,
}

impl StruckGate {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        change.all_frames([&mut self.gap_frames, &mut self.least_frames]);
    }

    /// Takes the next frame. Whether the gate is on. `strike_frames` is there
    /// where a gate begins at this frame: how long it will probably be on.
    /// Real-time safe.
    #[inline(always)]
    pub fn next(&mut self, is_on: bool, strike_frames: Option<u32>, trigger_frames: u32) -> bool {
        if let Some(frames) = strike_frames {
            let gap_frames = trigger_frames.min(frames / 2).max(1);
            self.gap_frames = if self.is_on != 0 { gap_frames } else { 0 };
            let rest_frames = trigger_frames.min(frames.saturating_sub(self.gap_frames)).max(1);
            let is_late = self.gap_frames > 0 || !is_on;
            self.least_frames = if is_late { self.gap_frames + rest_frames } else { 0 };
        }
        let is_open = self.gap_frames == 0 && (is_on || self.least_frames > 0);
        self.gap_frames = self.gap_frames.saturating_sub(1);
        self.least_frames = self.least_frames.saturating_sub(1);
        self.is_on = is_open as u32;
        is_open
    }

    /// Takes a frame in which the gate is off, and ends what was struck.
    #[inline(always)]
    pub fn stop(&mut self) {
        *self = StruckGate::default();
    }
}

/// The gate of a step, which may be struck several times before the next clock.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct StepGate {
    gate: StruckGate,
    /// Frames since the step began.
    step_frames: u32,
    /// Whether its first strike is still to come.
    is_due: u32,
    /// Whether the clock that began the step is still on.
    follows_clock: u32,
}

/// How a step's gate is played.
#[derive(Clone, Copy, Debug)]
pub struct Strikes {
    /// How often it is struck, at least once.
    pub count: u32,
    /// How much of its time each strike is on. At 0 one strike is as long as the
    /// clock's gate, and of several each is on for half its time.
    pub length: f32,
    /// Whether the gate stays on until the next step.
    pub is_tied: bool,
}

/// What a step's gate does at a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepFrame {
    /// Whether the gate is on.
    pub is_on: bool,
    /// Whether it is struck again.
    pub is_repeated: bool,
}

impl StepGate {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        self.gate.change_rate(change);
        change.frames(&mut self.step_frames);
    }

    /// A step begins with the frame that [`StepGate::next`] takes next. Where it
    /// is held over from the step before, its first strike is not heard.
    #[inline(always)]
    pub fn begin(&mut self, is_held: bool) {
        self.step_frames = 0;
        self.is_due = !is_held as u32;
        self.follows_clock = 1;
    }

    /// The gate is off until the next step begins. Real-time safe.
    #[inline(always)]
    pub fn rest(&mut self) {
        self.gate.stop();
        self.is_due = 0;
        self.follows_clock = 0;
    }

    /// Takes the next frame of a step that has begun. Before the second clock,
    /// while there is no tempo, the gate is as long as the clock's. Real-time
    /// safe.
    #[inline(always)]
    pub fn next(&mut self, steps: &Steps, strikes: Strikes, trigger_frames: u32) -> StepFrame {
        self.follows_clock &= steps.is_clock_on() as u32;
        let is_due = self.is_due != 0;
        self.is_due = 0;
        let count = strikes.count.max(1);
        let clock_frames = steps.expected_frames();
        if clock_frames == 0 || count == 1 && strikes.length < 1e-3 {
            let is_on = self.follows_clock != 0 || strikes.is_tied;
            // How long the clock will be on is not known.
            let strike = is_due.then_some(match clock_frames / 4 {
                0 => 2 * trigger_frames,
                frames => frames.min(2 * trigger_frames),
            });
            return StepFrame {
                is_on: self.gate.next(is_on, strike, trigger_frames),
                is_repeated: false,
            };
        }

        // A strike is as many of these as the clock has frames.
        let gone = u64::from(self.step_frames) * u64::from(count);
        self.step_frames = self.step_frames.saturating_add(1);
        let strike = gone / u64::from(clock_frames);
        let since = (gone % u64::from(clock_frames)) as u32;
        let is_repeated = since < count && (1..u64::from(count)).contains(&strike);

        let length = if strikes.length < 1e-3 { 0.5 } else { strikes.length };
        // Even the longest ends before the next strike.
        let gap = (trigger_frames * count).min(clock_frames / 16).max(1);
        let on = (length * clock_frames as f32).min((clock_frames - gap) as f32);
        let is_within = strike < u64::from(count) && (since as f32) < on;
        let strike_frames = (is_due || is_repeated && !strikes.is_tied)
            .then_some(if strikes.is_tied { clock_frames } else { on as u32 / count });
        let is_on = is_within || strikes.is_tied;
        StepFrame { is_on: self.gate.next(is_on, strike_frames, trigger_frames), is_repeated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x` where it is on; struck where a letter is large, for 8 frames, with
    /// triggers of 4.
    fn heard(frames: &str) -> String {
        let mut gate = StruckGate::default();
        let mut take = |is: char| {
            let strike = is.is_uppercase().then_some(8);
            if gate.next(is.eq_ignore_ascii_case(&'x'), strike, 4) { 'x' } else { '.' }
        };
        frames.chars().map(&mut take).collect()
    }

    #[test]
    fn a_gate_that_begins_while_one_is_on_goes_off_first() {
        assert_eq!(heard("..Xxxxxxxx...Xxx"), "..xxxxxxxx...xxx");
        assert_eq!(heard("..XxxxxXxxxxxxx."), "..xxxxx....xxxx.");
    }

    #[test]
    fn a_gate_that_is_struck_late_is_heard_all_the_same() {
        assert_eq!(heard("..XxxxO.........."), "..xxxx....xxxx...");
    }
}
