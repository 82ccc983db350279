//! Blocks that were not there in time, while a patch of 42 modules plays on the
//! silent clock.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use sostenuto_benches::rigs::{block_secs, eight_voices, settings};
use sostenuto_benches::samples::Samples;
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::player::Player;
use sostenuto_patch::{Patch, file};

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");

fn main() {
    let table = Table::begin("rt02_underruns");
    let mut patches = vec![("eight voices".to_owned(), eight_voices())];
    patches.extend(factory_patch());
    for (name, patch) in &patches {
        for block_frames in [256, 64] {
            measure(&table, name, patch, block_frames);
        }
    }
}

/// The patch that opens by default.
fn factory_patch() -> Option<(String, Patch)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/patches");
    let path = folder.join("first-sound.sostenuto");
    path.exists().then(|| {
        let patch = file::load(&path).unwrap_or_else(|error| panic!("{error}"));
        (patch.title.clone(), patch)
    })
}

fn measure(table: &Table, name: &str, patch: &Patch, block_frames: u32) {
    let player = Player::start(patch, settings(block_frames, 1, WORKER), |_| {});
    let player = player.unwrap_or_else(|error| panic!("{error}"));
    let status = player.engine_status();
    let mut loads = Samples::default();
    let end = Instant::now() + Duration::from_secs(times(20, 2) as u64);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
        let block = f64::from(status.block_nanos.load(Relaxed)) * 1e-9;
        loads.push(100.0 * block / block_secs(block_frames));
    }
    let (xruns, blocks) = (player.xruns(), status.blocks.load(Relaxed));
    let what = format!("xruns, {name}, {block_frames} frames, 1 ahead, {blocks} blocks");
    let row = Row { count: blocks as usize, ..Row::one(&what, "xruns", xruns as f64) };
    table.row(&row.prototype(0.0).target(Target::Exactly(0.0)));
    let what = format!("time a block takes, of {block_frames} frames' time");
    table.row(&Row::with_p99(&what, "%", &loads));
}
