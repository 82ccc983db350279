//! Tape delay: three heads along a worn loop of tape, in stereo.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::finer::{Curve, Finer, FinerState, bend_rows, late_frames};
use sostenuto_dsp::half_band::{HalfBand, HalfBandState, QUICK, WIDE};
use sostenuto_dsp::lane::{LANES, Lane, Lanes};
use sostenuto_dsp::mean::soft;
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::oversample::{Eightfold, EightfoldState};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::sweep::Sweep;
use sostenuto_dsp::tape_head::TapeHead;
use sostenuto_dsp::tempo::FollowedTempo;
use sostenuto_dsp::{dry_wet, exp2, hush, soft_clip};

use crate::Module;
use crate::module::{About, Block, Tag, port};
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
const HEADS: usize = 3;
const FEEDBACK: usize = 4;
const DRIVE: usize = 5;
const HIGHPASS: usize = 6;
const LOWPASS: usize = 7;
const WOW: usize = 8;
const FLUTTER: usize = 9;
const PING_PONG: usize = 10;
const MIX: usize = 11;
const OVERSAMPLE: usize = 12;
const EIGHTFOLD: usize = 0;

/// Of the first head.
const LONGEST_SECS: f32 = 1.5;
/// Above this none ends: the tape holds it.
const MOST_FEEDBACK: f32 = 1.2;

/// The first head's time in clocks, for every choice of the division.
const CLOCKS: [f32; 9] = [0.25, 1.0 / 3.0, 0.5, 2.0 / 3.0, 0.75, 1.0, 1.5, 2.0, 4.0];
/// How far the last head is from the first, as a factor.
const FURTHEST: f32 = 3.0;
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

/// The tape bends nothing without drive; from here on it does as it should.
const FULL_DRIVE: f32 = 0.05;
/// Without drive the loop is transparent up to here, and bounded above.
const KNEE_VOLTS: f32 = 10.0;
const LIMIT_VOLTS: f32 = 16.0;

/// How late the recording amplifier is: with half-band filters and the bend,
/// eightfold and 64-fold; and where it bends nothing.
const RECORD_FRAMES: [f64; 2] =
    [3.8196 + late_frames::<2>() / 4.0, 4.7957 + late_frames::<8>() / 8.0];
const CLEAN_FRAMES: usize = 5;

/// The filters are open at the ends of their knobs. Far below all hearing one
/// keeps a constant voltage from piling up, less where echoes stay for ever.
const LOWEST_HZ: f32 = 20.0;
const HIGHEST_HZ: f32 = 20_000.0;
const RUMBLE_HZ: f32 = 5.0;
const HELD_RUMBLE_HZ: f32 = 0.01;

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
    clock: FollowedTempo,
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
    record: RecordState,
}

/// The recording amplifier of both sides.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RecordState {
    up: HalfBandState<QUICK>,
    up_again: HalfBandState<WIDE>,
    down: HalfBandState<QUICK>,
    down_first: HalfBandState<WIDE>,
    far_up: EightfoldState,
    far_down: EightfoldState,
    finer: [FinerState; 2],
    /// What came last, the newest first.
    past: [[f32; CLEAN_FRAMES]; 2],
}

impl Module for TapeDelay {
    const ABOUT: &'static About = &About {
        name: "tape-delay",
        title: "Tape Delay",
        short: "Tape",
        summary: "A worn tape echo with three heads: wow, flutter, drive and ping-pong",
        aliases: &["echo", "ping-pong", "wow", "flutter"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("time", "Time CV: each volt doubles the time, scaled by time-amount").moves(
                "time",
                Some("time-amount"),
                By::OctavePerVolt,
            ),
            port("feedback", "Feedback CV: 10 V adds 1").moves_own(By::TenthPerVolt),
            port("clock", "While patched, the time follows this clock, at the set division"),
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
                "The time to the first head; the others are two and three times as far",
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
                "The time as a multiple of the clock, while a clock is patched; halved if the tape \
                 is too short",
            ),
            Param::choice(
                "heads",
                &["1", "2", "3", "1+2", "2+3", "1+3", "1+2+3"],
                0,
                "The heads that play",
            ),
            Param::linear(
                "feedback",
                0.0..=MOST_FEEDBACK,
                0.45,
                Unit::Fraction,
                "How much of the echoes is recorded again. At 1, with one head, no drive, wow or \
                 flutter and open filters, echoes never fade; above 1 they build up",
            ),
            Param::linear(
                "drive",
                0.0..=1.0,
                0.25,
                Unit::Fraction,
                "Tape saturation: clean up to 10 V at 0, soft compression in the middle, crushed \
                 at 1",
            ),
            Param::log(
                "highpass",
                LOWEST_HZ..=1000.0,
                70.0,
                Unit::Hz,
                "Removes low frequencies on each pass; off at the bottom",
            ),
            Param::log(
                "lowpass",
                1000.0..=HIGHEST_HZ,
                6000.0,
                Unit::Hz,
                "Removes high frequencies on each pass; off at the top",
            ),
            Param::linear(
                "wow",
                0.0..=1.0,
                0.25,
                Unit::Fraction,
                "Slow variation of the tape speed",
            ),
            Param::linear(
                "flutter",
                0.0..=1.0,
                0.2,
                Unit::Fraction,
                "Fast variation of the tape speed",
            ),
            Param::switch(
                "ping-pong",
                false,
                "The inputs are summed; echoes start on the left and alternate sides",
            ),
            mix(0.4),
            Param::choice(
                "oversample",
                &["8x", "64x"],
                EIGHTFOLD,
                "64x keeps a full tape clean up to the highest notes, at a higher CPU cost",
            )
            .steady(),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // The time of the first head, in seconds.
        display: 1,
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let wander_secs = WOW_SECS + DRIFT_SECS + FLUTTER_SECS;
        vec![((3.0 * LONGEST_SECS + wander_secs) * sample_rate_hz) as usize + 4; 2]
    }

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    fn change_rate(&mut self, change: &RateChange) {
        for head in &mut self.heads {
            head.change_rate(change);
        }
        self.clock.change_rate(change);
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
        let is_fine = block.choice(OVERSAMPLE) != EIGHTFOLD;
        let filters = Filters::new(block);
        let mut record = Record::load(&self.record, is_fine);
        let mut tape = Tape::new(drive.at(block.frames().start));
        for frame in block.frames() {
            if !drive.is_still() {
                tape = Tape::new(drive.at(frame));
            }
            self.move_heads(block, frame, filters.drift, tape.late_frames(is_fine));
            let feedback = feedback.at(frame) + 0.1 * feedback_cv.at(0, frame);
            let feedback = feedback.clamp(0.0, MOST_FEEDBACK);
            let heard = self.play(block, frame, &filters, feedback);
            let (returned_gain, heard_gain) = self.gains();

            let sides = [input.at(LEFT, frame), input.at(RIGHT, frame)];
            let sent = [
                sides[LEFT] + self.crossed * 0.5 * (sides[RIGHT] - sides[LEFT]),
                sides[RIGHT] * (1.0 - self.crossed),
            ];
            let (dry, wet) = dry_wet(mix.at(frame));
            let back = feedback * returned_gain;
            let mut recorded = [0.0; 2];
            for side in [LEFT, RIGHT] {
                let here = heard[side] + self.crossed * (heard[1 - side] - heard[side]);
                recorded[side] = sent[side] + back * here;
            }
            let kept = record.next(recorded, &tape);
            for side in [LEFT, RIGHT] {
                block.tapes.write(side, frame, hush(kept[side]));
                let echo = wet * tape.makeup * heard_gain * heard[side];
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
    fn move_heads(&mut self, block: &Block, frame: usize, drift: f32, record_frames: f64) {
        let sample_rate_hz = block.sample_rate_hz;
        let wander = f64::from(self.wander_secs(block, frame, drift) * sample_rate_hz);
        let (time_frames, jumps) = self.time_frames(block, frame);
        for (head, distance) in self.heads.iter_mut().zip([1.0, 2.0, 3.0]) {
            let goal_frames = distance * time_frames + wander - record_frames;
            if jumps {
                head.cross(goal_frames);
            } else {
                head.glide(goal_frames, sample_rate_hz);
            }
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

    /// The time that the first head is on its way to, in frames, and whether the
    /// heads cross over to it because the clock has another tempo.
    #[inline(always)]
    fn time_frames(&mut self, block: &Block, frame: usize) -> (f64, bool) {
        let clock = block.input(CLOCK);
        let cv = block.input(TIME_CV);
        let octaves = block.ramp(TIME_AMOUNT).at(frame) * cv.at(0, frame);
        let ratio = if cv.is_patched() { exp2(octaves.clamp(-20.0, 20.0)) } else { 1.0 };
        let clocks = CLOCKS[block.choice(DIVISION).min(CLOCKS.len() - 1)];
        let reach = FURTHEST * ratio * clocks;
        let may_jump = !self.heads[0].crosses();
        let (clock_frames, jumps) =
            self.clock.next(clock.at(0, frame), reach, may_jump, block.sample_rate_hz);

        let longest_frames = f64::from(LONGEST_SECS * block.sample_rate_hz);
        let is_clocked = clock.is_patched() && clock_frames > 0.0;
        let mut frames = f64::from(block.ramp(TIME).at(frame) * block.sample_rate_hz);
        if is_clocked {
            frames = clock_frames * f64::from(clocks);
            // A clock that wavers around the longest time does not halve it.
            while frames > 1.01 * longest_frames {
                frames *= 0.5;
            }
        }
        ((frames * f64::from(ratio)).min(longest_frames), is_clocked && jumps)
    }

    /// How late the tape is by its own faults, in seconds.
    #[inline(always)]
    fn wander_secs(&mut self, block: &Block, frame: usize, slowly: f32) -> f32 {
        let sample_rate_hz = block.sample_rate_hz;
        self.wow.advance(WOW_HZ, sample_rate_hz);
        self.flutter.advance(FLUTTER_HZ, sample_rate_hz);
        let [first, second] = &mut self.drift;
        let drift = second.lowpass(first.lowpass(self.drift_goal, slowly), slowly);
        block.ramp(WOW).at(frame) * (WOW_SECS * self.wow.ahead(0.0) + DRIFT_SECS * drift)
            + block.ramp(FLUTTER).at(frame) * FLUTTER_SECS * self.flutter.ahead(0.0)
    }

    /// What the heads hear together, on both sides.
    #[inline(always)]
    fn play(&mut self, block: &Block, frame: usize, filters: &Filters, feedback: f32) -> [f32; 2] {
        let mut heard = [0.0; 2];
        for (head, playing) in self.heads.iter_mut().zip(self.playing) {
            if playing > 0.0 {
                let now = block.frame + frame as u64;
                let level = playing * self.recording.level(now, head.delay_frames() as f32);
                for side in [LEFT, RIGHT] {
                    heard[side] += level * head.hear(&block.tapes, side, side, frame);
                }
            }
        }
        let high = filters.high(feedback);
        for side in [LEFT, RIGHT] {
            let dull = self.lowpass[side].lowpass(heard[side], filters.low);
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

/// What each pass loses, and how the belt drifts.
struct Filters {
    low: f32,
    high: f32,
    rumble: [f32; 2],
    drift: f32,
}

impl Filters {
    #[inline(always)]
    fn new(block: &Block) -> Filters {
        let rate_hz = block.sample_rate_hz;
        let (low_hz, high_hz) = (block.param(LOWPASS), block.param(HIGHPASS));
        let rumble = [HELD_RUMBLE_HZ, RUMBLE_HZ].map(|hz| coefficient(hz, rate_hz));
        Filters {
            low: if low_hz >= HIGHEST_HZ { 1.0 } else { coefficient(low_hz, rate_hz) },
            high: if high_hz <= LOWEST_HZ { 0.0 } else { coefficient(high_hz, rate_hz) },
            rumble,
            drift: coefficient(DRIFT_HZ, rate_hz),
        }
    }

    /// The highpass; open, it is all but closed where echoes stay for ever.
    #[inline(always)]
    fn high(&self, feedback: f32) -> f32 {
        let gains = (20.0 * (feedback - 1.0)).clamp(-1.0, 1.0).abs();
        self.high.max(self.rumble[0] + gains * (self.rumble[1] - self.rumble[0]))
    }
}

/// The tape, by its drive.
struct Tape {
    /// What it holds at most.
    volts: f32,
    /// How far it bends what is recorded, 0 to 1.
    bends: f32,
    /// Half of what a signal of 5 V loses to it, in dB, is given back.
    makeup: f32,
}

impl Tape {
    #[inline(always)]
    fn new(drive: f32) -> Tape {
        let volts = TAPE_VOLTS * exp2(-DRIVE_OCTAVES * drive);
        let bends = (drive * (1.0 / FULL_DRIVE)).min(1.0);
        let over = 5.0 / volts;
        let makeup = (1.0 + over * over).sqrt().sqrt();
        Tape { volts, bends, makeup: 1.0 + bends * (makeup - 1.0) }
    }

    /// How late the recording amplifier is.
    #[inline(always)]
    fn late_frames(&self, is_fine: bool) -> f64 {
        let bent = RECORD_FRAMES[usize::from(is_fine)];
        CLEAN_FRAMES as f64 + f64::from(self.bends) * (bent - CLEAN_FRAMES as f64)
    }
}

/// What the tape makes of what is recorded, in parts of what it holds.
struct Full;

impl Curve<Lanes> for Full {
    #[inline(always)]
    fn means(&self, points: &[Lanes], means: &mut [Lanes]) {
        for k in 0..means.len() {
            means[k] = soft(points[k], points[k + 1]);
        }
    }
}

impl Curve<f32> for Full {
    #[inline(always)]
    fn means(&self, points: &[f32], means: &mut [f32]) {
        for k in 0..means.len() {
            means[k] = soft(points[k], points[k + 1]);
        }
    }
}

/// The recording amplifier at work.
struct Record {
    is_fine: bool,
    up: HalfBand<Lanes, QUICK>,
    up_again: HalfBand<Lanes, WIDE>,
    down: HalfBand<Lanes, QUICK>,
    down_first: HalfBand<Lanes, WIDE>,
    far_up: Eightfold<Lanes>,
    far_down: Eightfold<Lanes>,
    finer: [Finer<f32>; 2],
    past: [[f32; CLEAN_FRAMES]; 2],
}

impl Record {
    #[inline(always)]
    fn load(state: &RecordState, is_fine: bool) -> Record {
        Record {
            is_fine,
            up: HalfBand::load(&state.up, 0),
            up_again: HalfBand::load(&state.up_again, 0),
            down: HalfBand::load(&state.down, 0),
            down_first: HalfBand::load(&state.down_first, 0),
            far_up: Eightfold::<Lanes>::load(&state.far_up, 0),
            far_down: Eightfold::<Lanes>::load(&state.far_down, 0),
            finer: [Finer::load(&state.finer[LEFT], 0), Finer::load(&state.finer[RIGHT], 0)],
            past: state.past,
        }
    }

    #[inline(always)]
    fn store(&self, state: &mut RecordState) {
        self.up.store(&mut state.up, 0);
        self.up_again.store(&mut state.up_again, 0);
        self.down.store(&mut state.down, 0);
        self.down_first.store(&mut state.down_first, 0);
        self.far_up.store(&mut state.far_up, 0);
        self.far_down.store(&mut state.far_down, 0);
        for side in [LEFT, RIGHT] {
            self.finer[side].store(&mut state.finer[side], 0);
        }
        state.past = self.past;
    }

    /// What the tape keeps of both sides.
    #[inline(always)]
    fn next(&mut self, volts: [f32; 2], tape: &Tape) -> [f32; 2] {
        // Bounded, so that its square stays finite.
        let volts = [volts[LEFT].clamp(-1e6, 1e6), volts[RIGHT].clamp(-1e6, 1e6)];
        let mut kept = [0.0; 2];
        for side in [LEFT, RIGHT] {
            let past = &mut self.past[side];
            kept[side] = soft_clip(past[CLEAN_FRAMES - 1], KNEE_VOLTS, LIMIT_VOLTS);
            past.copy_within(..CLEAN_FRAMES - 1, 1);
            past[0] = volts[side];
        }
        let bent = if self.is_fine { self.bend_fine(volts, tape) } else { self.bend(volts, tape) };
        for side in [LEFT, RIGHT] {
            // To the bit, where it bends nothing.
            if tape.bends > 0.0 {
                kept[side] += tape.bends * (bent[side] - kept[side]);
            }
        }
        kept
    }

    /// At four times the rate, in halves of a step.
    #[inline(always)]
    fn bend(&mut self, volts: [f32; 2], tape: &Tape) -> [f32; 2] {
        let mut quarters = [[0.0; 4]; 2];
        for (half, frames) in self.up.up(both(volts, 1.0 / tape.volts)).into_iter().enumerate() {
            for (n, frames) in self.up_again.up(frames).into_iter().enumerate() {
                let frames = frames.to_lanes();
                quarters[LEFT][2 * half + n] = frames[LEFT];
                quarters[RIGHT][2 * half + n] = frames[RIGHT];
            }
        }
        let bent = bend_rows::<2, 4, 2>(&mut self.finer, quarters, &Full);
        let mut halves = [Lanes::default(); 2];
        for half in 0..2 {
            let pair = |n: usize| both([bent[LEFT][n], bent[RIGHT][n]], 1.0);
            halves[half] = self.down_first.down([pair(2 * half), pair(2 * half + 1)]);
        }
        let kept = (self.down.down(halves) * tape.volts.into()).to_lanes();
        [kept[LEFT], kept[RIGHT]]
    }

    /// At eight times the rate, in eighths of a step.
    #[inline(always)]
    fn bend_fine(&mut self, volts: [f32; 2], tape: &Tape) -> [f32; 2] {
        let eighths = self.far_up.up(both(volts, 1.0 / tape.volts));
        let mut rows = [[0.0; 8]; 2];
        for n in 0..8 {
            let frames = eighths[n].to_lanes();
            rows[LEFT][n] = frames[LEFT];
            rows[RIGHT][n] = frames[RIGHT];
        }
        for side in [LEFT, RIGHT] {
            rows[side] = self.finer[side].bend::<8, 8>(rows[side], &Full, &Full);
        }
        let mut bent = eighths;
        for n in 0..8 {
            bent[n] = both([rows[LEFT][n], rows[RIGHT][n]], 1.0);
        }
        let kept = (self.far_down.down(bent) * tape.volts.into()).to_lanes();
        [kept[LEFT], kept[RIGHT]]
    }
}

#[inline(always)]
fn both(volts: [f32; 2], gain: f32) -> Lanes {
    let mut lanes = [0.0; LANES];
    lanes[LEFT] = volts[LEFT] * gain;
    lanes[RIGHT] = volts[RIGHT] * gain;
    Lanes::from_lanes(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz};

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
            let shown = rig.display()[0] + CLEAN_FRAMES as f32 / RATE_HZ;
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
            let loud = peak(out.main()) / Tape::new(drive).makeup;
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
    fn a_machine_as_new_holds_a_burst_of_noise_for_a_minute() {
        for (time_secs, rate_hz) in
            [(0.02, 48_000.0), (0.123_4, 44_100.0), (0.28, 48_000.0), (1.0, 96_000.0f32)]
        {
            let mut rig = Rig::new::<TapeDelay>(rate_hz);
            rig.set("mix", 1.0).set("feedback", 1.0).set("time", time_secs).set("drive", 0.0);
            rig.set("wow", 0.0).set("flutter", 0.0);
            rig.set("lowpass", 20_000.0).set("highpass", 20.0);
            crate::rig::held::assert_holds(&mut rig, time_secs, |_| {});
        }
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
