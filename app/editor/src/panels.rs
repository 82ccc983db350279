//! All panels together: which are open, and what each needs to be drawn.

use std::collections::BTreeSet;

use eframe::egui::{Context, Ui, Window};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::history::{Redo, Undo};
use sostenuto_osc::message::note::Panic;
use sostenuto_osc::message::status::Kill;

use super::files::Files;
use super::files::dialogs::SystemDialogs;
use super::guide::Guide;
use super::health::health_ui;
use super::history_view::HistoryList;
use super::model::{Asks, Model};
use super::notices::Notices;
use super::parts::floating;
use super::preferences::Preferences;
use super::preferences_panel::preferences_ui;
use super::presets::{Presets, shelf};
use super::recorder::Recorder;
use super::shortcuts::{Command, keys_of, shortcuts_ui};
use super::sound_settings::SoundSettings;
use super::theme::Theme;
use super::transport::{Transport, play_stop};

/// What the window's menus take at its top, in points.
const MENUS_HEIGHT: f32 = 44.0;

/// A panel that floats above the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Panel {
    Health,
    Sound,
    Recorder,
    History,
    Notices,
    Shortcuts,
    Preferences,
}

impl Panel {
    /// Every one, in the order of the menu.
    pub const ALL: [Panel; 7] = [
        Panel::Health,
        Panel::Sound,
        Panel::Recorder,
        Panel::History,
        Panel::Notices,
        Panel::Shortcuts,
        Panel::Preferences,
    ];

    /// What its window and the menu call it.
    pub fn title(self) -> &'static str {
        match self {
            Panel::Health => "Health",
            Panel::Sound => "Sound",
            Panel::Recorder => "Recorder",
            Panel::History => "History",
            Panel::Notices => "Notices",
            Panel::Shortcuts => "Keys",
            Panel::Preferences => "Preferences",
        }
    }

    fn command(self) -> Option<Command> {
        match self {
            Panel::Health => Some(Command::ShowHealth),
            Panel::Sound => Some(Command::ShowSound),
            Panel::Recorder => None,
            Panel::History => Some(Command::ShowHistory),
            Panel::Notices => Some(Command::ShowNotices),
            Panel::Shortcuts => Some(Command::ShowShortcuts),
            Panel::Preferences => Some(Command::ShowPreferences),
        }
    }
}

/// All panels.
pub struct Panels {
    open: BTreeSet<Panel>,
    /// New, open, save.
    pub files: Files,
    /// Presets of modules.
    pub presets: Presets,
    /// What the window has to say.
    pub notices: Notices,
    /// The recorder.
    pub recorder: Recorder,
    /// Start, stop, tempo.
    pub transport: Transport,
    /// The first steps.
    pub guide: Guide,
    history: HistoryList,
    sound: SoundSettings,
}

impl Panels {
    /// All closed, but for the guide where it was not seen yet.
    pub fn new(ctx: &Context, preferences: &Preferences) -> Panels {
        let wake = || {
            let ctx = ctx.clone();
            move || ctx.request_repaint()
        };
        let dialogs = || Box::new(SystemDialogs::new(wake()));
        Panels {
            open: BTreeSet::new(),
            files: Files::new(dialogs(), wake()),
            presets: Presets::new(shelf::folder_of_this_user(), wake()),
            notices: Notices::default(),
            recorder: Recorder::new(dialogs(), wake()),
            transport: Transport::default(),
            guide: Guide::new(preferences),
            history: HistoryList::default(),
            sound: SoundSettings::default(),
        }
    }

    /// Opens a panel, or closes it.
    pub fn toggle(&mut self, panel: Panel) {
        if !self.open.remove(&panel) {
            self.open.insert(panel);
            self.sound.opened();
        }
    }

    /// Whether a panel is open.
    pub fn is_open(&self, panel: Panel) -> bool {
        self.open.contains(&panel)
    }

    /// Does what a key asked for; `false` where that is not for panels.
    pub fn obey(
        &mut self,
        command: Command,
        ctx: &Context,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) -> bool {
        let now_secs = ctx.input(|input| input.time);
        match command {
            Command::New => self.files.new_patch(model, asks),
            Command::Open => self.files.open(ctx, preferences),
            Command::Save => self.files.save(ctx, model, preferences, asks),
            Command::SaveAs => self.files.save_as(ctx, model, preferences),
            Command::Undo => asks.requests.push(Request::Undo(Undo::default())),
            Command::Redo => asks.requests.push(Request::Redo(Redo::default())),
            Command::PlayStop => play_stop(model.patch(), asks),
            Command::Tap => self.transport.tap(now_secs, model, asks),
            Command::Panic => asks.requests.push(Request::Panic(Panic::default())),
            Command::Record => self.recorder.toggle(model, preferences, asks),
            Command::SaveLast => self.recorder.save_last(model, preferences),
            Command::KillWorker => asks.requests.push(Request::Kill(Kill { slot: None })),
            command => {
                match Panel::ALL.into_iter().find(|panel| panel.command() == Some(command)) {
                    Some(panel) => self.toggle(panel),
                    None => return false,
                }
            }
        }
        true
    }

    /// The entries of a menu.
    pub fn menu_ui(&mut self, ui: &mut Ui, model: &Model) {
        for panel in Panel::ALL {
            let mut is_open = self.is_open(panel);
            let unread = self.notices.unread(model);
            let title = match (panel, unread) {
                (Panel::Notices, 1..) => format!("{} ({unread} new)", panel.title()),
                _ => panel.title().to_owned(),
            };
            let keys =
                panel.command().map_or_else(String::new, |command| keys_of(ui.ctx(), command));
            let entry = eframe::egui::Button::selectable(is_open, title).right_text(keys);
            if ui.add(entry).clicked() {
                is_open ^= true;
                self.toggle(panel);
            }
        }
        ui.separator();
        if ui.button("First steps").clicked() {
            self.guide.start();
        }
    }

    /// Once a frame: draws what is open, and hears what came of slow work.
    pub fn ui(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) {
        self.files.ui(ctx, theme, model, preferences, asks);
        self.recorder.poll(preferences, asks);
        self.say(ctx.input(|input| input.time));
        for panel in Panel::ALL {
            self.window(ctx, theme, panel, model, preferences, asks);
        }
        self.guide.ui(ctx, theme, model, preferences);
        self.notices.toasts_ui(ctx, theme, model);
    }

    fn say(&mut self, now_secs: f64) {
        for sentence in self.files.said() {
            self.notices.say(sentence, false, now_secs);
        }
        for sentence in self.recorder.said().chain(self.presets.poll()) {
            self.notices.say(sentence, true, now_secs);
        }
    }

    fn window(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        panel: Panel,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) {
        let mut is_open = self.is_open(panel);
        if !is_open {
            return;
        }
        // Below the menus. Where there is room, they do not lie on each other.
        let mut room = ctx.content_rect();
        room.min.y += MENUS_HEIGHT;
        Window::new(panel.title())
            .open(&mut is_open)
            .frame(floating(theme))
            .constrain_to(room)
            .resizable(false)
            .collapsible(false)
            .show(ctx, |ui| match panel {
                Panel::Health => health_ui(ui, theme, model, asks),
                Panel::Sound => self.sound.ui(ui, theme, model, preferences, asks),
                Panel::Recorder => self.recorder.ui(ui, theme, model, preferences, asks),
                Panel::History => self.history.ui(ui, theme, model, asks),
                Panel::Notices => {
                    ui.set_width(380.0);
                    self.notices.list_ui(ui, theme, model);
                }
                Panel::Shortcuts => shortcuts_ui(ui, theme),
                Panel::Preferences => preferences_ui(ui, theme, preferences),
            });
        if !is_open {
            self.open.remove(&panel);
        }
    }
}
