//! Clips: what a module's text stands for, as numbers that nobody changes.

use bytemuck::{Pod, Zeroable};
use serde::Serialize;

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
    /// [Notes](sostenuto_dsp::notes) of a piano roll. Its clip is a list of them.
    Notes,
    /// Words for people. It has no clip.
    Words,
}

impl Text {
    /// Whether it says where a sound is to be found.
    pub fn is_path(self) -> bool {
        matches!(self, Text::Sound | Text::Wavetable)
    }
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
