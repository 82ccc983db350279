//! Noise that has a pitch, and particles that strike resonators.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::{Controls, crossfade};
use crate::exp2;
use crate::forget::clear;
use crate::lane::{LANES, Lane};
use crate::mask::Mask;
use crate::random::Random;
use crate::svf::{Cutoff, Svf, SvfState};
use crate::units::CHANNELS;

/// Resonators that particles strike.
const RESONATORS: usize = 6;

/// What the models of chance remember.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Chance {
    random: [Random; CHANNELS],
    filters: [SvfState; RESONATORS],
    /// Each resonator's pitch, in octaves from that of the voice, over how far
    /// they are spread.
    places: [[f32; CHANNELS]; RESONATORS],
}

impl Chance {
    /// Chance for every channel.
    pub fn start(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        for own in &mut self.random {
            *own = Random::new(u64::from(random.bits()));
        }
    }

    /// Stops what rings in those voices.
    pub fn forget(&mut self, channels: &Range<usize>) {
        clear(&mut self.filters, channels);
    }

    #[inline(always)]
    fn bipolar<L: Lane, const N: usize>(&mut self, group: usize) -> L {
        let mut lanes = [0.0; LANES];
        for (lane, value) in lanes.iter_mut().enumerate().take(N) {
            *value = self.random[(group % 2) * LANES + lane].bipolar();
        }
        L::from_lanes(lanes)
    }

    /// Noise, from dense to scattered (harmonics), through a filter at the pitch:
    /// morph from lowpass over bandpass to highpass, timbre its resonance.
    /// Beside it, a bandpass a fifth above.
    #[inline(always)]
    pub fn noise<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        controls: &Controls<L>,
    ) -> [L; 2] {
        let c = L::splat;
        let white = self.bipolar::<L, N>(group);
        // Each of the same power: the mean of x², x⁶ and x¹⁸ is 1/3, 1/7, 1/19.
        let cube = white * white * white;
        let kinds = [white * c(1.732), cube * c(2.646), cube * cube * cube * c(4.359)];
        let fades = crossfade::<L, 3>(controls.harmonics);
        let noise = kinds[0] * fades[0] + kinds[1] * fades[1] + kinds[2] * fades[2];

        let open = c(1.0) - controls.timbre;
        let damping = open * open * c(1.4) + c(0.004);
        let resonant = damping.map(f32::sqrt);
        let mut sounds = [c(0.0); 2];
        let shape = crossfade::<L, 3>(controls.morph);
        for (filter, ratio) in [1.0, 1.5].into_iter().enumerate() {
            let turns = (controls.turns * c(ratio)).min(c(0.45));
            let mut svf = Svf::load(&self.filters[filter], group);
            let taps = svf.next(noise, &Cutoff::new(turns), damping);
            svf.store(&mut self.filters[filter], group);
            // Noise of all frequencies holds less below a low cutoff.
            let band = taps.band * resonant * (c(0.25) / turns).map(f32::sqrt) * c(0.7);
            let low = taps.low * resonant * (c(0.25) / turns).map(f32::sqrt) * c(0.8);
            sounds[filter] = if filter == 0 {
                low * shape[0] + band * shape[1] + taps.high * resonant * shape[2]
            } else {
                band
            };
        }
        sounds.map(|sound| sound * c(0.3))
    }

    /// Particles strike six resonators: timbre says how often, harmonics how far
    /// their pitches lie apart, morph how long they ring. Beside it, every
    /// other one of them.
    #[inline(always)]
    pub fn particles<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        controls: &Controls<L>,
        seconds_per_frame: f32,
    ) -> [L; 2] {
        let c = L::splat;
        let chance = exp2(controls.timbre * c(9.0)) * c(2.0 * seconds_per_frame);
        let chance = if controls.is_struck { c(0.0) } else { chance };
        let (strikes, struck) = self.strikes::<L, N>(group, controls.strike, chance);
        let short = c(1.0) - controls.morph;
        let damping = short * short * short * c(0.4) + c(0.0015);
        let spread = controls.harmonics * controls.harmonics * c(2.5);
        let mut sums = [c(0.0); 2];
        for resonator in 0..RESONATORS {
            let place = L::load(&self.places[resonator], group);
            let turns = (controls.turns * exp2(place * spread)).min(c(0.4)).max(c(1e-4));
            // An impulse of height 1 rings up to 2π times the turns. Where they
            // come faster than it rings off, their powers add up.
            let speed = turns * c(std::f32::consts::TAU);
            let crowd = chance * c(1.0 / RESONATORS as f32) / (speed * damping);
            let height = c(1.0) / (speed * (c(1.0) + crowd).map(f32::sqrt));
            let hits = Mask::above(c(0.5), (struck - c(resonator as f32)).abs());
            let hits = hits.or(Mask::above(struck, c(RESONATORS as f32 - 0.5)));
            let mut svf = Svf::load(&self.filters[resonator], group);
            let taps = svf.next(hits.keep(strikes * height), &Cutoff::new(turns), damping);
            svf.hold_within(20.0);
            svf.store(&mut self.filters[resonator], group);
            sums[0] += taps.band;
            if resonator % 2 == 0 {
                sums[1] += taps.band;
            }
        }
        [sums[0] * c(0.6), sums[1] * c(0.75)]
    }

    /// How hard, and which resonator; a trigger strikes them all.
    #[inline(always)]
    fn strikes<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        trigger: Mask<L>,
        chance: L,
    ) -> (L, L) {
        let (trigger, chance) = (trigger.keep(1.0.into()).to_lanes(), chance.to_lanes());
        let (mut strikes, mut struck) = ([0.0; LANES], [-1.0; LANES]);
        for lane in 0..N {
            let channel = (group % 2) * LANES + lane;
            let random = &mut self.random[channel];
            let drawn = random.unipolar();
            if trigger[lane] != 0.0 {
                (strikes[lane], struck[lane]) = (0.8, RESONATORS as f32);
                for places in &mut self.places {
                    places[channel] = random.bipolar();
                }
            } else if drawn < chance[lane] {
                let which = random.bits() as usize % RESONATORS;
                struck[lane] = which as f32;
                strikes[lane] = random.bipolar();
                self.places[which][channel] = random.bipolar();
            }
        }
        (L::from_lanes(strikes), L::from_lanes(struck))
    }
}
