//! A worker from its spawn until it is warm, and the memory that it has to
//! itself while it waits.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use shm_ring::layout::{HOST, STARTING, WARM};
use shm_ring::protocol::wait_for;
use shm_ring::sync::Ordering;
use sostenuto_benches::samples::{Samples, millis, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::pool::watchdog::Patience;
use sostenuto_host::pool::{Crew, Pool, SPARES};
use sostenuto_host::shared::Shared;

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const PROTOTYPE_MS: f64 = 672.0;

fn main() {
    let table = Table::begin("proc01_spawn");
    let shared = Arc::new(Shared::create().unwrap_or_else(|error| panic!("{error}")));
    let mut own = Samples::default();
    let spawn = |_| {
        let time = spawn_to_warm(&shared);
        own.push(shared.worker_record(0).warm_nanos.load(Ordering::Relaxed) as f64 * 1e-6);
        time
    };
    let samples: Samples = (0..times(100, 5)).map(spawn).collect();
    let row = Row::with_p99("spawn to warm, one worker", "ms", &samples);
    table.row(&row.prototype(PROTOTYPE_MS).target(Target::Below(20.0)));
    table.row(&Row::with_p99("of that, from its first instruction", "ms", &own));
    pool(&table);
}

/// Starts a worker, and waits until it says that it is warm.
fn spawn_to_warm(shared: &Shared) -> f64 {
    let record = shared.worker_record(0);
    record.state.store(STARTING, Ordering::Relaxed);
    let (time, mut child) = timed(|| {
        let child = Command::new(WORKER)
            .args([shared.control.name(), shared.arena.name(), "0"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let patience = Some(Duration::from_secs(10));
        assert!(wait_for(&shared.doorbell, HOST, &record.state, WARM, patience), "it is cold");
        child
    });
    // The end of its input is what a worker leaves at.
    drop(child.stdin.take());
    child.wait().expect("it leaves");
    millis(time)
}

/// A pool of eight and its spares: how long until all are warm, and what each
/// has to itself.
fn pool(table: &Table) {
    let mut memory = Samples::default();
    let starts = (0..times(9, 1)).map(|_| {
        let shared = Arc::new(Shared::create().unwrap_or_else(|error| panic!("{error}")));
        let (time, pool) =
            timed(|| Pool::start(shared, WORKER.into(), Crew::of(8), Patience::OFFLINE));
        let pool = pool.unwrap_or_else(|error| panic!("{error}"));
        let pids = pool.workers().into_iter().map(|(pid, _)| pid);
        pids.filter_map(private_mib).for_each(|mib| memory.push(mib));
        millis(time)
    });
    let starts: Samples = starts.collect();
    let what = format!("spawn to warm, a pool of 8 and {SPARES} spares at once");
    table.row(&Row::median(&what, "ms", &starts));
    if memory.count() > 0 {
        let row = Row::with_p99("private memory of an idle worker", "MiB", &memory);
        table.row(&row.target(Target::Below(10.0)));
    }
}

/// What a process has in memory that no other has, in MiB. Linux says so.
fn private_mib(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let private = text
        .lines()
        .filter(|line| line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"));
    let kib = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    Some(kib.sum::<f64>() / 1024.0)
}
