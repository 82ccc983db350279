//! Euclid: so many beats in so many steps, as evenly as they go.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::Param;

const CLOCK: usize = 0;
const RESET: usize = 1;
const FILL_IN: usize = 2;
const LENGTH_IN: usize = 3;
const ROTATE_IN: usize = 4;
const ACCENTS_IN: usize = 5;

const GATE: usize = 0;
const TRIGGER: usize = 1;
const ACCENT: usize = 2;
const REST: usize = 3;
const CYCLE: usize = 4;

const FILL: usize = 0;
const LENGTH: usize = 1;
const ROTATE: usize = 2;
const ACCENTS: usize = 3;

const MOST_STEPS: i32 = 32;

/// Which step it is at, and what is played there.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Euclid {
    steps: Steps,
    step: i32,
    is_playing: u32,
    is_beat: u32,
    is_accented: u32,
    trigger: Pulse,
    rest: Pulse,
    cycle: Pulse,
}

impl Module for Euclid {
    const ABOUT: &'static About = &About {
        name: "euclid",
        title: "Euclid",
        summary: "Spreads beats over steps as evenly as possible: rhythms from all over the world",
        aliases: &["euclidean", "rhythm"],
        tags: &[Tag::Sequencing],
        inputs: &[
            port(
                "clock",
                "Every rising edge plays the next step; the pulse width sets the gate length",
            ),
            port("reset", "The next clock plays the first step; so does a clock within 1 ms"),
            port("fill", "Fill CV: 10 V fills every step"),
            port("length", "Length CV: each volt adds two steps"),
            port("rotate", "Rotation CV: 10 V is one full turn"),
            port("accents", "Accent CV: 10 V accents every beat"),
        ],
        outputs: &[
            port("gate", "10 V on each beat, while the clock is on"),
            port("trigger", "10 V for 1 ms on each beat"),
            port("accent", "10 V during steps with an accent"),
            port("rest", "10 V for 1 ms on each step without a beat"),
            port("end-of-cycle", "10 V for 1 ms as the pattern restarts"),
        ],
        params: &[
            Param::steps("fill", 0.0..=32.0, 5.0, "The number of beats"),
            Param::steps("length", 1.0..=32.0, 8.0, "The number of steps"),
            Param::steps("rotate", 0.0..=31.0, 0.0, "Delays the rhythm by that many steps"),
            Param::steps(
                "accents",
                0.0..=32.0,
                0.0,
                "The number of accented beats, spread evenly from the first",
            ),
        ],
        // The step that it is at, from 0; -1 before the first clock.
        display: 1,
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        for pulse in [&mut self.trigger, &mut self.rest, &mut self.cycle] {
            pulse.change_rate(change);
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        for frame in block.frames() {
            let [clock, reset] = [CLOCK, RESET].map(|port| block.input(port).at(0, frame));
            match self.steps.next(clock, reset, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => {
                    self.step = 0;
                    self.is_playing = is_clocked as u32;
                    self.is_accented = 0;
                    if is_clocked {
                        self.play(block, frame);
                    }
                }
                Step::Next => {
                    let length = Rhythm::new(block, frame).length;
                    self.step = if self.step + 1 < length { self.step + 1 } else { 0 };
                    if self.step == 0 {
                        self.cycle.start(block.sample_rate_hz);
                    }
                    self.play(block, frame);
                }
            }
            let is_on = self.is_beat & self.is_playing != 0 && self.steps.is_clock_on();
            let gate = |is_on: bool| if is_on { GATE_VOLTS } else { 0.0 };
            block.output(GATE).put(0, frame, gate(is_on));
            block.output(TRIGGER).put(0, frame, self.trigger.volts());
            block.output(ACCENT).put(0, frame, gate(self.is_accented != 0));
            block.output(REST).put(0, frame, self.rest.volts());
            block.output(CYCLE).put(0, frame, self.cycle.volts());
        }
        block.show(0, if self.steps.has_begun() { self.step as f32 } else { -1.0 });
    }
}

impl Euclid {
    #[inline(always)]
    fn play(&mut self, block: &Block, frame: usize) {
        let rhythm = Rhythm::new(block, frame);
        let step = self.step as u32;
        let beats = turned(spread(rhythm.fill, rhythm.length), &rhythm);
        let is_beat = beats >> step & 1 != 0;
        // Which of the cycle's beats it is, from 0.
        let beat = (beats & ((1 << step) - 1)).count_ones() as i32;
        self.is_playing = 1;
        self.is_beat = is_beat as u32;
        self.is_accented = (is_beat && has_accent(beat, rhythm.accents, rhythm.fill)) as u32;
        let pulse = if is_beat { &mut self.trigger } else { &mut self.rest };
        pulse.start(block.sample_rate_hz);
    }
}

/// What knobs and voltages ask for.
struct Rhythm {
    fill: i32,
    length: i32,
    rotate: i32,
    accents: i32,
}

impl Rhythm {
    #[inline(always)]
    fn new(block: &Block, frame: usize) -> Rhythm {
        let more = |port: usize, of: f32| {
            let steps = block.input(port).at(0, frame).clamp(-100.0, 100.0) * of;
            (steps + 0.5).floor() as i32
        };
        let length = block.choice(LENGTH) as i32 + more(LENGTH_IN, 2.0);
        let length = length.clamp(1, MOST_STEPS);
        let fill =
            (block.choice(FILL) as i32 + more(FILL_IN, 0.1 * length as f32)).clamp(0, length);
        let accents = block.choice(ACCENTS) as i32 + more(ACCENTS_IN, 0.1 * fill as f32);
        let rotate = block.choice(ROTATE) as i32 + more(ROTATE_IN, 0.1 * length as f32);
        Rhythm { fill, length, rotate, accents: accents.clamp(0, fill) }
    }
}

/// The steps that have a beat, as bits, the first step the lowest: Euclid's
/// algorithm deals the rests out to the beats, then the rows that were left over
/// to the others, until one is left at most. Toussaint, "The Euclidean algorithm
/// generates traditional musical rhythms", BRIDGES 2005, section 3.
#[inline(always)]
fn spread(beats: i32, steps: i32) -> u64 {
    let (mut row, mut rows) = (Row { bits: 1, steps: 1 }, beats.clamp(0, MOST_STEPS));
    let (mut other, mut others) = (Row { bits: 0, steps: 1 }, (steps - rows).max(0));
    if rows == 0 {
        return 0;
    }
    let mut is_first = true;
    while others > 1 || is_first && others > 0 {
        let joined = row.then(other);
        if rows > others {
            other = row;
        }
        (row, rows, others) = (joined, rows.min(others), rows.abs_diff(others) as i32);
        is_first = false;
    }
    let mut all = Row { bits: 0, steps: 0 };
    for _ in 0..rows {
        all = all.then(row);
    }
    for _ in 0..others {
        all = all.then(other);
    }
    all.bits
}

/// The same steps, later by so many.
#[inline(always)]
fn turned(beats: u64, rhythm: &Rhythm) -> u64 {
    let later = rhythm.rotate.rem_euclid(rhythm.length) as u32;
    let all = (1 << rhythm.length) - 1;
    (beats << later | beats >> (rhythm.length as u32 - later)) & all
}

/// Whether a beat of the cycle has an accent; the first one has.
#[inline(always)]
fn has_accent(beat: i32, accents: i32, beats: i32) -> bool {
    beat * accents % beats.max(1) < accents
}

/// Some steps in a row: at most 32 of them.
#[derive(Clone, Copy)]
struct Row {
    bits: u64,
    steps: u32,
}

impl Row {
    #[inline(always)]
    fn then(self, next: Row) -> Row {
        Row { bits: self.bits | next.bits << self.steps, steps: self.steps + next.steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// A clock comes every 100 frames, and triggers last 48.
    fn rig(fill: u32, length: u32) -> Rig {
        let mut rig = Rig::new::<Euclid>(48_000.0);
        rig.set("fill", fill as f32).set("length", length as f32);
        rig.feed("clock", |_, frame| if frame % 100 < 30 { 10.0 } else { 0.0 });
        rig
    }

    fn heard(rig: &mut Rig, output: &str, steps: usize) -> String {
        let out = rig.run(100 * steps);
        let volts = out.channel(output, 0);
        volts.chunks(100).map(|step| if step[10] == 10.0 { 'x' } else { '.' }).collect()
    }

    /// As Toussaint writes them.
    const KNOWN: [&str; 26] = [
        "x.",
        "x.x",
        "x.x..",
        "x..",
        "x...",
        "x.xx",
        "x.x.x",
        "x.x.x..",
        "x..x..x.",
        "x..x..x..x.",
        "x..x..x..x..",
        "x.x.x.x",
        "x.x.x.x..",
        "x..x..x..x..x..",
        "x.xxxx",
        "x.xx.xx",
        "x.xx.xx.",
        "x.x.x.x.x",
        "x.x.x.x.x..",
        "x..x.x..x.x.",
        "x..x..x..x..x...",
        "x.xxxxxx",
        "x.xx.x.xx.x.",
        "x..x.x.x..x.x.x.",
        "x.xx.x.x.xx.x.x.",
        "x..x.x.x.x.x..x.x.x.x.x.",
    ];

    fn bits(rhythm: &str) -> (i32, i32, u64) {
        let beat = |(step, is): (usize, char)| u64::from(is == 'x') << step;
        let bits: u64 = rhythm.chars().enumerate().map(beat).sum();
        (bits.count_ones() as i32, rhythm.len() as i32, bits)
    }

    #[test]
    fn its_rhythms_are_those_of_toussaints_table() {
        for rhythm in KNOWN {
            let (beats, steps, bits) = bits(rhythm);
            assert_eq!(spread(beats, steps), bits, "E({beats},{steps}) = {rhythm}");
        }
    }

    #[test]
    fn it_plays_the_rhythm_from_its_first_step() {
        assert_eq!(heard(&mut rig(3, 8), "trigger", 16), "x..x..x.x..x..x.");
        assert_eq!(heard(&mut rig(5, 8), "trigger", 8), "x.xx.xx.");
        assert_eq!(heard(rig(5, 8).set("rotate", 2.0), "trigger", 8), "x.x.xx.x");
        assert_eq!(heard(&mut rig(7, 12), "trigger", 12), "x.xx.x.xx.x.");
        assert_eq!(heard(&mut rig(4, 16), "trigger", 16), "x...x...x...x...");
        assert_eq!(heard(&mut rig(0, 4), "trigger", 4), "....");
        assert_eq!(heard(&mut rig(9, 3), "trigger", 4), "xxxx");
        assert_eq!(heard(&mut rig(3, 8), "rest", 8), ".xx.xx.x");
    }

    #[test]
    fn every_rhythm_is_as_even_as_it_goes_and_begins_with_a_beat() {
        for length in 1..=32 {
            for fill in 1..=length {
                let bits = spread(fill, length);
                assert_eq!(bits.count_ones() as i32, fill);
                assert!(bits & 1 == 1 && bits >> length == 0);
                // It is a rotation of the line that Bresenham draws.
                let is_line = |turn: i32| {
                    (0..length).all(|step| {
                        let on_line = (step + turn) * fill % length < fill;
                        (bits >> step & 1 == 1) == on_line
                    })
                };
                assert!((0..length).any(is_line), "E({fill},{length})");
            }
        }
    }

    #[test]
    fn accents_fall_on_beats_and_last_for_their_step() {
        let mut rig = rig(4, 8);
        rig.set("accents", 2.0).set("rotate", 1.0);
        let out = rig.run(800);
        let accent = out.channel("accent", 0);
        let is_high = |n: usize| (100..200).contains(&(n % 400));
        assert!(accent.iter().enumerate().all(|(n, &v)| v == if is_high(n) { 10.0 } else { 0.0 }));
    }

    #[test]
    fn voltages_move_what_knobs_set() {
        let mut rig = rig(0, 4);
        rig.feed("fill", |_, _| 5.0).feed("length", |_, _| 2.0).feed("rotate", |_, _| 1.25);
        // 4 of 8, one step later.
        assert_eq!(heard(&mut rig, "gate", 8), ".x.x.x.x");
    }

    #[test]
    fn a_reset_and_a_clock_together_land_on_the_first_step() {
        for reset_frame in [280u64, 299, 300, 301] {
            let mut rig = rig(1, 4);
            rig.feed("reset", move |_, frame| if frame == reset_frame { 10.0 } else { 0.0 });
            assert_eq!(heard(&mut rig, "trigger", 8), "x..x...x", "reset at {reset_frame}");
        }
    }
}
