//! A path, typed: where there is no file dialog, or it is quicker.

use std::path::{Path, PathBuf};

use eframe::egui::{
    Context, Id, Key, Modal, Modifiers, ScrollArea, TextEdit, Ui, WidgetInfo, WidgetType, vec2,
};

use sostenuto_patch::sounds::{is_sound, is_tuning};

use super::dialogs::EXTENSION;
use crate::parts::{button, caption, faint, floating, main_button, well};
use crate::theme::Theme;

/// A field for a path.
pub struct PathEntry {
    title: &'static str,
    verb: &'static str,
    text: String,
    /// Why what was typed before cannot be.
    error: Option<String>,
    /// What lies there, and of which text that was asked.
    found: Vec<Found>,
    asked: Option<String>,
    marked: Option<usize>,
    is_fresh: bool,
}

/// What lies where a path begins.
pub struct Listed {
    of: String,
    found: Vec<Found>,
}

/// A folder or a file.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    path: PathBuf,
    name: String,
    is_folder: bool,
}

/// So many are listed at most.
const MOST: usize = 200;

/// Folders, patches, sounds and tunings whose path begins as what was typed.
pub fn list(text: &str) -> Listed {
    let of = text.to_owned();
    let listed = |found| Listed { of: of.clone(), found };
    let Some(path) = full_path(text) else { return listed(Vec::new()) };
    let is_whole = text.trim_end().ends_with(['/', '\\']);
    let begin = path.file_name().filter(|_| !is_whole);
    let begin = begin.map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let folder = if is_whole { Some(path.as_path()) } else { path.parent() };
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let found = entries.into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?.to_owned();
        let is_folder = path.is_dir();
        let is_ours = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(EXTENSION));
        let fits = name.to_lowercase().starts_with(&begin) && !name.starts_with('.');
        let is_file = is_ours || is_sound(&path) || is_tuning(&path);
        (fits && (is_folder || is_file)).then_some(Found { path, name, is_folder })
    });
    let mut found: Vec<Found> = found.collect();
    found.sort_by_key(|found| (!found.is_folder, found.name.to_lowercase()));
    found.truncate(MOST);
    listed(found)
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
        PathEntry {
            title,
            verb,
            text: path.display().to_string(),
            error: None,
            found: Vec::new(),
            asked: None,
            marked: None,
            is_fresh: true,
        }
    }

    /// The same, with why it is shown again.
    pub fn after_error(self, sentence: &str) -> PathEntry {
        PathEntry { error: Some(sentence.to_owned()), ..self }
    }

    /// What is to be listed, if that is not known yet.
    pub fn wants_list(&mut self) -> Option<String> {
        let is_new = self.asked.as_ref() != Some(&self.text);
        is_new.then(|| self.asked.insert(self.text.clone()).clone())
    }

    /// Takes what lies there.
    pub fn hear_list(&mut self, listed: Listed) {
        if listed.of == self.text {
            (self.found, self.marked) = (listed.found, None);
        }
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
        self.walk(ui);
        let is_done = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        if let Some(marked) = self.marked.take_if(|_| is_done) {
            return self.take(marked);
        }
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
        if field.changed() {
            self.error = None;
        }
        let path = full_path(&self.text);
        match &path {
            _ if self.error.is_some() => {
                ui.colored_label(theme.trouble, self.error.as_deref().unwrap_or_default())
            }
            Some(_) => faint(ui, theme, "A full path, or one from ~"),
            None => ui.colored_label(theme.trouble, "Start with / or ~"),
        };
        if let Some(clicked) = self.list_ui(ui, theme) {
            return self.take(clicked);
        }
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

impl PathEntry {
    /// Arrows mark what is listed.
    fn walk(&mut self, ui: &Ui) {
        let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let last = self.found.len().checked_sub(1);
        if pressed(Key::ArrowDown) {
            self.marked = last.map(|last| self.marked.map_or(0, |marked| (marked + 1).min(last)));
        }
        if pressed(Key::ArrowUp) {
            self.marked = self.marked.and_then(|marked| marked.checked_sub(1));
        }
    }

    /// What is there; what was clicked.
    fn list_ui(&self, ui: &mut Ui, theme: &Theme) -> Option<usize> {
        let mut clicked = None;
        if self.found.is_empty() {
            return None;
        }
        well(theme).show(ui, |ui| {
            ScrollArea::vertical().max_height(150.0).auto_shrink([false, true]).show(ui, |ui| {
                for (index, found) in self.found.iter().enumerate() {
                    let end = if found.is_folder { "/" } else { "" };
                    let is_marked = self.marked == Some(index);
                    let entry = ui.selectable_label(is_marked, format!("{}{end}", found.name));
                    if is_marked {
                        entry.scroll_to_me(None);
                    }
                    if entry.clicked() {
                        clicked = Some(index);
                    }
                }
            });
        });
        clicked
    }

    /// A folder is looked into, a file is written into the field; where it was written
    /// there already, it is taken.
    fn take(&mut self, index: usize) -> Entered {
        let Some(found) = self.found.get(index) else { return Entered::Open };
        let path = found.path.display().to_string();
        if !found.is_folder && path == self.text {
            return Entered::Path(found.path.clone());
        }
        let end = if found.is_folder { std::path::MAIN_SEPARATOR_STR } else { "" };
        self.text = path + end;
        (self.error, self.is_fresh) = (None, true);
        Entered::Open
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

    #[test]
    fn folders_patches_and_sounds_are_listed_and_a_folder_is_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("Songs")).unwrap();
        for name in ["rain.sostenuto", "Kick.WAV", "letter.txt", ".hidden.sostenuto"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let text = format!("{}/", folder.path().display());
        let names = |text: &str| -> Vec<String> {
            list(text).found.into_iter().map(|found| found.name).collect()
        };
        assert_eq!(names(&text), ["Songs", "Kick.WAV", "rain.sostenuto"]);
        assert_eq!(names(&format!("{text}RA")), ["rain.sostenuto"]);
        assert_eq!(names("rain"), [""; 0]);
        let mut entry = PathEntry::new("", "", Path::new(&text));
        assert_eq!(entry.wants_list().as_deref(), Some(text.as_str()));
        assert_eq!(entry.wants_list(), None, "it is asked once");
        entry.hear_list(list(&text));
        assert_eq!(entry.take(0), Entered::Open);
        assert_eq!(entry.text, format!("{text}Songs/"));
        entry.text.clone_from(&text);
        assert_eq!(entry.take(2), Entered::Open);
        assert!(matches!(entry.take(2), Entered::Path(path) if path.ends_with("rain.sostenuto")));
    }
}
