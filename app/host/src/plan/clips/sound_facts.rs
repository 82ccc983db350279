//! What a sound's file says beside the sound: where it goes round, and which note
//! it plays. In WAV files that is the chunk `smpl`, in AIFF files `INST` and
//! `MARK`. A file that says it wrongly says nothing.

use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use sostenuto_patch::Name;
use sostenuto_patch::disk;
use sostenuto_patch::factory::sound;
use sostenuto_patch::sounds::FACTORY;

use super::make::Made;

/// Chunks of a file that are looked at, and bytes of one.
const MOST_CHUNKS: usize = 1000;
const MOST_BYTES: usize = 1 << 16;
/// C4, as MIDI counts notes.
const C4_NOTE: i32 = 60;

/// What the chunks of a file say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Facts {
    /// Frames of the file in a second; 0 where it is not said.
    rate_hz: f64,
    /// The first frame of the loop, and the frame after its last.
    turns: Option<[u32; 2]>,
    root_cents: i32,
}

/// Adds what the file of a sound says to the sound.
pub fn add(mut made: Made, text: &Name) -> Made {
    let facts = match text.strip_prefix(FACTORY) {
        Some(name) => sound(name).and_then(|bytes| read(Cursor::new(bytes))),
        None => disk::open(Path::new(&**text)).ok().and_then(|file| read(BufReader::new(file))),
    };
    let facts = facts.unwrap_or_default();
    made.root_cents = facts.root_cents;
    // The sound may be shorter than its file, and have another rate.
    let frames = made.samples.len() / made.channels.max(1) as usize;
    let secs = frames as f64 / f64::from(made.sample_rate_hz);
    if let Some(turns) = facts.turns
        && facts.rate_hz > 0.0
    {
        let [start, end] = turns.map(|frame| f64::from(frame) / facts.rate_hz / secs);
        if start < end && end <= 1.0 {
            made.loop_part = [start, end];
        }
    }
    made
}

fn read(mut file: impl Read + Seek) -> Option<Facts> {
    let mut head = [0; 12];
    file.read_exact(&mut head).ok()?;
    let (form, kind) = (&head[..4], &head[8..]);
    match (form, kind) {
        (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => read_wav(file),
        (b"FORM", b"AIFF" | b"AIFC") => read_aiff(file),
        _ => None,
    }
}

fn read_wav(file: impl Read + Seek) -> Option<Facts> {
    let mut facts = Facts::default();
    let mut long_bytes = 0;
    each_chunk(file, u32::from_le_bytes, |id, bytes, size| {
        let number = |at: usize| little(bytes, at);
        match id {
            b"fmt " => facts.rate_hz = f64::from(number(4)?),
            // The size of a sound that 32 bits cannot count.
            b"ds64" => long_bytes = u64::from(number(8)?) | u64::from(number(12)?) << 32,
            b"data" if size == u32::MAX => return Some(long_bytes),
            b"smpl" => {
                let (note, above) = (number(12)?, number(16)?);
                // Of a whole semitone.
                let above_cents = (f64::from(above) * 100.0 / f64::exp2(32.0)).round() as i32;
                facts.root_cents = root_cents(note as i32, above_cents);
                if number(28)? > 0 {
                    facts.turns = turns(number(44)?, number(48)?.checked_add(1)?);
                }
            }
            _ => {}
        }
        Some(u64::from(size))
    });
    Some(facts)
}

fn read_aiff(file: impl Read + Seek) -> Option<Facts> {
    let mut facts = Facts::default();
    let mut marks = Vec::new();
    let mut loop_marks = None;
    each_chunk(file, u32::from_be_bytes, |id, bytes, size| {
        let number = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        match id {
            b"COMM" => facts.rate_hz = extended(bytes.get(8..)?.first_chunk()?),
            b"MARK" => marks = read_marks(bytes),
            b"INST" => {
                let [note, detune] = [bytes.first()?, bytes.get(1)?].map(|&byte| byte as i8);
                facts.root_cents = root_cents(i32::from(note), -i32::from(detune));
                // 0 is no loop.
                loop_marks = (number(8)? != 0).then_some([number(10)?, number(12)?]);
            }
            _ => {}
        }
        Some(u64::from(size))
    });
    let place = |mark: u16| marks.iter().find(|(id, _)| *id == mark).map(|(_, place)| *place);
    if let Some([start, end]) = loop_marks {
        facts.turns = place(start).zip(place(end)).and_then(|(start, end)| turns(start, end));
    }
    Some(facts)
}

/// Names and places of the marks: a mark lies before the frame of its number.
fn read_marks(bytes: &[u8]) -> Vec<(u16, u32)> {
    let mut marks = Vec::new();
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some(([a, b, p, q, r, s, length], more)) = rest.split_first_chunk() {
        marks.push((u16::from_be_bytes([*a, *b]), u32::from_be_bytes([*p, *q, *r, *s])));
        // With its length the name is an even number of bytes.
        rest = more.get(usize::from(*length | 1)..).unwrap_or_default();
    }
    marks
}

fn turns(start: u32, end: u32) -> Option<[u32; 2]> {
    (start < end).then_some([start, end])
}

/// Many programs write 0 where they do not know the note.
fn root_cents(note: i32, above_cents: i32) -> i32 {
    if (1..128).contains(&note) { 100 * (note - C4_NOTE) + above_cents } else { 0 }
}

fn little(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number as AIFF writes its sample rate: a sign, 15 bits of exponent and 64 of
/// a fraction from 1 to 2.
fn extended(bytes: &[u8; 10]) -> f64 {
    let [high, low, fraction @ ..] = *bytes;
    let exponent = i32::from(u16::from_be_bytes([high & 0x7f, low])) - 16_383 - 63;
    u64::from_be_bytes(fraction) as f64 * f64::from(exponent).exp2()
}

/// Goes through the chunks of a file. `take` gets a chunk's name, its first bytes
/// and its size, and returns the size to skip; `None` ends it.
fn each_chunk(
    mut file: impl Read + Seek,
    size: fn([u8; 4]) -> u32,
    mut take: impl FnMut(&[u8; 4], &[u8], u32) -> Option<u64>,
) {
    for _ in 0..MOST_CHUNKS {
        let mut head = [0; 8];
        let Ok(start) = file.stream_position() else { return };
        if file.read_exact(&mut head).is_err() {
            return;
        }
        let ([id, length], []) = head.as_chunks::<4>() else { return };
        let bytes = size(*length);
        // The sound itself is long, and says nothing here.
        let is_sound = matches!(id, b"data" | b"SSND");
        let wanted = if is_sound { 0 } else { (bytes as usize).min(MOST_BYTES) };
        let mut first = Vec::new();
        if file.by_ref().take(wanted as u64).read_to_end(&mut first).is_err() {
            return;
        }
        let Some(skipped) = take(id, &first, bytes) else { return };
        // Chunks begin at even bytes. One of no length is that of a stream.
        if is_sound && skipped == 0 {
            return;
        }
        let next = start.saturating_add(8).saturating_add(skipped + skipped % 2);
        if file.seek(SeekFrom::Start(next)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &[u8; 4], is_big: bool, body: &[u8]) -> Vec<u8> {
        let length = body.len() as u32;
        let length = if is_big { length.to_be_bytes() } else { length.to_le_bytes() };
        let pad: &[u8] = if body.len() % 2 == 1 { &[0] } else { &[] };
        [&id[..], &length, body, pad].concat()
    }

    fn file(form: &[u8; 4], kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
        [&form[..], &[0; 4], kind, &chunks.concat()].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn fmt(rate_hz: u32) -> Vec<u8> {
        chunk(b"fmt ", false, &words(&[0x1_0001, rate_hz, 2 * rate_hz, 0x10_0002]))
    }

    /// A loop from frame 100 up to and with 299.
    fn smpl(note: u32, above: u32) -> Vec<u8> {
        let body = words(&[0, 0, 0, note, above, 0, 0, 1, 0, 0, 0, 100, 299, 0, 0]);
        chunk(b"smpl", false, &body)
    }

    fn of(bytes: Vec<u8>) -> Option<Facts> {
        read(Cursor::new(bytes))
    }

    #[test]
    fn a_wav_says_its_loop_and_its_note_before_or_after_the_sound_between_odd_chunks() {
        let odd = chunk(b"LIST", false, &[7; 13]);
        let data = chunk(b"data", false, &[1; 801]);
        let facts = Facts { rate_hz: 8000.0, turns: Some([100, 300]), root_cents: 950 };
        let smpl = smpl(69, 1 << 31);
        for chunks in [
            vec![fmt(8000), odd.clone(), smpl.clone(), data.clone()],
            vec![fmt(8000), data.clone(), odd, smpl.clone()],
        ] {
            assert_eq!(of(file(b"RIFF", b"WAVE", &chunks)), Some(facts));
        }
        // 0xffffffff, and the size in a chunk before.
        let mut long = data;
        long[4..8].copy_from_slice(&[0xff; 4]);
        let sizes = chunk(b"ds64", false, &words(&[0, 0, 801, 0, 0, 0, 0]));
        let bytes = file(b"RF64", b"WAVE", &[sizes, fmt(8000), long, smpl]);
        assert_eq!(of(bytes).unwrap().turns, Some([100, 300]));
    }

    #[test]
    fn an_aiff_says_its_loop_by_marks() {
        let rate = [0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0];
        let common = chunk(b"COMM", true, &[&[0, 1, 0, 0, 1, 0, 0, 16][..], &rate].concat());
        let mark = |id: u8, place: u8, name: &[u8]| {
            let pad: &[u8] = if name.len().is_multiple_of(2) { &[0] } else { &[] };
            [&[0, id, 0, 0, 0, place, name.len() as u8][..], name, pad].concat()
        };
        let marks = [vec![0, 2], mark(1, 50, b"begin"), mark(2, 90, b"stop")].concat();
        let marks = chunk(b"MARK", true, &marks);
        let body = [57, 20, 0, 127, 1, 127, 0, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0];
        let instrument = chunk(b"INST", true, &body);
        let sound = chunk(b"SSND", true, &[0; 107]);
        let facts = of(file(b"FORM", b"AIFF", &[common, sound, instrument, marks])).unwrap();
        let should_be = Facts { rate_hz: 44_100.0, turns: Some([50, 90]), root_cents: -320 };
        assert_eq!(facts, should_be);
    }

    #[test]
    fn what_is_said_wrongly_is_not_said() {
        assert_eq!(of(b"RIFF".to_vec()), None);
        assert_eq!(of(file(b"RIFF", b"AVI ", &[])), None);
        let cut = smpl(69, 0)[..30].to_vec();
        assert_eq!(of(file(b"RIFF", b"WAVE", &[fmt(8000), cut])).unwrap().turns, None);
        assert_eq!(of(file(b"RIFF", b"WAVE", &[smpl(0, 9)])).unwrap().root_cents, 0);
        let long =
            Made { samples: vec![0.0; 250], channels: 1, sample_rate_hz: 8000, ..Made::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        std::fs::write(&path, file(b"RIFF", b"WAVE", &[fmt(8000), smpl(72, 0)])).unwrap();
        let name: Name = path.to_str().unwrap().into();
        let made = add(long, &name);
        assert_eq!((made.loop_part, made.root_cents), ([0.0; 2], 1200), "it ends behind the sound");
        // At another rate it is the same part.
        let made = Made {
            samples: vec![0.0; 1200],
            channels: 2,
            sample_rate_hz: 16_000,
            ..Made::default()
        };
        let made = add(made, &name);
        let at = made.loop_part.map(|part| (part * 600.0).round());
        assert_eq!(at, [200.0, 600.0]);
    }
}
