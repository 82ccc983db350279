//! Groups that can be had as modules are: those that come with the program, and those of
//! the musician's own that were kept, each a patch file in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sostenuto_patch::factory::GROUPS;
use sostenuto_patch::{Patch, disk, file};

use super::errands::Errands;

/// How such a file ends.
const EXTENSION: &str = "sostenuto";

/// All of them. The disk is read and written beside the window.
pub struct OwnModules {
    folder: Option<PathBuf>,
    all: BTreeMap<String, Own>,
    errands: Errands<Told>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// What is put on the canvas.
    pub patch: Patch,
    /// Whether the musician kept it: then it can be forgotten, too.
    pub is_kept: bool,
}

enum Told {
    Read(BTreeMap<String, Patch>),
    Trouble(String),
}

impl OwnModules {
    /// Those in that folder, which are read beside. `wake` is called when there is
    /// something new to show.
    pub fn new(folder: Option<PathBuf>, wake: impl Fn() + Send + 'static) -> OwnModules {
        let errands = Errands::new("own modules", wake);
        if let Some(folder) = folder.clone() {
            errands.send(move || Some(Told::Read(read_all(&folder))));
        }
        let all = GROUPS.iter().map(|own| (own.name.to_owned(), come_along(own.patch()))).collect();
        OwnModules { folder, all, errands }
    }

    /// Hears what the disk said. What went wrong comes back as sentences.
    pub fn poll(&mut self) -> Vec<String> {
        let news: Vec<Told> = self.errands.news().collect();
        news.into_iter().filter_map(|told| self.hear(told)).collect()
    }

    fn hear(&mut self, told: Told) -> Option<String> {
        match told {
            Told::Trouble(sentence) => Some(sentence),
            Told::Read(there) => {
                for (name, patch) in there {
                    // One that was kept since is newer.
                    if self.all.get(&name).is_none_or(|own| !own.is_kept) {
                        self.all.insert(name, Own { patch, is_kept: true });
                    }
                }
                None
            }
        }
    }

    /// By their names.
    pub fn all(&self) -> &BTreeMap<String, Own> {
        &self.all
    }

    /// Keeps a group, as it was copied, under its title; in place of one of that name.
    pub fn keep(&mut self, title: &str, patch: Patch) {
        let name = name_of(title);
        let file_name = format!("{name}.{EXTENSION}");
        if let Err(error) = disk::check_name(Path::new(&file_name)) {
            let sentence = format!("The group was not kept: {error}. Give it another name.");
            return self.errands.send(move || Some(Told::Trouble(sentence)));
        }
        if let Some(folder) = self.folder.clone() {
            let (path, patch) = (folder.join(file_name), patch.clone());
            self.errands.send(move || write(&path, &patch).err().map(Told::Trouble));
        }
        self.all.insert(name, Own { patch, is_kept: true });
    }

    /// Forgets one that was kept. One of that name that comes along is there again.
    pub fn remove(&mut self, name: &str) {
        match GROUPS.iter().find(|group| group.name == name) {
            Some(group) => _ = self.all.insert(name.to_owned(), come_along(group.patch())),
            None => _ = self.all.remove(name),
        }
        let Some(folder) = &self.folder else { return };
        let path = folder.join(format!("{name}.{EXTENSION}"));
        self.errands.send(move || {
            let error = fs::remove_file(&path).err()?;
            let path = path.display();
            Some(Told::Trouble(format!("It is still in My modules ({error}): {path}")))
        });
    }
}

fn come_along(patch: Patch) -> Own {
    Own { patch, is_kept: false }
}

/// What a group of that title is called among them: also the name of a file.
pub fn name_of(title: &str) -> String {
    let name = if title.trim().is_empty() { "Group" } else { title.trim() };
    name.replace(['/', '\\'], "-")
}

/// Where this user's own modules are kept.
pub fn folder_of_this_user() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "sostenuto")?;
    Some(folders.data_dir().join("modules"))
}

/// Every patch in a folder; files that are none are passed over.
fn read_all(folder: &Path) -> BTreeMap<String, Patch> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let is_patch =
        |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case(EXTENSION));
    let named = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        Some((name, file::load(&path).ok()?))
    };
    paths.filter(is_patch).filter_map(named).collect()
}

fn write(path: &Path, patch: &Patch) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    let failed = |error: &dyn std::fmt::Display| {
        format!("The group was not kept in My modules ({error}). The patch is unchanged.")
    };
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    file::save(path, patch, file::Over::Patches).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_patch::factory::PATCHES;

    fn on(folder: &Path) -> OwnModules {
        let mut own = OwnModules::new(Some(folder.to_owned()), || {});
        let told = own.errands.wait();
        assert_eq!(own.hear(told), None);
        own
    }

    /// Once everything that was asked is done.
    fn settled(own: &mut OwnModules) -> Vec<String> {
        own.errands.send(|| Some(Told::Trouble("done".into())));
        let mut said = Vec::new();
        loop {
            let told = own.errands.wait();
            match own.hear(told) {
                Some(last) if last == "done" => return said,
                sentence => said.extend(sentence),
            }
        }
    }

    #[test]
    fn what_was_kept_is_there_the_next_time_and_can_be_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [0, 1].map(|index| PATCHES[index].patch());
        let mut own = on(folder.path());
        own.keep(" Voice v1.2 ", first);
        own.keep("Voice v1.2", second.clone());
        own.keep("", second.clone());
        own.keep("../up", second.clone());
        assert_eq!(settled(&mut own), Vec::<String>::new());
        fs::write(folder.path().join("broken.sostenuto"), "{").unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let mut own = on(folder.path());
        let kept = |own: &OwnModules| -> Vec<String> {
            own.all().iter().filter(|(_, it)| it.is_kept).map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(kept(&own), ["..-up", "Group", "Voice v1.2"]);
        assert_eq!(own.all()["Voice v1.2"].patch, second);
        own.remove("Voice v1.2");
        assert_eq!(settled(&mut own), Vec::<String>::new());
        assert_eq!(kept(&on(folder.path())).len(), 2);
    }

    #[test]
    fn what_comes_along_is_there_under_the_name_of_its_group_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut own = on(folder.path());
        assert!(!GROUPS.is_empty());
        for group in GROUPS {
            let patch = &own.all()[group.name].patch;
            assert_eq!(patch.linked(group.name).count(), 1, "{}", group.name);
            assert!(!patch.description.is_empty(), "{}", group.name);
        }
        let name = GROUPS[0].name;
        own.keep(name, PATCHES[0].patch());
        assert!(own.all()[name].is_kept);
        own.remove(name);
        assert_eq!(settled(&mut own), Vec::<String>::new());
        assert_eq!(own.all()[name], come_along(GROUPS[0].patch()));
    }

    #[test]
    fn a_disk_or_a_name_that_does_not_do_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("no-folder");
        fs::write(&file, "").unwrap();
        let mut own = on(&file);
        own.keep("Voice", PATCHES[0].patch());
        own.keep("Two\nlines", PATCHES[0].patch());
        let said = settled(&mut own);
        assert!(said[0].contains("was not kept in My modules"), "{said:?}");
        assert!(said[1].contains("line breaks"), "{said:?}");
        assert!(!own.all().contains_key("Two\nlines"));
    }
}
