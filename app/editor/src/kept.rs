//! What the window keeps in files of its own, as JSON.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sostenuto_patch::disk;

/// Reads it; where there is none, or none that can be read, its default.
pub fn load<T: DeserializeOwned + Default>(path: &Path) -> T {
    let text = disk::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Writes it beside, and puts it in its place.
///
/// # Errors
/// Where the system does not let it.
pub fn save(kept: &impl Serialize, path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_vec_pretty(kept).expect("words and numbers are JSON");
    disk::replace(path, &text)
}
