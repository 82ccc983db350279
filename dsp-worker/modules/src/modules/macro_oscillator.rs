//! Macro Oscillator: fourteen instruments behind three knobs, from two saws to a
//! struck bar. Each is a model of its own: see [`sostenuto_dsp::macro_osc`].

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::envelopes::{Envelope, Shape};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::Gates;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::macro_osc::Controls;
use sostenuto_dsp::macro_osc::models::{MODAL, MODELS, Models, OUTPUTS, PAIR, PARTICLES, STRING};
use sostenuto_dsp::macro_osc::string::{self, Hand, Strings};
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::ramps::Ramps;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, CHANNELS};
use sostenuto_dsp::{exp2, soft_clip};

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;

const VOCT: usize = 0;
const TRIGGER: usize = 1;
const HARMONICS_IN: usize = 2;
const TIMBRE_IN: usize = 3;
const MORPH_IN: usize = 4;

const MODEL: usize = 0;
const HARMONICS: usize = 1;
const TIMBRE: usize = 2;
const MORPH: usize = 3;
const DECAY: usize = 4;
const OCTAVE: usize = 5;
const TUNE: usize = 6;

/// From 1 Hz to far beyond hearing, in octaves from C4.
const PITCHES: [f32; 2] = [-8.0, 12.0];
/// The fastest phase, in turns a frame.
const TOP_TURNS: f32 = 0.4;
/// Below this there is nothing but a lean to one side, which is taken away.
const LOWEST_HZ: f32 = 4.0;
/// Louder is bent, and never reaches the second.
const LIMITS_VOLTS: [f32; 2] = [1.8 * AUDIO_VOLTS, 2.4 * AUDIO_VOLTS];

/// Points of the two cycles that it shows.
const SHOWN: usize = 128;

/// All that a Macro Oscillator remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct MacroOscillator {
    models: Models,
    strings: Strings,
    /// Down and up again where models change.
    level: Ramps,
    gates: Gates,
    envelope: Envelope,
    /// What a closing voice lets through, and what leans to one side.
    lows: [[f32; CHANNELS]; OUTPUTS],
    leans: [[f32; CHANNELS]; OUTPUTS],
    /// One more than the index of the model that plays, and whether it has been
    /// faded out.
    playing: u32,
    is_out: u32,
    shown: Shown,
}

/// Two cycles of the first channel, from where it rises through 0 V.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Shown {
    /// Points since the first, and past the last while it waits.
    way: f32,
    last_volts: f32,
}

impl Module for MacroOscillator {
    const ABOUT: &'static About = &About {
        name: "macro-oscillator",
        title: "Macro Oscillator",
        short: "Macro Osc",
        summary: "Fourteen sound models behind three knobs: saws, FM, vowels, strings, bars",
        aliases: &["plaits", "braids", "oscillator"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            pitch::VOCT,
            port(
                "trigger",
                "Strikes string, modal and particles; lets other models sound for the decay time. \
                 Unpatched, all models sound continuously",
            ),
            port("harmonics", "Harmonics CV; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
            port("timbre", "Timbre CV, up to audio rate; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
            port("morph", "Morph CV, up to audio rate; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("out", "The model, ±5 V; limited to ±12 V"),
            port("aux", "A variation of the model: a sub-octave, a single note, another pick-up"),
        ],
        params: &[
            Param::choice(
                "model",
                &MODELS,
                PAIR,
                "The sound model: two saws, chords, a swarm; folding, phase distortion, FM, \
                 terrain; harmonics, grains, vowels; noise, particles, a string, a struck body",
            ),
            Param::linear(
                "harmonics",
                0.0..=1.0,
                0.35,
                Unit::Fraction,
                "The overtones: interval, chord, ratio or spread, by model",
            ),
            Param::linear(
                "timbre",
                0.0..=1.0,
                0.4,
                Unit::Fraction,
                "From dull to bright; with particles, from slow to fast",
            ),
            Param::linear(
                "morph",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "From one shape to another; with resonators, from short to long",
            ),
            Param::log(
                "decay",
                0.01..=20.0,
                0.6,
                Unit::Secs,
                "How long a trigger sounds. String, modal and particles use morph instead",
            ),
            pitch::OCTAVE,
            pitch::TUNE,
        ],
        // Two cycles, as they sound now.
        display: SHOWN,
        screen: Some(Screen::Curve(Curve::Wave)),
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        string::tapes(sample_rate_hz)
    }

    fn start(&mut self, seed: u64) {
        self.models.start(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.strings.change_rate(change);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.gates, &channels);
        clear(&mut self.envelope, &channels);
        clear(&mut self.lows, &channels);
        clear(&mut self.leans, &channels);
        self.models.forget(&channels);
        self.strings.forget(&channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, TRIGGER, HARMONICS_IN, TIMBRE_IN, MORPH_IN]);
        if block.starts_quantum() {
            self.choose(block.choice(MODEL) as u32 + 1, block.frame);
        }
        each_group!(channels, |L, group| {
            self.run::<L, { L::WIDTH }>(block, group, channels - group * LANES)
        });
    }
}

/// What ports and params say.
struct Knobs<'a> {
    voct: &'a Signal,
    trigger: &'a Signal,
    inputs: [&'a Signal; 3],
    knobs: [Ramp; 3],
    octave: f32,
    tune: Ramp,
    c4_turns: f32,
}

impl<'a> Knobs<'a> {
    #[inline(always)]
    fn of(block: &Block<'a>) -> Knobs<'a> {
        Knobs {
            voct: block.input(VOCT),
            trigger: block.input(TRIGGER),
            inputs: [HARMONICS_IN, TIMBRE_IN, MORPH_IN].map(|port| block.input(port)),
            knobs: [HARMONICS, TIMBRE, MORPH].map(|param| block.ramp(param)),
            octave: block.param(OCTAVE),
            tune: block.ramp(TUNE),
            c4_turns: C4_HZ / block.sample_rate_hz,
        }
    }

    /// Without the trigger.
    #[inline(always)]
    fn at<L: Lane>(&self, group: usize, frame: usize) -> Controls<L> {
        let pitch = self.octave + self.tune.at(frame) * (1.0 / 12.0);
        let pitch = self.voct.get::<L>(group, frame) + pitch.into();
        let turns = exp2(pitch.clamp(PITCHES[0], PITCHES[1])) * self.c4_turns.into();
        let [harmonics, timbre, morph] = [0, 1, 2].map(|knob| {
            let moved = self.inputs[knob].get::<L>(group, frame) * 0.1.into();
            (moved + self.knobs[knob].at(frame).into()).clamp(0.0, 1.0)
        });
        let strike = Mask::above(L::default(), L::splat(1.0));
        let is_struck = self.trigger.is_patched();
        Controls { turns: turns.min(TOP_TURNS.into()), harmonics, timbre, morph, strike, is_struck }
    }
}

impl MacroOscillator {
    /// Once a quantum: fades the model that plays out before another begins.
    #[inline(always)]
    fn choose(&mut self, wanted: u32, frame: u64) {
        let is_new = wanted != self.playing;
        if self.playing == 0 || is_new && self.is_out != 0 {
            self.playing = wanted;
            self.strings.begin(frame);
            self.models.hush();
            self.is_out = 0;
        } else {
            self.is_out = u32::from(is_new);
        }
        self.level.aim_all(&[if self.is_out != 0 { 0.0 } else { 1.0 }; CHANNELS]);
    }

    #[inline(always)]
    fn model(&self) -> usize {
        (self.playing as usize).saturating_sub(1)
    }

    #[inline(always)]
    fn run<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize, channels: usize) {
        let knobs = Knobs::of(block);
        let model = self.model();
        let sample_rate_hz = block.sample_rate_hz;
        if block.starts_quantum() {
            self.models.aim::<L, N>(group, model, &knobs.at(group, 0), sample_rate_hz);
        }
        let decay = block.param(DECAY);
        let envelope = Shape::new(0.0005, decay, 0.0, decay, sample_rate_hz);
        let rings = matches!(model, PARTICLES | STRING | MODAL);
        let lean = std::f32::consts::TAU * LOWEST_HZ / sample_rate_hz;

        for frame in block.frames() {
            let mut controls = knobs.at::<L>(group, frame);
            let gate = self.gates.follow(group, knobs.trigger.get::<L>(group, frame));
            controls.strike = gate.rises;
            let open = self.envelope.next(group, gate, &envelope);
            let open = if controls.is_struck && !rings { open } else { 1.0.into() };
            let sounds = if model == STRING {
                self.strings::<L, N>(block, group, frame, channels, &controls)
            } else {
                self.models.sound::<L, N>(group, frame, model, &controls, sample_rate_hz)
            };
            let level = self.level.at::<L>(group, frame);
            for (output, sound) in sounds.into_iter().enumerate() {
                let volts = sound * level * AUDIO_VOLTS.into();
                let volts = self.finish(output, group, volts, open, lean);
                block.output(output).put(group, frame, volts);
                if output == 0 && group == 0 {
                    self.shown.follow(block, volts.first(), controls.turns.first());
                }
            }
        }
    }

    #[inline(always)]
    fn strings<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        frame: usize,
        channels: usize,
        controls: &Controls<L>,
    ) -> [L; OUTPUTS] {
        let Controls { turns, harmonics, timbre, morph, .. } = *controls;
        let [turns, place, brightness, ring] = [turns, harmonics, timbre, morph].map(L::to_lanes);
        let plucks = controls.strike.keep(1.0.into()).to_lanes();
        let mut sounds = [[0.0; LANES]; OUTPUTS];
        for lane in 0..N.min(channels) {
            let hand = Hand {
                turns: turns[lane],
                place: place[lane],
                brightness: brightness[lane],
                ring: ring[lane],
                is_plucked: plucks[lane] != 0.0,
                is_bowed: !controls.is_struck,
            };
            let channel = group * LANES + lane;
            let now = block.frame + frame as u64;
            let rate_hz = block.sample_rate_hz;
            let [main, aux] =
                self.strings.next(&mut block.tapes, channel, frame, now, rate_hz, &hand);
            (sounds[0][lane], sounds[1][lane]) = (main, aux);
        }
        sounds.map(L::from_lanes)
    }

    /// Closes the voice as a vactrol would, quieter and duller, and keeps it
    /// level and within bounds.
    #[inline(always)]
    fn finish<L: Lane>(&mut self, output: usize, group: usize, volts: L, open: L, lean: f32) -> L {
        let leaned = L::load(&self.leans[output], group);
        (leaned + (volts - leaned) * lean.into()).store(&mut self.leans[output], group);
        let volts = volts - leaned;
        let low = L::load(&self.lows[output], group);
        let low = low + (volts - low) * (open + 0.03.into()).min(1.0.into());
        // 1e-20: it ends in silence, and not in denormal numbers.
        (low + 1e-20.into()).store(&mut self.lows[output], group);
        (low * open).map(|volts| soft_clip(volts, LIMITS_VOLTS[0], LIMITS_VOLTS[1]))
    }
}

impl Shown {
    /// Shows the points of a frame. What never rises is drawn all the same, after as
    /// long again.
    #[inline(always)]
    fn follow(&mut self, block: &Block, volts: f32, turns: f32) {
        let rises = self.last_volts < 0.0 && volts >= 0.0;
        self.last_volts = volts;
        let first = self.way;
        self.way += turns * (SHOWN / 2) as f32;
        if first < SHOWN as f32 {
            for point in first as usize..=(self.way as usize).min(SHOWN - 1) {
                block.show(point, volts * (1.0 / AUDIO_VOLTS));
            }
        } else if rises || self.way > 2.0 * SHOWN as f32 {
            self.way = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape as Series, alias, cents, coherent_hz, frequency_hz};
    use sostenuto_dsp::response::gain_at;

    const RATE_HZ: f64 = 48_000.0;

    fn model_at(model: &str, hz: f64, [harmonics, timbre, morph]: [f32; 3]) -> Rig {
        let mut rig = Rig::new::<MacroOscillator>(RATE_HZ as f32);
        let voct = (hz / f64::from(C4_HZ)).log2() as f32;
        rig.feed("voct", move |_, _| voct).choose("model", model);
        rig.set("harmonics", harmonics).set("timbre", timbre).set("morph", morph);
        rig
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|volts| volts * volts).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn models_with_a_pitch_have_harmonics_and_nothing_else() {
        let mut problems = Vec::new();
        for (model, limit_db) in [
            ("pair", -104.0),
            ("fold", -105.0),
            ("bend", -95.0),
            ("fm", -105.0),
            ("terrain", -100.0),
            ("harmonic", -100.0),
            ("grain", -95.0),
            ("vowel", -95.0),
        ] {
            let mut worst = (-200.0f64, String::new());
            for near_hz in [261.6, 1001.0, 2500.0, 4999.0] {
                let hz = coherent_hz(near_hz, RATE_HZ);
                // A harmonics of 0.08 is a ratio of 1, an interval of none.
                for knobs in [[0.0, 1.0, 0.3], [0.08, 0.6, 1.0], [0.08, 1.0, 0.0], [1.0, 0.8, 0.5]]
                {
                    let [harmonics, timbre, morph] = knobs;
                    let knobs = match model {
                        "pair" if harmonics < 1.0 => [0.0, timbre, morph],
                        // Higher up the first harmonic is too weak to be found.
                        "harmonic" | "grain" | "vowel" => [harmonics, 0.5 * timbre, morph],
                        _ => knobs,
                    };
                    let is_below = model == "fm" && knobs[0] == 0.0;
                    let out = model_at(model, hz, knobs).run(80_000);
                    for output in ["out", "aux"] {
                        let sound = out.channel(output, 0);
                        let found = if output == "aux" && model == "fm" {
                            alias(sound, RATE_HZ, 0.5 * hz, 1, Series::Any)
                        } else {
                            alias(sound, RATE_HZ, hz, 1 + u32::from(is_below), Series::Any)
                        };
                        if found.alias_20k_db > worst.0 {
                            let which = format!("{output} of {knobs:?} at {near_hz} Hz: {found:?}");
                            worst = (found.alias_20k_db, which);
                        }
                    }
                }
            }
            eprintln!("{model}: {}", worst.1);
            if worst.0 > limit_db {
                problems.push(format!("{model}: {}", worst.1));
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[test]
    fn every_model_is_about_as_loud_and_none_leans_or_passes_9_v() {
        let mut problems = Vec::new();
        for model in MODELS {
            for knobs in [[0.35, 0.4, 0.5], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]] {
                let out = model_at(model, 110.0, knobs).run(96_000);
                for output in ["out", "aux"] {
                    let sound = &out.channel(output, 0)[48_000..];
                    let (rms, mean) = (rms(sound), sound.iter().sum::<f32>() / 48e3);
                    let peak = sound.iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
                    let is_typical = output == "out" && knobs == [0.35, 0.4, 0.5];
                    let least = if is_typical { 0.6 } else { 0.0 };
                    if peak > 9.0 || mean.abs() > 0.05 || rms < least || rms > 5.0 {
                        problems.push(format!("{model} {knobs:?} {output}: {rms} {peak} {mean}"));
                    }
                }
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[test]
    fn strings_and_bars_are_in_tune() {
        for (model, hz) in
            [("string", 110.0), ("string", 987.6), ("modal", 110.0), ("modal", 880.0)]
        {
            let mut rig = model_at(model, hz, [0.0, 0.7, 0.8]);
            rig.feed("trigger", |_, frame| if (100..148).contains(&frame) { 10.0 } else { 0.0 });
            let found = frequency_hz(&rig.run(48_000).main()[10_000..], RATE_HZ, Some(hz));
            assert!(cents(found, hz).abs() < 0.5, "{model}: {found} Hz of {hz}");
        }
    }

    #[test]
    fn a_string_rings_as_long_as_morph_says() {
        // 0.05 s · 2^(8.6 · 0.5) = 0.985 s.
        let mut rig = model_at("string", 220.0, [0.0, 1.0, 0.5]);
        rig.feed("trigger", |_, frame| if frame < 48 { 10.0 } else { 0.0 });
        let out = rig.run(48_000);
        let [early, late] =
            [4800, 28_800].map(|at| gain_at(&out.main()[at..at + 4800], 220.0, RATE_HZ));
        let secs = 60.0 / (20.0 * (early / late).log10() / 0.5);
        assert!((secs / 0.985 - 1.0).abs() < 0.01, "{secs} s");
    }

    #[test]
    fn a_trigger_lets_a_voice_sound_and_die_away() {
        for model in MODELS {
            let mut rig = model_at(model, 220.0, [0.3, 0.5, 0.2]);
            rig.set("decay", 0.2);
            rig.feed("trigger", |_, frame| if (9600..9648).contains(&frame) { 10.0 } else { 0.0 });
            let out = rig.run(96_000);
            let [before, during, after] =
                [0..9600, 9600..12_000, 91_200..96_000].map(|at| rms(&out.main()[at]));
            assert!(before < 1e-6 && during > 0.2, "{model}: {before} V, {during} V");
            assert!(after < 1e-3 * during, "{model}: {after} V");
        }
    }

    #[test]
    fn changing_models_does_not_click() {
        let mut rig = model_at("fold", 50.0, [0.0, 0.0, 0.0]);
        let mut sound = rig.run(9600).main().to_vec();
        for model in ["bend", "fm", "bend"] {
            rig.choose("model", model);
            sound.extend_from_slice(rig.run(9600).main());
        }
        let step = sound[4800..].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        // Down and up within 32 frames: 5 V / 32, and the wave's own slope.
        assert!(step < 0.25, "{step} V");
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        for model in MODELS {
            let rig = |channels: usize| {
                let mut rig = model_at(model, 440.0, [0.5, 0.6, 0.7]);
                rig.feed_channels("voct", channels, |channel, frame| {
                    channel as f32 * 0.2 + (frame % 50) as f32 * 0.01
                });
                rig.feed("timbre", |_, frame| (frame % 200) as f32 * 0.02);
                rig.feed("trigger", |_, frame| if frame % 400 < 48 { 10.0 } else { 0.0 });
                rig
            };
            let (together, alone) = (rig(16).run(1000), rig(1).run(1000));
            let one_by_one = rig(16).frame_by_frame().run(1000);
            for output in ["out", "aux"] {
                assert_eq!(together.channel(output, 0), alone.channel(output, 0), "{model}");
                for channel in 0..16 {
                    let whole = together.channel(output, channel);
                    assert_eq!(whole, one_by_one.channel(output, channel), "{model}");
                }
            }
        }
    }
}
