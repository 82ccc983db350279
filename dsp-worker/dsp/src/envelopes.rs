//! Envelopes for many parts of one voice: quick, and eight voices at once.

use bytemuck::{Pod, Zeroable};

use crate::gates::Gate;
use crate::lag;
use crate::lane::Lane;
use crate::mask::Mask;

/// How an envelope moves in one frame.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    attack_step: f32,
    decay: f32,
    sustain: f32,
    release: f32,
}

impl Shape {
    /// Times in seconds: of the whole attack, and until decay and release have
    /// 1 % left to go.
    #[inline(always)]
    pub fn new(attack: f32, decay: f32, sustain: f32, release: f32, rate_hz: f32) -> Shape {
        Shape {
            attack_step: 1.0 / (attack * rate_hz).max(1.0),
            decay: 1.0 - lag(decay, rate_hz),
            sustain,
            release: 1.0 - lag(release, rate_hz),
        }
    }
}

/// One part's envelope, for every channel: a straight attack, then curves
/// towards sustain and 0.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Envelope {
    level: [f32; 16],
    rises: [f32; 16],
}

impl Envelope {
    /// The next frame, 0 to 1. A gate that goes on again starts the attack from
    /// where the envelope is.
    #[inline(always)]
    pub fn next<L: Lane>(&mut self, group: usize, gate: Gate<L>, shape: &Shape) -> L {
        let Gate { is_on, rises: goes_on, .. } = gate;
        let level = L::load(&self.level, group);
        let rises = Mask::load(&self.rises, group).or(goes_on).and(is_on);
        let risen = level + shape.attack_step.into();
        let goal = is_on.pick_const(shape.sustain, 0.0);
        let bend = is_on.pick_const(shape.decay, shape.release);
        // 1e-20: it ends in silence, and not in denormal numbers.
        let fallen = level + (goal - level) * bend + L::splat(1e-20);
        let level = rises.pick(risen.min(1.0.into()), fallen);
        level.store(&mut self.level, group);
        rises.and(Mask::above(1.0.into(), level)).store(&mut self.rises, group);
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::Gates;

    #[test]
    fn it_rises_in_its_time_and_falls_to_one_percent_in_its_time() {
        let (mut gates, mut envelope) = (Gates::zeroed(), Envelope::zeroed());
        let shape = Shape::new(0.1, 0.2, 0.5, 0.3, 1000.0);
        let mut run = |volts: f32, frames: usize| {
            let next = |_| envelope.next::<f32>(0, gates.follow(0, volts), &shape);
            (0..frames).map(next).last().unwrap()
        };
        assert!((run(10.0, 50) - 0.5).abs() < 1e-5);
        assert!((run(10.0, 50) - 1.0).abs() < 1e-5);
        assert!((run(10.0, 200) - 0.505).abs() < 3e-4);
        run(10.0, 2000);
        assert!((run(0.0, 300) - 0.005).abs() < 3e-4);
    }
}
