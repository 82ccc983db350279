//! The minimap: the whole patch in a corner, and what the window shows of it.

use eframe::egui::{Rect, Sense, StrokeKind, Ui, WidgetInfo, WidgetType, vec2};

use super::modules::colour_of;
use super::{Canvas, Desk};

const SIZE: (f32, f32) = (168.0, 108.0);

impl Canvas {
    /// Shown where there is more than the window shows. Drag on it to look elsewhere.
    pub(super) fn minimap_ui(&mut self, ui: &Ui, desk: &Desk) {
        let Desk { scene, layout, window, .. } = *desk;
        let Some(bounds) = layout.bounds() else { return };
        let seen = self.camera.visible(window);
        if seen.contains_rect(bounds) || window.width() < 3.0 * SIZE.0 {
            return;
        }
        let all = bounds.union(seen).expand(100.0);
        let corner = window.right_bottom() - vec2(SIZE.0 + 12.0, SIZE.1 + 12.0);
        let map = Rect::from_min_size(corner, SIZE.into());
        let scale = (map.width() / all.width()).min(map.height() / all.height());
        let onto = |rect: Rect| {
            let corner = |at: eframe::egui::Pos2| map.center() + (at - all.center()) * scale;
            Rect::from_min_max(corner(rect.min), corner(rect.max)).intersect(map)
        };
        let theme = scene.theme;
        let painter = ui.painter();
        painter.rect(
            map,
            4.0,
            theme.well.gamma_multiply(0.9),
            (1.0, theme.edge),
            StrokeKind::Inside,
        );
        for (id, (rect, face)) in &layout.places {
            let colour = colour_of(theme, id, face);
            let is_chosen = self.selection.contains(id);
            let colour = if is_chosen { theme.accent } else { colour.gamma_multiply(0.7) };
            painter.rect_filled(onto(*rect), 1.0, colour);
        }
        painter.rect_stroke(onto(seen), 2.0, (1.5, theme.text), StrokeKind::Inside);
        let response = ui.interact(map, ui.id().with("minimap"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, "Minimap"));
        if let Some(pointer) = response.interact_pointer_pos() {
            self.camera.look_at(all.center() + (pointer - map.center()) / scale);
        }
    }
}
