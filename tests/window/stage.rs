//! The stage: what is put there, how it is played, and what stays shut while it is locked.

use eframe::egui::{Key, vec2};
use sostenuto_patch::Part;

use super::place::Place;
use super::worked::{Worked, voice};

fn is_staged(patch: &sostenuto_patch::Patch, part: &str) -> bool {
    patch.modules["ladder"].staged.contains_key(&part.parse::<Part>().expect("a part"))
}

/// The window with the cutoff on stage, and the stage open.
fn opened(place: &Place) -> Worked {
    let mut window = Worked::on(place);
    let knob = window.rect("cutoff of ladder").center();
    window.right_click_at(knob);
    window.click("Put on stage");
    window.until_patch("it is on stage", |patch| is_staged(patch, "param cutoff"));
    window.settle();
    window.press(Key::F2);
    window.until_shown("Change cutoff");
    window
}

#[test]
fn a_knob_is_put_on_stage_turned_there_and_is_gone_with_its_module_until_undo() {
    let place = Place::playing(&voice());
    let mut window = opened(&place);
    assert!(!window.shows_part("module ladder"), "the patch is not seen");
    let was = window.number("cutoff of ladder");
    let knob = window.rect("cutoff of ladder").center();
    window.drag(knob, knob - vec2(0.0, 60.0));
    window.until_patch("it was turned", |patch| {
        patch.modules["ladder"].param("cutoff").is_some_and(|hz| hz > 1.2 * was)
    });
    window.press(Key::F2);
    window.until_shown("Canvas");
    let bar = window.bar("ladder");
    window.click_at(bar);
    window.settle();
    window.press(Key::Delete);
    window.until_patch("it is gone", |patch| !patch.modules.contains_key("ladder"));
    window.command(Key::Z);
    let patch = window.until_patch("it is back", |patch| patch.modules.contains_key("ladder"));
    assert!(is_staged(&patch, "param cutoff"), "on stage, too");
}

#[test]
fn a_locked_stage_lets_no_key_change_the_patch_and_stays() {
    let place = Place::playing(&voice());
    let mut window = opened(&place);
    let before = window.patch();
    window.click("Lock");
    window.settle();
    for key in [Key::Delete, Key::F2, Key::Insert, Key::Enter, Key::Escape] {
        window.press(key);
    }
    for key in [Key::Z, Key::V, Key::G, Key::N, Key::D, Key::A, Key::L] {
        window.command(key);
    }
    window.settle();
    assert!(window.shows("Locked") && !window.shows_part("module ladder"));
    assert!(!window.shows("Search modules"));
    assert_eq!(window.patch(), before);
    window.click("Locked");
    window.settle();
    window.press(Key::F2);
    window.until_shown("Canvas");
}

#[test]
fn a_knob_and_a_port_are_brought_to_the_edge_of_a_group_and_named_there() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let bar = window.bar("ladder");
    window.click_at(bar);
    window.command(Key::G);
    window.until_shown("Group, group");
    window.settle();
    let bar = window.rect("Group, group").center_top() + vec2(0.0, 10.0);
    window.double_click_at(bar);
    window.until_shown("From outside");
    window.settle();
    let canvas = window.rect("Canvas");
    let knob = window.rect("resonance of ladder").center();
    let edge = eframe::egui::pos2(canvas.right() - 36.0, knob.y);
    window.drag(knob, edge);
    let patch = window.until_patch("the knob is shown", |patch| {
        patch.modules["ladder"].shown.contains_key(&"param resonance".parse().expect("a part"))
    });
    assert_eq!(
        patch.modules["ladder"].param("resonance"),
        voice().modules["ladder"].param("resonance")
    );
    window.settle();
    let jack = window.jack("input cutoff of ladder");
    window.drag(jack, eframe::egui::pos2(canvas.left() + 40.0, jack.y + 60.0));
    let part: Part = "input cutoff".parse().expect("a part");
    let patch = window.until_patch("the port is shown", |patch| {
        patch.modules["ladder"].shown.contains_key(&part)
    });
    assert_eq!(patch.cables, voice().cables);
    window.settle();
    let jack = window.jack("input cutoff of ladder");
    window.right_click_at(jack);
    window.click_part("Name…");
    window.settle();
    window.write("Tone");
    window.press(Key::Enter);
    window.until_patch("it has a name", |patch| {
        patch.title_of(&"ladder".parse().expect("a name"), &part) == Some("Tone")
    });
    window.settle();
    window.press(Key::Escape);
    window.press(Key::Escape);
    window.until_shown("Group, group");
    window.jack("input Tone of Group");
}
