//! XY Pad: one finger, two voltages.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::{AUDIO_VOLTS, GATE_VOLTS};
use sostenuto_dsp::{hush, lag};

use crate::Module;
use crate::module::{About, Block, Screen, Tag, port};
use crate::param::{Param, Unit};

const X: usize = 0;
const Y: usize = 1;
const GATE: usize = 2;

const TOUCH: usize = 2;
const RANGE: usize = 3;
const SLEW: usize = 4;

const BIPOLAR: usize = 1;

/// Where the voltages are on their way to the finger, 0 to 1.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct XyPad {
    place: [f32; 2],
    has_started: u32,
}

impl Module for XyPad {
    const ABOUT: &'static About = &About {
        name: "xy-pad",
        title: "XY Pad",
        summary: "A touch pad for one finger: horizontal and vertical voltages, and a gate",
        aliases: &["touch", "joystick"],
        tags: &[Tag::Play, Tag::Modulator],
        outputs: &[
            port("x", "The horizontal position, 0 to 10 V or ±5 V; it stays on release"),
            port("y", "The vertical position, 0 to 10 V or ±5 V; it stays on release"),
            port("gate", "10 V while the pad is touched"),
        ],
        params: &[
            Param::linear(
                "x",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "Horizontal position: 0 is left, 1 is right",
            ),
            Param::linear(
                "y",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "Vertical position: 0 is the bottom, 1 the top",
            ),
            Param::switch("touch", false, "Whether the pad is touched").held(),
            Param::choice(
                "range",
                &["unipolar", "bipolar"],
                0,
                "Unipolar is 0 to 10 V, bipolar is ±5 V",
            ),
            Param::linear(
                "slew",
                0.0..=5.0,
                0.0,
                Unit::Secs,
                "The time to glide to a new position, to within 1 %",
            ),
        ],
        screen: Some(Screen::XyPad),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let lag = lag(block.param(SLEW), block.sample_rate_hz);
        let bottom = if block.choice(RANGE) == BIPOLAR { -AUDIO_VOLTS } else { 0.0 };
        let gate = if block.is_on(TOUCH) { GATE_VOLTS } else { 0.0 };
        let finger = [block.ramp(X), block.ramp(Y)];
        for frame in block.frames() {
            for side in [X, Y] {
                let goal = finger[side].at(frame);
                let left = if self.has_started != 0 { goal - self.place[side] } else { 0.0 };
                self.place[side] = goal - hush(left * lag);
                block.output(side).put(0, frame, bottom + GATE_VOLTS * self.place[side]);
            }
            self.has_started = 1;
            block.output(GATE).put(0, frame, gate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn a_place_is_two_voltages_and_a_touch_a_gate() {
        let mut rig = Rig::new::<XyPad>(48_000.0);
        let out = rig.set("x", 0.25).set("y", 1.0).set("touch", 1.0).run(32);
        assert_eq!(out.channel("x", 0), [2.5; 32]);
        assert_eq!(out.channel("y", 0), [10.0; 32]);
        assert_eq!(out.channel("gate", 0), [10.0; 32]);
        let out = rig.set("touch", 0.0).choose("range", "bipolar").run(32);
        assert_eq!(out.channel("x", 0), [-2.5; 32]);
        assert_eq!(out.channel("y", 0), [5.0; 32]);
        assert_eq!(out.channel("gate", 0), [0.0; 32]);
    }

    #[test]
    fn slew_takes_its_time() {
        let mut rig = Rig::new::<XyPad>(48_000.0);
        rig.set("x", 0.0).set("slew", 1.0).run(32);
        let out = rig.set("x", 1.0).run(96_000);
        let x = out.channel("x", 0);
        assert!((x[24_000] - 9.0).abs() < 0.1, "{}", x[24_000]);
        assert!((x[48_000] - 9.9).abs() < 0.01, "{}", x[48_000]);
        assert!(x.windows(2).all(|pair| pair[1] >= pair[0]));
    }
}
