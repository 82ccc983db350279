//! Cables under the hand.

use std::collections::BTreeSet;

use eframe::egui::Key;

use super::place::Place;
use super::worked::{Worked, cable, standing, voice, voice_and};

#[test]
fn a_cable_is_dragged_from_an_output_to_an_input() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.drag(window.jack("output sine of vco"), window.jack("input cutoff of ladder"));
    let after = window.until_cable("vco.sine -> ladder.cutoff");
    assert_eq!(after.cables.len(), before.cables.len() + 1);
    window.is_one_step(&place, &before);
}

#[test]
fn a_cable_is_dragged_from_an_input_to_an_output() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.drag(window.jack("input cv of vca"), window.jack("output triangle of vco"));
    let after = window.until_cable("vco.triangle -> vca.cv");
    assert_eq!(after.cables.len(), before.cables.len() + 1);
    window.is_one_step(&place, &before);
}

#[test]
fn a_cable_that_is_let_go_on_a_face_goes_where_that_module_is_fed() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let face = window.bar("vca");
    window.drag(window.jack("output sine of vco"), face);
    window.until_cable("vco.sine -> vca.in");
    window.is_one_step(&place, &before);
}

#[test]
fn an_input_gives_its_cable_to_the_hand_and_another_input_takes_it() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.drag(window.jack("input in of ladder"), window.jack("input drive of ladder"));
    let after = window.until_cable("vco.saw -> ladder.drive");
    assert!(!after.cables.contains(&cable("vco.saw -> ladder.in")));
    assert_eq!(after.cables.len(), before.cables.len());
    window.is_one_step(&place, &before);
}

#[test]
fn a_cable_that_is_put_back_where_it_was_is_no_step() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let (jack, away) = (window.jack("input in of ladder"), window.spot(420.0, 500.0));
    window.carry(jack, away);
    window.point(jack);
    window.release(jack);
    // What is asked next is answered next.
    window.drag(window.jack("output sine of vco"), window.jack("input cv of vca"));
    window.until_cable("vco.sine -> vca.cv");
    window.is_one_step(&place, &before);
}

#[test]
fn a_cable_that_is_dropped_on_empty_space_is_unplugged() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let space = window.spot(700.0, 480.0);
    window.drag(window.jack("input in of ladder"), space);
    let gone = cable("vco.saw -> ladder.in");
    let after = window.until_patch("it is unplugged", |patch| !patch.cables.contains(&gone));
    assert_eq!(after.cables.len(), before.cables.len() - 1);
    assert!(!window.shows("Search modules"), "and nothing is looked for");
    window.is_one_step(&place, &before);
}

#[test]
fn a_new_cable_that_is_dropped_on_empty_space_asks_for_a_module_and_goes_into_it() {
    let place = Place::playing(&voice_and(&[standing("lfo", "lfo", 0, 600)]));
    let mut window = Worked::on(&place);
    let before = window.patch();
    let space = window.spot(700.0, 700.0);
    window.drag(window.jack("output sine of lfo"), space);
    window.until_shown("Add a module after lfo.sine");
    window.write("reverb");
    window.press(Key::Enter);
    let after = window.until_patch("a reverb", |patch| patch.modules.contains_key("reverb"));
    assert!(after.cables.iter().any(|cable| cable.to_string().starts_with("lfo.sine -> reverb.")));
    window.is_one_step(&place, &before);

    let before = window.patch();
    let space = window.spot(460.0, 700.0);
    window.drag(window.jack("input cv of vca"), space);
    window.until_shown("Add a module before vca.cv");
    window.write("adsr");
    window.press(Key::Enter);
    window.until_cable("adsr.env -> vca.cv");
    window.is_one_step(&place, &before);
}

#[test]
fn what_does_not_fit_is_refused_with_a_sentence_and_changes_nothing() {
    let place = Place::playing(&voice_and(&[standing("noise", "noise", 0, 600)]));
    let mut window = Worked::on(&place);
    let before = window.patch();
    let no_inputs = window.bar("noise");
    let tries = [
        (window.jack("output sine of vco"), window.jack("output lowpass of ladder")),
        (window.jack("input cv of vca"), window.jack("input cutoff of ladder")),
        (window.jack("output saw of vco"), window.jack("input in of ladder")),
        (window.jack("output sine of vco"), no_inputs),
    ];
    for (from, to) in tries {
        window.drag(from, to);
    }
    let mut sentences = window.sentences();
    sentences.reverse();
    let refusals = [
        "This is an output too.",
        "This is an input too.",
        "Already connected.",
        "It has no inputs.",
    ];
    // The host has its say, too, whenever it likes.
    sentences.retain(|sentence| refusals.contains(&sentence.as_str()));
    assert_eq!(sentences, refusals);
    // What is asked next is answered next.
    window.drag(window.jack("output sine of vco"), window.jack("input cv of vca"));
    window.until_cable("vco.sine -> vca.cv");
    window.is_one_step(&place, &before);
}

#[test]
fn escape_lets_go_of_a_cable() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let (from, to) = (window.jack("output sine of vco"), window.jack("input drive of ladder"));
    window.carry(from, to);
    window.press(Key::Escape);
    window.release(to);
    window.drag(from, window.jack("input cv of vca"));
    window.until_cable("vco.sine -> vca.cv");
    window.is_one_step(&place, &before);
}

#[test]
fn the_delay_of_a_loop_moves_to_another_cable_by_its_menu() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.drag(window.jack("output out of vca"), window.jack("input cutoff of ladder"));
    let before = window.until_cable("vca.out -> ladder.cutoff");
    assert_eq!(before.delayed, [cable("vca.out -> ladder.cutoff")].into());
    let (from, to) = (window.jack("output lowpass of ladder"), window.jack("input in of vca"));
    window.right_click_at(from + (to - from) / 2.0);
    window.click("Delay this cable instead");
    let moved = BTreeSet::from([cable("ladder.lowpass -> vca.in")]);
    window.until_patch("a delay that has moved", |patch| patch.delayed == moved);
    window.is_one_step(&place, &before);
}
