//! VCO: the voice's raw sound. Saw, square, triangle and sine, free of
//! aliasing, through FM, sync and pulse-width modulation; and a square an octave
//! or two below.

use std::f32::consts::TAU;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::blep::{Edged, ORDERS, TAPS};
use sostenuto_dsp::exp2;
use sostenuto_dsp::half_band::{HalfBandState, STEEP, double, halve};
use sostenuto_dsp::lane::{LANES, Lane, each};
use sostenuto_dsp::phase::{self, Phases, TURN};
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::rise::{NO_RISE, Rise};
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, CHANNELS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;

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
}

impl Module for Vco {
    const ABOUT: &'static About = &About {
        name: "vco",
        title: "VCO",
        summary: "Oscillator with saw, square, triangle and sine: the start of a voice",
        aliases: &["oscillator", "saw", "square", "triangle", "sine"],
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
            ),
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
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group));
    }
}

impl Vco {
    #[inline(always)]
    fn run<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize) {
        let knobs = Knobs::of(block);
        let [voct, fm, pw, sync] = [VOCT, FM, PW, SYNC].map(|port| block.input(port));
        let frames = block.frames();
        let outputs = block.outputs::<{ WAVES + 1 }>();

        for frame in frames {
            let pitch = voct.get::<L>(group, frame) + knobs.pitch(frame).into();
            let fm = fm.get::<L>(group, frame);
            let width = pw.get::<L>(group, frame) * (knobs.pwm_amount.at(frame) * 0.1).into()
                + knobs.pulse_width.at(frame).into();
            let width = width.clamp(MIN_WIDTH, 1.0 - MIN_WIDTH);
            let mut late = [NO_RISE; N];
            if sync.is_patched() {
                late = self.sync.next(group, frame, sync.get::<L>(group, frame));
            }
            let (samples, sub): ([L; WAVES], L) = if knobs.is_oversampled {
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
                        is_soft: knobs.is_soft_sync,
                        sub_bit: knobs.sub_bit,
                    };
                    (halves[half], subs[half]) = self.tick(group, tick);
                }
                let mut samples = [L::default(); WAVES];
                for wave in 0..WAVES {
                    let pair = [halves[0][wave], halves[1][wave]];
                    samples[wave] = halve(&mut self.halvers[wave], group, pair);
                }
                if knobs.sub_bit != 0 {
                    subs[0] = halve(&mut self.sub_halver, group, subs);
                }
                (samples, subs[0])
            } else {
                let step = knobs.step::<L, N>(frame, pitch, fm, 1.0);
                let width = phase::from_unipolar_turns::<L, N>(width);
                let (is_soft, sub_bit) = (knobs.is_soft_sync, knobs.sub_bit);
                self.tick(group, Tick { frame, step, width, late, is_soft, sub_bit })
            };
            for wave in 0..WAVES {
                outputs[wave].put(group, frame, samples[wave] * AUDIO_VOLTS.into());
            }
            outputs[SUB_OUT].put(group, frame, sub * AUDIO_VOLTS.into());
        }
    }

    /// Moves the phase on by a frame, and returns all waves, and the sub.
    #[inline(always)]
    fn tick<L: Lane, const N: usize>(&mut self, group: usize, tick: Tick<N>) -> ([L; WAVES], L) {
        let Tick { frame, mut step, width, late, is_soft, sub_bit } = tick;
        if frame.is_multiple_of(TAPS) {
            for wave in &mut self.waves {
                wave.start_count(group);
            }
            if sub_bit != 0 {
                self.sub.start_count(group);
            }
        }
        let first = group * LANES;
        if is_soft {
            let turned: [i32; N] = each(|lane| self.turned[first + lane]);
            step = each(|lane| (step[lane] ^ turned[lane]) - turned[lane]);
        }
        let from: Phases<N> = each(|lane| self.phase[first + lane]);
        let mut to: Phases<N> = each(|lane| from[lane].wrapping_add(step[lane]));
        let widths = self.next_widths(first, width);
        let [_, width_from, width, _] = widths;
        let has_edge: [bool; N] = each(|lane| {
            let was_high = phase::is_less(from[lane], width_from[lane]);
            let is_high = phase::is_less(to[lane], width[lane]);
            let is_next_quarter = (from[lane] ^ to[lane]) as u32 >= 1 << 30;
            is_next_quarter | (was_high != is_high) | (late[lane] < NO_RISE)
        });
        if has_edge.iter().fold(false, |any, &here| any | here) {
            for lane in 0..N {
                if has_edge[lane] {
                    let way = Way {
                        phases: [0, i64::from(step[lane])]
                            .map(|way| way + i64::from(from[lane] as u32)),
                        times: [0.0, 1.0],
                        width: Width::of([
                            widths[0][lane],
                            widths[1][lane],
                            widths[2][lane],
                            widths[3][lane],
                        ]),
                    };
                    let (waves, sub) = (&mut self.waves, &mut self.sub);
                    let turns = &mut self.turns[first + lane];
                    let mut edges = Edges { waves, sub, sub_bit, turns, group, lane, frame };
                    to[lane] = if late[lane] >= NO_RISE {
                        edges.pass(way)
                    } else if is_soft {
                        self.turned[first + lane] ^= -1;
                        edges.turn(way, late[lane])
                    } else {
                        edges.reset(way, late[lane])
                    };
                }
            }
        }
        self.phase[first..first + N].copy_from_slice(&to);

        let triangle = phase::triangle::<L, N>(to);
        let samples = [
            phase::saw::<L, N>(to),
            phase::where_less::<L, N>(to, width, 1.0, -1.0),
            triangle,
            sine_of_triangle(triangle),
        ];
        let mut out = samples;
        for wave in 0..WAVES {
            out[wave] = self.waves[wave].pass(group, frame, samples[wave]);
        }
        let mut sub = L::default();
        if sub_bit != 0 {
            let mut levels = [0.0; LANES];
            for (lane, level) in levels.iter_mut().enumerate().take(N) {
                *level = sub_level(self.turns[first + lane], sub_bit);
            }
            sub = self.sub.pass(group, frame, L::from_lanes(levels));
        }
        (out, sub)
    }

    /// The last four pulse widths, oldest first.
    #[inline(always)]
    fn next_widths<const N: usize>(&mut self, first: usize, now: Phases<N>) -> [Phases<N>; 4] {
        let [oldest, older, old] =
            self.widths.each_ref().map(|widths| each(|lane| widths[first + lane]));
        for (kept, width) in self.widths.iter_mut().zip([older, old, now]) {
            kept[first..first + N].copy_from_slice(&width);
        }
        [oldest, older, old, now]
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
    let past = kept.each_ref().map(|volts| L::load(volts, group));
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
    is_soft: bool,
    sub_bit: i32,
}

/// What the params say, worked out as far as it is the same for all channels.
struct Knobs {
    c4_turns_per_frame: f32,
    octave: f32,
    tune: Ramp,
    fine: Ramp,
    fm_amount: Ramp,
    is_linear_fm: bool,
    pulse_width: Ramp,
    pwm_amount: Ramp,
    is_oversampled: bool,
    is_soft_sync: bool,
    /// Which bit of the turns the sub goes by; 0 where there is none.
    sub_bit: i32,
}

impl Knobs {
    #[inline(always)]
    fn of(block: &Block) -> Knobs {
        Knobs {
            c4_turns_per_frame: C4_HZ / block.sample_rate_hz,
            octave: block.param(OCTAVE),
            tune: block.ramp(TUNE),
            fine: block.ramp(FINE),
            fm_amount: block.ramp(FM_AMOUNT),
            is_linear_fm: block.choice(FM_MODE) == LINEAR_FM,
            pulse_width: block.ramp(PULSE_WIDTH),
            pwm_amount: block.ramp(PWM_AMOUNT),
            is_oversampled: block.is_on(OVERSAMPLE),
            is_soft_sync: block.choice(SYNC_MODE) == SOFT_SYNC,
            // 0, 1 or 2: just the bit.
            sub_bit: block.choice(SUB) as i32,
        }
    }

    /// In octaves from C4.
    #[inline(always)]
    fn pitch(&self, frame: usize) -> f32 {
        self.octave + self.tune.at(frame) * (1.0 / 12.0) + self.fine.at(frame) * (1.0 / 1200.0)
    }

    /// How far the phase goes in that many frames.
    #[inline(always)]
    fn step<L: Lane, const N: usize>(
        &self,
        frame: usize,
        pitch: L,
        fm: L,
        frames: f32,
    ) -> Phases<N> {
        let gain = self.fm_amount.at(frame);
        let [linear, exponential] = if self.is_linear_fm { [gain, 0.0] } else { [0.0, gain] };
        let pitch = (pitch + fm * exponential.into()).clamp(-MAX_PITCH, MAX_PITCH);
        let turns = exp2(pitch) * (self.c4_turns_per_frame * frames).into();
        phase::steps_per_frame::<L, N>(turns, fm, linear)
    }
}

/// The pulse width on its way through a frame: a cubic through four frames'
/// widths, from the second to the third (Everett's formula).
#[derive(Clone, Copy)]
struct Width {
    ends: [i64; 2],
    /// Second differences at both ends, divided by -6.
    bends: [f32; 2],
}

impl Width {
    #[inline(always)]
    fn of(past: [i32; 4]) -> Width {
        let [a, b, c, d] = past.map(|width| i64::from(width as u32));
        let bend = |a: i64, b: i64, c: i64| (a - 2 * b + c) as f32 * (-1.0 / 6.0);
        Width { ends: [b, c], bends: [bend(a, b, c), bend(b, c, d)] }
    }

    /// How far it is from the straight line at a time from 0 to 1.
    #[inline(always)]
    fn bulge(&self, time: f32) -> f32 {
        time * (1.0 - time) * ((2.0 - time) * self.bends[0] + (1.0 + time) * self.bends[1])
    }

    #[inline(always)]
    fn at(&self, time: f32) -> i64 {
        if time == 1.0 {
            return self.ends[1];
        }
        let way = (self.ends[1] - self.ends[0]) as f32;
        self.ends[0] + (way * time + self.bulge(time)) as i64
    }
}

/// The way of one channel's phase through a frame or a part of it.
#[derive(Clone, Copy)]
struct Way {
    /// At both ends, not wrapped: a turn is 2^32.
    phases: [i64; 2],
    /// Of both ends: the frame lasts from 0 to 1.
    times: [f32; 2],
    width: Width,
}

impl Way {
    #[inline(always)]
    fn frames(&self) -> f32 {
        self.times[1] - self.times[0]
    }

    /// Turns a frame.
    #[inline(always)]
    fn speed(&self) -> f32 {
        (self.phases[1] - self.phases[0]) as f32 / (TURN * self.frames())
    }

    /// How many frames before the frame's end the phase was there.
    #[inline(always)]
    fn lateness(&self, place: i64) -> f32 {
        let [from, to] = self.phases;
        let left = self.frames() * ((to - place) as f32 / (to - from) as f32);
        1.0 - self.times[1] + left
    }

    /// How far the phase is past the pulse's end, at both ends.
    #[inline(always)]
    fn past_width(&self) -> [i64; 2] {
        [0, 1].map(|end| self.phases[end] - self.width.at(self.times[end]))
    }

    /// How many frames before the frame's end the phase was that far past the
    /// pulse's end.
    #[inline(always)]
    fn width_lateness(&self, past: i64) -> f32 {
        let ends = self.past_width();
        let bulges = self.times.map(|time| self.width.bulge(time));
        let straight = (ends[1] - ends[0]) as f32 + bulges[1] - bulges[0];
        let frames_per_phase = self.frames() / straight;
        let left = (ends[1] - past) as f32;
        let mut frames = left * frames_per_phase;
        for _ in 0..3 {
            let bulge = bulges[1] - self.width.bulge(self.times[1] - frames);
            frames = ((left + bulge) * frames_per_phase).clamp(0.0, self.frames());
        }
        1.0 - self.times[1] + frames
    }
}

/// Where one channel's edges go.
struct Edges<'a> {
    waves: &'a mut [Edged; WAVES],
    sub: &'a mut Edged,
    sub_bit: i32,
    turns: &'a mut i32,
    group: usize,
    lane: usize,
    frame: usize,
}

impl Edges<'_> {
    /// Goes a way, and makes the edges that lie there. Returns the phase at
    /// its end.
    #[inline(always)]
    fn pass(&mut self, way: Way) -> i32 {
        let forward = if way.phases[1] > way.phases[0] { 1.0 } else { -1.0 };
        for quarter in passed(way.phases, 30) {
            let late = way.lateness(quarter << 30);
            match quarter & 3 {
                0 => {
                    self.step(SQUARE, late, 2.0 * forward);
                    self.count(late, forward);
                }
                1 => self.corner(TRIANGLE, late, -8.0 * forward * way.speed()),
                2 => self.step(SAW, late, -2.0 * forward),
                _ => self.corner(TRIANGLE, late, 8.0 * forward * way.speed()),
            }
        }
        let past_width = way.past_width();
        for turn in passed(past_width, 32) {
            let height = if past_width[1] > past_width[0] { -2.0 } else { 2.0 };
            self.step(SQUARE, way.width_lateness(turn << 32), height);
        }
        way.phases[1] as i32
    }

    /// Another whole turn, forwards or backwards.
    #[inline(always)]
    fn count(&mut self, late: f32, forward: f32) {
        if self.sub_bit == 0 {
            return;
        }
        let before = sub_level(*self.turns, self.sub_bit);
        *self.turns = self.turns.wrapping_add(forward as i32);
        let height = sub_level(*self.turns, self.sub_bit) - before;
        if height != 0.0 {
            self.sub.step(self.group, self.lane, self.frame, late, height);
        }
    }

    /// Goes a frame's way until sync turns it around, and the rest backwards.
    /// Returns the phase at its end.
    #[inline(always)]
    fn turn(&mut self, way: Way, late: f32) -> i32 {
        let [from, to] = way.phases;
        let rest = ((to - from) as f32 * late) as i64;
        let speed = way.speed();
        let time = 1.0 - late;
        let reached = self.pass(Way { phases: [from, to - rest], times: [0.0, time], ..way });

        self.corner(SAW, late, -4.0 * speed);
        let is_rising = reached.wrapping_add(1 << 30) >= 0;
        self.corner(TRIANGLE, late, if is_rising { -8.0 * speed } else { 8.0 * speed });
        // Of a sine run backwards, every other derivative is upside down.
        let cosine = sine_of_triangle(phase::triangle::<f32, 1>([reached.wrapping_add(1 << 30)]));
        self.jump_sine(late, speed, [0.0, -2.0, 0.0, 2.0, 0.0, -2.0].map(|sign| sign * cosine));

        let reached = i64::from(reached as u32);
        self.pass(Way { phases: [reached, reached - rest], times: [time, 1.0], ..way })
    }

    /// Goes a frame's way until sync resets the phase, and the rest from
    /// there. Returns the phase at its end.
    #[inline(always)]
    fn reset(&mut self, way: Way, late: f32) -> i32 {
        let [from, to] = way.phases;
        let rest = ((to - from) as f32 * late) as i64;
        let speed = way.speed();
        let time = 1.0 - late;
        let reached = self.pass(Way { phases: [from, to - rest], times: [0.0, time], ..way });

        let is_high = phase::is_less(reached, way.width.at(time) as i32);
        self.step(SAW, late, -phase::saw::<f32, 1>([reached]));
        self.step(SQUARE, late, if is_high { 0.0 } else { 2.0 });
        let triangle = phase::triangle::<f32, 1>([reached]);
        let is_rising = reached.wrapping_add(1 << 30) >= 0;
        self.step(TRIANGLE, late, -triangle);
        self.corner(TRIANGLE, late, if is_rising { 0.0 } else { 8.0 * speed });
        // Each derivative of a sine is the one before a quarter turn on.
        let sine = sine_of_triangle(triangle);
        let cosine = sine_of_triangle(phase::triangle::<f32, 1>([reached.wrapping_add(1 << 30)]));
        self.jump_sine(late, speed, [-sine, 1.0 - cosine, sine, cosine - 1.0, -sine, 1.0 - cosine]);

        self.pass(Way { phases: [0, rest], times: [time, 1.0], ..way })
    }

    /// The sine and its derivatives, by the angle, jumped that far.
    #[inline(always)]
    fn jump_sine(&mut self, late: f32, speed: f32, by_angle: [f32; ORDERS]) {
        // Their sum holds below 15 kHz at 48 kHz.
        let angle_per_frame = (TAU * speed).clamp(-2.0, 2.0);
        let mut scale = 1.0;
        let derivatives = by_angle.map(|derivative| {
            let scaled = derivative * scale;
            scale *= angle_per_frame;
            scaled
        });
        self.waves[SINE].jump(self.group, self.lane, self.frame, late, derivatives);
    }

    #[inline(always)]
    fn step(&mut self, wave: usize, late: f32, height: f32) {
        self.waves[wave].step(self.group, self.lane, self.frame, late, height);
    }

    #[inline(always)]
    fn corner(&mut self, wave: usize, late: f32, bend: f32) {
        self.waves[wave].corner(self.group, self.lane, self.frame, late, bend);
    }
}

/// The multiples of `2^bits` that lie on a way.
#[inline(always)]
fn passed(way: [i64; 2], bits: u32) -> std::ops::RangeInclusive<i64> {
    let [from, to] = way.map(|phase| phase >> bits);
    from.min(to) + 1..=from.max(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Alias, Shape, alias, cents, coherent_hz, frequency_hz};

    const RATE_HZ: f64 = 48_000.0;
    const FRAMES: usize = 80_000;

    fn vco_at(hz: f64) -> Rig {
        let mut rig = Rig::new::<Vco>(RATE_HZ as f32);
        let voct = (hz / f64::from(C4_HZ)).log2() as f32;
        rig.feed("voct", move |_, _| voct);
        rig
    }

    fn measured(rig: &mut Rig, output: &str, hz: f64, divisions: u32, shape: Shape) -> Alias {
        alias(rig.run(FRAMES).channel(output, 0), RATE_HZ, hz, divisions, shape)
    }

    #[test]
    fn waves_have_their_harmonics_and_nothing_else() {
        for near_hz in [1001.0, 2500.0, 4999.0, 10_001.0] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            for (output, shape) in WAVEFORMS {
                let found = measured(&mut vco_at(hz), output, hz, 1, shape);
                assert!(found.alias_20k_db < -110.0, "{output} at {near_hz} Hz: {found:?}");
                assert!(found.harm_err_db < 0.01, "{output} at {near_hz} Hz: {found:?}");
                assert!(output != "sine" || found.thd_db < -140.0, "{near_hz} Hz: {found:?}");
            }
        }
    }

    const WAVEFORMS: [(&str, Shape); 4] = [
        ("saw", Shape::Saw),
        ("square", Shape::Square),
        ("triangle", Shape::Triangle),
        ("sine", Shape::Any),
    ];

    #[test]
    fn hard_sync_is_clean() {
        for near_hz in [261.6, 1001.0] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            let master = vco_at(hz).run(FRAMES);
            for ratio in [2.37, 4.37, 8.37] {
                for wave in ["saw", "sine", "square"] {
                    let volts = master.channel(wave, 0).to_vec();
                    let mut rig = vco_at(hz * ratio);
                    rig.feed("sync", move |_, frame| volts[frame as usize]);
                    let out = rig.run(FRAMES);
                    for (output, _) in WAVEFORMS {
                        let found = alias(out.channel(output, 0), RATE_HZ, hz, 1, Shape::Any);
                        let limit = -92.0;
                        assert!(found.alias_20k_db < limit, "{output} ×{ratio}: {found:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn soft_sync_is_clean_and_repeats_every_other_time() {
        for near_hz in [261.6, 1001.0] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            for (ratio, oversample) in [(2.37, 0.0), (4.37, 0.0), (4.37, 1.0), (8.37, 0.0)] {
                let mut rig = vco_at(hz * ratio);
                rig.choose("sync-mode", "soft").set("oversample", oversample);
                let step = hz / RATE_HZ;
                rig.feed("sync", move |_, frame| sine(5.0, step * frame as f64));
                let out = rig.run(FRAMES);
                for (output, _) in WAVEFORMS {
                    // Forwards and backwards again, it is where it was.
                    let sound = out.channel(output, 0);
                    let found = alias(sound, RATE_HZ, hz, 2, Shape::Any);
                    assert!(found.alias_20k_db < -88.0, "{output} ×{ratio} {near_hz}: {found:?}");
                    let peak = sound[100..].iter().fold(0.0f32, |peak, v| peak.max(v.abs()));
                    // Band-limited edges close to each other overshoot together.
                    assert!(peak < 10.0, "{output} ×{ratio} {near_hz}: {peak} V");
                }
            }
        }
    }

    #[test]
    fn a_sub_is_a_square_one_or_two_octaves_below() {
        for near_hz in [1001.0, 4999.0] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            for (sub, octave) in [("1 octave", 1.0), ("2 octaves", 2.0)] {
                for oversample in [0.0, 1.0] {
                    let mut rig = vco_at(hz * f64::exp2(octave));
                    rig.choose("sub", sub).set("oversample", oversample);
                    let found = measured(&mut rig, "sub", hz, 1, Shape::Square);
                    let name = format!("{sub} of {near_hz} Hz: {found:?}");
                    assert!(found.alias_20k_db < -105.0 && found.harm_err_db < 0.01, "{name}");
                }
            }
        }
        let silence = vco_at(440.0).run(1000);
        assert!(silence.channel("sub", 0).iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn a_pulse_may_change_its_width() {
        for (near_hz, limit_db) in [(1001.0, -120.0), (2500.0, -100.0)] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            for divisions in [2, 32] {
                let mut rig = vco_at(hz);
                rig.set("pwm-amount", 1.0);
                let step = hz / f64::from(divisions) / RATE_HZ;
                rig.feed("pw", move |_, frame| sine(4.0, step * frame as f64));
                let found = measured(&mut rig, "square", hz, divisions, Shape::Any);
                assert!(found.alias_20k_db < limit_db, "{near_hz} / {divisions}: {found:?}");
            }
        }
    }

    fn sine(peak: f64, turns: f64) -> f32 {
        (peak * (std::f64::consts::TAU * turns.fract()).sin()) as f32
    }

    #[test]
    fn linear_fm_runs_through_zero() {
        // Index 8. The limit of the first is what the f32 of the cable allows.
        for (near_hz, oversample, limit_db) in [(1001.0, 0.0, -125.0), (2500.0, 1.0, -80.0)] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            let mut rig = vco_at(hz);
            rig.choose("fm-mode", "linear").set("fm-amount", 1.6).set("oversample", oversample);
            let step = hz / RATE_HZ;
            rig.feed("fm", move |_, frame| sine(5.0, step * frame as f64));
            let found = measured(&mut rig, "sine", hz, 1, Shape::Any);
            assert!(found.alias_20k_db < limit_db, "{near_hz}: {found:?}");
        }
    }

    #[test]
    fn oversampled_it_is_as_clean() {
        let hz = coherent_hz(4999.0, RATE_HZ);
        for (output, shape) in WAVEFORMS {
            let found = measured(vco_at(hz).set("oversample", 1.0), output, hz, 1, shape);
            assert!(found.alias_20k_db < -105.0 && found.harm_err_db < 0.01, "{output}: {found:?}");
        }
    }

    #[test]
    fn it_is_in_tune_from_minus_4_to_5_volts() {
        for volts in -4..=5 {
            let hz = f64::from(C4_HZ) * f64::from(volts).exp2();
            let mut rig = Rig::new::<Vco>(RATE_HZ as f32);
            rig.feed("voct", move |_, _| volts as f32);
            let out = rig.run(2 * FRAMES);
            let found = frequency_hz(&out.channel("sine", 0)[1000..], RATE_HZ, Some(hz));
            assert!(cents(found, hz).abs() < 1e-3, "{volts} V: {found} Hz");
        }
    }

    #[test]
    fn knobs_add_up_to_a_pitch() {
        let mut rig = Rig::new::<Vco>(RATE_HZ as f32);
        rig.set("octave", 1.0).set("tune", -3.0).set("fine", 50.0);
        let out = rig.run(FRAMES);
        let found = frequency_hz(&out.channel("saw", 0)[1000..], RATE_HZ, Some(452.9));
        // A4 and half a semitone.
        assert!(cents(found, 440.0 * 2f64.powf(1.0 / 24.0)).abs() < 1e-3, "{found} Hz");
    }

    fn busy(channels: usize, first: usize, oversample: f32) -> Rig {
        let mut rig = Rig::new::<Vco>(8000.0);
        rig.set("fm-amount", 0.4).set("pwm-amount", 0.7).set("oversample", oversample);
        rig.set("sync-mode", oversample).choose("sub", "1 octave");
        let wave = move |period: u64| {
            move |channel: usize, frame: u64| {
                let at = (frame + 7 * (channel + first) as u64) % period;
                at as f32 * (10.0 / period as f32) - 5.0
            }
        };
        rig.feed_channels("voct", channels, wave(1009)).feed_channels("fm", channels, wave(61));
        rig.feed_channels("pw", channels, wave(53)).feed_channels("sync", channels, wave(41));
        rig
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        for oversample in [0.0, 1.0] {
            let whole = busy(16, 0, oversample).run(1000);
            let cut = busy(16, 0, oversample).frame_by_frame().run(1000);
            for channel in 0..16 {
                let alone = busy(1, channel, oversample).run(1000);
                for (output, _) in WAVEFORMS {
                    assert_eq!(whole.channel(output, channel), cut.channel(output, channel));
                    assert_eq!(whole.channel(output, channel), alone.channel(output, 0));
                }
            }
        }
    }

    #[test]
    fn extremes_stay_within_bounds() {
        for mode in ["exponential", "linear"] {
            let mut rig = busy(2, 0, 0.0);
            rig.choose("fm-mode", mode).set("fm-amount", 2.0).set("pwm-amount", -1.0);
            rig.feed_channels("voct", 2, |_, frame| if frame % 97 < 40 { 1e9 } else { -1e9 });
            rig.feed_channels("fm", 2, |_, frame| if frame % 31 < 10 { 1e12 } else { -1e12 });
            rig.feed_channels("pw", 2, |_, frame| if frame % 3 < 1 { 1e30 } else { -1e30 });
            let out = rig.run(10_000);
            assert_eq!(rig.not_finite(), 0);
            for (output, _) in WAVEFORMS {
                assert!(out.channel(output, 0).iter().all(|volts| volts.abs() < 40.0), "{output}");
            }
        }
    }
}
