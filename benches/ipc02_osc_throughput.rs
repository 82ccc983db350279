//! Settings of a knob that a host takes, from the first until it says that all
//! are done, while it plays.

use rosc::OscType;
use sostenuto_benches::rigs::{Host, eight_voices, message, settings};
use sostenuto_benches::samples::{Samples, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::player::Player;

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const PROTOTYPE_PER_SEC: f64 = 1000.0;
const TARGET_PER_SEC: f64 = 100_000.0;

fn main() {
    let table = Table::begin("ipc02_osc_throughput");
    let patch = eight_voices();
    let player = Player::start(&patch, settings(256, 1, WORKER), |_| {});
    let mut host = Host::start(patch, player.unwrap_or_else(|error| panic!("{error}")));
    for (what, gesture) in [("one turn of a knob", 1), ("every one an undo step", 0)] {
        let count = times(100_000, 5_000);
        let per_sec = (0..times(9, 2)).map(|_| {
            let (time, ()) = timed(|| turn(&mut host, count, gesture));
            count as f64 / time.as_secs_f64()
        });
        let samples: Samples = per_sec.collect();
        let what = format!("/param/set, {count} until /synced, {what}");
        let row = Row::median(&what, "msg/s", &samples).prototype(PROTOTYPE_PER_SEC);
        table.row(&row.target(Target::Above(TARGET_PER_SEC)));
    }
}

fn turn(host: &mut Host, count: usize, gesture: i32) {
    for n in 0..count {
        let args = [
            OscType::String("vca-3".to_owned()),
            OscType::String("level".to_owned()),
            OscType::Float((n % 100) as f32 / 100.0),
            OscType::Int(gesture),
        ];
        host.client.send(message("/param/set", args)).expect("the host listens");
    }
    host.sync(count as i32);
}
