//! Tremolo: a sound that swells and fades, again and again.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::phase::{long_steps_per_frame, triangle};
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const RATE_IN: usize = 1;
const OUT: usize = 0;
const RATE: usize = 0;
const DEPTH: usize = 1;

/// Where the wave stands. Plain data: it lives in shared memory, and a fresh
/// worker carries on from it when this one dies.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Tremolo {
    /// 2^64 to a turn, so that it neither drifts nor runs out of digits.
    phase: u64,
}

impl Module for Tremolo {
    const ABOUT: &'static About = &About {
        name: "tremolo",
        title: "Tremolo",
        summary: "Makes a sound swell and fade, from a slow breath to a flutter",
        aliases: &["auto-pan"],
        tags: &[Tag::Effect, Tag::Dynamics, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input, with up to 16 channels"),
            port("rate", "Rate CV: each volt doubles the rate").moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The modulated signal; never louder than the input")],
        params: &[
            Param::log("rate", 0.1..=20.0, 5.0, Unit::Hz, "Swells per second"),
            Param::linear(
                "depth",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How far the sound fades: not at all at 0, to silence at 1",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        let gains = self.gains(block);
        each_group!(channels, |L, group| amplify::<L>(block, group, &gains));
    }
}

impl Tremolo {
    /// What the signal is multiplied by, frame by frame: the same for every
    /// channel.
    #[inline(always)]
    fn gains(&mut self, block: &Block) -> [f32; QUANTUM] {
        let (rate, depth, rate_in) = (block.ramp(RATE), block.ramp(DEPTH), block.input(RATE_IN));
        let mut gains = [0.0; QUANTUM];
        for frame in block.frames() {
            let ratio = exp2(rate_in.at(0, frame).clamp(-20.0, 20.0));
            let turns = ratio * rate.at(frame) / block.sample_rate_hz;
            let [step] = long_steps_per_frame::<f32, 1>(turns);
            let wave = sine_of_triangle(triangle::<f32, 1>([(self.phase >> 32) as i32]));
            gains[frame] = 1.0 - depth.at(frame) * (0.5 - 0.5 * wave);
            self.phase = self.phase.wrapping_add(step);
        }
        gains
    }
}

#[inline(always)]
fn amplify<L: Lane>(block: &mut Block, group: usize, gains: &[f32; QUANTUM]) {
    let input = block.input(IN);
    let frames = block.frames();
    let output = block.output(OUT);
    for frame in frames {
        output.put(group, frame, input.get::<L>(group, frame) * L::splat(gains[frame]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn at_1_hz_and_full_depth_it_swells_and_falls_silent_once_a_second() {
        let mut rig = Rig::new::<Tremolo>(8.0);
        rig.set("rate", 1.0).set("depth", 1.0).feed_channels("in", 11, |_, _| 4.0);
        let out = rig.run(8);
        let found = out.channel("out", 10);
        for (frame, volts) in [(0, 2.0), (2, 4.0), (4, 2.0), (6, 0.0)] {
            assert!((found[frame] - volts).abs() < 1e-5, "frame {frame}: {found:?}");
        }
    }

    #[test]
    fn a_volt_doubles_the_rate() {
        let mut rig = Rig::new::<Tremolo>(8.0);
        rig.set("rate", 1.0).set("depth", 1.0).feed("in", |_, _| 4.0).feed("rate", |_, _| 1.0);
        let out = rig.run(4);
        for (frame, volts) in [(0, 2.0), (1, 4.0), (2, 2.0), (3, 0.0)] {
            assert!((out.main()[frame] - volts).abs() < 1e-5, "frame {frame}: {:?}", out.main());
        }
    }
}
