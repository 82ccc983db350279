//! Delay: a tape echo in stereo.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::tape_head::TapeHead;
use sostenuto_dsp::tempo::FollowedTempo;
use sostenuto_dsp::{dry_wet, exp2, hush, soft_clip};

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const TIME_CV: usize = 2;
const FEEDBACK_CV: usize = 3;
const CLOCK: usize = 4;

const TIME: usize = 0;
const TIME_AMOUNT: usize = 1;
const DIVISION: usize = 2;
const FEEDBACK: usize = 3;
const TONE: usize = 4;
const PING_PONG: usize = 5;
const MIX: usize = 6;

const LONGEST_SECS: f32 = 4.0;

/// The echo's time in clocks, for every choice of the division.
const CLOCKS: [f32; 9] = [0.25, 1.0 / 3.0, 0.5, 2.0 / 3.0, 0.75, 1.0, 1.5, 2.0, 4.0];

/// The loop is transparent up to here, and tape beyond. Where it gains, it is
/// tape sooner.
const KNEE_VOLTS: f32 = 10.0;
const SOON_VOLTS: f32 = 6.0;
const LIMIT_VOLTS: f32 = 12.0;

/// What keeps a constant voltage from piling up: a highpass. Where the echoes
/// stay for ever it is all but closed, for it would take the lows with it.
const RUMBLE_HZ: f32 = 5.0;
const HELD_RUMBLE_HZ: f32 = 0.01;

/// How long the echoes take to cross over, in seconds.
const CROSS_SECS: f32 = 5e-3;

/// The head, and the filters of the loop. The echoes are on the tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Delay {
    recording: Recording,
    head: TapeHead,
    clock: FollowedTempo,
    lowpass: [OnePole; 2],
    highpass: [OnePole; 2],
    /// How far the echoes cross over to the other side, 0 to 1.
    crossed: f32,
    _unused: u32,
}

impl Module for Delay {
    const ABOUT: &'static About = &About {
        name: "delay",
        title: "Delay",
        summary: "Echoes from 1 ms to 4 s; like tape, they change pitch when the time changes",
        aliases: &["echo", "looper"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("time", "Time CV: each volt doubles the time, scaled by time-amount").moves(
                "time",
                Some("time-amount"),
                By::OctavePerVolt,
            ),
            port("feedback", "Feedback CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
            port("clock", "While patched, the time follows this clock, at the set division"),
        ],
        outputs: &[
            port("left", "Left signal with its echoes"),
            port("right", "Right signal with its echoes"),
        ],
        params: &[
            Param::log(
                "time",
                1e-3..=LONGEST_SECS,
                0.3,
                Unit::Secs,
                "The time to the first echo, and between echoes",
            ),
            Param::linear(
                "time-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "Depth of the time CV; at -1, it tunes short echoes at 1 V/octave",
            )
            .labelled("time amt"),
            Param::choice(
                "division",
                &["1/4", "1/3", "1/2", "2/3", "3/4", "1", "3/2", "2", "4"],
                5,
                "The time as a multiple of the clock, while a clock is patched",
            ),
            Param::linear(
                "feedback",
                0.0..=1.1,
                0.4,
                Unit::Fraction,
                "How much of each echo is repeated. At 1, with tone at 0, echoes never fade; above \
                 1 they build up and saturate like tape",
            ),
            Param::linear(
                "tone",
                -1.0..=1.0,
                0.0,
                Unit::None,
                "Negative values darken each repeat, positive ones thin it out",
            ),
            Param::switch(
                "ping-pong",
                false,
                "The inputs are summed; echoes start on the left and alternate sides",
            ),
            mix(0.5),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // The time that it stands at, in seconds.
        display: 1,
        screen: Some(Screen::Curve(Curve::Echoes)),
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![(LONGEST_SECS * sample_rate_hz) as usize; 2]
    }

    fn change_rate(&mut self, change: &RateChange) {
        self.head.change_rate(change);
        self.clock.change_rate(change);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.lowpass = Zeroable::zeroed();
            self.highpass = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let feedback_cv = block.input(FEEDBACK_CV);
        let (feedback, mix) = (block.ramp(FEEDBACK), block.ramp(MIX));
        let (low, thin) = tone(block.param(TONE), block.sample_rate_hz);
        for frame in block.frames() {
            self.move_head(block, frame);
            let feedback = (feedback.at(frame) + 0.1 * feedback_cv.at(0, frame)).clamp(0.0, 1.1);
            let (dry, wet) = dry_wet(mix.at(frame));
            let crossed = self.cross(block);
            let gains = (20.0 * (feedback - 1.0)).clamp(-1.0, 1.0);
            let high = thin + rumble(gains, block.sample_rate_hz);
            let knee_volts = KNEE_VOLTS + gains.max(0.0) * (SOON_VOLTS - KNEE_VOLTS);
            let now = block.frame + frame as u64;
            let level = self.recording.level(now, self.head.delay_frames() as f32);
            let inputs = [input.at(LEFT, frame), input.at(RIGHT, frame)];
            let (mut echoes, mut returned) = ([0.0; 2], [0.0; 2]);
            for side in [LEFT, RIGHT] {
                echoes[side] = level * self.head.hear(&block.tapes, side, side, frame);
                let dark = self.lowpass[side].lowpass(echoes[side], low);
                let thin = self.highpass[side].highpass(dark, high);
                returned[side] = feedback * soft_clip(thin, knee_volts, LIMIT_VOLTS);
            }
            let sent = [
                inputs[LEFT] + crossed * 0.5 * (inputs[RIGHT] - inputs[LEFT]),
                inputs[RIGHT] * (1.0 - crossed),
            ];
            for side in [LEFT, RIGHT] {
                let kept = returned[side] + crossed * (returned[1 - side] - returned[side]);
                block.tapes.write(side, frame, hush(sent[side] + kept));
                block.output(side).put(0, frame, dry * inputs[side] + wet * echoes[side]);
            }
        }
        block.show(0, self.head.delay_frames() as f32 / block.sample_rate_hz);
    }
}

impl Delay {
    /// Glides to ping-pong and back, so that the switch does not click.
    #[inline(always)]
    fn cross(&mut self, block: &Block) -> f32 {
        let step = 1.0 / (CROSS_SECS * block.sample_rate_hz);
        let step = if block.is_on(PING_PONG) { step } else { -step };
        self.crossed = (self.crossed + step).clamp(0.0, 1.0);
        self.crossed
    }

    /// Moves the head to where the time or the clock puts it. It crosses over to
    /// another tempo, and glides to another time.
    #[inline(always)]
    fn move_head(&mut self, block: &Block, frame: usize) {
        let clock = block.input(CLOCK);
        let cv = block.input(TIME_CV);
        let octaves = block.ramp(TIME_AMOUNT).at(frame) * cv.at(0, frame);
        let ratio = if cv.is_patched() { exp2(octaves.clamp(-20.0, 20.0)) } else { 1.0 };
        let clocks = ratio * CLOCKS[block.choice(DIVISION).min(CLOCKS.len() - 1)];
        let (clock_frames, jumps) =
            self.clock.next(clock.at(0, frame), clocks, !self.head.crosses(), block.sample_rate_hz);

        let sample_rate_hz = f64::from(block.sample_rate_hz);
        let longest_frames = f64::from(LONGEST_SECS) * sample_rate_hz;
        let is_clocked = clock.is_patched() && clock_frames > 0.0;
        let time_frames = f64::from(block.ramp(TIME).at(frame)) * sample_rate_hz;
        let frames = if is_clocked {
            clock_frames * f64::from(clocks)
        } else {
            time_frames * f64::from(ratio)
        };
        if is_clocked && jumps {
            self.head.cross(frames.min(longest_frames));
        } else {
            self.head.glide(frames.min(longest_frames), block.sample_rate_hz);
        }
    }
}

/// The coefficients of the loop's lowpass, and of its highpass without what
/// keeps a constant voltage out. In the middle both let everything pass.
#[inline(always)]
fn tone(tone: f32, sample_rate_hz: f32) -> (f32, f32) {
    let low_hz = 48_000.0 * exp2(8.0 * tone.min(0.0));
    let thin_hz = RUMBLE_HZ * (exp2(9.0 * tone.max(0.0)) - 1.0);
    let low = if tone < 0.0 { coefficient(low_hz, sample_rate_hz) } else { 1.0 };
    (low, coefficient(thin_hz, sample_rate_hz))
}

/// The coefficient of a highpass far below all hearing, by how the loop gains or
/// loses: 0 where it does neither, 1 or -1 where it clearly does.
#[inline(always)]
fn rumble(gains: f32, sample_rate_hz: f32) -> f32 {
    let hz = HELD_RUMBLE_HZ + (RUMBLE_HZ - HELD_RUMBLE_HZ) * gains.abs();
    hz * (std::f32::consts::TAU / sample_rate_hz)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn wet(time_secs: f32) -> Rig {
        let mut rig = Rig::new::<Delay>(48_000.0);
        rig.set("mix", 1.0).set("feedback", 0.0).set("time", time_secs);
        rig
    }

    fn impulse(rig: &mut Rig) -> &mut Rig {
        rig.feed("left", |_, frame| if frame == 0 { 5.0 } else { 0.0 })
    }

    #[test]
    fn an_impulse_comes_back_on_its_frame() {
        let out = impulse(&mut wet(0.01)).run(1000);
        for side in ["left", "right"] {
            let echo = out.channel(side, 0);
            assert!((echo[480] - 5.0).abs() < 1e-3, "{}", echo[480]);
            assert!(echo.iter().enumerate().all(|(n, v)| n == 480 || v.abs() < 1e-3));
        }
    }

    #[test]
    fn each_echo_is_as_much_softer_as_the_feedback_says() {
        let mut rig = wet(0.01);
        // Slower than the loop's highpass and far below its lowpass.
        rig.feed("left", |_, frame| if frame < 240 { (frame as f32 * 0.1309).sin() } else { 0.0 });
        let out = rig.set("feedback", 0.5).run(2000);
        let peak = |echo: usize| {
            let echo = &out.main()[480 * echo..480 * echo + 300];
            echo.iter().fold(0f32, |peak, volts| peak.max(volts.abs()))
        };
        assert!((peak(2) / peak(1) - 0.5).abs() < 0.02, "{}", peak(2) / peak(1));
        assert!((peak(3) / peak(2) - 0.5).abs() < 0.02, "{}", peak(3) / peak(2));
    }

    #[test]
    fn after_voltages_beyond_all_measure_it_sounds_again() {
        let mut rig = wet(0.01);
        rig.set("feedback", 0.9).feed("left", |_, frame| match frame {
            0..100 => f32::MAX,
            // Two such cables in one input.
            100..200 => f32::INFINITY,
            _ => (frame as f32 * 0.1309).sin(),
        });
        rig.run(24_000);
        let before = rig.not_finite();
        let out = rig.run(4_800);
        assert_eq!(rig.not_finite(), before);
        assert!(out.main().iter().any(|volts| volts.abs() > 0.1));
    }

    #[test]
    fn in_ping_pong_the_echoes_change_sides() {
        let mut rig = wet(0.01);
        rig.set("ping-pong", 1.0).set("feedback", 0.5).run(480);
        rig.feed("left", |_, frame| if frame == 480 { 4.0 } else { 0.0 });
        let out = rig.feed("right", |_, _| 0.0).run(1600);
        let peak = |side: &str, echo: usize| {
            let around = &out.channel(side, 0)[480 * echo - 5..480 * echo + 5];
            around.iter().fold(0f32, |peak, volts| peak.max(volts.abs()))
        };
        assert!((peak("left", 1) - 2.0).abs() < 0.01 && peak("right", 1) == 0.0);
        assert!((peak("right", 2) - 1.0).abs() < 0.01 && peak("left", 2) < 0.01);
        assert!((peak("left", 3) - 0.5).abs() < 0.01 && peak("right", 3) < 0.01);
    }

    #[test]
    fn a_volt_doubles_the_time() {
        let mut rig = wet(0.01);
        let out = impulse(rig.feed("time", |_, _| 1.0)).run(1000);
        assert!((out.main()[960] - 5.0).abs() < 1e-3);
        let mut rig = wet(0.01);
        let out = impulse(rig.feed("time", |_, _| 1.0).set("time-amount", -1.0)).run(1000);
        assert!((out.main()[240] - 5.0).abs() < 1e-3);
    }

    #[test]
    fn it_keeps_to_the_clock() {
        let mut rig = wet(0.3);
        rig.feed("clock", |_, frame| if frame % 1000 < 500 { 10.0 } else { 0.0 });
        rig.choose("division", "3/4").run(48_000);
        assert!((rig.display()[0] - 750.0 / 48_000.0).abs() < 1e-6, "{:?}", rig.display());
    }

    #[test]
    fn endless_feedback_stays_bounded() {
        for tone in [-1.0, 0.0, 1.0] {
            let mut rig = wet(0.002);
            rig.set("feedback", 1.1).set("tone", tone).feed("feedback", |_, _| 10.0);
            rig.feed("left", |_, frame| if frame / 50 % 2 == 0 { 12.0 } else { -12.0 });
            let out = rig.run(100_000);
            assert!(out.main().iter().all(|volts| volts.abs() < 40.0));
            assert_eq!(rig.not_finite(), 0);
        }
    }

    #[test]
    fn the_loudest_cable_does_no_lasting_harm() {
        let mut rig = wet(0.002);
        rig.feed_channels("left", 16, |_, frame| if frame < 99 { f32::MAX } else { 0.0 });
        let out = rig.set("feedback", 0.5).run(48_000);
        assert_eq!(rig.not_finite(), 0);
        assert!(out.main()[40_000..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn at_full_feedback_a_burst_of_noise_stays_as_it_is_for_a_minute() {
        for (time_secs, rate_hz) in [
            (0.001, 48_000.0),
            (0.010_37, 44_100.0),
            (0.25, 48_000.0),
            (0.333_33, 96_000.0),
            (1.234_5, 44_100.0f32),
        ] {
            for ping_pong in [0.0, 1.0] {
                let mut rig = Rig::new::<Delay>(rate_hz);
                rig.set("mix", 1.0).set("feedback", 1.0).set("time", time_secs);
                crate::rig::held::assert_holds(rig.set("ping-pong", ping_pong), time_secs, |_| {});
            }
        }
    }

    #[test]
    fn turning_the_time_does_not_click() {
        let mut rig = wet(0.2);
        rig.feed("left", |_, frame| 5.0 * (frame as f32 * 0.0131).sin());
        rig.run(20_000);
        let out = rig.set("time", 0.05).run(30_000);
        let back = rig.set("time", 0.3).run(30_000);
        // 100 Hz at 5 V moves 0.0655 V a frame, and twice that an octave up.
        for pair in out.main().windows(2).chain(back.main().windows(2)) {
            assert!((pair[1] - pair[0]).abs() < 0.14, "{pair:?}");
        }
    }

    #[test]
    fn it_dies_away_into_silence() {
        let out = impulse(wet(0.001).set("feedback", 0.9)).run(96_000);
        assert!(out.main()[90_000..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn what_was_heard_before_a_bypass_is_not_heard_after_it() {
        let mut rig = wet(0.5);
        rig.feed("left", |_, frame| if frame < 4800 { 5.0 } else { 0.0 }).run(4800);
        let out = rig.skip(600).run(48_000);
        assert!(out.main().iter().all(|&volts| volts == 0.0));
        // What is played from then on is, and it begins softly.
        rig.skip(10_000).feed("left", |_, _| 5.0).run(24_000);
        let out = rig.run(24_000);
        assert!(out.main().windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.05));
        assert!(out.main().iter().any(|&volts| volts > 4.0));
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |cut: bool| {
            let mut rig = Rig::new::<Delay>(48_000.0);
            rig.feed("left", |_, frame| (frame * frame % 97) as f32 * 0.1 - 5.0);
            rig.feed("right", |_, frame| (frame * 7 % 89) as f32 * 0.1 - 5.0);
            rig.feed("time", |_, frame| (frame as f32 * 0.01).sin());
            rig.set("time", 0.01).set("feedback", 1.0).set("ping-pong", 1.0);
            if cut {
                rig.frame_by_frame();
            }
            rig.run(640);
            let out = rig.set("time", 0.002).set("tone", -0.5).run(5000);
            ["left", "right"].map(|port| out.channel(port, 0).to_vec())
        };
        assert!(render(false) == render(true));
    }
}
