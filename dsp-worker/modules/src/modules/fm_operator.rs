//! FM Operator: four sines that bend each other's phase, in eight ways. Bells,
//! electric pianos, basses and brass of the 1980s, without their hiss. See
//! [`sostenuto_dsp::operators`].

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::envelopes::{Envelope, Shape};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::Gates;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::operators::{ALGORITHM_NAMES, OPERATORS, Operators, Task};
use sostenuto_dsp::phase;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, QUANTUM};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Port, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;
use crate::parts::rows::rows;

const VOCT: usize = 0;
const GATE: usize = 1;
const BRIGHTNESS_IN: usize = 2;
const LEVEL_IN: usize = 3;

const ALGORITHM: usize = 0;
const BRIGHTNESS: usize = 1;
const OCTAVE: usize = 2;
const TUNE: usize = 3;
const OVERSAMPLE: usize = 4;
const FIRST_OPERATOR: usize = 5;
/// Params of one operator, in this order.
const RATIO: usize = 0;
const FINE: usize = 1;
const LEVEL: usize = 2;
const FEEDBACK: usize = 3;
const ATTACK: usize = 4;
const DECAY: usize = 5;
const SUSTAIN: usize = 6;
const RELEASE: usize = 7;
const OPERATOR_PARAMS: usize = 8;

const RATIO_NAMES: [&str; 24] = [
    "1/8", "1/4", "1/2", "3/4", "1", "5/4", "4/3", "3/2", "2", "5/2", "3", "7/2", "4", "5", "6",
    "7", "8", "9", "10", "11", "12", "13", "14", "16",
];
const RATIOS: [f32; RATIO_NAMES.len()] = [
    0.125,
    0.25,
    0.5,
    0.75,
    1.0,
    1.25,
    4.0 / 3.0,
    1.5,
    2.0,
    2.5,
    3.0,
    3.5,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    9.0,
    10.0,
    11.0,
    12.0,
    13.0,
    14.0,
    16.0,
];
const UNISON: usize = 4;

/// Far beyond hearing, in octaves from C4.
const MAX_PITCH: f32 = 24.0;

/// All that an FM Operator remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FmOperator {
    operators: Operators,
    envelopes: [Envelope; OPERATORS],
    gates: Gates,
}

const fn level(name: &'static str) -> Port {
    port(name, "Operator level CV, up to audio rate; 10 V covers the full range")
        .moves_own(By::TenthPerVolt)
}

macro_rules! operator_params {
    ($($n:literal, $level:literal;)*) => {
        [
            Param::choice(
                "algorithm",
                &ALGORITHM_NAMES,
                4,
                "The modulation routing: 2-1 means that 2 modulates 1. The last of each chain is \
                 heard",
            ),
            Param::linear(
                "brightness",
                0.0..=2.0,
                1.0,
                Unit::None,
                "Scales all modulation between operators: the brightness of the whole sound",
            ),
            pitch::OCTAVE,
            pitch::TUNE,
            Param::choice(
                "oversample",
                &["2x", "4x"],
                0,
                "4x keeps stacks and feedback clean up to the highest notes, at twice the CPU cost",
            ).steady(),
            $(
                Param::choice(
                    concat!("ratio-", $n),
                    &RATIO_NAMES,
                    UNISON,
                    concat!("Frequency of operator ", $n, ", as a multiple of the pitch"),
                ),
                Param::linear(
                    concat!("fine-", $n),
                    -12.0..=12.0,
                    0.0,
                    Unit::Semitones,
                    concat!("Detunes operator ", $n, " from its ratio; bells lie in between"),
                ),
                Param::linear(
                    concat!("level-", $n),
                    0.0..=1.0,
                    $level,
                    Unit::Fraction,
                    concat!(
                        "Level of operator ", $n, ": its loudness, or how strongly it modulates others",
                    ),
                )
                .steady(),
                Param::linear(
                    concat!("feedback-", $n),
                    0.0..=1.0,
                    0.0,
                    Unit::Fraction,
                    concat!(
                        "Self-modulation of operator ", $n, ": a saw at 0.5, noise at 1",
                    ),
                ),
                Param::log(
                    concat!("attack-", $n),
                    0.001..=10.0,
                    0.001,
                    Unit::Secs,
                    concat!("Operator ", $n, " attack: the time to rise as a gate begins"),
                ),
                Param::log(
                    concat!("decay-", $n),
                    0.005..=20.0,
                    1.0,
                    Unit::Secs,
                    concat!("Operator ", $n, " decay: the time to fall to the sustain level"),
                ),
                Param::linear(
                    concat!("sustain-", $n),
                    0.0..=1.0,
                    1.0,
                    Unit::Fraction,
                    concat!("Operator ", $n, " sustain: the level while the gate is on"),
                ),
                Param::log(
                    concat!("release-", $n),
                    0.005..=20.0,
                    0.1,
                    Unit::Secs,
                    concat!("Operator ", $n, " release: the time to fall to silence after the gate"),
                ),
            )*
        ]
    };
}

impl Module for FmOperator {
    const ABOUT: &'static About = &About {
        name: "fm-operator",
        title: "FM Operator",
        short: "FM Op",
        summary: "Four operators that modulate each other: bells, electric pianos, basses, brass",
        aliases: &["dx7", "frequency modulation", "e-piano"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &rows![
            pitch::VOCT,
            port("gate", "Starts the four envelopes. Unpatched, the operators sound continuously"),
            port("brightness", "Brightness CV: each volt adds 0.1").moves_own(By::TenthPerVolt),
            level("level-", 1..=4),
        ],
        outputs: &[port("out", "The sum of the audible operators, ±5 V")],
        params: &operator_params! { 1, 1.0; 2, 0.4; 3, 0.7; 4, 0.3; },
        face: &[
            Part::Row(&[
                Part::Param("algorithm"),
                Part::Param("brightness"),
                Part::Param("octave"),
                Part::Param("tune"),
                Part::Param("oversample"),
            ]),
            Part::Strips(
                4,
                &[
                    Part::Param("ratio-#"),
                    Part::Row(&[Part::Small("fine-#"), Part::Small("feedback-#")]),
                    Part::Row(&[Part::Small("level-#"), Part::Input("level-#")]),
                    Part::Row(&[Part::Small("attack-#"), Part::Small("decay-#")]),
                    Part::Row(&[Part::Small("sustain-#"), Part::Small("release-#")]),
                ],
            ),
        ],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.envelopes, &channels);
        clear(&mut self.gates, &channels);
        self.operators.forget(&channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        const L: usize = LEVEL_IN;
        let channels = block.channels(&[VOCT, GATE, BRIGHTNESS_IN, L, L + 1, L + 2, L + 3]);
        if block.starts_quantum() {
            self.operators.aim(block.choice(ALGORITHM));
        }
        let knobs: [Knobs; OPERATORS] = std::array::from_fn(|n| Knobs::of(block, n));
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group, &knobs));
    }
}

/// What the params of an operator say.
struct Knobs {
    ratio: f32,
    fine: Ramp,
    level: [f32; QUANTUM],
    feedback: [f32; QUANTUM],
    shape: Shape,
}

impl Knobs {
    #[inline(always)]
    fn of(block: &Block, operator: usize) -> Knobs {
        let first = FIRST_OPERATOR + operator * OPERATOR_PARAMS;
        let [attack, decay, sustain, release] =
            [ATTACK, DECAY, SUSTAIN, RELEASE].map(|param| block.param(first + param));
        Knobs {
            ratio: RATIOS[block.choice(first + RATIO) % RATIOS.len()],
            fine: block.ramp(first + FINE),
            level: block.ramp(first + LEVEL).frames(),
            feedback: block.ramp(first + FEEDBACK).frames(),
            shape: Shape::new(attack, decay, sustain, release, block.sample_rate_hz),
        }
    }
}

impl FmOperator {
    #[inline(always)]
    fn run<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        knobs: &[Knobs; OPERATORS],
    ) {
        let (octave, tune) = (block.param(OCTAVE), block.ramp(TUNE));
        let brightness_knob = block.ramp(BRIGHTNESS);
        let (voct, gate) = (block.input(VOCT), block.input(GATE));
        let brightness_in = block.input(BRIGHTNESS_IN);
        let levels: [_; OPERATORS] = std::array::from_fn(|n| block.input(LEVEL_IN + n));
        let is_fourfold = block.is_on(OVERSAMPLE);
        let c4_turns = if is_fourfold { 0.25 } else { 0.5 } * C4_HZ / block.sample_rate_hz;
        let frames = block.frames();
        let out = block.output(0);
        let c = L::splat;

        let is_tuned = knobs.iter().all(|knobs| knobs.fine.is_still()) && tune.is_still();
        let keeps_pitch = is_tuned && voct.is_steady::<L>(group, frames.clone());
        let mut tasks = [Task { step: [0; N], gain: c(0.0), feedback: 0.0 }; OPERATORS];
        for frame in frames.clone() {
            if frame == frames.start || !keeps_pitch {
                let pitch = octave + tune.at(frame) * (1.0 / 12.0);
                let pitch = (voct.get::<L>(group, frame) + c(pitch)).clamp(-MAX_PITCH, MAX_PITCH);
                let turns = exp2(pitch) * c(c4_turns);
                for (task, knobs) in tasks.iter_mut().zip(knobs) {
                    let ratio = knobs.ratio * exp2(knobs.fine.at(frame) * (1.0 / 12.0));
                    // In f64 there, so that whole ratios stay whole.
                    task.step = phase::steps_per_frame::<L, N>(turns, c(ratio - 1.0), 1.0);
                }
            }
            let gates = self.gates.follow(group, gate.get::<L>(group, frame));
            let brightness = brightness_in.get::<L>(group, frame) * c(0.1);
            let brightness = (brightness + c(brightness_knob.at(frame))).clamp(0.0, 2.0);

            for (n, (task, knobs)) in tasks.iter_mut().zip(knobs).enumerate() {
                let envelope = self.envelopes[n].next(group, gates, &knobs.shape);
                let level = levels[n].get::<L>(group, frame) * c(0.1) + c(knobs.level[frame]);
                let level = level.clamp(0.0, 1.0);
                let feedback = knobs.feedback[frame];
                let envelope = if gate.is_patched() { envelope } else { c(1.0) };
                task.gain = level * level * envelope;
                task.feedback = feedback * feedback;
            }
            let heard = self.operators.next(group, frame, &tasks, brightness, is_fourfold);
            out.put(group, frame, heard * c(AUDIO_VOLTS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape as Series, alias, cents, coherent_hz, frequency_hz};

    const RATE_HZ: f64 = 48_000.0;

    fn operator_at(hz: f64) -> Rig {
        let mut rig = Rig::new::<FmOperator>(RATE_HZ as f32);
        let voct = (hz / f64::from(C4_HZ)).log2() as f32;
        rig.feed("voct", move |_, _| voct);
        rig
    }

    #[test]
    fn deep_fm_is_clean() {
        for (near_hz, level, ratio) in
            [(261.6, 1.0, "2"), (1001.0, 0.8, "1"), (2500.0, 0.6, "2"), (4999.0, 0.5, "1")]
        {
            let hz = coherent_hz(near_hz, RATE_HZ);
            let mut rig = operator_at(hz);
            rig.choose("algorithm", "4-3-2-1").set("level-2", level).choose("ratio-2", ratio);
            rig.set("level-3", 0.0);
            let found = alias(rig.run(80_000).main(), RATE_HZ, hz, 1, Series::Any);
            assert!(found.alias_20k_db < -115.0, "{near_hz} Hz: {found:?}");
            assert!(found.thd_db > -3.0, "{near_hz} Hz: {found:?}");
        }
    }

    #[test]
    fn a_stack_of_three_is_clean() {
        for (near_hz, oversample, limit_db) in
            [(261.6, "2x", -110.0), (1001.0, "2x", -110.0), (2500.0, "4x", -80.0)]
        {
            let hz = coherent_hz(near_hz, RATE_HZ);
            let mut rig = operator_at(hz);
            rig.choose("oversample", oversample);
            rig.choose("algorithm", "4-3-2-1").set("level-2", 0.5).set("level-3", 0.4);
            let found = alias(rig.run(80_000).main(), RATE_HZ, hz, 1, Series::Any);
            assert!(found.alias_20k_db < limit_db, "{near_hz} Hz: {found:?}");
        }
    }

    #[test]
    fn feedback_makes_a_saw_and_little_else() {
        for (near_hz, limit_db) in [(261.6, -90.0), (1001.0, -80.0), (2500.0, -60.0)] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            let mut rig = operator_at(hz);
            rig.choose("algorithm", "1 + 2 + 3 + 4").set("feedback-1", 0.5);
            rig.set("level-2", 0.0).set("level-3", 0.0).set("level-4", 0.0);
            let found = alias(rig.run(80_000).main(), RATE_HZ, hz, 1, Series::Any);
            assert!(found.alias_20k_db < limit_db, "{near_hz} Hz: {found:?}");
            assert!(found.thd_db > -14.0, "{near_hz} Hz: {found:?}");
        }
    }

    #[test]
    fn ratio_and_fine_set_the_frequency() {
        let mut rig = operator_at(440.0);
        rig.choose("algorithm", "1 + 2 + 3 + 4").set("level-1", 0.0).set("level-2", 1.0);
        rig.set("level-3", 0.0).set("level-4", 0.0);
        rig.choose("ratio-2", "5/2").set("fine-2", -7.0);
        let ideal_hz = 440.0 * 2.5 * 2f64.powf(-7.0 / 12.0);
        let found_hz = frequency_hz(&rig.run(50_000).main()[1000..], RATE_HZ, None);
        assert!(cents(found_hz, ideal_hz).abs() < 1e-3, "{found_hz} Hz");
    }

    /// Chowning: sidebands are Bessel functions of the index. Where J₀ is 0, the
    /// carrier is gone.
    #[test]
    fn the_index_is_what_the_level_says() {
        let index = 2.404_826f32;
        let mut rig = operator_at(1000.0);
        rig.choose("algorithm", "4-3-2-1").set("level-3", 0.0).choose("ratio-2", "1/8");
        rig.set("level-2", (index / (2.0 * std::f32::consts::TAU)).sqrt());
        let out = rig.run(49_000);
        let gain = sostenuto_dsp::response::gain_at;
        let sound = &out.main()[1000..];
        let carrier = gain(sound, 1000.0, RATE_HZ) / 24_000.0;
        let sideband = gain(sound, 1125.0, RATE_HZ) / 24_000.0;
        assert!(carrier < 1e-3, "{carrier} V");
        // J₁(2.4048) = 0.51915.
        assert!((sideband / 5.0 - 0.519_15).abs() < 1e-3, "{sideband} V");
    }

    #[test]
    fn a_gate_opens_the_envelopes() {
        let mut rig = operator_at(440.0);
        rig.feed("gate", |_, frame| if (4800..9600).contains(&frame) { 10.0 } else { 0.0 });
        rig.set("release-1", 0.1).set("release-3", 0.1);
        let out = rig.run(24_000);
        let peak = |frames: std::ops::Range<usize>| {
            out.main()[frames].iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()))
        };
        assert!(peak(0..4800) < 1e-6 && peak(5000..9600) > 2.0 && peak(19_200..24_000) < 1e-3);
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<FmOperator>(RATE_HZ as f32);
            rig.choose("algorithm", "(4+3-2)-1").set("feedback-3", 0.7);
            rig.feed_channels("voct", channels, move |channel, _| (channel + first) as f32 * 0.1);
            rig.feed("level-2", |_, frame| (frame % 100) as f32 * 0.1);
            rig.feed("gate", |_, frame| if frame % 300 < 200 { 10.0 } else { 0.0 });
            rig
        };
        let together = rig(16, 0).run(500);
        let one_by_one = rig(16, 0).frame_by_frame().run(500);
        for channel in 0..16 {
            let alone = rig(1, channel).run(500);
            assert_eq!(together.channel("out", channel), one_by_one.channel("out", channel));
            assert_eq!(together.channel("out", channel), alone.channel("out", 0));
        }
    }
}
