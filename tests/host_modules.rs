//! Modules that need their host: for a file, a formula, a microphone, the disk,
//! the network. Whatever happens to workers, they hear and do the same.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sostenuto_host::control::sound::{ChangeSound, PlayPatch};
use sostenuto_host::engine::Frame;
use sostenuto_host::engine::callback::Callback;
use sostenuto_host::engine::tap::Tap;
use sostenuto_host::notice::Notice;
use sostenuto_host::permits::Outside;
use sostenuto_host::player::{Keeping, Player, Settings};
use sostenuto_host::pool::Crew;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_host::sound_card::device::Output;
use sostenuto_modules::module::Event;
use sostenuto_patch::file::{self, Over};
use sostenuto_patch::{Edit, ModuleId, Patch, apply};
use sostenuto_tests::faults::{Signal, signal};
use sostenuto_tests::{RATE_HZ, assert_same, leave, module, patch, ready, reference, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const BLOCK: u32 = 256;

/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn id(name: &str) -> ModuleId {
    name.parse().expect("a name")
}

fn set_text(name: &str, text: &str) -> Edit {
    Edit::SetText { module: id(name), text: text.into() }
}

fn with_text(mut patch: Patch, name: &str, text: &str) -> Patch {
    apply(&mut patch, set_text(name, text)).expect("it takes a text");
    patch
}

/// A melody in two voices, bent by a formula.
fn melody() -> Patch {
    let modules = [
        module("clock", "clock", r#""bpm": 240.0"#),
        module("roll", "piano-roll", r#""length": 2.0, "voices": 2.0"#),
        module("vco", "vco", ""),
        module("bend", "math", r#""x": 0.5"#),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    let cables = [
        "clock.sixteenth -> roll.clock",
        "roll.voct -> vco.voct",
        "vco.saw -> bend.a",
        "roll.gate -> bend.b",
        "bend.out -> out.left",
    ];
    let melody = patch(&modules.join(","), &cables);
    let melody = with_text(melody, "roll", "0 0.5 C4; 0.25 0.5 E4 1.0; 1 1 -0.5; 1.5 0.1 G3");
    with_text(melody, "bend", "if(b > 1, tanh(a * x) * 3 + sin(tau * 3 * t) / 2, 0)")
}

/// Plays, and kills a worker that has work every so many blocks.
fn killed_every(render: &mut Render, blocks: usize, frames: usize) -> Vec<Frame> {
    let pool = render.pool().expect("it has workers").clone();
    let mut heard = Vec::new();
    for block in 0.. {
        if block % blocks == blocks / 2 {
            let working = pool.workers();
            let victim = working.iter().find(|(_, seat)| matches!(seat, Seat::Holds(_)));
            if let Some((pid, _)) = victim {
                signal(*pid, Signal::Kill);
            }
        }
        heard.extend_from_slice(render.block());
        if heard.len() >= frames {
            heard.truncate(frames);
            return heard;
        }
    }
    heard
}

#[test]
fn a_formula_and_a_melody_are_the_same_whoever_computes_them() {
    let melody = melody();
    let should_be = reference(&melody, RATE_HZ as usize);
    let loudest = should_be.as_flattened().iter().fold(0f32, |a, b| a.max(b.abs()));
    assert!(loudest > 0.1, "{loudest}");
    let mut render = ready(&melody, BLOCK, workers(2, WORKER));
    let is = killed_every(&mut render, 30, should_be.len());
    assert!(render.pool().expect("it has workers").deaths() > 3);
    assert_same("melody", &is, &should_be);
}

/// Leads a render from patch to patch, as a player does.
fn lead(render: &mut Render, patch: &Patch) -> Vec<Frame> {
    render.conductor().lead(patch).expect("it fits");
    let mut heard = Vec::new();
    while !render.conductor().is_taken_up() {
        heard.extend_from_slice(render.block());
    }
    render.conductor().settle();
    heard
}

#[test]
fn another_text_changes_the_clip_and_nothing_else() {
    for computed_by in [ComputedBy::InProcess, workers(2, WORKER)] {
        let out = module("out", "audio-out", r#""dc-block": 0.0"#);
        let modules = [module("math", "math", ""), out];
        let mut patch = patch(&modules.join(","), &["math.out -> out.left"]);
        apply(&mut patch, set_text("math", "floor(t * 100) / 100")).expect("a formula");
        let mut render = ready(&patch, BLOCK, computed_by);
        assert!(render.complaints().is_empty());
        let before = render.frames(9600);
        assert!((before[9599][0] - 0.019).abs() < 1e-6, "{:?}", before[9599]);
        apply(&mut patch, set_text("math", "1 + floor(t * 100) / 100")).expect("a formula");
        lead(&mut render, &patch);
        assert!(!render.conductor().is_passing(), "nothing fades");
        let after = render.frames(256);
        assert!(after[0][0] > 0.11, "{:?}", after[0]);
        // One that cannot be read is told of, and what was there plays on.
        apply(&mut patch, set_text("math", "1 +")).expect("any text");
        lead(&mut render, &patch);
        assert!(render.complaints()[0].contains("at its end"));
        assert!(render.frames(256)[0][0] > 0.11);
        apply(&mut patch, set_text("math", "")).expect("none");
        lead(&mut render, &patch);
        assert_eq!(render.frames(256)[0][0], 0.0);
    }
}

#[test]
fn the_memory_of_old_texts_is_used_again() {
    let modules = [module("math", "math", ""), module("out", "audio-out", r#""dc-block": 0"#)];
    let mut patch = patch(&modules.join(","), &["math.out -> out.left"]);
    let mut render = ready(&patch, 64, ComputedBy::InProcess);
    let mut places = std::collections::BTreeSet::new();
    for round in 0..200 {
        apply(&mut patch, set_text("math", &format!("{round} / 200"))).expect("a formula");
        lead(&mut render, &patch);
        let plan = render.conductor().plan().expect("it plays");
        places.extend(plan.tables.modules.iter().map(|module| module.clip.memory));
    }
    assert!(render.complaints().is_empty());
    assert!(places.len() <= 5, "{places:?}");
}

fn ears() -> Patch {
    let out = module("out", "audio-out", r#""dc-block": 0.0"#);
    let modules = [module("in", "audio-in", ""), out];
    patch(&modules.join(","), &["in.left -> out.left", "in.right -> out.right"])
}

/// A sound that is never loud enough for the limiter.
fn sound(frames: usize) -> Vec<Frame> {
    let at = |n: usize| 0.4 * (n as f32 * 0.05).sin();
    (0..frames).map(|n| [at(n), -at(2 * n)]).collect()
}

#[test]
fn audio_in_hears_a_file_to_the_sample_and_a_patch_finds_it_from_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let wav = folder.path().join("sounds/voice.wav");
    let voice = sound(20_000);
    leave(&wav, &voice);
    let text = wav.to_str().expect("a name");
    let patch = with_text(ears(), "in", text);
    let should_be = reference(&patch, 30_000);
    for (n, (is, was)) in should_be.iter().zip(&voice).enumerate() {
        assert!((is[0] - was[0]).abs() < 1e-5 && (is[1] - was[1]).abs() < 1e-5, "{n}: {is:?}");
    }
    assert!(should_be[20_000..].iter().all(|frame| *frame == [0.0; 2]));
    let mut render = ready(&patch, BLOCK, workers(2, WORKER));
    assert_same("audio-in", &killed_every(&mut render, 20, should_be.len()), &should_be);

    let path = folder.path().join("voice.sostenuto");
    file::save(&path, &patch, Over::Patches).expect("it can be saved");
    let json = std::fs::read_to_string(&path).expect("it is there");
    assert!(json.contains(r#""text": "sounds/voice.wav""#), "{json}");
    assert_eq!(file::load(&path).expect("it can be loaded"), patch);
    let moved = tempfile::tempdir().expect("a folder");
    let there = moved.path().join("a");
    std::fs::rename(folder.path(), &there).expect("it can be moved");
    let loaded = file::load(&there.join("voice.sostenuto")).expect("it can be loaded");
    assert_same("audio-in-moved", &reference(&loaded, 30_000), &should_be);
}

/// A player that is asked for blocks by the test.
struct Stage {
    player: Player,
    card: Callback,
    said: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new(patch: &Patch, recordings: Option<&Path>) -> Stage {
        let said = Arc::<Mutex<Vec<String>>>::default();
        let hears = Arc::clone(&said);
        let tell = move |notice: Notice| hears.lock().expect("whole").push(notice.to_string());
        let keeping = Keeping { recordings: recordings.map(Path::to_owned), ..Keeping::default() };
        let settings = Settings {
            sample_rate_hz: RATE_HZ,
            block_frames: BLOCK,
            ahead: 1,
            crew: Crew::of(2),
            program: WORKER.into(),
            output: Output::SilentClock,
            crashes: None,
            quarantined: Vec::new(),
        };
        let (mut player, card) = Player::resume_without_card(patch, settings, keeping, tell)
            .unwrap_or_else(|error| panic!("{error}"));
        player.allow(&Outside::of(patch));
        Stage { player, card, said }
    }

    fn frame(&self) -> u64 {
        self.player.engine_status().frame.load(Relaxed)
    }

    /// Plays until that is so.
    #[track_caller]
    fn play_until(&mut self, what: &str, is_so: impl Fn(&Stage) -> bool) {
        let began = Instant::now();
        let mut out = [0.0f32; 128];
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "it does not come to this: {what}");
            self.card.fill(&mut out, 2);
            std::thread::yield_now();
        }
    }

    #[track_caller]
    fn play(&mut self, frames: u64) {
        let end = self.frame() + frames;
        self.play_until("the engine goes on", |stage| stage.frame() >= end);
    }

    fn has_said(&self, words: &str) -> bool {
        self.said.lock().expect("whole").iter().any(|sentence| sentence.contains(words))
    }
}

fn read(tap: &mut Tap) -> Vec<Frame> {
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while tap.read(&mut block).is_some() {
        all.extend_from_slice(&block);
    }
    all
}

#[test]
fn audio_in_hears_a_microphone() {
    let mut stage = Stage::new(&ears(), None);
    let mut tap = stage.player.tap().expect("nobody else listens");
    let input_feed = stage.player.input_feed();
    let voice = [0.25f32, -0.5].repeat(2048);
    input_feed.push(voice.iter().copied(), 2);
    stage.play(1024);
    input_feed.push(voice.iter().copied(), 2);
    stage.play(1024);
    let heard = read(&mut tap);
    assert!(
        heard.iter().any(|[left, right]| (left - 0.25).abs() < 1e-3 && (right + 0.5).abs() < 1e-3),
        "{:?}",
        heard.last()
    );
    let steps = heard.windows(2).map(|pair| (pair[1][1] - pair[0][1]).abs());
    assert!(steps.fold(0.0, f32::max) < 0.02, "it fades in");
    assert!(stage.player.input().latency_secs > 2048.0 / RATE_HZ as f32);
}

#[test]
fn a_sound_is_read_while_the_patch_plays_and_one_that_is_missing_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let wav = folder.path().join("voice.wav");
    leave(&wav, &[[0.5, 0.5]; 480_000]);
    let mut patch = ears();
    let mut stage = Stage::new(&patch, None);
    let mut tap = stage.player.tap().expect("nobody else listens");
    stage.play(512);
    apply(&mut patch, set_text("in", folder.path().join("no.wav").to_str().expect("a name")))
        .expect("any text");
    stage.player.patch_changed(&patch);
    stage.play_until("it is told of", |stage| stage.has_said("no.wav"));
    apply(&mut patch, set_text("in", wav.to_str().expect("a name"))).expect("any text");
    stage.player.patch_changed(&patch);
    let began = Instant::now();
    while !read(&mut tap).iter().any(|frame| frame[0] > 0.4) {
        assert!(began.elapsed() < PATIENCE, "it is never heard: {:?}", stage.said);
        stage.play(256);
    }
}

#[test]
fn a_recorder_writes_down_what_comes_in_while_its_gate_is_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let modules = [
        module("math", "math", ""),
        module("gate", "math", ""),
        module("tape", "recorder", ""),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    let cables = ["math.out -> tape.left", "gate.out -> tape.gate"];
    let patch = patch(&modules.join(","), &cables);
    // A tenth of a second, from the first on; and in volts, hundredths of a second.
    let patch = with_text(patch, "math", "floor(t * 100)");
    let patch = with_text(patch, "gate", "if(t >= 0.1 and t < 0.2, 10, 0)");
    let mut stage = Stage::new(&patch, Some(folder.path()));
    stage.play_until("it is recorded", |stage| stage.has_said("Recorded 100ms"));
    let files: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    let [Ok(file)] = &files[..] else { panic!("{files:?}") };
    assert!(file.file_name().to_string_lossy().starts_with("tape "), "{file:?}");
    let mut wav = hound::WavReader::open(file.path()).expect("a WAV");
    assert_eq!((wav.spec().channels, wav.spec().sample_rate, wav.duration()), (2, RATE_HZ, 4800));
    let full_scale = 2f32.powi(i32::from(wav.spec().bits_per_sample) - 1);
    let samples: Vec<f32> =
        wav.samples::<i32>().map(|sample| sample.expect("whole") as f32 / full_scale).collect();
    // 10 V is full scale: from 10 to 19 V it is cut off there.
    assert!(samples.iter().all(|sample| *sample > 0.999), "{:?}", &samples[..4]);
}

#[test]
fn a_value_over_osc_is_heard_by_whoever_computes_it() {
    let modules = [
        module("osc", "osc-in", r#""smoothing": 0.05"#),
        module("out", "audio-out", r#""dc-block": 0.0"#),
    ];
    let patch = patch(&modules.join(","), &["osc.value-3 -> out.left"]);
    let play = |computed_by: ComputedBy, is_killed: bool| {
        let mut render = ready(&patch, BLOCK, computed_by);
        let key = render.conductor().key(&id("osc")).expect("it is there");
        let mut heard = render.frames(512);
        for volts in [5.0, -2.0, 1.0] {
            assert!(render.conductor().event(&key, Event::Value { index: 2, volts }));
            heard.extend(match is_killed {
                true => killed_every(&mut render, 2, 2560),
                false => render.frames(2560),
            });
        }
        heard
    };
    let should_be = play(ComputedBy::InProcess, false);
    assert!(should_be[3000][0] > 0.1 && should_be[5600][0] < 0.1);
    assert_same("osc-in", &play(workers(2, WORKER), true), &should_be);
}

#[test]
fn osc_out_sends_what_comes_in() {
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    receiver.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let modules = [module("math", "math", ""), module("osc", "osc-out", r#""rate": 200.0"#)];
    let patch = patch(&modules.join(","), &["math.out -> osc.value-2"]);
    let patch = with_text(patch, "math", "2.5");
    let to = format!("{}/lights", receiver.local_addr().expect("a port"));
    let mut stage = Stage::new(&with_text(patch, "osc", &to), None);
    let (began, mut packet) = (Instant::now(), [0; 500]);
    loop {
        assert!(began.elapsed() < PATIENCE, "it never comes: {:?}", stage.said);
        stage.play(256);
        let Ok(length) = receiver.recv(&mut packet) else { continue };
        let (_, heard) = rosc::decoder::decode_udp(&packet[..length]).expect("a packet");
        let rosc::OscPacket::Message(message) = heard else { panic!("a message") };
        if message.addr == "/lights/2" && message.args == [rosc::OscType::Float(2.5)] {
            return;
        }
    }
}
