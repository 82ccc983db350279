//! What comes over workers by the dozen: newborn ones killed, all stopped again and
//! again, and wild writes over whatever they own. The patch plays on.

#![cfg(unix)]
#![allow(unsafe_code, reason = "memory is written here that is another's")]
#![allow(clippy::print_stdout, reason = "a test tells what it measured")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shm_ring::layout::{SlotRecord, WorkerRecord, arena};
use shm_ring::region::{Access, Region};
use sostenuto_dsp::random::Random;
use sostenuto_host::control::sound::ReportSound;
use sostenuto_host::engine::Frame;
use sostenuto_host::engine::tap::Tap;
use sostenuto_host::player::{Player, Settings};
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_host::pool::{Crew, SPARES};
use sostenuto_host::sound_card::device::Output;
use sostenuto_patch::Patch;
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{RATE_HZ, factory_patches, reference};

/// How long something may take that takes seconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);
const WORKERS: usize = 4;

fn first_sound() -> Patch {
    let mut patches = factory_patches().into_iter();
    patches.find(|(name, _)| name == "first-sound").expect("it is there").1
}

fn play(patch: &Patch) -> Player {
    let settings = Settings {
        sample_rate_hz: RATE_HZ,
        block_frames: 256,
        ahead: 2,
        crashes: None,
        crew: Crew { workers: WORKERS, busy: 2 },
        program: env!("CARGO_BIN_EXE_test-worker").into(),
        output: Output::SilentClock,
        quarantined: Vec::new(),
    };
    Player::start(patch, settings, |_| {}).expect("it plays")
}

/// The blocks that come until it is enough, each with its first frame.
#[track_caller]
fn hear(tap: &mut Tap, is_enough: impl Fn(u64) -> bool) -> Vec<(u64, Vec<Frame>)> {
    let (mut blocks, mut last) = (Vec::new(), Instant::now());
    loop {
        let mut frames = Vec::new();
        if let Some(block) = tap.read(&mut frames) {
            last = Instant::now();
            let end = block.frame + u64::from(block.frames);
            blocks.push((block.frame, frames));
            if is_enough(end) {
                return blocks;
            }
        } else {
            assert!(last.elapsed() < PATIENCE, "no block comes any more");
            std::thread::yield_now();
        }
    }
}

#[test]
fn newborn_workers_that_are_killed_once_each_lose_nothing() {
    let patch = first_sound();
    let player = play(&patch);
    let (pool, mut tap) = (player.pool(), player.tap().expect("nobody else listens"));
    let mut blocks = hear(&mut tap, |end| end > 10_000);
    let mut killed: BTreeSet<u32> = pool.workers().into_iter().map(|(pid, _)| pid).collect();
    killed.iter().for_each(|&pid| signal(pid, Signal::Kill));
    let (all, began) = (2 * killed.len(), Instant::now());
    while killed.len() < all && began.elapsed() < PATIENCE {
        for (pid, _) in pool.workers() {
            if killed.len() < all && killed.insert(pid) {
                signal(pid, Signal::Kill);
            }
        }
        std::thread::yield_now();
    }
    assert!(pool.wait_until_full(PATIENCE), "{:?}", pool.seats());
    let (last, _) = blocks.last().expect("some");
    let enough = last + 3 * u64::from(RATE_HZ);
    blocks.extend(hear(&mut tap, |end| end > enough));
    assert_eq!(tap.lost(), 0);
    let (last, frames) = blocks.last().expect("some");
    let should_be = reference(&patch, *last as usize + frames.len());
    for (frame, is) in &blocks {
        let should_be = &should_be[*frame as usize..][..is.len()];
        assert_eq!(is, should_be, "the block at frame {frame}");
    }
}

#[test]
fn workers_that_are_stopped_again_and_again_do_not_pile_up() {
    let player = play(&first_sound());
    let (pool, wanted) = (player.pool(), WORKERS + SPARES);
    let living = || pool.seats().iter().filter(|seat| **seat != Seat::Empty).count();
    for round in 0..6 {
        let stopped: Vec<u32> = pool.workers().into_iter().map(|(pid, _)| pid).collect();
        stopped.iter().for_each(|&pid| signal(pid, Signal::Stop));
        // This long: it is the case, and nothing waits for it.
        std::thread::sleep(Duration::from_millis(400));
        stopped.iter().for_each(|&pid| signal(pid, Signal::Continue));
        assert!(living() <= 2 * wanted, "round {round}: {:?}", pool.seats());
    }
    let began = Instant::now();
    let is_full = || {
        let is_there = |seat: &&Seat| matches!(seat, Seat::Holds(_) | Seat::Spare);
        living() == wanted && pool.seats().iter().filter(is_there).count() == wanted
    };
    while !is_full() {
        assert!(began.elapsed() < PATIENCE, "{:?}", pool.seats());
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("{wanted} workers again after {:?}", began.elapsed());
}

#[test]
fn wild_writes_over_all_that_workers_own_never_end_the_sound() {
    let writes = std::env::var("SOSTENUTO_WRITES").ok().and_then(|text| text.parse().ok());
    let writes: u32 = writes.unwrap_or(1000);
    let player = play(&first_sound());
    let view = player.view().expect("it plays");
    let region = Region::open(&view.arena).expect("it is there");
    region.protect(0..region.len(), Access::Write).expect("it is this user's");
    let mut tap = player.tap().expect("nobody else listens");
    let mut random = Random::new(7);
    let mut pick = |count: usize| random.bits() as usize % count;
    let mut worst = Duration::ZERO;
    for write in 0..writes {
        let place = match pick(3) {
            0 => arena::worker_record(pick(WORKERS + SPARES)) + pick(size_of::<WorkerRecord>()),
            1 => arena::slot_record(pick(WORKERS)) + pick(size_of::<SlotRecord>()),
            // Its stamp, mostly.
            _ => view.modules[pick(view.modules.len())].memory as usize + pick(64) * (pick(4) / 3),
        } / 4
            * 4;
        let value = [0, 1, u32::MAX, u32::MAX - 1, pick(1 << 30) as u32][pick(5)];
        // SAFETY: the place is in the region; everybody takes what lies there for the
        // word of a stranger.
        let word = unsafe { region.values_mut::<u32>(place, 1) };
        word.expect("it is in the region")[0] = value;
        let began = Instant::now();
        // Until some blocks have come, computed after it.
        let mut blocks = 0;
        while blocks < 3 {
            blocks += usize::from(tap.read(&mut Vec::new()).is_some());
            assert!(
                began.elapsed() < PATIENCE,
                "write {write}: {value:#x} at {place}; {:?}",
                player.pool().seats()
            );
            std::thread::yield_now();
        }
        worst = worst.max(began.elapsed());
    }
    println!("{writes} writes; the longest wait for three blocks was {worst:?}");
    // And afterwards it sounds, and everybody is there.
    assert!(player.pool().wait_until_full(PATIENCE), "{:?}", player.pool().seats());
    let blocks = hear(&mut tap, |_| true);
    let frame = blocks.last().expect("one").0;
    let blocks = hear(&mut tap, |end| end > frame + 3 * u64::from(RATE_HZ));
    let samples = blocks.iter().flat_map(|(_, frames)| frames.as_flattened());
    assert!(samples.fold(0.0f32, |most, sample| most.max(sample.abs())) > 0.01, "silence");
}
