//! Modules under the hand.

use eframe::egui::{Key, Modifiers};
use sostenuto_patch::Patch;

use super::place::Place;
use super::worked::{Worked, cable, id, standing, voice, voice_and};

#[test]
fn a_module_is_found_and_added_by_keys_alone() {
    let place = Place::silent();
    let mut window = Worked::on(&place);
    window.press(Key::Enter);
    window.until_shown("Search modules");
    window.write("ladder");
    window.press(Key::Enter);
    window.until_patch("a ladder", |patch| patch.modules.contains_key("ladder"));
    assert!(!window.shows("Search modules"));
    assert!(window.is_chosen("ladder"));
    window.is_one_step(&place, &Patch::default());

    let before = window.patch();
    window.command(Key::K);
    window.until_shown("Search modules");
    window.write("vc");
    // The list begins with what fits best, and arrows choose from it.
    window.press(Key::ArrowDown);
    window.press(Key::ArrowUp);
    window.write("o");
    window.press(Key::Enter);
    window.until_patch("a VCO", |patch| patch.modules.contains_key("vco"));
    window.is_one_step(&place, &before);
}

#[test]
fn who_thinks_better_of_it_adds_nothing() {
    let place = Place::silent();
    let mut window = Worked::on(&place);
    window.press(Key::Enter);
    window.until_shown("Search modules");
    window.write("ladder");
    window.press(Key::Escape);
    assert!(!window.shows("Search modules"));
    window.press(Key::Enter);
    window.until_shown("Search modules");
    window.write("vca");
    window.press(Key::Enter);
    let after = window.until_patch("a VCA", |patch| !patch.modules.is_empty());
    assert_eq!(after.modules.keys().collect::<Vec<_>>(), [&id("vca")]);
}

#[test]
fn a_double_click_adds_a_module_where_it_was_clicked() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let at = window.spot(900.0, 480.0);
    window.double_click_at(at);
    window.until_shown("Search modules");
    window.write("noise");
    window.press(Key::Enter);
    window.until_patch("a noise", |patch| patch.modules.contains_key("noise"));
    assert!(window.module("noise").contains(at));
    window.is_one_step(&place, &before);
}

#[test]
fn a_module_that_is_dragged_onto_a_cable_goes_into_it() {
    let place = Place::playing(&voice_and(&[standing("svf", "svf", 420, 560)]));
    let mut window = Worked::on(&place);
    let before = window.patch();
    let (from, to) = (window.jack("output saw of vco"), window.jack("input in of ladder"));
    let way = from + (to - from) / 2.0 - window.module("svf").center();
    let bar = window.bar("svf");
    window.drag(bar, bar + way);
    let after = window.until_cable("vco.saw -> svf.in");
    assert!(after.cables.contains(&cable("svf.lowpass -> ladder.in")));
    assert!(!after.cables.contains(&cable("vco.saw -> ladder.in")));
    assert_ne!(after.modules["svf"].y, before.modules["svf"].y);
    window.is_one_step(&place, &before);
}

#[test]
fn a_module_is_inserted_into_a_cable_by_its_menu() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let (from, to) = (window.jack("output lowpass of ladder"), window.jack("input in of vca"));
    window.right_click_at(from + (to - from) / 2.0);
    window.click("Insert a module…");
    window.until_shown("Insert into ladder.lowpass");
    window.write("svf");
    window.press(Key::Enter);
    let after = window.until_cable("svf.lowpass -> vca.in");
    assert!(after.cables.contains(&cable("ladder.lowpass -> svf.in")));
    assert!(!after.cables.contains(&cable("ladder.lowpass -> vca.in")));
    window.is_one_step(&place, &before);
}

#[test]
fn modules_that_are_deleted_leave_their_way_through() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let bar = window.bar("ladder");
    window.click_at(bar);
    assert!(window.is_chosen("ladder") && !window.is_chosen("vca"));
    window.press(Key::Delete);
    let after = window.until_cable("vco.saw -> vca.in");
    assert!(!after.modules.contains_key("ladder"));
    assert_eq!(after.cables.len(), 2);
    window.is_one_step(&place, &before);
}

#[test]
fn the_menu_of_a_module_deletes_as_the_key_does() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let bar = window.bar("ladder");
    window.right_click_at(bar);
    window.click("Delete");
    let after = window.until_patch("no ladder", |patch| !patch.modules.contains_key("ladder"));
    assert!(after.cables.contains(&cable("vco.saw -> vca.in")));
    window.is_one_step(&place, &before);
}

#[test]
fn a_module_that_is_replaced_keeps_its_cables() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let bar = window.bar("ladder");
    window.right_click_at(bar);
    window.click("Replace…");
    window.until_shown("Replace ladder");
    window.write("svf");
    window.press(Key::Enter);
    let after = window.until_patch("an SVF", |patch| patch.modules.contains_key("svf"));
    assert!(!after.modules.contains_key("ladder"));
    assert!(after.cables.contains(&cable("vco.saw -> svf.in")));
    assert!(after.cables.contains(&cable("svf.lowpass -> vca.in")));
    assert_eq!(after.cables.len(), 3);
    window.is_one_step(&place, &before);
}

#[test]
fn modules_in_a_box_are_carried_together() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let (from, to) = (window.spot(380.0, -30.0), window.spot(900.0, 60.0));
    window.drag(from, to);
    assert!(window.is_chosen("ladder") && window.is_chosen("vca"));
    assert!(!window.is_chosen("vco") && !window.is_chosen("audio-out"));
    let (bar, way) = (window.bar("vca"), window.spot(0.0, 80.0) - window.spot(0.0, 0.0));
    window.drag(bar, bar + way);
    let after = window.until_patch("they move", |patch| patch.modules["vca"].y != 0.0);
    let y = |id: &str| after.modules[id].y;
    assert_eq!([y("vco"), y("ladder"), y("vca"), y("audio-out")], [0.0, 80.0, 80.0, 0.0]);
    assert_eq!(after.cables, before.cables);
    window.is_one_step(&place, &before);
}

#[test]
fn a_module_is_bypassed_and_renamed() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let bar = window.bar("ladder");
    window.click_at(bar);
    window.command(Key::B);
    window.until_patch("it is bypassed", |patch| patch.modules["ladder"].is_bypassed);
    window.is_one_step(&place, &before);

    let before = window.patch();
    window.right_click_at(bar);
    window.click_part("Rename");
    window.until_shown("Name of the module");
    window.press_with(Modifiers::COMMAND, Key::A);
    window.write("growl");
    window.press(Key::Enter);
    let after = window.until_patch("its name", |patch| patch.modules.contains_key("growl"));
    assert!(after.cables.contains(&cable("vco.saw -> growl.in")));
    window.is_one_step(&place, &before);
}
