//! A patch without a sound card: as many frames as wanted, as fast as it goes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use dsp_worker::thread::flushing_denormals;
use shm_ring::region::RegionError;
use sostenuto_patch::Patch;

use crate::conductor::{Conductor, PlanError};
use crate::engine::{Engine, EngineStatus, Executor, Frame};
use crate::notice::{self, Notice};
use crate::plan::Key;
use crate::plan::clips::Complaint;
use crate::plan::snapshot::{self, Snapshot};
use crate::pool::watchdog::Patience;
use crate::pool::{Crew, Pool, PoolError};
use crate::shared::Shared;

use self::sharing::Sharing;

mod sharing;
#[cfg(test)]
mod silent_cables;

/// How a patch is rendered. None of it can be heard, but for the sample rate.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In Hz.
    pub sample_rate_hz: u32,
    /// A multiple of the quantum.
    pub block_frames: u32,
    /// Who computes.
    pub computed_by: ComputedBy,
}

/// Who computes a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComputedBy {
    /// Worker processes of that program.
    Workers {
        /// How many.
        crew: Crew,
        /// Which program.
        program: PathBuf,
    },
    /// This thread alone, by the same plan: the reference.
    InProcess,
}

/// Why a patch was not rendered.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it by itself")]
pub enum RenderError {
    #[error(transparent)]
    Memory(#[from] RegionError),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Texts(String),
}

/// Everything that is asked of a patch before its first block, by `render` and by
/// `check`: whether it fits, and whether its sounds and other texts can be used.
/// Returns what is to be told of it all the same.
///
/// # Errors
/// Where it cannot be rendered. With `may_miss_sounds`, a sound that cannot be
/// read is silent instead.
pub fn ready(
    patch: &Patch,
    settings: &Settings,
    may_miss_sounds: bool,
) -> Result<(Render, Vec<String>), RenderError> {
    let mut render = Render::new(patch, settings)?;
    let notices = render.check_texts(may_miss_sounds)?;
    Ok((render, notices))
}

/// A patch ready to be rendered, block by block.
pub struct Render {
    engine: Engine,
    pool: Option<Arc<Pool>>,
    conductor: Conductor,
    shared: Arc<Shared>,
    status: Arc<EngineStatus>,
    block: Vec<Frame>,
    /// How it is shared over workers as it goes on.
    sharing: Option<Sharing>,
}

impl Render {
    /// Starts the workers and hands them the patch.
    ///
    /// # Errors
    /// Where there is no memory, there are no workers, or the patch is too
    /// large.
    pub fn new(patch: &Patch, settings: &Settings) -> Result<Render, RenderError> {
        Render::resume(patch, settings, None)
    }

    /// As [`Render::new`], from where a snapshot was taken. Echoes and tails
    /// begin anew.
    ///
    /// # Errors
    /// As in [`Render::new`].
    pub fn resume(
        patch: &Patch,
        settings: &Settings,
        snapshot: Option<Snapshot>,
    ) -> Result<Render, RenderError> {
        let shared = Arc::new(Shared::create()?);
        let (rate, frames) = (settings.sample_rate_hz, settings.block_frames);
        let (pool, executor, slots) = match &settings.computed_by {
            ComputedBy::Workers { crew, program } => {
                let patience = Patience::OFFLINE;
                let pool = Pool::start(Arc::clone(&shared), program.clone(), *crew, patience)?;
                (Some(Arc::new(pool)), Executor::Workers, crew.busy)
            }
            ComputedBy::InProcess => (None, Executor::InProcess, 1),
        };
        let (mut engine, commands, status) =
            Engine::new(Arc::clone(&shared), executor, rate, frames);
        let mut conductor = Conductor::new(
            Arc::clone(&shared),
            pool.clone(),
            slots,
            rate,
            frames,
            (commands, Arc::clone(&status)),
        );
        if let Some(snapshot) = snapshot {
            engine.begin_at(snapshot.frame);
            conductor.resume(snapshot.states, []);
        }
        conductor.lead(patch)?;
        let block = vec![[0.0; 2]; frames as usize];
        Ok(Render { engine, pool, conductor, shared, status, block, sharing: None })
    }

    /// The patch stays as it is: from now on what is not heard is not computed, and
    /// blocks are in flight, over as many workers as that pays for. The samples are the
    /// same; what modules remember cannot be copied meanwhile.
    ///
    /// # Errors
    /// Where there is no memory for that; then it goes on as it was.
    pub fn fly(&mut self) -> Result<(), RenderError> {
        let Some(patch) = self.conductor.patch() else { return Ok(()) };
        self.conductor.skip_unheard();
        if let Some(pool) = &self.pool {
            let sharing = Sharing::new(pool.crew().busy);
            sharing.begin(&mut self.conductor)?;
            self.sharing = Some(sharing);
        }
        Ok(self.conductor.lead(&patch)?)
    }

    /// What is to be told of texts of modules that could not be read.
    pub fn complaints(&mut self) -> Vec<String> {
        self.conductor.clips().take_complaints().iter().map(ToString::to_string).collect()
    }

    /// Whether every sound, formula and melody of the patch can be used. Returns
    /// what is to be told of them all the same.
    ///
    /// # Errors
    /// Where one cannot be, unless it is a sound and `may_miss_sounds` is set.
    pub fn check_texts(&mut self, may_miss_sounds: bool) -> Result<Vec<String>, RenderError> {
        let complaints = self.conductor.clips().take_complaints();
        let is_fatal = |complaint: &&Complaint| match complaint {
            Complaint::Sound(_) => !may_miss_sounds,
            Complaint::Text(_) => true,
            Complaint::Part(_) => false,
        };
        let say = |complaint: &Complaint| complaint.to_string();
        let fatal: Vec<String> = complaints.iter().filter(is_fatal).map(say).collect();
        if !fatal.is_empty() {
            return Err(RenderError::Texts(fatal.join(" ")));
        }
        Ok(complaints.iter().map(say).collect())
    }

    /// From now on, who hears of modules in trouble. Crashes are kept in the
    /// folder.
    pub fn on_trouble(
        &self,
        crashes: Option<PathBuf>,
        tell: impl Fn(Notice) + Send + Sync + 'static,
    ) {
        let Some(pool) = &self.pool else { return };
        let keys: HashMap<u32, Key> =
            self.conductor.numbers().map(|(key, number)| (number, key.clone())).collect();
        pool.on_trouble(move |troubles| {
            notice::failures(troubles, &keys, crashes.as_deref()).into_iter().for_each(&tell);
        });
    }

    /// The next block.
    pub fn block(&mut self) -> &[Frame] {
        self.next_block();
        &self.block
    }

    /// The next block, or `None` where the engine was told to stop.
    pub fn block_unless_stopped(&mut self) -> Option<&[Frame]> {
        if self.status.is_stopping.load(Relaxed) {
            return None;
        }
        self.next_block().then_some(&self.block)
    }

    fn next_block(&mut self) -> bool {
        let (engine, block) = (&mut self.engine, &mut self.block);
        let is_whole = flushing_denormals(|| engine.block(block));
        let shared = self.sharing.as_mut().map(|sharing| sharing.follow(&mut self.conductor));
        if let Some(Err(error)) = shared {
            tracing::warn!("it is shared over workers as before: {error}");
            self.sharing = None;
        }
        is_whole
    }

    /// What the engine lets others know; to tell it to stop, too.
    pub fn status(&self) -> Arc<EngineStatus> {
        Arc::clone(&self.status)
    }

    /// What is to be changed from the next block on.
    pub fn conductor(&mut self) -> &mut Conductor {
        &mut self.conductor
    }

    /// Copies what every module of the present plan remembers, at the start of
    /// the last block that was begun; also from another thread, while blocks are
    /// made. It finds nothing where there are no workers: then there is no clock
    /// that says when.
    pub fn copier(&self) -> impl Fn() -> Option<Snapshot> + Send + Sync + 'static {
        let (shared, (_, places)) = (Arc::clone(&self.shared), self.conductor.places());
        let has_clock = self.pool.is_some();
        move || has_clock.then(|| snapshot::copy(&shared, &places)).flatten()
    }

    /// The workers, where there are any.
    pub fn pool(&self) -> Option<&Arc<Pool>> {
        self.pool.as_ref()
    }

    /// That many frames.
    pub fn frames(&mut self, count: usize) -> Vec<Frame> {
        let mut frames = Vec::with_capacity(count + self.block.len());
        while frames.len() < count {
            frames.extend_from_slice(self.block());
        }
        frames.truncate(count);
        frames
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::module::Event;

    use super::*;
    use sostenuto_patch::factory::TEMPLATES;
    use sostenuto_patch::is_played;

    #[test]
    fn every_template_is_heard_once_it_is_played_and_is_not_too_loud() {
        let settings = Settings {
            sample_rate_hz: 48_000,
            block_frames: 256,
            computed_by: ComputedBy::InProcess,
        };
        for template in TEMPLATES.iter().filter(|template| template.name != "empty") {
            let patch = template.patch();
            let mut render = Render::new(&patch, &settings).unwrap();
            render.block();
            for (id, _) in patch.modules.iter().filter(|(_, m)| m.about().is_ok_and(is_played)) {
                let key = render.conductor().key(id).unwrap();
                for (key_number, voct) in [(60, 0.0), (64, 1.0 / 3.0), (67, 7.0 / 12.0)] {
                    let event = Event::NoteOn { key: key_number, voct, velocity: 0.8 };
                    assert!(render.conductor().event(&key, event));
                }
            }
            let frames = render.frames(96_000);
            let loudest = frames.as_flattened().iter().fold(0.0f32, |a, b| a.max(b.abs()));
            assert!((0.1..0.98).contains(&loudest), "{}: {loudest}", template.name);
        }
    }
}
