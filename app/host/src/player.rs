//! A patch that plays: the engine on its thread, the workers, the sound card,
//! and a thread that makes plans of edits.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use dsp_worker::protocol::ModuleLayout;
use shm_ring::region::RegionError;
use sostenuto_dsp::random::Random;
use sostenuto_modules::module::Event;
use sostenuto_patch::{ModuleId, Patch};

use self::kill::Victim;
use self::score::{Early, Score};
use crate::conductor::{PlanError, is_switch};
use crate::control::sound::PlayPatch;
use crate::engine::EngineStatus;
use crate::engine::intake::InputFeed;
use crate::engine::pace::Pace;
use crate::engine::tap::{Pipe, Tap};
use crate::journal::Journal;
use crate::permits::Outside;
use crate::plan::snapshot::Snapshot;
use crate::pool::{Crew, Pool, PoolError};
use crate::recorder::Recorder;
use crate::shared::Shared;
use crate::sound_card::device::{Device, Output, OutputState};
use crate::sound_card::ear::{self, Ear, Input, Wanted};

mod beside;
mod card;
mod kill;
mod planner;
mod report;
mod score;
mod session;
mod start;

/// How a patch is played.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In Hz.
    pub sample_rate_hz: u32,
    /// A multiple of the quantum.
    pub block_frames: u32,
    /// Blocks computed ahead of the sound card: what a failover may take.
    pub ahead: u32,
    /// Who computes it.
    pub crew: Crew,
    /// Their program.
    pub program: PathBuf,
    /// Where it is heard.
    pub output: Output,
    /// The folder that crashes are kept in, if at all.
    pub crashes: Option<PathBuf>,
    /// Modules in quarantine from the start.
    pub quarantined: Vec<ModuleId>,
}

/// What the last session left, and where this one leaves its own.
#[derive(Default)]
pub struct Keeping {
    /// What modules begin with. It is of the same sample rate.
    pub snapshot: Option<Snapshot>,
    /// Where the next session finds this one.
    pub journal: Option<Arc<Journal>>,
    /// How much of the sound is remembered, where it can be recorded at all.
    pub remembered: Option<Duration>,
    /// Where Recorders record to, where they do at all.
    pub recordings: Option<PathBuf>,
}

/// Why a patch does not play.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it by itself")]
pub enum PlayError {
    #[error(transparent)]
    Memory(#[from] RegionError),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("no thread for the sound: {0}")]
    Thread(#[from] std::io::Error),
}

/// A patch that plays until this is dropped.
pub struct Player {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
    recorder: Option<Recorder>,
    /// Chooses whom to kill.
    random: Random,
    victims: Arc<Mutex<Vec<Victim>>>,
}

struct Inner {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    status: Arc<EngineStatus>,
    settings: Settings,
    pace: Arc<Pace>,
    /// What is wanted.
    output: Mutex<Output>,
    card: Mutex<Option<Device>>,
    /// What it says, and how often it has said something.
    device: Mutex<(OutputState, u64)>,
    /// What is to be listened to.
    input: Mutex<Input>,
    input_feed: InputFeed,
    /// Who listens, and how it was told to.
    ear: Mutex<Option<(Ear, Option<Wanted>)>>,
    hearing: Mutex<ear::InputState>,
    journal: Option<Arc<Journal>>,
    score: Mutex<Score>,
    changed: Condvar,
    layouts: Box<[ModuleLayout]>,
    pipe: Pipe,
    /// What the patch may do outside this program.
    may: Mutex<Outside>,
}

impl Player {
    /// Blocks that were not there in time.
    pub fn xruns(&self) -> u64 {
        self.inner.status.xruns.load(Relaxed)
    }

    /// What the engine lets others know.
    pub fn engine_status(&self) -> &EngineStatus {
        &self.inner.status
    }

    /// The workers.
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// Every block from now on, for one reader at a time: as the engine made it,
    /// whatever becomes of it on the way to the sound card.
    pub fn tap(&self) -> Option<Tap> {
        self.inner.pipe.open()
    }

    /// Where the owner of a sound card of their own puts what that hears.
    pub fn input_feed(&self) -> InputFeed {
        self.inner.input_feed.clone()
    }

    /// Listens to that, where the patch has an Audio In.
    pub fn listen_to(&self, input: Input) {
        *lock(&self.inner.input) = input;
        self.inner.sync_input(&lock(&self.inner.score));
    }

    /// Kills the process of the sound card, for a drill.
    pub fn kill_card(&self) {
        self.inner.kill_card();
    }

    /// The slots that have work, as a mask.
    pub fn busy_slots(&self) -> u32 {
        lock(&self.inner.score).conductor.plan().map_or(0, |plan| plan.busy())
    }
}

impl Player {
    fn want(&self, patch: &Patch, is_another: bool) {
        let ticket = self.inner.journal.as_ref().map(|journal| journal.keep(patch.clone()));
        let mut score = lock(&self.inner.score);
        score.want(patch.clone(), is_another);
        score.ticket = ticket.unwrap_or_default();
        drop(score);
        self.inner.changed.notify_all();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Not with the lock: it has something to say while it ends.
        let card = lock(&self.inner.card).take();
        drop(card);
        let ear = lock(&self.inner.ear).take();
        drop(ear);
        lock(&self.inner.score).is_closing = true;
        self.inner.changed.notify_all();
        self.inner.status.is_stopping.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PlayPatch for Player {
    fn patch_changed(&mut self, patch: &Patch) {
        self.want(patch, false);
    }

    fn patch_replaced(&mut self, patch: &Patch) {
        self.want(patch, true);
    }

    fn param_changed(&mut self, module: &ModuleId, param: usize, value: f32) {
        let mut score = lock(&self.inner.score);
        let Some(key) = score.key(module) else { return };
        // A plan that is about to be made must know of it too.
        let Score { wanted, waiting, .. } = &mut *score;
        for wanted in [wanted, waiting].into_iter().flatten() {
            if let Some(module) = wanted.patch.modules.get_mut(module)
                && module.kind == key.1
                && let Ok(about) = module.about()
                && let Some(param) = about.params.get(param)
            {
                module.params.insert(param.name.into(), value);
            }
        }
        let is_heard = !score.is_parting() && score.conductor.set_param(&key, param, value);
        if !is_heard && is_switch(&key, param) {
            // Its plan begins where the switch is in the end.
            score.early.push((key.0, Some(key.1), Early::Switch(param, value)));
        }
    }

    fn event(&mut self, module: &ModuleId, event: Event) {
        let mut score = lock(&self.inner.score);
        let is_to_wait = score.is_going_over || score.is_parting();
        let key = score.key(module);
        let is_heard = |key| !is_to_wait && score.conductor.event(key, event);
        if !key.as_ref().is_some_and(is_heard) {
            score.early.push((module.clone(), key.map(|key| key.1), Early::Event(event)));
        }
    }

    fn panic(&mut self) {
        lock(&self.inner.score).wants_rest = true;
        self.inner.changed.notify_all();
    }

    fn allow(&mut self, may: &Outside) {
        lock(&self.inner.may).clone_from(may);
    }

    fn try_again(&mut self, module: &ModuleId) -> bool {
        let score = lock(&self.inner.score);
        let numbers = score.conductor.numbers().filter(|(key, _)| key.0 == *module);
        let numbers: Vec<u32> = numbers.map(|(_, number)| number).collect();
        drop(score);
        numbers.into_iter().fold(false, |is_any, number| self.inner.pool.try_again(number) | is_any)
    }
}
