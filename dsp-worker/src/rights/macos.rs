//! By the sandbox of this system, which is deprecated and has no successor for
//! programs outside of its store. Checked by the compiler, and not run.

#![allow(unsafe_code, reason = "rights are given up by the system's own call")]

use std::ffi::{c_char, c_int};
use std::ops::Range;

/// `SANDBOX_NAMED`: the profile is one of the system's.
const NAMED: u64 = 1;

unsafe extern "C" {
    fn sandbox_init(profile: *const c_char, flags: u64, error: *mut *mut c_char) -> c_int;
}

pub fn prepare() {}

/// `kSBXProfilePureComputation`: all services of the system are forbidden; what is open
/// stays open.
pub fn give_up(_: Range<usize>) -> bool {
    let mut error = std::ptr::null_mut();
    // SAFETY: the name ends with a zero, and `error` is there to be written.
    unsafe { sandbox_init(c"pure-computation".as_ptr(), NAMED, &raw mut error) == 0 }
}

pub fn keep_what_compiling_needs() -> bool {
    give_up(0..0)
}

/// There is no profile for them.
pub fn keep_what_sound_cards_need() -> bool {
    false
}
