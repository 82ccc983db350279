//! Drum Grid: eight tracks of sixteen steps, set by touching them.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::{Pulse, frames as trigger_frames};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Event, Port, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::rows::rows;

const CLOCK: usize = 0;
const RESET: usize = 1;

const TRACKS: usize = 8;
const STEPS: usize = 16;

/// The outputs, and the params, after those of the tracks.
const ACCENT: usize = TRACKS;
const ACCENTS: usize = TRACKS;
const LENGTH: usize = ACCENTS + 1;
const SWING: usize = LENGTH + 1;

/// A clock slower than this has no tempo that could swing.
const SLOWEST_SECS: f32 = 2.0;
/// The latest that a step comes, in clocks: before the next one.
const LATEST: f32 = 0.95;

/// Which step it is at, and what is still to be played.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct DrumGrid {
    steps: Steps,
    step: u32,
    /// Frames until a step that swings is played; 0 where none waits.
    late_frames: u32,
    /// Whether the step that was played last has an accent.
    is_accented: u32,
    triggers: [Pulse; TRACKS],
}

const fn pattern(name: &'static str, help: &'static str) -> Param {
    Param::steps(name, 0.0..=65_535.0, 0.0, help)
}

const fn track(name: &'static str) -> Param {
    let help = "The steps of this track, as a sum: 1 for the first step, 2 for the second, 4 for \
                the third, up to 32768";
    pattern(name, help)
}

const fn trigger(name: &'static str) -> Port {
    port(name, "10 V for 1 ms at every active step of this track")
}

impl Module for DrumGrid {
    const ABOUT: &'static About = &About {
        name: "drum-grid",
        title: "Drum Grid",
        summary: "Eight tracks of sixteen steps, played by a clock and by hand: drum patterns",
        aliases: &["beat", "trigger", "sequencer", "16-step", "drum machine", "pattern"],
        tags: &[Tag::Sequencing, Tag::Notes],
        inputs: &[
            port("clock", "Every rising edge plays the next step, without delay"),
            port("reset", "The next clock plays the first step; so does a clock within 1 ms"),
        ],
        outputs: &rows![
            trigger("track-", 1..=8),
            port("accent", "10 V during steps with an accent"),
        ],
        params: &rows![
            track("track-", 1..=8),
            pattern("accents", "The steps with an accent, as a sum like a track"),
            Param::steps("length", 1.0..=16.0, 16.0, "The number of steps that are played"),
            Param::linear(
                "swing",
                0.5..=0.75,
                0.5,
                Unit::Fraction,
                "Position of every second step: 0.5 is straight, 0.667 is a triplet",
            ),
        ],
        // The step that it is at, from 0; -1 before the first clock.
        display: 1,
        screen: Some(Screen::DrumGrid),
        text: Some(Text::Words),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        change.frames(&mut self.late_frames);
        for trigger in &mut self.triggers {
            trigger.change_rate(change);
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        for event in block.events() {
            self.take(*event, block.sample_rate_hz);
        }
        let (clock, reset) = (block.input(CLOCK), block.input(RESET));
        for frame in block.frames() {
            let (clock, reset) = (clock.at(0, frame), reset.at(0, frame));
            let step = self.steps.next(clock, reset, true, block.sample_rate_hz);
            let mut is_crowded = false;
            if self.late_frames > 0 {
                self.late_frames -= 1;
                // A clock that comes early does not swallow a step.
                is_crowded = step == Step::Next;
                if self.late_frames == 0 || is_crowded {
                    self.play_step(block);
                }
            }
            match step {
                Step::Stay => {}
                Step::First { is_clocked } => self.go_to_first(block, is_clocked),
                Step::Next => self.go_to_next(block, is_crowded),
            }

            for track in 0..TRACKS {
                block.output(track).put(0, frame, self.triggers[track].volts());
            }
            let accent = if self.is_accented != 0 { GATE_VOLTS } else { 0.0 };
            block.output(ACCENT).put(0, frame, accent);
        }
        block.show(0, if self.steps.has_begun() { self.step as f32 } else { -1.0 });
    }
}

impl DrumGrid {
    /// Hits a track at once: C4 the first, and every eighth semitone again.
    #[inline(always)]
    fn take(&mut self, event: Event, sample_rate_hz: f32) {
        if let Event::NoteOn { voct, .. } = event
            && voct.is_finite()
        {
            let semitone = (12.0 * voct.clamp(-100.0, 100.0) + 1200.5) as usize;
            self.triggers[semitone % TRACKS].start(sample_rate_hz);
        }
    }

    #[inline(always)]
    fn go_to_first(&mut self, block: &Block, is_clocked: bool) {
        self.step = 0;
        self.is_accented = 0;
        self.late_frames = 0;
        if is_clocked {
            self.play_step(block);
        }
    }

    #[inline(always)]
    fn go_to_next(&mut self, block: &Block, is_crowded: bool) {
        let length = block.choice(LENGTH).clamp(1, STEPS) as u32;
        self.step = if self.step + 1 < length { self.step + 1 } else { 0 };
        // A step that was played only now is to be heard before this one.
        let least_frames = if is_crowded { 2 * trigger_frames(block.sample_rate_hz) } else { 0 };
        self.late_frames = self.swing_frames(block).max(least_frames);
        if self.late_frames == 0 {
            self.play_step(block);
        }
    }

    /// How long after its clock the step is played: before the next one comes.
    #[inline(always)]
    fn swing_frames(&self, block: &Block) -> u32 {
        let clock_frames = self.steps.period_frames();
        if self.step.is_multiple_of(2) || clock_frames > SLOWEST_SECS * block.sample_rate_hz {
            return 0;
        }
        let latest_frames = LATEST * self.steps.expected_frames() as f32;
        let late_frames = (2.0 * block.param(SWING) - 1.0) * clock_frames;
        (late_frames.min(latest_frames) + 0.5) as u32
    }

    #[inline(always)]
    fn play_step(&mut self, block: &Block) {
        self.late_frames = 0;
        let is_on = |param: usize| block.choice(param) >> (self.step % STEPS as u32) & 1 != 0;
        self.is_accented = is_on(ACCENTS) as u32;
        for track in 0..TRACKS {
            if is_on(track) {
                self.triggers[track].start(block.sample_rate_hz);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    const CLOCK_FRAMES: u64 = 100;

    /// A clock comes every 100 frames, and triggers last 48.
    fn rig() -> Rig {
        let mut rig = Rig::new::<DrumGrid>(48_000.0);
        rig.feed("clock", |_, frame| if frame % CLOCK_FRAMES < 30 { 10.0 } else { 0.0 });
        rig
    }

    fn edges(volts: &[f32]) -> Vec<usize> {
        (0..volts.len()).filter(|&n| volts[n] == 10.0 && (n == 0 || volts[n - 1] == 0.0)).collect()
    }

    #[test]
    fn a_bit_is_a_trigger_on_its_clocks_own_sample() {
        let mut rig = rig();
        rig.set("track-1", 1.0).set("track-2", 10.0).set("track-8", 65_535.0);
        let out = rig.run(3200);
        assert_eq!(edges(out.channel("track-1", 0)), [0, 1600]);
        assert_eq!(edges(out.channel("track-2", 0)), [100, 300, 1700, 1900]);
        assert_eq!(edges(out.channel("track-3", 0)), [0; 0]);
        assert_eq!(edges(out.channel("track-8", 0)).len(), 32);
        assert_eq!(out.channel("track-1", 0).iter().filter(|&&v| v == 10.0).count(), 2 * 48);
    }

    #[test]
    fn a_hit_sounds_at_once_and_holds_nothing() {
        let mut rig = Rig::new::<DrumGrid>(48_000.0);
        rig.run(96);
        for (semitone, track) in [(0, "track-1"), (7, "track-8"), (8, "track-1"), (-1, "track-8")] {
            let voct = semitone as f32 / 12.0;
            let out = rig.event(Event::NoteOn { key: 60, voct, velocity: 1.0 }).run(96);
            assert_eq!(out.channel(track, 0)[..48], [10.0; 48], "{semitone}");
            assert_eq!(out.channel(track, 0)[48..], [0.0; 48], "{semitone}");
            assert_eq!(out.channel("track-2", 0), [0.0; 96]);
        }
        rig.event(Event::NoteOn { key: 60, voct: f32::NAN, velocity: 1.0 });
        assert_eq!(edges(rig.run(96).channel("track-1", 0)), [0; 0]);
    }

    #[test]
    fn the_last_step_is_a_step_too() {
        let mut rig = rig();
        let out = rig.set("track-1", 32_768.0).run(3200);
        assert_eq!(edges(out.channel("track-1", 0)), [1500, 3100]);
    }

    #[test]
    fn an_accent_lasts_for_its_step() {
        let mut rig = rig();
        let out = rig.set("accents", 6.0).set("length", 4.0).run(800);
        let accent = out.channel("accent", 0);
        let is_high = |n: usize| (100..300).contains(&(n % 400));
        assert!(accent.iter().enumerate().all(|(n, &v)| v == if is_high(n) { 10.0 } else { 0.0 }));
    }

    #[test]
    fn it_begins_anew_after_its_length_and_shows_where_it_is() {
        let mut rig = rig();
        rig.set("track-1", 1.0).set("length", 3.0);
        assert_eq!(edges(rig.run(624).channel("track-1", 0)), [0, 300, 600]);
        assert_eq!(rig.display(), [0.0]);
        rig.run(200);
        assert_eq!(rig.display(), [2.0]);
        let mut rig = Rig::new::<DrumGrid>(48_000.0);
        rig.run(32);
        assert_eq!(rig.display(), [-1.0]);
    }

    #[test]
    fn swing_makes_every_second_step_late_and_loses_none() {
        let mut rig = rig();
        let out = rig.set("track-1", 65_535.0).set("swing", 0.75).run(400);
        assert_eq!(edges(out.channel("track-1", 0)), [0, 150, 200, 350]);
        // From 100 frames to 40: the step that was to come at 150 comes at 140.
        let mut rig = Rig::new::<DrumGrid>(48_000.0);
        rig.feed("clock", |_, n| if [0, 100, 140, 180].contains(&n) { 10.0 } else { 0.0 });
        rig.set("track-1", 2.0).set("swing", 0.75);
        assert_eq!(edges(rig.run(300).channel("track-1", 0)), [140]);
    }

    #[test]
    fn a_reset_and_a_clock_together_land_on_the_first_step() {
        for reset_frame in [280u64, 299, 300, 301, 320] {
            let mut rig = rig();
            rig.feed("reset", move |_, frame| if frame == reset_frame { 10.0 } else { 0.0 });
            let out = rig.set("track-1", 1.0).set("track-2", 2.0).run(600);
            let first = edges(out.channel("track-1", 0));
            assert_eq!(first.len(), 2, "reset at {reset_frame}");
            assert!((300..=reset_frame.max(300) as usize).contains(&first[1]), "{reset_frame}");
            assert_eq!(edges(out.channel("track-2", 0)), [100, 400], "reset at {reset_frame}");
        }
    }

    #[test]
    fn a_reset_between_clocks_keeps_in_step_with_a_sequencer() {
        let reset = |_: usize, frame: u64| if frame == 240 { 10.0 } else { 0.0 };
        let mut rig = rig();
        rig.feed("reset", reset).set("track-2", 2.0);
        assert_eq!(edges(rig.run(500).channel("track-2", 0)), [100, 300]);
        let mut sequencer = Rig::named("sequencer", 48_000.0);
        sequencer.feed("clock", |_, n| if n % CLOCK_FRAMES < 30 { 10.0 } else { 0.0 });
        sequencer.feed("reset", reset).set("step-2", 2.0);
        let out = sequencer.run(500);
        let volts = out.main();
        let second: Vec<usize> =
            (1..500).filter(|&n| volts[n] == 2.0 && volts[n - 1] == 0.0).collect();
        assert_eq!(second, [100, 300]);
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |is_cut: bool| {
            let mut rig = rig();
            rig.feed("reset", |_, frame| if frame % 1313 < 2 { 10.0 } else { 0.0 });
            rig.set("track-1", 54_321.0).set("track-8", 12_345.0).set("swing", 0.6);
            if is_cut {
                rig.frame_by_frame();
            }
            rig.run(640);
            let out = rig.set("track-3", 999.0).set("swing", 0.7).run(9000);
            ["track-1", "track-3", "track-8", "accent"].map(|port| out.channel(port, 0).to_vec())
        };
        assert!(render(false) == render(true));
    }
}
