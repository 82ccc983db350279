//! What a right click on the canvas opens: on a cable, on several modules, or
//! on nothing.

use eframe::egui::{Pos2, Response, Ui, vec2};
use sostenuto_patch::{Cable, Edit, Patch};

use super::drag::cables_at;
use super::showing::show_entry;
use super::{Canvas, Desk, End, Intent, Pointed};
use crate::browser::BrowseFor;
use crate::patching;
use crate::shortcuts::{Command, entry};

/// What a menu offers for the delay of the cable's loop, where it is in one.
fn delay(patch: &Patch, cable: &Cable) -> Option<(&'static str, Edit)> {
    let name = match patch.is_delayed(cable) {
        false => "Delay this cable instead",
        true => "Delay only this cable",
    };
    patching::delay_instead(patch, cable).map(|edit| (name, edit))
}

impl Canvas {
    /// What can be done with a port that is there on the screen.
    pub(super) fn port_menu(&self, ui: &mut Ui, desk: &mut Desk, end: &End, jack: Pos2) {
        let patch = desk.scene.patch;
        let (wish, add, away) = match end {
            End::Output(output) => {
                ui.weak(output.meant().to_string());
                (BrowseFor::From(output.meant()), "Add a module after it…", 60.0)
            }
            End::Input(input) => {
                ui.weak(input.meant().to_string());
                (BrowseFor::Into(input.meant()), "Add a module before it…", -60.0)
            }
        };
        if ui.button(add).clicked() {
            let at = self.camera.to_canvas(desk.window, jack) + vec2(away, 0.0);
            desk.intents.push(Intent::Browse { wish, corner: jack, at });
        }
        let cables = cables_at(patch, end);
        let unplug = |cables: &[Cable]| -> Edit {
            Edit::Several(cables.iter().cloned().map(Edit::Disconnect).collect())
        };
        match cables.as_slice() {
            [] => {}
            [cable] => {
                if ui.button("Unplug").clicked() {
                    desk.asks.edit(Edit::Disconnect(cable.clone()));
                }
            }
            all => {
                ui.menu_button("Unplug one", |ui| {
                    for cable in all {
                        if ui.button(cable.to_string()).clicked() {
                            desk.asks.edit(Edit::Disconnect(cable.clone()));
                        }
                    }
                });
                if ui.button(format!("Unplug all {}", all.len())).clicked() {
                    desk.asks.edit(unplug(all));
                }
                ui.weak("Shift and drag moves all of them");
            }
        }
        let (module, part) = end.part();
        show_entry(ui, desk.scene, desk.asks, &module, part);
    }

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
                ui.weak(cable.meant().to_string());
                if ui.button("Insert a module…").clicked() {
                    let wish = BrowseFor::Insert(cable.meant());
                    desk.intents.push(Intent::Browse { wish, corner, at });
                }
                if let Some((name, edit)) = delay(desk.scene.patch, &cable)
                    && ui.button(name).clicked()
                {
                    desk.asks.edit(edit);
                }
                if ui.button("Unplug").clicked() {
                    desk.asks.edit(Edit::Disconnect(cable));
                }
                return;
            }
            if entry(ui, "Add a module…", Command::AddModule) {
                desk.intents.push(Intent::Browse { wish: BrowseFor::New, corner, at });
            }
            let patch = desk.scene.patch;
            let grouped =
                if self.selection.is_empty() { "Comment here" } else { "Comment around it" };
            if entry(ui, grouped, Command::AddComment) {
                self.comment_on(patch, Some(at), desk.asks);
            }
            if !self.selection.is_empty() && entry(ui, "Group", Command::GroupModules) {
                desk.intents.push(Intent::Obey(Command::GroupModules));
            }
            if self.selection.len() > 1 {
                ui.menu_button("Align", |ui| {
                    let ways = [
                        ("Left", Command::AlignLeft),
                        ("Top", Command::AlignTop),
                        ("Right", Command::AlignRight),
                        ("Bottom", Command::AlignBottom),
                    ];
                    for (name, way) in ways {
                        if ui.button(name).clicked() {
                            desk.intents.push(Intent::Obey(way));
                        }
                    }
                });
            }
            ui.separator();
            if entry(ui, "Show the whole patch", Command::FitAll) {
                self.fit();
            }
            if entry(ui, "Tidy up", Command::TidyUp) {
                desk.intents.push(Intent::Obey(Command::TidyUp));
            }
            if entry(ui, "Select all", Command::SelectAll) {
                desk.intents.push(Intent::Obey(Command::SelectAll));
            }
        });
    }
}
