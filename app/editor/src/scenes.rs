//! Scenes: where knobs stand, kept, recalled, and morphed between.

use eframe::egui::{
    Button, ComboBox, DragValue, Key, RichText, ScrollArea, Slider, TextEdit, Ui, Vec2, WidgetInfo,
    WidgetType, vec2,
};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::note::Press;
use sostenuto_osc::message::scene::{Glide, Morph, Recall};
use sostenuto_patch::{Edit, Patch};

use super::model::{Asks, Model};
use super::parts::{button, caption, faint, row, sign};
use super::preferences::Preferences;
use super::randomise::{all_turned, nudged, randomised};
use super::set_list::Step;
use super::theme::Theme;

/// The panel of scenes.
#[derive(Debug, Default)]
pub struct Scenes {
    /// The scene whose name is typed, and what was typed so far.
    naming: Option<(u8, String)>,
    /// Between which scenes the slider is, if that was chosen.
    ends: Option<[u8; 2]>,
    /// Where the slider stands, 0 to 1.
    amount: f32,
    /// While the slider is held: all that it does is one undo step.
    gesture: Option<i32>,
    /// The scene that was recalled last.
    last: Option<u8>,
}

impl Scenes {
    /// Recalls the scene after the one that was recalled last, or the one before, and goes
    /// round at the ends.
    pub fn step(&mut self, model: &Model, preferences: &Preferences, step: Step, asks: &mut Asks) {
        let numbers = || model.patch().scenes.keys().copied();
        let next = match (step, self.last) {
            (Step::On, Some(last)) => numbers().find(|number| *number > last),
            (Step::Back, Some(last)) => numbers().rfind(|number| *number < last),
            (_, None) => None,
        };
        let round = if step == Step::On { numbers().next() } else { numbers().next_back() };
        if let Some(number) = next.or(round) {
            self.recall(number, preferences, asks);
        }
    }

    /// Puts knobs where a scene has them, as fast as the musician likes.
    pub fn recall(&mut self, number: u8, preferences: &Preferences, asks: &mut Asks) {
        self.last = Some(number);
        let (press, secs) = (Press::default(), preferences.glide_secs);
        asks.requests.push(match secs {
            0.0 => Request::Recall(Recall { number, press }),
            secs => Request::Glide(Glide { number, secs, press }),
        });
    }

    /// The scenes under the toolbar, as small buttons.
    pub fn strip_ui(
        &mut self,
        ui: &mut Ui,
        model: &Model,
        preferences: &Preferences,
        asks: &mut Asks,
    ) {
        if let Some(number) = buttons_ui(ui, model, 13.0, vec2(44.0, 22.0)) {
            self.recall(number, preferences, asks);
        }
    }

    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) {
        let patch = model.patch();
        ui.set_width(300.0);
        if patch.scenes.is_empty() {
            faint(ui, theme, "A scene keeps where all knobs stand. A click brings them back.");
        }
        for (&number, title) in &patch.scenes {
            self.scene_ui(ui, theme, model, preferences, (number, title), asks);
        }
        ui.add_space(6.0);
        row(ui, |ui| {
            let number = patch.fresh_scene();
            ui.add_enabled_ui(number.is_some() && !patch.modules.is_empty(), |ui| {
                if let (true, Some(number)) = (button(ui, "Keep as a new scene").clicked(), number)
                {
                    let title = format!("Scene {number}");
                    asks.edit(patch.kept_scene(number, &title, patch.modules.keys()));
                }
            });
        });
        chance_ui(ui, patch, asks);
        if !patch.scenes.is_empty() {
            row(ui, |ui| {
                faint(ui, theme, "Glide");
                let secs = &mut preferences.glide_secs;
                let value = DragValue::new(secs).range(0.0..=60.0).speed(0.05).suffix(" s");
                let help = "How long knobs take to the scene that you recall. Page Down and Page Up \
                    recall the next scene and the one before";
                let value = ui.add(value.max_decimals(2)).on_hover_text(help);
                value.widget_info(|| {
                    WidgetInfo::labeled(WidgetType::DragValue, true, "Seconds to a scene")
                });
            });
            ui.checkbox(&mut preferences.shows_scenes, "Show them under the toolbar");
        }
        if patch.scenes.len() > 1 {
            self.morph_ui(ui, theme, patch, asks);
        }
    }

    fn scene_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &Preferences,
        (number, title): (u8, &str),
        asks: &mut Asks,
    ) {
        let patch = model.patch();
        row(ui, |ui| {
            if self.naming.as_ref().is_some_and(|(named, _)| *named == number) {
                return self.name_ui(ui, number, title, asks);
            }
            let name = name_of(number, title);
            let is_here = is_here(model, number);
            let recall = Button::selectable(is_here, format!("{number}  {name}"));
            let recall = ui.add(recall.min_size([190.0, 24.0].into()));
            recall.widget_info(|| {
                let label = format!("Recall {name}");
                WidgetInfo::selected(WidgetType::Button, true, is_here, label)
            });
            if recall.clicked() {
                self.recall(number, preferences, asks);
            }
            if sign(ui, "Aa", theme.faint, &format!("Rename {name}")).clicked() {
                self.naming = Some((number, title.to_owned()));
            }
            let keep = format!("Keep in {name} where knobs stand now");
            if sign(ui, "⟳", theme.faint, &keep).clicked() {
                let own = patch.modules.iter().filter(|(_, it)| it.scenes.contains_key(&number));
                let own: Vec<_> = own.map(|(id, _)| id).collect();
                asks.edit(match own.is_empty() {
                    true => patch.kept_scene(number, title, patch.modules.keys()),
                    false => patch.kept_scene(number, title, own),
                });
            }
            if sign(ui, "✖", theme.faint, &format!("Delete {name}")).clicked() {
                asks.edit(patch.without_scene(number));
            }
        });
    }

    fn name_ui(&mut self, ui: &mut Ui, number: u8, title: &str, asks: &mut Asks) {
        let Some((_, typed)) = &mut self.naming else { return };
        let field = ui.add(TextEdit::singleline(typed).desired_width(220.0));
        let text = typed.clone();
        field.widget_info(|| {
            let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, "Name of the scene");
            info.current_text_value = Some(text.clone());
            info
        });
        if !field.has_focus() && !field.lost_focus() {
            field.request_focus();
        }
        if field.lost_focus() {
            let is_left = ui.input(|input| input.key_pressed(Key::Escape));
            if !is_left && *typed != title {
                let title = Some(typed.trim().to_owned());
                asks.edit(Edit::SetScene { number, title });
            }
            self.naming = None;
        }
    }

    fn morph_ui(&mut self, ui: &mut Ui, theme: &Theme, patch: &Patch, asks: &mut Asks) {
        let mut numbers = patch.scenes.keys().copied();
        let first_two = [numbers.next().unwrap_or(1), numbers.next().unwrap_or(1)];
        let are_there = |ends: &[u8; 2]| ends.iter().all(|end| patch.scenes.contains_key(end));
        let mut ends = self.ends.filter(are_there).unwrap_or(first_two);
        ui.add_space(8.0);
        caption(ui, theme, "Morph");
        row(ui, |ui| {
            for (end, words) in ends.iter_mut().zip(["from scene", "to scene"]) {
                let chosen = format!("{end}  {}", patch.scenes[end]);
                let shown = ComboBox::from_id_salt(words)
                    .width(130.0)
                    .selected_text(chosen)
                    .show_ui(ui, |ui| {
                        for (number, title) in &patch.scenes {
                            ui.selectable_value(end, *number, format!("{number}  {title}"));
                        }
                    });
                shown
                    .response
                    .widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, words));
            }
        });
        ui.spacing_mut().slider_width = 280.0;
        let slider = ui.add(Slider::new(&mut self.amount, 0.0..=1.0).show_value(false));
        slider.widget_info(|| {
            WidgetInfo::slider(true, f64::from(self.amount), "Morph between the scenes")
        });
        if slider.changed() {
            let gesture = *self.gesture.get_or_insert_with(|| asks.begin_gesture());
            let [from, to] = ends;
            let morph = Morph { from, to, amount: self.amount, gesture };
            asks.requests.push(Request::Morph(morph));
        }
        if !slider.dragged() && !slider.has_focus() {
            self.gesture = None;
        }
        self.ends = Some(ends);
    }
}

/// The patch's scenes as buttons beside each other. Returns the one that is clicked.
pub fn buttons_ui(ui: &mut Ui, model: &Model, words: f32, least: Vec2) -> Option<u8> {
    let (patch, mut clicked) = (model.patch(), None);
    ScrollArea::horizontal().show(ui, |ui| {
        ui.horizontal(|ui| {
            for (&number, title) in &patch.scenes {
                let name = name_of(number, title);
                let is_here = is_here(model, number);
                let button = Button::new(RichText::new(&name).size(words));
                let scene = ui.add(button.selected(is_here).min_size(least));
                scene.widget_info(|| {
                    let label = format!("Recall {name}");
                    WidgetInfo::selected(WidgetType::Button, true, is_here, label)
                });
                if scene.clicked() {
                    clicked = Some(number);
                }
            }
        });
    });
    clicked
}

/// Whether all knobs stand where a scene has them, or a module has recalled it.
fn is_here(model: &Model, number: u8) -> bool {
    let stands = || model.patch().recalled(number) == Ok(Edit::Several(Vec::new()));
    model.led.scenes.contains(&number) || stands()
}

fn name_of(number: u8, title: &str) -> String {
    if title.is_empty() { format!("Scene {number}") } else { title.to_owned() }
}

/// Other settings for all knobs of the patch, by chance.
fn chance_ui(ui: &mut Ui, patch: &Patch, asks: &mut Asks) {
    let ways = [
        ("Randomise", "All knobs elsewhere, but for levels and what is locked", 0),
        ("Vary", "All knobs a little away, but for levels and what is locked", 1),
    ];
    row(ui, |ui| {
        ui.add_enabled_ui(!patch.modules.is_empty(), |ui| {
            for (name, help, way) in ways {
                if button(ui, name).on_hover_text(help).clicked() {
                    let seed = ui.input(|input| input.time).to_bits();
                    let turn = [randomised, nudged][way];
                    asks.edit(all_turned(patch, seed, turn));
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use sostenuto_osc::mirror::Mirror;
    use sostenuto_patch::{PatchModule, apply};

    use super::*;
    use crate::theme::Look;

    type Stage = (Scenes, Model, Asks, Preferences);

    fn patch() -> Patch {
        let mut patch = Patch::default();
        let module = PatchModule::new("ladder", 0.0, 0.0);
        apply(&mut patch, Edit::AddModule { id: "ladder".parse().unwrap(), module }).unwrap();
        patch
    }

    fn stage(patch: Patch) -> Harness<'static, Stage> {
        let model = Model { mirror: Mirror::of(patch), ..Model::default() };
        let app = |ui: &mut Ui, (scenes, model, asks, preferences): &mut Stage| {
            scenes.ui(ui, &Theme::of(Look::Dark), model, preferences, asks);
        };
        let stage = (Scenes::default(), model, Asks::default(), Preferences::default());
        let mut harness = Harness::builder().build_ui_state(app, stage);
        harness.run_steps(3);
        harness
    }

    fn click(harness: &mut Harness<Stage>, label: &str) -> Request {
        harness.get_by_label(label).click();
        harness.run_steps(3);
        harness.state_mut().2.requests.pop().expect("something is asked for")
    }

    #[test]
    fn chance_turns_all_knobs_but_those_that_are_locked() {
        let mut patch = patch();
        let ladder = "ladder".parse().unwrap();
        let lock = Edit::SetLocked { module: ladder, param: "cutoff".into(), is_locked: true };
        apply(&mut patch, lock).unwrap();
        for name in ["Randomise", "Vary"] {
            let asked = click(&mut stage(patch.clone()), name);
            let Request::Edit(Edit::Several(edits)) = asked else { panic!("several") };
            let is_cutoff =
                |edit: &Edit| matches!(edit, Edit::SetParam { param, .. } if &**param == "cutoff");
            assert!(!edits.is_empty() && !edits.iter().any(is_cutoff), "{name}: {edits:?}");
        }
    }

    #[test]
    fn keys_go_round_the_scenes_and_knobs_glide_as_long_as_is_said() {
        let mut patch = patch();
        for number in [2, 5, 9] {
            let kept = patch.kept_scene(number, "", patch.modules.keys());
            apply(&mut patch, kept).unwrap();
        }
        let model = Model { mirror: Mirror::of(patch), ..Model::default() };
        let mut scenes = Scenes::default();
        let mut preferences = Preferences::default();
        let mut step = |step, secs| {
            let mut asks = Asks::default();
            preferences.glide_secs = secs;
            scenes.step(&model, &preferences, step, &mut asks);
            asks.requests.pop().unwrap()
        };
        let press = Press::default();
        let recall = |number| Request::Recall(Recall { number, press });
        for number in [2, 5, 9, 2] {
            assert_eq!(step(Step::On, 0.0), recall(number));
        }
        assert_eq!(step(Step::Back, 0.0), recall(9));
        let glide = Request::Glide(Glide { number: 5, secs: 2.5, press });
        assert_eq!(step(Step::Back, 2.5), glide);
    }

    #[test]
    fn what_stands_is_kept_and_recalled_kept_anew_and_deleted() {
        let mut patch = patch();
        let kept = click(&mut stage(patch.clone()), "Keep as a new scene");
        let Request::Edit(kept) = kept else { panic!("an edit") };
        apply(&mut patch, kept).unwrap();
        assert_eq!(patch.scenes[&1], "Scene 1");
        assert_eq!(patch.modules["ladder"].scenes[&1]["cutoff"], 1000.0);
        let recall = click(&mut stage(patch.clone()), "Recall Scene 1");
        assert_eq!(recall, Request::Recall(Recall { number: 1, press: Press::default() }));
        let turn = Edit::SetParam {
            module: "ladder".parse().unwrap(),
            param: "cutoff".into(),
            value: 200.0,
        };
        apply(&mut patch, turn).unwrap();
        let anew = click(&mut stage(patch.clone()), "Keep in Scene 1 where knobs stand now");
        let Request::Edit(anew) = anew else { panic!("an edit") };
        apply(&mut patch, anew).unwrap();
        assert_eq!(patch.modules["ladder"].scenes[&1]["cutoff"], 200.0);
        let away = click(&mut stage(patch.clone()), "Delete Scene 1");
        let Request::Edit(away) = away else { panic!("an edit") };
        apply(&mut patch, away).unwrap();
        assert!(patch.scenes.is_empty() && patch.modules["ladder"].scenes.is_empty());
    }
}
