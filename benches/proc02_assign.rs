//! A worker dies; another has its slot. What the host does for it, and how late
//! the block is.
//!
//! The worker is killed just before its block begins. So from the kill until
//! the block is done there is: the system's end of the process, its news to the
//! host, the host's choice of a spare, the spare's wake, and the block itself.

#![allow(unsafe_code, reason = "a plan is written into shared memory")]

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() {
    on_unix::main();
}

#[cfg(unix)]
mod on_unix {
    use std::time::Duration;

    use sostenuto_benches::rigs::{eight_voices, render};
    use sostenuto_benches::samples::{Samples, millis, timed};
    use sostenuto_benches::table::{Row, Table, Target};
    use sostenuto_benches::times;
    use sostenuto_host::pool::Crew;
    use sostenuto_host::pool::Pool;
    use sostenuto_host::pool::supervisor::Seat;
    use sostenuto_host::render::{ComputedBy, Render};

    const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
    const PROTOTYPE_MS: f64 = 0.02;
    const WORKERS: usize = 8;

    pub fn main() {
        let table = Table::begin("proc02_assign");
        let workers = ComputedBy::Workers { crew: Crew::of(WORKERS), program: WORKER.into() };
        let mut render = render(&eight_voices(), 256, workers);
        let [mut assign, mut late, mut usual] = [(); 3].map(|()| Samples::default());
        for turn in 0..times(200, 6) {
            for _ in 0..8 {
                usual.push(millis(timed(|| render.block().len()).0));
            }
            late.push(millis(kill_and_compute(&mut render, turn % WORKERS)));
            let pool = render.pool().expect("it has workers");
            assign.push(f64::from(pool.assign_nanos()) * 1e-6);
            assert!(pool.wait_until_full(Duration::from_secs(20)), "the pool is not full again");
        }
        let row = Row::with_p99("the host's work to give a slot to a spare", "ms", &assign);
        table.row(&row.prototype(PROTOTYPE_MS).target(Target::Below(0.010)));
        table.row(&Row::with_p99("kill until the block of its slot is done", "ms", &late));
        table.row(&Row::with_p99("the same block where nobody dies", "ms", &usual));
    }

    /// The time from the kill of a slot's worker until the block is done.
    fn kill_and_compute(render: &mut Render, slot: usize) -> Duration {
        let pid = worker_of(render.pool().expect("it has workers"), slot);
        let (time, _) = timed(|| {
            // SAFETY: a worker of this bench's own pool, which nobody else ends.
            unsafe {
                libc::kill(pid as libc::pid_t, libc::SIGKILL);
            }
            render.block().len()
        });
        time
    }

    fn worker_of(pool: &Pool, slot: usize) -> u32 {
        let workers = pool.workers().into_iter();
        let mut own = workers.filter(|(_, seat)| *seat == Seat::Holds(slot));
        own.next().expect("a full pool has a worker for every slot").0
    }
}
