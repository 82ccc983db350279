use eframe::egui::{Event, Modifiers, PointerButton};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use sostenuto_osc::message::Request;
use sostenuto_osc::message::param::Value;
use sostenuto_osc::mirror::Mirror;
use sostenuto_patch::apply;
use sostenuto_patch::testing::titled;

use super::*;
use crate::theme::Look;

struct Bench {
    stage: Stage,
    model: Model,
    asks: Asks,
    recalled: Option<u8>,
}

fn part(text: &str) -> Part {
    text.parse().unwrap()
}

/// A filter, buttons, a pad and a meter, of which parts are on stage in that order.
fn patch() -> Patch {
    let mut patch = Patch::default();
    for kind in ["ladder", "buttons", "xy-pad", "level-meter", "vco"] {
        let module = PatchModule::new(kind, 0.0, 0.0);
        apply(&mut patch, Edit::AddModule { id: kind.parse().unwrap(), module }).unwrap();
    }
    let parts = [
        ("ladder", "param cutoff"),
        ("ladder", "param resonance"),
        ("buttons", "param button-1"),
        ("xy-pad", "screen"),
        ("level-meter", "screen"),
    ];
    let parts = parts.map(|(module, text)| (module.parse().unwrap(), part(text)));
    let edit = patch.put_on_stage(parts);
    apply(&mut patch, edit).unwrap();
    patch
}

fn bench_of(patch: Patch, size: Vec2, is_locked: bool) -> Harness<'static, Bench> {
    let app = |ui: &mut Ui, bench: &mut Bench| {
        let Bench { stage, model, asks, recalled } = bench;
        let asked = stage.ui(ui, &Theme::of(Look::Dark), model, asks);
        *recalled = recalled.or(asked);
    };
    let model = Model { mirror: Mirror::of(patch), ..Model::default() };
    let stage = Stage { is_open: true, is_locked, moved: None };
    let bench = Bench { stage, model, asks: Asks::default(), recalled: None };
    let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(size);
    let mut harness = builder.build_ui_state(app, bench);
    harness.run_steps(3);
    harness
}

fn bench(is_locked: bool) -> Harness<'static, Bench> {
    bench_of(patch(), vec2(1280.0, 800.0), is_locked)
}

fn button(harness: &mut Harness<Bench>, pos: Pos2, pressed: bool) {
    let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
    harness.event(Event::PointerButton { pos, button, pressed, modifiers });
    harness.step();
}

fn drag(harness: &mut Harness<Bench>, from: Pos2, to: Pos2) {
    harness.hover_at(from);
    button(harness, from, true);
    for step in 1..=10 {
        harness.hover_at(from + (to - from) * (step as f32 / 10.0));
        harness.step();
    }
    button(harness, to, false);
    harness.run_steps(2);
}

/// What was asked for, done to the patch.
fn done(harness: &mut Harness<Bench>) -> Patch {
    let bench = harness.state_mut();
    let mut patch = bench.model.patch().clone();
    for request in bench.asks.requests.drain(..) {
        let edit = match request {
            Request::Edit(edit) => edit,
            Request::SetParam(set) => set.edit().expect("a number"),
            other => panic!("{other:?}"),
        };
        apply(&mut patch, edit).unwrap();
    }
    bench.model.mirror = Mirror::of(patch.clone());
    harness.run_steps(2);
    patch
}

fn names(patch: &Patch) -> Vec<String> {
    let name = |item: &StageItem| format!("{} {}", item.module, item.part);
    let tiles = patch.stage();
    tiles.iter().map(|tile| tile.items().iter().map(name).collect::<Vec<_>>().join("+")).collect()
}

#[test]
fn all_that_is_on_stage_has_a_name_and_can_be_hit_in_any_window() {
    for size in [vec2(1280.0, 800.0), vec2(640.0, 480.0), vec2(2560.0, 1400.0)] {
        let harness = bench_of(patch(), size, true);
        for label in
            ["cutoff of ladder", "resonance of ladder", "button-1 of buttons", "pad of xy-pad"]
        {
            let rect = harness.get_by_label(label).rect();
            assert!(rect.width() >= REACH && rect.height() >= REACH, "{size}: {label} {rect}");
        }
    }
}

#[test]
fn a_knob_is_turned_and_a_second_tap_does_not_reset_it() {
    let mut harness = bench(true);
    let knob = harness.get_by_label("cutoff of ladder").rect().center();
    drag(&mut harness, knob, knob - vec2(0.0, 60.0));
    let turned = done(&mut harness).modules["ladder"].param("cutoff").unwrap();
    assert!(turned > 1200.0, "{turned}");
    harness.run_steps(60);
    for _ in 0..2 {
        button(&mut harness, knob, true);
        button(&mut harness, knob, false);
    }
    harness.run_steps(2);
    assert!(harness.state().asks.requests.is_empty());
}

#[test]
fn a_pad_of_a_button_is_on_while_it_is_held_in_one_gesture() {
    let mut harness = bench(true);
    let pad = harness.get_by_label("button-1 of buttons").rect().center();
    harness.hover_at(pad);
    button(&mut harness, pad, true);
    harness.run_steps(20);
    button(&mut harness, pad, false);
    harness.run_steps(2);
    let asked: Vec<(f32, i32)> = harness
        .state()
        .asks
        .requests
        .iter()
        .map(|request| match request {
            Request::SetParam(set) => match set.value {
                Value::Number(value) => (value, set.gesture),
                _ => panic!("a number"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [(1.0, 1), (0.0, 1)]);
}

#[test]
fn locked_nothing_but_knobs_is_changed() {
    let mut harness = bench(true);
    assert!(harness.query_by_label("Change cutoff").is_none());
    let [first, last] = ["cutoff of ladder", "button-1 of buttons"]
        .map(|label| harness.get_by_label(label).rect().center_top() - vec2(0.0, 30.0));
    drag(&mut harness, first, last);
    assert!(harness.state().asks.requests.is_empty());
    let mut stage = Stage { is_open: true, ..Stage::default() };
    let structural = [
        Command::Delete,
        Command::Paste,
        Command::Cut,
        Command::Duplicate,
        Command::GroupModules,
        Command::AddModule,
        Command::New,
        Command::Open,
        Command::TidyUp,
        Command::Bypass,
    ];
    assert!(structural.iter().all(|command| !stage.allows(*command)));
    assert!(stage.allows(Command::Undo) && stage.allows(Command::Panic));
    stage.turn_lock();
    assert!(structural.iter().all(|command| !stage.allows(*command)));
    assert!(!stage.allows(Command::Undo) && stage.allows(Command::NextScene));
    assert!(stage.toggle(&Context::default()).is_some() && stage.is_open());
    stage.turn_lock();
    assert!(stage.toggle(&Context::default()).is_none() && !stage.is_open());
    assert!(structural.iter().all(|command| stage.allows(*command)));
}

#[test]
fn unlocked_tiles_are_moved_made_a_pad_and_taken_away() {
    let mut harness = bench(false);
    let from = harness.get_by_label("Change cutoff").rect().center();
    let to = harness.get_by_label("Change button 1").rect().center() + vec2(30.0, 0.0);
    drag(&mut harness, from, to);
    let moved = done(&mut harness);
    let wanted = ["ladder param resonance", "buttons param button-1", "ladder param cutoff"];
    assert_eq!(names(&moved)[..3], wanted);
    let choose = |harness: &mut Harness<Bench>, tile: &str, entry: &str| {
        harness.get_by_label(tile).click();
        harness.run_steps(3);
        harness.get_by_label(entry).click();
        harness.run_steps(3);
        done(harness)
    };
    let moved = choose(&mut harness, "Change cutoff", "Move left");
    assert_eq!(names(&moved)[1], "ladder param cutoff");
    let moved = choose(&mut harness, "Change cutoff", "Move left");
    assert_eq!(names(&moved)[0], "ladder param cutoff");
    let pad = choose(&mut harness, "Change cutoff", "One pad with the next");
    assert_eq!(names(&pad)[0], "ladder param cutoff+ladder param resonance");
    harness.get_by_label("pad of ladder.cutoff and ladder.resonance");
    let field = harness.get_by_label("pad of ladder.cutoff and ladder.resonance").rect();
    drag(&mut harness, field.center(), field.right_top() + vec2(-20.0, 20.0));
    let played = done(&mut harness);
    let ladder = &played.modules["ladder"];
    assert!(ladder.param("cutoff") > Some(15_000.0) && ladder.param("resonance") > Some(0.9));
    let apart = choose(&mut harness, "Change cutoff × resonance", "Two knobs");
    assert_eq!(names(&apart)[..2], ["ladder param cutoff", "ladder param resonance"]);
    let fader = choose(&mut harness, "Change cutoff", "Fader");
    let form = fader.modules["ladder"].staged[&part("param cutoff")].form;
    assert_eq!(form, Form::Fader);
    let away = choose(&mut harness, "Change cutoff", "Take off the stage");
    assert_eq!(names(&away)[0], "ladder param resonance");
}

#[test]
fn a_tile_has_the_name_that_the_musician_gave_it() {
    let mut patch = patch();
    apply(&mut patch, titled("ladder", "param cutoff", "Brightness")).unwrap();
    let harness = bench_of(patch, vec2(1280.0, 800.0), false);
    harness.get_by_label("Brightness, cutoff of ladder");
    harness.get_by_label("Change Brightness");
}

#[test]
fn scenes_are_large_buttons() {
    let mut patch = patch();
    for (number, title) in [(1, "Quiet"), (2, "")] {
        let kept = patch.kept_scene(number, title, patch.modules.keys());
        apply(&mut patch, kept).unwrap();
    }
    let mut harness = bench_of(patch, vec2(640.0, 480.0), true);
    let scene = harness.get_by_label("Recall Quiet").rect();
    assert!(scene.width() >= REACH && scene.height() >= REACH, "{scene}");
    harness.get_by_label("Recall Scene 2").click();
    harness.run_steps(3);
    assert_eq!(harness.state().recalled, Some(2));
}
