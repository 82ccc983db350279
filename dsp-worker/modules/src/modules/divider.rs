//! Divider: eight clocks from one, slower and faster.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::frames as trigger_frames;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::ratio::{RATIO_NAMES, RATIOS};
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::struck_gate::StruckGate;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Port, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::rows::rows;

const CLOCK: usize = 0;
const RESET: usize = 1;
const RATIO_IN: usize = 2;

const OUTS: usize = 8;
const WIDTH: usize = OUTS;

/// After so many clocks all cycles begin together: the least common multiple of
/// what they divide by.
const CLOCKS: u64 = 64 * 3 * 5 * 7;

/// Where each output is in its cycle.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Divider {
    clocks: u64,
    steps: Steps,
    /// Which ratio each output has had since the last clock.
    ratios: [u32; OUTS],
    gates: [StruckGate; OUTS],
    /// One bit an output: whether its cycle's beginning was played.
    has_begun: u32,
    _unused: u32,
}

const fn out(name: &'static str) -> Port {
    port(name, "10 V gates at the clock rate times the ratio")
}

const fn ratio(name: &'static str, default: usize) -> Param {
    Param::choice(
        name,
        &RATIO_NAMES,
        default,
        "Output rate as a multiple of the clock: × is faster, ÷ is slower",
    )
}

impl Module for Divider {
    const ABOUT: &'static About = &About {
        name: "divider",
        title: "Divider",
        summary: "Eight clocks from one: divided, multiplied and triplets, all in step",
        aliases: &["clock", "multiplier", "ppqn"],
        tags: &[Tag::Sequencing, Tag::Utility],
        inputs: &[
            port("clock", "The clock to divide and multiply. On above 1 V"),
            port(
                "reset",
                "A trigger restarts all cycles at the next clock; so does a clock within 1 ms",
            ),
            port(
                "ratio",
                "Ratio CV: each volt moves every output to the next faster ratio, at the next \
                 clock",
            ),
        ],
        outputs: &rows![out("out-", 1..=8)],
        params: &[
            ratio("ratio-1", 10),
            ratio("ratio-2", 9),
            ratio("ratio-3", 8),
            ratio("ratio-4", 4),
            ratio("ratio-5", 2),
            ratio("ratio-6", 16),
            ratio("ratio-7", 17),
            ratio("ratio-8", 18),
            Param::linear(
                "width",
                0.05..=0.95,
                0.5,
                Unit::Fraction,
                "Gate length, as a part of its period",
            ),
        ],
        bypass: &[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7)],
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        for gate in &mut self.gates {
            gate.change_rate(change);
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let width = block.ramp(WIDTH);
        let trigger_frames = trigger_frames(block.sample_rate_hz);
        for frame in block.frames() {
            let [clock, reset] = [CLOCK, RESET].map(|port| block.input(port).at(0, frame));
            let before = self.place_in_clock();
            // One bit an output: whether its cycle begins here, whatever the time.
            let mut begins = 0;
            match self.steps.next(clock, reset, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => {
                    self.clocks = 0;
                    begins = if is_clocked { u32::MAX } else { 0 };
                    self.has_begun = begins;
                    self.take_ratios(block, frame);
                }
                Step::Next => {
                    begins = self.missed(before);
                    self.clocks = (self.clocks + 1) % CLOCKS;
                    if before.1 == 0 {
                        self.has_begun &= self.slower();
                    }
                    self.take_ratios(block, frame);
                }
            }
            for out in 0..OUTS {
                let begins = begins >> out & 1 != 0;
                let is_on = self.is_on(out, begins, width.at(frame), trigger_frames);
                block.output(out).put(0, frame, if is_on { GATE_VOLTS } else { 0.0 });
            }
        }
    }
}

impl Divider {
    #[inline(always)]
    fn take_ratios(&mut self, block: &Block, frame: usize) {
        // A voltage that is computed may miss its whole number by a hair.
        let faster = (block.input(RATIO_IN).at(0, frame).clamp(-30.0, 30.0) + 0.1).floor() as i32;
        for (out, ratio) in self.ratios.iter_mut().enumerate() {
            let place = block.choice(out) as i32 + faster;
            *ratio = place.clamp(0, RATIOS.len() as i32 - 1) as u32;
        }
    }

    /// One bit for each output that is slower than the clock.
    #[inline(always)]
    fn slower(&self) -> u32 {
        let bits = self.ratios.iter().enumerate().map(|(out, &ratio)| {
            let (cycles, clocks) = RATIOS[ratio as usize % RATIOS.len()];
            u32::from(cycles < clocks) << out
        });
        bits.sum()
    }

    /// The frames since the last clock, and how many it has; 0 and 0 while there
    /// is no tempo.
    #[inline(always)]
    fn place_in_clock(&self) -> (u64, u64) {
        let clock_frames = u64::from(self.steps.expected_frames());
        let since_frames = u64::from(self.steps.since_clock_frames());
        (since_frames.min(clock_frames.saturating_sub(1)), clock_frames)
    }

    /// One bit for each output that would have begun a cycle before the clock
    /// that has just come, had it not come early: it begins now.
    #[inline(always)]
    fn missed(&self, (since, clock_frames): (u64, u64)) -> u32 {
        if clock_frames == 0 {
            return 0;
        }
        let bits = self.ratios.iter().enumerate().map(|(out, &ratio)| {
            let (cycles, clocks) = RATIOS[ratio as usize % RATIOS.len()];
            let (cycles, clocks) = (u64::from(cycles), u64::from(clocks));
            let clock = self.clocks % clocks;
            let begun = (clock * clock_frames + since) * cycles / (clocks * clock_frames);
            u32::from((clock + 1) * cycles / clocks > begun) << out
        });
        bits.sum()
    }

    /// Whether a gate is on: by how far the output has come in its cycle, which
    /// is counted in parts of a frame.
    #[inline(always)]
    fn is_on(&mut self, out: usize, begins: bool, width: f32, trigger_frames: u32) -> bool {
        let (cycles, clocks) = RATIOS[self.ratios[out] as usize % RATIOS.len()];
        let (cycles, clocks) = (u64::from(cycles), u64::from(clocks));
        let (since, clock_frames) = self.place_in_clock();
        if self.steps.waits() {
            self.gates[out].stop();
            return false;
        }
        if clock_frames == 0 {
            // No tempo yet, but what is slower than the clock lasts longer.
            let has_begun = self.has_begun >> out & 1 != 0;
            let is_on = has_begun && (cycles < clocks || self.steps.is_clock_on());
            return self.gates[out].next(is_on, None, trigger_frames);
        }
        let cycle = clocks * clock_frames;
        let place = (self.clocks % clocks * clock_frames + since) * cycles % cycle;
        let is_late = u64::from(self.steps.since_clock_frames()) >= clock_frames;
        let begins = begins || place < cycles && !is_late;
        self.has_begun |= u32::from(begins) << out;
        let is_on = self.has_begun >> out & 1 != 0 && (place as f32) < width * cycle as f32;
        let strike_frames = (width * cycle as f32 / cycles as f32) as u32;
        self.gates[out].next(is_on, begins.then_some(strike_frames), trigger_frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// A clock comes every 120 frames.
    fn rig() -> Rig {
        let mut rig = Rig::new::<Divider>(48_000.0);
        rig.feed("clock", |_, frame| if frame % 120 < 30 { 10.0 } else { 0.0 });
        rig
    }

    fn edges(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0 && (n == 0 || volts[n - 1] == 0.0)).collect()
    }

    #[test]
    fn every_ratio_has_its_gates_on_their_frames() {
        for (place, (cycles, clocks)) in RATIOS.into_iter().enumerate() {
            let mut rig = rig();
            let out = rig.set("ratio-3", place as f32).run(100_000);
            let found = edges(out.channel("out-3", 0));
            let frames = 120.0 * f64::from(clocks) / f64::from(cycles);
            // From the second clock on there is a tempo.
            let found: Vec<usize> = found.into_iter().filter(|&frame| frame >= 120).collect();
            let first = (120.0 / frames).ceil() as usize;
            for (n, &frame) in found.iter().enumerate() {
                let ideal = ((n + first) as f64 * frames - 1e-9).ceil() as usize;
                assert_eq!(frame, ideal, "{} gate {n}", RATIO_NAMES[place]);
            }
            let count = (100_000.0 / frames).ceil() as usize - first;
            assert!(found.len().abs_diff(count) <= 1, "{}: {}", RATIO_NAMES[place], found.len());
        }
    }

    #[test]
    fn width_is_a_part_of_each_outputs_own_time() {
        let mut rig = rig();
        let out =
            rig.set("width", 0.25).choose("ratio-1", "÷2").choose("ratio-2", "×2").run(48_000);
        for (output, frames) in [("out-1", 60), ("out-2", 15)] {
            let volts = &out.channel(output, 0)[4800..];
            let first = edges(volts)[1];
            assert!(volts[first..first + frames].iter().all(|&v| v == 10.0), "{output}");
            assert_eq!(volts[first + frames], 0.0, "{output}");
        }
    }

    #[test]
    fn a_reset_starts_all_cycles_and_keeps_in_step_with_a_drum_grid() {
        // A gate that is on goes off for 1 ms first.
        for reset_frame in [580u64, 600, 620, 660, 715] {
            let reset = move |_: usize, frame: u64| if frame == reset_frame { 10.0 } else { 0.0 };
            let mut rig = rig();
            rig.choose("ratio-1", "÷4").feed("reset", reset);
            let found = edges(rig.run(3000).channel("out-1", 0)).into_iter();
            let mut grid = Rig::named("drum-grid", 48_000.0);
            grid.feed("clock", |_, frame| if frame % 120 < 30 { 10.0 } else { 0.0 });
            grid.set("length", 4.0).set("track-1", 1.0).feed("reset", reset);
            let steps = edges(grid.run(3000).channel("track-1", 0));
            let late: Vec<usize> = found.zip(&steps).map(|(gate, step)| gate - step).collect();
            assert!(late.len() == steps.len() && late.iter().all(|&late| late <= 48), "{late:?}");
        }
    }

    #[test]
    fn a_volt_moves_every_output_to_the_next_ratio() {
        let mut rig = rig();
        rig.choose("ratio-1", "÷4").feed("ratio", |_, _| 2.0);
        let found = edges(rig.run(1200).channel("out-1", 0));
        assert_eq!(found, [0, 240, 480, 720, 960]);
    }
}
