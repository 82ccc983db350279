//! Windows and hosts, of which either may end at any time.

use eframe::egui::{Key, vec2};
use sostenuto_editor::model::Connection;
use sostenuto_editor::window::Editor;
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{assert_same, module, patch, reference};

use super::place::{Place, message, word};
use super::worked::{Worked, voice};

/// The host's process, once it has said which it is.
fn pid(editor: &Editor) -> Option<u32> {
    match editor.model().connection {
        Connection::Connected { pid } if pid != 0 => Some(pid),
        _ => None,
    }
}

#[test]
fn a_patch_that_is_too_much_is_told_with_the_heaviest_modules_and_so_is_its_end() {
    // 0.8 ms a block each, of 5.3; none of them hangs.
    let params = r#""fault": "slow", "when": "always", "slow-ms": 0.1"#;
    let names = (0..16).map(|n| format!("slow-{n}"));
    let modules: Vec<String> = names.map(|name| module(&name, "saboteur", params)).collect();
    let place = Place::playing(&patch(&modules.join(", "), &[]));
    let mut window = Worked::on(&place);
    window.until_said("this machine cannot keep up with the patch");
    let sentences = window.sentences();
    let said = sentences.iter().find(|said| said.contains("cannot keep up")).expect("it was said");
    assert!(said.contains("The heaviest modules are slow-"), "{said}");
    place.listener().ask(message("/patch/new", []));
    window.until_said("The machine keeps up again.");
}

#[test]
fn a_window_starts_a_host_and_another_when_that_is_killed() {
    let place = Place::empty();
    let mut window = Worked::open(&place, Some(place.start_host()));
    window.until("a host", |editor| pid(editor).is_some());
    let killed = pid(window.editor()).expect("it was there");
    // Whoever opens the window for the first time hears something.
    window.until_patch("a first patch", |patch| !patch.modules.is_empty());
    window.command(Key::K);
    window.until_shown("Search modules");
    window.write("svf");
    window.press(Key::Enter);
    let patch = window.until_patch("an SVF", |patch| patch.modules.contains_key("svf"));
    assert_eq!(place.patch(), patch);
    signal(killed, Signal::Kill);
    window.until("another host", |editor| pid(editor).is_some_and(|pid| pid != killed));
    window.until_patch("the same patch", |there| *there == patch);
    assert_eq!(place.patch(), patch);
    window.until_said("The last session ended unexpectedly.");

    // And it is worked on as before.
    window.command(Key::K);
    window.until_shown("Search modules");
    window.write("tuner");
    window.press(Key::Enter);
    window.until_patch("a tuner", |patch| patch.modules.contains_key("tuner"));
    window.is_one_step(&place, &patch);
}

#[test]
fn a_window_finds_the_next_host_that_others_start() {
    let mut place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.until("a host", |editor| pid(editor).is_some());
    let killed = pid(window.editor()).expect("it was there");
    let patch = window.patch();
    place.kill();
    window.until("no host", |editor| matches!(editor.model().connection, Connection::Lost(_)));
    assert_eq!(window.patch(), patch, "what was there is shown meanwhile");
    window.until_shown("No host answers.");
    place.start(&[]);
    window.until("another host", |editor| pid(editor).is_some_and(|pid| pid != killed));
    window.until_patch("the same patch", |there| *there == patch);
}

#[test]
fn a_window_that_ends_in_the_middle_of_a_gesture_is_not_heard() {
    let modules = [
        module("noise", "noise", ""),
        module("audio-out", "audio-out", r#""level": -12"#),
        r#"{"id": "ladder", "kind": "ladder", "x": 420, "y": 0, "params": {}}"#.to_owned(),
    ];
    let played = patch(&modules.join(", "), &["noise.white -> audio-out.left"]);
    let place = Place::playing_in(&played, &["--block", "2048", "--ahead", "4"]);
    let mut window = Worked::on(&place);
    let mut listener = place.listener();
    listener.ask(message("/reports/subscribe", [word("recorder")]));
    let path = place.path("heard.wav");
    listener.ask(message("/record/start", [word(&path), word("f32")]));

    // A knob that is not heard is turned, and nobody lets go of it.
    let knob = window.rect("cutoff of ladder").center();
    window.carry(knob, knob - vec2(0.0, 40.0));
    let turned = window.number("cutoff of ladder");
    window.until("it is turned", |editor| {
        editor.model().patch().modules["ladder"].param("cutoff") == Some(turned)
    });
    let ended = listener.blocks();
    drop(window);
    while listener.blocks() < ended + 25 {}
    listener.ask_until(message("/record/stop", []), "/recorded");

    let heard = frames(&path);
    assert!(heard.len() >= 20 * 2048, "{} frames", heard.len());
    let all = reference(&played, 2048 * (listener.blocks() as usize + 1));
    let begins = all.windows(8).position(|frames| *frames == heard[..8]).expect("it is there");
    assert_same("window-ends", &heard, &all[begins..begins + heard.len()]);

    // The next window has it as it was left, and the step is whole.
    let mut window = Worked::on(&place);
    assert_eq!(window.number("cutoff of ladder"), turned);
    window.is_one_step(&place, &played);
}

/// The frames of a WAV.
fn frames(path: &std::path::Path) -> Vec<[f32; 2]> {
    let mut wav = hound::WavReader::open(path).expect("a WAV");
    let samples: Vec<f32> = wav.samples().map(|sample| sample.expect("a sample")).collect();
    samples.as_chunks::<2>().0.to_vec()
}
