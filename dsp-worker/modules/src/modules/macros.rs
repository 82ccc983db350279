//! Macros: eight knobs, each for as many inputs as you like.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Port, Role, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::rows::rows;

const KNOBS: usize = 8;

/// Remembers nothing: its params glide by themselves.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Macros {}

const fn knob(name: &'static str) -> Param {
    let help = "The knob: 1 is 10 V";
    Param::linear(name, 0.0..=1.0, 0.0, Unit::Fraction, help)
}

const fn out(name: &'static str) -> Port {
    port(name, "The voltage of this knob, 0 to 10 V, for any number of inputs")
}

impl Module for Macros {
    const ABOUT: &'static About = &About {
        name: "macros",
        title: "Macros",
        summary: "Eight knobs, each with an output for any number of inputs",
        aliases: &["knobs", "performance"],
        tags: &[Tag::Play, Tag::Modulator],
        outputs: &rows![out("macro-", 1..=8)],
        params: &rows![knob("macro-", 1..=8)],
        role: Some(Role::Macros),
        face: &[Part::Strips(8, &[Part::Small("macro-#"), Part::Output("macro-#")])],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        for knob in 0..KNOBS {
            let ramp = block.ramp(knob);
            for frame in block.frames() {
                block.output(knob).put(0, frame, GATE_VOLTS * ramp.at(frame));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn each_knob_is_its_voltage() {
        let mut rig = Rig::new::<Macros>(48_000.0);
        rig.set("macro-1", 1.0).set("macro-3", 0.25);
        let out = rig.run(32);
        assert_eq!(out.channel("macro-1", 0), [10.0; 32]);
        assert_eq!(out.channel("macro-2", 0), [0.0; 32]);
        assert_eq!(out.channel("macro-3", 0), [2.5; 32]);
    }

    #[test]
    fn a_turn_is_a_glide() {
        let mut rig = Rig::new::<Macros>(48_000.0);
        rig.run(32);
        let out = rig.set("macro-8", 1.0).run(4800);
        let volts = out.channel("macro-8", 0);
        assert!(volts.windows(2).all(|pair| (0.0..0.1).contains(&(pair[1] - pair[0]))));
        assert!((volts[4799] - 10.0).abs() < 1e-3);
    }
}
