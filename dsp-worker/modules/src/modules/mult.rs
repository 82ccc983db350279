//! Mult: one cable into many, twice over.

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::module::{About, Block, Port, Tag, port};
use crate::parts::rows::rows;

const A: usize = 0;
const B: usize = 1;
/// Outputs of each half.
const COPIES: usize = 4;

/// Remembers nothing: a cable goes straight through.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Mult {}

const fn copy_of_a(name: &'static str) -> Port {
    port(name, "A copy of a, with all its channels")
}

const fn copy_of_b(name: &'static str) -> Port {
    port(name, "A copy of b, with all its channels. With b unpatched: a copy of a")
}

impl Module for Mult {
    const ABOUT: &'static About = &About {
        name: "mult",
        title: "Mult",
        summary: "Copies one signal to eight outputs, or two signals to four each",
        aliases: &["multiple", "split", "copy", "splitter"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("a", "The signal to copy"),
            port("b", "Second signal, for the b outputs. Unpatched: a"),
        ],
        outputs: &rows![copy_of_a("a-", 1..=4), copy_of_b("b-", 1..=4)],
        bypass: &[(A, 0), (A, 1), (A, 2), (A, 3), (B, 4), (B, 5), (B, 6), (B, 7)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let a = block.input(A);
        let b = if block.input(B).is_patched() { block.input(B) } else { a };
        let frames = block.frames();
        for copy in 0..COPIES {
            block.output(copy).copy_frames(a, frames.clone());
            block.output(COPIES + copy).copy_frames(b, frames.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn one_signal_comes_out_eight_times_and_two_four_times_each() {
        let mut rig = Rig::new::<Mult>(48_000.0);
        rig.feed_channels("a", 11, |channel, frame| channel as f32 + 0.1 * frame as f32);
        let out = rig.run(32);
        for name in ["a-1", "a-4", "b-1", "b-4"] {
            assert_eq!(out.channels(name), 11);
            assert_eq!(out.channel(name, 9)[20], 11.0);
        }
        let out = rig.feed("b", |_, _| -3.0).run(32);
        assert_eq!(out.channel("a-4", 9)[0], 12.2);
        // Its other channels fade for 5 ms.
        rig.run(320);
        let out = rig.run(32);
        assert_eq!((out.channels("b-1"), out.channel("b-4", 0)), (1, &[-3.0; 32][..]));
    }
}
