//! From the patch that plays to the patch that should: memory, plan, workers
//! made ready, and only then a word to the engine.
//!
//! An edit takes two plans. The first holds what was and what is to be, and
//! fades from one to the other; the second, once that is over, holds what is.
//! Where both together would make a loop that is in neither, it takes three.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use dsp_worker::process::Order;
use dsp_worker::protocol::{PLANS, PlanEvent, PlanPen, PlanTooLarge, fade_frames};
use shm_ring::layout::ModuleRecord;
use shm_ring::monotonic::now_nanos;
use shm_ring::sync::Ordering;
use shm_ring::world;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_modules::catalog;
use sostenuto_modules::clip::ClipSpan;
use sostenuto_modules::module::{Event, Role};
use sostenuto_modules::param::Param;
use sostenuto_patch::edit::renamed;
use sostenuto_patch::{Cable, Edit, ModuleId, Patch, PatchModule, apply};

use crate::engine::crossing::{self, Parting};
use crate::engine::flight::places;
use crate::engine::followers::Followers;
use crate::engine::reels::MAX_RECORDERS;
use crate::engine::{Adopted, Command, Commands, EngineStatus, MAX_OUTS};
use crate::plan::clips::{self, Clips, Made};
use crate::plan::memory::{ModuleMemory, NoMemory};
use crate::plan::snapshot::{self, StateLocation};
use crate::plan::{Key, Plan, PlanRequest, keys, marks_on_the_way, plan};
use crate::pool::Pool;
use crate::shared::Shared;

/// Audio Out modules of one patch: on the way to the next, its own are heard
/// too.
const MAX_PATCH_OUTS: usize = MAX_OUTS / 2;

/// The same of Recorders.
const MAX_PATCH_RECORDERS: usize = MAX_RECORDERS / 2;

/// Why a patch does not play.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Its modules do not fit.
    #[error(transparent)]
    Memory(#[from] NoMemory),
    /// Its plan does not fit.
    #[error(transparent)]
    Plan(#[from] PlanTooLarge),
    /// More is heard than can be.
    #[error("a patch can have {MAX_PATCH_OUTS} Audio Out modules, this one has {0}")]
    Outs(usize),
    /// More is recorded than can be.
    #[error("a patch can have {MAX_PATCH_RECORDERS} Recorders, this one has {0}")]
    Recorders(usize),
    /// The engine does not answer.
    #[error("the engine stands still: no worker could be started for a part of the patch")]
    Stuck,
}

/// How long a full ring is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// A plan in shared memory.
struct Published {
    place: usize,
    plan: Plan,
    pen: PlanPen,
    /// The cables that are delayed in it, which may be more than in its patch;
    /// see [`marks_on_the_way`].
    delayed: BTreeSet<Cable>,
    frames: u32,
    sample_rate_hz: u32,
}

/// Workers that make themselves ready for a plan.
#[must_use]
pub struct Preparation {
    pool: Option<Arc<Pool>>,
    order: Order,
}

impl Preparation {
    /// Waits until they are.
    pub fn wait(self) {
        if let Some(pool) = self.pool {
            pool.prepare(self.order);
        }
    }
}

/// Leads the engine from plan to plan.
pub struct Conductor {
    shared: Arc<Shared>,
    pool: Option<Arc<Pool>>,
    memory: ModuleMemory,
    clips: Clips,
    slots: usize,
    /// How many stages to share the jobs over, if at all, and by which costs.
    stages: Option<(usize, HashMap<Key, u32>)>,
    /// Outputs without a cable need not be computed.
    skips_unheard: bool,
    sample_rate_hz: f32,
    block_frames: usize,
    generation: u32,
    /// The frames and Hz that the engine knows.
    told_pace: (u32, u32),
    /// The sample rate until the next plan, where that is of another.
    rate_before: Option<f32>,
    /// Whether knobs follow others.
    has_followers: bool,
    /// Modules of the first plan that are not trusted.
    quarantined: BTreeSet<ModuleId>,
    /// What plays.
    now: Option<(Patch, Published)>,
    /// What is being made ready.
    next: Option<(Patch, Published)>,
    commands: Commands,
    status: Arc<EngineStatus>,
}

impl Conductor {
    /// Nothing plays yet. Without a pool the engine computes by itself.
    pub fn new(
        shared: Arc<Shared>,
        pool: Option<Arc<Pool>>,
        slots: usize,
        sample_rate_hz: u32,
        block_frames: u32,
        (commands, status): (Commands, Arc<EngineStatus>),
    ) -> Conductor {
        let (rate, frames) = (sample_rate_hz as f32, block_frames as usize);
        Conductor {
            memory: ModuleMemory::new(&shared.arena, rate, frames),
            clips: Clips::default(),
            shared,
            pool,
            slots,
            stages: None,
            skips_unheard: false,
            sample_rate_hz: rate,
            block_frames: frames,
            generation: 0,
            told_pace: (block_frames, sample_rate_hz),
            rate_before: None,
            has_followers: false,
            quarantined: BTreeSet::new(),
            now: None,
            next: None,
            commands,
            status,
        }
    }

    /// Modules of the first plan begin with these states, as far as they fit,
    /// and these are in quarantine. To be called before it.
    pub fn resume(
        &mut self,
        mut states: BTreeMap<Key, Box<[u8]>>,
        quarantined: impl IntoIterator<Item = ModuleId>,
    ) {
        self.quarantined = quarantined.into_iter().collect();
        states.retain(|key, _| !self.quarantined.contains(&key.0));
        self.memory.leave(states);
    }

    /// Makes a plan for the way to `next`, and gives it to the engine, which
    /// begins with it at its next block. The plan before must have been taken
    /// up ([`Conductor::is_taken_up`]).
    ///
    /// # Errors
    /// Where it does not fit; what plays plays on.
    pub fn lead(&mut self, next: &Patch) -> Result<(), PlanError> {
        let preparation = self.begin(next)?;
        preparation.wait();
        self.commit();
        Ok(())
    }

    /// The first half of [`Conductor::lead`]: the plan lies in shared memory.
    /// Between the halves params may be turned; nobody needs to be kept from
    /// that while workers make themselves ready.
    ///
    /// # Errors
    /// Where it does not fit; what plays plays on.
    pub fn begin(&mut self, next: &Patch) -> Result<Preparation, PlanError> {
        self.follow_rename(next);
        self.plan_way(next, None)
    }

    /// As [`Conductor::begin`], for another patch instead of the one that plays: no
    /// module goes on in it, whatever it is called, and the sound crosses.
    ///
    /// # Errors
    /// Where both do not fit side by side; what plays plays on.
    pub fn begin_other(&mut self, next: &Patch) -> Result<Preparation, PlanError> {
        let Some(now) = self.now() else { return self.begin(next) };
        let parting = Parting::new(now, next, self.generation + 1);
        let taken = self.memory.taken.clone();
        self.memory.taken = parting.keyed(taken.clone());
        self.plan_way(next, Some(&parting)).inspect_err(|_| {
            self.memory.keep_only(|key| parting.is_old(key));
            self.memory.taken = taken;
        })
    }

    /// Makes the plan for the way to `next`, in which no module of the old patch
    /// goes on where they part.
    fn plan_way(
        &mut self,
        next: &Patch,
        parting: Option<&Parting>,
    ) -> Result<Preparation, PlanError> {
        let count = |role| next.modules.values().filter(|module| module.has_role(role)).count();
        let (outs, recorders) = (count(Role::AudioOut), count(Role::Recorder));
        if outs > MAX_PATCH_OUTS {
            return Err(PlanError::Outs(outs));
        }
        if recorders > MAX_PATCH_RECORDERS {
            return Err(PlanError::Recorders(recorders));
        }
        let new: Vec<Key> = keys(next).map(|(key, _)| key).collect();
        self.memory.check_room(&self.shared.arena, new.iter())?;
        for (key, module) in keys(next) {
            let number = self.memory.take(&self.shared.arena, &key, module)?;
            if let (Some(number), Some(pool)) = (number, &self.pool) {
                if self.quarantined.contains(&key.0) {
                    pool.quarantine(number);
                } else {
                    // Its owner before may have been in quarantine.
                    pool.try_again(number);
                }
            }
        }
        // What the last session has left is for the first plan alone.
        self.memory.leave(BTreeMap::new());
        self.quarantined.clear();
        self.clips.prepare(&self.shared.arena, &mut self.memory, next);
        let (stages, costs) = self.stages.clone().unzip();
        let (mut clips, mut costs) =
            (self.clips.spans(self.plan(), next), costs.unwrap_or_else(|| self.costs()));
        let mut now = self.now.as_ref().map(|(patch, published)| marked(patch, &published.delayed));
        if let Some(parting) = parting {
            now = now.map(|now| Cow::Owned(parting.patch(&now)));
            costs = parting.keyed(costs);
            clips = parting.keyed(self.clips.spans(self.plan(), &Patch::default()));
            clips.extend(self.clips.spans(None, next));
        }
        let delayed = match now.as_deref() {
            Some(now) => marks_on_the_way(now, next),
            None => next.delayed.clone(),
        };
        let plan = plan(&PlanRequest {
            now: now.as_deref(),
            next: &marked(next, &delayed),
            is_crossing: parting.is_some(),
            generation: self.generation + 1,
            slots: self.slots,
            stages,
            skips_unheard: self.skips_unheard,
            memory: &self.memory.taken,
            clips: &clips,
            costs: &costs,
        });
        let old = self.now.as_ref().map(|(_, published)| published.place);
        let place = old.map_or(0, |place| (place + 1) % PLANS);
        plan.tables.write(&self.shared.control, place)?;
        self.generation += 1;
        let pen = PlanPen::new(&plan.tables, place);
        let (frames, generation) = (self.room_frames(), self.generation);
        let order = Order { is_settled: false, new: place, old, frames, generation };
        let (frames, sample_rate_hz) = (self.block_frames as u32, self.sample_rate_hz as u32);
        let published = Published { place, plan, pen, delayed, frames, sample_rate_hz };
        self.next = Some((next.clone(), published));
        Ok(Preparation { pool: self.pool.clone(), order })
    }

    /// The second half: the engine is told.
    pub fn commit(&mut self) {
        let Some((patch, published)) = self.next.take() else { return };
        let Published { frames, sample_rate_hz, .. } = published;
        let pace = (frames, sample_rate_hz);
        if self.told_pace != pace {
            let frame = self.rate_before.map(|before| self.carry_over(before));
            self.rate_before = None;
            self.push(Command::Pace { frames, sample_rate_hz, frame });
            self.told_pace = pace;
        }
        self.push(Command::Adopt(adopted(&published)));
        let memory = |id: &ModuleId, module: &PatchModule| {
            let &index = published.plan.modules.get(&(id.clone(), module.kind.clone()))?;
            Some(published.plan.tables.modules[index].memory)
        };
        let followers = Followers::of(&patch, memory);
        let had_followers = std::mem::replace(&mut self.has_followers, !followers.is_empty());
        if had_followers || self.has_followers {
            self.status.followers.offer(followers);
            self.push(Command::Follow);
        }
        self.now = Some((patch, published));
    }

    /// Blocks are that long from the plan on that is made next. Nobody hears
    /// that.
    ///
    /// # Errors
    /// Where there is no memory for it; then they stay as they are.
    pub fn set_block_frames(&mut self, frames: u32) -> Result<(), PlanError> {
        let before = std::mem::replace(&mut self.block_frames, frames as usize);
        self.make_room().inspect_err(|_| self.block_frames = before)
    }

    /// From the plan on that is made next, the slots are stages, at most so many, by
    /// what modules cost as far as that is known. Nobody hears that.
    ///
    /// # Errors
    /// Where there is no memory for blocks in flight; then it stays as it is.
    pub fn set_stages(&mut self, most: usize, costs: HashMap<Key, u32>) -> Result<(), PlanError> {
        let before = self.stages.replace((most, costs));
        self.make_room().inspect_err(|_| self.stages = before)
    }

    /// From the plan on that is made next, outputs without a cable need not be computed.
    /// No cable may be plugged into one later: its first frames would be missing.
    pub fn skip_unheard(&mut self) {
        self.skips_unheard = true;
    }

    /// How many frames of outputs a module needs room for.
    fn room_frames(&self) -> usize {
        let places = if self.stages.is_some() { places(self.block_frames as u32) } else { 1 };
        self.block_frames * places as usize
    }

    fn make_room(&mut self) -> Result<(), PlanError> {
        let frames = self.room_frames();
        let memory = self.memory.set_block_frames(&self.shared.arena, frames);
        Ok(memory.map_err(NoMemory::from)?)
    }

    /// Fades out, or in again.
    pub fn mute(&mut self, is_muted: bool) {
        self.push(Command::Mute(is_muted));
    }

    /// As [`Conductor::begin`], for the patch that plays, at another sample rate.
    /// Nothing is to be heard meanwhile, and no plan is to be passing.
    ///
    /// Modules go on from what they remember, and the clock with them. What was on
    /// tapes is lost, but for gates.
    ///
    /// # Errors
    /// Where it does not fit; then it plays on at the old rate.
    pub fn begin_at_rate(&mut self, sample_rate_hz: u32) -> Result<Preparation, PlanError> {
        let Some(patch) = self.patch() else { return Err(PlanError::Stuck) };
        let before = std::mem::replace(&mut self.sample_rate_hz, sample_rate_hz as f32);
        self.memory.begin_anew(self.sample_rate_hz, |_| false);
        self.rate_before = Some(before);
        self.begin(&patch).inspect_err(|_| {
            self.sample_rate_hz = before;
            self.rate_before = None;
            self.memory.go_back(before);
        })
    }

    /// Has modules go on from where they are now, in their memory for the new sample
    /// rate. Returns the clock there.
    fn carry_over(&self, before_hz: f32) -> u64 {
        let copied = snapshot::copy(&self.shared, &self.places().1);
        let (frame, states) = copied.map_or_else(
            || (self.status.frame.load(Relaxed), BTreeMap::new()),
            |snapshot| (snapshot.frame, snapshot.states),
        );
        let change = RateChange::new(before_hz, self.sample_rate_hz, frame);
        self.memory.go_on(&self.shared.arena, &states, &change);
        change.to_frame
    }

    /// As [`Conductor::begin`], for the patch that plays, with nothing in it that
    /// rings or is held: only clocks, sequencers and the like go on. Nothing is to
    /// be heard meanwhile, and no plan is to be passing.
    ///
    /// # Errors
    /// Where it does not fit; then it plays on as it was.
    pub fn begin_at_rest(&mut self) -> Result<Preparation, PlanError> {
        let Some(patch) = self.patch() else { return Err(PlanError::Stuck) };
        let rate = self.sample_rate_hz;
        let keeps_time =
            |key: &Key| catalog::find(&key.1).is_some_and(|(_, entry)| entry.about.keeps_time);
        self.memory.begin_anew(rate, keeps_time);
        self.begin(&patch).inspect_err(|_| self.memory.go_back(rate))
    }

    /// A module that only has another name plays on: it keeps its memory.
    fn follow_rename(&mut self, next: &Patch) {
        let Some((now, published)) = &mut self.now else { return };
        let mut left = now.modules.keys().filter(|id| !next.modules.contains_key(*id));
        let mut came = next.modules.keys().filter(|id| !now.modules.contains_key(*id));
        let (Some(id), None, Some(new_id), None) =
            (left.next(), left.next(), came.next(), came.next())
        else {
            return;
        };
        if now.modules[id] != next.modules[new_id] {
            return;
        }
        let (id, new_id, kind) = (id.clone(), new_id.clone(), now.modules[id].kind.clone());
        let edit = Edit::RenameModule { id: id.clone(), new_id: new_id.clone() };
        if apply(now, edit).is_err() {
            return;
        }
        let delayed = std::mem::take(&mut published.delayed).into_iter();
        published.delayed = delayed.map(|cable| renamed(&cable, &id, &new_id)).collect();
        let (old, new) = ((id, kind.clone()), (new_id, kind));
        if let Some(memory) = self.memory.taken.remove(&old) {
            self.memory.taken.insert(new.clone(), memory);
        }
        if let Some(index) = published.plan.modules.remove(&old) {
            published.plan.modules.insert(new, index);
        }
    }

    /// Makes the plan that follows a passing one: without fades, and without
    /// what has left. Where a delay has moved to another cable of a loop, it is
    /// a passing one once more.
    ///
    /// # Errors
    /// Where it does not fit; what plays plays on.
    pub fn arrive(&mut self) -> Result<(), PlanError> {
        self.patch().map_or(Ok(()), |patch| self.lead(&patch))
    }

    /// The patch that plays, with its params as they stand.
    pub fn patch(&self) -> Option<Patch> {
        self.now.as_ref().map(|(patch, _)| patch.clone())
    }

    /// The patch that plays, as it lies here.
    pub fn now(&self) -> Option<&Patch> {
        self.now.as_ref().map(|(patch, _)| patch)
    }

    /// Whether the engine plays the newest plan, and its fades are over.
    pub fn is_taken_up(&self) -> bool {
        let fade_frames = match self.plan() {
            Some(plan) if plan.is_crossing => crossing::frames(self.sample_rate_hz),
            Some(plan) if plan.is_passing => fade_frames(self.sample_rate_hz),
            _ => 0,
        };
        self.status.has_played(self.generation, fade_frames)
    }

    /// Whether the newest plan only passes from one patch to the next.
    pub fn is_passing(&self) -> bool {
        self.now.as_ref().is_some_and(|(_, published)| published.plan.is_passing)
    }

    /// Frees what the plan before the newest had and the newest has not. To be
    /// called once the newest is taken up.
    pub fn settle(&mut self) {
        let Some((patch, published)) = &self.now else { return };
        if let Some(pool) = &self.pool {
            let old = Some((published.place + PLANS - 1) % PLANS);
            let (frames, generation) = (self.room_frames(), self.generation);
            let order = Order { is_settled: true, new: published.place, old, frames, generation };
            pool.settle(order);
        }
        let plan = &published.plan;
        let is_played = |key: &Key| {
            let leaves = plan.is_crossing && key.0.leaves_with(plan.tables.generation);
            plan.modules.contains_key(key) || leaves
        };
        self.memory.keep_only(is_played);
        self.clips.keep_only(&mut self.memory, &published.plan, patch);
    }

    /// The texts of modules, and what they stand for.
    pub fn clips(&mut self) -> &mut Clips {
        &mut self.clips
    }

    /// Memory for a clip that is to be written and then given to
    /// [`Clips::keep`].
    ///
    /// # Errors
    /// Where there is none left.
    pub fn room_for(&mut self, made: &Made) -> Result<ClipSpan, NoMemory> {
        clips::reserve(&mut self.memory, &self.shared.arena, made)
    }

    /// The key of a module of the patch that plays, or of the one that is being
    /// made ready.
    pub fn key(&self, module: &ModuleId) -> Option<Key> {
        let find = |(patch, _): &(Patch, Published)| {
            patch.modules.get(module).map(|found| (module.clone(), found.kind.clone()))
        };
        self.next.as_ref().and_then(find).or_else(|| self.now.as_ref().and_then(find))
    }

    /// The numbers of all modules that play or are being made ready.
    pub fn numbers(&self) -> impl Iterator<Item = (&Key, u32)> {
        self.memory.taken.iter().map(|(key, memory)| (key, memory.number))
    }

    /// Turns a knob at the next block, in the plan that plays and in one that
    /// is being made ready. False where the plan that plays does not have it, or is
    /// about to leave for another patch.
    pub fn set_param(&mut self, key: &Key, param: usize, value: f32) -> bool {
        let is_parting = self.is_parting();
        let ways = [&mut self.now, &mut self.next].into_iter().skip(usize::from(is_parting));
        for (patch, _) in ways.flatten() {
            // A module of that kind may be leaving for another of its name.
            if let Some(module) = patch.modules.get_mut(&key.0)
                && module.kind == key.1
                && let Some(param) = module.about().ok().and_then(|about| about.params.get(param))
            {
                module.params.insert(param.name.into(), value);
            }
        }
        let is_switch = is_switch(key, param);
        let memory = self.memory_now(key);
        if let Some(memory) = memory {
            let event = PlanEvent::set_param(memory, param as u32, value);
            self.push(Command::Happen { event, is_switch });
        }
        if let Some((_, published)) = &self.next
            && let Some(index) = published.plan.param(key, param)
        {
            let pen = published.pen;
            self.push(Command::SetParam { pen, index: index as u32, value });
        }
        memory.is_some()
    }

    /// Something happens to a module at the next block. False where the plan
    /// that plays does not have it.
    pub fn event(&mut self, key: &Key, event: Event) -> bool {
        let Some(memory) = self.memory_now(key) else { return false };
        self.push(Command::Happen { event: PlanEvent::new(memory, event), is_switch: false });
        true
    }

    /// Whether the next plan crosses to another patch.
    fn is_parting(&self) -> bool {
        self.next.as_ref().is_some_and(|(_, next)| next.plan.is_crossing)
    }

    /// Where a module of the plan that plays has its memory; `None` where that is
    /// about to leave for another patch.
    fn memory_now(&self, key: &Key) -> Option<u64> {
        let plan = self.plan().filter(|_| !self.is_parting())?;
        let &module = plan.modules.get(key)?;
        Some(plan.tables.modules[module].memory)
    }

    /// What each module's last block cost, in nanoseconds.
    pub fn costs(&self) -> HashMap<Key, u32> {
        let Some((_, published)) = &self.now else { return HashMap::new() };
        let cost = |(key, &index): (&Key, &usize)| {
            let offset = published.plan.tables.modules[index].memory as usize;
            let record: &ModuleRecord = self.shared.arena.record(offset)?;
            let nanos = record.busy_nanos.load(Ordering::Relaxed);
            (nanos > 0).then(|| (key.clone(), nanos))
        };
        published.plan.modules.iter().filter_map(cost).collect()
    }

    /// Where the states of all modules of the plan that plays lie, and its
    /// generation: while that is the newest, they lie there.
    pub fn places(&self) -> (u32, Vec<StateLocation>) {
        let modules = self.now.iter().flat_map(|(_, published)| published.plan.modules.keys());
        let is_before = self.rate_before.is_some();
        let places = modules.filter_map(|key| self.memory.place(key, is_before));
        (self.generation, places.collect())
    }

    /// The plan that plays.
    pub fn plan(&self) -> Option<&Plan> {
        self.now.as_ref().map(|(_, published)| &published.plan)
    }

    fn push(&mut self, command: Command) {
        // The engine empties the ring at every block, so this waits only for
        // one who turns ten thousand knobs in one block. Where the engine stands
        // still, a knob can wait for the next plan; the host must not.
        let can_wait = matches!(command, Command::SetParam { .. } | Command::Happen { .. });
        let end = now_nanos() + PATIENCE.as_nanos() as u64;
        while self.commands.push(&[command]) == 0 {
            let is_late = can_wait && now_nanos() > end;
            if is_late || self.status.is_stopping.load(Relaxed) {
                return;
            }
            world::sleep(Duration::from_micros(200));
        }
    }
}

/// The patch with these cables delayed.
fn marked<'a>(patch: &'a Patch, delayed: &BTreeSet<Cable>) -> Cow<'a, Patch> {
    if patch.delayed == *delayed {
        return Cow::Borrowed(patch);
    }
    Cow::Owned(Patch { delayed: delayed.clone(), ..patch.clone() })
}

/// Whether a param of such a module is a switch.
pub fn is_switch(key: &Key, param: usize) -> bool {
    let param = catalog::find(&key.1).and_then(|(_, entry)| entry.about.params.get(param));
    param.is_some_and(Param::is_switch)
}

fn adopted(Published { place, plan, pen, .. }: &Published) -> Adopted {
    let mut outs = [(0, 0); MAX_OUTS];
    for (out, &(index, fade)) in outs.iter_mut().zip(&plan.outs) {
        *out = (index as u32, fade);
    }
    Adopted {
        place: *place as u32,
        generation: plan.tables.generation,
        busy: plan.busy(),
        pen: *pen,
        outs,
        out_count: plan.outs.len().min(MAX_OUTS) as u32,
        recorders: plan.recorders as u32,
        is_crossing: plan.is_crossing,
        is_staged: plan.is_staged,
    }
}
