//! Comb filter: a delay so short that it is a pitch. Plucked strings, tubes, robots.
//!
//! What comes in goes round a tape as long as one cycle (Karplus and Strong,
//! "Digital synthesis of plucked-string and drum timbres", CMJ 7(2), 1983). What
//! the damping filter delays is taken off the tape, so that the pitch holds
//! (Jaffe and Smith, "Extensions of the Karplus-Strong plucked-string algorithm",
//! in the same issue).

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::ages::Ages;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::one_pole::{OnePole, OnePoles, coefficient};
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::tape_head::Place;
use sostenuto_dsp::units::{C4_HZ, CHANNELS, QUANTUM};
use sostenuto_dsp::{atan_fraction, dry_wet, exp2, hush, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::mix::mix;

const IN: usize = 0;
const VOCT: usize = 1;
const FEEDBACK_IN: usize = 2;
const DAMPING_IN: usize = 3;
const OUT: usize = 0;
const PITCH: usize = 0;
const FEEDBACK: usize = 1;
const DAMPING: usize = 2;
const MIX: usize = 3;

const LOWEST_HZ: f32 = 20.0;
/// The shortest cycle, in frames: damping takes a quarter of it at most, and the
/// head needs the rest.
const SHORTEST_FRAMES: f32 = 8.0;
/// The loop never gains: at most this much returns.
const MOST_FEEDBACK: f32 = 0.9995;
/// The loop is transparent up to here, and saturates beyond.
const KNEE_VOLTS: f32 = 6.0;
const LIMIT_VOLTS: f32 = 12.0;
/// From no damping to all of it: 24 kHz to 94 Hz.
const OPEN_HZ: f32 = 24_000.0;
const DAMPING_OCTAVES: f32 = 8.0;
/// A constant voltage is kept out of the loop, which would pile it up.
const REST_HZ: f32 = 5.0;

/// Sixteen combs. What goes round is on the tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Comb {
    damping: [OnePole; CHANNELS],
    rest: OnePoles,
    ages: Ages,
}

impl Module for Comb {
    const ABOUT: &'static About = &About {
        name: "comb",
        title: "Comb Filter",
        short: "Comb",
        summary: "Tuned resonator: feed it noise or clicks and play it like a string",
        aliases: &["resonator", "karplus"],
        tags: &[Tag::Filter, Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "The excitation: a click, a burst of noise or any sound"),
            port("voct", "Pitch CV, 1 V/octave, from the pitch knob").moves(
                "pitch",
                None,
                By::OctavePerVolt,
            ),
            port("feedback", "Feedback CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("damping", "Damping CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The resonance, mixed with the input")],
        params: &[
            Param::log(
                "pitch",
                LOWEST_HZ..=4000.0,
                C4_HZ,
                Unit::Hz,
                "The pitch of the resonance at 0 V of voct; C4 is 261.63 Hz",
            ),
            Param::linear(
                "feedback",
                -1.0..=1.0,
                0.85,
                Unit::None,
                "Ring time: almost none at 0; at 1, seconds for high pitches and a minute for low \
                 ones. Negative values sound hollow, an octave lower",
            ),
            Param::linear(
                "damping",
                0.0..=1.0,
                0.2,
                Unit::Fraction,
                "How much faster overtones fade: 0 is metal, 1 is wool",
            ),
            mix(1.0),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![(sample_rate_hz / LOWEST_HZ) as usize + 4; CHANNELS]
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.damping, &channels);
        clear(&mut self.rest, &channels);
        self.ages.begin(&channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, VOCT, FEEDBACK_IN, DAMPING_IN]);
        let knobs = Knobs {
            pitch_hz: block.ramp(PITCH).frames(),
            feedback: block.ramp(FEEDBACK).frames(),
            damping: block.ramp(DAMPING).frames(),
            mix: block.ramp(MIX).frames(),
            rest: coefficient(REST_HZ, block.sample_rate_hz),
        };
        each_group!(channels, |L, group| self.ring::<L, { L::WIDTH }>(block, group, &knobs));
    }
}

/// How much further a reading looks than the place between two frames.
const READ_FRAMES: f32 = 3.0;

/// What all channels share.
struct Knobs {
    pitch_hz: [f32; QUANTUM],
    feedback: [f32; QUANTUM],
    damping: [f32; QUANTUM],
    mix: [f32; QUANTUM],
    rest: f32,
}

impl Comb {
    #[inline(always)]
    fn ring<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let [input, voct, feedback_in, damping_in] =
            [IN, VOCT, FEEDBACK_IN, DAMPING_IN].map(|port| block.input(port));
        let rate_hz = block.sample_rate_hz;
        for frame in block.frames() {
            let octaves = voct.get::<L>(group, frame).clamp(-20.0, 20.0);
            let pitch_hz = exp2(octaves) * L::splat(knobs.pitch_hz[frame]);
            let pitch_hz = pitch_hz.clamp(LOWEST_HZ, rate_hz / SHORTEST_FRAMES);
            let damping = damping_in.get::<L>(group, frame) * L::splat(0.1);
            let damping = (damping + L::splat(knobs.damping[frame])).clamp(0.0, 1.0);
            let tuning = Tuning::new(pitch_hz, damping, rate_hz);
            let feedback = feedback_in.get::<L>(group, frame) * L::splat(0.1);
            let feedback = returned(feedback + L::splat(knobs.feedback[frame]));
            // A long ring adds up: at equal energy it starts softer.
            let entry = (L::splat(1.0) - feedback * feedback).map(f32::sqrt);

            let dry = input.get::<L>(group, frame).clamp(-1e3, 1e3);
            let sent = (self.rest.highpass(group, dry, knobs.rest) * entry).to_lanes();
            let (feedback, smooth) = (feedback.to_lanes(), tuning.smooth.to_lanes());
            let delay_frames = tuning.delay_frames.to_lanes();
            let mut heard = [0.0; LANES];
            for lane in 0..N {
                let tape = (group * LANES + lane) % CHANNELS;
                let round = if self.ages.reach(tape, delay_frames[lane] + READ_FRAMES) {
                    Place::new(delay_frames[lane]).read(&block.tapes, tape, frame)
                } else {
                    0.0
                };
                self.ages.next(tape);
                let damped = self.damping[tape].lowpass(round, smooth[lane]);
                let kept = feedback[lane] * soft_clip(damped, KNEE_VOLTS, LIMIT_VOLTS);
                heard[lane] = hush(sent[lane] + kept);
                block.tapes.write(tape, frame, heard[lane]);
            }
            let (dry_gain, wet_gain) = dry_wet(knobs.mix[frame]);
            let out = dry * L::splat(dry_gain) + L::from_lanes(heard) * L::splat(wet_gain);
            block.output(OUT).put(group, frame, out);
        }
    }
}

/// A knob's way, with its last stretch drawn out: half way up 75 % return.
#[inline(always)]
fn returned<L: Lane>(knob: L) -> L {
    let knob = knob.clamp(-1.0, 1.0);
    let gain = knob * (L::splat(2.0) - knob.abs());
    gain.clamp(-MOST_FEEDBACK, MOST_FEEDBACK)
}

/// How long the tape is, and how the damping smooths.
struct Tuning<L> {
    delay_frames: L,
    smooth: L,
}

impl<L: Lane> Tuning<L> {
    #[inline(always)]
    fn new(pitch_hz: L, damping: L, rate_hz: f32) -> Tuning<L> {
        const OCTAVES: f32 = std::f32::consts::TAU * std::f32::consts::LOG2_E;
        let c = L::splat;
        let open = exp2(damping * c(-DAMPING_OCTAVES)) * c(-OCTAVES * OPEN_HZ / rate_hz);
        let kept = exp2(open);
        // Undamped it lets everything pass.
        let kept = kept * (damping * c(20.0)).min(c(1.0));
        // A one-pole's phase at the pitch, as a part of a turn.
        let quarters = pitch_hz * c(4.0 / rate_hz);
        let sine = sine_of_triangle(quarters);
        let cosine = sine_of_triangle(c(1.0) - quarters);
        let late_turns =
            atan_fraction(kept * sine, c(1.0) - kept * cosine) * c(1.0 / std::f32::consts::TAU);
        Tuning {
            delay_frames: (c(1.0) - late_turns) / pitch_hz * c(rate_hz),
            smooth: c(1.0) - kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz};

    const RATE_HZ: f32 = 48_000.0;

    fn plucked(pitch_hz: f32, feedback: f32, damping: f32) -> Rig {
        let mut rig = Rig::new::<Comb>(RATE_HZ);
        rig.set("pitch", pitch_hz).set("feedback", feedback).set("damping", damping);
        rig.feed("in", |_, frame| if frame == 10 { 5.0 } else { 0.0 });
        rig
    }

    #[test]
    fn it_is_in_tune_however_it_is_damped() {
        for pitch_hz in [30.0, 110.0, 440.0, 1000.3, 2000.0, 3900.0f32] {
            // Further damped it does not ring long enough to be measured.
            let rings = |damping: &f32| 24_000.0 * (-8.0 * damping).exp2() > 6.0 * pitch_hz;
            for damping in [0.0, 0.03, 0.2, 0.4, 0.6].into_iter().filter(rings) {
                let mut rig = plucked(pitch_hz, 1.0, damping);
                let sound = rig.run(16_000);
                let found = frequency_hz(
                    &sound.main()[400..],
                    f64::from(RATE_HZ),
                    Some(f64::from(pitch_hz)),
                );
                let error = cents(found, f64::from(pitch_hz));
                assert!(error.abs() < 1.0, "{pitch_hz} Hz, damped {damping}: {error} cents");
            }
        }
    }

    #[test]
    fn a_volt_is_an_octave() {
        let mut by_volts = plucked(200.0, 0.9, 0.3);
        by_volts.feed("voct", |_, _| 2.0);
        assert_eq!(by_volts.run(4000).main(), plucked(800.0, 0.9, 0.3).run(4000).main());
    }

    #[test]
    fn each_round_is_as_much_softer_as_the_feedback_says() {
        // Half way up: 75 % return. A cycle of 100 frames is read without blur.
        let sound = plucked(480.0, 0.5, 0.0).run(1000);
        let (first, second) = (sound.main()[110], sound.main()[210]);
        assert!((second / first - 0.75).abs() < 1e-3, "{first} {second}");
        let hollow = plucked(480.0, -0.5, 0.0).run(1000);
        assert!((hollow.main()[110] / first + 1.0).abs() < 5e-3, "{}", hollow.main()[110]);
    }

    #[test]
    fn damping_takes_the_overtones_first() {
        let part = |damping: f32, hz: f64| {
            let sound = plucked(480.0, 0.95, damping).run(24_000);
            sostenuto_dsp::response::gain_at(sound.main(), hz, f64::from(RATE_HZ))
        };
        let fall_db = |damping| 20.0 * (part(damping, 480.0) / part(damping, 4800.0)).log10();
        assert!(fall_db(0.0) < 1.0, "{}", fall_db(0.0));
        assert!(fall_db(0.2) > 12.0, "{}", fall_db(0.2));
        let further_db = 20.0 * (part(0.2, 4800.0) / part(0.5, 4800.0)).log10();
        assert!(further_db > 6.0, "{further_db}");
    }

    #[test]
    fn it_stays_bounded_and_dies_away_into_silence() {
        let mut rig = plucked(1000.0, 1.0, 0.0);
        rig.feed("in", |_, frame| match frame {
            0..48_000 => {
                if frame / 24 % 2 == 0 {
                    12.0
                } else {
                    -12.0
                }
            }
            48_000..48_100 => f32::MAX,
            _ => 0.0,
        });
        let out = rig.run(60_000);
        assert!(out.main()[..48_000].iter().all(|volts| volts.abs() < 30.0));
        let out = rig.set("feedback", 0.5).run(96_000);
        assert!(out.main()[95_000..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn sixteen_strings_are_sixteen_combs() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Comb>(RATE_HZ);
            rig.feed_channels("in", channels, |_, frame| if frame % 700 == 0 { 5.0 } else { 0.0 });
            rig.feed_channels("voct", channels, move |c, _| (c + first) as f32 / 7.0);
            rig.feed_channels("damping", channels, move |c, _| (c + first) as f32 / 3.0);
            rig
        };
        let together = rig(16, 0).run(2000);
        for channel in 0..16 {
            assert_eq!(together.channel("out", channel), rig(1, channel).run(2000).main());
        }
    }
}
