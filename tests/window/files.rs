//! Patches and their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use eframe::egui::{Key, Modifiers};
use sostenuto_editor::files::Files;
use sostenuto_editor::files::dialogs::FileDialogs;
use sostenuto_modules::clip::Text;
use sostenuto_patch::file;

use super::place::Place;
use super::worked::{Worked, cable, voice};

/// A dialog that answers what it is told to, once it was asked.
struct Told(Receiver<Option<PathBuf>>);

impl FileDialogs for Told {
    fn open(&mut self, _: Option<&Path>) {}

    fn save(&mut self, _: Option<&Path>, _: &str) {}

    fn file(&mut self, _: Option<&Path>, _: Text) {}
    fn folder(&mut self, _: Option<&Path>) {}

    fn poll(&mut self) -> Option<Option<PathBuf>> {
        self.0.try_recv().ok()
    }
}

/// Has the window ask such a dialog.
fn tell(window: &mut Worked) -> Sender<Option<PathBuf>> {
    let (answer, told) = channel();
    window.editor().panels.files = Files::new(Box::new(Told(told)), || {});
    answer
}

/// Draws frames until that file holds the patch.
#[track_caller]
fn until_saved(window: &mut Worked, path: &Path) {
    window.until("it is saved", |editor| {
        let there = &editor.model().file;
        there.is_saved && there.path.as_deref() == Some(path)
    });
}

#[test]
fn a_patch_is_saved_and_opened_again() {
    let place = Place::silent();
    let mut window = Worked::on(&place);
    let dialog = tell(&mut window);
    window.press(Key::Enter);
    window.until_shown("Search modules");
    window.write("ladder");
    window.press(Key::Enter);
    let patch = window.until_patch("a ladder", |patch| patch.modules.contains_key("ladder"));

    let path = place.path("ladder.sostenuto");
    window.command(Key::S);
    dialog.send(Some(path.clone())).expect("it is asked");
    until_saved(&mut window, &path);
    assert_eq!(file::load(&path).unwrap_or_else(|error| panic!("{error}")), patch);

    window.command(Key::N);
    let empty = window.until_patch("a new patch", |patch| patch.modules.is_empty());
    window.command(Key::O);
    dialog.send(Some(path)).expect("it is asked");
    window.until_patch("the patch of the file", |there| *there == patch);
    window.is_one_step(&place, &empty);
}

#[test]
fn a_file_that_is_no_patch_changes_nothing_and_says_so() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let dialog = tell(&mut window);
    let before = window.patch();
    for (name, text) in [("a.sostenuto", "milk, bread, honey"), ("b.sostenuto", "")] {
        let path = place.keep(name, text);
        window.command(Key::O);
        dialog.send(Some(path)).expect("it is asked");
        window.until_said(&format!("was not changed: {}", place.path(name).display()));
    }
    window.command(Key::O);
    dialog.send(Some(place.path("nowhere.sostenuto"))).expect("it is asked");
    window.until_said("nowhere.sostenuto");
    assert_eq!((window.patch(), place.patch()), (before.clone(), before));
}

#[test]
fn a_path_is_typed_to_save_and_to_open() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let patch = window.patch();
    let path = place.path("typed.sostenuto");
    window.click("Patch");
    window.frames(3);
    window.click("Save by path…");
    window.until_shown("Save the patch by its path");
    window.press_with(Modifiers::COMMAND, Key::A);
    window.write(&path.display().to_string());
    window.press(Key::Enter);
    until_saved(&mut window, &path);
    assert_eq!(file::load(&path).unwrap_or_else(|error| panic!("{error}")), patch);

    let bar = window.bar("ladder");
    window.click_at(bar);
    window.press(Key::Delete);
    let changed = window.until_patch("no ladder", |patch| !patch.modules.contains_key("ladder"));
    window.click("Patch");
    window.frames(3);
    window.click("Open by path…");
    window.until_shown("Open a patch by its path");
    window.press_with(Modifiers::COMMAND, Key::A);
    window.write(&path.display().to_string());
    window.press(Key::Enter);
    window.until_patch("the patch of the file", |there| *there == patch);
    window.is_one_step(&place, &changed);
}

#[test]
fn something_else_is_not_saved_over_unless_it_is_wanted() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let dialog = tell(&mut window);
    let path = place.keep("list.sostenuto", "milk, bread, honey");
    for answer in ["Keep it", "Replace"] {
        window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
        dialog.send(Some(path.clone())).expect("it is asked");
        window.until_shown(answer);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "milk, bread, honey");
        window.frames(3);
        window.click(answer);
        window.frames(3);
        assert!(!window.shows("Keep it"));
    }
    until_saved(&mut window, &path);
    assert_eq!(file::load(&path).unwrap_or_else(|error| panic!("{error}")), window.patch());
}

/// As a later version has saved it.
const LATER: &str = r#"{"sostenuto": 1, "title": "", "description": "", "modules": [
    {"id": "vco", "kind": "vco", "x": 0, "y": 0, "params": {}},
    {"id": "cloud", "kind": "grains", "x": 420, "y": 0, "params": {"density": 3, "window": "hann"}},
    {"id": "audio-out", "kind": "audio-out", "x": 840, "y": 0, "params": {}}
], "cables": ["vco.saw -> cloud.in", "cloud.out -> audio-out.left"]}"#;

#[test]
fn a_module_that_nobody_knows_has_a_face_and_is_kept_as_it_is() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let dialog = tell(&mut window);
    let path = place.keep("later.sostenuto", LATER);
    let later = file::load(&path).unwrap_or_else(|error| panic!("{error}"));
    window.command(Key::O);
    dialog.send(Some(path)).expect("it is asked");
    window.until_patch("the patch of the file", |there| *there == later);
    window.command(Key::Num0);
    window.settle();
    assert!(window.shows("grains (unknown), module cloud"));
    assert!(window.shows("input in of cloud") && window.shows("output out of cloud"));
    window.until_said("does not know");

    // It is carried, and its cables go with it, into the next file too.
    let bar = window.bar("cloud");
    window.drag(bar, bar + eframe::egui::vec2(0.0, 90.0));
    let moved = window.until_patch("it moves", |patch| patch.modules["cloud"].y != 0.0);
    assert_eq!(moved.cables, later.cables);
    let again = place.path("again.sostenuto");
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    dialog.send(Some(again.clone())).expect("it is asked");
    until_saved(&mut window, &again);
    let saved = file::load(&again).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(saved, moved);
    assert_eq!(saved.modules["cloud"].words, later.modules["cloud"].words);
    assert!(saved.cables.contains(&cable("cloud.out -> audio-out.left")));
}

#[test]
fn a_tuning_that_is_dropped_tunes_what_is_there_or_brings_a_quantizer() {
    let place = Place::playing(&voice());
    let mut window = Worked::on(&place);
    let scale = place.keep("my.scl", "Five\n5\n9/8\n5/4\n3/2\n5/3\n2/1\n");
    let ground = window.spot(500.0, 700.0);
    window.drop_file(ground, scale.clone());
    let text = |patch: &sostenuto_patch::Patch, id: &str| -> Option<String> {
        patch.modules.get(id).map(|module| module.text.to_string())
    };
    let whole = scale.display().to_string();
    let patch =
        window.until_patch("a quantizer", |patch| text(patch, "quantizer") == Some(whole.clone()));
    let quantizer = &patch.modules["quantizer"];
    let about = quantizer.about().expect("it is in the catalogue");
    let scale_param = &about.params[about.param("scale").expect("it has one")];
    let chosen = quantizer.param("scale").expect("it stands somewhere");
    assert_eq!(scale_param.show(chosen), "from file");

    // Another file on the ground is for all that take one; a mapping joins the scale.
    let keys = place.keep("keys.kbm", "0\n0\n127\n60\n69\n432.0\n");
    window.drop_file(ground, keys.clone());
    let both = format!("{}\n{whole}", keys.display());
    window.until_patch("both files", |patch| text(patch, "quantizer") == Some(both.clone()));
    window.until_shown("quantizer tuning: keys · my");

    // One that cannot be read is told of, and what was there is not lost.
    let bad = place.keep("bad.scl", "Bad\n2\n5:4\n2/1\n");
    window.drop_file(ground, bad);
    window.until_said("The scale cannot be read: line 3");
    window.command(Key::Z);
    window.until_patch("both files again", |patch| text(patch, "quantizer") == Some(both.clone()));
}
