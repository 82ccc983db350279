//! ADSR: the shape of a note.
//!
//! Every stage is a straight way through time, 0 to 1, and a curve over it. So
//! a stage ends when its knob says, to the sample, wherever it began.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::{
    GATE_VOLTS, QUANTUM, SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS, TRIGGER_SECS,
};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Curve, Role, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const GATE: usize = 0;
const RETRIGGER: usize = 1;
const END: usize = 1;
const ATTACK: usize = 0;
const DECAY: usize = 1;
const SUSTAIN: usize = 2;
const RELEASE: usize = 3;
const CURVE: usize = 4;

/// How much of the attack's curve is bent; the rest is straight. A parabola so
/// mixed starts 5.7 times as fast as it ends, as a capacitor does that charges
/// to 1.2 times the goal.
const ATTACK_BEND: f32 = 0.7;
/// Where a stage's way stands once nothing is left to do.
const DONE: f32 = 8.0;
/// The last bit below 1 may be missing from a way that is gone.
const NEARLY_ALL: f32 = 1.0 - 1.0 / 8_388_608.0;
/// Below it, no rounding brings a way to [`NEARLY_ALL`].
const ALMOST: f32 = 0.999;

/// Sixteen envelopes. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Adsr {
    is_on: [f32; 16],
    is_retriggered: [f32; 16],
    is_attacking: [f32; 16],
    /// The stage's way through time, and what rounding took off it. Past 1 it
    /// times the end trigger, and then jumps to [`DONE`].
    way: [f32; 16],
    way_lost: [f32; 16],
    /// The volts at which the stage began, and the last ones.
    from: [f32; 16],
    env: [f32; 16],
}

impl Module for Adsr {
    const ABOUT: &'static About = &About {
        name: "adsr",
        title: "ADSR",
        summary: "Note envelope: rises with the gate, falls to sustain, fades on release",
        aliases: &["envelope generator", "envelope", "env", "eg"],
        tags: &[Tag::Modulator, Tag::Polyphonic],
        inputs: &[
            port("gate", "Gate on (above 1 V): attack, decay, sustain. Gate off: release"),
            port("retrigger", "A trigger restarts the attack while the gate is held"),
        ],
        outputs: &[
            port("env", "The envelope, 0 to 10 V"),
            port("end", "10 V for 1 ms as the release ends"),
        ],
        params: &[
            Param::log("attack", 0.0005..=20.0, 0.005, Unit::Secs, "The time to rise to 10 V"),
            Param::log(
                "decay",
                0.0005..=20.0,
                0.3,
                Unit::Secs,
                "The time to fall from 10 V to the sustain level",
            ),
            Param::linear(
                "sustain",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "The level held while the gate is on; 1 is 10 V",
            ),
            Param::log(
                "release",
                0.0005..=20.0,
                0.5,
                Unit::Secs,
                "The time to fall to 0 V after the gate",
            ),
            Param::linear(
                "curve",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "Shape of the segments: 0 is straight, 1 is exponential, fast and then slow",
            ),
        ],
        role: Some(Role::Envelope),
        // The stage of the first channel, from 0, and how much of it has gone.
        display: 2,
        screen: Some(Screen::Curve(Curve::Adsr)),
        face: &[
            Part::Screen,
            Part::Row(&[
                Part::Small("attack"),
                Part::Small("decay"),
                Part::Small("sustain"),
                Part::Small("release"),
                Part::Small("curve"),
            ]),
        ],
        ..About::BLANK
    };

    fn start(&mut self, _: u64) {
        self.way = [DONE; 16];
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(self, &channels);
        self.way[channels].fill(DONE);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[GATE, RETRIGGER]);
        let knobs = Knobs::new(block);
        if !block.is_heard(END) {
            block.mute(END);
        }
        each_group!(channels, |L, group| self.shape::<L>(block, group, &knobs));
        let stage = match (self.is_on[0] > 0.0, self.is_attacking[0] > 0.0) {
            (true, true) => 0.0,
            (true, false) => 1.0,
            (false, _) => 2.0,
        };
        block.show(0, stage);
        block.show(1, self.way[0].min(1.0));
    }
}

/// What all channels share.
struct Knobs {
    /// Ways gone in one frame.
    attack: f32,
    decay: f32,
    release: f32,
    /// Where the end trigger ends.
    end: f32,
    curve: f32,
    attack_curve: f32,
    sustain_volts: [f32; QUANTUM],
}

impl Knobs {
    #[inline(always)]
    fn new(block: &Block) -> Knobs {
        let frame_secs = 1.0 / block.sample_rate_hz;
        Knobs {
            attack: frame_secs / block.param(ATTACK),
            decay: frame_secs / block.param(DECAY),
            release: frame_secs / block.param(RELEASE),
            end: NEARLY_ALL + TRIGGER_SECS / block.param(RELEASE),
            curve: block.param(CURVE),
            attack_curve: block.param(CURVE) * ATTACK_BEND,
            sustain_volts: block.ramp(SUSTAIN).frames().map(|level| level * GATE_VOLTS),
        }
    }
}

impl Adsr {
    #[inline(always)]
    fn shape<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let c = L::splat;
        if self.is_between_turns::<L>(block, group, knobs) {
            return self.go_on::<L>(block, group, knobs);
        }
        let (gate, retrigger) = (block.input(GATE), block.input(RETRIGGER));
        let has_retrigger = retrigger.is_patched();
        let frames = block.frames();
        let hears_end = block.is_heard(END);
        let [env_out, end_out] = block.outputs();

        let mut is_on = Mask::load(&self.is_on, group);
        let mut is_retriggered = Mask::load(&self.is_retriggered, group);
        let mut is_attacking = Mask::load(&self.is_attacking, group);
        let (mut way, mut way_lost) = (L::load(&self.way, group), L::load(&self.way_lost, group));
        let (mut from, mut env) = (L::load(&self.from, group), L::load(&self.env, group));
        let mut is_through = Mask::above(way, c(NEARLY_ALL));
        for frame in frames {
            let was_on = is_on;
            is_on = schmitt(was_on, gate.get(group, frame));
            let mut starts = is_on.and_not(was_on);
            if has_retrigger {
                let was_retriggered = is_retriggered;
                is_retriggered = schmitt(was_retriggered, retrigger.get(group, frame));
                starts = starts.or(is_retriggered.and_not(was_retriggered).and(is_on));
            }
            let falls = is_attacking.and(is_through).or(was_on.and_not(is_on));
            let turns = starts.or(falls);
            is_attacking = is_attacking.and_not(falls).or(starts);
            from = turns.pick(env, from);
            way = turns.clear(way);

            // Kahan's sum: a frame of 20 s is a millionth, too little for f32.
            let held_step = is_attacking.pick(c(knobs.attack), c(knobs.decay));
            let step = is_on.pick(held_step, c(knobs.release)) + turns.clear(way_lost);
            let next = way + step;
            way_lost = step - (next - way);
            let is_done = Mask::above(next, c(knobs.end));
            way = next.max(is_done.keep(c(DONE)));
            is_through = Mask::above(way, c(NEARLY_ALL));

            let rest = (c(1.0) - way).max(c(0.0));
            let square = rest * rest;
            let bent = is_attacking.pick(square, square * square);
            let curve = is_attacking.pick(c(knobs.attack_curve), c(knobs.curve));
            let rest = rest + (bent - rest) * curve;
            let held_volts = is_attacking.keep(c(GATE_VOLTS)).max(c(knobs.sustain_volts[frame]));
            let to = is_on.keep(held_volts);
            env = to + (from - to) * rest;
            env_out.put(group, frame, env);

            if hears_end {
                let is_ending = is_through.and_not(is_done).and_not(is_on);
                end_out.put(group, frame, is_ending.keep(c(GATE_VOLTS)));
            }
        }
        is_on.store(&mut self.is_on, group);
        is_retriggered.store(&mut self.is_retriggered, group);
        is_attacking.store(&mut self.is_attacking, group);
        way.store(&mut self.way, group);
        way_lost.store(&mut self.way_lost, group);
        from.store(&mut self.from, group);
        env.store(&mut self.env, group);
    }
}

impl Adsr {
    /// Whether every channel stays in its stage for all of a whole quantum.
    #[inline(always)]
    fn is_between_turns<L: Lane>(&self, block: &Block, group: usize, knobs: &Knobs) -> bool {
        let (gate, retrigger) = (block.input(GATE), block.input(RETRIGGER));
        if block.frames() != (0..QUANTUM) || !stays::<L>(gate, &self.is_on, group) {
            return false;
        }
        if retrigger.is_patched() && !stays::<L>(retrigger, &self.is_retriggered, group) {
            return false;
        }
        let far = L::load(&self.way, group) + L::splat(knobs.attack * (QUANTUM + 1) as f32);
        let may_end = Mask::above(far, L::splat(ALMOST));
        !Mask::load(&self.is_attacking, group).and(may_end).any()
    }

    /// [`Adsr::shape`] where no stage begins or ends.
    #[inline(always)]
    fn go_on<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let is_on: Mask<L> = Mask::load(&self.is_on, group);
        let is_attacking: Mask<L> = Mask::load(&self.is_attacking, group);
        let way = L::load(&self.way, group);
        let step = is_attacking.pick(L::splat(knobs.attack), L::splat(knobs.decay));
        let step = is_on.pick(step, L::splat(knobs.release));
        let far = way + step * L::splat((QUANTUM + 1) as f32);
        if !Mask::above(L::splat(DONE), way).any() {
            self.rest::<L>(block, group, knobs);
        } else if block.ramp(SUSTAIN).is_still() && !Mask::above(far, L::splat(ALMOST)).any() {
            self.go::<L, true>(block, group, knobs, step);
        } else {
            self.go::<L, false>(block, group, knobs, step);
        }
    }

    /// Where all channels have gone their way.
    #[inline(always)]
    fn rest<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let is_on: Mask<L> = Mask::load(&self.is_on, group);
        let hears_end = block.is_heard(END);
        let [env_out, end_out] = block.outputs();
        let mut env = L::default();
        for frame in 0..QUANTUM {
            env = is_on.keep(L::splat(knobs.sustain_volts[frame]));
            env_out.put(group, frame, env);
            if hears_end {
                end_out.put(group, frame, L::default());
            }
        }
        env.store(&mut self.env, group);
    }

    /// Where some channel is on its way; or `ARE_ON_WAY`, all to the end of the
    /// quantum, and sustain stands still.
    #[inline(always)]
    fn go<L: Lane, const ARE_ON_WAY: bool>(
        &mut self,
        block: &mut Block,
        group: usize,
        knobs: &Knobs,
        step: L,
    ) {
        let c = L::splat;
        let is_on: Mask<L> = Mask::load(&self.is_on, group);
        let is_attacking: Mask<L> = Mask::load(&self.is_attacking, group);
        let (mut way, mut way_lost) = (L::load(&self.way, group), L::load(&self.way_lost, group));
        let (from, mut env) = (L::load(&self.from, group), L::default());
        let curve = is_attacking.pick(c(knobs.attack_curve), c(knobs.curve));
        let attack_volts = is_attacking.keep(c(GATE_VOLTS));
        let mut to = is_on.keep(attack_volts.max(c(knobs.sustain_volts[0])));
        let hears_end = block.is_heard(END);
        let [env_out, end_out] = block.outputs();
        for frame in 0..QUANTUM {
            let sum = step + way_lost;
            let next = way + sum;
            way_lost = sum - (next - way);
            way = next;
            let mut is_done = Mask::default();
            if !ARE_ON_WAY {
                to = is_on.keep(attack_volts.max(c(knobs.sustain_volts[frame])));
                is_done = Mask::above(next, c(knobs.end));
                way = next.max(is_done.keep(c(DONE)));
            }
            let left = c(1.0) - way;
            let rest = if ARE_ON_WAY { left } else { left.max(c(0.0)) };
            let square = rest * rest;
            let bent = is_attacking.pick(square, square * square);
            let rest = rest + (bent - rest) * curve;
            env = to + (from - to) * rest;
            env_out.put(group, frame, env);
            if hears_end {
                let is_ending = Mask::above(way, c(NEARLY_ALL)).and_not(is_done).and_not(is_on);
                end_out.put(group, frame, is_ending.keep(c(GATE_VOLTS)));
            }
        }
        way.store(&mut self.way, group);
        way_lost.store(&mut self.way_lost, group);
        env.store(&mut self.env, group);
    }
}

/// Whether a gate stays as it was for all of a quantum.
#[inline(always)]
fn stays<L: Lane>(gate: &Signal, was_on: &[f32; 16], group: usize) -> bool {
    let was_on = Mask::load(was_on, group);
    let is_on = schmitt(was_on, gate.get::<L>(group, 0));
    gate.is_steady::<L>(group, 0..QUANTUM) && !is_on.differs(was_on).any()
}

/// Whether a gate is on: above 1 V, or still above 0.1 V.
#[inline(always)]
fn schmitt<L: Lane>(was_on: Mask<L>, volts: L) -> Mask<L> {
    Mask::above(volts, was_on.pick_const(SCHMITT_LOW_VOLTS, SCHMITT_HIGH_VOLTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// A frame is a millisecond.
    const RATE_HZ: f32 = 1000.0;

    fn gate(on: std::ops::Range<u64>) -> impl FnMut(usize, u64) -> f32 {
        move |_, frame| if on.contains(&frame) { 10.0 } else { 0.0 }
    }

    #[test]
    fn straight_stages_can_be_checked_in_the_head() {
        let mut rig = Rig::new::<Adsr>(RATE_HZ);
        rig.set("attack", 0.005).set("decay", 0.01).set("sustain", 0.5).set("release", 0.05);
        rig.set("curve", 0.0).feed("gate", gate(3..40));
        let env = rig.run(100).main().to_vec();
        let is = |frame: usize, volts: f32| assert!((env[frame] - volts).abs() < 1e-4, "{frame}");
        (0..3).for_each(|frame| is(frame, 0.0));
        [2.0, 4.0, 6.0, 8.0, 10.0, 9.5, 9.0].iter().zip(3..).for_each(|(&volts, at)| is(at, volts));
        (17..40).for_each(|frame| is(frame, 5.0));
        is(40, 4.9);
        is(64, 2.5);
        (89..100).for_each(|frame| is(frame, 0.0));
    }

    #[test]
    fn the_attack_ends_on_its_frame_however_long() {
        for (attack_secs, frames) in [(0.0025, 120), (1.0, 48_000usize), (10.0, 480_000)] {
            for curve in [0.0, 1.0] {
                let mut rig = Rig::new::<Adsr>(48_000.0);
                rig.set("attack", attack_secs).set("curve", curve).feed("gate", |_, _| 10.0);
                let sound = rig.run(frames + 2);
                let peak = sound.main().iter().position(|&volts| volts >= 9.999_99).unwrap();
                assert!(peak.abs_diff(frames - 1) <= 1, "{attack_secs} s, {curve}: {peak}");
            }
        }
    }

    #[test]
    fn curved_stages_arrive_on_time() {
        let mut rig = Rig::new::<Adsr>(RATE_HZ);
        rig.set("attack", 0.1).set("decay", 0.2).set("sustain", 0.3).set("release", 0.4);
        rig.feed("gate", gate(0..1000));
        let env = rig.run(2000).main().to_vec();
        assert!(env[0] > 0.0 && env[98] < env[99]);
        assert!((env[99] - 10.0).abs() < 1e-5, "{}", env[99]);
        assert!((env[299] - 3.0).abs() < 1e-5, "{}", env[299]);
        assert!((env[999] - 3.0).abs() < 1e-5);
        assert!(env[1399].abs() < 1e-5, "{}", env[1399]);
        assert!(env[1300] > 0.0);
    }

    #[test]
    fn retriggers_and_new_gates_go_on_from_where_it_is() {
        let mut rig = Rig::new::<Adsr>(RATE_HZ);
        rig.set("attack", 0.1).set("decay", 0.1).set("release", 0.1).set("curve", 0.0);
        rig.feed("gate", |_, frame| if frame % 170 < 120 { 10.0 } else { 0.0 });
        rig.feed("retrigger", |_, frame| if frame % 37 == 0 { 10.0 } else { 0.0 });
        let env = rig.run(5000).main().to_vec();
        let step = env.windows(2).fold(0.0, |step: f32, w| step.max((w[1] - w[0]).abs()));
        assert!(step <= 0.1001, "{step} V");
    }

    #[test]
    fn the_end_is_a_trigger_of_a_millisecond() {
        let mut rig = Rig::new::<Adsr>(48_000.0);
        rig.set("release", 0.01).feed("gate", gate(0..4800));
        let end = rig.run(10_000).channel("end", 0).to_vec();
        let on: Vec<usize> = (0..end.len()).filter(|&frame| end[frame] == 10.0).collect();
        assert_eq!(on[0], 4800 + 479);
        assert!(on.len().abs_diff(48) <= 1 && on[on.len() - 1] - on[0] == on.len() - 1, "{on:?}");
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Adsr>(RATE_HZ);
            rig.set("attack", 0.02).set("decay", 0.03).set("release", 0.025).set("curve", 0.7);
            rig.feed_channels("gate", channels, move |channel, frame| {
                if frame % (60 + 7 * (channel + first) as u64) < 45 { 5.0 } else { 0.0 }
            });
            rig.feed("retrigger", |_, frame| if frame % 131 < 3 { 5.0 } else { 0.0 });
            rig
        };
        let together = rig(16, 0).run(1000);
        let one_by_one = rig(16, 0).frame_by_frame().run(1000);
        for channel in 0..16 {
            let alone = rig(1, channel).run(1000);
            for output in ["env", "end"] {
                let volts = together.channel(output, channel);
                assert_eq!(volts, one_by_one.channel(output, channel));
                assert_eq!(volts, alone.channel(output, 0));
            }
        }
    }
}
