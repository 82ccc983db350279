//! Without a mouse, and without eyes.

use eframe::egui::Key;
use eframe::egui::accesskit::{Action, ActionData};

use super::place::Place;
use super::worked::{Worked, cable, voice};

#[test]
fn keys_alone_bring_a_cable_from_port_to_port() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.tab_to("output sine of vco");
    window.press(Key::Enter);
    window.tab_to("input cv of vca");
    window.press(Key::Enter);
    let after = window.until_cable("vco.sine -> vca.cv");
    assert_eq!(after.cables.len(), before.cables.len() + 1);
    window.is_one_step(&place, &before);

    // From its input to its output it is pulled out again.
    let before = window.patch();
    window.tab_to("input cv of vca");
    window.press(Key::Enter);
    window.tab_to("output sine of vco");
    window.press(Key::Enter);
    let gone = cable("vco.sine -> vca.cv");
    window.until_patch("it is pulled out", |patch| !patch.cables.contains(&gone));
    window.is_one_step(&place, &before);
}

#[test]
fn keys_alone_are_told_where_a_cable_cannot_go() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.tab_to("output sine of vco");
    window.press(Key::Enter);
    window.tab_to("output lowpass of ladder");
    window.press(Key::Enter);
    assert_eq!(window.sentences()[0], "A cable goes from an output to an input.");
    window.tab_to("input cv of vca");
    window.press(Key::Enter);
    window.press(Key::Escape);
    window.tab_to("output sine of vco");
    window.press(Key::Enter);
    window.tab_to("input drive of ladder");
    window.press(Key::Enter);
    let after = window.until_cable("vco.sine -> ladder.drive");
    assert_eq!(after.cables.len(), before.cables.len() + 1);
    window.is_one_step(&place, &before);
}

#[test]
fn arrows_turn_a_knob_that_has_the_focus_and_home_sets_it_back() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let (before, was) = (window.patch(), window.number("cutoff of ladder"));
    window.tab_to("cutoff of ladder");
    for _ in 0..3 {
        window.press(Key::ArrowDown);
    }
    let turned = window.number("cutoff of ladder");
    assert!(turned < was, "from {was} Hz to {turned} Hz");
    window.until_patch("it is turned", |patch| {
        patch.modules["ladder"].param("cutoff") == Some(turned)
    });
    window.is_one_step(&place, &before);

    let before = window.patch();
    window.press(Key::Home);
    window.until_patch("its default", |patch| patch.modules["ladder"].param("cutoff") == Some(was));
    window.is_one_step(&place, &before);
}

#[test]
fn a_screen_reader_turns_a_knob_and_brings_a_cable() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.have("cutoff of ladder", Action::SetValue, Some(ActionData::NumericValue(440.0)));
    window.until_patch("440 Hz", |patch| patch.modules["ladder"].param("cutoff") == Some(440.0));
    assert_eq!(window.node("cutoff of ladder").value().as_deref(), Some("440 Hz"));
    window.is_one_step(&place, &before);

    let before = window.patch();
    window.have("output sine of vco", Action::Click, None);
    window.have("input cv of vca", Action::Click, None);
    window.until_cable("vco.sine -> vca.cv");
    window.is_one_step(&place, &before);
}

#[test]
fn a_screen_reader_chooses_a_module_and_a_key_deletes_it() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.have("Ladder VCF, module ladder", Action::Click, None);
    assert!(window.is_chosen("ladder"));
    window.press(Key::Delete);
    window.until_cable("vco.saw -> vca.in");
    window.is_one_step(&place, &before);
}
