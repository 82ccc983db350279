//! What others may do while a patch plays: look at it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use dsp_worker::catalog;
use sostenuto::host::callback::Callback;
use sostenuto::host::control::Sound;
use sostenuto::host::device::Output;
use sostenuto::host::player::{Player, Settings};
use sostenuto::host::pool::Crew;
use sostenuto::osc::view::{Face, NoView, Probe, View};
use sostenuto::patch::Patch;
use sostenuto_tests::{RATE_HZ, module, patch};

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
}

impl Stage {
    fn new(patch: &Patch, block_frames: u32) -> Stage {
        let player = Player::start_without_card(patch, settings(block_frames), |_| ());
        let (player, card) = player.unwrap_or_else(|error| panic!("{error}"));
        Stage { player, card }
    }

    fn frame(&self) -> u64 {
        self.player.engine_status().frame.load(Relaxed)
    }

    /// Plays until so many frames more were made.
    fn play(&mut self, frames: u64) {
        let (end, began) = (self.frame() + frames, Instant::now());
        let mut out = [0.0f32; 128];
        while self.frame() < end {
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
    let probe = Probe::open(&view).unwrap_or_else(|why| panic!("{why}"));
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
