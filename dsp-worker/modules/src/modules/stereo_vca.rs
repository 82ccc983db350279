//! Stereo VCA: level and place in the stereo field, by voltages.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::crossfade::Crossfade;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::swell;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::stereo_in;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const CV: usize = 2;
const PAN_IN: usize = 3;

const LEVEL: usize = 0;
const CV_AMOUNT: usize = 1;
const RESPONSE: usize = 2;
const PAN: usize = 3;
const PAN_AMOUNT: usize = 4;

/// Between the two responses, so that the choice does not click.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct StereoVca {
    response: Crossfade,
}

impl Module for StereoVca {
    const ABOUT: &'static About = &About {
        name: "stereo-vca",
        title: "Stereo VCA",
        summary: "Level and pan by CV: spreads the voices of a chord, or auto-pans",
        aliases: &["pan", "panner", "auto-pan"],
        tags: &[Tag::Dynamics, Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("left", "Left input, audio or CV"),
            stereo_in::RIGHT,
            port("cv", "0 V is silence and 10 V is fully open. Unpatched: fully open").moves(
                "level",
                Some("cv-amount"),
                By::ShareOfTenVolts,
            ),
            port("pan", "Pan CV: with pan-amount at 2, from -5 V, left, to 5 V, right").moves(
                "pan",
                Some("pan-amount"),
                By::TenthPerVolt,
            ),
        ],
        outputs: &[port("left", "Left output"), port("right", "Right output")],
        params: &[
            Param::linear("level", 0.0..=1.0, 1.0, Unit::Fraction, "The gain when fully open")
                .steady(),
            Param::linear(
                "cv-amount",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "Depth of the CV: at 1, 0 V is silence; at 0, the CV has no effect",
            ),
            Param::choice(
                "response",
                &["linear", "exponential"],
                0,
                "How the gain follows the CV: linear, or exponential over 60 dB",
            ),
            Param::linear(
                "pan",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "From left, -1, to right, 1, at equal power. The centre is unchanged; fully to one \
                 side, that side is 3 dB louder",
            ),
            Param::linear(
                "pan-amount",
                -2.0..=2.0,
                2.0,
                Unit::None,
                "Depth of the pan CV: at 2, 5 V moves from the centre to one side",
            )
            .labelled("pan amt"),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        if block.starts_quantum() {
            self.response.turn(block.choice(RESPONSE));
        }
        let inputs = [LEFT, RIGHT, CV, PAN_IN];
        let channels = inputs.iter().map(|&port| block.input(port).channels()).fold(1, usize::max);
        block.set_channels(channels);
        let mut knobs = Knobs {
            level: block.ramp(LEVEL).frames(),
            amount: block.ramp(CV_AMOUNT).frames(),
            blend: [self.response.now() as f32; QUANTUM],
            pan: block.ramp(PAN).frames(),
            pan_amount: block.ramp(PAN_AMOUNT).frames(),
        };
        if let Some((before, way)) = self.response.before() {
            for (blend, way) in knobs.blend.iter_mut().zip(way.frames()) {
                *blend = before as f32 + (*blend - before as f32) * way;
            }
        }
        each_group!(channels, |L, group| pan::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    level: [f32; QUANTUM],
    amount: [f32; QUANTUM],
    /// From the linear response to the exponential.
    blend: [f32; QUANTUM],
    pan: [f32; QUANTUM],
    pan_amount: [f32; QUANTUM],
}

#[inline(always)]
fn pan<L: Lane>(block: &mut Block, group: usize, knobs: &Knobs) {
    let c = L::splat;
    let [left, right, cv, pan_in] = [LEFT, RIGHT, CV, PAN_IN].map(|port| block.input(port));
    let right = if right.is_patched() { right } else { left };
    let frames = block.frames();
    let [left_out, right_out] = block.outputs::<2>();
    for frame in frames {
        let mut gain = c(knobs.level[frame]);
        if cv.is_patched() {
            let closed = c(1.0) - cv.get::<L>(group, frame) * c(0.1);
            let open = c(1.0) - closed.clamp(0.0, 1.0) * c(knobs.amount[frame]);
            gain = gain * swell(open, c(knobs.blend[frame]));
        }
        let moved = pan_in.get::<L>(group, frame) * c(0.1 * knobs.pan_amount[frame]);
        let place = (moved + c(knobs.pan[frame])).clamp(-1.0, 1.0);
        let gain = gain * c(std::f32::consts::SQRT_2);
        let to_left = sine_of_triangle((c(1.0) - place) * c(0.5));
        let to_right = sine_of_triangle((c(1.0) + place) * c(0.5));
        left_out.put(group, frame, left.get::<L>(group, frame) * gain * to_left);
        right_out.put(group, frame, right.get::<L>(group, frame) * gain * to_right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn out(set: impl Fn(&mut Rig)) -> [f32; 2] {
        let mut rig = Rig::new::<StereoVca>(48_000.0);
        rig.feed("left", |_, _| 4.0);
        set(&mut rig);
        let out = rig.run(1);
        ["left", "right"].map(|side| out.channel(side, 0)[0])
    }

    fn assert_near(found: [f32; 2], left: f32, right: f32) {
        let is_near = (found[0] - left).abs() < 2e-6 && (found[1] - right).abs() < 2e-6;
        assert!(is_near, "{found:?}, not {left} and {right}");
    }

    #[test]
    fn it_pans_at_equal_power() {
        assert_near(out(|_| ()), 4.0, 4.0);
        let full = 4.0 * 2f32.sqrt();
        assert_near(out(|rig| _ = rig.set("pan", -1.0)), full, 0.0);
        assert_near(out(|rig| _ = rig.feed("pan", |_, _| 5.0)), 0.0, full);
        let [left, right] = out(|rig| _ = rig.set("pan", 0.37));
        assert!((left * left + right * right - 32.0).abs() < 1e-4);
    }

    #[test]
    fn the_cv_opens_both_sides_as_a_vca_does() {
        let half = |rig: &mut Rig| _ = rig.feed("cv", |_, _| 5.0).feed("right", |_, _| -2.0);
        assert_near(out(half), 2.0, -1.0);
        let [left, _] = out(|rig| {
            rig.choose("response", "exponential").feed("cv", |_, _| 9.0);
        });
        assert!((left - 4.0 * 511.0 / 1023.0).abs() < 1e-4, "{left}");
    }

    #[test]
    fn each_voice_has_its_own_place() {
        let mut rig = Rig::new::<StereoVca>(48_000.0);
        rig.feed("left", |_, _| 1.0);
        rig.feed_channels("pan", 11, |channel, _| channel as f32 - 5.0);
        let out = rig.run(40);
        assert_eq!(out.channels("right"), 11);
        for channel in 0..11 {
            let turns = channel as f32 / 40.0;
            let expected = 2f32.sqrt() * (std::f32::consts::TAU * turns).sin();
            assert!((out.channel("right", channel)[39] - expected).abs() < 1e-5);
            let mirrored = out.channel("left", 10 - channel)[39];
            assert!((mirrored - expected).abs() < 1e-5);
        }
    }
}
