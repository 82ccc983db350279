//! OSC Out: eight voltages to other programs and machines.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::schmitt::Schmitt;

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, OSC_VALUES, Role, Tag, port};
use crate::param::{Param, Unit};

const VALUES: usize = OSC_VALUES;

const RATE: usize = 0;

/// Rises are counted up to here, and then from 0: an f32 counts no further.
const MOST_RISES: u32 = 1 << 24;

/// How often each input has risen, as a gate.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct OscOut {
    gates: [Schmitt; VALUES],
    rises: [u32; VALUES],
}

impl Module for OscOut {
    const ABOUT: &'static About = &About {
        name: "osc-out",
        title: "OSC Out",
        summary: "Sends eight voltages over OSC, to the address in its text: 127.0.0.1:9001/synth",
        tags: &[Tag::Utility, Tag::Output],
        inputs: &[
            port("value-1", "Sent as PREFIX/1, in volts. A rising gate is sent at once"),
            port("value-2", "Sent as PREFIX/2, in volts"),
            port("value-3", "Sent as PREFIX/3, in volts"),
            port("value-4", "Sent as PREFIX/4, in volts"),
            port("value-5", "Sent as PREFIX/5, in volts"),
            port("value-6", "Sent as PREFIX/6, in volts"),
            port("value-7", "Sent as PREFIX/7, in volts"),
            port("value-8", "Sent as PREFIX/8, in volts"),
        ],
        params: &[Param::log(
            "rate",
            1.0..=200.0,
            30.0,
            Unit::Hz,
            "The highest rate at which changes are sent; gates are sent as they switch on and off",
        )],
        // See `Role::OscOut`.
        display: 3 * VALUES + 1,
        text: Some(Text::Words),
        role: Some(Role::OscOut),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        for value in 0..VALUES {
            let input = block.input(value);
            let mut last = 0.0;
            for frame in block.frames() {
                last = input.at(0, frame);
                if self.gates[value].rises(last) {
                    self.rises[value] = (self.rises[value] + 1) % MOST_RISES;
                }
            }
            block.show(value, last);
            block.show(VALUES + value, self.rises[value] as f32);
            block.show(2 * VALUES + value, if self.gates[value].is_on() { 10.0 } else { 0.0 });
        }
        block.show(3 * VALUES, block.param(RATE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn it_shows_where_its_inputs_are_and_how_often_they_rose() {
        let mut rig = Rig::new::<OscOut>(1000.0);
        rig.feed("value-1", |_, frame| if frame % 100 < 10 { 10.0 } else { 0.0 });
        rig.feed("value-8", |_, frame| frame as f32 / 1000.0);
        rig.run(505);
        let shown = rig.display();
        assert_eq!((shown[0], shown[7]), (10.0, 0.504));
        assert_eq!((shown[8], shown[15]), (6.0, 0.0));
        assert_eq!((shown[16], shown[23], shown[24]), (10.0, 0.0, 30.0));
    }
}
