//! Mixer: six signals become one.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fader::{SHUT_DB, gain};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::signal::{Signal, groups};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Port, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::rows::rows;

const INPUTS: usize = 6;
const OUT: usize = 0;
/// The params: a level for each input, then the master's, then the mutes.
const MASTER: usize = INPUTS;
const MUTES: usize = MASTER + 1;

/// How much of the way to silence, or back, a mute goes in one quantum.
const MUTE_STEP: f32 = 0.125;

/// The gains of every input, master and mute included, on their way.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Mixer {
    has_started: u32,
    /// How far each input's mute is open.
    open: [f32; INPUTS],
    /// At the start of this quantum, and at its end.
    from: [f32; INPUTS],
    to: [f32; INPUTS],
}

const fn input(name: &'static str) -> Port {
    port(name, "Signal input, audio or CV. A single channel is added to every channel")
}

const fn level(name: &'static str) -> Param {
    let help = "Level of this input; silent at the bottom";
    Param::linear(name, SHUT_DB..=12.0, 0.0, Unit::Db, help)
}

const fn mute(name: &'static str) -> Param {
    Param::switch(name, false, "Mutes this input, without changing its level")
        .steady()
        .labelled("M")
}

impl Module for Mixer {
    const ABOUT: &'static About = &About {
        name: "mixer",
        title: "Mixer",
        summary: "Mixes up to six signals, each with level and mute",
        aliases: &["sum", "volume", "fader"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &rows![input("in-", 1..=6)],
        outputs: &[port("out", "The mix, with as many channels as the widest input")],
        params: &rows![
            level("level-", 1..=6),
            Param::linear(
                "level",
                SHUT_DB..=12.0,
                0.0,
                Unit::Db,
                "Level of the mix; silent at the bottom",
            ),
            mute("mute-", 1..=6),
        ],
        bypass: &[(0, OUT)],
        face: &[Part::Row(&[
            Part::Strips(
                6,
                &[Part::Button("mute-#"), Part::Fader("level-#", "in-#"), Part::Input("in-#")],
            ),
            Part::Column("mix", &[Part::Fader("level", "out"), Part::Output("out")]),
        ])],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        if block.starts_quantum() {
            self.set_gains(block);
        }
        let inputs: [&Signal; INPUTS] = std::array::from_fn(|port| block.input(port));
        let channels = inputs.iter().map(|input| input.channels()).fold(1, usize::max);
        block.set_channels(channels);
        each_group!(channels, |L, group| self.mix::<L>(block, &inputs, group));
    }
}

impl Mixer {
    #[inline(always)]
    fn set_gains(&mut self, block: &Block) {
        let master = gain(block.param(MASTER));
        for port in 0..INPUTS {
            let target = if block.is_on(MUTES + port) { 0.0 } else { 1.0 };
            let way = target - self.open[port];
            let is_there = self.has_started == 0 || way.abs() < 1e-4;
            self.open[port] = if is_there { target } else { self.open[port] + way * MUTE_STEP };
            let gain = master * gain(block.param(port)) * self.open[port];
            self.from[port] = if self.has_started == 0 { gain } else { self.to[port] };
            self.to[port] = gain;
        }
        self.has_started = 1;
    }

    #[inline(always)]
    fn mix<L: Lane>(&self, block: &mut Block, inputs: &[&Signal; INPUTS], group: usize) {
        let frames = block.frames();
        let output = block.output(OUT);
        for frame in frames.clone() {
            output.put(group, frame, L::splat(0.0));
        }
        for (port, input) in inputs.iter().enumerate() {
            // Past the last of several channels there is nothing to add.
            let is_heard = input.channels() == 1 || group < groups(input.channels());
            if !is_heard || (self.from[port] == 0.0 && self.to[port] == 0.0) {
                continue;
            }
            let gains = Ramp::new(self.from[port], self.to[port]).frames();
            for frame in frames.clone() {
                let volts = input.get::<L>(group, frame) * L::splat(gains[frame]);
                output.put(group, frame, output.get::<L>(group, frame) + volts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn it_adds_at_the_levels_set() {
        let mut rig = Rig::new::<Mixer>(48_000.0);
        rig.feed("in-1", |_, _| 1.0).feed("in-2", |_, _| 2.0).feed("in-6", |_, _| 100.0);
        rig.set("level-2", 6.0206).set("level-6", -60.0);
        assert!((rig.run(1).main()[0] - 5.0).abs() < 1e-4);
        rig.set("level", -20.0).run(20_000);
        assert!((rig.run(1).main()[0] - 0.5).abs() < 1e-4);
    }

    #[test]
    fn the_most_channels_count_and_one_adds_to_all() {
        let mut rig = Rig::new::<Mixer>(48_000.0);
        rig.feed("in-1", |_, _| 1.0);
        rig.feed_channels("in-2", 3, |channel, _| 10.0 * (channel + 1) as f32);
        rig.feed_channels("in-3", 12, |_, _| 100.0);
        let sum = rig.run(1);
        assert_eq!(sum.channels("out"), 12);
        let volts: Vec<f32> = (0..12).map(|channel| sum.channel("out", channel)[0]).collect();
        assert_eq!(volts[..4], [111.0, 121.0, 131.0, 101.0]);
        assert!(volts[4..].iter().all(|&volts| volts == 101.0));
    }

    #[test]
    fn a_mute_fades_to_silence_and_back() {
        let mut rig = Rig::new::<Mixer>(48_000.0);
        rig.feed("in-4", |_, _| 5.0);
        let mut sound = rig.run(64).main().to_vec();
        sound.extend(rig.choose("mute-4", "on").run(4800).main());
        assert_eq!(sound[sound.len() - 1], 0.0);
        sound.extend(rig.choose("mute-4", "off").run(4800).main());
        assert_eq!(sound[sound.len() - 1], 5.0);
        let step = sound.windows(2).fold(0.0, |step: f32, w| step.max((w[1] - w[0]).abs()));
        assert!(step < 0.03, "{step} V");
    }

    #[test]
    fn frame_by_frame_it_is_the_same() {
        let run = |is_frame_by_frame: bool| {
            let mut rig = Rig::new::<Mixer>(48_000.0);
            if is_frame_by_frame {
                rig.frame_by_frame();
            }
            rig.feed_channels("in-1", 16, |channel, frame| (channel as u64 * frame % 7) as f32);
            rig.feed("in-2", |_, frame| (frame as f32 * 0.1).sin());
            let before = rig.run(50);
            let after = rig.choose("mute-1", "on").set("level", 3.0).run(200);
            (0..16)
                .map(|channel| {
                    [before.channel("out", channel), after.channel("out", channel)].concat()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(run(false), run(true));
    }
}
