//! When a sound rises through 0 V, to a small part of a frame.

use bytemuck::{Pod, Zeroable};

use super::const_math::kaiser_sinc;
use crate::lane::{LANES, Lane, each};
use crate::units::QUANTUM;

/// What stands for "it did not rise": later than any rise, in frames.
pub const NO_RISE: f32 = 2.0;
/// Frames that a rise is seen late, because it is looked at from both sides.
pub const LATENCY: usize = TAPS / 2;

const TAPS: usize = 32;
/// Rows of the table: places between two frames.
const PLACES: usize = 256;
/// 14.5 kHz at 48 kHz. The window leaves nothing from 20 kHz, where an edge may
/// carry aliases that would make it tremble.
const CUTOFF: f64 = 0.302;
const KAISER_BETA: f64 = 11.16;

/// A low-pass that says what a sound is between two frames.
static BETWEEN: [[f32; TAPS]; PLACES + 1] = between();

#[allow(long_running_const_eval, reason = "a second")]
const fn between() -> [[f32; TAPS]; PLACES + 1] {
    let mut table = [[0.0; TAPS]; PLACES + 1];
    let mut gain = 1.0;
    let mut place = 0;
    while place <= PLACES {
        let mut values = [0.0; TAPS];
        let mut sum = 0.0;
        let mut tap = 0;
        while tap < TAPS {
            let frames = tap as f64 - (LATENCY - 1) as f64 - place as f64 / PLACES as f64;
            values[tap] = kaiser_sinc(frames, LATENCY, CUTOFF, KAISER_BETA);
            sum += values[tap];
            tap += 1;
        }
        if place == 0 {
            gain = 1.0 / sum;
        }
        while tap > 0 {
            tap -= 1;
            table[place][tap] = (gain * values[tap]) as f32;
        }
        place += 1;
    }
    table
}

/// The last frames of a sound, in all channels: 32 of the quantum before, and
/// this quantum's.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Rise {
    groups: [[[f32; LANES]; 2 * QUANTUM]; 2],
}

const _: () = assert!(TAPS <= QUANTUM);

impl Rise {
    /// Takes the sound at a frame of the quantum. Returns how long before it
    /// the sound of [`LATENCY`] frames ago rose through 0 V, from 0 to 1 frame,
    /// or [`NO_RISE`].
    #[inline(always)]
    pub fn next<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        now: L,
    ) -> [f32; N] {
        let volts = &mut self.groups[group % 2];
        let frame = frame % QUANTUM;
        if frame == 0 {
            volts.copy_within(QUANTUM.., 0);
        }
        volts[QUANTUM + frame][..N].copy_from_slice(&now.to_lanes()[..N]);

        let after = QUANTUM + frame - LATENCY;
        let [from, to] = [volts[after - 1], volts[after]];
        let rises: [bool; N] = each(|lane| (from[lane] <= 0.0) & (to[lane] > 0.0));
        let mut late = [NO_RISE; N];
        if rises.iter().fold(false, |any, &here| any | here) {
            for lane in 0..N {
                if rises[lane] {
                    let around = &volts[after - LATENCY..][..TAPS];
                    late[lane] = lateness(&each(|tap| around[tap][lane]));
                }
            }
        }
        late
    }
}

/// How long before the frame after the middle the sound rose through 0 V: by
/// the secant method, from where a straight line would.
#[inline(always)]
fn lateness(around: &[f32; TAPS]) -> f32 {
    let [from, to] = [around[LATENCY - 1], around[LATENCY]];
    let mut slope = to - from;
    let mut time = (-from / slope).min(1.0);
    let mut volts = volts_at(around, time);
    for _ in 0..3 {
        let next = (time - volts / slope).clamp(0.0, 1.0);
        let next_volts = volts_at(around, next);
        let next_slope = (next_volts - volts) / (next - time);
        // Steps too small say nothing of the slope.
        if (next - time).abs() > 1e-3 && next_slope > 0.01 * slope {
            slope = next_slope;
        }
        (time, volts) = (next, next_volts);
    }
    1.0 - (time - volts / slope).clamp(0.0, 1.0)
}

#[inline(always)]
fn volts_at(around: &[f32; TAPS], time: f32) -> f32 {
    let place = time * PLACES as f32;
    let row = (place as usize).min(PLACES - 1);
    let (next, here, after) = (place - row as f32, &BETWEEN[row], &BETWEEN[row + 1]);
    // Eight sums at once, for SIMD.
    let mut sums = [0.0; 8];
    for tap in 0..TAPS {
        sums[tap % 8] += around[tap] * (here[tap] + next * (after[tap] - here[tap]));
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sines_rise_is_found_to_a_thousandth_of_a_frame() {
        // It rises at frames 0.3, 100.3, 200.3 and so on; the first is cut off.
        let mut rise = Rise::zeroed();
        let mut found = Vec::new();
        for frame in 0..1000usize {
            let turns = (frame as f32 - 100.3) / 100.0;
            let sine = (std::f32::consts::TAU * turns).sin();
            let [late] = rise.next::<f32, 1>(0, frame % QUANTUM, 5.0 * sine);
            if late < NO_RISE {
                found.push((frame - LATENCY) as f32 - late);
            }
        }
        assert_eq!(found.len(), 10);
        for (index, at) in found[1..].iter().enumerate() {
            assert!((at - 100.3 - 100.0 * index as f32).abs() < 1e-3, "{found:?}");
        }
    }
}
