//! What is heard of each way to break: a Saboteur in the left channel, a voice of
//! its own in the right. docs/faults.md is the table.

use std::collections::BTreeSet;
use std::f32::consts::TAU;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sostenuto_host::engine::Frame;
use sostenuto_host::player::{Player, Settings};
use sostenuto_host::pool::ladder::{Cause, Rung};
use sostenuto_host::pool::{Crew, Pool};
use sostenuto_host::render::Render;
use sostenuto_patch::Patch;
use sostenuto_tests::faults::{Script, Signal, signal};
use sostenuto_tests::{RATE_HZ, leave, ready, reference, trap, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// Both voices are sines of C4, 5 V at half of full scale; this is the most that
/// one moves from a sample to the next.
const STEP: f32 = 0.5 * TAU * 261.63 / RATE_HZ as f32;

/// The fade of whatever cannot go on, from full scale at most.
const FADE_STEP: f32 = 1.0 / (0.005 * RATE_HZ as f32);

struct Heard {
    is: Vec<Frame>,
    should_be: Vec<Frame>,
    troubles: Vec<(Cause, Rung)>,
    deaths: u64,
}

/// Half a second with that fault, beside the same without.
fn render(fault: &str) -> Heard {
    let frames = RATE_HZ as usize / 2;
    let mut render = ready(&trap(&format!(r#""fault": "{fault}""#)), 256, workers(2, WORKER));
    let pool = render.pool().expect("it has workers").clone();
    let troubles = listen(&pool);
    let is = render.frames(frames);
    let deaths = pool.deaths();
    // Whoever tells of trouble is done when the pool is gone.
    drop((render, pool));
    let troubles = troubles.lock().unwrap().clone();
    Heard { is, should_be: reference(&trap(""), frames), troubles, deaths }
}

fn listen(pool: &Pool) -> Arc<Mutex<Vec<(Cause, Rung)>>> {
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&troubles);
    pool.on_trouble(move |troubles| {
        let cases = troubles.iter().map(|trouble| (trouble.case.cause, trouble.case.rung));
        told.lock().unwrap().extend(cases);
    });
    troubles
}

impl Heard {
    /// The voice in the other channel has heard nothing of it.
    fn assert_neighbour_unharmed(&self, name: &str) {
        let differs = self.is.iter().zip(&self.should_be).position(|(a, b)| a[1] != b[1]);
        if differs.is_some() {
            self.leave(name);
        }
        assert_eq!(differs, None, "{name}: the neighbour's first frame that differs");
    }

    /// The voice goes through the Saboteur at every frame, shifted at most by so
    /// many steps between two samples.
    fn assert_passed_by(&self, name: &str, steps: f32) {
        let off = |(a, b): (&Frame, &Frame)| (a[0] - b[0]).abs();
        let most = self.is.iter().zip(&self.should_be).map(off).fold(0.0, f32::max);
        if most > 1.01 * steps * STEP {
            self.leave(name);
        }
        assert!(most <= 1.01 * steps * STEP, "{name}: off by {most}");
        assert_eq!(self.is[..5000], self.should_be[..5000], "{name}: before it struck");
    }

    /// No click: the sound never moves faster than the voice and a fade.
    fn assert_smooth(&self, name: &str) {
        let step = |pair: &[Frame]| (pair[1][0] - pair[0][0]).abs();
        let most = self.is.windows(2).map(step).fold(0.0, f32::max);
        if most > STEP + 2.0 * FADE_STEP {
            self.leave(name);
        }
        assert!(most <= STEP + 2.0 * FADE_STEP, "{name}: a step of {most}");
    }

    fn leave(&self, name: &str) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts");
        leave(&folder.join(format!("fault-{name}.wav")), &self.is);
    }
}

#[test]
fn a_module_that_always_crashes_is_passed_by_within_the_block_and_nobody_else_hears_it() {
    for fault in ["crash", "panic", "abort", "exit", "stack-overflow", "wild-write"] {
        let heard = render(fault);
        let crash = |rung| (Cause::Crash, rung);
        let ladder = [Rung::Again, Rung::Afresh, Rung::Rests].map(crash);
        assert_eq!(heard.troubles[..3], ladder, "{fault}");
        heard.assert_neighbour_unharmed(fault);
        heard.assert_passed_by(fault, 1.0);
        heard.assert_smooth(fault);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_memory_bomb_takes_its_worker_with_it_and_nothing_else() {
    let heard = render("memory-bomb");
    assert!(heard.deaths >= 3, "{}", heard.deaths);
    heard.assert_neighbour_unharmed("memory-bomb");
    heard.assert_passed_by("memory-bomb", 1.0);
}

#[test]
fn a_module_that_hangs_is_stopped_and_passed_by() {
    let heard = render("hang");
    assert!(heard.troubles.contains(&(Cause::Hang, Rung::Again)), "{:?}", heard.troubles);
    assert!(heard.troubles.contains(&(Cause::Hang, Rung::Rests)), "{:?}", heard.troubles);
    heard.assert_neighbour_unharmed("hang");
    heard.assert_passed_by("hang", 1.0);
    heard.assert_smooth("hang");
}

#[test]
fn what_is_no_sound_stops_at_the_border_without_a_click() {
    for fault in ["nan", "infinity", "loud"] {
        let heard = render(fault);
        assert_eq!(heard.deaths, 0, "{fault}");
        heard.assert_neighbour_unharmed(fault);
        heard.assert_smooth(fault);
        // As long as its trigger is high it breaks in every quantum, and what comes
        // in is passed by. Each time the fade begins anew.
        heard.assert_passed_by(fault, 8.0);
    }
    let heard = render("denormal");
    heard.assert_neighbour_unharmed("denormal");
    assert!(heard.is.as_flattened().iter().all(|sample| !sample.is_subnormal()));
}

#[test]
fn a_module_that_is_only_slow_is_waited_for_where_nobody_listens() {
    let heard = render("slow");
    assert_eq!(heard.deaths, 0);
    assert_eq!(heard.is, heard.should_be);
}

/// A patch that plays, and the test is its sound card.
struct Live {
    heard: Vec<f32>,
    troubles: BTreeSet<(Cause, Rung)>,
}

impl Live {
    /// Plays at the pace of a card: until a module is left alone, and as much
    /// longer.
    fn play(patch: &Patch, longer: Duration) -> Live {
        let settings = Settings {
            sample_rate_hz: RATE_HZ,
            block_frames: 256,
            ahead: 2,
            crashes: None,
            crew: Crew::of(2),
            program: WORKER.into(),
            output: sostenuto_host::sound_card::device::Output::SilentClock,
            quarantined: Vec::new(),
        };
        let (player, mut callback) =
            Player::start_without_card(patch, settings, |_| {}).expect("it plays");
        let mut troubles = BTreeSet::new();
        let mut end = None;
        let (mut heard, mut block) = (Vec::new(), [0.0f32; 512]);
        let (began, mut frames) = (Instant::now(), 0.0);
        while end.is_none_or(|end| Instant::now() < end) {
            callback.fill(&mut block, 2);
            heard.extend_from_slice(&block);
            frames += 256.0;
            let due = Duration::from_secs_f64(frames / f64::from(RATE_HZ));
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let case = player.pool().cases().pop().map(|(_, case)| (case.cause, case.rung));
            if case.is_some_and(|(_, rung)| rung != Rung::Again) {
                end.get_or_insert_with(|| Instant::now() + longer);
            }
            troubles.extend(case);
            assert!(began.elapsed() < Duration::from_secs(60), "{troubles:?}");
        }
        Live { heard, troubles }
    }
}

#[test]
fn while_somebody_listens_a_module_that_is_too_slow_is_passed_by() {
    for fault in [r#""fault": "slow", "slow-ms": 40, "when": "always""#, r#""fault": "hang""#] {
        let live = Live::play(&trap(fault), Duration::from_secs(1));
        assert!(live.troubles.iter().all(|(cause, _)| *cause == Cause::Hang), "{fault}");
        // It is still heard, and not for a moment was there a step.
        let last = &live.heard[live.heard.len() - 4800..];
        assert!(last.iter().step_by(2).any(|sample| sample.abs() > 0.4), "{fault}: silence");
        let step = |pair: &[f32]| (pair[2] - pair[0]).abs();
        let most = live.heard.windows(3).map(step).fold(0.0, f32::max);
        // An xrun, if there was one, fades by 2 % a frame and comes back in 64.
        assert!(most <= 2.0 * STEP + 0.02, "{fault}: a step of {most}");
    }
}

#[test]
fn a_pool_that_cannot_be_refilled_passes_signals_by_and_recovers() {
    let script = Script::new(WORKER, &[]);
    let program = script.program();
    let mut render: Render =
        ready(&trap(""), 256, workers(2, program.to_str().expect("a plain name")));
    let pool = render.pool().expect("it has workers").clone();
    let mut heard = render.frames(4800);
    let aside = program.with_extension("aside");
    fs::rename(&program, &aside).expect("it was there");
    for (pid, _) in pool.workers() {
        signal(pid, Signal::Kill);
    }
    // Nobody computes any more, and blocks are made all the same.
    heard.extend(render.frames(4800));
    assert!(heard[9000..].iter().all(|frame| *frame == [0.0; 2]), "sources have nothing to pass");
    fs::rename(&aside, &program).expect("it was there");
    assert!(pool.wait_until_full(Duration::from_secs(60)));
    heard.extend(render.frames(9600));
    let last = &heard[heard.len() - 1000..];
    assert!(last.iter().any(|frame| frame[1] > 0.4), "it sounds again");
    let heard =
        Heard { is: heard, should_be: Vec::new(), troubles: Vec::new(), deaths: pool.deaths() };
    heard.assert_smooth("no-workers");
}
