//! Shift Register: what came in moves on a place at every clock. Canons from a
//! melody, chaos from two oscillators.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::{Gates, volts};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::{GATE_VOLTS, RESET_HOLDOFF_SECS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const CLOCK: usize = 1;
const RESET: usize = 2;

const STAGES: usize = 8;
const RUNGLER: usize = STAGES;

const MODE: usize = 0;
const FEED: usize = 1;
const LENGTH: usize = 2;
const THRESHOLD: usize = 3;

const DIGITAL: usize = 1;
const LOOP: usize = 1;
const XOR: usize = 2;

/// What every place holds, in volts, for every channel.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ShiftRegister {
    stages: [[f32; 16]; STAGES],
    clock: Gates,
    reset: Gates,
    /// Since the last clock, counted no further than a reset looks back.
    since_clock_frames: [f32; 16],
    /// Whether a clock has come yet: yes is 1 and no is 0.
    is_clocked: [f32; 16],
}

impl Module for ShiftRegister {
    const ABOUT: &'static About = &About {
        name: "shift-register",
        title: "Shift Register",
        short: "Register",
        summary: "Passes a voltage from output to output at each clock; in digital mode, a rungler",
        aliases: &["analog", "asr", "rungler"],
        tags: &[Tag::Sequencing, Tag::Random, Tag::Polyphonic],
        inputs: &[
            port("in", "The voltage sampled at each clock"),
            port("clock", "Every rising edge moves each voltage to the next output"),
            port(
                "reset",
                "A trigger sets every output to 0 V; a clock within 1 ms belongs to it, and fills \
                 the first output",
            ),
        ],
        outputs: &[
            port("out-1", "The latest sample; in digital mode, 10 V or 0 V"),
            port("out-2", "out-1 before the last clock"),
            port("out-3", "out-2 before the last clock"),
            port("out-4", "out-3 before the last clock"),
            port("out-5", "out-4 before the last clock"),
            port("out-6", "out-5 before the last clock"),
            port("out-7", "out-6 before the last clock"),
            port("out-8", "out-7 before the last clock"),
            port(
                "rungler",
                "The last three stages within the length as a voltage of eight steps, 0 to 10 V; \
                 stages above the threshold count as 1",
            ),
        ],
        params: &[
            Param::choice(
                "mode",
                &["analog", "digital"],
                0,
                "Analog: passes voltages unchanged. Digital: passes only whether they are above \
                 the threshold",
            ),
            Param::choice(
                "feed",
                &["in", "loop", "in xor loop"],
                0,
                "What enters at a clock: the input, the last stage, or (digital) whether the two \
                 differ, as in a rungler",
            ),
            Param::steps("length", 2.0..=8.0, 8.0, "The number of stages in the loop"),
            Param::linear(
                "threshold",
                -5.0..=5.0,
                1.0,
                Unit::Volts,
                "The voltage above which an input counts as 1; use 0 V for audio",
            ),
        ],
        bypass: &[(IN, 0)],
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        change.all_frames(&mut self.since_clock_frames);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(self, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, CLOCK]);
        each_group!(channels, |L, group| self.shift::<L>(block, group));
    }
}

impl ShiftRegister {
    #[inline(always)]
    fn shift<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let [input, clock, reset] = [IN, CLOCK, RESET].map(|port| block.input(port));
        let length = block.choice(LENGTH).clamp(2, STAGES);
        let mut rungler = self.rungler::<L>(block.param(THRESHOLD), group, length);
        let holdoff_frames = L::splat((RESET_HOLDOFF_SECS * block.sample_rate_hz).floor());
        for frame in block.frames() {
            let clocks = self.clock.follow::<L>(group, clock.get(group, frame)).rises;
            let resets = self.reset.follow::<L>(group, reset.get(group, frame)).rises;
            let belongs = resets.and(self.clocked(clocks, holdoff_frames, group));
            if clocks.any() || resets.any() {
                self.empty(resets, group);
                let next = self.feed(block, input.get::<L>(group, frame), group, length);
                self.move_on(clocks.or(belongs), next, group);
                rungler = self.rungler::<L>(block.param(THRESHOLD), group, length);
            }
            for stage in 0..STAGES {
                block.output(stage).put(group, frame, L::load(&self.stages[stage], group));
            }
            block.output(RUNGLER).put(group, frame, rungler);
        }
    }

    /// What goes into the first place.
    #[inline(always)]
    fn feed<L: Lane>(&self, block: &Block, input: L, group: usize, length: usize) -> L {
        let input = input.clamp(-1e6, 1e6);
        let last = L::load(&self.stages[length - 1], group);
        let threshold = L::splat(block.param(THRESHOLD));
        let (is_in, is_last) = (Mask::above(input, threshold), is_one(last, threshold));
        match (block.choice(FEED), block.choice(MODE)) {
            (XOR, _) => volts(is_in.differs(is_last)),
            (LOOP, DIGITAL) => volts(is_last),
            (LOOP, _) => last,
            (_, DIGITAL) => volts(is_in),
            _ => input,
        }
    }

    /// Where a clock comes with this frame, or came so many frames before it at
    /// most.
    #[inline(always)]
    fn clocked<L: Lane>(&mut self, clocks: Mask<L>, within_frames: L, group: usize) -> Mask<L> {
        let far_frames = within_frames + L::splat(1.0);
        // Before the first clock the count stands at 0, which is far too.
        let counted = L::load(&self.is_clocked, group);
        let since = L::load(&self.since_clock_frames, group) + counted;
        let since = clocks.clear(since.zip(far_frames, f32::min));
        since.store(&mut self.since_clock_frames, group);
        let has_come = Mask::load(&self.is_clocked, group).or(clocks);
        has_come.store(&mut self.is_clocked, group);
        has_come.and(Mask::above(far_frames - L::splat(0.5), since))
    }

    #[inline(always)]
    fn empty<L: Lane>(&mut self, resets: Mask<L>, group: usize) {
        for stage in &mut self.stages {
            resets.clear(L::load(stage, group)).store(stage, group);
        }
    }

    #[inline(always)]
    fn move_on<L: Lane>(&mut self, clocks: Mask<L>, first: L, group: usize) {
        let mut moved = first;
        for stage in &mut self.stages {
            let held = L::load(stage, group);
            clocks.pick(moved, held).store(stage, group);
            moved = held;
        }
    }

    /// Rob Hordijk's rungler: the last three bits through a digital to analog
    /// converter. "The Blippoo Box: A Chaotic Electronic Music Instrument, Bent
    /// by Design", Leonardo Music Journal 19 (2009), pages 35 to 43.
    #[inline(always)]
    fn rungler<L: Lane>(&self, threshold: f32, group: usize, length: usize) -> L {
        let mut sum = L::splat(0.0);
        let mut weight = GATE_VOLTS / 7.0;
        for stage in self.stages[length.saturating_sub(3)..length].iter() {
            let bit = is_one(L::load(stage, group), L::splat(threshold));
            sum += bit.keep(L::splat(weight));
            weight *= 2.0;
        }
        sum
    }
}

/// A bit is a 1 above the threshold, and never at 0 V: an empty register is
/// empty, wherever the threshold is.
#[inline(always)]
fn is_one<L: Lane>(volts: L, threshold: L) -> Mask<L> {
    let is_zero = Mask::above(L::splat(f32::MIN_POSITIVE), volts.abs());
    Mask::above(volts, threshold).and_not(is_zero)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn every_tenth(_: usize, frame: u64) -> f32 {
        if frame % 10 < 3 { 10.0 } else { 0.0 }
    }

    #[test]
    fn each_clock_hands_every_voltage_on() {
        let mut rig = Rig::new::<ShiftRegister>(48_000.0);
        rig.feed("clock", every_tenth).feed("in", |_, frame| frame as f32 * 0.1);
        let out = rig.run(96);
        for (stage, volts) in [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0].into_iter().enumerate() {
            assert_eq!(out.channel(&format!("out-{}", stage + 1), 0)[95], volts);
        }
        assert_eq!(out.channel("out-2", 0)[8..12], [0.0, 0.0, 0.0, 0.0]);
        assert_eq!(out.channel("out-2", 0)[19..21], [0.0, 1.0]);
    }

    /// The bits at the first output, clock by clock.
    fn bits(rig: &mut Rig, clocks: usize) -> Vec<u8> {
        let out = rig.run(10 * clocks);
        out.channel("out-1", 0).chunks(10).map(|clock| (clock[5] > 5.0) as u8).collect()
    }

    #[test]
    fn a_loop_of_bits_comes_round_after_its_length() {
        let mut rig = Rig::new::<ShiftRegister>(48_000.0);
        rig.choose("mode", "digital").feed("clock", every_tenth);
        let melody = [1, 0, 1, 1, 0];
        rig.feed("in", move |_, frame| 3.0 * melody[frame as usize / 10 % 5] as f32);
        assert_eq!(bits(&mut rig, 5), melody);
        rig.choose("feed", "loop").set("length", 5.0).unplug("in").run(40);
        // Four more clocks were played; the fifth begins the melody anew.
        let found = bits(&mut rig, 11);
        assert_eq!(found, [0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0]);
    }

    #[test]
    fn xor_turns_bits_over_as_they_come_round() {
        let mut rig = Rig::new::<ShiftRegister>(48_000.0);
        rig.choose("mode", "digital").choose("feed", "in xor loop").set("length", 3.0);
        rig.feed("clock", every_tenth).feed("in", |_, frame| if frame < 5 { 5.0 } else { 0.0 });
        // With nothing new coming in, a lone 1 goes round and round.
        assert_eq!(bits(&mut rig, 9), [1, 0, 0, 1, 0, 0, 1, 0, 0]);
        // A 1 that always comes in turns every bit over as it comes round.
        rig.feed("in", |_, _| 5.0);
        assert_eq!(bits(&mut rig, 9), [0, 1, 1, 1, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn the_rungler_reads_three_bits_as_eight_steps() {
        let mut rig = Rig::new::<ShiftRegister>(48_000.0);
        rig.choose("mode", "digital").feed("clock", every_tenth);
        rig.feed("in", |_, frame| if frame < 10 { 5.0 } else { 0.0 });
        let out = rig.run(90);
        let rungler: Vec<f32> = out.channel("rungler", 0).chunks(10).map(|c| c[5] * 0.7).collect();
        let near = |(found, step): (&f32, f32)| (found - step).abs() < 1e-5;
        let steps = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 0.0];
        assert!(rungler.iter().zip(steps).all(near), "{rungler:?}");
    }

    #[test]
    fn a_reset_empties_it_and_sixteen_channels_are_their_own() {
        let mut rig = Rig::new::<ShiftRegister>(48_000.0);
        rig.feed_channels("in", 16, |channel, _| channel as f32).feed("clock", every_tenth);
        rig.feed("reset", |_, frame| if frame == 55 { 10.0 } else { 0.0 });
        let out = rig.run(64);
        assert!((0..16).all(|n| out.channel("out-5", n)[54] == n as f32));
        assert!((0..16).all(|n| out.channel("out-5", n)[55] == 0.0));
        assert!((0..16).all(|n| out.channel("out-1", n)[63] == n as f32));
    }
}
