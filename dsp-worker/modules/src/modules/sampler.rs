//! Sampler: plays a sound from a file: once, while held, or round and round.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::resample::{reach_frames, read_at};
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::strike::force;
use sostenuto_dsp::units::{CHANNELS, FULL_SCALE_CLIP_VOLTS, QUANTUM};

use crate::Module;
use crate::clip::{Clip, Text};
use crate::module::{About, Block, Curve, Role, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};

const TRIGGER: usize = 0;
const ACCENT: usize = 1;
const VOCT: usize = 2;
const START_CV: usize = 3;
const LEFT: usize = 0;
const RIGHT: usize = 1;
const END: usize = 2;
const OUTPUTS: usize = 3;
const TUNE: usize = 0;
const START: usize = 1;
const STOP: usize = 2;
const PLAYS: usize = 3;
const LOOP_START: usize = 4;
const CROSSFADE: usize = 5;
const RELEASE: usize = 6;
const LEVEL: usize = 7;

const ONCE: usize = 0;
const ROUND: usize = 2;

/// Peaks of the sound that it shows, and how many quanta there are from one to the
/// next: all of them are new within a third of a second.
const PEAKS: usize = 128;
const QUANTA_PER_PEAK: u64 = 4;
/// Samples that are looked at for a peak. More would not be seen, and cost.
const LOOKS: usize = 24;

/// A voice that is cut off, or a sound that ends in its middle, fades for this
/// long, in seconds.
const CUT_SECS: f32 = 3e-3;

/// A part of a sound that is shorter than this is a constant voltage rather than
/// a sound, in seconds.
const SHORTEST_SECS: f64 = 1e-3;
/// How long it is made then, in seconds.
const SHORT_SECS: f64 = 0.01;

/// Sixteen voices. The sound itself is the module's clip.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Sampler {
    voices: [Voice; CHANNELS],
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Voice {
    playing: Head,
    /// The one before, which fades.
    leaving: Head,
    trigger: Schmitt,
    end: Pulse,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Head {
    /// In frames of the sound.
    place: f64,
    /// 0 where it does not play.
    gain: f32,
    /// How much of its gain is left while it fades, and what a frame takes.
    fade: f32,
    fade_step: f32,
    /// How often it went round: 0 or 1.
    has_turned: u32,
    /// What a voltage added to its start.
    further: f32,
    _unused: u32,
}

impl Module for Sampler {
    const ABOUT: &'static About = &About {
        name: "sampler",
        title: "Sampler",
        summary: "Plays a sound file at any pitch, once or in a loop",
        aliases: &["wav player", "audio file", "sample", "sample player", "loop"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            port("trigger", "A rising edge above 1 V starts the sound; held, it is a gate"),
            port(
                "accent",
                "Accent CV, read at the start: 0 V is 8 dB softer than 10 V or no cable",
            ),
            port(
                "voct",
                "Pitch, 1 V/octave. 0 V is the original pitch; if the file names its note, 0 V is \
                 C4",
            )
            .moves("tune", None, By::OctavePerVolt),
            port("start", "Start CV, read at the start; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "First channel of the sound, ±5 V at full scale"),
            port("right", "Second channel of the sound; with a mono file, a copy of the first"),
            port("end", "10 V for 1 ms as the sound ends or loops").control(),
        ],
        params: &[
            Param::linear("tune", -48.0..=48.0, 0.0, Unit::Semitones, "Transposes by semitones"),
            Param::linear(
                "start",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Where in the sound playback starts",
            ),
            Param::linear(
                "stop",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "Where in the sound playback ends. If stop is before start, they swap",
            ),
            Param::choice(
                "plays",
                &["once", "held", "round"],
                0,
                "Once: the whole sound at each trigger. Held: while the gate is on. Round: in a \
                 loop while the gate is on",
            ),
            Param::linear(
                "loop-start",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Where the loop begins, between start and stop. At 0, with start and stop at the \
                 ends, the loop in the file is used",
            ),
            Param::linear(
                "crossfade",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Crossfade from the end of the loop to its beginning",
            ),
            Param::log(
                "release",
                0.003..=10.0,
                0.01,
                Unit::Secs,
                "The time to fade out after the gate",
            ),
            Param::linear("level", 0.0..=1.0, 1.0, Unit::Fraction, "Output level").steady(),
        ],
        // The place that it plays, as a part of the sound; then the sound's peaks.
        display: 1 + PEAKS,
        screen: Some(Screen::Curve(Curve::Sound)),
        text: Some(Text::Sound),
        role: Some(Role::Sampler),
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        for voice in &mut self.voices {
            for head in [&mut voice.playing, &mut voice.leaving] {
                change.step(&mut head.fade_step);
            }
            voice.end.change_rate(change);
        }
    }

    fn forget(&mut self, channels: Range<usize>) {
        self.voices[channels].fill(Voice::zeroed());
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[TRIGGER, VOCT]);
        for output in 0..OUTPUTS {
            if !block.is_heard(output) {
                block.mute(output);
            }
        }
        let clip = block.clip();
        let reel = Reel::new(block, clip);
        let tune = block.param(TUNE) * (1.0 / 12.0) - clip.root_cents as f32 * (1.0 / 1200.0);
        for channel in 0..channels {
            self.voices[channel].run(block, &reel, channel, tune);
        }
        let length = clip.frames().max(1) as f64;
        block.show(0, (self.voices[0].playing.place / length) as f32);
        show_peak(block, clip);
    }
}

/// Shows the peak of the next part of the sound.
#[inline(always)]
fn show_peak(block: &Block, clip: Clip) {
    let quantum = block.frame / QUANTUM as u64;
    if !block.starts_quantum() || !quantum.is_multiple_of(QUANTA_PER_PEAK) {
        return;
    }
    let part = (quantum / QUANTA_PER_PEAK % PEAKS as u64) as usize;
    let sound = clip.channel(0);
    let [first, end] = [part, part + 1].map(|part| part * sound.len() / PEAKS);
    let part_of_sound = sound[first..end].iter().step_by(((end - first) / LOOKS).max(1));
    let peak = part_of_sound.fold(0.0, |peak: f32, volts| peak.max(volts.abs()));
    block.show(1 + part, peak * (1.0 / FULL_SCALE_CLIP_VOLTS));
}

/// The sound, and how knobs stand.
struct Reel<'a> {
    sides: [&'a [f32]; 2],
    is_mono: bool,
    frames: f64,
    /// Frames of the sound in a frame, as it was recorded.
    speed: f64,
    /// Frames of the sound in a second.
    rate_hz: f64,
    start: f32,
    stop: f32,
    loop_start: f32,
    crossfade: f32,
    /// Where the sound's file has it go round, in its frames.
    file_loop: Option<[f64; 2]>,
    plays: usize,
}

/// The part of the sound that a head plays, in its frames.
struct Span {
    start: f64,
    stop: f64,
    loop_start: f64,
    crossfade: f64,
}

impl<'a> Reel<'a> {
    #[inline(always)]
    fn new(block: &Block, clip: Clip<'a>) -> Reel<'a> {
        let frames = clip.frames() as f64;
        let [loop_start, loop_end] = clip.loop_part.map(|part| (part * frames).round());
        let has_loop = 0.0 <= loop_start && loop_start < loop_end && loop_end <= frames;
        let rate_hz = f64::from(clip.sample_rate_hz);
        Reel {
            sides: [clip.channel(0), clip.channel(1)],
            is_mono: clip.channels < 2,
            frames,
            speed: rate_hz / f64::from(block.sample_rate_hz),
            rate_hz,
            start: block.param(START),
            stop: block.param(STOP),
            loop_start: block.param(LOOP_START),
            crossfade: block.param(CROSSFADE),
            file_loop: has_loop.then_some([loop_start, loop_end]),
            plays: block.choice(PLAYS),
        }
    }

    /// What lies between start and stop, whichever comes first. What is too
    /// short to be heard as a sound is a little longer.
    #[inline(always)]
    fn span(&self, start: f32) -> Span {
        let place = |part: f32| (f64::from(part.clamp(0.0, 1.0)) * self.frames).floor();
        let (one, other) = (place(start), place(self.stop));
        let (start, stop) = self.long_enough(one.min(other), one.max(other), 0.0);
        let (mut stop, mut loop_start) = (stop, start);
        match self.file_loop {
            Some([first, end]) if self.plays == ROUND && self.is_whole() => {
                (loop_start, stop) = (first, end);
            }
            _ => {
                loop_start += (f64::from(self.loop_start) * (stop - start)).floor();
                (loop_start, stop) = self.long_enough(loop_start, stop, start);
            }
        }
        let crossfade = f64::from(self.crossfade) * (stop - loop_start);
        Span { start, stop, loop_start, crossfade: crossfade.min(loop_start).floor() }
    }

    /// Whether no knob takes a part of the sound.
    #[inline(always)]
    fn is_whole(&self) -> bool {
        self.start == 0.0 && self.stop == 1.0 && self.loop_start == 0.0
    }

    /// A part that is shorter than [`SHORTEST_SECS`] becomes [`SHORT_SECS`] long,
    /// as far as there is room from `first` on.
    #[inline(always)]
    fn long_enough(&self, start: f64, stop: f64, first: f64) -> (f64, f64) {
        if stop - start >= SHORTEST_SECS * self.rate_hz {
            return (start, stop);
        }
        let frames = (SHORT_SECS * self.rate_hz).floor();
        let stop = stop.max((start + frames).min(self.frames));
        (start.min((stop - frames).max(first)), stop)
    }

    /// Both sides at a place.
    #[inline(always)]
    fn read(&self, span: &Span, place: f64, speed: f64, has_turned: bool) -> (f32, f32) {
        if self.plays != ROUND {
            return self.sides_at(span, place, speed, |n| n);
        }
        if span.crossfade >= 1.0 {
            let left = span.stop - place;
            let (was_left, was_right) = self.sides_at(span, place, speed, |n| n);
            if left >= span.crossfade {
                return (was_left, was_right);
            }
            let before = place - span.turn_frames();
            let (left_next, right_next) = self.sides_at(span, before, speed, |n| n);
            let part = (1.0 - left / span.crossfade) as f32;
            let mix = |was: f32, next: f32| was + part * (next - was);
            return (mix(was_left, left_next), mix(was_right, right_next));
        }
        // Without a crossfade the loop's end is followed by its beginning.
        let (turn, stop, first) =
            (span.turn_frames() as i64, span.stop as i64, span.loop_start as i64);
        self.sides_at(span, place, speed, |n| {
            if n >= stop {
                first + (n - stop) % turn.max(1)
            } else if has_turned && n < first {
                stop - 1 - (first - 1 - n) % turn.max(1)
            } else {
                n
            }
        })
    }

    #[inline(always)]
    fn sides_at(
        &self,
        span: &Span,
        place: f64,
        speed: f64,
        map: impl Fn(i64) -> i64,
    ) -> (f32, f32) {
        let at = |side: usize, n: i64| {
            let index = usize::try_from(map(n)).unwrap_or(usize::MAX);
            self.sides[side % 2].get(index).copied().unwrap_or(0.0)
        };
        // Only what lies before the stop is read in one piece.
        let frames = self.sides[LEFT].len();
        let goes_round = self.plays == ROUND && span.crossfade < 1.0;
        let end = if goes_round { (span.stop as usize).min(frames) } else { frames };
        let is_near = place < span.loop_start + reach_frames(speed);
        let whole = if is_near { [&[][..]; 2] } else { self.sides.map(|side| &side[..end]) };
        if self.is_mono {
            let [both] = read_at([whole[LEFT]], place, speed, at);
            return (both, both);
        }
        let [left, right] = read_at(whole, place, speed, at);
        (left, right)
    }
}

impl Span {
    #[inline(always)]
    fn turn_frames(&self) -> f64 {
        self.stop - self.loop_start
    }
}

impl Voice {
    /// Computes some frames of a channel.
    #[inline(always)]
    fn run(&mut self, block: &mut Block, reel: &Reel, channel: usize, tune: f32) {
        let mut spans = [&self.playing, &self.leaving].map(|head| head.span(reel));
        let frames = block.frames();
        let trigger = block.input(TRIGGER).channel(channel, frames.clone());
        let voct = block.input(VOCT).channel(channel, frames.clone());
        let level = block.ramp(LEVEL).frames();
        let mut out = [[0.0; QUANTUM]; OUTPUTS];
        for frame in frames.clone() {
            let was_on = self.trigger.is_on();
            if self.trigger.rises(trigger[frame]) {
                self.start(block, reel, channel, frame);
                spans = [&self.playing, &self.leaving].map(|head| head.span(reel));
            } else if was_on && !self.trigger.is_on() && reel.plays != ONCE {
                self.playing.fade_out(block.param(RELEASE), block.sample_rate_hz);
            }
            if self.playing.gain != 0.0 || self.leaving.gain != 0.0 {
                let octaves = voct[frame] + tune;
                let speed = reel.speed * f64::from(exp2(octaves.clamp(-20.0, 10.0)));
                let (left, right, has_ended) = self.playing.next(block, reel, &spans[0], speed);
                if has_ended {
                    self.end.start(block.sample_rate_hz);
                }
                let (old_left, old_right, _) = self.leaving.next(block, reel, &spans[1], speed);
                out[LEFT][frame] = (left + old_left) * level[frame];
                out[RIGHT][frame] = (right + old_right) * level[frame];
            }
            out[END][frame] = self.end.volts();
        }
        for output in 0..OUTPUTS {
            if block.is_heard(output) {
                block.output(output).put_channel(channel, frames.clone(), &out[output]);
            }
        }
    }

    #[inline(always)]
    fn start(&mut self, block: &Block, reel: &Reel, channel: usize, frame: usize) {
        self.leaving = self.playing;
        self.leaving.fade_out(CUT_SECS, block.sample_rate_hz);
        let further = 0.1 * block.input(START_CV).at(channel, frame);
        self.playing = Head {
            place: reel.span(block.goal(START) + further).start,
            gain: force(block.input(ACCENT), channel, frame),
            fade: 1.0,
            fade_step: 0.0,
            has_turned: 0,
            further,
            _unused: 0,
        };
    }
}

impl Head {
    #[inline(always)]
    fn span(&self, reel: &Reel) -> Span {
        reel.span(reel.start + self.further)
    }

    #[inline(always)]
    fn fade_out(&mut self, secs: f32, sample_rate_hz: f32) {
        self.fade_step = self.fade_step.max(1.0 / (secs * sample_rate_hz));
    }

    /// The next frame, and whether it ends or goes round there.
    #[inline(always)]
    fn next(&mut self, block: &Block, reel: &Reel, span: &Span, speed: f64) -> (f32, f32, bool) {
        if self.gain == 0.0 {
            return (0.0, 0.0, false);
        }
        let mut has_ended = false;
        if self.place >= span.stop {
            has_ended = true;
            if reel.plays != ROUND || span.turn_frames() < 1.0 {
                self.gain = 0.0;
                return (0.0, 0.0, true);
            }
            let turn = span.turn_frames();
            self.place -= turn * (((self.place - span.stop) / turn).floor() + 1.0);
            self.has_turned = 1;
        }
        let (left, right) = reel.read(span, self.place, speed, self.has_turned != 0);
        let mut gain = self.gain * self.fade;
        if reel.plays != ROUND && span.stop < reel.frames {
            // A sound that is cut off in its middle.
            let left_secs = (span.stop - self.place) / speed / f64::from(block.sample_rate_hz);
            gain *= (left_secs as f32 * (1.0 / CUT_SECS)).min(1.0);
        }
        self.place += speed;
        self.fade -= self.fade_step;
        if self.fade <= 0.0 {
            self.gain = 0.0;
        }
        (left * gain, right * gain, has_ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape, alias, cents, coherent_hz, frequency_hz};

    const RATE_HZ: f32 = 48_000.0;

    /// A mono sound of a sine of 5 V.
    fn sine(hz: f64, rate_hz: f64, frames: usize) -> Vec<f32> {
        let turns = |n: usize| std::f64::consts::TAU * (n as f64 * hz / rate_hz).fract();
        (0..frames).map(|n| 5.0 * turns(n).sin() as f32).collect()
    }

    fn held(sound: Vec<f32>, rate_hz: f32) -> Rig {
        let mut rig = Rig::new::<Sampler>(RATE_HZ);
        rig.clip(sound, 1, rate_hz).feed("trigger", |_, _| 10.0);
        rig
    }

    fn peak(sound: &[f32]) -> f32 {
        sound.iter().fold(0.0, |peak, volts| volts.abs().max(peak))
    }

    #[test]
    fn at_0_v_a_sound_is_what_was_recorded() {
        let sound: Vec<f32> = (0..1000).map(|n| (n * n % 41) as f32 * 0.1 - 2.0).collect();
        let mut rig = held(sound.clone(), RATE_HZ);
        let out = rig.run(1100);
        let mut pairs = out.main().iter().zip(&sound);
        assert!(pairs.all(|(heard, recorded)| (heard - recorded).abs() < 1e-4));
        assert!(out.main()[1000..].iter().all(|&volts| volts == 0.0));
        assert_eq!(out.channel("end", 0).iter().position(|&volts| volts > 0.0), Some(1000));
    }

    #[test]
    fn it_is_in_tune_at_any_pitch_and_rate() {
        for (rate_hz, voct) in [(44_100.0, 0.0), (48_000.0, 1.0), (96_000.0, -1.3), (44_100.0, 2.7)]
        {
            let mut rig = held(sine(300.0, rate_hz, 1_000_000), rate_hz as f32);
            rig.feed("voct", move |_, _| voct as f32);
            let found_hz = frequency_hz(rig.run(60_000).main(), f64::from(RATE_HZ), None);
            let error = cents(found_hz, 300.0 * f64::exp2(voct));
            assert!(error.abs() < 0.01, "{rate_hz}, {voct}: {error} cents");
        }
    }

    #[test]
    fn pitched_up_or_down_it_does_not_alias() {
        for (octaves, hz) in [(-1.0, 4000.0), (0.58, 5000.0), (2.0, 2000.0)] {
            let f0_hz = coherent_hz(hz, 48_000.0);
            let mut rig = held(sine(f0_hz / f64::exp2(octaves), 48_000.0, 900_000), RATE_HZ);
            rig.feed("voct", move |_, _| octaves as f32);
            let found = alias(rig.run(140_000).main(), 48_000.0, f0_hz, 1, Shape::Any);
            assert!(found.alias_20k_db < -80.0, "{octaves}: {found:?}");
        }
        // Two octaves up, 14 kHz would be 56, and fold to 8.
        let mut rig = held(sine(14_000.0, 48_000.0, 200_000), RATE_HZ);
        let out = rig.feed("voct", |_, _| 2.0).run(40_000);
        assert!(peak(&out.main()[2000..]) < 1e-3, "{}", peak(&out.main()[2000..]));
    }

    #[test]
    fn a_loop_of_one_wave_goes_round_without_a_seam() {
        let mut rig = held(sine(480.0, 48_000.0, 100), RATE_HZ);
        rig.choose("plays", "round").feed("voct", |_, _| 0.5);
        let out = rig.run(140_000);
        let hz = 480.0 * f64::exp2(0.5);
        let found = alias(out.main(), 48_000.0, hz, 1, Shape::Any);
        assert!(found.alias_20k_db < -80.0 && found.thd_db < -80.0, "{found:?}");
        assert!(cents(found.f0_hz, hz).abs() < 0.01);
    }

    #[test]
    fn a_crossfade_hides_where_it_goes_round() {
        let corner = |crossfade: f32| {
            // It does not fit the loop.
            let mut rig = held(sine(313.0, 48_000.0, 20_000), RATE_HZ);
            rig.choose("plays", "round").set("loop-start", 0.5).set("crossfade", crossfade);
            let out = rig.run(60_000).main()[100..].to_vec();
            out.windows(2).fold(0f32, |most, pair| most.max((pair[1] - pair[0]).abs()))
        };
        assert!(corner(0.0) > 1.0, "{}", corner(0.0));
        assert!(corner(0.5) < 0.25, "{}", corner(0.5));
    }

    #[test]
    fn a_gate_that_ends_fades_and_a_new_trigger_does_not_click() {
        let gate = |frame: u64| if frame % 5000 < 3000 { 10.0 } else { 0.0 };
        let mut rig = held(sine(100.0, 48_000.0, 480_000), RATE_HZ);
        rig.choose("plays", "held").set("release", 0.02).feed("trigger", move |_, n| gate(n));
        let out = rig.run(20_000);
        assert!(peak(&out.main()[4000..5000]) == 0.0 && peak(&out.main()[3500..3900]) > 0.5);
        let mut rig = held(sine(100.0, 48_000.0, 480_000), RATE_HZ);
        rig.feed("trigger", move |_, n| gate(n));
        let out = rig.run(40_000);
        let step = out.main().windows(2).fold(0f32, |most, w| most.max((w[1] - w[0]).abs()));
        assert!(step < 0.15, "{step}");
    }

    #[test]
    fn start_and_stop_cut_out_a_part_and_a_side_is_a_channel() {
        let sound: Vec<f32> = (0..2000).map(|n| if n < 1000 { 1.0 } else { -2.0 }).collect();
        let mut rig = held(sound, RATE_HZ);
        rig.set("start", 0.25).set("stop", 0.75);
        let out = rig.run(1200).channel("left", 0).to_vec();
        assert!((out[250] - 1.0).abs() < 1e-3 && (out[700] + 2.0).abs() < 1e-3);
        assert!(out[1000..].iter().all(|&volts| volts == 0.0));
        let mut rig = Rig::new::<Sampler>(RATE_HZ);
        let sides: Vec<f32> = (0..2000).map(|n| if n < 1000 { 1.0 } else { -2.0 }).collect();
        let out = rig.clip(sides, 2, RATE_HZ).feed("trigger", |_, _| 10.0).run(800);
        assert!((out.channel("left", 0)[500] - 1.0).abs() < 1e-3);
        assert!((out.channel("right", 0)[500] + 2.0).abs() < 1e-3);
    }

    #[test]
    fn short_sounds_are_heard_to_their_last_frame_and_cut_ones_fade() {
        for (plays, frames) in [("once", 1), ("once", 100), ("held", 7), ("held", 143)] {
            let sound: Vec<f32> = (0..frames).map(|n| 1.0 + n as f32 * 0.01).collect();
            let mut rig = held(sound.clone(), RATE_HZ);
            let out = rig.choose("plays", plays).run(frames + 10);
            let pairs = out.main().iter().zip(&sound);
            let off = pairs.fold(0f32, |off, (heard, recorded)| off.max((heard - recorded).abs()));
            assert!(off < 1e-4, "{plays}, {frames} frames: {off} V off");
            assert_eq!(out.main()[frames..], [0.0; 10]);
        }
        let out = held(vec![5.0; 2000], RATE_HZ).set("stop", 0.5).run(1000).main().to_vec();
        assert!((out[840] - 5.0).abs() < 0.1 && out[999] < 0.1, "{} V", out[999]);
        assert!(out.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.1));
    }

    #[test]
    fn wherever_start_and_stop_are_a_loop_is_a_sound_and_no_constant_voltage() {
        let places = [0.0, 0.2, 0.2001, 0.5, 0.7, 0.9999, 1.0];
        for (start, stop, loop_start) in places
            .iter()
            .flat_map(|a| places.iter().map(move |b| (*a, *b)))
            .flat_map(|(a, b)| [0.0, 0.5, 1.0].map(|c| (a, b, c)))
        {
            for (by_cable, crossfade) in [(false, 0.0), (true, 0.0), (false, 0.3)] {
                let mut rig = held(sine(1000.0, 48_000.0, 24_000), RATE_HZ);
                rig.choose("plays", "round").set("stop", stop).set("loop-start", loop_start);
                rig.set("crossfade", crossfade);
                if by_cable {
                    rig.feed("start", move |_, _| 10.0 * start);
                } else {
                    rig.set("start", start);
                }
                rig.run(30_000);
                let out = rig.run(4800).main().to_vec();
                let mean = out.iter().sum::<f32>() / out.len() as f32;
                let mean_square = out.iter().map(|v| v * v).sum::<f32>() / out.len() as f32;
                let place = format!("{start} to {stop}, {loop_start}, {by_cable}, {crossfade}");
                assert!(mean_square.sqrt() > 1.0 && mean.abs() < 1.5, "{place}: {mean} V");
            }
        }
    }

    #[test]
    fn a_part_whose_start_lies_behind_its_stop_is_the_same_part() {
        for plays in ["once", "held", "round"] {
            let [one, other] = [(0.25, 0.75), (0.75, 0.25)].map(|(start, stop)| {
                let mut rig = held(sine(313.0, 48_000.0, 20_000), RATE_HZ);
                rig.choose("plays", plays).set("start", start).set("stop", stop);
                rig.run(30_000).main().to_vec()
            });
            assert!(one == other, "{plays}");
        }
    }

    #[test]
    fn the_loop_and_the_note_of_the_file_count() {
        // A rise, and in frames 1000 to 1099 a sine of 480 Hz.
        let mut sound: Vec<f32> = (0..1000).map(|n| n as f32 * 0.001).collect();
        sound.extend(sine(480.0, 48_000.0, 100));
        sound.extend([0.0; 900]);
        let mut rig = held(sound.clone(), RATE_HZ);
        rig.choose("plays", "round").clip_facts([0.5, 0.55], 0);
        let out = rig.run(50_000).main().to_vec();
        assert!((out[500] - 0.5).abs() < 1e-3);
        let hz = frequency_hz(&out[2000..], f64::from(RATE_HZ), None);
        assert!(cents(hz, 480.0).abs() < 0.1, "{hz} Hz");
        // Where a knob takes a part, that part counts.
        let mut rig = held(sound, RATE_HZ);
        rig.choose("plays", "round").clip_facts([0.5, 0.55], 0).set("stop", 0.25);
        assert!(rig.run(50_000).main()[2000..].iter().all(|&volts| volts < 0.6));
        // A4 is 440 Hz at A4, whatever it was recorded as.
        for (root_cents, hz) in [(0, 440.0), (900, 440.0), (-2400, 80.0), (950, 300.0)] {
            let mut rig = held(sine(hz, 48_000.0, 400_000), RATE_HZ);
            rig.clip_facts([0.0; 2], root_cents).feed("voct", move |_, _| 0.75);
            let should_be = hz * f64::exp2((900.0 - f64::from(root_cents)) / 1200.0);
            let found_hz = frequency_hz(rig.run(50_000).main(), f64::from(RATE_HZ), None);
            assert!(cents(found_hz, should_be).abs() < 0.1, "{root_cents}: {found_hz} Hz");
        }
    }

    #[test]
    fn voices_are_apart_and_any_cut_gives_the_same_samples() {
        let render = |is_cut: bool| {
            let mut rig = Rig::new::<Sampler>(RATE_HZ);
            if is_cut {
                rig.frame_by_frame();
            }
            rig.clip(sine(440.0, 44_100.0, 3000), 1, 44_100.0).choose("plays", "round");
            rig.set("loop-start", 0.3).set("crossfade", 0.2);
            rig.feed_channels(
                "trigger",
                3,
                |c, n| if n % (700 + c as u64) < 500 { 9.0 } else { 0.0 },
            );
            rig.feed_channels("voct", 3, |channel, _| channel as f32 - 0.7);
            let out = rig.run(6000);
            [0, 1, 2].map(|channel| out.channel("left", channel).to_vec())
        };
        let together = render(false);
        assert!(together == render(true));
        assert!(together[0] != together[1]);
    }
}
