//! The program, as a shell sees it: what it prints, what it writes, how it
//! ends, and what it leaves behind.

mod renders;
#[cfg(unix)]
mod signals;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sostenuto_host::engine::Frame;
use sostenuto_modules::catalog::CATALOG;
use sostenuto_tests::{factory_patches, module, patch, reference};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-sostenuto");
const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// How a run of the program ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Asserts that it failed with one line, which says all of `words`.
    #[track_caller]
    fn refused(&self, words: &[&str]) {
        let Said { code, out, err } = self;
        assert_eq!(*code, Some(1), "{err}");
        assert_eq!(out, "", "what went wrong is for standard error");
        assert_eq!(err.lines().count(), 1, "{err}");
        let sentence = err.strip_prefix("sostenuto: ").unwrap_or_else(|| panic!("{err}"));
        assert!(words.iter().all(|word| sentence.contains(word)), "{sentence}");
        assert!(!sentence.contains("that plays"), "nothing plays yet: {sentence}");
    }

    /// Asserts that the arguments were refused, and by which words.
    #[track_caller]
    fn misused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{}", self.err);
        assert!(words.iter().all(|word| self.err.contains(word)), "{}", self.err);
    }

    /// Asserts that nothing went wrong, and returns what it printed.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }
}

fn command<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("SOSTENUTO_WORKER", WORKER).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end, and asserts that no shared memory is left.
#[track_caller]
fn run(command: &mut Command) -> Said {
    let child = command.spawn().expect("the program starts");
    let pid = child.id();
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(shared_memory_of(pid), Vec::<String>::new());
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[track_caller]
fn sostenuto(arguments: &[&str]) -> Said {
    run(&mut command(arguments))
}

/// The names of the regions that a process made and that are still there.
/// Elsewhere than on Linux nobody can list them.
fn shared_memory_of(pid: u32) -> Vec<String> {
    let prefix = format!("sostenuto-{pid}-");
    let entries = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(&prefix)).collect()
}

fn a_tone() -> String {
    [
        module("vco", "vco", r#""octave": 1"#),
        module("vcf", "svf", r#""cutoff": 800"#),
        module("out", "audio-out", r#""level": -3"#),
    ]
    .join(", ")
}

const CABLES: &str = r#""vco.saw -> vcf.in", "vcf.lowpass -> out.left""#;

/// A folder with a patch in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().expect("a folder") };
        place.write("tone.sostenuto", &patch_text(1, &a_tone(), CABLES));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("room for a patch");
    }

    /// The program, in this folder.
    fn command(&self, line: &str) -> Command {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = command(&arguments);
        command.current_dir(self.folder.path());
        command
    }

    #[track_caller]
    fn run(&self, line: &str) -> Said {
        run(&mut self.command(line))
    }

    /// Asserts that a run is refused, and that nothing was written by it.
    #[track_caller]
    fn refuses(&self, line: &str, words: &[&str]) {
        let before = self.names();
        self.run(line).refused(words);
        assert_eq!(self.names(), before, "{line}");
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let names = entries.map(|entry| entry.expect("a file").file_name());
        let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn patch_text(version: u32, modules: &str, cables: &str) -> String {
    format!(
        "{{\n\"sostenuto\": {version},\n\"title\": \"A tone\",\n\"modules\": [{modules}],\n\
         \"cables\": [{cables}]\n}}\n"
    )
}

fn samples<T: hound::Sample>(path: &Path) -> (hound::WavSpec, Vec<T>) {
    let mut wav = hound::WavReader::open(path).expect("a WAV file");
    let samples = wav.samples().map(|sample| sample.expect("a whole WAV file"));
    let samples = samples.collect();
    (wav.spec(), samples)
}

fn bits(frames: &[Frame]) -> Vec<u32> {
    frames.as_flattened().iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn every_command_explains_itself() {
    let whole = sostenuto(&["--help"]).done();
    for (name, does) in [
        ("host", "listens to editors"),
        ("play", "until Ctrl-C"),
        ("render", "into a WAV file or a FLAC file"),
        ("drill", "Kills workers while a patch plays"),
        ("check", "can be played"),
        ("modules", "Lists every module"),
        ("devices", "Lists the sound cards"),
        ("doctor", "Ends with 0 if a patch can be played and heard here"),
        ("completions", "what a shell needs"),
        ("man", "Prints the manual page"),
    ] {
        assert!(whole.contains(name), "{whole}");
        let help = sostenuto(&[name, "--help"]).done();
        assert!(help.contains("Usage:") && help.contains(does), "{help}");
        let about_one = sostenuto(&["help", name]).done();
        assert_eq!(about_one, help);
    }
    assert!(sostenuto(&["--version"]).done().starts_with("sostenuto "));
}

#[test]
fn arguments_that_make_no_sense_are_refused_with_2() {
    let place = Place::new();
    sostenuto(&["rendre"]).misused(&["rendre", "render"]);
    place.run("render tone.sostenuto -o tone.wav").misused(&["--seconds"]);
    place.run("render tone.sostenuto --seconds 1").misused(&["--output"]);
    let render = "render tone.sostenuto --seconds 1 -o tone.wav";
    for (option, error) in [
        ("--block 100", "not a multiple of 32 up to 2048"),
        ("--block 4096", "not a multiple of 32 up to 2048"),
        ("--block 0", "not a multiple of 32 up to 2048"),
        ("--workers 0", "0"),
        ("--sample-rate 100", "8000"),
        ("--format s8", "f32, s24, s16"),
        ("--in-process --workers 2", "cannot be used with"),
        ("--in-process --kill-every 2", "cannot be used with"),
        ("--kill-every 0", "0"),
        ("--seed 7", "--kill-every"),
    ] {
        place.run(&format!("{render} {option}")).misused(&[error]);
    }
    for seconds in ["0", "-1", "NaN", "20000", "soon"] {
        place.run(&format!("render tone.sostenuto -o tone.wav --seconds={seconds}")).misused(&[]);
    }
    place.run("play tone.sostenuto --silent --device alsa:default").misused(&["--silent"]);
    assert_eq!(place.names(), ["tone.sostenuto"]);
}

#[test]
fn a_render_is_as_long_as_asked_and_the_same_whoever_computes_it() {
    let place = Place::new();
    let frames =
        reference(&patch(&a_tone(), &["vco.saw -> vcf.in", "vcf.lowpass -> out.left"]), 12_000);
    for how in ["--in-process", "--workers 3 --block 64", "--in-process --block 2048"] {
        let line = format!("render tone.sostenuto --seconds 0.25 -o tone.wav {how}");
        assert_eq!(place.run(&line).done(), "");
        let (spec, samples) = samples::<f32>(&place.path("tone.wav"));
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 48_000, 32));
        assert_eq!(spec.sample_format, hound::SampleFormat::Float);
        let samples: Vec<u32> = samples.iter().map(|sample| sample.to_bits()).collect();
        assert!(samples == bits(&frames), "{how}");
    }
    assert_eq!(place.names(), ["tone.sostenuto", "tone.wav"]);
}

#[test]
fn a_render_whose_workers_are_killed_is_the_same_to_the_bit() {
    let place = Place::new();
    for (index, (name, patch)) in factory_patches().into_iter().enumerate() {
        let path = format!("../assets/patches/{name}.sostenuto");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::copy(path, place.path("factory.sostenuto")).expect("room for a patch");
        let should_be = bits(&reference(&patch, 24_000));
        for seed in [0, index + 1] {
            let line = format!(
                "render factory.sostenuto --seconds 0.5 --workers 3 --kill-every 4 --seed {seed} -o \
                 killed.wav"
            );
            let said = place.run(&line);
            let count = |before: &str| -> u64 {
                let words = said.err.split(before).next().unwrap_or_default();
                let number = words.rsplit([' ', '\n']).find(|word| !word.is_empty());
                let number = number.and_then(|word| word.parse().ok());
                number.unwrap_or_else(|| panic!("no number of{before} in {}", said.err))
            };
            let kills = count(" workers killed");
            // One in every fourth of 94 blocks, unless nobody was there to be.
            assert!((12..=23).contains(&kills), "{name} {seed}: {}", said.err);
            let [inside_block, inside_job, recoveries] =
                [" of them inside the block", " inside a job", " times another"].map(count);
            assert!(inside_block > 0 && inside_block <= kills, "{name} {seed}: {}", said.err);
            assert!(inside_job <= kills && recoveries <= kills, "{name} {seed}: {}", said.err);
            said.done();
            let (_, samples) = samples::<f32>(&place.path("killed.wav"));
            let samples: Vec<u32> = samples.iter().map(|sample| sample.to_bits()).collect();
            assert!(samples == should_be, "{name} {seed}");
        }
    }
}

#[test]
fn whole_numbers_are_within_half_a_step_of_the_sound() {
    let place = Place::new();
    let render = "render tone.sostenuto --seconds 0.1 --in-process --sample-rate 44100";
    place.run(&format!("{render} -o f32.wav")).done();
    let (_, floats) = samples::<f32>(&place.path("f32.wav"));
    assert_eq!(floats.len(), 2 * 4410);
    assert!(floats.iter().any(|sample| sample.abs() > 0.1));
    for (format, bits_per_sample) in [("s16", 16), ("s24", 24)] {
        place.run(&format!("{render} -o {format}.wav --format {format}")).done();
        let (spec, steps) = samples::<i32>(&place.path(&format!("{format}.wav")));
        assert_eq!((spec.sample_rate, spec.bits_per_sample), (44_100, bits_per_sample));
        assert_eq!(spec.sample_format, hound::SampleFormat::Int);
        assert_eq!(steps.len(), floats.len());
        let full_scale = f64::from((1 << (bits_per_sample - 1)) - 1);
        for (step, float) in steps.iter().zip(&floats) {
            let off = (f64::from(*step) - f64::from(*float) * full_scale).abs();
            // An f32 has 24 bits itself, so its own rounding is seen in s24.
            assert!(off <= 1.0, "{format}: {step} for {float}");
        }
    }
}

#[test]
fn knobs_are_turned_before_the_start() {
    let place = Place::new();
    let render = "render tone.sostenuto --seconds 0.05 --in-process -o set.wav";
    let set = r#"--set vco.octave=-1 --set vcf.cutoff=500 --set out.level=-12"#;
    place.run(&format!("{render} {set}")).done();
    let modules = [
        module("vco", "vco", r#""octave": -1"#),
        module("vcf", "svf", r#""cutoff": 500"#),
        module("out", "audio-out", r#""level": -12"#),
    ];
    let should_be = reference(
        &patch(&modules.join(", "), &["vco.saw -> vcf.in", "vcf.lowpass -> out.left"]),
        2400,
    );
    let (_, is) = samples::<f32>(&place.path("set.wav"));
    assert!(is.iter().map(|sample| sample.to_bits()).eq(bits(&should_be)));
    // A choice takes its word, a number its unit.
    let word = ["--set", "vco.fm-mode=linear", "--set", "vcf.cutoff=440 Hz"];
    run(place.command(render).args(word)).done();
}

#[test]
fn a_knob_that_is_not_there_or_does_not_go_there_is_a_sentence() {
    let place = Place::new();
    let line = |set: &str| {
        format!("render tone.sostenuto --seconds 1 --in-process -o tone.wav --set {set}")
    };
    place.refuses(&line("vcx.cutoff=1"), &["vcx.cutoff=1", "`vcx`", "`vcf`"]);
    place.refuses(&line("vcf.cutof=1"), &["`vcf.cutof`", "`cutoff`"]);
    place.refuses(&line("vcf.cutoff=1"), &["`vcf.cutoff`", "20 Hz to 20 kHz"]);
    place.refuses(&line("vcf.cutoff=NaN"), &["`vcf.cutoff`"]);
    place.refuses(&line("vco.fm-mode=quadratic"), &["quadratic", "exponential, linear"]);
    place.refuses(&line("vcf"), &["MODULE.PARAM=VALUE"]);
    place.refuses(&line("vcf=3"), &["MODULE.PARAM=VALUE"]);
}

#[test]
fn a_patch_that_cannot_be_played_is_a_sentence() {
    let place = Place::new();
    place.write("torn.sostenuto", "{\n\"sostenuto\": 1,\n\"modules\": [\n");
    place.write("text.sostenuto", "Dear diary\n");
    place.write("other.sostenuto", "{\"name\": \"left-pad\"}\n");
    place.write("newer.sostenuto", &patch_text(4, "", ""));
    place.write("port.sostenuto", &patch_text(1, &a_tone(), r#""vco.sow -> vcf.in""#));
    place.write("range.sostenuto", &patch_text(1, &module("a", "vco", r#""octave": 9"#), ""));
    std::fs::create_dir(place.path("folder.sostenuto")).expect("a folder");
    for (name, words) in [
        ("nowhere", &["nowhere.sostenuto", "cannot be opened"][..]),
        ("torn", &["torn.sostenuto", "line 4"]),
        ("text", &["text.sostenuto", "cannot be read"]),
        ("other", &["Not a Sostenuto patch"]),
        ("newer", &["newer version", "It was not changed."]),
        ("port", &["`vco.sow`", "`saw`"]),
        ("range", &["`a.octave`", "-4 to 4"]),
        ("folder", &["folder.sostenuto"]),
    ] {
        place.refuses(&format!("check {name}.sostenuto"), words);
        place.refuses(
            &format!("render {name}.sostenuto --seconds 1 --in-process -o out.wav"),
            words,
        );
        place.refuses(&format!("play {name}.sostenuto --silent --seconds 1"), words);
        place.refuses(&format!("host {name}.sostenuto --no-journal --silent --socket s"), words);
    }
}

#[test]
fn check_says_what_is_in_a_patch() {
    let place = Place::new();
    place.write("empty.sostenuto", r#"{"sostenuto": 1}"#);
    let out = place.run("check tone.sostenuto empty.sostenuto").done();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines,
        [
            "tone.sostenuto: A tone: 3 modules, 2 cables",
            "empty.sostenuto: untitled: 0 modules, 0 cables"
        ]
    );
}

#[test]
fn a_module_that_is_not_known_is_told_of_and_the_rest_is_heard() {
    let place = Place::new();
    let modules = format!("{}, {}", a_tone(), module("a", "vcoo", r#""octave": 9"#));
    let cables = format!(r#"{CABLES}, "a.saw -> vcf.in", "vco.saw -> a.fm""#);
    place.write("kind.sostenuto", &patch_text(1, &modules, &cables));
    let out = place.run("check kind.sostenuto").done();
    assert!(out.contains("`a` will not be heard") && out.contains("Did you mean `vco`?"), "{out}");
    let render = |name: &str| {
        place.run(&format!("render {name}.sostenuto --seconds 0.1 --in-process -o out.wav")).done();
        std::fs::read(place.path("out.wav")).expect("it was rendered")
    };
    assert!(render("kind") == render("tone"), "the rest sounds as it does alone");
}

#[test]
fn an_output_that_cannot_be_written_is_a_sentence() {
    let place = Place::new();
    place.write("file", "");
    std::fs::create_dir(place.path("folder.wav")).expect("a folder");
    let render = "render tone.sostenuto --seconds 0.1 --in-process -o";
    place.refuses(&format!("{render} nowhere/out.wav"), &["nowhere/out.wav", "cannot be written"]);
    place.refuses(&format!("{render} file/out.wav"), &["file/out.wav", "cannot be written"]);
    place.refuses(&format!("{render} folder.wav"), &["folder.wav", "it is a folder"]);
    let long =
        "render tone.sostenuto --seconds 10800 --sample-rate 192000 --in-process -o long.wav";
    place.refuses(long, &["a WAV holds 4 GiB, and this takes 15 GiB"]);
}

#[test]
#[cfg(unix)]
fn an_output_that_is_no_file_is_a_sentence() {
    let place = Place::new();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).expect("a socket");
    let line = "render tone.sostenuto --seconds 0.1 --in-process -o socket";
    place.refuses(line, &["socket", "it is not a file"]);
}

#[test]
fn a_render_that_fails_leaves_what_was_there() {
    let place = Place::new();
    place.write("old.wav", "precious");
    let outs: Vec<String> = (0..5).map(|n| module(&format!("out-{n}"), "audio-out", "")).collect();
    place.write("outs.sostenuto", &patch_text(1, &outs.join(", "), ""));
    let sentence = "a patch can have 4 Audio Out modules, this one has 5";
    place.refuses("render outs.sostenuto --seconds 1 --in-process -o old.wav", &[sentence]);
    place.refuses("render outs.sostenuto --seconds 1 --workers 1 -o new.wav", &[sentence]);
    place.refuses("play outs.sostenuto --seconds 1 --workers 1 --silent", &[sentence]);
    assert_eq!(std::fs::read_to_string(place.path("old.wav")).expect("it is there"), "precious");
}

/// A patch with a Sampler whose sound has that path.
fn with_sound(path: &str) -> String {
    let sampler = format!(r#"{{"id": "s", "kind": "sampler", "text": {path:?}}}"#);
    patch_text(
        1,
        &format!("{sampler}, {}", module("out", "audio-out", "")),
        r#""s.left -> out.left""#,
    )
}

fn write_wav(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).expect("room for a sound");
    (0..4800).for_each(|n| wav.write_sample((n % 100) as i16 * 100).expect("room for a sound"));
    wav.finalize().expect("room for a sound");
}

#[test]
fn check_says_no_to_what_render_says_no_to_with_the_same_sentence() {
    let place = Place::new();
    let many = |count: usize, kind: &str| -> String {
        let modules: Vec<String> =
            (0..count).map(|n| module(&format!("m-{n}"), kind, "")).collect();
        patch_text(1, &modules.join(", "), "")
    };
    let text = |kind: &str, text: &str| {
        patch_text(1, &format!(r#"{{"id": "m", "kind": "{kind}", "text": "{text}"}}"#), "")
    };
    place.write("no-sound.wav", "Dear diary");
    for (patch, words) in [
        (many(5, "audio-out"), &["a patch can have 4 Audio Out modules, this one has 5"][..]),
        (many(9, "recorder"), &["Recorders, this one has 9"]),
        (many(5000, "vco"), &["more memory", "MiB"]),
        (many(5000, "audio-in"), &["modules"]),
        (with_sound("nowhere.wav"), &["The sound cannot be read", "nowhere.wav"]),
        (with_sound("no-sound.wav"), &["it is not a WAV, AIFF, FLAC, OGG Vorbis or MP3 file"]),
        (with_sound("factory:nowhere.wav"), &["`nowhere.wav`"]),
        (with_sound("."), &["it is not a regular file"]),
        (text("convolution", "nowhere.wav"), &["nowhere.wav"]),
        (text("wavetable-vco", "nowhere.wav"), &["nowhere.wav"]),
        (text("audio-in", "nowhere.wav"), &["nowhere.wav"]),
        (text("math", "a +"), &["at its end"]),
        (text("piano-roll", "0 1 H4"), &["note 1"]),
        (text("quantizer", "nowhere.scl"), &["The scale cannot be read", "nowhere.scl"]),
        (text("keyboard", "nowhere.kbm"), &["The keyboard mapping cannot be read"]),
        (text("tuner", "factory:nowhere.scl"), &["`nowhere.scl`"]),
        (text("piano-roll", "tuning no-sound.wav"), &["The scale cannot be read: it ends before"]),
    ] {
        place.write("no.sostenuto", &patch);
        let check = place.run("check no.sostenuto");
        check.refused(words);
        let render = place.run("render no.sostenuto --seconds 0.1 --in-process -o out.wav");
        render.refused(words);
        assert_eq!(render.err, check.err);
        // One bad patch among others does not keep them from being checked.
        let said = place.run("check no.sostenuto tone.sostenuto");
        assert_eq!(said.code, Some(1));
        assert!(said.out.contains("A tone: 3 modules"), "{}", said.out);
        assert!(said.err.contains("no.sostenuto: "), "{}", said.err);
    }
    assert_eq!(place.names(), ["no-sound.wav", "no.sostenuto", "tone.sostenuto"]);
}

#[test]
fn a_missing_sound_is_silent_where_that_is_asked_for() {
    let place = Place::new();
    place.write("no.sostenuto", &with_sound("nowhere.wav"));
    let render = "render no.sostenuto --seconds 0.1 --in-process -o out.wav";
    place.refuses(render, &["nowhere.wav"]);
    let said = place.run(&format!("{render} --missing-sounds-silent"));
    assert!(said.err.contains("nowhere.wav"), "it is told of: {}", said.err);
    said.done();
    let (_, heard) = samples::<f32>(&place.path("out.wav"));
    assert!(heard.len() == 9600 && heard.iter().all(|sample| *sample == 0.0));
}

#[test]
fn a_render_never_writes_over_what_it_reads() {
    let place = Place::new();
    write_wav(&place.path("kick.wav"));
    write_wav(&place.path("in.wav"));
    place.write("kick.sostenuto", &with_sound("kick.wav"));
    let ear = format!("{}, {}", module("in", "audio-in", ""), module("out", "audio-out", ""));
    place.write("ear.sostenuto", &patch_text(1, &ear, ""));
    std::fs::hard_link(place.path("kick.wav"), place.path("hard.wav")).expect("a link");
    let kept: Vec<_> = ["kick.wav", "in.wav", "kick.sostenuto", "ear.sostenuto"]
        .map(|name| (name, std::fs::read(place.path(name)).expect("it is there")))
        .to_vec();
    let mut cases = vec![
        ("kick.sostenuto -o kick.sostenuto", "the patch itself"),
        ("kick.sostenuto -o ./kick.sostenuto", "the patch itself"),
        ("kick.sostenuto -o kick.wav", "a file that the patch reads"),
        ("kick.sostenuto -o hard.wav", "a file that the patch reads"),
        ("ear.sostenuto --input in.wav -o in.wav", "the input"),
    ];
    #[cfg(unix)]
    {
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(from, place.path(to)).expect("a link");
        };
        link("kick.sostenuto", "link.sostenuto");
        link("kick.wav", "link.wav");
        cases.push(("kick.sostenuto -o link.sostenuto", "the patch itself"));
        cases.push(("link.sostenuto -o kick.sostenuto", "the patch itself"));
        cases.push(("kick.sostenuto -o link.wav", "a file that the patch reads"));
    }
    for (line, error) in cases {
        for force in ["", "--force"] {
            place.refuses(&format!("render {line} --seconds 0.1 --in-process {force}"), &[error]);
        }
        for (name, bytes) in &kept {
            assert!(
                std::fs::read(place.path(name)).expect("it is there") == *bytes,
                "{line}: {name}"
            );
        }
    }
}

#[test]
fn a_render_replaces_a_wav_and_nothing_else_unless_told() {
    let place = Place::new();
    let render = |name: &str| format!("render tone.sostenuto --seconds 0.1 --in-process -o {name}");
    place.write("diary.txt", "my diary");
    place.write("diary.wav", "my diary");
    for name in ["diary.txt", "diary.wav"] {
        place.refuses(&render(name), &["is not a WAV or FLAC file", "--force"]);
        assert_eq!(std::fs::read(place.path(name)).expect("it is there"), b"my diary");
    }
    place.run(&format!("{} --force", render("diary.txt"))).done();
    assert_eq!(samples::<f32>(&place.path("diary.txt")).1.len(), 9600);
    // What has nothing in it has nothing to lose, and a WAV may be made again.
    place.write("empty.wav", "");
    for name in ["empty.wav", "empty.wav", "new"] {
        place.run(&render(name)).done();
        assert_eq!(samples::<f32>(&place.path(name)).1.len(), 9600);
    }
    std::fs::create_dir(place.path("folder")).expect("a folder");
    place.refuses(&format!("{} --force", render("folder")), &["it is a folder"]);
}

#[cfg(unix)]
#[test]
fn a_render_through_a_link_writes_where_it_leads() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    std::fs::create_dir(place.path("disk")).expect("a folder");
    write_wav(&place.path("disk/old.wav"));
    symlink("disk/old.wav", place.path("link.wav")).expect("a link");
    symlink("disk/nowhere.wav", place.path("dangling.wav")).expect("a link");
    symlink("loop.wav", place.path("loop.wav")).expect("a link");
    let render = |name: &str| format!("render tone.sostenuto --seconds 0.1 --in-process -o {name}");
    place.run(&render("link.wav")).done();
    assert_eq!(samples::<f32>(&place.path("disk/old.wav")).1.len(), 9600);
    place.refuses(&render("dangling.wav"), &["the link leads to no file"]);
    place.refuses(&render("loop.wav"), &["the link leads back to itself"]);
    for name in ["link.wav", "dangling.wav", "loop.wav"] {
        let there = std::fs::symlink_metadata(place.path(name)).expect("it is there");
        assert!(there.is_symlink(), "{name}");
    }
    assert_eq!(std::fs::read_dir(place.path("disk")).expect("a folder").count(), 1);
}

#[test]
fn any_kind_of_sound_is_an_input() {
    let place = Place::new();
    let ear = format!("{}, {}", module("in", "audio-in", ""), module("out", "audio-out", ""));
    place.write("ear.sostenuto", &patch_text(1, &ear, r#""in.left -> out.left""#));
    let sounds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/host/tests/sounds");
    for name in ["ogg-stereo.ogg", "mp3-tags.mp3", "wav-rf64.wav", "flac-16.flac", "aiff-sox.aifc"]
    {
        std::fs::copy(sounds.join(name), place.path("sound")).expect("a sound");
        place
            .run("render ear.sostenuto --seconds 0.1 --in-process --input sound -o out.wav")
            .done();
        let (_, heard) = samples::<f32>(&place.path("out.wav"));
        assert!(heard.iter().any(|sample| sample.abs() > 0.05), "{name}");
    }
}

#[test]
fn a_worker_program_that_is_missing_is_explained() {
    let place = Place::new();
    for line in [
        "render tone.sostenuto --seconds 1 -o tone.wav",
        "play tone.sostenuto --silent",
        "host --no-journal --silent --socket s",
    ] {
        let said = run(place.command(line).env("SOSTENUTO_WORKER", "/no/such/worker"));
        said.refused(&["/no/such/worker", "SOSTENUTO_WORKER"]);
    }
    // Who renders in one process needs none.
    let line = "render tone.sostenuto --seconds 0.1 --in-process -o tone.wav";
    run(place.command(line).env("SOSTENUTO_WORKER", "/no/such/worker")).done();
}

#[test]
fn the_catalogue_is_there_for_the_eye_and_for_programs() {
    let json = sostenuto(&["modules", "--json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let listed = json.as_array().expect("it is a list");
    let text = sostenuto(&["modules"]).done();
    assert_eq!(listed.len(), CATALOG.len());
    for (listed, entry) in listed.iter().zip(CATALOG) {
        let about = entry.about;
        assert_eq!(listed["name"], about.name);
        assert_eq!(listed["params"].as_array().map(Vec::len), Some(about.params.len()));
        assert_eq!(listed["inputs"].as_array().map(Vec::len), Some(about.inputs.len()));
        let heading = format!("{} ({}): {}", about.title, about.name, about.summary);
        assert!(text.lines().any(|line| line == heading), "{heading}");
    }
    let one = sostenuto(&["modules", "vco", "--json"]).done();
    let one: serde_json::Value = serde_json::from_str(&one).expect("it is JSON");
    assert_eq!(one[0]["name"], "vco");
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    sostenuto(&["modules", "vcoo"]).refused(&["`vcoo`", "`vco`"]);
}

#[test]
fn a_list_that_nobody_reads_to_its_end_is_no_failure() {
    let mut child = command(&["modules"]).spawn().expect("the program starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn devices_are_listed_or_missed_in_a_sentence() {
    let said = sostenuto(&["devices"]);
    let last = said.err.lines().last().unwrap_or_default();
    match said.code {
        Some(0) => assert!(!said.out.is_empty()),
        // The sound system's own libraries may have had something to say before.
        code => assert!(code == Some(1) && last.contains("No sound card answers."), "{}", said.err),
    }
}

/// The lines that `sostenuto doctor` marks so.
fn marked<'a>(out: &'a str, mark: &str) -> Vec<&'a str> {
    out.lines().filter(|line| line.split_whitespace().next() == Some(mark)).collect()
}

#[test]
fn the_doctor_says_how_everything_is_and_ends_with_1_where_nothing_is_heard() {
    let said = sostenuto(&["doctor"]);
    let missing = marked(&said.out, "NO");
    let others = [marked(&said.out, "ok"), marked(&said.out, "poor")].concat();
    assert_eq!(missing.len() + others.len(), 9, "{}", said.out);
    assert_eq!(said.code, Some(i32::from(!missing.is_empty())), "{}", said.out);
    let workers = |line: &&&str| line.contains("Workers");
    assert!(others.iter().find(workers).is_some_and(|line| line.starts_with("ok")), "{}", said.out);
}

#[test]
fn the_doctor_misses_what_is_not_there() {
    let mut ill = command(&["doctor"]);
    ill.env("SOSTENUTO_WORKER", "/no/such/worker")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    let said = run(&mut ill);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(marked(&said.out, "NO")[0].contains("/no/such/worker"), "{}", said.out);
    assert!(said.err.contains("cannot be played and heard here"), "{}", said.err);
    let unknown =
        marked(&said.out, "poor").iter().filter(|line| line.contains("not known")).count();
    assert_eq!(unknown, 3, "{}", said.out);
    if cfg!(target_os = "linux") {
        assert!(said.out.contains("there is no display"), "{}", said.out);
    }
}

#[test]
fn shells_and_manuals_are_written_by_the_program_itself() {
    for shell in ["bash", "zsh", "fish"] {
        let script = sostenuto(&["completions", shell]).done();
        assert!(script.contains("render") && script.contains("kill-every"), "{shell}");
    }
    sostenuto(&["completions", "cmd"]).misused(&["bash", "fish", "zsh"]);
    let page = sostenuto(&["man"]).done();
    assert!(page.contains(".TH sostenuto 1") && page.contains("render"), "{page}");
    let place = Place::new();
    place.run("man --folder .").done();
    let names = place.names();
    let has = |name: &str| names.iter().any(|there| there == name);
    assert!(has("sostenuto.1") && has("sostenuto-render.1"), "{names:?}");
    assert!(!has("sostenuto-card.1") && !has("sostenuto-try-window.1"), "{names:?}");
    place.refuses("man --folder no/such/folder", &["no/such/folder"]);
}

#[test]
fn a_patch_plays_for_as_long_as_asked() {
    let place = Place::new();
    let began = Instant::now();
    let said = place.run("play tone.sostenuto --silent --seconds 1 --workers 2");
    assert!(began.elapsed() >= Duration::from_secs(1));
    let lines: Vec<&str> = said.err.lines().collect();
    let [silent, playing, stopped] = &lines[..] else { panic!("{}", said.err) };
    let mut first = [*silent, *playing];
    first.sort_unstable();
    assert_eq!(
        first,
        ["A tone: playing until Ctrl-C.", "The patch runs on the silent clock: nothing is heard."]
    );
    assert!(stopped.starts_with("Stopped. ") && stopped.ends_with(" 0 workers replaced."));
    assert_eq!(said.done(), "");
}
