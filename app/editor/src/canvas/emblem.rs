//! The form of a module's family, beside its title: told apart without colours, too.

use eframe::egui::{Color32, Pos2, Rect, Stroke, Vec2, vec2};
use sostenuto_modules::module::{About, Tag};

use crate::pen::Pen;

/// How far it reaches from its middle, in points.
const REACH: f32 = 4.5;

/// Draws it around a place.
pub(crate) fn draw(pen: &Pen, at: Pos2, about: &About, colour: Color32) {
    let reach = pen.scaled(REACH);
    let shape = |corners: &[(f32, f32)]| {
        let corner = |&(x, y): &(f32, f32)| at + vec2(x, y) * reach;
        pen.shape(corners.iter().map(corner).collect(), colour);
    };
    match about.tags.first() {
        Some(Tag::Source) => pen.disc(at, REACH, colour, Stroke::NONE),
        // A slope.
        Some(Tag::Filter) => shape(&[(-1.0, -1.0), (0.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]),
        Some(Tag::Dynamics) => {
            pen.fill(Rect::from_center_size(at, Vec2::splat(1.8 * reach)), 1.0, colour);
        }
        Some(Tag::Modulator | Tag::Random) => {
            shape(&[(0.0, -1.1), (1.1, 0.0), (0.0, 1.1), (-1.1, 0.0)]);
        }
        Some(Tag::Effect) => {
            pen.disc(at, REACH - 1.0, Color32::TRANSPARENT, pen.stroke(2.2, colour));
        }
        Some(Tag::Sequencing) => {
            for (step, height) in [(-1.0, 0.6), (0.0, 1.2), (1.0, 2.0)] {
                let size = vec2(0.55, height) * reach;
                let foot = at + vec2(0.75 * step, 1.0 - height / 2.0) * reach;
                pen.fill(Rect::from_center_size(foot, size), 0.5, colour);
            }
        }
        Some(Tag::Play) => shape(&[(-0.9, -1.1), (1.1, 0.0), (-0.9, 1.1)]),
        _ => pen.fill(Rect::from_center_size(at, vec2(2.0, 0.6) * reach), 0.5, colour),
    }
}
