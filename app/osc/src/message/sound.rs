//! Through what the patch plays, and what it hears.

use std::ops::RangeInclusive;

use rosc::OscType;
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, MIN_BLOCK_FRAMES, QUANTUM};

use crate::address::{ANSWER, Address, Arg, Form, REQUEST};
use crate::args::Args;
use crate::field::{Field, MaybeText};
use crate::message::Message;
use crate::message::param::Value;
use crate::unreadable::Unreadable;

message! {
    /// Asks how the sound is played, and what is heard: `/sound` and `/input`.
    Query("/query/sound", REQUEST) {}
}

message! {
    /// How the patch hears the world. Reported with `health`, when it changes.
    #[derive(Default)]
    InputSetup("/input", ANSWER, "default \"Built-in Audio\" 0.021 0h \"\"") {
        /// what is wanted, or `default`, or `none`
        input: String,
        /// the sound card that is heard; empty where none is
        card: String,
        /// from what is heard to its sound
        latency_secs as "latency": f32 ["s", "0 or more"],
        /// times that a stretch was missing or too much, ever
        slips: u64,
        /// empty where one is heard, or no patch has an Audio In
        error: Option<String> as MaybeText,
    }
}

/// How the sound is played, and whether it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundSetup {
    /// The sound card that is wanted, by its id, or `default`, or `silent`.
    pub device: String,
    /// Of the sound.
    pub sample_rate_hz: u32,
    /// Computed in one go.
    pub block_frames: u32,
    /// Blocks computed ahead of the sound card.
    pub ahead: u32,
    /// From an event to its sound.
    pub latency_secs: f32,
    /// Why nothing is heard. `None`: it plays.
    pub error: Option<String>,
}

impl Message for SoundSetup {
    const ADDRESS: Address = Address {
        path: "/sound",
        args: &[
            Arg::new(
                "device",
                Form::Text,
                "",
                "",
                "the sound card that is wanted, or `default`, or `silent`",
            ),
            Arg::new("sample_rate", Form::Int, "Hz", "", "of the sound"),
            Arg::new("block", Form::Int, "frames", "32 to 2048", "computed in one go"),
            Arg::new("ahead", Form::Int, "blocks", "0 to 16", "computed ahead of the sound card"),
            Arg::new("latency", Form::Number, "s", "0 or more", "from an event to its sound"),
            Arg::new("is_playing", Form::Flag, "", "", "whether a sound card plays it"),
            Arg::new("error", Form::Text, "", "", "empty where it does"),
        ],
        example: "/sound default 48000 256 1 0.016 true \"\"",
        help: "How the sound is played. Reported with `health`, when it changes.",
        ..ANSWER
    };

    fn read(args: &mut Args) -> Result<SoundSetup, Unreadable> {
        let device = String::read(args)?;
        let (sample_rate_hz, block_frames) = (u32::read(args)?, u32::read(args)?);
        let (ahead, latency_secs) = (u32::read(args)?, f32::read(args)?);
        let is_playing = bool::read(args)?;
        let error = Some(String::read(args)?).filter(|_| !is_playing);
        Ok(SoundSetup { device, sample_rate_hz, block_frames, ahead, latency_secs, error })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        let SoundSetup { device, sample_rate_hz, block_frames, ahead, latency_secs, error } = self;
        String::write(device, args);
        u32::write(sample_rate_hz, args);
        u32::write(block_frames, args);
        u32::write(ahead, args);
        f32::write(latency_secs, args);
        bool::write(&error.is_none(), args);
        MaybeText::write(error, args);
    }
}

/// What is to be played otherwise. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoundChange {
    /// As in [`SoundSetup::device`].
    pub device: Option<String>,
    /// Of the sound.
    pub sample_rate_hz: Option<u32>,
    /// A multiple of the quantum.
    pub block_frames: Option<u32>,
    /// Blocks computed ahead of the sound card.
    pub ahead: Option<u32>,
    /// As in [`InputSetup::input`].
    pub input: Option<String>,
}

impl Message for SoundChange {
    const ADDRESS: Address = Address {
        path: "/sound/set",
        args: &[
            Arg::new(
                "setting",
                Form::Text,
                "",
                "device, sample_rate, block, ahead, input",
                "what is set",
            )
            .repeated(),
            Arg::new(
                "value",
                Form::Value,
                "Hz, frames or blocks",
                "the setting's",
                "to what; a device by its id, or `default`, or `silent`; an input by its id, or `default`, or `none`",
            )
            .repeated(),
        ],
        example: "/sound/set device silent",
        help: "Plays in another way, without a stop. Another block is not heard; another sample rate takes a moment of silence, and echoes begin anew.",
        ..REQUEST
    };

    fn read(args: &mut Args) -> Result<SoundChange, Unreadable> {
        let settings = args.groups(|args| Ok((String::read(args)?, Value::read(args)?)))?;
        let mut change = SoundChange::default();
        settings.into_iter().try_for_each(|(name, value)| change.set(&name, value))?;
        Ok(change)
    }

    fn write(&self, args: &mut Vec<OscType>) {
        let SoundChange { device, sample_rate_hz, block_frames, ahead, input } = self;
        let words = [("device", device), ("input", input)];
        let words = words.into_iter().filter_map(|(name, id)| Some((name, id.clone()?)));
        let words = words.map(|(name, id)| (name, Value::Word(id)));
        let numbers = [("sample_rate", sample_rate_hz), ("block", block_frames), ("ahead", ahead)];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, (*number)?)));
        let numbers = numbers.map(|(name, number)| (name, Value::Number(number as f32)));
        for (name, value) in words.chain(numbers) {
            args.push(name.into());
            Value::write(&value, args);
        }
    }
}

impl SoundChange {
    fn set(&mut self, name: &str, value: Value) -> Result<(), Unreadable> {
        match (name, value) {
            ("device", Value::Word(id)) => self.device = Some(id),
            ("input", Value::Word(id)) => self.input = Some(id),
            ("sample_rate", Value::Number(rate)) => {
                let range = "8000 to 384000 Hz";
                self.sample_rate_hz = Some(within(rate, RATES_HZ, 1, "sample_rate", range)?);
            }
            ("block", Value::Number(frames)) => {
                let range = "a multiple of 32, from 32 to 2048";
                let quantum = QUANTUM as u32;
                self.block_frames = Some(within(frames, BLOCKS_FRAMES, quantum, "block", range)?);
            }
            ("ahead", Value::Number(blocks)) => {
                self.ahead = Some(within(blocks, 0..=16, 1, "ahead", "0 to 16")?);
            }
            _ => {
                let range = "device, sample_rate, block, ahead, input";
                return Err(Unreadable::OutOfRange { name: "setting", range });
            }
        }
        Ok(())
    }
}

/// What a sound card may be asked for.
const RATES_HZ: RangeInclusive<u32> = 8_000..=384_000;
const BLOCKS_FRAMES: RangeInclusive<u32> = MIN_BLOCK_FRAMES as u32..=MAX_BLOCK_FRAMES as u32;

/// A whole number, if it is a multiple and in its range.
fn within(
    number: f32,
    values: RangeInclusive<u32>,
    multiple_of: u32,
    name: &'static str,
    range: &'static str,
) -> Result<u32, Unreadable> {
    let whole = number as u32;
    let fits =
        whole as f32 == number && values.contains(&whole) && whole.is_multiple_of(multiple_of);
    if fits { Ok(whole) } else { Err(Unreadable::OutOfRange { name, range }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Request;
    use crate::testing::{read, refused};

    #[test]
    fn the_sound_is_set_by_names_and_what_is_not_named_stays() {
        let Request::SetSound(change) = read("/sound/set block 64 device silent") else {
            panic!("a setting")
        };
        let device = Some("silent".into());
        assert_eq!(
            change,
            SoundChange { device, block_frames: Some(64), ..SoundChange::default() }
        );
        assert!(refused("/sound/set block 65").contains("a multiple of 32"));
        assert!(refused("/sound/set block 4096").contains("to 2048"));
        assert!(refused("/sound/set ahead 17").contains("0 to 16"));
        assert!(refused("/sound/set sample_rate 1").contains("8000 to"));
        assert!(refused("/sound/set volume 1").contains("device, sample_rate"));
        assert!(refused("/sound/set block").contains("`value` is missing"));
    }
}
