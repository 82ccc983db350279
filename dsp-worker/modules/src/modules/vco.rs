//! VCO: the voice's raw sound. Saw, square, triangle and sine, free of
//! aliasing, through FM, sync and pulse-width modulation; and a square an octave
//! or two below.

mod edges;
mod knobs;
mod simple;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::blep::{Edged, TAPS};
use sostenuto_dsp::half_band::{HalfBandState, STEEP, double, halve};
use sostenuto_dsp::lane::{LANES, Lane, each};
use sostenuto_dsp::phase::{self, Phases};
use sostenuto_dsp::rise::{NO_RISE, Rise};
use sostenuto_dsp::units::{AUDIO_VOLTS, CHANNELS, QUANTUM};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;

use edges::{Edges, Way};
use knobs::{Inputs, Knobs};

const VOCT: usize = 0;
const FM: usize = 1;
const PW: usize = 2;
const SYNC: usize = 3;

const SAW: usize = 0;
const SQUARE: usize = 1;
const TRIANGLE: usize = 2;
const SINE: usize = 3;
const WAVES: usize = 4;
const SUB_OUT: usize = 4;

const OCTAVE: usize = 0;
const TUNE: usize = 1;
const FINE: usize = 2;
const FM_AMOUNT: usize = 3;
const FM_MODE: usize = 4;
const PULSE_WIDTH: usize = 5;
const PWM_AMOUNT: usize = 6;
const OVERSAMPLE: usize = 7;
const SYNC_MODE: usize = 8;
const SUB: usize = 9;

const LINEAR_FM: usize = 1;
const SOFT_SYNC: usize = 1;

/// Far beyond hearing, in octaves from C4, and within what [`exp2`] takes.
const MAX_PITCH: f32 = 24.0;
/// Too small to matter, in volts: keeps filters away from denormal numbers.
const NO_DENORMAL: f32 = 1e-20;
/// A pulse stays a pulse: it is never narrower than this, in turns.
const MIN_WIDTH: f32 = 0.01;

/// All that a VCO remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Vco {
    waves: [Edged; WAVES],
    phase: [i32; CHANNELS],
    /// The pulse width 3, 2 and 1 frames ago (half frames where oversampled), as
    /// a phase. The square is a frame late, to know how its width will bend.
    widths: [[i32; CHANNELS]; 3],
    sync: Rise,
    /// Where oversampled: the pulse width 3, 2 and 1 frames ago, in turns.
    pulse_widths: [[f32; CHANNELS]; 3],
    fm_doubler: HalfBandState<STEEP>,
    halvers: [HalfBandState<STEEP>; WAVES],
    /// -1 where soft sync has turned the wave around, else 0.
    turned: [i32; CHANNELS],
    sub: Edged,
    /// Whole turns of the phase so far: the sub goes by their lowest bits.
    turns: [i32; CHANNELS],
    sub_halver: HalfBandState<STEEP>,
    /// The waves that nothing reads, bit by bit: they stand still.
    unheard: u32,
    /// For each group of channels, 1 where the pulse widths stood still, too.
    has_old_widths: [u32; 2],
    _unused: u32,
}

impl Module for Vco {
    const ABOUT: &'static About = &About {
        name: "vco",
        title: "VCO",
        summary: "Oscillator with saw, square, triangle and sine: the start of a voice",
        aliases: &["oscillator", "saw", "square", "triangle", "sine", "osc", "pwm", "sync"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            pitch::VOCT,
            pitch::FM,
            port("pw", "Pulse width CV, scaled by pwm-amount").moves(
                "pulse-width",
                Some("pwm-amount"),
                By::TenthPerVolt,
            ),
            port("sync", "Each rise through 0 V restarts the wave, or reverses it (see sync-mode)"),
        ],
        outputs: &[
            port("saw", "Rising saw, ±5 V"),
            port("square", "Square, ±5 V, or a pulse (see pulse-width)"),
            port("triangle", "Triangle, ±5 V"),
            port("sine", "Sine, ±5 V"),
            port("sub", "Square one or two octaves below the pitch, ±5 V; off by default"),
        ],
        params: &[
            pitch::OCTAVE,
            pitch::TUNE,
            pitch::FINE,
            pitch::FM_AMOUNT,
            pitch::FM_MODE,
            Param::linear(
                "pulse-width",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How much of each cycle the square is high; limited to 1 to 99 %",
            ),
            Param::linear(
                "pwm-amount",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "Depth of the pulse width CV: at 1, each volt adds 10 %",
            )
            .labelled("pwm amt"),
            Param::switch(
                "oversample",
                false,
                "Runs at twice the sample rate, at twice the CPU cost: keeps deep and high FM \
                 clean",
            )
            .steady(),
            Param::choice(
                "sync-mode",
                &["hard", "soft"],
                0,
                "Hard sync restarts the wave, for a tearing second pitch. Soft sync reverses it: \
                 milder, and an octave lower",
            ),
            Param::choice(
                "sub",
                &["off", "1 octave", "2 octaves"],
                0,
                "The octave of the sub output",
            ),
        ],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, FM, SYNC, PW]);
        if block.choice(SYNC_MODE) != SOFT_SYNC {
            self.turned = [0; CHANNELS];
        }
        self.listen(block);
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group));
    }
}

impl Vco {
    /// Waves that are heard again begin as those of a new module: what is missing
    /// of their first frames, the new cable fades in over.
    #[inline(always)]
    fn listen(&mut self, block: &mut Block) {
        let mut unheard = 0;
        for wave in 0..WAVES {
            if block.is_heard(wave) {
                if self.unheard >> wave & 1 != 0 {
                    self.waves[wave] = Edged::zeroed();
                    self.halvers[wave] = HalfBandState::zeroed();
                }
            } else {
                unheard |= 1 << wave;
                block.mute(wave);
            }
        }
        if unheard >> SQUARE & 1 != 0 {
            self.has_old_widths = [1; 2];
        }
        self.unheard = unheard;
        if !block.is_heard(SUB_OUT) || block.choice(SUB) == 0 {
            block.mute(SUB_OUT);
        }
    }

    #[inline(always)]
    fn run<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize) {
        let knobs = Knobs::of(block);
        let is_simple = !block.input(SYNC).is_patched() && !knobs.is_soft_sync;
        if knobs.is_oversampled {
            self.run_oversampled::<L, N>(block, group, &knobs);
        } else if is_simple && knobs.sub_bit == 0 && block.frames() == (0..QUANTUM) {
            self.run_simple::<L, N>(block, group, &knobs);
        } else {
            self.run_plain::<L, N>(block, group, &knobs);
        }
    }

    #[inline(always)]
    fn run_plain<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        knobs: &Knobs,
    ) {
        let inputs = Inputs::of(block);
        let sync = block.input(SYNC);
        let frames = block.frames();
        let outputs = block.outputs::<{ WAVES + 1 }>();
        let keeps_pitch = inputs.keep_pitch::<L>(group, frames.clone(), knobs);
        let keeps_width = inputs.keep_width::<L>(group, frames.clone(), knobs);
        let mut step = [0; N];
        let mut width = [0; N];
        for frame in frames.clone() {
            let is_first = frame == frames.start;
            if is_first || !keeps_pitch {
                let [pitch, fm] = inputs.pitch::<L>(group, frame, knobs);
                step = knobs.step::<L, N>(frame, pitch, fm, 1.0);
            }
            if knobs.hears[SQUARE] && (is_first || !keeps_width) {
                let turns = inputs.width::<L>(group, frame, knobs);
                width = phase::from_unipolar_turns::<L, N>(turns);
            }
            let mut late = [NO_RISE; N];
            if sync.is_patched() {
                late = self.sync.next(group, frame, sync.get::<L>(group, frame));
            }
            let tick = Tick { frame, step, width, late, is_synced: sync.is_patched() };
            let (samples, sub): ([L; WAVES], L) = self.tick(group, tick, knobs);
            for wave in 0..WAVES {
                if knobs.hears[wave] {
                    outputs[wave].put(group, frame, samples[wave] * AUDIO_VOLTS.into());
                }
            }
            if knobs.sub_bit != 0 {
                outputs[SUB_OUT].put(group, frame, sub * AUDIO_VOLTS.into());
            }
        }
    }

    #[inline(always)]
    fn run_oversampled<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        knobs: &Knobs,
    ) {
        let inputs = Inputs::of(block);
        let sync = block.input(SYNC);
        let frames = block.frames();
        let outputs = block.outputs::<{ WAVES + 1 }>();
        for frame in frames {
            let [pitch, fm] = inputs.pitch::<L>(group, frame, knobs);
            let width = inputs.width::<L>(group, frame, knobs);
            let mut late = [NO_RISE; N];
            if sync.is_patched() {
                late = self.sync.next(group, frame, sync.get::<L>(group, frame));
            }
            let fms = double(&mut self.fm_doubler, group, fm + L::splat(NO_DENORMAL));
            let widths = self.double_width(group, width);
            let lates = half_frames(late);
            let mut halves = [[L::default(); WAVES]; 2];
            let mut subs = [L::default(); 2];
            for half in 0..2 {
                let tick = Tick {
                    frame: 2 * frame + half,
                    step: knobs.step::<L, N>(frame, pitch, fms[half], 0.5),
                    width: phase::from_unipolar_turns::<L, N>(widths[half]),
                    late: lates[half],
                    is_synced: sync.is_patched(),
                };
                (halves[half], subs[half]) = self.tick(group, tick, knobs);
            }
            for wave in 0..WAVES {
                if knobs.hears[wave] {
                    let pair = [halves[0][wave], halves[1][wave]];
                    let sample = halve(&mut self.halvers[wave], group, pair);
                    outputs[wave].put(group, frame, sample * AUDIO_VOLTS.into());
                }
            }
            if knobs.sub_bit != 0 {
                let sub = halve(&mut self.sub_halver, group, subs);
                outputs[SUB_OUT].put(group, frame, sub * AUDIO_VOLTS.into());
            }
        }
    }

    /// Moves the phase on by a frame, and returns the waves that are heard, and
    /// the sub.
    #[inline(always)]
    fn tick<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        tick: Tick<N>,
        knobs: &Knobs,
    ) -> ([L; WAVES], L) {
        let Tick { frame, mut step, width, late, is_synced } = tick;
        let Knobs { hears, sub_bit, .. } = *knobs;
        if frame.is_multiple_of(TAPS) {
            for (wave, hears) in self.waves.iter_mut().zip(hears) {
                if hears {
                    wave.start_count(group);
                }
            }
            if sub_bit != 0 {
                self.sub.start_count(group);
            }
        }
        let first = group * LANES;
        if knobs.is_soft_sync {
            let turned: [i32; N] = each(|lane| self.turned[first + lane]);
            step = each(|lane| (step[lane] ^ turned[lane]) - turned[lane]);
        }
        let from: Phases<N> = each(|lane| self.phase[first + lane]);
        let mut to: Phases<N> = each(|lane| from[lane].wrapping_add(step[lane]));
        let mut widths = [[0; N]; 4];
        if hears[SQUARE] {
            widths = self.next_widths(group, width);
        }
        let mut edges: [i32; N] = knobs.edges(from, to);
        if hears[SQUARE] {
            for lane in 0..N {
                let was_high = phase::is_less(from[lane], widths[1][lane]);
                let is_high = phase::is_less(to[lane], widths[2][lane]);
                edges[lane] |= -i32::from(was_high != is_high);
            }
        }
        if is_synced {
            for lane in 0..N {
                edges[lane] |= -i32::from(late[lane] < NO_RISE);
            }
        }
        if edges.iter().fold(0, |any, &here| any | here) < 0 {
            for lane in 0..N {
                if edges[lane] < 0 {
                    let way = Way::of([from[lane], step[lane]], widths.map(|widths| widths[lane]));
                    to[lane] = self.pass(way, late[lane], [group, lane, frame], knobs);
                }
            }
        }
        self.phase[first..first + N].copy_from_slice(&to);
        (self.waves(group, frame, to, widths[2], hears), self.sub(group, frame, sub_bit))
    }

    /// One channel's way through a frame, with its edges. Returns the phase at its
    /// end.
    #[inline(always)]
    fn pass(&mut self, way: Way, late: f32, place: [usize; 3], knobs: &Knobs) -> i32 {
        let [group, lane, frame] = place;
        let (waves, sub) = (&mut self.waves, &mut self.sub);
        let turns = &mut self.turns[group * LANES + lane];
        let Knobs { hears, sub_bit, .. } = *knobs;
        let mut edges = Edges { waves, hears, sub, sub_bit, turns, group, lane, frame };
        let mut is_cut = late < NO_RISE;
        let mut part = if is_cut { way.until(late) } else { way };
        // In a loop, so that the long code of edges is there once.
        loop {
            let reached = edges.pass(part);
            if !is_cut {
                return reached;
            }
            is_cut = false;
            part = if knobs.is_soft_sync {
                self.turned[group * LANES + lane] ^= -1;
                edges.turn(way, late, reached)
            } else {
                edges.reset(way, late, reached)
            };
        }
    }

    #[inline(always)]
    fn waves<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        phase: Phases<N>,
        width: Phases<N>,
        hears: [bool; WAVES],
    ) -> [L; WAVES] {
        let mut out = [L::default(); WAVES];
        let mut pass = |wave: usize, sample: L| {
            out[wave] = self.waves[wave].pass(group, frame, sample);
        };
        if hears[SAW] {
            pass(SAW, phase::saw::<L, N>(phase));
        }
        if hears[SQUARE] {
            pass(SQUARE, phase::where_less::<L, N>(phase, width, 1.0, -1.0));
        }
        if hears[TRIANGLE] {
            pass(TRIANGLE, phase::triangle::<L, N>(phase));
        }
        if hears[SINE] {
            pass(SINE, phase::sine::<L, N>(phase));
        }
        out
    }

    #[inline(always)]
    fn sub<L: Lane>(&mut self, group: usize, frame: usize, sub_bit: i32) -> L {
        if sub_bit == 0 {
            return L::default();
        }
        let mut levels = [0.0; LANES];
        for (lane, level) in levels.iter_mut().enumerate().take(L::WIDTH) {
            *level = sub_level(self.turns[group * LANES + lane], sub_bit);
        }
        self.sub.pass(group, frame, L::from_lanes(levels))
    }

    /// The last four pulse widths, oldest first.
    #[inline(always)]
    fn next_widths<const N: usize>(&mut self, group: usize, now: Phases<N>) -> [Phases<N>; 4] {
        let mut widths = [now; 4];
        if std::mem::take(&mut self.has_old_widths[group % 2]) == 0 {
            for past in 0..3 {
                widths[past] = phase::load(&self.widths[past], group);
            }
        }
        for past in 0..3 {
            phase::store(widths[past + 1], &mut self.widths[past], group);
        }
        widths
    }

    /// The pulse width half a frame and a whole frame further on, two frames
    /// late: the middle of four frames by the cubic through them.
    #[inline(always)]
    fn double_width<L: Lane>(&mut self, group: usize, now: L) -> [L; 2] {
        let [oldest, older, old] = push(&mut self.pulse_widths, group, now);
        let middle = (older + old) * (9.0 / 16.0).into() - (oldest + now) * (1.0 / 16.0).into();
        [middle.clamp(MIN_WIDTH, 1.0 - MIN_WIDTH), old]
    }
}

/// The sub, after so many turns.
#[inline(always)]
fn sub_level(turns: i32, sub_bit: i32) -> f32 {
    if turns & sub_bit == 0 { 1.0 } else { -1.0 }
}

/// Keeps three frames. Returns those that it kept before, oldest first.
#[inline(always)]
fn push<L: Lane>(kept: &mut [[f32; CHANNELS]; 3], group: usize, now: L) -> [L; 3] {
    let past = [L::load(&kept[0], group), L::load(&kept[1], group), L::load(&kept[2], group)];
    past[1].store(&mut kept[0], group);
    past[2].store(&mut kept[1], group);
    now.store(&mut kept[2], group);
    past
}

/// A reset in a frame as one in its first or second half, in half frames.
#[inline(always)]
fn half_frames<const N: usize>(late: [f32; N]) -> [[f32; N]; 2] {
    let first = |late: f32| if (0.5..=1.0).contains(&late) { 2.0 * late - 1.0 } else { NO_RISE };
    let second = |late: f32| if late < 0.5 { 2.0 * late } else { NO_RISE };
    [late.map(first), late.map(second)]
}

/// What a step of the phase needs to know, for each channel.
struct Tick<const N: usize> {
    /// Frames or half frames since the start of the quantum.
    frame: usize,
    step: Phases<N>,
    width: Phases<N>,
    /// How long ago sync came, or [`NO_RISE`].
    late: [f32; N],
    is_synced: bool,
}

#[cfg(test)]
mod tests;
