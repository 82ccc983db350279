//! From a module's text to its clip. It takes as long as a file takes to be
//! read; never on a thread that somebody waits for.

use std::path::Path;

use sostenuto_dsp::formula;
use sostenuto_dsp::notes::{self, Note};
use sostenuto_dsp::tuning::Tuning;
use sostenuto_dsp::units::FULL_SCALE_CLIP_VOLTS;
use sostenuto_dsp::wavetable::chain::CYCLE;
use sostenuto_dsp::wavetable::{MOST_CYCLES, table};
use sostenuto_modules::clip::Text;
use sostenuto_patch::Name;
use sostenuto_patch::factory::sound;
use sostenuto_patch::sounds::FACTORY;
use thiserror::Error;

use super::code::{self, CodeError};
use super::sound_facts;
use super::sound_file::{self, Sound, SoundError};
use super::tuning_file::{self, TuningError};

/// What a clip is made of.
pub type Source = (Text, Name);

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
    /// Whether its file ends before it does, or a part of it cannot be read.
    pub is_damaged: bool,
    /// See [`Clip::loop_part`](sostenuto_modules::clip::Clip::loop_part).
    pub loop_part: [f64; 2],
    /// See [`Clip::root_cents`](sostenuto_modules::clip::Clip::root_cents).
    pub root_cents: i32,
}

impl Made {
    /// What is to be told of a clip that can be played, but is not the whole sound.
    pub fn notices(&self, path: &str) -> Vec<String> {
        let cut = "Only the beginning of the sound is played: it is longer than what fits.";
        let damaged = "The file of the sound is cut short or damaged: you hear what is left of it.";
        let notices = [(self.is_cut, cut), (self.is_damaged, damaged)].into_iter();
        notices.filter(|(is_so, _)| *is_so).map(|(_, say)| format!("{say} {path}")).collect()
    }
}

/// Why a text has no clip.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum ClipError {
    #[error("{0}")]
    Formula(#[from] formula::FormulaError),
    #[error("{0}")]
    Notes(#[from] notes::NotesError),
    #[error("{0}")]
    Tuning(#[from] TuningError),
    #[error("{0}")]
    Code(#[from] CodeError),
    #[error("Give the full path of the file: {0}")]
    HalfPath(String),
    #[error("There is no factory sound called `{0}`.")]
    NoFactorySound(String),
    #[error("The sound cannot be read: {what}. {path}")]
    Read { path: Name, what: SoundError },
}

/// Whether a musician may ask for that text. Files are not looked for.
///
/// # Errors
/// Where it cannot be read.
pub fn check((form, text): &Source) -> Result<(), ClipError> {
    for file in form.files(text) {
        let file = &text[file];
        if !file.starts_with(FACTORY) && !Path::new(file).has_root() {
            return Err(ClipError::HalfPath(file.to_owned()));
        }
    }
    match form {
        Text::Formula if !text.trim().is_empty() => drop(formula::compile(text)?),
        Text::Notes => drop(notes::compile(text)?),
        Text::Code if !text.trim().is_empty() => drop(code::wasm(text)?),
        _ => {}
    }
    Ok(())
}

/// Makes the clip of a text.
///
/// # Errors
/// Where it cannot be read.
pub fn make((form, text): &Source) -> Result<Made, ClipError> {
    let numbers = |samples| Made { samples, channels: 1, ..Made::default() };
    match form {
        _ if text.trim().is_empty() => Ok(Made::default()),
        Text::Sound => Ok(sound_facts::add(read_sound(text)?, text)),
        Text::Wavetable => read_wavetable(text),
        Text::Formula => Ok(numbers(formula::compile(text)?)),
        Text::Notes => Ok(numbers(tuned(notes::compile(text)?, &form.tuning(text))?)),
        Text::Tuning => Ok(numbers(tuning_file::read(text)?)),
        Text::Code => Ok(numbers(code::compile(text)?)),
        Text::Automation | Text::Words => Ok(Made::default()),
    }
}

/// The notes as a tuning has them sound. Keys that it does not map are left out.
fn tuned(rows: Vec<f32>, tuning: &str) -> Result<Vec<f32>, TuningError> {
    if tuning.is_empty() {
        return Ok(rows);
    }
    let table = tuning_file::read(tuning)?;
    let Some(tuning) = Tuning::of(&table) else { return Ok(rows) };
    let sounding = notes::rows(&rows).iter().map(Note::of).filter_map(|note| {
        let voct = tuning.sounding(note.voct)?;
        Some(Note { voct, ..note }.row())
    });
    Ok(sounding.flatten().collect())
}

fn read_wavetable(text: &Name) -> Result<Made, ClipError> {
    let sound = read_sound(text)?;
    let frames = sound.samples.len() / sound.channels.max(1) as usize;
    let is_cut = sound.is_cut || frames > MOST_CYCLES * CYCLE;
    let samples = table(&sound.samples[..frames]);
    let is_damaged = sound.is_damaged;
    Ok(Made { samples, channels: 1, is_cut, is_damaged, ..Made::default() })
}

fn read_sound(text: &Name) -> Result<Made, ClipError> {
    let sound = if let Some(name) = text.strip_prefix(FACTORY) {
        let bytes = sound(name).ok_or_else(|| ClipError::NoFactorySound(name.to_owned()))?;
        sound_file::read_bytes(bytes)
    } else {
        let path = Path::new(&**text);
        if !path.has_root() {
            return Err(ClipError::HalfPath(text.to_string()));
        }
        sound_file::read(path)
    };
    let sound = sound.map_err(|what| ClipError::Read { path: text.clone(), what })?;
    let Sound { rate_hz, is_longer, is_damaged, .. } = sound;
    let channels = sound.channels.len() as u32;
    let mut samples = sound.channels.concat();
    samples.iter_mut().for_each(|sample| *sample *= FULL_SCALE_CLIP_VOLTS);
    let (sample_rate_hz, is_cut) = (rate_hz, is_longer);
    Ok(Made { samples, channels, sample_rate_hz, is_cut, is_damaged, ..Made::default() })
}

#[cfg(test)]
mod tests {
    use hound::{SampleFormat, WavSpec, WavWriter};
    use sostenuto_dsp::wavetable::chain::CHAIN;

    use std::fs;

    use super::*;
    use sostenuto_patch::factory::SOUNDS;

    fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format }
    }

    fn made(form: Text, text: &str) -> Result<Made, String> {
        make(&(form, text.into())).map_err(|error| error.to_string())
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
    fn notes_sound_in_the_tuning_that_they_name() {
        let volts = |text: &str| -> Vec<f32> {
            let rows = made(Text::Notes, text).unwrap().samples;
            notes::rows(&rows).iter().map(|note| Note::of(note).voct).collect()
        };
        assert_eq!(volts("0 1 C4; 1 1 C#4"), [0.0, 1.0 / 12.0]);
        // Every key is the next of five steps.
        let text = "tuning factory:5-edo.scl\n0 1 C4; 1 1 C#4; 2 1 C5; 3 1 B3";
        let expected = [0.0, 0.2, 2.4, -0.2];
        assert!(volts(text).iter().zip(expected).all(|(volts, is)| (volts - is).abs() < 1e-6));
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("one.kbm");
        fs::write(&keys, "0\n60\n61\n60\n60\n261.6256\n").unwrap();
        let text = format!("tuning {}\n0 1 C4; 1 1 D4; 2 1 C#4", keys.display());
        assert_eq!(volts(&text).len(), 2, "D4 is not mapped");
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
        assert!(
            refused(path.to_str().unwrap())
                .contains("not a WAV, AIFF, FLAC, OGG Vorbis or MP3 file")
        );
        assert!(refused(folder.path().to_str().unwrap()).contains("not a regular file"));
        let missing = folder.path().join("no.wav");
        assert!(refused(missing.to_str().unwrap()).contains("no.wav"));
        assert!(refused("sounds/kick.wav").contains("full path"));
        assert!(refused("factory:nothing.wav").contains("`nothing.wav`"));
        WavWriter::create(&path, spec(1, 16, SampleFormat::Int)).unwrap().finalize().unwrap();
        assert!(refused(path.to_str().unwrap()).contains("no sound in it"));
    }

    #[test]
    fn a_file_that_is_cut_short_is_played_as_far_as_it_goes_and_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short.wav");
        let mut wav = WavWriter::create(&path, spec(1, 16, SampleFormat::Int)).unwrap();
        (0..100).for_each(|_| wav.write_sample(1i16).unwrap());
        wav.finalize().unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 50]).unwrap();
        let sound = made(Text::Sound, path.to_str().unwrap()).unwrap();
        assert_eq!((sound.samples.len(), sound.is_damaged), (75, true));
        assert!(sound.notices("short.wav")[0].contains("cut short or damaged"));
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
        assert!(checked(Text::Sound, "such.wav").unwrap_err().contains("full path"));
        assert!(checked(Text::Formula, "a +").unwrap_err().contains("at its end"));
        assert!(checked(Text::Notes, "0 1 H4").unwrap_err().contains("note 1"));
        assert!(checked(Text::Words, "anything").is_ok());
        assert_eq!(made(Text::Formula, " "), Ok(Made::default()));
    }
}
