use proptest::prelude::*;
use sostenuto_modules::catalog::CATALOG;

use super::*;

const CUTOFF: Param = Param::log("cutoff", 20.0..=20_000.0, 1000.0, Unit::Hz, "");
const DECAY: Param = Param::log("decay", 0.0005..=20.0, 0.3, Unit::Secs, "");
const TUNE: Param = Param::linear("tune", -12.0..=12.0, 0.0, Unit::Semitones, "");
const FINE: Param = Param::linear("fine", -100.0..=100.0, 0.0, Unit::Cents, "");
const STEP: Param = Param::linear("step-1", -5.0..=5.0, 0.0, Unit::Volts, "");
const PITCH: Param = Param::linear("pitch", -5.0..=5.0, 0.0, Unit::Octaves, "");
const GAIN: Param = Param::linear("gain", -2.0..=2.0, 1.0, Unit::None, "");
const LEVEL: Param = Param::linear("level", -60.0..=12.0, 0.0, Unit::Db, "");
const MIX: Param = Param::linear("mix", 0.0..=1.0, 0.5, Unit::Fraction, "");
const PHASE: Param = Param::linear("phase", 0.0..=1.0, 0.0, Unit::Turns, "");
const BPM: Param = Param::linear("bpm", 30.0..=300.0, 120.0, Unit::Bpm, "");
const TRACK: Param = Param::steps("track-1", 0.0..=65_535.0, 0.0, "");
const MODE: Param = Param::choice("mode", &["lowpass", "bandpass", "highpass"], 0, "");

#[track_caller]
fn reads(param: &Param, text: &str, value: f32) {
    let read = read(text, param, param.default).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!((read - value).abs() <= 1e-4 * value.abs().max(1e-3), "{text} is {read}");
}

#[test]
fn values_are_shown_as_people_say_them() {
    for (param, value, text) in [
        (&CUTOFF, 1200.0, "1.2 kHz"),
        (&CUTOFF, 440.0, "440 Hz"),
        (&CUTOFF, 999.99, "1 kHz"),
        (&DECAY, 0.25, "250 ms"),
        (&DECAY, 0.0005, "500 µs"),
        (&DECAY, 1.5, "1.5 s"),
        (&LEVEL, -6.0, "-6 dB"),
        (&MIX, 0.37, "37 %"),
        (&PHASE, 0.25, "90°"),
        (&TUNE, -0.0, "0 st"),
        (&PITCH, -11.0 / 12.0 + 0.01, "C#3 +12 ct"),
        (&STEP, 0.123_456, "0.1235 V"),
        (&TRACK, 65_535.0, "65535"),
        (&MODE, 1.0, "bandpass"),
    ] {
        assert_eq!(show(param, value), text);
    }
}

#[test]
fn units_are_read() {
    reads(&CUTOFF, "1.2 kHz", 1200.0);
    reads(&CUTOFF, "1.2k", 1200.0);
    reads(&CUTOFF, "440", 440.0);
    reads(&CUTOFF, "10ms", 100.0);
    reads(&CUTOFF, "1200 bpm", 20.0);
    reads(&DECAY, "250 ms", 0.25);
    reads(&DECAY, "750 μs", 0.000_75);
    reads(&DECAY, "2 Hz", 0.5);
    reads(&DECAY, "1 beat", 0.5);
    reads(&TUNE, "50 ct", 0.5);
    reads(&FINE, "0,5 st", 50.0);
    reads(&GAIN, "-6.0206 dB", 0.5);
    reads(&GAIN, "50%", 0.5);
    reads(&MIX, "37", 0.37);
    reads(&MIX, "0.37", 0.37);
    reads(&MIX, "1", 1.0);
    reads(&PHASE, "90°", 0.25);
    reads(&LEVEL, "-inf", -60.0);
    reads(&LEVEL, "50 %", -6.0206);
}

#[test]
fn sums_are_worked_out() {
    reads(&CUTOFF, "440 * 2", 880.0);
    reads(&CUTOFF, "(100 Hz + 20) * 3 / 2", 180.0);
    reads(&CUTOFF, "440 Hz + 12 st", 880.0);
    reads(&CUTOFF, "1 kHz - 10 %", 900.0);
    reads(&CUTOFF, "1 / 10ms", 100.0);
    reads(&GAIN, "-(1 + .5)", -1.5);
    reads(&TUNE, "2 + 5", 7.0);
    reads(&MIX, "30 % + 20 %", 0.5);
}

#[test]
fn a_sign_in_front_goes_on_from_the_current_value() {
    assert_eq!(read("*2", &CUTOFF, 300.0), Ok(600.0));
    assert_eq!(read("/ 3", &CUTOFF, 300.0), Ok(100.0));
    assert_eq!(read("+12 st", &CUTOFF, 300.0), Ok(600.0));
    assert_eq!(read("+3", &TUNE, 2.0), Ok(5.0));
    assert_eq!(read("+3 st", &TUNE, 2.0), Ok(5.0));
    assert_eq!(read("+ 50 %", &CUTOFF, 300.0), Ok(450.0));
    assert_eq!(read("*2 + 10", &CUTOFF, 300.0), Ok(610.0));
    assert_eq!(read("-3", &TUNE, 2.0), Ok(-3.0));
}

#[test]
fn notes_are_frequencies_and_volts() {
    reads(&CUTOFF, "A4", 440.0);
    reads(&CUTOFF, "c4", 261.6256);
    reads(&CUTOFF, "A4 +20ct", 445.1125);
    reads(&STEP, "C#3", -11.0 / 12.0);
    reads(&STEP, "Bb-1", -5.0 + 10.0 / 12.0);
    reads(&STEP, "A4 + 3", 1.0);
    reads(&PITCH, "440 Hz", 0.75);
    reads(&TUNE, "G4 - C4", 7.0);
}

#[test]
fn lengths_of_notes_are_times_and_rates() {
    reads(&DECAY, "1/8", 0.25);
    reads(&DECAY, "1/4.", 0.75);
    reads(&DECAY, "1/8t", 1.0 / 6.0);
    assert_eq!(read_at("1/4", &DECAY, 0.3, 60.0), Ok(1.0));
    assert_eq!(read_at("1/256", &CUTOFF, 30.0, 120.0), Ok(128.0));
    reads(&GAIN, "1/4", 0.25);
}

#[test]
fn a_choice_is_read_by_its_word_or_its_beginning() {
    reads(&MODE, "Highpass", 2.0);
    reads(&MODE, "band", 1.0);
    reads(&MODE, "2", 2.0);
    assert!(read("pass", &MODE, 0.0).is_err());
    assert!(read("3", &MODE, 0.0).is_err());
}

#[test]
fn what_cannot_be_read_is_answered_with_what_can() {
    let sentence = |text, param| read(text, param, 1.0).unwrap_err().to_string();
    assert_eq!(
        sentence("loud", &CUTOFF),
        "`loud` is not a value here. Type a frequency from 20 Hz to 20 kHz, such as 440 Hz, A4 or *2."
    );
    assert!(sentence("30 kHz", &CUTOFF).starts_with("30 kHz is out of range. Type a frequency"));
    assert!(sentence("", &MODE).contains("one of lowpass, bandpass, highpass"));
    for (param, text) in [
        (&CUTOFF, "3 dB"),
        (&CUTOFF, "440 Hz + 3 s"),
        (&CUTOFF, "A4 * 2"),
        (&CUTOFF, "1/0"),
        (&DECAY, "C4"),
        (&BPM, "1 V"),
        (&LEVEL, "440 440"),
        (&TRACK, "(1"),
        (&TRACK, "1e999"),
    ] {
        assert!(read(text, param, 1.0).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn every_value_of_the_catalogue_is_read_as_it_is_shown(position in 0.0f32..=1.0) {
        for about in CATALOG.iter().map(|entry| entry.about) {
            for param in about.params {
                let (start, end) = (*param.range.start(), *param.range.end());
                let value = match param.taper {
                    Taper::Log => start * (end / start).powf(position),
                    _ => start + position * (end - start),
                };
                let value = param.legal(value);
                let text = show(param, value);
                let back = read(&text, param, param.default).unwrap();
                // Pitches are shown to a tenth of a cent.
                let least = if param.unit == Unit::Octaves { 5e-5 } else { 0.0 };
                let slack = 6e-4 * value.abs() + 1e-6 * (end - start) + least;
                prop_assert!((back - value).abs() <= slack, "{}: {value}, {text}, {back}", param.name);
            }
        }
    }

    #[test]
    fn pitches_are_read_as_they_are_shown(voct in -5.0f32..=5.0) {
        let back = read(&show(&PITCH, voct), &PITCH, 0.0).unwrap();
        prop_assert!((back - voct).abs() < 1e-4, "{voct}, {back}");
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,60}", sums in "[-+*/().,0-9eA-Gabst#%µ° Hzk]{0,40}") {
        for param in [&CUTOFF, &DECAY, &STEP, &PITCH, &MIX, &TRACK, &MODE, &LEVEL] {
            for text in [&text, &sums] {
                match read(text, param, param.default) {
                    Ok(value) => prop_assert!(param.range.contains(&value)),
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}

#[test]
fn parentheses_without_end_are_refused() {
    for text in ["(".repeat(190), "-".repeat(190), "(".repeat(100_000)] {
        assert!(read(&text, &GAIN, 0.0).is_err());
    }
}
