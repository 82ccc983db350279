//! The worker processes: started, warmed, given slots, buried.
//!
//! Each worker has a thread here that sleeps in the system's own wait for the
//! end of a process. So a death is news at once, on every system, without a
//! poll or a timeout; and a slot changes hands only after the system has said
//! that its former worker can write no more.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dsp_worker::worker::process::{Order, is_prepared};
use dsp_worker::worker::thread::ask_for_real_time;
use shm_ring::layout::{BlockStart, GRANTED_REAL_TIME, HOST, NONE, STARTING, WARM, WORKERS};
use shm_ring::protocol::{give_slot, wait_for};
use shm_ring::sync::Ordering;

use super::shared::Shared;
use super::supervisor::{Action, Event, Seat, Supervisor};

/// How long a worker may take to get warm, or ready for a plan, before the host
/// goes on without waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Before a worker that died while warming up is replaced.
const PAUSE: Duration = Duration::from_millis(500);

/// How many workers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew {
    /// Those that have a slot.
    pub workers: usize,
    /// Those of them that a plan is shared out over.
    pub busy: usize,
}

impl Crew {
    /// That many, and every one has its share.
    pub fn of(workers: usize) -> Crew {
        Crew { workers, busy: workers }
    }
}

impl Default for Crew {
    /// Eight, and as many of them are busy as the machine has cores: to wake
    /// more than can run costs more than it brings. `rt03_parallel` measures it.
    fn default() -> Crew {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Crew { workers: 8, busy: cores.min(8) }
    }
}

/// Spares beside the workers that have a slot.
pub const SPARES: usize = 2;

/// Why there are no workers.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The program is not there.
    #[error(
        "the worker program {0} is not there. Build it (cargo build -p dsp-worker), or name it in \
         SOSTENUTO_WORKER"
    )]
    NoProgram(PathBuf),
    /// It does not start.
    #[error("the worker program {program} does not start: {cause}")]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It starts, but does not get ready.
    #[error("the workers did not get ready within {} seconds", PATIENCE.as_secs())]
    Cold,
}

/// Where the worker program lies: beside this one, unless `SOSTENUTO_WORKER`
/// says otherwise.
///
/// # Errors
/// Where it is not there.
pub fn worker_program() -> Result<PathBuf, PoolError> {
    if let Some(path) = std::env::var_os("SOSTENUTO_WORKER") {
        let path = PathBuf::from(path);
        return if path.is_file() { Ok(path) } else { Err(PoolError::NoProgram(path)) };
    }
    let own = std::env::current_exe().unwrap_or_default();
    let name = format!("dsp-worker{}", std::env::consts::EXE_SUFFIX);
    let folder = own.parent().unwrap_or(Path::new("."));
    // Test programs lie one folder deeper than the programs they test.
    let places = [folder.join(&name), folder.join("..").join(&name)];
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or_else(|| PoolError::NoProgram(places[0].clone()))
}

/// Ctrl-C in a terminal goes to every process of a group. The host hears it,
/// and its workers play until it has let them go.
fn spare_ctrl_c(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    // CREATE_NEW_PROCESS_GROUP
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(command, 0x200);
}

/// The workers of a session.
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    program: PathBuf,
    slots: usize,
    state: Mutex<State>,
    changed: Condvar,
    deaths: AtomicU64,
    assign_nanos: AtomicU32,
}

struct State {
    supervisor: Supervisor,
    orders: Vec<Option<ChildStdin>>,
    /// The plan that plays or is about to, for workers that come later.
    order: Option<(Order, u32)>,
    restarts: Vec<u32>,
    /// Those that start, watch and welcome workers.
    threads: Vec<JoinHandle<()>>,
    is_closing: bool,
}

impl Pool {
    /// Starts a worker for each slot, and some spares, and waits until all are
    /// warm.
    ///
    /// # Errors
    /// Where they cannot be started, or do not get ready.
    pub fn start(shared: Arc<Shared>, program: PathBuf, slots: usize) -> Result<Pool, PoolError> {
        let supervisor = Supervisor::new(WORKERS, slots, slots + SPARES);
        let inner = Arc::new(Inner {
            shared,
            program,
            slots,
            state: Mutex::new(State {
                supervisor,
                orders: (0..WORKERS).map(|_| None).collect(),
                order: None,
                restarts: vec![0; slots],
                threads: Vec::new(),
                is_closing: false,
            }),
            changed: Condvar::new(),
            deaths: AtomicU64::new(0),
            assign_nanos: AtomicU32::new(0),
        });
        let pool = Pool { inner };
        let actions = pool.inner.lock().supervisor.fill();
        for action in actions {
            if let Action::Spawn(seat) = action {
                Inner::spawn(&pool.inner, seat)?;
            }
        }
        if !pool.wait_until_full(PATIENCE) {
            return Err(PoolError::Cold);
        }
        Ok(pool)
    }

    /// Waits until every slot has a worker and every spare is warm. Whether
    /// they are.
    pub fn wait_until_full(&self, timeout: Duration) -> bool {
        let is_missing = |state: &mut State| {
            let seats = state.supervisor.seats();
            let living = seats.iter().filter(|seat| matches!(seat, Seat::Spare | Seat::Holds(_)));
            living.count() < self.inner.slots + SPARES
        };
        let wait = self.inner.changed.wait_timeout_while(self.inner.lock(), timeout, is_missing);
        wait.is_ok_and(|(_, result)| !result.timed_out())
    }

    /// Has every worker make itself ready for a plan in shared memory, and
    /// waits until they are. One that dies meanwhile is replaced; one that does
    /// not answer is not waited for: it will do at its first block what it
    /// did not do now.
    pub fn prepare(&self, order: Order, generation: u32) {
        let asked = {
            let mut state = self.inner.lock();
            state.order = Some((order, generation));
            state.ask(&order.line())
        };
        let end = Instant::now() + PATIENCE;
        for seat in asked {
            self.inner.wait_until_prepared(seat, generation, end);
        }
    }

    /// Lets every worker know that the old plan plays no more.
    pub fn settle(&self, order: Order) {
        self.inner.lock().ask(&order.line());
    }

    /// The pid of each living worker, and the slot that it has.
    pub fn workers(&self) -> Vec<(u32, Seat)> {
        let state = self.inner.lock();
        let seats = state.supervisor.seats().iter().enumerate();
        let living = seats.filter(|(_, seat)| **seat != Seat::Empty);
        let pid = |seat: usize| self.inner.shared.worker_record(seat).pid.load(Ordering::Relaxed);
        living.map(|(index, &seat)| (pid(index), seat)).collect()
    }

    /// Whether the system lets every living worker run in real time.
    pub fn is_real_time(&self) -> bool {
        let state = self.inner.lock();
        let living = state.supervisor.seats().iter().enumerate();
        let mut living = living.filter(|(_, seat)| matches!(seat, Seat::Holds(_) | Seat::Spare));
        living.all(|(seat, _)| {
            let granted = self.inner.shared.worker_record(seat).granted.load(Ordering::Relaxed);
            granted & GRANTED_REAL_TIME != 0
        })
    }

    /// How often each slot's worker has been replaced.
    pub fn restarts(&self) -> Vec<u32> {
        self.inner.lock().restarts.clone()
    }

    /// Workers that have died.
    pub fn deaths(&self) -> u64 {
        self.inner.deaths.load(Relaxed)
    }

    /// How long it took at the last death, from the system's news of it until
    /// a spare had the slot, in nanoseconds.
    pub fn assign_nanos(&self) -> u32 {
        self.inner.assign_nanos.load(Relaxed)
    }
}

impl Drop for Pool {
    /// Lets the workers go, and waits until they are gone.
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        state.is_closing = true;
        state.supervisor.close();
        // The end of its input is what a worker leaves at.
        state.orders.iter_mut().for_each(|orders| *orders = None);
        let is_peopled =
            |state: &mut State| state.supervisor.seats().iter().any(|&seat| seat != Seat::Empty);
        let wait = self.inner.changed.wait_timeout_while(state, PATIENCE, is_peopled);
        let (state, timeout) = wait.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        // They hold the shared memory, which is to be gone when this returns.
        // Where a worker does not leave, its thread ends with the process.
        while !timeout.timed_out() {
            let Some(thread) = self.inner.lock().threads.pop() else { break };
            drop(thread.join());
        }
    }
}

impl State {
    /// Sends a line to every worker; returns those that are warm.
    fn ask(&mut self, line: &str) -> Vec<usize> {
        let mut asked = Vec::new();
        for (seat, orders) in self.orders.iter_mut().enumerate() {
            let Some(pipe) = orders else { continue };
            if writeln!(pipe, "{line}").is_err() {
                // It has just died; its thread will say so.
                *orders = None;
                continue;
            }
            if matches!(self.supervisor.seats()[seat], Seat::Holds(_) | Seat::Spare) {
                asked.push(seat);
            }
        }
        asked
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state whole: it changes in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(inner: &Arc<Inner>, seat: usize) -> Result<(), PoolError> {
        let (control, record) = (&inner.shared.workers()[seat], inner.shared.worker_record(seat));
        control.slot.store(NONE, Ordering::Relaxed);
        record.state.store(STARTING, Ordering::Relaxed);
        record.prepared.store(u32::MAX, Ordering::Relaxed);
        let mut command = Command::new(&inner.program);
        command
            .args([inner.shared.control.name(), inner.shared.arena.name(), &seat.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        spare_ctrl_c(&mut command);
        let child = command.spawn();
        let mut child =
            child.map_err(|cause| PoolError::Spawn { program: inner.program.clone(), cause })?;
        {
            let mut state = inner.lock();
            let mut pipe = child.stdin.take();
            if let (Some(pipe), Some((order, _))) = (&mut pipe, state.order) {
                // A failure here is its death, of which its thread will tell.
                let _ = writeln!(pipe, "{}", order.line());
            }
            state.orders[seat] = pipe.filter(|_| !state.is_closing);
        }
        let watched = Arc::clone(inner);
        let watch = move || watched.watch(seat, child);
        let watching = std::thread::Builder::new().name(format!("worker {seat}")).spawn(watch);
        let warming = Arc::clone(inner);
        let wait = move || warming.welcome(seat);
        let welcoming = std::thread::Builder::new().name(format!("warming {seat}")).spawn(wait);
        let mut state = inner.lock();
        state.threads.retain(|thread| !thread.is_finished());
        for thread in [watching, welcoming] {
            let failed = |cause| PoolError::Spawn { program: inner.program.clone(), cause };
            state.threads.push(thread.map_err(failed)?);
        }
        Ok(())
    }

    /// Waits until a new worker is warm, and gives it what there is to do. On a
    /// busy machine that may take long; the seat waits as long as it lives.
    fn welcome(self: &Arc<Inner>, seat: usize) {
        let record = self.shared.worker_record(seat);
        let me = HOST;
        let doorbell = &self.shared.doorbell;
        while !wait_for(doorbell, me, &record.state, WARM, Some(Duration::from_millis(50))) {
            if self.lock().supervisor.seats()[seat] != Seat::Warming {
                return;
            }
        }
        let mut state = self.lock();
        if state.orders[seat].is_none() {
            // It got warm and died, and is to be replaced.
            return;
        }
        let began = Instant::now();
        let actions = state.supervisor.next(Event::Warmed(seat));
        self.act(state, actions, began);
    }

    /// Waits for the end of a worker, and has another take its place. A block
    /// may wait for that, so it is done before all that is not sound.
    fn watch(self: &Arc<Inner>, seat: usize, mut child: Child) {
        let start = self.shared.clock().read::<BlockStart>().unwrap_or_default();
        ask_for_real_time(start.frames.max(1), start.sample_rate_hz.max(1.0) as u32);
        let result = child.wait();
        let began = Instant::now();
        let mut state = self.lock();
        if state.supervisor.seats()[seat] == Seat::Warming && !state.is_closing {
            // One that cannot even start would be started again without end.
            state.orders[seat] = None;
            drop(state);
            std::thread::sleep(PAUSE);
            state = self.lock();
        }
        // To close it takes a while, and nobody is to wait for that.
        let _orders = state.orders[seat].take();
        if state.is_closing {
            state.supervisor.next(Event::Died(seat));
            self.changed.notify_all();
            return;
        }
        if let Seat::Holds(slot) = state.supervisor.seats()[seat] {
            state.restarts[slot] += 1;
        }
        let actions = state.supervisor.next(Event::Died(seat));
        self.deaths.fetch_add(1, Relaxed);
        self.act(state, actions, began);
        let status = result.map_or_else(|error| error.to_string(), |status| status.to_string());
        let nanos = began.elapsed().as_nanos();
        tracing::warn!("worker {seat} died ({status}); replaced after {nanos} ns");
    }

    fn act(self: &Arc<Inner>, state: MutexGuard<State>, actions: Vec<Action>, began: Instant) {
        for action in &actions {
            if let Action::Give { slot, seat } = *action {
                let (slots, workers) = (self.shared.slots(), self.shared.workers());
                give_slot(&self.shared.doorbell, slots, workers, slot, seat);
                self.assign_nanos.store(began.elapsed().as_nanos() as u32, Relaxed);
            }
        }
        self.changed.notify_all();
        drop(state);
        for action in actions {
            let Action::Spawn(seat) = action else { continue };
            // On a thread of its own: this one may be real-time, and to start a
            // process takes longer than a block.
            let inner = Arc::clone(self);
            let spawn = move || {
                while let Err(error) = Inner::spawn(&inner, seat) {
                    tracing::error!("{error}");
                    std::thread::sleep(PAUSE);
                    let mut state = inner.lock();
                    // Where it began to live, and nobody would watch it.
                    state.orders[seat] = None;
                    if state.is_closing {
                        state.supervisor.next(Event::Died(seat));
                        inner.changed.notify_all();
                        return;
                    }
                }
            };
            let thread = std::thread::Builder::new().name(format!("spawning {seat}"));
            match thread.spawn(spawn) {
                Ok(thread) => self.lock().threads.push(thread),
                Err(error) => tracing::error!("no thread to start a worker: {error}"),
            }
        }
    }

    fn wait_until_prepared(&self, seat: usize, generation: u32, end: Instant) {
        let word = &self.shared.worker_record(seat).prepared;
        loop {
            let seen = word.load(Ordering::Acquire);
            // Whatever slot it had when it answered: it may have got one since.
            if is_prepared(seen, generation) || Instant::now() > end {
                return;
            }
            if !matches!(self.lock().supervisor.seats()[seat], Seat::Holds(_) | Seat::Spare) {
                return;
            }
            self.shared.doorbell.wait(HOST, word, seen, Some(Duration::from_millis(20)));
        }
    }
}
