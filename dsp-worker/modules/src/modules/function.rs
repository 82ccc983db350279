//! Function: a rise and a fall. One envelope, an LFO, a delay for triggers, or
//! a voice, as its cycle and its times are set.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::bend::{bend, bow};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::{Gates, Pulses, volts};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::oversample::{Eightfold, EightfoldState, eight_of_sixteen};
use sostenuto_dsp::pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::sweep;

const GATE: usize = 0;
const TRIGGER: usize = 1;
const CYCLE_IN: usize = 2;
const RATE_IN: usize = 3;
const RISE_IN: usize = 4;
const FALL_IN: usize = 5;

const OUT: usize = 0;
const TOP: usize = 1;
const END: usize = 2;

const RISE: usize = 0;
const FALL: usize = 1;
const CURVE: usize = 2;
const CYCLE: usize = 3;
const RISE_AMOUNT: usize = 4;
const FALL_AMOUNT: usize = 5;
const OVERSAMPLE: usize = 6;

/// The last bits below 1 may be missing from a way that is gone.
const NEARLY_NOTHING: f32 = 1.0 / 8_388_608.0;
/// The most of a rise or fall that one step is.
const MAX_STEP: f32 = 0.5;
/// Beyond any time that is of use, in octaves.
const MAX_OCTAVES: f32 = 20.0;

/// Sixteen rises and falls. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Function {
    trigger: Gates,
    gate: Gates,
    cycle: Gates,
    is_rising: [f32; 16],
    is_falling: [f32; 16],
    /// How high it is, 0 to 1, before it is bent.
    height: [f32; 16],
    /// What rounding took off it.
    lost: [f32; 16],
    end: Pulses,
    /// The last step, and the way back, where a frame has sixteen steps.
    last: [f32; 16],
    down: EightfoldState,
}

impl Module for Function {
    const ABOUT: &'static About = &About {
        name: "function",
        title: "Function",
        summary: "Rises and falls, once or in a cycle: envelope, LFO, trigger delay or oscillator",
        aliases: &["maths", "ad", "ar", "slope", "envelope", "rise", "fall"],
        tags: &[Tag::Modulator, Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("gate", "Rises while on (above 1 V) and stays at the top; falls when off"),
            port("trigger", "A trigger starts a rise and a fall, also during a fall"),
            port("cycle", "While on (above 1 V), it restarts after each fall")
                .moves_own(By::OnAboveOneVolt),
            port("rate", "Rate CV for rise and fall: each volt doubles the speed"),
            sweep::RISE,
            sweep::FALL,
        ],
        outputs: &[
            port("out", "The function, 0 to 10 V"),
            port("end-of-rise", "10 V from the top of the rise to the end of the fall"),
            port("end-of-cycle", "10 V for 1 ms as the fall ends, or shorter if the rise is"),
        ],
        params: &[
            Param::log("rise", 0.0005..=60.0, 0.1, Unit::Secs, "The time to rise from 0 V to 10 V"),
            Param::log("fall", 0.0005..=60.0, 0.4, Unit::Secs, "The time to fall from 10 V to 0 V"),
            Param::linear(
                "curve",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "0 is straight; positive values are slow near 0 V and fast near 10 V, like a \
                 plucked string; negative values are the opposite",
            ),
            Param::switch("cycle", false, "Restarts after each fall: an LFO or an oscillator"),
            sweep::RISE_AMOUNT,
            sweep::FALL_AMOUNT,
            Param::choice(
                "oversample",
                &["1x", "16x"],
                0,
                "16x keeps cycles at audio rate clean, at a higher CPU cost and 0.05 ms of delay",
            )
            .steady(),
        ],
        // How high the first channel is, before it is bent, and whether it falls.
        display: 2,
        screen: Some(Screen::Curve(Curve::RiseAndFall)),
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.end.change_rate(change);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(self, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[GATE, TRIGGER, CYCLE_IN, RATE_IN, RISE_IN, FALL_IN]);
        match block.is_on(OVERSAMPLE) {
            false => each_group!(channels, |L, group| self.shape::<L, 1>(block, group)),
            true => each_group!(channels, |L, group| self.shape::<L, 16>(block, group)),
        }
        block.show(0, self.height[0]);
        block.show(1, self.is_falling[0]);
    }
}

impl Function {
    /// Each frame is taken in so many steps.
    #[inline(always)]
    fn shape<L: Lane, const STEPS: usize>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let pulse_frames = c(pulse::frames(block.sample_rate_hz) as f32);
        let [gate, trigger, cycle_in] = [GATE, TRIGGER, CYCLE_IN].map(|port| block.input(port));
        let cycles_by_switch = Mask::above(c(block.choice(CYCLE) as f32), c(0.5));
        let curve = block.ramp(CURVE);
        let speeds = Speeds::new(block, MAX_STEP * STEPS as f32);

        let mut is_rising = Mask::load(&self.is_rising, group);
        let mut is_falling = Mask::load(&self.is_falling, group);
        let (mut height, mut lost) = (L::load(&self.height, group), L::load(&self.lost, group));
        let mut down = Eightfold::<L>::load(&self.down, group);
        let mut last = L::load(&self.last, group);
        for frame in block.frames() {
            let trigger = self.trigger.follow::<L>(group, trigger.get(group, frame));
            let gate = self.gate.follow::<L>(group, gate.get(group, frame));
            let cycles = self.cycle.follow::<L>(group, cycle_in.get(group, frame)).is_on;
            let cycles = cycles.or(cycles_by_switch);
            let rests = Mask::above(c(1.0), is_rising.or(is_falling).keep(c(2.0)));
            let starts = trigger.rises.or(gate.rises).or(rests.and(cycles.or(gate.is_on)));
            is_falling = is_falling.and_not(starts);
            is_rising = is_rising.or(starts);
            let lets_go = gate.falls.and(is_rising).and_not(trigger.rises);
            is_rising = is_rising.and_not(lets_go);
            is_falling = is_falling.or(lets_go);

            let [rise, fall] = speeds.at::<L>(block, group, frame);
            let [rise, fall] = [rise, fall].map(|speed| speed * c(1.0 / STEPS as f32));
            let bow = c(bow(-curve.at(frame)));
            let mut ends_now = Mask::default();
            let mut stays = Mask::default();
            let mut steps = [c(0.0); 16];
            for step in &mut steps[..STEPS] {
                // Kahan's sum: a frame of a minute is too little for f32.
                let way = is_rising.pick(rise, is_falling.keep(-fall)) + lost;
                let (before, next) = (height, height + way);
                lost = way - (next - height);

                // What is left of a step at a turn belongs to the other way, so
                // that a cycle is as long as its times say.
                let tops = is_rising.and(Mask::above(next, c(1.0 - NEARLY_NOTHING)));
                let past_top = c(1.0) - (next - c(1.0)).max(c(0.0)) * (fall / rise);
                let ends = is_falling.and(Mask::above(c(NEARLY_NOTHING), next));
                let past_end = (-next).max(c(0.0)) * (rise / fall);
                stays = tops.and(gate.is_on).and_not(cycles);
                height = tops.pick(stays.pick(c(1.0), past_top), next);
                height = ends.pick(cycles.keep(past_end), height);
                height = Lane::clamp(height, 0.0, 1.0);
                lost = tops.or(ends).clear(lost);
                let turns = tops.and_not(stays);
                is_rising = is_rising.and_not(turns).or(ends.and(cycles));
                is_falling = is_falling.and_not(ends).or(turns);
                ends_now = ends_now.or(ends);

                if STEPS == 1 {
                    *step = bend(height, bow);
                } else {
                    // The mean of both ways, each as long as it takes.
                    let turn = tops.or(ends).pick(tops.keep(c(1.0)), height);
                    let late = tops.pick((next - c(1.0)) / rise, ends.keep(-next / fall));
                    let late = Lane::clamp(late, 0.0, 1.0);
                    let [there, back] = [mean(before, turn, bow), mean(turn, height, bow)];
                    *step = there + (back - there) * late;
                }
            }
            let end = self.end.next(group, ends_now, pulse_frames);
            let mut out = steps[0];
            if STEPS > 1 {
                out = down.down(eight_of_sixteen(last, &steps));
                last = steps[15];
            }
            block.output(OUT).put(group, frame, out * c(GATE_VOLTS));
            block.output(TOP).put(group, frame, volts(is_falling.or(stays)));
            block.output(END).put(group, frame, is_falling.clear(end));
        }
        is_rising.store(&mut self.is_rising, group);
        is_falling.store(&mut self.is_falling, group);
        height.store(&mut self.height, group);
        lost.store(&mut self.lost, group);
        if STEPS > 1 {
            down.store(&mut self.down, group);
            last.store(&mut self.last, group);
        }
    }
}

/// The mean of a bent way from one height to another, by Simpson's rule.
#[inline(always)]
fn mean<L: Lane>(from: L, to: L, bow: L) -> L {
    let middle = bend((from + to) * L::splat(0.5), bow);
    (bend(from, bow) + bend(to, bow) + middle * L::splat(4.0)) * L::splat(1.0 / 6.0)
}

/// How far a frame goes up or down.
struct Speeds {
    rise: f32,
    fall: f32,
    rise_amount: f32,
    fall_amount: f32,
    most: f32,
}

impl Speeds {
    #[inline(always)]
    fn new(block: &Block, most: f32) -> Speeds {
        let frame_secs = 1.0 / block.sample_rate_hz;
        Speeds {
            rise: frame_secs / block.param(RISE),
            fall: frame_secs / block.param(FALL),
            rise_amount: block.param(RISE_AMOUNT),
            fall_amount: block.param(FALL_AMOUNT),
            most,
        }
    }

    #[inline(always)]
    fn at<L: Lane>(&self, block: &Block, group: usize, frame: usize) -> [L; 2] {
        let (both, none) = (block.input(RATE_IN), L::splat(0.0));
        let both = if both.is_patched() { both.get::<L>(group, frame) } else { none };
        let ports = [RISE_IN, FALL_IN];
        let (steps, amounts) = ([self.rise, self.fall], [self.rise_amount, self.fall_amount]);
        let mut found = [none; 2];
        for way in 0..2 {
            let (own, step) = (block.input(ports[way]), steps[way]);
            if !own.is_patched() && !block.input(RATE_IN).is_patched() {
                found[way] = L::splat(step.min(self.most));
                continue;
            }
            let octaves = both - own.get::<L>(group, frame) * L::splat(amounts[way]);
            let octaves = Lane::clamp(octaves, -MAX_OCTAVES, MAX_OCTAVES);
            found[way] = (exp2(octaves) * L::splat(step)).min(L::splat(self.most));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape, alias, cents, coherent_hz, frequency_hz};

    /// A frame is a millisecond.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Function>(1000.0);
        rig.set("rise", 0.005).set("fall", 0.01);
        rig
    }

    fn on(frames: std::ops::Range<u64>) -> impl FnMut(usize, u64) -> f32 {
        move |_, frame| if frames.contains(&frame) { 10.0 } else { 0.0 }
    }

    fn is_near(found: &[f32], expected: &[f32]) {
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-4, "{n}: {found} not {expected}");
        }
    }

    fn high(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0).collect()
    }

    #[test]
    fn a_trigger_rises_and_falls_in_the_set_times() {
        let mut rig = rig();
        let out = rig.feed("trigger", on(3..4)).run(30);
        is_near(&out.main()[..10], &[0.0, 0.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 9.0, 8.0]);
        is_near(&out.main()[16..20], &[1.0, 0.0, 0.0, 0.0]);
        assert_eq!(high(out.channel("end-of-rise", 0)), (7..17).collect::<Vec<_>>());
        assert_eq!(high(out.channel("end-of-cycle", 0)), [17]);
    }

    #[test]
    fn long_times_are_true_to_the_frame() {
        let mut rig = Rig::new::<Function>(48_000.0);
        rig.set("rise", 10.0).set("fall", 5.0).set("curve", 0.6);
        let out = rig.feed("trigger", on(0..1)).run(730_000);
        assert!(high(out.channel("end-of-rise", 0))[0].abs_diff(479_999) <= 1);
        assert!(high(out.channel("end-of-cycle", 0))[0].abs_diff(719_999) <= 1);
    }

    #[test]
    fn a_gate_holds_the_top_and_a_new_one_goes_on_from_where_it_is() {
        let mut rig = rig();
        rig.feed("gate", |_, n| if (0..20).contains(&n) || n >= 25 { 10.0 } else { 0.0 });
        let out = rig.run(40).main().to_vec();
        is_near(&out[4..20], &[10.0; 16]);
        is_near(&out[20..30], &[9.0, 8.0, 7.0, 6.0, 5.0, 7.0, 9.0, 10.0, 10.0, 10.0]);
    }

    #[test]
    fn a_curve_bends_both_ways_alike_and_keeps_the_times() {
        let mut rig = rig();
        let out = rig.set("rise", 0.01).set("curve", 1.0).feed("trigger", on(0..1)).run(30);
        // Half way, a bow of 16 leaves a seventeenth.
        assert!((out.main()[4] - 10.0 / 17.0).abs() < 1e-4);
        assert!((out.main()[14] - 10.0 / 17.0).abs() < 1e-4);
        is_near(&[out.main()[9], out.main()[19]], &[10.0, 0.0]);
    }

    #[test]
    fn a_cycle_is_in_tune_at_audio_rate() {
        let mut rig = Rig::new::<Function>(48_000.0);
        rig.set("rise", 0.0013).set("fall", 0.0021).feed("rate", |_, _| 1.0);
        let out = rig.set("cycle", 1.0).run(96_000);
        let found_hz = frequency_hz(out.main(), 48_000.0, None);
        assert!(cents(found_hz, 2.0 / 0.0034).abs() < 0.01, "{found_hz} Hz");
        let mut rig = self::rig();
        let out = rig.feed("cycle", on(0..20)).run(40);
        assert_eq!(high(out.channel("end-of-cycle", 0)), [14, 29]);
    }

    #[test]
    fn oversampled_a_cycle_at_audio_rate_is_clean() {
        for near_hz in [1000.0, 2500.0, 5000.0, 10_000.0] {
            let hz = coherent_hz(near_hz, 48_000.0);
            for (share, curve) in [(0.5, 0.0), (0.1, 0.0), (0.3, 0.5), (0.5, 1.0), (0.7, -1.0)] {
                let mut rig = Rig::new::<Function>(48_000.0);
                // A millisecond or more, a few octaves up.
                let (rise, fall) = (share * 0.02, (1.0 - share) * 0.02);
                let octaves = (hz * 0.02).log2() as f32;
                rig.set("rise", rise as f32).set("fall", fall as f32).set("curve", curve);
                rig.set("cycle", 1.0).choose("oversample", "16x").feed("rate", move |_, _| octaves);
                let out = rig.run(140_000);
                let found = alias(out.main(), 48_000.0, hz, 1, Shape::Any);
                // Of a way bent so far, five frames long, a little is left.
                let limit_db = if near_hz > 5000.0 { -78.0 } else { -85.0 };
                assert!(found.alias_20k_db < limit_db, "{hz} Hz, {share}, {curve}: {found:?}");
            }
        }
    }

    #[test]
    fn sixteen_channels_are_sixteen_monos() {
        let trigger = |channel: usize, frame: u64| {
            if frame % (31 + 5 * channel as u64) < 9 { 5.0 } else { 0.0 }
        };
        let rig = |channels: usize, first: usize| {
            let mut rig = rig();
            rig.feed_channels("gate", channels, move |c, n| trigger(c + first, n));
            rig.feed("trigger", |_, n| if n % 47 == 0 { 5.0 } else { 0.0 });
            rig.feed("cycle", |_, n| if n % 200 < 90 { 5.0 } else { 0.0 });
            rig
        };
        let together = rig(16, 0).run(1000);
        for channel in 0..16 {
            let alone = rig(1, channel).frame_by_frame().run(1000);
            for output in ["out", "end-of-rise", "end-of-cycle"] {
                assert_eq!(together.channel(output, channel), alone.channel(output, 0));
            }
        }
    }
}
