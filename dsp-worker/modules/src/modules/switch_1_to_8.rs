//! Switch 1→8: one signal sent to one output after another.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Port, Tag, port};
use crate::parts::each_group::each_group;
use crate::parts::rows::rows;
use crate::parts::selector::{PARAMS, Selector};

const IN: usize = 0;
const CLOCK: usize = 1;

/// Which output is open.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Switch1To8 {
    selector: Selector,
}

const fn out(name: &'static str) -> Port {
    port(name, "The signal while this output is selected, else 0 V; with as many channels as in")
}

impl Module for Switch1To8 {
    const ABOUT: &'static About = &About {
        name: "switch-1-to-8",
        title: "Switch 1→8",
        short: "1→8",
        summary: "Sends a signal to one of eight outputs, the next at every clock",
        aliases: &["sequential switch"],
        tags: &[Tag::Sequencing, Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input, audio or CV"),
            port("clock", "Every rising edge selects the next step, from step 1"),
            port("reset", "A trigger returns to the first step; so does a clock within 1 ms"),
            port("select", "Select CV: 10 V covers all steps"),
        ],
        outputs: &rows![out("out-", 1..=8)],
        params: &PARAMS,
        bypass: &[(IN, 0)],
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.selector.start(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.selector.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        let gains = self.selector.gains(block, CLOCK);
        let (input, frames) = (block.input(IN), block.frames());
        for (way, gains) in gains.iter().enumerate() {
            let output = block.output(way);
            if gains[frames.clone()].iter().all(|&gain| gain == 0.0) {
                output.clear(frames.clone());
            } else {
                each_group!(channels, |L, group| {
                    pass::<L>(input, output, group, gains, frames.clone())
                });
            }
        }
    }
}

#[inline(always)]
fn pass<L: Lane>(
    input: &Signal,
    output: &mut Signal,
    group: usize,
    gains: &[f32; QUANTUM],
    frames: std::ops::Range<usize>,
) {
    for frame in frames {
        let volts = input.get::<L>(group, frame) * L::splat(gains[frame]);
        // Negative volts that are shut out are 0 V, and not -0 V.
        output.put(group, frame, volts + L::splat(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    fn clock(_: usize, frame: u64) -> f32 {
        if frame % 100 < 50 { 10.0 } else { 0.0 }
    }

    /// Which output is open, at the end of every hundred frames.
    fn open(out: &Render) -> Vec<usize> {
        let at = |way: usize, frame: usize| out.channel(&format!("out-{}", way + 1), 0)[frame];
        let found = |frame: usize| (0..8).filter(|&way| at(way, frame) == 5.0).sum();
        (0..out.main().len() / 100).map(|clock| found(clock * 100 + 99)).collect()
    }

    #[test]
    fn each_clock_opens_the_next_output_and_a_reset_the_first() {
        let mut rig = Rig::new::<Switch1To8>(48_000.0);
        rig.set("steps", 3.0).feed("in", |_, _| 5.0).feed("clock", clock);
        rig.feed("reset", |_, frame| if frame == 700 { 10.0 } else { 0.0 });
        assert_eq!(open(&rig.run(1000)), [0, 1, 2, 0, 1, 2, 0, 0, 1, 2]);
    }

    #[test]
    fn a_voltage_and_the_knob_move_on_from_there() {
        let mut rig = Rig::new::<Switch1To8>(48_000.0);
        rig.feed("in", |_, _| 5.0).feed("select", |_, frame| (frame / 100) as f32 * 1.25);
        assert_eq!(open(&rig.run(1000)), [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]);
        let mut rig = Rig::new::<Switch1To8>(48_000.0);
        rig.feed("in", |_, _| 5.0).set("select", 7.0).feed("clock", clock);
        assert_eq!(open(&rig.run(400)), [6, 7, 0, 1]);
    }

    #[test]
    fn nothing_is_lost_and_nothing_clicks_between_two_outputs() {
        let mut rig = Rig::new::<Switch1To8>(48_000.0);
        let out = rig.feed("in", |_, _| 5.0).feed("clock", clock).run(800);
        let sum = |frame: usize| -> f32 {
            (1..=8).map(|way| out.channel(&format!("out-{way}"), 0)[frame]).sum()
        };
        assert!((0..800).all(|frame| (sum(frame) - 5.0).abs() < 1e-5));
        let steps = out.main().windows(2).map(|pair| (pair[1] - pair[0]).abs());
        // 48 frames of 5 V, steepest in the middle.
        assert!(steps.fold(0.0, f32::max) < 0.16);
        assert_eq!(out.main()[99..101], [5.0, out.main()[100]]);
        assert!(out.main()[100] < 5.0 && out.main()[147] == 0.0);
    }

    #[test]
    fn without_a_fade_it_cuts_on_the_clocks_own_frame() {
        let mut rig = Rig::new::<Switch1To8>(48_000.0);
        rig.set("fade", 0.0).feed("clock", clock);
        let out = rig.feed_channels("in", 11, |channel, _| channel as f32 - 5.5).run(200);
        for channel in 0..11 {
            let volts = channel as f32 - 5.5;
            assert_eq!(out.channel("out-1", channel)[98..102], [volts, volts, 0.0, 0.0]);
            assert_eq!(out.channel("out-2", channel)[98..102], [0.0, 0.0, volts, volts]);
        }
    }
}
