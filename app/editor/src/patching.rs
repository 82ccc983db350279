//! What hands do to a patch, as edits: insert, remove and heal, replace,
//! duplicate, paste, align. Pure: nothing is drawn and nobody is asked.

use std::collections::{BTreeMap, BTreeSet};

use sostenuto_modules::catalog;
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::{About, Port, Role};
use sostenuto_patch::automation;
use sostenuto_patch::edit::Move;
use sostenuto_patch::loops::Paths;
use sostenuto_patch::{
    Cable, Comment, CommentId, Edit, Group, GroupId, InputRef, ModuleId, OutputRef, Part, Patch,
    PatchModule, Problem, apply, followed,
};

use super::habits::habits;
use super::own_modules;

pub use insert::insert;
pub use voices::voices;

mod insert;
mod voices;

/// Where copies lie from what they are copies of, in points.
pub const COPY_OFFSET: f32 = 40.0;

/// How far left of a knob its modulator lies, in points.
const ASIDE: f32 = 300.0;

/// The input that a cable dropped on a whole module goes to.
pub fn main_input(id: &ModuleId, about: &About) -> Option<InputRef> {
    let port = about.inputs.first()?;
    Some(InputRef { module: id.clone(), port: port.name.into() })
}

/// The output that a cable pulled from a whole module comes from.
pub fn main_output(id: &ModuleId, about: &About) -> Option<OutputRef> {
    let port = about.outputs.first()?;
    Some(OutputRef { module: id.clone(), port: port.name.into() })
}

/// The ports by which a module goes into a cable: its first bypass route, as
/// that is the way signals take through it.
pub fn way_through(id: &ModuleId, about: &About) -> Option<(InputRef, OutputRef)> {
    let Some(&(input, output)) = about.bypass.first() else {
        return main_input(id, about).zip(main_output(id, about));
    };
    let input = InputRef { module: id.clone(), port: about.inputs[input].name.into() };
    let output = OutputRef { module: id.clone(), port: about.outputs[output].name.into() };
    Some((input, output))
}

/// Whether a cable would be a new one between ports that exist.
pub fn can_connect(patch: &Patch, cable: &Cable) -> Result<(), &'static str> {
    if patch.check_cable(cable).is_err() {
        return Err("A cable goes from an output to an input.");
    }
    if patch.cables.contains(cable) {
        return Err("Already connected.");
    }
    Ok(())
}

/// A module of that kind, with its name, put on the canvas.
pub fn add(patch: &Patch, kind: &str, x: f32, y: f32) -> (ModuleId, Edit) {
    let id = patch.fresh_id(kind);
    (id.clone(), Edit::AddModule { id, module: PatchModule::new(kind, x, y) })
}

/// Edits of a patch, after which these cables are delayed and no others of those
/// that the edits touch, as far as each loop has a delayed cable then.
pub(crate) fn with_delays(patch: &Patch, mut edits: Vec<Edit>, delayed: &BTreeSet<Cable>) -> Edit {
    let mut ahead = patch.clone();
    for edit in &edits {
        let _ = apply(&mut ahead, edit.clone());
    }
    let marks = |cables: Vec<&Cable>, is_delayed| -> Vec<Edit> {
        let mark = |cable: &Cable| Edit::SetDelay { cable: cable.clone(), is_delayed };
        cables.into_iter().map(mark).collect()
    };
    let missing = marks(delayed.difference(&ahead.delayed).collect(), true);
    let surplus = marks(ahead.delayed.difference(delayed).collect(), false);
    for edit in missing.into_iter().chain(surplus) {
        if apply(&mut ahead, edit.clone()).is_ok() {
            edits.push(edit);
        }
    }
    Edit::Several(edits)
}

/// Delays that cable in place of the others of its loops, as far as these have
/// no loop without it. `None` where that is so already, or it is in no loop.
pub fn delay_instead(patch: &Patch, cable: &Cable) -> Option<Edit> {
    let looped = patch.looped();
    if !looped.contains(cable) {
        return None;
    }
    let others = patch.delayed.iter().filter(|other| shares_loop(&looped, cable, other));
    let others: BTreeSet<&Cable> = others.filter(|other| *other != cable).collect();
    let mut delayed: BTreeSet<Cable> =
        patch.delayed.iter().filter(|other| !others.contains(other)).cloned().collect();
    delayed.insert(cable.clone());
    match with_delays(patch, Vec::new(), &delayed) {
        Edit::Several(edits) if edits.is_empty() => None,
        edit => Some(edit),
    }
}

/// Whether two cables that are each part of a loop are part of one: each leads
/// to the other.
fn shares_loop(looped: &BTreeSet<&Cable>, one: &Cable, other: &Cable) -> bool {
    let paths = Paths::of(looped.iter().map(|cable| (&cable.from.module, &cable.to.module)));
    let leads = |from: &Cable, to: &Cable| paths.are_closed_by(&to.from.module, &from.to.module);
    leads(one, other) && leads(other, one)
}

/// The input by which a module is usually patched after an output.
pub fn input_after(
    patch: &Patch,
    from: &OutputRef,
    id: &ModuleId,
    about: &About,
) -> Option<InputRef> {
    let kind = patch.modules.get(&from.module).map_or("", |module| &*module.kind);
    let usual = habits().after(kind, &from.port, about).map(|(_, port)| port);
    let port = usual.filter(|port| about.input(port).is_some());
    let port = port.or_else(|| about.input(&from.port).map(|_| &*from.port));
    let named = port.map(|port| InputRef { module: id.clone(), port: port.into() });
    named.or_else(|| main_input(id, about))
}

/// The output by which a module is usually patched before an input.
pub fn output_before(
    patch: &Patch,
    to: &InputRef,
    id: &ModuleId,
    about: &About,
) -> Option<OutputRef> {
    let kind = patch.modules.get(&to.module).map_or("", |module| &*module.kind);
    let usual = habits().before(kind, &to.port, about).map(|(_, port)| port);
    let port = usual.filter(|port| about.output(port).is_some());
    let port = port.or_else(|| about.output(&to.port).map(|_| &*to.port));
    let named = port.map(|port| OutputRef { module: id.clone(), port: port.into() });
    named.or_else(|| main_output(id, about))
}

/// Takes modules away, and lets signals go on where the modules' bypass routes
/// led them.
pub fn remove(patch: &Patch, modules: &BTreeSet<ModuleId>) -> Edit {
    let mut rest = patch.clone();
    let mut edits = Vec::new();
    let mut delayed = patch.delayed.clone();
    for id in modules.iter().filter(|id| patch.modules.contains_key(*id)) {
        let mut step = vec![Edit::RemoveModule { id: id.clone() }];
        step.extend(healing(&rest, id, &mut delayed).into_iter().map(Edit::Connect));
        for edit in &step {
            let _ = apply(&mut rest, edit.clone());
        }
        edits.extend(step);
    }
    with_delays(patch, without_detours(edits, modules), &delayed)
}

/// Cables that lead past a module as its bypass routes do. Where they stand for
/// delayed ones, they are delayed too.
fn healing(patch: &Patch, id: &ModuleId, delayed: &mut BTreeSet<Cable>) -> Vec<Cable> {
    let about = patch.modules.get(id).and_then(|module| module.about().ok());
    let mut healed = BTreeSet::new();
    for &(input, output) in about.map_or(&[][..], |about| about.bypass) {
        let about = about.expect("it has routes");
        let (input, output) = (about.inputs[input].name, about.outputs[output].name);
        let into = patch.cables.iter().filter(|c| c.to.module == *id && &*c.to.port == input);
        for before in into.filter(|cable| cable.from.module != *id) {
            let from = |c: &&Cable| c.from.module == *id && &*c.from.port == output;
            for after in patch.cables.iter().filter(from).filter(|c| c.to.module != *id) {
                let past = Cable { from: before.from.clone(), to: after.to.clone() };
                if delayed.contains(before) || delayed.contains(after) {
                    delayed.insert(past.clone());
                }
                healed.insert(past);
            }
        }
    }
    healed.into_iter().filter(|cable| !patch.cables.contains(cable)).collect()
}

/// Leaves out cables to modules that are removed after them.
fn without_detours(edits: Vec<Edit>, removed: &BTreeSet<ModuleId>) -> Vec<Edit> {
    let stays = |edit: &Edit| match edit {
        Edit::Connect(Cable { from, to }) => {
            !removed.contains(&from.module) && !removed.contains(&to.module)
        }
        _ => true,
    };
    edits.into_iter().filter(stays).collect()
}

/// Another kind of module in a module's place. Cables stay at ports of the same
/// name, else those of the way through stay at the new way through; params
/// keep their values where name and unit are the same.
pub fn replace(patch: &Patch, id: &ModuleId, about: &'static About) -> Option<(ModuleId, Edit)> {
    let old = patch.modules.get(id)?;
    let mut module = PatchModule::new(about.name, old.x, old.y);
    module.is_bypassed = old.is_bypassed;
    module.group.clone_from(&old.group);
    let old_about = old.about().ok();
    for (name, value) in &old.params {
        let there = about.param(name).map(|index| &about.params[index]);
        let was = old_about.and_then(|old| Some(&old.params[old.param(name)?]));
        if let (Some(there), Some(was)) = (there, was)
            && there.unit == was.unit
            && there.taper == was.taper
        {
            module.params.insert(name.clone(), there.legal(*value));
        }
    }
    // What it has as well stays on faces and on stage, under its name.
    let has = |part: &Part| match part {
        Part::Input(name) => about.input(name).is_some(),
        Part::Output(name) => about.output(name).is_some(),
        Part::Param(name) => about.param(name).is_some(),
        Part::Screen => about.screen.is_some(),
    };
    module.titles = old.titles.clone();
    module.titles.retain(|part, _| has(part));
    module.staged = old.staged.clone();
    module.staged.retain(|part, _| has(part));
    module.locked = old.locked.clone();
    module.locked.retain(|name| about.param(name).is_some());
    let is_own_name = id.as_str() != &*old.kind
        && !id.as_str().strip_prefix(&*old.kind).is_some_and(|rest| {
            rest.strip_prefix('-').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        });
    let new_id = if is_own_name { id.clone() } else { patch.fresh_id(about.name) };
    let old_way = old_about.and_then(|old| way_through(id, old));
    let new_way = way_through(&new_id, about);
    let mut cables = BTreeSet::new();
    let mut delayed = patch.delayed.clone();
    for old_cable in patch.cables_of(id) {
        let mut cable = old_cable.clone();
        if cable.to.module == *id {
            let like = about.input(&cable.to.port).map(|_| cable.to.port.clone());
            let is_way = old_way.as_ref().is_some_and(|(input, _)| *input == cable.to);
            let way = new_way.as_ref().filter(|_| is_way).map(|(input, _)| input.port.clone());
            let Some(port) = like.or(way) else { continue };
            cable.to = InputRef { module: new_id.clone(), port };
        }
        if cable.from.module == *id {
            let like = about.output(&cable.from.port).map(|_| cable.from.port.clone());
            let is_way = old_way.as_ref().is_some_and(|(_, output)| *output == cable.from);
            let way = new_way.as_ref().filter(|_| is_way).map(|(_, output)| output.port.clone());
            let Some(port) = like.or(way) else { continue };
            cable.from = OutputRef { module: new_id.clone(), port };
        }
        if delayed.remove(old_cable) {
            delayed.insert(cable.clone());
        }
        cables.insert(cable);
    }
    let mut edits = vec![Edit::RemoveModule { id: id.clone() }];
    edits.push(Edit::AddModule { id: new_id.clone(), module });
    edits.extend(cables.into_iter().map(Edit::Connect));
    Some((new_id, with_delays(patch, edits, &delayed)))
}

/// How many cables were at modules and are at none of those that replaced them.
pub fn lost(before: &Patch, old: &[ModuleId], after: &Patch, new: &BTreeSet<ModuleId>) -> usize {
    let is_at = |cable: &&Cable, modules: &dyn Fn(&ModuleId) -> bool| {
        modules(&cable.from.module) || modules(&cable.to.module)
    };
    let were = before.cables.iter().filter(|cable| is_at(cable, &|id| old.contains(id))).count();
    let are = after.cables.iter().filter(|cable| is_at(cable, &|id| new.contains(id))).count();
    were.saturating_sub(are)
}

/// Modules and comments, with the cables between them, to be pasted somewhere. They come
/// from `level`, a group or the canvas itself (`None`); groups in it that are copied with
/// all that lies in them stay groups.
pub fn copy(
    patch: &Patch,
    level: Option<&GroupId>,
    modules: &BTreeSet<ModuleId>,
    comments: &BTreeSet<CommentId>,
) -> Patch {
    let around: BTreeSet<&GroupId> = patch.around(level).map(|(id, _)| id).collect();
    let is_whole = |id: &GroupId| {
        let mut within = patch.modules_within(id).peekable();
        within.peek().is_some() && within.all(|module| modules.contains(module))
    };
    let mut groups = patch.groups.clone();
    groups.retain(|id, _| !around.contains(id) && is_whole(id));
    let known: BTreeSet<GroupId> = groups.keys().cloned().collect();
    let is_copied = |group: &GroupId| known.contains(group);
    groups.values_mut().for_each(|group| group.inside = group.inside.take().filter(is_copied));
    let mut own: BTreeMap<ModuleId, PatchModule> = BTreeMap::new();
    for id in modules {
        let Some(module) = patch.modules.get(id) else { continue };
        let group = module.group.clone().filter(is_copied);
        // Scenes and the stage are of the patch that they are in.
        let (scenes, staged) = (BTreeMap::new(), BTreeMap::new());
        own.insert(id.clone(), PatchModule { group, scenes, staged, ..module.clone() });
    }
    let is_in = |id: &ModuleId| modules.contains(id);
    for (id, module) in &mut own {
        let groups = patch.around(module.group.as_ref()).take_while(|(id, _)| is_copied(id));
        let levels = groups.count() as u8;
        for part in patch.leaving(is_in, id).filter(|_| levels > 0) {
            let shown = module.shown.entry(part).or_default();
            *shown = levels.max(*shown);
        }
    }
    let is_between = |cable: &&Cable| is_in(&cable.from.module) && is_in(&cable.to.module);
    Patch {
        modules: own,
        cables: patch.cables.iter().filter(is_between).cloned().collect(),
        delayed: patch.delayed.iter().filter(is_between).cloned().collect(),
        comments: patch
            .comments
            .iter()
            .filter(|(id, comment)| {
                comments.contains(*id) || comment.group.as_ref().is_some_and(is_copied)
            })
            .map(|(id, comment)| {
                let group = comment.group.clone().filter(is_copied);
                (id.clone(), Comment { group, ..comment.clone() })
            })
            .collect(),
        groups,
        ..Patch::default()
    }
}

/// Puts what was copied on the canvas, its leftmost and topmost edges at `x`
/// and `y`. Returns the names of its modules.
pub fn paste(patch: &Patch, copied: &Patch, x: f32, y: f32) -> (BTreeSet<ModuleId>, Edit) {
    let modules = copied.modules.values().filter(|module| module.group.is_none());
    let comments = copied.comments.values().filter(|comment| comment.group.is_none());
    let groups = copied.groups.values().filter(|group| group.inside.is_none());
    let corners = modules
        .map(|module| (module.x, module.y))
        .chain(comments.map(|comment| (comment.x, comment.y)))
        .chain(groups.map(|group| (group.x, group.y)));
    let (left, top) = corners.fold((f32::INFINITY, f32::INFINITY), |least, corner| {
        (least.0.min(corner.0), least.1.min(corner.1))
    });
    let Copies { names, mut edits, links } = put(patch, copied, x - left, y - top);
    let renamed = |cable: &Cable| {
        let mut cable = cable.clone();
        cable.from.module = names.get(&cable.from.module)?.clone();
        cable.to.module = names.get(&cable.to.module)?.clone();
        Some(cable)
    };
    edits.extend(copied.cables.iter().filter_map(renamed).map(Edit::Connect));
    let mut delayed = patch.delayed.clone();
    delayed.extend(copied.delayed.iter().filter_map(renamed));
    let edit = Edit::Several(vec![with_delays(patch, edits, &delayed), links]);
    (names.into_values().collect(), edit)
}

/// Copies of modules and comments beside them, with the cables between them and
/// those that come into them from elsewhere. Returns the names of the modules.
pub fn duplicate(
    patch: &Patch,
    level: Option<&GroupId>,
    modules: &BTreeSet<ModuleId>,
    comments: &BTreeSet<CommentId>,
) -> (BTreeSet<ModuleId>, Edit) {
    let mut copied = copy(patch, level, modules, comments);
    for (id, module) in &mut copied.modules {
        // In the same patch, it is in the same scenes.
        module.scenes.clone_from(&patch.modules[id].scenes);
    }
    let Copies { names, mut edits, links } = put(patch, &copied, COPY_OFFSET, COPY_OFFSET);
    let mut delayed = patch.delayed.clone();
    for own in &patch.cables {
        let Some(to) = names.get(&own.to.module) else { continue };
        let mut cable = own.clone();
        cable.to.module = to.clone();
        if let Some(from) = names.get(&cable.from.module) {
            cable.from.module = from.clone();
        }
        if patch.is_delayed(own) {
            delayed.insert(cable.clone());
        }
        edits.push(Edit::Connect(cable));
    }
    let edit = Edit::Several(vec![with_delays(patch, edits, &delayed), links]);
    (names.into_values().collect(), edit)
}

/// Another copy of a group that follows it, and that it follows. Returns the names of the
/// modules.
pub fn linked_copy(
    patch: &Patch,
    level: Option<&GroupId>,
    id: &GroupId,
) -> Result<(BTreeSet<ModuleId>, Edit), Problem> {
    let link = linked(patch, id)?;
    let mut ahead = patch.clone();
    apply(&mut ahead, link.clone())?;
    let modules = ahead.modules_within(id).cloned().collect();
    let (names, copy) = duplicate(&ahead, level, &modules, &BTreeSet::new());
    Ok((names, Edit::Several(vec![link, copy])))
}

/// Makes a group one that can have linked copies, where it is none.
pub fn linked(patch: &Patch, id: &GroupId) -> Result<Edit, Problem> {
    let group = patch.group(id)?;
    if group.link.is_some() {
        return Ok(Edit::Several(Vec::new()));
    }
    let link = Some(patch.fresh_link(&own_modules::name_of(&group.title)));
    let group = Some(Group { link, ..group.clone() });
    followed(patch, &Edit::SetGroup { id: id.clone(), group })
}

/// What is put on the canvas.
struct Copies {
    /// What its modules are called there.
    names: BTreeMap<ModuleId, ModuleId>,
    edits: Vec<Edit>,
    /// Links its groups again: the last of all edits, as from then on they follow others.
    links: Edit,
}

/// The modules, comments and groups of a copy, under fresh names. What lies in no group is
/// moved, and what lies in one stays where it is in there.
fn put(patch: &Patch, copied: &Patch, dx: f32, dy: f32) -> Copies {
    let mut taken = patch.clone();
    let mut names = BTreeMap::new();
    let mut edits = Vec::new();
    let mut links = Vec::new();
    let mut group_names: BTreeMap<GroupId, GroupId> = BTreeMap::new();
    let mut groups: Vec<_> = copied.groups.iter().collect();
    groups.sort_by_key(|(id, _)| copied.around(Some(*id)).count());
    for (id, group) in groups {
        let new_id = taken.fresh_group_id();
        let inside = group.inside.as_ref().and_then(|outer| group_names.get(outer)).cloned();
        let ((dx, dy), twin) =
            if inside.is_some() { ((0.0, 0.0), group.twin) } else { ((dx, dy), 0) };
        let (x, y) = (group.x + dx, group.y + dy);
        let group = Group { x, y, inside, twin, ..group.clone() };
        if group.link.is_some() {
            links.push(Edit::SetGroup { id: new_id.clone(), group: Some(group.clone()) });
        }
        let group = Group { link: None, ..group };
        taken.groups.insert(new_id.clone(), group.clone());
        group_names.insert(id.clone(), new_id.clone());
        edits.push(Edit::SetGroup { id: new_id, group: Some(group) });
    }
    let place = |group: &Option<GroupId>, twin: u32| {
        let group = group.as_ref().and_then(|own| group_names.get(own)).cloned();
        if group.is_some() { (group, twin, (0.0, 0.0)) } else { (None, 0, (dx, dy)) }
    };
    for (id, module) in &copied.modules {
        let new_id = taken.fresh_id(id.stem());
        let (group, twin, (dx, dy)) = place(&module.group, module.twin);
        let (x, y) = (module.x + dx, module.y + dy);
        let module = PatchModule { x, y, group, twin, ..module.clone() };
        taken.modules.insert(new_id.clone(), module.clone());
        names.insert(id.clone(), new_id.clone());
        edits.push(Edit::AddModule { id: new_id, module });
    }
    for comment in copied.comments.values() {
        let id = taken.fresh_comment_id();
        let (group, twin, (dx, dy)) = place(&comment.group, comment.twin);
        let (x, y) = (comment.x + dx, comment.y + dy);
        let comment = Comment { x, y, group, twin, ..comment.clone() };
        taken.comments.insert(id.clone(), comment.clone());
        edits.push(Edit::SetComment { id, comment: Some(comment) });
    }
    for edit in &mut edits {
        if let Edit::AddModule { module, .. } = edit
            && module.text_form() == Some(Text::Automation)
        {
            module.text = automation::moved_to(&module.text, &names).into();
        }
    }
    // The innermost first: what lies in a copy is what it should be before others follow it.
    links.reverse();
    Copies { names, edits, links: Edit::Several(links) }
}

/// A module's name as one says it.
pub fn spoken(id: &ModuleId) -> String {
    id.as_str().replace('-', " ")
}

/// The name that was meant by those words, if it can be one and none has it.
pub fn meant(patch: &Patch, words: &str) -> Option<ModuleId> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric();
    let parts = words.split(|letter| !is_part(letter)).filter(|part| !part.is_empty());
    let name = parts.collect::<Vec<_>>().join("-").to_lowercase();
    let id: ModuleId = name.parse().ok()?;
    (!patch.modules.contains_key(&id)).then_some(id)
}

/// Which edges modules are lined up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Align {
    Left,
    Top,
    Right,
    Bottom,
}

/// A module, its left and top edge, and its width and height.
type Aligned<'a> = (&'a ModuleId, f32, f32, (f32, f32));

/// Lines modules up. `size` gives a module's width and height, in points.
pub fn align(
    patch: &Patch,
    modules: &BTreeSet<ModuleId>,
    by: Align,
    size: impl Fn(&ModuleId) -> (f32, f32),
) -> Edit {
    let there = modules.iter().filter_map(|id| Some((id, patch.modules.get(id)?)));
    let there: Vec<Aligned> = there.map(|(id, m)| (id, m.x, m.y, size(id))).collect();
    let least = |of: fn(&Aligned) -> f32| there.iter().map(of).fold(f32::INFINITY, f32::min);
    let most = |of: fn(&Aligned) -> f32| there.iter().map(of).fold(f32::NEG_INFINITY, f32::max);
    let (left, top) = (least(|m| m.1), least(|m| m.2));
    let (right, bottom) = (most(|m| m.1 + m.3.0), most(|m| m.2 + m.3.1));
    let moves = there.iter().map(|&(id, x, y, (width, height))| {
        let (x, y) = match by {
            Align::Left => (left, y),
            Align::Top => (x, top),
            Align::Right => (right - width, y),
            Align::Bottom => (x, bottom - height),
        };
        Move { module: id.clone(), x, y }
    });
    Edit::MoveModules(moves.collect())
}

/// What a knob can be modulated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulator {
    /// Round and round.
    Lfo,
    /// With every note.
    Envelope,
    /// By hand, together with other knobs.
    Macro,
}

impl Modulator {
    /// Every one.
    pub const ALL: [Modulator; 3] = [Modulator::Lfo, Modulator::Envelope, Modulator::Macro];

    /// What a menu calls it.
    pub fn name(self) -> &'static str {
        match self {
            Modulator::Lfo => "LFO",
            Modulator::Envelope => "Envelope",
            Modulator::Macro => "Macro knob",
        }
    }

    fn about(self) -> &'static About {
        let role = match self {
            Modulator::Lfo => Role::Lfo,
            Modulator::Envelope => Role::Envelope,
            Modulator::Macro => Role::Macros,
        };
        catalog::with_role(role).1.about
    }
}

/// The input that moves a param, if its module has one.
pub fn input_that_moves(about: &'static About, param: &str) -> Option<&'static Port> {
    let moves = |port: &&Port| port.moves.as_ref().is_some_and(|moves| moves.param == param);
    about.inputs.iter().find(moves)
}

/// Patches a modulator into the input that moves a param. An envelope gets the
/// gate of a keyboard that is there; a macro knob is the first free one. Where
/// the input's amount is 0 it is turned up to a quarter.
pub fn modulate(patch: &Patch, id: &ModuleId, param: &str, with: Modulator) -> Option<Edit> {
    let module = patch.modules.get(id)?;
    let about = module.about().ok()?;
    let input = input_that_moves(about, param)?;
    let to = InputRef { module: id.clone(), port: input.name.into() };
    let modulator = with.about();
    let mut edits = Vec::new();
    let from = match free_macro(patch).filter(|_| with == Modulator::Macro) {
        Some(from) => from,
        None => {
            let (source, edit) = add(patch, modulator.name, module.x - ASIDE, module.y);
            edits.push(edit);
            let gate = patch.modules.iter().find(|(_, module)| module.has_role(Role::Keyboard));
            if let (Modulator::Envelope, Some((keyboard, _))) = (with, gate) {
                let from = OutputRef { module: keyboard.clone(), port: "gate".into() };
                let to = InputRef { module: source.clone(), port: "gate".into() };
                edits.push(Edit::Connect(Cable { from, to }));
            }
            OutputRef { module: source, port: modulator.outputs[0].name.into() }
        }
    };
    edits.push(Edit::Connect(Cable { from, to }));
    if let Some(amount) = input.moves.as_ref().and_then(|moves| moves.amount)
        && module.param(amount) == Some(0.0)
    {
        let index = about.param(amount)?;
        let value = about.params[index].legal(0.25 * about.params[index].range.end());
        edits.push(Edit::SetParam { module: id.clone(), param: amount.into(), value });
    }
    Some(Edit::Several(edits))
}

/// The first output of a macro module that drives nothing yet.
fn free_macro(patch: &Patch) -> Option<OutputRef> {
    let modules = patch.modules.iter().filter(|(_, module)| module.has_role(Role::Macros));
    let mut outputs = modules.flat_map(|(id, module)| {
        let ports = module.about().map_or(&[][..], |about| about.outputs);
        ports.iter().map(|port| OutputRef { module: id.clone(), port: port.name.into() })
    });
    outputs.find(|output| patch.cables.iter().all(|cable| cable.from != *output))
}

/// Every module that signals come from, or go to, through any number of
/// cables, and these cables: what is highlighted under the pointer.
pub fn connected(patch: &Patch, id: &ModuleId) -> BTreeSet<ModuleId> {
    let mut found = BTreeSet::from([id.clone()]);
    for is_forward in [true, false] {
        let mut nexts: BTreeMap<&ModuleId, Vec<&ModuleId>> = BTreeMap::new();
        for Cable { from, to } in &patch.cables {
            let (from, to) = (&from.module, &to.module);
            let (here, there) = if is_forward { (from, to) } else { (to, from) };
            nexts.entry(here).or_default().push(there);
        }
        let (mut reached, mut seen) = (vec![id], BTreeSet::from([id]));
        while let Some(at) = reached.pop() {
            let next = nexts.get(at).into_iter().flatten();
            reached.extend(next.filter(|there| seen.insert(there)));
        }
        found.extend(seen.into_iter().cloned());
    }
    found
}

#[cfg(test)]
mod tests;
