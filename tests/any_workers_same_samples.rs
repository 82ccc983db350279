//! The plan, the workers and the block size cannot be heard.

use std::num::NonZero;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use sostenuto_host::render::ComputedBy;
use sostenuto_patch::Patch;
use sostenuto_tests::{RATE_HZ, assert_same, factory_patches, flying, ready, reference, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

#[test]
fn every_factory_patch_is_the_same_with_any_number_of_workers_and_any_block_size() {
    let patches = factory_patches();
    let next = AtomicUsize::new(0);
    let check_all = || {
        while let Some((name, patch)) = patches.get(next.fetch_add(1, Relaxed)) {
            check(name, patch);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(check_all))));
}

fn check(name: &str, patch: &Patch) {
    let frames = 4 * RATE_HZ as usize;
    let should_be = reference(patch, frames);
    for (count, block) in [(2, 256), (4, 64)] {
        let is = ready(patch, block, workers(count, WORKER)).frames(frames);
        assert_same(&format!("{name}-{count}-workers-{block}-frames"), &is, &should_be);
    }
    for (count, block) in [(1, 256), (2, 64), (4, 1024), (8, 256)] {
        let is = flying(patch, block, workers(count, WORKER)).frames(frames);
        assert_same(&format!("{name}-{count}-workers-{block}-frames-in-flight"), &is, &should_be);
    }
    for block in [32, 64, 1024, 2048] {
        let is = ready(patch, block, ComputedBy::InProcess).frames(frames);
        assert_same(&format!("{name}-{block}-frames"), &is, &should_be);
    }
}

#[test]
fn every_factory_patch_is_sound_and_not_noise() {
    for (name, patch) in factory_patches() {
        let frames = reference(&patch, 8 * RATE_HZ as usize);
        let peak = frames.as_flattened().iter().fold(0f32, |peak, s| peak.max(s.abs()));
        assert!(frames.as_flattened().iter().all(|sample| sample.is_finite()), "{name}");
        // What must be played by hand is silent until it is.
        let is_played = patch.modules.values().any(|module| &*module.kind == "keyboard");
        assert!(is_played || peak > 0.02, "{name} is silent: {peak}");
        assert!(peak < 1.0, "{name} is too loud: {peak}");
    }
}
