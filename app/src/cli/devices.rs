//! `sostenuto devices`: where a patch can be heard, and what it can hear.

use std::io::Write;

use anyhow::bail;
use clap::Args;
use sostenuto_host::sound_card::device::list;
use sostenuto_osc::message::device::Card;

/// Lists the sound cards that can play, and those that can be heard
#[derive(Args)]
pub struct Devices {}

impl Devices {
    /// Lists them, the system's choice marked with a star.
    pub fn run(&self) -> anyhow::Result<()> {
        let (cards, inputs) = list();
        if cards.is_empty() {
            bail!("No sound card answers. A patch would run on the silent clock.");
        }
        let mut out = std::io::stdout().lock();
        write(&mut out, &cards)?;
        if !inputs.is_empty() {
            writeln!(out, "Audio In can hear:")?;
            write(&mut out, &inputs)?;
        }
        Ok(())
    }
}

fn write(out: &mut impl Write, cards: &[Card]) -> std::io::Result<()> {
    cards.iter().try_for_each(|card| {
        let mark = if card.is_default { '*' } else { ' ' };
        writeln!(out, "{mark} {}  {}", card.id, card.name)
    })
}
