//! A session in which workers are killed, thousands of times, at whatever
//! instruction they happen to be at. The engine never misses a block.
//!
//! `SHM_RING_KILLS=100000 cargo test -p shm-ring --release --test kill` kills
//! more often than the usual [`KILLS`].
//!
//! Nobody in here is saved by a timeout: the one wait that has any ends the
//! test.

#![cfg(not(loom))]
#![allow(unsafe_code, reason = "plain values are read and written in shared memory")]

mod common;

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{Peer, told};
use shm_ring::doorbell::{BELLS_BYTES, Doorbell};
use shm_ring::latest::Latest;
use shm_ring::layout::*;
use shm_ring::protocol::*;
use shm_ring::region::{Access, PAGE, Region};
use shm_ring::ring::{Consumer, Producer, Ring};
use shm_ring::sync::{AtomicU32, Ordering};

const KILLS: usize = if cfg!(windows) { 200 } else { 2500 };

/// Far longer than a block takes, on the slowest machine.
const LOST: Duration = Duration::from_secs(5);

/// Warm spares that are kept.
const SPARES: usize = 6;

/// Kills that a worker lives on for after its slot was taken from it.
const AWAY_KILLS: usize = 12;
const _: () = assert!(AWAY_KILLS + 2 * SPARES < WORKERS);

/// Samples of a block.
const FRAMES: usize = 256;

type Numbers = Ring<u32, 64>;

// Where the one slot's memory lies in the arena, after its stamp.
const OUTPUT: usize = arena::REST + 64;
const NEWEST: usize = arena::REST + PAGE;
const RING_OUT: usize = NEWEST + PAGE;
const RING_IN: usize = RING_OUT + PAGE;
const FAULTS: usize = RING_IN + PAGE;
const ARENA: usize = FAULTS + PAGE;

/// A session's memory, as one process maps it.
struct Session {
    control: Region,
    arena: Region,
    doorbell: Doorbell,
}

impl Session {
    fn create() -> Session {
        let control = Region::create(control::REST).unwrap();
        let arena = Region::create(ARENA).unwrap();
        // SAFETY: nobody else knows the region yet.
        let bells = unsafe { control.values_mut::<u8>(control::BELLS, BELLS_BYTES) };
        let doorbell = Doorbell::create(bells.unwrap()).unwrap();
        let session = Session { control, arena, doorbell };
        for worker in session.workers() {
            worker.slot.store(NONE, Ordering::Relaxed);
        }
        session.slots()[0].worker.store(NONE, Ordering::Relaxed);
        session
    }

    fn open(names: &str) -> Session {
        let (control, arena) = names.split_once(' ').unwrap();
        let (control, arena) = (Region::open(control).unwrap(), Region::open(arena).unwrap());
        arena.protect(0..ARENA, Access::Write).unwrap();
        // SAFETY: the host writes it in `create` only.
        let bells = unsafe { control.values::<u8>(control::BELLS, BELLS_BYTES) };
        let doorbell = Doorbell::attach(bells.unwrap()).unwrap();
        Session { control, arena, doorbell }
    }

    fn names(&self) -> String {
        format!("{} {}", self.control.name(), self.arena.name())
    }

    fn clock(&self) -> &Clock {
        self.control.record(control::CLOCK).unwrap()
    }

    fn slots(&self) -> &[SlotControl] {
        self.control.records(control::SLOT_CONTROLS, SLOTS).unwrap()
    }

    fn workers(&self) -> &[WorkerControl] {
        self.control.records(control::WORKER_CONTROLS, WORKERS).unwrap()
    }

    fn record(&self, worker: usize) -> &WorkerRecord {
        self.arena.record(arena::worker_record(worker)).unwrap()
    }

    fn stamp(&self) -> &AtomicU32 {
        &self.arena.record::<ModuleRecord>(arena::REST).unwrap().stamp
    }

    fn newest(&self) -> &Latest<8> {
        self.arena.record(NEWEST).unwrap()
    }

    fn faults(&self) -> &AtomicU32 {
        self.arena.record(FAULTS).unwrap()
    }

    fn ring(&self, offset: usize) -> &Numbers {
        self.arena.record(offset).unwrap()
    }
}

const ENGINES: u64 = 1 << ENGINE.0;

/// A worker's life. It holds nothing that matters.
#[test]
fn a_worker_lives() {
    let Some(told) = told() else { return };
    let (me, names) = told.split_once(' ').unwrap();
    let me: usize = me.parse().unwrap();
    let session = Session::open(names);
    let (control, record) = (&session.workers()[me], session.record(me));
    record.state.store(WARM, Ordering::Release);
    let mut seen = 0;
    loop {
        let now = wait_for_news(&session.doorbell, me, control, seen, Some(2 * LOST));
        if now == seen {
            return; // The host is gone.
        }
        seen = now;
        let Some((_, epoch)) = slot_of(control, session.slots()) else { continue };
        let Some(start) = session.clock().read::<BlockStart>() else { continue };
        if !enter(record, &session.slots()[0], epoch, 0) {
            continue;
        }
        if session.stamp().load(Ordering::Acquire) == start.block {
            ring_again(&session.doorbell, session.stamp(), ENGINES);
        } else {
            compute(&session, start.block);
            stamp(&session, start.block);
        }
        leave(record);
    }
}

/// Publishes; in some blocks with time to die between stamp and ring.
fn stamp(session: &Session, block: u32) {
    if !block.is_multiple_of(4) {
        return publish(&session.doorbell, session.stamp(), block, ENGINES);
    }
    session.stamp().store(block, Ordering::Release);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(100) {
        std::hint::spin_loop();
    }
    session.doorbell.ring(session.stamp(), ENGINES);
}

fn compute(session: &Session, block: u32) {
    // SAFETY: the engine reads the output only once it is stamped, and this
    // worker is the only living one that has the slot.
    let output = unsafe { session.arena.values_mut::<u32>(OUTPUT, FRAMES) }.unwrap();
    // Again and again in some blocks, so that many die at it.
    for _ in 0..=block % 1000 {
        output.fill(block);
        session.newest().write(&[block; 8]);
    }
    // SAFETY: as above.
    let (mut producer, mut consumer) =
        unsafe { (Producer::new(session.ring(RING_OUT)), Consumer::new(session.ring(RING_IN))) };
    let first = producer.pushed();
    producer.push(&std::array::from_fn::<u32, 5, _>(|offset| first.wrapping_add(offset as u32)));
    let (mut values, expected) = ([0; 7], consumer.popped());
    let count = consumer.pop(&mut values);
    if !in_order(&values[..count], expected) {
        session.faults().fetch_add(1, Ordering::Relaxed);
    }
}

fn in_order(values: &[u32], first: u32) -> bool {
    values.iter().enumerate().all(|(offset, &value)| value == first.wrapping_add(offset as u32))
}

/// What the engine finds out.
#[derive(Default)]
struct Found {
    blocks: u32,
    values: usize,
    longest: Duration,
}

/// The engine's life: blocks, one after another, until all kills are done.
fn play(session: &Session, is_over: &AtomicBool) -> Found {
    // SAFETY: there is one engine. The workers are the others.
    let (mut consumer, mut producer) =
        unsafe { (Consumer::new(session.ring(RING_OUT)), Producer::new(session.ring(RING_IN))) };
    let (mut found, mut next) = (Found::default(), 0);
    while !is_over.load(Ordering::Relaxed) {
        let block = found.blocks + 1;
        let first = producer.pushed();
        producer.push(&std::array::from_fn::<u32, 5, _>(|n| first.wrapping_add(n as u32)));
        let (begun, start) = (Instant::now(), BlockStart { block, ..Default::default() });
        let (slots, workers) = (session.slots(), session.workers());
        start_block(&session.doorbell, session.clock(), slots, workers, &start, 1);
        let is_done = wait_for(&session.doorbell, ENGINE, session.stamp(), block, Some(LOST));
        assert!(is_done, "block {block} was never computed");
        found.longest = found.longest.max(begun.elapsed());
        assert!(found.longest < LOST, "block {block} was computed and nobody rang");
        found.blocks = block;

        // SAFETY: it is stamped, and nobody writes it before the next block.
        let output = unsafe { session.arena.values::<u32>(OUTPUT, FRAMES) }.unwrap();
        assert_eq!(output, [block; FRAMES]);
        let value = session.newest().read::<[u32; 8]>();
        assert_eq!(value, Some([block; 8]), "it was whole when it was stamped");
        let mut values = [0; 64];
        let count = consumer.pop(&mut values);
        assert!(in_order(&values[..count], next), "{next}: {:?}", &values[..count]);
        next = next.wrapping_add(count as u32);
        found.values += count;
    }
    found
}

/// Reads the newest value while workers die writing it.
fn watch(session: &Session, is_over: &AtomicBool) -> (u32, u32) {
    let (mut newest, mut reads, mut cut_short) = (0, 0, 0);
    while !is_over.load(Ordering::Relaxed) {
        match session.newest().read::<[u32; 8]>() {
            Some(value) => {
                assert_eq!(value, [value[0]; 8]);
                assert!(value[0] >= newest);
                newest = value[0];
                reads += 1;
            }
            None => cut_short += 1,
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    (reads, cut_short)
}

/// Warm workers that wait for a slot, each with its seat.
struct Pool<'s> {
    session: &'s Session,
    names: String,
    spares: VecDeque<(usize, Peer)>,
    started: usize,
}

impl Pool<'_> {
    fn fill(&mut self) {
        while self.spares.len() < SPARES {
            let seat = self.started % WORKERS;
            self.started += 1;
            self.session.workers()[seat].slot.store(NONE, Ordering::Relaxed);
            self.session.record(seat).state.store(STARTING, Ordering::Relaxed);
            self.session.record(seat).job.store(NONE, Ordering::Relaxed);
            let peer = Peer::start("a_worker_lives", &format!("{seat} {}", self.names));
            self.spares.push_back((seat, peer));
        }
    }

    fn take(&mut self) -> (usize, Peer) {
        self.fill();
        let (seat, peer) = self.spares.pop_front().expect("it was just filled");
        let begun = Instant::now();
        while self.session.record(seat).state.load(Ordering::Acquire) != WARM {
            assert!(begun.elapsed() < LOST, "a worker did not start");
            std::thread::sleep(Duration::from_micros(50));
        }
        (seat, peer)
    }
}

/// At what they were when they were killed.
#[derive(Default)]
struct Deaths {
    in_a_job: usize,
    in_a_write: usize,
    away: usize,
}

/// Kills the worker of the slot at a random instant, and gives the slot to a
/// spare, so many times and once more. The last worker lives. From some the slot
/// is taken first, while they live, and they go on for a while beside their
/// successors.
fn kill_again_and_again(session: &Session, kills: usize) -> (Peer, Deaths) {
    let mut deaths = Deaths::default();
    let mut pool = Pool { session, names: session.names(), spares: VecDeque::new(), started: 0 };
    let hasher = RandomState::new();
    let mut away = VecDeque::new();
    for kill in 0.. {
        let (seat, mut peer) = pool.take();
        give_slot(&session.doorbell, session.slots(), session.workers(), 0, seat);
        if kill == kills {
            return (peer, deaths);
        }
        // Long before another is given their seat.
        while away.front().is_some_and(|(since, _)| since + AWAY_KILLS < kill) {
            drop(away.pop_front());
        }
        pool.fill();
        std::thread::sleep(Duration::from_micros(hasher.hash_one(kill) % 2000));
        // Where it is inside it would wait for its slot when it comes out.
        if kill % 4 == 0 && revoke(&session.slots()[0], session.record(seat)) {
            deaths.away += 1;
            away.push_back((kill, peer));
            continue;
        }
        peer.kill();
        deaths.in_a_write += usize::from(session.newest().read::<[u32; 8]>().is_none());
        deaths.in_a_job += usize::from(session.record(seat).job.load(Ordering::Relaxed) != NONE);
    }
    unreachable!("it counts up to `kills`");
}

/// Says that it is over, even where a thread fails.
struct Over<'s>(&'s AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth a look")]
fn no_block_is_lost_and_no_value_is_torn_however_often_workers_are_killed() {
    let told = std::env::var("SHM_RING_KILLS").ok();
    let kills = told.map_or(KILLS, |kills| kills.parse().expect("SHM_RING_KILLS is a number"));
    let (session, is_over, begun) = (Session::create(), AtomicBool::new(false), Instant::now());
    let (deaths, found, (reads, cut_short)) = std::thread::scope(|scope| {
        let over = Over(&is_over);
        let engine = scope.spawn(|| play(&session, &is_over));
        let watcher = scope.spawn(|| watch(&session, &is_over));
        let (last, deaths) = kill_again_and_again(&session, kills);
        std::thread::sleep(Duration::from_millis(10));
        drop(over);
        let found = engine.join().expect("the engine plays on");
        drop(last);
        (deaths, found, watcher.join().expect("the watcher reads on"))
    });
    assert_eq!(session.faults().load(Ordering::Relaxed), 0, "values came out of order");
    assert!(found.blocks as usize > kills, "the workers hardly lived");
    println!(
        "{kills} kills in {:.1?}, {} of them in a job, {} in a write, {} after the slot was taken: {} blocks, the longest {:.1?}; {} values through the ring; \
         {reads} newest values read, {cut_short} found half-written",
        begun.elapsed(),
        deaths.in_a_job,
        deaths.in_a_write,
        deaths.away,
        found.blocks,
        found.longest,
        found.values,
    );
}
