//! Clock: the beat, the bar, and everything between, from one exact phase.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::module::{About, Block, Role, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const TEMPO: usize = 0;
const RUN_GATE: usize = 1;
const RESET: usize = 2;

const BEAT: usize = 0;
const EIGHTH: usize = 1;
const SIXTEENTH: usize = 2;
const BAR: usize = 3;
const RESET_OUT: usize = 4;

const BPM: usize = 0;
const SWING: usize = 1;
const WIDTH: usize = 2;
const RUN: usize = 3;

const FASTEST_BPM: f64 = 3000.0;

/// Where in the bar it is. A bar is the whole range of a `u64`, so adding up
/// frames never loses any of it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Clock {
    bar_phase: u64,
    reset: Schmitt,
    run_gate: Schmitt,
    reset_pulse: Pulse,
    is_running: u32,
}

impl Module for Clock {
    const ABOUT: &'static About = &About {
        name: "clock",
        title: "Clock",
        summary: "Clock for sequencers and envelopes, with swing, in 4/4",
        aliases: &["metronome", "tempo", "bpm"],
        tags: &[Tag::Sequencing, Tag::Source],
        inputs: &[
            port("tempo", "Tempo CV: each volt doubles the tempo").moves(
                "bpm",
                None,
                By::OctavePerVolt,
            ),
            port("run", "While patched, the clock runs only while this gate is on (above 1 V)")
                .moves_own(By::OffBelowOneVolt),
            port("reset", "A trigger restarts the bar"),
        ],
        outputs: &[
            port("beat", "A gate of 10 V every quarter note"),
            port("eighth", "A gate of 10 V every eighth note; swing delays every second one"),
            port("sixteenth", "A gate of 10 V every sixteenth note; swing delays every second one"),
            port("bar", "A gate of 10 V every four beats"),
            port("reset", "A trigger as the bar restarts, by a reset or as the clock starts"),
        ],
        params: &[
            Param::linear(
                "bpm",
                30.0..=300.0,
                120.0,
                Unit::Bpm,
                "Tempo in quarter notes per minute",
            ),
            Param::linear(
                "swing",
                0.5..=0.75,
                0.5,
                Unit::Fraction,
                "Position of every second eighth or sixteenth: 0.5 is straight, 0.667 is a triplet",
            ),
            Param::linear(
                "width",
                0.05..=0.95,
                0.5,
                Unit::Fraction,
                "Gate length, as a part of its period",
            ),
            Param::switch("run", true, "Runs the clock, from the first beat of the bar").steady(),
        ],
        // How far the bar has come, 0 to 1.
        display: 1,
        role: Some(Role::Clock),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.reset_pulse.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let tempo = Tempo::new(block);
        let (swing, width) = (block.ramp(SWING), block.ramp(WIDTH));
        for frame in block.frames() {
            let is_open = self.start_and_stop(block, frame);
            let on = if is_open { GATE_VOLTS } else { 0.0 };
            let (swing, width) = (f64::from(swing.at(frame)), f64::from(width.at(frame)));
            let gates = [
                (BAR, turns(self.bar_phase) < width),
                (BEAT, turns(self.bar_phase << 2) < width),
                (EIGHTH, is_pair_on(turns(self.bar_phase << 2), swing, width)),
                (SIXTEENTH, is_pair_on(turns(self.bar_phase << 3), swing, width)),
            ];
            for (port, gate) in gates {
                block.output(port).put(0, frame, if gate { on } else { 0.0 });
            }
            block.output(RESET_OUT).put(0, frame, self.reset_pulse.volts());
            if is_open {
                self.bar_phase = self.bar_phase.wrapping_add(tempo.phase_of_a_frame(frame));
            }
        }
        block.show(0, turns(self.bar_phase) as f32);
    }
}

impl Clock {
    /// Whether the clock runs and its gates may be on. At a reset they are off
    /// for one frame, so that whatever listens hears the first beat begin.
    #[inline(always)]
    fn start_and_stop(&mut self, block: &Block, frame: usize) -> bool {
        let gate = block.input(RUN_GATE);
        let gate_is_on = self.run_gate.follow(gate.at(0, frame)) || !gate.is_patched();
        let was_running = self.is_running != 0;
        let is_running = block.is_on(RUN) && gate_is_on;
        self.is_running = is_running as u32;
        let starts = is_running && !was_running;
        let is_reset = self.reset.rises(block.input(RESET).at(0, frame));
        if is_reset || starts {
            self.bar_phase = 0;
            self.reset_pulse.start(block.sample_rate_hz);
        }
        is_running && (starts || !is_reset)
    }
}

/// How much of a bar each frame is.
struct Tempo<'a> {
    bpm: Ramp,
    octaves: &'a Signal,
    bars_per_frame_at_1_bpm: f64,
}

impl<'a> Tempo<'a> {
    #[inline(always)]
    fn new(block: &Block<'a>) -> Tempo<'a> {
        Tempo {
            bpm: block.ramp(BPM),
            octaves: block.input(TEMPO),
            bars_per_frame_at_1_bpm: 1.0 / (240.0 * f64::from(block.sample_rate_hz)),
        }
    }

    #[inline(always)]
    fn phase_of_a_frame(&self, frame: usize) -> u64 {
        const BAR_PHASE: f64 = 18_446_744_073_709_551_616.0;
        let mut bpm = f64::from(self.bpm.at(frame));
        if self.octaves.is_patched() {
            bpm *= f64::from(exp2(self.octaves.at(0, frame).clamp(-12.0, 12.0)));
        }
        let phase = bpm.min(FASTEST_BPM) * self.bars_per_frame_at_1_bpm * BAR_PHASE;
        // Rounded up: a beat that is due on a frame must not miss it by a hair.
        phase as u64 + 2
    }
}

/// A phase in turns, 0 to 1.
#[inline(always)]
fn turns(phase: u64) -> f64 {
    (phase >> 11) as i64 as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Whether the gate of either note of a swung pair is on.
#[inline(always)]
fn is_pair_on(pair_turns: f64, swing: f64, width: f64) -> bool {
    if pair_turns < swing {
        pair_turns < swing * width
    } else {
        pair_turns - swing < (1.0 - swing) * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// The frames at which a gate goes on.
    fn edges(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0 && (n == 0 || volts[n - 1] == 0.0)).collect()
    }

    #[test]
    fn at_120_bpm_a_beat_is_half_a_second() {
        let mut rig = Rig::new::<Clock>(1000.0);
        let out = rig.run(4001);
        assert_eq!(
            edges(out.channel("beat", 0)),
            [0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000]
        );
        assert_eq!(edges(out.channel("bar", 0)), [0, 2000, 4000]);
        assert_eq!(edges(out.channel("eighth", 0))[..3], [0, 250, 500]);
        assert_eq!(edges(out.channel("sixteenth", 0))[..3], [0, 125, 250]);
        assert_eq!(out.channel("beat", 0)[..500].iter().filter(|&&v| v == 10.0).count(), 250);
        assert_eq!(edges(out.channel("reset", 0)), [0]);
    }

    #[test]
    fn after_ten_minutes_every_beat_was_on_its_frame() {
        for (bpm, frames_per_beat) in [(120.0, 500.0), (240.0, 250.0), (137.0, 60_000.0 / 137.0)] {
            let mut rig = Rig::new::<Clock>(1000.0);
            rig.set("bpm", bpm);
            let out = rig.run(600_000);
            let beats = edges(out.channel("beat", 0));
            for (n, &beat) in beats.iter().enumerate() {
                let exact: f64 = n as f64 * frames_per_beat;
                assert_eq!(beat, (exact - 1e-6).ceil() as usize, "beat {n} at {bpm} BPM");
            }
            assert_eq!(beats.len(), 10 * bpm as usize);
        }
    }

    #[test]
    fn ten_minutes_of_frames_at_48_khz_add_up_to_300_bars() {
        let mut rig = Rig::new::<Clock>(48_000.0);
        rig.set("bpm", 120.0);
        let frame = (2.0f64.powi(64) / 96_000.0) as u64 + 2;
        let late = frame.wrapping_mul(10 * 60 * 48_000);
        assert!(late < frame / 1000, "{late} of {frame}");
        assert_eq!(edges(rig.run(48_001).channel("beat", 0)), [0, 24_000, 48_000]);
    }

    #[test]
    fn swing_delays_the_second_of_two() {
        let mut rig = Rig::new::<Clock>(1000.0);
        let out = rig.set("swing", 0.75).run(1000);
        assert_eq!(edges(out.channel("eighth", 0)), [0, 375, 500, 875]);
        assert_eq!(edges(out.channel("sixteenth", 0))[..4], [0, 188, 250, 438]);
        assert_eq!(edges(out.channel("beat", 0)), [0, 500]);
    }

    #[test]
    fn a_volt_doubles_the_tempo() {
        let mut rig = Rig::new::<Clock>(1000.0);
        let out = rig.feed("tempo", |_, _| 1.0).run(1000);
        assert_eq!(edges(out.channel("beat", 0)), [0, 250, 500, 750]);
    }

    #[test]
    fn a_reset_starts_the_bar_again_with_a_fresh_edge() {
        let mut rig = Rig::new::<Clock>(1000.0);
        rig.feed("reset", |_, frame| if frame == 100 { 10.0 } else { 0.0 });
        let out = rig.run(1000);
        assert_eq!(edges(out.channel("beat", 0)), [0, 101, 601]);
        assert_eq!(edges(out.channel("reset", 0)), [0, 100]);
    }

    #[test]
    fn it_stops_and_starts_from_the_top() {
        let mut rig = Rig::new::<Clock>(1000.0);
        rig.feed("run", |_, frame| if (300..700).contains(&frame) { 0.0 } else { 10.0 });
        let out = rig.run(1400);
        assert_eq!(edges(out.channel("beat", 0)), [0, 700, 1200]);
        assert_eq!(edges(out.channel("reset", 0)), [0, 700]);
        assert!(rig.set("run", 0.0).run(2000).channel("sixteenth", 0)[32..] == [0.0; 1968]);
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |cut: bool| {
            let mut rig = Rig::new::<Clock>(48_000.0);
            rig.feed("tempo", |_, frame| (frame % 1000) as f32 * 0.008);
            rig.feed("reset", |_, frame| if frame % 7001 < 5 { 10.0 } else { 0.0 });
            rig.set("swing", 0.7);
            if cut {
                rig.frame_by_frame();
            }
            rig.run(640);
            let out = rig.set("bpm", 290.0).run(20_000);
            ["beat", "eighth", "sixteenth", "bar", "reset"].map(|p| out.channel(p, 0).to_vec())
        };
        assert!(render(false) == render(true));
    }
}
