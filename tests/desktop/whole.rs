//! Whether a recording of one wave is whole: in tune, and nothing missing or
//! put in between, however short.

use std::path::Path;

use sostenuto_tests::spectrum::lines;

/// What is analysed for its pitch.
const FFT_FRAMES: usize = 1 << 17;
/// What a phase is measured over.
const WINDOW_FRAMES: usize = 1024;
/// A block that is lost or heard twice moves the phase by more, in turns: 256
/// frames of 48 kHz are a whole number of turns at multiples of 187.5 Hz only.
const MOST_TURNS: f64 = 0.02;
/// So many samples of nothing in a row are in no saw.
const ZEROS: usize = 4;

/// Asserts that the file is a steady wave of `hz`, from its beginning to its end.
pub fn assert_whole(path: &Path, hz: f64) {
    let mut wav = hound::WavReader::open(path).expect("a recording");
    let spec = wav.spec();
    let full_scale = f64::from(1u32 << (spec.bits_per_sample - 1));
    let samples = wav.samples::<i32>().map(|sample| sample.expect("a whole file"));
    let left: Vec<f32> = samples
        .step_by(usize::from(spec.channels))
        .map(|sample| (f64::from(sample) / full_scale) as f32)
        .collect();
    let rate_hz = spec.sample_rate;
    println!("recorded: {:.1} s at {rate_hz} Hz", left.len() as f64 / f64::from(rate_hz));
    assert!(left.len() > 5 * rate_hz as usize, "{} frames", left.len());

    let peaks = lines(&left[left.len() - FFT_FRAMES..], rate_hz);
    println!("its loudest lines (Hz, dB): {:.2?}", &peaks[..3]);
    assert!((f64::from(peaks[0].0) - hz).abs() < 1.0, "{} Hz, not {hz} Hz", peaks[0].0);

    let silent = left.chunk_by(|a, b| *a == 0.0 && *b == 0.0).map(<[f32]>::len).max();
    assert!(silent <= Some(ZEROS), "{silent:?} zeros in a row");
    let step =
        |part: &[f32]| part.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
    let (own, largest) = (step(&left[..rate_hz as usize]), step(&left));
    println!("the largest step: {largest:.4}, of the wave itself: {own:.4}");
    assert!(largest < 1.02 * own, "a click: {largest}, not {own}");
    let off = most_off(&left, hz / f64::from(rate_hz));
    println!("its phase is never further off than {off:.4} turns");
    assert!(off < MOST_TURNS, "something is missing, or was put in: {off} turns");
}

/// How far the phase strays from that of a steady wave, in turns; `turns` is
/// how far that goes in a frame.
fn most_off(samples: &[f32], turns: f64) -> f64 {
    let phases: Vec<f64> = samples
        .chunks_exact(WINDOW_FRAMES)
        .enumerate()
        .map(|(window, samples)| phase(samples, window * WINDOW_FRAMES, turns))
        .collect();
    // What the knob is set to is known less well than how the wave runs on.
    let drift = (1..phases.len()).map(|n| near(phases[n] - phases[n - 1]));
    let mut drifts: Vec<f64> = drift.collect();
    let steps = drifts.clone();
    drifts.sort_by(f64::total_cmp);
    let usual = drifts[drifts.len() / 2];
    steps.into_iter().map(|step| near(step - usual).abs()).fold(0.0, f64::max)
}

/// Against a wave that began at frame 0, in turns.
fn phase(samples: &[f32], first: usize, turns: f64) -> f64 {
    let mut sum = [0.0, 0.0];
    for (frame, &sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * ((first + frame) as f64 * turns).fract();
        // A Hann window: what is left of other lines is far below a hundredth.
        let part = frame as f64 / samples.len() as f64;
        let window = 0.5 - 0.5 * (std::f64::consts::TAU * part).cos();
        sum[0] += window * f64::from(sample) * angle.cos();
        sum[1] -= window * f64::from(sample) * angle.sin();
    }
    sum[1].atan2(sum[0]) / std::f64::consts::TAU
}

/// The same phase, nearest to 0.
fn near(turns: f64) -> f64 {
    turns - turns.round()
}

#[test]
fn a_block_that_is_missing_or_heard_twice_is_found() {
    let turns = 0.0123;
    let saw = |frame: usize| (2.0 * (frame as f64 * turns).fract() - 1.0) as f32;
    let whole: Vec<f32> = (0..48_000).map(saw).collect();
    assert!(most_off(&whole, turns) < MOST_TURNS / 4.0);
    let lost = [&whole[..20_000], &whole[20_256..]].concat();
    assert!(most_off(&lost, turns) > MOST_TURNS);
    let twice = [&whole[..20_256], &whole[20_000..]].concat();
    assert!(most_off(&twice, turns) > MOST_TURNS);
    let silent = [&whole[..20_000], &[0.0; 256], &whole[20_256..]].concat();
    assert!(most_off(&silent, turns) > MOST_TURNS / 4.0, "{}", most_off(&silent, turns));
}
