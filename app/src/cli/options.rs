//! Options that several commands share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use shm_ring::layout::SLOTS;
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, MIN_BLOCK_FRAMES, QUANTUM};
use sostenuto_host::folders::recordings_folder;
use sostenuto_host::player::Settings;
use sostenuto_host::pool::crash;
use sostenuto_host::pool::{Crew, worker_program};
use sostenuto_host::render::ComputedBy;
use sostenuto_host::sound_card::device::Output;
use sostenuto_host::sound_card::ear::Input;
use sostenuto_patch::file::FileError;
use sostenuto_patch::{Edit, Patch, apply};

/// How sound is computed.
#[derive(Args, Clone, Debug)]
pub struct Computing {
    /// Frames a second
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = sample_rate())]
    pub sample_rate: u32,

    /// Frames computed in one go: a multiple of 32, up to 2048 [default: 128; 256 into a file]
    #[arg(long, value_name = "FRAMES", value_parser = block_frames)]
    block: Option<u32>,

    /// Worker processes to share the modules over [default: 8, of which as many compute as there
    /// are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=SLOTS as i64))]
    pub workers: Option<u32>,
}

/// Where sound is waited for. Longer blocks cost a little less, shorter ones come sooner.
const HEARD_BLOCK_FRAMES: u32 = 128;
const FILE_BLOCK_FRAMES: u32 = 256;

impl Computing {
    /// The length of a block, for a file.
    pub fn file_block_frames(&self) -> u32 {
        self.block.unwrap_or(FILE_BLOCK_FRAMES)
    }

    /// By that many workers, where their program is there.
    pub fn by_workers(&self) -> anyhow::Result<ComputedBy> {
        Ok(ComputedBy::Workers { crew: self.crew(), program: worker_program()? })
    }

    fn crew(&self) -> Crew {
        self.workers.map_or_else(Crew::default, |count| Crew::of(count as usize))
    }
}

/// Where sound is heard.
#[derive(Args, Clone, Debug)]
pub struct Heard {
    /// The sound card, by its id in `sostenuto devices`; else the system's choice
    #[arg(long, value_name = "ID", conflicts_with = "silent")]
    device: Option<String>,

    /// Runs on a clock of its own, and is not heard
    #[arg(long)]
    silent: bool,

    /// What Audio In hears, by its id in `sostenuto devices`, or `none`; else the system's choice
    #[arg(long, value_name = "ID", default_value = "default")]
    input: String,

    /// Where Recorder modules record to [default: Sostenuto, in this user's place for music]
    #[arg(long, value_name = "FOLDER")]
    recordings: Option<PathBuf>,

    /// Lets the patch send OSC to other machines and record to disk; else both wait until that was
    /// allowed once
    #[arg(long)]
    pub allow: bool,

    /// Blocks computed ahead of the sound card: more is safer, less is sooner
    #[arg(long, value_name = "BLOCKS", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(0..=16))]
    ahead: u32,
}

impl Heard {
    /// Where Recorders record to.
    pub fn recordings(&self) -> PathBuf {
        self.recordings.clone().unwrap_or_else(recordings_folder)
    }

    /// What a player listens to.
    pub fn input(&self) -> Input {
        Input::of(&self.input)
    }

    /// All that a player needs to know.
    pub fn settings(&self, computing: &Computing) -> anyhow::Result<Settings> {
        Ok(Settings {
            sample_rate_hz: computing.sample_rate,
            block_frames: computing.block.unwrap_or(HEARD_BLOCK_FRAMES),
            ahead: self.ahead,
            crashes: crash::folder(),
            crew: computing.crew(),
            program: worker_program()?,
            output: match (&self.device, self.silent) {
                (_, true) => Output::SilentClock,
                (Some(id), _) => Output::Device(id.clone()),
                (None, _) => Output::Default,
            },
            quarantined: Vec::new(),
        })
    }
}

/// Which patch, and what is changed in it.
#[derive(Args, Clone, Debug)]
pub struct PatchFile {
    /// The patch: a .sostenuto file
    #[arg(value_name = "PATCH")]
    pub path: PathBuf,

    /// Turns a knob before the start, to a number or to what the window reads, such as "1.5 kHz" or
    /// A4; may be given again and again
    #[arg(long = "set", value_name = "MODULE.PARAM=VALUE")]
    pub settings: Vec<String>,
}

impl PatchFile {
    /// Reads it, and turns the knobs.
    pub fn load(&self) -> anyhow::Result<Patch> {
        let mut patch = load(&self.path)?;
        if let Some(sentence) = patch.about_placeholders() {
            eprintln!("{sentence}");
        }
        for setting in &self.settings {
            set(&mut patch, setting).with_context(|| format!("--set {setting}"))?;
        }
        Ok(patch)
    }
}

/// Reads a patch.
pub fn load(path: &Path) -> anyhow::Result<Patch> {
    sostenuto_patch::file::load(path).map_err(|error| match error {
        // Nothing plays yet, so nothing is said of it.
        FileError::Read { what, .. } => anyhow!("{}: {what}", path.display()),
        FileError::Open { what, .. } => anyhow!("{} cannot be opened ({what})", path.display()),
        other => other.into(),
    })
}

fn set(patch: &mut Patch, setting: &str) -> anyhow::Result<()> {
    let parts = setting.split_once('=').and_then(|(left, value)| {
        let (module, param) = left.split_once('.')?;
        Some((module.trim(), param.trim(), value))
    });
    let Some((module, param, value)) = parts else {
        bail!("it is not of the form MODULE.PARAM=VALUE, such as vcf.cutoff=440");
    };
    let there = patch.module(module)?;
    let (_, facts) = sostenuto_patch::find_param(there.about()?, module, param)?;
    let current = there.param(param).unwrap_or(facts.default);
    let value = sostenuto_patch::read_value(module, facts, value, current)?;
    let module = module.parse()?;
    apply(patch, Edit::SetParam { module, param: param.into(), value })?;
    Ok(())
}

/// A sample rate, in Hz.
pub fn sample_rate() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(8_000..=384_000)
}

/// A time, in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    // A WAV holds 4 GiB: three hours at the usual rates.
    if !(seconds > 0.0 && seconds <= 10_800.0) {
        return Err("not between 0 and 10800 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn block_frames(text: &str) -> Result<u32, String> {
    let frames: usize = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if !frames.is_multiple_of(QUANTUM) || !(MIN_BLOCK_FRAMES..=MAX_BLOCK_FRAMES).contains(&frames) {
        return Err(format!("not a multiple of {QUANTUM} up to {MAX_BLOCK_FRAMES}"));
    }
    Ok(frames as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_patch::PatchModule;

    #[test]
    fn a_knob_is_set_as_in_the_window() {
        let mut patch = Patch::default();
        for kind in ["svf", "mixer"] {
            let id = kind.parse().unwrap();
            patch.modules.insert(id, PatchModule::new(kind, 0.0, 0.0));
        }
        for (setting, module, param, value) in [
            ("svf.cutoff=440", "svf", "cutoff", 440.0),
            ("svf.cutoff = 1.5 kHz", "svf", "cutoff", 1500.0),
            ("svf.cutoff=*2", "svf", "cutoff", 3000.0),
            ("svf.cutoff=A4", "svf", "cutoff", 440.0),
            ("mixer.mute-1=on", "mixer", "mute-1", 1.0),
        ] {
            set(&mut patch, setting).unwrap();
            let is = patch.modules[module].param(param).unwrap();
            assert!((is - value).abs() < 1e-3 * value, "{setting}: {is}");
        }
        for (setting, word) in [
            ("svf.cutoff=loud", "`loud`"),
            ("svf.cutof=1", "`cutoff`"),
            ("cutoff=1", "MODULE.PARAM"),
        ] {
            assert!(set(&mut patch, setting).unwrap_err().to_string().contains(word), "{setting}");
        }
    }
}
