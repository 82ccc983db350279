//! From one choice to another without a click.

use bytemuck::{Pod, Zeroable};

use crate::ramp::Ramp;

/// How much of the way is gone in one quantum: 2.7 ms for all of it at 48 kHz.
const STEP: f32 = 0.25;

/// A choice that was made, and the one before while it is still heard.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Crossfade {
    has_started: u32,
    now: u32,
    before: u32,
    /// How far the choice has come at the start of this quantum, and at its end.
    from: f32,
    to: f32,
}

impl Crossfade {
    /// To be called at the start of every quantum, with where the param stands.
    #[inline(always)]
    pub fn turn(&mut self, choice: usize) {
        let choice = choice as u32;
        if self.has_started == 0 {
            *self = Crossfade { has_started: 1, now: choice, before: choice, from: 1.0, to: 1.0 };
            return;
        }
        self.from = self.to;
        if choice != self.now && self.from >= 1.0 {
            (self.before, self.now, self.from) = (self.now, choice, 0.0);
        }
        self.to = (self.from + STEP).min(1.0);
    }

    /// The choice that is heard from now on.
    #[inline(always)]
    pub fn now(&self) -> usize {
        self.now as usize
    }

    /// The choice before, and how much of the way to the new one is gone: where
    /// there is still something of it to be heard.
    #[inline(always)]
    pub fn before(&self) -> Option<(usize, Ramp)> {
        (self.from < 1.0).then(|| (self.before as usize, Ramp::new(self.from, self.to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_there_at_once_and_another_after_four_quanta() {
        let mut fade = Crossfade::zeroed();
        fade.turn(2);
        assert!(fade.now() == 2 && fade.before().is_none());
        let ends: Vec<f32> = (0..4)
            .map(|_| {
                fade.turn(1);
                fade.before().map_or(9.0, |(before, way)| before as f32 * 10.0 + way.end())
            })
            .collect();
        assert_eq!(ends, [20.25, 20.5, 20.75, 21.0]);
        fade.turn(1);
        assert!(fade.now() == 1 && fade.before().is_none());
    }
}
