//! Hi-hat: six squares that do not go together, and noise, through a narrow gap.
//!
//! The frequencies are the 808's: Werner, Abel and Smith, "The TR-808 cymbal: a
//! physically-informed, circuit-bendable, digital model", ICMC 2014. Their edges
//! are band-limited, so what sounds is metal and not the sample rate.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::blep::{Edged, TAPS};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::hiss::Hiss;
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::spin::FALL_OCTAVES;
use sostenuto_dsp::strike::Strike;
use sostenuto_dsp::svf::{Cutoff, Svf, SvfState};
use sostenuto_dsp::units::AUDIO_VOLTS;
use sostenuto_dsp::{exp2, hush};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const OPEN: usize = 0;
const CLOSED: usize = 1;
const ACCENT: usize = 2;
const VOCT: usize = 3;
const OPEN_DECAY_CV: usize = 4;
const OUT: usize = 0;
const TUNE: usize = 0;
const CLOSED_DECAY: usize = 1;
const OPEN_DECAY: usize = 2;
const TONE: usize = 3;
const NOISE: usize = 4;

const SQUARES: usize = 6;
/// In Hz, as tuned at 0.
const SQUARES_HZ: [f32; SQUARES] = [205.3, 304.4, 369.6, 522.7, 540.0, 800.0];
const TURN: f32 = 4_294_967_296.0;
/// The band-pass: a Q of 1.4, by ear.
const BAND_DAMPING: f32 = 0.7;
/// The high-pass behind the gate, and where it lies under the tone.
const HIGH_DAMPING: f32 = 1.0;
const HIGH_RATIO: f32 = 0.7;
/// What brings the peaks of a full hit near 5 V, by measurement.
const METAL_GAIN: f32 = 5.0;
const NOISE_GAIN: f32 = 2.0;

/// Sixteen pairs of cymbals.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct HiHat {
    edges: Edged,
    /// Of every square, in every channel; half a turn is the top bit.
    phases: [[u32; 16]; SQUARES],
    hiss: Hiss,
    strikes: [Strike; 2],
    band: SvfState,
    high: SvfState,
    level: [f32; 16],
    /// Whether the pair hangs apart. Yes is 1 and no is 0.
    is_open: [f32; 16],
}

impl Module for HiHat {
    const ABOUT: &'static About = &About {
        name: "hi-hat",
        title: "Hi-Hat",
        summary: "A pair of cymbals: a closed hit chokes the open one",
        aliases: &["drum", "cymbal", "808", "909", "hihat", "hats"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("open", "A rising edge above 1 V plays the open hi-hat"),
            port(
                "closed",
                "A rising edge above 1 V plays the closed hi-hat, and chokes the open one",
            ),
            port("accent", "Accent CV, read at the hit: 0 V is 8 dB softer than 10 V or no cable"),
            port("voct", "Pitch CV, 1 V/octave").moves("tune", None, By::OctavePerVolt),
            port("open-decay", "Open decay CV: each volt doubles the decay")
                .moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The cymbals, ±5 V")],
        params: &[
            Param::linear("tune", -24.0..=24.0, 0.0, Unit::Semitones, "The pitch of the cymbals"),
            Param::log(
                "closed-decay",
                0.01..=0.5,
                0.09,
                Unit::Secs,
                "The time for a closed hit to fall by 60 dB",
            ),
            Param::log(
                "open-decay",
                0.05..=5.0,
                0.8,
                Unit::Secs,
                "The time for an open hit to fall by 60 dB",
            ),
            Param::log(
                "tone",
                2000.0..=16_000.0,
                8000.0,
                Unit::Hz,
                "Centre frequency of the bandpass",
            ),
            Param::linear("noise", 0.0..=1.0, 0.25, Unit::Fraction, "From metal, 0, to noise, 1"),
        ],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.hiss = Hiss::new(seed);
        let mut random = Random::new(seed);
        self.phases = [(); SQUARES].map(|()| [(); 16].map(|()| random.bits()));
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.strikes, &channels);
        clear(&mut self.band, &channels);
        clear(&mut self.high, &channels);
        clear(&mut self.level, &channels);
        clear(&mut self.is_open, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[OPEN, CLOSED]);
        each_group!(channels, |L, group| self.cymbals::<L>(block, group));
    }
}

impl HiHat {
    #[inline(always)]
    fn cymbals<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let frame_secs = 1.0 / block.sample_rate_hz;
        let closed_keep = c(exp2(-FALL_OCTAVES * frame_secs / block.param(CLOSED_DECAY)));
        let tone_turns = block.param(TONE) * frame_secs;
        let band_at = Cutoff::new(c(tone_turns));
        let high_at = Cutoff::new(c(HIGH_RATIO * tone_turns));
        let [closed, open] = [CLOSED, OPEN].map(|port| block.input(port));
        let [accent, voct, open_in] = [ACCENT, VOCT, OPEN_DECAY_CV].map(|port| block.input(port));
        let [tune, open_secs, noise_part] =
            [TUNE, OPEN_DECAY, NOISE].map(|param| block.ramp(param).frames());

        let mut band = Svf::load(&self.band, group);
        let mut high = Svf::load(&self.high, group);
        let mut level = L::load(&self.level, group);
        let mut is_open = Mask::load(&self.is_open, group);
        for frame in block.frames() {
            let closed_hit: L = self.strikes[CLOSED].next(closed, accent, group, frame);
            let open_hit: L = self.strikes[OPEN].next(open, accent, group, frame);
            let is_closed_hit = Mask::above(closed_hit, c(0.0));
            let is_open_hit = Mask::above(open_hit, c(0.0)).and_not(is_closed_hit);
            is_open = is_open.and_not(is_closed_hit).or(is_open_hit);
            let longer = exp2(open_in.get::<L>(group, frame).clamp(-20.0, 20.0));
            let secs = (longer * c(open_secs[frame])).clamp(0.05, 5.0);
            let open_keep = exp2(c(-FALL_OCTAVES * frame_secs) / secs);
            level = level * is_open.pick(open_keep, closed_keep);
            level = is_closed_hit.pick(closed_hit, is_open_hit.pick(open_hit, level));

            let octaves = voct.get::<L>(group, frame) + c(tune[frame] / 12.0);
            let pitch = exp2(octaves.clamp(-3.0, 3.0)) * c(frame_secs);
            let metal = self.squares(group, frame, pitch) * c(METAL_GAIN / SQUARES as f32);
            let noise = self.hiss.next::<L>(group) * c(NOISE_GAIN);
            let mix = metal + (noise - metal) * c(noise_part[frame]);
            let gap = band.next(mix, &band_at, c(BAND_DAMPING)).band * c(BAND_DAMPING);
            let sound = high.next(gap * level, &high_at, c(HIGH_DAMPING)).high;
            block.output(OUT).put(group, frame, sound * c(AUDIO_VOLTS));
        }
        band.store(&mut self.band, group);
        high.store(&mut self.high, group);
        level.map(hush).store(&mut self.level, group);
        is_open.store(&mut self.is_open, group);
    }

    /// The sum of all squares. `turns` a frame are those of a square of 1 Hz.
    #[inline(always)]
    fn squares<L: Lane>(&mut self, group: usize, frame: usize, turns: L) -> L {
        if frame.is_multiple_of(TAPS) {
            self.edges.start_count(group);
        }
        let turns = turns.to_lanes();
        let mut sum = [0.0; LANES];
        for (phases, hz) in self.phases.iter_mut().zip(SQUARES_HZ) {
            let phases = &mut phases.as_chunks_mut::<LANES>().0[group % 2];
            for (lane, phase) in phases.iter_mut().enumerate().take(L::WIDTH) {
                let step = (turns[lane] * hz * TURN) as u32;
                let was = *phase;
                let now = was.wrapping_add(step);
                *phase = now;
                let height = if now >> 31 == 0 { 1.0 } else { -1.0 };
                sum[lane] += height;
                if (now ^ was) >> 31 != 0 {
                    let late = (now & 0x7fff_ffff) as f32 / step as f32;
                    self.edges.step(group, lane, frame, late, 2.0 * height);
                }
            }
        }
        self.edges.pass(group, frame, L::from_lanes(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{db, power_spectrum};

    fn rig(closed_at: u64, open_at: u64) -> Rig {
        let mut rig = Rig::new::<HiHat>(48_000.0);
        let at =
            |hit: u64| move |_, frame| if (hit..hit + 48).contains(&frame) { 10.0 } else { 0.0 };
        rig.feed("closed", at(closed_at)).feed("open", at(open_at));
        rig
    }

    const NEVER: u64 = 1 << 40;

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn an_open_hit_rings_and_a_closed_one_chokes_it() {
        let open = rig(NEVER, 0).run(48_000).main().to_vec();
        let choked = rig(12_000, 0).run(48_000).main().to_vec();
        assert_eq!(open[..12_000], choked[..12_000]);
        assert!(rms(&open[16_800..19_200]) > 0.03 * rms(&open[..2400]));
        assert!(rms(&choked[16_800..19_200]) < 1e-3 * rms(&open[..2400]));
        let closed = rig(0, NEVER).run(48_000).main().to_vec();
        assert!(rms(&closed[4320..4800]) < 2e-3 * rms(&closed[..480]));
        assert!(closed[24_000..].iter().all(|volts| volts.abs() < 1e-6));
    }

    #[test]
    fn it_falls_by_60_db_in_its_decay() {
        let mut rig = rig(NEVER, 0);
        let open = rig.set("open-decay", 2.0).run(96_000);
        let loss = rms(&open.main()[..4800]) / rms(&open.main()[48_000..52_800]);
        assert!((loss / 31.6 - 1.0).abs() < 0.1, "{loss}");
    }

    #[test]
    fn both_at_once_are_closed() {
        let both = rig(0, 0).run(9600).main().to_vec();
        assert!(rms(&both[4800..]) < 1e-3);
    }

    #[test]
    fn it_is_high_and_its_peaks_stay_within_5_v() {
        let open = rig(NEVER, 0).run(48_000).main().to_vec();
        let powers = power_spectrum(&open[..16_384], 4.0);
        let sum: f64 = powers.iter().sum();
        let centroid = powers.iter().enumerate().map(|(n, p)| n as f64 * p).sum::<f64>() / sum;
        let centroid_hz = centroid * 48_000.0 / 16_384.0;
        assert!((8000.0..12_000.0).contains(&centroid_hz), "{centroid_hz}");
        let peak = open.iter().fold(0f32, |peak, volts| volts.abs().max(peak));
        assert!((3.0..6.0).contains(&peak), "{peak}");
    }

    #[test]
    fn the_metal_has_harmonics_and_nothing_between() {
        let mut rig = rig(NEVER, 0);
        rig.set("noise", 0.0).set("open-decay", 5.0).set("tone", 16_000.0).run(4800);
        let sound = rig.run(65_536);
        let powers = power_spectrum(sound.main(), 20.0);
        let bin_hz = 48_000.0 / 65_536.0;
        let is_harmonic = |hz: f64| {
            SQUARES_HZ.iter().any(|&f0| {
                let order = (hz / f64::from(f0)).round().max(1.0);
                (hz - order * f64::from(f0)).abs() < 12.0 * bin_hz
            })
        };
        let energy = |of_harmonics: bool| -> f64 {
            let bins = (0..27_000).filter(|&bin| is_harmonic(bin as f64 * bin_hz) == of_harmonics);
            bins.map(|bin| powers[bin]).sum()
        };
        let between_db = db(energy(false) / energy(true));
        assert!(between_db < -90.0, "{between_db}");
    }
}
