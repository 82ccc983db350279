//! The groups that come with the program lie tidily and have faces that can be used.
//! `UPDATE_LIBRARY=1` tidies their files up.

use std::path::Path;

use sostenuto_patch::factory::{Factory, GROUPS};
use sostenuto_patch::{GroupId, ModuleId, Patch, apply, file};

use super::level::Level;
use super::placing::{module_rect, module_size};
use crate::arrange::arrange;

/// The one group of such a patch.
fn root(group: &Factory) -> (Patch, GroupId) {
    let patch = group.patch();
    let root = patch.linked(group.name).next().expect("a group of its name").clone();
    (patch, root)
}

/// What lies in a group, moved to where it lies best.
fn tidied(patch: &Patch, root: &GroupId) -> Patch {
    let level = Level::of(patch, Some(root));
    let mut seen = level.seen(patch);
    seen.modules.retain(|id, _| !id.is_stand_in());
    let is_seen = |id: &ModuleId| seen.modules.contains_key(id);
    seen.cables.retain(|cable| is_seen(&cable.from.module) && is_seen(&cable.to.module));
    let edit = arrange(&seen, |id| module_size(&seen, id).into());
    let mut tidied = patch.clone();
    apply(&mut tidied, edit).expect("modules that are there");
    tidied
}

#[test]
fn every_group_of_the_library_is_tidy() {
    for group in GROUPS {
        let (patch, root) = root(group);
        if std::env::var_os("UPDATE_LIBRARY").is_some() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/library");
            let path = folder.join(format!("{}.sostenuto", group.name));
            file::save(&path, &tidied(&patch, &root), file::Over::Patches).expect("a file");
            continue;
        }
        let mut seen = Level::of(&patch, Some(&root)).seen(&patch);
        seen.modules.retain(|id, _| !id.is_stand_in());
        let rects: Vec<_> = seen.modules.keys().map(|id| (id, module_rect(&seen, id))).collect();
        for (index, (id, rect)) in rects.iter().enumerate() {
            for (other, beside) in &rects[..index] {
                let lies_on = rect.shrink(0.5).intersects(beside.shrink(0.5));
                assert!(!lies_on, "{}: {id} lies on {other}", group.name);
            }
        }
    }
}

#[test]
fn every_group_of_the_library_shows_all_that_it_is_played_by() {
    for group in GROUPS {
        let (patch, root) = root(group);
        assert_eq!((patch.title.as_str(), patch.groups.len()), (group.name, 1));
        assert!(patch.modules.values().all(|module| module.group.as_ref() == Some(&root)));
        let level = Level::of(&patch, None);
        let face = level.face(&root.stand_in()).expect("a face");
        assert!(!face.outputs.is_empty(), "{} has no output", group.name);
        assert!(!face.lent.is_empty(), "{} has no knobs", group.name);
        let size = face.size;
        assert!(size.x < 800.0 && size.y < 750.0, "{} is {size:?}", group.name);
    }
}
