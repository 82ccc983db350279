//! \[rt\] From the ring to the sound card: it only pops.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::Frame;
use crate::engine::demand::Demand;
use crate::engine::link::{OUT_FRAMES, OutLink, Popper};

/// How fast the sound fades where nothing was computed in time: what is left of
/// it a frame later. 60 dB in about 7 ms.
const FADE: f32 = 0.98;

/// Frames over which the sound comes back after that.
const RETURN_FRAMES: u32 = 64;

/// The sound card's end.
pub struct Callback {
    link: Arc<OutLink>,
    frames: Popper<Frame, OUT_FRAMES>,
    sample_rate_hz: u32,
    demand: Demand,
    asked_at: Instant,
    /// The last frame that was played.
    last: Frame,
    /// What fades out while sound comes back.
    held: Frame,
    /// Frames since sound came back, up to [`RETURN_FRAMES`].
    returned: u32,
    has_begun: bool,
}

impl Callback {
    /// Of the card at that end of the link. It wakes the engine at the other end.
    ///
    /// # Panics
    /// Where this process has taken an end of it already.
    pub fn new(link: &Arc<OutLink>, sample_rate_hz: u32) -> Callback {
        Callback {
            link: Arc::clone(link),
            frames: link.popper(),
            sample_rate_hz,
            demand: Demand::default(),
            asked_at: Instant::now(),
            last: [0.0; 2],
            held: [0.0; 2],
            returned: RETURN_FRAMES,
            has_begun: false,
        }
    }

    /// Fills a buffer of the card with `channels` samples a frame: left and
    /// right, more are silent, one alone is the mean. Where the ring is empty it
    /// holds the last frame and fades it, and counts an xrun. Real-time safe.
    pub fn fill<T: cpal::Sample + cpal::FromSample<f32>>(
        &mut self,
        out: &mut [T],
        channels: usize,
    ) {
        let channels = channels.max(1);
        let at_once_frames = self.demand((out.len() / channels) as u32);
        let mut is_late = false;
        for chunk in out.chunks_mut(channels * CHUNK) {
            let mut frames = [[0.0; 2]; CHUNK];
            let wanted = chunk.len() / channels;
            let count = self.frames.pop(&mut frames[..wanted]);
            self.has_begun |= count > 0;
            is_late |= count < wanted && self.has_begun;
            for (offset, out) in chunk.chunks_mut(channels).enumerate() {
                let frame = self.next(frames.get(offset).copied().filter(|_| offset < count));
                write(out, frame);
            }
        }
        if is_late {
            self.link.note_xrun();
        }
        self.link.turn(at_once_frames);
    }

    /// How many frames the card takes at once, now that it asks for so many.
    fn demand(&mut self, frames: u32) -> u32 {
        let now = Instant::now();
        let since_secs = (now - self.asked_at).as_secs_f32();
        self.asked_at = now;
        // A card that opens fills itself up, before there is any sound.
        if self.has_begun {
            self.demand.ask(frames, since_secs, self.sample_rate_hz)
        } else {
            frames
        }
    }

    fn next(&mut self, frame: Option<Frame>) -> Frame {
        let Some(frame) = frame else {
            // From the last frame on, also where that was on its way back.
            self.held = self.last.map(|sample| sample * FADE);
            self.last = self.held;
            self.returned = 0;
            return self.last;
        };
        if self.returned < RETURN_FRAMES {
            self.returned += 1;
            self.held = self.held.map(|sample| sample * FADE);
            let new = self.returned as f32 / RETURN_FRAMES as f32;
            let mix = |held: f32, frame: f32| held * (1.0 - new) + frame * new;
            self.last = [mix(self.held[0], frame[0]), mix(self.held[1], frame[1])];
            return self.last;
        }
        (self.held, self.last) = (frame, frame);
        frame
    }
}

/// Frames popped at a time, on the stack.
const CHUNK: usize = 256;

fn write<T: cpal::Sample + cpal::FromSample<f32>>(out: &mut [T], frame: Frame) {
    match out {
        [] => {}
        [mono] => *mono = T::from_sample(0.5 * (frame[0] + frame[1])),
        [left, right, rest @ ..] => {
            *left = T::from_sample(frame[0]);
            *right = T::from_sample(frame[1]);
            rest.fill(T::EQUILIBRIUM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::outlet::{Feed, Outlet};

    fn callback() -> (Feed, Callback) {
        let link = OutLink::create().unwrap();
        (Outlet::new(&link).1, Callback::new(&link, 48_000))
    }

    #[test]
    fn what_was_computed_is_played_as_it_is() {
        let (mut producer, mut callback) = callback();
        producer.push(&[[0.25, -0.5]; 300]);
        let mut out = [0.0f32; 900];
        callback.fill(&mut out, 3);
        assert_eq!(out[..3], [0.25, -0.5, 0.0]);
        assert_eq!(out[897..], [0.25, -0.5, 0.0]);
        assert_eq!(callback.link.xruns(), 0);
    }

    #[test]
    fn an_empty_ring_fades_without_a_step_and_comes_back_without_one() {
        let (mut producer, mut callback) = callback();
        let mut out = vec![0.0f32; 2000];
        producer.push(&[[0.5, 0.5]; 100]);
        callback.fill(&mut out[..800], 2);
        producer.push(&[[0.5, 0.5]; 600]);
        callback.fill(&mut out[800..], 2);
        let left: Vec<f32> = out.iter().step_by(2).copied().collect();
        assert_eq!(callback.link.xruns(), 1);
        assert!(left[399].abs() < 2e-3, "{}", left[399]);
        assert_eq!(left[999], 0.5);
        assert!(left.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.02));
    }

    #[test]
    fn a_ring_that_is_empty_again_and_again_makes_no_step_either() {
        let (mut producer, mut callback) = callback();
        let mut heard = Vec::new();
        for _ in 0..20 {
            producer.push(&[[0.5, 0.5]; 32]);
            let mut out = [0.0f32; 2 * 48];
            callback.fill(&mut out, 2);
            heard.extend_from_slice(&out);
        }
        let left: Vec<f32> = heard.iter().step_by(2).copied().collect();
        assert!(left.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.02));
    }

    #[test]
    fn before_the_first_sound_nothing_is_late() {
        let (_producer, mut callback) = callback();
        callback.fill(&mut [0.0f32; 64], 2);
        assert_eq!(callback.link.xruns(), 0);
    }
}
