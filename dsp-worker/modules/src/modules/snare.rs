//! Snare: two modes of a shell, and the wires under it.
//!
//! The layout of the 808's and the 909's: two damped resonators (Reid, "Synth
//! Secrets 35: practical snare drum synthesis", Sound On Sound, March 2002) and
//! high-passed noise with an envelope of its own.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::hiss::Hiss;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::one_pole::coefficient;
use sostenuto_dsp::spin::{FALL_OCTAVES, Spin, SpinState, Turn};
use sostenuto_dsp::strike::Strike;
use sostenuto_dsp::svf::{Cutoff, Svf, SvfState};
use sostenuto_dsp::units::AUDIO_VOLTS;
use sostenuto_dsp::{exp2, hush};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const TRIGGER: usize = 0;
const ACCENT: usize = 1;
const VOCT: usize = 2;
const SNAP_CV: usize = 3;
const SNAP_DECAY_CV: usize = 4;
const OUT: usize = 0;
const TUNE: usize = 0;
const TONE: usize = 1;
const DECAY: usize = 2;
const BEND: usize = 3;
const SNAP: usize = 4;
const SNAP_DECAY: usize = 5;
const BRIGHTNESS: usize = 6;

/// The second mode's pitch over the first's: 330 Hz to 180 Hz.
const SECOND: f32 = 1.833;
/// The bend takes this long, in seconds, but for a thousandth.
const BEND_SECS: f32 = 0.06;
/// The wires rattle a moment after the head, in seconds.
const WIRES_SECS: f32 = 0.004;
/// Of the noise's filter: a little stress at its corner.
const DAMPING: f32 = 0.9;
/// Wires are no spray can: so many times above that corner they fade. By ear.
const DULL_RATIO: f32 = 4.0;
/// What that takes away, by measurement.
const WIRES_GAIN: f32 = 1.6;

/// Sixteen snare drums.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Snare {
    strike: Strike,
    shells: [SpinState; 2],
    filter: SvfState,
    dull: [f32; 16],
    hiss: Hiss,
    /// From 1 at the hit to 0.
    bend: [f32; 16],
    /// What has not reached the wires yet, and what has.
    coming: [f32; 16],
    rattle: [f32; 16],
}

impl Module for Snare {
    const ABOUT: &'static About = &About {
        name: "snare",
        title: "Snare",
        summary: "A snare drum: a shell of two tones, and rattling wires",
        aliases: &["drum", "808", "909"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("trigger", "A rising edge above 1 V hits the drum"),
            port("accent", "Accent CV, read at the hit: 0 V is 8 dB softer than 10 V or no cable"),
            port("voct", "Pitch CV of the shell, 1 V/octave").moves(
                "tune",
                None,
                By::OctavePerVolt,
            ),
            port("snap", "Snap CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("snap-decay", "Wire decay CV: each volt doubles the decay")
                .moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The drum, ±5 V")],
        params: &[
            Param::log(
                "tune",
                60.0..=600.0,
                180.0,
                Unit::Hz,
                "The pitch of the first mode of the shell",
            ),
            Param::linear(
                "tone",
                0.0..=1.0,
                0.4,
                Unit::Fraction,
                "From the low mode of the shell, 0, to the high one, 1",
            ),
            Param::log(
                "decay",
                0.03..=2.0,
                0.25,
                Unit::Secs,
                "The time for the shell to fall by 60 dB",
            ),
            Param::linear(
                "bend",
                0.0..=2.0,
                0.3,
                Unit::Octaves,
                "The pitch bend of a hit, in octaves above its final pitch",
            ),
            Param::linear(
                "snap",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "From the shell alone, 0, to the wires alone, 1",
            ),
            Param::log(
                "snap-decay",
                0.03..=4.0,
                0.35,
                Unit::Secs,
                "The time for the wires to fall by 60 dB",
            ),
            Param::log("brightness", 200.0..=10_000.0, 1800.0, Unit::Hz, "Highpass on the wires"),
        ],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.hiss = Hiss::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.strike, &channels);
        clear(&mut self.shells, &channels);
        clear(&mut self.filter, &channels);
        clear(&mut self.dull, &channels);
        clear(&mut self.bend, &channels);
        clear(&mut self.coming, &channels);
        clear(&mut self.rattle, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[TRIGGER]);
        each_group!(channels, |L, group| self.drum::<L>(block, group));
    }
}

impl Snare {
    #[inline(always)]
    fn drum<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let frame_secs = 1.0 / block.sample_rate_hz;
        let fall = |secs: f32| exp2(-FALL_OCTAVES * frame_secs / secs);
        let (shell_keep, bend_keep) = (c(fall(block.param(DECAY))), c(fall(BEND_SECS)));
        let coming_keep = c(fall(WIRES_SECS));
        let cutoff = Cutoff::new(c(block.param(BRIGHTNESS) * frame_secs));
        let dulling = coefficient(DULL_RATIO * block.param(BRIGHTNESS), block.sample_rate_hz);
        let [trigger, accent, voct] = [TRIGGER, ACCENT, VOCT].map(|port| block.input(port));
        let (snap_in, snap_decay_in) = (block.input(SNAP_CV), block.input(SNAP_DECAY_CV));
        let [tune_hz, tone, bend_octaves, snap, snap_secs] =
            [TUNE, TONE, BEND, SNAP, SNAP_DECAY].map(|param| block.ramp(param).frames());

        let [mut low, mut high] = [0, 1].map(|mode| Spin::load(&self.shells[mode], group));
        let mut filter = Svf::load(&self.filter, group);
        let mut dull = L::load(&self.dull, group);
        let mut bend = L::load(&self.bend, group);
        let mut coming = L::load(&self.coming, group);
        let mut rattle = L::load(&self.rattle, group);
        for frame in block.frames() {
            let hit: L = self.strike.next(trigger, accent, group, frame);
            let is_hit = Mask::above(hit, c(0.0));
            bend = is_hit.pick(c(1.0), bend * bend_keep);
            // A new hit finds the head at rest, as under a stick.
            low.keep(is_hit.pick_const(0.0, 1.0));
            high.keep(is_hit.pick_const(0.0, 1.0));
            low.push(hit);
            high.push(hit);
            let octaves = voct.get::<L>(group, frame) + bend * c(bend_octaves[frame]);
            let hz = exp2(octaves.clamp(-20.0, 20.0)) * c(tune_hz[frame]);
            let turns = hz * c(frame_secs);
            let low_ring = low.next(&Turn::new(turns.min(c(0.45)), shell_keep));
            // The high mode fades in two thirds of the time.
            let high_keep = shell_keep * shell_keep.map(f32::sqrt);
            let high_ring = high.next(&Turn::new((turns * c(SECOND)).min(c(0.45)), high_keep));
            let tone = c(tone[frame]);
            let shell = low_ring * (c(1.0) - tone) + high_ring * tone;

            let longer = exp2(snap_decay_in.get::<L>(group, frame).clamp(-20.0, 20.0));
            let secs = (longer * c(snap_secs[frame])).clamp(0.03, 4.0);
            let arrives = coming * (c(1.0) - coming_keep);
            coming = is_hit.pick(hit, coming * coming_keep);
            rattle = rattle * exp2(c(-FALL_OCTAVES * frame_secs) / secs) + arrives;
            let noise = self.hiss.next::<L>(group) * rattle.min(c(1.0));
            dull += (filter.next(noise, &cutoff, c(DAMPING)).high - dull) * c(dulling);
            let wires = dull * c(WIRES_GAIN);
            let snap = (snap_in.get::<L>(group, frame) * c(0.1) + c(snap[frame])).clamp(0.0, 1.0);
            let sound = shell + (wires - shell) * snap;
            block.output(OUT).put(group, frame, sound * c(AUDIO_VOLTS));
        }
        low.store(&mut self.shells[0], group);
        high.store(&mut self.shells[1], group);
        filter.store(&mut self.filter, group);
        dull.map(hush).store(&mut self.dull, group);
        bend.store(&mut self.bend, group);
        coming.map(hush).store(&mut self.coming, group);
        rattle.map(hush).store(&mut self.rattle, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{frequency_hz, power_spectrum};

    fn hit(set: impl Fn(&mut Rig)) -> Vec<f32> {
        let mut rig = Rig::new::<Snare>(48_000.0);
        rig.feed("trigger", |_, frame| if frame < 48 { 10.0 } else { 0.0 });
        set(&mut rig);
        rig.run(48_000).main().to_vec()
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    fn centroid_hz(sound: &[f32]) -> f64 {
        let powers = power_spectrum(&sound[..8192], 4.0);
        let sum: f64 = powers.iter().sum();
        let weighed: f64 = powers.iter().enumerate().map(|(bin, power)| bin as f64 * power).sum();
        weighed / sum * 48_000.0 / 8192.0
    }

    #[test]
    fn the_shell_has_two_modes_and_falls_by_60_db_in_its_decay() {
        for (tone, hz) in [(0.0, 180.0), (1.0, 180.0 * f64::from(SECOND))] {
            let shell = hit(|rig| {
                rig.set("snap", 0.0).set("tone", tone).set("decay", 0.5).set("bend", 0.0);
            });
            let found_hz = frequency_hz(&shell[..9600], 48_000.0, None);
            assert!((found_hz - hz).abs() < 0.5, "{found_hz}");
            let loss = rms(&shell[..2400]) / rms(&shell[12_000..14_400]);
            let wanted = if tone == 0.0 { 31.6 } else { 177.8 };
            assert!((loss / wanted - 1.0).abs() < 0.05, "{loss}");
        }
    }

    #[test]
    fn the_wires_are_bright_and_fall_in_their_own_time() {
        let wires = hit(|rig| {
            rig.set("snap", 1.0).set("snap-decay", 0.5);
        });
        assert!((4000.0..9000.0).contains(&centroid_hz(&wires)), "{}", centroid_hz(&wires));
        let loss = rms(&wires[1200..3600]) / rms(&wires[13_200..15_600]);
        assert!((loss / 31.6 - 1.0).abs() < 0.15, "{loss}");
        let shell = hit(|rig| {
            rig.set("snap", 0.0);
        });
        assert!((150.0..400.0).contains(&centroid_hz(&shell)), "{}", centroid_hz(&shell));
    }

    #[test]
    fn as_it_comes_it_hits_hard_and_is_over_in_half_a_second() {
        let snare = hit(|_| ());
        let peak = snare.iter().fold(0f32, |peak, volts| volts.abs().max(peak));
        assert!((2.5..5.0).contains(&peak), "{peak}");
        assert!(rms(&snare[24_000..26_400]) < 1e-3 * rms(&snare[..2400]));
    }
}
