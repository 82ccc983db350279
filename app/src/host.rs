//! The audio host: it owns the patch and says when.

pub mod alarm;
pub mod block_killer;
pub mod callback;
pub mod clips;
pub mod conductor;
pub mod control;
pub mod crash;
mod demand;
pub mod device;
pub mod drill;
pub mod engine;
pub mod journal;
pub mod ladder;
pub mod limiter;
pub mod memory;
pub mod notice;
pub mod pace;
pub mod plan;
pub mod player;
pub mod pool;
pub mod process;
pub mod recorder;
pub mod render;
pub mod shared;
pub mod snapshot;
pub mod supervisor;
pub mod tap;
pub mod watchdog;

/// Where this user's program keeps what it remembers from one start to the next.
/// `None` where the system has no place.
pub fn state_folder() -> Option<std::path::PathBuf> {
    let own = directories::ProjectDirs::from("", "", "sostenuto")?;
    Some(own.state_dir().unwrap_or_else(|| own.data_local_dir()).to_owned())
}
