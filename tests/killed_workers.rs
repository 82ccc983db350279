//! A worker that dies leaves no trace in the sound.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sostenuto_dsp::random::Random;
use sostenuto_host::engine::Frame;
use sostenuto_host::pool::ladder::Rung;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_patch::Patch;
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{
    RATE_HZ, assert_same, factory_patches, flying, module, ready, reference, workers,
};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const KILLS: u32 = 25;

#[test]
fn workers_killed_at_random_instants_leave_the_sound_as_it_is() {
    for (index, (name, patch)) in factory_patches().into_iter().enumerate() {
        // Every other one with blocks in flight.
        let begin = if index % 2 == 0 { ready } else { flying };
        let mut render = begin(&patch, 256, workers(4, WORKER));
        let pool = render.pool().expect("it has workers").clone();
        let mut random = Random::new(index as u64);
        let mut is = Vec::new();
        let kills = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while kills.load(Relaxed) < KILLS {
                    let working = pool.workers();
                    let working: Vec<u32> = working
                        .iter()
                        .filter(|(pid, seat)| *pid != 0 && matches!(seat, Seat::Holds(_)))
                        .map(|(pid, _)| *pid)
                        .collect();
                    if let Some(&pid) = working.get(random.bits() as usize % working.len().max(1)) {
                        kill(pid);
                        kills.fetch_add(1, Relaxed);
                    }
                    // The instant is to be random, nothing waits for it.
                    std::thread::sleep(Duration::from_micros(u64::from(random.bits() % 8000)));
                }
            });
            // However fast the blocks are, or late the killer.
            while is.len() < RATE_HZ as usize || kills.load(Relaxed) < KILLS {
                is.extend_from_slice(render.block());
            }
        });
        let should_be = reference(&patch, is.len());
        assert_same(&format!("{name}-killed"), &is, &should_be);
    }
}

#[test]
fn the_pool_is_full_again_after_every_worker_was_killed() {
    let (_, patch) = factory_patches().swap_remove(0);
    let mut render = ready(&patch, 256, workers(8, WORKER));
    let pool = render.pool().expect("it has workers").clone();
    render.frames(1024);
    for (pid, _) in pool.workers() {
        kill(pid);
    }
    // All that it takes to go on is somebody to compute.
    render.frames(1024);
    assert!(pool.wait_until_full(Duration::from_secs(20)));
    assert!(pool.deaths() >= 8);
}

const FAULTS: [&str; 6] = ["crash", "panic", "abort", "exit", "stack-overflow", "wild-write"];

/// A sine through a module that breaks with that chance at every rise of `clock`.
fn sabotaged(fault: &str, clock: &str, chance: f32) -> Patch {
    let modules = [
        module("vco", "vco", ""),
        module("clock", "lfo", r#""rate": 20.0"#),
        module("bad", "saboteur", &format!(r#""fault": "{fault}", "chance": {chance}"#)),
        module("out", "audio-out", ""),
    ];
    let trigger = format!("{clock} -> bad.trigger");
    let cables = ["vco.sine -> bad.in", &trigger, "bad.out -> out.left"];
    sostenuto_tests::patch(&modules.join(","), &cables)
}

/// What is heard of it, the rungs that it came to, and how many workers died.
fn break_down(patch: &Patch, frames: usize, flies: bool) -> (Vec<Frame>, Vec<Rung>, u64) {
    let begin = if flies { flying } else { ready };
    let mut render = begin(patch, 256, workers(2, WORKER));
    let pool = render.pool().expect("it has workers").clone();
    let rungs = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&rungs);
    pool.on_trouble(move |troubles| {
        heard.lock().unwrap().extend(troubles.iter().map(|trouble| trouble.case.rung));
    });
    let is = render.frames(frames);
    let deaths = pool.deaths();
    drop((render, pool));
    let rungs = rungs.lock().unwrap().clone();
    (is, rungs, deaths)
}

#[test]
fn a_module_that_crashes_now_and_then_leaves_the_sound_as_it_is_to_the_bit() {
    // One death a run in the mean: of more than three the module has to rest.
    let frames = RATE_HZ as usize;
    let should_be = reference(&sabotaged("nothing", "vco.square", 0.004), frames);
    for fault in FAULTS {
        let leaves_it = |flies| {
            let patch = sabotaged(fault, "vco.square", 0.004);
            let (is, rungs, deaths) = break_down(&patch, frames, flies);
            let is_once = deaths > 0 && rungs.iter().all(|rung| *rung == Rung::Again);
            if is_once {
                assert_same(&format!("saboteur-{fault}"), &is, &should_be);
            }
            is_once
        };
        for flies in [false, true] {
            let it = || leaves_it(flies);
            assert!((0..60).any(|_| it()), "{fault}: nobody died, or each time too often");
        }
    }
}

#[test]
fn a_module_that_crashes_again_and_again_steps_no_further_than_its_sound_does() {
    let frames = RATE_HZ as usize;
    let should_be = reference(&sabotaged("nothing", "clock.square", 0.5), frames);
    for (index, fault) in FAULTS.into_iter().enumerate() {
        let patch = sabotaged(fault, "clock.square", 0.5);
        let (is, _, deaths) = break_down(&patch, frames, index % 2 == 0);
        // Until it is left to rest, and then its input is passed by.
        assert!(deaths >= 3, "{fault}: only {deaths} deaths");
        // Where it began afresh, its output goes on from where it was, which is
        // one step of the sine away.
        let step = 0.5 * std::f32::consts::TAU * 261.63 / RATE_HZ as f32;
        let most = is.iter().zip(&should_be).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f32::max);
        assert!(most <= 1.5 * step, "{fault}: {most}");
    }
}

fn kill(pid: u32) {
    signal(pid, Signal::Kill);
}
