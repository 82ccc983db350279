//! What is in a rendered sound: how tests and benches measure aliasing, harmonics and
//! tuning. Everything is computed in f64, so the floor is the sound's own f32.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;

/// Frames of one spectrum; the last so many of a sound are measured.
pub const SPECTRUM: usize = 65_536;
/// Bins on either side of a harmonic that belong to it.
const SKIRT: usize = 12;
/// Kaiser window: main lobe of 8.4 bins on either side, side lobes below
/// -190 dB.
const ALIAS_BETA: f64 = 26.0;
const TUNING_BETA: f64 = 20.0;

/// The harmonics that a waveform ought to have.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Every harmonic, each 1/n of the first.
    Saw,
    /// Every odd harmonic, each 1/n of the first.
    Square,
    /// Every odd harmonic, each 1/n² of the first.
    Triangle,
    /// Whatever harmonics there are.
    Any,
}

/// What [`alias`] finds.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// Energy below 20 kHz that is on no harmonic, over the energy of the
    /// harmonics below 20 kHz.
    pub alias_20k_db: f64,
    /// The largest departure of a harmonic below 16 kHz from the ideal series.
    /// 0 where the shape is [`Shape::Any`].
    pub harm_err_db: f64,
    /// Energy of the second and higher harmonics below 20 kHz over that of the
    /// first.
    pub thd_db: f64,
    /// What the first harmonic was measured at.
    pub f0_hz: f64,
}

/// Measures the last [`SPECTRUM`] frames of a periodic sound.
///
/// The spectrum may lie between the harmonics of `f0_hz` too, where something
/// of period `f0_hz / divisions` modulates it; else `divisions` is 1. Choose
/// `f0_hz` by [`coherent_hz`], so that aliases fall between the harmonics.
///
/// # Panics
/// Where the sound is shorter than [`SPECTRUM`].
pub fn alias(
    sound: &[f32],
    sample_rate_hz: f64,
    f0_hz: f64,
    divisions: u32,
    shape: Shape,
) -> Alias {
    let sound = &sound[sound.len() - (4 * SPECTRUM).min(sound.len())..];
    let found_hz = frequency_hz(sound, sample_rate_hz, Some(f0_hz));
    // A first harmonic may be too weak to be found beside the second.
    let f0_hz = if cents(found_hz, f0_hz).abs() < 1.0 { found_hz } else { f0_hz };
    let f0_hz = f0_hz / f64::from(divisions);
    let bin_hz = sample_rate_hz / SPECTRUM as f64;
    let powers = power_spectrum(&sound[sound.len() - SPECTRUM..], ALIAS_BETA);
    let skirt = SKIRT.min((0.45 * f0_hz / bin_hz) as usize);

    let mut is_harmonic = vec![false; powers.len()];
    let mut amplitudes = Vec::new();
    for harmonic in 1..=(0.5 * sample_rate_hz / f0_hz) as usize {
        let centre = (harmonic as f64 * f0_hz / bin_hz).round() as usize;
        let bins = centre.saturating_sub(skirt)..(centre + skirt + 1).min(powers.len());
        is_harmonic[bins.clone()].fill(true);
        amplitudes.push(powers[bins].iter().sum::<f64>().sqrt());
    }
    let audible = skirt + 1..powers.len().min((20_000.0 / bin_hz) as usize + 1);
    let energy = |of_harmonics: bool| -> f64 {
        audible.clone().filter(|&bin| is_harmonic[bin] == of_harmonics).map(|bin| powers[bin]).sum()
    };
    let overtones = amplitudes.iter().zip(1..).skip(1);
    let overtones = overtones.filter(|&(_, harmonic)| f64::from(harmonic) * f0_hz <= 20_000.0);
    let overtone_energy: f64 = overtones.map(|(amplitude, _)| amplitude * amplitude).sum();
    Alias {
        alias_20k_db: db(energy(false) / energy(true)),
        harm_err_db: harmonic_error_db(&amplitudes, f0_hz, shape),
        thd_db: db(overtone_energy / (amplitudes[0] * amplitudes[0])),
        f0_hz: f0_hz * f64::from(divisions),
    }
}

fn harmonic_error_db(amplitudes: &[f64], f0_hz: f64, shape: Shape) -> f64 {
    let ideal = |harmonic: f64| match shape {
        Shape::Saw => 1.0 / harmonic,
        Shape::Square if harmonic % 2.0 == 1.0 => 1.0 / harmonic,
        Shape::Triangle if harmonic % 2.0 == 1.0 => 1.0 / (harmonic * harmonic),
        _ => 0.0,
    };
    let errors = amplitudes.iter().enumerate().map(|(index, amplitude)| {
        let harmonic = (index + 1) as f64;
        let counts = harmonic * f0_hz <= 16_000.0 && ideal(harmonic) > 0.0;
        let error = (amplitude / amplitudes[0]).max(1e-30) / ideal(harmonic);
        if counts { (20.0 * error.log10()).abs() } else { 0.0 }
    });
    errors.fold(0.0, f64::max)
}

/// The frequency nearest to one (below half the sample rate) whose aliases fall
/// between its harmonics, in whole bins of the spectrum.
///
/// # Panics
/// Where there is none nearby.
pub fn coherent_hz(near_hz: f64, sample_rate_hz: f64) -> f64 {
    let near = (near_hz * SPECTRUM as f64 / sample_rate_hz).round() as usize;
    let keeps_clear = |bin: &usize| {
        (1..=600).map(|harmonic| harmonic * bin).filter(|&at| at > SPECTRUM / 2).all(|at| {
            let folded = (at % SPECTRUM).min(SPECTRUM - at % SPECTRUM);
            (folded % bin).min(bin - folded % bin) > 2 * SKIRT
        })
    };
    let nearby = (0..4000).flat_map(|step| [near + step, near.saturating_sub(step)]);
    let bin = nearby.filter(|bin| bin % 2 == 1 && *bin >= 100).find(keeps_clear);
    bin.expect("a bin nearby") as f64 * sample_rate_hz / SPECTRUM as f64
}

/// The frequency of one spectral line, from the phase that it advances between
/// two halves of the sound: of the strongest line, or of the strongest within
/// 3 % of a guess.
///
/// # Panics
/// Where the sound has fewer than sixteen frames.
pub fn frequency_hz(sound: &[f32], sample_rate_hz: f64, guess_hz: Option<f64>) -> f64 {
    let half = sound.len() / 2;
    let sound = &sound[..2 * half];
    let mean = sound.iter().copied().map(f64::from).sum::<f64>() / sound.len() as f64;
    let frames: Vec<f64> = sound.iter().map(|&volts| f64::from(volts) - mean).collect();
    let powers = power_spectrum_f64(&frames, TUNING_BETA);

    let bins_per_hz = sound.len() as f64 / sample_rate_hz;
    let (low, high) = match guess_hz {
        Some(guess) => ((guess * 0.97 * bins_per_hz), (guess * 1.03 * bins_per_hz).ceil() + 1.0),
        None => (3.0, f64::INFINITY),
    };
    let bins = (low as usize).max(2)..=(high as usize).min(powers.len() - 3);
    let peak = bins.max_by(|&a, &b| powers[a].total_cmp(&powers[b])).expect("some bins");
    let [before, at, after] = [peak - 1, peak, peak + 1].map(|bin| (powers[bin] + 1e-300).ln());
    let offset = 0.5 * (before - after) / (before - 2.0 * at + after);
    let mut found_hz = (peak as f64 + offset) / bins_per_hz;

    let window = kaiser(half, TUNING_BETA);
    for _ in 0..6 {
        let turns_per_frame = found_hz / sample_rate_hz;
        let line = |frames: &[f64], first: usize| -> Complex64 {
            let weigh = |(offset, (volts, weight)): (usize, (&f64, &f64))| {
                let turns = (turns_per_frame * (first + offset) as f64).fract();
                Complex64::from_polar(volts * weight, -TAU * turns)
            };
            frames.iter().zip(&window).enumerate().map(weigh).sum()
        };
        let advance = line(&frames[half..], half) / line(&frames[..half], 0);
        let step_hz = advance.arg() / (TAU * half as f64) * sample_rate_hz;
        found_hz += step_hz;
        if step_hz.abs() < 1e-10 {
            break;
        }
    }
    found_hz
}

/// How far a frequency lies above another, in cents.
pub fn cents(measured_hz: f64, ideal_hz: f64) -> f64 {
    1200.0 * (measured_hz / ideal_hz).log2()
}

/// A ratio of energies, in dB.
pub fn db(ratio: f64) -> f64 {
    10.0 * ratio.max(1e-40).log10()
}

/// The energy of each bin from 0 Hz to half the sample rate, under a Kaiser
/// window.
///
/// # Panics
/// Where there is no frame.
pub fn power_spectrum(sound: &[f32], beta: f64) -> Vec<f64> {
    let frames: Vec<f64> = sound.iter().map(|&volts| f64::from(volts)).collect();
    power_spectrum_f64(&frames, beta)
}

fn power_spectrum_f64(frames: &[f64], beta: f64) -> Vec<f64> {
    let plan = RealFftPlanner::new().plan_fft_forward(frames.len());
    let window = kaiser(frames.len(), beta);
    let mut frames: Vec<f64> = frames.iter().zip(window).map(|(frame, w)| frame * w).collect();
    let mut bins = plan.make_output_vec();
    plan.process(&mut frames, &mut bins).expect("lengths come from the plan");
    bins.iter().map(Complex64::norm_sqr).collect()
}

fn kaiser(frames: usize, beta: f64) -> Vec<f64> {
    let top = bessel_i0(beta);
    let at = |frame: usize| 2.0 * frame as f64 / (frames - 1) as f64 - 1.0;
    (0..frames).map(|frame| bessel_i0(beta * (1.0 - at(frame).powi(2)).sqrt()) / top).collect()
}

/// By its power series.
fn bessel_i0(x: f64) -> f64 {
    let square = 0.25 * x * x;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while term > 1e-17 * sum {
        term *= square / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    fn sound(volts: impl Fn(f64) -> f64, f0_hz: f64) -> Vec<f32> {
        (0..2 * SPECTRUM).map(|n| volts(n as f64 * f0_hz / RATE_HZ) as f32).collect()
    }

    #[test]
    fn a_sum_of_sines_is_a_clean_saw_and_a_ramp_is_not() {
        let f0_hz = coherent_hz(2500.0, RATE_HZ);
        let partial = |phase: f64, n: u32| (TAU * f64::from(n) * phase).sin() / f64::from(n);
        let clean = sound(|phase| (1..=9).map(|n| partial(phase, n)).sum(), f0_hz);
        let found = alias(&clean, RATE_HZ, f0_hz, 1, Shape::Saw);
        assert!(found.alias_20k_db < -140.0, "{found:?}");
        assert!(found.harm_err_db < 1e-3, "{found:?}");
        assert!(cents(found.f0_hz, f0_hz).abs() < 1e-6, "{found:?}");
        let naive = sound(|phase| 2.0 * phase.fract() - 1.0, f0_hz);
        let found = alias(&naive, RATE_HZ, f0_hz, 1, Shape::Saw);
        // Harmonics past 24 kHz have 0.105 of the energy 1.645 in all.
        assert!((-14.0..-12.0).contains(&found.alias_20k_db), "{found:?}");
    }

    #[test]
    fn a_frequency_is_found_to_a_millionth_of_a_cent() {
        let sine = sound(|phase| (TAU * phase).sin(), 440.01);
        let found = frequency_hz(&sine, RATE_HZ, None);
        assert!(cents(found, 440.01).abs() < 1e-6, "{found}");
    }
}
