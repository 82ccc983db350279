//! A hand on a param, from one frame to the next.
//!
//! The host's answer to a turn comes some frames later. So where the hand has
//! it is kept here, and shown, until the mirror had time to follow.

use eframe::egui::util::IdTypeMap;
use eframe::egui::{Id, Ui};
use sostenuto_modules::param::Param;
use sostenuto_patch::ModuleId;

use crate::model::Asks;

/// Notches of the wheel and presses of a key that come faster are one gesture.
const PAUSE_SECS: f64 = 0.5;

/// With what a param is turned. Another one is another gesture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A pointer that is down.
    Drag,
    /// The wheel.
    Wheel,
    /// The keys.
    Keys,
    /// A value, said at once.
    Word,
}

/// A gesture that goes on, or has just ended.
#[derive(Clone, Copy, Debug)]
struct Turn {
    means: Means,
    gesture: i32,
    /// Between the steps too, so that a slow hand gets to the next one.
    position: f32,
    value: f32,
    at_secs: f64,
    is_held: bool,
}

/// Whether a pointer that is down has turned the param of that widget.
pub fn is_turned(data: &IdTypeMap, id: Id) -> bool {
    data.get_temp::<Turn>(id).is_some_and(|turn| turn.is_held)
}

/// What the mouse and the keys do to one param.
pub struct ParamInput<'a> {
    module: &'a ModuleId,
    param: &'a Param,
    /// Where the host has it.
    heard: f32,
    id: Id,
    now_secs: f64,
    turn: Option<Turn>,
}

impl<'a> ParamInput<'a> {
    /// What was kept since the last frame.
    pub fn new(
        ui: &Ui,
        id: Id,
        module: &'a ModuleId,
        param: &'a Param,
        heard: f32,
    ) -> ParamInput<'a> {
        let now_secs = ui.input(|input| input.time);
        let turn: Option<Turn> = ui.data(|data| data.get_temp(id));
        let turn = turn.filter(|turn| turn.is_held || now_secs - turn.at_secs < PAUSE_SECS);
        ParamInput { module, param, heard, id, now_secs, turn }
    }

    /// Keeps it for the next frame.
    pub fn keep(self, ui: &Ui) {
        match self.turn {
            Some(turn) => {
                ui.data_mut(|data| data.insert_temp(self.id, turn));
                let pause = std::time::Duration::from_secs_f64(PAUSE_SECS);
                ui.ctx().request_repaint_after(pause);
            }
            None => ui.data_mut(|data| data.remove::<Turn>(self.id)),
        }
    }

    /// Which param it is on.
    pub fn param(&self) -> &'a Param {
        self.param
    }

    /// The value to show.
    pub fn value(&self) -> f32 {
        self.turn.map_or(self.heard, |turn| turn.value)
    }

    /// Whether it is being turned, or was a moment ago.
    pub fn is_turning(&self) -> bool {
        self.turn.is_some()
    }

    /// Whether a pointer holds it.
    pub fn is_held(&self) -> bool {
        self.turn.is_some_and(|turn| turn.is_held)
    }

    /// Goes on by a part of the whole way.
    pub fn turn_by(&mut self, way: f32, means: Means, asks: &mut Asks) {
        let position = match self.turn {
            Some(turn) if turn.means == means => turn.position,
            _ => self.param.position(self.value()),
        };
        let position = (position + way).clamp(0.0, 1.0);
        self.go_to(position, self.param.at(position), means, asks);
    }

    /// A value that was said at once: a gesture of its own.
    pub fn set(&mut self, value: f32, asks: &mut Asks) {
        let value = self.param.legal(value);
        self.go_to(self.param.position(value), value, Means::Word, asks);
    }

    /// Where a pointer has it while it is down.
    pub fn hold(&mut self, value: f32, asks: &mut Asks) {
        self.go_to(self.param.position(value), value, Means::Drag, asks);
    }

    /// The pointer has let go.
    pub fn release(&mut self) {
        if let Some(turn) = self.turn.as_mut().filter(|turn| turn.is_held) {
            turn.is_held = false;
            turn.at_secs = self.now_secs;
        }
    }

    fn go_to(&mut self, position: f32, value: f32, means: Means, asks: &mut Asks) {
        let before = self.value();
        let goes_on = self.turn.filter(|turn| {
            turn.means == means && means != Means::Word && (means != Means::Drag || turn.is_held)
        });
        let gesture = goes_on.map_or_else(|| asks.begin_gesture(), |turn| turn.gesture);
        if value != before {
            asks.set_param(self.module, self.param.name, value, gesture);
        }
        let is_held = means == Means::Drag;
        let at_secs = self.now_secs;
        self.turn = Some(Turn { means, gesture, position, value, at_secs, is_held });
    }
}
