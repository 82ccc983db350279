//! Math Expression: whatever can be reckoned from four inputs, three knobs and
//! the time.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::formula::{self, Names, Stack};
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};

const INPUTS: usize = 4;
const OUT: usize = 0;
const PARAMS: usize = 3;
/// Index of the time among a formula's names.
const TIME: usize = INPUTS + PARAMS;

/// What comes out at most: a formula is easily off by some powers of ten.
const MOST_VOLTS: f64 = 100.0;

/// Remembers nothing.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Math {}

const fn knob(name: &'static str) -> Param {
    Param::linear(name, -10.0..=10.0, 0.0, Unit::None, "A knob for use in the formula")
}

impl Module for Math {
    const ABOUT: &'static About = &About {
        name: "math",
        title: "Math Expression",
        short: "Math",
        summary: "Computes its output from your formula, such as if(a > 1, b, tanh(x * c))",
        aliases: &["formula", "expression", "function"],
        tags: &[Tag::Utility, Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("a", "Variable a of the formula, in volts"),
            port("b", "Variable b of the formula, in volts"),
            port("c", "Variable c of the formula, in volts"),
            port("d", "Variable d of the formula, in volts"),
        ],
        outputs: &[port(
            "out",
            "The result of the formula, in volts, up to ±100 V, on as many channels as the first \
             patched input; 0 V without a formula or a result",
        )],
        params: &[knob("x"), knob("y"), knob("z")],
        bypass: &[(0, 0)],
        text: Some(Text::Formula),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[0, 1, 2, 3]);
        let (code, frames) = (block.clip().samples, block.frames());
        let mut names: Names = [[0.0; QUANTUM]; formula::NAMES.len()];
        for param in 0..PARAMS {
            let ramp = block.ramp(param);
            for frame in frames.clone() {
                names[INPUTS + param][frame] = f64::from(ramp.at(frame));
            }
        }
        for frame in frames.clone() {
            let now = (block.frame + frame as u64) as f64;
            names[TIME][frame] = now / f64::from(block.sample_rate_hz);
        }
        let mut stack = Stack::default();
        for channel in 0..channels {
            for (input, volts) in names.iter_mut().take(INPUTS).enumerate() {
                let signal = block.input(input);
                for frame in frames.clone() {
                    volts[frame] = f64::from(signal.at(channel, frame));
                }
            }
            let row = formula::run(code, &names, frames.clone(), &mut stack);
            let output = block.output(OUT);
            for frame in frames.clone() {
                output.set(channel, frame, row[frame].clamp(-MOST_VOLTS, MOST_VOLTS) as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn rig(formula: &str) -> Rig {
        let mut rig = Rig::new::<Math>(1000.0);
        rig.clip(formula::compile(formula).unwrap(), 1, 0.0);
        rig
    }

    #[test]
    fn it_reckons_channel_by_channel() {
        let mut rig = rig("a * x + b - y");
        rig.set("x", 0.5).set("y", 1.0);
        rig.feed_channels("a", 3, |channel, frame| channel as f32 + frame as f32);
        rig.feed("b", |_, _| 2.0);
        let out = rig.run(100);
        assert_eq!(out.channels("out"), 3);
        assert_eq!(out.channel("out", 2)[..3], [2.0, 2.5, 3.0]);
    }

    #[test]
    fn the_time_goes_on_in_seconds() {
        let out = rig("t").run(2000);
        assert_eq!([out.main()[0], out.main()[500], out.main()[1999]], [0.0, 0.5, 1.999]);
    }

    #[test]
    fn another_formula_is_heard_at_once_and_none_is_silent() {
        let mut rig = rig("3");
        assert_eq!(rig.run(40).main()[39], 3.0);
        rig.clip(formula::compile("c < 0 or 7").unwrap(), 1, 0.0);
        assert_eq!(rig.run(40).main()[0], 1.0);
        rig.clip([], 0, 0.0);
        assert_eq!(rig.run(40).main(), [0.0; 40]);
    }

    #[test]
    fn what_is_too_large_is_cut_off() {
        assert_eq!(rig("0 - 10 ^ 30").run(10).main(), [-100.0; 10]);
        assert_eq!(rig("1 / a").run(10).main(), [0.0; 10]);
    }
}
