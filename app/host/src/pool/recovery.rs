//! How long it takes to go on.

use shm_ring::sync::Ordering;

use crate::shared::Shared;

/// How long it took to go on after a worker died that had work to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The worker that died.
    pub pid: u32,
    /// The slot that it had.
    pub slot: usize,
    /// From the death (where the host killed it: from then on) to the system's
    /// news of it, in nanoseconds.
    pub news_nanos: u64,
    /// To the stamp of the job that was done again.
    pub stamp_nanos: u64,
}

/// What became of the work of a worker that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// It lives, or nobody has a result yet.
    Unknown,
    /// Another did it.
    Recovered(Recovery),
    /// There was none at that moment.
    NothingToDo,
}

/// Those that are known, and those whose stamp is still to come.
#[derive(Default)]
pub(super) struct Recoveries {
    pub(super) known: Vec<Recovery>,
    pub(super) open: Vec<Open>,
}

/// A slot that was given on in the middle of a block.
pub(super) struct Open {
    pub(super) pid: u32,
    pub(super) slot: usize,
    pub(super) died_nanos: u64,
    pub(super) news_nanos: u64,
    /// Who has it now, and since which epoch.
    pub(super) given: Option<(usize, u32)>,
}

impl Recoveries {
    /// More are not kept.
    const MOST: usize = 100_000;

    /// Of a worker that is dead.
    pub(super) fn aftermath(&mut self, shared: &Shared, pid: u32) -> Aftermath {
        self.collect(shared);
        let known = self.known.iter().rev().find(|recovery| recovery.pid == pid);
        match known {
            Some(&recovery) => Aftermath::Recovered(recovery),
            None if self.open.iter().any(|open| open.pid == pid) => Aftermath::Unknown,
            None => Aftermath::NothingToDo,
        }
    }

    /// Takes the times of the stamps that have been set.
    pub(super) fn collect(&mut self, shared: &Shared) {
        self.open.retain(|open| {
            let Some((seat, epoch)) = open.given else { return true };
            let record = shared.worker_record(seat);
            // Acquire: with the Release in `Holder::note_stamp`.
            if record.first_stamp_epoch.load(Ordering::Acquire) != epoch {
                return true;
            }
            let stamp_nanos = record.first_stamp_nanos.load(Ordering::Relaxed);
            if self.known.len() < Recoveries::MOST {
                self.known.push(Recovery {
                    pid: open.pid,
                    slot: open.slot,
                    news_nanos: open.news_nanos.saturating_sub(open.died_nanos),
                    stamp_nanos: stamp_nanos.saturating_sub(open.died_nanos),
                });
            }
            false
        });
    }
}
