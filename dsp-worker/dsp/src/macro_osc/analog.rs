//! Saws and pulses free of aliasing: a pair, a chord, a swarm.

use bytemuck::{Pod, Zeroable};

use super::Controls;
use crate::blep::{Edged, TAPS};
use crate::exp2;
use crate::lane::{LANES, Lane, each};
use crate::mask::Mask;
use crate::phase::{self, Phases};
use crate::random::Random;
use crate::units::CHANNELS;

const SAWS: usize = 8;
const NOTES: usize = 4;

/// Intervals of the pair's second oscillator in semitones, for harmonics from 0
/// to 1.
pub const INTERVALS: [f32; 9] = [0.0, 0.08, 0.2, 3.0, 5.0, 7.0, 12.0, 19.0, 24.0];

/// Chords in semitones, for harmonics from 0 to 1: each note by itself, from
/// the lowest.
pub const CHORDS: [[f32; 11]; NOTES] = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.06, 12.0, 7.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 2.0, 5.0],
    [12.0, 12.06, 12.0, 7.0, 7.0, 6.0, 7.0, 7.0, 8.0, 7.0, 7.0],
    [12.05, 24.0, 19.0, 12.0, 10.0, 9.0, 12.0, 11.0, 12.0, 12.0, 10.0],
];

/// What the models of saws remember.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Analog {
    outputs: [Edged; 2],
    saws: [Phases<CHANNELS>; SAWS],
    /// Where each grain of the swarm is in its life, and which note it sings,
    /// -1 to 1.
    ages: [Phases<CHANNELS>; SAWS],
    notes: [[f32; CHANNELS]; SAWS],
    random: [Random; CHANNELS],
}

impl Analog {
    /// Chance for every channel.
    pub fn start(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        for own in &mut self.random {
            *own = Random::new(u64::from(random.bits()));
        }
        for ages in &mut self.ages {
            ages.fill_with(|| random.bits() as i32);
        }
    }

    /// Two oscillators, each from saw through square to a narrow pulse (timbre);
    /// morph brings in the second, `ratio` above the first. Beside it, the
    /// second alone.
    #[inline(always)]
    pub fn pair<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        controls: &Controls<L>,
        ratio: L,
    ) -> [L; 2] {
        let c = L::splat;
        let wave = Wave::of(controls.timbre);
        let second = controls.morph;
        let mut sums = self.start_frame(group, frame);
        self.oscillator::<L, N>(
            group,
            frame,
            0,
            controls.turns,
            wave,
            [c(1.0) - second * c(0.5), c(0.0)],
            &mut sums,
        );
        let gains = [second * c(0.5), c(1.0)];
        let turns = controls.turns * ratio;
        self.oscillator::<L, N>(group, frame, 2, turns, wave, gains, &mut sums);
        self.end_frame(group, frame, sums)
    }

    /// Four notes, `ratios` above the pitch. Timbre goes from saws to pulses,
    /// morph lets the upper notes come in one by one. Beside it, the lowest
    /// note.
    #[inline(always)]
    pub fn chord<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        controls: &Controls<L>,
        ratios: [L; NOTES],
    ) -> [L; 2] {
        let c = L::splat;
        let wave = Wave::of(controls.timbre);
        let mut sums = self.start_frame(group, frame);
        for (note, ratio) in ratios.into_iter().enumerate() {
            let comes = controls.morph * c(4.0) - c(note as f32);
            let gain = if note == 0 { c(0.27) } else { (comes + c(1.0)).clamp(0.0, 1.0) * c(0.27) };
            let gains = [gain, if note == 0 { c(1.0) } else { c(0.0) }];
            let turns = controls.turns * ratio;
            self.oscillator::<L, N>(group, frame, 2 * note, turns, wave, gains, &mut sums);
        }
        self.end_frame(group, frame, sums)
    }

    /// Eight saws that come and go. Timbre says how often, harmonics how far
    /// from the pitch, morph how short their lives are against the silence
    /// between. Beside it, the same as sines.
    #[inline(always)]
    pub fn swarm<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        controls: &Controls<L>,
        seconds_per_frame: f32,
    ) -> [L; 2] {
        let c = L::splat;
        let mut sums = self.start_frame(group, frame);
        let births = exp2(controls.timbre * c(7.0)) * c(0.5 * seconds_per_frame);
        let births: Phases<N> = phase::steps_per_frame(births, c(0.0), 0.0);
        let spread = controls.harmonics * controls.harmonics * c(2.0) + c(0.003);
        let steep = c(1.0) + controls.morph * controls.morph * c(12.0);
        let loudness = c(0.2) + controls.morph * c(0.3);
        for saw in 0..SAWS {
            let age = phase::load::<N>(&self.ages[saw], group);
            let older = phase::add(age, births);
            phase::store(older, &mut self.ages[saw], group);
            for lane in 0..N {
                // Born again at half a turn, where it is silent.
                if age[lane] >= 0 && older[lane] < 0 {
                    let channel = (group % 2) * LANES + lane;
                    self.notes[saw][channel] = self.random[channel].bipolar();
                }
            }
            let note = L::load(&self.notes[saw], group);
            let turns = (controls.turns * exp2(note * spread)).min(c(0.45));
            // Loudest at age 0, a smooth hill down to both ends.
            let hill = phase::cosine::<L, N>(older) * c(0.5) - c(0.5);
            let hill = (c(1.0) + hill * steep).max(c(0.0));
            // The shorter they live, the fewer sing at once.
            let gain = hill * hill * (c(3.0) - hill - hill) * loudness;

            let from: Phases<N> = phase::load(&self.saws[saw], group);
            let step = phase::steps_per_frame::<L, N>(turns, c(0.0), 0.0);
            let to = phase::add(from, step);
            self.saw(group, frame, saw, to, [gain, c(0.0)], &mut sums);
            sums[1] += gain * phase::sine::<L, N>(to);
        }
        self.end_frame(group, frame, sums)
    }

    /// A saw, or two of which one is taken from the other: a pulse.
    #[expect(clippy::too_many_arguments, reason = "a place in the sums, and what goes there")]
    #[inline(always)]
    fn oscillator<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        saw: usize,
        turns: L,
        wave: Wave<L>,
        gains: [L; 2],
        sums: &mut [L; 2],
    ) {
        let from: Phases<N> = phase::load(&self.saws[saw], group);
        let step = phase::steps_per_frame::<L, N>(turns.min(0.45.into()), L::default(), 0.0);
        let to = phase::add(from, step);
        let gains = gains.map(|gain| gain * wave.gain);
        self.saw(group, frame, saw, to, gains, sums);
        let behind = phase::add(to, phase::from_unipolar_turns::<L, N>(wave.width));
        let less = L::default() - wave.less;
        self.saw(group, frame, saw + 1, behind, gains.map(|gain| gain * less), sums);
    }

    /// Moves a saw to a phase, and adds it to both sums.
    #[inline(always)]
    fn saw<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        saw: usize,
        to: Phases<N>,
        gains: [L; 2],
        sums: &mut [L; 2],
    ) {
        let from: Phases<N> = phase::load(&self.saws[saw], group);
        phase::store(to, &mut self.saws[saw], group);
        // It falls at half a turn, or rises there where it is pushed back.
        let is_over: [bool; N] = each(|lane| {
            let way = to[lane].wrapping_sub(from[lane]);
            (to[lane] ^ from[lane] < 0) & ((way ^ to[lane]) < 0)
        });
        if is_over.iter().fold(false, |any, &here| any | here) {
            let heights = gains.map(|gain| (gain * L::splat(-2.0)).to_lanes());
            for lane in 0..N {
                if is_over[lane] {
                    let way = to[lane].wrapping_sub(from[lane]) as f32;
                    let late = to[lane].wrapping_sub(i32::MIN) as f32 / way;
                    let sign = if way < 0.0 { -1.0 } else { 1.0 };
                    let heights = heights.map(|height| sign * height[lane]);
                    Edged::step_together(&mut self.outputs, group, lane, frame, late, heights);
                }
            }
        }
        let volts = phase::saw::<L, N>(to);
        for (sum, gain) in sums.iter_mut().zip(gains) {
            *sum += volts * gain;
        }
    }

    #[inline(always)]
    fn start_frame<L: Lane>(&mut self, group: usize, frame: usize) -> [L; 2] {
        if frame.is_multiple_of(TAPS) {
            self.outputs.iter_mut().for_each(|output| output.start_count(group));
        }
        [L::default(); 2]
    }

    #[inline(always)]
    fn end_frame<L: Lane>(&mut self, group: usize, frame: usize, sums: [L; 2]) -> [L; 2] {
        each(|output| self.outputs[output].pass(group, frame, sums[output]))
    }
}

/// What of a second saw is taken from the first.
#[derive(Clone, Copy)]
struct Wave<L> {
    less: L,
    width: L,
    gain: L,
}

impl<L: Lane> Wave<L> {
    /// A saw at 0, a square in the middle, a narrow pulse at 1.
    #[inline(always)]
    fn of(knob: L) -> Wave<L> {
        let twice = knob + knob;
        let is_pulse = Mask::above(twice, L::splat(1.0));
        let narrow = L::splat(0.5) - (twice - L::splat(1.0)) * 0.46.into();
        let width = is_pulse.pick(narrow, 0.5.into());
        // A narrow pulse stands out to one side: all are as high as a saw.
        let gain = L::splat(0.5) / (L::splat(1.0) - width);
        Wave { less: twice.min(1.0.into()), width, gain }
    }
}
