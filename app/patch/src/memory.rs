//! About how much memory an edit takes while it waits to be undone.

use std::mem::size_of_val;

use crate::edit::Edit;
use crate::{Patch, PatchModule};

/// What one more entry of a map or set costs beside what it holds.
const ENTRY_BYTES: usize = 48;

/// About how many bytes an edit takes. Names, which are shared, are not counted.
pub fn bytes(edit: &Edit) -> usize {
    let more = match edit {
        Edit::AddModule { module, .. } => of_module(module),
        Edit::MoveModules(moves) => size_of_val(&moves[..]),
        Edit::SetText { text, .. } => text.len(),
        Edit::SetComment { comment, .. } => comment.as_ref().map_or(0, |it| it.text.len()),
        Edit::SetGroup { group, .. } => group.as_ref().map_or(0, |it| it.title.len()),
        Edit::SetScene { title, .. } => title.as_ref().map_or(0, String::len),
        Edit::KeepInScene { values, .. } => {
            ENTRY_BYTES * values.as_ref().map_or(0, |values| values.len())
        }
        Edit::SetPartTitle { title, .. } => title.len(),
        Edit::SetTitle(text) | Edit::SetDescription(text) => text.len(),
        Edit::Replace(patch) => of_patch(patch),
        Edit::Several(edits) => edits.iter().map(bytes).sum(),
        Edit::RemoveModule { .. }
        | Edit::RenameModule { .. }
        | Edit::Connect(_)
        | Edit::Disconnect(_)
        | Edit::SetDelay { .. }
        | Edit::SetParam { .. }
        | Edit::SetInside { .. }
        | Edit::SetShown { .. }
        | Edit::SetStaged { .. }
        | Edit::SetLocked { .. }
        | Edit::SetBypass { .. } => 0,
    };
    size_of_val(edit) + more
}

fn of_module(module: &PatchModule) -> usize {
    size_of_val(module)
        + module.text.len()
        + ENTRY_BYTES * (module.params.len() + module.words.len() + module.shown.len())
        + module.titles.values().map(|title| title.len() + ENTRY_BYTES).sum::<usize>()
        + ENTRY_BYTES * (module.staged.len() + module.locked.len())
        + ENTRY_BYTES * module.scenes.values().map(|kept| 1 + kept.len()).sum::<usize>()
}

fn of_patch(patch: &Patch) -> usize {
    let modules: usize = patch.modules.values().map(|it| of_module(it) + ENTRY_BYTES).sum();
    let comments = patch.comments.values().map(|it| size_of_val(it) + it.text.len() + ENTRY_BYTES);
    let groups = patch.groups.values().map(|it| size_of_val(it) + it.title.len() + ENTRY_BYTES);
    let cables = patch.cables.iter().chain(&patch.delayed);
    let cables: usize = cables.map(|it| size_of_val(it) + ENTRY_BYTES).sum();
    size_of_val(patch)
        + patch.title.len()
        + patch.description.len()
        + modules
        + cables
        + comments.sum::<usize>()
        + groups.sum::<usize>()
        + patch.scenes.values().map(|title| title.len() + ENTRY_BYTES).sum::<usize>()
}
