//! A path, typed: where there is no file dialog, or it is quicker.

use std::path::{Path, PathBuf};

use eframe::egui::{
    Context, Id, Key, Modal, Modifiers, TextEdit, Ui, WidgetInfo, WidgetType, vec2,
};

use crate::parts::{button, caption, faint, floating, main_button};
use crate::theme::Theme;

/// A field for a path.
pub struct PathEntry {
    title: &'static str,
    verb: &'static str,
    text: String,
    is_fresh: bool,
}

/// What was done with the field.
#[derive(Clone, Debug, PartialEq)]
pub enum Entered {
    /// Nothing yet.
    Open,
    /// It was left.
    Cancelled,
    /// This was typed.
    Path(PathBuf),
}

impl PathEntry {
    /// A field that begins with a path.
    pub fn new(title: &'static str, verb: &'static str, path: &Path) -> PathEntry {
        PathEntry { title, verb, text: path.display().to_string(), is_fresh: true }
    }

    /// Shows it above everything else.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) -> Entered {
        let modal = Modal::new(Id::new("path entry")).frame(floating(theme));
        let shown = modal.show(ctx, |ui| {
            ui.set_width(460.0);
            self.content(ui, theme)
        });
        match shown.inner {
            Entered::Open if shown.should_close() => Entered::Cancelled,
            entered => entered,
        }
    }

    fn content(&mut self, ui: &mut Ui, theme: &Theme) -> Entered {
        let is_done = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        caption(ui, theme, self.title);
        let field = TextEdit::singleline(&mut self.text)
            .margin(vec2(8.0, 6.0))
            .desired_width(f32::INFINITY)
            .show(ui);
        let field = field.response.response;
        field.widget_info(|| {
            let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, "Path");
            info.current_text_value = Some(self.text.clone());
            info
        });
        if std::mem::take(&mut self.is_fresh) {
            field.request_focus();
        }
        let path = full_path(&self.text);
        match &path {
            Some(_) => faint(ui, theme, "A full path, or one from ~"),
            None => ui.colored_label(theme.trouble, "Start with / or ~"),
        };
        ui.add_space(4.0);
        let mut entered = Entered::Open;
        ui.horizontal(|ui| {
            let is_pressed = main_button(ui, theme, self.verb).clicked();
            if let Some(path) = path.filter(|_| is_pressed || is_done) {
                entered = Entered::Path(path);
            }
            if button(ui, "Cancel").clicked() {
                entered = Entered::Cancelled;
            }
        });
        entered
    }
}

/// What was typed, from the root.
fn full_path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let path = match text.strip_prefix('~') {
        Some(rest) => {
            let home = directories::UserDirs::new()?.home_dir().to_owned();
            home.join(rest.trim_start_matches(['/', '\\']))
        }
        None => PathBuf::from(text),
    };
    path.has_root().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_at_the_root_or_at_home() {
        assert_eq!(full_path(" /a/b.sostenuto "), Some("/a/b.sostenuto".into()));
        assert_eq!(full_path("b.sostenuto"), None);
        assert_eq!(full_path(""), None);
        if let Some(home) = directories::UserDirs::new() {
            assert_eq!(full_path("~/x"), Some(home.home_dir().join("x")));
        }
    }
}
