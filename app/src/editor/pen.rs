//! Drawing on a face that may be near or far: lines and words grow with the zoom.

use std::f32::consts::PI;

use eframe::egui::epaint::{CircleShape, Mesh, PathStroke};
use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui,
    Vec2, pos2, vec2,
};

use super::theme::{Look, Theme};

/// Words smaller than this on the screen can not be read, and are not drawn.
const LEAST_TEXT: f32 = 6.0;
/// How far a name is squeezed before it is cut.
const LEAST_SQUEEZE: f32 = 0.72;

/// Where a knob's way begins: half past seven, clockwise from three o'clock.
const FIRST_ANGLE: f32 = 0.75 * PI;
const SWEEP: f32 = 1.5 * PI;

/// A painter and how near the face is.
pub struct Pen {
    painter: Painter,
    zoom: f32,
}

impl Pen {
    /// Draws where `ui` does.
    pub fn new(ui: &Ui, zoom: f32) -> Pen {
        Pen { painter: ui.painter().clone(), zoom }
    }

    /// Draws only inside of `rect`.
    pub fn within(ui: &Ui, zoom: f32, rect: Rect) -> Pen {
        Pen { painter: ui.painter_at(rect), zoom }
    }

    /// So many points of the face, on the screen.
    pub fn scaled(&self, points: f32) -> f32 {
        points * self.zoom
    }

    /// A stroke that is never thinner than the eye can see.
    pub fn stroke(&self, width: f32, colour: Color32) -> Stroke {
        Stroke::new((width * self.zoom).max(0.6), colour)
    }

    /// Corners as round as at zoom 1.
    pub fn corners(&self, radius: f32) -> CornerRadius {
        CornerRadius::same((radius * self.zoom).round().clamp(0.0, 255.0) as u8)
    }

    /// A line.
    pub fn line(&self, from: Pos2, to: Pos2, width: f32, colour: Color32) {
        self.painter.line_segment([from, to], self.stroke(width, colour));
    }

    /// A line through many points.
    pub fn path(&self, points: Vec<Pos2>, width: f32, colour: Color32) {
        if points.len() > 1 {
            self.painter.line(points, PathStroke::from(self.stroke(width, colour)));
        }
    }

    /// A filled rectangle.
    pub fn fill(&self, rect: Rect, radius: f32, colour: Color32) {
        self.painter.rect_filled(rect, self.corners(radius), colour);
    }

    /// A rectangle's edge, drawn inside of it.
    pub fn edge(&self, rect: Rect, radius: f32, width: f32, colour: Color32) {
        let stroke = self.stroke(width, colour);
        self.painter.rect_stroke(rect, self.corners(radius), stroke, StrokeKind::Inside);
    }

    /// A disc, with or without an edge.
    pub fn disc(&self, center: Pos2, radius: f32, fill: Color32, stroke: Stroke) {
        let radius = radius * self.zoom;
        self.painter.add(CircleShape { center, radius, fill, stroke });
    }

    /// A triangle, a diamond: anything without a dent.
    pub fn shape(&self, points: Vec<Pos2>, fill: Color32) {
        self.painter.add(Shape::convex_polygon(points, fill, Stroke::NONE));
    }

    /// What lies between a line and the ground under it.
    pub fn area(&self, line: &[Pos2], ground: f32, colour: Color32) {
        let mut mesh = Mesh::default();
        for (index, &point) in (0u32..).zip(line) {
            mesh.colored_vertex(point, colour);
            mesh.colored_vertex(pos2(point.x, ground), colour.gamma_multiply(0.3));
            if let Some(before) = index.checked_sub(1).map(|before| 2 * before) {
                mesh.add_triangle(before, before + 1, before + 2);
                mesh.add_triangle(before + 1, before + 2, before + 3);
            }
        }
        self.painter.add(Shape::mesh(mesh));
    }

    /// A part of a knob's ring, between two positions from 0 to 1.
    pub fn arc(&self, center: Pos2, radius: f32, ends: [f32; 2], width: f32, colour: Color32) {
        let [from, to] = ends;
        let turns = (to - from).abs();
        if turns < 1e-3 {
            return;
        }
        let pieces = (turns * 60.0 * self.zoom.max(0.5)).ceil().clamp(2.0, 240.0) as usize;
        let at = |piece: usize| from + (to - from) * piece as f32 / pieces as f32;
        let points = (0..=pieces).map(|piece| self.on_ring(center, radius, at(piece))).collect();
        self.path(points, width, colour);
    }

    /// Where on a knob's ring a position from 0 to 1 is.
    pub fn on_ring(&self, center: Pos2, radius: f32, position: f32) -> Pos2 {
        let angle = FIRST_ANGLE + SWEEP * position;
        center + Vec2::angled(angle) * radius * self.zoom
    }

    /// Words, where they are large enough to be read.
    pub fn text(&self, at: Pos2, align: Align2, size: f32, colour: Color32, text: &str) {
        if let Some(font) = self.font(size) {
            self.painter.text(at, align, text, font, colour);
        }
    }

    /// Words in a place of a given width: squeezed, and cut only if they must be.
    pub fn fitted_text(&self, place: Rect, align: Align2, size: f32, colour: Color32, text: &str) {
        let Some(font) = self.font(size) else { return };
        let width = self.painter.layout_no_wrap(text.to_owned(), font, colour).size().x;
        let squeeze = (place.width() / width.max(1.0)).clamp(LEAST_SQUEEZE, 1.0);
        let Some(font) = self.font(size * squeeze) else { return };
        let fits = |text: &str| {
            let galley = self.painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
            galley.size().x <= place.width() + 1.0
        };
        let mut shown = text.to_owned();
        let mut letters = text.chars().count();
        while letters > 1 && !fits(&shown) {
            letters -= 1;
            shown = text.chars().take(letters).chain(['…']).collect();
        }
        self.painter.text(align.pos_in_rect(&place), align, shown, font, colour);
    }

    /// How wide words would be.
    pub fn text_width(&self, size: f32, text: &str) -> f32 {
        let Some(font) = self.font(size) else { return 0.0 };
        self.painter.layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x
    }

    /// Around what the keys reach now.
    pub fn focus_ring(&self, rect: Rect, colour: Color32) {
        let stroke = Stroke::new((1.5 * self.zoom).clamp(1.0, 3.0), colour);
        self.painter.rect_stroke(rect, self.corners(5.0), stroke, StrokeKind::Outside);
    }

    /// Sizes in half points, so that a turning wheel does not fill the font's atlas.
    fn font(&self, size: f32) -> Option<FontId> {
        let size = (size * self.zoom * 2.0).round() / 2.0;
        (size >= LEAST_TEXT).then(|| FontId::proportional(size))
    }

    /// The well of a screen: everything drawn after it lies in it.
    pub fn well(&self, rect: Rect, well: Color32, edge: Color32) {
        self.fill(rect, 4.0, well);
        self.edge(rect, 4.0, 1.0, edge);
    }
}

/// Lines and cells that only guide the eye. Edges of high contrast are as
/// strong as can be, so there they take less.
pub fn guide(theme: &Theme, strength: f32) -> Color32 {
    let is_strong = theme.look == Look::HighContrast;
    theme.edge.gamma_multiply(if is_strong { 0.45 * strength } else { strength })
}

/// A rectangle by fractions of another: `part(rect, 0.0, 0.5, 1.0, 1.0)` is its lower half.
pub fn part(rect: Rect, left: f32, top: f32, right: f32, bottom: f32) -> Rect {
    let at = |x: f32, y: f32| rect.min + vec2(x * rect.width(), y * rect.height());
    Rect::from_min_max(at(left, top), at(right, bottom))
}

/// Where a fraction of the way across and up a rectangle is.
pub fn at(rect: Rect, across: f32, up: f32) -> Pos2 {
    pos2(rect.left() + across * rect.width(), rect.bottom() - up * rect.height())
}

/// How far across and up a rectangle a place is, from 0 to 1.
pub fn across_and_up(rect: Rect, place: Pos2) -> (f32, f32) {
    let across = (place.x - rect.left()) / rect.width().max(1.0);
    let up = (rect.bottom() - place.y) / rect.height().max(1.0);
    (across.clamp(0.0, 1.0), up.clamp(0.0, 1.0))
}
