//! From a module's text to its clip. It takes as long as a file takes to be
//! read; never on a thread that somebody waits for.

use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use dsp_worker::clip::{FULL_SCALE_CLIP_VOLTS, MAX_CLIP_CHANNELS, Text};
use dsp_worker::dsp::wavetable::chain::CYCLE;
use dsp_worker::dsp::wavetable::{MOST_CYCLES, table};
use dsp_worker::dsp::{formula, notes};
use hound::{SampleFormat, WavReader};
use thiserror::Error;

use super::sound_facts;
use crate::patch::Name;
use crate::patch::factory::sound;
use crate::patch::sounds::FACTORY;

/// What a clip is made of.
pub type Source = (Text, Name);

/// Seconds of a sound that are kept.
const MOST_SECS: u64 = 600;
/// Samples of all its channels that are kept.
const MOST_SAMPLES: u64 = if cfg!(windows) { 1 << 24 } else { 1 << 26 };

/// A clip that lies in this process's own memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Made {
    /// Channel after channel.
    pub samples: Vec<f32>,
    /// How many channels.
    pub channels: u32,
    /// In Hz; 0 where it is no sound.
    pub sample_rate_hz: u32,
    /// Whether the sound was longer.
    pub is_cut: bool,
    /// See [`Clip::loop_part`](dsp_worker::clip::Clip::loop_part).
    pub loop_part: [f64; 2],
    /// See [`Clip::root_cents`](dsp_worker::clip::Clip::root_cents).
    pub root_cents: i32,
}

/// Why a text has no clip.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum ClipError {
    #[error("{0}")]
    Formula(#[from] formula::FormulaError),
    #[error("{0}")]
    Notes(#[from] notes::NotesError),
    #[error("Give the whole path of the sound, from the root: {0}")]
    HalfPath(Name),
    #[error("No sound called `{0}` comes with this program.")]
    NoFactorySound(String),
    #[error("The sound can not be opened ({what}): {path}")]
    Open { path: Name, what: std::io::Error },
    #[error("This is no file that a sound could be in: {0}")]
    NoFile(Name),
    #[error("The sound can not be read ({what}). It must be a WAV file: {path}")]
    Read { path: Name, what: hound::Error },
    #[error("There is nothing in the sound: {0}")]
    Empty(Name),
}

/// Whether a musician may ask for that text. A sound is not looked for.
///
/// # Errors
/// Where it can not be read.
pub fn check((form, text): &Source) -> Result<(), ClipError> {
    match form {
        form if form.is_path() && !text.starts_with(FACTORY) && !text.is_empty() => {
            let is_whole = Path::new(&**text).has_root();
            is_whole.then_some(()).ok_or_else(|| ClipError::HalfPath(text.clone()))
        }
        form if form.is_path() => Ok(()),
        _ => make(&(*form, text.clone())).map(drop),
    }
}

/// Makes the clip of a text.
///
/// # Errors
/// Where it can not be read.
pub fn make((form, text): &Source) -> Result<Made, ClipError> {
    let numbers = |samples| Made { samples, channels: 1, ..Made::default() };
    match form {
        _ if text.trim().is_empty() => Ok(Made::default()),
        Text::Sound => Ok(sound_facts::add(read_sound(text)?, text)),
        Text::Wavetable => read_wavetable(text),
        Text::Formula => Ok(numbers(formula::compile(text)?)),
        Text::Notes => Ok(numbers(notes::compile(text)?)),
        Text::Words => Ok(Made::default()),
    }
}

fn read_wavetable(text: &Name) -> Result<Made, ClipError> {
    let sound = read_sound(text)?;
    let frames = sound.samples.len() / sound.channels.max(1) as usize;
    let is_cut = sound.is_cut || frames > MOST_CYCLES * CYCLE;
    Ok(Made { samples: table(&sound.samples[..frames]), channels: 1, is_cut, ..Made::default() })
}

fn read_sound(text: &Name) -> Result<Made, ClipError> {
    if let Some(name) = text.strip_prefix(FACTORY) {
        let bytes = sound(name).ok_or_else(|| ClipError::NoFactorySound(name.to_owned()))?;
        return read_wav(Cursor::new(bytes), text);
    }
    let path = Path::new(&**text);
    if !path.has_root() {
        return Err(ClipError::HalfPath(text.clone()));
    }
    let open = |what| ClipError::Open { path: text.clone(), what };
    // Asked before it is opened: opening a pipe waits for its other end.
    if !fs::metadata(path).map_err(open)?.is_file() {
        return Err(ClipError::NoFile(text.clone()));
    }
    read_wav(BufReader::with_capacity(1 << 16, File::open(path).map_err(open)?), text)
}

fn read_wav(bytes: impl Read, path: &Name) -> Result<Made, ClipError> {
    let fail = |what| ClipError::Read { path: path.clone(), what };
    let mut wav = WavReader::new(bytes).map_err(fail)?;
    let spec = wav.spec();
    let all_frames = u64::from(wav.duration());
    let there = usize::from(spec.channels);
    let kept = there.min(MAX_CLIP_CHANNELS);
    let most = (MOST_SECS * u64::from(spec.sample_rate)).min(MOST_SAMPLES / kept.max(1) as u64);
    let frames = all_frames.min(most) as usize;
    if frames == 0 || kept == 0 || spec.sample_rate == 0 {
        return Err(ClipError::Empty(path.clone()));
    }
    let mut samples = vec![0.0; frames * kept];
    let mut put = |index: usize, sample: f32| {
        let (frame, channel) = (index / there, index % there);
        if channel < kept && sample.is_finite() {
            samples[channel * frames + frame] = sample * FULL_SCALE_CLIP_VOLTS;
        }
    };
    let wanted = frames * there;
    match spec.sample_format {
        SampleFormat::Float => {
            for (index, sample) in wav.samples::<f32>().take(wanted).enumerate() {
                put(index, sample.map_err(fail)?);
            }
        }
        SampleFormat::Int => {
            let full_scale = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            for (index, sample) in wav.samples::<i32>().take(wanted).enumerate() {
                put(index, sample.map_err(fail)? as f32 / full_scale);
            }
        }
    }
    let is_cut = all_frames > frames as u64;
    let (channels, sample_rate_hz) = (kept as u32, spec.sample_rate);
    Ok(Made { samples, channels, sample_rate_hz, is_cut, ..Made::default() })
}

#[cfg(test)]
mod tests {
    use dsp_worker::dsp::wavetable::chain::CHAIN;
    use hound::{WavSpec, WavWriter};

    use super::*;
    use crate::patch::factory::SOUNDS;

    fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format }
    }

    fn made(form: Text, text: &str) -> Result<Made, String> {
        make(&(form, text.into())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wav_of_any_depth_is_the_same_sound() {
        let folder = tempfile::tempdir().unwrap();
        for (bits, format) in [
            (8, SampleFormat::Int),
            (16, SampleFormat::Int),
            (24, SampleFormat::Int),
            (32, SampleFormat::Int),
            (32, SampleFormat::Float),
        ] {
            let path = folder.path().join(format!("{bits}-{format:?}.wav"));
            let mut wav = WavWriter::create(&path, spec(2, bits, format)).unwrap();
            for sample in [0.5f32, -0.25, 0.0, -1.0] {
                match format {
                    SampleFormat::Float => wav.write_sample(sample).unwrap(),
                    SampleFormat::Int => {
                        let full_scale = 2f64.powi(i32::from(bits) - 1);
                        wav.write_sample((f64::from(sample) * full_scale) as i32).unwrap();
                    }
                }
            }
            wav.finalize().unwrap();
            let sound = made(Text::Sound, path.to_str().unwrap()).unwrap();
            assert_eq!(sound.samples, [2.5, 0.0, -1.25, -5.0], "{bits} bits");
            assert_eq!((sound.channels, sound.sample_rate_hz, sound.is_cut), (2, 8000, false));
        }
    }

    #[test]
    fn a_wavetable_is_a_chain_for_every_cycle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cycles.wav");
        let mut wav = WavWriter::create(&path, spec(2, 32, SampleFormat::Float)).unwrap();
        for frame in 0..3 * CYCLE {
            wav.write_sample((frame / CYCLE) as f32 * 0.1 * (frame % 2) as f32).unwrap();
            wav.write_sample(0.0f32).unwrap();
        }
        wav.finalize().unwrap();
        let made = made(Text::Wavetable, path.to_str().unwrap()).unwrap();
        assert_eq!((made.channels, made.samples.len()), (1, 3 * CHAIN));
        assert!(!made.is_cut);
    }

    #[test]
    fn of_many_channels_eight_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.wav");
        let mut wav = WavWriter::create(&path, spec(10, 32, SampleFormat::Float)).unwrap();
        (0..20).for_each(|n| wav.write_sample(n as f32).unwrap());
        wav.finalize().unwrap();
        let sound = made(Text::Sound, path.to_str().unwrap()).unwrap();
        assert_eq!((sound.channels, sound.samples.len()), (8, 16));
        assert_eq!(sound.samples[..4], [0.0, 50.0, 5.0, 55.0]);
    }

    #[test]
    fn why_there_is_no_sound_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.wav");
        fs::write(&path, "Dear Ada,").unwrap();
        let refused = |text: &str| made(Text::Sound, text).unwrap_err();
        assert!(refused(path.to_str().unwrap()).contains("must be a WAV file"));
        assert!(refused(folder.path().to_str().unwrap()).contains("no file"));
        let missing = folder.path().join("no.wav");
        assert!(refused(missing.to_str().unwrap()).contains("no.wav"));
        assert!(refused("sounds/kick.wav").contains("whole path"));
        assert!(refused("factory:nothing.wav").contains("`nothing.wav`"));
        WavWriter::create(&path, spec(1, 16, SampleFormat::Int)).unwrap().finalize().unwrap();
        assert!(refused(path.to_str().unwrap()).contains("nothing in the sound"));
        // Shorter than it says.
        let mut wav = WavWriter::create(&path, spec(1, 16, SampleFormat::Int)).unwrap();
        (0..100).for_each(|_| wav.write_sample(1i16).unwrap());
        wav.finalize().unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 50]).unwrap();
        assert!(refused(path.to_str().unwrap()).contains("can not be read"));
    }

    #[test]
    fn every_factory_sound_is_read() {
        for (name, _) in SOUNDS {
            let sound = made(Text::Sound, &format!("factory:{name}")).unwrap();
            let loudest = sound.samples.iter().fold(0f32, |a, b| a.max(b.abs()));
            assert!((1.0..=5.0).contains(&loudest), "{name}: {loudest}");
        }
    }

    #[test]
    fn a_text_is_checked_without_its_file() {
        let checked = |form, text: &str| check(&(form, text.into())).map_err(|e| e.to_string());
        assert!(checked(Text::Sound, "/no/such.wav").is_ok());
        assert!(checked(Text::Sound, "").is_ok());
        assert!(checked(Text::Sound, "such.wav").unwrap_err().contains("whole path"));
        assert!(checked(Text::Formula, "a +").unwrap_err().contains("at its end"));
        assert!(checked(Text::Notes, "0 1 H4").unwrap_err().contains("note 1"));
        assert!(checked(Text::Words, "anything").is_ok());
        assert_eq!(made(Text::Formula, " "), Ok(Made::default()));
    }
}
