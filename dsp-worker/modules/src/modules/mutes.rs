//! Mutes: eight switches that fade. Bring parts in and out.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fade::{self, Fade};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Port, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::rows::rows;

const WAYS: usize = 8;
/// The inputs after the signals.
const GATES: usize = WAYS;
/// The param after the switches.
const FADE: usize = WAYS;

/// How far each way is open.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Mutes {
    gates: [Schmitt; WAYS],
    fades: [Fade; WAYS],
    has_started: u32,
}

const fn signal(name: &'static str) -> Port {
    port(name, "Signal input, audio or CV. Unpatched, it is a copy of the input above")
}

const fn gate(name: &'static str) -> Port {
    let help = "Mutes the signal while on (above 1 V)";
    port(name, help).moves_own(By::OnAboveOneVolt)
}

const fn out(name: &'static str) -> Port {
    port(name, "The signal, or 0 V while muted; with as many channels as the input")
}

const fn mute(name: &'static str) -> Param {
    Param::switch(name, false, "Mutes this signal").steady().labelled("M")
}

impl Module for Mutes {
    const ABOUT: &'static About = &About {
        name: "mutes",
        title: "Mutes",
        summary: "Mutes eight signals by hand or gate, without clicks or with a long fade",
        aliases: &["mute"],
        tags: &[Tag::Utility, Tag::Play, Tag::Polyphonic],
        inputs: &rows![
            port("in-1", "Signal input, audio or CV"),
            signal("in-2"),
            signal("in-3"),
            signal("in-4"),
            signal("in-5"),
            signal("in-6"),
            signal("in-7"),
            signal("in-8"),
            gate("mute-", 1..=8),
        ],
        outputs: &rows![out("out-", 1..=8)],
        params: &rows![
            mute("mute-", 1..=8),
            Param::log("fade", 0.001..=20.0, 0.005, Unit::Secs, "The time to fade out or in",),
        ],
        bypass: &[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)],
        face: &[Part::Strips(
            8,
            &[
                Part::Input("in-#"),
                Part::Button("mute-#"),
                Part::Input("mute-#"),
                Part::Output("out-#"),
            ],
        )],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let frames = block.frames();
        let step = fade::step(block.param(FADE), block.sample_rate_hz);
        let mut input = block.input(0);
        for way in 0..WAYS {
            if block.input(way).is_patched() {
                input = block.input(way);
            }
            let gains = self.gains(block, way, step);
            let output = block.output(way);
            output.set_channels(input.channels());
            each_group!(input.channels().max(1), |L, group| {
                pass::<L>(input, output, group, &gains, frames.clone())
            });
        }
        self.has_started = 1;
    }
}

impl Mutes {
    #[inline(always)]
    fn gains(&mut self, block: &Block, way: usize, step: f32) -> [f32; QUANTUM] {
        let (gate, is_muted) = (block.input(GATES + way), block.is_on(way));
        let mut gains = [0.0; QUANTUM];
        for frame in block.frames() {
            let is_open = !self.gates[way].follow(gate.at(0, frame)) && !is_muted;
            if self.has_started == 0 && frame == block.frames().start {
                self.fades[way].jump(is_open);
            }
            gains[frame] = self.fades[way].next(is_open, step);
        }
        gains
    }
}

#[inline(always)]
fn pass<L: Lane>(
    input: &Signal,
    output: &mut Signal,
    group: usize,
    gains: &[f32; QUANTUM],
    frames: std::ops::Range<usize>,
) {
    for frame in frames {
        output.put(group, frame, input.get::<L>(group, frame) * L::splat(gains[frame]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn a_mute_fades_out_and_in_and_touches_nothing_else() {
        let mut rig = Rig::new::<Mutes>(48_000.0);
        rig.feed("in-1", |_, _| 5.0).feed("in-2", |_, _| -5.0).set("fade", 0.01);
        assert_eq!(rig.run(32).channel("out-2", 0), [-5.0; 32]);
        let out = rig.choose("mute-1", "on").run(640);
        let fading = out.channel("out-1", 0);
        assert!((fading[239] - 2.5).abs() < 1e-3, "{}", fading[239]);
        assert_eq!(fading[479..], [0.0; 161]);
        // 1.5 times as steep in the middle as straight through.
        let limit = 1.51 * 5.0 / 480.0;
        assert!(fading.windows(2).all(|pair| (0.0..limit).contains(&(pair[0] - pair[1]))));
        assert_eq!(out.channel("out-2", 0), [-5.0; 640]);
        assert_eq!(rig.choose("mute-1", "off").run(640).channel("out-1", 0)[480..], [5.0; 160]);
    }

    #[test]
    fn a_gate_mutes_from_its_own_frame() {
        let mut rig = Rig::new::<Mutes>(1000.0);
        rig.feed_channels("in-8", 11, |channel, _| channel as f32);
        rig.set("fade", 0.001).feed("mute-8", |_, n| if n % 7 < 3 { 10.0 } else { 0.0 });
        let out = rig.run(100);
        for (channel, frame) in (0..11).flat_map(|c| (0..100).map(move |f| (c, f))) {
            let expected = if frame % 7 < 3 { 0.0 } else { channel as f32 };
            assert_eq!(out.channel("out-8", channel)[frame], expected);
        }
    }

    #[test]
    fn an_input_without_a_cable_takes_the_one_above() {
        let mut rig = Rig::new::<Mutes>(48_000.0);
        rig.feed("in-1", |_, _| 1.0).feed("in-4", |_, _| 4.0).choose("mute-5", "on");
        let out = rig.run(1);
        let volts: Vec<f32> = (1..=8).map(|n| out.channel(&format!("out-{n}"), 0)[0]).collect();
        assert_eq!(volts, [1.0, 1.0, 1.0, 4.0, 0.0, 4.0, 4.0, 4.0]);
    }
}
