//! What is in a sound, and how loud it is.

use realfft::RealFftPlanner;

/// How loud samples are in the mean, at a full scale of 1.
pub fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
}

/// The four loudest lines of a spectrum: Hz, and dB below the loudest.
///
/// # Panics
/// Where there are no samples.
pub fn lines(samples: &[f32], sample_rate_hz: u32) -> Vec<(f32, f32)> {
    let count = samples.len();
    let turn = std::f32::consts::TAU / count as f32;
    // A Hann window: 10 bins, which are 4 Hz, from a line, nothing is left of it.
    let hann = |frame: usize| 0.5 - 0.5 * (turn * frame as f32).cos();
    let mut windowed: Vec<f32> = (0..count).map(|frame| samples[frame] * hann(frame)).collect();
    let fft = RealFftPlanner::new().plan_fft_forward(count);
    let mut bins = fft.make_output_vec();
    fft.process(&mut windowed, &mut bins).expect("lengths that fit");
    let loud: Vec<f32> = bins.iter().map(|bin| bin.norm()).collect();
    let mut order: Vec<usize> = (1..loud.len() - 1).collect();
    order.sort_by(|&a, &b| loud[b].total_cmp(&loud[a]));
    let mut peaks: Vec<usize> = Vec::new();
    for bin in order {
        if peaks.len() == 4 {
            break;
        }
        if peaks.iter().all(|peak| peak.abs_diff(bin) > 40) {
            peaks.push(bin);
        }
    }
    let line = |&bin: &usize| {
        let hz = bin as f32 * sample_rate_hz as f32 / count as f32;
        (hz, 20.0 * (loud[bin] / loud[peaks[0]]).log10())
    };
    peaks.iter().map(line).collect()
}
