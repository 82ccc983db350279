//! Eight jobs of equal cost, 256 frames: eight worker processes against one
//! thread, and eight threads of one process against one thread.
//!
//! The threads run the workers' own loop over the same shared memory, mapped
//! once for all: what they are faster by is what isolation costs.
//!
//! As many workers as there are cores do the same with fewer wakes. And as many
//! threads as there are cores, each with its part of the jobs and never waiting
//! for another, show what the machine's cores give at all.
//!
//! Rounds of all take turns, and each round gives one ratio, so that a machine
//! that is busy for a while is busy for all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dsp_worker::faults::{FaultPoints, Step};
use dsp_worker::process::Session;
use dsp_worker::thread::{ask_for_real_time, flushing_denormals};
use shm_ring::layout::{HOST, WARM};
use shm_ring::protocol::{give_slot, wait_for};
use sostenuto_benches::rigs::{RATE_HZ, block_secs, patch, render};
use sostenuto_benches::samples::{Samples, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::conductor::Conductor;
use sostenuto_host::engine::{Engine, Executor, Frame};
use sostenuto_host::pool::Crew;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_host::shared::Shared;
use sostenuto_patch::Patch;

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

/// As many as there are, up to one for each job, so that all have as many jobs.
fn cores() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (1..=cores.min(JOBS)).rev().find(|cores| JOBS.is_multiple_of(*cores)).unwrap_or(1)
}

fn by_workers_of(count: usize) -> ComputedBy {
    ComputedBy::Workers { crew: Crew::of(count), program: WORKER.into() }
}

/// So many times the same modules, called a and b, and their cables.
fn jobs(count: usize, kinds: &[&str], cables: &[&str]) -> Patch {
    let mut modules = Vec::new();
    let mut all = Vec::new();
    for job in 0..count {
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
    let patch = jobs(JOBS, kinds, cables);
    let mut alone = render(&patch, FRAMES, ComputedBy::InProcess);
    let (mut workers, mut few) = (flying(&patch, JOBS), flying(&patch, cores()));
    let mut threads = Threads::start(&patch);
    let part = jobs(JOBS / cores(), kinds, cables);
    let parts = (0..cores()).map(|_| render(&part, FRAMES, ComputedBy::InProcess));
    let mut parts: Vec<Render> = parts.collect();
    let [mut one, mut by_workers, mut by_few, mut by_threads, mut limit, mut times_real_time] =
        [(); 6].map(|()| Samples::default());
    for _ in 0..times(60, 3) {
        let alone_secs = mean_secs(&mut alone);
        let workers_secs = mean_secs(&mut workers);
        let few_secs = mean_secs(&mut few);
        let threads_secs = mean_secs(&mut threads);
        one.push(1e6 * alone_secs / JOBS as f64);
        by_workers.push(alone_secs / workers_secs);
        by_few.push(alone_secs / few_secs);
        by_threads.push(alone_secs / threads_secs);
        limit.push(alone_secs / apart_secs(&mut parts));
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
    let what = format!("{job}: {} threads that never wait", cores());
    table.row(&Row::median(&what, "x", &limit));
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

/// What a block takes in the mean: of those in flight, several are over at once.
fn mean_secs(blocks: &mut impl Blocks) -> f64 {
    (0..4).for_each(|_| blocks.block());
    let count = times(64, 16);
    timed(|| (0..count).for_each(|_| blocks.block())).0.as_secs_f64() / count as f64
}

/// Shared over workers, with blocks in flight, and settled.
fn flying(patch: &Patch, workers: usize) -> Render {
    let mut render = render(patch, FRAMES, by_workers_of(workers));
    render.fly().unwrap_or_else(|error| panic!("{error}"));
    for _ in 0..times(600, 80) {
        render.block();
    }
    render
}

/// What a block takes where each thread computes its part of the jobs, and none
/// waits for another.
fn apart_secs(parts: &mut [Render]) -> f64 {
    std::thread::scope(|scope| {
        let compute = |part| {
            move || {
                ask_for_real_time(FRAMES, RATE_HZ);
                mean_secs(part)
            }
        };
        let threads: Vec<_> = parts.iter_mut().map(|part| scope.spawn(compute(part))).collect();
        let secs = threads.into_iter().map(|thread| thread.join().expect("it computes"));
        secs.fold(0.0, f64::max)
    })
}

/// A worker in a thread of this process, whose rights are not its own to give up.
struct Guest;

impl FaultPoints for Guest {
    #[inline(always)]
    fn reach(&self, _: Step, _: u32, _: u32) {}

    fn needs_rights(&self) -> bool {
        true
    }
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
        let session: &Session =
            Box::leak(Box::new(session.unwrap_or_else(|error| panic!("{error}"))));
        for seat in 0..JOBS {
            assert!(session.take_seat(seat), "there is no seat {seat}");
            std::thread::spawn(move || {
                session.work(seat, Instant::now(), sostenuto_wasm::run::alone(), Guest)
            });
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
