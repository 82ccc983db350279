//! All presets there are: those of the program, and this musician's on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sostenuto_patch::disk::{self, replace};
use sostenuto_patch::{Edit, ModuleId, PatchModule};

use super::factory::FACTORY;
use super::{Preset, set_all, stem};
use crate::errands::Errands;
use crate::model::Asks;

/// All presets there are. The disk is read and written beside the window.
pub struct Presets {
    folder: Option<PathBuf>,
    /// By kind and by the stem of the file.
    factory: BTreeMap<(String, String), Preset>,
    own: BTreeMap<(String, String), Preset>,
    /// What each module was set to last.
    last: BTreeMap<ModuleId, String>,
    errands: Errands<ShelfEvent>,
}

enum ShelfEvent {
    Read(Vec<Preset>),
    Trouble(String),
}

impl Presets {
    /// The factory's, and those in that folder, which are read beside. `wake`
    /// is called when there is something new to show.
    pub fn new(folder: Option<PathBuf>, wake: impl Fn() + Send + 'static) -> Presets {
        let factory = FACTORY.iter().filter_map(|text| Preset::read(text.as_bytes()));
        let factory = factory.map(|preset| (key(&preset), preset)).collect();
        let errands = Errands::new("presets", wake);
        if let Some(folder) = folder.clone() {
            errands.send(move || Some(ShelfEvent::Read(read_all(&folder))));
        }
        Presets { folder, factory, own: BTreeMap::new(), last: BTreeMap::new(), errands }
    }

    /// Hears what the disk said. What went wrong comes back as sentences.
    pub fn poll(&mut self) -> Vec<String> {
        let news: Vec<ShelfEvent> = self.errands.news().collect();
        news.into_iter().filter_map(|news| self.hear(news)).collect()
    }

    fn hear(&mut self, news: ShelfEvent) -> Option<String> {
        match news {
            ShelfEvent::Trouble(sentence) => return Some(sentence),
            ShelfEvent::Read(presets) => {
                for preset in presets {
                    self.own.entry(key(&preset)).or_insert(preset);
                }
            }
        }
        None
    }

    /// The presets of a kind of module, by name; a musician's own instead of the
    /// factory's of the same name.
    pub fn of(&self, kind: &str) -> Vec<&Preset> {
        let mut all: BTreeMap<&str, &Preset> = BTreeMap::new();
        for ((_, stem), preset) in self.factory.iter().chain(&self.own) {
            if *preset.kind == *kind {
                all.insert(stem, preset);
            }
        }
        all.into_values().collect()
    }

    /// Whether the musician has made this one.
    pub fn is_own(&self, preset: &Preset) -> bool {
        self.own.get(&key(preset)) == Some(preset)
    }

    /// What a module was set to last, by name.
    pub fn last(&self, module: &ModuleId) -> Option<&str> {
        self.last.get(module).map(String::as_str)
    }

    /// Keeps how a module stands now under that name.
    pub fn save(&mut self, id: &ModuleId, name: &str, module: &PatchModule) {
        if let Err(error) = disk::check_name(Path::new(name.trim())) {
            let sentence = format!("The preset was not saved: {error}.");
            return self.errands.send(move || Some(ShelfEvent::Trouble(sentence)));
        }
        let preset = Preset::of(name, module);
        self.last.insert(id.clone(), preset.name.clone());
        if let Some(folder) = &self.folder {
            let (path, text) = (preset.path(folder), preset.write());
            self.errands.send(move || write(&path, &text).err().map(ShelfEvent::Trouble));
        }
        self.own.insert(key(&preset), preset);
    }

    /// Forgets a preset that the musician has made.
    pub fn remove(&mut self, preset: &Preset) {
        let Some(preset) = self.own.remove(&key(preset)) else { return };
        let Some(folder) = &self.folder else { return };
        let path = preset.path(folder);
        self.errands.send(move || {
            let error = fs::remove_file(&path).err()?;
            let name = preset.name;
            Some(ShelfEvent::Trouble(format!("The preset {name} was not removed ({error}).")))
        });
    }

    /// Sets a module to a preset.
    pub fn apply(&mut self, id: &ModuleId, module: &PatchModule, preset: &Preset, asks: &mut Asks) {
        self.last.insert(id.clone(), preset.name.clone());
        set_all(id, module, &preset.settings, asks);
        if !preset.text.is_empty() && preset.text != module.text {
            asks.edit(Edit::SetText { module: id.clone(), text: preset.text.clone() });
        }
    }

    /// Sets a module to the preset after the last, or, with -1, to the one before.
    pub fn step(&mut self, id: &ModuleId, module: &PatchModule, by: isize, asks: &mut Asks) {
        let presets = self.of(&module.kind);
        if presets.is_empty() {
            return;
        }
        let last = self.last.get(id).map(|name| stem(name));
        let at = presets.iter().position(|preset| Some(stem(&preset.name)) == last);
        let count = presets.len() as isize;
        let next = match at {
            Some(at) => (at as isize + by).rem_euclid(count),
            None if by < 0 => count - 1,
            None => 0,
        };
        let preset = presets[next as usize].clone();
        self.apply(id, module, &preset, asks);
    }
}

fn key(preset: &Preset) -> (String, String) {
    (preset.kind.to_string(), stem(&preset.name))
}

/// Where this user's presets are kept.
pub fn folder_of_this_user() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "sostenuto")?;
    Some(folders.data_dir().join("presets"))
}

/// Every preset in a folder; files that are none are passed over.
fn read_all(folder: &Path) -> Vec<Preset> {
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let kinds = entries(folder).into_iter();
    let files = kinds.flat_map(|kind| entries(&kind));
    let is_preset =
        |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    files.filter(is_preset).filter_map(|path| Preset::read(&disk::read(&path).ok()?)).collect()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| replace(path, text.as_bytes())).map_err(|error| {
        format!("The preset was not saved ({error}). The sound is unchanged: {}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(cutoff_hz: f32) -> PatchModule {
        let mut module = PatchModule::new("ladder", 0.0, 0.0);
        module.params.insert("cutoff".into(), cutoff_hz);
        module
    }

    fn on(folder: &Path) -> Presets {
        let mut presets = Presets::new(Some(folder.to_owned()), || {});
        let read = presets.errands.wait();
        assert_eq!(presets.hear(read), None);
        presets
    }

    #[test]
    fn what_was_saved_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let id: ModuleId = "ladder".parse().unwrap();
        let mut presets = on(folder.path());
        let factory = presets.of("ladder").len();
        presets.save(&id, "Mine", &ladder(300.0));
        presets.save(&id, "mine ", &ladder(400.0));
        assert_eq!(presets.of("ladder").len(), factory + 1);
        // Read after what was asked before, so the file is there.
        let path = folder.path().to_owned();
        presets.errands.send(move || Some(ShelfEvent::Read(read_all(&path))));
        presets.errands.wait();
        let mut presets = on(folder.path());
        let mine = presets.of("ladder").into_iter().find(|preset| preset.name == "mine");
        let mine = mine.expect("it is on the disk").clone();
        assert!(presets.is_own(&mine) && mine.settings["cutoff"] == 400.0);
        presets.remove(&mine);
        assert_eq!(presets.of("ladder").len(), factory);
    }

    #[test]
    fn a_disk_that_does_not_take_it_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no-folder");
        fs::write(&file, "").unwrap();
        let mut presets = on(&file);
        presets.save(&"ladder".parse().unwrap(), "Mine", &ladder(300.0));
        let trouble = presets.errands.wait();
        let sentence = presets.hear(trouble).unwrap();
        assert!(sentence.starts_with("The preset was not saved"), "{sentence}");
    }

    #[test]
    fn a_name_with_a_line_break_is_told_of_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut presets = on(folder.path());
        let before = presets.of("ladder").len();
        presets.save(&"ladder".parse().unwrap(), "Two\nlines", &ladder(300.0));
        let trouble = presets.errands.wait();
        assert!(presets.hear(trouble).unwrap().contains("line breaks"));
        assert_eq!(presets.of("ladder").len(), before);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_preset_behind_a_link_is_written_where_the_link_leads() {
        let folder = tempfile::tempdir().unwrap();
        let (link, real) = (folder.path().join("ladder/mine.json"), folder.path().join("synced"));
        fs::create_dir(folder.path().join("ladder")).unwrap();
        fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink("../synced", &link).unwrap();
        let preset = Preset::of("Mine", &ladder(300.0));
        write(&preset.path(folder.path()), &preset.write()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(Preset::read(&fs::read(&real).unwrap()), Some(preset));
    }

    #[test]
    fn next_and_previous_go_round() {
        let mut presets = Presets::new(None, || {});
        let id: ModuleId = "ladder".parse().unwrap();
        let names: Vec<String> =
            presets.of("ladder").iter().map(|preset| preset.name.clone()).collect();
        assert!(names.len() >= 4);
        let mut asks = Asks::default();
        for name in names.iter().chain(&names[..1]) {
            presets.step(&id, &ladder(50.0), 1, &mut asks);
            assert_eq!(presets.last(&id), Some(name.as_str()));
        }
        presets.step(&id, &ladder(50.0), -1, &mut asks);
        assert_eq!(presets.last(&id), names.last().map(String::as_str));
        assert!(!asks.requests.is_empty());
    }
}
