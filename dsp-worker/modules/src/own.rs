//! Modules of a musician's own: what the text of a Code module says, and what it remembers.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fnv::fnv1a;
use thiserror::Error;

use crate::about::{About, Port, Tag, port};
use crate::clip::Text;
use crate::param::{Param, Unit};

/// The version of the contract that this program keeps.
pub const CONTRACT: u32 = 1;

/// The most inputs, and the most outputs, that such a module has.
pub const OWN_PORTS: usize = 8;

/// The most params that it has.
pub const OWN_PARAMS: usize = 16;

/// The most values that it keeps over a change of its code.
pub const OWN_KEPT: usize = 32;

/// Bytes of all its memory: one page of WebAssembly.
pub const OWN_MEMORY_BYTES: usize = 64 << 10;

/// Characters of the longest name and the longest title.
const LONGEST_NAME: usize = 24;
/// Bytes of the longest sentence.
const LONGEST_LINE: usize = 400;

/// What the text of a Code module says.
#[derive(Debug)]
pub struct Own {
    /// Its facts, as of any module.
    pub about: &'static About,
    /// What it keeps over a change of its code, in the order of the text.
    pub kept: Vec<KeptValue>,
    /// The params that jump, bit by bit.
    pub jumps: u32,
    /// Who made it, and by which licence others may use it; empty where it does not say.
    pub origin: &'static str,
}

/// Some numbers in a module's memory that outlive its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptValue {
    /// As it is exported.
    pub name: String,
    /// `f32`, `u64`, …
    pub form: String,
    /// How many of them.
    pub count: usize,
}

impl KeptValue {
    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        let each = if self.form.ends_with("64") { 8 } else { 4 };
        each * self.count
    }

    /// The same for values that are the same, and hardly for others.
    pub fn key(&self) -> u32 {
        let text = format!("{} {} {}", self.name, self.form, self.count);
        let hash = fnv1a(text.bytes());
        (hash ^ hash >> 32) as u32
    }
}

/// Why a text says no module.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct OwnError {
    /// From 1.
    pub line: usize,
    /// A sentence.
    pub what: String,
}

/// Numbers of the code's own beside its memory, such as where its stack is.
pub const GLOBALS: usize = 8;

/// The memory of a module's code, as it was committed.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Code {
    /// Which code has begun; 0: none yet.
    pub code: u64,
    /// For what is random in it.
    pub seed: u64,
    /// The clock's frame at which it began.
    pub born: u64,
    /// The frame after the last that it computed. With [`Code::born`] it says which memory
    /// this is: who has the same need not copy it.
    pub next: u64,
    /// Channels that are gone, bit by bit, and of which the code has not heard.
    pub forgotten: u32,
    /// How many of [`Code::kept`] there are.
    pub kept_count: u32,
    /// What outlives a change of the code.
    pub kept: [Kept; OWN_KEPT],
    /// The code's own numbers.
    pub globals: [u64; GLOBALS],
    /// The code's memory.
    pub memory: [u64; OWN_MEMORY_BYTES / 8],
}

/// A value in the code's memory that outlives a change of the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Kept {
    /// [`KeptValue::key`].
    pub key: u32,
    /// Where it lies.
    pub offset: u32,
    /// How long it is.
    pub bytes: u32,
}

impl Code {
    /// As written in patch files.
    pub const NAME: &str = "code";
}

/// The line that ends the facts of a text: behind it stands compiled code, in base64.
pub const CODE_LINE: &str = "code ";

/// The line that ends the facts of a text: behind it stands a program in the small language.
pub const PROGRAM_LINE: &str = "program\n";

/// The facts of a text: all of it, or what stands before its code or its program.
pub fn facts_of(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(CODE_LINE) || line == PROGRAM_LINE {
            return &text[..end];
        }
        end += line.len();
    }
    text
}

/// The file that a text was made of, where it says so.
pub fn file_of(text: &str) -> Option<&str> {
    facts_of(text).lines().find_map(|line| line.strip_prefix(FILE_LINE))
}

/// The line that says which file a text was made of.
pub const FILE_LINE: &str = "file ";

/// What a text says of its module. The same facts give the same page for as long as the
/// program runs.
///
/// # Errors
/// The first line that cannot be read.
pub fn own(text: &str) -> Result<&'static Own, OwnError> {
    #[expect(clippy::disallowed_types, reason = "no real-time thread asks for facts")]
    type Known = std::sync::Mutex<BTreeMap<String, Result<&'static Own, OwnError>>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let facts = facts_of(text);
    let known = KNOWN.get_or_init(Known::default);
    let mut known = known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = known.get(facts) {
        return known.clone();
    }
    let read = Reader::read(facts).map(|own| &*Box::leak(Box::new(own)));
    known.insert(facts.to_owned(), read.clone());
    read
}

/// What is being read.
#[derive(Default)]
struct Reader {
    version: u32,
    title: String,
    summary: String,
    origin: Vec<String>,
    aliases: Vec<&'static str>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    params: Vec<Param>,
    kept: Vec<KeptValue>,
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

impl Reader {
    fn read(facts: &str) -> Result<Own, OwnError> {
        let mut reader = Reader::default();
        let mut last = 1;
        for (index, line) in facts.lines().enumerate() {
            last = index + 1;
            reader.line(line.trim()).map_err(|what| OwnError { line: last, what })?;
        }
        reader.end().map_err(|what| OwnError { line: last, what })
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.len() > LONGEST_LINE || line.chars().any(char::is_control) {
            return Err(format!("a line has at most {LONGEST_LINE} letters, and no tabs"));
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "sostenuto" => self.version = rest.parse().unwrap_or_default(),
            "title" => self.title = short(rest)?.to_owned(),
            "summary" => self.summary = rest.to_owned(),
            "aliases" => self.aliases = rest.split(',').map(|alias| leaked(alias.trim())).collect(),
            "file" => {}
            "author" | "licence" | "license" => self.origin.push(rest.to_owned()),
            "input" => self.inputs.push(read_port(rest)?),
            "output" => self.outputs.push(read_port(rest)?),
            "param" => self.params.push(read_param(rest)?),
            "steps" => self.params.push(read_steps(rest)?),
            "choice" => self.params.push(read_choice(rest)?),
            "switch" => self.params.push(read_switch(rest)?),
            "keep" => self.kept.push(read_kept(rest)?),
            _ => return Err(format!("`{word}` is no word of the facts; docs/sdk.md has them")),
        }
        Ok(())
    }

    fn end(self) -> Result<Own, String> {
        if self.version != CONTRACT {
            return Err(format!(
                "the facts say `sostenuto {CONTRACT}` in their first line, where this program can \
                 play the module"
            ));
        }
        let at_most = |what: &str, count: usize, most: usize| {
            let is_fit = count <= most;
            is_fit.then_some(()).ok_or_else(|| format!("a module has at most {most} {what}"))
        };
        at_most("inputs", self.inputs.len(), OWN_PORTS)?;
        at_most("outputs", self.outputs.len(), OWN_PORTS)?;
        at_most("params", self.params.len(), OWN_PARAMS)?;
        at_most("kept values", self.kept.len(), OWN_KEPT)?;
        if self.title.is_empty() {
            return Err("the facts need a `title`".to_owned());
        }
        once("inputs", self.inputs.iter().map(|port| port.name))?;
        once("outputs", self.outputs.iter().map(|port| port.name))?;
        once("params", self.params.iter().map(|param| param.name))?;
        once("kept values", self.kept.iter().map(|kept| kept.name.as_str()))?;
        let jumps = self.params.iter().enumerate();
        let jumps = jumps.map(|(index, param)| u32::from(param.jumps()) << index).sum();
        let routes = (0..self.inputs.len().min(self.outputs.len())).map(|port| (port, port));
        let about = About {
            name: Code::NAME,
            title: leaked(&self.title),
            summary: leaked(&self.summary),
            aliases: Vec::leak(self.aliases),
            tags: &[Tag::Utility, Tag::Polyphonic],
            inputs: Vec::leak(self.inputs),
            outputs: Vec::leak(self.outputs),
            params: Vec::leak(self.params),
            bypass: Vec::leak(routes.collect()),
            text: Some(Text::Code),
            ..About::BLANK
        };
        let origin = leaked(&self.origin.join(", "));
        Ok(Own { about: Box::leak(Box::new(about)), kept: self.kept, jumps, origin })
    }
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("two {what} are called `{name}`"));
        }
    }
    Ok(())
}

fn short(title: &str) -> Result<&str, String> {
    let is_fit = !title.is_empty() && title.chars().count() <= LONGEST_NAME;
    is_fit.then_some(title).ok_or_else(|| format!("a title has 1 to {LONGEST_NAME} letters"))
}

/// The first word of a line, and what follows it.
fn word<'a>(rest: &mut &'a str, what: &str) -> Result<&'a str, String> {
    let line = rest.trim_start();
    let (word, after) = line.split_once(' ').unwrap_or((line, ""));
    *rest = after.trim();
    if word.is_empty() { Err(format!("here stands {what}")) } else { Ok(word) }
}

fn name(rest: &mut &str) -> Result<&'static str, String> {
    let name = word(rest, "a name")?;
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_fit = name.chars().all(is_letter)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LONGEST_NAME;
    if is_fit {
        return Ok(leaked(name));
    }
    Err(format!(
        "`{name}` is no name: up to {LONGEST_NAME} of a to z, 0 to 9 and -, the first a letter"
    ))
}

fn number(rest: &mut &str, what: &str) -> Result<f32, String> {
    let word = word(rest, what)?;
    let number = word.parse::<f32>().ok().filter(|number| number.abs() <= 1e6);
    number.ok_or_else(|| format!("`{word}` is no number: here stands {what}"))
}

fn read_port(mut rest: &str) -> Result<Port, String> {
    Ok(port(name(&mut rest)?, leaked(rest)))
}

/// `cutoff log 20 20000 440 Hz Where the filter begins`
fn read_param(mut rest: &str) -> Result<Param, String> {
    let rest = &mut rest;
    let name = name(rest)?;
    let taper = word(rest, "`linear` or `log`")?;
    let (start, end) = (number(rest, "the lowest value")?, number(rest, "the highest value")?);
    let default = number(rest, "the value at the start")?;
    let unit = read_unit(word(rest, "a unit, or - for none")?)?;
    check_range(start, end, default)?;
    let help = leaked(rest);
    match taper {
        "linear" => Ok(Param::linear(name, start..=end, default, unit, help)),
        "log" if start > 0.0 => Ok(Param::log(name, start..=end, default, unit, help)),
        "log" => Err("a `log` param has a lowest value above 0".to_owned()),
        _ => Err(format!("`{taper}` is no taper: `linear` or `log`")),
    }
}

/// `voices 1 8 4 How many`
fn read_steps(mut rest: &str) -> Result<Param, String> {
    let rest = &mut rest;
    let name = name(rest)?;
    let (start, end) = (number(rest, "the lowest value")?, number(rest, "the highest value")?);
    let default = number(rest, "the value at the start")?;
    check_range(start, end, default)?;
    if [start, end, default].iter().any(|number| number.fract() != 0.0) {
        return Err("steps are whole numbers".to_owned());
    }
    Ok(Param::steps(name, start..=end, default, leaked(rest)))
}

/// `mode low|band|high low Which part is kept`
fn read_choice(mut rest: &str) -> Result<Param, String> {
    let rest = &mut rest;
    let name = name(rest)?;
    let words: Vec<&'static str> =
        word(rest, "words with | between")?.split('|').map(leaked).collect();
    let start = word(rest, "the word at the start")?;
    let default = words.iter().position(|word| *word == start);
    let default = default.ok_or_else(|| format!("`{start}` is none of its words"))?;
    let is_fit = (2..=32).contains(&words.len())
        && words.iter().all(|word| (1..=LONGEST_NAME).contains(&word.len()));
    if !is_fit {
        return Err(format!("a choice has 2 to 32 words of up to {LONGEST_NAME} letters"));
    }
    once("words", words.iter().copied())?;
    Ok(Param::choice(name, Vec::leak(words), default, leaked(rest)))
}

/// `hold off Whether it holds`
fn read_switch(mut rest: &str) -> Result<Param, String> {
    let rest = &mut rest;
    let name = name(rest)?;
    match word(rest, "`on` or `off`")? {
        "on" => Ok(Param::switch(name, true, leaked(rest))),
        "off" => Ok(Param::switch(name, false, leaked(rest))),
        other => Err(format!("`{other}` is neither `on` nor `off`")),
    }
}

/// `phase f32 16`
fn read_kept(mut rest: &str) -> Result<KeptValue, String> {
    let rest = &mut rest;
    let name = word(rest, "the name of what is kept")?.to_owned();
    let form = word(rest, "f32, f64, i32, u32, i64 or u64")?.to_owned();
    if !["f32", "f64", "i32", "u32", "i64", "u64"].contains(&form.as_str()) {
        return Err(format!("`{form}` is none of f32, f64, i32, u32, i64 and u64"));
    }
    let count = if rest.is_empty() { 1.0 } else { number(rest, "how many of them")? };
    let kept = KeptValue { name, form, count: count as usize };
    let is_fit = count.fract() == 0.0 && count >= 1.0 && kept.bytes() <= OWN_MEMORY_BYTES;
    is_fit.then_some(kept).ok_or_else(|| format!("`{count}` is no number of values"))
}

fn check_range(start: f32, end: f32, default: f32) -> Result<(), String> {
    let is_fit = start < end && (start..=end).contains(&default);
    let what = || "the lowest value lies below the highest, and the start between".to_owned();
    is_fit.then_some(()).ok_or_else(what)
}

fn read_unit(word: &str) -> Result<Unit, String> {
    let unit = match word {
        "-" => Unit::None,
        "V" => Unit::Volts,
        "oct" => Unit::Octaves,
        "st" => Unit::Semitones,
        "ct" => Unit::Cents,
        "Hz" => Unit::Hz,
        "BPM" => Unit::Bpm,
        "s" => Unit::Secs,
        "dB" => Unit::Db,
        "fraction" => Unit::Fraction,
        "turns" => Unit::Turns,
        _ => {
            let units = "V, oct, st, ct, Hz, BPM, s, dB, fraction and turns, or - for none";
            return Err(format!("`{word}` is no unit: there are {units}"));
        }
    };
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = "sostenuto 1
title Glow
summary A filter that glows
aliases lamp, light
author Nobody
licence MIT
# A comment.
input in Signal input
input voct Pitch
output out The filtered signal
param cutoff log 20 20000 440 Hz Where it begins
param depth linear -1 1 0.5 - How much
steps voices 1 8 4 How many
choice mode low|high high Which
switch hold off Whether it holds
keep phase f32 16
keep count u64
";

    #[test]
    fn facts_become_the_page_of_a_module() {
        let own = own(WHOLE).unwrap();
        let about = own.about;
        assert_eq!((about.title, about.aliases), ("Glow", &["lamp", "light"][..]));
        assert_eq!((about.input("voct"), about.output("out")), (Some(1), Some(0)));
        let names: Vec<&str> = about.params.iter().map(|param| param.name).collect();
        assert_eq!(names, ["cutoff", "depth", "voices", "mode", "hold"]);
        assert_eq!((about.params[0].unit, about.params[3].default), (Unit::Hz, 1.0));
        assert_eq!((own.jumps, about.bypass), (0b11100, &[(0, 0)][..]));
        assert_eq!(own.kept.iter().map(KeptValue::bytes).sum::<usize>(), 16 * 4 + 8);
        assert_eq!(own.origin, "Nobody, MIT");
    }

    #[test]
    fn the_same_facts_are_the_same_page_whatever_the_code() {
        let text = |code: &str| format!("{WHOLE}code {code}");
        let [one, other] = [text("AAAA"), text("BBBB")].map(|text| own(&text).unwrap());
        assert!(std::ptr::eq(one.about, other.about));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let cases = [
            ("title A", 1, "first line"),
            ("sostenuto 2\ntitle A", 2, "first line"),
            ("sostenuto 1", 1, "title"),
            ("sostenuto 1\ntitle A\nimput in", 3, "imput"),
            ("sostenuto 1\ntitle A\ninput In", 3, "`In`"),
            ("sostenuto 1\ntitle A\ninput in\ninput in", 4, "two inputs"),
            ("sostenuto 1\nparam x cubic 0 1 0 -", 2, "taper"),
            ("sostenuto 1\nparam x log 0 1 0 -", 2, "above 0"),
            ("sostenuto 1\nparam x linear 1 0 0 -", 2, "below"),
            ("sostenuto 1\nparam x linear 0 NaN 0 -", 2, "NaN"),
            ("sostenuto 1\nparam x linear 0 1 0 m", 2, "unit"),
            ("sostenuto 1\nsteps x 0 1.5 0", 2, "whole"),
            ("sostenuto 1\nchoice x a|b c", 2, "`c`"),
            ("sostenuto 1\nswitch x maybe", 2, "maybe"),
            ("sostenuto 1\nkeep x f16", 2, "f16"),
            ("sostenuto 1\nkeep x f32 1e6", 2, "number of values"),
        ];
        for (text, line, part) in cases {
            let error = own(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
        let many: String = (0..9).map(|n| format!("input i{n}\n")).collect();
        assert!(own(&format!("sostenuto 1\ntitle A\n{many}")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_facts_or_told(text in "(sostenuto 1\n)?([a-z]{0,8} ?[ -~]{0,30}\n){0,6}") {
            if let Err(error) = own(&text) {
                prop_assert!(error.line >= 1 && !error.what.is_empty());
            }
        }
    }
}
