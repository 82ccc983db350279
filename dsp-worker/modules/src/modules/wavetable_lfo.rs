//! Wavetable LFO: a slow wave of any shape, four times around its circle, in
//! step with a clock where there is one.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::clock_phase::ClockPhase;
use sostenuto_dsp::exp2;
use sostenuto_dsp::phase;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::ratio::{AS_THE_CLOCK, RATIO_NAMES, RATIOS};
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::shapes;
use sostenuto_dsp::units::{AUDIO_VOLTS, CHANNELS, CLOCK_HZ};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::sweep;

const RATE_IN: usize = 0;
const SHAPE_IN: usize = 1;
const PHASE_IN: usize = 2;
const CLOCK: usize = 3;
const RESET: usize = 4;

const RATE: usize = 0;
const RATE_AMOUNT: usize = 1;
const RATIO: usize = 2;
const SHAPE: usize = 3;
const SHAPE_AMOUNT: usize = 4;
const PHASE: usize = 5;
const RANGE: usize = 6;

const UNIPOLAR: usize = 1;

/// Outputs, a quarter turn apart.
const QUARTERS: usize = 4;
/// Beyond any rate that is of use, in octaves; within what [`exp2`] takes.
const MAX_OCTAVES: f32 = 30.0;

/// All that a Wavetable LFO remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct WavetableLfo {
    /// 2^64 to a turn, so that an hour's cycle is as true as a second's.
    phases: [u64; CHANNELS],
    clock: ClockPhase,
    resets: [Schmitt; CHANNELS],
}

impl Module for WavetableLfo {
    const ABOUT: &'static About = &About {
        name: "wavetable-lfo",
        title: "Wavetable LFO",
        short: "WT LFO",
        summary: "A slow wave of any shape with four phase outputs, free or clocked",
        aliases: &["modulation"],
        tags: &[Tag::Modulator, Tag::Polyphonic],
        inputs: &[
            sweep::RATE,
            port("shape", "Shape CV: each volt adds 10 %, scaled by shape-amount").moves(
                "shape",
                Some("shape-amount"),
                By::TenthPerVolt,
            ),
            port("phase", "Phase CV: each volt adds 10 % of a cycle").moves_own(By::TenthPerVolt),
            port("clock", "While patched, this clock sets the rate, at the set ratio"),
            port("reset", "A trigger or gate restarts the cycle"),
        ],
        outputs: &[
            port("out", "The wave, ±5 V or 0 to 10 V"),
            port("quarter", "The wave, a quarter cycle ahead"),
            port("half", "The wave, half a cycle ahead"),
            port("three-quarters", "The wave, three quarters of a cycle ahead"),
        ],
        params: &[
            Param::log(
                "rate",
                0.001..=100.0,
                CLOCK_HZ,
                Unit::Hz,
                "Cycles per second at 0 V of rate CV, while clock is unpatched",
            ),
            sweep::RATE_AMOUNT,
            Param::choice("ratio", &RATIO_NAMES, AS_THE_CLOCK, "Cycles per clock"),
            Param::linear(
                "shape",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "From sine through triangle, rising saw, falling saw, square, stairs and pluck to \
                 heartbeat, with everything in between",
            ),
            Param::linear(
                "shape-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "Depth of the shape CV: at 1, 10 V covers all shapes; negative values invert it",
            )
            .labelled("shp amt"),
            Param::linear(
                "phase",
                0.0..=1.0,
                0.0,
                Unit::Turns,
                "The phase after a reset or a clock",
            ),
            Param::choice(
                "range",
                &["bipolar", "unipolar"],
                0,
                "Bipolar is ±5 V, unipolar is 0 to 10 V",
            ),
        ],
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.clock.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[RATE_IN, SHAPE_IN, PHASE_IN, RESET]);
        let ratio = RATIOS[block.choice(RATIO) % RATIOS.len()];
        for frame in block.frames() {
            let by_clock =
                self.clock.next(block.input(CLOCK).at(0, frame), ratio, block.sample_rate_hz);
            let by_clock = if block.input(CLOCK).is_patched() { by_clock } else { None };
            for channel in 0..channels {
                self.turn(block, channel, frame, by_clock);
            }
        }
    }
}

impl WavetableLfo {
    #[inline(always)]
    fn turn(&mut self, block: &mut Block, channel: usize, frame: usize, by_clock: Option<u64>) {
        if self.resets[channel].rises(block.input(RESET).at(channel, frame)) {
            self.phases[channel] = 0;
        }
        let ahead = block.ramp(PHASE).at(frame) + 0.1 * block.input(PHASE_IN).at(channel, frame);
        // Wrapped to 0 to 1: a volt more turns on.
        let ahead = ahead.clamp(-1e3, 1e3);
        let ahead = phase::from_unipolar_turns::<f32, 1>(ahead - ahead.floor())[0] as u32;
        let phase = ((self.phases[channel] >> 32) as u32).wrapping_add(ahead);

        let more = block.input(SHAPE_IN).at(channel, frame) * block.ramp(SHAPE_AMOUNT).at(frame);
        let shape = block.ramp(SHAPE).at(frame) + 0.1 * more;
        let centre = if block.choice(RANGE) == UNIPOLAR { AUDIO_VOLTS } else { 0.0 };
        for quarter in 0..QUARTERS {
            let phase = phase.wrapping_add((quarter as u32) << 30);
            let volts = AUDIO_VOLTS * shapes::between(shape, phase) + centre;
            block.output(quarter).set(channel, frame, volts);
        }

        let step = by_clock.unwrap_or_else(|| {
            let octaves =
                block.input(RATE_IN).at(channel, frame) * block.ramp(RATE_AMOUNT).at(frame);
            let ratio = exp2(octaves.clamp(-MAX_OCTAVES, MAX_OCTAVES));
            let turns = ratio * (block.ramp(RATE).at(frame) / block.sample_rate_hz);
            phase::long_steps_per_frame::<f32, 1>(turns)[0]
        });
        self.phases[channel] = self.phases[channel].wrapping_add(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn four_outputs_are_a_quarter_turn_apart() {
        let mut rig = Rig::new::<WavetableLfo>(8.0);
        let out = rig.set("rate", 1.0).set("shape", 2.0 / 7.0).run(8);
        let saw = [-5.0, -3.75, -2.5, -1.25, 0.0, 1.25, 2.5, 3.75];
        for (quarter, output) in ["out", "quarter", "half", "three-quarters"].iter().enumerate() {
            for frame in 0..8 {
                let expected = saw[(frame + 2 * quarter) % 8];
                assert!(
                    (out.channel(output, 0)[frame] - expected).abs() < 1e-4,
                    "{output} {frame}"
                );
            }
        }
    }

    #[test]
    fn phase_and_shape_follow_their_volts() {
        let mut rig = Rig::new::<WavetableLfo>(8.0);
        rig.set("rate", 1.0).choose("range", "unipolar").set("phase", 0.25);
        rig.feed("phase", |_, _| -5.0).feed("shape", |_, _| 20.0 / 7.0);
        // A rising saw, three quarters on.
        assert!((rig.run(1).main()[0] - 7.5).abs() < 1e-4);
    }

    #[test]
    fn a_clock_sets_the_rate_and_the_phase() {
        let saw_at_clocks = |ratio: &str| {
            let mut rig = Rig::new::<WavetableLfo>(48_000.0);
            rig.choose("ratio", ratio).set("shape", 2.0 / 7.0);
            rig.feed("clock", |_, frame| if frame % 1000 < 10 { 10.0 } else { 0.0 });
            rig.feed("reset", |_, frame| if frame == 2000 { 10.0 } else { 0.0 });
            let out = rig.run(100_000).main().to_vec();
            (3..100).map(|clock| out[clock * 1000] / 10.0 + 0.5).collect::<Vec<f32>>()
        };
        for (ratio, turns) in [("×1", 1.0), ("÷4", 0.25), ("×3/2", 1.5), ("×16", 16.0)] {
            for (n, phase) in saw_at_clocks(ratio).into_iter().enumerate() {
                let late = phase - (n + 1) as f32 * turns;
                assert!((late - late.round()).abs() < 1e-3, "{ratio}: {phase} at {n}");
            }
        }
    }

    #[test]
    fn channel_by_channel_it_is_the_same() {
        let volts = |channel: usize, frame: u64| (frame as f32 * 0.01).sin() + channel as f32 * 0.3;
        let mut rig = Rig::new::<WavetableLfo>(1000.0);
        let together = rig.set("rate", 7.0).feed_channels("rate", 16, volts).run(300);
        for channel in 0..16 {
            let mut rig = Rig::new::<WavetableLfo>(1000.0);
            let alone = rig.set("rate", 7.0).feed("rate", move |_, n| volts(channel, n)).run(300);
            assert_eq!(together.channel("half", channel), alone.channel("half", 0));
        }
    }
}
