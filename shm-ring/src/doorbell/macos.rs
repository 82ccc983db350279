//! `os_sync_wait_on_address`, the futex of macOS 14.4 and later: a thread
//! sleeps on a word in shared memory, by its physical page.
//!
//! As on Linux, sleeper and waker may both map the page read-only.

#![allow(unsafe_code, reason = "the libc crate does not know these calls")]

use std::ffi::{c_int, c_void};
use std::io;
use std::time::Duration;

use super::{Listener, Listeners};
use crate::sync::AtomicU32;

pub const BYTES: usize = 0;

/// Of `<os/os_sync_wait_on_address.h>`: the word lies in shared memory. Waiting
/// and waking call it by two names, with one value.
const SHARED: u32 = 1;

/// Of `<os/clock.h>`: `OS_CLOCK_MACH_ABSOLUTE_TIME`.
const MACH_ABSOLUTE_TIME: u32 = 32;

unsafe extern "C" {
    fn os_sync_wait_on_address(word: *mut c_void, seen: u64, bytes: usize, flags: u32) -> c_int;
    fn os_sync_wait_on_address_with_timeout(
        word: *mut c_void,
        seen: u64,
        bytes: usize,
        flags: u32,
        clock: u32,
        timeout_nanos: u64,
    ) -> c_int;
    fn os_sync_wake_by_address_all(word: *mut c_void, bytes: usize, flags: u32) -> c_int;
}

pub struct Bells;

impl Bells {
    pub fn create(_: &mut [u8]) -> io::Result<Bells> {
        Ok(Bells)
    }

    pub fn attach(_: &[u8]) -> io::Result<Bells> {
        Ok(Bells)
    }

    pub fn wait(&self, _: Listener, word: &AtomicU32, seen: u32, timeout: Option<Duration>) {
        let (address, seen) = (word.as_ptr().cast(), u64::from(seen));
        // SAFETY: the kernel reads a word of 4 bytes that is borrowed for the
        // whole call. Every result (woken, changed before, timed out,
        // interrupted) means to the caller: look again.
        unsafe {
            match timeout {
                None => os_sync_wait_on_address(address, seen, 4, SHARED),
                Some(timeout) => {
                    // No time at all is an error to it, and too much would wrap.
                    let nanos = timeout.as_nanos().clamp(1, A_DAY_NANOS) as u64;
                    os_sync_wait_on_address_with_timeout(
                        address,
                        seen,
                        4,
                        SHARED,
                        MACH_ABSOLUTE_TIME,
                        nanos,
                    )
                }
            };
        }
    }

    pub fn ring(&self, word: &AtomicU32, _: Listeners) {
        wake(word);
    }

    pub fn ring_one(&self, word: &AtomicU32, _: Listener) {
        wake(word);
    }
}

/// A longer sleep ends for no reason, which is allowed.
const A_DAY_NANOS: u128 = 24 * 3600 * 1_000_000_000;

fn wake(word: &AtomicU32) {
    // SAFETY: the kernel takes the word's address only as the name of a queue.
    // That nobody sleeps there is an error to it, and none to us.
    unsafe {
        os_sync_wake_by_address_all(word.as_ptr().cast(), 4, SHARED);
    }
}
