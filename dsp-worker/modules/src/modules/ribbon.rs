//! Ribbon: a strip for one finger, and the pitch under it.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lag;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Screen, Tag, port};
use crate::param::{Param, Unit};

const VOCT: usize = 0;
const GATE: usize = 1;
const PLACE: usize = 2;

const POSITION: usize = 0;
const TOUCH: usize = 1;
const OCTAVE: usize = 2;
const OCTAVES: usize = 3;
const SNAP: usize = 4;

/// How quickly the pitch follows a finger that slides, to within 1 %: so that
/// the steps of a mouse are not heard.
const SLIDE_SECS: f32 = 0.015;
/// How far past the middle to its neighbour a note reaches while the finger
/// slides, in semitones: so that it does not chatter there.
const REACH_SEMITONES: f32 = 0.1;

/// Where the finger is, or was when it left.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Ribbon {
    /// 0 to 1.
    place: f32,
    /// The note that is held, in semitones from the left end.
    note: f32,
    was_touched: u32,
    has_started: u32,
}

impl Module for Ribbon {
    const ABOUT: &'static About = &About {
        name: "ribbon",
        title: "Ribbon",
        summary: "A touch strip that slides between pitches, freely or in semitones",
        aliases: &["theremin"],
        tags: &[Tag::Play, Tag::Source],
        outputs: &[
            port("voct", "The pitch under the finger, 1 V/octave; it stays on release"),
            port("gate", "10 V while the ribbon is touched"),
            port("position", "The position from the left, 0 to 10 V; it stays on release"),
        ],
        params: &[
            Param::linear(
                "position",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "The position of the finger; it counts only while the ribbon is touched",
            ),
            Param::switch(
                "touch",
                false,
                "Whether the ribbon is touched. Each touch starts at its own pitch",
            )
            .held(),
            Param::steps(
                "octave",
                -4.0..=4.0,
                -1.0,
                "The pitch of the left end, in octaves from C4",
            ),
            Param::steps("octaves", 1.0..=8.0, 2.0, "The length of the ribbon in octaves"),
            Param::choice(
                "snap",
                &["off", "semitones"],
                0,
                "Off slides freely; semitones quantizes the pitch",
            ),
        ],
        screen: Some(Screen::Ribbon),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let is_touched = block.is_on(TOUCH);
        let begins = (is_touched && self.was_touched == 0) || self.has_started == 0;
        self.was_touched = is_touched as u32;
        self.has_started = 1;
        let goal = block.goal(POSITION);
        if begins {
            self.place = goal;
        }
        let lag = lag(SLIDE_SECS, block.sample_rate_hz);
        let (octave, octaves) = (block.param(OCTAVE), block.param(OCTAVES));
        let is_stepped = block.is_on(SNAP);
        for frame in block.frames() {
            if is_touched {
                self.place = goal - (goal - self.place) * lag;
            }
            let semitones = 12.0 * octaves * self.place;
            if begins || (semitones - self.note).abs() > 0.5 + REACH_SEMITONES {
                // 0 and up, so this is the nearest.
                self.note = (semitones + 0.5) as u32 as f32;
            }
            let pitch = if is_stepped { self.note } else { semitones };
            block.output(VOCT).put(0, frame, octave + pitch * (1.0 / 12.0));
            block.output(GATE).put(0, frame, if is_touched { GATE_VOLTS } else { 0.0 });
            block.output(PLACE).put(0, frame, GATE_VOLTS * self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn rig() -> Rig {
        let mut rig = Rig::new::<Ribbon>(48_000.0);
        rig.set("octave", 0.0).set("octaves", 2.0).run(32);
        rig
    }

    #[test]
    fn a_touch_is_heard_at_its_pitch_at_once_and_stays_when_it_ends() {
        let mut rig = rig();
        let out = rig.set("position", 0.75).set("touch", 1.0).run(32);
        assert_eq!(out.channel("voct", 0), [1.5; 32]);
        assert_eq!(out.channel("position", 0), [7.5; 32]);
        assert_eq!(out.channel("gate", 0), [10.0; 32]);
        let out = rig.set("touch", 0.0).set("position", 0.25).run(3200);
        assert_eq!(out.channel("voct", 0), [1.5; 3200]);
        assert_eq!(out.channel("gate", 0), [0.0; 3200]);
        let out = rig.set("touch", 1.0).run(32);
        assert_eq!(out.channel("voct", 0), [0.5; 32]);
        assert_eq!(out.channel("gate", 0), [10.0; 32]);
    }

    #[test]
    fn a_finger_that_slides_is_followed_without_a_step() {
        let mut rig = rig();
        rig.set("position", 0.0).set("touch", 1.0).run(32);
        let out = rig.set("position", 1.0).run(4800);
        let voct = out.channel("voct", 0);
        assert!(voct.windows(2).all(|pair| (0.0..0.02).contains(&(pair[1] - pair[0]))));
        assert!((voct[720] - 1.98).abs() < 0.01, "{}", voct[720]);
    }

    #[test]
    fn in_semitones_every_pitch_is_in_tune_and_does_not_chatter() {
        let mut rig = rig();
        rig.choose("snap", "semitones").set("touch", 1.0);
        for (semitones, note) in [(3.3, 3.0), (3.55, 3.0), (3.65, 4.0), (3.45, 4.0), (7.0, 7.0)] {
            let out = rig.set("position", semitones / 24.0).run(4800);
            let voct = out.channel("voct", 0);
            assert!((voct[4799] * 12.0 - note).abs() < 1e-5, "{semitones}: {}", voct[4799]);
            let is_in_tune = |volts: &f32| (volts * 12.0 - (volts * 12.0).round()).abs() < 1e-5;
            assert!(voct.iter().all(is_in_tune));
        }
    }
}
