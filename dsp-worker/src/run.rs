//! \[rt\] One block of one slot: wait for what its jobs read, run them, stamp.

#![allow(unsafe_code, reason = "states, outputs and tapes lie in shared memory")]

mod gather;
mod memory;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use shm_ring::doorbell::{Doorbell, Listeners};
use shm_ring::flight::is_reached;
use shm_ring::layout::{
    BlockStart, ENGINE, FINISHING, MODULES, ModuleControl, ModuleRecord, NONE, RESTARTS, RESTS,
    RUNS, SlotControl, SlotRecord, WorkerRecord, arena, control, slot_listener,
};
use shm_ring::monotonic::now_nanos;
use shm_ring::protocol::{enter, is_newest, leave, publish_with, wait_for_block};
use shm_ring::region::Region;
use shm_ring::sync::{AtomicU32, Ordering};
use sostenuto_dsp::signal::{SILENCE, Signal};
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::card::CardInput;
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::limits::{MAX_PARAMS, MAX_PORTS};
use sostenuto_modules::module::{Event, Runs};
use sostenuto_modules::state::{Call, ParamRamps, Quantum, Remedy};
use sostenuto_modules::tools::Tools;
use sostenuto_wasm::run as own;

use self::gather::{Gather, Source};
use self::memory::Memory;
pub(crate) use self::memory::clip;
pub(crate) use self::memory::place_of_quantum;
use crate::faults::{FaultPoints, Step};
use crate::protocol::{Job, MAX_EVENTS, ModuleLayout, Plan, PlanCable, PlanModule, card_input};

/// What one process, or thread, needs to compute modules.
pub struct Runner<F = ()> {
    control: Arc<Region>,
    arena: Arc<Region>,
    doorbell: Arc<Doorbell>,
    layouts: Box<[ModuleLayout]>,
    tools: Tools,
    runs: Option<Box<dyn Runs>>,
    scratch: Box<Scratch>,
    faults: F,
    /// No module's code is run now.
    all_rest: bool,
}

/// A slot in the hands of a worker.
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// The worker.
    pub worker: &'a WorkerRecord,
    /// Which slot.
    pub slot: usize,
    /// What the host says of it.
    pub control: &'a SlotControl,
    /// The slot's epoch when the worker got it.
    pub epoch: u32,
}

impl Holder<'_> {
    fn is_newest(&self) -> bool {
        is_newest(self.control, self.epoch)
    }

    fn enter(&self, job: u32) -> bool {
        enter(self.worker, self.control, self.epoch, job)
    }

    /// Keeps the time of the first stamp since it got the slot.
    fn note_stamp(&self) {
        let word = &self.worker.first_stamp_epoch;
        if word.load(Ordering::Relaxed) != self.epoch {
            self.worker.first_stamp_nanos.store(now_nanos(), Ordering::Relaxed);
            // Release: hands the time to who sees the epoch with Acquire.
            word.store(self.epoch, Ordering::Release);
        }
    }
}

/// How long a worker sleeps at most before it looks whether its slot is still
/// its own: what it waits for may have happened while it was not scheduled.
const NAP: Duration = Duration::from_millis(20);

/// The engine alone, as a set.
const ENGINES: Listeners = 1 << ENGINE.0;

/// Where the cables of one call are added up, and what happens to its module.
struct Scratch {
    sums: [Signal; MAX_PORTS],
    /// Where params are set, where that changes within the block.
    targets: [f32; MAX_PARAMS],
    events: [Event; MAX_EVENTS],
    /// Of the modules of a job, one after another; those past [`KEPT`] share the last.
    kept: Vec<Kept>,
}

/// Modules of a loop of which something is kept from frame to frame.
const KEPT: usize = 64;

/// What is the same in all calls of a module in one quantum.
#[derive(Clone)]
struct Kept {
    ramps: ParamRamps,
    sources: [Source; MAX_PORTS],
}

/// One call of one module: which, and for which frames of which quantum.
#[derive(Clone)]
struct Turn {
    module: usize,
    /// Which one of its job it is.
    place: usize,
    quantum: usize,
    frames: Range<usize>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept { ramps: ParamRamps::default(), sources: [Source::Nothing; MAX_PORTS] }
    }
}

impl Runner {
    /// Plans FFTs and takes scratch memory; not real-time.
    pub fn new(control: Arc<Region>, arena: Arc<Region>, doorbell: Arc<Doorbell>) -> Runner {
        Runner::with_faults(control, arena, doorbell, own::alone(), ())
    }
}

impl<F: FaultPoints> Runner<F> {
    /// As [`Runner::new`], with what runs modules of a musician's own, for a worker that may
    /// be to die at points of a test's choice.
    pub fn with_faults(
        control: Arc<Region>,
        arena: Arc<Region>,
        doorbell: Arc<Doorbell>,
        runs: own::Runner,
        faults: F,
    ) -> Runner<F> {
        Runner {
            control,
            arena,
            doorbell,
            layouts: ModuleLayout::all(),
            tools: Tools::new(),
            runs: Some(Box::new(runs)),
            scratch: Box::new(Scratch {
                sums: [SILENCE; MAX_PORTS],
                targets: [0.0; MAX_PARAMS],
                events: [Event::AllNotesOff; MAX_EVENTS],
                kept: vec![Kept::default(); KEPT + 1],
            }),
            faults,
            all_rest: false,
        }
    }

    /// Runs those jobs of a slot that are not stamped yet, then says that the
    /// slot is done and rings the engine. Gives up where the slot is not the
    /// holder's any more. Where it takes over from a worker that died, it stamps
    /// and rings again what has happened already: nobody knows whether the dead
    /// one came to the last of it. Real-time safe.
    pub fn run_slot(&mut self, start: &BlockStart, plan: &Plan, holder: Holder) {
        let arena = Arc::clone(&self.arena);
        let Some(record) = slot_record(&arena, holder.slot) else { return };
        let Some(&jobs) = plan.slots.get(holder.slot) else { return };
        let jobs = &plan.slot_jobs[jobs.range()];
        if start.in_flight > 1 {
            // Who computes what this slot reads is blocks ahead as a rule, and waits for
            // nothing from here. Where it is not, one sleep for all of it is enough; and
            // what is read last is there last.
            for &index in jobs.iter().rev() {
                if !self.wait_for_sources(start, plan, &plan.jobs[index as usize], holder) {
                    return;
                }
            }
        }
        let mut busy_nanos = 0u32;
        for &index in jobs {
            let job = &plan.jobs[index as usize];
            if !self.wait_for_sources(start, plan, job, holder) {
                return;
            }
            self.faults.reach(Step::BeforeClaim, start.block, index);
            if !holder.enter(index) {
                return;
            }
            if has_happened(&self.arena, start.block, plan, job) {
                self.stamp(start, plan, index);
            } else {
                let begun = holder.worker.jobs_begun.load(Ordering::Relaxed);
                holder.worker.jobs_begun.store(begun.wrapping_add(1), Ordering::Relaxed);
                let nanos = self.run_job(start, plan, index, &holder.worker.module);
                busy_nanos = busy_nanos.saturating_add(nanos);
            }
            holder.note_stamp();
            leave(holder.worker);
        }
        if holder.enter(FINISHING) {
            record.busy_nanos.store(busy_nanos, Ordering::Relaxed);
            let between = || self.faults.reach(Step::AfterDone, start.block, FINISHING);
            let listeners = if start.wakes_engine(start.block) { ENGINES } else { 0 };
            publish_with(&self.doorbell, &record.done, start.block, listeners, between);
            leave(holder.worker);
        }
    }

    /// A worker has heard of a block.
    pub(crate) fn idle(&self, block: u32) {
        self.faults.reach(Step::Idle, block, NONE);
    }

    /// Runs every job of a plan, one after another, without any other worker.
    /// False where it is to stop before the last. Real-time safe.
    pub fn run_all(
        &mut self,
        start: &BlockStart,
        plan: &Plan,
        is_to_stop: impl Fn() -> bool,
    ) -> bool {
        let nobody = AtomicU32::new(NONE);
        (0..plan.jobs.len()).all(|job| {
            self.run_job(start, plan, job as u32, &nobody);
            !is_to_stop()
        })
    }

    /// Runs one job of a plan whose sources are there, without any other worker.
    pub(crate) fn run_alone(&mut self, start: &BlockStart, plan: &Plan, job: u32) {
        self.run_job(start, plan, job, &AtomicU32::new(NONE));
    }

    /// Whether all jobs of a slot are done. Real-time safe.
    pub fn is_over(&self, start: &BlockStart, plan: &Plan, slot: usize) -> bool {
        next_job(&self.arena, start.block, plan, slot).is_none()
    }

    /// Does a job of a slot that has no worker: signals pass its modules by,
    /// whatever they are like, and their code is left alone. Where its sources are
    /// not there yet it is left for later. Real-time safe.
    pub fn stand_in(&mut self, start: &BlockStart, plan: &Plan, index: u32) {
        let job = &plan.jobs[index as usize];
        if has_happened(&self.arena, start.block, plan, job) {
            self.stamp(start, plan, index);
        } else if has_sources(&self.arena, start.block, plan, job) {
            self.all_rest = true;
            self.run_job(start, plan, index, &AtomicU32::new(NONE));
            self.all_rest = false;
        }
    }

    /// Sets stamps again that are gone although their slot has done the block: a wild
    /// write of a module may hit its own stamp, after which nobody would set it any
    /// more, and who reads that module would wait. Real-time safe.
    pub fn mend(&self, start: &BlockStart, plan: &Plan) {
        for (slot, jobs) in plan.slots.iter().enumerate().filter(|(_, jobs)| jobs.count > 0) {
            // Acquire: with the Release of whoever has done it.
            let is_done =
                |record: &SlotRecord| is_reached(record.done.load(Ordering::Acquire), start.block);
            if !slot_record(&self.arena, slot).is_some_and(is_done) {
                continue;
            }
            for &index in &plan.slot_jobs[jobs.range()] {
                let modules = plan.jobs[index as usize].modules.range();
                let is_gone = |&module: &u32| {
                    let stamp = &self.record(&plan.modules[module as usize]).stamp;
                    !is_reached(stamp.load(Ordering::Relaxed), start.block)
                };
                if plan.job_modules[modules].iter().any(is_gone) {
                    self.stamp(start, plan, index);
                }
            }
        }
    }

    /// From the first of these stores on, this block of the job has happened.
    /// Real-time safe.
    pub fn stamp(&self, start: &BlockStart, plan: &Plan, index: u32) {
        let job = &plan.jobs[index as usize];
        for &module in &plan.job_modules[job.modules.range()] {
            let module = &plan.modules[module as usize];
            let (stamp, listeners) = (&self.record(module).stamp, module.listeners);
            let between = || self.faults.reach(Step::AfterStamp, start.block, index);
            publish_with(&self.doorbell, stamp, start.block, listeners, between);
        }
    }

    /// False where the slot was taken away meanwhile.
    fn wait_for_sources(&self, start: &BlockStart, plan: &Plan, job: &Job, holder: Holder) -> bool {
        let me = slot_listener(holder.slot);
        for source in sources(plan, job) {
            let stamp = &self.record(source).stamp;
            while !wait_for_block(&self.doorbell, me, stamp, start.block, Some(NAP)) {
                if !holder.is_newest() {
                    return false;
                }
            }
        }
        true
    }

    /// Computes a job and stamps it. Returns how long it took, in nanoseconds.
    fn run_job(&mut self, start: &BlockStart, plan: &Plan, index: u32, at: &AtomicU32) -> u32 {
        let busy_nanos = self.compute(start, plan, index, at);
        self.faults.reach(Step::BeforeStamp, start.block, index);
        self.stamp(start, plan, index);
        busy_nanos
    }

    /// Computes a job whose sources are there, and does not stamp it. `at` says all
    /// the time which module it is at. Returns how long it took, in nanoseconds.
    /// Real-time safe.
    pub fn compute(&mut self, start: &BlockStart, plan: &Plan, index: u32, at: &AtomicU32) -> u32 {
        let began = now_nanos();
        let job = &plan.jobs[index as usize];
        let modules = &plan.job_modules[job.modules.range()];
        let quanta = start.frames as usize / QUANTUM;
        for &module in modules {
            self.begin(start, &plan.modules[module as usize]);
        }
        if job.is_loop == 0 {
            for &module in modules {
                for quantum in 0..quanta {
                    let (module, frames) = (module as usize, 0..QUANTUM);
                    let turn = Turn { module, place: 0, quantum, frames };
                    self.call(start, plan, turn, at);
                    self.faults.reach(Step::MidWrite, start.block, index);
                }
                self.keep_last_frames(start, plan, module as usize, quanta - 1);
            }
        } else {
            for quantum in 0..quanta {
                for frame in 0..QUANTUM {
                    for (place, &module) in modules.iter().enumerate() {
                        let (module, frames) = (module as usize, frame..frame + 1);
                        let turn = Turn { module, place, quantum, frames };
                        self.call(start, plan, turn, at);
                    }
                }
                self.faults.reach(Step::MidWrite, start.block, index);
                for &module in modules {
                    self.keep_last_frames(start, plan, module as usize, quantum);
                }
            }
        }
        at.store(NONE, Ordering::Relaxed);
        let busy_nanos = (now_nanos() - began) as u32;
        for &module in modules {
            let record = self.record(&plan.modules[module as usize]);
            record.busy_nanos.store(busy_nanos / modules.len() as u32, Ordering::Relaxed);
        }
        busy_nanos
    }

    /// Takes a copy of the committed state for this block to work on.
    fn begin(&self, start: &BlockStart, module: &PlanModule) {
        let memory = self.memory(module);
        let (committed, next) = memory.states(start.block);
        next.copy_from_slice(committed);
        let entry = &CATALOG[module.kind as usize];
        let remedy = self.remedy(start, module);
        memory.layout.state.remedy(entry, next, remedy, module.seed);
    }

    fn remedy(&self, start: &BlockStart, module: &PlanModule) -> Remedy {
        if self.all_rest {
            return Remedy::Rests;
        }
        match remedy(&self.control, module, start.block) {
            RESTS => Remedy::Rests,
            RESTARTS => Remedy::Restarts,
            _ => Remedy::Runs,
        }
    }

    fn keep_last_frames(&self, start: &BlockStart, plan: &Plan, module: usize, quantum: usize) {
        let memory = self.memory(&plan.modules[module]);
        let (_, state) = memory.states(start.block);
        memory.layout.state.keep_last_frames(state, memory.outputs(start, quantum));
    }

    fn call(&mut self, start: &BlockStart, plan: &Plan, turn: Turn, at: &AtomicU32) {
        let module = &plan.modules[turn.module];
        at.store(turn.module as u32, Ordering::Relaxed);
        let entry = &CATALOG[module.kind as usize];
        let ports = entry.room.inputs.len();
        let Scratch { sums, targets, events, kept } = &mut *self.scratch;
        let Kept { ramps, sources } = &mut kept[turn.place.min(KEPT)];
        let gather = Gather { start, plan, arena: &self.arena, layouts: &self.layouts };
        let (targets, events) = if turn.frames.start == 0 || turn.place >= KEPT {
            ramps.reset();
            let cables = &plan.inputs[module.first_input as usize..][..ports];
            for (source, &cables) in sources.iter_mut().zip(cables) {
                *source = gather.source(cables, &turn);
            }
            news(plan, module, turn.quantum, targets, events)
        } else {
            // The ramps lead to the targets already, and events are the first frame's.
            Default::default()
        };
        let mut inputs = [&SILENCE; MAX_PORTS];
        for ((input, &source), sum) in inputs.iter_mut().zip(&sources[..ports]).zip(sums) {
            *input = gather.input(source, &turn, sum);
        }

        let memory = Memory::of(&self.arena, &self.layouts, module);
        let (_, state) = memory.states(start.block);
        let tape_spans = &plan.tapes[module.tapes.range()];
        let rests = memory.layout.state.rests(state);
        let clip = clip(&self.arena, &module.clip);
        // SAFETY: this block is being computed.
        let card = CardInput::new(unsafe { card_input(&self.control) }, turn.quantum * QUANTUM);
        let (tools, runs) = (&mut self.tools, &mut self.runs);
        let previous = turn.quantum.checked_sub(1).map(|quantum| memory.outputs(start, quantum));
        let mut run = |state: &mut [u8], rests: bool| {
            let call = Call {
                entry,
                layout: &memory.layout.state,
                state,
                targets,
                ramps,
                inputs: &inputs[..ports],
                outputs: memory.outputs_mut(start, turn.quantum),
                previous,
                tapes: memory.tapes(tape_spans),
                tape_spans,
                clip,
                card,
                events,
                display: memory.display(),
                unheard: module.unheard as u32,
                tools,
                runs,
                is_bypassed: module.is_bypassed != 0,
                rests,
            };
            call.run(Quantum {
                sample_rate_hz: start.sample_rate_hz,
                frame: start.frame + (turn.quantum * QUANTUM) as u64,
                frames: turn.frames.clone(),
            })
        };
        let not_finite = run(state, rests);
        if not_finite > 0 {
            memory.record().not_finite.fetch_add(not_finite, Ordering::Relaxed);
            memory.layout.state.restart(entry, state, module.seed);
            // Once more, from a fresh state. Where that does not help either,
            // signals pass it by for this once.
            if run(state, false) > 0 {
                memory.layout.state.restart(entry, state, module.seed);
                run(state, true);
            }
        }
    }

    fn record(&self, module: &PlanModule) -> &ModuleRecord {
        self.memory(module).record()
    }

    fn memory(&self, module: &PlanModule) -> Memory<'_> {
        Memory::of(&self.arena, &self.layouts, module)
    }
}

/// Where the params of a module are set in a quantum, and what happens to it then.
fn news<'a>(
    plan: &'a Plan,
    module: &PlanModule,
    quantum: usize,
    targets: &'a mut [f32],
    events: &'a mut [Event],
) -> (&'a [f32], &'a [Event]) {
    let params = CATALOG[module.kind as usize].room.params.len();
    let params = &plan.params[module.first_param as usize..][..params];
    let (mut has_changed, mut count) = (false, 0);
    for event in plan.events.iter().filter(|event| event.memory() == module.memory) {
        match (event.param(), event.event()) {
            // It stays so to the end of the block.
            (Some((param, value)), _) if event.quantum() <= quantum => {
                if !std::mem::replace(&mut has_changed, true) {
                    targets[..params.len()].copy_from_slice(params);
                }
                targets[..params.len()].iter_mut().skip(param).take(1).for_each(|at| *at = value);
            }
            (_, Some(now)) if event.quantum() == quantum => {
                events[count] = now;
                count += 1;
            }
            _ => {}
        }
    }
    (if has_changed { &targets[..params.len()] } else { params }, &events[..count])
}

/// Whether a job was computed in that block: its first stamp says so for all of
/// its modules. Who died between two stamps of a loop had written everything,
/// and some of it is being read already.
fn has_happened(arena: &Region, block: u32, plan: &Plan, job: &Job) -> bool {
    let modules = plan.job_modules.get(job.modules.range()).unwrap_or_default();
    modules.first().and_then(|&module| plan.modules.get(module as usize)).is_none_or(|module| {
        // Acquire: a stamp that another worker wrote hands over its outputs.
        stamp(arena, module).is_none_or(|stamp| is_reached(stamp.load(Ordering::Acquire), block))
    })
}

fn has_sources(arena: &Region, block: u32, plan: &Plan, job: &Job) -> bool {
    let is_there = |source: &PlanModule| {
        stamp(arena, source).is_none_or(|stamp| is_reached(stamp.load(Ordering::Acquire), block))
    };
    sources(plan, job).all(is_there)
}

fn stamp<'a>(arena: &'a Region, module: &PlanModule) -> Option<&'a AtomicU32> {
    arena.record::<ModuleRecord>(module.memory as usize).map(|record| &record.stamp)
}

/// The first job of a slot that has not happened in that block, and whether
/// everything is there that it reads.
pub fn next_job(arena: &Region, block: u32, plan: &Plan, slot: usize) -> Option<(u32, bool)> {
    let jobs = plan.slot_jobs.get(plan.slots.get(slot)?.range())?.iter();
    let mut jobs = jobs.filter_map(|&index| Some((index, plan.jobs.get(index as usize)?)));
    let (index, job) = jobs.find(|(_, job)| !has_happened(arena, block, plan, job))?;
    Some((index, has_sources(arena, block, plan, job)))
}

/// What a job took in the last block, in nanoseconds.
pub fn usual_nanos(arena: &Region, plan: &Plan, job: u32) -> u64 {
    let Some(job) = plan.jobs.get(job as usize) else { return 0 };
    let modules = plan.job_modules.get(job.modules.range()).unwrap_or_default().iter();
    let records = modules.filter_map(|&module| {
        let memory = plan.modules.get(module as usize)?.memory;
        arena.record::<ModuleRecord>(memory as usize)
    });
    records.map(|record| u64::from(record.busy_nanos.load(Ordering::Relaxed))).sum()
}

/// What the host says of the module with that number.
pub fn module_control(control: &Region, number: u32) -> Option<&ModuleControl> {
    let controls: &[ModuleControl] = control.records(control::MODULE_CONTROLS, MODULES)?;
    controls.get(number as usize)
}

/// What the host wants done with a module in that block: one of `RUNS`, `RESTARTS`,
/// `RESTS`.
pub(crate) fn remedy(control: &Region, module: &PlanModule, block: u32) -> u32 {
    module_control(control, module.number).map_or(RUNS, |control| control.remedy(block))
}

/// The modules of other slots whose outputs a job reads.
pub fn sources<'a>(plan: &'a Plan, job: &'a Job) -> impl Iterator<Item = &'a PlanModule> {
    let modules = plan.job_modules[job.modules.range()].iter();
    let cables = modules.flat_map(|&module| cables_into(plan, module as usize));
    let modules = cables.map(|cable| &plan.modules[cable.module as usize]);
    modules.filter(|source| source.slot != job.slot)
}

/// All cables that end in any input of that module.
pub(crate) fn cables_into<'a>(plan: &Plan<'a>, module: usize) -> &'a [PlanCable] {
    let module = &plan.modules[module];
    let inputs = CATALOG[module.kind as usize].room.inputs.len();
    let first = module.first_input as usize;
    // The cables of one module's inputs lie together.
    match &plan.inputs[first..first + inputs] {
        [] => &[],
        [one] => &plan.cables[one.range()],
        [first, .., last] => &plan.cables[first.range().start..last.range().end],
    }
}

/// The record of a slot.
pub fn slot_record(arena: &Region, slot: usize) -> Option<&SlotRecord> {
    arena.record(arena::slot_record(slot))
}

/// A module's outputs in one quantum of a block, as its worker left them.
/// Real-time safe.
///
/// # Safety
/// The module's slot has done the block, and none has begun that uses its place.
pub unsafe fn outputs<'a>(
    arena: &'a Region,
    layouts: &'a [ModuleLayout],
    module: &PlanModule,
    start: &BlockStart,
    quantum: usize,
) -> &'a [Signal] {
    Memory::of(arena, layouts, module).outputs(start, quantum)
}

#[cfg(test)]
mod tests {
    use shm_ring::doorbell::BELLS_BYTES;

    use super::*;
    use crate::protocol::{CONTROL_BYTES, Span, Tables};
    use sostenuto_modules::catalog;

    /// Two attenuverters, each of which feeds the other.
    fn ring(bytes: usize) -> Tables {
        let kind = catalog::find("attenuverter").expect("it is in the catalogue").0 as u32;
        let mut tables = Tables { generation: 1, ..Tables::default() };
        tables.push_job(0, true, [0, 1]);
        tables.slots = vec![Span { first: 0, count: 1 }];
        tables.slot_jobs = vec![0];
        for module in 0..2 {
            let memory = (arena::REST + module * bytes) as u64;
            let other = 1 - module as u32;
            let cable = PlanCable { module: other, is_delayed: 1, ..PlanCable::default() };
            let module = PlanModule { memory, kind, ..PlanModule::default() };
            tables.push_module(module, &[], &[1.0, 0.5], [[cable]]);
        }
        tables
    }

    #[test]
    fn a_loop_with_one_stamp_has_happened_and_is_only_stamped_to_the_end() {
        let layouts = ModuleLayout::all();
        let kind = catalog::find("attenuverter").expect("it is in the catalogue").0;
        let bytes = layouts[kind].size_bytes(&[]);
        let control = Arc::new(Region::create(CONTROL_BYTES).unwrap());
        let arena = Arc::new(Region::create(arena::REST + 2 * bytes).unwrap());
        ring(bytes).write(&control, 0).unwrap();
        // SAFETY: nobody else knows these regions.
        let plan = unsafe { Plan::read(&control, 0) }.unwrap();
        let doorbell = Arc::new(Doorbell::create(&mut [0; BELLS_BYTES]).unwrap());
        let (control, memory) = (Arc::clone(&control), Arc::clone(&arena));
        let mut runner = Runner::new(control, memory, doorbell);
        let (worker, slot) = (WorkerRecord::default(), SlotControl::default());
        let holder = Holder { worker: &worker, slot: 0, control: &slot, epoch: 0 };
        let start = BlockStart { block: 1, frames: 32, sample_rate_hz: 48e3, ..Default::default() };
        runner.run_slot(&start, &plan, holder);

        // Its worker dies after the first stamp, and a reader is at its outputs.
        let [first, last] = [0, 1].map(|module| &plan.modules[module]);
        runner.record(last).stamp.store(0, Ordering::Relaxed);
        runner.memory(first).outputs_mut(&start, 0)[0].set(0, 7, 42.0);
        runner.run_slot(&start, &plan, holder);
        assert_eq!(
            runner.memory(first).outputs(&start, 0)[0].at(0, 7),
            42.0,
            "it was computed again"
        );
        assert_eq!(runner.record(last).stamp.load(Ordering::Relaxed), 1);
    }
}
