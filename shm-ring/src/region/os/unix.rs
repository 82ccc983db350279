//! POSIX shared memory. Linux shows it as files in /dev/shm; macOS shows it
//! nowhere, so there a file in the temporary folder stands for each region.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::super::{Access, PREFIX};
use super::{is_old, touch};

/// While it lives, the region's owner does: the kernel lets go of the lock when
/// the process ends, however it ends.
pub struct Claim {
    _lock: File,
    #[cfg(not(target_os = "linux"))]
    path: PathBuf,
}

#[cfg(not(target_os = "linux"))]
impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The name that `shm_open` takes.
pub fn full_name(name: &str) -> String {
    format!("/{name}")
}

/// Where the sign of a region's owner lies.
fn folder() -> PathBuf {
    if cfg!(target_os = "linux") { "/dev/shm".into() } else { std::env::temp_dir() }
}

/// Says that this process owns the region, as long as it lives.
pub fn claim(name: &str) -> Option<Claim> {
    let path = folder().join(name);
    let file = if cfg!(target_os = "linux") { File::open(&path) } else { File::create(&path) };
    let lock = file.ok()?;
    lock.try_lock().ok()?;
    Some(Claim {
        _lock: lock,
        #[cfg(not(target_os = "linux"))]
        path,
    })
}

/// Removes what nobody claims, if its maker is not alive (a living maker may be
/// about to claim it). A maker that seems dead may live in another container.
pub fn remove_leftovers() -> usize {
    let Ok(entries) = fs::read_dir(folder()) else { return 0 };
    let is_left = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let maker = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let pid = maker.and_then(|rest| rest.split('-').next()?.parse().ok());
        let Some(pid) = pid else { return false };
        let unclaimed = || open_own(&entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        let is_mine = pid as u32 == std::process::id();
        // To ask for the claim is to hold it for a moment, so it comes last: a
        // living maker may be about to take it.
        !is_mine && (!is_alive(pid) || is_old(entry)) && unclaimed()
    };
    entries.flatten().filter(is_left).filter(|entry| remove(&entry.file_name())).count()
}

/// Opens a file of this user's. Anybody may put a link or a pipe of any name into
/// that folder: the one would be followed, and the other waited for.
fn open_own(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let data = file.metadata()?;
    // SAFETY: it only says who this process is.
    let me = unsafe { libc::geteuid() };
    let is_own = data.is_file() && data.uid() == me;
    is_own.then_some(file).ok_or_else(|| io::ErrorKind::PermissionDenied.into())
}

fn is_alive(pid: libc::pid_t) -> bool {
    // SAFETY: signal 0 is sent to nobody; the call only says who is there.
    let result = unsafe { libc::kill(pid, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Takes the name away from what is mapped.
pub fn forget_name(full_name: &str) {
    let Ok(full) = std::ffi::CString::new(full_name) else { return };
    // SAFETY: `full` ends in a zero byte.
    unsafe { libc::shm_unlink(full.as_ptr()) };
}

fn remove(name: &std::ffi::OsStr) -> bool {
    let Some(full) = name.to_str().and_then(|name| std::ffi::CString::new(full_name(name)).ok())
    else {
        return false;
    };
    // SAFETY: `full` ends in a zero byte.
    let is_removed = unsafe { libc::shm_unlink(full.as_ptr()) } == 0;
    if !cfg!(target_os = "linux") {
        let _ = fs::remove_file(folder().join(name));
    }
    is_removed
}

/// # Safety
/// The range lies in one mapping.
pub unsafe fn protect(address: *mut u8, bytes: usize, access: Access) -> io::Result<()> {
    let flags = match access {
        Access::Read => libc::PROT_READ,
        Access::Write => libc::PROT_READ | libc::PROT_WRITE,
    };
    // SAFETY: the caller's promise.
    done(unsafe { libc::mprotect(address.cast(), bytes, flags) })
}

/// # Safety
/// The range lies in one mapping that may be accessed that way.
pub unsafe fn populate(address: *mut u8, bytes: usize, access: Access) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let advice = match access {
            Access::Read => libc::MADV_POPULATE_READ,
            Access::Write => libc::MADV_POPULATE_WRITE,
        };
        // SAFETY: the caller's promise.
        match done(unsafe { libc::madvise(address.cast(), bytes, advice) }) {
            // Before Linux 5.14: touch instead.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            // What the kernel says of a file system that is full.
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => {
                let sentence = "the shared memory of this machine (/dev/shm) is full";
                return Err(io::Error::new(io::ErrorKind::StorageFull, sentence));
            }
            result => return result,
        }
    }
    // SAFETY: the caller's promise.
    unsafe { touch(address, bytes, access) };
    Ok(())
}

/// # Safety
/// The range lies in one mapping.
pub unsafe fn lock(address: *mut u8, bytes: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { libc::mlock(address.cast(), bytes) == 0 }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
