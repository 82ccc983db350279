use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// The sounds of `app/tests/sounds`, which other programs made and decoded.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds")
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn interleaved(sound: &Sound) -> Vec<f32> {
    let frame = |n: usize| sound.channels.iter().map(move |channel| channel[n]);
    (0..sound.frames()).flat_map(frame).collect()
}

#[test]
fn every_sound_that_other_programs_made_is_what_they_decode() {
    let list = fs::read_to_string(corpus().join("expected.txt")).unwrap();
    let mut wrong = Vec::new();
    for line in list.lines() {
        let [name, rate, channels, expected, tolerance] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let expected = floats(&corpus().join(expected));
        let sound = match read(&corpus().join(name)) {
            Ok(sound) => sound,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let is = interleaved(&sound);
        let spec = (sound.rate_hz.to_string(), sound.channels.len().to_string());
        let pairs = is.iter().zip(&expected);
        let off = pairs.map(|(is, should)| (is - should).abs()).fold(0.0, f32::max);
        if spec != (rate.to_owned(), channels.to_owned())
            || is.len() != expected.len()
            || off > tolerance.parse().unwrap()
            || sound.is_damaged
            || sound.is_longer
        {
            let (is, should) = (is.len(), expected.len());
            let Sound { is_damaged, is_longer, .. } = sound;
            wrong.push(format!(
                "{name}: {spec:?}, {is} samples of {should}, {off} off, damaged: {is_damaged}, \
                 longer: {is_longer}"
            ));
        }
    }
    assert!(list.lines().count() > 50);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn vorbis_with_more_channels_than_can_be_taken_apart_is_refused() {
    let error = read(&corpus().join("ogg-six.ogg")).unwrap_err();
    assert!(error.to_string().contains("more than two channels"), "{error}");
}

#[test]
fn what_a_file_is_called_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["wav-s24le.wav", "flac-16.flac", "mp3-tags.mp3", "ogg-mono.ogg", "aiff-s16be.aiff"]
    {
        let should_be = read(&corpus().join(name)).unwrap();
        for other in ["sound", "sound.mp3", "sound.WAV", "sound.txt"] {
            fs::copy(corpus().join(name), folder.path().join(other)).unwrap();
            assert_eq!(read(&folder.path().join(other)).unwrap(), should_be, "{name} as {other}");
        }
    }
}

#[test]
fn a_file_that_is_cut_short_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short");
    for name in ["wav-s16le.wav", "wav-rf64.wav", "aiff-s24be.aiff", "flac-16.flac"] {
        let bytes = fs::read(corpus().join(name)).unwrap();
        let whole = read(&corpus().join(name)).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 301]).unwrap();
        let short = read(&path);
        let Ok(short) = short else {
            // Its one frame is not whole.
            assert_eq!(name, "flac-16.flac");
            continue;
        };
        assert!(short.is_damaged, "{name}");
        let frames = short.frames();
        assert!((1..whole.frames()).contains(&frames), "{name}: {frames}");
        assert_eq!(short.channels[0], whole.channels[0][..frames], "{name}");
    }
    // The same where there is more than one frame.
    for name in ["ogg-stereo.ogg", "mp3-plain.mp3"] {
        let bytes = fs::read(corpus().join(name)).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 301]).unwrap();
        if let Ok(short) = read(&path) {
            assert!(short.frames() < read(&corpus().join(name)).unwrap().frames());
        }
    }
}

fn refused(path: &Path) -> String {
    read(path).unwrap_err().to_string()
}

#[test]
fn what_is_no_sound_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    let said = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        refused(&path)
    };
    let unknown = "it is not a WAV, AIFF, FLAC, OGG Vorbis or MP3 file";
    assert_eq!(said(b""), unknown);
    assert_eq!(said(b"Dear Ada,"), unknown);
    assert_eq!(said(&[0; 100_000]), unknown);
    assert_eq!(said("Dear Ada, \u{ff}\u{fb} ".repeat(10_000).as_bytes()), unknown);
    assert!(said(b"RIFF\x04\0\0\0WAVE").contains("damaged"));
    assert!(said(&wav(Wav { channels: 0, ..Wav::default() }, &[])).contains("no channels"));
    assert!(said(&wav(Wav { rate_hz: 0, ..Wav::default() }, &[0; 8])).contains("sample rate"));
    assert_eq!(said(&wav(Wav::default(), &[])), "there is no sound in it");
    assert!(said(&wav(Wav { kind: 0x161, ..Wav::default() }, &[0; 8])).contains("0x161"));
    assert_eq!(refused(folder.path()), "it is not a regular file");
    assert!(read(&folder.path().join("nowhere.wav")).is_err());
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_into_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wav");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(refused(&pipe), "it is not a regular file");
    assert_eq!(refused(Path::new("/dev/zero")), "it is not a regular file");
}

#[test]
fn of_a_very_long_sound_the_first_ten_minutes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let mut head =
        wav(Wav { rate_hz: 8000, bits: 8, said_bytes: Some(u32::MAX), ..Wav::default() }, &[]);
    head.truncate(44);
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(&head).unwrap();
    file.set_len(6 << 30).unwrap();
    let sound = read(&path).unwrap();
    assert_eq!((sound.frames(), sound.is_longer), (600 * 8000, true));
    assert_eq!(sound.channels[0][7], -1.0);
}

/// A WAV file as somebody may write it.
#[derive(Clone, Debug)]
struct Wav {
    /// `RIFF`, `RF64` or `BW64`.
    name: &'static [u8; 4],
    kind: u16,
    is_extensible: bool,
    channels: u16,
    rate_hz: u32,
    /// Of a sample with all that it takes up.
    bits: u16,
    valid_bits: u16,
    /// Chunks before and after the samples: their names and lengths.
    before: Vec<(&'static [u8; 4], usize)>,
    after: Vec<(&'static [u8; 4], usize)>,
    is_padded: bool,
    /// Bytes of zeros behind the `fmt ` chunk's own.
    more_form: usize,
    /// What it says instead of the right length.
    said_bytes: Option<u32>,
    /// What is missing at its end.
    missing: usize,
}

impl Default for Wav {
    fn default() -> Wav {
        Wav {
            name: b"RIFF",
            kind: 1,
            is_extensible: false,
            channels: 1,
            rate_hz: 48_000,
            bits: 16,
            valid_bits: 16,
            before: Vec::new(),
            after: Vec::new(),
            is_padded: true,
            more_form: 0,
            said_bytes: None,
            missing: 0,
        }
    }
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8], is_padded: bool) {
    out.extend_from_slice(name);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    if is_padded && data.len() % 2 == 1 {
        out.push(0);
    }
}

fn wav(wav: Wav, data: &[u8]) -> Vec<u8> {
    let block = wav.channels * wav.bits / 8;
    let kind = if wav.is_extensible { 0xfffe } else { wav.kind };
    let mut form = [kind, wav.channels].map(u16::to_le_bytes).concat();
    form.extend(
        [wav.rate_hz, wav.rate_hz.wrapping_mul(block.into())].map(u32::to_le_bytes).concat(),
    );
    form.extend([block, wav.bits].map(u16::to_le_bytes).concat());
    if wav.is_extensible {
        form.extend([22, wav.valid_bits, 0, 0, wav.kind].map(u16::to_le_bytes).concat());
        form.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    }
    form.extend(std::iter::repeat_n(0, wav.more_form));
    let is_long = wav.name != b"RIFF";
    let mut body = b"WAVE".to_vec();
    if is_long {
        let sizes = [0, data.len() as u64, 0].map(u64::to_le_bytes).concat();
        chunk(&mut body, b"ds64", &[&sizes[..], &[0; 4]].concat(), true);
    }
    let junk = |body: &mut Vec<u8>, &(name, length): &(&'static [u8; 4], usize)| {
        let data: Vec<u8> = (0..length).map(|n| b"fmt data"[n % 8]).collect();
        chunk(body, name, &data, wav.is_padded);
    };
    wav.before.iter().for_each(|one| junk(&mut body, one));
    chunk(&mut body, b"fmt ", &form, true);
    wav.before.iter().for_each(|one| junk(&mut body, one));
    let said = wav.said_bytes.unwrap_or(if is_long { u32::MAX } else { data.len() as u32 });
    body.extend_from_slice(b"data");
    body.extend(said.to_le_bytes());
    body.extend_from_slice(data);
    if data.len() % 2 == 1 && wav.is_padded && wav.said_bytes.is_none() {
        body.push(0);
    }
    wav.after.iter().for_each(|one| junk(&mut body, one));
    let mut all = wav.name.to_vec();
    all.extend((if is_long { u32::MAX } else { body.len() as u32 }).to_le_bytes());
    all.extend(body);
    all.truncate(all.len() - wav.missing);
    all
}

/// A sample between -1 and 1, as such a file has it, and what it then is.
fn written(wav: &Wav, sample: f64) -> (Vec<u8>, f32) {
    if wav.kind == 3 {
        return match wav.bits {
            32 => ((sample as f32).to_le_bytes().to_vec(), sample as f32),
            _ => (sample.to_le_bytes().to_vec(), sample as f32),
        };
    }
    let valid = if wav.is_extensible { wav.valid_bits } else { wav.bits };
    let steps = (sample * 2f64.powi(i32::from(valid) - 1)).floor() as i64;
    let whole = steps << (wav.bits - valid);
    let value = (steps as f64 / 2f64.powi(i32::from(valid) - 1)) as f32;
    let bytes = match wav.bits {
        8 => vec![(whole + 128) as u8],
        bits => whole.to_le_bytes()[..usize::from(bits / 8)].to_vec(),
    };
    (bytes, value)
}

fn any_chunks() -> impl Strategy<Value = Vec<(&'static [u8; 4], usize)>> {
    let names: [&[u8; 4]; 9] =
        [b"LIST", b"id3 ", b"bext", b"junk", b"JUNK", b"cue ", b"iXML", b"PEAK", b"fact"];
    prop::collection::vec((prop::sample::select(names.to_vec()), 0usize..40), 0..4)
}

prop_compose! {
    fn any_wav()(
        (kind, bits) in prop::sample::select(vec![
            (1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64),
        ]),
        (is_extensible, unused, more_form) in (any::<bool>(), 0u16..8, prop::sample::select(vec![0usize, 2, 4])),
        channels in 1u16..=8,
        rate_hz in prop::sample::select(vec![8000u32, 11_025, 44_100, 48_000, 96_000, 384_000]),
        name in prop::sample::select(vec![b"RIFF", b"RF64", b"BW64"]),
        before in any_chunks(),
        after in any_chunks(),
        is_padded in any::<bool>(),
    ) -> Wav {
        let valid_bits = if kind == 1 && bits > 8 { bits - unused } else { bits };
        Wav {
            name, kind, bits, valid_bits, is_extensible, channels, rate_hz, before, after, is_padded,
            more_form, said_bytes: None, missing: 0,
        }
    }
}

fn read_of(bytes: Vec<u8>) -> Result<Sound, SoundError> {
    decode(Box::new(Cursor::new(bytes)))
}

/// The bytes of samples, and what they are.
fn samples(wav: &Wav, values: &[f64]) -> (Vec<u8>, Vec<f32>) {
    let whole = values.len() / usize::from(wav.channels) * usize::from(wav.channels);
    let written: Vec<_> = values[..whole].iter().map(|value| written(wav, *value)).collect();
    let data = written.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
    (data, written.iter().map(|(_, value)| *value).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_wav_is_the_sound_that_was_written(
        file in any_wav(),
        values in prop::collection::vec(-1.0..1.0f64, 8..40),
    ) {
        let (data, should_be) = samples(&file, &values);
        let sound = read_of(wav(file.clone(), &data)).unwrap();
        prop_assert_eq!((sound.rate_hz, sound.channels.len()), (file.rate_hz, file.channels.into()));
        prop_assert_eq!(interleaved(&sound), should_be);
        prop_assert!(!sound.is_damaged && !sound.is_longer);
    }

    #[test]
    fn a_wav_from_a_stream_goes_to_the_end_of_the_file(
        file in any_wav(),
        said in prop::sample::select(vec![0, u32::MAX, 0x7fff_f000, 0x8000_0000]),
        values in prop::collection::vec(-1.0..1.0f64, 8..40),
    ) {
        let file = Wav { name: b"RIFF", said_bytes: Some(said), after: Vec::new(), ..file };
        let (data, should_be) = samples(&file, &values);
        // What begins with the name of a chunk is one.
        let sound = read_of(wav(file, &data)).unwrap();
        prop_assert_eq!(interleaved(&sound), should_be);
        prop_assert!(!sound.is_damaged && !sound.is_longer);
    }

    #[test]
    fn a_wav_that_is_cut_short_is_played_as_far_as_it_goes(
        file in any_wav(),
        missing in 1usize..200,
        values in prop::collection::vec(-1.0..1.0f64, 8..40),
    ) {
        let file = Wav { after: Vec::new(), is_padded: false, ..file };
        let (data, should_be) = samples(&file, &values);
        let block = usize::from(file.channels * file.bits / 8);
        let missing = missing.min(data.len());
        let frames = (data.len() - missing) / block;
        let read = read_of(wav(Wav { missing, ..file.clone() }, &data));
        if frames == 0 {
            prop_assert!(matches!(read, Err(SoundError::Empty)));
        } else {
            let sound = read.unwrap();
            prop_assert_eq!(&interleaved(&sound)[..], &should_be[..frames * usize::from(file.channels)]);
            prop_assert!(sound.is_damaged);
        }
    }

    #[test]
    fn any_bytes_are_a_sound_or_a_sentence(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_of(bytes);
    }

    #[test]
    fn a_sound_with_a_few_bytes_changed_is_a_sound_or_a_sentence(
        name in prop::sample::select(vec![
            "wav-s16le.wav", "wav-adpcm-ms.wav", "wav-adpcm-ima.wav", "wav-rf64.wav",
            "aiff-s24be.aiff", "flac-16.flac", "ogg-stereo.ogg", "mp3-tags.mp3",
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = fs::read(corpus().join(name)).unwrap();
        for (at, byte) in changes {
            // Most of what matters is at the beginning.
            let at = at.index(bytes.len().min(300));
            bytes[at] = byte;
        }
        if let Ok(sound) = read_of(bytes) {
            prop_assert!(interleaved(&sound).iter().all(|sample| sample.is_finite()));
        }
    }
}
