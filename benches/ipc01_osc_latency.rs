//! The round trip of `/sync` over the local stream, to a host that plays.

use sostenuto_benches::rigs::{Host, eight_voices, settings};
use sostenuto_benches::samples::{Samples, millis, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::player::Player;

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const PROTOTYPE_MS: f64 = 0.068;

fn main() {
    let table = Table::begin("ipc01_osc_latency");
    let patch = eight_voices();
    let player = Player::start(&patch, settings(256, 1, WORKER), |_| {});
    let mut host = Host::start(patch, player.unwrap_or_else(|error| panic!("{error}")));
    (0..100).for_each(|id| host.sync(id));
    let round_trip = |id| millis(timed(|| host.sync(id)).0);
    let samples: Samples = (0..times(20_000, 200) as i32).map(round_trip).collect();
    let row = Row::with_p99("/sync and back, eight voices playing", "ms", &samples);
    table.row(&row.prototype(PROTOTYPE_MS).target(Target::Below(PROTOTYPE_MS)));
    let row = Row::with_p99("the same, against what is aimed at", "ms", &samples);
    table.row(&row.prototype(PROTOTYPE_MS).target(Target::Below(0.040)));
}
