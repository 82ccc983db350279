//! Scope: two signals as pictures, standing still.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::rate_change::RateChange;

use crate::Module;
use crate::module::{About, Block, Screen, Sweep, Tag, port};
use crate::param::{Param, Unit};

const A: usize = 0;
const B: usize = 1;
const TRIGGER: usize = 2;

const TIME: usize = 0;
const LEVEL: usize = 1;
const SLOPE: usize = 2;
const MODE: usize = 3;

const RISING: usize = 0;
const AUTO: usize = 0;
const FREE: usize = 2;

/// What its display holds; see [`Sweep`].
const POINTS: usize = 512;
const HEADER: usize = 4;

/// The signal has to be this far below the level before it can trigger.
const REACH_VOLTS: f32 = 0.02;

/// On auto, how long a sweep waits for a trigger.
const PATIENCE_SECS: f32 = 0.1;

/// The sweep that is under way. What it has drawn is in the display.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Scope {
    /// In the order of the display's rows.
    extremes_volts: [f32; 4],
    point: u32,
    point_frames: u32,
    frames_per_point: u32,
    is_sweeping: u32,
    is_armed: u32,
    waited_frames: u32,
    sweeps: u32,
}

impl Module for Scope {
    const ABOUT: &'static About = &About {
        name: "scope",
        title: "Scope",
        summary: "Draws two signals over time, or one against the other",
        aliases: &["oscilloscope"],
        tags: &[Tag::Display],
        inputs: &[
            port("a", "First signal; horizontal in X/Y. A polyphonic cable is summed"),
            port("b", "Second signal; vertical in X/Y. A polyphonic cable is summed"),
            port("trigger", "The signal that triggers each sweep. Unpatched: a"),
        ],
        params: &[
            Param::log("time", 0.01..=20.0, 0.05, Unit::Secs, "The length of one sweep"),
            Param::linear(
                "level",
                -10.0..=10.0,
                0.0,
                Unit::Volts,
                "The voltage at which a sweep starts",
            ),
            Param::choice(
                "slope",
                &["rising", "falling"],
                RISING,
                "The direction in which the trigger crosses the level",
            ),
            Param::choice(
                "mode",
                &["auto", "normal", "free"],
                AUTO,
                "Auto sweeps even without a trigger, normal waits for one, free never waits",
            ),
        ],
        display: HEADER + 4 * POINTS,
        screen: Some(Screen::Scope(Sweep { header: HEADER, points: POINTS })),
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        let frames = [&mut self.point_frames, &mut self.frames_per_point, &mut self.waited_frames];
        change.all_frames(frames);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let (a, b) = (block.input(A), block.input(B));
        let trigger = if block.input(TRIGGER).is_patched() { block.input(TRIGGER) } else { a };
        for frame in block.frames() {
            let is_triggered = self.passes(block, trigger.sum(frame), frame);
            if self.is_sweeping == 0 {
                self.wait(block, is_triggered);
            }
            if self.is_sweeping != 0 {
                self.draw(block, a.sum(frame), b.sum(frame));
            }
        }
    }
}

impl Scope {
    /// Whether the trigger passes the level at this frame.
    #[inline(always)]
    fn passes(&mut self, block: &Block, volts: f32, frame: usize) -> bool {
        let above = volts - block.ramp(LEVEL).at(frame);
        let above = if block.choice(SLOPE) == RISING { above } else { -above };
        let passes = self.is_armed != 0 && above >= 0.0;
        if passes {
            self.is_armed = 0;
        } else if above < -REACH_VOLTS {
            self.is_armed = 1;
        }
        passes
    }

    /// Begins a sweep where one is due.
    #[inline(always)]
    fn wait(&mut self, block: &Block, is_triggered: bool) {
        self.waited_frames = self.waited_frames.saturating_add(1);
        let patience_frames = (PATIENCE_SECS * block.sample_rate_hz) as u32;
        let is_due = match block.choice(MODE) {
            AUTO => is_triggered || self.waited_frames > patience_frames,
            FREE => true,
            _ => is_triggered,
        };
        if is_due {
            let frames = block.param(TIME) * block.sample_rate_hz * (1.0 / POINTS as f32);
            self.frames_per_point = ((frames + 0.5) as u32).max(1);
            self.is_sweeping = 1;
            self.point = 0;
            self.point_frames = 0;
            block.show(1, self.frames_per_point as f32 / block.sample_rate_hz);
            block.show(3, is_triggered as u32 as f32);
        }
    }

    /// One more frame of the sweep.
    #[inline(always)]
    fn draw(&mut self, block: &Block, a_volts: f32, b_volts: f32) {
        if self.point_frames == 0 {
            self.extremes_volts = [a_volts, a_volts, b_volts, b_volts];
        }
        let [a_low, a_high, b_low, b_high] = self.extremes_volts;
        self.extremes_volts =
            [a_low.min(a_volts), a_high.max(a_volts), b_low.min(b_volts), b_high.max(b_volts)];
        self.point_frames += 1;
        if self.point_frames < self.frames_per_point {
            return;
        }
        for (row, volts) in self.extremes_volts.into_iter().enumerate() {
            block.show(HEADER + row * POINTS + self.point as usize, volts);
        }
        self.point_frames = 0;
        self.point += 1;
        if self.point as usize >= POINTS {
            self.is_sweeping = 0;
            self.waited_frames = 0;
            self.sweeps = self.sweeps.wrapping_add(1);
            block.show(0, self.sweeps as f32);
        }
        block.show(2, self.point as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn row(rig: &Rig, row: usize) -> Vec<f32> {
        rig.display()[HEADER + row * POINTS..][..POINTS].to_vec()
    }

    #[test]
    fn a_sweep_starts_where_the_signal_passes_the_level() {
        // 51 200 Hz and 20 ms: 2 frames a point. The saw passes 1 V at 60 of 100.
        let mut rig = Rig::new::<Scope>(51_200.0);
        rig.feed("a", |_, frame| (frame % 100) as f32 * 0.1 - 5.0).feed("b", |_, _| -3.0);
        rig.set("time", 0.02).set("level", 1.0).choose("mode", "normal");
        rig.run(60 + 1024);
        assert_eq!(rig.display()[..HEADER], [1.0, 2.0 / 51_200.0, 512.0, 1.0]);
        assert!((row(&rig, 0)[0] - 1.0).abs() < 1e-4, "{}", row(&rig, 0)[0]);
        assert!((row(&rig, 1)[0] - 1.1).abs() < 1e-4);
        // 40 frames on, the saw falls back.
        assert!((row(&rig, 0)[20] + 5.0).abs() < 1e-4);
        assert_eq!(row(&rig, 2), [-3.0; POINTS]);
    }

    #[test]
    fn every_sweep_of_a_steady_tone_is_the_same() {
        let mut rig = Rig::new::<Scope>(51_200.0);
        rig.feed("a", |_, frame| (frame % 100) as f32 * 0.1 - 5.0).set("time", 0.02);
        rig.run(1100);
        let first = row(&rig, 0);
        rig.run(11_000);
        assert!(rig.display()[0] >= 9.0);
        assert_eq!(row(&rig, 0), first);
    }

    #[test]
    fn without_a_trigger_auto_sweeps_and_normal_waits() {
        for (mode, sweeps) in [("auto", 1.0), ("normal", 0.0), ("free", 11.0)] {
            let mut rig = Rig::new::<Scope>(51_200.0);
            rig.set("time", 0.02).choose("mode", mode).feed("a", |_, _| 2.0);
            rig.run(512 * 22);
            assert!((rig.display()[0] - sweeps).abs() <= 1.0, "{mode}: {}", rig.display()[0]);
            assert_eq!(rig.display()[0] == 0.0, mode == "normal");
        }
    }

    #[test]
    fn a_short_peak_is_seen_in_a_long_sweep() {
        let mut rig = Rig::new::<Scope>(51_200.0);
        rig.set("time", 1.0).choose("mode", "free");
        rig.feed("a", |_, frame| if frame == 5_050 { 7.0 } else { 0.0 }).run(51_200);
        assert_eq!(row(&rig, 1)[50], 7.0);
        assert_eq!(row(&rig, 0)[50], 0.0);
    }

    #[test]
    fn any_cut_draws_the_same_picture() {
        let picture = |cut: bool| {
            let mut rig = Rig::new::<Scope>(48_000.0);
            rig.feed("a", |_, frame| (frame as f32 * 0.03).sin() * 5.0).set("level", 2.0);
            rig.feed("b", |_, frame| (frame as f32 * 0.05).cos());
            if cut {
                rig.frame_by_frame();
            }
            rig.run(9999);
            rig.display()
        };
        assert_eq!(picture(false), picture(true));
    }
}
