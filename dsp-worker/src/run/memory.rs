//! \[rt\] Where the parts of one module's memory lie, and who may touch them.

use shm_ring::layout::{BlockStart, ModuleRecord};
use shm_ring::region::Region;
use shm_ring::sync::AtomicU32;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::tape::TapeSpan;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::clip::{Clip, ClipSpan};

use crate::protocol::{ModuleLayout, PlanModule};

/// One module's memory.
pub struct Memory<'a> {
    arena: &'a Region,
    pub layout: &'a ModuleLayout,
    start: usize,
}

/// The clip that lies there; none where it does not lie in the arena.
pub fn clip<'a>(arena: &'a Region, span: &ClipSpan) -> Clip<'a> {
    // SAFETY: a clip is written before a plan names it, and given to others only
    // when no plan does; between, nobody writes it.
    let samples = unsafe { arena.values::<f32>(span.memory as usize, span.samples as usize) };
    span.clip(samples.unwrap_or_default())
}

/// One output in one quantum, which lies there.
pub fn signal(arena: &Region, at: usize) -> &Signal {
    // SAFETY: its module's frames of this call are written: it comes before in the
    // job, or is stamped.
    let signal = unsafe { arena.values(at, 1) };
    &signal.expect(IN_ARENA)[0]
}

const IN_ARENA: &str = "a plan names memory in the arena";

// SAFETY (all of `Memory`): between the start of a block and its module's
// stamp, only the worker of the module's slot touches the module's state,
// tapes and that block's outputs, one call at a time; from the stamp to the end of
// the block nobody writes these outputs, as blocks in flight have places of their
// own. The plan gives each module memory of its own.
impl<'a> Memory<'a> {
    pub fn of(arena: &'a Region, layouts: &'a [ModuleLayout], module: &PlanModule) -> Memory<'a> {
        let layout = &layouts[module.kind as usize];
        Memory { arena, layout, start: module.memory as usize }
    }

    pub fn record(&self) -> &'a ModuleRecord {
        self.arena.record(self.start).expect(IN_ARENA)
    }

    /// The committed state, and the one that this block writes.
    pub fn states(&self, block: u32) -> (&'a [u8], &'a mut [u8]) {
        let [even, odd] = self.layout.states.map(|offset| self.start + offset);
        let (from, to) = if block.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let bytes = self.layout.state.size_bytes();
        // SAFETY: see above; the two copies do not overlap.
        let states = unsafe { (self.arena.values(from, bytes), self.arena.values_mut(to, bytes)) };
        (states.0.expect(IN_ARENA), states.1.expect(IN_ARENA))
    }

    pub fn outputs_at(&self, start: &BlockStart, quantum: usize) -> usize {
        let quantum = place_of_quantum(start, quantum);
        self.start + self.layout.outputs + quantum * self.layout.output_count * size_of::<Signal>()
    }

    pub fn outputs(&self, start: &BlockStart, quantum: usize) -> &'a [Signal] {
        let at = self.outputs_at(start, quantum);
        // SAFETY: see above.
        let signals = unsafe { self.arena.values(at, self.layout.output_count) };
        signals.expect(IN_ARENA)
    }

    pub fn outputs_mut(&self, start: &BlockStart, quantum: usize) -> &'a mut [Signal] {
        let at = self.outputs_at(start, quantum);
        // SAFETY: see above.
        let signals = unsafe { self.arena.values_mut(at, self.layout.output_count) };
        signals.expect(IN_ARENA)
    }

    pub fn tapes(&self, spans: &[TapeSpan]) -> &'a mut [f32] {
        let frames = spans.last().map_or(0, |span| span.end());
        // SAFETY: see above.
        let tapes = unsafe { self.arena.values_mut(self.start + self.layout.tapes, frames) };
        tapes.expect(IN_ARENA)
    }

    pub fn display(&self) -> &'a [AtomicU32] {
        let entry_display = (self.layout.outputs - self.layout.display) / 4;
        self.arena.records(self.start + self.layout.display, entry_display).expect(IN_ARENA)
    }
}

/// Where a quantum of a block lies among all that there is room for.
pub(crate) fn place_of_quantum(start: &BlockStart, quantum: usize) -> usize {
    start.place as usize * (start.frames as usize / QUANTUM) + quantum
}
