//! New, open, save: everything between the patch and its file.
//!
//! Nothing is ever asked before a patch is replaced: the host keeps the steps,
//! and undo brings back what was there.

use std::path::{Path, PathBuf};

use eframe::egui::{Align2, Button, Color32, Context, FontId, Id, LayerId, Modal, Order, Ui};
use sostenuto_modules::clip::Text;
use sostenuto_osc::message::Request;
use sostenuto_osc::message::patch::{Load, Save};
use sostenuto_patch::disk;
use sostenuto_patch::file::{self, FileError, Over};
use sostenuto_patch::sounds::{is_sound, is_tuning};
use sostenuto_patch::{Edit, ModuleId, Patch, PatchModule};
use sostenuto_wasm::project::FACTS_FILE;

use super::errands::Errands;
use super::factory::FactoryBrowser;
use super::model::{Asks, Model};
use super::parts::{button, caption, file_title, floating, main_button};
use super::preferences::Preferences;
use super::shortcuts::{Command, entry};
use super::theme::Theme;
use super::tuning;

pub mod closing;
mod details;
pub mod dialogs;
pub(crate) mod path_entry;
mod permission;
pub(crate) mod reveal;

use details::Details;
use dialogs::{EXTENSION, FileDialogs};
use path_entry::{Entered, Listed, PathEntry, list};
use permission::Permission;

/// A dialog that says no as quickly as this was never there: nobody is so fast.
const NO_DIALOG_SECS: f64 = 0.1;

/// What a file is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To open it.
    Open,
    /// To save the patch in it.
    Save,
    /// To save a copy in it; the patch keeps its own file.
    Copy,
    /// To give it to a module as its sound, or as its tuning where the text says so.
    Module(ModuleId, Text),
}

/// A question that the system's dialog was asked.
struct Asked {
    purpose: Purpose,
    at_secs: f64,
}

/// Everything between the patch and its file.
pub struct Files {
    dialogs: Box<dyn FileDialogs>,
    asked: Option<Asked>,
    entry: Option<(Purpose, PathEntry)>,
    /// A file that holds something else, or another patch: it is asked about. And
    /// whether only a copy goes into it.
    over: Option<(PathBuf, bool)>,
    /// The last file that the host was asked to save in.
    saving: Option<PathBuf>,
    /// The last file that was seen to be the patch's.
    known: Option<PathBuf>,
    /// What is said once the patch that was asked for is there.
    announced: Option<String>,
    /// A path that was typed to open it, until it is open.
    tried: Option<PathBuf>,
    factory: FactoryBrowser,
    permission: Permission,
    details: Details,
    errands: Errands<Came>,
    said: Vec<String>,
    /// Whether the last attempt to save has ended without a file.
    has_given_up: bool,
}

/// What came of an errand.
enum Came {
    /// A file to save in, and whether there is one already that nobody was asked about.
    Looked { path: PathBuf, is_taken: bool, is_copy: bool },
    /// A copy was written, or not.
    Copied(String),
    /// What lies where a path that is typed begins.
    Listed(Listed),
}

impl Files {
    /// `wake` is called when there is something new to show.
    pub fn new(dialogs: Box<dyn FileDialogs>, wake: impl Fn() + Send + 'static) -> Files {
        Files {
            dialogs,
            asked: None,
            entry: None,
            over: None,
            saving: None,
            known: None,
            announced: None,
            tried: None,
            factory: FactoryBrowser::default(),
            permission: Permission::default(),
            details: Details::default(),
            errands: Errands::new("files", wake),
            said: Vec::new(),
            has_given_up: false,
        }
    }

    /// What the musician should hear of it, since the last time.
    pub fn said(&mut self) -> std::vec::Drain<'_, String> {
        self.said.drain(..)
    }

    /// An empty patch instead of this one.
    pub fn new_patch(&mut self, model: &Model, asks: &mut Asks) {
        asks.edit(Edit::Replace(Box::default()));
        self.say_replaced("A new patch.", model);
    }

    /// A patch of the program's own instead of this one.
    pub fn take(&mut self, patch: Patch, model: &Model, asks: &mut Asks) {
        let title = patch.title.clone();
        asks.edit(Edit::Replace(Box::new(patch)));
        self.say_replaced(&format!("{title}."), model);
    }

    /// Another patch instead of this one, from a file.
    pub fn load(&mut self, path: &Path, model: &Model, asks: &mut Asks) {
        asks.requests.push(Request::Load(Load { path: path.to_owned() }));
        self.say_replaced(&format!("{} is open.", file_title(path)), model);
    }

    fn say_replaced(&mut self, what: &str, model: &Model) {
        if model.patch().modules.is_empty() {
            return;
        }
        let before = if model.file.is_saved { "the previous patch" } else { "the unsaved changes" };
        self.announced = Some(format!("{what} Undo brings back {before}."));
    }

    /// Another patch has come.
    pub fn hear_patch(&mut self) {
        self.said.extend(self.announced.take());
        self.tried = None;
    }

    /// Asks which patch to open.
    pub fn open(&mut self, ctx: &Context, preferences: &Preferences) {
        self.dialogs.open(folder(preferences).as_deref());
        self.ask(ctx, Purpose::Open);
    }

    /// Saves the patch where it belongs; asks where, if it has no file yet.
    pub fn save(
        &mut self,
        ctx: &Context,
        model: &Model,
        preferences: &Preferences,
        asks: &mut Asks,
    ) {
        match model.file.path.clone() {
            Some(path) => self.save_in(path, Over::Patches, asks),
            None => self.save_as(ctx, model, preferences),
        }
    }

    /// Asks where to save the patch.
    pub fn save_as(&mut self, ctx: &Context, model: &Model, preferences: &Preferences) {
        let folder = match model.file.path.as_deref() {
            Some(path) => path.parent().map(Path::to_owned),
            None => folder(preferences),
        };
        self.dialogs.save(folder.as_deref(), &suggested(model));
        self.ask(ctx, Purpose::Save);
    }

    /// Asks where to save a copy of the patch.
    fn save_copy(&mut self, ctx: &Context, model: &Model, preferences: &Preferences) {
        self.dialogs.save(folder(preferences).as_deref(), &suggested(model));
        self.ask(ctx, Purpose::Copy);
    }

    /// An attempt to save begins.
    pub fn begin_saving(&mut self) {
        self.has_given_up = false;
    }

    /// Whether it ended without a file.
    pub fn has_given_up(&self) -> bool {
        self.has_given_up
    }

    fn ask(&mut self, ctx: &Context, purpose: Purpose) {
        let at_secs = ctx.input(|input| input.time);
        self.asked = Some(Asked { purpose, at_secs });
    }

    /// Has a path typed instead of chosen.
    pub fn type_path(&mut self, purpose: Purpose, model: &Model, preferences: &Preferences) {
        let known = model.file.path.clone();
        let folder = || folder(preferences).unwrap_or_else(|| PathBuf::from("~"));
        let path = known.unwrap_or_else(|| folder().join(suggested(model)));
        let (title, verb) = match purpose {
            Purpose::Open => ("Open a patch by its path", "Open"),
            Purpose::Save => ("Save the patch by its path", "Save"),
            Purpose::Copy => ("Save a copy by its path", "Save"),
            Purpose::Module(_, form) if form.takes_tuning() => {
                ("Path of the Scala file", "Take it")
            }
            Purpose::Module(_, Text::Code) => {
                ("Path of the module: a .wasm, or its facts.txt", "Take it")
            }
            Purpose::Module(..) => ("Path of the sound file", "Take it"),
        };
        let path = match purpose {
            Purpose::Module(_, form) if form.takes_tuning() => path.with_file_name("tuning.scl"),
            Purpose::Module(_, Text::Code) => path.with_file_name(FACTS_FILE),
            Purpose::Module(..) => path.with_file_name("sound.wav"),
            Purpose::Open | Purpose::Save | Purpose::Copy => path,
        };
        self.entry = Some((purpose, PathEntry::new(title, verb, &path)));
    }

    fn save_in(&mut self, path: PathBuf, over: Over, asks: &mut Asks) {
        asks.requests.push(Request::Save(Save { path: path.clone(), over }));
        self.saving = Some(path);
    }

    /// The host could not do what it was asked. Where that was to save over
    /// something that is no patch, the musician is asked, and this is `true`.
    pub fn hear_error(&mut self, sentence: &str) -> bool {
        self.has_given_up = true;
        let Some(path) = self.saving.clone() else { return false };
        let is_foreign = FileError::Foreign { path: path.clone() }.to_string() == sentence;
        if is_foreign {
            self.has_given_up = false;
            self.over = Some((path, false));
            self.saving = None;
        }
        is_foreign
    }

    /// The host could not open what it was asked to. Where its path was typed, it can be
    /// typed again, and this is `true`.
    pub fn hear_load_error(&mut self, sentence: &str) -> bool {
        self.announced = None;
        let Some(path) = self.tried.take() else { return false };
        let entry = PathEntry::new("Open a patch by its path", "Open", &path);
        self.entry = Some((Purpose::Open, entry.after_error(sentence)));
        true
    }

    /// The entries of a menu.
    pub fn menu_ui(
        &mut self,
        ui: &mut Ui,
        model: &Model,
        preferences: &Preferences,
        asks: &mut Asks,
    ) {
        let ctx = ui.ctx().clone();
        if entry(ui, "New", Command::New) {
            self.new_patch(model, asks);
        }
        if entry(ui, "Open…", Command::Open) {
            self.open(&ctx, preferences);
        }
        ui.add_enabled_ui(!preferences.recent_patches.is_empty(), |ui| {
            ui.menu_button("Open recent", |ui| {
                for path in &preferences.recent_patches {
                    let entry = ui.button(file_title(path));
                    if entry.on_hover_text(path.display().to_string()).clicked() {
                        self.load(path, model, asks);
                    }
                }
            });
        });
        if ui.button("Open by path…").clicked() {
            self.type_path(Purpose::Open, model, preferences);
        }
        if ui.button("Templates and examples…").clicked() {
            self.factory.open();
        }
        ui.separator();
        if entry(ui, "Save", Command::Save) {
            self.save(&ctx, model, preferences, asks);
        }
        if entry(ui, "Save as…", Command::SaveAs) {
            self.save_as(&ctx, model, preferences);
        }
        if ui.button("Save by path…").clicked() {
            self.type_path(Purpose::Save, model, preferences);
        }
        if ui.button("Save a copy…").clicked() {
            self.save_copy(&ctx, model, preferences);
        }
        let saved = model.file.path.as_ref().filter(|_| !model.file.is_saved);
        let revert = ui.add_enabled(saved.is_some(), Button::new("Revert to the file"));
        if let Some(path) = saved.filter(|_| revert.clicked()) {
            self.load(path, model, asks);
        }
        ui.separator();
        if ui.button("Title and notes…").clicked() {
            self.details.open(model.patch());
        }
        if !model.wants.is_empty() {
            ui.separator();
            if ui.button("What this patch wants…").clicked() {
                self.permission.ask_again();
            }
        }
    }

    /// Once a frame: hears dialogs and dropped files, and shows what is asked.
    pub fn ui(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) {
        self.remember(model, preferences);
        self.hear_errands(model, asks);
        if let Some((module, form)) = asks.file_for.take() {
            self.dialogs.file(folder(preferences).as_deref(), form);
            self.ask(ctx, Purpose::Module(module, form));
        }
        self.hear_dialog(ctx, model, preferences, asks);
        self.drops(ctx, theme, model, asks);
        if let Some(patch) = self.factory.ui(ctx, theme) {
            self.take(patch, model, asks);
        }
        self.entry_ui(ctx, theme, model, asks);
        self.over_ui(ctx, theme, model, asks);
        self.details.ui(ctx, theme, model, asks);
        self.permission.ui(ctx, theme, model, asks);
    }

    /// Files that were really opened or saved are recent.
    fn remember(&mut self, model: &Model, preferences: &mut Preferences) {
        if self.known != model.file.path {
            self.known.clone_from(&model.file.path);
            if let Some(path) = &self.known {
                preferences.used_patch(path);
            }
        }
    }

    fn hear_dialog(
        &mut self,
        ctx: &Context,
        model: &Model,
        preferences: &Preferences,
        asks: &mut Asks,
    ) {
        let Some(answer) = self.dialogs.poll() else { return };
        let Some(Asked { purpose, at_secs }) = self.asked.take() else { return };
        let secs = ctx.input(|input| input.time) - at_secs;
        match (answer, purpose) {
            (Some(path), Purpose::Open) => self.load(&path, model, asks),
            (Some(path), Purpose::Save) => self.look(path, true, false),
            (Some(path), Purpose::Copy) => self.look(path, true, true),
            (Some(path), Purpose::Module(module, _)) => self.give(&module, &path, model, asks),
            (None, purpose) if secs < NO_DIALOG_SECS => self.type_path(purpose, model, preferences),
            (None, _) => self.has_given_up = true,
        }
    }

    /// Gives the file its ending, and looks whether that is taken: of the name
    /// with the ending no dialog has asked yet.
    fn look(&self, path: PathBuf, was_asked: bool, is_copy: bool) {
        let whole = disk::with_ending(&path, EXTENSION);
        let was_asked = was_asked && whole == path;
        let path = whole;
        self.errands.send(move || {
            // A link is a name that is taken, wherever it leads.
            let is_taken = !was_asked && path.symlink_metadata().is_ok();
            Some(Came::Looked { path, is_taken, is_copy })
        });
    }

    fn hear_errands(&mut self, model: &Model, asks: &mut Asks) {
        let news: Vec<Came> = self.errands.news().collect();
        for came in news {
            self.hear_errand(came, model, asks);
        }
    }

    fn hear_errand(&mut self, came: Came, model: &Model, asks: &mut Asks) {
        match came {
            Came::Looked { path, is_taken: true, is_copy } => self.over = Some((path, is_copy)),
            Came::Looked { path, is_copy: true, .. } => self.copy_into(path, model),
            Came::Looked { path, .. } => self.save_in(path, Over::Patches, asks),
            Came::Copied(sentence) => self.said.push(sentence),
            Came::Listed(listed) => {
                if let Some((_, entry)) = &mut self.entry {
                    entry.hear_list(listed);
                }
            }
        }
    }

    /// Writes the patch there; its own file stays what it is.
    fn copy_into(&self, path: PathBuf, model: &Model) {
        let text = file::write(model.patch());
        self.errands.send(move || {
            let title = file_title(&path);
            Some(Came::Copied(match disk::replace(&path, text.as_bytes()) {
                Ok(()) => format!("A copy is saved as {title}."),
                Err(error) => format!("The copy was not saved ({error}): {}", path.display()),
            }))
        });
    }

    fn give(&mut self, module: &ModuleId, path: &Path, model: &Model, asks: &mut Asks) {
        let there = model.patch().modules.get(module);
        if there.and_then(PatchModule::text_form) == Some(Text::Code) {
            asks.build = Some((module.clone(), path.to_owned()));
            return;
        }
        match path.to_str() {
            Some(path) => match tuning::retune(model.patch(), module, path) {
                Some(edit) => asks.edit(edit),
                None => asks.set_text(module, path),
            },
            None => self.said.push(format!(
                "A patch cannot store the name of {}, because it is not valid text. Rename the file.",
                file_title(path)
            )),
        }
    }

    fn drops(&mut self, ctx: &Context, theme: &Theme, model: &Model, asks: &mut Asks) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        // The canvas takes sounds and tunings.
        let is_for_canvas = |path: &Path| is_sound(path) || is_tuning(path);
        if let Some(file) = dropped.first().filter(|file| !is_for_canvas(file.path())) {
            self.load(file.path(), model, asks);
        }
        if ctx.input(|input| input.raw.hovered_files.is_empty()) {
            return;
        }
        let layer = LayerId::new(Order::Foreground, Id::new("drop a patch"));
        let painter = ctx.layer_painter(layer);
        let window = ctx.content_rect();
        painter.rect_filled(window, 0.0, Color32::from_black_alpha(140));
        let font = FontId::proportional(24.0);
        let ink = if theme.canvas.intensity() > 0.5 { theme.face } else { theme.text };
        painter.text(
            window.center(),
            Align2::CENTER_CENTER,
            "Drop a patch to open it, or a sound or tuning onto the canvas",
            font,
            ink,
        );
    }

    fn entry_ui(&mut self, ctx: &Context, theme: &Theme, model: &Model, asks: &mut Asks) {
        let Some((purpose, entry)) = &mut self.entry else { return };
        let purpose = purpose.clone();
        if let Some(text) = entry.wants_list() {
            self.errands.send(move || Some(Came::Listed(list(&text))));
        }
        match entry.ui(ctx, theme) {
            Entered::Open => return,
            Entered::Cancelled => self.has_given_up = true,
            Entered::Path(path) => match purpose {
                Purpose::Open => {
                    self.load(&path, model, asks);
                    self.tried = Some(path);
                }
                Purpose::Module(module, _) => self.give(&module, &path, model, asks),
                Purpose::Save => {
                    // What was the patch's file already needs no question.
                    let is_its_own = model.file.path.as_ref() == Some(&path);
                    self.look(path, is_its_own, false);
                }
                Purpose::Copy => self.look(path, false, true),
            },
        }
        self.entry = None;
    }

    fn over_ui(&mut self, ctx: &Context, theme: &Theme, model: &Model, asks: &mut Asks) {
        let Some((path, is_copy)) = self.over.clone() else { return };
        let modal = Modal::new(Id::new("save over")).frame(floating(theme));
        let shown = modal.show(ctx, |ui| {
            ui.set_width(400.0);
            caption(ui, theme, "Replace the file?");
            ui.label(format!("{} already exists.", file_title(&path)));
            ui.label("Saving replaces what is in it.");
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                let keep = main_button(ui, theme, "Keep it");
                if ui.memory(|memory| memory.focused().is_none()) {
                    keep.request_focus();
                }
                (button(ui, "Replace").clicked(), keep.clicked())
            })
            .inner
        });
        let (is_over, is_kept) = shown.inner;
        if is_over && is_copy {
            self.copy_into(path, model);
        } else if is_over {
            self.save_in(path, Over::Anything, asks);
        } else if is_kept || shown.should_close() {
            self.has_given_up = true;
        }
        if is_over || is_kept || shown.should_close() {
            self.over = None;
        }
    }

    /// Whether a question of this waits for an answer.
    pub fn is_asking(&self) -> bool {
        self.entry.is_some()
            || self.over.is_some()
            || self.factory.is_open()
            || self.details.is_open()
    }
}

/// Where the last patch was, else where documents are.
fn folder(preferences: &Preferences) -> Option<PathBuf> {
    let recent = preferences.recent_patches.first().and_then(|path| path.parent());
    recent.map(Path::to_owned).or_else(|| {
        let folders = directories::UserDirs::new()?;
        Some(folders.document_dir().unwrap_or(folders.home_dir()).to_owned())
    })
}

/// A name for the file of a patch: its title's, if it has one.
fn suggested(model: &Model) -> String {
    format!("{}.{EXTENSION}", file_stem(&model.patch().title))
}

/// A title as a file can be called on any system, with room left for numbers,
/// endings and what a file is called while it is being written.
pub fn file_stem(title: &str) -> String {
    let is_bad = |c: char| c.is_control() || "/\\:*?\"<>|\u{2028}\u{2029}".contains(c);
    let fit = |c: char| if is_bad(c) { '-' } else { c };
    let title: String = title.trim().chars().map(fit).take(80).collect();
    let title = disk::cut(&title, 200).trim_matches(['.', ' ']);
    if title.is_empty() { "Untitled".to_owned() } else { title.to_owned() }
}

#[cfg(test)]
mod tests;
