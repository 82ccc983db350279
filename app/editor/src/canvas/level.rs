//! What the canvas shows of a patch: what lies in the group that is open, or on the
//! canvas itself. A group that lies there is shown as one module, and what cables lead
//! to from there, outside the open group, as one on either side.
//!
//! The hand works on what is shown, and [`Level::real`] says what it means for the patch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sostenuto_osc::message::Request;
use sostenuto_patch::edit::Move;
use sostenuto_patch::{
    Cable, Edit, Group, GroupId, InputRef, ModuleId, OutputRef, Patch, PatchModule, apply,
};

use super::face::Face;

/// How far from what lies in a group the world around it is shown, in points.
const OUTSIDE_GAP: f32 = 120.0;

/// What is shown of a patch, and the faces of what stands for something else there.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// The group that is open. `None`: the canvas itself.
    open: Option<GroupId>,
    /// The patch that this was made of.
    of: Patch,
    /// What is shown: the modules and comments that lie in no group. Those that lie in one
    /// are there too, for their names, and are not seen.
    shown: Patch,
    faces: BTreeMap<ModuleId, Arc<Face>>,
}

impl Level {
    /// What is to be seen with that group open, or of the group nearest around it that
    /// is there.
    pub fn of(patch: &Patch, open: Option<&GroupId>) -> Level {
        let open = open.filter(|id| patch.groups.contains_key(*id)).cloned();
        if patch.groups.is_empty() {
            return Level::default();
        }
        let (of, shown, faces) = (patch.clone(), patch.clone(), BTreeMap::new());
        let mut level = Level { open, of, shown, faces };
        level.show();
        level
    }

    /// Whether it shows that.
    pub fn is_of(&self, patch: &Patch, open: Option<&GroupId>) -> bool {
        let is_plain = self.is_plain() && patch.groups.is_empty();
        self.open.as_ref() == open && (is_plain || self.of == *patch)
    }

    /// Whether it is the canvas itself, of a patch without groups: what is shown is the patch.
    pub fn is_plain(&self) -> bool {
        self.of.groups.is_empty()
    }

    /// The group that is open.
    pub fn open(&self) -> Option<&GroupId> {
        self.open.as_ref()
    }

    /// The groups around what is shown, from the canvas itself to the one that is open.
    pub fn path(&self) -> Vec<(GroupId, String)> {
        let around = self.of.around(self.open.as_ref());
        let mut path: Vec<_> =
            around.map(|(id, group)| (id.clone(), group.title.clone())).collect();
        path.reverse();
        path
    }

    /// What is shown of the patch that this was made of, as a patch: what is seen lies in
    /// no group.
    pub fn shown<'a>(&'a self, patch: &'a Patch) -> &'a Patch {
        if self.is_plain() { patch } else { &self.shown }
    }

    /// The same without what is not seen.
    pub fn seen(&self, patch: &Patch) -> Patch {
        let mut seen = self.shown(patch).clone();
        seen.modules.retain(|_, module| module.group.is_none());
        let is_seen = |id: &ModuleId| seen.modules.contains_key(id);
        seen.cables.retain(|cable| is_seen(&cable.from.module) && is_seen(&cable.to.module));
        seen.delayed.retain(|cable| seen.cables.contains(cable));
        seen
    }

    /// The face of what stands for something else.
    pub fn face(&self, id: &ModuleId) -> Option<&Arc<Face>> {
        self.faces.get(id)
    }

    /// The modules of the patch that are meant, where some stand for groups.
    pub fn modules(&self, chosen: &BTreeSet<ModuleId>) -> BTreeSet<ModuleId> {
        let mut modules = BTreeSet::new();
        for id in chosen {
            match id.stands_for() {
                Some(group) => modules.extend(self.of.modules_within(&group).cloned()),
                None if id.is_stand_in() => {}
                None => _ = modules.insert(id.clone()),
            }
        }
        modules
    }

    /// The groups that are chosen, and all in them, the innermost first.
    pub fn groups(&self, chosen: &BTreeSet<ModuleId>) -> Vec<GroupId> {
        let chosen: BTreeSet<GroupId> = chosen.iter().filter_map(ModuleId::stands_for).collect();
        let is_in = |id: &&GroupId| self.of.around(Some(*id)).any(|(id, _)| chosen.contains(id));
        let mut groups: Vec<GroupId> = self.of.groups.keys().filter(is_in).cloned().collect();
        groups.sort_by_key(|id| std::cmp::Reverse(self.of.around(Some(id)).count()));
        groups
    }

    /// What an edit of what is shown means for the patch.
    pub fn real(&self, edit: Edit) -> Edit {
        if self.is_plain() {
            return edit;
        }
        let mut ahead = self.of.clone();
        let mut edits = Vec::new();
        self.push_real(edit, &mut ahead, &mut edits);
        if edits.len() == 1 { edits.remove(0) } else { Edit::Several(edits) }
    }

    /// The same of requests.
    pub fn all_real(&self, requests: &mut [Request]) {
        for request in requests {
            if let Request::Edit(edit) = request {
                *edit = self.real(std::mem::replace(edit, Edit::Several(Vec::new())));
            }
        }
    }

    fn push_real(&self, edit: Edit, ahead: &mut Patch, edits: &mut Vec<Edit>) {
        let real = match edit {
            Edit::Several(all) => {
                all.into_iter().for_each(|edit| self.push_real(edit, ahead, edits));
                return;
            }
            Edit::AddModule { id, mut module } => {
                module.group = module.group.or_else(|| self.open.clone());
                Edit::AddModule { id, module }
            }
            Edit::SetComment { id, comment: Some(mut comment) } => {
                comment.group = comment.group.or_else(|| self.open.clone());
                Edit::SetComment { id, comment: Some(comment) }
            }
            Edit::SetGroup { id, group: Some(mut group) } => {
                // The open group itself, and those around it, stay where they are.
                let is_around = self.of.around(self.open.as_ref()).any(|(own, _)| *own == id);
                if !is_around {
                    group.inside = group.inside.or_else(|| self.open.clone());
                }
                Edit::SetGroup { id, group: Some(group) }
            }
            Edit::MoveModules(moves) => {
                let (boxes, modules): (Vec<Move>, Vec<Move>) =
                    moves.into_iter().partition(|step| step.module.is_stand_in());
                for Move { module, x, y } in boxes {
                    let group =
                        module.stands_for().and_then(|id| Some((ahead.groups.get(&id)?, id)));
                    if let Some((group, id)) = group {
                        let group = Group { x, y, ..group.clone() };
                        let edit = Edit::SetGroup { id, group: Some(group) };
                        let _ = apply(ahead, edit.clone());
                        edits.push(edit);
                    }
                }
                if modules.is_empty() {
                    return;
                }
                Edit::MoveModules(modules)
            }
            Edit::Connect(cable) => Edit::Connect(cable.meant()),
            Edit::Disconnect(cable) => Edit::Disconnect(cable.meant()),
            Edit::SetDelay { cable, is_delayed } => {
                Edit::SetDelay { cable: cable.meant(), is_delayed }
            }
            edit => edit,
        };
        let is_delay = matches!(real, Edit::SetDelay { .. });
        // What looks like a loop through a group may be none within it.
        if apply(ahead, real.clone()).is_ok() || !is_delay {
            edits.push(real);
        }
    }

    fn show(&mut self) {
        let patch = self.of.clone();
        let open = self.open.clone();
        let seen_in = |group: &Option<GroupId>| match group {
            own if *own == open => None,
            // Not seen: whatever group it says, it is not none.
            own => own.clone().or_else(|| open.clone()),
        };
        for module in self.shown.modules.values_mut() {
            module.group = seen_in(&module.group);
        }
        for comment in self.shown.comments.values_mut() {
            comment.group = seen_in(&comment.group);
        }
        let [before, behind] = ModuleId::outside();
        self.shown.cables.clear();
        self.shown.delayed.clear();
        let mut outer = (BTreeSet::new(), BTreeSet::new());
        for cable in &patch.cables {
            let [from, to] = [&cable.from.module, &cable.to.module].map(|id| self.seen_as(id));
            let shown = match (from, to) {
                (None, None) => continue,
                (Some(from), Some(to)) if from == to && from.is_stand_in() => continue,
                (from, to) => {
                    if from.is_none() {
                        outer.0.insert(cable.from.clone());
                    }
                    if to.is_none() {
                        outer.1.insert(cable.to.clone());
                    }
                    Cable {
                        from: as_output(&cable.from, from.unwrap_or(before.clone())),
                        to: as_input(&cable.to, to.unwrap_or(behind.clone())),
                    }
                }
            };
            if patch.delayed.contains(cable) {
                self.shown.delayed.insert(shown.clone());
            }
            self.shown.cables.insert(shown);
        }
        let here = patch.groups.iter().filter(|(_, group)| group.inside == open);
        for (id, group) in here {
            self.stand(id.stand_in(), group.x, group.y, Face::of_group(&patch, id, group));
        }
        if self.open.is_some() {
            self.show_outside(&patch, outer);
        }
    }

    /// Which of what is shown has a module in it. `None`: it is outside.
    fn seen_as(&self, id: &ModuleId) -> Option<ModuleId> {
        let module = self.of.modules.get(id)?;
        if module.group == self.open {
            return Some(id.clone());
        }
        self.of.group_at(self.open.as_ref(), id).map(GroupId::stand_in)
    }

    fn stand(&mut self, id: ModuleId, x: f32, y: f32, face: Face) {
        let mut module = PatchModule::new("group", x, y);
        module.is_placeholder = true;
        // How large it is, for those who look for room beside it.
        module.params.insert("width".into(), face.size.x);
        module.params.insert("height".into(), face.size.y);
        self.shown.modules.insert(id.clone(), module);
        self.faces.insert(id, Arc::new(face));
    }

    /// What cables come from and lead to outside, left and right of what lies within.
    fn show_outside(&mut self, patch: &Patch, outer: (BTreeSet<OutputRef>, BTreeSet<InputRef>)) {
        let right_of = |id: &ModuleId, module: &PatchModule| {
            let width = match (self.faces.get(id), module.about()) {
                (Some(face), _) => face.size.x,
                (None, Ok(about)) => Face::of(about).size.x,
                (None, Err(_)) => 0.0,
            };
            module.x + width
        };
        let seen = self.shown.modules.iter().filter(|(_, module)| module.group.is_none());
        let (mut left, mut top, mut right) = (f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY);
        for (id, module) in seen {
            left = left.min(module.x);
            top = top.min(module.y);
            right = right.max(right_of(id, module));
        }
        if !left.is_finite() {
            (left, top, right) = (0.0, 0.0, 0.0);
        }
        let [before, behind] = ModuleId::outside();
        let (from, to) = outer;
        if !from.is_empty() {
            let face = Face::of_outside(patch, "From outside", &from, &BTreeSet::new());
            let x = left - OUTSIDE_GAP - face.size.x;
            self.stand(before, x, top, face);
        }
        if !to.is_empty() {
            let face = Face::of_outside(patch, "To outside", &BTreeSet::new(), &to);
            self.stand(behind, right + OUTSIDE_GAP, top, face);
        }
    }
}

/// The port of what a module is seen as.
fn as_output(output: &OutputRef, seen: ModuleId) -> OutputRef {
    if seen.is_stand_in() {
        return OutputRef { module: seen, port: output.to_string().into() };
    }
    output.clone()
}

fn as_input(input: &InputRef, seen: ModuleId) -> InputRef {
    if seen.is_stand_in() {
        return InputRef { module: seen, port: input.to_string().into() };
    }
    input.clone()
}

#[cfg(test)]
mod tests {
    use sostenuto_patch::factory::PATCHES;

    use super::*;

    /// Groups in groups, of every third module, every ninth and so on.
    fn in_groups(patch: &Patch) -> Patch {
        let mut grouped = patch.clone();
        let mut level = None;
        let mut names: Vec<ModuleId> = patch.modules.keys().cloned().collect();
        while names.len() > 1 {
            names = names.into_iter().skip(1).step_by(2).collect();
            let (id, edit) = grouped.grouped(&names, level.as_ref(), "Part", (0.0, 0.0));
            apply(&mut grouped, edit).unwrap();
            level = Some(id);
        }
        grouped
    }

    fn levels(patch: &Patch) -> Vec<Level> {
        let groups = patch.groups.keys().map(Some);
        groups.chain([None]).map(|open| Level::of(patch, open)).collect()
    }

    fn has_jacks(level: &Level, cable: &Cable) -> bool {
        let face = |id: &ModuleId| match level.face(id) {
            Some(face) => Face::clone(face),
            None => Face::of(level.of.modules[id].about().unwrap()),
        };
        face(&cable.from.module).output(&cable.from.port).is_some()
            && face(&cable.to.module).input(&cable.to.port).is_some()
    }

    #[test]
    fn every_cable_is_seen_somewhere_and_ends_at_jacks_that_are_there() {
        for own in PATCHES {
            let patch = in_groups(&own.patch());
            let mut seen = BTreeSet::new();
            for level in levels(&patch) {
                for cable in &level.seen(&patch).cables {
                    assert!(has_jacks(&level, cable), "{}: {cable}", own.name);
                    assert!(patch.cables.contains(&cable.meant()), "{}: {cable}", own.name);
                    seen.insert(cable.meant());
                }
            }
            assert_eq!(seen, patch.cables, "{}", own.name);
        }
    }

    #[test]
    fn every_module_and_every_group_is_seen_in_one_place() {
        for own in PATCHES {
            let patch = in_groups(&own.patch());
            let seen = levels(&patch)
                .iter()
                .flat_map(|level| level.seen(&patch).modules.into_keys().collect::<Vec<_>>())
                .collect::<Vec<_>>();
            let times = |id: &ModuleId| seen.iter().filter(|seen| *seen == id).count();
            assert!(patch.modules.keys().all(|id| times(id) == 1), "{}", own.name);
            assert!(patch.groups.keys().all(|id| times(&id.stand_in()) == 1), "{}", own.name);
        }
    }

    #[test]
    fn what_a_hand_does_to_what_is_shown_can_be_done_to_the_patch() {
        for own in PATCHES {
            let patch = in_groups(&own.patch());
            for level in levels(&patch) {
                let shown = level.seen(&patch);
                let cables = shown.cables.iter().map(|cable| Edit::Disconnect(cable.clone()));
                let moves = shown
                    .modules
                    .keys()
                    .filter(|id| !id.is_stand_in() || id.stands_for().is_some())
                    .map(|id| Edit::MoveModules(vec![Move { module: id.clone(), x: 7.0, y: 9.0 }]));
                let new = crate::patching::add(level.shown(&patch), "vco", 0.0, 0.0);
                for edit in cables.chain(moves).chain([new.1]) {
                    let mut after = patch.clone();
                    apply(&mut after, level.real(edit)).unwrap();
                    after.check().unwrap();
                    assert_ne!(after, patch);
                }
                let mut after = patch.clone();
                let new = crate::patching::add(level.shown(&patch), "vco", 0.0, 0.0);
                apply(&mut after, level.real(new.1)).unwrap();
                assert_eq!(after.modules[&new.0].group.as_ref(), level.open());
            }
        }
    }

    #[test]
    fn a_cable_out_of_a_group_is_plugged_elsewhere_by_its_meaning() {
        let patch = in_groups(&PATCHES[0].patch());
        let level = Level::of(&patch, None);
        let of_group = |cable: &&Cable| cable.from.module.is_stand_in();
        let Some(cable) = level.seen(&patch).cables.iter().find(of_group).cloned() else {
            panic!("a cable out of the group")
        };
        let mut after = patch.clone();
        let moved = vec![Edit::Disconnect(cable.clone()), Edit::Connect(cable.clone())];
        apply(&mut after, level.real(Edit::Several(moved))).unwrap();
        assert_eq!(after, patch);
    }
}
