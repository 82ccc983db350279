//! The messages that a change of the patch is: so does an editor ask for it, and
//! so do other editors learn of it.

use rosc::OscMessage;
use sostenuto_patch::stage::Staged;
use sostenuto_patch::{Comment, Edit, Group, ModuleId, Part, Patch};

use crate::message::param::{SetParam, Value};
use crate::message::{Message, add, cable, comment, group, module, patch, scene, stage};

/// The requests that ask for a change.
pub(crate) fn request(edit: &Edit) -> Vec<OscMessage> {
    match edit {
        Edit::Replace(with) if **with == Patch::default() => vec![patch::New {}.encode()],
        Edit::Replace(with) => vec![patch::Put { json: patch::Whole::of(with).json }.encode()],
        Edit::Several(edits) => edits.iter().flat_map(request).collect(),
        edit => report(edit),
    }
}

/// What subscribers are told of a change: the requests that would make the same,
/// or the whole patch where it is another one.
pub fn report(edit: &Edit) -> Vec<OscMessage> {
    let mut messages = Vec::new();
    push(edit.clone(), &mut messages);
    messages
}

fn push(edit: Edit, messages: &mut Vec<OscMessage>) {
    messages.push(match edit {
        Edit::AddModule { id, module } => {
            let mut added = add::Add::new(&id, &module);
            // Which params a module of one's own has, its text says first.
            let is_own = module.text_form() == Some(sostenuto_modules::clip::Text::Code);
            let later = if is_own { std::mem::take(&mut added.params) } else { Vec::new() };
            let is_known = !module.is_placeholder;
            messages.push(if is_known {
                added.encode()
            } else {
                add::AddPlaceholder(added).encode()
            });
            let bypass = module::Bypass { module: id.clone(), is_bypassed: true };
            messages.extend(module.is_bypassed.then(|| bypass.encode()));
            messages.extend(module::text_of(&id, &module));
            messages.extend(later.into_iter().map(|(param, value)| {
                SetParam { module: id.clone(), param, value, gesture: 0 }.encode()
            }));
            if module.group.is_some() {
                let (group, twin) = (module.group, module.twin);
                let inside = module::Inside { module: id.clone(), group, twin };
                messages.push(inside.encode());
            }
            let shown = module.shown.into_iter();
            messages.extend(
                shown.map(|(part, levels)| {
                    module::Shown { module: id.clone(), part, levels }.encode()
                }),
            );
            let titles = module.titles.into_iter();
            messages.extend(
                titles.map(|(part, title)| {
                    module::Title { module: id.clone(), part, title }.encode()
                }),
            );
            let staged = module.staged.into_iter();
            messages.extend(staged.map(|(part, staged)| staged_at(id.clone(), part, staged)));
            let locked = module.locked.into_iter();
            messages.extend(
                locked.map(|param| {
                    module::Lock { module: id.clone(), param, is_locked: true }.encode()
                }),
            );
            let kept = module.scenes.into_iter();
            messages.extend(kept.map(|(number, values)| {
                scene::Keep { number, module: id.clone(), values }.encode()
            }));
            return;
        }
        Edit::RemoveModule { id } => module::Remove { module: id }.encode(),
        Edit::MoveModules(moves) if moves.is_empty() => return,
        Edit::MoveModules(moves) => module::Move { places: moves }.encode(),
        Edit::RenameModule { id, new_id } => {
            module::Rename { module: id, new_name: new_id }.encode()
        }
        Edit::Connect(cable) => cable::Connect { from: cable.from, to: cable.to }.encode(),
        Edit::Disconnect(cable) => cable::Disconnect { from: cable.from, to: cable.to }.encode(),
        Edit::SetDelay { cable, is_delayed } => {
            cable::Delay { from: cable.from, to: cable.to, is_delayed }.encode()
        }
        Edit::SetParam { module, param, value } => {
            SetParam { module, param, value: Value::Number(value), gesture: 0 }.encode()
        }
        Edit::SetText { module, text } => module::Text { module, text }.encode(),
        Edit::SetBypass { module, is_bypassed } => module::Bypass { module, is_bypassed }.encode(),
        Edit::SetComment { id, comment: Some(is) } => {
            let Comment { text, x, y, width, height, colour, group, twin } = is;
            comment::Set { comment: id, x, y, width, height, colour, text, group, twin }.encode()
        }
        Edit::SetComment { id, comment: None } => comment::Remove { comment: id }.encode(),
        Edit::SetGroup { id, group: Some(is) } => {
            let Group { title, x, y, colour, inside, twin, link } = is;
            group::Set { group: id, x, y, colour, title, inside, twin, link }.encode()
        }
        Edit::SetGroup { id, group: None } => group::Remove { group: id }.encode(),
        Edit::SetInside { module, group, twin } => module::Inside { module, group, twin }.encode(),
        Edit::SetShown { module, part, levels } => module::Shown { module, part, levels }.encode(),
        Edit::SetPartTitle { module, part, title } => {
            module::Title { module, part, title }.encode()
        }
        Edit::SetLocked { module, param, is_locked } => {
            module::Lock { module, param, is_locked }.encode()
        }
        Edit::SetStaged { module, part, staged: Some(staged) } => staged_at(module, part, staged),
        Edit::SetStaged { module, part, staged: None } => stage::Remove { module, part }.encode(),
        Edit::SetScene { number, title: Some(title) } => scene::Set { number, title }.encode(),
        Edit::SetScene { number, title: None } => scene::Remove { number }.encode(),
        Edit::KeepInScene { module, number, values } => {
            scene::Keep { number, module, values: values.unwrap_or_default() }.encode()
        }
        Edit::SetTitle(title) => patch::Title { title }.encode(),
        Edit::SetDescription(text) => patch::Description { text }.encode(),
        Edit::Replace(with) => patch::Whole::of(&with).encode(),
        Edit::Several(edits) => return edits.into_iter().for_each(|edit| push(edit, messages)),
    });
}

fn staged_at(module: ModuleId, part: Part, staged: Staged) -> OscMessage {
    let Staged { place, form } = staged;
    stage::Set { module, part, place, form }.encode()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sostenuto_patch::testing::{any_edit, ring};
    use sostenuto_patch::{apply, file};

    use super::*;
    use crate::call::Call;
    use crate::message::Request;
    use crate::packet::{append, decode, split};

    /// What a host reads of it, over the wire.
    fn heard(edit: &Edit) -> Vec<Request> {
        let mut wire = Vec::new();
        request(edit).into_iter().for_each(|message| append(message, &mut wire));
        let messages = split(&wire).flat_map(|packet| decode(packet).unwrap());
        messages.map(|message| Call::read(message).unwrap().request).collect()
    }

    /// The edit that a host makes of a request.
    fn edit_of(request: Request) -> Edit {
        match request {
            Request::Edit(edit) => edit,
            Request::SetParam(set) => set.edit().unwrap(),
            Request::Put(put) => Edit::Replace(Box::new(file::read(&put.json).unwrap())),
            other => panic!("no edit: {other:?}"),
        }
    }

    proptest! {
        #[test]
        fn an_edit_that_can_be_made_is_the_same_when_asked_for(
            edits in prop::collection::vec(any_edit(), 0..20)
        ) {
            let (mut here, mut there) = (ring(), ring());
            for edit in edits {
                if apply(&mut here, edit.clone()).is_err() {
                    continue;
                }
                for request in heard(&edit) {
                    apply(&mut there, edit_of(request)).unwrap();
                }
                prop_assert_eq!(&here, &there);
            }
        }
    }
}
