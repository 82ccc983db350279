//! Reverb: a plate, after Dattorro.
//!
//! J. Dattorro, "Effect Design, Part 1: Reverberator and Other Filters",
//! J. Audio Eng. Soc. 45(9), 1997, figure 1 and tables 1 and 2. Its delays are
//! in samples at 29 761 Hz and are scaled to the sample rate.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::one_pole::{OnePole, coefficient};
use crate::dsp::schmitt::Schmitt;
use crate::dsp::tape_head::{Place, TapeHead};
use crate::dsp::{StereoIn, dry_wet, exp2, hush, soft_clip};
use crate::module::{About, Block, Ramp, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::tape::Tapes;
use crate::units::QUANTUM;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const FREEZE_GATE: usize = 2;

const PRE_DELAY: usize = 0;
const SIZE: usize = 1;
const DECAY: usize = 2;
const DAMPING: usize = 3;
const DIFFUSION: usize = 4;
const MODULATION: usize = 5;
const FREEZE: usize = 6;
const MIX: usize = 7;

const PAPER_HZ: f32 = 29_761.0;
const LONGEST_PRE_DELAY_SECS: f32 = 0.5;
const LARGEST_SIZE: f32 = 1.5;

/// The tape of the pre-delay; after it those of [`LENGTHS`].
const PRE: usize = 0;
const DIFFUSERS: usize = 1;
const TANK: usize = 5;
const TAPES: usize = 13;
/// Tapes of one half of the tank.
const HALF: usize = 4;

/// The tapes' lengths in the paper: four diffusers, then each half of the tank
/// with its modulated allpass, delay, allpass, delay.
const LENGTHS: [f32; TAPES] =
    [0.0, 142.0, 107.0, 379.0, 277.0, 672.0, 4453.0, 1800.0, 3720.0, 908.0, 4217.0, 2656.0, 3163.0];

/// Where the outputs listen: tape, place, sign. The paper's table 2.
const LEFT_TAPS: [(usize, f32, f32); 7] = [
    (10, 266.0, 1.0),
    (10, 2974.0, 1.0),
    (11, 1913.0, -1.0),
    (12, 1996.0, 1.0),
    (6, 1990.0, -1.0),
    (7, 187.0, -1.0),
    (8, 1066.0, -1.0),
];
const RIGHT_TAPS: [(usize, f32, f32); 7] = [
    (6, 353.0, 1.0),
    (6, 3627.0, 1.0),
    (7, 1228.0, -1.0),
    (8, 2673.0, 1.0),
    (10, 2111.0, -1.0),
    (11, 335.0, -1.0),
    (12, 121.0, -1.0),
];
const TAP_GAIN: f32 = 0.6;

/// The longest way of a modulated allpass from its middle.
const EXCURSION: f32 = 16.0;
/// The paper asks for about 1 Hz. Two rates, so that the halves never move in
/// step for long.
const MODULATION_HZ: [f32; 2] = [1.0, 0.83];

/// The tank is transparent up to here, and bounded above.
const KNEE_VOLTS: f32 = 12.0;
const LIMIT_VOLTS: f32 = 24.0;

/// Below it nothing enters the tank.
const RUMBLE_HZ: f32 = 10.0;

/// How quickly the tank closes to its input when it is frozen, in seconds.
const CLOSE_SECS: f32 = 5e-3;

/// Quanta in which the sound dips to silence while the size changes.
const DIP_QUANTA: u32 = 8;

/// What is not on tape.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Reverb {
    pre: TapeHead,
    /// Keeps a constant voltage out of the tank.
    highpass: OnePole,
    damping: [OnePole; 2],
    freeze: Schmitt,
    /// How far the tank is closed to its input, 0 to 1.
    closed: f32,
    /// The size that the tapes are read at. 0: new.
    size: f32,
    /// Quanta left of a change of size.
    dip_quanta: u32,
    _unused: u32,
}

impl Module for Reverb {
    const ABOUT: &'static About = &About {
        name: "reverb",
        title: "Reverb",
        summary: "A plate reverb in stereo, from a small room to a sound that never ends",
        tags: &[Tag::Effect],
        inputs: &[
            port("left", "Left signal, ±5 V. A polyphonic cable is summed"),
            port("right", "Right signal. Unpatched: the same as left"),
            port("freeze", "While this gate is on (above 1 V), the reverb is frozen").moves(
                "freeze",
                None,
                By::OnAboveOneVolt,
            ),
        ],
        outputs: &[
            port("left", "Left signal with its reverb"),
            port("right", "Right signal with its reverb"),
        ],
        params: &[
            Param::linear(
                "pre-delay",
                0.0..=LONGEST_PRE_DELAY_SECS,
                0.01,
                Unit::Secs,
                "How long after the signal the reverb begins",
            ),
            Param::linear("size", 0.5..=LARGEST_SIZE, 1.0, Unit::None, "How large the plate is"),
            Param::log(
                "decay",
                0.2..=60.0,
                2.5,
                Unit::Secs,
                "How long the reverb takes to fall by 60 dB",
            ),
            Param::linear(
                "damping",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "How much sooner high tones die away than low ones",
            ),
            Param::linear(
                "diffusion",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "How much each echo is smeared: low is grainy, high is smooth",
            ),
            Param::linear(
                "modulation",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How far the plate's echoes wander, so that no tone rings on",
            ),
            Param::switch("freeze", false, "Holds what sounds now for ever, and lets nothing in"),
            Param::linear(
                "mix",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "Only the signal at 0, only the reverb at 1, both in full between",
            ),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        display: 0,
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let scale = LARGEST_SIZE * sample_rate_hz / PAPER_HZ;
        let mut frames = LENGTHS.map(|length| ((length + 2.0 * EXCURSION) * scale) as usize + 1);
        frames[PRE] = (LONGEST_PRE_DELAY_SECS * sample_rate_hz) as usize + 1;
        frames.to_vec()
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        if block.starts_quantum() {
            self.follow_size(block.ramp(SIZE));
        }
        // A whole quantum is compiled by itself: loops of known length are faster.
        if block.frames() == (0..QUANTUM) {
            self.reverberate(block, 0..QUANTUM);
        } else {
            self.reverberate(block, block.frames());
        }
    }
}

/// A quantum of one wire inside the plate. No tape of it is shorter than a
/// quantum, so each stage can do all its frames before the next stage begins.
type Wire = [f32; QUANTUM];

impl Reverb {
    /// The size may only change while nothing is heard of the tapes: every
    /// reading is faded out, moved, and faded in again.
    #[inline(always)]
    fn follow_size(&mut self, size: Ramp) {
        let is_moving = size.at(0) != size.end();
        if self.size == 0.0 {
            self.size = size.end();
        } else if self.dip_quanta > 0 {
            self.dip_quanta -= 1;
            if self.dip_quanta == DIP_QUANTA {
                self.size = size.end();
            }
        } else if size.end() != self.size && !is_moving {
            self.dip_quanta = 2 * DIP_QUANTA;
        }
    }

    #[inline(always)]
    fn reverberate(&mut self, block: &mut Block, frames: Range<usize>) {
        let plate = Plate::new(block, self.size, self.dip_quanta);
        let closed = self.freeze(block, frames.clone());
        let mut wire = self.take_in(block, frames.clone(), &closed);
        plate.diffuse(&mut block.tapes, frames.clone(), &mut wire);
        self.circulate(&plate, &mut block.tapes, frames.clone(), &wire, &closed);
        let (input, mix) = (StereoIn::new(block, LEFT, RIGHT), block.ramp(MIX));
        for (side, taps) in [LEFT_TAPS, RIGHT_TAPS].iter().enumerate() {
            let wet_volts = plate.listen(&block.tapes, frames.clone(), taps);
            for frame in frames.clone() {
                let (dry, wet) = dry_wet(mix.at(frame));
                let volts = dry * input.at(side, frame) + wet * TAP_GAIN * wet_volts[frame];
                block.output(side).put(0, frame, volts);
            }
        }
    }

    /// How far the tank is closed to its input and to every loss.
    #[inline(always)]
    fn freeze(&mut self, block: &Block, frames: Range<usize>) -> Wire {
        let gate = block.input(FREEZE_GATE);
        let is_on = block.is_on(FREEZE);
        let step = 1.0 / (CLOSE_SECS * block.sample_rate_hz);
        let mut closed = [0.0; QUANTUM];
        for frame in frames {
            let is_frozen = self.freeze.follow(gate.at(0, frame)) || is_on;
            let step = if is_frozen { step } else { -step };
            self.closed = (self.closed + step).clamp(0.0, 1.0);
            closed[frame] = self.closed;
        }
        closed
    }

    /// Both sides together, without what is below all hearing, and late by the
    /// pre-delay.
    #[inline(always)]
    fn take_in(&mut self, block: &mut Block, frames: Range<usize>, closed: &Wire) -> Wire {
        let input = StereoIn::new(block, LEFT, RIGHT);
        let sample_rate_hz = block.sample_rate_hz;
        let pre_delay = block.ramp(PRE_DELAY);
        let rumble = coefficient(RUMBLE_HZ, sample_rate_hz);
        let mut wire = [0.0; QUANTUM];
        for frame in frames {
            self.pre.glide(f64::from(pre_delay.at(frame) * sample_rate_hz), sample_rate_hz);
            let late = self.pre.place().read(&block.tapes, PRE, frame);
            let both = 0.5 * (input.at(LEFT, frame) + input.at(RIGHT, frame));
            block.tapes.write(PRE, frame, hush(self.highpass.highpass(both, rumble)));
            wire[frame] = late * (1.0 - closed[frame]);
        }
        wire
    }

    /// The tank: two halves, each of which feeds the other.
    #[inline(always)]
    fn circulate(
        &mut self,
        plate: &Plate,
        tapes: &mut Tapes,
        frames: Range<usize>,
        input: &Wire,
        closed: &Wire,
    ) {
        let lossless = |loss: f32, frame: usize| loss + (1.0 - loss) * closed[frame];
        let ends = [
            plate.read(tapes, TANK + 3, frames.clone()),
            plate.read(tapes, TANK + HALF + 3, frames.clone()),
        ];
        for side in [LEFT, RIGHT] {
            let tape = TANK + side * HALF;
            let mut wire = [0.0; QUANTUM];
            for frame in frames.clone() {
                let returned = lossless(plate.decay, frame) * ends[1 - side][frame];
                wire[frame] = input[frame] + soft_clip(returned, KNEE_VOLTS, LIMIT_VOLTS);
            }
            let late = plate.read_wandering(tapes, side, frames.clone());
            allpass(tapes, tape, frames.clone(), &late, &mut wire, -plate.diffusion_1);
            write(tapes, tape + 1, frames.clone(), &wire);

            let late = plate.read(tapes, tape + 1, frames.clone());
            for frame in frames.clone() {
                let damping = lossless(plate.damping, frame);
                let damped = self.damping[side].lowpass(late[frame], damping);
                wire[frame] = lossless(plate.decay, frame) * damped;
            }
            let late = plate.read(tapes, tape + 2, frames.clone());
            allpass(tapes, tape + 2, frames.clone(), &late, &mut wire, plate.diffusion_2);
            write(tapes, tape + 3, frames.clone(), &wire);
        }
    }
}

/// The plate for one call: its lengths, its gains.
struct Plate {
    /// Frames of this plate for one of the paper's.
    scale: f32,
    wander: [Ramp; 2],
    /// The level of every reading of the tapes.
    fade: Wire,
    decay: f32,
    damping: f32,
    input_diffusion: [f32; 2],
    diffusion_1: f32,
    diffusion_2: f32,
}

impl Plate {
    #[inline(always)]
    fn new(block: &Block, size: f32, dip_quanta: u32) -> Plate {
        let scale = size * block.sample_rate_hz / PAPER_HZ;
        let decay = decay_gain(block.param(DECAY), size);
        let diffusion = block.param(DIFFUSION);
        let excursion = EXCURSION * block.param(MODULATION) * block.sample_rate_hz / PAPER_HZ;
        let wander = |side: usize| {
            let middle = LENGTHS[TANK + side * HALF] * scale;
            let at = |frame| middle + excursion * lfo(frame, MODULATION_HZ[side], block);
            Ramp::new(at(block.frame), at(block.frame + QUANTUM as u64))
        };
        Plate {
            scale,
            wander: [wander(LEFT), wander(RIGHT)],
            fade: fade(dip_quanta),
            decay,
            damping: damping(block.param(DAMPING), block.sample_rate_hz),
            input_diffusion: [0.75 * diffusion, 0.625 * diffusion],
            diffusion_1: 0.7 * diffusion,
            // The paper ties it to the decay.
            diffusion_2: diffusion * (decay + 0.15).clamp(0.25, 0.5),
        }
    }

    /// Four allpasses in a row make a cloud of a click.
    #[inline(always)]
    fn diffuse(&self, tapes: &mut Tapes, frames: Range<usize>, wire: &mut Wire) {
        for stage in 0..4 {
            let tape = DIFFUSERS + stage;
            let late = self.read(tapes, tape, frames.clone());
            allpass(tapes, tape, frames.clone(), &late, wire, self.input_diffusion[stage / 2]);
        }
    }

    /// The end of a tape.
    #[inline(always)]
    fn read(&self, tapes: &Tapes, tape: usize, frames: Range<usize>) -> Wire {
        let delay_frames = self.frames(LENGTHS[tape]);
        let mut wire = [0.0; QUANTUM];
        for frame in frames {
            wire[frame] = self.fade[frame] * tapes.read(tape, frame, delay_frames);
        }
        wire
    }

    /// The end of the modulated allpass of one half.
    #[inline(always)]
    fn read_wandering(&self, tapes: &Tapes, side: usize, frames: Range<usize>) -> Wire {
        let mut wire = [0.0; QUANTUM];
        for frame in frames {
            let delay_frames = self.wander[side].at(frame).max((QUANTUM + 2) as f32);
            let place = Place::new(delay_frames);
            wire[frame] = self.fade[frame] * place.read(tapes, TANK + side * HALF, frame);
        }
        wire
    }

    /// One output: its taps together.
    #[inline(always)]
    fn listen(&self, tapes: &Tapes, frames: Range<usize>, taps: &[(usize, f32, f32); 7]) -> Wire {
        let mut wire = [0.0; QUANTUM];
        for &(tape, place, sign) in taps {
            let delay_frames = self.frames(place);
            for frame in frames.clone() {
                wire[frame] += sign * tapes.read(tape, frame, delay_frames);
            }
        }
        for frame in frames {
            wire[frame] *= self.fade[frame];
        }
        wire
    }

    #[inline(always)]
    fn frames(&self, length: f32) -> usize {
        ((length * self.scale) as u32 as usize).max(QUANTUM)
    }
}

/// Schroeder's allpass, around the tape whose end is `late`.
#[inline(always)]
fn allpass(
    tapes: &mut Tapes,
    tape: usize,
    frames: Range<usize>,
    late: &Wire,
    wire: &mut Wire,
    gain: f32,
) {
    for frame in frames {
        let fed = hush(wire[frame] - gain * late[frame]);
        tapes.write(tape, frame, fed);
        wire[frame] = late[frame] + gain * fed;
    }
}

#[inline(always)]
fn write(tapes: &mut Tapes, tape: usize, frames: Range<usize>, wire: &Wire) {
    for frame in frames {
        tapes.write(tape, frame, wire[frame]);
    }
}

/// The level of the tapes through one quantum of a change of size.
#[inline(always)]
fn fade(dip_quanta: u32) -> Wire {
    if dip_quanta == 0 {
        return [1.0; QUANTUM];
    }
    let level = |quanta: u32| quanta.abs_diff(DIP_QUANTA) as f32 / DIP_QUANTA as f32;
    let ramp = Ramp::new(level(dip_quanta), level(dip_quanta - 1));
    let mut fade = [0.0; QUANTUM];
    for (frame, fade) in fade.iter_mut().enumerate() {
        // Without a corner at either end.
        *fade = ramp.at(frame) * ramp.at(frame) * (3.0 - 2.0 * ramp.at(frame));
    }
    fade
}

/// The tank multiplies by it four times in one round, so that the round trips
/// of the decay lose 60 dB together.
#[inline(always)]
fn decay_gain(decay_secs: f32, size: f32) -> f32 {
    const ROUND: f32 = 672.0 + 4453.0 + 1800.0 + 3720.0 + 908.0 + 4217.0 + 2656.0 + 3163.0;
    // log2(1000) octaves are 60 dB.
    exp2(-9.965_784 * size * (ROUND / 4.0 / PAPER_HZ) / decay_secs)
}

/// The coefficient of the tank's lowpass: from open to 200 Hz.
#[inline(always)]
fn damping(damping: f32, sample_rate_hz: f32) -> f32 {
    coefficient(48_000.0 * exp2(-7.9 * damping), sample_rate_hz)
}

/// A parabola's idea of a sine, from the clock alone.
#[inline(always)]
fn lfo(frame: u64, hz: f32, block: &Block) -> f32 {
    const TURN: f64 = 18_446_744_073_709_551_616.0;
    let step = (f64::from(hz) / f64::from(block.sample_rate_hz) * TURN) as u64;
    let phase = (frame.wrapping_mul(step) >> 32) as i32 as f32 * (1.0 / 2_147_483_648.0);
    4.0 * phase * (1.0 - phase.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::random::Random;
    use crate::rig::Rig;
    use crate::tools::{SPECTRUM_BINS, SPECTRUM_FRAMES, Tools};

    const RATE_HZ: f32 = 48_000.0;

    fn wet() -> Rig {
        let mut rig = Rig::new::<Reverb>(RATE_HZ);
        rig.set("mix", 1.0).set("pre-delay", 0.0).set("damping", 0.0);
        rig
    }

    fn burst(rig: &mut Rig, frames: u64) -> &mut Rig {
        let mut random = Random::new(7);
        rig.feed("left", move |_, frame| if frame < frames { 5.0 * random.bipolar() } else { 0.0 })
    }

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    /// The time to fall by 60 dB, from the slope of the backward integral
    /// between -5 and -35 dB (Schroeder 1965).
    fn decay_secs(volts: &[f32], sample_rate_hz: f32) -> f64 {
        let mut left = 0.0;
        let mut energy: Vec<f64> = volts
            .iter()
            .rev()
            .map(|&v| {
                left += f64::from(v).powi(2);
                left
            })
            .collect();
        energy.reverse();
        let at = |db: f64| energy.iter().position(|e| *e < energy[0] * 10f64.powf(db / 10.0));
        2.0 * (at(-35.0).unwrap() - at(-5.0).unwrap()) as f64 / f64::from(sample_rate_hz)
    }

    #[test]
    fn it_decays_as_long_as_it_says() {
        for (decay, size, sample_rate_hz) in
            [(1.0, 1.0, 48_000.0), (3.0, 1.0, 48_000.0), (3.0, 0.6, 96_000.0), (6.0, 1.4, 44_100.0)]
        {
            let mut rig = Rig::new::<Reverb>(sample_rate_hz);
            rig.set("mix", 1.0).set("damping", 0.0).set("decay", decay).set("size", size);
            let out = burst(&mut rig, 100).run((sample_rate_hz * decay) as usize);
            let measured = decay_secs(out.main(), sample_rate_hz);
            let error = measured / f64::from(decay) - 1.0;
            assert!(error.abs() < 0.1, "{decay} s at size {size}: {measured} s");
        }
    }

    #[test]
    fn high_tones_die_away_sooner() {
        let ring = |damping: f32| {
            let mut rig = wet();
            let out = burst(rig.set("damping", damping), 100).run(96_000);
            let late = &out.main()[48_000..];
            let steps: Vec<f32> = late.windows(2).map(|pair| pair[1] - pair[0]).collect();
            rms(&steps) / rms(late)
        };
        assert!(ring(0.7) < 0.3 * ring(0.0), "{} {}", ring(0.7), ring(0.0));
    }

    #[test]
    fn frozen_it_rings_on_and_lets_nothing_in() {
        let mut rig = wet();
        burst(&mut rig, 24_000).run(24_000);
        let before = rms(rig.set("freeze", 1.0).run(48_000).main());
        rig.feed("left", |_, frame| if frame % 100 < 50 { 12.0 } else { -12.0 });
        rig.run(24_000 * 40);
        let out = rig.run(48_000);
        let level_db = 20.0 * (rms(out.main()) / before).log10();
        assert!((-6.0..1.0).contains(&level_db), "{level_db} dB after 20 s");
        assert!(out.main().iter().all(|volts| volts.abs() < 100.0));
    }

    #[test]
    fn the_longest_decay_at_full_scale_stays_bounded() {
        let mut rig = wet();
        rig.set("decay", 60.0).set("modulation", 1.0);
        rig.feed("left", |_, frame| if frame / 120 % 2 == 0 { 12.0 } else { -12.0 });
        let out = rig.run(480_000);
        assert!(out.main().iter().all(|volts| volts.abs() < 100.0));
        assert_eq!(rig.not_finite(), 0);
    }

    #[test]
    fn a_constant_voltage_leaves_no_reverb() {
        let mut rig = wet();
        let out = rig.feed("left", |_, _| 5.0).run(192_000);
        let late = &out.main()[144_000..];
        let mean = late.iter().sum::<f32>() / late.len() as f32;
        assert!(mean.abs() < 1e-3, "{mean}");
    }

    #[test]
    fn the_loudest_cable_does_no_lasting_harm() {
        let mut rig = wet();
        rig.feed_channels("left", 16, |_, frame| if frame < 99 { f32::MAX } else { 0.0 });
        let out = rig.set("decay", 0.5).run(240_000);
        assert_eq!(rig.not_finite(), 0);
        assert!(out.main()[200_000..].iter().all(|volts| volts.abs() < 1e-3));
    }

    /// How often noise is further than its RMS from zero (Abel and Huang, "A
    /// simple, robust measure of reverberation echo density", AES 121, 2006).
    #[test]
    fn the_tail_is_as_dense_as_noise() {
        let mut rig = wet();
        rig.feed("left", |_, frame| if frame == 0 { 5.0 } else { 0.0 });
        let out = rig.run(96_000);
        for side in ["left", "right"] {
            let tail = &out.channel(side, 0)[47_000..49_000];
            let rms = rms(tail);
            let outside = tail.iter().filter(|volts| f64::from(volts.abs()) > rms).count();
            let density = outside as f64 / tail.len() as f64 / 0.3173;
            assert!((0.85..1.15).contains(&density), "{side}: {density}");
        }
    }

    #[test]
    fn no_tone_rings_on_in_the_tail() {
        let mut rig = wet();
        rig.feed("left", |_, frame| if frame == 0 { 5.0 } else { 0.0 });
        let out = rig.run(144_000);
        let mut tools = Tools::new();
        let mut power = [0.0f64; SPECTRUM_BINS];
        for tail in out.main()[72_000..].as_chunks::<SPECTRUM_FRAMES>().0 {
            // Hann's window.
            for (n, frame) in tools.spectrum_frames().iter_mut().enumerate() {
                let turns = n as f32 / SPECTRUM_FRAMES as f32;
                *frame = tail[n] * (0.5 - 0.5 * (std::f32::consts::TAU * turns).cos());
            }
            for (power, bin) in power.iter_mut().zip(tools.spectrum()) {
                *power += f64::from(bin.norm_sqr());
            }
        }
        // Up to 12 kHz, each against its 64 neighbours.
        for bin in 40..512 {
            let around = power[bin - 32..bin + 32].iter().sum::<f64>() / 64.0;
            let over_db = 10.0 * (power[bin] / around).log10();
            assert!(over_db < 6.0, "bin {bin} stands out by {over_db} dB");
        }
    }

    #[test]
    fn left_and_right_are_not_alike() {
        let mut rig = wet();
        let out = burst(&mut rig, 48_000).run(96_000);
        let (left, right) = (out.channel("left", 0), out.channel("right", 0));
        let both: f64 = left.iter().zip(right).map(|(&l, &r)| f64::from(l * r)).sum();
        let alike = both / left.len() as f64 / rms(left) / rms(right);
        assert!(alike.abs() < 0.1, "{alike}");
    }

    #[test]
    fn after_the_sound_there_is_silence() {
        let mut rig = wet();
        let out = burst(rig.set("decay", 0.2).set("size", 0.5), 100).run(480_000);
        assert!(out.main()[470_000..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn a_change_of_size_does_not_click() {
        let mut rig = wet();
        rig.set("decay", 20.0).feed("left", |_, frame| 3.0 * (frame as f32 * 0.0131).sin());
        let before = rig.run(96_000);
        let after = rig.set("size", 0.7).run(48_000);
        let steepest = |volts: &[f32]| {
            volts.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).abs()).fold(0.0, f32::max)
        };
        let (before, after) = (steepest(&before.main()[48_000..]), steepest(after.main()));
        assert!(after < 4.0 * before, "{before} V, then {after} V");
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |cut: bool| {
            let mut rig = Rig::new::<Reverb>(RATE_HZ);
            burst(&mut rig, 5000);
            if cut {
                rig.frame_by_frame();
            }
            rig.run(640);
            rig.set("size", 0.8).set("pre-delay", 0.02);
            let out = rig.run(20_000);
            ["left", "right"].map(|port| out.channel(port, 0).to_vec())
        };
        assert!(render(false) == render(true));
    }
}
