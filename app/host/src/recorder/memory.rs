//! The last minutes of what was heard, in case somebody wants to keep them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::Frame;

/// Frames that are kept or forgotten together.
const CHUNK: usize = 16_384;

/// A stretch of sound.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// In Hz.
    pub rate: u32,
    /// Frames that are left out at its start.
    from: usize,
    sound: Sound,
}

#[derive(Clone, Debug)]
enum Sound {
    Frames(Arc<Vec<Frame>>),
    /// That many frames of nothing.
    Silence(usize),
}

impl Stretch {
    fn new(rate: u32, frames: Vec<Frame>) -> Stretch {
        let is_silent = frames.as_flattened().iter().all(|sample| sample.to_bits() == 0);
        let sound = match is_silent {
            true => Sound::Silence(frames.len()),
            false => Sound::Frames(Arc::new(frames)),
        };
        Stretch { rate, from: 0, sound }
    }

    /// How many frames it has.
    pub fn len(&self) -> usize {
        let all = match &self.sound {
            Sound::Frames(frames) => frames.len(),
            Sound::Silence(count) => *count,
        };
        all - self.from
    }

    /// Its frames. `None`: they are all silent.
    pub fn frames(&self) -> Option<&[Frame]> {
        match &self.sound {
            Sound::Frames(frames) => Some(&frames[self.from..]),
            Sound::Silence(_) => None,
        }
    }

    fn secs(&self) -> f64 {
        self.len() as f64 / f64::from(self.rate)
    }
}

/// What was heard last. Silence costs nothing.
#[derive(Debug)]
pub struct Memory {
    most_secs: f64,
    stretches: VecDeque<Stretch>,
    /// The newest, not whole yet.
    open: Vec<Frame>,
    rate: u32,
    /// How much is in `stretches`.
    secs: f64,
}

impl Memory {
    /// Remembers so much, and a little more. 0: nothing.
    pub fn new(most_secs: f64) -> Memory {
        Memory { most_secs, stretches: VecDeque::new(), open: Vec::new(), rate: 0, secs: 0.0 }
    }

    /// How much is remembered.
    pub fn secs(&self) -> f64 {
        let open = self.open.len() as f64 / f64::from(self.rate.max(1));
        (self.secs + open).min(self.most_secs)
    }

    /// Remembers more.
    pub fn push(&mut self, rate: u32, mut frames: &[Frame]) {
        if self.most_secs <= 0.0 {
            return;
        }
        self.go_over_to(rate);
        while !frames.is_empty() {
            let (now, rest) = frames.split_at(frames.len().min(CHUNK - self.open.len()));
            self.open.extend_from_slice(now);
            frames = rest;
            if self.open.len() == CHUNK {
                self.close();
            }
        }
    }

    /// Remembers so many silent frames.
    pub fn push_silence(&mut self, rate: u32, frames: usize) {
        if self.most_secs > 0.0 && frames > 0 {
            self.go_over_to(rate);
            self.close();
            self.keep(Stretch { rate, from: 0, sound: Sound::Silence(frames) });
        }
    }

    /// The last seconds, exactly so many, or as many as there are.
    pub fn last(&self, secs: f64) -> Vec<Stretch> {
        let open = Stretch::new(self.rate.max(1), self.open.clone());
        let mut last = Vec::new();
        let mut wanted_secs = secs.min(self.most_secs);
        for stretch in [&open].into_iter().chain(self.stretches.iter().rev()) {
            let wanted = (wanted_secs * f64::from(stretch.rate)).round() as usize;
            let mut stretch = stretch.clone();
            stretch.from += stretch.len().saturating_sub(wanted);
            if stretch.len() > 0 {
                wanted_secs -= stretch.secs();
                last.push(stretch);
            }
        }
        last.reverse();
        last
    }

    fn go_over_to(&mut self, rate: u32) {
        if rate != self.rate {
            self.close();
            self.rate = rate;
        }
        if self.open.capacity() == 0 {
            self.open.reserve_exact(CHUNK);
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let stretch = Stretch::new(self.rate, self.open.clone());
            self.open.clear();
            self.keep(stretch);
        }
    }

    fn keep(&mut self, stretch: Stretch) {
        self.secs += stretch.secs();
        match (self.stretches.back_mut(), &stretch.sound) {
            (Some(Stretch { rate, sound: Sound::Silence(last), .. }), Sound::Silence(more))
                if *rate == stretch.rate =>
            {
                *last += more;
            }
            _ => self.stretches.push_back(stretch),
        }
        // Sound is forgotten by the chunk, silence by the frame.
        while let Some(first) = self.stretches.front_mut() {
            let surplus_secs = self.secs - self.most_secs;
            let whole_secs = first.secs();
            if surplus_secs >= whole_secs {
                self.secs -= whole_secs;
                self.stretches.pop_front();
                continue;
            }
            if let Sound::Silence(_) = first.sound
                && surplus_secs > 0.0
            {
                first.from += (surplus_secs * f64::from(first.rate)) as usize;
                self.secs -= whole_secs - first.secs();
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(from: usize, count: usize) -> Vec<Frame> {
        (from..from + count).map(|n| [n as f32 + 1.0, -1.0]).collect()
    }

    fn flat(stretches: &[Stretch]) -> Vec<Frame> {
        let all = stretches.iter().flat_map(|stretch| match stretch.frames() {
            Some(frames) => frames.to_vec(),
            None => vec![[0.0; 2]; stretch.len()],
        });
        all.collect()
    }

    #[test]
    fn the_last_seconds_come_back_as_they_were() {
        let mut memory = Memory::new(100.0);
        (0..70).for_each(|n| memory.push(1000, &frames(1000 * n, 1000)));
        assert_eq!(memory.secs(), 70.0);
        assert_eq!(flat(&memory.last(1e9)), frames(0, 70_000));
        assert_eq!(flat(&memory.last(20.0)), frames(50_000, 20_000));
        assert_eq!(flat(&memory.last(0.5)), frames(69_500, 500));
        assert_eq!(memory.last(0.0).len(), 0);
    }

    #[test]
    fn what_is_too_old_is_forgotten_and_no_more_than_a_chunk_is_kept_beyond() {
        let mut memory = Memory::new(50.0);
        (0..200).for_each(|n| memory.push(1000, &frames(1000 * n, 1000)));
        assert_eq!(memory.secs(), 50.0);
        assert_eq!(flat(&memory.last(1e9)), frames(150_000, 50_000));
        let kept: usize = memory.stretches.iter().map(Stretch::len).sum();
        assert!(kept + memory.open.len() < 50_000 + 2 * CHUNK, "{kept}");
    }

    #[test]
    fn silence_takes_no_room() {
        let mut memory = Memory::new(3600.0);
        (0..3600).for_each(|_| memory.push(48_000, &[[0.0; 2]; 48_000]));
        memory.push_silence(48_000, 48_000 * 1000);
        assert!(memory.stretches.len() <= 1);
        assert!((memory.secs() - 3600.0).abs() < 1.0);
        // A negative zero is no silence: it comes back as it was.
        memory.push(48_000, &[[-0.0; 2]]);
        assert_eq!(flat(&memory.last(1.0 / 48_000.0))[0][0].to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn another_rate_begins_another_stretch_and_no_memory_keeps_nothing() {
        let mut memory = Memory::new(10.0);
        memory.push(1000, &frames(0, 1500));
        memory.push(2000, &frames(1500, 1000));
        let rates: Vec<(u32, usize)> =
            memory.last(1.0).iter().map(|stretch| (stretch.rate, stretch.len())).collect();
        assert_eq!(rates, [(1000, 500), (2000, 1000)]);
        let mut none = Memory::new(0.0);
        none.push(1000, &frames(0, 1500));
        assert_eq!((none.secs(), none.last(10.0).len()), (0.0, 0));
    }
}
