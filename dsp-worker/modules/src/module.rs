//! What every module is: a page of facts, some plain data, and `process`.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bytemuck::Pod;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::{SILENCE, Signal};
use sostenuto_dsp::tape::Tapes;
use sostenuto_dsp::units::{CHANNELS, QUANTUM};

use crate::card::CardInput;
use crate::clip::Clip;
use crate::limits::MAX_PORTS;
use crate::tools::Tools;

pub use crate::about::{
    About, Curve, OSC_VALUES, Port, Role, SCENE_VOLTS, Screen, Sweep, Tag, port,
};

/// A module's memory and what it does with it.
///
/// `Self` is all that a module remembers from one block to the next. It is
/// plain data because it lives in shared memory: a block works on a copy, and
/// only a finished block's copy becomes the truth. So a worker may die in the
/// middle of `process`, and another repeats the block to the bit.
///
/// Long memories go on [`tapes`](Module::tapes). Tables that never change are
/// `const`, or belong to [`Tools`].
pub trait Module: Pod {
    /// What host, editor and manual know of this module.
    const ABOUT: &'static About;

    /// The same, but for ports and params: those that it has in memory and in plans, where
    /// they are more than [`Module::ABOUT`] says.
    const ROOM: &'static About = Self::ABOUT;

    /// The longest delay, in frames, that each of the module's tapes is read
    /// at. Called by the host when the module is made; not real-time.
    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let _ = sample_rate_hz;
        Vec::new()
    }

    /// Makes a new module from one that is all zeros. `seed` is different for
    /// every module of a patch, and the same whenever that patch is opened.
    fn start(&mut self, seed: u64) {
        let _ = seed;
    }

    /// Whether its tapes say what is on and off, frame by frame: then they are
    /// carried to another sample rate. Other tapes are empty there, and what was
    /// on them is lost.
    const CARRIES_TAPES: bool = false;

    /// Goes on at another sample rate from the next quantum on. Whatever it counts
    /// in frames is to be as many seconds as before, and what it knows of its
    /// tapes is over, unless they are carried. Called by the host; not real-time.
    fn change_rate(&mut self, change: &RateChange) {
        let _ = change;
    }

    /// Lets these channels begin anew, as those of a new module: whatever they
    /// played is not to be heard when they come back. Called once they are gone
    /// from the outputs, and for all 16 once the module is bypassed, unless it
    /// [goes on](About::goes_on_bypassed). Real-time safe.
    ///
    /// What belongs to no note may stay: phases of oscillators, chance, tapes
    /// that are faded by [`Recording`](crate::parts::recording::Recording).
    fn forget(&mut self, channels: Range<usize>) {
        let _ = channels;
    }

    /// Computes the frames [`Block::frames`] of every output. Real-time safe.
    ///
    /// Params come finite and in range, and cables carry only finite volts.
    /// Mark it `#[inline(always)]`: the catalogue compiles it once for every
    /// instruction set.
    fn process(&mut self, block: &mut Block);
}

/// Runs the code of modules of a musician's own; each process that computes has its own.
pub trait Runs: Send {
    /// Computes the frames of the block. `state` is a [`Code`](crate::own::Code). Where the
    /// code breaks its rules, the main output is no number. Real-time safe for code that was
    /// made ready.
    fn run(&mut self, state: &mut [u8], block: &mut Block);
}

/// A note or a press of a button, from a hand or from OSC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A key goes down.
    NoteOn {
        /// Which key, to find it again at its `NoteOff`.
        key: u32,
        /// Its pitch, in `voct` volts.
        voct: f32,
        /// How hard, 0 to 1.
        velocity: f32,
    },
    /// A key goes up.
    NoteOff {
        /// The key of its `NoteOn`.
        key: u32,
    },
    /// Every key goes up.
    AllNotesOff,
    /// A value was set from outside, for a module that takes them.
    Value {
        /// Which of its values, from 0.
        index: u32,
        /// To what.
        volts: f32,
    },
}

/// What `process` is given: a quantum of frames, or one frame of it.
///
/// A module in a feedback loop is called frame by frame, any other once a
/// quantum. So work goes over [`Block::frames`], and what belongs to the
/// control rate is done where [`Block::starts_quantum`].
pub struct Block<'a> {
    /// In Hz.
    pub sample_rate_hz: f32,
    /// Frames from the start of the sound to the start of this quantum.
    pub frame: u64,
    /// The module's long memories, in the order of [`Module::tapes`].
    pub tapes: Tapes<'a>,
    /// FFT plans and scratch memory of this process.
    pub tools: &'a mut Tools,
    /// Runs modules of a musician's own, where this process plays any.
    pub runs: &'a mut Option<Box<dyn Runs>>,
    pub(crate) clip: Clip<'a>,
    pub(crate) card: CardInput<'a>,
    pub(crate) frames: Range<usize>,
    pub(crate) inputs: &'a [&'a Signal],
    pub(crate) outputs: &'a mut [Signal],
    pub(crate) params: &'a [Ramp],
    pub(crate) goals: &'a [f32],
    pub(crate) events: &'a [Event],
    pub(crate) display: &'a [AtomicU32],
    pub(crate) unheard: u32,
    pub(crate) muted: u32,
    pub(crate) begins_anew: bool,
}

impl<'a> Block<'a> {
    /// The frames to compute, within `0..QUANTUM`.
    #[inline(always)]
    pub fn frames(&self) -> Range<usize> {
        self.frames.start..self.frames.end.min(QUANTUM)
    }

    /// Whether this call begins a quantum: the time for control-rate work.
    #[inline(always)]
    pub fn starts_quantum(&self) -> bool {
        self.frames.start == 0
    }

    /// What is patched into an input. It borrows nothing of the block.
    #[inline(always)]
    pub fn input(&self, port: usize) -> &'a Signal {
        self.inputs.get(port).copied().unwrap_or(&SILENCE)
    }

    /// What the module's text stands for; see [`About::text`]. It may be another
    /// one in the next block. It borrows nothing of the block.
    #[inline(always)]
    pub fn clip(&self) -> Clip<'a> {
        self.clip
    }

    /// What the sound card hears. It borrows nothing of the block.
    #[inline(always)]
    pub fn card(&self) -> CardInput<'a> {
        self.card
    }

    /// Whether anything may read an output's samples. Where not, they need not be
    /// computed: then [`Block::mute`] it instead. What is remembered of it may stand
    /// still meanwhile, if a cable plugged in later fades in over what is missing.
    #[inline(always)]
    pub fn is_heard(&self, port: usize) -> bool {
        self.unheard >> (port % MAX_PORTS) & 1 == 0
    }

    /// 0 V on an output that nothing reads; after its number of channels is set.
    #[inline(always)]
    pub fn mute(&mut self, port: usize) {
        let frames = self.frames();
        self.outputs[port].clear(frames);
        self.muted |= 1 << (port % MAX_PORTS);
    }

    /// Its outputs go on from somewhere else: they fade there from where they were.
    #[inline(always)]
    pub fn begin_anew(&mut self) {
        self.begins_anew = true;
    }

    /// Where an output is written.
    #[inline(always)]
    pub fn output(&mut self, port: usize) -> &mut Signal {
        &mut self.outputs[port]
    }

    /// All outputs at once: `let [left, right] = block.outputs();`
    ///
    /// # Panics
    /// Where `N` is more than the outputs that the module declares.
    #[inline(always)]
    pub fn outputs<const N: usize>(&mut self) -> &mut [Signal; N] {
        self.outputs.first_chunk_mut().expect("as many outputs as declared")
    }

    /// How many channels this module computes: those of the first of `ports`
    /// that is patched, else 1. Sets that number on every output.
    #[inline(always)]
    pub fn channels(&mut self, ports: &[usize]) -> usize {
        let patched = ports.iter().map(|&port| self.input(port).channels()).find(|&n| n > 0);
        let channels = patched.unwrap_or(1);
        self.set_channels(channels);
        channels
    }

    /// Sets the number of channels, 1 to 16, of every output.
    #[inline(always)]
    pub fn set_channels(&mut self, channels: usize) {
        for output in &mut *self.outputs {
            output.set_channels(channels.min(CHANNELS));
        }
    }

    /// A param at the end of this quantum: for control-rate work.
    #[inline(always)]
    pub fn param(&self, index: usize) -> f32 {
        self.params[index].end()
    }

    /// A param's way through this quantum: for what would click otherwise.
    #[inline(always)]
    pub fn ramp(&self, index: usize) -> Ramp {
        self.params[index]
    }

    /// Where a param was set, before it has glided there: for what begins at
    /// once, such as a note.
    #[inline(always)]
    pub fn goal(&self, index: usize) -> f32 {
        self.goals[index]
    }

    /// The index that a choice, a switch or a whole-number param stands at.
    #[inline(always)]
    pub fn choice(&self, index: usize) -> usize {
        self.params[index].end().max(0.0) as usize
    }

    /// Whether a switch is on.
    #[inline(always)]
    pub fn is_on(&self, index: usize) -> bool {
        self.choice(index) != 0
    }

    /// What happened since the previous quantum, oldest first. Empty except
    /// where [`Block::starts_quantum`].
    #[inline(always)]
    pub fn events(&self) -> &'a [Event] {
        if self.starts_quantum() { self.events } else { &[] }
    }

    /// Shows editors a number, at an index below [`About::display`]. It is not
    /// heard and not remembered, and an editor may read numbers of two calls.
    #[inline(always)]
    pub fn show(&self, index: usize, number: f32) {
        if let Some(cell) = self.display.get(index) {
            cell.store(number.to_bits(), Relaxed);
        }
    }
}
