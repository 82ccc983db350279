//! What it takes to let a job die once more, alone and under a debugger.
//!
//! A block of a job depends on its modules' committed states, their tapes, the
//! outputs that they read, the block's params and events, and what the host
//! wants done with each module: these are kept.
//! The blocks before are not needed: what is left of them is in states and
//! tapes. What a module draws from elsewhere (a Saboteur's chance, what the sound
//! card heard) is not kept, nor is a sound that is too long.

#![allow(unsafe_code, reason = "plans lie in shared memory")]

use std::ops::Range;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use shm_ring::doorbell::{BELLS_BYTES, Doorbell};
use shm_ring::layout::{BlockStart, MODULES, ModuleRecord, NONE, control as places};
use shm_ring::region::{Access, PAGE, Region, RegionError};
use shm_ring::sync::Ordering;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::tape::{TapeSpan, lay_out};
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, QUANTUM};
use sostenuto_modules::catalog::{CATALOG, Entry};
use sostenuto_modules::clip::ClipSpan;

use crate::protocol::{
    Job, MAX_EVENTS, ModuleLayout, PLAN_BYTES, Plan, PlanCable, PlanEvent, PlanModule, Span,
    Tables, take_rows,
};
use crate::run::{Runner, cables_into, module_control, outputs, place_of_quantum, remedy};
use crate::thread::flushing_denormals;

/// One job of one block, cut out of its plan and its arena.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    start: BlockStart,
    /// The job, its modules first; then the modules that they read from, of
    /// which only the outputs are there. Their memory lies end to end.
    tables: Tables,
    events: Vec<PlanEvent>,
    /// What the host wanted done with each of the job's modules in this block.
    remedies: Vec<u32>,
    culprit: u32,
    pieces: Vec<Piece>,
    /// What was in the pieces, end to end.
    bytes: Vec<u8>,
    is_whole: bool,
    /// Where the memory of the job's modules lay, and their clips. Not saved.
    origins: Vec<(u64, ClipSpan)>,
}

/// A stretch of a module's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Piece {
    module: u32,
    /// In bytes from the start of the module's memory.
    at: u32,
    bytes: u32,
}

impl Piece {
    fn of(module: usize, part: Range<usize>) -> Piece {
        Piece { module: module as u32, at: part.start as u32, bytes: part.len() as u32 }
    }
}

/// Evidence that was cut short, or is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is cut short or garbled")]
pub struct Garbled;

/// A module of the evidence.
pub struct Witness<'e> {
    /// What it is.
    pub entry: &'static Entry,
    /// Where its params were set, in their order.
    pub params: &'e [f32],
    /// Whether it rested.
    pub is_bypassed: bool,
    /// Whether it was the job's, and not only read from.
    pub is_in_job: bool,
}

/// What a job made that did not die.
#[derive(Debug, PartialEq)]
pub struct Replayed {
    /// Every output of every module of the job.
    pub outputs: Vec<Made>,
    /// Samples that were not finite.
    pub not_finite: u32,
}

/// What one output carried.
#[derive(Debug, PartialEq)]
pub struct Made {
    /// Index of its module, as in [`Evidence::witnesses`].
    pub module: usize,
    /// Its name.
    pub output: &'static str,
    /// How many there were.
    pub channels: usize,
    /// The lowest and the highest volts.
    pub volts: [f32; 2],
}

/// More memory than any session's modules have.
const MOST_BYTES: usize = 1 << 30;

/// Samples of the longest clip that is kept: enough for every formula, and for
/// what is played as one shot.
const MOST_CLIP_SAMPLES: u32 = 1 << 20;

/// More cables than a plan has room for.
const MOST_CABLES: usize = PLAN_BYTES / size_of::<PlanCable>();

impl Evidence {
    /// Copies all but the tapes, for [`Evidence::finish`] to copy when the job
    /// is somebody else's. `job` and `culprit`, the module, are indices of the
    /// plan, as the dead worker left them; `None` where they make no sense.
    ///
    /// `plan` is the plan of the block `start`, the one that the job's slot is at. That
    /// block is not over, and the
    /// job's worker is dead and has no successor yet, nor has the host decided
    /// what to do: so what is copied here stands still. Those that the job reads
    /// from have their stamps, and their next block does not begin before this
    /// job's is over.
    pub fn capture(
        (control, arena): (&Region, &Region),
        plan: &Plan,
        start: &BlockStart,
        job: u32,
        culprit: u32,
    ) -> Option<Evidence> {
        let job = *plan.jobs.get(job as usize)?;
        let own = plan.job_modules.get(job.modules.range())?;
        let mut members = own.to_vec();
        for cable in own.iter().flat_map(|&module| cables_into(plan, module as usize)) {
            if !members.contains(&cable.module) {
                members.push(cable.module);
            }
        }
        let mut evidence = Evidence {
            start: *start,
            tables: cut_out(plan, &job, &members),
            events: Vec::new(),
            remedies: own
                .iter()
                .map(|&module| remedy(control, &plan.modules[module as usize], start.block))
                .collect(),
            culprit: index_of(own, culprit).unwrap_or(NONE),
            pieces: Vec::new(),
            bytes: Vec::new(),
            is_whole: false,
            origins: own.iter().map(|&module| origin(&plan.modules[module as usize])).collect(),
        };
        let first = evidence.first_pieces();
        let late = evidence.late_pieces();
        let bytes = first.iter().chain(&late).map(|piece| piece.bytes as usize).sum();
        evidence.bytes.reserve_exact(bytes);
        evidence.pieces.reserve_exact(first.len() + late.len());
        for piece in first {
            let origin = plan.modules[members[piece.module as usize] as usize].memory;
            evidence.keep(arena, origin + u64::from(piece.at), piece)?;
        }
        for (index, &member) in members.iter().enumerate() {
            let origin = plan.modules[member as usize].memory;
            let memory = evidence.tables.modules[index].memory;
            let events = plan.events.iter().filter(|event| event.memory() == origin);
            evidence.events.extend(events.map(|event| event.moved_to(memory)));
        }
        Some(evidence)
    }

    /// Copies tapes and clips. Clips stand still. Tapes may have been written on
    /// meanwhile, or be being written: a tape is longer than its longest delay by
    /// more than the longest block, so what the job reads is there for a while.
    /// `now` is the clock, asked afterwards: it says whether that while is over. To
    /// be called at once, before other modules can get this memory.
    pub fn finish(&mut self, arena: &Region, now: impl FnOnce() -> Option<BlockStart>) {
        let (mut has_tapes, mut has_all) = (false, true);
        let mut clips = self.origins.iter().zip(&self.tables.modules);
        has_all &= clips.all(|((_, was), module)| was.samples == module.clip.samples);
        for piece in self.tape_pieces() {
            has_tapes |= piece.bytes > 0;
            let (origin, _) = self.origins[piece.module as usize];
            let kept = self.keep(arena, origin + u64::from(piece.at), piece);
            has_all &= kept.is_some();
        }
        for piece in self.clip_pieces() {
            let (_, clip) = self.origins[piece.module as usize];
            let kept = self.keep(arena, clip.memory, piece);
            has_all &= kept.is_some();
        }
        let is_there = |now: BlockStart| {
            let written = now.frame + u64::from(now.in_flight.max(1) * now.frames);
            written <= self.start.frame + (MAX_BLOCK_FRAMES + QUANTUM) as u64
        };
        self.is_whole = has_all && (!has_tapes || now().is_some_and(is_there));
    }

    fn keep(&mut self, arena: &Region, at: u64, piece: Piece) -> Option<()> {
        let before = self.bytes.len();
        self.bytes.resize(before + piece.bytes as usize, 0);
        let copied = arena.copy_words(at as usize, &mut self.bytes[before..]);
        match copied {
            Some(()) => self.pieces.push(piece),
            None => self.bytes.truncate(before),
        }
        copied
    }

    /// What [`Evidence::capture`] keeps: of the job's modules the record, both
    /// states and the display; of others the outputs that are read.
    fn first_pieces(&self) -> Vec<Piece> {
        let (own, all) = (self.job_len(), self.tables.modules.len());
        let state = |index| Piece::of(index, 0..ModuleLayout::of(self.entry(index)).outputs);
        (0..own).map(state).chain((own..all).flat_map(|index| self.outputs_read(index))).collect()
    }

    fn outputs_read(&self, index: usize) -> Vec<Piece> {
        let mut read: Vec<usize> = Vec::new();
        for cable in self.tables.cables.iter().filter(|cable| cable.module as usize == index) {
            if !read.contains(&(cable.output as usize)) {
                read.push(cable.output as usize);
            }
        }
        let entry = self.entry(index);
        let (start, count) = (ModuleLayout::of(entry).outputs, entry.room.outputs.len());
        let quanta = 0..self.start.frames as usize / QUANTUM;
        let quanta = quanta.map(|quantum| place_of_quantum(&self.start, quantum));
        let signals =
            quanta.flat_map(|quantum| read.iter().map(move |port| quantum * count + port));
        let piece = |signal: usize| {
            let start = start + signal * size_of::<Signal>();
            Piece::of(index, start..start + size_of::<Signal>())
        };
        signals.map(piece).collect()
    }

    /// What [`Evidence::finish`] keeps: the tapes of each of the job's modules.
    fn tape_pieces(&self) -> Vec<Piece> {
        let piece = |index: usize| {
            let tapes = &self.tables.tapes[self.tables.modules[index].tapes.range()];
            let start = ModuleLayout::of(self.entry(index)).tapes;
            Piece::of(index, start..start + 4 * tapes.last().map_or(0, |tape| tape.end()))
        };
        (0..self.job_len()).map(piece).collect()
    }

    /// What [`Evidence::finish`] keeps as well: the clips of the job's modules,
    /// each at the end of its module's memory.
    fn clip_pieces(&self) -> Vec<Piece> {
        let modules = self.tables.modules.iter().enumerate().take(self.job_len());
        let piece = |(index, module): (usize, &PlanModule)| {
            let start = (module.clip.memory - module.memory) as usize;
            Piece::of(index, start..start + module.clip.bytes())
        };
        modules.filter(|(_, module)| module.clip.samples > 0).map(piece).collect()
    }

    fn late_pieces(&self) -> Vec<Piece> {
        [self.tape_pieces(), self.clip_pieces()].concat()
    }

    fn entry(&self, index: usize) -> &'static Entry {
        &CATALOG[self.tables.modules[index].kind as usize]
    }

    fn job_len(&self) -> usize {
        self.tables.job_modules.len()
    }

    /// The block in which the worker died.
    pub fn start(&self) -> &BlockStart {
        &self.start
    }

    /// Whether the tapes are as they were. If not, the job may not die again.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The module that was being computed, by its index in
    /// [`Evidence::witnesses`]; where none was, the job's first.
    pub fn culprit(&self) -> usize {
        if self.culprit == NONE { 0 } else { self.culprit as usize }
    }

    /// The job's modules, then those that they read from.
    pub fn witnesses(&self) -> Vec<Witness<'_>> {
        let witness = |(index, module): (usize, &PlanModule)| {
            let entry = self.entry(index);
            let first = module.first_param as usize;
            Witness {
                entry,
                params: &self.tables.params[first..first + entry.room.params.len()],
                is_bypassed: module.is_bypassed != 0,
                is_in_job: index < self.job_len(),
            }
        };
        self.tables.modules.iter().enumerate().map(witness).collect()
    }

    /// Computes the job as a worker does, in this process: where it crashed,
    /// this process crashes.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn replay(&self) -> Result<Replayed, RegionError> {
        let control = Arc::new(Region::create(places::REST)?);
        let arena = Arc::new(Region::create(self.arena_bytes())?);
        control.forget_name();
        arena.forget_name();
        self.restore(&control, &arena);
        let fail = |cause| RegionError::Populate { bytes: BELLS_BYTES, cause };
        let doorbell = Doorbell::create(&mut [0; BELLS_BYTES]).map_err(fail)?;
        let mut runner = Runner::new(control, Arc::clone(&arena), Arc::new(doorbell));
        let plan = self.tables.as_plan(&self.events);
        flushing_denormals(|| runner.run_alone(&self.start, &plan, 0));
        Ok(self.made(&arena))
    }

    fn arena_bytes(&self) -> usize {
        self.tables.modules.last().map_or(0, |last| last.memory as usize)
            + self.tables.modules.len().checked_sub(1).map_or(0, |last| self.room(last))
    }

    /// Bytes of a module's memory.
    fn room(&self, index: usize) -> usize {
        let module = &self.tables.modules[index];
        let tapes = &self.tables.tapes[module.tapes.range()];
        ModuleLayout::of(self.entry(index)).size_bytes(tapes) + clip_room(&module.clip)
    }

    /// Puts the pieces where they belong; what the job may only read is
    /// protected, as it is in a worker.
    fn restore(&self, control: &Region, arena: &Region) {
        for (number, &remedy) in self.remedies.iter().enumerate() {
            let control = module_control(control, number as u32).expect("there are not so many");
            control.set_remedy(remedy, self.start.block);
        }
        let mut rest = &self.bytes[..];
        for piece in &self.pieces {
            let (bytes, after) = rest.split_at(piece.bytes as usize);
            rest = after;
            let at = self.tables.modules[piece.module as usize].memory as usize + piece.at as usize;
            // SAFETY: the arena is this process's own, and new.
            let place = unsafe { arena.values_mut::<u8>(at, bytes.len()) };
            place.expect("the arena has room for its modules").copy_from_slice(bytes);
        }
        for index in self.job_len()..self.tables.modules.len() {
            let start = self.tables.modules[index].memory as usize;
            // Where it is refused, a wild write is not caught so soon.
            let _ = arena.protect(start..start + self.room(index), Access::Read);
        }
    }

    fn made(&self, arena: &Region) -> Replayed {
        let layouts = ModuleLayout::all();
        let mut made = Replayed { outputs: Vec::new(), not_finite: 0 };
        for (index, module) in self.tables.modules.iter().enumerate().take(self.job_len()) {
            let record: Option<&ModuleRecord> = arena.record(module.memory as usize);
            let not_finite = record.map_or(0, |record| record.not_finite.load(Ordering::Relaxed));
            let before = self.not_finite_before(index);
            made.not_finite += not_finite.wrapping_sub(before);
            for (port, output) in self.entry(index).about.outputs.iter().enumerate() {
                let mut range = Made {
                    module: index,
                    output: output.name,
                    channels: 0,
                    volts: [f32::INFINITY, f32::NEG_INFINITY],
                };
                for quantum in 0..self.start.frames as usize / QUANTUM {
                    // SAFETY: the job is done, and nobody else is there.
                    let signal =
                        unsafe { &outputs(arena, &layouts, module, &self.start, quantum)[port] };
                    range.widen(signal);
                }
                made.outputs.push(range);
            }
        }
        made
    }

    fn not_finite_before(&self, index: usize) -> u32 {
        let bytes: usize = self.pieces[..index].iter().map(|piece| piece.bytes as usize).sum();
        let at = bytes + std::mem::offset_of!(ModuleRecord, not_finite);
        bytemuck::pod_read_unaligned(&self.bytes[at..at + 4])
    }
}

impl Made {
    fn widen(&mut self, signal: &Signal) {
        self.channels = self.channels.max(signal.channels());
        for channel in 0..signal.channels() {
            for frame in 0..QUANTUM {
                let volts = signal.at(channel, frame);
                self.volts = [self.volts[0].min(volts), self.volts[1].max(volts)];
            }
        }
    }
}

fn index_of(members: &[u32], member: u32) -> Option<u32> {
    members.iter().position(|&other| other == member).map(|index| index as u32)
}

/// Where a module's memory lay, and its clip.
fn origin(module: &PlanModule) -> (u64, ClipSpan) {
    (module.memory, module.clip)
}

/// A clip at the end of its module's memory; none where it is too long to be
/// kept.
fn moved_clip(module: &PlanModule, memory: usize, tapes: &[TapeSpan]) -> ClipSpan {
    if module.clip.samples == 0 || module.clip.samples > MOST_CLIP_SAMPLES {
        return ClipSpan::default();
    }
    let layout = ModuleLayout::of(&CATALOG[module.kind as usize]);
    ClipSpan { memory: (memory + layout.size_bytes(tapes)) as u64, ..module.clip }
}

fn clip_room(clip: &ClipSpan) -> usize {
    clip.bytes().next_multiple_of(PAGE)
}

/// The plan of one job alone: its modules, then those that it reads from, as far as
/// their outputs go.
fn cut_out(plan: &Plan, job: &Job, members: &[u32]) -> Tables {
    let own = job.modules.count as usize;
    let mut tables = Tables::default();
    tables.push_job(0, job.is_loop != 0, 0..own as u32);
    let mut memory = 0;
    for (index, &member) in members.iter().enumerate() {
        let module = &plan.modules[member as usize];
        let entry = &CATALOG[module.kind as usize];
        let is_own = index < own;
        let tapes = if is_own { &plan.tapes[module.tapes.range()] } else { &[] };
        let clip = if is_own { moved_clip(module, memory, tapes) } else { ClipSpan::default() };
        let moved = PlanModule {
            memory: memory as u64,
            number: index as u32,
            listeners: 0,
            slot: 0,
            clip,
            ..*module
        };
        memory += ModuleLayout::of(entry).size_bytes(tapes) + clip_room(&clip);
        // Every source is a member, as `capture` saw to it.
        let moved_cable = |cable: &PlanCable| {
            index_of(members, cable.module).map(|module| PlanCable { module, ..*cable })
        };
        let inputs = plan.inputs[module.first_input as usize..].iter();
        let inputs = inputs.take(entry.room.inputs.len()).map(|cables| {
            let cables = if is_own { &plan.cables[cables.range()] } else { &[] };
            cables.iter().filter_map(moved_cable)
        });
        let params = &plan.params[module.first_param as usize..][..entry.room.params.len()];
        tables.push_module(moved, tapes, params, inputs);
    }
    tables
}

/// What evidence in bytes begins with: the sizes of what comes after the tables,
/// and what is left to say.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
struct Head {
    events: u32,
    pieces: u32,
    bytes: u32,
    culprit: u32,
    is_whole: u32,
}

impl Evidence {
    /// As one string of bytes, for [`Evidence::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            events: self.events.len() as u32,
            pieces: self.pieces.len() as u32,
            bytes: self.bytes.len() as u32,
            culprit: self.culprit,
            is_whole: self.is_whole as u32,
        };
        let mut all = Vec::new();
        all.extend_from_slice(bytemuck::bytes_of(&head));
        all.extend_from_slice(bytemuck::bytes_of(&self.start));
        self.tables.add_to(&mut all);
        all.extend_from_slice(bytemuck::cast_slice(&self.events));
        all.extend_from_slice(bytemuck::cast_slice(&self.remedies));
        all.extend_from_slice(bytemuck::cast_slice(&self.pieces));
        all.extend_from_slice(&self.bytes);
        all
    }

    /// What [`Evidence::to_bytes`] made. It is a letter from a stranger: where
    /// it does not fit together to the last byte, it is refused.
    ///
    /// # Errors
    /// Where it does not.
    pub fn from_bytes(all: &[u8]) -> Result<Evidence, Garbled> {
        let evidence = parse(all).ok_or(Garbled)?;
        evidence.fits().ok_or(Garbled)?;
        Ok(evidence)
    }

    /// Whether every index leads somewhere.
    fn fits(&self) -> Option<()> {
        let BlockStart { frame, plan_frame, frames, sample_rate_hz, copies, place, .. } =
            self.start;
        let frames = frames as usize;
        demand((copies.max(1) as usize).saturating_mul(frames) <= MAX_BLOCK_FRAMES)?;
        demand(place < copies.max(1))?;
        demand((QUANTUM..=MAX_BLOCK_FRAMES).contains(&frames) && frames.is_multiple_of(QUANTUM))?;
        demand((1000.0..=1e6).contains(&sample_rate_hz))?;
        demand(frame < 1 << 62 && plan_frame < 1 << 62 && self.events.len() <= MAX_EVENTS)?;
        let tables = &self.tables;
        let own = 0..tables.job_modules.len();
        let is_loop = tables.jobs.first()?.is_loop;
        demand(tables.jobs == [Job { modules: own.clone().into(), is_loop, slot: 0 }])?;
        demand(tables.job_modules.iter().map(|&module| module as usize).eq(own))?;
        demand(tables.slots.is_empty() && tables.slot_jobs.is_empty())?;
        demand(tables.modules.len() <= MODULES && tables.cables.len() <= MOST_CABLES)?;
        demand((1..=tables.modules.len()).contains(&self.job_len()))?;
        demand(self.culprit == NONE || (self.culprit as usize) < self.job_len())?;
        let mut memory = 0usize;
        for (index, module) in tables.modules.iter().enumerate() {
            let entry = CATALOG.get(module.kind as usize)?;
            demand(module.memory == memory as u64 && module.number == index as u32)?;
            let longest =
                if index < self.job_len() { (entry.tapes)(sample_rate_hz) } else { vec![] };
            let tapes: &[TapeSpan] = within(&tables.tapes, module.tapes)?;
            demand(tapes == lay_out(&longest))?;
            memory = memory.checked_add(ModuleLayout::of(entry).size_bytes(tapes))?;
            let clip = &module.clip;
            demand(clip.samples <= MOST_CLIP_SAMPLES)?;
            demand(clip.samples == 0 || (clip.memory == memory as u64 && index < self.job_len()))?;
            memory = memory.checked_add(clip_room(clip))?;
            demand(memory <= MOST_BYTES)?;
            let span = |first, count: usize| Span { first, count: count as u32 };
            within(&tables.params, span(module.first_param, entry.room.params.len()))?;
            let inputs = span(module.first_input, entry.room.inputs.len());
            for &cables in within(&tables.inputs, inputs)? {
                within(&tables.cables, cables)?;
            }
        }
        for cable in &tables.cables {
            let kind = tables.modules.get(cable.module as usize)?.kind;
            demand((cable.output as usize) < CATALOG[kind as usize].room.outputs.len())?;
            demand(cable.is_delayed == 0 || (cable.module as usize) < self.job_len())?;
        }
        self.pieces_fit()
    }

    /// Whether the pieces are those that `capture` and `finish` keep.
    fn pieces_fit(&self) -> Option<()> {
        let (first, late) = (self.first_pieces(), self.late_pieces());
        let expected = first.iter().chain(&late).take(self.pieces.len());
        demand(self.pieces.iter().eq(expected))?;
        // Without its tapes and clips a job can be replayed; it may go otherwise then.
        let needed = first.len() + if self.is_whole { late.len() } else { 0 };
        demand(self.pieces.len() >= needed)?;
        let bytes: usize = self.pieces.iter().map(|piece| piece.bytes as usize).sum();
        demand(bytes == self.bytes.len())
    }
}

fn demand(is_so: bool) -> Option<()> {
    is_so.then_some(())
}

fn within<T>(table: &[T], span: Span) -> Option<&[T]> {
    let first = span.first as usize;
    table.get(first..first.checked_add(span.count as usize)?)
}

fn parse(mut all: &[u8]) -> Option<Evidence> {
    let head = take_rows::<Head>(&mut all, 1)?[0];
    let start = take_rows::<BlockStart>(&mut all, 1)?[0];
    let tables = Tables::take_from(&mut all)?;
    let own = tables.job_modules.len() as u32;
    let evidence = Evidence {
        start,
        tables,
        events: take_rows(&mut all, head.events)?,
        remedies: take_rows(&mut all, own)?,
        culprit: head.culprit,
        pieces: take_rows(&mut all, head.pieces)?,
        bytes: take_rows(&mut all, head.bytes)?,
        is_whole: head.is_whole == 1,
        origins: Vec::new(),
    };
    all.is_empty().then_some(evidence)
}

#[cfg(test)]
#[allow(unsafe_code, reason = "nobody else knows the regions of these tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use sostenuto_modules::catalog::find;

    const RATE_HZ: f32 = 8000.0;

    /// An LFO into a delay that sets its own time: a loop, with tapes, that
    /// reads from a module outside.
    fn session() -> (Arc<Region>, Tables) {
        let mut tables = Tables::default();
        let mut memory = 0;
        let lfo = PlanCable { module: 0, output: 2, ..PlanCable::default() };
        let itself = PlanCable { module: 1, output: 0, is_delayed: 1, ..PlanCable::default() };
        for (name, cables) in [("lfo", [None; 2]), ("delay", [Some(lfo), Some(itself)])] {
            let (kind, entry) = find(name).expect("it is in the catalogue");
            let tapes = lay_out(&(entry.tapes)(RATE_HZ));
            let params: Vec<f32> = entry.room.params.iter().map(|param| param.default).collect();
            let time = entry.room.input("time");
            let inputs = (0..entry.room.inputs.len()).map(|input| match input {
                0 => cables[0],
                input if Some(input) == time => cables[1],
                _ => None,
            });
            let module = PlanModule { memory, kind: kind as u32, ..PlanModule::default() };
            tables.push_module(module, &tapes, &params, inputs);
            memory += ModuleLayout::of(entry).size_bytes(&tapes) as u64;
        }
        tables.push_job(0, false, [0]);
        tables.push_job(0, true, [1]);
        let arena = Arc::new(Region::create(memory as usize).unwrap());
        for module in &tables.modules {
            let entry = &CATALOG[module.kind as usize];
            let layout = ModuleLayout::of(entry);
            for state in layout.states {
                let at = module.memory as usize + state;
                // SAFETY: nobody else knows the region.
                let state = unsafe { arena.values_mut(at, layout.state.size_bytes()) }.unwrap();
                let first = module.first_param as usize;
                layout.state.start(entry, state, &tables.params[first..], false, 7);
            }
        }
        (arena, tables)
    }

    fn start(block: u32) -> BlockStart {
        BlockStart {
            block,
            frame: u64::from(block) * 64,
            frames: 64,
            sample_rate_hz: RATE_HZ,
            ..BlockStart::default()
        }
    }

    fn capture(
        arena: &Region,
        plan: &Plan,
        start: &BlockStart,
        job: u32,
        culprit: u32,
    ) -> Option<Evidence> {
        let control = Region::create(places::REST).unwrap();
        Evidence::capture((&control, arena), plan, start, job, culprit)
    }

    fn finish(evidence: &mut Evidence, arena: &Region, block: u32) {
        evidence.finish(arena, || Some(start(block)));
    }

    /// As of the block after 200 others, in which the first job is done; and
    /// what the second makes in it.
    fn evidence() -> (Evidence, Vec<Signal>) {
        let (arena, tables) = session();
        let doorbell = Arc::new(Doorbell::create(&mut [0; BELLS_BYTES]).unwrap());
        let control = Arc::new(Region::create(places::REST).unwrap());
        let mut runner = Runner::new(control, Arc::clone(&arena), doorbell);
        let plan = tables.as_plan(&[]);
        (1..=200).for_each(|block| {
            runner.run_all(&start(block), &plan, || false);
        });
        let now = start(201);
        runner.run_alone(&now, &plan, 0);
        let mut evidence = capture(&arena, &plan, &now, 1, 1).unwrap();
        // A successor computes it, and some blocks more, before it is finished.
        runner.run_alone(&now, &plan, 1);
        let layouts = ModuleLayout::all();
        // SAFETY: the block is done.
        let made = |quantum| unsafe { outputs(&arena, &layouts, &plan.modules[1], &now, quantum) };
        let made = (0..2).flat_map(made).copied().collect();
        (202..220).for_each(|block| {
            runner.run_all(&start(block), &plan, || false);
        });
        finish(&mut evidence, &arena, 219);
        (evidence, made)
    }

    #[test]
    fn what_is_replayed_is_what_was() {
        let (evidence, made) = evidence();
        assert!(evidence.is_whole());
        let names: Vec<_> = evidence.witnesses().iter().map(|one| one.entry.about.name).collect();
        assert_eq!(names, ["delay", "lfo"]);
        assert_eq!(evidence.culprit(), 0);
        let read = Evidence::from_bytes(&evidence.to_bytes()).unwrap();
        let replayed = read.replay().unwrap();
        let outputs = replayed.outputs.len();
        for (port, output) in replayed.outputs.iter().enumerate() {
            let mut expected = Made { volts: [f32::INFINITY, f32::NEG_INFINITY], ..*output };
            made.iter().skip(port).step_by(outputs).for_each(|signal| expected.widen(signal));
            assert_eq!(*output, expected);
            assert!(output.volts[0] < output.volts[1], "{output:?} is silent");
        }
        assert_eq!(replayed.not_finite, 0);
    }

    #[test]
    fn a_clip_is_replayed_too() {
        let (kind, entry) = find("math").expect("it is in the catalogue");
        let code = sostenuto_dsp::formula::compile("x + 3").unwrap();
        let memory = ModuleLayout::of(entry).size_bytes(&[]);
        // Far from its module, as in a session.
        let clip = ClipSpan {
            memory: (memory + 3 * PAGE) as u64,
            samples: code.len() as u32,
            channels: 1,
            ..ClipSpan::default()
        };
        let arena = Region::create(memory + 4 * PAGE).unwrap();
        // SAFETY: nobody else knows the region.
        let place = unsafe { arena.values_mut(clip.memory as usize, code.len()) };
        place.unwrap().copy_from_slice(&code);
        let modules = Span { first: 0, count: 1 };
        let module = PlanModule { kind: kind as u32, clip, ..PlanModule::default() };
        let tables = Tables {
            jobs: vec![Job { modules, ..Job::default() }],
            job_modules: vec![0],
            modules: vec![module],
            inputs: vec![Span::default(); entry.room.inputs.len()],
            params: vec![0.0; entry.room.params.len()],
            ..Tables::default()
        };
        let mut evidence = capture(&arena, &tables.as_plan(&[]), &start(1), 0, 0).unwrap();
        finish(&mut evidence, &arena, 1);
        let read = Evidence::from_bytes(&evidence.to_bytes()).unwrap();
        assert!(read.is_whole());
        assert_eq!(read.replay().unwrap().outputs[0].volts, [3.0, 3.0]);

        let long = ClipSpan { samples: MOST_CLIP_SAMPLES + 1, ..clip };
        let tables = Tables { modules: vec![PlanModule { clip: long, ..module }], ..tables };
        let mut evidence = capture(&arena, &tables.as_plan(&[]), &start(1), 0, 0).unwrap();
        finish(&mut evidence, &arena, 1);
        assert!(!evidence.is_whole(), "it is left out");
    }

    #[test]
    fn tapes_that_have_moved_on_are_told_of() {
        let (mut evidence, _) = evidence();
        let first = evidence.first_pieces().len();
        evidence.pieces.truncate(first);
        evidence.bytes.truncate(evidence.pieces.iter().map(|piece| piece.bytes as usize).sum());
        let (arena, _) = session();
        evidence.origins = vec![(0, ClipSpan::default())];
        finish(&mut evidence, &arena, 300);
        assert!(!evidence.is_whole());
        assert!(Evidence::from_bytes(&evidence.to_bytes()).is_ok_and(|read| !read.is_whole()));
    }

    #[test]
    fn indices_that_lead_nowhere_are_no_evidence() {
        let (arena, tables) = session();
        let plan = tables.as_plan(&[]);
        for job in [2, NONE] {
            assert!(capture(&arena, &plan, &start(1), job, 0).is_none());
        }
        let evidence = capture(&arena, &plan, &start(1), 1, NONE).unwrap();
        assert_eq!(evidence.culprit(), 0);
    }

    #[test]
    fn what_is_cut_short_or_garbled_is_refused() {
        let bytes = evidence().0.to_bytes();
        let head = 4096.min(bytes.len());
        let test = |(at, byte, end): (usize, u8, usize)| {
            prop_assert_eq!(Evidence::from_bytes(&bytes[..end]), Err(Garbled));
            let mut garbled = bytes.clone();
            garbled[at] ^= byte;
            // A param or a voltage may be another. Indices lead somewhere.
            if let Ok(evidence) = Evidence::from_bytes(&garbled) {
                prop_assert!(evidence.fits().is_some());
                let again = Evidence::from_bytes(&evidence.to_bytes());
                prop_assert!(again.is_ok_and(|again| again.to_bytes() == evidence.to_bytes()));
            }
            Ok(())
        };
        let cases = (0..head, 1..=u8::MAX, 0..bytes.len());
        proptest!(ProptestConfig::with_cases(200), |(case in cases)| test(case)?);
        proptest!(|(noise in prop::collection::vec(any::<u8>(), 0..300))| {
            prop_assert_eq!(Evidence::from_bytes(&noise), Err(Garbled));
        });
    }
}
