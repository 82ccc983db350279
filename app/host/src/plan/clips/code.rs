//! Modules of a musician's own are compiled in a process that is thrown away: neither they
//! nor the compiler can harm the host, and none of it lasts without an end.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use sostenuto_wasm::compile::read_answer;
use sostenuto_wasm::text::{self, TextError};
use thiserror::Error;

/// The word with which the program compiles a module, once, from its standard input to its
/// standard output.
pub const COMPILE: &str = "compile";

/// How long compiling may take; a long module takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of the longest answer.
const LONGEST_ANSWER: u64 = 16 << 20;

/// Why a module of one's own is not played.
#[derive(Debug, Error)]
pub enum CodeError {
    #[error("This module of your own is not played. {0}")]
    Refused(String),
    #[error("This module of your own is not played. {0}")]
    Text(#[from] TextError),
    #[error("This module of your own cannot be compiled: the system refuses to. {0}")]
    System(#[from] std::io::Error),
    #[error("This module of your own cannot be compiled: the compiler ended without a word.")]
    Ended,
    #[error(
        "This module of your own cannot be compiled within {} seconds.",
        PATIENCE.as_secs()
    )]
    TooSlow,
}

/// The module in WebAssembly that a text carries, or that its program makes.
///
/// # Errors
/// Where there is none.
pub fn wasm(text: &str) -> Result<Vec<u8>, CodeError> {
    Ok(text::wasm(text)?)
}

/// The clip of a module of one's own.
///
/// # Errors
/// Where it is refused, or cannot be compiled.
pub fn compile(text: &str) -> Result<Vec<f32>, CodeError> {
    let wasm = wasm(text)?;
    let mut compiler = Command::new(program()?)
        .arg(COMPILE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answer = ask(&mut compiler, &wasm);
    // It has answered, or is not to.
    let _ = compiler.kill();
    let _ = compiler.wait();
    read_answer(&answer?).ok_or(CodeError::Ended)?.map_err(CodeError::Refused)
}

/// This program, unless `SOSTENUTO_COMPILER` says otherwise.
fn program() -> std::io::Result<PathBuf> {
    match std::env::var_os("SOSTENUTO_COMPILER") {
        Some(program) => Ok(program.into()),
        None => std::env::current_exe(),
    }
}

fn ask(compiler: &mut Child, wasm: &[u8]) -> Result<Vec<u8>, CodeError> {
    let (input, output) = (compiler.stdin.take(), compiler.stdout.take());
    let (Some(mut input), Some(output)) = (input, output) else { return Err(CodeError::Ended) };
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new().name("compiler".to_owned()).spawn(move || {
        let mut answer = Vec::new();
        let read = output.take(LONGEST_ANSWER).read_to_end(&mut answer);
        let _ = tell.send(read.map(|_| answer));
    })?;
    // It reads all before it answers; where it has died, it gives no answer.
    let _ = input.write_all(wasm);
    drop(input);
    Ok(told.recv_timeout(PATIENCE).map_err(|_| CodeError::TooSlow)??)
}
