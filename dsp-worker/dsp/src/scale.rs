//! Scales: which of the twelve semitones there are.

/// The names of [`SCALE_NOTES`].
pub const SCALE_NAMES: [&str; 16] = [
    "chromatic",
    "major",
    "minor",
    "dorian",
    "phrygian",
    "lydian",
    "mixolydian",
    "locrian",
    "harmonic minor",
    "melodic minor",
    "major pentatonic",
    "minor pentatonic",
    "blues",
    "whole tone",
    "diminished",
    "octaves",
];

/// One bit a semitone, the root rightmost.
pub const SCALE_NOTES: [u32; 16] = [
    0b1111_1111_1111,
    0b1010_1011_0101,
    0b0101_1010_1101,
    0b0110_1010_1101,
    0b0101_1010_1011,
    0b1010_1101_0101,
    0b0110_1011_0101,
    0b0101_0110_1011,
    0b1001_1010_1101,
    0b1010_1010_1101,
    0b0010_1001_0101,
    0b0100_1010_1001,
    0b0100_1110_1001,
    0b0101_0101_0101,
    0b1011_0110_1101,
    0b0000_0000_0001,
];

/// The twelve keys, from C.
pub const KEY_NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// The notes of a scale in a key: one bit a semitone, C rightmost.
#[inline(always)]
pub fn notes(scale: usize, key: usize) -> u32 {
    turned(SCALE_NOTES[scale % SCALE_NOTES.len()], key)
}

/// Notes above C as the same notes above another key.
#[inline(always)]
pub fn turned(notes: u32, key: usize) -> u32 {
    let key = key % 12;
    (notes << key | notes >> (12 - key)) & 0xfff
}

/// Whether a semitone above C4 is one of the notes.
#[inline(always)]
pub fn has(notes: u32, semitone: i32) -> bool {
    notes >> (semitone + 1200).rem_euclid(12) & 1 != 0
}

/// The note nearest to so many semitones above C4; in the middle, the lower.
#[inline(always)]
pub fn nearest(notes: u32, semitones: f32) -> i32 {
    // The first at or below, and the first above.
    let whole = semitones as i32 - (semitones < 0.0) as i32;
    let below = whole - (0..12).find(|&n| has(notes, whole - n)).unwrap_or(0);
    let above = next(notes, below);
    if semitones - below as f32 <= above as f32 - semitones { below } else { above }
}

/// The note above.
#[inline(always)]
pub fn next(notes: u32, note: i32) -> i32 {
    note + (1..12).find(|&n| has(notes, note + n)).unwrap_or(12)
}

/// The note below.
#[inline(always)]
pub fn previous(notes: u32, note: i32) -> i32 {
    note - (1..12).find(|&n| has(notes, note - n)).unwrap_or(12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_has_as_many_notes_as_its_name_says() {
        let counts = SCALE_NOTES.map(|notes: u32| notes.count_ones());
        assert_eq!(counts, [12, 7, 7, 7, 7, 7, 7, 7, 7, 7, 5, 5, 6, 6, 8, 1]);
        assert!(SCALE_NOTES.iter().all(|notes| notes & 1 == 1));
    }

    #[test]
    fn a_key_moves_its_scale() {
        let d_major = notes(1, 2);
        let rising: Vec<i32> =
            (0..7).scan(2, |n, _| Some(std::mem::replace(n, next(d_major, *n)))).collect();
        assert_eq!(rising, [2, 4, 6, 7, 9, 11, 13]);
        assert_eq!(previous(d_major, 2), 1);
        assert_eq!(nearest(d_major, -0.4), -1);
    }
}
