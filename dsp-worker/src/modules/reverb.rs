//! Reverb: a plate, after Dattorro.
//!
//! J. Dattorro, "Effect Design, Part 1: Reverberator and Other Filters",
//! J. Audio Eng. Soc. 45(9), 1997, figure 1 and tables 1 and 2. Its delays are
//! in samples at 29 761 Hz and are scaled to the sample rate.

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::one_pole::{OnePole, coefficient};
use crate::dsp::schmitt::Schmitt;
use crate::dsp::tape_head::TapeHead;
use crate::dsp::{dry_wet, exp2, hush, soft_clip};
use crate::module::{About, Block, Ramp, Tag, port};
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
            port("freeze", "While this gate is on (above 1 V), the reverb is frozen"),
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
        let left = block.input(LEFT);
        let right = if block.input(RIGHT).is_patched() { block.input(RIGHT) } else { left };
        let (pre_delay, mix) = (block.ramp(PRE_DELAY), block.ramp(MIX));
        let sample_rate_hz = block.sample_rate_hz;
        let plate = Plate::new(block, self.size, self.dip_quanta);
        let rumble = coefficient(10.0, sample_rate_hz);
        let close = 1.0 / (CLOSE_SECS * sample_rate_hz);
        for frame in block.frames() {
            let is_frozen =
                self.freeze.follow(block.input(FREEZE_GATE).at(0, frame)) || block.is_on(FREEZE);
            let way = if is_frozen { close } else { -close };
            self.closed = (self.closed + way).clamp(0.0, 1.0);

            let (left, right) = (left.sum(frame), right.sum(frame));
            self.pre.glide(f64::from(pre_delay.at(frame) * sample_rate_hz), sample_rate_hz);
            let delayed = self.pre.read(&block.tapes, PRE, frame);
            let both = self.highpass.highpass(0.5 * (left + right), rumble);
            block.tapes.write(PRE, frame, hush(both));

            let input = plate.diffuse(&mut block.tapes, frame, delayed * (1.0 - self.closed));
            self.circulate(&plate, &mut block.tapes, frame, input, is_frozen);

            let (dry, wet) = dry_wet(mix.at(frame));
            let wet = wet * TAP_GAIN * plate.fade(frame);
            let wet_left = wet * listen(&block.tapes, frame, &plate.left_taps, &LEFT_TAPS);
            let wet_right = wet * listen(&block.tapes, frame, &plate.right_taps, &RIGHT_TAPS);
            block.output(LEFT).put(0, frame, dry * left + wet_left);
            block.output(RIGHT).put(0, frame, dry * right + wet_right);
        }
    }
}

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

    /// One frame of the tank: two halves, each of which feeds the other.
    #[inline(always)]
    fn circulate(
        &mut self,
        plate: &Plate,
        tapes: &mut Tapes,
        frame: usize,
        input: f32,
        is_frozen: bool,
    ) {
        let (decay, damping) = if is_frozen { (1.0, 1.0) } else { (plate.decay, plate.damping) };
        let fade = plate.fade(frame);
        let ends = [TANK + HALF - 1, TANK + 2 * HALF - 1]
            .map(|tape| fade * tapes.read(tape, frame, plate.frames[tape]));
        for side in [LEFT, RIGHT] {
            let tape = TANK + side * HALF;
            let returned = soft_clip(decay * ends[1 - side], KNEE_VOLTS, LIMIT_VOLTS);
            let delay_frames = plate.wander[side].at(frame);
            let delayed = fade * tapes.read_between(tape, frame, delay_frames);
            let smeared =
                allpass(tapes, tape, frame, delayed, input + returned, -plate.diffusion_1);
            tapes.write(tape + 1, frame, smeared);

            let delayed = fade * tapes.read(tape + 1, frame, plate.frames[tape + 1]);
            let damped = decay * self.damping[side].lowpass(delayed, damping);
            let delayed = fade * tapes.read(tape + 2, frame, plate.frames[tape + 2]);
            let smeared = allpass(tapes, tape + 2, frame, delayed, damped, plate.diffusion_2);
            tapes.write(tape + 3, frame, smeared);
        }
    }
}

/// The plate for one call: every length in frames, every gain.
struct Plate {
    frames: [usize; TAPES],
    wander: [Ramp; 2],
    left_taps: [usize; 7],
    right_taps: [usize; 7],
    fade: Ramp,
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
        let frames = |length: f32| (length * scale) as usize;
        let decay = decay_gain(block.param(DECAY), size);
        let diffusion = block.param(DIFFUSION);
        let excursion = EXCURSION * block.param(MODULATION) * block.sample_rate_hz / PAPER_HZ;
        let wander = |side: usize| {
            let middle = LENGTHS[TANK + side * HALF] * scale;
            let at = |frame| middle + excursion * lfo(frame, MODULATION_HZ[side], block);
            Ramp::new(at(block.frame), at(block.frame + QUANTUM as u64))
        };
        let fade = |quanta: u32| quanta.abs_diff(DIP_QUANTA) as f32 / DIP_QUANTA as f32;
        Plate {
            frames: LENGTHS.map(frames),
            wander: [wander(LEFT), wander(RIGHT)],
            left_taps: LEFT_TAPS.map(|(_, place, _)| frames(place)),
            right_taps: RIGHT_TAPS.map(|(_, place, _)| frames(place)),
            fade: if dip_quanta > 0 {
                Ramp::new(fade(dip_quanta), fade(dip_quanta - 1))
            } else {
                Ramp::new(1.0, 1.0)
            },
            decay,
            damping: damping(block.param(DAMPING), block.sample_rate_hz),
            input_diffusion: [0.75 * diffusion, 0.625 * diffusion],
            diffusion_1: 0.7 * diffusion,
            // The paper ties it to the decay.
            diffusion_2: diffusion * (decay + 0.15).clamp(0.25, 0.5),
        }
    }

    /// The level of every reading of the tapes.
    #[inline(always)]
    fn fade(&self, frame: usize) -> f32 {
        let fade = self.fade.at(frame);
        fade * fade * (3.0 - 2.0 * fade)
    }

    /// Four allpasses in a row make a cloud of a click.
    #[inline(always)]
    fn diffuse(&self, tapes: &mut Tapes, frame: usize, input: f32) -> f32 {
        let mut volts = input;
        for stage in 0..4 {
            let tape = DIFFUSERS + stage;
            let delayed = self.fade(frame) * tapes.read(tape, frame, self.frames[tape]);
            volts = allpass(tapes, tape, frame, delayed, volts, self.input_diffusion[stage / 2]);
        }
        volts
    }
}

/// Schroeder's allpass, around the tape that `delayed` was read from.
#[inline(always)]
fn allpass(
    tapes: &mut Tapes,
    tape: usize,
    frame: usize,
    delayed: f32,
    input: f32,
    gain: f32,
) -> f32 {
    let fed = hush(input - gain * delayed);
    tapes.write(tape, frame, fed);
    delayed + gain * fed
}

#[inline(always)]
fn listen(tapes: &Tapes, frame: usize, places: &[usize; 7], taps: &[(usize, f32, f32); 7]) -> f32 {
    let tap = |n: usize| taps[n].2 * tapes.read(taps[n].0, frame, places[n]);
    (0..7).map(tap).sum()
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
    fn frozen_it_holds_for_a_minute_and_lets_nothing_in() {
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
