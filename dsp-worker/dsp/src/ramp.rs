//! A straight line through one quantum.

use crate::units::QUANTUM;

/// The frames of a quantum, counted from 1.
const PLACES: [f32; QUANTUM] = {
    let mut places = [0.0; QUANTUM];
    let mut frame = 0;
    while frame < QUANTUM {
        places[frame] = (frame + 1) as f32;
        frame += 1;
    }
    places
};

/// A param's way through one quantum: a straight line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ramp {
    start: f32,
    step: f32,
}

impl Ramp {
    /// From just past `start` to `end`, which the last frame reaches.
    #[inline(always)]
    pub fn new(start: f32, end: f32) -> Ramp {
        Ramp { start, step: (end - start) * (1.0 / QUANTUM as f32) }
    }

    /// The same at every frame.
    #[inline(always)]
    pub fn still(value: f32) -> Ramp {
        Ramp { start: value, step: 0.0 }
    }

    /// The value at a frame of the quantum.
    #[inline(always)]
    pub fn at(self, frame: usize) -> f32 {
        self.start + self.step * (frame + 1) as f32
    }

    /// [`Ramp::at`] every frame of the quantum: quicker, where several groups of
    /// channels need them.
    #[inline(always)]
    pub fn frames(self) -> [f32; QUANTUM] {
        let mut values = PLACES;
        for value in &mut values {
            *value = self.start + self.step * *value;
        }
        values
    }

    /// Whether it is the same at every frame of the quantum.
    #[inline(always)]
    pub fn is_still(self) -> bool {
        self.step == 0.0
    }

    /// The value at the quantum's last frame.
    #[inline(always)]
    pub fn end(self) -> f32 {
        self.at(QUANTUM - 1)
    }
}
