//! What host and workers say to each other in shared memory: the plan, its
//! params and events, and where a module's memory lies.
//!
//! A plan is written whole before anybody is told of it, and stays as it is,
//! but for params and events, which the engine changes between two blocks.

use std::ops::Range;
use std::sync::atomic::{Ordering, fence};

use bytemuck::{Pod, Zeroable};
use shm_ring::layout::{BlockStart, ModuleRecord, SLOTS, control};
use shm_ring::region::{PAGE, Region};
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::tape::TapeSpan;
use sostenuto_dsp::units::{FADE_SECS, MAX_BLOCK_FRAMES, QUANTUM};
use sostenuto_modules::card::CARD_SAMPLES;
use sostenuto_modules::catalog::{CATALOG, Entry};
use sostenuto_modules::clip::ClipSpan;
use sostenuto_modules::module::Event;
use sostenuto_modules::state::StateLayout;

/// Plans that lie in the control region: the one that plays, the one before,
/// and the one being made.
pub const PLANS: usize = 3;

/// Room for one plan, in bytes.
pub const PLAN_BYTES: usize = 2 << 20;

/// Where the sound card's input lies in the control region.
const CARD: usize = control::REST + PLANS * PLAN_BYTES;

/// Length of the control region, in bytes.
pub const CONTROL_BYTES: usize = CARD + 4 * CARD_SAMPLES;

/// Events in one block. What comes beyond waits for the next block.
pub const MAX_EVENTS: usize = 256;

/// What a plan begins with: how many there are of each of its tables, which
/// follow in this order.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
struct PlanHeader {
    generation: u32,
    jobs: u32,
    job_modules: u32,
    slot_jobs: u32,
    modules: u32,
    inputs: u32,
    cables: u32,
    tapes: u32,
    params: u32,
    unused: [u32; 7],
}

impl PlanHeader {
    fn of(tables: &Tables) -> PlanHeader {
        PlanHeader {
            generation: tables.generation,
            jobs: tables.jobs.len() as u32,
            job_modules: tables.job_modules.len() as u32,
            slot_jobs: tables.slot_jobs.len() as u32,
            modules: tables.modules.len() as u32,
            inputs: tables.inputs.len() as u32,
            cables: tables.cables.len() as u32,
            tapes: tables.tapes.len() as u32,
            params: tables.params.len() as u32,
            unused: [0; 7],
        }
    }
}

/// Some entries of another table.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Span {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

impl Span {
    /// As indices.
    pub fn range(self) -> Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Span {
        Span { first: range.start as u32, count: range.len() as u32 }
    }
}

/// A module, or the modules of one feedback loop.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Job {
    /// In [`Tables::job_modules`].
    pub modules: Span,
    /// 1 where its modules feed back: it runs frame by frame.
    pub is_loop: u32,
    /// Which slot runs it.
    pub slot: u32,
}

/// A module in a plan.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct PlanModule {
    /// Where its memory lies in the arena; see [`ModuleLayout`].
    pub memory: u64,
    /// The slots, bit by bit, that wait for its stamp.
    pub listeners: u64,
    /// For what is random in it.
    pub seed: u64,
    /// Index in the catalogue.
    pub kind: u32,
    /// 1: inputs are passed to outputs, the module rests.
    pub is_bypassed: u32,
    /// Which slot runs it.
    pub slot: u32,
    /// The first of its inputs; the catalogue says how many.
    pub first_input: u32,
    /// The first of its params; the catalogue says how many.
    pub first_param: u32,
    /// Which [`ModuleControl`](shm_ring::layout::ModuleControl) is about it: the
    /// same from plan to plan.
    pub number: u32,
    /// Its tapes.
    pub tapes: Span,
    /// What its text stands for.
    pub clip: ClipSpan,
}

/// A cable that ends in an input.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct PlanCable {
    /// Module that it comes from.
    pub module: u32,
    /// Output that it comes from.
    pub output: u32,
    /// 1 where both ends are in one loop: it carries the frame before.
    pub is_delayed: u32,
    /// How it behaves from the start of the plan on: one of `STEADY`,
    /// `APPEARING`, `LEAVING`.
    pub fade: u32,
}

/// It was there and stays.
pub const STEADY: u32 = 0;
/// It fades in.
pub const APPEARING: u32 = 1;
/// It fades out.
pub const LEAVING: u32 = 2;

/// Something that happens to a module at the start of a quantum of the block: an
/// event, or a param that is set. The module is named by its memory, which it
/// keeps from plan to plan. So an event that was sent before a plan changed, and
/// comes after, finds its module.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct PlanEvent {
    memory: u64,
    what: u32,
    key: u32,
    voct: f32,
    velocity: f32,
    quantum: u32,
    unused: u32,
}

const NOTE_ON: u32 = 1;
const NOTE_OFF: u32 = 2;
const VALUE: u32 = 3;
const PARAM: u32 = 4;

impl PlanEvent {
    /// An event for the module with that [`PlanModule::memory`].
    pub fn new(memory: u64, event: Event) -> PlanEvent {
        let none = PlanEvent { memory, ..PlanEvent::default() };
        match event {
            Event::AllNotesOff => none,
            Event::NoteOn { key, voct, velocity } => {
                PlanEvent { what: NOTE_ON, key, voct, velocity, ..none }
            }
            Event::NoteOff { key } => PlanEvent { what: NOTE_OFF, key, ..none },
            Event::Value { index, volts } => {
                PlanEvent { what: VALUE, key: index, voct: volts, ..none }
            }
        }
    }

    /// A param of that module is set, by its index in the catalogue.
    pub fn set_param(memory: u64, param: u32, value: f32) -> PlanEvent {
        PlanEvent { memory, what: PARAM, key: param, voct: value, ..PlanEvent::default() }
    }

    /// The same at that quantum of the block.
    #[must_use]
    pub fn at(self, quantum: u32) -> PlanEvent {
        PlanEvent { quantum, ..self }
    }

    /// The same for the module with another memory.
    #[must_use]
    pub fn moved_to(self, memory: u64) -> PlanEvent {
        PlanEvent { memory, ..self }
    }

    /// Of which module: its [`PlanModule::memory`].
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// At which quantum of the block.
    pub fn quantum(&self) -> usize {
        self.quantum as usize
    }

    /// The event. `None` where a param is set.
    pub fn event(&self) -> Option<Event> {
        let PlanEvent { key, voct, velocity, .. } = *self;
        Some(match self.what {
            NOTE_ON => Event::NoteOn { key, voct, velocity },
            NOTE_OFF => Event::NoteOff { key },
            VALUE => Event::Value { index: key, volts: voct },
            PARAM => return None,
            _ => Event::AllNotesOff,
        })
    }

    /// The param that is set, and its value. `None` where something else happens.
    pub fn param(&self) -> Option<(usize, f32)> {
        (self.what == PARAM).then_some((self.key as usize, self.voct))
    }
}

/// A plan as the host makes it. Jobs stand in an order in which each comes
/// after those it reads from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Counts plans.
    pub generation: u32,
    /// Which of [`Tables::slot_jobs`] belong to each slot.
    pub slots: Vec<Span>,
    /// All jobs.
    pub jobs: Vec<Job>,
    /// The modules of each job, by index.
    pub job_modules: Vec<u32>,
    /// The jobs of each slot, by index, ascending.
    pub slot_jobs: Vec<u32>,
    /// All modules.
    pub modules: Vec<PlanModule>,
    /// The cables that end in each input, in [`Tables::cables`].
    pub inputs: Vec<Span>,
    /// All cables, those of one input together.
    pub cables: Vec<PlanCable>,
    /// The tapes of all modules.
    pub tapes: Vec<TapeSpan>,
    /// Where every param of every module was set.
    pub params: Vec<f32>,
}

/// A plan is larger than the memory for it.
#[derive(Debug, thiserror::Error)]
#[error("the patch is too large: its plan takes {bytes} bytes of {PLAN_BYTES}")]
pub struct PlanTooLarge {
    bytes: usize,
}

impl Tables {
    /// Writes the plan into one of the [`PLANS`] places of the control region.
    ///
    /// # Errors
    /// Where it does not fit; nothing is written then.
    #[allow(unsafe_code)]
    pub fn write(&self, control: &Region, place: usize) -> Result<(), PlanTooLarge> {
        let header = PlanHeader::of(self);
        let places = Places::of(&header);
        if places.end > PLAN_BYTES {
            return Err(PlanTooLarge { bytes: places.end });
        }
        let mut slots = self.slots.clone();
        slots.resize(SLOTS, Span::default());
        // SAFETY: the host alone writes plans, and this place is not the plan
        // that any worker reads: the caller owns it until it is published.
        let area = unsafe { control.values_mut::<u8>(plan_offset(place), PLAN_BYTES) };
        let area = area.expect("the control region has room for its plans");
        put(area, 0, &[header]);
        // Who copies the plan that was here before sees the generation change
        // before anything else does: see `ModuleMemories::read`.
        fence(Ordering::SeqCst);
        put(area, places.slots, &slots);
        put(area, places.jobs, &self.jobs);
        put(area, places.job_modules, &self.job_modules);
        put(area, places.slot_jobs, &self.slot_jobs);
        put(area, places.modules, &self.modules);
        put(area, places.inputs, &self.inputs);
        put(area, places.cables, &self.cables);
        put(area, places.tapes, &self.tapes);
        put(area, places.params, &self.params);
        put(area, places.event_count, &[0u32]);
        Ok(())
    }

    /// The plan as workers read it, without shared memory.
    pub(crate) fn as_plan<'a>(&'a self, events: &'a [PlanEvent]) -> Plan<'a> {
        Plan {
            generation: self.generation,
            slots: &self.slots,
            jobs: &self.jobs,
            job_modules: &self.job_modules,
            slot_jobs: &self.slot_jobs,
            modules: &self.modules,
            inputs: &self.inputs,
            cables: &self.cables,
            tapes: &self.tapes,
            params: &self.params,
            events,
        }
    }
}

fn put<T: Pod>(area: &mut [u8], at: usize, values: &[T]) {
    let bytes: &[u8] = bytemuck::cast_slice(values);
    area[at..at + bytes.len()].copy_from_slice(bytes);
}

fn plan_offset(place: usize) -> usize {
    control::REST + (place % PLANS) * PLAN_BYTES
}

/// Where a plan's tables lie, in bytes from its start.
struct Places {
    slots: usize,
    jobs: usize,
    job_modules: usize,
    slot_jobs: usize,
    modules: usize,
    inputs: usize,
    cables: usize,
    tapes: usize,
    params: usize,
    event_count: usize,
    events: usize,
    end: usize,
}

impl Places {
    fn of(header: &PlanHeader) -> Places {
        let mut at = size_of::<PlanHeader>();
        let mut take = |count: usize, bytes: usize| {
            let start = at;
            at = (at + count * bytes).next_multiple_of(8);
            start
        };
        let slots = take(SLOTS, size_of::<Span>());
        let jobs = take(header.jobs as usize, size_of::<Job>());
        let job_modules = take(header.job_modules as usize, 4);
        let slot_jobs = take(header.slot_jobs as usize, 4);
        let modules = take(header.modules as usize, size_of::<PlanModule>());
        let inputs = take(header.inputs as usize, size_of::<Span>());
        let cables = take(header.cables as usize, size_of::<PlanCable>());
        let tapes = take(header.tapes as usize, size_of::<TapeSpan>());
        let params = take(header.params as usize, 4);
        let event_count = take(1, 4);
        let events = take(MAX_EVENTS, size_of::<PlanEvent>());
        Places {
            slots,
            jobs,
            job_modules,
            slot_jobs,
            modules,
            inputs,
            cables,
            tapes,
            params,
            event_count,
            events,
            end: at,
        }
    }
}

/// A plan as it lies in the control region.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// Counts plans.
    pub generation: u32,
    /// As in [`Tables`].
    pub slots: &'a [Span],
    /// As in [`Tables`].
    pub jobs: &'a [Job],
    /// As in [`Tables`].
    pub job_modules: &'a [u32],
    /// As in [`Tables`].
    pub slot_jobs: &'a [u32],
    /// As in [`Tables`].
    pub modules: &'a [PlanModule],
    /// As in [`Tables`].
    pub inputs: &'a [Span],
    /// As in [`Tables`].
    pub cables: &'a [PlanCable],
    /// As in [`Tables`].
    pub tapes: &'a [TapeSpan],
    /// As in [`Tables`], as they stand at the start of this block.
    pub params: &'a [f32],
    /// What happens in this block, in order.
    pub events: &'a [PlanEvent],
}

impl<'a> Plan<'a> {
    /// The plan in that place. `None` where it is not whole. Real-time safe.
    ///
    /// # Safety
    /// The plan is published, or the caller's own, and the block that reads it
    /// is not over: only then does nobody change it.
    #[allow(unsafe_code)]
    pub unsafe fn read(control: &'a Region, place: usize) -> Option<Plan<'a>> {
        // SAFETY: the caller promises that nobody changes the plan meanwhile.
        unsafe {
            let start = plan_offset(place);
            let header = control.values::<PlanHeader>(start, 1)?.first()?;
            let places = Places::of(header);
            if places.end > PLAN_BYTES {
                return None;
            }
            let events = (*control.values::<u32>(start + places.event_count, 1)?.first()?) as usize;
            Some(Plan {
                generation: header.generation,
                slots: control.values(start + places.slots, SLOTS)?,
                jobs: control.values(start + places.jobs, header.jobs as usize)?,
                job_modules: control
                    .values(start + places.job_modules, header.job_modules as usize)?,
                slot_jobs: control.values(start + places.slot_jobs, header.slot_jobs as usize)?,
                modules: control.values(start + places.modules, header.modules as usize)?,
                inputs: control.values(start + places.inputs, header.inputs as usize)?,
                cables: control.values(start + places.cables, header.cables as usize)?,
                tapes: control.values(start + places.tapes, header.tapes as usize)?,
                params: control.values(start + places.params, header.params as usize)?,
                events: control.values(start + places.events, events.min(MAX_EVENTS))?,
            })
        }
    }
}

/// What a plan says of where its modules' memory lies: a copy, for a thread
/// that the host may not wait for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModuleMemories {
    /// The plan's.
    pub generation: u32,
    /// As in [`Tables`].
    pub modules: Vec<PlanModule>,
    /// As in [`Tables`].
    pub tapes: Vec<TapeSpan>,
}

impl ModuleMemories {
    /// Copies them from the plan in that place. `None` where it is not whole,
    /// or was written over meanwhile.
    #[allow(unsafe_code)]
    pub fn read(control: &Region, place: usize) -> Option<ModuleMemories> {
        // SAFETY: if the host writes another plan here meanwhile, the copy is
        // torn, but made of numbers whatever they are; `Plan::read` keeps its
        // tables inside the region. The generation then tells, below.
        let plan = unsafe { Plan::read(control, place)? };
        let generation = plan.generation;
        let copy =
            ModuleMemories { generation, modules: plan.modules.into(), tapes: plan.tapes.into() };
        // SeqCst: pairs with the fence in `Tables::write`. What was copied from
        // a newer plan comes with its generation.
        fence(Ordering::SeqCst);
        // SAFETY: as above.
        let after = unsafe { Plan::read(control, place)? };
        (after.generation == generation).then_some(copy)
    }
}

/// The engine's pen: what of a plan may change between two blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanPen {
    params: usize,
    param_count: usize,
    event_count: usize,
    events: usize,
}

impl PlanPen {
    /// For a plan that was written to that place.
    pub fn new(tables: &Tables, place: usize) -> PlanPen {
        let (start, places) = (plan_offset(place), Places::of(&PlanHeader::of(tables)));
        PlanPen {
            params: start + places.params,
            param_count: tables.params.len(),
            event_count: start + places.event_count,
            events: start + places.events,
        }
    }

    /// Sets a param of the plan, by its index there. Real-time safe.
    ///
    /// # Safety
    /// No block is being computed from this plan.
    #[allow(unsafe_code)]
    pub unsafe fn set_param(&self, control: &Region, index: usize, value: f32) {
        // SAFETY: the caller's promise; the host alone writes plans.
        let params = unsafe { control.values_mut::<f32>(self.params, self.param_count) };
        if let Some(param) = params.and_then(|params| params.get_mut(index)) {
            *param = value;
        }
    }

    /// Sets what happens in the next block. Real-time safe.
    ///
    /// # Safety
    /// No block is being computed from this plan.
    #[allow(unsafe_code)]
    pub unsafe fn set_events(&self, control: &Region, events: &[PlanEvent]) {
        let events = &events[..events.len().min(MAX_EVENTS)];
        // SAFETY: the caller's promise; the host alone writes plans.
        let (count, room) = unsafe {
            (
                control.values_mut::<u32>(self.event_count, 1),
                control.values_mut::<PlanEvent>(self.events, events.len()),
            )
        };
        if let (Some(count), Some(room)) = (count, room) {
            room.copy_from_slice(events);
            count[0] = events.len() as u32;
        }
    }
}

/// What the sound card hears in the present block; none in a region without room
/// for it. Real-time safe.
///
/// # Safety
/// The block is being computed, or it is the engine that asks: only it writes
/// there, and only between two blocks.
#[allow(unsafe_code)]
pub unsafe fn card_input(control: &Region) -> &[f32] {
    // SAFETY: the caller's promise.
    unsafe { control.values(CARD, CARD_SAMPLES) }.unwrap_or_default()
}

/// Where the engine writes what the sound card hears in the next block.
/// Real-time safe.
///
/// # Safety
/// No block is being computed.
#[allow(unsafe_code, clippy::mut_from_ref)]
pub unsafe fn card_input_mut(control: &Region) -> &mut [f32] {
    // SAFETY: the caller's promise; the host alone writes there.
    unsafe { control.values_mut(CARD, CARD_SAMPLES) }.unwrap_or_default()
}

/// Where the parts of a module's memory lie, in bytes from its start: the
/// record, two copies of the state, what editors see, the outputs of a block,
/// the tapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleLayout {
    /// Inside one copy of the state.
    pub state: StateLayout,
    /// The two copies. Block `n` reads the one of `n`'s parity and writes the
    /// other.
    pub states: [usize; 2],
    /// As many numbers as the module shows.
    pub display: usize,
    /// [`Signal`]s: for each quantum of the block, one for each output.
    pub outputs: usize,
    /// All tapes, end to end.
    pub tapes: usize,
}

impl ModuleLayout {
    /// The layout of that module.
    pub fn of(entry: &Entry) -> ModuleLayout {
        let state = StateLayout::of(entry);
        let first = size_of::<ModuleRecord>();
        let second = first + state.size_bytes();
        let display = second + state.size_bytes();
        let outputs = (display + 4 * entry.about.display).next_multiple_of(64);
        let longest_block = MAX_BLOCK_FRAMES / QUANTUM * entry.about.outputs.len();
        let tapes = outputs + longest_block * size_of::<Signal>();
        ModuleLayout { state, states: [first, second], display, outputs, tapes }
    }

    /// All layouts, in the order of the catalogue.
    pub fn all() -> Box<[ModuleLayout]> {
        CATALOG.iter().map(ModuleLayout::of).collect()
    }

    /// Bytes of a module's memory: whole pages, because another worker may
    /// write the next.
    pub fn size_bytes(&self, tapes: &[TapeSpan]) -> usize {
        let tape_frames = tapes.last().map_or(0, |tape| tape.end());
        (self.tapes + 4 * tape_frames).next_multiple_of(PAGE)
    }

    /// The parts of the memory that blocks of that length touch.
    pub fn used(&self, tapes: &[TapeSpan], outputs: usize, frames: usize) -> [Range<usize>; 2] {
        let outputs = frames.div_ceil(QUANTUM) * outputs * size_of::<Signal>();
        [0..self.outputs + outputs, self.tapes..self.size_bytes(tapes)]
    }
}

/// The gain of a cable that appears or leaves, at a frame of the clock.
pub(crate) fn fade_gain(fade: u32, start: &BlockStart, frame: u64) -> f32 {
    let since = frame.saturating_sub(start.plan_frame) as f32;
    let rise = (since / fade_frames(start.sample_rate_hz) as f32).min(1.0);
    match fade {
        APPEARING => rise,
        LEAVING => 1.0 - rise,
        _ => 1.0,
    }
}

/// How many frames a fade takes.
pub fn fade_frames(sample_rate_hz: f32) -> u64 {
    (FADE_SECS * sample_rate_hz) as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn a_plan_is_read_as_it_was_written() {
        let control = Region::create(CONTROL_BYTES).unwrap();
        let tables = Tables {
            generation: 4,
            slots: vec![Span { first: 0, count: 1 }],
            jobs: vec![Job { modules: Span { first: 0, count: 1 }, is_loop: 0, slot: 0 }],
            job_modules: vec![0],
            slot_jobs: vec![0],
            modules: vec![PlanModule { memory: 1 << 20, kind: 3, ..PlanModule::default() }],
            inputs: vec![Span::default(); 3],
            cables: vec![PlanCable { module: 0, output: 2, is_delayed: 1, fade: LEAVING }],
            tapes: sostenuto_dsp::tape::lay_out(&[100]),
            params: vec![0.5, 0.25, 8.0],
        };
        tables.write(&control, 1).unwrap();
        let pen = PlanPen::new(&tables, 1);
        let note = Event::NoteOn { key: 60, voct: 0.0, velocity: 1.0 };
        // SAFETY: nobody else knows this region.
        let plan = unsafe {
            pen.set_param(&control, 1, 9.0);
            let set = PlanEvent::set_param(8, 2, 0.5).at(3);
            pen.set_events(&control, &[PlanEvent::new(7, note), set]);
            Plan::read(&control, 1).unwrap()
        };
        assert_eq!(plan.generation, 4);
        assert_eq!(plan.modules, tables.modules);
        assert_eq!(plan.cables, tables.cables);
        assert_eq!(plan.tapes, tables.tapes);
        assert_eq!(plan.params, [0.5, 9.0, 8.0]);
        assert_eq!((plan.events[0].memory(), plan.events[0].quantum()), (7, 0));
        assert_eq!((plan.events[0].event(), plan.events[0].param()), (Some(note), None));
        assert_eq!((plan.events[1].memory(), plan.events[1].quantum()), (8, 3));
        assert_eq!((plan.events[1].event(), plan.events[1].param()), (None, Some((2, 0.5))));
        assert_eq!(plan.slots[1], Span::default());
        let copy = ModuleMemories::read(&control, 1).unwrap();
        assert_eq!(copy.generation, 4);
        assert_eq!((&copy.modules, &copy.tapes), (&tables.modules, &tables.tapes));
    }

    #[test]
    fn a_plan_that_does_not_fit_is_refused() {
        let control = Region::create(CONTROL_BYTES).unwrap();
        let tables = Tables { params: vec![0.0; PLAN_BYTES / 4], ..Tables::default() };
        assert!(tables.write(&control, 0).unwrap_err().to_string().contains("too large"));
    }
}
