//! Noise gate: shuts where only hiss is left.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::coefficient_of_secs;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, GATE_VOLTS};
use sostenuto_dsp::{db_from_gain, gain_from_db, hush, lag};

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const SIDECHAIN: usize = 2;
const GATE: usize = 2;

const THRESHOLD: usize = 0;
const HYSTERESIS: usize = 1;
const ATTACK: usize = 2;
const HOLD: usize = 3;
const RELEASE: usize = 4;
const FLOOR: usize = 5;

/// Where the floor is all the way down, and nothing passes.
const SHUT_DB: f32 = -80.0;
/// The detector sinks so slowly that it does not see each wave of a bass.
const DETECTOR_SECS: f32 = 0.01;

/// All that a gate remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Gate {
    /// What it hears, in parts of full scale.
    level: f32,
    is_open: u32,
    held_frames: u32,
    /// From shut, 0, to open, 1.
    opened: f32,
}

impl Module for Gate {
    const ABOUT: &'static About = &About {
        name: "gate",
        title: "Noise Gate",
        summary: "Removes hiss and bleed between notes, or chops a sound by another's rhythm",
        aliases: &["noise gate"],
        tags: &[Tag::Dynamics, Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port(
                "sidechain",
                "The signal that opens the gate. Unpatched: the louder of left and right",
            ),
        ],
        outputs: &[
            port("left", "Left signal while the gate is open"),
            port("right", "Right signal while the gate is open"),
            port("gate", "10 V from opening until it starts to close").control(),
        ],
        params: &[
            Param::linear(
                "threshold",
                -80.0..=0.0,
                -40.0,
                Unit::Db,
                "The level above which the gate opens. 0 dB is full scale, 10 V; a ±5 V wave is at \
                 -6 dB",
            ),
            Param::linear(
                "hysteresis",
                0.0..=24.0,
                6.0,
                Unit::Db,
                "How far the level must fall below the threshold before the gate closes",
            ),
            Param::log("attack", 1e-4..=0.1, 1e-3, Unit::Secs, "The time to open"),
            Param::log(
                "hold",
                1e-3..=2.0,
                0.03,
                Unit::Secs,
                "The shortest time that the gate stays open after the level has fallen",
            ),
            Param::log("release", 5e-3..=3.0, 0.1, Unit::Secs, "The time to close, to within 1 %"),
            Param::linear(
                "floor",
                SHUT_DB..=0.0,
                SHUT_DB,
                Unit::Db,
                "How much passes while the gate is closed; nothing at the bottom",
            ),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // What it takes off, and the level that it hears, both in dB.
        display: 2,
        screen: Some(Screen::Curve(Curve::Gate)),
        face: &[Part::Row(&[
            Part::Screen,
            Part::Param("threshold"),
            Part::Param("hysteresis"),
            Part::Param("floor"),
        ])],
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        change.frames(&mut self.held_frames);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            *self = Self::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let sidechain = block.input(SIDECHAIN);
        let rate_hz = block.sample_rate_hz;
        let sinks = 1.0 - coefficient_of_secs(DETECTOR_SECS, rate_hz);
        let attack_step = 1.0 / (block.param(ATTACK) * rate_hz).max(1.0);
        let release = lag(block.param(RELEASE), rate_hz);
        let hold_frames = (block.param(HOLD) * rate_hz) as u32;
        let (threshold, hysteresis) = (block.ramp(THRESHOLD), block.ramp(HYSTERESIS));
        let floor_db = block.ramp(FLOOR);
        let mut gain = 1.0;
        for frame in block.frames() {
            let volts = [input.at(LEFT, frame), input.at(RIGHT, frame)];
            let heard = if sidechain.is_patched() {
                sidechain.sum(frame).abs().min(1e4)
            } else {
                volts[LEFT].abs().max(volts[RIGHT].abs())
            };
            self.level = hush((self.level * sinks).max(heard * (1.0 / FULL_SCALE_VOLTS)));
            let open_db = threshold.at(frame);
            self.follow(open_db, open_db - hysteresis.at(frame), hold_frames);

            if self.is_open != 0 {
                self.opened = (self.opened + attack_step).min(1.0);
            } else {
                self.opened = hush(self.opened * release);
            }
            let floor_db = floor_db.at(frame);
            let floor = if floor_db <= SHUT_DB { 0.0 } else { gain_from_db(floor_db) };
            gain = floor + (1.0 - floor) * self.opened;
            for side in [LEFT, RIGHT] {
                block.output(side).put(0, frame, volts[side] * gain);
            }
            block.output(GATE).put(0, frame, self.is_open as f32 * GATE_VOLTS);
        }
        block.show(0, -db_from_gain(gain).max(-100.0));
        block.show(1, db_from_gain(self.level).max(-100.0));
    }
}

impl Gate {
    #[inline(always)]
    fn follow(&mut self, open_db: f32, shut_db: f32, hold_frames: u32) {
        if self.level > gain_from_db(open_db) {
            self.is_open = 1;
        }
        if self.level > gain_from_db(shut_db) {
            self.held_frames = hold_frames;
        } else if self.held_frames > 0 {
            self.held_frames -= 1;
        } else {
            self.is_open = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// A rectangle: up at frame 1000, down at frame 11 000.
    fn rig(loud: f32, quiet: f32) -> Rig {
        let mut rig = Rig::new::<Gate>(48_000.0);
        rig.feed("left", move |_, frame| {
            let size = if (1000..11_000).contains(&frame) { loud } else { quiet };
            if frame % 2 == 0 { size } else { -size }
        });
        rig
    }

    #[test]
    fn it_opens_above_the_threshold_and_holds_before_it_shuts() {
        let mut rig = rig(1.0, 0.01);
        let out = rig.set("attack", 0.01).set("hold", 0.05).set("release", 0.02).run(24_000);
        let (sound, gate) = (out.main(), out.channel("gate", 0));
        assert!(sound[..1000].iter().all(|&volts| volts == 0.0));
        assert_eq!(gate[1000], 10.0);
        // Half open after 240 of 480 frames, and wholly after all of them.
        assert!((sound[1239].abs() - 0.5).abs() < 1e-3, "{}", sound[1239]);
        assert_eq!(sound[1480].abs(), 1.0);
        // The detector falls from 0.1 to -46 dB in ln(20) of its 10 ms; then 50 ms.
        let shuts = gate.iter().rposition(|&volts| volts > 0.0).unwrap();
        assert!((shuts as i32 - 11_000 - 1438 - 2400).abs() < 20, "{shuts}");
        // 1 % is left after 20 ms.
        assert!((sound[shuts + 960] / 0.01).abs() < 0.012, "{}", sound[shuts + 960]);
    }

    #[test]
    fn between_both_thresholds_it_stays_as_it_is() {
        // -43 dB: below -40, above -46.
        let out = rig(1.0, 0.07).run(48_000);
        assert!(out.main()[..1000].iter().all(|&volts| volts == 0.0));
        assert_eq!(out.main()[47_999].abs(), 0.07);
        let out = rig(1.0, 0.07).set("hysteresis", 1.0).run(48_000);
        assert!(out.main()[47_999].abs() < 1e-3);
    }

    #[test]
    fn the_floor_is_what_passes_a_shut_gate() {
        let out = rig(1.0, 0.05).set("floor", -20.0).run(1000);
        assert!((out.main()[999].abs() - 0.005).abs() < 1e-6, "{}", out.main()[999]);
    }

    #[test]
    fn a_sidechain_chops_a_steady_sound() {
        let mut rig = Rig::new::<Gate>(48_000.0);
        rig.feed("left", |_, _| 5.0);
        rig.feed("sidechain", |_, frame| if frame < 5000 { 0.0 } else { 10.0 });
        let out = rig.run(10_000);
        assert_eq!([out.main()[4999], out.main()[9999]], [0.0, 5.0]);
        assert_eq!(out.channel("right", 0)[9999], 5.0);
    }
}
