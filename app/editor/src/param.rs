//! What a hand turns: a knob, a fader, a switch, for any param of the catalogue.
//!
//! Drag up and down, or turn the wheel over it; with shift, or with the right
//! button, ten times finer. A double click goes back to the default, a right
//! click opens a menu with a field to type in. With the keys: arrows, Home, Enter.

use eframe::egui::accesskit::{Action, ActionData};
use eframe::egui::{
    CursorIcon, Event, EventFilter, Id, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, Rect,
    Response, RichText, Sense, Ui, Vec2, WidgetInfo, WidgetType, vec2,
};
use sostenuto_modules::param::{Param, Taper, Unit};
use sostenuto_patch::ModuleId;
use sostenuto_patch::entry;

use self::turn::{Means, ParamInput};
use super::held::hand_on;
use super::model::Asks;
use super::pen::Pen;
use super::theme::Theme;
use super::wheel::wheel_zooms;

mod face;
mod menu;
pub(crate) mod travel;
mod turn;

pub(crate) use self::face::label;

/// So many pixels are the whole way.
const WAY_PIXELS: f32 = 200.0;
/// A hand that moves less has not begun to turn.
const STILL_PIXELS: f32 = 2.0;
/// Points of a smooth wheel that are one notch.
const NOTCH_POINTS: f32 = 40.0;

/// A param, and where it is drawn.
pub struct ParamSpot<'a> {
    /// On the screen. Its natural size is [`WidgetKind::size`] times the zoom.
    pub rect: Rect,
    /// How near the face is: 1 is life size.
    pub zoom: f32,
    /// Whose param.
    pub module: &'a ModuleId,
    /// Which.
    pub param: &'static Param,
    /// Where the host has it.
    pub value: f32,
    /// Where a cable's volts have moved it, where one does.
    pub moved: Option<f32>,
    /// What the face calls it.
    pub label: &'a str,
    /// What the musician calls it, if that is something else.
    pub title: Option<&'a str>,
    /// The volts that are shown beside a fader.
    pub meter_volts: Option<f32>,
    /// What it looks like.
    pub kind: WidgetKind,
}

impl ParamSpot<'_> {
    /// What screen readers call it.
    fn name(&self) -> String {
        let own = format!("{} of {}", self.param.name, self.module);
        self.title.map_or(own.clone(), |title| format!("{title}, {own}"))
    }
}

/// What a param looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WidgetKind {
    /// Turned often.
    Knob,
    /// Turned now and then.
    SmallKnob,
    /// How loud.
    Fader,
    /// Off or on.
    Switch,
    /// Off or on, with its label on it.
    Button,
    /// One of several words.
    Choice,
    /// A whole number.
    Stepper,
}

impl WidgetKind {
    /// What suits a param.
    pub fn of(param: &Param) -> WidgetKind {
        let is_small = param.name.ends_with("-amount") || param.unit == Unit::Cents;
        match param.taper {
            Taper::Choice(["off", "on"]) => WidgetKind::Switch,
            Taper::Choice(_) => WidgetKind::Choice,
            Taper::Steps => WidgetKind::Stepper,
            _ if param.unit == Unit::Db => WidgetKind::Fader,
            _ if is_small => WidgetKind::SmallKnob,
            _ => WidgetKind::Knob,
        }
    }

    /// Whether a click turns it over.
    pub fn is_switch(self) -> bool {
        matches!(self, WidgetKind::Switch | WidgetKind::Button)
    }

    /// The room it wants at zoom 1, in points, with its name.
    pub fn size(self) -> Vec2 {
        match self {
            WidgetKind::Knob => vec2(64.0, 68.0),
            WidgetKind::SmallKnob => vec2(53.0, 54.0),
            WidgetKind::Fader => vec2(53.0, 136.0),
            WidgetKind::Switch => vec2(61.0, 42.0),
            WidgetKind::Button => vec2(27.0, 24.0),
            WidgetKind::Choice => vec2(137.0, 42.0),
            WidgetKind::Stepper => vec2(72.0, 42.0),
        }
    }
}

/// A param that is turned with mouse, wheel and keys. `extra_menu` adds to its
/// menu. Draw it before anything else reads the wheel.
pub fn param_ui(
    ui: &mut Ui,
    theme: &Theme,
    spot: &ParamSpot,
    asks: &mut Asks,
    extra_menu: &mut dyn FnMut(&mut Ui),
) -> Response {
    let id = ui.id().with(("param", spot.module.as_str(), spot.param.name));
    let mut response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let mut hand = ParamInput::new(ui, id, spot.module, spot.param, spot.value);
    let before = hand.value();
    drag(ui, spot, &response, &mut hand, WAY_PIXELS, asks);
    wheel(ui, spot, &response, &mut hand, asks);
    if !menu::is_open(ui, &response) && keys(ui, &response, &mut hand, asks) {
        menu::open(ui, &response);
    }
    click(ui, spot, &response, &mut hand, asks);
    said(ui, &response, &mut hand, asks);
    menu::menu_ui(ui, theme, spot, &response, &mut hand, asks, extra_menu);
    if hand.value() != before {
        response.mark_changed();
    }
    describe(ui, spot, &response, hand.value());
    if ui.is_rect_visible(spot.rect) {
        let pen = Pen::new(ui, spot.zoom);
        face::draw(&pen, theme, spot, &face::Look::of(ui, &response, &hand));
    }
    if !hand.is_turning() {
        response = response.on_hover_ui(|ui| tooltip_ui(ui, theme, spot));
    }
    hand.keep(ui);
    response
}

/// A param that is played on stage, where all of `reach` takes the hand. It has no menu,
/// and a second tap does not reset it; what a hand holds is on while it is held. Returns
/// where it stands.
pub fn played_ui(
    ui: &mut Ui,
    theme: &Theme,
    spot: &ParamSpot,
    reach: Rect,
    asks: &mut Asks,
) -> f32 {
    let id = ui.id().with(("played", spot.module.as_str(), spot.param.name));
    let response = ui.interact(reach, id, Sense::click_and_drag());
    let mut hand = ParamInput::new(ui, id, spot.module, spot.param, spot.value);
    if spot.param.is_held {
        hold(ui, &response, &mut hand, asks);
    } else {
        let is_fader = spot.kind == WidgetKind::Fader;
        let way_pixels = if is_fader { face::fader_pixels(spot) } else { WAY_PIXELS };
        drag(ui, spot, &response, &mut hand, way_pixels, asks);
        tap(ui, spot, &response, &mut hand, asks);
    }
    wheel(ui, spot, &response, &mut hand, asks);
    keys(ui, &response, &mut hand, asks);
    said(ui, &response, &mut hand, asks);
    let value = hand.value();
    describe(ui, spot, &response, value);
    if spot.kind.is_switch() {
        face::draw_pad(
            &Pen::new(ui, 1.0),
            theme,
            spot,
            reach,
            &face::Look::played(ui, &response, &hand),
        );
    } else {
        face::draw(
            &Pen::new(ui, spot.zoom),
            theme,
            spot,
            &face::Look::played(ui, &response, &hand),
        );
    }
    hand.keep(ui);
    value
}

/// On while a hand is there. A key or a screen reader turns it over.
fn hold(ui: &Ui, response: &Response, hand: &mut ParamInput, asks: &mut Asks) {
    let is_by_keys = response.clicked() && !ui.input(|input| input.pointer.primary_clicked());
    match (hand_on(ui, response).is_some(), hand.is_held()) {
        (true, false) => {
            response.request_focus();
            hand.hold(1.0, asks);
        }
        (false, true) => {
            hand.hold(0.0, asks);
            hand.release();
        }
        _ if is_by_keys => hand.set(1.0 - hand.value(), asks),
        _ => {}
    }
}

/// A tap on stage: what has words goes on to the one that was hit, or to the next.
fn tap(ui: &Ui, spot: &ParamSpot, response: &Response, hand: &mut ParamInput, asks: &mut Asks) {
    let place = response.interact_pointer_pos();
    if !response.clicked() {
        return;
    }
    match (spot.kind, spot.param.taper) {
        (kind, _) if kind.is_switch() => hand.set(1.0 - hand.value(), asks),
        (WidgetKind::Choice, Taper::Choice(words)) => {
            let hit = place.and_then(|place| face::segment_at(ui, spot, place));
            let next = (hand.value() as usize + 1) % words.len().max(1);
            hand.set(hit.unwrap_or(next) as f32, asks);
        }
        (WidgetKind::Stepper, _) => {
            let way = place.map_or(1.0, |place| face::arrow_at(spot, place));
            hand.turn_by(way * travel::notch(spot.param, false), Means::Keys, asks);
        }
        _ => {}
    }
}

/// A param that a screen draws: found by the keys and by screen readers only.
/// The value to draw, which the mouse may not have set. [`ring`] comes after it.
pub fn reachable_ui(ui: &mut Ui, spot: &ParamSpot, asks: &mut Asks) -> f32 {
    let id = reachable_id(ui, spot);
    let response = ui.interact(spot.rect, id, Sense::focusable_noninteractive());
    let mut hand = ParamInput::new(ui, id, spot.module, spot.param, spot.value);
    keys(ui, &response, &mut hand, asks);
    said(ui, &response, &mut hand, asks);
    describe(ui, spot, &response, hand.value());
    let value = hand.value();
    hand.keep(ui);
    value
}

/// Turns a param by the wheel over something else than its own widget. The value to show.
pub fn wheel_over(ui: &Ui, spot: &ParamSpot, is_over: bool, asks: &mut Asks) -> f32 {
    let id = ui.id().with(("wheel", spot.module.as_str(), spot.param.name));
    let mut hand = ParamInput::new(ui, id, spot.module, spot.param, spot.value);
    let (is_fine, is_down) = ui.input(|input| (input.modifiers.shift, input.pointer.any_down()));
    let notches = if is_over && !is_down { take_wheel(ui) } else { 0.0 };
    if notches != 0.0 {
        hand.turn_by(notches * travel::notch(spot.param, is_fine), Means::Wheel, asks);
    }
    let value = hand.value();
    hand.keep(ui);
    value
}

/// Shows where the keys are, on what was drawn since [`reachable_ui`].
pub fn ring(ui: &Ui, theme: &Theme, spot: &ParamSpot) {
    if ui.memory(|memory| memory.has_focus(reachable_id(ui, spot))) {
        Pen::new(ui, spot.zoom).focus_ring(spot.rect, theme.text);
    }
}

fn reachable_id(ui: &Ui, spot: &ParamSpot) -> Id {
    ui.id().with(("reachable", spot.module.as_str(), spot.param.name))
}

/// Dragging over `way_pixels` turns it all the way. A hand that goes sideways may carry it
/// somewhere ([`is_carried`]), so it has not begun to turn.
fn drag(
    ui: &Ui,
    spot: &ParamSpot,
    response: &Response,
    hand: &mut ParamInput,
    way_pixels: f32,
    asks: &mut Asks,
) {
    if !response.is_pointer_button_down_on() {
        return hand.release();
    }
    response.request_focus();
    let (way, is_fine) = ui.input(|input| {
        let pointer = &input.pointer;
        let is_second = pointer.button_down(PointerButton::Secondary);
        // A right click is the menu's until it is clearly none.
        let still = if is_second { f32::INFINITY } else { STILL_PIXELS };
        let whole = whole_way(pointer.press_origin(), pointer.interact_pos());
        let begins = !is_sideways(whole)
            && (whole.length() > still || (is_second && pointer.is_decidedly_dragging()));
        let way = match (hand.is_held(), begins) {
            (true, _) => pointer.delta(),
            (false, true) => whole,
            (false, false) => Vec2::ZERO,
        };
        (way, is_second || input.modifiers.shift)
    });
    if way.y == 0.0 || !turns(spot.kind) {
        return;
    }
    let fine = if is_fine { travel::FINE } else { 1.0 };
    hand.turn_by(-way.y / way_pixels * fine, Means::Drag, asks);
    ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
}

/// Whether a hand went more across than up or down.
fn is_sideways(way: Vec2) -> bool {
    way.x.abs() > 2.0 * way.y.abs()
}

/// Whether a hand that is on a param goes sideways, and so has not turned it.
pub fn is_carried(ui: &Ui, response: &Response) -> bool {
    let is_turned = ui.data(|data| turn::is_turned(data, response.id));
    let (is_down, whole) = ui.input(|input| {
        let pointer = &input.pointer;
        (pointer.primary_down(), whole_way(pointer.press_origin(), pointer.interact_pos()))
    });
    is_down && !is_turned && response.is_pointer_button_down_on() && is_sideways(whole)
}

fn whole_way(from: Option<Pos2>, to: Option<Pos2>) -> Vec2 {
    from.zip(to).map_or(Vec2::ZERO, |(from, to)| to - from)
}

/// Whether dragging turns it. A switch is clicked.
fn turns(kind: WidgetKind) -> bool {
    !kind.is_switch()
}

/// The wheel turns what is under the pointer, and nothing else hears of it.
fn wheel(ui: &Ui, spot: &ParamSpot, response: &Response, hand: &mut ParamInput, asks: &mut Asks) {
    if !response.hovered() || ui.input(|input| input.pointer.any_down()) {
        return;
    }
    let is_fine = ui.input(|input| input.modifiers.shift);
    let notches = take_wheel(ui);
    if notches != 0.0 {
        hand.turn_by(notches * travel::notch(spot.param, is_fine), Means::Wheel, asks);
    }
}

/// How far the wheel was turned, in notches, upwards. It is taken from whoever
/// reads it later; a wheel that zooms is left to them.
pub fn take_wheel(ui: &Ui) -> f32 {
    if wheel_zooms(ui) {
        return 0.0;
    }
    ui.input_mut(|input| {
        if input.modifiers.command || input.modifiers.ctrl {
            return 0.0;
        }
        input.smooth_scroll_delta = Vec2::ZERO;
        input.events.iter().map(notches).sum()
    })
}

fn notches(event: &Event) -> f32 {
    let Event::MouseWheel { unit, delta, .. } = event else { return 0.0 };
    // With shift, some systems turn the wheel on its side.
    let way = if delta.y == 0.0 { delta.x } else { delta.y };
    match unit {
        MouseWheelUnit::Point => way / NOTCH_POINTS,
        MouseWheelUnit::Line | MouseWheelUnit::Page => way,
    }
}

/// The keys turn what has the focus. Whether it is to be typed in.
fn keys(ui: &Ui, response: &Response, hand: &mut ParamInput, asks: &mut Asks) -> bool {
    if !response.has_focus() {
        return false;
    }
    let filter =
        EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let (steps, is_fine, goes_home, is_typed) = ui.input_mut(|input| {
        let mut presses = |key| input.count_and_consume_key(Modifiers::NONE, key) as f32;
        let up = presses(Key::ArrowUp) + presses(Key::ArrowRight);
        let down = presses(Key::ArrowDown) + presses(Key::ArrowLeft);
        let goes_home = presses(Key::Home) > 0.0;
        let is_typed = presses(Key::Enter) > 0.0;
        (up - down, input.modifiers.shift, goes_home, is_typed)
    });
    if steps != 0.0 {
        hand.turn_by(steps * travel::notch(hand.param(), is_fine), Means::Keys, asks);
    }
    if goes_home {
        hand.set(hand.param().default, asks);
    }
    is_typed && WidgetKind::of(hand.param()) != WidgetKind::Switch
}

fn click(ui: &Ui, spot: &ParamSpot, response: &Response, hand: &mut ParamInput, asks: &mut Asks) {
    let place = response.interact_pointer_pos();
    let is_twice = response.double_clicked() || response.triple_clicked();
    match spot.kind {
        kind if kind.is_switch() && response.clicked() => hand.set(1.0 - hand.value(), asks),
        WidgetKind::Choice if response.clicked() => {
            match place.and_then(|place| face::segment_at(ui, spot, place)) {
                Some(index) => hand.set(index as f32, asks),
                None => menu::open(ui, response),
            }
        }
        WidgetKind::Stepper if response.clicked() => match place.map(|at| face::arrow_at(spot, at))
        {
            Some(0.0) if is_twice => hand.set(spot.param.default, asks),
            Some(way) if way != 0.0 => {
                hand.turn_by(way * travel::notch(spot.param, false), Means::Keys, asks);
            }
            _ => {}
        },
        WidgetKind::Knob | WidgetKind::SmallKnob | WidgetKind::Fader if is_twice => {
            hand.set(spot.param.default, asks);
        }
        _ => {}
    }
}

/// What a screen reader was told to do.
fn said(ui: &Ui, response: &Response, hand: &mut ParamInput, asks: &mut Asks) {
    let (steps, value) = ui.input(|input| {
        let count = |action| input.num_accesskit_action_requests(response.id, action) as f32;
        let mut values = input.accesskit_action_requests(response.id, Action::SetValue);
        let value = values.find_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(value as f32),
            _ => None,
        });
        (count(Action::Increment) - count(Action::Decrement), value)
    });
    if steps != 0.0 {
        hand.turn_by(steps * travel::notch(hand.param(), false), Means::Keys, asks);
    }
    if let Some(value) = value {
        hand.set(value, asks);
    }
}

/// Tells screen readers, and tests, what stands here.
fn describe(ui: &Ui, spot: &ParamSpot, response: &Response, value: f32) {
    response.widget_info(|| {
        let name = spot.name();
        match spot.kind {
            WidgetKind::Switch | WidgetKind::Button => {
                WidgetInfo::selected(WidgetType::Checkbox, ui.is_enabled(), value != 0.0, name)
            }
            WidgetKind::Choice => WidgetInfo::labeled(WidgetType::ComboBox, ui.is_enabled(), name),
            _ => WidgetInfo::slider(ui.is_enabled(), f64::from(value), name),
        }
    });
    let param = spot.param;
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(entry::show(param, value));
        node.set_numeric_value(f64::from(value));
        node.set_min_numeric_value(f64::from(*param.range.start()));
        node.set_max_numeric_value(f64::from(*param.range.end()));
        if param.jumps() {
            node.set_numeric_value_step(1.0);
        }
        for action in [Action::SetValue, Action::Increment, Action::Decrement] {
            node.add_action(action);
        }
    });
}

fn tooltip_ui(ui: &mut Ui, theme: &Theme, spot: &ParamSpot) {
    ui.set_max_width(280.0);
    let value = entry::show(spot.param, spot.value);
    ui.horizontal(|ui| {
        let own = face::title(spot.param);
        ui.label(RichText::new(spot.title.unwrap_or(&own)).strong());
        ui.label(RichText::new(value).color(theme.accent));
    });
    if spot.title.is_some() {
        ui.label(
            RichText::new(format!("{} of {}", spot.param.name, spot.module)).color(theme.faint),
        );
    }
    if let Some(moved) = spot.moved {
        let moved = format!("moved to {}", entry::show(spot.param, moved));
        ui.label(RichText::new(moved).color(theme.moved));
    }
    ui.label(RichText::new(spot.param.help).color(theme.faint));
}

/// What is kept of a param that is typed in.
fn entry_id(response: &Response) -> Id {
    response.id.with("entry")
}

#[cfg(test)]
mod tests;
