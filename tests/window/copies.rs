//! Copies of what was chosen.

use eframe::egui::{Event, Key};

use super::place::Place;
use super::worked::{Worked, cable, voice};

/// Chooses the ladder and the VCA.
fn choose(window: &mut Worked) {
    let (one, other) = (window.bar("ladder"), window.bar("vca"));
    window.click_at(one);
    window.click_more_at(other);
    assert!(window.is_chosen("ladder") && window.is_chosen("vca"));
}

#[test]
fn duplicates_are_fed_as_what_they_are_copies_of() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    choose(&mut window);
    window.command(Key::D);
    let after = window.until_cable("ladder-2.lowpass -> vca-2.in");
    assert!(after.cables.contains(&cable("vco.saw -> ladder-2.in")));
    assert_eq!((after.modules.len(), after.cables.len()), (6, 5));
    assert!(window.is_chosen("ladder-2") && !window.is_chosen("ladder"));
    window.is_one_step(&place, &before);
}

#[test]
fn what_is_copied_is_pasted_under_the_pointer_with_the_cables_within() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    choose(&mut window);
    let words = window.copied_by(Event::Copy);
    let at = window.spot(420.0, 560.0);
    window.point(at);
    window.event(Event::Paste(words));
    let after = window.until_cable("ladder-2.lowpass -> vca-2.in");
    assert_eq!((after.modules.len(), after.cables.len()), (6, 4), "and no cable from outside");
    let (copy, other) = (&after.modules["ladder-2"], &after.modules["vca-2"]);
    assert_eq!((copy.x, copy.y, other.x - copy.x), (420.0, 560.0, 420.0));
    window.is_one_step(&place, &before);
}

#[test]
fn what_is_cut_is_pasted_into_another_window() {
    let (place, other_place) = (Place::playing(&voice()), Place::silent());
    let (mut window, mut other) = (Worked::on(&place), Worked::on(&other_place));
    choose(&mut window);
    let words = window.copied_by(Event::Cut);
    let after = window.until_cable("vco.saw -> audio-out.left");
    assert_eq!(after.modules.len(), 2);
    other.event(Event::Paste(words));
    let pasted = other.until_cable("ladder.lowpass -> vca.in");
    assert_eq!(pasted.modules.len(), 2);
}

#[test]
fn words_that_are_no_patch_are_not_pasted() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    window.event(Event::Paste("milk, bread, honey".to_owned()));
    assert!(window.sentences()[0].starts_with("The clipboard does not contain a patch"));
    choose(&mut window);
    window.command(Key::D);
    window.until_cable("ladder-2.lowpass -> vca-2.in");
    window.is_one_step(&place, &before);
}
