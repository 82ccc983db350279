//! The small language in which a module can be written without a compiler: every line is
//! done for each sample of each channel. `docs/sdk.md` explains it.
//!
//! ```text
//! sostenuto 1
//! title Smooth
//! input in
//! output out
//! param time log 0.001 1 0.1 s How slowly it follows
//! program
//! state level
//! level = level + (in - level) / (time * sample_rate + 1)
//! out = level
//! ```

mod emit;
mod parse;

use sostenuto_modules::own::{OwnError, PROGRAM_LINE, facts_of, own};

use crate::facts::with_facts;

/// A module in WebAssembly for a text with a program.
///
/// # Errors
/// The first line that means nothing.
pub fn compile(text: &str) -> Result<Vec<u8>, OwnError> {
    let facts = facts_of(text);
    let own = own(text)?;
    let before = facts.lines().count() + 1;
    let program = text[facts.len()..].strip_prefix(PROGRAM_LINE).unwrap_or_default();
    let moved = |error: OwnError| OwnError { line: error.line + before, ..error };
    let program = parse::parse(program).map_err(moved)?;
    let (wasm, kept) = emit::emit(&program, own.about).map_err(moved)?;
    Ok(with_facts(&wasm, &format!("{facts}{kept}")))
}

/// Words that mean something in a text with a program: of its facts, of the language, and
/// what a program can call.
pub const WORDS: [&str; 44] = [
    "sostenuto",
    "title",
    "summary",
    "author",
    "licence",
    "input",
    "output",
    "param",
    "steps",
    "choice",
    "switch",
    "linear",
    "log",
    "program",
    "state",
    "table",
    "let",
    "if",
    "else",
    "for",
    "in",
    "and",
    "or",
    "not",
    "pi",
    "tau",
    "sample_rate",
    "channel",
    "abs",
    "clamp",
    "exp",
    "exp2",
    "floor",
    "max",
    "min",
    "pitch",
    "random",
    "rises",
    "round",
    "saw",
    "sine",
    "sqrt",
    "tanh",
    "z",
];

/// Whether a text is a program in this language.
pub fn is_program(text: &str) -> bool {
    text[facts_of(text).len()..].starts_with(PROGRAM_LINE)
}

#[cfg(test)]
mod tests;
