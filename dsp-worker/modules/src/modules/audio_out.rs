//! Audio Out: to the loudspeakers.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::fade::{self, Fade};
use sostenuto_dsp::one_pole::{OnePole, coefficient};

use crate::Module;
use crate::module::{About, Block, Role, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::stereo_in::StereoIn;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const LEVEL: usize = 0;
const DC_BLOCK: usize = 1;
const SILENT_DB: f32 = -60.0;

/// How fast a peak falls back: 20 dB in 1.7 s (IEC 60268-18), in octaves a second.
const FALL_OCTAVES: f32 = 20.0 / 6.020_6 / 1.7;

/// What the DC block lets through from, -3 dB: at 20 Hz it takes 0.1 dB.
const DC_BLOCK_HZ: f32 = 3.0;
/// How long the DC block takes to come and go.
const FADE_SECS: f32 = 0.1;

/// What does not move in its sound, and the peaks that its meters show.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct AudioOut {
    still: [OnePole; 2],
    blocking: Fade,
    has_started: u32,
    peak_volts: [f32; 2],
}

impl Module for AudioOut {
    const ABOUT: &'static About = &About {
        name: "audio-out",
        title: "Audio Out",
        summary: "Sends sound to the sound card, where 10 V is full scale",
        aliases: &["speaker", "loudspeaker", "output", "sound card"],
        tags: &[Tag::Output],
        inputs: &[
            port("left", "Left loudspeaker, ±5 V. A polyphonic cable is summed"),
            port("right", "Right loudspeaker. Unpatched, it is a copy of left"),
        ],
        outputs: &[
            port("left", "Left signal after the level"),
            port("right", "Right signal after the level"),
        ],
        params: &[
            Param::linear(
                "level",
                SILENT_DB..=12.0,
                0.0,
                Unit::Db,
                "Output level; silent at the bottom",
            ),
            Param::switch(
                "dc-block",
                true,
                "Removes constant voltages (below 3 Hz), which no loudspeaker can play. Switch it \
                 off to send control voltages through a DC-coupled sound card",
            ),
        ],
        // The peaks of left and right, in volts.
        display: 2,
        screen: Some(Screen::Peaks),
        role: Some(Role::AudioOut),
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.still = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let level = block.ramp(LEVEL);
        let fall = exp2(-FALL_OCTAVES / block.sample_rate_hz);
        let follow = coefficient(DC_BLOCK_HZ, block.sample_rate_hz);
        let (blocks, step) = (block.is_on(DC_BLOCK), fade::step(FADE_SECS, block.sample_rate_hz));
        if self.has_started == 0 {
            self.has_started = 1;
            self.blocking.jump(blocks);
        }
        for frame in block.frames() {
            let gain = gain_from_level(level.at(frame));
            let blocking = self.blocking.next(blocks, step);
            for side in [LEFT, RIGHT] {
                let volts = input.at(side, frame);
                let still = self.still[side].lowpass(volts, follow);
                let volts = gain * (volts - blocking * still);
                block.output(side).put(0, frame, volts);
                self.peak_volts[side] = (self.peak_volts[side] * fall).max(volts.abs());
            }
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

/// The lowest 6 dB also fade to nothing, so that silence is reached smoothly.
#[inline(always)]
fn gain_from_level(level_db: f32) -> f32 {
    let fade = ((level_db - SILENT_DB) * (1.0 / 6.0)).clamp(0.0, 1.0);
    fade * exp2(level_db * (1.0 / 6.020_6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn rig() -> Rig {
        let mut rig = Rig::new::<AudioOut>(48_000.0);
        rig.choose("dc-block", "off");
        rig
    }

    #[test]
    fn a_constant_is_blocked_and_a_tone_is_not() {
        let mut rig = Rig::new::<AudioOut>(48_000.0);
        let tone = |frame: u64| 4.0 * (std::f32::consts::TAU * frame as f32 / 480.0).sin();
        rig.feed("left", move |_, frame| 2.5 + tone(frame % 480));
        let out = rig.run(48_000).main()[47_520..].to_vec();
        let mean = out.iter().sum::<f32>() / 480.0;
        let peak = out.iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
        assert!(mean.abs() < 1e-3, "{mean}");
        assert!((peak - 4.0).abs() < 0.01, "{peak}");
    }

    #[test]
    fn the_dc_block_comes_and_goes_without_a_step() {
        let mut rig = rig();
        rig.feed("left", |_, _| 5.0).run(48_000);
        let mut heard = rig.choose("dc-block", "on").run(48_000).main().to_vec();
        assert!(heard[47_999].abs() < 1e-3);
        heard.extend(rig.choose("dc-block", "off").run(48_000).main());
        assert_eq!(heard[95_999], 5.0);
        assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.002));
    }

    #[test]
    fn right_follows_left_until_it_is_patched() {
        let mut rig = rig();
        rig.feed("left", |_, _| 2.0);
        assert_eq!(rig.run(32).channel("right", 0), [2.0; 32]);
        rig.feed("right", |_, _| -1.0);
        let out = rig.run(32);
        assert_eq!(out.channel("left", 0), [2.0; 32]);
        assert_eq!(out.channel("right", 0), [-1.0; 32]);
    }

    #[test]
    fn a_polyphonic_cable_is_summed() {
        let mut rig = rig();
        rig.feed_channels("left", 4, |channel, _| channel as f32);
        let out = rig.run(32);
        assert_eq!(out.main(), [6.0; 32]);
        assert_eq!(out.channels("left"), 1);
    }

    #[test]
    fn six_db_doubles_and_the_bottom_is_silent() {
        for (level_db, volts) in [(6.0206, 10.0), (0.0, 5.0), (-6.0206, 2.5), (-60.0, 0.0)] {
            let mut rig = rig();
            rig.set("level", level_db).feed("left", |_, _| 5.0);
            let out = rig.run(32).main()[31];
            assert!((out - volts).abs() < 1e-5, "{level_db}: {out}");
        }
    }

    #[test]
    fn a_peak_falls_20_db_in_1_7_seconds() {
        let mut rig = rig();
        rig.feed("left", |_, frame| if frame == 31 { -8.0 } else { 0.0 });
        rig.run(32);
        assert_eq!(rig.display(), [8.0, 8.0]);
        rig.run(81_600);
        assert!((rig.display()[0] - 0.8).abs() < 0.01, "{:?}", rig.display());
        rig.run(10 * 81_600);
        assert_eq!(rig.display(), [0.0, 0.0]);
    }

    #[test]
    fn the_loudest_cable_leaves_no_mark() {
        let mut rig = Rig::new::<AudioOut>(48_000.0);
        rig.feed_channels("left", 16, |_, frame| if frame < 99 { f32::MAX } else { 0.0 });
        rig.run(192_000);
        assert!(rig.display()[0] < 2e3, "{:?}", rig.display());
        assert_eq!(rig.not_finite(), 0);
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |cut: bool| {
            let mut rig = Rig::new::<AudioOut>(48_000.0);
            rig.feed_channels("left", 3, |channel, frame| ((frame + channel as u64) % 7) as f32);
            if cut {
                rig.frame_by_frame();
            }
            rig.run(64);
            let out = rig.set("level", -30.0).run(1000);
            (out.main().to_vec(), rig.display())
        };
        assert_eq!(render(false), render(true));
    }
}
