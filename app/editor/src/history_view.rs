//! Every step that was made, to go back and forth by a click.

use eframe::egui::{Align, Button, Layout, RichText, ScrollArea, TextStyle, Ui, vec2};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::history::{Get, Go, History, Redo, Undo};

use super::model::{Asks, Model};
use super::parts::{button, caption, row};
use super::theme::Theme;

/// How many labels are asked for at once.
const PAGE: usize = 200;
const HEIGHT: f32 = 420.0;

/// The list of steps.
#[derive(Debug, Default)]
pub struct HistoryList {
    /// The first label that was asked for and has not come yet.
    asked: Option<usize>,
    /// The frame that it was drawn in last.
    drawn_in: Option<u64>,
}

impl HistoryList {
    /// Draws it.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, model: &Model, asks: &mut Asks) {
        let history = &model.history;
        ui.set_width(280.0);
        row(ui, |ui| {
            ui.add_enabled_ui(history.undos > 0, |ui| {
                if button(ui, "⟲ Undo").clicked() {
                    asks.requests.push(Request::Undo(Undo::default()));
                }
            });
            ui.add_enabled_ui(history.redos > 0, |ui| {
                if button(ui, "⟳ Redo").clicked() {
                    asks.requests.push(Request::Redo(Redo::default()));
                }
            });
        });
        caption(ui, theme, &counts(history));
        let height = ui.text_style_height(&TextStyle::Button) + 6.0;
        let rows = (history.undos + history.redos + 1) as usize;
        let scroll = ScrollArea::vertical().max_height(HEIGHT).min_scrolled_height(HEIGHT);
        let scroll = scroll.auto_shrink([false, true]);
        ui.spacing_mut().item_spacing.y = 2.0;
        // It opens where the patch stands.
        let frame = ui.ctx().cumulative_frame_nr();
        let was_open = self.drawn_in.replace(frame).is_some_and(|last| last + 1 >= frame);
        let here = (height + 2.0) * history.undos as f32 - HEIGHT / 2.0;
        let scroll = match was_open {
            true => scroll,
            false => scroll.vertical_scroll_offset(here.max(0.0)),
        };
        scroll.show_rows(ui, height, rows, |ui, shown| {
            self.ask(model.steps.len(), shown.end, asks);
            ui.with_layout(Layout::top_down_justified(Align::Min), |ui| {
                shown.for_each(|done| step_ui(ui, theme, model, done, height, asks));
            });
        });
    }

    /// Asks for labels that are in sight and not known.
    fn ask(&mut self, known: usize, end: usize, asks: &mut Asks) {
        let is_needed = end.saturating_sub(1) > known;
        if is_needed && self.asked != Some(known) {
            self.asked = Some(known);
            let (first, count) = (known as u32, PAGE as u32);
            asks.requests.push(Request::GetHistory(Get { first, count: Some(count) }));
        }
    }
}

/// One step: where the patch stands once so many were done.
fn step_ui(ui: &mut Ui, theme: &Theme, model: &Model, done: usize, height: f32, asks: &mut Asks) {
    let undos = model.history.undos as usize;
    let is_here = done == undos;
    let ink = if done > undos { theme.faint } else { theme.text };
    let text = RichText::new(label(&model.steps, done)).color(ink);
    let entry = Button::selectable(is_here, text).min_size(vec2(0.0, height));
    if ui.add(entry).clicked() && !is_here {
        asks.requests.push(Request::GoTo(Go { undos: done as u32 }));
    }
}

/// What a row says: the first is where nothing was done yet.
fn label(steps: &[String], done: usize) -> &str {
    match done.checked_sub(1) {
        None => "The beginning",
        Some(step) => steps.get(step).map_or("…", String::as_str),
    }
}

fn counts(history: &History) -> String {
    match (history.undos, history.redos) {
        (0, 0) => "No changes yet".to_owned(),
        (undos, 0) => format!("{undos} done"),
        (undos, redos) => format!("{undos} done, {redos} undone"),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    type Stage = (HistoryList, Model, Asks);

    fn stage(undos: u32, redos: u32, known: usize) -> Harness<'static, Stage> {
        let steps = (1..=known).map(|n| format!("Step {n}.")).collect();
        let history = History { undos, redos, ..History::default() };
        let model = Model { history, steps, ..Model::default() };
        let app = |ui: &mut Ui, (list, model, asks): &mut Stage| {
            list.ui(ui, &Theme::of(Look::Dark), model, asks);
        };
        let builder = Harness::builder().with_size(vec2(400.0, 600.0)).with_step_dt(1.0 / 60.0);
        let stage = (HistoryList::default(), model, Asks::default());
        let mut harness = builder.build_ui_state(app, stage);
        harness.run_steps(3);
        harness
    }

    #[test]
    fn a_click_goes_to_where_that_step_was_done() {
        let mut harness = stage(3, 2, 5);
        for (row, done) in [("Step 1.", 1), ("The beginning", 0), ("Step 5.", 5)] {
            harness.get_by_label(row).click();
            harness.run_steps(2);
            assert_eq!(
                harness.state_mut().2.requests.pop(),
                Some(Request::GoTo(Go { undos: done }))
            );
        }
        harness.get_by_label("Step 3.").click();
        harness.run_steps(2);
        assert!(harness.state().2.requests.is_empty(), "it is there already");
    }

    #[test]
    fn what_is_not_known_is_asked_for_in_order_and_only_once() {
        for known in [0, 100] {
            let harness = stage(5000, 0, known as usize);
            let get = Get { first: known, count: Some(200) };
            assert_eq!(harness.state().2.requests, [Request::GetHistory(get)]);
        }
        let harness = stage(50, 0, 50);
        assert!(harness.state().2.requests.is_empty());
    }

    #[test]
    fn it_opens_where_the_patch_stands() {
        let harness = stage(5000, 20, 5020);
        harness.get_by_label("Step 5000.");
        assert!(harness.query_by_label("The beginning").is_none());
    }
}
