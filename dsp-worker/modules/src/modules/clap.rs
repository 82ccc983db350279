//! Clap: several hands in quick succession, and the room behind them.
//!
//! The 808's way: one noise through a band-pass, whose envelope falls and starts
//! anew a few times within 30 ms before it is let to ring out.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::hiss::Hiss;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::spin::FALL_OCTAVES;
use sostenuto_dsp::strike::Strike;
use sostenuto_dsp::svf::{Cutoff, FLAT, Svf, SvfState};
use sostenuto_dsp::units::AUDIO_VOLTS;
use sostenuto_dsp::{exp2, hush};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const TRIGGER: usize = 0;
const ACCENT: usize = 1;
const TONE_CV: usize = 2;
const DECAY_CV: usize = 3;
const OUT: usize = 0;
const HANDS: usize = 0;
const SPREAD: usize = 1;
const DECAY: usize = 2;
const TONE: usize = 3;
const FOCUS: usize = 4;

/// What is left of one clap when the next one starts: -24 dB, by ear.
const CLAP_OCTAVES: f32 = 4.0;
/// What brings the peaks of a full hit near 5 V, by measurement.
const GAIN: f32 = 1.8;
/// How much of the rumble a high-pass takes, as a part of the tone.
const RUMBLE: f32 = 0.5;

/// Sixteen pairs of hands and more.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Clap {
    strike: Strike,
    hiss: Hiss,
    band: SvfState,
    high: SvfState,
    force: [f32; 16],
    level: [f32; 16],
    /// Claps to come, and the way to the next, 0 to 1.
    left: [f32; 16],
    way: [f32; 16],
}

impl Module for Clap {
    const ABOUT: &'static About = &About {
        name: "clap",
        title: "Clap",
        summary: "Hand claps: a few in quick succession, and the room around them",
        aliases: &["drum", "808", "909"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("trigger", "A rising edge above 1 V starts the claps"),
            port(
                "accent",
                "Accent CV, read at the trigger: 0 V is 8 dB softer than 10 V or no cable",
            ),
            port("tone", "Tone CV, 1 V/octave").moves_own(By::OctavePerVolt),
            port("decay", "Decay CV: each volt doubles the decay").moves_own(By::OctavePerVolt),
        ],
        outputs: &[port("out", "The claps, about ±5 V")],
        params: &[
            Param::steps("hands", 1.0..=8.0, 4.0, "The number of claps"),
            Param::log("spread", 0.003..=0.04, 0.01, Unit::Secs, "The time between claps"),
            Param::log(
                "decay",
                0.03..=3.0,
                0.3,
                Unit::Secs,
                "The time for the last clap to fall by 60 dB: the size of the room",
            ),
            Param::log("tone", 300.0..=5000.0, 1100.0, Unit::Hz, "The resonant pitch of the hands"),
            Param::linear(
                "focus",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "From broad noise to a narrow, pitched knock",
            ),
        ],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.hiss = Hiss::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.strike, &channels);
        clear(&mut self.band, &channels);
        clear(&mut self.high, &channels);
        clear(&mut self.force, &channels);
        clear(&mut self.level, &channels);
        clear(&mut self.left, &channels);
        clear(&mut self.way, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[TRIGGER]);
        each_group!(channels, |L, group| self.hands::<L>(block, group));
    }
}

impl Clap {
    #[inline(always)]
    fn hands<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let frame_secs = 1.0 / block.sample_rate_hz;
        let step = frame_secs / block.param(SPREAD);
        let clap_keep = c(exp2(-CLAP_OCTAVES * step));
        let more = c(block.choice(HANDS).clamp(1, 8) as f32 - 1.0);
        let damping = FLAT * exp2(-3.5 * block.param(FOCUS));
        // A narrow band has less of the noise.
        let gain = GAIN * (FLAT * damping).sqrt();
        let [trigger, accent] = [TRIGGER, ACCENT].map(|port| block.input(port));
        let [tone_in, decay_in] = [TONE_CV, DECAY_CV].map(|port| block.input(port));
        let [tone_hz, decay_secs] = [TONE, DECAY].map(|param| block.ramp(param).frames());

        let mut band = Svf::load(&self.band, group);
        let mut high = Svf::load(&self.high, group);
        let [mut force, mut level] = [&self.force, &self.level].map(|kept| L::load(kept, group));
        let [mut left, mut way] = [&self.left, &self.way].map(|kept| L::load(kept, group));
        for frame in block.frames() {
            let hit: L = self.strike.next(trigger, accent, group, frame);
            let is_hit = Mask::above(hit, c(0.0));
            force = is_hit.pick(hit, force);
            left = is_hit.pick(more, left);
            way = is_hit.clear(way + Mask::above(left, c(0.5)).keep(c(step)));
            let is_next = Mask::above(way, c(1.0 - 0.5 * step));
            way = is_next.clear(way);
            left -= is_next.keep(c(1.0));

            let longer = exp2(decay_in.get::<L>(group, frame).clamp(-20.0, 20.0));
            let secs = (longer * c(decay_secs[frame])).clamp(0.03, 3.0);
            let room_keep = exp2(c(-FALL_OCTAVES * frame_secs) / secs);
            level = level * Mask::above(left, c(0.5)).pick(clap_keep, room_keep);
            level = is_hit.or(is_next).pick(force, level);

            let higher = exp2(tone_in.get::<L>(group, frame).clamp(-20.0, 20.0));
            let turns = (higher * c(tone_hz[frame])).clamp(300.0, 5000.0) * c(frame_secs);
            let noise = self.hiss.next::<L>(group);
            let hollow = band.next(noise, &Cutoff::new(turns), c(damping)).band;
            let high_at = Cutoff::new(turns * c(RUMBLE));
            let sound = high.next(hollow * level, &high_at, c(FLAT)).high;
            block.output(OUT).put(group, frame, sound * c(gain * AUDIO_VOLTS));
        }
        band.store(&mut self.band, group);
        high.store(&mut self.high, group);
        force.store(&mut self.force, group);
        level.map(hush).store(&mut self.level, group);
        left.store(&mut self.left, group);
        way.store(&mut self.way, group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::power_spectrum;

    fn clap(set: impl Fn(&mut Rig)) -> Vec<f32> {
        let mut rig = Rig::new::<Clap>(48_000.0);
        rig.feed("trigger", |_, frame| if (480..528).contains(&frame) { 10.0 } else { 0.0 });
        set(&mut rig);
        rig.run(48_000).main()[480..].to_vec()
    }

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    #[test]
    fn it_claps_four_times_a_hundredth_of_a_second_apart() {
        let sound = clap(|rig| {
            rig.set("decay", 0.03).set("focus", 0.0).set("tone", 5000.0);
        });
        for hand in 0..4 {
            let loud = rms(&sound[480 * hand..480 * hand + 120]);
            let soft = rms(&sound[480 * hand + 360..480 * hand + 480]);
            assert!(loud > 3.0 * soft, "{hand}: {loud} V, {soft} V");
        }
        assert!(rms(&sound[480 * 4..480 * 4 + 120]) < 0.3 * rms(&sound[480 * 3..480 * 3 + 120]));
    }

    #[test]
    fn the_room_falls_by_60_db_in_its_decay() {
        let sound = clap(|rig| {
            rig.set("decay", 1.0).set("hands", 1.0).set("focus", 0.0);
        });
        let loss = rms(&sound[..7200]) / rms(&sound[24_000..31_200]);
        assert!((loss / 31.6 - 1.0).abs() < 0.25, "{loss}");
    }

    #[test]
    fn it_is_around_its_tone_and_loud_wherever_the_focus_is() {
        for focus in [0.0, 0.5, 1.0] {
            let sound = clap(|rig| {
                rig.set("focus", focus).set("decay", 3.0);
            });
            let powers = power_spectrum(&sound[..16_384], 4.0);
            let peak_bin = (0..8192).max_by(|&a, &b| powers[a].total_cmp(&powers[b])).unwrap();
            let hz = peak_bin as f64 * 48_000.0 / 16_384.0;
            assert!((700.0..1800.0).contains(&hz), "{focus}: {hz}");
            let peak = sound.iter().fold(0f32, |peak, volts| volts.abs().max(peak));
            assert!((2.5..7.0).contains(&peak), "{focus}: {peak} V");
        }
    }
}
