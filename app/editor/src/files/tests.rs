use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use eframe::egui::{Event, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use sostenuto_osc::mirror::Mirror;

use super::*;
use crate::theme::Look;

/// Dialogs that answer what the test says.
#[derive(Clone, Default)]
struct FakeDialogs(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    asked: Vec<String>,
    answers: VecDeque<Option<PathBuf>>,
}

impl FakeDialogs {
    fn note(&self, what: String) {
        self.0.lock().unwrap().asked.push(what);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn answer(&self, path: Option<&Path>) {
        self.0.lock().unwrap().answers.push_back(path.map(Path::to_owned));
    }
}

impl FileDialogs for FakeDialogs {
    fn open(&mut self, _folder: Option<&Path>) {
        self.note("open".to_owned());
    }

    fn save(&mut self, _folder: Option<&Path>, name: &str) {
        self.note(format!("save {name}"));
    }

    fn file(&mut self, _folder: Option<&Path>, form: Text) {
        self.note(format!("a file of {form:?}"));
    }
    fn folder(&mut self, _folder: Option<&Path>) {
        self.note("folder".to_owned());
    }

    fn poll(&mut self) -> Option<Option<PathBuf>> {
        self.0.lock().unwrap().answers.pop_front()
    }
}

/// Files without a dialog that anybody answers.
pub fn files() -> Files {
    Files::new(Box::new(FakeDialogs::default()), || {})
}

struct Desk {
    files: Files,
    model: Model,
    preferences: Preferences,
    asks: Asks,
}

fn desk() -> (Harness<'static, Desk>, FakeDialogs) {
    let dialogs = FakeDialogs::default();
    let files = Files::new(Box::new(dialogs.clone()), || {});
    let desk = Desk {
        files,
        model: Model::default(),
        preferences: Preferences::default(),
        asks: Asks::default(),
    };
    let app = |ui: &mut Ui, desk: &mut Desk| {
        ui.menu_button("File", |ui| {
            desk.files.menu_ui(ui, &desk.model, &desk.preferences, &mut desk.asks);
        });
        let theme = Theme::of(Look::Dark);
        let Desk { files, model, preferences, asks } = desk;
        files.ui(ui.ctx(), &theme, model, preferences, asks);
    };
    let builder = Harness::builder().with_size(vec2(800.0, 600.0)).with_step_dt(1.0 / 60.0);
    let mut harness = builder.build_ui_state(app, desk);
    harness.run_steps(2);
    (harness, dialogs)
}

fn press(harness: &mut Harness<Desk>, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(3);
}

/// Lets an errand come home.
fn wait(harness: &mut Harness<Desk>) {
    hear(harness);
    harness.run_steps(3);
}

/// Without a frame after it, which would hear what comes next.
fn hear(harness: &mut Harness<Desk>) {
    let Desk { files, model, asks, .. } = harness.state_mut();
    let came = files.errands.wait();
    files.hear_errand(came, model, asks);
}

#[test]
fn open_asks_the_system_and_loads_what_it_answers() {
    let (mut harness, dialogs) = desk();
    press(&mut harness, "File");
    press(&mut harness, "Open…");
    assert_eq!(dialogs.asked(), ["open"]);
    dialogs.answer(Some(Path::new("/a/b.sostenuto")));
    harness.run_steps(2);
    assert_eq!(
        harness.state().asks.requests,
        [Request::Load(Load { path: "/a/b.sostenuto".into() })]
    );
}

#[test]
fn a_dialog_that_is_not_there_makes_room_for_a_typed_path() {
    let (mut harness, dialogs) = desk();
    press(&mut harness, "File");
    harness.get_by_label("Open…").click();
    harness.run_steps(1);
    dialogs.answer(None);
    harness.run_steps(3);
    harness.event(Event::Text("/tmp/".to_owned()));
    harness.run_steps(2);
    assert!(harness.state().files.is_asking(), "a field for the path is there");
    press(&mut harness, "Open");
    assert!(matches!(harness.state().asks.requests.as_slice(), [Request::Load(_)]));
    assert!(!harness.state().files.is_asking());
}

#[test]
fn who_thinks_better_of_it_is_not_asked_again() {
    let (mut harness, dialogs) = desk();
    press(&mut harness, "File");
    press(&mut harness, "Open…");
    harness.run_steps(30);
    dialogs.answer(None);
    harness.run_steps(3);
    assert!(!harness.state().files.is_asking());
    assert!(harness.state().asks.requests.is_empty());
}

#[test]
fn save_goes_where_the_patch_belongs_or_asks() {
    let (mut harness, dialogs) = desk();
    let folder = tempfile::tempdir().unwrap();
    press(&mut harness, "File");
    press(&mut harness, "Save");
    assert_eq!(dialogs.asked(), ["save Untitled.sostenuto"]);
    dialogs.answer(Some(&folder.path().join("new")));
    harness.run_steps(1);
    wait(&mut harness);
    let path = folder.path().join("new.sostenuto");
    let save = Request::Save(Save { path: path.clone(), over: Over::Patches });
    assert_eq!(harness.state().asks.requests, std::slice::from_ref(&save));
    harness.state_mut().model.file.path = Some(path.clone());
    harness.run_steps(2);
    assert_eq!(harness.state().preferences.recent_patches, [path]);
    press(&mut harness, "File");
    press(&mut harness, "Save");
    assert_eq!(harness.state().asks.requests, [save.clone(), save]);
}

#[test]
fn a_name_with_a_dot_in_it_gets_its_ending_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (typed, saved) in [
        ("Set v1.2", "Set v1.2.sostenuto"),
        ("Set v1.2.sostenuto", "Set v1.2.sostenuto"),
        ("SET.SOSTENUTO", "SET.SOSTENUTO"),
        ("kick.wav", "kick.wav.sostenuto"),
    ] {
        let (mut harness, dialogs) = desk();
        press(&mut harness, "File");
        press(&mut harness, "Save as…");
        dialogs.answer(Some(&folder.path().join(typed)));
        harness.run_steps(1);
        wait(&mut harness);
        let save = Request::Save(Save { path: folder.path().join(saved), over: Over::Patches });
        assert_eq!(harness.state().asks.requests, [save], "{typed}");
    }
}

#[test]
fn a_title_is_a_file_name_that_leaves_room_on_every_disk() {
    for title in ["", "...", "a/b\nc", &"ä".repeat(300), &"🎹".repeat(300), &"x".repeat(300)] {
        let stem = file_stem(title);
        assert!(!stem.is_empty() && stem.len() <= 200, "{stem}");
        sostenuto_patch::disk::check_name(Path::new(&stem)).unwrap();
    }
    assert_eq!(file_stem("Set v1.2"), "Set v1.2");
}

#[test]
fn a_name_that_is_taken_once_it_has_its_ending_is_asked_about() {
    let (mut harness, dialogs) = desk();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.sostenuto");
    std::fs::write(&path, "{}").unwrap();
    press(&mut harness, "File");
    press(&mut harness, "Save as…");
    dialogs.answer(Some(&folder.path().join("song")));
    harness.run_steps(1);
    wait(&mut harness);
    assert!(harness.state().asks.requests.is_empty());
    press(&mut harness, "Replace");
    let save = Request::Save(Save { path, over: Over::Anything });
    assert_eq!(harness.state().asks.requests, [save]);
}

#[test]
fn what_is_no_patch_is_saved_over_only_after_a_question() {
    let (mut harness, _) = desk();
    let path = PathBuf::from("/a/letter.txt");
    harness.state_mut().model.file.path = Some(path.clone());
    press(&mut harness, "File");
    press(&mut harness, "Save");
    let files = &mut harness.state_mut().files;
    assert!(!files.hear_error("The disk is full."));
    assert!(files.hear_error(&FileError::Foreign { path: path.clone() }.to_string()));
    harness.run_steps(2);
    press(&mut harness, "Keep it");
    assert_eq!(harness.state().asks.requests.len(), 1);
    assert!(!harness.state().files.is_asking());
}

#[test]
fn nothing_is_asked_before_a_patch_is_replaced_but_the_way_back_is_said() {
    let (mut harness, _) = desk();
    press(&mut harness, "File");
    press(&mut harness, "New");
    assert_eq!(harness.state_mut().files.said().count(), 0, "nothing was there");
    let mut patch = Patch::default();
    patch
        .modules
        .insert("vco".parse().unwrap(), sostenuto_patch::PatchModule::new("vco", 0.0, 0.0));
    harness.state_mut().model.mirror = Mirror::of(patch.clone());
    press(&mut harness, "File");
    press(&mut harness, "New");
    assert_eq!(harness.state_mut().files.said().count(), 0, "it has not come yet");
    harness.state_mut().files.hear_patch();
    let said: Vec<String> = harness.state_mut().files.said().collect();
    assert_eq!(said, ["A new patch. Undo brings back the unsaved changes."]);
    assert_eq!(harness.state().asks.requests.len(), 2);
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

#[test]
fn a_patch_that_is_dropped_on_the_window_is_opened() {
    let (mut harness, _) = desk();
    let dropped = Dropped("/a/b.sostenuto".into());
    harness.input_mut().dropped_files.push(Arc::new(dropped));
    harness.step();
    assert_eq!(
        harness.state().asks.requests,
        [Request::Load(Load { path: "/a/b.sostenuto".into() })]
    );
}

#[test]
fn a_tuning_that_is_dropped_is_no_patch_and_one_that_is_chosen_joins_what_is_there() {
    let (mut harness, dialogs) = desk();
    let dropped = Dropped("/a/b.KBM".into());
    harness.input_mut().dropped_files.push(Arc::new(dropped));
    harness.step();
    assert!(harness.state().asks.requests.is_empty(), "the canvas takes it");
    let id: ModuleId = "keyboard".parse().unwrap();
    let mut keyboard = sostenuto_patch::PatchModule::new("keyboard", 0.0, 0.0);
    keyboard.text = "/a/b.kbm".into();
    let mut patch = Patch::default();
    patch.modules.insert(id.clone(), keyboard);
    harness.state_mut().model.mirror = Mirror::of(patch);
    harness.state_mut().asks.file_for = Some((id.clone(), Text::Tuning));
    harness.step();
    assert_eq!(dialogs.asked(), ["a file of Tuning"]);
    dialogs.answer(Some(Path::new("/a/c.scl")));
    harness.run_steps(2);
    let text = Edit::SetText { module: id, text: "/a/c.scl\n/a/b.kbm".into() };
    assert_eq!(harness.state().asks.requests, [Request::Edit(Edit::Several(vec![text]))]);
}

#[test]
fn a_copy_is_written_and_the_patch_keeps_its_file() {
    let (mut harness, dialogs) = desk();
    let folder = tempfile::tempdir().unwrap();
    let patch = sostenuto_patch::factory::PATCHES[0].patch();
    harness.state_mut().model.mirror = Mirror::of(patch.clone());
    press(&mut harness, "File");
    press(&mut harness, "Save a copy…");
    dialogs.answer(Some(&folder.path().join("copy")));
    harness.run_steps(1);
    hear(&mut harness);
    wait(&mut harness);
    let said: Vec<String> = harness.state_mut().files.said().collect();
    assert_eq!(said, ["A copy is saved as copy."]);
    let there = file::load(&folder.path().join("copy.sostenuto")).unwrap();
    assert_eq!(there, patch);
    assert!(harness.state().asks.requests.is_empty(), "the host knows nothing of it");
}

#[test]
fn a_changed_patch_goes_back_to_its_file() {
    let (mut harness, _) = desk();
    harness.state_mut().model.file.path = Some("/a/b.sostenuto".into());
    press(&mut harness, "File");
    press(&mut harness, "Revert to the file");
    let load = Request::Load(Load { path: "/a/b.sostenuto".into() });
    assert_eq!(harness.state().asks.requests, [load]);
}

#[test]
fn a_file_that_is_no_patch_is_not_announced_and_a_typed_path_can_be_mended() {
    let (mut harness, _) = desk();
    let patch = sostenuto_patch::factory::PATCHES[0].patch();
    harness.state_mut().model.mirror = Mirror::of(patch);
    let sentence = "Not a Sostenuto patch: line 1 is not JSON";
    let Desk { files, model, asks, .. } = harness.state_mut();
    files.load(Path::new("/a/letter.txt"), model, asks);
    assert!(!files.hear_load_error(sentence), "nobody typed it: it is said as a notice");
    files.hear_patch();
    assert_eq!(files.said().count(), 0);
    press(&mut harness, "File");
    press(&mut harness, "Open by path…");
    harness.event(Event::Text("/b/letter.txt".to_owned()));
    harness.run_steps(2);
    press(&mut harness, "Open");
    assert!(!harness.state().files.is_asking());
    assert!(harness.state_mut().files.hear_load_error(sentence));
    harness.run_steps(2);
    harness.get_by_label(sentence);
    let field = harness.get_by_label("Path").value().unwrap_or_default();
    assert!(field.contains("/b/letter.txt"), "{field}");
}
