//! Ladder VCF: four poles around a transistor pair, warm and loud.
//!
//! The model is Zavalishin's ("The Art of VA Filter Design" 2.1.2, chapter 5):
//! four trapezoidal one-poles with feedback and no delay in it, saturating
//! where the signal enters. It runs at twice the sample rate, and the first
//! pole takes the exact mean of the saturator over each step instead of the
//! mean of its two ends: Bilbao, Esqueda, Parker and Välimäki's antiderivative
//! antialiasing, put into the integrator as by Holters ("Antiderivative
//! Antialiasing for Stateful Systems", DAFx 2019). So it costs no delay, and
//! small signals meet the very same linear filter. Driven hard it makes more
//! overtones than twice the rate has room for; eight times the rate is a switch.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::half_band::{HalfBand, HalfBandState, QUICK};
use sostenuto_dsp::lane::{LANES, Lane, Lanes, each};
use sostenuto_dsp::oversample::{Eightfold, EightfoldState};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_dsp::{exp2, tan_fraction};

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::sweep;

const IN: usize = 0;
const CUTOFF_IN: usize = 1;
const RESONANCE_IN: usize = 2;
const DRIVE_IN: usize = 3;
const LOWPASS: usize = 0;
const CUTOFF: usize = 0;
const RESONANCE: usize = 1;
const DRIVE: usize = 2;
const CUTOFF_AMOUNT: usize = 3;
const OVERSAMPLE: usize = 4;
const TWOFOLD: usize = 0;

/// The feedback at full resonance. The ladder sings from 4 on; what is more
/// makes it louder. With this it swings 5 V.
const FULL_FEEDBACK: f32 = 4.5;
/// Where the transistor pair is full, at no drive.
const SATURATION_VOLTS: f32 = 11.5;
/// What a ladder without feedback lets through of its cutoff frequency at 3 dB
/// down: sqrt(2^(1/4) - 1).
const OPEN_RATIO: f32 = 0.434_98;
/// The highest cutoff, in sample rates.
const TOP: f32 = 0.49;
/// The hiss of its parts, which it needs to start singing from silence.
const NOISE: f32 = 1e-7;

/// The memory of sixteen ladders. Voltages inside are parts of the saturation.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Ladder {
    noise: Random,
    up: HalfBandState<QUICK>,
    down: HalfBandState<QUICK>,
    far_up: EightfoldState,
    far_down: EightfoldState,
    entry: [f32; 16],
    poles: [[f32; 16]; 4],
}

impl Module for Ladder {
    const ABOUT: &'static About = &About {
        name: "ladder",
        title: "Ladder VCF",
        short: "Ladder",
        summary: "The round, saturating 24 dB lowpass; at full resonance it sings in tune",
        aliases: &["lowpass", "moog", "low pass", "lpf", "vcf", "303", "acid"],
        tags: &[Tag::Filter, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input; it saturates from about 5 V"),
            sweep::CUTOFF,
            port("resonance", "Resonance CV; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
            port("drive", "Drive CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("lowpass", "Lowpass, 24 dB/octave")],
        params: &[
            Param::log(
                "cutoff",
                20.0..=20_000.0,
                1000.0,
                Unit::Hz,
                "The cutoff and resonant frequency, at 0 V of cutoff CV",
            ),
            Param::linear(
                "resonance",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Emphasis at the cutoff; from 0.9 the filter self-oscillates",
            ),
            Param::linear(
                "drive",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Drives the filter into saturation, by up to 24 dB, at about equal loudness",
            ),
            sweep::CUTOFF_AMOUNT,
            Param::choice(
                "oversample",
                &["2x", "8x"],
                TWOFOLD,
                "8x keeps a hard drive clean, at a higher CPU cost and 0.1 ms of delay",
            )
            .steady(),
        ],
        bypass: &[(IN, LOWPASS)],
        screen: Some(Screen::Curve(Curve::Ladder)),
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.noise = Random::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.up, &channels);
        clear(&mut self.down, &channels);
        clear(&mut self.far_up, &channels);
        clear(&mut self.far_down, &channels);
        clear(&mut self.entry, &channels);
        clear(&mut self.poles, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, CUTOFF_IN, RESONANCE_IN, DRIVE_IN]);
        let mut noise = [0.0; QUANTUM];
        for frame in block.frames() {
            noise[frame] = NOISE * self.noise.bipolar();
        }
        let knobs = Knobs {
            cutoff_hz: block.ramp(CUTOFF).frames(),
            resonance: block.ramp(RESONANCE).frames(),
            drive: block.ramp(DRIVE).frames(),
            amount: block.ramp(CUTOFF_AMOUNT).frames(),
            noise,
        };
        let mut shared = [[0.0; QUANTUM]; SHARED];
        let settings = Settings::new(block, &knobs, &mut shared);
        match block.choice(OVERSAMPLE) {
            TWOFOLD => {
                each_group!(channels, |L, group| self.filter::<L, false>(block, group, &settings));
            }
            _ => {
                each_group!(channels, |L, group| self.filter::<L, true>(block, group, &settings));
            }
        }
    }
}

/// What one frame of the filter goes by.
#[derive(Clone, Copy, Default)]
struct Setting<L> {
    tuning: Tuning<L>,
    gain: L,
    hiss: L,
    makeup: L,
    drive_root: L,
}

/// Where the [`Setting`]s of a call come from.
struct Settings<'a> {
    knobs: &'a Knobs,
    cutoff_in: &'a Signal,
    resonance_in: &'a Signal,
    drive_in: &'a Signal,
    /// Half the angle of one step, of 1 Hz and of the highest cutoff.
    step_rad: f32,
    top_rad: f32,
    /// Where nothing differs from channel to channel, eight frames at a time.
    shared: Option<&'a Shared>,
}

/// Numbers in a [`Setting`], and those of a whole quantum.
const SHARED: usize = 9;
type Shared = [[f32; QUANTUM]; SHARED];

impl<'a> Settings<'a> {
    #[inline(always)]
    fn new(block: &Block<'a>, knobs: &'a Knobs, shared: &'a mut Shared) -> Settings<'a> {
        let steps = if block.choice(OVERSAMPLE) == TWOFOLD { 2.0 } else { 8.0 };
        let [cutoff_in, resonance_in, drive_in] =
            [CUTOFF_IN, RESONANCE_IN, DRIVE_IN].map(|port| block.input(port));
        let mut settings = Settings {
            knobs,
            cutoff_in,
            resonance_in,
            drive_in,
            step_rad: std::f32::consts::PI / (steps * block.sample_rate_hz),
            top_rad: TOP * std::f32::consts::PI / steps,
            shared: None,
        };
        let is_shared =
            [cutoff_in, resonance_in, drive_in].iter().all(|input| input.channels() <= 1);
        if is_shared && block.frames() == (0..QUANTUM) {
            settings.share(shared);
            settings.shared = Some(shared);
        }
        settings
    }

    /// The settings of a whole quantum, where no input has a voltage of its own
    /// for each channel.
    #[inline(always)]
    fn share(&self, shared: &mut Shared) {
        let cutoff = self.cutoff_in.channel(0, 0..QUANTUM);
        let resonance = self.resonance_in.channel(0, 0..QUANTUM);
        let drive = self.drive_in.channel(0, 0..QUANTUM);
        for first in (0..QUANTUM).step_by(LANES) {
            let knobs = Turned {
                cutoff_hz: eight(&self.knobs.cutoff_hz, first),
                resonance: eight(&self.knobs.resonance, first),
                drive: eight(&self.knobs.drive, first),
                amount: eight(&self.knobs.amount, first),
                noise: eight(&self.knobs.noise, first),
            };
            let volts = [eight(&cutoff, first), eight(&resonance, first), eight(&drive, first)];
            let numbers = self.setting(volts, knobs).to_array();
            for at in 0..SHARED {
                shared[at][first..first + LANES].copy_from_slice(&numbers[at].to_lanes());
            }
        }
    }

    /// That of one frame.
    #[inline(always)]
    fn at<L: Lane>(&self, group: usize, frame: usize) -> Setting<L> {
        if let Some(shared) = self.shared {
            return Setting::from_array(each(|at| L::splat(shared[at][frame])));
        }
        let cutoff = self.cutoff_in.get(group, frame);
        let resonance = self.resonance_in.get(group, frame);
        let drive = self.drive_in.get(group, frame);
        let knobs = Turned {
            cutoff_hz: L::splat(self.knobs.cutoff_hz[frame]),
            resonance: L::splat(self.knobs.resonance[frame]),
            drive: L::splat(self.knobs.drive[frame]),
            amount: L::splat(self.knobs.amount[frame]),
            noise: L::splat(self.knobs.noise[frame]),
        };
        self.setting([cutoff, resonance, drive], knobs)
    }

    #[inline(always)]
    fn setting<L: Lane>(&self, [cutoff, resonance, drive]: [L; 3], knobs: Turned<L>) -> Setting<L> {
        let c = L::splat;
        let octaves = cutoff * knobs.amount;
        let cutoff_rad = exp2(octaves.clamp(-20.0, 20.0)) * knobs.cutoff_hz * c(self.step_rad);
        let feedback = knob(resonance, knobs.resonance) * c(FULL_FEEDBACK);
        let drive_root = knob(drive, knobs.drive) * c(3.0) + c(1.0);
        Setting {
            tuning: Tuning::new(cutoff_rad.clamp(0.0, self.top_rad), feedback),
            gain: drive_root * drive_root * c(1.0 / SATURATION_VOLTS),
            hiss: feedback * knobs.noise,
            makeup: feedback * c(0.5 * SATURATION_VOLTS) + c(SATURATION_VOLTS),
            drive_root,
        }
    }
}

impl<L: Lane> Setting<L> {
    #[inline(always)]
    fn to_array(self) -> [L; SHARED] {
        let Setting { tuning, gain, hiss, makeup, drive_root } = self;
        let Tuning { feedback, reach, rest, loop_gain, cube } = tuning;
        [feedback, reach, rest, loop_gain, cube, gain, hiss, makeup, drive_root]
    }

    #[inline(always)]
    fn from_array(numbers: [L; SHARED]) -> Setting<L> {
        let [feedback, reach, rest, loop_gain, cube, gain, hiss, makeup, drive_root] = numbers;
        let tuning = Tuning { feedback, reach, rest, loop_gain, cube };
        Setting { tuning, gain, hiss, makeup, drive_root }
    }
}

/// The knobs at one frame for several channels, or at several frames.
struct Turned<L> {
    cutoff_hz: L,
    resonance: L,
    drive: L,
    amount: L,
    noise: L,
}

/// What all channels share, frame by frame.
struct Knobs {
    cutoff_hz: [f32; QUANTUM],
    resonance: [f32; QUANTUM],
    drive: [f32; QUANTUM],
    amount: [f32; QUANTUM],
    noise: [f32; QUANTUM],
}

impl Ladder {
    #[inline(always)]
    fn filter<L: Lane, const IS_EIGHTFOLD: bool>(
        &mut self,
        block: &mut Block,
        group: usize,
        settings: &Settings,
    ) {
        let input = block.input(IN);
        let frames = block.frames();
        let output = block.output(LOWPASS);

        let mut up = HalfBand::<L, QUICK>::load(&self.up, group);
        let mut down = HalfBand::<L, QUICK>::load(&self.down, group);
        let mut far_up = Eightfold::<L>::load(&self.far_up, group);
        let mut far_down = Eightfold::<L>::load(&self.far_down, group);
        let mut poles = Poles::<L>::load(self, group);
        for frame in frames {
            let Setting { tuning, gain, hiss, makeup, drive_root } = settings.at::<L>(group, frame);
            let entering = (input.get::<L>(group, frame) * gain).clamp(-1e3, 1e3) + hiss;
            let leaving = if IS_EIGHTFOLD {
                let mut eighths = far_up.up(entering);
                for volts in &mut eighths {
                    *volts = poles.step(*volts, &tuning);
                }
                far_down.down(eighths)
            } else {
                let [older, newer] = up.up(entering);
                down.down([poles.step(older, &tuning), poles.step(newer, &tuning)])
            };
            output.put(group, frame, leaving * makeup / drive_root);
        }
        if IS_EIGHTFOLD {
            far_up.store(&mut self.far_up, group);
            far_down.store(&mut self.far_down, group);
        } else {
            up.store(&mut self.up, group);
            down.store(&mut self.down, group);
        }
        poles.store(self, group);
    }
}

/// A knob and 10 V for all of its way, within 0 and 1.
#[inline(always)]
fn knob<L: Lane>(volts: L, knob: L) -> L {
    (volts * L::splat(0.1) + knob).clamp(0.0, 1.0)
}

/// Eight frames of a quantum.
#[inline(always)]
fn eight(quantum: &[f32; QUANTUM], first: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&quantum[first..first + LANES]);
    Lanes::from_lanes(lanes)
}

/// What the poles need to know for one frame.
#[derive(Clone, Copy, Default)]
struct Tuning<L> {
    feedback: L,
    /// A one-pole's way to its input in half a step: g / (1 + g).
    reach: L,
    rest: L,
    /// From the saturator to what the feedback takes off it, at once.
    loop_gain: L,
    cube: L,
}

impl<L: Lane> Tuning<L> {
    /// `half_step` is the half of the cutoff's angle in one step.
    ///
    /// The bilinear transform bends frequencies; `tan` straightens one of
    /// them. Without feedback that is where the ladder is 3 dB down, towards
    /// oscillation the peak.
    #[inline(always)]
    fn new(half_step: L, feedback: L) -> Tuning<L> {
        let c = L::splat;
        let open = (c(1.0) - feedback * c(0.25)).max(c(0.0));
        // The peak of the analog ladder moves about like this on its way.
        let ratio = c(1.0) - open * (c(0.5 - 0.5 * OPEN_RATIO) + open * c(0.5 - 0.5 * OPEN_RATIO));
        let (above, below) = tan_fraction(half_step * ratio);
        let reach = above / (below * ratio + above);
        let square = reach * reach;
        let loop_gain = feedback * square * square;
        Tuning { feedback, reach, rest: c(1.0) - reach, loop_gain, cube: square * reach }
    }
}

/// The ladder itself.
struct Poles<L> {
    /// What came into the saturator last, and sqrt(1 + its square).
    entry: L,
    entry_root: L,
    first: L,
    others: [L; 3],
}

impl<L: Lane> Poles<L> {
    #[inline(always)]
    fn load(ladder: &Ladder, group: usize) -> Poles<L> {
        let entry = L::load(&ladder.entry, group);
        let [first, others @ ..] = &ladder.poles;
        Poles {
            entry,
            entry_root: root(entry),
            first: L::load(first, group),
            others: others.each_ref().map(|pole| L::load(pole, group)),
        }
    }

    #[inline(always)]
    fn store(&self, ladder: &mut Ladder, group: usize) {
        let [first, others @ ..] = &mut ladder.poles;
        self.entry.store(&mut ladder.entry, group);
        self.first.store(first, group);
        for (pole, kept) in self.others.iter().zip(others) {
            pole.store(kept, group);
        }
    }

    /// The saturator is f(x) = x / sqrt(1 + x²), the integral of which is
    /// sqrt(1 + x²), so its mean from x to y is (x + y) over the sum of both
    /// their roots: nothing to divide by zero.
    #[inline(always)]
    fn step(&mut self, volts: L, tuning: &Tuning<L>) -> L {
        let &Tuning { feedback, reach, rest, loop_gain, cube } = tuning;
        let twice = reach + reach;
        let [second, third, fourth] = self.others;
        // The last pole's output in this step, but for what enters now.
        let first_left = self.first - self.first * twice;
        let left = rest * (fourth + reach * (third + reach * second)) + cube * first_left;
        let target = volts - feedback * left;
        // entry = target - loop_gain · 2 · mean, its root taken from before.
        let pull = loop_gain + self.entry_root;
        let entry = (target * self.entry_root - loop_gain * self.entry) / pull;
        let entry_root = root(entry);
        let mean = (entry + self.entry) / (entry_root + self.entry_root);
        self.entry = entry;
        self.entry_root = entry_root;

        self.first = first_left + twice * mean;
        let mut signal = self.first;
        for pole in &mut self.others {
            let way = reach * (signal - *pole);
            signal = way + *pole;
            *pole = signal + way;
        }
        signal
    }
}

#[inline(always)]
fn root<L: Lane>(x: L) -> L {
    (x * x + L::splat(1.0)).map(f32::sqrt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape, alias, cents, coherent_hz, frequency_hz};
    use sostenuto_dsp::response::corner_hz;

    const RATE_HZ: f32 = 48_000.0;

    fn saw(frame: u64, hz: f64) -> f32 {
        (10.0 * (frame as f64 * hz / f64::from(RATE_HZ)).fract() - 5.0) as f32
    }

    #[test]
    fn it_is_3_db_down_where_the_analog_ladder_is() {
        for cutoff_hz in [100.0, 1000.0, 5000.0, 10_000.0f32] {
            let mut rig = Rig::new::<Ladder>(RATE_HZ);
            rig.set("cutoff", cutoff_hz).feed("in", |_, frame| (frame == 0) as u32 as f32 * 0.01);
            let response = rig.run(12_000);
            let ideal_hz = f64::from(cutoff_hz * OPEN_RATIO);
            let found_hz = corner_hz(response.main(), ideal_hz, f64::from(RATE_HZ));
            let error = cents(found_hz, ideal_hz);
            assert!(error.abs() < 0.1, "{cutoff_hz} Hz: {error} cents");
        }
    }

    #[test]
    fn it_sings_in_tune_and_at_5_v() {
        for cutoff_hz in [100.0, 1000.0, 5000.0, 10_000.0f32] {
            let mut rig = Rig::new::<Ladder>(RATE_HZ);
            rig.set("cutoff", cutoff_hz).set("resonance", 1.0);
            rig.run(96_000);
            let sound = rig.run(48_000);
            let found_hz = frequency_hz(sound.main(), f64::from(RATE_HZ), None);
            let error = cents(found_hz, f64::from(cutoff_hz));
            assert!(error.abs() < 1.0, "{cutoff_hz} Hz: {error} cents");
            let peak = sound.main().iter().fold(0.0, |peak, volts| volts.abs().max(peak));
            assert!((4.8..5.5).contains(&peak), "{cutoff_hz} Hz: {peak} V");
        }
    }

    #[test]
    fn driven_hard_it_does_not_alias() {
        let rate_hz = f64::from(RATE_HZ);
        for (near_hz, peak_volts) in [(1000.0, 5.0), (5000.0, 5.0), (1000.0, 20.0), (5000.0, 20.0)]
        {
            for resonance in [0.0, 0.8] {
                let hz = coherent_hz(near_hz, rate_hz);
                let mut rig = Rig::new::<Ladder>(RATE_HZ);
                rig.set("cutoff", 10_000.0).set("resonance", resonance).feed(
                    "in",
                    move |_, frame| {
                        let turns = (frame as f64 * hz / rate_hz).fract();
                        (peak_volts * (std::f64::consts::TAU * turns).sin()) as f32
                    },
                );
                let found = alias(rig.run(140_000).main(), rate_hz, hz, 1, Shape::Any);
                assert!(found.alias_20k_db < -100.0, "{hz} Hz, {peak_volts} V: {found:?}");
            }
        }
    }

    #[test]
    fn with_all_its_drive_it_does_not_alias_at_eight_times_the_rate() {
        let rate_hz = f64::from(RATE_HZ);
        for (near_hz, peak_volts) in [(1000.0, 5.0), (5000.0, 5.0), (1000.0, 20.0), (5000.0, 20.0)]
        {
            let hz = coherent_hz(near_hz, rate_hz);
            let mut rig = Rig::new::<Ladder>(RATE_HZ);
            rig.set("cutoff", 10_000.0).set("drive", 1.0).choose("oversample", "8x");
            rig.feed("in", move |_, frame| {
                let turns = (frame as f64 * hz / rate_hz).fract();
                (peak_volts * (std::f64::consts::TAU * turns).sin()) as f32
            });
            let found = alias(rig.run(140_000).main(), rate_hz, hz, 1, Shape::Any);
            assert!(found.alias_20k_db < -80.0, "{hz} Hz, {peak_volts} V: {found:?}");
        }
    }

    #[test]
    fn at_any_rate_it_sings_in_tune() {
        let tone_hz = |oversample: &str| {
            let mut rig = Rig::new::<Ladder>(RATE_HZ);
            rig.set("cutoff", 5000.0).set("resonance", 1.0).choose("oversample", oversample);
            rig.run(96_000);
            frequency_hz(rig.run(48_000).main(), f64::from(RATE_HZ), None)
        };
        let error = cents(tone_hz("8x"), tone_hz("2x"));
        assert!(error.abs() < 2.0, "{error} cents");
    }

    #[test]
    fn whatever_the_cutoff_does_it_stays_within_bounds() {
        let mut rig = Rig::new::<Ladder>(RATE_HZ);
        rig.set("resonance", 1.0).set("drive", 1.0);
        rig.feed("in", |_, frame| saw(frame, 110.0));
        rig.feed("cutoff", |_, frame| 2.0 * saw(frame, 3456.7));
        let sound = rig.run(100_000);
        assert_eq!(rig.not_finite(), 0);
        assert!(sound.main().iter().all(|volts| volts.abs() < 20.0));
    }

    #[test]
    fn absurd_voltages_pass() {
        let mut rig = Rig::new::<Ladder>(RATE_HZ);
        rig.set("resonance", 0.5).set("drive", 1.0);
        rig.feed(
            "in",
            |_, frame| if frame < 100 { 1e37 * saw(frame, 5000.0).signum() } else { 0.0 },
        );
        rig.feed(
            "cutoff",
            |_, frame| if frame < 100 { 1e38 * saw(frame, 3000.0).signum() } else { 0.0 },
        );
        let sound = rig.run(20_000);
        assert_eq!(rig.not_finite(), 0);
        assert!(sound.main()[19_000..].iter().all(|volts| volts.abs() < 1e-3));
    }

    #[test]
    fn a_volt_is_an_octave() {
        let run = |cutoff_hz: f32, volts: f32| {
            let mut rig = Rig::new::<Ladder>(RATE_HZ);
            rig.set("cutoff", cutoff_hz).set("resonance", 0.7);
            rig.feed("in", |_, frame| saw(frame, 220.0)).feed("cutoff", move |_, _| volts);
            rig.run(1000).main().to_vec()
        };
        assert_eq!(run(500.0, 1.0), run(1000.0, 0.0));
        assert_eq!(run(4000.0, -3.0), run(500.0, 0.0));
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize, oversample: &str| {
            let mut rig = Rig::new::<Ladder>(RATE_HZ);
            rig.set("resonance", 0.9).set("drive", 0.5).choose("oversample", oversample);
            rig.feed_channels("in", channels, move |channel, frame| {
                saw(frame, 100.0 * (channel + first + 1) as f64)
            });
            rig.feed_channels("cutoff", channels, move |channel, frame| {
                0.2 * saw(frame, 30.0 + (channel + first) as f64)
            });
            rig.feed("resonance", |_, frame| saw(frame, 3.0));
            rig
        };
        for oversample in ["2x", "8x"] {
            let together = rig(16, 0, oversample).run(500);
            let one_by_one = rig(16, 0, oversample).frame_by_frame().run(500);
            for channel in 0..16 {
                let volts = together.channel("lowpass", channel);
                assert_eq!(volts, one_by_one.channel("lowpass", channel));
                assert_eq!(volts, rig(1, channel, oversample).run(500).main());
            }
        }
    }

    #[test]
    fn silence_stays_silent_until_it_sings() {
        let mut rig = Rig::new::<Ladder>(RATE_HZ);
        assert!(rig.run(1000).main().iter().all(|&volts| volts == 0.0));
        rig.set("resonance", 1.0).run(96_000);
        let peak = rig.run(4800).main().iter().fold(0.0, |peak, volts| volts.abs().max(peak));
        assert!(peak > 4.8, "{peak} V");
    }
}
