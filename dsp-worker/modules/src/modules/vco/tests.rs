use super::*;
use crate::rig::Rig;
use sostenuto_dsp::measure::{Alias, Shape, alias, cents, coherent_hz, frequency_hz};
use sostenuto_dsp::units::C4_HZ;

const RATE_HZ: f64 = 48_000.0;
const FRAMES: usize = 80_000;

fn vco_at(hz: f64) -> Rig {
    let mut rig = Rig::new::<Vco>(RATE_HZ as f32);
    let voct = (hz / f64::from(C4_HZ)).log2() as f32;
    rig.feed("voct", move |_, _| voct);
    rig
}

fn measured(rig: &mut Rig, output: &str, hz: f64, divisions: u32, shape: Shape) -> Alias {
    alias(rig.run(FRAMES).channel(output, 0), RATE_HZ, hz, divisions, shape)
}

#[test]
fn waves_have_their_harmonics_and_nothing_else() {
    for near_hz in [1001.0, 2500.0, 4999.0, 10_001.0] {
        let hz = coherent_hz(near_hz, RATE_HZ);
        for (output, shape) in WAVEFORMS {
            let found = measured(&mut vco_at(hz), output, hz, 1, shape);
            assert!(found.alias_20k_db < -110.0, "{output} at {near_hz} Hz: {found:?}");
            assert!(found.harm_err_db < 0.01, "{output} at {near_hz} Hz: {found:?}");
            assert!(output != "sine" || found.thd_db < -140.0, "{near_hz} Hz: {found:?}");
        }
    }
}

const WAVEFORMS: [(&str, Shape); 4] = [
    ("saw", Shape::Saw),
    ("square", Shape::Square),
    ("triangle", Shape::Triangle),
    ("sine", Shape::Any),
];

#[test]
fn hard_sync_is_clean() {
    for near_hz in [261.6, 1001.0] {
        let hz = coherent_hz(near_hz, RATE_HZ);
        let master = vco_at(hz).run(FRAMES);
        for ratio in [2.37, 4.37, 8.37] {
            for wave in ["saw", "sine", "square"] {
                let volts = master.channel(wave, 0).to_vec();
                let mut rig = vco_at(hz * ratio);
                rig.feed("sync", move |_, frame| volts[frame as usize]);
                let out = rig.run(FRAMES);
                for (output, _) in WAVEFORMS {
                    let found = alias(out.channel(output, 0), RATE_HZ, hz, 1, Shape::Any);
                    let limit = -92.0;
                    assert!(found.alias_20k_db < limit, "{output} ×{ratio}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn soft_sync_is_clean_and_repeats_every_other_time() {
    for near_hz in [261.6, 1001.0] {
        let hz = coherent_hz(near_hz, RATE_HZ);
        for (ratio, oversample) in [(2.37, 0.0), (4.37, 0.0), (4.37, 1.0), (8.37, 0.0)] {
            let mut rig = vco_at(hz * ratio);
            rig.choose("sync-mode", "soft").set("oversample", oversample);
            let step = hz / RATE_HZ;
            rig.feed("sync", move |_, frame| sine(5.0, step * frame as f64));
            let out = rig.run(FRAMES);
            for (output, _) in WAVEFORMS {
                // Forwards and backwards again, it is where it was.
                let sound = out.channel(output, 0);
                let found = alias(sound, RATE_HZ, hz, 2, Shape::Any);
                assert!(found.alias_20k_db < -88.0, "{output} ×{ratio} {near_hz}: {found:?}");
                let peak = sound[100..].iter().fold(0.0f32, |peak, v| peak.max(v.abs()));
                // Band-limited edges close to each other overshoot together.
                assert!(peak < 10.0, "{output} ×{ratio} {near_hz}: {peak} V");
            }
        }
    }
}

#[test]
fn a_sub_is_a_square_one_or_two_octaves_below() {
    for near_hz in [1001.0, 4999.0] {
        let hz = coherent_hz(near_hz, RATE_HZ);
        for (sub, octave) in [("1 octave", 1.0), ("2 octaves", 2.0)] {
            for oversample in [0.0, 1.0] {
                let mut rig = vco_at(hz * f64::exp2(octave));
                rig.choose("sub", sub).set("oversample", oversample);
                let found = measured(&mut rig, "sub", hz, 1, Shape::Square);
                let name = format!("{sub} of {near_hz} Hz: {found:?}");
                assert!(found.alias_20k_db < -105.0 && found.harm_err_db < 0.01, "{name}");
            }
        }
    }
    let silence = vco_at(440.0).run(1000);
    assert!(silence.channel("sub", 0).iter().all(|&volts| volts == 0.0));
}

#[test]
fn a_pulse_may_change_its_width() {
    for (near_hz, limit_db) in [(1001.0, -120.0), (2500.0, -100.0)] {
        let hz = coherent_hz(near_hz, RATE_HZ);
        for divisions in [2, 32] {
            let mut rig = vco_at(hz);
            rig.set("pwm-amount", 1.0);
            let step = hz / f64::from(divisions) / RATE_HZ;
            rig.feed("pw", move |_, frame| sine(4.0, step * frame as f64));
            let found = measured(&mut rig, "square", hz, divisions, Shape::Any);
            assert!(found.alias_20k_db < limit_db, "{near_hz} / {divisions}: {found:?}");
        }
    }
}

fn sine(peak: f64, turns: f64) -> f32 {
    (peak * (std::f64::consts::TAU * turns.fract()).sin()) as f32
}

#[test]
fn linear_fm_runs_through_zero() {
    // Index 8. The limit of the first is what the f32 of the cable allows.
    for (near_hz, oversample, limit_db) in [(1001.0, 0.0, -125.0), (2500.0, 1.0, -80.0)] {
        let hz = coherent_hz(near_hz, RATE_HZ);
        let mut rig = vco_at(hz);
        rig.choose("fm-mode", "linear").set("fm-amount", 1.6).set("oversample", oversample);
        let step = hz / RATE_HZ;
        rig.feed("fm", move |_, frame| sine(5.0, step * frame as f64));
        let found = measured(&mut rig, "sine", hz, 1, Shape::Any);
        assert!(found.alias_20k_db < limit_db, "{near_hz}: {found:?}");
    }
}

#[test]
fn oversampled_it_is_as_clean() {
    let hz = coherent_hz(4999.0, RATE_HZ);
    for (output, shape) in WAVEFORMS {
        let found = measured(vco_at(hz).set("oversample", 1.0), output, hz, 1, shape);
        assert!(found.alias_20k_db < -105.0 && found.harm_err_db < 0.01, "{output}: {found:?}");
    }
}

#[test]
fn it_is_in_tune_from_minus_4_to_5_volts() {
    for volts in -4..=5 {
        let hz = f64::from(C4_HZ) * f64::from(volts).exp2();
        let mut rig = Rig::new::<Vco>(RATE_HZ as f32);
        rig.feed("voct", move |_, _| volts as f32);
        let out = rig.run(2 * FRAMES);
        let found = frequency_hz(&out.channel("sine", 0)[1000..], RATE_HZ, Some(hz));
        assert!(cents(found, hz).abs() < 1e-3, "{volts} V: {found} Hz");
    }
}

#[test]
fn knobs_add_up_to_a_pitch() {
    let mut rig = Rig::new::<Vco>(RATE_HZ as f32);
    rig.set("octave", 1.0).set("tune", -3.0).set("fine", 50.0);
    let out = rig.run(FRAMES);
    let found = frequency_hz(&out.channel("saw", 0)[1000..], RATE_HZ, Some(452.9));
    // A4 and half a semitone.
    assert!(cents(found, 440.0 * 2f64.powf(1.0 / 24.0)).abs() < 1e-3, "{found} Hz");
}

fn busy(channels: usize, first: usize, oversample: f32) -> Rig {
    let mut rig = Rig::new::<Vco>(8000.0);
    rig.set("fm-amount", 0.4).set("pwm-amount", 0.7).set("oversample", oversample);
    rig.set("sync-mode", oversample).choose("sub", "1 octave");
    let wave = move |period: u64| {
        move |channel: usize, frame: u64| {
            let at = (frame + 7 * (channel + first) as u64) % period;
            at as f32 * (10.0 / period as f32) - 5.0
        }
    };
    rig.feed_channels("voct", channels, wave(1009)).feed_channels("fm", channels, wave(61));
    rig.feed_channels("pw", channels, wave(53)).feed_channels("sync", channels, wave(41));
    rig
}

#[test]
fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
    for oversample in [0.0, 1.0] {
        let whole = busy(16, 0, oversample).run(1000);
        let cut = busy(16, 0, oversample).frame_by_frame().run(1000);
        for channel in 0..16 {
            let alone = busy(1, channel, oversample).run(1000);
            for (output, _) in WAVEFORMS {
                assert_eq!(whole.channel(output, channel), cut.channel(output, channel));
                assert_eq!(whole.channel(output, channel), alone.channel(output, 0));
            }
        }
    }
}

#[test]
fn extremes_stay_within_bounds() {
    for mode in ["exponential", "linear"] {
        let mut rig = busy(2, 0, 0.0);
        rig.choose("fm-mode", mode).set("fm-amount", 2.0).set("pwm-amount", -1.0);
        rig.feed_channels("voct", 2, |_, frame| if frame % 97 < 40 { 1e9 } else { -1e9 });
        rig.feed_channels("fm", 2, |_, frame| if frame % 31 < 10 { 1e12 } else { -1e12 });
        rig.feed_channels("pw", 2, |_, frame| if frame % 3 < 1 { 1e30 } else { -1e30 });
        let out = rig.run(10_000);
        assert_eq!(rig.not_finite(), 0);
        for (output, _) in WAVEFORMS {
            assert!(out.channel(output, 0).iter().all(|volts| volts.abs() < 40.0), "{output}");
        }
    }
}

#[test]
fn a_wave_that_is_heard_later_is_as_if_it_had_always_been() {
    for channels in [1, 3] {
        let rig = || {
            let mut rig = vco_at(1001.0);
            rig.feed_channels("voct", channels, |channel, _| 1.9 + 0.1 * channel as f32);
            rig
        };
        let (mut always, mut later) = (rig(), rig());
        later.hear(&["saw"]);
        always.run(QUANTUM * 20);
        later.run(QUANTUM * 20);
        later.hear(&["saw", "square", "triangle", "sine", "sub"]);
        // As long as an edge spreads, the new cable fades in over what is missing.
        always.run(QUANTUM);
        later.run(QUANTUM);
        let (always, later) = (always.run(1000), later.run(1000));
        for (output, _) in WAVEFORMS {
            for channel in 0..channels {
                assert_eq!(always.channel(output, channel), later.channel(output, channel));
            }
        }
    }
}
