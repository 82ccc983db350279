//! Every change that a musician can make to a patch, and how it is taken back.

use sostenuto_modules::clip::Text;

use super::problem::Problem;
use super::scene::Kept;
use super::stage::Staged;
use super::{
    Cable, Comment, CommentId, Group, GroupId, ModuleId, Name, Part, Patch, PatchModule,
    check_place, check_text, check_value, find_param,
};

/// A change to a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Puts a module on the canvas.
    AddModule {
        /// Its name, which is new.
        id: ModuleId,
        /// What it is, where, and where its params stand.
        module: PatchModule,
    },
    /// Takes a module away, and its cables with it.
    RemoveModule {
        /// Its name.
        id: ModuleId,
    },
    /// Moves modules on the canvas. Nothing is heard.
    MoveModules(Vec<Move>),
    /// Gives a module another name. Its cables stay.
    RenameModule {
        /// Its name.
        id: ModuleId,
        /// Its next name, which is new.
        new_id: ModuleId,
    },
    /// Plugs a cable in. Where it closes a loop it is delayed.
    Connect(Cable),
    /// Pulls a cable out.
    Disconnect(Cable),
    /// Makes a cable of a loop carry the sample before, or no longer.
    SetDelay {
        /// Which.
        cable: Cable,
        /// Whether it is delayed from now on. One cable of each loop must be.
        is_delayed: bool,
    },
    /// Turns a knob.
    SetParam {
        /// Whose.
        module: ModuleId,
        /// Its name.
        param: Name,
        /// In the unit of the param.
        value: f32,
    },
    /// Lets signals pass a module by, or no longer.
    SetBypass {
        /// Which.
        module: ModuleId,
        /// Whether it is bypassed from now on.
        is_bypassed: bool,
    },
    /// Gives a module another text: another sound, formula or melody. It plays on.
    SetText {
        /// Whose.
        module: ModuleId,
        /// What its kind asks for; empty for none.
        text: Name,
    },
    /// Writes a comment, changes one or removes one. Nothing is heard.
    SetComment {
        /// Its name.
        id: CommentId,
        /// What it is from now on. `None`: it is gone.
        comment: Option<Comment>,
    },
    /// Makes a group, moves or changes one, or takes an empty one away. Nothing is heard.
    SetGroup {
        /// Its name.
        id: GroupId,
        /// What it is from now on. `None`: it is gone.
        group: Option<Group>,
    },
    /// Moves a module into a group, or out of one. Nothing is heard.
    SetInside {
        /// Which.
        module: ModuleId,
        /// Where it lies from now on. `None`: on the canvas itself.
        group: Option<GroupId>,
        /// [`PatchModule::twin`] from now on.
        twin: u32,
    },
    /// Shows a part of a module on the faces of the groups around it, or no longer.
    /// Nothing is heard.
    SetShown {
        /// Whose.
        module: ModuleId,
        /// What of it.
        part: Part,
        /// On how many of them, from its own group outwards. 0: on none.
        levels: u8,
    },
    /// Calls a part of a module something else, where it is shown beside others. Nothing
    /// is heard.
    SetPartTitle {
        /// Whose.
        module: ModuleId,
        /// What of it.
        part: Part,
        /// What it is called from now on. Empty: as its kind calls it.
        title: String,
    },
    /// Puts a part of a module on stage, moves it there, or takes it off. Nothing is heard.
    SetStaged {
        /// Whose.
        module: ModuleId,
        /// What of it: a param, or its screen.
        part: Part,
        /// Where it stands from now on. `None`: not on stage.
        staged: Option<Staged>,
    },
    /// Has scenes, automation and chance leave a param where it stands, or no longer.
    SetLocked {
        /// Whose.
        module: ModuleId,
        /// Which.
        param: Name,
        /// Whether they leave it alone from now on.
        is_locked: bool,
    },
    /// Makes a scene, calls it something else, or takes an empty one away. Nothing is
    /// heard.
    SetScene {
        /// Which, from 1.
        number: u8,
        /// What it is called from now on. `None`: it is gone.
        title: Option<String>,
    },
    /// Keeps where params of a module stand in a scene, or no longer. Nothing is heard.
    KeepInScene {
        /// Whose.
        module: ModuleId,
        /// Which scene.
        number: u8,
        /// Where they stand in it. `None`: the module is not in it.
        values: Option<Kept>,
    },
    /// Calls the patch something else.
    SetTitle(String),
    /// Describes the patch otherwise.
    SetDescription(String),
    /// Another patch instead of this one: a file, or an empty one.
    Replace(Box<Patch>),
    /// Several in order, as one. If one cannot be done, none is.
    Several(Vec<Edit>),
}

/// Where a module is moved to.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Which.
    pub module: ModuleId,
    /// Where its left edge comes to be, in points.
    pub x: f32,
    /// Where its top edge comes to be, in points.
    pub y: f32,
}

/// What the sound must hear of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nothing: it is only seen.
    Looks,
    /// Params moved; modules and cables are what they were.
    Params,
    /// Params may have moved, and scenes put them elsewhere than before.
    Scenes,
    /// Modules or cables changed: a new plan is needed.
    Structure,
}

impl Edit {
    /// Whether it puts another patch in the place of this one.
    pub fn replaces(&self) -> bool {
        match self {
            Edit::Replace(_) => true,
            Edit::Several(edits) => edits.iter().any(Edit::replaces),
            _ => false,
        }
    }

    /// What the sound must hear of it.
    pub fn reach(&self) -> Reach {
        match self {
            Edit::MoveModules(_)
            | Edit::SetComment { .. }
            | Edit::SetGroup { .. }
            | Edit::SetInside { .. }
            | Edit::SetShown { .. }
            | Edit::SetPartTitle { .. }
            | Edit::SetStaged { .. }
            | Edit::SetScene { .. }
            | Edit::SetTitle(_)
            | Edit::SetDescription(_) => Reach::Looks,
            Edit::KeepInScene { .. } | Edit::SetLocked { .. } => Reach::Scenes,
            Edit::SetParam { .. } => Reach::Params,
            Edit::Several(edits) => edits.iter().map(Edit::reach).max().unwrap_or(Reach::Looks),
            _ => Reach::Structure,
        }
    }
}

/// Changes the patch, and returns the edit that takes this one back.
///
/// Where the edit cannot be done the patch is what it was.
pub fn apply(patch: &mut Patch, edit: Edit) -> Result<Edit, Problem> {
    match edit {
        Edit::AddModule { id, module } => add(patch, id, module),
        Edit::RemoveModule { id } => remove(patch, id),
        Edit::MoveModules(moves) => shift(patch, moves),
        Edit::RenameModule { id, new_id } => rename(patch, id, new_id),
        Edit::Connect(cable) => connect(patch, cable),
        Edit::Disconnect(cable) => disconnect(patch, cable),
        Edit::SetDelay { cable, is_delayed } => patch.set_delay(cable, is_delayed),
        Edit::SetParam { module, param, value } => set_param(patch, module, param, value),
        Edit::SetBypass { module, is_bypassed } => {
            let was = &mut patch.module_mut(&module)?.is_bypassed;
            let is_bypassed = std::mem::replace(was, is_bypassed);
            Ok(Edit::SetBypass { module, is_bypassed })
        }
        Edit::SetText { module, text } => set_text(patch, module, text),
        Edit::SetComment { id, comment } => set_comment(patch, id, comment),
        Edit::SetGroup { id, group } => patch.set_group(id, group),
        Edit::SetInside { module, group, twin } => patch.set_inside(module, group, twin),
        Edit::SetShown { module, part, levels } => patch.set_shown(module, part, levels),
        Edit::SetPartTitle { module, part, title } => patch.set_part_title(module, part, title),
        Edit::SetStaged { module, part, staged } => patch.set_staged(module, part, staged),
        Edit::SetLocked { module, param, is_locked } => patch.set_locked(module, param, is_locked),
        Edit::SetScene { number, title } => patch.set_scene(number, title),
        Edit::KeepInScene { module, number, values } => patch.keep_in_scene(module, number, values),
        Edit::SetTitle(title) => {
            check_text("title", &title)?;
            Ok(Edit::SetTitle(std::mem::replace(&mut patch.title, title)))
        }
        Edit::SetDescription(text) => {
            check_text("description", &text)?;
            Ok(Edit::SetDescription(std::mem::replace(&mut patch.description, text)))
        }
        Edit::Replace(with) => replace(patch, *with),
        Edit::Several(edits) => several(patch, edits),
    }
}

fn add(patch: &mut Patch, id: ModuleId, module: PatchModule) -> Result<Edit, Problem> {
    if patch.modules.contains_key(&id) {
        return Err(Problem::IdTaken { id: id.to_string() });
    }
    let module = module.tidied(&id)?;
    patch.check_inside(module.group.as_ref())?;
    patch.check_scenes_of(&module)?;
    patch.modules.insert(id.clone(), module);
    Ok(Edit::RemoveModule { id })
}

fn remove(patch: &mut Patch, id: ModuleId) -> Result<Edit, Problem> {
    patch.module(id.as_str())?;
    let cables: Vec<Cable> = patch.cables_of(&id).cloned().collect();
    let plugged = patch.pull_out(&cables);
    let module = patch.modules.remove(&id).expect("it was there when asked");
    let back = std::iter::once(Edit::AddModule { id, module });
    Ok(Edit::Several(back.chain(plugged).collect()))
}

fn shift(patch: &mut Patch, mut moves: Vec<Move>) -> Result<Edit, Problem> {
    for Move { module, x, y } in &moves {
        patch.module(module.as_str())?;
        check_place(module.as_str(), *x, *y)?;
    }
    for Move { module, x, y } in &mut moves {
        let module = patch.module_mut(module)?;
        std::mem::swap(&mut module.x, x);
        std::mem::swap(&mut module.y, y);
    }
    // Backwards: a module may have been moved twice.
    moves.reverse();
    Ok(Edit::MoveModules(moves))
}

fn rename(patch: &mut Patch, id: ModuleId, new_id: ModuleId) -> Result<Edit, Problem> {
    patch.module(id.as_str())?;
    if patch.modules.contains_key(&new_id) {
        return Err(Problem::IdTaken { id: new_id.to_string() });
    }
    let module = patch.modules.remove(&id).expect("it was there when asked");
    patch.modules.insert(new_id.clone(), module);
    let cables: Vec<Cable> = patch.cables_of(&id).cloned().collect();
    for cable in cables {
        patch.cables.remove(&cable);
        let renamed = renamed(&cable, &id, &new_id);
        if patch.delayed.remove(&cable) {
            patch.delayed.insert(renamed.clone());
        }
        patch.cables.insert(renamed);
    }
    let texts = patch.rename_in_lanes(&id, &new_id);
    let back = Edit::RenameModule { id: new_id, new_id: id };
    if texts.is_empty() {
        return Ok(back);
    }
    let text = |(module, text)| Edit::SetText { module, text };
    Ok(Edit::Several(std::iter::once(back).chain(texts.into_iter().map(text)).collect()))
}

/// The same cable after a module was renamed.
pub fn renamed(cable: &Cable, id: &ModuleId, new_id: &ModuleId) -> Cable {
    let mut cable = cable.clone();
    for end in [&mut cable.from.module, &mut cable.to.module] {
        if end == id {
            end.clone_from(new_id);
        }
    }
    cable
}

fn connect(patch: &mut Patch, cable: Cable) -> Result<Edit, Problem> {
    patch.check_cable(&cable)?;
    if patch.cables.contains(&cable) {
        return Err(Problem::CableTwice { cable: cable.to_string() });
    }
    if patch.closes_loop(&cable) {
        patch.delayed.insert(cable.clone());
    }
    patch.cables.insert(cable.clone());
    Ok(Edit::Disconnect(cable))
}

fn disconnect(patch: &mut Patch, cable: Cable) -> Result<Edit, Problem> {
    if !patch.cables.contains(&cable) {
        return Err(Problem::NoCable { cable: cable.to_string() });
    }
    let mut back = patch.pull_out(std::slice::from_ref(&cable));
    Ok(if back.len() == 1 { back.remove(0) } else { Edit::Several(back) })
}

fn set_param(patch: &mut Patch, module: ModuleId, name: Name, value: f32) -> Result<Edit, Problem> {
    let about = patch.module(module.as_str())?.about()?;
    let (_, param) = find_param(about, module.as_str(), &name)?;
    let value = check_value(module.as_str(), param, value)?;
    let params = &mut patch.module_mut(&module)?.params;
    let was = if value == param.default {
        params.remove(&name)
    } else if let Some(here) = params.get_mut(&name) {
        Some(std::mem::replace(here, value))
    } else {
        params.insert(name.clone(), value)
    };
    Ok(Edit::SetParam { module, param: name, value: was.unwrap_or(param.default) })
}

fn set_text(patch: &mut Patch, id: ModuleId, text: Name) -> Result<Edit, Problem> {
    let module = patch.module_mut(&id)?;
    module.check_own_text(&id, &text)?;
    let was = module.clone();
    module.text = text;
    let text = Edit::SetText { module: id.clone(), text: was.text.clone() };
    if was.text_form() != Some(Text::Code) {
        return Ok(text);
    }
    let back = patch.fit_to_own(&id, &was)?;
    Ok(if back.is_empty() {
        text
    } else {
        Edit::Several(std::iter::once(text).chain(back).collect())
    })
}

fn set_comment(
    patch: &mut Patch,
    id: CommentId,
    comment: Option<Comment>,
) -> Result<Edit, Problem> {
    let was = match comment {
        Some(comment) => {
            comment.check(&id)?;
            patch.check_inside(comment.group.as_ref())?;
            patch.comments.insert(id.clone(), comment)
        }
        None => {
            let gone = patch.comments.remove(&id);
            Some(gone.ok_or_else(|| Problem::NoComment { id: id.to_string() })?)
        }
    };
    Ok(Edit::SetComment { id, comment: was })
}

fn replace(patch: &mut Patch, mut with: Patch) -> Result<Edit, Problem> {
    let cables: Vec<Cable> = with.cables.iter().cloned().collect();
    with.settle_loops(&cables);
    with.check()?;
    let modules = std::mem::take(&mut with.modules).into_iter();
    let tidied = modules.map(|(id, module)| Ok((id.clone(), module.tidied(&id)?)));
    with.modules = tidied.collect::<Result<_, Problem>>()?;
    Ok(Edit::Replace(Box::new(std::mem::replace(patch, with))))
}

fn several(patch: &mut Patch, edits: Vec<Edit>) -> Result<Edit, Problem> {
    let mut inverses = Vec::with_capacity(edits.len());
    for edit in edits {
        match apply(patch, edit) {
            Ok(inverse) => inverses.push(inverse),
            Err(problem) => {
                take_back(patch, inverses);
                return Err(problem);
            }
        }
    }
    inverses.reverse();
    Ok(Edit::Several(inverses))
}

fn take_back(patch: &mut Patch, inverses: Vec<Edit>) {
    for inverse in inverses.into_iter().rev() {
        apply(patch, inverse).expect("what was just done can be taken back");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{added, any_edit, commented, connected, id, math, ring, set, written};

    fn refused(edit: Edit) -> String {
        let mut patch = ring();
        let problem = apply(&mut patch, edit).unwrap_err();
        assert_eq!(patch, ring(), "a refused edit changes nothing");
        problem.to_string()
    }

    #[test]
    fn a_removed_module_takes_its_cables_along_and_brings_all_back() {
        let mut patch = ring();
        apply(&mut patch, set("b", "gain", 0.5)).unwrap();
        apply(&mut patch, connected("b.out -> b.in")).unwrap();
        let before = patch.clone();
        let back = apply(&mut patch, Edit::RemoveModule { id: id("b") }).unwrap();
        assert_eq!(patch.cables.len(), 1);
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
    }

    #[test]
    fn a_renamed_module_keeps_its_cables_even_to_itself() {
        let mut patch = ring();
        apply(&mut patch, connected("b.out -> b.in")).unwrap();
        let before = patch.clone();
        let edit = Edit::RenameModule { id: id("b"), new_id: id("lead") };
        let back = apply(&mut patch, edit).unwrap();
        patch.check().unwrap();
        assert!(patch.cables.contains(&"lead.out -> lead.in".parse().unwrap()));
        assert_eq!(patch.cables.len(), 4);
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_changes_nothing() {
        refused(added("a"));
        refused(Edit::RemoveModule { id: id("d") });
        refused(Edit::RenameModule { id: id("a"), new_id: id("b") });
        refused(Edit::RenameModule { id: id("a"), new_id: id("a") });
        refused(connected("a.out -> b.in"));
        refused(connected("a.in -> b.out"));
        refused(Edit::Disconnect("a.out -> c.in".parse().unwrap()));
        refused(set("a", "gain", 3.0));
        refused(set("a", "colour", 0.0));
        refused(Edit::SetTitle("a\0".into()));
        refused(Edit::SetComment { id: "note".parse().unwrap(), comment: None });
        refused(commented("note", "a\0"));
        assert!(refused(written("a", "b + c")).contains("(Attenuverter) takes no text"));
        refused(written("z", ""));
        let far = Move { module: id("b"), x: f32::INFINITY, y: 0.0 };
        refused(Edit::MoveModules(vec![Move { module: id("a"), x: 1.0, y: 1.0 }, far]));
    }

    #[test]
    fn a_text_is_changed_and_changed_back() {
        let mut patch = ring();
        apply(&mut patch, math("m")).unwrap();
        let before = patch.clone();
        let back = apply(&mut patch, written("m", "a * b")).unwrap();
        assert_eq!(&*patch.modules["m"].text, "a * b");
        apply(&mut patch, written("m", "a\0")).unwrap_err();
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
        apply(&mut patch, written("a", "")).unwrap();
    }

    #[test]
    fn several_edits_of_which_one_fails_change_nothing() {
        let edits = vec![
            Edit::RemoveModule { id: id("a") },
            added("d"),
            set("d", "offset", 1.0),
            connected("d.out -> a.in"),
        ];
        assert!(refused(Edit::Several(edits)).contains("`a`"));
    }

    #[test]
    fn a_patch_with_a_problem_replaces_nothing() {
        let mut bad = ring();
        bad.modules.remove("a");
        refused(Edit::Replace(Box::new(bad)));
    }

    #[test]
    fn a_module_moved_twice_in_one_edit_comes_back_to_its_first_place() {
        let mut patch = ring();
        let moves = [1.0, 2.0].map(|x| Move { module: id("a"), x, y: x });
        let back = apply(&mut patch, Edit::MoveModules(moves.to_vec())).unwrap();
        assert_eq!(patch.modules["a"].x, 2.0);
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, ring());
    }

    proptest! {
        #[test]
        fn every_edit_is_taken_back_or_changes_nothing(edits in prop::collection::vec(any_edit(), 0..40)) {
            let mut patch = ring();
            for edit in edits {
                let before = patch.clone();
                if let Ok(inverse) = apply(&mut patch, edit) {
                    patch.check().unwrap();
                    let after = patch.clone();
                    let again = apply(&mut patch, inverse).unwrap();
                    prop_assert_eq!(&patch, &before);
                    apply(&mut patch, again).unwrap();
                    prop_assert_eq!(&patch, &after);
                } else {
                    prop_assert_eq!(&patch, &before);
                }
            }
        }
    }
}
