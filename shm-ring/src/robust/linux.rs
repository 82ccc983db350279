//! The robust list: words that the kernel looks through when a thread ends. It marks
//! those that have the thread's number, and wakes one who sleeps there. See
//! `Documentation/locking/robust-futex-ABI.rst` in the kernel's sources.

#![allow(unsafe_code, reason = "the robust list is a bare system call")]

use std::ptr::null;
use std::time::{Duration, Instant};

use crate::sync::{AtomicU32, Ordering};

/// How long the kernel may take from the mark to the end of its list, at most: it
/// may lose its core in between.
const MOMENT: Duration = Duration::from_millis(2);

/// `struct robust_list`: one word of the list.
#[repr(C)]
struct Link {
    next: *const Link,
}

/// `struct robust_list_head`.
#[repr(C)]
struct List {
    first: Link,
    /// From a link to its word, in bytes.
    offset: libc::c_long,
    pending: *const Link,
}

pub fn hold(word: &'static AtomicU32) -> bool {
    let list =
        Box::into_raw(Box::new(List { first: Link { next: null() }, offset: 0, pending: null() }));
    let link = Box::into_raw(Box::new(Link { next: list.cast() }));
    // SAFETY: it asks for a number.
    let thread = unsafe { libc::gettid() } as u32;
    // As if somebody slept there always: only the kernel marks the word and rings.
    word.store(thread | libc::FUTEX_WAITERS, Ordering::Relaxed);
    // SAFETY: list, link and word stay where they are for ever: the kernel reads them
    // when the thread ends.
    unsafe {
        (*list).first.next = link;
        (*list).offset = word.as_ptr().addr().wrapping_sub(link.addr()) as libc::c_long;
        libc::syscall(libc::SYS_set_robust_list, list, size_of::<List>()) == 0
    }
}

pub fn wait(word: &AtomicU32, thread: u32, timeout: Duration) -> bool {
    let end = Instant::now() + timeout;
    loop {
        let seen = word.load(Ordering::Acquire);
        if seen & libc::FUTEX_OWNER_DIED != 0 && has_ended(thread) {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let left = libc::timespec {
            tv_sec: left.as_secs() as libc::time_t,
            tv_nsec: left.subsec_nanos() as libc::c_long,
        };
        // SAFETY: the kernel reads a word and a time that are borrowed for the whole
        // call. Every result means: look again.
        unsafe {
            libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, &raw const left)
        };
    }
}

/// Whether the kernel has been through the thread's list, after which the thread
/// runs no more.
fn has_ended(thread: u32) -> bool {
    let end = Instant::now() + MOMENT;
    loop {
        let (mut list, mut bytes) = (null::<List>(), 0usize);
        let (list_out, bytes_out) = (&raw mut list, &raw mut bytes);
        // SAFETY: it writes an address, which nobody follows, and a number.
        let code = unsafe { libc::syscall(libc::SYS_get_robust_list, thread, list_out, bytes_out) };
        let error = std::io::Error::last_os_error().raw_os_error();
        match (code, error) {
            (0, _) if list.is_null() => return true,
            (0, _) if Instant::now() < end => std::thread::yield_now(),
            (0, _) => return false,
            // There is no such thread any more.
            (_, error) => return error == Some(libc::ESRCH),
        }
    }
}
