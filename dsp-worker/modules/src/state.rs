//! \[rt\] A module's committed memory, and one call of the module over it.

use std::ops::Range;
use std::sync::atomic::AtomicU32;

use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::{SILENCE, Signal};
use sostenuto_dsp::tape::{TapeSpan, Tapes};
use sostenuto_dsp::units::FADE_SECS;
use sostenuto_dsp::units::{CHANNELS, QUANTUM};

use crate::card::CardInput;
use crate::catalog::{Entry, STATE_ALIGN, clean};
use crate::clip::Clip;
use crate::limits::{MAX_PARAMS, MAX_PORTS};
use crate::module::{About, Block, Event, Runs};
use crate::param::Param;
use crate::tools::Tools;

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
    /// How much of the gaps (see [`LastFrame`]) is left at the quantum's first
    /// frame, from 1 to 0; below 0 where they are to be measured at the next
    /// frame.
    gap: f32,
    /// Channels that the module computed last.
    channels: u32,
    /// [`WIDE`] while an output carries channels that its module has left,
    /// [`WAS_WIDE`] in the quantum after, else 0.
    width: u32,
}

/// The range of a param that says of itself which range it has.
const ANY_RANGE: f32 = 2e6;

const WIDE: u32 = 1;
const WAS_WIDE: u32 = 2;

/// [`Head::gap`] before the gaps are measured.
const UNMEASURED: f32 = -1.0;

/// The channels of one output at the last frame computed.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct LastFrame {
    /// How many there are.
    pub channels: u32,
    /// In each of them.
    pub volts: [f32; CHANNELS],
    /// From where the output continued when the module began afresh, or to
    /// rest, or left a channel, to where it had been: it fades, so that nothing
    /// jumps.
    gap: [f32; CHANNELS],
    /// While [`Head::width`] is not 0: how many channels the module makes, and how many
    /// the output carries.
    made_channels: u32,
    wide_channels: u32,
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
        let params = size_of::<Head>()..size_of::<Head>() + 4 * entry.room.params.len();
        let last_frames =
            params.end..params.end + size_of::<LastFrame>() * entry.room.outputs.len();
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
        let places = self.params.clone().step_by(4);
        for ((at, param), &value) in places.zip(entry.room.params).zip(params) {
            state[at..at + 4].copy_from_slice(&param.legal(value).to_ne_bytes());
        }
        (entry.start)(&mut state[self.module.clone()], seed);
    }

    /// Goes on at another sample rate. Not real-time.
    pub fn change_rate(&self, entry: &Entry, state: &mut [u8], change: &RateChange) {
        (entry.change_rate)(&mut state[self.module.clone()], change);
    }

    /// A new start with the params where they are, for a module whose state has
    /// gone bad. Its outputs go on from where they were. Real-time safe.
    pub fn restart(&self, entry: &Entry, state: &mut [u8], seed: u64) {
        head_mut(state).gap = UNMEASURED;
        let module = &mut state[self.module.clone()];
        module.fill(0);
        (entry.start)(module, seed);
    }

    /// Makes the copy of the state for one block ready for what is to be done
    /// with the module. Real-time safe.
    pub fn remedy(&self, entry: &Entry, state: &mut [u8], remedy: Remedy, seed: u64) {
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
    pub fn rests(&self, state: &[u8]) -> bool {
        let head: &Head = bytemuck::from_bytes(&state[..size_of::<Head>()]);
        head.rests != 0
    }

    /// The last frame of each output, as [`StateLayout::keep_last_frames`] left it.
    pub fn last_frames<'a>(&self, state: &'a [u8]) -> &'a [LastFrame] {
        bytemuck::cast_slice(&state[self.last_frames.clone()])
    }

    /// Remembers the last frame of each output. At the end of every quantum
    /// that something in a loop may follow.
    pub fn keep_last_frames(&self, state: &mut [u8], outputs: &[Signal]) {
        let kept = bytemuck::cast_slice_mut(&mut state[self.last_frames.clone()]);
        for (kept, output) in kept.iter_mut().zip(outputs) {
            let kept: &mut LastFrame = kept;
            kept.channels = output.channels() as u32;
            kept.volts = std::array::from_fn(|channel| output.at(channel, QUANTUM - 1));
        }
    }
}

fn head_mut(state: &mut [u8]) -> &mut Head {
    bytemuck::from_bytes_mut(&mut state[..size_of::<Head>()])
}

/// How the params of a module go through one quantum: worked out in the first call
/// after [`ParamRamps::reset`], and used by those for the quantum's later frames.
#[derive(Clone, Debug)]
pub struct ParamRamps {
    is_ready: bool,
    ramps: [Ramp; MAX_PARAMS],
    /// Where they stand at the quantum's end.
    ends: [f32; MAX_PARAMS],
    /// Where they were set.
    goals: [f32; MAX_PARAMS],
}

impl Default for ParamRamps {
    fn default() -> ParamRamps {
        let values = [0.0; MAX_PARAMS];
        let ramps = [Ramp::default(); MAX_PARAMS];
        ParamRamps { is_ready: false, ramps, ends: values, goals: values }
    }
}

impl ParamRamps {
    /// Another quantum begins, or another module. Real-time safe.
    pub fn reset(&mut self) {
        self.is_ready = false;
    }

    fn work_out(&mut self, about: &About, params: &[f32], targets: &[f32], sample_rate_hz: f32) {
        self.is_ready = true;
        // Where a param stands is legal, so a target that it has reached is.
        let differ = |(param, target): (&f32, &f32)| param != target;
        if params
            .iter()
            .zip(targets)
            .fold(params.len() != targets.len(), |any, pair| any | differ(pair))
        {
            self.work_out_ways(about, params, targets, glide(sample_rate_hz));
            return;
        }
        self.goals[..params.len()].copy_from_slice(targets);
        self.ends[..params.len()].copy_from_slice(targets);
        for (ramp, &param) in self.ramps.iter_mut().zip(params) {
            *ramp = Ramp::still(param);
        }
    }

    /// Of params some of which are on their way.
    fn work_out_ways(&mut self, about: &About, params: &[f32], targets: &[f32], glide: f32) {
        for (index, param) in about.params.iter().enumerate() {
            let target = targets.get(index).copied().unwrap_or(param.default);
            let goal = param.legal(target);
            let end = glided(param, params[index], goal, glide);
            let start = if param.jumps() { end } else { params[index] };
            (self.goals[index], self.ends[index]) = (goal, end);
            self.ramps[index] = Ramp::new(start, end);
        }
    }
}

/// The time of one call.
#[derive(Clone, Debug)]
pub struct Quantum {
    /// In Hz.
    pub sample_rate_hz: f32,
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
    /// How they go there in this quantum.
    pub ramps: &'a mut ParamRamps,
    /// One for each input.
    pub inputs: &'a [&'a Signal],
    /// One for each output.
    pub outputs: &'a mut [Signal],
    /// The outputs in the quantum before, where this block has it; else the last
    /// frame kept counts.
    pub previous: Option<&'a [Signal]>,
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
    /// The outputs that nothing reads, bit by bit: their samples need not be computed.
    pub unheard: u32,
    /// Of this process.
    pub tools: &'a mut Tools,
    /// Of this process, where it plays modules of a musician's own.
    pub runs: &'a mut Option<Box<dyn Runs>>,
    /// Pass inputs to outputs along the bypass routes, and leave the module
    /// alone, unless it [goes on](crate::module::About::goes_on_bypassed). It
    /// fades there and back.
    pub is_bypassed: bool,
    /// The same at once, whatever the module is like.
    pub rests: bool,
}

impl Call<'_> {
    /// Computes some frames of one quantum. Returns how many output samples
    /// were not finite; they are 0 V now. Real-time safe.
    pub fn run(self, time: Quantum) -> u32 {
        let Quantum { sample_rate_hz, frame, frames } = time;
        let about = self.entry.room;
        let (head, rest) = self.state.split_at_mut(size_of::<Head>());
        let head: &mut Head = bytemuck::from_bytes_mut(head);
        let (params, rest) = rest.split_at_mut(self.layout.params.len());
        let params: &mut [f32] = bytemuck::cast_slice_mut(params);
        let (last_frames, rest) = rest.split_at_mut(self.layout.last_frames.len());
        let last_frames: &mut [LastFrame] = bytemuck::cast_slice_mut(last_frames);
        let module = self.layout.module.start - self.layout.last_frames.end;
        let module = &mut rest[module..module + self.entry.state_bytes];

        if !self.ramps.is_ready {
            self.ramps.work_out(about, params, self.targets, sample_rate_hz);
        }
        let ParamRamps { ramps, ends, goals, .. } = &*self.ramps;

        let bypass = faded(head.bypassed, self.is_bypassed, sample_rate_hz);
        let bypass = Ramp::new(head.bypassed, bypass);
        let is_passed = bypass.at(0) >= 1.0 || self.rests;
        let is_computed = !self.rests && (!is_passed || about.goes_on_bypassed());
        let ends_quantum = frames.end == QUANTUM;
        // Frames of one quantum lie in one order: what has another number of
        // channels, or is not heard, is made beside the outputs.
        let mut aside = std::mem::take(&mut self.tools.aside);
        let made = &mut aside[..about.outputs.len()];
        let mut muted = 0;
        if is_computed {
            let is_aside = is_passed || head.width == WIDE;
            let mut block = Block {
                sample_rate_hz,
                frame,
                tapes: Tapes::new(frame, self.tapes, self.tape_spans),
                tools: &mut *self.tools,
                runs: self.runs,
                clip: self.clip,
                card: self.card,
                frames: frames.clone(),
                inputs: self.inputs,
                outputs: if is_aside { &mut *made } else { &mut *self.outputs },
                params: &ramps[..about.params.len()],
                goals: &goals[..about.params.len()],
                events: self.events,
                display: self.display,
                unheard: self.unheard,
                muted: 0,
                begins_anew: false,
            };
            self.entry.process(module, &mut block);
            muted = block.muted;
            if block.begins_anew {
                head.gap = UNMEASURED;
            }
            let channels = block.outputs.iter().map(|output| output.channels()).max();
            let channels = channels.unwrap_or_default() as u32;
            if ends_quantum {
                let before = std::mem::replace(&mut head.channels, channels);
                if channels < before {
                    (self.entry.forget)(module, channels as usize..before as usize);
                }
            }
        }
        if ends_quantum && bypass.end() >= 1.0 && head.bypassed < 1.0 && !about.goes_on_bypassed() {
            (self.entry.forget)(module, 0..CHANNELS);
        }

        let heard = if head.width == WIDE { &mut *made } else { &mut *self.outputs };
        if is_passed {
            pass_by(self.entry, self.inputs, heard, frames.clone());
        } else if bypass.at(0) > 0.0 {
            fade_by(self.entry, self.inputs, heard, frames.clone(), bypass);
        }
        if ends_quantum {
            head.bypassed = bypass.end();
            params.copy_from_slice(&ends[..params.len()]);
        }
        if bypass.at(0) > 0.0 {
            muted = 0;
        }
        let not_finite = clean(&mut heard[..about.outputs.len()], muted, frames.clone());

        let made = (head.width == WIDE).then_some(&*made);
        let step = 1.0 / (FADE_SECS * sample_rate_hz);
        Gaps { head, last_frames, previous: self.previous, frames, step }.close(made, self.outputs);
        self.tools.aside = aside;
        not_finite
    }
}

/// Closes the gaps that a new start, a rest or the end of a channel leaves.
struct Gaps<'a> {
    head: &'a mut Head,
    last_frames: &'a mut [LastFrame],
    previous: Option<&'a [Signal]>,
    frames: Range<usize>,
    /// What a frame takes off [`Head::gap`].
    step: f32,
}

impl Gaps<'_> {
    /// `made` are the signals that the outputs are to carry, where these have
    /// more channels; else they are there already.
    fn close(self, made: Option<&[Signal]>, outputs: &mut [Signal]) {
        let channels = |outputs: &[Signal], index: usize| made.unwrap_or(outputs)[index].channels();
        let leaves = self.frames.start == 0
            && (0..outputs.len()).any(|o| channels(outputs, o) < self.made_before(o));
        if self.head.gap == 0.0 && !leaves {
            if self.frames.end == QUANTUM {
                self.head.width = 0;
            }
            return;
        }
        let is_new = self.head.gap < 0.0;
        let start = self.frames.start as f32 * self.step;
        let left = (self.head.gap - start).clamp(0.0, 1.0);
        if is_new || leaves {
            self.head.gap = 1.0 + start;
        }
        let mut is_wide = false;
        let mut own_channels = [0; MAX_PORTS];
        for (index, output) in outputs.iter_mut().enumerate() {
            let own = made.map_or(output.channels(), |made| made[index].channels());
            let before = if leaves { self.made_before(index) } else { own };
            let wide = self.last_frames[index].wide_channels as usize;
            let wide = own.max(before).max(if made.is_some() { wide } else { 0 });
            let mut gap = self.last_frames[index].gap;
            // A new start measures before the output gets its channels: frames of
            // this quantum lie in it.
            let was = if is_new || leaves {
                std::array::from_fn(|channel| self.was(output, index, channel))
            } else {
                [0.0; CHANNELS]
            };
            if made.is_some() || wide > own {
                let from = made.map_or(*output, |made| made[index]);
                widen(output, &from, wide, self.frames.clone());
            }
            if is_new || leaves {
                for (channel, gap) in gap.iter_mut().enumerate().take(wide) {
                    let is_left = (own..before).contains(&channel);
                    *gap = match (is_new, is_left) {
                        (true, _) => was[channel] - output.at(channel, self.frames.start),
                        (_, true) => was[channel],
                        _ => left * *gap,
                    };
                }
            }
            self.fade(output, &gap);
            let last = &mut self.last_frames[index];
            last.gap = gap;
            last.wide_channels = wide as u32;
            is_wide |= wide > own;
            own_channels[index] = own as u32;
        }
        for (last, own) in self.last_frames.iter_mut().zip(own_channels) {
            last.made_channels = own;
        }
        if is_wide {
            self.head.width = WIDE;
        }
        if self.frames.end == QUANTUM {
            self.head.gap = (self.head.gap - QUANTUM as f32 * self.step).max(0.0);
            if self.head.gap == 0.0 {
                self.head.width = if self.head.width == WIDE { WAS_WIDE } else { 0 };
            }
        }
    }

    /// How many channels the module made in the quantum before.
    fn made_before(&self, output: usize) -> usize {
        let last = &self.last_frames[output];
        match self.previous {
            _ if self.head.width != 0 => (last.made_channels as usize).min(CHANNELS),
            Some(outputs) => outputs[output].channels(),
            None => (last.channels as usize).min(CHANNELS),
        }
    }

    /// What the output carried in the frame before.
    fn was(&self, output: &Signal, index: usize, channel: usize) -> f32 {
        match (self.frames.start.checked_sub(1), self.previous) {
            (Some(before), _) => output.at(channel, before),
            (None, Some(outputs)) => outputs[index].at(channel, QUANTUM - 1),
            (None, None) => self.last_frames[index].at(channel),
        }
    }

    fn fade(&self, output: &mut Signal, gap: &[f32; CHANNELS]) {
        for channel in 0..output.channels() {
            for frame in self.frames.clone() {
                let left = (self.head.gap - frame as f32 * self.step).clamp(0.0, 1.0);
                let volts = output.at(channel, frame) + left * gap[channel];
                output.set(channel, frame, volts);
            }
        }
    }
}

/// Some frames of a signal with more channels than it has: 0 V in those.
fn widen(output: &mut Signal, from: &Signal, channels: usize, frames: Range<usize>) {
    output.set_channels(channels);
    for channel in 0..channels {
        for frame in frames.clone() {
            let is_there = channel < from.channels().max(1);
            output.set(channel, frame, if is_there { from.at(channel, frame) } else { 0.0 });
        }
    }
}

/// Part of its way to its target that a param glides in one quantum.
fn glide(sample_rate_hz: f32) -> f32 {
    let quanta = GLIDE_SECS * sample_rate_hz / QUANTUM as f32;
    // The first terms of 1 - e^(-1/quanta) would do; this Padé form is within
    // 1 % of it, and made of plain arithmetic: the same on every machine.
    2.0 / (2.0 * quanta + 1.0)
}

/// Where a param stands one quantum later.
#[inline]
fn glided(param: &Param, now: f32, target: f32, glide: f32) -> f32 {
    let way = target - now;
    let range = param.range.end() - param.range.start();
    // A param of any range is near by its own measure.
    let near = 1e-5 * if range < ANY_RANGE { range } else { target.abs().max(1e-3) };
    if param.jumps() || way.abs() <= near { target } else { now + way * glide }
}

/// How far a module is bypassed one quantum later.
fn faded(now: f32, is_bypassed: bool, sample_rate_hz: f32) -> f32 {
    if now == f32::from(u8::from(is_bypassed)) {
        return now;
    }
    let step = QUANTUM as f32 / (FADE_SECS * sample_rate_hz);
    if is_bypassed { (now + step).min(1.0) } else { (now - step).max(0.0) }
}

/// What an output carries while its module is bypassed.
fn route<'a>(entry: &Entry, inputs: &[&'a Signal], output: usize) -> &'a Signal {
    let route = entry.room.bypass.iter().find(|(_, to)| *to == output);
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
