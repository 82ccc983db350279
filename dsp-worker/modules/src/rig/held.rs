//! How tests listen to what is held for ever.

use sostenuto_dsp::measure::power_spectrum;
use sostenuto_dsp::random::Random;

use crate::rig::Rig;

/// Sends a burst of noise into an effect, holds it, and compares what is heard
/// after two seconds and after a minute, in octaves up to 10 kHz. What goes
/// round is at most `round_secs` long.
pub fn assert_holds(rig: &mut Rig, round_secs: f32, hold: impl FnOnce(&mut Rig)) {
    let rate_hz = rig.sample_rate_hz();
    let frames = |secs: f32| (secs * rate_hz) as usize;
    let burst = frames(0.8 * round_secs.min(2.0)) as u64;
    for (side, seed) in ["left", "right"].into_iter().zip([3, 4]) {
        let mut random = Random::new(seed);
        rig.feed(side, move |_, frame| if frame < burst { 3.0 * random.bipolar() } else { 0.0 });
    }
    rig.run(burst as usize);
    hold(rig);
    rig.run(frames(2.0));
    let before = octaves(rig, round_secs);
    rig.run(frames(56.0));
    let after = octaves(rig, round_secs);
    let all: f64 = before.iter().sum();
    // A short round has no low tones.
    let heard = before.into_iter().zip(after).enumerate().filter(|(_, (b, _))| *b > 1e-5 * all);
    for (octave, (before, after)) in heard {
        let low_hz = 39.0 * f64::from(1 << octave as u32);
        let changed_db = 10.0 * (after / before).log10();
        assert!(changed_db.abs() < 0.5, "from {low_hz} Hz up: {changed_db} dB in a minute");
    }
}

/// The energy of each octave from 39 Hz to 10 kHz, over many rounds.
fn octaves(rig: &mut Rig, round_secs: f32) -> Vec<f64> {
    let rate_hz = rig.sample_rate_hz();
    let rounds = (3.0 / round_secs).ceil().max(3.0);
    let frames = ((rounds * round_secs * rate_hz) as usize).min(400_000);
    let heard = rig.run(frames);
    let mut octaves = vec![1e-12; 8];
    for side in ["left", "right"] {
        for (bin, power) in power_spectrum(heard.channel(side, 0), 6.0).into_iter().enumerate() {
            let octave = (bin as f64 * f64::from(rate_hz) / frames as f64 / 39.0).log2().floor();
            if (0.0..8.0).contains(&octave) {
                octaves[octave as usize] += power;
            }
        }
    }
    octaves
}
