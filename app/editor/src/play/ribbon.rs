//! A strip for one finger: a place and whether it is touched, in one gesture.

use eframe::egui::{Align2, Rect, Sense, Stroke, Ui, WidgetInfo, vec2};
use sostenuto_patch::ModuleId;
use sostenuto_patch::entry::pitch_name;

use crate::held::{Held, hand_on};
use crate::model::Asks;
use crate::pen::{Pen, across_and_up, at};
use crate::theme::Theme;

/// Where a strip is drawn, and where the host has the finger.
pub struct RibbonSpot<'a> {
    /// On the screen.
    pub rect: Rect,
    /// How near it is.
    pub zoom: f32,
    /// Whose it is.
    pub module: &'a ModuleId,
    /// Across, 0 to 1.
    pub position: f32,
    /// Whether it is touched.
    pub is_touched: bool,
    /// The left end, in octaves from C4.
    pub octave: f32,
    /// How many octaves it is long.
    pub octaves: f32,
    /// Whether it plays only semitones.
    pub snaps: bool,
}

/// The strip.
pub fn ribbon_ui(ui: &mut Ui, theme: &Theme, spot: &RibbonSpot, asks: &mut Asks) {
    let id = ui.id().with(("ribbon", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let strip = spot.rect.shrink(6.0 * spot.zoom);
    let mut held: Option<Held<f32>> = Held::load(ui, id);
    let place = hand_on(ui, &response);
    match (place.map(|place| across_and_up(strip, place).0), &mut held) {
        (Some(position), Some(held)) if held.is_down => {
            let before = std::mem::replace(&mut held.now, position);
            if before != position {
                asks.set_param(spot.module, "position", position, held.gesture);
            }
        }
        (Some(position), _) => {
            let down = Held::begin(ui, asks, position);
            asks.set_param(spot.module, "position", position, down.gesture);
            asks.set_param(spot.module, "touch", 1.0, down.gesture);
            held = Some(down);
        }
        (None, Some(held)) if held.is_down => {
            held.lift(ui);
            asks.set_param(spot.module, "touch", 0.0, held.gesture);
        }
        _ => {}
    }
    let position = held.as_ref().map_or(spot.position, |held| held.now);
    let is_touched = held.as_ref().map_or(spot.is_touched, |held| held.is_down);
    if let Some(held) = held {
        held.keep(ui, id);
    }
    let name = format!("ribbon of {}", spot.module);
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), f64::from(position), &name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(pitch_name(pitch(spot, position)));
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(1.0);
    });
    if ui.is_rect_visible(spot.rect) {
        draw(&Pen::within(ui, spot.zoom, spot.rect), theme, spot, strip, position, is_touched);
    }
}

/// The pitch at a place, in octaves from C4.
fn pitch(spot: &RibbonSpot, position: f32) -> f32 {
    let octaves = position * spot.octaves;
    let octaves = if spot.snaps { (octaves * 12.0).round() / 12.0 } else { octaves };
    spot.octave + octaves
}

fn draw(pen: &Pen, theme: &Theme, spot: &RibbonSpot, strip: Rect, position: f32, is_touched: bool) {
    pen.well(spot.rect, theme.well, theme.edge);
    let semitones = (spot.octaves * 12.0).round() as u32;
    for semitone in 0..=semitones {
        let x = semitone as f32 / semitones.max(1) as f32;
        let is_octave = semitone.is_multiple_of(12);
        if semitones > 60 && !is_octave {
            continue;
        }
        let is_black = matches!(semitone % 12, 1 | 3 | 6 | 8 | 10);
        let (height, colour) = match (is_octave, is_black) {
            (true, _) => (1.0, theme.faint),
            (_, true) => (0.2, theme.edge),
            _ => (0.45, theme.edge),
        };
        pen.line(at(strip, x, 0.0), at(strip, x, height), 1.0, colour);
        if is_octave && semitone < semitones {
            let name = pitch_name(spot.octave + semitone as f32 / 12.0);
            let corner = at(strip, x, 1.0) + vec2(pen.scaled(3.0), 0.0);
            pen.text(corner, Align2::LEFT_TOP, 9.0, theme.faint, &name);
        }
    }
    let colour = if is_touched { theme.accent } else { theme.accent.gamma_multiply(0.55) };
    let finger = at(strip, position, 0.5);
    let bar = vec2(pen.scaled(6.0), strip.height());
    if is_touched {
        pen.disc(finger, 15.0, theme.accent.gamma_multiply(0.25), Stroke::NONE);
        let name = pitch_name(pitch(spot, position));
        let (side, align) = match position {
            position if position < 0.5 => (1.0, Align2::LEFT_CENTER),
            _ => (-1.0, Align2::RIGHT_CENTER),
        };
        let beside = finger + vec2(side * pen.scaled(10.0), 0.0);
        pen.text(beside, align, 12.0, theme.text, &name);
    }
    pen.fill(Rect::from_center_size(finger, bar), 3.0, colour);
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
    fn a_touch_begins_where_the_finger_is_and_ends_when_it_leaves() {
        let builder = Harness::builder().with_step_dt(1.0 / 60.0).with_size(vec2(300.0, 300.0));
        let mut harness = builder.build_ui_state(
            |ui, asks: &mut Asks| {
                let rect = Rect::from_min_size(pos2(44.0, 50.0), vec2(212.0, 40.0));
                let module = "ribbon".parse().unwrap();
                let spot = RibbonSpot {
                    rect,
                    zoom: 1.0,
                    module: &module,
                    position: 0.0,
                    is_touched: false,
                    octave: -1.0,
                    octaves: 2.0,
                    snaps: true,
                };
                ribbon_ui(ui, &Theme::of(Look::Dark), &spot, asks);
            },
            Asks::default(),
        );
        let button = |pos, pressed| {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            Event::PointerButton { pos, button, pressed, modifiers }
        };
        harness.hover_at(pos2(100.0, 70.0));
        harness.event(button(pos2(100.0, 70.0), true));
        harness.hover_at(pos2(150.0, 70.0));
        harness.event(button(pos2(150.0, 70.0), false));
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
        let wanted = [("position", 0.25), ("touch", 1.0), ("position", 0.5), ("touch", 0.0)];
        assert_eq!(asked, wanted.map(|(param, value)| (param.to_owned(), value, 1)));
    }
}
