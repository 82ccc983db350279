//! What time it is and how to wait: by the system, or by a simulation of it.
//!
//! Everything that waits for a word of shared memory, or for a time to pass, asks
//! here. So the code that survives faults can be run by a simulation that has all of
//! it in one thread, on a clock of its own, and lets anything happen in every wait.

use std::cell::Cell;
use std::time::Duration;

use crate::sync::AtomicU32;

/// A clock, and waits on it.
pub trait World {
    /// Nanoseconds since some instant, never less than before.
    fn now_nanos(&self) -> u64;

    /// Sleeps until `word` is no longer `seen`, or the time is over. May return for
    /// no reason.
    fn wait(&self, word: &AtomicU32, seen: u32, timeout: Option<Duration>);

    /// Sleeps so long.
    fn sleep(&self, duration: Duration);
}

thread_local! {
    static SIMULATED: Cell<Option<&'static dyn World>> = const { Cell::new(None) };
}

/// From now on this thread lives in that world.
pub fn enter(world: &'static dyn World) {
    SIMULATED.set(Some(world));
}

/// From now on this thread lives in the system's world again.
pub fn leave() {
    SIMULATED.set(None);
}

/// The simulated world that this thread lives in. Real-time safe.
#[inline]
pub fn simulated() -> Option<&'static dyn World> {
    SIMULATED.get()
}

/// Lets this thread sleep.
pub fn sleep(duration: Duration) {
    match simulated() {
        Some(world) => world.sleep(duration),
        None => std::thread::sleep(duration),
    }
}
