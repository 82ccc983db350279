//! Where the phase of one channel makes its waves jump or bend.

use std::f32::consts::TAU;

use sostenuto_dsp::blep::{Edged, ORDERS};
use sostenuto_dsp::phase::{self, TURN};
use sostenuto_dsp::sine::sine_of_triangle;

use super::{SAW, SINE, SQUARE, TRIANGLE, WAVES, sub_level};

/// The pulse width on its way through a frame: a cubic through four frames'
/// widths, from the second to the third (Everett's formula).
#[derive(Clone, Copy)]
struct Width {
    ends: [i64; 2],
    /// Second differences at both ends, divided by -6.
    bends: [f32; 2],
}

impl Width {
    #[inline(always)]
    fn of(past: [i32; 4]) -> Width {
        let [a, b, c, d] = past.map(|width| i64::from(width as u32));
        let bend = |a: i64, b: i64, c: i64| (a - 2 * b + c) as f32 * (-1.0 / 6.0);
        Width { ends: [b, c], bends: [bend(a, b, c), bend(b, c, d)] }
    }

    /// How far it is from the straight line at a time from 0 to 1.
    #[inline(always)]
    fn bulge(&self, time: f32) -> f32 {
        time * (1.0 - time) * ((2.0 - time) * self.bends[0] + (1.0 + time) * self.bends[1])
    }

    #[inline(always)]
    fn at(&self, time: f32) -> i64 {
        if time == 1.0 {
            return self.ends[1];
        }
        let way = (self.ends[1] - self.ends[0]) as f32;
        self.ends[0] + (way * time + self.bulge(time)) as i64
    }
}

/// The way of one channel's phase through a frame or a part of it.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// At both ends, not wrapped: a turn is 2^32.
    phases: [i64; 2],
    /// Of both ends: the frame lasts from 0 to 1.
    times: [f32; 2],
    width: Width,
}

impl Way {
    /// A whole frame's, from a phase by a step.
    #[inline(always)]
    pub(super) fn of([from, step]: [i32; 2], widths: [i32; 4]) -> Way {
        let from = i64::from(from as u32);
        Way { phases: [from, from + i64::from(step)], times: [0.0, 1.0], width: Width::of(widths) }
    }

    /// The part before sync comes, so many frames before the end.
    #[inline(always)]
    pub(super) fn until(self, late: f32) -> Way {
        let [from, to] = self.phases;
        Way { phases: [from, to - self.rest(late)], times: [0.0, 1.0 - late], ..self }
    }

    /// How far the phase goes after that.
    #[inline(always)]
    fn rest(&self, late: f32) -> i64 {
        let [from, to] = self.phases;
        ((to - from) as f32 * late) as i64
    }

    #[inline(always)]
    fn frames(&self) -> f32 {
        self.times[1] - self.times[0]
    }

    /// Turns a frame.
    #[inline(always)]
    fn speed(&self) -> f32 {
        (self.phases[1] - self.phases[0]) as f32 / (TURN * self.frames())
    }

    /// How many frames before the frame's end the phase was there.
    #[inline(always)]
    fn lateness(&self, place: i64) -> f32 {
        let [from, to] = self.phases;
        let left = self.frames() * ((to - place) as f32 / (to - from) as f32);
        1.0 - self.times[1] + left
    }

    /// How far the phase is past the pulse's end, at both ends.
    #[inline(always)]
    fn past_width(&self) -> [i64; 2] {
        [0, 1].map(|end| self.phases[end] - self.width.at(self.times[end]))
    }

    /// How many frames before the frame's end the phase was that far past the
    /// pulse's end.
    #[inline(always)]
    fn width_lateness(&self, past: i64) -> f32 {
        let ends = self.past_width();
        let bulges = self.times.map(|time| self.width.bulge(time));
        let straight = (ends[1] - ends[0]) as f32 + bulges[1] - bulges[0];
        let frames_per_phase = self.frames() / straight;
        let left = (ends[1] - past) as f32;
        let mut frames = left * frames_per_phase;
        for _ in 0..3 {
            let bulge = bulges[1] - self.width.bulge(self.times[1] - frames);
            frames = ((left + bulge) * frames_per_phase).clamp(0.0, self.frames());
        }
        1.0 - self.times[1] + frames
    }
}

/// Where one channel's edges go.
pub(super) struct Edges<'a> {
    pub(super) waves: &'a mut [Edged; WAVES],
    pub(super) hears: [bool; WAVES],
    pub(super) sub: &'a mut Edged,
    pub(super) sub_bit: i32,
    pub(super) turns: &'a mut i32,
    pub(super) group: usize,
    pub(super) lane: usize,
    pub(super) frame: usize,
}

impl Edges<'_> {
    /// Goes a way, and makes the edges that lie there. Returns the phase at
    /// its end.
    #[inline(always)]
    pub(super) fn pass(&mut self, way: Way) -> i32 {
        let forward = if way.phases[1] > way.phases[0] { 1.0 } else { -1.0 };
        for quarter in passed(way.phases, 30) {
            let late = way.lateness(quarter << 30);
            match quarter & 3 {
                0 => {
                    self.step(SQUARE, late, 2.0 * forward);
                    self.count(late, forward);
                }
                1 => self.corner(TRIANGLE, late, -8.0 * forward * way.speed()),
                2 => self.step(SAW, late, -2.0 * forward),
                _ => self.corner(TRIANGLE, late, 8.0 * forward * way.speed()),
            }
        }
        if !self.hears[SQUARE] {
            return way.phases[1] as i32;
        }
        let past_width = way.past_width();
        for turn in passed(past_width, 32) {
            let height = if past_width[1] > past_width[0] { -2.0 } else { 2.0 };
            self.step(SQUARE, way.width_lateness(turn << 32), height);
        }
        way.phases[1] as i32
    }

    /// Another whole turn, forwards or backwards.
    #[inline(always)]
    fn count(&mut self, late: f32, forward: f32) {
        if self.sub_bit == 0 {
            return;
        }
        let before = sub_level(*self.turns, self.sub_bit);
        *self.turns = self.turns.wrapping_add(forward as i32);
        let height = sub_level(*self.turns, self.sub_bit) - before;
        if height != 0.0 {
            self.sub.step(self.group, self.lane, self.frame, late, height);
        }
    }

    /// Turns around where sync comes on a frame's way, at a phase. Returns the rest of
    /// the way, backwards.
    #[inline(always)]
    pub(super) fn turn(&mut self, way: Way, late: f32, reached: i32) -> Way {
        let speed = way.speed();
        self.corner(SAW, late, -4.0 * speed);
        let is_rising = reached.wrapping_add(1 << 30) >= 0;
        self.corner(TRIANGLE, late, if is_rising { -8.0 * speed } else { 8.0 * speed });
        // Of a sine run backwards, every other derivative is upside down.
        let cosine = sine_of_triangle(phase::triangle::<f32, 1>([reached.wrapping_add(1 << 30)]));
        self.jump_sine(late, speed, [0.0, -2.0, 0.0, 2.0, 0.0, -2.0].map(|sign| sign * cosine));

        let reached = i64::from(reached as u32);
        Way { phases: [reached, reached - way.rest(late)], times: [1.0 - late, 1.0], ..way }
    }

    /// Begins anew where sync comes on a frame's way, at a phase. Returns the rest of
    /// the way.
    #[inline(always)]
    pub(super) fn reset(&mut self, way: Way, late: f32, reached: i32) -> Way {
        let speed = way.speed();
        let time = 1.0 - late;
        let is_high = phase::is_less(reached, way.width.at(time) as i32);
        self.step(SAW, late, -phase::saw::<f32, 1>([reached]));
        self.step(SQUARE, late, if is_high { 0.0 } else { 2.0 });
        let triangle = phase::triangle::<f32, 1>([reached]);
        let is_rising = reached.wrapping_add(1 << 30) >= 0;
        self.step(TRIANGLE, late, -triangle);
        self.corner(TRIANGLE, late, if is_rising { 0.0 } else { 8.0 * speed });
        // Each derivative of a sine is the one before a quarter turn on.
        let sine = sine_of_triangle(triangle);
        let cosine = sine_of_triangle(phase::triangle::<f32, 1>([reached.wrapping_add(1 << 30)]));
        self.jump_sine(late, speed, [-sine, 1.0 - cosine, sine, cosine - 1.0, -sine, 1.0 - cosine]);

        Way { phases: [0, way.rest(late)], times: [time, 1.0], ..way }
    }

    /// The sine and its derivatives, by the angle, jumped that far.
    #[inline(always)]
    fn jump_sine(&mut self, late: f32, speed: f32, by_angle: [f32; ORDERS]) {
        // Their sum holds below 15 kHz at 48 kHz.
        let angle_per_frame = (TAU * speed).clamp(-2.0, 2.0);
        let mut scale = 1.0;
        let derivatives = by_angle.map(|derivative| {
            let scaled = derivative * scale;
            scale *= angle_per_frame;
            scaled
        });
        if !self.hears[SINE] {
            return;
        }
        self.waves[SINE].jump(self.group, self.lane, self.frame, late, derivatives);
    }

    #[inline(always)]
    fn step(&mut self, wave: usize, late: f32, height: f32) {
        if !self.hears[wave] {
            return;
        }
        self.waves[wave].step(self.group, self.lane, self.frame, late, height);
    }

    #[inline(always)]
    fn corner(&mut self, wave: usize, late: f32, bend: f32) {
        if !self.hears[wave] {
            return;
        }
        self.waves[wave].corner(self.group, self.lane, self.frame, late, bend);
    }
}

/// The multiples of `2^bits` that lie on a way.
#[inline(always)]
fn passed(way: [i64; 2], bits: u32) -> std::ops::RangeInclusive<i64> {
    let [from, to] = way.map(|phase| phase >> bits);
    from.min(to) + 1..=from.max(to)
}
