//! `sostenuto check`: whether a patch can be played.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::options::load;
use crate::host::clips::make;

/// Says whether a patch can be played, and what is in it
#[derive(Args)]
pub struct Check {
    /// The patches: .sostenuto files
    #[arg(value_name = "PATCH", required = true)]
    paths: Vec<PathBuf>,
}

impl Check {
    /// Checks each.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        for path in &self.paths {
            let patch = load(path)?;
            let (modules, cables) = (patch.modules.len(), patch.cables.len());
            let title = if patch.title.is_empty() { "untitled" } else { &patch.title };
            writeln!(out, "{}: {title}: {modules} modules, {cables} cables", path.display())?;
            for (id, module) in &patch.modules {
                if let Err(problem) = module.about() {
                    writeln!(out, "  `{id}` will not be heard, and is kept as it is. {problem}")?;
                }
                let made = module.text_form().map(|form| make(&(form, module.text.clone())));
                if let Some(Err(problem)) = made {
                    writeln!(out, "  `{id}` has a text that can not be used. {problem}")?;
                }
            }
        }
        Ok(())
    }
}
