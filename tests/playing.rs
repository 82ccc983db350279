//! What others may do while a patch plays: look at it, record it, have it played
//! otherwise, kill its workers. None of it is heard.

use std::f32::consts::TAU;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sostenuto_editor::probe::{Face, NoView, Probe};
use sostenuto_host::control::sound::{ChangeSound, KillWorkers, PlayPatch, ReportSound};
use sostenuto_host::engine::Frame;
use sostenuto_host::engine::callback::Callback;
use sostenuto_host::engine::tap::{Tap, TappedBlock};
use sostenuto_host::journal::Journal;
use sostenuto_host::journal::folder::NEWEST;
use sostenuto_host::notice::{Notice, Tell};
use sostenuto_host::player::{Keeping, Player, Settings};
use sostenuto_host::pool::Crew;
use sostenuto_host::recorder::{RecordError, Remote};
use sostenuto_host::sound_card::device::Output;
use sostenuto_modules::catalog;
use sostenuto_osc::message::record::{Recorded, WavFormat};
use sostenuto_osc::message::sound::SoundChange;
use sostenuto_osc::message::view::View;
use sostenuto_patch::{ModuleId, Patch, file};
use sostenuto_tests::{RATE_HZ, assert_same, factory_patches, module, patch, reference};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn settings(block_frames: u32) -> Settings {
    Settings {
        sample_rate_hz: RATE_HZ,
        block_frames,
        ahead: 1,
        crew: Crew::of(2),
        program: WORKER.into(),
        output: Output::SilentClock,
        crashes: None,
        quarantined: Vec::new(),
    }
}

/// A patch that plays as fast as it is asked to.
struct Stage {
    player: Player,
    card: Callback,
    said: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new(patch: &Patch, block_frames: u32) -> Stage {
        Stage::keeping(patch, block_frames, Keeping::default())
    }

    /// One that remembers the last minute.
    fn with_recorder(patch: &Patch) -> Stage {
        let remembered = Some(Duration::from_secs(60));
        Stage::keeping(patch, 256, Keeping { remembered, ..Keeping::default() })
    }

    fn keeping(patch: &Patch, block_frames: u32, keeping: Keeping) -> Stage {
        let said = Arc::<Mutex<Vec<String>>>::default();
        let hears = Arc::clone(&said);
        let tell = move |notice: Notice| hears.lock().expect("whole").push(notice.to_string());
        let player = Player::resume_without_card(patch, settings(block_frames), keeping, tell);
        let (player, card) = player.unwrap_or_else(|error| panic!("{error}"));
        Stage { player, card, said }
    }

    fn recorder(&self) -> Remote {
        self.player.recorder().expect("there is one")
    }

    /// Plays so many frames, no faster than they are recorded; returns how many
    /// there are by then.
    fn play_and_keep(&mut self, frames: u64) {
        for _ in 0..frames.div_ceil(8192) {
            self.play(8192);
            let kept =
                |stage: &Stage| stage.recorder().status().remembered_secs * f64::from(RATE_HZ);
            self.until("everything is kept", |stage| kept(stage) >= stage.frame() as f64 - 0.5);
        }
    }

    /// Waits, with nobody asking for blocks.
    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&Stage) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "it does not come to this: {what}");
            std::thread::yield_now();
        }
    }

    /// The next file that is done.
    #[track_caller]
    fn recorded(&self) -> Recorded {
        let began = Instant::now();
        loop {
            if let [done] = &self.recorder().take_done()[..] {
                return done.clone();
            }
            let said = self.said.lock().expect("whole");
            assert!(began.elapsed() < PATIENCE, "nothing was recorded: {said:?}");
        }
    }

    /// Plays until it is played so, and returns what was heard meanwhile.
    fn change(&mut self, tap: &mut Tap, change: SoundChange) -> Heard {
        self.player.change_setup(&change);
        let is_wanted = |stage: &Stage| {
            let setup = stage.player.setup();
            change.block_frames.is_none_or(|frames| frames == setup.block_frames)
                && change.sample_rate_hz.is_none_or(|rate| rate == setup.sample_rate_hz)
                && change.ahead.is_none_or(|ahead| ahead == setup.ahead)
        };
        let (began, mut heard) = (Instant::now(), Heard::default());
        while !is_wanted(self) {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.player.setup());
            self.play(64);
            heard.read(tap);
        }
        heard
    }

    fn hear(&mut self, tap: &mut Tap, frames: u64) -> Heard {
        let mut heard = Heard::default();
        for _ in 0..frames.div_ceil(8192) {
            self.play(8192);
            heard.read(tap);
        }
        heard
    }

    fn frame(&self) -> u64 {
        self.player.engine_status().frame.load(Relaxed)
    }

    /// Plays until so many frames more were made. At another sample rate the clock
    /// counts other frames: it may jump, also back.
    fn play(&mut self, frames: u64) {
        let (mut left, mut last, began) = (frames, self.frame(), Instant::now());
        let mut out = [0.0f32; 128];
        while left > 0 {
            let now = self.frame();
            left = left.saturating_sub(now.saturating_sub(last));
            last = now;
            assert!(began.elapsed() < PATIENCE, "the engine stands still");
            self.card.fill(&mut out, 2);
            std::thread::yield_now();
        }
    }
}

fn face<'a>(probe: &'a Probe, view: &View, id: &str) -> Face<'a> {
    let seen = view.modules.iter().find(|seen| seen.id.as_str() == id).expect("it is seen");
    probe.face(seen).expect("it lies there")
}

#[test]
fn an_editor_sees_in_the_hosts_memory_what_is_heard() {
    let modules = [
        module("keys", "keyboard", r#""voices": 5"#),
        module("low", "vco", r#""octave": -2"#),
        module("high", "vco", ""),
        module("out", "audio-out", r#""level": -12"#),
    ];
    let cables = ["keys.voct -> high.voct", "low.sine -> out.left", "high.sine -> out.right"];
    let mut stage = Stage::new(&patch(&modules.join(", "), &cables), 2048);
    stage.play(48_000);
    let view = stage.player.view().expect("a player can be looked at");
    assert_eq!((view.sample_rate_hz, view.block_frames), (48_000.0, 2048));
    let probe = Probe::open(&view).unwrap_or_else(|error| panic!("{error}"));
    let now = probe.now().expect("it has begun");
    assert_eq!((now.frames, now.sample_rate_hz), (2048, 48_000.0));
    assert!(now.frame >= 48_000 - 2048);

    // 2048 frames hold almost three periods of 65.4 Hz.
    let (_, vco) = catalog::find("vco").expect("there is one");
    let sine_output = vco.about.output("sine").expect("it has one");
    let sine = face(&probe, &view, "low").peek(sine_output).expect("an output");
    assert_eq!(sine.channels, 1);
    for volts in [sine.peak_volts, sine.max_volts, -sine.min_volts] {
        assert!((volts - 5.0).abs() < 0.05, "{sine:?}");
    }
    let poly = face(&probe, &view, "high");
    assert_eq!(poly.peek(0).expect("its first output").channels, 5);
    assert_eq!(poly.peek(99), None);

    // Nobody asks for blocks, so the engine comes to rest, and with it this.
    let mut volts = Vec::new();
    let began = Instant::now();
    let copied = loop {
        let copied = face(&probe, &view, "low").copy(sine_output, &mut volts).expect("an output");
        if copied.is_whole {
            break copied;
        }
        assert!(began.elapsed() < PATIENCE, "{copied:?}");
    };
    assert_eq!((copied.channels, volts.len()), (1, 2048));
    let first_step = volts.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(first_step < 5.0 * std::f32::consts::TAU * 66.0 / 48_000.0, "a step of {first_step}");
    let last_volts = face(&probe, &view, "low").peek(sine_output).expect("an output").last_volts;
    assert_eq!(volts[2047], last_volts);

    let meters: Vec<f32> = face(&probe, &view, "out").display().collect();
    assert!(meters[0] > 0.5 && meters.iter().all(|volts| volts.is_finite()), "{meters:?}");
    assert!(face(&probe, &view, "out").busy_nanos() > 0);
    assert_eq!(face(&probe, &view, "out").not_finite(), 0);

    // Where modules lie is not taken on trust.
    let mut lost = view.modules[0].clone();
    for memory in [0, 3, u64::MAX, u64::MAX / 2, 1 << 30, (1 << 30) - 64] {
        lost.memory = memory;
        if let Some(face) = probe.face(&lost) {
            assert_eq!(face.peek(0), None, "{memory}");
            assert_eq!(face.display().count(), 0, "{memory}");
        }
    }
    // What was looked at may go; the look stays possible, and harms nobody.
    drop(stage);
    assert!(face(&probe, &view, "low").peek(0).is_some());
    assert!(matches!(Probe::open(&view), Err(NoView::Memory(_))));
}

#[test]
fn the_view_follows_the_patch() {
    let one = patch(&module("low", "vco", ""), &[]);
    let both = [module("low", "vco", ""), module("out", "audio-out", "")];
    let both = patch(&both.join(", "), &["low.sine -> out.left"]);
    let mut stage = Stage::new(&one, 64);
    stage.play(64);
    let (number, view) = (stage.player.view_number(), stage.player.view().expect("a view"));
    assert_eq!(view.modules.len(), 1);
    stage.player.patch_changed(&both);
    let began = Instant::now();
    while stage.player.view_number() == number {
        assert!(began.elapsed() < PATIENCE, "the patch does not come");
        stage.play(64);
    }
    let there = stage.player.view().expect("a view");
    assert_eq!(there.modules.len(), 2);
    assert_eq!(there.modules[0], view.modules[0], "what stays stays where it is");
}

/// What came from a tap.
#[derive(Default)]
struct Heard {
    blocks: Vec<TappedBlock>,
    frames: Vec<Frame>,
}

impl Heard {
    fn read(&mut self, tap: &mut Tap) {
        let mut frames = Vec::new();
        while let Some(block) = tap.read(&mut frames) {
            self.blocks.push(block);
            self.frames.extend_from_slice(&frames);
        }
        assert_eq!(tap.lost(), 0);
    }

    fn extend(&mut self, other: Heard) {
        self.blocks.extend(other.blocks);
        self.frames.extend(other.frames);
    }

    /// Asserts that it is what the patch sounds like, however it was computed.
    #[track_caller]
    fn is_as_ever(&self, name: &str, patch: &Patch) {
        let first = self.blocks.first().expect("something was heard").frame as usize;
        let should_be = reference(patch, first + self.frames.len());
        assert_same(name, &self.frames, &should_be[first..]);
    }
}

fn block(frames: u32) -> SoundChange {
    SoundChange { block_frames: Some(frames), ..SoundChange::default() }
}

fn rate(hz: u32) -> SoundChange {
    SoundChange { sample_rate_hz: Some(hz), ..SoundChange::default() }
}

fn factory(name: &str) -> Patch {
    let mut patches = factory_patches().into_iter();
    patches.find(|(there, _)| there == name).expect("a factory patch").1
}

fn wav(path: &Path) -> Vec<Frame> {
    let mut wav = hound::WavReader::open(path).expect("a WAV");
    let samples: Vec<f32> = wav.samples().map(|sample| sample.expect("whole")).collect();
    samples.chunks(2).map(|frame| [frame[0], frame[1]]).collect()
}

/// Noise: no stretch of it is like another.
fn noise() -> Patch {
    let modules = [module("noise", "noise", ""), module("out", "audio-out", r#""level": -12"#)];
    patch(&modules.join(", "), &["noise.white -> out.left"])
}

#[test]
fn a_recording_is_to_the_bit_what_was_made_and_what_was_heard_before_is_saved_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let patch = noise();
    let mut stage = Stage::with_recorder(&patch);
    let recorder = stage.recorder();
    assert!(matches!(recorder.stop(patch.clone()), Err(RecordError::NotRecording)));
    stage.play_and_keep(30_000);
    recorder.start(&path("now.wav"), WavFormat::F32).unwrap_or_else(|error| panic!("{error}"));
    let again = recorder.start(&path("more.wav"), WavFormat::F32);
    assert!(matches!(again, Err(RecordError::Recording(_))));
    stage.play_and_keep(30_000);
    let save = recorder.save_last(&path("all.wav"), WavFormat::F32, None, patch.clone());
    save.unwrap_or_else(|error| panic!("{error}"));
    let all = stage.recorded();
    assert_eq!(recorder.status().path, Some(path("now.wav")), "it goes on");
    let save = recorder.save_last(&path("last.wav"), WavFormat::F32, Some(0.5), patch.clone());
    save.unwrap_or_else(|error| panic!("{error}"));
    let last = stage.recorded();
    stage.play_and_keep(30_000);
    recorder.stop(patch.clone()).unwrap_or_else(|error| panic!("{error}"));
    let now = stage.recorded();
    assert_eq!((recorder.status().path, recorder.status().dropped_frames), (None, 0));

    let should_be = reference(&patch, stage.frame() as usize);
    let [all, last, now] = [all, last, now].map(|done| {
        let frames = wav(&done.path);
        assert!((done.secs - frames.len() as f64 / f64::from(RATE_HZ)).abs() < 1e-9);
        let peak = frames.as_flattened().iter().fold(0f32, |peak, s| peak.max(s.abs()));
        assert_eq!(done.peak, peak);
        frames
    });
    // The tap is open before the first block is made.
    assert_same("recorder-all", &all, &should_be[..all.len()]);
    assert!(all.len() > 60_000);
    assert_eq!(last.len(), 24_000);
    assert_same("recorder-last", &last, &all[all.len() - 24_000..]);
    let begins = should_be.windows(8).position(|frames| *frames == now[..8]).expect("it is there");
    assert!(begins >= 30_000 && now.len() >= 60_000, "{begins}, {}", now.len());
    assert_same("recorder-now", &now, &should_be[begins..begins + now.len()]);
    for name in ["all", "last", "now"] {
        let saved = path(&format!("{name}.sostenuto"));
        stage.until("the patch is saved", |_| saved.exists());
        assert_eq!(file::load(&saved).unwrap_or_else(|error| panic!("{error}")), patch);
    }
    assert_eq!(*stage.said.lock().expect("whole"), Vec::<String>::new());
}

#[test]
fn a_recording_that_nobody_ends_is_whole_and_a_file_that_is_there_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut stage, path) = (Stage::with_recorder(&noise()), folder.path().join("now.wav"));
    let recorder = stage.recorder();
    recorder.start(&path, WavFormat::F32).unwrap_or_else(|error| panic!("{error}"));
    stage.play_and_keep(10_000);
    drop(stage);
    assert!(wav(&path).len() >= 10_000 - 8192);
    let mut stage = Stage::with_recorder(&noise());
    stage.play_and_keep(1);
    for error in [
        stage.recorder().start(&path, WavFormat::F32),
        stage.recorder().start(&folder.path().join("no/such.wav"), WavFormat::F32),
        stage.recorder().save_last(&path, WavFormat::F32, None, noise()),
    ] {
        let error = error.expect_err("it is refused").to_string();
        assert!(error.contains("another"), "{error}");
    }
    assert_eq!(stage.recorder().status().path, None);
    assert!(wav(&path).len() >= 10_000 - 8192, "it was not touched");
}

#[test]
fn another_block_is_not_heard_whatever_plays() {
    for name in ["ambient", "feedback", "night-train"] {
        let patch = factory(name);
        let mut stage = Stage::new(&patch, 256);
        let mut tap = stage.player.tap().expect("nobody else has it");
        let mut heard = stage.hear(&mut tap, 20_000);
        for frames in [64, 1024, 32, 2048, 256] {
            heard.extend(stage.change(&mut tap, block(frames)));
            heard.extend(stage.hear(&mut tap, 20_000));
            assert_eq!(heard.blocks.last().expect("blocks").frames, frames, "{name}");
        }
        let ahead = SoundChange { ahead: Some(4), ..SoundChange::default() };
        heard.extend(stage.change(&mut tap, ahead));
        // By how much it grows hangs on how fast this card asked until now.
        assert!(stage.player.setup().latency_secs > 4.0 * 256.0 / RATE_HZ as f32);
        heard.extend(stage.hear(&mut tap, 10_000));
        heard.is_as_ever(&format!("block-{name}"), &patch);
    }
}

#[test]
fn another_sample_rate_is_a_short_silence_without_a_click_and_in_tune() {
    // An octave below C4, through a module with a tape.
    let modules = [
        module("vco", "vco", r#""octave": -1"#),
        module("delay", "delay", r#""mix": 0"#),
        module("out", "audio-out", r#""level": -6"#),
    ];
    let patch = patch(&modules.join(", "), &["vco.sine -> delay.left", "delay.left -> out.left"]);
    let mut stage = Stage::new(&patch, 256);
    let mut tap = stage.player.tap().expect("nobody else has it");
    stage.hear(&mut tap, 48_000);
    let mut all = Heard::default();
    for hz in [44_100, 96_000, 192_000, 48_000] {
        all.extend(stage.change(&mut tap, rate(hz)));
        // Until it is as loud as before.
        let mut heard = stage.hear(&mut tap, u64::from(hz));
        let is_late = heard.blocks.iter().filter(|block| block.sample_rate_hz != hz).count();
        assert!(is_late <= 1, "{hz} Hz");
        let before = heard.frames.len();
        heard.extend(stage.hear(&mut tap, 2 * u64::from(hz)));
        let sine: Vec<f32> = heard.frames[before..].iter().map(|frame| frame[0]).collect();
        let rises = |pair: &[f32]| pair[0] < 0.0 && pair[1] >= 0.0;
        let rises: Vec<usize> =
            sine.windows(2).enumerate().filter(|(_, pair)| rises(pair)).map(|(at, _)| at).collect();
        let periods = (rises.len() - 1) as f32;
        let sounds_hz = periods * hz as f32 / (rises[rises.len() - 1] - rises[0]) as f32;
        assert!((sounds_hz - 130.81).abs() < 0.1, "{sounds_hz} at {hz} Hz");
        let peak = sine.iter().fold(0f32, |peak, s| peak.max(s.abs()));
        assert!((0.2..0.3).contains(&peak), "{peak} at {hz} Hz");
        all.extend(heard);
        // Where modules lie is told anew, and clocks go on.
        let view = stage.player.view().expect("a view");
        assert_eq!(view.sample_rate_hz, hz as f32);
    }
    for pair in all.blocks.windows(2) {
        let next = pair[0].frame + u64::from(pair[0].frames);
        let secs = |block: &TappedBlock, frame: u64| frame as f64 / f64::from(block.sample_rate_hz);
        if pair[0].sample_rate_hz == pair[1].sample_rate_hz {
            assert_eq!(pair[1].frame, next);
        }
        // What was computed while modules were carried over is computed once more.
        let late_secs = secs(&pair[0], next) - secs(&pair[1], pair[1].frame);
        assert!((-0.001..0.5).contains(&late_secs), "{late_secs} s at {pair:?}");
    }
    // At the lowest rate a sine's step is the largest; a fade takes 20 ms.
    let bound = 0.26 * (TAU * 131.0 / 44_100.0 + 1.0 / (0.02 * 44_100.0)) * 1.05;
    let steps = all.frames.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs());
    let largest = steps.fold(0.0, f32::max);
    assert!(largest <= bound, "a step of {largest}, not {bound}");
    assert!(all.frames.contains(&[0.0; 2]), "there was a silence");
}

/// Where a gate goes on, in frames. One that is on in the first frame went on before it.
fn rises(volts: impl Iterator<Item = f32>) -> Vec<usize> {
    let mut was_on = true;
    let rises = volts.enumerate().filter_map(|(frame, volts)| {
        let is_on = volts > if was_on { 0.01 } else { 0.1 };
        (!std::mem::replace(&mut was_on, is_on) && is_on).then_some(frame)
    });
    rises.collect()
}

#[test]
fn clocks_steps_and_formulas_go_on_in_seconds_at_another_sample_rate() {
    // The left side hears every fourth of a clock's beats, the right one a formula
    // that is on for a tenth of every second.
    let modules = [
        module("clock", "clock", r#""bpm": 240"#),
        module(
            "seq",
            "sequencer",
            r#""length": 4, "gate-2": "off", "gate-3": "off", "gate-4": "off""#,
        ),
        module("math", "math", ""),
        module("out", "audio-out", r#""dc-block": 0, "level": -12"#),
    ];
    let cables = ["clock.beat -> seq.clock", "seq.gate -> out.left", "math.out -> out.right"];
    let mut patch = patch(&modules.join(", "), &cables);
    let math: ModuleId = "math".parse().expect("a name");
    patch.modules.get_mut(&math).expect("it is there").text = "10 * (t % 1 < 0.1)".into();
    let mut stage = Stage::new(&patch, 64);
    let mut tap = stage.player.tap().expect("nobody else has it");
    let mut all = stage.hear(&mut tap, 100_000);
    for hz in [96_000, 44_100, 192_000, 48_000] {
        all.extend(stage.change(&mut tap, rate(hz)));
        all.extend(stage.hear(&mut tap, 4 * u64::from(hz)));
    }
    // Every frame's time by the clock.
    let times = all.blocks.iter().flat_map(|block| {
        let hz = f64::from(block.sample_rate_hz);
        (block.frame..block.frame + u64::from(block.frames)).map(move |frame| frame as f64 / hz)
    });
    let times: Vec<f64> = times.collect();
    for side in [0, 1] {
        let gates = rises(all.frames.iter().map(|frame| frame[side]));
        assert!(gates.len() > 12, "{} gates", gates.len());
        for gate in gates {
            let off = times[gate] - times[gate].round();
            // It may come back from the silence in the middle of a gate.
            let fades_in = all.frames[gate.saturating_sub(64)..gate].iter().any(|f| f[side] != 0.0);
            assert!(off.abs() < 0.002 || fades_in, "a gate at {} s on side {side}", times[gate]);
        }
    }
}

#[test]
fn a_worker_that_is_killed_by_hand_is_not_heard_and_its_successor_is_told() {
    let patch = factory("night-train");
    let mut stage = Stage::new(&patch, 256);
    let mut tap = stage.player.tap().expect("nobody else has it");
    let mut heard = stage.hear(&mut tap, 10_000);
    assert!(!stage.player.kill(Some(31)), "nobody has work there");
    for _ in 0..5 {
        let pids: Vec<u32> = stage.player.pool().workers().iter().map(|(pid, _)| *pid).collect();
        let busy = stage.player.busy_slots();
        assert!(stage.player.kill(None));
        let (began, mut killed) = (Instant::now(), Vec::new());
        while killed.is_empty() {
            assert!(began.elapsed() < PATIENCE, "nobody was killed");
            heard.extend(stage.hear(&mut tap, 256));
            killed = stage.player.killed();
        }
        let [killed] = killed[..] else { panic!("{killed:?}") };
        assert!(pids.contains(&killed.pid) && busy >> killed.slot & 1 == 1, "{killed:?}");
        assert!(killed.recovery_secs >= 0.0 && killed.recovery_secs < 60.0, "{killed:?}");
        let now = stage.player.pool().workers();
        assert!(!now.iter().any(|(pid, _)| *pid == killed.pid), "{killed:?} lives");
    }
    assert_eq!(stage.player.pool().deaths(), 5);
    heard.is_as_ever("killed-by-hand", &patch);
}

#[test]
fn an_edit_is_on_the_disk_before_a_plan_is_made_of_it() {
    // A host goes on without the disk after this; see `player.rs`.
    const DISK_PATIENCE: Duration = Duration::from_secs(1);
    let vco = |wave: &str| {
        let modules = [module("vco", "vco", ""), module("out", "audio-out", "")];
        patch(&modules.join(","), &[&format!("vco.{wave} -> out.left")])
    };
    let (before, after) = (vco("saw"), vco("sine"));
    let folder = tempfile::tempdir().expect("a folder");
    let tell: Tell = Arc::new(|_| {});
    let journal = Journal::open(folder.path(), Some(before.clone()), RATE_HZ, &tell).0;
    let journal = journal.expect("a folder that can be written");
    let keeping = Keeping { journal: Some(Arc::clone(&journal)), ..Keeping::default() };
    let mut stage = Stage::keeping(&before, 64, keeping);
    stage.play(RATE_HZ.into());

    // The journal's thread waits in here, as it would in a write.
    let gate = Arc::new(Mutex::new(()));
    let (closed, passing) = (gate.lock().expect("whole"), Arc::clone(&gate));
    let (arrive, arrival) = std::sync::mpsc::channel();
    journal.when_kept(Some(Box::new(move || {
        let _ = arrive.send(());
        drop(passing.lock());
    })));
    journal.keep(before);
    arrival.recv().expect("it writes");
    let generation = |stage: &Stage| stage.player.engine_status().generation.load(Relaxed);
    let (old, began) = (generation(&stage), Instant::now());
    stage.player.patch_changed(&after);
    while began.elapsed() < DISK_PATIENCE / 3 {
        stage.play(64);
        let is_planned = generation(&stage) != old;
        assert!(!is_planned || began.elapsed() >= DISK_PATIENCE, "it is not on the disk yet");
    }
    drop(closed);
    while generation(&stage) == old {
        stage.play(64);
    }
    assert_eq!(journal.kept().done, journal.kept().given);
    assert_eq!(file::load(&folder.path().join(NEWEST)).expect("it is there"), after);
    journal.when_kept(None);
}
