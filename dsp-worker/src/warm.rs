//! Everything that may take time, done before the first block: code and tables
//! read from disk, FFTs planned, memory mapped.

#![allow(unsafe_code, reason = "memory is touched where it will be used")]

use std::ops::Range;

use shm_ring::region::{Access, Region};
use sostenuto_dsp::tape::TapeSpan;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_dsp::wavetable;
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::clip::ClipSpan;
use sostenuto_modules::rig::Rig;

use crate::protocol::{ModuleLayout, PlanModule};

/// A sample rate at which tapes are short: the modules run only to bring their
/// code and tables into memory.
const TOUCH_RATE_HZ: f32 = 1000.0;

/// Runs every module of the catalogue for two quanta, and reads their tables.
pub fn touch_every_module() {
    wavetable::touch();
    for entry in CATALOG {
        Rig::named(entry.about.name, TOUCH_RATE_HZ).run(2 * QUANTUM);
    }
}

/// Keeps everything that this process maps, now and later, from being swapped
/// out. Whether the system allows it.
#[cfg(target_os = "linux")]
pub fn lock_memory() -> bool {
    let flags = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: it changes no memory.
    (unsafe { libc::mlockall(flags) }) == 0
}

/// Other systems have no such thing.
#[cfg(not(target_os = "linux"))]
pub fn lock_memory() -> bool {
    false
}

/// Where the modules of a plan have their memory.
#[derive(Clone, Copy)]
pub struct Memories<'a> {
    /// [`Plan::modules`](crate::protocol::Plan::modules).
    pub modules: &'a [PlanModule],
    /// [`Plan::tapes`](crate::protocol::Plan::tapes).
    pub tapes: &'a [TapeSpan],
}

impl<'a> Memories<'a> {
    fn of_slot(self, slot: usize) -> impl Iterator<Item = &'a PlanModule> {
        self.modules.iter().filter(move |module| module.slot as usize == slot)
    }
}

/// Lets this process write the memory of a slot's modules, and of no others.
pub struct Grant<'m> {
    arena: &'m Region,
    layouts: &'m [ModuleLayout],
}

impl<'m> Grant<'m> {
    /// `layouts` are [`ModuleLayout::all`].
    pub fn new(arena: &'m Region, layouts: &'m [ModuleLayout]) -> Grant<'m> {
        Grant { arena, layouts }
    }

    /// Opens the memory of the slot's modules for writing. Two system calls a
    /// module; no allocation.
    pub fn open(&self, plan: Memories, slot: usize) {
        for module in plan.of_slot(slot) {
            // A refusal would show as a crash at the first write.
            let _ = self.arena.protect(self.range(plan, module), Access::Write);
        }
    }

    /// Maps every page that blocks of that length touch: the slot's for
    /// writing, all others' for reading.
    pub fn populate(&self, plan: Memories, slot: Option<usize>, frames: usize) {
        for module in plan.modules {
            let is_mine = Some(module.slot as usize) == slot;
            let access = if is_mine { Access::Write } else { Access::Read };
            for part in self.used(plan, module, frames) {
                // Without it the first block takes page faults, no more.
                let _ = self.arena.populate(part, access);
            }
        }
    }

    /// Maps every page of the plan's clips for reading, but for those that were
    /// `mapped` for the plan before: a clip may be large.
    pub fn populate_clips(&self, plan: Memories, mapped: &mut Vec<ClipSpan>) {
        let clips = plan.modules.iter().map(|module| module.clip).filter(|clip| clip.samples > 0);
        let clips: Vec<ClipSpan> = clips.collect();
        for clip in clips.iter().filter(|clip| !mapped.contains(clip)) {
            let start = clip.memory as usize;
            // Without it the first block takes page faults, no more.
            let _ = self.arena.populate(start..start + clip.bytes(), Access::Read);
        }
        *mapped = clips;
    }

    /// Closes the memory of modules that were the slot's in the old plan and
    /// are not in the new one.
    pub fn close(&self, old: Memories, new: Memories, slot: usize) {
        for module in old.of_slot(slot) {
            if !new.of_slot(slot).any(|other| other.memory == module.memory) {
                let _ = self.arena.protect(self.range(old, module), Access::Read);
            }
        }
    }

    fn range(&self, plan: Memories, module: &PlanModule) -> Range<usize> {
        let start = module.memory as usize;
        let layout = &self.layouts[module.kind as usize];
        start..start + layout.size_bytes(&plan.tapes[module.tapes.range()])
    }

    fn used(&self, plan: Memories, module: &PlanModule, frames: usize) -> [Range<usize>; 2] {
        let start = module.memory as usize;
        let outputs = CATALOG[module.kind as usize].room.outputs.len();
        let layout = &self.layouts[module.kind as usize];
        let parts = layout.used(&plan.tapes[module.tapes.range()], outputs, frames);
        parts.map(|part| start + part.start..start + part.end)
    }
}
