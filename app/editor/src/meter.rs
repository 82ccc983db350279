//! The bar of a meter, wherever one is.

use eframe::egui::{Rect, pos2};
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, db_from_gain};

use super::pen::{Pen, guide};
use super::theme::Theme;

/// The lower end of the scale; 0 dB is full scale.
pub const BOTTOM_DB: f32 = -60.0;
/// The upper end; see [`BOTTOM_DB`].
pub const TOP_DB: f32 = 6.0;
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

/// One bar: the mean, or the peak where no mean is known, and a line at the peak.
pub fn bar(pen: &Pen, theme: &Theme, bar: Rect, side: Side) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_6_db_below_the_top() {
        assert!((height(10.0) - 60.0 / 66.0).abs() < 1e-5);
        assert!((height(5.0) - (60.0 - 6.0206) / 66.0).abs() < 1e-4);
        assert_eq!(height(0.0), 0.0);
        assert_eq!(height(1e9), 1.0);
    }
}
