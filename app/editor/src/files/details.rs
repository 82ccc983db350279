//! What a patch is called, and what is worth knowing of it.

use eframe::egui::{Context, Id, Modal, TextEdit, WidgetInfo, WidgetType, vec2};
use sostenuto_osc::message::Request;
use sostenuto_patch::{Edit, Patch};

use crate::model::{Asks, Model};
use crate::parts::{button, caption, floating, main_button};
use crate::theme::Theme;

/// The sheet with a patch's title and notes.
#[derive(Debug, Default)]
pub struct Details {
    /// While it is open: the title and the notes, as they are typed.
    typed: Option<(String, String)>,
}

impl Details {
    /// Opens it.
    pub fn open(&mut self, patch: &Patch) {
        self.typed = Some((patch.title.clone(), patch.description.clone()));
    }

    /// Whether it is there.
    pub fn is_open(&self) -> bool {
        self.typed.is_some()
    }

    /// Shows it while it is open.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme, model: &Model, asks: &mut Asks) {
        let Some((title, notes)) = &mut self.typed else { return };
        let modal = Modal::new(Id::new("title and notes")).frame(floating(theme));
        let shown = modal.show(ctx, |ui| {
            ui.set_width(460.0);
            caption(ui, theme, "Title");
            let fields = [
                (TextEdit::singleline(title), "Title", 1),
                (TextEdit::multiline(notes), "Notes", 10),
            ];
            for (field, name, rows) in fields {
                if name == "Notes" {
                    ui.add_space(6.0);
                    caption(ui, theme, "Notes: what it is, and how to play it");
                }
                let field = field.desired_rows(rows).desired_width(f32::INFINITY);
                let field = field.margin(vec2(8.0, 6.0)).show(ui).response.response;
                field.widget_info(|| WidgetInfo::labeled(WidgetType::TextEdit, true, name));
            }
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                (main_button(ui, theme, "Done").clicked(), button(ui, "Cancel").clicked())
            })
            .inner
        });
        let (is_done, is_cancelled) = shown.inner;
        if is_done {
            asks.requests.extend(changes(model.patch(), title, notes));
        }
        if is_done || is_cancelled || shown.should_close() {
            self.typed = None;
        }
    }
}

/// One step, where anything has changed.
fn changes(patch: &Patch, title: &str, notes: &str) -> Option<Request> {
    let title = title.trim();
    let mut edits = Vec::new();
    if title != patch.title {
        edits.push(Edit::SetTitle(title.to_owned()));
    }
    if notes != patch.description {
        edits.push(Edit::SetDescription(notes.to_owned()));
    }
    (!edits.is_empty()).then_some(Request::Edit(Edit::Several(edits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_changed_is_a_step() {
        let patch = Patch { title: "Rain".into(), ..Patch::default() };
        assert_eq!(changes(&patch, " Rain ", ""), None);
        let edit = changes(&patch, "Rain", "Slowly.").unwrap();
        let notes = Edit::SetDescription("Slowly.".into());
        assert_eq!(edit, Request::Edit(Edit::Several(vec![notes])));
    }
}
