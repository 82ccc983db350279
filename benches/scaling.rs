//! What more cores would bring: a render's stages, as they were measured, on 2, 4, 8
//! and 16 cores that are simulated.
//!
//! Of every patch, each module's cost is measured in one thread, and the stages are
//! cut by the host's own planner. A small simulation then has stages and engine take
//! turns on so many cores; what it costs to wake a core is measured here, too. On as
//! many cores as there are, its result stands beside what workers really take.

use std::collections::HashMap;
use std::time::Duration;

use dsp_worker::protocol::Job;
use sostenuto_benches::rigs::{eight_voices, patch, render};
use sostenuto_benches::samples::{Samples, timed};
use sostenuto_benches::simulation::{Machine, Pipeline};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::{is_quick, times};
use sostenuto_host::plan::Key;
use sostenuto_host::plan::stages::stages;
use sostenuto_host::pool::Crew;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_patch::{Patch, factory};

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const FRAMES: u32 = 256;

fn main() {
    let table = Table::begin("scaling");
    let wake = wake_secs();
    table.note(&format!("{} cores; to wake one takes {:.1} us", cores(), wake * 1e6));
    let equal = |job: &str| {
        let modules: Vec<String> = (0..8).map(|n| format!("job{n} {job}")).collect();
        patch(&modules, &[] as &[&str])
    };
    measure(&table, "8 equal jobs (VCO)", &equal("vco"), wake);
    measure(&table, "8 equal jobs (Reverb)", &equal("reverb"), wake);
    measure(&table, "eight voices", &eight_voices(), wake);
    let names = ["concrete-floor", "paper-lantern", "bass-line", "ambient"];
    for name in names.into_iter().take(times(names.len(), 1)) {
        measure(&table, name, &factory_patch(name), wake);
    }
}

fn factory_patch(name: &str) -> Patch {
    let patch = factory::PATCHES.iter().find(|patch| patch.name == name);
    patch.unwrap_or_else(|| panic!("there is no {name}")).patch()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn measure(table: &Table, name: &str, patch: &Patch, wake_secs: f64) {
    let mut alone = render(patch, FRAMES, ComputedBy::InProcess);
    let (secs, costs) = costs(&mut alone);
    let around =
        (secs - costs.values().map(|nanos| f64::from(*nanos) * 1e-9).sum::<f64>()).max(0.0);
    let jobs_nanos = jobs_nanos(&mut alone, &costs);
    let speed_up = |cores: usize, workers: usize| {
        let stages_secs = stages_secs(&jobs_nanos, workers);
        let pipeline = Pipeline { stages_secs, engine_secs: around };
        secs / pipeline.secs_per_block(Machine { cores, wake_secs })
    };
    let here = cores();
    let simulated = speed_up(here, here);
    let measured = measured(patch, here);
    table.row(&Row::median(&format!("{name}: {here} workers / one thread"), "x", &measured));
    let what = format!("{name}: the same, simulated, of what was measured");
    let row = Row::one(&what, "x", simulated / measured.median());
    table.row(&row.target(Target::Above(0.85)));
    for cores in [2, 4, 8, 16] {
        for workers in [8, 16] {
            let what = format!("{name}: {workers} workers on {cores} cores, simulated");
            let row = Row::one(&what, "x", speed_up(cores, workers));
            let is_aim = name.starts_with("8 equal") && (cores, workers) == (16, 8);
            table.row(&if is_aim { row.target(Target::Above(7.0)) } else { row });
        }
    }
}

/// What a block takes in one thread, and of that each module, in nanoseconds.
fn costs(alone: &mut Render) -> (f64, HashMap<Key, u32>) {
    let (mut blocks, mut modules) = (Samples::default(), HashMap::<Key, Samples>::new());
    for _ in 0..times(400, 40) {
        blocks.push(timed(|| alone.block().len()).0.as_secs_f64());
        for (key, nanos) in alone.conductor().costs() {
            modules.entry(key).or_default().push(f64::from(nanos));
        }
    }
    let costs = modules.into_iter().map(|(key, nanos)| (key, nanos.median() as u32));
    (blocks.median(), costs.collect())
}

/// What each stage costs where so many workers share the patch, in seconds a block.
fn stages_secs(jobs_nanos: &[u64], workers: usize) -> Vec<f64> {
    let mut secs = vec![0.0; workers];
    for (stage, nanos) in stages(jobs_nanos, workers).into_iter().zip(jobs_nanos) {
        secs[stage] += *nanos as f64 * 1e-9;
    }
    secs.retain(|secs| *secs > 0.0);
    secs
}

/// What each job of the plan costs, in its order.
fn jobs_nanos(alone: &mut Render, costs: &HashMap<Key, u32>) -> Vec<u64> {
    let plan = alone.conductor().plan().expect("it plays");
    let mut nanos = vec![0; plan.tables.modules.len()];
    for (key, &index) in &plan.modules {
        nanos[index] = u64::from(costs.get(key).copied().unwrap_or(0));
    }
    let job = |job: &Job| {
        let modules = &plan.tables.job_modules[job.modules.range()];
        modules.iter().map(|&module| nanos[module as usize]).sum()
    };
    plan.tables.jobs.iter().map(job).collect()
}

/// How much faster workers are than one thread, turn by turn.
fn measured(patch: &Patch, workers: usize) -> Samples {
    let mut alone = render(patch, FRAMES, ComputedBy::InProcess);
    let crew = Crew::of(workers);
    let mut shared = render(patch, FRAMES, ComputedBy::Workers { crew, program: WORKER.into() });
    shared.fly().unwrap_or_else(|error| panic!("{error}"));
    let blocks = times(150, 10);
    let secs = |render: &mut Render| {
        let (time, _) = timed(|| (0..blocks).map(|_| render.block().len()).sum::<usize>());
        time.as_secs_f64()
    };
    // What is measured of plans is over then.
    for _ in 0..times(600, 60) {
        shared.block();
    }
    (0..times(15, 2)).map(|_| secs(&mut alone) / secs(&mut shared)).collect()
}

/// What it takes until a thread runs that sleeps, in seconds.
fn wake_secs() -> f64 {
    use std::sync::mpsc::channel;
    let (ask, asked) = channel::<()>();
    let (answer, answered) = channel::<()>();
    let echo = std::thread::spawn(move || while asked.recv().is_ok() && answer.send(()).is_ok() {});
    let mut secs = Samples::default();
    for _ in 0..times(200, 20) {
        // Long enough for the other to sleep.
        std::thread::sleep(Duration::from_millis(if is_quick() { 1 } else { 2 }));
        let ping = || ask.send(()).map(|()| answered.recv());
        secs.push(timed(ping).0.as_secs_f64() / 2.0);
    }
    drop(ask);
    let _ = echo.join();
    secs.median()
}
