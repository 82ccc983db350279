//! What a right click on the canvas opens: on a cable, on several modules, or
//! on nothing.

use eframe::egui::{Pos2, Response, Ui, vec2};
use sostenuto_patch::{Cable, Edit, Patch};

use super::drag::cables_at;
use super::{Canvas, Desk, End, Intent, Pointed};
use crate::browser::BrowseFor;
use crate::patching::{self, Align};
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
        let patch = desk.scene.model.patch();
        let (wish, add, away) = match end {
            End::Output(output) => {
                ui.weak(format!("{output}"));
                (BrowseFor::From(output.clone()), "Add a module after it…", 60.0)
            }
            End::Input(input) => {
                ui.weak(format!("{input}"));
                (BrowseFor::Into(input.clone()), "Add a module before it…", -60.0)
            }
        };
        if ui.button(add).clicked() {
            let at = self.camera.to_canvas(desk.window, jack) + vec2(away, 0.0);
            desk.intents.push(Intent::Browse { wish, corner: jack, at });
        }
        let cables = cables_at(patch, end);
        let unplug = |cables: &[Cable]| -> Edit {
            Edit::Group(cables.iter().cloned().map(Edit::Disconnect).collect())
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
            if entry(ui, "Add a module…", Command::AddModule) {
                desk.intents.push(Intent::Browse { wish: BrowseFor::New, corner, at });
            }
            let patch = desk.scene.model.patch();
            let grouped =
                if self.selection.is_empty() { "Comment here" } else { "Group the selection" };
            if entry(ui, grouped, Command::AddComment) {
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
            if entry(ui, "Show the whole patch", Command::FitAll) {
                self.fit();
            }
            if entry(ui, "Tidy up", Command::TidyUp) {
                self.arrange(patch, desk.asks);
            }
            if entry(ui, "Select all", Command::SelectAll) {
                self.select_all(patch);
            }
        });
    }
}
