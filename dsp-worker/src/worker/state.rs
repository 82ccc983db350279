//! \[rt\] A module's committed memory, and one call of the module over it.

use std::ops::Range;
use std::sync::atomic::AtomicU32;

use crate::card::CardInput;
use crate::catalog::{Entry, MAX_PARAMS, MAX_PORTS, STATE_ALIGN};
use crate::clip::Clip;
use crate::module::{Block, Event, Ramp};
use crate::param::Param;
use crate::protocol::FADE_SECS;
use crate::rate_change::RateChange;
use crate::signal::{SILENCE, Signal};
use crate::tape::{TapeSpan, Tapes};
use crate::tools::Tools;
use crate::units::{CHANNELS, QUANTUM};

/// How fast a param glides to where it was set: the time, in seconds, in which
/// it covers 63 % of the way.
const GLIDE_SECS: f32 = 3e-3;

/// Where the parts of a module's state lie in its bytes.
///
/// First a head of the worker's own, then where each param stands on its way to its target, then
/// the last frame of each output (what a cable in a loop carries into the next
/// quantum), then the module's own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout {
    params: Range<usize>,
    last_frames: Range<usize>,
    module: Range<usize>,
}

/// What the worker itself remembers of a module.
#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
struct Head {
    /// How far it is bypassed, from 0 to 1.
    bypassed: f32,
    /// 1 while it rests.
    rests: u32,
    /// How much of the gaps (see [`LastFrame`]) is left, from 1 to 0; above 1
    /// where they are to be measured at the next frame.
    gap: f32,
}

/// [`Head::gap`] before the gaps are measured.
const UNMEASURED: f32 = 2.0;

/// The channels of one output at the last frame computed.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct LastFrame {
    pub channels: u32,
    pub volts: [f32; CHANNELS],
    /// From where the output continued when the module began afresh, or to
    /// rest, to where it had been: it fades, so that nothing jumps.
    gap: [f32; CHANNELS],
}

impl LastFrame {
    fn at(&self, channel: usize) -> f32 {
        self.volts[if self.channels <= 1 { 0 } else { channel }]
    }
}

/// What is done with a module in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It is computed from where it was.
    Runs,
    /// It is computed from a fresh state, with its params.
    Restarts,
    /// Inputs are passed to outputs; its code is left alone.
    Rests,
}

impl StateLayout {
    /// The layout of that module's state.
    pub fn of(entry: &Entry) -> StateLayout {
        let params = size_of::<Head>()..size_of::<Head>() + 4 * entry.about.params.len();
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
        head_mut(state).bypassed = f32::from(u8::from(is_bypassed));
        for (at, &param) in self.params.clone().step_by(4).zip(params) {
            state[at..at + 4].copy_from_slice(&param.to_ne_bytes());
        }
        (entry.start)(&mut state[self.module.clone()], seed);
    }

    /// Goes on at another sample rate. Not real-time.
    pub fn change_rate(&self, entry: &Entry, state: &mut [u8], change: &RateChange) {
        (entry.change_rate)(&mut state[self.module.clone()], change);
    }

    /// A new start with the params where they are, for a module whose state has
    /// gone bad. Its outputs go on from where they were. Real-time safe.
    pub(crate) fn restart(&self, entry: &Entry, state: &mut [u8], seed: u64) {
        head_mut(state).gap = UNMEASURED;
        let module = &mut state[self.module.clone()];
        module.fill(0);
        (entry.start)(module, seed);
    }

    /// Makes the copy of the state for one block ready for what is to be done
    /// with the module. Real-time safe.
    pub(crate) fn remedy(&self, entry: &Entry, state: &mut [u8], remedy: Remedy, seed: u64) {
        let rested =
            std::mem::replace(&mut head_mut(state).rests, u32::from(remedy == Remedy::Rests));
        match remedy {
            Remedy::Runs if rested == 0 => {}
            Remedy::Rests if rested == 0 => head_mut(state).gap = UNMEASURED,
            Remedy::Rests => {}
            Remedy::Runs | Remedy::Restarts => self.restart(entry, state, seed),
        }
    }

    /// Whether that copy of the state is of a block in which the module rests.
    pub(crate) fn rests(&self, state: &[u8]) -> bool {
        let head: &Head = bytemuck::from_bytes(&state[..size_of::<Head>()]);
        head.rests != 0
    }

    pub(crate) fn last_frames<'a>(&self, state: &'a [u8]) -> &'a [LastFrame] {
        bytemuck::cast_slice(&state[self.last_frames.clone()])
    }

    /// Remembers the last frame of each output. At the end of every quantum
    /// that something in a loop may follow.
    pub(crate) fn keep_last_frames(&self, state: &mut [u8], outputs: &[Signal]) {
        let kept = bytemuck::cast_slice_mut(&mut state[self.last_frames.clone()]);
        for (kept, output) in kept.iter_mut().zip(outputs) {
            let kept: &mut LastFrame = kept;
            kept.channels = output.channels() as u32;
            kept.volts = std::array::from_fn(|channel| output.at(channel, QUANTUM - 1));
        }
    }

    /// Fades out the gap that a new start or a rest has left. `previous` are the
    /// outputs of the quantum before, where this block has them; else the last
    /// frame kept counts. Real-time safe.
    pub(crate) fn close_gaps(
        &self,
        state: &mut [u8],
        outputs: &mut [Signal],
        frames: Range<usize>,
        previous: Option<&[Signal]>,
        sample_rate_hz: f32,
    ) {
        let start = head_mut(state).gap;
        if start <= 0.0 {
            return;
        }
        let step = 1.0 / (FADE_SECS * sample_rate_hz);
        let is_new = start > 1.0;
        let start = start.min(1.0);
        let kept: &mut [LastFrame] = bytemuck::cast_slice_mut(&mut state[self.last_frames.clone()]);
        for (index, (kept, output)) in kept.iter_mut().zip(outputs).enumerate() {
            for channel in 0..output.channels() {
                if is_new {
                    let was = match (frames.start.checked_sub(1), previous) {
                        (Some(before), _) => output.at(channel, before),
                        (None, Some(outputs)) => outputs[index].at(channel, QUANTUM - 1),
                        (None, None) => kept.at(channel),
                    };
                    kept.gap[channel] = was - output.at(channel, frames.start);
                }
                for frame in frames.clone() {
                    let left = (start - (frame - frames.start) as f32 * step).max(0.0);
                    let volts = output.at(channel, frame) + left * kept.gap[channel];
                    output.set(channel, frame, volts);
                }
            }
        }
        head_mut(state).gap = (start - frames.len() as f32 * step).max(0.0);
    }
}

fn head_mut(state: &mut [u8]) -> &mut Head {
    bytemuck::from_bytes_mut(&mut state[..size_of::<Head>()])
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
    /// What its text stands for.
    pub clip: Clip<'a>,
    /// What the sound card hears.
    pub card: CardInput<'a>,
    /// Since the quantum before.
    pub events: &'a [Event],
    /// What editors see.
    pub display: &'a [AtomicU32],
    /// Of this process.
    pub tools: &'a mut Tools,
    /// Pass inputs to outputs along the bypass routes, and leave the module
    /// alone. It fades there and back.
    pub is_bypassed: bool,
    /// The same at once, whatever the module is like.
    pub rests: bool,
}

impl Call<'_> {
    /// Computes some frames of one quantum. Returns how many output samples
    /// were not finite; they are 0 V now. Real-time safe.
    pub fn run(self, time: Quantum) -> u32 {
        let Quantum { sample_rate_hz, glide, frame, frames } = time;
        let about = self.entry.about;
        let (head, rest) = self.state.split_at_mut(self.layout.params.end);
        let (head, params) = head.split_at_mut(size_of::<Head>());
        let head: &mut Head = bytemuck::from_bytes_mut(head);
        let params: &mut [f32] = bytemuck::cast_slice_mut(params);
        let module = self.layout.module.start - self.layout.params.end;
        let module = &mut rest[module..module + self.entry.state_bytes];

        let mut ramps = [Ramp::default(); MAX_PARAMS];
        let mut ends = [0.0; MAX_PARAMS];
        let mut goals = [0.0; MAX_PARAMS];
        for (index, param) in about.params.iter().enumerate() {
            let target = self.targets.get(index).copied().unwrap_or(param.default);
            goals[index] = param.legal(target);
            ends[index] = glided(param, params[index], goals[index], glide);
            let start = if param.jumps() { ends[index] } else { params[index] };
            ramps[index] = Ramp::new(start, ends[index]);
        }

        let bypass = faded(head.bypassed, self.is_bypassed, sample_rate_hz);
        let bypass = Ramp::new(head.bypassed, bypass);
        if bypass.at(0) < 1.0 && !self.rests {
            let mut block = Block {
                sample_rate_hz,
                frame,
                tapes: Tapes::new(frame, self.tapes, self.tape_spans),
                tools: self.tools,
                clip: self.clip,
                card: self.card,
                frames: frames.clone(),
                inputs: self.inputs,
                outputs: self.outputs,
                params: &ramps[..about.params.len()],
                goals: &goals[..about.params.len()],
                events: self.events,
                display: self.display,
            };
            self.entry.process(module, &mut block);
        }

        if bypass.at(0) >= 1.0 || self.rests {
            pass_by(self.entry, self.inputs, self.outputs, frames.clone());
        } else if bypass.at(0) > 0.0 {
            fade_by(self.entry, self.inputs, self.outputs, frames.clone(), bypass);
        }

        if frames.end == QUANTUM {
            head.bypassed = bypass.end();
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
