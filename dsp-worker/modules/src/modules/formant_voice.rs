//! Formant Voice: a singer of vowels, from bass to soprano, who can also say
//! ba, ma and sha.
//!
//! Vocal folds ([`sostenuto_dsp::glottis`]) and breath, through five resonances of
//! a mouth side by side (Klatt, "Software for a cascade/parallel formant
//! synthesizer", JASA 67(3), 1980).

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::consonants::{CONSONANTS, NAMES, Sound};
use sostenuto_dsp::envelopes::{Envelope, Shape};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::formants::{FORMANTS, SINGERS, vowel};
use sostenuto_dsp::gates::Gates;
use sostenuto_dsp::glottis::{Glottis, stray};
use sostenuto_dsp::lane::{LANES, Lane, each};
use sostenuto_dsp::one_pole::coefficient;
use sostenuto_dsp::ramps::Ramps;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::svf::{Cutoff, Svf, SvfState};
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, CHANNELS};
use sostenuto_dsp::{exp2, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;

const VOCT: usize = 0;
const GATE: usize = 1;
const VOWEL_IN: usize = 2;
const SHIFT_IN: usize = 3;
const TRIGGER: usize = 4;
const CONSONANT_IN: usize = 5;

const SINGER: usize = 0;
const VOWEL: usize = 1;
const SHIFT: usize = 2;
const EFFORT: usize = 3;
const BREATH: usize = 4;
const VIBRATO: usize = 5;
const CONSONANT: usize = 6;
const OCTAVE: usize = 7;
const TUNE: usize = 8;

/// In octaves from C4: beyond what anyone sings.
const PITCHES: [f32; 2] = [-6.0, 5.0];
/// By ear: the loudest vowel of a loud bass is about 5 V.
const GAIN: f32 = 2.6 * AUDIO_VOLTS;
/// How quickly a gate opens and shuts the mouth.
const ATTACK_SECS: f32 = 0.012;
const RELEASE_SECS: f32 = 0.15;

/// What is worked out once a quantum: three for each formant, then these.
const DAMPING: usize = FORMANTS;
const LEVEL: usize = 2 * FORMANTS;
const FOLDS: usize = 3 * FORMANTS;
const ASPIRATION: usize = FOLDS + 1;
const HISS: usize = FOLDS + 2;
const HISS_TURNS: usize = FOLDS + 3;
const HISS_DAMPING: usize = FOLDS + 4;
const STRAY: usize = FOLDS + 5;
const RAMPS: usize = FOLDS + 6;

/// All that a Formant Voice remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FormantVoice {
    glottis: Glottis,
    random: [Random; CHANNELS],
    mouth: [SvfState; FORMANTS],
    teeth: SvfState,
    /// The folds' sound, softened.
    tilt: [f32; CHANNELS],
    ramps: [Ramps; RAMPS],
    gates: Gates,
    triggers: Gates,
    envelope: Envelope,
    /// One more than the consonant that is being said, and quanta since its
    /// start.
    consonant: [u32; CHANNELS],
    quanta: [u32; CHANNELS],
}

impl Module for FormantVoice {
    const ABOUT: &'static About = &About {
        name: "formant-voice",
        title: "Formant Voice",
        short: "Voice",
        summary: "A singing voice: vowels from bass to soprano, breath, vibrato and consonants",
        aliases: &["speech", "talk", "sing", "vowel", "choir"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            pitch::VOCT,
            port("gate", "Sings while the gate is on. Unpatched, the voice sings continuously"),
            port("vowel", "Vowel CV: 10 V moves from a to u").moves_own(By::TenthPerVolt),
            port("shift", "Formant CV, 1 V/octave").moves_own(By::OctavePerVolt),
            port("trigger", "Sings the consonant. Unpatched, the gate does"),
            port("consonant", "Consonant CV, read at the trigger: each volt selects the next one"),
        ],
        outputs: &[
            port("out", "The voice, about ±5 V"),
            port("folds", "The vocal folds and the breath alone, to be filtered by other modules"),
        ],
        params: &[
            Param::choice(
                "singer",
                &SINGERS,
                1,
                "The singer's vocal tract; each can sing at any pitch",
            ),
            Param::linear(
                "vowel",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "The vowel, from a through e, i and o to u",
            ),
            Param::linear(
                "shift",
                -12.0..=12.0,
                0.0,
                Unit::Semitones,
                "Moves all formants, from a giant to a mouse; the pitch stays",
            ),
            Param::linear(
                "effort",
                0.0..=1.0,
                0.6,
                Unit::Fraction,
                "Vocal effort, from soft to pressed: how fast the vocal folds close",
            ),
            Param::linear(
                "breath",
                0.0..=1.0,
                0.1,
                Unit::Fraction,
                "The amount of breath noise; 1 is a whisper",
            ),
            Param::linear(
                "vibrato",
                0.0..=1.0,
                0.35,
                Unit::Fraction,
                "Vibrato depth, up to a third of a semitone, with a slight flutter",
            ),
            Param::choice(
                "consonant",
                &NAMES,
                0,
                "The consonant that a trigger sings before the vowel",
            ),
            pitch::OCTAVE,
            pitch::TUNE,
        ],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        for own in &mut self.random {
            *own = Random::new(u64::from(random.bits()));
        }
    }

    fn change_rate(&mut self, change: &RateChange) {
        change.all_frames(&mut self.quanta);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.mouth, &channels);
        clear(&mut self.teeth, &channels);
        clear(&mut self.tilt, &channels);
        clear(&mut self.gates, &channels);
        clear(&mut self.triggers, &channels);
        clear(&mut self.envelope, &channels);
        clear(&mut self.consonant, &channels);
        clear(&mut self.quanta, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, GATE, VOWEL_IN, SHIFT_IN, TRIGGER, CONSONANT_IN]);
        if block.starts_quantum() {
            self.articulate(block, channels);
        }
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group));
    }
}

impl FormantVoice {
    /// Once a quantum: moves the mouth.
    #[inline(always)]
    fn articulate(&mut self, block: &Block, channels: usize) {
        let seconds_per_quantum = sostenuto_dsp::units::QUANTUM as f32 / block.sample_rate_hz;
        let seconds = block.frame as f64 / f64::from(block.sample_rate_hz);
        let turns_per_hz = 1.0 / block.sample_rate_hz;
        let (effort, breath) = (block.param(EFFORT), block.param(BREATH));
        let mut goals = [[0.0; CHANNELS]; RAMPS];
        for channel in 0..channels {
            let said = self.consonant[channel] as usize;
            let since = self.quanta[channel] as f32 * seconds_per_quantum;
            self.quanta[channel] = self.quanta[channel].saturating_add(1);
            let sound = if said > 0 { CONSONANTS[said - 1].at(since) } else { Sound::VOWEL };

            let place = block.param(VOWEL) + 0.1 * block.input(VOWEL_IN).at(channel, 0);
            let octaves = block.param(SHIFT) * (1.0 / 12.0) + block.input(SHIFT_IN).at(channel, 0);
            let shift = exp2(octaves.clamp(-1.0, 1.0));
            let mouth = vowel(block.choice(SINGER), place);
            for (n, formant) in mouth.into_iter().enumerate() {
                let hz = sound.formant_hz(n, formant.hz) * shift;
                goals[n][channel] = (hz * turns_per_hz).min(0.45);
                goals[DAMPING + n][channel] = formant.width_hz * shift / hz;
                // The levels are those of the voice, which is 6 dB an octave
                // weaker above the first formant; neighbours are upside down to
                // each other (Klatt).
                let level = exp2((formant.level_db) * (1.0 / 6.0206)) * formant.hz / mouth[0].hz;
                goals[LEVEL + n][channel] = if n % 2 == 0 { level } else { -level };
            }
            goals[FOLDS][channel] = sound.folds * (1.0 - 0.95 * breath * breath);
            goals[ASPIRATION][channel] = (0.5 * breath * sound.folds).max(sound.breath);
            goals[HISS][channel] = sound.hiss;
            goals[HISS_TURNS][channel] = (sound.hiss_hz * turns_per_hz).min(0.45);
            goals[HISS_DAMPING][channel] = sound.hiss_damping;
            let vibrato = block.param(VIBRATO);
            goals[STRAY][channel] =
                stray(seconds, channel, vibrato, vibrato * (0.6 - 0.3 * effort));
        }
        for (ramp, goals) in self.ramps.iter_mut().zip(&goals) {
            ramp.aim_all(goals);
        }
    }

    #[inline(always)]
    fn run<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let (octave, tune, effort) = (block.param(OCTAVE), block.ramp(TUNE), block.ramp(EFFORT));
        let c4_turns = C4_HZ / block.sample_rate_hz;
        let tilt_hz = 700.0 * exp2(4.5 * block.param(EFFORT));
        let tilt = coefficient(tilt_hz, block.sample_rate_hz);
        let shape = Shape::new(ATTACK_SECS, 1.0, 1.0, RELEASE_SECS, block.sample_rate_hz);
        let [voct, gate] = [VOCT, GATE].map(|port| block.input(port));
        let mut mouth: [Svf<L>; FORMANTS] = each(|formant| Svf::load(&self.mouth[formant], group));
        let mut teeth = Svf::load(&self.teeth, group);

        for frame in block.frames() {
            let opened = self.opens::<L, N>(block, group, frame, &shape);
            let at = |ramp: usize| self.ramps[ramp].at::<L>(group, frame);
            let pitch = octave + tune.at(frame) * (1.0 / 12.0);
            let pitch = (voct.get::<L>(group, frame) + c(pitch)).clamp(PITCHES[0], PITCHES[1]);
            let turns = exp2(pitch) * (c(1.0) + at(STRAY)) * c(c4_turns);
            let (folds_gain, aspiration) = (at(FOLDS), at(ASPIRATION));
            let (hiss, hiss_turns, hiss_damping) = (at(HISS), at(HISS_TURNS), at(HISS_DAMPING));

            let open = c(0.9 - 0.5 * effort.at(frame));
            let [slope, flow] = self.glottis.next::<L, N>(group, frame, turns, open);
            let softened = L::load(&self.tilt, group);
            let softened = softened + (slope - softened) * c(tilt) + c(1e-20);
            softened.store(&mut self.tilt, group);
            let noise = self.noise::<L, N>(group);
            // Breath comes in puffs, as the folds open.
            let source = softened * folds_gain + noise * aspiration * (c(0.15) + flow * c(0.35));

            let mut sum = c(0.0);
            for (n, svf) in mouth.iter_mut().enumerate() {
                let turns = self.ramps[n].at::<L>(group, frame);
                let damping = self.ramps[DAMPING + n].at::<L>(group, frame);
                let level = self.ramps[LEVEL + n].at::<L>(group, frame);
                let band = svf.next(source, &Cutoff::new(turns), damping).band;
                sum += band * damping * level;
            }
            let hissing = teeth.next(noise * hiss, &Cutoff::new(hiss_turns), hiss_damping).band;
            sum += hissing * hiss_damping;
            let opened = if gate.is_patched() { opened } else { c(1.0) };
            let out = (sum * opened * c(GAIN)).map(|volts| soft_clip(volts, 6.0, 9.0));
            block.output(0).put(group, frame, out);
            block.output(1).put(group, frame, source * opened * c(AUDIO_VOLTS));
        }
        for (svf, state) in mouth.into_iter().zip(&mut self.mouth) {
            svf.store(state, group);
        }
        teeth.store(&mut self.teeth, group);
    }

    /// Follows gate and trigger. Returns how far the gate has opened the voice.
    #[inline(always)]
    fn opens<L: Lane, const N: usize>(
        &mut self,
        block: &Block,
        group: usize,
        frame: usize,
        shape: &Shape,
    ) -> L {
        let gate = self.gates.follow(group, block.input(GATE).get::<L>(group, frame));
        let trigger = block.input(TRIGGER);
        let triggers = self.triggers.follow(group, trigger.get::<L>(group, frame));
        let says = if trigger.is_patched() { triggers.rises } else { gate.rises };
        if says.any() {
            let says = says.keep(1.0.into()).to_lanes();
            for (lane, says) in says.into_iter().enumerate().take(N) {
                let channel = (group % 2) * LANES + lane;
                if says != 0.0 {
                    let further = block.input(CONSONANT_IN).at(channel, frame);
                    let further = (further + 0.5).clamp(0.0, 1000.0) as usize;
                    let consonant = (block.choice(CONSONANT) + further) % NAMES.len();
                    self.consonant[channel] = consonant as u32;
                    self.quanta[channel] = 0;
                }
            }
        }
        self.envelope.next(group, gate, shape)
    }

    #[inline(always)]
    fn noise<L: Lane, const N: usize>(&mut self, group: usize) -> L {
        let mut lanes = [0.0; LANES];
        for (lane, value) in lanes.iter_mut().enumerate().take(N) {
            *value = self.random[(group % 2) * LANES + lane].bipolar();
        }
        L::from_lanes(lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape as Series, alias, cents, coherent_hz, frequency_hz};
    use sostenuto_dsp::response::gain_at;

    const RATE_HZ: f64 = 48_000.0;

    fn voice_at(hz: f64) -> Rig {
        let mut rig = Rig::new::<FormantVoice>(RATE_HZ as f32);
        let voct = (hz / f64::from(C4_HZ)).log2() as f32;
        rig.feed("voct", move |_, _| voct).set("vibrato", 0.0).set("breath", 0.0);
        rig
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|volts| volts * volts).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn a_voice_has_harmonics_and_nothing_else() {
        for near_hz in [110.0, 440.0, 1001.0, 2500.0] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            for effort in [0.2, 1.0] {
                let out = voice_at(hz).set("effort", effort).run(90_000);
                for output in ["out", "folds"] {
                    let found = alias(out.channel(output, 0), RATE_HZ, hz, 1, Series::Any);
                    assert!(found.alias_20k_db < -100.0, "{output} at {near_hz} Hz: {found:?}");
                    assert!(cents(found.f0_hz, hz).abs() < 1e-2, "{near_hz} Hz: {found:?}");
                }
            }
        }
    }

    /// At 50 Hz a harmonic is near each formant.
    #[test]
    fn vowels_resound_where_the_table_says() {
        for (singer, place) in [("bass", 0.0), ("tenor", 0.5), ("alto", 0.25), ("soprano", 0.25)] {
            let mut rig = voice_at(50.0);
            rig.choose("singer", singer).set("vowel", place).set("effort", 1.0);
            let out = rig.run(100_800);
            let sound = &out.main()[4800..];
            let index = SINGERS.iter().position(|name| *name == singer).unwrap();
            let level = |hz: f64| gain_at(sound, (hz / 50.0).round() * 50.0, RATE_HZ);
            for formant in &vowel(index, place)[..2] {
                let hz = f64::from(formant.hz);
                let (peak, away) = (level(hz), level(hz - 200.0).max(level(hz + 200.0)));
                assert!(peak > 1.5 * away, "{singer} {place}: {formant:?}: {peak} {away}");
            }
        }
    }

    #[test]
    fn vowels_are_about_as_loud_as_each_other() {
        for (singer, hz) in [
            ("bass", 98.0),
            ("tenor", 165.0),
            ("countertenor", 262.0),
            ("alto", 330.0),
            ("soprano", 523.0),
        ] {
            for vowel in [0.0, 0.25, 0.5, 0.75, 1.0] {
                let mut rig = voice_at(hz);
                let out = rig.choose("singer", singer).set("vowel", vowel).run(48_000);
                let rms = rms(&out.main()[24_000..]);
                let peak = out.main().iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
                eprintln!("{singer} {vowel}: {rms} V, {peak} V");
                assert!((0.4..4.0).contains(&rms) && peak < 9.0, "{singer} {vowel}: {rms}, {peak}");
            }
        }
    }

    #[test]
    fn a_shift_moves_formants_and_not_the_pitch() {
        let mut rig = voice_at(110.0);
        rig.set("shift", 7.0);
        let found_hz = frequency_hz(&rig.run(100_000).main()[4800..], RATE_HZ, Some(110.0));
        assert!(cents(found_hz, 110.0).abs() < 0.01, "{found_hz} Hz");
    }

    #[test]
    fn consonants_close_the_mouth_and_hiss_before_the_vowel() {
        let said = |consonant: &str| {
            let mut rig = voice_at(110.0);
            rig.choose("consonant", consonant);
            rig.feed("trigger", |_, frame| if (9600..9648).contains(&frame) { 10.0 } else { 0.0 });
            let out = rig.run(48_000).main().to_vec();
            let level = |secs: [f32; 2]| {
                let [from, to] = secs.map(|secs| 9600 + (secs * RATE_HZ as f32) as usize);
                rms(&out[from..to])
            };
            let high = |secs: [f32; 2]| {
                let [from, to] = secs.map(|secs| 9600 + (secs * RATE_HZ as f32) as usize);
                let sound: Vec<f32> = out[from..to].windows(2).map(|w| w[1] - w[0]).collect();
                rms(&sound)
            };
            (level([0.02, 0.045]), level([0.4, 0.6]), high([0.05, 0.12]), high([0.4, 0.6]))
        };
        let (closed, open, ..) = said("b");
        assert!(closed < 0.3 * open, "b: {closed} V and {open} V");
        let (closed, open, ..) = said("none");
        assert!((closed / open - 1.0).abs() < 0.1, "none: {closed} V and {open} V");
        let (.., hiss, vowel) = said("s");
        assert!(hiss > 2.0 * vowel, "s: {hiss} and {vowel}");
        let (.., hiss, vowel) = said("m");
        assert!(hiss < vowel, "m: {hiss} and {vowel}");
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize| {
            let mut rig = Rig::new::<FormantVoice>(RATE_HZ as f32);
            rig.choose("consonant", "k");
            rig.feed_channels("voct", channels, |channel, _| channel as f32 * 0.1 - 1.0);
            rig.feed("gate", |_, frame| if frame % 900 < 600 { 10.0 } else { 0.0 });
            rig.feed("vowel", |_, frame| frame as f32 * 0.003);
            rig
        };
        let (together, alone) = (rig(16).run(2000), rig(1).run(2000));
        let one_by_one = rig(16).frame_by_frame().run(2000);
        for output in ["out", "folds"] {
            assert_eq!(together.channel(output, 0), alone.channel(output, 0));
            for channel in 0..16 {
                assert_eq!(together.channel(output, channel), one_by_one.channel(output, channel));
            }
        }
    }
}
