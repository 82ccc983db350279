//! Offset/Scale: fits the range of one signal to what another module expects.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const OFFSET_IN: usize = 1;
const SCALE_IN: usize = 2;
const OUT: usize = 0;
const OFFSET: usize = 0;
const SCALE: usize = 1;
const ORDER: usize = 2;
const LIMIT: usize = 3;

const OFFSET_FIRST: usize = 1;

/// The lowest and the highest volts at each choice of the limit.
const LIMITS: [(f32, f32); 4] = [(-1e6, 1e6), (-5.0, 5.0), (0.0, 10.0), (-10.0, 10.0)];

/// Remembers nothing: its params glide by themselves.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct OffsetScale {}

impl Module for OffsetScale {
    const ABOUT: &'static About = &About {
        name: "offset-scale",
        title: "Offset/Scale",
        short: "Offset",
        summary: "Offsets and scales a signal, by knobs and CV, and limits it",
        aliases: &["bias", "gain", "cv", "attenuator"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input. Unpatched: 0 V"),
            port("offset", "Offset CV: adds its volts"),
            port("scale", "Scale CV: 10 V adds 1").moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The signal, offset, scaled and limited")],
        params: &[
            Param::linear("offset", -10.0..=10.0, 0.0, Unit::Volts, "Offset in volts"),
            Param::linear(
                "scale",
                -5.0..=5.0,
                1.0,
                Unit::None,
                "The factor of the signal; negative values invert it",
            ),
            Param::choice(
                "order",
                &["scale-first", "offset-first"],
                0,
                "Scale first: in × scale + offset. Offset first: (in + offset) × scale",
            ),
            Param::choice(
                "limit",
                &["off", "-5-to-5", "0-to-10", "-10-to-10"],
                0,
                "The output range",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, OFFSET_IN, SCALE_IN]);
        let knobs = Knobs {
            offset: block.ramp(OFFSET).frames(),
            scale: block.ramp(SCALE).frames(),
            is_offset_first: block.choice(ORDER) == OFFSET_FIRST,
            limits: LIMITS[block.choice(LIMIT) % LIMITS.len()],
        };
        each_group!(channels, |L, group| fit::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    offset: [f32; QUANTUM],
    scale: [f32; QUANTUM],
    is_offset_first: bool,
    limits: (f32, f32),
}

#[inline(always)]
fn fit<L: Lane>(block: &mut Block, group: usize, knobs: &Knobs) {
    let (input, offset_in) = (block.input(IN), block.input(OFFSET_IN));
    let scale_in = block.input(SCALE_IN);
    let (low, high) = knobs.limits;
    let frames = block.frames();
    let output = block.output(OUT);
    for frame in frames {
        let volts = input.get::<L>(group, frame);
        let offset = offset_in.get::<L>(group, frame) + L::splat(knobs.offset[frame]);
        let scale = scale_in.get::<L>(group, frame) * L::splat(0.1) + L::splat(knobs.scale[frame]);
        let scale = scale.clamp(-5.0, 5.0);
        let fitted =
            if knobs.is_offset_first { (volts + offset) * scale } else { volts * scale + offset };
        output.put(group, frame, fitted.clamp(low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn a_bipolar_wave_becomes_a_unipolar_one_in_either_order() {
        let mut rig = Rig::new::<OffsetScale>(48_000.0);
        rig.feed("in", |_, frame| [-5.0, 0.0, 5.0][frame as usize % 3]);
        rig.set("offset", 5.0).set("scale", 0.5);
        assert_eq!(rig.run(3).main(), [2.5, 5.0, 7.5]);
        assert_eq!(rig.choose("order", "offset-first").run(64).main()[30..33], [0.0, 2.5, 5.0]);
    }

    #[test]
    fn voltages_add_to_both_knobs_channel_by_channel() {
        let mut rig = Rig::new::<OffsetScale>(48_000.0);
        rig.feed_channels("in", 9, |channel, _| channel as f32);
        rig.feed("scale", |_, _| 10.0).feed("offset", |_, _| 0.5);
        let out = rig.run(1);
        assert_eq!((out.channels("out"), out.channel("out", 8)), (9, &[16.5][..]));
    }

    #[test]
    fn nothing_passes_the_limits() {
        let mut rig = Rig::new::<OffsetScale>(48_000.0);
        rig.feed("in", |_, frame| [-12.0, 3.0, 12.0][frame as usize % 3]);
        for (limit, volts) in [
            ("-5-to-5", [-5.0, 3.0, 5.0]),
            ("0-to-10", [0.0, 3.0, 10.0]),
            ("off", [-12.0, 3.0, 12.0]),
        ] {
            assert_eq!(rig.choose("limit", limit).run(96).main()[93..], volts, "{limit}");
        }
    }
}
