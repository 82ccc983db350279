//! How loud something comes out, over how loud it goes in; and what is taken off now.

use sostenuto_dsp::reduction_db;

use super::{Axis, Handle, Ink, Line, Picture, Values};

/// The field, in dB of full scale.
const BOTTOM_DB: f32 = -60.0;
const TOP_DB: f32 = 6.0;
/// A noise gate listens further down.
const GATE_BOTTOM_DB: f32 = -80.0;
/// The most that the bar shows as taken off.
const MOST_TAKEN_DB: f32 = 24.0;

/// The levels that a field shows, the same across and up.
#[derive(Clone, Copy)]
struct Scale {
    bottom_db: f32,
    top_db: f32,
}

impl Scale {
    const OF_MUSIC: Scale = Scale { bottom_db: BOTTOM_DB, top_db: TOP_DB };
    const OF_GATES: Scale = Scale { bottom_db: GATE_BOTTOM_DB, top_db: TOP_DB };

    fn of(self, level_db: f32) -> f32 {
        (level_db - self.bottom_db) / (self.top_db - self.bottom_db)
    }

    fn level_db(self, of_field: f32) -> f32 {
        self.bottom_db + of_field * (self.top_db - self.bottom_db)
    }

    fn at(self, in_db: f32, out_db: f32) -> (f32, f32) {
        (self.of(in_db), self.of(out_db).clamp(0.0, 1.0))
    }

    /// A way of a handle along which the param follows it.
    fn axis(self, values: &Values, name: &str) -> Option<Axis> {
        let range = &values.param(name).range;
        values.axis(name, (self.top_db - self.bottom_db) / (range.end() - range.start()))
    }

    fn graph(self, out_db: impl Fn(f32) -> f32) -> Line {
        Line::graph(132, |across| self.of(out_db(self.level_db(across))))
    }

    /// A field with a line, and that of a wire.
    fn picture(self, lines: Vec<Line>, handles: Vec<Handle>) -> Picture {
        let wire = self.graph(|in_db| in_db).in_ink(Ink::Faint);
        let guides: Vec<f32> = [-60.0, -40.0, -20.0, 0.0].map(|level_db| self.of(level_db)).into();
        let lines = [vec![wire], lines].concat();
        Picture { lines, handles, columns: guides.clone(), rows: guides, ..Picture::default() }
    }
}

pub(super) fn compressor(values: &Values) -> Picture {
    let scale = Scale::OF_MUSIC;
    let [threshold, ratio, knee, makeup] =
        ["threshold", "ratio", "knee", "makeup"].map(|name| values.of(name));
    let out_db = |in_db: f32| in_db - reduction_db(in_db - threshold, ratio, knee) + makeup;
    let handles = vec![
        Handle {
            at: scale.at(threshold, out_db(threshold)),
            across: scale.axis(values, "threshold"),
            up: scale.axis(values, "makeup"),
            wheel: Some(values.param("knee")),
        },
        Handle {
            at: scale.at(0.0, out_db(0.0)),
            across: None,
            up: values.axis("ratio", -3.0),
            wheel: None,
        },
    ];
    let mut picture = scale.picture(vec![scale.graph(out_db).filled_from(0.0)], handles);
    if values.is_live() {
        let (taken_db, heard_db) = (values.shown(0), values.shown(1));
        if heard_db > BOTTOM_DB {
            picture.dots.push(scale.at(heard_db, heard_db - taken_db + makeup));
        }
        picture.taken = Some(taken_db / MOST_TAKEN_DB);
    }
    picture
}

pub(super) fn limiter(values: &Values) -> Picture {
    let scale = Scale::OF_MUSIC;
    let (gain, ceiling) = (values.of("gain"), values.of("ceiling"));
    let out_db = |in_db: f32| (in_db + gain).min(ceiling);
    let across = scale.axis(values, "gain").map(|axis| Axis { span: -axis.span, ..axis });
    let handle = Handle {
        at: scale.at(ceiling - gain, ceiling),
        across,
        up: scale.axis(values, "ceiling"),
        wheel: None,
    };
    let mut picture = scale.picture(vec![scale.graph(out_db).filled_from(0.0)], vec![handle]);
    picture.taken = values.is_live().then(|| values.shown(0) / MOST_TAKEN_DB);
    picture
}

pub(super) fn gate(values: &Values) -> Picture {
    let scale = Scale::OF_GATES;
    let [threshold, hysteresis, floor] =
        ["threshold", "hysteresis", "floor"].map(|name| values.of(name));
    // Once it is open it closes later.
    let opens = scale.graph(|in_db| if in_db >= threshold { in_db } else { in_db + floor });
    let closes_db = threshold - hysteresis;
    let closes = Line {
        points: vec![scale.at(closes_db, closes_db + floor), scale.at(closes_db, closes_db)],
        ink: Ink::Faint,
        ground: None,
    };
    let across = scale.axis(values, "hysteresis").map(|axis| Axis { span: -axis.span, ..axis });
    let handles = vec![
        Handle {
            at: scale.at(threshold, threshold),
            across: scale.axis(values, "threshold"),
            up: None,
            wheel: None,
        },
        Handle {
            // As high as the floor, wherever that has the line.
            at: scale.at(closes_db, floor),
            across,
            up: scale.axis(values, "floor"),
            wheel: None,
        },
    ];
    let mut picture = scale.picture(vec![closes, opens.filled_from(0.0)], handles);
    if values.is_live() {
        let (taken_db, heard_db) = (values.shown(0), values.shown(1));
        if heard_db > GATE_BOTTOM_DB {
            picture.dots.push(scale.at(heard_db, heard_db - taken_db));
        }
        picture.taken = Some(taken_db / MOST_TAKEN_DB);
    }
    picture
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::rig::Rig;

    use super::*;

    #[test]
    fn the_curve_of_a_compressor_is_what_it_takes_off() {
        for (in_db, knee_db) in [(-30.0, 12.0), (-20.0, 12.0), (-17.0, 12.0), (-3.0, 0.0)] {
            let volts = 10.0 * 10f32.powf(in_db / 20.0);
            let mut rig = Rig::named("compressor", 48_000.0);
            rig.set("threshold", -20.0).set("ratio", 4.0).set("knee", knee_db);
            rig.feed("left", move |_, _| volts).run(48_000);
            let shown_db = reduction_db(in_db + 20.0, 4.0, knee_db);
            assert!((rig.display()[0] - shown_db).abs() < 0.05, "{in_db} dB: {shown_db}");
        }
    }
}
