//! `sostenuto render`: a patch into a file, as fast as it goes.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use sostenuto_host::drill::block_killer::{BlockKiller, Tally};
use sostenuto_host::plan::Plan;
use sostenuto_host::plan::clips;
use sostenuto_host::pool::crash;
use sostenuto_host::render::{self, ComputedBy, Settings};
use sostenuto_host::sound_writer::Container;
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::Role;
use sostenuto_osc::message::record::WavFormat;
use sostenuto_patch::disk::{self, is_same_file};
use sostenuto_patch::{Edit, ModuleId, Name, Patch, apply, sounds};

use super::options::{Computing, PatchFile};

mod output;
mod stems;
mod stop;
mod watch;

use output::Output;
use stems::{Stem, stems};
use stop::Stop;

/// Renders a patch into a WAV file or a FLAC file, as fast as it goes
#[derive(Args)]
pub struct Render {
    #[command(flatten)]
    patch: PatchFile,

    /// How much of it
    #[arg(long, value_name = "S", value_parser = super::options::seconds)]
    seconds: Duration,

    /// The file to write: FLAC where it is called .flac, else WAV
    #[arg(short, long, value_name = "OUT.wav")]
    output: PathBuf,

    /// Writes stems into that folder, too: one file for each module that is cabled to an Audio Out,
    /// with what it alone sends there, as long as the output and of the same kind. Their sum is the
    /// output, unless that or one of them is over full scale. Each is a render of its own
    #[arg(long, value_name = "FOLDER")]
    stems: Option<PathBuf>,

    /// Renders again whenever the patch changes, or a sound or tuning that it names, until Ctrl-C.
    /// Where it cannot be rendered, the output stays as it was
    #[arg(long, conflicts_with = "kill_every")]
    watch: bool,

    /// Replaces the output also where it is not a WAV or FLAC file
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

    /// How a sample is written [default: f32; s24 into a FLAC file]
    #[arg(long, value_enum)]
    format: Option<Format>,
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

impl From<Format> for WavFormat {
    fn from(format: Format) -> WavFormat {
        match format {
            Format::F32 => WavFormat::F32,
            Format::S24 => WavFormat::S24,
            Format::S16 => WavFormat::S16,
        }
    }
}

/// What became of a render.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    /// All is written.
    Whole,
    /// It was stopped, and that file is not written.
    Stopped(PathBuf),
    /// It was given up: what it was rendered from has changed.
    Stale,
}

/// How often a render asks whether it is stale.
const LOOK: Duration = Duration::from_millis(250);

impl Render {
    /// Renders.
    pub fn run(&self) -> anyhow::Result<()> {
        let stop = Stop::listen()?;
        if self.watch {
            return watch::watch(self, &stop);
        }
        match self.render(&stop, &|| false)? {
            Ended::Stopped(path) => bail!("stopped: {} was not written", path.display()),
            Ended::Whole | Ended::Stale => Ok(()),
        }
    }

    /// Renders the patch as it is now, then its stems, until `is_stale`.
    fn render(&self, stop: &Stop, is_stale: &dyn Fn() -> bool) -> anyhow::Result<Ended> {
        let mut patch = self.patch.load()?;
        let stems = match &self.stems {
            Some(folder) => self.stems_into(folder, &patch)?,
            None => Vec::new(),
        };
        self.spare_inputs(&patch, stems.iter().map(|(path, _)| path))?;
        self.give_input(&mut patch)?;
        if let Some(folder) = &self.stems {
            let failed = || format!("{} cannot be a folder of stems", folder.display());
            std::fs::create_dir_all(folder).with_context(failed)?;
        }
        let whole = Stem { patch, sides: [true; 2] };
        for (path, stem) in std::iter::once((self.output.clone(), whole)).chain(stems) {
            let ended = self.render_into(&path, &stem, stop, is_stale)?;
            if ended != Ended::Whole {
                return Ok(ended);
            }
        }
        Ok(Ended::Whole)
    }

    fn render_into(
        &self,
        path: &Path,
        stem: &Stem,
        stop: &Stop,
        is_stale: &dyn Fn() -> bool,
    ) -> anyhow::Result<Ended> {
        let rate = self.computing.sample_rate;
        let frames = (self.seconds.as_secs_f64() * f64::from(rate)).round() as u64;
        let computed_by =
            if self.in_process { ComputedBy::InProcess } else { self.computing.by_workers()? };
        let format = self.check_format(path, frames)?;
        let settings = Settings {
            sample_rate_hz: rate,
            block_frames: self.computing.file_block_frames(),
            computed_by,
        };
        let (mut render, notices) =
            render::ready(&stem.patch, &settings, self.missing_sounds_silent)?;
        if path == self.output {
            notices.iter().for_each(|notice| eprintln!("{notice}"));
        }
        if self.kill_every.is_none() {
            // A kill is to strike one block; where several are in flight it strikes any.
            render.fly()?;
        }
        self.spare_others(path)?;
        let mut output = Output::create(path, rate, format)?;
        render.on_trouble(crash::folder(), |sentence| eprintln!("{sentence}"));
        let progress = progress(frames);
        let mut killer = self.killer(&mut render)?;
        stop.follow(render.status());
        let (mut left, mut looked) = (frames, Instant::now());
        while left > 0 {
            killer.as_mut().map(BlockKiller::begin);
            let Some(block) = render.block_unless_stopped() else {
                return Ok(Ended::Stopped(path.to_owned()));
            };
            killer.as_mut().map(BlockKiller::end);
            let count = left.min(block.len() as u64);
            output.write(&stem.heard(&block[..count as usize]))?;
            progress.inc(count);
            left -= count;
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                if is_stale() {
                    progress.finish_and_clear();
                    return Ok(Ended::Stale);
                }
            }
        }
        progress.finish_and_clear();
        output.finish()?;
        if let Some(killer) = killer {
            let Tally { kills, inside_block, inside_job, recoveries } = killer.finish();
            eprintln!(
                "{kills} workers killed, {inside_block} of them inside the block, {inside_job} \
                 inside a job. {recoveries} times another went on with unfinished work."
            );
        }
        Ok(Ended::Whole)
    }

    /// How samples are written into that file.
    fn check_format(&self, path: &Path, frames: u64) -> anyhow::Result<WavFormat> {
        let container = Container::of(path);
        let usual = match container {
            Container::Wav => WavFormat::F32,
            Container::Flac => WavFormat::S24,
        };
        let format = self.format.map_or(usual, WavFormat::from);
        let fits = container.check(format);
        fits.map_err(|what| anyhow::anyhow!("{}: {what}", path.display()))?;
        if frames > container.most_frames(format) {
            let bytes = frames * 2 * u64::from(format.bits() / 8);
            bail!("a WAV holds 4 GiB, and this takes {} GiB: choose less of it", bytes >> 30);
        }
        Ok(format)
    }

    /// The stems of the patch, and where they are written.
    fn stems_into(&self, folder: &Path, patch: &Patch) -> anyhow::Result<Vec<(PathBuf, Stem)>> {
        let stems = stems(patch);
        anyhow::ensure!(!stems.is_empty(), "nothing is cabled to an Audio Out: there are no stems");
        let ending = Container::of(&self.output).ending();
        stems
            .into_iter()
            .map(|(name, mut stem)| {
                self.give_input(&mut stem.patch)?;
                Ok((folder.join(format!("{name}.{ending}")), stem))
            })
            .collect()
    }

    /// Refuses to write over what is read, or over one output with another.
    fn spare_inputs<'a>(
        &self,
        patch: &Patch,
        mut stems: impl Iterator<Item = &'a PathBuf>,
    ) -> anyhow::Result<()> {
        let read_as = |output: &Path| {
            let is_output = |path: &Path| is_same_file(path, output);
            if is_output(&self.patch.path) {
                Some("the patch itself")
            } else if self.input.as_deref().is_some_and(is_output) {
                Some("the input")
            } else if sounds::files(patch).any(is_output) {
                Some("a file that the patch reads")
            } else {
                None
            }
        };
        let refuse = |output: &Path, what: &str| -> anyhow::Result<()> {
            bail!("{} is {what}: choose another output. It was not changed", output.display())
        };
        if let Some(what) = read_as(&self.output) {
            return refuse(&self.output, what);
        }
        stems.try_for_each(|stem| match read_as(stem) {
            Some(what) => refuse(stem, what),
            None if is_same_place(stem, &self.output) => refuse(stem, "the output, too"),
            None => Ok(()),
        })
    }

    /// Refuses to write over what is no sound of these kinds, unless told. An empty file holds
    /// nothing that could be lost.
    fn spare_others(&self, path: &Path) -> anyhow::Result<()> {
        let there = path.metadata();
        if self.force || !there.is_ok_and(|there| there.is_file() && there.len() > 0) {
            return Ok(());
        }
        let mut head = Vec::new();
        let read = disk::open(path).and_then(|file| file.take(12).read_to_end(&mut head));
        let heads: [&[u8]; 4] = [b"RIFF", b"RIFX", b"RF64", b"BW64"];
        let is_wav = read.is_ok() && head.ends_with(b"WAVE");
        let is_wav = is_wav && heads.iter().any(|one| head.starts_with(one));
        anyhow::ensure!(
            is_wav || head.starts_with(b"fLaC"),
            "{} is not a WAV or FLAC file, and was not changed: choose another output, or replace \
             it with --force",
            path.display()
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

/// Whether two files are the same one, or will be once they are written.
fn is_same_place(one: &Path, other: &Path) -> bool {
    let folder = |path: &Path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let have_one_name = one.file_name() == other.file_name();
    is_same_file(one, other) || (have_one_name && is_same_file(&folder(one), &folder(other)))
}

fn progress(frames: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left");
    ProgressBar::new(frames).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
