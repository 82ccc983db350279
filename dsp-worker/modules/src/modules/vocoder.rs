//! Vocoder: one sound speaks with the mouth of another.
//!
//! Sixteen bands of two band-passes each take the modulator apart and follow
//! how loud it is; sixteen like them give the carrier those levels. All bands
//! are computed at once, as the channels of two SIMD groups.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::{LANES, Lane, Lanes, each};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::svf::{Cutoff, FLAT, Svf, SvfState};
use sostenuto_dsp::units::AUDIO_VOLTS;
use sostenuto_dsp::{exp2, hush, lag};

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const MODULATOR: usize = 0;
const CARRIER: usize = 1;
const FORMANT_CV: usize = 2;
const HOLD_GATE: usize = 3;

const ATTACK: usize = 0;
const RELEASE: usize = 1;
const FORMANT: usize = 2;
const SIBILANCE: usize = 3;
const GAIN: usize = 4;
const HOLD: usize = 5;

const BANDS: usize = 16;
const GROUPS: usize = BANDS / LANES;

/// The middle of the first band, and octaves from each to the next: from 110 Hz
/// to 8.7 kHz.
const LOWEST_HZ: f32 = 110.0;
const STEP_OCTAVES: f32 = 0.42;
/// Of each band-pass. Where bands meet, two in a row are 6 dB down and a quarter
/// of a turn early or late. So every other band is inverted: then they add up.
const DAMPING: f32 = 0.292;

/// Consonants are above it.
const SIBILANCE_HZ: f32 = 6000.0;

/// Louder than any patch, and far from where squares end.
const LOUDEST_VOLTS: f32 = 1e4;

/// All filters, and the levels that they measure.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Vocoder {
    analysis: [SvfState; 2],
    synthesis: [SvfState; 2],
    sibilance: SvfState,
    /// How loud the modulator is in each band, in volts.
    levels: [f32; BANDS],
    noise: Random,
    hold: Schmitt,
    /// How far the carrier's bands are above the modulator's, in octaves.
    formant_octaves: f32,
}

impl Module for Vocoder {
    const ABOUT: &'static About = &About {
        name: "vocoder",
        title: "Vocoder",
        summary: "Makes one sound speak with the voice of another, in 16 bands",
        aliases: &["robot"],
        tags: &[Tag::Effect, Tag::Filter],
        inputs: &[
            port("modulator", "The voice, ±5 V: speech or drums"),
            port(
                "carrier",
                "The instrument, ±5 V: a rich sound. A polyphonic cable is summed. Unpatched: \
                 noise, for a whisper",
            ),
            port("formant", "Formant CV, 1 V/octave").moves_own(By::OctavePerVolt),
            port("hold", "While on (above 1 V), the vowel is held").moves_own(By::OnAboveOneVolt),
        ],
        outputs: &[port("out", "The carrier with the formants of the modulator")],
        params: &[
            Param::log("attack", 1e-3..=0.2, 4e-3, Unit::Secs, "How fast the bands open"),
            Param::log(
                "release",
                5e-3..=2.0,
                0.08,
                Unit::Secs,
                "How slowly the bands close: long sings, short speaks",
            ),
            Param::linear(
                "formant",
                -24.0..=24.0,
                0.0,
                Unit::Semitones,
                "Moves the formants: negative is a larger mouth, positive a smaller one; the pitch \
                 stays",
            ),
            Param::linear(
                "sibilance",
                0.0..=1.0,
                0.4,
                Unit::Fraction,
                "How much of the modulator's sibilance passes, so that consonants stay clear",
            ),
            Param::linear("gain", -12.0..=36.0, 12.0, Unit::Db, "Output level"),
            Param::switch("hold", false, "Holds the bands: one vowel for ever"),
        ],
        bypass: &[(MODULATOR, 0)],
        // The level of each band, in volts.
        display: BANDS,
        screen: Some(Screen::Curve(Curve::Voice)),
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.noise = Random::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            *self = Vocoder { noise: self.noise, hold: self.hold, ..Self::zeroed() };
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        if block.starts_quantum() {
            let octaves = block.input(FORMANT_CV).at(0, 0) + block.param(FORMANT) * (1.0 / 12.0);
            self.formant_octaves = octaves.clamp(-20.0, 20.0);
        }
        let sample_rate_hz = block.sample_rate_hz;
        let mut bank = Bank::load(self, sample_rate_hz);
        let mut sibilance = Svf::<f32>::load(&self.sibilance, 0);
        let hiss = Cutoff::new(SIBILANCE_HZ / sample_rate_hz);
        let times = Times {
            attack: Lanes::splat(1.0 - lag(block.param(ATTACK), sample_rate_hz)),
            release: Lanes::splat(1.0 - lag(block.param(RELEASE), sample_rate_hz)),
        };
        let [sibilance_ramp, gain_db] = [SIBILANCE, GAIN].map(|param| block.ramp(param));
        let inputs = [MODULATOR, CARRIER].map(|port| block.input(port));
        let gate = block.input(HOLD_GATE);
        let is_on = block.is_on(HOLD);
        for frame in block.frames() {
            let heard = |port: usize| inputs[port].sum(frame).clamp(-LOUDEST_VOLTS, LOUDEST_VOLTS);
            let modulator = heard(MODULATOR);
            let carrier = if inputs[CARRIER].is_patched() {
                heard(CARRIER)
            } else {
                AUDIO_VOLTS * self.noise.bipolar()
            };
            let is_held = self.hold.follow(gate.at(0, frame)) || is_on;
            bank.listen(modulator, &times, is_held);
            // 6.0206 dB double.
            let gain = exp2(gain_db.at(frame) * 0.166_096_4);
            let hiss = sibilance.next(modulator, &hiss, FLAT).high * sibilance_ramp.at(frame);
            let spoken = bank.speak(carrier) * (1.0 / AUDIO_VOLTS);
            block.output(0).put(0, frame, hush(gain * spoken + hiss));
        }
        sibilance.store(&mut self.sibilance, 0);
        bank.store(self);
        for (band, &level) in self.levels.iter().enumerate() {
            block.show(band, level);
        }
    }
}

/// How far a level follows in a frame, up and down.
struct Times {
    attack: Lanes,
    release: Lanes,
}

/// All bands at work, in SIMD groups.
struct Bank {
    analysis: [[Svf<Lanes>; 2]; GROUPS],
    synthesis: [[Svf<Lanes>; 2]; GROUPS],
    levels: [Lanes; GROUPS],
    analysis_cutoff: [Cutoff<Lanes>; GROUPS],
    synthesis_cutoff: [Cutoff<Lanes>; GROUPS],
}

impl Bank {
    #[inline(always)]
    fn load(state: &Vocoder, sample_rate_hz: f32) -> Bank {
        let groups = |f: &dyn Fn(usize) -> [Svf<Lanes>; 2]| [f(0), f(1)];
        let cutoffs = |octaves: f32| {
            [0, 1].map(|group| {
                let band = |lane: usize| (group * LANES + lane) as f32 * STEP_OCTAVES + octaves;
                let octaves = Lanes::from_lanes(each(band));
                Cutoff::new(exp2(octaves) * Lanes::splat(LOWEST_HZ / sample_rate_hz))
            })
        };
        Bank {
            analysis: groups(&|group| state.analysis.map(|stage| Svf::load(&stage, group))),
            synthesis: groups(&|group| state.synthesis.map(|stage| Svf::load(&stage, group))),
            levels: [0, 1].map(|group| Lanes::load(&state.levels, group)),
            analysis_cutoff: cutoffs(0.0),
            synthesis_cutoff: cutoffs(state.formant_octaves),
        }
    }

    #[inline(always)]
    fn store(self, state: &mut Vocoder) {
        for group in 0..GROUPS {
            for stage in 0..2 {
                self.analysis[group][stage].store(&mut state.analysis[stage], group);
                self.synthesis[group][stage].store(&mut state.synthesis[stage], group);
            }
            self.levels[group].store(&mut state.levels, group);
        }
    }

    /// Measures how loud the modulator is in each band.
    #[inline(always)]
    fn listen(&mut self, modulator: f32, times: &Times, is_held: bool) {
        for group in 0..GROUPS {
            let cutoff = &self.analysis_cutoff[group];
            let band = band_pass(&mut self.analysis[group], modulator, cutoff).abs();
            let level = self.levels[group];
            let follow = band.at_least(level, times.attack, times.release);
            let follow = if is_held { Lanes::splat(0.0) } else { follow };
            self.levels[group] = (level + follow * (band - level)).map(hush);
        }
    }

    /// Gives the carrier's bands those levels.
    #[inline(always)]
    fn speak(&mut self, carrier: f32) -> f32 {
        let mut bands = Lanes::splat(0.0);
        for group in 0..GROUPS {
            let cutoff = &self.synthesis_cutoff[group];
            bands += band_pass(&mut self.synthesis[group], carrier, cutoff) * self.levels[group];
        }
        let bands = bands.to_lanes();
        let pairs: [f32; 4] = each(|pair| bands[2 * pair] - bands[2 * pair + 1]);
        (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
    }
}

/// Two band-passes in a row, each with a gain of 1 in its middle.
#[inline(always)]
fn band_pass(stages: &mut [Svf<Lanes>; 2], volts: f32, cutoff: &Cutoff<Lanes>) -> Lanes {
    let damping = Lanes::splat(DAMPING);
    let first = stages[0].next(Lanes::splat(volts), cutoff, damping).band * damping;
    stages[1].next(first, cutoff, damping).band * damping
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::power_spectrum;

    const RATE_HZ: f32 = 48_000.0;
    /// The middle of the eighth band.
    const BAND_HZ: f32 = 844.13;

    fn speaking() -> Rig {
        let mut rig = Rig::new::<Vocoder>(RATE_HZ);
        rig.set("gain", 0.0).set("sibilance", 0.0);
        rig
    }

    fn sine(frame: u64, hz: f32) -> f32 {
        5.0 * (std::f64::consts::TAU * frame as f64 * f64::from(hz / RATE_HZ)).sin() as f32
    }

    fn noise(rig: &mut Rig) -> &mut Rig {
        // What speaks where nothing is patched.
        rig.unplug("carrier")
    }

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_opens_its_band_and_the_formant_moves_it() {
        for (formant, hz) in [(0.0, BAND_HZ), (12.0, 2.0 * BAND_HZ), (-12.0, 0.5 * BAND_HZ)] {
            let mut rig = speaking();
            noise(rig.set("formant", formant)).feed("modulator", |_, frame| sine(frame, BAND_HZ));
            rig.run(9600);
            let out = rig.run(65_536);
            let powers = power_spectrum(out.main(), 8.0);
            let bin = |hz: f32| (hz * 65_536.0 / RATE_HZ) as usize;
            let near: f64 = powers[bin(hz / 1.4)..bin(hz * 1.4)].iter().sum();
            let all: f64 = powers.iter().sum();
            assert!(near > 0.85 * all, "{formant}: {}", near / all);
        }
    }

    #[test]
    fn a_tone_in_the_middle_of_a_band_is_as_loud_as_its_modulator() {
        let mut rig = speaking();
        rig.feed("modulator", |_, frame| sine(frame, BAND_HZ));
        rig.feed("carrier", |_, frame| sine(frame, BAND_HZ)).run(24_000);
        let level = rms(rig.run(24_000).main()) * 2f64.sqrt();
        assert!((4.3..5.7).contains(&level), "{level} V");
    }

    #[test]
    fn it_speaks_while_the_modulator_does_and_holds_a_vowel_on_a_gate() {
        let mut rig = speaking();
        noise(rig.set("release", 0.1))
            .feed("modulator", |_, frame| if frame < 24_000 { sine(frame, BAND_HZ) } else { 0.0 });
        rig.run(12_000);
        let loud = rms(rig.run(12_000).main());
        // 1 % of the level is left after the release.
        rig.run(5280);
        let released_db = 20.0 * (rms(rig.run(480).main()) / loud).log10();
        assert!((-50.0..-34.0).contains(&released_db), "{released_db} dB");
        rig.run(96_000);
        assert!(rms(rig.run(480).main()) < 1e-6);

        let mut rig = speaking();
        noise(&mut rig).feed(
            "modulator",
            |_, frame| {
                if frame < 24_000 { sine(frame, BAND_HZ) } else { 0.0 }
            },
        );
        rig.feed("hold", |_, frame| if frame >= 24_000 { 10.0 } else { 0.0 }).run(12_000);
        let loud = rms(rig.run(12_000).main());
        rig.run(480_000);
        let held_db = 20.0 * (rms(rig.run(12_000).main()) / loud).log10();
        assert!(held_db.abs() < 2.0, "{held_db} dB");
    }

    #[test]
    fn hiss_passes_by_as_far_as_sibilance_says() {
        let mut rig = speaking();
        rig.set("sibilance", 0.5).feed("modulator", |_, frame| sine(frame, 15_000.0)).run(4800);
        let level = rms(rig.run(4800).main()) * 2f64.sqrt();
        assert!((level - 2.5).abs() < 0.1, "{level} V");
    }
}
