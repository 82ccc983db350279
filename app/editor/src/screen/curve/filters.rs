//! The responses of the voltage-controlled filters, as quiet sounds meet them.

use std::f32::consts::SQRT_2;

use super::bands::{across_of, hz_at};
use super::{Handle, Ink, Line, Picture, Values};

/// The field, in dB.
const BOTTOM_DB: f32 = -42.0;
const TOP_DB: f32 = 24.0;
/// Where the handle stands without resonance, and with all of it.
const HANDLE: [f32; 2] = [0.3, 0.95];
/// The feedback of a ladder at full resonance.
const FULL_FEEDBACK: f32 = 4.5;
/// How far below none the damping of a state-variable filter goes.
const PUSH: f32 = 0.03;

pub(super) fn ladder(values: &Values) -> Picture {
    let feedback = FULL_FEEDBACK * values.of("resonance");
    picture(values, &[(Ink::Main, &|ratio| ladder_gain(ratio, feedback))])
}

pub(super) fn state_variable(values: &Values) -> Picture {
    let damping = SQRT_2 - values.of("resonance") * (SQRT_2 + PUSH);
    let response = |which: usize| move |ratio: f32| state_variable_gain(ratio, damping)[which];
    let [high, band, notch] = [1, 2, 3].map(response);
    let lines: [(Ink, &dyn Fn(f32) -> f32); 4] =
        [(Ink::Faint, &high), (Ink::Faint, &band), (Ink::Faint, &notch), (Ink::Main, &response(0))];
    picture(values, &lines)
}

fn picture(values: &Values, lines: &[(Ink, &dyn Fn(f32) -> f32)]) -> Picture {
    let cutoff_hz = values.of("cutoff");
    let line = |(ink, gain): &(Ink, &dyn Fn(f32) -> f32)| {
        let up = |across: f32| {
            let level_db = 20.0 * gain(hz_at(across) / cutoff_hz).max(1e-6).log10();
            (level_db - BOTTOM_DB) / (TOP_DB - BOTTOM_DB)
        };
        let line = Line::graph(120, up).in_ink(*ink);
        if *ink == Ink::Main { line.filled_from(0.0) } else { line }
    };
    let [low, high] = HANDLE;
    let handle = Handle {
        at: (across_of(cutoff_hz), low + (high - low) * values.position("resonance")),
        across: values.axis("cutoff", 1.0),
        up: values.axis("resonance", 1.0 / (high - low)),
        wheel: None,
    };
    Picture {
        lines: lines.iter().map(line).collect(),
        handles: vec![handle],
        columns: [100.0, 1000.0, 10_000.0].map(across_of).into(),
        rows: vec![-BOTTOM_DB / (TOP_DB - BOTTOM_DB)],
        ..Picture::default()
    }
}

/// Four poles with feedback, and what makes up for it: (1 + k/2) / ((1 + s)⁴ + k).
fn ladder_gain(ratio: f32, feedback: f32) -> f32 {
    let square = ratio * ratio;
    let real = 1.0 - 6.0 * square + square * square + feedback;
    let imaginary = 4.0 * ratio * (1.0 - square);
    (1.0 + 0.5 * feedback) / real.hypot(imaginary).max(1e-4)
}

/// Low, high, band and notch.
fn state_variable_gain(ratio: f32, damping: f32) -> [f32; 4] {
    let square = ratio * ratio;
    let below = (1.0 - square).hypot(damping * ratio).max(1e-3);
    [1.0 / below, square / below, ratio / below, (1.0 - square).abs() / below]
}

#[cfg(test)]
mod tests {
    use sostenuto_dsp::response::gain_at;
    use sostenuto_modules::rig::Rig;

    use super::*;

    fn heard(kind: &str, output: &str, resonance: f32) -> Vec<f32> {
        let mut rig = Rig::named(kind, 48_000.0);
        rig.set("cutoff", 1000.0).set("resonance", resonance);
        rig.feed("in", |_, frame| if frame == 0 { 0.01 } else { 0.0 });
        rig.run(24_000).channel(output, 0).to_vec()
    }

    fn is_near(sound: &[f32], gain: impl Fn(f32) -> f32, what: &str) {
        for hz in [50.0, 400.0, 1000.0, 2000.0, 5000.0] {
            let heard_db = 20.0 * (gain_at(sound, hz, 48_000.0) / 0.01).log10() as f32;
            let shown_db = 20.0 * gain(hz as f32 / 1000.0).log10();
            if shown_db > BOTTOM_DB {
                let far = (heard_db - shown_db).abs();
                assert!(far < 1.0, "{what} at {hz} Hz: {heard_db}, not {shown_db} dB");
            }
        }
    }

    #[test]
    fn the_curve_of_a_ladder_is_what_is_heard() {
        for resonance in [0.0, 0.4, 0.7] {
            let sound = heard("ladder", "lowpass", resonance);
            let gain = |ratio| ladder_gain(ratio, FULL_FEEDBACK * resonance);
            is_near(&sound, gain, &format!("resonance {resonance}"));
        }
    }

    #[test]
    fn the_curves_of_a_state_variable_filter_are_what_is_heard() {
        let outputs = ["lowpass", "highpass", "bandpass", "notch"];
        for (which, output) in outputs.into_iter().enumerate() {
            let sound = heard("svf", output, 0.5);
            let damping = SQRT_2 - 0.5 * (SQRT_2 + PUSH);
            let gain = |ratio: f32| match output {
                // Its bottom is nothing, and no sound is.
                "notch" => state_variable_gain(ratio, damping)[which].max(1e-9),
                _ => state_variable_gain(ratio, damping)[which],
            };
            is_near(&sound, gain, output);
        }
    }
}
