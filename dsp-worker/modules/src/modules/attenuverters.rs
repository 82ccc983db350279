//! Attenuverters: eight knobs that make signals smaller or turn them over.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Port, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::rows::rows;

const ROWS: usize = 8;

/// Remembers nothing: its params glide by themselves.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Attenuverters {}

const fn input(name: &'static str) -> Port {
    port(name, "Signal input. Unpatched: 10 V, so that the knob sets a voltage")
}

const fn output(name: &'static str) -> Port {
    port(name, "The input times its gain, on as many channels")
}

const fn gain(name: &'static str) -> Param {
    let help = "Gain of this row; negative values invert the signal";
    Param::linear(name, -1.0..=1.0, 0.0, Unit::None, help)
}

impl Module for Attenuverters {
    const ABOUT: &'static About = &About {
        name: "attenuverters",
        title: "Eight Attenuverters",
        short: "8 Attenuv.",
        summary: "Scales and inverts eight signals; unpatched, each knob sets a voltage from -10 to 10 V",
        aliases: &["attenuator", "cv"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &rows![input("in-", 1..=8)],
        outputs: &rows![output("out-", 1..=8)],
        params: &rows![gain("gain-", 1..=8)],
        bypass: &[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)],
        face: &[Part::Strips(
            8,
            &[Part::Input("in-#"), Part::Small("gain-#"), Part::Output("out-#")],
        )],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        for row in 0..ROWS {
            let channels = block.input(row).channels().max(1);
            block.output(row).set_channels(channels);
            each_group!(channels, |L, group| scale::<L>(block, row, group));
        }
    }
}

#[inline(always)]
fn scale<L: Lane>(block: &mut Block, row: usize, group: usize) {
    let gains = block.ramp(row).frames();
    let input = block.input(row);
    let frames = block.frames();
    let output = block.output(row);
    for frame in frames {
        let volts = if input.is_patched() { input.get(group, frame) } else { L::splat(GATE_VOLTS) };
        output.put(group, frame, volts * L::splat(gains[frame]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn each_row_scales_its_own_signal_or_is_a_voltage() {
        let mut rig = Rig::new::<Attenuverters>(48_000.0);
        rig.set("gain-1", 0.5).set("gain-2", -0.25).set("gain-8", -1.0);
        rig.feed_channels("in-1", 9, |channel, _| channel as f32);
        rig.feed("in-8", |_, frame| frame as f32);
        let out = rig.run(32);
        assert_eq!((out.channels("out-1"), out.channel("out-1", 8)[31]), (9, 4.0));
        assert_eq!((out.channels("out-2"), out.channel("out-2", 0)[31]), (1, -2.5));
        assert_eq!(out.channel("out-3", 0)[31], 0.0);
        assert_eq!(out.channel("out-8", 0)[31], -31.0);
    }
}
