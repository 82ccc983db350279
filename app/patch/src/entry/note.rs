//! Notes by name, and the lengths of notes.

const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
/// The key of C4, as MIDI counts them.
const C4_KEY: i32 = 60;

/// A key by its name: 60 is `C4`.
pub fn note_name(key: i32) -> String {
    format!("{}{}", NAMES[key.rem_euclid(12) as usize], key.div_euclid(12) - 1)
}

/// A pitch, in octaves from C4, by its nearest note and what is missing: `C#3 +12 ct`.
pub fn pitch_name(voct: f32) -> String {
    let cents = f64::from(voct) * 1200.0;
    let semitones = (cents / 100.0).round();
    let rest = ((cents - semitones * 100.0) * 10.0).round() / 10.0;
    let name = note_name(C4_KEY + semitones as i32);
    if rest == 0.0 { name } else { format!("{name} {rest:+} ct") }
}

/// Reads a note at the start of a text: octaves from C4, and how many bytes it was.
pub fn read(text: &str) -> Option<(f64, usize)> {
    let mut letters = text.char_indices().peekable();
    let (_, letter) = letters.next()?;
    let mut semitones = match letter.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    while let Some(&(_, sign)) = letters.peek() {
        semitones += match sign {
            '#' | '♯' => 1,
            'b' | '♭' => -1,
            _ => break,
        };
        letters.next();
    }
    let is_below = letters.next_if(|&(_, c)| c == '-' || c == '−').is_some();
    let (start, _) = *letters.peek().filter(|(_, c)| c.is_ascii_digit())?;
    let end = letters.find(|(_, c)| !c.is_ascii_digit()).map_or(text.len(), |(end, _)| end);
    let octave: i32 = text[start..end].parse().ok().filter(|&octave| octave < 100)?;
    let octave = if is_below { -octave } else { octave };
    Some((f64::from(octave - 4) + f64::from(semitones) / 12.0, end))
}

/// How long `1/8`, `1/4.` (dotted) or `1/8t` (triplet) is, in seconds.
pub fn length_secs(text: &str, bpm: f64) -> Option<f64> {
    let (text, stretch) = match text.chars().last()? {
        '.' | 'd' | 'D' => (&text[..text.len() - 1], 1.5),
        't' | 'T' => (&text[..text.len() - 1], 2.0 / 3.0),
        _ => (text, 1.0),
    };
    let (above, below) = text.split_once('/')?;
    let above: u32 = above.trim().parse().ok()?;
    let below: u32 = below.trim().parse().ok().filter(|below: &u32| below.is_power_of_two())?;
    let whole_secs = 4.0 * 60.0 / bpm;
    Some(f64::from(above) / f64::from(below) * stretch * whole_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_are_named() {
        for key in -20..140 {
            let name = note_name(key);
            let (octaves, bytes) = read(&name).unwrap();
            assert!((octaves - f64::from(key - 60) / 12.0).abs() < 1e-9, "{name}");
            assert_eq!(bytes, name.len());
        }
        assert_eq!(read("Bb-1").unwrap().0, -5.0 + 10.0 / 12.0);
        assert_eq!(read("c4").unwrap(), (0.0, 2));
        for bad in ["", "H4", "C", "C#", "4", "C-", "A999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_pitch_is_a_note_and_cents() {
        assert_eq!(pitch_name(0.0), "C4");
        assert_eq!(pitch_name(-11.0 / 12.0 + 0.01), "C#3 +12 ct");
        assert_eq!(pitch_name(0.75 - 0.0005), "A4 -0.6 ct");
    }

    #[test]
    fn an_eighth_at_120_bpm_is_a_quarter_of_a_second() {
        assert_eq!(length_secs("1/8", 120.0), Some(0.25));
        assert_eq!(length_secs("1/4.", 120.0), Some(0.75));
        assert!((length_secs("1/8t", 120.0).unwrap() - 1.0 / 6.0).abs() < 1e-12);
        assert_eq!(length_secs("1/1", 60.0), Some(4.0));
        for bad in ["1/3", "1/0", "8", "1/4x", "t", "", "µ"] {
            assert_eq!(length_secs(bad, 120.0), None, "{bad}");
        }
    }
}
