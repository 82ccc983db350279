//! The tuner's dial: a note, how far off it is, and its frequency.

use eframe::egui::{
    Align2, Pos2, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_patch::entry::note_name;

use super::ScreenSpot;
use crate::pen::Pen;
use crate::theme::Theme;

/// Closer than this it is in tune.
const IN_TUNE_CENTS: f32 = 3.0;
/// How far the needle leans at 50 cents, in turns.
const LEAN: f32 = 0.105;

/// The dial.
pub fn tuner_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot) {
    let id = ui.id().with(("tuner", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::hover());
    let (hz, key, cents) = (spot.shown(0), spot.shown(1).round() as i32, spot.shown(2));
    let name = if spot.shown(3) > 0.0 {
        degree_name(spot.shown(4) as i32, spot.shown(5) as i32)
    } else {
        note_name(key)
    };
    let heard = (hz > 0.0).then_some((name, cents));
    let name = format!("pitch of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let value = match &heard {
        Some((note, cents)) => format!("{note} {cents:+.0} ct, {hz:.1} Hz"),
        None => "silent".to_owned(),
    };
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(value));
    if ui.is_rect_visible(spot.rect) {
        draw(&Pen::within(ui, spot.zoom, spot.rect), theme, spot.rect, hz, heard);
    }
}

fn draw(pen: &Pen, theme: &Theme, rect: Rect, hz: f32, heard: Option<(String, f32)>) {
    pen.well(rect, theme.well, theme.edge);
    let pivot = pos2(rect.center().x, rect.bottom() + pen.scaled(18.0));
    let radius = rect.height() + pen.scaled(2.0);
    for cents in (-50..=50).step_by(5) {
        let (length, colour) = match cents {
            0 => (14.0, theme.text),
            cents if cents % 25 == 0 => (10.0, theme.faint),
            _ => (6.0, theme.edge),
        };
        let outer = on_dial(pivot, radius, cents as f32);
        let inner = on_dial(pivot, radius - pen.scaled(length), cents as f32);
        pen.line(outer, inner, 1.0, colour);
    }
    let foot = rect.center_bottom() - vec2(0.0, pen.scaled(10.0));
    let Some((note, cents)) = heard else {
        pen.text(foot - vec2(0.0, pen.scaled(28.0)), Align2::CENTER_BOTTOM, 26.0, theme.edge, "–");
        return;
    };
    let is_in_tune = cents.abs() <= IN_TUNE_CENTS;
    let colour = if is_in_tune { theme.good } else { theme.accent };
    let shown = cents.clamp(-50.0, 50.0);
    let needle = on_dial(pivot, radius - pen.scaled(2.0), shown);
    pen.line(on_dial(pivot, radius - pen.scaled(30.0), shown), needle, 3.0, colour);
    pen.disc(needle, 3.0, colour, Stroke::NONE);
    let middle = foot - vec2(0.0, pen.scaled(24.0));
    // A note of a tuning has more to say than one with a name.
    let (size, beside) = if note.len() > 4 { (22.0, 76.0) } else { (30.0, 44.0) };
    pen.text(middle, Align2::CENTER_BOTTOM, size, theme.text, &note);
    // Not only by the colour: which way it has to go.
    if !is_in_tune {
        let side = -cents.signum();
        let tip = middle + vec2(side * pen.scaled(beside), -pen.scaled(17.0));
        let back = vec2(-side * pen.scaled(9.0), pen.scaled(7.0));
        pen.shape(vec![tip, tip + back, tip + vec2(back.x, -back.y)], colour);
    }
    let words = format!("{cents:+.1} ct     {hz:.2} Hz");
    pen.text(foot, Align2::CENTER_BOTTOM, 12.0, theme.faint, &words);
}

/// A note of a tuning, with the period that it is in, where that is not the first.
fn degree_name(number: i32, period: i32) -> String {
    if period == 0 { format!("note {number}") } else { format!("note {number} {period:+}") }
}

fn on_dial(pivot: Pos2, radius: f32, cents: f32) -> Pos2 {
    let angle = std::f32::consts::TAU * (cents / 50.0 * LEAN - 0.25);
    pivot + Vec2::angled(angle) * radius
}
