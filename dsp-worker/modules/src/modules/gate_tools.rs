//! Gate Tools: a gate made longer, shorter, later or opposite; triggers from its
//! edges, and gates from triggers.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::{Gate, Gates, Pulses, volts};
use sostenuto_dsp::lane::{LANES, Lane, each};
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const RESET: usize = 1;
const LENGTH_CV: usize = 2;
const DELAY_CV: usize = 3;

const OUTPUTS: usize = 7;

const LENGTH: usize = 0;
const AGAIN: usize = 1;
const DELAY: usize = 2;

const IGNORE: usize = 0;
const RESTART: usize = 2;

const MOST_DELAY_SECS: f32 = 2.0;
const MOST_LENGTH_SECS: f32 = 10.0;

/// Which gates are on, and how much is left of those of a set length. The tape
/// keeps what came in: a bit for every channel.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct GateTools {
    input: Gates,
    delayed: Gates,
    reset: Gates,
    gate: Pulses,
    rise: Pulses,
    fall: Pulses,
    edge: Pulses,
    /// Yes is 1 and no is 0.
    toggle: [f32; 16],
}

impl Module for GateTools {
    const ABOUT: &'static About = &About {
        name: "gate-tools",
        title: "Gate Tools",
        summary: "Sets gate lengths, makes triggers from edges; delays, inverts and halves gates",
        aliases: &["trigger", "pulse", "delay", "invert"],
        tags: &[Tag::Utility, Tag::Sequencing, Tag::Polyphonic],
        inputs: &[
            port("in", "A gate or trigger"),
            port("reset", "A trigger ends the timed gate and sets toggle to 0 V"),
            port("length", "Length CV: each volt doubles the gate length")
                .moves_own(By::OctavePerVolt),
            port("delay", "Delay CV: each volt doubles the delay; only the first channel counts")
                .moves_own(By::OctavePerVolt),
        ],
        outputs: &[
            port("gate", "10 V for the set length, from each rising edge"),
            port("delayed", "The input gate, delayed"),
            port("inverted", "10 V while the delayed gate is off"),
            port("rise", "10 V for 1 ms as the delayed gate switches on"),
            port("fall", "10 V for 1 ms as the delayed gate switches off"),
            port("edge", "10 V for 1 ms as the delayed gate switches on or off"),
            port("toggle", "Switches between 10 V and 0 V each time the delayed gate switches on"),
        ],
        params: &[
            Param::log(
                "length",
                1e-3..=MOST_LENGTH_SECS,
                0.1,
                Unit::Secs,
                "The length of the timed gate",
            ),
            Param::choice(
                "again",
                &["ignore", "extend", "restart"],
                IGNORE,
                "What a trigger does during the timed gate: nothing, extend it from now on, or \
                 restart it after a gap of one frame",
            ),
            Param::linear(
                "delay",
                0.0..=MOST_DELAY_SECS,
                0.0,
                Unit::Secs,
                "Delays everything by that time",
            ),
        ],
        bypass: &[(IN, 0), (IN, 1)],
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![(MOST_DELAY_SECS * sample_rate_hz) as usize + 1]
    }

    const CARRIES_TAPES: bool = true;

    fn change_rate(&mut self, change: &RateChange) {
        for pulses in [&mut self.gate, &mut self.rise, &mut self.fall, &mut self.edge] {
            pulses.change_rate(change);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        clear(self, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        for frame in block.frames() {
            let mut bits = 0;
            each_group!(channels, |L, group| bits |= self.listen::<L>(block, group, frame));
            block.tapes.write(0, frame, bits as f32);
        }
        each_group!(channels, |L, group| self.play::<L>(block, group));
    }
}

impl GateTools {
    /// Which gates of a group are on, a bit for every channel.
    #[inline(always)]
    fn listen<L: Lane>(&mut self, block: &Block, group: usize, frame: usize) -> u32 {
        let gate = self.input.follow(group, block.input(IN).get::<L>(group, frame));
        let lanes = volts(gate.is_on).to_lanes();
        let bit = |lane: usize| ((lanes[lane] > 0.0) as u32) << (group * LANES + lane);
        (0..L::WIDTH).map(bit).sum()
    }

    #[inline(always)]
    fn play<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let (reset, length_cv) = (block.input(RESET), block.input(LENGTH_CV));
        let length = block.ramp(LENGTH);
        let trigger_frames = L::splat(pulse::frames(block.sample_rate_hz) as f32);
        for frame in block.frames() {
            let word = block.tapes.read(0, frame, delay_frames(block, frame)) as u32;
            let bit = |lane: usize| (word >> (group * LANES + lane) & 1) as f32 * GATE_VOLTS;
            let delayed: Gate<L> = self.delayed.follow(group, L::from_lanes(each(bit)));
            let resets = self.reset.follow(group, reset.get::<L>(group, frame)).rises;

            let longer = exp2(length_cv.get::<L>(group, frame).clamp(-20.0, 20.0));
            let secs = (longer * L::splat(length.at(frame))).clamp(1e-3, MOST_LENGTH_SECS);
            let gate_frames = secs * L::splat(block.sample_rate_hz);
            let gate = self.gate(block.choice(AGAIN), delayed.rises, resets, gate_frames, group);
            let toggle = Mask::load(&self.toggle, group).and_not(resets).differs(delayed.rises);
            toggle.store(&mut self.toggle, group);

            let edges = delayed.rises.or(delayed.falls);
            let out: [L; OUTPUTS] = [
                gate,
                volts(delayed.is_on),
                delayed.is_on.clear(L::splat(GATE_VOLTS)),
                self.rise.next(group, delayed.rises, trigger_frames),
                self.fall.next(group, delayed.falls, trigger_frames),
                self.edge.next(group, edges, trigger_frames),
                volts(toggle),
            ];
            for (output, out) in block.outputs::<OUTPUTS>().iter_mut().zip(out) {
                output.put(group, frame, out);
            }
        }
    }

    /// The gate of set length. A trigger together with a reset comes after it.
    #[inline(always)]
    fn gate<L: Lane>(
        &mut self,
        again: usize,
        rises: Mask<L>,
        resets: Mask<L>,
        frames: L,
        group: usize,
    ) -> L {
        self.gate.stop(group, resets);
        let is_running = self.gate.lasts::<L>(group);
        let starts = if again == IGNORE { rises.and_not(is_running) } else { rises };
        let gate = self.gate.next(group, starts, frames);
        if again == RESTART { rises.and(is_running).clear(gate) } else { gate }
    }
}

#[inline(always)]
fn delay_frames(block: &Block, frame: usize) -> usize {
    let later = exp2(block.input(DELAY_CV).at(0, frame).clamp(-20.0, 20.0));
    let secs = (block.ramp(DELAY).at(frame) * later).clamp(0.0, MOST_DELAY_SECS);
    (secs * block.sample_rate_hz + 0.5) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    /// At 1000 frames a second; on from one frame up to another.
    fn rig(on: &'static [(u64, u64)]) -> Rig {
        let mut rig = Rig::new::<GateTools>(1000.0);
        let is_on = |frame: u64| on.iter().any(|&(start, end)| (start..end).contains(&frame));
        rig.feed("in", move |_, frame| if is_on(frame) { 10.0 } else { 0.0 });
        rig
    }

    /// From which frames, and up to which, an output is on.
    fn spans(out: &Render, port: &str) -> Vec<(usize, usize)> {
        let volts = out.channel(port, 0);
        let is_on = |frame: usize| volts.get(frame) == Some(&10.0);
        let starts = (0..volts.len()).filter(|&n| is_on(n) && (n == 0 || !is_on(n - 1)));
        starts.map(|start| (start, (start..).find(|&n| !is_on(n)).unwrap())).collect()
    }

    #[test]
    fn everything_is_said_of_a_gate() {
        let out = rig(&[(10, 15), (40, 70)]).set("length", 0.02).run(100);
        assert_eq!(spans(&out, "gate"), [(10, 30), (40, 60)]);
        assert_eq!(spans(&out, "delayed"), [(10, 15), (40, 70)]);
        assert_eq!(spans(&out, "inverted"), [(0, 10), (15, 40), (70, 100)]);
        assert_eq!(spans(&out, "rise"), [(10, 11), (40, 41)]);
        assert_eq!(spans(&out, "fall"), [(15, 16), (70, 71)]);
        assert_eq!(spans(&out, "edge"), [(10, 11), (15, 16), (40, 41), (70, 71)]);
        assert_eq!(spans(&out, "toggle"), [(10, 40)]);
    }

    #[test]
    fn a_delay_makes_all_of_it_late() {
        let out = rig(&[(10, 15), (40, 70)]).set("delay", 0.1).set("length", 0.003).run(200);
        assert_eq!(spans(&out, "delayed"), [(110, 115), (140, 170)]);
        assert_eq!(spans(&out, "gate"), [(110, 113), (140, 143)]);
        assert_eq!(spans(&out, "fall"), [(115, 116), (170, 171)]);
    }

    #[test]
    fn a_trigger_during_the_gate_is_ignored_extends_it_or_begins_it_anew() {
        for (again, expected) in [
            ("ignore", vec![(10, 30), (35, 55)]),
            ("extend", vec![(10, 55)]),
            ("restart", vec![(10, 20), (21, 35), (36, 55)]),
        ] {
            let mut rig = rig(&[(10, 12), (20, 22), (35, 37)]);
            let out = rig.choose("again", again).set("length", 0.02).run(100);
            assert_eq!(spans(&out, "gate"), expected, "{again}");
        }
    }

    #[test]
    fn a_reset_ends_the_gate_and_the_toggle() {
        let mut rig = rig(&[(10, 12)]);
        rig.feed("reset", |_, frame| if frame == 30 { 10.0 } else { 0.0 });
        let out = rig.run(100);
        assert_eq!(spans(&out, "gate"), [(10, 30)]);
        assert_eq!(spans(&out, "toggle"), [(10, 30)]);
    }

    #[test]
    fn every_channel_has_its_own_gate_and_length() {
        let mut rig = Rig::new::<GateTools>(1000.0);
        rig.set("length", 0.01).set("delay", 0.05);
        rig.feed_channels(
            "in",
            16,
            |channel, frame| {
                if frame == channel as u64 { 10.0 } else { 0.0 }
            },
        );
        rig.feed_channels("length", 16, |channel, _| if channel < 8 { 0.0 } else { 1.0 });
        let out = rig.run(100);
        for channel in 0..16 {
            let volts = out.channel("gate", channel);
            let length = if channel < 8 { 10 } else { 20 };
            let expected = |n: usize| (50 + channel..50 + channel + length).contains(&n);
            assert!((0..100).all(|n| (volts[n] == 10.0) == expected(n)), "{channel}");
        }
    }
}
