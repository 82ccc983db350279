//! Flanger: the sweeping comb of two tape machines, one of them held back.
//!
//! Through zero the signal itself is late by the delay, so that its copy can
//! overtake it, as the second machine could.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::sweep::Sweep;
use sostenuto_dsp::tape_head::{SHORTEST_FRAMES, TapeHead};
use sostenuto_dsp::{exp2, hush, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const SWEEP_CV: usize = 2;
const RATE_CV: usize = 3;
const FEEDBACK_CV: usize = 4;

const DELAY: usize = 0;
const RATE: usize = 1;
const DEPTH: usize = 2;
const FEEDBACK: usize = 3;
const THROUGH_ZERO: usize = 4;
const SPREAD: usize = 5;
const MIX: usize = 6;

/// The tapes of the signal, left and right, and after them those of the loop.
const DRY: usize = 0;
const LOOP: usize = 2;

const LONGEST_SECS: f32 = 0.06;
/// How far the sweep goes at full depth, up and down.
const OCTAVES: f32 = 2.5;

const MOST_FEEDBACK: f32 = 0.95;
/// Keeps a constant voltage from piling up in the loop.
const RUMBLE_HZ: f32 = 10.0;
/// The loop is transparent up to here, and bounded above.
const KNEE_VOLTS: f32 = 8.0;
const LIMIT_VOLTS: f32 = 16.0;

/// How long the signal takes to fall behind, in seconds.
const CROSS_SECS: f32 = 0.02;

/// The heads, and the filters of the loop. The sound is on the tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Flanger {
    recording: Recording,
    sweep: Sweep,
    /// Where the late signal is.
    dry: TapeHead,
    wet: [TapeHead; 2],
    highpass: [OnePole; 2],
    /// How much of the signal is late, 0 to 1.
    through_zero: f32,
    _unused: u32,
}

impl Module for Flanger {
    const ABOUT: &'static About = &About {
        name: "flanger",
        title: "Flanger",
        summary: "A sweeping comb filter with feedback; through zero, like two tape machines",
        aliases: &["jet"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("sweep", "Sweep CV, by hand or LFO: each volt doubles the delay"),
            port("rate", "Rate CV: each volt doubles the rate").moves_own(By::OctavePerVolt),
            port("feedback", "Feedback CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "Left signal with its copy"),
            port("right", "Right signal with its copy"),
        ],
        params: &[
            Param::log(
                "delay",
                2e-4..=1e-2,
                1.5e-3,
                Unit::Secs,
                "The delay of the copy at the centre of the sweep",
            ),
            Param::log("rate", 0.01..=10.0, 0.2, Unit::Hz, "Sweep rate"),
            Param::linear(
                "depth",
                0.0..=1.0,
                0.7,
                Unit::Fraction,
                "Sweep depth: ±2.5 octaves at 1",
            ),
            Param::linear(
                "feedback",
                -MOST_FEEDBACK..=MOST_FEEDBACK,
                0.4,
                Unit::None,
                "Feedback of the copy: it resonates. Negative values invert it and sound hollow",
            ),
            Param::switch(
                "through-zero",
                false,
                "Delays the input too, so that the sweep passes through zero delay",
            )
            .labelled("thru zero"),
            Param::linear(
                "spread",
                0.0..=0.5,
                0.25,
                Unit::Turns,
                "Phase offset of the sweep on the right side",
            ),
            Param::linear(
                "mix",
                -1.0..=1.0,
                0.5,
                Unit::None,
                "From the input alone, 0, to the copy alone, 1, as a plain blend. Negative values \
                 invert the copy",
            )
            .steady(),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![(LONGEST_SECS * sample_rate_hz) as usize + 4; 4]
    }

    fn change_rate(&mut self, change: &RateChange) {
        for head in self.wet.iter_mut().chain([&mut self.dry]) {
            head.change_rate(change);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.highpass = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        let sample_rate_hz = block.sample_rate_hz;
        let input = StereoIn::new(block, LEFT, RIGHT);
        let feedback_cv = block.input(FEEDBACK_CV);
        let (feedback, mix) = (block.ramp(FEEDBACK), block.ramp(MIX));
        let rumble = coefficient(RUMBLE_HZ, sample_rate_hz);
        for frame in block.frames() {
            self.move_heads(block, frame);
            let feedback = feedback.at(frame) + 0.1 * feedback_cv.at(0, frame);
            let feedback = feedback.clamp(-MOST_FEEDBACK, MOST_FEEDBACK);
            // The energy of a comb of that feedback is 1 / (1 - feedback²).
            let evening = (1.0 - feedback * feedback).sqrt();
            let wet = evening * mix.at(frame);
            let dry = 1.0 - mix.at(frame).abs();
            for side in [LEFT, RIGHT] {
                let now = input.at(side, frame);
                let late = self.read(block, DRY + side, frame, &self.dry);
                let copy = self.read(block, LOOP + side, frame, &self.wet[side]);
                let returned = soft_clip(feedback * copy, KNEE_VOLTS, LIMIT_VOLTS);
                let returned = self.highpass[side].highpass(returned, rumble);
                block.tapes.write(DRY + side, frame, now);
                block.tapes.write(LOOP + side, frame, hush(now + returned));
                let signal = now + self.through_zero * (late - now);
                block.output(side).put(0, frame, dry * signal + wet * copy);
            }
        }
    }
}

impl Flanger {
    #[inline(always)]
    fn move_heads(&mut self, block: &Block, frame: usize) {
        let sample_rate_hz = block.sample_rate_hz;
        let [delay, rate, depth, spread] =
            [DELAY, RATE, DEPTH, SPREAD].map(|param| block.ramp(param).at(frame));
        let [rate_cv, sweep_cv] =
            [RATE_CV, SWEEP_CV].map(|port| block.input(port).at(0, frame).clamp(-20.0, 20.0));
        self.sweep.advance((rate * exp2(rate_cv)).min(100.0), sample_rate_hz);

        let middle_frames = delay * sample_rate_hz;
        self.dry.glide(f64::from(middle_frames), sample_rate_hz);
        for side in [LEFT, RIGHT] {
            let height = self.sweep.ahead(spread * side as f32);
            let delay_frames = middle_frames * exp2(OCTAVES * depth * height + sweep_cv);
            let goal = delay_frames.min(LONGEST_SECS * sample_rate_hz);
            self.wet[side].glide(f64::from(goal).max(SHORTEST_FRAMES), sample_rate_hz);
        }
        let step = 1.0 / (CROSS_SECS * sample_rate_hz);
        let step = if block.is_on(THROUGH_ZERO) { step } else { -step };
        self.through_zero = (self.through_zero + step).clamp(0.0, 1.0);
    }

    #[inline(always)]
    fn read(&self, block: &Block, tape: usize, frame: usize, head: &TapeHead) -> f32 {
        let now = block.frame + frame as u64;
        let level = self.recording.level(now, head.delay_frames() as f32);
        level * head.place().read(&block.tapes, tape, frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::random::Random;
    use sostenuto_dsp::response::gain_at;

    const RATE_HZ: f32 = 48_000.0;

    /// A copy that stands still, 1 ms late.
    fn still() -> Rig {
        let mut rig = Rig::new::<Flanger>(RATE_HZ);
        rig.set("delay", 1e-3).set("depth", 0.0).set("feedback", 0.0);
        rig
    }

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    #[test]
    fn a_copy_1_ms_late_leaves_notches_from_500_hz_on_every_1_khz() {
        let mut rig = still();
        rig.feed("left", |_, frame| f32::from(u8::from(frame == 0)));
        let out = rig.run(1000);
        for kilohertz in 0..8 {
            let notch_hz = 500.0 + 1000.0 * f64::from(kilohertz);
            assert!(gain_at(out.main(), notch_hz, 48_000.0) < 1e-3, "{notch_hz} Hz");
            let peak = gain_at(out.main(), notch_hz + 500.0, 48_000.0);
            assert!((peak - 1.0).abs() < 1e-3, "{peak}");
        }
    }

    #[test]
    fn through_zero_an_inverted_copy_is_silence_where_they_meet() {
        let mut rig = still();
        let mut random = Random::new(3);
        rig.set("through-zero", 1.0).set("mix", -0.5);
        rig.feed("left", move |_, _| 5.0 * random.bipolar()).run(4800);
        let out = rig.run(4800);
        assert!(out.main().iter().all(|volts| volts.abs() < 1e-5));
        // Half an octave away it is not.
        rig.feed("sweep", |_, _| 0.5);
        assert!(rms(rig.run(4800).main()) > 1.0);
    }

    #[test]
    fn feedback_rings_without_changing_how_loud_noise_is() {
        for feedback in [-0.9, -0.5, 0.5, 0.9] {
            let mut rig = still();
            // Quiet enough for the loop to stay straight.
            let mut random = Random::new(4);
            rig.set("mix", 1.0).set("feedback", feedback);
            rig.feed("left", move |_, _| random.bipolar()).run(24_000);
            let level_db = 20.0 * (rms(rig.run(192_000).main()) * 3f64.sqrt()).log10();
            assert!(level_db.abs() < 0.3, "{feedback}: {level_db} dB");
        }
    }

    #[test]
    fn a_constant_voltage_does_not_pile_up_and_full_scale_stays_bounded() {
        let mut rig = still();
        rig.set("mix", 1.0).set("feedback", 0.95).feed("feedback", |_, _| 10.0);
        rig.feed("left", |_, _| 5.0).run(48_000);
        let constant = rig.run(48_000);
        assert!(constant.main().iter().all(|volts| volts.abs() < 2.0));
        rig.set("depth", 1.0).set("rate", 10.0);
        rig.feed("left", |_, frame| if frame / 24 % 2 == 0 { 12.0 } else { -12.0 });
        let loud = rig.run(96_000);
        assert!(loud.main().iter().all(|volts| volts.abs() < 40.0));
    }

    #[test]
    fn it_dies_away_into_silence() {
        let mut rig = still();
        rig.set("mix", 1.0).set("feedback", 0.95);
        rig.feed("left", |_, frame| if frame < 100 { 5.0 } else { 0.0 }).run(192_000);
        assert!(rig.run(480).main().iter().all(|&volts| volts == 0.0));
    }
}
