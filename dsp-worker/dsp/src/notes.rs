//! Notes of a piano roll: a text that a musician or an editor writes, and the
//! rows of numbers that a host makes of it.
//!
//! A note is `start length pitch velocity`: start and length in beats, the pitch
//! as a name (`C4`, `F#3`, `Bb2`) or in `voct` volts, the velocity from 0 to 1.
//! The velocity may be left out. Notes stand on lines of their own, or are
//! parted by semicolons. A line `tuning PATH` names a file that tunes them.

use std::str::FromStr;

/// Notes that one text may have.
pub const MAX_NOTES: usize = 4096;

/// The velocity of a note that names none.
const USUAL_VELOCITY: f32 = 0.8;

/// Beats after which no note may end.
const MOST_BEATS: f32 = 4096.0;

/// Semitones of an octave, by the letters of their names.
const LETTERS: [(char, i32); 7] =
    [('c', 0), ('d', 2), ('e', 4), ('f', 5), ('g', 7), ('a', 9), ('b', 11)];

/// What a line begins with that names a tuning.
const TUNING: &str = "tuning ";

/// One note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    /// In beats from the start of the loop.
    pub start_beats: f32,
    /// In beats.
    pub length_beats: f32,
    /// Its pitch.
    pub voct: f32,
    /// How hard, 0 to 1.
    pub velocity: f32,
}

impl Note {
    /// As a row of a clip.
    pub fn row(self) -> [f32; 4] {
        [self.start_beats, self.length_beats, self.voct, self.velocity]
    }

    /// From a row of a clip.
    #[inline(always)]
    pub fn of(&[start_beats, length_beats, voct, velocity]: &[f32; 4]) -> Note {
        Note { start_beats, length_beats, voct, velocity }
    }
}

/// Why notes cannot be read, and which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The notes cannot be read at note {number} (`{text}`): {what}.")]
pub struct NotesError {
    number: usize,
    text: String,
    what: &'static str,
}

/// Reads notes into the rows of a clip, the earliest first.
///
/// # Errors
/// A sentence that says which note cannot be read, and why.
pub fn compile(text: &str) -> Result<Vec<f32>, NotesError> {
    let lines = text.lines().filter(|line| tuning_of(line).is_none());
    let words = lines.flat_map(|line| line.split(';')).map(str::trim);
    let words = words.filter(|words| !words.is_empty());
    let mut rows = Vec::new();
    for (index, words) in words.enumerate() {
        let fail = |what| {
            let text = words.chars().take(40).collect();
            NotesError { number: index + 1, text, what }
        };
        if index == MAX_NOTES {
            return Err(fail("there are too many"));
        }
        rows.push(words.parse::<Note>().map_err(fail)?.row());
    }
    rows.sort_by(|one, other| one[0].total_cmp(&other[0]));
    Ok(rows.concat())
}

/// The path of a tuning that a line names. `None` where it is of notes.
pub fn tuning_of(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(TUNING).map(str::trim)
}

/// The line that names a tuning.
pub fn tuning_line(path: &str) -> String {
    format!("{TUNING}{path}")
}

/// The rows of a clip.
#[inline(always)]
pub fn rows(samples: &[f32]) -> &[[f32; 4]] {
    samples.as_chunks().0
}

impl FromStr for Note {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Note, &'static str> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (start, length, pitch, velocity) = match words[..] {
            [start, length, pitch] => (start, length, pitch, None),
            [start, length, pitch, velocity] => (start, length, pitch, Some(velocity)),
            _ => return Err("a note is START LENGTH PITCH VELOCITY, such as 0 1 C4 0.8"),
        };
        let beats =
            |word: &str| word.parse().ok().filter(|beats| (0.0..MOST_BEATS).contains(beats));
        let length_beats = beats(length).filter(|&beats: &f32| beats > 0.0);
        let velocity = match velocity {
            Some(word) => word.parse().ok().filter(|velocity| (0.0..=1.0).contains(velocity)),
            None => Some(USUAL_VELOCITY),
        };
        Ok(Note {
            start_beats: beats(start).ok_or("its start must be from 0 to 4096 beats")?,
            length_beats: length_beats.ok_or("its length must be above 0, and up to 4096 beats")?,
            voct: voct(pitch)
                .ok_or("its pitch must be a note's name, such as F#3, or -10 to 10 volts")?,
            velocity: velocity.ok_or("its velocity must be from 0 to 1")?,
        })
    }
}

/// The pitch of a name, or of volts. C4 is 0 V.
fn voct(text: &str) -> Option<f32> {
    let volts = text.parse().ok().or_else(|| named(text));
    volts.filter(|volts| (-10.0..=10.0).contains(volts))
}

fn named(text: &str) -> Option<f32> {
    let letter = text.chars().next()?.to_ascii_lowercase();
    let (_, semitone) = LETTERS.into_iter().find(|(name, _)| *name == letter)?;
    let rest = &text[1..];
    let octave = rest.trim_start_matches(['#', 'b', '♯', '♭']);
    let signs = rest[..rest.len() - octave.len()].chars();
    let shift: i32 = signs.map(|sign| if matches!(sign, '#' | '♯') { 1 } else { -1 }).sum();
    let octave: i32 = octave.parse().ok().filter(|octave| (-20..=20).contains(octave))?;
    Some(((octave - 4) * 12 + semitone + shift) as f32 / 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        compile(text).unwrap_err().to_string()
    }

    #[test]
    fn notes_are_read_in_whatever_order_and_lie_by_time() {
        let text = "2 0.5 F#3 1.0; 0 1 C4\n\n 1 0.25 -0.5 0.5;";
        let notes: Vec<Note> = rows(&compile(text).unwrap()).iter().map(Note::of).collect();
        let note = |start_beats, length_beats, voct, velocity| Note {
            start_beats,
            length_beats,
            voct,
            velocity,
        };
        let expected =
            [note(0.0, 1.0, 0.0, 0.8), note(1.0, 0.25, -0.5, 0.5), note(2.0, 0.5, -0.5, 1.0)];
        assert_eq!(notes, expected);
        assert_eq!(compile("").unwrap(), []);
    }

    #[test]
    fn pitches_are_called_as_on_a_keyboard() {
        for (name, semitones) in
            [("C4", 0), ("a4", 9), ("Bb3", -2), ("B#3", 0), ("Cb4", -1), ("C-1", -60), ("d##4", 4)]
        {
            assert_eq!(voct(name), Some(semitones as f32 / 12.0), "{name}");
        }
        for bad in ["", "H4", "C", "#4", "C99", "11", "NaN", "♯"] {
            assert_eq!(voct(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_line_may_name_a_tuning() {
        let text = format!("0 1 C4\n{}\n1 1 E4", tuning_line("/a; b/c d.scl"));
        assert_eq!(compile(&text).unwrap(), compile("0 1 C4; 1 1 E4").unwrap());
        let named: Vec<&str> = text.lines().filter_map(tuning_of).collect();
        assert_eq!(named, ["/a; b/c d.scl"]);
        assert!(refused("0 1 C4; tuning a.scl").contains("START LENGTH"), "it wants its own line");
    }

    #[test]
    fn it_says_which_note_can_not_be_read() {
        let sentence = refused("0 1 C4; 1 1 H4 1");
        assert!(sentence.contains("note 2 (`1 1 H4 1`): its pitch"), "{sentence}");
        assert!(refused("0 1").contains("START LENGTH"));
        assert!(refused("-1 1 C4").contains("its start"));
        assert!(refused("0 0 C4").contains("its length"));
        assert!(refused("0 inf C4").contains("its length"));
        assert!(refused("0 1 C4 2").contains("its velocity"));
        assert!(refused(&"0 1 C4;".repeat(5000)).contains("too many"));
    }
}
