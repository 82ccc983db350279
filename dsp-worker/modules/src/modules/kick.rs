//! Kick: a bass drum, from the boom that sighs to the thump that hits.
//!
//! One shell that rings, as a bridged-T network does when a pulse strikes it.
//! At the 808's end it rings on through a new hit, and its pitch sinks with its
//! level: Werner, Abel and Smith, "A physically-informed, circuit-bendable,
//! digital model of the Roland TR-808 bass drum circuit", DAFx-14. At the 909's
//! end each hit begins anew, holds while the pitch falls, and brings noise.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::hiss::Hiss;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::spin::{FALL_OCTAVES, Spin, SpinState, Turn};
use sostenuto_dsp::strike::Strike;
use sostenuto_dsp::units::AUDIO_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const TRIGGER: usize = 0;
const ACCENT: usize = 1;
const VOCT: usize = 2;
const DECAY_CV: usize = 3;
const SWEEP_CV: usize = 4;
const OUT: usize = 0;
const TUNE: usize = 0;
const DECAY: usize = 1;
const SWEEP: usize = 2;
const SWEEP_TIME: usize = 3;
const CLICK: usize = 4;
const DRIVE: usize = 5;
const CHARACTER: usize = 6;

/// How far the 808's pitch lies above its end while it is loud, in octaves: what
/// the leak through R161 does (section 9 of the paper). By ear.
const SIGH_OCTAVES: f32 = 0.12;
/// The click is gone, by 60 dB, after this time; its pulse after a quarter.
const CLICK_SECS: f32 = 0.02;
/// The bend that the 909's diodes leave in its sine, as a drive. By ear.
const DIODES: f32 = 0.7;
/// The drive at its full, as a gain.
const FULL_DRIVE: f32 = 8.0;

/// Sixteen drums.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Kick {
    strike: Strike,
    shell: SpinState,
    hiss: Hiss,
    /// From 1 at the hit to 0.
    sweep: [f32; 16],
    click: [f32; 16],
    /// Of the last hit.
    force: [f32; 16],
}

impl Module for Kick {
    const ABOUT: &'static About = &About {
        name: "kick",
        title: "Kick",
        summary: "A bass drum: from a long, sighing boom to a short, hard thump",
        aliases: &["drum", "bass drum", "808", "909", "bd"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("trigger", "A rising edge above 1 V hits the drum"),
            port("accent", "Accent CV, read at the hit: 0 V is 8 dB softer than 10 V or no cable"),
            port("voct", "Pitch CV, 1 V/octave").moves("tune", None, By::OctavePerVolt),
            port("decay", "Decay CV: each volt doubles the decay").moves_own(By::OctavePerVolt),
            port("sweep", "Sweep CV: each volt adds an octave").moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The drum, ±5 V")],
        params: &[
            Param::log("tune", 20.0..=200.0, 50.0, Unit::Hz, "The pitch at the end of the sweep"),
            Param::log("decay", 0.05..=8.0, 0.8, Unit::Secs, "The time to fall by 60 dB"),
            Param::linear(
                "sweep",
                0.0..=5.0,
                1.5,
                Unit::Octaves,
                "The sweep in octaves: how far above its final pitch a hit starts",
            ),
            Param::log(
                "sweep-time",
                0.005..=0.5,
                0.06,
                Unit::Secs,
                "The time of the sweep, to within 0.1 %",
            ),
            Param::linear(
                "click",
                0.0..=1.0,
                0.3,
                Unit::Fraction,
                "The beater: a pulse at the start, with added noise at a hard character",
            ),
            Param::linear(
                "drive",
                0.0..=1.0,
                0.1,
                Unit::Fraction,
                "Distorts the wave, so that small speakers can play it",
            ),
            Param::linear(
                "character",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "0 is a sighing boom that rings through the next hit; 1 is a thump, restarted by \
                 each hit",
            ),
        ],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.hiss = Hiss::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.strike, &channels);
        clear(&mut self.shell, &channels);
        clear(&mut self.sweep, &channels);
        clear(&mut self.click, &channels);
        clear(&mut self.force, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[TRIGGER]);
        each_group!(channels, |L, group| self.drum::<L>(block, group));
    }
}

impl Kick {
    #[inline(always)]
    fn drum<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let frame_secs = 1.0 / block.sample_rate_hz;
        let fall = |secs: f32| exp2(-FALL_OCTAVES * frame_secs / secs);
        let sweep_keep = c(fall(block.param(SWEEP_TIME)));
        let click_keep = fall(CLICK_SECS);
        // What makes the pulse's area nothing, so that it leaves no thud.
        let counter = c(1.0 / (1.0 + click_keep * click_keep));
        let [trigger, accent, voct] = [TRIGGER, ACCENT, VOCT].map(|port| block.input(port));
        let (decay_in, sweep_in) = (block.input(DECAY_CV), block.input(SWEEP_CV));
        let [tune_hz, decay_secs, sweep_octaves, click_level, drive, character] =
            [TUNE, DECAY, SWEEP, CLICK, DRIVE, CHARACTER].map(|param| block.ramp(param).frames());

        let mut shell = Spin::load(&self.shell, group);
        let mut sweep = L::load(&self.sweep, group);
        let mut click = L::load(&self.click, group);
        let mut force = L::load(&self.force, group);
        for frame in block.frames() {
            let hit: L = self.strike.next(trigger, accent, group, frame);
            let is_hit = Mask::above(hit, c(0.0));
            let hard = c(character[frame]);
            force = is_hit.pick(hit, force);
            sweep = is_hit.pick(c(1.0), sweep * sweep_keep);
            click = is_hit.pick(c(1.0), click * c(click_keep));
            shell.keep(c(1.0) - is_hit.keep(hard));
            shell.push(hit * c(AUDIO_VOLTS));

            let loudness = (shell.energy() * c(1.0 / (AUDIO_VOLTS * AUDIO_VOLTS))).min(c(1.0));
            let span = (sweep_in.get::<L>(group, frame) + c(sweep_octaves[frame])).clamp(0.0, 5.0);
            let sigh = c(SIGH_OCTAVES) * (c(1.0) - hard) * loudness;
            let octaves = voct.get::<L>(group, frame) + span * sweep + sigh;
            let hz = exp2(octaves.clamp(-20.0, 20.0)) * c(tune_hz[frame]);
            let longer = exp2(decay_in.get::<L>(group, frame).clamp(-20.0, 20.0));
            let secs = (longer * c(decay_secs[frame])).clamp(0.05, 8.0);
            // A hard drum holds while its pitch falls.
            let fading = (c(1.0) - hard * sweep) * c(-FALL_OCTAVES * frame_secs);
            let turn = Turn::new((hz * c(frame_secs)).min(c(0.45)), exp2(fading / secs));
            let ring = shell.next(&turn);

            let square = click * click;
            let pulse = square * (square - counter) * c(2.0);
            let noise = self.hiss.next::<L>(group) * click * hard * c(0.5);
            let beater = (pulse + noise) * force * c(click_level[frame] * AUDIO_VOLTS);
            let gain = c(DIODES) * hard + c(FULL_DRIVE * drive[frame]);
            block.output(OUT).put(group, frame, bend(ring + beater, gain));
        }
        shell.store(&mut self.shell, group);
        sweep.map(sostenuto_dsp::hush).store(&mut self.sweep, group);
        click.map(sostenuto_dsp::hush).store(&mut self.click, group);
        force.store(&mut self.force, group);
    }
}

/// Drives a wave so that 5 V stays 5 V, and bends without a corner.
#[inline(always)]
fn bend<L: Lane>(volts: L, gain: L) -> L {
    let c = L::splat;
    let push = gain * gain;
    let part = volts * c(1.0 / AUDIO_VOLTS);
    let ratio = (c(1.0) + push) / (c(1.0) + push * part * part);
    volts * ratio.map(f32::sqrt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::frequency_hz;

    const RATE_HZ: f32 = 48_000.0;

    fn hit(set: impl Fn(&mut Rig)) -> Vec<f32> {
        let mut rig = Rig::new::<Kick>(RATE_HZ);
        rig.feed("trigger", |_, frame| if frame < 48 { 10.0 } else { 0.0 });
        rig.set("drive", 0.0).set("click", 0.0);
        set(&mut rig);
        rig.run(96_000).main().to_vec()
    }

    fn peak(sound: &[f32]) -> f32 {
        sound.iter().fold(0.0, |peak, volts| volts.abs().max(peak))
    }

    fn hz_within(sound: &[f32], from: usize, to: usize) -> f64 {
        frequency_hz(&sound[from..to], f64::from(RATE_HZ), None)
    }

    /// Half a second long on average: rises through 0 V a second.
    fn pitch_at(sound: &[f32], from: usize) -> f32 {
        let rises = (from..).filter(|&n| sound[n] <= 0.0 && sound[n + 1] > 0.0);
        let place = |n: usize| n as f32 + sound[n] / (sound[n] - sound[n + 1]);
        let [first, second] = rises.take(2).map(place).collect::<Vec<_>>()[..] else { panic!() };
        RATE_HZ / (second - first)
    }

    #[test]
    fn a_long_boom_ends_at_its_pitch_and_sighs_on_the_way() {
        let boom = hit(|rig| {
            rig.set("decay", 3.0);
        });
        assert!((hz_within(&boom, 48_000, 96_000) - 50.0).abs() < 0.1);
        assert!((51.5..53.5).contains(&pitch_at(&boom, 6000)), "{}", pitch_at(&boom, 6000));
        assert!((50.0..50.5).contains(&pitch_at(&boom, 40_000)), "{}", pitch_at(&boom, 40_000));
    }

    #[test]
    fn it_falls_by_60_db_in_its_decay() {
        let boom = hit(|rig| {
            rig.set("decay", 1.0).set("sweep", 0.0);
        });
        let loss = peak(&boom[..2000]) / peak(&boom[48_000..50_000]);
        assert!((800.0..1200.0).contains(&loss), "{loss}");
    }

    #[test]
    fn a_hard_drum_falls_from_high_and_holds_meanwhile() {
        let thump = hit(|rig| {
            rig.set("character", 1.0).set("sweep", 3.0).set("sweep-time", 0.2).set("decay", 0.5);
        });
        // A period of 400 Hz at first; 25 ms later still 50 · 2^(3 · 0.42) = 120 Hz.
        assert!((280.0..400.0).contains(&pitch_at(&thump, 0)), "{}", pitch_at(&thump, 0));
        let later = pitch_at(&thump, 1000);
        assert!((100.0..150.0).contains(&later), "{later}");
        assert!(peak(&thump[1000..2000]) > 0.8 * peak(&thump[..1000]));
        assert!((hz_within(&thump, 12_000, 24_000) - 50.0).abs() < 0.5);
    }

    #[test]
    fn an_accent_is_8_db() {
        let level = |volts: f32| {
            peak(&hit(|rig| {
                rig.feed("accent", move |_, _| volts);
            }))
        };
        assert!((level(10.0) / level(0.0) - 2.5).abs() < 0.1);
        assert!((4.5..=5.0).contains(&level(10.0)), "{}", level(10.0));
    }

    #[test]
    fn the_click_is_bright_and_leaves_nothing_behind() {
        let with = hit(|rig| {
            rig.set("click", 1.0);
        });
        let without = hit(|_| ());
        let click: Vec<f32> = with.iter().zip(&without).map(|(a, b)| a - b).collect();
        assert!(peak(&click[..100]) > 2.0);
        assert!(peak(&click[2400..]) < 1e-3);
        assert!(
            click.iter().sum::<f32>().abs() < 0.05 * click.iter().map(|v| v.abs()).sum::<f32>()
        );
    }

    #[test]
    fn drive_keeps_the_level_and_adds_harmonics_to_a_boom_that_rings() {
        let at = |drive: f32| {
            hit(|rig| {
                rig.set("drive", drive).set("decay", 8.0).set("sweep", 0.0);
            })
        };
        let rms = |sound: &[f32]| (sound.iter().map(|v| v * v).sum::<f32>() / 9600.0).sqrt();
        let (clean, driven) = (at(0.0), at(1.0));
        assert!((peak(&driven) - peak(&clean)).abs() < 0.1);
        assert!(rms(&driven[..9600]) > 1.2 * rms(&clean[..9600]));
    }
}
