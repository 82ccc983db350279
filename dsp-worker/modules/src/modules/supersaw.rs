//! Supersaw: seven saws a little out of tune, from one saw to a wall of them.
//!
//! The laws of detune and mix are those of the Roland JP-8000, as measured by
//! Szabo, "How to Emulate the Super Saw" (KTH Stockholm, 2010). So is the
//! highpass at the pitch. The saws are free of aliasing, which its were not.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::blep::{Edged, TAPS};
use sostenuto_dsp::exp2;
use sostenuto_dsp::lane::{LANES, Lane, Lanes};
use sostenuto_dsp::phase::{self, Phases, TURN};
use sostenuto_dsp::ramps::Ramps;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::svf::{Cutoff, FLAT, Svf, SvfState};
use sostenuto_dsp::units::{C4_HZ, CHANNELS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;

const VOCT: usize = 0;
const DETUNE_IN: usize = 1;
const MIX_IN: usize = 2;

const OCTAVE: usize = 0;
const TUNE: usize = 1;
const DETUNE: usize = 2;
const MIX: usize = 3;
const WIDTH: usize = 4;
const HIGHPASS: usize = 5;

const SAWS: usize = 7;
const MIDDLE: usize = 3;
/// How far each saw is from the pitch at full detune (Szabo, "Detune").
const AWAY: [f32; SAWS] =
    [-0.110_023_13, -0.062_884_39, -0.019_523_56, 0.0, 0.019_912_21, 0.062_165_38, 0.107_452_42];
/// Where each saw stands from left to right: high and low on both sides.
const PLACES: [f32; SAWS] = [-1.0, 0.667, -0.333, 0.0, 0.333, -0.667, 1.0];

/// Root mean square of each side, in volts, whatever the mix: peaks seldom pass
/// 5 V.
const RMS_VOLTS: f32 = 2.0;
/// The fastest saw, in turns a frame, before detune.
const TOP_TURNS: f32 = 0.42;
/// Far beyond hearing, in octaves from C4.
const MAX_PITCH: f32 = 24.0;

/// All that a Supersaw remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Supersaw {
    sides: [Edged; 2],
    phases: [Phases<CHANNELS>; SAWS],
    detune: Ramps,
    middle_gain: Ramps,
    other_gain: Ramps,
    /// Gains of the seven saws on the left, and from 8 on of those on the right.
    places: Ramps,
    highpasses: [SvfState; 2],
    /// 1 for each side that nothing reads: it stands still.
    is_unheard: [u32; 2],
}

impl Module for Supersaw {
    const ABOUT: &'static About = &About {
        name: "supersaw",
        title: "Supersaw",
        summary: "Seven detuned saws in stereo: one voice as wide as a wall",
        aliases: &["oscillator", "trance", "unison"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            pitch::VOCT,
            port("detune", "Detune CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("mix", "Mix CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "Left side, about ±5 V"),
            port("right", "Right side, about ±5 V. With width at 0, it equals left"),
        ],
        params: &[
            pitch::OCTAVE,
            pitch::TUNE,
            Param::linear(
                "detune",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "The detuning of the saws: a shimmer below 0.5, ±2 semitones at 1",
            ),
            Param::linear(
                "mix",
                0.0..=1.0,
                0.6,
                Unit::Fraction,
                "The level of the six outer saws against the centre one; the loudness stays the \
                 same",
            )
            .steady(),
            Param::linear(
                "width",
                0.0..=1.0,
                0.7,
                Unit::Fraction,
                "The stereo spread of the saws: 0 is mono",
            ),
            Param::switch(
                "highpass",
                true,
                "Removes the beating below the pitch, for an airy sound. Off, the low end is full",
            ),
        ],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        for phases in &mut self.phases {
            phases.fill_with(|| random.bits() as i32);
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, DETUNE_IN, MIX_IN]);
        if block.starts_quantum() {
            self.places.aim_all(&places(block.param(WIDTH)));
        }
        for side in 0..2 {
            if !block.is_heard(side) {
                block.mute(side);
            } else if self.is_unheard[side] != 0 {
                // The new cable fades in over what is missing of its first frames.
                self.sides[side] = Edged::zeroed();
                self.highpasses[side] = SvfState::zeroed();
            }
            self.is_unheard[side] = u32::from(!block.is_heard(side));
        }
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group));
    }
}

impl Supersaw {
    #[inline(always)]
    fn run<L: Lane, const N: usize>(&mut self, block: &mut Block, group: usize) {
        if block.starts_quantum() {
            self.aim::<L>(block, group);
        }
        let (octave, tune) = (block.param(OCTAVE), block.ramp(TUNE));
        let voct = block.input(VOCT);
        let c4_turns = C4_HZ / block.sample_rate_hz;
        let has_highpass = block.is_on(HIGHPASS);
        let mut highpasses =
            [Svf::load(&self.highpasses[0], group), Svf::load(&self.highpasses[1], group)];
        let frames = block.frames();
        let hears = [block.is_heard(0), block.is_heard(1)];
        let outputs: &mut [_; 2] = block.outputs();
        let keeps_pitch = tune.is_still() && voct.is_steady::<L>(group, frames.clone());
        let keeps_steps = keeps_pitch && self.detune.are_still::<L>(group);
        let mut turns = L::default();
        let mut steps = [[0; N]; SAWS];
        let mut cutoff = Cutoff::new(turns);

        for frame in frames.clone() {
            if frame == frames.start || !keeps_pitch {
                let knobs = octave + tune.at(frame) * (1.0 / 12.0);
                let pitch = voct.get::<L>(group, frame) + knobs.into();
                let pitch = pitch.clamp(-MAX_PITCH, MAX_PITCH);
                turns = (exp2(pitch) * c4_turns.into()).min(TOP_TURNS.into());
                if has_highpass {
                    cutoff = Cutoff::new(turns);
                }
            }
            if frame == frames.start || !keeps_steps {
                steps = self.steps::<L, N>(group, frame, turns);
            }
            let sides = self.tick::<L, N>(group, frame, &steps, hears);
            for side in 0..2 {
                if hears[side] {
                    let mut volts = self.sides[side].pass(group, frame, sides[side]);
                    if has_highpass {
                        volts = highpasses[side].next(volts, &cutoff, FLAT.into()).high;
                    }
                    outputs[side].put(group, frame, volts);
                }
            }
        }
        for side in 0..2 {
            highpasses[side].store(&mut self.highpasses[side], group);
        }
    }

    /// Once a quantum.
    #[inline(always)]
    fn aim<L: Lane>(&mut self, block: &Block, group: usize) {
        let knob = |input: usize, param: usize| {
            let moved = block.input(input).get::<L>(group, 0) * 0.1.into();
            (moved + block.param(param).into()).clamp(0.0, 1.0)
        };
        self.detune.aim(group, knob(DETUNE_IN, DETUNE).map(detune));
        // Szabo, "Mix".
        let c = L::splat;
        let mix = knob(MIX_IN, MIX);
        let middle = c(0.997_85) - c(0.553_66) * mix;
        let other = (c(1.2841) - c(0.737_64) * mix) * mix + c(0.044_372);
        // A saw's mean square is a third.
        let power = (middle * middle + other * other * c(6.0)) * c(1.0 / 3.0);
        let gain = c(RMS_VOLTS) / power.map(f32::sqrt);
        self.middle_gain.aim(group, middle * gain);
        self.other_gain.aim(group, other * gain);
    }

    /// How far each saw goes in a frame.
    #[inline(always)]
    fn steps<L: Lane, const N: usize>(
        &self,
        group: usize,
        frame: usize,
        turns: L,
    ) -> [Phases<N>; SAWS] {
        let step = phase::steps_per_frame::<L, N>(turns, L::default(), 0.0);
        let detune_steps = turns * self.detune.at::<L>(group, frame) * TURN.into();
        let mut steps = [step; SAWS];
        for saw in 0..SAWS {
            let away = phase::truncate(detune_steps * AWAY[saw].into());
            steps[saw] = phase::add(step, away);
        }
        steps
    }

    /// Moves all saws on by a frame. Returns the sides before their edges.
    #[inline(always)]
    fn tick<L: Lane, const N: usize>(
        &mut self,
        group: usize,
        frame: usize,
        steps: &[Phases<N>; SAWS],
        hears: [bool; 2],
    ) -> [L; 2] {
        if frame.is_multiple_of(TAPS) {
            for side in 0..2 {
                if hears[side] {
                    self.sides[side].start_count(group);
                }
            }
        }
        let middle_gain = self.middle_gain.at::<L>(group, frame);
        let other_gain = self.other_gain.at::<L>(group, frame);
        let places = [
            self.places.at::<Lanes>(0, frame).to_lanes(),
            self.places.at::<Lanes>(1, frame).to_lanes(),
        ];

        let mut sums = [L::default(); 2];
        for saw in 0..SAWS {
            let from: Phases<N> = phase::load(&self.phases[saw], group);
            let to = phase::add(from, steps[saw]);
            phase::store(to, &mut self.phases[saw], group);
            let gain = if saw == MIDDLE { middle_gain } else { other_gain };
            let gains = [gain * places[0][saw].into(), gain * places[1][saw].into()];

            // It falls at half a turn, where whole numbers do.
            let mut falls = [0; N];
            let mut any = 0;
            for lane in 0..N {
                falls[lane] = !from[lane] & to[lane];
                any |= falls[lane];
            }
            if any < 0 {
                let gains = [gains[0].to_lanes(), gains[1].to_lanes()];
                for lane in 0..N {
                    if falls[lane] < 0 {
                        let past = to[lane].wrapping_sub(i32::MIN) as u32 as f32;
                        let late = past / to[lane].wrapping_sub(from[lane]) as u32 as f32;
                        let heights = [-2.0 * gains[0][lane], -2.0 * gains[1][lane]];
                        self.step(hears, [group, lane, frame], late, heights);
                    }
                }
            }
            let volts = phase::saw::<L, N>(to);
            sums[0] += volts * gains[0];
            sums[1] += volts * gains[1];
        }
        sums
    }

    /// A saw falls, on the sides that are heard.
    #[inline(always)]
    fn step(
        &mut self,
        hears: [bool; 2],
        [group, lane, frame]: [usize; 3],
        late: f32,
        heights: [f32; 2],
    ) {
        if hears == [true; 2] {
            Edged::step_together(&mut self.sides, group, lane, frame, late, heights);
            return;
        }
        for side in 0..2 {
            if hears[side] {
                let side = std::array::from_mut(&mut self.sides[side]);
                let height = if hears[0] { heights[0] } else { heights[1] };
                Edged::step_together(side, group, lane, frame, late, [height]);
            }
        }
    }
}

/// How far the saws are apart, 0 to 1, for the knob's place, 0 to 1: Szabo's
/// polynomial ("Detune"). In f64, because large terms cancel.
#[inline(always)]
fn detune(knob: f32) -> f32 {
    const TERMS: [f64; 12] = [
        10_028.731_289_163_4,
        -50_818.865_204_592_4,
        111_363.480_872_936_8,
        -138_150.676_108_054_8,
        106_649.667_915_829_2,
        -53_046.964_275_187_5,
        17_019.951_858_008,
        -3_425.083_659_131_8,
        404.270_393_838_8,
        -24.187_882_439_1,
        0.671_741_763_4,
        0.003_011_559_6,
    ];
    TERMS.iter().fold(0.0, |sum, term| sum * f64::from(knob) + term) as f32
}

/// The gains of the saws, left and right: together of equal power wherever a
/// saw stands.
#[inline(always)]
fn places(width: f32) -> [f32; CHANNELS] {
    let mut gains = [0.0; CHANNELS];
    for (saw, place) in PLACES.into_iter().enumerate() {
        gains[saw] = (1.0 - width * place).sqrt();
        gains[LANES + saw] = (1.0 + width * place).sqrt();
    }
    gains
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{SPECTRUM, cents, coherent_hz, db, frequency_hz, power_spectrum};

    const RATE_HZ: f64 = 48_000.0;

    fn supersaw_at(hz: f64) -> Rig {
        let mut rig = Rig::new::<Supersaw>(RATE_HZ as f32);
        let voct = (hz / f64::from(C4_HZ)).log2() as f32;
        rig.feed("voct", move |_, _| voct);
        rig
    }

    #[test]
    fn between_the_bands_of_its_harmonics_there_is_nothing() {
        for near_hz in [1001.0, 2500.0, 4999.0, 10_001.0] {
            let hz = coherent_hz(near_hz, RATE_HZ);
            let mut rig = supersaw_at(hz);
            rig.set("detune", 0.2).set("mix", 1.0);
            let out = rig.run(100_000);
            for output in ["left", "right"] {
                let sound = out.channel(output, 0);
                let powers = power_spectrum(&sound[sound.len() - SPECTRUM..], 26.0);
                let (mut inside, mut outside) = (0.0, 0.0);
                for (bin, power) in powers.iter().enumerate() {
                    let bin_hz = bin as f64 * RATE_HZ / SPECTRUM as f64;
                    let harmonic = (bin_hz / hz).round();
                    // At 0.2 the outermost saw is 0.25 % away.
                    let is_harmonic = (bin_hz - harmonic * hz).abs() < 12.0 + 0.004 * bin_hz;
                    if is_harmonic && harmonic > 0.0 {
                        inside += power;
                    } else if bin_hz < 20_000.0 {
                        outside += power;
                    }
                }
                let alias_db = db(outside / inside);
                assert!(alias_db < -108.0, "{output} at {near_hz} Hz: {alias_db} dB");
            }
        }
    }

    #[test]
    fn saws_are_where_the_law_says() {
        let mut rig = supersaw_at(440.0);
        rig.set("detune", 1.0).set("mix", 1.0).set("width", 0.0).set("highpass", 0.0);
        let out = rig.run(400_000);
        for away in AWAY {
            let ideal_hz = 440.0 * (1.0 + f64::from(away * detune(1.0)));
            // The strongest line of a band 0.4 % wide around it.
            let sound = &out.main()[1000..];
            let found_hz = frequency_near(sound, ideal_hz);
            assert!(cents(found_hz, ideal_hz).abs() < 0.5, "{away}: {found_hz} Hz");
        }
        assert!((detune(1.0) - 1.0).abs() < 0.01 && detune(0.0) < 0.004);
        assert!((detune(0.5) - 0.1).abs() < 0.03, "{}", detune(0.5));
    }

    fn frequency_near(sound: &[f32], guess_hz: f64) -> f64 {
        let powers = power_spectrum(sound, 20.0);
        let bin_hz = RATE_HZ / sound.len() as f64;
        let bins = (guess_hz * 0.998 / bin_hz) as usize..(guess_hz * 1.002 / bin_hz) as usize;
        let peak = bins.max_by(|&a, &b| powers[a].total_cmp(&powers[b])).unwrap();
        let [before, at, after] = [peak - 1, peak, peak + 1].map(|bin| powers[bin].ln());
        (peak as f64 + 0.5 * (before - after) / (before - 2.0 * at + after)) * bin_hz
    }

    #[test]
    fn the_middle_saw_is_in_tune() {
        let hz = 261.625_6 * 4.0;
        let mut rig = Rig::new::<Supersaw>(RATE_HZ as f32);
        rig.set("mix", 0.0).set("octave", 3.0).set("tune", -12.0);
        let out = rig.run(160_000);
        let found_hz = frequency_hz(&out.main()[1000..], RATE_HZ, Some(hz));
        assert!(cents(found_hz, hz).abs() < 0.01, "{found_hz} Hz");
    }

    #[test]
    fn the_level_is_the_same_at_any_mix_and_width() {
        for (mix, width) in [(0.0, 0.0), (0.3, 1.0), (1.0, 0.5)] {
            let mut rig = supersaw_at(220.0);
            rig.set("mix", mix).set("width", width).set("detune", 0.7).set("highpass", 0.0);
            let out = rig.run(480_000);
            let power = |output| out.channel(output, 0).iter().map(|v| v * v).sum::<f32>() / 4.8e5;
            let rms = (0.5 * (power("left") + power("right"))).sqrt();
            assert!((rms / RMS_VOLTS - 1.0).abs() < 0.1, "{mix} {width}: {rms} V");
        }
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize| {
            let mut rig = Rig::new::<Supersaw>(RATE_HZ as f32);
            rig.feed_channels("voct", channels, |channel, frame| {
                channel as f32 * 0.3 + (frame % 400) as f32 * 0.01
            });
            rig.feed("detune", |_, frame| (frame % 1000) as f32 * 0.01);
            rig
        };
        let (together, alone) = (rig(16).run(500), rig(1).run(500));
        let one_by_one = rig(16).frame_by_frame().run(500);
        for side in ["left", "right"] {
            assert_eq!(together.channel(side, 0), alone.channel(side, 0));
            for channel in 0..16 {
                assert_eq!(together.channel(side, channel), one_by_one.channel(side, channel));
            }
        }
    }
}
