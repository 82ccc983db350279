//! Which scene is recalled, and how far it has morphed to the next.

use eframe::egui::{Align2, Rect, Sense, Ui, WidgetInfo, WidgetType, vec2};

use super::ScreenSpot;
use crate::pen::Pen;
use crate::theme::Theme;

/// The scene's name, and below it the way to the one after it.
pub fn scene_ui(ui: &Ui, theme: &Theme, spot: &ScreenSpot) {
    let id = ui.id().with(("scene", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::hover());
    let name = format!("scene of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let value = match (title(spot, 0), spot.shown(2)) {
        (None, _) => "none".to_owned(),
        (Some(scene), morphed) if morphed > 0.0 => {
            let toward = title(spot, 1).unwrap_or_default();
            format!("{scene}, {:.0} % on the way to {toward}", 100.0 * morphed)
        }
        (Some(scene), _) => scene,
    };
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(value.as_str()));
    if ui.is_rect_visible(spot.rect) {
        glance(&Pen::within(ui, spot.zoom, spot.rect), theme, spot);
    }
    response.on_hover_text(value);
}

/// The same from afar.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    pen.well(spot.rect, theme.well, theme.edge);
    let inner = spot.rect.shrink(pen.scaled(8.0));
    let (above, below) = inner.split_top_bottom_at_fraction(0.62);
    let (words, colour) = match title(spot, 0) {
        Some(title) => (title, theme.text),
        None => ("–".to_owned(), theme.faint),
    };
    pen.fitted_text(above, Align2::CENTER_CENTER, 22.0, colour, &words);
    let bar = below.with_max_y(below.top() + pen.scaled(4.0));
    pen.fill(bar, 2.0, theme.edge);
    let morphed = spot.shown(2).clamp(0.0, 1.0);
    if morphed > 0.0 {
        pen.fill(Rect::from_min_size(bar.min, bar.size() * vec2(morphed, 1.0)), 2.0, theme.moved);
        let foot = below.with_min_y(bar.bottom() + pen.scaled(2.0));
        let toward = title(spot, 1).unwrap_or_default();
        pen.fitted_text(foot, Align2::RIGHT_CENTER, 11.0, theme.faint, &format!("to {toward}"));
    }
}

/// What the scene is called whose number it shows there. `None` where it is at none.
fn title(spot: &ScreenSpot, index: usize) -> Option<String> {
    let number = spot.shown(index) as u8;
    let title = spot.patch.scenes.get(&number).map_or("", String::as_str);
    match (number, title) {
        (0, _) => None,
        (number, "") => Some(format!("{number}")),
        (number, title) => Some(format!("{number}  {title}")),
    }
}
