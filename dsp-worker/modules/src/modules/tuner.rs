//! Tuner: which note is played, and how far it is off.
//!
//! The pitch is where the sound resembles itself: YIN's difference function and
//! its cumulative mean (de Cheveigné and Kawahara, "YIN, a fundamental frequency
//! estimator for speech and music", J. Acoust. Soc. Am. 111(4), 2002, steps 2 to
//! 5). The period so found is then measured over as many periods as the memory
//! holds, which makes it as many times truer.
//!
//! The difference function grows frame by frame, so every quantum has an equal
//! share of the work.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::half_band::{HalfBand, HalfBandState, STEEP};
use sostenuto_dsp::log2;
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::tuning::Tuning;

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Screen, Tag, port};
use crate::param::{Param, Unit};

const IN: usize = 0;
const REFERENCE: usize = 0;

/// The sample rate is halved until it is no higher than this.
const LISTENING_HZ: f32 = 24_000.0;
/// From 192 kHz down to it.
const HALVINGS: usize = 3;
/// Takes the edge off, so that the places where the sound resembles itself are
/// round, and can be measured between two frames.
const EDGE_HZ: f32 = 1500.0;

/// Longest period, in frames of at most 24 kHz: below 27.5 Hz.
const LAGS: usize = 896;
/// One measurement. Together with the longest period and the measurement that
/// was under way when a tone began, less than 100 ms.
const WINDOW_SECS: f32 = 0.028;

/// How unlike itself a tone may be, as a part of how unlike any two places are.
const UNLIKENESS: f32 = 0.15;
/// What is quieter is silence.
const SILENCE_VOLTS: f32 = 1e-3;

/// MIDI's number of the A that is the reference, and its pitch.
const A4: f32 = 69.0;
const A4_VOLTS: f32 = 0.75;

/// The sound so far, and how unlike it is to itself.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Tuner {
    halvers: [HalfBandState<STEEP>; HALVINGS],
    /// Of each pair of frames to be halved, the first.
    firsts: [f32; HALVINGS],
    /// One bit a halving: whether that first frame is there.
    waiting: u32,
    edge: OnePole,
    /// Newest first from `newest` on, twice in a row, so that any [`LAGS`] of
    /// it lie side by side.
    past: [f32; 2 * LAGS],
    newest: u32,
    /// Frames of the measurement that is under way.
    measured_frames: u32,
    /// For each lag, the weighted squares of the differences so far.
    unlike: [f32; LAGS],
}

impl Module for Tuner {
    const ABOUT: &'static About = &About {
        name: "tuner",
        title: "Tuner",
        summary: "Shows the pitch of a sound: frequency, nearest note and cents",
        aliases: &["pitch", "tuning", "scala", "microtonal"],
        tags: &[Tag::Display, Tag::Utility],
        inputs: &[port(
            "in",
            "Signal input, one note at a time. Of a polyphonic cable, the first channel counts",
        )],
        params: &[Param::linear(
            "reference",
            400.0..=480.0,
            440.0,
            Unit::Hz,
            "The frequency of A4",
        )],
        // The frequency in Hz, 0 where there is no pitch; the nearest note, 60 for C4; the
        // cents above the nearest note of the tuning, or of the twelve; whether there is a
        // tuning; which of its notes that is, from 0; and in which of its periods.
        display: 6,
        screen: Some(Screen::Tuner),
        text: Some(Text::Tuning),
        ..About::BLANK
    };

    fn change_rate(&mut self, _change: &RateChange) {
        // What it has measured so far is of the old rate.
        *self = Zeroable::zeroed();
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let mut halvings = 0;
        let mut rate_hz = block.sample_rate_hz;
        while rate_hz > LISTENING_HZ && halvings < HALVINGS {
            rate_hz *= 0.5;
            halvings += 1;
        }
        let softness = coefficient(EDGE_HZ, rate_hz);
        let window_frames = (WINDOW_SECS * rate_hz) as u32 + 1;
        for frame in block.frames() {
            let volts = block.input(IN).at(0, frame).clamp(-1e4, 1e4);
            let Some(volts) = self.halved(volts, halvings) else { continue };
            let volts = self.edge.lowpass(volts, softness);
            self.compare(volts, window_frames);
            if self.measured_frames >= window_frames {
                show(block, self.period_frames().map_or(0.0, |frames| rate_hz / frames));
                self.unlike = [0.0; LAGS];
                self.measured_frames = 0;
            }
        }
    }
}

/// Shows a frequency as a musician reads it.
#[inline(always)]
fn show(block: &Block, hz: f32) {
    let note = if hz > 0.0 { A4 + 12.0 * log2(hz / block.param(REFERENCE)) } else { 0.0 };
    let nearest = (note + 0.5) as i32 as f32;
    block.show(0, hz);
    block.show(1, nearest);
    let Some(tuning) = Tuning::of(block.clip().samples).filter(|_| hz > 0.0) else {
        block.show(2, 100.0 * (note - nearest));
        return block.show(3, 0.0);
    };
    let volts = A4_VOLTS + (note - A4) * (1.0 / 12.0);
    let step = tuning.nearest(volts);
    block.show(2, 1200.0 * (volts - tuning.volts(step)));
    block.show(3, 1.0);
    block.show(4, tuning.number(step) as f32);
    block.show(5, tuning.period(step) as f32);
}

impl Tuner {
    /// One frame at the rate that it listens at, where this one completes it.
    #[inline(always)]
    fn halved(&mut self, volts: f32, halvings: usize) -> Option<f32> {
        let mut sample = volts;
        for halving in 0..halvings {
            self.waiting ^= 1 << halving;
            if self.waiting >> halving & 1 != 0 {
                self.firsts[halving] = sample;
                return None;
            }
            let mut halver = HalfBand::<f32, STEEP>::load(&self.halvers[halving], 0);
            sample = halver.down([self.firsts[halving], sample]);
            halver.store(&mut self.halvers[halving], 0);
        }
        Some(sample)
    }

    /// Compares a frame with those before it. Those at both ends of the
    /// measurement count less, so that it does not matter what they cut
    /// (Welch's window).
    #[inline(always)]
    fn compare(&mut self, volts: f32, window_frames: u32) {
        let newest = (self.newest as usize + LAGS - 1) % LAGS;
        self.newest = newest as u32;
        self.past[newest] = volts;
        self.past[newest + LAGS] = volts;
        let way = (self.measured_frames as f32 + 0.5) / window_frames as f32;
        let weight = way * (1.0 - way);
        self.measured_frames += 1;
        let past = &self.past[newest..newest + LAGS];
        for (unlike, past) in self.unlike.iter_mut().zip(past) {
            let difference = volts - past;
            *unlike += weight * difference * difference;
        }
    }

    /// The period of the sound that was measured, where it has one.
    #[inline(always)]
    fn period_frames(&self) -> Option<f32> {
        let all: f32 = self.unlike.iter().sum();
        let mean = all * (1.0 / LAGS as f32);
        // The weights add up to a sixth of the frames; two places that have
        // nothing in common differ by twice the square of the RMS.
        let silence = SILENCE_VOLTS * SILENCE_VOLTS * self.measured_frames as f32 * (1.0 / 3.0);
        if mean.is_nan() || mean <= silence {
            return None;
        }
        let mut so_far = self.unlike[1];
        for lag in 2..LAGS - 1 {
            so_far += self.unlike[lag];
            let [before, here, after] = [lag - 1, lag, lag + 1].map(|lag| self.unlike[lag]);
            if here <= before && here < after {
                let dip = Dip::at(lag, [before, here, after]);
                if dip.depth * lag as f32 <= UNLIKENESS * so_far {
                    return Some(self.over_many_periods(dip.lag, mean));
                }
            }
        }
        None
    }

    /// The period by the dips that lie many periods back.
    #[inline(always)]
    fn over_many_periods(&self, period_frames: f32, mean: f32) -> f32 {
        const LONGEST: f32 = (LAGS - 4) as f32;
        let mut period_frames = period_frames;
        let mut periods = 1.0;
        // Twice as many each time: ten times are more than there can be.
        for _ in 0..10 {
            let most = (LONGEST / period_frames) as u32 as f32;
            let next = most.min(2.0 * periods);
            if next <= periods {
                break;
            }
            let goal = next * period_frames;
            let middle = ((goal + 0.5) as usize).clamp(2, LAGS - 3);
            let unlike = |lag: &usize| self.unlike[*lag];
            let around = [middle - 1, middle, middle + 1];
            let lag = around.into_iter().min_by(|a, b| unlike(a).total_cmp(&unlike(b)));
            let lag = lag.unwrap_or(middle);
            let dip = Dip::at(lag, [lag - 1, lag, lag + 1].map(|lag| self.unlike[lag]));
            if (dip.lag - goal).abs() > 1.0 || dip.depth > UNLIKENESS * mean {
                break;
            }
            period_frames = dip.lag / next;
            periods = next;
        }
        period_frames
    }
}

/// Where the difference function is lowest, between frames.
struct Dip {
    lag: f32,
    depth: f32,
}

impl Dip {
    /// The lowest point of a parabola through three lags.
    #[inline(always)]
    fn at(lag: usize, [before, here, after]: [f32; 3]) -> Dip {
        let bend = before - 2.0 * here + after;
        let lean = 0.5 * (before - after);
        let way = if bend > 0.0 { (lean / bend).clamp(-1.0, 1.0) } else { 0.0 };
        Dip { lag: lag as f32 + way, depth: here - 0.5 * lean * way }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::random::Random;
    use sostenuto_dsp::tuning;
    use sostenuto_dsp::tuning::scala::{Mapping, Scale};

    #[derive(Clone, Copy, Debug)]
    enum Wave {
        Sine,
        Saw,
        Square,
    }

    /// A wave as the sum of its harmonics up to 12 kHz, from that phase on.
    fn wave(wave: Wave, hz: f64, rate_hz: f64, start: f64) -> impl Fn(u64) -> f32 {
        let harmonics = (12_000.0 / hz) as usize;
        move |frame| {
            let phase = (start + frame as f64 * hz / rate_hz).fract() * TAU;
            let sum = |numbers: &mut dyn Iterator<Item = usize>| -> f64 {
                numbers.map(|n| (n as f64 * phase).sin() / n as f64).sum()
            };
            (3.0 * match wave {
                Wave::Sine => phase.sin(),
                Wave::Saw => sum(&mut (1..=harmonics)),
                Wave::Square => sum(&mut (1..=harmonics).step_by(2)),
            }) as f32
        }
    }

    /// Readings from 100 ms after the tone began, every 20 ms. It begins in the
    /// middle of a measurement, at the same part of it as of its period.
    fn check(kind: Wave, hz: f64, rate_hz: f32, start: f64) {
        let mut rig = Rig::new::<Tuner>(rate_hz);
        let tone = wave(kind, hz, f64::from(rate_hz), start);
        let silent = (start as f32 * WINDOW_SECS * rate_hz) as u64;
        rig.feed("in", move |_, frame| frame.checked_sub(silent).map_or(0.0, &tone));
        rig.run(silent as usize + (0.1 * rate_hz) as usize);
        let note = 69.0 + 12.0 * (hz / 440.0).log2();
        let mut readings = Vec::new();
        for _ in 0..5 {
            let [shown_hz, nearest, cents, ..] = rig.display()[..] else { panic!() };
            let name = format!("{kind:?} {hz} Hz at {rate_hz} from {start}");
            let error = 1200.0 * (f64::from(shown_hz) / hz).log2();
            assert!(error.abs() < 0.5, "{name}: {shown_hz} Hz, {error} cents");
            assert_eq!(f64::from(nearest), note.round(), "{name}");
            let off = f64::from(cents) - 100.0 * (note - note.round());
            assert!(off.abs() < 0.5, "{name}: {cents}");
            readings.push(error);
            rig.run((0.02 * rate_hz) as usize);
        }
        let most = readings.iter().copied().fold(f64::MIN, f64::max);
        let least = readings.iter().copied().fold(f64::MAX, f64::min);
        assert!(most - least < 0.3, "{kind:?} {hz} Hz at {rate_hz}: {readings:?}");
    }

    #[test]
    fn a_note_is_read_within_half_a_cent_in_100_ms() {
        for kind in [Wave::Sine, Wave::Saw, Wave::Square] {
            for hz in [27.5, 31.7, 41.2, 54.3, 82.4, 110.0, 196.3, 261.63, 440.0, 659.9] {
                for start in [0.0, 0.3, 0.77] {
                    check(kind, hz, 48_000.0, start);
                }
            }
            for hz in
                [880.0, 1234.5, 1760.0, 2093.0, 2637.0, 3000.0, 3136.7, 3520.0, 4186.0, 4200.0]
            {
                check(kind, hz, 48_000.0, 0.1);
            }
        }
    }

    #[test]
    fn it_reads_alike_at_every_sample_rate() {
        for rate_hz in [44_100.0, 88_200.0, 96_000.0, 192_000.0] {
            for hz in [27.5, 440.0, 4186.0] {
                check(Wave::Saw, hz, rate_hz, 0.2);
            }
        }
    }

    #[test]
    fn silence_noise_and_a_constant_voltage_have_no_pitch() {
        let mut rig = Rig::new::<Tuner>(48_000.0);
        rig.run(4800);
        assert_eq!(rig.display(), [0.0; 6]);
        rig.feed("in", |_, _| 3.0).run(48_000);
        assert_eq!(rig.display(), [0.0; 6]);
        let mut random = Random::new(5);
        rig.feed("in", move |_, _| 5.0 * random.bipolar()).run(4800);
        for _ in 0..20 {
            rig.run(1440);
            assert_eq!(rig.display()[0], 0.0);
        }
    }

    #[test]
    fn it_names_the_nearest_note_of_its_tuning() {
        // Above C4: 9/8, 7/4 and an octave.
        let scale = Scale::read("Three\n3\n9/8\n7/4\n2/1").unwrap();
        let table = tuning::compile(&scale, &Mapping::LINEAR).unwrap();
        for (ratio, cents, number, period) in [
            (1.75, 0.0, 2.0, 0.0),
            (1.125, 20.0, 1.0, 0.0),
            (3.5, -10.0, 2.0, 1.0),
            (0.5, 5.0, 0.0, -1.0),
        ] {
            let mut rig = Rig::new::<Tuner>(48_000.0);
            let hz = 261.6256 * ratio * f64::exp2(cents / 1200.0);
            rig.clip(table.clone(), 1, 0.0).feed("in", wave_of(hz));
            rig.run(9600);
            let shown = rig.display();
            assert!((f64::from(shown[2]) - cents).abs() < 0.5, "{ratio}: {shown:?}");
            assert_eq!(shown[3..], [1.0, number, period], "{ratio}");
        }
    }

    fn wave_of(hz: f64) -> impl Fn(usize, u64) -> f32 {
        let tone = wave(Wave::Sine, hz, 48_000.0, 0.0);
        move |_, frame| tone(frame)
    }

    #[test]
    fn cents_count_from_the_reference() {
        let mut rig = Rig::new::<Tuner>(48_000.0);
        let tone = wave(Wave::Sine, 440.0, 48_000.0, 0.0);
        rig.set("reference", 442.0).feed("in", move |_, frame| tone(frame));
        rig.run(9600);
        let shown = rig.display();
        assert_eq!(shown[1], 69.0);
        assert!((shown[2] + 7.85).abs() < 0.1, "{shown:?}");
    }
}
