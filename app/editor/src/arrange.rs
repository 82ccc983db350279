//! Modules laid out as signals flow: from left to right, nothing on top of
//! anything.
//!
//! Layers by longest paths, and their order by barycentres: K. Sugiyama et al.,
//! "Methods for Visual Understanding of Hierarchical System Structures", IEEE
//! Transactions on Systems, Man, and Cybernetics 11 (1981).

use std::collections::{BTreeMap, BTreeSet};

use sostenuto_patch::edit::Move;
use sostenuto_patch::{Edit, ModuleId, Patch};

/// Between two layers, in points.
const ACROSS: f32 = 80.0;
/// Between two modules of a layer, in points.
const DOWN: f32 = 40.0;
/// Where modules stand.
const GRID: f32 = 20.0;
/// How often the order within layers is improved.
const SWEEPS: usize = 8;

type Links<'a> = BTreeMap<&'a ModuleId, BTreeSet<&'a ModuleId>>;

/// Moves every module to where it would lie best. `size` gives a module's
/// width and height, in points.
pub fn arrange(patch: &Patch, size: impl Fn(&ModuleId) -> (f32, f32)) -> Edit {
    let forward = forward(patch);
    let layer_of = layers(patch, &forward);
    let count = layer_of.values().max().map_or(0, |last| last + 1);
    let mut layers: Vec<Vec<&ModuleId>> = vec![Vec::new(); count];
    for (id, layer) in &layer_of {
        layers[*layer].push(id);
    }
    for layer in &mut layers {
        layer.sort_by(|a, b| patch.modules[*a].y.total_cmp(&patch.modules[*b].y));
    }
    for _ in 0..SWEEPS {
        straighten(&mut layers, &forward);
    }
    let mut moves = Vec::new();
    let mut left = 0.0;
    for layer in &layers {
        let width = layer.iter().map(|id| size(id).0).fold(0.0, f32::max);
        let height: f32 = layer.iter().map(|id| size(id).1 + DOWN).sum::<f32>() - DOWN;
        let mut top = ((-height / 2.0) / GRID).round() * GRID;
        for id in layer {
            moves.push(Move { module: (*id).clone(), x: left, y: top });
            top += ((size(id).1 + DOWN) / GRID).ceil() * GRID;
        }
        left += ((width + ACROSS) / GRID).ceil() * GRID;
    }
    let highest = moves.iter().map(|to| to.y).fold(0.0, f32::min);
    moves.iter_mut().for_each(|to| to.y -= highest);
    Edit::MoveModules(moves)
}

/// Which modules each one leads to, without the cables that lead back.
fn forward(patch: &Patch) -> Links<'_> {
    let mut all: Links = patch.modules.keys().map(|id| (id, BTreeSet::new())).collect();
    for cable in &patch.cables {
        let (from, to) = (&cable.from.module, &cable.to.module);
        if let (true, Some(links)) = (from != to, all.get_mut(from)) {
            links.insert(to);
        }
    }
    let mut order: Vec<&ModuleId> = patch.modules.keys().collect();
    order.sort_by(|a, b| patch.modules[*a].x.total_cmp(&patch.modules[*b].x));
    let mut forward: Links = all.keys().map(|id| (*id, BTreeSet::new())).collect();
    let mut done = BTreeSet::new();
    for root in order {
        let mut path = BTreeSet::new();
        visit(root, &all, &mut path, &mut done, &mut forward);
    }
    forward
}

fn visit<'a>(
    id: &'a ModuleId,
    all: &Links<'a>,
    path: &mut BTreeSet<&'a ModuleId>,
    done: &mut BTreeSet<&'a ModuleId>,
    forward: &mut Links<'a>,
) {
    if !done.insert(id) {
        return;
    }
    path.insert(id);
    for next in &all[id] {
        if !path.contains(next) {
            visit(next, all, path, done, forward);
            forward.entry(id).or_default().insert(next);
        }
    }
    path.remove(id);
}

/// The layer of each module: behind all that lead to it, and right before the
/// first that it leads to.
fn layers<'a>(patch: &'a Patch, forward: &Links<'a>) -> BTreeMap<&'a ModuleId, usize> {
    let mut layer_of: BTreeMap<&ModuleId, usize> = patch.modules.keys().map(|id| (id, 0)).collect();
    for _ in 0..patch.modules.len() {
        let mut is_settled = true;
        for (id, nexts) in forward {
            let behind = layer_of[id] + 1;
            for next in nexts {
                if layer_of[next] < behind {
                    layer_of.insert(next, behind);
                    is_settled = false;
                }
            }
        }
        if is_settled {
            break;
        }
    }
    for _ in 0..patch.modules.len() {
        let mut is_settled = true;
        for (id, nexts) in forward {
            let before = nexts.iter().map(|next| layer_of[next] - 1).min();
            if let Some(before) = before.filter(|before| *before > layer_of[id]) {
                layer_of.insert(id, before);
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    layer_of
}

/// Puts each module as high as those that it is connected to are.
fn straighten(layers: &mut [Vec<&ModuleId>], forward: &Links) {
    let mut places: BTreeMap<ModuleId, f32> = BTreeMap::new();
    for layer in layers.iter() {
        for (place, id) in layer.iter().enumerate() {
            let share = (place as f32 + 0.5) / layer.len() as f32;
            places.insert((*id).clone(), share);
        }
    }
    for layer in layers.iter_mut() {
        let height = |id: &ModuleId| {
            let nexts = forward.get(id).into_iter().flatten().map(|next| places[*next]);
            let befores = forward.iter().filter(|(_, nexts)| nexts.contains(id));
            let near: Vec<f32> = nexts.chain(befores.map(|(before, _)| places[*before])).collect();
            let own = places[id];
            near.iter().chain([&own]).sum::<f32>() / (near.len() + 1) as f32
        };
        let mut ranked: Vec<(f32, &ModuleId)> = layer.iter().map(|id| (height(id), *id)).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        *layer = ranked.into_iter().map(|(_, id)| id).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::face::Face;
    use sostenuto_patch::{apply, factory};

    fn arranged(mut patch: Patch) -> Patch {
        let size = |id: &ModuleId| face_size(&patch, id);
        let edit = arrange(&patch, size);
        apply(&mut patch, edit).unwrap();
        patch
    }

    fn face_size(patch: &Patch, id: &ModuleId) -> (f32, f32) {
        let about = patch.modules[id].about().unwrap();
        Face::of(about).size.into()
    }

    #[test]
    fn nothing_lies_on_anything_and_signals_flow_to_the_right() {
        for factory in factory::PATCHES.iter().chain(factory::TEMPLATES) {
            let patch = arranged(factory.patch());
            no_overlap(factory.name, &patch);
            let forward = forward(&patch);
            for (id, nexts) in &forward {
                for next in nexts {
                    let ends = (patch.modules[*id].x, patch.modules[*next].x);
                    assert!(ends.0 < ends.1, "{}: {id} -> {next}", factory.name);
                }
            }
        }
    }

    fn no_overlap(name: &str, patch: &Patch) {
        let rect = |id: &ModuleId| {
            let module = &patch.modules[id];
            let size = face_size(patch, id);
            (module.x, module.y, module.x + size.0, module.y + size.1)
        };
        for a in patch.modules.keys() {
            for b in patch.modules.keys().filter(|b| a < *b) {
                let (a_rect, b_rect) = (rect(a), rect(b));
                let is_apart = a_rect.2 <= b_rect.0
                    || b_rect.2 <= a_rect.0
                    || a_rect.3 <= b_rect.1
                    || b_rect.3 <= a_rect.1;
                assert!(is_apart, "{name}: {a} and {b}");
            }
        }
    }

    /// `UPDATE_PATCHES=1` lays them out anew and writes them.
    #[test]
    fn the_factory_patches_lie_well() {
        for (folder, patches) in [("patches", factory::PATCHES), ("templates", factory::TEMPLATES)]
        {
            for factory in patches {
                if std::env::var_os("UPDATE_PATCHES").is_some() {
                    let patch = arranged(factory.patch());
                    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets");
                    let path = format!("{assets}/{folder}/{}.sostenuto", factory.name);
                    std::fs::write(path, sostenuto_patch::file::write(&patch)).unwrap();
                } else {
                    no_overlap(factory.name, &factory.patch());
                }
            }
        }
    }

    #[test]
    fn a_loop_is_laid_out_too() {
        let patch = arranged(sostenuto_patch::testing::ring());
        let xs: BTreeSet<u32> = patch.modules.values().map(|module| module.x as u32).collect();
        assert_eq!(xs.len(), 3);
    }
}
