//! \[rt\] How many frames a sound card takes at once.
//!
//! A sound server may ask several times in a row, and then not for a while. The
//! ring must hold what it takes in such a burst, and not only one request.

/// A burst is remembered for one to two of these, in seconds.
const MEMORY_SECS: f32 = 2.0;

/// What a card has asked for lately.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// Frames that were asked for and cannot have been played yet.
    ahead_frames: f32,
    /// The most frames at once, in this stretch of time and in the one before.
    most: [u32; 2],
    stretch_frames: f32,
}

impl Demand {
    /// The card asks for that many frames, so many seconds after it asked last.
    /// Returns how many it takes at once: whole requests. Real-time safe.
    pub fn ask(&mut self, frames: u32, since_secs: f32, sample_rate_hz: u32) -> u32 {
        let rate_hz = sample_rate_hz as f32;
        let played = since_secs * rate_hz;
        self.ahead_frames = (self.ahead_frames - played).max(0.0) + frames as f32;
        // Cards are never quite punctual: less than half a request is no burst.
        let requests = (self.ahead_frames / frames.max(1) as f32 + 0.5) as u32;
        let at_once = frames * requests.max(1);
        self.stretch_frames += played;
        if self.stretch_frames >= MEMORY_SECS * rate_hz {
            self.stretch_frames = 0.0;
            self.most = [0, self.most[0]];
        }
        self.most[0] = self.most[0].max(at_once);
        self.most[0].max(self.most[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    #[test]
    fn a_punctual_card_takes_one_request_at_once() {
        let mut demand = Demand::default();
        for turn in 0..2000 {
            // A third of a request early, then late.
            let since_frames = if turn % 2 == 0 { 171.0 } else { 341.0 };
            assert_eq!(demand.ask(256, since_frames / 48_000.0, RATE_HZ), 256);
        }
    }

    #[test]
    fn a_burst_is_remembered_for_a_few_seconds() {
        let mut demand = Demand::default();
        let calm = |demand: &mut Demand| demand.ask(480, 0.01, RATE_HZ);
        assert_eq!(calm(&mut demand), 480);
        for requests in 2..6 {
            assert_eq!(demand.ask(480, 1e-5, RATE_HZ), 480 * requests);
        }
        // The card plays what it has, and asks no sooner than it must.
        assert_eq!(demand.ask(480, 0.05, RATE_HZ), 5 * 480);
        for _ in 0..190 {
            assert_eq!(calm(&mut demand), 5 * 480);
        }
        let later = (0..300).map(|_| calm(&mut demand)).last();
        assert_eq!(later, Some(480));
    }
}
