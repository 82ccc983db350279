//! How far a hand turns a knob, and where its ring begins.

use sostenuto_modules::param::{Param, Unit};

/// One notch of the wheel, or one press of an arrow.
const NOTCH: f32 = 1.0 / 50.0;
/// How much less everything moves while it is held fine.
pub const FINE: f32 = 0.1;

/// How far one notch goes. What is whole moves by whole steps.
pub fn notch(param: &Param, is_fine: bool) -> f32 {
    if param.jumps() {
        let steps = param.range.end() - param.range.start();
        return NOTCH.max(1.0 / steps.max(1.0));
    }
    if is_fine { NOTCH * FINE } else { NOTCH }
}

/// Where a knob's ring begins: at zero where the range reaches both ways.
pub fn origin(param: &Param) -> f32 {
    let reaches_both_ways = *param.range.start() < 0.0 && *param.range.end() > 0.0;
    match param.unit {
        Unit::Db => 0.0,
        _ if reaches_both_ways => param.position(0.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUTOFF: Param = Param::log("cutoff", 20.0..=20_000.0, 1000.0, Unit::Hz, "");
    const OCTAVE: Param = Param::steps("octave", -4.0..=4.0, 0.0, "");

    #[test]
    fn a_notch_of_a_whole_number_is_one() {
        let here = OCTAVE.position(1.0);
        assert_eq!(OCTAVE.at(here + notch(&OCTAVE, false)), 2.0);
        assert_eq!(OCTAVE.at(here + notch(&OCTAVE, true)), 2.0);
    }

    #[test]
    fn a_ring_begins_at_zero_or_at_the_bottom() {
        assert_eq!(origin(&OCTAVE), 0.5);
        assert_eq!(origin(&CUTOFF), 0.0);
    }
}
