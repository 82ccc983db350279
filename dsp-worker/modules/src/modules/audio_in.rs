//! Audio In: what the sound card hears, or a file in its place.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::resample::{reach_frames, read_at};
use sostenuto_dsp::units::{FULL_SCALE_CLIP_VOLTS, FULL_SCALE_VOLTS};

use crate::Module;
use crate::card::CARD_CHANNELS;
use crate::clip::{Clip, Text};
use crate::module::{About, Block, Role, Tag, port};
use crate::param::{Param, Unit};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const ALL: usize = 2;
const LEVEL: usize = 0;

/// How fast a peak falls back: 20 dB in 1.7 s (IEC 60268-18), in octaves a second.
const FALL_OCTAVES: f32 = 20.0 / 6.020_6 / 1.7;

/// Where it is in a file, and the peaks that its meters show.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct AudioIn {
    /// In frames of the file.
    position: f64,
    peak_volts: [f32; 2],
}

impl Module for AudioIn {
    const ABOUT: &'static About = &About {
        name: "audio-in",
        title: "Audio In",
        summary: "Sound from the sound card, such as a microphone or an instrument, or from a file",
        aliases: &["microphone", "line input", "guitar", "mic"],
        tags: &[Tag::Source],
        outputs: &[
            port("left", "First channel of the sound card; full scale is 10 V"),
            port("right", "Second channel of the sound card; with a mono card, a copy of left"),
            port("all", "Up to eight channels of the sound card on one polyphonic cable"),
        ],
        params: &[Param::linear(
            "level",
            0.0..=4.0,
            1.0,
            Unit::None,
            "Input gain; 1 leaves the level as it is",
        )
        .steady()],
        // The peaks of left and right, in volts.
        display: 2,
        // A file is played once, from when it was chosen, in place of the card.
        text: Some(Text::Sound),
        role: Some(Role::AudioIn),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let (clip, card, level) = (block.clip(), block.card(), block.ramp(LEVEL));
        let is_file = !clip.is_empty();
        let channels = if is_file { clip.channels.min(CARD_CHANNELS) } else { CARD_CHANNELS };
        let step = f64::from(clip.sample_rate_hz) / f64::from(block.sample_rate_hz);
        let fall = sostenuto_dsp::exp2(-FALL_OCTAVES / block.sample_rate_hz);
        block.output(LEFT).set_channels(1);
        block.output(RIGHT).set_channels(1);
        block.output(ALL).set_channels(channels);
        for frame in block.frames() {
            let mut heard = [0.0; CARD_CHANNELS];
            if is_file {
                read(&clip, self.position, step, &mut heard);
            } else {
                for (channel, volts) in heard.iter_mut().enumerate() {
                    *volts = card.at(channel, frame);
                }
            }
            for volts in &mut heard {
                *volts *= level.at(frame);
            }
            for channel in 0..channels {
                block.output(ALL).set(channel, frame, heard[channel]);
            }
            // A file of one channel is heard on both sides.
            let sides = [heard[LEFT], heard[RIGHT.min(channels - 1)]];
            for side in [LEFT, RIGHT] {
                block.output(side).put(0, frame, sides[side]);
                self.peak_volts[side] = (self.peak_volts[side] * fall).max(sides[side].abs());
            }
            self.position = if is_file { self.position + step } else { 0.0 };
        }
        for side in [LEFT, RIGHT] {
            // A meter at rest stands at 0 V.
            if self.peak_volts[side] < 1e-6 {
                self.peak_volts[side] = 0.0;
            }
            block.show(side, self.peak_volts[side]);
        }
    }
}

/// The channels of a file at a place, as loud as the sound card would hear them.
#[inline(always)]
fn read(clip: &Clip, place: f64, speed: f64, heard: &mut [f32; CARD_CHANNELS]) {
    if place >= clip.frames() as f64 + reach_frames(speed) {
        return;
    }
    let channels = clip.channels.min(CARD_CHANNELS);
    let at = |channel: usize, n: i64| {
        let index = usize::try_from(n).unwrap_or(usize::MAX);
        clip.channel(channel).get(index).copied().unwrap_or(0.0)
    };
    for first in (0..channels).step_by(2) {
        let second = (first + 1).min(channels - 1);
        let both = [first, second].map(|channel| clip.channel(channel));
        let volts = read_at(both, place, speed, |side, n| at([first, second][side % 2], n));
        for (channel, volts) in [first, second].into_iter().zip(volts) {
            heard[channel] = volts * (FULL_SCALE_VOLTS / FULL_SCALE_CLIP_VOLTS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn it_brings_in_what_the_sound_card_hears() {
        let mut rig = Rig::new::<AudioIn>(48_000.0);
        rig.card(|channel, frame| (channel * 1000) as f32 + frame as f32);
        let out = rig.run(100);
        assert_eq!([0, 99].map(|n| out.channel("left", 0)[n]), [0.0, 99.0]);
        assert_eq!([0, 99].map(|n| out.channel("right", 0)[n]), [1000.0, 1099.0]);
        assert_eq!((out.channels("all"), out.channel("all", 7)[50]), (8, 7050.0));
        assert_eq!(rig.set("level", 0.0).run(4800).channel("left", 0)[4799], 0.0);
    }

    #[test]
    fn a_file_is_played_once_in_its_place_to_the_sample() {
        let mut rig = Rig::new::<AudioIn>(8000.0);
        rig.card(|_, _| 7.0).clip([1.0, 2.0, 3.0, -1.0, -2.0, -3.0], 2, 8000.0);
        let out = rig.run(5);
        assert_eq!(out.channel("left", 0), [2.0, 4.0, 6.0, 0.0, 0.0]);
        assert_eq!(out.channel("right", 0), [-2.0, -4.0, -6.0, 0.0, 0.0]);
        assert_eq!(out.channels("all"), 2);
        // Chosen again, it is played again.
        assert_eq!(rig.clip([], 0, 0.0).run(40).main(), [7.0; 40]);
        assert_eq!(rig.clip([1.0], 1, 8000.0).run(2).channel("right", 0), [2.0, 0.0]);
    }

    #[test]
    fn a_file_of_another_rate_keeps_its_pitch() {
        let sine = |turns: f64| (std::f64::consts::TAU * turns.fract()).sin() as f32;
        let tone: Vec<f32> = (0..4000).map(|n| 5.0 * sine(f64::from(n) / 40.0)).collect();
        let mut rig = Rig::new::<AudioIn>(8000.0);
        let out = rig.clip(tone, 1, 4000.0).run(7900);
        // The file begins and ends at once, and so rings there.
        for (n, &volts) in out.main().iter().enumerate().take(7800).skip(100) {
            let should_be = 10.0 * sine(n as f64 / 80.0);
            assert!((volts - should_be).abs() < 2e-4, "{n}: {volts}, not {should_be}");
        }
    }
}
