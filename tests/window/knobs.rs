//! Knobs under the hand.

use eframe::egui::{Event, Key, Modifiers, MouseWheelUnit, TouchPhase, vec2};

use super::place::Place;
use super::worked::{Worked, voice};

const CUTOFF: &str = "cutoff of ladder";

/// Draws frames until the host has the ladder's cutoff there.
#[track_caller]
fn until_cutoff(window: &mut Worked, hz: f32) {
    let is_there = |hz: f32, wanted: f32| (hz - wanted).abs() < 1e-3 * wanted;
    window.until_patch("the cutoff", |patch| {
        patch.modules["ladder"].param("cutoff").is_some_and(|there| is_there(there, hz))
    });
}

/// Where the knob shows it, as of this frame.
fn shown(window: &Worked) -> f32 {
    window.number(CUTOFF)
}

#[test]
fn a_knob_that_is_dragged_is_turned_in_one_step() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let (before, was) = (window.patch(), shown(&window));
    let knob = window.rect(CUTOFF).center();
    window.carry(knob, knob - vec2(0.0, 60.0));
    window.carry_on(knob - vec2(0.0, 60.0), knob - vec2(0.0, 30.0));
    let turned = shown(&window);
    window.release(knob - vec2(0.0, 30.0));
    assert!(turned > 1.2 * was, "from {was} Hz to {turned} Hz");
    until_cutoff(&mut window, turned);
    window.is_one_step(&place, &before);
}

#[test]
fn with_shift_a_knob_turns_ten_times_finer() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let was = shown(&window);
    let knob = window.rect(CUTOFF).center();
    window.carry(knob, knob - vec2(0.0, 20.0));
    let coarse = (shown(&window) / was).log2();
    window.release(knob - vec2(0.0, 20.0));
    window.double_click_at(knob);
    assert_eq!(shown(&window), was);
    window.event(Event::ModifiersChanged(Modifiers::SHIFT));
    window.carry(knob, knob - vec2(0.0, 20.0));
    let fine = (shown(&window) / was).log2();
    window.release(knob - vec2(0.0, 20.0));
    window.event(Event::ModifiersChanged(Modifiers::NONE));
    assert!((coarse / fine - 10.0).abs() < 0.1, "{coarse} and {fine} octaves");
}

#[test]
fn what_is_typed_is_where_the_knob_goes() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let knob = window.rect(CUTOFF).center();
    for (typed, hz) in [("440 Hz", 440.0), ("C4", 261.6256), ("1.5k", 1500.0)] {
        let before = window.patch();
        window.right_click_at(knob);
        window.write(typed);
        window.press(Key::Enter);
        until_cutoff(&mut window, hz);
        window.is_one_step(&place, &before);
    }
}

#[test]
fn what_is_no_value_is_not_taken_and_says_why() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let (before, was) = (window.patch(), shown(&window));
    let knob = window.rect(CUTOFF).center();
    window.right_click_at(knob);
    window.write("loud");
    window.press(Key::Enter);
    assert!(window.shows_part("Reset to"), "it stays open");
    window.press(Key::Escape);
    window.frames(3);
    assert!(!window.shows_part("Reset to"));
    assert_eq!(shown(&window), was);
    // What is asked next is answered next.
    window.right_click_at(knob);
    window.write("440");
    window.press(Key::Enter);
    until_cutoff(&mut window, 440.0);
    window.is_one_step(&place, &before);
}

#[test]
fn a_double_click_sets_a_knob_to_its_default() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let was = shown(&window);
    let knob = window.rect(CUTOFF).center();
    window.right_click_at(knob);
    window.write("440");
    window.press(Key::Enter);
    until_cutoff(&mut window, 440.0);
    let before = window.patch();
    window.double_click_at(knob);
    until_cutoff(&mut window, was);
    window.is_one_step(&place, &before);
}

#[test]
fn a_wheel_that_goes_on_is_one_step() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let (before, was) = (window.patch(), shown(&window));
    let knob = window.rect(CUTOFF).center();
    window.point(knob);
    for _ in 0..5 {
        let (unit, delta) = (MouseWheelUnit::Line, vec2(0.0, -1.0));
        let (phase, modifiers) = (TouchPhase::Move, Modifiers::NONE);
        window.event(Event::MouseWheel { unit, delta, phase, modifiers });
    }
    let turned = shown(&window);
    assert!(turned < was, "from {was} Hz to {turned} Hz");
    until_cutoff(&mut window, turned);
    window.is_one_step(&place, &before);
}
