//! A FLAC file that is written as the sound comes: `flac-codec` encodes, block by block.

use std::io::{self, Seek, Write};

use flac_codec::Error;
use flac_codec::encode::{FlacSampleWriter, Options};

use crate::engine::Frame;

/// Frames of the longest file, which counts them in 36 bits.
pub const MOST_FRAMES: u64 = (1 << 36) - 1;

/// A file that is being written.
pub struct FlacWriter<W: Write + Seek> {
    encoder: FlacSampleWriter<W>,
    has_begun: bool,
    /// Sample after sample, to be written at once.
    samples: Vec<i32>,
}

impl<W: Write + Seek> FlacWriter<W> {
    /// Writes a head that does not say how long the sound is.
    pub fn new(out: W, bits: u16, sample_rate_hz: u32) -> io::Result<FlacWriter<W>> {
        // There is no room to be left for words, and players find any place without a table.
        let options = Options::default().no_padding().no_seektable();
        let encoder = FlacSampleWriter::new(out, options, sample_rate_hz, bits.into(), 2, None);
        Ok(FlacWriter { encoder: encoder.map_err(failed)?, has_begun: false, samples: Vec::new() })
    }

    /// Writes more of it.
    pub fn write(&mut self, frames: &[Frame], rounded: impl FnMut(f32) -> i32) -> io::Result<()> {
        self.samples.clear();
        self.samples.extend(frames.as_flattened().iter().copied().map(rounded));
        self.has_begun |= !frames.is_empty();
        self.encoder.write(&self.samples).map_err(failed)
    }

    /// Encodes what is left, and says in the head how long the sound is.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.has_begun {
            // No FLAC file is empty.
            self.encoder.write(&[0; 2]).map_err(failed)?;
        }
        self.encoder.finalize().map_err(failed)
    }
}

fn failed(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::other(error.to_string()),
    }
}
