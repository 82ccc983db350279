//! VCO: the voice's raw sound. Saw, square, triangle and sine, free of
//! aliasing, through FM, hard sync and pulse-width modulation.

use std::f32::consts::TAU;

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::blep::Edged;
use crate::dsp::exp2;
use crate::dsp::phase::{self, Phases, TURN};
use crate::dsp::sine::sine_of_triangle;
use crate::lane::{LANES, Lane, Lanes};
use crate::module::{About, Block, Ramp, Tag, port};
use crate::param::{Param, Unit};
use crate::signal::groups;
use crate::units::{AUDIO_VOLTS, C4_HZ, CHANNELS};

const VOCT: usize = 0;
const FM: usize = 1;
const PW: usize = 2;
const SYNC: usize = 3;

const SAW: usize = 0;
const SQUARE: usize = 1;
const TRIANGLE: usize = 2;
const SINE: usize = 3;
const WAVES: usize = 4;

const OCTAVE: usize = 0;
const TUNE: usize = 1;
const FINE: usize = 2;
const FM_AMOUNT: usize = 3;
const FM_MODE: usize = 4;
const PULSE_WIDTH: usize = 5;
const PWM_AMOUNT: usize = 6;

const LINEAR_FM: usize = 1;

/// Fastest step of the phase, in turns a frame.
const MAX_STEP: f32 = 0.49;
/// Far beyond hearing, in octaves from C4, and within what [`exp2`] takes.
const MAX_PITCH: f32 = 24.0;
/// A pulse stays a pulse: it is never narrower than this, in turns.
const MIN_WIDTH: f32 = 0.01;

/// All that a VCO remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Vco {
    waves: [Edged; WAVES],
    phase: [i32; CHANNELS],
    /// The pulse width at the last frame, as a phase.
    width: [i32; CHANNELS],
    /// What came in at sync 3, 2 and 1 frames ago.
    sync_volts: [[f32; CHANNELS]; 3],
}

impl Module for Vco {
    const ABOUT: &'static About = &About {
        name: "vco",
        title: "VCO",
        summary: "An oscillator: saw, square, triangle and sine for the start of a voice",
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("voct", "Pitch, 1 V an octave. 0 V is C4 when octave, tune and fine are at 0"),
            port("fm", "Bends the pitch, as fast as you like; fm-amount and fm-mode say how"),
            port("pw", "Widens the square's pulse; pwm-amount says how much"),
            port("sync", "Each rise through 0 V starts the wave anew (hard sync)"),
        ],
        outputs: &[
            port("saw", "Rising saw, ±5 V"),
            port("square", "Square, ±5 V, or a narrower pulse"),
            port("triangle", "Triangle, ±5 V"),
            port("sine", "Sine, ±5 V"),
        ],
        params: &[
            Param::steps("octave", -4.0..=4.0, 0.0, "Pitch in octaves from C4"),
            Param::linear(
                "tune",
                -12.0..=12.0,
                0.0,
                Unit::Semitones,
                "Pitch in semitones, up to an octave down or up",
            ),
            Param::linear("fine", -100.0..=100.0, 0.0, Unit::Cents, "Pitch in cents"),
            Param::linear(
                "fm-amount",
                -2.0..=2.0,
                0.0,
                Unit::None,
                "How far 1 V at fm goes: that many octaves, or, when linear, that many times the \
                 frequency. Below 0 it goes the other way",
            ),
            Param::choice(
                "fm-mode",
                &["exponential", "linear"],
                0,
                "Exponential bends the pitch in octaves. Linear adds to the frequency, also below \
                 0 Hz, where the wave runs backwards: it keeps its pitch however deep the FM",
            ),
            Param::linear(
                "pulse-width",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How much of each cycle the square is high; it stays within 1 to 99 %",
            ),
            Param::linear(
                "pwm-amount",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "How far pw goes: at 1, 1 V widens the pulse by 10 %",
            ),
        ],
        bypass: &[],
        display: 0,
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, FM, SYNC, PW]);
        if channels == 1 {
            self.run::<f32, 1>(block, 0);
        } else {
            for group in 0..groups(channels) {
                self.run::<Lanes, LANES>(block, group);
            }
        }
    }
}

impl Vco {
    #[inline(always)]
    fn run<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize) {
        let turns_per_frame = L::splat(C4_HZ / block.sample_rate_hz);
        let knobs = Knobs::of(block);
        if block.starts_quantum() {
            for wave in &mut self.waves {
                wave.start_quantum(group);
            }
        }
        let [voct, fm, pw, sync] = [VOCT, FM, PW, SYNC].map(|port| block.input(port));
        let frames = block.frames();
        let outputs = block.outputs::<4>();
        let channels = group * LANES..group * LANES + N;

        for frame in frames {
            let pitch = voct.get::<L>(group, frame) + knobs.pitch(frame).into();
            let fm = fm.get::<L>(group, frame) * knobs.fm_amount.at(frame).into();
            let turns = turns_per_frame * knobs.pitch_ratio(pitch, fm);
            let step = phase::from_turns::<L, N>(turns.clamp(-MAX_STEP, MAX_STEP));
            let width = pw.get::<L>(group, frame) * (knobs.pwm_amount.at(frame) * 0.1).into();
            let width = width + knobs.pulse_width.at(frame).into();
            let width = width.clamp(MIN_WIDTH, 1.0 - MIN_WIDTH);
            let width = phase::from_unipolar_turns::<L, N>(width);

            let from: Phases<N> = std::array::from_fn(|lane| self.phase[channels.start + lane]);
            let width_from: Phases<N> =
                std::array::from_fn(|lane| self.width[channels.start + lane]);
            let mut to: Phases<N> = std::array::from_fn(|lane| from[lane].wrapping_add(step[lane]));
            let sync = if sync.is_patched() {
                self.sync_past(group, sync.get::<L>(group, frame))
            } else {
                [L::default().to_lanes(); 4]
            };
            let has_edge: [bool; N] = std::array::from_fn(|lane| {
                let was_high = phase::is_less(from[lane], width_from[lane]);
                let is_high = phase::is_less(to[lane], width[lane]);
                let is_next_quarter = (from[lane] ^ to[lane]) as u32 >= 1 << 30;
                is_next_quarter | (was_high != is_high) | rises(sync, lane)
            });
            if has_edge.iter().fold(false, |any, &here| any | here) {
                for lane in 0..N {
                    if has_edge[lane] {
                        let way = Way {
                            from: i64::from(from[lane] as u32),
                            to: i64::from(from[lane] as u32) + i64::from(step[lane]),
                            width_from: i64::from(width_from[lane] as u32),
                            width_to: i64::from(width[lane] as u32),
                            frames: 1.0,
                            late: 0.0,
                        };
                        let mut edges = Edges { waves: &mut self.waves, group, lane, frame };
                        to[lane] = if rises(sync, lane) {
                            edges.reset(way, rise_lateness(sync, lane))
                        } else {
                            edges.pass(way)
                        };
                    }
                }
            }
            self.phase[channels.clone()].copy_from_slice(&to);
            self.width[channels.clone()].copy_from_slice(&width);

            let triangle = phase::triangle::<L, N>(to);
            let samples = [
                phase::saw::<L, N>(to),
                phase::where_less::<L, N>(to, width, 1.0, -1.0),
                triangle,
                sine_of_triangle(triangle),
            ];
            for wave in 0..WAVES {
                let sample = self.waves[wave].pass(group, frame, samples[wave]);
                outputs[wave].put(group, frame, sample * AUDIO_VOLTS.into());
            }
        }
    }

    /// The last four frames that came in at sync, oldest first.
    #[inline(always)]
    fn sync_past<L: Lane>(&mut self, group: usize, now: L) -> [[f32; LANES]; 4] {
        let [oldest, older, old] = &mut self.sync_volts;
        let past = [L::load(oldest, group), L::load(older, group), L::load(old, group), now];
        past[1].store(oldest, group);
        past[2].store(older, group);
        past[3].store(old, group);
        past.map(L::to_lanes)
    }
}

/// What the params say, worked out as far as it is the same for all channels.
struct Knobs {
    octave: f32,
    tune: Ramp,
    fine: Ramp,
    fm_amount: Ramp,
    is_linear_fm: bool,
    pulse_width: Ramp,
    pwm_amount: Ramp,
}

impl Knobs {
    #[inline(always)]
    fn of(block: &Block) -> Knobs {
        Knobs {
            octave: block.param(OCTAVE),
            tune: block.ramp(TUNE),
            fine: block.ramp(FINE),
            fm_amount: block.ramp(FM_AMOUNT),
            is_linear_fm: block.choice(FM_MODE) == LINEAR_FM,
            pulse_width: block.ramp(PULSE_WIDTH),
            pwm_amount: block.ramp(PWM_AMOUNT),
        }
    }

    /// In octaves from C4.
    #[inline(always)]
    fn pitch(&self, frame: usize) -> f32 {
        self.octave + self.tune.at(frame) * (1.0 / 12.0) + self.fine.at(frame) * (1.0 / 1200.0)
    }

    /// The frequency in multiples of C4.
    #[inline(always)]
    fn pitch_ratio<L: Lane>(&self, pitch: L, fm: L) -> L {
        if self.is_linear_fm {
            exp2(pitch.clamp(-MAX_PITCH, MAX_PITCH)) * (L::splat(1.0) + fm)
        } else {
            exp2((pitch + fm).clamp(-MAX_PITCH, MAX_PITCH))
        }
    }
}

/// Whether sync rose through 0 V between the middle two of four frames.
#[inline(always)]
fn rises(past: [[f32; LANES]; 4], lane: usize) -> bool {
    (past[1][lane] <= 0.0) & (past[2][lane] > 0.0)
}

/// How long before the third of four frames sync rose through 0 V, by the
/// cubic through them (Lagrange), solved by Newton's method.
#[inline(always)]
fn rise_lateness(past: [[f32; LANES]; 4], lane: usize) -> f32 {
    let [a, b, c, d] = past.map(|volts| volts[lane]);
    let linear = c - 0.5 * b - (1.0 / 3.0) * a - (1.0 / 6.0) * d;
    let square = 0.5 * (a + c) - b;
    let cube = 0.5 * (b - c) + (1.0 / 6.0) * (d - a);
    let mut x = b / (b - c);
    for _ in 0..3 {
        let height = ((cube * x + square) * x + linear) * x + b;
        let slope = (3.0 * cube * x + 2.0 * square) * x + linear;
        // A slope that is not upwards is not the rise that was seen.
        if slope > 0.0 {
            x = (x - height / slope).clamp(0.0, 1.0);
        }
    }
    1.0 - x
}

/// The way of one channel's phase and pulse width through a frame or a part of
/// it. They are not wrapped: a turn is 2^32 of them.
#[derive(Clone, Copy)]
struct Way {
    from: i64,
    to: i64,
    width_from: i64,
    width_to: i64,
    /// How long it took, in frames, and how long ago it was over.
    frames: f32,
    late: f32,
}

impl Way {
    /// When the phase passed that place, in frames ago.
    #[inline(always)]
    fn lateness(&self, place: i64) -> f32 {
        self.late + self.frames * ((self.to - place) as f32 / (self.to - self.from) as f32)
    }

    /// Turns a frame.
    #[inline(always)]
    fn speed(&self) -> f32 {
        (self.to - self.from) as f32 / (TURN * self.frames)
    }
}

/// Where one channel's edges go.
struct Edges<'a> {
    waves: &'a mut [Edged; WAVES],
    group: usize,
    lane: usize,
    frame: usize,
}

impl Edges<'_> {
    /// Goes a way, and makes the edges that lie there. Returns the phase at
    /// its end.
    #[inline(always)]
    fn pass(&mut self, way: Way) -> i32 {
        let forward = if way.to > way.from { 1.0 } else { -1.0 };
        let quarters = [way.from >> 30, way.to >> 30];
        for quarter in quarters[0].min(quarters[1]) + 1..=quarters[0].max(quarters[1]) {
            let late = way.lateness(quarter << 30);
            match quarter & 3 {
                0 => self.step(SQUARE, late, 2.0 * forward),
                1 => self.corner(TRIANGLE, late, -8.0 * forward * way.speed()),
                2 => self.step(SAW, late, -2.0 * forward),
                _ => self.corner(TRIANGLE, late, 8.0 * forward * way.speed()),
            }
        }
        // The phase from the pulse's end.
        let ahead = [way.from - way.width_from, way.to - way.width_to];
        let turns = ahead.map(|phase| phase >> 32);
        for turn in turns[0].min(turns[1]) + 1..=turns[0].max(turns[1]) {
            let left = (ahead[1] - (turn << 32)) as f32 / (ahead[1] - ahead[0]) as f32;
            let height = if ahead[1] > ahead[0] { -2.0 } else { 2.0 };
            self.step(SQUARE, way.late + way.frames * left, height);
        }
        way.to as i32
    }

    /// Goes a frame's way until sync resets the phase, and the rest from
    /// there. Returns the phase at its end.
    #[inline(always)]
    fn reset(&mut self, way: Way, late: f32) -> i32 {
        let travelled = way.to - way.from;
        let after = (travelled as f32 * late) as i64;
        let width = way.width_to - ((way.width_to - way.width_from) as f32 * late) as i64;
        let before = Way { to: way.to - after, width_to: width, frames: 1.0 - late, late, ..way };
        let reached = self.pass(before);

        let speed = travelled as f32 * (1.0 / TURN);
        let triangle = phase::triangle::<f32, 1>([reached]);
        let cosine = sine_of_triangle(phase::triangle::<f32, 1>([reached.wrapping_add(1 << 30)]));
        let is_high = phase::is_less(reached, width as i32);
        let is_rising = reached.wrapping_add(1 << 30) >= 0;
        self.step(SAW, late, -phase::saw::<f32, 1>([reached]));
        self.step(SQUARE, late, if is_high { 0.0 } else { 2.0 });
        self.step(TRIANGLE, late, -triangle);
        self.corner(TRIANGLE, late, if is_rising { 0.0 } else { 8.0 * speed });
        self.step(SINE, late, -sine_of_triangle(triangle));
        self.corner(SINE, late, TAU * speed * (1.0 - cosine));

        self.pass(Way { from: 0, to: after, width_from: width, frames: late, late: 0.0, ..way })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Alias, Shape, alias, cents, coherent_hz, frequency_hz};
    use crate::rig::Rig;

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
            for (output, shape) in [
                ("saw", Shape::Saw),
                ("square", Shape::Square),
                ("triangle", Shape::Triangle),
                ("sine", Shape::Any),
            ] {
                let found = measured(&mut vco_at(hz), output, hz, 1, shape);
                println!("{near_hz} {output} {found:?}");
            }
        }
    }
}
