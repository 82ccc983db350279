//! How files get onto the disk, for all of the program: a new file is written
//! beside its place and then takes it, so that there is always either the old
//! file or the new one. A link stays a link; what it leads to is replaced.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::TempPath;

/// What the name of a file begins with that is still being written.
pub const UNFINISHED: &str = ".sostenuto-";

/// The longest name of a file, in bytes: that of ext4, NTFS and APFS, or less.
const MAX_NAME_BYTES: usize = 255;

/// Links that are followed one after the other, as Linux does.
const MAX_LINKS: usize = 40;

/// A file that is still being written, beside the one that it will be.
pub struct NewFile {
    unfinished: TempPath,
    target: PathBuf,
    /// Of the file that was there.
    permissions: Option<fs::Permissions>,
}

impl NewFile {
    /// Begins a file that is to be found at `path` once it is done. Dropping it
    /// leaves what was there.
    ///
    /// # Errors
    /// Where there can be no such file.
    pub fn begin(path: &Path) -> io::Result<(File, NewFile)> {
        check_name(path)?;
        let target = target(path)?;
        let there = fs::metadata(&target).ok();
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::Error::other("it is a folder"));
        }
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            // A device would be replaced by a file.
            return Err(io::Error::other("it is not a file"));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let (file, unfinished) = builder.tempfile_in(folder(&target))?.into_parts();
        let permissions = there.map(|there| there.permissions());
        Ok((file, NewFile { unfinished, target, permissions }))
    }

    /// All of it is written: it takes its place, and is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// Where the disk does not take it; then what was there still is.
    pub fn finish(self) -> io::Result<()> {
        File::options().write(true).open(&self.unfinished)?.sync_all()?;
        if let Some(permissions) = self.permissions {
            fs::set_permissions(&self.unfinished, permissions)?;
        }
        self.unfinished.persist(&self.target).map_err(|error| error.error)?;
        // So that the new name, too, is there after a loss of power.
        #[cfg(unix)]
        File::open(folder(&self.target))?.sync_all()?;
        Ok(())
    }
}

/// Opens a file to be read. What is no file, such as a pipe, is refused, and its other
/// end not waited for.
///
/// # Errors
/// Where there is none, or none that this user may read.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    is_file(options.open(path)?)
}

/// Reads a file whole; see [`open`].
///
/// # Errors
/// As in [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file that is locked while a program runs, and makes it where there is none.
/// A link is not followed: it may lead to a file of somebody else's.
///
/// # Errors
/// As in [`open`].
pub fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
    }
    is_file(options.open(path)?)
}

fn is_file(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a file")),
    }
}

/// Refuses a folder of another user's, also where this user may do anything in it.
///
/// # Errors
/// Where it is another's, or not there.
pub fn check_owner(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        // SAFETY: it only says who this process is.
        #[expect(unsafe_code, reason = "the standard library does not say who this process is")]
        let me = unsafe { libc::geteuid() };
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder)?);
        if owner != me {
            return Err(io::Error::other("it belongs to another user"));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Replaces a file whole, or makes it. One that is there keeps its permissions.
///
/// # Errors
/// As in [`NewFile`].
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (mut file, new) = NewFile::begin(path)?;
    file.write_all(bytes)?;
    drop(file);
    new.finish()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that is meant by a path: `path` itself, or what it leads to where
/// it is a link. The folders of `path` stay as they are written.
///
/// Not [`fs::canonicalize`]: on Windows its `\\?\` paths would end up in files.
///
/// # Errors
/// Where a link leads to no file, or back to itself.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for links in 0..=MAX_LINKS {
        match fs::symlink_metadata(&target) {
            Ok(there) if there.is_symlink() => {
                target = seen_from(folder(&target), &fs::read_link(&target)?);
            }
            Err(error) if links > 0 && error.kind() == io::ErrorKind::NotFound => {
                return Err(io::Error::new(error.kind(), "the link leads to no file"));
            }
            // Where it cannot be looked at, opening it says why.
            _ => return Ok(target),
        }
    }
    Err(io::Error::other("the link leads back to itself"))
}

/// Where a path leads from a folder. `..` goes up in the text where that is the
/// same as on the disk: out of folders that are no links.
fn seen_from(folder: &Path, path: &Path) -> PathBuf {
    let mut seen = folder.to_owned();
    for part in path.components() {
        let can_go_up = matches!(seen.components().next_back(), Some(Component::Normal(_)))
            && fs::symlink_metadata(&seen).is_ok_and(|there| !there.is_symlink());
        match part {
            Component::ParentDir if can_go_up => drop(seen.pop()),
            part => seen.push(part),
        }
    }
    seen
}

/// Whether two paths are the same file, whatever links lead there. `false` where
/// one is not there.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let there = fs::metadata(path)?;
    Ok((there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Whether a new file may have that name. Line breaks and control characters
/// would break every list that shows it.
///
/// # Errors
/// Where it may not.
pub fn check_name(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if name.contains(is_bad) {
        let error = "a name cannot contain line breaks or control characters";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    Ok(())
}

/// `stem` and `ending` as the name of a file: where both are too long for one, the
/// stem loses its last characters.
pub fn name(stem: &str, ending: &str) -> String {
    format!("{}{ending}", cut(stem, MAX_NAME_BYTES.saturating_sub(ending.len())))
}

/// A text without the characters that are beyond so many bytes.
pub fn cut(text: &str, most_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(most_bytes)]
}

/// A path that has that ending. It is added unless it is there, whatever else the
/// name has behind a dot: `Set v1.2` has no ending.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    if path.extension().is_some_and(|there| there.eq_ignore_ascii_case(ending)) {
        return path.to_owned();
    }
    let file_name = path.file_name().unwrap_or_default();
    match file_name.to_str() {
        Some(stem) => path.with_file_name(name(stem, &format!(".{ending}"))),
        None => {
            let mut name = file_name.to_owned();
            name.push(".");
            name.push(ending);
            path.with_file_name(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for_and_a_lock_follows_no_link() {
        let place = tempfile::tempdir().unwrap();
        let [pipe, link, file] = ["pipe", "link", "file"].map(|name| place.path().join(name));
        let name = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
        // SAFETY: the name ends in a zero byte.
        #[expect(unsafe_code, reason = "the standard library makes no pipes")]
        let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
        assert_eq!(made, 0);
        fs::write(&file, "precious").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(read(&pipe).is_err() && read(&link).unwrap() == b"precious");
        assert!(open(&pipe).is_err() && open_lock(&pipe).is_err() && open(place.path()).is_err());
        assert!(open(&link).is_ok() && open_lock(&link).is_err());
        assert!(open_lock(&place.path().join("new")).is_ok());
        assert!(check_owner(place.path()).is_ok() && check_owner(&link.join("none")).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        replace(&path, b"old").unwrap();
        let (mut file, new) = NewFile::begin(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(new);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn names_with_line_breaks_or_control_characters_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a\nb", "a\rb", "tab\t", "bell\u{7}", "next\u{85}line", "line\u{2028}"] {
            let error = replace(&folder.path().join(name), b"").unwrap_err().to_string();
            assert!(error.contains("control characters"), "{error}");
        }
        replace(&folder.path().join("Ångström v1.2 (weiß)"), b"").unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_what_it_leads_to_is_replaced() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("set")).unwrap();
        fs::create_dir(path("desk")).unwrap();
        fs::write(path("set/a"), "old").unwrap();
        fs::set_permissions(path("set/a"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("set", path("linked")).unwrap();
        symlink("../linked/a", path("desk/relative")).unwrap();
        symlink(path("desk/relative"), path("chain")).unwrap();
        for link in ["desk/relative", "chain", "linked/a"] {
            replace(&path(link), link.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(path("set/a")).unwrap(), link);
        }
        assert_eq!(target(&path("chain")).unwrap(), path("linked/a"), "no `..` is left");
        assert!(fs::symlink_metadata(path("chain")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(path("desk/relative")).unwrap().is_symlink());
        assert_eq!(fs::metadata(path("set/a")).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_a_sentence_and_stays() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        symlink("no/such", path("dangling")).unwrap();
        symlink("two", path("one")).unwrap();
        symlink("one", path("two")).unwrap();
        for (link, words) in [("dangling", "leads to no file"), ("one", "leads back to itself")] {
            let error = replace(&path(link), b"new").unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink());
        }
    }

    #[test]
    fn an_ending_is_added_unless_it_is_there() {
        for (path, with) in [
            ("/a/Set v1.2", "/a/Set v1.2.sostenuto"),
            ("/a/Set", "/a/Set.sostenuto"),
            ("/a/Set.sostenuto", "/a/Set.sostenuto"),
            ("/a/Set.SOSTENUTO", "/a/Set.SOSTENUTO"),
            ("/a/kick.wav", "/a/kick.wav.sostenuto"),
            ("/a.b/Set", "/a.b/Set.sostenuto"),
            ("/a/.hidden", "/a/.hidden.sostenuto"),
        ] {
            assert_eq!(with_ending(Path::new(path), "sostenuto"), Path::new(with));
        }
        let long = with_ending(Path::new(&format!("/a/{}", "ä".repeat(127))), "sostenuto");
        assert_eq!(long.file_name().unwrap().len(), 254);
        assert!(long.to_str().unwrap().ends_with("ä.sostenuto"));
    }

    proptest! {
        #[test]
        fn a_name_fits_on_every_disk_and_ends_as_it_should(stem in "\\PC{0,300}") {
            let name = name(&stem, ".sostenuto");
            prop_assert!(name.len() <= MAX_NAME_BYTES);
            prop_assert!(name.ends_with(".sostenuto"));
            prop_assert!(stem.starts_with(name.strip_suffix(".sostenuto").unwrap()));
        }
    }
}
