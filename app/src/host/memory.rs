//! Which module has which stretch of the arena.

use std::collections::BTreeMap;
use std::ops::Range;

use dsp_worker::catalog;
use dsp_worker::protocol::ModuleLayout;
use dsp_worker::tape::lay_out;
use dsp_worker::units::{MAX_BLOCK_FRAMES, QUANTUM};
use shm_ring::layout::{MODULES, arena};
use shm_ring::region::{Access, Region, RegionError};

use super::plan::{Key, Memory, params, seed};
use super::snapshot::Place;
use crate::patch::PatchModule;

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

    /// Gives a new module its memory, with its state as at its start, or with
    /// the one that was left for it; returns its number. A module that has some
    /// keeps it.
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
        let parts = layout.used(&tapes, entry.about.outputs.len(), self.block_frames);
        let &number = self.numbers.last().ok_or(NoMemory::Modules)?;
        let start = first_fit(&mut self.free, size).ok_or(NoMemory::Full(arena.len() >> 20))?;
        for part in parts {
            let part = start + part.start..start + part.end;
            if let Err(error) = arena.populate(part.clone(), Access::Write) {
                give_back(&mut self.free, start, size);
                return Err(error.into());
            }
            clear(arena, part);
        }
        for state in layout.states {
            let bytes = layout.state.size_bytes();
            // SAFETY: this memory is free: no plan that plays names it.
            #[allow(unsafe_code)]
            let state = unsafe { arena.values_mut(start + state, bytes) };
            let state = state.expect("it lies in the arena");
            let params = params(module, entry);
            match self.left.get(key) {
                Some(left) if left.len() == bytes => state.copy_from_slice(left),
                _ => layout.state.start(entry, state, &params, module.is_bypassed, seed(key)),
            }
        }
        self.numbers.pop();
        self.taken.insert(key.clone(), Memory { offset: start as u64, number, tapes });
        Ok(Some(number))
    }

    /// Where the states of a module lie.
    pub fn place(&self, key: &Key) -> Option<Place> {
        let (kind, _) = catalog::find(&key.1)?;
        let (layout, start) = (&self.layouts[kind], self.taken.get(key)?.offset as usize);
        let states = layout.states.map(|state| start + state);
        Some(Place { key: key.clone(), states, bytes: layout.state.size_bytes() })
    }

    /// Takes back the memory of every module that is not among `keep`.
    pub fn keep_only(&mut self, keep: impl Fn(&Key) -> bool) {
        let layouts = &self.layouts;
        let (free, numbers) = (&mut self.free, &mut self.numbers);
        self.taken.retain(|key, memory| {
            let is_kept = keep(key);
            if !is_kept {
                let (kind, _) = catalog::find(&key.1).expect("the patch has been checked");
                let size = layouts[kind].size_bytes(&memory.tapes);
                give_back(free, memory.offset as usize, size);
                numbers.push(memory.number);
            }
            is_kept
        });
    }
}

fn clear(arena: &Region, bytes: Range<usize>) {
    // SAFETY: this memory is free: no plan that plays names it.
    #[allow(unsafe_code)]
    let bytes = unsafe { arena.values_mut::<u8>(bytes.start, bytes.len()) };
    bytes.expect("it lies in the arena").fill(0);
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
