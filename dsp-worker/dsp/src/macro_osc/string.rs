//! A plucked or bowed string: a loop of tape as long as a cycle.
//!
//! Karplus and Strong, "Digital synthesis of plucked-string and drum timbres",
//! and Jaffe and Smith, "Extensions of the Karplus-Strong plucked-string
//! algorithm", both Computer Music Journal 7(2), 1983. The loop's filter is
//! symmetric, so it does not detune the string.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use crate::ages::Ages;
use crate::lane::each;
use crate::random::Random;
use crate::rate_change::RateChange;
use crate::tape::Tapes;
use crate::units::CHANNELS;
use crate::{exp2, lagrange};

/// The lowest string, in Hz.
const LOWEST_HZ: f32 = 20.0;
/// The shortest loop, in frames.
const SHORTEST_FRAMES: f32 = 4.0;
const OCTAVES_OF_60_DB: f32 = 9.965_784;

/// What strings remember beside their tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Strings {
    /// The frame at which the model was chosen: tapes older than that are of
    /// another time.
    began_frame: u64,
    /// The frame of each one's last pluck, and how long its cycle was then.
    plucked_frame: [u64; CHANNELS],
    cycle_frames: [f32; CHANNELS],
    /// How hard each is bowed: it begins softly.
    bow: [f32; CHANNELS],
    ages: Ages,
}

/// What a string is told for a frame.
#[derive(Clone, Copy)]
pub struct Hand {
    /// The pitch, in turns a frame.
    pub turns: f32,
    /// Where it is plucked and picked up: 0 in the middle, 1 at the bridge.
    pub place: f32,
    /// How much of the overtones stays.
    pub brightness: f32,
    /// How long it rings: 0 is damped at once, 1 sounds on.
    pub ring: f32,
    /// Whether it is plucked now.
    pub is_plucked: bool,
    /// Whether it is bowed: while nothing plucks it.
    pub is_bowed: bool,
}

/// The longest delays of the tapes.
pub fn tapes(sample_rate_hz: f32) -> Vec<usize> {
    vec![(sample_rate_hz / LOWEST_HZ) as usize + 8; CHANNELS]
}

impl Strings {
    /// Goes on at another sample rate, with tapes on which nothing is.
    pub fn change_rate(&mut self, change: &RateChange) {
        *self = Strings { began_frame: change.to_frame, bow: self.bow, ..Zeroable::zeroed() };
    }

    /// What those strings have played is not heard any more.
    pub fn forget(&mut self, channels: &Range<usize>) {
        self.plucked_frame[channels.clone()].fill(0);
        self.bow[channels.clone()].fill(0.0);
        self.ages.begin(channels);
    }

    /// From here on tapes count.
    pub fn begin(&mut self, frame: u64) {
        *self = Zeroable::zeroed();
        self.began_frame = frame;
    }

    /// The next frame of one string; `now` is that frame, counted from the start
    /// of the sound, and `frame` from that of the quantum. Beside it, what is
    /// picked up in the hand's place.
    #[inline(always)]
    pub fn next(
        &mut self,
        tapes: &mut Tapes,
        channel: usize,
        frame: usize,
        now: u64,
        sample_rate_hz: f32,
        hand: &Hand,
    ) -> [f32; 2] {
        let channel = channel % CHANNELS;
        let longest = sample_rate_hz / LOWEST_HZ;
        let cycle = (1.0 / hand.turns).clamp(SHORTEST_FRAMES, longest);
        // Plucked between a half and a twentieth of its length.
        let place = (0.5 - 0.45 * hand.place) * cycle;
        if hand.is_plucked {
            self.plucked_frame[channel] = now + 1;
            self.cycle_frames[channel] = cycle;
        }
        let age = now.saturating_sub(self.began_frame) as usize;
        let age = age.min(self.ages.frames(channel));
        self.ages.next(channel);
        let back = self.around(tapes, channel, frame, cycle, age, hand.brightness);
        // From 50 ms to 20 s, and less at high pitches, as of a real string.
        let secs = 0.05 * exp2(8.6 * hand.ring);
        let gain = exp2(-OCTAVES_OF_60_DB * cycle / (secs * sample_rate_hz));
        let push = self.pluck(channel, now, place) + self.bow(channel, now, hand, gain);
        let volts = gain * back + push;
        tapes.write(channel, frame, if volts.abs() < 1e-15 { 0.0 } else { volts });
        let there = (place as usize).max(1);
        let there = if there > age { 0.0 } else { tapes.read(channel, frame, there) };
        [volts, volts - there]
    }

    /// What comes back around the loop, a little duller.
    #[inline(always)]
    fn around(
        &self,
        tapes: &Tapes,
        channel: usize,
        frame: usize,
        cycle: f32,
        age: usize,
        brightness: f32,
    ) -> f32 {
        let whole = cycle as usize;
        let weights = lagrange(cycle - whole as f32);
        let dull = 1.0 - brightness;
        let side = 0.25 * dull * dull;
        let read = |delay: usize| {
            if delay > age || delay == 0 { 0.0 } else { tapes.read(channel, frame, delay) }
        };
        // Six frames around the place: four weights, each blurred by the filter.
        let frames: [f32; 6] = each(|at| read(whole + at - 2));
        let mut sum = 0.0;
        for (at, weight) in weights.into_iter().enumerate() {
            let blurred =
                frames[at + 1] * (1.0 - 2.0 * side) + (frames[at] + frames[at + 2]) * side;
            sum += weight * blurred;
        }
        sum
    }

    /// A cycle of noise, and the same again upside down from the other end of
    /// the string: what is plucked in a place has no overtones that rest there.
    #[inline(always)]
    fn pluck(&self, channel: usize, now: u64, place: f32) -> f32 {
        let plucked = self.plucked_frame[channel];
        let since = now.wrapping_add(1).wrapping_sub(plucked);
        let cycle = self.cycle_frames[channel] as u64;
        let later = place as u64;
        if plucked == 0 || since >= cycle + later {
            return 0.0;
        }
        let noise = |at: u64| Random::new(plucked << 20 ^ at ^ (channel as u64) << 56).bipolar();
        let mut push = 0.0;
        if since < cycle {
            push += noise(since);
        }
        if since >= later {
            push -= noise(since - later);
        }
        0.45 * push
    }

    /// A little noise all the time.
    #[inline(always)]
    fn bow(&mut self, channel: usize, now: u64, hand: &Hand, gain: f32) -> f32 {
        let goal = if hand.is_bowed { 0.6 } else { 0.0 };
        self.bow[channel] += 0.001 * (goal - self.bow[channel]);
        if self.bow[channel] < 1e-6 {
            return 0.0;
        }
        let noise = Random::new(now ^ (channel as u64) << 48).bipolar();
        // The longer it rings the more adds up.
        self.bow[channel] * (1.0 - gain * gain).max(0.0).sqrt() * noise
    }
}
