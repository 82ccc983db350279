//! `sostenuto play`: a patch through the sound card, until Ctrl-C.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use sostenuto_host::control::sound::PlayPatch;
use sostenuto_host::journal::folder_of_this_user;
use sostenuto_host::notice::Notice;
use sostenuto_host::permits::{Outside, Permits};
use sostenuto_host::player::{Keeping, Player};
use sostenuto_patch::Patch;

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
        let mut player = Player::resume(&patch, settings, keeping, |text| eprintln!("{text}"))?;
        self.allow(&patch, &mut player)?;
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

    /// Lets the patch do outside this program what was allowed, and tells what was not.
    fn allow(&self, patch: &Patch, player: &mut Player) -> anyhow::Result<()> {
        let wants = Outside::of(patch);
        let mut permits =
            folder_of_this_user().as_deref().map(Permits::kept_in).unwrap_or_default();
        permits.turn_to(Some(&std::path::absolute(&self.patch.path)?));
        let may = if self.heard.allow { wants.clone() } else { permits.now() };
        player.allow(&may);
        let held = wants.without(&may);
        if !held.is_empty() {
            eprintln!("{}", Notice::HeldBack(held));
        }
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
