//! Eight jobs of equal cost, 256 frames: eight worker processes against one
//! thread, and eight threads of one process against one thread.
//!
//! The threads run the workers' own loop over the same shared memory, mapped
//! once for all: what they are faster by is what isolation costs. Rounds of the
//! three take turns, and each round gives one ratio, so that a machine that is
//! busy for a while is busy for all three.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dsp_worker::worker::process::Session;
use dsp_worker::worker::thread::{ask_for_real_time, flushing_denormals};
use shm_ring::layout::{HOST, WARM};
use shm_ring::protocol::{give_slot, wait_for};
use sostenuto::host::conductor::Conductor;
use sostenuto::host::engine::{Engine, Executor, Frame};
use sostenuto::host::render::{ComputedBy, Render};
use sostenuto::host::shared::Shared;
use sostenuto::patch::Patch;
use sostenuto_benches::rigs::{RATE_HZ, block_secs, patch, render};
use sostenuto_benches::samples::{Samples, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const JOBS: usize = 8;
const FRAMES: u32 = 256;
const PROTOTYPE_SPEED_UP: f64 = 1.99;
const PROTOTYPE_TIMES_REAL_TIME: f64 = 57.0;

fn main() {
    let table = Table::begin("rt03_parallel");
    let is_granted = ask_for_real_time(FRAMES, RATE_HZ);
    let real_time = if is_granted { "real-time" } else { "no real-time" };
    table.note(&format!("{} cores, {real_time} priority; jobs in order of their cost", cores()));
    measure(&table, "LFO", &["lfo"], &[]);
    measure(&table, "VCO", &["vco"], &[]);
    measure(&table, "Reverb", &["reverb"], &[]);
    let ring = ["a.lowpass -> b.in", "b.lowpass -> a.in"];
    measure(&table, "loop of two Ladders", &["ladder", "ladder"], &ring);
    let ring = ["a.left -> b.left", "b.left -> a.left"];
    measure(&table, "loop of two Reverbs", &["reverb", "reverb"], &ring);
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn by_workers_of(count: usize) -> ComputedBy {
    ComputedBy::Workers { count, program: WORKER.into() }
}

/// Eight times the same modules, called a and b, and their cables.
fn eight(kinds: &[&str], cables: &[&str]) -> Patch {
    let mut modules = Vec::new();
    let mut all = Vec::new();
    for job in 0..JOBS {
        let named = ["a", "b"].iter().zip(kinds);
        modules.extend(named.map(|(name, kind)| format!("{name}{job} {kind}")));
        let renamed = cables.iter();
        all.extend(
            renamed
                .map(|c| c.replace("a.", &format!("a{job}.")).replace("b.", &format!("b{job}."))),
        );
    }
    patch(&modules, &all)
}

fn measure(table: &Table, job: &str, kinds: &[&str], cables: &[&str]) {
    let patch = eight(kinds, cables);
    let mut alone = render(&patch, FRAMES, ComputedBy::InProcess);
    let mut workers = render(&patch, FRAMES, by_workers_of(JOBS));
    let mut few = render(&patch, FRAMES, by_workers_of(cores()));
    let mut threads = Threads::start(&patch);
    let [mut one, mut by_workers, mut by_few, mut by_threads, mut times_real_time] =
        [(); 5].map(|()| Samples::default());
    for _ in 0..times(60, 3) {
        let alone_secs = median_secs(&mut alone);
        let workers_secs = median_secs(&mut workers);
        let few_secs = median_secs(&mut few);
        let threads_secs = median_secs(&mut threads);
        one.push(1e6 * alone_secs / JOBS as f64);
        by_workers.push(alone_secs / workers_secs);
        by_few.push(alone_secs / few_secs);
        by_threads.push(alone_secs / threads_secs);
        times_real_time.push(block_secs(FRAMES) / workers_secs);
    }
    let job = format!("{job} ({:.1} us a job)", one.median());
    let what = format!("{job}: {JOBS} workers / one thread");
    let row = Row::median(&what, "x", &by_workers).prototype(PROTOTYPE_SPEED_UP);
    table.row(&row.target(Target::Above(1.8)));
    let what = format!("{job}: {} workers / one thread", cores());
    table.row(&Row::median(&what, "x", &by_few).target(Target::Above(1.8)));
    let what = format!("{job}: {JOBS} threads / one thread");
    table.row(&Row::median(&what, "x", &by_threads));
    let what = format!("{job}: {JOBS} workers, times real time");
    let row = Row::median(&what, "x", &times_real_time).prototype(PROTOTYPE_TIMES_REAL_TIME);
    table.row(&row.target(Target::Above(PROTOTYPE_TIMES_REAL_TIME)));
}

/// Computes blocks, one after another.
trait Blocks {
    fn block(&mut self);
}

impl Blocks for Render {
    fn block(&mut self) {
        Render::block(self);
    }
}

/// What a block takes, without what comes in between now and then.
fn median_secs(blocks: &mut impl Blocks) -> f64 {
    (0..4).for_each(|_| blocks.block());
    let secs = (0..times(60, 10)).map(|_| timed(|| blocks.block()).0.as_secs_f64());
    secs.collect::<Samples>().median()
}

/// A worker in each of eight threads of this process.
struct Threads {
    engine: Engine,
    block: Vec<Frame>,
    // It owns what the plan lies in.
    _conductor: Conductor,
}

impl Threads {
    fn start(patch: &Patch) -> Threads {
        let shared = Arc::new(Shared::create().unwrap_or_else(|error| panic!("{error}")));
        let (engine, commands, status) =
            Engine::new(Arc::clone(&shared), Executor::Workers, RATE_HZ, FRAMES);
        let session = Session::attach(shared.control.name(), shared.arena.name());
        // The threads sleep in it until this process ends.
        let session: &Session = Box::leak(Box::new(session.unwrap_or_else(|why| panic!("{why}"))));
        for seat in 0..JOBS {
            std::thread::spawn(move || session.work(seat, Instant::now()));
            let (state, patience) = (&shared.worker_record(seat).state, Duration::from_secs(10));
            assert!(wait_for(&shared.doorbell, HOST, state, WARM, Some(patience)), "seat {seat}");
            give_slot(&shared.doorbell, shared.slots(), shared.workers(), seat, seat);
        }
        let commands = (commands, status);
        let mut conductor = Conductor::new(shared, None, JOBS, RATE_HZ, FRAMES, commands);
        conductor.lead(patch).unwrap_or_else(|error| panic!("{error}"));
        Threads { engine, block: vec![[0.0; 2]; FRAMES as usize], _conductor: conductor }
    }
}

impl Blocks for Threads {
    fn block(&mut self) {
        let (engine, block) = (&mut self.engine, &mut self.block);
        flushing_denormals(|| engine.block(block));
    }
}
