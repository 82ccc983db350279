//! What runs in real time does not allocate.

use std::time::Duration;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sostenuto_host::engine::callback::Callback;
use sostenuto_host::engine::link::OutLink;
use sostenuto_host::engine::outlet::Outlet;
use sostenuto_host::pool::supervisor::Seat;
use sostenuto_host::render::{ComputedBy, Render};
use sostenuto_modules::module::Event;
use sostenuto_tests::{factory_patches, module, patch, ready, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// Ends the program where memory is asked for while it must not be.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn a_block_of_any_factory_patch_allocates_nothing() {
    for (_, patch) in factory_patches() {
        let mut render = ready(&patch, 256, ComputedBy::InProcess);
        for _ in 0..200 {
            assert_no_alloc(|| drop_slice(render.block()));
        }
    }
}

fn drop_slice(_: &[[f32; 2]]) {}

#[test]
fn a_worker_that_computes_any_factory_patch_allocates_nothing() {
    for (name, patch) in factory_patches() {
        let mut render = ready(&patch, 256, workers(2, WORKER));
        for _ in 0..200 {
            drop_slice(render.block());
        }
        // One that allocates ends at once, and says so.
        assert_eq!(render.pool().expect("it has workers").deaths(), 0, "{name}");
    }
}

#[test]
fn notes_knobs_and_new_plans_are_taken_up_without_allocating() {
    take_up_notes_knobs_and_new_plans(ComputedBy::InProcess);
}

#[test]
fn workers_and_their_successors_take_them_up_without_allocating() {
    let render = take_up_notes_knobs_and_new_plans(workers(2, WORKER));
    assert_eq!(render.pool().expect("it has workers").deaths(), KILLED);
}

/// Workers that die on the way, where there are any.
const KILLED: u64 = 2;

fn take_up_notes_knobs_and_new_plans(computed_by: ComputedBy) -> Render {
    let modules = [
        module("keys", "keyboard", r#""voices": 4"#),
        module("vco", "vco", ""),
        module("out", "audio-out", ""),
    ];
    let before = patch(&modules.join(","), &["keys.voct -> vco.voct", "vco.saw -> out.left"]);
    let after = patch(&modules.join(","), &["keys.voct -> vco.voct", "vco.sine -> out.left"]);
    let mut render = ready(&before, 64, computed_by);
    let keys = |kind: &str| {
        let id = before.modules.iter().find(|(_, module)| &*module.kind == kind);
        id.map(|(id, module)| (id.clone(), module.kind.clone())).expect("it is there")
    };
    for round in 0..20u32 {
        let event = Event::NoteOn { key: round, voct: 0.5, velocity: 1.0 };
        render.conductor().event(&keys("keyboard"), event);
        render.conductor().set_param(&keys("vco"), 1, round as f32 / 20.0);
        if round % 5 == 0 {
            let next = if round % 2 == 0 { &after } else { &before };
            render.conductor().lead(next).expect("it fits");
        }
        if round % 10 == 3 {
            kill_a_worker(&render);
        }
        for _ in 0..20 {
            assert_no_alloc(|| drop_slice(render.block()));
        }
        if round % 5 == 4 {
            render.conductor().settle();
        }
    }
    render
}

fn kill_a_worker(render: &Render) {
    let Some(pool) = render.pool() else { return };
    let has_slot = |seat: &Seat| matches!(seat, Seat::Holds(_));
    let (deaths, victim) = (pool.deaths(), pool.seats().iter().position(has_slot));
    assert!(pool.kill(victim.expect("somebody computes")));
    assert!(pool.wait_for_deaths(deaths + 1, Duration::from_secs(20)));
}

#[test]
fn the_sound_cards_callback_allocates_nothing() {
    let link = OutLink::create().expect("shared memory");
    let (outlet, mut feed) = Outlet::new(&link);
    let mut callback = Callback::new(&link, 48_000);
    let mut out = [0i16; 512];
    for _ in 0..10 {
        assert_no_alloc(|| {
            feed.push(&[[0.5; 2]; 100]);
            callback.fill(&mut out, 2);
        });
    }
    // The engine goes over to another card without one, too.
    outlet.hand(&OutLink::create().expect("shared memory"));
    assert_no_alloc(|| feed.follow());
    assert_eq!(feed.filled(), 0);
}
