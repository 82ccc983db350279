//! The drum grid: cells that are painted by dragging over them.

use eframe::egui::{
    Align2, Event, EventFilter, Key, Modifiers, Pos2, Rect, Response, Sense, TextEdit, Ui,
    WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_modules::module::Event as Note;
use sostenuto_osc::message::Request;
use sostenuto_patch::ModuleId;

use super::ScreenSpot;
use crate::held::{Held, hand_on};
use crate::model::Asks;
use crate::pen::{Pen, guide};
use crate::play::hands::C4_KEY;
use crate::theme::Theme;

const STEPS: usize = 16;
const TRACKS: usize = 8;
const ROWS: usize = TRACKS + 1;

/// The tracks, and below them the accents: one bit a step.
pub const PARAMS: [&str; ROWS] = [
    "track-1", "track-2", "track-3", "track-4", "track-5", "track-6", "track-7", "track-8",
    "accents",
];

/// The accents stand apart, by so much of a row.
const APART: f32 = 0.35;

/// The names of the tracks, to be hit, stand to the left, in so much room.
const NAMES: f32 = 62.0;

/// A grid, and what is on in it.
pub struct GridSpot<'a> {
    /// On the screen.
    pub rect: Rect,
    /// How near it is.
    pub zoom: f32,
    /// Whose it is.
    pub module: &'a ModuleId,
    /// By row, one bit a step.
    pub masks: [u16; ROWS],
    /// How many steps are played.
    pub length: usize,
    /// The one that is played now.
    pub step: Option<usize>,
    /// The names of the tracks, with commas between.
    pub names: &'a str,
}

impl<'a> GridSpot<'a> {
    /// As the module has it.
    pub fn of(spot: &ScreenSpot<'a>) -> GridSpot<'a> {
        let step = spot.display.first().filter(|&&step| step >= 0.0);
        GridSpot {
            rect: spot.rect,
            zoom: spot.zoom,
            module: spot.module,
            masks: PARAMS.map(|name| spot.param(name) as u16),
            length: spot.param("length") as usize,
            step: step.map(|&step| step as usize),
            names: &spot.params.text,
        }
    }
}

/// What a track is called: its number, where it has no name.
fn name_of(names: &str, track: usize) -> String {
    let name = names.split(',').nth(track).unwrap_or_default().trim();
    if name.is_empty() { (track + 1).to_string() } else { name.to_owned() }
}

/// The names again, where one track has another. A comma would begin the next.
fn renamed(names: &str, track: usize, name: &str) -> String {
    let mut all: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    all.resize(TRACKS.max(all.len()), String::new());
    all[track] = name.replace(',', " ").trim().to_owned();
    let last = all.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
    all[..last].join(", ")
}

/// A stroke: what it has painted so far, and whether it sets or clears.
#[derive(Clone, Copy, Debug)]
struct Stroke {
    masks: [u16; ROWS],
    sets: bool,
    before: Pos2,
}

/// The cell that the keys are at.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    row: usize,
    step: usize,
}

/// The grid.
pub fn drum_grid_ui(ui: &mut Ui, theme: &Theme, spot: &GridSpot, asks: &mut Asks) {
    let id = ui.id().with(("drum-grid", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let field = field(spot);
    let mut held: Option<Held<Stroke>> = Held::load(ui, id);
    paint(ui, spot, field, &response, &mut held, asks);
    keys(ui, spot, &response, &mut held, asks);
    let masks = held.as_ref().map_or(spot.masks, |held| held.now.masks);
    if let Some(held) = held {
        held.keep(ui, id);
    }
    describe(ui, spot, field, &response, &masks);
    let hits: [Hit; TRACKS] = std::array::from_fn(|track| {
        hit_ui(ui, theme, spot, hit_rect(spot, field, track), track, asks)
    });
    if ui.is_rect_visible(spot.rect) {
        let cursor: Cursor = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        let cursor = response.has_focus().then_some(cursor);
        let pen = Pen::within(ui, spot.zoom, spot.rect);
        draw(&pen, theme, spot, field, &masks, cursor);
        for (track, hit) in hits.iter().enumerate() {
            draw_hit(&pen, theme, spot, hit_rect(spot, field, track), track, *hit);
        }
    }
}

/// What a hit button looks like now.
#[derive(Clone, Copy, Debug, Default)]
struct Hit {
    is_down: bool,
    is_hovered: bool,
    has_focus: bool,
}

fn hit_rect(spot: &GridSpot, field: Rect, track: usize) -> Rect {
    let row = row_rect(field, track);
    let left = spot.rect.left() + 7.0 * spot.zoom;
    Rect::from_x_y_ranges(left..=field.left() - 3.0 * spot.zoom, row.y_range())
        .shrink2(vec2(0.0, 1.5 * spot.zoom))
}

/// A track's name: pressed, the track sounds at once. Its menu names it.
fn hit_ui(
    ui: &Ui,
    theme: &Theme,
    spot: &GridSpot,
    rect: Rect,
    track: usize,
    asks: &mut Asks,
) -> Hit {
    let id = ui.id().with(("hit", spot.module.as_str(), track));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let name = name_of(spot.names, track);
    response.widget_info(|| {
        let words = format!("hit {name}, track {} of {}", track + 1, spot.module);
        WidgetInfo::labeled(WidgetType::Button, ui.is_enabled(), words)
    });
    let is_down = hand_on(ui, &response).is_some();
    let was_down = ui.data(|data| data.get_temp(id)).unwrap_or(false);
    ui.data_mut(|data| data.insert_temp(id, is_down));
    // A click without a hand comes from the keys or from a screen reader.
    let is_said = response.clicked() && !is_down && !was_down;
    if is_down && !was_down || is_said {
        let key = C4_KEY + track as u32;
        let (voct, velocity) = (track as f32 / 12.0, 1.0);
        for event in [Note::NoteOn { key, voct, velocity }, Note::NoteOff { key }] {
            asks.requests.push(Request::event(spot.module.clone(), event));
        }
    }
    name_menu(theme, spot, &response, track, asks);
    Hit { is_down, is_hovered: response.hovered(), has_focus: response.has_focus() }
}

/// A field for a track's name: taken with Enter or by leaving it.
fn name_menu(theme: &Theme, spot: &GridSpot, response: &Response, track: usize, asks: &mut Asks) {
    response.context_menu(|ui| {
        ui.colored_label(theme.faint, format!("Name of track {}", track + 1));
        let id = response.id.with("name");
        let own = spot.names.split(',').nth(track).unwrap_or_default().trim();
        let typed: Option<String> = ui.data(|data| data.get_temp(id));
        let is_fresh = typed.is_none();
        let mut typed = typed.unwrap_or_else(|| own.to_owned());
        let field = ui.add(TextEdit::singleline(&mut typed).id(id).desired_width(120.0));
        if is_fresh {
            field.request_focus();
        }
        ui.data_mut(|data| data.insert_temp(id, typed.clone()));
        if field.lost_focus() {
            ui.data_mut(|data| data.remove_temp::<String>(id));
            let names = renamed(spot.names, track, &typed);
            if names != spot.names && !ui.input(|input| input.key_pressed(Key::Escape)) {
                asks.set_text(spot.module, &names);
            }
            ui.close();
        }
    });
}

fn draw_hit(pen: &Pen, theme: &Theme, spot: &GridSpot, rect: Rect, track: usize, hit: Hit) {
    let ink = theme.cables[track];
    pen.fill(rect, 3.0, if hit.is_down { ink } else { ink.gamma_multiply(0.22) });
    if hit.is_hovered || hit.has_focus {
        pen.edge(rect, 3.0, 1.0, theme.text);
    }
    let colour = if hit.is_down { theme.well } else { theme.text };
    let place = rect.shrink2(vec2(pen.scaled(4.0), 0.0));
    pen.fitted_text(place, Align2::LEFT_CENTER, 10.0, colour, &name_of(spot.names, track));
}

/// What is on, and the step that plays.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    let spot = GridSpot::of(spot);
    let field = field(&spot);
    draw(pen, theme, &spot, field, &spot.masks, None);
    for track in 0..TRACKS {
        draw_hit(pen, theme, &spot, hit_rect(&spot, field, track), track, Hit::default());
    }
}

/// Where the cells are: beside the names of their rows.
fn field(spot: &GridSpot) -> Rect {
    let inside = spot.rect.shrink(7.0 * spot.zoom);
    inside.with_min_x(inside.left() + NAMES * spot.zoom)
}

fn paint(
    ui: &Ui,
    spot: &GridSpot,
    field: Rect,
    response: &Response,
    held: &mut Option<Held<Stroke>>,
    asks: &mut Asks,
) {
    let Some(place) = hand_on(ui, response) else {
        if let Some(held) = held.as_mut().filter(|held| held.is_down) {
            held.lift(ui);
        }
        return;
    };
    let masks = held.as_ref().map_or(spot.masks, |held| held.now.masks);
    let mut down = match held.take().filter(|held| held.is_down) {
        Some(down) => down,
        None => {
            response.request_focus();
            let (row, step) = cell_at(field, place);
            let sets = masks[row] >> step & 1 == 0;
            Held::begin(ui, asks, Stroke { masks, sets, before: place })
        }
    };
    let masks_before = down.now.masks;
    for (row, step) in cells_between(field, down.now.before, place) {
        put(&mut down.now.masks[row], step, down.now.sets);
    }
    down.now.before = place;
    ask(spot, masks_before, &down, asks);
    *held = Some(down);
}

fn put(mask: &mut u16, step: usize, is_on: bool) {
    *mask = if is_on { *mask | 1 << step } else { *mask & !(1 << step) };
}

/// Asks for the rows that a stroke has changed.
fn ask(spot: &GridSpot, before: [u16; ROWS], held: &Held<Stroke>, asks: &mut Asks) {
    for (row, name) in PARAMS.iter().enumerate() {
        let mask = held.now.masks[row];
        if mask != before[row] {
            asks.set_param(spot.module, name, f32::from(mask), held.gesture);
        }
    }
}

/// Every cell on a straight way: a quick hand leaves out none.
fn cells_between(field: Rect, from: Pos2, to: Pos2) -> Vec<(usize, usize)> {
    let cell = row_rect(field, 0).height().min(field.width() / STEPS as f32).max(1.0);
    let pieces = (from.distance(to) / (cell * 0.25)).ceil().clamp(1.0, 400.0) as usize;
    let way = |piece: usize| from + (to - from) * (piece as f32 / pieces as f32);
    let mut cells: Vec<_> = (0..=pieces).map(|piece| cell_at(field, way(piece))).collect();
    cells.dedup();
    cells
}

fn cell_at(field: Rect, place: Pos2) -> (usize, usize) {
    let across = (place.x - field.left()) / field.width().max(1.0) * STEPS as f32;
    let row = (0..ROWS).find(|&row| place.y < row_rect(field, row).bottom()).unwrap_or(ROWS - 1);
    (row, across.clamp(0.0, STEPS as f32 - 1.0) as usize)
}

fn row_rect(field: Rect, row: usize) -> Rect {
    let height = field.height() / (ROWS as f32 + APART);
    let apart = if row + 1 == ROWS { APART } else { 0.0 };
    let top = field.top() + (row as f32 + apart) * height;
    Rect::from_min_size(pos2(field.left(), top), vec2(field.width(), height))
}

fn cell_rect(field: Rect, row: usize, step: usize) -> Rect {
    let row = row_rect(field, row);
    let width = row.width() / STEPS as f32;
    let left = row.left() + step as f32 * width;
    Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()))
}

/// Arrows go from cell to cell, space sets and clears.
fn keys(
    ui: &Ui,
    spot: &GridSpot,
    response: &Response,
    held: &mut Option<Held<Stroke>>,
    asks: &mut Asks,
) {
    if !response.has_focus() {
        return;
    }
    let filter =
        EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let mut cursor: Cursor = ui.data(|data| data.get_temp(response.id)).unwrap_or_default();
    let is_put = ui.input_mut(|input| {
        let mut presses = |key| input.count_and_consume_key(Modifiers::NONE, key);
        let (right, left) = (presses(Key::ArrowRight), presses(Key::ArrowLeft));
        let (down, up) = (presses(Key::ArrowDown), presses(Key::ArrowUp));
        cursor.step = (cursor.step + right).saturating_sub(left).min(STEPS - 1);
        cursor.row = (cursor.row + down).saturating_sub(up).min(ROWS - 1);
        let is_put = presses(Key::Space) + presses(Key::Enter) > 0;
        input.events.retain(|event| !matches!(event, Event::Text(text) if text == " "));
        is_put
    });
    ui.data_mut(|data| data.insert_temp(response.id, cursor));
    if is_put {
        let before = held.as_ref().map_or(spot.masks, |held| held.now.masks);
        let is_on = before[cursor.row] >> cursor.step & 1 == 1;
        let mut masks = before;
        put(&mut masks[cursor.row], cursor.step, !is_on);
        let stroke = Stroke { masks, sets: !is_on, before: response.rect.center() };
        let mut down = Held::begin(ui, asks, stroke);
        down.lift(ui);
        ask(spot, before, &down, asks);
        *held = Some(down);
    }
}

/// The grid, and every row as letters: `x---x---`.
fn describe(ui: &Ui, spot: &GridSpot, field: Rect, response: &Response, masks: &[u16; ROWS]) {
    let name = format!("grid of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    for (row, param) in PARAMS.iter().enumerate() {
        let id = response.id.with(row);
        let row_response = ui.interact(row_rect(field, row), id, Sense::hover());
        let name = format!("{param} of {}", spot.module);
        row_response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
        let letter = |step: usize| if masks[row] >> step & 1 == 1 { 'x' } else { '-' };
        let pattern: String = (0..STEPS).map(letter).collect();
        ui.ctx().accesskit_node_builder(id, |node| node.set_value(pattern));
    }
}

fn draw(
    pen: &Pen,
    theme: &Theme,
    spot: &GridSpot,
    field: Rect,
    masks: &[u16; ROWS],
    cursor: Option<Cursor>,
) {
    pen.well(spot.rect, theme.well, theme.edge);
    if let Some(step) = spot.step.filter(|&step| step < STEPS) {
        let top = cell_rect(field, 0, step).min;
        let column = Rect::from_min_max(top, cell_rect(field, ROWS - 1, step).max);
        pen.fill(column, 3.0, theme.text.gamma_multiply(0.14));
    }
    for (row, mask) in masks.iter().enumerate() {
        let ink = theme.cables.get(row).copied().unwrap_or(theme.text);
        if row == TRACKS {
            let at = pos2(field.left() - pen.scaled(6.0), row_rect(field, row).center().y);
            pen.text(at, Align2::RIGHT_CENTER, 10.0, theme.faint, "accents");
        }
        for step in 0..STEPS {
            let is_on = mask >> step & 1 == 1;
            let is_now = spot.step == Some(step);
            let gap = pen.scaled(1.5);
            let rect = cell_rect(field, row, step).shrink(gap);
            // Beats stand out a little, so that the eye can count.
            let ground = if step % 8 < 4 { 0.5 } else { 0.28 };
            let strength = if step < spot.length { 1.0 } else { 0.3 };
            let fill = if is_on { ink } else { guide(theme, ground) };
            pen.fill(rect, 2.5, fill.gamma_multiply(strength));
            if is_on && is_now {
                pen.edge(rect.expand(gap * 0.6), 3.0, 1.5, theme.text);
            }
            if cursor.is_some_and(|cursor| (cursor.row, cursor.step) == (row, step)) {
                pen.edge(rect.expand(gap), 3.0, 1.5, theme.text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::PointerButton;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::message::param::{SetParam, Value};

    /// Cells of 20 by 20 points, from (69, 7).
    fn bench() -> Harness<'static, Asks> {
        let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(vec2(400.0, 300.0));
        builder.build_ui_state(
            |ui, asks: &mut Asks| {
                let module = "drums".parse().unwrap();
                let mut masks = [0; ROWS];
                masks[1] = 0b10;
                let spot = GridSpot {
                    rect: Rect::from_min_size(Pos2::ZERO, vec2(396.0, 14.0 + 20.0 * 9.35)),
                    zoom: 1.0,
                    module: &module,
                    masks,
                    length: 16,
                    step: Some(3),
                    names: "Kick, , Hat",
                };
                drum_grid_ui(ui, &Theme::of(Look::Dark), &spot, asks);
            },
            Asks::default(),
        )
    }

    fn cell(row: usize, step: usize) -> Pos2 {
        pos2(79.0 + 20.0 * step as f32, 17.0 + 20.0 * row as f32)
    }

    fn button(harness: &mut Harness<Asks>, pos: Pos2, pressed: bool) {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        harness.event(Event::PointerButton { pos, button, pressed, modifiers });
        harness.step();
    }

    fn asked(harness: &Harness<Asks>) -> Vec<(String, f32, i32)> {
        let requests = harness.state().requests.iter();
        requests
            .map(|request| match request {
                Request::SetParam(SetParam {
                    param, value: Value::Number(value), gesture, ..
                }) => (param.to_string(), *value, *gesture),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn drag(harness: &mut Harness<Asks>, from: Pos2, to: Pos2) {
        harness.hover_at(from);
        button(harness, from, true);
        harness.hover_at(to);
        harness.step();
        button(harness, to, false);
        harness.step();
    }

    #[test]
    fn a_stroke_sets_every_cell_on_its_way_in_one_gesture() {
        let mut harness = bench();
        drag(&mut harness, cell(0, 2), cell(0, 5));
        let asked = asked(&harness);
        assert_eq!(asked.last(), Some(&("track-1".to_owned(), f32::from(0b11_1100u16), 1)));
        assert!(asked.iter().all(|(track, _, gesture)| track == "track-1" && *gesture == 1));
        let row = harness.get_by_label("track-1 of drums").value();
        assert_eq!(row.as_deref(), Some("--xxxx----------"));
    }

    /// Press and release within one frame, as a tap of 10 ms is.
    fn tap(harness: &mut Harness<Asks>, pos: Pos2) {
        harness.hover_at(pos);
        harness.step();
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        for pressed in [true, false] {
            let event = Event::PointerButton { pos, button, pressed, modifiers };
            harness.input_mut().events.push(event);
        }
        harness.step();
        harness.step();
    }

    #[test]
    fn a_tap_within_one_frame_sets_its_cell() {
        let mut harness = bench();
        tap(&mut harness, cell(0, 2));
        assert_eq!(asked(&harness), [("track-1".to_owned(), 4.0, 1)]);
        tap(&mut harness, cell(1, 1));
        assert_eq!(asked(&harness)[1], ("track-2".to_owned(), 0.0, 2));
    }

    #[test]
    fn a_track_is_hit_by_its_name_once_as_long_as_the_hand_is_down() {
        let mut harness = bench();
        let notes = |harness: &Harness<Asks>| -> Vec<f32> {
            let voct = |request: &Request| match request {
                Request::NoteOn(note) => note.voct,
                _ => None,
            };
            harness.state().requests.iter().filter_map(voct).collect()
        };
        let name = pos2(20.0, 17.0 + 20.0 * 2.0);
        tap(&mut harness, name);
        assert_eq!(notes(&harness), [2.0 / 12.0]);
        drag(&mut harness, name, name + vec2(5.0, 0.0));
        assert_eq!(notes(&harness).len(), 2);
        harness.get_by_label("hit Kick, track 1 of drums").click_accesskit();
        harness.step();
        assert_eq!(notes(&harness)[2], 0.0);
    }

    #[test]
    fn names_are_kept_by_track() {
        assert_eq!(
            (0..3).map(|n| name_of("Kick, , Hat", n)).collect::<Vec<_>>(),
            ["Kick", "2", "Hat"]
        );
        assert_eq!(renamed("Kick, , Hat", 1, "Rim, dry"), "Kick, Rim  dry, Hat");
        assert_eq!(renamed("Kick, , Hat", 2, ""), "Kick");
        assert_eq!(renamed("", 7, "Tom"), ", , , , , , , Tom");
    }

    #[test]
    fn a_stroke_that_begins_on_a_set_cell_clears() {
        let mut harness = bench();
        drag(&mut harness, cell(1, 1), cell(1, 3));
        assert_eq!(asked(&harness), [("track-2".to_owned(), 0.0, 1)]);
    }

    #[test]
    fn a_stroke_goes_over_tracks_and_accents_and_the_last_bit_is_exact() {
        let mut harness = bench();
        drag(&mut harness, cell(7, 15), cell(8, 15) + vec2(0.0, 8.0));
        let asked = asked(&harness);
        assert_eq!(asked[0], ("track-8".to_owned(), 32_768.0, 1));
        assert_eq!(asked[1], ("accents".to_owned(), 32_768.0, 1));
    }

    #[test]
    fn the_keys_go_from_cell_to_cell_and_set_them() {
        let mut harness = bench();
        harness.get_by_label("grid of drums").focus();
        harness.step();
        for key in [Key::ArrowRight, Key::ArrowDown, Key::Space] {
            harness.key_press(key);
        }
        harness.step();
        assert_eq!(asked(&harness), [("track-2".to_owned(), 0.0, 1)]);
    }
}
