//! \[rt\] One block after another: take what hands have done, say what is to be
//! computed, wait until it is, mix, limit.

#![allow(unsafe_code, reason = "plans and outputs lie in shared memory")]

pub(crate) mod agenda;
pub mod callback;
pub(crate) mod crossing;
mod demand;
pub(crate) mod flight;
pub(crate) mod followers;
pub mod intake;
pub(crate) mod limiter;
pub mod link;
pub mod outlet;
pub mod pace;
pub(crate) mod reels;
pub mod tap;

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::{Duration, Instant};

use dsp_worker::protocol::{
    APPEARING, LEAVING, MAX_EVENTS, ModuleLayout, Plan, PlanEvent, PlanModule, PlanPen,
    card_input_mut, fade_frames,
};
use dsp_worker::run::{Runner, outputs};
use shm_ring::flight::{is_reached, next_block};
use shm_ring::layout::{BlockStart, ENGINE, SLOTS};
use shm_ring::protocol::{publish, start_block, wait_for_block};
use shm_ring::ring::{Consumer, Producer, Ring};
use shm_ring::sync::Ordering;
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, QUANTUM};
use sostenuto_modules::catalog;
use sostenuto_modules::module::Role;

use self::agenda::Agenda;
use self::crossing::crossed;
use self::flight::Flight;
use self::followers::{Followers, Handover};
use self::intake::Intake;
use self::limiter::Limiter;
use self::reels::{Reels, Run};
use crate::shared::Shared;

/// A stereo frame for the sound card. Full scale is 1.
pub type Frame = [f32; 2];

/// Modules that may be heard at a time, those that fade out included.
pub const MAX_OUTS: usize = 8;

/// Commands that may wait for the next block.
const COMMANDS: usize = 8192;

/// What the engine is told between two blocks.
#[derive(Clone, Copy, Debug, Default)]
pub enum Command {
    /// Nothing.
    #[default]
    Nothing,
    /// A knob was turned; for a plan that is being made ready.
    SetParam {
        /// Into which plan.
        pen: PlanPen,
        /// Which of the plan's params.
        index: u32,
        /// Where it is now.
        value: f32,
    },
    /// A key was pressed, or a knob turned.
    Happen {
        /// What happens, and to which module.
        event: PlanEvent,
        /// Where a param is set: whether it is a switch, which is heard each time
        /// that it is thrown.
        is_switch: bool,
    },
    /// From this block on, this plan.
    Adopt(Adopted),
    /// How fast and how finely the next plan is to be computed.
    Pace {
        /// Frames in a block, from the plan's second block on.
        frames: u32,
        /// In Hz.
        sample_rate_hz: u32,
        /// The clock at the plan's first frame, where it does not just go on.
        frame: Option<u64>,
    },
    /// Fade out, or in again.
    Mute(bool),
    /// Knobs follow scenes and automation as [`EngineStatus::followers`] says from now on.
    Follow,
}

/// A plan that lies ready in shared memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adopted {
    /// Its place in the control region.
    pub place: u32,
    /// Counts plans.
    pub generation: u32,
    /// The slots that have work, as a mask.
    pub busy: u32,
    /// How to change its params.
    pub pen: PlanPen,
    /// What is heard: modules by index, and whether they appear or leave.
    pub outs: [(u32, u32); MAX_OUTS],
    /// How many of these there are.
    pub out_count: u32,
    /// How many of its modules are Recorders.
    pub recorders: u32,
    /// Whether it crosses from one patch to another.
    pub is_crossing: bool,
    /// Whether its slots are stages: blocks may be in flight.
    pub is_staged: bool,
}

/// Who computes the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    /// The worker processes.
    Workers,
    /// This thread, all of them, one after another: the reference.
    InProcess,
}

/// What the engine lets others know.
#[derive(Debug, Default)]
pub struct EngineStatus {
    /// Blocks computed.
    pub blocks: AtomicU64,
    /// Frames computed.
    pub frame: AtomicU64,
    /// The newest plan adopted.
    pub generation: AtomicU32,
    /// The frame at which it was.
    pub plan_frame: AtomicU64,
    /// Time that the last block took, in nanoseconds.
    pub block_nanos: AtomicU32,
    /// Blocks that were not there in time.
    pub xruns: AtomicU64,
    /// The frame from which on nothing is heard, because it was told so; 0 while
    /// it was not.
    pub silent_from: AtomicU64,
    /// The engine is to stop, also in the middle of a block.
    pub is_stopping: AtomicBool,
    /// The other way: which knobs follow what, for [`Command::Follow`].
    pub followers: Handover,
}

impl EngineStatus {
    /// Whether the newest plan is that one, and so many frames of it have played.
    pub fn has_played(&self, generation: u32, frames: u64) -> bool {
        // Acquire: with the generation comes the frame at which it began. Asked
        // the other way round, the new plan could be taken for as old as the
        // one before, and its fade for over.
        if self.generation.load(Acquire) != generation {
            return false;
        }
        let since = self.plan_frame.load(Relaxed);
        self.frame.load(Relaxed) >= since + frames
    }
}

/// The end of the command ring that hosts push to.
pub type Commands = Producer<Arc<Ring<Command, COMMANDS>>>;

/// Computes blocks, in order, each once.
pub struct Engine {
    shared: Arc<Shared>,
    executor: Executor,
    /// Computes in process, or stands in where there is no worker.
    runner: Runner,
    commands: Consumer<Arc<Ring<Command, COMMANDS>>>,
    status: Arc<EngineStatus>,
    layouts: Box<[ModuleLayout]>,
    start: BlockStart,
    flight: Flight,
    plan: Adopted,
    agenda: Agenda,
    /// A command that the agenda had no room for.
    held: Option<Command>,
    events: [PlanEvent; MAX_EVENTS],
    event_count: usize,
    limiter: Limiter,
    intake: Option<Intake>,
    reels: Option<Reels>,
    /// Which kind of the catalogue records.
    recorder: usize,
    followers: Followers,
    /// Frames and Hz of the plan that comes next, and the clock at its start.
    coming: (u32, u32, Option<u64>),
    next_frames: u32,
    is_muted: bool,
    /// From 0 to 1, on its way to what `is_muted` says.
    volume: f32,
}

/// How long it takes to fade out or in where the sample rate changes.
const MUTE_SECS: f32 = 20e-3;

/// How long the engine sleeps at most before it looks whether it is to stop.
const NAP: Duration = Duration::from_millis(100);

impl Engine {
    /// An engine without a plan: it makes silence. Not real-time.
    pub fn new(
        shared: Arc<Shared>,
        executor: Executor,
        sample_rate_hz: u32,
        block_frames: u32,
    ) -> (Engine, Commands, Arc<EngineStatus>) {
        let (producer, consumer) = Ring::split();
        let status = Arc::new(EngineStatus::default());
        let (control, arena) = (Arc::clone(&shared.control), Arc::clone(&shared.arena));
        let engine = Engine {
            shared: Arc::clone(&shared),
            executor,
            runner: Runner::new(control, arena, Arc::clone(&shared.doorbell)),
            commands: consumer,
            status: Arc::clone(&status),
            layouts: ModuleLayout::all(),
            start: BlockStart {
                frames: block_frames,
                sample_rate_hz: sample_rate_hz as f32,
                ..BlockStart::default()
            },
            flight: Flight::default(),
            plan: Adopted::default(),
            agenda: Agenda::default(),
            held: None,
            events: [PlanEvent::default(); MAX_EVENTS],
            event_count: 0,
            limiter: Limiter::new(sample_rate_hz as f32),
            intake: None,
            reels: None,
            recorder: catalog::with_role(Role::Recorder).0,
            followers: Followers::default(),
            coming: (block_frames, sample_rate_hz, None),
            next_frames: block_frames,
            is_muted: false,
            volume: 1.0,
        };
        shared.clock().write(&engine.start);
        (engine, producer, status)
    }

    /// Has the clock begin there instead of at 0. To be called before the first
    /// block. Not real-time.
    pub fn begin_at(&mut self, frame: u64) {
        self.start.frame = frame;
        self.start.plan_frame = frame;
        self.status.frame.store(frame, Relaxed);
        self.shared.clock().write(&self.start);
    }

    /// Has modules hear that from the next block on. Not real-time.
    pub fn hear(&mut self, intake: Intake) {
        self.intake = Some(intake);
    }

    /// Gives what Recorders record to that from the next block on. Not real-time.
    pub fn record(&mut self, reels: Reels) {
        self.reels = Some(reels);
    }

    /// Frames in the next block. Real-time safe.
    pub fn block_frames(&self) -> usize {
        self.start.frames as usize
    }

    /// Of the last block, in Hz. Real-time safe.
    pub fn sample_rate_hz(&self) -> u32 {
        self.start.sample_rate_hz as u32
    }

    /// Computes the next block into `out`, which is as long as a block. False
    /// where it was told to stop before the block was done. Real-time safe.
    pub fn block(&mut self, out: &mut [Frame]) -> bool {
        let began = Instant::now();
        // Nothing changes while blocks are in flight.
        let has_begun = self.flight.has_begun();
        if !has_begun {
            self.keep_params();
            self.follow();
            self.obey();
        }
        self.start.block = next_block(self.start.block);
        self.start.plan = self.plan.place;
        if self.plan.generation == 0 {
            out.fill([0.0; 2]);
        } else {
            if !has_begun {
                self.happen();
                self.listen();
            }
            if !self.compute() {
                return false;
            }
            self.flight.hand_on();
            self.mix(out);
            self.keep_recorded();
            self.hear_leaders();
        }
        self.fade(out);
        self.start.frame += u64::from(self.start.frames);
        self.start.frames = self.next_frames;
        self.status.blocks.fetch_add(1, Relaxed);
        self.status.frame.store(self.start.frame, Relaxed);
        self.status.block_nanos.store(began.elapsed().as_nanos() as u32, Relaxed);
        true
    }

    /// Params that were set within the last block stay so.
    fn keep_params(&mut self) {
        for index in 0..std::mem::take(&mut self.event_count) {
            set_param(&self.shared, &self.plan, self.events[index]);
        }
    }

    /// Does what was commanded since the last block.
    fn obey(&mut self) {
        let mut command = [Command::Nothing];
        loop {
            match self.held.take() {
                Some(held) => command[0] = held,
                None if self.commands.pop(&mut command) == 1 => {}
                None => return,
            }
            match command[0] {
                Command::Nothing => {}
                Command::SetParam { pen, index, value } => {
                    // SAFETY: no block is being computed.
                    unsafe {
                        pen.set_param(&self.shared.control, index as usize, value);
                    }
                }
                Command::Happen { event, is_switch } => {
                    if let Some((param, value)) = event.param() {
                        self.followers.let_go(event.memory(), param, value);
                    }
                    let is_knob = event.param().is_some() && !is_switch;
                    if is_knob && !self.agenda.has(event.memory()) {
                        set_param(&self.shared, &self.plan, event);
                    } else if !self.agenda.take(event, is_switch) {
                        self.held = Some(command[0]);
                        return;
                    }
                }
                Command::Pace { frames, sample_rate_hz, frame } => {
                    self.coming = (frames, sample_rate_hz, frame);
                }
                Command::Mute(is_muted) => self.is_muted = is_muted,
                Command::Follow => {
                    if !self.status.followers.take(&mut self.followers) {
                        self.held = Some(command[0]);
                        return;
                    }
                    self.find_followers();
                }
                Command::Adopt(plan) => {
                    self.plan = plan;
                    for event in self.agenda.standing() {
                        set_param(&self.shared, &self.plan, event);
                    }
                    self.find_followers();
                    self.keep_pace();
                    self.start.plan_frame = self.start.frame;
                    self.status.plan_frame.store(self.start.frame, Relaxed);
                    // Release: with the Acquire in `EngineStatus::has_played`.
                    self.status.generation.store(plan.generation, Release);
                }
            }
        }
    }

    /// Puts knobs that follow others where they belong in the plan that plays.
    fn find_followers(&mut self) {
        let Engine { shared, plan: now, followers, .. } = self;
        // SAFETY: no block is being computed.
        let plan = unsafe { Plan::read_standing(&shared.control, now.place as usize) };
        let Some(plan) = plan.filter(|_| !followers.is_empty()) else { return };
        // SAFETY: as above.
        followers.find_in(&plan, |index, value| unsafe {
            now.pen.set_param(&shared.control, index, value);
        });
    }

    /// Moves the knobs that follow others.
    fn follow(&mut self) {
        let Engine { shared, plan: now, followers, start, .. } = self;
        let block_secs = start.frames as f32 / start.sample_rate_hz;
        // SAFETY: no block is being computed.
        followers.follow(block_secs, |index, value| unsafe {
            now.pen.set_param(&shared.control, index, value);
        });
    }

    /// Hears what is to be followed from the next block on.
    fn hear_leaders(&mut self) {
        let Engine { shared, plan: now, followers, layouts, start, .. } = self;
        if followers.is_empty() {
            return;
        }
        // SAFETY: every slot has done the block, and the next has not begun.
        let plan = unsafe { Plan::read(&shared.control, now.place as usize) };
        let Some(plan) = plan else { return };
        let (arena, frames) = (&shared.arena, start.frames as usize);
        // SAFETY: as above.
        followers.listen(&plan, frames, |module| unsafe {
            outputs(arena, layouts, module, start, (frames - 1) / QUANTUM)
        });
    }

    /// Lays out what happens in this block.
    fn happen(&mut self) {
        let Engine { shared, plan, agenda, events, event_count, start, .. } = self;
        agenda.deliver(start, |event| {
            // From the block's first frame on: no worker has to look for it.
            if event.param().is_some() && event.quantum() == 0 {
                set_param(shared, plan, event);
                return true;
            }
            let Some(place) = events.get_mut(*event_count) else { return false };
            *place = event;
            *event_count += 1;
            true
        });
        // SAFETY: no block is being computed: the last one is done.
        unsafe {
            plan.pen.set_events(&shared.control, &events[..*event_count]);
        }
    }

    /// A new plan begins, perhaps at another pace. The buffer for its first block
    /// is there already.
    fn keep_pace(&mut self) {
        let (frames, sample_rate_hz, frame) = self.coming;
        self.next_frames = frames;
        self.start.frame = frame.unwrap_or(self.start.frame);
        self.coming.2 = None;
        if sample_rate_hz != self.sample_rate_hz() {
            self.start.sample_rate_hz = sample_rate_hz as f32;
            self.limiter = Limiter::new(self.start.sample_rate_hz);
            self.agenda.forget_rests();
        }
    }

    /// Lays out what the sound card heard.
    fn listen(&mut self) {
        let Some(intake) = &mut self.intake else { return };
        // SAFETY: no block is being computed: the last one is done.
        let out = unsafe { card_input_mut(&self.shared.control) };
        intake.fill(self.start.frames as usize, out);
    }

    fn compute(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        // SAFETY: the plan stays as it is until this block is over.
        let plan = unsafe { Plan::read(&shared.control, self.plan.place as usize) };
        let Some(plan) = plan else { return true };
        let (frames, slots) = (self.start.frames, self.plan.busy.count_ones());
        let most = if self.may_change() { 1 } else { self.flight.most(frames, slots) };
        let is_new = self.flight.begin(&mut self.start, most);
        if self.executor == Executor::InProcess {
            shared.clock().write(&self.start);
            let status = &self.status;
            let is_to_stop = || status.is_stopping.load(Relaxed);
            return self.runner.run_all(&self.start, &plan, is_to_stop);
        }
        if is_new {
            self.ring_workers();
        }
        let (busy, block) = (self.plan.busy, self.start.block);
        for slot in (0..SLOTS).filter(|slot| busy >> slot & 1 == 1) {
            let done = &shared.slot_record(slot).done;
            // Acquire: with the Release of whoever has done it.
            while !is_reached(done.load(Ordering::Acquire), block) {
                let (goal, patience) = (self.flight.goal(block), shared.alarm.patience(NAP));
                if wait_for_block(&shared.doorbell, ENGINE, done, goal, Some(patience)) {
                    break;
                }
                if self.status.is_stopping.load(Relaxed) {
                    return false;
                }
                if self.start.in_flight > 1 {
                    // Who looks why finds the block that is waited for.
                    self.ring_workers();
                }
                shared.alarm.ring(block);
                self.runner.mend(&self.start, &plan);
                self.stand_in(&plan, busy & shared.alarm.orphans());
            }
        }
        true
    }

    /// Says which block it is, and how many may be computed.
    fn ring_workers(&self) {
        let shared = &self.shared;
        let (slots, workers) = (shared.slots(), shared.workers());
        start_block(&shared.doorbell, shared.clock(), slots, workers, &self.start, self.plan.busy);
    }

    /// Whether blocks may be in flight.
    fn is_staged(&self) -> bool {
        self.plan.is_staged && self.executor == Executor::Workers
    }

    /// Whether the next block may be another than this one but for what is computed.
    fn may_change(&self) -> bool {
        !self.is_staged()
            || self.next_frames != self.start.frames
            || self.held.is_some()
            || self.commands.filled() > 0
            || self.event_count > 0
            || !self.agenda.is_empty()
            || self.intake.is_some()
            || !self.followers.is_empty()
    }

    /// Passes signals by the modules of slots that have no worker, and none to
    /// come soon: something is heard, and nothing steps.
    fn stand_in(&mut self, plan: &Plan, orphans: u32) {
        if orphans == 0 {
            return;
        }
        let alarm = &self.shared.alarm;
        for (index, job) in plan.jobs.iter().enumerate() {
            let slot = job.slot as usize;
            if orphans >> slot & 1 == 1 && alarm.enter(slot) {
                self.runner.stand_in(&self.start, plan, index as u32);
                alarm.leave();
            }
        }
        for slot in (0..SLOTS).filter(|slot| orphans >> slot & 1 == 1) {
            if self.runner.is_over(&self.start, plan, slot) && alarm.enter(slot) {
                let done = &self.shared.slot_record(slot).done;
                publish(&self.shared.doorbell, done, self.start.block, 0);
                alarm.leave();
            }
        }
    }

    /// Adds up what is to be heard, limits it, and scales volts to full scale.
    fn mix(&mut self, out: &mut [Frame]) {
        // SAFETY: every slot has done the block, and the next has not begun.
        let plan = unsafe { Plan::read(&self.shared.control, self.plan.place as usize) };
        let Some(plan) = plan else { return out.fill([0.0; 2]) };
        let (rate, is_crossing) = (self.start.sample_rate_hz, self.plan.is_crossing);
        let fade_frames = if is_crossing { crossing::frames(rate) } else { fade_frames(rate) };
        out.fill([0.0; 2]);
        for &(index, fade) in &self.plan.outs[..self.plan.out_count as usize] {
            let Some(module) = plan.modules.get(index as usize) else { continue };
            for (quantum, out) in out.chunks_mut(QUANTUM).enumerate() {
                let frame = self.start.frame + (quantum * QUANTUM) as u64;
                let since = (frame - self.start.plan_frame) as f32;
                let gain = |offset: usize| {
                    let way = ((since + offset as f32) / fade_frames as f32).min(1.0);
                    let way = if is_crossing { crossed(way) } else { way };
                    match fade {
                        APPEARING => way,
                        LEAVING => 1.0 - way,
                        _ => 1.0,
                    }
                };
                self.add(module, quantum, gain, out);
            }
        }
        for frame in out {
            *frame = self.limiter.frame(frame.map(|volts| volts / FULL_SCALE_VOLTS));
        }
    }

    /// Hands on what Recorders have recorded.
    fn keep_recorded(&mut self) {
        let Some(reels) = self.reels.as_mut().filter(|_| self.plan.recorders > 0) else { return };
        // SAFETY: every slot has done the block, and the next has not begun.
        let plan = unsafe { Plan::read(&self.shared.control, self.plan.place as usize) };
        let Some(plan) = plan else { return };
        let is_recorder = |module: &&PlanModule| module.kind as usize == self.recorder;
        for module in plan.modules.iter().filter(is_recorder) {
            let run = Run {
                number: module.number,
                sample_rate_hz: self.start.sample_rate_hz as u32,
                frame: self.start.frame,
                ..Run::default()
            };
            let (arena, layouts) = (&self.shared.arena, &self.layouts);
            reels.push(run, self.start.frames as usize, |quantum| {
                // SAFETY: as above.
                unsafe { outputs(arena, layouts, module, &self.start, quantum) }.first_chunk()
            });
        }
    }

    /// Fades out or in, as it was told. What is loud is not touched.
    fn fade(&mut self, out: &mut [Frame]) {
        let goal = if self.is_muted { 0.0 } else { 1.0 };
        if self.volume == goal && goal == 1.0 {
            return;
        }
        let step = 1.0 / (MUTE_SECS * self.start.sample_rate_hz);
        for (offset, frame) in out.iter_mut().enumerate() {
            let way: f32 = goal - self.volume;
            self.volume += way.clamp(-step, step);
            *frame = frame.map(|sample| sample * crossed(self.volume));
            let is_silent = self.status.silent_from.load(Relaxed) != 0;
            if self.volume == 0.0 && !is_silent {
                let silent_from = self.start.frame + offset as u64;
                self.status.silent_from.store(silent_from.max(1), Relaxed);
            } else if self.volume > 0.0 && is_silent {
                self.status.silent_from.store(0, Relaxed);
            }
        }
    }

    fn add(
        &self,
        module: &PlanModule,
        quantum: usize,
        gain: impl Fn(usize) -> f32,
        out: &mut [Frame],
    ) {
        let (arena, layouts) = (&self.shared.arena, &self.layouts);
        // SAFETY: as in `mix`.
        let outputs = unsafe { outputs(arena, layouts, module, &self.start, quantum) };
        let [left, right] = outputs else { return };
        for (offset, frame) in out.iter_mut().enumerate() {
            frame[0] += gain(offset) * left.at(0, offset);
            frame[1] += gain(offset) * right.at(0, offset);
        }
    }
}

/// Sets a param in the plan that plays, where that has its module. Only between
/// two blocks.
fn set_param(shared: &Shared, now: &Adopted, event: PlanEvent) {
    let Some((param, value)) = event.param() else { return };
    // SAFETY: the engine alone calls it, and no block is being computed.
    unsafe {
        let Some(plan) = Plan::read(&shared.control, now.place as usize) else { return };
        let own = |module: &&PlanModule| module.memory == event.memory();
        let Some(module) = plan.modules.iter().find(own) else { return };
        let index = module.first_param as usize + param;
        now.pen.set_param(&shared.control, index, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_numbers_change_parity_also_when_they_wrap() {
        for block in [0, 1, u32::MAX - 1, u32::MAX] {
            assert_ne!(next_block(block), 0);
            assert_ne!(next_block(block) % 2, block % 2);
        }
    }

    #[test]
    fn a_plan_has_not_played_for_as_long_as_the_one_before() {
        const FRAMES: u64 = 100;
        const IS_OVER: u32 = u32::MAX;
        let (status, seen) = (EngineStatus::default(), AtomicU32::new(0));
        let engine = || {
            for plan in 1.. {
                // As the engine does: the frame of its beginning, then the plan.
                let began = status.frame.load(Relaxed);
                status.plan_frame.store(began, Relaxed);
                status.generation.store(plan, Release);
                (0..100).for_each(|_| std::hint::spin_loop());
                status.frame.store(began + FRAMES, Release);
                while seen.load(Acquire) < plan {
                    std::thread::yield_now();
                }
                if seen.load(Acquire) == IS_OVER {
                    return;
                }
            }
        };
        // A machine may have no two cores to spare.
        let end = Instant::now() + Duration::from_millis(500);
        std::thread::scope(|scope| {
            scope.spawn(engine);
            let mut too_early = 0;
            for plan in (1..10_000).take_while(|_| Instant::now() < end) {
                let mut looks = 0;
                while !status.has_played(plan, FRAMES) {
                    looks += 1;
                    if looks % 1000 == 0 {
                        std::thread::yield_now();
                    }
                }
                let frame = status.frame.load(Acquire);
                too_early += u32::from(frame != u64::from(plan) * FRAMES);
                seen.store(plan, Release);
            }
            seen.store(IS_OVER, Release);
            assert_eq!(too_early, 0);
        });
    }
}
