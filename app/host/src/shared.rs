//! The session's shared memory, as its owner sees it.

#![allow(unsafe_code, reason = "the regions are made here")]

use std::sync::Arc;

use dsp_worker::protocol::CONTROL_BYTES;
use dsp_worker::run::module_control;
use shm_ring::doorbell::Doorbell;
use shm_ring::last_words::LastWords;
use shm_ring::layout::{
    Clock, Header, ModuleControl, NONE, SLOTS, SlotControl, SlotRecord, WORKERS, WorkerControl,
    WorkerRecord, arena, control,
};
use shm_ring::region::{Access, Region, RegionError, remove_leftovers};
use shm_ring::sync::Ordering;
use sostenuto_modules::catalog;

use crate::alarm::Alarm;

/// Length of the arena, in bytes. Pages that no module uses cost nothing.
const ARENA_BYTES: usize = if cfg!(windows) { 256 << 20 } else { 1 << 30 };

/// The two regions, and the bells; and what stays between the host's threads.
pub struct Shared {
    /// The host writes, workers read.
    pub control: Arc<Region>,
    /// Workers write what is theirs.
    pub arena: Arc<Region>,
    /// Wakes workers, and the engine.
    pub doorbell: Arc<Doorbell>,
    /// Between engine and pool.
    pub alarm: Alarm,
}

impl Shared {
    /// Makes them, and removes what killed hosts have left.
    ///
    /// # Errors
    /// Where the system has no shared memory to give.
    pub fn create() -> Result<Shared, RegionError> {
        remove_leftovers();
        let control = Region::create(CONTROL_BYTES)?;
        let arena = Region::create(ARENA_BYTES)?;
        // Here a full disk of shared memory is an error; later, a bus error.
        control.populate(0..control.len(), Access::Write)?;
        arena.populate(0..arena::REST, Access::Write)?;
        let fingerprint = catalog::fingerprint();
        let header = Header::new(control.len(), arena.len(), fingerprint);
        let bells = control::REST - control::BELLS;
        // SAFETY: no other process knows the names of these regions yet.
        let (place, bells) = unsafe {
            (
                control.values_mut::<Header>(control::HEADER, 1),
                control.values_mut(control::BELLS, bells),
            )
        };
        place.expect(FITS)[0] = header;
        let doorbell = Doorbell::create(bells.expect(FITS))
            .map_err(|cause| RegionError::Populate { bytes: 0, cause })?;
        let (control, arena) = (Arc::new(control), Arc::new(arena));
        let shared =
            Shared { control, arena, doorbell: Arc::new(doorbell), alarm: Alarm::default() };
        for slot in shared.slots() {
            slot.worker.store(NONE, Ordering::Relaxed);
        }
        for worker in shared.workers() {
            worker.slot.store(NONE, Ordering::Relaxed);
        }
        Ok(shared)
    }

    /// What the engine says at the start of a block.
    pub fn clock(&self) -> &Clock {
        self.control.record(control::CLOCK).expect(FITS)
    }

    /// What the host says of each slot.
    pub fn slots(&self) -> &[SlotControl] {
        self.control.records(control::SLOT_CONTROLS, SLOTS).expect(FITS)
    }

    /// What the host says to each worker.
    pub fn workers(&self) -> &[WorkerControl] {
        self.control.records(control::WORKER_CONTROLS, WORKERS).expect(FITS)
    }

    /// What the host says of the module with that number.
    pub fn module(&self, number: u32) -> Option<&ModuleControl> {
        module_control(&self.control, number)
    }

    /// What a slot's worker says of its work.
    pub fn slot_record(&self, slot: usize) -> &SlotRecord {
        self.arena.record(arena::slot_record(slot)).expect(FITS)
    }

    /// What a worker has left to say when it dies by its own fault.
    pub fn last_words(&self, worker: usize) -> &LastWords {
        self.arena.record(arena::last_words(worker)).expect(FITS)
    }

    /// What a worker says of itself.
    pub fn worker_record(&self, worker: usize) -> &WorkerRecord {
        self.arena.record(arena::worker_record(worker)).expect(FITS)
    }
}

/// How much shared memory this machine has left, in bytes. `None` where only memory
/// itself is the limit.
#[cfg(target_os = "linux")]
pub fn space_left() -> Option<u64> {
    let mut facts = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends in a zero byte, and `facts` has room for what is written.
    let is_known = unsafe { libc::statvfs(c"/dev/shm".as_ptr(), facts.as_mut_ptr()) } == 0;
    // SAFETY: zeros are valid facts, whether they were written over or not.
    let facts = unsafe { facts.assume_init() };
    is_known.then_some(facts.f_bavail * facts.f_frsize)
}

/// How much shared memory this machine has left, in bytes. `None` where only memory
/// itself is the limit.
#[cfg(not(target_os = "linux"))]
pub fn space_left() -> Option<u64> {
    None
}

const FITS: &str = "a region is as long as its layout";
