//! Low-pass gate: loudness and brightness by one voltage, as in things struck.
//!
//! The Buchla 292's: two resistors that follow a lamp, and the capacitors around
//! them. Parker and D'Angelo, "A digital model of the Buchla lowpass-gate",
//! DAFx-13: equations 3 and 4 for the circuit, section 4 for the vactrol.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::signal::SILENCE;
use sostenuto_dsp::strike::Strike;
use sostenuto_dsp::units::CHANNELS;
use sostenuto_dsp::{exp2, hush};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const CV: usize = 1;
const TRIGGER: usize = 2;
const DECAY_CV: usize = 3;
const OUT: usize = 0;
const OPEN: usize = 0;
const CV_AMOUNT: usize = 1;
const DECAY: usize = 2;
const RESONANCE: usize = 3;
const MODE: usize = 4;

/// The capacitors at the output, between the resistors, and of the feedback, in
/// nanofarad. Resistances are in megohm, so that times are in milliseconds.
const C1: f32 = 1.0;
const C2: f32 = 0.22;
const C3: f32 = 4.7;
/// For each mode: whether the feedback is in, and the load, in 1/megohm.
const FEEDBACKS: [f32; 3] = [0.0, 0.0, 1.0];
const LOADS: [f32; 3] = [1.0 / 5.0, 1.0 / 0.005, 1.0 / 5.0];
/// The vactrol's resistance is this, in megohm, and a part that the light bears
/// down: A / (40 mA)^1.4.
const LIT: f32 = 0.001_136_2;
const DARK: f32 = 0.000_314_0;
/// The feedback's gain at full resonance: it rings long, but does not sing.
const TOP_GAIN: f32 = 1.42;
/// The lamp follows upwards in a fifth of 12 ms, in milliseconds.
const RISE_MS: f32 = 2.4;
/// A trigger is a flash of 10 ms.
const FLASH_MS: f32 = 10.0;
/// How much of the way to another mode is gone in one quantum.
const FADE: f32 = 0.125;
/// Below this light the gate is dark.
const DARKNESS: f32 = 1e-12;

/// Sixteen gates.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct LowPassGate {
    strike: Strike,
    /// What is left of a flash, in milliseconds.
    flash: [f32; CHANNELS],
    /// 0 to 1.
    light: [f32; CHANNELS],
    /// The capacitors, as trapezoidal integrators keep them.
    between: [f32; CHANNELS],
    at_out: [f32; CHANNELS],
    has_started: u32,
    /// Between modes, so that the choice does not click.
    feedback: f32,
    load: f32,
}

impl Module for LowPassGate {
    const ABOUT: &'static About = &About {
        name: "low-pass-gate",
        title: "Low-Pass Gate",
        short: "LPG",
        summary: "Opens volume and brightness together: bongos and plucks from any sound",
        aliases: &["lpg", "vactrol", "buchla", "bongo"],
        tags: &[Tag::Dynamics, Tag::Filter, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input"),
            port("cv", "Adds to open: 10 V opens it fully. The vactrol lags behind").moves(
                "open",
                Some("cv-amount"),
                By::TenthPerVolt,
            ),
            port("trigger", "A rising edge above 1 V plucks it"),
            port("decay", "Decay CV: each volt doubles the decay").moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The signal, as loud and bright as the gate is open")],
        params: &[
            Param::linear("open", 0.0..=1.0, 0.0, Unit::Fraction, "How far the gate is open"),
            Param::linear("cv-amount", -1.0..=1.0, 1.0, Unit::None, "Depth of the CV"),
            Param::log(
                "decay",
                0.02..=5.0,
                0.25,
                Unit::Secs,
                "The time for the vactrol to fall to 1 %",
            ),
            Param::linear(
                "resonance",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "Emphasis at the cutoff, in lowpass mode",
            ),
            Param::choice(
                "mode",
                &["both", "vca", "lowpass"],
                0,
                "What the gate controls: volume and brightness, volume alone, or a resonant filter",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.strike, &channels);
        clear(&mut self.flash, &channels);
        clear(&mut self.light, &channels);
        clear(&mut self.between, &channels);
        clear(&mut self.at_out, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        if block.starts_quantum() {
            let mode = block.choice(MODE).min(2);
            let fade = if self.has_started == 0 { 1.0 } else { FADE };
            self.feedback += fade * (FEEDBACKS[mode] - self.feedback);
            self.load += fade * (LOADS[mode] - self.load);
            self.has_started = 1;
        }
        let channels = block.channels(&[IN, CV, TRIGGER]);
        each_group!(channels, |L, group| self.gate::<L>(block, group));
    }
}

impl LowPassGate {
    #[inline(always)]
    fn gate<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let frame_ms = 1e3 / block.sample_rate_hz;
        let rise = c(1.0 - exp2(-std::f32::consts::LOG2_E * frame_ms / RISE_MS));
        let [input, cv, trigger, decay_in] =
            [IN, CV, TRIGGER, DECAY_CV].map(|port| block.input(port));
        let [open, cv_amount, decay_secs, resonance] =
            [OPEN, CV_AMOUNT, DECAY, RESONANCE].map(|param| block.ramp(param).frames());
        // Fully open it is as loud as what comes in, in every mode.
        let level = c(1.0 + 2.0 * (LIT + DARK) * self.load);
        let circuit = Circuit { frame_ms, feedback: self.feedback, load: self.load };

        let mut flash = L::load(&self.flash, group);
        let mut light = L::load(&self.light, group);
        let mut kept = [L::load(&self.between, group), L::load(&self.at_out, group)];
        for frame in block.frames() {
            let hit: L = self.strike.next(trigger, &SILENCE, group, frame);
            flash = Mask::above(hit, c(0.0)).pick(c(FLASH_MS), flash - c(frame_ms)).max(c(0.0));
            let is_lit = Mask::above(flash, c(0.0));
            let volts = cv.get::<L>(group, frame) * c(0.1 * cv_amount[frame]);
            let opening = is_lit.pick(c(1.0), (volts + c(open[frame])).clamp(0.0, 1.0));
            // So that equal steps are heard as equal.
            let square = opening * opening;
            let goal = square * square * opening;
            let longer = exp2(decay_in.get::<L>(group, frame).clamp(-20.0, 20.0));
            let secs = (longer * c(decay_secs[frame])).clamp(0.02, 5.0);
            // 6.64 octaves are a hundredth.
            let fall = c(1.0) - exp2(c(-6.643_856e-3 * frame_ms) / secs);
            light += (goal - light) * Mask::above(goal, light).pick(rise, fall);
            light = Mask::above(light, c(DARKNESS)).keep(light);

            let gain = c(TOP_GAIN * resonance[frame]);
            let volts = input.get::<L>(group, frame).clamp(-1e3, 1e3);
            let out = circuit.next(&mut kept, volts, conductance(light), gain);
            block.output(OUT).put(group, frame, out * level);
        }
        flash.store(&mut self.flash, group);
        light.store(&mut self.light, group);
        kept[0].store(&mut self.between, group);
        kept[1].store(&mut self.at_out, group);
    }
}

/// Of one of the two resistors, in 1/megohm. The paper's power of 1.4 is taken
/// for 1.375, which is a few square roots.
#[inline(always)]
fn conductance<L: Lane>(light: L) -> L {
    let root = light.map(f32::sqrt).map(f32::sqrt);
    let current = light * root * root.map(f32::sqrt);
    current / (current * L::splat(LIT) + L::splat(DARK))
}

struct Circuit {
    frame_ms: f32,
    /// How far the feedback's capacitor is in, 0 to 1.
    feedback: f32,
    load: f32,
}

impl Circuit {
    /// One frame of the two capacitors, solved without delay. Returns the voltage
    /// at the output.
    #[inline(always)]
    fn next<L: Lane>(&self, kept: &mut [L; 2], volts: L, conductance: L, gain: L) -> L {
        let c = L::splat;
        let charge = conductance + c(self.load);
        let inner = c(self.frame_ms / (C2 + self.feedback * C3));
        let outer = c(self.frame_ms / C1);
        let (now, then) = shares(conductance * inner * c(2.0));
        let (now_out, then_out) = shares(charge * outer);
        let (inner, outer) = (inner * now, outer * now_out);
        // The feedback's capacitor passes on a part of what charges the output's.
        let passed = gain * c(self.feedback * C3 / C1);
        let a = c(1.0) + inner * conductance * (c(2.0) - passed);
        let b = inner * (passed * charge - conductance);
        let d = outer * conductance;
        let e = c(1.0) + outer * charge;
        let between = kept[0] + inner * conductance * volts;
        let scale = c(1.0) / (a * e + b * d);
        let middle = (e * between - b * kept[1]) * scale;
        let out = (a * kept[1] + d * between) * scale;
        let keep =
            |now: L, before: L, then: L| (now + (now - before) * then).clamp(-1e5, 1e5).map(hush);
        *kept = [keep(middle, kept[0], then), keep(out, kept[1], then_out)];
        out
    }
}

/// How much of a frame's charge is reckoned by where the frame ends, and how much
/// by where it begins, over that: the trapezoidal rule, halves and 1. Above 6
/// time constants a frame it would ring at half the sample rate; then what rings
/// is halved at every frame.
#[inline(always)]
fn shares<L: Lane>(constants: L) -> (L, L) {
    let c = L::splat;
    let frames = c(1.0) / constants.max(c(6.0));
    let now = c(2.0 / 3.0) - frames;
    (now, (c(1.0 / 3.0) + frames) / now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    const RATE_HZ: f32 = 48_000.0;

    fn sine(frame: u64, hz: f64) -> f32 {
        5.0 * (std::f64::consts::TAU * (frame as f64 * hz / 48_000.0).fract()).sin() as f32
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    /// In dB, once the lamp has settled.
    fn gain_db(mode: &str, open: f32, resonance: f32, hz: f64) -> f32 {
        let mut rig = Rig::new::<LowPassGate>(RATE_HZ);
        rig.choose("mode", mode).set("open", open).set("resonance", resonance);
        rig.feed("in", move |_, frame| sine(frame, hz)).run(48_000);
        20.0 * (rms(rig.run(48_000).main()) / (5.0 * 0.5f32.sqrt())).max(1e-9).log10()
    }

    #[test]
    fn open_it_passes_all_and_closed_nothing() {
        for mode in ["both", "vca", "lowpass"] {
            for hz in [100.0, 1000.0, 10_000.0] {
                let db = gain_db(mode, 1.0, 0.0, hz);
                assert!((-2.0..0.1).contains(&db), "{mode}, {hz} Hz: {db} dB");
                assert_eq!(gain_db(mode, 0.0, 0.0, hz), -180.0);
            }
        }
    }

    #[test]
    fn half_open_it_is_dark_or_soft_or_both() {
        let fall = |mode: &str, open: f32| {
            gain_db(mode, open, 0.0, 4000.0) - gain_db(mode, open, 0.0, 50.0)
        };
        assert!(gain_db("vca", 0.4, 0.0, 50.0) < -10.0);
        assert!(fall("vca", 0.4) > -2.0, "{}", fall("vca", 0.4));
        assert!(fall("both", 0.4) < -12.0 && fall("lowpass", 0.4) < -12.0);
        assert!(gain_db("both", 0.4, 0.0, 50.0) > -3.0);
        // Almost dark, the resistors share the voltage with the load.
        assert!(gain_db("both", 0.15, 0.0, 20.0) < -20.0);
    }

    #[test]
    fn the_circuit_is_as_its_parts_say() {
        // With 1 megohm each and no load but 5: a resistive divider at 0 Hz.
        let circuit = Circuit { frame_ms: 1.0 / 48.0, feedback: 0.0, load: 0.2 };
        let mut kept = [0.0; 2];
        let still = (0..48_000).map(|_| circuit.next(&mut kept, 7.0, 1.0, 0.0)).last().unwrap();
        assert!((still - 5.0).abs() < 1e-3, "{still}");
        // With feedback, 2 / (2π · 2.218 nF · 0.1 megohm): 717 Hz, and a Q of 2.218 / (6.92 - 4.7).
        let circuit = Circuit { frame_ms: 1.0 / 48.0, feedback: 1.0, load: 0.0 };
        let mut kept = [0.0; 2];
        let next = |frame| circuit.next(&mut kept, sine(frame, 717.6), 10.0, 1.0);
        let ringing: Vec<f32> = (0..48_000).map(next).collect();
        let gain = rms(&ringing[24_000..]) / (5.0 * 0.5f32.sqrt());
        assert!((gain - 0.999).abs() < 0.01, "{gain}");
    }

    #[test]
    fn a_trigger_rings_as_long_as_the_decay_says_and_darkens() {
        let strike = |decay: f32, hz: f64| {
            let mut rig = Rig::new::<LowPassGate>(RATE_HZ);
            rig.set("decay", decay).feed("in", move |_, frame| sine(frame, hz));
            rig.feed("trigger", |_, frame| if frame < 48 { 10.0 } else { 0.0 });
            rig.run(96_000).main().to_vec()
        };
        let length = |sound: &[f32]| {
            let loud = |window: &&[f32]| rms(window) > 0.35;
            sound.chunks(480).filter(loud).count()
        };
        let (short, long) = (length(&strike(0.1, 200.0)), length(&strike(0.4, 200.0)));
        assert!((3.0..5.0).contains(&(long as f32 / short as f32)), "{short} {long}");
        assert!(length(&strike(0.4, 6000.0)) * 4 < long * 3);
        let sound = strike(0.4, 200.0);
        assert!(rms(&sound[480..960]) > 3.0 && rms(&sound[91_200..]) < 1e-3);
    }

    #[test]
    fn a_step_through_an_open_gate_does_not_ring() {
        for mode in ["both", "vca", "lowpass"] {
            let mut rig = Rig::new::<LowPassGate>(RATE_HZ);
            rig.choose("mode", mode).set("open", 1.0).set("resonance", 0.0);
            rig.feed("in", |_, frame| if frame < 24_000 { 0.0 } else { 5.0 });
            let sound = rig.run(24_100);
            let peak = sound.main().iter().fold(0f32, |peak, volts| volts.max(peak));
            assert!(peak < 7.0, "{mode}: {peak}");
            assert!(sound.main()[24_010..].iter().all(|v| (v - 5.0).abs() < 0.1), "{mode}");
        }
    }

    #[test]
    fn at_full_resonance_it_stays_within_bounds() {
        let mut rig = Rig::new::<LowPassGate>(RATE_HZ);
        rig.choose("mode", "lowpass").set("resonance", 1.0).set("open", 0.5).set("decay", 0.02);
        rig.feed("in", |_, frame| sine(frame, 700.0).signum() * 5.0);
        rig.feed("cv", |_, frame| sine(frame, 313.0));
        let sound = rig.run(96_000);
        assert!(sound.main().iter().all(|volts| volts.abs() < 60.0));
    }
}
