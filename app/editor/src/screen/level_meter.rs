//! Meters: the peak as a line, the mean as a bar, a lamp for what was too loud.

use eframe::egui::{Align2, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, db_from_gain};

use super::ScreenSpot;
use crate::meter::{self, BOTTOM_DB, Side, TOP_DB};
use crate::pen::{Pen, guide};
use crate::theme::Theme;

/// Left and right.
pub fn level_meter_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, sides: [Side; 2]) {
    let id = ui.id().with(("meter", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::hover());
    let name = format!("level of {}", spot.module);
    response
        .widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, ui.is_enabled(), &name));
    let value = sides.map(|side| level(side.peak_volts)).join(", ");
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(value));
    if !ui.is_rect_visible(spot.rect) {
        return;
    }
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.well(spot.rect, theme.well, theme.edge);
    let inside = spot.rect.shrink2(vec2(pen.scaled(8.0), pen.scaled(8.0)));
    let scale_width = pen.scaled(24.0);
    let bars =
        inside.with_min_y(inside.top() + pen.scaled(10.0)).with_max_x(inside.right() - scale_width);
    let gap = pen.scaled(4.0);
    let width = (bars.width() - gap) / 2.0;
    for (index, side) in sides.into_iter().enumerate() {
        let left = bars.left() + index as f32 * (width + gap);
        let bar = Rect::from_min_size(pos2(left, bars.top()), vec2(width, bars.height()));
        meter::bar(&pen, theme, bar, side);
        let lamp = Rect::from_min_size(pos2(left, inside.top()), vec2(width, pen.scaled(6.0)));
        pen.fill(lamp, 2.0, if side.is_clipped { theme.trouble } else { guide(theme, 0.6) });
    }
    for level_db in [0, -6, -12, -24, -36, -48] {
        let up = (level_db as f32 - BOTTOM_DB) / (TOP_DB - BOTTOM_DB);
        let y = bars.bottom() - up * bars.height();
        let colour = if level_db == 0 { theme.text } else { theme.faint };
        pen.line(
            pos2(bars.right() + pen.scaled(2.0), y),
            pos2(bars.right() + pen.scaled(5.0), y),
            1.0,
            colour,
        );
        let place = pos2(inside.right() + pen.scaled(3.0), y);
        pen.text(place, Align2::RIGHT_CENTER, 8.5, colour, &level_db.to_string());
    }
}

/// Two bars, up to peaks in volts.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot, peaks_volts: [f32; 2]) {
    let width = spot.rect.width() / 2.0;
    for (index, peak_volts) in peaks_volts.into_iter().enumerate() {
        let left = spot.rect.left() + index as f32 * width;
        let bar = Rect::from_min_size(pos2(left, spot.rect.top()), vec2(width, spot.rect.height()));
        meter::bar(pen, theme, bar.shrink(pen.scaled(6.0)), Side::of_peak(peak_volts));
    }
}

fn level(volts: f32) -> String {
    let level_db = db_from_gain(volts.abs() / FULL_SCALE_VOLTS);
    if level_db < BOTTOM_DB { "silent".to_owned() } else { format!("{level_db:.1} dB") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_said_in_db_of_full_scale() {
        assert_eq!((level(10.0).as_str(), level(0.0).as_str()), ("0.0 dB", "silent"));
    }
}
