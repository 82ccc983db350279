//! A patch that plays: the engine on its thread, the workers, the sound card,
//! and a thread that makes plans of edits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dsp_worker::protocol::ModuleLayout;
use dsp_worker::thread::{ask_for_real_time, flushing_denormals};
use shm_ring::layout::ModuleRecord;
use shm_ring::region::RegionError;
use shm_ring::sync::Ordering;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::MAX_BLOCK_FRAMES;
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::module::Event;
use sostenuto_osc::message::device::Card;
use sostenuto_osc::message::sound::{InputSetup, SoundChange, SoundSetup};
use sostenuto_osc::message::status::{FaultState, Killed, ModuleFault, Status};
use sostenuto_osc::message::status::{WorkerState, WorkerStatus};
use sostenuto_osc::message::view::{Seen, View};
use sostenuto_patch::{ModuleId, Patch, is_played};

use crate::conductor::{Conductor, PlanError, Preparation, is_switch};
use crate::control::Sound;
use crate::engine::callback::{Callback, FrameRing, RING_FRAMES};
use crate::engine::intake::{Mouth, intake};
use crate::engine::pace::Pace;
use crate::engine::reels::reels;
use crate::engine::tap::{Pipe, Spout, Tap};
use crate::engine::{Engine, EngineStatus, Executor, Frame};
use crate::journal::{Journal, Kept, Ticket};
use crate::notice;
use crate::plan::clips::Source;
use crate::plan::snapshot::{self, Snapshot};
use crate::plan::{Key, keys};
use crate::pool::ladder::{Case, Rung};
use crate::pool::supervisor::Seat;
use crate::pool::watchdog::Patience;
use crate::pool::{Aftermath, Crew, Pool, PoolError, Trouble};
use crate::recorder::{ModuleTakes, Recorder, Remote};
use crate::shared::Shared;
use crate::sound_card::device::{self, Device, News, Output, SILENT_CLOCK};
use crate::sound_card::ear::{self, Ear, Input, Wanted};

mod beside;

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

/// A worker that is being killed on request.
#[derive(Clone, Copy)]
struct Victim {
    pid: u32,
    slot: usize,
    /// Blocks that were late before.
    xruns: u64,
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
    device: Mutex<(News, u64)>,
    /// What is to be listened to.
    input: Mutex<Input>,
    mouth: Mouth,
    /// Who listens, and how it was told to.
    ear: Mutex<Option<(Ear, Option<Wanted>)>>,
    hearing: Mutex<ear::News>,
    journal: Option<Arc<Journal>>,
    score: Mutex<Score>,
    changed: Condvar,
    layouts: Box<[ModuleLayout]>,
    pipe: Pipe,
}

/// What plays, and what is wanted instead.
struct Score {
    conductor: Conductor,
    wanted: Option<Coming>,
    /// What the journal calls it.
    ticket: Ticket,
    /// What was wanted, on its way to the disk.
    waiting: Option<Coming>,
    /// Sounds that are to be read for modules.
    unread: BTreeSet<Source>,
    /// Some were read, and no plan has them yet.
    has_new_clips: bool,
    /// What happened to modules that the plan which plays does not have yet.
    early: Vec<(ModuleId, Early)>,
    /// Everything is to be let go.
    wants_rest: bool,
    /// The sample rate and the block that are wanted, where others play.
    wanted_pace: Option<(u32, u32)>,
    /// What happens to modules now has to wait for the next plan.
    is_going_over: bool,
    is_closing: bool,
}

/// A patch that is to play.
struct Coming {
    patch: Patch,
    /// Whether it is another patch, and not an edit of the one that plays.
    is_another: bool,
}

/// What happened to a module that does not play yet.
#[derive(Clone, Copy, Debug)]
enum Early {
    Event(Event),
    /// A switch was thrown: a param, by its index, and where it is now.
    Switch(usize, f32),
}

impl Score {
    /// Lets happen what came before its module.
    fn play_early(&mut self) {
        if self.is_parting() {
            return;
        }
        for (module, early) in std::mem::take(&mut self.early) {
            let key = self.conductor.key(&module);
            let is_heard = key.is_some_and(|key| match early {
                Early::Event(event) => self.conductor.event(&key, event),
                Early::Switch(param, value) => self.conductor.set_param(&key, param, value),
            });
            if !is_heard && self.wanted.is_some() {
                self.early.push((module, early));
            }
        }
    }

    /// A module of the newest patch. Its name may have been another kind's until
    /// now, with other params.
    fn key(&self, module: &ModuleId) -> Option<Key> {
        let coming = self.wanted.iter().chain(&self.waiting);
        let mut found = coming.filter_map(|wanted| wanted.patch.modules.get(module));
        let key = found.next().map(|found| (module.clone(), found.kind.clone()));
        key.or_else(|| self.conductor.key(module))
    }

    /// Whether the patch that plays is about to leave for another.
    fn is_parting(&self) -> bool {
        self.wanted.iter().chain(&self.waiting).any(|wanted| wanted.is_another)
    }

    fn want(&mut self, patch: Patch, is_another: bool) {
        let is_another = is_another || self.wanted.as_ref().is_some_and(|was| was.is_another);
        self.wanted = Some(Coming { patch, is_another });
    }
}

impl Player {
    /// Starts the workers, the engine and the sound card. `tell` hears what
    /// becomes of the card, and why a patch does not play.
    ///
    /// # Errors
    /// Where there are no workers, no memory or no threads, or the patch does
    /// not fit.
    pub fn start(
        patch: &Patch,
        settings: Settings,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Player, PlayError> {
        Player::resume(patch, settings, Keeping::default(), tell)
    }

    /// As [`Player::start`], from where another session was, and kept in a
    /// journal.
    ///
    /// # Errors
    /// As in [`Player::start`].
    pub fn resume(
        patch: &Patch,
        settings: Settings,
        keeping: Keeping,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Player, PlayError> {
        let tell = Arc::new(tell);
        let (sentence, heard) = (Arc::clone(&tell), Arc::clone(&tell));
        let Settings { output, sample_rate_hz, block_frames, .. } = settings.clone();
        let (player, callback) =
            Player::resume_without_card(patch, settings, keeping, move |text| sentence(text))?;
        let listening = Arc::clone(&player.inner);
        let hear = move |news: News| {
            match &news {
                News::Playing(card) => tell(&format!("Playing through {card}.")),
                News::Silent(why) => tell(&silence(why)),
            }
            let mut device = lock(&listening.device);
            *device = (news, device.1 + 1);
            drop(device);
            listening.changed.notify_all();
        };
        let device = Device::start(output, sample_rate_hz, block_frames, callback, hear)?;
        *lock(&player.inner.card) = Some(device);
        let listening = Arc::clone(&player.inner);
        let hear = move |news: ear::News| {
            notice::hearing(&news).iter().for_each(|sentence| heard(sentence));
            *lock(&listening.hearing) = news;
        };
        let ear = Ear::start(player.inner.mouth.clone(), hear)?;
        *lock(&player.inner.ear) = Some((ear, None));
        player.inner.mind_ear(&lock(&player.inner.score));
        Ok(player)
    }

    /// As [`Player::start`], for whoever has a sound card of their own: it is to
    /// call the callback whenever it wants frames. The output in the settings
    /// does not count.
    ///
    /// # Errors
    /// As in [`Player::start`].
    pub fn start_without_card(
        patch: &Patch,
        settings: Settings,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<(Player, Callback), PlayError> {
        Player::resume_without_card(patch, settings, Keeping::default(), tell)
    }

    /// As [`Player::start_without_card`], from where another session was, and
    /// kept.
    ///
    /// # Errors
    /// As in [`Player::start`].
    pub fn resume_without_card(
        patch: &Patch,
        settings: Settings,
        Keeping { snapshot, journal, remembered, recordings }: Keeping,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<(Player, Callback), PlayError> {
        let shared = Arc::new(Shared::create()?);
        let (rate, frames) = (settings.sample_rate_hz, settings.block_frames);
        let executor = Executor::Workers;
        let block = Duration::from_secs_f64(f64::from(frames) / f64::from(rate));
        let patience = Patience::live(block);
        let (mut engine, commands, status) =
            Engine::new(Arc::clone(&shared), executor, rate, frames);
        let pool =
            Pool::start(Arc::clone(&shared), settings.program.clone(), settings.crew, patience)?;
        let pool = Arc::new(pool);
        if !pool.is_real_time() {
            tell(NOT_REAL_TIME);
        }
        let mut conductor = Conductor::new(
            Arc::clone(&shared),
            Some(Arc::clone(&pool)),
            settings.crew.busy,
            rate,
            frames,
            (commands, Arc::clone(&status)),
        );
        let (mouth, intake) = intake();
        engine.hear(intake);
        let (reels, reader) = reels();
        let takes = recordings.map(|folder| ModuleTakes::new(folder, reader));
        if takes.is_some() {
            engine.record(reels);
        }
        let plays_on = snapshot.is_some();
        let Snapshot { frame, states, .. } = snapshot.unwrap_or_default();
        engine.begin_at(frame);
        conductor.resume(states, settings.quarantined.iter().cloned());
        conductor.lead(patch)?;
        if plays_on {
            // Nobody is left who could let them go.
            let played = keys(patch).filter(|(_, module)| module.about().is_ok_and(is_played));
            for (key, _) in played {
                conductor.event(&key, Event::AllNotesOff);
            }
        }
        let complaints = conductor.clips().take_complaints();
        complaints.iter().for_each(|complaint| tell(&complaint.to_string()));
        conductor.clips().read_by_others();
        let tell: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(tell);
        let (spout, pipe) = Pipe::new();
        let recorder = remembered.and_then(|remembered| Some((remembered, pipe.open()?)));
        let recorder = recorder
            .map(|(remembered, tap)| Recorder::start(tap, remembered, rate, Arc::clone(&tell)));
        let recorder = recorder.transpose()?;
        let pace = Arc::new(Pace::new(rate, frames, settings.ahead));
        let inner = Arc::new(Inner {
            shared,
            pool,
            status: Arc::clone(&status),
            pace,
            output: Mutex::new(settings.output.clone()),
            settings,
            card: Mutex::new(None),
            device: Mutex::new((News::Silent(SILENT_CLOCK.to_owned()), 0)),
            input: Mutex::default(),
            mouth,
            ear: Mutex::new(None),
            hearing: Mutex::default(),
            journal,
            score: Mutex::new(Score {
                conductor,
                wanted: None,
                ticket: Ticket::default(),
                waiting: None,
                unread: BTreeSet::new(),
                has_new_clips: false,
                early: Vec::new(),
                wants_rest: false,
                wanted_pace: None,
                is_going_over: false,
                is_closing: false,
            }),
            changed: Condvar::new(),
            layouts: ModuleLayout::all(),
            pipe,
        });
        let (producer, consumer) = FrameRing::split();
        let (listening, told) = (Arc::downgrade(&inner), Arc::clone(&tell));
        inner.pool.on_trouble(move |troubles| {
            // Gone only where the pool is going too.
            if let Some(inner) = listening.upgrade() {
                inner.sentences(troubles).iter().for_each(|sentence| told(sentence));
            }
        });
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let running = Arc::clone(&inner);
        let play = move || flushing_denormals(|| running.play(engine, producer, spout));
        let engine = named("engine").spawn(play)?;
        let callback =
            Callback::new(consumer, status, Arc::clone(&inner.pace), engine.thread().clone());
        let planning = Arc::clone(&inner);
        let told = Arc::clone(&tell);
        let planner = named("planner").spawn(move || planning.follow_edits(&*told))?;
        let (reading, told) = (Arc::clone(&inner), Arc::clone(&tell));
        let reader = named("reader").spawn(move || reading.read_sounds(&*told))?;
        let (sending, told) = (Arc::clone(&inner), Arc::clone(&tell));
        let sender = named("osc out").spawn(move || sending.send_osc(&*told))?;
        let mut threads = vec![engine, planner, reader, sender];
        if let Some(takes) = takes {
            let (writing, told) = (Arc::clone(&inner), Arc::clone(&tell));
            let write = move || writing.write_takes(takes, &*told);
            threads.push(named("takes").spawn(write)?);
        }
        if let Some(journal) = inner.journal.clone() {
            let keeping = Arc::clone(&inner);
            threads.push(named("keeper").spawn(move || keeping.keep_session(&journal))?);
        }
        let victims = Arc::default();
        let random = Random::new(u64::from(std::process::id()));
        Ok((Player { inner, threads, recorder, random, victims }, callback))
    }

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
    pub fn mouth(&self) -> Mouth {
        self.inner.mouth.clone()
    }

    /// Listens to that, where the patch has an Audio In.
    pub fn listen_to(&self, input: Input) {
        *lock(&self.inner.input) = input;
        self.inner.mind_ear(&lock(&self.inner.score));
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

/// How long an edit waits for the disk, before it is played without.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

/// How much of the sound the next session may be behind.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);

/// How long a fade before another sample rate is waited for.
const FADE_PATIENCE: Duration = Duration::from_secs(2);

/// How long a sound card may take to open before the sound comes back in any
/// case.
const CARD_PATIENCE: Duration = Duration::from_secs(5);

/// The part of a block's time that a patch may take if another is to play beside
/// it for a moment.
const MOST_LOAD: f64 = 0.5;

/// Between two looks at what the engine has done.
const LOOK: Duration = Duration::from_millis(2);

/// Between two looks whether a victim is inside a job.
const AIM: Duration = Duration::from_micros(10);

const NOT_REAL_TIME: &str = "The system does not let the sound run in real time. It plays all the \
    same, but other programs may interrupt it. packaging/linux says how to allow it.";

fn silence(why: &str) -> String {
    if why == SILENT_CLOCK {
        return notice::SILENT.to_owned();
    }
    format!(
        "You hear nothing: {why}. The patch runs silently, and will be heard as soon as one does."
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// \[rt\] Keeps the ring as full as it is to be.
    fn play(
        &self,
        mut engine: Engine,
        mut ring: shm_ring::ring::Producer<Arc<FrameRing>>,
        mut spout: Spout,
    ) {
        if !ask_for_real_time(self.pace.block_frames(), self.pace.sample_rate_hz()) {
            tracing::info!("the engine does not run in real time: the system does not let it");
        }
        let mut room: Vec<Frame> = vec![[0.0; 2]; MAX_BLOCK_FRAMES];
        while !self.status.is_stopping.load(Relaxed) {
            let block = &mut room[..engine.block_frames()];
            let filled = RING_FRAMES - ring.room();
            // Its own block: that of the pace may be of a plan that is to come.
            let most = self.pace.ring_frames(block.len() as u32);
            if filled + block.len() > most {
                // The sound card wakes it.
                std::thread::park_timeout(Duration::from_millis(50));
                continue;
            }
            if !engine.block(block) {
                return;
            }
            // Not before: the clock may go on at another sample rate.
            let frame = self.status.frame.load(Relaxed) - block.len() as u64;
            ring.push(block);
            let nanos = self.status.block_nanos.load(Relaxed);
            spout.push(frame, engine.sample_rate_hz(), nanos, block);
        }
    }

    /// How full the ring is at most: what the card takes at once, and what is
    /// computed ahead of it.
    fn ring_frames(&self) -> usize {
        self.pace.ring_frames(self.pace.block_frames())
    }

    fn latency_secs(&self) -> f32 {
        let frames = self.ring_frames() + self.pace.card_frames() as usize;
        frames as f32 / self.pace.sample_rate_hz() as f32
    }

    /// Opens the sound card that is wanted, at the pace that there is.
    fn open_card(&self) {
        let (rate, frames) = (self.pace.sample_rate_hz(), self.pace.block_frames());
        // Until the card has asked.
        self.pace.set_card_frames(frames);
        if let Some(card) = &*lock(&self.card) {
            card.play(lock(&self.output).clone(), rate, frames);
        }
    }

    /// Waits, with the score unlocked, until something is so. False where it was
    /// not in time.
    fn wait_until<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        timeout: Duration,
        is_so: impl Fn() -> bool,
    ) -> (MutexGuard<'a, Score>, bool) {
        let end = Instant::now() + timeout;
        while !score.is_closing && !is_so() {
            if Instant::now() > end {
                return (score, false);
            }
            // The engine is real-time and wakes nobody.
            let wait = self.changed.wait_timeout(score, LOOK);
            score = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        (score, true)
    }

    /// Fades out, and waits until what was computed before the silence has been
    /// played.
    fn fade_out<'a>(&'a self, mut score: MutexGuard<'a, Score>) -> MutexGuard<'a, Score> {
        score.conductor.mute(true);
        let is_over = || {
            let silent_from = self.status.silent_from.load(Relaxed);
            let frame = self.status.frame.load(Relaxed);
            silent_from != 0 && frame >= silent_from + self.ring_frames() as u64
        };
        self.wait_until(score, FADE_PATIENCE, is_over).0
    }

    /// Has workers make themselves ready, with the score unlocked, and goes over to
    /// the plan that was begun.
    fn commit<'a>(
        &'a self,
        score: MutexGuard<'a, Score>,
        preparation: Preparation,
    ) -> MutexGuard<'a, Score> {
        drop(score);
        preparation.wait();
        let mut score = lock(&self.score);
        score.conductor.commit();
        score
    }

    /// Goes over to the other patch that waits. Both play for a moment, and cross;
    /// where they do not fit side by side, one after the other.
    fn go_over<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        tell: &dyn Fn(&str),
    ) -> MutexGuard<'a, Score> {
        // What happens to modules of the new patch has to wait for it.
        score.is_going_over = true;
        let block_nanos = self.status.block_nanos.load(Relaxed);
        let is_busy = f64::from(block_nanos) * 1e-9 > MOST_LOAD * self.pace.block().as_secs_f64();
        let both = score.waiting.take_if(|_| !is_busy).and_then(|wanted| {
            let begun = score.conductor.begin_other(&wanted.patch);
            begun.map_err(|_| score.waiting = Some(wanted)).ok()
        });
        score = match both {
            Some(preparation) => self.commit(score, preparation),
            None => self.go_over_in_silence(score, tell),
        };
        score.is_going_over = false;
        score
    }

    /// Fades out, gives back all memory, and fades in with the patch that waits.
    fn go_over_in_silence<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        tell: &dyn Fn(&str),
    ) -> MutexGuard<'a, Score> {
        let before = score.conductor.patch().unwrap_or_default();
        score = self.fade_out(score);
        // First the way to nothing, then nothing.
        for _ in 0..2 {
            if score.is_closing {
                return score;
            }
            match score.conductor.begin(&Patch::default()) {
                Ok(preparation) => score = self.commit(score, preparation),
                Err(error) => tell(&format!("{error}. You hear the patch as it was before.")),
            }
            score = self.wait_until_taken_up(score);
            score.conductor.settle();
        }
        let next = score.waiting.take().map_or_else(|| before.clone(), |wanted| wanted.patch);
        let begun = score.conductor.begin(&next).or_else(|error| {
            tell(&format!("{error}. You hear the patch as it was before."));
            score.conductor.begin(&before)
        });
        if let Ok(preparation) = begun {
            score = self.commit(score, preparation);
        }
        score.conductor.mute(false);
        score
    }

    /// Goes over to another block, which nobody hears, or to another sample rate,
    /// which takes a short silence.
    fn change_pace<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        (rate, frames): (u32, u32),
        tell: &dyn Fn(&str),
    ) -> MutexGuard<'a, Score> {
        let is_other_rate = rate != self.pace.sample_rate_hz();
        if is_other_rate {
            score.is_going_over = true;
            score = self.fade_out(score);
        }
        let begun = score.conductor.set_block_frames(frames).and_then(|()| {
            if is_other_rate {
                return score.conductor.begin_at_rate(rate);
            }
            let patch = score.conductor.patch().unwrap_or_default();
            score.conductor.begin(&patch)
        });
        match begun {
            Ok(preparation) => {
                score = self.commit(score, preparation);
                self.pace.set(rate, frames);
                self.pool.set_patience(Patience::live(self.pace.block()));
                let said = lock(&self.device).1;
                self.open_card();
                self.mind_ear(&score);
                if is_other_rate && lock(&self.card).is_some() {
                    let is_open = || lock(&self.device).1 != said;
                    (score, _) = self.wait_until(score, CARD_PATIENCE, is_open);
                }
            }
            Err(error) => {
                // Less memory than there was is always there.
                let _ = score.conductor.set_block_frames(self.pace.block_frames());
                tell(&format!("{error}. The sound goes on as it was before."));
            }
        }
        if is_other_rate {
            score.is_going_over = false;
            score.conductor.mute(false);
        }
        score.play_early();
        score
    }

    /// Fades out, has begin anew what rings or is held, and fades in.
    fn come_to_rest<'a>(
        &'a self,
        mut score: MutexGuard<'a, Score>,
        tell: &dyn Fn(&str),
    ) -> MutexGuard<'a, Score> {
        score.conductor.mute(true);
        score.is_going_over = true;
        let is_silent = || self.status.silent_from.load(Relaxed) != 0;
        (score, _) = self.wait_until(score, FADE_PATIENCE, is_silent);
        match score.conductor.begin_at_rest() {
            Ok(preparation) => score = self.commit(score, preparation),
            Err(error) => tell(&format!("{error}. Keys are up, but echoes and tails ring on.")),
        }
        score.is_going_over = false;
        score.conductor.mute(false);
        score.play_early();
        score
    }

    /// What there is to tell of modules in trouble.
    fn sentences(&self, troubles: Vec<Trouble>) -> Vec<String> {
        let keys: HashMap<u32, Key> = {
            let score = lock(&self.score);
            score.conductor.numbers().map(|(key, number)| (number, key.clone())).collect()
        };
        notice::tell(troubles, &keys, self.settings.crashes.as_deref())
    }

    /// Every module that has given trouble.
    fn faults(&self) -> Vec<ModuleFault> {
        let cases: BTreeMap<u32, Case> = self.pool.cases().into_iter().collect();
        let score = lock(&self.score);
        let Some(plan) = score.conductor.plan() else { return Vec::new() };
        let faults = plan.modules.iter().filter_map(|(key, &index)| {
            let module = &plan.tables.modules[index];
            let record: &ModuleRecord = self.shared.arena.record(module.memory as usize)?;
            let not_finite = record.not_finite.load(Ordering::Relaxed);
            let case = cases.get(&module.number).filter(|case| case.has_trouble());
            (not_finite > 0 || case.is_some()).then(|| ModuleFault {
                module: key.0.to_string(),
                state: case.map_or(FaultState::Runs, |case| case.rung.into()),
                crashes: case.map_or(0, |case| case.crashes),
                not_finite,
            })
        });
        faults.collect()
    }

    /// Makes plans of edits until the end.
    fn follow_edits(&self, tell: &dyn Fn(&str)) {
        let mut score = lock(&self.score);
        loop {
            score = self.wait_until_taken_up(score);
            if score.is_closing {
                return;
            }
            score.conductor.settle();
            if let Some(journal) = &self.journal {
                journal.taken_up(score.conductor.patch());
            }
            if !score.conductor.is_passing()
                && let Some(pace) = score.wanted_pace.take()
            {
                score = self.change_pace(score, pace, tell);
                continue;
            }
            if !score.conductor.is_passing() && std::mem::take(&mut score.wants_rest) {
                score = self.come_to_rest(score, tell);
                continue;
            }
            if !score.conductor.is_passing() && score.wanted.is_none() && !score.has_new_clips {
                let is_idle = |score: &Score| {
                    score.wanted.is_none()
                        && score.wanted_pace.is_none()
                        && !score.has_new_clips
                        && !score.wants_rest
                };
                let idle = |score: &mut Score| is_idle(score) && !score.is_closing;
                score =
                    self.changed.wait_while(score, idle).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            score = self.wait_until_kept(score);
            score.has_new_clips = false;
            if score.waiting.as_ref().is_some_and(|wanted| wanted.is_another) {
                score = self.go_over(score, tell);
            } else {
                let waiting = score.waiting.take().map(|wanted| wanted.patch);
                let next = waiting.or_else(|| score.conductor.patch()).unwrap_or_default();
                match score.conductor.begin(&next) {
                    // Meanwhile knobs are turned.
                    Ok(preparation) => score = self.commit(score, preparation),
                    Err(error) => tell(&format!("{error}. You hear the patch as it was before.")),
                }
            }
            score.play_early();
            self.mind_ear(&score);
            let complaints = score.conductor.clips().take_complaints();
            complaints.iter().for_each(|complaint| tell(&complaint.to_string()));
            let unread = score.conductor.clips().take_unread();
            if !unread.is_empty() {
                score.unread.extend(unread);
                self.changed.notify_all();
            }
        }
    }

    /// What is wanted comes to the disk before a plan is made of it: if that
    /// plan ends this program, the next start knows which it was.
    fn wait_until_kept<'a>(&'a self, mut score: MutexGuard<'a, Score>) -> MutexGuard<'a, Score> {
        score.waiting = score.wanted.take();
        if let (Some(journal), true) = (&self.journal, score.waiting.is_some()) {
            let ticket = score.ticket;
            drop(score);
            journal.wait(ticket, DISK_PATIENCE);
            score = lock(&self.score);
        }
        score
    }

    /// Tells the journal until the end what modules remember, and which are left
    /// alone.
    fn keep_session(&self, journal: &Journal) {
        while !self.status.is_stopping.load(Relaxed) {
            std::thread::park_timeout(SNAPSHOT_EVERY);
            journal.set_quarantined(&self.quarantined());
            if let Some(snapshot) = self.snapshot() {
                journal.keep_snapshot(&snapshot);
            }
        }
    }

    /// The modules whose code is left alone until it is tried again.
    fn quarantined(&self) -> BTreeSet<ModuleId> {
        let mut cases = self.pool.cases();
        cases.retain(|(_, case)| case.rung == Rung::Quarantine);
        let score = lock(&self.score);
        let is_left_alone = |(_, number): &(&Key, u32)| cases.iter().any(|case| case.0 == *number);
        let keys = score.conductor.numbers().filter(is_left_alone);
        let keys = keys.filter(|(key, _)| !key.0.is_leaving());
        keys.map(|(key, _)| key.0.clone()).collect()
    }

    /// What every module remembers at the start of some block.
    fn snapshot(&self) -> Option<Snapshot> {
        let (generation, places) = lock(&self.score).conductor.places();
        let copied = snapshot::copy(&self.shared, &places)?;
        // Of another plan's modules, some may have had this memory already.
        (lock(&self.score).conductor.places().0 == generation).then_some(copied)
    }

    fn wait_until_taken_up<'a>(&self, mut score: MutexGuard<'a, Score>) -> MutexGuard<'a, Score>
    where
        Self: 'a,
    {
        while !score.is_closing && !score.conductor.is_taken_up() {
            // The engine is real-time and wakes nobody; a block is not long.
            let nap = self.pace.block().max(Duration::from_millis(1));
            let wait = self.changed.wait_timeout(score, nap);
            score = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        score
    }
}

impl Sound for Player {
    fn patch_changed(&mut self, patch: &Patch) {
        self.want(patch, false);
    }

    fn patch_replaced(&mut self, patch: &Patch) {
        self.want(patch, true);
    }

    fn param_changed(&mut self, module: &ModuleId, param: usize, value: f32) {
        let mut score = lock(&self.inner.score);
        // A plan that is about to be made must know of it too.
        let Score { wanted, waiting, .. } = &mut *score;
        for wanted in [wanted, waiting].into_iter().flatten() {
            if let Some(module) = wanted.patch.modules.get_mut(module)
                && let Ok(about) = module.about()
                && let Some(param) = about.params.get(param)
            {
                module.params.insert(param.name.into(), value);
            }
        }
        let Some(key) = score.key(module) else { return };
        let is_heard = !score.is_parting() && score.conductor.set_param(&key, param, value);
        if !is_heard && is_switch(&key, param) {
            // Its plan begins where the switch is in the end.
            score.early.push((module.clone(), Early::Switch(param, value)));
        }
    }

    fn event(&mut self, module: &ModuleId, event: Event) {
        let mut score = lock(&self.inner.score);
        let is_to_wait = score.is_going_over || score.is_parting();
        let key = score.key(module).filter(|_| !is_to_wait);
        if !key.is_some_and(|key| score.conductor.event(&key, event)) {
            score.early.push((module.clone(), Early::Event(event)));
        }
    }

    fn panic(&mut self) {
        lock(&self.inner.score).wants_rest = true;
        self.inner.changed.notify_all();
    }

    fn try_again(&mut self, module: &ModuleId) -> bool {
        let score = lock(&self.inner.score);
        let numbers = score.conductor.numbers().filter(|(key, _)| key.0 == *module);
        let numbers: Vec<u32> = numbers.map(|(_, number)| number).collect();
        drop(score);
        numbers.into_iter().fold(false, |is_any, number| self.inner.pool.try_again(number) | is_any)
    }

    fn keep(&mut self, patch: &Patch) {
        if let Some(journal) = &self.inner.journal {
            journal.keep(patch.clone());
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.inner.journal.as_ref().map(|journal| journal.kept())
    }

    fn status(&self) -> Status {
        let inner = &self.inner;
        let rate = inner.pace.sample_rate_hz() as f32;
        let frames = inner.pace.block_frames();
        let block_secs = frames as f32 / rate;
        let device = match &lock(&inner.device).0 {
            News::Playing(card) => card.clone(),
            News::Silent(_) => SILENT_CLOCK.to_owned(),
        };
        let jobs = lock(&inner.score).conductor.plan().map(|plan| plan.tables.slots.clone());
        let jobs = jobs.unwrap_or_default();
        let restarts = inner.pool.restarts();
        let worker = |(pid, seat): (u32, Seat)| {
            let slot = if let Seat::Holds(slot) = seat { Some(slot) } else { None };
            let busy = slot.map_or(0, |slot| {
                inner.shared.slot_record(slot).busy_nanos.load(Ordering::Relaxed)
            });
            WorkerStatus {
                slot: slot.map_or(u32::MAX, |slot| slot as u32),
                pid,
                state: match seat {
                    Seat::Holds(_) => WorkerState::Working,
                    Seat::Spare => WorkerState::Spare,
                    Seat::Away => WorkerState::Away,
                    Seat::Warming | Seat::Empty => WorkerState::WarmingUp,
                },
                jobs: slot.and_then(|slot| jobs.get(slot)).map_or(0, |jobs| jobs.count),
                load: busy as f32 * 1e-9 / block_secs,
                restarts: slot.and_then(|slot| restarts.get(slot)).copied().unwrap_or(0),
            }
        };
        Status {
            sample_rate_hz: rate,
            block_frames: frames,
            device,
            load: inner.status.block_nanos.load(Relaxed) as f32 * 1e-9 / block_secs,
            latency_secs: inner.latency_secs(),
            xruns: inner.status.xruns.load(Relaxed),
            blocks: inner.status.blocks.load(Relaxed),
            workers: inner.pool.workers().into_iter().map(worker).collect(),
            faults: inner.faults(),
        }
    }

    fn meters(&self) -> Vec<(ModuleId, Vec<f32>)> {
        let score = lock(&self.inner.score);
        let Some(plan) = score.conductor.plan() else { return Vec::new() };
        let shown = plan.modules.iter().filter_map(|(key, &index)| {
            let module = &plan.tables.modules[index];
            let count = CATALOG[module.kind as usize].about.display;
            let offset = module.memory as usize + self.inner.layouts[module.kind as usize].display;
            let cells: &[shm_ring::sync::AtomicU32] =
                self.inner.shared.arena.records(offset, count)?;
            let numbers = cells.iter().map(|cell| f32::from_bits(cell.load(Ordering::Relaxed)));
            (count > 0).then(|| (key.0.clone(), numbers.collect()))
        });
        shown.collect()
    }

    fn view_number(&self) -> u32 {
        lock(&self.inner.score).conductor.plan().map_or(0, |plan| plan.tables.generation)
    }

    fn view(&self) -> Option<View> {
        let (inner, score) = (&self.inner, lock(&self.inner.score));
        let plan = score.conductor.plan()?;
        let seen = |(key, &index): (&Key, &usize)| {
            let module = &plan.tables.modules[index];
            let (id, kind) = key.clone();
            Seen { id, kind, memory: module.memory, slot: module.slot }
        };
        Some(View {
            control: inner.shared.control.name().to_owned(),
            arena: inner.shared.arena.name().to_owned(),
            sample_rate_hz: inner.pace.sample_rate_hz() as f32,
            block_frames: inner.pace.block_frames(),
            modules: plan.modules.iter().map(seen).collect(),
        })
    }

    fn recorder(&self) -> Option<Remote> {
        self.recorder.as_ref().map(Recorder::remote)
    }

    fn setup(&self) -> SoundSetup {
        let inner = &self.inner;
        let why_not = match &lock(&inner.device).0 {
            News::Playing(_) => None,
            News::Silent(why) => Some(why.clone()),
        };
        SoundSetup {
            device: lock(&inner.output).id().to_owned(),
            sample_rate_hz: inner.pace.sample_rate_hz(),
            block_frames: inner.pace.block_frames(),
            ahead: inner.pace.ahead(),
            latency_secs: inner.latency_secs(),
            why_not,
        }
    }

    fn input(&self) -> InputSetup {
        let inner = &self.inner;
        let flow = inner.mouth.flow();
        let (card, why_not) = match lock(&inner.hearing).clone() {
            ear::News::Resting => (String::new(), None),
            ear::News::Listening(card) => (card, None),
            ear::News::Deaf(why) => (String::new(), Some(why)),
        };
        let waiting = flow.waiting_frames() + inner.pace.block_frames();
        InputSetup {
            input: lock(&inner.input).id().to_owned(),
            card,
            latency_secs: waiting as f32 / inner.pace.sample_rate_hz() as f32
                + inner.latency_secs(),
            slips: flow.slips(),
            why_not,
        }
    }

    fn change_setup(&mut self, change: &SoundChange) {
        let inner = &self.inner;
        if let Some(ahead) = change.ahead {
            inner.pace.set_ahead(ahead);
        }
        if let Some(device) = &change.device {
            *lock(&inner.output) = Output::of(device);
        }
        if let Some(input) = &change.input {
            self.listen_to(Input::of(input));
        }
        let mut score = lock(&inner.score);
        let now = (inner.pace.sample_rate_hz(), inner.pace.block_frames());
        // What was wanted a moment ago, and does not play yet, is wanted still.
        let (rate, frames) = score.wanted_pace.unwrap_or(now);
        let rate = change.sample_rate_hz.unwrap_or(rate);
        let frames = change.block_frames.unwrap_or(frames);
        let is_other_pace = (rate, frames) != now || score.is_going_over;
        score.wanted_pace = is_other_pace.then_some((rate, frames));
        drop(score);
        inner.changed.notify_all();
        // The planner opens it, too, where it changes the pace.
        if change.device.is_some() && !is_other_pace {
            inner.open_card();
        }
    }

    fn devices() -> Vec<Card> {
        device::list()
    }

    fn inputs() -> Vec<Card> {
        ear::list()
    }

    fn kill(&mut self, slot: Option<usize>) -> bool {
        let busy = self.busy_slots();
        let is_wanted = |held: usize| slot.is_none_or(|slot| slot == held) && busy >> held & 1 == 1;
        let pool = &self.inner.pool;
        let (seats, workers) = (pool.seats(), pool.workers());
        let holds = |(seat, &is): (usize, &Seat)| match is {
            Seat::Holds(held) if is_wanted(held) => {
                let (pid, _) = workers.iter().find(|(_, seat)| *seat == Seat::Holds(held))?;
                Some((seat, held, *pid))
            }
            _ => None,
        };
        let all: Vec<(usize, usize, u32)> = seats.iter().enumerate().filter_map(holds).collect();
        let chosen = self.random.bits() as usize % all.len().max(1);
        let Some(&(seat, slot, pid)) = all.get(chosen) else { return false };
        let (pool, victims) = (Arc::clone(pool), Arc::clone(&self.victims));
        let victim = Victim { pid, slot, xruns: self.xruns() };
        let block = self.inner.pace.block();
        // Nobody is to wait for the right moment.
        let kill = move || {
            let end = Instant::now() + 4 * block;
            while Instant::now() < end && !pool.is_inside_a_job(seat) {
                std::thread::sleep(AIM);
            }
            if pool.kill(seat) {
                lock(&victims).push(victim);
            }
        };
        let killer = std::thread::Builder::new().name("killer".to_owned()).spawn(kill);
        self.threads.retain(|thread| !thread.is_finished());
        killer.map(|thread| self.threads.push(thread)).is_ok()
    }

    fn killed(&mut self) -> Vec<Killed> {
        let mut killed = Vec::new();
        lock(&self.victims).retain(|&Victim { pid, slot, xruns }| {
            let recovery_secs = match self.inner.pool.aftermath(pid) {
                Aftermath::Unknown => return true,
                Aftermath::Recovered(recovery) => recovery.stamp_nanos as f64 * 1e-9,
                Aftermath::NothingToDo => 0.0,
            };
            let xruns = self.inner.status.xruns.load(Relaxed) - xruns;
            killed.push(Killed { pid, slot: slot as u32, recovery_secs, xruns });
            false
        });
        killed
    }
}
