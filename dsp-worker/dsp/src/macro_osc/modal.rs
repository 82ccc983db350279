//! A struck body: sixteen modes that ring.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::Controls;
use crate::exp2;
use crate::forget::clear;
use crate::lane::{LANES, Lane};
use crate::phase;
use crate::random::Random;
use crate::units::CHANNELS;

const MODES: usize = 16;
/// log2 of 1, 2, 3 and so on.
#[expect(
    clippy::approx_constant,
    clippy::excessive_precision,
    reason = "octaves of whole multiples, as they are"
)]
const OCTAVES: [f32; MODES] = [
    0.0,
    1.0,
    1.584_962_5,
    2.0,
    2.321_928,
    2.584_962_5,
    2.807_354_9,
    3.0,
    3.169_925,
    3.321_928,
    3.459_431_6,
    3.584_962_5,
    3.700_439_7,
    3.807_354_9,
    3.906_890_6,
    4.0,
];
/// log2(1000): a sound that is 60 dB down.
const OCTAVES_OF_60_DB: f32 = 9.965_784;

/// What the body remembers: for each mode a number in the complex plane that
/// turns and shrinks, and by what it is multiplied in a frame.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Modal {
    modes: [[[f32; CHANNELS]; 2]; MODES],
    turns: [[[f32; CHANNELS]; 2]; MODES],
    /// How much of a strike goes into each.
    gains: [[f32; CHANNELS]; MODES],
    /// How hard it is bowed, so that it is as loud however long it rings.
    bow: [f32; CHANNELS],
    random: [Random; CHANNELS],
}

impl Modal {
    /// Chance for every channel.
    pub fn start(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        for own in &mut self.random {
            *own = Random::new(u64::from(random.bits()));
        }
    }

    /// Once a quantum. Harmonics stretches the modes apart, from a string's to a
    /// bar's (whose lie as the squares); timbre is how hard the mallet is, morph
    /// how long it all rings.
    #[inline(always)]
    pub fn aim<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        controls: &Controls<L>,
        sample_rate_hz: f32,
    ) {
        let c = L::splat;
        let stretch = c(1.0) + (controls.harmonics - c(0.08)).max(c(0.0)) * c(1.0 / 0.92);
        let soft = c(1.0) - controls.timbre;
        let ring_secs = exp2(controls.morph * c(8.0)) * c(0.04);
        let mut sum = c(0.0);
        let mut gains = [c(0.0); MODES];
        for mode in 0..MODES {
            let turns = controls.turns * exp2(stretch * c(OCTAVES[mode]));
            let room = ((c(0.45) - turns) * c(20.0)).clamp(0.0, 1.0);
            let turns = turns.min(c(0.48));
            // High modes lose more to the air.
            let secs = ring_secs / (c(1.0) + c(mode as f32) * (soft * c(0.5) + c(0.08)));
            let loss = exp2(c(-OCTAVES_OF_60_DB / sample_rate_hz) / secs);
            let turned = phase::from_turns::<L, N>(turns);
            (phase::cosine::<L, N>(turned) * loss).store(&mut self.turns[mode][0], group);
            (phase::sine::<L, N>(turned) * loss).store(&mut self.turns[mode][1], group);
            if mode == 0 {
                let kept = (c(1.0) - loss * loss).max(c(0.0)).map(f32::sqrt);
                (kept * c(0.8)).store(&mut self.bow, group);
            }
            gains[mode] = room * exp2(soft * c(-1.2 * mode as f32));
            sum += gains[mode];
        }
        for (gain, kept) in gains.into_iter().zip(&mut self.gains) {
            (gain / (sum + c(1e-6))).store(kept, group);
        }
    }

    /// The next frame. Beside it, as picked up elsewhere: every other mode is
    /// upside down.
    #[inline(always)]
    pub fn next<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        controls: &Controls<L>,
    ) -> [L; 2] {
        let c = L::splat;
        let push = if controls.is_struck {
            controls.strike.keep(c(1.0))
        } else {
            let mut noise = [0.0; LANES];
            for (lane, value) in noise.iter_mut().enumerate().take(N) {
                *value = self.random[(group % 2) * LANES + lane].bipolar();
            }
            L::from_lanes(noise) * L::load(&self.bow, group)
        };
        let mut sums = [c(0.0); 2];
        for mode in 0..MODES {
            let [cos, sin] = self.turns[mode].each_ref().map(|turns| L::load(turns, group));
            let [x, y] = self.modes[mode].each_ref().map(|modes| L::load(modes, group));
            // 1e-18: they end in silence, and not in denormal numbers.
            let next_x = x * cos - y * sin + push * L::load(&self.gains[mode], group) + c(1e-18);
            let next_y = x * sin + y * cos;
            next_x.store(&mut self.modes[mode][0], group);
            next_y.store(&mut self.modes[mode][1], group);
            sums[0] += next_y;
            sums[1] = if mode % 2 == 0 { sums[1] + next_y } else { sums[1] - next_y };
        }
        sums
    }

    /// Stops what rings in those voices.
    pub fn forget(&mut self, channels: &Range<usize>) {
        clear(&mut self.modes, channels);
    }

    /// Stops what rings.
    pub fn hush(&mut self) {
        self.modes = Zeroable::zeroed();
    }
}
