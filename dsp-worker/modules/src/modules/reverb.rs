//! Reverb: a plate, after Dattorro.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::tape_head::TapeHead;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_dsp::{dry_wet, hush};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::plate::{self, LARGEST_SIZE, Settings, Tank, Wire};
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

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

const LONGEST_PRE_DELAY_SECS: f32 = 0.5;

/// The tape of the pre-delay; after it those of the tank.
const PRE: usize = 0;
const TANK: usize = 1;

/// Below it nothing enters the tank.
const RUMBLE_HZ: f32 = 10.0;

/// What is not on tape.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Reverb {
    recording: Recording,
    pre: TapeHead,
    /// Keeps a constant voltage out of the tank.
    highpass: OnePole,
    freeze: Schmitt,
    tank: Tank,
}

impl Module for Reverb {
    const ABOUT: &'static About = &About {
        name: "reverb",
        title: "Reverb",
        summary: "Stereo plate reverb, from a small room to an endless sound",
        aliases: &["plate", "hall", "room"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("freeze", "While on (above 1 V), the reverb is frozen")
                .moves_own(By::OnAboveOneVolt),
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
                "The time before the reverb begins",
            ),
            Param::linear("size", 0.5..=LARGEST_SIZE, 1.0, Unit::None, "The size of the plate"),
            Param::log(
                "decay",
                0.2..=60.0,
                2.5,
                Unit::Secs,
                "The time for the reverb to fall by 60 dB",
            ),
            Param::linear(
                "damping",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "How much faster high frequencies fade",
            ),
            Param::linear(
                "diffusion",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "Density of the echoes: low is grainy, high is smooth",
            ),
            Param::linear(
                "modulation",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How much the echoes wander, so that no tone rings",
            ),
            Param::switch("freeze", false, "Holds the current sound for ever, and mutes the input")
                .steady(),
            mix(0.3),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let mut frames = vec![(LONGEST_PRE_DELAY_SECS * sample_rate_hz) as usize + 1];
        frames.extend(plate::tapes(sample_rate_hz));
        frames
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.pre.change_rate(change);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.highpass = Zeroable::zeroed();
            self.tank.forget();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        self.tank.follow(block, block.ramp(SIZE));
        // A whole quantum is compiled by itself: loops of known length are faster.
        if block.frames() == (0..QUANTUM) {
            self.reverberate(block, 0..QUANTUM);
        } else {
            self.reverberate(block, block.frames());
        }
    }
}

impl Reverb {
    #[inline(always)]
    fn reverberate(&mut self, block: &mut Block, frames: Range<usize>) {
        let (gate, is_on) = (block.input(FREEZE_GATE), block.is_on(FREEZE));
        let closed = self.tank.close(block.sample_rate_hz, frames.clone(), |frame| {
            self.freeze.follow(gate.at(0, frame)) || is_on
        });
        let wire = self.take_in(block, frames.clone());
        let settings = Settings {
            decay_secs: block.param(DECAY),
            damping: block.param(DAMPING),
            diffusion: block.param(DIFFUSION),
            modulation: block.param(MODULATION),
        };
        let heard = self.tank.reverberate(block, TANK, frames.clone(), &settings, wire, &closed);
        let (input, mix) = (StereoIn::new(block, LEFT, RIGHT), block.ramp(MIX));
        for (side, heard) in heard.iter().enumerate() {
            for frame in frames.clone() {
                let (dry, wet) = dry_wet(mix.at(frame));
                let volts = dry * input.at(side, frame) + wet * heard[frame];
                block.output(side).put(0, frame, volts);
            }
        }
    }

    /// Both sides together, without what is below all hearing, and late by the
    /// pre-delay.
    #[inline(always)]
    fn take_in(&mut self, block: &mut Block, frames: Range<usize>) -> Wire {
        let input = StereoIn::new(block, LEFT, RIGHT);
        let sample_rate_hz = block.sample_rate_hz;
        let pre_delay = block.ramp(PRE_DELAY);
        let rumble = coefficient(RUMBLE_HZ, sample_rate_hz);
        let mut wire = [0.0; QUANTUM];
        for frame in frames {
            self.pre.glide(f64::from(pre_delay.at(frame) * sample_rate_hz), sample_rate_hz);
            let now = block.frame + frame as u64;
            let level = self.recording.level(now, self.pre.delay_frames() as f32);
            wire[frame] = level * self.pre.place().read(&block.tapes, PRE, frame);
            let both = 0.5 * (input.at(LEFT, frame) + input.at(RIGHT, frame));
            block.tapes.write(PRE, frame, hush(self.highpass.highpass(both, rumble)));
        }
        wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use crate::tools::{SPECTRUM_BINS, SPECTRUM_FRAMES, Tools};
    use sostenuto_dsp::random::Random;

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
    fn frozen_it_holds_a_burst_of_noise_for_a_minute() {
        for (size, rate_hz) in [(1.0, 48_000.0), (0.63, 44_100.0), (1.5, 96_000.0f32)] {
            let mut rig = Rig::new::<Reverb>(rate_hz);
            rig.set("mix", 1.0).set("size", size);
            crate::rig::held::assert_holds(&mut rig, 2.0, |rig| _ = rig.set("freeze", 1.0));
        }
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
