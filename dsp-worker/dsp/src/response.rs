//! What a filter does to each frequency: how tests and benches measure its corner.

use std::f64::consts::TAU;

/// The gain at a frequency, from the response to an impulse of height 1.
pub fn gain_at(impulse_response: &[f32], hz: f64, sample_rate_hz: f64) -> f64 {
    let turn = |frame: usize| TAU * hz / sample_rate_hz * frame as f64;
    let frames = impulse_response.iter().enumerate();
    let (re, im) = frames.fold((0.0, 0.0), |(re, im), (frame, &volts)| {
        let (sine, cosine) = turn(frame).sin_cos();
        (re + f64::from(volts) * cosine, im + f64::from(volts) * sine)
    });
    re.hypot(im)
}

/// Where a lowpass is 3 dB below its gain at 0 Hz, within an octave of a guess.
pub fn corner_hz(impulse_response: &[f32], guess_hz: f64, sample_rate_hz: f64) -> f64 {
    let limit = gain_at(impulse_response, 0.0, sample_rate_hz) * 0.5f64.sqrt();
    let (mut low, mut high) = (0.5 * guess_hz, 2.0 * guess_hz);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if gain_at(impulse_response, middle, sample_rate_hz) > limit {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
