//! Ten whole tasks without eyes: what `docs/accessibility.md` promises. Everything is
//! found, done and read through the tree that a screen reader has.

use eframe::egui::Key;
use eframe::egui::accesskit::{Action, ActionData};

use super::place::Place;
use super::worked::{Worked, cable, id, standing, voice, voice_and};

fn number(value: f64) -> Option<ActionData> {
    Some(ActionData::NumericValue(value))
}

#[test]
fn one_adds_a_module_by_what_it_does() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.command(Key::K);
    window.until_shown("Search modules");
    window.write("echo");
    window.press(Key::Enter);
    window.until_patch("a delay", |patch| patch.modules.contains_key("delay"));
    assert!(window.shows("Delay, module delay"));
}

#[test]
fn two_brings_a_voice_through_a_module_that_was_added() {
    let place = Place::playing(&voice_and(&[standing("svf", "svf", 420, 600)]));
    let mut window = Worked::on(&place);
    for (from, to, text) in [
        ("output square of vco", "input in of svf", "vco.square -> svf.in"),
        ("output bandpass of svf", "input in of vca", "svf.bandpass -> vca.in"),
    ] {
        window.have(from, Action::Click, None);
        window.have(to, Action::Click, None);
        window.until_cable(text);
    }
}

#[test]
fn three_sets_a_knob_and_reads_it_with_its_unit() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.have("cutoff of ladder", Action::SetValue, number(440.0));
    window.until_value("cutoff of ladder", "440 Hz");
    window.have("cutoff of ladder", Action::Increment, None);
    window.until_patch("brighter", |patch| patch.modules["ladder"].param("cutoff") > Some(440.0));
    window.have("cutoff of ladder", Action::Decrement, None);
    window.until_value("cutoff of ladder", "440 Hz");
}

#[test]
fn four_throws_a_switch_and_chooses_a_word() {
    let place = Place::playing(&voice_and(&[standing("delay", "delay", 420, 600)]));
    let mut window = Worked::on(&place);
    window.have("ping-pong of delay", Action::SetValue, number(1.0));
    window.have("division of delay", Action::SetValue, number(2.0));
    window.until_patch("both", |patch| {
        let delay = &patch.modules["delay"];
        delay.param("ping-pong") == Some(1.0) && delay.param("division") == Some(2.0)
    });
    window.until_value("division of delay", "1/2");
}

#[test]
fn five_writes_a_rhythm_and_reads_it() {
    let place = Place::playing(&voice_and(&[standing("drums", "drum-grid", 0, 600)]));
    let mut window = Worked::on(&place);
    window.have("grid of drums", Action::Focus, None);
    for _ in 0..4 {
        window.press(Key::Space);
        (0..4).for_each(|_| window.press(Key::ArrowRight));
    }
    window.until_patch("four to the floor", |patch| {
        patch.modules["drums"].param("track-1") == Some(4369.0)
    });
    window.until_value("track-1 of drums", "x---x---x---x---");
}

#[test]
fn six_hears_which_notes_a_chord_has() {
    let place = Place::playing(&voice_and(&[standing("chord", "chord", 0, 600)]));
    let mut window = Worked::on(&place);
    window.until_value("notes of chord", "C4 E4 G4 C5");
    window.have("chord of chord", Action::SetValue, number(1.0));
    window.until_value("notes of chord", "C4 D#4 G4 C5");
}

#[test]
fn seven_bypasses_a_module_and_takes_it_away() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.have("Ladder VCF, module ladder", Action::Click, None);
    assert!(window.is_chosen("ladder"));
    window.command(Key::B);
    window.until_patch("bypassed", |patch| patch.modules["ladder"].is_bypassed);
    window.press(Key::Delete);
    window.until_cable("vco.saw -> vca.in");
    assert!(!window.shows("Ladder VCF, module ladder"));
}

#[test]
fn eight_goes_back_and_forth_through_what_was_done() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.have("output sine of vco", Action::Click, None);
    window.have("input cv of vca", Action::Click, None);
    window.until_cable("vco.sine -> vca.cv");
    window.command(Key::Z);
    window.until("undone", |editor| *editor.model().patch() == before);
    window.command(Key::Y);
    let redone = cable("vco.sine -> vca.cv");
    window.until_patch("redone", |patch| patch.cables.contains(&redone));
}

#[test]
fn nine_asks_how_the_sound_is() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.press(Key::F4);
    window.until_shown("Load of a block");
    window.until_shown("The sound is well");
    window.press(Key::F4);
    window.frames(4);
    assert!(!window.shows("Load of a block"));
}

#[test]
fn ten_plays_a_key_and_hits_a_drum() {
    let drums = standing("drums", "drum-grid", 0, 600);
    let keyboard = standing("keyboard", "keyboard", 600, 600);
    let place = Place::playing(&voice_and(&[drums, keyboard]));
    let mut window = Worked::on(&place);
    window.have("hit 1, track 1 of drums", Action::Click, None);
    window.key_down(Key::A);
    window.until("the key is heard", |editor| {
        let gates = editor.model().signals.display(&id("keyboard"));
        gates.first().is_some_and(|volts| *volts > 1.0)
    });
    window.key_up(Key::A);
    let refused = window.sentences().into_iter().filter(|said| !said.contains("silent clock"));
    assert_eq!(refused.collect::<Vec<_>>(), [""; 0]);
}
