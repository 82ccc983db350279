//! Sample & Hold: a voltage caught and kept; with nothing patched in, chance.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lag;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::{AUDIO_VOLTS, SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const TRIGGER: usize = 1;
const OUT: usize = 0;
const MODE: usize = 0;
const SLEW: usize = 1;
const TRACK: usize = 1;
const HOLD: usize = 2;

/// What sixteen of them hold. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SampleHold {
    noise: Random,
    is_on: [f32; 16],
    held: [f32; 16],
    out: [f32; 16],
}

impl Module for SampleHold {
    const ABOUT: &'static About = &About {
        name: "sample-hold",
        title: "Sample & Hold",
        short: "S&H",
        summary: "Holds the voltage sampled at a trigger; unpatched, random steps",
        aliases: &["random", "s&h", "track"],
        tags: &[Tag::Modulator, Tag::Random, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input. Unpatched: white noise, ±5 V, different on every channel"),
            port(
                "trigger",
                "A rising edge above 1 V samples the input; in the other modes, the gate tracks or \
                 holds",
            ),
        ],
        outputs: &[port("out", "The held voltage")],
        params: &[
            Param::choice(
                "mode",
                &["sample", "track", "hold"],
                0,
                "Sample: takes a sample at the trigger. Track: follows the input while the gate is \
                 on. Hold: follows the input while the gate is off",
            ),
            Param::linear(
                "slew",
                0.0..=5.0,
                0.0,
                Unit::Secs,
                "The time to glide to each new voltage, to within 1 %",
            ),
        ],
        bypass: &[(IN, OUT)],
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.noise = Random::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.is_on, &channels);
        clear(&mut self.held, &channels);
        clear(&mut self.out, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, TRIGGER]);
        let lag = lag(block.param(SLEW), block.sample_rate_hz);
        // Frame by frame through all channels, so that however the frames are
        // cut the noise is dealt out alike.
        for frame in block.frames() {
            each_group!(channels, |L, group| self.catch::<L>(block, group, frame, lag));
        }
    }
}

impl SampleHold {
    #[inline(always)]
    fn catch<L: Lane>(&mut self, block: &mut Block, group: usize, frame: usize, lag: f32) {
        let volts = block.input(TRIGGER).get::<L>(group, frame);
        let was_on = Mask::<L>::load(&self.is_on, group);
        let is_on = Mask::above(volts, was_on.pick_const(SCHMITT_LOW_VOLTS, SCHMITT_HIGH_VOLTS));
        is_on.store(&mut self.is_on, group);

        let catches = match block.choice(MODE) {
            TRACK => is_on,
            HOLD => Mask::above(L::splat(0.5), is_on.keep(L::splat(1.0))),
            _ => is_on.and_not(was_on),
        };
        let mut held = L::load(&self.held, group);
        if catches.any() {
            let input = block.input(IN);
            let found =
                if input.is_patched() { input.get::<L>(group, frame) } else { self.hiss::<L>() };
            // So that a glide between any two cannot overflow.
            held = catches.pick(found.clamp(-1e6, 1e6), held);
            held.store(&mut self.held, group);
        }
        let out = held - (held - L::load(&self.out, group)) * L::splat(lag);
        out.store(&mut self.out, group);
        block.output(OUT).put(group, frame, out);
    }

    #[inline(always)]
    fn hiss<L: Lane>(&mut self) -> L {
        let mut lanes = [0.0; LANES];
        for lane in &mut lanes[..L::WIDTH] {
            *lane = AUDIO_VOLTS * self.noise.bipolar();
        }
        L::from_lanes(lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn every_tenth(frame: u64) -> f32 {
        if frame % 10 < 3 { 10.0 } else { 0.0 }
    }

    #[test]
    fn it_keeps_what_it_caught() {
        let mut rig = Rig::new::<SampleHold>(48_000.0);
        rig.feed("in", |_, frame| frame as f32);
        rig.feed("trigger", |_, frame| every_tenth(frame + 5));
        let out = rig.run(40).main().to_vec();
        assert_eq!(out[..5], [0.0; 5]);
        assert_eq!(out[5..15], [5.0; 10]);
        assert_eq!(out[15..25], [15.0; 10]);
    }

    #[test]
    fn in_track_mode_it_follows_while_the_gate_is_on() {
        let mut rig = Rig::new::<SampleHold>(48_000.0);
        rig.choose("mode", "track").feed("in", |_, frame| frame as f32);
        rig.feed("trigger", |_, frame| every_tenth(frame));
        let out = rig.run(13).main().to_vec();
        assert_eq!(out[..], [0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 10.0, 11.0, 12.0]);
    }

    #[test]
    fn in_hold_mode_it_keeps_while_the_gate_is_on() {
        let mut rig = Rig::new::<SampleHold>(48_000.0);
        rig.choose("mode", "hold").feed("in", |_, frame| frame as f32);
        rig.feed("trigger", |_, frame| every_tenth(frame + 8));
        let out = rig.run(15).main().to_vec();
        assert_eq!(out[..2], [0.0, 1.0]);
        assert_eq!(
            out[2..],
            [1.0, 1.0, 1.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 11.0, 11.0, 11.0]
        );
    }

    #[test]
    fn with_nothing_patched_in_every_channel_has_its_own_chance() {
        let run = |seed: u64| {
            let mut rig = Rig::new::<SampleHold>(48_000.0);
            rig.seed(seed).feed_channels("trigger", 16, |_, frame| every_tenth(frame));
            let out = rig.run(10_000);
            (0..16).map(|channel| out.channel("out", channel).to_vec()).collect::<Vec<_>>()
        };
        let out = run(1);
        assert_eq!(out, run(1));
        assert_ne!(out, run(2));
        assert_ne!(out[0], out[1]);
        assert_ne!(out[0][0], out[0][10]);
        assert!(out.iter().flatten().all(|volts| volts.abs() <= 5.0));
        let mean: f32 = out.iter().flatten().sum::<f32>() / 160_000.0;
        assert!(mean.abs() < 0.1, "{mean}");
    }

    #[test]
    fn slew_leaves_a_hundredth_after_the_set_time() {
        let mut rig = Rig::new::<SampleHold>(1000.0);
        rig.set("slew", 0.1).feed("in", |_, _| 10.0).feed("trigger", |_, frame| every_tenth(frame));
        let out = rig.run(200).main().to_vec();
        assert!((out[99] - 9.9).abs() < 1e-3, "{}", out[99]);
        assert!(out[199] > 9.99);
    }

    #[test]
    fn frame_by_frame_it_is_the_same() {
        let rig = || {
            let mut rig = Rig::new::<SampleHold>(48_000.0);
            rig.choose("mode", "track").set("slew", 0.001);
            rig.feed_channels("trigger", 11, |channel, frame| {
                every_tenth(frame * (channel as u64 + 1) / 2)
            });
            rig
        };
        let together = rig().run(300);
        let one_by_one = rig().frame_by_frame().run(300);
        for channel in 0..11 {
            assert_eq!(together.channel("out", channel), one_by_one.channel("out", channel));
        }
    }
}
