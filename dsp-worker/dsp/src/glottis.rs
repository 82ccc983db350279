//! The voice before the mouth: how air flows through vocal folds.
//!
//! The flow's slope as in Klatt and Klatt, "Analysis, synthesis, and perception
//! of voice quality variations among female and male talkers", JASA 87(2), 1990
//! (KLGLOTT88): while the folds are open it is 2 x - 3 x², and they fall shut
//! with a step. All of its edges are free of aliasing.

use bytemuck::{Pod, Zeroable};

use crate::blep::{Edged, ORDERS, TAPS};
use crate::lane::{LANES, Lane};
use crate::phase::{self, Phases, TURN};
use crate::units::CHANNELS;

/// The fastest voice, in turns a frame: it never shuts and opens twice in one.
pub const TOP_TURNS: f32 = 0.2;
/// How long the folds may be open, in turns.
pub const OPEN_TURNS: [f32; 2] = [0.3, 0.95];

/// All folds of sixteen throats.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Glottis {
    wave: Edged,
    phases: Phases<CHANNELS>,
    /// How long they are open in this cycle, in turns.
    open: [f32; CHANNELS],
}

impl Glottis {
    /// The next frame: the flow's slope, 1/3 to -1, and how far the folds are
    /// open, 0 to 1. `open` is taken over when they next open.
    #[inline(always)]
    pub fn next<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        turns: L,
        open: L,
    ) -> [L; 2] {
        if frame.is_multiple_of(TAPS) {
            self.wave.start_count(group);
        }
        let c = L::splat;
        let step = phase::steps_per_frame::<L, N>(turns.min(TOP_TURNS.into()), c(0.0), 0.0);
        let from: Phases<N> = phase::load(&self.phases, group);
        let to = phase::add(from, step);
        phase::store(to, &mut self.phases, group);
        let open = open.clamp(OPEN_TURNS[0], OPEN_TURNS[1]).to_lanes();
        for lane in 0..N {
            self.edges(group, lane, frame, [from[lane], to[lane]], open[lane]);
        }
        let mut place = [0.0; LANES];
        for (place, to) in place.iter_mut().zip(to) {
            *place = to as u32 as f32 * (1.0 / TURN);
        }
        let x = L::from_lanes(place) / L::load(&self.open, group).max(c(OPEN_TURNS[0]));
        let flow = (x * x * (c(1.0) - x) * c(6.75)).max(c(0.0));
        let slope = x.at_least(c(1.0), c(0.0), (c(2.0) - c(3.0) * x) * x);
        [self.wave.pass(group, frame, slope), flow]
    }

    #[inline(always)]
    fn edges(
        &mut self,
        group: usize,
        lane: usize,
        frame: usize,
        [from, to]: [i32; 2],
        next_open: f32,
    ) {
        let channel = (group % 2) * LANES + lane;
        let open = self.open[channel].max(OPEN_TURNS[0]);
        let step = to.wrapping_sub(from) as f32;
        let shut = (open * TURN) as u32;
        let (was, is) = (from as u32, to as u32);
        let speed = step * (1.0 / TURN);
        let has_wrapped = is < was;
        if was < shut && (is >= shut || has_wrapped) {
            let late = to.wrapping_sub(shut as i32) as u32 as f32 / step;
            self.jump(group, lane, frame, late, speed / open, [1.0, 4.0, 6.0]);
        }
        if has_wrapped {
            self.open[channel] = next_open;
            let late = is as f32 / step;
            self.jump(group, lane, frame, late, speed / next_open, [0.0, 2.0, -6.0]);
        }
    }

    /// `speed` is that of x, a frame.
    #[inline(always)]
    fn jump(
        &mut self,
        group: usize,
        lane: usize,
        frame: usize,
        late: f32,
        speed: f32,
        by: [f32; 3],
    ) {
        let mut derivatives = [0.0; ORDERS];
        derivatives[0] = by[0];
        derivatives[1] = by[1] * speed;
        derivatives[2] = by[2] * speed * speed;
        self.wave.jump(group, lane, frame, late.min(1.0), derivatives);
    }
}

/// How far a natural pitch strays at that time, in shares of it, at an amount
/// from 0 to 1: the flutter of Klatt and Klatt, equation 1, and a vibrato.
#[inline(always)]
pub fn stray(seconds: f64, channel: usize, vibrato: f32, flutter: f32) -> f32 {
    // Each voice of a choir at its own time.
    let seconds = seconds + 3.7 * channel as f64;
    let sine = |hz: f64| {
        let turns = (seconds * hz) % 1.0;
        let [phase] = phase::from_turns::<f32, 1>(turns as f32);
        phase::sine::<f32, 1>([phase])
    };
    let slow = 0.02 * vibrato * sine(5.4 + 0.13 * (channel % 5) as f64);
    slow + flutter * 0.005 * (sine(12.7) + sine(7.1) + sine(4.7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Shape, alias, coherent_hz};
    use crate::units::QUANTUM;

    #[test]
    fn it_has_harmonics_and_nothing_else() {
        for near_hz in [110.0, 440.0, 1001.0, 2500.0] {
            let hz = coherent_hz(near_hz, 48_000.0);
            for open in [0.4, 0.6, 0.9] {
                let mut glottis = Glottis::zeroed();
                let sound: Vec<f32> = (0..80_000)
                    .map(|n| {
                        let turns = (hz / 48_000.0) as f32;
                        glottis.next::<f32, 1>(0, n % QUANTUM, turns, open)[0]
                    })
                    .collect();
                let found = alias(&sound, 48_000.0, hz, 1, Shape::Any);
                assert!(found.alias_20k_db < -105.0, "{open} at {near_hz} Hz: {found:?}");
                let mean = sound[40_000..].iter().sum::<f32>() / 4e4;
                assert!(mean.abs() < 1e-3, "{mean}");
            }
        }
    }
}
