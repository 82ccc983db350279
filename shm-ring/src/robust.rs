//! Hearing that a thread has ended before the system says that its process has.
//!
//! A system tears down the memory of a process before it says that the process is
//! no more: a millisecond for ten MiB or so. Linux lets go of a *robust futex*
//! before that, when the thread that holds it can run no more. So whoever sleeps on
//! that word hears of a death within some ten microseconds, however much memory
//! the process had.
//!
//! The word lies in memory that its holder may write. So what it says is believed
//! only when the kernel says the same of that thread.

#[cfg(target_os = "linux")]
#[path = "robust/linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "robust/others.rs"]
mod os;

use std::time::Duration;

use crate::sync::{AtomicU32, Ordering};

/// Has the calling thread hold a word until it ends. Whether this system has such
/// words; where it has not, the word is 0. To be called once in a thread, which uses
/// no robust mutexes of its own.
pub fn hold(word: &'static AtomicU32) -> bool {
    let is_held = os::hold(word);
    if !is_held {
        word.store(0, Ordering::Relaxed);
    }
    is_held
}

/// Whether a word is held, or was when its holder ended.
pub fn is_held(word: &AtomicU32) -> bool {
    word.load(Ordering::Relaxed) != 0
}

/// Sleeps until the thread that holds a word has ended, or the time is over. Whether
/// it has: then it writes nothing any more. `thread` is the number that the system
/// gave it; that of a process's first thread is the process's own.
pub fn wait(word: &AtomicU32, thread: u32, timeout: Duration) -> bool {
    os::wait(word, thread, timeout)
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn word() -> &'static AtomicU32 {
        Box::leak(Box::new(AtomicU32::new(0)))
    }

    /// A thread that holds a word until it is told to end, and its number.
    fn holder(word: &'static AtomicU32) -> (u32, impl FnOnce()) {
        let (told, tells) = std::sync::mpsc::channel::<()>();
        let (says, said) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            assert!(hold(word));
            // SAFETY: it asks for a number.
            #[allow(unsafe_code, reason = "the standard library does not know this number")]
            let number = unsafe { libc::gettid() };
            says.send(number as u32).unwrap();
            assert!(tells.recv().is_err(), "it is told by silence");
        });
        let number = said.recv().unwrap();
        (number, move || {
            drop(told);
            thread.join().unwrap();
        })
    }

    #[test]
    fn the_end_of_a_thread_wakes_who_waits_for_it() {
        let word = word();
        assert!(!is_held(word));
        let (number, end) = holder(word);
        assert!(is_held(word));
        assert!(!wait(word, number, Duration::from_millis(1)), "it lives");
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| wait(word, number, LONG));
            end();
            assert!(waits.join().unwrap());
        });
        assert!(wait(word, number, LONG), "also who comes later");
    }

    #[test]
    fn a_word_that_was_written_over_tells_of_no_death() {
        let word = word();
        let (number, end) = holder(word);
        let began = Instant::now();
        for wrong in [libc::FUTEX_OWNER_DIED, u32::MAX, 0] {
            word.store(wrong, Ordering::Relaxed);
            assert!(!wait(word, number, Duration::from_millis(5)), "{wrong:x}");
        }
        assert!(began.elapsed() < LONG);
        end();
    }
}
