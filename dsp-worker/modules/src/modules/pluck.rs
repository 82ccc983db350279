//! Pluck: a string, plucked or blown on.
//!
//! Karplus and Strong's loop with the extensions of Jaffe and Smith ("Extensions
//! of the Karplus-Strong plucked-string algorithm", Computer Music Journal 7(2),
//! 1983): a tuned delay, a loss that is set in seconds, a pick of some hardness at
//! some place, and all-passes for stiffness. The string is on a tape.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::ages::Ages;
use sostenuto_dsp::hiss::Hiss;
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::spin::FALL_OCTAVES;
use sostenuto_dsp::strike::force;
use sostenuto_dsp::tape_head::Place;
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, CHANNELS, QUANTUM};
use sostenuto_dsp::{atan, exp2, hush, lagrange_of_six, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const TRIGGER: usize = 0;
const ACCENT: usize = 1;
const VOCT: usize = 2;
const IN: usize = 3;
const DECAY_CV: usize = 4;
const BRIGHTNESS_CV: usize = 5;
const OUT: usize = 0;
const TUNE: usize = 0;
const DECAY: usize = 1;
const BRIGHTNESS: usize = 2;
const PICK: usize = 3;
const POSITION: usize = 4;
const STIFFNESS: usize = 5;

/// The longest string: an octave below the lowest C of a piano.
const LOWEST_HZ: f32 = 16.0;
/// All-passes in the loop.
const ALL_PASSES: usize = 4;
/// The stiffest: the all-passes' coefficient, by ear.
const STIFFEST: f32 = 0.75;
/// How far a hard pluck swings: the loop must not bend it, or its overtones
/// would not stay where they are.
const PLUCK_VOLTS: f32 = 0.6 * AUDIO_VOLTS;
/// The loop is transparent up to here, and a fret beyond.
const KNEE_VOLTS: f32 = 8.0;
const LIMIT_VOLTS: f32 = 16.0;
/// The least of the loop's delay that the six points of a reading leave room
/// for.
const SHORTEST_FRAMES: f32 = 3.0;
/// How much further a reading looks than the place between two frames.
const READ_FRAMES: f32 = 4.0;
/// What brings the peaks of a hard pluck near 5 V, by measurement.
const LEVEL: f32 = 0.7;

/// Sixteen strings.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Pluck {
    hiss: Hiss,
    strings: [Wire; CHANNELS],
    ages: Ages,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Wire {
    trigger: Schmitt,
    /// Of the pick's noise, which is as long as the string.
    burst_frames: u32,
    force: f32,
    pick: OnePole,
    input: OnePole,
    /// Read this far behind, and so much further at every frame.
    delay_frames: f32,
    glide: f32,
    /// One period.
    period_frames: f32,
    /// The loop's filters: how much is lost, and how much more of the highs.
    gain: f32,
    dullness: f32,
    stiffness: f32,
    before: [f32; 2],
    all_passes: [f32; ALL_PASSES + 1],
}

impl Module for Pluck {
    const ABOUT: &'static About = &About {
        name: "pluck",
        title: "Pluck",
        summary: "A string, from nylon to piano wire, plucked by a trigger or excited by any sound",
        aliases: &["karplus strong", "guitar", "string"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("trigger", "A rising edge above 1 V plucks the string"),
            port("accent", "Accent CV, read at the pluck: 0 V is softer and duller than 10 V"),
            port("voct", "Pitch, 1 V/octave; 0 V is C4").moves("tune", None, By::OctavePerVolt),
            port("in", "A sound that excites the string, instead of a pluck or with it"),
            port("decay", "Decay CV: each volt doubles the decay").moves_own(By::OctavePerVolt),
            port("brightness", "Brightness CV; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The string, about ±5 V")],
        params: &[
            Param::linear("tune", -36.0..=36.0, 0.0, Unit::Semitones, "Transposes by semitones"),
            Param::log(
                "decay",
                0.05..=60.0,
                4.0,
                Unit::Secs,
                "The time for the fundamental to fall by 60 dB",
            ),
            Param::linear(
                "brightness",
                0.0..=1.0,
                0.6,
                Unit::Fraction,
                "How long overtones last: from a damped string to a steel one",
            ),
            Param::linear(
                "pick",
                0.0..=1.0,
                0.7,
                Unit::Fraction,
                "The pick: from a soft thumb, 0, to a hard plectrum, 1",
            ),
            Param::linear(
                "position",
                0.02..=0.5,
                0.15,
                Unit::Fraction,
                "Where the string is plucked: from near the bridge to the centre, 0.5, which \
                 sounds hollow",
            ),
            Param::linear(
                "stiffness",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Stretches the overtones, as in a thick wire or a bar",
            ),
        ],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![(sample_rate_hz / LOWEST_HZ) as usize + 4; CHANNELS]
    }

    fn start(&mut self, seed: u64) {
        self.hiss = Hiss::new(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        for string in &mut self.strings {
            change.frames(&mut string.burst_frames);
            change.all_frames([&mut string.delay_frames, &mut string.period_frames]);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        self.strings[channels.clone()].fill(Wire::zeroed());
        self.ages.begin(&channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[TRIGGER, VOCT, IN]);
        for channel in 0..channels {
            let string = &mut self.strings[channel];
            if block.starts_quantum() {
                let was_frames = string.delay_frames;
                string.tune(block, channel, 0);
                if was_frames > 0.0 {
                    string.glide = (string.delay_frames - was_frames) * (1.0 / QUANTUM as f32);
                    string.delay_frames = was_frames;
                }
            }
            let out = string.run(block, &mut self.hiss, &mut self.ages, channel);
            let frames = block.frames();
            block.output(OUT).put_channel(channel, frames, &out);
        }
    }
}

impl Wire {
    /// Works out the loop for where knobs and voltages stand, and is there at
    /// once.
    #[inline(always)]
    fn tune(&mut self, block: &Block, channel: usize, frame: usize) {
        let rate_hz = block.sample_rate_hz;
        let octaves = block.input(VOCT).at(channel, frame) + block.param(TUNE) * (1.0 / 12.0);
        let hz = (C4_HZ * exp2(octaves.clamp(-20.0, 20.0))).clamp(LOWEST_HZ, 0.2 * rate_hz);
        let period_frames = rate_hz / hz;
        let cosine = sine_of_triangle(1.0 - 4.0 / period_frames);
        let sine = sine_of_triangle(1.0 - (1.0 - 4.0 / period_frames).abs());

        // A short string leaves the all-passes little time.
        let most_frames = (period_frames - 1.5 - SHORTEST_FRAMES) / ALL_PASSES as f32;
        let stiffest = (1.0 - most_frames) / (1.0 + most_frames);
        self.stiffness = (-STIFFEST * block.param(STIFFNESS)).max(stiffest);
        let a = self.stiffness;
        // What an all-pass of the first order delays at the fundamental.
        let angle = 2.0 * atan(a * sine / (1.0 + a * cosine));
        let late_frames = 1.0 - angle * period_frames * (1.0 / std::f32::consts::TAU);

        let dark = 1.0
            - (block.param(BRIGHTNESS) + 0.1 * block.input(BRIGHTNESS_CV).at(channel, frame))
                .clamp(0.0, 1.0);
        // The same loss a second for the same overtone in Hz, on every string.
        let fineness = rate_hz * (1.0 / 48_000.0);
        self.dullness = (dark * dark * fineness * fineness * C4_HZ / hz).min(1.0);
        let longer = exp2(block.input(DECAY_CV).at(channel, frame).clamp(-20.0, 20.0));
        let decay_secs = (longer * block.param(DECAY)).clamp(0.05, 60.0);
        let fundamental = 1.0 - 0.5 * self.dullness * (1.0 - cosine);
        self.gain = (exp2(-FALL_OCTAVES / (hz * decay_secs)) / fundamental).min(1.0);

        self.period_frames = period_frames;
        let filters_frames = 1.0 + ALL_PASSES as f32 * late_frames;
        self.delay_frames = (period_frames - filters_frames).max(SHORTEST_FRAMES);
        self.glide = 0.0;
    }

    #[inline(always)]
    fn run(
        &mut self,
        block: &mut Block,
        hiss: &mut Hiss,
        ages: &mut Ages,
        channel: usize,
    ) -> [f32; QUANTUM] {
        let frames = block.frames();
        let trigger = block.input(TRIGGER).channel(channel, frames.clone());
        let input = block.input(IN).channel(channel, frames.clone());
        let position = block.ramp(POSITION);
        let still = coefficient(20.0, block.sample_rate_hz);
        let mut share = self.share();
        let mut loop_end = Reading::new(self.delay_frames);
        let mut mirror_frames = 1.0;
        let mut mirror = Place::new(mirror_frames);
        let mut out = [0.0; QUANTUM];
        let may_be_plucked = !self.trigger.stays(&trigger[frames.clone()]);
        let is_whole = ages.are_endless(channel);
        for frame in frames {
            if may_be_plucked && self.trigger.rises(trigger[frame]) {
                self.tune(block, channel, frame);
                self.burst_frames = self.period_frames as u32;
                self.force = force(block.input(ACCENT), channel, frame);
                share = self.share();
            }
            self.delay_frames += self.glide;
            if self.delay_frames != loop_end.delay_frames {
                loop_end = Reading::new(self.delay_frames);
            }
            let input = share * self.input.highpass(input[frame].clamp(-1e3, 1e3), still);
            let excited = self.excite(block, hiss, channel, input);
            let behind = if is_whole || ages.reach(channel, self.delay_frames + READ_FRAMES) {
                loop_end.volts(block, channel, frame)
            } else {
                0.0
            };
            let swung = self.lose(behind);
            let volts = hush(excited + swung);
            let volts = if volts.abs() > KNEE_VOLTS {
                soft_clip(volts, KNEE_VOLTS, LIMIT_VOLTS)
            } else {
                volts
            };
            block.tapes.write(channel, frame, volts);
            // To pluck at a place leaves out what has a node there; so does to listen.
            let mirrored_frames = (position.at(frame) * self.period_frames).max(1.0);
            if mirrored_frames != mirror_frames {
                (mirror_frames, mirror) = (mirrored_frames, Place::new(mirrored_frames));
            }
            out[frame] = LEVEL * volts;
            if is_whole || ages.reach(channel, mirrored_frames + READ_FRAMES) {
                out[frame] = LEVEL * (volts - mirror.read(&block.tapes, channel, frame));
            }
            if !is_whole {
                ages.next(channel);
            }
        }
        out
    }

    /// How much of the input it takes: about as much as keeps noise at its level.
    /// The longer a string rings, the less that is.
    #[inline(always)]
    fn share(&self) -> f32 {
        1.2 * (1.0 - self.gain * self.gain).max(0.0).sqrt()
    }

    /// The input, and what the pick adds to the string.
    #[inline(always)]
    fn excite(&mut self, block: &Block, hiss: &mut Hiss, channel: usize, input: f32) -> f32 {
        if self.burst_frames == 0 {
            return input;
        }
        self.burst_frames -= 1;
        let hardness = block.param(PICK) * self.force;
        let open = coefficient(300.0 * exp2(6.5 * hardness), block.sample_rate_hz);
        let noise = hiss.next_in(channel);
        let level = self.force * PLUCK_VOLTS * ((2.0 - open) / open).sqrt().min(3.0);
        input + self.pick.lowpass(noise, open) * level
    }

    /// What is left of a sound after one period, and the order in which it
    /// arrives.
    #[inline(always)]
    fn lose(&mut self, volts: f32) -> f32 {
        let [one, two] = self.before;
        self.before = [volts, one];
        // Three taps in symmetry: every frequency is one frame late.
        let side = 0.25 * self.dullness;
        let mut signal = self.gain * (side * (volts + two) + (1.0 - 2.0 * side) * one);
        let past = self.all_passes;
        for at in 0..ALL_PASSES {
            // Each one's last output is the next one's last input.
            let passed = self.stiffness * (signal - past[at + 1]) + past[at];
            self.all_passes[at] = signal;
            signal = hush(passed);
        }
        self.all_passes[ALL_PASSES] = signal;
        signal
    }
}

/// The string so far behind, between frames; from [`SHORTEST_FRAMES`] up.
struct Reading {
    delay_frames: f32,
    newest: usize,
    weights: [f32; 6],
}

impl Reading {
    #[inline(always)]
    fn new(delay_frames: f32) -> Reading {
        let whole = delay_frames as usize;
        let weights = lagrange_of_six(delay_frames - whole as f32);
        Reading { delay_frames, newest: whole.max(3) - 2, weights }
    }

    #[inline(always)]
    fn volts(&self, block: &Block, channel: usize, frame: usize) -> f32 {
        let row: [f32; 6] = block.tapes.read_row(channel, frame, self.newest);
        let tap = |n: usize| self.weights[n] * row[5 - n];
        tap(0) + tap(1) + tap(2) + tap(3) + tap(4) + tap(5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz, power_spectrum};
    use sostenuto_dsp::units::hz_from_voct;

    fn rig(voct: f32) -> Rig {
        let mut rig = Rig::new::<Pluck>(48_000.0);
        rig.feed("trigger", |_, frame| if frame < 48 { 10.0 } else { 0.0 });
        rig.feed("voct", move |_, _| voct);
        rig
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn it_is_in_tune_over_seven_octaves_stiff_or_not() {
        for voct in -3..=4 {
            for stiffness in [0.0, 0.5] {
                let mut rig = rig(voct as f32);
                rig.set("stiffness", stiffness).set("decay", 20.0).set("brightness", 0.9);
                let sound = rig.run(96_000);
                let ideal_hz = f64::from(hz_from_voct(voct as f32));
                let found_hz = frequency_hz(&sound.main()[4800..], 48_000.0, Some(ideal_hz));
                let error = cents(found_hz, ideal_hz);
                assert!(error.abs() < 0.5, "{voct} V, {stiffness}: {error} cents");
            }
        }
    }

    #[test]
    fn the_fundamental_falls_by_60_db_in_its_decay() {
        for voct in [-2.0, 0.0, 2.0] {
            let mut rig = rig(voct);
            let sound = rig.set("decay", 2.0).set("brightness", 0.7).run(96_000);
            let hz = f64::from(hz_from_voct(voct));
            let level = |from: usize| {
                let powers = power_spectrum(&sound.main()[from..from + 16_384], 8.0);
                let bin = (hz * 16_384.0 / 48_000.0) as usize;
                powers[bin - 3..bin + 5].iter().sum::<f64>().sqrt()
            };
            let loss = level(4800) / level(52_800);
            assert!((loss / 31.6 - 1.0).abs() < 0.1, "{voct} V: {loss}");
        }
    }

    #[test]
    fn in_the_middle_it_has_no_even_harmonics_and_stiff_ones_are_sharp() {
        let sound = |position: f32, stiffness: f32| {
            let mut rig = rig(0.0);
            rig.set("position", position).set("stiffness", stiffness).set("brightness", 1.0);
            rig.run(70_000).main().to_vec()
        };
        let hz = f64::from(C4_HZ);
        let powers = power_spectrum(&sound(0.5, 0.0)[4096..69_632], 8.0);
        let at = |hz: f64| {
            let bin = (hz * 65_536.0 / 48_000.0) as usize;
            powers[bin - 9..bin + 10].iter().sum::<f64>()
        };
        assert!(at(2.0 * hz) + at(4.0 * hz) < 1e-3 * (at(3.0 * hz) + at(5.0 * hz)));
        let eighth = |stiffness: f32, guess: f64| {
            frequency_hz(&sound(0.2, stiffness)[4800..], 48_000.0, Some(guess * hz)) / hz
        };
        let (soft, stiff) = (eighth(0.0, 8.0), eighth(0.5, 8.1));
        assert!((soft - 8.0).abs() < 1e-5, "{soft}");
        assert!((8.005..8.3).contains(&stiff), "{stiff}");
    }

    #[test]
    fn a_hard_pick_is_brighter_and_as_loud() {
        let sound = |pick: f32| rig(0.0).set("pick", pick).run(9600).main().to_vec();
        let slope = |sound: &[f32]| {
            rms(&sound.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()) / rms(sound)
        };
        let (soft, hard) = (sound(0.0), sound(1.0));
        assert!(slope(&hard) > 3.0 * slope(&soft));
        for sound in [&soft, &hard] {
            let peak = sound.iter().fold(0f32, |peak, volts| volts.abs().max(peak));
            assert!((1.5..8.0).contains(&peak), "{peak}");
        }
    }

    #[test]
    fn a_sound_at_its_pitch_makes_it_sing_and_it_falls_silent() {
        let mut rig = Rig::new::<Pluck>(48_000.0);
        rig.set("decay", 0.5);
        let sine = |hz: f32, frame: u64| (frame as f32 * hz / 48_000.0).fract() - 0.5;
        rig.feed("in", move |_, frame| if frame < 48_000 { sine(C4_HZ, frame) } else { 0.0 });
        let sings = rms(&rig.run(48_000).main()[24_000..]);
        assert!(sings > 0.5, "{sings}");
        assert!(rms(&rig.run(48_000).main()[43_200..]) < 1e-4 * sings);
        assert!(rig.run(480_000).main()[470_000..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn a_glide_does_not_click() {
        let mut rig = rig(0.0);
        rig.set("decay", 60.0).set("brightness", 0.0).run(24_000);
        let step = |sound: &[f32]| {
            sound.windows(3).fold(0f32, |most, w| most.max((w[2] - 2.0 * w[1] + w[0]).abs()))
        };
        let still = step(rig.run(4800).main());
        rig.feed("voct", |_, frame| ((frame - 28_800) as f32 / 48_000.0).min(1.0));
        let gliding = step(rig.run(48_000).main());
        assert!(gliding < 4.0 * still, "{still} V, {gliding} V");
    }
}
