//! Blocks that were not there in time, while a patch of 42 modules plays on the
//! silent clock: on a machine that does nothing else, and on one whose every core is
//! busy with something of ordinary priority.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
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
        for block_frames in [256, 128, 64] {
            measure(&table, name, patch, block_frames);
        }
    }
    let load = Load::on_every_core();
    for (name, patch) in &patches {
        let name = format!("{name}, every core busy");
        for block_frames in [256, 128, 64] {
            measure(&table, &name, patch, block_frames);
        }
    }
    drop(load);
}

/// Threads that do nothing as fast as they can.
struct Load {
    goes_on: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn on_every_core() -> Load {
        let goes_on = Arc::new(AtomicBool::new(true));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let spin = |goes_on: Arc<AtomicBool>| {
            std::thread::spawn(move || {
                while goes_on.load(Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let threads = (0..cores).map(|_| spin(Arc::clone(&goes_on))).collect();
        Load { goes_on, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.goes_on.store(false, Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap_or_default());
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
    let end = Instant::now() + Duration::from_secs(times(15, 1) as u64);
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
