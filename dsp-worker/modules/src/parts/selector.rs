//! Which of eight ways is open: what a sequential switch has in its middle.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::detent::Detent;
use sostenuto_dsp::fade::{self, Fade};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::units::QUANTUM;

use crate::module::Block;
use crate::param::{Param, Unit};

/// Ways that there are at most.
pub const WAYS: usize = 8;

const STEPS: usize = 0;
const SELECT: usize = 1;
const DIRECTION: usize = 2;
const FADE: usize = 3;

const BACKWARD: usize = 1;
const PING_PONG: usize = 2;
const RANDOM: usize = 3;

/// The params of a module around it.
pub const PARAMS: [Param; 4] = [
    Param::steps("steps", 1.0..=8.0, 8.0, "The number of steps in use"),
    Param::steps("select", 1.0..=8.0, 1.0, "The first step"),
    Param::choice(
        "direction",
        &["forward", "backward", "ping-pong", "random"],
        0,
        "The order of the steps",
    ),
    Param::linear(
        "fade",
        0.0..=0.1,
        0.001,
        Unit::Secs,
        "The time of the crossfade between steps; 0 is a hard cut",
    ),
];

/// How open each way is at each frame of a quantum.
pub type Gains = [[f32; QUANTUM]; WAYS];

/// What clock, reset and voltage have chosen, and what still fades.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Selector {
    random: Random,
    steps: Steps,
    /// Clocks since the first step; at random, the way that was drawn.
    counted: u32,
    select: Detent,
    fades: [Fade; WAYS],
    has_started: u32,
    _unused: u32,
}

/// How a selector is set.
#[derive(Clone, Copy)]
struct Choice {
    /// How many ways are in use, 1 to [`WAYS`].
    ways: u32,
    /// Which way the first step is, from 0.
    first: i32,
    direction: usize,
    fade_step: f32,
}

impl Selector {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
    }

    /// With chance of its own.
    pub fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// How open each way is at each of the block's frames. The module's params
    /// are [`PARAMS`]; its inputs for clock, reset and voltage lie in this order,
    /// from `clock` on.
    #[inline(always)]
    pub fn gains(&mut self, block: &Block, clock: usize) -> Gains {
        let inputs = [clock, clock + 1, clock + 2].map(|port| block.input(port));
        let choice = Choice {
            ways: block.choice(STEPS).clamp(1, WAYS) as u32,
            first: block.choice(SELECT) as i32 - 1,
            direction: block.choice(DIRECTION),
            fade_step: fade::step(block.param(FADE), block.sample_rate_hz),
        };
        let mut gains = [[0.0; QUANTUM]; WAYS];
        for frame in block.frames() {
            let [clock, reset, volts] = inputs.map(|input| input.at(0, frame));
            match self.steps.next(clock, reset, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { .. } => self.counted = 0,
                Step::Next => self.advance(choice.ways, choice.direction),
            }
            let open = self.open_way(volts, choice);
            for (way, gains) in gains.iter_mut().enumerate() {
                if self.has_started == 0 {
                    self.fades[way].jump(way == open);
                }
                gains[frame] = self.fades[way].next(way == open, choice.fade_step);
            }
            self.has_started = 1;
        }
        gains
    }

    #[inline(always)]
    fn open_way(&mut self, volts: f32, choice: Choice) -> usize {
        let most = choice.ways as i32 - 1;
        let moved = self.select.follow(0.1 * choice.ways as f32 * volts).clamp(-most, most);
        let counted = way(self.counted, choice.ways, choice.direction) as i32;
        (counted + choice.first + moved).rem_euclid(choice.ways as i32) as usize
    }

    #[inline(always)]
    fn advance(&mut self, ways: u32, direction: usize) {
        self.counted = match direction {
            RANDOM => ((u64::from(self.random.bits()) * u64::from(ways)) >> 32) as u32,
            _ => (self.counted + 1) % round(ways, direction),
        };
    }
}

/// After how many clocks it begins anew.
#[inline(always)]
fn round(ways: u32, direction: usize) -> u32 {
    if direction == PING_PONG { (2 * ways - 2).max(1) } else { ways }
}

/// The way after so many clocks.
#[inline(always)]
fn way(counted: u32, ways: u32, direction: usize) -> u32 {
    let round = round(ways, direction);
    let counted = counted % round;
    match direction {
        BACKWARD => (ways - counted) % ways,
        PING_PONG => counted.min(round - counted),
        _ => counted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_goes_its_way() {
        let ways = |direction| (0..8).map(|n| way(n, 4, direction)).collect::<Vec<_>>();
        assert_eq!(ways(0), [0, 1, 2, 3, 0, 1, 2, 3]);
        assert_eq!(ways(BACKWARD), [0, 3, 2, 1, 0, 3, 2, 1]);
        assert_eq!(ways(PING_PONG), [0, 1, 2, 3, 2, 1, 0, 1]);
        assert!((0..5).all(|n| way(n, 1, PING_PONG) == 0));
    }
}
