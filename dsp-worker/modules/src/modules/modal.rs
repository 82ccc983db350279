//! Modal: a body that rings when it is struck or rubbed: string, skin, bell,
//! plate, bar, and what lies between.
//!
//! Thirty-two modes, each a number that spins (see [`sostenuto_dsp::spin`]), eight at
//! a time.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::bodies::{MODE_GROUPS, mode_octaves};
use sostenuto_dsp::lane::{LANES, Lane, Lanes};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::spin::{FALL_OCTAVES, Spin, Turn};
use sostenuto_dsp::strike::force;
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, CHANNELS, QUANTUM};
use sostenuto_dsp::{exp2, soft_clip};

use crate::Module;
use crate::module::{About, Block, Port, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const TRIGGER: usize = 0;
const ACCENT: usize = 1;
const VOCT: usize = 2;
const IN: usize = 3;
const OUT: usize = 0;
const TUNE: usize = 0;
const DECAY: usize = 1;
const STRUCTURE: usize = 2;
const BRIGHTNESS: usize = 3;
const DAMPING: usize = 4;
const POSITION: usize = 5;
const MALLET: usize = 6;
/// The input that moves a param, after those above.
const CV: usize = IN;

/// Modes above this part of the sample rate are left out.
const HIGHEST_TURNS: f32 = 0.45;
/// The softest mallet touches for this long, the hardest 64 times shorter.
const SOFT_SECS: f32 = 0.008;
const MALLET_OCTAVES: f32 = 6.0;
/// The output is transparent up to here.
const KNEE_VOLTS: f32 = 6.0;
const LIMIT_VOLTS: f32 = 12.0;

/// The modes' numbers, from 1.
const MODES: [[f32; LANES]; MODE_GROUPS] = {
    let mut modes = [[0.0; LANES]; MODE_GROUPS];
    let mut mode = 0;
    while mode < MODE_GROUPS * LANES {
        modes[mode / LANES][mode % LANES] = (mode + 1) as f32;
        mode += 1;
    }
    modes
};

/// Sixteen bodies.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Modal {
    bodies: [Body; CHANNELS],
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Body {
    across: [Lanes; MODE_GROUPS],
    up: [Lanes; MODE_GROUPS],
    cosine: [Lanes; MODE_GROUPS],
    sine: [Lanes; MODE_GROUPS],
    /// How much of a blow each mode takes.
    share: [Lanes; MODE_GROUPS],
    trigger: Schmitt,
    force: f32,
    /// The mallet's way through its touch, 0 to 1, and how far it goes in a frame.
    touch: f32,
    touch_step: f32,
    /// How much of the input the modes take.
    input_gain: f32,
    /// What the modes were worked out for.
    tuned_to: [f32; 7],
    _unused: [u32; 4],
}

const fn by_volts(name: &'static str, help: &'static str) -> Port {
    port(name, help).moves_own(By::TenthPerVolt)
}

impl Module for Modal {
    const ABOUT: &'static About = &About {
        name: "modal",
        title: "Modal",
        summary: "Resonant body to strike or excite: string, membrane, bell, plate or bar, of 32 modes",
        aliases: &["rings", "elements", "resonator", "bell"],
        tags: &[Tag::Source, Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("trigger", "A rising edge above 1 V strikes the body"),
            port("accent", "Accent CV, read at the strike: 0 V is softer and duller than 10 V"),
            port("voct", "Pitch of the lowest mode, 1 V/octave; 0 V is C4").moves(
                "tune",
                None,
                By::OctavePerVolt,
            ),
            port("in", "A sound that excites the body"),
            port("decay", "Decay CV: each volt doubles the decay").moves_own(By::OctavePerVolt),
            by_volts("structure", "Structure CV; 10 V covers the full range"),
            by_volts("brightness", "Brightness CV; 10 V covers the full range"),
            by_volts("damping", "Damping CV; 10 V covers the full range"),
            by_volts("position", "Position CV; 10 V covers the full range"),
        ],
        outputs: &[port("out", "The body, about ±5 V")],
        params: &[
            Param::linear("tune", -36.0..=36.0, 0.0, Unit::Semitones, "Transposes by semitones"),
            Param::log(
                "decay",
                0.02..=60.0,
                3.0,
                Unit::Secs,
                "The time for the lowest mode to fall by 60 dB",
            ),
            Param::linear(
                "structure",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "The body: 0 is a string, 0.25 a membrane, 0.5 a bell, 0.75 a plate, 1 a bar",
            ),
            Param::linear(
                "brightness",
                0.0..=1.0,
                0.6,
                Unit::Fraction,
                "How strongly a strike excites the high modes",
            ),
            Param::linear(
                "damping",
                0.0..=1.0,
                0.4,
                Unit::Fraction,
                "How much faster high modes fade: 0 is metal, 1 is wood",
            ),
            Param::linear(
                "position",
                0.0..=1.0,
                0.25,
                Unit::Fraction,
                "Where the body is struck: 0 is the edge, 1 the centre",
            ),
            Param::linear(
                "mallet",
                0.0..=1.0,
                0.7,
                Unit::Fraction,
                "The mallet: from felt, 0, to steel, 1",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        for body in &mut self.bodies {
            change.step(&mut body.touch_step);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        self.bodies[channels].fill(Body::zeroed());
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[TRIGGER, VOCT, IN]);
        for channel in 0..channels {
            let body = &mut self.bodies[channel];
            if block.starts_quantum() {
                body.tune(block, channel, 0);
            }
            let out = body.run(block, channel);
            let frames = block.frames();
            block.output(OUT).put_channel(channel, frames, &out);
        }
    }
}

impl Body {
    /// Works out every mode for where knobs and voltages stand.
    #[inline(always)]
    fn tune(&mut self, block: &Block, channel: usize, frame: usize) {
        let c = Lanes::splat;
        let volts = |port: usize| block.input(port).at(channel, frame);
        let moved = |param: usize| (block.param(param) + 0.1 * volts(CV + param)).clamp(0.0, 1.0);
        let frame_secs = 1.0 / block.sample_rate_hz;
        let octaves = volts(VOCT) + block.param(TUNE) * (1.0 / 12.0);
        let turns = exp2(octaves.clamp(-20.0, 20.0)) * C4_HZ * frame_secs;
        let decay_secs = exp2(volts(CV + DECAY).clamp(-20.0, 20.0)) * block.param(DECAY);
        let decay_secs = decay_secs.clamp(0.02, 60.0);
        // In octaves for an octave.
        let sooner = c(1.5 * moved(DAMPING));
        let softer = c(-2.5 * (1.0 - moved(BRIGHTNESS)));
        let (structure, place) = (moved(STRUCTURE), 0.02 + 0.48 * moved(POSITION));

        let tuned_to =
            [turns, frame_secs, decay_secs, sooner.first(), softer.first(), structure, place];
        if tuned_to == self.tuned_to {
            return;
        }
        self.tuned_to = tuned_to;
        let mut all = 0.0;
        for group in 0..MODE_GROUPS {
            let above = mode_octaves(structure, group);
            let mode_turns = exp2(above) * c(turns);
            let is_heard = c(HIGHEST_TURNS).at_least(mode_turns, c(1.0), c(0.0));
            let fall = exp2(above * sooner) * c(-FALL_OCTAVES * frame_secs / decay_secs);
            let turn = Turn::new(mode_turns.min(c(HIGHEST_TURNS)), exp2(fall.max(c(-100.0))));
            self.cosine[group] = turn.cosine;
            self.sine[group] = turn.sine;
            // As a string that is struck at that place.
            let along = Lanes::from_lanes(MODES[group]) * c(0.5 * place);
            let share = sine_of_turns(along) * exp2(above * softer) * is_heard;
            self.share[group] = share;
            all += share.abs().to_lanes().iter().sum::<f32>();
        }
        let scale = c(1.0 / all.max(0.05));
        for share in &mut self.share {
            *share = *share * scale;
        }
        // As much as keeps noise at its level.
        self.input_gain = 2.0 * (FALL_OCTAVES * frame_secs / decay_secs).min(0.25).sqrt();
    }

    #[inline(always)]
    fn run(&mut self, block: &Block, channel: usize) -> [f32; QUANTUM] {
        let frames = block.frames();
        let trigger = block.input(TRIGGER).channel(channel, frames.clone());
        let input = block.input(IN).channel(channel, frames.clone());
        let mut blows = [0.0; QUANTUM];
        let mut sums = [Lanes::default(); QUANTUM];
        let mut first = frames.start;
        let may_be_struck = !self.trigger.stays(&trigger[frames.clone()]);
        if may_be_struck || self.touch_step != 0.0 {
            for frame in frames.clone() {
                if self.trigger.rises(trigger[frame]) {
                    self.ring(&blows, first..frame, &mut sums);
                    first = frame;
                    self.strike(block, channel, frame);
                }
                let input = input[frame].clamp(-1e3, 1e3);
                blows[frame] = self.input_gain * input + self.touch();
            }
        } else {
            for frame in frames.clone() {
                blows[frame] = self.input_gain * input[frame].clamp(-1e3, 1e3);
            }
        }
        self.ring(&blows, first..frames.end, &mut sums);

        let mut out = [0.0; QUANTUM];
        for frame in frames {
            let volts: f32 = sums[frame].to_lanes().iter().sum();
            let is_loud = volts.abs() > KNEE_VOLTS;
            out[frame] = if is_loud { soft_clip(volts, KNEE_VOLTS, LIMIT_VOLTS) } else { volts };
        }
        out
    }

    /// All modes through some frames, eight at a time.
    #[inline(always)]
    fn ring(&mut self, blows: &[f32; QUANTUM], frames: Range<usize>, sums: &mut [Lanes; QUANTUM]) {
        let mut modes = [Spin::default(); MODE_GROUPS];
        let mut turns = [Turn::default(); MODE_GROUPS];
        for group in 0..MODE_GROUPS {
            modes[group] = Spin::of(self.across[group], self.up[group]);
            turns[group] = Turn { cosine: self.cosine[group], sine: self.sine[group] };
        }
        let shares = self.share;
        for frame in frames {
            let blow = Lanes::splat(blows[frame]);
            let mut sum = Lanes::splat(0.0);
            for group in 0..MODE_GROUPS {
                modes[group].push(blow * shares[group]);
                sum += modes[group].next(&turns[group]);
            }
            sums[frame] = sum;
        }
        for group in 0..MODE_GROUPS {
            [self.across[group], self.up[group]] = modes[group].parts();
        }
    }

    #[inline(always)]
    fn strike(&mut self, block: &Block, channel: usize, frame: usize) {
        self.tune(block, channel, frame);
        self.force = force(block.input(ACCENT), channel, frame);
        // A hard blow is over sooner.
        let mallet = block.param(MALLET);
        let octaves = MALLET_OCTAVES * mallet * self.force;
        let frames = SOFT_SECS * exp2(-octaves) * block.sample_rate_hz;
        self.touch_step = 1.0 / frames.max(1.0);
        // A soft mallet is heavy, so that what it leaves out is not missed.
        self.force *= 2.5 - 1.5 * mallet;
        // The middle of its first frame.
        self.touch = 0.5 * self.touch_step;
    }

    /// The mallet's push at the next frame: a hill whose area is its force.
    #[inline(always)]
    fn touch(&mut self) -> f32 {
        if self.touch_step == 0.0 {
            return 0.0;
        }
        let root = sine_of_triangle(1.0 - (2.0 * self.touch - 1.0).abs());
        let push = 2.0 * root * root * self.touch_step * self.force * AUDIO_VOLTS;
        self.touch += self.touch_step;
        if self.touch >= 1.0 {
            self.touch_step = 0.0;
        }
        push
    }
}

/// The sine of an angle in turns, from 0 up.
#[inline(always)]
fn sine_of_turns(turns: Lanes) -> Lanes {
    // A triangle that rises through 0 with the turn.
    let from_trough = turns + Lanes::splat(0.25);
    let saw = from_trough - from_trough.map(f32::floor);
    sine_of_triangle(Lanes::splat(1.0) - (saw * Lanes::splat(4.0) - Lanes::splat(2.0)).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz, power_spectrum};
    use sostenuto_dsp::units::hz_from_voct;

    fn struck(set: impl Fn(&mut Rig)) -> Vec<f32> {
        let mut rig = Rig::new::<Modal>(48_000.0);
        rig.feed("trigger", |_, frame| if frame < 48 { 10.0 } else { 0.0 });
        set(&mut rig);
        rig.run(96_000).main().to_vec()
    }

    fn peak(sound: &[f32]) -> f32 {
        sound.iter().fold(0.0, |peak, volts| volts.abs().max(peak))
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn every_body_is_in_tune() {
        for (structure, ratio) in
            [(0.0, 3.0), (0.25, 1.593), (0.5, 2.4), (0.75, 2.148), (1.0, 2.757)]
        {
            for voct in [-3.0, 0.0, 2.0] {
                let sound = struck(|rig| {
                    rig.set("structure", structure).feed("voct", move |_, _| voct);
                    rig.set("decay", 20.0).set("damping", 0.0).set("position", 0.3);
                });
                let hz = f64::from(hz_from_voct(voct));
                let lowest = cents(frequency_hz(&sound[4800..], 48_000.0, Some(hz)), hz);
                assert!(lowest.abs() < 0.1, "{structure}, {voct} V: {lowest} cents");
                let high = frequency_hz(&sound[4800..], 48_000.0, Some(ratio * hz));
                assert!(cents(high, ratio * hz).abs() < 1.0, "{structure}, {voct} V: {high} Hz");
            }
        }
    }

    #[test]
    fn the_lowest_mode_falls_by_60_db_and_damping_takes_the_high_ones_first() {
        let level = |sound: &[f32], hz: f64, from: usize| {
            let powers = power_spectrum(&sound[from..from + 16_384], 8.0);
            let bin = (hz * 16_384.0 / 48_000.0) as usize;
            powers[bin - 3..bin + 5].iter().sum::<f64>().sqrt()
        };
        let hz = f64::from(C4_HZ);
        for (damping, wanted) in [(0.0, 31.6), (1.0, 31.6f64.powf(3f64.powf(1.5)))] {
            let sound = struck(|rig| {
                rig.set("decay", 2.0).set("damping", damping).set("structure", 0.0);
            });
            let lowest = level(&sound, hz, 4800) / level(&sound, hz, 52_800);
            assert!((lowest / 31.6 - 1.0).abs() < 0.05, "{damping}: {lowest}");
            // A quarter of a second.
            let third = level(&sound, 3.0 * hz, 4800) / level(&sound, 3.0 * hz, 16_800);
            assert!((third / wanted.powf(0.25) - 1.0).abs() < 0.05, "{damping}: {third}");
        }
    }

    #[test]
    fn an_accent_is_louder_and_brighter() {
        let at = |volts: f32| {
            struck(|rig| {
                rig.feed("accent", move |_, _| volts);
            })
        };
        let slope = |sound: &[f32]| {
            rms(&sound.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()) / rms(sound)
        };
        let (soft, hard) = (at(0.0), at(10.0));
        assert!(rms(&hard) > 2.0 * rms(&soft));
        assert!(slope(&hard[..4800]) > 1.5 * slope(&soft[..4800]));
        assert!((1.5..6.0).contains(&peak(&hard)), "{}", peak(&hard));
    }

    #[test]
    fn struck_in_the_middle_a_string_has_no_even_modes() {
        let sound = struck(|rig| {
            rig.set("structure", 0.0).set("position", 1.0).set("brightness", 1.0);
        });
        let powers = power_spectrum(&sound[4096..69_632], 8.0);
        let at = |harmonic: f64| {
            let bin = (harmonic * f64::from(C4_HZ) * 65_536.0 / 48_000.0) as usize;
            powers[bin - 9..bin + 10].iter().sum::<f64>()
        };
        assert!(at(2.0) + at(4.0) < 1e-6 * (at(3.0) + at(5.0)));
    }

    #[test]
    fn noise_makes_it_ring_at_its_own_level_and_then_it_is_silent() {
        let mut rig = Rig::new::<Modal>(48_000.0);
        let mut random = sostenuto_dsp::random::Random::new(1);
        rig.set("decay", 1.0);
        rig.feed("in", move |_, frame| if frame < 96_000 { 5.0 * random.bipolar() } else { 0.0 });
        rig.run(48_000);
        let level = rms(rig.run(48_000).main());
        assert!((0.3..3.0).contains(&level), "{level}");
        let tail = rig.run(960_000);
        assert!(tail.main()[950_000..].iter().all(|&volts| volts == 0.0));
    }
}
