//! Linked groups: copies of each other. What is changed in one is changed in all.
//!
//! Groups of a patch with the same [`Group::link`] are copies. What corresponds to what
//! is said by the things themselves: each has a number, its `twin`, which is the same in
//! every copy. What a copy has on its own face is its own: the knobs there, and the sound of
//! a screen there; and so are names, bypass, scenes, locks, what is on stage, what a hand holds, and
//! all cables that lead out.

use std::collections::{BTreeMap, BTreeSet};

use sostenuto_modules::clip::Text;

use super::edit::{Edit, Move, apply};
use super::group::MAX_DEPTH;
use super::problem::Problem;
use super::{
    Cable, Comment, CommentId, Group, GroupId, InputRef, ModuleId, Name, OutputRef, Part, Patch,
    PatchModule,
};

/// The edit with all that follows from it: what it changes in one of several linked groups
/// is changed in the others, and what is new in one gets its number.
pub fn followed(patch: &Patch, edit: &Edit) -> Result<Edit, Problem> {
    if edit.replaces() || !may_concern_links(patch, edit) {
        return Ok(edit.clone());
    }
    let mut done = Done { patch: patch.clone(), edits: Vec::new() };
    done.make(edit.clone())?;
    done.number(patch)?;
    // From the inside out: a change in a group is one in the groups around it.
    for _ in 0..=MAX_DEPTH {
        let before = done.edits.len();
        for link in done.patch.links_from_within() {
            done.follow(patch, &link)?;
        }
        if done.edits.len() == before {
            break;
        }
        done.number(patch)?;
    }
    let Done { mut edits, .. } = done;
    Ok(if edits.len() == 1 { edits.remove(0) } else { Edit::Several(edits) })
}

/// Whether an edit can reach a linked group: asked first, as most cannot.
fn may_concern_links(patch: &Patch, edit: &Edit) -> bool {
    let is_linked =
        |group: Option<&GroupId>| patch.around(group).any(|(_, group)| group.link.is_some());
    let lies_linked =
        |id: &ModuleId| is_linked(patch.modules.get(id).and_then(|module| module.group.as_ref()));
    match edit {
        Edit::SetParam { module, .. } | Edit::SetText { module, .. } => lies_linked(module),
        // What follows it in the same edit may be said of the new name.
        Edit::RenameModule { id, .. } => lies_linked(id),
        Edit::MoveModules(moves) => moves.iter().any(|step| lies_linked(&step.module)),
        Edit::Several(edits) => edits.iter().any(|edit| may_concern_links(patch, edit)),
        Edit::SetGroup { group: Some(group), .. } if group.link.is_some() => true,
        Edit::SetBypass { .. }
        | Edit::SetStaged { .. }
        | Edit::SetLocked { .. }
        | Edit::SetScene { .. }
        | Edit::KeepInScene { .. }
        | Edit::SetTitle(_)
        | Edit::SetDescription(_) => false,
        _ => patch.groups.values().any(|group| group.link.is_some()),
    }
}

impl Patch {
    /// The groups that are linked by that name.
    pub fn linked<'a>(&'a self, link: &'a str) -> impl Iterator<Item = &'a GroupId> {
        let is_linked = move |group: &Group| group.link.as_deref() == Some(link);
        self.groups.iter().filter(move |(_, group)| is_linked(group)).map(|(id, _)| id)
    }

    fn is_linked(&self, group: &GroupId, link: &Name) -> bool {
        self.groups.get(group).is_some_and(|group| group.link.as_ref() == Some(link))
    }

    /// A link that no group has yet: that name, or it with a number.
    pub fn fresh_link(&self, name: &str) -> Name {
        let numbered = (2u64..).map(|number| format!("{name} {number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| self.linked(name).next().is_none()).expect("numbers do not end").into()
    }

    /// Every link, and those before that lie deeper.
    fn links_from_within(&self) -> Vec<Name> {
        let mut depths: BTreeMap<&Name, usize> = BTreeMap::new();
        for (id, group) in &self.groups {
            if let Some(link) = &group.link {
                let depth = depths.entry(link).or_default();
                *depth = (*depth).max(self.around(Some(id)).count());
            }
        }
        let mut links: Vec<(usize, &Name)> =
            depths.into_iter().map(|(l, depth)| (depth, l)).collect();
        links.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
        links.into_iter().map(|(_, link)| link.clone()).collect()
    }

    /// Whether no copy lies in a copy of the same.
    pub(crate) fn check_links(&self) -> Result<(), Problem> {
        for (id, group) in self.groups.iter().filter(|(_, group)| group.link.is_some()) {
            let mut outer = self.around(group.inside.as_ref());
            if outer.any(|(_, outer)| outer.link == group.link) {
                return Err(Problem::LinkInItself { id: id.to_string() });
            }
        }
        Ok(())
    }

    /// What one group is made to be, so that it is as another of its copies in that patch:
    /// its definition as a library has it, for one.
    pub fn made_like(
        &self,
        group: &GroupId,
        other: &Patch,
        there: &GroupId,
    ) -> Result<Edit, Problem> {
        let target = Content::of(other, there);
        let mut done = Done { patch: self.clone(), edits: Vec::new() };
        done.become_like(group, Content::of(self, group), &target)?;
        Ok(Edit::Several(done.edits))
    }
}

/// Where something lies in a linked group: the numbers of the groups around it, from the
/// outside in, and its own.
type Way = Vec<u32>;

/// What lies in a group, as far as its copies share it, and what it is called in this one.
#[derive(Default)]
struct Content {
    modules: BTreeMap<Way, (ModuleId, PatchModule)>,
    groups: BTreeMap<Way, (GroupId, Group)>,
    comments: BTreeMap<Way, (CommentId, Comment)>,
    cables: BTreeMap<[(Way, Name); 2], bool>,
}

impl Content {
    fn of(patch: &Patch, root: &GroupId) -> Content {
        let mut all = Content::of_all(patch, [root]);
        all.remove(root).expect("as many as were asked for")
    }

    /// What lies in each of some groups, of which none lies in another.
    fn of_all<'a>(
        patch: &Patch,
        roots: impl IntoIterator<Item = &'a GroupId>,
    ) -> BTreeMap<&'a GroupId, Content> {
        let mut all: BTreeMap<&GroupId, Content> =
            roots.into_iter().map(|root| (root, Content::default())).collect();
        let roots: BTreeSet<&GroupId> = all.keys().copied().collect();
        let place = |inside: Option<&GroupId>, twin: u32| {
            let mut way = vec![twin];
            for (id, group) in patch.around(inside) {
                if let Some(root) = roots.get(id) {
                    way.reverse();
                    return Some((*root, way));
                }
                way.push(group.twin);
            }
            None
        };
        let mut ways: BTreeMap<&ModuleId, (&GroupId, Way)> = BTreeMap::new();
        for (id, module) in &patch.modules {
            let Some((root, way)) = place(module.group.as_ref(), module.twin) else { continue };
            ways.insert(id, (root, way.clone()));
            let mut shared = module.clone();
            for levels in shared.shown.values_mut() {
                // The face of the group is its last that copies share.
                *levels = (*levels).min(way.len() as u8);
            }
            shared.scenes.clear();
            shared.staged.clear();
            shared.locked.clear();
            shared.is_bypassed = false;
            all.entry(root).or_default().modules.insert(way, (id.clone(), shared));
        }
        for (id, group) in &patch.groups {
            if let Some((root, way)) = place(group.inside.as_ref(), group.twin) {
                all.entry(root).or_default().groups.insert(way, (id.clone(), group.clone()));
            }
        }
        for (id, comment) in &patch.comments {
            if let Some((root, way)) = place(comment.group.as_ref(), comment.twin) {
                all.entry(root).or_default().comments.insert(way, (id.clone(), comment.clone()));
            }
        }
        for cable in &patch.cables {
            let [from, to] = [&cable.from.module, &cable.to.module].map(|id| ways.get(id));
            if let (Some((root, from)), Some((other, to))) = (from, to)
                && root == other
            {
                let [output, input] = [&cable.from.port, &cable.to.port].map(Name::clone);
                let ends = [(from.clone(), output), (to.clone(), input)];
                all.entry(root).or_default().cables.insert(ends, patch.is_delayed(cable));
            }
        }
        all
    }

    /// This copy, each thing where it goes to as its twin in another copy did, which was
    /// like that and is like this now.
    fn moved_as(self, was: &Content, is: &Content) -> Content {
        Content {
            modules: moved_as(self.modules, &was.modules, &is.modules),
            groups: moved_as(self.groups, &was.groups, &is.groups),
            comments: moved_as(self.comments, &was.comments, &is.comments),
            cables: self.cables,
        }
    }

    /// Whether two copies share all that copies share.
    fn is_like(&self, other: &Content) -> bool {
        let are_alike = |(way, (_, module)): (&Way, &(ModuleId, PatchModule))| {
            other.modules.get(way).is_some_and(|(_, twin)| is_shared_alike(way, module, twin))
        };
        let groups = self.groups.iter().map(|(way, (_, group))| (way, shared_of_group(group)));
        let others = other.groups.iter().map(|(way, (_, group))| (way, shared_of_group(group)));
        let comments = self.comments.iter().map(|(way, (_, it))| (way, shared_of_comment(it)));
        let twins = other.comments.iter().map(|(way, (_, it))| (way, shared_of_comment(it)));
        self.modules.len() == other.modules.len()
            && self.modules.iter().all(are_alike)
            && groups.eq(others)
            && comments.eq(twins)
            && self.cables == other.cables
    }
}

/// What there is of one kind, by where it goes. What its copy has no more goes nowhere that
/// a thing can be: nothing has the number 0.
fn moved_as<Id: Ord, T>(
    things: BTreeMap<Way, (Id, T)>,
    was: &BTreeMap<Way, (Id, T)>,
    is: &BTreeMap<Way, (Id, T)>,
) -> BTreeMap<Way, (Id, T)> {
    let known: BTreeSet<&Id> = was.values().map(|(id, _)| id).collect();
    let goes: BTreeMap<&Id, &Way> = is.iter().map(|(way, (id, _))| (id, way)).collect();
    let is_taken_anew = |way: &Way| is.get(way).is_some_and(|(id, _)| !known.contains(id));
    let mut moved = BTreeMap::new();
    let mut rest = Vec::new();
    for (way, thing) in things {
        match was.get(&way).map(|(id, _)| goes.get(id)) {
            Some(Some(to)) => _ = moved.insert((*to).clone(), thing),
            Some(None) if !is_taken_anew(&way) => rest.push((None, thing)),
            _ => rest.push((Some(way), thing)),
        }
    }
    for (index, (way, thing)) in rest.into_iter().enumerate() {
        let way = way.filter(|way| !moved.contains_key(way));
        moved.insert(way.unwrap_or_else(|| vec![0, index as u32]), thing);
    }
    moved
}

/// A group in a group, without what it is called in one copy.
fn shared_of_group(group: &Group) -> Group {
    Group { inside: None, ..group.clone() }
}

fn shared_of_comment(comment: &Comment) -> Comment {
    Comment { group: None, ..comment.clone() }
}

/// Whether a copy keeps that for itself: it is on its face, or a hand holds it.
fn is_own_param(way: &Way, module: &PatchModule, name: &Name) -> bool {
    let on_face = module.shown.get(&Part::Param(name.clone()));
    let is_held = module
        .about()
        .is_ok_and(|about| about.param(name).is_some_and(|index| about.params[index].is_held));
    is_held || on_face.is_some_and(|levels| usize::from(*levels) >= way.len())
}

/// The same of its text: that is on its face, or names modules of its own copy.
fn has_own_text(way: &Way, module: &PatchModule) -> bool {
    if module.text_form() == Some(Text::Automation) {
        return true;
    }
    module.shown.get(&Part::Screen).is_some_and(|levels| usize::from(*levels) >= way.len())
}

/// Two modules that share what twins share.
fn is_shared_alike(way: &Way, module: &PatchModule, twin: &PatchModule) -> bool {
    let shared = |module: &PatchModule| {
        let mut shared = PatchModule { group: None, ..module.clone() };
        shared.params.retain(|name, _| !is_own_param(way, module, name));
        if has_own_text(way, module) {
            shared.text = Name::default();
        }
        shared
    };
    shared(module) == shared(twin)
}

/// A patch to which edits are done, and these edits.
struct Done {
    patch: Patch,
    edits: Vec<Edit>,
}

impl Done {
    fn make(&mut self, edit: Edit) -> Result<(), Problem> {
        apply(&mut self.patch, edit.clone())?;
        self.edits.push(edit);
        Ok(())
    }

    /// Gives everything in linked groups a number that nothing of its kind beside it has.
    /// What had one `before` keeps it.
    fn number(&mut self, before: &Patch) -> Result<(), Problem> {
        let linked = |patch: &Patch, group: Option<&GroupId>| {
            patch.around(group).any(|(_, group)| group.link.is_some())
        };
        let mut counters: BTreeMap<GroupId, Counter> = BTreeMap::new();
        let mut things = Vec::new();
        let patch = &self.patch;
        for (id, module) in &patch.modules {
            let was = before.modules.get(id).map(|was| (was.group.as_ref(), was.twin));
            things.push((module.group.as_ref(), module.twin, was, Thing::Module(id.clone())));
        }
        for (id, group) in &patch.groups {
            let was = before.groups.get(id).map(|was| (was.inside.as_ref(), was.twin));
            things.push((group.inside.as_ref(), group.twin, was, Thing::Group(id.clone())));
        }
        for (id, comment) in &patch.comments {
            let was = before.comments.get(id).map(|was| (was.group.as_ref(), was.twin));
            things.push((comment.group.as_ref(), comment.twin, was, Thing::Comment(id.clone())));
        }
        // Who had its number already comes first.
        things.sort_by_key(|(inside, twin, was, _)| *was != Some((*inside, *twin)));
        let mut new = Vec::new();
        for (inside, twin, _, thing) in things {
            let Some(parent) = inside.filter(|parent| linked(patch, Some(*parent))) else {
                continue;
            };
            let counter = counters.entry(parent.clone()).or_default();
            if twin == 0 || !counter.taken.insert((thing.kind(), twin)) {
                new.push((parent.clone(), thing));
            } else {
                counter.most = counter.most.max(twin);
            }
        }
        for (parent, thing) in new {
            let counter = counters.entry(parent).or_default();
            counter.most += 1;
            self.make(thing.numbered(&self.patch, counter.most))?;
        }
        Ok(())
    }

    /// Makes all copies of one like the one that was changed.
    fn follow(&mut self, before: &Patch, link: &Name) -> Result<(), Problem> {
        let copies: Vec<GroupId> = self.patch.linked(link).cloned().collect();
        let mut now = Content::of_all(&self.patch, &copies);
        let are_alike = now.values().zip(now.values().skip(1)).all(|(a, b)| a.is_like(b));
        if are_alike {
            return Ok(());
        }
        let old = Content::of_all(before, copies.iter().filter(|id| before.is_linked(id, link)));
        // One that has just become a copy follows those that are.
        let changed = old.iter().find(|(id, was)| !was.is_like(&now[*id])).map(|(id, _)| *id);
        let has_joined = old.len() < copies.len();
        let leader = changed.or_else(|| old.keys().next().copied().filter(|_| has_joined));
        let Some(leader) = leader.or(copies.first().filter(|_| has_joined)) else { return Ok(()) };
        let target = now.remove(leader).expect("it is one of them");
        for (copy, own) in now.into_iter().filter(|(_, own)| !own.is_like(&target)) {
            let was = old.get(leader).filter(|_| old.contains_key(copy));
            let own = if let Some(was) = was { own.moved_as(was, &target) } else { own };
            self.become_like(copy, own, &target)?;
        }
        Ok(())
    }

    /// Makes what lies in a group, its `own`, like what lies in one of its copies.
    fn become_like(
        &mut self,
        root: &GroupId,
        own: Content,
        target: &Content,
    ) -> Result<(), Problem> {
        let groups = self.groups_like(root, &own, target)?;
        let inside = |way: &Way| match way.split_last() {
            Some((_, [])) | None => root.clone(),
            Some((_, outer)) => groups[outer].clone(),
        };
        for (_, (id, _)) in own.modules.iter().filter(|(way, _)| !target.modules.contains_key(*way))
        {
            self.make(Edit::RemoveModule { id: id.clone() })?;
        }
        let mut names: BTreeMap<&Way, ModuleId> = BTreeMap::new();
        let mut moves = Vec::new();
        for (way, (there, wanted)) in &target.modules {
            let group = Some(inside(way));
            let id = match own.modules.get(way) {
                Some((id, module)) if is_amendable(module, wanted) => {
                    if (&module.group, module.twin) != (&group, wanted.twin) {
                        let twin = wanted.twin;
                        self.make(Edit::SetInside { module: id.clone(), group, twin })?;
                    }
                    self.amend(way, id, module, wanted)?;
                    if (module.x, module.y) != (wanted.x, wanted.y) {
                        moves.push(Move { module: id.clone(), x: wanted.x, y: wanted.y });
                    }
                    id.clone()
                }
                Some((id, _)) => {
                    self.exchange(id, PatchModule { group, ..wanted.clone() })?;
                    id.clone()
                }
                None => {
                    let id = self.patch.fresh_id(there.stem());
                    let module = PatchModule { group, ..wanted.clone() };
                    self.make(Edit::AddModule { id: id.clone(), module })?;
                    id
                }
            };
            names.insert(way, id);
        }
        if !moves.is_empty() {
            self.make(Edit::MoveModules(moves))?;
        }
        self.cables_like(root, target, &names)?;
        self.comments_like(&own, target, &inside)?;
        let gone = own.groups.iter().rev().filter(|(way, _)| !target.groups.contains_key(*way));
        for (_, (id, _)) in gone {
            self.make(Edit::SetGroup { id: id.clone(), group: None })?;
        }
        Ok(())
    }

    /// Makes the groups within a group like those of a copy. Returns what each is called.
    fn groups_like(
        &mut self,
        root: &GroupId,
        own: &Content,
        target: &Content,
    ) -> Result<BTreeMap<Way, GroupId>, Problem> {
        let mut names: BTreeMap<Way, GroupId> = BTreeMap::new();
        for (way, (_, wanted)) in &target.groups {
            let outer = &way[..way.len() - 1];
            let inside = if outer.is_empty() { root } else { &names[outer] };
            let group = Group { inside: Some(inside.clone()), ..wanted.clone() };
            let id = own.groups.get(way).map(|(id, _)| id.clone());
            let id = id.unwrap_or_else(|| self.patch.fresh_group_id());
            if self.patch.groups.get(&id) != Some(&group) {
                self.make(Edit::SetGroup { id: id.clone(), group: Some(group) })?;
            }
            names.insert(way.clone(), id);
        }
        Ok(names)
    }

    fn comments_like(
        &mut self,
        own: &Content,
        target: &Content,
        inside: &dyn Fn(&Way) -> GroupId,
    ) -> Result<(), Problem> {
        for (_, (id, _)) in
            own.comments.iter().filter(|(way, _)| !target.comments.contains_key(*way))
        {
            self.make(Edit::SetComment { id: id.clone(), comment: None })?;
        }
        for (way, (_, wanted)) in &target.comments {
            let id = own.comments.get(way).map(|(id, _)| id.clone());
            let id = id.unwrap_or_else(|| self.patch.fresh_comment_id());
            let comment = Comment { group: Some(inside(way)), ..wanted.clone() };
            if self.patch.comments.get(&id) != Some(&comment) {
                self.make(Edit::SetComment { id, comment: Some(comment) })?;
            }
        }
        Ok(())
    }

    /// Turns the knobs of a module, and what else can be changed while it plays, to where
    /// its twin's are.
    fn amend(
        &mut self,
        way: &Way,
        id: &ModuleId,
        module: &PatchModule,
        wanted: &PatchModule,
    ) -> Result<(), Problem> {
        let names: BTreeSet<&Name> = module.params.keys().chain(wanted.params.keys()).collect();
        for name in names.into_iter().filter(|name| !is_own_param(way, wanted, name)) {
            let value = wanted.param(name).filter(|value| module.param(name) != Some(*value));
            if let Some(value) = value {
                let (module, param) = (id.clone(), name.clone());
                self.make(Edit::SetParam { module, param, value })?;
            }
        }
        if module.text != wanted.text && !has_own_text(way, wanted) {
            self.make(Edit::SetText { module: id.clone(), text: wanted.text.clone() })?;
        }
        let parts: BTreeSet<&Part> = module.shown.keys().chain(wanted.shown.keys()).collect();
        let reach = way.len() as u8;
        for part in parts {
            let [is, to_be] = [module, wanted].map(|it| it.shown.get(part).copied().unwrap_or(0));
            if is == to_be {
                continue;
            }
            // Further out than that each copy shows what it likes.
            let actual = self.patch.modules[id].shown.get(part).copied().unwrap_or(0);
            let levels = if to_be == reach { to_be.max(actual) } else { to_be };
            self.make(Edit::SetShown { module: id.clone(), part: part.clone(), levels })?;
        }
        let parts: BTreeSet<&Part> = module.titles.keys().chain(wanted.titles.keys()).collect();
        for part in parts.into_iter().filter(|it| module.titles.get(it) != wanted.titles.get(it)) {
            let title = wanted.titles.get(part).cloned().unwrap_or_default();
            self.make(Edit::SetPartTitle { module: id.clone(), part: part.clone(), title })?;
        }
        Ok(())
    }

    /// Puts another module in the place of one. Its cables stay where there are ports for
    /// them.
    fn exchange(&mut self, id: &ModuleId, module: PatchModule) -> Result<(), Problem> {
        let cables: Vec<Cable> = self.patch.cables_of(id).cloned().collect();
        self.make(Edit::RemoveModule { id: id.clone() })?;
        self.make(Edit::AddModule { id: id.clone(), module })?;
        for cable in cables {
            if self.patch.check_cable(&cable).is_ok() {
                self.make(Edit::Connect(cable))?;
            }
        }
        Ok(())
    }

    /// Makes the cables within a group like those of a copy.
    fn cables_like(
        &mut self,
        root: &GroupId,
        target: &Content,
        names: &BTreeMap<&Way, ModuleId>,
    ) -> Result<(), Problem> {
        let named = |[(from, output), (to, input)]: &[(Way, Name); 2]| Cable {
            from: OutputRef { module: names[from].clone(), port: output.clone() },
            to: InputRef { module: names[to].clone(), port: input.clone() },
        };
        let wanted: BTreeMap<Cable, bool> =
            target.cables.iter().map(|(ends, is_delayed)| (named(ends), *is_delayed)).collect();
        let lies_within = |id: &ModuleId| self.patch.steps_out(id, root).is_some();
        let within = self.patch.cables.iter();
        let within = within.filter(|it| lies_within(&it.from.module) && lies_within(&it.to.module));
        let gone: Vec<Cable> = within.filter(|it| !wanted.contains_key(*it)).cloned().collect();
        for cable in gone {
            self.make(Edit::Disconnect(cable))?;
        }
        // What is delayed comes last: it is what closes a loop.
        for delayed in [false, true] {
            for (cable, _) in wanted.iter().filter(|(_, is_delayed)| **is_delayed == delayed) {
                if !self.patch.cables.contains(cable) {
                    self.make(Edit::Connect(cable.clone()))?;
                }
            }
        }
        for is_delayed in [true, false] {
            for cable in wanted.iter().filter(|(_, it)| **it == is_delayed).map(|(cable, _)| cable)
            {
                if self.patch.is_delayed(cable) != is_delayed {
                    // A loop through the world outside may be in one copy alone.
                    let _ = self.make(Edit::SetDelay { cable: cable.clone(), is_delayed });
                }
            }
        }
        Ok(())
    }
}

/// Whether the one can become the other while it plays.
fn is_amendable(module: &PatchModule, wanted: &PatchModule) -> bool {
    let is_alike = module.kind == wanted.kind && module.is_placeholder == wanted.is_placeholder;
    is_alike
        && (!module.is_placeholder
            || (&module.params, &module.words) == (&wanted.params, &wanted.words))
}

/// The numbers in one group.
#[derive(Default)]
struct Counter {
    taken: BTreeSet<(u8, u32)>,
    most: u32,
}

/// What has a number.
enum Thing {
    Module(ModuleId),
    Group(GroupId),
    Comment(CommentId),
}

impl Thing {
    fn kind(&self) -> u8 {
        match self {
            Thing::Module(_) => 0,
            Thing::Group(_) => 1,
            Thing::Comment(_) => 2,
        }
    }

    /// The edit that gives it a number.
    fn numbered(self, patch: &Patch, twin: u32) -> Edit {
        match self {
            Thing::Module(id) => {
                let group = patch.modules[&id].group.clone();
                Edit::SetInside { module: id, group, twin }
            }
            Thing::Group(id) => {
                let group = Group { twin, ..patch.groups[&id].clone() };
                Edit::SetGroup { id, group: Some(group) }
            }
            Thing::Comment(id) => {
                let comment = Comment { twin, ..patch.comments[&id].clone() };
                Edit::SetComment { id, comment: Some(comment) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::History;
    use crate::testing::{any_edit, connected, id, linked, ring, set, titled};

    fn group(name: &str) -> GroupId {
        name.parse().unwrap()
    }

    fn make(patch: &mut Patch, edit: Edit) {
        let edit = followed(patch, &edit).unwrap();
        apply(patch, edit).unwrap();
    }

    fn inside(module: &str, name: &str) -> Edit {
        Edit::SetInside { module: id(module), group: Some(group(name)), twin: 0 }
    }

    /// Two copies of a group: `a` and `b` in one, `a-2` and `b-2` in the other; `c` outside.
    fn twins() -> Patch {
        let mut patch = ring();
        make(&mut patch, linked("one", None));
        make(&mut patch, inside("a", "one"));
        make(&mut patch, inside("b", "one"));
        make(&mut patch, linked("one", Some("Voice")));
        make(&mut patch, linked("two", Some("Voice")));
        patch
    }

    /// Whether all copies are alike, but for delays of loops through the world outside.
    fn are_alike(patch: &Patch) -> Result<(), String> {
        for link in patch.links_from_within() {
            let mut contents = patch.linked(&link).map(|id| {
                let mut content = Content::of(patch, id);
                content.cables.values_mut().for_each(|is_delayed| *is_delayed = false);
                content
            });
            let first = contents.next().expect("a link has a group");
            if !contents.all(|other| other.is_like(&first)) {
                return Err(format!("copies of {link} differ"));
            }
        }
        Ok(())
    }

    #[test]
    fn a_group_that_is_linked_becomes_what_its_copies_are() {
        let patch = twins();
        assert!(patch.cables.contains(&"a-2.out -> b-2.in".parse().unwrap()));
        assert_eq!(patch.modules["b-2"].group, Some(group("two")));
        assert_eq!(patch.modules["b-2"].twin, patch.modules["b"].twin);
        are_alike(&patch).unwrap();
    }

    #[test]
    fn what_is_changed_in_one_copy_is_changed_in_all_as_one_step() {
        let mut patch = twins();
        let mut history = History::default();
        let changes = [
            set("b-2", "gain", 0.5),
            Edit::AddModule {
                id: id("d"),
                module: PatchModule {
                    group: Some(group("two")),
                    ..PatchModule::new("vca", 1.0, 2.0)
                },
            },
            connected("b-2.out -> d.in"),
            Edit::Disconnect("a.out -> b.in".parse().unwrap()),
            Edit::MoveModules(vec![Move { module: id("a"), x: 7.0, y: 8.0 }]),
            Edit::RemoveModule { id: id("a-2") },
            linked("three", Some("Voice")),
        ];
        for edit in &changes {
            history.apply(&mut patch, edit, None).unwrap();
            patch.check().unwrap();
            are_alike(&patch).unwrap();
        }
        assert_eq!(patch.modules["b"].param("gain"), Some(0.5));
        let vcas = patch.modules.values().filter(|module| &*module.kind == "vca");
        assert_eq!(vcas.count(), 3);
        assert!(!patch.modules.contains_key("a") && patch.modules.contains_key("c"));
        let after = patch.clone();
        for _ in &changes {
            history.undo(&mut patch).unwrap();
        }
        assert_eq!(patch, twins());
        while history.redo(&mut patch).is_some() {}
        assert_eq!(patch, after);
    }

    #[test]
    fn what_is_on_the_face_is_each_copys_own() {
        let mut patch = twins();
        let part = Part::Param("gain".into());
        make(&mut patch, Edit::SetShown { module: id("a"), part: part.clone(), levels: 1 });
        assert!(patch.is_shown(&id("a-2"), &part, &group("two")));
        make(&mut patch, set("a-2", "gain", 0.25));
        make(&mut patch, set("a", "offset", 2.0));
        make(&mut patch, Edit::SetBypass { module: id("a"), is_bypassed: true });
        let twin = &patch.modules["a-2"];
        assert_eq!((twin.param("gain"), twin.param("offset")), (Some(0.25), Some(2.0)));
        assert!(!twin.is_bypassed);
        assert_eq!(patch.modules["a"].param("gain"), Some(1.0));
    }

    #[test]
    fn a_knob_turned_under_a_new_name_in_the_same_edit_turns_in_all_copies() {
        let mut patch = twins();
        let rename = Edit::RenameModule { id: id("a"), new_id: id("lead") };
        make(&mut patch, Edit::Several(vec![rename, set("lead", "offset", -2.0)]));
        are_alike(&patch).unwrap();
        assert_eq!(patch.modules["a-2"].param("offset"), Some(-2.0));
    }

    #[test]
    fn names_of_parts_are_shared_and_the_stage_is_each_copys_own() {
        let mut patch = twins();
        make(&mut patch, titled("a-2", "param gain", "Loudness"));
        let gain: Part = "param gain".parse().unwrap();
        assert_eq!(patch.title_of(&id("a"), &gain), Some("Loudness"));
        let edit = patch.put_on_stage([(id("b"), gain)]);
        make(&mut patch, edit);
        make(&mut patch, set("b", "offset", 0.5));
        are_alike(&patch).unwrap();
        assert_eq!((patch.modules["b"].staged.len(), patch.modules["b-2"].staged.len()), (1, 0));
    }

    #[test]
    fn a_copy_made_independent_follows_no_more_and_is_not_lost_with_the_others() {
        let mut patch = twins();
        make(&mut patch, linked("two", None));
        make(&mut patch, Edit::RemoveModule { id: id("a") });
        make(&mut patch, set("b", "gain", 0.5));
        assert_eq!(patch.modules["b-2"].param("gain"), Some(1.0));
        assert!(patch.modules.contains_key("a-2"));
    }

    #[test]
    fn another_kind_in_a_copy_keeps_the_cables_from_outside_in_the_others() {
        let mut patch = twins();
        make(&mut patch, connected("c.out -> a-2.in"));
        let mut edits = vec![Edit::RemoveModule { id: id("a") }];
        let module = PatchModule { group: Some(group("one")), ..PatchModule::new("vca", 0.0, 0.0) };
        let twin = patch.modules["a"].twin;
        edits.push(Edit::AddModule { id: id("a"), module: PatchModule { twin, ..module } });
        edits.push(connected("a.out -> b.in"));
        make(&mut patch, Edit::Several(edits));
        assert_eq!(&*patch.modules["a-2"].kind, "vca");
        assert!(patch.cables.contains(&"c.out -> a-2.in".parse().unwrap()));
        are_alike(&patch).unwrap();
    }

    #[test]
    fn what_is_grouped_in_one_copy_goes_along_in_the_others_and_keeps_its_cables() {
        let mut patch = twins();
        make(&mut patch, connected("c.out -> a-2.in"));
        let comment = Comment { group: Some(group("two")), ..Comment::default() };
        let note = "note".parse().unwrap();
        make(&mut patch, Edit::SetComment { id: note, comment: Some(comment) });
        let before = patch.clone();
        let (inner, edit) =
            patch.grouped(&[id("a"), id("b")], Some(&group("one")), "In", (0.0, 0.0));
        // Piece by piece, as it comes over the wire.
        let Edit::Several(pieces) = edit else { panic!("several") };
        pieces.into_iter().for_each(|edit| make(&mut patch, edit));
        assert_eq!(patch.cables, before.cables);
        assert!(patch.modules.keys().eq(before.modules.keys()), "none is a new one");
        assert_eq!((patch.groups.len(), patch.comments.len()), (4, 2));
        assert_eq!(patch.steps_out(&id("a-2"), &group("two")), Some(2));
        are_alike(&patch).unwrap();
        let Edit::Several(pieces) = patch.ungrouped(&inner).unwrap() else { panic!("several") };
        pieces.into_iter().for_each(|edit| make(&mut patch, edit));
        assert_eq!(patch.cables, before.cables);
        assert!(patch.modules.keys().eq(before.modules.keys()));
        assert_eq!(patch.groups.len(), 2);
        are_alike(&patch).unwrap();
    }

    #[test]
    fn copies_in_copies_follow_from_the_inside_out() {
        let mut patch = twins();
        // Each voice gets two of another group.
        make(&mut patch, linked("inner", None));
        make(&mut patch, inside("c", "inner"));
        make(&mut patch, linked("inner", Some("Drive")));
        let drive = |name: &str, outer: &str| {
            let link = Some("Drive".into());
            let group = Group { link, inside: Some(group(outer)), ..Group::default() };
            Edit::SetGroup { id: name.parse().unwrap(), group: Some(group) }
        };
        make(&mut patch, drive("left", "one"));
        make(&mut patch, drive("right", "one"));
        assert_eq!(patch.linked("Drive").count(), 5, "two in each voice, and the first");
        make(&mut patch, set("c", "gain", 0.5));
        let gains = patch.modules.values().filter(|module| module.param("gain") == Some(0.5));
        assert_eq!(gains.count(), 5);
        are_alike(&patch).unwrap();
        // A voice in a drive would be a voice in itself.
        let edit = Edit::SetGroup {
            id: group("two"),
            group: Some(Group { inside: Some(group("left")), ..patch.groups["two"].clone() }),
        };
        followed(&patch, &edit).unwrap_err();
    }

    #[test]
    fn a_group_is_made_like_one_of_another_patch() {
        let (mut patch, mut library) = (twins(), twins());
        make(&mut library, set("a", "gain", 0.5));
        make(&mut library, Edit::RemoveModule { id: id("b") });
        let edit = patch.made_like(&group("two"), &library, &group("one")).unwrap();
        make(&mut patch, edit);
        assert_eq!(patch.modules["a"].param("gain"), Some(0.5));
        assert!(!patch.modules.contains_key("b") && !patch.modules.contains_key("b-2"));
    }

    proptest! {
        #[test]
        fn whatever_is_done_copies_stay_alike_and_all_is_taken_back(
            edits in prop::collection::vec(any_edit(), 0..40)
        ) {
            let mut patch = twins();
            let mut history = History::default();
            for edit in edits {
                let before = patch.clone();
                match history.apply(&mut patch, &edit, None) {
                    Ok(Some(_)) => {
                        patch.check().unwrap();
                        prop_assert_eq!(are_alike(&patch), Ok(()));
                        let after = patch.clone();
                        history.undo(&mut patch).unwrap();
                        prop_assert_eq!(&patch, &before);
                        history.redo(&mut patch).unwrap();
                        prop_assert_eq!(&patch, &after);
                    }
                    Ok(None) | Err(_) => prop_assert_eq!(&patch, &before),
                }
            }
        }
    }
}
