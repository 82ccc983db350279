//! How params look.

use eframe::egui::{Align2, Pos2, Rect, Response, Stroke, Ui, Vec2, pos2, vec2};
use sostenuto_modules::param::{Param, Taper};
use sostenuto_patch::entry;

use super::turn::ParamInput;
use super::{ParamSpot, WidgetKind, travel};
use crate::meter;
use crate::pen::{Pen, guide};
use crate::theme::Theme;

/// Size of a param's name.
const NAME: f32 = 11.0;
/// Height of the line that holds it.
const NAME_LINE: f32 = 15.0;
/// Beside a word of several.
const SEGMENT_INSET: f32 = 2.5;

/// Above and below the way of a fader.
const FADER_INSET: f32 = 2.0;
/// What is taken hold of.
const FADER_CAP: Vec2 = vec2(24.0, 12.0);

/// What there is to see of a param in this frame.
pub struct Look {
    value: f32,
    is_turning: bool,
    is_hovered: bool,
    has_focus: bool,
    /// Where its name stands is its value, to be read from afar.
    is_played: bool,
}

impl Look {
    pub fn of(ui: &Ui, response: &Response, hand: &ParamInput) -> Look {
        Look {
            value: hand.value(),
            is_turning: hand.is_turning(),
            is_hovered: response.hovered() && ui.is_enabled(),
            has_focus: response.has_focus(),
            is_played: false,
        }
    }

    /// The same on stage.
    pub fn played(ui: &Ui, response: &Response, hand: &ParamInput) -> Look {
        Look { is_played: true, ..Look::of(ui, response, hand) }
    }
}

/// What a panel calls it: `pulse width`.
pub fn title(param: &Param) -> String {
    param.name.replace('-', " ")
}

/// What a face calls it: short enough for its place.
pub fn label(param: &Param) -> String {
    match param.label {
        "" => title(param).replace(" amount", " amt"),
        label => label.to_owned(),
    }
}

pub fn draw(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look) {
    let body = match spot.kind {
        WidgetKind::Knob => knob(pen, theme, spot, look, 20.0),
        WidgetKind::SmallKnob => knob(pen, theme, spot, look, 14.0),
        WidgetKind::Fader => fader(pen, theme, spot, look),
        WidgetKind::Switch => switch(pen, theme, spot, look),
        WidgetKind::Button => button(pen, theme, spot, look),
        WidgetKind::Choice => choice(pen, theme, spot, look),
        WidgetKind::Stepper => stepper(pen, theme, spot, look),
    };
    if look.has_focus {
        pen.focus_ring(body.expand(pen.scaled(2.0)), theme.text);
    }
    if spot.kind == WidgetKind::Button {
        return;
    }
    let says_its_value = matches!(spot.kind, WidgetKind::Choice | WidgetKind::Stepper);
    let line = name_line(pen, spot);
    if look.is_turning && !says_its_value {
        let value = entry::show(spot.param, look.value);
        pen.fitted_text(line, Align2::CENTER_CENTER, NAME, theme.text, &value);
    } else {
        let is_bright = look.is_hovered || look.is_played;
        let colour = if is_bright { theme.text } else { theme.faint };
        pen.fitted_text(line, Align2::CENTER_CENTER, NAME, colour, spot.label);
    }
}

/// A switch or a button on stage: all of a place, lit while it is on.
pub fn draw_pad(pen: &Pen, theme: &Theme, spot: &ParamSpot, place: Rect, look: &Look) {
    let is_on = look.value != 0.0;
    let edge = if look.is_hovered || is_on { theme.accent } else { theme.edge };
    pen.fill(place, 10.0, if is_on { theme.accent } else { theme.well });
    pen.edge(place, 10.0, 2.0, edge);
    if !spot.param.is_held {
        let ink = if is_on { theme.face } else { theme.text };
        let size = (place.height() * 0.3).clamp(14.0, 40.0);
        pen.fitted_text(
            place,
            Align2::CENTER_CENTER,
            size,
            ink,
            &entry::show(spot.param, look.value),
        );
    }
    if look.has_focus {
        pen.focus_ring(place.expand(2.0), theme.text);
    }
}

fn name_line(pen: &Pen, spot: &ParamSpot) -> Rect {
    let top = spot.rect.bottom() - pen.scaled(NAME_LINE);
    Rect::from_min_max(pos2(spot.rect.left(), top), spot.rect.max)
}

/// What is above the name.
fn body(pen: &Pen, spot: &ParamSpot) -> Rect {
    spot.rect.with_max_y(spot.rect.bottom() - pen.scaled(NAME_LINE))
}

fn knob(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look, radius: f32) -> Rect {
    let body = body(pen, spot);
    // The ring is open below, so the knob hangs a little.
    let center = body.center() + vec2(0.0, pen.scaled(radius * 0.1));
    let (param, value) = (spot.param, spot.param.position(look.value));
    let ring = radius + 1.0;
    pen.arc(center, ring, [0.0, 1.0], 3.0, guide(theme, 0.75));
    pen.arc(center, ring, [travel::origin(param), value], 3.0, theme.accent);
    if let Some(moved) = spot.moved {
        let moved = param.position(moved);
        pen.arc(center, radius + 4.5, [value, moved], 2.0, theme.moved);
        let end = pen.on_ring(center, radius + 4.5, moved);
        pen.disc(end, 2.2, theme.moved, Stroke::NONE);
    }
    let edge = if look.is_hovered || look.is_turning { theme.faint } else { theme.edge };
    pen.disc(center, radius - 3.5, theme.knob, pen.stroke(1.0, edge));
    let marker = [radius * 0.32, radius - 5.5].map(|at| pen.on_ring(center, at, value));
    pen.line(marker[0], marker[1], if radius > 16.0 { 2.5 } else { 2.0 }, theme.text);
    Rect::from_center_size(center, vec2(2.0, 2.0) * pen.scaled(radius + 3.0))
}

/// How far the cap of a fader goes on the screen.
pub fn fader_pixels(spot: &ParamSpot) -> f32 {
    spot.rect.height() - (NAME_LINE + 2.0 * FADER_INSET + FADER_CAP.y) * spot.zoom
}

fn fader(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look) -> Rect {
    let body = body(pen, spot).shrink2(vec2(0.0, pen.scaled(FADER_INSET)));
    let cap = FADER_CAP;
    let way = body.shrink2(vec2(0.0, pen.scaled(cap.y / 2.0)));
    let y = |position: f32| way.bottom() - position * way.height();
    let x = way.center().x;
    for tenth in [0.0, 0.25, 0.5, 0.75, 1.0] {
        tick(pen, pos2(x, y(tenth)), [8.0, 11.0], theme.edge);
    }
    let default = spot.param.position(spot.param.default);
    tick(pen, pos2(x, y(default)), [8.0, 14.0], theme.faint);
    let rail = |from: f32, to: f32, width: f32| {
        let half = pen.scaled(width / 2.0);
        Rect::from_min_max(pos2(x - half, y(to)), pos2(x + half, y(from)))
    };
    let value = spot.param.position(look.value);
    pen.fill(rail(0.0, 1.0, 6.0), 3.0, theme.well);
    pen.edge(rail(0.0, 1.0, 6.0), 3.0, 1.0, guide(theme, 0.75));
    pen.fill(rail(travel::origin(spot.param), value, 4.0), 2.0, theme.accent);
    if let Some(moved) = spot.moved {
        let at = pos2(x - pen.scaled(15.0), y(spot.param.position(moved)));
        let far = pen.scaled(4.0);
        let points = vec![at, at + vec2(-far, -far), at + vec2(-far, far)];
        pen.shape(points, theme.moved);
    }
    if let Some(volts) = spot.meter_volts {
        let side = vec2(pen.scaled(4.0), way.height());
        let bar = Rect::from_min_size(pos2(x + pen.scaled(18.0), way.top()), side);
        meter::bar(pen, theme, bar, meter::Side::of_peak(volts));
    }
    let thumb = Rect::from_center_size(pos2(x, y(value)), cap * pen.scaled(1.0));
    let edge = if look.is_hovered || look.is_turning { theme.text } else { theme.faint };
    pen.fill(thumb, 3.0, theme.knob);
    pen.edge(thumb, 3.0, 1.0, edge);
    let half = vec2(pen.scaled(cap.x / 2.0 - 3.0), 0.0);
    pen.line(thumb.center() - half, thumb.center() + half, 2.0, theme.text);
    thumb
}

/// A mark on both sides of a rail.
fn tick(pen: &Pen, at: Pos2, ends: [f32; 2], colour: eframe::egui::Color32) {
    for side in [-1.0, 1.0] {
        let [from, to] = ends.map(|x| at + vec2(side * pen.scaled(x), 0.0));
        pen.line(from, to, 1.0, colour);
    }
}

fn switch(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look) -> Rect {
    let is_on = look.value != 0.0;
    let pill = Rect::from_center_size(body(pen, spot).center(), vec2(36.0, 20.0) * pen.scaled(1.0));
    let edge = if look.is_hovered { theme.text } else { theme.faint };
    pen.fill(pill, 10.0, if is_on { theme.accent } else { theme.well });
    pen.edge(pill, 10.0, 1.0, if is_on { theme.accent } else { edge });
    let side = if is_on { 1.0 } else { -1.0 };
    let center = pill.center() + vec2(side * pen.scaled(8.0), 0.0);
    let fill = if is_on { theme.face } else { theme.faint };
    pen.disc(center, 6.5, fill, Stroke::NONE);
    pill
}

fn button(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look) -> Rect {
    let is_on = look.value != 0.0;
    let place = Rect::from_center_size(spot.rect.center(), vec2(22.0, 19.0) * pen.scaled(1.0));
    let edge = if look.is_hovered { theme.text } else { theme.faint };
    pen.fill(place, 4.0, if is_on { theme.accent } else { theme.well });
    pen.edge(place, 4.0, 1.0, if is_on { theme.accent } else { edge });
    let ink = if is_on { theme.face } else { theme.text };
    pen.fitted_text(place, Align2::CENTER_CENTER, NAME, ink, spot.label);
    place
}

fn choice(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look) -> Rect {
    let Taper::Choice(words) = spot.param.taper else { return spot.rect };
    let place = field(pen, spot);
    pen.fill(place, 4.0, theme.well);
    let chosen = look.value.max(0.0) as usize;
    let edge = if look.is_hovered { theme.text } else { theme.edge };
    if is_segmented(pen, words) {
        for (index, word) in words.iter().enumerate() {
            let segment = segment(place, index, words.len());
            let mut colour = theme.faint;
            if index == chosen {
                pen.fill(segment.shrink(pen.scaled(2.0)), 3.0, theme.accent);
                colour = theme.face;
            }
            let words_place = segment.shrink2(vec2(pen.scaled(SEGMENT_INSET), 0.0));
            pen.fitted_text(words_place, Align2::CENTER_CENTER, NAME, colour, word);
        }
    } else {
        let word = words.get(chosen).copied().unwrap_or("?");
        let words_place =
            place.shrink2(vec2(pen.scaled(8.0), 0.0)).with_max_x(place.right() - pen.scaled(20.0));
        pen.fitted_text(words_place, Align2::LEFT_CENTER, 12.0, theme.text, word);
        let tip = pos2(place.right() - pen.scaled(11.0), place.center().y + pen.scaled(2.5));
        let far = pen.scaled(4.0);
        pen.shape(
            vec![tip, tip + vec2(-far, -far * 1.2), tip + vec2(far, -far * 1.2)],
            theme.faint,
        );
    }
    pen.edge(place, 4.0, 1.0, edge);
    place
}

/// Where words and numbers stand.
fn field(pen: &Pen, spot: &ParamSpot) -> Rect {
    let body = body(pen, spot);
    Rect::from_center_size(body.center(), vec2(body.width(), pen.scaled(23.0)))
}

fn segment(place: Rect, index: usize, count: usize) -> Rect {
    let width = place.width() / count as f32;
    let left = place.left() + index as f32 * width;
    Rect::from_min_size(pos2(left, place.top()), vec2(width, place.height()))
}

/// Whether all the words have room beside each other: at life size, so that it looks
/// the same at every zoom.
fn is_segmented(pen: &Pen, words: &[&str]) -> bool {
    let room = WidgetKind::Choice.size().x / words.len() as f32 - 2.0 * SEGMENT_INSET;
    let fits = |word: &&str| pen.whole_text_width(NAME, word) <= room;
    words.len() <= 4 && words.iter().all(fits)
}

/// Which word was hit, where they stand beside each other.
pub fn segment_at(ui: &Ui, spot: &ParamSpot, place: Pos2) -> Option<usize> {
    let Taper::Choice(words) = spot.param.taper else { return None };
    let pen = Pen::new(ui, spot.zoom);
    let field = field(&pen, spot);
    let hit = |&index: &usize| segment(field, index, words.len()).x_range().contains(place.x);
    if is_segmented(&pen, words) { (0..words.len()).find(hit) } else { None }
}

fn stepper(pen: &Pen, theme: &Theme, spot: &ParamSpot, look: &Look) -> Rect {
    let place = field(pen, spot);
    pen.fill(place, 4.0, theme.well);
    pen.edge(place, 4.0, 1.0, if look.is_hovered { theme.text } else { theme.edge });
    for (side, end) in [(-1.0, *spot.param.range.start()), (1.0, *spot.param.range.end())] {
        let colour = if look.value == end { theme.edge } else { theme.faint };
        let tip = place.center() + vec2(side * (place.width() / 2.0 - pen.scaled(6.0)), 0.0);
        let back = vec2(-side * pen.scaled(5.0), pen.scaled(4.5));
        pen.shape(vec![tip, tip + back, tip + vec2(back.x, -back.y)], colour);
    }
    let value = entry::show(spot.param, look.value);
    let room = place.shrink2(vec2(pen.scaled(14.0), 0.0));
    pen.fitted_text(room, Align2::CENTER_CENTER, 13.0, theme.text, &value);
    place
}

/// Which arrow of a stepper was hit: down, none, up.
pub fn arrow_at(spot: &ParamSpot, place: Pos2) -> f32 {
    match (place.x - spot.rect.left()) / spot.rect.width() {
        across if across < 0.33 => -1.0,
        across if across > 0.67 => 1.0,
        _ => 0.0,
    }
}
