//! The set list: patches in the order of an evening. One key goes on to the next, which
//! fades in while the one before plays out.

use std::path::{Path, PathBuf};

use eframe::egui::{Button, Ui, WidgetInfo, WidgetType};
use sostenuto_modules::clip::Text;
use sostenuto_patch::{Patch, disk, file};

use super::errands::Errands;
use super::model::Model;
use super::parts::{button, faint, file_title, row, sign};
use super::preferences::Preferences;
use super::shortcuts::{Command, keys_of};
use super::theme::Theme;

/// Its panel. The list itself is kept with the preferences.
pub struct SetList {
    errands: Errands<()>,
    /// What is read ahead, so that the disk is not waited for.
    ahead: Option<PathBuf>,
}

/// Which way through the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the next patch.
    On,
    /// To the one before.
    Back,
}

impl SetList {
    /// That of no musician yet.
    pub fn new() -> SetList {
        // Nobody waits for what is read.
        SetList { errands: Errands::new("set list", || {}), ahead: None }
    }

    /// The patch that lies a step from the one that plays; from one that is not in the
    /// list, the first. `None` at its ends.
    pub fn beside(model: &Model, preferences: &Preferences, step: Step) -> Option<PathBuf> {
        let list = &preferences.set_list;
        let Some(here) = place_of(model, list) else { return list.first().cloned() };
        let beside = match step {
            Step::On => here.checked_add(1),
            Step::Back => here.checked_sub(1),
        };
        list.get(beside?).cloned()
    }

    /// Draws it. Returns the patch that was chosen.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &mut Preferences,
    ) -> Option<PathBuf> {
        ui.set_width(300.0);
        let list = &mut preferences.set_list;
        if list.is_empty() {
            let keys = keys_of(ui.ctx(), Command::NextPatch);
            let words = format!("Patches in the order of an evening. {keys} goes on to the next.");
            faint(ui, theme, &words);
        }
        let here = place_of(model, list);
        let (mut chosen, mut change) = (None, None);
        for (index, path) in list.iter().enumerate() {
            let name = file_title(path);
            row(ui, |ui| {
                let is_here = here == Some(index);
                let entry = Button::selectable(is_here, format!("{}  {name}", index + 1));
                let entry = ui.add(entry.min_size([190.0, 24.0].into()));
                entry.widget_info(|| {
                    WidgetInfo::selected(WidgetType::Button, true, is_here, format!("Play {name}"))
                });
                if entry.on_hover_text(path.display().to_string()).clicked() {
                    chosen = Some(path.clone());
                }
                for (words, text, what) in [
                    ("up", "⬆", Change::Up(index)),
                    ("down", "⬇", Change::Down(index)),
                    ("away", "✖", Change::Away(index)),
                ] {
                    if sign(ui, text, theme.faint, &format!("Move {name} {words}")).clicked() {
                        change = Some(what);
                    }
                }
            });
        }
        change.into_iter().for_each(|change| change.make(list));
        ui.add_space(6.0);
        row(ui, |ui| {
            let own = model.file.path.clone();
            let is_new = own.as_ref().is_some_and(|own| !list.contains(own));
            ui.add_enabled_ui(is_new, |ui| {
                if button(ui, "Add this patch").clicked() {
                    list.extend(own);
                }
            });
            let others = preferences.recent_patches.iter();
            let others: Vec<PathBuf> =
                others.filter(|path| !list.contains(path)).cloned().collect();
            ui.add_enabled_ui(!others.is_empty(), |ui| {
                ui.menu_button("Add a recent one", |ui| {
                    for path in others {
                        if ui.button(file_title(&path)).clicked() {
                            list.push(path);
                            ui.close();
                        }
                    }
                });
            });
        });
        chosen
    }

    /// Once a frame: has the next patch and its sounds read, so that they are at hand when
    /// it is time.
    pub fn read_ahead(&mut self, model: &Model, preferences: &Preferences) {
        let next = SetList::beside(model, preferences, Step::On);
        if next == self.ahead {
            return;
        }
        self.ahead.clone_from(&next);
        if let Some(path) = next {
            self.errands.send(move || {
                let patch = file::load(&path).ok()?;
                sounds_of(&patch).for_each(|sound| _ = disk::read(sound));
                None
            });
        }
    }
}

/// Where the patch that plays is in a list.
fn place_of(model: &Model, list: &[PathBuf]) -> Option<usize> {
    let own = model.file.path.as_ref()?;
    list.iter().position(|path| path == own)
}

/// The files of sounds that a patch names.
fn sounds_of(patch: &Patch) -> impl Iterator<Item = &Path> {
    let with_sound = patch.modules.values().filter(|it| it.text_form().is_some_and(Text::is_sound));
    with_sound.map(|module| Path::new(&*module.text)).filter(|path| path.is_absolute())
}

/// What a hand does to the list.
#[derive(Clone, Copy)]
enum Change {
    Up(usize),
    Down(usize),
    Away(usize),
}

impl Change {
    fn make(self, list: &mut Vec<PathBuf>) {
        match self {
            Change::Up(index) if index > 0 => list.swap(index, index - 1),
            Change::Down(index) if index + 1 < list.len() => list.swap(index, index + 1),
            Change::Away(index) => _ = list.remove(index),
            Change::Up(_) | Change::Down(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| PathBuf::from(format!("/set/{name}.sostenuto"))).collect()
    }

    fn playing(name: &str) -> Model {
        let mut model = Model::default();
        model.file.path = paths(&[name]).pop();
        model
    }

    fn listed(names: &[&str]) -> Preferences {
        Preferences { set_list: paths(names), ..Preferences::default() }
    }

    #[test]
    fn a_step_goes_through_the_list_and_not_past_its_ends() {
        let preferences = listed(&["a", "b", "c"]);
        let beside = |name: &str, step| {
            let path = SetList::beside(&playing(name), &preferences, step)?;
            Some(file_title(&path))
        };
        assert_eq!(beside("a", Step::On).as_deref(), Some("b"));
        assert_eq!(beside("b", Step::Back).as_deref(), Some("a"));
        assert_eq!(beside("c", Step::On), None);
        assert_eq!(beside("a", Step::Back), None);
        assert_eq!(beside("elsewhere", Step::On).as_deref(), Some("a"));
        assert_eq!(SetList::beside(&playing("a"), &listed(&[]), Step::On), None);
    }

    #[test]
    fn patches_are_added_moved_taken_away_and_played() {
        struct Stage {
            set_list: SetList,
            preferences: Preferences,
            chosen: Option<PathBuf>,
        }
        let model = playing("c");
        let app = move |ui: &mut Ui, stage: &mut Stage| {
            let Stage { set_list, preferences, chosen } = stage;
            let theme = Theme::of(Look::Dark);
            *chosen = set_list.ui(ui, &theme, &model, preferences).or(chosen.take());
        };
        let (set_list, preferences) = (SetList::new(), listed(&["a", "b"]));
        let stage = Stage { set_list, preferences, chosen: None };
        let mut harness = Harness::builder().build_ui_state(app, stage);
        let mut click = |label: &str| {
            harness.run_steps(3);
            harness.get_by_label(label).click();
            harness.run_steps(3);
            harness.state().preferences.set_list.clone()
        };
        assert_eq!(click("Add this patch"), paths(&["a", "b", "c"]));
        assert_eq!(click("Move c up"), paths(&["a", "c", "b"]));
        assert_eq!(click("Move a down"), paths(&["c", "a", "b"]));
        assert_eq!(click("Move c up"), paths(&["c", "a", "b"]), "it is the first");
        assert_eq!(click("Move a away"), paths(&["c", "b"]));
        click("Play b");
        assert_eq!(harness.state().chosen, paths(&["b"]).pop());
    }
}
