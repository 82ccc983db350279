//! Finds the samples in WAV and AIFF files.
//!
//! The readers of symphonia 0.6.1 refuse too many ordinary files: RF64 and BW64,
//! lengths of 0 from a stream, files that are cut short or whose RIFF length is
//! wrong, odd chunks without their pad byte, `fmt ` chunks of other lengths, floats
//! with a number of valid bits, `sowt` of other than 16 bits. So what is asked of
//! such a file is asked here: which samples lie where. symphonia decodes them.

use std::io::{self, SeekFrom};

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::io::MediaSource;

use super::SoundError;

/// Samples that lie in a file as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    /// How they are written.
    pub codec: AudioCodecId,
    /// How many channels.
    pub channels: u16,
    /// In Hz.
    pub rate_hz: u32,
    /// Bytes of a block.
    pub block_bytes: u64,
    /// Frames of a block: 1, but for ADPCM.
    pub block_frames: u64,
    /// The byte where they begin.
    pub start: u64,
    /// Whole blocks that are there.
    pub blocks: u64,
    /// Whether the file ends before they do.
    pub is_cut_short: bool,
}

/// Chunks that are looked at before a file is given up.
const MOST_CHUNKS: usize = 10_000;

/// A length from here on was written by a program that did not know it, because
/// it wrote into a pipe: ffmpeg says 0xffff_ffff, arecord 0x8000_0000, sox
/// 0x7fff_f000 in WAV and 0x7f00_0000 in AIFF.
const UNKNOWN_BYTES: u64 = 0x7f00_0000;

/// Names of chunks that come in such files. Where the pad byte behind an odd one
/// is missing, the next is found by its name.
const KNOWN: [&[u8; 4]; 29] = [
    b"fmt ", b"data", b"ds64", b"fact", b"LIST", b"PEAK", b"bext", b"iXML", b"JUNK", b"junk",
    b"PAD ", b"FLLR", b"cue ", b"smpl", b"inst", b"acid", b"id3 ", b"ID3 ", b"axml", b"chna",
    b"COMM", b"SSND", b"FVER", b"MARK", b"INST", b"NAME", b"AUTH", b"ANNO", b"(c) ",
];

#[derive(Clone, Copy, PartialEq)]
enum Family {
    /// RIFF, RF64, BW64.
    Riff,
    /// RIFF with its bytes the other way round.
    Rifx,
    Aiff,
}

/// What the file says about its samples.
#[derive(Default)]
struct Found {
    form: Option<Form>,
    /// The byte where they begin, and how many bytes there should be.
    data: Option<(u64, u64)>,
    /// Of a file that is too long for 32 bits.
    long_bytes: Option<u64>,
}

/// How samples are written.
struct Form {
    codec: AudioCodecId,
    channels: u16,
    rate_hz: u32,
    block_bytes: u64,
    block_frames: u64,
}

/// Where the samples of a WAV or AIFF file lie. `None` where it is another file.
///
/// # Errors
/// Where it is such a file, and its samples cannot be found or read.
pub fn find(source: &mut dyn MediaSource) -> Result<Option<Raw>, SoundError> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut at = 0;
    let mut head: [u8; 12] = bytes(source, at)?;
    if head.starts_with(b"ID3") {
        // Some programs put a tag in front of everything.
        let size = head[6..10].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        at = 10 + size;
        head = bytes(source, at)?;
    }
    let family = match (&head[..4], &head[8..]) {
        (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => Family::Riff,
        (b"RIFX", b"WAVE") => Family::Rifx,
        (b"FORM", b"AIFF" | b"AIFC") => Family::Aiff,
        _ => return Ok(None),
    };
    let is_aifc = &head[8..] == b"AIFC";
    let mut found = Found::default();
    at += 12;
    for _ in 0..MOST_CHUNKS {
        if at + 8 > length || (found.form.is_some() && found.data.is_some()) {
            break;
        }
        let chunk: [u8; 8] = bytes(source, at)?;
        let size = u64::from(family.u32(&chunk[4..]));
        look(source, &mut found, family, is_aifc, (&chunk[..4], at + 8, size), length)?;
        at = next(source, at + 8 + size, length)?;
    }
    let form = found.form.ok_or_else(|| damaged("it does not say how its samples are written"))?;
    let Some((start, said_bytes)) = found.data else {
        // An AIFF file without a sound may leave it out.
        return if family == Family::Aiff {
            Err(SoundError::Empty)
        } else {
            Err(damaged("there is no sound in it"))
        };
    };
    let there = length.saturating_sub(start);
    let is_unknown = said_bytes >= UNKNOWN_BYTES && said_bytes > there;
    let is_cut_short = said_bytes > there && !is_unknown;
    let blocks = said_bytes.min(there) / form.block_bytes;
    let Form { codec, channels, rate_hz, block_bytes, block_frames } = form;
    Ok(Some(Raw {
        codec,
        channels,
        rate_hz,
        block_bytes,
        block_frames,
        start,
        blocks,
        is_cut_short,
    }))
}

fn look(
    source: &mut dyn MediaSource,
    found: &mut Found,
    family: Family,
    is_aifc: bool,
    (name, start, size): (&[u8], u64, u64),
    length: u64,
) -> Result<(), SoundError> {
    match (family, name) {
        (Family::Riff | Family::Rifx, b"fmt ") if found.form.is_none() => {
            let chunk: [u8; 40] = bytes(source, start)?;
            found.form = Some(wav_form(family, &chunk, size)?);
        }
        (Family::Riff | Family::Rifx, b"ds64") => {
            let chunk: [u8; 16] = bytes(source, start)?;
            found.long_bytes =
                Some(u64::from_le_bytes(chunk[8..].try_into().expect("eight bytes")));
        }
        (Family::Riff | Family::Rifx, b"data") if found.data.is_none() => {
            let long = found.long_bytes.filter(|long| size == u64::from(u32::MAX) && *long > 0);
            let is_streamed = size == 0 && !is_followed(source, start, length)?;
            found.data = Some((start, if is_streamed { u64::MAX } else { long.unwrap_or(size) }));
        }
        (Family::Aiff, b"COMM") if found.form.is_none() => {
            let chunk: [u8; 22] = bytes(source, start)?;
            found.form = Some(aiff_form(&chunk, is_aifc && size >= 22)?);
        }
        (Family::Aiff, b"SSND") if found.data.is_none() => {
            let chunk: [u8; 4] = bytes(source, start)?;
            let start = start.saturating_add(8 + u64::from(family.u32(&chunk)));
            let is_streamed = size == 0 && !is_followed(source, start, length)?;
            let rest = size.saturating_sub(8 + u64::from(family.u32(&chunk)));
            found.data = Some((start, if is_streamed { u64::MAX } else { rest }));
        }
        _ => {}
    }
    Ok(())
}

/// Whether a chunk that says it is empty is: nothing follows, or other chunks do.
/// Else what follows is its sound, and its length was never written.
fn is_followed(source: &mut dyn MediaSource, at: u64, length: u64) -> io::Result<bool> {
    if at >= length {
        return Ok(true);
    }
    let head: [u8; 8] = bytes(source, at)?;
    Ok(KNOWN.iter().any(|name| head.starts_with(*name)))
}

/// Where the next chunk begins. Behind an odd one there should be a pad byte;
/// some programs forget it.
fn next(source: &mut dyn MediaSource, end: u64, length: u64) -> io::Result<u64> {
    if end.is_multiple_of(2) || end >= length {
        return Ok(end);
    }
    let follows: [u8; 5] = bytes(source, end)?;
    let is_known = |name: &[u8]| KNOWN.iter().any(|known| name == *known);
    let is_unpadded = is_known(&follows[..4]) && !is_known(&follows[1..]);
    Ok(if is_unpadded { end } else { end + 1 })
}

/// So many bytes of a file; zeros where it has ended.
fn bytes<const N: usize>(source: &mut dyn MediaSource, at: u64) -> io::Result<[u8; N]> {
    source.seek(SeekFrom::Start(at))?;
    let (mut bytes, mut count) = ([0; N], 0);
    while count < N {
        match source.read(&mut bytes[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

fn damaged(what: &str) -> SoundError {
    SoundError::Damaged(what.to_owned())
}

impl Family {
    fn u16(self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        if self == Family::Riff { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn u32(self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self == Family::Riff { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }
}

/// The `fmt ` chunk of a WAV file: WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE
/// (`mmreg.h`).
///
/// Bits that are not valid are the lowest of a sample and are 0, so that nobody
/// needs to know how many they are.
fn wav_form(family: Family, chunk: &[u8; 40], size: u64) -> Result<Form, SoundError> {
    let word = |at: usize| family.u16(&chunk[at..]);
    let (channels, rate_hz, block_align) = (word(2), family.u32(&chunk[4..]), u64::from(word(12)));
    if channels == 0 {
        return Err(damaged("it has no channels"));
    }
    let bits = if size >= 16 { word(14) } else { 0 };
    // What is extensible has its kind where the GUID begins.
    let kind = if word(0) == 0xfffe && size >= 26 { word(24) } else { word(0) };
    let of_block = block_align / u64::from(channels);
    let sample_bytes = match (bits, of_block) {
        (0, bytes) => bytes,
        (17..=24, 4) => 4,
        (bits, _) => u64::from(bits).div_ceil(8),
    };
    let is_little = family == Family::Riff;
    let codec = match (kind, sample_bytes, is_little) {
        (1 | 0xfffe, 1, _) => CODEC_ID_PCM_U8,
        (1 | 0xfffe, 2, true) => CODEC_ID_PCM_S16LE,
        (1 | 0xfffe, 3, true) => CODEC_ID_PCM_S24LE,
        (1 | 0xfffe, 4, true) => CODEC_ID_PCM_S32LE,
        (1 | 0xfffe, 2, false) => CODEC_ID_PCM_S16BE,
        (1 | 0xfffe, 3, false) => CODEC_ID_PCM_S24BE,
        (1 | 0xfffe, 4, false) => CODEC_ID_PCM_S32BE,
        (3, 4, true) => CODEC_ID_PCM_F32LE,
        (3, 8, true) => CODEC_ID_PCM_F64LE,
        (3, 4, false) => CODEC_ID_PCM_F32BE,
        (3, 8, false) => CODEC_ID_PCM_F64BE,
        (6, 1, _) => CODEC_ID_PCM_ALAW,
        (7, 1, _) => CODEC_ID_PCM_MULAW,
        (2, _, true) => return adpcm(CODEC_ID_ADPCM_MS, channels, rate_hz, block_align, 7),
        (0x11, _, true) => return adpcm(CODEC_ID_ADPCM_IMA_WAV, channels, rate_hz, block_align, 4),
        _ => {
            let what = format!("a WAV file of kind {kind:#x} with {bits} bits");
            return Err(SoundError::Unsupported(what));
        }
    };
    Ok(form(codec, channels, rate_hz, sample_bytes))
}

/// A block of ADPCM: `head` bytes a channel, and then four bits a sample.
fn adpcm(
    codec: AudioCodecId,
    channels: u16,
    rate_hz: u32,
    block_bytes: u64,
    head: u64,
) -> Result<Form, SoundError> {
    let count = u64::from(channels);
    let body = block_bytes.checked_sub(head * count).filter(|body| *body > 0);
    let body = body.ok_or_else(|| damaged("its blocks are too short"))?;
    // The head of a block has two samples, or one.
    let in_head = if head == 7 { 2 } else { 1 };
    let block_frames = 2 * body / count + in_head;
    Ok(Form { codec, channels, rate_hz, block_bytes, block_frames })
}

fn form(codec: AudioCodecId, channels: u16, rate_hz: u32, sample_bytes: u64) -> Form {
    let block_bytes = sample_bytes * u64::from(channels);
    Form { codec, channels, rate_hz, block_bytes, block_frames: 1 }
}

/// The `COMM` chunk of an AIFF file; of AIFF-C, it says how samples are written
/// ("Audio Interchange File Format AIFF-C", Apple 1991).
fn aiff_form(chunk: &[u8; 22], says_kind: bool) -> Result<Form, SoundError> {
    let (channels, bits) = (Family::Aiff.u16(chunk), Family::Aiff.u16(&chunk[6..]));
    if channels == 0 {
        return Err(damaged("it has no channels"));
    }
    let kind: &[u8] = if says_kind { &chunk[18..] } else { b"NONE" };
    let bytes = u64::from(bits).div_ceil(8);
    let (codec, bytes) = match (kind, bytes) {
        (b"NONE" | b"none" | b"twos" | b"sowt", 1) => (CODEC_ID_PCM_S8, 1),
        (b"NONE" | b"none" | b"twos", 2) | (b"in16", _) => (CODEC_ID_PCM_S16BE, 2),
        (b"NONE" | b"none" | b"twos", 3) | (b"in24", _) => (CODEC_ID_PCM_S24BE, 3),
        (b"NONE" | b"none" | b"twos", 4) | (b"in32", _) => (CODEC_ID_PCM_S32BE, 4),
        (b"sowt", 2) => (CODEC_ID_PCM_S16LE, 2),
        (b"sowt", 3) | (b"42ni", _) => (CODEC_ID_PCM_S24LE, 3),
        (b"sowt", 4) | (b"23ni", _) => (CODEC_ID_PCM_S32LE, 4),
        (b"raw ", _) => (CODEC_ID_PCM_U8, 1),
        (b"fl32" | b"FL32", _) => (CODEC_ID_PCM_F32BE, 4),
        (b"fl64" | b"FL64", _) => (CODEC_ID_PCM_F64BE, 8),
        (b"alaw" | b"ALAW", _) => (CODEC_ID_PCM_ALAW, 1),
        (b"ulaw" | b"ULAW", _) => (CODEC_ID_PCM_MULAW, 1),
        _ => {
            let kind = String::from_utf8_lossy(kind).into_owned();
            return Err(SoundError::Unsupported(format!(
                "an AIFF file of kind {kind:?} with {bits} bits"
            )));
        }
    };
    let rate_hz = extended(&chunk[8..18]);
    Ok(form(codec, channels, rate_hz, bytes))
}

/// A sample rate, as 80 bits of IEEE 754: sign and exponent, then 64 bits.
fn extended(bytes: &[u8]) -> u32 {
    let exponent = i32::from(Family::Aiff.u16(bytes) & 0x7fff) - 16_383 - 63;
    let mantissa = bytes[2..10].iter().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
    // What is far out of range becomes 0 or the largest number.
    (mantissa as f64 * 2f64.powi(exponent)).round() as u32
}
