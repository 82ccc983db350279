//! What a hand draws on a screen, until the mirror has followed it.

use std::time::Duration;

use eframe::egui::{Id, Ui};

use super::model::Asks;

/// How long the host has to answer.
const PATIENCE_SECS: f64 = 0.5;

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
