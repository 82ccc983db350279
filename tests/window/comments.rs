//! Comments: sheets that lie behind modules, and are carried with them.

use eframe::egui::{Key, Modifiers, pos2, vec2};

use super::place::Place;
use super::worked::{Worked, voice};

#[test]
fn a_comment_is_made_around_what_is_chosen_and_carries_it_along() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let before = window.patch();
    let (one, other) = (window.bar("ladder"), window.bar("vca"));
    window.click_at(one);
    window.click_more_at(other);
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::K);
    let made = window.until_patch("a comment", |patch| !patch.comments.is_empty());
    let sheet = made.comments.values().next().expect("there is one");
    let ladder = &made.modules["ladder"];
    assert!(sheet.x < ladder.x && sheet.y < ladder.y && sheet.width > 420.0, "{sheet:?}");
    assert_eq!((place.patch(), made.modules.clone()), (made.clone(), before.modules));

    window.write("Where it growls");
    let space = window.spot(330.0, 500.0);
    window.click_at(space);
    window.until_patch("its words", |patch| {
        patch.comments.values().any(|comment| comment.text == "Where it growls")
    });
    window.is_one_step(&place, &made);

    let written = window.patch();
    let zoom = window.editor().canvas().camera.zoom;
    let head = window.rect("Comment: Where it growls").min + vec2(200.0, 10.0) * zoom;
    window.drag(head, head + vec2(40.0, 100.0) * zoom);
    let moved = window.until_patch("it moves", |patch| {
        patch.comments.values().any(|comment| comment.y != sheet.y)
    });
    let way = |id: &str| {
        let (was, is) = (&written.modules[id], &moved.modules[id]);
        pos2(is.x, is.y) - pos2(was.x, was.y)
    };
    assert_eq!(way("ladder"), vec2(40.0, 100.0));
    assert_eq!(way("vca"), way("ladder"));
    assert_eq!(way("vco"), vec2(0.0, 0.0));
    let lies = moved.comments.values().next().expect("there is one");
    assert_eq!(pos2(lies.x, lies.y) - pos2(sheet.x, sheet.y), way("ladder"));
    window.is_one_step(&place, &written);
}
