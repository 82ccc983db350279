//! What the tests share: the factory patches, and how to render one.

pub mod faults;
pub mod memory;
pub mod spectrum;
pub mod talking;

use std::path::{Path, PathBuf};

use sostenuto_host::engine::Frame;
use sostenuto_host::pool::Crew;
use sostenuto_host::render::{ComputedBy, Render, Settings};
use sostenuto_patch::{Patch, file};

/// The rate of every render here, in Hz.
pub const RATE_HZ: u32 = 48_000;

/// Every factory patch, by its file's name.
///
/// # Panics
/// Where there is none, or one cannot be read.
pub fn factory_patches() -> Vec<(String, Patch)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/patches");
    let entries = std::fs::read_dir(folder).expect("the factory patches");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "sostenuto"));
    paths.sort();
    assert!(!paths.is_empty(), "there are no factory patches");
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (name, file::load(path).unwrap_or_else(|error| panic!("{error}")))
    };
    paths.iter().map(read).collect()
}

/// A patch from the JSON of its modules and cables.
///
/// # Panics
/// Where it is no patch.
pub fn patch(modules: &str, cables: &[&str]) -> Patch {
    let cables: Vec<String> = cables.iter().map(|cable| format!("\"{cable}\"")).collect();
    let text = format!(
        r#"{{"sostenuto": 2, "title": "", "description": "", "modules": [{modules}], "cables": [{}]}}"#,
        cables.join(", ")
    );
    file::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A module of [`patch`]: `module("vco", "vco", r#""octave": 1"#)`.
pub fn module(id: &str, kind: &str, params: &str) -> String {
    format!(r#"{{"id": "{id}", "kind": "{kind}", "x": 0, "y": 0, "params": {{{params}}}}}"#)
}

/// A Saboteur in the left channel that strikes from an eighth of a second on, as its
/// params say, and a voice of its own in the right.
pub fn trap(params: &str) -> Patch {
    let modules = [
        module("left", "vco", ""),
        module("right", "vco", ""),
        module("clock", "lfo", r#""rate": 4.0, "phase": 0.5"#),
        module("bad", "saboteur", params),
        module("out", "audio-out", ""),
    ];
    let cables = [
        "left.sine -> bad.in",
        "clock.square -> bad.trigger",
        "bad.out -> out.left",
        "right.sine -> out.right",
    ];
    patch(&modules.join(","), &cables)
}

/// That many workers, of the program of this package's tests.
pub fn workers(count: usize, program: &str) -> ComputedBy {
    ComputedBy::Workers { crew: Crew::of(count), program: program.into() }
}

/// A patch ready to be rendered.
///
/// # Panics
/// Where it is not.
pub fn ready(patch: &Patch, block_frames: u32, computed_by: ComputedBy) -> Render {
    let settings = Settings { sample_rate_hz: RATE_HZ, block_frames, computed_by };
    Render::new(patch, &settings).unwrap_or_else(|error| panic!("{error}"))
}

/// A patch ready to be rendered with blocks in flight.
///
/// # Panics
/// Where it is not.
pub fn flying(patch: &Patch, block_frames: u32, computed_by: ComputedBy) -> Render {
    let mut render = ready(patch, block_frames, computed_by);
    render.fly().unwrap_or_else(|error| panic!("{error}"));
    render
}

/// Its first frames, computed in this thread alone: the reference.
pub fn reference(patch: &Patch, frames: usize) -> Vec<Frame> {
    ready(patch, 256, ComputedBy::InProcess).frames(frames)
}

/// Asserts that two renders are the same to the bit; leaves both as WAVs to be
/// listened to where they are not.
///
/// # Panics
/// Where they differ.
pub fn assert_same(name: &str, is: &[Frame], should_be: &[Frame]) {
    assert_eq!(is.len(), should_be.len(), "{name}");
    let bits = |frame: &Frame| frame.map(f32::to_bits);
    let differs = is.iter().zip(should_be).position(|(a, b)| bits(a) != bits(b));
    let Some(frame) = differs else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts");
    for (ending, frames) in [("is", is), ("should-be", should_be)] {
        leave(&folder.join(format!("{name}-{ending}.wav")), frames);
    }
    let (is, should_be) = (is[frame], should_be[frame]);
    panic!("{name}: frame {frame} is {is:?}, not {should_be:?}; both are in {}", folder.display());
}

/// Writes frames as a WAV.
///
/// # Panics
/// Where the file cannot be written.
pub fn leave(path: &Path, frames: &[Frame]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for artefacts");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE_HZ,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut wav = hound::WavWriter::create(path, spec).expect("a writable artefact");
    frames.as_flattened().iter().for_each(|&s| wav.write_sample(s).expect("room on the disk"));
    wav.finalize().expect("room on the disk");
}
