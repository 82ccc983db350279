//! Where the host keeps its files.

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
