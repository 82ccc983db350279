//! Meters: the peak as a line, the mean as a bar, a lamp for what was too loud.

use eframe::egui::{Align2, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, db_from_gain};

use super::ScreenSpot;
use crate::pen::{Pen, guide};
use crate::theme::Theme;

/// The ends of the scale; 0 dB is full scale.
const BOTTOM_DB: f32 = -60.0;
const TOP_DB: f32 = 6.0;
/// Above it there is little room left, and none above 0 dB.
const WARM_DB: f32 = -12.0;

/// One channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Side {
    /// The highest of late, in volts.
    pub peak_volts: f32,
    /// The mean, where it is known.
    pub mean_volts: Option<f32>,
    /// Whether full scale was reached.
    pub is_clipped: bool,
}

impl Side {
    /// A side of which only the peak is known.
    pub fn of_peak(peak_volts: f32) -> Side {
        Side { peak_volts, mean_volts: None, is_clipped: peak_volts >= FULL_SCALE_VOLTS }
    }
}

/// Where on the scale a voltage stands, from 0 to 1.
pub fn height(volts: f32) -> f32 {
    let level_db = db_from_gain(volts.abs() / FULL_SCALE_VOLTS);
    ((level_db - BOTTOM_DB) / (TOP_DB - BOTTOM_DB)).clamp(0.0, 1.0)
}

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
        draw_side(&pen, theme, bar, side);
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
        draw_side(pen, theme, bar.shrink(pen.scaled(6.0)), Side::of_peak(peak_volts));
    }
}

fn draw_side(pen: &Pen, theme: &Theme, bar: Rect, side: Side) {
    pen.fill(bar, 2.0, guide(theme, 0.35));
    let up = |level_db: f32| (level_db - BOTTOM_DB) / (TOP_DB - BOTTOM_DB);
    let reach = height(side.mean_volts.unwrap_or(side.peak_volts));
    let zones = [
        (0.0, up(WARM_DB), theme.good),
        (up(WARM_DB), up(0.0), theme.accent),
        (up(0.0), 1.0, theme.trouble),
    ];
    let y = |up: f32| bar.bottom() - up * bar.height();
    for (from, to, colour) in zones {
        if reach > from {
            let zone = bar.with_max_y(y(from)).with_min_y(y(to.min(reach)));
            pen.fill(zone, 1.0, colour);
        }
    }
    let peak = height(side.peak_volts);
    if peak > 0.0 {
        let colour = if peak >= up(0.0) { theme.trouble } else { theme.text };
        pen.line(pos2(bar.left(), y(peak)), pos2(bar.right(), y(peak)), 1.5, colour);
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
    fn full_scale_is_6_db_below_the_top() {
        assert!((height(10.0) - 60.0 / 66.0).abs() < 1e-5);
        assert!((height(5.0) - (60.0 - 6.0206) / 66.0).abs() < 1e-4);
        assert_eq!(height(0.0), 0.0);
        assert_eq!(height(1e9), 1.0);
        assert_eq!((level(10.0).as_str(), level(0.0).as_str()), ("0.0 dB", "silent"));
    }
}
