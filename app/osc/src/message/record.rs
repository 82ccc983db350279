//! Recording what is heard.

use std::path::PathBuf;

use rosc::OscType;

use crate::address::{Address, Arg, Count, Form, REPORT, REQUEST};
use crate::args::Args;
use crate::field::{Field, MaybeText};
use crate::message::Message;
use crate::unreadable::Unreadable;

message! {
    /// Records what is heard from now on. The file gets its name when it is done; at 4 GiB, and where
    /// the sample rate changes, the recording goes on in another.
    Start("/record/start", REQUEST, "/home/ada/rain.wav s24") {
        /// the file: FLAC where it is called `.flac`, else WAV
        path: PathBuf ["", "a whole path, of no file"],
        /// how samples lie in the file; s24 and s16 are dithered, and f32 is for WAV alone
        format: WavFormat,
    }
}

message! {
    /// Ends the recording. The patch is saved beside it.
    Stop("/record/stop", REQUEST) {}
}

message! {
    /// Saves what was heard before, whether it was recorded or not, and the patch beside it. Nothing
    /// is stopped for it.
    SaveLast("/record/save-last", REQUEST, "/home/ada/that-was-good.wav s24 60.0") {
        /// the file: FLAC where it is called `.flac`, else WAV
        path: PathBuf ["", "a whole path, of no file"],
        /// how samples lie in the file; s24 and s16 are dithered, and f32 is for WAV alone
        format: WavFormat,
        /// how much; without it, all that is remembered
        secs as "seconds": Option<f64> as UpToAnHour ["s", "up to 3600"],
    }
}

message! {
    /// A recording is done. Reported with `recorder`.
    Recorded("/recorded", REPORT, "/home/ada/rain.wav 62.5 0.7") {
        /// the file
        path: PathBuf ["", ""],
        /// how long it is
        secs as "seconds": f64 ["s", "0 or more"],
        /// its loudest sample
        peak: f32 ["of full scale", "0 to 1"],
    }
}

/// How samples lie in a WAV or FLAC file.
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

impl Field for WavFormat {
    const FORM: Form = Form::Text;
    const RANGE: &'static str = "f32, s24, s16";

    fn read(args: &mut Args) -> Result<WavFormat, Unreadable> {
        args.word(&WavFormat::ALL, WavFormat::word)
    }

    fn write(value: &WavFormat, args: &mut Vec<OscType>) {
        args.push(value.word().into());
    }
}

struct UpToAnHour;

impl Field<Option<f64>> for UpToAnHour {
    const FORM: Form = Form::Number;
    const COUNT: Count = Count::Optional;

    fn read(args: &mut Args) -> Result<Option<f64>, Unreadable> {
        let secs = Option::<f64>::read(args)?;
        let fits = secs.is_none_or(|secs| secs > 0.0 && secs <= 3600.0);
        if fits { Ok(secs) } else { Err(args.out_of_range()) }
    }

    fn write(value: &Option<f64>, args: &mut Vec<OscType>) {
        Option::<f64>::write(value, args);
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

impl Message for RecorderStatus {
    const ADDRESS: Address = Address {
        path: "/recorder",
        args: &[
            Arg::new("is_recording", Form::Flag, "", "", "whether a file is being recorded"),
            Arg::new("path", Form::Text, "", "", "the file that is being recorded, or empty"),
            Arg::new("seconds", Form::Number, "s", "0 or more", "how long it is"),
            Arg::new(
                "remembered",
                Form::Number,
                "s",
                "0 or more",
                "what `/record/save-last` could save",
            ),
            Arg::new(
                "dropped",
                Form::Long,
                "frames",
                "0 or more",
                "that came too fast, ever: they are silent",
            ),
        ],
        example: "/recorder true /home/ada/rain.wav 12.5 600.0 0h",
        help: "What the recorder does. Reported with `recorder`, four times a second.",
        ..REPORT
    };

    fn read(args: &mut Args) -> Result<RecorderStatus, Unreadable> {
        let is_recording = bool::read(args)?;
        let path: Option<PathBuf> = MaybeText::read(args)?;
        Ok(RecorderStatus {
            path: path.filter(|_| is_recording),
            secs: f64::read(args)?,
            remembered_secs: f64::read(args)?,
            dropped_frames: u64::read(args)?,
        })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        let RecorderStatus { path, secs, remembered_secs, dropped_frames } = self;
        bool::write(&path.is_some(), args);
        MaybeText::write(path, args);
        f64::write(secs, args);
        f64::write(remembered_secs, args);
        u64::write(dropped_frames, args);
    }
}
