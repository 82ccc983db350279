//! One cycle of what repeats, and the sound of a file.

use std::f32::consts::TAU;

use super::{Handle, Ink, Line, Picture, Values};

/// How far a wave reaches from the middle.
const SWING: f32 = 0.4;

pub(super) fn cycle(values: &Values) -> Picture {
    let width = values.of("pulse-width");
    let up = |volts: f32| 0.5 + SWING * volts;
    // Just short of the next cycle, where a saw falls.
    let wave = |ink, volts: fn(f32) -> f32| {
        Line::graph(96, |turn| up(volts(turn.min(0.9999)))).in_ink(ink)
    };
    let mut lines = vec![
        wave(Ink::Faint, |turn| 1.0 - 4.0 * ((turn + 0.25).fract() - 0.5).abs()),
        wave(Ink::Faint, |turn| 2.0 * turn - 1.0),
        wave(Ink::Main, |turn| (TAU * turn).sin()),
    ];
    let square = [(0.0, -1.0), (0.0, 1.0), (width, 1.0), (width, -1.0), (1.0, -1.0)];
    let points = square.map(|(turn, volts)| (turn, up(volts))).into();
    lines.insert(0, Line { points, ink: Ink::Faint, ground: None });
    let handles = vec![
        Handle {
            at: (width, up(0.0)),
            across: values.axis("pulse-width", 1.0),
            up: None,
            wheel: None,
        },
        Handle {
            at: (values.of("phase"), up(-1.0)),
            across: values.axis("phase", 1.0),
            up: None,
            wheel: None,
        },
    ];
    Picture {
        lines,
        handles,
        rows: vec![0.5],
        now: values.is_live().then(|| values.shown(0).clamp(0.0, 1.0)),
        ..Picture::default()
    }
}

pub(super) fn wave(values: &Values) -> Picture {
    let display = values.display();
    // The first point again: it goes round.
    let points = (0..=display.len()).map(|point| {
        let volts = values.shown(point % display.len().max(1)).clamp(-1.2, 1.2);
        (point as f32 / display.len().max(1) as f32, 0.5 + SWING * volts)
    });
    let handle = values.has("position").then(|| Handle {
        at: (values.position("position"), 0.08),
        across: values.axis("position", 1.0),
        up: None,
        wheel: None,
    });
    Picture {
        lines: vec![Line { points: points.collect(), ink: Ink::Main, ground: Some(0.5) }],
        handles: handle.into_iter().collect(),
        rows: vec![0.5],
        ..Picture::default()
    }
}

/// Heights from 0 to 1 across the whole field, up and down from its middle.
pub(super) fn mirrored(heights: impl ExactSizeIterator<Item = f32> + Clone) -> Vec<Line> {
    let count = heights.len() as f32;
    let half = |side: f32| {
        let point = |(index, height)| ((index as f32 + 0.5) / count, 0.5 + side * 0.42 * height);
        let points = heights.clone().enumerate().map(point).collect();
        Line { points, ink: Ink::Main, ground: Some(0.5) }
    };
    vec![half(1.0), half(-1.0)]
}

pub(super) fn sound(values: &Values) -> Picture {
    let peaks = values.display().get(1..).unwrap_or_default();
    let (start, stop) = (values.of("start"), values.of("stop"));
    let (first, last) = (start.min(stop), start.max(stop));
    let loops_from = first + values.of("loop-start") * (last - first);
    let handle = |name: &str, at: (f32, f32), span: f32| Handle {
        at,
        across: values.axis(name, span),
        up: None,
        wheel: None,
    };
    let mut handles = vec![handle("start", (start, 0.92), 1.0), handle("stop", (stop, 0.92), 1.0)];
    let mut columns = vec![start, stop];
    if values.of("plays") as usize == ROUND {
        let span = 1.0 / (last - first).max(0.05);
        handles.push(handle("loop-start", (loops_from, 0.08), span));
        columns.push(loops_from);
    }
    let place = values.shown(0);
    Picture {
        lines: mirrored(peaks.iter().map(|peak| peak.clamp(0.0, 1.0))),
        handles,
        columns,
        rows: vec![0.5],
        now: (values.is_live() && place > 0.0 && place < 1.0).then_some(place),
        ..Picture::default()
    }
}

/// The choice of `plays` that goes round.
const ROUND: usize = 2;
