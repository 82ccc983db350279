//! Compressor: makes loud and quiet alike, or ducks one sound under another.
//!
//! A feed-forward compressor whose gain is computed and smoothed in decibels, as
//! Giannoulis, Massberg and Reiss recommend ("Digital Dynamic Range Compressor
//! Design", JAES 60(6), 2012): soft knee, and the smooth decoupled detector of
//! their equation 17, on the computed reduction, so that it neither drags nor
//! distorts.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::coefficient_of_secs;
use sostenuto_dsp::units::FULL_SCALE_VOLTS;
use sostenuto_dsp::{db_from_gain, dry_wet, gain_from_db, hush, reduction_db};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const SIDECHAIN: usize = 2;
const MIX_IN: usize = 3;
const REDUCTION: usize = 2;

const THRESHOLD: usize = 0;
const RATIO: usize = 1;
const ATTACK: usize = 2;
const RELEASE: usize = 3;
const KNEE: usize = 4;
const DETECTOR: usize = 5;
const MAKEUP: usize = 6;
const MIX: usize = 7;

const RMS: usize = 1;
/// What the RMS detector averages over.
const MEAN_SECS: f32 = 0.01;
/// 10 V of the reduction output.
const DB_PER_VOLT: f32 = 6.0;

/// All that a compressor remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Compressor {
    mean_square: f32,
    /// The reduction with its release, and behind it with its attack too.
    released_db: f32,
    reduction_db: f32,
}

impl Module for Compressor {
    const ABOUT: &'static About = &About {
        name: "compressor",
        title: "Compressor",
        short: "Comp",
        summary: "Evens out levels, glues a mix together, or ducks it under a kick drum",
        aliases: &["sidechain", "ducking"],
        tags: &[Tag::Dynamics, Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port(
                "sidechain",
                "The signal that controls the compressor. Unpatched: the louder of left and right",
            ),
            port("mix", "Mix CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "Left signal, compressed"),
            port("right", "Right signal, compressed"),
            port("reduction", "Gain reduction, 1 V per 6 dB, to duck other signals too").control(),
        ],
        params: &[
            Param::linear(
                "threshold",
                -60.0..=0.0,
                -18.0,
                Unit::Db,
                "The level above which it compresses. 0 dB is full scale, 10 V; a ±5 V wave is at \
                 -6 dB",
            ),
            Param::log(
                "ratio",
                1.0..=30.0,
                4.0,
                Unit::None,
                "Compression ratio: how many dB above the threshold become 1 dB",
            ),
            Param::log(
                "attack",
                1e-4..=0.2,
                0.01,
                Unit::Secs,
                "How fast the gain falls: the time for 63 % of the change",
            ),
            Param::log(
                "release",
                0.01..=3.0,
                0.15,
                Unit::Secs,
                "How fast the gain recovers: the time for 63 % of the change",
            ),
            Param::linear(
                "knee",
                0.0..=24.0,
                6.0,
                Unit::Db,
                "The range around the threshold, in dB, over which compression sets in",
            ),
            Param::choice(
                "detector",
                &["peak", "rms"],
                0,
                "Measures peaks, or the average level of the last 10 ms. Both agree on a sine",
            ),
            Param::linear("makeup", 0.0..=36.0, 0.0, Unit::Db, "Gain after the compression"),
            mix(1.0),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // The reduction, and the level that it hears, both in dB.
        display: 2,
        screen: Some(Screen::Curve(Curve::Compressor)),
        face: &[Part::Row(&[
            Part::Screen,
            Part::Param("threshold"),
            Part::Param("knee"),
            Part::Param("makeup"),
        ])],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            *self = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let (sidechain, mix_in) = (block.input(SIDECHAIN), block.input(MIX_IN));
        let rate_hz = block.sample_rate_hz;
        let attack = coefficient_of_secs(block.param(ATTACK), rate_hz);
        let release = coefficient_of_secs(block.param(RELEASE), rate_hz);
        let mean = coefficient_of_secs(MEAN_SECS, rate_hz);
        let [threshold, ratio, knee, makeup, mix] =
            [THRESHOLD, RATIO, KNEE, MAKEUP, MIX].map(|param| block.ramp(param));
        let is_rms = block.choice(DETECTOR) == RMS;
        let mut level_db = 0.0;
        for frame in block.frames() {
            let volts = [input.at(LEFT, frame), input.at(RIGHT, frame)];
            let heard = if sidechain.is_patched() {
                sidechain.sum(frame).abs().min(1e4)
            } else {
                volts[LEFT].abs().max(volts[RIGHT].abs())
            } * (1.0 / FULL_SCALE_VOLTS);
            // Twice the mean square of a sine is the square of its peak.
            self.mean_square =
                hush(self.mean_square + mean * (2.0 * heard * heard - self.mean_square));
            level_db = db_from_gain(if is_rms { self.mean_square.sqrt() } else { heard });

            let over_db = level_db - threshold.at(frame);
            let wanted_db = reduction_db(over_db, ratio.at(frame), knee.at(frame));
            let sinking = self.released_db + release * (wanted_db - self.released_db);
            self.released_db = hush(sinking.max(wanted_db));
            let way_db = self.released_db - self.reduction_db;
            self.reduction_db = hush(self.reduction_db + attack * way_db);

            let gain = gain_from_db(makeup.at(frame) - self.reduction_db);
            let mix = (mix.at(frame) + 0.1 * mix_in.at(0, frame)).clamp(0.0, 1.0);
            let (dry, wet) = dry_wet(mix);
            for side in [LEFT, RIGHT] {
                block.output(side).put(0, frame, volts[side] * (dry + wet * gain));
            }
            block.output(REDUCTION).put(0, frame, self.reduction_db * (1.0 / DB_PER_VOLT));
        }
        block.show(0, self.reduction_db);
        block.show(1, level_db);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// Without a knee, so that figures can be checked in the head.
    fn hard(peak_volts: f32) -> Rig {
        let mut rig = Rig::new::<Compressor>(48_000.0);
        rig.set("knee", 0.0).set("threshold", -20.0).set("ratio", 4.0);
        rig.feed("left", move |_, frame| if frame % 2 == 0 { peak_volts } else { -peak_volts });
        rig
    }

    fn level_db(volts: f32) -> f32 {
        20.0 * (volts.abs() / 10.0).log10()
    }

    #[test]
    fn twenty_db_above_the_threshold_become_five() {
        let mut rig = hard(10.0);
        let out = rig.run(48_000);
        assert!((level_db(out.main()[47_999]) + 15.0).abs() < 0.01);
        assert!((rig.display()[0] - 15.0).abs() < 0.01);
        assert!((out.channel("reduction", 0)[47_999] - 2.5).abs() < 0.01);
        assert!((level_db(hard(0.5).run(48_000).main()[47_999]) - level_db(0.5)).abs() < 1e-4);
    }

    #[test]
    fn the_knee_is_half_way_in_at_the_threshold() {
        // At the threshold (1 - 1/4) · 12 dB / 8, as their equation 4 has it.
        let out = hard(1.0).set("knee", 12.0).run(48_000);
        assert!((level_db(out.main()[47_999]) + 20.0 + 1.125).abs() < 0.01);
    }

    #[test]
    fn attack_and_release_go_63_percent_in_their_time() {
        let mut rig = Rig::new::<Compressor>(48_000.0);
        rig.set("knee", 0.0).set("threshold", -20.0).set("ratio", 4.0);
        rig.set("attack", 0.01).set("release", 0.1);
        rig.feed("left", |_, frame| if frame < 48_000 { 10.0 } else { 0.0 });
        let out = rig.run(96_000);
        let volts = out.channel("reduction", 0);
        assert!((volts[480] / 2.5 - 0.632).abs() < 0.005, "{}", volts[480]);
        // The release passes through the attack too.
        let left = volts[48_000 + 4800 + 480] / 2.5;
        assert!((left - 0.368).abs() < 0.01, "{left}");
    }

    #[test]
    fn a_sidechain_ducks_what_does_not_hear_itself() {
        let mut rig = Rig::new::<Compressor>(48_000.0);
        rig.set("threshold", -40.0).set("ratio", 30.0);
        rig.feed("left", |_, _| 8.0).feed("right", |_, _| 2.0);
        rig.feed("sidechain", |_, frame| if frame < 24_000 { 0.0 } else { 10.0 });
        let out = rig.run(48_000);
        assert_eq!([out.channel("left", 0)[23_999], out.channel("right", 0)[23_999]], [8.0, 2.0]);
        let [left, right] = ["left", "right"].map(|side| out.channel(side, 0)[47_999]);
        assert!((level_db(left / 8.0 * 10.0) + 38.67).abs() < 0.05, "{left}");
        assert!((left / right - 4.0).abs() < 1e-3);
    }

    #[test]
    fn peak_and_rms_agree_on_a_sine() {
        let settled = |detector: &str| {
            let mut rig = Rig::new::<Compressor>(48_000.0);
            rig.choose("detector", detector).set("attack", 0.05).set("release", 2.0);
            rig.feed("left", |_, n| 10.0 * (std::f32::consts::TAU * (n % 48) as f32 / 48.0).sin());
            rig.run(96_000);
            rig.display()[0]
        };
        assert!((settled("peak") - settled("rms")).abs() < 0.3);
        assert!((settled("rms") - 13.5).abs() < 0.1, "{}", settled("rms"));
    }
}
