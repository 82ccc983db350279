//! All panels together: which are open, and what each needs to be drawn.

use std::collections::BTreeSet;

use eframe::egui::{
    Align, Context, Frame, Layout, Panel as Strip, Rect, RichText, ScrollArea, Ui, Window,
};
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
use super::moment::Moment;
use super::notices::Notices;
use super::own_modules::{self, OwnModules};
use super::panel::{Dock, Panel};
use super::parts::{MARGIN, MENUS_HEIGHT, floating, sign};
use super::preferences::Preferences;
use super::preferences_panel::preferences_ui;
use super::presets::{Presets, shelf};
use super::program::ProgramSheet;
use super::recorder::Recorder;
use super::scenes::Scenes;
use super::set_list::{SetList, Step};
use super::shortcuts::{Command, command_of, entry_of, shortcuts_ui};
use super::sound_settings::SoundSettings;
use super::theme::Theme;
use super::transport::{Transport, play_stop};
use super::workshop::{self, Workshop};

/// What a bar to scroll with takes beside a panel, in points.
const SCROLL_BAR: f32 = 12.0;

/// From what width on, in points, a window has room for panels beside the canvas.
const DOCKS: f32 = 820.0;

/// All panels.
pub struct Panels {
    open: BTreeSet<Panel>,
    /// New, open, save.
    pub files: Files,
    /// Presets of modules.
    pub presets: Presets,
    /// Groups that were kept.
    pub own_modules: OwnModules,
    /// What the window has to say.
    pub notices: Notices,
    /// The recorder.
    pub recorder: Recorder,
    /// Start, stop, tempo.
    pub transport: Transport,
    /// The first steps.
    pub guide: Guide,
    scenes: Scenes,
    set_list: SetList,
    workshop: Workshop,
    program: ProgramSheet,
    history: HistoryList,
    sound: SoundSettings,
}

impl Panels {
    /// Those that were open last, and the guide where it was not seen yet.
    pub fn new(ctx: &Context, preferences: &Preferences) -> Panels {
        let wake = || {
            let ctx = ctx.clone();
            move || ctx.request_repaint()
        };
        let dialogs = || Box::new(SystemDialogs::new(wake()));
        Panels {
            open: preferences.open_panels.clone(),
            files: Files::new(dialogs(), wake()),
            presets: Presets::new(shelf::folder_of_this_user(), wake()),
            own_modules: OwnModules::new(own_modules::folder_of_this_user(), wake()),
            notices: Notices::default(),
            recorder: Recorder::new(dialogs(), wake()),
            transport: Transport::default(),
            guide: Guide::new(preferences),
            scenes: Scenes::default(),
            set_list: SetList::new(),
            workshop: Workshop::new(workshop::folder_of_this_user(), wake()),
            program: ProgramSheet::default(),
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
            Command::Undo if model.history.undos > 0 => {
                asks.requests.push(Request::Undo(Undo::default()));
            }
            Command::Redo if model.history.redos > 0 => {
                asks.requests.push(Request::Redo(Redo::default()));
            }
            Command::Undo | Command::Redo => {}
            Command::PlayStop => play_stop(model.patch(), asks),
            Command::Tap => self.transport.tap(now_secs, model, asks),
            Command::Panic => asks.requests.push(Request::Panic(Panic::default())),
            Command::Record => self.recorder.toggle(model, preferences, asks),
            Command::SaveLast => self.recorder.save_last(model, preferences),
            Command::NextScene => self.scenes.step(model, preferences, Step::On, asks),
            Command::PreviousScene => self.scenes.step(model, preferences, Step::Back, asks),
            Command::NextPatch => self.step_patch(model, preferences, Step::On, asks),
            Command::PreviousPatch => self.step_patch(model, preferences, Step::Back, asks),
            Command::KillWorker => asks.requests.push(Request::Kill(Kill { slot: None })),
            command => match Panel::ALL.into_iter().find(|panel| command_of(*panel) == command) {
                Some(panel) => self.toggle(panel),
                None => return false,
            },
        }
        true
    }

    /// The scenes of the patch, beside each other.
    pub fn scenes_ui(&mut self, ui: &mut Ui, moment: &mut Moment) {
        let Moment { model, preferences, asks, .. } = moment;
        self.scenes.strip_ui(ui, model, preferences, asks);
    }

    /// Recalls a scene.
    pub fn recall(&mut self, number: u8, preferences: &Preferences, asks: &mut Asks) {
        self.scenes.recall(number, preferences, asks);
    }

    fn step_patch(
        &mut self,
        model: &Model,
        preferences: &Preferences,
        step: Step,
        asks: &mut Asks,
    ) {
        if let Some(path) = SetList::beside(model, preferences, step) {
            self.files.load(&path, model, asks);
        }
    }

    /// The entries of a menu.
    pub fn menu_ui(&mut self, ui: &mut Ui, model: &Model) {
        for panel in Panel::ALL {
            let unread = self.notices.unread(model);
            let title = match (panel, unread) {
                (Panel::Notices, 1..) => format!("{} ({unread} new)", panel.title()),
                _ => panel.title().to_owned(),
            };
            if entry_of(ui, &title, command_of(panel), true, Some(self.is_open(panel))) {
                self.toggle(panel);
            }
        }
        ui.separator();
        if ui.button("First steps").clicked() {
            self.guide.start();
        }
    }

    /// Once a frame: draws what is open, and hears what came of slow work. `shown` is
    /// where modules are on the screen that somebody looks at.
    pub fn ui(&mut self, ctx: &Context, moment: &mut Moment, shown: &[Rect]) {
        self.work(ctx, moment);
        for panel in Panel::ALL {
            if self.is_open(panel) && !is_docked(ctx, panel, moment.preferences) {
                self.window(ctx, panel, moment);
            }
        }
        let Moment { theme, model, preferences, asks } = moment;
        self.program.ui(ctx, theme, model.patch(), asks);
        if preferences.open_panels != self.open {
            preferences.open_panels.clone_from(&self.open);
        }
        self.guide.ui(ctx, theme, model, shown, preferences);
        self.notices.toasts_ui(ctx, theme, model);
    }

    /// Once a frame of the stage, where no panel is seen.
    pub fn behind_stage(&mut self, ctx: &Context, moment: &mut Moment) {
        self.work(ctx, moment);
        self.notices.toasts_ui(ctx, moment.theme, moment.model);
    }

    fn work(&mut self, ctx: &Context, moment: &mut Moment) {
        let Moment { theme, model, preferences, asks } = moment;
        self.files.ui(ctx, theme, model, preferences, asks);
        self.recorder.poll(preferences, asks);
        self.set_list.read_ahead(model, preferences);
        let now_secs = ctx.input(|input| input.time);
        for sentence in self.workshop.poll(model.patch(), preferences, asks) {
            self.notices.say(sentence, true, now_secs);
        }
        self.say(now_secs);
    }

    fn say(&mut self, now_secs: f64) {
        for sentence in self.files.said() {
            self.notices.say(sentence, false, now_secs);
        }
        for sentence in
            self.recorder.said().chain(self.presets.poll()).chain(self.own_modules.poll())
        {
            self.notices.say(sentence, true, now_secs);
        }
    }

    fn window(&mut self, ctx: &Context, panel: Panel, moment: &mut Moment) {
        let mut is_open = true;
        // Below the menus. Where there is room, they do not lie on each other.
        let mut room = ctx.content_rect();
        room.min.y += MENUS_HEIGHT;
        Window::new(panel.title())
            .open(&mut is_open)
            .frame(floating(moment.theme))
            .constrain_to(room)
            .resizable(false)
            .vscroll(true)
            .collapsible(false)
            .show(ctx, |ui| {
                dock_ui(ui, moment.theme, panel, moment.preferences);
                self.content(ui, panel, moment);
            });
        if !is_open {
            self.open.remove(&panel);
        }
    }

    /// Once a frame, before the canvas: panels left and right of it.
    pub fn docks_ui(&mut self, ui: &mut Ui, moment: &mut Moment) {
        for (dock, strip) in
            [(Dock::Left, Strip::left("dock left")), (Dock::Right, Strip::right("dock right"))]
        {
            let is_there = |panel: &Panel| {
                self.is_open(*panel)
                    && is_docked(ui.ctx(), *panel, moment.preferences)
                    && dock_of(*panel, moment.preferences) == dock
            };
            let there: Vec<Panel> = Panel::ALL.into_iter().filter(is_there).collect();
            let Some(width) = there.iter().map(|panel| panel.width()).reduce(f32::max) else {
                continue;
            };
            let frame = Frame::new().fill(moment.theme.face).inner_margin(MARGIN);
            let strip = strip.exact_size(width + 2.0 * f32::from(MARGIN) + SCROLL_BAR);
            strip.resizable(false).frame(frame).show(ui, |ui| {
                ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                    for panel in there {
                        self.docked(ui, panel, moment);
                    }
                });
            });
        }
    }

    fn docked(&mut self, ui: &mut Ui, panel: Panel, moment: &mut Moment) {
        ui.push_id(panel.title(), |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(panel.title()).size(15.0).strong());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let words = format!("Close {}", panel.title());
                    if sign(ui, "✖", moment.theme.faint, &words).clicked() {
                        self.open.remove(&panel);
                    }
                    dock_ui(ui, moment.theme, panel, moment.preferences);
                });
            });
            ui.add_space(4.0);
            ui.scope(|ui| self.content(ui, panel, moment));
            ui.add_space(6.0);
            ui.separator();
        });
    }

    fn content(&mut self, ui: &mut Ui, panel: Panel, moment: &mut Moment) {
        let Moment { theme, model, preferences, asks } = moment;
        match panel {
            Panel::Scenes => self.scenes.ui(ui, theme, model, preferences, asks),
            Panel::SetList => {
                if let Some(path) = self.set_list.ui(ui, theme, model, preferences) {
                    self.files.load(&path, model, asks);
                }
            }
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
        }
    }
}

fn dock_of(panel: Panel, preferences: &Preferences) -> Dock {
    preferences.docks.get(&panel).copied().unwrap_or_default()
}

/// Whether it lies beside the canvas. In a narrow window none does.
fn is_docked(ctx: &Context, panel: Panel, preferences: &Preferences) -> bool {
    dock_of(panel, preferences) != Dock::Floating && ctx.content_rect().width() >= DOCKS
}

/// Where a panel may go.
fn dock_ui(ui: &mut Ui, theme: &Theme, panel: Panel, preferences: &mut Preferences) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let mut all = Dock::ALL;
        if ui.layout().prefer_right_to_left() {
            all.reverse();
        }
        for (dock, text, words) in all {
            let is_here = dock_of(panel, preferences) == dock;
            let ink = if is_here { theme.accent } else { theme.faint };
            if sign(ui, text, ink, &format!("{words}: {}", panel.title())).clicked() {
                preferences.docks.insert(panel, dock);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use eframe::egui::{CentralPanel, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    struct Stage {
        panels: Option<Panels>,
        preferences: Preferences,
        canvas: Rect,
    }

    fn stage(width: f32, preferences: Preferences) -> Harness<'static, Stage> {
        let app = |ui: &mut Ui, stage: &mut Stage| {
            let (theme, model) = (Theme::of(Look::Dark), Model::default());
            let Stage { panels, preferences, canvas } = stage;
            preferences.has_seen_guide = true;
            let panels = panels.get_or_insert_with(|| Panels::new(ui.ctx(), preferences));
            let (theme, model, asks) = (&theme, &model, &mut Asks::default());
            let mut moment = Moment { theme, model, preferences, asks };
            panels.docks_ui(ui, &mut moment);
            *canvas = CentralPanel::default().frame(Frame::NONE).show(ui, |ui| ui.max_rect()).inner;
            panels.ui(&ui.ctx().clone(), &mut moment, &[]);
        };
        let stage = Stage { panels: None, preferences, canvas: Rect::NOTHING };
        let builder = Harness::builder().with_size(vec2(width, 900.0));
        let mut harness = builder.build_ui_state(app, stage);
        harness.run_steps(3);
        harness
    }

    fn open(panels: &[Panel]) -> Preferences {
        Preferences { open_panels: panels.iter().copied().collect(), ..Preferences::default() }
    }

    #[test]
    fn a_panel_lies_beside_the_canvas_and_goes_where_it_is_sent() {
        let mut harness = stage(1400.0, open(&[Panel::History]));
        let undo = harness.get_by_label("⟲ Undo").rect();
        assert!(undo.left() > harness.state().canvas.right(), "right, at first");
        harness.get_by_label("Dock left: History").click();
        harness.run_steps(3);
        let undo = harness.get_by_label("⟲ Undo").rect();
        assert!(undo.right() < harness.state().canvas.left());
        assert_eq!(harness.state().preferences.docks[&Panel::History], Dock::Left);
        harness.get_by_label("Close History").click();
        harness.run_steps(3);
        assert!(harness.query_by_label("⟲ Undo").is_none());
        assert!(harness.state().preferences.open_panels.is_empty(), "it is remembered");
    }

    #[test]
    fn every_panel_has_room_where_it_is_docked() {
        for panel in Panel::ALL {
            let harness = stage(1400.0, open(&[panel]));
            let canvas = harness.state().canvas;
            let width = 1400.0 - canvas.right();
            assert!((200.0..560.0).contains(&width), "{panel:?}: {width}");
            let words = harness.get_all_by(|node| node.value().is_some() || node.label().is_some());
            for node in words.filter(|node| node.rect().left() >= canvas.right()) {
                assert!(node.rect().right() <= 1400.0, "{panel:?}: {:?}", node.rect());
            }
        }
    }

    #[test]
    fn in_a_narrow_window_panels_float() {
        let harness = stage(700.0, open(&[Panel::History]));
        assert!(harness.state().canvas.right() > 680.0);
        harness.get_by_label("⟲ Undo");
    }
}
