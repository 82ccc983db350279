//! \[rt\] One block of one slot: wait for what its jobs read, run them, stamp.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use shm_ring::doorbell::{Doorbell, Listener, Listeners};
use shm_ring::layout::{BlockStart, ENGINE, ModuleRecord, NONE, SlotRecord, arena};
use shm_ring::protocol::{publish, wait_for};
use shm_ring::region::Region;
use shm_ring::sync::{AtomicU32, Ordering};

use crate::catalog::{CATALOG, MAX_PORTS};
use crate::module::Event;
use crate::protocol::{
    Job, MAX_EVENTS, ModuleLayout, Plan, PlanCable, PlanModule, STEADY, fade_gain,
};
use crate::signal::{SILENCE, Signal};
use crate::tools::Tools;
use crate::units::QUANTUM;
use crate::worker::state::{Call, LastFrame, Quantum, glide};

/// What one process, or thread, needs to compute modules.
pub struct Runner {
    arena: Arc<Region>,
    doorbell: Arc<Doorbell>,
    layouts: Box<[ModuleLayout]>,
    tools: Tools,
    scratch: Box<Scratch>,
}

/// The engine alone, as a set.
const ENGINES: Listeners = 1 << ENGINE.0;

/// Where the cables of one call are added up.
struct Scratch {
    inputs: [Signal; MAX_PORTS],
    events: [Event; MAX_EVENTS],
}

/// One call of one module: which, and for which frames of which quantum.
#[derive(Clone)]
struct Turn {
    module: usize,
    quantum: usize,
    frames: Range<usize>,
}

impl Runner {
    /// Plans FFTs and takes scratch memory; not real-time.
    pub fn new(arena: Arc<Region>, doorbell: Arc<Doorbell>) -> Runner {
        Runner {
            arena,
            doorbell,
            layouts: ModuleLayout::all(),
            tools: Tools::new(),
            scratch: Box::new(Scratch {
                inputs: [SILENCE; MAX_PORTS],
                events: [Event::AllNotesOff; MAX_EVENTS],
            }),
        }
    }

    /// Runs those jobs of a slot that are not stamped yet, then says that the
    /// slot is done and rings the engine. Gives up where `is_mine` says no.
    /// Where it takes over from a worker that died, it stamps and rings again
    /// what has happened already: nobody knows whether the dead one came to the
    /// last of it. Real-time safe.
    pub fn run_slot(
        &mut self,
        start: &BlockStart,
        plan: &Plan,
        slot: usize,
        me: Listener,
        is_mine: impl Fn() -> bool,
    ) {
        let arena = Arc::clone(&self.arena);
        let (Some(&jobs), Some(record)) = (plan.slots.get(slot), slot_record(&arena, slot)) else {
            return;
        };
        let mut busy_nanos = 0u32;
        for &index in &plan.slot_jobs[jobs.range()] {
            let job = &plan.jobs[index as usize];
            if self.has_happened(start, plan, job) {
                self.stamp(start, plan, job);
                continue;
            }
            self.wait_for_sources(start, plan, job, me);
            if !is_mine() {
                return;
            }
            record.job.store(index, Ordering::Relaxed);
            record.jobs_begun.fetch_add(1, Ordering::Relaxed);
            busy_nanos = busy_nanos.saturating_add(self.run_job(start, plan, job));
        }
        record.job.store(NONE, Ordering::Relaxed);
        record.busy_nanos.store(busy_nanos, Ordering::Relaxed);
        publish(&self.doorbell, &record.done, start.block, ENGINES);
    }

    /// Runs every job of a plan, one after another, without any other worker.
    /// Real-time safe.
    pub fn run_all(&mut self, start: &BlockStart, plan: &Plan) {
        for job in plan.jobs {
            self.run_job(start, plan, job);
        }
    }

    /// Whether a job was computed in this block: its first stamp says so for
    /// all of its modules. Who died between two stamps of a loop had written
    /// everything, and some of it is being read already.
    fn has_happened(&self, start: &BlockStart, plan: &Plan, job: &Job) -> bool {
        let modules = &plan.job_modules[job.modules.range()];
        modules.first().is_none_or(|&module| {
            let stamp = &self.record(&plan.modules[module as usize]).stamp;
            // Acquire: a stamp that another worker wrote hands over its outputs.
            stamp.load(Ordering::Acquire) == start.block
        })
    }

    /// From the first of these stores on, this block of the job has happened.
    fn stamp(&self, start: &BlockStart, plan: &Plan, job: &Job) {
        for &module in &plan.job_modules[job.modules.range()] {
            let module = &plan.modules[module as usize];
            publish(&self.doorbell, &self.record(module).stamp, start.block, module.listeners);
        }
    }

    fn wait_for_sources(&self, start: &BlockStart, plan: &Plan, job: &Job, me: Listener) {
        for &module in &plan.job_modules[job.modules.range()] {
            for cable in cables_into(plan, module as usize) {
                let source = &plan.modules[cable.module as usize];
                if source.slot != job.slot {
                    wait_for(&self.doorbell, me, &self.record(source).stamp, start.block, None);
                }
            }
        }
    }

    /// Returns how long it took, in nanoseconds.
    fn run_job(&mut self, start: &BlockStart, plan: &Plan, job: &Job) -> u32 {
        let began = Instant::now();
        let modules = &plan.job_modules[job.modules.range()];
        let quanta = start.frames as usize / QUANTUM;
        for &module in modules {
            self.begin(start, &plan.modules[module as usize]);
        }
        if job.is_loop == 0 {
            for &module in modules {
                for quantum in 0..quanta {
                    let turn = Turn { module: module as usize, quantum, frames: 0..QUANTUM };
                    self.call(start, plan, turn);
                }
                self.keep_last_frames(start, plan, module as usize, quanta - 1);
            }
        } else {
            for quantum in 0..quanta {
                for frame in 0..QUANTUM {
                    for &module in modules {
                        let frames = frame..frame + 1;
                        self.call(start, plan, Turn { module: module as usize, quantum, frames });
                    }
                }
                for &module in modules {
                    self.keep_last_frames(start, plan, module as usize, quantum);
                }
            }
        }
        let busy_nanos = began.elapsed().as_nanos() as u32;
        for &module in modules {
            let record = self.record(&plan.modules[module as usize]);
            record.busy_nanos.store(busy_nanos / modules.len() as u32, Ordering::Relaxed);
        }
        self.stamp(start, plan, job);
        busy_nanos
    }

    /// Takes a copy of the committed state for this block to work on.
    fn begin(&self, start: &BlockStart, module: &PlanModule) {
        let memory = self.memory(module);
        let (committed, next) = memory.states(start.block);
        next.copy_from_slice(committed);
    }

    fn keep_last_frames(&self, start: &BlockStart, plan: &Plan, module: usize, quantum: usize) {
        let memory = self.memory(&plan.modules[module]);
        let (_, state) = memory.states(start.block);
        memory.layout.state.keep_last_frames(state, memory.outputs(quantum));
    }

    fn call(&mut self, start: &BlockStart, plan: &Plan, turn: Turn) {
        let module = &plan.modules[turn.module];
        let entry = &CATALOG[module.kind as usize];
        let mut inputs = [&SILENCE; MAX_PORTS];
        let mut scratch = &mut self.scratch.inputs[..];
        let gather = Gather { start, plan, arena: &self.arena, layouts: &self.layouts };
        for (port, input) in inputs.iter_mut().enumerate().take(entry.about.inputs.len()) {
            let cables = plan.inputs[module.first_input as usize + port];
            let (own, rest) = scratch.split_first_mut().expect("as many as ports can be");
            scratch = rest;
            *input = gather.input(&plan.cables[cables.range()], &turn, own);
        }

        let mut events = 0;
        if turn.quantum == 0 {
            for event in plan.events.iter().filter_map(|event| event.for_module(module.memory)) {
                self.scratch.events[events] = event;
                events += 1;
            }
        }

        let memory = memory(&self.arena, &self.layouts, module);
        let (_, state) = memory.states(start.block);
        let params = module.first_param as usize;
        let tape_spans = &plan.tapes[module.tapes.range()];
        let call = Call {
            entry,
            layout: &memory.layout.state,
            state: &mut *state,
            targets: &plan.params[params..params + entry.about.params.len()],
            inputs: &inputs[..entry.about.inputs.len()],
            outputs: memory.outputs_mut(turn.quantum),
            tapes: memory.tapes(tape_spans),
            tape_spans,
            events: &self.scratch.events[..events],
            display: memory.display(),
            tools: &mut self.tools,
            is_bypassed: module.is_bypassed != 0,
        };
        let not_finite = call.run(Quantum {
            sample_rate_hz: start.sample_rate_hz,
            glide: glide(start.sample_rate_hz),
            frame: start.frame + (turn.quantum * QUANTUM) as u64,
            frames: turn.frames,
        });
        if not_finite > 0 {
            self.record(module).not_finite.fetch_add(not_finite, Ordering::Relaxed);
            memory.layout.state.restart(entry, state, module.seed);
        }
    }

    fn record(&self, module: &PlanModule) -> &ModuleRecord {
        self.arena.record(module.memory as usize).expect(IN_ARENA)
    }

    fn memory(&self, module: &PlanModule) -> Memory<'_> {
        memory(&self.arena, &self.layouts, module)
    }
}

/// All cables that end in any input of that module.
fn cables_into<'a>(plan: &Plan<'a>, module: usize) -> &'a [PlanCable] {
    let module = &plan.modules[module];
    let inputs = CATALOG[module.kind as usize].about.inputs.len();
    let first = module.first_input as usize;
    // The cables of one module's inputs lie together.
    match &plan.inputs[first..first + inputs] {
        [] => &[],
        [one] => &plan.cables[one.range()],
        [first, .., last] => &plan.cables[first.range().start..last.range().end],
    }
}

/// Adds up what comes into an input.
struct Gather<'a> {
    start: &'a BlockStart,
    plan: &'a Plan<'a>,
    arena: &'a Region,
    layouts: &'a [ModuleLayout],
}

impl<'a> Gather<'a> {
    /// The signal of an input: the output itself where one steady cable ends
    /// in it, else the sum of all in `own`.
    fn input(&self, cables: &[PlanCable], turn: &Turn, own: &'a mut Signal) -> &'a Signal {
        match cables {
            [] => &SILENCE,
            [cable] if cable.fade == STEADY && cable.is_delayed == 0 => self.output(cable, turn),
            _ => {
                let channels = cables.iter().map(|cable| self.channels(cable, turn)).max();
                own.set_channels(channels.unwrap_or(1));
                own.clear(turn.frames.clone());
                for cable in cables {
                    self.add(cable, turn, own);
                }
                own
            }
        }
    }

    fn channels(&self, cable: &PlanCable, turn: &Turn) -> usize {
        if cable.is_delayed == 0 {
            self.output(cable, turn).channels()
        } else {
            // The number at the end of the quantum before holds for all of
            // this one, or samples of one call would lie in another's order.
            self.last_frame(cable).channels as usize
        }
    }

    fn add(&self, cable: &PlanCable, turn: &Turn, sum: &mut Signal) {
        let frame = self.start.frame + (turn.quantum * QUANTUM) as u64;
        let gain = |offset: usize| fade_gain(cable.fade, self.start, frame + offset as u64);
        if cable.is_delayed == 0 {
            sum.add(self.output(cable, turn), turn.frames.clone(), gain);
            return;
        }
        // In a loop there is one frame to a call. What was not written in this
        // quantum yet, the last one remembers.
        let offset = turn.frames.start;
        let last = self.last_frame(cable);
        for channel in 0..sum.channels() {
            let volts = match offset.checked_sub(1) {
                Some(before) => self.output(cable, turn).at(channel, before),
                None if last.channels <= 1 => last.volts[0],
                None => last.volts[channel],
            };
            let volts = sum.at(channel, offset) + gain(offset) * volts;
            sum.set(channel, offset, volts);
        }
    }

    fn output(&self, cable: &PlanCable, turn: &Turn) -> &'a Signal {
        let memory = memory(self.arena, self.layouts, &self.plan.modules[cable.module as usize]);
        &memory.outputs(turn.quantum)[cable.output as usize]
    }

    fn last_frame(&self, cable: &PlanCable) -> &'a LastFrame {
        let memory = memory(self.arena, self.layouts, &self.plan.modules[cable.module as usize]);
        let (_, state) = memory.states(self.start.block);
        &memory.layout.state.last_frames(state)[cable.output as usize]
    }
}

/// One module's memory.
struct Memory<'a> {
    arena: &'a Region,
    layout: &'a ModuleLayout,
    start: usize,
    outputs: usize,
}

fn memory<'a>(arena: &'a Region, layouts: &'a [ModuleLayout], module: &PlanModule) -> Memory<'a> {
    Memory {
        arena,
        layout: &layouts[module.kind as usize],
        start: module.memory as usize,
        outputs: CATALOG[module.kind as usize].about.outputs.len(),
    }
}

const IN_ARENA: &str = "a plan names memory in the arena";

// SAFETY (all of `Memory`): between the start of a block and its module's
// stamp, only the worker of the module's slot touches the module's state,
// outputs and tapes, one call at a time; from the stamp to the end of the block
// nobody writes them. The plan gives each module memory of its own.
#[allow(unsafe_code)]
impl<'a> Memory<'a> {
    /// The committed state, and the one that this block writes.
    fn states(&self, block: u32) -> (&'a [u8], &'a mut [u8]) {
        let [even, odd] = self.layout.states.map(|offset| self.start + offset);
        let (from, to) = if block.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let bytes = self.layout.state.size_bytes();
        // SAFETY: see above; the two copies do not overlap.
        let states = unsafe { (self.arena.values(from, bytes), self.arena.values_mut(to, bytes)) };
        (states.0.expect(IN_ARENA), states.1.expect(IN_ARENA))
    }

    fn outputs_at(&self, quantum: usize) -> usize {
        self.start + self.layout.outputs + quantum * self.outputs * size_of::<Signal>()
    }

    fn outputs(&self, quantum: usize) -> &'a [Signal] {
        // SAFETY: see above.
        let signals = unsafe { self.arena.values(self.outputs_at(quantum), self.outputs) };
        signals.expect(IN_ARENA)
    }

    fn outputs_mut(&self, quantum: usize) -> &'a mut [Signal] {
        // SAFETY: see above.
        let signals = unsafe { self.arena.values_mut(self.outputs_at(quantum), self.outputs) };
        signals.expect(IN_ARENA)
    }

    fn tapes(&self, spans: &[crate::tape::TapeSpan]) -> &'a mut [f32] {
        let frames = spans.last().map_or(0, |span| span.end());
        // SAFETY: see above.
        let tapes = unsafe { self.arena.values_mut(self.start + self.layout.tapes, frames) };
        tapes.expect(IN_ARENA)
    }

    fn display(&self) -> &'a [AtomicU32] {
        let entry_display = (self.layout.outputs - self.layout.display) / 4;
        self.arena.records(self.start + self.layout.display, entry_display).expect(IN_ARENA)
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
/// The module's slot has done the block, and the next has not begun.
#[allow(unsafe_code)]
pub unsafe fn outputs<'a>(
    arena: &'a Region,
    layouts: &'a [ModuleLayout],
    module: &PlanModule,
    quantum: usize,
) -> &'a [Signal] {
    memory(arena, layouts, module).outputs(quantum)
}

#[cfg(test)]
mod tests {
    use shm_ring::doorbell::BELLS_BYTES;
    use shm_ring::layout::slot_listener;

    use super::*;
    use crate::catalog;
    use crate::protocol::{CONTROL_BYTES, Span, Tables};

    /// Two attenuverters, each of which feeds the other.
    fn ring(bytes: usize) -> Tables {
        let kind = catalog::find("attenuverter").expect("it is in the catalogue").0 as u32;
        let span = |first, count| Span { first, count };
        let module = |module: u32| PlanModule {
            memory: (arena::REST + module as usize * bytes) as u64,
            kind,
            first_input: module,
            first_param: module * 2,
            ..PlanModule::default()
        };
        let cable = |module| PlanCable { module, is_delayed: 1, ..PlanCable::default() };
        Tables {
            generation: 1,
            slots: vec![span(0, 1)],
            jobs: vec![Job { modules: span(0, 2), is_loop: 1, slot: 0 }],
            job_modules: vec![0, 1],
            slot_jobs: vec![0],
            modules: vec![module(0), module(1)],
            inputs: vec![span(0, 1), span(1, 1)],
            cables: vec![cable(1), cable(0)],
            params: vec![1.0, 0.5, 1.0, 0.5],
            ..Tables::default()
        }
    }

    #[test]
    #[allow(unsafe_code)]
    fn a_loop_with_one_stamp_has_happened_and_is_only_stamped_to_the_end() {
        let layouts = ModuleLayout::all();
        let kind = catalog::find("attenuverter").expect("it is in the catalogue").0;
        let bytes = layouts[kind].size_bytes(&[]);
        let control = Region::create(CONTROL_BYTES).unwrap();
        let arena = Arc::new(Region::create(arena::REST + 2 * bytes).unwrap());
        ring(bytes).write(&control, 0).unwrap();
        // SAFETY: nobody else knows these regions.
        let plan = unsafe { Plan::read(&control, 0) }.unwrap();
        let doorbell = Arc::new(Doorbell::create(&mut [0; BELLS_BYTES]).unwrap());
        let mut runner = Runner::new(Arc::clone(&arena), doorbell);
        let start = BlockStart { block: 1, frames: 32, sample_rate_hz: 48e3, ..Default::default() };
        runner.run_slot(&start, &plan, 0, slot_listener(0), || true);

        // Its worker dies after the first stamp, and a reader is at its outputs.
        let [first, last] = [0, 1].map(|module| &plan.modules[module]);
        runner.record(last).stamp.store(0, Ordering::Relaxed);
        runner.memory(first).outputs_mut(0)[0].set(0, 7, 42.0);
        runner.run_slot(&start, &plan, 0, slot_listener(0), || true);
        assert_eq!(runner.memory(first).outputs(0)[0].at(0, 7), 42.0, "it was computed again");
        assert_eq!(runner.record(last).stamp.load(Ordering::Relaxed), 1);
    }
}
