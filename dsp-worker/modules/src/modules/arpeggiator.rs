//! Arpeggiator: plays the notes of a chord one after the other.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::{Pulse, frames as trigger_frames};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::struck_gate::{StepGate, Strikes};
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};

const VOCT: usize = 0;
const GATE: usize = 1;
const CLOCK: usize = 2;
const RESET: usize = 3;
const HOLD_IN: usize = 4;

const VOCT_OUT: usize = 0;
const GATE_OUT: usize = 1;
const TRIGGER: usize = 2;
const CYCLE: usize = 3;

const ORDER: usize = 0;
const OCTAVES: usize = 1;
const RATCHET: usize = 2;
const LENGTH: usize = 3;
const HOLD: usize = 4;

const UP: usize = 0;
const DOWN: usize = 1;
const UP_DOWN: usize = 2;
const DOWN_UP: usize = 3;
const AS_PLAYED: usize = 4;

/// Beyond any pitch that is of use.
const MOST_VOLTS: f32 = 100.0;

/// The chord, and where in it the arpeggio is.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Arpeggiator {
    random: Random,
    steps: Steps,
    keys: [Key; CHANNELS],
    /// How many keys have gone down so far.
    presses: u32,
    /// How many of them are down.
    down: u32,
    /// The note that is next, counted through all octaves.
    place: u32,
    is_sounding: u32,
    /// Whether the note that sounds is tied to the next one.
    is_tied: u32,
    voct: f32,
    gate: StepGate,
    hold: Schmitt,
    trigger: Pulse,
    cycle: Pulse,
    _unused: u32,
}

/// One channel's key.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Key {
    voct: f32,
    gate: Schmitt,
    /// When it went down, counted in presses from 1; 0 where it does not sound.
    press: u32,
}

/// The notes to play, in their order.
struct Chord {
    voct: [f32; CHANNELS],
    notes: usize,
}

impl Module for Arpeggiator {
    const ABOUT: &'static About = &About {
        name: "arpeggiator",
        title: "Arpeggiator",
        short: "Arp",
        summary: "Plays the notes of a chord one after another: up, down, as played or at random",
        aliases: &["arp"],
        tags: &[Tag::Sequencing],
        inputs: &[
            port("voct", "The notes of the chord, one per channel, 1 V/octave"),
            port("gate", "The gates of the notes, one per channel. On above 1 V"),
            port("clock", "Every rising edge plays the next note"),
            port("reset", "The next clock plays the first note; so does a clock within 1 ms"),
            port("hold", "While on (above 1 V), notes keep playing after their keys are released"),
        ],
        outputs: &[
            port("voct", "The current note, 1 V/octave"),
            port("gate", "10 V while the note lasts"),
            port("trigger", "10 V for 1 ms as a note or a repeat begins"),
            port("end-of-cycle", "10 V for 1 ms as the pattern restarts"),
        ],
        params: &[
            Param::choice(
                "order",
                &["up", "down", "up-down", "down-up", "as played", "random"],
                UP,
                "The order of the notes",
            ),
            Param::steps(
                "octaves",
                1.0..=4.0,
                1.0,
                "The number of octaves that the pattern covers",
            ),
            Param::steps("ratchet", 1.0..=8.0, 1.0, "Repeats of each note within one clock"),
            Param::linear(
                "length",
                0.05..=1.0,
                0.5,
                Unit::Fraction,
                "Note length as part of a clock; at 100 % notes are tied",
            ),
            Param::switch(
                "hold",
                false,
                "Keeps notes playing after their keys are released, until a new chord begins",
            ),
        ],
        bypass: &[(VOCT, VOCT_OUT), (GATE, GATE_OUT)],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        self.gate.change_rate(change);
        self.trigger.change_rate(change);
        self.cycle.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        for frame in block.frames() {
            self.take_keys(block, frame);
            let [clock, reset] = [CLOCK, RESET].map(|port| block.input(port).at(0, frame));
            match self.steps.next(clock, reset, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => {
                    self.place = 0;
                    self.is_sounding = 0;
                    if is_clocked {
                        self.play(block);
                    }
                }
                Step::Next => self.play(block),
            }
            let gate = self.strike(block, frame);
            block.output(VOCT_OUT).put(0, frame, self.voct);
            block.output(GATE_OUT).put(0, frame, if gate { GATE_VOLTS } else { 0.0 });
            block.output(TRIGGER).put(0, frame, self.trigger.volts());
            block.output(CYCLE).put(0, frame, self.cycle.volts());
        }
    }
}

impl Arpeggiator {
    /// Follows every key. With hold, the first key after all were up begins a
    /// new chord.
    #[inline(always)]
    fn take_keys(&mut self, block: &Block, frame: usize) {
        let (voct, gate) = (block.input(VOCT), block.input(GATE));
        let holds = self.hold.follow(block.input(HOLD_IN).at(0, frame)) || block.is_on(HOLD);
        for channel in 0..CHANNELS {
            let volts = if channel < gate.channels() { gate.at(channel, frame) } else { 0.0 };
            let was_on = self.keys[channel].gate.is_on();
            let is_on = self.keys[channel].gate.follow(volts);
            if is_on && !was_on {
                if self.down == 0 && holds {
                    self.keys.iter_mut().for_each(|key| key.press = 0);
                }
                self.down += 1;
                self.presses = self.presses.wrapping_add(1).max(1);
                self.keys[channel].press = self.presses;
            } else if was_on && !is_on {
                self.down = self.down.saturating_sub(1);
            }
            let key = &mut self.keys[channel];
            if is_on {
                key.voct = voct.at(channel, frame).clamp(-MOST_VOLTS, MOST_VOLTS);
            } else if !holds {
                key.press = 0;
            }
        }
    }

    /// Comes to the next note, if any is held.
    #[inline(always)]
    fn play(&mut self, block: &Block) {
        let order = block.choice(ORDER);
        let chord = self.chord(order);
        self.gate.begin(self.is_sounding & self.is_tied != 0);
        self.is_sounding = (chord.notes > 0) as u32;
        if chord.notes == 0 {
            self.place = 0;
            return;
        }
        let octaves = block.choice(OCTAVES).max(1);
        let notes = chord.notes * octaves;
        let turns = matches!(order, UP_DOWN | DOWN_UP) && notes > 1;
        let cycle = if turns { 2 * notes - 2 } else { notes };
        let place = self.place as usize % cycle;
        let index = match order {
            UP | AS_PLAYED => place,
            DOWN => notes - 1 - place,
            UP_DOWN => notes - 1 - (notes - 1).abs_diff(place),
            DOWN_UP => (notes - 1).abs_diff(place),
            _ => ((u64::from(self.random.bits()) * notes as u64) >> 32) as usize,
        };
        if place == 0 {
            self.cycle.start(block.sample_rate_hz);
        }
        self.trigger.start(block.sample_rate_hz);
        self.place = ((place + 1) % cycle) as u32;
        self.voct = chord.voct[index % chord.notes] + (index / chord.notes) as f32;
    }

    /// The notes that sound, by pitch or as they were played.
    #[inline(always)]
    fn chord(&self, order: usize) -> Chord {
        let mut chord = Chord { voct: [0.0; CHANNELS], notes: 0 };
        let mut ranks = [0.0; CHANNELS];
        for key in self.keys.iter().filter(|key| key.press > 0) {
            let age = self.presses.wrapping_sub(key.press);
            let rank = if order == AS_PLAYED { -(age as f32) } else { key.voct };
            let mut at = chord.notes;
            while at > 0 && ranks[at - 1] > rank {
                ranks[at] = ranks[at - 1];
                chord.voct[at] = chord.voct[at - 1];
                at -= 1;
            }
            ranks[at] = rank;
            chord.voct[at] = key.voct;
            chord.notes += 1;
        }
        chord
    }

    /// Whether the gate is on. Strikes the note's repetitions.
    #[inline(always)]
    fn strike(&mut self, block: &Block, frame: usize) -> bool {
        if self.is_sounding == 0 {
            self.gate.rest();
            return false;
        }
        let count = block.choice(RATCHET).max(1) as u32;
        let length = block.ramp(LENGTH).at(frame);
        let has_tempo = self.steps.expected_frames() > 0;
        let is_tied = has_tempo && length >= 1.0 && count == 1;
        self.is_tied = is_tied as u32;
        let strikes = Strikes { count, length, is_tied };
        let gate = self.gate.next(&self.steps, strikes, trigger_frames(block.sample_rate_hz));
        if gate.is_repeated {
            self.trigger.start(block.sample_rate_hz);
        }
        gate.is_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    const CLOCK_FRAMES: usize = 100;

    /// C4, G4 and E4 are held, pressed in the order G, C, E. A clock comes every
    /// 100 frames.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Arpeggiator>(48_000.0);
        let semitones = [0.0, 7.0, 4.0];
        rig.feed_channels("voct", 3, move |channel, _| semitones[channel] / 12.0);
        rig.feed_channels(
            "gate",
            3,
            |channel, frame| {
                if frame >= [5, 0, 10][channel] { 10.0 } else { 0.0 }
            },
        );
        rig.feed("clock", |_, frame| if frame % 100 == 20 { 10.0 } else { 0.0 });
        rig
    }

    /// The semitone in the middle of each clock.
    fn notes(out: &Render) -> Vec<i32> {
        let clocks = out.main()[20..].chunks(CLOCK_FRAMES).filter(|clock| clock.len() > 40);
        clocks.map(|clock| (clock[30] * 12.0).round() as i32).collect()
    }

    fn edges(volts: &[f32]) -> Vec<usize> {
        (1..volts.len()).filter(|&n| volts[n] == 10.0 && volts[n - 1] == 0.0).collect()
    }

    #[test]
    fn every_order_is_as_it_is_called() {
        for (order, octaves, expected) in [
            ("up", 1.0, [0, 4, 7, 0, 4, 7, 0, 4]),
            ("up", 2.0, [0, 4, 7, 12, 16, 19, 0, 4]),
            ("down", 1.0, [7, 4, 0, 7, 4, 0, 7, 4]),
            ("up-down", 1.0, [0, 4, 7, 4, 0, 4, 7, 4]),
            ("down-up", 1.0, [7, 4, 0, 4, 7, 4, 0, 4]),
            ("as played", 1.0, [7, 0, 4, 7, 0, 4, 7, 0]),
        ] {
            let mut rig = rig();
            let out = rig.choose("order", order).set("octaves", octaves).run(800);
            assert_eq!(notes(&out), expected, "{order}");
            assert_eq!(edges(out.channel("trigger", 0)).len(), 8);
        }
        let mut rig = rig();
        let mut heard = notes(&rig.choose("order", "random").set("octaves", 2.0).run(20_000));
        heard.sort_unstable();
        heard.dedup();
        assert_eq!(heard, [0, 4, 7, 12, 16, 19]);
    }

    #[test]
    fn a_ratchet_strikes_evenly_within_its_clock() {
        let mut rig = rig();
        let out = rig.set("ratchet", 4.0).run(420);
        let struck = edges(out.channel("gate", 0));
        assert_eq!(struck[1..], [120, 145, 170, 195, 220, 245, 270, 295, 320, 345, 370, 395]);
        let on = out.channel("gate", 0)[120..220].iter().filter(|&&volts| volts == 10.0).count();
        assert!(on.abs_diff(50) <= 4, "{on}");
    }

    #[test]
    fn length_and_ties() {
        let mut rig = rig();
        let out = rig.set("length", 0.25).run(520);
        assert!(out.channel("gate", 0)[220..245].iter().all(|&volts| volts == 10.0));
        assert!(out.channel("gate", 0)[245..320].iter().all(|&volts| volts == 0.0));
        let mut rig = self::rig();
        let out = rig.set("length", 1.0).run(520);
        assert!(out.channel("gate", 0)[120..].iter().all(|&volts| volts == 10.0));
    }

    #[test]
    fn keys_that_go_up_are_gone_unless_they_are_held() {
        let render = |hold: f32| {
            let mut rig = rig();
            // All go up at 250; one comes again at 450.
            rig.feed_channels("gate", 3, |channel, frame| {
                let is_on = frame < 250 || (channel == 1 && frame >= 450);
                if is_on { 10.0 } else { 0.0 }
            });
            rig.feed("hold", move |_, _| hold).run(720)
        };
        let out = render(0.0);
        assert_eq!(edges(out.channel("gate", 0)), [20, 120, 220, 520, 620]);
        assert_eq!(notes(&out), [0, 4, 7, 7, 7, 7, 7]);
        let out = render(10.0);
        assert_eq!(edges(out.channel("gate", 0)), [20, 120, 220, 320, 420, 520, 620]);
        assert_eq!(notes(&out), [0, 4, 7, 0, 4, 7, 7]);
    }

    #[test]
    fn a_reset_begins_with_the_first_note() {
        let mut rig = rig();
        rig.feed("reset", |_, frame| if frame == 121 { 10.0 } else { 0.0 });
        assert_eq!(notes(&rig.run(520)), [0, 0, 4, 7, 0]);
    }
}
