//! Tape delay: three heads along a worn loop of tape, in stereo.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::beat::Beat;
use crate::dsp::half_band::{HalfBand, HalfBandState, QUICK};
use crate::dsp::one_pole::{OnePole, coefficient};
use crate::dsp::random::Random;
use crate::dsp::recording::Recording;
use crate::dsp::saturate::saturate;
use crate::dsp::sweep::Sweep;
use crate::dsp::tape_head::TapeHead;
use crate::dsp::{StereoIn, dry_wet, exp2, hush};
use crate::lane::{LANES, Lane, Lanes};
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::units::CHANNELS;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const TIME_CV: usize = 2;
const FEEDBACK_CV: usize = 3;
const CLOCK: usize = 4;

const TIME: usize = 0;
const TIME_AMOUNT: usize = 1;
const DIVISION: usize = 2;
const HEADS: usize = 3;
const FEEDBACK: usize = 4;
const DRIVE: usize = 5;
const HIGHPASS: usize = 6;
const LOWPASS: usize = 7;
const WOW: usize = 8;
const FLUTTER: usize = 9;
const PING_PONG: usize = 10;
const MIX: usize = 11;

/// Of the first head.
const LONGEST_SECS: f32 = 1.5;
/// Above this none ends: the tape holds it.
const MOST_FEEDBACK: f32 = 1.2;

/// The first head's time in clocks, for every choice of the division.
const CLOCKS: [f32; 9] = [0.25, 1.0 / 3.0, 0.5, 2.0 / 3.0, 0.75, 1.0, 1.5, 2.0, 4.0];
/// Which heads play, for every choice.
const PLAYING: [[f32; 3]; 7] = [
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, 0.0, 1.0],
    [1.0, 1.0, 0.0],
    [0.0, 1.0, 1.0],
    [1.0, 0.0, 1.0],
    [1.0, 1.0, 1.0],
];

/// What the tape holds at most, without drive, and how many octaves less with
/// all of it.
const TAPE_VOLTS: f32 = 12.0;
const DRIVE_OCTAVES: f32 = 3.0;

/// How late the recording amplifier is: two half-band filters and the bend.
const RECORD_FRAMES: f64 = 2.94;

/// The capstan's wobble and the drift of a worn belt, at full wow; a bent
/// pinch roller at full flutter. Each bends the pitch by half a percent.
const WOW_HZ: f32 = 0.6;
const WOW_SECS: f32 = 1.2e-3;
const DRIFT_SECS: f32 = 4e-3;
const DRIFT_HZ: f32 = 0.4;
/// How often the drift takes a new turn, in frames.
const TURN_FRAMES: u64 = 8192;
const FLUTTER_HZ: f32 = 8.7;
const FLUTTER_SECS: f32 = 0.1e-3;

/// How long echoes take to cross over and heads to come and go, in seconds.
const CROSS_SECS: f32 = 0.01;

/// The machine. The echoes are on the tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct TapeDelay {
    recording: Recording,
    wow: Sweep,
    flutter: Sweep,
    random: Random,
    heads: [TapeHead; 3],
    beat: Beat,
    lowpass: [OnePole; 2],
    highpass: [OnePole; 2],
    drift: [OnePole; 2],
    /// Where the drift is going, -1 to 1.
    drift_goal: f32,
    /// How much each head plays, 0 to 1.
    playing: [f32; 3],
    /// How far the echoes cross over to the other side, 0 to 1.
    crossed: f32,
    /// 0: new.
    is_started: u32,
    _unused: u32,
    record: RecordState,
}

/// The recording amplifier of both sides, at twice the sample rate.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RecordState {
    up: HalfBandState<QUICK>,
    down: HalfBandState<QUICK>,
    before: [f32; CHANNELS],
}

impl Module for TapeDelay {
    const ABOUT: &'static About = &About {
        name: "tape-delay",
        title: "Tape Delay",
        summary: "A worn tape echo with three heads: wow, flutter, drive, and ping-pong",
        tags: &[Tag::Effect],
        inputs: &[
            port("left", "Left signal, ±5 V. A polyphonic cable is summed"),
            port("right", "Right signal. Unpatched: the same as left"),
            port("time", "Time, 1 V/octave: +1 V doubles it, with time-amount at 1").moves(
                "time",
                Some("time-amount"),
                By::OctavePerVolt,
            ),
            port("feedback", "Is added to the feedback: 10 V is 1").moves(
                "feedback",
                None,
                By::TenthPerVolt,
            ),
            port("clock", "While patched, the time is the division of this clock's beat"),
        ],
        outputs: &[
            port("left", "Left signal with its echoes"),
            port("right", "Right signal with its echoes"),
        ],
        params: &[
            Param::log(
                "time",
                0.02..=LONGEST_SECS,
                0.28,
                Unit::Secs,
                "Time to the first head. The others stand at twice and three times the way",
            ),
            Param::linear(
                "time-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "How much the time input changes the time; at -1 it plays the echoes as pitch",
            ),
            Param::choice(
                "division",
                &["1/4", "1/3", "1/2", "2/3", "3/4", "1", "3/2", "2", "4"],
                5,
                "With a clock patched: the time in clocks, halved where the tape is too short",
            ),
            Param::choice(
                "heads",
                &["1", "2", "3", "1+2", "2+3", "1+3", "1+2+3"],
                0,
                "Which heads play",
            ),
            Param::linear(
                "feedback",
                0.0..=MOST_FEEDBACK,
                0.45,
                Unit::Fraction,
                "How much of the echoes is recorded again; from 1 on they build up, and the tape bends them",
            ),
            Param::linear(
                "drive",
                0.0..=1.0,
                0.25,
                Unit::Fraction,
                "How soon the tape is full: soft and even at 0, crushed at 1",
            ),
            Param::log(
                "highpass",
                20.0..=1000.0,
                70.0,
                Unit::Hz,
                "Each pass over the heads loses what is below it",
            ),
            Param::log(
                "lowpass",
                1000.0..=20_000.0,
                6000.0,
                Unit::Hz,
                "Each pass over the heads loses what is above it",
            ),
            Param::linear("wow", 0.0..=1.0, 0.25, Unit::Fraction, "How slowly the pitch wavers"),
            Param::linear("flutter", 0.0..=1.0, 0.2, Unit::Fraction, "How nervously it trembles"),
            Param::switch(
                "ping-pong",
                false,
                "The echoes of both inputs together begin on the left and change sides each time",
            ),
            Param::linear(
                "mix",
                0.0..=1.0,
                0.4,
                Unit::Fraction,
                "Only the signal at 0, only the echoes at 1, both in full between",
            ),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // The time of the first head, in seconds.
        display: 1,
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let wander_secs = WOW_SECS + DRIFT_SECS + FLUTTER_SECS;
        vec![((3.0 * LONGEST_SECS + wander_secs) * sample_rate_hz) as usize + 4; 2]
    }

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.lowpass = Zeroable::zeroed();
            self.highpass = Zeroable::zeroed();
            self.record = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        if block.starts_quantum() && block.frame.is_multiple_of(TURN_FRAMES) {
            self.drift_goal = self.random.bipolar();
        }
        let input = StereoIn::new(block, LEFT, RIGHT);
        let feedback_cv = block.input(FEEDBACK_CV);
        let [feedback, drive, mix] = [FEEDBACK, DRIVE, MIX].map(|param| block.ramp(param));
        let low = coefficient(block.param(LOWPASS), block.sample_rate_hz);
        let high = coefficient(block.param(HIGHPASS), block.sample_rate_hz);
        let mut record = Record::load(&self.record);
        for frame in block.frames() {
            self.move_heads(block, frame);
            let heard = self.play(block, frame, low, high);
            let feedback = feedback.at(frame) + 0.1 * feedback_cv.at(0, frame);
            let feedback = feedback.clamp(0.0, MOST_FEEDBACK);
            let (returned_gain, heard_gain) = self.gains();
            let tape_volts = TAPE_VOLTS * exp2(-DRIVE_OCTAVES * drive.at(frame));
            let makeup = makeup(tape_volts);

            let sides = [input.at(LEFT, frame), input.at(RIGHT, frame)];
            let sent = [
                sides[LEFT] + self.crossed * 0.5 * (sides[RIGHT] - sides[LEFT]),
                sides[RIGHT] * (1.0 - self.crossed),
            ];
            let (dry, wet) = dry_wet(mix.at(frame));
            let back = feedback * returned_gain;
            let kept = record.next(
                [LEFT, RIGHT].map(|side| {
                    let here = heard[side] + self.crossed * (heard[1 - side] - heard[side]);
                    sent[side] + back * here
                }),
                tape_volts,
            );
            for side in [LEFT, RIGHT] {
                block.tapes.write(side, frame, hush(kept[side]));
                let echo = wet * makeup * heard_gain * heard[side];
                block.output(side).put(0, frame, dry * sides[side] + echo);
            }
        }
        record.store(&mut self.record);
        block.show(0, self.heads[0].delay_frames() as f32 / block.sample_rate_hz);
    }
}

impl TapeDelay {
    /// The motor: the heads are moved to where the time, the clock and the wear
    /// of the machine put them.
    #[inline(always)]
    fn move_heads(&mut self, block: &Block, frame: usize) {
        let sample_rate_hz = block.sample_rate_hz;
        let wander = f64::from(self.wander_secs(block, frame) * sample_rate_hz);
        let time_frames = self.time_frames(block, frame);
        for (head, distance) in self.heads.iter_mut().zip([1.0, 2.0, 3.0]) {
            head.glide(distance * time_frames + wander - RECORD_FRAMES, sample_rate_hz);
        }
        let step = if self.is_started == 0 { 1.0 } else { 1.0 / (CROSS_SECS * sample_rate_hz) };
        self.is_started = 1;
        let follow = |now: &mut f32, goal: f32| *now += (goal - *now).clamp(-step, step);
        follow(&mut self.crossed, f32::from(u8::from(block.is_on(PING_PONG))));
        let playing = PLAYING[block.choice(HEADS).min(PLAYING.len() - 1)];
        for (now, goal) in self.playing.iter_mut().zip(playing) {
            follow(now, goal);
        }
    }

    /// The time that the first head is on its way to, in frames.
    #[inline(always)]
    fn time_frames(&mut self, block: &Block, frame: usize) -> f64 {
        let clock = block.input(CLOCK);
        let clock_frames = self.beat.follow(clock.at(0, frame));
        let longest_frames = f64::from(LONGEST_SECS * block.sample_rate_hz);
        let mut frames = f64::from(block.ramp(TIME).at(frame) * block.sample_rate_hz);
        if clock.is_patched() && clock_frames > 0 {
            let clocks = CLOCKS[block.choice(DIVISION).min(CLOCKS.len() - 1)];
            frames = f64::from(clock_frames) * f64::from(clocks);
            while frames > longest_frames {
                frames *= 0.5;
            }
        }
        let cv = block.input(TIME_CV);
        if cv.is_patched() {
            let octaves = block.ramp(TIME_AMOUNT).at(frame) * cv.at(0, frame);
            frames *= f64::from(exp2(octaves.clamp(-20.0, 20.0)));
        }
        frames.min(longest_frames)
    }

    /// How late the tape is by its own faults, in seconds.
    #[inline(always)]
    fn wander_secs(&mut self, block: &Block, frame: usize) -> f32 {
        let sample_rate_hz = block.sample_rate_hz;
        self.wow.advance(WOW_HZ, sample_rate_hz);
        self.flutter.advance(FLUTTER_HZ, sample_rate_hz);
        let slowly = coefficient(DRIFT_HZ, sample_rate_hz);
        let [first, second] = &mut self.drift;
        let drift = second.lowpass(first.lowpass(self.drift_goal, slowly), slowly);
        block.ramp(WOW).at(frame) * (WOW_SECS * self.wow.ahead(0.0) + DRIFT_SECS * drift)
            + block.ramp(FLUTTER).at(frame) * FLUTTER_SECS * self.flutter.ahead(0.0)
    }

    /// What the heads hear together, on both sides.
    #[inline(always)]
    fn play(&mut self, block: &Block, frame: usize, low: f32, high: f32) -> [f32; 2] {
        let mut heard = [0.0; 2];
        for (head, playing) in self.heads.iter().zip(self.playing) {
            if playing > 0.0 {
                let now = block.frame + frame as u64;
                let level = playing * self.recording.level(now, head.delay_frames() as f32);
                let place = head.place();
                for side in [LEFT, RIGHT] {
                    heard[side] += level * place.read(&block.tapes, side, frame);
                }
            }
        }
        for side in [LEFT, RIGHT] {
            let dull = self.lowpass[side].lowpass(heard[side], low);
            heard[side] = self.highpass[side].highpass(dull, high);
        }
        heard
    }

    /// Several heads are as loud as one where they return, so that feedback
    /// means the same, and about as loud where they are heard.
    #[inline(always)]
    fn gains(&self) -> (f32, f32) {
        let heads = self.playing.iter().sum::<f32>().max(1.0);
        (1.0 / heads, 1.0 / heads.sqrt())
    }
}

/// The recording amplifier at work.
struct Record {
    up: HalfBand<Lanes, QUICK>,
    down: HalfBand<Lanes, QUICK>,
    before: Lanes,
}

impl Record {
    #[inline(always)]
    fn load(state: &RecordState) -> Record {
        Record {
            up: HalfBand::load(&state.up, 0),
            down: HalfBand::load(&state.down, 0),
            before: Lanes::load(&state.before, 0),
        }
    }

    #[inline(always)]
    fn store(&self, state: &mut RecordState) {
        self.up.store(&mut state.up, 0);
        self.down.store(&mut state.down, 0);
        self.before.store(&mut state.before, 0);
    }

    /// What the tape keeps of both sides.
    #[inline(always)]
    fn next(&mut self, volts: [f32; 2], tape_volts: f32) -> [f32; 2] {
        let mut lanes = [0.0; LANES];
        lanes[..2].copy_from_slice(&volts);
        let [first, second] = self.up.up(Lanes::from_lanes(lanes) * (1.0 / tape_volts).into());
        let bent = [saturate(self.before, first), saturate(first, second)];
        self.before = second;
        let kept = (self.down.down(bent) * tape_volts.into()).to_lanes();
        [kept[0], kept[1]]
    }
}

/// Half of what a signal of 5 V loses to the tape, in dB, is given back.
#[inline(always)]
fn makeup(tape_volts: f32) -> f32 {
    let over = 5.0 / tape_volts;
    (1.0 + over * over).sqrt().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{cents, frequency_hz};
    use crate::rig::Rig;

    const RATE_HZ: f32 = 48_000.0;

    /// A machine as new.
    fn wet(time_secs: f32) -> Rig {
        let mut rig = Rig::new::<TapeDelay>(RATE_HZ);
        rig.set("mix", 1.0).set("feedback", 0.0).set("time", time_secs).set("drive", 0.0);
        rig.set("wow", 0.0).set("flutter", 0.0).set("lowpass", 20_000.0).set("highpass", 20.0);
        rig
    }

    /// A bump of 10 frames around frame 5.
    fn bump(rig: &mut Rig) -> &mut Rig {
        let volts = |frame: u64| 0.1 * (frame as f32 * 0.314_159).sin().powi(2);
        rig.feed("left", move |_, frame| if frame < 10 { volts(frame) } else { 0.0 })
    }

    /// Where the energy of some frames lies.
    fn middle(volts: &[f32]) -> f32 {
        let energy: f32 = volts.iter().map(|v| v * v).sum();
        volts.iter().zip(0..).map(|(v, n)| v * v * n as f32).sum::<f32>() / energy
    }

    fn peak(volts: &[f32]) -> f32 {
        volts.iter().fold(0.0, |peak, volts| volts.abs().max(peak))
    }

    #[test]
    fn every_head_plays_at_its_time() {
        for (heads, times) in [("1", [1].as_slice()), ("3", &[3]), ("1+2+3", &[1, 2, 3])] {
            let out = bump(wet(0.05).choose("heads", heads)).run(8000);
            let around = |n: usize| &out.channel("right", 0)[2400 * n - 20..2400 * n + 30];
            for &n in times {
                assert!((middle(around(n)) - 25.0).abs() < 0.3, "{heads}: {}", middle(around(n)));
            }
            let energy: f32 = out.main().iter().map(|v| v * v).sum();
            let found: f32 = times.iter().flat_map(|&n| around(n)).map(|v| v * v).sum();
            assert!(found > 0.99 * energy);
        }
    }

    #[test]
    fn each_echo_is_as_much_softer_as_the_feedback_says() {
        let mut rig = wet(0.05);
        rig.feed(
            "left",
            |_, frame| {
                if frame < 480 { 0.1 * (frame as f32 * 0.0654).sin() } else { 0.0 }
            },
        );
        let out = rig.set("feedback", 0.5).run(12_000);
        let echo = |n: usize| peak(&out.main()[2400 * n..2400 * n + 600]);
        for n in 1..4 {
            assert!((echo(n + 1) / echo(n) - 0.5).abs() < 0.03, "{}", echo(n + 1) / echo(n));
        }
    }

    #[test]
    fn it_keeps_to_the_clock_or_to_its_half() {
        for (period, division, secs) in [(24_000, "3/4", 0.375), (96_000, "1", 1.0)] {
            let mut rig = wet(0.3);
            rig.feed("clock", move |_, frame| if frame % period < 500 { 10.0 } else { 0.0 });
            rig.choose("division", division).run(200_000);
            let shown = rig.display()[0] + RECORD_FRAMES as f32 / RATE_HZ;
            assert!((shown - secs).abs() < 1e-5, "{shown} s");
        }
    }

    #[test]
    fn in_ping_pong_the_echoes_change_sides() {
        let mut rig = wet(0.05);
        rig.set("ping-pong", 1.0).set("feedback", 0.8);
        let out = bump(rig.feed("right", |_, _| 0.0)).run(9600);
        let echo = |side: &str, n: usize| peak(&out.channel(side, 0)[2400 * n - 9..2400 * n + 19]);
        for n in 1..4 {
            let (here, there) = if n % 2 == 1 { ("left", "right") } else { ("right", "left") };
            assert!(echo(here, n) > 20.0 * echo(there, n), "echo {n}");
        }
    }

    #[test]
    fn feedback_past_1_builds_up_to_what_the_tape_holds() {
        for drive in [0.0, 1.0] {
            let mut rig = wet(0.05);
            rig.set("feedback", 1.2).set("drive", drive);
            rig.feed(
                "left",
                |_, frame| if frame < 4800 && frame / 60 % 2 == 0 { 5.0 } else { 0.0 },
            );
            rig.run(480_000);
            let out = rig.run(48_000);
            let holds = TAPE_VOLTS * (-DRIVE_OCTAVES * drive).exp2();
            let loud = peak(out.main()) / makeup(holds);
            assert!((0.2 * holds..1.6 * holds).contains(&loud), "{loud} V of {holds} V");
            let mean = out.main().iter().sum::<f32>() / 48_000.0;
            assert!(mean.abs() < 0.01 * holds, "{mean} V");
        }
    }

    #[test]
    fn wow_and_flutter_bend_the_pitch_by_half_a_percent() {
        for (fault, hz, turns) in [("wow", WOW_HZ, 2.0), ("flutter", FLUTTER_HZ, 8.0)] {
            let mut rig = wet(0.05);
            rig.set(fault, 1.0).feed("left", |_, frame| {
                (0.1 * (std::f64::consts::TAU * 2000.0 * frame as f64 / 48_000.0).sin()) as f32
            });
            rig.run(9600);
            let out = rig.run((turns * RATE_HZ / hz) as usize);
            let step = (0.1 * RATE_HZ / hz) as usize;
            let pitches: Vec<f64> = out
                .main()
                .chunks_exact(step)
                .map(|part| frequency_hz(part, 48_000.0, None))
                .collect();
            let high = pitches.iter().fold(f64::MIN, |a, &b| a.max(b));
            let low = pitches.iter().fold(f64::MAX, |a, &b| a.min(b));
            // Half a percent is 8.6 cents.
            assert!((10.0..26.0).contains(&cents(high, low)), "{fault}: {}", cents(high, low));
        }
    }

    #[test]
    fn it_dies_away_into_silence() {
        let out = bump(wet(0.02).set("feedback", 0.9)).run(480_000);
        assert!(out.main()[470_000..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn turning_the_time_does_not_click() {
        let mut rig = wet(0.2);
        rig.feed("left", |_, frame| (frame as f32 * 0.0131).sin());
        rig.run(20_000);
        let out = rig.set("time", 0.05).choose("heads", "1+2").run(40_000);
        // 100 Hz at 1 V moves 0.0131 V a frame, and twice that an octave up.
        for pair in out.main().windows(2) {
            assert!((pair[1] - pair[0]).abs() < 0.06, "{pair:?}");
        }
    }
}
