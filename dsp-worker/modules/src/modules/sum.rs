//! Sum: all channels of a cable together in one.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::ramp::Ramp;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};

const IN: usize = 0;
const OUT: usize = 0;
const GAIN: usize = 0;
const NORMALIZE: usize = 1;

/// How much of the way to the gain for another number of channels is gone in
/// one quantum.
const FADE: f32 = 0.125;

/// The share of each channel, on its way.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Sum {
    has_started: u32,
    /// At the start of this quantum, and at its end.
    from: f32,
    to: f32,
}

impl Module for Sum {
    const ABOUT: &'static About = &About {
        name: "sum",
        title: "Sum",
        summary: "Mixes the voices of a polyphonic cable down to one channel",
        aliases: &["poly to mono"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[port("in", "A cable with up to 16 channels")],
        outputs: &[port("out", "The sum of all channels times the gain")],
        params: &[
            Param::linear("gain", 0.0..=2.0, 1.0, Unit::None, "Output gain; 0 is silence"),
            Param::choice(
                "normalize",
                &["off", "power", "mean"],
                0,
                "Power: keeps the loudness for any number of voices. Mean: averages the channels, \
                 for CV",
            ),
        ],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = block.input(IN);
        if block.starts_quantum() {
            let channels = input.channels().max(1) as f32;
            let share = match block.choice(NORMALIZE) {
                0 => 1.0,
                1 => 1.0 / channels.sqrt(),
                _ => 1.0 / channels,
            };
            self.from = if self.has_started == 0 { share } else { self.to };
            let way = share - self.from;
            self.to = if way.abs() < 1e-4 { share } else { self.from + way * FADE };
            self.has_started = 1;
        }
        let (gain, share) = (block.ramp(GAIN), Ramp::new(self.from, self.to));
        for frame in block.frames() {
            let volts = input.sum(frame) * gain.at(frame) * share.at(frame);
            block.output(OUT).put(0, frame, volts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn sixteen_channels_are_one_at_the_level_asked_for() {
        let sum = |normalize: &str, gain: f32| {
            let mut rig = Rig::new::<Sum>(48_000.0);
            rig.choose("normalize", normalize).set("gain", gain);
            rig.feed_channels("in", 16, |channel, _| (channel + 1) as f32);
            let out = rig.run(1);
            (out.channels("out"), out.main()[0])
        };
        assert_eq!(sum("off", 0.5), (1, 68.0));
        assert_eq!(sum("power", 1.0), (1, 34.0));
        assert_eq!(sum("mean", 2.0), (1, 17.0));
    }

    #[test]
    fn a_voice_that_joins_does_not_make_the_others_jump() {
        let mut rig = Rig::new::<Sum>(48_000.0);
        rig.choose("normalize", "mean");
        rig.feed_channels("in", 2, |channel, _| 5.0 - 5.0 * channel as f32).run(320);
        let sound = rig.feed_channels("in", 3, |channel, _| if channel == 0 { 5.0 } else { 0.0 });
        let sound = sound.run(4800).main().to_vec();
        assert!(sound.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.01));
        assert!((sound[4799] - 5.0 / 3.0).abs() < 1e-3);
    }
}
