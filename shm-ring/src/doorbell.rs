//! \[rt\] Sleeping until a word in shared memory changes.
//!
//! Whoever has news changes a word in memory of its own and then rings. Whoever
//! waits looks at the word, and sleeps only while it has not changed. No lock
//! is held by anybody at any instruction, so no party's death, wherever it
//! strikes, can keep another from waking: the worst is a ring that was never
//! sent, which the survivor's own clock or the news of the death makes up for.
//!
//! On Linux and macOS the word itself is what the kernel lets a thread sleep
//! on. Windows has no such thing between processes, so there each [`Listener`]
//! has a named kernel event, and a ring names the listeners.

#[cfg(all(not(loom), any(target_os = "linux", target_os = "android")))]
mod linux;
#[cfg(loom)]
mod loom;
#[cfg(all(not(loom), target_os = "macos"))]
mod macos;
#[cfg(all(not(loom), windows))]
mod windows;

use std::time::Duration;

#[cfg(all(not(loom), any(target_os = "linux", target_os = "android")))]
use linux as os;
#[cfg(loom)]
use loom as os;
#[cfg(all(not(loom), target_os = "macos"))]
use macos as os;
#[cfg(all(not(loom), windows))]
use windows as os;

use crate::sync::AtomicU32;
use crate::world;

/// One who can be rung: a slot's worker, the engine, or a process by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener(pub u32);

/// Listeners that there can be.
pub const LISTENERS: usize = 128;

/// A set of the first 64 listeners, as a mask: listener `n` is bit `n`.
pub type Listeners = u64;

/// Bytes of shared memory that the bells of a session need.
pub const BELLS_BYTES: usize = os::BYTES;

/// The bells of a session, as one process holds them.
pub struct Doorbell {
    os: os::Bells,
}

impl Doorbell {
    /// The host makes them, in `area` of shared memory: [`BELLS_BYTES`], zeros.
    ///
    /// # Errors
    /// Where the operating system has no more events.
    pub fn create(area: &mut [u8]) -> std::io::Result<Doorbell> {
        Ok(Doorbell { os: os::Bells::create(area)? })
    }

    /// A worker finds those that the host made.
    ///
    /// # Errors
    /// Where they are not there (any more).
    pub fn attach(area: &[u8]) -> std::io::Result<Doorbell> {
        Ok(Doorbell { os: os::Bells::attach(area)? })
    }

    /// Sleeps until `word` is no longer `seen`, or the time is over. May return
    /// for no reason. Real-time safe.
    pub fn wait(&self, me: Listener, word: &AtomicU32, seen: u32, timeout: Option<Duration>) {
        match world::simulated() {
            Some(world) => world.wait(word, seen, timeout),
            None => self.os.wait(me, word, seen, timeout),
        }
    }

    /// Wakes everyone among `listeners` who sleeps on `word`. The word must
    /// have been changed before. Real-time safe.
    pub fn ring(&self, word: &AtomicU32, listeners: Listeners) {
        if listeners != 0 {
            self.os.ring(word, listeners);
        }
    }

    /// As [`Doorbell::ring`], for one listener of any number.
    pub fn ring_one(&self, word: &AtomicU32, listener: Listener) {
        self.os.ring_one(word, listener);
    }
}
