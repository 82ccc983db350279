//! Which module has which stretch of the arena.

use std::collections::BTreeMap;
use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use dsp_worker::protocol::ModuleLayout;
use shm_ring::layout::{MODULES, arena};
use shm_ring::region::{Access, PAGE, Region, RegionError};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::tape::{carry, lay_out};
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, QUANTUM};
use sostenuto_modules::catalog::{self, STATE_ALIGN};
use sostenuto_modules::clip::ClipSpan;
use sostenuto_patch::PatchModule;

use crate::plan::snapshot::StateLocation;
use crate::plan::{Key, Memory, params, seed};

/// Why a module gets no memory.
#[derive(Debug, thiserror::Error)]
pub enum NoMemory {
    /// The arena is full.
    #[error("the patch needs more memory than the {0} MiB that modules share")]
    Full(usize),
    /// There are too many modules.
    #[error("a patch can have {MODULES} modules, and this one has more")]
    Modules,
    /// The system has none left.
    #[error(transparent)]
    System(#[from] RegionError),
}

/// The arena, shared out.
pub struct ModuleMemory {
    /// What each module has.
    pub taken: BTreeMap<Key, Memory>,
    /// Stretches that nobody has, by where they start. Neighbours are joined.
    free: BTreeMap<usize, usize>,
    /// What modules had before they began anew, until that plays no more.
    before: BTreeMap<Key, Memory>,
    /// Numbers that nobody has; see [`Memory::number`].
    numbers: Vec<u32>,
    /// States for modules that are still to come.
    left: BTreeMap<Key, Box<[u8]>>,
    layouts: Box<[ModuleLayout]>,
    sample_rate_hz: f32,
    block_frames: usize,
}

impl ModuleMemory {
    /// An arena in which nobody has anything.
    pub fn new(arena: &Region, sample_rate_hz: f32, block_frames: usize) -> ModuleMemory {
        ModuleMemory {
            taken: BTreeMap::new(),
            before: BTreeMap::new(),
            free: BTreeMap::from([(arena::REST, arena.len() - arena::REST)]),
            numbers: (0..MODULES as u32).rev().collect(),
            left: BTreeMap::new(),
            layouts: ModuleLayout::all(),
            sample_rate_hz,
            block_frames: block_frames.clamp(QUANTUM, MAX_BLOCK_FRAMES),
        }
    }

    /// From now on, a new module whose key is there begins with that state. A
    /// state that is not as long as its module's is none.
    pub fn leave(&mut self, states: BTreeMap<Key, Box<[u8]>>) {
        self.left = states;
    }

    /// Blocks are that long from the next plan on.
    ///
    /// # Errors
    /// Where the system has no memory left; then they stay as they are.
    pub fn set_block_frames(&mut self, arena: &Region, frames: usize) -> Result<(), RegionError> {
        let frames = frames.clamp(QUANTUM, MAX_BLOCK_FRAMES);
        for (key, memory) in &self.taken {
            let (kind, entry) = catalog::find(&key.1).expect("the patch has been checked");
            let layout = &self.layouts[kind];
            let start = memory.offset as usize;
            for part in layout.used(&memory.tapes, entry.room.outputs.len(), frames) {
                arena.populate(start + part.start..start + part.end, Access::Write)?;
            }
        }
        self.block_frames = frames;
        Ok(())
    }

    /// From now on modules get memory for that sample rate, also those that have
    /// some, unless they stay where they are; that is theirs until
    /// [`ModuleMemory::keep_only`]. They keep their numbers.
    pub fn begin_anew(&mut self, sample_rate_hz: f32, stays: impl Fn(&Key) -> bool) {
        self.sample_rate_hz = sample_rate_hz;
        self.before = self.taken.extract_if(.., |key, _| !stays(key)).collect();
    }

    /// Has modules go on, in the memory that they have since
    /// [`ModuleMemory::begin_anew`], from these states of the old rate. No plan that
    /// plays may name it yet.
    pub fn go_on(&self, arena: &Region, states: &BTreeMap<Key, Box<[u8]>>, change: &RateChange) {
        for (key, memory) in &self.taken {
            let (kind, entry) = catalog::find(&key.1).expect("the patch has been checked");
            let layout = &self.layouts[kind];
            let bytes = layout.state.size_bytes();
            let Some(left) = states.get(key).filter(|left| left.len() == bytes) else { continue };
            put_state(arena, layout, memory.offset as usize, |state| {
                state.copy_from_slice(left);
                layout.state.change_rate(entry, state, change);
            });
            if let (Some(before), true) = (self.before.get(key), entry.carries_tapes) {
                carry_tapes(arena, layout.tapes, change, [before, memory]);
            }
        }
    }

    /// Takes [`ModuleMemory::begin_anew`] back. The sample rate is the old one.
    pub fn go_back(&mut self, sample_rate_hz: f32) {
        self.sample_rate_hz = sample_rate_hz;
        for (key, memory) in std::mem::take(&mut self.before) {
            if let Some(new) = self.taken.insert(key.clone(), memory) {
                self.free_memory(&key, &new);
            }
        }
    }

    /// Whether all modules of a patch find room. Asked first, so that a patch that
    /// is far too large touches no memory.
    ///
    /// # Errors
    /// Where they do not.
    pub fn check_room<'a>(
        &self,
        arena: &Region,
        modules: impl Iterator<Item = &'a Key>,
    ) -> Result<(), NoMemory> {
        let (mut free, mut numbers) = (self.free.clone(), self.numbers.len());
        for key in modules.filter(|key| !self.taken.contains_key(*key)) {
            if !self.before.contains_key(key) {
                numbers = numbers.checked_sub(1).ok_or(NoMemory::Modules)?;
            }
            let (kind, entry) = catalog::find(&key.1).expect("the patch has been checked");
            let tapes = lay_out(&(entry.tapes)(self.sample_rate_hz));
            let size = self.layouts[kind].size_bytes(&tapes);
            first_fit(&mut free, size).ok_or(NoMemory::Full(arena.len() >> 20))?;
        }
        Ok(())
    }

    /// Gives a new module its memory, with its state as at its start, or with
    /// the one that was left for it; returns its number. A module that has some
    /// keeps it, and one that had some at another sample rate keeps its number.
    ///
    /// # Errors
    /// Where there is none left.
    pub fn take(
        &mut self,
        arena: &Region,
        key: &Key,
        module: &PatchModule,
    ) -> Result<Option<u32>, NoMemory> {
        if self.taken.contains_key(key) {
            return Ok(None);
        }
        let (kind, entry) = catalog::find(&key.1).expect("the patch has been checked");
        let layout = &self.layouts[kind];
        let tapes = lay_out(&(entry.tapes)(self.sample_rate_hz));
        let size = layout.size_bytes(&tapes);
        let parts = layout.used(&tapes, entry.room.outputs.len(), self.block_frames);
        let before = self.before.get(key).map(|memory| memory.number);
        let number = before.or_else(|| self.numbers.last().copied()).ok_or(NoMemory::Modules)?;
        let start = first_fit(&mut self.free, size).ok_or(NoMemory::Full(arena.len() >> 20))?;
        for part in parts {
            let part = start + part.start..start + part.end;
            if let Err(error) = arena.populate(part.clone(), Access::Write) {
                give_back(&mut self.free, start, size);
                return Err(error.into());
            }
            clear(arena, part);
        }
        put_state(arena, layout, start, |state| match self.left.get(key) {
            Some(left) if left.len() == state.len() => state.copy_from_slice(left),
            _ => {
                let params = params(module, entry);
                layout.state.start(entry, state, &params, module.is_bypassed, seed(key));
            }
        });
        self.taken.insert(key.clone(), Memory { offset: start as u64, number, tapes });
        if before.is_some() {
            return Ok(None);
        }
        self.numbers.pop();
        Ok(Some(number))
    }

    /// Gives a clip memory of its own: whole pages, on which no worker writes.
    ///
    /// # Errors
    /// Where there is none left.
    pub fn take_clip(&mut self, arena: &Region, span: ClipSpan) -> Result<ClipSpan, NoMemory> {
        let size = span.bytes().next_multiple_of(PAGE);
        let start = first_fit(&mut self.free, size).ok_or(NoMemory::Full(arena.len() >> 20))?;
        Ok(ClipSpan { memory: start as u64, ..span })
    }

    /// Takes back what [`ModuleMemory::take_clip`] gave.
    pub fn free_clip(&mut self, span: &ClipSpan) {
        let size = span.bytes().next_multiple_of(PAGE);
        if size > 0 {
            give_back(&mut self.free, span.memory as usize, size);
        }
    }

    /// Where the states of a module lie, or those that it has had since before
    /// [`ModuleMemory::begin_anew`].
    pub fn place(&self, key: &Key, is_before: bool) -> Option<StateLocation> {
        let (kind, _) = catalog::find(&key.1)?;
        let memories = if is_before { &self.before } else { &self.taken };
        let (layout, start) = (&self.layouts[kind], memories.get(key)?.offset as usize);
        let states = layout.states.map(|state| start + state);
        Some(StateLocation { key: key.clone(), states, bytes: layout.state.size_bytes() })
    }

    /// Takes back the memory of every module that is not among `keep`.
    pub fn keep_only(&mut self, keep: impl Fn(&Key) -> bool) {
        for (key, memory) in std::mem::take(&mut self.before) {
            self.free_memory(&key, &memory);
        }
        for (key, memory) in self.taken.extract_if(.., |key, _| !keep(key)).collect::<Vec<_>>() {
            self.free_memory(&key, &memory);
            self.numbers.push(memory.number);
        }
    }

    fn free_memory(&mut self, key: &Key, memory: &Memory) {
        let (kind, _) = catalog::find(&key.1).expect("the patch has been checked");
        let size = self.layouts[kind].size_bytes(&memory.tapes);
        give_back(&mut self.free, memory.offset as usize, size);
    }
}

// What follows writes memory that no plan names that plays. Whoever looks at the
// module that had it before may still be copying it, so it is written as words.

const IN_ARENA: &str = "it lies in the arena";

/// Puts the same state into both of its copies in a module's memory.
fn put_state(arena: &Region, layout: &ModuleLayout, start: usize, make: impl FnOnce(&mut [u8])) {
    let mut lines = vec![Line([0; STATE_ALIGN]); layout.state.size_bytes() / STATE_ALIGN];
    make(bytemuck::cast_slice_mut(&mut lines));
    for state in layout.states {
        arena.store_words(start + state, &lines).expect(IN_ARENA);
    }
}

/// As a state is aligned.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Line([u8; STATE_ALIGN]);

/// Carries the tapes of a module from its memory at one sample rate to that at
/// another. Its worker may be at work on the first: what it writes is newer.
fn carry_tapes(arena: &Region, tapes: usize, change: &RateChange, memories: [&Memory; 2]) {
    let frames = |memory: &Memory| memory.tapes.last().map_or(0, |tape| tape.end());
    let [old, new] = memories;
    let [mut from, mut to] = memories.map(|memory| vec![0.0f32; frames(memory)]);
    arena.copy_words(old.offset as usize + tapes, &mut from).expect(IN_ARENA);
    carry(change, |index| from[index], &old.tapes, &mut to, &new.tapes);
    arena.store_words(new.offset as usize + tapes, &to).expect(IN_ARENA);
}

fn clear(arena: &Region, bytes: Range<usize>) {
    for line in bytes.step_by(STATE_ALIGN) {
        arena.store_words(line, &[Line([0; STATE_ALIGN])]).expect(IN_ARENA);
    }
}

fn first_fit(free: &mut BTreeMap<usize, usize>, size: usize) -> Option<usize> {
    let (start, room) = free.iter().map(|(&start, &room)| (start, room)).find(|f| f.1 >= size)?;
    free.remove(&start);
    if room > size {
        free.insert(start + size, room - size);
    }
    Some(start)
}

fn give_back(free: &mut BTreeMap<usize, usize>, mut start: usize, mut size: usize) {
    if let Some(room) = free.remove(&(start + size)) {
        size += room;
    }
    if let Some((&before, &room)) = free.range(..start).next_back()
        && before + room == start
    {
        free.remove(&before);
        (start, size) = (before, room + size);
    }
    free.insert(start, size);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_joins_its_neighbours() {
        let mut free = BTreeMap::from([(0, 100)]);
        let taken: Vec<usize> = (0..4).map(|_| first_fit(&mut free, 25).unwrap()).collect();
        assert_eq!(taken, [0, 25, 50, 75]);
        assert_eq!(first_fit(&mut free, 1), None);
        for start in [25, 75, 50, 0] {
            give_back(&mut free, start, 25);
        }
        assert_eq!(free, BTreeMap::from([(0, 100)]));
    }
}
