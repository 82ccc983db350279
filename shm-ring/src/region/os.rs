//! What the three systems do each in their own way.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

use super::Access;

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
        // SAFETY: the caller's promise. Adding nothing, as an atomic, changes
        // no byte under a neighbour's hand.
        unsafe {
            match access {
                Access::Read => drop(address.read_volatile()),
                Access::Write => {
                    let byte = std::sync::atomic::AtomicU8::from_ptr(address);
                    // Else the compiler may see that it is nothing, and only read.
                    byte.fetch_add(std::hint::black_box(0), std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
    }
}
