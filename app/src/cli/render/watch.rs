//! `sostenuto render --watch`: again and again.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Instant, SystemTime};

use sostenuto_patch::{file, sounds};

use super::{Ended, LOOK, Render, Stop};
use crate::cli::sentence;

/// What files were like when they were looked at.
struct Seen(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Seen {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Seen {
        Seen(files.into_iter().map(|file| (file.clone(), look(&file))).collect())
    }

    fn has_changed(&self) -> bool {
        self.0.iter().any(|(file, seen)| look(file) != *seen)
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.0.iter().map(|(file, _)| file.clone())
    }
}

/// When a file was written, and how long it is. `None` where there is none. It is asked for
/// again and again: that finds a file which another takes the place of, on every system and
/// every kind of disk, where notices of the system do not.
fn look(file: &Path) -> Option<(SystemTime, u64)> {
    let there = file.metadata().ok()?;
    Some((there.modified().ok()?, there.len()))
}

/// Renders whenever something has changed, until it is stopped.
///
/// # Errors
/// Where the patch is not there at the start, or the output may not be replaced.
pub fn watch(render: &Render, stop: &Stop) -> anyhow::Result<()> {
    if !render.patch.path.exists() {
        render.patch.load()?;
    }
    render.spare_others(&render.output)?;
    loop {
        let seen = Seen::of(files(render));
        let began = Instant::now();
        let output = render.output.display();
        match render.render(stop, &|| seen.has_changed()) {
            Ok(Ended::Whole) => eprintln!(
                "{output}: {:.1} s of sound, rendered in {:.1} s. Waiting for a change until \
                 Ctrl-C.",
                render.seconds.as_secs_f64(),
                began.elapsed().as_secs_f64()
            ),
            Ok(Ended::Stale) => eprintln!("Something changed meanwhile: once more."),
            Ok(Ended::Stopped(_)) => return Ok(()),
            Err(error) => eprintln!(
                "sostenuto: {} {output} is as it was. Waiting for a change until Ctrl-C.",
                ended(sentence(&error))
            ),
        }
        if !wait_for_change(seen, stop) {
            return Ok(());
        }
    }
}

/// Waits until files have changed and stand still again. False where it was stopped.
fn wait_for_change(mut seen: Seen, stop: &Stop) -> bool {
    let mut has_changed = false;
    while !stop.is_asked() {
        let is_other = seen.has_changed();
        if has_changed && !is_other {
            return true;
        }
        if is_other {
            has_changed = true;
            seen = Seen::of(seen.files().collect::<Vec<_>>());
        }
        sleep(LOOK);
    }
    false
}

/// What the render is made from, as far as it can be known now.
fn files(render: &Render) -> Vec<PathBuf> {
    let patch = file::load(&render.patch.path).ok();
    let named = patch.iter().flat_map(sounds::files).map(PathBuf::from);
    let given = [Some(render.patch.path.clone()), render.input.clone()];
    given.into_iter().flatten().chain(named).collect()
}

/// With a full stop at its end.
fn ended(sentence: String) -> String {
    if sentence.ends_with(['.', '!', '?']) { sentence } else { format!("{sentence}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_made_replaced_or_removed_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&old, "1").unwrap();
        let seen = || Seen::of([old.clone()]);
        let before = seen();
        assert!(!before.has_changed());
        std::fs::write(&old, "12").unwrap();
        assert!(before.has_changed());
        let before = seen();
        std::fs::write(&new, "345").unwrap();
        std::fs::rename(&new, &old).unwrap();
        assert!(before.has_changed());
        let before = seen();
        std::fs::remove_file(&old).unwrap();
        assert!(before.has_changed());
        let before = seen();
        std::fs::write(&old, "").unwrap();
        assert!(before.has_changed());
    }
}
