//! A knob or a port that is brought to the edge of an open group is on the group's face.

use eframe::egui::{CursorIcon, Pos2, Rect, StrokeKind, Ui, vec2};
use sostenuto_patch::{Edit, ModuleId, Part};

use super::{Canvas, Desk, wires};

/// How wide the edge is, in points of the screen.
const EDGE: f32 = 56.0;

impl Canvas {
    /// Whether a place is at the left or right edge of an open group.
    pub(super) fn is_at_edge(&self, window: Rect, at: Pos2) -> bool {
        self.is_inside() && window.contains(at) && !window.shrink2(vec2(EDGE, 0.0)).contains(at)
    }

    /// Shows a part of a module on the face of the open group, where it is not yet.
    pub(super) fn show_here(&self, desk: &mut Desk, module: &ModuleId, part: Part) {
        let patch = desk.scene.model.patch();
        let out = self.level.open().and_then(|open| patch.steps_out(module, open));
        let Some(levels) = out.and_then(|out| u8::try_from(out).ok()) else { return };
        let shown = patch.modules.get(module).and_then(|module| module.shown.get(&part));
        if shown.is_some_and(|shown| *shown >= levels) {
            return desk.say("It is on the face of the group already.");
        }
        desk.asks.edit(Edit::SetShown { module: module.clone(), part, levels });
    }

    /// Where the hand brings a part to have it on the face of the open group.
    pub(super) fn edges_ui(
        &self,
        ui: &Ui,
        desk: &Desk,
        pointer: Pos2,
        (module, part): &(ModuleId, Part),
    ) {
        let patch = desk.scene.model.patch();
        let Some(open) = self.level.open() else { return };
        // What comes from outside is on the face in any case.
        if patch.steps_out(module, open).is_none() {
            return;
        }
        let (theme, window) = (desk.scene.theme, desk.window);
        let sides =
            [window.with_max_x(window.left() + EDGE), window.with_min_x(window.right() - EDGE)];
        for side in sides {
            let strength = if side.contains(pointer) { 0.3 } else { 0.1 };
            let fill = theme.accent.gamma_multiply(strength);
            ui.painter().rect(side, 0.0, fill, (1.0, theme.accent), StrokeKind::Inside);
        }
        let title = patch.groups.get(open).map_or("", |group| &group.title);
        let name = part.name().unwrap_or("it");
        let words = match self.is_at_edge(window, pointer) {
            true => format!("Release to show {name} on the face of “{title}”"),
            false => "To the edge: onto the face of the group".to_owned(),
        };
        // Beside the pointer, and within the window.
        let left = (pointer.x + 14.0).min(window.right() - 360.0).max(window.left() + 8.0);
        let below = (pointer.y + 40.0).min(window.bottom() - 30.0);
        wires::label(ui, theme, Pos2::new(left, below), &words);
    }

    /// A knob that the hand carries, and lets go where it `was_carried`.
    pub(super) fn carry_ui(
        &mut self,
        ui: &Ui,
        desk: &mut Desk,
        was_carried: Option<(ModuleId, Part)>,
    ) {
        let Some(pointer) = ui.input(|input| input.pointer.interact_pos()) else { return };
        if let Some(carried) = self.carried.as_ref().filter(|_| self.is_inside()) {
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
            return self.edges_ui(ui, desk, pointer, carried);
        }
        let is_let_go = ui.input(|input| input.pointer.primary_released());
        if let Some((module, part)) = was_carried
            && is_let_go
            && self.is_at_edge(desk.window, pointer)
        {
            self.show_here(desk, &module, part);
        }
    }
}
