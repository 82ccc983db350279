//! Phases that neither drift nor run out of digits: whole numbers, 2^32 to a
//! turn, that wrap as phases do.

use super::sine::sine_of_triangle;
use crate::lane::{LANES, Lane, each};

/// One turn, as a number of steps of the phase.
pub const TURN: f32 = 4_294_967_296.0;

/// The fastest that a phase moves, in turns a frame.
const MAX_STEP: f64 = 0.49;

/// A phase for each of `N` channels; half a turn is the most negative number.
pub type Phases<const N: usize> = [i32; N];

/// `turns` a frame, times `1 + fm`, as steps of the phase. It is cut off just
/// below half a turn, forwards or backwards.
///
/// In f64: f32 would blur deep FM.
#[inline(always)]
pub fn steps_per_frame<L: Lane, const N: usize>(turns: L, fm: L, fm_gain: f32) -> Phases<N> {
    // 1.5 · 2^52: adding it leaves the nearest whole number in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let (turns, fm) = (turns.to_lanes(), fm.to_lanes());
    each(|lane| {
        let factor = 1.0 + f64::from(fm[lane]) * f64::from(fm_gain);
        let turns = f64::from(turns[lane]) * factor;
        let turns = if turns < MAX_STEP { turns } else { MAX_STEP };
        let turns = if turns > -MAX_STEP { turns } else { -MAX_STEP };
        (turns * f64::from(TURN) + ROUND).to_bits() as i32
    })
}

/// `turns` a frame as steps of a phase of 64 bits, for what moves slowly. It is
/// cut off just below half a turn.
#[inline(always)]
pub fn long_steps_per_frame<L: Lane, const N: usize>(turns: L) -> [u64; N] {
    // 2^52: adding it leaves the nearest whole number in the low bits.
    const ROUND: f64 = 4_503_599_627_370_496.0;
    let turns = turns.to_lanes();
    each(|lane| {
        let turns = f64::from(turns[lane]);
        let turns = if turns < MAX_STEP { turns } else { MAX_STEP };
        (turns * ROUND + ROUND).to_bits() << 12
    })
}

/// A part of a turn, 0 to 1, to 23 bits.
#[inline(always)]
pub fn from_unipolar_turns<L: Lane, const N: usize>(turns: L) -> Phases<N> {
    let bits = (turns + L::splat(1.0)).to_lanes();
    each(|lane| (bits[lane].to_bits() << 9) as i32)
}

/// Any number of turns, within a million either way, as a phase.
#[inline(always)]
pub fn from_turns<L: Lane, const N: usize>(turns: L) -> Phases<N> {
    // 1.5 · 2^23: adding it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let whole = (turns + L::splat(ROUND)) - L::splat(ROUND);
    truncate((turns - whole) * L::splat(TURN))
}

/// `as i32` of what is not below its least number, in plain arithmetic: as SIMD.
#[inline(always)]
pub fn truncate<L: Lane, const N: usize>(steps: L) -> Phases<N> {
    // 2^52: adding it leaves the nearest whole number; 1.5 times that, in the low
    // bits too, whatever its sign.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    const MOST: f64 = i32::MAX as f64;
    let steps = steps.to_lanes();
    let mut whole = [0; N];
    for lane in 0..N {
        let steps = f64::from(steps[lane]);
        let steps = if steps < MOST { steps } else { MOST };
        let size = steps.abs();
        let nearest = (size + WHOLE) - WHOLE;
        let below = nearest - if nearest > size { 1.0 } else { 0.0 };
        whole[lane] = (below.copysign(steps) + 1.5 * WHOLE).to_bits() as i32;
    }
    whole
}

/// Each phase moved on by another.
#[inline(always)]
pub fn add<const N: usize>(a: Phases<N>, b: Phases<N>) -> Phases<N> {
    each(|lane| a[lane].wrapping_add(b[lane]))
}

/// The phases of a group of channels, out of those of all.
#[inline(always)]
pub fn load<const N: usize>(channels: &Phases<16>, group: usize) -> Phases<N> {
    let first = (group % 2) * LANES;
    each(|lane| channels[first + lane])
}

/// Keeps the phases of a group of channels.
#[inline(always)]
pub fn store<const N: usize>(phases: Phases<N>, channels: &mut Phases<16>, group: usize) {
    let first = (group % 2) * LANES;
    channels[first..first + N].copy_from_slice(&phases);
}

/// Whether a phase, 0 to 1 turn, is less than another.
#[inline(always)]
pub fn is_less(phase: i32, limit: i32) -> bool {
    (phase ^ i32::MIN) < (limit ^ i32::MIN)
}

/// `then` where a phase, 0 to 1 turn, is less than the other.
#[inline(always)]
pub fn where_less<L: Lane, const N: usize>(
    phases: Phases<N>,
    limits: Phases<N>,
    then: f32,
    otherwise: f32,
) -> L {
    let pick = |lane| if is_less(phases[lane], limits[lane]) { then } else { otherwise };
    from_array::<L, N>(each(pick))
}

/// A rising saw, -1 to 1, that passes 0 at phase 0 and falls at half a turn.
#[inline(always)]
pub fn saw<L: Lane, const N: usize>(phases: Phases<N>) -> L {
    from_array::<L, N>(each(|lane| phases[lane] as f32 * (2.0 / TURN)))
}

/// A triangle, -1 to 1, that rises through 0 at phase 0.
#[inline(always)]
pub fn triangle<L: Lane, const N: usize>(phases: Phases<N>) -> L {
    from_array::<L, N>(each(|lane| {
        let from_trough = phases[lane].wrapping_add(1 << 30);
        // Half a turn later it falls as it rose: count back from the end.
        let folded = from_trough ^ (from_trough >> 31);
        (folded - (1 << 30)) as f32 * (4.0 / TURN)
    }))
}

/// A sine, -1 to 1, that rises through 0 at phase 0.
#[inline(always)]
pub fn sine<L: Lane, const N: usize>(phases: Phases<N>) -> L {
    sine_of_triangle(triangle(phases))
}

/// A cosine: 1 at phase 0.
#[inline(always)]
pub fn cosine<L: Lane, const N: usize>(phases: Phases<N>) -> L {
    sine::<L, N>(each(|lane| phases[lane].wrapping_add(1 << 30)))
}

#[inline(always)]
fn from_array<L: Lane, const N: usize>(array: [f32; N]) -> L {
    let mut lanes = [0.0; LANES];
    lanes[..N].copy_from_slice(&array);
    L::from_lanes(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_has_four_quarters() {
        let quarters = [0, 1 << 30, i32::MIN, -1 << 30];
        assert_eq!(quarters.map(|phase| saw::<f32, 1>([phase])), [0.0, 0.5, -1.0, -0.5]);
        for (phase, expected) in quarters.into_iter().zip([0.0, 1.0, 0.0, -1.0]) {
            assert!((triangle::<f32, 1>([phase]) - expected).abs() < 1e-8);
        }
        assert_eq!(from_unipolar_turns::<f32, 1>(0.75), [-1 << 30]);
        assert_eq!(steps_per_frame::<f32, 1>(0.125, 1.5, -2.0), [-1 << 30]);
        assert_eq!(from_turns::<f32, 1>(-1000.75), [1 << 30]);
        assert!((cosine::<f32, 1>([1 << 30]) - sine::<f32, 1>([i32::MIN])).abs() < 1e-7);
    }

    #[test]
    fn truncated_it_is_what_a_cast_makes_of_it() {
        for bits in (0..u32::MAX).step_by(99_991) {
            let steps = f32::from_bits(bits);
            if steps >= i32::MIN as f32 {
                assert_eq!(truncate::<f32, 1>(steps), [steps as i32], "{steps}");
            }
        }
    }

    #[test]
    fn a_phase_is_compared_from_0_to_1_turn() {
        let three_quarters = from_unipolar_turns::<f32, 1>(0.75);
        let half = from_unipolar_turns::<f32, 1>(0.5);
        assert_eq!(where_less::<f32, 1>(half, three_quarters, 1.0, -1.0), 1.0);
        assert_eq!(where_less::<f32, 1>(three_quarters, half, 1.0, -1.0), -1.0);
    }
}
