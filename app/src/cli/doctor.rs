//! `sostenuto doctor`: what this machine gives to a synthesizer, and what to do where
//! that is not enough.

mod advice;
mod probe;

use std::io::Write;

use anyhow::bail;
use clap::Args;
use sostenuto_host::pool::worker_program;
use sostenuto_host::shared::space_left;
use sostenuto_host::sound_card::device::list;

use advice::{Health, Line, System};

/// Says what this machine gives to the sound, and what to do where that is not enough
///
/// Ends with 0 if a patch can be played and heard here, and with 1 if not. What is only
/// poor, or needed by the window alone, does not count. It takes some 20 seconds at most.
#[derive(Args)]
pub struct Doctor {}

impl Doctor {
    /// Looks at everything, and prints a line of each at once.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let mut is_well = true;
        let mut print = |line: Line| {
            is_well &= line.health != Health::Missing;
            write!(out, "{line}")?;
            out.flush()
        };
        let here = System::HERE;
        print(advice::cores(std::thread::available_parallelism().map_or(1, usize::from)))?;
        let workers = probe::workers(worker_program());
        print(advice::workers(&workers))?;
        print(advice::shared_memory(&workers, space_left(), here))?;
        let grants = workers.grants();
        print(advice::real_time(grants.map(|grants| grants.real_time), here))?;
        print(advice::memory_lock(grants, here))?;
        print(advice::confinement(grants.map(|grants| grants.confinement), here))?;
        let (cards, _) = list();
        print(advice::sound(&cards, probe::sound_server(&probe::variable), here))?;
        print(advice::window(probe::window(&probe::variable), here))?;
        print(advice::dialogs(probe::dialogs(&probe::variable)))?;
        if !is_well {
            bail!("A patch cannot be played and heard here. The lines with NO say what to do.");
        }
        Ok(())
    }
}
