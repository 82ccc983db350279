//! The window as a whole: what a frame is, from what was heard to what is asked.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use eframe::egui::{
    Align, Button, CentralPanel, Context, Event, Frame, Key, Layout, MenuBar, Modifiers,
    Panel as Strip, RichText, Ui, ViewportCommand, vec2,
};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::host::Quit;
use sostenuto_osc::message::note::Panic;
use sostenuto_osc::message::patch::{Load, Put};
use sostenuto_patch::{Cable, Edit, ModuleId, factory};

use super::browser::{BrowseFor, Browser};
use super::canvas::{Canvas, Intent, Scene};
use super::keyboard::Keyboard;
use super::model::{Asks, Connection, Model};
use super::module_menu::{ModuleWish, module_menu_ui};
use super::panels::Panels;
use super::parts::button;
use super::preferences::Preferences;
use super::session::{News, Session};
use super::shortcuts::{Command, dispatch, keys_of};
use super::theme::Theme;

/// How often what flows is drawn while somebody is at the window.
const LIVELY: Duration = Duration::from_millis(33);
/// How often it is while nobody is: enough to see that it lives.
const CALM: Duration = Duration::from_secs(1);
/// For so long after a late block the state is red, in seconds.
const LATE_SECS: f64 = 3.0;
/// Nobody is at the window where nothing was touched for so long, in seconds:
/// not here, nor by another window or a controller.
const ABSENT_SECS: f64 = 30.0;

/// The window.
pub struct Editor {
    session: Session,
    model: Model,
    preferences: Preferences,
    /// Where the preferences are kept, and what is there.
    kept: Option<(PathBuf, Preferences)>,
    theme: Theme,
    canvas: Canvas,
    browser: Browser,
    /// Every panel that floats.
    pub panels: Panels,
    keyboard: Keyboard,
    asks: Asks,
    /// To be loaded as soon as there is a host.
    first: Option<PathBuf>,
    touched_secs: f64,
    /// Late blocks so far, and when there was the last.
    late: (Option<u64>, f64),
    title: String,
}

impl Editor {
    /// A window of that session. Preferences are kept in `kept`, if at all;
    /// `first` is the patch to begin with.
    pub fn new(
        ctx: &Context,
        session: Session,
        preferences: Preferences,
        kept: Option<PathBuf>,
        first: Option<PathBuf>,
    ) -> Editor {
        let theme = Theme::of(preferences.look);
        theme.apply(ctx);
        ctx.set_zoom_factor(preferences.scale);
        // The canvas zooms, not the letters in the menus.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        Editor {
            session,
            model: Model::default(),
            kept: kept.map(|path| (path, preferences.clone())),
            theme,
            canvas: Canvas::default(),
            browser: Browser::default(),
            panels: Panels::new(ctx, &preferences),
            keyboard: Keyboard::default(),
            preferences,
            asks: Asks::default(),
            first,
            touched_secs: 0.0,
            late: (None, f64::NEG_INFINITY),
            title: String::new(),
        }
    }

    /// What is known of the host.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The canvas.
    pub fn canvas(&mut self) -> &mut Canvas {
        &mut self.canvas
    }

    /// What the musician likes.
    pub fn preferences(&mut self) -> &mut Preferences {
        &mut self.preferences
    }

    /// One frame: hears, draws, asks.
    pub fn frame(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let now_secs = ctx.input(|input| input.time);
        let news = self.session.pump(&mut self.model, now_secs);
        if news.is_eventful {
            self.touched_secs = now_secs;
        }
        self.take_in(news, now_secs);
        let shown = self.canvas.visible().to_vec();
        let mut wanted = sources(&self.model, &shown);
        wanted.extend(self.keyboard.playing().cloned());
        self.session.look(&mut self.model, &wanted);
        let commands = dispatch(&ctx);
        for command in commands {
            self.obey(ui, command);
        }
        self.top_ui(ui);
        self.bottom_ui(ui);
        self.canvas_ui(ui);
        self.floating_ui(&ctx);
        self.session.send(&mut self.asks);
        self.keep_preferences(&ctx);
        self.name_window(&ctx);
        self.wake_again(&ctx, now_secs);
    }

    fn take_in(&mut self, news: News, now_secs: f64) {
        for (address, sentence) in news.errors {
            let is_for_files = address == "/patch/save" && self.panels.files.hear_error(&sentence);
            if !is_for_files {
                self.panels.notices.say(sentence, true, now_secs);
            }
        }
        if !matches!(self.model.connection, Connection::Connected { .. }) {
            return;
        }
        if let Some(path) = self.first.take() {
            self.asks.requests.push(Request::Load(Load { path }));
        } else if news.is_first_patch && self.model.patch().modules.is_empty() {
            // What one hears before having done anything.
            if let Some(first) = factory::PATCHES.iter().find(|patch| patch.name == "first-sound") {
                let json = first.text.as_bytes().to_vec();
                self.asks.requests.push(Request::Put(Put { json }));
            }
        }
    }

    fn obey(&mut self, ui: &Ui, command: Command) {
        let ctx = ui.ctx();
        if self.panels.obey(command, ctx, &self.model, &mut self.preferences, &mut self.asks) {
            return;
        }
        let patch = self.model.patch();
        let (canvas, asks) = (&mut self.canvas, &mut self.asks);
        match command {
            Command::AddModule => {
                if let Intent::Browse { wish, corner, at } = canvas.browse(ui) {
                    self.browser.open(wish, corner, at);
                }
            }
            Command::AddComment => canvas.add_comment(patch, None, asks),
            Command::Copy => canvas.copy(patch).into_iter().for_each(|words| ctx.copy_text(words)),
            Command::Cut => {
                canvas.cut(patch, asks).into_iter().for_each(|words| ctx.copy_text(words));
            }
            Command::Paste => {
                let pasted = ctx.input(|input| {
                    input.events.iter().find_map(|event| match event {
                        Event::Paste(words) => Some(words.clone()),
                        _ => None,
                    })
                });
                if let Some(Err(error)) = pasted.map(|words| canvas.paste(ui, patch, &words, asks))
                {
                    let sentence = format!(
                        "The clipboard does not contain a patch, so nothing was pasted. {error}"
                    );
                    self.panels.notices.say(sentence, false, ctx.input(|input| input.time));
                }
            }
            Command::Duplicate => canvas.duplicate(patch, asks),
            Command::Delete => canvas.delete(patch, asks),
            Command::SelectAll => canvas.select_all(patch),
            Command::Bypass => bypass(&self.model, &canvas.selection, asks),
            Command::FitAll => canvas.fit(),
            Command::FitSelection => canvas.fit_selection(patch),
            Command::ZoomIn => canvas.zoom(1.25),
            Command::ZoomOut => canvas.zoom(0.8),
            Command::ZoomReset => canvas.zoom(1.0 / canvas.camera.zoom),
            Command::FullScreen => {
                let is_full = ctx.input(|input| input.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!is_full));
            }
            _ => {}
        }
    }

    fn top_ui(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(self.theme.face).inner_margin(vec2(8.0, 4.0));
        Strip::top("menus").frame(frame).show(ui, |ui| {
            MenuBar::new().ui(ui, |ui| {
                ui.menu_button("Patch", |ui| {
                    self.panels.files.menu_ui(ui, &self.model, &self.preferences, &mut self.asks);
                    ui.separator();
                    if ui.button("Close the window, keep the sound playing").clicked() {
                        self.preferences.keeps_playing = true;
                        ui.ctx().send_viewport_cmd(ViewportCommand::Close);
                    }
                    if ui.button("Stop the sound and quit").clicked() {
                        self.preferences.keeps_playing = false;
                        ui.ctx().send_viewport_cmd(ViewportCommand::Close);
                    }
                });
                ui.menu_button("Edit", |ui| self.edit_menu(ui));
                ui.menu_button("View", |ui| self.view_menu(ui));
                ui.menu_button("Panels", |ui| self.panels.menu_ui(ui, &self.model));
                ui.separator();
                self.panels.transport.ui(ui, &self.theme, &self.model, &mut self.asks);
                let keys = keys_of(ui.ctx(), Command::Panic);
                let words = format!("Release all notes, cut echoes and tails ({keys})");
                if button(ui, "Panic").on_hover_text(words).clicked() {
                    self.asks.requests.push(Request::Panic(Panic::default()));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.state_ui(ui));
            });
        });
    }

    fn edit_menu(&mut self, ui: &mut Ui) {
        let has = !self.canvas.selection.is_empty();
        let history = &self.model.history;
        let entries = [
            (Command::Undo, "Undo", history.undos > 0),
            (Command::Redo, "Redo", history.redos > 0),
            (Command::AddModule, "Add a module…", true),
            (Command::AddComment, if has { "Group in a comment" } else { "Add a comment" }, true),
            (Command::Copy, "Copy", has),
            (Command::Cut, "Cut", has),
            (Command::Duplicate, "Duplicate with cables", has),
            (Command::Bypass, "Bypass", has),
            (Command::Delete, "Delete", has),
            (Command::SelectAll, "Select all", true),
        ];
        self.entries(ui, &entries);
    }

    fn view_menu(&mut self, ui: &mut Ui) {
        let entries = [
            (Command::FitAll, "Show the whole patch", true),
            (Command::FitSelection, "Show the selection", !self.canvas.selection.is_empty()),
            (Command::ZoomIn, "Zoom in", true),
            (Command::ZoomOut, "Zoom out", true),
            (Command::ZoomReset, "Actual size", true),
            (Command::FullScreen, "Full screen", true),
        ];
        self.entries(ui, &entries);
        ui.separator();
        ui.checkbox(&mut self.canvas.shows_load, "Load of each module, and its worker");
        ui.checkbox(&mut self.keyboard.is_open, "Keyboard");
    }

    fn entries(&mut self, ui: &mut Ui, entries: &[(Command, &str, bool)]) {
        for &(command, name, is_enabled) in entries {
            let keys = keys_of(ui.ctx(), command);
            if ui.add_enabled(is_enabled, Button::new(name).right_text(keys)).clicked() {
                self.obey(ui, command);
                ui.close();
            }
        }
    }

    /// On the right of the bar: the patch, and how its sound is doing. What changes
    /// its width stands left of what is clicked, which must not move under the mouse.
    fn state_ui(&mut self, ui: &mut Ui) {
        ui.checkbox(&mut self.keyboard.is_open, "Keyboard");
        let Editor { panels, theme, model, preferences, asks, .. } = self;
        panels.recorder.button_ui(ui, theme, model, preferences, asks);
        let mark = if model.file.is_saved || model.history.undos == 0 { "" } else { " •" };
        ui.label(RichText::new(patch_name(model) + mark).strong());
        ui.separator();
        let status = &model.status;
        let now_secs = ui.input(|input| input.time);
        if self.late.0.replace(status.xruns).is_some_and(|before| status.xruns > before) {
            self.late.1 = now_secs;
        }
        let is_late = now_secs - self.late.1 < LATE_SECS || status.load > 1.0;
        let (words, colour) = match &model.connection {
            Connection::Starting => ("starting…".to_owned(), theme.faint),
            Connection::Lost(error) => (error.clone(), theme.trouble),
            Connection::Connected { .. } => {
                let load = format!("{} · {:.0} %", status.device, status.load * 100.0);
                let xruns = match status.xruns {
                    0 => String::new(),
                    1 => " · 1 xrun".to_owned(),
                    xruns => format!(" · {xruns} xruns"),
                };
                (load + &xruns, if is_late { theme.trouble } else { theme.faint })
            }
        };
        ui.label(RichText::new(words).color(colour));
    }

    fn bottom_ui(&mut self, ui: &mut Ui) {
        if !self.keyboard.is_open {
            return self.keyboard.let_go(&mut self.asks);
        }
        let frame = Frame::new().fill(self.theme.face).inner_margin(8.0);
        Strip::bottom("keyboard").frame(frame).show(ui, |ui| {
            self.keyboard.ui(ui, &self.theme, &self.model, &mut self.asks);
        });
    }

    fn canvas_ui(&mut self, ui: &mut Ui) {
        let Editor { canvas, model, theme, preferences, panels, asks, .. } = self;
        let scene = Scene { theme, preferences, model };
        let presets = &mut panels.presets;
        let mut menu = |ui: &mut Ui, id: &ModuleId, asks: &mut Asks| {
            module_menu_ui(ui, theme, model, id, presets, asks)
        };
        let shown = CentralPanel::default()
            .frame(Frame::NONE)
            .show(ui, |ui| canvas.ui(ui, scene, asks, &mut menu));
        for intent in shown.inner {
            self.follow(ui, intent);
        }
        // Enter, where it presses nothing else.
        let is_free = ui.memory(|memory| memory.focused().is_none()) && !self.browser.is_open();
        if is_free && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter)) {
            self.obey(ui, Command::AddModule);
        }
    }

    fn follow(&mut self, ui: &Ui, intent: Intent) {
        match intent {
            Intent::Browse { wish, corner, at } => self.browser.open(wish, corner, at),
            Intent::Say(sentence) => {
                self.panels.notices.say(sentence, false, ui.input(|input| input.time));
            }
            Intent::Module(ModuleWish::Replace(id)) => {
                let (corner, at) = self.canvas.beside(self.model.patch(), &id);
                let modules: BTreeSet<ModuleId> = match self.canvas.selection.contains(&id) {
                    true => self.canvas.selection.clone(),
                    false => [id].into(),
                };
                let wish = BrowseFor::Replace(modules.into_iter().collect());
                self.browser.open(wish, corner, at);
            }
            Intent::Module(ModuleWish::Duplicate(_)) => {
                self.canvas.duplicate(self.model.patch(), &mut self.asks);
            }
        }
    }

    fn floating_ui(&mut self, ctx: &Context) {
        let Editor { model, theme, preferences, panels, asks, browser, canvas, .. } = self;
        if let Some(chosen) = browser.ui(ctx, theme, preferences) {
            let scene = Scene { theme, preferences, model };
            canvas.put(scene, &chosen, asks);
        }
        panels.ui(ctx, theme, model, preferences, asks);
    }

    fn keep_preferences(&mut self, ctx: &Context) {
        if self.theme.look != self.preferences.look {
            self.theme = Theme::of(self.preferences.look);
            self.theme.apply(ctx);
        }
        if ctx.zoom_factor() != self.preferences.scale
            && !ctx.input(|input| input.pointer.any_down())
        {
            ctx.set_zoom_factor(self.preferences.scale);
        }
        // A slider that is still moved is not written.
        let is_busy = ctx.input(|input| input.pointer.any_down());
        if let Some((path, there)) = &mut self.kept
            && *there != self.preferences
            && !is_busy
        {
            there.clone_from(&self.preferences);
            if let Err(error) = self.preferences.save(path) {
                let sentence =
                    format!("Your preferences were not saved ({error}): {}", path.display());
                self.panels.notices.say(sentence, true, ctx.input(|input| input.time));
            }
        }
    }

    fn name_window(&mut self, ctx: &Context) {
        let title = format!("{} · Sostenuto", patch_name(&self.model));
        if self.title != title {
            self.title.clone_from(&title);
            ctx.send_viewport_cmd(ViewportCommand::Title(title));
        }
    }

    /// What flows is drawn again by itself: often while somebody looks, seldom
    /// while nobody does.
    fn wake_again(&mut self, ctx: &Context, now_secs: f64) {
        let (is_touched, is_focused) = ctx.input(|input| (!input.events.is_empty(), input.focused));
        if is_touched {
            self.touched_secs = now_secs;
        }
        let is_there = is_focused && now_secs - self.touched_secs < ABSENT_SECS;
        ctx.request_repaint_after(if is_there { LIVELY } else { CALM });
    }
}

impl eframe::App for Editor {
    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.frame(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        self.keyboard.let_go(&mut self.asks);
        if !self.preferences.keeps_playing {
            self.asks.requests.push(Request::Quit(Quit {}));
        }
        self.session.send(&mut self.asks);
        self.session.finish();
        if let Some((path, _)) = &self.kept {
            // The window is closing: nobody is there to be told.
            let _ = self.preferences.save(path);
        }
    }
}

/// Those modules, and those that send to them: what flows into a port is what
/// another module sends.
fn sources(model: &Model, shown: &[ModuleId]) -> BTreeSet<ModuleId> {
    let shown: BTreeSet<&ModuleId> = shown.iter().collect();
    let into = |cable: &&Cable| shown.contains(&cable.to.module);
    let sending = model.patch().cables.iter().filter(into).map(|cable| &cable.from.module);
    shown.iter().copied().chain(sending).cloned().collect()
}

fn patch_name(model: &Model) -> String {
    let title = &model.patch().title;
    let file = model.file.path.as_ref().and_then(|path| path.file_stem());
    match (title.is_empty(), file) {
        (false, _) => title.clone(),
        (true, Some(file)) => file.to_string_lossy().into_owned(),
        (true, None) => "Untitled".to_owned(),
    }
}

fn bypass(model: &Model, modules: &BTreeSet<ModuleId>, asks: &mut Asks) {
    let patch = model.patch();
    let are_on = modules.iter().any(|id| patch.modules.get(id).is_some_and(|m| !m.is_bypassed));
    let edits =
        modules.iter().map(|id| Edit::SetBypass { module: id.clone(), is_bypassed: are_on });
    asks.edit(Edit::Group(edits.collect()));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use proptest::prelude::*;
    use sostenuto_osc::endpoint::Endpoint;
    use sostenuto_osc::message::status::Status;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Else a click that begins on a button ends beside it.
        #[test]
        fn no_button_of_the_bar_moves_when_the_state_changes(
            device in "[a-zA-Z ]{0,30}", load in 0f32..20.0, xruns in 0u64..200, is_lost: bool,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let session = Session::start(Endpoint::at(folder.path().join("none")), None, || {});
            let parts = RefCell::new(Some((session, Preferences::default())));
            let app = move |ui: &mut Ui, editor: &mut Option<Editor>| {
                let begin = || {
                    let (session, preferences) = parts.take().expect("it begins once");
                    Editor::new(ui.ctx(), session, preferences, None, None)
                };
                editor.get_or_insert_with(begin).top_ui(ui);
            };
            let mut harness = Harness::builder().with_size(vec2(1600.0, 200.0)).build_ui_state(app, None);
            harness.step();
            let place = |harness: &Harness<Option<Editor>>| {
                ["Keyboard", "Record"].map(|label| harness.get_by_label(label).rect())
            };
            let before = place(&harness);
            let editor = harness.state_mut().as_mut().expect("it was drawn once");
            editor.model.status = Status { device, load, xruns, ..Status::default() };
            editor.model.connection = match is_lost {
                true => Connection::Lost("The sound host does not answer.".to_owned()),
                false => Connection::Connected { pid: 1 },
            };
            harness.step();
            prop_assert_eq!(place(&harness), before);
        }
    }
}
