//! What of a module is seen on the face of its group and on stage, and under which name:
//! entries of menus.

use eframe::egui::{Button, Ui};
use sostenuto_patch::{Edit, ModuleId, Part};

use super::Scene;
use crate::model::Asks;
use crate::part_menu::{lock_entry, stage_entry, title_entry};

/// In a menu of a port, a knob or a module: whether it is seen on the face of the group
/// that is looked into, or, where it is on the face of one already, that it no longer is.
/// Then its name, and the stage.
pub(super) fn show_entry(
    ui: &mut Ui,
    scene: Scene,
    asks: &mut Asks,
    module: &ModuleId,
    part: Part,
) {
    let patch = scene.model.patch();
    let shown = patch.modules.get(module).and_then(|it| it.shown.get(&part)).copied();
    let shown = shown.unwrap_or(0);
    let around = patch.modules.get(module).and_then(|module| module.group.as_ref());
    for (index, (id, group)) in patch.around(around).enumerate() {
        let levels = index as u8 + 1;
        let is_shown = shown >= levels;
        // Further out than the next one it is not seen from here.
        if levels > shown + 1 {
            break;
        }
        let title = if group.title.is_empty() { id.as_str() } else { &group.title };
        let what = if part == Part::Screen { "Show the screen" } else { "Show" };
        let name = format!("{what} on the face of “{title}”");
        if ui.add(Button::selectable(is_shown, name)).clicked() {
            let levels = if is_shown { levels - 1 } else { levels };
            asks.edit(Edit::SetShown { module: module.clone(), part: part.clone(), levels });
            ui.close();
        }
    }
    title_entry(ui, scene.theme, patch, asks, module, &part);
    stage_entry(ui, patch, asks, module, &part);
    lock_entry(ui, patch, asks, module, &part);
}
