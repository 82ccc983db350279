//! Chorus: one sound becomes two or three, each a little out of tune.
//!
//! Bucket brigades as in the choruses and string ensembles of the seventies:
//! dull, a little rounded, and swept by one sine (chorus, two brigades half a
//! turn apart) or by a slow and a fast one (ensemble, three brigades a third of
//! a turn apart).

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::svf::{Cutoff, FLAT, Svf, SvfState};
use sostenuto_dsp::sweep::Sweep;
use sostenuto_dsp::tape_head::Place;
use sostenuto_dsp::{dry_wet, exp2, hush, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const RATE_CV: usize = 2;
const DEPTH_CV: usize = 3;

const MODE: usize = 0;
const RATE: usize = 1;
const DEPTH: usize = 2;
const CUTOFF: usize = 3;
const WIDTH: usize = 4;
const MIX: usize = 5;

const ENSEMBLE: usize = 1;

const TAPE: usize = 0;
const VOICES: usize = 3;

/// The delay of a voice in the middle of its way, and the longest way from it.
const MIDDLE_SECS: f32 = 8e-3;
const SLOW_SECS: f32 = 4e-3;
/// The fast sine of the ensemble: so many times the rate, but never faster than
/// a vibrato, and a way that bends the pitch about as far as the slow one's.
const FAST_RATIO: f32 = 10.0;
const FASTEST_HZ: f32 = 8.0;
const FAST_SECS: f32 = 0.35e-3;

/// For each mode, how far each voice is ahead of the first, in turns, and how
/// loud it is on the left and on the right. An ensemble has its second voice in
/// the middle; all are as loud together as two.
const AHEAD: [[f32; VOICES]; 2] = [[0.0, 0.5, 0.5], [0.0, 1.0 / 3.0, 2.0 / 3.0]];
const GAINS: [[[f32; VOICES]; 2]; 2] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    [[0.816_496_6, 0.577_350_26, 0.0], [0.0, 0.577_350_26, 0.816_496_6]],
];

/// How long a change of mode takes, in seconds.
const CROSS_SECS: f32 = 0.05;

/// A brigade is transparent up to here, and never louder than the limit.
const KNEE_VOLTS: f32 = 6.0;
const LIMIT_VOLTS: f32 = 12.0;

/// The sweeps and the filters. The sound is on the tape.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Chorus {
    recording: Recording,
    slow: Sweep,
    fast: Sweep,
    filter_in: SvfState,
    filters_out: [SvfState; 2],
    /// From chorus, 0, to ensemble, 1.
    ensemble: f32,
    _unused: u32,
}

impl Module for Chorus {
    const ABOUT: &'static About = &About {
        name: "chorus",
        title: "Chorus",
        summary: "Thickens a sound with two or three wavering copies; mono to stereo",
        aliases: &["ensemble"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("rate", "Rate CV: each volt doubles the rate").moves_own(By::OctavePerVolt),
            port("depth", "Depth CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "Left signal with its copies"),
            port("right", "Right signal with its copies; the two sides sum to mono well"),
        ],
        params: &[
            Param::choice(
                "mode",
                &["chorus", "ensemble"],
                0,
                "Chorus: two copies on a slow sine. Ensemble: three copies on a slow and a fast \
                 sine, for strings",
            ),
            Param::log(
                "rate",
                0.02..=12.0,
                0.5,
                Unit::Hz,
                "Modulation rate; the fast sine of the ensemble runs ten times as fast",
            ),
            Param::linear("depth", 0.0..=1.0, 0.5, Unit::Fraction, "Modulation depth"),
            Param::log(
                "cutoff",
                1000.0..=20_000.0,
                9000.0,
                Unit::Hz,
                "Lowpass on the copies, as in bucket-brigade chorus pedals",
            ),
            Param::linear(
                "width",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "Stereo width of the copies: 0 is mono",
            ),
            mix(0.5),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![((MIDDLE_SECS + SLOW_SECS + FAST_SECS) * sample_rate_hz) as usize + 4]
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.filter_in = Zeroable::zeroed();
            self.filters_out = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        let sample_rate_hz = block.sample_rate_hz;
        let input = StereoIn::new(block, LEFT, RIGHT);
        let (rate_cv, depth_cv) = (block.input(RATE_CV), block.input(DEPTH_CV));
        let [rate, depth, width, mix] = [RATE, DEPTH, WIDTH, MIX].map(|param| block.ramp(param));
        let cutoff = Cutoff::new(block.param(CUTOFF) / sample_rate_hz);
        let mut filter_in = Svf::<f32>::load(&self.filter_in, 0);
        let mut filters_out = self.filters_out.map(|state| Svf::<f32>::load(&state, 0));

        for frame in block.frames() {
            let sides = [input.at(LEFT, frame), input.at(RIGHT, frame)];
            let both = 0.5 * (sides[LEFT] + sides[RIGHT]);
            let dull = filter_in.next(both, &cutoff, FLAT).low;
            block.tapes.write(TAPE, frame, hush(soft_clip(dull, KNEE_VOLTS, LIMIT_VOLTS)));

            let octaves = rate_cv.at(0, frame).clamp(-20.0, 20.0);
            self.advance(rate.at(frame) * exp2(octaves), block);
            let depth = (depth.at(frame) + 0.1 * depth_cv.at(0, frame)).clamp(0.0, 1.0);
            let copies = self.copies(block, frame, depth);
            let middle = 0.5 * (copies[LEFT] + copies[RIGHT]);
            let (dry, wet) = dry_wet(mix.at(frame));
            for side in [LEFT, RIGHT] {
                let copy = middle + width.at(frame) * (copies[side] - middle);
                let copy = filters_out[side].next(copy, &cutoff, FLAT).low;
                block.output(side).put(0, frame, dry * sides[side] + wet * copy);
            }
        }
        filter_in.store(&mut self.filter_in, 0);
        for (filter, state) in filters_out.into_iter().zip(&mut self.filters_out) {
            filter.store(state, 0);
        }
    }
}

impl Chorus {
    #[inline(always)]
    fn advance(&mut self, rate_hz: f32, block: &Block) {
        let rate_hz = rate_hz.min(100.0);
        self.slow.advance(rate_hz, block.sample_rate_hz);
        self.fast.advance((FAST_RATIO * rate_hz).min(FASTEST_HZ), block.sample_rate_hz);
        let step = 1.0 / (CROSS_SECS * block.sample_rate_hz);
        let step = if block.choice(MODE) == ENSEMBLE { step } else { -step };
        self.ensemble = (self.ensemble + step).clamp(0.0, 1.0);
    }

    /// What the voices sing, on the left and on the right.
    #[inline(always)]
    fn copies(&self, block: &Block, frame: usize, depth: f32) -> [f32; 2] {
        let between = |modes: [f32; 2]| modes[0] + self.ensemble * (modes[1] - modes[0]);
        let mut copies = [0.0; 2];
        for voice in 0..VOICES {
            let ahead = between([AHEAD[0][voice], AHEAD[1][voice]]);
            let slow_secs = SLOW_SECS * self.slow.ahead(ahead);
            let fast_secs = self.ensemble * FAST_SECS * self.fast.ahead(ahead);
            let delay_secs = MIDDLE_SECS + depth * (slow_secs + fast_secs);
            let delay_frames = delay_secs * block.sample_rate_hz;
            let level = self.recording.level(block.frame + frame as u64, delay_frames);
            let volts = level * Place::new(delay_frames).read(&block.tapes, TAPE, frame);
            for side in [LEFT, RIGHT] {
                copies[side] += volts * between([0, 1].map(|mode| GAINS[mode][side][voice]));
            }
        }
        copies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz};
    use sostenuto_dsp::random::Random;

    const RATE_HZ: f32 = 48_000.0;

    fn rms(volts: impl Iterator<Item = f32>) -> f64 {
        let (sum, count) = volts.fold((0.0, 0), |(sum, n), v| (sum + f64::from(v).powi(2), n + 1));
        (sum / f64::from(count)).sqrt()
    }

    fn wet(mode: &str) -> Rig {
        let mut rig = Rig::new::<Chorus>(RATE_HZ);
        rig.set("mix", 1.0).set("cutoff", 20_000.0).choose("mode", mode);
        rig
    }

    #[test]
    fn at_rest_a_copy_comes_8_ms_late() {
        let mut rig = wet("chorus");
        rig.set("depth", 0.0).feed("left", |_, frame| f32::from(u8::from(frame == 0)));
        let out = rig.run(1000);
        for side in ["left", "right"] {
            let echo = out.channel(side, 0);
            let energy: f32 = echo.iter().map(|v| v * v).sum();
            let middle: f32 = echo.iter().zip(0..).map(|(v, n)| v * v * n as f32).sum();
            // The filters delay it by a frame or so.
            assert!((384.0..387.0).contains(&(middle / energy)), "{}", middle / energy);
        }
    }

    #[test]
    fn a_vibrato_is_as_deep_as_its_sine_says() {
        let mut rig = wet("chorus");
        rig.set("depth", 1.0).set("rate", 0.5);
        rig.feed("left", |_, frame| {
            (5.0 * (std::f64::consts::TAU * 1000.0 * frame as f64 / 48_000.0).sin()) as f32
        });
        rig.run(48_000 - 2048);
        // At 1 s, half a turn, the delay shrinks by 4 ms · 2π · 0.5 Hz, and on
        // the right, half a turn ahead, it grows by as much.
        let out = rig.run(4096);
        for (side, ratio) in [("left", 1.012_566), ("right", 1.0 - 0.012_566)] {
            let found = frequency_hz(out.channel(side, 0), 48_000.0, Some(1000.0 * ratio));
            assert!(cents(found, 1000.0 * ratio).abs() < 1.0, "{side}: {found} Hz");
        }
    }

    #[test]
    fn noise_is_as_loud_in_stereo_and_loses_at_most_3_db_in_mono() {
        for mode in ["chorus", "ensemble"] {
            let mut rig = wet(mode);
            let mut random = Random::new(5);
            rig.feed("left", move |_, _| 5.0 * random.bipolar());
            rig.run(9600);
            let out = rig.run(192_000);
            let sides = ["left", "right"].map(|side| out.channel(side, 0));
            let each = sides.map(|side| rms(side.iter().copied()));
            let mono = rms(sides[0].iter().zip(sides[1]).map(|(l, r)| 0.5 * (l + r)));
            let given = 5.0 / 3f64.sqrt();
            for loud in each {
                let level_db = 20.0 * (loud / given).log10();
                assert!((-2.5..0.5).contains(&level_db), "{mode}: {level_db} dB");
            }
            let lost_db = 20.0 * (mono / each[0]).log10();
            assert!((-3.3..-0.5).contains(&lost_db), "{mode}: {lost_db} dB");
        }
    }

    #[test]
    fn a_change_of_mode_does_not_click() {
        let mut rig = wet("chorus");
        rig.feed("left", |_, frame| 5.0 * (frame as f32 * 0.0131).sin());
        rig.run(9600);
        let out = rig.choose("mode", "ensemble").run(9600);
        for pair in out.main().windows(2) {
            // 100 Hz at 5 V moves 0.0655 V a frame.
            assert!((pair[1] - pair[0]).abs() < 0.12, "{pair:?}");
        }
    }
}
