//! Scenes that a voltage recalls, and automation that a clock plays: heard from the next block on, without a click, and the same
//! whoever computes them, whatever dies.

use std::f32::consts::TAU;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sostenuto_dsp::random::Random;
use sostenuto_host::engine::Frame;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_patch::{Edit, ModuleId, Patch, PatchModule, apply};
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{
    RATE_HZ, assert_same, factory_patches, module, patch, ready, reference, workers,
};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const KILLS: u32 = 40;

/// Ends the program where memory is asked for while it must not be.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

fn do_all(patch: &mut Patch, edits: impl IntoIterator<Item = Edit>) {
    for edit in edits {
        apply(patch, edit.clone()).unwrap_or_else(|problem| panic!("{edit:?}: {problem}"));
    }
}

fn id(name: &str) -> ModuleId {
    name.parse().unwrap()
}

fn set(module: &str, param: &str, value: f32) -> Edit {
    Edit::SetParam { module: id(module), param: param.into(), value }
}

fn cable(text: &str) -> Edit {
    Edit::Connect(text.parse().unwrap())
}

/// The patch with four scenes in which a third of its knobs are turned a little, recalled
/// by a fast clock, and morphed by an LFO.
fn with_scenes(mut patch: Patch, seed: u64) -> Patch {
    let mut random = Random::new(seed);
    let ids: Vec<ModuleId> = patch.modules.keys().cloned().collect();
    for number in 1..=4 {
        let kept = patch.kept_scene(number, "", &ids);
        do_all(&mut patch, [kept]);
        for id in &ids {
            let module = &patch.modules[id];
            let about = module.about().unwrap();
            let mut values = module.scenes.get(&number).cloned().unwrap_or_default();
            for param in about.params.iter().filter(|param| !param.is_held) {
                if random.unipolar() < 0.3 {
                    let turn = 0.3 * (random.unipolar() - 0.5);
                    let place = param.position(module.param(param.name).unwrap());
                    values.insert(param.name.into(), param.at((place + turn).clamp(0.0, 1.0)));
                }
            }
            let (module, values) = (id.clone(), Some(values));
            do_all(&mut patch, [Edit::KeepInScene { module, number, values }]);
        }
    }
    let add = |name: &str, kind: &str| {
        let module = PatchModule::new(kind, 0.0, 0.0);
        Edit::AddModule { id: id(name), module }
    };
    do_all(
        &mut patch,
        [
            add("scene-clock", "lfo"),
            add("scene-morph", "lfo"),
            add("scene-leader", "scenes"),
            set("scene-clock", "rate", 7.0),
            set("scene-morph", "rate", 1.7),
            set("scene-leader", "glide", 0.02),
            cable("scene-clock.square -> scene-leader.next"),
            cable("scene-morph.triangle -> scene-leader.morph"),
        ],
    );
    patch
}

#[test]
fn any_factory_patch_led_by_scenes_is_the_same_with_workers_that_are_killed() {
    for (seed, (name, patch)) in factory_patches().into_iter().enumerate() {
        let patch = with_scenes(patch, seed as u64);
        let mut render = ready(&patch, 256, workers(2, WORKER));
        let pool = render.pool().expect("it has workers").clone();
        let mut random = Random::new(seed as u64 + 1);
        let (mut is, kills) = (Vec::new(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while kills.load(Relaxed) < KILLS / 10 {
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
            while is.len() < RATE_HZ as usize || kills.load(Relaxed) < KILLS / 10 {
                is.extend_from_slice(render.block());
            }
        });
        assert_same(&format!("scenes-{name}"), &is, &reference(&patch, is.len()));
    }
}

#[test]
fn a_block_that_follows_scenes_allocates_nothing() {
    let (_, patch) = factory_patches().swap_remove(3);
    let mut render = ready(&with_scenes(patch.clone(), 5), 256, ComputedBy::InProcess);
    for round in 0..300 {
        if round == 100 {
            render.conductor().lead(&with_scenes(patch.clone(), 6)).expect("it fits");
        }
        assert_no_alloc(|| drop_slice(render.block()));
    }
}

fn drop_slice(_: &[Frame]) {}

/// A sine through a VCA, in two scenes: as loud as that.
fn two_levels(levels: [f32; 2], params: &str, more: &[String], cables: &[&str]) -> Patch {
    let vco = module("vco", "vco", r#""fine": 0"#);
    let out = module("out", "audio-out", r#""dc-block": 0"#);
    let mut modules = vec![vco, module("vca", "vca", ""), out, module("scenes", "scenes", params)];
    modules.extend_from_slice(more);
    let mut all = vec!["vco.sine -> vca.in", "vca.out -> out.left"];
    all.extend_from_slice(cables);
    let mut patch = patch(&modules.join(","), &all);
    for (number, level) in (1..).zip(levels) {
        let values = Some([("level".into(), level)].into());
        let edits = [
            Edit::SetScene { number, title: Some(String::new()) },
            Edit::KeepInScene { module: id("vca"), number, values },
        ];
        do_all(&mut patch, edits);
    }
    patch
}

/// A knob goes up and down a beat at a time, by a clock of 120 beats a minute.
#[test]
fn lanes_are_played_by_the_clock_and_end_where_the_hand_left_the_knob() {
    let clock = module("clock", "clock", r#""bpm": 120.0"#);
    let modules = [
        clock,
        module("vco", "vco", r#""fine": 0"#),
        module("vca", "vca", r#""level": 0.5"#),
        module("out", "audio-out", r#""dc-block": 0"#),
        module("play", "automation", r#""length": 2"#),
    ];
    let cables = ["vco.sine -> vca.in", "vca.out -> out.left", "clock.sixteenth -> play.clock"];
    let mut patch = patch(&modules.join(","), &cables);
    let text = "vca.level 0 0.1 1 0.9 2 0.1\n".into();
    do_all(&mut patch, [Edit::SetText { module: id("play"), text }]);
    for (block, computed_by) in [(64, ComputedBy::InProcess), (512, workers(2, WORKER))] {
        let mut render = ready(&patch, block, computed_by);
        let heard = render.frames(4 * RATE_HZ as usize);
        // A quarter of a beat.
        let parts: Vec<f32> = heard[RATE_HZ as usize..].chunks(6000).map(loudness).collect();
        for pass in parts.chunks(8) {
            let loudest = (0..pass.len()).max_by(|a, b| pass[*a].total_cmp(&pass[*b]));
            assert!(matches!(loudest, Some(3 | 4)), "{block}: {pass:?}");
            assert!(pass[0] < 0.4 * pass[3] && pass[7] < 0.4 * pass[4], "{block}: {pass:?}");
        }
        let play = (id("play"), "automation".into());
        render.conductor().set_param(&play, 0, 0.0);
        render.frames(9600);
        let after = loudness(&render.frames(9600));
        let mut still = patch.clone();
        do_all(&mut still, [Edit::RemoveModule { id: id("play") }]);
        let should_be = loudness(&reference(&still, 19_200)[9600..]);
        assert!((after / should_be - 1.0).abs() < 0.02, "{block}: {after}, {should_be}");
    }
}

fn loudness(frames: &[Frame]) -> f32 {
    let squares: f32 = frames.iter().map(|frame| frame[0] * frame[0]).sum();
    (2.0 * squares / frames.len() as f32).sqrt()
}

#[test]
fn a_scene_is_heard_from_the_next_block_on_and_sounds_as_its_knobs_do() {
    for block in [32, 64, 256, 1024] {
        let clock = module("clock", "lfo", r#""rate": 1.0"#);
        let patch =
            two_levels([0.25, 1.0], r#""last": 2"#, &[clock], &["clock.square -> scenes.next"]);
        let heard = ready(&patch, block, ComputedBy::InProcess).frames(4 * RATE_HZ as usize);
        let is_loud = |part: &[Frame]| loudness(part) > 0.3;
        let parts: Vec<bool> = heard.chunks(RATE_HZ as usize / 100).map(is_loud).collect();
        let changes = parts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((3..=4).contains(&changes), "{block}: {changes} changes");
        for (is_loud, level) in [(false, 0.25), (true, 1.0)] {
            let mut knob = patch.clone();
            do_all(
                &mut knob,
                [Edit::RemoveModule { id: id("scenes") }, set("vca", "level", level)],
            );
            let steady = ready(&knob, block, ComputedBy::InProcess).frames(RATE_HZ as usize);
            let should_be = loudness(&steady[9600..]);
            let alike = heard.chunks(RATE_HZ as usize / 100).zip(&parts).skip(20);
            let mut alike: Vec<f32> =
                alike.filter(|(_, it)| **it == is_loud).map(|(part, _)| loudness(part)).collect();
            alike.sort_by(f32::total_cmp);
            let middle = alike[alike.len() / 2];
            assert!((middle / should_be - 1.0).abs() < 0.03, "{block}: {middle}, {should_be}");
        }
    }
}

/// What of a wave is neither a sine nor close beside it, in dB below it.
fn dirt_db(heard: &[Frame], hz: f64) -> f64 {
    let samples: Vec<f64> = heard.iter().map(|frame| f64::from(frame[0])).collect();
    let count = samples.len() as f64;
    let windowed = |n: usize| {
        let turn = std::f64::consts::TAU * n as f64 / count;
        0.35875 - 0.48829 * turn.cos() + 0.14128 * (2.0 * turn).cos() - 0.01168 * (3.0 * turn).cos()
    };
    let part = |at: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let turn = std::f64::consts::TAU * (at * n as f64 / f64::from(RATE_HZ)).fract();
            re += sample * windowed(n) * turn.cos();
            im += sample * windowed(n) * turn.sin();
        }
        re.hypot(im)
    };
    let loudest = part(hz);
    // Steps at every block would be heard at multiples of its rate beside the sine.
    let far = (1..=20).map(|n| part(hz + f64::from(n) * 93.75)).fold(0.0, f64::max);
    20.0 * (far / loudest).log10()
}

#[test]
fn a_morph_moves_without_steps() {
    let lfo = module("lfo", "lfo", r#""rate": 0.5"#);
    let cables = ["lfo.sine -> scenes.morph"];
    let params = r#""last": 2, "morph": 0.5"#;
    let patch = two_levels([0.2, 0.8], params, &[lfo], &cables);
    let heard = ready(&patch, 512, ComputedBy::InProcess).frames(2 * RATE_HZ as usize);
    let dirt = dirt_db(&heard[RATE_HZ as usize..], 261.625_58);
    assert!(dirt < -60.0, "{dirt:.1} dB");
    let peak = heard.iter().fold(0f32, |peak, frame| peak.max(frame[0].abs()));
    let step = heard.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0f32, f32::max);
    let bound = peak * TAU * 261.63 / RATE_HZ as f32;
    assert!(step < 1.1 * bound, "a step of {step}, not {bound}");
}

#[test]
fn a_hand_has_a_knob_until_the_next_scene_and_a_plan_between_changes_nothing() {
    let button = module("button", "buttons", "");
    let cables = ["button.gate-1 -> scenes.next"];
    let mut patch = two_levels([0.25, 1.0], r#""last": 2"#, &[button], &cables);
    let mut render = ready(&patch, 64, ComputedBy::InProcess);
    let level = |render: &mut Render| {
        let heard = render.frames(9600);
        loudness(&heard[4800..])
    };
    let press = |render: &mut Render| {
        let key = (id("button"), "buttons".into());
        for value in [1.0, 0.0] {
            render.conductor().set_param(&key, 0, value);
            render.frames(640);
        }
    };
    let quiet = level(&mut render);
    press(&mut render);
    press(&mut render);
    let loud = level(&mut render);
    assert!(loud > 3.0 * quiet, "{quiet} {loud}");
    let about = patch.modules[&id("vca")].about().unwrap();
    let key = (id("vca"), "vca".into());
    render.conductor().set_param(&key, about.param("level").unwrap(), 0.5);
    do_all(&mut patch, [set("vca", "level", 0.5)]);
    let by_hand = level(&mut render);
    assert!(by_hand < 0.9 * loud && by_hand > 1.1 * quiet, "{quiet} {by_hand} {loud}");
    // Another module, and so another plan.
    let module = PatchModule::new("mult", 0.0, 0.0);
    do_all(&mut patch, [Edit::AddModule { id: id("more"), module }]);
    render.conductor().lead(&patch).expect("it fits");
    let after = level(&mut render);
    assert!((after / by_hand - 1.0).abs() < 0.01, "{by_hand} {after}");
    press(&mut render);
    assert!((level(&mut render) / quiet - 1.0).abs() < 0.01);
}
