//! The bar at the top: menus, what is played with all the time, and how the sound is
//! doing. What has no room in a narrow window is in the menus.

use eframe::egui::text::LayoutJob;
use eframe::egui::{
    Align, Button, FontId, Frame, Label, Layout, MenuBar, Panel as Strip, RichText, Sense, Slider,
    TextFormat, Ui, Vec2, ViewportCommand, WidgetInfo, WidgetType, vec2,
};
use sostenuto_dsp::units::FULL_SCALE_VOLTS;

use super::{Editor, loudspeakers, patch_name};
use crate::health::{Verdict, verdict};
use crate::keyboard::keys_target;
use crate::model::Connection;
use crate::panel::Panel;
use crate::parts::button;
use crate::shortcuts::{Command, Menu, entry_of, keys_of, menu_of, title_of};

/// For so long after a late block the state is red, in seconds.
const LATE_SECS: f64 = 3.0;
/// For so long after sound was clipped its lamp is lit, in seconds.
const CLIPPED_SECS: f64 = 2.0;
/// The quietest that the volume can be set to here, in dB; below it is silence.
const QUIETEST_DB: f32 = -60.0;

/// From what width on, in points, the bar has room for what.
const UNREAD: f32 = 380.0;
const MENUS: f32 = 560.0;
const VOLUME: f32 = 640.0;
const KEYBOARD: f32 = 860.0;
const KEYS: f32 = 1000.0;
const NAME: f32 = 1080.0;

/// What the bar remembers.
#[derive(Debug)]
pub struct Toolbar {
    /// Late blocks so far, and when there was the last.
    late: (Option<u64>, f64),
    clipped_at_secs: f64,
    volume_gesture: i32,
}

impl Default for Toolbar {
    fn default() -> Toolbar {
        let never = f64::NEG_INFINITY;
        Toolbar { late: (None, never), clipped_at_secs: never, volume_gesture: 0 }
    }
}

impl Editor {
    pub(super) fn top_ui(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(self.theme.face).inner_margin(vec2(8.0, 4.0));
        Strip::top("menus").frame(frame).show(ui, |ui| {
            MenuBar::new().ui(ui, |ui| {
                let room = ui.available_width();
                ui.spacing_mut().item_spacing.x = 5.0;
                if room < MENUS {
                    ui.menu_button("Menu", |ui| self.menus_ui(ui));
                } else {
                    self.menus_ui(ui);
                }
                let words =
                    format!("{} ({})", title_of(Command::AddModule), keys(ui, Command::AddModule));
                let plus = Button::new(RichText::new("+").size(18.0));
                let add = ui.add(plus.min_size(vec2(28.0, 28.0)));
                add.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Add"));
                if add.on_hover_text(words).clicked() {
                    self.obey(ui, Command::AddModule);
                }
                self.panels.transport.ui(ui, &self.theme, &self.model, room, &mut self.asks);
                let words = format!("{} ({})", title_of(Command::Panic), keys(ui, Command::Panic));
                if button(ui, "Panic").on_hover_text(words).clicked() {
                    self.obey(ui, Command::Panic);
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.state_ui(ui, room));
            });
        });
    }

    fn menus_ui(&mut self, ui: &mut Ui) {
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
        for (title, menu) in [("Edit", Menu::Edit), ("View", Menu::View), ("Sound", Menu::Sound)] {
            ui.menu_button(title, |ui| self.entries(ui, menu));
        }
        ui.menu_button("Panels", |ui| self.panels.menu_ui(ui, &self.model));
    }

    fn entries(&mut self, ui: &mut Ui, menu: Menu) {
        for (index, group) in menu_of(menu).iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            for &command in *group {
                let has = !self.canvas.selection.is_empty();
                let title = match command {
                    Command::AddComment if has => "Comment around the selection",
                    command => title_of(command),
                };
                let (is_possible, is_on) = (self.is_possible(command), self.is_on(command));
                if entry_of(ui, title, command, is_possible, is_on) {
                    self.obey(ui, command);
                    ui.close();
                }
            }
        }
    }

    /// What can be on or off, and which it is.
    fn is_on(&self, command: Command) -> Option<bool> {
        match command {
            Command::ShowKeyboard => Some(self.keyboard.is_open),
            Command::ShowLoad => Some(self.canvas.shows_load),
            Command::ShowStage => Some(self.stage.is_open()),
            _ => None,
        }
    }

    fn is_possible(&self, command: Command) -> bool {
        let chosen = self.canvas.selection.len();
        match command {
            Command::Undo => self.model.history.undos > 0,
            Command::Redo => self.model.history.redos > 0,
            Command::Copy
            | Command::Cut
            | Command::Duplicate
            | Command::Bypass
            | Command::Delete
            | Command::GroupModules
            | Command::FitSelection => chosen > 0,
            Command::Ungroup => self.canvas.has_groups_chosen(),
            Command::TakeOut => chosen > 0 && self.canvas.is_inside(),
            Command::AlignLeft | Command::AlignTop | Command::AlignRight | Command::AlignBottom => {
                chosen > 1
            }
            Command::TidyUp => !self.model.patch().modules.is_empty(),
            _ => true,
        }
    }

    /// On the right of the bar: the patch, and how its sound is doing. What changes
    /// its width stands left of what is clicked, which must not move under the mouse.
    fn state_ui(&mut self, ui: &mut Ui, room: f32) {
        if room >= KEYBOARD {
            let words = format!("Show it ({})", keys(ui, Command::ShowKeyboard));
            ui.checkbox(&mut self.keyboard.is_open, "Keyboard").on_hover_text(words);
        }
        if room >= KEYS && keys_target(self.model.patch(), None).is_some() {
            let words = "The computer's keys play: A is C, W is C sharp; Z and X shift the octave";
            let plays = &mut self.preferences.keys_play;
            ui.checkbox(plays, "Keys play").on_hover_text(words);
        }
        let Editor { panels, theme, model, preferences, asks, .. } = self;
        panels.recorder.button_ui(ui, theme, model, preferences, asks);
        if room >= VOLUME {
            self.volume_ui(ui, vec2(84.0, 28.0));
        }
        self.health_ui(ui);
        let unread = self.panels.notices.unread(&self.model);
        if unread > 0 && room >= UNREAD {
            let text = RichText::new(format!("⚠ {unread}")).color(self.theme.trouble);
            let mark = ui.add(Button::new(text).min_size(vec2(0.0, 28.0)));
            if mark.on_hover_text("Notices that were not read").clicked() {
                self.panels.toggle(Panel::Notices);
            }
        }
        if let Connection::Lost(error) = &self.model.connection {
            let words = RichText::new(error).color(self.theme.trouble);
            ui.add(Label::new(words).truncate());
        } else if room >= NAME {
            let model = &self.model;
            let mark = if model.file.is_saved || model.history.undos == 0 { "" } else { " •" };
            ui.add(Label::new(RichText::new(patch_name(model) + mark).strong()).truncate());
        }
    }

    /// How much of its time the sound takes, in the colour of how it is doing.
    fn health_ui(&mut self, ui: &mut Ui) {
        let (text, sentence) = self.health(ui);
        let button = ui.add(Button::new(text).min_size(vec2(92.0, 28.0)));
        button.widget_info(|| {
            WidgetInfo::labeled(WidgetType::Button, true, format!("Health: {sentence}"))
        });
        let more = format!("{sentence}\n{}", self.model.status.device);
        if button.on_hover_text(more).clicked() {
            self.panels.toggle(Panel::Health);
        }
    }

    /// How much of its time the sound takes, and how it is doing in a sentence.
    pub(super) fn health(&mut self, ui: &Ui) -> (LayoutJob, String) {
        let status = &self.model.status;
        let now_secs = ui.input(|input| input.time);
        let late = &mut self.toolbar.late;
        if late.0.replace(status.xruns).is_some_and(|before| status.xruns > before) {
            late.1 = now_secs;
        }
        let (verdict, sentence) = verdict(&self.model, now_secs - late.1 < LATE_SECS);
        let colour = match verdict {
            Verdict::Good => self.theme.good,
            Verdict::Warm => self.theme.accent,
            Verdict::Bad => self.theme.trouble,
        };
        let words = match &self.model.connection {
            Connection::Starting => "…".to_owned(),
            Connection::Lost(_) => "–".to_owned(),
            Connection::Connected { .. } => format!("{:.0} %", status.load * 100.0),
        };
        let ink = if verdict == Verdict::Good { self.theme.faint } else { colour };
        let mut text = LayoutJob::default();
        for (part, ink) in [("● ", colour), (&*format!("CPU {words}"), ink)] {
            text.append(part, 0.0, TextFormat::simple(FontId::proportional(13.0), ink));
        }
        (text, sentence)
    }

    /// The level of the first Audio Out in a slider of that size, and whether it clips.
    pub(super) fn volume_ui(&mut self, ui: &mut Ui, size: Vec2) {
        let Editor { model, theme, toolbar, asks, .. } = self;
        let Some((id, module)) = loudspeakers(model.patch()).next() else { return };
        let now_secs = ui.input(|input| input.time);
        let peaks = model.signals.display(id);
        if peaks.iter().any(|peak| *peak >= FULL_SCALE_VOLTS) {
            toolbar.clipped_at_secs = now_secs;
        }
        let is_clipped = now_secs - toolbar.clipped_at_secs < CLIPPED_SECS;
        let (lamp, light) = ui.allocate_exact_size(vec2(14.0, size.y), Sense::hover());
        let ink = if is_clipped { theme.trouble } else { theme.knob };
        ui.painter().circle(lamp.center(), 4.5, ink, (1.0, theme.edge));
        let words =
            if is_clipped { "Too loud: the output clips" } else { "The output does not clip" };
        light.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, words));
        light.on_hover_text(words);
        let mut level_db = module.param("level").unwrap_or(0.0).max(QUIETEST_DB);
        ui.spacing_mut().slider_width = size.x;
        ui.spacing_mut().interact_size.y = size.y.max(ui.spacing().interact_size.y);
        let slider = Slider::new(&mut level_db, QUIETEST_DB..=12.0).show_value(false);
        let response = ui.add(slider);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(level_db), "Volume"));
        if response.drag_started() || toolbar.volume_gesture == 0 || !response.dragged() {
            toolbar.volume_gesture = asks.begin_gesture();
        }
        if response.double_clicked() {
            asks.set_param(id, "level", 0.0, toolbar.volume_gesture);
        } else if response.changed() {
            asks.set_param(id, "level", level_db, toolbar.volume_gesture);
        }
        let reading = match level_db {
            level if level <= QUIETEST_DB => "silent".to_owned(),
            level => format!("{level:+.1} dB"),
        };
        response.on_hover_text(format!("Volume: {reading}. Double-click for 0 dB"));
    }
}

fn keys(ui: &Ui, command: Command) -> String {
    keys_of(ui.ctx(), command)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT, Queryable};
    use proptest::prelude::*;
    use sostenuto_osc::endpoint::Endpoint;
    use sostenuto_osc::message::status::Status;

    use super::*;
    use crate::preferences::Preferences;
    use crate::session::Session;
    use sostenuto_patch::{Patch, PatchModule};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Else a click that begins on a button ends beside it.
        #[test]
        fn no_button_of_the_bar_moves_when_the_state_changes(
            device in "[a-zA-Z ]{0,30}", load in 0f32..20.0, xruns in 0u64..200, is_lost: bool,
            width in 900f32..1900.0,
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
            let mut harness = Harness::builder().with_size(vec2(width, 200.0)).build_ui_state(app, None);
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

    /// All that the bar has at that width: what it is and where.
    fn bar(width: f32) -> Vec<(String, eframe::egui::Rect)> {
        let folder = tempfile::tempdir().expect("a folder");
        let session = Session::start(Endpoint::at(folder.path().join("none")), None, || {});
        let parts = RefCell::new(Some((session, Preferences::default())));
        let app = move |ui: &mut Ui, editor: &mut Option<Editor>| {
            let begin = || {
                let (session, preferences) = parts.take().expect("it begins once");
                let mut editor = Editor::new(ui.ctx(), session, preferences, None, None);
                let mut patch =
                    Patch { title: "A rather long title of a patch".into(), ..Patch::default() };
                for kind in ["clock", "audio-out", "keyboard"] {
                    patch.modules.insert(kind.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
                }
                editor.model.mirror = sostenuto_osc::mirror::Mirror::of(patch);
                editor.model.connection = Connection::Connected { pid: 1 };
                editor.model.status = Status { load: 12.0, ..Status::default() };
                editor.panels.notices.say("Something is wrong.", true, 0.0);
                editor
            };
            editor.get_or_insert_with(begin).top_ui(ui);
        };
        let mut harness =
            Harness::builder().with_size(vec2(width, 200.0)).build_ui_state(app, None);
        harness.run_steps(2);
        let is_part = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
            let is_leaf = node.children().next().is_none();
            is_leaf && (node.label().is_some() || node.value().is_some())
        };
        let nodes = harness.get_all_by(is_part);
        nodes.map(|node| (format!("{:?}", node.accesskit_node().label()), node.rect())).collect()
    }

    #[test]
    fn nothing_in_the_bar_lies_on_anything_in_any_width() {
        // A window of 640 points at twice the size has 320.
        for width in (320..=1920).step_by(40) {
            let parts = bar(width as f32);
            for word in ["Panic", "Add", "Record", "Health"] {
                assert!(parts.iter().any(|(name, _)| name.contains(word)), "{width}: no {word}");
            }
            for (index, (name, rect)) in parts.iter().enumerate() {
                assert!(rect.right() <= width as f32 + 0.5, "{width}: {name} {rect}");
                for (other, there) in &parts[..index] {
                    let common = rect.shrink(1.0).intersect(there.shrink(1.0));
                    assert!(!common.is_positive(), "{width}: {name} {rect}, {other} {there}");
                }
            }
        }
    }
}
