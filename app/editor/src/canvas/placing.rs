//! Room for what is added: no module comes to lie on another. Pure geometry, in
//! points of the canvas.

use std::collections::BTreeSet;

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use sostenuto_modules::module::About;
use sostenuto_patch::edit::Move;
use sostenuto_patch::{
    Cable, Comment, CommentId, Edit, Group, GroupId, ModuleId, Patch, PatchModule, apply,
};

use super::face::{Face, GRID, snapped};
use crate::patching;

/// Between two modules: a cable has room there.
const GAP: f32 = GRID;

/// How large the face of a module is.
pub fn module_size(patch: &Patch, id: &ModuleId) -> Vec2 {
    let Some(module) = patch.modules.get(id) else { return Vec2::ZERO };
    if id.is_stand_in() {
        let [width, height] = ["width", "height"].map(|name| module.params.get(name).copied());
        return vec2(width.unwrap_or(0.0), height.unwrap_or(0.0));
    }
    match module.about() {
        Ok(about) => Face::of(about).size,
        Err(_) => Face::of_placeholder(patch, id, module).size,
    }
}

/// Where the face of a module is.
pub fn module_rect(patch: &Patch, id: &ModuleId) -> Rect {
    let corner = patch.modules.get(id).map_or(Pos2::ZERO, |module| pos2(module.x, module.y));
    Rect::from_min_size(corner, module_size(patch, id))
}

/// Where the face of a module is, or that of a group where its stand-in is asked for.
pub fn shown_rect(patch: &Patch, id: &ModuleId) -> Option<Rect> {
    if patch.modules.contains_key(id) {
        return Some(module_rect(patch, id));
    }
    let id = id.stands_for()?;
    patch.groups.get(&id).map(|group| group_rect(patch, &id, group))
}

/// The place on the grid near `wanted`, rather right of it than left, where something of that size lies on
/// nothing that is there.
pub fn free_place(taken: &[Rect], size: Vec2, wanted: Pos2) -> Pos2 {
    let wanted = snapped(wanted.to_vec2()).to_pos2();
    let down = |edge: f32| (edge / GRID).floor() * GRID;
    let up = |edge: f32| (edge / GRID).ceil() * GRID;
    let beside_x = |rect: &Rect| [down(rect.left() - GAP - size.x), up(rect.right() + GAP)];
    let beside_y = |rect: &Rect| [down(rect.top() - GAP - size.y), up(rect.bottom() + GAP)];
    let xs: Vec<f32> = taken.iter().flat_map(beside_x).chain([wanted.x]).collect();
    let ys: Vec<f32> = taken.iter().flat_map(beside_y).chain([wanted.y]).collect();
    let corners = xs.iter().flat_map(|&x| ys.iter().map(move |&y| pos2(x, y)));
    let mut corners: Vec<(f32, Pos2)> =
        corners.map(|corner| (distance(wanted, corner), corner)).collect();
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    let is_free = |corner: Pos2| {
        let rect = Rect::from_min_size(corner, size);
        taken.iter().all(|other| are_apart(rect, *other))
    };
    corners.into_iter().map(|(_, corner)| corner).find(|&at| is_free(at)).unwrap_or(wanted)
}

/// How far off a place is. Signals flow to the right, so left is farther than right.
fn distance(wanted: Pos2, place: Pos2) -> f32 {
    let way = place - wanted;
    let across = if way.x < 0.0 { 2.0 * way.x } else { way.x };
    vec2(across, 1.2 * way.y).length()
}

fn are_apart(a: Rect, b: Rect) -> bool {
    // Sums of floats are not exact far out.
    let gap = GAP - 0.5;
    a.right() + gap <= b.left()
        || b.right() + gap <= a.left()
        || a.bottom() + gap <= b.top()
        || b.bottom() + gap <= a.top()
}

/// Gives every module that an edit adds a free place, near where the edit puts it.
pub fn settled(patch: &Patch, mut edit: Edit) -> Edit {
    let Some((ahead, added, mut taken)) = after(patch, &edit) else { return edit };
    for id in added {
        let rect = module_rect(&ahead, &id);
        let way = free_place(&taken, rect.size(), rect.min) - rect.min;
        taken.push(rect.translate(way));
        move_added(&mut edit, way, &|other| *other == id, &|_| false);
    }
    edit
}

/// The same, and what is added stays together, with its comments.
pub fn settled_together(patch: &Patch, mut edit: Edit) -> Edit {
    let Some((ahead, added, taken)) = after(patch, &edit) else { return edit };
    let here = added.iter().filter(|id| ahead.modules[*id].group.is_none());
    let modules = here.map(|id| module_rect(&ahead, id));
    let is_new = |(id, comment): &(&CommentId, &Comment)| {
        !patch.comments.contains_key(*id) && comment.group.is_none()
    };
    let comments = ahead.comments.iter().filter(is_new);
    let is_new = |(id, group): &(&GroupId, &Group)| {
        !patch.groups.contains_key(*id) && group.inside.is_none()
    };
    let groups =
        ahead.groups.iter().filter(is_new).map(|(id, group)| group_rect(&ahead, id, group));
    let all = modules.chain(comments.map(|(_, comment)| comment_rect(comment))).chain(groups);
    let Some(bounds) = all.reduce(Rect::union) else { return edit };
    let way = free_place(&taken, bounds.size(), bounds.min) - bounds.min;
    move_added(&mut edit, way, &|_| true, &|id| !patch.comments.contains_key(id));
    move_groups(&mut edit, way, &|id| !patch.groups.contains_key(id));
    edit
}

fn move_groups(edit: &mut Edit, way: Vec2, is_group: &dyn Fn(&GroupId) -> bool) {
    match edit {
        Edit::SetGroup { id, group: Some(group) } if group.inside.is_none() && is_group(id) => {
            (group.x, group.y) = (group.x + way.x, group.y + way.y);
        }
        Edit::Several(edits) => {
            edits.iter_mut().for_each(|edit| move_groups(edit, way, is_group));
        }
        _ => {}
    }
}

fn group_rect(patch: &Patch, id: &GroupId, group: &Group) -> Rect {
    Rect::from_min_size(pos2(group.x, group.y), Face::of_group(patch, id, group).size)
}

/// The patch after an edit, what the edit adds, and where everything else is.
fn after(patch: &Patch, edit: &Edit) -> Option<(Patch, BTreeSet<ModuleId>, Vec<Rect>)> {
    let mut ahead = patch.clone();
    apply_what_can_be(&mut ahead, edit);
    let mut added = added(edit);
    added.retain(|id| ahead.modules.contains_key(id));
    let taken = here(&ahead).filter(|id| !added.contains(*id));
    let taken = taken.map(|id| module_rect(&ahead, id)).collect();
    Some((ahead, added, taken))
}

/// Does an edit as far as it can be done: cables of groups are not where a patch is shown.
fn apply_what_can_be(patch: &mut Patch, edit: &Edit) {
    match edit {
        Edit::Several(edits) => edits.iter().for_each(|edit| apply_what_can_be(patch, edit)),
        edit => drop(apply(patch, edit.clone())),
    }
}

/// The modules that lie in no group: those that are seen, where it is a patch as shown.
fn here(patch: &Patch) -> impl Iterator<Item = &ModuleId> {
    patch.modules.iter().filter(|(_, module)| module.group.is_none()).map(|(id, _)| id)
}

/// The modules that an edit adds.
pub fn added(edit: &Edit) -> BTreeSet<ModuleId> {
    match edit {
        Edit::AddModule { id, .. } => BTreeSet::from([id.clone()]),
        Edit::Several(edits) => edits.iter().flat_map(added).collect(),
        _ => BTreeSet::new(),
    }
}

/// The groups that an edit makes, of those that lie in no other.
pub fn added_groups(patch: &Patch, edit: &Edit) -> BTreeSet<GroupId> {
    match edit {
        Edit::SetGroup { id, group: Some(group) }
            if group.inside.is_none() && !patch.groups.contains_key(id) =>
        {
            BTreeSet::from([id.clone()])
        }
        Edit::Several(edits) => edits.iter().flat_map(|edit| added_groups(patch, edit)).collect(),
        _ => BTreeSet::new(),
    }
}

/// The modules that an edit adds in groups.
pub fn added_within(edit: &Edit) -> BTreeSet<ModuleId> {
    match edit {
        Edit::AddModule { id, module } if module.group.is_some() => BTreeSet::from([id.clone()]),
        Edit::Several(edits) => edits.iter().flat_map(added_within).collect(),
        _ => BTreeSet::new(),
    }
}

fn move_added(
    edit: &mut Edit,
    way: Vec2,
    is_module: &dyn Fn(&ModuleId) -> bool,
    is_comment: &dyn Fn(&CommentId) -> bool,
) {
    match edit {
        Edit::AddModule { id, module } if module.group.is_none() && is_module(id) => {
            (module.x, module.y) = (module.x + way.x, module.y + way.y);
        }
        Edit::SetComment { id, comment: Some(comment) }
            if comment.group.is_none() && is_comment(id) =>
        {
            (comment.x, comment.y) = (comment.x + way.x, comment.y + way.y);
        }
        Edit::Several(edits) => {
            edits.iter_mut().for_each(|edit| move_added(edit, way, is_module, is_comment));
        }
        _ => {}
    }
}

fn comment_rect(comment: &Comment) -> Rect {
    Rect::from_min_size(pos2(comment.x, comment.y), vec2(comment.width, comment.height))
}

/// Where a module of that size goes between two others, and how far what lies
/// right of there must be moved for it; 0 where there is room.
pub fn between(patch: &Patch, from: &ModuleId, to: &ModuleId, size: Vec2) -> (Pos2, f32) {
    let [before, behind] = [from, to].map(|id| module_rect(patch, id));
    let middle = (before.center().y + behind.center().y - size.y) / 2.0;
    let room = behind.left() - before.right();
    let centred = pos2(before.right() + (room - size.x) / 2.0, middle);
    if room >= size.x + 2.0 * GAP {
        return (centred, 0.0);
    }
    let taken: Vec<Rect> = here(patch).map(|id| module_rect(patch, id)).collect();
    let beside = free_place(&taken, size, centred);
    // A cable that leads back has no room between its ends; and what is free right
    // above or below them needs no pushing.
    if room < 0.0 || (beside - centred).length() <= NEAR {
        return (beside, 0.0);
    }
    let place = pos2(((before.right() + GAP) / GRID).ceil() * GRID, middle);
    let push = place.x + size.x + GAP - behind.left();
    (place, (push / GRID).ceil() * GRID)
}

/// A new module in a cable, with room made for it.
pub fn put_into(patch: &Patch, about: &'static About, cable: &Cable) -> (ModuleId, Edit) {
    let size = Face::of(about).size;
    let (place, push) = between(patch, &cable.from.module, &cable.to.module, size);
    let mut edits = Vec::new();
    if push > 0.0 {
        let behind = module_rect(patch, &cable.to.module);
        edits.push(pushed(patch, behind.left(), push));
    }
    let (id, add) = patching::add(patch, about.name, place.x, place.y);
    let mut ahead = patch.clone();
    let _ = apply(&mut ahead, add.clone());
    edits.push(add);
    edits.extend(patching::insert(&ahead, &id, about, cable));
    (id, settled(patch, Edit::Several(edits)))
}

/// So near is a free place that nothing is pushed away for a nearer one.
const NEAR: f32 = 4.0 * GRID;

/// Moves all that begins right of there, and widens the comments across it.
pub fn pushed(patch: &Patch, from_x: f32, way: f32) -> Edit {
    let is_right = |x: f32| x >= from_x - 0.5;
    let is_pushed = |module: &PatchModule| module.group.is_none() && is_right(module.x);
    let modules = patch.modules.iter().filter(|(_, module)| is_pushed(module));
    let to = |(id, module): (&ModuleId, &PatchModule)| Move {
        module: id.clone(),
        x: module.x + way,
        y: module.y,
    };
    let mut edits = vec![Edit::MoveModules(modules.map(to).collect())];
    for (id, comment) in patch.comments.iter().filter(|(_, comment)| comment.group.is_none()) {
        let comment = match comment {
            comment if is_right(comment.x) => Comment { x: comment.x + way, ..comment.clone() },
            comment if comment.x + comment.width > from_x => {
                Comment { width: comment.width + way, ..comment.clone() }
            }
            _ => continue,
        };
        edits.push(Edit::SetComment { id: id.clone(), comment: Some(comment) });
    }
    Edit::Several(edits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sostenuto_modules::catalog::CATALOG;
    use sostenuto_patch::factory;

    use super::*;
    use crate::canvas::level::Level;
    use crate::patching::Modulator;

    fn overlaps(patch: &Patch) -> Vec<(String, String)> {
        let rects: Vec<_> = patch.modules.keys().map(|id| (id, module_rect(patch, id))).collect();
        let mut overlaps = Vec::new();
        for (index, (a, rect)) in rects.iter().enumerate() {
            for (b, other) in &rects[..index] {
                if rect.shrink(0.5).intersects(other.shrink(0.5)) {
                    overlaps.push((a.to_string(), b.to_string()));
                }
            }
        }
        overlaps
    }

    #[test]
    fn voices_of_a_group_lie_on_nothing() {
        let mut patch = factory::PATCHES[0].patch();
        let chosen: Vec<ModuleId> = patch.modules.keys().take(3).cloned().collect();
        let at = (module_rect(&patch, &chosen[0]).left(), -900.0);
        let (group, edit) = patch.grouped(&chosen, None, "Voice", at);
        apply(&mut patch, edit).unwrap();
        let level = Level::of(&patch, None);
        let (_, edit) = patching::voices(&patch, None, &group, 8, 100.0).unwrap();
        let edit = settled_together(level.shown(&patch), edit);
        apply(&mut patch, edit).unwrap();
        assert_eq!(patch.linked("Voice").count(), 8);
        assert_eq!(overlaps(&Level::of(&patch, None).seen(&patch)), []);
    }

    /// Something is added, in one of the ways that there are.
    #[derive(Clone, Debug)]
    enum Addition {
        New { kind: usize, x: f32, y: f32 },
        Insert { kind: usize, cable: usize },
        Replace { kind: usize, module: usize },
        Duplicate { modules: Vec<usize> },
        Paste { modules: Vec<usize>, x: f32, y: f32 },
        Modulate { module: usize, param: usize },
    }

    fn addition() -> impl Strategy<Value = Addition> {
        let place = || (-2000f32..6000.0, -2000f32..3000.0);
        let some = || {
            prop::collection::vec(any::<prop::sample::Index>().prop_map(|i| i.index(1000)), 1..5)
        };
        prop_oneof![
            (0usize..1000, place()).prop_map(|(kind, (x, y))| Addition::New { kind, x, y }),
            (0usize..1000, 0usize..1000).prop_map(|(kind, cable)| Addition::Insert { kind, cable }),
            (0usize..1000, 0usize..1000)
                .prop_map(|(kind, module)| Addition::Replace { kind, module }),
            some().prop_map(|modules| Addition::Duplicate { modules }),
            (some(), place()).prop_map(|(modules, (x, y))| Addition::Paste { modules, x, y }),
            (0usize..1000, 0usize..20)
                .prop_map(|(module, param)| Addition::Modulate { module, param }),
        ]
    }

    fn nth(patch: &Patch, index: usize) -> ModuleId {
        patch.modules.keys().nth(index % patch.modules.len()).unwrap().clone()
    }

    fn edit(patch: &Patch, addition: &Addition) -> Option<Edit> {
        let kind = |index: usize| CATALOG[index % CATALOG.len()].about;
        let some = |modules: &[usize]| -> BTreeSet<ModuleId> {
            modules.iter().map(|&index| nth(patch, index)).collect()
        };
        let none = BTreeSet::new();
        Some(match addition {
            Addition::New { kind: index, x, y } => {
                settled(patch, patching::add(patch, kind(*index).name, *x, *y).1)
            }
            Addition::Insert { kind: index, cable } => {
                let cable = patch.cables.iter().nth(cable % patch.cables.len().max(1))?.clone();
                put_into(patch, kind(*index), &cable).1
            }
            Addition::Replace { kind: index, module } => {
                let id = nth(patch, *module);
                settled(patch, patching::replace(patch, &id, kind(*index))?.1)
            }
            Addition::Duplicate { modules } => {
                settled_together(patch, patching::duplicate(patch, None, &some(modules), &none).1)
            }
            Addition::Paste { modules, x, y } => {
                let copied = patching::copy(patch, None, &some(modules), &none);
                settled_together(patch, patching::paste(patch, &copied, *x, *y).1)
            }
            Addition::Modulate { module, param } => {
                let id = nth(patch, *module);
                let about = patch.modules[&id].about().ok()?;
                let param = about.params.get(*param)?.name;
                settled(patch, patching::modulate(patch, &id, param, Modulator::Lfo)?)
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_added_lies_on_nothing(
            start in 0..factory::PATCHES.len(),
            additions in prop::collection::vec(addition(), 1..12),
        ) {
            // What lies in groups is not seen beside what does not.
            let patches = factory::PATCHES.iter().map(factory::Factory::patch);
            let flat: Vec<Patch> = patches.filter(|patch| patch.groups.is_empty()).collect();
            let mut patch = flat[start % flat.len()].clone();
            for addition in &additions {
                let Some(edit) = edit(&patch, addition) else { continue };
                apply(&mut patch, edit).unwrap();
                prop_assert_eq!(overlaps(&patch), [], "after {:?}", addition);
            }
        }
    }

    #[test]
    fn what_has_room_stays_where_it_was_asked_for() {
        let taken = [Rect::from_min_size(pos2(0.0, 0.0), vec2(200.0, 200.0))];
        let size = vec2(100.0, 100.0);
        assert_eq!(free_place(&taken, size, pos2(400.0, 60.0)), pos2(400.0, 60.0));
        assert_eq!(free_place(&taken, size, pos2(190.0, 60.0)), pos2(220.0, 60.0));
        assert_eq!(free_place(&taken, size, pos2(50.0, 60.0)), pos2(220.0, 60.0), "right");
        assert_eq!(free_place(&[], size, pos2(7.0, 11.0)), pos2(0.0, 20.0));
    }

    #[test]
    fn what_is_inserted_pushes_what_is_behind_it_aside() {
        let patch = factory::PATCHES[0].patch();
        let leads_right = |cable: &&Cable| {
            let [from, to] =
                [&cable.from.module, &cable.to.module].map(|id| module_rect(&patch, id));
            to.left() > from.right()
        };
        let cable = patch.cables.iter().find(leads_right).unwrap().clone();
        let (id, edit) = put_into(&patch, sostenuto_patch::find_kind("delay").unwrap(), &cable);
        let mut after = patch.clone();
        apply(&mut after, edit).unwrap();
        assert_eq!(overlaps(&after), []);
        let [from, new, to] =
            [&cable.from.module, &id, &cable.to.module].map(|id| module_rect(&after, id));
        assert!(from.right() < new.left() && new.right() < to.left(), "{from} {new} {to}");
    }
}
