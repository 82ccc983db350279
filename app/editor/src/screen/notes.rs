//! Keys that light up: the notes of a chord.

use eframe::egui::{Align2, Sense, Ui, WidgetInfo, WidgetType, vec2};
use sostenuto_patch::entry::note_name;

use super::ScreenSpot;
use crate::pen::Pen;
use crate::play::hands::C4_KEY;
use crate::play::piano::{Row, is_black};
use crate::theme::{Look, Theme};

/// As many octaves as the widest chord spans.
const OCTAVES: u32 = 4;

/// The keys, and the notes in words for screen readers.
pub fn notes_ui(ui: &Ui, theme: &Theme, spot: &ScreenSpot) {
    let id = ui.id().with(("notes", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::hover());
    let name = format!("notes of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let names: Vec<String> = keys(spot).iter().map(|&key| note_name(key as i32)).collect();
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(names.join(" ")));
    if ui.is_rect_visible(spot.rect) {
        glance(&Pen::within(ui, spot.zoom, spot.rect), theme, spot);
    }
    response.on_hover_text(names.join("  "));
}

/// The keys.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    pen.well(spot.rect, theme.well, theme.edge);
    let lit = keys(spot);
    let lowest = lit.first().copied().unwrap_or(C4_KEY - 12);
    let field = spot.rect.shrink(4.0 * spot.zoom);
    let row = Row::of(field, lowest / 12 * 12, OCTAVES);
    let (ivory, ebony) = match theme.look {
        Look::Light => (theme.face, theme.faint),
        Look::Dark | Look::HighContrast => (theme.knob, theme.well),
    };
    for key in row.keys() {
        let rect = row.rect(key).shrink2(vec2(pen.scaled(0.5), 0.0));
        let is_lit = lit.contains(&key);
        let ground = if is_black(key) { ebony } else { ivory };
        pen.fill(rect, 2.0, if is_lit { theme.accent } else { ground });
        pen.edge(rect, 2.0, 1.0, theme.edge);
    }
    // Wider than their keys, so they lie on those beside.
    for key in row.keys().filter(|key| key.is_multiple_of(12)) {
        let foot = row.rect(key).left_bottom() + vec2(pen.scaled(1.5), -pen.scaled(1.0));
        pen.text(foot, Align2::LEFT_BOTTOM, 8.0, theme.text, &note_name(key as i32));
    }
}

/// The keys that are lit, lowest first.
fn keys(spot: &ScreenSpot) -> Vec<u32> {
    let pitches = spot.display.get(1..).unwrap_or_default();
    let count = (spot.shown(0).max(0.0) as usize).min(pitches.len());
    let key = |voct: &f32| (C4_KEY as f32 + 12.0 * voct).round().clamp(0.0, 127.0) as u32;
    let mut keys: Vec<u32> = pitches[..count].iter().map(key).collect();
    keys.sort_unstable();
    keys
}
