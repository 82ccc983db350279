//! Memory in a file of the user's temporary folder, as the shared_memory crate
//! makes it on Windows. When its owner drops the region, the file is renamed and
//! goes with the last process that maps it; where the owner is killed, it stays.

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::PathBuf;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INVALID_PARAMETER, GetLastError, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Memory::{
    PAGE_READONLY, PAGE_READWRITE, VirtualLock, VirtualProtect,
};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject,
};

use super::super::{Access, PREFIX};
use super::{is_old, touch};

/// While it lives, the region's owner does: a file that the kernel removes when
/// its process ends, however it ends.
pub struct Claim {
    _file: File,
}

/// What the name of a claim ends with, after the region's.
const CLAIM: &str = ".owner";

/// What shared_memory adds to the name of a file whose owner dropped it. Wine
/// does not remove such a file by itself.
const DROPPED: &str = "_deleted";

/// `FILE_FLAG_DELETE_ON_CLOSE`.
const DELETE_ON_CLOSE: u32 = 0x0400_0000;

/// The name that shared_memory takes, of the file and of the mapping.
pub fn full_name(name: &str) -> String {
    name.to_owned()
}

/// Where shared_memory 0.12 keeps its files.
fn folder() -> PathBuf {
    std::env::temp_dir().join("shared_memory-rs")
}

/// Says that this process owns the region, as long as it lives.
pub fn claim(name: &str) -> Option<Claim> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).share_mode(0).custom_flags(DELETE_ON_CLOSE);
    let file = options.open(folder().join(format!("{name}{CLAIM}"))).ok()?;
    Some(Claim { _file: file })
}

/// Removes what nobody claims, if its maker is not alive (a living maker may be
/// about to claim it). What a worker still maps stays until the next time.
pub fn remove_leftovers() -> usize {
    let Ok(entries) = fs::read_dir(folder()) else { return 0 };
    let is_left = |entry: &DirEntry| {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { return false };
        let maker = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse().ok());
        let Some(pid) = maker else { return false };
        let is_mine = pid == std::process::id();
        name.ends_with(DROPPED)
            || (!is_mine && is_unclaimed(name) && (!is_alive(pid) || is_old(entry)))
    };
    let remove = |entry: &DirEntry| fs::remove_file(entry.path()).is_ok();
    // What was dropped in order does not count.
    let is_region = |entry: &DirEntry| !entry.file_name().to_string_lossy().ends_with(DROPPED);
    entries.flatten().filter(is_left).filter(remove).filter(is_region).count()
}

/// A file that is mapped keeps its name.
pub fn forget_name(_full_name: &str) {}

/// Whether nobody holds the claim. Its file is left where the machine itself
/// stopped; then it can be removed, and a held one cannot.
fn is_unclaimed(region: &str) -> bool {
    let path = folder().join(format!("{region}{CLAIM}"));
    !region.ends_with(CLAIM) && (fs::remove_file(&path).is_ok() || !path.exists())
}

fn is_alive(pid: u32) -> bool {
    // SAFETY: the handle is this function's own, and closed once.
    unsafe {
        let process = OpenProcess(PROCESS_SYNCHRONIZE, 0, pid);
        if process.is_null() {
            // Another user's process is denied, not unknown.
            return GetLastError() != ERROR_INVALID_PARAMETER;
        }
        let is_alive = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
        CloseHandle(process);
        is_alive
    }
}

/// # Safety
/// The range lies in one mapping.
pub unsafe fn protect(address: *mut u8, bytes: usize, access: Access) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let flags = match access {
        Access::Read => PAGE_READONLY,
        Access::Write => PAGE_READWRITE,
    };
    let mut before = 0;
    // SAFETY: the caller's promise.
    let result = unsafe { VirtualProtect(address.cast(), bytes, flags, &raw mut before) };
    if result == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// # Safety
/// The range lies in one mapping that may be accessed that way.
pub unsafe fn populate(address: *mut u8, bytes: usize, access: Access) -> io::Result<()> {
    // SAFETY: the caller's promise.
    unsafe { touch(address, bytes, access) };
    Ok(())
}

/// # Safety
/// The range lies in one mapping.
pub unsafe fn lock(address: *mut u8, bytes: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { VirtualLock(address.cast(), bytes) != 0 }
}
