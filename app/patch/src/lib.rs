//! The patch: modules, cables, params, comments, groups and scenes. The only thing that is saved.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sostenuto_modules::catalog;
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::{About, Role, Tag};
use sostenuto_modules::own::{Code, own};
use sostenuto_modules::param::Param;

pub mod automation;
mod brief;
mod comment;
pub mod disk;
pub mod edit;
pub mod entry;
pub mod factory;
pub mod file;
mod group;
mod history;
mod label;
mod link;
pub mod loops;
mod memory;
mod near;
mod own;
mod placeholder;
pub mod problem;
pub mod scene;
pub mod sounds;
pub mod stage;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use brief::brief;
pub use comment::{Comment, CommentId};
pub use edit::{Edit, apply};
pub use group::{Group, GroupId, Part};
pub use history::{Gesture, History};
pub use link::followed;
pub use near::nearest;
pub use problem::Problem;

/// A name that is cloned for the price of a counter.
pub type Name = Arc<str>;

/// Bytes of the longest title, description or comment of a patch.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Characters of the longest [`ModuleId`].
const MAX_ID_BYTES: usize = 64;

/// What a musician has patched.
///
/// One made by [`apply`] or read by [`mod@file`] keeps every rule of
/// [`Patch::check`]: what it names exists, and every value is in range.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// What the musician calls it.
    pub title: String,
    /// What it is and how to play it.
    pub description: String,
    /// Every module, by its name in this patch.
    pub modules: BTreeMap<ModuleId, PatchModule>,
    /// Every cable. Sorted, so that signals are summed in the same order
    /// whatever the order of patching.
    pub cables: BTreeSet<Cable>,
    /// Those of the cables that carry the sample before: one at least of each
    /// loop.
    pub delayed: BTreeSet<Cable>,
    /// Every comment, by its name in this patch.
    pub comments: BTreeMap<CommentId, Comment>,
    /// Every group, by its name in this patch.
    pub groups: BTreeMap<GroupId, Group>,
    /// What each scene is called, by its number, from 1.
    pub scenes: BTreeMap<u8, String>,
}

/// A module of a patch.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchModule {
    /// Its name in the catalogue: `vco`.
    pub kind: Name,
    /// Whether its kind is in no catalogue that this version has: it was in a
    /// file, is kept as it is, and is not heard.
    pub is_placeholder: bool,
    /// Where its left edge is on the canvas, in points.
    pub x: f32,
    /// Where its top edge is on the canvas, in points.
    pub y: f32,
    /// Where its params stand, as far as they are not at their default; all
    /// that a placeholder has.
    pub params: BTreeMap<Name, f32>,
    /// Params that are words, and nobody knows what they stand for: only a
    /// placeholder has them. In an edit or a file, those of a known kind are
    /// taken for what they say.
    pub words: BTreeMap<Name, Name>,
    /// Whether signals pass it by along the bypass routes of its kind.
    pub is_bypassed: bool,
    /// What its kind asks for as a text: the path of a sound, a formula. Empty
    /// where there is none.
    pub text: Name,
    /// The group that it lies in. `None`: it lies on the canvas itself.
    pub group: Option<GroupId>,
    /// In a linked group, the number that it has in every copy of that. 0: none.
    pub twin: u32,
    /// What of it is seen on the faces of the groups around it, and of how many, from
    /// its own outwards: 1 or more.
    pub shown: BTreeMap<Part, u8>,
    /// What the musician calls parts of it, where they are shown beside others: on faces of
    /// groups and on stage.
    pub titles: BTreeMap<Part, String>,
    /// What of it is on stage.
    pub staged: BTreeMap<Part, stage::Staged>,
    /// Params that are left where they stand by scenes, by automation and by chance.
    pub locked: BTreeSet<Name>,
    /// Where its params stand in scenes, by their numbers, as far as they are kept there.
    pub scenes: BTreeMap<u8, scene::Kept>,
}

/// A module's name within its patch: `vco`, `vco-2`, `lead`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(Name);

/// An output of a module of the patch, written `vco.saw`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputRef {
    /// The module.
    pub module: ModuleId,
    /// The name of its output.
    pub port: Name,
}

/// An input of a module of the patch, written `vcf.in`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputRef {
    /// The module.
    pub module: ModuleId,
    /// The name of its input.
    pub port: Name,
}

/// From an output to an input, written `vco.saw -> vcf.in`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cable {
    /// Where the signal comes from.
    pub from: OutputRef,
    /// Where it goes to.
    pub to: InputRef,
}

impl Patch {
    /// The module called that.
    pub fn module(&self, id: &str) -> Result<&PatchModule, Problem> {
        self.modules.get(id).ok_or_else(|| self.no_module(id))
    }

    pub(crate) fn module_mut(&mut self, id: &ModuleId) -> Result<&mut PatchModule, Problem> {
        // Asked first: the borrow of a found module would last into the error.
        if !self.modules.contains_key(id) {
            return Err(self.no_module(id.as_str()));
        }
        Ok(self.modules.get_mut(id).expect("it was there a line ago"))
    }

    fn no_module(&self, id: &str) -> Problem {
        let near = nearest(id, self.modules.keys().map(ModuleId::as_str));
        Problem::NoModule { module: id.to_owned(), near: near.map(str::to_owned) }
    }

    /// A name that no module has yet: the kind's, or that with a number.
    pub fn fresh_id(&self, kind: &str) -> ModuleId {
        let numbered = (2u64..).map(|number| format!("{kind}-{number}"));
        let mut names = std::iter::once(kind.to_owned()).chain(numbered);
        let name = names.find(|name| !self.modules.contains_key(name.as_str()));
        ModuleId(name.expect("numbers do not end").into())
    }

    /// A name that no comment has yet.
    pub fn fresh_comment_id(&self) -> CommentId {
        let names = (1u64..).map(|number| format!("comment-{number}"));
        let mut ids = names.map(|name| name.parse::<CommentId>().expect("it keeps to the rules"));
        ids.find(|id| !self.comments.contains_key(id)).expect("numbers do not end")
    }

    /// The cables at a module's ports.
    pub fn cables_of<'a>(&'a self, id: &'a ModuleId) -> impl Iterator<Item = &'a Cable> {
        self.cables.iter().filter(move |cable| cable.from.module == *id || cable.to.module == *id)
    }

    /// Lets go of what a hand holds.
    pub fn let_go(&mut self) {
        for edit in self.held() {
            apply(self, edit).expect("a switch can be off");
        }
    }

    /// What it takes to let go of what a hand holds: an edit for each button and touch that is on.
    pub fn held(&self) -> Vec<Edit> {
        let held = |(id, module): (&ModuleId, &PatchModule)| {
            let params = module.about().map(|about| about.params).unwrap_or_default();
            let is_on = |param: &&Param| param.is_held && module.param(param.name) != Some(0.0);
            let off = |param: &Param| Edit::SetParam {
                module: id.clone(),
                param: param.name.into(),
                value: 0.0,
            };
            params.iter().filter(is_on).map(off).collect::<Vec<_>>()
        };
        self.modules.iter().flat_map(held).collect()
    }

    /// Whether everything that this patch names exists and every value may be
    /// what it is. The first that is not so is the error.
    pub fn check(&self) -> Result<(), Problem> {
        check_text("title", &self.title)?;
        check_text("description", &self.description)?;
        for (id, module) in &self.modules {
            module.check(id)?;
        }
        self.comments.iter().try_for_each(|(id, comment)| comment.check(id))?;
        self.check_groups()?;
        self.check_scenes()?;
        self.cables.iter().try_for_each(|cable| self.check_cable(cable))?;
        self.check_loops()
    }

    /// Whether both ends of a cable exist. A placeholder has whatever port it is
    /// asked for.
    pub fn check_cable(&self, cable: &Cable) -> Result<(), Problem> {
        let Cable { from, to } = cable;
        let Some(about) = self.module(from.module.as_str())?.about_with(&from.port)? else {
            return self.check_input(to);
        };
        if about.output(&from.port).is_none() {
            let near = nearest(&from.port, about.outputs.iter().map(|port| port.name));
            return Err(Problem::no_port("output", &from.to_string(), about.title, near));
        }
        self.check_input(to)
    }

    fn check_input(&self, to: &InputRef) -> Result<(), Problem> {
        let Some(about) = self.module(to.module.as_str())?.about_with(&to.port)? else {
            return Ok(());
        };
        if about.input(&to.port).is_some() {
            return Ok(());
        }
        let near = nearest(&to.port, about.inputs.iter().map(|port| port.name));
        Err(Problem::no_port("input", &to.to_string(), about.title, near))
    }
}

impl PatchModule {
    /// A module as the browser gives it: everything at its default.
    pub fn new(kind: &str, x: f32, y: f32) -> PatchModule {
        PatchModule {
            kind: kind.into(),
            is_placeholder: false,
            x,
            y,
            params: BTreeMap::new(),
            words: BTreeMap::new(),
            is_bypassed: false,
            text: Name::default(),
            group: None,
            twin: 0,
            shown: BTreeMap::new(),
            titles: BTreeMap::new(),
            staged: BTreeMap::new(),
            locked: BTreeSet::new(),
            scenes: BTreeMap::new(),
        }
    }

    /// What the catalogue says of its kind. A placeholder's is in none.
    pub fn about(&self) -> Result<&'static About, Problem> {
        if &*self.kind == Code::NAME { about_own(&self.text) } else { find_kind(&self.kind) }
    }

    /// What its text is. `None` where its kind has none, and for a placeholder.
    pub fn text_form(&self) -> Option<Text> {
        self.about().ok()?.text
    }

    /// Whether the program uses its kind for that.
    pub fn has_role(&self, role: Role) -> bool {
        self.about().is_ok_and(|about| about.role == Some(role))
    }

    /// What the catalogue says of its kind. `None` for a placeholder, which may
    /// have a port of that name.
    fn about_with(&self, port: &str) -> Result<Option<&'static About>, Problem> {
        if !self.is_placeholder {
            return self.about().map(Some);
        }
        placeholder::check_name(port)?;
        Ok(None)
    }

    /// Where a param stands. `None` where its kind has no such param.
    pub fn param(&self, name: &str) -> Option<f32> {
        let about = self.about().ok()?;
        let param = &about.params[about.param(name)?];
        Some(self.params.get(name).copied().unwrap_or(param.default))
    }

    /// Whether kind, place and params may be what they are.
    fn check(&self, id: &ModuleId) -> Result<(), Problem> {
        check_place(id.as_str(), self.x, self.y)?;
        self.shown.keys().try_for_each(|part| self.check_part(id, part))?;
        self.titles.iter().try_for_each(|(part, title)| self.check_title(id, part, title))?;
        self.staged.keys().try_for_each(|part| self.check_staged(id, part))?;
        self.locked.iter().try_for_each(|name| self.check_param(id, name))?;
        self.scenes.values().try_for_each(|kept| self.check_kept(id, kept))?;
        self.check_own_text(id, &self.text)?;
        if self.is_placeholder {
            return self.check_placeholder(id);
        }
        let about = self.about()?;
        for (name, &value) in &self.params {
            let (_, param) = find_param(about, id.as_str(), name)?;
            check_value(id.as_str(), param, value)?;
        }
        self.words.iter().try_for_each(|(name, word)| {
            let (_, param) = find_param(about, id.as_str(), name)?;
            read_value(id.as_str(), param, word, param.default).map(drop)
        })
    }

    /// Whether it may have that text.
    pub(crate) fn check_own_text(&self, id: &ModuleId, text: &str) -> Result<(), Problem> {
        check_text("text of the module", text)?;
        if &*self.kind == Code::NAME {
            return about_own(text).map(drop);
        }
        if self.text_form() == Some(Text::Automation) {
            return automation::read(text).map(drop);
        }
        if text.is_empty() || self.is_placeholder || self.text_form().is_some() {
            return Ok(());
        }
        let title = self.about()?.title;
        Err(Problem::NoText { module: id.to_string(), title })
    }

    /// Checks, rounds what is whole, and forgets what is at its default: so
    /// that two modules that sound the same are equal.
    pub(crate) fn tidied(mut self, id: &ModuleId) -> Result<PatchModule, Problem> {
        self.check(id)?;
        self.shown.retain(|_, levels| *levels > 0);
        self.titles.retain(|_, title| !title.is_empty());
        if self.group.is_none() {
            self.twin = 0;
        }
        self.scenes.retain(|_, kept| !kept.is_empty());
        if self.is_placeholder {
            return Ok(self);
        }
        let about = self.about()?;
        for (name, word) in std::mem::take(&mut self.words) {
            let (_, param) = find_param(about, id.as_str(), &name)?;
            self.params.insert(name, read_value(id.as_str(), param, &word, param.default)?);
        }
        self.params.retain(|name, value| {
            let param = &about.params[about.param(name).expect("the check found it")];
            *value = param.legal(*value);
            *value != param.default
        });
        Ok(self)
    }
}

/// What the text of a module of one's own says of it.
fn about_own(text: &str) -> Result<&'static About, Problem> {
    if text.is_empty() {
        return find_kind(Code::NAME);
    }
    Ok(own(text).map_err(|error| Problem::Own { error })?.about)
}

/// What the catalogue says of a kind of module. Of a module of one's own, its text says more.
pub fn find_kind(kind: &str) -> Result<&'static About, Problem> {
    if let Some((_, entry)) = catalog::find(kind) {
        return Ok(entry.about);
    }
    let near = nearest(kind, catalog::CATALOG.iter().map(|entry| entry.about.name));
    Err(Problem::NoKind { kind: kind.to_owned(), near })
}

/// A param of a kind of module, and its index. `module` is for the sentence.
pub fn find_param(
    about: &'static About,
    module: &str,
    name: &str,
) -> Result<(usize, &'static Param), Problem> {
    if let Some(index) = about.param(name) {
        return Ok((index, &about.params[index]));
    }
    let near = nearest(name, about.params.iter().map(|param| param.name));
    Err(Problem::NoParam { param: format!("{module}.{name}"), title: about.title, near })
}

/// The value as the param will take it: whole where the param is whole.
pub fn check_value(module: &str, param: &Param, value: f32) -> Result<f32, Problem> {
    if param.range.contains(&value) {
        return Ok(param.legal(value));
    }
    Err(Problem::OutOfRange {
        param: format!("{module}.{}", param.name),
        value,
        range: range(param),
    })
}

/// The value that a text stands for, as the window reads it: `lowpass`, `440 Hz`,
/// `A4`. One that begins with `+`, `*` or `/` goes on from the current value.
pub fn read_value(module: &str, param: &Param, text: &str, current: f32) -> Result<f32, Problem> {
    entry::read(text, param, current)
        .map_err(|error| Problem::Unread { param: format!("{module}.{}", param.name), error })
}

/// `20 Hz to 20000 Hz`, or the words of a choice.
fn range(param: &Param) -> String {
    if let sostenuto_modules::param::Taper::Choice(choices) = param.taper {
        return format!("one of {}", choices.join(", "));
    }
    format!("from {} to {}", param.show(*param.range.start()), param.show(*param.range.end()))
}

/// Whether a kind of module is played: it takes notes.
pub fn is_played(about: &About) -> bool {
    about.tags.contains(&Tag::Notes)
}

pub(crate) fn check_text(what: &'static str, text: &str) -> Result<(), Problem> {
    let is_fit = text.len() <= MAX_TEXT_BYTES && !text.contains('\0');
    if is_fit { Ok(()) } else { Err(Problem::BadText { what }) }
}

pub(crate) fn check_place(id: &str, x: f32, y: f32) -> Result<(), Problem> {
    let is_somewhere = x.is_finite() && y.is_finite();
    if is_somewhere { Ok(()) } else { Err(Problem::Nowhere { id: id.to_owned() }) }
}

impl ModuleId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without the number at its end: what a copy is called by.
    pub fn stem(&self) -> &str {
        let stem = self.0.trim_end_matches(|letter: char| letter.is_ascii_digit());
        stem.strip_suffix('-').filter(|stem| !stem.is_empty()).unwrap_or(&self.0)
    }

    /// A name that no module of a patch can have: for one whose whole patch is
    /// leaving, while another patch plays already. `number` is different for each
    /// patch that leaves.
    pub fn leaving(&self, number: u32) -> ModuleId {
        ModuleId(format!("{self}{LEAVING}{number}").into())
    }

    /// Whether it is such a name.
    pub fn is_leaving(&self) -> bool {
        self.0.contains(LEAVING)
    }

    /// Whether it is that of a module which leaves with the patch of that number.
    pub fn leaves_with(&self, number: u32) -> bool {
        self.0.split(LEAVING).nth(1).is_some_and(|own| own == number.to_string())
    }

    /// What the musician calls the module, also where its patch is leaving.
    pub fn own_name(&self) -> &str {
        self.0.split(LEAVING).next().unwrap_or_default()
    }
}

/// Between a module's name and the number of its patch, where that is leaving.
const LEAVING: char = '@';

impl FromStr for ModuleId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<ModuleId, Problem> {
        let is_fit = is_id(text);
        if is_fit { Ok(ModuleId(text.into())) } else { Err(Problem::BadId { id: text.into() }) }
    }
}

/// Whether something in a patch may be called that.
fn is_id(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_word)
        && text.len() <= MAX_ID_BYTES
        && text.chars().all(|c| is_word(c) || c == '-')
}

impl Borrow<str> for ModuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OutputRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.port)
    }
}

impl fmt::Display for InputRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.port)
    }
}

impl fmt::Display for Cable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

/// Both halves of `module.port`.
fn halves(text: &str) -> Result<(ModuleId, Name), Problem> {
    let (module, port) =
        text.split_once('.').ok_or_else(|| Problem::BadPort { text: text.into() })?;
    Ok((module.parse()?, port.into()))
}

impl FromStr for OutputRef {
    type Err = Problem;

    fn from_str(text: &str) -> Result<OutputRef, Problem> {
        halves(text).map(|(module, port)| OutputRef { module, port })
    }
}

impl FromStr for InputRef {
    type Err = Problem;

    fn from_str(text: &str) -> Result<InputRef, Problem> {
        halves(text).map(|(module, port)| InputRef { module, port })
    }
}

impl FromStr for Cable {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Cable, Problem> {
        let (from, to) =
            text.split_once("->").ok_or_else(|| Problem::BadCable { text: text.into() })?;
        Ok(Cable { from: from.trim().parse()?, to: to.trim().parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch() -> Patch {
        let mut patch = Patch::default();
        for id in ["a", "b"] {
            let module = PatchModule::new("attenuverter", 0.0, 0.0);
            patch.modules.insert(id.parse().unwrap(), module);
        }
        patch.cables.insert("a.out -> b.in".parse().unwrap());
        patch
    }

    fn sentence(patch: &Patch) -> String {
        patch.check().unwrap_err().to_string()
    }

    #[test]
    fn a_sound_patch_has_no_problem() {
        patch().check().unwrap();
    }

    #[test]
    fn names_are_read_as_they_are_shown() {
        let cable: Cable = "lead.saw->filter.in".parse().unwrap();
        assert_eq!(cable.to_string(), "lead.saw -> filter.in");
        assert_eq!(cable.to_string().parse::<Cable>().unwrap(), cable);
        for bad in ["", "a.b", "a -> b", "a.x -> ", "A.x -> b.y", " . -> . "] {
            assert!(bad.parse::<Cable>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_module_is_called_by_letters_digits_and_dashes() {
        for good in ["vco", "vco-2", "808-kick", "a"] {
            assert_eq!(good.parse::<ModuleId>().unwrap().as_str(), good);
        }
        let long = "x".repeat(65);
        for bad in ["", "-a", "VCO", "a.b", "a b", "ä", "a/b", "a\0", long.as_str()] {
            assert!(bad.parse::<ModuleId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fresh_name_is_the_kind_with_the_first_free_number() {
        let mut patch = patch();
        assert_eq!(patch.fresh_id("vco").as_str(), "vco");
        for id in ["vco", "vco-2", "vco-4"] {
            patch.modules.insert(id.parse().unwrap(), PatchModule::new("attenuverter", 0.0, 0.0));
        }
        assert_eq!(patch.fresh_id("vco").as_str(), "vco-3");
    }

    #[test]
    fn a_param_that_was_not_touched_is_at_its_default() {
        let mut patch = patch();
        let module = patch.modules.get_mut("a").unwrap();
        assert_eq!(module.param("gain"), Some(1.0));
        module.params.insert("gain".into(), -0.5);
        assert_eq!(module.param("gain"), Some(-0.5));
        assert_eq!(module.param("colour"), None);
    }

    #[test]
    fn a_kind_that_is_not_there_is_named_with_its_neighbour() {
        let mut patch = patch();
        patch.modules.insert("c".parse().unwrap(), PatchModule::new("attenuvertor", 0.0, 0.0));
        let sentence = sentence(&patch);
        assert!(sentence.contains("`attenuvertor`"), "{sentence}");
        assert!(sentence.contains("Did you mean `attenuverter`?"), "{sentence}");
    }

    #[test]
    fn a_cable_from_nowhere_or_to_nowhere_is_named() {
        for (cable, near) in [
            ("a.uot -> b.in", "`out`"),
            ("a.out -> b.inn", "`in`"),
            ("c.out -> b.in", "`c`"),
            ("a.out -> c.in", "`c`"),
        ] {
            let mut patch = patch();
            patch.cables.insert(cable.parse().unwrap());
            assert!(sentence(&patch).contains(near), "{}", sentence(&patch));
        }
    }

    #[test]
    fn a_value_out_of_range_or_not_a_number_is_refused_with_the_range() {
        for value in [2.1, -3.0, f32::NAN, f32::INFINITY] {
            let mut patch = patch();
            patch.modules.get_mut("a").unwrap().params.insert("gain".into(), value);
            let sentence = sentence(&patch);
            assert!(sentence.contains("a.gain") && sentence.contains("from -2 to 2"), "{sentence}");
        }
    }

    #[test]
    fn a_choice_is_read_as_its_word_or_its_number() {
        let mode = Param::choice("mode", &["lowpass", "highpass"], 0, "");
        let read_value = |text| super::read_value("vcf", &mode, text, 0.0);
        assert_eq!(read_value("highpass").unwrap(), 1.0);
        assert_eq!(read_value("1").unwrap(), 1.0);
        assert_eq!(check_value("vcf", &mode, 0.6).unwrap(), 1.0);
        let sentence = read_value("bandpass").unwrap_err().to_string();
        assert!(sentence.contains("one of lowpass, highpass"), "{sentence}");
        assert!(read_value("2").is_err());
    }

    #[test]
    fn a_module_must_be_somewhere() {
        let mut patch = patch();
        patch.modules.get_mut("a").unwrap().x = f32::NAN;
        assert!(sentence(&patch).contains("`a`"));
    }
}
