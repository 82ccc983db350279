//! Code: a module of one's own.

use std::ops::Range;

use sostenuto_dsp::rate_change::RateChange;

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Port, Tag, port};
pub use crate::own::Code;
use crate::own::{OWN_PARAMS, OWN_PORTS};
use crate::param::{Param, Unit};

/// Wider than any: the text of each module says which range it is.
const fn knob(name: &'static str) -> Param {
    Param::linear(name, -1e6..=1e6, 0.0, Unit::None, "A knob of the module's own")
}

const fn input(name: &'static str) -> Port {
    port(name, "An input of the module's own")
}

const fn output(name: &'static str) -> Port {
    port(name, "An output of the module's own").control()
}

impl Module for Code {
    /// Its text says what it has.
    const ABOUT: &'static About = &About {
        name: Code::NAME,
        title: "Code",
        summary: "A module of your own, written in C, Rust or whatever makes WebAssembly",
        aliases: &["script", "wasm", "own module", "programming", "sdk", "faust"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        text: Some(Text::Code),
        ..About::BLANK
    };

    const ROOM: &'static About = &About {
        name: Code::NAME,
        inputs: &[
            input("in-1"),
            input("in-2"),
            input("in-3"),
            input("in-4"),
            input("in-5"),
            input("in-6"),
            input("in-7"),
            input("in-8"),
        ],
        outputs: &[
            output("out-1"),
            output("out-2"),
            output("out-3"),
            output("out-4"),
            output("out-5"),
            output("out-6"),
            output("out-7"),
            output("out-8"),
        ],
        params: &[
            knob("knob-1"),
            knob("knob-2"),
            knob("knob-3"),
            knob("knob-4"),
            knob("knob-5"),
            knob("knob-6"),
            knob("knob-7"),
            knob("knob-8"),
            knob("knob-9"),
            knob("knob-10"),
            knob("knob-11"),
            knob("knob-12"),
            knob("knob-13"),
            knob("knob-14"),
            knob("knob-15"),
            knob("knob-16"),
        ],
        bypass: &[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.seed = seed;
    }

    fn change_rate(&mut self, _change: &RateChange) {
        // The clock counts other frames from now on.
        self.next = 0;
    }

    fn forget(&mut self, channels: Range<usize>) {
        channels.for_each(|channel| self.forgotten |= 1 << channel);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let runs = if block.clip().is_empty() { None } else { block.runs.take() };
        match runs {
            Some(mut runs) => {
                runs.run(bytemuck::bytes_of_mut(self), block);
                *block.runs = Some(runs);
            }
            None => {
                block.set_channels(1);
                (0..OWN_PORTS).for_each(|output| block.mute(output));
            }
        }
    }
}

const _: () = assert!(Code::ROOM.inputs.len() == OWN_PORTS);
const _: () = assert!(Code::ROOM.outputs.len() == OWN_PORTS);
const _: () = assert!(Code::ROOM.params.len() == OWN_PARAMS);
