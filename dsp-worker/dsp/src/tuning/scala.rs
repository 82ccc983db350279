//! The files of Scala, the program in which most tunings of the world are written down:
//! scales (`.scl`) and keyboard mappings (`.kbm`), by
//! <https://www.huygens-fokker.org/scala/scl_format.html> and `help.htm#mappings` beside it.

use std::borrow::Cow;

use super::{C4_KEY, KEYS, LEAST_PERIOD_CENTS};
use crate::units::C4_HZ;

/// Notes that a scale may have, without the first.
pub const MOST_NOTES: usize = 4096;
/// Keys after which a mapping may begin anew.
const MOST_MAPPED: usize = 4096;
/// How far from its first note one of a scale may be: 10 octaves.
const MOST_CENTS: f64 = 12_000.0;
/// Lines of a file may be long; what is quoted of them is not.
const MOST_QUOTED: usize = 24;

/// What is wrong with a file of Scala's, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScalaError {
    /// Nothing that could be read as text.
    #[error("it is not a text file")]
    NoText,
    /// It ends too early.
    #[error("it ends before {0}")]
    Ends(&'static str),
    /// A line is not what is expected there.
    #[error("line {line} (`{words}`) is not {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What it says.
        words: String,
        /// What it is to say.
        what: &'static str,
    },
    /// Not as many notes follow as it says.
    #[error("its number of notes is {said}, and it has {found}")]
    Count {
        /// By its own words.
        said: usize,
        /// How many there are.
        found: usize,
    },
    /// It repeats at its first note.
    #[error("its last note, after which it repeats, is less than a cent from its first")]
    NoPeriod,
}

/// A scale, as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// What its file says of it, in a line.
    pub description: String,
    /// Above the first note, in the order of the file; the last is the period.
    notes_cents: Vec<f64>,
}

/// Which key sounds which note of a scale, and how high.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// The keys that sound, by their MIDI numbers.
    first_key: i32,
    last_key: i32,
    /// The key that the pattern begins at.
    middle_key: i32,
    /// The key whose frequency is given.
    pub reference_key: i32,
    /// That frequency, in Hz.
    pub reference_hz: f64,
    /// Notes from one pattern to the next.
    pattern_notes: i32,
    /// The note of each key, pattern after pattern; empty where each key is the next note.
    pattern: Vec<Option<i32>>,
}

/// The text in a file, whatever wrote it: UTF-8, or else the Latin-1 of older programs.
///
/// # Errors
/// Where it is something else.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, str>, ScalaError> {
    if bytes.contains(&0) {
        return Err(ScalaError::NoText);
    }
    let latin = |_| Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect());
    Ok(std::str::from_utf8(bytes).map_or_else(latin, Cow::Borrowed))
}

impl Scale {
    /// Reads a scale.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn read(text: &str) -> Result<Scale, ScalaError> {
        let mut lines = lines(text);
        let description = lines.next().ok_or(ScalaError::Ends("its description"))?.words;
        let mut lines = lines.filter(|line| !line.words.is_empty());
        let count = "the number of notes";
        let count = lines.next().ok_or(ScalaError::Ends(count))?.number(0..=MOST_NOTES, count)?;
        let notes: Result<Vec<f64>, ScalaError> =
            lines.by_ref().take(count).map(|line| line.cents()).collect();
        let notes_cents = notes?;
        let more = lines.take_while(|line| line.cents().is_ok()).count();
        let found = notes_cents.len() + more;
        if found != count {
            return Err(ScalaError::Count { said: count, found });
        }
        let period = notes_cents.last().ok_or(ScalaError::Ends("its first note"))?;
        if period.abs() < LEAST_PERIOD_CENTS {
            return Err(ScalaError::NoPeriod);
        }
        Ok(Scale { description: description.to_owned(), notes_cents })
    }

    /// The twelve equal steps of an octave.
    pub fn equal() -> Scale {
        let notes_cents = (1..=12).map(|note| 100.0 * f64::from(note)).collect();
        Scale { description: String::new(), notes_cents }
    }

    /// How many there are in one period.
    pub fn notes(&self) -> usize {
        self.notes_cents.len()
    }

    /// After how many cents it repeats; below 0 where it falls.
    pub fn period_cents(&self) -> f64 {
        self.notes_cents[self.notes() - 1]
    }

    /// How far above its first note one is, in cents: before and after the period, too.
    pub fn cents(&self, note: i32) -> f64 {
        let count = self.notes() as i32;
        let within = match note.rem_euclid(count) {
            0 => 0.0,
            note => self.notes_cents[note as usize - 1],
        };
        f64::from(note.div_euclid(count)) * self.period_cents() + within
    }
}

impl Mapping {
    /// Each key is the next note, and C4 the first.
    pub const LINEAR: Mapping = Mapping {
        first_key: 0,
        last_key: KEYS as i32 - 1,
        middle_key: C4_KEY,
        reference_key: C4_KEY,
        reference_hz: C4_HZ as f64,
        pattern_notes: 0,
        pattern: Vec::new(),
    };

    /// Reads a keyboard mapping.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn read(text: &str) -> Result<Mapping, ScalaError> {
        let mut lines = lines(text).filter(|line| !line.words.is_empty());
        let mut next = |what| lines.next().ok_or(ScalaError::Ends(what));
        let what = "the size of the map";
        let size = next(what)?.number(0..=MOST_MAPPED, what)?;
        let mut key = |what| next(what)?.number(0..=KEYS as i32 - 1, what);
        let first_key = key("the first key that sounds, from 0 to 127")?;
        let last_key = key("the last key that sounds, from 0 to 127")?;
        let middle_key = key("the key of the first note, from 0 to 127")?;
        let reference_key = key("the key whose frequency is given, from 0 to 127")?;
        let what = "a frequency from 1 to 100000 Hz";
        let reference_hz = next(what)?.number(1.0..=100_000.0, what)?;
        let notes = -(MOST_NOTES as i32)..=MOST_NOTES as i32;
        let what = "the note at which the map repeats";
        let pattern_notes = match lines.next() {
            None if size == 0 => 0,
            None => return Err(ScalaError::Ends(what)),
            Some(line) => line.number(notes.clone(), what)?,
        };
        let entry = |line: Line| match line.first() {
            "x" | "X" => Ok(None),
            _ => line.number(notes.clone(), "a note of the scale, or x").map(Some),
        };
        let pattern: Result<Vec<_>, _> = lines.take(size).map(entry).collect();
        let mut pattern = pattern?;
        // Keys at the end that are not mapped may be left out.
        pattern.resize(size, None);
        Ok(Mapping {
            first_key,
            last_key,
            middle_key,
            reference_key,
            reference_hz,
            pattern_notes,
            pattern,
        })
    }

    /// The note of a key, from 0 for the scale's first. `None` where it sounds none.
    pub fn degree(&self, key: i32) -> Option<i32> {
        if !(self.first_key..=self.last_key).contains(&key) {
            return None;
        }
        let above = key - self.middle_key;
        let Ok(size @ 1..) = i32::try_from(self.pattern.len()) else { return Some(above) };
        let note = self.pattern[above.rem_euclid(size) as usize]?;
        Some(note + above.div_euclid(size) * self.pattern_notes)
    }
}

/// A line that is not a comment.
struct Line<'a> {
    number: usize,
    /// Without blanks at its ends.
    words: &'a str,
}

/// Lines end as on any system.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The end of the last line begins no other.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let lines =
        text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    let lines =
        lines.enumerate().map(|(index, line)| Line { number: index + 1, words: line.trim() });
    lines.filter(|line| !line.words.starts_with('!'))
}

impl Line<'_> {
    /// What it says; anything may follow that.
    fn first(&self) -> &str {
        self.words.split_whitespace().next().unwrap_or_default()
    }

    fn is_not(&self, what: &'static str) -> ScalaError {
        let words = self.words.chars().take(MOST_QUOTED).collect();
        ScalaError::Line { line: self.number, words, what }
    }

    fn number<T: std::str::FromStr + PartialOrd>(
        &self,
        range: std::ops::RangeInclusive<T>,
        what: &'static str,
    ) -> Result<T, ScalaError> {
        let number = self.first().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.is_not(what))
    }

    /// An interval: cents have a dot, and what has none is a ratio.
    fn cents(&self) -> Result<f64, ScalaError> {
        let first = self.first();
        let is_cents = first.contains('.');
        let cents = if is_cents { first.parse().ok() } else { ratio_cents(first) };
        let cents: f64 = cents.ok_or_else(|| {
            self.is_not("an interval: cents such as 701.955, or a ratio such as 3/2")
        })?;
        if cents.abs() <= MOST_CENTS {
            return Ok(cents);
        }
        Err(self.is_not(match is_cents || first.contains('/') {
            true => "an interval of up to 10 octaves",
            false => "an interval of up to 10 octaves: without a dot it is a ratio, not cents",
        }))
    }
}

/// The cents of `3/2` or of `2`. The numbers may have any length.
fn ratio_cents(ratio: &str) -> Option<f64> {
    let (above, below) = ratio.split_once('/').unwrap_or((ratio, "1"));
    let log2 = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: f64 = is_number.then(|| digits.parse().ok())??;
        (number > 0.0 && number.is_finite()).then(|| number.log2())
    };
    Some(1200.0 * (log2(above)? - log2(below)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Tuning, compile};
    use super::*;

    fn cents(text: &str) -> Vec<f64> {
        Scale::read(text).unwrap().notes_cents
    }

    fn refused(text: &str) -> String {
        Scale::read(text).unwrap_err().to_string()
    }

    fn close(cents: &[f64], other: &[f64]) -> bool {
        cents.len() == other.len() && cents.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    #[test]
    fn a_scale_is_read_with_comments_and_words_behind_its_notes() {
        let text = "! meanquar.scl\n!\n 1/4-comma meantone \n  4\n!\n 76.04900 C#\n\t5/4\ta third\n\
                    \n  ! between\n3/2\n 2/1\n! the end\n";
        let scale = Scale::read(text).unwrap();
        assert_eq!(scale.description, "1/4-comma meantone");
        assert!(close(&scale.notes_cents, &[76.049, 386.314, 701.955, 1200.0]));
    }

    #[test]
    fn lines_end_as_on_any_system() {
        let text = "Fifth\n2\n3/2\n2/1\n";
        for end in ["\r\n", "\r", "\n"] {
            let text = text.replace('\n', end);
            assert!(close(&cents(&text), &[701.955, 1200.0]), "{text:?}");
            assert!(close(&cents(text.trim_end()), &[701.955, 1200.0]), "{text:?}");
        }
        assert!(close(&cents(&format!("\u{feff}{text}")), &[701.955, 1200.0]));
    }

    #[test]
    fn older_programs_wrote_latin_1() {
        let bytes = b"Temp\xe9rament \xe9gal\n1\n100.0\n";
        let read = text(bytes).unwrap();
        assert_eq!(Scale::read(&read).unwrap().description, "Tempérament égal");
        assert_eq!(text("Tempérament".as_bytes()).unwrap(), "Tempérament");
        assert_eq!(text(b"\x89PNG\r\n\x00"), Err(ScalaError::NoText));
    }

    #[test]
    fn a_description_may_be_empty() {
        assert!(close(&cents("! odd.scl\n\n2\n3/2\n2\n"), &[701.955, 1200.0]));
    }

    #[test]
    fn intervals_are_cents_with_a_dot_and_ratios_without() {
        for (words, expected) in [
            ("100.", 100.0),
            ("-5.0", -5.0),
            ("1/1", 0.0),
            ("2", 1200.0),
            ("81/80 a comma", 21.506),
            ("701", 11_343.92),
            ("36893488147419103232/36472996377170786403", 19.845),
        ] {
            let read = cents(&format!("One\n2\n{words}\n2/1"));
            assert!((read[0] - expected).abs() < 0.01, "{words}: {read:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line() {
        let note = |words: &str| refused(&format!("! a\nScale\n2\n{words}\n2/1"));
        for bad in
            ["3/0", "0/1", "-3/2", "3/2/1", "1e3", "701,955", "fifth", "12.x", "/", ".", "NaN."]
        {
            let sentence = note(bad);
            assert!(
                sentence.starts_with(&format!("line 4 (`{bad}`) is not an interval")),
                "{sentence}"
            );
        }
        assert!(note("1200").ends_with("without a dot it is a ratio, not cents"));
        assert!(note("99999.0").ends_with("of up to 10 octaves"));
        assert!(refused(&format!("A\n1\n{}", "9".repeat(500))).len() < 120);
        assert_eq!(refused(""), "it ends before the number of notes");
        assert_eq!(refused("Only words"), "it ends before the number of notes");
        assert_eq!(refused("A\n0\n"), "it ends before its first note");
        assert_eq!(refused("A\n2\n3/2\n1/1"), ScalaError::NoPeriod.to_string());
    }

    #[test]
    fn as_many_notes_follow_as_it_says() {
        assert_eq!(refused("A\n3\n5/4\n2/1"), "its number of notes is 3, and it has 2");
        assert_eq!(refused("A\n1\n5/4\n2/1"), "its number of notes is 1, and it has 2");
        // The number is missing.
        assert_eq!(refused("A\n100.0\n2/1"), "line 2 (`100.0`) is not the number of notes");
        assert_eq!(refused("A\n5000\n2/1"), "line 2 (`5000`) is not the number of notes");
        assert!(close(&cents("A\n1\n2/1\nwritten by Ada"), &[1200.0]));
    }

    #[test]
    fn a_mapping_is_read_and_its_end_may_be_left_out() {
        let text = "! m.kbm\n4 size\n10\n99\n60\n69\n440.0 Hz\n5\n0\nX\n3\n";
        let mapping = Mapping::read(text).unwrap();
        let degrees = [60, 61, 62, 63, 64, 66, 59, 56].map(|key| mapping.degree(key));
        let expected = [Some(0), None, Some(3), None, Some(5), Some(8), None, Some(-5)];
        assert_eq!(degrees, expected);
        assert_eq!((mapping.reference_key, mapping.reference_hz), (69, 440.0));
        assert_eq!(
            [9, 10, 99, 100].map(|key| mapping.degree(key).is_some()),
            [false, true, false, false]
        );
    }

    #[test]
    fn a_mapping_without_entries_is_linear() {
        for text in ["0\n0\n127\n62\n62\n300.0\n", "0\n0\n127\n62\n62\n300.0\n12\n"] {
            let mapping = Mapping::read(text).unwrap();
            assert_eq!([0, 61, 62, 127].map(|key| mapping.degree(key).unwrap()), [-62, -1, 0, 65]);
        }
    }

    #[test]
    fn why_a_mapping_cannot_be_read_is_said() {
        let good = ["12", "0", "127", "60", "69", "440.0", "12", "0"];
        let refused = |index: usize, words: &str| {
            let mut lines = good;
            lines[index] = words;
            Mapping::read(&lines.join("\n")).unwrap_err().to_string()
        };
        assert!(refused(0, "many").contains("line 1 (`many`) is not the size of the map"));
        assert!(refused(1, "128").contains("from 0 to 127"));
        assert!(refused(5, "0").contains("is not a frequency"));
        assert!(refused(5, "NaN").contains("is not a frequency"));
        assert!(refused(6, "a").contains("the map repeats"));
        assert!(refused(7, "y").contains("a note of the scale, or x"));
        let ends = Mapping::read("12\n0\n127").unwrap_err().to_string();
        assert!(ends.starts_with("it ends before the key of the first note"), "{ends}");
    }

    #[test]
    fn whatever_is_in_a_file_it_is_read_or_refused() {
        let word = prop_oneof![
            "[0-9./x! -]{0,8}",
            "\\PC{0,12}",
            Just("12".to_owned()),
            Just("\r".to_owned()),
        ];
        proptest!(|(words in prop::collection::vec(word, 0..20))| {
            let text = words.join("\n");
            let (scale, mapping) = (Scale::read(&text), Mapping::read(&text));
            let scale = scale.unwrap_or_else(|_| Scale::equal());
            let mapping = mapping.unwrap_or(Mapping::LINEAR);
            if let Ok(table) = compile(&scale, &mapping) {
                let tuning = Tuning::of(&table).unwrap();
                for volts in [-100.0, -0.01, 0.0, 5.0, 100.0] {
                    let step = tuning.nearest(volts);
                    prop_assert!(tuning.volts(step).is_finite());
                    prop_assert!(tuning.volts(step) <= tuning.volts(step + 1));
                }
            }
        });
    }
}
