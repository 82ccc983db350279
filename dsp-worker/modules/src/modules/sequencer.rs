//! Sequencer: eight voltages in a row, one a clock.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::{Pulse, frames as trigger_frames};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::struck_gate::{StepGate, Strikes};
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::rows::rows;

const CLOCK: usize = 0;
const RESET: usize = 1;
const RUN: usize = 2;
const TRANSPOSE: usize = 3;

const CV: usize = 0;
const GATE: usize = 1;
const TRIGGER: usize = 2;
const CYCLE: usize = 3;

const STEPS: usize = 8;
const VOLTS: usize = 0;
const GATES: usize = VOLTS + STEPS;
const CHANCE: usize = GATES + STEPS;
const LENGTH: usize = CHANCE + STEPS;
const DIRECTION: usize = LENGTH + 1;
const SNAP: usize = DIRECTION + 1;
const GATE_LENGTH: usize = SNAP + 1;
const RATCHETS: usize = GATE_LENGTH + 1;

const OFF: usize = 0;
const TIE: usize = 2;

const FORWARD: usize = 0;
const BACKWARD: usize = 1;
const PING_PONG: usize = 2;

/// Which step it is at, and how it came there.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Sequencer {
    random: Random,
    steps: Steps,
    step: u32,
    /// Ping-pong: on the way back.
    is_returning: u32,
    /// Random: steps since the cycle began.
    steps_taken: u32,
    /// Whether this step's gate was drawn.
    plays: u32,
    /// Whether this step is tied to the next one.
    is_tied: u32,
    gate: StepGate,
    run: Schmitt,
    trigger: Pulse,
    cycle: Pulse,
}

const fn step_volts(name: &'static str) -> Param {
    Param::linear(
        name,
        -5.0..=5.0,
        0.0,
        Unit::Volts,
        "The voltage of this step; as pitch, 0 V is C4",
    )
}

const fn step_gate(name: &'static str) -> Param {
    const GATES: &[&str] = &["off", "on", "tie"];
    Param::choice(
        name,
        GATES,
        1,
        "The gate of this step: off, as long as the clock, or tied to the next step",
    )
}

const fn step_chance(name: &'static str) -> Param {
    Param::linear(
        name,
        0.0..=1.0,
        1.0,
        Unit::Fraction,
        "The probability that the gate of this step plays",
    )
}

const fn step_ratchet(name: &'static str) -> Param {
    let help = "Repeats of the gate within this step";
    Param::steps(name, 1.0..=4.0, 1.0, help)
}

impl Module for Sequencer {
    const ABOUT: &'static About = &About {
        name: "sequencer",
        title: "Sequencer",
        summary: "Eight steps of voltage and gate, played by a clock",
        aliases: &["steps", "8-step", "303", "cv sequencer"],
        tags: &[Tag::Sequencing],
        inputs: &[
            port(
                "clock",
                "Every rising edge plays the next step; the pulse width sets the gate length",
            ),
            port(
                "reset",
                "A trigger returns to the first step, which the next clock plays; so does a clock \
                 within 1 ms",
            ),
            port("run", "While patched, clocks count only while this gate is on (above 1 V)"),
            port("transpose", "Transpose CV, 1 V/octave, added to every step"),
        ],
        outputs: &[
            port("cv", "The voltage of the step"),
            port("gate", "10 V while the clock is on and the step has a gate"),
            port("trigger", "10 V for 1 ms as a gate begins, but not on tied steps"),
            port("end-of-cycle", "10 V for 1 ms as the pattern restarts"),
        ],
        params: &rows![
            step_volts("step-", 1..=8),
            step_gate("gate-", 1..=8),
            step_chance("chance-", 1..=8),
            Param::steps("length", 1.0..=8.0, 8.0, "The number of steps that are played"),
            Param::choice(
                "direction",
                &["forward", "backward", "ping-pong", "random"],
                FORWARD,
                "The order of the steps",
            ),
            Param::switch("snap", false, "Rounds every step to the nearest semitone"),
            Param::linear(
                "gate-length",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Gate length as a part of the step; 0 uses the length of the clock. Only tied \
                 steps reach the next one without a gap",
            ),
            step_ratchet("ratchet-", 1..=8),
        ],
        // The step that it is at, from 0, and the gate, in volts.
        display: 2,
        screen: Some(Screen::Steps),
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        self.gate.change_rate(change);
        self.trigger.change_rate(change);
        self.cycle.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let (clock, reset, run) = (block.input(CLOCK), block.input(RESET), block.input(RUN));
        let transpose = block.input(TRANSPOSE);
        let mut gate_volts = 0.0;
        for frame in block.frames() {
            let runs = self.run.follow(run.at(0, frame)) || !run.is_patched();
            let (clock, reset) = (clock.at(0, frame), reset.at(0, frame));
            match self.steps.next(clock, reset, runs, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => self.go_to_first(block, is_clocked),
                Step::Next => {
                    self.advance(block);
                    self.play_step(block);
                }
            }

            let step = self.step as usize % STEPS;
            let volts = block.ramp(VOLTS + step).at(frame);
            let volts = if block.is_on(SNAP) { nearest_semitone(volts) } else { volts };
            if !runs {
                self.plays = 0;
            }
            let is_open = self.is_gate_on(block);
            block.output(CV).put(0, frame, volts + transpose.at(0, frame));
            gate_volts = if is_open { GATE_VOLTS } else { 0.0 };
            block.output(GATE).put(0, frame, gate_volts);
            block.output(TRIGGER).put(0, frame, self.trigger.volts());
            block.output(CYCLE).put(0, frame, self.cycle.volts());
        }
        block.show(0, self.step as f32);
        block.show(1, gate_volts);
    }
}

impl Sequencer {
    #[inline(always)]
    fn go_to_first(&mut self, block: &Block, is_clocked: bool) {
        self.step = first_step(block) as u32;
        self.is_returning = 0;
        self.steps_taken = 0;
        self.plays = 0;
        self.is_tied = 0;
        if is_clocked {
            self.play_step(block);
        }
    }

    /// Draws the gate of the step it has come to, and lets it sound.
    #[inline(always)]
    fn play_step(&mut self, block: &Block) {
        let step = self.step as usize % STEPS;
        let gate = block.choice(GATES + step);
        let was_held = self.plays != 0 && self.is_tied != 0;
        let is_drawn = self.random.unipolar() < block.param(CHANCE + step);
        self.plays = (gate != OFF && is_drawn) as u32;
        self.is_tied = (gate == TIE) as u32;
        self.gate.begin(was_held);
        if self.plays != 0 && !was_held {
            self.trigger.start(block.sample_rate_hz);
        }
    }

    /// Whether the gate is on at this frame. Strikes its ratchets.
    #[inline(always)]
    fn is_gate_on(&mut self, block: &Block) -> bool {
        if self.plays == 0 {
            self.gate.rest();
            return false;
        }
        let strikes = Strikes {
            count: block.choice(RATCHETS + self.step as usize % STEPS).clamp(1, 4) as u32,
            length: block.param(GATE_LENGTH),
            is_tied: self.is_tied != 0,
        };
        let trigger_frames = trigger_frames(block.sample_rate_hz);
        let gate = self.gate.next(&self.steps, strikes, trigger_frames);
        if gate.is_repeated {
            self.trigger.start(block.sample_rate_hz);
        }
        gate.is_on
    }

    #[inline(always)]
    fn advance(&mut self, block: &Block) {
        let last = last_step(block);
        let step = (self.step as usize).min(last);
        let begins_anew;
        (self.step, begins_anew) = match block.choice(DIRECTION) {
            FORWARD => {
                let next = if step < last { step + 1 } else { 0 };
                (next as u32, next == 0)
            }
            BACKWARD => {
                let next = if step > 0 { step - 1 } else { last };
                (next as u32, next == last)
            }
            PING_PONG => {
                if step == 0 {
                    self.is_returning = 0;
                } else if step == last {
                    self.is_returning = 1;
                }
                let next = if self.is_returning != 0 { step - 1 } else { (step + 1).min(last) };
                (next as u32, next == 0)
            }
            _ => {
                self.steps_taken += 1;
                let is_last = self.steps_taken as usize > last;
                if is_last {
                    self.steps_taken = 0;
                }
                let next = (u64::from(self.random.bits()) * (last as u64 + 1)) >> 32;
                (next as u32, is_last)
            }
        };
        if begins_anew {
            self.cycle.start(block.sample_rate_hz);
        }
    }
}

#[inline(always)]
fn nearest_semitone(volts: f32) -> f32 {
    // 1.5 · 2^23: adding it leaves the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    (12.0 * volts + ROUND - ROUND) * (1.0 / 12.0)
}

#[inline(always)]
fn last_step(block: &Block) -> usize {
    block.choice(LENGTH).clamp(1, STEPS) - 1
}

#[inline(always)]
fn first_step(block: &Block) -> usize {
    if block.choice(DIRECTION) == BACKWARD { last_step(block) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    const CLOCK_FRAMES: u64 = 100;

    /// Step n stands at n V (1 to 5, then -1 to -3); a clock comes every 100
    /// frames and is on for 30.
    fn rig(sample_rate_hz: f32) -> Rig {
        let mut rig = Rig::new::<Sequencer>(sample_rate_hz);
        for (step, volts) in [1.0, 2.0, 3.0, 4.0, 5.0, -1.0, -2.0, -3.0].into_iter().enumerate() {
            rig.set(&format!("step-{}", step + 1), volts);
        }
        rig.feed("clock", |_, frame| if frame % CLOCK_FRAMES < 30 { 10.0 } else { 0.0 });
        rig
    }

    /// The voltage in the middle of each clock.
    fn steps(out: &Render) -> Vec<f32> {
        out.channel("cv", 0).chunks(CLOCK_FRAMES as usize).map(|clock| clock[50]).collect()
    }

    fn edges(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0 && (n == 0 || volts[n - 1] == 0.0)).collect()
    }

    #[test]
    fn it_plays_its_steps_in_order_from_the_first() {
        let out = rig(48_000.0).run(1000);
        assert_eq!(steps(&out), [1.0, 2.0, 3.0, 4.0, 5.0, -1.0, -2.0, -3.0, 1.0, 2.0]);
        assert_eq!(edges(out.channel("end-of-cycle", 0)), [800]);
        assert_eq!(edges(out.channel("trigger", 0)).len(), 10);
        let gate = out.channel("gate", 0);
        assert!(gate.iter().enumerate().all(|(n, &v)| v == if n % 100 < 30 { 10.0 } else { 0.0 }));
    }

    #[test]
    fn it_shows_where_it_is_and_whether_that_sounds() {
        let mut rig = rig(48_000.0);
        rig.choose("gate-3", "off").run(124);
        assert_eq!(rig.display(), [1.0, 10.0]);
        rig.run(20);
        assert_eq!(rig.display(), [1.0, 0.0]);
        rig.run(80);
        assert_eq!(rig.display(), [2.0, 0.0]);
    }

    #[test]
    fn it_plays_backward_and_back_and_forth() {
        let mut rig = rig(48_000.0);
        let out = rig.set("length", 3.0).choose("direction", "backward").run(500);
        assert_eq!(steps(&out), [3.0, 2.0, 1.0, 3.0, 2.0]);
        assert_eq!(edges(out.channel("end-of-cycle", 0)), [300]);
        let mut rig = self::rig(48_000.0);
        let out = rig.set("length", 3.0).choose("direction", "ping-pong").run(900);
        assert_eq!(steps(&out), [1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(edges(out.channel("end-of-cycle", 0)), [400, 800]);
        let mut rig = self::rig(48_000.0);
        for direction in ["forward", "backward", "ping-pong", "random"] {
            rig.set("length", 1.0).choose("direction", direction);
            assert!(steps(&rig.run(300))[1..].iter().all(|&volts| volts == 1.0), "{direction}");
        }
    }

    #[test]
    fn at_random_every_step_comes_up() {
        let mut rig = rig(48_000.0);
        let out = steps(&rig.choose("direction", "random").run(20_000));
        for volts in [1.0, 2.0, 3.0, 4.0, 5.0, -1.0, -2.0, -3.0] {
            let count = out.iter().filter(|&&v| v == volts).count();
            assert!((10..45).contains(&count), "{volts} V: {count} of 200");
        }
    }

    #[test]
    fn a_reset_and_a_clock_together_land_on_the_first_step() {
        for reset_frame in [280u64, 299, 300, 301, 320] {
            let mut rig = rig(48_000.0);
            rig.feed("reset", move |_, frame| if frame == reset_frame { 10.0 } else { 0.0 });
            let out = rig.run(600);
            assert_eq!(steps(&out)[2..], [3.0, 1.0, 2.0, 3.0], "reset at {reset_frame}");
            let triggers = edges(out.channel("trigger", 0));
            assert!(triggers.iter().any(|&n| (300..=301).contains(&n)), "reset at {reset_frame}");
            // A gate that is on goes off for a moment first.
            let gates = edges(out.channel("gate", 0));
            assert!(gates.iter().any(|&n| (300..340).contains(&n)), "reset at {reset_frame}");
        }
    }

    #[test]
    fn a_reset_between_clocks_is_heard_at_once() {
        let mut rig = rig(48_000.0);
        rig.feed("reset", |_, frame| if frame == 260 { 10.0 } else { 0.0 });
        let out = rig.run(400);
        assert_eq!(out.channel("cv", 0)[259..261], [3.0, 1.0]);
        // The next clock plays what was gone to.
        assert_eq!([310, 399].map(|n| out.channel("cv", 0)[n]), [1.0, 1.0]);
        assert_eq!(edges(out.channel("gate", 0)), [0, 100, 200, 300]);
        assert_eq!(edges(out.channel("trigger", 0)), [0, 100, 200, 300]);
    }

    #[test]
    fn a_run_that_comes_back_within_a_clock_waits_for_the_next() {
        let mut rig = rig(48_000.0);
        rig.feed("run", |_, frame| if (110..320).contains(&frame) { 0.0 } else { 10.0 });
        let out = rig.run(600);
        assert_eq!(edges(out.channel("gate", 0)), [0, 100, 400, 500]);
    }

    #[test]
    fn a_step_without_a_gate_is_silent_and_a_tie_holds() {
        let mut rig = rig(48_000.0);
        let out = rig.choose("gate-1", "tie").choose("gate-3", "off").run(400);
        let gate = out.channel("gate", 0);
        assert!(gate[..130].iter().all(|&volts| volts == 10.0));
        assert!(gate[130..300].iter().all(|&volts| volts == 0.0));
        assert_eq!(edges(out.channel("trigger", 0)), [0, 300]);
    }

    #[test]
    fn chance_plays_some_of_the_gates() {
        let mut rig = rig(48_000.0);
        let out = rig.set("length", 1.0).set("chance-1", 0.25).run(40_000);
        let count = edges(out.channel("trigger", 0)).len();
        assert!((70..130).contains(&count), "{count} of 400");
        assert_eq!(edges(rig.set("chance-1", 0.0).run(4000).channel("trigger", 0)), [0; 0]);
    }

    #[test]
    fn a_ratchet_strikes_its_step_again_in_equal_parts() {
        let mut rig = rig(48_000.0);
        let out = rig.set("ratchet-2", 4.0).set("ratchet-3", 3.0).run(400);
        // The first clock has no length yet; the second step has 100 frames.
        let struck = [0, 100, 125, 150, 175, 200, 234, 267, 300];
        assert_eq!(edges(out.channel("gate", 0)), struck);
        let gate = out.channel("gate", 0);
        assert_eq!([gate[112], gate[113], gate[124]], [10.0, 0.0, 0.0]);
        // Triggers last 48 frames: here one begins while another lasts, and goes
        // off for a frame first.
        let struck = [0, 100, 126, 151, 176, 201, 235, 268, 301];
        assert_eq!(edges(out.channel("trigger", 0)), struck);
    }

    #[test]
    fn a_gate_is_as_long_as_set_from_the_second_clock_on() {
        let out = rig(48_000.0).set("gate-length", 0.75).run(400);
        let gate = out.channel("gate", 0);
        let length = |clock: usize| gate[100 * clock..][..100].iter().filter(|&&v| v > 5.0).count();
        assert_eq!([0, 1, 2, 3].map(length), [30, 75, 75, 75]);
    }

    #[test]
    fn steps_snap_to_semitones_and_are_transposed() {
        let mut rig = rig(48_000.0);
        rig.set("step-1", 0.3).choose("snap", "on").feed("transpose", |_, _| 0.01);
        assert!((rig.run(1).main()[0] - (4.0 / 12.0 + 0.01)).abs() < 1e-6);
    }

    #[test]
    fn it_stands_still_while_it_does_not_run() {
        let mut rig = rig(48_000.0);
        rig.feed("run", |_, frame| if (110..390).contains(&frame) { 0.0 } else { 10.0 });
        let out = rig.run(600);
        assert_eq!(steps(&out), [1.0, 2.0, 2.0, 2.0, 3.0, 4.0]);
        assert_eq!(edges(out.channel("trigger", 0)), [0, 100, 400, 500]);
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |cut: bool| {
            let mut rig = rig(48_000.0);
            rig.feed("reset", |_, frame| if frame % 1313 < 2 { 10.0 } else { 0.0 });
            rig.choose("direction", "random").set("chance-2", 0.5).choose("gate-4", "tie");
            if cut {
                rig.frame_by_frame();
            }
            rig.run(640);
            let out = rig.set("step-3", -4.0).run(9000);
            ["cv", "gate", "trigger", "end-of-cycle"].map(|port| out.channel(port, 0).to_vec())
        };
        assert!(render(false) == render(true));
    }
}
