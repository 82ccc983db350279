//! Clips: what a module's text stands for, as numbers that nobody changes.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use serde::Serialize;
use sostenuto_dsp::notes;

/// What a module's text is, and so what its host makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Text {
    /// The path of a sound, or `factory:name.wav`. Its clip is the sound, in
    /// volts: full scale is [`FULL_SCALE_CLIP_VOLTS`](sostenuto_dsp::units::FULL_SCALE_CLIP_VOLTS).
    Sound,
    /// The path of a sound as well: of cycles one behind the other. Its clip is a
    /// [table](sostenuto_dsp::wavetable::table) of them.
    Wavetable,
    /// A [formula](sostenuto_dsp::formula). Its clip is the code of it.
    Formula,
    /// [Notes](sostenuto_dsp::notes) of a piano roll. Its clip is a list of them, in the
    /// tuning that lines among them name.
    Notes,
    /// The paths of Scala files, or `factory:name.scl`, a line each: one of a scale, one of a
    /// keyboard mapping, or both. Its clip is a [tuning](sostenuto_dsp::tuning).
    Tuning,
    /// A [module of one's own](crate::own). Its clip is its machine code.
    Code,
    /// Where knobs of other modules stand beat by beat, for the host. It has no clip.
    Automation,
    /// Words for people. It has no clip.
    Words,
}

/// What the name of a keyboard mapping ends in. Any other file of a tuning is a scale.
const MAPPING: &str = ".kbm";

impl Text {
    /// Whether it says where a sound is to be found.
    pub fn is_sound(self) -> bool {
        matches!(self, Text::Sound | Text::Wavetable)
    }

    /// Whether its clip takes long to be made.
    pub fn takes_long(self, text: &str) -> bool {
        self == Text::Code || !self.files(text).is_empty()
    }

    /// Whether it may say where a tuning is to be found.
    pub fn takes_tuning(self) -> bool {
        matches!(self, Text::Notes | Text::Tuning)
    }

    /// Where the names of files stand in a text of this kind, from left to right.
    pub fn files(self, text: &str) -> Vec<Range<usize>> {
        match self {
            Text::Sound | Text::Wavetable => parts(text, std::iter::once(text)),
            Text::Notes => parts(text, text.lines().filter_map(notes::tuning_of)),
            Text::Tuning => parts(text, text.lines().map(str::trim)),
            Text::Formula | Text::Code | Text::Automation | Text::Words => Vec::new(),
        }
    }

    /// The files of the tuning that a text of this kind names, a line each.
    pub fn tuning(self, text: &str) -> String {
        if !self.takes_tuning() {
            return String::new();
        }
        let files: Vec<&str> = self.files(text).into_iter().map(|file| &text[file]).collect();
        files.join("\n")
    }

    /// The text with another tuning, whose files stand a line each; empty for none.
    pub fn with_tuning(self, text: &str, tuning: &str) -> String {
        if self != Text::Notes {
            return tuning.to_owned();
        }
        let tunings = tuning.lines().map(notes::tuning_line);
        let notes = text.lines().filter(|line| notes::tuning_of(line).is_none());
        let lines: Vec<String> = tunings.chain(notes.map(str::to_owned)).collect();
        lines.join("\n")
    }
}

/// Whether a file of a tuning is a keyboard mapping, by its name.
pub fn is_mapping(file: &str) -> bool {
    let ending = file.len().checked_sub(MAPPING.len()).and_then(|start| file.get(start..));
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case(MAPPING))
}

/// A tuning with another file: a scale in the place of its scale, a keyboard mapping in the
/// place of its mapping.
pub fn retuned(tuning: &str, file: &str) -> String {
    let kept = tuning.lines().filter(|other| is_mapping(other) != is_mapping(file));
    let files: Vec<&str> = std::iter::once(file).chain(kept).collect();
    files.join("\n")
}

fn parts<'a>(text: &'a str, parts: impl Iterator<Item = &'a str>) -> Vec<Range<usize>> {
    let start = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(|part| start(part)..start(part) + part.len()).collect()
}

/// Channels that a sound has at most.
pub const MAX_CLIP_CHANNELS: usize = 8;

/// Numbers that a host has made of a module's text. They change only as a
/// whole, between two blocks, when the text does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clip<'a> {
    /// Channel after channel, each as long as the other.
    pub samples: &'a [f32],
    /// How many channels there are; 0 where there is no clip.
    pub channels: usize,
    /// In Hz; 0 where it is no sound.
    pub sample_rate_hz: f32,
    /// Where the sound's file has it go round: the first frame and the frame
    /// after the last, as parts of its length. Both 0: nowhere.
    pub loop_part: [f64; 2],
    /// The note that the sound plays, by its file, in cents above C4; 0 where it
    /// names none.
    pub root_cents: i32,
}

impl<'a> Clip<'a> {
    /// Whether there is nothing: no text, or none that could be read.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.frames() == 0
    }

    /// How long each channel is.
    #[inline(always)]
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels.max(1)
    }

    /// One channel; the last one for a number above it. Empty where there is no
    /// clip.
    #[inline(always)]
    pub fn channel(&self, channel: usize) -> &'a [f32] {
        let frames = self.frames();
        let start = channel.min(self.channels.max(1) - 1) * frames;
        self.samples.get(start..start + frames).unwrap_or_default()
    }
}

/// Where a module's clip lies in the arena: beside the memory of modules, where
/// no worker may write. All zeros: it has none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct ClipSpan {
    /// In bytes from the arena's start.
    pub memory: u64,
    /// Of all channels together.
    pub samples: u32,
    /// How many channels.
    pub channels: u32,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// See [`Clip::root_cents`].
    pub root_cents: i32,
    /// See [`Clip::loop_part`].
    pub loop_part: [f64; 2],
}

impl ClipSpan {
    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        4 * self.samples as usize
    }

    /// The clip whose samples lie there.
    #[inline(always)]
    pub fn clip<'a>(&self, samples: &'a [f32]) -> Clip<'a> {
        // A letter from a stranger.
        let channels = (self.channels as usize).min(samples.len());
        Clip {
            samples,
            channels,
            sample_rate_hz: self.sample_rate_hz as f32,
            loop_part: self.loop_part,
            root_cents: self.root_cents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_texts_of_every_kind() {
        let files = |form: Text, text: &'static str| -> Vec<&str> {
            form.files(text).into_iter().map(|file| &text[file]).collect()
        };
        assert_eq!(files(Text::Sound, "/a b.wav"), ["/a b.wav"]);
        assert_eq!(files(Text::Wavetable, ""), [""; 0]);
        assert_eq!(files(Text::Tuning, "/é.scl\n\n  m.KBM\r\n"), ["/é.scl", "m.KBM"]);
        let notes = "0 1 C4\n tuning  /a b.scl \n1 1 E4\ntuning m.kbm";
        assert_eq!(files(Text::Notes, notes), ["/a b.scl", "m.kbm"]);
        assert_eq!(files(Text::Words, "/a.wav"), [""; 0]);
    }

    #[test]
    fn a_tuning_is_given_to_notes_and_taken_from_them() {
        let notes = "0 1 C4; 1 1 E4\n2 1 G4";
        let tuned = Text::Notes.with_tuning(notes, "/a.scl\n/m.kbm");
        assert_eq!(Text::Notes.tuning(&tuned), "/a.scl\n/m.kbm");
        let other = Text::Notes.with_tuning(&tuned, "/b.scl");
        assert_eq!(Text::Notes.tuning(&other), "/b.scl");
        assert_eq!(Text::Notes.with_tuning(&other, ""), notes);
        assert_eq!(Text::Tuning.with_tuning("/a.scl", "/b.scl"), "/b.scl");
        assert_eq!(Text::Sound.tuning("/a.wav"), "");
    }

    #[test]
    fn a_scale_replaces_a_scale_and_a_mapping_a_mapping() {
        assert_eq!(retuned("", "/a.scl"), "/a.scl");
        assert_eq!(retuned("/a.scl\n/m.kbm", "/b.SCL"), "/b.SCL\n/m.kbm");
        assert_eq!(retuned("/a.scl\n/m.kbm", "/n.KBM"), "/n.KBM\n/a.scl");
        assert!(!is_mapping("kbm") && !is_mapping("é") && is_mapping("é.kbm"));
    }

    #[test]
    fn channels_lie_one_after_another() {
        let clip = Clip {
            samples: &[1.0, 2.0, 3.0, 4.0],
            channels: 2,
            sample_rate_hz: 8000.0,
            ..Clip::default()
        };
        assert_eq!((clip.frames(), clip.is_empty()), (2, false));
        assert_eq!([0, 1, 7].map(|n| clip.channel(n)), [[1.0, 2.0], [3.0, 4.0], [3.0, 4.0]]);
        let none = Clip::default();
        assert!(none.is_empty() && none.channel(3).is_empty());
        let garbled = ClipSpan { channels: 9, ..ClipSpan::default() };
        assert!(garbled.clip(&[]).is_empty());
    }
}
