//! Where a host of this user is found.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use interprocess::local_socket::traits::Stream as _;
use interprocess::local_socket::{Name, Stream};
use sostenuto_patch::disk;
use thiserror::Error;

/// Where a host is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(PathBuf);

/// Why a host cannot be reached, or cannot listen.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum StreamError {
    #[error("A host is already running. Only one can play at a time: {}", .0.display())]
    AlreadyRunning(PathBuf),
    #[error("The folder for the host's socket is not yours alone ({what}). Set XDG_RUNTIME_DIR to one that is: {}", path.display())]
    Folder { path: PathBuf, what: io::Error },
    #[error("Editors cannot reach this host: it cannot listen ({what}): {}", path.display())]
    Listen { path: PathBuf, what: io::Error },
    #[error("No host answers ({what}). Start one with `sostenuto host`: {}", path.display())]
    Connect { path: PathBuf, what: io::Error },
}

impl Endpoint {
    /// That of this user's host. Makes its folder, which is open to this
    /// user only.
    pub fn of_this_user() -> Result<Endpoint, StreamError> {
        let folder = folder_of_this_user();
        let make = || -> io::Result<()> {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(&folder)?;
            if fs::symlink_metadata(&folder)?.is_symlink() {
                return Err(io::Error::other("it is a link"));
            }
            disk::check_owner(&folder)?;
            // Also where it was there before, and open to others.
            #[cfg(unix)]
            fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            Ok(())
        };
        match make() {
            Ok(()) => Ok(Endpoint(folder.join("host.sock"))),
            Err(what) => Err(StreamError::Folder { path: folder, what }),
        }
    }

    /// Another, for tests and for a second host. Its folder must exist.
    pub fn at(path: impl Into<PathBuf>) -> Endpoint {
        Endpoint(path.into())
    }

    /// The socket's file; on Windows the pipe is named after it.
    pub fn path(&self) -> &Path {
        &self.0
    }

    #[cfg(unix)]
    pub(crate) fn name(&self) -> io::Result<Name<'_>> {
        use interprocess::local_socket::{GenericFilePath, ToFsName};
        self.0.as_path().to_fs_name::<GenericFilePath>()
    }

    #[cfg(not(unix))]
    pub(crate) fn name(&self) -> io::Result<Name<'_>> {
        use interprocess::local_socket::{GenericNamespaced, ToNsName};
        let path = self.0.to_string_lossy().replace(['\\', '/', ':'], "-");
        format!("sostenuto-{path}").to_ns_name::<GenericNamespaced>()
    }

    pub(crate) fn connect(&self) -> io::Result<Stream> {
        Stream::connect(self.name()?)
    }
}

fn folder_of_this_user() -> PathBuf {
    let run = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    if let Some(run) = run {
        return PathBuf::from(run).join("sostenuto");
    }
    let user = std::env::var_os("USER").or_else(|| std::env::var_os("USERNAME"));
    let user = user.map(|user| user.to_string_lossy().replace(['/', '\\', '.'], "-"));
    std::env::temp_dir().join(format!("sostenuto-{}", user.unwrap_or_default()))
}
