//! Envelopes over time. Times go along the way of their knobs, so that a millisecond
//! is seen beside a minute.

use sostenuto_dsp::bend::{bend, bow};

use super::{Axis, Handle, Line, Picture, Values};

/// How high nothing and everything are.
pub(super) const GROUND: f32 = 0.06;
pub(super) const TOP: f32 = 0.92;
/// Pieces of one stage.
const PIECES: usize = 24;
/// How much of the field an attack, a decay or a release takes at most, and what a
/// sustain does.
const STAGE: f32 = 0.27;
const SUSTAIN: f32 = 0.15;
/// A time of nothing is seen.
const LEAST: f32 = 0.04;
/// How much of an attack's curve is bent.
const ATTACK_BEND: f32 = 0.7;

fn height(level: f32) -> f32 {
    GROUND + level * (TOP - GROUND)
}

/// A level, turned by a way up.
fn level_axis(values: &Values, name: &str) -> Option<Axis> {
    values.axis(name, 1.0 / (TOP - GROUND))
}

/// How wide a time is drawn, of so much room; and the way that turns it.
fn time(values: &Values, name: &str, room: f32) -> (f32, Option<Axis>) {
    let width = room * (LEAST + (1.0 - LEAST) * values.position(name));
    (width, values.axis(name, 1.0 / (room * (1.0 - LEAST))))
}

/// From place to place, by a way from 0 to 1.
struct Stage {
    from: (f32, f32),
    to: (f32, f32),
}

impl Stage {
    fn at(&self, across: f32, way: f32) -> (f32, f32) {
        let (from, to) = (self.from, self.to);
        (from.0 + (to.0 - from.0) * across, from.1 + (to.1 - from.1) * way)
    }

    fn draw(&self, points: &mut Vec<(f32, f32)>, way: impl Fn(f32) -> f32) {
        points.extend((0..=PIECES).map(|piece| {
            let across = piece as f32 / PIECES as f32;
            self.at(across, way(across))
        }));
    }
}

pub(super) fn adsr(values: &Values) -> Picture {
    let (sustain, curve) = (values.of("sustain"), values.of("curve"));
    let (attack, attack_axis) = time(values, "attack", STAGE);
    let (decay, decay_axis) = time(values, "decay", STAGE);
    let (release, release_axis) = time(values, "release", STAGE);
    let top = (attack, height(1.0));
    let held = (attack + decay, height(sustain));
    let let_go = (held.0 + SUSTAIN, height(sustain));
    let end = (let_go.0 + release, height(0.0));
    let stages = [
        Stage { from: (0.0, height(0.0)), to: top },
        Stage { from: top, to: held },
        Stage { from: let_go, to: end },
    ];
    let way = |stage: usize| {
        move |across: f32| match stage {
            0 => adsr_way(across, 2, curve * ATTACK_BEND),
            _ => adsr_way(across, 4, curve),
        }
    };
    let mut points = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        stage.draw(&mut points, way(index));
    }
    let curve = Some(values.param("curve"));
    let handles = vec![
        Handle { at: top, across: attack_axis, up: None, wheel: curve },
        Handle { at: held, across: decay_axis, up: level_axis(values, "sustain"), wheel: curve },
        Handle { at: end, across: release_axis, up: None, wheel: curve },
    ];
    let (stage, gone) = (values.shown(0) as usize, values.shown(1).clamp(0.0, 1.0));
    let is_at_rest = !values.is_live() || (stage >= 2 && gone >= 1.0);
    let dot = stages.get(stage).filter(|_| !is_at_rest);
    Picture {
        lines: vec![Line { points, ink: super::Ink::Main, ground: Some(0.0) }],
        handles,
        rows: vec![height(0.0)],
        dots: dot.map(|at| at.at(gone, way(stage)(gone))).into_iter().collect(),
        ..Picture::default()
    }
}

/// How much of a stage is done when so much of its time is: what is left is bent to a
/// power, in part.
fn adsr_way(across: f32, power: i32, bent: f32) -> f32 {
    let left = 1.0 - across;
    1.0 - (left + (left.powi(power) - left) * bent)
}

pub(super) fn rise_and_fall(values: &Values) -> Picture {
    const ROOM: f32 = 0.48;
    let curve = values.of("curve");
    let (rise, rise_axis) = time(values, "rise", ROOM);
    let (fall, fall_axis) = time(values, "fall", ROOM);
    let up = |level: f32| height(bend(level, bow(-curve)));
    let at = |level: f32, is_falling: bool| match is_falling {
        true => (rise + (1.0 - level) * fall, up(level)),
        false => (level * rise, up(level)),
    };
    let levels = || (0..=PIECES).map(|piece| piece as f32 / PIECES as f32);
    let mut points: Vec<(f32, f32)> = levels().map(|level| at(level, false)).collect();
    points.extend(levels().map(|gone| at(1.0 - gone, true)));
    let curve_param = Some(values.param("curve"));
    let handles = vec![
        Handle { at: at(1.0, false), across: rise_axis, up: None, wheel: curve_param },
        Handle { at: at(0.0, true), across: fall_axis, up: None, wheel: curve_param },
        Handle { at: at(0.5, true), across: None, up: values.axis("curve", -1.0), wheel: None },
    ];
    let (level, is_falling) = (values.shown(0).clamp(0.0, 1.0), values.shown(1) > 0.5);
    let is_at_rest = !values.is_live() || level == 0.0;
    Picture {
        lines: vec![Line { points, ink: super::Ink::Main, ground: Some(0.0) }],
        handles,
        rows: vec![height(0.0)],
        dots: if is_at_rest { Vec::new() } else { vec![at(level, is_falling)] },
        ..Picture::default()
    }
}

pub(super) fn segments(values: &Values) -> Picture {
    let length = values.of("length").clamp(1.0, 8.0) as usize;
    let room = 0.98 / length as f32;
    let (mut stages, mut handles) = (Vec::new(), Vec::new());
    let mut from = (0.01, height(0.0));
    if values.of("loop") as usize == LOOP_ALWAYS {
        from.1 = height(values.of(&format!("level-{length}")));
    }
    for number in 1..=length {
        let level = format!("level-{number}");
        let (width, across) = time(values, &format!("time-{number}"), room);
        let to = (from.0 + width, height(values.of(&level)));
        let curve = format!("curve-{number}");
        let wheel = Some(values.param(&curve));
        handles.push(Handle { at: to, across, up: level_axis(values, &level), wheel });
        stages.push((Stage { from, to }, bow(values.of(&curve))));
        from = to;
    }
    let mut points = Vec::new();
    for (stage, bow) in &stages {
        stage.draw(&mut points, |across| bend(across, *bow));
    }
    let (segment, gone) = (values.shown(0), values.shown(1).clamp(0.0, 1.0));
    let playing = stages.get(segment as usize).filter(|_| values.is_live() && segment >= 0.0);
    let sustain = values.of("sustain") as usize;
    let waits = sustain.checked_sub(1).and_then(|index| stages.get(index.min(length - 1)));
    Picture {
        lines: vec![Line { points, ink: super::Ink::Main, ground: Some(0.0) }],
        handles,
        rows: vec![height(0.0)],
        columns: waits.map(|(stage, _)| stage.to.0).into_iter().collect(),
        dots: playing.map(|(stage, bow)| stage.at(gone, bend(gone, *bow))).into_iter().collect(),
        ..Picture::default()
    }
}

/// The choice of `loop` that goes round without a gate.
const LOOP_ALWAYS: usize = 2;

#[cfg(test)]
mod tests {
    use sostenuto_modules::rig::Rig;

    use super::*;

    #[test]
    fn the_curve_of_an_envelope_is_what_is_heard() {
        for curve in [0.0, 0.5, 1.0] {
            let mut rig = Rig::named("adsr", 1000.0);
            rig.set("attack", 0.1).set("decay", 0.1).set("sustain", 0.25).set("curve", curve);
            let heard = rig.feed("gate", |_, _| 10.0).run(200).main().to_vec();
            for gone in [0.25, 0.5, 0.75] {
                let frame = (100.0 * gone) as usize - 1;
                let rises = 10.0 * adsr_way(gone, 2, curve * ATTACK_BEND);
                assert!((heard[frame] - rises).abs() < 0.05, "{} {rises}", heard[frame]);
                let falls = 10.0 - 7.5 * adsr_way(gone, 4, curve);
                let far = (heard[100 + frame] - falls).abs();
                assert!(far < 0.15, "{} {falls}", heard[100 + frame]);
            }
        }
    }
}
