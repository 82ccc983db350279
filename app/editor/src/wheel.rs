//! The mouse wheel zooms the canvas and turns knobs: whatever it turned last keeps
//! it for a moment.

use eframe::egui::{Id, Ui};

/// So long after its last turn the wheel may turn something else.
const WHEEL_REST_SECS: f64 = 0.4;

fn wheel_id() -> Id {
    Id::new("the wheel is the canvas's")
}

/// The wheel zooms now, and goes on to do so until it rests.
pub fn zoom_with_wheel(ui: &Ui) {
    let until_secs = ui.input(|input| input.time) + WHEEL_REST_SECS;
    ui.data_mut(|data| data.insert_temp(wheel_id(), until_secs));
}

/// Whether the wheel still zooms, so that it turns no knob that comes under the
/// pointer meanwhile.
pub fn wheel_zooms(ui: &Ui) -> bool {
    let until_secs: f64 = ui.data(|data| data.get_temp(wheel_id())).unwrap_or(0.0);
    ui.input(|input| input.time) < until_secs
}
