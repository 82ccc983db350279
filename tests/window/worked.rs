//! A window, and hands for it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use eframe::egui::accesskit::{Action, ActionData, ActionRequest, Toggled};
use eframe::egui::{
    DroppedFile, Event, Key, Modifiers, OutputCommand, PointerButton, Pos2, Rect, Ui, Vec2, vec2,
};
use egui_kittest::kittest::{AccessKitNode, NodeT, Queryable};
use egui_kittest::{Harness, Node};
use sostenuto_editor::preferences::Preferences;
use sostenuto_editor::session::{Session, StartHost};
use sostenuto_editor::window::Editor;
use sostenuto_patch::{Cable, ModuleId, Patch};
use sostenuto_tests::patch;

use super::place::{PATIENCE, Place};

/// The window's size, in points.
const SIZE: Vec2 = vec2(1600.0, 1000.0);

/// A file that was dropped.
#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

/// A window on a host, and hands for it.
pub struct Worked {
    harness: Harness<'static, Option<Editor>>,
}

impl Worked {
    /// On the host that plays there, once it shows what that has.
    pub fn on(place: &Place) -> Worked {
        let mut window = Worked::open(place, None);
        let patch = place.patch();
        window.until("the host's patch", |editor| *editor.model().patch() == patch);
        window.settle();
        window
    }

    /// Opens it, with a host or without.
    pub fn open(place: &Place, start_host: Option<StartHost>) -> Worked {
        let session = Session::start(place.endpoint(), start_host, || {});
        // Cables without weight: where they are is known without drawing them.
        let preferences =
            Preferences { has_seen_guide: true, cable_tension: 1.0, ..Preferences::default() };
        let parts = RefCell::new(Some((session, preferences)));
        let app = move |ui: &mut Ui, editor: &mut Option<Editor>| {
            let begin = || {
                let (session, preferences) = parts.take().expect("it begins once");
                Editor::new(ui.ctx(), session, preferences, None, None)
            };
            editor.get_or_insert_with(begin).frame(ui);
        };
        let builder = Harness::builder().with_size(SIZE).with_step_dt(1.0 / 60.0);
        Worked { harness: builder.build_ui_state(app, None) }
    }

    /// The window itself.
    pub fn editor(&mut self) -> &mut Editor {
        self.harness.state_mut().as_mut().expect("it was drawn once")
    }

    /// The patch that it shows.
    pub fn patch(&self) -> Patch {
        let editor = self.harness.state().as_ref();
        editor.expect("it was drawn once").model().patch().clone()
    }

    /// Draws so many frames.
    pub fn frames(&mut self, count: usize) {
        (0..count).for_each(|_| self.harness.step());
    }

    /// Draws frames until it is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Editor) -> bool) {
        let began = Instant::now();
        while !is_so(self.editor()) {
            if began.elapsed() > PATIENCE {
                let (patch, sentences) = (self.patch(), self.sentences());
                panic!("it does not come: {what}. It says {sentences:?} and shows {patch:#?}");
            }
            self.harness.step();
            std::thread::yield_now();
        }
    }

    /// Draws frames until the patch is so, and its canvas stands still.
    #[track_caller]
    pub fn until_patch(&mut self, what: &str, is_so: impl Fn(&Patch) -> bool) -> Patch {
        self.until(what, |editor| is_so(editor.model().patch()));
        self.settle();
        self.patch()
    }

    /// Draws frames until this cable is there.
    #[track_caller]
    pub fn until_cable(&mut self, text: &str) -> Patch {
        self.until_patch(text, |patch| patch.cables.contains(&cable(text)))
    }

    /// Draws frames until somebody reads these words.
    #[track_caller]
    pub fn until_shown(&mut self, words: &str) {
        let began = Instant::now();
        while !self.shows_part(words) {
            assert!(began.elapsed() < PATIENCE, "`{words}` is not shown");
            self.harness.step();
            std::thread::yield_now();
        }
    }

    /// Draws frames until what has that label has this value, in words.
    #[track_caller]
    pub fn until_value(&mut self, label: &str, words: &str) {
        let began = Instant::now();
        while self.node(label).value().as_deref() != Some(words) {
            let is = self.node(label).value();
            assert!(began.elapsed() < PATIENCE, "{label} is {is:?}, not {words}");
            self.harness.step();
            std::thread::yield_now();
        }
    }

    /// Draws frames until it has said something with these words.
    #[track_caller]
    pub fn until_said(&mut self, words: &str) {
        self.until(words, |editor| {
            let all = editor.panels.notices.all(editor.model());
            all.iter().any(|notice| notice.sentence.contains(words))
        });
    }

    /// Draws frames until the camera stands still.
    pub fn settle(&mut self) {
        loop {
            let before = self.editor().canvas().camera;
            self.frames(3);
            if self.editor().canvas().camera == before {
                return;
            }
        }
    }

    /// All that it has said, the newest first.
    pub fn sentences(&mut self) -> Vec<String> {
        let editor = self.editor();
        let all = editor.panels.notices.all(editor.model());
        all.into_iter().map(|notice| notice.sentence.clone()).collect()
    }

    /// What it did is one step: it is undone to the patch before, and made again.
    /// And the host has the same patch.
    #[track_caller]
    pub fn is_one_step(&mut self, place: &Place, before: &Patch) {
        let after = self.patch();
        assert_ne!(after, *before, "nothing was done");
        self.command(Key::Z);
        self.until("the patch before it", |editor| editor.model().patch() == before);
        assert_eq!(place.patch(), *before);
        self.command(Key::Y);
        self.until("the patch after it", |editor| *editor.model().patch() == after);
        assert_eq!(place.patch(), after);
        self.settle();
    }

    // What is seen.

    /// What has that label.
    #[track_caller]
    pub fn node<'a>(&'a self, label: &'a str) -> Node<'a> {
        self.harness.get_by_label(label)
    }

    /// Whether anything has that label.
    pub fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Whether anything has a label with these words.
    pub fn shows_part(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    /// Where a knob stands, as it shows it.
    #[track_caller]
    pub fn number(&self, label: &str) -> f32 {
        self.node(label).accesskit_node().numeric_value().expect("a number") as f32
    }

    /// Where that label is.
    #[track_caller]
    pub fn rect(&self, label: &str) -> Rect {
        self.node(label).rect()
    }

    /// Where the first is that has that label.
    #[track_caller]
    pub fn first(&self, label: &str) -> Rect {
        self.harness.get_all_by_label(label).next().expect("it is shown").rect()
    }

    #[track_caller]
    fn module_node(&self, id: &str) -> Node<'_> {
        let ending = format!(", module {id}");
        let is_it = move |node: &AccessKitNode<'_>| {
            node.label().is_some_and(|label| label.ends_with(&ending))
        };
        self.harness.get_by(is_it)
    }

    /// Where a module is.
    #[track_caller]
    pub fn module(&self, id: &str) -> Rect {
        self.module_node(id).rect()
    }

    /// Whether a module is chosen.
    #[track_caller]
    pub fn is_chosen(&self, id: &str) -> bool {
        self.module_node(id).accesskit_node().toggled() == Some(Toggled::True)
    }

    /// On the bar of a module, where nothing can be turned.
    #[track_caller]
    pub fn bar(&mut self, id: &str) -> Pos2 {
        let zoom = self.editor().canvas().camera.zoom;
        self.module(id).min + vec2(50.0, 12.0) * zoom
    }

    /// The middle of a jack: `output saw of vco`.
    #[track_caller]
    pub fn jack(&self, label: &str) -> Pos2 {
        let rect = self.rect(label);
        let inset = vec2(rect.height() / 2.0, 0.0);
        match label.starts_with("output") {
            true => rect.right_center() - inset,
            false => rect.left_center() + inset,
        }
    }

    /// A place on the canvas, on the screen.
    pub fn spot(&mut self, x: f32, y: f32) -> Pos2 {
        let window = self.rect("Canvas");
        self.editor().canvas().camera.to_screen(window, Pos2::new(x, y))
    }

    // Hands.

    /// Something happens, in frames of its own.
    pub fn event(&mut self, event: Event) {
        self.harness.event(event);
        self.harness.step();
    }

    fn button(&mut self, pos: Pos2, button: PointerButton, pressed: bool) {
        // Those that are down were said in an event of their own.
        let modifiers = Modifiers::NONE;
        self.event(Event::PointerButton { pos, button, pressed, modifiers });
    }

    /// Moves the pointer there.
    pub fn point(&mut self, at: Pos2) {
        self.event(Event::PointerMoved(at));
    }

    /// Drops a file there, as a file manager does.
    pub fn drop_file(&mut self, at: Pos2, path: PathBuf) {
        self.point(at);
        self.harness.input_mut().dropped_files.push(Arc::new(Dropped(path)));
        self.frames(2);
    }

    /// Clicks there.
    pub fn click_at(&mut self, at: Pos2) {
        self.click_with(at, PointerButton::Primary);
        self.frames(2);
    }

    /// Clicks there with the right button.
    pub fn right_click_at(&mut self, at: Pos2) {
        self.click_with(at, PointerButton::Secondary);
        // A menu is measured before it is shown.
        self.frames(4);
    }

    /// Clicks there twice, quickly.
    pub fn double_click_at(&mut self, at: Pos2) {
        self.click_with(at, PointerButton::Primary);
        self.click_with(at, PointerButton::Primary);
        self.frames(2);
    }

    fn click_with(&mut self, at: Pos2, button: PointerButton) {
        self.point(at);
        self.button(at, button, true);
        self.button(at, button, false);
    }

    /// Clicks what has that label.
    #[track_caller]
    pub fn click(&mut self, label: &str) {
        let at = self.rect(label).center();
        self.click_at(at);
    }

    /// Clicks what has a label with these words.
    #[track_caller]
    pub fn click_part(&mut self, words: &str) {
        let at = self.harness.get_by_label_contains(words).rect().center();
        self.click_at(at);
    }

    /// Clicks there while the key for more than one is down.
    pub fn click_more_at(&mut self, at: Pos2) {
        self.event(Event::ModifiersChanged(Modifiers::COMMAND));
        self.click_at(at);
        self.event(Event::ModifiersChanged(Modifiers::NONE));
    }

    /// Takes hold there, and moves to there.
    pub fn carry(&mut self, from: Pos2, to: Pos2) {
        self.hold(from);
        self.carry_on(from, to);
    }

    /// Moves from there to there.
    pub fn carry_on(&mut self, from: Pos2, to: Pos2) {
        for step in 1..=8 {
            self.point(from + (to - from) * (step as f32 / 8.0));
        }
        self.frames(2);
    }

    /// Takes hold there, and stays.
    pub fn hold(&mut self, at: Pos2) {
        self.point(at);
        self.button(at, PointerButton::Primary, true);
    }

    /// Lets go there.
    pub fn release(&mut self, at: Pos2) {
        self.button(at, PointerButton::Primary, false);
        self.frames(2);
    }

    /// Takes hold there, and lets go there.
    pub fn drag(&mut self, from: Pos2, to: Pos2) {
        self.carry(from, to);
        self.release(to);
    }

    /// Presses a key.
    pub fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.frames(2);
    }

    /// Puts a key down.
    pub fn key_down(&mut self, key: Key) {
        self.harness.key_down(key);
        self.frames(1);
    }

    /// Lets go of a key.
    pub fn key_up(&mut self, key: Key) {
        self.harness.key_up(key);
        self.frames(1);
    }

    /// Presses a key of a command.
    pub fn command(&mut self, key: Key) {
        self.press_with(Modifiers::COMMAND, key);
    }

    /// Presses a key with others.
    pub fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.frames(2);
    }

    /// Types words.
    pub fn write(&mut self, words: &str) {
        self.event(Event::Text(words.to_owned()));
        self.frames(1);
    }

    /// Presses Tab until that has the focus, as somebody must who has no mouse.
    #[track_caller]
    pub fn tab_to(&mut self, label: &str) {
        for _ in 0..400 {
            if self.node(label).is_focused() {
                return;
            }
            self.press(Key::Tab);
        }
        panic!("no Tab leads to `{label}`");
    }

    /// Has a screen reader do that to what has that label.
    #[track_caller]
    pub fn have(&mut self, label: &str, action: Action, data: Option<ActionData>) {
        let (target_node, target_tree) = self.node(label).accesskit_node().locate();
        let request = ActionRequest { action, target_tree, target_node, data };
        self.event(Event::AccessKitActionRequest(request));
        self.frames(2);
    }

    /// What was put on the clipboard by an event.
    pub fn copied_by(&mut self, event: Event) -> String {
        self.event(event);
        let commands = &self.harness.output().platform_output.commands;
        let copied = commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(words) => Some(words.clone()),
            _ => None,
        });
        copied.expect("something is copied")
    }
}

/// A cable, as it is written.
pub fn cable(text: &str) -> Cable {
    text.parse().expect("a cable")
}

/// The name of a module.
pub fn id(name: &str) -> ModuleId {
    name.parse().expect("a name")
}

/// A module that stands there.
pub fn standing(id: &str, kind: &str, x: i32, y: i32) -> String {
    format!(r#"{{"id": "{id}", "kind": "{kind}", "x": {x}, "y": {y}, "params": {{}}}}"#)
}

/// A VCO through a ladder and a VCA to the loudspeakers, far enough apart.
pub fn voice() -> Patch {
    voice_and(&[])
}

/// The same, with more that nothing leads to.
pub fn voice_and(more: &[String]) -> Patch {
    let mut modules = vec![
        standing("vco", "vco", 0, 0),
        standing("ladder", "ladder", 420, 0),
        standing("vca", "vca", 840, 0),
        standing("audio-out", "audio-out", 1260, 0),
    ];
    modules.extend_from_slice(more);
    let cables = ["vco.saw -> ladder.in", "ladder.lowpass -> vca.in", "vca.out -> audio-out.left"];
    patch(&modules.join(", "), &cables)
}
