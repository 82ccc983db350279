//! What runs in real time does not allocate, and asks the system for nothing
//! but to sleep and to wake.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use dsp_worker::module::Event;
use dsp_worker::worker::run::Runner;
use dsp_worker::worker::thread::flushing_denormals;
use sostenuto::host::callback::{Callback, FrameRing};
use sostenuto::host::conductor::Conductor;
use sostenuto::host::engine::{Engine, Executor};
use sostenuto::host::shared::Shared;
use sostenuto_tests::{factory_patches, module, patch, ready};

/// Ends the program where memory is asked for while it must not be.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn a_block_of_any_factory_patch_allocates_nothing() {
    for (_, patch) in factory_patches() {
        let mut render = ready(&patch, 256, sostenuto::host::render::ComputedBy::InProcess);
        for _ in 0..200 {
            assert_no_alloc(|| drop_slice(render.block()));
        }
    }
}

fn drop_slice(_: &[[f32; 2]]) {}

#[test]
fn notes_knobs_and_new_plans_are_taken_up_without_allocating() {
    let modules = [
        module("keys", "keyboard", r#""voices": 4"#),
        module("vco", "vco", ""),
        module("out", "audio-out", ""),
    ];
    let before = patch(&modules.join(","), &["keys.voct -> vco.voct", "vco.saw -> out.left"]);
    let after = patch(&modules.join(","), &["keys.voct -> vco.voct", "vco.sine -> out.left"]);
    let mut render = ready(&before, 64, sostenuto::host::render::ComputedBy::InProcess);
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
        for _ in 0..20 {
            assert_no_alloc(|| drop_slice(render.block()));
        }
        if round % 5 == 4 {
            render.conductor().settle();
        }
    }
}

#[test]
fn the_sound_cards_callback_allocates_nothing() {
    let (mut producer, consumer) = FrameRing::split();
    let (status, asked) = (Arc::default(), Arc::new(AtomicU32::new(0)));
    let mut callback = Callback::new(consumer, status, asked, std::thread::current());
    producer.push(&[[0.5; 2]; 1000]);
    let mut out = [0i16; 512];
    for _ in 0..10 {
        assert_no_alloc(|| callback.fill(&mut out, 2));
    }
}

/// The engine, and a worker's code beside it, under a filter of the kernel's
/// that ends the process at any system call but the doorbell's.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_engine_and_a_workers_run_call_the_system_only_to_sleep_and_wake() {
    const BLOCKS: u32 = 500;
    let done = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&done);
    std::thread::spawn(move || {
        let (_, patch) = factory_patches().swap_remove(0);
        let shared = Arc::new(Shared::create().expect("shared memory"));
        let runner = Runner::new(Arc::clone(&shared.arena), Arc::clone(&shared.doorbell));
        let executor = Executor::InProcess(Box::new(runner));
        let (mut engine, commands, status) =
            Engine::new(Arc::clone(&shared), executor, 48_000, 256);
        let mut conductor =
            Conductor::new(shared, None, 1, 48_000, 256, (commands, Arc::clone(&status)));
        conductor.lead(&patch).expect("it fits");
        let mut block = vec![[0.0; 2]; 256];
        flushing_denormals(|| {
            engine.block(&mut block);
            only_futex_from_now_on();
            for _ in 0..BLOCKS {
                engine.block(&mut block);
                counted.fetch_add(1, Ordering::Release);
            }
            // Ending a thread takes other calls: it sleeps until the end.
            loop {
                std::thread::park();
            }
        });
    });
    let began = std::time::Instant::now();
    while done.load(Ordering::Acquire) < BLOCKS {
        assert!(began.elapsed().as_secs() < 60, "the engine stands still");
        std::thread::yield_now();
    }
}

/// From here on this thread may call `futex`, and nothing else: any other call
/// ends the process with SIGSYS.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[allow(unsafe_code)]
fn only_futex_from_now_on() {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let jump = |k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt,
        jf,
        k,
    };
    let mut filter = [
        // The call's number is the first word of what the filter sees.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        jump(libc::SYS_futex as u32, 0, 1),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: both calls only read what they are given, which lives as long.
    let result = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}
