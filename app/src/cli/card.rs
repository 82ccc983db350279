//! `sostenuto card`: the process of one sound card. The host starts it.

use clap::{Args, Subcommand};
use sostenuto_host::sound_card::driver::{self, Opening};

/// Runs the driver of one sound card for a host
#[derive(Args)]
pub struct Card {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Plays
    Play(Opened),
    /// Listens
    Listen(Opened),
    /// Says which cards there are
    List,
}

#[derive(Args)]
struct Opened {
    /// The memory that it shares with the host
    link: String,
    /// The card, or `default`
    id: String,
    /// Frames a second
    sample_rate_hz: u32,
    /// Frames in a block
    block_frames: u32,
}

impl Card {
    /// Until standard input ends, or the card is gone.
    pub fn run(self) {
        match self.what {
            What::Play(opened) => driver::play(&opened.into()),
            What::Listen(opened) => driver::listen(&opened.into()),
            What::List => driver::list(),
        }
    }
}

impl From<Opened> for Opening {
    fn from(Opened { link, id, sample_rate_hz, block_frames }: Opened) -> Opening {
        Opening { link, id, sample_rate_hz, block_frames }
    }
}
