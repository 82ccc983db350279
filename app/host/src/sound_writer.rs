//! Stereo sound into a file, as it comes: WAV, or FLAC where the file is called so.

use std::io::{self, Seek, Write};
use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};
use sostenuto_osc::message::record::WavFormat;

mod flac;

use flac::FlacWriter;

use crate::engine::Frame;

/// What a WAV counts in 32 bits, less its header.
const MOST_WAV_BYTES: u64 = u32::MAX as u64 - 1024;

/// What the file of a sound is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Whatever is not called otherwise.
    Wav,
    /// `.flac`, in any case. It has whole numbers only.
    Flac,
}

impl Container {
    /// By the file's ending.
    pub fn of(path: &Path) -> Container {
        let is_flac = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("flac"));
        if is_flac { Container::Flac } else { Container::Wav }
    }

    /// What its files are called, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Container::Wav => "wav",
            Container::Flac => "flac",
        }
    }

    /// How many frames a file of it holds.
    pub fn most_frames(self, format: WavFormat) -> u64 {
        match self {
            Container::Wav => MOST_WAV_BYTES / (2 * u64::from(format.bits() / 8)),
            Container::Flac => flac::MOST_FRAMES,
        }
    }

    /// Whether it can have such samples.
    ///
    /// # Errors
    /// A sentence that says what to choose instead.
    pub fn check(self, format: WavFormat) -> Result<(), &'static str> {
        match (self, format) {
            (Container::Flac, WavFormat::F32) => {
                Err("a FLAC file has no floating point: choose s24 or s16, or a WAV file")
            }
            _ => Ok(()),
        }
    }
}

/// A file that is being written.
pub struct SoundWriter<W: Write + Seek> {
    kind: Kind<W>,
    format: WavFormat,
}

enum Kind<W: Write + Seek> {
    Wav(WavWriter<W>),
    Flac(Box<FlacWriter<W>>),
}

impl<W: Write + Seek> SoundWriter<W> {
    /// Writes the head of a file.
    ///
    /// # Errors
    /// Where it cannot be written, or cannot have such samples.
    pub fn new(
        out: W,
        container: Container,
        format: WavFormat,
        sample_rate_hz: u32,
    ) -> io::Result<SoundWriter<W>> {
        container.check(format).map_err(io::Error::other)?;
        let kind = match container {
            Container::Wav => {
                let sample_format = match format {
                    WavFormat::F32 => SampleFormat::Float,
                    WavFormat::S24 | WavFormat::S16 => SampleFormat::Int,
                };
                let (channels, bits_per_sample) = (2, format.bits());
                let sample_rate = sample_rate_hz;
                let spec = WavSpec { channels, sample_rate, bits_per_sample, sample_format };
                Kind::Wav(WavWriter::new(out, spec).map_err(of_hound)?)
            }
            Container::Flac => {
                Kind::Flac(Box::new(FlacWriter::new(out, format.bits(), sample_rate_hz)?))
            }
        };
        Ok(SoundWriter { kind, format })
    }

    /// Writes more of it. `rounded` makes the whole number of a sample that is not kept as it
    /// was computed.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn write(
        &mut self,
        frames: &[Frame],
        mut rounded: impl FnMut(f32) -> i32,
    ) -> io::Result<()> {
        let wav = match &mut self.kind {
            Kind::Wav(wav) => wav,
            Kind::Flac(flac) => return flac.write(frames, rounded),
        };
        let mut samples = frames.as_flattened().iter().copied();
        let written = match self.format {
            WavFormat::F32 => samples.try_for_each(|sample| wav.write_sample(sample)),
            _ => samples.try_for_each(|sample| wav.write_sample(rounded(sample))),
        };
        written.map_err(of_hound)
    }

    /// Brings the head of a WAV up to date, so that it can be played should the program end
    /// here. A FLAC can be played as far as it is written, whatever its head says.
    ///
    /// # Errors
    /// As in [`SoundWriter::write`].
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Wav(wav) => wav.flush().map_err(of_hound),
            Kind::Flac(_) => Ok(()),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// As in [`SoundWriter::write`].
    pub fn finish(self) -> io::Result<()> {
        match self.kind {
            Kind::Wav(wav) => wav.finalize().map_err(of_hound),
            Kind::Flac(flac) => flac.finish(),
        }
    }
}

fn of_hound(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::BufWriter;

    use super::*;
    use crate::plan::clips::{Made, make};
    use sostenuto_modules::clip::Text;

    /// A sound that is loud, quiet and silent by turns, and at its limits.
    fn frames(count: usize) -> Vec<Frame> {
        let frame = |n: usize| {
            let wave = (n as f32 * 0.05).sin() * [1.0, 0.3, 1e-5, 0.0][n / 5000 % 4];
            [wave, if n % 777 < 3 { -1.0 } else { 0.25 * wave }]
        };
        (0..count).map(frame).collect()
    }

    fn rounded(bits: u16) -> impl FnMut(f32) -> i32 {
        move |sample| (sample * ((1 << (bits - 1)) - 1) as f32).round() as i32
    }

    fn written(path: &Path, format: WavFormat, frames: &[Frame]) -> Made {
        let out = BufWriter::new(File::create(path).unwrap());
        let mut writer = SoundWriter::new(out, Container::of(path), format, 48_000).unwrap();
        for part in frames.chunks(1000) {
            writer.write(part, rounded(format.bits())).unwrap();
            writer.flush().unwrap();
        }
        writer.finish().unwrap();
        make(&(Text::Sound, path.to_str().unwrap().into())).unwrap()
    }

    #[test]
    fn a_flac_has_the_same_bits_as_the_wav() {
        let folder = tempfile::tempdir().unwrap();
        let [wav, flac] = ["a.wav", "a.FLAC"].map(|name| folder.path().join(name));
        for format in [WavFormat::S24, WavFormat::S16] {
            for count in [1, 15, 31, 64, 4096, 4097, 25_000] {
                let frames = frames(count);
                let one = written(&wav, format, &frames);
                let other = written(&flac, format, &frames);
                assert_eq!(one.samples.len(), 2 * count);
                assert!(one == other, "{format:?}, {count} frames");
            }
        }
        let bytes = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(bytes(&flac) < bytes(&wav) * 3 / 4, "it is smaller");
    }

    #[test]
    fn a_flac_without_a_sound_is_a_frame_of_silence() {
        let folder = tempfile::tempdir().unwrap();
        let made = written(&folder.path().join("none.flac"), WavFormat::S24, &[]);
        assert_eq!(made.samples, [0.0; 2]);
    }

    #[test]
    fn a_flac_that_was_not_finished_can_be_played_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.flac");
        let out = File::create(&path).unwrap();
        let mut writer = SoundWriter::new(out, Container::Flac, WavFormat::S24, 48_000).unwrap();
        writer.write(&frames(10_000), rounded(24)).unwrap();
        let made = make(&(Text::Sound, path.to_str().unwrap().into())).unwrap();
        assert_eq!(made.samples.len(), 2 * 8192, "its whole blocks");
        std::mem::forget(writer);
    }

    #[test]
    fn what_a_flac_cannot_have_is_said() {
        assert!(Container::Flac.check(WavFormat::F32).unwrap_err().contains("choose s24"));
        assert_eq!(Container::Flac.check(WavFormat::S16), Ok(()));
        assert_eq!(Container::Wav.check(WavFormat::F32), Ok(()));
        assert_eq!(Container::of(Path::new("flac")), Container::Wav);
    }
}
