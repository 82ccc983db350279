//! `sostenuto man`: the manual pages, made from what `--help` says.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::Man;

/// Prints the manual page, for `man`
#[derive(Args)]
pub struct ManPages {
    /// Writes it there instead, with a page for each command
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl ManPages {
    /// Prints or writes.
    pub fn run(&self) -> anyhow::Result<()> {
        let program = super::Arguments::command();
        if let Some(folder) = &self.folder {
            return clap_mangen::generate_to(program, folder)
                .with_context(|| format!("{} cannot be written to", folder.display()));
        }
        let mut page = Vec::new();
        Man::new(program).render(&mut page)?;
        Ok(std::io::stdout().lock().write_all(&page)?)
    }
}
