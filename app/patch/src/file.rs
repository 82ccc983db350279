//! Patch files: `.sostenuto`, JSON that a person can read and compare.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sostenuto_modules::param::Taper;
use thiserror::Error;

use super::problem::Problem;
use super::scene::Kept;
use super::sounds;
use super::stage::Staged;
use super::{
    Cable, Comment, CommentId, Group, GroupId, ModuleId, Name, Patch, PatchModule, find_kind,
};
use crate::disk;

/// The newest version of patch files that this program reads. From version 3 on,
/// a file has groups, scenes and a stage.
pub const VERSION: u64 = 3;

/// From this one on, a file says which cables are delayed. A patch without either is
/// still written so, for older programs to read.
const VERSION_WITHOUT_GROUPS: u64 = 2;

/// The version before that. A patch without loops is still written so, for older
/// programs to read.
const VERSION_WITHOUT_DELAYS: u64 = 1;

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Why a patch could not be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum ReadError {
    #[error("Not a Sostenuto patch: it is larger than 64 MiB.")]
    TooLarge,
    #[error("Not a Sostenuto patch: it does not begin with {{\"sostenuto\": {VERSION}, …}}.")]
    NoPatch,
    #[error(
        "This patch was saved by a newer version of Sostenuto ({version}; this one reads {VERSION}). It was not changed."
    )]
    Newer { version: u64 },
    #[error("The patch cannot be read: line {line}: {what}.")]
    Json { line: usize, what: String },
    #[error("The patch cannot be read: two modules are called `{id}`.")]
    IdTwice { id: String },
    #[error("The patch cannot be read: two comments are called `{id}`.")]
    CommentTwice { id: String },
    #[error("The patch cannot be read: two groups are called `{id}`.")]
    GroupTwice { id: String },
    #[error("The patch cannot be read. {0}")]
    Problem(#[from] Problem),
}

/// Why a file could not be loaded or saved.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum FileError {
    #[error("{what} The patch that plays was not changed: {}", path.display())]
    Read { path: PathBuf, what: ReadError },
    #[error("The file cannot be opened ({what}). The patch that plays was not changed: {}", path.display())]
    Open { path: PathBuf, what: io::Error },
    #[error("Not a regular file: {}", path.display())]
    NoFile { path: PathBuf },
    #[error("This file is not a patch, so it was not overwritten. Save under another name: {}", path.display())]
    Foreign { path: PathBuf },
    #[error("The patch was not saved: {what}. It plays on; choose another name: {path:?}")]
    Name { path: PathBuf, what: io::Error },
    #[error("The patch was not saved ({what}). It plays on; save it somewhere else: {}", path.display())]
    Write { path: PathBuf, what: io::Error },
}

/// What may be lost when a patch is saved under a name that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Only a patch that this version can read.
    Patches,
    /// Whatever is there: the musician was asked.
    Anything,
}

/// Reads a patch file.
pub fn load(path: &Path) -> Result<Patch, FileError> {
    let open = |what| FileError::Open { path: path.to_owned(), what };
    // Asked first, for its own sentence.
    if !fs::metadata(path).map_err(open)?.is_file() {
        return Err(FileError::NoFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let file = disk::open(path).map_err(open)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(open)?;
    let read = read(&bytes).map_err(|what| FileError::Read { path: path.to_owned(), what })?;
    // Through a link, sounds are found beside the file that it leads to.
    let target = disk::target(path).map_err(open)?;
    Ok(sounds::found_from(read, &target))
}

/// Writes a patch file: a new one beside it, which then takes its place. So
/// whatever happens, there is either the old file or the new one.
///
/// A file that is already there keeps its permissions, and a link stays a link.
pub fn save(path: &Path, patch: &Patch, over: Over) -> Result<(), FileError> {
    let failed = |what| FileError::Write { path: path.to_owned(), what };
    if let Err(what) = disk::check_name(path) {
        return Err(FileError::Name { path: path.to_owned(), what });
    }
    let target = disk::target(path).map_err(failed)?;
    let there = fs::metadata(&target).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Err(FileError::NoFile { path: path.to_owned() });
    }
    if there.is_some() && over == Over::Patches && load(&target).is_err() {
        return Err(FileError::Foreign { path: path.to_owned() });
    }
    let text = write(&sounds::seen_from(patch, &target));
    disk::replace(&target, text.as_bytes()).map_err(failed)
}

/// The text of a patch file.
pub fn write(patch: &Patch) -> String {
    let file = WrittenPatch {
        sostenuto: version_of(patch),
        title: &patch.title,
        description: &patch.description,
        modules: patch.modules.iter().map(|(id, module)| WrittenModule::new(id, module)).collect(),
        cables: patch.cables.iter().map(Cable::to_string).collect(),
        delayed: patch.delayed.iter().map(Cable::to_string).collect(),
        comments: patch.comments.iter().map(|(id, comment)| written_comment(id, comment)).collect(),
        groups: patch.groups.iter().map(|(id, group)| written_group(id, group)).collect(),
        scenes: &patch.scenes,
    };
    let json = serde_json::to_string_pretty(&file).expect("words and finite numbers are JSON");
    json + "\n"
}

/// The oldest version that has all of a patch.
fn version_of(patch: &Patch) -> u64 {
    let is_plain = |module: &PatchModule| {
        module.shown.is_empty()
            && module.titles.is_empty()
            && module.staged.is_empty()
            && module.locked.is_empty()
    };
    let is_flat =
        patch.groups.is_empty() && patch.scenes.is_empty() && patch.modules.values().all(is_plain);
    match (is_flat, patch.delayed.is_empty()) {
        (false, _) => VERSION,
        (true, false) => VERSION_WITHOUT_GROUPS,
        (true, true) => VERSION_WITHOUT_DELAYS,
    }
}

/// Reads the text of a patch file.
pub fn read(bytes: &[u8]) -> Result<Patch, ReadError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge);
    }
    // Some editors put a byte order mark in front.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head: Head = serde_json::from_slice(bytes).map_err(not_json)?;
    match head.sostenuto.and_then(|version| version.as_u64()) {
        Some(VERSION_WITHOUT_DELAYS..=VERSION) => {}
        Some(version) if version > VERSION => return Err(ReadError::Newer { version }),
        _ => return Err(ReadError::NoPatch),
    }
    let file: ReadPatch = serde_json::from_slice(bytes).map_err(not_json)?;
    file.patch()
}

fn not_json(error: serde_json::Error) -> ReadError {
    // A whole JSON text that is just no object is no broken patch.
    if error.is_data() && error.line() <= 1 && error.to_string().contains("struct Head") {
        return ReadError::NoPatch;
    }
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    ReadError::Json { line: error.line(), what: what.to_owned() }
}

/// The least that a patch of any version has.
#[derive(Deserialize)]
struct Head {
    sostenuto: Option<serde_json::Number>,
}

#[derive(Serialize)]
struct WrittenPatch<'a> {
    sostenuto: u64,
    title: &'a str,
    description: &'a str,
    modules: Vec<WrittenModule<'a>>,
    cables: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    delayed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comments: Vec<FileComment<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<FileGroup<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scenes: &'a BTreeMap<u8, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileComment<S> {
    id: S,
    #[serde(default)]
    x: f32,
    #[serde(default)]
    y: f32,
    #[serde(default)]
    width: f32,
    #[serde(default)]
    height: f32,
    #[serde(default)]
    colour: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<S>,
    #[serde(default, skip_serializing_if = "is_none")]
    twin: u32,
    text: S,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileGroup<S> {
    id: S,
    #[serde(default)]
    x: f32,
    #[serde(default)]
    y: f32,
    #[serde(default)]
    colour: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<S>,
    #[serde(default, skip_serializing_if = "is_none")]
    twin: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<S>,
    title: S,
}

fn written_group<'a>(id: &'a GroupId, group: &'a Group) -> FileGroup<Cow<'a, str>> {
    let &Group { x, y, colour, twin, .. } = group;
    let inside = group.inside.as_ref().map(|id| id.as_str().into());
    let link = group.link.as_ref().map(|link| Cow::Borrowed(&**link));
    let title = group.title.as_str().into();
    FileGroup { id: id.as_str().into(), x, y, colour, inside, twin, link, title }
}

fn written_comment<'a>(id: &'a CommentId, comment: &'a Comment) -> FileComment<Cow<'a, str>> {
    let &Comment { x, y, width, height, colour, twin, .. } = comment;
    let group = comment.group.as_ref().map(|id| id.as_str().into());
    let text = comment.text.as_str().into();
    FileComment { id: id.as_str().into(), x, y, width, height, colour, group, twin, text }
}

#[derive(Serialize)]
struct WrittenModule<'a> {
    id: &'a str,
    kind: &'a str,
    x: f32,
    y: f32,
    params: BTreeMap<&'a str, WrittenValue<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    bypassed: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "is_none")]
    twin: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    shown: BTreeMap<String, u8>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    titles: BTreeMap<String, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stage: BTreeMap<String, FileStaged>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locked: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scenes: BTreeMap<u8, BTreeMap<&'a str, f32>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrittenValue<'a> {
    Word(&'a str),
    Number(f32),
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whether it is the number of none.
fn is_none(twin: &u32) -> bool {
    *twin == 0
}

impl<'a> WrittenModule<'a> {
    fn new(id: &'a ModuleId, module: &'a PatchModule) -> WrittenModule<'a> {
        let numbers = module.params.iter();
        let numbers = numbers.map(|(name, &value)| (&**name, written(module, name, value)));
        let words = module.words.iter();
        let words = words.map(|(name, word)| (&**name, WrittenValue::Word(word)));
        WrittenModule {
            id: id.as_str(),
            kind: &module.kind,
            x: module.x,
            y: module.y,
            params: numbers.chain(words).collect(),
            bypassed: module.is_bypassed,
            text: &module.text,
            group: module.group.as_ref().map(GroupId::as_str),
            twin: module.twin,
            shown: module.shown.iter().map(|(part, &levels)| (part.to_string(), levels)).collect(),
            titles: module.titles.iter().map(|(part, it)| (part.to_string(), &**it)).collect(),
            stage: module.staged.iter().map(|(part, it)| (part.to_string(), it.into())).collect(),
            locked: module.locked.iter().map(|name| &**name).collect(),
            scenes: module
                .scenes
                .iter()
                .map(|(&number, kept)| (number, written_scene(kept)))
                .collect(),
        }
    }
}

fn written_scene(kept: &Kept) -> BTreeMap<&str, f32> {
    kept.iter().map(|(name, &value)| (&**name, value)).collect()
}

fn written(module: &PatchModule, name: &str, value: f32) -> WrittenValue<'static> {
    let param = module.about().ok().and_then(|about| Some(&about.params[about.param(name)?]));
    match param.map(|param| param.taper) {
        Some(Taper::Choice(words)) => match words.get(value as usize) {
            Some(word) => WrittenValue::Word(word),
            None => WrittenValue::Number(value),
        },
        _ => WrittenValue::Number(value),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadPatch {
    #[serde(rename = "sostenuto")]
    version: u64,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    modules: Vec<ReadModule>,
    #[serde(default)]
    cables: Vec<String>,
    #[serde(default)]
    delayed: Vec<String>,
    #[serde(default)]
    comments: Vec<FileComment<String>>,
    #[serde(default)]
    groups: Vec<FileGroup<String>>,
    #[serde(default)]
    scenes: BTreeMap<u8, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadModule {
    id: String,
    kind: String,
    #[serde(default)]
    x: f32,
    #[serde(default)]
    y: f32,
    #[serde(default)]
    params: ReadParams,
    #[serde(default)]
    bypassed: bool,
    #[serde(default)]
    text: String,
    group: Option<String>,
    #[serde(default)]
    twin: u32,
    #[serde(default)]
    shown: BTreeMap<String, u8>,
    #[serde(default)]
    titles: BTreeMap<String, String>,
    #[serde(default)]
    stage: BTreeMap<String, FileStaged>,
    #[serde(default)]
    locked: Vec<String>,
    #[serde(default)]
    scenes: BTreeMap<u8, BTreeMap<String, f32>>,
}

/// Where a part stands on stage.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStaged {
    place: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<String>,
}

impl From<&Staged> for FileStaged {
    fn from(staged: &Staged) -> FileStaged {
        let form = Some(staged.form).filter(|form| *form != Default::default());
        FileStaged { place: staged.place, form: form.map(|form| form.to_string()) }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or a word was expected")]
enum ReadValue {
    Number(f64),
    Word(String),
}

/// Names and values in their order. A name that is there twice is an error,
/// where a map would forget one.
#[derive(Default)]
struct ReadParams(Vec<(String, ReadValue)>);

impl<'de> Deserialize<'de> for ReadParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ReadParams, D::Error> {
        deserializer.deserialize_map(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = ReadParams;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("params with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReadParams, A::Error> {
        let mut params: Vec<(String, ReadValue)> = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            // Asked in the list itself: no module has more than a few dozen.
            if params.len() >= sostenuto_modules::limits::MAX_PARAMS {
                return Err(serde::de::Error::custom("a module has too many params"));
            }
            if params.iter().any(|(there, _)| *there == name) {
                return Err(serde::de::Error::custom(format!("`{name}` is there twice")));
            }
            params.push((name, value));
        }
        Ok(ReadParams(params))
    }
}

impl ReadPatch {
    fn patch(self) -> Result<Patch, ReadError> {
        let ReadPatch { title, description, scenes, .. } = self;
        let mut patch = Patch { title, description, scenes, ..Patch::default() };
        for module in self.modules {
            let (id, module) = module.module()?;
            if patch.modules.contains_key(&id) {
                return Err(ReadError::IdTwice { id: id.to_string() });
            }
            patch.modules.insert(id, module);
        }
        let mut order = Vec::with_capacity(self.cables.len());
        for text in self.cables {
            let cable: Cable = text.parse()?;
            if !patch.cables.insert(cable.clone()) {
                return Err(Problem::CableTwice { cable: cable.to_string() }.into());
            }
            order.push(cable);
        }
        for text in self.delayed {
            let cable: Cable = text.parse()?;
            if !patch.cables.contains(&cable) {
                return Err(Problem::NoCable { cable: cable.to_string() }.into());
            }
            patch.delayed.insert(cable);
        }
        delay(&mut patch, self.version, &order);
        for FileComment { id, x, y, width, height, colour, group, twin, text } in self.comments {
            let id: CommentId = id.parse()?;
            if patch.comments.contains_key(&id) {
                return Err(ReadError::CommentTwice { id: id.to_string() });
            }
            let group = group.map(|id| id.parse::<GroupId>()).transpose()?;
            let comment = Comment { text, x, y, width, height, colour, group, twin };
            patch.comments.insert(id, comment);
        }
        for FileGroup { id, x, y, colour, inside, twin, link, title } in self.groups {
            let id: GroupId = id.parse()?;
            if patch.groups.contains_key(&id) {
                return Err(ReadError::GroupTwice { id: id.to_string() });
            }
            let inside = inside.map(|id| id.parse::<GroupId>()).transpose()?;
            let link = link.map(Into::into);
            patch.groups.insert(id, Group { title, x, y, colour, inside, twin, link });
        }
        patch.check()?;
        Ok(patch)
    }
}

/// Delays what a file delays, and where it says nothing of it, what closes a
/// loop in the order of the file.
///
/// Before files said so, every cable of a loop was delayed, and the program wrote
/// cables sorted. So a sorted file of that version plays as it did. In another
/// order they were written by hand or by a script, as they are patched.
fn delay(patch: &mut Patch, version: u64, order: &[Cable]) {
    if version == VERSION_WITHOUT_DELAYS && order.is_sorted() {
        patch.delay_whole_loops();
    }
    patch.settle_loops(order);
}

impl ReadModule {
    fn module(self) -> Result<(ModuleId, PatchModule), Problem> {
        let id: ModuleId = self.id.parse()?;
        let mut module = PatchModule::new(&self.kind, self.x, self.y);
        module.is_placeholder = find_kind(&self.kind).is_err();
        module.is_bypassed = self.bypassed;
        module.text = self.text.into();
        module.group = self.group.map(|id| id.parse::<GroupId>()).transpose()?;
        module.twin = self.twin;
        for (part, levels) in self.shown {
            module.shown.insert(part.parse()?, levels);
        }
        for (part, title) in self.titles {
            module.titles.insert(part.parse()?, title);
        }
        for (part, FileStaged { place, form }) in self.stage {
            let form = form.map(|form| form.parse()).transpose()?.unwrap_or_default();
            module.staged.insert(part.parse()?, Staged { place, form });
        }
        module.locked = self.locked.into_iter().map(Name::from).collect();
        for (number, kept) in self.scenes {
            let kept = kept.into_iter().map(|(name, value)| (name.into(), value)).collect();
            module.scenes.insert(number, kept);
        }
        for (name, value) in self.params.0 {
            match value {
                ReadValue::Number(value) => drop(module.params.insert(name.into(), value as f32)),
                ReadValue::Word(word) => drop(module.words.insert(name.into(), word.into())),
            }
        }
        let module = module.tidied(&id)?;
        Ok((id, module))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::History;
    use super::super::edit::apply;
    use super::*;
    use crate::testing::{any_edit, ring, set};

    const WHOLE: &str = r#"{
  "sostenuto": 2,
  "title": "A ring",
  "description": "",
  "modules": [
    {
      "id": "a",
      "kind": "attenuverter",
      "x": 0.5,
      "y": -10.0,
      "params": {
        "gain": 0.1,
        "offset": -5.0
      },
      "bypassed": true
    }
  ],
  "cables": [
    "a.out -> a.in"
  ],
  "delayed": [
    "a.out -> a.in"
  ]
}
"#;

    fn refused(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    /// The whole file with one thing changed.
    fn but(from: &str, to: &str) -> String {
        assert!(WHOLE.contains(from), "{from}");
        WHOLE.replace(from, to)
    }

    #[test]
    fn a_file_is_read_and_written_as_it_was() {
        let patch = read(WHOLE.as_bytes()).unwrap();
        assert_eq!(patch.modules["a"].param("gain"), Some(0.1));
        assert!(patch.modules["a"].is_bypassed);
        assert_eq!(write(&patch), WHOLE);
        let marked = [b"\xef\xbb\xbf", WHOLE.as_bytes()].concat();
        assert_eq!(read(&marked).unwrap(), patch);
    }

    #[test]
    fn the_smallest_patch_is_its_version() {
        assert_eq!(read(br#"{"sostenuto": 1}"#).unwrap(), Patch::default());
    }

    #[test]
    fn broken_json_is_found_by_its_line() {
        assert!(refused(&but("0.1,", "0.1")).contains("line 13:"));
        assert!(refused(&but("0.1", "NaN")).contains("line 12:"));
        assert!(refused(&but("\"x\"", "\"across\"")).contains("unknown field `across`"));
        assert!(refused(&but("0.1", "[1]")).contains("a number or a word"));
        assert!(refused(&but("\"offset\"", "\"gain\"")).contains("`gain` is there twice"));
        assert!(refused(&but("\"y\"", "\"x\"")).contains("duplicate field `x`"));
        assert!(refused(&WHOLE[..WHOLE.len() / 2]).contains("EOF"));
        assert!(refused("").contains("line 1"));
    }

    #[test]
    fn what_is_no_patch_is_called_so() {
        for text in ["{}", "[]", "7", "null", "\"sostenuto\"", r#"{"sostenuto": "one"}"#] {
            assert!(!refused(text).is_empty());
        }
        for text in ["{}", r#"{"name": 3}"#, r#"{"sostenuto": 0}"#, r#"{"sostenuto": -1}"#] {
            assert!(refused(text).contains("Not a Sostenuto patch"), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn a_file_of_a_newer_version_says_so_whatever_is_in_it() {
        let sentence = refused(r#"{"sostenuto": 4, "modules": {"else": "where"}}"#);
        assert!(sentence.contains("saved by a newer version"), "{sentence}");
    }

    #[test]
    fn what_does_not_exist_is_named() {
        assert!(refused(&but("\"gain\"", "\"gian\"")).contains("Did you mean `gain`?"));
        assert!(refused(&but("a.out ->", "a.uot ->")).contains("`a.uot`"));
        assert!(refused(&but("-> a.in", "-> b.in")).contains("`b`"));
        assert!(refused(&but("->", "to")).contains("not a cable"));
        assert!(refused(&but("0.1", "2.5")).contains("from -2 to 2"));
        assert!(refused(&but("0.1", "\"loud\"")).contains("`loud`"));
        assert!(refused(&but("\"a\"", "\"A\"")).contains("`A`"));
        assert!(refused(&but("0.5", "1e39")).contains("must be finite"));
        assert!(refused(&but("A ring", "A\\u0000ring")).contains("title"));
    }

    /// The whole file with a module that a newer version made.
    fn newer() -> String {
        let kinds = but("\"attenuverter\"", "\"attenuverter-xl\"")
            .replace("0.1,", "0.1,\n        \"law\": \"steep\",");
        let comment = r#"
  ],
  "comments": [
    {
      "id": "why",
      "x": 0.0,
      "y": -40.5,
      "width": 300.0,
      "height": 20.0,
      "colour": 7,
      "text": "Why?\nBecause."
    }
  ]
}"#;
        kinds.replace("\n  ]\n}", comment).replace("-> a.in", "-> a.in-7")
    }

    #[test]
    fn what_a_newer_version_made_is_kept_and_written_as_it_was() {
        let patch = read(newer().as_bytes()).unwrap();
        let module = &patch.modules["a"];
        assert!(module.is_placeholder && module.is_bypassed);
        assert_eq!((module.params["gain"], &*module.words["law"]), (0.1, "steep"));
        assert_eq!(patch.comments["why"].text, "Why?\nBecause.");
        assert_eq!(write(&patch), newer());
    }

    #[test]
    fn what_nobody_could_keep_is_refused_in_a_placeholder_too() {
        let refused = |from: &str, to: &str| {
            assert!(newer().contains(from), "{from}");
            read(newer().replace(from, to).as_bytes()).unwrap_err().to_string()
        };
        assert!(refused("0.1,", "1e39,").contains("`a.gain`"));
        assert!(refused("attenuverter-xl", "two words").contains("`two words`"));
        assert!(refused("-> a.in-7", "-> a.").contains("``"));
        assert!(refused("\"law\"", "\"gain\"").contains("twice"));
        assert!(refused("\"colour\": 7", "\"colour\": 8").contains("colour 8"));
        assert!(refused("\"why\"", "\"Why\"").contains("`Why`"));
        assert!(refused("300.0", "-300.0").contains("`why`"));
    }

    #[test]
    fn what_is_there_twice_is_refused() {
        let module = r#"{"id": "a", "kind": "attenuverter"}"#;
        let twice = format!(r#"{{"sostenuto": 1, "modules": [{module}, {module}]}}"#);
        assert!(refused(&twice).contains("two modules are called `a`"));
        let cables = "\"cables\": [";
        let twice = but(cables, &format!("{cables}\"a.out -> a.in\","));
        assert!(refused(&twice).contains("already a cable"));
        let comment = r#"{"id": "why", "text": ""}"#;
        let twice = format!(r#"{{"sostenuto": 1, "comments": [{comment}, {comment}]}}"#);
        assert!(refused(&twice).contains("two comments are called `why`"));
    }

    /// The delayed cables of a patch with a module for each letter of the cables.
    fn delayed(version: u64, cables: &[&str], delayed: &[&str]) -> Vec<String> {
        let modules: Vec<String> =
            ["a", "b", "c"].map(|id| format!(r#"{{"id": "{id}", "kind": "mixer"}}"#)).to_vec();
        let text = format!(
            r#"{{"sostenuto": {version}, "modules": [{}], "cables": {cables:?}, "delayed": {delayed:?}}}"#,
            modules.join(","),
        );
        let patch = read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read(write(&patch).as_bytes()).unwrap(), patch);
        patch.delayed.iter().map(Cable::to_string).collect()
    }

    #[test]
    fn in_a_file_from_before_delays_every_cable_of_a_loop_is_delayed() {
        let sorted = ["a.out -> b.in-1", "b.out -> a.in-1", "b.out -> c.in-1"];
        assert_eq!(delayed(1, &sorted, &[]), ["a.out -> b.in-1", "b.out -> a.in-1"]);
        assert_eq!(delayed(2, &sorted, &[]), ["b.out -> a.in-1"]);
    }

    #[test]
    fn cables_in_the_order_of_patching_delay_the_one_that_closes_the_loop() {
        let by_hand = ["b.out -> a.in-1", "a.out -> c.in-1", "a.out -> b.in-1"];
        for version in [1, 2] {
            assert_eq!(delayed(version, &by_hand, &[]), ["a.out -> b.in-1"], "version {version}");
        }
    }

    #[test]
    fn a_mark_is_kept_where_there_is_a_loop_and_dropped_where_there_is_none() {
        let cables = ["a.out -> b.in-1", "b.out -> a.in-1", "b.out -> c.in-1"];
        let marked = [cables[0], cables[2]];
        assert_eq!(delayed(2, &cables, &marked), ["a.out -> b.in-1"]);
        let delayed = "\"delayed\": [";
        let other = but(delayed, &format!("{delayed}\"a.out -> b.in\","));
        assert!(refused(&other).contains("There is no cable `a.out -> b.in`"));
    }

    #[test]
    fn a_bomb_of_brackets_is_refused() {
        for bracket in ["[", "{\"a\":"] {
            let bomb = format!(r#"{{"sostenuto": 1, "modules": {}"#, bracket.repeat(1_000_000));
            assert!(!refused(&bomb).is_empty());
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let bytes = vec![b' '; MAX_FILE_BYTES as usize + 1];
        assert!(matches!(read(&bytes), Err(ReadError::TooLarge)));
    }

    #[test]
    fn a_saved_patch_is_loaded_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.sostenuto");
        save(&path, &ring(), Over::Patches).unwrap();
        assert_eq!(load(&path).unwrap(), ring());
        let mut louder = ring();
        apply(&mut louder, set("a", "gain", 2.0)).unwrap();
        save(&path, &louder, Over::Patches).unwrap();
        assert_eq!(load(&path).unwrap(), louder);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_patch_is_never_overwritten_unless_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.txt");
        for text in ["Dear Ada,", r#"{"sostenuto": 4}"#] {
            fs::write(&path, text).unwrap();
            let error = save(&path, &ring(), Over::Patches).unwrap_err();
            assert!(error.to_string().contains("another name"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        save(&path, &ring(), Over::Anything).unwrap();
        assert_eq!(load(&path).unwrap(), ring());
    }

    #[test]
    fn what_cannot_be_opened_or_written_is_a_sentence_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/where.sostenuto");
        assert!(load(&missing).unwrap_err().to_string().contains("where.sostenuto"));
        let error = save(&missing, &ring(), Over::Patches).unwrap_err().to_string();
        assert!(error.contains("was not saved") && error.contains("where.sostenuto"), "{error}");
        assert!(matches!(load(folder.path()), Err(FileError::NoFile { .. })));
        let error = save(folder.path(), &ring(), Over::Anything).unwrap_err();
        assert!(matches!(error, FileError::NoFile { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions_and_a_link_stays_a_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.sostenuto");
        let link = folder.path().join("link.sostenuto");
        save(&path, &Patch::default(), Over::Patches).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        save(&link, &ring(), Over::Patches).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(load(&path).unwrap(), ring());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_no_patch() {
        assert!(matches!(load(Path::new("/dev/zero")), Err(FileError::NoFile { .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_patch_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_file_with_a_few_bytes_changed_is_a_sound_patch_or_an_error(
            changes in prop::collection::vec((0..WHOLE.len(), any::<u8>()), 1..6)
        ) {
            let mut bytes = WHOLE.as_bytes().to_vec();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            if let Ok(patch) = read(&bytes) {
                patch.check().unwrap();
                prop_assert_eq!(read(write(&patch).as_bytes()).unwrap(), patch);
            }
        }

        #[test]
        fn what_is_not_known_comes_through_edits_undo_and_redo(
            edits in prop::collection::vec(any_edit(), 0..30)
        ) {
            let mut patch = read(newer().as_bytes()).unwrap();
            let mut history = History::default();
            for edit in edits {
                let _ = history.apply(&mut patch, &edit, None);
                let text = write(&patch);
                prop_assert_eq!(&read(text.as_bytes()).unwrap(), &patch);
                prop_assert_eq!(write(&read(text.as_bytes()).unwrap()), text);
            }
            let last = write(&patch);
            while history.undo(&mut patch).is_some() {}
            prop_assert_eq!(write(&patch), newer());
            while history.redo(&mut patch).is_some() {}
            prop_assert_eq!(write(&patch), last);
        }

        #[test]
        fn whatever_was_edited_is_read_as_it_was_written(edits in prop::collection::vec(any_edit(), 0..30)) {
            let mut patch = ring();
            for edit in edits {
                let _ = apply(&mut patch, edit);
            }
            prop_assert_eq!(read(write(&patch).as_bytes()).unwrap(), patch);
        }
    }
}
