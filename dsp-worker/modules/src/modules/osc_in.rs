//! OSC In: eight voltages from controllers, tablets and scripts.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Event, OSC_VALUES, Role, Tag, port};
use crate::param::{Param, Unit};

const VALUES: usize = OSC_VALUES;

const SMOOTHING: usize = 0;

/// Where each value was set, and where it is on its way there.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct OscIn {
    goals: [f32; VALUES],
    volts: [f32; VALUES],
}

impl Module for OscIn {
    const ABOUT: &'static About = &About {
        name: "osc-in",
        title: "OSC In",
        summary: "Eight voltages that a controller or script sends over OSC",
        aliases: &["midi", "controller"],
        tags: &[Tag::Play, Tag::Modulator],
        outputs: &[
            port("value-1", "The value sent to /in/MODULE/1, in volts"),
            port("value-2", "The value sent to /in/MODULE/2, in volts"),
            port("value-3", "The value sent to /in/MODULE/3, in volts"),
            port("value-4", "The value sent to /in/MODULE/4, in volts"),
            port("value-5", "The value sent to /in/MODULE/5, in volts"),
            port("value-6", "The value sent to /in/MODULE/6, in volts"),
            port("value-7", "The value sent to /in/MODULE/7, in volts"),
            port("value-8", "The value sent to /in/MODULE/8, in volts"),
        ],
        params: &[Param::linear(
            "smoothing",
            0.0..=2.0,
            0.01,
            Unit::Secs,
            "The time for 63 % of a change; 0 is immediate, for gates",
        )],
        // The eight values, in volts.
        display: VALUES,
        role: Some(Role::OscIn),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        for event in block.events() {
            if let Event::Value { index, volts } = *event
                && let Some(goal) = self.goals.get_mut(index as usize)
                && volts.is_finite()
            {
                *goal = volts.clamp(-GATE_VOLTS, GATE_VOLTS);
            }
        }
        block.set_channels(1);
        let frames = block.param(SMOOTHING) * block.sample_rate_hz;
        // The first terms of 1 - e^(-1/frames): plain arithmetic, the same on
        // every machine, and 1 at 0.
        let part = (2.0 / (2.0 * frames + 1.0)).min(1.0);
        for (value, (volts, goal)) in self.volts.iter_mut().zip(self.goals).enumerate() {
            for frame in block.frames() {
                *volts += part * (goal - *volts);
                block.output(value).put(0, frame, *volts);
            }
            block.show(value, *volts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn a_value_is_there_at_once_or_on_its_way() {
        let mut rig = Rig::new::<OscIn>(1000.0);
        rig.set("smoothing", 0.0).event(Event::Value { index: 2, volts: 5.0 });
        let out = rig.run(64);
        assert_eq!(out.channel("value-3", 0), [5.0; 64]);
        assert_eq!(out.channel("value-1", 0), [0.0; 64]);
        let mut rig = Rig::new::<OscIn>(1000.0);
        rig.set("smoothing", 0.1).event(Event::Value { index: 0, volts: 10.0 });
        let out = rig.run(1000);
        assert!((out.main()[99] - 6.32).abs() < 0.05, "{}", out.main()[99]);
        assert!(out.main()[999] > 9.99);
    }

    #[test]
    fn what_is_out_of_range_does_no_harm() {
        let mut rig = Rig::new::<OscIn>(1000.0);
        rig.set("smoothing", 0.0);
        rig.event(Event::Value { index: 8, volts: 1.0 });
        rig.event(Event::Value { index: 0, volts: f32::NAN });
        rig.event(Event::Value { index: 1, volts: 1e9 });
        rig.event(Event::AllNotesOff);
        let out = rig.run(32);
        assert_eq!((out.main()[0], out.channel("value-2", 0)[0]), (0.0, 10.0));
    }
}
