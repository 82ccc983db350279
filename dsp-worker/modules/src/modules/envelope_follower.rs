//! Envelope follower: how loud a sound is, as a voltage.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::crossfade::Crossfade;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::one_pole::coefficient_of_secs;
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS, QUANTUM};
use sostenuto_dsp::{gain_from_db, hush};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;

const LEVEL: usize = 0;
const ATTACK: usize = 1;
const RELEASE: usize = 2;
const DETECTOR: usize = 3;
const THRESHOLD: usize = 4;

const RMS: usize = 1;
/// What the RMS detector averages over, before attack and release.
const MEAN_SECS: f32 = 0.02;
/// Once it is on, the gate stays on down to here: 3 dB below the threshold.
const STAYS_ON: f32 = 0.707_945_8;

/// Sixteen followers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct EnvelopeFollower {
    detector: Crossfade,
    mean_square: [f32; CHANNELS],
    volts: [f32; CHANNELS],
    /// 1 while the gate is on.
    is_on: [f32; CHANNELS],
}

impl Module for EnvelopeFollower {
    const ABOUT: &'static About = &About {
        name: "envelope-follower",
        title: "Envelope Follower",
        short: "Follower",
        summary: "Turns the loudness of a sound into a voltage and a gate: auto-wah, ducking, triggers",
        aliases: &["auto-wah"],
        tags: &[Tag::Modulator, Tag::Dynamics, Tag::Polyphonic],
        inputs: &[port("in", "The sound to follow")],
        outputs: &[
            port("envelope", "The loudness, 0 to 10 V"),
            port("inverse", "10 V minus the envelope, for ducking"),
            port("gate", "10 V while the envelope is above the threshold"),
        ],
        params: &[
            Param::linear(
                "level",
                -12.0..=36.0,
                6.0,
                Unit::Db,
                "Input gain; at 6 dB, a ±5 V wave gives 10 V",
            ),
            Param::log(
                "attack",
                1e-4..=1.0,
                2e-3,
                Unit::Secs,
                "How fast the envelope rises: the time for 63 % of the change",
            ),
            Param::log(
                "release",
                1e-3..=5.0,
                0.15,
                Unit::Secs,
                "How fast the envelope falls: the time for 63 % of the change",
            ),
            Param::choice(
                "detector",
                &["peak", "rms"],
                0,
                "Follows peaks, or the average level of the last 20 ms. Both agree on a sine",
            ),
            Param::linear(
                "threshold",
                0.05..=10.0,
                2.0,
                Unit::Volts,
                "The gate switches on above this level of the envelope, and off 3 dB below",
            ),
        ],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.mean_square, &channels);
        clear(&mut self.volts, &channels);
        clear(&mut self.is_on, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        if block.starts_quantum() {
            self.detector.turn(block.choice(DETECTOR));
        }
        let mut knobs = Knobs {
            gain: [0.0; QUANTUM],
            rms: [(self.detector.now() == RMS) as u32 as f32; QUANTUM],
            threshold: block.ramp(THRESHOLD).frames(),
            attack: coefficient_of_secs(block.param(ATTACK), block.sample_rate_hz),
            release: coefficient_of_secs(block.param(RELEASE), block.sample_rate_hz),
            mean: coefficient_of_secs(MEAN_SECS, block.sample_rate_hz),
        };
        let level_db = block.ramp(LEVEL);
        for frame in block.frames() {
            knobs.gain[frame] = gain_from_db(level_db.at(frame));
            if let Some((before, way)) = self.detector.before() {
                let before = (before == RMS) as u32 as f32;
                knobs.rms[frame] = before + (knobs.rms[frame] - before) * way.at(frame);
            }
        }
        each_group!(channels, |L, group| self.follow::<L>(block, group, &knobs));
    }
}

/// What all channels share.
struct Knobs {
    gain: [f32; QUANTUM],
    /// From the peak detector, 0, to the other, 1.
    rms: [f32; QUANTUM],
    threshold: [f32; QUANTUM],
    attack: f32,
    release: f32,
    mean: f32,
}

impl EnvelopeFollower {
    #[inline(always)]
    fn follow<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let c = L::splat;
        let input = block.input(IN);
        let frames = block.frames();
        let [envelope, inverse, gate] = block.outputs::<3>();

        let mut square = L::load(&self.mean_square, group);
        let mut volts = L::load(&self.volts, group);
        let mut is_on = Mask::load(&self.is_on, group);
        for frame in frames {
            let peak = input.get::<L>(group, frame).abs().min(c(1e3)) * c(knobs.gain[frame]);
            // Twice the mean square of a sine is the square of its peak.
            square = (square + (peak * peak * c(2.0) - square) * c(knobs.mean)).map(hush);
            let heard = peak + (square.map(f32::sqrt) - peak) * c(knobs.rms[frame]);
            let way = heard - volts;
            let speed = Mask::above(way, c(0.0)).pick_const(knobs.attack, knobs.release);
            volts = (volts + way * speed).map(hush);

            let threshold = c(knobs.threshold[frame]);
            let threshold = is_on.pick(threshold * c(STAYS_ON), threshold);
            is_on = Mask::above(volts, threshold);
            let shown = volts.min(c(GATE_VOLTS));
            envelope.put(group, frame, shown);
            inverse.put(group, frame, c(GATE_VOLTS) - shown);
            gate.put(group, frame, is_on.keep(c(GATE_VOLTS)));
        }
        square.store(&mut self.mean_square, group);
        volts.store(&mut self.volts, group);
        is_on.store(&mut self.is_on, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn sine(hz: f32, peak_volts: f32) -> impl FnMut(usize, u64) -> f32 {
        move |_, n| peak_volts * (std::f32::consts::TAU * ((n as f32 * hz / 48e3) % 1.0)).sin()
    }

    #[test]
    fn a_sine_of_5_v_makes_10_v_whichever_detector_hears_it() {
        for detector in ["peak", "rms"] {
            let mut rig = Rig::new::<EnvelopeFollower>(48_000.0);
            rig.choose("detector", detector).set("attack", 1e-4).set("release", 1.0);
            let out = rig.feed("in", sine(1000.0, 5.0)).run(48_000);
            let (envelope, inverse) = (out.main()[47_999], out.channel("inverse", 0)[47_999]);
            assert!((envelope - 9.95).abs() < 0.05, "{detector}: {envelope} V");
            assert!((envelope + inverse - 10.0).abs() < 1e-5);
        }
    }

    #[test]
    fn it_rises_and_falls_63_percent_in_its_times() {
        let mut rig = Rig::new::<EnvelopeFollower>(48_000.0);
        rig.set("level", 0.0).set("attack", 0.01).set("release", 0.1);
        rig.feed("in", |_, frame| if frame < 24_000 { -8.0 } else { 0.0 });
        let out = rig.run(48_000);
        assert!((out.main()[479] / 8.0 - 0.632).abs() < 1e-3, "{}", out.main()[479]);
        assert!((out.main()[28_799] / 8.0 - 0.368).abs() < 1e-3, "{}", out.main()[28_799]);
    }

    #[test]
    fn the_gate_does_not_chatter() {
        let mut rig = Rig::new::<EnvelopeFollower>(48_000.0);
        rig.set("level", 0.0).set("attack", 1e-4).set("release", 1e-3).set("threshold", 2.0);
        // Rises to 4 V and back over a second, trembling by a tenth of it.
        rig.feed("in", |_, n| {
            let swell = 4.0 - 4.0 * (n as f32 / 24_000.0 - 1.0).abs();
            if n / 500 % 2 == 0 { swell } else { 0.9 * swell }
        });
        let out = rig.run(48_000);
        let gate = out.channel("gate", 0);
        assert_eq!(gate.windows(2).filter(|pair| pair[0] != pair[1]).count(), 2);
        let rises = gate.iter().position(|&volts| volts == 10.0).unwrap();
        assert!((12_000..12_600).contains(&rises), "{rises}");
    }

    #[test]
    fn every_channel_is_followed_by_itself() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<EnvelopeFollower>(48_000.0);
            rig.choose("detector", "rms").feed_channels("in", channels, move |channel, frame| {
                sine(100.0, (channel + first) as f32)(0, frame)
            });
            rig
        };
        let together = rig(16, 0).run(500);
        for channel in 0..16 {
            for output in ["envelope", "inverse", "gate"] {
                let alone = rig(1, channel).run(500);
                assert_eq!(together.channel(output, channel), alone.channel(output, 0));
            }
        }
    }
}
