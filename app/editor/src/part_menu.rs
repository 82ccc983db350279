//! What a menu of a knob, a port or a screen offers beside what is its own: its name, and
//! the stage.

use eframe::egui::Ui;
use sostenuto_patch::{Edit, ModuleId, Name, Part, Patch};

use super::model::Asks;
use super::module_menu::{staying, word_ui};
use super::parts::{caption, faint};
use super::theme::Theme;

/// What the part is called where it is shown beside others: typed, or as its kind has it.
pub fn title_ui(
    ui: &mut Ui,
    theme: &Theme,
    patch: &Patch,
    asks: &mut Asks,
    module: &ModuleId,
    part: &Part,
) {
    ui.set_min_width(200.0);
    let own = format!("{} of {module}", part.name().unwrap_or("screen"));
    caption(ui, theme, &own);
    let title = patch.title_of(module, part).unwrap_or_default();
    let place = ui.make_persistent_id(("title", module, part));
    let call =
        |title: String| Edit::SetPartTitle { module: module.clone(), part: part.clone(), title };
    if let Some(typed) = word_ui(ui, place, "Name of the part", title) {
        if typed.trim() != title {
            asks.edit(call(typed.trim().to_owned()));
        }
        ui.close();
    }
    if title.is_empty() {
        faint(ui, theme, "For faces of groups and the stage");
    } else if ui.button("Reset the name").clicked() {
        asks.edit(call(String::new()));
        ui.close();
    }
}

/// The same as an entry of a menu, where the name can be seen: in a group, and on stage.
pub fn title_entry(
    ui: &mut Ui,
    theme: &Theme,
    patch: &Patch,
    asks: &mut Asks,
    module: &ModuleId,
    part: &Part,
) {
    let is_seen = patch
        .modules
        .get(module)
        .is_some_and(|own| own.group.is_some() || own.staged.contains_key(part));
    if is_seen {
        staying("Name…").ui(ui, |ui| title_ui(ui, theme, patch, asks, module, part));
    }
}

/// Has scenes, automation and chance leave a knob alone, or no longer.
pub fn lock_entry(ui: &mut Ui, patch: &Patch, asks: &mut Asks, module: &ModuleId, part: &Part) {
    if let Part::Param(param) = part {
        lock_all_entry(ui, patch, asks, module, std::slice::from_ref(param), ["Lock", "Unlock"]);
    }
}

/// The same of all knobs of a module.
pub fn module_lock_entry(ui: &mut Ui, patch: &Patch, asks: &mut Asks, module: &ModuleId) {
    let about = patch.modules.get(module).and_then(|own| own.about().ok());
    let params = about.map(|about| about.params).unwrap_or_default().iter();
    let knobs: Vec<Name> =
        params.filter(|param| !param.is_held).map(|param| param.name.into()).collect();
    lock_all_entry(ui, patch, asks, module, &knobs, ["Lock all knobs", "Unlock all knobs"]);
}

fn lock_all_entry(
    ui: &mut Ui,
    patch: &Patch,
    asks: &mut Asks,
    module: &ModuleId,
    knobs: &[Name],
    [lock, unlock]: [&str; 2],
) {
    let Some(own) = patch.modules.get(module).filter(|_| !knobs.is_empty()) else { return };
    let is_locked = !knobs.iter().all(|knob| own.locked.contains(knob));
    let help = "Scenes, automation and chance leave what is locked where it stands";
    if ui.button(if is_locked { lock } else { unlock }).on_hover_text(help).clicked() {
        let others = knobs.iter().filter(|knob| own.locked.contains(*knob) != is_locked);
        let set = |param: &Name| Edit::SetLocked {
            module: module.clone(),
            param: param.clone(),
            is_locked,
        };
        asks.edit(Edit::Several(others.map(set).collect()));
        ui.close();
    }
}

/// Puts a knob or a screen on stage, or takes it off.
pub fn stage_entry(ui: &mut Ui, patch: &Patch, asks: &mut Asks, module: &ModuleId, part: &Part) {
    if matches!(part, Part::Input(_) | Part::Output(_)) {
        return;
    }
    stage_all_entry(ui, patch, asks, &[(module.clone(), part.clone())]);
}

/// The same of a module without a screen: of all its knobs.
pub fn module_stage_entry(ui: &mut Ui, patch: &Patch, asks: &mut Asks, module: &ModuleId) {
    let about = patch.modules.get(module).and_then(|own| own.about().ok());
    let params = about.map(|about| about.params).unwrap_or_default().iter();
    let parts = params.map(|param| (module.clone(), Part::Param(param.name.into())));
    stage_all_entry(ui, patch, asks, &parts.collect::<Vec<_>>());
}

/// The same of several parts: of all that a group has on its face.
pub fn stage_all_entry(ui: &mut Ui, patch: &Patch, asks: &mut Asks, parts: &[(ModuleId, Part)]) {
    if parts.is_empty() {
        return;
    }
    let is_there = |(module, part): &(ModuleId, Part)| {
        patch.modules.get(module).is_some_and(|own| own.staged.contains_key(part))
    };
    let are_there = parts.iter().all(is_there);
    let name = if are_there { "Take off the stage" } else { "Put on stage" };
    if ui.button(name).clicked() {
        let of = |(module, part): &(ModuleId, Part)| (module.clone(), part.clone());
        asks.edit(match are_there {
            true => patch.taken_off_stage(parts.iter().map(of)),
            false => patch.put_on_stage(parts.iter().filter(|it| !is_there(it)).map(of)),
        });
        ui.close();
    }
}
