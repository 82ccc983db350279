//! Phaser: notches that wander through a sound.
//!
//! A chain of first-order all-passes without delay in its feedback loop: the
//! loop is solved, not stepped (Zavalishin, "The Art of VA Filter Design",
//! sections 3.2 and 10.3). Each stage keeps its energy and not its voltage, so
//! that no sweep, however fast, pumps the loop up.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{Lane, each};
use sostenuto_dsp::sweep::Sweep;
use sostenuto_dsp::units::{CHANNELS, QUANTUM};
use sostenuto_dsp::{exp2, tan_fraction};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::stereo_in;
use crate::parts::sweep;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const CUTOFF_CV: usize = 2;
const RATE_CV: usize = 3;
const FEEDBACK_CV: usize = 4;

const STAGES: usize = 0;
const CUTOFF: usize = 1;
const CUTOFF_AMOUNT: usize = 2;
const RATE: usize = 3;
const DEPTH: usize = 4;
const FEEDBACK: usize = 5;
const SPREAD: usize = 6;
const MIX: usize = 7;

const MOST_STAGES: usize = 12;
/// Where the chain can be left: after 4, 6, 8, 10 and 12 stages.
const TAPS: usize = 5;

/// How far the sweep goes at full depth, up and down.
const OCTAVES: f32 = 3.0;
const MOST_FEEDBACK: f32 = 0.95;
/// How long a change of stages takes, in seconds.
const CROSS_SECS: f32 = 0.02;

/// The chains of both sides, for every channel.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Phaser {
    sweep: Sweep,
    /// How much each of the taps is heard.
    taps: [f32; TAPS],
    /// 0: new.
    is_started: u32,
    chains: [[[f32; CHANNELS]; MOST_STAGES]; 2],
}

impl Module for Phaser {
    const ABOUT: &'static About = &About {
        name: "phaser",
        title: "Phaser",
        summary: "Moving notches, with 4 to 12 stages and feedback",
        aliases: &["swirl"],
        tags: &[Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("left", "Left input, ±5 V"),
            stereo_in::RIGHT,
            sweep::CUTOFF,
            port("rate", "Rate CV: each volt doubles the rate").moves_own(By::OctavePerVolt),
            port("feedback", "Feedback CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "Left signal with its notches"),
            port("right", "Right signal with its notches"),
        ],
        params: &[
            Param::choice(
                "stages",
                &["4", "6", "8", "10", "12"],
                0,
                "All-pass stages; every two make a notch",
            ),
            Param::log(
                "cutoff",
                50.0..=10_000.0,
                700.0,
                Unit::Hz,
                "The centre of the notches, in the middle of the sweep",
            ),
            sweep::CUTOFF_AMOUNT,
            Param::log("rate", 0.01..=20.0, 0.3, Unit::Hz, "Sweep rate"),
            Param::linear("depth", 0.0..=1.0, 0.5, Unit::Fraction, "Sweep depth: ±3 octaves at 1"),
            Param::linear(
                "feedback",
                -MOST_FEEDBACK..=MOST_FEEDBACK,
                0.3,
                Unit::None,
                "Sharpness of the peaks between the notches. Negative values swap peaks and \
                 notches",
            ),
            Param::linear(
                "spread",
                0.0..=0.5,
                0.25,
                Unit::Turns,
                "Phase offset of the sweep on the right side",
            ),
            Param::linear(
                "mix",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "From the input alone, 0, to the stages alone, 1 (vibrato); notches are deepest at \
                 0.5",
            )
            .steady(),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.chains, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[LEFT, RIGHT, CUTOFF_CV]);
        let knobs = self.knobs(block);
        for side in [LEFT, RIGHT] {
            each_group!(channels, |L, group| self.run::<L>(block, side, group, &knobs));
        }
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    /// The middle of the sweep and the sweep's place, as a cutoff, by sides.
    cutoff_hz: [[f32; QUANTUM]; 2],
    amount: [f32; QUANTUM],
    feedback: [f32; QUANTUM],
    mix: [f32; QUANTUM],
    taps: [[f32; TAPS]; QUANTUM],
}

impl Phaser {
    #[inline(always)]
    fn knobs(&mut self, block: &Block) -> Knobs {
        let [cutoff, rate, depth, spread] =
            [CUTOFF, RATE, DEPTH, SPREAD].map(|param| block.ramp(param));
        let rate_cv = block.input(RATE_CV);
        let mut knobs = Knobs {
            cutoff_hz: [[0.0; QUANTUM]; 2],
            amount: block.ramp(CUTOFF_AMOUNT).frames(),
            feedback: block.ramp(FEEDBACK).frames(),
            mix: block.ramp(MIX).frames(),
            taps: [[0.0; TAPS]; QUANTUM],
        };
        for frame in block.frames() {
            let rate_octaves = rate_cv.at(0, frame).clamp(-20.0, 20.0);
            let rate_hz = (rate.at(frame) * exp2(rate_octaves)).min(1000.0);
            self.sweep.advance(rate_hz, block.sample_rate_hz);
            for side in [LEFT, RIGHT] {
                let height = self.sweep.ahead(spread.at(frame) * side as f32);
                let swept = exp2(OCTAVES * depth.at(frame) * height);
                knobs.cutoff_hz[side][frame] = cutoff.at(frame) * swept;
            }
            knobs.taps[frame] = self.cross(block);
        }
        knobs
    }

    /// Crosses over to the chosen number of stages.
    #[inline(always)]
    fn cross(&mut self, block: &Block) -> [f32; TAPS] {
        let chosen = block.choice(STAGES).min(TAPS - 1);
        let step = 1.0 / (CROSS_SECS * block.sample_rate_hz);
        let step = if self.is_started == 0 { 1.0 } else { step };
        self.is_started = 1;
        let mut others = 0.0;
        for tap in (0..TAPS).filter(|&tap| tap != chosen) {
            self.taps[tap] = (self.taps[tap] - step).max(0.0);
            others += self.taps[tap];
        }
        self.taps[chosen] = (1.0 - others).max(0.0);
        self.taps
    }

    #[inline(always)]
    fn run<L: Lane>(&mut self, block: &mut Block, side: usize, group: usize, knobs: &Knobs) {
        let c = L::splat;
        let right = block.input(RIGHT);
        let input = if side == RIGHT && right.is_patched() { right } else { block.input(LEFT) };
        let (cutoff_cv, feedback_cv) = (block.input(CUTOFF_CV), block.input(FEEDBACK_CV));
        let turns_per_hz = 1.0 / block.sample_rate_hz;
        let mut chain: Chain<L> = Chain::load(&self.chains[side], group);
        for frame in block.frames() {
            let octaves = cutoff_cv.get::<L>(group, frame) * c(knobs.amount[frame]);
            let cutoff_hz = exp2(octaves.clamp(-20.0, 20.0)) * c(knobs.cutoff_hz[side][frame]);
            let feedback = feedback_cv.get::<L>(group, frame) * c(0.1) + c(knobs.feedback[frame]);
            let feedback = feedback.clamp(-MOST_FEEDBACK, MOST_FEEDBACK);
            let volts = input.get::<L>(group, frame).clamp(-1e4, 1e4);
            let wet = chain.next(volts, cutoff_hz * c(turns_per_hz), feedback, &knobs.taps[frame]);
            // About what the loop adds to the energy of noise.
            let evening = (c(1.0) - feedback * feedback).map(f32::sqrt);
            let mix = knobs.mix[frame];
            let mixed = volts * c(1.0 - mix) + wet * evening * c(mix);
            block.output(side).put(group, frame, mixed);
        }
        chain.store(&mut self.chains[side], group);
    }
}

/// The all-passes of one side, each with the square root of its energy.
struct Chain<L>([L; MOST_STAGES]);

impl<L: Lane> Chain<L> {
    #[inline(always)]
    fn load(state: &[[f32; CHANNELS]; MOST_STAGES], group: usize) -> Chain<L> {
        Chain(each(|stage| L::load(&state[stage], group)))
    }

    #[inline(always)]
    fn store(&self, state: &mut [[f32; CHANNELS]; MOST_STAGES], group: usize) {
        for (stage, kept) in self.0.iter().zip(state) {
            stage.store(kept, group);
        }
    }

    /// The next frame. A stage turns the phase by a quarter at the cutoff.
    #[inline(always)]
    fn next(&mut self, volts: L, cutoff_turns: L, feedback: L, taps: &[f32; TAPS]) -> L {
        let c = L::splat;
        let half_rad = (cutoff_turns * c(std::f32::consts::PI)).clamp(1e-4, 1.5);
        let (above, below) = tan_fraction(half_rad);
        let follow = above / (above + below);
        let root = (above / below).map(f32::sqrt);
        let inverse_root = c(1.0) / root;

        // What leaves the chain is `straight` times what enters it, and `kept`.
        let pass = follow + follow - c(1.0);
        let hold = (c(1.0) - follow) * c(2.0) * root;
        let (mut straight, mut kept) = (c(1.0), c(0.0));
        let (mut tapped_straight, mut tapped_kept) = (c(0.0), c(0.0));
        for (stage, &energy_root) in self.0.iter().enumerate() {
            straight = straight * pass;
            kept = kept * pass + energy_root * hold;
            if let Some(tap) = tap_after(stage) {
                tapped_straight += straight * c(taps[tap]);
                tapped_kept += kept * c(taps[tap]);
            }
        }
        let mut wire = (volts + feedback * tapped_kept) / (c(1.0) - feedback * tapped_straight);
        let mut tapped = c(0.0);
        for (stage, energy_root) in self.0.iter_mut().enumerate() {
            let voltage = *energy_root * root;
            let way = (wire - voltage) * follow;
            let low = voltage + way;
            *energy_root = (low + way) * inverse_root;
            wire = low + low - wire;
            if let Some(tap) = tap_after(stage) {
                tapped += wire * c(taps[tap]);
            }
        }
        tapped
    }
}

#[inline(always)]
fn tap_after(stage: usize) -> Option<usize> {
    (stage >= 3 && stage % 2 == 1).then(|| (stage - 3) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::random::Random;
    use sostenuto_dsp::response::gain_at;

    const RATE_HZ: f32 = 48_000.0;

    fn still(stages: &str) -> Rig {
        let mut rig = Rig::new::<Phaser>(RATE_HZ);
        rig.choose("stages", stages).set("cutoff", 1000.0).set("depth", 0.0).set("feedback", 0.0);
        rig
    }

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    #[test]
    fn every_two_stages_make_a_notch_in_its_place() {
        use std::f64::consts::PI;
        for stages in [4, 6, 8, 10, 12u32] {
            let mut rig = still(&stages.to_string());
            rig.feed("left", |_, frame| f32::from(u8::from(frame == 0)));
            let out = rig.run(10_000);
            for notch in 0..stages / 2 {
                // All stages together turn by an odd number of half turns.
                let each = PI * (0.5 + f64::from(notch)) / f64::from(stages);
                let warped = (PI * 1000.0 / 48_000.0).tan() * each.tan();
                let notch_hz = warped.atan() * 48_000.0 / PI;
                let gain = gain_at(out.main(), notch_hz, 48_000.0);
                assert!(gain < 2e-3, "{stages} stages, {notch_hz} Hz: {gain}");
            }
            let bottom = gain_at(out.main(), 1.0, 48_000.0);
            assert!((bottom - 1.0).abs() < 1e-3, "{bottom}");
        }
    }

    #[test]
    fn feedback_makes_noise_as_loud_as_theory_says() {
        for feedback in [-0.9, 0.5, 0.9f64] {
            let mut rig = still("6");
            let mut random = Random::new(3);
            rig.set("mix", 1.0).set("feedback", feedback as f32);
            rig.feed("left", move |_, _| 5.0 * random.bipolar()).run(4800);
            let level_db = 20.0 * (rms(rig.run(480_000).main()) * 3f64.sqrt() / 5.0).log10();
            // The mean of 1 / |1 - k A|² over the circle is (1 + k a) / (1 - k a)
            // / (1 - k²), where a is what passes the chain at once.
            let tangent = (std::f64::consts::PI / 48.0).tan();
            let at_once = ((tangent - 1.0) / (tangent + 1.0)).powi(6);
            let ideal = (1.0 + feedback * at_once) / (1.0 - feedback * at_once);
            let error_db = level_db - 10.0 * ideal.log10();
            assert!(error_db.abs() < 0.3, "{feedback}: {level_db} dB, {error_db} dB off");
        }
    }

    #[test]
    fn no_sweep_pumps_the_loop_up() {
        let mut rig = still("12");
        rig.set("mix", 1.0).feed("feedback", |_, _| 10.0);
        rig.feed("cutoff", |_, frame| 5.0 * (frame as f32 * 0.3).sin());
        rig.feed("left", |_, frame| if frame < 4800 && frame / 40 % 2 == 0 { 5.0 } else { 0.0 });
        let driven = rig.run(4800);
        assert!(driven.main().iter().all(|volts| volts.abs() < 40.0));
        let mut before = f64::MAX;
        for _ in 0..8 {
            let now = rms(rig.run(4800).main());
            assert!(now <= before, "{before} V, then {now} V");
            before = now;
        }
    }

    #[test]
    fn a_change_of_stages_does_not_click() {
        let mut rig = still("4");
        rig.feed("left", |_, frame| 5.0 * (frame as f32 * 0.0131).sin());
        rig.run(4800);
        let out = rig.choose("stages", "12").run(4800);
        for pair in out.main().windows(2) {
            assert!((pair[1] - pair[0]).abs() < 0.1, "{pair:?}");
        }
    }

    #[test]
    fn channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Phaser>(RATE_HZ);
            rig.feed_channels("left", channels, move |channel, frame| {
                ((channel + first + 3) as u64 * frame % 97) as f32 * 0.1 - 4.8
            });
            rig.feed_channels("cutoff", channels, move |channel, _| (channel + first) as f32 * 0.1);
            rig
        };
        let together = rig(16, 0).run(500);
        for channel in 0..16 {
            let alone = rig(1, channel).run(500);
            for side in ["left", "right"] {
                assert_eq!(together.channel(side, channel), alone.channel(side, 0));
            }
        }
    }
}
