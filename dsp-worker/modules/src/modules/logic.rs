//! Logic: gates asked what they have in common. Rhythms from rhythms.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::{Gate, Gates, volts};
use sostenuto_dsp::lane::{Lane, each};
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::parts::each_group::each_group;

const INPUTS: usize = 3;
const OUTPUTS: usize = 10;

/// Which gates are on, and what the flip-flops hold. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Logic {
    inputs: [Gates; INPUTS],
    toggle: [f32; 16],
    latch: [f32; 16],
    caught: [f32; 16],
}

impl Module for Logic {
    const ABOUT: &'static About = &About {
        name: "logic",
        title: "Logic",
        summary: "And, or, xor and their inverses, and three flip-flops, for gates",
        aliases: &["boolean", "and", "or", "flip-flop"],
        tags: &[Tag::Utility, Tag::Sequencing, Tag::Polyphonic],
        inputs: &[
            port("a", "Gate input. Unpatched inputs are ignored"),
            port("b", "Gate input. Unpatched inputs are ignored"),
            port("c", "Gate input. Unpatched inputs are ignored"),
        ],
        outputs: &[
            port("and", "10 V while every gate is on"),
            port("or", "10 V while any gate is on"),
            port("xor", "10 V while an odd number of gates is on"),
            port("nand", "10 V while not every gate is on"),
            port("nor", "10 V while no gate is on"),
            port("xnor", "10 V while xor is off"),
            port("not-a", "10 V while a is off"),
            port("toggle", "Switches between 10 V and 0 V each time a switches on: half the rate"),
            port("latch", "Switches to 10 V as a switches on, and to 0 V as b does"),
            port("catch", "Samples a as b switches on, and holds it"),
        ],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(self, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let inputs: [&Signal; INPUTS] = std::array::from_fn(|port| block.input(port));
        let channels = inputs.iter().map(|input| input.channels()).fold(1, usize::max);
        block.set_channels(channels);
        each_group!(channels, |L, group| self.answer::<L>(block, &inputs, group));
    }
}

impl Logic {
    #[inline(always)]
    fn answer<L: Lane>(&mut self, block: &mut Block, inputs: &[&Signal; INPUTS], group: usize) {
        let not = |mask: Mask<L>| mask.clear(L::splat(GATE_VOLTS));
        for frame in block.frames() {
            let gates: [Gate<L>; INPUTS] =
                each(|port| self.inputs[port].follow(group, inputs[port].get(group, frame)));
            let [a, b, _] = gates;
            let (and, or, xor) = combine(&gates, inputs);
            let (toggle, latch, caught) = self.flip(a, b, group);
            let out: [L; OUTPUTS] = [
                volts(and),
                volts(or),
                volts(xor),
                not(and),
                not(or),
                not(xor),
                not(a.is_on),
                volts(toggle),
                volts(latch),
                volts(caught),
            ];
            for (output, out) in block.outputs::<OUTPUTS>().iter_mut().zip(out) {
                output.put(group, frame, out);
            }
        }
    }

    #[inline(always)]
    fn flip<L: Lane>(
        &mut self,
        a: Gate<L>,
        b: Gate<L>,
        group: usize,
    ) -> (Mask<L>, Mask<L>, Mask<L>) {
        let toggle = Mask::load(&self.toggle, group).differs(a.rises);
        let latch = Mask::load(&self.latch, group).or(a.rises).and_not(b.rises);
        let kept = Mask::load(&self.caught, group).and_not(b.rises);
        let caught = kept.or(b.rises.and(a.is_on));
        toggle.store(&mut self.toggle, group);
        latch.store(&mut self.latch, group);
        caught.store(&mut self.caught, group);
        (toggle, latch, caught)
    }
}

/// And, or and xor of what is patched. Of nothing, all three are off.
#[inline(always)]
fn combine<L: Lane>(
    gates: &[Gate<L>; INPUTS],
    inputs: &[&Signal; INPUTS],
) -> (Mask<L>, Mask<L>, Mask<L>) {
    let none = Mask::above(L::splat(0.0), L::splat(0.0));
    let mut patched = gates.iter().zip(inputs).filter(|(_, input)| input.is_patched());
    let Some((first, _)) = patched.next() else { return (none, none, none) };
    let first = first.is_on;
    patched.fold((first, first, first), |(and, or, xor), (gate, _)| {
        (and.and(gate.is_on), or.or(gate.is_on), xor.differs(gate.is_on))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    /// The bits of a number, one a frame: 10 V and 0 V.
    fn bits(number: u32) -> impl FnMut(usize, u64) -> f32 + 'static {
        move |_, frame| if number >> frame & 1 == 1 { 10.0 } else { 0.0 }
    }

    fn read(out: &Render, port: &str) -> u32 {
        let volts = out.channel(port, 0).iter().enumerate();
        volts.map(|(frame, &volts)| ((volts == 10.0) as u32) << frame).sum()
    }

    #[test]
    fn two_gates_are_combined_as_in_the_truth_tables() {
        let mut rig = Rig::new::<Logic>(48_000.0);
        let out = rig.feed("a", bits(0b1100)).feed("c", bits(0b1010)).run(4);
        for (port, expected) in [
            ("and", 0b1000),
            ("or", 0b1110),
            ("xor", 0b0110),
            ("nand", 0b0111),
            ("nor", 0b0001),
            ("xnor", 0b1001),
            ("not-a", 0b0011),
        ] {
            assert_eq!(read(&out, port), expected, "{port}");
        }
    }

    #[test]
    fn three_gates_and_one_alone() {
        let mut rig = Rig::new::<Logic>(48_000.0);
        rig.feed("a", bits(0b1111_0000)).feed("b", bits(0b1100_1100)).feed("c", bits(0b1010_1010));
        let out = rig.run(8);
        assert_eq!(read(&out, "and"), 0b1000_0000);
        assert_eq!(read(&out, "or"), 0b1111_1110);
        assert_eq!(read(&out, "xor"), 0b1001_0110);
        let mut rig = Rig::new::<Logic>(48_000.0);
        let out = rig.feed("b", bits(0b0110)).run(4);
        assert_eq!(read(&out, "and"), 0b0110);
        assert_eq!(read(&out, "nor"), 0b1001);
        assert_eq!(read(&out, "not-a"), 0b1111);
    }

    #[test]
    fn flip_flops_remember() {
        let mut rig = Rig::new::<Logic>(48_000.0);
        let out = rig.feed("a", bits(0b0110_1011_0010)).feed("b", bits(0b1000_1010_0100)).run(12);
        assert_eq!(read(&out, "toggle"), 0b0001_1000_1110);
        assert_eq!(read(&out, "latch"), 0b0110_0001_0010);
        assert_eq!(read(&out, "catch"), 0b0111_1110_0000);
    }

    #[test]
    fn a_mono_gate_is_combined_with_every_channel() {
        let mut rig = Rig::new::<Logic>(48_000.0);
        rig.feed("a", |_, _| 10.0).feed_channels("b", 11, |channel, _| 10.0 * (channel % 2) as f32);
        let out = rig.run(1);
        assert_eq!(out.channels("and"), 11);
        assert!((0..11).all(|n| out.channel("and", n)[0] == 10.0 * (n % 2) as f32));
    }
}
