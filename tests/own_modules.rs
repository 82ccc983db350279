//! Modules of a musician's own: the same samples whoever computes them, whatever dies; and
//! whatever they do, only they are heard of it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use sostenuto_dsp::random::Random;
use sostenuto_host::engine::Frame;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_patch::{Edit, Patch, apply};
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{RATE_HZ, assert_same, module, patch, ready, reference, workers};
use sostenuto_wasm::text::text;

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const KILLS: u32 = 60;

/// A module that was compiled for version 1 of the contract: it plays for ever.
fn corpus(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dsp-worker/wasm/tests/corpus");
    let wasm = fs::read(folder.join(format!("{name}.wasm"))).expect("it is in the corpus");
    text(&wasm).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Half of it are modules of one's own: two voices of a saw through two wobbles, one of
/// them in a loop.
fn half_own() -> Patch {
    let modules = [
        module("pitch", "lfo", r#""rate": 3.0"#),
        module("merge", "merge", ""),
        module("saw", "code", ""),
        module("first", "code", ""),
        module("second", "code", ""),
        module("back", "attenuverter", r#""gain": 0.4"#),
        module("out", "audio-out", ""),
    ];
    let mut patch =
        patch(&modules.join(","), &["pitch.sine -> merge.in-1", "pitch.square -> merge.in-2"]);
    let text = |module: &str, name: &str| Edit::SetText {
        module: module.parse().unwrap(),
        text: corpus(name).into(),
    };
    let cable = |cable: &str| Edit::Connect(cable.parse().unwrap());
    let edits = [
        text("saw", "saw-ladder-1"),
        text("first", "wobble-1"),
        text("second", "wobble-1"),
        Edit::SetParam { module: "saw".parse().unwrap(), param: "cutoff".into(), value: 2000.0 },
        cable("merge.out -> saw.voct"),
        cable("saw.out -> first.in"),
        cable("first.out -> second.in"),
        cable("second.out -> back.in"),
        cable("back.out -> second.in"),
        cable("first.out -> out.left"),
        cable("second.out -> out.right"),
    ];
    for edit in edits {
        apply(&mut patch, edit.clone()).unwrap_or_else(|problem| panic!("{edit:?}: {problem}"));
    }
    patch
}

/// Modules are compiled by the program of these tests.
fn with_compiler() {
    // SAFETY: nextest and this file's tests set it to the same before anything reads it.
    #[expect(unsafe_code, reason = "the tests' own program is to compile")]
    unsafe {
        std::env::set_var("SOSTENUTO_COMPILER", env!("CARGO_BIN_EXE_test-sostenuto"));
    }
}

#[test]
fn half_a_patch_of_own_modules_is_the_same_with_any_workers_and_any_block() {
    with_compiler();
    let patch = half_own();
    let frames = RATE_HZ as usize;
    let should_be = reference(&patch, frames);
    let peak = should_be.as_flattened().iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.05..1.0).contains(&peak), "it sounds: {peak}");
    for (count, block) in [(1, 256), (2, 64), (4, 1024)] {
        let is = ready(&patch, block, workers(count, WORKER)).frames(frames);
        assert_same(&format!("own-{count}-workers-{block}-frames"), &is, &should_be);
    }
}

#[test]
fn workers_killed_at_random_instants_leave_own_modules_as_they_are() {
    with_compiler();
    let patch = half_own();
    let mut render = ready(&patch, 256, workers(4, WORKER));
    let pool = render.pool().expect("it has workers").clone();
    let mut random = Random::new(17);
    let (mut is, kills) = (Vec::new(), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while kills.load(Relaxed) < KILLS {
                let working = pool.workers().into_iter();
                let working: Vec<u32> = working
                    .filter(|(pid, seat)| *pid != 0 && matches!(seat, Seat::Holds(_)))
                    .map(|(pid, _)| pid)
                    .collect();
                if let Some(&pid) = working.get(random.bits() as usize % working.len().max(1)) {
                    signal(pid, Signal::Kill);
                    kills.fetch_add(1, Relaxed);
                }
                // The instant is to be random, nothing waits for it.
                std::thread::sleep(Duration::from_micros(u64::from(random.bits() % 8000)));
            }
        });
        while is.len() < RATE_HZ as usize || kills.load(Relaxed) < KILLS {
            is.extend_from_slice(render.block());
        }
    });
    assert_same("own-killed", &is, &reference(&patch, is.len()));
}

/// Plays until the plan that was led to plays alone, and keeps what was heard.
fn follow(render: &mut Render, patch: &Patch, heard: &mut Vec<Frame>) {
    render.conductor().lead(patch).expect("it fits");
    loop {
        while !render.conductor().is_taken_up() {
            heard.extend_from_slice(render.block());
        }
        render.conductor().settle();
        if !render.conductor().is_passing() {
            return;
        }
        render.conductor().arrive().expect("it fits");
    }
}

/// A low sine, as loud as that, which remembers where it stands.
fn sine(volts: f32) -> Edit {
    let text = format!(
        "sostenuto 1\ntitle Sine\noutput out\nprogram\nstate phase\n\
         phase = (phase + 65.406 / sample_rate) % 1\nout = {volts:.3} * sine(phase)\n"
    );
    Edit::SetText { module: "own".parse().unwrap(), text: text.into() }
}

#[test]
fn a_hundred_new_codes_in_a_row_do_not_click_whoever_computes_them() {
    with_compiler();
    let modules = [module("own", "code", ""), module("out", "audio-out", r#""dc-block": 0"#)];
    let mut first = patch(&modules.join(","), &[]);
    apply(&mut first, sine(5.0)).unwrap();
    apply(&mut first, Edit::Connect("own.out -> out.left".parse().unwrap())).unwrap();
    let reload = |computed_by| {
        let (mut render, mut patch) = (ready(&first, 64, computed_by), first.clone());
        let mut heard = render.frames(4800);
        for turn in 1..=100 {
            apply(&mut patch, sine(5.0 - 0.5 * (turn % 2) as f32 - 0.001 * turn as f32)).unwrap();
            follow(&mut render, &patch, &mut heard);
            heard.extend(render.frames(640));
        }
        heard
    };
    let alone = reload(ComputedBy::InProcess);
    let steps = alone.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs());
    let step = steps.fold(0f32, f32::max);
    // What a sine of half the full scale may do that comes or goes in 5 ms.
    let bound = 0.5 * (std::f32::consts::TAU * 65.406 / RATE_HZ as f32 + 1.0 / 240.0) * 1.01;
    assert!(step <= bound, "a step of {step}, not {bound}");
    let peak = alone.iter().fold(0f32, |peak, frame| peak.max(frame[0].abs()));
    assert!((0.45..=0.51).contains(&peak), "it sounds all the time: {peak}");
    let by_workers = reload(workers(2, WORKER));
    assert_eq!(by_workers.len(), alone.len());
    assert_same("own-reloaded", &by_workers, &alone);
}
