//! The window as a whole: what a frame is, from what was heard to what is asked.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use eframe::egui::{
    CentralPanel, Context, Event, Frame, Key, Modifiers, Panel as Strip, Ui, ViewportCommand, vec2,
};
use sostenuto_modules::module::Role;
use sostenuto_osc::message::Request;
use sostenuto_osc::message::host::Quit;
use sostenuto_osc::message::patch::{Load, Put};
use sostenuto_patch::{Cable, Edit, GroupId, ModuleId, Patch, PatchModule, factory};

use super::browser::{BrowseFor, Browser, ChosenOwn};
use super::canvas::camera::Camera;
use super::canvas::{Canvas, Intent, Scene};
use super::files::closing::Closing;
use super::following::{Following, leaders};
use super::keyboard::Keyboard;
use super::last_time::{LastTime, WindowPlace};
use super::model::{Asks, Connection, Model};
use super::module_menu::{ModuleWish, module_menu_ui};
use super::moment::Moment;
use super::own_modules;
use super::panels::Panels;
use super::patching;
use super::preferences::Preferences;
use super::session::{News, Session};
use super::shortcuts::{Command, dispatch};
use super::stage::Stage;
use super::theme::{Look, Theme, fonts};
use super::wheel::set_wheel_turns_knobs;

mod stage_bar;
mod toolbar;

/// How often what flows is drawn while somebody is at the window.
const LIVELY: Duration = Duration::from_millis(33);
/// How often it is while nobody is: enough to see that it lives.
const CALM: Duration = Duration::from_secs(1);
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
    stage: Stage,
    following: Following,
    asks: Asks,
    /// To be loaded as soon as there is a host.
    first: Option<PathBuf>,
    /// What brings back what was open when the window closed.
    resume: Vec<Request>,
    /// What was seen of it.
    last_view: Option<Camera>,
    closing: Closing,
    /// Where the window is.
    window_place: Option<WindowPlace>,
    touched_secs: f64,
    toolbar: toolbar::Toolbar,
    title: String,
}

impl Editor {
    /// A window of that session. Preferences are kept in `kept`, if at all, where
    /// one was last time beside them; `first` is the patch to begin with.
    pub fn new(
        ctx: &Context,
        session: Session,
        preferences: Preferences,
        kept: Option<(PathBuf, LastTime)>,
        first: Option<PathBuf>,
    ) -> Editor {
        let theme = Theme::of(Look::chosen_or_system(preferences.look, ctx.system_theme()));
        ctx.set_fonts(fonts());
        theme.apply(ctx);
        ctx.set_zoom_factor(preferences.scale);
        let (kept, last) = kept.unzip();
        let last = last.unwrap_or_default();
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
            stage: Stage::default(),
            following: Following::default(),
            preferences,
            asks: Asks::default(),
            resume: if first.is_none() { last.requests() } else { Vec::new() },
            last_view: last.camera().filter(|_| first.is_none()),
            first,
            closing: Closing::default(),
            window_place: last.window,
            touched_secs: 0.0,
            toolbar: toolbar::Toolbar::default(),
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
        self.follow_look(ui);
        set_wheel_turns_knobs(&ctx, self.preferences.wheel_turns_knobs);
        let now_secs = ctx.input(|input| input.time);
        let news = self.session.pump(&mut self.model, now_secs);
        if news.is_eventful {
            self.touched_secs = now_secs;
        }
        self.take_in(news, now_secs);
        let shown = self.canvas.visible().to_vec();
        let mut wanted = sources(&self.model, &shown);
        wanted.extend(self.keyboard.playing().cloned());
        wanted.extend(self.stage.modules(self.model.patch()));
        wanted.extend(loudspeakers(self.model.patch()).map(|(id, _)| id.clone()));
        wanted.extend(leaders(self.model.patch()).cloned());
        self.session.look(&mut self.model, &wanted);
        self.model.led = self.following.follow(self.model.patch(), &self.model.signals);
        let commands = dispatch(&ctx);
        for command in commands {
            if self.stage.allows(command) {
                self.obey(ui, command);
            }
        }
        if self.stage.is_open() {
            self.stage_ui(ui);
        } else {
            self.patch_ui(ui);
        }
        self.floating_ui(&ctx);
        self.session.send(&mut self.asks);
        self.keep_preferences(&ctx);
        self.name_window(&ctx);
        self.wake_again(&ctx, now_secs);
    }

    /// The scenes, where there are any.
    fn scenes_ui(&mut self, ui: &mut Ui) {
        let Editor { panels, theme, model, preferences, asks, .. } = self;
        if model.patch().scenes.is_empty() || !preferences.shows_scenes {
            return;
        }
        let frame = Frame::new().fill(theme.face).inner_margin(vec2(8.0, 3.0));
        Strip::top("scenes").frame(frame).show(ui, |ui| {
            panels.scenes_ui(ui, &mut Moment { theme, model, preferences, asks });
        });
    }

    /// All that is seen while the stage is closed.
    fn patch_ui(&mut self, ui: &mut Ui) {
        self.top_ui(ui);
        self.scenes_ui(ui);
        self.bottom_ui(ui);
        let Editor { panels, theme, model, preferences, asks, .. } = self;
        panels.docks_ui(ui, &mut Moment { theme, model, preferences, asks });
        self.canvas_ui(ui);
    }

    /// The colours that were chosen, or the system's, in this frame already.
    fn follow_look(&mut self, ui: &mut Ui) {
        let look = Look::chosen_or_system(self.preferences.look, ui.ctx().system_theme());
        if self.theme.look != look {
            self.theme = Theme::of(look);
            self.theme.apply(ui.ctx());
            ui.set_style(ui.ctx().global_style());
        }
    }

    fn take_in(&mut self, news: News, now_secs: f64) {
        for (address, sentence) in news.errors {
            // Who undoes more than there is sees that nothing happens.
            if address == "/undo" || address == "/redo" {
                continue;
            }
            let files = &mut self.panels.files;
            let is_for_files = match address.as_str() {
                "/patch/save" => files.hear_error(&sentence),
                "/patch/load" => files.hear_load_error(&sentence),
                _ => false,
            };
            if !is_for_files {
                self.panels.notices.say(sentence, true, now_secs);
            }
        }
        if let Some(before) = &news.before {
            let patch = self.model.patch();
            self.canvas.turn_to_another(before, patch);
            self.panels.files.hear_patch();
            if !patch.modules.is_empty()
                && let Some(view) = self.last_view.take()
            {
                self.canvas.look(view, patch);
            }
        }
        if !matches!(self.model.connection, Connection::Connected { .. }) {
            return;
        }
        if let Some(path) = self.first.take() {
            self.asks.requests.push(Request::Load(Load { path }));
        } else if news.is_first_patch && self.model.patch().modules.is_empty() {
            if !self.resume.is_empty() {
                self.asks.requests.append(&mut self.resume);
                return;
            }
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
                    self.browser.open(wish, corner, at, patch);
                }
            }
            Command::AddComment => canvas.add_comment(patch, asks),
            Command::GroupModules => canvas.group(patch, asks),
            Command::Ungroup => canvas.ungroup(patch, asks),
            Command::TakeOut => canvas.take_out(patch, asks),
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
                if pasted.is_none() {
                    // A menu has asked: the system answers with the words.
                    ctx.send_viewport_cmd(ViewportCommand::RequestPaste);
                }
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
            Command::TidyUp => canvas.arrange(patch, asks),
            Command::AlignLeft => canvas.align(patch, patching::Align::Left, asks),
            Command::AlignTop => canvas.align(patch, patching::Align::Top, asks),
            Command::AlignRight => canvas.align(patch, patching::Align::Right, asks),
            Command::AlignBottom => canvas.align(patch, patching::Align::Bottom, asks),
            Command::ShowKeyboard => self.keyboard.is_open ^= true,
            Command::ShowLoad => canvas.shows_load ^= true,
            Command::ShowStage => {
                if let Some(sentence) = self.stage.toggle(ctx) {
                    let now_secs = ctx.input(|input| input.time);
                    self.panels.notices.say(sentence.to_owned(), false, now_secs);
                }
            }
            Command::Bypass => bypass(&self.model, &canvas.chosen_modules(patch), asks),
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

    fn bottom_ui(&mut self, ui: &mut Ui) {
        if !self.keyboard.is_open {
            let plays = self.preferences.keys_play && !self.browser.is_open();
            let patch = self.model.patch();
            return self.keyboard.closed_ui(ui, patch, plays, &mut self.asks);
        }
        let frame = Frame::new().fill(self.theme.face).inner_margin(8.0);
        Strip::bottom("keyboard").frame(frame).show(ui, |ui| {
            self.keyboard.ui(ui, &self.theme, &self.model, &mut self.asks);
        });
    }

    fn canvas_ui(&mut self, ui: &mut Ui) {
        let Editor { canvas, model, theme, preferences, panels, asks, .. } = self;
        let scene = Scene { theme, preferences, model, patch: model.patch() };
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
            Intent::Browse { wish, corner, at } => {
                self.browser.open(wish, corner, at, self.model.patch());
            }
            Intent::Say(sentence) => {
                self.panels.notices.say(sentence, false, ui.input(|input| input.time));
            }
            Intent::Obey(command) => self.obey(ui, command),
            Intent::Keep(title, patch) => {
                let name = own_modules::name_of(&title);
                let was = self.panels.own_modules.all().get(&name).is_some_and(|own| own.is_kept);
                let how =
                    if was { "It replaces the one of that name." } else { "The browser lists it." };
                let sentence = format!("“{name}” is kept in My modules. {how}");
                self.panels.own_modules.keep(&title, *patch);
                self.panels.notices.say(sentence, false, ui.input(|input| input.time));
            }
            Intent::Update(id) => {
                let sentence = self.update(&id);
                self.panels.notices.say(sentence, false, ui.input(|input| input.time));
            }
            Intent::Module(ModuleWish::Replace(id)) => {
                let (corner, at) = self.canvas.beside(self.model.patch(), &id);
                let modules: BTreeSet<ModuleId> = match self.canvas.selection.contains(&id) {
                    true => self.canvas.selection.clone(),
                    false => [id].into(),
                };
                let real = modules.into_iter().filter(|id| !id.is_stand_in());
                let wish = BrowseFor::Replace(real.collect());
                self.browser.open(wish, corner, at, self.model.patch());
            }
            Intent::Module(ModuleWish::Duplicate(_)) => {
                self.canvas.duplicate(self.model.patch(), &mut self.asks);
            }
        }
    }

    /// Makes a group and its copies what the browser has under its name. Returns what there
    /// is to say.
    fn update(&mut self, id: &GroupId) -> String {
        let patch = self.model.patch();
        let link = patch.groups.get(id).and_then(|group| group.link.as_deref()).unwrap_or_default();
        let own = self.panels.own_modules.all().get(link);
        let found = own.and_then(|own| Some((own, own.patch.linked(link).next()?)));
        let Some((own, root)) = found else {
            return format!("The browser has no group “{link}”, so nothing was changed.");
        };
        match patch.made_like(id, &own.patch, root) {
            Ok(edit) => {
                let sentence = format!("“{link}” is now as the browser has it, in all its copies.");
                self.asks.edit(edit);
                sentence
            }
            Err(problem) => problem.to_string(),
        }
    }

    fn floating_ui(&mut self, ctx: &Context) {
        let Editor { model, theme, preferences, panels, asks, browser, canvas, closing, .. } = self;
        let place = ctx.input(|input| WindowPlace::of(input.viewport()));
        self.window_place = place.or(self.window_place);
        if self.stage.is_open() {
            let mut moment = Moment { theme, model, preferences, asks };
            panels.behind_stage(ctx, &mut moment);
            return closing.ui(ctx, &mut panels.files, &mut moment);
        }
        if let Some(chosen) = browser.ui(ctx, theme, preferences, panels.own_modules.all()) {
            let scene = Scene { theme, preferences, model, patch: model.patch() };
            if let Some(sentence) = canvas.put(scene, &chosen, asks) {
                panels.notices.say(sentence, false, ctx.input(|input| input.time));
            }
        }
        if let Some(ChosenOwn { name, at }) = browser.take_own()
            && let Some(kept) = panels.own_modules.all().get(&name)
        {
            canvas.put_own(model.patch(), &kept.patch, at, asks);
        }
        if let Some(name) = browser.take_removed() {
            panels.own_modules.remove(&name);
        }
        let is_guided = panels.guide.is_open();
        let shown = if is_guided { canvas.looked_at(model.patch()) } else { Vec::new() };
        let mut moment = Moment { theme, model, preferences, asks };
        panels.ui(ctx, &mut moment, &shown);
        closing.ui(ctx, &mut panels.files, &mut moment);
    }

    fn keep_preferences(&mut self, ctx: &Context) {
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
            if matches!(self.model.connection, Connection::Connected { .. }) {
                let is_kept = self.closing.is_kept(&self.preferences);
                let last = LastTime::of(&self.model, self.canvas.camera, is_kept);
                let last = LastTime { window: self.window_place, ..last };
                let _ = last.save(&LastTime::path(path));
            }
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

/// The modules that send to the sound card.
fn loudspeakers(patch: &Patch) -> impl Iterator<Item = (&ModuleId, &PatchModule)> {
    patch.modules.iter().filter(|(_, module)| module.has_role(Role::AudioOut))
}

fn bypass(model: &Model, modules: &BTreeSet<ModuleId>, asks: &mut Asks) {
    let patch = model.patch();
    let are_on = modules.iter().any(|id| patch.modules.get(id).is_some_and(|m| !m.is_bypassed));
    let edits =
        modules.iter().map(|id| Edit::SetBypass { module: id.clone(), is_bypassed: are_on });
    asks.edit(Edit::Several(edits.collect()));
}
