//! What the three systems do each in their own way.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

use std::hint::black_box;
use std::sync::atomic::{AtomicU8, Ordering};

use shared_memory::{ShmemConf, ShmemError};

use super::Access;

pub use shared_memory::Shmem as Mapping;

/// Makes and maps memory of that name.
pub fn create(name: &str, bytes: usize) -> Result<Mapping, ShmemError> {
    ShmemConf::new().os_id(full_name(name)).size(bytes).create()
}

/// Maps what another process has made; it says the full name.
pub fn open(full_name: &str) -> Result<Mapping, ShmemError> {
    ShmemConf::new().os_id(full_name).open()
}

/// Nobody takes so long between making a region and claiming it.
fn is_old(entry: &std::fs::DirEntry) -> bool {
    let age = entry.metadata().and_then(|data| data.modified()).map(|time| time.elapsed());
    age.is_ok_and(|age| age.is_ok_and(|age| age.as_secs() > 10))
}

/// Touches every page.
///
/// # Safety
/// The range lies in one mapping that may be accessed that way.
unsafe fn touch(address: *mut u8, bytes: usize, access: Access) {
    for page in (0..bytes).step_by(4096) {
        let address = address.wrapping_add(page);
        // SAFETY: the caller's promise. Others write there too: hence an atomic,
        // and adding nothing changes no byte of theirs.
        let byte = unsafe { AtomicU8::from_ptr(address) };
        // Else the compiler may see that it is nothing, and leave it out.
        match access {
            Access::Read => drop(black_box(byte.load(Ordering::Relaxed))),
            Access::Write => drop(byte.fetch_add(black_box(0), Ordering::Relaxed)),
        }
    }
}
