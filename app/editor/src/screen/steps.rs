//! The sequencer's steps: voltages, gates, ratchets and chances, drawn with the mouse. The
//! wheel moves a step by a semitone.

use std::ops::RangeInclusive;

use eframe::egui::{
    Align2, Pos2, Rect, Response, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_modules::module::About;
use sostenuto_modules::param::Param;
use sostenuto_patch::entry::pitch_name;

use super::ScreenSpot;
use crate::held::{Held, hand_on};
use crate::model::Asks;
use crate::param::{ParamSpot, WidgetKind, reachable_ui, ring, take_wheel};
use crate::pen::{Pen, guide};
use crate::theme::Theme;

const STEPS: usize = 8;
const CELLS: usize = 4 * STEPS;

/// The ranges that voltages are drawn in: so far up and down.
const REACHES: [f32; 3] = [FULL_REACH, 2.0, 1.0];
const FULL_REACH: f32 = 5.0;
/// Above the steps, for words.
const HEAD: f32 = 16.0;

/// The params that are drawn here: one lane after another.
pub const PARAMS: [&str; CELLS] = [
    "step-1",
    "step-2",
    "step-3",
    "step-4",
    "step-5",
    "step-6",
    "step-7",
    "step-8", //
    "gate-1",
    "gate-2",
    "gate-3",
    "gate-4",
    "gate-5",
    "gate-6",
    "gate-7",
    "gate-8", //
    "ratchet-1",
    "ratchet-2",
    "ratchet-3",
    "ratchet-4",
    "ratchet-5",
    "ratchet-6",
    "ratchet-7",
    "ratchet-8", //
    "chance-1",
    "chance-2",
    "chance-3",
    "chance-4",
    "chance-5",
    "chance-6",
    "chance-7",
    "chance-8",
];

/// What is drawn below each other, with its part of the height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Volts,
    Gates,
    Ratchets,
    Chances,
}

impl Lane {
    const ALL: [Lane; 4] = [Lane::Volts, Lane::Gates, Lane::Ratchets, Lane::Chances];

    fn part(self) -> [f32; 2] {
        match self {
            Lane::Volts => [0.0, 0.58],
            Lane::Gates => [0.61, 0.72],
            Lane::Ratchets => [0.75, 0.85],
            Lane::Chances => [0.88, 1.0],
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
    let field = field(spot);
    let response = ui.interact(field, id, Sense::click_and_drag());
    let reach = range_ui(ui, theme, spot);
    let held = draw_by_hand(ui, spot, field, reach, &response, asks);
    let held = wheel(ui, spot, field, &response, held, asks);
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
        draw(&pen, theme, spot, field, reach, &values);
        badge(&pen, theme, spot, reach);
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
    let field = field(spot);
    draw(pen, theme, spot, field, FULL_REACH, &PARAMS.map(|name| spot.param(name)));
}

/// The volts at the upper edge; a click on the badge goes to the next reach.
fn range_ui(ui: &Ui, theme: &Theme, spot: &ScreenSpot) -> f32 {
    let id = ui.id().with(("reach of steps", spot.module.as_str()));
    let mut reach: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(FULL_REACH);
    let place = badge_rect(spot);
    let response = ui.interact(place, id, Sense::click());
    if response.clicked() {
        let next = REACHES.iter().position(|&other| other == reach).map_or(0, |at| at + 1);
        reach = REACHES[next % REACHES.len()];
        ui.data_mut(|data| data.insert_temp(id, reach));
    }
    let name = format!("range of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, ui.is_enabled(), &name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(format!("±{reach} V")));
    if response.has_focus() {
        Pen::new(ui, spot.zoom).focus_ring(place, theme.text);
    }
    response.on_hover_text("Range of the steps: click for the next");
    reach
}

/// Where the steps are drawn: below a line of words.
fn field(spot: &ScreenSpot) -> Rect {
    let inside = spot.rect.shrink(6.0 * spot.zoom);
    inside.with_min_y(inside.top() + HEAD * spot.zoom)
}

fn badge_rect(spot: &ScreenSpot) -> Rect {
    let corner = spot.rect.min + vec2(6.0, 4.0) * spot.zoom;
    Rect::from_min_size(corner, vec2(36.0, 15.0) * spot.zoom)
}

fn badge(pen: &Pen, theme: &Theme, spot: &ScreenSpot, reach: f32) {
    let place = badge_rect(spot);
    pen.fill(place, 3.0, theme.face);
    pen.text(place.center(), Align2::CENTER_CENTER, 9.5, theme.faint, &format!("±{reach} V"));
}

/// A notch moves the step under the pointer by a semitone.
fn wheel(
    ui: &Ui,
    spot: &ScreenSpot,
    field: Rect,
    response: &Response,
    held: Option<Held<Drawing>>,
    asks: &mut Asks,
) -> Option<Held<Drawing>> {
    let place = response.hover_pos().filter(|&place| Lane::at(field, place) == Lane::Volts);
    let is_down = ui.input(|input| input.pointer.any_down());
    let Some(place) = place.filter(|_| !is_down) else { return held };
    let notches = take_wheel(ui).round();
    if notches == 0.0 {
        return held;
    }
    let mut turned = held.unwrap_or_else(|| {
        let values = PARAMS.map(|name| spot.param(name));
        Held::begin(ui, asks, Drawing { lane: Lane::Volts, values, gate: 0.0, before: place })
    });
    let step = step_at(field, place);
    let range = &param(spot.about, step).range;
    let semitones = (turned.now.values[step] * 12.0).round() + notches;
    let volts = (semitones / 12.0).clamp(*range.start(), *range.end());
    if turned.now.values[step] != volts {
        turned.now.values[step] = volts;
        asks.set_param(spot.module, PARAMS[step], volts, turned.gesture);
    }
    turned.lift(ui);
    Some(turned)
}

fn draw_by_hand(
    ui: &Ui,
    spot: &ScreenSpot,
    field: Rect,
    reach: f32,
    response: &Response,
    asks: &mut Asks,
) -> Option<Held<Drawing>> {
    let mut held: Option<Held<Drawing>> = Held::load(ui, response.id);
    let is_free = ui.input(|input| input.modifiers.alt);
    let Some(place) = hand_on(ui, response) else {
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
    for (cell, value) in stroke(spot.about, &down.now, field, place, (reach, is_free)) {
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
    (reach, is_free): (f32, bool),
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
            let range = match lane {
                Lane::Volts => -reach..=reach,
                _ => param(about, cell(lane, 0)).range.clone(),
            };
            value_at(&range, lane, field, place_in(step), is_free)
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
        Lane::Ratchets => value.round(),
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
        label: "",
        title: None,
        meter_volts: None,
        kind: WidgetKind::of(param(spot.about, index)),
    }
}

fn draw(
    pen: &Pen,
    theme: &Theme,
    spot: &ScreenSpot,
    field: Rect,
    reach: f32,
    values: &[f32; CELLS],
) {
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
                Lane::Volts => bar(pen, rect, value / (2.0 * reach) + 0.5, 0.5, accent),
                Lane::Gates => gate(pen, theme, rect, value, strength),
                Lane::Ratchets => ratchets(pen, theme, rect, value, strength),
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

/// So many repeats, beside each other. One is the gate itself.
fn ratchets(pen: &Pen, theme: &Theme, rect: Rect, value: f32, strength: f32) {
    let count = value.clamp(1.0, 4.0);
    let is_one = count < 1.5;
    let colour = if is_one { guide(theme, 0.8) } else { theme.accent };
    let room = rect.shrink(pen.scaled(3.0));
    let width = room.width() / count;
    for repeat in 0..count as usize {
        let left = room.left() + repeat as f32 * width;
        let size = vec2(width - pen.scaled(2.0), room.height());
        let mark = Rect::from_min_size(pos2(left + pen.scaled(1.0), room.top()), size);
        pen.fill(mark, 1.5, colour.gamma_multiply(strength));
    }
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
    let label = Rect::from_min_size(pos2(left, field.top() - size.y - pen.scaled(1.0)), size);
    pen.fill(label, 3.0, theme.face);
    pen.text(label.center(), Align2::CENTER_CENTER, 10.5, theme.text, &words);
}
