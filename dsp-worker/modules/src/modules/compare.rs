//! Compare: which of two voltages is higher, and whether they are near.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::volts;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const A: usize = 0;
const B: usize = 1;
const OUTPUTS: usize = 6;
const OFFSET: usize = 0;
const WINDOW: usize = 1;
const HYSTERESIS: usize = 2;

/// What was so at the last frame. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Compare {
    is_above: [f32; 16],
    is_within: [f32; 16],
}

impl Module for Compare {
    const ABOUT: &'static About = &About {
        name: "compare",
        title: "Compare",
        summary: "Compares two voltages: which is higher, and whether they are close",
        aliases: &["comparator", "window"],
        tags: &[Tag::Utility, Tag::Modulator, Tag::Polyphonic],
        inputs: &[
            port("a", "First voltage, audio or CV"),
            port("b", "Second voltage. Unpatched: 0 V"),
        ],
        outputs: &[
            port("above", "10 V while a is higher than b"),
            port("below", "10 V otherwise"),
            port("within", "10 V while a is within the window around b"),
            port("outside", "10 V otherwise"),
            port("max", "The higher of the two voltages"),
            port("min", "The lower of the two voltages"),
        ],
        params: &[
            Param::linear("offset", -10.0..=10.0, 0.0, Unit::Volts, "Offset in volts, added to b"),
            Param::linear(
                "window",
                0.0..=10.0,
                1.0,
                Unit::Volts,
                "The width of the window: half above b, half below",
            ),
            Param::linear(
                "hysteresis",
                0.0..=1.0,
                0.02,
                Unit::Volts,
                "How far a must move back before an output changes again, so that noise does not \
                 cause chatter",
            ),
        ],
        bypass: &[(A, 4), (A, 5)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(self, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.input(A).channels().max(block.input(B).channels()).max(1);
        block.set_channels(channels);
        each_group!(channels, |L, group| self.compare::<L>(block, group));
    }
}

impl Compare {
    #[inline(always)]
    fn compare<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let (a_in, b_in) = (block.input(A), block.input(B));
        let [offset, window, hysteresis] =
            [OFFSET, WINDOW, HYSTERESIS].map(|param| block.ramp(param));
        let at = |ramp: Ramp, frame: usize| L::splat(ramp.at(frame));
        let not = |mask: Mask<L>| mask.clear(L::splat(GATE_VOLTS));
        for frame in block.frames() {
            let a = a_in.get::<L>(group, frame);
            let b = b_in.get::<L>(group, frame) + at(offset, frame);
            // A part of it on either side of the border.
            let reach = at(hysteresis, frame) * L::splat(0.5);

            let was_above = Mask::<L>::load(&self.is_above, group);
            let above = Mask::above(a - b, was_above.pick(-reach, reach));
            above.store(&mut self.is_above, group);

            let was_within = Mask::<L>::load(&self.is_within, group);
            let border = at(window, frame) * L::splat(0.5) + was_within.pick(reach, -reach);
            let within = Mask::above(border, (a - b).abs());
            within.store(&mut self.is_within, group);

            let out: [L; OUTPUTS] =
                [volts(above), not(above), volts(within), not(within), a.max(b), a.min(b)];
            for (output, out) in block.outputs::<OUTPUTS>().iter_mut().zip(out) {
                output.put(group, frame, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    fn gate(out: &Render, port: &str) -> Vec<u8> {
        out.channel(port, 0).iter().map(|&volts| (volts == 10.0) as u8).collect()
    }

    #[test]
    fn it_says_which_is_higher_and_what_is_near() {
        let mut rig = Rig::new::<Compare>(48_000.0);
        // -2, -1, 0, 1, 2 and 3 V against 0.5 + 1 V, and 1 V either way.
        rig.feed("a", |_, frame| frame as f32 - 2.0).feed("b", |_, _| 0.5);
        rig.set("offset", 1.0).set("window", 2.0).set("hysteresis", 0.0);
        let out = rig.run(6);
        assert_eq!(gate(&out, "above"), [0, 0, 0, 0, 1, 1]);
        assert_eq!(gate(&out, "below"), [1, 1, 1, 1, 0, 0]);
        assert_eq!(gate(&out, "within"), [0, 0, 0, 1, 1, 0]);
        assert_eq!(gate(&out, "outside"), [1, 1, 1, 0, 0, 1]);
        assert_eq!(out.channel("max", 0), [1.5, 1.5, 1.5, 1.5, 2.0, 3.0]);
        assert_eq!(out.channel("min", 0), [-2.0, -1.0, 0.0, 1.0, 1.5, 1.5]);
    }

    #[test]
    fn noise_within_the_hysteresis_does_not_chatter() {
        let mut rig = Rig::new::<Compare>(48_000.0);
        let volts = [-0.3, 0.1, -0.1, 0.2, 0.3, -0.2, 0.1, -0.3];
        rig.set("hysteresis", 0.5).set("window", 0.0).feed("a", move |_, n| volts[n as usize]);
        assert_eq!(gate(&rig.run(8), "above"), [0, 0, 0, 0, 1, 1, 1, 0]);
    }

    #[test]
    fn a_mono_voltage_is_compared_with_every_channel() {
        let mut rig = Rig::new::<Compare>(48_000.0);
        rig.feed("a", |_, _| 4.5).feed_channels("b", 12, |channel, _| channel as f32);
        let out = rig.run(1);
        assert!((0..12).all(|n| out.channel("above", n)[0] == if n < 5 { 10.0 } else { 0.0 }));
    }
}
