//! What a right click on the canvas opens: on a cable, on several modules, or
//! on nothing.

use eframe::egui::{Response, Ui};
use sostenuto_patch::{Cable, Edit, Patch};

use super::{Canvas, Desk, Intent, Pointed};
use crate::browser::BrowseFor;
use crate::patching::{self, Align};

/// What a menu offers for the delay of the cable's loop, where it is in one.
fn delay(patch: &Patch, cable: &Cable) -> Option<(&'static str, Edit)> {
    let name = match patch.is_delayed(cable) {
        false => "Delay this cable instead",
        true => "Delay only this cable",
    };
    patching::delay_instead(patch, cable).map(|edit| (name, edit))
}

impl Canvas {
    pub(super) fn ground_menu(&mut self, ui: &Ui, desk: &mut Desk, ground: &Response) {
        if ground.secondary_clicked() {
            let pointer = ui.input(|input| input.pointer.interact_pos());
            let pointer = pointer.unwrap_or(desk.window.center());
            self.menu_at = self.camera.to_canvas(desk.window, pointer);
            self.menu_of = match &self.pointed {
                Pointed::Cable(cable) => Some(cable.clone()),
                _ => None,
            };
        }
        let corner = self.camera.to_screen(desk.window, self.menu_at);
        let at = self.menu_at;
        ground.context_menu(|ui| {
            if let Some(cable) = self.menu_of.clone() {
                ui.weak(cable.to_string());
                if ui.button("Insert a module…").clicked() {
                    let wish = BrowseFor::Insert(cable.clone());
                    desk.intents.push(Intent::Browse { wish, corner, at });
                }
                if let Some((name, edit)) = delay(desk.scene.model.patch(), &cable)
                    && ui.button(name).clicked()
                {
                    desk.asks.edit(edit);
                }
                if ui.button("Unplug").clicked() {
                    desk.asks.edit(Edit::Disconnect(cable));
                }
                return;
            }
            if ui.button("Add a module…").clicked() {
                desk.intents.push(Intent::Browse { wish: BrowseFor::New, corner, at });
            }
            let patch = desk.scene.model.patch();
            let grouped =
                if self.selection.is_empty() { "Comment here" } else { "Group the selection" };
            if ui.button(grouped).clicked() {
                self.add_comment(patch, Some(at), desk.asks);
            }
            if self.selection.len() > 1 {
                ui.menu_button("Align", |ui| {
                    let ways = [
                        ("Left", Align::Left),
                        ("Top", Align::Top),
                        ("Right", Align::Right),
                        ("Bottom", Align::Bottom),
                    ];
                    for (name, by) in ways {
                        if ui.button(name).clicked() {
                            self.align(patch, by, desk.asks);
                        }
                    }
                });
            }
            ui.separator();
            if ui.button("Show all").clicked() {
                self.fit();
            }
            if ui.button("Tidy up").clicked() {
                self.arrange(patch, desk.asks);
            }
            if ui.button("Select all").clicked() {
                self.select_all(patch);
            }
        });
    }
}
