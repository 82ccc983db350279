//! What lies in a group sounds as it did outside.

use std::collections::BTreeSet;

use sostenuto_host::render::ComputedBy;
use sostenuto_patch::edit::Reach;
use sostenuto_patch::{GroupId, ModuleId, Patch, apply, file};
use sostenuto_tests::{RATE_HZ, assert_same, factory_patches, ready, reference};

/// Groups of groups, so deep.
const DEEP: usize = 8;

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % most
    }
}

/// A connected part of what lies there: a module, and what cables lead to from it.
fn part(patch: &Patch, level: Option<&GroupId>, chance: &mut Chance) -> BTreeSet<ModuleId> {
    let here: Vec<&ModuleId> = match level {
        Some(group) => patch.modules_within(group).collect(),
        None => patch.modules.keys().collect(),
    };
    let wanted = 1 + chance.below(here.len());
    let mut part = BTreeSet::from([here[chance.below(here.len())].clone()]);
    while part.len() < wanted {
        let near = patch.cables.iter().flat_map(|cable| {
            let (from, to) = (&cable.from.module, &cable.to.module);
            [(from, to), (to, from)]
        });
        let next = near
            .filter(|(here, _)| part.contains(*here))
            .map(|(_, there)| there)
            .find(|there| !part.contains(*there) && here.contains(there));
        let Some(next) = next.cloned() else { break };
        part.insert(next);
    }
    part
}

fn grouped(patch: &Patch, chance: &mut Chance) -> Patch {
    let mut grouped = patch.clone();
    let mut level: Option<GroupId> = None;
    for _ in 0..DEEP {
        let part = part(&grouped, level.as_ref(), chance);
        let (id, edit) = grouped.grouped(&part, level.as_ref(), "Part", (0.0, 0.0));
        apply(&mut grouped, edit).unwrap();
        grouped.check().unwrap();
        level = Some(id);
    }
    grouped
}

#[test]
fn every_factory_patch_in_groups_eight_deep_is_the_same_to_the_bit() {
    let mut chance = Chance(7);
    for (name, patch) in factory_patches() {
        let grouped = grouped(&patch, &mut chance);
        assert_eq!(grouped.groups.len(), DEEP + patch.groups.len(), "{name}");
        // As a file brings it.
        let read = file::read(file::write(&grouped).as_bytes()).unwrap();
        assert_eq!(read, grouped, "{name}");
        let frames = RATE_HZ as usize;
        let is = ready(&read, 256, ComputedBy::InProcess).frames(frames);
        assert_same(&format!("{name}-in-groups"), &is, &reference(&patch, frames));
    }
}

#[test]
fn a_patch_taken_out_of_all_its_groups_is_the_patch_that_it_was() {
    let mut chance = Chance(3);
    for (name, mut patch) in factory_patches() {
        // Without groups of its own.
        while let Some(id) = patch.groups.keys().next().cloned() {
            let edit = patch.ungrouped(&id).unwrap();
            apply(&mut patch, edit).unwrap();
        }
        let mut grouped = grouped(&patch, &mut chance);
        let mut back = Vec::new();
        while let Some(id) = grouped.groups.keys().next().cloned() {
            let edit = grouped.ungrouped(&id).unwrap();
            back.push(apply(&mut grouped, edit).unwrap());
            grouped.check().unwrap();
        }
        assert_eq!(grouped, patch, "{name}");
        for edit in back.into_iter().rev() {
            apply(&mut grouped, edit).unwrap();
        }
        assert_eq!(grouped.groups.len(), DEEP, "{name}");
    }
}

#[test]
fn grouping_asks_nothing_of_the_sound() {
    for (name, patch) in factory_patches() {
        let all: Vec<&ModuleId> = patch.modules.keys().collect();
        let (_, edit) = patch.grouped(all, None, "All", (0.0, 0.0));
        assert_eq!(edit.reach(), Reach::Looks, "{name}");
    }
}
