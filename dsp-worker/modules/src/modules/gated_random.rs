//! Gated Random: gates and voltages by chance, from a memory that may repeat
//! itself: never, nearly always, or always.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::bend::bend;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::scale::{self, KEY_NAMES, SCALE_NAMES};
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::units::GATE_VOLTS;
use sostenuto_dsp::{exp2, lag};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const REPEAT_IN: usize = 0;
const BIAS_IN: usize = 1;
const SPREAD_IN: usize = 2;
const CLOCK: usize = 3;
const RESET: usize = 4;

const T1: usize = 0;
const T2: usize = 1;
const T3: usize = 2;
const X1: usize = 3;

const RATE: usize = 0;
const JITTER: usize = 1;
const COIN: usize = 2;
const REPEAT: usize = 3;
const LENGTH: usize = 4;
const BIAS: usize = 5;
const SPREAD: usize = 6;
const RANGE: usize = 7;
const STYLE: usize = 8;
const SCALE: usize = 9;
const KEY: usize = 10;

const STEPS: usize = 16;
/// The gates' memory, and those of the three voltages.
const MEMORIES: usize = 4;

const SMOOTH: usize = 0;
const SCALED: usize = 2;

/// From a voltage to the next one, smoothly, in this part of a clock.
const SMOOTH_CLOCKS: f32 = 0.7;
/// The most that chance makes a clock of its own longer or shorter, in octaves.
const JITTER_OCTAVES: f32 = 1.0;

/// What it remembers, and what it plays of that.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct GatedRandom {
    random: Random,
    steps: Steps,
    /// The own clock's place between two clocks, and how long this one is.
    way: f32,
    clocks: f32,
    memories: [Memory; MEMORIES],
    /// Which of the two gates the coin chose: 0 the first, 1 the last.
    side: u32,
    has_begun: u32,
    goals: [f32; 3],
    volts: [f32; 3],
}

/// Up to sixteen chances in a ring, each 0 to 1.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Memory {
    chances: [f32; STEPS],
    step: u32,
}

impl Module for GatedRandom {
    const ABOUT: &'static About = &About {
        name: "gated-random",
        title: "Gated Random",
        short: "Gated Rnd",
        summary: "Random gates and notes from a memory that repeats as much as you like",
        aliases: &["turing machine", "marbles", "loop"],
        tags: &[Tag::Sequencing, Tag::Random],
        inputs: &[
            port("repeat", "Repetition CV: each volt adds 10 %").moves_own(By::TenthPerVolt),
            port("bias", "Bias CV: each volt adds 10 %").moves_own(By::TenthPerVolt),
            port("spread", "Spread CV: each volt adds 10 %").moves_own(By::TenthPerVolt),
            port("clock", "While patched, this clock replaces rate and jitter"),
            port("reset", "A trigger returns every memory to its first step"),
        ],
        outputs: &[
            port("t1", "10 V gates that the coin sends to this side"),
            port("t2", "Every gate of the clock, 10 V"),
            port("t3", "10 V gates that the coin sends to the other side"),
            port("x1", "A random voltage, new with each gate of t1"),
            port("x2", "A random voltage, new with each gate of t2"),
            port("x3", "A random voltage, new with each gate of t3"),
        ],
        params: &[
            Param::log("rate", 0.05..=100.0, 8.0, Unit::Hz, "The rate of the internal clock"),
            Param::linear(
                "jitter",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Irregularity of the internal clock: at 100 %, from half to twice the speed",
            ),
            Param::linear(
                "coin",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "The probability that a gate goes to t3",
            ),
            Param::linear(
                "repeat",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "0: always new. 50 %: a loop that never changes. 100 %: the steps of the loop in \
                 random order",
            ),
            Param::steps("length", 1.0..=16.0, 8.0, "The number of steps in the loop"),
            Param::linear(
                "bias",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "Shifts the voltages towards the bottom or the top of the range",
            ),
            Param::linear(
                "spread",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "0: one voltage. 50 %: evenly spread. 100 %: only the ends of the range",
            ),
            Param::choice(
                "range",
                &["2 V", "5 V", "10 V", "±5 V"],
                0,
                "The range of the voltages: from 0 V up, or around 0 V",
            ),
            Param::choice(
                "style",
                &["smooth", "stepped", "scale"],
                SCALED,
                "Smooth glides between voltages; scale moves them to the nearest note",
            ),
            Param::choice("scale", &SCALE_NAMES, 11, "The notes above the key"),
            Param::choice("key", &KEY_NAMES, 0, "The root of the scale"),
        ],
        // The step of the gates' memory, from 0, or -1 before the first.
        display: 1,
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
        self.clocks = 1.0;
        let random = &mut self.random;
        self.memories.iter_mut().for_each(|memory| {
            memory.chances.iter_mut().for_each(|chance| *chance = random.unipolar());
        });
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let notes = scale::notes(block.choice(SCALE), block.choice(KEY));
        for frame in block.frames() {
            let clock = block.input(CLOCK);
            let clock_volts =
                if clock.is_patched() { clock.at(0, frame) } else { self.own_clock(block, frame) };
            let reset_volts = block.input(RESET).at(0, frame);
            match self.steps.next(clock_volts, reset_volts, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => {
                    self.memories.iter_mut().for_each(|memory| memory.step = u32::MAX);
                    self.has_begun = 0;
                    if is_clocked {
                        self.play(block, frame, notes);
                    }
                }
                Step::Next => self.play(block, frame, notes),
            }
            self.write(block, frame);
        }
        let step = self.memories[0].step as f32;
        block.show(0, if self.has_begun != 0 { step } else { -1.0 });
    }
}

impl GatedRandom {
    /// Its own clock: 10 V for the first half of the time.
    #[inline(always)]
    fn own_clock(&mut self, block: &Block, frame: usize) -> f32 {
        let is_on = self.way < 0.5;
        self.way += block.ramp(RATE).at(frame) / block.sample_rate_hz * self.clocks;
        if self.way >= 1.0 {
            self.way -= 1.0;
            let octaves = JITTER_OCTAVES * block.ramp(JITTER).at(frame) * self.random.bipolar();
            self.clocks = exp2(octaves);
        }
        if is_on { GATE_VOLTS } else { 0.0 }
    }

    /// Throws the coin, and gives those voltages whose gate it is another value.
    #[inline(always)]
    fn play(&mut self, block: &Block, frame: usize, notes: u32) {
        let knob = |param: usize, port: usize| {
            let more = 0.1 * block.input(port).at(0, frame);
            (block.ramp(param).at(frame) + more).clamp(0.0, 1.0)
        };
        let repeat = knob(REPEAT, REPEAT_IN);
        let shape = Shape::new(knob(BIAS, BIAS_IN), knob(SPREAD, SPREAD_IN));
        let length = block.choice(LENGTH).clamp(1, STEPS) as u32;
        self.has_begun = 1;

        let coin = self.memories[0].next(repeat, length, &mut self.random);
        self.side = (coin < block.ramp(COIN).at(frame)) as u32;
        for n in 0..3 {
            if (n == 0 && self.side != 0) || (n == 2 && self.side == 0) {
                continue;
            }
            let chance = self.memories[n + 1].next(repeat, length, &mut self.random);
            let volts = volts_in_range(block.choice(RANGE), shape.of(chance));
            let is_scaled = block.choice(STYLE) == SCALED;
            let note = scale::nearest(notes, 12.0 * volts) as f32 * (1.0 / 12.0);
            self.goals[n] = if is_scaled { note } else { volts };
        }
    }

    #[inline(always)]
    fn write(&mut self, block: &mut Block, frame: usize) {
        let is_on = self.steps.is_clock_on() && self.has_begun != 0;
        let gates = [is_on && self.side == 0, is_on, is_on && self.side != 0];
        for (port, is_on) in [T1, T2, T3].into_iter().zip(gates) {
            block.output(port).put(0, frame, if is_on { GATE_VOLTS } else { 0.0 });
        }
        let is_smooth = block.choice(STYLE) == SMOOTH;
        let clock_secs = self.steps.expected_frames() as f32 / block.sample_rate_hz;
        let lag =
            if is_smooth { lag(SMOOTH_CLOCKS * clock_secs, block.sample_rate_hz) } else { 0.0 };
        for n in 0..3 {
            self.volts[n] = self.goals[n] - (self.goals[n] - self.volts[n]) * lag;
            block.output(X1 + n).put(0, frame, self.volts[n]);
        }
    }
}

impl Memory {
    /// The next chance: a new one, or one from the loop.
    #[inline(always)]
    fn next(&mut self, repeat: f32, length: u32, random: &mut Random) -> f32 {
        self.step = self.step.wrapping_add(1);
        if self.step >= length {
            self.step = 0;
        }
        let (coin, new) = (random.unipolar(), random.unipolar());
        let anywhere = ((u64::from(random.bits()) * u64::from(length)) >> 32) as usize;
        let here = self.step as usize % STEPS;
        if coin >= 2.0 * repeat {
            self.chances[here] = new;
        }
        let is_moved = coin < 2.0 * repeat - 1.0;
        self.chances[if is_moved { anywhere % STEPS } else { here }]
    }
}

/// How evenly chances lie between 0 and 1.
struct Shape {
    gain_bow: f32,
    bias_bow: f32,
}

impl Shape {
    /// Spread is Schlick's gain, and bias his bias (Graphics Gems IV, p. 401).
    #[inline(always)]
    fn new(bias: f32, spread: f32) -> Shape {
        let bow = |x: f32| (1.0 - x) / x;
        Shape {
            gain_bow: bow(1.0 - spread.clamp(1e-6, 1.0 - 1e-6)),
            bias_bow: bow(bias.clamp(1e-6, 1.0 - 1e-6)),
        }
    }

    #[inline(always)]
    fn of(&self, chance: f32) -> f32 {
        let chance = if chance < 0.5 {
            0.5 * bend(2.0 * chance, self.gain_bow)
        } else {
            1.0 - 0.5 * bend(2.0 - 2.0 * chance, self.gain_bow)
        };
        bend(chance, self.bias_bow)
    }
}

#[inline(always)]
fn volts_in_range(range: usize, part: f32) -> f32 {
    match range {
        0 => 2.0 * part,
        1 => 5.0 * part,
        2 => 10.0 * part,
        _ => 10.0 * part - 5.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    /// A clock comes every 10 frames of a millisecond.
    fn rig() -> Rig {
        let mut rig = Rig::new::<GatedRandom>(1000.0);
        rig.feed("clock", |_, frame| if frame % 10 < 4 { 10.0 } else { 0.0 });
        rig.choose("style", "stepped").choose("range", "10 V");
        rig
    }

    fn values(out: &Render, output: &str) -> Vec<f32> {
        out.channel(output, 0).chunks(10).map(|clock| clock[2]).collect()
    }

    #[test]
    fn a_locked_loop_repeats_and_a_free_one_does_not() {
        let mut rig = rig();
        rig.set("repeat", 0.5).set("length", 5.0);
        let x2 = values(&rig.run(1000), "x2");
        assert!(x2.windows(6).all(|six| six[0] == six[5]), "{x2:?}");
        assert!(x2.windows(2).all(|pair| pair[0] != pair[1]));
        let x2 = values(&rig.set("repeat", 0.0).run(1000), "x2");
        assert!(x2[1..].windows(6).all(|six| six[0] != six[5]));
        // Shuffled, it plays nothing but its loop.
        let mut heard = values(&rig.set("repeat", 1.0).run(2000), "x2")[10..].to_vec();
        heard.sort_by(f32::total_cmp);
        heard.dedup();
        assert_eq!(heard.len(), 5);
    }

    #[test]
    fn the_coin_deals_the_gates_out_to_either_side() {
        let mut rig = rig();
        let out = rig.set("coin", 0.25).run(40_000);
        let [t1, t2, t3] = ["t1", "t2", "t3"].map(|port| values(&out, port));
        assert!(t2.iter().all(|&gate| gate == 10.0));
        assert!(t1.iter().zip(&t3).all(|(a, b)| a + b == 10.0));
        let count = t3.iter().filter(|&&gate| gate == 10.0).count();
        assert!((920..1080).contains(&count), "{count} of 4000");
        // x1 waits for t1.
        let x1 = values(&out, "x1");
        for n in 1..x1.len() {
            assert_eq!(x1[n] == x1[n - 1], t1[n] == 0.0, "{n}");
        }
    }

    #[test]
    fn bias_and_spread_shape_the_chances() {
        let x2 = |bias: f32, spread: f32| {
            let mut rig = rig();
            values(&rig.set("bias", bias).set("spread", spread).run(40_000), "x2")
        };
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let even = x2(0.5, 0.5);
        assert!((mean(&even) - 5.0).abs() < 0.15);
        let tenth = even.iter().filter(|&&volts| volts < 1.0).count();
        assert!((330..470).contains(&tenth), "{tenth}");
        assert!(mean(&x2(0.9, 0.5)) > 7.0);
        assert!(x2(0.3, 0.0).iter().all(|volts| (volts - 3.0).abs() < 0.02));
        let ends = x2(0.5, 1.0);
        assert!(ends.iter().filter(|volts| (**volts - 5.0).abs() > 4.9).count() > 3960);
    }

    #[test]
    fn a_scale_gives_its_notes_alone() {
        let mut rig = rig();
        rig.choose("style", "scale").choose("scale", "minor pentatonic").choose("key", "A");
        for volts in values(&rig.choose("range", "±5 V").run(10_000), "x2") {
            let note = (12.0 * volts).round();
            assert!((12.0 * volts - note).abs() < 1e-4);
            assert!([9, 0, 2, 4, 7].contains(&(note as i32).rem_euclid(12)), "{note}");
        }
    }

    #[test]
    fn smooth_voltages_glide_there() {
        let mut rig = rig();
        let out = rig.choose("style", "smooth").run(10_000);
        let x2 = out.channel("x2", 0);
        let jump =
            x2[100..].windows(2).fold(0f32, |jump, pair| jump.max((pair[1] - pair[0]).abs()));
        assert!((1.0..6.0).contains(&jump), "{jump} V a frame");
    }

    #[test]
    fn its_own_clock_keeps_its_rate_and_jitters_when_told() {
        let periods = |jitter: f32| {
            let mut rig = Rig::new::<GatedRandom>(48_000.0);
            let out = rig.set("rate", 100.0).set("jitter", jitter).run(240_000);
            let t2 = out.channel("t2", 0);
            let edges: Vec<usize> = (1..t2.len()).filter(|&n| t2[n] > t2[n - 1]).collect();
            edges.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
        };
        assert!(periods(0.0).iter().all(|frames| frames.abs_diff(480) <= 1));
        let uneven = periods(1.0);
        assert!(uneven.iter().all(|frames| (239..=961).contains(frames)));
        assert!(uneven.iter().max() > Some(&850) && uneven.iter().min() < Some(&270));
    }
}
