//! Where a patch finds its sounds and tunings. While it plays, their paths are whole; in a
//! file, those beside or below the file are written from there, so that a folder
//! can be moved with patch and sounds in it.

use std::borrow::Cow;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Name, Patch, PatchModule};

/// A sound or a tuning that comes with the program begins with this.
pub const FACTORY: &str = "factory:";

/// What the names of sounds end in. Only dialogs ask: a sound is known by what is
/// in it, whatever it is called.
pub const ENDINGS: [&str; 11] =
    ["wav", "wave", "bwf", "rf64", "flac", "aif", "aiff", "aifc", "ogg", "oga", "mp3"];

/// What the names of Scala files end in: scales and keyboard mappings.
pub const TUNING_ENDINGS: [&str; 2] = ["scl", "kbm"];

/// Which files can be sounds, as a musician reads it.
pub const FORMATS: &str = "WAV, AIFF, FLAC, OGG Vorbis or MP3";

/// Whether a file is called as a sound.
pub fn is_sound(path: &Path) -> bool {
    ends_in(path, &ENDINGS)
}

/// Whether a file is called as a part of a tuning.
pub fn is_tuning(path: &Path) -> bool {
    ends_in(path, &TUNING_ENDINGS)
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.iter().any(|one| one.eq_ignore_ascii_case(ending)))
}

/// The files that the sounds and tunings of a patch are read from.
pub fn files(patch: &Patch) -> impl Iterator<Item = &Path> {
    let named = patch.modules.values().flat_map(|module| {
        let files = module.text_form().map(|form| form.files(&module.text)).unwrap_or_default();
        files.into_iter().map(|file| &module.text[file])
    });
    named.filter(|file| !file.starts_with(FACTORY)).map(Path::new)
}

/// The module's text with other names for its files, where there are any.
fn with_files(module: &PatchModule, rename: impl Fn(&Path) -> Option<String>) -> Option<Name> {
    let mut text = module.text.to_string();
    for file in module.text_form()?.files(&module.text).into_iter().rev() {
        let own = &module.text[file.clone()];
        if !own.starts_with(FACTORY)
            && let Some(other) = rename(Path::new(own))
        {
            text.replace_range(file, &other);
        }
    }
    (*text != *module.text).then(|| text.into())
}

/// The patch with whole paths, as it was read from that file.
pub(super) fn found_from(mut patch: Patch, file: &Path) -> Patch {
    let Some(folder) = folder(file) else { return patch };
    let whole = |file: &Path| {
        let whole = (!file.has_root()).then(|| folder.join(file))?;
        whole.to_str().map(str::to_owned)
    };
    for module in patch.modules.values_mut() {
        if let Some(text) = with_files(module, whole) {
            module.text = text;
        }
    }
    patch
}

/// The patch as it is written to that file, which is no link.
pub(super) fn seen_from<'a>(patch: &'a Patch, file: &Path) -> Cow<'a, Patch> {
    let Some(folder) = folder(file) else { return Cow::Borrowed(patch) };
    let on_disk = fs::canonicalize(&folder).ok();
    let mut seen = Cow::Borrowed(patch);
    for (id, module) in &patch.modules {
        let from_there = |file: &Path| from_folder(file, &folder, on_disk.as_deref());
        if let Some(text) = with_files(module, from_there) {
            let module = seen.to_mut().modules.get_mut(id.as_str());
            module.expect("it is a copy").text = text;
        }
    }
    seen
}

/// A sound's path from a folder, if one of the folders in it is that one. As it is
/// written comes first; a link is only followed to find the folder, never to
/// find the sound.
fn from_folder(sound: &Path, folder: &Path, on_disk: Option<&Path>) -> Option<String> {
    if let Ok(rest) = sound.strip_prefix(folder) {
        return slashed(rest);
    }
    let is_folder =
        |path: &&Path| on_disk.is_some() && fs::canonicalize(path).ok().as_deref() == on_disk;
    let same = sound.ancestors().skip(1).filter(|path| path.has_root()).find(is_folder)?;
    slashed(sound.strip_prefix(same).ok()?)
}

fn folder(file: &Path) -> Option<PathBuf> {
    Some(std::path::absolute(file).ok()?.parent()?.to_owned())
}

/// With the slashes that every system takes. `None` where it is not text.
fn slashed(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        Component::ParentDir => Some(".."),
        _ => None,
    });
    let parts: Option<Vec<&str>> = parts.collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::file::{Over, load, save};
    use super::super::{Patch, PatchModule};
    use super::*;

    fn patch_of(text: &str) -> Patch {
        let mut module = PatchModule::new("sampler", 0.0, 0.0);
        module.text = text.into();
        let mut patch = Patch::default();
        patch.modules.insert("sampler".parse().unwrap(), module);
        patch
    }

    fn written(file: &Path) -> String {
        let json: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        json["modules"][0]["text"].as_str().unwrap().to_owned()
    }

    fn text(patch: &Patch) -> &str {
        &patch.modules["sampler"].text
    }

    #[test]
    fn sounds_move_with_their_patch() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::create_dir_all(old.join("drums")).unwrap();
        let sound = old.join("drums/kick.wav");
        save(&old.join("a.sostenuto"), &patch_of(sound.to_str().unwrap()), Over::Patches).unwrap();
        assert_eq!(written(&old.join("a.sostenuto")), "drums/kick.wav");
        fs::rename(&old, &new).unwrap();
        let patch = load(&new.join("a.sostenuto")).unwrap();
        assert_eq!(Path::new(text(&patch)), new.join("drums/kick.wav"));
    }

    #[test]
    fn tunings_move_with_their_patch_wherever_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::create_dir_all(old.join("scales")).unwrap();
        let (scale, keys) = (old.join("scales/my scale.scl"), old.join("keys.kbm"));
        let whole = format!("{}\n{}", scale.display(), keys.display());
        let mut patch = patch_of("");
        let tuned = |kind: &str, text: String| {
            let mut module = PatchModule::new(kind, 0.0, 0.0);
            module.text = text.into();
            module
        };
        let notes = format!("tuning {}\n0 1 C4", scale.display());
        patch.modules.insert("sampler".parse().unwrap(), tuned("quantizer", whole));
        patch.modules.insert("roll".parse().unwrap(), tuned("piano-roll", notes));
        patch.modules.insert("own".parse().unwrap(), tuned("tuner", "factory:young.scl".into()));
        assert_eq!(files(&patch).collect::<Vec<_>>(), [&*scale, &*scale, &*keys]);
        save(&old.join("a.sostenuto"), &patch, Over::Patches).unwrap();
        fs::rename(&old, &new).unwrap();
        let moved = load(&new.join("a.sostenuto")).unwrap();
        let [scale, keys] = ["scales/my scale.scl", "keys.kbm"].map(|name| new.join(name));
        assert_eq!(text(&moved), format!("{}\n{}", scale.display(), keys.display()));
        assert_eq!(&*moved.modules["roll"].text, format!("tuning {}\n0 1 C4", scale.display()));
        assert_eq!(&*moved.modules["own"].text, "factory:young.scl");
    }

    /// A set with its sound, a linked set, and a link to the patch in another
    /// folder; the sounds of `set/samples` lie elsewhere, behind a link.
    #[cfg(unix)]
    fn linked() -> tempfile::TempDir {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["set", "desk", "library"] {
            fs::create_dir(path(folder)).unwrap();
        }
        for sound in ["set/kick.wav", "library/snare.wav", "library/hat.wav"] {
            fs::write(path(sound), "sound").unwrap();
        }
        symlink("set", path("linked")).unwrap();
        symlink("../library", path("set/samples")).unwrap();
        symlink("../library/hat.wav", path("set/hat.wav")).unwrap();
        symlink("../set/a.sostenuto", path("desk/a.sostenuto")).unwrap();
        root
    }

    #[cfg(unix)]
    #[test]
    fn however_a_patch_is_opened_its_sounds_are_found_and_written_as_they_were() {
        let root = linked();
        let path = |name: &str| root.path().join(name);
        let ways = ["set/a.sostenuto", "linked/a.sostenuto", "desk/a.sostenuto"];
        for as_written in ["kick.wav", "samples/snare.wav", "hat.wav", "../library/snare.wav"] {
            for opened in ways {
                for saved in ways {
                    fs::write(
                        path("set/a.sostenuto"),
                        super::super::file::write(&patch_of(as_written)),
                    )
                    .unwrap();
                    let patch = load(&path(opened)).unwrap();
                    assert!(Path::new(text(&patch)).is_file(), "{opened}: {}", text(&patch));
                    save(&path(saved), &patch, Over::Patches).unwrap();
                    let now = written(&path("set/a.sostenuto"));
                    assert_eq!(now, as_written, "opened as {opened}, saved as {saved}");
                    assert!(fs::symlink_metadata(path("desk/a.sostenuto")).unwrap().is_symlink());
                }
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn saved_elsewhere_a_patch_still_finds_its_sounds() {
        let root = linked();
        let path = |name: &str| root.path().join(name);
        for opened in ["set/a.sostenuto", "linked/a.sostenuto", "desk/a.sostenuto"] {
            for as_written in ["kick.wav", "samples/snare.wav", "../library/snare.wav"] {
                fs::write(
                    path("set/a.sostenuto"),
                    super::super::file::write(&patch_of(as_written)),
                )
                .unwrap();
                let patch = load(&path(opened)).unwrap();
                for elsewhere in ["desk/b.sostenuto", "library/b.sostenuto", "b.sostenuto"] {
                    save(&path(elsewhere), &patch, Over::Patches).unwrap();
                    let found = load(&path(elsewhere)).unwrap();
                    assert!(Path::new(text(&found)).is_file(), "{elsewhere}: {}", text(&found));
                }
            }
        }
    }

    #[test]
    fn a_sound_is_called_as_one_in_any_case() {
        for name in ["a.wav", "a.WAV", "b.c.Aiff", "x.FLAC", "x.ogg", "x.Mp3"] {
            assert!(is_sound(Path::new(name)), "{name}");
        }
        for name in ["a.sostenuto", "wav", ".wav", "a.wav.txt", "a"] {
            assert!(!is_sound(Path::new(name)), "{name}");
        }
    }
}
