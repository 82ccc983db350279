//! The audio host: it owns the patch and says when.

pub mod agenda;
pub mod alarm;
pub mod block_killer;
pub mod callback;
pub mod clips;
pub mod conductor;
pub mod control;
pub mod crash;
mod crossing;
mod demand;
pub mod device;
pub mod drill;
pub mod ear;
pub mod engine;
pub mod intake;
pub mod journal;
pub mod ladder;
pub mod limiter;
pub mod memory;
pub mod notice;
pub mod osc_out;
pub mod pace;
pub mod plan;
pub mod player;
pub mod pool;
pub mod process;
pub mod recorder;
pub mod reels;
pub mod render;
pub mod shared;
pub mod snapshot;
pub mod supervisor;
pub mod tap;
pub mod watchdog;

/// Where recordings go, where nothing else is said.
pub fn recordings_folder() -> std::path::PathBuf {
    let folders = directories::UserDirs::new();
    let folder = folders.as_ref().map(|folders| folders.audio_dir().unwrap_or(folders.home_dir()));
    folder.map_or_else(std::env::temp_dir, |folder| folder.join("Sostenuto"))
}

/// Where this user's program keeps what it remembers from one start to the next.
/// `None` where the system has no place.
pub fn state_folder() -> Option<std::path::PathBuf> {
    let own = directories::ProjectDirs::from("", "", "sostenuto")?;
    Some(own.state_dir().unwrap_or_else(|| own.data_local_dir()).to_owned())
}
