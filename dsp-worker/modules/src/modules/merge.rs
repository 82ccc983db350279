//! Merge: up to sixteen cables together in one polyphonic cable.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::CHANNELS;

use crate::Module;
use crate::module::{About, Block, Port, Role, Tag, port};
use crate::param::Param;
use crate::parts::rows::rows;

const OUT: usize = 0;
const CHANNEL_COUNT: usize = 0;

/// Remembers nothing.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Merge {}

const fn channel(name: &'static str) -> Port {
    port(name, "The channel of this number. Of a polyphonic cable, only the first channel counts")
}

impl Module for Merge {
    const ABOUT: &'static About = &About {
        name: "merge",
        title: "Merge",
        summary: "Combines up to sixteen signals on one polyphonic cable, such as the voices of a patch",
        aliases: &["mono to poly"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &rows![channel("in-", 1..=16)],
        outputs: &[port("out", "All signals, one per channel")],
        params: &[Param::steps(
            "channels",
            0.0..=16.0,
            0.0,
            "The number of channels; 0 follows the last patched input",
        )],
        role: Some(Role::Merge),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let last = (0..CHANNELS).rev().find(|&port| block.input(port).is_patched());
        let patched = last.map_or(1, |port| port + 1);
        let set = block.choice(CHANNEL_COUNT);
        let channels = if set == 0 { patched } else { set.min(CHANNELS) };
        block.set_channels(channels);
        for channel in 0..channels {
            let input = block.input(channel);
            for frame in block.frames() {
                block.output(OUT).set(channel, frame, input.at(0, frame));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn each_cable_is_a_channel_up_to_the_last_or_as_many_as_are_asked_for() {
        let mut rig = Rig::new::<Merge>(48_000.0);
        rig.feed("in-1", |_, _| 1.0).feed_channels("in-11", 3, |channel, _| 11.0 + channel as f32);
        let out = rig.run(32);
        assert_eq!(out.channels("out"), 11);
        assert_eq!([0, 1, 10].map(|channel| out.channel("out", channel)[31]), [1.0, 0.0, 11.0]);
        // The others fade for 5 ms.
        rig.set("channels", 4.0).run(320);
        assert_eq!(rig.run(32).channels("out"), 4);
        assert_eq!(rig.set("channels", 16.0).run(32).channels("out"), 16);
    }
}
