//! Patching while it plays: nothing clicks, nothing starts anew, and nobody
//! hears who computed it.

use std::f32::consts::TAU;

use proptest::prelude::*;
use sostenuto_host::engine::Frame;
use sostenuto_host::plan::Key;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_modules::module::Event;
use sostenuto_patch::{Cable, Edit, ModuleId, Patch, PatchModule, apply};
use sostenuto_tests::{RATE_HZ, assert_same, module, patch, ready, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const BLOCK: u32 = 64;

/// A cable or a module comes and goes over this time, in frames.
const FADE_FRAMES: f32 = 0.005 * RATE_HZ as f32;

/// Two octaves below C4: a low sine moves little from frame to frame, so a
/// click stands out.
const LOW_HZ: f32 = 65.406;

/// A patch that plays, and all that was heard of it.
struct Stage {
    render: Render,
    patch: Patch,
    heard: Vec<Frame>,
}

impl Stage {
    fn new(patch: &Patch, computed_by: ComputedBy) -> Stage {
        let render = ready(patch, BLOCK, computed_by);
        Stage { render, patch: patch.clone(), heard: Vec::new() }
    }

    fn in_process(patch: &Patch) -> Stage {
        Stage::new(patch, ComputedBy::InProcess)
    }

    fn play(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.heard.extend_from_slice(self.render.block());
        }
    }

    /// Goes over to the patch as it is now, as a player does: with plans that
    /// fade, and then one that does not.
    fn follow(&mut self) {
        self.render.conductor().lead(&self.patch).expect("it fits");
        self.take_up();
        self.render.conductor().settle();
        while self.render.conductor().is_passing() {
            self.render.conductor().arrive().expect("it fits");
            self.take_up();
            self.render.conductor().settle();
        }
    }

    fn take_up(&mut self) {
        while !self.render.conductor().is_taken_up() {
            self.play(1);
        }
    }

    fn edit(&mut self, edits: impl IntoIterator<Item = Edit>) {
        for edit in edits {
            apply(&mut self.patch, edit).expect("an edit that can be done");
        }
        self.follow();
    }

    fn turn(&mut self, name: &str, param: &str, value: f32) {
        let there = &self.patch.modules[name];
        let index = there.about().expect("a kind").param(param).expect("a param");
        let key: Key = (id(name), there.kind.clone());
        apply(&mut self.patch, set(name, param, value)).expect("a value in range");
        self.render.conductor().set_param(&key, index, value);
    }

    /// The largest step from one frame to the next that was heard.
    fn largest_step(&self) -> f32 {
        let frames = self.heard.windows(2);
        let steps =
            frames.flat_map(|pair| [0, 1].map(|side| (pair[1][side] - pair[0][side]).abs()));
        steps.fold(0.0, f32::max)
    }

    /// Asserts that no step was larger than that.
    #[track_caller]
    fn is_smooth(&self, bound: f32) {
        let peak = self.heard.as_flattened().iter().fold(0f32, |peak, s| peak.max(s.abs()));
        assert!(peak < 1.0, "the limiter has a hand in this: {peak}");
        let step = self.largest_step();
        assert!(step <= bound, "a step of {step}, not {bound}");
    }
}

fn id(name: &str) -> ModuleId {
    name.parse().expect("a name")
}

fn cable(text: &str) -> Cable {
    text.parse().expect("a cable")
}

fn connect(text: &str) -> Edit {
    Edit::Connect(cable(text))
}

fn disconnect(text: &str) -> Edit {
    Edit::Disconnect(cable(text))
}

fn remove(name: &str) -> Edit {
    Edit::RemoveModule { id: id(name) }
}

fn set(name: &str, param: &str, value: f32) -> Edit {
    Edit::SetParam { module: id(name), param: param.into(), value }
}

fn add(name: &str, kind: &str, params: &[(&str, f32)]) -> Edit {
    let mut module = PatchModule::new(kind, 0.0, 0.0);
    module.params = params.iter().map(|&(name, value)| (name.into(), value)).collect();
    Edit::AddModule { id: id(name), module }
}

/// The largest step of a sine of that amplitude that may come or go meanwhile.
fn bound(amplitude: f32, hz: f32) -> f32 {
    amplitude * (TAU * hz / RATE_HZ as f32 + 1.0 / FADE_FRAMES) * 1.01
}

/// One sine of half the full scale.
fn one_sine() -> Patch {
    let modules =
        [module("out", "audio-out", r#""dc-block": 0"#), module("vco", "vco", r#""octave": -2"#)];
    patch(&modules.join(", "), &["vco.sine -> out.left"])
}

/// The same without its cable.
fn silence() -> Patch {
    let mut patch = one_sine();
    patch.cables.clear();
    patch
}

#[test]
fn a_cable_comes_and_goes_without_a_click() {
    let mut stage = Stage::in_process(&silence());
    // Wherever in its cycle the sine is, so that not only a crossing is tried.
    for blocks in [3, 5, 2, 7, 4, 9, 1, 6] {
        stage.edit([connect("vco.sine -> out.left")]);
        stage.play(blocks);
        stage.edit([disconnect("vco.sine -> out.left")]);
        stage.play(blocks);
    }
    let peak = stage.heard.iter().fold(0f32, |peak, frame| peak.max(frame[0]));
    assert!(peak > 0.4, "it was heard: {peak}");
    assert_eq!(stage.heard.last(), Some(&[0.0, 0.0]));
    stage.is_smooth(bound(0.5, LOW_HZ));
}

#[test]
fn a_module_comes_and_goes_without_a_click() {
    let mut stage = Stage::in_process(&one_sine());
    for blocks in [3, 5, 2, 7, 4, 9, 1, 6] {
        let fifth = add("fifth", "vco", &[("octave", -2.0), ("tune", 7.0)]);
        let half = add("half", "attenuverter", &[("gain", 0.5)]);
        stage.edit([
            fifth,
            half,
            connect("fifth.sine -> half.in"),
            connect("half.out -> out.left"),
        ]);
        stage.play(blocks);
        stage.edit([remove("half")]);
        stage.play(blocks);
        stage.edit([remove("fifth")]);
        stage.play(blocks);
    }
    stage.is_smooth(bound(0.5, LOW_HZ) + bound(0.25, 1.5 * LOW_HZ));
}

#[test]
fn what_is_heard_comes_and_goes_without_a_click() {
    let mut stage = Stage::in_process(&one_sine());
    for blocks in [3, 5, 2, 7] {
        stage.edit([remove("out")]);
        stage.play(blocks);
        assert_eq!(stage.heard.last(), Some(&[0.0, 0.0]));
        stage
            .edit([add("out", "audio-out", &[("dc-block", 0.0)]), connect("vco.sine -> out.left")]);
        stage.play(blocks);
    }
    // The way in at the module and the way in at the loudspeaker fade together.
    stage.is_smooth(bound(0.5, LOW_HZ) + 0.5 / FADE_FRAMES);
}

#[test]
fn another_kind_of_the_same_name_takes_over_without_a_click() {
    let mut stage = Stage::in_process(&one_sine());
    for blocks in [3, 5, 2, 7, 4, 9] {
        let lfo = add("vco", "lfo", &[("rate", LOW_HZ)]);
        stage.edit([remove("vco"), lfo, connect("vco.sine -> out.left")]);
        stage.play(blocks);
        let vco = add("vco", "vco", &[("octave", -2.0)]);
        stage.edit([remove("vco"), vco, connect("vco.sine -> out.left")]);
        stage.play(blocks);
    }
    stage.is_smooth(2.0 * bound(0.5, LOW_HZ));
}

#[test]
fn another_patch_takes_over_without_a_click() {
    let mut other = silence();
    apply(&mut other, add("other", "vco", &[("octave", -3.0)])).expect("a module");
    apply(&mut other, add("ear", "audio-out", &[("dc-block", 0.0)])).expect("a module");
    apply(&mut other, connect("other.sine -> ear.left")).expect("a cable");
    apply(&mut other, remove("out")).expect("it is there");
    let mut stage = Stage::in_process(&one_sine());
    for blocks in [3, 5, 2, 7] {
        stage.edit([Edit::Replace(Box::new(other.clone()))]);
        stage.play(blocks);
        stage.edit([Edit::Replace(Box::new(one_sine()))]);
        stage.play(blocks);
    }
    stage.is_smooth(bound(0.5, LOW_HZ) + bound(0.5, LOW_HZ / 2.0) + 1.0 / FADE_FRAMES);
}

#[test]
fn what_is_not_touched_goes_on_as_if_nothing_had_been() {
    let (blocks, plan_blocks) = (200, 12);
    let mut quiet = one_sine();
    // So that the limiter, which remembers, has nothing to do.
    apply(&mut quiet, set("out", "level", -12.0)).expect("a value in range");
    let mut calm = Stage::in_process(&quiet);
    let mut stage = Stage::in_process(&quiet);
    stage.play(5);
    stage.edit([add("fifth", "vco", &[("tune", 7.0)]), connect("fifth.saw -> out.left")]);
    stage.edit([add("idle", "reverb", &[]), connect("vco.saw -> idle.left")]);
    stage.play(3);
    stage.edit([disconnect("fifth.saw -> out.left")]);
    stage.edit([remove("fifth"), remove("idle")]);
    let edited = stage.heard.len();
    stage.play(blocks);
    calm.play(edited / BLOCK as usize + blocks);
    assert!(edited > plan_blocks * BLOCK as usize, "the edits took their time: {edited}");
    assert_eq!(stage.patch, calm.patch);
    assert!(stage.heard[..edited] != calm.heard[..edited], "the edits were heard");
    assert_same("edited-and-calm", &stage.heard[edited..], &calm.heard[edited..]);
}

#[test]
fn a_module_that_comes_back_while_it_leaves_is_heard_again() {
    let mut stage = Stage::in_process(&one_sine());
    let with = stage.patch.clone();
    for _ in 0..8 {
        // Quicker than the fade's second plan: the first is all that plays.
        for patch in [silence(), with.clone()] {
            stage.render.conductor().lead(&patch).expect("it fits");
            stage.take_up();
            stage.render.conductor().settle();
        }
    }
    stage.follow();
    stage.play(20);
    let last = &stage.heard[stage.heard.len() - 1000..];
    assert!(last.iter().any(|frame| frame[0] > 0.49));
    stage.is_smooth(bound(0.5, LOW_HZ));
}

#[test]
fn a_key_pressed_just_before_an_edit_reaches_its_keyboard() {
    let modules = [module("keys", "keyboard", ""), module("out", "audio-out", r#""dc-block": 0"#)];
    let mut stage = Stage::in_process(&patch(&modules.join(", "), &["keys.gate -> out.left"]));
    stage.play(1);
    let note = Event::NoteOn { key: 60, voct: 0.0, velocity: 1.0 };
    let keys = (id("keys"), "keyboard".into());
    stage.render.conductor().event(&keys, note);
    // In the new plan every module has another index.
    stage.edit([add("a", "attenuverter", &[])]);
    stage.play(1);
    assert!(stage.heard.last().is_some_and(|frame| frame[0] > 0.1), "{:?}", stage.heard.last());
}

#[test]
fn a_knob_turns_without_a_click_and_gets_where_it_was_turned() {
    let mut stage = Stage::in_process(&one_sine());
    stage.edit([disconnect("vco.sine -> out.left"), add("amp", "attenuverter", &[])]);
    stage.edit([connect("vco.sine -> amp.in"), connect("amp.out -> out.left")]);
    for (blocks, gain) in [(3, 0.2), (5, -1.0), (1, 1.0), (1, 0.0), (7, 0.7), (30, 0.25)] {
        stage.turn("amp", "gain", gain);
        stage.play(blocks);
    }
    // 63 % of the way in 3 ms, in straight lines of 32 frames: 2 V of gain at
    // most, and about a fifth of them in the first line.
    stage.is_smooth(0.5 * TAU * LOW_HZ / RATE_HZ as f32 + 0.5 * 2.0 * 0.21 / 32.0);
    stage.play(30);
    let mut there = Stage::in_process(&stage.patch);
    there.play(stage.heard.len() / BLOCK as usize);
    let last = stage.heard.len() - 1000;
    assert_same("turned-and-there", &stage.heard[last..], &there.heard[last..]);
}

#[test]
fn a_knob_that_is_turned_in_the_middle_of_an_edit_gets_there_too() {
    let mut stage = Stage::in_process(&one_sine());
    stage.play(3);
    apply(&mut stage.patch, add("idle", "vco", &[])).expect("a module");
    stage.render.conductor().lead(&stage.patch.clone()).expect("it fits");
    stage.turn("out", "level", -20.0);
    stage.play(1);
    stage.turn("vco", "octave", -3.0);
    stage.take_up();
    stage.render.conductor().settle();
    stage.render.conductor().arrive().expect("it fits");
    stage.take_up();
    stage.play(100);
    let last = &stage.heard[stage.heard.len() - 4000..];
    let peak = last.iter().fold(0f32, |peak, frame| peak.max(frame[0]));
    assert!((peak - 0.05).abs() < 1e-4, "{peak}");
    let crossings = last.windows(2).filter(|pair| pair[0][0] < 0.0 && pair[1][0] >= 0.0).count();
    // 4000 frames of a sine of 32.7 Hz are 2.7 cycles.
    assert!((2..=3).contains(&crossings), "{crossings}");
}

/// What a hand at the patch does, and for how many blocks it then listens.
#[derive(Clone, Debug)]
enum Deed {
    /// Makes the module, or takes it away where it is there.
    Toggle(usize),
    /// Plugs the cable in, or pulls it out where it is there.
    Patch(usize, usize),
    /// Makes a source an LFO, or a VCO again.
    Change(usize),
    /// Turns the gain of an amp.
    Turn(usize, f32),
}

const SOURCES: usize = 3;
const AMPS: usize = 3;

/// Sources and amps by number: sources first.
fn name(number: usize) -> String {
    if number < SOURCES { format!("source-{number}") } else { format!("amp-{}", number - SOURCES) }
}

fn output(number: usize) -> String {
    format!("{}.{}", name(number), if number < SOURCES { "sine" } else { "out" })
}

/// An amp, or the ear.
fn input(number: usize) -> String {
    if number < AMPS { format!("amp-{number}.in") } else { "ear.left".to_owned() }
}

fn a_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => (0..SOURCES + AMPS).prop_map(Deed::Toggle),
        // Amps hear sources, the ear hears both: no loop, so the loudest is known.
        4 => (0..SOURCES, 0..=AMPS).prop_map(|(from, to)| Deed::Patch(from, to)),
        2 => (SOURCES..SOURCES + AMPS).prop_map(|from| Deed::Patch(from, AMPS)),
        1 => (0..SOURCES).prop_map(Deed::Change),
        1 => (0..AMPS, -0.5f32..=0.5).prop_map(|(amp, gain)| Deed::Turn(amp, gain)),
    ]
}

/// A module by number, as it begins.
fn made(number: usize, kind: &str) -> Edit {
    let name = name(number);
    match kind {
        "vco" => add(&name, "vco", &[("octave", -2.0), ("tune", -(number as f32))]),
        "lfo" => add(&name, "lfo", &[("rate", LOW_HZ - number as f32)]),
        _ => add(&name, "attenuverter", &[("gain", 0.5)]),
    }
}

impl Stage {
    /// Does it, where it can be done.
    fn does(&mut self, deed: &Deed) {
        let is_there = |patch: &Patch, name: &str| patch.modules.contains_key(name);
        match *deed {
            Deed::Toggle(number) if is_there(&self.patch, &name(number)) => {
                self.edit([remove(&name(number))]);
            }
            Deed::Toggle(number) => {
                self.edit([made(number, if number < SOURCES { "vco" } else { "attenuverter" })]);
            }
            Deed::Patch(from, to) => {
                let cable = cable(&format!("{} -> {}", output(from), input(to)));
                if self.patch.cables.contains(&cable) {
                    self.edit([Edit::Disconnect(cable)]);
                } else if self.patch.check_cable(&cable).is_ok() {
                    self.edit([Edit::Connect(cable)]);
                }
            }
            Deed::Change(number) if is_there(&self.patch, &name(number)) => {
                let id = id(&name(number));
                let cables: Vec<Edit> =
                    self.patch.cables_of(&id).cloned().map(Edit::Connect).collect();
                let was = &*self.patch.modules[&id].kind;
                let made = made(number, if was == "vco" { "lfo" } else { "vco" });
                self.edit([remove(id.as_str()), made].into_iter().chain(cables));
            }
            Deed::Turn(amp, gain) if is_there(&self.patch, &name(SOURCES + amp)) => {
                self.turn(&name(SOURCES + amp), "gain", gain);
            }
            Deed::Change(_) | Deed::Turn(..) => {}
        }
    }
}

/// What all these deeds sound like, each followed by some blocks.
fn heard(deeds: &[(Deed, usize)], computed_by: ComputedBy) -> Stage {
    let ear = patch(&module("ear", "audio-out", r#""level": -20"#), &[]);
    let mut stage = Stage::new(&ear, computed_by);
    for (number, kind) in [(0, "vco"), (1, "vco"), (SOURCES, "attenuverter")] {
        stage.edit([made(number, kind)]);
    }
    stage.edit(
        ["source-0.sine -> ear.left", "source-1.sine -> amp-0.in", "amp-0.out -> ear.left"]
            .map(connect),
    );
    for (deed, blocks) in deeds {
        stage.does(deed);
        stage.play(*blocks);
    }
    stage
}

#[test]
fn another_name_is_not_heard() {
    let mut calm = Stage::in_process(&one_sine());
    let mut stage = Stage::in_process(&one_sine());
    for (name, other) in [("vco", "lead"), ("lead", "bass"), ("out", "ear"), ("bass", "vco")] {
        stage.play(3);
        stage.edit([Edit::RenameModule { id: id(name), new_id: id(other) }]);
    }
    stage.play(10);
    calm.play(stage.heard.len() / BLOCK as usize);
    assert_same("renamed-and-calm", &stage.heard, &calm.heard);
}

#[test]
fn a_bypass_comes_and_goes_without_a_click() {
    let mut stage = Stage::in_process(&one_sine());
    stage.edit([disconnect("vco.sine -> out.left"), add("amp", "attenuverter", &[("gain", 0.2)])]);
    stage.edit([connect("vco.sine -> amp.in"), connect("amp.out -> out.left")]);
    for blocks in [13, 15, 12, 17, 14, 19, 11, 16] {
        for is_bypassed in [true, false] {
            stage.edit([Edit::SetBypass { module: id("amp"), is_bypassed }]);
            stage.play(blocks);
        }
    }
    stage.is_smooth(bound(0.5, LOW_HZ));
}

/// A low sine through a loop that gives a fifth of it back.
fn echoed_sine() -> Patch {
    let modules = [
        module("back", "attenuverter", r#""gain": 0.2"#),
        module("mix", "mixer", ""),
        module("out", "audio-out", r#""dc-block": 0"#),
        module("vco", "vco", r#""octave": -2"#),
    ];
    let cables = [
        "vco.sine -> mix.in-1",
        "mix.out -> out.left",
        "mix.out -> back.in",
        "back.out -> mix.in-2",
    ];
    patch(&modules.join(", "), &cables)
}

fn delay(text: &str, is_delayed: bool) -> Edit {
    Edit::SetDelay { cable: cable(text), is_delayed }
}

#[test]
fn a_delay_moves_to_another_cable_of_its_loop_without_a_click() {
    let ways = ["back.out -> mix.in-2", "mix.out -> back.in"];
    let mut stage = Stage::in_process(&echoed_sine());
    assert_eq!(stage.patch.delayed, [cable(ways[0])].into());
    for (round, blocks) in [13, 15, 12, 17, 14, 19].into_iter().enumerate() {
        let [from, to] = if round % 2 == 0 { ways } else { [ways[1], ways[0]] };
        stage.edit([delay(to, true), delay(from, false)]);
        stage.play(blocks);
        assert_eq!(stage.patch.delayed, [cable(to)].into());
    }
    stage.is_smooth(bound(0.625, LOW_HZ));
}

#[test]
fn a_loop_is_broken_and_closed_by_either_cable_without_a_click() {
    let mut stage = Stage::in_process(&echoed_sine());
    for (cable, blocks) in ["mix.out -> back.in", "back.out -> mix.in-2"].into_iter().zip([7, 9]) {
        for _ in 0..3 {
            stage.edit([disconnect(cable)]);
            stage.play(blocks);
            stage.edit([connect(cable)]);
            stage.play(blocks);
        }
    }
    stage.is_smooth(bound(0.625, LOW_HZ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_edits_are_without_a_click(
        deeds in prop::collection::vec((a_deed(), 0..12usize), 1..24),
    ) {
        let stage = heard(&deeds, ComputedBy::InProcess);
        // 5 V at -20 dB is 0.05 of full scale. The ear hears three sources, and
        // three amps of all of them at half, in two stages that fade; while a
        // kind changes into another, both.
        let amplitude = 0.05 * 3.0 * (1.0 + 3.0 * 0.5);
        let step = amplitude * (TAU * LOW_HZ / RATE_HZ as f32 + 2.0 / FADE_FRAMES);
        // A gain of 1 the other way, a fifth of it in the first 32 frames.
        let turn = 0.05 * 3.0 * 0.21 / 32.0;
        prop_assert!(stage.largest_step() < step + turn, "a step of {}", stage.largest_step());
        // What one source alone does if it comes at once, at its loudest.
        prop_assert!(step + turn < 0.05);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn any_edits_are_the_same_whoever_computes_them(
        deeds in prop::collection::vec((a_deed(), 0..12usize), 12..24),
    ) {
        let should_be = heard(&deeds, ComputedBy::InProcess).heard;
        for count in [1, 4] {
            let is = heard(&deeds, workers(count, WORKER)).heard;
            assert_same(&format!("edits-{count}-workers"), &is, &should_be);
        }
    }
}
