//! Why the doorbell is not raw_sync's event where that is a POSIX mutex and
//! condition variable: see `docs/decisions/0001-doorbell.md`.
//!
//! `cargo test -p shm-ring --release --test posix_event -- --ignored --nocapture`
//!
//! Two processes play ping-pong. One is killed at random instants and started
//! anew; the other's thread must play on with the new one.

#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code, reason = "raw_sync takes bare pointers")]

mod common;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use common::{Peer, told};
use raw_sync::Timeout;
use raw_sync::events::{Event, EventImpl, EventInit, EventState};
use shm_ring::doorbell::{Doorbell, Listener};
use shm_ring::protocol::{publish, wait_for};
use shm_ring::region::{Access, PAGE, Region};
use shm_ring::sync::{AtomicU32, Ordering};

/// No answer from a living peer in this time, which is a thousand answers long:
/// none will come.
const STUCK: Duration = Duration::from_secs(2);

const KILLS: usize = 3000;

/// One side's way to say something and to hear the other.
trait PingPong {
    /// Hits the ball and waits for it. Whether it came back in a short time.
    fn serve(&mut self) -> bool;
    /// Waits for the ball and hits it, for good.
    fn answer(&mut self);
}

struct PosixEvents {
    ping: Box<dyn EventImpl>,
    pong: Box<dyn EventImpl>,
}

/// Bytes between two events.
const APART: usize = 1024;

impl PosixEvents {
    fn lay(region: &Region, lay: fn(*mut u8) -> Box<dyn EventImpl>) -> PosixEvents {
        let at = |offset| {
            // SAFETY: only raw_sync reads and writes there, under its mutex.
            lay(unsafe { region.values_mut::<u8>(offset, APART) }.unwrap().as_mut_ptr())
        };
        PosixEvents { ping: at(0), pong: at(APART) }
    }

    fn create(region: &Region) -> PosixEvents {
        // SAFETY: the memory is as long as the region lives, and an event fits.
        PosixEvents::lay(region, |memory| unsafe { Event::new(memory, true) }.unwrap().0)
    }

    fn attach(region: &Region) -> PosixEvents {
        // SAFETY: as above.
        PosixEvents::lay(region, |memory| unsafe { Event::from_existing(memory) }.unwrap().0)
    }
}

impl PingPong for PosixEvents {
    fn serve(&mut self) -> bool {
        self.ping.set(EventState::Signaled).is_ok()
            && self.pong.wait(Timeout::Val(Duration::from_millis(20))).is_ok()
    }

    fn answer(&mut self) {
        loop {
            if self.ping.wait(Timeout::Infinite).is_ok() {
                let _ = self.pong.set(EventState::Signaled);
            }
        }
    }
}

struct Doorbells<'r> {
    doorbell: Doorbell,
    ping: &'r AtomicU32,
    pong: &'r AtomicU32,
}

impl Doorbells<'_> {
    fn new(region: &Region) -> Doorbells<'_> {
        let doorbell = Doorbell::create(&mut []).unwrap();
        let word = |offset| region.record::<AtomicU32>(offset).unwrap();
        Doorbells { doorbell, ping: word(0), pong: word(APART) }
    }
}

impl PingPong for Doorbells<'_> {
    fn serve(&mut self) -> bool {
        let ball = self.ping.load(Ordering::Relaxed).wrapping_add(1);
        publish(&self.doorbell, self.ping, ball, 1);
        let short = Some(Duration::from_millis(20));
        wait_for(&self.doorbell, Listener(0), self.pong, ball, short)
    }

    fn answer(&mut self) {
        loop {
            let ball = self.ping.load(Ordering::Acquire);
            if self.pong.load(Ordering::Relaxed) == ball {
                self.doorbell.wait(Listener(0), self.ping, ball, None);
            } else {
                publish(&self.doorbell, self.pong, ball, 1);
            }
        }
    }
}

/// The peer's life.
#[test]
fn a_peer_answers() {
    let Some(told) = told() else { return };
    with_a_side(&told, |side| side.answer());
}

fn with_a_side(told: &str, play: impl FnOnce(&mut dyn PingPong)) {
    let (kind, name) = told.split_once(' ').unwrap();
    let region = Region::open(name).unwrap();
    region.protect(0..region.len(), Access::Write).unwrap();
    match kind {
        "posix" => play(&mut PosixEvents::attach(&region)),
        _ => play(&mut Doorbells::new(&region)),
    }
}

/// After how many kills the survivor's thread was stuck for good. `None`: it
/// never was.
fn kills_until_stuck(kind: &str, kills: usize) -> Option<usize> {
    let region = Region::create(PAGE).unwrap();
    let posix = (kind == "posix").then(|| PosixEvents::create(&region));
    let told = format!("{kind} {}", region.name());
    let (answers, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let survivor = (told.clone(), Arc::clone(&answers), Arc::clone(&is_over));
    // A stuck thread cannot be joined: it is left behind, with a mapping of its
    // own.
    std::thread::spawn(move || survive(survivor.0, &survivor.1, &survivor.2));
    let hasher = RandomState::new();
    let stuck = (0..kills).find(|kill| {
        let mut peer = Peer::start("a_peer_answers", &told);
        let is_stuck = !answers_come(&answers);
        std::thread::sleep(Duration::from_micros(hasher.hash_one(kill) % 2000));
        peer.kill();
        is_stuck
    });
    is_over.store(true, Ordering::Relaxed);
    drop(posix);
    stuck
}

/// The survivor's life.
fn survive(told: String, answers: &AtomicU64, is_over: &AtomicBool) {
    with_a_side(&told, |side| {
        while !is_over.load(Ordering::Relaxed) {
            if side.serve() {
                answers.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
}

fn answers_come(answers: &AtomicU64) -> bool {
    let (before, begun) = (answers.load(Ordering::Relaxed), Instant::now());
    while begun.elapsed() < STUCK {
        if answers.load(Ordering::Relaxed) != before {
            return true;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    false
}

#[test]
#[ignore = "it shows why something is not done; takes a minute"]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn a_posix_event_strands_the_survivor_and_a_doorbell_does_not() {
    let stranded = [(); 5].map(|()| kills_until_stuck("posix", KILLS));
    println!("POSIX event: stuck for good after so many kills: {stranded:?}");
    let doorbell = kills_until_stuck("doorbell", KILLS);
    println!("doorbell: after {KILLS} kills, stuck: {doorbell:?}");
    assert!(stranded.iter().any(Option::is_some));
    assert_eq!(doorbell, None);
}
