//! Phases that neither drift nor run out of digits: whole numbers, 2^32 to a
//! turn, that wrap as phases do.

use crate::lane::{LANES, Lane};

/// One turn, as a number of steps of the phase.
pub const TURN: f32 = 4_294_967_296.0;

/// A phase for each of `N` channels; half a turn is the most negative number.
pub type Phases<const N: usize> = [i32; N];

/// A part of a turn, -1/2 to 1/2, as steps of the phase.
///
/// It adds numbers that leave the wanted digits in the low bits, first for 23
/// bits and then for the rest: a cast of f32 is slow, because it checks.
#[inline(always)]
pub fn from_turns<L: Lane, const N: usize>(turns: L) -> Phases<N> {
    // 1.5 · 2^23, whose low bits count ones.
    const ROUND: f32 = 12_582_912.0;
    let coarse = turns + L::splat(1.5);
    let rest = turns - (coarse - L::splat(1.5));
    let fine = (rest * L::splat(TURN) + L::splat(ROUND)).to_lanes();
    let coarse = coarse.to_lanes();
    std::array::from_fn(|lane| {
        let coarse = (coarse[lane].to_bits() << 9) ^ 0x8000_0000;
        coarse.wrapping_add(fine[lane].to_bits()).wrapping_sub(ROUND.to_bits()) as i32
    })
}

/// A part of a turn, 0 to 1, to 23 bits.
#[inline(always)]
pub fn from_unipolar_turns<L: Lane, const N: usize>(turns: L) -> Phases<N> {
    let bits = (turns + L::splat(1.0)).to_lanes();
    std::array::from_fn(|lane| (bits[lane].to_bits() << 9) as i32)
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
    from_array(std::array::from_fn::<f32, N, _>(|lane| {
        if is_less(phases[lane], limits[lane]) { then } else { otherwise }
    }))
}

/// A rising saw, -1 to 1, that passes 0 at phase 0 and falls at half a turn.
#[inline(always)]
pub fn saw<L: Lane, const N: usize>(phases: Phases<N>) -> L {
    from_array(phases.map(|phase| phase as f32 * (2.0 / TURN)))
}

/// A triangle, -1 to 1, that rises through 0 at phase 0.
#[inline(always)]
pub fn triangle<L: Lane, const N: usize>(phases: Phases<N>) -> L {
    from_array(phases.map(|phase| {
        let from_trough = phase.wrapping_add(1 << 30);
        // Half a turn later it falls as it rose: count back from the end.
        let folded = from_trough ^ (from_trough >> 31);
        (folded - (1 << 30)) as f32 * (4.0 / TURN)
    }))
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
        let triangle = quarters.map(|phase| triangle::<f32, 1>([phase]));
        assert_eq!(triangle, [0.0, 1.0, 0.0, -1.0]);
        assert_eq!(from_unipolar_turns::<f32, 1>(0.75), [-1 << 30]);
        assert_eq!(from_turns::<f32, 1>(-0.25), [-1 << 30]);
    }

    #[test]
    fn a_phase_is_compared_from_0_to_1_turn() {
        let three_quarters = from_unipolar_turns::<f32, 1>(0.75);
        let half = from_unipolar_turns::<f32, 1>(0.5);
        assert_eq!(where_less::<f32, 1>(half, three_quarters, 1.0, -1.0), 1.0);
        assert_eq!(where_less::<f32, 1>(three_quarters, half, 1.0, -1.0), -1.0);
    }
}
