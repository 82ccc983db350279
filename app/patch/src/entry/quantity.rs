//! Numbers that know what they count.

use sostenuto_dsp::units::C4_HZ;
use sostenuto_modules::param::Unit;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that was said.
    Plain,
    Hz,
    Secs,
    Bpm,
    Db,
    /// From one pitch to another, in octaves.
    Interval,
    /// Octaves above C4.
    Pitch,
    Volts,
    /// A part of 1.
    Part,
    Turns,
}

impl Kind {
    /// What a bare number counts in a unit, and how much of the kind it is.
    pub fn of(unit: Unit) -> (Kind, f64) {
        match unit {
            Unit::None | Unit::Count => (Kind::Plain, 1.0),
            Unit::Volts => (Kind::Volts, 1.0),
            Unit::Octaves => (Kind::Pitch, 1.0),
            Unit::Semitones => (Kind::Interval, 1.0 / 12.0),
            Unit::Cents => (Kind::Interval, 1.0 / 1200.0),
            Unit::Hz => (Kind::Hz, 1.0),
            Unit::Bpm => (Kind::Bpm, 1.0),
            Unit::Secs => (Kind::Secs, 1.0),
            Unit::Db => (Kind::Db, 1.0),
            Unit::Fraction => (Kind::Part, 1.0),
            Unit::Turns => (Kind::Turns, 1.0),
        }
    }
}

/// A number and what it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    pub kind: Kind,
    pub amount: f64,
}

/// A part is typed as `37 %`, `0.37`, or, where it can be nothing else, `37`.
const LARGEST_PART: f64 = 1.5;

impl Quantity {
    pub fn new(kind: Kind, amount: f64) -> Quantity {
        Quantity { kind, amount }
    }

    /// So much, of a unit as it is written.
    pub fn with_unit(amount: f64, unit: &str, bpm: f64) -> Option<Quantity> {
        let (kind, scale) = match unit.to_lowercase().as_str() {
            "k" => (Kind::Plain, 1e3),
            "hz" => (Kind::Hz, 1.0),
            "khz" => (Kind::Hz, 1e3),
            "s" | "sec" | "secs" => (Kind::Secs, 1.0),
            "ms" => (Kind::Secs, 1e-3),
            // The sign for micro, the Greek letter, and what stands in for them.
            "µs" | "μs" | "us" => (Kind::Secs, 1e-6),
            "min" => (Kind::Secs, 60.0),
            "beat" | "beats" => (Kind::Secs, 60.0 / bpm),
            "bar" | "bars" => (Kind::Secs, 240.0 / bpm),
            "bpm" => (Kind::Bpm, 1.0),
            "db" => (Kind::Db, 1.0),
            "oct" => (Kind::Interval, 1.0),
            "st" => (Kind::Interval, 1.0 / 12.0),
            "ct" => (Kind::Interval, 1.0 / 1200.0),
            "v" => (Kind::Volts, 1.0),
            "mv" => (Kind::Volts, 1e-3),
            "%" => (Kind::Part, 0.01),
            "°" | "deg" => (Kind::Turns, 1.0 / 360.0),
            "turn" | "turns" => (Kind::Turns, 1.0),
            _ => return None,
        };
        Some(Quantity::new(kind, amount * scale))
    }

    /// The number in a param's unit. `None` where it counts something else.
    pub fn in_unit(self, unit: Unit) -> Option<f64> {
        let Quantity { kind, amount } = self;
        let gain_from_db = |level_db: f64| 10f64.powf(level_db / 20.0);
        let voct_from_hz = |hz: f64| (hz / f64::from(C4_HZ)).log2();
        Some(match (unit, kind) {
            (Unit::Fraction, Kind::Plain) if amount.abs() > LARGEST_PART => amount / 100.0,
            (_, Kind::Plain) => amount,
            (Unit::None | Unit::Fraction, Kind::Db) => gain_from_db(amount),
            (Unit::None | Unit::Fraction | Unit::Turns, Kind::Part) => amount,
            (Unit::Volts | Unit::Octaves, Kind::Volts | Kind::Interval | Kind::Pitch) => amount,
            (Unit::Volts | Unit::Octaves, Kind::Hz) => voct_from_hz(amount),
            (Unit::Semitones, Kind::Interval | Kind::Volts) => amount * 12.0,
            (Unit::Cents, Kind::Interval | Kind::Volts) => amount * 1200.0,
            (Unit::Hz, Kind::Hz) | (Unit::Secs, Kind::Secs) | (Unit::Bpm, Kind::Bpm) => amount,
            (Unit::Hz, Kind::Pitch) => f64::from(C4_HZ) * amount.exp2(),
            (Unit::Hz, Kind::Secs) | (Unit::Secs, Kind::Hz) => amount.recip(),
            (Unit::Hz, Kind::Bpm) => amount / 60.0,
            (Unit::Bpm, Kind::Hz) => amount * 60.0,
            (Unit::Bpm, Kind::Secs) | (Unit::Secs, Kind::Bpm) => 60.0 / amount,
            (Unit::Db, Kind::Db) | (Unit::Turns, Kind::Turns) => amount,
            (Unit::Db, Kind::Part) => 20.0 * amount.log10(),
            _ => return None,
        })
    }

    /// `sign` is 1 to add, -1 to take away. `own` is what a bare number counts.
    pub fn plus(self, other: Quantity, sign: f64, own: (Kind, f64)) -> Option<Quantity> {
        let by = sign * other.amount;
        let (kind, amount) = match (self.kind, other.kind) {
            (Kind::Pitch, Kind::Pitch) if sign < 0.0 => (Kind::Interval, self.amount + by),
            (Kind::Pitch, Kind::Pitch) => return None,
            (a, b) if a == b => (a, self.amount + by),
            (Kind::Plain, Kind::Db) => (Kind::Plain, self.amount * 10f64.powf(by / 20.0)),
            (a, Kind::Part) => (a, self.amount * (1.0 + by)),
            (a, Kind::Plain) => (a, self.amount + by * bare(a, other.amount, own)),
            (Kind::Plain, b) => (b, self.amount * bare(b, self.amount, own) + by),
            (Kind::Hz, Kind::Interval) => (Kind::Hz, self.amount * by.exp2()),
            (a @ (Kind::Pitch | Kind::Volts), Kind::Interval) => (a, self.amount + by),
            _ => return None,
        };
        Some(Quantity::new(kind, amount))
    }

    pub fn times(self, other: Quantity) -> Option<Quantity> {
        let amount = self.amount * other.amount;
        match (self.kind, other.kind) {
            (Kind::Pitch, _) | (_, Kind::Pitch) => None,
            (a, Kind::Plain | Kind::Part) => Some(Quantity::new(a, amount)),
            (Kind::Plain | Kind::Part, b) => Some(Quantity::new(b, amount)),
            _ => None,
        }
    }

    pub fn over(self, other: Quantity) -> Option<Quantity> {
        let amount = self.amount / other.amount;
        match (self.kind, other.kind) {
            (Kind::Pitch, _) | (_, Kind::Pitch) => None,
            (a, b) if a == b => Some(Quantity::new(Kind::Plain, amount)),
            (a, Kind::Plain | Kind::Part) => Some(Quantity::new(a, amount)),
            (Kind::Plain, Kind::Secs) => Some(Quantity::new(Kind::Hz, amount)),
            (Kind::Plain, Kind::Hz) => Some(Quantity::new(Kind::Secs, amount)),
            _ => None,
        }
    }
}

/// How much of a kind 1 is, where a bare number is added to it.
fn bare(kind: Kind, amount: f64, own: (Kind, f64)) -> f64 {
    match kind {
        Kind::Part if amount.abs() > LARGEST_PART => 0.01,
        _ if kind == own.0 => own.1,
        // As everywhere in music: `C4 + 7` is seven semitones up.
        Kind::Interval | Kind::Pitch => 1.0 / 12.0,
        _ => 1.0,
    }
}
