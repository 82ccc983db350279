//! Swing: makes a straight clock lean, and a machine's clock a little human.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::frames as trigger_frames;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::struck_gate::StruckGate;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const CLOCK: usize = 0;
const RESET: usize = 1;
const SWING_IN: usize = 2;

const OUT: usize = 0;
const ON_BEAT: usize = 1;
const OFF_BEAT: usize = 2;

const SWING: usize = 0;
const HUMANISE: usize = 1;

/// How late chance makes a beat at most, in clocks.
const MOST_LATE: f32 = 0.25;
/// The latest that a beat comes, in clocks: before the next one.
const LATEST: f32 = 0.95;

/// Which beat it is at, and what of it is still to come.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Swing {
    random: Random,
    steps: Steps,
    gate: StruckGate,
    /// 1 where the last clock was the second of two.
    is_off_beat: u32,
    /// 1 where the beat that was played last was.
    plays_off_beat: u32,
    /// Frames until a beat that is late is played; 0 where none waits.
    wait_frames: u32,
    late_frames: u32,
    /// Frames that the gate of a late beat stays on.
    left_frames: u32,
    /// 1 while the gate is the clock's own.
    follows: u32,
    /// How long the clock's gate is, and how long it has been this one.
    width_frames: u32,
    on_frames: u32,
    _unused: u32,
}

impl Module for Swing {
    const ABOUT: &'static About = &About {
        name: "swing",
        title: "Swing",
        summary: "Delays every second clock, and each clock a little by chance",
        aliases: &["shuffle", "groove", "humanize"],
        tags: &[Tag::Sequencing, Tag::Utility],
        inputs: &[
            port("clock", "The clock to swing, in pairs. On above 1 V"),
            port(
                "reset",
                "A trigger makes the next clock the first of a pair; so does a clock within 1 ms",
            ),
            port("swing", "Swing CV: each volt adds 10 %").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("clock", "The swung clock, 10 V, as long as the input"),
            port("on-beat", "The first clock of each pair"),
            port("off-beat", "The second clock of each pair"),
        ],
        params: &[
            Param::linear(
                "swing",
                0.5..=0.75,
                0.58,
                Unit::Fraction,
                "Position of the second clock: 0.5 is straight, 0.667 is a triplet",
            ),
            Param::linear(
                "humanise",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Random delay of each clock: at 100 %, up to a quarter of a clock",
            ),
        ],
        bypass: &[(CLOCK, OUT)],
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        self.gate.change_rate(change);
        change.all_frames([
            &mut self.wait_frames,
            &mut self.late_frames,
            &mut self.left_frames,
            &mut self.width_frames,
            &mut self.on_frames,
        ]);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        for frame in block.frames() {
            let [clock, reset] = [CLOCK, RESET].map(|port| block.input(port).at(0, frame));
            let step = self.steps.next(clock, reset, true, block.sample_rate_hz);
            self.measure_gate(step);
            let trigger_frames = trigger_frames(block.sample_rate_hz);
            let mut strike_frames = None;
            let mut is_crowded = false;
            if self.wait_frames > 0 {
                self.wait_frames -= 1;
                // A clock that comes early does not swallow a beat: that is
                // played at once, for as short as it is heard.
                is_crowded = step == Step::Next;
                if is_crowded {
                    strike_frames = Some(self.play_late(trigger_frames));
                } else if self.wait_frames == 0 {
                    strike_frames = Some(self.play_late(u32::MAX));
                }
            }
            match step {
                Step::Stay => {}
                Step::First { is_clocked } => {
                    self.is_off_beat = 0;
                    self.left_frames = 0;
                    self.gate.stop();
                    self.take_beat(block, frame, is_clocked, 0);
                }
                Step::Next => {
                    self.is_off_beat ^= 1;
                    let least_frames = if is_crowded { 2 * trigger_frames } else { 0 };
                    self.take_beat(block, frame, true, least_frames);
                }
            }
            if self.follows != 0 && step != Step::Stay {
                strike_frames = Some(self.width_frames.max(1));
            }

            self.follows &= self.steps.is_clock_on() as u32;
            let is_on = self.left_frames > 0 || self.follows != 0;
            self.left_frames = self.left_frames.saturating_sub(1);
            let is_on = self.gate.next(is_on, strike_frames, trigger_frames);
            let gate = |is_on: bool| if is_on { GATE_VOLTS } else { 0.0 };
            let is_off_beat = self.plays_off_beat != 0;
            block.output(OUT).put(0, frame, gate(is_on));
            block.output(ON_BEAT).put(0, frame, gate(is_on && !is_off_beat));
            block.output(OFF_BEAT).put(0, frame, gate(is_on && is_off_beat));
        }
    }
}

impl Swing {
    #[inline(always)]
    fn measure_gate(&mut self, step: Step) {
        if !self.steps.is_clock_on() || step == Step::Next {
            if self.on_frames > 0 {
                self.width_frames = self.on_frames;
            }
            self.on_frames = 0;
        }
        self.on_frames += self.steps.is_clock_on() as u32;
    }

    /// A beat that a clock brings is played now or later, after so many frames
    /// at least.
    #[inline(always)]
    fn take_beat(&mut self, block: &Block, frame: usize, is_clocked: bool, least_frames: u32) {
        let chance = self.random.unipolar();
        let swing = block.ramp(SWING).at(frame) + 0.1 * block.input(SWING_IN).at(0, frame);
        let lean = (2.0 * swing.clamp(0.5, 0.75) - 1.0) * self.is_off_beat as f32;
        let late = lean + MOST_LATE * block.ramp(HUMANISE).at(frame) * chance;
        let latest_frames = LATEST * self.steps.expected_frames() as f32;
        let late_frames = (late * self.steps.period_frames()).min(latest_frames);
        self.late_frames = ((late_frames + 0.5) as u32).max(least_frames);
        self.wait_frames = if is_clocked { self.late_frames } else { 0 };
        self.follows = (is_clocked && self.late_frames == 0) as u32;
        if self.follows != 0 {
            self.left_frames = 0;
            self.plays_off_beat = self.is_off_beat;
        }
    }

    /// As long as the clock was, but off before the next beat. How long.
    #[inline(always)]
    fn play_late(&mut self, most_frames: u32) -> u32 {
        let room_frames = self.steps.expected_frames().saturating_sub(self.late_frames + 1);
        self.wait_frames = 0;
        self.follows = 0;
        self.plays_off_beat = self.is_off_beat;
        self.left_frames = self.width_frames.min(room_frames).min(most_frames).max(1);
        self.left_frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// A clock comes every 100 frames, and is on for 30.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Swing>(48_000.0);
        rig.feed("clock", |_, frame| if frame % 100 < 30 { 10.0 } else { 0.0 });
        rig
    }

    fn edges(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0 && (n == 0 || volts[n - 1] == 0.0)).collect()
    }

    #[test]
    fn the_second_of_two_is_late_and_as_long_as_it_came() {
        let mut rig = rig();
        let out = rig.set("swing", 0.75).run(500);
        assert_eq!(edges(out.channel("clock", 0)), [0, 150, 200, 350, 400]);
        assert_eq!(edges(out.channel("on-beat", 0)), [0, 200, 400]);
        assert_eq!(edges(out.channel("off-beat", 0)), [150, 350]);
        assert_eq!(out.main()[100..200].iter().filter(|&&volts| volts == 10.0).count(), 30);
        let mut straight = self::rig();
        let out = straight.set("swing", 0.5).run(500);
        assert!(out.main().iter().enumerate().all(|(n, &v)| (v == 10.0) == (n % 100 < 30)));
    }

    #[test]
    fn a_long_gate_ends_before_the_next_beat() {
        let mut rig = Rig::new::<Swing>(48_000.0);
        rig.feed("clock", |_, frame| if frame % 100 < 90 { 10.0 } else { 0.0 });
        let out = rig.set("swing", 0.75).run(1000);
        assert_eq!(edges(out.main()), [0, 150, 200, 350, 400, 550, 600, 750, 800, 950]);
    }

    #[test]
    fn a_reset_begins_a_pair_and_voltage_swings() {
        let mut rig = rig();
        rig.set("swing", 0.5).feed("swing", |_, _| 1.0);
        rig.feed("reset", |_, frame| if frame == 300 { 10.0 } else { 0.0 });
        assert_eq!(edges(rig.run(600).main()), [0, 120, 200, 300, 420, 500]);
    }

    #[test]
    fn a_human_is_late_by_chance_and_loses_no_beat() {
        let mut rig = rig();
        let edges = edges(rig.set("swing", 0.5).set("humanise", 1.0).run(40_000).main());
        assert_eq!(edges.len(), 400);
        let late: Vec<usize> = edges.iter().enumerate().map(|(n, edge)| edge - 100 * n).collect();
        assert!(late[1..].iter().all(|&late| late <= 25));
        let mean = late.iter().sum::<usize>() as f32 / 400.0;
        assert!((11.0..14.0).contains(&mean), "{mean}");
    }
}
