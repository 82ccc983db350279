//! A pad for one finger: two values and whether it is touched, in one gesture.

use eframe::egui::{Align2, Pos2, Rect, Sense, Stroke, Ui, WidgetInfo, WidgetType, vec2};
use sostenuto_patch::ModuleId;

use crate::held::{Held, hand_on};
use crate::model::Asks;
use crate::pen::{Pen, across_and_up, at, guide};
use crate::theme::Theme;

/// Where a pad is drawn, and where the host has the finger.
pub struct PadSpot<'a> {
    /// On the screen.
    pub rect: Rect,
    /// How near it is.
    pub zoom: f32,
    /// Whose it is.
    pub module: &'a ModuleId,
    /// Across, 0 to 1.
    pub x: f32,
    /// Up, 0 to 1.
    pub y: f32,
    /// Whether it is touched.
    pub is_touched: bool,
    /// Whether the middle is 0 V.
    pub is_bipolar: bool,
}

/// The pad.
pub fn xy_pad_ui(ui: &mut Ui, theme: &Theme, spot: &PadSpot, asks: &mut Asks) {
    let id = ui.id().with(("xy-pad", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let field = spot.rect.shrink(8.0 * spot.zoom);
    let mut held: Option<Held<(f32, f32)>> = Held::load(ui, id);
    let place = hand_on(ui, &response);
    let params = |asks: &mut Asks, params: &[(&str, f32)], gesture| {
        for (param, value) in params {
            asks.set_param(spot.module, param, *value, gesture);
        }
    };
    match (place.map(|place| across_and_up(field, place)), &mut held) {
        (Some((x, y)), Some(held)) if held.is_down => {
            let before = std::mem::replace(&mut held.now, (x, y));
            if before != (x, y) {
                params(asks, &[("x", x), ("y", y)], held.gesture);
            }
        }
        (Some((x, y)), _) => {
            let down = Held::begin(ui, asks, (x, y));
            params(asks, &[("x", x), ("y", y), ("touch", 1.0)], down.gesture);
            held = Some(down);
        }
        (None, Some(held)) if held.is_down => {
            held.lift(ui);
            params(asks, &[("touch", 0.0)], held.gesture);
        }
        _ => {}
    }
    let (x, y) = held.as_ref().map_or((spot.x, spot.y), |held| held.now);
    let is_touched = held.as_ref().map_or(spot.is_touched, |held| held.is_down);
    let name = format!("pad of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let value = format!("{:.0} % across, {:.0} % up", x * 100.0, y * 100.0);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(value));
    if let Some(held) = held {
        held.keep(ui, id);
    }
    if ui.is_rect_visible(spot.rect) {
        draw(
            &Pen::within(ui, spot.zoom, spot.rect),
            theme,
            spot,
            field,
            at(field, x, y),
            is_touched,
        );
    }
}

fn draw(pen: &Pen, theme: &Theme, spot: &PadSpot, field: Rect, finger: Pos2, is_touched: bool) {
    pen.well(spot.rect, theme.well, theme.edge);
    let grid = guide(theme, 0.45);
    for quarter in 0..=4 {
        let part = quarter as f32 / 4.0;
        let middle = spot.is_bipolar && quarter == 2;
        let (width, colour) = if middle { (1.5, theme.edge) } else { (1.0, grid) };
        pen.line(at(field, part, 0.0), at(field, part, 1.0), width, colour);
        pen.line(at(field, 0.0, part), at(field, 1.0, part), width, colour);
    }
    let line = if is_touched { theme.accent.gamma_multiply(0.6) } else { theme.edge };
    let (across, up) = (vec2(field.left(), finger.y), vec2(finger.x, field.top()));
    pen.line(across.to_pos2(), vec2(field.right(), finger.y).to_pos2(), 1.0, line);
    pen.line(up.to_pos2(), vec2(finger.x, field.bottom()).to_pos2(), 1.0, line);
    if is_touched {
        pen.disc(finger, 14.0, theme.accent.gamma_multiply(0.25), Stroke::NONE);
    }
    pen.disc(finger, 7.0, theme.accent, pen.stroke(1.5, theme.text));
    let (right, top) = (at(field, 1.0, 0.0), at(field, 0.0, 1.0));
    let inset = vec2(pen.scaled(4.0), pen.scaled(2.0));
    pen.text(right - inset, Align2::RIGHT_BOTTOM, 10.0, theme.faint, "x");
    pen.text(top + inset, Align2::LEFT_TOP, 10.0, theme.faint, "y");
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Event, Modifiers, PointerButton, pos2};
    use egui_kittest::Harness;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::message::Request;
    use sostenuto_osc::message::param::{SetParam, Value};

    #[test]
    fn a_touch_is_one_gesture_from_its_beginning_to_its_end() {
        let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(vec2(300.0, 300.0));
        let mut harness = builder.build_ui_state(
            |ui, asks: &mut Asks| {
                let rect = Rect::from_min_size(pos2(50.0, 50.0), vec2(116.0, 116.0));
                let module = "xy-pad".parse().unwrap();
                let spot = PadSpot {
                    rect,
                    zoom: 1.0,
                    module: &module,
                    x: 0.5,
                    y: 0.5,
                    is_touched: false,
                    is_bipolar: true,
                };
                xy_pad_ui(ui, &Theme::of(Look::Dark), &spot, asks);
            },
            Asks::default(),
        );
        let button = |pos, pressed| {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            Event::PointerButton { pos, button, pressed, modifiers }
        };
        let start = pos2(58.0, 108.0);
        harness.hover_at(start);
        harness.event(button(start, true));
        harness.hover_at(pos2(500.0, 58.0));
        harness.event(button(pos2(500.0, 58.0), false));
        harness.step();
        let asked: Vec<(String, f32, i32)> = harness
            .state()
            .requests
            .iter()
            .map(|request| {
                let Request::SetParam(SetParam {
                    param, value: Value::Number(value), gesture, ..
                }) = request
                else {
                    panic!("{request:?}");
                };
                (param.to_string(), *value, *gesture)
            })
            .collect();
        let wanted =
            [("x", 0.0), ("y", 0.5), ("touch", 1.0), ("x", 1.0), ("y", 1.0), ("touch", 0.0)];
        let wanted = wanted.map(|(param, value)| (param.to_owned(), value, 1));
        assert_eq!(asked, wanted);
    }
}
