//! The sequencer's steps: voltages, gates and chances, drawn with the mouse.

use std::ops::RangeInclusive;

use eframe::egui::{Align2, Pos2, Rect, Response, Sense, Stroke, Ui, pos2, vec2};
use sostenuto_modules::module::About;
use sostenuto_modules::param::Param;
use sostenuto_patch::entry::pitch_name;

use super::ScreenSpot;
use crate::held::Held;
use crate::model::Asks;
use crate::param::{ParamSpot, WidgetKind, reachable_ui, ring};
use crate::pen::{Pen, guide};
use crate::theme::Theme;

const STEPS: usize = 8;
const CELLS: usize = 3 * STEPS;

/// The params that are drawn here: one lane after another.
pub const PARAMS: [&str; CELLS] = [
    "step-1", "step-2", "step-3", "step-4", "step-5", "step-6", "step-7", "step-8", //
    "gate-1", "gate-2", "gate-3", "gate-4", "gate-5", "gate-6", "gate-7", "gate-8", //
    "chance-1", "chance-2", "chance-3", "chance-4", "chance-5", "chance-6", "chance-7", "chance-8",
];

/// What is drawn below each other, with its part of the height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Volts,
    Gates,
    Chances,
}

impl Lane {
    const ALL: [Lane; 3] = [Lane::Volts, Lane::Gates, Lane::Chances];

    fn part(self) -> [f32; 2] {
        match self {
            Lane::Volts => [0.0, 0.64],
            Lane::Gates => [0.67, 0.81],
            Lane::Chances => [0.84, 1.0],
        }
    }

    fn rect(self, field: Rect) -> Rect {
        let [top, bottom] = self.part().map(|part| field.top() + part * field.height());
        Rect::from_min_max(pos2(field.left(), top), pos2(field.right(), bottom))
    }

    fn at(field: Rect, place: Pos2) -> Lane {
        let is_above = |lane: &Lane| place.y <= lane.rect(field).bottom() + field.height() * 0.015;
        Lane::ALL.into_iter().find(is_above).unwrap_or(Lane::Chances)
    }
}

/// A stroke across the steps.
#[derive(Clone, Copy, Debug)]
struct Drawing {
    lane: Lane,
    values: [f32; CELLS],
    /// What a stroke over gates sets.
    gate: f32,
    before: Pos2,
}

/// The steps.
pub fn steps_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let id = ui.id().with(("steps", spot.module.as_str()));
    let field = spot.rect.shrink(6.0 * spot.zoom);
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let held = draw_by_hand(ui, spot, field, &response, asks);
    let mut values = PARAMS.map(|name| spot.param(name));
    if let Some(held) = held {
        values = held.now.values;
        held.keep(ui, id);
    }
    for (index, value) in values.iter_mut().enumerate() {
        *value = reachable_ui(ui, &cell_spot(spot, field, index, *value), asks);
    }
    if ui.is_rect_visible(spot.rect) {
        let pen = Pen::within(ui, spot.zoom, spot.rect);
        draw(&pen, theme, spot, field, &values);
        let is_down = response.is_pointer_button_down_on();
        let place = response.hover_pos().or(response.interact_pointer_pos().filter(|_| is_down));
        if let Some(place) = place.filter(|&place| Lane::at(field, place) == Lane::Volts) {
            say(&pen, theme, field, place, &values);
        }
        for (index, value) in values.into_iter().enumerate() {
            ring(ui, theme, &cell_spot(spot, field, index, value));
        }
    }
}

/// The voltages, and which step plays.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    let field = spot.rect.shrink(6.0 * spot.zoom);
    draw(pen, theme, spot, field, &PARAMS.map(|name| spot.param(name)));
}

fn draw_by_hand(
    ui: &Ui,
    spot: &ScreenSpot,
    field: Rect,
    response: &Response,
    asks: &mut Asks,
) -> Option<Held<Drawing>> {
    let mut held: Option<Held<Drawing>> = Held::load(ui, response.id);
    let (place, is_free) = ui.input(|input| {
        let place = input.pointer.interact_pos().filter(|_| input.pointer.primary_down());
        (place, input.modifiers.alt)
    });
    let Some(place) = place.filter(|_| response.is_pointer_button_down_on()) else {
        if let Some(held) = held.as_mut().filter(|held| held.is_down) {
            held.lift(ui);
        }
        if let Some(place) = twice(response) {
            let mut values =
                held.map_or_else(|| PARAMS.map(|name| spot.param(name)), |held| held.now.values);
            let cell = cell(Lane::at(field, place), step_at(field, place));
            let default = param(spot.about, cell).default;
            let lane = Lane::at(field, place);
            if lane != Lane::Gates {
                values[cell] = default;
                let mut down =
                    Held::begin(ui, asks, Drawing { lane, values, gate: 0.0, before: place });
                down.lift(ui);
                asks.set_param(spot.module, PARAMS[cell], default, down.gesture);
                held = Some(down);
            }
        }
        return held;
    };
    let mut down = match held.filter(|held| held.is_down) {
        Some(down) => down,
        None => {
            let values =
                held.map_or_else(|| PARAMS.map(|name| spot.param(name)), |held| held.now.values);
            let lane = Lane::at(field, place);
            let gate = values[cell(Lane::Gates, step_at(field, place))];
            let gate = (gate + 1.0) % 3.0;
            Held::begin(ui, asks, Drawing { lane, values, gate, before: place })
        }
    };
    for (cell, value) in stroke(spot.about, &down.now, field, place, is_free) {
        if down.now.values[cell] != value {
            down.now.values[cell] = value;
            asks.set_param(spot.module, PARAMS[cell], value, down.gesture);
        }
    }
    down.now.before = place;
    Some(down)
}

fn twice(response: &Response) -> Option<Pos2> {
    let is_twice = response.double_clicked() || response.triple_clicked();
    response.interact_pointer_pos().filter(|_| is_twice)
}

/// What a stroke sets on its way: a quick hand leaves out no step.
fn stroke(
    about: &About,
    drawing: &Drawing,
    field: Rect,
    place: Pos2,
    is_free: bool,
) -> Vec<(usize, f32)> {
    let Drawing { lane, before, gate, .. } = *drawing;
    let (first, last) = (step_at(field, before), step_at(field, place));
    let steps: Vec<usize> =
        if first <= last { (first..=last).collect() } else { (last..=first).rev().collect() };
    let place_in = |step: usize| match step {
        step if step == last => place,
        _ => {
            let x = step_rect(lane.rect(field), step).center().x;
            let part = ((x - before.x) / (place.x - before.x)).clamp(0.0, 1.0);
            before + (place - before) * part
        }
    };
    let value = |step| {
        if lane == Lane::Gates {
            gate
        } else {
            value_at(&param(about, cell(lane, 0)).range, lane, field, place_in(step), is_free)
        }
    };
    steps.into_iter().map(|step| (cell(lane, step), value(step))).collect()
}

/// What a height in a lane stands for. Volts in semitones, unless they are free.
fn value_at(
    range: &RangeInclusive<f32>,
    lane: Lane,
    field: Rect,
    place: Pos2,
    is_free: bool,
) -> f32 {
    let rect = lane.rect(field);
    let up = ((rect.bottom() - place.y) / rect.height().max(1.0)).clamp(0.0, 1.0);
    let value = range.start() + up * (range.end() - range.start());
    match lane {
        Lane::Volts if is_free => value,
        Lane::Volts => (value * 12.0).round() / 12.0,
        _ => (value * 100.0).round() / 100.0,
    }
}

fn cell(lane: Lane, step: usize) -> usize {
    lane as usize * STEPS + step
}

fn param(about: &About, cell: usize) -> &'static Param {
    &about.params[about.param(PARAMS[cell]).expect("a module with this screen has these params")]
}

fn step_at(field: Rect, place: Pos2) -> usize {
    let across = (place.x - field.left()) / field.width().max(1.0);
    (across * STEPS as f32).clamp(0.0, STEPS as f32 - 1.0) as usize
}

fn step_rect(lane: Rect, step: usize) -> Rect {
    let width = lane.width() / STEPS as f32;
    let left = lane.left() + step as f32 * width;
    Rect::from_min_size(pos2(left, lane.top()), vec2(width, lane.height()))
}

/// A cell for the keys and for screen readers.
fn cell_spot<'a>(spot: &ScreenSpot<'a>, field: Rect, index: usize, value: f32) -> ParamSpot<'a> {
    let lane = Lane::ALL[index / STEPS];
    ParamSpot {
        rect: step_rect(lane.rect(field), index % STEPS).shrink(1.5 * spot.zoom),
        zoom: spot.zoom,
        module: spot.module,
        param: param(spot.about, index),
        value,
        moved: None,
        kind: WidgetKind::of(param(spot.about, index)),
    }
}

fn draw(pen: &Pen, theme: &Theme, spot: &ScreenSpot, field: Rect, values: &[f32; CELLS]) {
    pen.well(spot.rect, theme.well, theme.edge);
    let length = spot.param("length") as usize;
    let playing = (!spot.display.is_empty()).then(|| spot.shown(0) as usize);
    for step in 0..STEPS {
        let is_played = step < length;
        let is_now = playing == Some(step) && is_played;
        let strength = if is_played { 1.0 } else { 0.3 };
        let accent = theme.accent.gamma_multiply(strength);
        let ground = guide(theme, if is_now { 0.6 } else { 0.22 * strength.max(0.6) });
        for lane in Lane::ALL {
            let rect = step_rect(lane.rect(field), step).shrink2(vec2(pen.scaled(1.5), 0.0));
            pen.fill(rect, 2.0, ground);
            let value = values[cell(lane, step)];
            match lane {
                Lane::Volts => bar(pen, rect, value / 10.0 + 0.5, 0.5, accent),
                Lane::Gates => gate(pen, theme, rect, value, strength),
                Lane::Chances => {
                    bar(pen, rect, value, 0.0, theme.moved.gamma_multiply(strength * 0.8))
                }
            }
        }
        if is_now {
            let rect = step_rect(field, step).shrink2(vec2(pen.scaled(0.5), 0.0));
            pen.edge(rect, 3.0, 1.2, theme.text);
        }
    }
    let volts = Lane::Volts.rect(field);
    let middle = volts.center().y;
    pen.line(
        pos2(volts.left(), middle),
        pos2(volts.right(), middle),
        1.0,
        theme.faint.gamma_multiply(0.6),
    );
}

/// From one height to another.
fn bar(pen: &Pen, rect: Rect, to: f32, from: f32, colour: eframe::egui::Color32) {
    let y = |up: f32| rect.bottom() - up.clamp(0.0, 1.0) * rect.height();
    let (top, bottom) = (y(to.max(from)), y(to.min(from)));
    pen.fill(
        Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), bottom)),
        1.0,
        colour.gamma_multiply(0.55),
    );
    let end = y(to);
    pen.line(pos2(rect.left(), end), pos2(rect.right(), end), 2.5, colour);
}

/// Off is empty, on is a disc, a tie reaches into the next step.
fn gate(pen: &Pen, theme: &Theme, rect: Rect, value: f32, strength: f32) {
    let colour = theme.accent.gamma_multiply(strength);
    let center = rect.center();
    match value as u32 {
        0 => {
            pen.disc(center, 4.0, theme.well, pen.stroke(1.2, theme.faint.gamma_multiply(strength)))
        }
        tie => {
            pen.disc(center, 5.5, colour, Stroke::NONE);
            if tie > 1 {
                let far = pos2(rect.right() + pen.scaled(2.0), center.y);
                pen.line(center, far, 5.0, colour);
            }
        }
    }
}

/// The voltage of the step under the pointer, as volts and as a note.
fn say(pen: &Pen, theme: &Theme, field: Rect, place: Pos2, values: &[f32; CELLS]) {
    let step = step_at(field, place);
    let volts = values[cell(Lane::Volts, step)];
    let words = format!("{}   {volts:.2} V", pitch_name(volts));
    let size = vec2(pen.text_width(10.5, &words) + pen.scaled(12.0), pen.scaled(17.0));
    let middle = step_rect(field, step).center().x - size.x / 2.0;
    let left = middle.clamp(field.left(), (field.right() - size.x).max(field.left()));
    let label = Rect::from_min_size(pos2(left, field.top() + pen.scaled(2.0)), size);
    pen.fill(label, 3.0, theme.face);
    pen.text(label.center(), Align2::CENTER_CENTER, 10.5, theme.text, &words);
}
