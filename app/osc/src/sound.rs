//! Where the sound goes, and what is kept of it: plain data, for whoever shows
//! or sets it.

use std::path::PathBuf;

/// How samples lie in a WAV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WavFormat {
    /// 32 bits, floating point: as they were computed.
    F32,
    /// 24 bits, with dither.
    #[default]
    S24,
    /// 16 bits, with dither.
    S16,
}

impl WavFormat {
    /// All of them.
    pub const ALL: [WavFormat; 3] = [WavFormat::F32, WavFormat::S24, WavFormat::S16];

    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            WavFormat::F32 => "f32",
            WavFormat::S24 => "s24",
            WavFormat::S16 => "s16",
        }
    }

    /// Of a sample.
    pub const fn bits(self) -> u16 {
        match self {
            WavFormat::F32 => 32,
            WavFormat::S24 => 24,
            WavFormat::S16 => 16,
        }
    }
}

/// What the recorder does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecorderStatus {
    /// The file that is being recorded. `None`: none is.
    pub path: Option<PathBuf>,
    /// How long it is by now.
    pub secs: f64,
    /// How much of what was heard is remembered.
    pub remembered_secs: f64,
    /// Frames that came faster than they could be kept, ever. They are silent.
    pub dropped_frames: u64,
}

/// A file that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Which.
    pub path: PathBuf,
    /// How long it is.
    pub secs: f64,
    /// Its loudest sample; full scale is 1.
    pub peak: f32,
}

/// How the sound is played, and whether it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundSetup {
    /// The sound card that is wanted, by its id, or `default`, or `silent`.
    pub device: String,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Computed in one go.
    pub block_frames: u32,
    /// Blocks computed ahead of the sound card.
    pub ahead: u32,
    /// From an event to its sound.
    pub latency_secs: f32,
    /// Why nothing is heard. `None`: it plays.
    pub why_not: Option<String>,
}

/// What is to be played otherwise. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoundChange {
    /// As in [`SoundSetup::device`].
    pub device: Option<String>,
    /// In Hz.
    pub sample_rate_hz: Option<u32>,
    /// A multiple of the quantum.
    pub block_frames: Option<u32>,
    /// Blocks computed ahead of the sound card.
    pub ahead: Option<u32>,
    /// As in [`InputSetup::input`].
    pub input: Option<String>,
}

/// How the patch hears the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputSetup {
    /// What is wanted: a card's id, or `default`, or `none`.
    pub input: String,
    /// The card that is heard. Empty: none is, or no patch wants it.
    pub card: String,
    /// From what is heard to its sound.
    pub latency_secs: f32,
    /// Times that a stretch was missing or too much.
    pub slips: u64,
    /// Why none is heard, where a patch wants it.
    pub why_not: Option<String>,
}

/// A sound card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What settings take.
    pub id: String,
    /// What a musician calls it.
    pub name: String,
    /// Whether it is the system's choice.
    pub is_default: bool,
}

/// A worker that was killed on request, and what became of its work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Killed {
    /// Its process.
    pub pid: u32,
    /// Its share of the patch.
    pub slot: u32,
    /// From its death to the first result of who took its place.
    pub recovery_secs: f64,
    /// Blocks that were not there in time meanwhile: 0 where nobody heard it.
    pub xruns: u64,
}
