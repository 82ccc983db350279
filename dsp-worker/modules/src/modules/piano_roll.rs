//! Piano Roll: a melody or chords, written down note by note, in a loop.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::notes::{Note, rows};
use sostenuto_dsp::pulse::frames as trigger_frames;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::steps::{Step, Steps};
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS};

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Screen, Tag, port};
use crate::param::Param;
use crate::parts::tail::Tail;

const CLOCK: usize = 0;
const RESET: usize = 1;

const VOCT: usize = 0;
const GATE: usize = 1;
const VELOCITY: usize = 2;

const LENGTH: usize = 0;
const VOICES: usize = 1;

/// What one clock counts: a sixteenth of a bar of four.
const CLOCK_BEATS: f64 = 0.25;

/// Notes so close to a clock are on it.
const NEAR_BEATS: f64 = 1e-4;

/// Where in the loop it is, and what sounds. All beats are counted from the last
/// reset.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct PianoRoll {
    /// When each voice's note ends, or has ended.
    ends: [f64; CHANNELS],
    /// The last clock.
    clock_beats: f64,
    loop_start: f64,
    /// Where the loop begins next, while notes of this time are still to begin;
    /// else 0.
    next_loop_start: f64,
    /// Up to here, notes have begun.
    played_to: f64,
    voct: [f32; CHANNELS],
    velocity: [f32; CHANNELS],
    is_on: [u32; CHANNELS],
    /// How long a voice that was taken from a note is still to be off, so that
    /// its next note is heard to begin.
    gap_frames: [u32; CHANNELS],
    /// How long a note is still not to end nor to be taken, so that it is heard.
    least_frames: [u32; CHANNELS],
    steps: Steps,
    /// Whether a clock came since the reset.
    has_begun: u32,
    tail: Tail,
    _unused: u32,
}

impl Module for PianoRoll {
    const ABOUT: &'static About = &About {
        name: "piano-roll",
        title: "Piano Roll",
        summary: "Plays the notes drawn in it, in a loop, up to 16 at a time",
        aliases: &["midi", "notes", "melody", "tuning", "scala", "microtonal"],
        tags: &[Tag::Sequencing, Tag::Polyphonic],
        inputs: &[
            port(
                "clock",
                "Every rising edge is a sixteenth note, four per beat. Between clocks, time \
                 follows the tempo; without clocks notes are held, and an early clock plays \
                 skipped events at once",
            ),
            port("reset", "A trigger ends all notes; the next clock starts the loop"),
        ],
        outputs: &[
            port("voct", "The pitch of each voice, 1 V/octave"),
            port("gate", "10 V while the voice's note lasts"),
            port("velocity", "Velocity of the note, 0 to 10 V"),
        ],
        params: &[
            Param::steps("length", 1.0..=256.0, 16.0, "Loop length in beats"),
            Param::steps(
                "voices",
                1.0..=16.0,
                4.0,
                "The number of notes at once; an extra note takes the voice whose note ends first",
            )
            .steady(),
        ],
        // Where it is in the loop, in beats; below 0 where it has not begun.
        display: 1,
        screen: Some(Screen::Roll),
        text: Some(Text::Notes),
        keeps_time: true,
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        change.all_frames(&mut self.gap_frames);
        change.all_frames(&mut self.least_frames);
        self.steps.change_rate(change);
        self.tail.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let voices = block.choice(VOICES).clamp(1, CHANNELS);
        let length = block.choice(LENGTH).max(1) as f64;
        let notes = rows(block.clip().samples);
        let gap_frames = trigger_frames(block.sample_rate_hz);
        let channels = self.tail.channels(block, voices);
        block.set_channels(channels);
        let (clock, reset) = (block.input(CLOCK), block.input(RESET));
        for frame in block.frames() {
            let (clock, reset) = (clock.at(0, frame), reset.at(0, frame));
            match self.steps.next(clock, reset, true, block.sample_rate_hz) {
                Step::Stay => {}
                Step::First { is_clocked } => {
                    self.rest();
                    self.has_begun = is_clocked as u32;
                }
                Step::Next => self.take_clock(length),
            }
            if self.has_begun != 0 {
                self.play(notes, length, voices, gap_frames);
            }
            for voice in 0..channels {
                let gap = self.gap_frames[voice].min(gap_frames);
                let is_open = self.is_on[voice] != 0 && gap == 0;
                self.gap_frames[voice] = gap.saturating_sub(1);
                self.least_frames[voice] = self.least_frames[voice].saturating_sub(1);
                block.output(VOCT).set(voice, frame, self.voct[voice]);
                block.output(GATE).set(voice, frame, if is_open { GATE_VOLTS } else { 0.0 });
                block.output(VELOCITY).set(voice, frame, GATE_VOLTS * self.velocity[voice]);
            }
        }
        let in_loop = if self.has_begun != 0 { self.now() - self.loop_start } else { -1.0 };
        block.show(0, in_loop as f32);
    }
}

impl PianoRoll {
    /// Ends every note and goes to the start of the loop.
    fn rest(&mut self) {
        for (gap, is_on) in self.gap_frames.iter_mut().zip(self.is_on) {
            *gap = if is_on != 0 { u32::MAX } else { *gap };
        }
        self.is_on = [0; CHANNELS];
        self.ends = [0.0; CHANNELS];
        self.least_frames = [0; CHANNELS];
        self.clock_beats = 0.0;
        self.loop_start = 0.0;
        self.next_loop_start = 0.0;
        self.played_to = 0.0;
    }

    #[inline(always)]
    fn take_clock(&mut self, length: f64) {
        self.clock_beats += CLOCK_BEATS;
        let is_last = self.clock_beats - self.loop_start >= length - NEAR_BEATS;
        if is_last && self.next_loop_start == 0.0 {
            self.next_loop_start = self.clock_beats;
        }
    }

    /// Beats by now: never as far as the next clock, however late that is.
    #[inline(always)]
    fn now(&self) -> f64 {
        let part = match self.steps.expected_frames() {
            0 => 0.0,
            clock_frames => f64::from(self.steps.since_clock_frames()) / f64::from(clock_frames),
        };
        let since_clock = CLOCK_BEATS * part + NEAR_BEATS;
        self.clock_beats + since_clock.min(CLOCK_BEATS - NEAR_BEATS)
    }

    /// Plays what is due: first what lies behind the last clock of the loop,
    /// where the next one came early.
    #[inline(always)]
    fn play(&mut self, notes: &[[f32; 4]], length: f64, voices: usize, least_frames: u32) {
        if self.next_loop_start != 0.0 {
            let end = self.loop_start + length - NEAR_BEATS;
            if !self.play_until(notes, length, voices, end, least_frames) {
                return;
            }
            self.loop_start = self.next_loop_start;
            self.played_to = self.next_loop_start;
            self.next_loop_start = 0.0;
        }
        self.play_until(notes, length, voices, self.now(), least_frames);
    }

    /// Ends the notes that end by then, and begins those that begin. False where
    /// notes have to wait, because those before them were not heard yet.
    #[inline(always)]
    fn play_until(
        &mut self,
        notes: &[[f32; 4]],
        length: f64,
        voices: usize,
        now: f64,
        least_frames: u32,
    ) -> bool {
        for voice in 0..CHANNELS {
            let ends = self.ends[voice] <= now && self.least_frames[voice] == 0;
            if self.is_on[voice] != 0 && (ends || voice >= voices) {
                self.is_on[voice] = 0;
                self.gap_frames[voice] = u32::MAX;
            }
        }
        let (from, to) = (self.played_to - self.loop_start, (now - self.loop_start).min(length));
        let start = |note: &[f32; 4]| f64::from(Note::of(note).start_beats);
        let mut due = &notes[notes.partition_point(|note| start(note) < from)..];
        while let Some(first) = due.first().filter(|&note| start(note) < to) {
            let together = due.partition_point(|note| start(note) <= start(first));
            let free = self.least_frames[..voices].iter().filter(|&&frames| frames == 0).count();
            if free < together.min(voices) {
                self.played_to = self.loop_start + start(first);
                return false;
            }
            for note in &due[..together] {
                self.begin(Note::of(note), voices, least_frames);
            }
            due = &due[together..];
        }
        self.played_to = self.played_to.max(now);
        true
    }

    /// On the voice that has been silent longest; or else on the one that is
    /// silent next.
    fn begin(&mut self, note: Note, voices: usize, least_frames: u32) {
        let rank =
            |voice: usize| (self.least_frames[voice] > 0, self.is_on[voice], self.ends[voice]);
        let first = |one: &usize, other: &usize| {
            let (one, other) = (rank(*one), rank(*other));
            (one.0, one.1).cmp(&(other.0, other.1)).then(one.2.total_cmp(&other.2))
        };
        let voice = (0..voices).min_by(first).unwrap_or(0);
        if self.is_on[voice] != 0 {
            self.gap_frames[voice] = u32::MAX;
        }
        self.is_on[voice] = 1;
        self.voct[voice] = note.voct;
        self.velocity[voice] = note.velocity;
        let start = self.loop_start + f64::from(note.start_beats);
        self.ends[voice] = start + f64::from(note.length_beats);
        let gap_frames = self.gap_frames[voice].min(least_frames);
        self.least_frames[voice] = gap_frames + least_frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};
    use sostenuto_dsp::notes::compile;

    /// A clock every 100 frames: a beat is 400 frames.
    fn rig(notes: &str) -> Rig {
        let mut rig = Rig::new::<PianoRoll>(10_000.0);
        rig.clip(compile(notes).unwrap(), 1, 0.0).set("length", 2.0).set("voices", 1.0);
        rig.feed("clock", |_, frame| if frame % 100 < 50 { 10.0 } else { 0.0 });
        rig
    }

    /// Where gates of a voice begin and end.
    fn gates(out: &Render, voice: usize) -> Vec<(usize, usize)> {
        let gate = out.channel("gate", voice);
        let mut gates = Vec::new();
        for frame in 0..gate.len() {
            let was_on = frame > 0 && gate[frame - 1] > 0.0;
            match (was_on, gate[frame] > 0.0) {
                (false, true) => gates.push((frame, gate.len())),
                (true, false) => gates.last_mut().unwrap().1 = frame,
                _ => {}
            }
        }
        gates
    }

    #[test]
    fn notes_begin_and_end_by_the_beat_and_the_loop_comes_round() {
        let out = rig("0 0.5 C4 1; 1 0.25 C5 0.5").run(2000);
        let expected = [(0, 200), (400, 500), (800, 1000), (1200, 1300), (1600, 1800)];
        assert_eq!(gates(&out, 0), expected);
        assert_eq!([0, 399, 400, 800].map(|n| out.channel("voct", 0)[n]), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!([0, 400].map(|n| out.channel("velocity", 0)[n]), [10.0, 5.0]);
    }

    #[test]
    fn between_two_clocks_time_goes_on() {
        // After the first two clocks it knows how fast.
        let out = rig("1.125 0.0625 C4").run(700);
        let [(start, end)] = gates(&out, 0)[..] else { panic!("one note") };
        assert!(start.abs_diff(450) <= 1 && end.abs_diff(475) <= 1, "{start} {end}");
    }

    #[test]
    fn a_chord_has_a_voice_for_each_note_and_one_more_takes_the_next_free() {
        let mut rig = rig("0 1 C4; 0 0.5 E4; 0 2 G4; 0.25 0.25 B4");
        let out = rig.set("voices", 3.0).run(400);
        assert_eq!(out.channels("gate"), 3);
        let volts = |voice: usize, frame: usize| {
            let is_on = out.channel("gate", voice)[frame] > 0.0;
            is_on.then(|| (out.channel("voct", voice)[frame] * 12.0).round() as i32)
        };
        let chord = |frame| [0, 1, 2].map(|voice| volts(voice, frame));
        assert_eq!(chord(50), [Some(0), Some(4), Some(7)]);
        assert_eq!(chord(150), [Some(0), Some(11), Some(7)], "E4 would have ended first");
        assert_eq!(chord(250), [Some(0), None, Some(7)]);
    }

    #[test]
    fn a_note_right_after_another_is_heard_to_begin() {
        let out = rig("0 1 C4; 1 1 C4").run(1600);
        // 1 ms is 10 frames.
        assert_eq!(gates(&out, 0), [(0, 400), (410, 800), (810, 1200), (1210, 1600)]);
    }

    #[test]
    fn a_reset_goes_to_the_start_and_a_clock_with_it_plays() {
        for reset in [590u64, 599, 600, 601, 603] {
            let mut rig = rig("0 0.25 C4; 1 0.25 C5");
            rig.feed("reset", move |_, frame| if frame == reset { 10.0 } else { 0.0 });
            let out = rig.run(1000);
            let starts: Vec<usize> = gates(&out, 0).iter().map(|gate| gate.0).collect();
            let [0, 400, third] = starts[..] else { panic!("{reset}: {starts:?}") };
            assert!(third.abs_diff(600) <= 3, "{reset}: {starts:?}");
        }
    }

    #[test]
    fn other_notes_are_played_from_where_it_is() {
        let mut rig = rig("0 0.25 C4; 1 0.25 C4");
        rig.run(300);
        let out =
            rig.clip(compile("0 0.25 D4; 0.5 0.25 D4; 1.5 0.25 D4").unwrap(), 1, 0.0).run(600);
        let starts: Vec<usize> = gates(&out, 0).iter().map(|gate| gate.0).collect();
        assert_eq!(starts, [300, 500]);
        assert_eq!(rig.clip([], 0, 0.0).run(1000).channel("gate", 0)[200..], [0.0; 800]);
    }

    #[test]
    fn without_a_clock_notes_hold_and_nothing_new_begins() {
        let mut rig = rig("0 0.25 C4; 0.25 0.25 C5");
        rig.feed("clock", |_, frame| if frame == 0 || frame == 800 { 10.0 } else { 0.0 });
        assert_eq!(gates(&rig.run(850), 0), [(0, 800), (810, 850)]);
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |is_cut: bool| {
            let mut rig = rig("0 0.3 C4; 0.1 2 E4; 0.7 0.01 G4; 1.99 1 A4");
            rig.set("voices", 2.0);
            if is_cut {
                rig.frame_by_frame();
            }
            let out = rig.run(5000);
            ["voct", "gate", "velocity"].map(|port| out.channel(port, 1).to_vec())
        };
        assert!(render(false) == render(true));
    }
}
