//! Every module of the catalogue on one sheet, at zoom 1 and from afar; and every group
//! of the library on another.

use eframe::egui::{CentralPanel, Frame, Pos2, Rect, Vec2, vec2};
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::module::{Curve, Screen};
use sostenuto_modules::rig::Rig;
use sostenuto_patch::factory::GROUPS;
use sostenuto_patch::{Edit, Group, ModuleId, Patch, PatchModule, apply};

use super::draw;
use crate::canvas::camera::Camera;
use crate::canvas::face::{Face, TITLE_TEXT};
use crate::canvas::{Canvas, Scene};
use crate::model::{Asks, Model, ModuleSignals};
use crate::patching;
use crate::preferences::Preferences;
use crate::theme::{Look, Theme};

/// Between two faces.
const GAP: f32 = 20.0;
/// As wide as a sheet is.
const WIDTH: f32 = 3000.0;

/// Every module, laid on shelves, and what each shows at work.
fn everything() -> (Model, Vec2) {
    let mut abouts: Vec<_> = CATALOG.iter().map(|entry| entry.about).collect();
    // The highest first: a shelf is as high as its first.
    abouts.sort_by(|a, b| Face::of(b).size.y.total_cmp(&Face::of(a).size.y));
    let (mut patch, mut model) = (Patch::default(), Model::default());
    let (mut at, mut shelf) = (Pos2::new(GAP, GAP), 0.0f32);
    for about in abouts {
        let size = Face::of(about).size;
        if at.x + size.x + GAP > WIDTH {
            at = Pos2::new(GAP, at.y + shelf + GAP);
            shelf = 0.0;
        }
        shelf = shelf.max(size.y);
        let id: ModuleId = about.name.parse().unwrap();
        let module = PatchModule::new(about.name, at.x, at.y);
        apply(&mut patch, Edit::AddModule { id: id.clone(), module }).unwrap();
        let mut rig = Rig::at_work(about.name, 48_000.0, 1);
        // What is gathered over seconds is to be seen.
        let is_slow = matches!(about.screen, Some(Screen::Curve(Curve::Response | Curve::Grains)));
        rig.run(if is_slow { 96_000 } else { 9600 });
        let signals = ModuleSignals { display: rig.display(), ..ModuleSignals::default() };
        model.signals.modules.insert(id, signals);
        at.x += size.x + GAP;
    }
    model.mirror = sostenuto_osc::mirror::Mirror::of(patch);
    (model, vec2(WIDTH, at.y + shelf + GAP))
}

/// As wide as the sheet of groups is.
const LIBRARY_WIDTH: f32 = 1600.0;

/// Every group of the library, laid on shelves.
fn library() -> (Model, Vec2) {
    let mut patch = Patch::default();
    for group in GROUPS {
        let (_, edit) = patching::paste(&patch, &group.patch(), 0.0, 0.0);
        apply(&mut patch, edit).unwrap();
    }
    let size = |(id, group): (_, &Group)| Face::of_group(&patch, id, group).size;
    let mut groups: Vec<_> = patch.groups.iter().map(|it| (it.0.clone(), size(it))).collect();
    groups.sort_by(|a, b| b.1.y.total_cmp(&a.1.y));
    let (mut at, mut shelf) = (Pos2::new(GAP, GAP), 0.0f32);
    for (id, size) in groups {
        if at.x + size.x + GAP > LIBRARY_WIDTH {
            at = Pos2::new(GAP, at.y + shelf + GAP);
            shelf = 0.0;
        }
        shelf = shelf.max(size.y);
        let group = patch.groups.get_mut(&id).unwrap();
        (group.x, group.y) = (at.x, at.y);
        at.x += size.x + GAP;
    }
    let mirror = sostenuto_osc::mirror::Mirror::of(patch);
    (Model { mirror, ..Model::default() }, vec2(LIBRARY_WIDTH, at.y + shelf + GAP))
}

/// What is written on the sheet from so near. It is kept under `name`.
fn sheet(
    (model, size): &(Model, Vec2),
    look: Look,
    zoom: f32,
    name: Option<&str>,
) -> Vec<(String, f32)> {
    let (theme, preferences) = (Theme::of(look), Preferences::default());
    let mut canvas = Canvas::default();
    let middle = Rect::from_min_size(Pos2::ZERO, *size).center();
    draw(&theme, *size * zoom, 1.0, name, |ui| {
        canvas.camera = Camera::there(middle, zoom).unwrap();
        let patch = model.patch();
        let scene = Scene { theme: &theme, preferences: &preferences, model, patch };
        let panel = CentralPanel::default().frame(Frame::NONE);
        panel.show(ui, |ui| canvas.ui(ui, scene, &mut Asks::default(), &mut |_, _, _| None));
    })
}

/// What is written there and was cut: it ends in dots that nobody wrote.
fn cut(words: &[(String, f32)]) -> Vec<&str> {
    let words = words.iter().map(|(words, _)| words.as_str());
    words.filter(|words| words.ends_with('…') && !words.starts_with("Choose a ")).collect()
}

#[test]
fn nothing_on_the_sheet_of_all_modules_is_cut_or_shrunk() {
    let everything = everything();
    for (look, name) in [
        (Look::Dark, "modules-dark.png"),
        (Look::Light, "modules-light.png"),
        (Look::HighContrast, "modules-high-contrast.png"),
    ] {
        let words = sheet(&everything, look, 1.0, Some(name));
        assert_eq!(cut(&words), [""; 0], "{look:?}");
        for entry in CATALOG.iter() {
            let title = (entry.about.title.to_owned(), TITLE_TEXT);
            assert!(words.contains(&title), "{look:?}: {title:?}");
        }
    }
}

#[test]
fn nothing_on_the_sheet_of_all_groups_is_cut_or_shrunk() {
    let words = sheet(&library(), Look::Dark, 1.0, Some("library.png"));
    assert_eq!(cut(&words), [""; 0]);
    for group in GROUPS {
        let title = (group.name.to_owned(), TITLE_TEXT);
        assert!(words.contains(&title), "{title:?}");
    }
}

#[test]
fn every_title_is_whole_from_afar() {
    let everything = everything();
    for zoom in [0.45, 0.4] {
        let words = sheet(&everything, Look::Dark, zoom, None);
        assert_eq!(cut(&words), [""; 0], "{zoom}");
        assert!(words.len() >= CATALOG.len(), "{zoom}: {}", words.len());
    }
}
