//! What a knob is: a name, a range, a unit, and how the range lies under the hand.

use std::ops::RangeInclusive;

use serde::Serialize;

/// A value that a musician sets. It glides to where it was set (unless it is a
/// choice), so turning it never clicks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// As written in files and OSC addresses: `cutoff`.
    pub name: &'static str,
    /// One sentence for the tooltip and the manual.
    pub help: &'static str,
    /// What its face calls it, where there is no room for its name; else empty.
    #[serde(skip)]
    pub label: &'static str,
    /// Both ends can be reached. In [`Param::unit`].
    pub range: RangeInclusive<f32>,
    /// Where a new module, or a double click, puts it.
    pub default: f32,
    /// What the number counts.
    pub unit: Unit,
    /// How the range lies under the hand.
    pub taper: Taper,
    /// Whether it is on because a hand holds something: at a panic it goes off.
    #[serde(skip)]
    pub is_held: bool,
    /// Whether it stays where it is when the window sets a module by chance: how
    /// loud it is, or whether it runs.
    #[serde(skip)]
    pub is_steady: bool,
}

/// What a param's number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A bare number or a linear gain.
    None,
    /// Volts on a cable.
    Volts,
    /// `voct` volts: octaves above C4.
    Octaves,
    /// Twelfths of an octave.
    Semitones,
    /// Hundredths of a semitone.
    Cents,
    /// Cycles a second.
    Hz,
    /// Quarter notes a minute.
    Bpm,
    /// Seconds.
    Secs,
    /// Decibels.
    Db,
    /// 0 to 1, shown as 0 to 100 %.
    Fraction,
    /// 0 to 1 of a cycle.
    Turns,
    /// A whole number of things.
    Count,
}

impl Unit {
    /// What stands behind the number on a panel.
    pub const fn suffix(self) -> &'static str {
        match self {
            Unit::None | Unit::Count => "",
            Unit::Volts => "V",
            Unit::Octaves => "oct",
            Unit::Semitones => "st",
            Unit::Cents => "ct",
            Unit::Hz => "Hz",
            Unit::Bpm => "BPM",
            Unit::Secs => "s",
            Unit::Db => "dB",
            Unit::Fraction => "of 1",
            Unit::Turns => "turns",
        }
    }
}

/// How a param's range lies under the hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taper {
    /// Equal turns, equal steps.
    Linear,
    /// Equal turns, equal ratios: frequencies and times.
    Log,
    /// Whole numbers.
    Steps,
    /// One of these, by index. The first is 0.
    Choice(&'static [&'static str]),
}

impl Param {
    /// Where a value lies on the way of a knob: from 0 at one end to 1 at the other.
    pub fn position(&self, value: f32) -> f32 {
        let (start, end) = (*self.range.start(), *self.range.end());
        let value = value.clamp(start, end);
        let position = match self.taper {
            Taper::Log => (value / start).ln() / (end / start).ln(),
            _ => (value - start) / (end - start),
        };
        if position.is_finite() { position.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Which value lies there.
    pub fn at(&self, position: f32) -> f32 {
        let (start, end) = (*self.range.start(), *self.range.end());
        let position = position.clamp(0.0, 1.0);
        let value = match self.taper {
            // The ends themselves, whatever a logarithm makes of them.
            _ if position == 0.0 => start,
            _ if position == 1.0 => end,
            Taper::Log => start * (end / start).powf(position),
            _ => start + position * (end - start),
        };
        self.legal(value)
    }

    /// A param whose turns are equal steps.
    pub const fn linear(
        name: &'static str,
        range: RangeInclusive<f32>,
        default: f32,
        unit: Unit,
        help: &'static str,
    ) -> Param {
        Param {
            name,
            help,
            label: "",
            range,
            default,
            unit,
            taper: Taper::Linear,
            is_held: false,
            is_steady: false,
        }
    }

    /// A param whose turns are equal ratios. Its range is above zero.
    pub const fn log(
        name: &'static str,
        range: RangeInclusive<f32>,
        default: f32,
        unit: Unit,
        help: &'static str,
    ) -> Param {
        Param {
            name,
            help,
            label: "",
            range,
            default,
            unit,
            taper: Taper::Log,
            is_held: false,
            is_steady: false,
        }
    }

    /// A whole number. It jumps.
    pub const fn steps(
        name: &'static str,
        range: RangeInclusive<f32>,
        default: f32,
        help: &'static str,
    ) -> Param {
        Param {
            name,
            help,
            label: "",
            range,
            default,
            unit: Unit::Count,
            taper: Taper::Steps,
            is_held: false,
            is_steady: false,
        }
    }

    /// One of several words. It jumps.
    pub const fn choice(
        name: &'static str,
        choices: &'static [&'static str],
        default: usize,
        help: &'static str,
    ) -> Param {
        let range = 0.0..=(choices.len() - 1) as f32;
        Param {
            name,
            help,
            label: "",
            range,
            default: default as f32,
            unit: Unit::None,
            taper: Taper::Choice(choices),
            is_held: false,
            is_steady: false,
        }
    }

    /// Off or on. It jumps.
    pub const fn switch(name: &'static str, default: bool, help: &'static str) -> Param {
        Param::choice(name, &["off", "on"], default as usize, help)
    }

    /// The same param, with a shorter name for its face.
    #[must_use]
    pub const fn labelled(self, label: &'static str) -> Param {
        Param { label, ..self }
    }

    /// The same switch, which a hand holds: a button, a touch.
    #[must_use]
    pub const fn held(self) -> Param {
        Param { is_held: true, ..self }
    }

    /// The same param, which chance leaves alone.
    #[must_use]
    pub const fn steady(self) -> Param {
        Param { is_steady: true, ..self }
    }

    /// Whether a new value is reached at once instead of by gliding.
    pub const fn jumps(&self) -> bool {
        matches!(self.taper, Taper::Steps | Taper::Choice(_))
    }

    /// Whether it has two states: each time that it is thrown is heard, where of
    /// a knob only the last value counts.
    pub const fn is_switch(&self) -> bool {
        matches!(self.taper, Taper::Choice(words) if words.len() == 2)
    }

    /// The nearest value that this param can take. What is not a number
    /// becomes the default.
    pub fn legal(&self, value: f32) -> f32 {
        if value.is_nan() {
            return self.default;
        }
        let value = value.clamp(*self.range.start(), *self.range.end());
        if self.jumps() { value.round() } else { value }
    }

    /// Reads a value as a musician types it: a number, with or without the
    /// unit, or the word of a choice. `None` where it is neither.
    pub fn parse(&self, text: &str) -> Option<f32> {
        let text = text.trim();
        if let Taper::Choice(choices) = self.taper
            && let Some(index) = choices.iter().position(|choice| choice.eq_ignore_ascii_case(text))
        {
            return Some(index as f32);
        }
        let number = text.strip_suffix(self.unit.suffix()).unwrap_or(text).trim_end();
        number.parse().ok().filter(|value: &f32| value.is_finite())
    }

    /// The value as a panel shows it: `1.5 Hz`, `lowpass`.
    pub fn show(&self, value: f32) -> String {
        if let Taper::Choice(choices) = self.taper {
            return choices.get(value.max(0.0) as usize).copied().unwrap_or("?").to_owned();
        }
        let rounded = (f64::from(value) * 1e4).round() / 1e4;
        format!("{rounded} {}", self.unit.suffix()).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUTOFF: Param = Param::log("cutoff", 20.0..=20_000.0, 1000.0, Unit::Hz, "");
    const MODE: Param = Param::choice("mode", &["lowpass", "highpass"], 0, "");

    #[test]
    fn equal_turns_of_a_frequency_are_equal_ratios() {
        assert_eq!(CUTOFF.position(20.0), 0.0);
        assert_eq!(CUTOFF.position(20_000.0), 1.0);
        assert!((CUTOFF.at(1.0 / 3.0) - 200.0).abs() < 0.1);
        assert!((CUTOFF.at(2.0 / 3.0) - 2000.0).abs() < 1.0);
    }

    #[test]
    fn every_value_of_the_catalogue_is_where_its_position_says() {
        for about in crate::catalog::CATALOG.iter().map(|entry| entry.about) {
            for param in about.params {
                for position in [0.0, 0.25, 0.5, 0.9, 1.0] {
                    let set = param.at(position);
                    let again = param.at(param.position(set));
                    let span = param.range.end() - param.range.start();
                    assert!((set - again).abs() <= 1e-5 * span, "{}.{}", about.name, param.name);
                }
            }
        }
    }

    #[test]
    fn a_value_is_brought_into_range() {
        assert_eq!(CUTOFF.legal(1e9), 20_000.0);
        assert_eq!(CUTOFF.legal(f32::NAN), 1000.0);
        assert_eq!(MODE.legal(0.6), 1.0);
    }

    #[test]
    fn sixteen_bits_are_kept_to_the_last() {
        let bits = Param::steps("bits", 0.0..=65_535.0, 0.0, "");
        for value in (0..=u16::MAX).map(f32::from) {
            assert_eq!(bits.legal(value), value);
            assert_eq!(bits.parse(&bits.show(value)), Some(value));
        }
        assert_eq!(bits.show(54_321.0), "54321");
    }

    #[test]
    fn a_value_is_read_as_it_is_typed() {
        assert_eq!(CUTOFF.parse("440 Hz"), Some(440.0));
        assert_eq!(CUTOFF.parse("440"), Some(440.0));
        assert_eq!(CUTOFF.parse("inf"), None);
        assert_eq!(MODE.parse("Highpass"), Some(1.0));
        assert_eq!(MODE.parse("bandpass"), None);
        assert_eq!(MODE.show(1.0), "highpass");
        assert_eq!(CUTOFF.show(440.0), "440 Hz");
    }
}
