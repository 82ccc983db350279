//! Four sines that bend each other's phase.
//!
//! Phase modulation as in Chowning, "The Synthesis of Complex Audio Spectra by
//! Means of Frequency Modulation", JAES 21(7), 1973. It runs at twice the sample
//! rate or four times, so that what is too high for it is filtered off.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::forget::clear;
use crate::half_band::{HalfBandState, STEEP, halve};
use crate::lane::{LANES, Lane, Lanes};
use crate::phase::{self, Phases};
use crate::ramps::Ramps;
use crate::units::CHANNELS;

/// Operators of a voice.
pub const OPERATORS: usize = 4;

/// Who bends whom: for each operator, from the first, those that bend it; and
/// those that are heard. Bit 0 is the first operator.
const ALGORITHMS: [([u8; OPERATORS], u8); 8] = [
    ([0b0010, 0b0100, 0b1000, 0], 0b0001),
    ([0b0010, 0b1100, 0, 0], 0b0001),
    ([0b1010, 0b0100, 0, 0], 0b0001),
    ([0b0110, 0, 0b1000, 0], 0b0001),
    ([0b0010, 0, 0b1000, 0], 0b0101),
    ([0b1000, 0b1000, 0b1000, 0], 0b0111),
    ([0, 0, 0b1000, 0], 0b0111),
    ([0, 0, 0, 0], 0b1111),
];
/// As written on panels: what stands last is heard.
pub const ALGORITHM_NAMES: [&str; ALGORITHMS.len()] = [
    "4-3-2-1",
    "(3+4)-2-1",
    "(4+3-2)-1",
    "(2+4-3)-1",
    "2-1 + 4-3",
    "4-(1+2+3)",
    "1 + 2 + 4-3",
    "1 + 2 + 3 + 4",
];

/// How far an operator at full level bends another's phase, in turns: an index
/// of 4π.
const BEND_TURNS: f32 = 2.0;
/// How far it bends its own, for the sum of two past samples: an index of π.
const FEEDBACK_TURNS: f32 = 0.25;

/// What an operator is to do in a frame.
#[derive(Clone, Copy)]
pub struct Task<L, const N: usize> {
    /// How far its phase goes in a half or a quarter of a frame.
    pub step: Phases<N>,
    /// Its level, 0 to 1.
    pub gain: L,
    /// How far it bends itself, 0 to 1. At a quarter it is nearly a saw.
    pub feedback: f32,
}

/// All that the operators of sixteen voices remember.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Operators {
    operators: [Operator; OPERATORS],
    /// How much operator `n` bends operator `m` at `4 m + n`, and on the
    /// diagonal how much each is heard. It glides, so that algorithms may be
    /// changed while they sound.
    routes: Ramps,
    /// From twice the sample rate down, and from four times to twice.
    halvers: [HalfBandState<STEEP>; 2],
}

impl Operators {
    /// Once a quantum: one of [`ALGORITHM_NAMES`].
    #[inline(always)]
    pub fn aim(&mut self, algorithm: usize) {
        self.routes.aim_all(&routes(algorithm));
    }

    /// What those voices have played is not heard any more.
    pub fn forget(&mut self, channels: &Range<usize>) {
        for operator in &mut self.operators {
            clear(&mut operator.past, channels);
        }
        clear(&mut self.halvers, channels);
    }

    /// The next frame, ±1: in two parts, or in four.
    #[inline(always)]
    pub fn next<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        tasks: &[Task<L, N>; OPERATORS],
        brightness: L,
        is_fourfold: bool,
    ) -> L {
        let routes = self.routes_at(frame);
        let mut are_bent = [false; OPERATORS];
        for n in 0..OPERATORS {
            are_bent[n] = tasks[n].feedback != 0.0;
            for other in n + 1..OPERATORS {
                are_bent[n] |= routes[OPERATORS * n + other] != 0.0;
            }
        }
        let mut halves = [L::default(); 2];
        for half in &mut halves {
            let mut quarters = [L::default(); 2];
            for quarter in &mut quarters[..if is_fourfold { 2 } else { 1 }] {
                *quarter = self.part(group, tasks, brightness, &routes, are_bent);
            }
            *half = match is_fourfold {
                true => halve(&mut self.halvers[1], group, quarters),
                false => quarters[0],
            };
        }
        halve(&mut self.halvers[0], group, halves)
    }

    #[inline(always)]
    fn routes_at(&self, frame: usize) -> [f32; 16] {
        let mut routes = [0.0; 16];
        for (group, routes) in routes.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            *routes = self.routes.at::<Lanes>(group, frame).to_lanes();
        }
        routes
    }

    /// All operators in turn, the last first: none is bent by one before it.
    #[inline(always)]
    fn part<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        tasks: &[Task<L, N>; OPERATORS],
        brightness: L,
        routes: &[f32; 16],
        are_bent: [bool; OPERATORS],
    ) -> L {
        let mut made = [L::default(); OPERATORS];
        let mut heard = L::default();
        for n in (0..OPERATORS).rev() {
            let mut bend = L::default();
            if are_bent[n] {
                for other in n + 1..OPERATORS {
                    bend += made[other] * routes[OPERATORS * n + other].into();
                }
            }
            made[n] = self.operators[n].part(group, &tasks[n], bend * brightness, are_bent[n]);
            heard += made[n] * routes[(OPERATORS + 1) * n].into();
        }
        heard
    }
}

/// An algorithm as [`Operators::routes`]. What is heard adds up to ±1 at most.
#[inline(always)]
fn routes(algorithm: usize) -> [f32; 16] {
    let (bends, heard) = ALGORITHMS[algorithm % ALGORITHMS.len()];
    let mut routes = [0.0; 16];
    for operator in 0..OPERATORS {
        for other in 0..OPERATORS {
            let is_bent = bends[operator] >> other & 1 == 1;
            routes[OPERATORS * operator + other] = if is_bent { BEND_TURNS } else { 0.0 };
        }
        let is_heard = heard >> operator & 1 == 1;
        routes[(OPERATORS + 1) * operator] =
            if is_heard { 1.0 / heard.count_ones() as f32 } else { 0.0 };
    }
    routes
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Operator {
    phases: Phases<CHANNELS>,
    /// What it made last, and before that.
    past: [[f32; CHANNELS]; 2],
}

impl Operator {
    /// The mean of two past samples damps the hunting that feedback falls into
    /// (Tomisawa, US patent 4,249,447, 1981).
    #[inline(always)]
    fn part<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        task: &Task<L, N>,
        bend: L,
        is_bent: bool,
    ) -> L {
        let (last, before) = (L::load(&self.past[0], group), L::load(&self.past[1], group));
        let phases = phase::add(phase::load::<N>(&self.phases, group), task.step);
        phase::store(phases, &mut self.phases, group);
        let mut bent = phases;
        if is_bent {
            let bend = bend + (last + before) * (task.feedback * FEEDBACK_TURNS).into();
            bent = phase::add(phases, phase::from_turns::<L, N>(bend));
        }
        let made = phase::sine::<L, N>(bent) * task.gain;
        last.store(&mut self.past[1], group);
        made.store(&mut self.past[0], group);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_what_their_names_say() {
        for ((bends, heard), name) in ALGORITHMS.into_iter().zip(ALGORITHM_NAMES) {
            let last: u32 = heard.count_ones();
            let arrows: u32 = bends.iter().map(|by| by.count_ones()).sum();
            let plus = name.matches('+').count() as u32;
            // Every operator bends one that is heard, or is heard; 4 bends three.
            let bends_three = u32::from(name.contains("(1+2+3)")) * 2;
            assert_eq!(arrows + last, OPERATORS as u32 + bends_three, "{name}");
            let inner = name.contains('(') && !name.contains("(1+2+3)");
            assert_eq!(plus, last - 1 + u32::from(inner), "{name}");
            assert!(bends.iter().enumerate().all(|(n, by)| by & ((2 << n) - 1) == 0), "{name}");
        }
    }
}
