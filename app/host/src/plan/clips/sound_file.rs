//! Reads a sound's file, whatever it is called: WAV, AIFF, FLAC, OGG Vorbis and
//! MP3. Everything is decoded by `symphonia`; of WAV and AIFF we find the samples
//! ourselves, see [`raw`].

use std::fs;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;

use sostenuto_modules::clip::MAX_CLIP_CHANNELS;
use sostenuto_patch::disk;
use sostenuto_patch::sounds::FORMATS;
use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::{get_codecs, register_enabled_formats};
use thiserror::Error;

mod raw;

use raw::Raw;

/// Seconds of a sound that are kept.
const MOST_SECS: u64 = 600;
/// Samples of all its channels that are kept.
const MOST_SAMPLES: u64 = if cfg!(windows) { 1 << 24 } else { 1 << 26 };
/// The highest sample rate that is believed, in Hz.
const MOST_HZ: u32 = 1_000_000;
/// Bytes of samples that are decoded at a time.
const PACKET_BYTES: u64 = 1 << 16;
/// Bytes before the beginning of a FLAC, OGG or MP3 stream that are passed over.
/// A file of something else is not searched for what looks like one.
const MOST_JUNK_BYTES: u32 = 4096;

/// A sound as its file has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// Channel after channel, each as long as the other. Full scale is 1.
    pub channels: Vec<Vec<f32>>,
    /// The sample rate, in Hz.
    pub rate_hz: u32,
    /// Whether the sound is longer than what is kept of it.
    pub is_longer: bool,
    /// Whether the file ends before its sound does, or a part of it cannot be read.
    pub is_damaged: bool,
}

/// Why a file has no sound that can be played.
#[derive(Debug, Error)]
pub enum SoundError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is not a regular file")]
    NoFile,
    #[error("it is not a {FORMATS} file")]
    Unknown,
    #[error("this kind of file is not supported: {0}")]
    Unsupported(String),
    #[error("the file is damaged: {0}")]
    Damaged(String),
    #[error("there is no sound in it")]
    Empty,
}

impl From<Error> for SoundError {
    fn from(error: Error) -> SoundError {
        match error {
            Error::IoError(error) if error.kind() != ErrorKind::UnexpectedEof => error.into(),
            Error::IoError(_) => SoundError::Damaged("it ends too early".to_owned()),
            Error::Unsupported(what) => SoundError::Unsupported(what.to_owned()),
            error => SoundError::Damaged(error.to_string()),
        }
    }
}

/// Reads the sound in a file. Not real-time.
///
/// # Errors
/// Where there is none that can be read.
pub fn read(path: &Path) -> Result<Sound, SoundError> {
    // Asked first, for its own sentence.
    if !fs::metadata(path)?.is_file() {
        return Err(SoundError::NoFile);
    }
    decode(Box::new(disk::open(path)?))
}

/// Reads a sound that comes with the program.
///
/// # Errors
/// As in [`read`].
pub fn read_bytes(bytes: &'static [u8]) -> Result<Sound, SoundError> {
    decode(Box::new(Cursor::new(bytes)))
}

fn decode(source: Box<dyn MediaSource>) -> Result<Sound, SoundError> {
    // A decoder that panics on a damaged file must not end the thread that reads
    // all the other sounds.
    let sound = catch_unwind(AssertUnwindSafe(|| decode_any(source)));
    let sound =
        sound.unwrap_or_else(|_| Err(SoundError::Damaged("decoding it fails".to_owned())))?;
    if sound.frames() == 0 { Err(SoundError::Empty) } else { Ok(sound) }
}

fn decode_any(mut source: Box<dyn MediaSource>) -> Result<Sound, SoundError> {
    if let Some(raw) = raw::find(&mut *source)? {
        return read_raw(&mut *source, &raw);
    }
    source.rewind()?;
    read_stream(source)
}

impl Sound {
    fn new(channels: usize, rate_hz: u32) -> Result<Sound, SoundError> {
        if channels == 0 {
            return Err(SoundError::Damaged("it has no channels".to_owned()));
        }
        if !(1..=MOST_HZ).contains(&rate_hz) {
            return Err(SoundError::Damaged(format!("its sample rate is {rate_hz} Hz")));
        }
        let channels = vec![Vec::new(); channels.min(MAX_CLIP_CHANNELS)];
        Ok(Sound { channels, rate_hz, ..Sound::default() })
    }

    /// How long each channel is.
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Frames that are kept at most.
    fn most_frames(&self) -> u64 {
        (MOST_SECS * u64::from(self.rate_hz)).min(MOST_SAMPLES / self.channels.len() as u64)
    }

    /// Takes frames, `of` samples each; `false` once there is room for no more.
    fn push(&mut self, interleaved: &[f32], of: usize) -> bool {
        let room = self.most_frames() as usize - self.frames();
        let frames = interleaved.len() / of;
        self.is_longer |= frames > room;
        for (number, channel) in self.channels.iter_mut().enumerate() {
            let samples = interleaved.chunks_exact(of).map(|frame| frame[number]);
            let finite = samples.map(|sample| if sample.is_finite() { sample } else { 0.0 });
            channel.extend(finite.take(room));
        }
        !self.is_longer
    }
}

/// Decodes samples that lie in a file as they are.
fn read_raw(source: &mut dyn MediaSource, raw: &Raw) -> Result<Sound, SoundError> {
    let mut sound = Sound::new(raw.channels.into(), raw.rate_hz)?;
    sound.is_damaged = raw.is_cut_short;
    let blocks = (PACKET_BYTES / raw.block_bytes).max(1);
    let mut params = AudioCodecParameters::new();
    params.for_codec(raw.codec).with_sample_rate(raw.rate_hz);
    params.with_channels(Channels::Discrete(raw.channels));
    params.with_frames_per_block(raw.block_frames);
    params.with_max_frames_per_packet(blocks * raw.block_frames);
    let mut decoder = get_codecs().make_audio_decoder(&params, &Default::default())?;
    let mut room = Vec::<f32>::new();
    let most = (raw.blocks * raw.block_frames).min(sound.most_frames()) as usize;
    sound.channels.iter_mut().for_each(|channel| channel.reserve_exact(most));
    source.seek(SeekFrom::Start(raw.start))?;
    let mut left = raw.blocks;
    while left > 0 {
        let count = left.min(blocks);
        let mut bytes = Vec::new();
        let wanted = count * raw.block_bytes;
        (&mut *source).take(wanted).read_to_end(&mut bytes)?;
        sound.is_damaged |= (bytes.len() as u64) < wanted;
        let whole = bytes.len() as u64 / raw.block_bytes;
        bytes.truncate((whole * raw.block_bytes) as usize);
        let frames = whole * raw.block_frames;
        let packet = Packet::new(0, Timestamp::ZERO, Duration::new(frames), bytes);
        match decoder.decode(&packet) {
            Ok(audio) => audio.copy_to_vec_interleaved(&mut room),
            Err(error) if sound.frames() == 0 => return Err(error.into()),
            Err(_) => {
                sound.is_damaged = true;
                break;
            }
        }
        let is_enough = !sound.push(&room, raw.channels.into());
        left -= count;
        if is_enough || whole < count {
            break;
        }
    }
    Ok(sound)
}

/// Only streams are probed for: what is in WAV and AIFF files is found by [`raw`].
static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let options = ProbeOptions { max_probe_depth: MOST_JUNK_BYTES, ..ProbeOptions::default() };
    let mut probe = Probe::new_with_options(&options);
    register_enabled_formats(&mut probe);
    probe
});

/// Decodes a stream of packets: FLAC, OGG Vorbis, MP3.
fn read_stream(source: Box<dyn MediaSource>) -> Result<Sound, SoundError> {
    let stream = MediaSourceStream::new(source, Default::default());
    let found = PROBE.probe(&Hint::new(), stream, Default::default(), Default::default());
    let mut format = found.map_err(|error| match error {
        Error::Unsupported(_) => SoundError::Unknown,
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => SoundError::Unknown,
        error => error.into(),
    })?;
    let mut heard = Heard::of(&*format)?;
    let (mut sound, mut of, mut room) = (None::<Sound>, 0, Vec::new());
    let mut is_damaged = false;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == heard.id => packet,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            // Another stream begins behind this one.
            Err(Error::ResetRequired) => {
                heard = Heard::of(&*format)?;
                continue;
            }
            Err(error) if sound.is_none() => return Err(error.into()),
            Err(_) => {
                is_damaged = true;
                break;
            }
        };
        let Ok(audio) = heard.decoder.decode(&packet) else {
            is_damaged = true;
            continue;
        };
        if audio.frames() == 0 {
            continue;
        }
        let (channels, rate_hz) = spec(&audio);
        if sound.is_none() {
            (sound, of) = (Some(Sound::new(channels, rate_hz)?), channels);
        }
        let Some(sound) = &mut sound else { break };
        if (channels, rate_hz) != (of, sound.rate_hz) {
            // What follows is another sound.
            sound.is_longer = true;
            break;
        }
        audio.copy_to_vec_interleaved(&mut room);
        if !sound.push(&room, of) {
            break;
        }
    }
    let Some(mut sound) = sound else {
        let damaged = || SoundError::Damaged("nothing of it can be decoded".to_owned());
        return Err(if is_damaged { damaged() } else { SoundError::Empty });
    };
    let is_short = heard.said_frames.is_some_and(|said| (sound.frames() as u64) < said);
    sound.is_damaged = is_damaged || (is_short && !sound.is_longer);
    Ok(sound)
}

fn spec(audio: &GenericAudioBufferRef<'_>) -> (usize, u32) {
    (audio.spec().channels().count(), audio.spec().rate())
}

/// The track of a file that is heard.
struct Heard {
    id: u32,
    decoder: Box<dyn AudioDecoder>,
    /// How long it is, where its file says so to the frame.
    said_frames: Option<u64>,
}

impl Heard {
    fn of(format: &dyn FormatReader) -> Result<Heard, SoundError> {
        let track: Option<&Track> = format.default_track(TrackType::Audio);
        let track = track.ok_or(SoundError::Empty)?;
        let params = track.codec_params.as_ref().and_then(|params| params.audio());
        let params = params.ok_or(SoundError::Empty)?;
        let name = format.format_info().short_name;
        // symphonia 0.6.1 takes coupled channels apart in the order of the stream;
        // "Vorbis I specification", 4.3.5, wants the last pair first. Of more than one
        // pair only noise is left.
        let count = params.channels.as_ref().map_or(0, Channels::count);
        if params.codec == CODEC_ID_VORBIS && count > 2 {
            let what = "OGG Vorbis with more than two channels, save it as FLAC or WAV";
            return Err(SoundError::Unsupported(what.to_owned()));
        }
        let decoder = get_codecs().make_audio_decoder(params, &Default::default());
        let decoder = decoder.map_err(|_| {
            SoundError::Unsupported(format!("an {name} file with another encoding"))
        })?;
        let said_frames = track.num_frames.filter(|_| name == "flac");
        Ok(Heard { id: track.id, decoder, said_frames })
    }
}

#[cfg(test)]
mod tests;
