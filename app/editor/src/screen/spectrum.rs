//! The spectrum: loudness over pitch, and what is under the pointer.

use eframe::egui::{Align2, Pos2, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2};
use sostenuto_dsp::units::voct_from_hz;
use sostenuto_modules::tools::SPECTRUM_FRAMES;
use sostenuto_patch::entry::pitch_name;

use super::ScreenSpot;
use crate::pen::{Pen, guide};
use crate::theme::Theme;

const LOW_HZ: f32 = 20.0;
const HIGH_HZ: f32 = 20_000.0;
const BOTTOM_DB: f32 = -100.0;
const TOP_DB: f32 = 6.0;

/// Loudness over pitch.
pub fn spectrum_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot) {
    let id = ui.id().with(("spectrum", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::hover());
    let name = format!("spectrum of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let bins = Bins { levels_db: spot.display, hz: spot.sample_rate_hz / SPECTRUM_FRAMES as f32 };
    let loudest = bins.loudest_hz().map(|hz| format!("loudest at {hz:.0} Hz"));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(loudest.unwrap_or_else(|| "silent".to_owned()));
    });
    if !ui.is_rect_visible(spot.rect) {
        return;
    }
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.well(spot.rect, theme.well, theme.edge);
    let field = spot.rect.shrink(pen.scaled(1.0));
    grid(&pen, theme, field);
    curve(&pen, theme, field, &bins);
    if let Some(place) = response.hover_pos() {
        cursor(&pen, theme, field, place, &bins);
    }
}

/// The curve alone.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    let bins = Bins { levels_db: spot.display, hz: spot.sample_rate_hz / SPECTRUM_FRAMES as f32 };
    curve(pen, theme, spot.rect, &bins);
}

fn curve(pen: &Pen, theme: &Theme, field: Rect, bins: &Bins) {
    if bins.levels_db.is_empty() {
        return;
    }
    let columns = (field.width() / 1.5).ceil().clamp(16.0, 800.0) as usize;
    let line: Vec<Pos2> = (0..=columns)
        .map(|column| {
            let [from, to] = [0.0, 1.0].map(|half| (column as f32 + half - 0.5) / columns as f32);
            let level_db = bins.level_db(hz_at(from), hz_at(to));
            pos2(field.left() + column as f32 / columns as f32 * field.width(), y(field, level_db))
        })
        .collect();
    pen.area(&line, field.bottom(), theme.accent.gamma_multiply(0.35));
    pen.path(line, 1.5, theme.accent);
}

/// The levels, one a bin, and how far apart the bins are.
struct Bins<'a> {
    levels_db: &'a [f32],
    hz: f32,
}

impl Bins<'_> {
    /// The loudest between two frequencies; between two bins, what lies between them.
    fn level_db(&self, from_hz: f32, to_hz: f32) -> f32 {
        let (from, to) = (from_hz / self.hz, to_hz / self.hz);
        let (first, last) = (from.ceil() as usize, to.floor() as usize);
        if first > last {
            let middle = (from + to) / 2.0;
            let part = middle.fract();
            let below = self.at(middle as usize);
            return below + part * (self.at(middle as usize + 1) - below);
        }
        (first..=last).map(|bin| self.at(bin)).fold(f32::MIN, f32::max)
    }

    fn at(&self, bin: usize) -> f32 {
        self.levels_db.get(bin).copied().filter(|level_db| level_db.is_finite()).unwrap_or(-160.0)
    }

    fn loudest_hz(&self) -> Option<f32> {
        let audible = self.levels_db.iter().enumerate().skip(1);
        let (bin, level_db) = audible.max_by(|a, b| a.1.total_cmp(b.1))?;
        (*level_db > BOTTOM_DB).then_some(bin as f32 * self.hz)
    }
}

fn hz_at(across: f32) -> f32 {
    LOW_HZ * (HIGH_HZ / LOW_HZ).powf(across)
}

fn x(field: Rect, hz: f32) -> f32 {
    field.left() + (hz / LOW_HZ).ln() / (HIGH_HZ / LOW_HZ).ln() * field.width()
}

fn y(field: Rect, level_db: f32) -> f32 {
    let up = ((level_db - BOTTOM_DB) / (TOP_DB - BOTTOM_DB)).clamp(0.0, 1.0);
    field.bottom() - up * field.height()
}

fn grid(pen: &Pen, theme: &Theme, field: Rect) {
    for power in [10.0, 100.0, 1000.0, 10_000.0] {
        for step in 1..10 {
            let hz = power * step as f32;
            if (LOW_HZ * 1.01..HIGH_HZ * 0.99).contains(&hz) {
                let strength = if step == 1 { 0.8 } else { 0.28 };
                let colour = guide(theme, strength);
                let x = x(field, hz);
                pen.line(pos2(x, field.top()), pos2(x, field.bottom()), 1.0, colour);
            }
        }
    }
    for level_db in [0, -20, -40, -60, -80] {
        let y = y(field, level_db as f32);
        let strength = if level_db == 0 { 0.8 } else { 0.4 };
        let colour = guide(theme, strength);
        pen.line(pos2(field.left(), y), pos2(field.right(), y), 1.0, colour);
        let place = pos2(field.left() + pen.scaled(4.0), y - pen.scaled(1.0));
        let words = if level_db == 0 { "0 dB".to_owned() } else { level_db.to_string() };
        pen.text(place, Align2::LEFT_BOTTOM, 8.5, theme.faint, &words);
    }
    for (hz, words) in [(100.0, "100"), (1000.0, "1k"), (10_000.0, "10k")] {
        let place = pos2(x(field, hz) + pen.scaled(3.0), field.bottom() - pen.scaled(2.0));
        pen.text(place, Align2::LEFT_BOTTOM, 8.5, theme.faint, words);
    }
}

fn cursor(pen: &Pen, theme: &Theme, field: Rect, place: Pos2, bins: &Bins) {
    let across = ((place.x - field.left()) / field.width()).clamp(0.0, 1.0);
    let hz = hz_at(across);
    let width = 1.0 / field.width();
    let level_db = bins.level_db(hz_at(across - width), hz_at(across + width));
    pen.line(pos2(place.x, field.top()), pos2(place.x, field.bottom()), 1.0, theme.text);
    let words = format!("{}   {hz:.0} Hz   {level_db:.0} dB", pitch_name(voct_from_hz(hz)));
    let size = vec2(pen.text_width(10.5, &words) + pen.scaled(12.0), pen.scaled(17.0));
    let left =
        (place.x - size.x / 2.0).clamp(field.left(), (field.right() - size.x).max(field.left()));
    let label = Rect::from_min_size(pos2(left, field.top() + pen.scaled(3.0)), size);
    pen.fill(label, 3.0, theme.face);
    pen.text(label.center(), Align2::CENTER_CENTER, 10.5, theme.text, &words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_shows_its_loudest_bin_and_never_misses_one() {
        let mut levels_db = [-160.0; 1025];
        levels_db[400] = -6.0;
        let bins = Bins { levels_db: &levels_db, hz: 10.0 };
        assert_eq!(bins.loudest_hz(), Some(4000.0));
        assert_eq!(bins.level_db(3500.0, 4500.0), -6.0);
        assert_eq!(bins.level_db(4001.0, 4500.0), -160.0);
        assert_eq!(bins.level_db(4004.0, 4006.0), (-6.0 - 160.0) / 2.0);
    }

    #[test]
    fn a_decade_is_a_third_of_the_way() {
        let field = Rect::from_min_size(Pos2::ZERO, vec2(300.0, 106.0));
        assert!((x(field, 200.0) - 100.0).abs() < 0.01);
        assert!((hz_at(2.0 / 3.0) - 2000.0).abs() < 0.1);
        assert_eq!(y(field, 6.0), 0.0);
        assert_eq!(y(field, -100.0), 106.0);
    }
}
