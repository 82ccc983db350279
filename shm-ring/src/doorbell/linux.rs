//! The futex: a thread sleeps on a word in shared memory, by its physical page.
//!
//! Sleeper and waker may both map the page read-only, so nobody needs to write
//! to memory that is another's.

#![allow(unsafe_code, reason = "the futex is a bare system call")]

use std::io;
use std::time::Duration;

use super::{Listener, Listeners};
use crate::sync::AtomicU32;

pub const BYTES: usize = 0;

pub struct Bells;

impl Bells {
    pub fn create(_: &mut [u8]) -> io::Result<Bells> {
        Ok(Bells)
    }

    pub fn attach(_: &[u8]) -> io::Result<Bells> {
        Ok(Bells)
    }

    pub fn wait(&self, _: Listener, word: &AtomicU32, seen: u32, timeout: Option<Duration>) {
        let timeout = timeout.map(|time| libc::timespec {
            tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: time.subsec_nanos() as libc::c_long,
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the kernel reads a word and a time that are borrowed for the
        // whole call. Every result (woken, changed before, timed out,
        // interrupted) means to the caller: look again.
        unsafe {
            libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, timeout);
        }
    }

    pub fn ring(&self, word: &AtomicU32, _: Listeners) {
        wake(word);
    }

    pub fn ring_one(&self, word: &AtomicU32, _: Listener) {
        wake(word);
    }
}

fn wake(word: &AtomicU32) {
    // SAFETY: the kernel takes the word's address only as the name of a queue.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX);
    }
}
