//! A pad of two params: one across, one up, in one gesture.

use eframe::egui::{Align2, Rect, Sense, Stroke, Ui, WidgetInfo, WidgetType, vec2};
use sostenuto_patch::entry;

use crate::held::{Held, hand_on};
use crate::model::Asks;
use crate::param::{ParamSpot, reachable_ui, ring};
use crate::pen::{Pen, across_and_up, at, guide};
use crate::theme::Theme;

/// Where the finger ends, from the edge of the pad.
const INSET: f32 = 18.0;
/// The names and values of both ways.
const WORDS: f32 = 15.0;

/// The pad. Keys and screen readers reach each param of it.
pub fn pad_ui(ui: &mut Ui, theme: &Theme, spots: &[ParamSpot; 2], rect: Rect, asks: &mut Asks) {
    let values = spots.each_ref().map(|spot| reachable_ui(ui, spot, asks));
    let names = spots.each_ref().map(|spot| format!("{}.{}", spot.module, spot.param.name));
    let id = ui.id().with(("pad", &names));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let field = rect.shrink(INSET);
    let mut held: Option<Held<[f32; 2]>> = Held::load(ui, id);
    let hand = hand_on(ui, &response).map(|place| <[f32; 2]>::from(across_and_up(field, place)));
    match (hand, &mut held) {
        (Some(hand), Some(held)) if held.is_down => {
            let before = std::mem::replace(&mut held.now, hand);
            if before != hand {
                set(spots, hand, held.gesture, asks);
            }
        }
        (Some(hand), _) => {
            let down = Held::begin(ui, asks, hand);
            set(spots, hand, down.gesture, asks);
            held = Some(down);
        }
        (None, Some(held)) if held.is_down => held.lift(ui),
        _ => {}
    }
    let is_touched = held.as_ref().is_some_and(|held| held.is_down);
    let stands = [0, 1].map(|way| spots[way].param.position(values[way]));
    let finger = held.as_ref().map_or(stands, |held| held.now);
    if let Some(held) = held {
        held.keep(ui, id);
    }
    let words = [0, 1].map(|way| {
        let param = spots[way].param;
        format!("{} {}", spots[way].label, entry::show(param, param.at(finger[way])))
    });
    response.widget_info(|| {
        let name = format!("pad of {} and {}", names[0], names[1]);
        WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), name)
    });
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(words.join(", ")));
    let pen = Pen::within(ui, 1.0, rect);
    pen.well(rect, theme.well, theme.edge);
    for quarter in 0..=4 {
        let part = quarter as f32 / 4.0;
        pen.line(at(field, part, 0.0), at(field, part, 1.0), 1.0, guide(theme, 0.45));
        pen.line(at(field, 0.0, part), at(field, 1.0, part), 1.0, guide(theme, 0.45));
    }
    let [across, up] = finger;
    let line = if is_touched { theme.accent.gamma_multiply(0.6) } else { theme.edge };
    pen.line(at(field, across, 0.0), at(field, across, 1.0), 2.0, line);
    pen.line(at(field, 0.0, up), at(field, 1.0, up), 2.0, line);
    pen.disc(at(field, across, up), 14.0, theme.accent, Stroke::new(2.0, theme.text));
    let inner = rect.shrink2(vec2(8.0, 4.0));
    pen.fitted_text(inner, Align2::RIGHT_BOTTOM, WORDS, theme.text, &words[0]);
    pen.fitted_text(inner, Align2::LEFT_TOP, WORDS, theme.text, &words[1]);
    spots.iter().for_each(|spot| ring(ui, theme, spot));
}

fn set(spots: &[ParamSpot; 2], finger: [f32; 2], gesture: i32, asks: &mut Asks) {
    for (spot, position) in spots.iter().zip(finger) {
        asks.set_param(spot.module, spot.param.name, spot.param.at(position), gesture);
    }
}
