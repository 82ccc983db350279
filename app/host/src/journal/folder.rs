//! The journal's folder: which files lie there, and how they are read by
//! somebody who trusts none of them.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sostenuto_patch::disk::{self, UNFINISHED, replace};
use sostenuto_patch::file;
use sostenuto_patch::{ModuleId, Patch};

use crate::notice::Notice;
use crate::plan::snapshot::{self, Snapshot, SnapshotError};

/// The newest patch.
pub const NEWEST: &str = "patch.sostenuto";
/// The newest patch that has played for some seconds.
pub const PLAYED: &str = "played.sostenuto";
/// What modules remember.
pub const SNAPSHOT: &str = "states.snapshot";
/// The [`Facts`].
pub const SESSION: &str = "session.json";
const LOCK: &str = "lock";
/// Room for patches and facts on a disk that is full.
const RESERVE: &str = "reserve";
const RESERVE_BYTES: usize = 64 * 1024;

/// The version of the facts that this program writes, and the only one it reads.
const VERSION: u64 = 1;
const MAX_FACTS_BYTES: u64 = 16 * 1024 * 1024;

/// How a session is going, or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    #[serde(rename = "sostenuto-session")]
    pub(super) version: u64,
    /// Whether it has ended, and properly.
    pub has_ended: bool,
    /// How many sessions in a row, this one included, did not end properly and
    /// within a minute of their start. Of one that runs: what it will be if it
    /// ends now.
    pub early_ends: u32,
    /// Modules that were not computed.
    #[serde(default, with = "names")]
    pub quarantined: Vec<ModuleId>,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts { version: VERSION, has_ended: true, early_ends: 0, quarantined: Vec::new() }
    }
}

mod names {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use sostenuto_patch::ModuleId;

    pub fn serialize<S: Serializer>(ids: &[ModuleId], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(ids.iter().map(ModuleId::as_str))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ModuleId>, D::Error> {
        let ids: Vec<String> = Vec::deserialize(from)?;
        ids.iter().map(|id| id.parse().map_err(D::Error::custom)).collect()
    }
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum FolderError {
    #[error("Another host keeps the journal. This one plays without: if it ends unexpectedly, unsaved changes are lost: {}", .0.display())]
    Taken(PathBuf),
    #[error("The journal cannot be kept ({what}). The patch plays, but if the host ends unexpectedly, unsaved changes are lost: {}", path.display())]
    Unusable { path: PathBuf, what: io::Error },
}

/// What the last session left, as far as it can be read.
#[derive(Debug, Default)]
pub struct Left {
    /// How it went. Where that cannot be read, it did not end properly.
    pub facts: Facts,
    /// The newest patch, and the file that it is in.
    pub newest: Option<(Patch, &'static str)>,
    /// The newest that has played for some seconds.
    pub played: Option<Patch>,
    /// What modules remembered.
    pub snapshot: Option<Snapshot>,
}

/// A folder that no other host uses.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none, open to this user only.
    ///
    /// # Errors
    /// Where another host uses it, or it cannot be written.
    pub fn open(path: &Path) -> Result<Folder, FolderError> {
        let unusable = |what| FolderError::Unusable { path: path.to_owned(), what };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(unusable)?;
        disk::check_owner(path).map_err(unusable)?;
        let lock = disk::open_lock(&path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::Taken(path.to_owned())),
            Err(TryLockError::Error(what)) => return Err(unusable(what)),
        }
        let folder = Folder { path: path.to_owned(), _lock: lock };
        folder.remove_unfinished();
        folder.reserve();
        Ok(folder)
    }

    /// Sets room aside, where there is some.
    fn reserve(&self) {
        let path = self.file(RESERVE);
        let is_there = |data: fs::Metadata| data.is_file() && data.len() == RESERVE_BYTES as u64;
        // Written, as a file without contents takes no room.
        if !fs::symlink_metadata(&path).is_ok_and(is_there)
            && self.replace_soon(RESERVE, &[0x53; RESERVE_BYTES]).is_err()
        {
            tracing::debug!("there is no room for a reserve: {}", path.display());
        }
    }

    /// Where one of its files lies.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads all that is there. What cannot be read is not changed, only
    /// renamed, and told.
    ///
    /// # Errors
    /// Where something cannot be read, and not be renamed either.
    pub fn read(&self, tell: &dyn Fn(Notice)) -> io::Result<Left> {
        let facts = self.readable(SESSION, tell, read_facts)?;
        let newest = self.readable(NEWEST, tell, |path| read_patch(path).map(Some))?;
        let played = self.readable(PLAYED, tell, |path| read_patch(path).map(Some))?;
        let snapshot = self.readable(SNAPSHOT, tell, |path| read_snapshot(path).map(Some))?;
        let newest = newest.flatten().map(|patch| (patch, NEWEST));
        let played = played.flatten();
        let newest = newest.or_else(|| Some((played.clone()?, PLAYED)));
        // Only somebody else can have removed the facts and left the patch.
        let none = Facts { has_ended: newest.is_none(), ..Facts::default() };
        Ok(Left { facts: facts.unwrap_or(none), newest, played, snapshot: snapshot.flatten() })
    }

    fn readable<T>(
        &self,
        name: &str,
        tell: &dyn Fn(Notice),
        read: impl Fn(&Path) -> Result<T, String>,
    ) -> io::Result<Option<T>> {
        let path = self.file(name);
        if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(None);
        }
        match read(&path) {
            Ok(read) => Ok(Some(read)),
            Err(what) => {
                let aside = self.set_aside(name, "unreadable")?;
                tell(Notice::JournalUnreadable { error: what, renamed: aside });
                Ok(None)
            }
        }
    }

    /// Renames a file, so that another can have its name: `recovered-2.sostenuto`.
    ///
    /// # Errors
    /// Where the folder cannot be written; then the file is where it was.
    pub fn set_aside(&self, name: &str, prefix: &str) -> io::Result<PathBuf> {
        let ending = Path::new(name).extension().unwrap_or_default().to_string_lossy();
        let mut names = (1u64..).map(|n| self.file(&format!("{prefix}-{n}.{ending}")));
        let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
        let aside = names.find(is_free).ok_or(io::ErrorKind::AlreadyExists)?;
        fs::rename(self.file(name), &aside)?;
        Ok(aside)
    }

    /// As [`Folder::set_aside`]. Where the same patch lies there already by such
    /// a name, it is not kept twice.
    ///
    /// # Errors
    /// As in [`Folder::set_aside`].
    pub fn set_patch_aside(&self, name: &str, prefix: &str) -> io::Result<PathBuf> {
        let bytes = disk::read(&self.file(name))?;
        let names = (1u64..).map(|n| self.file(&format!("{prefix}-{n}.sostenuto")));
        for path in names.take_while(|path| fs::symlink_metadata(path).is_ok()) {
            if fs::metadata(&path)?.len() == bytes.len() as u64 && disk::read(&path)? == bytes {
                self.remove(name)?;
                return Ok(path);
            }
        }
        self.set_aside(name, prefix)
    }

    /// Writes one of its files anew: it is on the disk when this returns. On a disk
    /// that is full it takes the room that was set aside.
    ///
    /// # Errors
    /// Where it cannot be written; then the old one is there.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match replace(&self.file(name), bytes) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.remove(RESERVE)?;
                replace(&self.file(name), bytes)
            }
            Err(error) => Err(error),
            Ok(()) => {
                self.reserve();
                Ok(())
            }
        }
    }

    /// As [`Folder::replace`], but a loss of power may damage it.
    ///
    /// # Errors
    /// As in [`Folder::replace`].
    pub fn replace_soon(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.file(&format!("{UNFINISHED}{name}.tmp"));
        let written = fs::write(&unfinished, bytes);
        written.and_then(|()| fs::rename(&unfinished, self.file(name))).inspect_err(|_| {
            // A disk that is full is not to be fuller for it.
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// Removes one of its files, if it is there.
    ///
    /// # Errors
    /// Where it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What a host was writing when it was killed.
    fn remove_unfinished(&self) {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(UNFINISHED) && name.ends_with(".tmp") {
                // Where it cannot be removed, nothing of it will work.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Facts {
    /// As they lie in the file.
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("words and numbers are JSON")
    }
}

fn read_facts(path: &Path) -> Result<Facts, String> {
    let bytes = read_file(path, MAX_FACTS_BYTES)?;
    let facts: Facts = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    match facts.version {
        VERSION => Ok(facts),
        version => Err(format!("it is of version {version}, and this program reads {VERSION}")),
    }
}

fn read_patch(path: &Path) -> Result<Patch, String> {
    let bytes = read_file(path, file::MAX_FILE_BYTES)?;
    // Patches are read as sentences; here they stand in the middle of one.
    file::read(&bytes).map_err(|error| error.to_string().trim_end_matches('.').to_owned())
}

fn read_snapshot(path: &Path) -> Result<Snapshot, String> {
    let bytes = read_file(path, snapshot::MAX_BYTES as u64)?;
    Snapshot::read(&bytes).map_err(|error: SnapshotError| error.to_string())
}

/// A pipe is not opened, and of what is too long no more is read than that.
fn read_file(path: &Path, most_bytes: u64) -> Result<Vec<u8>, String> {
    let read = || -> io::Result<Vec<u8>> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut bytes = Vec::new();
        disk::open(path)?.take(most_bytes + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 > most_bytes => Err("it is too long".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;
    use sostenuto_patch::testing::ring;

    fn names_in(path: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let names = fs::read_dir(path).unwrap().map(name);
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn full(path: &Path) -> Folder {
        let folder = Folder::open(path).unwrap();
        let facts = Facts { has_ended: false, early_ends: 1, ..Facts::default() };
        let snapshot = Snapshot { sample_rate_hz: 48_000, frame: 64, ..Snapshot::default() };
        folder.replace(SESSION, &facts.write()).unwrap();
        folder.replace(NEWEST, file::write(&ring()).as_bytes()).unwrap();
        folder.replace(PLAYED, file::write(&Patch::default()).as_bytes()).unwrap();
        folder.replace_soon(SNAPSHOT, &snapshot.write()).unwrap();
        folder
    }

    #[test]
    fn room_is_set_aside_and_set_aside_again_once_it_was_used() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let reserve = folder.file(RESERVE);
        assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES as u64);
        fs::remove_file(&reserve).unwrap();
        folder.replace(NEWEST, b"a patch").unwrap();
        assert_eq!(fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES as u64);
    }

    #[test]
    fn what_was_written_is_read_and_nothing_is_told() {
        let place = tempfile::tempdir().unwrap();
        let left = full(place.path()).read(&|sentence| panic!("{sentence}")).unwrap();
        assert!(!left.facts.has_ended);
        assert_eq!(left.newest, Some((ring(), NEWEST)));
        assert_eq!(left.played, Some(Patch::default()));
        assert_eq!(left.snapshot.unwrap().frame, 64);
    }

    #[test]
    fn an_empty_folder_is_a_first_session() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("a/b")).unwrap();
        let left = folder.read(&|sentence| panic!("{sentence}")).unwrap();
        assert!(left.facts.has_ended && left.newest.is_none() && left.snapshot.is_none());
    }

    #[test]
    fn a_folder_is_for_one_host_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::open(place.path()).unwrap();
        assert!(matches!(Folder::open(place.path()), Err(FolderError::Taken(_))));
        drop(first);
        Folder::open(place.path()).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_a_folder_is_told() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, "precious").unwrap();
        let error = Folder::open(&path.join("journal")).unwrap_err().to_string();
        assert!(error.contains("cannot be kept") && error.contains("The patch plays"));
    }

    #[test]
    fn what_was_being_written_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        drop(full(place.path()));
        let before = names_in(place.path());
        fs::write(place.path().join(".sostenuto-a7c.tmp"), "torn").unwrap();
        drop(Folder::open(place.path()).unwrap());
        assert_eq!(names_in(place.path()), before);
    }

    #[test]
    fn a_patch_that_is_kept_already_is_not_kept_twice() {
        let place = tempfile::tempdir().unwrap();
        let folder = full(place.path());
        let first = folder.set_patch_aside(NEWEST, "last").unwrap();
        folder.replace(NEWEST, file::write(&ring()).as_bytes()).unwrap();
        assert_eq!(folder.set_patch_aside(NEWEST, "last").unwrap(), first);
        folder.replace(NEWEST, file::write(&Patch::default()).as_bytes()).unwrap();
        assert_eq!(
            folder.set_patch_aside(NEWEST, "last").unwrap(),
            folder.file("last-2.sostenuto")
        );
    }

    #[test]
    fn what_is_no_file_is_set_aside_too() {
        let place = tempfile::tempdir().unwrap();
        let folder = full(place.path());
        folder.remove(SESSION).unwrap();
        fs::create_dir(folder.file(SESSION)).unwrap();
        let told = RefCell::new(Vec::new());
        let left = folder.read(&|sentence| told.borrow_mut().push(sentence.to_owned())).unwrap();
        assert!(!left.facts.has_ended, "nobody knows, so it counts as unexpected");
        assert_eq!(left.newest, Some((ring(), NEWEST)));
        assert!(told.borrow()[0].to_string().contains("unreadable-1.json"), "{told:?}");
        assert!(folder.file("unreadable-1.json").is_dir());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_damaged_file_is_told_of_and_lies_there_still(
            name in prop::sample::select(vec![SESSION, NEWEST, PLAYED, SNAPSHOT]),
            way in 0u8..5,
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            junk in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let place = tempfile::tempdir().unwrap();
            let folder = full(place.path());
            let whole = fs::read(folder.file(name)).unwrap();
            let mut bytes = whole.clone();
            match way {
                0 => bytes.truncate(at.index(whole.len())),
                1 => *at.get_mut(&mut bytes) = byte,
                2 => bytes = junk,
                3 => bytes.extend(junk),
                _ => bytes.clear(),
            }
            fs::write(folder.file(name), &bytes).unwrap();
            let told = RefCell::new(Vec::new());
            let tell = |notice: Notice| told.borrow_mut().push(notice.to_string());
            let left = folder.read(&tell).unwrap();
            let told = told.into_inner();
            let aside: Vec<String> =
                names_in(place.path()).into_iter().filter(|n| n.starts_with("unreadable")).collect();
            prop_assert_eq!(told.len(), aside.len());
            let now = aside.first().map_or(name, String::as_str);
            prop_assert_eq!(fs::read(folder.file(now)).unwrap(), bytes, "it is not changed");
            if let [aside] = &aside[..] {
                prop_assert!(told[0].contains(aside.as_str()));
                prop_assert!(!folder.file(name).exists());
            }
            // The patch is found as long as one of its two files is whole.
            prop_assert!(left.newest.is_some());
        }
    }
}
