//! Workers die while a patch plays, and every block is what it should be.

use std::process::{Command, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-sostenuto");
const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// Runs a drill; returns whether it says that nothing was heard, and all that it
/// found.
fn drill(options: &str) -> (bool, Value) {
    let mut command = Command::new(PROGRAM);
    command.args(["drill", "--json"]).args(options.split_whitespace());
    command.env("SOSTENUTO_WORKER", WORKER).env_remove("RUST_LOG");
    command.env("SOSTENUTO_CARD", env!("CARGO_BIN_EXE_test-card"));
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let err = String::from_utf8_lossy(&output.stderr);
    let report =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} {err}"));
    let is_unheard = output.status.success();
    assert_eq!(is_unheard, !err.contains("the kills could be heard"), "{err}");
    (is_unheard, report)
}

fn number(report: &Value, name: &str) -> u64 {
    let place = &report.pointer(&format!("/{name}")).unwrap_or(&Value::Null);
    place.as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
}

/// Asserts what holds on however busy a machine.
#[track_caller]
fn check((is_unheard, report): &(bool, Value), seconds: u64) {
    let number = |name: &str| number(report, name);
    assert_eq!(number("blocks_different"), 0, "{report}");
    assert!(report["first_different_secs"].is_null(), "{report}");
    assert_eq!(number("blocks_lost"), 0, "{report}");
    let (with, without) = (number("disturbed/xruns"), number("undisturbed/xruns"));
    assert_eq!(*is_unheard, with <= without, "{report}");

    let halves = number("undisturbed/block_time/count") + number("disturbed/block_time/count");
    assert!(halves > 0 && halves <= number("blocks_compared"), "{report}");
    // The first half is as long as was asked, and the card asks for its blocks.
    let expected = seconds * number("sample_rate_hz") / number("block_frames");
    assert!(number("undisturbed/block_time/count") > expected / 2, "{report}");

    let (kills, recoveries) = (number("kills"), number("recovery/count"));
    assert!(kills > 0 && number("kills_inside_a_job") <= kills, "{report}");
    assert!(recoveries <= kills + number("hangs"), "{report}");
    assert_eq!(number("news/count"), recoveries, "{report}");
    for spread in ["recovery", "news", "undisturbed/block_time", "disturbed/block_time"] {
        let [p50, p99, max] =
            ["p50", "p99", "max"].map(|it| number(&format!("{spread}/{it}_nanos")));
        assert!(p50 <= p99 && p99 <= max, "{spread}: {report}");
    }
    assert!(number("news/max_nanos") <= number("recovery/max_nanos"), "{report}");
    // One who was away and has come back may be one too many, and is let go.
    assert_eq!(number("workers_at_end"), number("workers_at_start"), "{report}");
    assert!(number("refills") >= kills, "{report}");
    assert!(number("stops_inside_a_job") <= number("stops"), "{report}");
}

#[test]
fn twenty_kills_a_second_change_nothing_in_any_block() {
    let found = drill("--seconds 2 --kills-per-second 20 --seed 1");
    check(&found, 2);
    assert_eq!(number(&found.1, "stops") + number(&found.1, "hangs"), 0);
    assert!(number(&found.1, "recovery/count") > 0, "{}", found.1);
}

#[test]
#[cfg(unix)]
fn workers_that_are_stopped_and_go_on_change_nothing_in_any_block() {
    let found = drill("--seconds 3 --kills-per-second 10 --stop --seed 2");
    check(&found, 3);
    assert!(number(&found.1, "stops") > 0, "{}", found.1);
}

#[test]
fn workers_that_hang_change_nothing_in_any_block() {
    let found = drill("--seconds 4 --kills-per-second 8 --hang --seed 3");
    check(&found, 4);
    assert!(number(&found.1, "hangs") > 0, "{}", found.1);
}

#[test]
#[cfg(unix)]
fn storms_of_every_kind_change_nothing_in_any_block() {
    let storms = "--all --newborn --spares --segv --stop";
    check(&drill(&format!("--seconds 6 --kills-per-second 5 --workers 4 {storms}")), 6);
}

#[test]
fn a_card_that_is_killed_changes_nothing_in_any_block() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first one plays as it should, too.
    std::fs::write(folder.path().join("plays"), "").expect("a file");
    let device = format!("plays:{}", folder.path().display());
    let options = format!("--seconds 6 --kills-per-second 4 --card --device {device} --seed 4");
    let found = drill(&options);
    let number = |name: &str| number(&found.1, name);
    assert!(found.0, "{}", found.1);
    assert_eq!((number("blocks_different"), number("blocks_lost")), (0, 0), "{}", found.1);
    assert!(number("card_kills") > 0 && number("blocks_compared") > 0, "{}", found.1);
    assert_eq!(number("workers_at_end"), number("workers_at_start"), "{}", found.1);
}
