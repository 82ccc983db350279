//! Multi Segment: up to eight ways from level to level, for envelopes that
//! ADSR cannot draw, for slow loops, and for sequences that glide.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::bend::{bend, bow};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{LANES, Lane, Lanes, each};
use sostenuto_dsp::oversample::{Eightfold, EightfoldState, eight_of_sixteen};
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::signal::groups;
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS, QUANTUM};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::param::{Param, Unit};

const GATE: usize = 0;
const RETRIGGER: usize = 1;
const RATE: usize = 2;

const ENV: usize = 0;
const SEGMENT: usize = 1;
const END: usize = 2;

const SEGMENTS: usize = 8;
const SECS: usize = 0;
const LEVEL: usize = SECS + SEGMENTS;
const CURVE: usize = LEVEL + SEGMENTS;
const LENGTH: usize = CURVE + SEGMENTS;
const SUSTAIN: usize = LENGTH + 1;
const LOOP: usize = SUSTAIN + 1;
const LOOP_START: usize = LOOP + 1;
const OVERSAMPLE: usize = LOOP_START + 1;

/// Steps of a frame where it is oversampled.
const STEPS: usize = 16;

const LOOP_GATE: usize = 1;
const LOOP_ALWAYS: usize = 2;

/// The last bits below 1 may be missing from a way that is gone.
const NEARLY_ALL: f32 = 1.0 - 1.0 / 8_388_608.0;
/// Below it, no rounding brings a way to [`NEARLY_ALL`].
const ALMOST: f32 = 0.999;
/// Where it is after its last segment.
const AT_REST: u32 = SEGMENTS as u32;

/// Sixteen envelopes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct MultiSegment {
    voices: [Voice; CHANNELS],
    /// The last steps, and the way back, where a frame has sixteen steps.
    last: [f32; CHANNELS],
    down: EightfoldState,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Voice {
    gate: Schmitt,
    retrigger: Schmitt,
    segment: u32,
    /// The way through the segment, 0 to 1, and what rounding took off it.
    way: f32,
    way_lost: f32,
    /// The level at which the segment began, and the last one.
    from: f32,
    env: f32,
    segment_pulse: Pulse,
    end_pulse: Pulse,
}

const fn secs(name: &'static str, default: f32) -> Param {
    Param::log(name, 0.0005..=60.0, default, Unit::Secs, "The time of this segment")
}

const fn level(name: &'static str, default: f32) -> Param {
    let help = "The level that this segment moves to; 1 is 10 V";
    Param::linear(name, 0.0..=1.0, default, Unit::Fraction, help)
}

const fn curve(name: &'static str, default: f32) -> Param {
    let help = "The curve of this segment: 0 is straight, positive starts fast, negative ends fast";
    Param::linear(name, -1.0..=1.0, default, Unit::None, help)
}

impl Module for MultiSegment {
    const ABOUT: &'static About = &About {
        name: "multi-segment",
        title: "Multi Segment",
        short: "Segments",
        summary: "Up to eight segments of time, level and curve: any envelope, loop or slow sequence",
        aliases: &["stages", "envelope", "msg"],
        tags: &[Tag::Modulator, Tag::Sequencing, Tag::Polyphonic],
        inputs: &[
            port("gate", "Gate on (above 1 V): starts. Gate off: leaves the sustain or its loop"),
            port("retrigger", "A trigger restarts from the current level"),
            port("rate", "Rate CV for all segments: each volt doubles the speed"),
        ],
        outputs: &[
            port("env", "The envelope, 0 to 10 V"),
            port("segment", "10 V for 1 ms as each segment begins"),
            port("end", "10 V for 1 ms as the last segment ends"),
        ],
        params: &[
            secs("time-1", 0.01),
            secs("time-2", 0.15),
            secs("time-3", 0.5),
            secs("time-4", 0.5),
            secs("time-5", 0.5),
            secs("time-6", 0.5),
            secs("time-7", 0.5),
            secs("time-8", 0.5),
            level("level-1", 1.0),
            level("level-2", 0.5),
            level("level-3", 0.7),
            level("level-4", 0.0),
            level("level-5", 0.0),
            level("level-6", 0.0),
            level("level-7", 0.0),
            level("level-8", 0.0),
            curve("curve-1", 0.3),
            curve("curve-2", 0.5),
            curve("curve-3", 0.0),
            curve("curve-4", 0.5),
            curve("curve-5", 0.0),
            curve("curve-6", 0.0),
            curve("curve-7", 0.0),
            curve("curve-8", 0.0),
            Param::steps("length", 1.0..=8.0, 4.0, "The number of segments that are played"),
            Param::steps(
                "sustain",
                0.0..=8.0,
                3.0,
                "The segment after which it waits while the gate is on; at 0 it never waits",
            ),
            Param::choice(
                "loop",
                &["off", "gate", "always"],
                0,
                "Gate: returns to loop-start instead of waiting. Always: repeats all segments, \
                 with or without a gate",
            ),
            Param::steps("loop-start", 1.0..=8.0, 1.0, "The segment that the gate loop returns to"),
            Param::choice(
                "oversample",
                &["1x", "16x"],
                0,
                "16x keeps loops at audio rate clean, at a higher CPU cost and 0.05 ms of delay",
            )
            .steady(),
        ],
        // Where the first channel is: its segment, from 0, or -1 at rest; and how much
        // of that has gone.
        display: 2,
        screen: Some(Screen::Curve(Curve::Segments)),
        face: &[
            Part::Screen,
            Part::Strips(
                8,
                &[Part::Small("time-#"), Part::Small("level-#"), Part::Small("curve-#")],
            ),
        ],
        ..About::BLANK
    };

    fn start(&mut self, _: u64) {
        for voice in &mut self.voices {
            voice.segment = AT_REST;
        }
    }

    fn change_rate(&mut self, change: &RateChange) {
        for voice in &mut self.voices {
            voice.segment_pulse.change_rate(change);
            voice.end_pulse.change_rate(change);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.last, &channels);
        clear(&mut self.down, &channels);
        self.voices[channels].fill(Voice { segment: AT_REST, ..Voice::zeroed() });
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[GATE, RETRIGGER, RATE]);
        for output in [SEGMENT, END] {
            if !block.is_heard(output) {
                block.mute(output);
            }
        }
        let shape = Shape::new(block);
        if block.is_on(OVERSAMPLE) {
            for group in 0..groups(channels) {
                self.oversample(block, group, channels, &shape);
            }
        } else {
            for (channel, voice) in self.voices[..channels].iter_mut().enumerate() {
                let mut env = [0.0; QUANTUM];
                voice.run::<1>(block, channel, &shape, |frame, [volts]| {
                    env[frame] = volts * GATE_VOLTS;
                });
                let frames = block.frames();
                block.output(ENV).put_channel(channel, frames, &env);
            }
        }
        let segment = self.voices[0].segment;
        block.show(0, if segment == AT_REST { -1.0 } else { segment as f32 });
        block.show(1, self.voices[0].way.min(1.0));
    }
}

impl MultiSegment {
    /// Eight voices, each frame in sixteen steps.
    #[inline(always)]
    fn oversample(&mut self, block: &mut Block, group: usize, channels: usize, shape: &Shape) {
        let mut taken = [[[0.0; LANES]; STEPS]; QUANTUM];
        let first = group * LANES;
        for channel in first..channels.min(first + LANES) {
            self.voices[channel].run::<STEPS>(block, channel, shape, |frame, steps| {
                for step in 0..STEPS {
                    taken[frame][step][channel - first] = steps[step];
                }
            });
        }
        let mut down = Eightfold::<Lanes>::load(&self.down, group);
        let mut last = Lanes::load(&self.last, group);
        for frame in block.frames() {
            let mut steps = [Lanes::default(); STEPS];
            for step in 0..STEPS {
                steps[step] = Lanes::from_lanes(taken[frame][step]);
            }
            let env = down.down(eight_of_sixteen(last, &steps)) * GATE_VOLTS.into();
            let env = env.to_lanes();
            last = steps[STEPS - 1];
            for channel in first..channels.min(first + LANES) {
                block.output(ENV).set(channel, frame, env[channel - first]);
            }
        }
        down.store(&mut self.down, group);
        last.store(&mut self.last, group);
    }
}

/// What all channels share.
struct Shape {
    /// How much of its way a frame goes.
    steps: [f32; SEGMENTS],
    levels: [Ramp; SEGMENTS],
    bows: [f32; SEGMENTS],
    length: u32,
    /// The segment after which a gate is waited for; past all where none is.
    sustain: u32,
    loops: usize,
    loop_start: u32,
}

impl Shape {
    #[inline(always)]
    fn new(block: &Block) -> Shape {
        let frame_secs = 1.0 / block.sample_rate_hz;
        let length = block.choice(LENGTH).clamp(1, SEGMENTS);
        Shape {
            steps: each(|n| frame_secs / block.param(SECS + n)),
            levels: each(|n| block.ramp(LEVEL + n)),
            bows: each(|n| bow(block.param(CURVE + n))),
            length: length as u32,
            sustain: match block.choice(SUSTAIN) {
                0 => AT_REST,
                sustain => (sustain.min(length) - 1) as u32,
            },
            loops: block.choice(LOOP),
            loop_start: (block.choice(LOOP_START).clamp(1, SEGMENTS) - 1) as u32,
        }
    }
}

impl Voice {
    /// Computes some frames, and hands out [`Voice::next`] of each.
    #[inline(always)]
    fn run<const N: usize>(
        &mut self,
        block: &mut Block,
        channel: usize,
        shape: &Shape,
        mut take: impl FnMut(usize, [f32; N]),
    ) {
        let frames = block.frames();
        let gate = block.input(GATE).channel(channel, frames.clone());
        let retrigger = block.input(RETRIGGER).channel(channel, frames.clone());
        let rate = block.input(RATE).channel(channel, frames.clone());
        let (mut segment, mut end) = ([0.0; QUANTUM], [0.0; QUANTUM]);
        let is_between = N == 1
            && frames == (0..QUANTUM)
            && self.gate.stays(&gate)
            && self.retrigger.stays(&retrigger)
            && rate.iter().all(|&octaves| octaves == rate[0])
            && self.may_go_on(faster_by(rate[0]), shape);
        if is_between {
            self.go_on(faster_by(rate[0]), shape, |frame, env| take(frame, [env; N]));
        }
        for frame in frames.clone() {
            if !is_between {
                let volts = [gate[frame], retrigger[frame], rate[frame]];
                take(frame, self.next::<N>(volts, frame, shape, block.sample_rate_hz));
            }
            segment[frame] = self.segment_pulse.volts();
            end[frame] = self.end_pulse.volts();
        }
        for (output, volts) in [(SEGMENT, &segment), (END, &end)] {
            if block.is_heard(output) {
                block.output(output).put_channel(channel, frames.clone(), volts);
            }
        }
    }

    /// Whether it stays in its segment for a whole quantum in which no gate changes,
    /// and how fast it goes neither.
    #[inline(always)]
    fn may_go_on(&self, faster: f32, shape: &Shape) -> bool {
        if self.segment >= shape.length {
            return shape.loops != LOOP_ALWAYS;
        }
        let step = shape.steps[self.segment as usize % SEGMENTS] * faster;
        let at_end = self.way + step * (QUANTUM + 1) as f32;
        at_end < ALMOST
    }

    /// [`Voice::next`] of a whole quantum, where it [may go on](Voice::may_go_on).
    #[inline(always)]
    fn go_on(&mut self, faster: f32, shape: &Shape, mut take: impl FnMut(usize, f32)) {
        if self.segment >= shape.length {
            for frame in 0..QUANTUM {
                take(frame, self.env);
            }
            return;
        }
        let segment = self.segment as usize % SEGMENTS;
        let step = shape.steps[segment] * faster;
        let (from, bow, level) = (self.from, shape.bows[segment], shape.levels[segment]);
        let (mut way, mut way_lost, mut env) = (self.way, self.way_lost, self.env);
        for frame in 0..QUANTUM {
            let sum = step + way_lost;
            let next = way + sum;
            way_lost = sum - (next - way);
            way = next;
            env = Line { from, to: level.at(frame), bow }.at(way);
            take(frame, env);
        }
        (self.way, self.way_lost, self.env) = (way, way_lost, env);
    }

    /// The next frame: the envelope at its end, or its means over `N` steps.
    #[inline(always)]
    fn next<const N: usize>(
        &mut self,
        [gate, retrigger, rate]: [f32; 3],
        frame: usize,
        shape: &Shape,
        sample_rate_hz: f32,
    ) -> [f32; N] {
        let was_on = self.gate.is_on();
        let is_on = self.gate.follow(gate);
        let begins = self.retrigger.rises(retrigger) || is_on && !was_on;
        let faster = faster_by(rate);
        let mut means = [0.0; N];
        for (step, mean) in means.iter_mut().enumerate() {
            let rests = self.segment >= shape.length;
            if begins && step == 0 || rests && shape.loops == LOOP_ALWAYS {
                self.go_to(0, 0.0, sample_rate_hz);
            } else if step == 0
                && was_on
                && !is_on
                && self.segment <= shape.sustain
                && has_sustain(shape)
            {
                self.go_to(shape.sustain + 1, 0.0, sample_rate_hz);
                self.end_if_past(shape, sample_rate_hz);
            }
            *mean = self.env;
            if self.segment < shape.length {
                let faster = if N == 1 { faster } else { faster * (1.0 / N as f32) };
                let across = self.advance(frame, faster, is_on, shape, sample_rate_hz);
                *mean = if N == 1 { self.env } else { across };
            }
        }
        means
    }

    /// Takes one step, and returns the mean of the envelope over it.
    #[inline(always)]
    fn advance(
        &mut self,
        frame: usize,
        faster: f32,
        is_on: bool,
        shape: &Shape,
        sample_rate_hz: f32,
    ) -> f32 {
        let segment = self.segment as usize % SEGMENTS;
        let step = shape.steps[segment] * faster;
        let waits = is_on && self.segment == shape.sustain && shape.loops == 0;
        let before = self.way;
        if !(waits && self.way >= NEARLY_ALL) {
            // Kahan's sum: a frame of a minute is too little for f32.
            let sum = step + self.way_lost;
            let next = self.way + sum;
            self.way_lost = sum - (next - self.way);
            self.way = next;
        }
        let line =
            Line { from: self.from, to: shape.levels[segment].at(frame), bow: shape.bows[segment] };
        self.env = line.at(self.way.min(1.0));
        if self.way < NEARLY_ALL {
            return line.mean(before, self.way);
        }
        if waits {
            self.way = 1.0;
            self.way_lost = 0.0;
            return line.mean(before.min(1.0), 1.0);
        }
        // What is left of the step belongs to the next segment.
        let left = ((self.way - 1.0) / step).clamp(0.0, 1.0);
        let there = line.mean(before.min(1.0), 1.0);
        let returns = shape.loops == LOOP_GATE && is_on && self.segment == shape.sustain;
        let is_last = self.segment + 1 >= shape.length;
        let next = match shape.loops {
            _ if returns => shape.loop_start.min(shape.sustain),
            LOOP_ALWAYS if is_last => 0,
            _ => self.segment + 1,
        };
        if is_last && !returns {
            self.end_pulse.start(sample_rate_hz);
        }
        if next >= shape.length {
            self.segment = AT_REST;
            return there + left * (self.env - there);
        }
        let segment = next as usize % SEGMENTS;
        self.go_to(next, (left * shape.steps[segment] * faster).min(0.5), sample_rate_hz);
        let line =
            Line { from: self.from, to: shape.levels[segment].at(frame), bow: shape.bows[segment] };
        self.env = line.at(self.way);
        there + left * (line.mean(0.0, self.way) - there)
    }

    #[inline(always)]
    fn go_to(&mut self, segment: u32, way: f32, sample_rate_hz: f32) {
        self.segment = segment;
        self.way = way;
        self.way_lost = 0.0;
        self.from = self.env;
        self.segment_pulse.start(sample_rate_hz);
    }

    /// A sustain at the very end has nothing to go on to.
    #[inline(always)]
    fn end_if_past(&mut self, shape: &Shape, sample_rate_hz: f32) {
        if self.segment >= shape.length {
            self.segment = AT_REST;
            self.segment_pulse = Pulse::default();
            self.end_pulse.start(sample_rate_hz);
        }
    }
}

/// One segment.
struct Line {
    from: f32,
    to: f32,
    bow: f32,
}

impl Line {
    #[inline(always)]
    fn at(&self, way: f32) -> f32 {
        self.from + (self.to - self.from) * bend(way, self.bow)
    }

    /// Its mean over a part of the way, by Simpson's rule.
    #[inline(always)]
    fn mean(&self, start: f32, end: f32) -> f32 {
        (self.at(start) + 4.0 * self.at(0.5 * (start + end)) + self.at(end)) * (1.0 / 6.0)
    }
}

/// How much faster it goes by that voltage.
#[inline(always)]
fn faster_by(octaves: f32) -> f32 {
    let octaves = octaves.clamp(-20.0, 20.0);
    if octaves == 0.0 { 1.0 } else { exp2(octaves) }
}

/// Whether a gate that is let go cuts anything short.
#[inline(always)]
fn has_sustain(shape: &Shape) -> bool {
    shape.sustain < AT_REST && shape.loops != LOOP_ALWAYS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape, alias, coherent_hz};

    /// A frame is a millisecond; straight segments of 4, 2, 5 and 10 frames go
    /// to 1, 0.5, 0.75 and 0.
    fn rig() -> Rig {
        let mut rig = Rig::new::<MultiSegment>(1000.0);
        for (n, (secs, level)) in
            [(0.004, 1.0), (0.002, 0.5), (0.005, 0.75), (0.01, 0.0)].into_iter().enumerate()
        {
            rig.set(&format!("time-{}", n + 1), secs).set(&format!("level-{}", n + 1), level);
            rig.set(&format!("curve-{}", n + 1), 0.0);
        }
        rig
    }

    fn on(frames: std::ops::Range<u64>) -> impl FnMut(usize, u64) -> f32 {
        move |_, frame| if frames.contains(&frame) { 10.0 } else { 0.0 }
    }

    fn high(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0).collect()
    }

    fn is_near(found: &[f32], expected: &[f32]) {
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-3, "{n}: {found} not {expected}");
        }
    }

    #[test]
    fn it_goes_from_level_to_level_waits_and_goes_on() {
        let mut rig = rig();
        let out = rig.feed("gate", on(2..30)).run(50);
        is_near(&out.main()[..9], &[0.0, 0.0, 2.5, 5.0, 7.5, 10.0, 7.5, 5.0, 5.5]);
        is_near(&out.main()[12..30], &[7.5; 18]);
        is_near(&out.main()[30..42], &[6.75, 6.0, 5.25, 4.5, 3.75, 3.0, 2.25, 1.5, 0.75, 0.0, 0.0]);
        assert_eq!(high(out.channel("segment", 0)), [2, 5, 7, 30]);
        assert_eq!(high(out.channel("end", 0)), [39]);
        assert_eq!(rig.display()[0], -1.0);
    }

    #[test]
    fn without_a_sustain_it_plays_to_its_end() {
        let mut rig = rig();
        let out = rig.set("sustain", 0.0).feed("gate", on(0..2)).run(40);
        assert_eq!(high(out.channel("end", 0)), [20]);
        is_near(&out.main()[3..6], &[10.0, 7.5, 5.0]);
    }

    #[test]
    fn a_gates_loop_returns_until_it_is_let_go() {
        let mut rig = rig();
        rig.choose("loop", "gate").set("loop-start", 2.0).feed("gate", on(0..50));
        let out = rig.run(100);
        // Segments 2 and 3 take 7 frames.
        is_near(&out.main()[24..31], &out.main()[17..24]);
        assert!(out.main()[17..24].iter().any(|&volts| (volts - 5.0).abs() < 1e-3));
        assert_eq!(high(out.channel("end", 0)), [59]);
    }

    #[test]
    fn a_loop_without_a_gate_is_an_lfo_in_tune() {
        let mut rig = Rig::new::<MultiSegment>(48_000.0);
        rig.choose("loop", "always").set("length", 2.0).set("level-2", 0.0);
        rig.set("time-1", 0.00123).set("time-2", 0.00211);
        let out = rig.run(96_000);
        let found_hz = sostenuto_dsp::measure::frequency_hz(out.main(), 48_000.0, None);
        assert!(
            sostenuto_dsp::measure::cents(found_hz, 1.0 / 0.00334).abs() < 0.01,
            "{found_hz} Hz"
        );
    }

    #[test]
    fn oversampled_a_loop_at_audio_rate_is_clean() {
        for near_hz in [1000.0, 2500.0, 5000.0, 10_000.0] {
            let hz = coherent_hz(near_hz, 48_000.0);
            for (share, curve) in [(0.5, 0.0), (0.1, 0.0), (0.3, 0.5), (0.5, 1.0), (0.7, -1.0)] {
                let mut rig = Rig::new::<MultiSegment>(48_000.0);
                rig.choose("loop", "always").set("length", 2.0).set("level-2", 0.0);
                let octaves = (hz * 0.02).log2() as f32;
                for (n, share) in [(1, share), (2, 1.0 - share)] {
                    rig.set(&format!("time-{n}"), (share * 0.02) as f32);
                    rig.set(&format!("curve-{n}"), curve);
                }
                rig.choose("oversample", "16x").feed("rate", move |_, _| octaves);
                let out = rig.run(140_000);
                let found = alias(out.main(), 48_000.0, hz, 1, Shape::Any);
                assert!(found.alias_20k_db < -85.0, "{near_hz} Hz, {share}, {curve}: {found:?}");
            }
        }
    }

    #[test]
    fn long_segments_are_true_to_the_frame() {
        let mut rig = Rig::new::<MultiSegment>(48_000.0);
        rig.set("length", 1.0).set("sustain", 0.0).set("time-1", 20.0).feed("gate", on(0..100));
        let out = rig.feed("rate", |_, _| 1.0).run(490_000);
        assert!(high(out.channel("end", 0))[0].abs_diff(479_999) <= 1);
    }

    #[test]
    fn a_new_gate_goes_on_from_where_it_is() {
        let mut rig = rig();
        rig.feed("gate", |_, n| if n % 37 < 23 { 10.0 } else { 0.0 });
        rig.feed("retrigger", |_, n| if n % 29 == 3 { 10.0 } else { 0.0 });
        let out = rig.run(3000).main().to_vec();
        let step = out.windows(2).fold(0.0, |step: f32, pair| step.max((pair[1] - pair[0]).abs()));
        assert!(step <= 2.51, "{step} V");
    }
}
