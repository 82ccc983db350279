//! `sostenuto render`: a patch into a WAV, as fast as it goes.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use hound::{SampleFormat, WavSpec, WavWriter};
use indicatif::{ProgressBar, ProgressStyle};
use sostenuto_host::drill::block_killer::{BlockKiller, Tally};
use sostenuto_host::engine::{EngineStatus, Frame};
use sostenuto_host::plan::Plan;
use sostenuto_host::plan::clips;
use sostenuto_host::pool::crash;
use sostenuto_host::render::{self, ComputedBy, Settings};
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::Role;
use sostenuto_patch::disk::{self, NewFile, is_same_file};
use sostenuto_patch::{Edit, ModuleId, Name, Patch, apply, sounds};

use super::options::{Computing, PatchFile};
use super::play::on_stop;

/// Renders a patch into a WAV file, as fast as it goes
#[derive(Args)]
pub struct Render {
    #[command(flatten)]
    patch: PatchFile,

    /// How much of it
    #[arg(long, value_name = "S", value_parser = super::options::seconds)]
    seconds: Duration,

    /// The file to write
    #[arg(short, long, value_name = "OUT.wav")]
    output: PathBuf,

    /// Replaces the output also where it is not a WAV file
    #[arg(long)]
    force: bool,

    /// Renders all the same where a sound of the patch cannot be read: it is silent
    #[arg(long)]
    missing_sounds_silent: bool,

    #[command(flatten)]
    computing: Computing,

    /// Computes in this process, without workers: the same samples
    #[arg(long, conflicts_with = "workers")]
    in_process: bool,

    /// Kills a worker in the middle of every so many blocks: the same samples
    #[arg(long, value_name = "BLOCKS", conflicts_with = "in_process",
          value_parser = clap::value_parser!(u64).range(1..))]
    kill_every: Option<u64>,

    /// Chooses other victims and instants
    #[arg(long, value_name = "N", default_value_t = 0, requires = "kill_every")]
    seed: u64,

    /// A sound that every Audio In hears, from its first frame on: WAV, AIFF, FLAC, OGG Vorbis
    /// or MP3
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// How a sample is written
    #[arg(long, value_enum, default_value_t = Format::F32)]
    format: Format,
}

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// 32 bits, floating point
    F32,
    /// 24 bits
    S24,
    /// 16 bits
    S16,
}

impl Format {
    fn bits(self) -> u16 {
        match self {
            Format::F32 => 32,
            Format::S24 => 24,
            Format::S16 => 16,
        }
    }
}

/// What a WAV counts in 32 bits, less its header.
const MOST_BYTES: u64 = u32::MAX as u64 - 1024;

impl Render {
    /// Renders.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut patch = self.patch.load()?;
        self.spare_inputs(&patch)?;
        self.give_input(&mut patch)?;
        let rate = self.computing.sample_rate;
        let frames = (self.seconds.as_secs_f64() * f64::from(rate)).round() as u64;
        let computed_by =
            if self.in_process { ComputedBy::InProcess } else { self.computing.by_workers()? };
        let stop = on_stop()?;
        let bytes = frames * 2 * u64::from(self.format.bits() / 8);
        if bytes > MOST_BYTES {
            bail!("a WAV holds 4 GiB, and this takes {} GiB: choose less of it", bytes >> 30);
        }
        let settings = Settings {
            sample_rate_hz: rate,
            block_frames: self.computing.file_block_frames(),
            computed_by,
        };
        let (mut render, notices) = render::ready(&patch, &settings, self.missing_sounds_silent)?;
        notices.iter().for_each(|notice| eprintln!("{notice}"));
        if self.kill_every.is_none() {
            // A kill is to strike one block; where several are in flight it strikes any.
            render.fly()?;
        }
        self.spare_others()?;
        let mut wav = Wav::create(&self.output, rate, self.format)?;
        render.on_trouble(crash::folder(), |sentence| eprintln!("{sentence}"));
        let progress = progress(frames);
        let mut killer = self.killer(&mut render)?;
        stop_at(stop, render.status())?;
        let mut left = frames;
        while left > 0 {
            killer.as_mut().map(BlockKiller::begin);
            let Some(block) = render.block_unless_stopped() else {
                bail!("stopped: {} was not written", self.output.display());
            };
            killer.as_mut().map(BlockKiller::end);
            let count = left.min(block.len() as u64);
            wav.write(&block[..count as usize])?;
            progress.inc(count);
            left -= count;
        }
        progress.finish_and_clear();
        wav.finish()?;
        if let Some(killer) = killer {
            let Tally { kills, inside_block, inside_job, recoveries } = killer.finish();
            eprintln!(
                "{kills} workers killed, {inside_block} of them inside the block, {inside_job} \
                 inside a job. {recoveries} times another went on with unfinished work."
            );
        }
        Ok(())
    }

    /// Refuses to write over what is read.
    fn spare_inputs(&self, patch: &Patch) -> anyhow::Result<()> {
        let is_output = |path: &Path| is_same_file(path, &self.output);
        let what = if is_output(&self.patch.path) {
            "the patch itself"
        } else if self.input.as_deref().is_some_and(is_output) {
            "the input"
        } else if sounds::files(patch).any(is_output) {
            "a sound that the patch reads"
        } else {
            return Ok(());
        };
        bail!("{} is {what}: choose another output. It was not changed", self.output.display())
    }

    /// Refuses to write over what is no WAV, unless told. An empty file holds nothing
    /// that could be lost.
    fn spare_others(&self) -> anyhow::Result<()> {
        let there = self.output.metadata();
        if self.force || !there.is_ok_and(|there| there.is_file() && there.len() > 0) {
            return Ok(());
        }
        let mut head = Vec::new();
        let read = disk::open(&self.output).and_then(|file| file.take(12).read_to_end(&mut head));
        let heads: [&[u8]; 4] = [b"RIFF", b"RIFX", b"RF64", b"BW64"];
        let is_wav = read.is_ok() && head.ends_with(b"WAVE");
        let is_wav = is_wav && heads.iter().any(|one| head.starts_with(one));
        anyhow::ensure!(
            is_wav,
            "{} is not a WAV file, and was not changed: choose another output, or replace it with \
             --force",
            self.output.display()
        );
        Ok(())
    }

    /// Has every Audio In hear the file instead of a sound card.
    fn give_input(&self, patch: &mut Patch) -> anyhow::Result<()> {
        let Some(path) = &self.input else { return Ok(()) };
        let path = std::path::absolute(path)?;
        let failed = || format!("{} is no input", path.display());
        let text: Name = path.to_str().with_context(failed)?.into();
        clips::make(&(Text::Sound, text.clone())).with_context(failed)?;
        let ears = patch.modules.iter().filter(|(_, module)| module.has_role(Role::AudioIn));
        let ears: Vec<ModuleId> = ears.map(|(id, _)| id.clone()).collect();
        anyhow::ensure!(!ears.is_empty(), "the patch has no Audio In to hear {}", path.display());
        for module in ears {
            apply(patch, Edit::SetText { module, text: text.clone() })?;
        }
        Ok(())
    }

    fn killer(&self, render: &mut render::Render) -> anyhow::Result<Option<BlockKiller>> {
        let busy = render.conductor().plan().map_or(0, Plan::busy);
        let Some((every, pool)) = self.kill_every.zip(render.pool()) else { return Ok(None) };
        let killer = BlockKiller::start(Arc::clone(pool), every, busy, self.seed);
        Ok(Some(killer.context("no thread to kill workers from")?))
    }
}

/// A block may take long, and be waited for by nobody any more.
fn stop_at(stop: Receiver<()>, status: Arc<EngineStatus>) -> anyhow::Result<()> {
    let wait = move || {
        if stop.recv().is_ok() {
            status.is_stopping.store(true, Relaxed);
        }
    };
    std::thread::Builder::new().name("stop".to_owned()).spawn(wait).context("no thread")?;
    Ok(())
}

/// A WAV file that is still being written.
struct Wav {
    writer: WavWriter<BufWriter<File>>,
    new: NewFile,
    path: PathBuf,
    format: Format,
}

impl Wav {
    fn create(path: &Path, sample_rate_hz: u32, format: Format) -> anyhow::Result<Wav> {
        let failed = || format!("{} cannot be written", path.display());
        let spec = WavSpec {
            channels: 2,
            sample_rate: sample_rate_hz,
            bits_per_sample: format.bits(),
            sample_format: match format {
                Format::F32 => SampleFormat::Float,
                Format::S24 | Format::S16 => SampleFormat::Int,
            },
        };
        let (file, new) = NewFile::begin(path).with_context(failed)?;
        let writer = WavWriter::new(BufWriter::new(file), spec).with_context(failed)?;
        Ok(Wav { writer, new, path: path.to_owned(), format })
    }

    fn write(&mut self, frames: &[Frame]) -> anyhow::Result<()> {
        for &sample in frames.as_flattened() {
            let scaled = |bits: u32| (sample * ((1 << (bits - 1)) - 1) as f32).round() as i32;
            let result = match self.format {
                Format::F32 => self.writer.write_sample(sample),
                Format::S24 => self.writer.write_sample(scaled(24)),
                Format::S16 => self.writer.write_sample(scaled(16)),
            };
            result.with_context(|| format!("{} cannot be written", self.path.display()))?;
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        let failed = || format!("{} cannot be written", self.path.display());
        self.writer.finalize().with_context(failed)?;
        self.new.finish().with_context(failed)
    }
}

fn progress(frames: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left");
    ProgressBar::new(frames).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
