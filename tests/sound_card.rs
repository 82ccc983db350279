//! A sound card whose driver crashes, hangs, spins or does not open: the patch runs
//! on, one notice says so, and the sound is back as soon as the card is.

use std::path::Path;
use std::process::Command;

use sostenuto_tests::talking::{PATIENCE, Talking};

/// A host that plays through a card which misbehaves once.
fn host_on(what: &str, folder: &Path) -> Talking {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-sostenuto"));
    command
        .args(["host", "--no-journal", "--workers", "1", "--remember", "0", "--socket"])
        .arg(folder.join("host.sock"))
        .args(["--device", &format!("{what}:{}", folder.display())])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/patches/first-sound.sostenuto"))
        .env("SOSTENUTO_WORKER", env!("CARGO_BIN_EXE_test-worker"))
        .env("SOSTENUTO_CARD", env!("CARGO_BIN_EXE_test-card"));
    Talking::start(&mut command)
}

#[track_caller]
fn is_back_after(what: &str, notices: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let host = host_on(what, folder.path());
    for notice in notices {
        let said = host.next_about_card();
        assert!(said.contains(notice), "{what}: {said}");
    }
    let began = std::time::Instant::now();
    while !folder.path().join("heard").exists() {
        assert!(began.elapsed() < PATIENCE, "{what}: nothing is heard");
        std::thread::yield_now();
    }
    assert_eq!(host.more_silence(), None, "{what}: one notice is enough");
}

const PLAYS: &str = "Playing through test card.";

#[test]
fn a_driver_that_crashes_is_replaced() {
    is_back_after("crashes", &[PLAYS, "the sound card's driver ended", PLAYS]);
}

#[test]
fn a_driver_that_leaves_is_replaced() {
    is_back_after("leaves", &[PLAYS, "the sound card's driver ended", PLAYS]);
}

#[cfg(unix)]
#[test]
fn a_driver_that_says_no_more_is_replaced() {
    is_back_after("closes", &[PLAYS, "the sound card's driver ended", PLAYS]);
}

#[test]
fn a_driver_that_hangs_is_replaced() {
    is_back_after("hangs", &[PLAYS, "has stopped asking for sound", PLAYS]);
}

#[test]
fn a_driver_that_spins_is_replaced() {
    is_back_after("spins", &[PLAYS, "has stopped asking for sound", PLAYS]);
}

#[test]
fn a_card_that_refuses_is_asked_again() {
    is_back_after("refuses", &["the card is on holiday", PLAYS]);
}

#[test]
fn a_card_that_never_opens_is_given_up_and_asked_again() {
    is_back_after("is-stuck", &["the sound card does not open", PLAYS]);
}

#[test]
fn a_card_that_opens_late_is_heard_then() {
    is_back_after("is-slow", &[PLAYS]);
}
