//! Quantizer: any voltage becomes the nearest note of a scale, of twelve notes or of any tuning.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::detent::Detent;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::scale::SCALE_NAMES;
use sostenuto_dsp::scale::{self, KEY_NAMES};
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::tuning::Tuning;
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS, QUANTUM};

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Role, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const TRIGGER: usize = 1;
const ROOT_CV: usize = 2;

const OUT: usize = 0;
const CHANGED: usize = 1;

const SCALE: usize = 0;
const ROOT: usize = 1;
const TRANSPOSE: usize = 2;
/// A switch for each of the twelve notes.
const OWN_NOTES: usize = 3;

/// The scale that the switches make, after those with a name.
const OWN: usize = SCALE_NAMES.len();

/// The notes of its tuning, after that.
const FROM_FILE: usize = OWN + 1;

/// How far past the border to its neighbour a held note reaches, in semitones:
/// 8 mV, so that noise there does not make it chatter.
const REACH_SEMITONES: f32 = 0.1;
/// The same, as a part of the way between its neighbours, where these are near.
const REACH_PART: f32 = 0.05;

/// Stands in the number of the notes where they are a tuning's. The root is in its lowest
/// four bits, and the tuning's fingerprint above these.
const TUNED: u32 = 1 << 31;

/// A border that every voltage is beyond.
const LET_GO: f32 = 1e9;

const SCALES: [&str; FROM_FILE + 1] = {
    let mut names = ["own"; FROM_FILE + 1];
    names[FROM_FILE] = "from file";
    let mut scale = 0;
    while scale < OWN {
        names[scale] = SCALE_NAMES[scale];
        scale += 1;
    }
    names
};

const fn own_note(name: &'static str) -> Param {
    Param::switch(name, true, "Includes this note in the scale \"own\" (with the root at C)")
}

/// The note that each channel holds, and between which semitones it stays.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Quantizer {
    low_semitones: [f32; CHANNELS],
    high_semitones: [f32; CHANNELS],
    note_semitones: [f32; CHANNELS],
    triggers: [Schmitt; CHANNELS],
    /// Frames left of each channel's trigger.
    change_frames: [f32; CHANNELS],
    /// Channels that hold a note at all.
    channels: u32,
    /// The notes that each group of channels is quantized to, as a number.
    notes: [u32; 2],
    root: Detent,
}

impl Module for Quantizer {
    const ABOUT: &'static About = &About {
        name: "quantizer",
        title: "Quantizer",
        summary: "Moves any voltage to the nearest note of a scale",
        aliases: &["scale", "key", "tuning", "scala", "microtonal"],
        tags: &[Tag::Sequencing, Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("in", "Pitch or any voltage, 1 V/octave"),
            port("trigger", "While patched, the note changes only on a trigger"),
            port("root", "Root CV, 1 V/octave: changes the key from a keyboard"),
        ],
        outputs: &[
            port("out", "The nearest note of the scale, 1 V/octave, 0 V = C4"),
            port("trigger", "10 V for 1 ms at every new note"),
        ],
        params: &[
            Param::choice(
                "scale",
                &SCALES,
                1,
                "The notes above the root; own: the switches below; from file: every note of the \
                 tuning",
            ),
            Param::choice("root", &KEY_NAMES, 0, "The root of the scale"),
            Param {
                unit: Unit::Semitones,
                ..Param::steps(
                    "transpose",
                    -24.0..=24.0,
                    0.0,
                    "Transposes by semitones, after the scale",
                )
            },
            own_note("note-c"),
            own_note("note-c-sharp"),
            own_note("note-d"),
            own_note("note-d-sharp"),
            own_note("note-e"),
            own_note("note-f"),
            own_note("note-f-sharp"),
            own_note("note-g"),
            own_note("note-g-sharp"),
            own_note("note-a"),
            own_note("note-a-sharp"),
            own_note("note-b"),
        ],
        bypass: &[(0, 0)],
        // The note of the first channel, in semitones above C4.
        display: 1,
        screen: Some(Screen::Octave),
        text: Some(Text::Tuning),
        role: Some(Role::Quantizer),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        change.all_frames(&mut self.change_frames);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.note_semitones, &channels);
        clear(&mut self.triggers, &channels);
        clear(&mut self.change_frames, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, TRIGGER]);
        self.follow_channels(channels);
        let tuning = Tuning::of(block.clip().samples).filter(|_| block.choice(SCALE) == FROM_FILE);
        let notes = self.scale_notes(block, tuning);
        each_group!(channels, |L, group| self.quantize::<L>(block, group, (&notes, tuning)));
        block.show(0, self.note_semitones[0] + block.param(TRANSPOSE));
    }
}

impl Quantizer {
    #[inline(always)]
    fn quantize<L: Lane>(
        &mut self,
        block: &mut Block,
        group: usize,
        (notes, tuning): (&[u32; QUANTUM], Option<Tuning>),
    ) {
        let (input, trigger) = (block.input(IN), block.input(TRIGGER));
        let transpose = block.param(TRANSPOSE);
        let sample_rate_hz = block.sample_rate_hz;
        let mut change_frames = L::load(&self.change_frames, group);
        for frame in block.frames() {
            let notes = notes[frame];
            if notes != self.notes[group % 2] {
                self.let_go(group, notes);
            }
            let semitones = Lane::clamp(input.get::<L>(group, frame), -100.0, 100.0) * 12.0.into();
            let is_due = if trigger.is_patched() {
                self.take_triggers(trigger.get::<L>(group, frame), group)
            } else {
                [true; LANES]
            };
            let low = L::load(&self.low_semitones, group);
            let high = L::load(&self.high_semitones, group);
            // Above zero where a note is left behind.
            let left = (low - semitones).max(semitones - high).to_lanes();
            if (0..L::WIDTH).any(|lane| is_due[lane] && left[lane] > 0.0) {
                let mut frames = change_frames.to_lanes();
                for lane in 0..L::WIDTH {
                    let channel = group * LANES + lane;
                    if is_due[lane]
                        && left[lane] > 0.0
                        && self.take(channel, around(notes, tuning, semitones.to_lanes()[lane]))
                    {
                        frames[lane] = pulse::frames(sample_rate_hz) as f32;
                    }
                }
                change_frames = L::from_lanes(frames);
            }
            let note = L::load(&self.note_semitones, group) + transpose.into();
            let is_on = change_frames.at_least(1.0.into(), GATE_VOLTS.into(), 0.0.into());
            change_frames = (change_frames - 1.0.into()).max(0.0.into());
            block.output(OUT).put(group, frame, note * (1.0 / 12.0).into());
            block.output(CHANGED).put(group, frame, is_on);
        }
        change_frames.store(&mut self.change_frames, group);
    }

    /// Which channels have a trigger at this frame.
    #[inline(always)]
    fn take_triggers<L: Lane>(&mut self, volts: L, group: usize) -> [bool; LANES] {
        let volts = volts.to_lanes();
        let mut is_due = [false; LANES];
        for lane in 0..L::WIDTH {
            is_due[lane] = self.triggers[(group * LANES + lane) % CHANNELS].rises(volts[lane]);
        }
        is_due
    }

    /// New channels hold no note yet, and what no cable carries is never taken.
    #[inline(always)]
    fn follow_channels(&mut self, channels: usize) {
        let held = self.channels as usize % (CHANNELS + 1);
        for channel in held..channels {
            self.low_semitones[channel] = LET_GO;
        }
        for channel in channels..held {
            self.low_semitones[channel] = -LET_GO;
            self.high_semitones[channel] = LET_GO;
        }
        self.channels = channels as u32;
    }

    /// The notes at each frame: the scale's, turned so that the rightmost bit is C, or
    /// [`TUNED`].
    #[inline(always)]
    fn scale_notes(&mut self, block: &Block, tuning: Option<Tuning>) -> [u32; QUANTUM] {
        let (scale, root) = (block.choice(SCALE), block.choice(ROOT) as i32);
        let own = (0..12).map(|note| (block.is_on(OWN_NOTES + note) as u32) << note).sum();
        let volts = block.input(ROOT_CV);
        let mut notes = [0; QUANTUM];
        for frame in block.frames() {
            let root = root + self.root.follow(12.0 * volts.at(0, frame) + 0.5);
            let root = root.rem_euclid(12) as usize;
            notes[frame] = match (scale, tuning) {
                (FROM_FILE, Some(tuning)) => TUNED | tuning.fingerprint() << 4 | root as u32,
                // Of none, all.
                (FROM_FILE, None) => 0xfff,
                (OWN, _) if own == 0 => 0xfff,
                (OWN, _) => scale::turned(own, root),
                _ => scale::notes(scale, root),
            };
        }
        notes
    }

    /// Another scale lets go of the notes that were held.
    #[inline(always)]
    fn let_go(&mut self, group: usize, notes: u32) {
        let channels = (self.channels as usize).min(CHANNELS);
        let last = ((group + 1) * LANES).min(channels);
        for channel in group * LANES..last {
            self.low_semitones[channel] = LET_GO;
        }
        self.notes[group % 2] = notes;
    }

    /// Takes a note, and holds it between the borders to its neighbours. Whether it is
    /// another one than before.
    #[inline(always)]
    fn take(&mut self, channel: usize, [below, note, above]: [f32; 3]) -> bool {
        let channel = channel % CHANNELS;
        let reach = REACH_SEMITONES.min(REACH_PART * (above - below));
        self.low_semitones[channel] = 0.5 * (note + below) - reach;
        self.high_semitones[channel] = 0.5 * (note + above) + reach;
        let is_other = self.note_semitones[channel] != note;
        self.note_semitones[channel] = note;
        is_other
    }
}

/// The nearest note with the ones below and above it, in semitones above C4.
#[inline(always)]
fn around(notes: u32, tuning: Option<Tuning>, semitones: f32) -> [f32; 3] {
    if let Some(tuning) = tuning.filter(|_| notes & TUNED != 0) {
        let root = (notes & 0xf) as f32;
        let step = tuning.nearest((semitones - root) * (1.0 / 12.0));
        return [step - 1, step, step + 1].map(|step| root + 12.0 * tuning.volts(step));
    }
    let note = scale::nearest(notes, semitones);
    [scale::previous(notes, note), note, scale::next(notes, note)].map(|note| note as f32)
}

#[cfg(test)]
mod tests {
    use sostenuto_dsp::tuning;
    use sostenuto_dsp::tuning::scala::{Mapping, Scale};

    use super::*;
    use crate::rig::Rig;

    fn quantized(scale: &str, root: &str, semitones: f32) -> f32 {
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        rig.choose("scale", scale).choose("root", root);
        rig.feed("in", move |_, _| semitones / 12.0);
        rig.run(1).main()[0] * 12.0
    }

    #[test]
    fn a_voltage_becomes_the_nearest_note() {
        for (scale, root, semitones, note) in [
            ("chromatic", "C", 3.4, 3.0),
            ("chromatic", "C", -3.6, -4.0),
            ("major", "C", 1.2, 2.0),
            ("major", "C", 0.9, 0.0),
            ("major", "D", 0.9, 1.0),
            ("minor", "C", 4.0, 3.0),
            ("blues", "A", 10.0, 9.0),
            ("octaves", "C", -7.0, -12.0),
            ("octaves", "F", -1.5, -7.0),
            ("octaves", "F", -0.5, 5.0),
        ] {
            let out = quantized(scale, root, semitones);
            assert!((out - note).abs() < 1e-4, "{semitones} in {root} {scale}: {out}");
        }
    }

    #[test]
    fn a_note_is_exactly_in_tune() {
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        rig.choose("scale", "chromatic").feed("in", |_, frame| frame as f32 / 12.0 - 4.0 + 0.02);
        for (frame, &volts) in rig.run(120).main().iter().enumerate() {
            let cents = 1200.0 * (f64::from(volts) - (frame as f64 - 48.0) / 12.0);
            assert!(cents.abs() < 0.001, "{frame}: {cents} cents");
        }
    }

    #[test]
    fn noise_at_a_border_does_not_chatter() {
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        // 5 mV up and down around the border between C and C#.
        rig.choose("scale", "chromatic");
        rig.feed("in", |_, frame| 0.5 / 12.0 + if frame % 2 == 0 { 0.005 } else { -0.005 });
        let out = rig.run(1000);
        assert!(out.main().windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_new_note_gives_a_trigger() {
        let mut rig = Rig::new::<Quantizer>(1000.0);
        rig.feed("in", |_, frame| if frame < 50 { 0.01 } else { 0.35 });
        let out = rig.run(100);
        let on: Vec<usize> = (0..100).filter(|&n| out.channel("trigger", 0)[n] == 10.0).collect();
        assert_eq!(on, [50]);
    }

    #[test]
    fn with_a_trigger_patched_a_note_waits_for_it() {
        let mut rig = Rig::new::<Quantizer>(1000.0);
        rig.feed("in", |_, frame| frame as f32 / 12.0).choose("scale", "chromatic");
        rig.feed("trigger", |_, frame| if frame % 10 == 5 { 10.0 } else { 0.0 });
        let out = rig.run(30);
        assert!((out.main()[14] * 12.0 - 5.0).abs() < 1e-4);
        assert!((out.main()[15] * 12.0 - 15.0).abs() < 1e-4);
        assert!((out.main()[24] * 12.0 - 15.0).abs() < 1e-4);
    }

    #[test]
    fn sixteen_channels_are_sixteen_monos() {
        let wave = |channel: usize, frame: u64| ((frame * (channel as u64 + 3)) % 97) as f32 * 0.05;
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        rig.choose("scale", "dorian").choose("root", "F#").set("transpose", -3.0);
        let poly = rig.feed_channels("in", 16, wave).run(500);
        for channel in 0..16 {
            let mut rig = Rig::new::<Quantizer>(48_000.0);
            rig.choose("scale", "dorian").choose("root", "F#").set("transpose", -3.0);
            rig.frame_by_frame().feed("in", move |_, frame| wave(channel, frame));
            let mono = rig.run(500);
            assert_eq!(poly.channel("out", channel), mono.main());
            assert_eq!(poly.channel("trigger", channel), mono.channel("trigger", 0));
        }
    }

    #[test]
    fn own_notes_are_a_scale_and_a_voltage_moves_its_root() {
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        rig.choose("scale", "own").feed("in", |_, _| 4.0 / 12.0);
        for note in ["c-sharp", "d", "d-sharp", "e", "f", "g", "g-sharp", "a", "a-sharp", "b"] {
            rig.choose(&format!("note-{note}"), "off");
        }
        // C and F# alone; then, from the tenth frame on, in D: D and G#.
        rig.feed("root", |_, frame| if frame < 10 { 0.0 } else { 14.0 / 12.0 });
        let out = rig.run(32);
        assert!((out.main()[9] * 12.0 - 6.0).abs() < 1e-4);
        assert!((out.main()[10] * 12.0 - 2.0).abs() < 1e-4);
    }

    /// A Quantizer with the steps of a scale, from file.
    fn tuned(rate_hz: f32, notes: &str) -> Rig {
        let mut rig = Rig::new::<Quantizer>(rate_hz);
        rig.choose("scale", "from file").clip(table(notes), 1, 0.0);
        rig
    }

    fn table(notes: &str) -> Vec<f32> {
        let text = format!("Scale\n{}\n{}", notes.split(' ').count(), notes.replace(' ', "\n"));
        tuning::compile(&Scale::read(&text).unwrap(), &Mapping::LINEAR).unwrap()
    }

    #[test]
    fn a_voltage_becomes_the_nearest_note_of_a_tuning() {
        for (notes, root, semitones, note) in [
            ("350.0 702.0 1200.0", "C", 3.0, 3.5),
            ("350.0 702.0 1200.0", "C", 5.2, 3.5),
            ("350.0 702.0 1200.0", "C", -4.0, -4.98),
            ("350.0 702.0 1200.0", "D", 5.0, 5.5),
            // It repeats after a fifth.
            ("200.0 700.0", "C", 8.8, 9.0),
            ("200.0 700.0", "C", -5.1, -5.0),
        ] {
            let mut rig = tuned(48_000.0, notes);
            rig.choose("root", root).feed("in", move |_, _| semitones / 12.0);
            let out = rig.run(1).main()[0] * 12.0;
            assert!((out - note).abs() < 1e-3, "{semitones} in {notes} on {root}: {out}");
        }
    }

    #[test]
    fn without_a_tuning_there_are_all_twelve_notes() {
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        rig.choose("scale", "from file").feed("in", |_, _| 3.2 / 12.0);
        assert!((rig.run(1).main()[0] * 12.0 - 3.0).abs() < 1e-4);
    }

    #[test]
    fn another_tuning_is_heard_at_once_and_a_scale_by_name_is_not_of_it() {
        let mut rig = tuned(48_000.0, "350.0 1200.0");
        rig.feed("in", |_, _| 3.4 / 12.0);
        let heard = |rig: &mut Rig| (rig.run(32).main()[0] * 1200.0).round();
        assert_eq!(heard(&mut rig), 350.0);
        rig.clip(table("330.0 1200.0"), 1, 0.0);
        assert_eq!(heard(&mut rig), 330.0);
        rig.choose("scale", "chromatic");
        assert_eq!(heard(&mut rig), 300.0);
    }

    #[test]
    fn near_notes_are_held_less_far_and_each_is_reached() {
        // 120 notes of 10 cents, and a voltage that rises through 60 of them.
        let notes: Vec<String> = (1..=120).map(|note| format!("{note}0.0")).collect();
        let mut rig = tuned(48_000.0, &notes.join(" "));
        rig.feed("in", |_, frame| frame as f32 * 1e-3 / 12.0);
        let out = rig.run(6000);
        let mut cents: Vec<i32> =
            out.main().iter().map(|volts| (volts * 1200.0).round() as i32).collect();
        cents.dedup();
        assert_eq!(cents, (0..=60).map(|note| 10 * note).collect::<Vec<_>>());
    }

    #[test]
    fn sixteen_channels_of_a_tuning_are_sixteen_monos_however_they_are_cut() {
        let wave = |channel: usize, frame: u64| ((frame * (channel as u64 + 3)) % 97) as f32 * 0.05;
        let make = || {
            let mut rig = tuned(48_000.0, "119.4 203.9 386.3 701.9 1901.9");
            rig.choose("root", "F#").feed("root", |_, frame| if frame < 99 { 0.0 } else { 0.3 });
            rig
        };
        let poly = make().feed_channels("in", 16, wave).run(500);
        for channel in 0..16 {
            let mut rig = make();
            rig.frame_by_frame().feed("in", move |_, frame| wave(channel, frame));
            assert_eq!(poly.channel("out", channel), rig.run(500).main());
        }
    }

    #[test]
    fn another_scale_is_heard_at_once() {
        let mut rig = Rig::new::<Quantizer>(48_000.0);
        rig.feed("in", |_, _| 4.0 / 12.0);
        assert!((rig.run(32).main()[31] * 12.0 - 4.0).abs() < 1e-4);
        assert!((rig.choose("scale", "minor").run(32).main()[0] * 12.0 - 3.0).abs() < 1e-4);
    }
}
