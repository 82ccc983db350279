//! State-variable VCF: four clean responses of one two-pole filter.
//!
//! It is [`sostenuto_dsp::svf`]. Whatever the cutoff does, even at audio rate, its
//! two integrators together only lose energy.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::svf::{self, Cutoff, FLAT, Responses, SvfState};
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::sweep;

const IN: usize = 0;
const CUTOFF_IN: usize = 1;
const RESONANCE_IN: usize = 2;
const LOWPASS: usize = 0;
const CUTOFF: usize = 0;
const RESONANCE: usize = 1;
const CUTOFF_AMOUNT: usize = 2;

/// How far below none the damping goes at full resonance, so that it sings.
const PUSH: f32 = 0.03;
/// Damping per square volt of the bandpass that ends the growth at 5 V: there
/// the mean over a sine, 3/4 of its peak's, is the push.
const LIMIT: f32 = PUSH / (0.75 * 25.0);
/// What an integrator holds at most: only a cutoff that leaps over all octaves
/// at full resonance gets there.
const RAIL_VOLTS: f32 = 40.0;
/// The hiss of its parts, in volts, which it needs to start singing from
/// silence.
const NOISE_VOLTS: f32 = 1e-6;

/// The two integrators of sixteen filters.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Svf {
    noise: Random,
    integrators: SvfState,
}

impl Module for Svf {
    const ABOUT: &'static About = &About {
        name: "svf",
        title: "State-variable VCF",
        short: "SVF",
        summary: "Lowpass, highpass, bandpass and notch at once: clean, and exactly in tune",
        aliases: &[
            "lowpass",
            "highpass",
            "bandpass",
            "notch",
            "low pass",
            "high pass",
            "band pass",
            "lpf",
            "hpf",
            "vcf",
            "wah",
        ],
        tags: &[Tag::Filter, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input"),
            sweep::CUTOFF,
            port("resonance", "Resonance CV; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("lowpass", "Lowpass, 12 dB/octave"),
            port("highpass", "Highpass, 12 dB/octave"),
            port("bandpass", "Bandpass, 6 dB/octave on both sides"),
            port("notch", "Notch: everything but the cutoff"),
        ],
        params: &[
            Param::log(
                "cutoff",
                20.0..=20_000.0,
                1000.0,
                Unit::Hz,
                "The cutoff and resonant frequency, at 0 V of cutoff CV",
            ),
            Param::linear(
                "resonance",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Emphasis at the cutoff: flat at 0, self-oscillating at 1",
            ),
            sweep::CUTOFF_AMOUNT,
        ],
        bypass: &[(IN, LOWPASS)],
        screen: Some(Screen::Curve(Curve::StateVariable)),
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.noise = Random::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.integrators, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, CUTOFF_IN, RESONANCE_IN]);
        let mut noise_volts = [0.0; QUANTUM];
        for frame in block.frames() {
            noise_volts[frame] = NOISE_VOLTS * self.noise.bipolar();
        }
        let knobs = Knobs {
            cutoff_hz: block.ramp(CUTOFF).frames(),
            resonance: block.ramp(RESONANCE).frames(),
            amount: block.ramp(CUTOFF_AMOUNT).frames(),
            noise_volts,
        };
        each_group!(channels, |L, group| self.filter::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    cutoff_hz: [f32; QUANTUM],
    resonance: [f32; QUANTUM],
    amount: [f32; QUANTUM],
    noise_volts: [f32; QUANTUM],
}

impl Svf {
    #[inline(always)]
    fn filter<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let c = L::splat;
        let (input, cutoff_in) = (block.input(IN), block.input(CUTOFF_IN));
        let resonance_in = block.input(RESONANCE_IN);
        let turns_per_hz = 1.0 / block.sample_rate_hz;
        let frames = block.frames();
        let [lowpass, highpass, bandpass, notch] = block.outputs();

        let mut svf = svf::Svf::load(&self.integrators, group);
        for frame in frames {
            let octaves = cutoff_in.get::<L>(group, frame) * c(knobs.amount[frame]);
            let cutoff_hz = exp2(octaves.clamp(-20.0, 20.0)) * c(knobs.cutoff_hz[frame]);
            let cutoff = Cutoff::new(cutoff_hz * c(turns_per_hz));
            let resonance =
                resonance_in.get::<L>(group, frame) * c(0.1) + c(knobs.resonance[frame]);
            let resonance = resonance.clamp(0.0, 1.0);
            let hiss = resonance * c(knobs.noise_volts[frame]);
            let volts = input.get::<L>(group, frame).clamp(-1e3, 1e3) + hiss;

            let damping = c(FLAT) - resonance * c(FLAT + PUSH);
            let limit = resonance * resonance * c(LIMIT);
            let Responses { low, band, high } = svf.next_limited(volts, &cutoff, damping, limit);
            svf.hold_within(RAIL_VOLTS);
            lowpass.put(group, frame, low);
            highpass.put(group, frame, high);
            bandpass.put(group, frame, band);
            notch.put(group, frame, low + high);
        }
        svf.store(&mut self.integrators, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};
    use sostenuto_dsp::measure::{cents, frequency_hz};
    use sostenuto_dsp::response::{corner_hz, gain_at};

    const RATE_HZ: f32 = 48_000.0;

    fn saw(frame: u64, hz: f64) -> f32 {
        (10.0 * (frame as f64 * hz / f64::from(RATE_HZ)).fract() - 5.0) as f32
    }

    fn impulse_response(cutoff_hz: f32) -> Render {
        let mut rig = Rig::new::<Svf>(RATE_HZ);
        rig.set("cutoff", cutoff_hz).feed("in", |_, frame| (frame == 0) as u32 as f32);
        rig.run(12_000)
    }

    #[test]
    fn it_is_3_db_down_at_the_cutoff() {
        for cutoff_hz in [100.0, 1000.0, 5000.0, 10_000.0f32] {
            let response = impulse_response(cutoff_hz);
            let ideal_hz = f64::from(cutoff_hz);
            let low = response.channel("lowpass", 0);
            let error = cents(corner_hz(low, ideal_hz, f64::from(RATE_HZ)), ideal_hz);
            assert!(error.abs() < 0.02, "{cutoff_hz} Hz: {error} cents");
            let high = gain_at(response.channel("highpass", 0), ideal_hz, f64::from(RATE_HZ));
            assert!((high - 0.5f64.sqrt()).abs() < 1e-4, "{cutoff_hz} Hz: {high}");
            let band = gain_at(response.channel("bandpass", 0), ideal_hz, f64::from(RATE_HZ));
            assert!((band - 0.5f64.sqrt()).abs() < 1e-4, "{cutoff_hz} Hz: {band}");
            let notch = gain_at(response.channel("notch", 0), ideal_hz, f64::from(RATE_HZ));
            assert!(notch < 1e-3, "{cutoff_hz} Hz: {notch}");
        }
    }

    #[test]
    fn it_sings_in_tune_and_at_5_v() {
        for cutoff_hz in [100.0, 1000.0, 5000.0, 10_000.0f32] {
            let mut rig = Rig::new::<Svf>(RATE_HZ);
            rig.set("cutoff", cutoff_hz).set("resonance", 1.0);
            rig.run(144_000);
            let sound = rig.run(48_000);
            let found_hz = frequency_hz(sound.main(), f64::from(RATE_HZ), None);
            let error = cents(found_hz, f64::from(cutoff_hz));
            assert!(error.abs() < 0.2, "{cutoff_hz} Hz: {error} cents");
            let peak = sound.main().iter().fold(0.0, |peak, volts| volts.abs().max(peak));
            assert!((4.8..5.2).contains(&peak), "{cutoff_hz} Hz: {peak} V");
        }
    }

    #[test]
    fn whatever_the_cutoff_does_it_stays_within_bounds() {
        let mut rig = Rig::new::<Svf>(RATE_HZ);
        rig.set("resonance", 1.0);
        rig.feed("in", |_, frame| saw(frame, 110.0));
        rig.feed("cutoff", |_, frame| 2.0 * saw(frame, 3456.7));
        let sound = rig.run(200_000);
        assert_eq!(rig.not_finite(), 0);
        assert!(sound.main().iter().all(|volts| volts.abs() < 41.0));
    }

    #[test]
    fn absurd_voltages_pass() {
        let mut rig = Rig::new::<Svf>(RATE_HZ);
        rig.feed(
            "in",
            |_, frame| if frame < 100 { 1e38 * saw(frame, 5000.0).signum() } else { 0.0 },
        );
        rig.feed(
            "cutoff",
            |_, frame| if frame < 100 { 1e38 * saw(frame, 3000.0).signum() } else { 0.0 },
        );
        let sound = rig.run(20_000);
        assert_eq!(rig.not_finite(), 0);
        assert!(sound.main()[19_000..].iter().all(|volts| volts.abs() < 1e-3));
    }

    #[test]
    fn a_volt_is_an_octave() {
        let run = |cutoff_hz: f32, volts: f32| {
            let mut rig = Rig::new::<Svf>(RATE_HZ);
            rig.set("cutoff", cutoff_hz).set("resonance", 0.7);
            rig.feed("in", |_, frame| saw(frame, 220.0)).feed("cutoff", move |_, _| volts);
            rig.run(1000).main().to_vec()
        };
        assert_eq!(run(500.0, 1.0), run(1000.0, 0.0));
        assert_eq!(run(4000.0, -3.0), run(500.0, 0.0));
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Svf>(RATE_HZ);
            rig.set("resonance", 0.9);
            rig.feed_channels("in", channels, move |channel, frame| {
                saw(frame, 100.0 * (channel + first + 1) as f64)
            });
            rig.feed_channels("cutoff", channels, move |channel, frame| {
                0.2 * saw(frame, 30.0 + (channel + first) as f64)
            });
            rig.feed("resonance", |_, frame| saw(frame, 3.0));
            rig
        };
        let together = rig(16, 0).run(500);
        let one_by_one = rig(16, 0).frame_by_frame().run(500);
        for channel in 0..16 {
            let alone = rig(1, channel).run(500);
            for output in ["lowpass", "highpass", "bandpass", "notch"] {
                let volts = together.channel(output, channel);
                assert_eq!(volts, one_by_one.channel(output, channel));
                assert_eq!(volts, alone.channel(output, 0));
            }
        }
    }
}
