//! The worker processes: started, warmed, given slots, watched, buried.
//!
//! Each worker has a thread here that sleeps in the system's own wait for the
//! end of a process, and one that sleeps until its computing thread has ended,
//! where the system tells of that sooner (see [`shm_ring::robust`]). So a death is
//! news at once, on every system; and a slot changes hands only after the system has
//! said that its former worker can write no more, or the worker is known to be
//! outside (see [`shm_ring::protocol::revoke`]). One thread more, the watchdog,
//! sleeps until the engine says that a block is late.

#![allow(unsafe_code, reason = "plans lie in shared memory")]

pub mod crash;
pub mod ladder;
pub mod process;
pub mod supervisor;
pub mod trial;
pub mod watchdog;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use dsp_worker::evidence::Evidence;
use dsp_worker::process::{Order, is_prepared};
use dsp_worker::protocol::Plan;
use dsp_worker::run::{next_job, usual_nanos};
use dsp_worker::thread::ask_for_real_time;
use shm_ring::flight::is_reached;
use shm_ring::layout::{
    BlockStart, FINISHING, HOST, NONE, RESTARTS, RESTS, RUNS, STARTING, WORKERS,
};
use shm_ring::monotonic::now_nanos;
use shm_ring::protocol::{give_slot, revoke, ring_worker};
use shm_ring::sync::Ordering;
use shm_ring::world;

use self::crash::Crash;
use self::ladder::{Case, Cause, Ladder, Rung};
use self::process::Process;
use self::staff::{Staff, Threads};
use self::supervisor::{Action, Event, Seat, Supervisor};
use self::watchdog::{Patience, Sight, Verdict, Watch};
use crate::shared::Shared;
use crate::vital;

mod death;
mod recovery;
mod staff;
mod watch;

pub use recovery::{Aftermath, Recovery};
use recovery::{Open, Recoveries};

/// How long a worker may take to get warm, or ready for a plan, before the host
/// goes on without waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a spare may take to answer before it is taken for away.
const SPARE_PATIENCE: Duration = Duration::from_secs(1);

/// Before a worker is replaced that died while warming up, as those before it in its
/// seat did: one that cannot even start would be started again without end.
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
    /// The host has no thread for them.
    #[error("the system gives no thread to look after the workers: {0}")]
    Thread(std::io::Error),
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

/// A worker has died in a module, by whatever fault but from outside.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The module's number.
    pub module: u32,
    /// What happened to the worker, and what is done with the module.
    pub case: Case,
    /// How the worker ended, as the system says it.
    pub ending: String,
    /// What is known of a crash, to be kept. Not of a hang that the host ended.
    pub crash: Option<Box<Crash>>,
}

type Tell = Box<dyn Fn(Vec<Trouble>) + Send + Sync>;

/// The workers of a session.
pub struct Pool {
    inner: Arc<Inner>,
    watchdog: Option<JoinHandle<()>>,
    teller: Option<JoinHandle<()>>,
}

struct Inner {
    shared: Arc<Shared>,
    staff: Box<dyn Staff>,
    crew: Crew,
    patience: Mutex<Patience>,
    began_nanos: u64,
    state: Mutex<State>,
    changed: Condvar,
    tell: OnceLock<Tell>,
    deaths: AtomicU64,
    deaths_inside_a_job: AtomicU64,
    refills: AtomicU64,
    assign_nanos: AtomicU32,
}

struct State {
    supervisor: Supervisor,
    ladder: Ladder,
    workers: Vec<Worker>,
    /// The plan that plays or is about to, for workers that come later.
    order: Option<Order>,
    restarts: Vec<u32>,
    recoveries: Recoveries,
    /// Since when a slot has nobody. Monotonic clock.
    orphaned: Vec<Option<u64>>,
    /// How many have died in each seat, one after another, before they were warm.
    cold_deaths: Vec<u32>,
    /// Where workers have died, it is not known yet why: module and block.
    unblamed: Vec<(u32, u32)>,
    /// To who tells of them.
    troubles: Option<Sender<Trouble>>,
    /// Those that start, watch and welcome workers.
    threads: Vec<JoinHandle<()>>,
    is_closing: bool,
}

/// Where a worker hears what it is to do; it leaves at their end.
type Orders = Box<dyn Write + Send>;

/// What the host has of one worker.
#[derive(Default)]
struct Worker {
    child: Option<Arc<dyn Process>>,
    orders: Option<Orders>,
    /// When the host killed it. Monotonic clock.
    killed_nanos: Option<u64>,
    is_hung: bool,
    watch: Watch,
}

impl Worker {
    /// Why it came to its end, where the host knows that by itself.
    fn cause_so_far(&self) -> Option<Cause> {
        match self.killed_nanos {
            _ if self.is_hung => Some(Cause::Hang),
            Some(_) => Some(Cause::Outside),
            None => None,
        }
    }

    /// Why it came to this end.
    fn cause(&self, status: Option<&ExitStatus>) -> Cause {
        self.cause_so_far().unwrap_or_else(|| status.map_or(Cause::Crash, process::cause))
    }
}

impl Pool {
    /// Starts a worker for each slot, and some spares, and waits until all are
    /// warm; where nobody listens, until every slot has one.
    ///
    /// # Errors
    /// Where they cannot be started, or do not get ready.
    pub fn start(
        shared: Arc<Shared>,
        program: PathBuf,
        crew: Crew,
        patience: Patience,
    ) -> Result<Pool, PoolError> {
        let staff = Threads::new(&shared, program);
        let (inner, troubles) = Inner::new(shared, Box::new(staff), crew, patience);
        let mut pool = Pool { inner, watchdog: None, teller: None };
        let actions = pool.inner.lock().supervisor.fill();
        for action in actions {
            if let Action::Spawn(seat) = action {
                Inner::spawn(&pool.inner, seat)?;
            }
        }
        let is_warm = match patience {
            Patience::OFFLINE => pool.inner.wait_until(PATIENCE, |state| {
                (0..crew.workers).all(|slot| state.supervisor.holder(slot).is_some())
            }),
            _ => pool.wait_until_full(PATIENCE),
        };
        if !is_warm {
            return Err(PoolError::Cold);
        }
        let telling = Arc::clone(&pool.inner);
        let teller = vital::spawn("troubles", move || telling.tell_of_troubles(&troubles));
        pool.teller = Some(teller.map_err(PoolError::Thread)?);
        let watching = Arc::clone(&pool.inner);
        let watchdog = vital::spawn("watchdog", move || watching.keep_watch());
        let watchdog = watchdog.map_err(PoolError::Thread)?;
        pool.inner.shared.alarm.wake_when_late(watchdog.thread().clone(), patience.late);
        pool.watchdog = Some(watchdog);
        Ok(pool)
    }

    /// From now on, who hears of workers that died in modules: all of one moment,
    /// in order. Only the first call counts.
    pub fn on_trouble(&self, tell: impl Fn(Vec<Trouble>) + Send + Sync + 'static) {
        let _ = self.inner.tell.set(Box::new(tell));
    }

    /// Waits until every slot has a worker and every spare is warm. Whether
    /// they are.
    pub fn wait_until_full(&self, timeout: Duration) -> bool {
        self.inner.wait_until(timeout, |state| {
            let seats = state.supervisor.seats();
            let living = seats.iter().filter(|seat| matches!(seat, Seat::Spare | Seat::Holds(_)));
            living.count() >= self.inner.crew.workers + SPARES
        })
    }

    /// Has every worker make itself ready for a plan in shared memory, and
    /// waits until they are. One that dies meanwhile is replaced; one that does
    /// not answer is not waited for: it will do at its first block what it
    /// did not do now.
    pub fn prepare(&self, order: Order) {
        let asked = {
            let mut state = self.inner.lock();
            state.order = Some(order);
            state.ask(&order.line())
        };
        let now = now_nanos();
        for seat in asked {
            let is_spare = self.inner.lock().supervisor.seats()[seat] == Seat::Spare;
            let patience = if is_spare { SPARE_PATIENCE } else { PATIENCE };
            let end = now + patience.as_nanos() as u64;
            if !self.inner.wait_until_prepared(seat, order.generation, end) {
                self.inner.miss_spare(seat);
            }
        }
    }

    /// Lets every worker know that the old plan plays no more.
    pub fn settle(&self, order: Order) {
        self.inner.lock().ask(&order.line());
    }

    /// The pid of each living worker, and the slot that it has.
    pub fn workers(&self) -> Vec<(u32, Seat)> {
        let state = self.inner.lock();
        let seats = state.supervisor.seats().iter().zip(&state.workers);
        let pid = |worker: &Worker| worker.child.as_ref().map(|child| child.id());
        seats.filter_map(|(&seat, worker)| Some((pid(worker)?, seat))).collect()
    }

    /// How many there are to be.
    pub fn crew(&self) -> Crew {
        self.inner.crew
    }

    /// Whether the system lets every living worker run in real time.
    pub fn is_real_time(&self) -> bool {
        self.grants().real_time
    }

    /// How often each slot's worker has been replaced.
    pub fn restarts(&self) -> Vec<u32> {
        self.inner.lock().restarts.clone()
    }

    /// Every module in which workers have died, by its number.
    pub fn cases(&self) -> Vec<(u32, Case)> {
        let state = self.inner.lock();
        state.ladder.cases().map(|(module, case)| (module, case.clone())).collect()
    }

    /// Leaves a module's code alone until it is tried again.
    pub fn quarantine(&self, module: u32) {
        let mut state = self.inner.lock();
        state.ladder.quarantine(module);
        self.inner.apply(module, Rung::Quarantine, 0);
    }

    /// Tries a module again that rests or is in quarantine, from a fresh state.
    /// Also for a number that has a new owner. Whether there was any need.
    pub fn try_again(&self, module: u32) -> bool {
        let mut state = self.inner.lock();
        self.inner.apply(module, Rung::Again, 0);
        state.ladder.forget(module)
    }

    /// How long things may take from now on.
    pub fn set_patience(&self, patience: Patience) {
        *self.inner.patience.lock().unwrap_or_else(PoisonError::into_inner) = patience;
        self.inner.shared.alarm.set_late(patience.late);
    }

    /// Kills the worker in a seat, as `kill -9` does. Whether there was one that
    /// had not been killed yet.
    pub fn kill(&self, seat: usize) -> bool {
        self.end(seat, |child| child.kill())
    }

    /// Ends the worker in a seat as a bad memory access does, but by nobody's fault.
    /// Whether there was one that had not been killed yet.
    #[cfg(unix)]
    pub fn crash(&self, seat: usize) -> bool {
        self.end(seat, |child| child.signal(libc::SIGSEGV))
    }

    fn end(&self, seat: usize, how: impl Fn(&dyn Process) -> io::Result<()>) -> bool {
        let mut state = self.inner.lock();
        let Some(worker) = state.workers.get_mut(seat) else { return false };
        let Some(child) = &worker.child else { return false };
        if worker.killed_nanos.is_some() {
            return false;
        }
        worker.killed_nanos = Some(now_nanos());
        how(&**child).is_ok()
    }

    /// Stops the worker in a seat, so that the machine does not run it, or lets
    /// it go on. Whether there was one.
    #[cfg(unix)]
    pub fn hold(&self, seat: usize, is_held: bool) -> bool {
        let state = self.inner.lock();
        let Some(child) = state.workers.get(seat).and_then(|worker| worker.child.as_ref()) else {
            return false;
        };
        let signal = if is_held { libc::SIGSTOP } else { libc::SIGCONT };
        child.signal(signal).is_ok()
    }

    /// What each seat is, by its number.
    pub fn seats(&self) -> Vec<Seat> {
        self.inner.lock().supervisor.seats().to_vec()
    }

    /// Whether the worker in a seat is inside a job.
    pub fn is_inside_a_job(&self, seat: usize) -> bool {
        self.inner.is_inside_a_job(seat)
    }

    /// Waits until so many workers have died, and their slots are others'.
    /// Whether they have.
    pub fn wait_for_deaths(&self, count: u64, timeout: Duration) -> bool {
        self.inner.wait_until(timeout, |_| self.inner.deaths.load(Relaxed) >= count)
    }

    /// The times that it took to go on, of every worker so far that died with
    /// work to do.
    pub fn recoveries(&self) -> Vec<Recovery> {
        let mut state = self.inner.lock();
        state.recoveries.collect(&self.inner.shared);
        state.recoveries.known.clone()
    }

    /// What became of the work of a worker that was killed.
    pub fn aftermath(&self, pid: u32) -> Aftermath {
        let mut state = self.inner.lock();
        let is_alive = |worker: &Worker| worker.child.as_ref().is_some_and(|it| it.id() == pid);
        if state.workers.iter().any(is_alive) {
            return Aftermath::Unknown;
        }
        state.recoveries.aftermath(&self.inner.shared, pid)
    }

    /// Workers that were started to take the place of one that died.
    pub fn refills(&self) -> u64 {
        self.inner.refills.load(Relaxed)
    }

    /// Workers that have died.
    pub fn deaths(&self) -> u64 {
        self.inner.deaths.load(Relaxed)
    }

    /// Those of them that died inside a job.
    pub fn deaths_inside_a_job(&self) -> u64 {
        self.inner.deaths_inside_a_job.load(Relaxed)
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
        state.workers.iter_mut().for_each(|worker| worker.orders = None);
        drop(state);
        let is_deserted =
            |state: &State| state.supervisor.seats().iter().all(|&seat| seat == Seat::Empty);
        let is_deserted = self.inner.wait_until(PATIENCE, is_deserted);
        // They hold the shared memory, which is to be gone when this returns.
        // Where a worker does not leave, its thread ends with the process.
        // The last to hold the pool may be one of them.
        let is_other =
            |thread: &JoinHandle<()>| thread.thread().id() != std::thread::current().id();
        if is_deserted {
            loop {
                let Some(thread) = self.inner.lock().threads.pop() else { break };
                if is_other(&thread) {
                    drop(thread.join());
                }
            }
        }
        // Now there is nothing more to tell.
        self.inner.lock().troubles = None;
        if let Some(teller) = self.teller.take().filter(is_other) {
            drop(teller.join());
        }
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.thread().unpark();
            drop(watchdog.join());
        }
    }
}

impl State {
    fn is_there(&self, seat: usize, child: &dyn Process) -> bool {
        self.workers[seat].child.as_ref().is_some_and(|it| it.id() == child.id())
    }

    /// Sends a line to every worker that listens; returns those that are warm.
    fn ask(&mut self, line: &str) -> Vec<usize> {
        let mut asked = Vec::new();
        for (seat, worker) in self.workers.iter_mut().enumerate() {
            let is = self.supervisor.seats()[seat];
            // The pipe to one who does not read would fill up.
            let Some(pipe) = worker.orders.as_mut().filter(|_| is != Seat::Away) else { continue };
            if writeln!(pipe, "{line}").is_err() {
                // It has just died; its thread will say so.
                worker.orders = None;
            } else if matches!(is, Seat::Holds(_) | Seat::Spare) {
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

    fn patience(&self) -> Patience {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_secs(&self) -> f64 {
        (now_nanos() - self.began_nanos) as f64 * 1e-9
    }

    /// Waits until it is so, or the time is over. Whether it is.
    fn wait_until(&self, timeout: Duration, is_so: impl Fn(&State) -> bool) -> bool {
        if let Some(world) = world::simulated() {
            let end = now_nanos() + timeout.as_nanos() as u64;
            while !is_so(&self.lock()) {
                if now_nanos() > end {
                    return false;
                }
                world.sleep(Duration::from_millis(1));
            }
            return true;
        }
        let is_not = |state: &mut State| !is_so(state);
        let wait = self.changed.wait_timeout_while(self.lock(), timeout, is_not);
        wait.is_ok_and(|(_, result)| !result.timed_out())
    }

    /// Nobody is there yet. Returns who is to be told of troubles, too.
    fn new(
        shared: Arc<Shared>,
        staff: Box<dyn Staff>,
        crew: Crew,
        patience: Patience,
    ) -> (Arc<Inner>, Receiver<Trouble>) {
        let supervisor = Supervisor::new(WORKERS, crew.workers, crew.busy, crew.workers + SPARES);
        let (sender, troubles) = channel();
        let inner = Inner {
            shared,
            staff,
            crew,
            patience: Mutex::new(patience),
            began_nanos: now_nanos(),
            state: Mutex::new(State {
                supervisor,
                ladder: Ladder::default(),
                workers: (0..WORKERS).map(|_| Worker::default()).collect(),
                order: None,
                restarts: vec![0; crew.workers],
                recoveries: Recoveries::default(),
                orphaned: vec![None; crew.workers],
                cold_deaths: vec![0; WORKERS],
                unblamed: Vec::new(),
                troubles: Some(sender),
                threads: Vec::new(),
                is_closing: false,
            }),
            changed: Condvar::new(),
            tell: OnceLock::new(),
            deaths: AtomicU64::new(0),
            deaths_inside_a_job: AtomicU64::new(0),
            refills: AtomicU64::new(0),
            assign_nanos: AtomicU32::new(0),
        };
        (Arc::new(inner), troubles)
    }

    fn spawn(inner: &Arc<Inner>, seat: usize) -> Result<(), PoolError> {
        let (control, record) = (&inner.shared.workers()[seat], inner.shared.worker_record(seat));
        control.slot.store(NONE, Ordering::Relaxed);
        record.state.store(STARTING, Ordering::Relaxed);
        record.prepared.store(u32::MAX, Ordering::Relaxed);
        record.job.store(NONE, Ordering::Relaxed);
        record.module.store(NONE, Ordering::Relaxed);
        record.first_stamp_epoch.store(0, Ordering::Relaxed);
        record.alive.store(0, Ordering::Relaxed);
        inner.staff.start(inner, seat)
    }

    /// A worker's process has been started.
    fn took_seat(&self, seat: usize, child: Arc<dyn Process>, orders: Option<Orders>) {
        let mut state = self.lock();
        let mut orders = orders;
        if let (Some(orders), Some(order)) = (&mut orders, state.order) {
            // A failure here is its death, of which will be told.
            let _ = writeln!(orders, "{}", order.line());
        }
        let orders = orders.filter(|_| !state.is_closing);
        state.workers[seat] = Worker { child: Some(child), orders, ..Worker::default() };
    }

    /// Starts a worker where another ended. False where it does not start, and is to be
    /// tried again.
    fn refill(inner: &Arc<Inner>, seat: usize) -> bool {
        let Err(error) = Inner::spawn(inner, seat) else { return true };
        tracing::error!("{error}");
        let mut state = inner.lock();
        // Where it began to live, and nobody would watch it.
        state.workers[seat].orders = None;
        if state.is_closing {
            state.supervisor.next(Event::Died(seat));
            inner.changed.notify_all();
        }
        state.is_closing
    }

    /// A new worker is warm: gives it what there is to do. Whether it lives.
    fn warmed(self: &Arc<Inner>, seat: usize) -> bool {
        let mut state = self.lock();
        if state.workers[seat].orders.is_none() {
            // It got warm and died, and is to be replaced.
            return false;
        }
        state.cold_deaths[seat] = 0;
        let actions = state.supervisor.next(Event::Warmed(seat));
        self.act(state, actions, now_nanos());
        true
    }

    fn ask_for_real_time(&self) {
        let start = self.shared.clock().read::<BlockStart>().unwrap_or_default();
        ask_for_real_time(start.frames.max(1), start.sample_rate_hz.max(1.0) as u32);
    }

    /// The block that is being computed, and its plan. To be asked for with the
    /// state locked: then no more than one edit can be under way, and this plan
    /// stays as it is.
    fn now(&self) -> Option<(BlockStart, Plan<'_>)> {
        let start = self.shared.clock().read::<BlockStart>().filter(|start| start.block != 0)?;
        // SAFETY: workers answer for every plan before it plays, and the state's
        // lock is taken to ask them, so the place of this one is not written.
        let plan = unsafe { Plan::read_standing(&self.shared.control, start.plan as usize) }?;
        (plan.generation != 0).then_some((start, plan))
    }

    fn is_inside_a_job(&self, seat: usize) -> bool {
        let job = self.shared.worker_record(seat).job.load(Ordering::Relaxed);
        !matches!(job, NONE | FINISHING)
    }

    /// As [`Inner::now`], the block that a slot is at. `None` where it has done all.
    fn now_of(&self, slot: usize) -> Option<(BlockStart, Plan<'_>)> {
        let (start, plan) = self.now()?;
        let done = self.shared.slot_record(slot).done.load(Ordering::Relaxed);
        Some((start.following(done)?, plan))
    }

    fn has_work(&self, slot: usize) -> bool {
        self.now_of(slot).is_some_and(|(start, plan)| {
            next_job(&self.shared.arena, start.block, &plan, slot).is_some()
        })
    }

    /// Has workers do with a module what was decided.
    fn apply(&self, module: u32, rung: Rung, block: u32) {
        let Some(control) = self.shared.module(module) else { return };
        let remedy = match rung {
            Rung::Again => RUNS,
            Rung::Afresh => RESTARTS,
            Rung::Rests | Rung::Quarantine => RESTS,
        };
        control.set_remedy(remedy, block);
    }

    fn act(self: &Arc<Inner>, mut state: MutexGuard<State>, actions: Vec<Action>, began: u64) {
        for action in &actions {
            if let Action::Give { slot, seat } = *action {
                self.shared.alarm.give_back(slot);
                let (slots, workers) = (self.shared.slots(), self.shared.workers());
                let epoch = give_slot(&self.shared.doorbell, slots, workers, slot, seat);
                self.assign_nanos.store((now_nanos() - began) as u32, Relaxed);
                state.orphaned[slot] = None;
                state.workers[seat].watch = Watch::default();
                let open = state.recoveries.open.iter_mut().find(|open| open.slot == slot);
                if let Some(open) = open {
                    open.given = Some((seat, epoch));
                }
            }
        }
        for action in &actions {
            if let Action::Dismiss(seat) = *action {
                // It leaves at the end of its orders.
                state.workers[seat].orders = None;
            }
        }
        self.changed.notify_all();
        drop(state);
        for action in actions {
            let Action::Spawn(seat) = action else { continue };
            self.refills.fetch_add(1, Relaxed);
            self.staff.refill(self, seat);
        }
    }

    /// Whether it is, or there is nobody any more to wait for.
    fn wait_until_prepared(&self, seat: usize, generation: u32, end: u64) -> bool {
        let word = &self.shared.worker_record(seat).prepared;
        loop {
            let seen = word.load(Ordering::Acquire);
            // Whatever slot it had when it answered: it may have got one since.
            if is_prepared(seen, generation) {
                return true;
            }
            if now_nanos() > end {
                return false;
            }
            if !matches!(self.lock().supervisor.seats()[seat], Seat::Holds(_) | Seat::Spare) {
                return true;
            }
            self.shared.doorbell.wait(HOST, word, seen, Some(Duration::from_millis(20)));
        }
    }
}

#[cfg(all(test, unix))]
mod simulation_tests;
