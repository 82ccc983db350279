//! Every interleaving, and every stale value that the memory model allows, of
//! what crosses a process border:
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p shm-ring --release --test loom`
//!
//! `LOOM_MAX_PREEMPTIONS` and loom's other variables make it look further.
//!
//! The proofs of stamp and hand-over have twins that leave out one ordering and
//! must fail, so that they are known to look in the right place.

#![cfg(loom)]
#![allow(unsafe_code, reason = "loom's cells are raw, and it watches who touches them")]

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;
use shm_ring::doorbell::{Doorbell, Listener};
use shm_ring::latest::Latest;
use shm_ring::layout::{NONE, SlotControl, WorkerControl, WorkerRecord};
use shm_ring::protocol::*;
use shm_ring::ring::Ring;
use shm_ring::sync::{AtomicU32, Ordering};

#[test]
fn a_ring_loses_and_doubles_nothing_and_keeps_the_order() {
    loom::model(|| {
        let (mut producer, mut consumer) = Ring::<u32, 2>::split();
        let pushing = thread::spawn(move || {
            let mut values = &[1, 2, 3][..];
            while !values.is_empty() {
                let count = producer.push(values);
                values = &values[count..];
                thread::yield_now();
            }
        });
        let (mut next, mut values) = (1, [0; 2]);
        while next <= 3 {
            let count = consumer.pop(&mut values);
            for &value in &values[..count] {
                assert_eq!(value, next);
                next += 1;
            }
            thread::yield_now();
        }
        pushing.join().unwrap();
        assert_eq!(consumer.filled(), 0);
    });
}

#[test]
fn the_newest_value_is_whole_and_never_older_than_the_last() {
    loom::model(|| {
        let latest = Arc::new(Latest::<2>::new());
        let writer = Arc::clone(&latest);
        let writing = thread::spawn(move || {
            writer.write(&[1u32, 1]);
            writer.write(&[2u32, 2]);
        });
        let mut newest = 0;
        for _ in 0..2 {
            if let Some([first, second]) = latest.read::<[u32; 2]>() {
                assert_eq!(first, second);
                assert!(first >= newest);
                newest = first;
            }
        }
        writing.join().unwrap();
        assert_eq!(latest.read(), Some([2u32, 2]));
    });
}

/// What a module's worker shares with a reader of its output.
struct Job {
    doorbell: Doorbell,
    stamp: AtomicU32,
    output: UnsafeCell<f32>,
}

const READER: Listener = Listener(0);

impl Job {
    #[expect(clippy::arc_with_non_send_sync, reason = "loom watches its cells instead")]
    fn new() -> Arc<Job> {
        let (stamp, output) = (AtomicU32::new(0), UnsafeCell::new(0.0));
        Arc::new(Job { doorbell: Doorbell::create(&mut []).unwrap(), stamp, output })
    }

    fn compute(&self, volts: f32) {
        // SAFETY: that nobody reads meanwhile is what loom finds out.
        self.output.with_mut(|output| unsafe { *output = volts });
    }

    fn read(&self) -> f32 {
        assert!(wait_for(&self.doorbell, READER, &self.stamp, 1, None));
        // SAFETY: that nobody writes any more is what loom finds out.
        self.output.with(|output| unsafe { *output })
    }
}

/// A reader waits while another thread does `work`; loom finds whether it
/// sleeps for good, or reads what is being written.
fn a_reader_waits_while(work: fn(&Job)) {
    loom::model(move || {
        let job = Job::new();
        let worker = Arc::clone(&job);
        let working = thread::spawn(move || work(&worker));
        assert_eq!(job.read(), 5.0);
        working.join().unwrap();
    });
}

#[test]
fn a_stamp_is_never_slept_through_and_never_comes_before_the_output() {
    a_reader_waits_while(|job| {
        job.compute(5.0);
        publish(&job.doorbell, &job.stamp, 1, 1);
    });
}

#[test]
#[should_panic]
fn a_stamp_without_release_comes_before_the_output() {
    a_reader_waits_while(|job| {
        job.compute(5.0);
        job.stamp.store(1, Ordering::Relaxed);
        job.doorbell.ring(&job.stamp, 1);
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_ring_before_the_stamp_is_slept_through() {
    a_reader_waits_while(|job| {
        job.compute(5.0);
        job.doorbell.ring(&job.stamp, 1);
        job.stamp.store(1, Ordering::Release);
    });
}

#[test]
fn two_readers_of_one_stamp_are_both_woken() {
    loom::model(|| {
        let job = Job::new();
        let readers = [Arc::clone(&job), Arc::clone(&job)];
        let reading = readers.map(|job| thread::spawn(move || assert_eq!(job.read(), 5.0)));
        job.compute(5.0);
        publish(&job.doorbell, &job.stamp, 1, 1);
        for reader in reading {
            reader.join().unwrap();
        }
    });
}

#[test]
fn a_death_between_stamp_and_ring_is_made_up_for_by_the_successor() {
    loom::model(|| {
        let job = Job::new();
        let dying = Arc::clone(&job);
        let dying = thread::spawn(move || {
            dying.compute(5.0);
            dying.stamp.store(1, Ordering::Release);
        });
        let successor = Arc::clone(&job);
        let taking_over = thread::spawn(move || {
            dying.join().unwrap();
            assert_eq!(successor.stamp.load(Ordering::Acquire), 1);
            ring_again(&successor.doorbell, &successor.stamp, 1);
        });
        assert_eq!(job.read(), 5.0);
        taking_over.join().unwrap();
    });
}

/// One slot; worker 0 had it and is dead, worker 1 is the spare.
struct Session {
    doorbell: Doorbell,
    /// The block's number is all it says.
    clock: Latest<1>,
    slots: [SlotControl; 1],
    workers: [WorkerControl; 2],
}

impl Session {
    fn new() -> Arc<Session> {
        let word = AtomicU32::new;
        let worker =
            |slot, epoch| WorkerControl { bell: word(0), slot: word(slot), epoch: word(epoch) };
        Arc::new(Session {
            doorbell: Doorbell::create(&mut []).unwrap(),
            clock: Latest::new(),
            slots: [SlotControl { worker: word(0), epoch: word(1) }],
            workers: [worker(0, 1), worker(NONE, 0)],
        })
    }

    fn start_block(&self) {
        start_block(&self.doorbell, &self.clock, &self.slots, &self.workers, &1u32, 1);
    }

    fn start_block_without_a_fence(&self) {
        self.clock.write(&1u32);
        let worker = self.slots[0].worker.load(Ordering::SeqCst);
        ring_worker(&self.doorbell, &self.workers, worker);
    }

    fn give_slot(&self) {
        give_slot(&self.doorbell, &self.slots, &self.workers, 0, 1);
    }

    fn give_slot_without_a_fence(&self) {
        self.slots[0].epoch.store(2, Ordering::Relaxed);
        self.workers[1].epoch.store(2, Ordering::Relaxed);
        self.workers[1].slot.store(0, Ordering::Relaxed);
        self.slots[0].worker.store(1, Ordering::SeqCst);
        ring_worker(&self.doorbell, &self.workers, 1);
    }

    /// The life of the spare: it sleeps until it has a slot and a block.
    fn work(&self) {
        let mut seen = 0;
        loop {
            seen = wait_for_news(&self.doorbell, 1, &self.workers[1], seen, None);
            let Some((slot, epoch)) = slot_of(&self.workers[1], &self.slots) else { continue };
            assert_eq!((slot, epoch), (0, 2));
            if self.clock.read() == Some(1u32) {
                return;
            }
        }
    }
}

/// The engine begins a block while the supervisor gives the slot to the spare.
fn a_block_begins_while_the_slot_changes_hands(start: fn(&Session), give: fn(&Session)) {
    // Three threads and thirty steps: all interleavings would take hours. Nearly
    // every fault shows with two preemptions (Musuvathi and Qadeer 2007).
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(2));
    model.check(move || {
        let session = Session::new();
        let (spare, supervisor) = (Arc::clone(&session), Arc::clone(&session));
        let spare = thread::spawn(move || spare.work());
        let supervisor = thread::spawn(move || give(&supervisor));
        start(&session);
        supervisor.join().unwrap();
        spare.join().unwrap();
    });
}

#[test]
fn a_block_that_begins_during_a_hand_over_is_always_computed() {
    a_block_begins_while_the_slot_changes_hands(Session::start_block, Session::give_slot);
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_engines_fence_a_block_can_be_lost() {
    let start = Session::start_block_without_a_fence;
    a_block_begins_while_the_slot_changes_hands(start, Session::give_slot);
}

#[test]
#[should_panic(expected = "deadlock")]
fn without_the_supervisors_fence_a_block_can_be_lost() {
    let give = Session::give_slot_without_a_fence;
    a_block_begins_while_the_slot_changes_hands(Session::start_block, give);
}

/// A worker that wakes up late, and a module's memory that it may find in use.
struct Sleeper {
    slot: SlotControl,
    worker: WorkerRecord,
    memory: UnsafeCell<u32>,
}

impl Sleeper {
    #[expect(clippy::arc_with_non_send_sync, reason = "loom watches its cells instead")]
    fn new() -> Arc<Sleeper> {
        let slot = SlotControl { worker: AtomicU32::new(0), epoch: AtomicU32::new(1) };
        let worker = WorkerRecord { job: AtomicU32::new(NONE), ..WorkerRecord::default() };
        Arc::new(Sleeper { slot, worker, memory: UnsafeCell::new(0) })
    }

    fn write(&self, value: u32) {
        // SAFETY: that nobody else touches it meanwhile is what loom finds out.
        self.memory.with_mut(|memory| unsafe { *memory = value });
    }

    fn wake_up(&self) {
        if enter(&self.worker, &self.slot, 1, 0) {
            self.write(1);
            leave(&self.worker);
        }
    }

    fn wake_up_without_a_fence(&self) {
        self.worker.job.store(0, Ordering::Relaxed);
        if is_newest(&self.slot, 1) {
            self.write(1);
        }
        leave(&self.worker);
    }

    fn revoke(&self) -> bool {
        revoke(&self.slot, &self.worker)
    }

    fn revoke_without_a_fence(&self) -> bool {
        self.slot.epoch.store(2, Ordering::Relaxed);
        self.worker.job.load(Ordering::Acquire) == NONE
    }
}

/// The slot is taken from a worker that may wake up at any instant; where it
/// was outside, the successor writes at once.
fn a_slot_is_taken_from_one_who_wakes_up(wake_up: fn(&Sleeper), revoke: fn(&Sleeper) -> bool) {
    loom::model(move || {
        let sleeper = Sleeper::new();
        let waking = Arc::clone(&sleeper);
        let waking = thread::spawn(move || wake_up(&waking));
        if revoke(&sleeper) {
            sleeper.write(2);
        }
        waking.join().unwrap();
    });
}

#[test]
fn a_worker_that_wakes_up_late_writes_nothing_of_its_successor() {
    a_slot_is_taken_from_one_who_wakes_up(Sleeper::wake_up, Sleeper::revoke);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_the_late_workers_fence_it_would() {
    a_slot_is_taken_from_one_who_wakes_up(Sleeper::wake_up_without_a_fence, Sleeper::revoke);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn without_the_takers_fence_it_would() {
    a_slot_is_taken_from_one_who_wakes_up(Sleeper::wake_up, Sleeper::revoke_without_a_fence);
}
