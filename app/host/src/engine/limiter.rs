//! \[rt\] The last thing before the sound card: nothing gets louder than full
//! scale, and what is below it is not touched.

/// How fast the gain comes back after a peak, in seconds.
const RELEASE_SECS: f32 = 0.1;

/// A stereo limiter. Its attack is one frame, so it needs no look-ahead and
/// adds no latency.
#[derive(Clone, Debug)]
pub struct Limiter {
    /// In f64: near 1 its steps are smaller than f32 can add.
    gain: f64,
    release: f64,
}

impl Limiter {
    /// For that sample rate.
    pub fn new(sample_rate_hz: f32) -> Limiter {
        Limiter { gain: 1.0, release: 1.0 / f64::from(RELEASE_SECS * sample_rate_hz) }
    }

    /// Limits one frame. Full scale is 1. Real-time safe.
    #[inline]
    pub fn frame(&mut self, frame: [f32; 2]) -> [f32; 2] {
        let frame = frame.map(|sample| if sample.is_finite() { sample } else { 0.0 });
        let peak = frame[0].abs().max(frame[1].abs());
        self.gain += (1.0 - self.gain) * self.release;
        if self.gain > 1.0 - 1e-6 {
            self.gain = 1.0;
        }
        if f64::from(peak) * self.gain > 1.0 {
            self.gain = 1.0 / f64::from(peak);
        }
        // Rounding may leave a sample a hair above.
        let gain = self.gain as f32;
        frame.map(|sample| (sample * gain).clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_full_scale_it_is_not_there() {
        let mut limiter = Limiter::new(48_000.0);
        for n in 0..1000 {
            let frame = [(n as f32 * 0.1).sin(), 0.5];
            assert_eq!(limiter.frame(frame), frame);
        }
    }

    #[test]
    fn above_it_nothing_passes_and_the_gain_comes_back() {
        let mut limiter = Limiter::new(48_000.0);
        assert_eq!(limiter.frame([4.0, -2.0]), [1.0, -0.5]);
        assert_eq!(limiter.frame([f32::NAN, f32::INFINITY]), [0.0, 0.0]);
        let quiet = (0..480_000).fold(0.0, |_, _| limiter.frame([0.5, 0.5])[0]);
        assert_eq!(quiet, 0.5);
    }
}
