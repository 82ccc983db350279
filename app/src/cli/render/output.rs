//! The file of a render, while it is being written.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sostenuto_host::engine::Frame;
use sostenuto_host::sound_writer::{Container, SoundWriter};
use sostenuto_osc::message::record::WavFormat;
use sostenuto_patch::disk::NewFile;

/// A file that takes its place once it is finished. Dropped before, it leaves what was there.
pub struct Output {
    writer: SoundWriter<BufWriter<File>>,
    new: NewFile,
    path: PathBuf,
    bits: u16,
}

impl Output {
    pub fn create(path: &Path, sample_rate_hz: u32, format: WavFormat) -> anyhow::Result<Output> {
        let failed = || format!("{} cannot be written", path.display());
        let (file, new) = NewFile::begin(path).with_context(failed)?;
        let file = BufWriter::new(file);
        let writer = SoundWriter::new(file, Container::of(path), format, sample_rate_hz);
        let (path, bits) = (path.to_owned(), format.bits());
        Ok(Output { writer: writer.with_context(failed)?, new, path, bits })
    }

    pub fn write(&mut self, frames: &[Frame]) -> anyhow::Result<()> {
        let full = ((1i64 << (self.bits - 1)) - 1) as f32;
        let written = self.writer.write(frames, |sample| (sample * full).round() as i32);
        written.with_context(|| format!("{} cannot be written", self.path.display()))
    }

    pub fn finish(self) -> anyhow::Result<()> {
        let failed = || format!("{} cannot be written", self.path.display());
        self.writer.finish().with_context(failed)?;
        self.new.finish().with_context(failed)
    }
}
