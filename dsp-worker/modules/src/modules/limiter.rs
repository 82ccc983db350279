//! Limiter: nothing passes the ceiling, and nothing is heard to be held.
//!
//! It looks 2 ms ahead. The reduction that each peak needs is held for as long as
//! that (a sliding maximum, by doubling), and smoothed by two averages in a row
//! that together are as long: so it is reached, without a corner, when the peak
//! comes out. Averages are summed up in whole numbers, which do not drift.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::each;
use sostenuto_dsp::one_pole::coefficient_of_secs;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::true_peak::{TAPS, true_peak};
use sostenuto_dsp::units::FULL_SCALE_VOLTS;
use sostenuto_dsp::{db_from_gain, gain_from_db, hush};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const GAIN: usize = 0;
const CEILING: usize = 1;
const RELEASE: usize = 2;

/// Each of the two averages.
const AVERAGE_SECS: f32 = 1e-3;
/// What no average is longer than: 192 kHz.
const MOST_FRAMES: usize = 192;
/// The tapes after those of both sides: maxima over 1, 2, 4 … frames, then what
/// goes into each average.
const MAXIMA: usize = 2;
const DOUBLINGS: usize = 9;
const AVERAGES: usize = MAXIMA + DOUBLINGS;
const TAPES: usize = AVERAGES + 2;
/// Full reduction, as a whole number: f32 tapes keep it exactly.
const WHOLE: f32 = 16_777_216.0;

/// What is not on the tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Limiter {
    /// What both averages' windows add up to.
    sums: [u64; 2],
    /// How many frames there are on the tapes. Before that is another's sound.
    age_frames: u32,
    /// The reduction with its release, 0 to 1.
    held: f32,
}

impl Module for Limiter {
    const ABOUT: &'static About = &About {
        name: "limiter",
        title: "Limiter",
        summary: "Makes a mix loud but never louder than the ceiling: the last module before the output",
        aliases: &["master", "brickwall"],
        tags: &[Tag::Dynamics, Tag::Effect],
        inputs: &[stereo_in::LEFT, stereo_in::RIGHT],
        outputs: &[
            port("left", "Left signal, limited, delayed by 2 ms"),
            port("right", "Right signal, limited, delayed by 2 ms"),
        ],
        params: &[
            Param::linear(
                "gain",
                0.0..=24.0,
                0.0,
                Unit::Db,
                "Drives the signal towards the ceiling: louder and denser",
            ),
            Param::linear(
                "ceiling",
                -24.0..=0.0,
                -0.3,
                Unit::Db,
                "The highest peak, even between two samples. 0 dB is full scale, 10 V",
            ),
            Param::log(
                "release",
                0.01..=1.0,
                0.1,
                Unit::Secs,
                "How fast the gain recovers: the time for 63 % of the change",
            ),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // What it takes off, in dB.
        display: 1,
        screen: Some(Screen::Curve(Curve::Limiter)),
        face: &[Part::Row(&[Part::Screen, Part::Param("gain"), Part::Param("ceiling")])],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![2 * average_frames(sample_rate_hz) + 2 * TAPS; TAPES]
    }

    fn change_rate(&mut self, _change: &RateChange) {
        // Nothing is on the tapes any more.
        (self.sums, self.age_frames) = ([0; 2], 0);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let (gain, ceiling) = (block.ramp(GAIN), block.ramp(CEILING));
        let release = coefficient_of_secs(block.param(RELEASE), block.sample_rate_hz);
        let average_frames = average_frames(block.sample_rate_hz);
        // Both averages together; and one frame more, because a peak between two
        // frames counts for both.
        let hold_frames = 2 * average_frames;
        let late_frames = hold_frames - 2 + TAPS / 2;
        let mut passed = 1.0;
        for frame in block.frames() {
            let push = gain_from_db(gain.at(frame));
            let ceiling_volts = FULL_SCALE_VOLTS * gain_from_db(ceiling.at(frame));
            let mut peak_volts = 0f32;
            for side in [LEFT, RIGHT] {
                block.tapes.write(side, frame, push * input.at(side, frame));
                let recent = each(|back| self.read(block, side, frame, back));
                peak_volts = peak_volts.max(true_peak(&recent));
            }
            let over_volts = peak_volts - ceiling_volts;
            let needed = if over_volts > 0.0 { over_volts / peak_volts } else { 0.0 };
            // Upwards to a whole number.
            let needed = if needed > 0.0 { (needed * WHOLE) as u32 as f32 + 1.0 } else { 0.0 };
            let most = self.most(block, frame, hold_frames, needed) * (1.0 / WHOLE);
            let sinking = self.held + release * (most - self.held);
            self.held = hush(sinking.max(most));

            let mut reduction = (self.held * WHOLE) as u32;
            for average in 0..2 {
                let tape = AVERAGES + average;
                block.tapes.write(tape, frame, reduction as f32);
                let left = self.read(block, tape, frame, average_frames) as u64;
                self.sums[average] =
                    (self.sums[average] + u64::from(reduction)).saturating_sub(left);
                reduction = self.sums[average].div_ceil(average_frames as u64) as u32;
            }
            passed = 1.0 - (reduction as f32 * (1.0 / WHOLE)).min(1.0);
            for side in [LEFT, RIGHT] {
                let volts = passed * self.read(block, side, frame, late_frames);
                // For the last digit, and for a ceiling that is being lowered.
                let volts = volts.clamp(-ceiling_volts, ceiling_volts);
                block.output(side).put(0, frame, volts);
            }
            self.age_frames = (self.age_frames + 1).min(1 << 20);
        }
        block.show(0, -db_from_gain(passed).max(-100.0));
    }
}

impl Limiter {
    #[inline(always)]
    fn read(&self, block: &Block, tape: usize, frame: usize, delay_frames: usize) -> f32 {
        let is_own = delay_frames <= self.age_frames as usize;
        if is_own { block.tapes.read(tape, frame, delay_frames) } else { 0.0 }
    }

    /// The largest of the last `frames`, the newest of which is given.
    #[inline(always)]
    fn most(&self, block: &mut Block, frame: usize, frames: usize, newest: f32) -> f32 {
        let (mut most, mut length, mut tape) = (newest, 1, MAXIMA);
        block.tapes.write(tape, frame, most);
        while 2 * length <= frames {
            most = most.max(self.read(block, tape, frame, length));
            length *= 2;
            tape += 1;
            block.tapes.write(tape, frame, most);
        }
        most.max(self.read(block, tape, frame, frames - length))
    }
}

fn average_frames(sample_rate_hz: f32) -> usize {
    ((AVERAGE_SECS * sample_rate_hz) as usize).clamp(2, MOST_FRAMES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::random::Random;

    const LATE_FRAMES: usize = 100;

    fn peak(sound: &[f32]) -> f32 {
        sound.iter().fold(0.0, |peak, volts| volts.abs().max(peak))
    }

    #[test]
    fn what_is_below_the_ceiling_comes_out_as_it_went_in() {
        let mut rig = Rig::new::<Limiter>(48_000.0);
        let sound = |frame: u64| 5.0 * (frame as f32 * 0.1).sin();
        let out = rig.feed("left", move |_, frame| sound(frame)).run(4000);
        for (frame, &volts) in out.main().iter().enumerate().skip(LATE_FRAMES) {
            assert_eq!(volts, sound((frame - LATE_FRAMES) as u64));
        }
        assert!(out.main()[..LATE_FRAMES].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn no_noise_passes_the_ceiling_and_it_is_used() {
        for rate_hz in [8000.0, 48_000.0, 192_000.0] {
            let mut rig = Rig::new::<Limiter>(rate_hz);
            rig.set("gain", 24.0).set("ceiling", -6.0206).set("release", 0.01);
            for (seed, port) in [(1, "left"), (2, "right")] {
                let mut noise = Random::new(seed);
                let swell = move |frame: u64| 10.0 * (frame as f32 * 3e-4).sin();
                rig.feed(port, move |_, frame| swell(frame) * noise.bipolar());
            }
            let out = rig.run(100_000);
            for side in ["left", "right"] {
                let peak = peak(out.channel(side, 0));
                // Noise peaks higher between its frames than on them.
                assert!((3.8..=5.0005).contains(&peak), "{side} at {rate_hz} Hz: {peak} V");
            }
        }
    }

    #[test]
    fn a_peak_between_two_frames_counts() {
        // At a quarter of the rate each frame is 3 dB below the true peak.
        let mut rig = Rig::new::<Limiter>(48_000.0);
        let volts = [5.0, 5.0, -5.0, -5.0].map(|volts: f32| 2.0 * volts);
        let out =
            rig.set("ceiling", -6.0206).feed("left", move |_, n| volts[n as usize % 4]).run(4800);
        let found = peak(&out.main()[2400..]);
        assert!((found - 5.0 * 0.5f32.sqrt()).abs() < 0.1, "{found} V");
    }

    #[test]
    fn the_gain_is_there_when_the_peak_comes_and_moves_without_a_step() {
        let mut rig = Rig::new::<Limiter>(48_000.0);
        // On 1 V of constant voltage the gain can be read off.
        rig.set("ceiling", -20.0).feed("left", |_, frame| if frame == 1000 { 10.0 } else { 1.0 });
        let out = rig.run(4000);
        let sound = out.main();
        assert!((sound[1000 + LATE_FRAMES] - 1.0).abs() < 1e-3, "{}", sound[1000 + LATE_FRAMES]);
        let steps = sound[200..1090].windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let step = steps.fold(0.0, f32::max);
        // 0.9 V of way in a triangle of 96 frames: its top is 2/96 of it.
        assert!((0.01..0.02).contains(&step), "{step}");
        // The release has 63 % of it back in 0.1 s.
        let out = rig.run(96_000);
        assert!((out.main()[95_000] - 1.0).abs() < 1e-4);
    }
}
