//! One named event of the kernel for each listener, as Windows lets no thread
//! sleep on another process's memory.
//!
//! The events reset themselves when they let somebody through. An event that is
//! still set from earlier news costs one look at the word, and one that is set
//! for two pieces of news lets its listener through once, who then sees both.
//! The kernel owns them, so nobody's death leaves one locked.
//!
//! A death can swallow a ring: an event lets its listener through, who dies.
//! That is a ring which was not answered, as on the other systems.

#![allow(unsafe_code, reason = "raw_sync takes bare pointers and says nothing about threads")]

use std::io;
use std::time::Duration;

use raw_sync::Timeout;
use raw_sync::events::{Event, EventImpl, EventInit, EventState};

use super::{LISTENERS, Listener, Listeners};
use crate::sync::{AtomicU32, Ordering};

/// An event's name is a number.
const NAME: usize = size_of::<u32>();

pub const BYTES: usize = LISTENERS * NAME;

pub struct Bells {
    events: Vec<Box<dyn EventImpl>>,
}

// SAFETY: raw_sync's event on Windows is a kernel handle and nothing else, and
// the kernel lets any thread wait on it and set it.
unsafe impl Send for Bells {}
// SAFETY: as above.
unsafe impl Sync for Bells {}
// A panic leaves a kernel handle as it was.
impl std::panic::RefUnwindSafe for Bells {}

impl Bells {
    pub fn create(area: &mut [u8]) -> io::Result<Bells> {
        let names = area.get_mut(..BYTES).ok_or(io::ErrorKind::InvalidInput)?;
        let make = |name: &mut [u8]| {
            let mut number = 0u32;
            // SAFETY: raw_sync writes the event's number, a u32, and keeps no
            // pointer to it (0.1.5, `events/windows.rs`).
            let made = unsafe { Event::new((&raw mut number).cast(), true) };
            name.copy_from_slice(&number.to_ne_bytes());
            event(made)
        };
        Ok(Bells { events: names.chunks_exact_mut(NAME).map(make).collect::<Result<_, _>>()? })
    }

    pub fn attach(area: &[u8]) -> io::Result<Bells> {
        let names = area.get(..BYTES).ok_or(io::ErrorKind::InvalidInput)?;
        let find = |name: &[u8]| {
            let mut number = u32::from_ne_bytes([name[0], name[1], name[2], name[3]]);
            // SAFETY: as in `create`, but it reads the number.
            event(unsafe { Event::from_existing((&raw mut number).cast()) })
        };
        Ok(Bells { events: names.chunks_exact(NAME).map(find).collect::<Result<_, _>>()? })
    }

    pub fn wait(&self, me: Listener, word: &AtomicU32, seen: u32, timeout: Option<Duration>) {
        // Relaxed: whoever comes back from here looks again. The word changes
        // before its event is set, so between this look and the sleep no news
        // is lost: the event stays set.
        if word.load(Ordering::Relaxed) != seen {
            return;
        }
        let timeout = timeout.map_or(Timeout::Infinite, |time| Timeout::Val(whole_millis(time)));
        if let Some(event) = self.events.get(me.0 as usize) {
            // That the time is over is an error to raw_sync, and none to us.
            let _ = event.wait(timeout);
        }
    }

    pub fn ring(&self, _: &AtomicU32, listeners: Listeners) {
        let mut left = listeners;
        while left != 0 {
            self.set(left.trailing_zeros());
            left &= left - 1;
        }
    }

    pub fn ring_one(&self, _: &AtomicU32, listener: Listener) {
        self.set(listener.0);
    }

    fn set(&self, listener: u32) {
        if let Some(event) = self.events.get(listener as usize) {
            // It can only fail on a handle that is none.
            let _ = event.set(EventState::Signaled);
        }
    }
}

/// Windows counts milliseconds. Part of one is one, lest a short wait become no
/// wait, and a longer one than it can count ends for no reason.
fn whole_millis(time: Duration) -> Duration {
    let millis = time.as_nanos().div_ceil(1_000_000).min(u128::from(u32::MAX - 1));
    Duration::from_millis(millis as u64)
}

type Made = Result<(Box<dyn EventImpl>, usize), Box<dyn std::error::Error>>;

fn event(made: Made) -> io::Result<Box<dyn EventImpl>> {
    made.map(|(event, _)| event).map_err(|error| io::Error::other(error.to_string()))
}
