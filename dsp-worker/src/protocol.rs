//! What host and workers say to each other in shared memory: the plan, its
//! params and events, and where a module's memory lies.

#![allow(unsafe_code, reason = "plans lie in shared memory")]

mod event;
mod tables;

use std::ops::Range;

use shm_ring::layout::{BlockStart, ModuleRecord, control};
use shm_ring::region::{PAGE, Region};
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::tape::TapeSpan;
use sostenuto_dsp::units::{FADE_SECS, MAX_BLOCK_FRAMES, QUANTUM};
use sostenuto_modules::card::CARD_SAMPLES;
use sostenuto_modules::catalog::{CATALOG, Entry};
use sostenuto_modules::state::StateLayout;

pub use event::PlanEvent;
pub use tables::*;

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

/// What the sound card hears in the present block; none in a region without room
/// for it. Real-time safe.
///
/// # Safety
/// The block is being computed, or it is the engine that asks: only it writes
/// there, and only between two blocks.
pub unsafe fn card_input(control: &Region) -> &[f32] {
    // SAFETY: the caller's promise.
    unsafe { control.values(CARD, CARD_SAMPLES) }.unwrap_or_default()
}

/// Where the engine writes what the sound card hears in the next block.
/// Real-time safe.
///
/// # Safety
/// No block is being computed.
#[allow(clippy::mut_from_ref, reason = "the region is the memory, and not what borrows it")]
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
    /// How many outputs the module has.
    pub output_count: usize,
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
        let outputs = (display + 4 * entry.room.display).next_multiple_of(64);
        let output_count = entry.room.outputs.len();
        let longest_block = MAX_BLOCK_FRAMES / QUANTUM * output_count;
        let tapes = outputs + longest_block * size_of::<Signal>();
        ModuleLayout { state, states: [first, second], display, outputs, output_count, tapes }
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
    let rise = || {
        let since = frame.saturating_sub(start.plan_frame) as f32;
        (since / fade_frames(start.sample_rate_hz) as f32).min(1.0)
    };
    match fade {
        APPEARING => rise(),
        LEAVING => 1.0 - rise(),
        _ => 1.0,
    }
}

/// How many frames a fade takes.
pub fn fade_frames(sample_rate_hz: f32) -> u64 {
    (FADE_SECS * sample_rate_hz) as u64 + 1
}
