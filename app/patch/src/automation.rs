//! Automation: where knobs stand beat by beat, as the text of a module that plays it.
//!
//! A line is a lane: `ladder.cutoff 0 440 0.5 880` has the knob at 440 on the first beat, and
//! half a beat later at 880. Lanes of modules that are not there wait for them.

use std::collections::BTreeMap;

use sostenuto_modules::clip::Text;
use sostenuto_modules::param::Param;

use super::problem::Problem;
use super::scene::between;
use super::{ModuleId, Name, Patch, PatchModule};

/// The last beat that there can be.
pub const MAX_BEATS: f32 = 1024.0;

/// The knob of a module, and where it stands when.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Whose knob.
    pub module: ModuleId,
    /// Which.
    pub param: Name,
    /// Beat and value, in the order of beats.
    pub points: Vec<Point>,
}

/// Where a knob stands at a beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Counted from 0.
    pub beat: f32,
    /// In the param's unit.
    pub value: f32,
}

/// The lanes of a text, in its order.
///
/// # Errors
/// Where a line is none.
pub fn read(text: &str) -> Result<Vec<Lane>, Problem> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| lane(line).ok_or(Problem::BadLane { line: index + 1 })).collect()
}

fn lane(line: &str) -> Option<Lane> {
    let mut words = line.split_whitespace();
    let (module, param) = words.next()?.split_once('.')?;
    let mut points: Vec<Point> = Vec::new();
    while let Some(beat) = words.next() {
        let [beat, value] = [beat, words.next()?].map(|word| word.parse::<f32>().ok());
        let (beat, value) = (beat?, value.filter(|value| value.is_finite())?);
        let least = points.last().map_or(0.0, |last| last.beat);
        points
            .push(Point { beat: Some(beat).filter(|it| (least..=MAX_BEATS).contains(it))?, value });
    }
    let is_named = !param.is_empty() && !points.is_empty();
    is_named.then_some(Lane { module: module.parse().ok()?, param: param.into(), points })
}

/// The text of lanes.
pub fn write(lanes: &[Lane]) -> String {
    let mut text = String::new();
    for Lane { module, param, points } in lanes {
        text.push_str(&format!("{module}.{param}"));
        for Point { beat, value } in points {
            text.push_str(&format!(" {beat} {value}"));
        }
        text.push('\n');
    }
    text
}

/// Where a knob with these points stands at a beat, on its own scale; before the first it
/// stands there already. Real-time safe.
pub fn at(param: &Param, points: &[Point], beat: f32) -> Option<f32> {
    let after = points.partition_point(|point| point.beat <= beat);
    let Some(before) = after.checked_sub(1).map(|index| points[index]) else {
        return points.first().map(|first| first.value);
    };
    let Some(next) = points.get(after).filter(|_| !param.jumps()) else {
        return Some(before.value);
    };
    let way = (beat - before.beat) / (next.beat - before.beat);
    Some(between(param, before.value, next.value, way))
}

/// The text with the lanes of a module under its new name. `None` where it has none.
pub fn renamed(text: &str, id: &ModuleId, new_id: &ModuleId) -> Option<String> {
    let is_own = |line: &str| {
        line.trim_start().strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    if !text.lines().any(is_own) {
        return None;
    }
    let line = |line: &str| match is_own(line) {
        true => line.replacen(id.as_str(), new_id.as_str(), 1),
        false => line.to_owned(),
    };
    Some(text.split_inclusive('\n').map(line).collect())
}

/// The text with the lanes of all these modules under other names.
pub fn moved_to(text: &str, names: &BTreeMap<ModuleId, ModuleId>) -> String {
    let Ok(mut lanes) = read(text) else { return text.to_owned() };
    for lane in &mut lanes {
        if let Some(name) = names.get(&lane.module) {
            lane.module.clone_from(name);
        }
    }
    write(&lanes)
}

impl Patch {
    /// Has what is automated follow a module to its new name. Returns what has changed: the
    /// texts as they were.
    pub(crate) fn rename_in_lanes(
        &mut self,
        id: &ModuleId,
        new_id: &ModuleId,
    ) -> Vec<(ModuleId, Name)> {
        let mut were = Vec::new();
        for (own, module) in &mut self.modules {
            if module.text_form() != Some(Text::Automation) {
                continue;
            }
            if let Some(text) = renamed(&module.text, id, new_id) {
                were.push((own.clone(), std::mem::replace(&mut module.text, text.into())));
            }
        }
        were
    }
}

impl PatchModule {
    /// The lanes that it plays.
    pub fn lanes(&self) -> Vec<Lane> {
        let text = if self.text_form() == Some(Text::Automation) { &*self.text } else { "" };
        read(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sostenuto_modules::param::Unit;

    use super::*;
    use crate::edit::{Edit, apply};
    use crate::testing::{id, ring};

    const LANES: &str = "a.gain 0 0.5 1.25 -0.5\nb.offset 2 1\n";

    fn with_lanes() -> Patch {
        let mut patch = ring();
        let mut module = PatchModule::new("automation", 0.0, 0.0);
        module.text = LANES.into();
        apply(&mut patch, Edit::AddModule { id: id("play"), module }).unwrap();
        patch
    }

    #[test]
    fn lanes_are_read_as_they_are_written() {
        let lanes = read(LANES).unwrap();
        assert_eq!(lanes[0].points[1], Point { beat: 1.25, value: -0.5 });
        assert_eq!(write(&lanes), LANES);
        for wrong in ["gain 0 1", "a.gain", "a.gain 0", "a.gain 0 x", "a.gain 2 0 1 0", "a. 0 1"] {
            let text = format!("\na.gain 0 0\n{wrong}");
            let problem = read(&text).unwrap_err().to_string();
            assert!(problem.contains("Line 3"), "{wrong}: {problem}");
        }
        for wrong in ["a.gain 0 inf", "a.gain -1 0", "a.gain 2000 0", "a.gain NaN 0"] {
            read(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_knob_moves_from_point_to_point_on_its_own_scale_and_stands_at_the_ends() {
        let hz = Param::log("cutoff", 20.0..=20_000.0, 440.0, Unit::Hz, "");
        let points = [(1.0, 100.0), (3.0, 1600.0)].map(|(beat, value)| Point { beat, value });
        for (beat, should_be) in
            [(0.0, 100.0), (1.0, 100.0), (2.0, 400.0), (3.0, 1600.0), (9.0, 1600.0)]
        {
            let found = at(&hz, &points, beat).unwrap();
            assert!((found / should_be - 1.0).abs() < 1e-4, "{beat}: {found}");
        }
        let steps = Param::steps("steps", 1.0..=8.0, 1.0, "");
        let points = [(0.0, 2.0), (2.0, 6.0)].map(|(beat, value)| Point { beat, value });
        assert_eq!(at(&steps, &points, 1.9), Some(2.0), "what jumps waits for its point");
        assert_eq!(at(&steps, &[], 0.0), None);
        let same = [(1.0, 2.0), (1.0, 3.0)].map(|(beat, value)| Point { beat, value });
        assert_eq!(at(&hz, &same, 1.0), Some(3.0));
    }

    #[test]
    fn lanes_follow_a_module_to_its_new_name_and_back() {
        let mut patch = with_lanes();
        let before = patch.clone();
        let rename = Edit::RenameModule { id: id("a"), new_id: id("lead") };
        let back = apply(&mut patch, rename).unwrap();
        let lanes = patch.modules["play"].lanes();
        assert_eq!((lanes[0].module.as_str(), lanes[1].module.as_str()), ("lead", "b"));
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
        // One waits for a module of that name.
        let text = Edit::SetText { module: id("play"), text: "a.gain 0 1\nlead.gain 0 0\n".into() };
        apply(&mut patch, text).unwrap();
        let before = patch.clone();
        let rename = Edit::RenameModule { id: id("a"), new_id: id("lead") };
        let back = apply(&mut patch, rename).unwrap();
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
    }

    #[test]
    fn what_is_no_lane_is_refused() {
        let mut patch = with_lanes();
        let before = patch.clone();
        let text = Edit::SetText { module: id("play"), text: "a.gain up".into() };
        assert!(apply(&mut patch, text).unwrap_err().to_string().contains("Line 1"));
        assert_eq!(patch, before);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}|([ab]\\.gain( -?[0-9.]{1,4}){0,6}\n){0,4}") {
            if let Ok(lanes) = read(&text) {
                prop_assert_eq!(read(&write(&lanes)).unwrap(), lanes);
            }
        }
    }
}
