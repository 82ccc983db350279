//! Chord: one note in, a chord out, a voice on every channel.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::detent::Detent;
use sostenuto_dsp::lane::{LANES, Lane, Lanes};
use sostenuto_dsp::scale::{self, KEY_NAMES, SCALE_NAMES};
use sostenuto_dsp::schmitt::Schmitt;

use crate::Module;
use crate::module::{About, Block, Screen, Tag, port};
use crate::param::Param;

const VOCT: usize = 0;
const CHORD_CV: usize = 1;
const INVERSION_CV: usize = 2;
const SPREAD_CV: usize = 3;
const TRIGGER: usize = 4;

const ROOT_OUT: usize = 1;

const CHORD: usize = 0;
const INVERSION: usize = 1;
const SPREAD: usize = 2;
const VOICES: usize = 3;
const BUILD: usize = 4;
const SCALE: usize = 5;
const KEY: usize = 6;

const MOST_VOICES: usize = 6;
const MOST_INVERSIONS: i32 = 12;
const IN_SCALE: usize = 1;
/// How much nearer another note of the scale must be to be the root, in
/// semitones: it does not chatter at the border.
const REACH_SEMITONES: f32 = 0.2;

const CHORDS: usize = 20;
const CHORD_NAMES: [&str; CHORDS] = [
    "major",
    "minor",
    "diminished",
    "augmented",
    "sus2",
    "sus4",
    "fifth",
    "6th",
    "7th",
    "major 7th",
    "minor 7th",
    "half-diminished",
    "diminished 7th",
    "7th sus4",
    "add 9",
    "9th",
    "major 9th",
    "minor 9th",
    "minor 11th",
    "fourths",
];

/// Each chord's notes above its root, the most telling first: with fewer voices
/// the fifth is the first that is left out.
const CHORD_NOTES: [&[Note]; CHORDS] = [
    &[n(0, 0), n(4, 2), n(7, 4)],
    &[n(0, 0), n(3, 2), n(7, 4)],
    &[n(0, 0), n(3, 2), n(6, 4)],
    &[n(0, 0), n(4, 2), n(8, 4)],
    &[n(0, 0), n(2, 1), n(7, 4)],
    &[n(0, 0), n(5, 3), n(7, 4)],
    &[n(0, 0), n(7, 4)],
    &[n(0, 0), n(4, 2), n(9, 5), n(7, 4)],
    &[n(0, 0), n(4, 2), n(10, 6), n(7, 4)],
    &[n(0, 0), n(4, 2), n(11, 6), n(7, 4)],
    &[n(0, 0), n(3, 2), n(10, 6), n(7, 4)],
    &[n(0, 0), n(3, 2), n(10, 6), n(6, 4)],
    &[n(0, 0), n(3, 2), n(9, 6), n(6, 4)],
    &[n(0, 0), n(5, 3), n(10, 6), n(7, 4)],
    &[n(0, 0), n(4, 2), n(14, 8), n(7, 4)],
    &[n(0, 0), n(4, 2), n(10, 6), n(14, 8), n(7, 4)],
    &[n(0, 0), n(4, 2), n(11, 6), n(14, 8), n(7, 4)],
    &[n(0, 0), n(3, 2), n(10, 6), n(14, 8), n(7, 4)],
    &[n(0, 0), n(3, 2), n(10, 6), n(17, 10), n(14, 8), n(7, 4)],
    &[n(0, 0), n(5, 3), n(10, 6), n(15, 9)],
];

/// A note of a chord, above its root.
#[derive(Clone, Copy)]
struct Note {
    semitones: i32,
    /// How many notes of a scale that is.
    degrees: i32,
}

const fn n(semitones: i32, degrees: i32) -> Note {
    Note { semitones, degrees }
}

const SPREADS: [&str; 6] = ["close", "drop 2", "drop 3", "drop 2 and 4", "open", "wide"];
const DROP_2: u32 = 1;
const DROP_3: u32 = 2;
const DROP_2_AND_4: u32 = 3;
const OPEN: u32 = 4;
const WIDE: u32 = 5;

/// What is asked for. A chord is worked out anew where any of it changes.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Wish {
    chord: u32,
    inversion: i32,
    spread: u32,
    voices: u32,
    /// The notes of the scale that it is built in; 0 for none.
    scale_notes: u32,
    /// In a scale: the root, in semitones above C4.
    root_note: i32,
}

/// The chord that sounds.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Chord {
    wish: Wish,
    /// Above the root, from the lowest voice up.
    semitones: [f32; LANES],
    root_volts: f32,
    has_chord: u32,
    chord: Detent,
    inversion: Detent,
    spread: Detent,
    trigger: Schmitt,
}

impl Module for Chord {
    const ABOUT: &'static About = &About {
        name: "chord",
        title: "Chord",
        summary: "Builds a chord on one note, for polyphonic voices; free or within a scale",
        aliases: &["harmony", "triad"],
        tags: &[Tag::Sequencing, Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("voct", "The root of the chord, 1 V/octave. Only the first channel counts"),
            port("chord", "Chord CV: each 0.5 V selects the next chord of the list"),
            port("inversion", "Inversion CV: each volt adds one inversion"),
            port("spread", "Spread CV: 10 V covers the full range"),
            port("trigger", "While patched, root and chord change only on a trigger"),
        ],
        outputs: &[
            port("voct", "One channel per voice, 1 V/octave, lowest first"),
            port("root", "The root alone, 1 V/octave, for a bass"),
        ],
        params: &[
            Param::choice("chord", &CHORD_NAMES, 0, "The notes above the root"),
            Param::steps(
                "inversion",
                -5.0..=5.0,
                0.0,
                "Moves that many of the lowest notes up an octave; negative values move the \
                 highest down",
            ),
            Param::choice(
                "spread",
                &SPREADS,
                0,
                "Drop: moves that voice from the top down an octave. Open: moves every second \
                 voice up. Wide: open, with the lowest voice moved down",
            ),
            Param::steps(
                "voices",
                3.0..=MOST_VOICES as f32,
                4.0,
                "The number of voices: with few, the fifth is left out first; with many, notes \
                 repeat an octave higher",
            )
            .steady(),
            Param::choice(
                "build",
                &["free", "in scale"],
                0,
                "Free: the chord as named. In scale: the root moves to the scale, and third, fifth \
                 and seventh follow the scale",
            ),
            Param::choice("scale", &SCALE_NAMES, 1, "The scale that chords are built in"),
            Param::choice("key", &KEY_NAMES, 0, "The root of the scale"),
        ],
        bypass: &[(VOCT, 0), (VOCT, ROOT_OUT)],
        // How many notes there are, then their pitches in volts.
        display: 1 + MOST_VOICES,
        screen: Some(Screen::Notes),
        keeps_time: true,
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let voices = block.choice(VOICES).clamp(3, MOST_VOICES);
        block.output(0).set_channels(voices);
        block.output(ROOT_OUT).set_channels(1);
        let (voct, trigger) = (block.input(VOCT), block.input(TRIGGER));
        for frame in block.frames() {
            let is_due = self.trigger.rises(trigger.at(0, frame)) || !trigger.is_patched();
            if is_due || self.has_chord == 0 {
                self.take(block, frame, voct.at(0, frame).clamp(-100.0, 100.0));
            }
            if self.wish.voices != voices as u32 {
                self.wish.voices = voices as u32;
                self.semitones = self.wish.semitones();
            }
            let above = Lanes::from_lanes(self.semitones) * Lanes::splat(1.0 / 12.0);
            block.output(0).put(0, frame, above + Lanes::splat(self.root_volts));
            block.output(ROOT_OUT).put(0, frame, self.root_volts);
        }
        block.show(0, voices as f32);
        for (voice, semitones) in self.semitones[..voices].iter().enumerate() {
            block.show(1 + voice, self.root_volts + semitones * (1.0 / 12.0));
        }
    }
}

impl Chord {
    /// Takes a new root and, where it is another, a new chord.
    #[inline(always)]
    fn take(&mut self, block: &Block, frame: usize, voct: f32) {
        let cv = |input: usize| block.input(input).at(0, frame);
        let chord = block.choice(CHORD) as i32 + self.chord.follow(2.0 * cv(CHORD_CV));
        let inversion =
            block.param(INVERSION) as i32 + self.inversion.follow(cv(INVERSION_CV) + 0.5);
        let per_volt = SPREADS.len() as f32 * 0.1;
        let spread = block.choice(SPREAD) as i32 + self.spread.follow(per_volt * cv(SPREAD_CV));
        let scale_notes = match block.choice(BUILD) {
            IN_SCALE => scale::notes(block.choice(SCALE), block.choice(KEY)),
            _ => 0,
        };
        let root_note = if scale_notes != 0 { self.root_note(scale_notes, 12.0 * voct) } else { 0 };
        self.root_volts = if scale_notes != 0 { root_note as f32 * (1.0 / 12.0) } else { voct };
        let wish = Wish {
            chord: chord.clamp(0, CHORDS as i32 - 1) as u32,
            inversion: inversion.clamp(-MOST_INVERSIONS, MOST_INVERSIONS),
            spread: spread.clamp(0, SPREADS.len() as i32 - 1) as u32,
            scale_notes,
            root_note,
            ..self.wish
        };
        if wish != self.wish || self.has_chord == 0 {
            self.has_chord = 1;
            self.wish = wish;
            self.semitones = wish.semitones();
        }
    }

    #[inline(always)]
    fn root_note(&self, notes: u32, semitones: f32) -> i32 {
        let nearest = scale::nearest(notes, semitones);
        let held = self.wish.root_note;
        let is_near =
            (semitones - held as f32).abs() <= (semitones - nearest as f32).abs() + REACH_SEMITONES;
        let is_held = notes == self.wish.scale_notes && is_near;
        if is_held { held } else { nearest }
    }
}

impl Wish {
    /// The voices above the root, from the lowest up.
    fn semitones(&self) -> [f32; LANES] {
        let notes = CHORD_NOTES[self.chord as usize % CHORDS];
        let voices = (self.voices as usize).clamp(1, MOST_VOICES);
        let count = notes.len().min(voices);
        let mut voicing = [0; MOST_VOICES];
        for (semitones, note) in voicing.iter_mut().zip(&notes[..count]) {
            *semitones = self.above_root(*note);
        }
        voicing[..count].sort_unstable();
        for _ in 0..self.inversion.clamp(-MOST_INVERSIONS, MOST_INVERSIONS).abs() {
            let moved = if self.inversion > 0 { 0 } else { count - 1 };
            voicing[moved] += 12 * self.inversion.signum();
            voicing[..count].sort_unstable();
        }
        for voice in count..voices {
            voicing[voice] = voicing[voice - count] + 12;
        }
        voicing[..voices].sort_unstable();
        spread(&mut voicing[..voices], self.spread);
        voicing[..voices].sort_unstable();
        let mut semitones = [0.0; LANES];
        for (semitones, note) in semitones.iter_mut().zip(&voicing[..voices]) {
            *semitones = *note as f32;
        }
        semitones
    }

    fn above_root(&self, note: Note) -> i32 {
        if self.scale_notes == 0 {
            return note.semitones;
        }
        let up = |semitone: i32, _: i32| scale::next(self.scale_notes, semitone);
        (0..note.degrees).fold(self.root_note, up) - self.root_note
    }
}

/// Moves some of the voices, sorted from the lowest up, by an octave.
fn spread(voicing: &mut [i32], spread: u32) {
    let voices = voicing.len();
    for (index, note) in voicing.iter_mut().enumerate() {
        let from_top = voices - index;
        let is_second = index % 2 == 1;
        *note += match spread {
            DROP_2 if from_top == 2 => -12,
            DROP_3 if from_top == 3 => -12,
            DROP_2_AND_4 if from_top == 2 || from_top == 4 => -12,
            WIDE if index == 0 => -12,
            OPEN | WIDE if is_second => 12,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    /// The semitones of every voice at the last frame.
    fn semitones(out: &Render) -> Vec<i32> {
        let last = |voice: usize| *out.channel("voct", voice).last().unwrap();
        (0..out.channels("voct")).map(|voice| (12.0 * last(voice)).round() as i32).collect()
    }

    fn chord(name: &str, voices: f32, inversion: f32, spread: &str) -> Vec<i32> {
        let mut rig = Rig::new::<Chord>(48_000.0);
        rig.choose("chord", name).set("voices", voices);
        rig.set("inversion", inversion).choose("spread", spread);
        semitones(&rig.run(1))
    }

    #[test]
    fn chords_are_spelt_as_in_the_books() {
        assert_eq!(chord("major", 3.0, 0.0, "close"), [0, 4, 7]);
        assert_eq!(chord("major", 5.0, 0.0, "close"), [0, 4, 7, 12, 16]);
        assert_eq!(chord("minor 9th", 5.0, 0.0, "close"), [0, 3, 7, 10, 14]);
        assert_eq!(chord("minor 9th", 3.0, 0.0, "close"), [0, 3, 10]);
        assert_eq!(chord("minor 11th", 6.0, 0.0, "close"), [0, 3, 7, 10, 14, 17]);
        assert_eq!(chord("major", 4.0, 1.0, "close"), [4, 7, 12, 16]);
        assert_eq!(chord("major", 3.0, -1.0, "close"), [-5, 0, 4]);
        assert_eq!(chord("major 7th", 4.0, 0.0, "drop 2"), [-5, 0, 4, 11]);
        assert_eq!(chord("major 7th", 4.0, 0.0, "drop 2 and 4"), [-12, -5, 4, 11]);
        assert_eq!(chord("major", 3.0, 0.0, "open"), [0, 7, 16]);
        assert_eq!(chord("major", 3.0, 0.0, "wide"), [-12, 7, 16]);
    }

    fn in_scale(scale: &str, key: &str, chord: &str, root: f32) -> Vec<i32> {
        let mut rig = Rig::new::<Chord>(48_000.0);
        rig.choose("build", "in scale").choose("scale", scale).choose("key", key);
        rig.choose("chord", chord).set("voices", 4.0);
        rig.feed("voct", move |_, _| root / 12.0);
        semitones(&rig.run(1))
    }

    #[test]
    fn in_a_scale_every_chord_is_the_scales_own() {
        assert_eq!(in_scale("major", "C", "7th", 0.0), [0, 4, 7, 11]);
        assert_eq!(in_scale("major", "C", "7th", 2.2), [2, 5, 9, 12]);
        assert_eq!(in_scale("major", "C", "major", 11.0), [11, 14, 17, 23]);
        assert_eq!(in_scale("harmonic minor", "A", "7th", -4.1), [-4, -1, 2, 5]);
        assert_eq!(in_scale("minor pentatonic", "C", "sus2", 0.0), [0, 3, 10, 12]);
    }

    #[test]
    fn free_chords_bend_with_their_root_and_the_root_is_there_alone() {
        let mut rig = Rig::new::<Chord>(48_000.0);
        let out = rig.feed("voct", |_, frame| frame as f32 * 0.01).run(32);
        for frame in 0..32 {
            assert_eq!(out.channel("root", 0)[frame], frame as f32 * 0.01);
            let third = out.channel("voct", 1)[frame] - out.channel("voct", 0)[frame];
            assert!((third - 4.0 / 12.0).abs() < 1e-6, "{third}");
        }
    }

    #[test]
    fn half_a_volt_is_the_next_chord_and_a_volt_the_next_inversion() {
        let mut rig = Rig::new::<Chord>(48_000.0);
        rig.set("voices", 3.0).feed("chord", |_, frame| if frame < 16 { 0.5 } else { 100.0 });
        let out = rig.run(32);
        assert_eq!((out.channel("voct", 1)[15] * 12.0).round(), 3.0);
        assert_eq!(semitones(&out), [0, 5, 10]);
        rig.unplug("chord").feed("inversion", |_, _| -0.8);
        assert_eq!(semitones(&rig.run(32)), [-5, 0, 4]);
    }

    #[test]
    fn with_a_trigger_patched_the_chord_waits_for_it() {
        let mut rig = Rig::new::<Chord>(48_000.0);
        rig.feed("voct", |_, frame| (frame / 10) as f32);
        rig.feed("trigger", |_, frame| if frame % 20 == 15 { 10.0 } else { 0.0 });
        let out = rig.run(40);
        let root = out.channel("root", 0);
        assert_eq!([root[0], root[14], root[15], root[34], root[35]], [0.0, 0.0, 1.0, 1.0, 3.0]);
        assert_eq!(semitones(&out), [36, 40, 43, 48]);
    }

    #[test]
    fn a_root_at_the_border_of_two_notes_does_not_chatter() {
        let mut rig = Rig::new::<Chord>(48_000.0);
        rig.choose("build", "in scale");
        rig.feed("voct", |_, frame| 1.0 / 12.0 + if frame % 2 == 0 { 0.005 } else { -0.005 });
        let out = rig.run(100);
        assert!(out.channel("root", 0).windows(2).all(|pair| pair[0] == pair[1]));
    }
}
