//! Switch 8→1: one of eight signals after another.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::rate_change::RateChange;

use crate::Module;
use crate::module::{About, Block, Port, Tag, port};
use crate::parts::each_group::each_group;
use crate::parts::rows::rows;
use crate::parts::selector::{Gains, PARAMS, Selector, WAYS};

/// The inputs after the signals: clock, reset, select.
const CLOCK: usize = WAYS;
const OUT: usize = 0;

/// Which input is open.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Switch8To1 {
    selector: Selector,
}

const fn signal(name: &'static str) -> Port {
    port(name, "Signal input, audio or CV. A single channel is copied to every channel")
}

impl Module for Switch8To1 {
    const ABOUT: &'static About = &About {
        name: "switch-8-to-1",
        title: "Switch 8→1",
        short: "8→1",
        summary: "Passes one of eight signals, the next at every clock",
        aliases: &["sequential switch"],
        tags: &[Tag::Sequencing, Tag::Utility, Tag::Polyphonic],
        inputs: &rows![
            signal("in-", 1..=8),
            port("clock", "Every rising edge selects the next step, from step 1"),
            port("reset", "A trigger returns to the first step; so does a clock within 1 ms"),
            port("select", "Select CV: 10 V covers all steps"),
        ],
        outputs: &[port("out", "The selected signal, with as many channels as the widest input")],
        params: &PARAMS,
        bypass: &[(0, OUT)],
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
        let most = (0..WAYS).map(|way| block.input(way).channels()).fold(1, usize::max);
        block.set_channels(most);
        let gains = self.selector.gains(block, CLOCK);
        each_group!(most, |L, group| mix::<L>(block, group, &gains));
    }
}

#[inline(always)]
fn mix<L: Lane>(block: &mut Block, group: usize, gains: &Gains) {
    let frames = block.frames();
    for frame in frames.clone() {
        block.output(OUT).put(group, frame, L::splat(0.0));
    }
    for (way, gains) in gains.iter().enumerate() {
        let input = block.input(way);
        if gains[frames.clone()].iter().all(|&gain| gain == 0.0) {
            continue;
        }
        let output = block.output(OUT);
        for frame in frames.clone() {
            let volts = input.get::<L>(group, frame) * L::splat(gains[frame]);
            output.put(group, frame, output.get::<L>(group, frame) + volts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// Input n carries n V; a clock comes every 100 frames.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Switch8To1>(48_000.0);
        for way in 1..=8u8 {
            rig.feed(&format!("in-{way}"), move |_, _| f32::from(way));
        }
        rig.feed("clock", |_, frame| if frame % 100 < 50 { 10.0 } else { 0.0 });
        rig
    }

    fn played(rig: &mut Rig, clocks: usize) -> Vec<f32> {
        rig.run(100 * clocks).main().chunks(100).map(|clock| clock[99]).collect()
    }

    #[test]
    fn it_plays_one_input_after_another_in_every_direction() {
        for (direction, expected) in [
            ("forward", [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]),
            ("backward", [1.0, 4.0, 3.0, 2.0, 1.0, 4.0, 3.0, 2.0]),
            ("ping-pong", [1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0, 2.0]),
        ] {
            let mut rig = rig();
            rig.set("steps", 4.0).choose("direction", direction);
            assert_eq!(played(&mut rig, 8), expected, "{direction}");
        }
        let mut rig = rig();
        let random = played(rig.choose("direction", "random"), 400);
        for way in 1..=8u8 {
            let count = random.iter().filter(|&&volts| volts == f32::from(way)).count();
            assert!((30..75).contains(&count), "{way}: {count} of 400");
        }
    }

    #[test]
    fn the_way_from_one_voltage_to_the_next_takes_a_millisecond() {
        let out = rig().set("fade", 0.001).run(200).main().to_vec();
        assert_eq!(out[..100], [1.0; 100]);
        assert!((out[123] - 1.5).abs() < 1e-4, "{}", out[123]);
        assert_eq!(out[147..], [2.0; 53]);
        assert!(out.windows(2).all(|pair| pair[1] >= pair[0] - 1e-6));
    }

    #[test]
    fn the_most_channels_count_and_one_is_copied() {
        let mut rig = rig();
        rig.feed_channels("in-2", 12, |channel, _| channel as f32);
        let out = rig.run(200);
        assert_eq!(out.channels("out"), 12);
        assert!((0..12).all(|n| out.channel("out", n)[99] == 1.0));
        assert!((0..12).all(|n| out.channel("out", n)[199] == n as f32));
    }
}
