//! Two windows on one host.

use eframe::egui::{Key, vec2};

use super::place::Place;
use super::worked::{Worked, cable, voice};

/// Draws frames in both until they show the same, and it is so.
#[track_caller]
fn until_both(
    one: &mut Worked,
    other: &mut Worked,
    is_so: impl Fn(&sostenuto_patch::Patch) -> bool,
) {
    one.until("the first is in step", |_| {
        other.frames(1);
        is_so(&other.patch())
    });
    let patch = other.patch();
    one.until("both show the same", |editor| *editor.model().patch() == patch);
    one.settle();
    other.settle();
}

#[test]
fn two_windows_on_one_host_stay_in_step() {
    let place = Place::playing(&voice());
    let (mut one, mut other) = (Worked::on(&place), Worked::on(&place));
    let first = one.patch();
    one.drag(one.jack("output sine of vco"), one.jack("input cv of vca"));
    until_both(&mut one, &mut other, |patch| patch.cables.contains(&cable("vco.sine -> vca.cv")));
    let second = one.patch();
    let bar = other.bar("ladder");
    other.drag(bar, bar + vec2(0.0, 90.0));
    until_both(&mut one, &mut other, |patch| patch.modules["ladder"].y != 0.0);

    // The steps are the host's: each window takes back what the other has done.
    one.command(Key::Z);
    until_both(&mut one, &mut other, |patch| *patch == second);
    other.command(Key::Z);
    until_both(&mut one, &mut other, |patch| *patch == first);
    assert_eq!(place.patch(), first);
}

#[test]
fn two_windows_are_worked_at_once_and_nothing_is_lost() {
    let place = Place::playing(&voice());
    let (mut one, mut other) = (Worked::on(&place), Worked::on(&place));
    let (knob, bar) = (one.rect("cutoff of ladder").center(), other.bar("audio-out"));
    one.carry(knob, knob - vec2(0.0, 20.0));
    other.carry(bar, bar + vec2(0.0, 30.0));
    for step in 0..20 {
        let further = vec2(0.0, 2.0 * step as f32);
        one.point(knob - vec2(0.0, 20.0) - further);
        other.point(bar + vec2(0.0, 30.0) + further);
    }
    let turned = one.number("cutoff of ladder");
    one.release(knob - vec2(0.0, 58.0));
    other.release(bar + vec2(0.0, 68.0));
    until_both(&mut one, &mut other, |patch| {
        let is_turned = patch.modules["ladder"].param("cutoff") == Some(turned);
        is_turned && patch.modules["audio-out"].y != 0.0
    });
    assert_eq!(place.patch(), one.patch());
}

#[test]
fn a_module_that_another_takes_away_leaves_the_hand() {
    let place = Place::playing(&voice());
    let (mut one, mut other) = (Worked::on(&place), Worked::on(&place));
    let (from, to) = (one.jack("output lowpass of ladder"), one.jack("input cv of vca"));
    one.carry(from, to);
    let bar = other.bar("ladder");
    other.click_at(bar);
    other.press(Key::Delete);
    until_both(&mut one, &mut other, |patch| !patch.modules.contains_key("ladder"));
    let before = one.patch();
    one.release(to);
    one.drag(one.jack("output sine of vco"), one.jack("input cv of vca"));
    until_both(&mut one, &mut other, |patch| patch.cables.contains(&cable("vco.sine -> vca.cv")));
    assert_eq!(one.patch().cables.len(), before.cables.len() + 1);
}
