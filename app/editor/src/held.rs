//! What a hand draws on a screen, until the mirror has followed it.

use std::time::Duration;

use eframe::egui::{Id, Pos2, Response, Ui};

use super::model::Asks;

/// How long the host has to answer.
const PATIENCE_SECS: f64 = 0.5;

/// Where a hand is on a widget. A tap that came and went between two frames is there
/// for the one that hears of it.
pub fn hand_on(ui: &Ui, response: &Response) -> Option<Pos2> {
    let (place, is_down, is_pressed) = ui.input(|input| {
        let pointer = &input.pointer;
        (pointer.interact_pos(), pointer.primary_down(), pointer.primary_pressed())
    });
    let is_tapped = !is_down && is_pressed && response.clicked();
    if is_tapped {
        // The hand has left, and nobody says so again.
        ui.ctx().request_repaint();
    }
    let is_on = is_tapped || is_down && response.is_pointer_button_down_on();
    place.filter(|_| is_on)
}

/// What is being drawn, in one gesture.
#[derive(Clone, Copy, Debug)]
pub struct Held<T> {
    /// The gesture's number.
    pub gesture: i32,
    /// As the hand has it now.
    pub now: T,
    /// Whether the hand is still on it.
    pub is_down: bool,
    at_secs: f64,
}

impl<T: Clone + Send + Sync + 'static> Held<T> {
    /// A hand comes down.
    pub fn begin(ui: &Ui, asks: &mut Asks, now: T) -> Held<T> {
        let at_secs = ui.input(|input| input.time);
        Held { gesture: asks.begin_gesture(), now, is_down: true, at_secs }
    }

    /// What was kept, if it still counts.
    pub fn load(ui: &Ui, id: Id) -> Option<Held<T>> {
        let held: Option<Held<T>> = ui.data(|data| data.get_temp(id));
        let now_secs = ui.input(|input| input.time);
        held.filter(|held| held.is_down || now_secs - held.at_secs < PATIENCE_SECS)
    }

    /// Kept for the next frame.
    pub fn keep(self, ui: &Ui, id: Id) {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(PATIENCE_SECS));
        ui.data_mut(|data| data.insert_temp(id, self));
    }

    /// The hand has left.
    pub fn lift(&mut self, ui: &Ui) {
        self.is_down = false;
        self.at_secs = ui.input(|input| input.time);
    }
}
