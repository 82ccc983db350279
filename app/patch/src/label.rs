//! What a step of the history did, in the words of a musician.

use std::collections::BTreeSet;

use sostenuto_modules::clip::Text;

use super::{Cable, CommentId, Edit, Group, GroupId, ModuleId, Part, Patch, PatchModule};

/// Letters of the longest title that is quoted.
const MAX_TITLE_CHARS: usize = 60;

/// What an edit does, the most telling last: it names the edits it is among.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    #[default]
    Nothing,
    Move,
    Turn,
    Write,
    Comment,
    Show,
    Stage,
    Lock,
    Call,
    ChangeGroup,
    Group,
    Ungroup,
    Scene,
    Bypass,
    Hasten,
    Delay,
    Disconnect,
    Connect,
    Rename,
    Describe,
    Delete,
    Add,
    Load,
}

/// What a step did: its most telling deed, and to how many things.
#[derive(Debug, Default)]
pub(super) struct Label {
    deed: Deed,
    /// As it is said where it was done to one thing only.
    sentence: String,
    /// To what it was done.
    targets: BTreeSet<String>,
}

impl Label {
    /// Of an edit that is about to change this patch.
    pub(super) fn of(edit: &Edit, patch: &Patch) -> Label {
        let one = |deed, target: &dyn ToString, sentence: String| Label {
            deed,
            sentence,
            targets: BTreeSet::from([target.to_string()]),
        };
        match edit {
            Edit::AddModule { id, module } => {
                let title = module.about().map_or(&*module.kind, |about| about.title);
                one(Deed::Add, id, format!("Add {title}"))
            }
            Edit::RemoveModule { id } => one(Deed::Delete, id, format!("Delete {id}")),
            Edit::MoveModules(moves) => {
                let targets: BTreeSet<String> =
                    moves.iter().map(|m| m.module.to_string()).collect();
                let sentence = targets.first().map(|id| format!("Move {id}")).unwrap_or_default();
                Label { deed: Deed::Move, sentence, targets }
            }
            Edit::RenameModule { id, new_id } => {
                one(Deed::Rename, id, format!("Rename {id} to {new_id}"))
            }
            Edit::Connect(cable) => {
                let Cable { from, to } = cable;
                one(Deed::Connect, cable, format!("Connect {from} to {to}"))
            }
            Edit::Disconnect(cable) => {
                let Cable { from, to } = cable;
                one(Deed::Disconnect, cable, format!("Disconnect {from} from {to}"))
            }
            Edit::SetDelay { cable, is_delayed: true } => {
                one(Deed::Delay, cable, format!("Delay {cable}"))
            }
            Edit::SetDelay { cable, is_delayed: false } => {
                one(Deed::Hasten, cable, format!("Stop delaying {cable}"))
            }
            Edit::SetParam { module, param, .. } => {
                let knob = format!("{module}.{param}");
                one(Deed::Turn, &knob, format!("Turn {param} of {module}"))
            }
            Edit::SetBypass { module, is_bypassed } => {
                one(Deed::Bypass, module, bypass(module, *is_bypassed))
            }
            Edit::SetText { module, text } => {
                one(Deed::Write, module, text_sentence(module, text, patch))
            }
            Edit::SetComment { id, comment } => {
                one(Deed::Comment, id, comment_sentence(id, comment.is_some(), patch))
            }
            Edit::SetGroup { id, group } => {
                let (deed, sentence) = group_sentence(id, group.as_ref(), patch);
                one(deed, id, sentence)
            }
            Edit::SetInside { module, group: Some(_), .. } => {
                one(Deed::Move, module, format!("Move {module} into a group"))
            }
            Edit::SetInside { module, group: None, .. } => {
                one(Deed::Move, module, format!("Move {module} out of its group"))
            }
            Edit::SetShown { module, part, levels } => {
                let what = format!("{module} {part}");
                one(Deed::Show, &what, shown_sentence(module, part, *levels))
            }
            Edit::SetPartTitle { module, part, title } => {
                let what = format!("{module} {part}");
                one(Deed::Call, &what, part_sentence(module, part, title))
            }
            Edit::SetStaged { module, part, staged } => {
                let what = format!("{module} {part}");
                one(Deed::Stage, &what, stage_sentence(module, part, staged.is_some(), patch))
            }
            Edit::SetLocked { module, param, is_locked } => {
                let verb = if *is_locked { "Lock" } else { "Unlock" };
                one(Deed::Lock, &format!("{module} {param}"), format!("{verb} {param} of {module}"))
            }
            Edit::SetScene { number, title } => {
                one(Deed::Scene, number, scene_sentence(*number, title.as_deref(), patch))
            }
            Edit::KeepInScene { module, number, .. } => {
                one(Deed::Show, module, format!("Change {module} in scene {number}"))
            }
            Edit::SetTitle(title) => one(Deed::Describe, &"", format!("Call it {}", quoted(title))),
            Edit::SetDescription(_) => one(Deed::Describe, &"", "Describe the patch".to_owned()),
            Edit::Replace(with) => one(Deed::Load, &"", load(with)),
            Edit::Several(edits) => {
                let labels = edits.iter().map(|edit| Label::of(edit, patch));
                labels.fold(Label::default(), Label::and)
            }
        }
    }

    /// Of two steps that became one.
    pub(super) fn and(mut self, mut later: Label) -> Label {
        if self.deed == Deed::Load || later.deed < self.deed {
            return self;
        }
        if later.deed > self.deed || later.deed == Deed::Load {
            return later;
        }
        self.targets.append(&mut later.targets);
        // What was done last to the one thing, such as a bypass taken back.
        self.sentence = later.sentence;
        self
    }

    /// The sentence.
    pub(super) fn text(&self) -> String {
        let many = self.targets.len();
        let (verb, things) = match self.deed {
            _ if many == 1 => return self.sentence.clone(),
            Deed::Move => ("Move", "modules"),
            Deed::Turn => ("Turn", "knobs"),
            Deed::Write => ("Change", "texts"),
            Deed::Comment => ("Change", "comments"),
            Deed::Show => ("Show", "parts in groups"),
            Deed::Stage => ("Change", "parts on stage"),
            Deed::Lock => ("Change", "locks"),
            Deed::Call => ("Rename", "parts"),
            Deed::ChangeGroup => ("Change", "groups"),
            Deed::Group => ("Make", "groups"),
            Deed::Ungroup => ("Ungroup", "groups"),
            Deed::Scene => ("Change", "scenes"),
            Deed::Bypass => ("Bypass", "modules"),
            Deed::Hasten => ("Stop delaying", "cables"),
            Deed::Delay => ("Delay", "cables"),
            Deed::Disconnect => ("Disconnect", "cables"),
            Deed::Connect => ("Connect", "cables"),
            Deed::Rename => ("Rename", "modules"),
            Deed::Delete => ("Delete", "modules"),
            Deed::Add => ("Add", "modules"),
            Deed::Nothing | Deed::Describe | Deed::Load => return self.sentence.clone(),
        };
        format!("{verb} {many} {things}")
    }
}

fn bypass(module: &ModuleId, is_bypassed: bool) -> String {
    if is_bypassed { format!("Bypass {module}") } else { format!("Stop bypassing {module}") }
}

fn text_sentence(id: &ModuleId, text: &str, patch: &Patch) -> String {
    let form = patch.modules.get(id).and_then(PatchModule::text_form);
    match form {
        Some(Text::Sound | Text::Wavetable) if text.is_empty() => format!("Unload {id}"),
        Some(Text::Sound | Text::Wavetable) => {
            let name = text.rsplit(['/', '\\', ':']).next().unwrap_or_default();
            format!("Load {} into {id}", clipped(name))
        }
        Some(Text::Tuning) if text.is_empty() => format!("Untune {id}"),
        Some(Text::Tuning) => format!("Tune {id}"),
        Some(Text::Formula) => format!("Change the formula of {id}"),
        Some(Text::Notes) => format!("Change the notes of {id}"),
        Some(Text::Automation) if text.is_empty() => format!("Clear the automation of {id}"),
        Some(Text::Automation) => format!("Change the automation of {id}"),
        Some(Text::Code) if text.is_empty() => format!("Take the code out of {id}"),
        Some(Text::Code) => format!("Change the code of {id}"),
        Some(Text::Words) | None => format!("Change the words of {id}"),
    }
}

fn comment_sentence(id: &CommentId, is_there_then: bool, patch: &Patch) -> String {
    let what = match (patch.comments.contains_key(id), is_there_then) {
        (_, false) => "Delete a comment",
        (false, true) => "Write a comment",
        (true, true) => "Change a comment",
    };
    what.to_owned()
}

fn group_sentence(id: &GroupId, group: Option<&Group>, patch: &Patch) -> (Deed, String) {
    let title = |group: &Group| quoted(&group.title);
    match (patch.groups.get(id), group) {
        (Some(was), None) => (Deed::Ungroup, format!("Ungroup {}", title(was))),
        (None, _) => (Deed::Group, "Group modules".to_owned()),
        (Some(was), Some(is)) if was.title != is.title => {
            (Deed::ChangeGroup, format!("Call the group {}", title(is)))
        }
        (Some(was), Some(is)) if was.colour != is.colour => {
            (Deed::ChangeGroup, format!("Colour the group {}", title(is)))
        }
        (Some(_), Some(is)) => (Deed::ChangeGroup, format!("Move the group {}", title(is))),
    }
}

fn scene_sentence(number: u8, title: Option<&str>, patch: &Patch) -> String {
    match (patch.scenes.get(&number), title) {
        (Some(was), None) => format!("Delete the scene {}", quoted(was)),
        (Some(was), Some(is)) if was == is => format!("Keep the scene {} anew", quoted(is)),
        (Some(_), Some(is)) => format!("Call the scene {}", quoted(is)),
        (None, title) => format!("Keep the scene {}", quoted(title.unwrap_or_default())),
    }
}

fn shown_sentence(module: &ModuleId, part: &Part, levels: u8) -> String {
    let verb = if levels > 0 { "Show" } else { "Hide" };
    format!("{verb} {part} of {module}")
}

/// `cutoff of filter`, `screen of scope`.
fn part_of(module: &ModuleId, part: &Part) -> String {
    format!("{} of {module}", part.name().unwrap_or("screen"))
}

fn part_sentence(module: &ModuleId, part: &Part, title: &str) -> String {
    let what = part_of(module, part);
    if title.is_empty() {
        format!("Reset the name of {what}")
    } else {
        format!("Call {what} {}", quoted(title))
    }
}

fn stage_sentence(module: &ModuleId, part: &Part, is_there_then: bool, patch: &Patch) -> String {
    let what = part_of(module, part);
    let is_there = patch.modules.get(module).is_some_and(|it| it.staged.contains_key(part));
    match (is_there, is_there_then) {
        (_, false) => format!("Take {what} off the stage"),
        (false, true) => format!("Put {what} on stage"),
        (true, true) => format!("Move {what} on stage"),
    }
}

fn load(with: &Patch) -> String {
    match &*with.title {
        "" if *with == Patch::default() => "Begin a new patch".to_owned(),
        "" => "Load a patch".to_owned(),
        title => format!("Load {}", clipped(title)),
    }
}

fn quoted(title: &str) -> String {
    if title.is_empty() { "nothing".to_owned() } else { format!("“{}”", clipped(title)) }
}

/// On one line, however long the title is.
fn clipped(title: &str) -> String {
    let mut letters = title.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut clipped: String = letters.by_ref().take(MAX_TITLE_CHARS).collect();
    if letters.next().is_some() {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::super::PatchModule;
    use super::super::edit::Move;
    use super::super::edit::apply;
    use super::*;
    use crate::testing::{added, commented, connected, id, math, ring, set, written};

    fn said(edit: Edit) -> String {
        Label::of(&edit, &ring()).text()
    }

    fn moved(names: &[&str]) -> Edit {
        let place = |name: &&str| Move { module: id(name), x: 1.0, y: 1.0 };
        Edit::MoveModules(names.iter().map(place).collect())
    }

    fn removed(name: &str) -> Edit {
        Edit::RemoveModule { id: id(name) }
    }

    #[test]
    fn every_edit_has_a_sentence() {
        assert_eq!(said(set("a", "gain", 0.5)), "Turn gain of a");
        assert_eq!(said(added("d")), "Add Attenuverter");
        assert_eq!(said(removed("a")), "Delete a");
        assert_eq!(said(connected("a.out -> c.in")), "Connect a.out to c.in");
        let delay = |text: &str, is_delayed| {
            let cable: Cable = text.parse().unwrap();
            Edit::SetDelay { cable, is_delayed }
        };
        let both = vec![delay("a.out -> b.in", true), delay("c.out -> a.in", false)];
        assert_eq!(said(Edit::Several(both)), "Delay a.out -> b.in");
        assert_eq!(said(delay("a.out -> b.in", false)), "Stop delaying a.out -> b.in");
        assert_eq!(
            said(Edit::Disconnect("a.out -> b.in".parse().unwrap())),
            "Disconnect a.out from b.in"
        );
        assert_eq!(said(moved(&["a"])), "Move a");
        assert_eq!(said(moved(&["a", "b", "c"])), "Move 3 modules");
        let rename = Edit::RenameModule { id: id("a"), new_id: id("lead") };
        assert_eq!(said(rename), "Rename a to lead");
        let bypass = |is_bypassed| Edit::SetBypass { module: id("a"), is_bypassed };
        assert_eq!([true, false].map(bypass).map(said), ["Bypass a", "Stop bypassing a"]);
        assert_eq!(said(commented("note", "")), "Write a comment");
        assert_eq!(said(Edit::SetTitle("Rain\n".into())), "Call it “Rain ”");
        assert_eq!(said(Edit::SetTitle(String::new())), "Call it nothing");
        assert_eq!(said(Edit::SetDescription("x".into())), "Describe the patch");
        assert_eq!(said(Edit::Replace(Box::default())), "Begin a new patch");
        assert_eq!(said(Edit::Replace(Box::new(ring()))), "Load a patch");
        let train = Patch { title: "Night Train".into(), ..ring() };
        assert_eq!(said(Edit::Replace(Box::new(train))), "Load Night Train");
        assert_eq!(said(Edit::SetTitle("x".repeat(500))).chars().count(), 71);
    }

    #[test]
    fn a_text_is_called_by_what_it_is() {
        let mut patch = ring();
        apply(&mut patch, math("m")).unwrap();
        for (name, kind) in [("in", "audio-in"), ("roll", "piano-roll"), ("osc", "osc-out")] {
            let module = PatchModule::new(kind, 0.0, 0.0);
            apply(&mut patch, Edit::AddModule { id: id(name), module }).unwrap();
        }
        let said = |name, text| Label::of(&written(name, text), &patch).text();
        assert_eq!(said("m", "a"), "Change the formula of m");
        assert_eq!(said("roll", "0 1 C4"), "Change the notes of roll");
        assert_eq!(said("osc", "localhost:1/a"), "Change the words of osc");
        assert_eq!(said("in", "/home/ada/kick.wav"), "Load kick.wav into in");
        assert_eq!(said("in", "factory:kick.wav"), "Load kick.wav into in");
        assert_eq!(said("in", ""), "Unload in");
    }

    #[test]
    fn several_edits_are_called_by_the_most_telling() {
        let paste =
            vec![moved(&["a"]), added("d"), connected("d.out -> a.in"), set("d", "gain", 0.0)];
        assert_eq!(said(Edit::Several(paste)), "Add Attenuverter");
        let delete = vec![removed("a"), moved(&["c"]), removed("b")];
        assert_eq!(said(Edit::Several(delete)), "Delete 2 modules");
        let turns =
            |knobs: &[&str]| Edit::Several(knobs.iter().map(|knob| set("a", knob, 0.1)).collect());
        assert_eq!(said(turns(&["gain", "gain"])), "Turn gain of a");
        assert_eq!(said(turns(&["gain", "offset", "gain"])), "Turn 2 knobs");
        assert_eq!(
            said(Edit::Several(vec![Edit::Replace(Box::default()), added("a")])),
            "Begin a new patch"
        );
        assert_eq!(said(Edit::Several(Vec::new())), "");
    }
}
