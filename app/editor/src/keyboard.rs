//! The keyboard at the bottom of the window: notes by mouse, by touch, and by
//! the keys one writes with.

use eframe::egui::{ComboBox, Sense, Ui, vec2};
use sostenuto_modules::module::{Event, Role};
use sostenuto_osc::message::Request;
use sostenuto_patch::{ModuleId, Patch, is_played};

use super::model::{Asks, Model};
use super::play::keys::play_keys;
use super::play::piano::{Piano, PianoSpot, piano_bar_ui, piano_ui, sounding};
use super::theme::Theme;

const HEIGHT: f32 = 96.0;

/// The keyboard, and which module it plays.
#[derive(Debug, Default)]
pub struct Keyboard {
    /// Whether it is shown. While it is, the keys one writes with play.
    pub is_open: bool,
    piano: Piano,
    /// What was chosen; else the first that takes notes.
    chosen: Option<ModuleId>,
    playing: Option<ModuleId>,
    /// In the last frame.
    was_open: bool,
}

impl Keyboard {
    /// Draws it, and asks for the notes that are played.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, model: &Model, asks: &mut Asks) {
        self.was_open = true;
        let played = target(model.patch(), self.chosen.as_ref());
        if played != self.playing {
            self.let_go(asks);
            self.playing.clone_from(&played);
        }
        ui.horizontal(|ui| {
            self.target_ui(ui, model.patch());
            piano_bar_ui(ui, &mut self.piano);
            if played.is_none() {
                ui.colored_label(theme.faint, "No module takes notes. Add a Keyboard to play.");
            }
        });
        let size = vec2(ui.available_width(), HEIGHT);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let display = played.as_ref().map_or(&[][..], |id| model.signals.display(id));
        let spot = PianoSpot {
            rect,
            zoom: 1.0,
            name: "the window's keyboard",
            sounding: &sounding(display),
            takes_keys: played.is_some(),
        };
        let events = piano_ui(ui, theme, &spot, &mut self.piano);
        self.play(events, asks);
    }

    /// While it is closed: the keys one writes with play a keyboard that is there.
    pub fn closed_ui(&mut self, ui: &Ui, patch: &Patch, plays: bool, asks: &mut Asks) {
        let played = keys_target(patch, self.chosen.as_ref()).filter(|_| plays);
        if played != self.playing || std::mem::take(&mut self.was_open) {
            self.let_go(asks);
            self.playing.clone_from(&played);
        }
        if played.is_none() {
            return;
        }
        let Piano { octave, holds, scale, hands } = &mut self.piano;
        let mut events = Vec::new();
        play_keys(ui, hands, octave, *scale, *holds, &mut events);
        self.play(events.into_iter().map(|event| (0, event)).collect(), asks);
    }

    /// What it plays, if there is anything.
    pub fn playing(&self) -> Option<&ModuleId> {
        self.playing.as_ref()
    }

    /// No key stays down.
    pub fn let_go(&mut self, asks: &mut Asks) {
        let events = self.piano.silence();
        self.play(events, asks);
    }

    fn play(&self, events: Vec<(u32, Event)>, asks: &mut Asks) {
        let Some(module) = &self.playing else { return };
        let notes = events.into_iter().map(|(_, event)| Request::event(module.clone(), event));
        asks.requests.extend(notes);
    }

    fn target_ui(&mut self, ui: &mut Ui, patch: &Patch) {
        let all: Vec<&ModuleId> = players(patch).collect();
        if all.len() < 2 {
            return;
        }
        let shown = self.playing.as_ref().map(ModuleId::to_string).unwrap_or_default();
        ComboBox::from_id_salt("what is played").selected_text(shown).show_ui(ui, |ui| {
            for id in all {
                ui.selectable_value(&mut self.chosen, Some(id.clone()), id.as_str());
            }
        });
    }
}

fn players(patch: &Patch) -> impl Iterator<Item = &ModuleId> {
    let is_player = |module: &sostenuto_patch::PatchModule| module.about().is_ok_and(is_played);
    patch.modules.iter().filter(move |(_, module)| is_player(module)).map(|(id, _)| id)
}

/// The keyboard that the computer's keys play by themselves: nothing else takes them
/// without being asked.
pub fn keys_target(patch: &Patch, chosen: Option<&ModuleId>) -> Option<ModuleId> {
    target(patch, chosen).filter(|id| patch.modules[id].has_role(Role::Keyboard))
}

/// The module that notes go to.
fn target(patch: &Patch, chosen: Option<&ModuleId>) -> Option<ModuleId> {
    let wanted = chosen.filter(|id| players(patch).any(|player| player == *id));
    // Buttons and the like take notes too, but keys are for a keyboard.
    let is_keyboard = |id: &&ModuleId| patch.modules[*id].has_role(Role::Keyboard);
    let usual = || players(patch).find(is_keyboard).or_else(|| players(patch).next());
    wanted.or_else(usual).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Key;
    use egui_kittest::Harness;
    use sostenuto_patch::PatchModule;

    #[test]
    fn computer_keys_play_as_soon_as_there_is_a_keyboard_and_only_while_they_should() {
        let app = |ui: &mut Ui, state: &mut (Keyboard, Patch, bool, Asks)| {
            let (keyboard, patch, plays, asks) = state;
            keyboard.closed_ui(ui, patch, *plays, asks);
        };
        let state = (Keyboard::default(), Patch::default(), true, Asks::default());
        let mut harness = Harness::builder().build_ui_state(app, state);
        let mut notes_of_a_key = |kind: &str, plays| {
            let state = harness.state_mut();
            state.1.modules.insert(kind.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
            (state.2, state.3) = (plays, Asks::default());
            harness.run_steps(1);
            harness.key_press(Key::D);
            harness.run_steps(2);
            harness.state().3.requests.len()
        };
        assert_eq!(notes_of_a_key("vco", true), 0);
        assert_eq!(notes_of_a_key("buttons", true), 0, "pads are not asked for");
        assert_eq!(notes_of_a_key("keyboard", true), 2, "on and off");
        assert_eq!(notes_of_a_key("keyboard", false), 0);
    }

    #[test]
    fn notes_go_to_what_was_chosen_or_else_to_the_first_that_takes_them() {
        let mut patch = Patch::default();
        assert_eq!(target(&patch, None), None);
        for id in ["vco", "buttons", "keyboard", "keyboard-2"] {
            let kind = if id == "keyboard-2" { "keyboard" } else { id };
            patch.modules.insert(id.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
        }
        let id = |name: &str| Some(name.parse().unwrap());
        assert_eq!(target(&patch, None), id("keyboard"));
        assert_eq!(target(&patch, id("keyboard-2").as_ref()), id("keyboard-2"));
        assert_eq!(target(&patch, id("vco").as_ref()), id("keyboard"));
    }
}
