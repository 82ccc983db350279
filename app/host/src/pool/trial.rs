//! What the system grants to workers; and one worker that runs only to find out.

use std::path::PathBuf;
use std::sync::Arc;

use shm_ring::layout::{
    BlockStart, GRANTED_CONFINEMENT, GRANTED_LOCK, GRANTED_REAL_TIME, WorkerRecord,
};
use shm_ring::region::RegionError;
use shm_ring::sync::Ordering;

use super::supervisor::Seat;
use super::watchdog::Patience;
use super::{Crew, Pool, PoolError};
use crate::shared::Shared;

/// What the system lets a worker do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Run before everything that is not sound.
    pub real_time: bool,
    /// Keep its memory from being swapped out. Only Linux can grant it.
    pub memory_lock: bool,
    /// Give up its rights, and be held to that.
    pub confinement: bool,
}

impl Grants {
    const ALL: Grants = Grants { real_time: true, memory_lock: true, confinement: true };

    fn of(record: &WorkerRecord) -> Grants {
        let granted = record.granted.load(Ordering::Relaxed);
        Grants {
            real_time: granted & GRANTED_REAL_TIME != 0,
            memory_lock: granted & GRANTED_LOCK != 0,
            confinement: granted & GRANTED_CONFINEMENT != 0,
        }
    }

    fn and(self, other: Grants) -> Grants {
        Grants {
            real_time: self.real_time && other.real_time,
            memory_lock: self.memory_lock && other.memory_lock,
            confinement: self.confinement && other.confinement,
        }
    }
}

impl Pool {
    /// What the system grants to every living worker.
    pub fn grants(&self) -> Grants {
        let state = self.inner.lock();
        let seats = state.supervisor.seats().iter().enumerate();
        let living = seats.filter(|(_, seat)| matches!(seat, Seat::Holds(_) | Seat::Spare));
        living
            .map(|(seat, _)| Grants::of(self.inner.shared.worker_record(seat)))
            .fold(Grants::ALL, Grants::and)
    }
}

/// Why no worker could be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// There is no shared memory for it.
    #[error(transparent)]
    Memory(#[from] RegionError),
    /// It does not start, or does not get warm.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// Has a worker get warm, and lets it go again. Waits no longer than a session waits
/// for its workers.
///
/// # Errors
/// Where it does not get warm.
pub fn try_a_worker(program: PathBuf) -> Result<Grants, TrialError> {
    let shared = Arc::new(Shared::create()?);
    // macOS grants real time only for a block of some length.
    shared.clock().write(&BlockStart {
        frames: 256,
        sample_rate_hz: 48_000.0,
        ..BlockStart::default()
    });
    let pool = Pool::start(shared, program, Crew::of(1), Patience::OFFLINE)?;
    Ok(pool.grants())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let tried = try_a_worker(PathBuf::from("/no/such/worker"));
        assert!(matches!(tried, Err(TrialError::Pool(PoolError::Spawn { .. }))), "{tried:?}");
    }

    #[test]
    fn workers_are_granted_what_each_of_them_is() {
        let but_lock = Grants { memory_lock: false, ..Grants::ALL };
        let but_real_time = Grants { real_time: false, ..Grants::ALL };
        let both = Grants { confinement: true, real_time: false, memory_lock: false };
        assert_eq!(but_lock.and(but_real_time), both);
        assert_eq!(Grants::ALL.and(but_lock), but_lock);
    }
}
