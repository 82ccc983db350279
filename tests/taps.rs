//! Every press is heard, whatever the block, the rate, and whoever computes it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::TRIGGER_SECS;
use sostenuto_host::plan::Key;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_host::render::{ComputedBy, Render, Settings};
use sostenuto_modules::catalog::{CATALOG, Entry};
use sostenuto_modules::module::{About, Event, Role};
use sostenuto_patch::{Patch, is_played};
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{assert_same, module, patch, ready, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// Presses in one go, as many as a musician makes in one block.
const TAPS: usize = 20;

/// What a hand does to the module `m`.
#[derive(Clone, Copy, Debug)]
enum Touch {
    Switch(usize, f32),
    Event(Event),
}

fn key(kind: &str) -> Key {
    ("m".parse().expect("a name"), kind.into())
}

fn touch(render: &mut Render, kind: &str, touches: &[Touch]) {
    for touch in touches {
        let is_there = match *touch {
            Touch::Switch(param, value) => render.conductor().set_param(&key(kind), param, value),
            Touch::Event(event) => render.conductor().event(&key(kind), event),
        };
        assert!(is_there, "{kind}: {touch:?}");
    }
}

fn on(key: u32) -> Touch {
    Touch::Event(Event::NoteOn { key, voct: (key as f32 - 60.0) / 12.0, velocity: 1.0 })
}

fn off(key: u32) -> Touch {
    Touch::Event(Event::NoteOff { key })
}

fn value(index: u32, volts: f32) -> Touch {
    Touch::Event(Event::Value { index, volts })
}

/// All that can be pressed at a module, each twice in a row.
fn touches(about: &About) -> Vec<Touch> {
    let mut all = Vec::new();
    for (index, param) in about.params.iter().enumerate().filter(|(_, param)| param.is_switch()) {
        let (is, other) = (param.default, 1.0 - param.default);
        all.extend([other, is, other, is].map(|value| Touch::Switch(index, value)));
    }
    if is_played(about) {
        all.extend([on(60), on(67), off(60), off(67), on(60), off(60)]);
    }
    if about.role == Some(Role::OscIn) {
        all.extend([(0, 10.0), (1, 2.5), (0, 0.0), (0, 10.0), (1, 5.0)].map(|(n, v)| value(n, v)));
    }
    all
}

/// The module, with a tone in its first input and a pulse in the others, and its
/// first two outputs.
fn at_work(entry: &Entry) -> Patch {
    let about = entry.about;
    let modules = [
        module("m", about.name, ""),
        module("vco", "vco", ""),
        module("lfo", "lfo", r#""rate": 20.0"#),
        module("out", "audio-out", r#""level": -24.0"#),
    ];
    let inputs = about.inputs.iter().enumerate().map(|(index, port)| {
        let from = if index == 0 { "vco.saw" } else { "lfo.square" };
        format!("{from} -> m.{}", port.name)
    });
    let outputs = about.outputs.iter().zip(["left", "right"]);
    let outputs = outputs.map(|(port, to)| format!("m.{} -> out.{to}", port.name));
    let cables: Vec<String> = inputs.chain(outputs).collect();
    let cables: Vec<&str> = cables.iter().map(String::as_str).collect();
    patch(&modules.join(", "), &cables)
}

#[test]
fn any_block_hears_the_same_presses_at_every_module_that_can_be_pressed() {
    const PAUSE_FRAMES: usize = 4096;
    let mut tried = 0;
    for entry in CATALOG.iter().filter(|entry| entry.about.name != "audio-out") {
        let touches = touches(entry.about);
        if touches.is_empty() || entry.about.outputs.is_empty() {
            continue;
        }
        let (name, patch) = (entry.about.name, at_work(entry));
        let renders = [32, 256, 2048].map(|block| {
            let mut render = ready(&patch, block, ComputedBy::InProcess);
            let mut frames = render.frames(PAUSE_FRAMES);
            for _ in 0..2 {
                touch(&mut render, name, &touches);
                frames.extend(render.frames(PAUSE_FRAMES));
            }
            frames
        });
        assert_same(&format!("taps-{name}-256"), &renders[1], &renders[0]);
        assert_same(&format!("taps-{name}-2048"), &renders[2], &renders[0]);
        tried += 1;
    }
    assert!(tried > 15, "only {tried} modules have switches");
}

/// Every gate that a hand has: the kind, its output, and what turns it on and
/// off.
fn gates() -> Vec<(&'static str, String, [Touch; 2])> {
    let mut gates = Vec::new();
    for about in CATALOG.iter().map(|entry| entry.about) {
        for (index, param) in about.params.iter().enumerate().filter(|(_, param)| param.is_held) {
            let number = param.name.strip_prefix("button-").map(|number| format!("-{number}"));
            let output = format!("gate{}", number.unwrap_or_default());
            let press = [Touch::Switch(index, 1.0), Touch::Switch(index, 0.0)];
            gates.push((about.name, output, press));
        }
        // What is struck, such as a drum, has triggers and no gate.
        let gate = ["gate", "gate-1"].into_iter().find(|name| about.output(name).is_some());
        if let Some(output) = gate.filter(|_| is_played(about)) {
            gates.push((about.name, output.to_owned(), [on(60), off(60)]));
        }
        if about.role == Some(Role::OscIn) {
            gates.push((about.name, "value-3".to_owned(), [value(2, 10.0), value(2, 0.0)]));
            gates.push((about.name, "value-3".to_owned(), [value(2, 1.0), value(2, 0.0)]));
        }
    }
    assert!(gates.len() >= 8 + 2 + 2 + 2, "{gates:?}");
    gates
}

#[test]
fn every_press_is_a_gate_of_a_millisecond_at_any_block_and_rate() {
    for (kind, output, press) in gates() {
        let params = if kind == "osc-in" { r#""smoothing": 0.0"# } else { "" };
        let modules =
            [module("m", kind, params), module("out", "audio-out", r#""dc-block": "off""#)];
        let patch = patch(&modules.join(", "), &[&format!("m.{output} -> out.left")]);
        for (sample_rate_hz, block_frames) in
            [(44_100, 32), (48_000, 64), (48_000, 256), (96_000, 2048), (44_100, 2048)]
        {
            let settings =
                Settings { sample_rate_hz, block_frames, computed_by: ComputedBy::InProcess };
            let mut render = Render::new(&patch, &settings).expect("it fits");
            render.frames(block_frames as usize * 4);
            touch(&mut render, kind, &press.repeat(TAPS));
            let frames = render.frames(sample_rate_hz as usize / 5);
            let is_on: Vec<bool> = frames.iter().map(|frame| frame[0] > 0.05).collect();
            let stretches: Vec<&[bool]> = is_on.chunk_by(|a, b| a == b).collect();
            let what = format!("{kind}.{output} at {sample_rate_hz} Hz, {block_frames} frames");
            let pressed = stretches.iter().filter(|stretch| stretch[0]).count();
            assert_eq!(pressed, TAPS, "{what}");
            let between = &stretches[1..stretches.len() - 1];
            let shortest = between.iter().map(|stretch| stretch.len()).min().expect("some");
            let least = (TRIGGER_SECS * sample_rate_hz as f32) as usize;
            assert!(shortest >= least, "{what}: {shortest} frames");
        }
    }
}

#[test]
fn workers_that_are_killed_hear_every_press() {
    let modules = [
        module("m", "buttons", ""),
        module("gain", "attenuverter", r#""gain": 0.5"#),
        module("out", "audio-out", r#""dc-block": "off""#),
    ];
    let cables = ["m.gate-1 -> gain.in", "gain.out -> out.left", "m.trigger-2 -> out.right"];
    let patch = patch(&modules.join(", "), &cables);
    let presses: Vec<Touch> = (0..2)
        .flat_map(|button| [1.0, 0.0].map(|value| Touch::Switch(button, value)).repeat(3))
        .collect();
    const ROUNDS: usize = 200;
    const BLOCK: u32 = 512;
    let play = |computed_by: ComputedBy| {
        let mut render = ready(&patch, BLOCK, computed_by);
        let is_over = AtomicBool::new(false);
        let pool = render.pool().cloned();
        std::thread::scope(|scope| {
            if let Some(pool) = pool.clone() {
                let is_over = &is_over;
                scope.spawn(move || {
                    let mut random = Random::new(3);
                    while !is_over.load(Relaxed) {
                        for (pid, seat) in pool.workers() {
                            if pid != 0 && matches!(seat, Seat::Holds(_)) {
                                signal(pid, Signal::Kill);
                            }
                        }
                        // The instant is to be random, nothing waits for it.
                        let micros = u64::from(random.bits() % 20_000);
                        std::thread::sleep(Duration::from_micros(micros));
                    }
                });
            }
            let mut frames = Vec::new();
            for _ in 0..ROUNDS {
                touch(&mut render, "buttons", &presses);
                frames.extend(render.frames(2 * BLOCK as usize));
            }
            is_over.store(true, Relaxed);
            (frames, pool.map_or(0, |pool| pool.deaths()))
        })
    };
    let (should_be, _) = play(ComputedBy::InProcess);
    let (is, deaths) = play(workers(2, WORKER));
    assert!(deaths > 0, "nobody died");
    assert_same("taps-killed", &is, &should_be);
}
