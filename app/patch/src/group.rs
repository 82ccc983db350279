//! Groups: modules that are shown as one. Nothing is heard of them: modules and
//! cables are the same whether they lie in a group or not, and so are their names.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::comment::check_colour;
use super::problem::Problem;
use super::{
    Cable, Comment, Edit, InputRef, ModuleId, Name, OutputRef, Patch, check_place, check_text,
    is_id, placeholder,
};

/// How deep groups can lie in one another.
pub const MAX_DEPTH: usize = 32;

/// A group. What lies in it says so itself: [`super::PatchModule::group`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What the musician calls it.
    pub title: String,
    /// Where its left edge is, in points: on the canvas of the group around it.
    pub x: f32,
    /// Where its top edge is, in points.
    pub y: f32,
    /// Which of the 8 colours, from 0.
    pub colour: u8,
    /// The group that it lies in. `None`: it lies on the canvas itself.
    pub inside: Option<GroupId>,
    /// In a linked group, the number that it has in every copy of that. 0: none.
    pub twin: u32,
    /// What it is linked by: groups with the same link are copies of each other.
    /// `None`: it is linked with none.
    pub link: Option<Name>,
}

/// A group's name within its patch. It is not shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(Name);

/// What of a module can be seen on the face of a group around it. In a file and
/// on the wire it is a text: `input cutoff`, `output out`, `param resonance`, `screen`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The input of that name.
    Input(Name),
    /// The output of that name.
    Output(Name),
    /// The knob of that name.
    Param(Name),
    /// Its screen.
    Screen,
}

impl Patch {
    /// The group called that.
    pub fn group(&self, id: &GroupId) -> Result<&Group, Problem> {
        self.groups.get(id).ok_or_else(|| Problem::NoGroup { id: id.to_string() })
    }

    /// A name that no group has yet.
    pub fn fresh_group_id(&self) -> GroupId {
        let names = (1u64..).map(|number| format!("group-{number}"));
        let mut ids = names.map(|name| GroupId(name.into()));
        ids.find(|id| !self.groups.contains_key(id)).expect("numbers do not end")
    }

    /// A group and those around it, from the inside out. None for the canvas itself.
    pub fn around<'a>(
        &'a self,
        group: Option<&'a GroupId>,
    ) -> impl Iterator<Item = (&'a GroupId, &'a Group)> {
        let outwards = std::iter::successors(group, |id| self.groups.get(*id)?.inside.as_ref());
        // One step more than any patch that was checked has: a circle ends, too.
        outwards.take(MAX_DEPTH + 1).filter_map(|id| Some((id, self.groups.get(id)?)))
    }

    /// How many steps it is from a module out to a group: 1 for the group that it
    /// lies in. `None` where the group is not around it.
    pub fn steps_out(&self, module: &ModuleId, group: &GroupId) -> Option<usize> {
        let own = self.modules.get(module)?.group.as_ref();
        self.around(own).position(|(id, _)| id == group).map(|place| place + 1)
    }

    /// The modules of a group and of all groups in it.
    pub fn modules_within<'a>(&'a self, group: &'a GroupId) -> impl Iterator<Item = &'a ModuleId> {
        self.modules.keys().filter(move |id| self.steps_out(id, group).is_some())
    }

    /// What lies in `level` (`None`: on the canvas itself) and has the module in it:
    /// the outermost group, seen from there. `None` where the module itself lies there,
    /// or elsewhere.
    pub fn group_at<'a>(
        &'a self,
        level: Option<&GroupId>,
        module: &ModuleId,
    ) -> Option<&'a GroupId> {
        let own = self.modules.get(module)?.group.as_ref();
        self.around(own).find(|(_, group)| group.inside.as_ref() == level).map(|(id, _)| id)
    }

    /// Whether a part of a module is on the face of a group around it.
    pub fn is_shown(&self, module: &ModuleId, part: &Part, group: &GroupId) -> bool {
        let shown = self.modules.get(module).and_then(|module| module.shown.get(part));
        let out = self.steps_out(module, group);
        shown.zip(out).is_some_and(|(&shown, out)| out <= usize::from(shown))
    }

    /// Puts modules into a new group in `level`, where they lie. Ports whose cables lead
    /// out of it are on its face from now on, also when they are pulled out. What was seen
    /// of the modules on the faces around stays there.
    pub fn grouped<'a>(
        &self,
        modules: impl IntoIterator<Item = &'a ModuleId>,
        level: Option<&GroupId>,
        title: &str,
        (x, y): (f32, f32),
    ) -> (GroupId, Edit) {
        let id = self.fresh_group_id();
        let inside = level.cloned();
        let title = title.to_owned();
        let group = Group { title, x, y, inside, ..Group::default() };
        let mut edits = vec![Edit::SetGroup { id: id.clone(), group: Some(group) }];
        let mut moved_groups = Vec::new();
        let modules: BTreeSet<&ModuleId> = modules.into_iter().collect();
        for &module in &modules {
            match self.group_at(level, module) {
                Some(inner) if moved_groups.contains(&inner) => {}
                Some(inner) => {
                    moved_groups.push(inner);
                    let own = self.groups[inner].clone();
                    let group = Group { inside: Some(id.clone()), twin: 0, ..own };
                    edits.push(Edit::SetGroup { id: inner.clone(), group: Some(group) });
                }
                None => {
                    let (module, group) = (module.clone(), Some(id.clone()));
                    edits.push(Edit::SetInside { module, group, twin: 0 });
                }
            }
            let mut shown = self.reshown(module, level, 1);
            for part in self.leaving(|id| modules.contains(id), module) {
                let within = self.around(self.modules[module].group.as_ref());
                let within = within.take_while(|(id, _)| Some(*id) != level).count();
                let levels = shown.entry(part).or_default();
                *levels = (*levels).max(within as u8 + 1);
            }
            edits.extend(shown_as(module, shown));
        }
        (id, Edit::Several(edits))
    }

    /// The ports of one of some modules that have cables to others.
    pub fn leaving<'a>(
        &'a self,
        is_in: impl Fn(&ModuleId) -> bool + 'a,
        module: &'a ModuleId,
    ) -> impl Iterator<Item = Part> {
        self.cables_of(module).filter_map(move |Cable { from, to }| {
            match (is_in(&from.module), is_in(&to.module)) {
                (true, false) => Some(Part::Output(from.port.clone())),
                (false, true) => Some(Part::Input(to.port.clone())),
                _ => None,
            }
        })
    }

    /// Puts what lies in a group where the group lies, and takes the group away.
    pub fn ungrouped(&self, group: &GroupId) -> Result<Edit, Problem> {
        let was = self.group(group)?;
        let outside = was.inside.clone();
        // Its copies stay what they are.
        let alone = Group { link: None, ..was.clone() };
        let mut edits = Vec::new();
        if was.link.is_some() {
            edits.push(Edit::SetGroup { id: group.clone(), group: Some(alone) });
        }
        for (id, inner) in &self.groups {
            if inner.inside.as_ref() == Some(group) {
                let inner = Group { inside: outside.clone(), twin: 0, ..inner.clone() };
                edits.push(Edit::SetGroup { id: id.clone(), group: Some(inner) });
            }
        }
        for (id, comment) in &self.comments {
            if comment.group.as_ref() == Some(group) {
                let comment = Comment { group: outside.clone(), twin: 0, ..comment.clone() };
                edits.push(Edit::SetComment { id: id.clone(), comment: Some(comment) });
            }
        }
        for id in self.modules_within(group) {
            if self.modules[id].group.as_ref() == Some(group) {
                let (module, group) = (id.clone(), outside.clone());
                edits.push(Edit::SetInside { module, group, twin: 0 });
            }
            edits.extend(shown_as(id, self.reshown(id, Some(group), -1)));
        }
        edits.push(Edit::SetGroup { id: group.clone(), group: None });
        Ok(Edit::Several(edits))
    }

    /// What is seen of a module at `level` or further out, and that it is seen so many
    /// steps further.
    fn reshown(&self, module: &ModuleId, level: Option<&GroupId>, steps: i8) -> BTreeMap<Part, u8> {
        let reaches = level.and_then(|level| self.steps_out(module, level));
        let shown = self.modules.get(module).into_iter().flat_map(|module| &module.shown);
        let is_seen_there = |levels: u8| reaches.is_some_and(|out| usize::from(levels) >= out);
        shown
            .filter(|(_, levels)| is_seen_there(**levels))
            .map(|(part, levels)| (part.clone(), levels.saturating_add_signed(steps)))
            .collect()
    }

    /// Whether groups lie in groups that are there, and in no circle.
    pub(crate) fn check_groups(&self) -> Result<(), Problem> {
        for (id, group) in &self.groups {
            group.check(id)?;
            self.check_inside(group.inside.as_ref())?;
            if self.around(Some(id)).count() > MAX_DEPTH {
                return Err(Problem::GroupInItself { id: id.to_string(), most: MAX_DEPTH });
            }
        }
        self.check_links()?;
        let modules = self.modules.values().map(|module| &module.group);
        let comments = self.comments.values().map(|comment| &comment.group);
        modules.chain(comments).try_for_each(|group| self.check_inside(group.as_ref()))
    }

    /// Whether something may lie there.
    pub(crate) fn check_inside(&self, group: Option<&GroupId>) -> Result<(), Problem> {
        group.map_or(Ok(()), |id| self.group(id).map(drop))
    }

    /// Whether nothing lies in a group, so that it can be taken away.
    fn check_empty(&self, id: &GroupId) -> Result<(), Problem> {
        let modules = self.modules.values().map(|module| &module.group);
        let comments = self.comments.values().map(|comment| &comment.group);
        let groups = self.groups.values().map(|group| &group.inside);
        let is_used = modules.chain(comments).chain(groups).any(|group| group.as_ref() == Some(id));
        if is_used { Err(Problem::GroupInUse { id: id.to_string() }) } else { Ok(()) }
    }

    pub(crate) fn set_group(&mut self, id: GroupId, group: Option<Group>) -> Result<Edit, Problem> {
        let was = match group {
            Some(group) => {
                group.check(&id)?;
                self.check_inside(group.inside.as_ref())?;
                let was = self.groups.insert(id.clone(), group);
                // Asked of the whole: what lies in it goes deeper with it.
                if let Err(problem) = self.check_groups() {
                    match was {
                        Some(was) => drop(self.groups.insert(id, was)),
                        None => drop(self.groups.remove(&id)),
                    }
                    return Err(problem);
                }
                was
            }
            None => {
                self.group(&id)?;
                self.check_empty(&id)?;
                self.groups.remove(&id)
            }
        };
        Ok(Edit::SetGroup { id, group: was })
    }

    pub(crate) fn set_inside(
        &mut self,
        module: ModuleId,
        group: Option<GroupId>,
        twin: u32,
    ) -> Result<Edit, Problem> {
        self.check_inside(group.as_ref())?;
        // Twins lie in groups.
        let twin = if group.is_some() { twin } else { 0 };
        let here = self.module_mut(&module)?;
        let group = std::mem::replace(&mut here.group, group);
        let twin = std::mem::replace(&mut here.twin, twin);
        Ok(Edit::SetInside { module, group, twin })
    }

    pub(crate) fn set_shown(
        &mut self,
        id: ModuleId,
        part: Part,
        levels: u8,
    ) -> Result<Edit, Problem> {
        self.module(id.as_str())?.check_part(&id, &part)?;
        let shown = &mut self.module_mut(&id)?.shown;
        let was = match levels {
            0 => shown.remove(&part),
            _ => shown.insert(part.clone(), levels),
        };
        Ok(Edit::SetShown { module: id, part, levels: was.unwrap_or(0) })
    }
}

fn shown_as(module: &ModuleId, shown: BTreeMap<Part, u8>) -> impl Iterator<Item = Edit> {
    let show = |(part, levels)| Edit::SetShown { module: module.clone(), part, levels };
    shown.into_iter().map(show)
}

impl super::PatchModule {
    /// Whether it has such a part. A placeholder has whatever it is asked for.
    pub(crate) fn check_part(&self, id: &ModuleId, part: &Part) -> Result<(), Problem> {
        if self.is_placeholder {
            return part.name().map_or(Ok(()), placeholder::check_name);
        }
        let about = self.about()?;
        let has_it = match part {
            Part::Input(name) => about.input(name).is_some(),
            Part::Output(name) => about.output(name).is_some(),
            Part::Param(name) => about.param(name).is_some(),
            Part::Screen => about.screen.is_some(),
        };
        let no_part = || Problem::NoPart { module: id.to_string(), part: part.to_string() };
        if has_it { Ok(()) } else { Err(no_part()) }
    }
}

impl Group {
    /// Whether it is somewhere, and its title and colour may be what they are.
    fn check(&self, id: &GroupId) -> Result<(), Problem> {
        check_text("title of the group", &self.title)?;
        if let Some(link) = &self.link {
            check_text("link of the group", link)?;
        }
        check_place(id.as_str(), self.x, self.y)?;
        check_colour(self.colour)
    }
}

impl Part {
    /// Of the port or param. The screen has none.
    pub fn name(&self) -> Option<&str> {
        match self {
            Part::Input(name) | Part::Output(name) | Part::Param(name) => Some(name),
            Part::Screen => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Part::Input(name) => write!(f, "input {name}"),
            Part::Output(name) => write!(f, "output {name}"),
            Part::Param(name) => write!(f, "param {name}"),
            Part::Screen => f.write_str("screen"),
        }
    }
}

impl FromStr for Part {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Part, Problem> {
        match text.split_once(' ') {
            Some(("input", name)) => Ok(Part::Input(name.into())),
            Some(("output", name)) => Ok(Part::Output(name.into())),
            Some(("param", name)) => Ok(Part::Param(name.into())),
            None if text == "screen" => Ok(Part::Screen),
            _ => Err(Problem::BadPart { text: text.to_owned() }),
        }
    }
}

impl GroupId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that no module of a patch can have: for what stands for the group where it
    /// is shown as one module. Its ports are called as those of the patch that are meant
    /// are written: `vco.saw`.
    pub fn stand_in(&self) -> ModuleId {
        ModuleId(format!("{STANDS}{self}").into())
    }
}

/// Before a group's name, where a module stands for it.
const STANDS: char = '#';

impl ModuleId {
    /// Names that no module of a patch can have: for what stands for the world outside a
    /// group that is looked into, where cables come from and where they lead to.
    pub fn outside() -> [ModuleId; 2] {
        ["<", ">"].map(|side| ModuleId(format!("{STANDS}{side}").into()))
    }

    /// Whether it stands for something else where a patch is shown.
    pub fn is_stand_in(&self) -> bool {
        self.as_str().starts_with(STANDS)
    }

    /// The group that it stands for, if it stands for one.
    pub fn stands_for(&self) -> Option<GroupId> {
        self.as_str().strip_prefix(STANDS)?.parse().ok()
    }
}

impl OutputRef {
    /// The output that is meant, where this is one of a stand-in.
    pub fn meant(&self) -> OutputRef {
        self.module
            .is_stand_in()
            .then(|| self.port.parse().ok())
            .flatten()
            .unwrap_or_else(|| self.clone())
    }
}

impl InputRef {
    /// The input that is meant, where this is one of a stand-in.
    pub fn meant(&self) -> InputRef {
        self.module
            .is_stand_in()
            .then(|| self.port.parse().ok())
            .flatten()
            .unwrap_or_else(|| self.clone())
    }
}

impl Cable {
    /// The cable that is meant, where an end of this is at a stand-in.
    pub fn meant(&self) -> Cable {
        Cable { from: self.from.meant(), to: self.to.meant() }
    }
}

impl FromStr for GroupId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<GroupId, Problem> {
        let is_fit = is_id(text);
        if is_fit { Ok(GroupId(text.into())) } else { Err(Problem::BadGroupId { id: text.into() }) }
    }
}

impl Borrow<str> for GroupId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PatchModule;
    use crate::edit::{Reach, apply};
    use crate::testing::{grouped, id, ring};

    fn group(name: &str) -> GroupId {
        name.parse().unwrap()
    }

    /// `a` in a group, `b` in one inside that, `c` outside.
    fn nested() -> Patch {
        let mut patch = ring();
        let (_, edit) = patch.grouped(&[id("a"), id("b")], None, "Outer", (10.0, 20.0));
        apply(&mut patch, edit).unwrap();
        let outer = group("group-1");
        let (_, edit) = patch.grouped(&[id("b")], Some(&outer), "Inner", (30.0, 40.0));
        apply(&mut patch, edit).unwrap();
        patch
    }

    fn refused(edit: Edit) -> String {
        let mut patch = nested();
        let problem = apply(&mut patch, edit).unwrap_err();
        assert_eq!(patch, nested(), "a refused edit changes nothing");
        problem.to_string()
    }

    #[test]
    fn a_module_is_seen_as_the_outermost_group_from_outside() {
        let patch = nested();
        let (outer, inner) = (group("group-1"), group("group-2"));
        assert_eq!(patch.group_at(None, &id("b")), Some(&outer));
        assert_eq!(patch.group_at(Some(&outer), &id("b")), Some(&inner));
        assert_eq!(patch.group_at(Some(&inner), &id("b")), None, "it lies there itself");
        assert_eq!(patch.group_at(Some(&inner), &id("a")), None, "it lies elsewhere");
        assert_eq!(patch.steps_out(&id("b"), &outer), Some(2));
        assert_eq!(patch.steps_out(&id("c"), &outer), None);
        assert_eq!(patch.modules_within(&outer).count(), 2);
    }

    #[test]
    fn groups_lie_in_no_circle_and_not_deeper_than_allowed() {
        let inside = |name: &str, inside: &str| grouped(name, Some(inside));
        assert!(refused(inside("group-1", "group-2")).contains("`group-1`"));
        assert!(refused(inside("group-1", "group-1")).contains("`group-1`"));
        assert!(refused(inside("group-3", "elsewhere")).contains("no group called `elsewhere`"));
        let mut patch = Patch::default();
        apply(&mut patch, grouped("g0", None)).unwrap();
        for depth in 1..MAX_DEPTH {
            apply(&mut patch, inside(&format!("g{depth}"), &format!("g{}", depth - 1))).unwrap();
        }
        let last = format!("g{}", MAX_DEPTH - 1);
        apply(&mut patch, inside("deepest", &last)).unwrap_err();
        // Nor by putting all of them into one more.
        apply(&mut patch, grouped("around", None)).unwrap();
        apply(&mut patch, inside("g0", "around")).unwrap_err();
        patch.check().unwrap();
    }

    #[test]
    fn a_group_is_taken_away_only_when_it_is_empty() {
        let away = |name: &str| Edit::SetGroup { id: group(name), group: None };
        assert!(refused(away("group-2")).contains("not empty"));
        assert!(refused(away("group-1")).contains("not empty"));
        assert!(refused(away("group-9")).contains("no group"));
        let mut patch = nested();
        apply(&mut patch, Edit::RemoveModule { id: id("b") }).unwrap();
        apply(&mut patch, away("group-2")).unwrap();
    }

    #[test]
    fn a_group_with_a_comment_in_it_is_taken_apart_and_the_comment_stays() {
        let mut patch = nested();
        let inner = group("group-2");
        let comment = Comment { group: Some(inner.clone()), ..Comment::default() };
        let id = "note".parse().unwrap();
        apply(&mut patch, Edit::SetComment { id, comment: Some(comment) }).unwrap();
        let edit = patch.ungrouped(&inner).unwrap();
        apply(&mut patch, edit).unwrap();
        assert_eq!(patch.comments["note"].group, Some(group("group-1")));
    }

    #[test]
    fn what_lies_in_no_group_has_no_number() {
        let mut patch = nested();
        let inside = |group, twin| Edit::SetInside { module: id("c"), group, twin };
        apply(&mut patch, inside(Some(group("group-1")), 3)).unwrap();
        assert_eq!(patch.modules["c"].twin, 3);
        apply(&mut patch, inside(None, 3)).unwrap();
        assert_eq!(patch.modules["c"].twin, 0);
        let module = PatchModule { twin: 4, ..PatchModule::new("vca", 0.0, 0.0) };
        apply(&mut patch, Edit::AddModule { id: id("d"), module }).unwrap();
        assert_eq!(patch.modules["d"].twin, 0);
    }

    #[test]
    fn a_removed_module_comes_back_into_its_group() {
        let mut patch = nested();
        let back = apply(&mut patch, Edit::RemoveModule { id: id("b") }).unwrap();
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, nested());
    }

    #[test]
    fn what_is_on_a_face_stays_there_when_more_is_grouped_and_comes_back() {
        let mut patch = ring();
        let gain = Part::Param("gain".into());
        let outer = group("group-1");
        let (_, edit) = patch.grouped(&[id("a"), id("b")], None, "Outer", (0.0, 0.0));
        apply(&mut patch, edit).unwrap();
        let shown = |levels| Edit::SetShown { module: id("b"), part: gain.clone(), levels };
        apply(&mut patch, shown(1)).unwrap();
        assert!(patch.is_shown(&id("b"), &gain, &outer));
        let before = patch.clone();
        let (inner, edit) = patch.grouped(&[id("b")], Some(&outer), "Inner", (0.0, 0.0));
        apply(&mut patch, edit).unwrap();
        assert!(patch.is_shown(&id("b"), &gain, &outer) && patch.is_shown(&id("b"), &gain, &inner));
        let edit = patch.ungrouped(&inner).unwrap();
        apply(&mut patch, edit).unwrap();
        assert_eq!(patch, before);
        let edit = patch.ungrouped(&outer).unwrap();
        assert_eq!(edit.reach(), Reach::Looks);
        apply(&mut patch, edit).unwrap();
        assert!(patch.modules["b"].shown.is_empty());
    }

    #[test]
    fn a_jack_of_a_group_stays_when_its_cable_is_pulled_out() {
        let mut patch = nested();
        let (outer, inner) = (group("group-1"), group("group-2"));
        let [input, output] = ["input in", "output out"].map(|text| text.parse().unwrap());
        for cable in ["a.out -> b.in", "b.out -> c.in", "c.out -> a.in"] {
            apply(&mut patch, Edit::Disconnect(cable.parse().unwrap())).unwrap();
        }
        assert!(patch.is_shown(&id("a"), &input, &outer));
        assert!(
            patch.is_shown(&id("b"), &output, &outer) && patch.is_shown(&id("b"), &output, &inner)
        );
        assert!(
            patch.is_shown(&id("b"), &input, &inner) && !patch.is_shown(&id("b"), &input, &outer)
        );
        assert!(!patch.is_shown(&id("a"), &output, &outer), "that led to b, which lies there too");
    }

    #[test]
    fn only_parts_that_a_module_has_are_shown() {
        for part in ["param colour", "input out", "screen"] {
            let part = part.parse().unwrap();
            assert!(refused(Edit::SetShown { module: id("b"), part, levels: 1 }).contains("`b`"));
        }
        for bad in ["", "knob gain", "input", "screen 1"] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
        for good in ["param gain", "input 1 l", "output out", "screen"] {
            assert_eq!(good.parse::<Part>().unwrap().to_string(), good);
        }
    }

    #[test]
    fn a_stand_in_is_no_module_of_any_patch_and_its_ports_say_what_is_meant() {
        let stand_in = group("voice").stand_in();
        assert_eq!(stand_in.stands_for(), Some(group("voice")));
        assert!(stand_in.as_str().parse::<ModuleId>().is_err());
        assert_eq!(id("voice").stands_for(), None);
        for outside in ModuleId::outside() {
            assert!(outside.is_stand_in() && outside.stands_for().is_none());
        }
        let cable: Cable = "vco.saw -> vca.in".parse().unwrap();
        let shown = Cable {
            from: OutputRef { module: stand_in, port: "vco.saw".into() },
            to: cable.to.clone(),
        };
        assert_eq!(shown.meant(), cable);
        assert_eq!(cable.meant(), cable);
    }
}
