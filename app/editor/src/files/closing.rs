//! What happens to changes that were not saved when the window closes.

use eframe::egui::{Context, Id, Modal, ViewportCommand};

use super::Files;
use crate::model::{Connection, Model};
use crate::moment::Moment;
use crate::parts::{button, caption, faint, floating, main_button};
use crate::preferences::{Preferences, Unsaved};

/// How far closing has come.
#[derive(Debug, Default, PartialEq)]
enum Stage {
    #[default]
    Open,
    Asks,
    /// The window closes as soon as the patch is saved.
    Saves,
    Closes,
}

/// The question at the end.
#[derive(Debug, Default)]
pub struct Closing {
    stage: Stage,
    always: bool,
    is_discarded: bool,
}

impl Closing {
    /// Whether the next start is to have what was not saved.
    pub fn is_kept(&self, preferences: &Preferences) -> bool {
        match self.stage {
            Stage::Closes => !self.is_discarded,
            _ => preferences.unsaved != Unsaved::Discard,
        }
    }

    /// Once a frame: holds the window back while there is something to ask.
    pub fn ui(&mut self, ctx: &Context, files: &mut Files, moment: &mut Moment) {
        let wants_to = ctx.input(|input| input.viewport().close_requested());
        let must_ask = must_ask(moment.model, moment.preferences);
        if wants_to && self.stage != Stage::Closes && must_ask {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.stage = Stage::Asks;
        }
        match self.stage {
            Stage::Asks => self.question(ctx, files, moment),
            Stage::Saves if moment.model.file.is_saved => self.close(ctx),
            Stage::Saves if files.has_given_up() => self.stage = Stage::Open,
            _ => {}
        }
    }

    fn close(&mut self, ctx: &Context) {
        self.stage = Stage::Closes;
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }

    fn question(&mut self, ctx: &Context, files: &mut Files, moment: &mut Moment) {
        let Moment { theme, model, preferences, asks } = moment;
        let modal = Modal::new(Id::new("closing")).frame(floating(theme));
        let shown = modal.show(ctx, |ui| {
            ui.set_width(440.0);
            caption(ui, theme, "Close Sostenuto");
            ui.label("There are changes that are not saved.");
            ui.add_space(6.0);
            let chosen = ui.horizontal(|ui| {
                let keep = main_button(ui, theme, "Keep for next time");
                if ui.memory(|memory| memory.focused().is_none()) {
                    keep.request_focus();
                }
                let save = button(ui, "Save").clicked();
                let discard = button(ui, "Discard").clicked();
                let cancel = button(ui, "Cancel").clicked();
                (keep.clicked(), save, discard, cancel)
            });
            ui.add_space(4.0);
            ui.checkbox(&mut self.always, "Do the same from now on");
            if self.always {
                faint(ui, theme, "Preferences can change it again.");
            }
            chosen.inner
        });
        let (is_kept, is_saved, is_discarded, is_cancelled) = shown.inner;
        if self.always && (is_kept || is_discarded) {
            preferences.unsaved = if is_kept { Unsaved::Keep } else { Unsaved::Discard };
        }
        if is_kept || is_discarded {
            self.is_discarded = is_discarded;
            self.close(ctx);
        } else if is_saved {
            self.stage = Stage::Saves;
            files.begin_saving();
            files.save(ctx, model, preferences, asks);
        } else if is_cancelled || shown.should_close() {
            self.stage = Stage::Open;
        }
    }
}

/// Where the host lives on, nothing is lost.
fn must_ask(model: &Model, preferences: &Preferences) -> bool {
    let is_there = matches!(model.connection, Connection::Connected { .. });
    let is_unsaved = !model.file.is_saved && model.history.undos > 0;
    let asks = preferences.unsaved == Unsaved::Ask;
    is_there && is_unsaved && asks && !preferences.keeps_playing
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Ui, ViewportEvent, ViewportId};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use sostenuto_osc::message::Request;
    use sostenuto_osc::message::history::History;

    use super::*;
    use crate::files::tests::files;
    use crate::model::Asks;
    use crate::theme::{Look, Theme};

    struct Stage {
        closing: Closing,
        files: Files,
        model: Model,
        preferences: Preferences,
        asks: Asks,
        /// The window's answers.
        said: Vec<ViewportCommand>,
    }

    fn stage(preferences: Preferences) -> Harness<'static, Stage> {
        let mut model = Model {
            connection: Connection::Connected { pid: 1 },
            history: History { undos: 3, ..History::default() },
            ..Model::default()
        };
        model.file.path = Some("/tmp/rain.sostenuto".into());
        let stage = Stage {
            closing: Closing::default(),
            files: files(),
            model,
            preferences,
            asks: Asks::default(),
            said: Vec::new(),
        };
        let app = |ui: &mut Ui, stage: &mut Stage| {
            let Stage { closing, files, model, preferences, asks, .. } = stage;
            let theme = &Theme::of(Look::Dark);
            closing.ui(ui.ctx(), files, &mut Moment { theme, model, preferences, asks });
        };
        let mut harness = Harness::builder().build_ui_state(app, stage);
        harness.run_steps(2);
        harness
    }

    /// A frame in which the window may be asked to close.
    fn frame(harness: &mut Harness<Stage>, closes: bool) {
        let viewport = harness.input_mut().viewports.entry(ViewportId::ROOT).or_default();
        viewport.events = if closes { vec![ViewportEvent::Close] } else { Vec::new() };
        harness.step();
        let root = &harness.output().viewport_output[&ViewportId::ROOT];
        let said = root.commands.clone();
        harness.state_mut().said.extend(said);
    }

    fn press(harness: &mut Harness<Stage>, label: &str) {
        for _ in 0..3 {
            frame(harness, false);
        }
        harness.get_by_label(label).click();
        for _ in 0..4 {
            frame(harness, false);
        }
    }

    #[test]
    fn what_is_not_saved_is_asked_about_once() {
        let mut harness = stage(Preferences::default());
        frame(&mut harness, true);
        assert_eq!(harness.state().said, [ViewportCommand::CancelClose]);
        press(&mut harness, "Cancel");
        assert!(harness.query_by_label("Cancel").is_none());
        frame(&mut harness, true);
        press(&mut harness, "Do the same from now on");
        press(&mut harness, "Keep for next time");
        let state = harness.state();
        assert_eq!(state.said.last(), Some(&ViewportCommand::Close));
        assert!(state.closing.is_kept(&state.preferences));
        assert_eq!(state.preferences.unsaved, Unsaved::Keep);
    }

    #[test]
    fn what_is_discarded_is_not_kept() {
        let mut harness = stage(Preferences::default());
        frame(&mut harness, true);
        press(&mut harness, "Discard");
        let state = harness.state();
        assert_eq!(state.said.last(), Some(&ViewportCommand::Close));
        assert!(!state.closing.is_kept(&state.preferences));
    }

    #[test]
    fn the_window_closes_once_the_patch_is_saved_and_not_before() {
        let mut harness = stage(Preferences::default());
        frame(&mut harness, true);
        press(&mut harness, "Save");
        let asked = &harness.state().asks.requests;
        assert!(matches!(asked.as_slice(), [Request::Save(_)]), "{asked:?}");
        assert!(!harness.state().said.contains(&ViewportCommand::Close));
        harness.state_mut().model.file.is_saved = true;
        frame(&mut harness, false);
        assert!(harness.state().said.contains(&ViewportCommand::Close));
    }

    #[test]
    fn nothing_is_asked_where_nothing_is_lost() {
        for (keeps_playing, unsaved, undos) in
            [(true, Unsaved::Ask, 3), (false, Unsaved::Keep, 3), (false, Unsaved::Ask, 0)]
        {
            let preferences = Preferences { keeps_playing, unsaved, ..Preferences::default() };
            let mut harness = stage(preferences);
            harness.state_mut().model.history.undos = undos;
            frame(&mut harness, true);
            assert_eq!(harness.state().said, []);
        }
    }
}
