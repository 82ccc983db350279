//! LFO: a slow wave that moves other modules' knobs.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::clock_phase::ClockPhase;
use sostenuto_dsp::exp2;
use sostenuto_dsp::lane::{LANES, Lane, each};
use sostenuto_dsp::phase::{self, Phases};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::ratio::{AS_THE_CLOCK, RATIO_NAMES, RATIOS};
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::{
    AUDIO_VOLTS, CHANNELS, CLOCK_HZ, QUANTUM, SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS,
};

use crate::Module;
use crate::module::{About, Block, Curve, Role, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::sweep;

const RATE_IN: usize = 0;
const RESET: usize = 1;
const PULSE_WIDTH_IN: usize = 2;
const CLOCK: usize = 3;

const SINE: usize = 0;
const TRIANGLE: usize = 1;
const SAW: usize = 2;
const SQUARE: usize = 3;

const RATE: usize = 0;
const RATE_AMOUNT: usize = 1;
const PULSE_WIDTH: usize = 2;
const PHASE: usize = 3;
const RANGE: usize = 4;
const PULSE_WIDTH_AMOUNT: usize = 5;
const RATIO: usize = 6;

const UNIPOLAR: usize = 1;

/// Beyond any rate that is of use, in octaves; within what [`exp2`] takes.
const MAX_OCTAVES: f32 = 30.0;

/// All that an LFO remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Lfo {
    /// 2^64 to a turn, so that an hour's cycle is as true as a second's.
    phase: [u64; CHANNELS],
    /// 1 while reset is on, else 0.
    is_reset: [f32; CHANNELS],
    clock: ClockPhase,
}

impl Module for Lfo {
    const ABOUT: &'static About = &About {
        name: "lfo",
        title: "LFO",
        summary: "A slow sine, triangle, saw and square that modulate other modules",
        aliases: &["vibrato", "tremolo", "wobble", "modulation"],
        tags: &[Tag::Modulator, Tag::Polyphonic],
        inputs: &[
            sweep::RATE,
            port("reset", "A trigger or gate restarts the cycle"),
            port(
                "pulse-width",
                "Pulse width CV: each volt adds 10 %, scaled by pulse-width-amount",
            )
            .moves("pulse-width", Some("pulse-width-amount"), By::TenthPerVolt),
            port(
                "clock",
                "While patched, this clock sets the rate, at the set ratio; without clocks the \
                 wave stops",
            ),
        ],
        outputs: &[
            port("sine", "Sine, ±5 V or 0 to 10 V; starts at its centre, rising"),
            port("triangle", "Triangle, ±5 V or 0 to 10 V; starts at its centre, rising"),
            port("saw", "Rising saw, ±5 V or 0 to 10 V; starts at the bottom"),
            port("square", "Square, ±5 V or 0 to 10 V; starts high. It can clock a sequencer"),
        ],
        params: &[
            Param::log(
                "rate",
                0.001..=100.0,
                CLOCK_HZ,
                Unit::Hz,
                "Cycles per second at 0 V of rate CV. 2 Hz is 120 BPM",
            ),
            sweep::RATE_AMOUNT,
            Param::linear(
                "pulse-width",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How much of each cycle the square is high",
            ),
            Param::linear("phase", 0.0..=1.0, 0.0, Unit::Turns, "The phase after a reset"),
            Param::choice(
                "range",
                &["bipolar", "unipolar"],
                0,
                "Bipolar is ±5 V, unipolar is 0 to 10 V",
            ),
            Param::linear(
                "pulse-width-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "Depth of the pulse width CV: at 1, 10 V covers the full range",
            )
            .labelled("pw amt"),
            Param::choice("ratio", &RATIO_NAMES, AS_THE_CLOCK, "Cycles per clock"),
        ],
        // How much of its cycle has gone, phase included.
        display: 1,
        screen: Some(Screen::Curve(Curve::Cycle)),
        role: Some(Role::Lfo),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.clock.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[RATE_IN, RESET, PULSE_WIDTH_IN]);
        let by_clock = self.follow_clock(block);
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group, &by_clock));
        let turns = (self.phase[0] >> 32) as f32 * (1.0 / phase::TURN) + block.param(PHASE);
        block.show(0, turns % 1.0);
    }
}

impl Lfo {
    /// How far the phase goes in each frame; 0 where no clock says it.
    #[inline(always)]
    fn follow_clock(&mut self, block: &Block) -> [u64; QUANTUM] {
        let mut steps = [0; QUANTUM];
        let clock = block.input(CLOCK);
        if clock.is_patched() {
            let ratio = RATIOS[block.choice(RATIO) % RATIOS.len()];
            for frame in block.frames() {
                steps[frame] =
                    self.clock.next(clock.at(0, frame), ratio, block.sample_rate_hz).unwrap_or(0);
            }
        }
        steps
    }

    #[inline(always)]
    fn run<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        by_clock: &[u64; QUANTUM],
    ) {
        let frame_secs = 1.0 / block.sample_rate_hz;
        let [rate, rate_amount] = [RATE, RATE_AMOUNT].map(|param| block.ramp(param));
        let [pulse_width, phase_offset] = [PULSE_WIDTH, PHASE].map(|param| block.ramp(param));
        let centre = if block.choice(RANGE) == UNIPOLAR { AUDIO_VOLTS } else { 0.0 };
        let width_amount = block.ramp(PULSE_WIDTH_AMOUNT);
        let [rate_in, reset, width_in] =
            [RATE_IN, RESET, PULSE_WIDTH_IN].map(|port| block.input(port));
        let frames = block.frames();
        let outputs = block.outputs::<4>();

        for frame in frames {
            let octaves = rate_in.get::<L>(group, frame) * rate_amount.at(frame).into();
            let ratio = exp2(octaves.clamp(-MAX_OCTAVES, MAX_OCTAVES));
            let turns = ratio * (rate.at(frame) * frame_secs).into();
            let was_reset = L::load(&self.is_reset, group);
            let is_reset = follow(was_reset, reset.get(group, frame));
            is_reset.store(&mut self.is_reset, group);

            let starts = (is_reset - was_reset).to_lanes();
            let steps = match by_clock[frame % QUANTUM] {
                0 => phase::long_steps_per_frame::<L, N>(turns),
                step => [step; N],
            };
            let offset = phase::from_unipolar_turns::<f32, 1>(phase_offset.at(frame))[0];
            let kept = &mut self.phase[group * LANES..][..N];
            let phases: Phases<N> = each(|lane| {
                let phase = if starts[lane] > 0.0 { 0 } else { kept[lane] };
                kept[lane] = phase.wrapping_add(steps[lane]);
                ((phase >> 32) as i32).wrapping_add(offset)
            });

            let triangle = phase::triangle::<L, N>(phases);
            let more = width_in.get::<L>(group, frame) * (0.2 * width_amount.at(frame)).into();
            let width = L::splat(2.0 * pulse_width.at(frame) - 1.0) + more;
            let saw = phase::saw::<L, N>(phases.map(|phase| phase ^ i32::MIN));
            let mut put = |wave: usize, sample: L| {
                outputs[wave].put(group, frame, sample * AUDIO_VOLTS.into() + centre.into());
            };
            put(SINE, sine_of_triangle(triangle));
            put(TRIANGLE, triangle);
            put(SAW, saw);
            put(SQUARE, saw.at_least(width, L::splat(-1.0), L::splat(1.0)));
        }
    }
}

/// A Schmitt trigger per channel: 1 where it is on.
#[inline(always)]
fn follow<L: Lane>(was_on: L, volts: L) -> L {
    let limit = was_on.map(|on| if on > 0.0 { SCHMITT_LOW_VOLTS } else { SCHMITT_HIGH_VOLTS });
    volts.zip(limit, |volts, limit| if volts > limit { 1.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz};

    #[test]
    fn a_cycle_at_1_hz_and_8_frames_a_second() {
        let mut rig = Rig::new::<Lfo>(8.0);
        rig.set("rate", 1.0);
        let out = rig.run(8);
        let near = |output: &str, expected: [f32; 8]| {
            let found = out.channel(output, 0);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{output}: {found} not {expected}");
            }
        };
        let high = 5.0 * 0.5f32.sqrt();
        near("sine", [0.0, high, 5.0, high, 0.0, -high, -5.0, -high]);
        near("triangle", [0.0, 2.5, 5.0, 2.5, 0.0, -2.5, -5.0, -2.5]);
        near("saw", [-5.0, -3.75, -2.5, -1.25, 0.0, 1.25, 2.5, 3.75]);
        near("square", [5.0, 5.0, 5.0, 5.0, -5.0, -5.0, -5.0, -5.0]);
    }

    #[test]
    fn a_volt_doubles_the_rate_and_unipolar_starts_at_0_volts() {
        let mut rig = Rig::new::<Lfo>(8.0);
        rig.set("rate", 1.0).choose("range", "unipolar").feed("rate", |_, _| 1.0);
        assert_eq!(rig.run(6).channel("saw", 0), [0.0, 2.5, 5.0, 7.5, 0.0, 2.5]);
    }

    #[test]
    fn a_reset_starts_the_cycle_at_its_frame() {
        let mut rig = Rig::new::<Lfo>(8.0);
        rig.set("rate", 1.0).set("phase", 0.25);
        rig.feed("reset", |_, frame| if frame == 3 || frame == 4 { 10.0 } else { 0.0 });
        assert_eq!(rig.run(6).channel("saw", 0), [-2.5, -1.25, 0.0, -2.5, -1.25, 0.0]);
    }

    #[test]
    fn a_clock_sets_the_rate_and_the_phase() {
        let mut rig = Rig::new::<Lfo>(48_000.0);
        rig.choose("ratio", "÷4");
        rig.feed("clock", |_, frame| if frame % 1000 < 10 { 10.0 } else { 0.0 });
        let saw = rig.feed("reset", |_, n| if n == 2000 { 10.0 } else { 0.0 }).run(100_001);
        for clock in 3..=100 {
            let turns = saw.channel("saw", 0)[clock * 1000] / 10.0 + 0.5;
            let late = turns - (clock - 2) as f32 * 0.25;
            assert!((late - late.round()).abs() < 1e-4, "{turns} at {clock}");
        }
    }

    #[test]
    fn a_volt_widens_the_pulse_by_a_tenth() {
        let mut rig = Rig::new::<Lfo>(1000.0);
        let out = rig.set("rate", 1.0).feed("pulse-width", |_, _| -2.0).run(1000);
        let high = out.channel("square", 0).iter().filter(|&&volts| volts == 5.0).count();
        assert!(high.abs_diff(300) <= 1, "{high}");
    }

    #[test]
    fn the_slowest_rate_and_the_fastest_are_true() {
        // A cycle of 1000 s climbs by 10 V in 1000 s.
        let mut rig = Rig::new::<Lfo>(48_000.0);
        let out = rig.set("rate", 0.001).run(480_001);
        let climbed = out.channel("saw", 0)[480_000] - out.channel("saw", 0)[0];
        assert!((climbed - 0.1).abs() < 1e-6, "{climbed}");

        let mut rig = Rig::new::<Lfo>(48_000.0);
        let out = rig.set("rate", 100.0).run(96_000);
        let found = frequency_hz(out.channel("sine", 0), 48_000.0, None);
        assert!(cents(found, 100.0).abs() < 1e-3, "{found}");
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let volts = |channel: usize, frame: u64| (frame as f32 * 0.01).sin() + channel as f32 * 0.3;
        let gate =
            |channel: usize, frame: u64| ((frame + channel as u64) % 97 < 9) as u8 as f32 * 10.0;
        let sixteen = |is_cut: bool| {
            let mut rig = Rig::new::<Lfo>(1000.0);
            rig.feed_channels("rate", 16, volts).feed_channels("reset", 16, gate);
            rig.set("rate", 7.0);
            if is_cut {
                rig.frame_by_frame();
            }
            rig.run(300)
        };
        let (whole, cut) = (sixteen(false), sixteen(true));
        for channel in 0..16 {
            let mut rig = Rig::new::<Lfo>(1000.0);
            rig.set("rate", 7.0);
            rig.feed("rate", move |_, frame| volts(channel, frame));
            rig.feed("reset", move |_, frame| gate(channel, frame));
            let alone = rig.run(300);
            for output in ["sine", "triangle", "saw", "square"] {
                assert_eq!(whole.channel(output, channel), cut.channel(output, channel));
                assert_eq!(whole.channel(output, channel), alone.channel(output, 0));
            }
        }
    }
}
