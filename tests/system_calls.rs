//! What runs in real time asks the system for nothing but to sleep and to wake.
//!
//! Linux alone has the filter that shows it.

#![allow(unsafe_code, reason = "system calls are filtered")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dsp_worker::thread::flushing_denormals;
use sostenuto_host::conductor::Conductor;
use sostenuto_host::engine::{Engine, Executor};
use sostenuto_host::shared::Shared;
use sostenuto_tests::factory_patches;

/// The engine, and a worker's code beside it, under a filter of the kernel's
/// that ends the process at any system call but the doorbell's.
#[test]
fn the_engine_and_a_workers_run_call_the_system_only_to_sleep_and_wake() {
    const BLOCKS: u32 = 500;
    let done = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&done);
    std::thread::spawn(move || {
        let (_, patch) = factory_patches().swap_remove(0);
        let shared = Arc::new(Shared::create().expect("shared memory"));
        let executor = Executor::InProcess;
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
