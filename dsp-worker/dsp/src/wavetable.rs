//! Tables of single cycles, read at any pitch without aliasing.
//!
//! A table is a row of cycles, each a [`chain`] of levels. A phase that runs at
//! twice the sample rate takes the level whose highest harmonic stays so low
//! that nothing comes back below 20 kHz; what differs between one level and the
//! next is then filtered off, so levels change unheard.

use super::const_math::sin;
use super::phase::{self, Phases};
use crate::lane::{LANES, Lane};
use crate::units::FULL_SCALE_CLIP_VOLTS;

pub mod chain;

use chain::{CHAIN, LENGTHS, LEVELS, STARTS};

/// The banks that come with the program.
pub const NAMES: [&str; 8] = ["classic", "pulse", "sync", "vowel", "organ", "peak", "fold", "fm"];
/// Cycles of each of them.
const CYCLES: usize = 8;

#[repr(C, align(64))]
struct Aligned<Bytes: ?Sized>(Bytes);

/// What the build script has made of `banks.rs`.
static BANKS: &Aligned<[u8]> =
    &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/wavetables.bin")));

const _: () = assert!(
    include_bytes!(concat!(env!("OUT_DIR"), "/wavetables.bin")).len()
        == 4 * NAMES.len() * CYCLES * CHAIN
);

/// Cycles that a sound may have.
pub const MOST_CYCLES: usize = 256;

/// The chains of a sound of cycles, one behind the other, each [`chain::CYCLE`]
/// frames long. A shorter sound is one cycle, whatever its length. Allocates; not
/// real-time.
pub fn table(sound: &[f32]) -> Vec<f32> {
    let length = sound.len().clamp(1, chain::CYCLE);
    let cycles = sound.chunks_exact(length).take(MOST_CYCLES);
    cycles
        .flat_map(|cycle| {
            let scaled = |&volts: &f32| f64::from(volts) / f64::from(FULL_SCALE_CLIP_VOLTS);
            let cycle: Vec<f64> = cycle.iter().map(scaled).collect();
            chain::chain(&chain::harmonics(&cycle))
        })
        .collect()
}

/// A row of cycles.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    cycles: &'a [[f32; CHAIN]],
}

impl<'a> Table<'a> {
    /// One of the banks of [`NAMES`].
    #[inline(always)]
    pub fn bank(bank: usize) -> Table<'static> {
        let (cycles, _) = bytemuck::cast_slice::<u8, f32>(&BANKS.0).as_chunks();
        let first = (bank % NAMES.len()) * CYCLES;
        Table { cycles: &cycles[first..first + CYCLES] }
    }

    /// A table of chains, one behind the other. `None` where there is not even
    /// one.
    #[inline(always)]
    pub fn of(chains: &'a [f32]) -> Option<Table<'a>> {
        let (cycles, _) = chains.as_chunks();
        (!cycles.is_empty()).then_some(Table { cycles })
    }

    /// The wave at those phases, in cycles next to `position`, 0 to 1. The phase
    /// moves by `turns` half a frame.
    #[inline(always)]
    pub fn at<L: Lane, const N: usize>(&self, phases: Phases<N>, turns: L, position: L) -> L {
        let last = self.cycles.len() as u32 - 1;
        let places = position.clamp(0.0, 1.0) * (last as f32).into();
        let cycles: Phases<N> = phase::truncate(places);
        let places = places.to_lanes();
        let splines = Splines::<L, N>::new(phases, turns.abs());
        let (mut ways, mut any_way) = ([0.0; LANES], 0);
        let (mut starts, mut next_starts) = ([0; N], [0; N]);
        for lane in 0..N {
            let cycle = cycles[lane] as u32;
            ways[lane] = places[lane] - cycles[lane] as f32;
            any_way |= ways[lane].to_bits();
            starts[lane] = cycle.min(last) * CHAIN as u32;
            next_starts[lane] = (cycle + 1).min(last) * CHAIN as u32;
        }
        let here = splines.read(self.cycles, &starts);
        if any_way == 0 {
            return here;
        }
        here + L::from_lanes(ways) * (splines.read(self.cycles, &next_starts) - here)
    }
}

/// The fullest level whose top harmonic is below 0.78 of twice the sample rate:
/// what comes back from there is above 21 kHz of 48.
#[inline(always)]
fn level(turns: f32) -> u32 {
    const TOP: f32 = 0.78 / chain::HARMONICS as f32;
    // The power of two that is not below turns / TOP.
    let exponent = ((turns * (1.0 / TOP)).to_bits() + 0x007f_ffff) >> 23;
    exponent.max(127).min(127 + LEVELS as u32 - 1) - 127
}

/// For every channel four samples around a phase, and their weights.
struct Splines<L, const N: usize> {
    places: [[u32; N]; 4],
    weights: [L; 4],
}

impl<L: Lane, const N: usize> Splines<L, N> {
    #[inline(always)]
    fn new(phases: Phases<N>, turns: L) -> Splines<L, N> {
        let turns = turns.to_lanes();
        let mut x = [0.0; LANES];
        let mut places = [[0; N]; 4];
        for lane in 0..N {
            let level = level(turns[lane]);
            let length = LENGTHS[level as usize] as u32;
            let start = STARTS[level as usize] as u32;
            let bits = length.trailing_zeros();
            let phase = phases[lane] as u32;
            let before = phase >> (32 - bits);
            // 24 bits of what is left; below 2^24, so that the sign does not matter.
            x[lane] = ((phase << bits) >> 8) as i32 as f32 * (1.0 / 16_777_216.0);
            for ahead in 0..4 {
                let place = before.wrapping_add(ahead as u32).wrapping_sub(1);
                places[ahead][lane] = start + (place & (length - 1));
            }
        }
        let c = L::splat;
        let x = L::from_lanes(x);
        let y = c(1.0) - x;
        let (sixth, two_thirds) = (c(1.0 / 6.0), c(2.0 / 3.0));
        Splines {
            places,
            weights: [
                sixth * y * y * y,
                two_thirds - x * x * (c(1.0) - c(0.5) * x),
                two_thirds - y * y * (c(1.0) - c(0.5) * y),
                sixth * x * x * x,
            ],
        }
    }

    #[inline(always)]
    fn read(&self, cycles: &[[f32; CHAIN]], starts: &[u32; N]) -> L {
        let chains = cycles.as_flattened();
        let mut samples = [[0.0; LANES]; 4];
        for lane in 0..N {
            for tap in 0..4 {
                let place = (starts[lane] + self.places[tap][lane]) as usize;
                samples[tap][lane] = chains.get(place).copied().unwrap_or(0.0);
            }
        }
        let [wa, wb, wc, wd] = self.weights;
        let at = |tap: usize| L::from_lanes(samples[tap]);
        (at(0) * wa + at(1) * wb) + (at(2) * wc + at(3) * wd)
    }
}

/// Reads a little of every page of the tables, so that none comes from disk
/// while playing.
pub fn touch() -> u8 {
    BANKS.0.iter().step_by(1024).fold(0, |sum, byte| sum ^ std::hint::black_box(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn a_level_has_as_many_harmonics_as_there_is_room_for() {
        assert_eq!(level(0.0), 0);
        assert_eq!(level(0.77 / 512.0), 0);
        assert_eq!(level(0.79 / 512.0), 1);
        assert_eq!(level(0.77 / 4.0), 7);
        assert_eq!(level(0.49), LEVELS as u32 - 1);
    }

    #[test]
    fn a_chain_read_between_samples_is_the_cycle() {
        let wave = |phase: f64| (TAU * phase).sin() + 0.3 * (TAU * 7.0 * phase + 1.0).cos();
        let cycle: Vec<f64> = (0..2048).map(|n| wave(f64::from(n) / 2048.0)).collect();
        let chain = chain::chain(&chain::harmonics(&cycle));
        let table = Table::of(&chain).unwrap();
        for step in 0..1000u32 {
            let phase = step.wrapping_mul(0x0123_4567);
            let found = table.at::<f32, 1>([phase as i32], 0.001, 0.0);
            let error = f64::from(found) - wave(f64::from(phase) / 4_294_967_296.0);
            assert!(error.abs() < 2e-6, "{step}: {error}");
        }
    }
}
