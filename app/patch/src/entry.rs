//! Values as people write them: `1.2 kHz`, `-6 dB`, `C#3 +12 ct`, `1/8t`, `*2`.

use sostenuto_modules::param::{Param, Taper, Unit};
use thiserror::Error;

use self::quantity::{Kind, Quantity};
use self::sum::Reader;

mod note;
mod quantity;
mod sum;

pub use note::{note_name, pitch_name};

/// The tempo of note lengths, where nobody says another.
pub const TEMPO_BPM: f32 = 120.0;
/// Longer texts are no values.
const LONGEST: usize = 200;
/// What is out of range by less than is shown, is at the end of the range.
const SLACK: f32 = 1e-3;

/// Why a text is no value.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "every variant says its sentence")]
pub enum EntryError {
    #[error("Type {accepted}.")]
    Nothing { accepted: String },
    #[error("`{text}` is not a value here. Type {accepted}.")]
    NotUnderstood { text: String, accepted: String },
    #[error("{value} is out of range. Type {accepted}.")]
    OutOfRange { value: String, accepted: String },
}

/// The value as a panel shows it. [`read`] reads it back.
pub fn show(param: &Param, value: f32) -> String {
    let number = f64::from(value);
    if let Taper::Choice(_) = param.taper {
        return param.show(value);
    }
    match param.unit {
        _ if param.taper == Taper::Steps => {
            with_unit(format!("{}", value.round() + 0.0), param.unit)
        }
        Unit::Hz if number.abs() >= 999.95 => format!("{} kHz", short(number / 1e3)),
        Unit::Secs if number == 0.0 || number.abs() >= 0.999_95 => format!("{} s", short(number)),
        Unit::Secs if number.abs() >= 0.999_95e-3 => format!("{} ms", short(number * 1e3)),
        Unit::Secs => format!("{} µs", short(number * 1e6)),
        Unit::Fraction => format!("{} %", short(number * 100.0)),
        Unit::Turns => format!("{}°", short(number * 360.0)),
        Unit::Octaves => pitch_name(value),
        unit => with_unit(short(number), unit),
    }
}

fn with_unit(number: String, unit: Unit) -> String {
    format!("{number} {}", unit.suffix()).trim_end().to_owned()
}

/// Four figures, without zeros that say nothing.
fn short(number: f64) -> String {
    let before_point = if number == 0.0 { 0.0 } else { number.abs().log10().floor() };
    let decimals = (3.0 - before_point).clamp(0.0, 6.0) as usize;
    let text = format!("{number:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The value that a text stands for. A text that begins with `+`, `*` or `/`
/// goes on from the current value.
///
/// # Errors
/// Where it stands for none, or for one that the param cannot take.
pub fn read(text: &str, param: &Param, current: f32) -> Result<f32, EntryError> {
    read_at(text, param, current, TEMPO_BPM)
}

/// The same, where note lengths are of another tempo.
///
/// # Errors
/// Where it stands for none, or for one that the param cannot take.
pub fn read_at(text: &str, param: &Param, current: f32, bpm: f32) -> Result<f32, EntryError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(EntryError::Nothing { accepted: accepted(param) });
    }
    let not_understood = || {
        let text = text.chars().take(40).collect();
        EntryError::NotUnderstood { text, accepted: accepted(param) }
    };
    if text.len() > LONGEST {
        return Err(not_understood());
    }
    if let Some(value) = word(text, param) {
        return Ok(value);
    }
    let value = number(text, param, current, bpm).ok_or_else(not_understood)?;
    let (start, end) = (*param.range.start(), *param.range.end());
    let slack = |end: f32| SLACK * end.abs();
    if value < start - slack(start) || value > end + slack(end) {
        let value = show(&Param { taper: Taper::Linear, ..param.clone() }, value);
        return Err(EntryError::OutOfRange { value, accepted: accepted(param) });
    }
    Ok(param.legal(value))
}

/// A choice by its word, or by the beginning of only one.
fn word(text: &str, param: &Param) -> Option<f32> {
    let (Taper::Choice(words), text) = (param.taper, text.to_lowercase()) else { return None };
    let index = words.iter().position(|word| word.to_lowercase() == text).or_else(|| {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit());
        let mut like = (0..words.len()).filter(|&n| words[n].to_lowercase().starts_with(&text));
        like.next().filter(|_| like.next().is_none() && !is_number)
    })?;
    Some(index as f32)
}

fn number(text: &str, param: &Param, current: f32, bpm: f32) -> Option<f32> {
    if text.to_lowercase().trim_end_matches("db").trim() == "-inf" && param.unit == Unit::Db {
        return Some(*param.range.start());
    }
    let has_lengths = matches!(param.unit, Unit::Secs | Unit::Hz);
    let length = if has_lengths { note::length_secs(text, f64::from(bpm)) } else { None };
    let quantity = match length {
        Some(secs) => Quantity::new(Kind::Secs, secs),
        None => Reader::new(text, Kind::of(param.unit), f64::from(bpm)).read(f64::from(current))?,
    };
    let value = quantity.in_unit(param.unit)? as f32;
    value.is_finite().then_some(value)
}

/// What could be typed: `a frequency from 20 Hz to 20 kHz, such as 440 Hz or A4`.
fn accepted(param: &Param) -> String {
    if let Taper::Choice(words) = param.taper {
        return format!("one of {}", words.join(", "));
    }
    let (what, examples) = match param.unit {
        Unit::None => ("a number", "0.5 or -6 dB"),
        Unit::Volts => ("a voltage", "2.5 V or C#3"),
        Unit::Octaves => ("a pitch", "C#3, 440 Hz or +3 st"),
        Unit::Semitones => ("an interval", "7 st or 1 oct"),
        Unit::Cents => ("an interval", "12 ct"),
        Unit::Hz => ("a frequency", "440 Hz, A4 or *2"),
        Unit::Bpm => ("a tempo", "120 BPM or *2"),
        Unit::Secs => ("a time", "250 ms, 1/8 or *2"),
        Unit::Db => ("a level", "-6 dB"),
        Unit::Fraction => ("a part", "37 % or 0.37"),
        Unit::Turns => ("a part of a turn", "90°"),
        Unit::Count => ("a whole number", "3"),
    };
    let [start, end] = [param.range.start(), param.range.end()].map(|&end| show(param, end));
    format!("{what} from {start} to {end}, such as {examples}")
}

#[cfg(test)]
mod tests;
