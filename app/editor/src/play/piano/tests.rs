use eframe::egui::{
    Event as Input, Key, Modifiers, PointerButton, TouchDeviceId, TouchId, TouchPhase,
};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

use super::*;

#[derive(Default)]
struct Bench {
    piano: Piano,
    events: Vec<Event>,
    text: String,
    takes_keys: bool,
}

/// Two octaves from C3, white keys 26 points wide.
fn bench() -> Harness<'static, Bench> {
    let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(vec2(500.0, 300.0));
    let bench = Bench { takes_keys: true, ..Bench::default() };
    builder.build_ui_state(
        |ui, bench: &mut Bench| {
            ui.text_edit_singleline(&mut bench.text);
            let rect = Rect::from_min_size(pos2(10.0, 100.0), vec2(26.0 * 15.0, 100.0));
            let spot = PianoSpot {
                rect,
                zoom: 1.0,
                name: "keyboard",
                sounding: &[],
                takes_keys: bench.takes_keys,
            };
            let events = piano_ui(ui, &Theme::of(Look::Dark), &spot, &mut bench.piano);
            bench.events.extend(events.into_iter().map(|(_, event)| event));
        },
        bench,
    )
}

fn white(index: usize) -> Pos2 {
    pos2(10.0 + 26.0 * (index as f32 + 0.5), 180.0)
}

fn button(harness: &mut Harness<Bench>, pos: Pos2, pressed: bool) {
    let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
    harness.event(Input::PointerButton { pos, button, pressed, modifiers });
    harness.step();
}

fn ons(harness: &Harness<Bench>) -> Vec<u32> {
    let key = |event: &Event| match *event {
        Event::NoteOn { key, .. } => Some(key),
        _ => None,
    };
    harness.state().events.iter().filter_map(key).collect()
}

fn offs(harness: &Harness<Bench>) -> Vec<u32> {
    let key = |event: &Event| match *event {
        Event::NoteOff { key } => Some(key),
        _ => None,
    };
    harness.state().events.iter().filter_map(key).collect()
}

#[test]
fn a_key_sounds_while_the_mouse_is_on_it_and_harder_further_down() {
    let mut harness = bench();
    harness.hover_at(white(7));
    button(&mut harness, white(7), true);
    assert_eq!(ons(&harness), [60]);
    assert!(offs(&harness).is_empty());
    button(&mut harness, white(7), false);
    assert_eq!(offs(&harness), [60]);
    let soft = white(8) - vec2(0.0, 78.0);
    harness.hover_at(soft);
    button(&mut harness, soft, true);
    let velocities: Vec<f32> = harness
        .state()
        .events
        .iter()
        .filter_map(|event| match *event {
            Event::NoteOn { velocity, .. } => Some(velocity),
            _ => None,
        })
        .collect();
    assert!(velocities[0] > 0.8 && velocities[1] < 0.3, "{velocities:?}");
}

#[test]
fn a_quick_hand_plays_every_key_on_its_way_and_each_ends() {
    let mut harness = bench();
    harness.hover_at(white(0));
    button(&mut harness, white(0), true);
    harness.hover_at(white(7));
    harness.step();
    button(&mut harness, white(7), false);
    assert_eq!(ons(&harness), [48, 50, 52, 53, 55, 57, 59, 60]);
    assert_eq!(offs(&harness), [48, 50, 52, 53, 55, 57, 59, 60]);
}

#[test]
fn what_is_held_stays_down_until_it_is_touched_or_let_go() {
    let mut harness = bench();
    harness.state_mut().piano.holds = true;
    for index in [0, 2, 0] {
        harness.hover_at(white(index));
        button(&mut harness, white(index), true);
        button(&mut harness, white(index), false);
    }
    assert_eq!((ons(&harness), offs(&harness)), (vec![48, 52], vec![48]));
    harness.state_mut().piano.holds = false;
    harness.step();
    assert_eq!(offs(&harness), [48, 52]);
}

#[test]
fn the_computers_keys_play_chords_and_shift_by_octaves() {
    let mut harness = bench();
    for key in [Key::A, Key::D, Key::G] {
        harness.key_down(key);
    }
    harness.step();
    assert_eq!(harness.state().piano.hands.keys(), [60, 64, 67]);
    harness.key_press(Key::X);
    harness.key_up(Key::A);
    harness.key_press(Key::W);
    harness.step();
    assert_eq!(ons(&harness), [60, 64, 67, 73]);
    assert_eq!(offs(&harness), [60, 73], "a note ends on the key that it began on");
    assert_eq!(harness.get_by_label("piano of keyboard").value().as_deref(), Some("E4 G4"));
}

#[test]
fn no_note_sticks_when_the_window_loses_the_keys() {
    let mut harness = bench();
    harness.key_down(Key::A);
    harness.step();
    harness.input_mut().focused = false;
    harness.step();
    assert_eq!(offs(&harness), [60]);
    harness.input_mut().focused = true;
    harness.key_down(Key::S);
    harness.step();
    harness.state_mut().takes_keys = false;
    harness.step();
    assert_eq!(offs(&harness), [60, 62]);
}

#[test]
fn letters_of_a_text_are_no_notes() {
    let mut harness = bench();
    harness.get_by_role(egui::accesskit::Role::TextInput).focus();
    harness.run_steps(2);
    harness.key_press(Key::A);
    harness.step();
    assert!(ons(&harness).is_empty());
}

#[test]
fn shortcuts_are_no_notes() {
    let mut harness = bench();
    harness.key_press_modifiers(Modifiers::CTRL, Key::S);
    harness.step();
    assert!(ons(&harness).is_empty());
}

#[test]
fn keys_outside_of_the_scale_play_the_next_one_below() {
    let mut harness = bench();
    harness.state_mut().piano.scale = Scale { index: 1, root: 0 };
    harness.key_press(Key::W);
    harness.step();
    assert_eq!(ons(&harness), [60]);
}

#[test]
fn two_fingers_on_the_screen_are_two_notes() {
    let mut harness = bench();
    let touch = |id, phase, pos| Input::Touch {
        device_id: TouchDeviceId(0),
        id: TouchId(id),
        phase,
        pos,
        force: None,
    };
    harness.event(touch(1, TouchPhase::Start, white(0)));
    harness.event(touch(2, TouchPhase::Start, white(4)));
    harness.event(touch(1, TouchPhase::Move, white(1)));
    harness.event(touch(2, TouchPhase::End, white(4)));
    harness.step();
    assert_eq!(ons(&harness), [48, 55, 50]);
    assert_eq!(offs(&harness), [48, 55]);
}

#[test]
fn voices_with_an_open_gate_sound() {
    let mut display = vec![0.0; 2 * CHANNELS];
    (display[1], display[CHANNELS + 1]) = (10.0, 0.75);
    assert_eq!(sounding(&display), [69]);
    assert!(sounding(&[]).is_empty());
}
