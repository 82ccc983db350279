//! What is played, and what is killed while it plays.

use eframe::egui::Key;

use super::place::Place;
use super::worked::{Worked, id, standing, voice, voice_and};

/// How many keys the module's own display shows as down.
fn gates(editor: &sostenuto_editor::window::Editor) -> usize {
    let display = editor.model().signals.display(&id("keyboard"));
    let gates = &display[..display.len() / 2];
    gates.iter().filter(|&&gate_volts| gate_volts > 1.0).count()
}

#[test]
fn the_keyboard_on_the_screen_is_heard_while_a_key_is_down() {
    let place = Place::playing(&voice_and(&[standing("keyboard", "keyboard", 0, 560)]));
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.click("Keyboard");
    window.until_shown("piano of the window's keyboard");
    window.settle();
    window.until("what it shows", |editor| {
        !editor.model().signals.display(&id("keyboard")).is_empty() && gates(editor) == 0
    });
    let key = window.rect("piano of the window's keyboard").center();
    window.hold(key);
    window.until("a gate", |editor| gates(editor) == 1);
    let value = window.node("piano of the window's keyboard").value().expect("it says which");
    assert!(!value.is_empty() && !value.contains(' '), "{value}");
    window.release(key);
    window.until("no gate", |editor| gates(editor) == 0);

    // And by the keys that one writes with.
    window.key_down(Key::A);
    window.until("a gate", |editor| gates(editor) == 1);
    window.key_up(Key::A);
    window.until("no gate", |editor| gates(editor) == 0);
    assert_eq!((window.patch(), place.patch()), (before.clone(), before));
}

#[test]
fn a_keyboard_that_is_closed_lets_go_of_its_keys() {
    let place = Place::playing(&voice_and(&[standing("keyboard", "keyboard", 0, 560)]));
    let mut window = Worked::on(&place);
    window.click("Keyboard");
    window.until_shown("piano of the window's keyboard");
    window.settle();
    window.key_down(Key::A);
    window.until("a gate", |editor| gates(editor) == 1);
    window.click("Keyboard");
    assert!(!window.shows("piano of the window's keyboard"));
    window.until("no gate", |editor| gates(editor) == 0);
}

#[test]
fn the_drill_kills_a_worker_and_says_how_soon_another_did_its_work() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.press(Key::F4);
    window.until_shown("Kill a worker while you listen");
    window.frames(3);
    window.click("Kill a worker while you listen");
    window.until_shown("was killed.");
    let drill = window.editor().model().drill.expect("it was shown");
    // 0 where it had nothing to do.
    assert!(drill.recovery_secs >= 0.0 && drill.recovery_secs.is_finite(), "{drill:?}");
    window.until_shown("replaced once");
    let workers = &window.editor().model().status.workers;
    assert!(workers.iter().all(|worker| worker.pid != drill.pid), "{workers:?}");
    let mut listener = place.listener();
    let now = listener.blocks();
    while listener.blocks() < now + 20 {}
}
