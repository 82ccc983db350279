//! Recorder: a part of the patch, into a file.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Role, Tag, port};
use crate::param::Param;
use crate::parts::stereo_in::StereoIn;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const GATE: usize = 2;

/// The host writes down the other two outputs while this one is on.
const RECORDING: usize = 2;

const RECORD: usize = 0;

/// Whether it records, and for how long.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Recorder {
    frames: u64,
    gate: Schmitt,
    _unused: u32,
}

impl Module for Recorder {
    const ABOUT: &'static About = &About {
        name: "recorder",
        title: "Recorder",
        summary: "Records its input while the gate is on, each time to a new file",
        aliases: &["wav", "flac"],
        tags: &[Tag::Utility, Tag::Output],
        inputs: &[
            port("left", "Left input; 10 V is full scale. A polyphonic cable is summed"),
            port("right", "Right side. Unpatched, it is a copy of left"),
            port("gate", "Records while on (above 1 V), as the switch does"),
        ],
        outputs: &[
            port("left", "A copy of the left input"),
            port("right", "A copy of the right input"),
            port("recording", "10 V while it records"),
        ],
        params: &[
            Param::switch("record", false, "Records until switched off"),
            Param::choice(
                "file",
                &["wav", "flac"],
                0,
                "The kind of file, 24 bits: FLAC takes less room",
            ),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // How long the recording is, in seconds; below 0 where there is none.
        display: 1,
        role: Some(Role::Recorder),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        change.frames(&mut self.frames);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let gate = block.input(GATE);
        let is_switched_on = block.is_on(RECORD);
        for frame in block.frames() {
            let records = self.gate.follow(gate.at(0, frame)) || is_switched_on;
            self.frames = if records { self.frames + 1 } else { 0 };
            for side in [LEFT, RIGHT] {
                block.output(side).put(0, frame, input.at(side, frame));
            }
            block.output(RECORDING).put(0, frame, if records { GATE_VOLTS } else { 0.0 });
        }
        let secs = self.frames as f32 / block.sample_rate_hz;
        block.show(0, if self.frames > 0 { secs } else { -1.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn it_records_while_gate_or_switch_is_on_and_passes_all_on() {
        let mut rig = Rig::new::<Recorder>(1000.0);
        rig.feed("left", |_, frame| frame as f32);
        rig.feed("gate", |_, frame| if (100..200).contains(&frame) { 10.0 } else { 0.0 });
        let out = rig.run(300);
        assert_eq!(out.channel("right", 0)[299], 299.0);
        let count = |frames: &[f32]| frames.iter().filter(|&&volts| volts == 10.0).count();
        assert_eq!(count(out.channel("recording", 0)), 100);
        assert_eq!(count(&out.channel("recording", 0)[100..200]), 100);
        assert_eq!(rig.display(), [-1.0]);
        assert_eq!(count(rig.set("record", 1.0).run(500).channel("recording", 0)), 500);
        assert_eq!(rig.display(), [0.5]);
    }
}
