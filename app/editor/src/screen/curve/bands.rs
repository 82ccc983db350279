//! The response of the Parametric EQ.

use super::{Handle, Line, Picture, Values};

/// The bands: the first part of their params' names.
const BANDS: [(&str, Kind); 6] = [
    ("low", Kind::LowShelf),
    ("peak-1", Kind::Peak),
    ("peak-2", Kind::Peak),
    ("peak-3", Kind::Peak),
    ("peak-4", Kind::Peak),
    ("high", Kind::HighShelf),
];
/// The field reaches so far up and down.
const REACH_DB: f32 = 20.0;
const LOW_HZ: f32 = 20.0;
const HIGH_HZ: f32 = 20_000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    LowShelf,
    Peak,
    HighShelf,
}

pub(super) fn picture(values: &Values) -> Picture {
    let bands = BANDS.map(|(name, kind)| {
        let value = |what: &str| values.of(&format!("{name}-{what}"));
        (kind, value("frequency"), value("gain"), value("resonance"))
    });
    let up = |across: f32| {
        let hz = hz_at(across);
        let db = |&(kind, own_hz, gain_db, q)| band_db(kind, hz / own_hz, gain_db, q);
        0.5 + bands.iter().map(db).sum::<f32>() / (2.0 * REACH_DB)
    };
    let handles = BANDS.map(|(name, _)| {
        let name = |what: &str| format!("{name}-{what}");
        let gain = values.param(&name("gain"));
        let gain_span = 2.0 * REACH_DB / (gain.range.end() - gain.range.start());
        Handle {
            at: (
                values.position(&name("frequency")),
                0.5 + values.of(&name("gain")) / (2.0 * REACH_DB),
            ),
            across: values.axis(&name("frequency"), 1.0),
            up: values.axis(&name("gain"), gain_span),
            wheel: Some(values.param(&name("resonance"))),
        }
    });
    Picture {
        lines: vec![Line::graph(160, up).filled_from(0.5)],
        handles: handles.into(),
        columns: [100.0, 1000.0, 10_000.0].map(across_of).into(),
        rows: vec![0.2, 0.35, 0.5, 0.65, 0.8],
        ..Picture::default()
    }
}

/// Where on a field of ten octaves a frequency is.
pub(super) fn across_of(hz: f32) -> f32 {
    (hz / LOW_HZ).ln() / (HIGH_HZ / LOW_HZ).ln()
}

/// The frequency there.
pub(super) fn hz_at(across: f32) -> f32 {
    LOW_HZ * (HIGH_HZ / LOW_HZ).powf(across)
}

/// What a band does at so many times its frequency, in dB: the analog originals that
/// [`sostenuto_dsp::matched`] names.
fn band_db(kind: Kind, ratio: f32, gain_db: f32, q: f32) -> f32 {
    let root = 10f32.powf(gain_db / 40.0);
    // A high shelf is a low one, mirrored in octaves.
    let ratio = if kind == Kind::HighShelf { 1.0 / ratio } else { ratio };
    let square = ratio * ratio;
    let size = |real: f32, imaginary: f32| real * real + imaginary * imaginary;
    let gain_square = match kind {
        Kind::Peak => {
            let real = 1.0 - square;
            size(real, root * ratio / q) / size(real, ratio / (root * q))
        }
        Kind::LowShelf | Kind::HighShelf => {
            let middle = root.sqrt() * ratio / q;
            root * root * size(root - square, middle) / size(1.0 - root * square, middle)
        }
    };
    10.0 * gain_square.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use sostenuto_dsp::response::gain_at;
    use sostenuto_modules::rig::Rig;

    use super::*;

    #[test]
    fn the_curve_is_what_is_heard() {
        for (name, kind, gain_db, q) in [
            ("low", Kind::LowShelf, 9.0, 0.7),
            ("low", Kind::LowShelf, -12.0, 0.5),
            ("peak-2", Kind::Peak, 12.0, 2.0),
            ("peak-2", Kind::Peak, -18.0, 0.7),
            ("high", Kind::HighShelf, -6.0, 0.9),
        ] {
            let mut rig = Rig::named("equalizer", 48_000.0);
            rig.set(&format!("{name}-frequency"), 1000.0);
            rig.set(&format!("{name}-gain"), gain_db);
            rig.set(&format!("{name}-resonance"), q);
            rig.feed("left", |_, frame| f32::from(u8::from(frame == 0)));
            let heard = rig.run(24_000).main().to_vec();
            for hz in [100.0, 500.0, 1000.0, 1500.0, 8000.0] {
                let heard_db = 20.0 * gain_at(&heard, hz, 48_000.0).log10() as f32;
                let shown_db = band_db(kind, hz as f32 / 1000.0, gain_db, q);
                let far = (heard_db - shown_db).abs();
                assert!(far < 0.2, "{name} {gain_db} dB at {hz} Hz: {heard_db}, not {shown_db}");
            }
        }
    }
}
