//! What happens to modules in a block.

use bytemuck::{Pod, Zeroable};
use sostenuto_modules::module::Event;

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
    /// An event for the module with that [`PlanModule::memory`](super::PlanModule::memory).
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

    /// Of which module: its [`PlanModule::memory`](super::PlanModule::memory).
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
