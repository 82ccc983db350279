//! A module from some way off: what it looks like, with nothing to take hold of.

use eframe::egui::{Rect, Stroke, StrokeKind, Ui, Vec2, pos2};

use super::Scene;
use super::face::JACK_RADIUS;
use super::modules::{Spot, screen_spot};
use crate::param::WidgetKind;
use crate::pen::Pen;
use crate::screen::glance;

/// Below this zoom a module is a box with its name.
pub const SKETCH_ZOOM: f32 = 0.22;

/// Draws knobs where they stand, what moves on screens, and jacks.
pub(super) fn draw_sketch(ui: &Ui, scene: Scene, spot: &Spot, zoom: f32) {
    let (theme, pen) = (scene.theme, Pen::new(ui, zoom));
    let place = |rect: Rect| {
        Rect::from_min_size(spot.rect.min + rect.min.to_vec2() * zoom, rect.size() * zoom)
    };
    let shown = spot.face.screen;
    let shown = shown.and_then(|part| screen_spot(scene, spot, part, zoom, Vec::new()));
    if let Some(screen) = shown {
        glance(ui, theme, &screen);
    }
    for control in &spot.face.params {
        let about = spot.face.about;
        let Some(param) = about.map(|about| &about.params[control.index]) else { continue };
        let stands = param.position(spot.module.param(param.name).unwrap_or(param.default));
        let rect = place(control.rect);
        let middle = rect.center();
        match control.kind {
            WidgetKind::Knob | WidgetKind::SmallKnob => {
                let radius = if control.kind == WidgetKind::Knob { 17.0 } else { 11.0 };
                pen.disc(middle, radius, theme.knob, Stroke::NONE);
                let [from, to] = [0.3, 0.95].map(|part| pen.on_ring(middle, radius * part, stands));
                pen.line(from, to, 3.0, theme.accent);
            }
            WidgetKind::Fader => {
                let way = rect.shrink2(Vec2::new(0.0, 0.15 * rect.height()));
                pen.line(way.center_top(), way.center_bottom(), 4.0, theme.well);
                let cap = pos2(middle.x, way.bottom() - way.height() * stands);
                let size = Vec2::new(20.0, 9.0) * zoom;
                pen.fill(Rect::from_center_size(cap, size), 2.0, theme.accent);
            }
            WidgetKind::Switch | WidgetKind::Button | WidgetKind::Choice | WidgetKind::Stepper => {
                let size = Vec2::new(rect.width().min(60.0 * zoom), 14.0 * zoom);
                let is_on = control.kind.is_switch() && stands > 0.5;
                let colour = if is_on { theme.accent } else { theme.well };
                pen.fill(Rect::from_center_size(middle, size), 4.0, colour);
            }
        }
    }
    for jack in spot.face.inputs.iter().chain(&spot.face.outputs) {
        let jack = spot.rect.min + jack.at.to_vec2() * zoom;
        let square = Rect::from_center_size(jack, Vec2::splat(1.2 * JACK_RADIUS * zoom));
        ui.painter().rect(square, 1.0, theme.well, (1.0, theme.faint), StrokeKind::Inside);
    }
}
