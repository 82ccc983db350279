//! Voices: a group becomes several linked copies of itself, each with its own channel of
//! all that comes in, and their outputs are the channels of a cable again.

use std::collections::{BTreeMap, BTreeSet};

use sostenuto_modules::catalog;
use sostenuto_modules::module::{About, Role};
use sostenuto_patch::{
    Cable, Edit, GroupId, InputRef, ModuleId, OutputRef, Patch, PatchModule, Problem, apply,
};

use super::{Copies, copy, linked, put};

/// How far apart voices lie, and what splits and merges beside them, in points.
const APART: [f32; 2] = [560.0, 48.0];

/// Makes `count` voices of a group, 2 to 16. `height` is that of its face, in points.
/// Returns the names of the new modules.
pub fn voices(
    patch: &Patch,
    level: Option<&GroupId>,
    id: &GroupId,
    count: usize,
    height: f32,
) -> Result<(BTreeSet<ModuleId>, Edit), Problem> {
    let mut growing = Growing { patch: patch.clone(), edits: Vec::new() };
    growing.make(linked(patch, id)?)?;
    let first: BTreeSet<ModuleId> = growing.patch.modules_within(id).cloned().collect();
    let copied = copy(&growing.patch, level, &first, &BTreeSet::new());
    // Of each voice, what its modules are called there.
    let mut names = vec![first.iter().map(|id| (id.clone(), id.clone())).collect()];
    for voice in 1..count {
        let down = voice as f32 * (height + APART[1]);
        names.push(growing.put_copy(&copied, down)?);
    }
    let group = growing.patch.group(id)?;
    let place = (group.x, group.y);
    growing.split(&first, &names, level, place)?;
    growing.merge(&first, &names, level, place)?;
    let new = growing.patch.modules.keys().filter(|id| !patch.modules.contains_key(*id));
    Ok((new.cloned().collect(), Edit::Several(growing.edits)))
}

/// A patch and the edits that it grows by.
struct Growing {
    patch: Patch,
    edits: Vec<Edit>,
}

/// What the modules of the first voice are called in another.
type Names = BTreeMap<ModuleId, ModuleId>;

impl Growing {
    fn make(&mut self, edit: Edit) -> Result<(), Problem> {
        apply(&mut self.patch, edit.clone())?;
        self.edits.push(edit);
        Ok(())
    }

    fn put_copy(&mut self, copied: &Patch, down: f32) -> Result<Names, Problem> {
        let Copies { names, edits, links } = put(&self.patch, copied, 0.0, down);
        edits.into_iter().try_for_each(|edit| self.make(edit))?;
        for Cable { from, to } in &copied.cables {
            let from = OutputRef { module: names[&from.module].clone(), port: from.port.clone() };
            let to = InputRef { module: names[&to.module].clone(), port: to.port.clone() };
            self.make(Edit::Connect(Cable { from, to }))?;
        }
        self.make(links)?;
        Ok(names)
    }

    /// What comes into the group goes to each voice, channel by channel.
    fn split(
        &mut self,
        first: &BTreeSet<ModuleId>,
        voices: &[Names],
        level: Option<&GroupId>,
        (x, y): (f32, f32),
    ) -> Result<(), Problem> {
        let about = catalog::with_role(Role::Split).1.about;
        let entries = self.cables(|from, to| !first.contains(from) && first.contains(to));
        let sources: BTreeSet<&OutputRef> = entries.iter().map(|cable| &cable.from).collect();
        for (row, source) in sources.into_iter().enumerate() {
            let split = self.add(about, level, (x - APART[0], y + row as f32 * APART[0]))?;
            if let Some(repeats) = about.params.first() {
                let (module, param) = (split.clone(), repeats.name.into());
                self.make(Edit::SetParam { module, param, value: 1.0 })?;
            }
            let to = InputRef { module: split.clone(), port: about.inputs[0].name.into() };
            self.make(Edit::Connect(Cable { from: source.clone(), to }))?;
            for cable in entries.iter().filter(|cable| cable.from == *source) {
                self.make(Edit::Disconnect(cable.clone()))?;
                for (names, port) in voices.iter().zip(about.outputs) {
                    let from = OutputRef { module: split.clone(), port: port.name.into() };
                    let module = names[&cable.to.module].clone();
                    let to = InputRef { module, port: cable.to.port.clone() };
                    self.make(Edit::Connect(Cable { from, to }))?;
                }
            }
        }
        Ok(())
    }

    /// What leaves the voices becomes the channels of one cable.
    fn merge(
        &mut self,
        first: &BTreeSet<ModuleId>,
        voices: &[Names],
        level: Option<&GroupId>,
        (x, y): (f32, f32),
    ) -> Result<(), Problem> {
        let about = catalog::with_role(Role::Merge).1.about;
        let exits = self.cables(|from, to| first.contains(from) && !first.contains(to));
        let sources: BTreeSet<&OutputRef> = exits.iter().map(|cable| &cable.from).collect();
        for (row, source) in sources.into_iter().enumerate() {
            let merge = self.add(about, level, (x + APART[0], y + row as f32 * APART[0]))?;
            for (names, port) in voices.iter().zip(about.inputs) {
                let module = names[&source.module].clone();
                let from = OutputRef { module, port: source.port.clone() };
                let to = InputRef { module: merge.clone(), port: port.name.into() };
                self.make(Edit::Connect(Cable { from, to }))?;
            }
            for cable in exits.iter().filter(|cable| cable.from == *source) {
                self.make(Edit::Disconnect(cable.clone()))?;
                let from = OutputRef { module: merge.clone(), port: about.outputs[0].name.into() };
                self.make(Edit::Connect(Cable { from, to: cable.to.clone() }))?;
            }
        }
        Ok(())
    }

    /// The cables between modules that are meant.
    fn cables(&self, are_meant: impl Fn(&ModuleId, &ModuleId) -> bool) -> Vec<Cable> {
        let all = self.patch.cables.iter();
        all.filter(|cable| are_meant(&cable.from.module, &cable.to.module)).cloned().collect()
    }

    fn add(
        &mut self,
        about: &'static About,
        level: Option<&GroupId>,
        (x, y): (f32, f32),
    ) -> Result<ModuleId, Problem> {
        let id = self.patch.fresh_id(about.name);
        let module = PatchModule { group: level.cloned(), ..PatchModule::new(about.name, x, y) };
        self.make(Edit::AddModule { id: id.clone(), module })?;
        Ok(id)
    }
}
