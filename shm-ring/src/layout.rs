//! Who writes what, where: the records at the start of the two regions.
//!
//! ```text
//! control region (the host writes, workers read)
//!   Header | Clock | SlotControl × SLOTS | WorkerControl × WORKERS
//!   | ModuleControl × MODULES | bells | plans …
//! arena region (each worker writes what the host gave it, all read)
//!   (WorkerRecord, LastWords) × WORKERS | SlotRecord × SLOTS | memory of modules …
//! ```
//!
//! A *worker* here is a process, by the number of its seat; a *slot* is a share
//! of the plan, and the worker that computes it may change in the middle of a
//! block. Every record is read as a letter from a stranger who may have died in
//! mid-sentence.

#![allow(unsafe_code, reason = "records lie in shared memory")]

use bytemuck::{Pod, Zeroable};

use crate::doorbell::{BELLS_BYTES, Listener};
use crate::last_words::LastWords;
use crate::latest::Latest;
use crate::region::{PAGE, Region, Shared};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Slots that a plan may be shared out over.
pub const SLOTS: usize = 32;

/// Worker processes that may be alive at a time, spares included.
pub const WORKERS: usize = 64;

/// Modules that may be in memory at a time.
pub const MODULES: usize = 4096;

/// No slot, no worker, no job, no module.
pub const NONE: u32 = u32::MAX;

/// Changes with every change of these layouts.
pub const VERSION: u32 = 5;

const MAGIC: u64 = u64::from_le_bytes(*b"SOSTNUTO");

/// The first thing in the control region.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Header {
    magic: u64,
    version: u32,
    /// Of the host.
    pub owner_pid: u32,
    /// Length of the control region.
    pub control_bytes: u64,
    /// Length of the arena.
    pub arena_bytes: u64,
    /// What host and workers must agree on beyond this layout; the worker says
    /// what that is.
    pub fingerprint: u64,
    unused: [u64; 3],
}

impl Header {
    /// The header of a new session of this process.
    pub fn new(control_bytes: usize, arena_bytes: usize, fingerprint: u64) -> Header {
        Header {
            magic: MAGIC,
            version: VERSION,
            owner_pid: std::process::id(),
            control_bytes: control_bytes as u64,
            arena_bytes: arena_bytes as u64,
            fingerprint,
            unused: [0; 3],
        }
    }

    /// What a control region begins with, for who did not make it. `None` where
    /// it is too short.
    pub fn read(control: &Region) -> Option<Header> {
        let mut header = [Header::zeroed()];
        control.copy_words(control::HEADER, &mut header)?;
        Some(header[0])
    }

    /// Whether this program can read the regions.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn check(&self, control: usize, arena: usize, fingerprint: u64) -> Result<(), String> {
        if self.magic != MAGIC {
            return Err("this shared memory is not Sostenuto's".to_owned());
        }
        if self.version != VERSION {
            let theirs = self.version;
            return Err(format!("the host's shared memory has layout {theirs}, not {VERSION}"));
        }
        if self.fingerprint != fingerprint {
            return Err(
                "the host and this program know different modules: build both anew".to_owned()
            );
        }
        if self.control_bytes != control as u64 || self.arena_bytes != arena as u64 {
            return Err("the shared memory is not as long as it says".to_owned());
        }
        Ok(())
    }
}

/// What the engine says at the start of every block. It stands until every slot with
/// work has done this one. Others may be in flight after it: see
/// [`flight`](crate::flight).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct BlockStart {
    /// Frames since the sound began.
    pub frame: u64,
    /// The frame at which the present plan began.
    pub plan_frame: u64,
    /// When the block must be ready. Monotonic clock; 0: no hurry.
    pub deadline_nanos: u64,
    /// Counts blocks, from 1, wrapping past 0. 0: none yet.
    pub block: u32,
    /// Which plan of the control region is valid.
    pub plan: u32,
    /// Frames in this block.
    pub frames: u32,
    /// In Hz.
    pub sample_rate_hz: f32,
    /// How many blocks may be computed, from this one on; 0 is 1. Those after it
    /// have the same plan and the same length.
    pub in_flight: u32,
    /// For how many blocks there is room for outputs; 0 is 1.
    pub copies: u32,
    /// The engine sleeps until this block is done.
    pub goal: u32,
    /// Which of them this block uses.
    pub place: u32,
}

/// The newest [`BlockStart`].
pub type Clock = Latest<{ size_of::<BlockStart>() / 4 }>;

/// What the host says of one slot.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct SlotControl {
    /// The worker that computes it, or [`NONE`].
    pub worker: AtomicU32,
    /// Counts the workers that it was given to. A worker whose number is not
    /// the newest leaves the slot alone.
    pub epoch: AtomicU32,
}

/// What the host says to one worker.
#[repr(C, align(64))]
pub struct WorkerControl {
    /// Counts news for this worker: a block, a slot. It sleeps on this word.
    pub bell: AtomicU32,
    /// The slot that it has been given, or [`NONE`].
    pub slot: AtomicU32,
    /// The slot's epoch at that time.
    pub epoch: AtomicU32,
}

/// What the host says of one module, from plan to plan.
#[repr(C)]
pub struct ModuleControl {
    /// One of `RUNS`, `RESTARTS`, `RESTS`.
    remedy: AtomicU32,
    /// The block in which a module that `RESTARTS` does so.
    block: AtomicU32,
}

impl ModuleControl {
    /// What is to be done with the module in that block: one of `RUNS`,
    /// `RESTARTS`, `RESTS`. Real-time safe.
    pub fn remedy(&self, block: u32) -> u32 {
        // Relaxed: the host changes its mind in the middle of a block only after
        // the module's worker has died; its successor is given the slot after that.
        match self.remedy.load(Ordering::Relaxed) {
            RESTS => RESTS,
            RESTARTS if self.block.load(Ordering::Relaxed) == block => RESTARTS,
            _ => RUNS,
        }
    }

    /// From now on this is to be done with the module; where it `RESTARTS`, in
    /// that block, and afterwards it runs.
    pub fn set_remedy(&self, remedy: u32, block: u32) {
        // Relaxed: a worker looks at it only after it was given the slot, or at
        // a later block.
        self.block.store(block, Ordering::Relaxed);
        self.remedy.store(remedy, Ordering::Relaxed);
    }
}

/// The module is computed.
pub const RUNS: u32 = 0;
/// It is computed, but in one block from a fresh state.
pub const RESTARTS: u32 = 1;
/// Its code is left alone: inputs are passed to outputs. When it runs again it
/// does so from a fresh state.
pub const RESTS: u32 = 2;

/// What one worker says of itself. Nobody else writes it.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct WorkerRecord {
    /// One of `STARTING → WARM`.
    pub state: AtomicU32,
    /// Its process.
    pub pid: AtomicU32,
    /// A mask of the `GRANTED_…` constants.
    pub granted: AtomicU32,
    /// Blocks in which it computed something.
    pub blocks: AtomicU32,
    /// From its first instruction until it was warm.
    pub warm_nanos: AtomicU64,
    /// The last plan that it made itself ready for; the worker says how.
    pub prepared: AtomicU32,
    /// The job that it is inside of, [`FINISHING`], or [`NONE`]: then it will
    /// write nothing of any slot before it has looked at its epoch again.
    pub job: AtomicU32,
    /// The module that it is computing, by its index in the plan, or [`NONE`].
    pub module: AtomicU32,
    /// Jobs begun, wrapping: whether a worker that seems stuck moves.
    pub jobs_begun: AtomicU32,
    /// The last bell that it has heard: whether it still answers.
    pub heard: AtomicU32,
    /// The epoch in which `first_stamp_nanos` was taken.
    pub first_stamp_epoch: AtomicU32,
    /// When it set the first stamp after it was given a slot. Monotonic clock.
    pub first_stamp_nanos: AtomicU64,
    /// Held by the thread that computes, until it ends: see [`robust`](crate::robust).
    pub alive: AtomicU32,
}

/// Instead of a job: it is about to say that its slot is done.
pub const FINISHING: u32 = u32::MAX - 1;

/// Has not said anything yet.
pub const STARTING: u32 = 0;
/// Can compute without a page fault.
pub const WARM: u32 = 1;

/// The system lets this worker run in real time.
pub const GRANTED_REAL_TIME: u32 = 1;
/// The system keeps this worker's memory from being swapped out.
pub const GRANTED_LOCK: u32 = 2;
/// The system ends this worker, or refuses, where it asks for what no module needs.
pub const GRANTED_CONFINEMENT: u32 = 4;

/// What the worker of a slot says of its work. Nobody else writes it.
#[repr(C, align(64))]
pub struct SlotRecord {
    /// The last block whose jobs are all stamped. The engine sleeps on this
    /// word.
    pub done: AtomicU32,
    /// Time spent computing the last block, waiting not counted.
    pub busy_nanos: AtomicU32,
}

/// What a module's memory begins with. Its worker writes it.
#[repr(C, align(64))]
pub struct ModuleRecord {
    /// The last block whose outputs and next state are written. Whatever
    /// happens before this store did not happen. Readers of the module's
    /// outputs sleep on this word.
    pub stamp: AtomicU32,
    /// Output samples that were not finite, since the module was made.
    pub not_finite: AtomicU32,
    /// Time spent computing the last block.
    pub busy_nanos: AtomicU32,
}

macro_rules! shared {
    ($($record:ty: $bytes:expr),*) => {$(
        // SAFETY: every field is an atomic, or padding that nobody reads.
        unsafe impl Shared for $record {}
        #[cfg(not(loom))]
        const _: () = assert!(size_of::<$record>() == $bytes);
    )*};
}

shared!(SlotControl: 64, WorkerControl: 64, ModuleControl: 8);
shared!(WorkerRecord: 64, SlotRecord: 64, ModuleRecord: 64);
shared!(LastWords: 1024);
const _: () = assert!(size_of::<Header>() == 64);

/// Where the records lie in the control region, in bytes from its start.
pub mod control {
    use super::*;

    /// The [`Header`].
    pub const HEADER: usize = 0;
    /// The [`Clock`].
    pub const CLOCK: usize = 64;
    /// [`SLOTS`] of [`SlotControl`].
    pub const SLOT_CONTROLS: usize = 256;
    /// [`WORKERS`] of [`WorkerControl`].
    pub const WORKER_CONTROLS: usize = SLOT_CONTROLS + SLOTS * 64;
    /// [`MODULES`] of [`ModuleControl`].
    pub const MODULE_CONTROLS: usize = WORKER_CONTROLS + WORKERS * 64;
    /// The memory of [`Doorbell`](crate::doorbell::Doorbell).
    pub const BELLS: usize = MODULE_CONTROLS + MODULES * size_of::<ModuleControl>();
    /// What the host says beyond this crate.
    pub const REST: usize = (BELLS + BELLS_BYTES).next_multiple_of(PAGE);
}

/// Where the records lie in the arena, in bytes from its start. Each has pages
/// of its own, because each is writable for another worker.
pub mod arena {
    use super::*;

    /// The [`WorkerRecord`] of a seat.
    pub const fn worker_record(worker: usize) -> usize {
        worker * PAGE
    }

    /// The [`LastWords`] of a seat's worker, on the page of its record.
    pub const fn last_words(worker: usize) -> usize {
        worker_record(worker) + size_of::<WorkerRecord>()
    }

    /// The [`SlotRecord`] of a slot.
    pub const fn slot_record(slot: usize) -> usize {
        (WORKERS + slot) * PAGE
    }

    /// The memory of modules.
    pub const REST: usize = (WORKERS + SLOTS) * PAGE;
}

/// Who is rung when something happens to a slot: the worker that has it.
pub const fn slot_listener(slot: usize) -> Listener {
    Listener(slot as u32)
}

/// The engine.
pub const ENGINE: Listener = Listener(SLOTS as u32);

/// The host's threads that look after workers.
pub const HOST: Listener = Listener(SLOTS as u32 + 1);

/// A worker by itself, whatever slot it has.
pub const fn worker_listener(worker: usize) -> Listener {
    Listener((SLOTS + 2 + worker) as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_refused_with_a_sentence() {
        let header = Header::new(1000, 2000, 7);
        assert_eq!(header.check(1000, 2000, 7), Ok(()));
        assert!(header.check(1000, 2000, 8).unwrap_err().contains("different modules"));
        assert!(header.check(1000, 2001, 7).unwrap_err().contains("not as long"));
        assert!(Header { version: 9, ..header }.check(0, 0, 7).unwrap_err().contains("layout 9"));
        assert!(Header::zeroed().check(0, 0, 0).is_err());
    }

    #[test]
    fn a_module_restarts_in_one_block_and_rests_in_all() {
        let [remedy, block] = [(); 2].map(|()| AtomicU32::new(0));
        let control = ModuleControl { remedy, block };
        let in_blocks = || [6, 7, 8].map(|block| control.remedy(block));
        assert_eq!(in_blocks(), [RUNS; 3]);
        control.set_remedy(RESTARTS, 7);
        assert_eq!(in_blocks(), [RUNS, RESTARTS, RUNS]);
        control.set_remedy(RESTS, 7);
        assert_eq!(in_blocks(), [RESTS; 3]);
        control.set_remedy(77, 7);
        assert_eq!(in_blocks(), [RUNS; 3], "a word that nobody knows");
    }

    #[test]
    fn records_do_not_overlap() {
        assert!(control::CLOCK + size_of::<Clock>() <= control::SLOT_CONTROLS);
        const { assert!(control::REST.is_multiple_of(PAGE)) };
        assert!(arena::last_words(0) + size_of::<LastWords>() <= PAGE);
        assert!(arena::slot_record(SLOTS - 1) + PAGE <= arena::REST);
        assert!(worker_listener(WORKERS - 1).0 < crate::doorbell::LISTENERS as u32);
    }
}
