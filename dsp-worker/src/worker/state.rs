//! \[rt\] A module's committed memory, and one call of the module over it.

use std::ops::Range;
use std::sync::atomic::AtomicU32;

use crate::catalog::{Entry, MAX_PARAMS, MAX_PORTS, STATE_ALIGN};
use crate::module::{Block, Event, Ramp};
use crate::param::Param;
use crate::protocol::FADE_SECS;
use crate::signal::{SILENCE, Signal};
use crate::tape::{TapeSpan, Tapes};
use crate::tools::Tools;
use crate::units::{CHANNELS, QUANTUM};

/// How fast a param glides to where it was set: the time, in seconds, in which
/// it covers 63 % of the way.
const GLIDE_SECS: f32 = 3e-3;

/// Where the parts of a module's state lie in its bytes.
///
/// First how far it is bypassed, then where each param stands on its way to its
/// target, then the last frame of each output (what a cable in a loop carries
/// into the next quantum), then the module's own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout {
    params: Range<usize>,
    last_frames: Range<usize>,
    module: Range<usize>,
}

/// How far a module is bypassed, from 0 to 1: an `f32`.
const BYPASS_BYTES: usize = 4;

/// The channels of one output at the last frame computed.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct LastFrame {
    pub channels: u32,
    pub volts: [f32; CHANNELS],
}

impl StateLayout {
    /// The layout of that module's state.
    pub fn of(entry: &Entry) -> StateLayout {
        let params = BYPASS_BYTES..BYPASS_BYTES + 4 * entry.about.params.len();
        let last_frames =
            params.end..params.end + size_of::<LastFrame>() * entry.about.outputs.len();
        let module = last_frames.end.next_multiple_of(STATE_ALIGN);
        StateLayout { params, last_frames, module: module..module + entry.state_bytes }
    }

    /// Bytes of one copy of the state: a multiple of a cache line.
    pub fn size_bytes(&self) -> usize {
        self.module.end.next_multiple_of(STATE_ALIGN)
    }

    /// Writes the state of a new module. `params` are where they start.
    pub fn start(
        &self,
        entry: &Entry,
        state: &mut [u8],
        params: &[f32],
        is_bypassed: bool,
        seed: u64,
    ) {
        state.fill(0);
        let bypassed = f32::from(u8::from(is_bypassed));
        state[..BYPASS_BYTES].copy_from_slice(&bypassed.to_ne_bytes());
        for (at, &param) in self.params.clone().step_by(4).zip(params) {
            state[at..at + 4].copy_from_slice(&param.to_ne_bytes());
        }
        (entry.start)(&mut state[self.module.clone()], seed);
    }

    /// A new start with the params where they are: for a module whose state
    /// has gone bad. Real-time safe.
    pub(crate) fn restart(&self, entry: &Entry, state: &mut [u8], seed: u64) {
        let module = &mut state[self.module.clone()];
        module.fill(0);
        (entry.start)(module, seed);
    }

    pub(crate) fn last_frames<'a>(&self, state: &'a [u8]) -> &'a [LastFrame] {
        bytemuck::cast_slice(&state[self.last_frames.clone()])
    }

    /// Remembers the last frame of each output. At the end of every quantum
    /// that something in a loop may follow.
    pub(crate) fn keep_last_frames(&self, state: &mut [u8], outputs: &[Signal]) {
        let kept = bytemuck::cast_slice_mut(&mut state[self.last_frames.clone()]);
        for (kept, output) in kept.iter_mut().zip(outputs) {
            *kept = LastFrame {
                channels: output.channels() as u32,
                volts: std::array::from_fn(|channel| output.at(channel, QUANTUM - 1)),
            };
        }
    }
}

/// The time of one call.
#[derive(Clone, Debug)]
pub struct Quantum {
    /// In Hz.
    pub sample_rate_hz: f32,
    /// Part of its way that a param glides in one quantum; see [`glide`].
    pub glide: f32,
    /// The clock at the quantum's first frame.
    pub frame: u64,
    /// Which of its frames to compute.
    pub frames: Range<usize>,
}

/// Everything one call of a module reads and writes.
pub struct Call<'a> {
    /// Which module.
    pub entry: &'static Entry,
    /// Where its state lies in `state`.
    pub layout: &'a StateLayout,
    /// The copy of its state that this block works on.
    pub state: &'a mut [u8],
    /// Where its params were set.
    pub targets: &'a [f32],
    /// One for each input.
    pub inputs: &'a [&'a Signal],
    /// One for each output.
    pub outputs: &'a mut [Signal],
    /// All its tapes, end to end.
    pub tapes: &'a mut [f32],
    /// One for each of [`Module::tapes`](crate::Module::tapes).
    pub tape_spans: &'a [TapeSpan],
    /// Since the quantum before.
    pub events: &'a [Event],
    /// What editors see.
    pub display: &'a [AtomicU32],
    /// Of this process.
    pub tools: &'a mut Tools,
    /// Pass inputs to outputs along the bypass routes, and leave the module
    /// alone. It fades there and back.
    pub is_bypassed: bool,
}

impl Call<'_> {
    /// Computes some frames of one quantum. Returns how many output samples
    /// were not finite; they are 0 V now. Real-time safe.
    pub fn run(self, time: Quantum) -> u32 {
        let Quantum { sample_rate_hz, glide, frame, frames } = time;
        let about = self.entry.about;
        let (gliding, rest) = self.state.split_at_mut(self.layout.params.end);
        let gliding: &mut [f32] = bytemuck::cast_slice_mut(gliding);
        let (bypassed, params) = gliding.split_at_mut(1);
        let module = self.layout.module.start - self.layout.params.end;
        let module = &mut rest[module..module + self.entry.state_bytes];

        let mut ramps = [Ramp::default(); MAX_PARAMS];
        let mut ends = [0.0; MAX_PARAMS];
        for (index, param) in about.params.iter().enumerate() {
            let target = self.targets.get(index).copied().unwrap_or(param.default);
            ends[index] = glided(param, params[index], param.legal(target), glide);
            let start = if param.jumps() { ends[index] } else { params[index] };
            ramps[index] = Ramp::new(start, ends[index]);
        }

        let bypass = Ramp::new(bypassed[0], faded(bypassed[0], self.is_bypassed, sample_rate_hz));
        if bypass.at(0) < 1.0 {
            let mut block = Block {
                sample_rate_hz,
                frame,
                tapes: Tapes::new(frame, self.tapes, self.tape_spans),
                tools: self.tools,
                frames: frames.clone(),
                inputs: self.inputs,
                outputs: self.outputs,
                params: &ramps[..about.params.len()],
                events: self.events,
                display: self.display,
            };
            self.entry.process(module, &mut block);
        }

        if bypass.at(0) >= 1.0 {
            pass_by(self.entry, self.inputs, self.outputs, frames.clone());
        } else if bypass.at(0) > 0.0 {
            fade_by(self.entry, self.inputs, self.outputs, frames.clone(), bypass);
        }

        if frames.end == QUANTUM {
            bypassed[0] = bypass.end();
            params.copy_from_slice(&ends[..params.len()]);
        }
        self.outputs.iter_mut().map(|output| output.clean(frames.clone())).sum()
    }
}

/// Part of its way to its target that a param glides in one quantum.
pub fn glide(sample_rate_hz: f32) -> f32 {
    let quanta = GLIDE_SECS * sample_rate_hz / QUANTUM as f32;
    // The first terms of 1 - e^(-1/quanta) would do; this Padé form is within
    // 1 % of it, and made of plain arithmetic: the same on every machine.
    2.0 / (2.0 * quanta + 1.0)
}

/// Where a param stands one quantum later.
#[inline]
fn glided(param: &Param, now: f32, target: f32, glide: f32) -> f32 {
    let way = target - now;
    let near = 1e-5 * (param.range.end() - param.range.start());
    if param.jumps() || way.abs() <= near { target } else { now + way * glide }
}

/// How far a module is bypassed one quantum later.
fn faded(now: f32, is_bypassed: bool, sample_rate_hz: f32) -> f32 {
    let step = QUANTUM as f32 / (FADE_SECS * sample_rate_hz);
    if is_bypassed { (now + step).min(1.0) } else { (now - step).max(0.0) }
}

/// What an output carries while its module is bypassed.
fn route<'a>(entry: &Entry, inputs: &[&'a Signal], output: usize) -> &'a Signal {
    let route = entry.about.bypass.iter().find(|(_, to)| *to == output);
    route.and_then(|&(from, _)| inputs.get(from).copied()).unwrap_or(&SILENCE)
}

fn pass_by(entry: &Entry, inputs: &[&Signal], outputs: &mut [Signal], frames: Range<usize>) {
    for (index, output) in outputs.iter_mut().enumerate() {
        let input = route(entry, inputs, index);
        output.set_channels(input.channels());
        for channel in 0..output.channels() {
            for frame in frames.clone() {
                output.set(channel, frame, input.at(channel, frame));
            }
        }
    }
}

/// From the module's outputs to what passes it by, as far as `bypass` says.
fn fade_by(
    entry: &Entry,
    inputs: &[&Signal],
    outputs: &mut [Signal],
    frames: Range<usize>,
    bypass: Ramp,
) {
    for (index, output) in outputs.iter_mut().enumerate() {
        let input = route(entry, inputs, index);
        for channel in 0..output.channels() {
            for frame in frames.clone() {
                let (module, passed) = (output.at(channel, frame), input.at(channel, frame));
                output.set(channel, frame, module + bypass.at(frame) * (passed - module));
            }
        }
    }
}

const _: () = assert!(MAX_PORTS <= 32, "a job's inputs are gathered in a fixed scratch");
