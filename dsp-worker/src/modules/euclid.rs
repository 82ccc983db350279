//! Euclid: so many beats in so many steps, as evenly as they go.

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::pulse::Pulse;
use crate::dsp::steps::{Step, Steps};
use crate::module::{About, Block, Tag, port};
use crate::param::Param;
use crate::units::GATE_VOLTS;

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
        summary: "Spreads beats over steps as evenly as they go: rhythms from all over the world",
        tags: &[Tag::Sequencing],
        inputs: &[
            port("clock", "Every rising edge plays the next step; its length is the gate's length"),
            port("reset", "A trigger goes to the first step; a clock within 1 ms belongs to it"),
            port("fill", "More or fewer beats: 10 V is as many as there are steps"),
            port("length", "More or fewer steps: each volt is two"),
            port("rotate", "Turns the rhythm: 10 V once around"),
            port("accents", "More or fewer accents: 10 V is as many as there are beats"),
        ],
        outputs: &[
            port("gate", "10 V while the clock is on, at a beat"),
            port("trigger", "10 V for 1 ms at a beat"),
            port("accent", "10 V from a beat that has an accent to the next step"),
            port("rest", "10 V for 1 ms at a step that is no beat"),
            port("end-of-cycle", "10 V for 1 ms as the steps begin anew"),
        ],
        params: &[
            Param::steps("fill", 0.0..=32.0, 5.0, "How many beats there are"),
            Param::steps("length", 1.0..=32.0, 8.0, "How many steps they are spread over"),
            Param::steps("rotate", 0.0..=31.0, 0.0, "By how many steps the rhythm comes later"),
            Param::steps(
                "accents",
                0.0..=32.0,
                0.0,
                "How many of the beats have an accent, as evenly as they go",
            ),
        ],
        bypass: &[],
        // The step that it is at, from 0; -1 before the first clock.
        display: 1,
    };

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
        let step = (self.step - rhythm.rotate).rem_euclid(rhythm.length);
        let is_beat = is_beat(step, rhythm.fill, rhythm.length);
        let beat = beat_at(step, rhythm.fill, rhythm.length);
        self.is_playing = 1;
        self.is_beat = is_beat as u32;
        self.is_accented =
            (is_beat && self::is_beat(beat, rhythm.accents, rhythm.fill.max(1))) as u32;
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

/// Whether a beat falls on that step. It is Bresenham's line, whose rhythms are
/// those of Euclid's algorithm, but for where they begin: Toussaint, "The
/// Euclidean algorithm generates traditional musical rhythms", BRIDGES 2005.
#[inline(always)]
fn is_beat(step: i32, fill: i32, length: i32) -> bool {
    step * fill % length < fill
}

/// Which of the beats, from 0, falls on that step.
#[inline(always)]
fn beat_at(step: i32, fill: i32, length: i32) -> i32 {
    step * fill / length
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

    #[test]
    fn its_rhythms_are_known_by_name() {
        // Tresillo; cinquillo, bembé and samba from another of their beats.
        assert_eq!(heard(&mut rig(3, 8), "trigger", 16), "x..x..x.x..x..x.");
        assert_eq!(heard(&mut rig(5, 8), "trigger", 8), "x.x.xx.x");
        assert_eq!(heard(&mut rig(7, 12), "trigger", 12), "x.x.x.xx.x.x");
        assert_eq!(heard(&mut rig(4, 16), "trigger", 16), "x...x...x...x...");
        assert_eq!(heard(&mut rig(0, 4), "trigger", 4), "....");
        assert_eq!(heard(&mut rig(9, 3), "trigger", 4), "xxxx");
        assert_eq!(heard(&mut rig(3, 8), "rest", 8), ".xx.xx.x");
    }

    #[test]
    fn every_rhythm_is_as_even_as_it_goes() {
        for length in 1..=32 {
            for fill in 1..=length {
                let beats: Vec<i32> =
                    (0..2 * length).filter(|s| is_beat(s % length, fill, length)).collect();
                assert_eq!(beats.len() as i32, 2 * fill);
                let gaps = beats.windows(2).map(|pair| pair[1] - pair[0]);
                assert!(gaps.clone().max().unwrap() - gaps.clone().min().unwrap() <= 1);
                for (n, &step) in beats.iter().enumerate().take(fill as usize) {
                    assert_eq!(beat_at(step, fill, length), n as i32);
                }
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
