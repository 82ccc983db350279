//! Shimmer: a plate whose tail returns to it an octave higher, again and again.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::pitch_shift::{self, PitchShift};
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::svf::{Cutoff, FLAT, Svf, SvfState};
use sostenuto_dsp::units::QUANTUM;
use sostenuto_dsp::{dry_wet, hush, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::plate::{self, LARGEST_SIZE, Settings, Tank, Wire};
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const SHIMMER_CV: usize = 2;
const FREEZE_GATE: usize = 3;

const SHIMMER: usize = 0;
const INTERVAL: usize = 1;
const CUTOFF: usize = 2;
const SIZE: usize = 3;
const DECAY: usize = 4;
const DAMPING: usize = 5;
const MODULATION: usize = 6;
const FREEZE: usize = 7;
const MIX: usize = 8;

/// The tape of the tail; after it those of the tank.
const TAIL: usize = 0;
const TANK: usize = 1;

/// For every choice of the interval, the pitches of the two shifters, and what
/// of the tail returns at full shimmer. Two pitches of a kind are a few cents
/// apart, so that they do not waver together. Half as much again would make the
/// tail grow, as measured: the sooner it leaves for the heights, the more it may
/// return.
const INTERVALS: [([f32; 2], f32); 5] = [
    ([0.4993, 0.5007], 1.2),
    ([1.4962, 1.5004], 1.0),
    ([1.9971, 2.0029], 1.8),
    ([1.9971, 3.0], 2.3),
    ([3.9942, 4.0058], 3.0),
];

/// How far the shifters' heads go: long enough for a low note, by ear.
const WAY_SECS: f32 = 0.11;

/// Below these nothing enters the tank, or returns to it.
const RUMBLE_HZ: f32 = 10.0;
const LOWEST_HZ: f32 = 90.0;

/// What returns is transparent up to here, and bounded above.
const KNEE_VOLTS: f32 = 6.0;
const LIMIT_VOLTS: f32 = 12.0;

/// What is not on tape.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Shimmer {
    recording: Recording,
    shifters: [PitchShift; 2],
    lowpasses: [SvfState; 2],
    highpass: OnePole,
    rumble: OnePole,
    freeze: Schmitt,
    _unused: u32,
    tank: Tank,
}

impl Module for Shimmer {
    const ABOUT: &'static About = &About {
        name: "shimmer",
        title: "Shimmer",
        summary: "A reverb that rises by octaves or fifths into a choir",
        aliases: &["reverb"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("shimmer", "Shimmer CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("freeze", "While on (above 1 V), the reverb is frozen")
                .moves_own(By::OnAboveOneVolt),
        ],
        outputs: &[
            port("left", "Left signal with its reverb"),
            port("right", "Right signal with its reverb"),
        ],
        params: &[
            Param::linear(
                "shimmer",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "How much of the reverb is fed back at another pitch. It never builds up",
            ),
            Param::choice(
                "interval",
                &["octave down", "fifth", "octave", "octave and twelfth", "two octaves"],
                2,
                "The pitch shift of each repeat",
            ),
            Param::log(
                "cutoff",
                500.0..=16_000.0,
                6000.0,
                Unit::Hz,
                "Lowpass on the fed-back sound",
            ),
            Param::linear("size", 0.5..=LARGEST_SIZE, 1.2, Unit::None, "The size of the plate"),
            Param::log(
                "decay",
                0.2..=60.0,
                4.0,
                Unit::Secs,
                "The time for the plate alone to fall by 60 dB",
            ),
            Param::linear(
                "damping",
                0.0..=1.0,
                0.25,
                Unit::Fraction,
                "How much faster high frequencies fade",
            ),
            Param::linear(
                "modulation",
                0.0..=1.0,
                0.6,
                Unit::Fraction,
                "How much the echoes wander, so that no tone rings",
            ),
            Param::switch("freeze", false, "Holds the current sound for ever, and mutes the input")
                .steady(),
            mix(0.4),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let mut frames = vec![pitch_shift::longest_frames(WAY_SECS * sample_rate_hz)];
        frames.extend(plate::tapes(sample_rate_hz));
        frames
    }

    fn start(&mut self, _seed: u64) {
        // Apart, so that one is loud where the other turns.
        self.shifters[1].turn(0.25);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.lowpasses = Zeroable::zeroed();
            self.highpass = Zeroable::zeroed();
            self.rumble = Zeroable::zeroed();
            self.tank.forget();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        self.tank.follow(block, block.ramp(SIZE));
        // A whole quantum is compiled by itself: loops of known length are faster.
        if block.frames() == (0..QUANTUM) {
            self.reverberate(block, 0..QUANTUM);
        } else {
            self.reverberate(block, block.frames());
        }
    }
}

impl Shimmer {
    #[inline(always)]
    fn reverberate(&mut self, block: &mut Block, frames: Range<usize>) {
        let (gate, is_on) = (block.input(FREEZE_GATE), block.is_on(FREEZE));
        let closed = self.tank.close(block.sample_rate_hz, frames.clone(), |frame| {
            self.freeze.follow(gate.at(0, frame)) || is_on
        });
        let settings = Settings {
            decay_secs: block.param(DECAY),
            damping: block.param(DAMPING),
            diffusion: 1.0,
            modulation: block.param(MODULATION),
        };
        let mut wire = self.raise(block, frames.clone(), &settings);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let rumble = coefficient(RUMBLE_HZ, block.sample_rate_hz);
        for frame in frames.clone() {
            let both = 0.5 * (input.at(LEFT, frame) + input.at(RIGHT, frame));
            wire[frame] += hush(self.rumble.highpass(both, rumble));
        }
        let heard = self.tank.reverberate(block, TANK, frames.clone(), &settings, wire, &closed);
        self.keep(block, frames.clone(), &heard);
        let mix = block.ramp(MIX);
        for (side, heard) in heard.iter().enumerate() {
            for frame in frames.clone() {
                let (dry, wet) = dry_wet(mix.at(frame));
                let volts = dry * input.at(side, frame) + wet * heard[frame];
                block.output(side).put(0, frame, volts);
            }
        }
    }

    /// What returns of the tail: higher, and as loud as the loop allows.
    #[inline(always)]
    fn raise(&mut self, block: &Block, frames: Range<usize>, settings: &Settings) -> Wire {
        let (ratios, most) = INTERVALS[block.choice(INTERVAL).min(INTERVALS.len() - 1)];
        let way_frames = WAY_SECS * block.sample_rate_hz;
        let (shimmer, shimmer_cv) = (block.ramp(SHIMMER), block.input(SHIMMER_CV));
        let is_heard = self.recording.frames(block) > pitch_shift::longest_frames(way_frames);
        let most = if is_heard { most * self.tank.evening(settings) } else { 0.0 };
        let mut wire = [0.0; QUANTUM];
        for frame in frames {
            let mut raised = 0.0;
            for (shifter, ratio) in self.shifters.iter_mut().zip(ratios) {
                raised += shifter.next(&block.tapes, TAIL, frame, ratio, way_frames);
            }
            let shimmer = (shimmer.at(frame) + 0.1 * shimmer_cv.at(0, frame)).clamp(0.0, 1.0);
            wire[frame] = soft_clip(most * shimmer * raised, KNEE_VOLTS, LIMIT_VOLTS);
        }
        wire
    }

    /// Records the tail, without what would fold back when it is raised.
    #[inline(always)]
    fn keep(&mut self, block: &mut Block, frames: Range<usize>, heard: &[Wire; 2]) {
        let highest = INTERVALS[block.choice(INTERVAL).min(INTERVALS.len() - 1)].0[1];
        let cutoff_hz = (block.param(CUTOFF) / highest).min(0.3 * block.sample_rate_hz / highest);
        let cutoff = Cutoff::new(cutoff_hz / block.sample_rate_hz);
        let lowest = coefficient(LOWEST_HZ, block.sample_rate_hz);
        let mut lowpasses = self.lowpasses.map(|state| Svf::<f32>::load(&state, 0));
        for frame in frames {
            let both = 0.5 * (heard[LEFT][frame] + heard[RIGHT][frame]);
            let thin = self.highpass.highpass(both, lowest);
            let dull = lowpasses
                .iter_mut()
                .fold(thin, |volts, filter| filter.next(volts, &cutoff, FLAT).low);
            block.tapes.write(TAIL, frame, hush(dull));
        }
        for (filter, state) in lowpasses.into_iter().zip(&mut self.lowpasses) {
            filter.store(state, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::power_spectrum;
    use sostenuto_dsp::random::Random;

    const RATE_HZ: f32 = 48_000.0;

    fn wet() -> Rig {
        let mut rig = Rig::new::<Shimmer>(RATE_HZ);
        rig.set("mix", 1.0).set("damping", 0.0);
        rig
    }

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    /// Half a second of a tone, then silence.
    fn tone(rig: &mut Rig, hz: f32) -> &mut Rig {
        rig.feed("left", move |_, frame| {
            let turns = frame as f32 * hz / RATE_HZ;
            if frame < 24_000 { 3.0 * (std::f32::consts::TAU * turns.fract()).sin() } else { 0.0 }
        })
    }

    /// The energy within 3 % of a frequency, over all of it.
    fn share(volts: &[f32], hz: f64) -> f64 {
        let powers = power_spectrum(&volts[..65_536], 8.0);
        let bin = |hz: f64| (hz * 65_536.0 / f64::from(RATE_HZ)) as usize;
        let near: f64 = powers[bin(0.97 * hz)..bin(1.03 * hz)].iter().sum();
        near / powers.iter().sum::<f64>()
    }

    #[test]
    fn the_tail_rises_by_the_interval() {
        for (interval, ratio) in [("fifth", 1.5), ("octave", 2.0), ("two octaves", 4.0)] {
            let shares = |shimmer: f32| {
                let mut rig = wet();
                rig.set("shimmer", shimmer).set("decay", 2.0).choose("interval", interval);
                tone(&mut rig, 440.0).run(48_000);
                share(rig.run(65_536).main(), 440.0 * ratio)
            };
            // What has risen rises on, so that not all of it is there.
            let (without, with) = (shares(0.0), shares(1.0));
            assert!(with > 30.0 * without, "{interval}: {without} {with}");
        }
    }

    #[test]
    fn it_dies_away_at_full_shimmer_at_any_interval_and_decay() {
        for interval in ["octave down", "fifth", "octave", "octave and twelfth", "two octaves"] {
            for decay in [1.0, 8.0f32] {
                let mut rig = wet();
                rig.set("shimmer", 1.0)
                    .set("decay", decay)
                    .set("size", 1.5)
                    .set("cutoff", 16_000.0);
                let mut random = Random::new(3);
                rig.choose("interval", interval);
                rig.feed(
                    "left",
                    move |_, frame| {
                        if frame < 96_000 { 5.0 * random.bipolar() } else { 0.0 }
                    },
                );
                let loud = rms(rig.run(96_000).main());
                // Long enough for its own decay and some rounds.
                rig.run((48_000.0 * decay) as usize + 240_000);
                let left_db = 20.0 * (rms(rig.run(48_000).main()) / loud).log10();
                assert!(left_db < -12.0, "{interval}, {decay} s: {left_db} dB");
            }
        }
    }

    #[test]
    fn frozen_it_holds_what_has_risen_for_a_minute() {
        for (interval, rate_hz) in [("octave", 48_000.0), ("fifth", 44_100.0f32)] {
            let mut rig = Rig::new::<Shimmer>(rate_hz);
            rig.set("mix", 1.0).set("shimmer", 1.0).choose("interval", interval);
            crate::rig::held::assert_holds(&mut rig, 2.0, |rig| _ = rig.set("freeze", 1.0));
        }
    }

    #[test]
    fn full_scale_for_ever_stays_bounded() {
        let mut rig = wet();
        rig.set("shimmer", 1.0).set("decay", 60.0);
        rig.feed("left", |_, frame| if frame / 120 % 2 == 0 { 12.0 } else { -12.0 });
        let out = rig.run(960_000);
        let peak = out.main().iter().fold(0f32, |peak, volts| volts.abs().max(peak));
        assert!(peak < 120.0, "{peak} V");
    }

    #[test]
    fn without_shimmer_it_is_the_plate() {
        let render = |name: &str| {
            let mut rig = Rig::named(name, RATE_HZ);
            rig.set("mix", 1.0).set("decay", 3.0).set("size", 1.0).set("modulation", 0.5);
            if name == "reverb" {
                // Its shortest pre-delay is two frames.
                rig.set("pre-delay", 0.0);
            } else {
                rig.set("shimmer", 0.0);
            }
            rig.set("damping", 0.3);
            rig.feed("left", |_, frame| if frame < 100 { (frame % 7) as f32 } else { 0.0 });
            rig.run(30_000).main().to_vec()
        };
        let (plate, shimmer) = (render("reverb"), render("shimmer"));
        for (plate, shimmer) in plate[2..].iter().zip(&shimmer) {
            assert!((plate - shimmer).abs() < 0.05, "{plate} {shimmer}");
        }
    }
}
