//! Knobs that a voltage sweeps, with how far it goes.

use crate::module::{Port, port};
use crate::moves::By;
use crate::param::{Param, Unit};

/// The rate of something that repeats, as an input.
pub const RATE: Port = port("rate", "Rate CV: each volt doubles the rate, scaled by rate-amount")
    .moves("rate", Some("rate-amount"), By::OctavePerVolt);

/// How far the rate CV goes.
pub const RATE_AMOUNT: Param = Param::linear(
    "rate-amount",
    -1.0..=1.0,
    1.0,
    Unit::None,
    "Depth of the rate CV: at 1, each volt doubles the rate; negative values invert it",
)
.labelled("rate amt");

/// A filter's cutoff, as an input.
pub const CUTOFF: Port = port(
    "cutoff",
    "Cutoff CV, up to audio rate: 1 V/octave, scaled by cutoff-amount",
)
.moves("cutoff", Some("cutoff-amount"), By::OctavePerVolt);

/// How far the cutoff CV goes.
pub const CUTOFF_AMOUNT: Param = Param::linear(
    "cutoff-amount",
    -1.0..=1.0,
    1.0,
    Unit::None,
    "Depth of the cutoff CV: 1 V/octave at 1; negative values invert it",
)
.labelled("cut amt");

/// The time of a rise, as an input.
pub const RISE: Port = port("rise", "Rise time CV: each volt doubles it, scaled by rise-amount")
    .moves("rise", Some("rise-amount"), By::OctavePerVolt);

/// How far the rise CV goes.
pub const RISE_AMOUNT: Param = time_amount(
    "rise-amount",
    "Depth of the rise CV: at 1, each volt doubles the time; negative values invert it",
)
.labelled("rise amt");

/// The time of a fall, as an input.
pub const FALL: Port = port("fall", "Fall time CV: each volt doubles it, scaled by fall-amount")
    .moves("fall", Some("fall-amount"), By::OctavePerVolt);

/// How far the fall CV goes.
pub const FALL_AMOUNT: Param = time_amount(
    "fall-amount",
    "Depth of the fall CV: at 1, each volt doubles the time; negative values invert it",
)
.labelled("fall amt");

const fn time_amount(name: &'static str, help: &'static str) -> Param {
    Param::linear(name, -1.0..=1.0, 1.0, Unit::None, help)
}
