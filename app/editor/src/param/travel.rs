//! How a param's range lies on the way of a knob: from 0 at one end to 1 at the other.

use sostenuto_modules::param::{Param, Taper, Unit};

/// One notch of the wheel, or one press of an arrow.
const NOTCH: f32 = 1.0 / 50.0;
/// How much less everything moves while it is held fine.
pub const FINE: f32 = 0.1;

/// Where a value lies.
pub fn position(param: &Param, value: f32) -> f32 {
    let (start, end) = (*param.range.start(), *param.range.end());
    let value = value.clamp(start, end);
    let position = match param.taper {
        Taper::Log => (value / start).ln() / (end / start).ln(),
        _ => (value - start) / (end - start),
    };
    if position.is_finite() { position.clamp(0.0, 1.0) } else { 0.0 }
}

/// Which value lies there.
pub fn value(param: &Param, position: f32) -> f32 {
    let (start, end) = (*param.range.start(), *param.range.end());
    let position = position.clamp(0.0, 1.0);
    let value = match param.taper {
        // The ends themselves, whatever a logarithm makes of them.
        _ if position == 0.0 => start,
        _ if position == 1.0 => end,
        Taper::Log => start * (end / start).powf(position),
        _ => start + position * (end - start),
    };
    param.legal(value)
}

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
        _ if reaches_both_ways => position(param, 0.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUTOFF: Param = Param::log("cutoff", 20.0..=20_000.0, 1000.0, Unit::Hz, "");
    const OCTAVE: Param = Param::steps("octave", -4.0..=4.0, 0.0, "");

    #[test]
    fn equal_turns_of_a_frequency_are_equal_ratios() {
        assert_eq!(position(&CUTOFF, 20.0), 0.0);
        assert_eq!(position(&CUTOFF, 20_000.0), 1.0);
        assert!((value(&CUTOFF, 1.0 / 3.0) - 200.0).abs() < 0.1);
        assert!((value(&CUTOFF, 2.0 / 3.0) - 2000.0).abs() < 1.0);
    }

    #[test]
    fn a_notch_of_a_whole_number_is_one() {
        let here = position(&OCTAVE, 1.0);
        assert_eq!(value(&OCTAVE, here + notch(&OCTAVE, false)), 2.0);
        assert_eq!(value(&OCTAVE, here + notch(&OCTAVE, true)), 2.0);
    }

    #[test]
    fn every_value_of_the_catalogue_is_where_its_position_says() {
        for about in sostenuto_modules::catalog::CATALOG.iter().map(|entry| entry.about) {
            for param in about.params {
                for position_set in [0.0, 0.25, 0.5, 0.9, 1.0] {
                    let set = value(param, position_set);
                    let again = value(param, position(param, set));
                    let span = param.range.end() - param.range.start();
                    assert!((set - again).abs() <= 1e-5 * span, "{}.{}", about.name, param.name);
                }
            }
        }
    }

    #[test]
    fn a_ring_begins_at_zero_or_at_the_bottom() {
        assert_eq!(origin(&OCTAVE), 0.5);
        assert_eq!(origin(&CUTOFF), 0.0);
    }
}
