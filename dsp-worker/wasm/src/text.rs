//! The text of a Code module: its facts, and behind them its code or its program, so that a
//! patch carries all that it plays.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sostenuto_modules::own::{CODE_LINE, OwnError, facts_of};
use thiserror::Error;

use crate::check::{WasmError, check};
use crate::language;

/// Why a text carries no module.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "every variant says its sentence")]
pub enum TextError {
    #[error("It has facts, and no code yet.")]
    NoCode,
    #[error("It is damaged: its code cannot be read.")]
    Damaged,
    #[error("Its program cannot be read: {0}.")]
    Program(#[from] OwnError),
}

/// The text for a module in WebAssembly.
///
/// # Errors
/// Where it breaks the contract.
pub fn text(wasm: &[u8]) -> Result<String, WasmError> {
    let checked = check(wasm)?;
    let facts = checked.facts.trim_end();
    Ok(format!("{facts}\n{CODE_LINE}{}\n", BASE64.encode(wasm)))
}

/// The module in WebAssembly that a text carries, or that its program makes.
///
/// # Errors
/// Where there is none.
pub fn wasm(text: &str) -> Result<Vec<u8>, TextError> {
    if language::is_program(text) {
        return Ok(language::compile(text)?);
    }
    let code = text[facts_of(text).len()..].strip_prefix(CODE_LINE).ok_or(TextError::NoCode)?;
    BASE64.decode(code.trim()).map_err(|_| TextError::Damaged)
}
