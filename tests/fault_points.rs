//! Workers that die or stop at named points of their work: any plan, any points,
//! the same samples.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::module::Tag;
use sostenuto_patch::{Edit, Patch, PatchModule, apply};
use sostenuto_tests::faults::{Fault, How, STEPS, Script, Signal, signal};
use sostenuto_tests::{assert_same, factory_patches, flying, ready, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");
const BLOCK: u32 = 64;
const BLOCKS: u32 = 48;
const FRAMES: usize = (BLOCK * BLOCKS) as usize;

/// Modules by their place in the catalogue, and cables between any of them.
#[derive(Clone, Debug)]
struct Sketch {
    modules: Vec<usize>,
    cables: Vec<[usize; 4]>,
}

fn any_sketch() -> impl Strategy<Value = Sketch> {
    let modules = prop::collection::vec(0..CATALOG.len(), 3..14);
    let cables = prop::collection::vec(prop::array::uniform4(0usize..64), 2..30);
    (modules, cables).prop_map(|(modules, cables)| Sketch { modules, cables })
}

impl Sketch {
    /// The patch; what does not fit is left out. Everything that sounds is heard.
    fn patch(&self) -> Patch {
        let mut patch = Patch::default();
        let mut add = |id: String, kind: &str| {
            let module = PatchModule::new(kind, 0.0, 0.0);
            let id = id.parse().expect("a name");
            apply(&mut patch, Edit::AddModule { id, module }).expect("a module of the catalogue");
        };
        let entries: Vec<_> = self.modules.iter().map(|&index| &CATALOG[index]).collect();
        let entries: Vec<_> =
            entries.into_iter().filter(|entry| !entry.about.tags.contains(&Tag::Test)).collect();
        for (index, entry) in entries.iter().enumerate() {
            add(format!("m{index}"), entry.about.name);
        }
        add("ear".to_owned(), "audio-out");
        let mut connect = |from: &str, to: &str| {
            let cable = format!("{from} -> {to}").parse().expect("a cable");
            let _ = apply(&mut patch, Edit::Connect(cable));
        };
        for [from, output, to, input] in &self.cables {
            let Some(from) = from.checked_rem(entries.len()) else { continue };
            let to = to % entries.len();
            let (outputs, inputs) = (entries[from].about.outputs, entries[to].about.inputs);
            if let (Some(output), Some(input)) =
                (output.checked_rem(outputs.len()), input.checked_rem(inputs.len()))
            {
                let (output, input) = (outputs[output].name, inputs[input].name);
                connect(&format!("m{from}.{output}"), &format!("m{to}.{input}"));
            }
        }
        for (index, entry) in entries.iter().enumerate() {
            if let Some(output) = entry.about.outputs.first() {
                connect(&format!("m{index}.{}", output.name), "ear.left");
            }
        }
        patch
    }
}

fn any_death() -> impl Strategy<Value = Fault> {
    let job = prop::option::of(0u32..10);
    (0..STEPS.len(), 1..=BLOCKS, job).prop_map(|(step, block, job)| Fault {
        step,
        block,
        job,
        how: How::Dies,
    })
}

fn reference(patch: &Patch) -> Vec<[f32; 2]> {
    let in_process = sostenuto_host::render::ComputedBy::InProcess;
    ready(patch, BLOCK, in_process).frames(FRAMES)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_survives_deaths_at_any_points(
        sketch in any_sketch(),
        deaths in prop::collection::vec(any_death(), 1..16),
        count in 1usize..5,
        flies: bool,
    ) {
        let patch = sketch.patch();
        let script = Script::new(WORKER, &deaths);
        let program = script.program();
        let begin = if flies { flying } else { ready };
        let mut render = begin(&patch, BLOCK, workers(count, program.to_str().unwrap()));
        assert_same("fault-points", &render.frames(FRAMES), &reference(&patch));
        let pool = render.pool().expect("it has workers");
        prop_assert!(pool.cases().iter().all(|(_, case)| !case.has_trouble()));
    }
}

#[test]
fn a_death_at_every_point_of_every_factory_patch_is_survived() {
    for (index, (name, patch)) in factory_patches().into_iter().enumerate() {
        let at = |step| Fault { step, block: 4 + 3 * step as u32, job: None, how: How::Dies };
        let deaths: Vec<Fault> = (0..STEPS.len()).map(at).collect();
        let script = Script::new(WORKER, &deaths);
        let program = script.program();
        let begin = if index % 2 == 0 { ready } else { flying };
        let mut render = begin(&patch, BLOCK, workers(3, program.to_str().unwrap()));
        assert_same(&format!("{name}-points"), &render.frames(FRAMES), &reference(&patch));
        assert_eq!(script.struck().len(), STEPS.len(), "{name}");
        assert_eq!(render.pool().expect("it has workers").deaths(), STEPS.len() as u64, "{name}");
    }
}

/// Steps at which a worker is outside of every job.
#[cfg(unix)]
const OUTSIDE: [usize; 2] = [0, 1];

#[cfg(unix)]
#[test]
fn a_worker_that_is_stopped_between_two_jobs_loses_its_slot_and_not_its_life() {
    let (_, patch) = factory_patches().swap_remove(0);
    let should_be = reference(&patch);
    for step in OUTSIDE {
        let stops = Fault { step, block: 9, job: None, how: How::Stops };
        let script = Script::new(WORKER, &[stops]);
        let program = script.program();
        let mut render = ready(&patch, BLOCK, workers(2, program.to_str().unwrap()));
        let pool = render.pool().expect("it has workers").clone();
        // Nobody lets it go on: another has its slot.
        let mut is = render.frames(FRAMES / 2);
        let stopped = script.struck()[0];
        assert!(pool.workers().contains(&(stopped, Seat::Away)), "{:?}", pool.workers());
        signal(stopped, Signal::Continue);
        is.extend(render.frames(FRAMES - FRAMES / 2));
        assert_same("stopped-outside", &is, &should_be);
        // It wakes up in the middle of blocks long gone, and finds that out.
        while pool.workers().contains(&(stopped, Seat::Away)) {
            std::thread::yield_now();
        }
        // It may be let go by now: another was started meanwhile.
        assert_eq!(pool.deaths(), 0);
        // Whatever it has been through, it computes the same.
        let others = pool.workers().into_iter().map(|(pid, _)| pid);
        let others: BTreeSet<u32> = others.filter(|pid| *pid != stopped).collect();
        others.into_iter().for_each(|pid| signal(pid, Signal::Kill));
        let more = render.frames(FRAMES);
        let all =
            ready(&patch, BLOCK, sostenuto_host::render::ComputedBy::InProcess).frames(2 * FRAMES);
        assert_same("stopped-and-back", &more, &all[FRAMES..]);
    }
}

#[cfg(unix)]
#[test]
fn a_worker_that_is_stopped_inside_a_job_is_waited_for_and_never_killed() {
    let (_, patch) = factory_patches().swap_remove(0);
    let stops = |step, block| Fault { step, block, job: None, how: How::Stops };
    let script = Script::new(WORKER, &[stops(2, 9), stops(3, 19), stops(4, 29), stops(5, 39)]);
    let program = script.program();
    let mut render = ready(&patch, BLOCK, workers(2, program.to_str().unwrap()));
    let pool = render.pool().expect("it has workers").clone();
    let is = std::thread::scope(|scope| {
        let rendering = scope.spawn(|| render.frames(FRAMES));
        for count in 1..=4 {
            while script.struck().len() < count {
                std::thread::yield_now();
            }
            // Longer than any patience. The time is the case, nothing waits for it.
            std::thread::sleep(Duration::from_secs(1));
            assert!(!rendering.is_finished());
            script.struck().into_iter().for_each(|pid| signal(pid, Signal::Continue));
        }
        rendering.join().expect("it plays on")
    });
    assert_same("stopped-inside", &is, &reference(&patch));
    assert_eq!(pool.deaths(), 0);
}
