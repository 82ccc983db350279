//! Split: the channels of a polyphonic cable, each on a cable of its own.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::CHANNELS;

use crate::Module;
use crate::module::{About, Block, Port, Role, Tag, port};
use crate::param::Param;
use crate::parts::rows::rows;

const IN: usize = 0;
const REPEAT: usize = 0;

/// Remembers nothing.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Split {}

const fn channel(name: &'static str) -> Port {
    port(name, "The channel of this number; if the cable has fewer, 0 V")
}

impl Module for Split {
    const ABOUT: &'static About = &About {
        name: "split",
        title: "Split",
        summary: "Splits a polyphonic cable into single channels",
        aliases: &["poly to mono"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[port("in", "A cable with up to 16 channels")],
        outputs: &rows![channel("out-", 1..=16)],
        params: &[Param::switch(
            "repeat",
            false,
            "A cable with one channel goes to every output, such as a clock that all voices follow",
        )],
        role: Some(Role::Split),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = block.input(IN);
        let is_repeated = block.is_on(REPEAT) && input.channels() == 1;
        for channel in 0..CHANNELS {
            let from = if is_repeated { 0 } else { channel };
            let is_there = from < input.channels();
            for frame in block.frames() {
                let volts = if is_there { input.at(from, frame) } else { 0.0 };
                block.output(channel).put(0, frame, volts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn each_channel_comes_out_alone_and_there_are_no_more() {
        let mut rig = Rig::new::<Split>(48_000.0);
        rig.feed_channels("in", 11, |channel, frame| 1.0 + channel as f32 + 100.0 * frame as f32);
        let out = rig.run(32);
        let volts = |port: &str| (out.channels(port), out.channel(port, 0)[3]);
        assert_eq!(["out-1", "out-11", "out-12"].map(volts), [(1, 301.0), (1, 311.0), (1, 0.0)]);
        let out = rig.feed("in", |_, _| 7.0).run(1);
        assert_eq!(["out-1", "out-2"].map(|port| out.channel(port, 0)[0]), [7.0, 0.0]);
        let out = rig.choose("repeat", "on").run(1);
        assert_eq!(["out-1", "out-16"].map(|port| out.channel(port, 0)[0]), [7.0, 7.0]);
        let out = rig.feed_channels("in", 2, |channel, _| channel as f32).run(1);
        assert_eq!(["out-2", "out-3"].map(|port| out.channel(port, 0)[0]), [1.0, 0.0]);
    }
}
