//! A bench power supply for one module: patch signals in, run it, look at what
//! comes out. Tests, benches and sound references use it; it calls modules
//! exactly as a worker does.

mod at_work;
#[cfg(test)]
pub mod held;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::{SILENCE, Signal};
use sostenuto_dsp::tape::{TapeSpan, carry, lay_out};
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, QUANTUM};

use crate::card::{CARD_CHANNELS, CARD_SAMPLES, CardInput};
use crate::catalog::{CATALOG, Entry};
use crate::clip::Clip;
use crate::limits::MAX_PORTS;
use crate::module::{Event, Module, Runs};
use crate::state::{Call, ParamRamps, Quantum, StateLayout};
use crate::tools::Tools;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

type Feed = Box<dyn FnMut(usize, u64) -> f32>;

/// One module on the bench.
pub struct Rig {
    entry: &'static Entry,
    sample_rate_hz: f32,
    /// The sample rate whose frames feeds and card count: that of the start.
    fed_rate_hz: f32,
    layout: StateLayout,
    state: Vec<CacheLine>,
    targets: Vec<f32>,
    ramps: ParamRamps,
    tapes: Vec<f32>,
    tape_spans: Vec<TapeSpan>,
    clip: (Vec<f32>, usize, f32),
    clip_loop: [f64; 2],
    clip_root_cents: i32,
    card: Option<Feed>,
    card_samples: Vec<f32>,
    feeds: Vec<Option<(usize, Feed)>>,
    inputs: Vec<Signal>,
    outputs: Vec<Signal>,
    /// Those of the quantum before, where it was computed here.
    previous: Vec<Signal>,
    has_previous: bool,
    events: Vec<Event>,
    display: Vec<AtomicU32>,
    tools: Tools,
    runs: Option<Box<dyn Runs>>,
    frame: u64,
    seed: u64,
    has_started: bool,
    is_bypassed: bool,
    is_frame_by_frame: bool,
    unheard: u32,
    not_finite: u32,
}

/// A module as a finished block has left it: see [`Rig::committed`].
pub struct Committed {
    state: Vec<CacheLine>,
    frame: u64,
}

/// What came out of every output, channel by channel.
pub struct Render {
    entry: &'static Entry,
    channels: Vec<Vec<Vec<f32>>>,
}

impl Rig {
    /// A new module of that type. Its params stand at their defaults.
    ///
    /// # Panics
    /// Where the module is not in the catalogue.
    pub fn new<M: Module>(sample_rate_hz: f32) -> Rig {
        Rig::named(M::ABOUT.name, sample_rate_hz)
    }

    /// A new module of the catalogue, by its name.
    ///
    /// # Panics
    /// Where no module is called that.
    pub fn named(name: &str, sample_rate_hz: f32) -> Rig {
        let entry =
            CATALOG.iter().find(|entry| entry.about.name == name).expect("in the catalogue");
        let layout = StateLayout::of(entry);
        let tape_spans = lay_out(&(entry.tapes)(sample_rate_hz));
        Rig {
            entry,
            sample_rate_hz,
            fed_rate_hz: sample_rate_hz,
            state: vec![CacheLine([0; 64]); layout.size_bytes() / 64],
            layout,
            ramps: ParamRamps::default(),
            targets: entry.room.params.iter().map(|param| param.default).collect(),
            tapes: vec![0.0; tape_spans.last().map_or(0, |span| span.end())],
            tape_spans,
            clip: (Vec::new(), 0, 0.0),
            clip_loop: [0.0; 2],
            clip_root_cents: 0,
            card: None,
            card_samples: Vec::new(),
            feeds: entry.room.inputs.iter().map(|_| None).collect(),
            inputs: vec![SILENCE; entry.room.inputs.len()],
            outputs: vec![Signal::zeroed(); entry.room.outputs.len()],
            previous: vec![Signal::zeroed(); entry.room.outputs.len()],
            has_previous: false,
            events: Vec::new(),
            display: (0..entry.room.display).map(|_| AtomicU32::new(0)).collect(),
            tools: Tools::new(),
            runs: None,
            frame: 0,
            seed: 1,
            has_started: false,
            is_bypassed: false,
            is_frame_by_frame: false,
            unheard: 0,
            not_finite: 0,
        }
    }

    /// Turns a param. Before the first frame it starts there; later it glides.
    ///
    /// # Panics
    /// Where the module has no such param.
    pub fn set(&mut self, param: &str, value: f32) -> &mut Rig {
        self.targets[self.entry.room.param(param).expect("a param of this module")] = value;
        self.ramps.reset();
        self
    }

    /// Sets a choice by its word.
    ///
    /// # Panics
    /// Where the module has no such param, or the param no such choice.
    pub fn choose(&mut self, param: &str, word: &str) -> &mut Rig {
        let index = self.entry.room.param(param).expect("a param of this module");
        self.targets[index] =
            self.entry.room.params[index].parse(word).expect("one of its choices");
        self.ramps.reset();
        self
    }

    /// Another seed than 1, for what is random.
    pub fn seed(&mut self, seed: u64) -> &mut Rig {
        self.seed = seed;
        self
    }

    /// Gives the module that clip, as its host makes one of its text: `samples`
    /// channel after channel. It may be another one before any frame.
    pub fn clip(
        &mut self,
        samples: impl Into<Vec<f32>>,
        channels: usize,
        sample_rate_hz: f32,
    ) -> &mut Rig {
        self.clip = (samples.into(), channels, sample_rate_hz);
        self
    }

    /// What the file of the sound says besides: where it goes round, as parts of its
    /// length, and which note it plays, in cents above C4.
    pub fn clip_facts(&mut self, loop_part: [f64; 2], root_cents: i32) -> &mut Rig {
        (self.clip_loop, self.clip_root_cents) = (loop_part, root_cents);
        self
    }

    /// Gives it what runs modules of a musician's own.
    pub fn runs(&mut self, runs: Box<dyn Runs>) -> &mut Rig {
        self.runs = Some(runs);
        self
    }

    /// Has the sound card hear something: `volts(channel, frame)`.
    pub fn card(&mut self, volts: impl FnMut(usize, u64) -> f32 + 'static) -> &mut Rig {
        self.card = Some(Box::new(volts));
        self.card_samples = vec![0.0; CARD_SAMPLES];
        self
    }

    /// Patches a mono cable: `volts(channel, frame)`, frames counted from the
    /// start of the rig.
    pub fn feed(
        &mut self,
        input: &str,
        volts: impl FnMut(usize, u64) -> f32 + 'static,
    ) -> &mut Rig {
        self.feed_channels(input, 1, volts)
    }

    /// Patches a cable with that many channels.
    ///
    /// # Panics
    /// Where the module has no such input.
    pub fn feed_channels(
        &mut self,
        input: &str,
        channels: usize,
        volts: impl FnMut(usize, u64) -> f32 + 'static,
    ) -> &mut Rig {
        let index = self.entry.room.input(input).expect("an input of this module");
        self.feeds[index] = Some((channels, Box::new(volts)));
        // In lanes past the last channel there is 0 V, as on every cable.
        self.inputs[index] = SILENCE;
        self
    }

    /// Pulls the cable out of an input.
    ///
    /// # Panics
    /// Where the module has no such input.
    pub fn unplug(&mut self, input: &str) -> &mut Rig {
        let index = self.entry.room.input(input).expect("an input of this module");
        self.feeds[index] = None;
        self.inputs[index] = SILENCE;
        self
    }

    /// From now on every cable carries its last quantum again and again: what
    /// is timed from here on is the module alone.
    pub fn hold(&mut self) -> &mut Rig {
        self.feeds.fill_with(|| None);
        self
    }

    /// Patches an input with what another module's output carries now, as
    /// [`Rig::hold`] does.
    ///
    /// # Panics
    /// Where either has no such port.
    pub fn plug(&mut self, input: &str, from: &Rig, output: &str) -> &mut Rig {
        let index = self.entry.room.input(input).expect("an input of this module");
        let output = from.entry.room.output(output).expect("an output of the other");
        self.inputs[index] = from.outputs[output];
        self
    }

    /// Something happens at the start of the next quantum.
    pub fn event(&mut self, event: Event) -> &mut Rig {
        self.events.push(event);
        self
    }

    /// The clock at the first frame, instead of 0: a multiple of [`QUANTUM`].
    pub fn begin_at(&mut self, frame: u64) -> &mut Rig {
        self.frame = frame;
        self
    }

    /// Bypasses the module, or no more. Before the first frame at once; later it
    /// fades.
    pub fn bypass(&mut self, is_bypassed: bool) -> &mut Rig {
        self.is_bypassed = is_bypassed;
        self
    }

    /// Calls the module once a frame, as in a feedback loop, instead of once a
    /// quantum.
    pub fn frame_by_frame(&mut self) -> &mut Rig {
        self.is_frame_by_frame = true;
        self
    }

    /// Only these outputs have a cable from now on; before, all have.
    ///
    /// # Panics
    /// Where the module has no such output.
    pub fn hear(&mut self, outputs: &[&str]) -> &mut Rig {
        let heard = outputs.iter().map(|name| self.entry.room.output(name));
        self.unheard = heard.fold(u32::MAX, |unheard, output| {
            unheard & !(1 << output.expect("an output of this module"))
        });
        self
    }

    /// Goes on at another sample rate, as a host does. What is patched goes on in
    /// time: feeds still count frames of the first rate.
    ///
    /// # Panics
    /// Within a quantum.
    pub fn change_rate(&mut self, to_hz: f32) -> &mut Rig {
        assert!(self.frame.is_multiple_of(QUANTUM as u64), "a rate changes between two quanta");
        self.start();
        let change = RateChange::new(self.sample_rate_hz, to_hz, self.frame);
        let state = bytemuck::cast_slice_mut(&mut self.state);
        self.layout.change_rate(self.entry, state, &change);
        let spans = lay_out(&(self.entry.tapes)(to_hz));
        let mut tapes = vec![0.0; spans.last().map_or(0, |span| span.end())];
        if self.entry.carries_tapes {
            carry(&change, |index| self.tapes[index], &self.tape_spans, &mut tapes, &spans);
        }
        (self.tapes, self.tape_spans) = (tapes, spans);
        (self.sample_rate_hz, self.frame) = (to_hz, change.to_frame);
        self
    }

    /// Lets that many quanta pass without calling the module, as while it is
    /// bypassed.
    pub fn skip(&mut self, quanta: u64) -> &mut Rig {
        self.frame += quanta * QUANTUM as u64;
        self
    }

    /// What the module runs at, in Hz.
    pub fn sample_rate_hz(&self) -> f32 {
        self.sample_rate_hz
    }

    /// What the module shows to editors.
    pub fn display(&self) -> Vec<f32> {
        self.display.iter().map(|cell| f32::from_bits(cell.load(Relaxed))).collect()
    }

    /// Output samples so far that were not finite.
    pub fn not_finite(&self) -> u32 {
        self.not_finite
    }

    /// What a worker that takes over would begin the next block from. Tapes are
    /// not in it: they are not copied.
    pub fn committed(&mut self) -> Committed {
        self.start();
        if self.has_previous {
            let state = bytemuck::cast_slice_mut(&mut self.state);
            self.layout.keep_last_frames(state, &self.outputs);
        }
        Committed { state: self.state.clone(), frame: self.frame }
    }

    /// Begins again where that was committed, as another process does: with the
    /// tapes as they are now, and nothing else of what came after.
    pub fn take_over(&mut self, committed: &Committed) -> &mut Rig {
        self.state.clone_from(&committed.state);
        self.frame = committed.frame;
        self.tools = Tools::new();
        self.events.clear();
        self.has_previous = false;
        self
    }

    /// Computes what is left of the quantum, and keeps none of it. It allocates
    /// nothing, except the first time.
    #[inline(never)]
    pub fn quantum(&mut self) {
        self.start();
        let start = (self.frame % QUANTUM as u64) as usize;
        self.step(start, QUANTUM - start);
    }

    fn start(&mut self) {
        if !self.has_started {
            let state = bytemuck::cast_slice_mut(&mut self.state);
            self.layout.start(self.entry, state, &self.targets, self.is_bypassed, self.seed);
            self.has_started = true;
        }
    }

    /// Runs the module for that many frames, and returns what came out.
    pub fn run(&mut self, frames: usize) -> Render {
        self.start();
        let mut render =
            Render { entry: self.entry, channels: vec![Vec::new(); self.outputs.len()] };
        let mut left = frames;
        while left > 0 {
            let start = (self.frame % QUANTUM as u64) as usize;
            let count = if self.is_frame_by_frame { 1 } else { left.min(QUANTUM - start) };
            self.step(start, count);
            render.keep(&self.outputs, start..start + count);
            left -= count;
        }
        render
    }

    /// The frame of feeds at a frame of the clock.
    fn fed_frame(&self, frame: u64) -> u64 {
        if self.fed_rate_hz == self.sample_rate_hz {
            return frame;
        }
        let ratio = f64::from(self.fed_rate_hz) / f64::from(self.sample_rate_hz);
        (frame as f64 * ratio) as u64
    }

    fn step(&mut self, start: usize, count: usize) {
        let mut fed = [0; QUANTUM];
        if self.card.is_some() || self.feeds.iter().any(Option::is_some) {
            for (offset, fed) in fed.iter_mut().enumerate().take(count) {
                *fed = self.fed_frame(self.frame + offset as u64);
            }
        }
        for (input, feed) in self.inputs.iter_mut().zip(&mut self.feeds) {
            let Some((channels, volts)) = feed else { continue };
            input.set_channels(*channels);
            for offset in 0..count {
                for channel in 0..*channels {
                    input.set(channel, start + offset, volts(channel, fed[offset]));
                }
            }
        }
        if let Some(volts) = &mut self.card {
            for (channel, offset) in
                (0..CARD_CHANNELS).flat_map(|c| (0..count).map(move |o| (c, o)))
            {
                let at = channel * MAX_BLOCK_FRAMES + start + offset;
                self.card_samples[at] = volts(channel, fed[offset]);
            }
        }
        if start == 0 {
            self.ramps.reset();
            std::mem::swap(&mut self.outputs, &mut self.previous);
        }
        let mut inputs = [&SILENCE; MAX_PORTS];
        inputs.iter_mut().zip(&self.inputs).for_each(|(input, signal)| *input = signal);
        let (samples, channels, sample_rate_hz) = &self.clip;
        let clip = Clip {
            samples,
            channels: *channels,
            sample_rate_hz: *sample_rate_hz,
            loop_part: self.clip_loop,
            root_cents: self.clip_root_cents,
        };
        let call = Call {
            entry: self.entry,
            layout: &self.layout,
            state: bytemuck::cast_slice_mut(&mut self.state),
            targets: &self.targets,
            ramps: &mut self.ramps,
            inputs: &inputs[..self.inputs.len()],
            outputs: &mut self.outputs,
            previous: self.has_previous.then_some(&self.previous[..]),
            tapes: &mut self.tapes,
            tape_spans: &self.tape_spans,
            clip,
            card: CardInput::new(&self.card_samples, 0),
            events: &self.events,
            display: &self.display,
            unheard: self.unheard,
            tools: &mut self.tools,
            runs: &mut self.runs,
            is_bypassed: self.is_bypassed,
            rests: false,
        };
        self.not_finite += call.run(Quantum {
            sample_rate_hz: self.sample_rate_hz,
            frame: self.frame - start as u64,
            frames: start..start + count,
        });
        if start == 0 {
            self.events.clear();
        }
        self.has_previous |= start + count == QUANTUM;
        self.frame += count as u64;
    }
}

impl Render {
    /// The volts of one channel of an output, frame by frame.
    ///
    /// # Panics
    /// Where the module has no such output, or it never had that channel.
    pub fn channel(&self, output: &str, channel: usize) -> &[f32] {
        &self.channels[self.entry.room.output(output).expect("an output of this module")][channel]
    }

    /// The first channel of the first output.
    pub fn main(&self) -> &[f32] {
        &self.channels[0][0]
    }

    /// The most channels that the output had.
    ///
    /// # Panics
    /// Where the module has no such output.
    pub fn channels(&self, output: &str) -> usize {
        self.channels[self.entry.room.output(output).expect("an output of this module")].len()
    }

    fn keep(&mut self, outputs: &[Signal], frames: std::ops::Range<usize>) {
        for (kept, output) in self.channels.iter_mut().zip(outputs) {
            let so_far = kept.first().map_or(0, Vec::len);
            kept.resize_with(kept.len().max(output.channels()), || vec![0.0; so_far]);
            for (channel, kept) in kept.iter_mut().enumerate() {
                kept.extend(frames.clone().map(|frame| output.at(channel, frame)));
            }
        }
    }
}
