//! Attenuverter: a signal made smaller, turned over, or moved up and down.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const OUT: usize = 0;
const GAIN: usize = 0;
const OFFSET: usize = 1;

/// Remembers nothing: its params glide by themselves.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Attenuverter {}

impl Module for Attenuverter {
    const ABOUT: &'static About = &About {
        name: "attenuverter",
        title: "Attenuverter",
        short: "Attenuv.",
        summary: "Scales, inverts and offsets a signal; unpatched, it is a constant voltage",
        aliases: &["offset", "invert", "attenuator", "constant voltage", "cv"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[port("in", "Signal input. Unpatched: 0 V, so that only the offset is heard")],
        outputs: &[port("out", "in × gain + offset, with as many channels as in")],
        params: &[
            Param::linear(
                "gain",
                -2.0..=2.0,
                1.0,
                Unit::None,
                "Gain of the signal; negative values invert it",
            ),
            Param::linear("offset", -10.0..=10.0, 0.0, Unit::Volts, "Offset in volts"),
        ],
        bypass: &[(0, 0)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        each_group!(channels, |L, group| scale::<L>(block, group));
    }
}

#[inline(always)]
fn scale<L: Lane>(block: &mut Block, group: usize) {
    let (gain, offset) = (block.ramp(GAIN), block.ramp(OFFSET));
    let input = block.input(IN);
    let frames = block.frames();
    let output = block.output(OUT);
    for frame in frames {
        let volts = input.get::<L>(group, frame) * gain.at(frame).into() + offset.at(frame).into();
        output.put(group, frame, volts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn it_scales_turns_over_and_offsets() {
        let mut rig = Rig::new::<Attenuverter>(48_000.0);
        rig.set("gain", -0.5).set("offset", 1.0);
        rig.feed("in", |_, frame| frame as f32);
        let out = rig.run(100);
        assert_eq!(out.channel("out", 0)[..3], [1.0, 0.5, 0.0]);
    }
}
