//! The knob between the signal that comes in and what a module makes of it.

use crate::param::{Param, Unit};

/// The balance that [`dry_wet`](sostenuto_dsp::dry_wet()) reads.
pub const fn mix(default: f32) -> Param {
    let help = "From the input alone, 0, to the effect alone, 1; at 0.5 both are at full level";
    Param::linear("mix", 0.0..=1.0, default, Unit::Fraction, help).steady()
}
