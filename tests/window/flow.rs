//! What is added, moved and named without losing sight of anything.

use eframe::egui::{Event, Key, Modifiers, Pos2, vec2};
use sostenuto_patch::{Edit, Patch, apply};

use super::place::Place;
use super::worked::{Worked, cable, id, standing, voice, voice_and};

/// Modules of a window that lie on others, by their labels.
fn overlaps(window: &Worked, patch: &Patch) -> Vec<(String, String)> {
    let rects: Vec<_> =
        patch.modules.keys().map(|id| (id.to_string(), window.module(id.as_str()))).collect();
    let mut overlaps = Vec::new();
    for (index, (name, rect)) in rects.iter().enumerate() {
        for (other, there) in &rects[..index] {
            if rect.shrink(1.0).intersects(there.shrink(1.0)) {
                overlaps.push((name.clone(), other.clone()));
            }
        }
    }
    overlaps
}

#[test]
fn modules_that_are_added_at_one_place_lie_beside_each_other_and_are_in_view() {
    let place = Place::silent();
    let mut window = Worked::on(&place);
    for (count, typed) in ["vco", "adsr", "delay", "reverb", "mixer", "scope"].iter().enumerate() {
        window.point(Pos2::new(700.0, 500.0));
        window.command(Key::K);
        window.until_shown("Search modules");
        window.write(typed);
        window.press(Key::Enter);
        let patch = window.until_patch(typed, |patch| patch.modules.len() == count + 1);
        assert_eq!(overlaps(&window, &patch), [], "after {typed}");
        let canvas = window.rect("Canvas");
        let added = window.module(typed);
        assert!(canvas.contains_rect(added), "{typed}: {added} in {canvas}");
    }
}

#[test]
fn shift_moves_all_cables_of_a_port_in_one_step() {
    let mut patch = voice_and(&[standing("svf", "svf", 420, 500)]);
    apply(&mut patch, Edit::Connect(cable("vco.saw -> svf.in"))).unwrap();
    let place = Place::playing(&patch);
    let mut window = Worked::on(&place);
    let before = window.patch();
    let [from, to] = ["output saw of vco", "output sine of vco"].map(|label| window.jack(label));
    window.event(Event::ModifiersChanged(Modifiers::SHIFT));
    window.drag(from, to);
    window.event(Event::ModifiersChanged(Modifiers::NONE));
    let after = window.until_cable("vco.sine -> ladder.in");
    assert!(after.cables.contains(&cable("vco.sine -> svf.in")));
    assert!(after.cables.iter().all(|cable| &*cable.from.port != "saw"));
    window.is_one_step(&place, &before);
}

#[test]
fn a_port_has_a_menu() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let jack = window.jack("input in of vca");
    window.right_click_at(jack);
    window.click("Unplug");
    let gone = cable("ladder.lowpass -> vca.in");
    window.until_patch("it is unplugged", |patch| !patch.cables.contains(&gone));
    window.right_click_at(jack);
    window.click("Add a module before it…");
    window.until_shown("Add a module before vca.in");
}

#[test]
fn a_double_click_on_its_title_renames_a_module() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let title = window.bar("ladder");
    window.double_click_at(title);
    window.until_shown("Name of the module");
    window.command(Key::A);
    window.write("My Filter");
    window.press(Key::Enter);
    let patch = window.until_patch("a name", |patch| patch.modules.contains_key("my-filter"));
    assert!(patch.cables.contains(&cable("vco.saw -> my-filter.in")));
}

#[test]
fn what_a_replaced_module_drops_is_said() {
    let mut patch = voice();
    patch.modules.insert(id("lfo"), sostenuto_patch::PatchModule::new("lfo", 0.0, 500.0));
    apply(&mut patch, Edit::Connect(cable("lfo.sine -> ladder.resonance"))).unwrap();
    let place = Place::playing(&patch);
    let mut window = Worked::on(&place);
    let title = window.bar("ladder");
    window.right_click_at(title);
    window.click("Replace…");
    window.until_shown("Search modules");
    window.write("wavefolder");
    window.press(Key::Enter);
    window.until_patch("another", |patch| !patch.modules.contains_key("ladder"));
    window.until_said("A cable had no place on Wavefolder");
}

#[test]
fn undo_brings_back_what_was_seen_of_a_patch() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    window.editor().canvas().zoom(1.7);
    window.settle();
    let seen = window.editor().canvas().camera;
    window.command(Key::N);
    window.until_patch("a new patch", |patch| patch.modules.is_empty());
    assert_ne!(window.editor().canvas().camera, seen);
    window.command(Key::Z);
    window.until_patch("the patch before", |patch| !patch.modules.is_empty());
    assert_eq!(window.editor().canvas().camera, seen);
}

#[test]
fn undoing_more_than_there_is_says_nothing() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let title = window.bar("vca");
    window.drag(title, title + vec2(0.0, 100.0));
    window.until("a step", |editor| editor.model().history.undos == 1);
    for _ in 0..5 {
        window.command(Key::Z);
    }
    window.until("no step", |editor| editor.model().history.undos == 0);
    window.frames(10);
    assert!(
        !window.sentences().iter().any(|said| said.contains("undo")),
        "{:?}",
        window.sentences()
    );
}

#[test]
fn a_module_dragged_from_the_browser_onto_a_cable_goes_into_it() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let [from, to] = ["output saw of vco", "input in of ladder"].map(|label| window.jack(label));
    let middle = from + (to - from) / 2.0;
    window.point(Pos2::new(200.0, 700.0));
    window.command(Key::K);
    window.until_shown("Search modules");
    window.write("wavefolder");
    window.frames(2);
    let row = window.first("Wavefolder").center();
    window.drag(row, middle);
    let after = window.until_cable("vco.saw -> wavefolder.in");
    assert!(after.cables.contains(&cable("wavefolder.out -> ladder.in")));
    assert_eq!(overlaps(&window, &after), []);
    window.is_one_step(&place, &before);
}
