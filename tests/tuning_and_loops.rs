//! What a cable carries: exact pitch, one sample through a loop, 16 voices.

use sostenuto_host::render::ComputedBy;
use sostenuto_patch::file;
use sostenuto_tests::{RATE_HZ, assert_same, module, patch, ready, reference, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// The frequency of a sine, from its phase at the ends of a stretch: the mean
/// over many cycles, by the rises through zero between two frames.
fn frequency_hz(samples: &[f32]) -> f64 {
    let rises: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(frame, pair)| frame as f64 + f64::from(-pair[0] / (pair[1] - pair[0])))
        .collect();
    let cycles = (rises.len() - 1) as f64;
    f64::from(RATE_HZ) * cycles / (rises[rises.len() - 1] - rises[0])
}

#[test]
fn two_volts_are_two_octaves_above_c4_within_a_tenth_of_a_cent() {
    let modules = [
        module("volts", "attenuverter", r#""offset": 2"#),
        module("vco", "vco", ""),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    let patch = patch(&modules.join(","), &["volts.out -> vco.voct", "vco.sine -> out.left"]);
    let out = ready(&patch, 256, workers(2, WORKER)).frames(4 * RATE_HZ as usize);
    let left: Vec<f32> = out.iter().map(|frame| frame[0]).collect();
    let cents = 1200.0 * (frequency_hz(&left[4800..]) / (4.0 * 261.6256)).log2();
    assert!(cents.abs() < 0.1, "{cents} cents off");
}

#[test]
fn a_loop_costs_exactly_one_sample_however_many_cables_it_has() {
    // Each attenuverter passes 1 mV more than it hears, so the loop counts its
    // own rounds: with three of them 3 mV a sample.
    for cables in 1..=4usize {
        let names: Vec<String> = (0..cables).map(|n| format!("add-{n}")).collect();
        let mut modules: Vec<String> = names
            .iter()
            .map(|name| module(name, "attenuverter", r#""gain": 1, "offset": 0.001"#))
            .collect();
        modules.push(module("out", "audio-out", r#""dc-block": 0"#));
        let mut wires: Vec<String> = (0..cables)
            .map(|n| format!("{}.out -> {}.in", names[n], names[(n + 1) % cables]))
            .collect();
        wires.push("add-0.out -> out.left".to_owned());
        let wires: Vec<&str> = wires.iter().map(String::as_str).collect();
        let patch = patch(&modules.join(","), &wires);
        let out = reference(&patch, 500);
        for (frame, out) in out.iter().enumerate() {
            let volts = 0.001 * (frame * cables + 1) as f32;
            assert!(
                (out[0] * 10.0 - volts).abs() < 1e-4,
                "{cables} cables, frame {frame}: {out:?}"
            );
        }
    }
}

#[test]
fn in_a_file_from_before_delays_every_cable_of_a_loop_costs_a_sample() {
    let names = ["add-0", "add-1", "add-2"];
    let add = |name: &&str| module(name, "attenuverter", r#""offset": 0.001"#);
    let mut modules: Vec<String> = names.iter().map(add).collect();
    modules.push(module("out", "audio-out", r#""dc-block": 0"#));
    let cables = r#""add-0.out -> add-1.in", "add-0.out -> out.left", "add-1.out -> add-2.in",
        "add-2.out -> add-0.in""#;
    let text =
        format!(r#"{{"sostenuto": 1, "modules": [{}], "cables": [{cables}]}}"#, modules.join(","));
    let patch = file::read(text.as_bytes()).expect("a patch");
    let again = file::read(file::write(&patch).as_bytes()).expect("what was written");
    for patch in [patch, again] {
        for (frame, out) in reference(&patch, 2000).iter().enumerate() {
            // Every sample, every module hears its neighbour of the sample
            // before and adds its own millivolt.
            let volts = 0.001 * (frame + 1) as f32;
            assert!((out[0] * 10.0 - volts).abs() < 1e-4, "frame {frame}: {out:?}");
        }
    }
}

/// A sequencer whose steps go through a quantizer into what catches them at the
/// sequencer's own trigger.
fn caught(catcher: &str, ports: [&str; 3], params: &str) -> (String, Vec<String>) {
    let steps = r#""step-1": 0.0, "step-2": 0.5, "step-3": -0.25, "step-4": 1.0"#;
    let modules = [
        module("clock", "clock", r#""bpm": 240"#),
        module("seq", "sequencer", steps),
        module("quantizer", "quantizer", r#""scale": "chromatic""#),
        module("hold", catcher, params),
        module("back", "attenuverter", r#""gain": 0"#),
        module("out", "audio-out", r#""dc-block": 0, "level": -12"#),
    ];
    let [input, trigger, output] = ports;
    let cables = vec![
        "clock.sixteenth -> seq.clock".to_owned(),
        "seq.cv -> quantizer.in".to_owned(),
        format!("quantizer.out -> hold.{input}"),
        format!("seq.trigger -> hold.{trigger}"),
        format!("hold.{output} -> out.left"),
        "seq.cv -> out.right".to_owned(),
        format!("hold.{output} -> back.in"),
    ];
    (modules.join(","), cables)
}

#[test]
fn what_is_caught_at_a_trigger_is_the_same_in_a_loop_that_carries_nothing() {
    for (catcher, ports, params) in [
        ("sample-hold", ["in", "trigger", "out"], ""),
        ("quantizer", ["in", "trigger", "out"], r#""scale": "chromatic""#),
        ("shift-register", ["in", "clock", "out-1"], ""),
    ] {
        let (modules, mut cables) = caught(catcher, ports, params);
        let made = |cables: &[String]| {
            let cables: Vec<&str> = cables.iter().map(String::as_str).collect();
            patch(&modules, &cables)
        };
        let open = reference(&made(&cables), 48_000);
        let held = |out: &[f32; 2]| (out[0] - out[1]).abs() < 1e-3;
        let steps = (0..16).map(|step| &open[step * 3000 + 1500]);
        assert!(steps.clone().all(held), "{catcher} holds another step than the one that plays");
        assert!(open.iter().any(|out| out[0] > 0.01), "{catcher} is silent");
        cables.push("back.out -> seq.transpose".to_owned());
        let looped = made(&cables);
        assert_eq!(looped.delayed.len(), 1);
        assert_same(&format!("{catcher}-in-a-loop"), &reference(&looped, 48_000), &open);
    }
}

#[test]
fn a_step_comes_round_a_loop_in_one_sample() {
    // A step goes into a loop of two cables with half the gain a round, so
    // that it grows by half of what is left every sample.
    let modules = [
        module("step", "attenuverter", r#""offset": 1"#),
        module("a", "mixer", ""),
        module("b", "attenuverter", r#""gain": 0.5"#),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    let wires = ["step.out -> a.in-1", "a.out -> b.in", "b.out -> a.in-2", "a.out -> out.left"];
    let out = reference(&patch(&modules.join(","), &wires), 64);
    let steps: Vec<f32> = out.iter().map(|frame| frame[0] / out[0][0]).collect();
    for (step, should_be) in steps.iter().zip([1.0, 1.5, 1.75, 1.875]) {
        assert!((step - should_be).abs() < 1e-5, "{:?}", &steps[..6]);
    }
}

#[test]
fn a_loop_sounds_the_same_whoever_computes_it() {
    let modules = [
        module("clock", "clock", ""),
        module("vco", "vco", r#""octave": -1"#),
        module("mix", "mixer", ""),
        module("filter", "ladder", r#""cutoff": 900, "resonance": 0.7"#),
        module("delay", "delay", r#""time": 0.05, "mix": 1"#),
        module("reverb", "reverb", ""),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    let wires = [
        "clock.eighth -> vco.fm",
        "vco.saw -> mix.in-1",
        "mix.out -> filter.in",
        "filter.lowpass -> delay.left",
        "delay.left -> mix.in-2",
        "delay.left -> filter.cutoff",
        "filter.lowpass -> reverb.left",
        "reverb.left -> out.left",
        "reverb.right -> out.right",
    ];
    let patch = patch(&modules.join(","), &wires);
    let should_be = reference(&patch, 48_000);
    for (block, by) in
        [(32, ComputedBy::InProcess), (1024, workers(3, WORKER)), (64, workers(8, WORKER))]
    {
        let is = ready(&patch, block, by).frames(48_000);
        assert_same("loop", &is, &should_be);
    }
}

#[test]
fn sixteen_voices_go_through_one_cable() {
    use sostenuto_modules::module::Event;
    let modules = [
        module("keys", "keyboard", r#""voices": 16"#),
        module("vco", "vco", ""),
        module("env", "adsr", r#""attack": 0.001, "sustain": 1"#),
        module("vca", "vca", r#""level": 0.05"#),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    let wires = [
        "keys.voct -> vco.voct",
        "keys.gate -> env.gate",
        "vco.sine -> vca.in",
        "env.env -> vca.cv",
        "vca.out -> out.left",
    ];
    let patch = patch(&modules.join(","), &wires);
    let mut render = ready(&patch, 256, workers(4, WORKER));
    let key = patch.modules.keys().find(|id| id.as_str() == "keys").cloned().expect("keys");
    for voice in 0..16u32 {
        let event = Event::NoteOn { key: voice, voct: voice as f32 * 0.25 - 2.0, velocity: 1.0 };
        render.conductor().event(&(key.clone(), "keyboard".into()), event);
    }
    let out = render.frames(2 * RATE_HZ as usize);
    let left: Vec<f32> = out[RATE_HZ as usize / 2..].iter().map(|frame| frame[0]).collect();
    let mut levels = Vec::new();
    for voice in 0..16 {
        let hz = 261.6256 * 2f64.powf(f64::from(voice) * 0.25 - 2.0);
        levels.push(level_at(&left, hz));
    }
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    assert!(levels.iter().all(|level| *level > 0.9 * loudest), "{levels:?}");
    assert!(level_at(&left, 200.0) < 0.01 * loudest);
}

/// The amplitude of one frequency, seen through a Hann window.
fn level_at(samples: &[f32], hz: f64) -> f64 {
    let turn = std::f64::consts::TAU;
    let (mut re, mut im) = (0.0, 0.0);
    for (frame, sample) in samples.iter().enumerate() {
        let window = 0.5 - 0.5 * (turn * frame as f64 / samples.len() as f64).cos();
        let angle = turn * hz * frame as f64 / f64::from(RATE_HZ);
        re += f64::from(*sample) * window * angle.cos();
        im += f64::from(*sample) * window * angle.sin();
    }
    re.hypot(im)
}
