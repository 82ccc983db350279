//! What is heard of a worker that is killed while a patch plays; and beside it,
//! what JACK2's output loses when one of its clients is.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use sostenuto_benches::rigs::{RATE_HZ, block_secs, eight_voices, settings};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::drill::{Disturbances, Report, Storms, drill};
use sostenuto_host::player::Settings;
use sostenuto_patch::{Patch, file};

#[cfg(all(target_os = "linux", feature = "jack"))]
#[path = "fail01/jack.rs"]
mod jack2;

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const BLOCK_FRAMES: u32 = 256;
const KILLS_PER_SECOND: f64 = 10.0;

fn main() {
    #[cfg(all(target_os = "linux", feature = "jack"))]
    if jack2::is_client() {
        return jack2::be_client();
    }
    let table = Table::begin("fail01_drill");
    measure(&table, "eight voices", &eight_voices());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/patches");
    let patch = file::load(&path.join("first-sound.sostenuto"));
    let patch = patch.unwrap_or_else(|error| panic!("{error}"));
    measure(&table, &patch.title, &patch);
    #[cfg(all(target_os = "linux", feature = "jack"))]
    jack2::measure(&table);
    #[cfg(not(all(target_os = "linux", feature = "jack")))]
    table.note("JACK2 is measured on Linux only, with --features jack (libjack-jackd2-dev)");
}

fn measure(table: &Table, name: &str, patch: &Patch) {
    let settings: Settings = settings(BLOCK_FRAMES, 1, WORKER);
    let wanted = Disturbances {
        time: Duration::from_secs(times(60, 2) as u64),
        per_second: KILLS_PER_SECOND,
        stops: false,
        hangs: false,
        storms: Storms::default(),
        seed: 1,
    };
    // Nobody stops it: the other end is kept until the end.
    let (_keep, stop) = channel();
    let report = drill(patch, settings, wanted, stop, |_| {});
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let Report { kills, kills_inside_a_job, .. } = report;
    let each = format!("{name}, {BLOCK_FRAMES} frames, {kills} kills");

    let what = format!("frames not as they should be, {each}");
    let lost = (report.blocks_different + report.blocks_lost) * u64::from(BLOCK_FRAMES);
    let row = Row { count: report.blocks_compared as usize, ..Row::one(&what, "", lost as f64) };
    table.row(&row.target(Target::Exactly(0.0)));

    let xruns = [&report.undisturbed, &report.disturbed].map(|half| half.xruns as f64);
    let what = format!("xruns with kills; {} without", xruns[0]);
    let row = Row { count: kills as usize, ..Row::one(&what, "xruns", xruns[1]) };
    table.row(&row.target(Target::Below(xruns[0] + 1.0)));

    let ms = |nanos: u64| nanos as f64 * 1e-6;
    let spread = report.recovery;
    let what = format!("kill until another has done the job; {kills_inside_a_job} inside a job");
    let row = Row {
        count: spread.count as usize,
        p99: Some(ms(spread.p99_nanos)),
        ..Row::one(&what, "ms", ms(spread.p50_nanos))
    };
    table.row(&row.target(Target::Below(0.5)));
    let half_ms = 500.0 * block_secs(BLOCK_FRAMES);
    let row = Row {
        count: spread.count as usize,
        ..Row::one("99 in 100 of these, against half a block", "ms", ms(spread.p99_nanos))
    };
    table.row(&row.target(Target::Below(half_ms)));
    let news = report.news;
    let row = Row {
        count: news.count as usize,
        p99: Some(ms(news.p99_nanos)),
        ..Row::one("of that, until the host knows of the death", "ms", ms(news.p50_nanos))
    };
    table.row(&row);
    for (which, half) in [("without", &report.undisturbed), ("with", &report.disturbed)] {
        let what = format!("time a block takes, {which} kills, of {}", ms_of_block());
        let row = Row {
            count: half.block_time.count as usize,
            p99: Some(ms(half.block_time.p99_nanos)),
            ..Row::one(&what, "ms", ms(half.block_time.p50_nanos))
        };
        table.row(&row);
    }
}

fn ms_of_block() -> String {
    format!("{:.2} ms at {RATE_HZ} Hz", 1e3 * block_secs(BLOCK_FRAMES))
}
