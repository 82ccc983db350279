//! A curve with handles: what params do, seen, and turned by pulling at it.
//!
//! What is drawn is a [`Picture`], worked out from the params alone by the files beside
//! this one. A handle turns up to two params by its two ways, and one by the wheel.

use eframe::egui::{
    Align2, CursorIcon, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_modules::module::Curve;
use sostenuto_modules::param::Param;
use sostenuto_patch::entry;

use super::ScreenSpot;
use crate::held::Held;
use crate::model::Asks;
use crate::param::travel::FINE;
use crate::param::{ParamSpot, WidgetKind, wheel_over};
use crate::pen::{Pen, across_and_up, at, guide};
use crate::theme::Theme;

mod bands;
mod dynamics;
mod effects;
mod envelopes;
mod filters;
mod waves;

/// How far from a handle it can still be taken hold of, in points.
const REACH: f32 = 28.0;
/// The params that a handle can turn.
const TURNS: usize = 3;

/// What there is to see, in a field from 0 to 1 across and up.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub lines: Vec<Line>,
    pub handles: Vec<Handle>,
    /// Upright lines, and level ones, that guide the eye.
    pub columns: Vec<f32>,
    pub rows: Vec<f32>,
    /// Where it is now.
    pub dots: Vec<(f32, f32)>,
    /// An upright line where it is now.
    pub now: Option<f32>,
    /// How far a bar at the right edge hangs down: what is taken off.
    pub taken: Option<f32>,
}

/// A curve.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub points: Vec<(f32, f32)>,
    pub ink: Ink,
    /// From how high its ground is filled.
    pub ground: Option<f32>,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Main,
    Faint,
    /// Where cables have moved it.
    Moved,
}

/// What can be pulled at.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub at: (f32, f32),
    pub across: Option<Axis>,
    pub up: Option<Axis>,
    pub wheel: Option<&'static Param>,
}

/// A param that a way across the whole field turns by so much of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub param: &'static Param,
    pub span: f32,
}

/// Where params stand, as the hand or a cable has them.
pub(super) struct Values<'a> {
    spot: &'a ScreenSpot<'a>,
    over: Vec<(&'static str, f32)>,
}

impl Values<'_> {
    /// A param's value.
    pub fn of(&self, name: &str) -> f32 {
        let over = self.over.iter().find(|(param, _)| *param == name);
        over.map_or_else(|| self.spot.param(name), |(_, value)| *value)
    }

    /// How far a param is on its way, from 0 to 1.
    pub fn position(&self, name: &str) -> f32 {
        self.param(name).position(self.of(name))
    }

    /// Whether there is a param of that name.
    pub fn has(&self, name: &str) -> bool {
        self.spot.about.param(name).is_some()
    }

    /// A param.
    pub fn param(&self, name: &str) -> &'static Param {
        let about = self.spot.about;
        &about.params[about.param(name).expect("a module with this screen has this param")]
    }

    /// A number that the module shows.
    pub fn shown(&self, index: usize) -> f32 {
        self.spot.shown(index)
    }

    /// All numbers that the module shows; none where they are not known.
    pub fn display(&self) -> &[f32] {
        self.spot.display
    }

    /// Whether the module shows anything yet.
    pub fn is_live(&self) -> bool {
        !self.spot.display.is_empty()
    }

    /// A handle's way that turns a param.
    pub fn axis(&self, name: &str, span: f32) -> Option<Axis> {
        Some(Axis { param: self.param(name), span })
    }
}

impl Line {
    /// The graph of a function, in so many pieces.
    pub fn graph(pieces: usize, up: impl Fn(f32) -> f32) -> Line {
        let point = |piece| {
            let across = piece as f32 / pieces as f32;
            (across, up(across))
        };
        Line { points: (0..=pieces).map(point).collect(), ink: Ink::Main, ground: None }
    }

    /// The same line with another ink.
    pub fn in_ink(self, ink: Ink) -> Line {
        Line { ink, ..self }
    }

    /// The same line, filled down, or up, to there.
    pub fn filled_from(self, ground: f32) -> Line {
        Line { ground: Some(ground), ..self }
    }
}

/// The room that a curve wants at zoom 1.
pub fn size(which: Curve) -> Vec2 {
    match which {
        Curve::Bands => vec2(370.0, 150.0),
        Curve::Segments => vec2(436.0, 120.0),
        Curve::Adsr => vec2(260.0, 90.0),
        Curve::RiseAndFall => vec2(220.0, 84.0),
        Curve::Compressor | Curve::Limiter | Curve::Gate => vec2(136.0, 132.0),
        Curve::Ladder | Curve::StateVariable => vec2(180.0, 84.0),
        Curve::Cycle | Curve::Wave => vec2(180.0, 72.0),
        Curve::Sound | Curve::Echoes | Curve::Voice => vec2(220.0, 84.0),
        Curve::Response | Curve::Grains => vec2(220.0, 84.0),
    }
}

fn picture(which: Curve, values: &Values) -> Picture {
    match which {
        Curve::Bands => bands::picture(values),
        Curve::Ladder => filters::ladder(values),
        Curve::StateVariable => filters::state_variable(values),
        Curve::Adsr => envelopes::adsr(values),
        Curve::RiseAndFall => envelopes::rise_and_fall(values),
        Curve::Segments => envelopes::segments(values),
        Curve::Compressor => dynamics::compressor(values),
        Curve::Limiter => dynamics::limiter(values),
        Curve::Gate => dynamics::gate(values),
        Curve::Cycle => waves::cycle(values),
        Curve::Wave => waves::wave(values),
        Curve::Sound => waves::sound(values),
        Curve::Echoes => effects::echoes(values),
        Curve::Voice => effects::voice(values),
        Curve::Response => effects::response(values),
        Curve::Grains => effects::grains(values),
    }
}

/// A handle that is held: which, and how far along its params are.
#[derive(Clone, Copy, Debug)]
struct Grip {
    handle: usize,
    before: Pos2,
    turned: [Option<(&'static Param, f32)>; TURNS],
}

impl Grip {
    fn over(&self) -> impl Iterator<Item = (&'static str, f32)> + use<> {
        let turned = self.turned.into_iter().flatten();
        turned.map(|(param, position)| (param.name, param.at(position)))
    }
}

/// The curve, with what can be pulled at.
pub fn curve_ui(ui: &mut Ui, theme: &Theme, which: Curve, spot: &ScreenSpot, asks: &mut Asks) {
    let id = ui.id().with(("curve", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let name = format!("curve of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let field = field(spot);
    let mut held: Option<Held<Grip>> = Held::load(ui, id);
    let over = |held: &Option<Held<Grip>>| -> Vec<(&'static str, f32)> {
        held.as_ref().map_or_else(Vec::new, |held| held.now.over().collect())
    };
    let mut values = Values { spot, over: over(&held) };
    let shown = picture(which, &values);
    pull(ui, spot, &shown, field, &response, &mut held, asks);
    values.over = over(&held);
    let hand = held.as_ref().filter(|held| held.is_down).map(|held| held.now.handle);
    let near = hand.or_else(|| {
        response.hover_pos().and_then(|place| nearest(&shown, field, place, spot.zoom))
    });
    if let Some(param) = near.and_then(|near| shown.handles.get(near)?.wheel) {
        let under = param_spot(spot, param, values.of(param.name));
        values.over.push((param.name, wheel_over(ui, &under, response.hovered(), asks)));
    }
    if let Some(held) = held {
        held.keep(ui, id);
    }
    if near.is_some() {
        ui.ctx().set_cursor_icon(if hand.is_some() {
            CursorIcon::Grabbing
        } else {
            CursorIcon::Grab
        });
    }
    if ui.is_rect_visible(spot.rect) {
        let shown = picture(which, &values);
        let pen = Pen::within(ui, spot.zoom, spot.rect);
        pen.well(spot.rect, theme.well, theme.edge);
        draw(&pen, theme, field, &shown, near);
        draw_moved(&pen, theme, which, spot, field);
        if let Some(handle) = near.and_then(|near| shown.handles.get(near)) {
            say(&pen, theme, field, handle, &values);
        }
    }
}

/// The curve alone.
pub fn glance(pen: &Pen, theme: &Theme, which: Curve, spot: &ScreenSpot) {
    let mut shown = picture(which, &Values { spot, over: Vec::new() });
    shown.handles.clear();
    draw(pen, theme, field(spot), &shown, None);
}

fn field(spot: &ScreenSpot) -> Rect {
    spot.rect.shrink(5.0 * spot.zoom)
}

fn param_spot<'a>(spot: &ScreenSpot<'a>, param: &'static Param, value: f32) -> ParamSpot<'a> {
    ParamSpot {
        rect: spot.rect,
        zoom: spot.zoom,
        module: spot.module,
        param,
        value,
        moved: None,
        label: "",
        title: None,
        meter_volts: None,
        kind: WidgetKind::of(param),
    }
}

/// The handle that is meant by a place.
fn nearest(shown: &Picture, field: Rect, place: Pos2, zoom: f32) -> Option<usize> {
    let distance = |handle: &Handle| at(field, handle.at.0, handle.at.1).distance(place);
    let near = shown.handles.iter().map(distance).enumerate();
    let near = near.min_by(|a, b| a.1.total_cmp(&b.1))?;
    (near.1 <= REACH * zoom).then_some(near.0)
}

/// Takes hold of a handle, moves it, and lets it go.
fn pull(
    ui: &Ui,
    spot: &ScreenSpot,
    shown: &Picture,
    field: Rect,
    response: &Response,
    held: &mut Option<Held<Grip>>,
    asks: &mut Asks,
) {
    let (place, is_fine) = ui.input(|input| {
        let place = input.pointer.interact_pos().filter(|_| input.pointer.primary_down());
        (place, input.modifiers.shift)
    });
    let Some(place) = place.filter(|_| response.is_pointer_button_down_on()) else {
        if let Some(held) = held.as_mut().filter(|held| held.is_down) {
            held.lift(ui);
        }
        let is_twice = response.double_clicked() || response.triple_clicked();
        if let Some(place) = response.interact_pointer_pos().filter(|_| is_twice) {
            *held = nearest(shown, field, place, spot.zoom)
                .map(|near| reset(ui, spot, &shown.handles[near], near, place, asks));
        }
        return;
    };
    if held.as_ref().is_none_or(|held| !held.is_down) {
        let Some(handle) = nearest(shown, field, place, spot.zoom) else { return };
        let grip = Grip { handle, before: place, turned: [None; TURNS] };
        *held = Some(Held::begin(ui, asks, grip));
    }
    let Some(held) = held.as_mut() else { return };
    let Some(handle) = shown.handles.get(held.now.handle) else { return };
    let way = (place - held.now.before) * if is_fine { FINE } else { 1.0 };
    held.now.before = place;
    let ways = [way.x / field.width().max(1.0), -way.y / field.height().max(1.0)];
    for (slot, axis) in [handle.across, handle.up].into_iter().enumerate() {
        let Some(Axis { param, span }) = axis.filter(|_| ways[slot] != 0.0) else { continue };
        let heard = || param.position(spot.param(param.name));
        let from = held.now.turned[slot].map_or_else(heard, |(_, position)| position);
        let to = (from + ways[slot] * span).clamp(0.0, 1.0);
        held.now.turned[slot] = Some((param, to));
        let value = param.at(to);
        if value != param.at(from) {
            asks.set_param(spot.module, param.name, value, held.gesture);
        }
    }
}

/// Brings everything that a handle turns back to its default.
fn reset(
    ui: &Ui,
    spot: &ScreenSpot,
    handle: &Handle,
    index: usize,
    place: Pos2,
    asks: &mut Asks,
) -> Held<Grip> {
    let grip = Grip { handle: index, before: place, turned: [None; TURNS] };
    let mut held = Held::begin(ui, asks, grip);
    let turned =
        [handle.across.map(|axis| axis.param), handle.up.map(|axis| axis.param), handle.wheel];
    for (slot, param) in turned.into_iter().enumerate() {
        let Some(param) = param else { continue };
        held.now.turned[slot] = Some((param, param.position(param.default)));
        if spot.param(param.name) != param.default {
            asks.set_param(spot.module, param.name, param.default, held.gesture);
        }
    }
    held.lift(ui);
    held
}

fn draw(pen: &Pen, theme: &Theme, field: Rect, shown: &Picture, near: Option<usize>) {
    for &across in &shown.columns {
        pen.line(at(field, across, 0.0), at(field, across, 1.0), 1.0, guide(theme, 0.5));
    }
    for &up in &shown.rows {
        pen.line(at(field, 0.0, up), at(field, 1.0, up), 1.0, guide(theme, 0.5));
    }
    for line in &shown.lines {
        draw_line(pen, theme, field, line);
    }
    if let Some(now) = shown.now {
        pen.line(at(field, now, 0.0), at(field, now, 1.0), 1.2, theme.text);
    }
    if let Some(taken) = shown.taken.filter(|taken| *taken > 0.0) {
        let bar = Rect::from_min_max(at(field, 0.96, 1.0), at(field, 1.0, 1.0 - taken.min(1.0)));
        pen.fill(bar, 1.0, theme.moved);
    }
    for &(across, up) in &shown.dots {
        let stroke = pen.stroke(1.0, theme.well);
        pen.disc(at(field, across, up), 3.5, theme.text, stroke);
    }
    for (index, handle) in shown.handles.iter().enumerate() {
        let is_near = near == Some(index);
        let (size, edge) = if is_near { (5.5, theme.text) } else { (4.5, theme.accent) };
        let fill = if is_near { theme.accent } else { theme.well };
        pen.disc(at(field, handle.at.0, handle.at.1), size, fill, pen.stroke(1.6, edge));
    }
}

fn draw_line(pen: &Pen, theme: &Theme, field: Rect, line: &Line) {
    let (width, colour) = match line.ink {
        Ink::Main => (1.8, theme.accent),
        Ink::Faint => (1.2, theme.faint.gamma_multiply(0.7)),
        Ink::Moved => (1.4, theme.moved),
    };
    let place = |&(across, up): &(f32, f32)| at(field, across, up.clamp(-0.1, 1.1));
    let points: Vec<Pos2> = line.points.iter().map(place).collect();
    if let Some(ground) = line.ground {
        let inside =
            points.iter().map(|point| point.clamp(field.min, field.max)).collect::<Vec<_>>();
        pen.area(&inside, at(field, 0.0, ground).y, colour.gamma_multiply(0.3));
    }
    pen.path(points, width, colour);
}

/// The first line again, as cables have moved it.
fn draw_moved(pen: &Pen, theme: &Theme, which: Curve, spot: &ScreenSpot, field: Rect) {
    if spot.moved.is_empty() {
        return;
    }
    let shown = picture(which, &Values { spot, over: spot.moved.clone() });
    if let Some(line) = shown.lines.into_iter().find(|line| line.ink == Ink::Main) {
        draw_line(pen, theme, field, &Line { ground: None, ..line.in_ink(Ink::Moved) });
    }
}

/// What a handle turns, and where that stands.
fn say(pen: &Pen, theme: &Theme, field: Rect, handle: &Handle, values: &Values) {
    let axes = [handle.across, handle.up].into_iter().flatten().map(|axis| axis.param);
    let words: Vec<String> =
        axes.chain(handle.wheel).map(|param| entry::show(param, values.of(param.name))).collect();
    let words = words.join("   ");
    let size = vec2(pen.text_width(10.5, &words) + pen.scaled(12.0), pen.scaled(17.0));
    let middle = at(field, handle.at.0, 0.0).x - size.x / 2.0;
    let left = middle.clamp(field.left(), (field.right() - size.x).max(field.left()));
    let (_, up) = across_and_up(field, at(field, handle.at.0, handle.at.1));
    // Not over the handle itself.
    let top = if up > 0.6 { field.bottom() - size.y } else { field.top() };
    let label = Rect::from_min_size(pos2(left, top), size);
    pen.fill(label, 3.0, theme.face);
    pen.text(label.center(), Align2::CENTER_CENTER, 10.5, theme.text, &words);
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::catalog::CATALOG;
    use sostenuto_modules::module::Screen;
    use sostenuto_modules::rig::Rig;
    use sostenuto_patch::{ModuleId, Patch, PatchModule};

    use super::*;

    /// Every curve of the catalogue, with a module that stands at its defaults.
    fn curves() -> impl Iterator<Item = (Curve, PatchModule)> {
        CATALOG.iter().filter_map(|entry| match entry.about.screen {
            Some(Screen::Curve(which)) => {
                Some((which, PatchModule::new(entry.about.name, 0.0, 0.0)))
            }
            _ => None,
        })
    }

    pub(super) fn shown(
        which: Curve,
        module: &PatchModule,
        over: Vec<(&'static str, f32)>,
        display: &[f32],
    ) -> Picture {
        let id: ModuleId = "one".parse().unwrap();
        let spot = ScreenSpot {
            rect: Rect::NOTHING,
            zoom: 1.0,
            module: &id,
            about: module.about().unwrap(),
            params: module,
            display,
            sample_rate_hz: 48_000.0,
            moved: Vec::new(),
            patch: &Patch::default(),
        };
        picture(which, &Values { spot: &spot, over })
    }

    fn handles(which: Curve, module: &PatchModule, over: Vec<(&'static str, f32)>) -> Vec<Handle> {
        shown(which, module, over, &[]).handles
    }

    #[test]
    fn the_dot_on_an_envelope_is_as_high_as_what_is_heard() {
        for (which, kind) in [
            (Curve::Adsr, "adsr"),
            (Curve::RiseAndFall, "function"),
            (Curve::Segments, "multi-segment"),
        ] {
            let module = PatchModule::new(kind, 0.0, 0.0);
            let mut rig = Rig::named(kind, 48_000.0);
            rig.feed("gate", |_, frame| if frame < 48_000 { 10.0 } else { 0.0 });
            let mut seen = 0;
            for _ in 0..120 {
                let heard = *rig.run(960).main().last().unwrap();
                let dots = shown(which, &module, Vec::new(), &rig.display()).dots;
                if heard > 0.1 {
                    let volts = 10.0 * (dots[0].1 - envelopes::GROUND)
                        / (envelopes::TOP - envelopes::GROUND);
                    assert!((volts - heard).abs() < 0.2, "{kind}: {volts}, not {heard} V");
                    seen += 1;
                }
            }
            assert!(seen > 50, "{kind}: {seen}");
        }
    }

    #[test]
    fn every_handle_goes_where_the_hand_goes() {
        const STEP: f32 = 0.04;
        for (which, module) in curves() {
            for (index, handle) in handles(which, &module, Vec::new()).iter().enumerate() {
                let is_seen = |way: f32| (0.0..=1.0).contains(&way);
                assert!(is_seen(handle.at.0) && is_seen(handle.at.1), "{which:?} {index}");
                for (axis, is_across) in [(handle.across, true), (handle.up, false)] {
                    let Some(Axis { param, span }) = axis else { continue };
                    let value = module.param(param.name).unwrap_or(param.default);
                    let from = param.position(value);
                    let to = if from + STEP > 1.0 { from - STEP } else { from + STEP };
                    let over = vec![(param.name, param.at(to))];
                    let after = handles(which, &module, over)[index].at;
                    let way = if is_across { after.0 - handle.at.0 } else { after.1 - handle.at.1 };
                    let part = way * span / (to - from);
                    assert!((0.4..2.5).contains(&part), "{which:?} {index} {}: {part}", param.name);
                }
            }
        }
    }
}
