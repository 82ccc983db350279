//! The plan: what is computed in a block, by whom and from what. It is written
//! whole before anybody is told of it, and stays as it is, but for params and
//! events, which the engine changes between two blocks.

#![allow(unsafe_code, reason = "plans lie in shared memory")]

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use shm_ring::layout::control;
use shm_ring::region::Region;
use shm_ring::sync::{AtomicU32, Ordering, fence};
use sostenuto_dsp::tape::TapeSpan;
use sostenuto_modules::clip::ClipSpan;

use super::{MAX_EVENTS, PLAN_BYTES, PLANS, PlanEvent};

/// The tables of a plan: a line each, in the order in which they lie there. How a
/// plan is written, read and counted follows from this list, and how it is kept
/// in the file of a crash.
macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident: $row:ty,)*) => {
        /// A plan as the host makes it. Jobs stand in an order in which each comes
        /// after those it reads from.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Tables {
            /// Counts plans, from 1.
            pub generation: u32,
            $($(#[$doc])* pub $table: Vec<$row>,)*
        }

        /// A plan as workers read it.
        #[derive(Clone, Copy)]
        pub struct Plan<'a> {
            /// Counts plans, from 1.
            pub generation: u32,
            $($(#[$doc])* pub $table: &'a [$row],)*
            /// What happens in this block, in order.
            pub events: &'a [PlanEvent],
        }

        /// How many rows each table has.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
        struct Counts {
            $($table: u32,)*
        }

        /// Where everything lies, in bytes from the start of the plan.
        struct Places {
            $($table: usize,)*
            event_count: usize,
            events: usize,
            end: usize,
        }

        impl Counts {
            fn of(tables: &Tables) -> Counts {
                Counts { $($table: tables.$table.len() as u32,)* }
            }
        }

        impl Places {
            fn of(counts: &Counts) -> Places {
                let mut end = size_of::<Header>();
                let mut take = |count: usize, bytes: usize| {
                    let start = end;
                    end = (end + count * bytes).next_multiple_of(8);
                    start
                };
                $(let $table = take(counts.$table as usize, size_of::<$row>());)*
                let event_count = take(1, size_of::<u32>());
                let events = take(MAX_EVENTS, size_of::<PlanEvent>());
                Places { $($table,)* event_count, events, end }
            }
        }

        impl Tables {
            /// Writes every table to its place. `None` where there is no room.
            fn store(&self, control: &Region, start: usize, places: &Places) -> Option<()> {
                $(control.store_words(start + places.$table, &self.$table)?;)*
                Some(())
            }

            /// The plan as workers read it, without shared memory.
            pub(crate) fn as_plan<'a>(&'a self, events: &'a [PlanEvent]) -> Plan<'a> {
                Plan { generation: self.generation, $($table: &self.$table,)* events }
            }

            /// Adds all tables to a file, for [`Tables::take_from`].
            pub(crate) fn add_to(&self, file: &mut Vec<u8>) {
                file.extend_from_slice(bytemuck::bytes_of(&Counts::of(self)));
                $(file.extend_from_slice(bytemuck::cast_slice(&self.$table));)*
            }

            /// Takes what [`Tables::add_to`] added from the front of a file. `None`
            /// where the file is too short.
            pub(crate) fn take_from(file: &mut &[u8]) -> Option<Tables> {
                let counts: Counts = take_rows(file, 1)?[0];
                Some(Tables { generation: 0, $($table: take_rows(file, counts.$table)?,)* })
            }
        }

        impl<'a> Plan<'a> {
            /// The tables of the plan that begins there, and no events.
            ///
            /// # Safety
            /// Nobody writes those tables while the plan lives.
            unsafe fn at(
                control: &'a Region,
                start: usize,
                generation: u32,
                counts: &Counts,
                places: &Places,
            ) -> Option<Plan<'a>> {
                // SAFETY: the caller's promise.
                unsafe {
                    Some(Plan {
                        generation,
                        $($table: control.values(start + places.$table, counts.$table as usize)?,)*
                        events: &[],
                    })
                }
            }
        }
    };
}

tables! {
    /// Which of [`Tables::slot_jobs`] belong to each slot; later slots have none.
    slots: Span,
    /// All jobs.
    jobs: Job,
    /// The modules of each job, by index.
    job_modules: u32,
    /// The jobs of each slot, by index, ascending.
    slot_jobs: u32,
    /// All modules.
    modules: PlanModule,
    /// The cables that end in each input, in [`Tables::cables`].
    inputs: Span,
    /// All cables, those of one input together.
    cables: PlanCable,
    /// The tapes of all modules.
    tapes: TapeSpan,
    /// Where every param of every module is set at the start of the block.
    params: f32,
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
    /// Where its memory lies in the arena; see [`ModuleLayout`](super::ModuleLayout).
    pub memory: u64,
    /// The slots, bit by bit, that wait for its stamp.
    pub listeners: u64,
    /// For what is random in it.
    pub seed: u64,
    /// The outputs, bit by bit, that no cable begins at: see
    /// [`Tables::note_unheard`].
    pub unheard: u64,
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

/// What a plan begins with.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
struct Header {
    /// 0 while the plan is being written, and before there is one.
    generation: u32,
    counts: Counts,
    unused: [u32; 15 - size_of::<Counts>() / 4],
}

const _: () = assert!(size_of::<Header>() == 64);

impl Header {
    /// The header of the plan that begins there, and the places of its tables,
    /// which may be being written. `None` where they do not lie in the plan's room.
    fn copy(control: &Region, start: usize) -> Option<(Header, Places)> {
        let mut header = [Header::default()];
        control.copy_words(start, &mut header)?;
        Header::checked(header[0])
    }

    fn checked(self) -> Option<(Header, Places)> {
        let places = Places::of(&self.counts);
        (places.end <= PLAN_BYTES).then_some((self, places))
    }
}

/// A plan is larger than the memory for it.
#[derive(Debug, thiserror::Error)]
#[error("the patch is too large: its plan takes {bytes} bytes of {PLAN_BYTES}")]
pub struct PlanTooLarge {
    bytes: usize,
}

const HAS_ROOM: &str = "the control region has room for its plans";

impl Tables {
    /// Adds a job of a slot: these modules, by index.
    pub fn push_job(&mut self, slot: u32, is_loop: bool, modules: impl IntoIterator<Item = u32>) {
        let first = self.job_modules.len();
        self.job_modules.extend(modules);
        let modules = (first..self.job_modules.len()).into();
        self.jobs.push(Job { modules, is_loop: is_loop as u32, slot });
    }

    /// Adds a module with its tapes, its params, and for each of its inputs the
    /// cables that end there. The module is told where they lie.
    pub fn push_module<C: IntoIterator<Item = PlanCable>>(
        &mut self,
        module: PlanModule,
        tapes: &[TapeSpan],
        params: &[f32],
        inputs: impl IntoIterator<Item = C>,
    ) {
        let first_tape = self.tapes.len();
        self.tapes.extend_from_slice(tapes);
        self.modules.push(PlanModule {
            first_input: self.inputs.len() as u32,
            first_param: self.params.len() as u32,
            tapes: (first_tape..self.tapes.len()).into(),
            ..module
        });
        self.params.extend_from_slice(params);
        for cables in inputs {
            let first = self.cables.len();
            self.cables.extend(cables);
            self.inputs.push((first..self.cables.len()).into());
        }
    }

    /// Writes the plan into one of the [`PLANS`] places of the control region,
    /// which no plan has that plays or is about to.
    ///
    /// # Errors
    /// Where it does not fit; nothing is written then.
    pub fn write(&self, control: &Region, place: usize) -> Result<(), PlanTooLarge> {
        let counts = Counts::of(self);
        let (start, places) = (plan_offset(place), Places::of(&counts));
        if places.end > PLAN_BYTES {
            return Err(PlanTooLarge { bytes: places.end });
        }
        let generation: &AtomicU32 = control.record(start).expect(HAS_ROOM);
        generation.store(0, Ordering::Relaxed);
        // Release: whoever copies a word of the new plan, by the Acquire in
        // `copy_words`, then finds that the generation has changed.
        fence(Ordering::Release);
        let header = Header { counts, ..Header::default() };
        control.store_words(start, &[header]).expect(HAS_ROOM);
        self.store(control, start, &places).expect(HAS_ROOM);
        control.store_words(start + places.event_count, &[0u32]).expect(HAS_ROOM);
        // Release: hands the tables to the Acquire in `ModuleMemories::read`.
        generation.store(self.generation, Ordering::Release);
        Ok(())
    }
}

impl Tables {
    /// Tells every module which of its outputs no cable begins at: they need not be
    /// computed. To be called once all cables are there; before, all are heard.
    pub fn note_unheard(&mut self) {
        self.modules.iter_mut().for_each(|module| module.unheard = u64::MAX);
        for cable in &self.cables {
            self.modules[cable.module as usize].unheard &= !(1 << cable.output);
        }
    }
}

impl<'a> Plan<'a> {
    /// The plan in that place. `None` where it is not whole. Real-time safe.
    ///
    /// # Safety
    /// The plan is published, or the caller's own, and the block that reads it
    /// is not over: only then does nobody change it.
    pub unsafe fn read(control: &'a Region, place: usize) -> Option<Plan<'a>> {
        let start = plan_offset(place);
        // SAFETY: the caller promises that nobody changes the plan meanwhile.
        unsafe {
            let (header, places) = control.values::<Header>(start, 1)?[0].checked()?;
            let plan = Plan::at(control, start, header.generation, &header.counts, &places)?;
            let count = control.values::<u32>(start + places.event_count, 1)?[0] as usize;
            let events = control.values(start + places.events, count.min(MAX_EVENTS))?;
            Some(Plan { events, ..plan })
        }
    }

    /// As [`Plan::read`], without params and events: what stands still also
    /// between two blocks.
    ///
    /// # Safety
    /// No other plan is written to that place meanwhile.
    pub unsafe fn read_standing(control: &'a Region, place: usize) -> Option<Plan<'a>> {
        let start = plan_offset(place);
        // SAFETY: the caller promises that nobody changes the plan meanwhile, and
        // the engine changes nothing but params and events.
        unsafe {
            let (header, places) = control.values::<Header>(start, 1)?[0].checked()?;
            let counts = Counts { params: 0, ..header.counts };
            Plan::at(control, start, header.generation, &counts, &places)
        }
    }
}

/// How many jobs a slot has in the plan in that place. Another plan may be being
/// written there: then this is any number, and the caller finds out by the clock.
/// Real-time safe.
pub fn jobs_of_slot(control: &Region, place: usize, slot: usize) -> Option<u32> {
    let start = plan_offset(place);
    let (header, places) = Header::copy(control, start)?;
    if slot >= header.counts.slots as usize {
        return Some(0);
    }
    let mut jobs = [Span::default()];
    control.copy_words(start + places.slots + slot * size_of::<Span>(), &mut jobs)?;
    Some(jobs[0].count)
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
    pub fn read(control: &Region, place: usize) -> Option<ModuleMemories> {
        let start = plan_offset(place);
        let word: &AtomicU32 = control.record(start)?;
        // Acquire: takes the tables from the Release at the end of `Tables::write`.
        let generation = word.load(Ordering::Acquire);
        let (header, places) = Header::copy(control, start)?;
        let modules = copied(control, start + places.modules, header.counts.modules)?;
        let tapes = copied(control, start + places.tapes, header.counts.tapes)?;
        // Where a word was copied from a newer plan, this finds its generation, by
        // the fence in `Tables::write`; it is 0 while that plan is being written.
        let is_whole = generation != 0 && word.load(Ordering::Relaxed) == generation;
        is_whole.then_some(ModuleMemories { generation, modules, tapes })
    }
}

fn copied<T: Pod>(control: &Region, at: usize, count: u32) -> Option<Vec<T>> {
    let mut rows = vec![T::zeroed(); count as usize];
    control.copy_words(at, &mut rows)?;
    Some(rows)
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
        let (start, places) = (plan_offset(place), Places::of(&Counts::of(tables)));
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

fn plan_offset(place: usize) -> usize {
    control::REST + (place % PLANS) * PLAN_BYTES
}

/// Takes so many rows from the front of a file. `None` where it is too short.
pub(crate) fn take_rows<T: Pod>(file: &mut &[u8], count: u32) -> Option<Vec<T>> {
    let bytes = size_of::<T>().checked_mul(count as usize)?;
    let (taken, rest) = file.split_at_checked(bytes)?;
    *file = rest;
    let mut rows = vec![T::zeroed(); count as usize];
    bytemuck::cast_slice_mut::<T, u8>(&mut rows).copy_from_slice(taken);
    Some(rows)
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::module::Event;

    use super::super::CONTROL_BYTES;
    use super::*;

    #[test]
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
        assert_eq!([0, 1].map(|slot| jobs_of_slot(&control, 1, slot)), [Some(1), Some(0)]);
        let copy = ModuleMemories::read(&control, 1).unwrap();
        assert_eq!(copy.generation, 4);
        assert_eq!((&copy.modules, &copy.tapes), (&tables.modules, &tables.tapes));
    }

    #[test]
    fn an_output_without_a_cable_is_unheard() {
        let cable = |module, output| PlanCable { module, output, ..PlanCable::default() };
        let mut tables = Tables {
            modules: vec![PlanModule::default(); 2],
            cables: vec![cable(0, 2), cable(0, 0), cable(0, 2)],
            ..Tables::default()
        };
        assert_eq!([0, 1].map(|module: usize| tables.modules[module].unheard), [0, 0]);
        tables.note_unheard();
        assert_eq!([0, 1].map(|module: usize| !tables.modules[module].unheard), [0b101, 0]);
    }

    #[test]
    fn a_plan_that_does_not_fit_is_refused() {
        let control = Region::create(CONTROL_BYTES).unwrap();
        let tables = Tables { params: vec![0.0; PLAN_BYTES / 4], ..Tables::default() };
        assert!(tables.write(&control, 0).unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn a_plan_that_stands_has_no_params_and_no_events() {
        let control = Region::create(CONTROL_BYTES).unwrap();
        let tables = Tables { generation: 1, params: vec![1.0; 3], ..rows(2) };
        tables.write(&control, 0).unwrap();
        // SAFETY: nobody else knows this region.
        let plan = unsafe { Plan::read_standing(&control, 0) }.unwrap();
        assert_eq!((plan.modules, plan.tapes), (&tables.modules[..], &tables.tapes[..]));
        assert!(plan.params.is_empty() && plan.events.is_empty());
    }

    #[test]
    fn tables_are_taken_from_a_file_as_they_were_added() {
        let params = vec![0.5, 0.25];
        let tables = Tables { generation: 0, params, job_modules: vec![1, 0], ..rows(3) };
        let mut file = Vec::new();
        tables.add_to(&mut file);
        file.push(7);
        let mut rest = &file[..];
        assert_eq!(Tables::take_from(&mut rest), Some(tables));
        assert_eq!(rest, [7]);
        for end in 0..file.len() - 1 {
            assert_eq!(Tables::take_from(&mut &file[..end]), None, "{end}");
        }
    }

    /// A plan whose every row is of its generation.
    fn rows(generation: u32) -> Tables {
        let count = 1 + generation as usize % 5;
        let module = PlanModule {
            memory: u64::from(generation),
            kind: generation,
            number: generation,
            ..PlanModule::default()
        };
        let tapes = sostenuto_dsp::tape::lay_out(&vec![generation as usize; count]);
        Tables { generation, modules: vec![module; count], tapes, ..Tables::default() }
    }

    fn memories(generation: u32) -> ModuleMemories {
        let Tables { generation, modules, tapes, .. } = rows(generation);
        ModuleMemories { generation, modules, tapes }
    }

    #[test]
    fn while_plans_are_written_one_over_the_other_what_is_read_is_of_one_plan() {
        const PLANS_WRITTEN: u32 = if cfg!(miri) { 12 } else { 20_000 };
        let control = Region::create(CONTROL_BYTES).unwrap();
        assert_eq!(ModuleMemories::read(&control, 0), None, "there is no plan");
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                for generation in 1..=PLANS_WRITTEN {
                    rows(generation).write(&control, 0).unwrap();
                }
            });
            let mut newest = 0;
            while !writing.is_finished() {
                let Some(read) = ModuleMemories::read(&control, 0) else { continue };
                assert_eq!(read, memories(read.generation));
                assert!(read.generation >= newest);
                newest = read.generation;
            }
        });
        assert_eq!(ModuleMemories::read(&control, 0), Some(memories(PLANS_WRITTEN)));
    }
}
