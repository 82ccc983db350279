//! Stereo Mixer: eight channels placed left and right, with two effects beside them.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fade::{self, Fade};
use sostenuto_dsp::fader::{SHUT_DB, gain};
use sostenuto_dsp::lane::each;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::{GATE_VOLTS, QUANTUM};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Port, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::rows::rows;
use crate::parts::stereo_in::StereoIn;

const STRIPS: usize = 8;

/// The inputs: left and right of each strip, then these.
const LEVEL_CV: usize = 2 * STRIPS;
const PAN_CV: usize = LEVEL_CV + STRIPS;
const RETURNS: usize = PAN_CV + 1;

/// The outputs, in pairs of left and right.
const PAIRS: usize = 3;
const MASTER: usize = 0;
const SENDS: usize = 1;

/// The params: one for each strip in turn, then those of all.
const LEVEL: usize = 0;
const PAN: usize = STRIPS;
const SEND_A: usize = 2 * STRIPS;
const SEND_B: usize = 3 * STRIPS;
const MUTE: usize = 4 * STRIPS;
const SOLO: usize = 5 * STRIPS;
const OF_ALL: usize = 6 * STRIPS;

/// How long a mute takes.
const MUTE_SECS: f32 = 0.005;

/// How loud a strip is, left and right; and how much of that the sends get.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Gains {
    sides: [f32; 2],
    sends: [f32; 2],
}

/// Every gain at the start of this quantum, and at its end.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct StereoMixer {
    has_started: u32,
    mutes: [Fade; STRIPS],
    from: [Gains; STRIPS],
    to: [Gains; STRIPS],
    /// Of both returns and the master.
    from_all: [f32; 3],
    to_all: [f32; 3],
}

const fn left(name: &'static str) -> Port {
    port(name, "Signal input; polyphonic cables are summed. Without a right side, pan places it")
        .labelled("L")
}

const fn right(name: &'static str) -> Port {
    port(name, "Right side of a stereo signal; pan becomes balance").labelled("R")
}

const fn level_cv(name: &'static str) -> Port {
    port(name, "Level CV of this channel: 0 V is silence, 10 V or no cable is the level set")
        .labelled("CV")
}

const fn level(name: &'static str) -> Param {
    let help = "Level of this channel; silent at the bottom";
    Param::linear(name, SHUT_DB..=12.0, 0.0, Unit::Db, help)
}

const fn pan(name: &'static str) -> Param {
    let help = "Pan of this channel, from left, -1, to right, 1, at equal power; 3 dB down in the \
                centre. With a stereo signal: balance";
    Param::linear(name, -1.0..=1.0, 0.0, Unit::None, help)
}

const fn send(name: &'static str) -> Param {
    let help = "Send level of this channel, after level and pan; off at the bottom";
    Param::linear(name, SHUT_DB..=12.0, SHUT_DB, Unit::Db, help)
}

const fn mute(name: &'static str) -> Param {
    Param::switch(name, false, "Mutes this channel and its sends").steady().labelled("M")
}

const fn solo(name: &'static str) -> Param {
    Param::switch(name, false, "Mutes all channels without solo; muted channels stay muted")
        .labelled("S")
}

const fn return_level(name: &'static str) -> Param {
    let help = "Level of the return; silent at the bottom";
    Param::linear(name, SHUT_DB..=12.0, 0.0, Unit::Db, help)
}

impl Module for StereoMixer {
    const ABOUT: &'static About = &About {
        name: "stereo-mixer",
        title: "Stereo Mixer",
        summary: "Eight channels with level, pan, mute and solo, and two effect sends with returns",
        aliases: &["sends", "pan", "solo", "console", "fader", "aux", "mixing desk"],
        tags: &[Tag::Utility, Tag::Dynamics],
        inputs: &rows![
            left("in-1-left"),
            right("in-1-right"),
            left("in-2-left"),
            right("in-2-right"),
            left("in-3-left"),
            right("in-3-right"),
            left("in-4-left"),
            right("in-4-right"),
            left("in-5-left"),
            right("in-5-right"),
            left("in-6-left"),
            right("in-6-right"),
            left("in-7-left"),
            right("in-7-right"),
            left("in-8-left"),
            right("in-8-right"),
            level_cv("level-", 1..=8),
            port(
                "pan",
                "Pan CV, ±5 V from side to side: each channel of the cable moves one mixer \
                 channel; a single channel moves all",
            ),
            port("return-a-left", "Return of the effect on send a").labelled("L"),
            port("return-a-right", "Right side. Unpatched, it is a copy of left").labelled("R"),
            port("return-b-left", "Return of the effect on send b").labelled("L"),
            port("return-b-right", "Right side. Unpatched, it is a copy of left").labelled("R"),
        ],
        outputs: &[
            port("left", "Left mix").labelled("L"),
            port("right", "Right mix").labelled("R"),
            port("send-a-left", "Send to effect a, left").labelled("send L"),
            port("send-a-right", "Send to effect a, right").labelled("send R"),
            port("send-b-left", "Send to effect b, left").labelled("send L"),
            port("send-b-right", "Send to effect b, right").labelled("send R"),
        ],
        params: &rows![
            level("level-", 1..=8),
            pan("pan-", 1..=8),
            send("send-a-", 1..=8),
            send("send-b-", 1..=8),
            mute("mute-", 1..=8),
            solo("solo-", 1..=8),
            return_level("return-a"),
            return_level("return-b"),
            Param::linear(
                "level",
                SHUT_DB..=12.0,
                0.0,
                Unit::Db,
                "Level of the mix; silent at the bottom",
            ),
        ],
        bypass: &[(0, 0), (1, 1)],
        face: &[Part::Row(&[
            Part::Strips(
                8,
                &[
                    Part::Small("send-a-#"),
                    Part::Small("send-b-#"),
                    Part::Small("pan-#"),
                    Part::Row(&[Part::Button("mute-#"), Part::Button("solo-#")]),
                    Part::Fader("level-#", "in-#-left"),
                    Part::Row(&[Part::Input("in-#-left"), Part::Input("in-#-right")]),
                    Part::Input("level-#"),
                ],
            ),
            Part::Column(
                "return a",
                &[
                    Part::Fader("return-a", "return-a-left"),
                    Part::Row(&[Part::Input("return-a-left"), Part::Input("return-a-right")]),
                    Part::Row(&[Part::Output("send-a-left"), Part::Output("send-a-right")]),
                ],
            ),
            Part::Column(
                "return b",
                &[
                    Part::Fader("return-b", "return-b-left"),
                    Part::Row(&[Part::Input("return-b-left"), Part::Input("return-b-right")]),
                    Part::Row(&[Part::Output("send-b-left"), Part::Output("send-b-right")]),
                ],
            ),
            Part::Column(
                "mix",
                &[
                    Part::Fader("level", "left"),
                    Part::Row(&[Part::Output("left"), Part::Output("right")]),
                    Part::Input("pan"),
                ],
            ),
        ])],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        if block.starts_quantum() {
            self.set_gains(block);
        }
        let mut hears = [true; PAIRS];
        for pair in 0..PAIRS {
            hears[pair] = block.is_heard(2 * pair) || block.is_heard(2 * pair + 1);
        }
        let mut pairs = [[[0.0; QUANTUM]; 2]; PAIRS];
        for strip in 0..STRIPS {
            self.add_strip(block, strip, hears, &mut pairs);
        }
        self.add_returns(block, &mut pairs[MASTER]);
        let frames = block.frames();
        let master = Ramp::new(self.from_all[2], self.to_all[2]).frames();
        for side in &mut pairs[MASTER] {
            for frame in frames.clone() {
                side[frame] *= master[frame];
            }
        }
        for pair in 0..PAIRS {
            for side in 0..2 {
                let output = 2 * pair + side;
                if hears[pair] {
                    block.output(output).put_channel(0, frames.clone(), &pairs[pair][side]);
                } else {
                    block.mute(output);
                }
            }
        }
    }
}

impl StereoMixer {
    #[inline(always)]
    fn set_gains(&mut self, block: &Block) {
        let is_new = self.has_started == 0;
        let step = QUANTUM as f32 * fade::step(MUTE_SECS, block.sample_rate_hz);
        let any_solo = (0..STRIPS).any(|strip| block.is_on(SOLO + strip));
        for strip in 0..STRIPS {
            let is_open = !block.is_on(MUTE + strip) && (!any_solo || block.is_on(SOLO + strip));
            if is_new {
                self.mutes[strip].jump(is_open);
            }
            let level = gain(block.param(LEVEL + strip)) * self.mutes[strip].next(is_open, step);
            let sides = placed(block, strip).map(|side| side * level);
            let sends = [SEND_A, SEND_B].map(|send| gain(block.param(send + strip)));
            self.from[strip] = self.to[strip];
            self.to[strip] = Gains { sides, sends };
        }
        self.from_all = self.to_all;
        self.to_all = each(|index| gain(block.param(OF_ALL + index)));
        if is_new {
            (self.from, self.from_all) = (self.to, self.to_all);
        }
        self.has_started = 1;
    }

    #[inline(always)]
    fn add_strip(
        &self,
        block: &Block,
        strip: usize,
        hears: [bool; PAIRS],
        pairs: &mut [[[f32; QUANTUM]; 2]; PAIRS],
    ) {
        let (from, to) = (&self.from[strip], &self.to[strip]);
        let is_shut = from.sides == [0.0; 2] && to.sides == [0.0; 2];
        let [left, right] = [2 * strip, 2 * strip + 1];
        if is_shut || !(block.input(left).is_patched() || block.input(right).is_patched()) {
            return;
        }
        let (input, level_cv) = (StereoIn::new(block, left, right), block.input(LEVEL_CV + strip));
        let frames = block.frames();
        let cv = level_cv.channel(0, frames.clone());
        let left_volts = input.volts(0, frames.clone());
        let right_volts = if input.is_mono() { left_volts } else { input.volts(1, frames.clone()) };
        for (side, mut volts) in [left_volts, right_volts].into_iter().enumerate() {
            let level = Ramp::new(from.sides[side], to.sides[side]).frames();
            for frame in frames.clone() {
                volts[frame] *= level[frame];
            }
            if level_cv.is_patched() {
                for frame in frames.clone() {
                    volts[frame] *= (cv[frame] * (1.0 / GATE_VOLTS)).clamp(0.0, 1.0);
                }
            }
            let sums = &mut pairs[MASTER][side];
            for frame in frames.clone() {
                sums[frame] += volts[frame];
            }
            for send in 0..2 {
                let (start, end) = (from.sends[send], to.sends[send]);
                if !hears[SENDS + send] || (start == 0.0 && end == 0.0) {
                    continue;
                }
                let amount = Ramp::new(start, end).frames();
                let sums = &mut pairs[SENDS + send][side];
                for frame in frames.clone() {
                    sums[frame] += volts[frame] * amount[frame];
                }
            }
        }
    }

    #[inline(always)]
    fn add_returns(&self, block: &Block, sides: &mut [[f32; QUANTUM]; 2]) {
        for index in 0..2 {
            let [left, right] = [RETURNS + 2 * index, RETURNS + 2 * index + 1];
            if !(block.input(left).is_patched() || block.input(right).is_patched()) {
                continue;
            }
            let input = StereoIn::new(block, left, right);
            let level = Ramp::new(self.from_all[index], self.to_all[index]);
            for (side, sums) in sides.iter_mut().enumerate() {
                for frame in block.frames() {
                    sums[frame] += input.at(side, frame) * level.at(frame);
                }
            }
        }
    }
}

/// How much of a strip is on either side. A mono signal goes round by a quarter
/// of a circle, so that its power stays the same; of a stereo signal the side
/// that it is turned away from gets quieter.
#[inline(always)]
fn placed(block: &Block, strip: usize) -> [f32; 2] {
    let moved = block.input(PAN_CV).at(strip, 0) * 0.2;
    let pan = (block.param(PAN + strip) + moved).clamp(-1.0, 1.0);
    let shares = [1.0 - pan, 1.0 + pan];
    if block.input(2 * strip + 1).is_patched() {
        shares.map(|share| sine_of_triangle(share.min(1.0)))
    } else {
        shares.map(|share| sine_of_triangle(0.5 * share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    fn last(out: &Render, port: &str) -> f32 {
        *out.channel(port, 0).last().unwrap()
    }

    fn sides(rig: &mut Rig) -> [f32; 2] {
        let out = rig.run(9600);
        [last(&out, "left"), last(&out, "right")]
    }

    fn near(found: [f32; 2], expected: [f32; 2]) {
        let is_near = (0..2).all(|side| (found[side] - expected[side]).abs() < 1e-3);
        assert!(is_near, "{found:?}, not {expected:?}");
    }

    #[test]
    fn pan_moves_a_sound_at_equal_power() {
        let mut rig = Rig::new::<StereoMixer>(48_000.0);
        rig.feed_channels("in-3-left", 4, |_, _| 2.5);
        near(sides(&mut rig), [7.071, 7.071]);
        near(sides(rig.set("pan-3", -1.0)), [10.0, 0.0]);
        for pan in [-0.7, -0.2, 0.4, 1.0] {
            let [left, right] = sides(rig.set("pan-3", pan));
            assert!(((left * left + right * right).sqrt() - 10.0).abs() < 1e-3, "{left} {right}");
        }
        rig.set("pan-3", 0.0).feed_channels("pan", 3, |channel, _| 2.5 * channel as f32);
        near(sides(&mut rig), [0.0, 10.0]);
    }

    #[test]
    fn a_stereo_signal_stays_as_it_is_until_its_balance_is_moved() {
        let mut rig = Rig::new::<StereoMixer>(48_000.0);
        rig.feed("in-8-left", |_, _| 1.0).feed("in-8-right", |_, _| -2.0);
        near(sides(&mut rig), [1.0, -2.0]);
        near(sides(rig.set("pan-8", 1.0)), [0.0, -2.0]);
    }

    #[test]
    fn sends_go_out_after_the_level_and_come_back_before_the_master() {
        let mut rig = Rig::new::<StereoMixer>(48_000.0);
        rig.feed("in-1-left", |_, _| 8.0).set("pan-1", -1.0).set("level-1", -6.0206);
        rig.set("send-b-1", -6.0206).set("level", -20.0);
        rig.feed("return-a-left", |_, _| 1.0);
        let out = rig.run(9600);
        assert!((last(&out, "send-b-left") - 2.0).abs() < 1e-3);
        assert_eq!([last(&out, "send-b-right"), last(&out, "send-a-left")], [0.0, 0.0]);
        near([last(&out, "left"), last(&out, "right")], [0.5, 0.1]);
        near(sides(rig.set("return-a", -60.0)), [0.4, 0.0]);
    }

    #[test]
    fn mute_and_solo_fade_and_the_sends_with_them() {
        let mut rig = Rig::new::<StereoMixer>(48_000.0);
        for (strip, pan) in [(1u8, -1.0), (2, 1.0)] {
            rig.feed(&format!("in-{strip}-left"), move |_, _| f32::from(strip));
            rig.set(&format!("pan-{strip}"), pan).set(&format!("send-a-{strip}"), 0.0);
        }
        near(sides(&mut rig), [1.0, 2.0]);
        let fading = rig.choose("mute-2", "on").run(960);
        let right = fading.channel("right", 0);
        assert_eq!(right[959], 0.0);
        assert!(right.windows(2).all(|pair| (0.0..0.02).contains(&(pair[0] - pair[1]))));
        assert_eq!(last(&fading, "send-a-right"), 0.0);
        near(sides(rig.choose("mute-2", "off").choose("solo-2", "on")), [0.0, 2.0]);
        near(sides(rig.choose("solo-1", "on")), [1.0, 2.0]);
        near(sides(rig.choose("mute-1", "on")), [0.0, 2.0]);
    }

    #[test]
    fn a_voltage_opens_a_channel_in_a_straight_line() {
        let mut rig = Rig::new::<StereoMixer>(48_000.0);
        rig.set("pan-1", -1.0).feed("in-1-left", |_, _| 4.0);
        rig.feed("level-1", |_, frame| frame as f32 - 1.0);
        let out = rig.run(13);
        let expected = [0.0, 0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0, 4.0];
        for (found, expected) in out.channel("left", 0).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
        }
    }
}
