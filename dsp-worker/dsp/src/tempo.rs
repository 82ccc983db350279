//! The tempo of a clock, for everything that keeps time with one.
//!
//! A clock swings, comes late by chance, stops and goes on. None of that is
//! another tempo. So the tempo is the mean of two intervals, smoothed; an odd
//! interval changes nothing, and only intervals that agree with each other set
//! a new tempo.

use bytemuck::{Pod, Zeroable};

use super::schmitt::Schmitt;
use crate::rate_change::RateChange;

/// The most that chance makes a clock late, in seconds: one from outside is up
/// to a block of 256 frames late.
const JITTER_SECS: f32 = 6e-3;
/// An interval that differs by less never counts as odd, in seconds.
const STEADY_SECS: f32 = 3e-4;
/// Over how many intervals the tempo is smoothed.
const SMOOTH_INTERVALS: f32 = 16.0;
/// How many intervals until jitter is forgotten.
const FORGET_INTERVALS: f32 = 64.0;
/// How quickly jitter may be forgotten at the start, in intervals.
const FIRST_INTERVALS: f32 = 12.0;
/// Two halves of a swung pair differ by less than this factor.
const MOST_SWING: f32 = 3.2;

/// The memory of a clock input: its gate, its tempo, and the time since the last
/// clock. It begins as all zeros.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Tempo {
    clock: Schmitt,
    /// At the next frame; 0 where no clock has come yet.
    since_frames: u32,
    /// The last intervals, the newest first.
    intervals_frames: [u32; 4],
    /// How many intervals there were, up to [`FORGET_INTERVALS`].
    count: u32,
    /// The mean interval. 0 until the second clock.
    period_frames: f32,
    /// By how much the interval that has begun is longer than the mean, as far
    /// as swing can tell.
    lean_frames: f32,
    /// How far pairs of intervals have been from the mean.
    spread_frames: f32,
    expected_frames: u32,
}

impl Tempo {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        change.all_frames([&mut self.since_frames, &mut self.expected_frames]);
        change.all_frames(&mut self.intervals_frames);
        change.all_frames([
            &mut self.period_frames,
            &mut self.lean_frames,
            &mut self.spread_frames,
        ]);
    }

    /// Takes the next frame. Whether a clock comes with it. Real-time safe.
    #[inline(always)]
    pub fn next(&mut self, volts: f32, sample_rate_hz: f32) -> bool {
        let is_clocked = self.clock.rises(volts);
        if is_clocked {
            if self.since_frames > 0 {
                self.take_interval(sample_rate_hz);
            }
            self.since_frames = 1;
        } else if self.since_frames > 0 {
            self.since_frames = self.since_frames.saturating_add(1);
        }
        is_clocked
    }

    /// Whether the clock's gate is on.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.clock.is_on()
    }

    /// The frames from clock to clock, without swing and jitter; 0 before the
    /// second clock.
    #[inline(always)]
    pub fn period_frames(&self) -> f32 {
        self.period_frames
    }

    /// How many frames the next clock will probably come after the last one,
    /// with swing; 0 before the second clock. In doubt it is the shorter time:
    /// what has to be done before the next clock is then done.
    #[inline(always)]
    pub fn expected_frames(&self) -> u32 {
        self.expected_frames
    }

    #[inline]
    fn take_interval(&mut self, sample_rate_hz: f32) {
        let [newest, newer, older, _] = self.intervals_frames;
        self.intervals_frames = [self.since_frames, newest, newer, older];
        self.count = (self.count + 1).min(FORGET_INTERVALS as u32);
        let expected = match self.count {
            1 => self.begin(self.since_frames as f32),
            2 => self.begin_with_two(),
            _ => self.judge(sample_rate_hz),
        };
        self.spread_frames = self.spread_frames.min(self.most_spread(sample_rate_hz));
        if self.count <= 2 {
            self.spread_frames = self.most_spread(sample_rate_hz);
        }
        self.expected_frames = ((expected + 0.5) as u32).max(1);
    }

    #[inline]
    fn begin(&mut self, period_frames: f32) -> f32 {
        self.period_frames = period_frames;
        period_frames
    }

    /// A swung pair, or a pause and a beat.
    #[inline]
    fn begin_with_two(&mut self) -> f32 {
        let [a, b] = [0, 1].map(|n| self.intervals_frames[n] as f32);
        let is_pair = a.max(b) < MOST_SWING * a.min(b);
        self.period_frames = if is_pair { 0.5 * (a + b) } else { a.min(b) };
        a.min(self.period_frames)
    }

    /// Whether the tempo is as it was, another, or not to be told from what has
    /// come. How long the interval that begins now will probably be.
    #[inline]
    fn judge(&mut self, sample_rate_hz: f32) -> f32 {
        let [a, b, c, d] = self.intervals_frames.map(|frames| frames as f32);
        let mean = 0.5 * (a + b);
        let off = (mean - self.period_frames).abs();
        let tolerance = self.tolerance_frames(sample_rate_hz);
        let alike = (2.0 * tolerance).max(0.5 * off);
        let is_small = off < 2.0 * JITTER_SECS * sample_rate_hz;
        let is_steady = (a - b).abs() <= alike && (!is_small || (b - c).abs() <= alike);
        let is_swung = self.count > 3
            && (a - c).abs().max((b - d).abs()) <= alike
            && a.max(b) < MOST_SWING * a.min(b);
        // Swing has the halves of a pair change places.
        self.lean_frames = -self.lean_frames;
        if off <= tolerance {
            self.keep(mean, off);
            let [a, b] = [a, b].map(|interval| interval - self.period_frames);
            self.lean_frames = if a * b < 0.0 { -a } else { a.min(0.0) };
            self.period_frames + self.lean_frames
        } else if is_steady || is_swung {
            self.period_frames = mean;
            self.lean_frames = if is_steady { 0.0 } else { mean - a };
            mean + self.lean_frames
        } else {
            self.remember(0.5 * off);
            a.min(self.period_frames - self.lean_frames.abs())
        }
    }

    #[inline]
    fn keep(&mut self, mean: f32, off: f32) {
        self.remember(off);
        // A tempo of so many frames and a half must not waver.
        if off > 1f32.min(0.01 * self.period_frames) {
            let share = (1.0 / self.count as f32).max(1.0 / SMOOTH_INTERVALS);
            self.period_frames += (mean - self.period_frames) * share;
        }
    }

    #[inline]
    fn remember(&mut self, off: f32) {
        let intervals = (self.count as f32 + FIRST_INTERVALS).min(FORGET_INTERVALS);
        self.spread_frames = (self.spread_frames * (1.0 - 1.0 / intervals)).max(off);
    }

    #[inline]
    fn most_spread(&self, sample_rate_hz: f32) -> f32 {
        (JITTER_SECS * sample_rate_hz).min(0.125 * self.period_frames)
    }

    #[inline]
    fn tolerance_frames(&self, sample_rate_hz: f32) -> f32 {
        let steady = (STEADY_SECS * sample_rate_hz).min(self.period_frames * (1.0 / 32.0));
        steady.max(1.0) + 2.0 * self.spread_frames
    }
}

/// A time that is patched to a clock may change by this share of the time that
/// goes by: less than 2 cents in a delay.
const FOLLOW: f64 = 1e-3;
/// What is further off, in seconds, is another tempo.
const CROSS_SECS: f64 = 5e-3;

/// A tempo for what plays back by it: it moves so slowly that pitch does not
/// waver, and jumps where the tempo changes.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct FollowedTempo {
    period_frames: f64,
    tempo: Tempo,
    _unused: u32,
}

impl FollowedTempo {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        change.frames(&mut self.period_frames);
        self.tempo.change_rate(change);
    }

    /// Takes the next frame of the clock. The frames from clock to clock, 0
    /// before the second clock, and whether they have just jumped, for which
    /// `may_jump` must be true. What plays back is `reach` clocks long at most.
    /// Real-time safe.
    #[inline(always)]
    pub fn next(
        &mut self,
        volts: f32,
        reach: f32,
        may_jump: bool,
        sample_rate_hz: f32,
    ) -> (f64, bool) {
        self.tempo.next(volts, sample_rate_hz);
        let way = f64::from(self.tempo.period_frames()) - self.period_frames;
        if way == 0.0 {
            return (self.period_frames, false);
        }
        let reach = f64::from(reach.max(0.01));
        let is_far = way.abs() * reach > CROSS_SECS * f64::from(sample_rate_hz);
        let jumps = self.period_frames == 0.0 || is_far && may_jump;
        if jumps {
            self.period_frames += way;
        } else if !is_far {
            self.period_frames += way.clamp(-FOLLOW / reach, FOLLOW / reach);
        }
        (self.period_frames, jumps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const RATE_HZ: f32 = 48_000.0;

    /// The tempo after every clock that comes at those frames.
    fn follow(clocks: &[u32]) -> Vec<Tempo> {
        let mut tempo = Tempo::default();
        let mut after = Vec::new();
        let mut clocks = clocks.iter().peekable();
        for frame in 0.. {
            let Some(&&next) = clocks.peek() else { return after };
            tempo.next(if frame == next { 10.0 } else { 0.0 }, RATE_HZ);
            if frame == next {
                after.push(tempo);
                clocks.next();
            }
        }
        after
    }

    /// Frames of clocks that so many intervals are apart.
    fn clocks(intervals: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut frame = 5;
        let mut clocks = vec![frame];
        for interval in intervals {
            frame += interval;
            clocks.push(frame);
        }
        clocks
    }

    fn periods(clocks: &[u32]) -> Vec<f32> {
        follow(clocks).iter().map(Tempo::period_frames).collect()
    }

    fn expected(clocks: &[u32]) -> Vec<u32> {
        follow(clocks).iter().map(Tempo::expected_frames).collect()
    }

    #[test]
    fn it_knows_the_tempo_from_the_second_clock_on() {
        let steady = clocks([100; 9]);
        assert_eq!(periods(&steady)[..3], [0.0, 100.0, 100.0]);
        assert_eq!(expected(&steady)[..3], [0, 100, 100]);
        let half_a_frame = clocks((0..400).map(|n| 2400 + n % 2));
        assert!(periods(&half_a_frame)[3..].windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn swing_is_expected_and_is_not_another_tempo() {
        for (long, short) in [(5040, 4960), (5800, 4200), (6670, 3330), (7500, 2500)] {
            let swung = clocks((0..20).map(|n| if n % 2 == 0 { long } else { short }));
            let tempos = follow(&swung);
            for (n, tempo) in tempos.iter().enumerate().skip(3) {
                assert_eq!(tempo.period_frames(), 5000.0);
                assert_eq!(tempo.expected_frames(), if n % 2 == 0 { long } else { short });
            }
        }
    }

    #[test]
    fn swing_that_begins_or_changes_leaves_the_tempo() {
        let straight = [6000; 8].into_iter();
        let swung = straight.chain([8000, 4000, 8000, 4000, 7000, 5000, 7000, 5000]);
        assert!(periods(&clocks(swung))[1..].iter().all(|&period| (period - 6000.0).abs() < 60.0));
    }

    #[test]
    fn a_pause_of_any_length_is_not_a_tempo() {
        for pause in [12_000, 13_000, 18_001, 60_000, 400_000] {
            let paused = clocks([6000, 6000, 6000, 6000, pause, 6000, 6000, pause, 6000, 6000]);
            let tempos = follow(&paused);
            assert!(tempos[1..].iter().all(|tempo| tempo.period_frames() == 6000.0), "{pause}");
            assert!(tempos[1..].iter().all(|tempo| tempo.expected_frames() == 6000), "{pause}");
        }
        // Not even where it is the first thing that comes.
        assert_eq!(periods(&clocks([90_000, 6000, 6000]))[2..], [6000.0; 2]);
    }

    #[test]
    fn after_a_pause_in_a_swung_clock_the_shorter_half_is_expected() {
        let intervals = [8000, 4000, 8000, 4000, 8000, 70_000, 8000, 4000, 8000, 4000];
        let after = &expected(&clocks(intervals))[6..];
        assert!(after.iter().zip(&intervals[6..]).all(|(expected, is)| expected <= is));
        assert_eq!(after[3..], [4000, 8000]);
    }

    #[test]
    fn another_tempo_is_taken_after_two_intervals() {
        for next in [3000, 4500, 5000, 7000, 7500, 12_000, 40_000] {
            let changed = clocks([[6000; 6], [next; 6]].concat());
            assert!(periods(&changed)[8..].iter().all(|&period| period == next as f32), "{next}");
            let early = expected(&changed)[7];
            assert_eq!(early, next.min(6000), "{next}: until then the shorter one");
        }
        // As it swings.
        let changed = clocks([[8000, 4000].repeat(4), [4000, 2000].repeat(3)].concat());
        assert_eq!(periods(&changed)[12..], [3000.0; 3]);
        assert_eq!(expected(&changed)[12..], [4000, 2000, 4000]);
    }

    #[test]
    fn a_small_change_of_a_clock_that_was_steady_is_taken_after_three_intervals() {
        for next in [5700, 5900, 6100, 6200] {
            let changed = clocks([vec![6000; 200], vec![next; 6]].concat());
            assert!(periods(&changed)[203..].iter().all(|&period| period == next as f32), "{next}");
        }
    }

    #[test]
    fn a_tempo_that_grows_is_followed() {
        let faster = clocks((0..60).map(|n| 24_000 - 200 * n));
        let periods = periods(&faster);
        for (n, period) in periods.iter().enumerate().skip(6) {
            let is = (24_000 - 200 * (n - 1)) as f32;
            assert!((period - is).abs() < 0.05 * is, "{period}, not {is}");
        }
    }

    #[test]
    fn clocks_that_come_early_or_fail_leave_the_tempo() {
        for odd in [vec![2000, 10_000], vec![3000], vec![12_000], vec![1000, 5000]] {
            let mut intervals = vec![6000; 8];
            intervals.extend(odd);
            intervals.extend([6000; 4]);
            let periods = periods(&clocks(intervals));
            assert!(periods[1..].iter().all(|&period| (period - 6000.0).abs() < 60.0));
        }
    }

    /// Clocks that are late by chance, up to so many frames, and then wait for
    /// the end of their block.
    fn late(period: f64, swing: f64, late: f32, block: f64, random: &mut Random) -> Vec<u32> {
        let mut at = |n: u32| {
            let lean = if n.is_multiple_of(2) { 0.0 } else { 2.0 * swing - 1.0 };
            let chance = f64::from(late * random.unipolar());
            (((f64::from(n + 1) + lean) * period + chance) / block).ceil() * block
        };
        (0..200).map(|n| at(n) as u32).collect()
    }

    #[test]
    fn jitter_is_smoothed() {
        let mut random = Random::new(7);
        for period in [5000.0, 6000.0, 12_000.0, 24_000.0, 48_123.4] {
            for swing in [0.5, 0.54, 0.58, 0.667, 0.75] {
                for (late, block) in [(288.0, 1.0), (576.0, 1.0), (0.0, 256.0), (100.0, 256.0)] {
                    let clocks = self::late(period, swing, late, block, &mut random);
                    for tempo in &follow(&clocks)[20..] {
                        let off = (f64::from(tempo.period_frames()) - period).abs();
                        assert!(off < 96.0, "{period} {swing} {late}: {off} frames off");
                    }
                }
            }
        }
    }

    #[test]
    fn what_follows_a_jittery_clock_does_not_jump_or_hurry() {
        let mut random = Random::new(3);
        for (late, block) in [(288.0, 1.0), (576.0, 1.0), (0.0, 256.0)] {
            let clocks = self::late(24_000.0, 0.5, late, block, &mut random);
            let mut followed = FollowedTempo::default();
            let mut before = 0.0;
            for frame in 0..clocks[199] {
                let volts = if clocks.contains(&frame) { 10.0 } else { 0.0 };
                let (period, jumps) = followed.next(volts, 4.0, true, RATE_HZ);
                if frame > 8 * 24_000 {
                    assert!(!jumps && (period - before).abs() <= 0.25e-3 + 1e-9, "{frame}");
                }
                before = period;
            }
        }
    }

    #[test]
    fn what_follows_jumps_once_where_the_tempo_changes() {
        let clocks = clocks([[6000; 6], [3000; 6]].concat());
        let mut followed = FollowedTempo::default();
        let mut jumps = Vec::new();
        for frame in 0..clocks[12] {
            let volts = if clocks.contains(&frame) { 10.0 } else { 0.0 };
            if followed.next(volts, 1.0, true, RATE_HZ).1 {
                jumps.push(frame);
            }
        }
        assert_eq!(jumps, [clocks[1], clocks[8]]);
    }
}
