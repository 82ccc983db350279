//! Where a patch finds its sounds. While it plays, their paths are whole; in a
//! file, those beside or below the file are written from there, so that a folder
//! can be moved with patch and sounds in it.

use std::borrow::Cow;
use std::path::{Component, Path};

use dsp_worker::clip::Text;

use super::Patch;

/// A sound that comes with the program begins with this.
pub const FACTORY: &str = "factory:";

/// The patch with whole paths, as it was read from that file.
pub(super) fn found_from(mut patch: Patch, file: &Path) -> Patch {
    let Some(folder) = folder(file) else { return patch };
    for module in patch.modules.values_mut() {
        let is_sound = module.text_form().is_some_and(Text::is_path) && !module.text.is_empty();
        if !is_sound || module.text.starts_with(FACTORY) || Path::new(&*module.text).has_root() {
            continue;
        }
        if let Some(path) = folder.join(&*module.text).to_str() {
            module.text = path.into();
        }
    }
    patch
}

/// The patch as it is written to that file.
pub(super) fn seen_from<'a>(patch: &'a Patch, file: &Path) -> Cow<'a, Patch> {
    let Some(folder) = folder(file) else { return Cow::Borrowed(patch) };
    let mut seen = Cow::Borrowed(patch);
    for (id, module) in &patch.modules {
        let is_sound = module.text_form().is_some_and(Text::is_path);
        let below = Path::new(&*module.text).strip_prefix(&folder).ok();
        if let Some(below) = below.filter(|_| is_sound).and_then(slashed) {
            let module = seen.to_mut().modules.get_mut(id.as_str());
            module.expect("it is a copy").text = below.into();
        }
    }
    seen
}

fn folder(file: &Path) -> Option<std::path::PathBuf> {
    Some(std::path::absolute(file).ok()?.parent()?.to_owned())
}

/// With the slashes that every system takes. `None` where it climbs, or is not
/// text.
fn slashed(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    let parts: Option<Vec<&str>> = parts.collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/"))
}
