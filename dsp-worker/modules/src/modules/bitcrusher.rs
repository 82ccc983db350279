//! Bitcrusher: fewer samples, fewer bits. The sound of early samplers, or of damage.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::blep::{Edged, TAPS};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::units::{AUDIO_VOLTS, CHANNELS, QUANTUM};
use sostenuto_dsp::{exp2, lagrange};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const RATE_IN: usize = 1;
const OUT: usize = 0;
const RATE: usize = 0;
const BITS: usize = 1;
const SMOOTH: usize = 2;

/// Sixteen crushers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Bitcrusher {
    steps: Edged,
    /// How far it is to the next sample taken, 0 to 1: there it takes it.
    phase: [f32; CHANNELS],
    /// The last three frames, the newest first: it looks between them.
    recent: [[f32; CHANNELS]; 3],
    held: [f32; CHANNELS],
}

impl Module for Bitcrusher {
    const ABOUT: &'static About = &About {
        name: "bitcrusher",
        title: "Bitcrusher",
        short: "Crusher",
        summary: "Reduces sample rate and bit depth: early samplers, toys, broken speakers",
        aliases: &["decimator", "lofi", "sample rate"],
        tags: &[Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input, ±5 V"),
            port("rate", "Sample rate CV, 1 V/octave").moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The reduced signal, delayed by 17 samples")],
        params: &[
            Param::log("rate", 100.0..=48_000.0, 8000.0, Unit::Hz, "The reduced sample rate"),
            Param::linear(
                "bits",
                1.0..=16.0,
                8.0,
                Unit::None,
                "The bit depth between -5 V and 5 V; fractions count too",
            ),
            Param::switch(
                "smooth",
                true,
                "Smooths the steps like a good converter, so that only the low rate itself \
                 aliases. Off, the steps alias as well, which is harsher",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        self.steps.forget(&channels);
        clear(&mut self.phase, &channels);
        clear(&mut self.recent, &channels);
        clear(&mut self.held, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, RATE_IN]);
        let mut knobs = Knobs {
            turns: block.ramp(RATE).frames(),
            step_volts: [0.0; QUANTUM],
            is_smooth: block.is_on(SMOOTH),
        };
        let bits = block.ramp(BITS);
        for frame in block.frames() {
            knobs.turns[frame] /= block.sample_rate_hz;
            knobs.step_volts[frame] = 2.0 * AUDIO_VOLTS * exp2(-bits.at(frame));
        }
        each_group!(channels, |L, group| self.crush::<L, { L::WIDTH }>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    /// Samples taken in a frame.
    turns: [f32; QUANTUM],
    step_volts: [f32; QUANTUM],
    is_smooth: bool,
}

impl Bitcrusher {
    #[inline(always)]
    fn crush<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let c = L::splat;
        let (input, rate_in) = (block.input(IN), block.input(RATE_IN));
        let frames = block.frames();
        let output = block.output(OUT);
        let first = group * LANES % CHANNELS;
        for frame in frames {
            if frame.is_multiple_of(TAPS) {
                self.steps.start_count(group);
            }
            let octaves = rate_in.get::<L>(group, frame).clamp(-20.0, 20.0);
            let turns = (exp2(octaves) * c(knobs.turns[frame])).clamp(1e-5, 1.0).to_lanes();
            let volts = input.get::<L>(group, frame).clamp(-1e3, 1e3).to_lanes();
            for lane in 0..N {
                let channel = first + lane;
                let [newer, older, oldest] = self.recent.each_ref().map(|at| at[channel]);
                for (kept, volts) in self.recent.iter_mut().zip([volts[lane], newer, older]) {
                    kept[channel] = volts;
                }
                self.phase[channel] += turns[lane];
                if self.phase[channel] < 1.0 {
                    continue;
                }
                self.phase[channel] -= 1.0;
                let late = (self.phase[channel] / turns[lane]).min(1.0);
                let frames = [volts[lane], newer, older, oldest];
                let taken = lagrange(late).into_iter().zip(frames);
                let taken = taken.map(|(weight, volts)| weight * volts);
                let taken = quantized(taken.sum(), knobs.step_volts[frame]);
                let height = taken - self.held[channel];
                self.held[channel] = taken;
                if knobs.is_smooth && height != 0.0 {
                    self.steps.step(group, lane, frame, late, height);
                }
            }
            let held = L::load(&self.held, group);
            output.put(group, frame, self.steps.pass(group, frame, held));
        }
    }
}

/// The nearest step. 0 V is one, so silence stays silent.
#[inline(always)]
fn quantized(volts: f32, step_volts: f32) -> f32 {
    // 1.5 · 2^23: adding it leaves the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    (volts / step_volts + ROUND - ROUND) * step_volts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::blep::LATENCY;
    use sostenuto_dsp::measure::{Shape, alias, coherent_hz};

    const RATE_HZ: f64 = 48_000.0;
    const LATE_FRAMES: usize = LATENCY + 1;

    fn sine(hz: f64) -> impl FnMut(usize, u64) -> f32 {
        move |_, frame| {
            let turns = (frame as f64 * hz / RATE_HZ).fract();
            (5.0 * (std::f64::consts::TAU * turns).sin()) as f32
        }
    }

    #[test]
    fn at_full_rate_and_16_bits_it_changes_next_to_nothing() {
        let mut rig = Rig::new::<Bitcrusher>(RATE_HZ as f32);
        rig.set("rate", 48_000.0).set("bits", 16.0).set("smooth", 0.0).feed("in", sine(997.0));
        let out = rig.run(2000);
        let mut original = sine(997.0);
        for frame in 100..2000 - LATE_FRAMES {
            let error = out.main()[frame + LATE_FRAMES] - original(0, frame as u64);
            assert!(error.abs() < 1e-4, "{frame}: {error} V");
        }
    }

    #[test]
    fn two_bits_are_five_levels() {
        let mut rig = Rig::new::<Bitcrusher>(RATE_HZ as f32);
        rig.set("rate", 48_000.0).set("bits", 2.0).set("smooth", 0.0).feed("in", sine(97.0));
        let mut levels: Vec<f32> = rig.run(4800).main().to_vec();
        levels.sort_by(f32::total_cmp);
        levels.dedup();
        assert_eq!(levels, [-5.0, -2.5, 0.0, 2.5, 5.0]);
    }

    #[test]
    fn it_takes_as_many_samples_as_the_rate_says() {
        let mut rig = Rig::new::<Bitcrusher>(RATE_HZ as f32);
        rig.set("rate", 500.0).set("bits", 16.0).set("smooth", 0.0);
        rig.feed("rate", |_, _| 1.0).feed("in", |_, frame| frame as f32 * 1e-4);
        let out = rig.run(48_000);
        let steps = out.main().windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((998..=1000).contains(&steps), "{steps}");
    }

    #[test]
    fn smooth_steps_fold_only_at_the_low_rate() {
        // At 8 samples a cycle, all that the low rate folds is on a harmonic.
        let hz = coherent_hz(1237.0, RATE_HZ);
        let measured = |smooth: f32| {
            let mut rig = Rig::new::<Bitcrusher>(RATE_HZ as f32);
            rig.set("rate", 8.0 * hz as f32).set("bits", 16.0).set("smooth", smooth);
            alias(rig.feed("in", sine(hz)).run(140_000).main(), RATE_HZ, hz, 1, Shape::Any)
        };
        let (smooth, harsh) = (measured(1.0).alias_20k_db, measured(0.0).alias_20k_db);
        assert!(smooth < -104.0 && harsh > -35.0, "{smooth} dB, {harsh} dB");
    }

    #[test]
    fn every_voice_is_crushed_as_it_would_be_alone() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Bitcrusher>(RATE_HZ as f32);
            rig.set("bits", 5.0);
            rig.feed_channels("in", channels, move |channel, frame| {
                sine(100.0 * (channel + first + 1) as f64)(0, frame)
            });
            rig.feed_channels("rate", channels, move |channel, _| (channel + first) as f32 * 0.3);
            rig
        };
        let together = rig(16, 0).run(300);
        for channel in 0..16 {
            assert_eq!(together.channel("out", channel), rig(1, channel).run(300).main());
        }
    }
}
