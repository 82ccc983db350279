//! \[rt\] What engine and pool say to each other beyond the patch: a block is
//! late; a slot has nobody.

use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::thread::Thread;
use std::time::Duration;

/// Nobody's slot.
const NONE: u32 = u32::MAX;

/// Between the engine and the pool.
#[derive(Debug)]
pub struct Alarm {
    /// Rung when a block is late.
    watchdog: OnceLock<Thread>,
    /// After how long it is, in nanoseconds.
    late_nanos: AtomicU64,
    /// The last block that was.
    late_block: AtomicU32,
    /// Slots that nobody can be given to, as a mask.
    orphans: AtomicU32,
    /// The slot that the engine itself is at, or [`NONE`].
    engine_at: AtomicU32,
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm {
            watchdog: OnceLock::new(),
            late_nanos: AtomicU64::new(u64::MAX),
            late_block: AtomicU32::new(0),
            orphans: AtomicU32::new(0),
            engine_at: AtomicU32::new(NONE),
        }
    }
}

impl Alarm {
    /// From now on that thread is unparked for a block that takes longer.
    pub fn wake_when_late(&self, thread: Thread, late: Duration) {
        self.set_late(late);
        let _ = self.watchdog.set(thread);
    }

    /// From now on it is one that takes longer than this.
    pub fn set_late(&self, late: Duration) {
        self.late_nanos.store(late.as_nanos() as u64, Relaxed);
    }

    /// How long the engine waits for a slot before it rings. Real-time safe.
    pub fn patience(&self, most: Duration) -> Duration {
        most.min(Duration::from_nanos(self.late_nanos.load(Relaxed)))
    }

    /// The engine waits for that block, longer than it should. Real-time safe.
    pub fn ring(&self, block: u32) {
        self.late_block.store(block, Relaxed);
        if let Some(thread) = self.watchdog.get() {
            thread.unpark();
        }
    }

    /// Whether the engine has rung for that block.
    pub fn is_late(&self, block: u32) -> bool {
        self.late_block.load(Relaxed) == block
    }

    /// Slots that the engine is to look after itself. Real-time safe.
    pub fn orphans(&self) -> u32 {
        self.orphans.load(Relaxed)
    }

    /// The engine begins to write what belongs to a slot. False where it has a
    /// worker again. Real-time safe.
    pub fn enter(&self, slot: usize) -> bool {
        // SeqCst, here and in `give_back`: each stores first and loads then, so
        // not both can miss the other.
        self.engine_at.store(slot as u32, SeqCst);
        let is_orphan = self.orphans.load(SeqCst) >> slot & 1 == 1;
        if !is_orphan {
            self.leave();
        }
        is_orphan
    }

    /// The engine has written what it had to. Real-time safe.
    pub fn leave(&self) {
        self.engine_at.store(NONE, SeqCst);
    }

    /// Nobody can be given that slot.
    pub fn orphan(&self, slot: usize) {
        self.orphans.fetch_or(1 << slot, SeqCst);
    }

    /// The slot is to have a worker again; waits until the engine is out of it,
    /// which is at most a copy of the slot's outputs away.
    pub fn give_back(&self, slot: usize) {
        if self.orphans.fetch_and(!(1 << slot), SeqCst) >> slot & 1 == 1 {
            while self.engine_at.load(SeqCst) == slot as u32 {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_keeps_out_of_a_slot_that_has_a_worker() {
        let alarm = Alarm::default();
        assert!(!alarm.enter(3));
        alarm.orphan(3);
        assert_eq!(alarm.orphans(), 0b1000);
        assert!(alarm.enter(3) && !alarm.enter(2));
        alarm.give_back(3);
        assert!(!alarm.enter(3));
    }

    #[test]
    fn two_never_write_the_same_slot() {
        let (alarm, is_taken) = (Alarm::default(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    alarm.orphan(0);
                    alarm.give_back(0);
                    assert_eq!(is_taken.swap(1, SeqCst), 0);
                    is_taken.store(0, SeqCst);
                }
            });
            for _ in 0..20_000 {
                if alarm.enter(0) {
                    assert_eq!(is_taken.swap(1, SeqCst), 0);
                    is_taken.store(0, SeqCst);
                    alarm.leave();
                }
            }
        });
    }
}
