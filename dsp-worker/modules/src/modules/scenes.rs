//! Scenes: which scene of the patch its knobs follow, by clock and voltage.
//!
//! It turns no knob itself: the host reads its first three outputs after every block, and
//! moves the knobs of these scenes in the next.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::detent::Detent;
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};

use crate::Module;
use crate::module::{About, Block, Role, SCENE_VOLTS, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const NEXT: usize = 0;
const RESET: usize = 1;
const SELECT: usize = 2;
const MORPH_IN: usize = 3;
const SCENE: usize = 0;
const TOWARD: usize = 1;
const MORPHED: usize = 2;
const CHANGED: usize = 3;
const FIRST: usize = 0;
const LAST: usize = 1;
const MORPH: usize = 2;

/// Which scene it is at.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Scenes {
    steps: Steps,
    /// Triggers since the first scene.
    counted: u32,
    select: Detent,
    /// The scene before this frame; 0 before the first.
    scene: u32,
    changed: Pulse,
}

impl Module for Scenes {
    const ABOUT: &'static About = &About {
        name: "scenes",
        title: "Scenes",
        summary: "Recalls the patch's scenes by clock or voltage, and morphs between them",
        aliases: &["snapshot", "preset", "morph", "recall"],
        tags: &[Tag::Sequencing, Tag::Modulator],
        inputs: &[
            port("next", "Every rising edge recalls the next scene, from the first"),
            port("reset", "A trigger returns to the first scene; so does a clock within 1 ms"),
            port("select", "Select CV: each volt is one scene further; past the last is the first"),
            port("morph", "Morph CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("scene", "Which scene is recalled: 0.1 V times its number"),
            port("toward", "Which scene it morphs to: 0.1 V times its number"),
            port("morphed", "How far it has morphed, 0 to 10 V"),
            port("changed", "A trigger whenever another scene is recalled"),
        ],
        params: &[
            Param::steps("first", 1.0..=64.0, 1.0, "The first of the scenes that it goes through")
                .steady(),
            Param::steps("last", 1.0..=64.0, 4.0, "The last of them; after it comes the first")
                .steady(),
            Param::linear(
                "morph",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "From the scene that is recalled, 0, to the one after it, 1",
            )
            .steady(),
            Param::linear(
                "glide",
                0.0..=60.0,
                0.0,
                Unit::Secs,
                "How long knobs take to a scene that is recalled",
            )
            .steady(),
        ],
        screen: Some(Screen::Scene),
        display: 3,
        role: Some(Role::Scenes),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        self.changed.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let ends = [FIRST, LAST].map(|param| block.choice(param) as u32);
        let [first, last] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        let scenes = last - first + 1;
        let morph = block.ramp(MORPH);
        for frame in block.frames() {
            let volts = |port: usize| block.input(port).at(0, frame);
            match self.steps.next(volts(NEXT), volts(RESET), true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { .. } => self.counted = 0,
                Step::Next => self.counted = (self.counted + 1) % scenes,
            }
            let selected = self.select.follow(volts(SELECT)).rem_euclid(scenes as i32) as u32;
            let place = (self.counted + selected) % scenes;
            let (scene, toward) = (first + place, first + (place + 1) % scenes);
            let morphed = (morph.at(frame) + 0.1 * volts(MORPH_IN)).clamp(0.0, 1.0);
            if scene != self.scene {
                if self.scene != 0 {
                    self.changed.start(block.sample_rate_hz);
                }
                self.scene = scene;
            }
            let shown = [scene as f32 * SCENE_VOLTS, toward as f32 * SCENE_VOLTS, 10.0 * morphed];
            for (port, volts) in [SCENE, TOWARD, MORPHED].into_iter().zip(shown) {
                block.output(port).put(0, frame, volts);
            }
            let changed = self.changed.volts();
            block.output(CHANGED).put(0, frame, changed);
            block.show(SCENE, scene as f32);
            block.show(TOWARD, toward as f32);
            block.show(MORPHED, morphed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// The numbers of the scenes at each frame.
    fn numbers(rig: &mut Rig, frames: usize) -> Vec<[u32; 2]> {
        let run = rig.run(frames);
        let number =
            |port, frame: usize| (run.channel(port, 0)[frame] / SCENE_VOLTS).round() as u32;
        (0..frames).map(|frame| ["scene", "toward"].map(|port| number(port, frame))).collect()
    }

    fn rig() -> Rig {
        let mut rig = Rig::new::<Scenes>(48_000.0);
        rig.set("first", 3.0).set("last", 5.0);
        rig
    }

    #[test]
    fn clocks_go_round_the_scenes_from_the_first_and_reset_returns_there() {
        let mut rig = rig();
        rig.feed("next", |_, frame| if frame % 100 < 50 { 10.0 } else { 0.0 });
        rig.feed("reset", |_, frame| if frame == 450 { 10.0 } else { 0.0 });
        let found: Vec<_> = numbers(&mut rig, 700).into_iter().skip(20).step_by(100).collect();
        assert_eq!(found, [[3, 4], [4, 5], [5, 3], [3, 4], [4, 5], [3, 4], [4, 5]]);
    }

    #[test]
    fn each_volt_is_a_scene_and_goes_round_both_ways() {
        for (volts, scene) in [(0.0, 3), (1.0, 4), (2.0, 5), (3.0, 3), (-1.0, 5), (0.999_99, 4)] {
            let mut rig = rig();
            rig.feed("select", move |_, _| volts);
            assert_eq!(numbers(&mut rig, 64)[63][0], scene, "{volts} V");
        }
    }

    #[test]
    fn morph_is_knob_and_voltage_together_within_its_ends() {
        let mut rig = rig();
        rig.set("morph", 0.25).feed("morph", |_, frame| if frame < 100 { 5.0 } else { 50.0 });
        let run = rig.run(200);
        assert_eq!([run.channel("morphed", 0)[99], run.channel("morphed", 0)[199]], [7.5, 10.0]);
    }

    #[test]
    fn every_change_is_said_by_a_trigger_and_the_beginning_is_none() {
        let mut rig = rig();
        rig.feed("next", |_, frame| if frame % 500 < 50 { 10.0 } else { 0.0 });
        let run = rig.run(2000);
        let rises =
            run.channel("changed", 0).windows(2).filter(|pair| pair[0] < 1.0 && pair[1] > 1.0);
        assert_eq!((run.channel("changed", 0)[0], rises.count()), (0.0, 3));
    }

    #[test]
    fn ends_the_wrong_way_round_are_the_same_scenes() {
        let mut rig = Rig::new::<Scenes>(48_000.0);
        rig.set("first", 9.0).set("last", 8.0);
        assert_eq!(numbers(&mut rig, 1)[0], [8, 9]);
        rig.set("last", 9.0);
        assert_eq!(numbers(&mut rig, 1)[0], [9, 9]);
    }
}
