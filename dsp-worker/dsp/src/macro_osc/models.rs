//! Which model is which, and what those remember that go by a phase alone.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::analog::{self, Analog};
use super::bend::bend;
use super::fm;
use super::fold::fold;
use super::formant;
use super::harmonic::harmonic;
use super::modal::Modal;
use super::noise::Chance;
use super::terrain::terrain;
use super::{Controls, staircase};
use crate::exp2;
use crate::forget::clear;
use crate::half_band::{HalfBandState, STEEP, halve};
use crate::lane::{Lane, each};
use crate::phase::{self, Phases};
use crate::ramps::Ramps;
use crate::units::CHANNELS;

/// What models are called.
pub const MODELS: [&str; 14] = [
    "pair",
    "chord",
    "swarm",
    "fold",
    "bend",
    "fm",
    "terrain",
    "harmonic",
    "grain",
    "vowel",
    "noise",
    "particles",
    "string",
    "modal",
];
/// The model that a new one plays.
pub const PAIR: usize = 0;
const CHORD: usize = 1;
const SWARM: usize = 2;
const FOLD: usize = 3;
const BEND: usize = 4;
const FM: usize = 5;
const TERRAIN: usize = 6;
const HARMONIC: usize = 7;
const GRAIN: usize = 8;
const VOWEL: usize = 9;
const NOISE: usize = 10;
/// Rings by itself.
pub const PARTICLES: usize = 11;
/// Rings by itself, on tapes: see [`super::string`].
pub const STRING: usize = 12;
/// Rings by itself.
pub const MODAL: usize = 13;

/// The main signal, and the one beside it.
pub const OUTPUTS: usize = 2;

/// All models but strings.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Models {
    analog: Analog,
    chance: Chance,
    modal: Modal,
    /// At half the pitch, so that a sub-octave costs nothing.
    phases: Phases<CHANNELS>,
    fm_phases: Phases<CHANNELS>,
    halvers: [HalfBandState<STEEP>; OUTPUTS],
    /// Of the pair's second oscillator, the chord's notes, or the FM's second
    /// sine, against the pitch.
    ratios: [Ramps; 4],
}

impl Models {
    /// Chance for every model.
    pub fn start(&mut self, seed: u64) {
        self.analog.start(seed);
        self.chance.start(seed ^ 1);
        self.modal.start(seed ^ 2);
    }

    /// What those voices have played is not heard any more.
    pub fn forget(&mut self, channels: &Range<usize>) {
        clear(&mut self.halvers, channels);
        self.chance.forget(channels);
        self.modal.forget(channels);
    }

    /// Stops what rings.
    pub fn hush(&mut self) {
        self.modal.hush();
    }

    /// Once a quantum: what is too slow to be worked out frame by frame.
    #[inline(always)]
    pub fn aim<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        model: usize,
        controls: &Controls<L>,
        sample_rate_hz: f32,
    ) {
        let interval = |semitones: L| exp2(semitones * L::splat(1.0 / 12.0));
        match model {
            PAIR => {
                let semitones = staircase(controls.harmonics, &analog::INTERVALS);
                self.ratios[0].aim(group, interval(semitones));
            }
            CHORD => {
                for (ratio, notes) in self.ratios.iter_mut().zip(&analog::CHORDS) {
                    ratio.aim(group, interval(staircase(controls.harmonics, notes)));
                }
            }
            FM => self.ratios[0].aim(group, staircase(controls.harmonics, &fm::RATIOS)),
            MODAL => self.modal.aim::<L, N>(group, controls, sample_rate_hz),
            _ => {}
        }
    }

    /// The next frame of a model.
    #[inline(always)]
    pub fn sound<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        model: usize,
        controls: &Controls<L>,
        sample_rate_hz: f32,
    ) -> [L; OUTPUTS] {
        let seconds_per_frame = 1.0 / sample_rate_hz;
        match model {
            PAIR => {
                let ratio = self.ratios[0].at(group, frame);
                self.analog.pair::<L, N>(group, frame, controls, ratio)
            }
            CHORD => {
                let ratios = self.ratios.each_ref().map(|ratio| ratio.at(group, frame));
                self.analog.chord::<L, N>(group, frame, controls, ratios)
            }
            SWARM => self.analog.swarm::<L, N>(group, frame, controls, seconds_per_frame),
            FOLD | BEND | FM | TERRAIN => self.doubled::<L, N>(group, frame, model, controls),
            HARMONIC => harmonic(self.next_phases::<L, N>(group, controls.turns), controls),
            GRAIN => {
                let phases = self.next_phases::<L, N>(group, controls.turns);
                formant::grain(phases, controls, sample_rate_hz)
            }
            VOWEL => {
                let phases = self.next_phases::<L, N>(group, controls.turns);
                formant::vowel(phases, controls, sample_rate_hz)
            }
            NOISE => self.chance.noise::<L, N>(group, controls),
            PARTICLES => self.chance.particles::<L, N>(group, controls, seconds_per_frame),
            _ => self.modal.next::<L, N>(group, controls),
        }
    }

    /// Those that run at twice the sample rate.
    #[inline(always)]
    fn doubled<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        model: usize,
        controls: &Controls<L>,
    ) -> [L; OUTPUTS] {
        let controls = Controls { turns: controls.turns * 0.5.into(), ..*controls };
        let halves: [[L; 2]; 2] = each(|_| {
            let phases = self.next_phases::<L, N>(group, controls.turns);
            match model {
                FOLD => fold(phases, &controls),
                BEND => bend(phases, &controls),
                FM => {
                    let ratio = self.ratios[0].at(group, frame);
                    let others = self.next_fm_phases::<L, N>(group, controls.turns, ratio);
                    let halves = phase::load::<N>(&self.phases, group);
                    fm::fm(halves, others, ratio, &controls)
                }
                _ => terrain(phases, &controls),
            }
        });
        each(|output| {
            halve(&mut self.halvers[output], group, [halves[0][output], halves[1][output]])
        })
    }

    /// Moves the phase on. Returns it at the pitch, not at half of it.
    #[inline(always)]
    fn next_phases<L: Lane, const N: usize>(&mut self, group: usize, turns: L) -> Phases<N> {
        let step = phase::steps_per_frame::<L, N>(turns * 0.5.into(), L::default(), 0.0);
        let phases = phase::add(phase::load(&self.phases, group), step);
        phase::store(phases, &mut self.phases, group);
        phases.map(|phase| phase.wrapping_mul(2))
    }

    #[inline(always)]
    fn next_fm_phases<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        turns: L,
        ratio: L,
    ) -> Phases<N> {
        let more = ratio - L::splat(1.0);
        // In f64 there, so that whole ratios stay whole.
        let step = phase::steps_per_frame::<L, N>(turns, more, 1.0);
        let phases = phase::add(phase::load(&self.fm_phases, group), step);
        phase::store(phases, &mut self.fm_phases, group);
        phases
    }
}
