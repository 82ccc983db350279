//! Modules that want out of their worker: every way is refused, and is a crash of that
//! module and no more. Where the kernel has no filter for calls, there is nothing to
//! see. docs/faults.md is the table.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "a signal is waited for")]
#![allow(clippy::print_stdout, reason = "a test tells why it shows nothing")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use dsp_worker::last_words::describe;
use sostenuto_host::pool::ladder::{Cause, Rung};
use sostenuto_tests::{RATE_HZ, ready, reference, trap, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

const CALLS: [&str; 11] = [
    "open-file",
    "connect",
    "send-udp",
    "exec",
    "fork",
    "trace-host",
    "signal-host",
    "read-host",
    "raise-limits",
    "open-journal",
    "fill-disk",
];

fn has_filters() -> bool {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    let has =
        actions.is_ok_and(|actions| actions.split_whitespace().any(|action| action == "trap"));
    if !has {
        println!("This kernel has no filter for calls to it.");
    }
    has
}

/// Plays a quarter of a second with that escape; returns the words of all who died.
#[track_caller]
fn try_to_escape(escape: &str) -> Vec<String> {
    let frames = RATE_HZ as usize / 4;
    let patch = trap(&format!(r#""fault": "{escape}""#));
    let mut render = ready(&patch, 256, workers(2, WORKER));
    let pool = render.pool().expect("it has workers").clone();
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&troubles);
    pool.on_trouble(move |troubles| {
        let facts = troubles.into_iter().map(|trouble| {
            let said = trouble.crash.and_then(|crash| crash.said);
            (trouble.case, trouble.ending, said.as_ref().map(describe).unwrap_or_default())
        });
        told.lock().unwrap().extend(facts);
    });
    let is = render.frames(frames);
    // Whoever tells of trouble is done when the pool is gone.
    drop((render, pool));
    let should_be = reference(&trap(""), frames);
    let right = |frames: &[[f32; 2]]| frames.iter().map(|frame| frame[1].to_bits()).collect();
    let (heard, expected): (Vec<u32>, Vec<u32>) = (right(&is), right(&should_be));
    assert!(heard == expected, "{escape}: the neighbour heard of it");
    let troubles = std::mem::take(&mut *troubles.lock().unwrap());
    let ladder: Vec<_> = troubles.iter().map(|(case, ..)| (case.cause, case.rung)).collect();
    let crashes = [Rung::Again, Rung::Afresh, Rung::Rests].map(|rung| (Cause::Crash, rung));
    assert_eq!(ladder.get(..3), Some(&crashes[..]), "{escape}: {troubles:?}");
    troubles.into_iter().map(|(_, ending, words)| format!("{ending}; {words}")).collect()
}

fn left_behind() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).expect("the temporary folder");
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.to_string_lossy().contains("sostenuto-saboteur")).collect()
}

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn every_call_that_leads_out_of_a_worker_is_a_crash_of_its_module_and_no_more() {
    if !has_filters() {
        return;
    }
    // SAFETY: the handler counts, and does nothing else.
    unsafe { libc::signal(libc::SIGCONT, count as extern "C" fn(_) as libc::sighandler_t) };
    for escape in CALLS {
        for words in try_to_escape(escape) {
            assert!(words.contains("SIGSYS, a call to the system"), "{escape}: {words}");
            assert!(words.contains("It was call "), "{escape}: {words}");
        }
    }
    assert_eq!(SIGNALS.load(Ordering::Relaxed), 0, "the host was signalled");
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    assert!(status.contains("TracerPid:\t0\n"), "the host is traced");
    assert_eq!(left_behind(), Vec::<PathBuf>::new());
}

#[test]
fn the_memory_of_another_slot_is_as_far_as_a_module_gets() {
    for words in try_to_escape("write-slot") {
        assert!(words.contains("SIGSEGV, memory that is not to be touched"), "{words}");
    }
}
