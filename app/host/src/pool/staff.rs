//! Who starts workers, and waits for what becomes of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shm_ring::layout::{HOST, WARM};
use shm_ring::protocol::wait_for;
use shm_ring::robust;

use super::death::News;
use super::process::{self, Process};
use super::supervisor::Seat;
use super::{Inner, PAUSE, PoolError};
use crate::shared::Shared;
use crate::vital;

/// How often it is looked whether a worker that is waited for is still there.
const LOOK: Duration = Duration::from_millis(200);

/// Does what takes time, and must not be waited for by who decides: threads and
/// processes, or a simulation of them.
pub(super) trait Staff: Send + Sync {
    /// Starts a worker in a seat, tells the pool ([`Inner::took_seat`]), and has
    /// somebody wait for what becomes of it ([`Inner::warmed`], [`Inner::fell`],
    /// [`Inner::pause`], [`Inner::ended`]).
    ///
    /// # Errors
    /// Where it does not start.
    fn start(&self, pool: &Arc<Inner>, seat: usize) -> Result<(), PoolError>;

    /// Has somebody start a worker in a seat, and try again after [`PAUSE`] as long as
    /// that fails ([`Inner::refill`]).
    fn refill(&self, pool: &Arc<Inner>, seat: usize);
}

/// Threads and processes.
pub(super) struct Threads {
    program: PathBuf,
    /// Of the two regions.
    names: [String; 2],
}

impl Threads {
    pub(super) fn new(shared: &Shared, program: PathBuf) -> Threads {
        let names = [&shared.control, &shared.arena].map(|region| region.name().to_owned());
        Threads { program, names }
    }
}

impl Staff for Threads {
    fn start(&self, pool: &Arc<Inner>, seat: usize) -> Result<(), PoolError> {
        let arguments = [&*self.names[0], &self.names[1], &seat.to_string()];
        let failed = |cause| PoolError::Spawn { program: self.program.clone(), cause };
        let child = Arc::new(process::start(&self.program, &arguments).map_err(failed)?);
        let orders = child.take_stdin().map(|pipe| Box::new(pipe) as _);
        pool.took_seat(seat, Arc::clone(&child) as _, orders);
        let news = Arc::new(Mutex::new(News::default()));
        let (inner, its_child, its_news) =
            (Arc::clone(pool), Arc::clone(&child), Arc::clone(&news));
        let wait = move || {
            inner.ask_for_real_time();
            let result = its_child.wait();
            if let Some(pause) = inner.pause(seat) {
                std::thread::sleep(pause);
            }
            inner.ended(seat, &*its_child, &its_news, result);
        };
        let waiting = vital::spawn(&format!("worker {seat}"), wait);
        let inner = Arc::clone(pool);
        let listen = move || {
            if is_warm(&inner, seat) && inner.warmed(seat) && has_fallen(&inner, seat, &*child) {
                inner.fell(seat, &*child, &news);
            }
        };
        let listening = vital::spawn(&format!("listening {seat}"), listen);
        let mut state = pool.lock();
        state.threads.retain(|thread| !thread.is_finished());
        for thread in [waiting, listening] {
            state.threads.push(thread.map_err(PoolError::Thread)?);
        }
        Ok(())
    }

    fn refill(&self, pool: &Arc<Inner>, seat: usize) {
        // On a thread of its own: this one may be real-time, and to start a process
        // takes longer than a block.
        let inner = Arc::clone(pool);
        let refill = move || {
            while !Inner::refill(&inner, seat) {
                std::thread::sleep(PAUSE);
            }
        };
        match vital::spawn(&format!("spawning {seat}"), refill) {
            Ok(thread) => pool.lock().threads.push(thread),
            Err(error) => tracing::error!("no thread to start a worker: {error}"),
        }
    }
}

/// Waits until a new worker is warm. On a busy machine that may take long; the seat
/// waits as long as it lives. Whether it is.
fn is_warm(pool: &Inner, seat: usize) -> bool {
    let (shared, state) = (&pool.shared, &pool.shared.worker_record(seat).state);
    while !wait_for(&shared.doorbell, HOST, state, WARM, Some(Duration::from_millis(50))) {
        if pool.lock().supervisor.seats()[seat] != Seat::Warming {
            return false;
        }
    }
    true
}

/// Waits for the end of the thread in a worker that computes. False where the system
/// does not tell of that, or the process has ended.
fn has_fallen(pool: &Inner, seat: usize, child: &dyn Process) -> bool {
    let alive = &pool.shared.worker_record(seat).alive;
    if !robust::is_held(alive) {
        return false;
    }
    pool.ask_for_real_time();
    while !robust::wait(alive, child.id(), LOOK) {
        if !pool.lock().is_there(seat, child) {
            return false;
        }
    }
    true
}
