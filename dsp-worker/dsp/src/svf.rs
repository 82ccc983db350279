//! A state-variable filter: two integrators, three responses.
//!
//! Trapezoidal integration without delay in the loop: Simper, "Linear Trapezoidal
//! Integrated State Variable Filter With Low Noise Optimisation" (Cytomic, 2013),
//! and Zavalishin, "The Art of VA Filter Design", chapter 4. Its cutoff and
//! damping may change at every frame.

use crate::lane::Lane;
use crate::tan_fraction;

/// Damping without resonance: Butterworth's, flat and 3 dB down at the cutoff.
/// It is 1/Q.
pub const FLAT: f32 = std::f32::consts::SQRT_2;
/// The highest cutoff: 0.49 of the sample rate, as half an angle per frame.
const TOP_RAD: f32 = 0.49 * std::f32::consts::PI;

/// What a filter remembers, for every channel.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct SvfState {
    band: [f32; 16],
    low: [f32; 16],
}

/// A cutoff, as the filter needs it. To work it out costs a division's worth.
#[derive(Clone, Copy, Debug)]
pub struct Cutoff<L> {
    sine: L,
    cosine: L,
    stiff: L,
}

impl<L: Lane> Cutoff<L> {
    /// `cutoff_turns` is the cutoff over the sample rate, 0 to 0.49.
    #[inline(always)]
    pub fn new(cutoff_turns: L) -> Cutoff<L> {
        let half_rad = cutoff_turns * std::f32::consts::PI.into();
        let (sine, cosine) = tan_fraction(half_rad.clamp(0.0, TOP_RAD));
        Cutoff { sine, cosine, stiff: cosine * cosine + sine * sine }
    }

    /// A cutoff by its integrators' gain, the tangent of half its angle per frame.
    #[inline(always)]
    pub fn from_gain(gain: L) -> Cutoff<L> {
        let one = L::splat(1.0);
        Cutoff { sine: gain, cosine: one, stiff: gain * gain + one }
    }
}

/// A filter at work on one channel or one group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Svf<L> {
    band: L,
    low: L,
}

/// The responses at one frame.
#[derive(Clone, Copy, Debug)]
pub struct Responses<L> {
    /// What is below the cutoff.
    pub low: L,
    /// What is around it: the gain at the cutoff is 1 / damping.
    pub band: L,
    /// What is above it.
    pub high: L,
}

impl<L: Lane> Svf<L> {
    /// Takes up where [`Svf::store`] left off.
    #[inline(always)]
    pub fn load(state: &SvfState, group: usize) -> Svf<L> {
        Svf { band: L::load(&state.band, group), low: L::load(&state.low, group) }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(self, state: &mut SvfState, group: usize) {
        self.band.store(&mut state.band, group);
        self.low.store(&mut state.low, group);
    }

    /// The next frame. `damping` is 1/Q: 2 is two separate poles, [`FLAT`] is
    /// flat, 0 rings for ever. Real-time safe.
    #[inline(always)]
    pub fn next(&mut self, volts: L, at: &Cutoff<L>, damping: L) -> Responses<L> {
        self.next_limited(volts, at, damping, L::splat(0.0))
    }

    /// The next frame, damped by `limit` more for every square volt of the
    /// bandpass: what a filter needs to sing at an even level. Real-time safe.
    #[inline(always)]
    pub fn next_limited(&mut self, volts: L, at: &Cutoff<L>, damping: L, limit: L) -> Responses<L> {
        // With gain = tan = sine / cosine, all is multiplied by cosine².
        let Cutoff { sine, cosine, stiff } = *at;
        let pull = self.band * cosine + sine * (volts - self.low);
        let loose_band = pull * cosine / (stiff + damping * sine * cosine);
        let damping = damping + limit * loose_band * loose_band;
        let pull = pull / (stiff + damping * sine * cosine);
        let band = pull * cosine;
        let low = pull * sine + self.low;
        self.band = band + band - self.band;
        self.low = low + low - self.low;
        Responses { low, band, high: volts - damping * band - low }
    }

    /// Keeps what it remembers within `volts`, where a cutoff may leap over
    /// octaves while the filter sings.
    #[inline(always)]
    pub fn hold_within(&mut self, volts: f32) {
        self.band = self.band.clamp(-volts, volts);
        self.low = self.low.clamp(-volts, volts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::gain_at;

    fn impulse_response(damping: f32, tap: impl Fn(Responses<f32>) -> f32) -> Vec<f32> {
        let (mut svf, at) = (Svf::default(), Cutoff::new(1.0 / 48.0));
        let impulse = |frame| f32::from(u8::from(frame == 0));
        (0..20_000).map(|frame| tap(svf.next(impulse(frame), &at, damping))).collect()
    }

    #[test]
    fn the_gain_at_the_cutoff_is_one_over_the_damping() {
        for damping in [0.05, 0.5, FLAT, 2.0] {
            let low = gain_at(&impulse_response(damping, |taps| taps.low), 1000.0, 48_000.0);
            let band = gain_at(&impulse_response(damping, |taps| taps.band), 1000.0, 48_000.0);
            let high = gain_at(&impulse_response(damping, |taps| taps.high), 1000.0, 48_000.0);
            for gain in [low, band, high] {
                assert!((gain * f64::from(damping) - 1.0).abs() < 1e-3, "{damping}: {gain}");
            }
        }
    }
}
