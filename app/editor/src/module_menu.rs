//! What can be done with a module, on a right click: presets first.

use eframe::egui::containers::menu::{MenuConfig, SubMenuButton};
use eframe::egui::{
    Id, Key, Modifiers, Popup, PopupCloseBehavior, Response, TextEdit, Ui, WidgetInfo, WidgetType,
};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::module::Retry;
use sostenuto_osc::message::status::FaultState;
use sostenuto_patch::{Edit, ModuleId, PatchModule};

use super::browser::about_ui;
use super::model::{Asks, Model};
use super::parts::{caption, faint};
use super::patching::{self, meant};
use super::presets::{Preset, Presets, Settings, set_all};
use super::randomise::randomised;
use super::theme::Theme;

/// What the menu cannot do by itself: it takes the canvas.
#[derive(Clone, Debug, PartialEq)]
pub enum ModuleWish {
    /// Opens the browser for another in its place.
    Replace(ModuleId),
    /// Puts one like it beside it.
    Duplicate(ModuleId),
}

/// The place for the menu: it opens on a right click on a module, and stays
/// while presets are gone through.
pub fn module_popup(module: &Response) -> Popup<'_> {
    Popup::context_menu(module).close_behavior(PopupCloseBehavior::CloseOnClickOutside)
}

/// The menu of a module, in its [`module_popup`].
pub fn module_menu_ui(
    ui: &mut Ui,
    theme: &Theme,
    model: &Model,
    id: &ModuleId,
    presets: &mut Presets,
    asks: &mut Asks,
) -> Option<ModuleWish> {
    let module = model.patch().modules.get(id)?;
    ui.set_min_width(190.0);
    caption(ui, theme, id.as_str());
    if let Some(fault) = model.status.faults.iter().find(|fault| fault.module == id.as_str())
        && fault.state != FaultState::Runs
        && ui.button("Try again").on_hover_text("Try the failed module again").clicked()
    {
        asks.requests.push(Request::Retry(Retry { module: id.clone() }));
        ui.close();
    }
    if module.about().is_ok_and(|about| !about.params.is_empty()) {
        presets_ui(ui, theme, id, module, presets, asks);
        ui.separator();
    }
    let mut is_bypassed = module.is_bypassed;
    if ui.checkbox(&mut is_bypassed, "Bypass").changed() {
        asks.edit(Edit::SetBypass { module: id.clone(), is_bypassed });
        ui.close();
    }
    rename_ui(ui, theme, model, id, asks);
    let mut wish = None;
    if ui.button("Replace…").clicked() {
        wish = Some(ModuleWish::Replace(id.clone()));
        ui.close();
    }
    if ui.button("Duplicate").clicked() {
        wish = Some(ModuleWish::Duplicate(id.clone()));
        ui.close();
    }
    if ui.button("Delete").clicked() {
        asks.edit(patching::remove(model.patch(), &[id.clone()].into()));
        ui.close();
    }
    if let Ok(about) = module.about() {
        ui.separator();
        ui.menu_button("Help", |ui| {
            ui.set_width(320.0);
            about_ui(ui, theme, about);
        });
    }
    wish
}

/// A menu within the menu that stays while something is typed in it.
pub(crate) fn staying(title: &'static str) -> SubMenuButton<'static> {
    let stay = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    SubMenuButton::new(title).config(stay)
}

fn presets_ui(
    ui: &mut Ui,
    theme: &Theme,
    id: &ModuleId,
    module: &PatchModule,
    presets: &mut Presets,
    asks: &mut Asks,
) {
    staying("Presets").ui(ui, |ui| {
        ui.set_min_width(200.0);
        list_ui(ui, theme, id, module, presets, asks);
        ui.separator();
        save_ui(ui, theme, id, module, presets);
    });
    ui.horizontal(|ui| {
        if ui.button("◀").on_hover_text("Previous preset").clicked() {
            presets.step(id, module, -1, asks);
        }
        if ui.button("▶").on_hover_text("Next preset").clicked() {
            presets.step(id, module, 1, asks);
        }
        faint(ui, theme, presets.last(id).unwrap_or("No preset").to_owned());
    });
    if ui.button("Randomise").on_hover_text("Random settings worth hearing").clicked()
        && let Ok(about) = module.about()
    {
        let seed = ui.input(|input| input.time).to_bits();
        set_all(id, module, &randomised(about, module, seed), asks);
    }
    if ui.button("Initialise").on_hover_text("Reset every knob to its default").clicked() {
        set_all(id, module, &Settings::new(), asks);
    }
}

fn list_ui(
    ui: &mut Ui,
    theme: &Theme,
    id: &ModuleId,
    module: &PatchModule,
    presets: &mut Presets,
    asks: &mut Asks,
) {
    let all: Vec<Preset> = presets.of(&module.kind).into_iter().cloned().collect();
    if all.is_empty() {
        faint(ui, theme, "None yet");
    }
    for preset in all {
        let is_current = presets.last(id) == Some(preset.name.as_str());
        ui.horizontal(|ui| {
            if ui.selectable_label(is_current, &preset.name).clicked() {
                presets.apply(id, module, &preset, asks);
                ui.close();
            }
            if presets.is_own(&preset) {
                let words = format!("Remove {}", preset.name);
                if super::parts::sign(ui, "✖", theme.faint, &words).clicked() {
                    presets.remove(&preset);
                }
            }
        });
    }
}

fn save_ui(ui: &mut Ui, theme: &Theme, id: &ModuleId, module: &PatchModule, presets: &mut Presets) {
    caption(ui, theme, "Keep as");
    let place = ui.make_persistent_id(("preset name", id));
    if let Some(name) = word_ui(ui, place, "Name of the preset", "") {
        presets.save(id, &name, module);
        ui.close();
    }
}

fn rename_ui(ui: &mut Ui, theme: &Theme, model: &Model, id: &ModuleId, asks: &mut Asks) {
    staying("Rename").ui(ui, |ui| {
        ui.set_min_width(200.0);
        caption(ui, theme, "Letters, digits and spaces");
        let place = ui.make_persistent_id(("rename", id));
        let Some(name) = word_ui(ui, place, "Name of the module", id.as_str()) else { return };
        match meant(model.patch(), &name) {
            Some(new_id) => {
                asks.edit(Edit::RenameModule { id: id.clone(), new_id });
                ui.close();
            }
            None if name == id.as_str() => ui.close(),
            // The field stays open, with what was typed in it.
            None => {}
        }
    });
}

/// A field for a word, in a menu; the word, once Enter was pressed.
pub(crate) fn word_ui(ui: &mut Ui, place: Id, label: &str, first: &str) -> Option<String> {
    let kept: Option<String> = ui.data(|data| data.get_temp(place));
    let is_fresh = kept.is_none();
    let mut typed = kept.unwrap_or_else(|| first.to_owned());
    let is_done = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    let field = TextEdit::singleline(&mut typed).desired_width(190.0).show(ui).response.response;
    field.widget_info(|| {
        let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, label);
        info.current_text_value = Some(typed.clone());
        info
    });
    // The press that keeps this menu open takes the keyboard away again.
    if is_fresh || ui.memory(|memory| memory.focused().is_none()) {
        field.request_focus();
    }
    let is_done = is_done && !typed.trim().is_empty();
    let word = is_done.then(|| typed.clone());
    ui.data_mut(|data| {
        if is_done {
            data.remove_temp::<String>(place);
        } else {
            data.insert_temp(place, typed);
        }
    });
    word
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Event, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::message::status::ModuleFault;
    use sostenuto_osc::mirror::Mirror;
    use sostenuto_patch::Patch;

    struct Bench {
        model: Model,
        presets: Presets,
        asks: Asks,
        wish: Option<ModuleWish>,
    }

    fn bench() -> Harness<'static, Bench> {
        let mut patch = Patch::default();
        patch.modules.insert("ladder".parse().unwrap(), PatchModule::new("ladder", 0.0, 0.0));
        let model = Model { mirror: Mirror::of(patch), ..Model::default() };
        let bench =
            Bench { model, presets: Presets::new(None, || {}), asks: Asks::default(), wish: None };
        let app = |ui: &mut Ui, bench: &mut Bench| {
            let theme = Theme::of(Look::Dark);
            let id = "ladder".parse().unwrap();
            let module = ui.button("the module");
            module_popup(&module).show(|ui| {
                let Bench { model, presets, asks, wish } = bench;
                let asked = module_menu_ui(ui, &theme, model, &id, presets, asks);
                *wish = asked.or(wish.take());
            });
        };
        let builder = Harness::builder().with_size(vec2(900.0, 600.0)).with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, bench);
        harness.run_steps(2);
        harness.get_by_label("the module").click_secondary();
        harness.run_steps(4);
        harness
    }

    fn press(harness: &mut Harness<Bench>, label: &str) {
        harness.get_by_label_contains(label).click();
        harness.run_steps(4);
    }

    /// The gestures of what was asked.
    fn gestures(asks: &Asks) -> Vec<i32> {
        let of = |request: &Request| match request {
            Request::SetParam(set) => set.gesture,
            other => panic!("{other:?}"),
        };
        asks.requests.iter().map(of).collect()
    }

    #[test]
    fn chance_sets_every_knob_in_one_gesture() {
        let mut harness = bench();
        press(&mut harness, "Randomise");
        let gestures = gestures(&harness.state().asks);
        assert!(gestures.len() >= 3 && gestures.iter().all(|&g| g == 1), "{gestures:?}");
    }

    #[test]
    fn a_preset_is_chosen_from_its_list() {
        let mut harness = bench();
        press(&mut harness, "Presets");
        press(&mut harness, "Acid squelch");
        assert_eq!(gestures(&harness.state().asks), [1, 1, 1]);
        let id = "ladder".parse().unwrap();
        assert_eq!(harness.state().presets.last(&id), Some("Acid squelch"));
    }

    #[test]
    fn a_preset_is_kept_under_the_name_that_is_typed() {
        let mut harness = bench();
        press(&mut harness, "Presets");
        harness.event(Event::Text("Night".to_owned()));
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(2);
        let names = harness.state().presets.of("ladder");
        assert!(names.iter().any(|preset| preset.name == "Night"));
    }

    #[test]
    fn a_faulty_module_can_be_tried_again_and_a_sound_one_not() {
        let mut harness = bench();
        assert!(harness.query_by_label("Try again").is_none());
        harness.state_mut().model.status.faults.push(ModuleFault {
            module: "ladder".to_owned(),
            state: FaultState::Quarantine,
            ..ModuleFault::default()
        });
        harness.run_steps(2);
        press(&mut harness, "Try again");
        let id: ModuleId = "ladder".parse().unwrap();
        assert_eq!(harness.state().asks.requests, [Request::Retry(Retry { module: id })]);
    }

    #[test]
    fn the_rest_of_the_menu_asks_for_what_it_says() {
        let id: ModuleId = "ladder".parse().unwrap();
        let mut harness = bench();
        press(&mut harness, "Bypass");
        let bypass = Edit::SetBypass { module: id.clone(), is_bypassed: true };
        assert_eq!(harness.state().asks.requests, [Request::Edit(bypass)]);
        let mut harness = bench();
        press(&mut harness, "Delete");
        let delete = Edit::Several(vec![Edit::RemoveModule { id: id.clone() }]);
        assert_eq!(harness.state().asks.requests, [Request::Edit(delete)]);
        let mut harness = bench();
        press(&mut harness, "Duplicate");
        assert_eq!(harness.state().wish, Some(ModuleWish::Duplicate(id)));
    }
}
