//! Frequency shifter: moves every overtone by as many Hz, and so out of tune.
//!
//! A single-sideband modulator after Bode ("A new tool for the exploration of unknown
//! electronic music instrument performances", AES 1961): the sound and its quadrature,
//! each times one of two sines a quarter apart. Their sum is shifted down, their
//! difference up.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::hush;
use sostenuto_dsp::lane::{LANES, Lane, each};
use sostenuto_dsp::one_pole::{self, OnePoles};
use sostenuto_dsp::phase::{self, Phases};
use sostenuto_dsp::quadrature::{Quadrature, QuadratureState};
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::{CHANNELS, QUANTUM};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const SHIFT_IN: usize = 1;
const SHIFT: usize = 0;
const FINE: usize = 1;
const AMOUNT: usize = 2;

/// Below this what comes out is taken for a constant voltage.
const LOWEST_HZ: f32 = 3.0;

/// Sixteen shifters.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FrequencyShifter {
    quadrature: QuadratureState,
    phase: [i32; CHANNELS],
    /// Of up and down.
    blocks: [OnePoles; 2],
}

impl Module for FrequencyShifter {
    const ABOUT: &'static About = &About {
        name: "frequency-shifter",
        title: "Frequency Shifter",
        short: "Freq Shift",
        summary: "Shifts all frequencies by the same number of Hz: slow swirls, clangs, endless rises",
        aliases: &["bode", "single sideband"],
        tags: &[Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input"),
            port("shift", "Shift CV; shift-amount sets the Hz per volt"),
        ],
        outputs: &[port("up", "The sound, shifted up"), port("down", "The sound, shifted down")],
        params: &[
            Param::linear(
                "shift",
                -5000.0..=5000.0,
                100.0,
                Unit::Hz,
                "The shift of both outputs; negative values swap them",
            ),
            Param::linear(
                "fine",
                -10.0..=10.0,
                0.0,
                Unit::Hz,
                "Fine shift: a few Hz or less swirl like a phaser",
            ),
            Param::linear(
                "shift-amount",
                -1000.0..=1000.0,
                100.0,
                Unit::Hz,
                "Depth of the shift CV, in Hz per volt",
            )
            .labelled("shift amt"),
        ],
        bypass: &[(IN, 0), (IN, 1)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.quadrature, &channels);
        clear(&mut self.blocks, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, SHIFT_IN]);
        let mut knobs = Knobs { shift_hz: [0.0; QUANTUM], amount_hz: block.ramp(AMOUNT).frames() };
        let (shift, fine) = (block.ramp(SHIFT), block.ramp(FINE));
        for frame in block.frames() {
            knobs.shift_hz[frame] = shift.at(frame) + fine.at(frame);
        }
        each_group!(channels, |L, group| self.shift::<L, { L::WIDTH }>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    shift_hz: [f32; QUANTUM],
    amount_hz: [f32; QUANTUM],
}

impl FrequencyShifter {
    #[inline(always)]
    fn shift<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let (input, shift_in) = (block.input(IN), block.input(SHIFT_IN));
        let frame_secs = 1.0 / block.sample_rate_hz;
        let frames = block.frames();
        let block_coefficient = one_pole::coefficient(LOWEST_HZ, block.sample_rate_hz);
        let [up, down] = block.outputs::<2>();

        let mut quadrature = Quadrature::<L>::load(&self.quadrature, group);
        let phases = &mut self.phase[group * LANES % CHANNELS..][..N];
        for frame in frames {
            let shift_hz = shift_in.get::<L>(group, frame) * L::splat(knobs.amount_hz[frame])
                + L::splat(knobs.shift_hz[frame]);
            let turns = shift_hz * L::splat(frame_secs);
            let steps: Phases<N> = phase::steps_per_frame(turns, L::splat(0.0), 0.0);
            for (phase, step) in phases.iter_mut().zip(steps) {
                *phase = phase.wrapping_add(step);
            }
            let now: Phases<N> = each(|lane| phases[lane]);
            let sine = sine_of_triangle(phase::triangle::<L, N>(now));
            let ahead = now.map(|phase| phase.wrapping_add(1 << 30));
            let cosine = sine_of_triangle(phase::triangle::<L, N>(ahead));

            let volts = input.get::<L>(group, frame).clamp(-1e3, 1e3).map(hush);
            let [direct, late] = quadrature.next(volts);
            let (direct, late) = (direct * cosine, late * sine);
            // What is shifted to 0 Hz is a voltage and no sound.
            let [up_volts, down_volts] = [direct - late, direct + late];
            up.put(group, frame, self.blocks[0].highpass(group, up_volts, block_coefficient));
            down.put(group, frame, self.blocks[1].highpass(group, down_volts, block_coefficient));
        }
        quadrature.store(&mut self.quadrature, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};
    use sostenuto_dsp::measure::{SPECTRUM, db, power_spectrum};

    const RATE_HZ: f64 = 48_000.0;
    const BIN_HZ: f64 = RATE_HZ / SPECTRUM as f64;

    fn shifted(bin: usize, shift_bins: f64) -> Render {
        let mut rig = Rig::new::<FrequencyShifter>(RATE_HZ as f32);
        rig.set("shift", (shift_bins * BIN_HZ) as f32).feed("in", move |_, frame| {
            let turns = (frame as f64 * bin as f64 / SPECTRUM as f64).fract();
            (5.0 * (std::f64::consts::TAU * turns).sin()) as f32
        });
        rig.run(3 * SPECTRUM)
    }

    /// Energy around that bin, over that of everything else, in dB.
    fn purity_db(sound: &[f32], bin: usize) -> f64 {
        let powers = power_spectrum(&sound[2 * SPECTRUM..], 26.0);
        let energy = |wanted: bool| -> f64 {
            let bins = (0..powers.len()).filter(|at| (at.abs_diff(bin) <= 12) == wanted);
            bins.map(|bin| powers[bin]).sum()
        };
        db(energy(true) / energy(false))
    }

    #[test]
    fn only_one_sideband_is_left() {
        // 30 Hz to 20 kHz, shifted by 15 Hz, 100 Hz and 3 kHz.
        for bin in [41, 200, 1366, 6000, 15_000, 27_000] {
            for shift_bins in [20, 137, 4096] {
                let out = shifted(bin, f64::from(shift_bins));
                let up = purity_db(out.channel("up", 0), bin + shift_bins as usize);
                let down = purity_db(out.channel("down", 0), bin.abs_diff(shift_bins as usize));
                assert!(up > 88.0 && down > 88.0, "{bin} by {shift_bins}: {up}, {down} dB");
            }
        }
    }

    #[test]
    fn it_is_as_loud_as_it_was_and_below_0_up_is_down() {
        let (out, mirrored) = (shifted(1366, 137.0), shifted(1366, -137.0));
        let rms = |sound: &[f32]| {
            let late = &sound[SPECTRUM..];
            (late.iter().map(|v| f64::from(v * v)).sum::<f64>() / late.len() as f64).sqrt()
        };
        assert!((rms(out.channel("up", 0)) - 12.5f64.sqrt()).abs() < 1e-3);
        for (up, down) in out.channel("up", 0).iter().zip(mirrored.channel("down", 0)) {
            assert!((up - down).abs() < 1e-5);
        }
    }

    #[test]
    fn a_volt_is_as_many_hz_as_the_amount_says() {
        let mut rig = Rig::new::<FrequencyShifter>(RATE_HZ as f32);
        rig.set("shift", 100.0).set("shift-amount", 50.0);
        rig.feed("in", |_, frame| (frame as f32 * 0.1).sin()).feed("shift", |_, _| 3.0);
        let by_volts = rig.run(5000);
        let mut rig = Rig::new::<FrequencyShifter>(RATE_HZ as f32);
        rig.set("shift", 250.0).feed("in", |_, frame| (frame as f32 * 0.1).sin());
        for (by_volts, by_hand) in by_volts.main().iter().zip(rig.run(5000).main()) {
            assert!((by_volts - by_hand).abs() < 1e-3);
        }
    }

    #[test]
    fn every_voice_is_shifted_as_it_would_be_alone() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<FrequencyShifter>(RATE_HZ as f32);
            rig.feed_channels("in", channels, |_, frame| (frame as f32 * 0.1).sin());
            rig.feed_channels("shift", channels, move |channel, _| (channel + first) as f32 - 8.0);
            rig
        };
        let together = rig(16, 0).run(300);
        for channel in 0..16 {
            for output in ["up", "down"] {
                let alone = rig(1, channel).run(300);
                assert_eq!(together.channel(output, channel), alone.channel(output, 0));
            }
        }
    }
}
