//! Modules that are made one, looked into, and taken apart.

use eframe::egui::{Key, Modifiers, vec2};
use sostenuto_patch::{Patch, PatchModule};

use super::place::Place;
use super::worked::{Worked, cable, id, voice, voice_and};

/// The window, after two of the voice's modules were chosen and made one.
fn grouped(place: &Place) -> (Worked, Patch) {
    let mut window = Worked::on(place);
    let before = window.patch();
    let [ladder, vca] = ["ladder", "vca"].map(|name| window.bar(name));
    window.click_at(ladder);
    window.click_more_at(vca);
    window.command(Key::G);
    let patch = window.until_patch("a group", |patch| patch.groups.len() == 1);
    window.until_shown("Group, group");
    assert_eq!(patch.cables, before.cables);
    (window, before)
}

#[test]
fn chosen_modules_become_one_with_the_ports_that_leave_them_and_one_undo_brings_them_back() {
    let place = Place::playing(&voice());
    let (mut window, before) = grouped(&place);
    assert!(!window.shows_part("module ladder"), "it lies in the group");
    window.jack("input ladder.in of Group");
    window.is_one_step(&place, &before);
}

#[test]
fn a_double_click_opens_a_group_and_escape_leaves_it() {
    let place = Place::playing(&voice());
    let (mut window, _) = grouped(&place);
    window.settle();
    let bar = window.rect("Group, group").center_top() + vec2(0.0, 10.0);
    window.double_click_at(bar);
    window.until_shown("From outside");
    window.module("ladder");
    assert!(!window.shows_part("module vco"), "it lies outside");
    // What is added here lies here.
    window.command(Key::K);
    window.until_shown("Search modules");
    window.write("lfo");
    window.press(Key::Enter);
    let patch = window.until_patch("an LFO", |patch| patch.modules.contains_key("lfo"));
    assert_eq!(patch.modules["lfo"].group, patch.modules["ladder"].group);
    window.settle();
    window.press(Key::Escape);
    window.until_shown("Group, group");
    assert!(!window.shows_part("module lfo"));
}

#[test]
fn ungrouping_puts_modules_back_where_they_were() {
    let place = Place::playing(&voice());
    let (mut window, before) = grouped(&place);
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::G);
    let after = window.until_patch("no group", |patch| patch.groups.is_empty());
    assert_eq!(after, before);
}

#[test]
fn a_group_is_moved_copied_and_deleted_as_a_module_is() {
    let place = Place::playing(&voice());
    let (mut window, _) = grouped(&place);
    let group = "group-1";
    let at = window.rect("Group, group").center_top() + vec2(0.0, 10.0);
    let was = window.patch().groups[group].clone();
    window.drag(at, at + vec2(0.0, 120.0));
    window.until_patch("it moved", |patch| patch.groups[group].y > was.y);
    window.command(Key::D);
    let patch = window.until_patch("a copy", |patch| patch.groups.len() == 2);
    assert_eq!(patch.modules.len(), voice().modules.len() + 2);
    let fed = patch.cables.iter().filter(|cable| cable.from == "vco.saw".parse().unwrap());
    assert_eq!(fed.count(), 2, "the copy is fed as the group is");
    window.settle();
    window.press(Key::Delete);
    let patch = window.until_patch("one is gone", |patch| patch.groups.len() == 1);
    assert_eq!(patch.modules.len(), voice().modules.len());
}

#[test]
fn a_cable_is_pulled_from_a_group_to_a_module_and_back() {
    let mut more = voice_and(&[]);
    more.modules.insert(id("svf"), PatchModule::new("svf", 600.0, 700.0));
    let place = Place::playing(&more);
    let (mut window, _) = grouped(&place);
    let [from, to] = ["output vca.out of Group", "input in of svf"].map(|it| window.jack(it));
    window.drag(from, to);
    window.until_cable("vca.out -> svf.in");
    let from = window.jack("output lowpass of svf");
    let to = window.jack("input ladder.in of Group");
    window.drag(from, to);
    let patch = window.until_cable("svf.lowpass -> ladder.in");
    assert!(patch.cables.contains(&cable("vco.saw -> ladder.in")));
}

#[test]
fn a_linked_copy_follows_and_is_one_undo_step() {
    let place = Place::playing(&voice());
    let (mut window, before) = grouped(&place);
    let grouped = window.patch();
    window.settle();
    let bar = window.rect("Group, group").center_top() + vec2(0.0, 10.0);
    window.right_click_at(bar);
    window.click("Linked copy");
    let patch = window.until_patch("a copy", |patch| {
        patch.groups.values().filter(|group| group.link.is_some()).count() == 2
    });
    assert!(patch.cables.contains(&cable("vco.saw -> ladder-2.in")));
    window.until_shown("Group ×2, group");
    window.command(Key::Z);
    window.until_patch("as it was", |patch| *patch == grouped);
    window.command(Key::Z);
    window.until_patch("no group", |patch| *patch == before);
}

#[test]
fn a_group_becomes_voices_that_come_together_again() {
    let place = Place::playing(&voice());
    let (mut window, _) = grouped(&place);
    window.settle();
    let bar = window.rect("Group, group").center_top() + vec2(0.0, 10.0);
    window.right_click_at(bar);
    window.click_part("Make voices");
    window.click("4");
    let patch = window.until_patch("four voices", |patch| {
        patch.groups.values().filter(|group| group.link.is_some()).count() == 4
    });
    for text in ["vco.saw -> split.in", "split.out-4 -> ladder-4.in", "vca-4.out -> merge.in-4"] {
        assert!(patch.cables.contains(&cable(text)), "{text}");
    }
    window.until_shown("Group ×4, group");
}
