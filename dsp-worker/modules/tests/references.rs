//! How every module sounded when somebody last listened to it.
//!
//! A reference is half a second of the module [`at work`](Rig::at_work); from
//! the middle on with every knob turned. Where it is to sound otherwise, listen to both files that the failing test leaves,
//! and write the references anew: `UPDATE_REFERENCES=1 cargo test -p sostenuto-modules
//! --test references`.

use std::path::{Path, PathBuf};

use sostenuto_modules::catalog::{Entry, well_behaved};
use sostenuto_modules::param::Taper;
use sostenuto_modules::rig::{Render, Rig};

const RATE_HZ: u32 = 48_000;
const FRAMES: usize = 24_000;
/// What 24 bits can hold, in volts: a step is 6 µV.
const FULL_SCALE_VOLTS: f64 = 50.0;
const TOP: f64 = 8_388_608.0;
/// What may be different, over the level of the whole. Nobody hears it.
const LIMIT_DB: f64 = -80.0;
/// Below this level a render is silence.
const SILENT_VOLTS: f64 = 1e-5;

/// The reference is of half the rate, in whole steps.
const WAV: hound::WavSpec = hound::WavSpec {
    channels: 1,
    sample_rate: RATE_HZ / 2,
    bits_per_sample: 24,
    sample_format: hound::SampleFormat::Int,
};

#[test]
fn every_module_sounds_as_it_did() {
    let is_update = std::env::var_os("UPDATE_REFERENCES").is_some_and(|value| value == "1");
    let mut failed = Vec::new();
    let with_outputs = || well_behaved().filter(|entry| !entry.about.outputs.is_empty());
    for entry in with_outputs() {
        let is = render(entry);
        if is_update {
            write(&reference(entry), &is);
        } else if let Err(why) = compare(entry, &is) {
            failed.push(format!("{}: {why}", entry.about.name));
        }
    }
    for file in folder().read_dir().expect("the references") {
        let path = file.expect("a file").path();
        if !with_outputs().any(|entry| path == reference(entry)) {
            failed.push(format!("no module sounds like {}", path.display()));
        }
    }
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

/// One line for each module: its name and [`Rig::fingerprint`]. The unit tests of
/// the crate, whose modules are compiled without AVX2, compare with it too.
#[test]
fn every_module_is_the_same_to_the_bit_with_and_without_avx2() {
    let line = |entry: &Entry| {
        let name = entry.about.name;
        format!("{name} {:016x}\n", Rig::fingerprint(name))
    };
    let is: String = well_behaved().map(line).collect();
    let path = folder().join("../bits.txt");
    if std::env::var_os("UPDATE_REFERENCES").is_some_and(|value| value == "1") {
        std::fs::write(&path, &is).expect("a writable file");
    }
    let was = std::fs::read_to_string(&path).expect("tests/bits.txt");
    let other: Vec<&str> = is.lines().filter(|line| !was.lines().any(|was| was == *line)).collect();
    assert!(other.is_empty(), "other bits, or wanted so (UPDATE_REFERENCES=1): {other:#?}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references")
}

fn reference(entry: &Entry) -> PathBuf {
    folder().join(format!("{}.wav", entry.about.name))
}

/// All outputs together, each at a level of its own, so that none hides behind
/// another; then two frames become one.
fn render(entry: &Entry) -> Vec<i32> {
    let mut rig = Rig::at_work(entry.about.name, RATE_HZ as f32, 2);
    let mut sum = mixed(entry, &rig.run(FRAMES / 2));
    for param in entry.about.params {
        let (low, high) = (*param.range.start(), *param.range.end());
        let turned = match param.taper {
            Taper::Choice(_) => continue,
            Taper::Log => low * (high / low).powf(0.7),
            Taper::Linear | Taper::Steps => low + 0.7 * (high - low),
        };
        rig.set(param.name, param.legal(turned));
    }
    sum.extend(mixed(entry, &rig.run(FRAMES / 2)));
    let step = |pair: &[f64; 2]| {
        let volts = 0.5 * (pair[0] + pair[1]);
        (volts / FULL_SCALE_VOLTS * TOP).round().clamp(-TOP, TOP - 1.0) as i32
    };
    sum.as_chunks().0.iter().map(step).collect()
}

fn mixed(entry: &Entry, out: &Render) -> Vec<f64> {
    let mut sum = vec![0.0; FRAMES / 2];
    let mut share = 0.5;
    for port in entry.about.outputs {
        for channel in 0..out.channels(port.name) {
            let volts = out.channel(port.name, channel);
            sum.iter_mut().zip(volts).for_each(|(sum, &volts)| *sum += share * f64::from(volts));
            share *= 0.8;
        }
    }
    sum
}

fn level(steps: impl Iterator<Item = f64>) -> f64 {
    let mut count = 0.0;
    let square = |step: f64| {
        count += 1.0;
        (step / TOP * FULL_SCALE_VOLTS).powi(2)
    };
    let energy: f64 = steps.map(square).sum();
    (energy / f64::max(count, 1.0)).sqrt()
}

fn compare(entry: &Entry, is: &[i32]) -> Result<(), String> {
    let Ok(mut wav) = hound::WavReader::open(reference(entry)) else {
        return Err("there is no reference: write it by UPDATE_REFERENCES=1".to_owned());
    };
    let was: Vec<i32> = wav.samples().map(|step| step.expect("a whole reference")).collect();
    assert_eq!(was.len(), is.len(), "{}", entry.about.name);
    let loudness = level(was.iter().map(|&step| f64::from(step)));
    let residual = level(is.iter().zip(&was).map(|(&is, &was)| f64::from(is - was)));
    let residual_db = 20.0 * (residual / loudness.max(SILENT_VOLTS)).max(1e-10).log10();
    if residual_db < LIMIT_DB {
        return Ok(());
    }
    let left = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../artifacts/references");
    std::fs::create_dir_all(&left).expect("a folder for artefacts");
    let name = entry.about.name;
    write(&left.join(format!("{name}-is.wav")), is);
    write(&left.join(format!("{name}-was.wav")), &was);
    Err(format!("{residual_db:.1} dB are other; listen to {}/{name}-*.wav", left.display()))
}

fn write(path: &Path, steps: &[i32]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for references");
    let mut wav = hound::WavWriter::create(path, WAV).expect("a writable reference");
    steps.iter().for_each(|&step| wav.write_sample(step).expect("room on the disk"));
    wav.finalize().expect("room on the disk");
}
