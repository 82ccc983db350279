//! Drawing on a face that may be near or far: lines and words grow with the zoom.

use std::f32::consts::PI;
use std::sync::Arc;

use eframe::egui::epaint::{CircleShape, Mesh, PathStroke};
use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Painter, Pos2, Rect, Shape, Stroke, StrokeKind,
    Ui, Vec2, pos2, vec2,
};

use super::theme::{Look, Theme};

/// Words smaller than this on the screen cannot be read, and are not drawn.
const LEAST_TEXT: f32 = 6.0;
/// So many points are not seen.
const UNSEEN: f32 = 0.1;
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
        if stroke.is_empty() || !fill.is_opaque() {
            self.painter.add(CircleShape { center, radius, fill, stroke });
            return;
        }
        // One on the other: filled discs are in the font's atlas, edges are not.
        let half = stroke.width / 2.0;
        self.painter.circle_filled(center, radius + half, stroke.color);
        self.painter.circle_filled(center, (radius - half).max(0.0), fill);
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
        // Straight pieces no farther from the ring than the eye can see.
        let angle = 2.0 * (2.0 * UNSEEN / (radius * self.zoom).max(1.0)).sqrt();
        let pieces = (turns * SWEEP / angle).ceil().clamp(2.0, 240.0) as usize;
        let at = |piece: usize| from + (to - from) * piece as f32 / pieces as f32;
        let points = (0..=pieces).map(|piece| self.on_ring(center, radius, at(piece))).collect();
        self.path(points, width, colour);
    }

    /// Where on a knob's ring a position from 0 to 1 is.
    pub fn on_ring(&self, center: Pos2, radius: f32, position: f32) -> Pos2 {
        let angle = FIRST_ANGLE + SWEEP * position;
        center + Vec2::angled(angle) * radius * self.zoom
    }

    /// A small padlock, around that place.
    pub fn padlock(&self, center: Pos2, colour: Color32) {
        let body = Rect::from_center_size(center, vec2(8.0, 6.0) * self.zoom);
        self.fill(body, 1.5, colour);
        let top = body.center_top();
        let bow = (0..=6).map(|piece| {
            let angle = std::f32::consts::PI * (1.0 + piece as f32 / 6.0);
            top + vec2(angle.cos() * 2.6, angle.sin() * 3.6) * self.zoom
        });
        self.path(bow.collect(), 1.3, colour);
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
        let put = |galley: Arc<Galley>| {
            let rect = align.anchor_size(align.pos_in_rect(&place), galley.size());
            self.painter.galley(rect.min, galley, colour);
        };
        let lay_out =
            |text: String, font: &FontId| self.painter.layout_no_wrap(text, font.clone(), colour);
        let galley = lay_out(text.to_owned(), &font);
        let squeeze = (place.width() / galley.size().x.max(1.0)).clamp(LEAST_SQUEEZE, 1.0);
        if squeeze == 1.0 {
            return put(galley);
        }
        let Some(font) = self.font(size * squeeze) else { return };
        let fits = |galley: &Galley| galley.size().x <= place.width() + 1.0;
        let whole = lay_out(text.to_owned(), &font);
        if fits(&whole) {
            return put(whole);
        }
        let cut =
            |letters: usize| lay_out(text.chars().take(letters).chain(['…']).collect(), &font);
        // One letter is there in any case.
        let (mut letters, mut too_many) = (1, text.chars().count());
        while letters + 1 < too_many {
            let middle = (letters + too_many) / 2;
            if fits(&cut(middle)) { letters = middle } else { too_many = middle }
        }
        put(cut(letters));
    }

    /// How wide words would be.
    pub fn text_width(&self, size: f32, text: &str) -> f32 {
        let Some(font) = self.font(size) else { return 0.0 };
        self.painter.layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x
    }

    /// How wide words are at life size, however near the face is.
    pub fn whole_text_width(&self, size: f32, text: &str) -> f32 {
        let font = FontId::proportional(size);
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
