//! Random: chance in steps, in glides, around a middle, or wandering.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::random::Random as Chance;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::tempo::Tempo;
use sostenuto_dsp::units::{AUDIO_VOLTS, CHANNELS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::sweep;

const RATE_IN: usize = 0;
const CLOCK: usize = 1;
const PROBABILITY_IN: usize = 2;

const STEPPED: usize = 0;
const SMOOTH: usize = 1;
const GAUSSIAN: usize = 2;
const WALK: usize = 3;
const TRIGGER: usize = 4;

const RATE: usize = 0;
const RATE_AMOUNT: usize = 1;
const PROBABILITY: usize = 2;
const STEP: usize = 3;
const RANGE: usize = 4;
const CHANNEL_COUNT: usize = 5;

const UNIPOLAR: usize = 1;

/// A bell curve's usual distance from its middle: beyond 5 V, which it stops
/// at, would be one in 400.
const SIGMA_VOLTS: f32 = AUDIO_VOLTS / 3.0;
/// Beyond any rate that is of use, in octaves.
const MAX_OCTAVES: f32 = 20.0;
/// 2^64 to a turn.
const TURN: f32 = 18_446_744_073_709_551_616.0;

/// Sixteen chances.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Random {
    chance: Chance,
    voices: [Voice; CHANNELS],
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Voice {
    /// The way from one value to the next, 2^64 in all.
    phase: u64,
    clock: Tempo,
    from_volts: f32,
    smooth_volts: f32,
    stepped_volts: f32,
    gaussian_volts: f32,
    walk_volts: f32,
    trigger: Pulse,
    has_begun: u32,
}

impl Module for Random {
    const ABOUT: &'static About = &About {
        name: "random",
        title: "Random",
        summary: "Random voltages, free or clocked: steps, glides, a bell curve and a slow walk",
        aliases: &["wogglebug", "brownian", "s&h"],
        tags: &[Tag::Modulator, Tag::Random, Tag::Polyphonic],
        inputs: &[
            sweep::RATE,
            port("clock", "While patched, each trigger may bring a new value, instead of rate"),
            port("probability", "Probability CV: each volt adds 10 %").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("stepped", "A new voltage in steps, evenly distributed"),
            port("smooth", "Glides to the stepped voltage, and arrives as the next one begins"),
            port("gaussian", "A new voltage in steps, mostly near the centre of the range"),
            port("walk", "A wandering voltage: each step is close to the last"),
            port("trigger", "10 V for 1 ms at every new value"),
        ],
        params: &[
            Param::log(
                "rate",
                0.001..=1000.0,
                8.0,
                Unit::Hz,
                "New values per second, while clock is unpatched",
            ),
            sweep::RATE_AMOUNT,
            Param::linear(
                "probability",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "The probability of each new value",
            ),
            Param::linear(
                "step",
                0.0..=1.0,
                0.2,
                Unit::Fraction,
                "The largest step of the walk, as a part of half the range",
            ),
            Param::choice(
                "range",
                &["bipolar", "unipolar"],
                0,
                "Bipolar is ±5 V, unipolar is 0 to 10 V",
            ),
            Param::steps(
                "channels",
                1.0..=16.0,
                1.0,
                "The number of independent channels, unless an input has more",
            ),
        ],
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.chance = Chance::new(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        for voice in &mut self.voices {
            voice.clock.change_rate(change);
            voice.trigger.change_rate(change);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        self.voices[channels].fill(Voice::zeroed());
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[CLOCK, RATE_IN, PROBABILITY_IN]);
        let channels = channels.max(block.choice(CHANNEL_COUNT)).min(CHANNELS);
        block.set_channels(channels);
        // Frame by frame through all channels, so that however the frames are
        // cut chance is dealt out alike.
        for frame in block.frames() {
            for (channel, voice) in self.voices[..channels].iter_mut().enumerate() {
                voice.take_frame(block, channel, frame, &mut self.chance);
            }
        }
    }
}

impl Voice {
    #[inline(always)]
    fn take_frame(&mut self, block: &mut Block, channel: usize, frame: usize, chance: &mut Chance) {
        let clock = block.input(CLOCK);
        let is_due = if clock.is_patched() {
            self.follow_clock(clock.at(channel, frame), block.sample_rate_hz)
        } else {
            self.follow_rate(block, channel, frame)
        };
        if is_due {
            self.draw(block, channel, frame, chance);
        }
        self.smooth_volts = self.glided();

        let centre = if block.choice(RANGE) == UNIPOLAR { AUDIO_VOLTS } else { 0.0 };
        block.output(STEPPED).set(channel, frame, self.stepped_volts + centre);
        block.output(SMOOTH).set(channel, frame, self.smooth_volts + centre);
        block.output(GAUSSIAN).set(channel, frame, self.gaussian_volts + centre);
        block.output(WALK).set(channel, frame, self.walk_volts + centre);
        block.output(TRIGGER).set(channel, frame, self.trigger.volts());
    }

    /// Where it is on its way to the stepped voltage: flat at both ends.
    #[inline(always)]
    fn glided(&self) -> f32 {
        let way = (self.phase >> 40) as f32 * (1.0 / 16_777_216.0);
        let eased = way * way * (3.0 - 2.0 * way);
        self.from_volts + (self.stepped_volts - self.from_volts) * eased
    }

    /// Glides until the next clock is expected.
    #[inline(always)]
    fn follow_clock(&mut self, volts: f32, sample_rate_hz: f32) -> bool {
        let step = u64::MAX / u64::from(self.clock.expected_frames().max(1));
        self.phase = self.phase.saturating_add(step);
        let is_due = self.clock.next(volts, sample_rate_hz);
        if is_due {
            self.smooth_volts = self.glided();
            self.phase = 0;
        }
        is_due
    }

    /// The first value comes at once.
    #[inline(always)]
    fn follow_rate(&mut self, block: &Block, channel: usize, frame: usize) -> bool {
        if self.has_begun == 0 {
            return true;
        }
        let mut turns = block.ramp(RATE).at(frame) / block.sample_rate_hz;
        let rate_in = block.input(RATE_IN);
        if rate_in.is_patched() {
            let octaves = rate_in.at(channel, frame) * block.ramp(RATE_AMOUNT).at(frame);
            turns *= exp2(octaves.clamp(-MAX_OCTAVES, MAX_OCTAVES));
        }
        let (phase, is_due) = self.phase.overflowing_add((turns.min(0.5) * TURN) as u64);
        self.phase = phase;
        if is_due {
            self.smooth_volts = self.stepped_volts;
        }
        is_due
    }

    /// As many numbers are drawn whatever comes of them.
    #[inline(always)]
    fn draw(&mut self, block: &Block, channel: usize, frame: usize, chance: &mut Chance) {
        let stepped = AUDIO_VOLTS * chance.bipolar();
        let walk = AUDIO_VOLTS * block.ramp(STEP).at(frame) * chance.bipolar();
        // Six even numbers together are nearly a bell, whose variance is 1/2.
        let bell: f32 = (0..6).map(|_| chance.unipolar()).sum::<f32>() - 3.0;
        let bell = SIGMA_VOLTS * std::f32::consts::SQRT_2 * bell;

        let coin = chance.unipolar();
        let more = 0.1 * block.input(PROBABILITY_IN).at(channel, frame);
        self.from_volts = self.smooth_volts;
        if coin < block.ramp(PROBABILITY).at(frame) + more {
            self.stepped_volts = stepped;
            self.gaussian_volts = bell.clamp(-AUDIO_VOLTS, AUDIO_VOLTS);
            self.walk_volts = reflect(self.walk_volts + walk);
            self.trigger.start(block.sample_rate_hz);
        }
        if self.has_begun == 0 {
            self.from_volts = self.stepped_volts;
            self.has_begun = 1;
        }
    }
}

/// Turns back at the ends of the range.
#[inline(always)]
fn reflect(volts: f32) -> f32 {
    let inside = volts.clamp(-AUDIO_VOLTS, AUDIO_VOLTS);
    2.0 * inside - volts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    /// A frame is a millisecond, and a value comes every ten.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Random>(1000.0);
        rig.set("rate", 100.0);
        rig
    }

    fn values(out: &Render, output: &str) -> Vec<f32> {
        out.channel(output, 0).chunks(10).map(|value| value[5]).collect()
    }

    fn moments(values: &[f32]) -> (f32, f32) {
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        (mean, (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count).sqrt())
    }

    #[test]
    fn steps_are_even_and_a_bell_is_a_bell() {
        let out = rig().run(200_000);
        let (mean, sigma) = moments(&values(&out, "stepped"));
        assert!(mean.abs() < 0.1 && (sigma - 5.0 / 3f32.sqrt()).abs() < 0.05, "{mean} {sigma}");
        let bell = values(&out, "gaussian");
        let (mean, sigma) = moments(&bell);
        assert!(mean.abs() < 0.05 && (sigma - 5.0 / 3.0).abs() < 0.03, "{mean} {sigma}");
        let near = bell.iter().filter(|volts| volts.abs() < SIGMA_VOLTS).count() as f32;
        assert!((near / 20_000.0 - 0.683).abs() < 0.015, "{near}");
    }

    #[test]
    fn a_glide_arrives_as_the_next_value_comes() {
        let out = rig().run(1000);
        let (stepped, smooth) = (out.channel("stepped", 0), out.channel("smooth", 0));
        for value in 1..99 {
            let first = 10 * value;
            assert_ne!(stepped[first], stepped[first - 1]);
            assert!((smooth[first] - stepped[first - 1]).abs() < 1e-3, "{value}");
            let middle = 0.5 * (stepped[first] + stepped[first - 1]);
            assert!((smooth[first + 5] - middle).abs() < 1e-3, "{value}");
        }
    }

    #[test]
    fn with_a_clock_it_waits_for_it_and_glides_as_long() {
        let mut rig = rig();
        rig.feed("clock", |_, frame| if frame % 40 == 3 { 10.0 } else { 0.0 });
        let out = rig.run(400);
        let triggers = out.channel("trigger", 0).iter().filter(|&&volts| volts == 10.0).count();
        assert_eq!(triggers, 10);
        let (stepped, smooth) = (out.channel("stepped", 0), out.channel("smooth", 0));
        let middle = 0.5 * (stepped[162] + stepped[163]);
        assert!((smooth[183] - middle).abs() < 1e-3 && (smooth[202] - stepped[163]).abs() < 0.05);
    }

    #[test]
    fn probability_brings_some_of_the_values() {
        let mut rig = rig();
        let out = rig.set("probability", 0.25).run(100_000);
        let stepped = values(&out, "stepped");
        let changes = stepped.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((2300..2700).contains(&changes), "{changes} of 10000");
    }

    #[test]
    fn a_walk_takes_small_steps_within_the_range() {
        let mut rig = rig();
        let walk = values(&rig.set("step", 0.1).choose("range", "unipolar").run(100_000), "walk");
        assert!(walk.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 0.501));
        let (low, high) = walk.iter().fold((9.0f32, 0.0f32), |(l, h), &v| (l.min(v), h.max(v)));
        assert!((0.0..1.0).contains(&low) && (9.0..=10.0).contains(&high), "{low} {high}");
    }

    #[test]
    fn every_channel_has_its_own_chance() {
        let out = rig().set("channels", 4.0).run(100);
        assert_eq!(out.channels("stepped"), 4);
        assert_ne!(out.channel("stepped", 0), out.channel("stepped", 3));
    }
}
