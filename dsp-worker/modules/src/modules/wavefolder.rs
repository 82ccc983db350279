//! Wavefolder: folds a plain wave over and over until it is rich.
//!
//! West-coast timbre: where a wave would leave the range, it is turned back. It
//! runs at eight times the sample rate, in finer steps yet
//! ([`sostenuto_dsp::finer`]), so that even many sharp folds alias little.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::finer::{Curve, Finer, FinerState};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::{Lane, Lanes};
use sostenuto_dsp::mean::{sine_fold, triangle_fold};
use sostenuto_dsp::one_pole::{OnePoles, coefficient};
use sostenuto_dsp::oversample::{FineEightfold, FineEightfoldState};
use sostenuto_dsp::units::{AUDIO_VOLTS, QUANTUM};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const FOLD_IN: usize = 1;
const SYMMETRY_IN: usize = 2;
const EDGE_IN: usize = 3;
const OUT: usize = 0;
const FOLD: usize = 0;
const SYMMETRY: usize = 1;
const EDGE: usize = 2;
const DRIVE: usize = 3;
const OVERSAMPLE: usize = 4;

const EIGHTFOLD: usize = 0;
const SIXTEENFOLD: usize = 1;

/// At full fold 5 V are folded eight times over.
const FOLD_OCTAVES: f32 = 3.0;
/// At full drive small signals are four times as large.
const DRIVE_OCTAVES: f32 = 2.0;
/// What an uneven fold adds below is no sound.
const LOWEST_HZ: f32 = 5.0;

/// Sixteen folders.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Wavefolder {
    up: FineEightfoldState,
    down: FineEightfoldState,
    finer: FinerState,
    rest: OnePoles,
}

impl Module for Wavefolder {
    const ABOUT: &'static About = &About {
        name: "wavefolder",
        title: "Wavefolder",
        short: "Folder",
        summary: "Folds a sine or triangle into bright, moving overtones: west-coast timbre",
        aliases: &["waveshaper", "serge", "buchla"],
        tags: &[Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "The wave to fold, ±5 V; simple waves work best"),
            port("fold", "Fold CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("symmetry", "Symmetry CV: 10 V shifts the wave all the way up, -10 V down")
                .moves_own(By::TenthPerVolt),
            port("edge", "Edge CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The folded wave, ±5 V")],
        params: &[
            Param::linear(
                "fold",
                0.0..=1.0,
                0.4,
                Unit::Fraction,
                "The number of folds: none at 0, eight at 1",
            ),
            Param::linear(
                "symmetry",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "Folds one side before the other, which adds even overtones; at 1 and -1 only \
                 those remain",
            ),
            Param::linear(
                "edge",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "From round folds, like sines, to sharp ones, like triangles",
            ),
            Param::linear(
                "drive",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Boosts the wave before folding, within 5 V, so that folds crowd together",
            ),
            Param::choice(
                "oversample",
                &["8x", "16x", "64x"],
                EIGHTFOLD,
                "More keeps many folds clean on high notes, at a higher CPU cost",
            )
            .steady(),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.up, &channels);
        clear(&mut self.down, &channels);
        clear(&mut self.finer, &channels);
        clear(&mut self.rest, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, FOLD_IN, SYMMETRY_IN, EDGE_IN]);
        let knobs = Knobs {
            fold: block.ramp(FOLD).frames(),
            symmetry: block.ramp(SYMMETRY).frames(),
            edge: block.ramp(EDGE).frames(),
            drive: block.ramp(DRIVE).frames(),
        };
        match block.choice(OVERSAMPLE) {
            EIGHTFOLD => each_group!(channels, |L, group| self.fold::<L, 1>(block, group, &knobs)),
            SIXTEENFOLD => {
                each_group!(channels, |L, group| self.fold::<L, 2>(block, group, &knobs));
            }
            _ => each_group!(channels, |L, group| self.fold::<L, 8>(block, group, &knobs)),
        }
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    fold: [f32; QUANTUM],
    symmetry: [f32; QUANTUM],
    edge: [f32; QUANTUM],
    drive: [f32; QUANTUM],
}

impl Knobs {
    #[inline(always)]
    fn at(&self, frame: usize) -> [f32; 4] {
        [self.fold[frame], self.symmetry[frame], self.edge[frame], self.drive[frame]]
    }
}

impl Wavefolder {
    /// Each of the eight steps of a frame is divided into `K`.
    #[inline(always)]
    fn fold<L: Lane, const K: usize>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let [input, fold_in, symmetry_in, edge_in] =
            [IN, FOLD_IN, SYMMETRY_IN, EDGE_IN].map(|port| block.input(port));
        let moves = fold_in.is_patched() || symmetry_in.is_patched() || edge_in.is_patched();
        let lowest = coefficient(LOWEST_HZ, block.sample_rate_hz);
        let frames = block.frames();
        let output = block.output(OUT);

        let mut up = FineEightfold::<L>::load(&self.up, group);
        let mut down = FineEightfold::<L>::load(&self.down, group);
        let mut finer = Finer::<L>::load(&self.finer, group);
        let mut fold = Fold::<L>::default();
        for frame in frames.clone() {
            let now = knobs.at(frame);
            if moves || frame == frames.start || now != knobs.at(frame - 1) {
                let [depth, symmetry, edge] =
                    [fold_in, symmetry_in, edge_in].map(|input| input.get::<L>(group, frame));
                fold = Fold::new([depth, symmetry, edge], now, edge_in.is_patched());
            }
            let volts = input.get::<L>(group, frame).clamp(-1e3, 1e3);
            let eighths = up.up(volts * L::splat(1.0 / AUDIO_VOLTS));
            let bent = finer.bend::<K, 8>(eighths, &fold, &fold.spread());
            let volts = down.down(bent) * L::splat(AUDIO_VOLTS);
            output.put(group, frame, self.rest.highpass(group, volts, lowest));
        }
        up.store(&mut self.up, group);
        down.store(&mut self.down, group);
        finer.store(&mut self.finer, group);
    }
}

/// The fold as it stands in one frame.
#[derive(Clone, Copy, Default)]
struct Fold<L> {
    gain: L,
    /// How strongly the wave swells first.
    bend: f32,
    symmetry: L,
    edge: L,
    is_round: bool,
    /// What comes of 0 V.
    rest: L,
}

impl<L: Lane> Fold<L> {
    #[inline(always)]
    fn new(volts: [L; 3], knobs: [f32; 4], is_edge_moved: bool) -> Fold<L> {
        let [fold, symmetry, edge, drive] = knobs;
        let knob = |volts: L, knob: f32| volts * L::splat(0.1) + L::splat(knob);
        let drive = exp2(DRIVE_OCTAVES * drive);
        let depth = knob(volts[0], fold).clamp(0.0, 1.0);
        let gain = exp2(depth * L::splat(FOLD_OCTAVES)) * L::splat(drive);
        let is_round = !is_edge_moved && edge == 0.0;
        let symmetry = knob(volts[1], symmetry).clamp(-1.0, 1.0);
        let edge = knob(volts[2], edge).clamp(0.0, 1.0);
        let rest = folded(symmetry, symmetry, edge, is_round);
        Fold { gain, bend: drive * drive - 1.0, symmetry, edge, is_round, rest }
    }

    #[inline(always)]
    fn spread(&self) -> Fold<Lanes> {
        let wide = |value: L| Lanes::splat(value.first());
        let Fold { gain, bend, symmetry, edge, is_round, rest } = *self;
        let [gain, symmetry, edge, rest] = [wide(gain), wide(symmetry), wide(edge), wide(rest)];
        Fold { gain, bend, symmetry, edge, is_round, rest }
    }
}

impl<L: Lane> Curve<L> for Fold<L> {
    #[inline(always)]
    fn means(&self, points: &[L], means: &mut [L]) {
        // It turns back at odd numbers.
        let mut places = [L::default(); 9];
        places[..points.len()].copy_from_slice(points);
        if self.bend != 0.0 {
            let bend = L::splat(self.bend);
            for k in 0..points.len() {
                // 5 V stay 5 V whatever the drive is.
                let x = points[k];
                places[k] = x / (x * x * bend + L::splat(1.0)).map(f32::sqrt);
            }
        }
        for k in 0..points.len() {
            places[k] = places[k] * self.gain + self.symmetry;
        }
        for k in 0..means.len() {
            means[k] = folded(places[k], places[k + 1], self.edge, self.is_round) - self.rest;
        }
    }
}

/// The mean of the fold over the way between two places, from round to sharp.
#[inline(always)]
fn folded<L: Lane>(from: L, to: L, edge: L, is_round: bool) -> L {
    let round = sine_fold(from, to);
    if is_round {
        return round;
    }
    round + (triangle_fold(from, to) - round) * edge
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Alias, Shape, alias, coherent_hz};

    const RATE_HZ: f64 = 48_000.0;

    fn sine(hz: f64) -> impl FnMut(usize, u64) -> f32 {
        move |_, frame| {
            let turns = (frame as f64 * hz / RATE_HZ).fract();
            (5.0 * (std::f64::consts::TAU * turns).sin()) as f32
        }
    }

    fn measured(near_hz: f64, knobs: &[(&str, f32)]) -> Alias {
        let hz = coherent_hz(near_hz, RATE_HZ);
        let mut rig = Rig::new::<Wavefolder>(RATE_HZ as f32);
        knobs.iter().for_each(|&(param, value)| _ = rig.set(param, value));
        alias(rig.feed("in", sine(hz)).run(140_000).main(), RATE_HZ, hz, 1, Shape::Any)
    }

    #[test]
    fn folds_alias_little() {
        for (near_hz, fold, edge, drive, limit_db) in [
            (1000.0, 1.0, 0.0, 0.0, -123.0),
            (5000.0, 1.0, 0.0, 0.0, -103.0),
            (1000.0, 0.5, 1.0, 0.0, -104.0),
            (1000.0, 1.0, 1.0, 0.0, -90.0),
            (5000.0, 1.0, 1.0, 0.0, -62.0),
            (1000.0, 1.0, 0.0, 1.0, -95.0),
        ] {
            let knobs = [("fold", fold), ("edge", edge), ("drive", drive)];
            let found = measured(near_hz, &knobs);
            assert!(found.alias_20k_db < limit_db, "{near_hz} Hz, {knobs:?}: {found:?}");
        }
    }

    #[test]
    fn a_sharp_fold_at_0_changes_nothing_and_a_round_one_little() {
        let sharp = measured(440.0, &[("fold", 0.0), ("edge", 1.0)]);
        assert!(sharp.thd_db < -90.0, "{sharp:?}");
        let round = measured(440.0, &[("fold", 0.0), ("edge", 0.0)]);
        assert!((-25.0..-10.0).contains(&round.thd_db), "{round:?}");
    }

    #[test]
    fn wholly_asymmetric_it_doubles_the_pitch() {
        let mut rig = Rig::new::<Wavefolder>(RATE_HZ as f32);
        rig.set("fold", 0.7).set("symmetry", 1.0).feed("in", sine(480.0));
        let sound = rig.run(48_000);
        // One cycle is 100 frames, and each half of it is the same.
        for pair in sound.main()[40_000..].windows(51) {
            assert!((pair[0] - pair[50]).abs() < 2e-3, "{} {}", pair[0], pair[50]);
        }
        let mean = sound.main()[38_400..].iter().sum::<f32>() / 9600.0;
        assert!(mean.abs() < 0.01, "{mean} V");
    }

    #[test]
    fn silence_stays_silent_however_it_stands() {
        let mut rig = Rig::new::<Wavefolder>(RATE_HZ as f32);
        rig.set("symmetry", 0.4).set("fold", 0.9).set("edge", 0.5);
        assert!(rig.run(1000).main().iter().all(|volts| volts.abs() < 1e-5));
    }

    #[test]
    fn every_voice_folds_as_it_would_alone() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Wavefolder>(RATE_HZ as f32);
            rig.set("edge", 0.5).set("drive", 0.3);
            rig.feed_channels("in", channels, move |channel, frame| {
                sine(100.0 * (channel + first + 1) as f64)(0, frame)
            });
            rig.feed_channels("symmetry", channels, move |channel, frame| {
                sine(3.0 + (channel + first) as f64)(0, frame)
            });
            rig
        };
        let together = rig(16, 0).run(500);
        for channel in 0..16 {
            assert_eq!(together.channel("out", channel), rig(1, channel).run(500).main());
        }
    }
}
