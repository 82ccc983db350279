//! Cables on the canvas: drawn as what flows in them, and looked at closely.

use eframe::egui::{Align2, Color32, FontId, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, vec2};
use sostenuto_dsp::fnv::fnv1a_32;
use sostenuto_patch::{Cable, OutputRef};

use super::cable::Curve;
use super::drag::Drag;
use super::wiring::Run;
use super::{Canvas, DETAIL_ZOOM, Desk, Pointed, Scene, glow};
use crate::model::Level;
use crate::theme::Theme;

/// How near the pointer must come to a cable, in points of the screen.
const REACH: f32 = 7.0;

impl Canvas {
    pub(super) fn wires_ui(&mut self, ui: &Ui, desk: &Desk) {
        let Desk { scene, wiring, window, .. } = *desk;
        let (zoom, tension) = (self.camera.zoom, scene.preferences.cable_tension);
        let into = self.insertion(desk);
        let pointer = ui.input(|input| input.pointer.hover_pos()).filter(|at| window.contains(*at));
        // What lies on the canvas is not looked through: menus, the browser, panels.
        let is_on_top = |at| ui.ctx().layer_id_at(at).is_none_or(|layer| layer == ui.layer_id());
        let pointer = pointer.filter(|at| is_on_top(*at));
        let may_point = matches!(self.drag, Drag::Nothing)
            && !matches!(self.pointed, Pointed::Port(_))
            && !ui.ctx().any_popup_open()
            && ui.ctx().dragged_id().is_none();
        let mut nearest: Option<(f32, &Run)> = None;
        let is_there = |run: &&Run| !self.drag.unplugged().contains(run.cable);
        for run in wiring.runs().iter().filter(is_there) {
            let ends = [run.from, run.to].map(|at| self.camera.to_screen(window, at));
            let curve = Curve::new(ends[0], ends[1], tension, zoom);
            if !curve.bounds().expand(8.0).intersects(window) {
                continue;
            }
            if let Some(pointer) = pointer.filter(|_| may_point)
                && curve.bounds().expand(REACH).contains(pointer)
            {
                let (distance, _) = curve.distance(pointer);
                if distance < REACH.min(nearest.map_or(REACH, |(nearest, _)| nearest)) {
                    nearest = Some((distance, run));
                }
            }
            self.draw_cable(ui, scene, run, &curve, into.as_ref() == Some(run.cable));
        }
        if let Some((_, &Run { cable, level, is_delayed, .. })) = nearest {
            // A cable over a face is there to be looked at; a knob is not.
            let is_covered = matches!(self.pointed, Pointed::Module(_));
            if !is_covered {
                self.pointed = Pointed::Cable(cable.clone());
            }
            if let (Some(pointer), Some(level)) = (pointer, level) {
                self.trace.look(&cable.from, &level);
                self.look_closely(ui, scene, (cable, is_delayed), &level, pointer);
            } else if let Some(pointer) = pointer {
                let words = match is_delayed {
                    true => format!("{}\n{DELAYED}", cable.meant()),
                    false => cable.meant().to_string(),
                };
                label(ui, scene.theme, pointer + vec2(14.0, 14.0), &words);
            }
        }
    }

    fn draw_cable(&self, ui: &Ui, scene: Scene, run: &Run, curve: &Curve, is_target: bool) {
        let (theme, zoom) = (scene.theme, self.camera.zoom);
        let &Run { cable, level, .. } = run;
        let is_lit = match &self.pointed {
            Pointed::Module(id) => cable.from.module == *id || cable.to.module == *id,
            Pointed::Cable(pointed) => pointed == cable,
            Pointed::Port(super::End::Output(output)) => cable.from == *output,
            Pointed::Port(super::End::Input(input)) => cable.to == *input,
            Pointed::Nothing => false,
        };
        let is_chosen = self.selected_cable.as_ref() == Some(cable) || is_target;
        let opacity = if is_lit || is_chosen { 1.0 } else { scene.preferences.cable_opacity };
        let colour =
            if is_chosen { theme.accent } else { cable_colour(theme, &cable.from.meant()) };
        let width = (glow::width(level.as_ref()) * zoom).max(1.0)
            * if is_lit || is_chosen { 1.5 } else { 1.0 };
        let (painter, points) = (ui.painter(), curve.points());
        let stroke = |width: f32, colour| {
            painter.line(points.clone(), Stroke::new(width, colour));
        };
        let is_near = zoom >= DETAIL_ZOOM;
        if is_near {
            stroke(width + 2.0, theme.canvas.gamma_multiply(0.6 * opacity));
        }
        stroke(width, colour.gamma_multiply(opacity));
        if run.is_delayed && is_near {
            delay_mark(ui, theme, curve.at(DELAY_MARK_AT), 5.0 * zoom, colour);
        }
        let Some(level) = level else { return };
        let bright = glow::brightness(&level);
        if is_near && bright > 0.02 {
            let core = glow::colour(theme, &level).gamma_multiply(bright * opacity);
            stroke((width * 0.45).max(1.0), core);
        }
        if is_near && level.channels > 1 {
            let at = curve.at(0.5);
            let size = 10.0 * zoom;
            painter.circle_filled(at, size * 0.85, theme.canvas);
            painter.circle_stroke(at, size * 0.85, Stroke::new(1.0, colour));
            let font = FontId::proportional(size.max(6.0).round());
            painter.text(at, Align2::CENTER_CENTER, level.channels.to_string(), font, theme.text);
        }
    }

    /// Volts, channels and a tiny scope beside the pointer.
    fn look_closely(
        &self,
        ui: &Ui,
        scene: Scene,
        (cable, is_delayed): (&Cable, bool),
        level: &Level,
        pointer: Pos2,
    ) {
        let theme = scene.theme;
        let painter = ui.ctx().layer_painter(eframe::egui::LayerId::new(
            eframe::egui::Order::Tooltip,
            ui.id().with("close look"),
        ));
        let below_words = if is_delayed { 53.0 } else { 38.0 };
        let size = vec2(if is_delayed { 296.0 } else { 216.0 }, below_words + 58.0);
        let screen = ui.ctx().content_rect();
        let corner = (pointer + vec2(16.0, 16.0)).min(screen.max - size);
        let rect = Rect::from_min_size(corner, size);
        painter.rect(rect, 4.0, theme.well, (1.0, theme.edge), StrokeKind::Inside);
        let words = |y: f32, text: String, colour| {
            let font = FontId::proportional(12.0);
            painter.text(rect.min + vec2(8.0, y), Align2::LEFT_TOP, text, font, colour);
        };
        words(5.0, cable.meant().to_string(), theme.text);
        words(20.0, reading(level), theme.faint);
        if is_delayed {
            words(35.0, DELAYED.to_owned(), theme.faint);
        }
        let plot = Rect::from_min_max(rect.min + vec2(8.0, below_words), rect.max - vec2(8.0, 8.0));
        let middle = plot.center().y;
        painter.hline(plot.x_range(), middle, (1.0, theme.grid));
        let range = self.trace.range_volts();
        let y = |volts: f32| middle - volts / range * plot.height() / 2.0;
        let colour = cable_colour(theme, &cable.from.meant());
        let step = plot.width() / 120.0;
        let first = 120 - self.trace.spans.len();
        let lines = self.trace.spans.iter().enumerate().map(|(index, &(low, high))| {
            let x = plot.left() + (first + index) as f32 * step;
            Shape::line_segment(
                [Pos2::new(x, y(high) - 0.5), Pos2::new(x, y(low) + 0.5)],
                (step, colour),
            )
        });
        painter.extend(lines);
    }
}

/// Beside a delayed cable, in words.
const DELAYED: &str = "This cable is one sample late: it closes a loop";

/// Where on a cable its mark is, from 0 to 1: not where its channels are counted.
const DELAY_MARK_AT: f32 = 0.62;

/// The mark of a delayed cable: the samples that it is late.
fn delay_mark(ui: &Ui, theme: &Theme, at: Pos2, size: f32, colour: Color32) {
    let painter = ui.painter();
    painter.circle(at, size, theme.canvas, Stroke::new(1.0, colour));
    let font = FontId::proportional((1.6 * size).max(6.0).round());
    painter.text(at, Align2::CENTER_CENTER, "1", font, theme.text);
}

/// A cable's colour: the same for all that come out of one output.
pub(super) fn cable_colour(theme: &Theme, from: &OutputRef) -> Color32 {
    let hash = fnv1a_32(from.module.as_str().bytes().chain(from.port.bytes()));
    theme.cables[(hash >> 7) as usize % theme.cables.len()]
}

/// Volts and channels, in words.
pub(super) fn reading(level: &Level) -> String {
    let channels = match level.channels {
        0 | 1 => "1 channel".to_owned(),
        channels => format!("{channels} channels"),
    };
    let (low, high) = (level.min_volts, level.max_volts);
    if high - low < 0.005 {
        return format!("{:+.2} V, {channels}", level.volts);
    }
    format!("{low:+.2} to {high:+.2} V, {channels}")
}

/// A sentence beside the pointer.
pub(super) fn label(ui: &Ui, theme: &Theme, at: Pos2, words: &str) {
    let font = FontId::proportional(13.0);
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font, theme.text);
    let rect = Rect::from_min_size(at, galley.size() + vec2(12.0, 8.0));
    ui.painter().rect(rect, 4.0, theme.well, (1.0, theme.edge), StrokeKind::Inside);
    ui.painter().galley(at + vec2(6.0, 4.0), galley, theme.text);
}
