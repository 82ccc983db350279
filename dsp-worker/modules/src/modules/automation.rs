//! Automation: where in its loop it is. The host moves the knobs.
//!
//! It turns no knob itself: the host reads its first two outputs after every block, and puts
//! the knobs that its text names where they stand at that beat in the next.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Role, Screen, Tag, port};
use crate::param::{Param, Unit};

const CLOCK: usize = 0;
const RESET: usize = 1;
const POSITION: usize = 0;
const PLAYING: usize = 1;
const END: usize = 2;
const PLAY: usize = 0;
const LENGTH: usize = 2;
const MODE: usize = 3;
const TEMPO: usize = 5;

const ONCE: usize = 1;

/// What one clock counts: a sixteenth of a bar of four.
const CLOCK_BEATS: f64 = 0.25;

/// So little before the next clock it waits for that.
const HAIR_BEATS: f64 = 1e-4;

/// Beats since the last reset.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Automation {
    /// At the last clock; without one, now.
    beats: f64,
    /// In how many loops before.
    loops: f64,
    steps: Steps,
    end: Pulse,
    /// Whether it has begun: with the first clock, or at once where none is patched.
    has_begun: u32,
}

impl Module for Automation {
    const ABOUT: &'static About = &About {
        name: "automation",
        title: "Automation",
        summary: "Records how you move knobs anywhere in the patch, and plays it in a loop or once",
        aliases: &["gesture", "recorder", "motion", "lane", "looper"],
        tags: &[Tag::Sequencing, Tag::Modulator],
        inputs: &[
            port(
                "clock",
                "Every rising edge is a sixteenth note, four per beat; without a cable, the \
                 tempo knob counts",
            ),
            port("reset", "A trigger returns to the start; with a clock, that comes with the next"),
        ],
        outputs: &[
            port("position", "Where it is, 0 to 10 V from start to end"),
            port("playing", "10 V while it plays"),
            port("end", "A trigger at the end of each pass"),
        ],
        params: &[
            Param::switch(
                "play",
                true,
                "Whether it plays; else knobs are where your hand left them",
            )
            .steady(),
            Param::switch(
                "record",
                false,
                "While it is on, every knob that you move anywhere is kept, beat by beat; \
                 switched off, it is played",
            )
            .steady(),
            Param::steps("length", 1.0..=256.0, 16.0, "Loop length in beats").steady(),
            Param::choice(
                "mode",
                &["loop", "once"],
                0,
                "Round and round, or once from each reset; knobs then stay at the last beat",
            )
            .steady(),
            Param::choice(
                "quantise",
                &["off", "1/4", "1/2", "1"],
                0,
                "What is recorded moves to the nearest part of a beat",
            )
            .steady(),
            Param::linear("tempo", 20.0..=300.0, 120.0, Unit::Bpm, "Where no clock is patched")
                .steady(),
        ],
        // The beat that it is at, below 0 where it does not play.
        display: 1,
        screen: Some(Screen::Automation),
        text: Some(Text::Automation),
        role: Some(Role::Automation),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        self.steps.change_rate(change);
        self.end.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let (clock, reset) = (block.input(CLOCK), block.input(RESET));
        let (is_on, length) = (block.is_on(PLAY), block.choice(LENGTH).max(1) as f64);
        let is_once = block.choice(MODE) == ONCE;
        let tempo = f64::from(block.param(TEMPO));
        let frame_beats = tempo / 60.0 / f64::from(block.sample_rate_hz);
        let is_free = !clock.is_patched();
        for frame in block.frames() {
            let (clock, reset) = (clock.at(0, frame), reset.at(0, frame));
            match self.steps.next(clock, reset, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => self.restart(is_clocked),
                Step::Next => self.beats += CLOCK_BEATS,
            }
            if is_free {
                if self.has_begun != 0 && is_on {
                    self.beats += frame_beats;
                }
                self.has_begun = 1;
            }
            let now = self.now(is_free);
            let loops = (now / length).floor();
            if loops > self.loops && !(is_once && self.loops > 0.0) {
                self.end.start(block.sample_rate_hz);
            }
            self.loops = loops;
            let place = if is_once { now.min(length) } else { now - loops * length };
            let is_playing = is_on && self.has_begun != 0;
            block.output(POSITION).put(0, frame, (f64::from(GATE_VOLTS) * place / length) as f32);
            block.output(PLAYING).put(0, frame, if is_playing { GATE_VOLTS } else { 0.0 });
            let end = self.end.volts();
            block.output(END).put(0, frame, end);
            block.show(0, if is_playing { place as f32 } else { -1.0 });
        }
    }
}

impl Automation {
    fn restart(&mut self, has_begun: bool) {
        (self.beats, self.loops) = (0.0, 0.0);
        self.has_begun = u32::from(has_begun);
    }

    /// Beats by now: never as far as the next clock, however late that is.
    #[inline(always)]
    fn now(&self, is_free: bool) -> f64 {
        let clock_frames = self.steps.expected_frames();
        if is_free || clock_frames == 0 || self.has_begun == 0 {
            return self.beats;
        }
        let part = f64::from(self.steps.since_clock_frames()) / f64::from(clock_frames);
        self.beats + (CLOCK_BEATS * part).min(CLOCK_BEATS - HAIR_BEATS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    const CLOCK_FRAMES: u64 = 6000;

    fn beats(rig: &mut Rig, frames: usize, length: f32) -> Vec<f32> {
        let run = rig.run(frames);
        run.channel("position", 0).iter().map(|volts| volts * length / GATE_VOLTS).collect()
    }

    fn clocked() -> Rig {
        let mut rig = Rig::new::<Automation>(48_000.0);
        rig.set("length", 2.0);
        rig.feed("clock", |_, frame| if frame % CLOCK_FRAMES < 100 { 10.0 } else { 0.0 });
        rig
    }

    #[test]
    fn four_clocks_are_a_beat_and_it_goes_round() {
        let mut rig = clocked();
        let beats = beats(&mut rig, 100_000, 2.0);
        for (frame, should_be) in [(6000, 0.25), (24_000, 1.0), (27_000, 1.125), (48_100, 0.0)] {
            assert!((beats[frame] - should_be).abs() < 0.01, "{frame}: {}", beats[frame]);
        }
        // Of the first clock nobody knows how long it lasts.
        let steps = beats[6100..].windows(2).map(|pair| pair[1] - pair[0]);
        assert_eq!(steps.clone().filter(|step| *step < 0.0).count(), 2, "twice round");
        assert!(steps.fold(0f32, f32::max) < 0.01, "time does not jump");
    }

    #[test]
    fn without_a_clock_the_tempo_counts_and_a_reset_begins_anew() {
        let mut rig = Rig::new::<Automation>(48_000.0);
        rig.set("tempo", 60.0).feed("reset", |_, frame| if frame == 72_000 { 10.0 } else { 0.0 });
        let beats = beats(&mut rig, 96_000, 16.0);
        for (frame, should_be) in [(48_000, 1.0), (71_999, 1.5), (72_000, 0.0), (95_999, 0.5)] {
            assert!((beats[frame] - should_be).abs() < 0.01, "{frame}: {}", beats[frame]);
        }
    }

    #[test]
    fn after_a_reset_it_waits_for_the_clock_and_begins_with_that() {
        let mut rig = clocked();
        let run =
            rig.feed("reset", |_, frame| if frame == 20_000 { 10.0 } else { 0.0 }).run(25_000);
        let beat = |frame: usize| run.channel("position", 0)[frame] * 0.2;
        let is_playing = |frame: usize| run.channel("playing", 0)[frame] > 1.0;
        assert!(beat(19_999) > 0.8 && is_playing(19_999));
        assert_eq!((beat(22_000), is_playing(22_000)), (0.0, false));
        assert!(is_playing(24_000) && beat(24_000) < 0.01 && beat(24_900) > 0.02);
    }

    #[test]
    fn once_it_stays_at_the_end_and_says_so_once() {
        let mut rig = Rig::new::<Automation>(48_000.0);
        rig.set("length", 1.0).set("tempo", 240.0).choose("mode", "once");
        let run = rig.run(60_000);
        let ends = run.channel("end", 0).windows(2).filter(|pair| pair[0] < 1.0 && pair[1] > 1.0);
        assert_eq!((ends.count(), run.channel("position", 0)[59_999]), (1, 10.0));
        assert_eq!(run.channel("playing", 0)[59_999], 10.0, "knobs stay there");
    }

    #[test]
    fn switched_off_it_stands_and_says_that_it_does_not_play() {
        let mut rig = Rig::new::<Automation>(48_000.0);
        rig.run(4800);
        let run = rig.set("play", 0.0).run(4800);
        let position = run.channel("position", 0);
        assert_eq!((position[100], run.channel("playing", 0)[100]), (position[4799], 0.0));
    }
}
