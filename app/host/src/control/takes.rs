//! What hands do to knobs while an Automation module records, beat by beat.

use std::collections::BTreeMap;

use sostenuto_modules::module::Role;
use sostenuto_modules::param::Param;
use sostenuto_patch::automation::{self, Lane, Point};
use sostenuto_patch::{Edit, ModuleId, Name, Patch};

/// The switch that has it record.
const RECORD: &str = "record";
/// The grid that what was recorded moves to: parts of a beat.
const QUANTISE: &str = "quantise";
const GRIDS: [f32; 4] = [0.0, 0.25, 0.5, 1.0];

/// Points of one move are no farther apart, in beats: what was recorded between them in an
/// earlier pass is gone.
const ONE_MOVE_BEATS: f32 = 0.5;

/// How far a knob may be from the line between two points for those between to be left out,
/// as a part of its way.
const UNSEEN: f32 = 0.004;

/// A recording that goes on.
#[derive(Debug)]
pub(super) struct Take {
    module: ModuleId,
    knobs: BTreeMap<(ModuleId, Name), Moves>,
}

/// How one knob has moved.
#[derive(Debug, Default)]
struct Moves {
    points: Vec<Point>,
    /// The beat of the newest.
    last_beat: f32,
}

impl Take {
    pub fn new(module: ModuleId) -> Take {
        Take { module, knobs: BTreeMap::new() }
    }

    /// Whose it is.
    pub fn module(&self) -> &ModuleId {
        &self.module
    }

    /// A module is called something else.
    pub fn rename(&mut self, id: &ModuleId, new_id: &ModuleId) {
        let renamed = |module: ModuleId| if module == *id { new_id.clone() } else { module };
        self.module = renamed(self.module.clone());
        let knobs = std::mem::take(&mut self.knobs).into_iter();
        self.knobs = knobs.map(|((module, param), it)| ((renamed(module), param), it)).collect();
    }

    /// A knob was put there at a beat; below 0 nothing plays.
    pub fn hear(&mut self, module: &ModuleId, param: &Name, beat: f32, value: f32) {
        if beat >= 0.0 {
            let moves = self.knobs.entry((module.clone(), param.clone())).or_default();
            moves.push(Point { beat, value });
        }
    }

    /// The edit that keeps it: lanes of knobs that were moved are new, others stay. `None`
    /// where nothing was moved.
    pub fn kept(self, patch: &Patch) -> Option<Edit> {
        let own = patch.modules.get(&self.module)?;
        let grid = own.param(QUANTISE).and_then(|grid| GRIDS.get(grid as usize)).copied()?;
        let mut lanes = own.lanes();
        for ((module, param), moves) in self.knobs {
            let facts = param_of(patch, &module, &param);
            let Some(facts) = facts.filter(|_| !moves.points.is_empty()) else { continue };
            let points = thinned(facts, &on_grid(moves.points, grid));
            lanes.retain(|lane| (&lane.module, &lane.param) != (&module, &param));
            lanes.push(Lane { module, param, points });
        }
        let text = automation::write(&lanes);
        let is_new = *own.text != *text;
        is_new.then(|| Edit::SetText { module: self.module, text: text.into() })
    }
}

impl Moves {
    fn push(&mut self, point: Point) {
        let since = point.beat - self.last_beat;
        if (0.0..=ONE_MOVE_BEATS).contains(&since) {
            let (from, to) = (self.last_beat, point.beat);
            self.points.retain(|old| old.beat <= from || old.beat > to);
        }
        self.points.retain(|old| old.beat != point.beat);
        let place = self.points.partition_point(|old| old.beat < point.beat);
        self.points.insert(place, point);
        self.last_beat = point.beat;
    }
}

/// Whether a param is the switch that starts and ends a take.
pub(super) fn is_record_switch(patch: &Patch, module: &ModuleId, param: &str) -> bool {
    let own = patch.modules.get(module);
    param == RECORD && own.is_some_and(|own| own.has_role(Role::Automation))
}

fn param_of(patch: &Patch, module: &ModuleId, param: &str) -> Option<&'static Param> {
    let about = patch.modules.get(module)?.about().ok()?;
    Some(&about.params[about.param(param)?])
}

/// Points on a grid of beats: of several at one place the last counts.
fn on_grid(points: Vec<Point>, grid: f32) -> Vec<Point> {
    if grid == 0.0 {
        return points;
    }
    let mut on_grid: Vec<Point> = Vec::new();
    for point in points {
        let beat = (point.beat / grid).round() * grid;
        on_grid.pop_if(|last| last.beat == beat);
        on_grid.push(Point { beat, ..point });
    }
    on_grid
}

/// The same way with fewer points: Douglas and Peucker, "Algorithms for the reduction of the
/// number of points required to represent a digitized line" (1973).
fn thinned(param: &Param, points: &[Point]) -> Vec<Point> {
    if param.jumps() {
        let mut points = points.to_vec();
        points.dedup_by(|next, before| next.value == before.value);
        return points;
    }
    let mut is_kept = vec![false; points.len()];
    let mut parts = vec![(0, points.len() - 1)];
    while let Some((first, last)) = parts.pop() {
        (is_kept[first], is_kept[last]) = (true, true);
        let ends = [points[first], points[last]];
        let off = |index: &usize| {
            let point = points[*index];
            let line = automation::at(param, &ends, point.beat).unwrap_or(point.value);
            (param.position(line) - param.position(point.value)).abs()
        };
        let farthest = (first + 1..last).max_by(|a, b| off(a).total_cmp(&off(b)));
        if let Some(farthest) = farthest.filter(|index| off(index) > UNSEEN) {
            parts.extend([(first, farthest), (farthest, last)]);
        }
    }
    let kept = points.iter().zip(is_kept).filter(|(_, is_kept)| *is_kept);
    kept.map(|(point, _)| *point).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sostenuto_patch::{PatchModule, apply};

    use super::*;

    fn id(name: &str) -> ModuleId {
        name.parse().unwrap()
    }

    fn patch(quantise: f32) -> Patch {
        let mut patch = Patch::default();
        for (name, kind) in [("ladder", "ladder"), ("play", "automation")] {
            let module = PatchModule::new(kind, 0.0, 0.0);
            apply(&mut patch, Edit::AddModule { id: id(name), module }).unwrap();
        }
        let (module, param) = (id("play"), QUANTISE.into());
        apply(&mut patch, Edit::SetParam { module, param, value: quantise }).unwrap();
        patch
    }

    fn recorded(patch: &mut Patch, moves: &[(f32, f32)]) -> Vec<Lane> {
        let mut take = Take::new(id("play"));
        for &(beat, value) in moves {
            take.hear(&id("ladder"), &"resonance".into(), beat, value);
        }
        let edit = take.kept(patch).expect("something was moved");
        apply(patch, edit).unwrap();
        patch.modules["play"].lanes()
    }

    #[test]
    fn a_move_is_a_lane_and_the_points_of_a_straight_one_are_its_ends() {
        let mut patch = patch(0.0);
        let moves: Vec<_> = (0..=100).map(|n| (n as f32 * 0.01, n as f32 * 0.01)).collect();
        let lanes = recorded(&mut patch, &moves);
        let ends = [(0.0, 0.0), (1.0, 1.0)].map(|(beat, value)| Point { beat, value });
        assert_eq!((lanes.len(), &lanes[0].points[..]), (1, &ends[..]));
        // A second take of the same knob takes its place.
        let lanes = recorded(&mut patch, &[(3.0, 0.5)]);
        assert_eq!((lanes.len(), lanes[0].points.len()), (1, 1));
    }

    #[test]
    fn what_is_moved_again_in_a_later_pass_takes_the_place_of_what_was_there() {
        let mut patch = patch(0.0);
        let first = (0..40).map(|n| (n as f32 * 0.1, (n % 2) as f32));
        let second = (10..20).map(|n| (n as f32 * 0.1 + 0.05, 0.5));
        let lanes = recorded(&mut patch, &first.chain(second).collect::<Vec<_>>());
        let within = |point: &&Point| (1.1..1.9).contains(&point.beat);
        assert!(lanes[0].points.iter().filter(within).all(|point| point.value == 0.5));
        assert_eq!(lanes[0].points.iter().filter(|point| point.beat < 1.0).count(), 10);
    }

    #[test]
    fn quantised_it_lies_on_the_grid() {
        let mut patch = patch(1.0);
        let lanes = recorded(&mut patch, &[(0.1, 0.2), (0.13, 0.9), (0.9, 0.4), (-1.0, 0.0)]);
        let beats: Vec<f32> = lanes[0].points.iter().map(|point| point.beat).collect();
        assert_eq!(beats, [0.0, 0.25, 1.0]);
    }

    #[test]
    fn where_nothing_was_moved_nothing_is_kept() {
        assert_eq!(Take::new(id("play")).kept(&patch(0.0)), None);
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_not_missed(values in prop::collection::vec(0f32..1.0, 1..60)) {
            let patch = patch(0.0);
            let param = param_of(&patch, &id("ladder"), "resonance").unwrap();
            let beat = |n: usize| n as f32 * 0.1;
            let points: Vec<Point> = (0..).zip(&values).map(|(n, &value)| Point { beat: beat(n), value }).collect();
            let thin = thinned(param, &points);
            for point in &points {
                let found = automation::at(param, &thin, point.beat).unwrap();
                let off = (param.position(found) - param.position(point.value)).abs();
                prop_assert!(off <= 2.0 * UNSEEN, "{off}");
            }
        }
    }
}
