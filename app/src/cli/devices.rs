//! `sostenuto devices`: where a patch can be heard.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use crate::host::device::list;

/// Lists the sound cards that can play
#[derive(Args)]
pub struct Devices {}

impl Devices {
    /// Lists them, the system's choice marked with a star.
    pub fn run(&self) -> anyhow::Result<()> {
        let cards = list();
        if cards.is_empty() {
            bail!("No sound card answers. A patch would run on the silent clock.");
        }
        let mut out = std::io::stdout().lock();
        for card in cards {
            let mark = if card.is_default { '*' } else { ' ' };
            writeln!(out, "{mark} {}  {}", card.id, card.name)?;
        }
        Ok(())
    }
}
