//! `sostenuto check`: whether a patch can be played.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sostenuto_host::render::{self, ComputedBy, Settings};

use super::options::{load, sample_rate};

/// Says whether a patch can be played, and what is in it
#[derive(Args)]
pub struct Check {
    /// The patches: .sostenuto files
    #[arg(value_name = "PATCH", required = true)]
    paths: Vec<PathBuf>,

    /// Frames a second: echoes need more memory at higher rates
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = sample_rate())]
    sample_rate: u32,
}

impl Check {
    /// Checks each. One that cannot be played does not keep the others from it.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut failed: Option<anyhow::Error> = None;
        for path in &self.paths {
            match self.check(path) {
                Ok(said) => std::io::stdout().lock().write_all(said.as_bytes())?,
                Err(error) => {
                    if let Some(before) = failed.replace(error) {
                        eprintln!("sostenuto: {before:#}");
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Does all that `render` does before the first block.
    fn check(&self, path: &Path) -> anyhow::Result<String> {
        let patch = load(path)?;
        let settings = Settings {
            sample_rate_hz: self.sample_rate,
            block_frames: 256,
            computed_by: ComputedBy::InProcess,
        };
        let ready = render::ready(&patch, &settings, false);
        let (_, notices) = match self.paths.len() {
            1 => ready?,
            _ => ready.with_context(|| path.display().to_string())?,
        };
        notices.iter().for_each(|notice| eprintln!("{notice}"));
        let (modules, cables) = (patch.modules.len(), patch.cables.len());
        let title = if patch.title.is_empty() { "untitled" } else { &patch.title };
        let mut said = format!("{}: {title}: {modules} modules, {cables} cables\n", path.display());
        for (id, module) in &patch.modules {
            if let Err(problem) = module.about() {
                writeln!(said, "  `{id}` will not be heard, and is kept as it is. {problem}")?;
            }
        }
        Ok(said)
    }
}
