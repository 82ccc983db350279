//! \[rt\] What comes into the inputs of a module, by which cables.

use shm_ring::layout::BlockStart;
use shm_ring::region::Region;
use sostenuto_dsp::signal::{SILENCE, Signal};
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::state::LastFrame;

use super::Turn;
use super::memory::{Memory, signal};
use crate::protocol::{ModuleLayout, Plan, PlanCable, STEADY, Span, fade_gain};

/// Where the signal of an input comes from.
#[derive(Clone, Copy)]
pub enum Source {
    Nothing,
    /// From one output as it is, which lies there in the arena.
    Output(usize),
    /// From cables that are added up, into so many channels.
    Sum(Span, usize),
}

/// Adds up what comes into an input.
pub struct Gather<'a> {
    pub start: &'a BlockStart,
    pub plan: &'a Plan<'a>,
    pub arena: &'a Region,
    pub layouts: &'a [ModuleLayout],
}

impl<'a> Gather<'a> {
    /// Where an input's signal comes from in a quantum whose first frame is computed
    /// next: one steady cable is the output itself.
    pub fn source(&self, cables: Span, turn: &Turn) -> Source {
        match &self.plan.cables[cables.range()] {
            [] => Source::Nothing,
            [cable] if cable.fade == STEADY && cable.is_delayed == 0 => {
                Source::Output(self.output_at(cable, turn))
            }
            several => {
                let channels = several.iter().map(|cable| self.channels(cable, turn)).max();
                Source::Sum(cables, channels.unwrap_or(1))
            }
        }
    }

    /// The signal of an input: where cables are added up, in `sum`.
    pub fn input(&self, source: Source, turn: &Turn, sum: &'a mut Signal) -> &'a Signal {
        match source {
            Source::Nothing => &SILENCE,
            Source::Output(at) => signal(self.arena, at),
            Source::Sum(cables, channels) => {
                sum.set_channels(channels);
                sum.clear(turn.frames.clone());
                for cable in &self.plan.cables[cables.range()] {
                    self.add(cable, turn, sum);
                }
                sum
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
        let output = self.output(cable, turn);
        if cable.is_delayed == 0 {
            sum.add(output, turn.frames.clone(), gain);
            return;
        }
        // In a loop there is one frame to a call. What was not written in this
        // quantum yet, the last one remembers.
        let offset = turn.frames.start;
        let gain = gain(offset);
        let mut add = |volts: &dyn Fn(usize) -> f32| {
            for channel in 0..sum.channels() {
                sum.set(channel, offset, sum.at(channel, offset) + gain * volts(channel));
            }
        };
        match offset.checked_sub(1) {
            Some(before) => add(&|channel| output.at(channel, before)),
            None => {
                let last = self.last_frame(cable);
                add(&|channel| last.volts[if last.channels <= 1 { 0 } else { channel }]);
            }
        }
    }

    fn output(&self, cable: &PlanCable, turn: &Turn) -> &'a Signal {
        signal(self.arena, self.output_at(cable, turn))
    }

    /// Where an output lies in the arena.
    fn output_at(&self, cable: &PlanCable, turn: &Turn) -> usize {
        let memory = self.memory(cable);
        let output = (cable.output as usize).min(memory.layout.output_count.saturating_sub(1));
        memory.outputs_at(self.start, turn.quantum) + output * size_of::<Signal>()
    }

    fn last_frame(&self, cable: &PlanCable) -> &'a LastFrame {
        let memory = self.memory(cable);
        let (_, state) = memory.states(self.start.block);
        &memory.layout.state.last_frames(state)[cable.output as usize]
    }

    /// Of the module that a cable comes from.
    fn memory(&self, cable: &PlanCable) -> Memory<'a> {
        Memory::of(self.arena, self.layouts, &self.plan.modules[cable.module as usize])
    }
}
