//! Distortion: from warm saturation to a starved fuzz.
//!
//! Each curve runs at eight times the sample rate, in finer steps yet
//! ([`sostenuto_dsp::finer`]), so that what is added is overtones and not aliases.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::crossfade::Crossfade;
use sostenuto_dsp::finer::{Curve, Finer, FinerState};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{Lane, Lanes};
use sostenuto_dsp::mean::{diode, fuzz, hard, soft, tube};
use sostenuto_dsp::one_pole::{OnePoles, coefficient};
use sostenuto_dsp::oversample::{Eightfold, EightfoldState};
use sostenuto_dsp::units::{AUDIO_VOLTS, QUANTUM};
use sostenuto_dsp::{exp2, gain_from_db};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const DRIVE_IN: usize = 1;
const OUT: usize = 0;
const SHAPE: usize = 0;
const DRIVE: usize = 1;
const TONE: usize = 2;
const LEVEL: usize = 3;
const MIX: usize = 4;
const OVERSAMPLE: usize = 5;

const EIGHTFOLD: usize = 0;
const SIXTEENFOLD: usize = 1;
const HARD: usize = 1;
const TUBE: usize = 2;
const DIODE: usize = 3;
const FUZZ: usize = 4;

/// 40 dB: what full drive makes of 5 V, in octaves.
const DRIVE_OCTAVES: f32 = 6.643_856;
/// The tone's middle, and how far it tilts what is below and above.
const TILT_HZ: f32 = 700.0;
const TILT_OCTAVES: f32 = 2.0;
/// A valve bends up and down by different amounts: that is no sound.
const LOWEST_HZ: f32 = 5.0;

/// Sixteen channels of distortion.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Distortion {
    up: EightfoldState,
    down: EightfoldState,
    finer: FinerState,
    shape: Crossfade,
    rest: OnePoles,
    lows: OnePoles,
}

impl Module for Distortion {
    const ABOUT: &'static About = &About {
        name: "distortion",
        title: "Distortion",
        short: "Distort",
        summary: "Saturation, clipping and fuzz: warmth, bite or ruin, without aliasing",
        aliases: &["overdrive", "fuzz", "saturation", "waveshaper"],
        tags: &[Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input, ±5 V"),
            port("drive", "Drive CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The distorted signal, about ±5 V")],
        params: &[
            Param::choice(
                "shape",
                &["soft", "hard", "tube", "diode", "fuzz"],
                0,
                "Soft saturates evenly, hard clips, tube favours one side, diode compresses \
                 without limit, fuzz sputters",
            ),
            Param::linear(
                "drive",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "How hard the signal is driven, by up to 40 dB",
            ),
            Param::linear(
                "tone",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "Tilt equalizer around 700 Hz: negative is darker, positive is brighter",
            ),
            Param::linear("level", -24.0..=12.0, 0.0, Unit::Db, "Output level"),
            Param::linear(
                "mix",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "From the input alone, 0, to the distortion alone, 1; both stay in phase",
            )
            .steady(),
            Param::choice(
                "oversample",
                &["8x", "16x", "64x"],
                SIXTEENFOLD,
                "More keeps extreme drive clean on the highest notes, at a higher CPU cost",
            )
            .steady(),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.up, &channels);
        clear(&mut self.down, &channels);
        clear(&mut self.finer, &channels);
        clear(&mut self.rest, &channels);
        clear(&mut self.lows, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, DRIVE_IN]);
        if block.starts_quantum() {
            self.shape.turn(block.choice(SHAPE));
        }
        let mut knobs = Knobs {
            drive: block.ramp(DRIVE).frames(),
            mix: block.ramp(MIX).frames(),
            low_gain: [0.0; QUANTUM],
            high_gain: [0.0; QUANTUM],
        };
        let (tone, level_db) = (block.ramp(TONE), block.ramp(LEVEL));
        for frame in block.frames() {
            let stands = [TONE, LEVEL].into_iter().all(|param| block.ramp(param).is_still());
            if stands && frame > block.frames().start {
                knobs.low_gain[frame] = knobs.low_gain[frame - 1];
                knobs.high_gain[frame] = knobs.high_gain[frame - 1];
                continue;
            }
            let level = AUDIO_VOLTS * gain_from_db(level_db.at(frame));
            let octaves = TILT_OCTAVES * tone.at(frame);
            knobs.low_gain[frame] = level * exp2(-octaves);
            knobs.high_gain[frame] = level * exp2(octaves);
        }
        match block.choice(OVERSAMPLE) {
            EIGHTFOLD => {
                each_group!(channels, |L, group| self.distort::<L, 1>(block, group, &knobs))
            }
            SIXTEENFOLD => {
                each_group!(channels, |L, group| self.distort::<L, 2>(block, group, &knobs));
            }
            _ => each_group!(channels, |L, group| self.distort::<L, 8>(block, group, &knobs)),
        }
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    drive: [f32; QUANTUM],
    mix: [f32; QUANTUM],
    low_gain: [f32; QUANTUM],
    high_gain: [f32; QUANTUM],
}

impl Distortion {
    /// Each of the eight steps of a frame is divided into `K`.
    #[inline(always)]
    fn distort<L: Lane, const K: usize>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let (input, drive_in) = (block.input(IN), block.input(DRIVE_IN));
        let lowest = coefficient(LOWEST_HZ, block.sample_rate_hz);
        let tilt = coefficient(TILT_HZ, block.sample_rate_hz);
        let frames = block.frames();
        let output = block.output(OUT);

        let mut up = Eightfold::<L>::load(&self.up, group);
        let mut down = Eightfold::<L>::load(&self.down, group);
        let mut finer = Finer::<L>::load(&self.finer, group);
        let mut drive = Drive::new(self.shape.now(), L::splat(knobs.drive[frames.start]));
        drive.knob = knobs.drive[frames.start];
        let before = self.shape.before();
        for frame in frames {
            let drive_volts = drive_in.get::<L>(group, frame) * L::splat(0.1);
            if drive_in.is_patched() || knobs.drive[frame] != drive.knob {
                drive = Drive::new(drive.shape, drive_volts + L::splat(knobs.drive[frame]));
                drive.knob = knobs.drive[frame];
            }
            drive.wet = knobs.mix[frame];
            drive.before = before.map(|(before, way)| (before, way.at(frame)));

            let volts = input.get::<L>(group, frame).clamp(-1e3, 1e3);
            let eighths = up.up(volts * L::splat(1.0 / AUDIO_VOLTS));
            let bent = finer.bend::<K, 8>(eighths, &drive, &drive.spread());
            let bent = self.rest.highpass(group, down.down(bent), lowest);
            let low = self.lows.lowpass(group, bent, tilt);
            let high = (bent - low) * L::splat(knobs.high_gain[frame]);
            output.put(group, frame, low * L::splat(knobs.low_gain[frame]) + high);
        }
        up.store(&mut self.up, group);
        down.store(&mut self.down, group);
        finer.store(&mut self.finer, group);
    }
}

/// The curve as it stands in one frame.
#[derive(Clone, Copy)]
struct Drive<L> {
    shape: usize,
    /// The shape before, while it fades, and how far.
    before: Option<(usize, f32)>,
    /// Where the knob stood when the gain was worked out.
    knob: f32,
    wet: f32,
    gain: L,
    /// What the diodes make of 5 V, which never stops growing.
    diode: L,
}

impl<L: Lane> Drive<L> {
    #[inline(always)]
    fn new(shape: usize, drive: L) -> Drive<L> {
        let gain = exp2(drive.clamp(0.0, 1.0) * L::splat(DRIVE_OCTAVES));
        let diode = (gain + gain + L::splat(1.0)).map(f32::sqrt) - L::splat(1.0);
        Drive { shape, before: None, knob: 0.0, wet: 1.0, gain, diode }
    }

    #[inline(always)]
    fn spread(&self) -> Drive<Lanes> {
        let Drive { shape, before, knob, wet, gain, diode } = *self;
        let (gain, diode) = (Lanes::splat(gain.first()), Lanes::splat(diode.first()));
        Drive { shape, before, knob, wet, gain, diode }
    }
}

impl<L: Lane> Curve<L> for Drive<L> {
    #[inline(always)]
    fn means(&self, points: &[L], means: &mut [L]) {
        self.bend(self.shape, points, means);
        if let Some((before, way)) = self.before {
            let mut old = [L::default(); 8];
            self.bend(before, points, &mut old[..means.len()]);
            for k in 0..means.len() {
                means[k] = old[k] + (means[k] - old[k]) * L::splat(way);
            }
        }
        if self.wet != 1.0 {
            for k in 0..means.len() {
                // The mean of no curve at all: as late as the others.
                let dry = (points[k] + points[k + 1]) * L::splat(0.5);
                means[k] = dry + (means[k] - dry) * L::splat(self.wet);
            }
        }
    }
}

impl<L: Lane> Drive<L> {
    /// The means of a curve, in parts of 5 V.
    #[inline(always)]
    fn bend(&self, shape: usize, points: &[L], means: &mut [L]) {
        let gain = if shape == FUZZ { self.gain * L::splat(4.0) } else { self.gain };
        let mut driven = [L::default(); 9];
        for k in 0..points.len() {
            driven[k] = points[k] * gain;
        }
        match shape {
            HARD => {
                for k in 0..means.len() {
                    means[k] = hard(driven[k], driven[k + 1]);
                }
            }
            TUBE => {
                for k in 0..means.len() {
                    means[k] = tube(driven[k], driven[k + 1]) * L::splat(0.7);
                }
            }
            DIODE => {
                for k in 0..means.len() {
                    means[k] = diode(driven[k], driven[k + 1]) / self.diode;
                }
            }
            FUZZ => {
                for k in 0..means.len() {
                    means[k] = fuzz(driven[k], driven[k + 1]);
                }
            }
            _ => {
                for k in 0..means.len() {
                    means[k] = soft(driven[k], driven[k + 1]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Alias, Shape, alias, coherent_hz};

    const RATE_HZ: f64 = 48_000.0;
    const SHAPES: [&str; 5] = ["soft", "hard", "tube", "diode", "fuzz"];

    fn driven(shape: &str, drive: f32, hz: f64, peak_volts: f64) -> Rig {
        let mut rig = Rig::new::<Distortion>(RATE_HZ as f32);
        rig.choose("shape", shape).set("drive", drive).feed("in", move |_, frame| {
            let turns = (frame as f64 * hz / RATE_HZ).fract();
            (peak_volts * (std::f64::consts::TAU * turns).sin()) as f32
        });
        rig
    }

    fn measured(shape: &str, drive: f32, near_hz: f64) -> Alias {
        let hz = coherent_hz(near_hz, RATE_HZ);
        let mut rig = driven(shape, drive, hz, 5.0);
        alias(rig.choose("oversample", "16x").run(140_000).main(), RATE_HZ, hz, 1, Shape::Any)
    }

    #[test]
    fn driven_hard_it_aliases_little() {
        // At 0, 20 and 40 dB of drive.
        let limits_db = [
            ("soft", [[-140.0, -132.0, -92.0], [-138.0, -112.0, -63.0]]),
            ("hard", [[-140.0, -102.0, -84.0], [-138.0, -78.0, -61.0]]),
            ("tube", [[-138.0, -132.0, -100.0], [-138.0, -112.0, -65.0]]),
            ("diode", [[-138.0, -135.0, -115.0], [-128.0, -105.0, -89.0]]),
            ("fuzz", [[-104.0, -82.0, -69.0], [-82.0, -65.0, -60.0]]),
        ];
        for (shape, limits_db) in limits_db {
            for (near_hz, limits_db) in [1000.0, 5000.0].into_iter().zip(limits_db) {
                for (drive, limit_db) in [0.0, 0.5, 1.0].into_iter().zip(limits_db) {
                    let found = measured(shape, drive, near_hz).alias_20k_db;
                    assert!(found < limit_db, "{shape} at {drive}, {near_hz} Hz: {found} dB");
                }
            }
        }
    }

    #[test]
    fn a_valve_adds_even_overtones_and_clipping_none() {
        let second_db = |shape: &str| {
            let mut rig = driven(shape, 0.4, 480.0, 5.0);
            let sound = rig.run(96_000);
            let part =
                |hz: f64| sostenuto_dsp::response::gain_at(&sound.main()[48_000..], hz, RATE_HZ);
            20.0 * (part(960.0) / part(480.0)).log10()
        };
        assert!(second_db("tube") > -30.0, "{}", second_db("tube"));
        assert!(second_db("soft") < -90.0, "{}", second_db("soft"));
        assert!(second_db("hard") < -90.0, "{}", second_db("hard"));
    }

    #[test]
    fn however_it_is_driven_it_stays_as_loud_as_the_others() {
        for shape in SHAPES {
            for drive in [0.0, 0.5, 1.0] {
                let sound = driven(shape, drive, 100.0, 5.0).run(24_000);
                let peak = sound.main()[12_000..].iter().fold(0f32, |peak, v| peak.max(v.abs()));
                assert!((2.9..8.0).contains(&peak), "{shape} at {drive}: {peak} V");
            }
        }
    }

    #[test]
    fn half_dry_it_is_in_phase() {
        // 40 dB below the curve, the wet signal is the dry one.
        let peak = |mix: f32| {
            let mut rig = driven("hard", 0.0, 3000.0, 0.05);
            let sound = rig.set("mix", mix).run(24_000);
            sound.main()[12_000..].iter().fold(0f32, |peak, v| peak.max(v.abs()))
        };
        assert!((peak(0.5) / peak(1.0) - 1.0).abs() < 1e-3, "{} {}", peak(0.5), peak(1.0));
        assert!((peak(0.0) / 0.05 - 1.0).abs() < 5e-3, "{}", peak(0.0));
    }

    #[test]
    fn changing_the_shape_does_not_click() {
        let mut rig = driven("soft", 0.3, 50.0, 5.0);
        rig.run(9600);
        let mut sound = rig.run(64).main().to_vec();
        for shape in SHAPES {
            sound.extend(rig.choose("shape", shape).run(1000).main());
        }
        // At 7.9 times the slope of a sine, the steepest comes from the fuzz.
        let step = sound.windows(2).fold(0f32, |step, pair| step.max((pair[1] - pair[0]).abs()));
        assert!(step < 1.3, "{step} V");
    }

    #[test]
    fn every_voice_is_distorted_as_it_would_be_alone() {
        for shape in SHAPES {
            let rig = |channels: usize, first: usize| {
                let mut rig = Rig::new::<Distortion>(RATE_HZ as f32);
                rig.choose("shape", shape).set("mix", 0.8).set("tone", 0.3);
                rig.feed_channels("in", channels, move |channel, frame| {
                    (frame as f32 * 0.01 * (channel + first + 1) as f32).sin() * 5.0
                });
                rig.feed_channels("drive", channels, move |channel, _| (channel + first) as f32);
                rig
            };
            let together = rig(16, 0).run(300);
            for channel in 0..16 {
                assert_eq!(together.channel("out", channel), rig(1, channel).run(300).main());
            }
        }
    }
}
