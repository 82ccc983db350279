//! Ring modulator: one sound times another. Bells, robots, radio.
//!
//! Clean it is a plain product. As a ring of diodes it is the difference of how large
//! the sum and the difference of both are: what Parker's model ("A simple digital
//! model of the diode-based ring modulator", DAFx 2011) comes to, where every diode
//! is the same smooth corner. It runs at eight times the sample rate.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::oversample::{Eightfold, EightfoldState};
use sostenuto_dsp::phase::{steps_per_frame, triangle};
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::{AUDIO_VOLTS, QUANTUM};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const CARRIER: usize = 1;
const DIODES_IN: usize = 2;
const MIX_IN: usize = 3;
const OUT: usize = 0;
const DIODES: usize = 0;
const MIX: usize = 1;
const FREQUENCY: usize = 2;

/// Where a diode bends, in parts of 5 V: below, the ring multiplies; above, it
/// switches. Found by ear.
const KNEE: f32 = 0.2;

/// What oversampling remembers of both sounds and of their product, sixteen times.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct RingMod {
    up: [EightfoldState; 2],
    down: EightfoldState,
    /// Of its own carrier.
    phase: i32,
}

impl Module for RingMod {
    const ABOUT: &'static About = &About {
        name: "ring-mod",
        title: "Ring Modulator",
        short: "Ring Mod",
        summary: "Multiplies two sounds, cleanly or through diodes: bells, robots and radio",
        aliases: &["multiply"],
        tags: &[Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "First sound, ±5 V"),
            port("carrier", "Second sound, ±5 V. Unpatched: an internal sine"),
            port("diodes", "Diodes CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("mix", "Mix CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The product of both: 5 V times 5 V is 5 V")],
        params: &[
            Param::linear(
                "diodes",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "From a clean product to a diode ring, which adds a metallic edge",
            ),
            Param::linear(
                "mix",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "From the input alone, 0, to the product alone, 1",
            )
            .steady(),
            Param::log(
                "frequency",
                0.5..=8000.0,
                220.0,
                Unit::Hz,
                "The frequency of the internal sine, while carrier is unpatched",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.up, &channels);
        clear(&mut self.down, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let inputs = [IN, CARRIER, DIODES_IN, MIX_IN];
        let channels = inputs.iter().map(|&port| block.input(port).channels()).fold(1, usize::max);
        block.set_channels(channels);
        let mut knobs = Knobs {
            diodes: block.ramp(DIODES).frames(),
            mix: block.ramp(MIX).frames(),
            carrier_volts: [0.0; QUANTUM],
        };
        let (frequency, frame_secs) = (block.ramp(FREQUENCY), 1.0 / block.sample_rate_hz);
        for frame in block.frames() {
            let turns = frequency.at(frame) * frame_secs;
            let [step] = steps_per_frame::<f32, 1>(turns, 0.0, 0.0);
            self.phase = self.phase.wrapping_add(step);
            let sine = sine_of_triangle(triangle::<f32, 1>([self.phase]));
            knobs.carrier_volts[frame] = AUDIO_VOLTS * sine;
        }
        each_group!(channels, |L, group| self.multiply::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    diodes: [f32; QUANTUM],
    mix: [f32; QUANTUM],
    /// Its own carrier.
    carrier_volts: [f32; QUANTUM],
}

impl RingMod {
    #[inline(always)]
    fn multiply<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let [input, carrier, diodes_in, mix_in] =
            [IN, CARRIER, DIODES_IN, MIX_IN].map(|port| block.input(port));
        let frames = block.frames();
        let output = block.output(OUT);

        let mut ups = self.up.each_ref().map(|state| Eightfold::<L>::load(state, group));
        let mut down = Eightfold::<L>::load(&self.down, group);
        for frame in frames {
            let knob =
                |volts: L, knob: f32| (volts * L::splat(0.1) + L::splat(knob)).clamp(0.0, 1.0);
            let diodes = knob(diodes_in.get(group, frame), knobs.diodes[frame]);
            let mix = knob(mix_in.get(group, frame), knobs.mix[frame]);
            let carried = if carrier.is_patched() {
                carrier.get::<L>(group, frame)
            } else {
                L::splat(knobs.carrier_volts[frame])
            };
            let part = |volts: L| volts.clamp(-1e3, 1e3) * L::splat(1.0 / AUDIO_VOLTS);
            let mut eighths = ups[0].up(part(input.get(group, frame)));
            let carried = ups[1].up(part(carried));
            for (x, &y) in eighths.iter_mut().zip(&carried) {
                let clean = *x * y;
                let product = clean + (ring(*x, y) - clean) * diodes;
                *x = *x + (product - *x) * mix;
            }
            output.put(group, frame, down.down(eighths) * L::splat(AUDIO_VOLTS));
        }
        for (up, state) in ups.iter().zip(&mut self.up) {
            up.store(state, group);
        }
        down.store(&mut self.down, group);
    }
}

/// The size of x/2 + y less that of x/2 - y, with a smooth corner at 0.
#[inline(always)]
fn ring<L: Lane>(x: L, y: L) -> L {
    let half = x * L::splat(0.5);
    let size = |z: L| (z * z + L::splat(KNEE * KNEE)).map(f32::sqrt);
    size(half + y) - size(half - y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{
        Alias, SPECTRUM, Shape, alias, cents, db, frequency_hz, power_spectrum,
    };

    const RATE_HZ: f64 = 48_000.0;

    fn sine(hz: f64) -> impl FnMut(usize, u64) -> f32 {
        move |_, frame| {
            let turns = (frame as f64 * hz / RATE_HZ).fract();
            (5.0 * (std::f64::consts::TAU * turns).sin()) as f32
        }
    }

    fn rung(diodes: f32, first_hz: f64, second_hz: f64) -> Vec<f32> {
        let mut rig = Rig::new::<RingMod>(RATE_HZ as f32);
        rig.set("diodes", diodes).feed("in", sine(first_hz)).feed("carrier", sine(second_hz));
        rig.run(2 * SPECTRUM).main().to_vec()
    }

    #[test]
    fn a_clean_product_has_the_sum_and_the_difference_and_nothing_else() {
        // 15 kHz and 11 kHz: their sum, 26 kHz, would fold to 22 kHz.
        let bin_hz = RATE_HZ / SPECTRUM as f64;
        let bins = [20_481.0, 15_019.0];
        let sound = rung(0.0, bins[0] * bin_hz, bins[1] * bin_hz);
        let powers = power_spectrum(&sound[SPECTRUM..], 26.0);
        let is_difference = |bin: usize| bin.abs_diff(20_481 - 15_019) <= 12;
        let energy = |wanted: bool| -> f64 {
            let audible = (20.0 * 1000.0 / bin_hz) as usize;
            (13..audible).filter(|&bin| is_difference(bin) == wanted).map(|bin| powers[bin]).sum()
        };
        let rest_db = db(energy(false) / energy(true));
        assert!(rest_db < -100.0, "{rest_db} dB");
    }

    #[test]
    fn diodes_alias_little() {
        // A fifth apart: all that they make is on harmonics of half the lower one.
        for (bin, limit_db) in [(301.0, -140.0), (1501.0, -132.0), (3001.0, -122.0)] {
            let base_hz = bin * RATE_HZ / SPECTRUM as f64;
            let sound = rung(1.0, 2.0 * base_hz, 3.0 * base_hz);
            let Alias { alias_20k_db, .. } = alias(&sound, RATE_HZ, base_hz, 1, Shape::Any);
            assert!(alias_20k_db < limit_db, "{base_hz} Hz: {alias_20k_db} dB");
        }
    }

    #[test]
    fn five_volts_times_five_are_five_and_times_0_there_is_silence() {
        let mut rig = Rig::new::<RingMod>(RATE_HZ as f32);
        let out = rig.feed("in", |_, _| 5.0).feed("carrier", |_, _| -5.0).run(4000);
        assert!((out.main()[3999] + 5.0).abs() < 1e-4, "{}", out.main()[3999]);
        let out = rig.set("diodes", 1.0).run(8000);
        assert!((-5.2..-4.5).contains(&out.main()[7999]), "{}", out.main()[7999]);
        let out = rig.feed("carrier", |_, _| 0.0).run(8000);
        assert!(out.main()[7999].abs() < 1e-5, "{}", out.main()[7999]);
    }

    #[test]
    fn its_own_carrier_is_a_sine_of_its_frequency() {
        let mut rig = Rig::new::<RingMod>(RATE_HZ as f32);
        let out = rig.set("frequency", 1000.0).feed("in", |_, _| 5.0).run(2 * SPECTRUM);
        let found_hz = frequency_hz(out.main(), RATE_HZ, None);
        assert!(cents(found_hz, 1000.0).abs() < 1e-3, "{found_hz} Hz");
    }

    #[test]
    fn every_voice_is_multiplied_as_it_would_be_alone() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<RingMod>(RATE_HZ as f32);
            rig.set("diodes", 0.6).feed("carrier", sine(333.0));
            rig.feed_channels("in", channels, move |channel, frame| {
                sine(100.0 * (channel + first + 1) as f64)(0, frame)
            });
            rig
        };
        let together = rig(16, 0).run(300);
        for channel in 0..16 {
            assert_eq!(together.channel("out", channel), rig(1, channel).run(300).main());
        }
    }
}
