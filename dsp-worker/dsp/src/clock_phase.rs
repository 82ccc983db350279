//! A cycle that keeps to a clock, as fast as it or by a ratio.

use bytemuck::{Pod, Zeroable};

use super::tempo::Tempo;
use crate::rate_change::RateChange;

/// 2^64 to a turn.
const TURN: f64 = 18_446_744_073_709_551_616.0;
/// The fastest, in turns a frame.
const MAX_STEP: f64 = 0.49;

/// The memory of a clock input that a phase of 64 bits follows.
///
/// At every clock it looks how far the phase is from where it should be, and
/// makes that good until the next one: the wave bends with the tempo, and never
/// jumps or drifts away. Where the next clock does not come, it waits.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct ClockPhase {
    phase: u64,
    step: u64,
    clocks: u64,
    /// Until the phase is where the next clock should meet it.
    left_frames: u32,
    tempo: Tempo,
}

impl ClockPhase {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        self.step = (self.step as f64 / change.ratio()) as u64;
        change.frames(&mut self.left_frames);
        self.tempo.change_rate(change);
    }

    /// Takes the next frame. How far the phase goes in it, at least 1; `None`
    /// before the second clock, while there is no tempo. `ratio` is cycles over
    /// clocks. Real-time safe.
    #[inline(always)]
    pub fn next(&mut self, volts: f32, ratio: (u32, u32), sample_rate_hz: f32) -> Option<u64> {
        if self.tempo.next(volts, sample_rate_hz) && self.tempo.expected_frames() > 0 {
            self.follow(ratio);
        }
        let step = if self.left_frames > 0 { self.step } else { 1 };
        self.left_frames = self.left_frames.saturating_sub(1);
        self.phase = self.phase.wrapping_add(step);
        (self.step > 0).then_some(step)
    }

    #[inline(always)]
    fn follow(&mut self, (cycles, clocks): (u32, u32)) {
        let (cycles, clocks) = (u64::from(cycles), u64::from(clocks.max(1)));
        self.clocks = self.clocks.wrapping_add(1);
        let goal = (self.clocks % clocks * cycles % clocks).wrapping_mul(u64::MAX / clocks);
        let late = goal.wrapping_sub(self.phase) as i64 as f64 / TURN;
        if self.step == 0 {
            self.phase = goal;
        }
        let late = if self.step == 0 { 0.0 } else { late };
        self.left_frames = self.tempo.expected_frames();
        let turns = (cycles as f64 / clocks as f64 + late) / f64::from(self.left_frames);
        // It may wait for its clock, but not run backwards.
        self.step = (turns.clamp(0.0, MAX_STEP) * TURN) as u64 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phase at every clock, in turns, for clocks that are so long.
    fn at_clocks(clock_frames: &[u32], ratio: (u32, u32)) -> Vec<f64> {
        let mut follower = ClockPhase::default();
        let mut found = Vec::new();
        for &frames in clock_frames {
            for frame in 0..frames {
                if frame == 0 {
                    found.push(follower.phase as f64 / TURN);
                }
                follower.next(if frame < 3 { 10.0 } else { 0.0 }, ratio, 48_000.0);
            }
        }
        found
    }

    #[test]
    fn a_steady_clock_is_met_at_every_edge() {
        for ratio in [(1, 1), (1, 3), (3, 2), (16, 1)] {
            let turns = at_clocks(&[100; 50], ratio);
            for (clock, turns) in turns.into_iter().enumerate().skip(2) {
                let goal = clock as f64 * f64::from(ratio.0) / f64::from(ratio.1);
                let late = turns - goal;
                assert!((late - late.round()).abs() < 1e-9, "{ratio:?}: {turns} at {clock}");
            }
        }
    }

    #[test]
    fn another_tempo_is_caught_up_with_in_two_clocks() {
        let turns = at_clocks(&[100, 100, 100, 60, 60, 60, 60], (1, 1));
        // At the edge after 60 frames it has come 0.6 of its way.
        assert!((turns[4] - 0.6).abs() < 1e-6);
        let late = turns[6] - turns[6].round();
        assert!(late.abs() < 1e-6, "{turns:?}");
    }

    #[test]
    fn after_a_pause_it_goes_on_where_it_waited() {
        for pause in [200, 350, 12_345] {
            let turns = at_clocks(&[100, 100, 100, pause, 100, 100, 100], (1, 4));
            for (clock, turns) in turns.into_iter().enumerate().skip(2) {
                let late = turns - clock as f64 * 0.25;
                assert!((late - late.round()).abs() < 1e-9, "{turns} at {clock}, {pause}");
            }
        }
    }

    #[test]
    fn swing_bends_it_but_every_clock_is_met() {
        let swung = [[133, 67].repeat(10)].concat();
        for (clock, turns) in at_clocks(&swung, (3, 2)).into_iter().enumerate().skip(4) {
            let late = turns - clock as f64 * 1.5;
            assert!((late - late.round()).abs() < 1e-9, "{turns} at {clock}");
        }
    }
}
