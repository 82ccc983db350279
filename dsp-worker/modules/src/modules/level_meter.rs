//! Level Meter: how loud two signals are, and whether they were too loud.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::coefficient;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::FULL_SCALE_VOLTS;
use sostenuto_dsp::{exp2, hush};

use crate::Module;
use crate::module::{About, Block, Screen, Tag, port};
use crate::parts::stereo_in::StereoIn;

const LEFT: usize = 0;
const RIGHT: usize = 1;

/// How fast a peak falls back: 20 dB in 1.7 s (IEC 60268-18), in octaves a second.
const FALL_OCTAVES: f32 = 20.0 / 6.020_6 / 1.7;
/// The time constant of the mean.
const MEAN_SECS: f32 = 0.3;
/// How long a clip lamp stays on.
const CLIP_SECS: f32 = 2.0;
/// Below it a meter is at rest.
const REST_VOLTS: f32 = 1e-6;

/// What the meters of both sides stand at.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct LevelMeter {
    peak_volts: [f32; 2],
    mean_squares: [f32; 2],
    clip_frames: [u32; 2],
}

impl Module for LevelMeter {
    const ABOUT: &'static About = &About {
        name: "level-meter",
        title: "Level Meter",
        short: "Meter",
        summary: "Shows the level of two signals, and whether they exceed full scale, 10 V",
        aliases: &["vu", "peak", "meter"],
        tags: &[Tag::Display, Tag::Utility],
        inputs: &[
            port("left", "First signal. The meter sums a polyphonic cable"),
            port("right", "Second signal. Unpatched, it is a copy of left"),
        ],
        outputs: &[
            port("left", "The first signal, unchanged"),
            port("right", "The second signal, unchanged"),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // Peaks of left and right in volts, RMS of both in volts, and 1 for
        // 2 s after a side has reached 10 V.
        display: 6,
        screen: Some(Screen::Levels),
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        change.all_frames(&mut self.clip_frames);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let input = StereoIn::new(block, LEFT, RIGHT);
        let fall = exp2(-FALL_OCTAVES / block.sample_rate_hz);
        let reach = coefficient(1.0 / (std::f32::consts::TAU * MEAN_SECS), block.sample_rate_hz);
        let clip_frames = (CLIP_SECS * block.sample_rate_hz) as u32;
        for side in [LEFT, RIGHT] {
            for frame in block.frames() {
                let volts = input.at(side, frame).abs();
                self.peak_volts[side] = (self.peak_volts[side] * fall).max(volts);
                let mean = self.mean_squares[side];
                self.mean_squares[side] = hush(mean + reach * (volts * volts - mean));
                let left = self.clip_frames[side].saturating_sub(1);
                self.clip_frames[side] = if volts >= FULL_SCALE_VOLTS { clip_frames } else { left };
            }
            if self.peak_volts[side] < REST_VOLTS {
                self.peak_volts[side] = 0.0;
            }
            block.show(side, self.peak_volts[side]);
            block.show(2 + side, self.mean_squares[side].sqrt());
            block.show(4 + side, (self.clip_frames[side] > 0) as u32 as f32);
            pass(block, side);
        }
    }
}

/// An output is its input; the right one, unpatched, the left.
#[inline(always)]
fn pass(block: &mut Block, side: usize) {
    let input = block.input(side);
    let input = if input.is_patched() { input } else { block.input(LEFT) };
    let frames = block.frames();
    block.output(side).copy_frames(input, frames);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn a_sine_of_5_volts_peaks_at_5_and_is_3_54_rms() {
        let mut rig = Rig::new::<LevelMeter>(48_000.0);
        rig.feed("left", |_, n| 5.0 * (std::f32::consts::TAU * (n % 48) as f32 / 48.0).sin());
        rig.feed("right", |_, _| 2.0);
        rig.run(4 * 48_000);
        let shown = rig.display();
        assert!((shown[0] - 5.0).abs() < 0.01, "{shown:?}");
        assert!((shown[1] - 2.0).abs() < 1e-4, "{shown:?}");
        assert!((shown[2] - 3.535).abs() < 0.01, "{shown:?}");
        assert!((shown[3] - 2.0).abs() < 1e-3, "{shown:?}");
        assert_eq!(shown[4..], [0.0, 0.0]);
    }

    #[test]
    fn the_mean_takes_300_ms_and_the_peak_falls_20_db_in_1_7_s() {
        let mut rig = Rig::new::<LevelMeter>(1000.0);
        rig.feed("left", |_, n| if n < 300 { 10.0 } else { 0.0 });
        rig.run(300);
        // A step's square has come 1 - 1/e of its way.
        assert!((rig.display()[2] - 100f32.sqrt() * 0.632f32.sqrt()).abs() < 0.02);
        assert_eq!(rig.display()[4..], [1.0, 1.0]);
        rig.run(1700);
        assert!((rig.display()[0] - 1.0).abs() < 0.01, "{:?}", rig.display());
        assert_eq!(rig.display()[4..], [1.0, 1.0]);
        rig.run(300);
        assert_eq!(rig.display()[4..], [0.0, 0.0]);
    }

    #[test]
    fn what_comes_in_goes_out_with_every_channel() {
        let mut rig = Rig::new::<LevelMeter>(48_000.0);
        rig.feed_channels("left", 11, |channel, frame| channel as f32 + frame as f32);
        let out = rig.run(64);
        for port in ["left", "right"] {
            assert_eq!(out.channels(port), 11);
            assert_eq!(out.channel(port, 9)[40], 49.0);
        }
        let out = rig.feed("right", |_, _| -3.0).run(32);
        assert_eq!(out.channel("left", 9)[0], 73.0);
        assert_eq!(out.channel("right", 0), [-3.0; 32]);
    }
}
