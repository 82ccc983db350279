//! A crash is kept, and whoever wrote the module can have it once more.

#![allow(unsafe_code, reason = "memory of a dead process is read")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use shm_ring::layout::{HOST, WARM};
use shm_ring::protocol::{give_slot, wait_for};
use sostenuto_host::conductor::Conductor;
use sostenuto_host::engine::{Engine, Executor};
use sostenuto_host::pool::crash::{Crash, SavedCrash, capture, finish, folder};
use sostenuto_host::pool::ladder::Cause;
use sostenuto_host::pool::process::cause;
use sostenuto_host::shared::Shared;
use sostenuto_patch::Patch;
use sostenuto_tests::{RATE_HZ, module, patch};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-sostenuto");
const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

const BLOCK_FRAMES: u32 = 256;

/// A Saboteur that strikes after an eighth of a second, alone or in a loop with
/// a delay.
fn trap(params: &str, is_loop: bool) -> Patch {
    let modules = [
        module("vco", "vco", ""),
        module("clock", "lfo", r#""rate": 4.0, "phase": 0.5"#),
        module("echo", "delay", r#""time": 0.02"#),
        module("bad", "saboteur", params),
        module("out", "audio-out", ""),
    ];
    let mut cables =
        vec!["clock.square -> bad.trigger", "echo.left -> bad.in", "bad.out -> out.left"];
    cables.push("vco.saw -> echo.left");
    if is_loop {
        cables.push("bad.out -> echo.left");
    }
    patch(&modules.join(","), &cables)
}

/// Plays a patch by one worker until it dies, as a host does; keeps what it
/// was at.
fn die(patch: &Patch) -> (ExitStatus, Crash) {
    let shared = Arc::new(Shared::create().expect("shared memory"));
    let (mut engine, commands, status) =
        Engine::new(Arc::clone(&shared), Executor::Workers, RATE_HZ, BLOCK_FRAMES);
    let line = (commands, Arc::clone(&status));
    let mut conductor = Conductor::new(Arc::clone(&shared), None, 1, RATE_HZ, BLOCK_FRAMES, line);
    conductor.lead(patch).expect("it fits");

    let mut worker = start_worker(&shared);
    let (slots, workers) = (shared.slots(), shared.workers());
    give_slot(&shared.doorbell, slots, workers, 0, 0);
    let playing = std::thread::spawn(move || {
        let mut block = [[0.0; 2]; BLOCK_FRAMES as usize];
        while engine.block(&mut block) {}
    });
    // To wait is to close its input, and that is the sign to leave.
    let orders = worker.stdin.take();
    let ending = worker.wait().expect("it was started");
    drop(orders);
    // SAFETY: it is dead, nobody gets its slot, and there is one plan.
    let evidence = unsafe { capture(&shared, 0) };
    let mut evidence = evidence.expect("it was in a job");
    finish(&shared, &mut evidence);
    status.is_stopping.store(true, Relaxed);
    playing.join().expect("the engine stops");
    let said = shared.last_words(0).read(worker.id());
    (ending, Crash { id: Some("bad".to_owned()), ending: ending.to_string(), said, evidence })
}

fn start_worker(shared: &Shared) -> Child {
    let mut command = Command::new(WORKER);
    command.args([shared.control.name(), shared.arena.name(), "0"]);
    let worker = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let state = &shared.worker_record(0).state;
    let timeout = Some(Duration::from_secs(20));
    assert!(wait_for(&shared.doorbell, HOST, state, WARM, timeout), "it does not get warm");
    worker.expect("it starts")
}

/// How the replay ends, and what it says.
fn replay(path: &Path) -> (ExitStatus, String, String) {
    let mut command = Command::new(PROGRAM);
    let output = command.arg("replay").arg(path).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status, text(output.stdout), text(output.stderr))
}

fn written(crash: &Crash) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let path = crash.write(&place.path().join("crashes")).expect("it is written");
    (place, path)
}

#[test]
fn a_crash_replays_as_it_was() {
    for fault in ["crash", "panic", "abort", "exit", "stack-overflow", "wild-write", "memory-bomb"]
    {
        for is_loop in [false, true] {
            let (ending, crash) = die(&trap(&format!(r#""fault": "{fault}""#), is_loop));
            assert_eq!(cause(&ending), Cause::Crash, "{fault}: {ending}");
            assert!(crash.evidence.is_whole(), "{fault}");
            let (_place, path) = written(&crash);
            let (replayed, out, err) = replay(&path);
            assert_eq!(replayed, ending, "{fault}: {out}{err}");
            assert!(out.contains(&format!("fault: {fault}")), "{out}");
            assert!(!out.contains("did not crash"), "{out}");
        }
    }
}

#[test]
#[cfg(unix)]
fn last_words_are_in_the_file() {
    let words = |fault: &str| {
        let (_, crash) = die(&trap(&format!(r#""fault": "{fault}""#), false));
        let (_place, path) = written(&crash);
        SavedCrash::load(&path).expect("it can be read").facts()
    };
    let crash = words("crash");
    assert!(crash.contains("SIGSEGV") && crash.contains("at address 0x10,"), "{crash}");
    let panic = words("panic");
    assert!(panic.contains("saboteur.rs:") && panic.contains("was told to panic"), "{panic}");
    let full = words("stack-overflow");
    assert!(full.contains("SIGSEGV") && full.contains("stack was full"), "{full}");
}

#[test]
fn what_crashes_by_chance_is_replayed_by_chance() {
    let (ending, crash) = die(&trap(r#""fault": "abort", "chance": 0.5"#, false));
    let (_place, path) = written(&crash);
    let mut has = [false; 2];
    // The chance that a hundred draws are all alike is none.
    for _ in 0..100 {
        let (replayed, out, _) = replay(&path);
        let is_alive = replayed.success();
        assert!(is_alive || replayed == ending, "{replayed}");
        assert_eq!(is_alive, out.contains("It did not crash this time."), "{out}");
        assert_eq!(is_alive, out.contains("saboteur.out: "), "{out}");
        has[is_alive as usize] = true;
        if has == [true; 2] {
            return;
        }
    }
    panic!("{has:?}");
}

#[test]
fn only_crashes_of_this_build_are_replayed_and_only_the_newest_kept() {
    let (_, crash) = die(&trap(r#""fault": "crash""#, false));
    let (place, path) = written(&crash);
    let text = std::fs::read_to_string(&path).expect("it is text");
    let refused = |text: &str, sentence: &str| {
        let path = place.path().join("other.crash");
        std::fs::write(&path, text).expect("it is written");
        let (status, out, err) = replay(&path);
        assert_eq!((status.code(), &*out), (Some(1), ""), "{err}");
        assert!(err.contains(sentence) && err.lines().count() == 1, "{err}");
    };
    refused("", "Not a Sostenuto crash file");
    refused("{\"sostenuto\": 1}", "Not a Sostenuto crash file");
    refused(&text[..text.len() / 2], "Not a Sostenuto crash file");
    refused(&text.replace("crash\": 3,", "crash\": 4,"), "a newer version");
    let catalogue = text.find("\"catalogue\": \"").expect("it is there") + 14;
    let mut other = text.clone();
    other.replace_range(catalogue..catalogue + 4, "----");
    refused(&other, "another build");
    let evidence = text.find("\"evidence\": \"").expect("it is there") + 13;
    for change in ["", "!!!!", "AAAAAAAA"] {
        let mut other = text.clone();
        other.replace_range(evidence..evidence + 8, change);
        refused(&other, "cannot be replayed");
    }

    let folder = path.parent().expect("a folder");
    let mut written = vec![path.clone()];
    while written.len() < 25 {
        let path = crash.write(folder).expect("it is written");
        // Two of one millisecond are one file.
        if written.last() != Some(&path) {
            written.push(path);
        }
    }
    let mut kept: Vec<PathBuf> =
        folder.read_dir().expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    kept.sort();
    assert_eq!(kept, written[5..]);
}

#[test]
fn crashes_have_a_place_of_their_own() {
    // Where there is no home, there is none; else it is ours alone.
    if let Some(folder) = folder() {
        assert!(folder.ends_with("crashes"), "{}", folder.display());
        let whole = folder.to_string_lossy().to_lowercase();
        assert!(whole.contains("sostenuto"), "{whole}");
    }
}
