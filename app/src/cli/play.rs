//! `sostenuto play`: a patch through the sound card, until Ctrl-C.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use sostenuto_host::player::{Keeping, Player};

use super::options::{Computing, Heard, PatchFile};

/// Plays a patch until Ctrl-C
#[derive(Args)]
pub struct Play {
    #[command(flatten)]
    patch: PatchFile,

    #[command(flatten)]
    computing: Computing,

    #[command(flatten)]
    heard: Heard,

    /// Ends by itself after that time
    #[arg(long, value_name = "S", value_parser = super::options::seconds)]
    seconds: Option<Duration>,
}

impl Play {
    /// Plays.
    pub fn run(&self) -> anyhow::Result<()> {
        let patch = self.patch.load()?;
        let settings = self.heard.settings(&self.computing)?;
        let stop = on_stop()?;
        let keeping = Keeping { recordings: Some(self.heard.recordings()), ..Keeping::default() };
        let player = Player::resume(&patch, settings, keeping, |text| eprintln!("{text}"))?;
        player.listen_to(self.heard.input());
        let title = if patch.title.is_empty() { "untitled" } else { &patch.title };
        eprintln!("{title}: playing until Ctrl-C.");
        match self.seconds {
            None => drop(stop.recv()),
            Some(seconds) => {
                if stop.recv_timeout(seconds) == Err(RecvTimeoutError::Disconnected) {
                    std::thread::sleep(seconds);
                }
            }
        }
        let (xruns, deaths) = (player.xruns(), player.pool().deaths());
        drop(player);
        eprintln!("Stopped. {xruns} xruns, {deaths} workers replaced.");
        Ok(())
    }
}

/// Hears of Ctrl-C, and of the end of the terminal.
pub fn on_stop() -> anyhow::Result<std::sync::mpsc::Receiver<()>> {
    let (tell, stop) = channel();
    let handler = move || {
        // Nobody listens any more where the program is ending already.
        let _ = tell.send(());
    };
    ctrlc::set_handler(handler).context("Ctrl-C cannot be listened for")?;
    Ok(stop)
}
