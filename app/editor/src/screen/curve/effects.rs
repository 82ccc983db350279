//! What effects do to a sound: echoes over time, a voice's bands, a response, grains.

use super::bands::across_of;
use super::waves::mirrored;
use super::{Axis, Handle, Ink, Line, Picture, Values};

/// How far an echo as loud as the sound itself reaches from the middle.
const SWING: f32 = 0.42;
/// Echoes quieter than this are not seen.
const LEAST_ECHO: f32 = 0.02;
/// More are not told apart.
const MOST_ECHOES: usize = 64;

/// Echoes on the left go up, those on the right down.
pub(super) fn echoes(values: &Values) -> Picture {
    let (set_secs, feedback) = (values.of("time"), values.of("feedback"));
    let heard_secs = if values.shown(0) > 0.0 { values.shown(0) } else { set_secs };
    // At least four echoes are seen, and the field changes only by whole steps.
    let span_secs = (4.0 * set_secs.max(heard_secs)).log2().ceil().exp2();
    let is_crossed = values.of("ping-pong") != 0.0;
    let mut lines = Vec::new();
    let mut level = 1.0;
    for echo in 1..=MOST_ECHOES {
        let across = echo as f32 * heard_secs / span_secs;
        if across > 1.0 || level < LEAST_ECHO {
            break;
        }
        let reach = SWING * level.min(1.1);
        let (left, right) = match (is_crossed, echo % 2) {
            (false, _) => (reach, reach),
            (true, 1) => (reach, 0.0),
            (true, _) => (0.0, reach),
        };
        let points = vec![(across, 0.5 - right), (across, 0.5 + left)];
        lines.push(Line { points, ink: Ink::Main, ground: None });
        level *= feedback;
    }
    let time = values.param("time");
    let octaves = (time.range.end() / time.range.start()).ln();
    let handles = vec![
        Handle {
            at: (set_secs / span_secs, 0.5 + SWING),
            // The time is a logarithm of its way: this is how steep it is here.
            across: values.axis("time", span_secs / (set_secs * octaves)),
            up: None,
            wheel: None,
        },
        Handle {
            at: (2.0 * set_secs / span_secs, 0.5 + SWING * feedback),
            across: None,
            up: values.axis("feedback", 1.0 / (SWING * 1.1)),
            wheel: None,
        },
    ];
    let tick_secs = 10f32.powf(span_secs.log10().ceil() - 1.0);
    let ticks = (1..).map(|tick| tick as f32 * tick_secs / span_secs);
    Picture {
        lines,
        handles,
        columns: ticks.take_while(|&across| across < 1.0).collect(),
        rows: vec![0.5],
        ..Picture::default()
    }
}

/// The first band of a voice, and octaves from each to the next: as the Vocoder has them.
const LOWEST_HZ: f32 = 110.0;
const STEP_OCTAVES: f32 = 0.42;
/// The field of levels, in dB below 10 V.
const BOTTOM_DB: f32 = -60.0;

pub(super) fn voice(values: &Values) -> Picture {
    let formant = values.of("formant");
    let moved = (formant / 12.0).exp2();
    let half = (0.4 * STEP_OCTAVES).exp2();
    let bar = |(band, &volts): (usize, &f32)| {
        let hz = LOWEST_HZ * (band as f32 * STEP_OCTAVES).exp2() * moved;
        let level_db = 20.0 * (volts / 10.0).max(1e-6).log10();
        let up = ((level_db - BOTTOM_DB) / -BOTTOM_DB).clamp(0.02, 1.0);
        let points = [hz / half, hz * half].map(|edge_hz| (across_of(edge_hz).clamp(0.0, 1.0), up));
        Line { points: points.into(), ink: Ink::Main, ground: Some(0.0) }
    };
    let range = &values.param("formant").range;
    let semitones = 12.0 * (20_000f32 / 20.0).log2();
    let handle = Handle {
        at: (0.5 + formant / semitones, 0.9),
        across: values.axis("formant", semitones / (range.end() - range.start())),
        up: None,
        wheel: None,
    };
    Picture {
        lines: values.display().iter().enumerate().map(bar).collect(),
        handles: vec![handle],
        columns: [100.0, 1000.0, 10_000.0].map(across_of).into(),
        rows: vec![1.0 / 3.0, 2.0 / 3.0],
        ..Picture::default()
    }
}

/// A response, in dB below its loudest part, and a line along which `decay` lets it end.
pub(super) fn response(values: &Values) -> Picture {
    let peaks = values.display().get(1..).unwrap_or_default();
    let loudest = peaks.iter().fold(1e-9f32, |loudest, peak| loudest.max(*peak));
    let level = |peak: &f32| {
        let level_db = 20.0 * (peak / loudest).max(1e-6).log10();
        ((level_db - BOTTOM_DB) / -BOTTOM_DB).clamp(0.0, 1.0)
    };
    let decay = values.position("decay");
    let handle =
        Handle { at: (decay, 0.5), across: values.axis("decay", 1.0), up: None, wheel: None };
    let is_made = values.shown(0) > 0.0;
    Picture {
        lines: if is_made { mirrored(peaks.iter().map(level)) } else { Vec::new() },
        handles: vec![handle],
        columns: vec![decay],
        rows: vec![0.5],
        ..Picture::default()
    }
}

/// Peaks of the tape that a Granular shows; its grains follow.
const TAPE_PEAKS: usize = 128;

/// What was heard, now at the right, ten seconds ago at the left.
pub(super) fn grains(values: &Values) -> Picture {
    let (peaks, grains) = values.display().split_at(TAPE_PEAKS.min(values.display().len()));
    let (position, scatter) = (values.of("position"), values.of("scatter"));
    let across = 1.0 - position;
    let dot = |(index, ago): (usize, &f32)| {
        // So that those at one place are told apart.
        let up = 0.3 + 0.4 * (index as f32 * 0.618).fract();
        (1.0 - ago, up)
    };
    let playing = grains.iter().enumerate().filter(|(_, ago)| (0.0..=1.0).contains(*ago));
    let handle = Handle {
        at: (across, 0.92),
        across: values.axis("position", 1.0).map(|axis| Axis { span: -axis.span, ..axis }),
        up: None,
        wheel: Some(values.param("scatter")),
    };
    Picture {
        lines: mirrored(peaks.iter().rev().map(|peak| peak.clamp(0.0, 1.0))),
        handles: vec![handle],
        columns: vec![(across - scatter).max(0.0), across, (across + scatter).min(1.0)],
        rows: vec![0.5],
        dots: playing.map(dot).collect(),
        ..Picture::default()
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::module::Curve;
    use sostenuto_modules::rig::Rig;
    use sostenuto_patch::PatchModule;

    use super::super::tests::shown;

    #[test]
    fn echoes_stand_where_they_are_heard() {
        let mut rig = Rig::named("delay", 48_000.0);
        rig.set("time", 0.1).set("feedback", 0.5).set("mix", 1.0);
        rig.run(24_000);
        rig.feed("left", |_, frame| if frame == 24_000 { 10.0 } else { 0.0 });
        let heard = rig.run(24_000).main().to_vec();
        let mut module = PatchModule::new("delay", 0.0, 0.0);
        module.params = [("time".into(), 0.1), ("feedback".into(), 0.5)].into();
        let lines = shown(Curve::Echoes, &module, Vec::new(), &rig.display()).lines;
        for echo in 0..3 {
            let across = lines[echo].points[0].0;
            // Half a second is the field.
            let frame = (across * 24_000.0).round() as usize;
            let near = &heard[frame - 40..frame + 40];
            let peak = near.iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
            assert!(peak > 0.3 * 10.0 * 0.5f32.powi(echo as i32), "{echo} at {frame}: {peak}");
        }
    }

    #[test]
    fn a_band_of_a_voice_rises_with_its_pitch() {
        let mut rig = Rig::named("vocoder", 48_000.0);
        let turns = 844.13 / 48_000.0;
        rig.feed("modulator", move |_, frame| {
            5.0 * (std::f64::consts::TAU * turns * frame as f64).sin() as f32
        });
        rig.run(24_000);
        let module = PatchModule::new("vocoder", 0.0, 0.0);
        let lines = shown(Curve::Voice, &module, Vec::new(), &rig.display()).lines;
        let up = |band: usize| lines[band].points[0].1;
        assert!((0..16).all(|band| band == 7 || up(band) < up(7)));
        let middle = (lines[7].points[0].0 + lines[7].points[1].0) / 2.0;
        assert!((middle - super::across_of(844.13)).abs() < 0.002, "{middle}");
    }

    #[test]
    fn a_response_and_a_tape_are_drawn_as_they_are() {
        let mut rig = Rig::named("convolution", 48_000.0);
        rig.run(300_000);
        let module = PatchModule::new("convolution", 0.0, 0.0);
        let line = &shown(Curve::Response, &module, Vec::new(), &rig.display()).lines[0];
        let up = |part: usize| line.points[part].1;
        assert!(up(2) > 0.85 && up(120) < up(60) && up(60) < up(2), "{:?}", line.points);

        let mut rig = Rig::named("granular", 48_000.0);
        // Loud for the last second of two.
        rig.feed("left", |_, frame| if frame >= 48_000 { 10.0 } else { 0.0 });
        rig.run(96_000);
        let module = PatchModule::new("granular", 0.0, 0.0);
        let picture = shown(Curve::Grains, &module, Vec::new(), &rig.display());
        let loud = picture.lines[0].points.iter().filter(|(_, up)| *up > 0.9);
        let from = loud.map(|(across, _)| *across).fold(1.0f32, f32::min);
        assert!((from - 0.9).abs() < 0.04, "{from}");
        assert!(!picture.dots.is_empty());
    }
}
