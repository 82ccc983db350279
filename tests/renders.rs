//! What `render` writes besides a WAV: FLAC, stems, and the same again whenever something
//! changes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sostenuto_host::plan::clips;
use sostenuto_modules::clip::Text;
use sostenuto_tests::module;

use super::{Place, patch_text, samples};

/// How long something may take that takes a second on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the program itself reads of a sound.
fn read(path: &Path) -> clips::Made {
    let text = path.to_str().expect("a path of text").into();
    clips::make(&(Text::Sound, text)).expect("a sound that can be read")
}

#[test]
fn a_flac_is_the_wav_to_the_bit() {
    let place = Place::new();
    let render = "render tone.sostenuto --seconds 0.3 --in-process";
    for (wav, flac) in [
        ("-o a.wav --format s24", "-o a.flac"),
        ("-o b.wav --format s16", "-o b.flac --format s16"),
    ] {
        place.run(&format!("{render} {wav}")).done();
        place.run(&format!("{render} {flac}")).done();
        let name = |line: &str| line.split(' ').nth(1).expect("a name").to_owned();
        let [wav, flac] = [wav, flac].map(|line| place.path(&name(line)));
        assert!(read(&wav) == read(&flac), "{}", flac.display());
        assert_eq!(std::fs::read(&flac).expect("a file")[..4], *b"fLaC");
    }
    place.refuses(&format!("{render} -o c.flac --format f32"), &["c.flac", "choose s24 or s16"]);
    // One that is there is replaced as a WAV is.
    place.run(&format!("{render} -o a.flac --format s16")).done();
}

#[test]
fn stems_are_what_each_module_sends_and_their_sum_is_the_mix() {
    let place = Place::new();
    let modules = [
        module("low", "vco", r#""octave": -1"#),
        module("high", "vco", r#""octave": 1"#),
        module("noise", "noise", ""),
        module("out", "audio-out", r#""level": -12"#),
    ];
    let cables = r#""low.saw -> out.left", "high.sine -> out.left", "noise.white -> out.right",
                    "high.square -> out.right""#;
    place.write("mix.sostenuto", &patch_text(1, &modules.join(", "), cables));
    let line = "render mix.sostenuto --seconds 0.2 -o mix.wav --stems stems/now --workers 2";
    place.run(line).done();
    let names = std::fs::read_dir(place.path("stems/now")).expect("the folder of stems");
    let mut names: Vec<String> = names
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["high.wav", "low.wav", "noise.wav"]);
    let (_, mix) = samples::<f32>(&place.path("mix.wav"));
    let stems: Vec<Vec<f32>> =
        names.iter().map(|name| samples(&place.path("stems/now").join(name)).1).collect();
    for (index, sample) in mix.iter().enumerate() {
        let sum: f32 = stems.iter().map(|stem| stem[index]).sum();
        assert!((sum - sample).abs() < 1e-6, "sample {index}: {sum} instead of {sample}");
    }
    for stem in &stems {
        assert!(stem.iter().any(|sample| sample.abs() > 0.01), "each is heard");
    }
    assert!(stems[1].iter().skip(1).step_by(2).all(|right| *right == 0.0), "low is on the left");

    place.write("none.sostenuto", &patch_text(1, &module("out", "audio-out", ""), ""));
    let none = "render none.sostenuto --seconds 0.1 --in-process -o none.wav --stems none";
    place.refuses(none, &["there are no stems"]);
    let over = "render mix.sostenuto --seconds 0.1 --in-process -o low.wav --stems .";
    place.refuses(over, &["low.wav is the output, too"]);
}

/// A render that watches, and what it says, line by line.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(place: &Place, line: &str) -> Watching {
        let mut command = place.command(line);
        let mut child = command.stdout(Stdio::null()).spawn().expect("the program starts");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            said.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        Watching { child, lines }
    }

    /// Asserts that the next line says all of these words.
    #[track_caller]
    fn says(&self, words: &[&str]) {
        let line = self.lines.recv_timeout(PATIENCE).expect("it says something");
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_render_that_watches_follows_the_patch_and_its_files_and_keeps_what_was_good() {
    let place = Place::new();
    let tuned = |octave: u32| {
        let vco = module("vco", "vco", &format!(r#""octave": {octave}"#));
        let quantizer = r#"{"id": "q", "kind": "quantizer", "text": "my.scl", "params": {"scale": "from file"}}"#;
        let modules = [vco, quantizer.to_owned(), module("out", "audio-out", "")].join(", ");
        let cables = r#""q.out -> vco.voct", "vco.saw -> out.left""#;
        patch_text(1, &modules, cables)
    };
    place.write("my.scl", "Octaves\n1\n2/1\n");
    place.write("tuned.sostenuto", &tuned(0));
    let heard = || samples::<f32>(&place.path("out.wav")).1;
    let line = "render tuned.sostenuto --seconds 0.1 --in-process -o out.wav --watch";
    let watching = Watching::start(&place, line);
    let whole = &["out.wav: 0.1 s of sound", "Ctrl-C"];
    watching.says(whole);
    let first = heard();
    place.write("tuned.sostenuto", &tuned(1));
    watching.says(whole);
    let second = heard();
    assert!(first != second);
    // A patch that cannot be read, and a tuning: what was good stays.
    place.write("tuned.sostenuto", "{");
    watching.says(&["sostenuto: ", "tuned.sostenuto", "out.wav is as it was"]);
    assert!(heard() == second);
    place.write("tuned.sostenuto", &tuned(1));
    watching.says(whole);
    place.write("my.scl", "Octaves\n");
    watching.says(&["The scale cannot be read", "out.wav is as it was"]);
    assert!(heard() == second);
    place.write("my.scl", "Octaves and more\n1\n2/1\n");
    watching.says(whole);
    assert!(heard() == second);
}
