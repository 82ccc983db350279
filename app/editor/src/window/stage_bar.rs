//! The bar of the stage: the way back, the lock, and how the sound is doing.

use eframe::egui::{Align, Button, Frame, Label, Layout, Panel as Strip, RichText, Ui, vec2};

use super::{Editor, loudspeakers, patch_name};
use crate::meter;
use crate::pen::Pen;
use crate::shortcuts::Command;
use crate::stage::REACH;

/// From what width on, in points, the bar has room for the name of the patch.
const NAME: f32 = 900.0;

impl Editor {
    /// All that is seen while the stage is open.
    pub(super) fn stage_ui(&mut self, ui: &mut Ui) {
        self.stage_bar_ui(ui);
        self.bottom_ui(ui);
        let Editor { stage, theme, model, preferences, panels, asks, .. } = self;
        if let Some(number) = stage.ui(ui, theme, model, asks) {
            panels.recall(number, preferences, asks);
        }
    }

    fn stage_bar_ui(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(self.theme.face).inner_margin(vec2(8.0, 6.0));
        Strip::top("stage bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let room = ui.available_width();
                let large = |text: &str| Button::new(RichText::new(text).size(17.0));
                let is_locked = self.stage.is_locked();
                let back = large("Patch").min_size(vec2(72.0, REACH));
                if ui.add_enabled(!is_locked, back).on_hover_text("Back to the patch").clicked() {
                    self.obey(ui, Command::ShowStage);
                }
                let words = RichText::new(if is_locked { "Locked" } else { "Lock" }).size(17.0);
                let lock = Button::new(words).selected(is_locked).min_size(vec2(84.0, REACH));
                let help = "While the stage is locked, nothing but knobs and scenes can be changed";
                if ui.add(lock).on_hover_text(help).clicked() {
                    self.stage.turn_lock();
                }
                let panic = large("Panic").min_size(vec2(84.0, REACH));
                if ui.add(panic).clicked() {
                    self.obey(ui, Command::Panic);
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let (words, sentence) = self.health(ui);
                    ui.label(words).on_hover_text(sentence);
                    self.peaks_ui(ui);
                    self.volume_ui(ui, vec2((room * 0.2).clamp(96.0, 260.0), REACH));
                    if room >= NAME {
                        let name = RichText::new(patch_name(&self.model)).size(20.0).strong();
                        ui.add(Label::new(name).truncate());
                    }
                });
            });
        });
    }

    /// The level of the first Audio Out.
    fn peaks_ui(&self, ui: &mut Ui) {
        let Some((id, _)) = loudspeakers(self.model.patch()).next() else { return };
        let peaks = self.model.signals.display(id);
        for side in [1, 0] {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, REACH), eframe::egui::Sense::hover());
            let volts = peaks.get(side).copied().unwrap_or(0.0);
            meter::bar(&Pen::new(ui, 1.0), &self.theme, rect, meter::Side::of_peak(volts));
        }
    }
}
