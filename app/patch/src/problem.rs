//! What can be wrong with a patch, each with its sentence.

use sostenuto_modules::own::OwnError;
use thiserror::Error;

use crate::entry::EntryError;

/// Something that a patch may not be, or an edit may not do.
///
/// Whoever is refused an edit can rely on this: nothing has changed.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum Problem {
    #[error("There is no module type called `{kind}`.{}", did_you_mean(*near))]
    NoKind { kind: String, near: Option<&'static str> },
    #[error("The patch has no module called `{module}`.{}", did_you_mean(near.as_deref()))]
    NoModule { module: String, near: Option<String> },
    #[error("Unknown port `{port}`: {title} has no such {way}.{}", did_you_mean(*near))]
    NoPort { way: &'static str, port: String, title: &'static str, near: Option<&'static str> },
    #[error("Unknown param `{param}`: {title} does not have it.{}", did_you_mean(*near))]
    NoParam { param: String, title: &'static str, near: Option<&'static str> },
    #[error("`{param}` cannot be set to {value}: it must be {range}.")]
    OutOfRange { param: String, value: f32, range: String },
    #[error("`{param}`: {error}")]
    Unread { param: String, error: EntryError },
    #[error("`{module}` ({title}) takes no text.")]
    NoText { module: String, title: &'static str },
    #[error("This is no module of one's own that can be played: {error}.")]
    Own { error: OwnError },
    #[error("There is already a cable `{cable}`.")]
    CableTwice { cable: String },
    #[error("There is no cable `{cable}`.")]
    NoCable { cable: String },
    #[error("`{cable}` is not part of a loop, so it is not delayed.")]
    NoLoop { cable: String },
    #[error(
        "`{cable}` must stay delayed: no other cable delays its loop. Delay another cable of the loop first."
    )]
    PromptLoop { cable: String },
    #[error("The patch already has a module called `{id}`. Choose another name.")]
    IdTaken { id: String },
    #[error(
        "A module cannot be called `{id}`: use at most 64 lower-case letters, digits and dashes."
    )]
    BadId { id: String },
    #[error("`{text}` is not a port. Write it as MODULE.PORT.")]
    BadPort { text: String },
    #[error("`{text}` is not a cable. Write it as MODULE.OUTPUT -> MODULE.INPUT.")]
    BadCable { text: String },
    #[error("The {what} is too long, or has a zero byte in it.")]
    BadText { what: &'static str },
    #[error("The position of `{id}` must be finite.")]
    Nowhere { id: String },
    #[error("This version knows the module type `{kind}`: it needs no placeholder.")]
    NoPlaceholder { kind: String },
    #[error(
        "`{name}` cannot be the name of a kind, port or param: use at most 64 letters, digits and dashes."
    )]
    BadName { name: String },
    #[error("`{param}` must be either a number or a word.")]
    NoValue { param: String },
    #[error("`{module}` has too many params.")]
    TooManyParams { module: String },
    #[error("The patch has no comment called `{id}`.")]
    NoComment { id: String },
    #[error(
        "A comment cannot be called `{id}`: use at most 64 lower-case letters, digits and dashes."
    )]
    BadCommentId { id: String },
    #[error(
        "Position and size of the comment `{comment}` must be finite, and the size not negative."
    )]
    NoRectangle { comment: String },
    #[error("The patch has no group called `{id}`.")]
    NoGroup { id: String },
    #[error(
        "A group cannot be called `{id}`: use at most 64 lower-case letters, digits and dashes."
    )]
    BadGroupId { id: String },
    #[error("The group `{id}` is not empty. Move what lies in it elsewhere first.")]
    GroupInUse { id: String },
    #[error(
        "The group `{id}` cannot lie there: it would lie in itself, or in more than {most} groups."
    )]
    GroupInItself { id: String, most: usize },
    #[error("The group `{id}` would lie in a linked copy of itself.")]
    LinkInItself { id: String },
    #[error("`{module}` has no {part} that a group could show.")]
    NoPart { module: String, part: String },
    #[error(
        "`{text}` is no part of a module. Write `input NAME`, `output NAME`, `param NAME` or `screen`."
    )]
    BadPart { text: String },
    #[error("`{module}` cannot have its {part} on stage: only knobs and the screen can be there.")]
    NotForStage { module: String, part: String },
    #[error("`{text}` is no form of the stage. Write `own`, `fader`, `across` or `up`.")]
    BadForm { text: String },
    #[error(
        "Line {line} of the automation is no lane. Write `module.knob`, then beats and values in turn: `ladder.cutoff 0 440 0.5 880`."
    )]
    BadLane { line: usize },
    #[error("There is no scene {number}.")]
    NoScene { number: u8 },
    #[error("There can be no scene {number}: they are numbered 1 to {last}.")]
    BadScene { number: u8, last: u8 },
    #[error("Modules are kept in scene {number}. Take them out of it first.")]
    SceneInUse { number: u8 },
    #[error("A morph goes from 0 to 1, not to {amount}.")]
    NoMorph { amount: f32 },
    #[error("Unknown colour {colour}: it must be 0 to {last}.")]
    NoColour { colour: u8, last: u8 },
}

impl Problem {
    pub(crate) fn no_port(
        way: &'static str,
        port: &str,
        title: &'static str,
        near: Option<&'static str>,
    ) -> Problem {
        Problem::NoPort { way, port: port.to_owned(), title, near }
    }
}

/// The question after a sentence about an unknown name, where one is near.
pub fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default()
}
