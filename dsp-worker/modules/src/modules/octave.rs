//! Octave: a pitch moved by octaves, semitones and cents.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const VOCT: usize = 0;
const OCTAVE_CV: usize = 1;
const SEMITONE_CV: usize = 2;
const OCTAVE: usize = 0;
const SEMITONE: usize = 1;
const FINE: usize = 2;

/// How far a voltage goes before the next whole number is taken: a little past
/// half the way, so that noise there does not make it chatter.
const REACH: f32 = 0.55;

/// By how many octaves, and semitones, each channel's voltages move it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Octave {
    octaves: [f32; 16],
    semitones: [f32; 16],
}

impl Module for Octave {
    const ABOUT: &'static About = &About {
        name: "octave",
        title: "Octave",
        summary: "Transposes a pitch by octaves and semitones, and fine-tunes it in cents",
        aliases: &["transpose", "pitch", "semitone"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("voct", "Pitch input, 1 V/octave"),
            port("octave", "Octave CV: each whole volt is an octave"),
            port("semitone", "Semitone CV: 1 V is twelve semitones, in steps"),
        ],
        outputs: &[port("voct", "The transposed pitch")],
        params: &[
            Param::steps("octave", -5.0..=5.0, 0.0, "Transposes by octaves"),
            Param {
                unit: Unit::Semitones,
                ..Param::steps("semitone", -12.0..=12.0, 0.0, "Transposes by semitones")
            },
            Param::linear("fine", -100.0..=100.0, 0.0, Unit::Cents, "Fine tuning in cents"),
        ],
        bypass: &[(VOCT, 0)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, OCTAVE_CV, SEMITONE_CV]);
        each_group!(channels, |L, group| self.transpose::<L>(block, group));
    }
}

impl Octave {
    #[inline(always)]
    fn transpose<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let [voct, octave, semitone] = [VOCT, OCTAVE_CV, SEMITONE_CV].map(|port| block.input(port));
        let (set_octave, set_semitone) = (block.param(OCTAVE), block.param(SEMITONE));
        let fine = block.ramp(FINE);
        let twelve = L::splat(12.0);
        for frame in block.frames() {
            let octaves = settle(&mut self.octaves, group, octave.get::<L>(group, frame));
            let semitones =
                settle(&mut self.semitones, group, semitone.get::<L>(group, frame) * twelve);
            let semitones = semitones + L::splat(set_semitone + 0.01 * fine.at(frame));
            let moved = octaves + L::splat(set_octave) + semitones * L::splat(1.0 / 12.0);
            block.output(0).put(group, frame, voct.get::<L>(group, frame) + moved);
        }
    }
}

/// The whole number that a voltage is at, or has not left far enough.
#[inline(always)]
fn settle<L: Lane>(held: &mut [f32; 16], group: usize, at: L) -> L {
    // 1.5 · 2^23: adding it leaves the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    let at = at.clamp(-1e6, 1e6);
    let was = L::load(held, group);
    let nearest = (at + L::splat(ROUND)) - L::splat(ROUND);
    let now = (at - was).abs().at_least(L::splat(REACH), nearest, was);
    now.store(held, group);
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn octaves_semitones_and_cents_add_up() {
        let mut rig = Rig::new::<Octave>(48_000.0);
        rig.set("octave", 2.0).set("semitone", -3.0).set("fine", 6.0).feed("voct", |_, _| 0.25);
        assert!((rig.run(1).main()[0] - 2.005).abs() < 1e-6);
        rig.set("octave", 0.0).set("semitone", 0.0).feed("octave", |_, _| -1.3);
        rig.feed("semitone", |_, _| 7.2 / 12.0).run(4800);
        let moved = rig.run(1).main()[0];
        assert!((moved - (0.25 - 1.0 + 7.0 / 12.0 + 0.005)).abs() < 1e-5, "{moved}");
    }

    #[test]
    fn a_voltage_moves_by_whole_octaves_and_does_not_chatter_between() {
        let mut rig = Rig::new::<Octave>(48_000.0);
        let volts = [0.4, 0.52, 0.56, 0.48, 1.5, 0.44, -3.9, 1e9];
        rig.feed_channels("voct", 9, |channel, _| channel as f32);
        rig.feed("octave", move |_, frame| volts[frame as usize]);
        let out = rig.run(7);
        assert_eq!(out.channel("voct", 0), [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, -4.0]);
        assert_eq!(out.channel("voct", 8)[6], 4.0);
    }
}
