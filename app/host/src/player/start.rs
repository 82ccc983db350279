//! How a player starts: memory, workers, engine, threads, sound cards.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use dsp_worker::protocol::ModuleLayout;
use dsp_worker::thread::flushing_denormals;
use sostenuto_dsp::random::Random;
use sostenuto_modules::module::Event;
use sostenuto_patch::{Patch, is_played};

use super::score::Score;
use super::{Inner, Keeping, PlayError, Player, Settings, lock};
use crate::conductor::Conductor;
use crate::engine::callback::Callback;
use crate::engine::intake::{InputFeed, intake};
use crate::engine::link::OutLink;
use crate::engine::outlet::{Feed, Outlet};
use crate::engine::pace::Pace;
use crate::engine::reels::reels;
use crate::engine::tap::{Pipe, TapSender};
use crate::engine::{Engine, EngineStatus, Executor};
use crate::notice::{Notice, Tell};
use crate::plan::keys;
use crate::plan::snapshot::Snapshot;
use crate::pool::Pool;
use crate::pool::watchdog::Patience;
use crate::recorder::{ModuleTakes, Recorder};
use crate::shared::Shared;
use crate::sound_card::device::{Device, OutputState, SILENT_CLOCK, Setting};
use crate::sound_card::ear::{self, Ear};
use crate::vital;

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
        tell: impl Fn(Notice) + Send + Sync + 'static,
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
        tell: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Result<Player, PlayError> {
        let tell: Tell = Arc::new(tell);
        let (player, outlet, link) = start(patch, settings, keeping, &tell)?;
        player.open_cards(outlet, link, &tell)?;
        Ok(player)
    }

    /// As [`Player::start`], for an owner of a sound card of their own: it is to
    /// call the callback whenever it wants frames. The output in the settings
    /// does not count.
    ///
    /// # Errors
    /// As in [`Player::start`].
    pub fn start_without_card(
        patch: &Patch,
        settings: Settings,
        tell: impl Fn(Notice) + Send + Sync + 'static,
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
        keeping: Keeping,
        tell: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Result<(Player, Callback), PlayError> {
        let tell: Tell = Arc::new(tell);
        let sample_rate_hz = settings.sample_rate_hz;
        let (player, _, link) = start(patch, settings, keeping, &tell)?;
        Ok((player, Callback::new(&link, sample_rate_hz)))
    }

    /// Opens the output, and what Audio In listens to.
    fn open_cards(
        &self,
        outlet: Arc<Outlet>,
        link: Arc<OutLink>,
        tell: &Tell,
    ) -> Result<(), PlayError> {
        let Settings { output, sample_rate_hz, block_frames, .. } = self.inner.settings.clone();
        let (inner, told) = (Arc::clone(&self.inner), Arc::clone(tell));
        let hear = move |news: OutputState, is_new| {
            let notice = match &news {
                OutputState::Playing(card) => Notice::PlayingThrough { card: card.clone() },
                OutputState::Silent(reason) if reason == SILENT_CLOCK => Notice::SilentClock,
                OutputState::Silent(reason) => Notice::NoSoundCard { reason: reason.clone() },
            };
            if is_new {
                told(notice);
            }
            let mut device = lock(&inner.device);
            *device = (news, device.1 + 1);
            drop(device);
            inner.changed.notify_all();
        };
        let setting = Setting { output, sample_rate_hz, block_frames };
        let device = Device::start(setting, outlet, link, hear)?;
        *lock(&self.inner.card) = Some(device);
        let (inner, told) = (Arc::clone(&self.inner), Arc::clone(tell));
        let hear = move |news: ear::InputState| {
            match &news {
                ear::InputState::Resting => {}
                ear::InputState::Listening(card) => {
                    told(Notice::ListeningTo { card: card.clone() })
                }
                ear::InputState::Deaf(reason) => {
                    told(Notice::NotListening { reason: reason.clone() })
                }
            }
            *lock(&inner.hearing) = news;
        };
        let ear = Ear::start(self.inner.input_feed.clone(), hear)?;
        *lock(&self.inner.ear) = Some((ear, None));
        self.inner.sync_input(&lock(&self.inner.score));
        Ok(())
    }
}

/// Starts all but the sound cards.
fn start(
    patch: &Patch,
    settings: Settings,
    Keeping { snapshot, journal, remembered, recordings }: Keeping,
    tell: &Tell,
) -> Result<(Player, Arc<Outlet>, Arc<OutLink>), PlayError> {
    let shared = Arc::new(Shared::create()?);
    let (rate, frames) = (settings.sample_rate_hz, settings.block_frames);
    let (mut engine, commands, status) =
        Engine::new(Arc::clone(&shared), Executor::Workers, rate, frames);
    let pool = start_pool(&shared, &settings, tell)?;
    let mut conductor = Conductor::new(
        Arc::clone(&shared),
        Some(Arc::clone(&pool)),
        settings.crew.busy,
        rate,
        frames,
        (commands, Arc::clone(&status)),
    );
    let (input_feed, intake) = intake();
    engine.hear(intake);
    let takes = recordings.map(|folder| record_modules(&mut engine, folder));
    lead(&mut engine, &mut conductor, patch, snapshot, &settings)?;
    for complaint in conductor.clips().take_complaints() {
        tell(Notice::Clip(complaint));
    }
    conductor.clips().read_by_others();
    let (sender, pipe) = Pipe::new();
    let recorder = start_recorder(&pipe, remembered, rate, tell)?;
    let inner = Inner::new(shared, pool, status, settings, conductor, journal, input_feed, pipe);
    let inner = Arc::new(inner);
    tell_failures(&inner, tell);
    let link = OutLink::create()?;
    let (outlet, feed) = Outlet::new(&link);
    let threads = start_threads(&inner, engine, feed, sender, takes, tell)?;
    let random = Random::new(u64::from(std::process::id()));
    Ok((Player { inner, threads, recorder, random, victims: Arc::default() }, outlet, link))
}

fn start_pool(
    shared: &Arc<Shared>,
    settings: &Settings,
    tell: &Tell,
) -> Result<Arc<Pool>, PlayError> {
    let (rate, frames) = (settings.sample_rate_hz, settings.block_frames);
    let block = Duration::from_secs_f64(f64::from(frames) / f64::from(rate));
    let program = settings.program.clone();
    let pool = Pool::start(Arc::clone(shared), program, settings.crew, Patience::live(block))?;
    if !pool.is_real_time() {
        tell(Notice::NotRealTime);
    }
    Ok(Arc::new(pool))
}

/// Recorder modules record into that folder.
fn record_modules(engine: &mut Engine, folder: PathBuf) -> ModuleTakes {
    let (reels, reader) = reels();
    engine.record(reels);
    ModuleTakes::new(folder, reader)
}

/// Makes the first plan, from where another session was if there is a snapshot.
fn lead(
    engine: &mut Engine,
    conductor: &mut Conductor,
    patch: &Patch,
    snapshot: Option<Snapshot>,
    settings: &Settings,
) -> Result<(), PlayError> {
    let plays_on = snapshot.is_some();
    let Snapshot { frame, states, .. } = snapshot.unwrap_or_default();
    engine.begin_at(frame);
    conductor.resume(states, settings.quarantined.iter().cloned());
    conductor.lead(patch)?;
    if plays_on {
        // Nobody is left who could release them.
        let played = keys(patch).filter(|(_, module)| module.about().is_ok_and(is_played));
        for (key, _) in played {
            conductor.event(&key, Event::AllNotesOff);
        }
    }
    Ok(())
}

fn start_recorder(
    pipe: &Pipe,
    remembered: Option<Duration>,
    rate: u32,
    tell: &Tell,
) -> Result<Option<Recorder>, PlayError> {
    let recorder = remembered.and_then(|remembered| Some((remembered, pipe.open()?)));
    let start = |(remembered, tap)| Recorder::start(tap, remembered, rate, Arc::clone(tell));
    Ok(recorder.map(start).transpose()?)
}

/// From now on, failures of modules are told.
fn tell_failures(inner: &Arc<Inner>, tell: &Tell) {
    let (listening, told) = (Arc::downgrade(inner), Arc::clone(tell));
    inner.pool.on_trouble(move |troubles| {
        // Gone only where the pool is going too.
        if let Some(inner) = listening.upgrade() {
            inner.failures(troubles).into_iter().for_each(&*told);
        }
    });
}

fn start_threads(
    inner: &Arc<Inner>,
    engine: Engine,
    feed: Feed,
    sender: TapSender,
    takes: Option<ModuleTakes>,
    tell: &Tell,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let with = || (Arc::clone(inner), Arc::clone(tell));
    // The sound goes on without them.
    let named = |name: &str| Builder::new().name(name.to_owned());
    let (running, _) = with();
    let play = move || flushing_denormals(|| running.play(engine, feed, sender));
    let engine = vital::spawn("engine", play)?;
    let (inner, tell) = with();
    let planner = vital::spawn("planner", move || inner.follow_edits(&*tell))?;
    let (inner, tell) = with();
    let reader = vital::spawn("reader", move || inner.read_sounds(&*tell))?;
    let (inner, tell) = with();
    let sender = named("osc out").spawn(move || inner.send_osc(&*tell))?;
    let mut threads = vec![engine, planner, reader, sender];
    if let Some(takes) = takes {
        let (inner, tell) = with();
        threads.push(named("takes").spawn(move || inner.write_takes(takes, &*tell))?);
    }
    let (inner, _) = with();
    if let Some(journal) = inner.journal.clone() {
        threads.push(vital::spawn("keeper", move || inner.keep_session(&journal))?);
    }
    Ok(threads)
}

impl Inner {
    #[expect(clippy::too_many_arguments, reason = "each is a part of its own")]
    fn new(
        shared: Arc<Shared>,
        pool: Arc<Pool>,
        status: Arc<EngineStatus>,
        settings: Settings,
        conductor: Conductor,
        journal: Option<Arc<crate::journal::Journal>>,
        input_feed: InputFeed,
        pipe: Pipe,
    ) -> Inner {
        let Settings { sample_rate_hz, block_frames, ahead, .. } = settings;
        Inner {
            shared,
            pool,
            status,
            pace: Arc::new(Pace::new(sample_rate_hz, block_frames, ahead)),
            output: Mutex::new(settings.output.clone()),
            settings,
            card: Mutex::new(None),
            device: Mutex::new((OutputState::Silent(SILENT_CLOCK.to_owned()), 0)),
            input: Mutex::default(),
            input_feed,
            ear: Mutex::new(None),
            hearing: Mutex::default(),
            journal,
            score: Mutex::new(Score::new(conductor)),
            changed: Condvar::new(),
            layouts: ModuleLayout::all(),
            pipe,
            may: Mutex::default(),
        }
    }
}
