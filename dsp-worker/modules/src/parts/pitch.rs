//! What a voice says of its pitch: inputs and knobs that several voices share.

use crate::module::{Port, port};
use crate::moves::By;
use crate::param::{Param, Unit};

/// The pitch, as an input.
pub const VOCT: Port = port("voct", "Pitch, 1 V/octave. 0 V is C4 while octave and tune are at 0");

/// The pitch in octaves.
pub const OCTAVE: Param = Param::steps("octave", -4.0..=4.0, 0.0, "Transposes by octaves");

/// The pitch in semitones.
pub const TUNE: Param =
    Param::linear("tune", -12.0..=12.0, 0.0, Unit::Semitones, "Transposes by semitones");

/// The pitch in cents.
pub const FINE: Param =
    Param::linear("fine", -100.0..=100.0, 0.0, Unit::Cents, "Fine tuning in cents");

/// Frequency modulation, as an input.
pub const FM: Port = port("fm", "Pitch modulation, up to audio rate; see fm-amount and fm-mode")
    .moves("tune", Some("fm-amount"), By::OctavePerVolt);

/// How far the modulation goes.
pub const FM_AMOUNT: Param = Param::linear(
    "fm-amount",
    -2.0..=2.0,
    0.0,
    Unit::None,
    "FM depth per volt: octaves if exponential, multiples of the frequency if linear. Negative \
     values invert it",
);

/// What the modulation adds to.
pub const FM_MODE: Param = Param::choice(
    "fm-mode",
    &["exponential", "linear"],
    0,
    "Exponential FM shifts the pitch in octaves. Linear FM adds to the frequency, through 0 Hz, so \
     deep FM stays in tune",
);
