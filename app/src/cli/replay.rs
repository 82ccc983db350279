//! `sostenuto replay`: a module's crash, once more and alone.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use dsp_worker::evidence::Replayed;
use dsp_worker::{last_words, limits};
use shm_ring::last_words::LastWords;
use sostenuto_host::pool::crash::SavedCrash;

/// Has a module crash once more, alone and in this process: for a debugger
#[derive(Args)]
pub struct Replay {
    /// What was kept of the crash: a .crash file
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

impl Replay {
    /// Says what is known of it, and replays it.
    pub fn run(&self) -> anyhow::Result<()> {
        let kept = SavedCrash::load(&self.path).with_context(|| self.path.display().to_string())?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", kept.facts())?;
        writeln!(out, "Now it is computed once more.")?;
        out.flush()?;
        // As in a worker: a memory bomb meets its limit, and a full stack ends
        // with the same signal.
        limits::bound_memory();
        last_words::leave_at(Box::leak(Box::new(LastWords::new())));
        let replayed = kept.evidence.replay()?;
        writeln!(out, "It did not crash this time.")?;
        describe(&mut out, &kept, &replayed)?;
        Ok(())
    }
}

fn describe(out: &mut impl Write, kept: &SavedCrash, replayed: &Replayed) -> std::io::Result<()> {
    let witnesses = kept.evidence.witnesses();
    for made in &replayed.outputs {
        let module = witnesses[made.module].entry.about.name;
        let (output, channels, [low, high]) = (made.output, made.channels, made.volts);
        match channels {
            1 => writeln!(out, "  {module}.{output}: {low} … {high} V")?,
            _ => writeln!(out, "  {module}.{output}: {low} … {high} V, {channels} channels")?,
        }
    }
    if replayed.not_finite > 0 {
        writeln!(out, "{} samples were no finite numbers.", replayed.not_finite)?;
    }
    Ok(())
}
