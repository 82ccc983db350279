//! The tunings that come with the program are what is published of them.

use std::collections::BTreeSet;
use std::path::Path;

use sostenuto_dsp::tuning::scala::Scale;

use super::{TUNINGS, tuning};

const FIFTH: f64 = 1.5;
const SYNTONIC_COMMA: f64 = 81.0 / 80.0;

fn cents(ratio: f64) -> f64 {
    1200.0 * ratio.log2()
}

/// The notes from the first up to the period, in cents.
fn notes(name: &str) -> Vec<f64> {
    let scale = Scale::read(tuning(&format!("{name}.scl")).unwrap()).unwrap();
    (0..=scale.notes() as i32).map(|note| scale.cents(note)).collect()
}

/// Whether a tuning has these notes, in whatever order, and the octave.
fn has(name: &str, expected: impl IntoIterator<Item = f64>) {
    let mut expected: Vec<f64> = expected.into_iter().map(|note| note.rem_euclid(1200.0)).collect();
    expected.push(1200.0);
    expected.sort_by(f64::total_cmp);
    are(name, &expected, 1e-3);
}

fn are(name: &str, expected: &[f64], within: f64) {
    let notes = notes(name);
    assert_eq!(notes.len(), expected.len(), "{name}");
    for (note, expected) in notes.iter().zip(expected) {
        assert!((note - expected).abs() < within, "{name}: {note} instead of {expected}");
    }
}

/// Twelve fifths up from C, of which those numbered are narrower by a part of a comma.
fn tempered(fifths: impl IntoIterator<Item = usize>, narrower_cents: f64) -> Vec<f64> {
    let narrow: BTreeSet<usize> = fifths.into_iter().collect();
    let step = |fifth| cents(FIFTH) - if narrow.contains(&fifth) { narrower_cents } else { 0.0 };
    (0..12).map(|notes| (0..notes).map(step).sum()).collect()
}

#[test]
fn twenty_four_come_along_and_each_says_what_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/tunings");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(TUNINGS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), files);
    assert_eq!(TUNINGS.len(), 24);
    for (name, text) in TUNINGS {
        let scale = Scale::read(text).unwrap();
        assert!((10..90).contains(&scale.description.len()), "{name}");
        assert_eq!(text.lines().next(), Some(&*format!("! {name}")));
        let rises = (0..scale.notes() as i32).all(|note| scale.cents(note) < scale.cents(note + 1));
        assert!(rises, "{name}");
    }
}

#[test]
fn equal_steps_are_equal() {
    for steps in [5, 7, 12, 19, 22, 24, 31, 53] {
        let equal = (0..steps).map(|step| 1200.0 * f64::from(step) / f64::from(steps));
        has(&format!("{steps}-edo"), equal);
    }
    // As Wendy Carlos gives them, in "Tuning: At the Crossroads" (1987).
    for (name, steps, step_cents) in
        [("carlos-alpha", 9, 78.0), ("carlos-beta", 11, 63.8), ("carlos-gamma", 20, 35.1)]
    {
        let steps: Vec<f64> = (0..=steps).map(|step| f64::from(step) * step_cents).collect();
        are(name, &steps, 1e-6);
        assert!((steps.last().unwrap() - cents(FIFTH)).abs() < 0.2, "{name} has a fifth");
    }
}

#[test]
fn just_intonations_are_products_of_small_primes() {
    let of_fifths = |from: i32, to: i32| (from..=to).map(|n| cents(FIFTH.powi(n)));
    let by_third =
        |thirds: i32| of_fifths(-1, 2).map(move |note| note + f64::from(thirds) * cents(1.25));
    has("just-12", (-1..=1).flat_map(by_third));
    has("pythagorean-12", of_fifths(-3, 8));
    // Two lines of fifths: F C G D, and the thirds above the first three.
    let thirds = of_fifths(-1, 1).map(|note| note + cents(1.25));
    has("ptolemy-7", of_fifths(-1, 2).chain(thirds));
    has("harmonics-8-16", (8..16).map(|harmonic| cents(f64::from(harmonic) / 8.0)));
}

/// Partch's "tonality diamond" of the odd numbers up to 11, and fourteen notes that fill
/// its gaps ("Genesis of a Music", chapter 8).
#[test]
fn partch_has_his_diamond_and_what_fills_its_gaps() {
    let odds = [1.0, 3.0, 5.0, 7.0, 9.0, 11.0];
    let diamond = odds.iter().flat_map(|above| odds.iter().map(move |below| cents(above / below)));
    let mut all: Vec<f64> = diamond.map(|note| note.rem_euclid(1200.0)).collect();
    let gaps: [f64; 7] =
        [81.0 / 80.0, 33.0 / 32.0, 21.0 / 20.0, 16.0 / 15.0, 32.0 / 27.0, 21.0 / 16.0, 27.0 / 20.0];
    all.extend(gaps.iter().flat_map(|&gap| [cents(gap), 1200.0 - cents(gap)]));
    all.sort_by(f64::total_cmp);
    all.dedup_by(|one, other| (*one - *other).abs() < 1e-6);
    assert_eq!(all.len(), 43);
    has("partch-43", all);
}

#[test]
fn temperaments_share_the_comma_out_among_their_fifths() {
    let comma = 12.0 * cents(FIFTH) - 7.0 * 1200.0;
    // Fifths are numbered from C–G, 0, to F–C, 11.
    has("werckmeister-iii", tempered([0, 1, 2, 5], comma / 4.0));
    has("vallotti", tempered([11, 0, 1, 2, 3, 4], comma / 6.0));
    has("young", tempered(0..6, comma / 6.0));
    let quarter = cents(SYNTONIC_COMMA) / 4.0;
    let meantone = (-3..=8).map(|fifths| f64::from(fifths) * (cents(FIFTH) - quarter));
    has("meantone-quarter-comma", meantone);
    // The schisma that is left lies between F sharp and C sharp.
    let schisma = comma - cents(SYNTONIC_COMMA);
    let of_schisma = |fifths: usize| if fifths > 6 { schisma } else { 0.0 };
    let kirnberger = tempered(0..4, quarter).into_iter().enumerate();
    has("kirnberger-iii", kirnberger.map(|(fifths, note)| note - of_schisma(fifths)));
}

#[test]
fn bohlen_pierce_divides_a_twelfth() {
    let notes = notes("bohlen-pierce");
    assert_eq!(notes.len(), 14);
    assert!((notes[13] - cents(3.0)).abs() < 1e-6);
    for (step, note) in notes.iter().enumerate() {
        let equal = cents(3.0) * step as f64 / 13.0;
        assert!((note - equal).abs() < 15.0, "{step}: {note} is near to {equal}");
        let mirrored = notes[13] - notes[13 - step];
        assert!((note - mirrored).abs() < 1e-6, "{step} upwards as downwards");
    }
    // The chord of odd numbers that it is made for: 3 to 5 to 7.
    assert!((notes[6] - cents(5.0 / 3.0)).abs() < 1e-6);
    assert!((notes[10] - cents(7.0 / 3.0)).abs() < 1e-6);
}

/// Ellis, "On the Musical Scales of Various Nations" (1885).
#[test]
fn the_scales_of_java_are_as_they_were_measured() {
    are("slendro", &[0.0, 228.0, 484.0, 728.0, 960.0, 1200.0], 1e-6);
    are("pelog", &[0.0, 137.0, 446.0, 575.0, 687.0, 820.0, 1098.0, 1200.0], 1e-6);
}
