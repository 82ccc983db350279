//! A module's project: a folder with its facts, its source, and the command that builds
//! it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use sostenuto_modules::own::FILE_LINE;
use thiserror::Error;

use crate::check::WasmError;
use crate::facts::with_facts;
use crate::text::text;

/// The file with a module's facts.
pub const FACTS_FILE: &str = "facts.txt";
/// The file with the command that builds it: one line for the system's shell.
pub const BUILD_FILE: &str = "build.txt";
/// What that command makes.
pub const WASM_FILE: &str = "module.wasm";

/// The files of a new project in C, and what is in them.
pub const C_PROJECT: [(&str, &str); 4] = [
    ("sostenuto.h", include_str!("../../../assets/sdk/c/sostenuto.h")),
    (BUILD_FILE, include_str!("../../../assets/sdk/c/build.txt")),
    (FACTS_FILE, include_str!("../../../assets/sdk/wobble/facts.txt")),
    ("module.c", include_str!("../../../assets/sdk/wobble/module.c")),
];

/// Why a project cannot be built, or its module not be had.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum ProjectError {
    #[error("{path} cannot be read: {cause}.")]
    Read { path: PathBuf, cause: io::Error },
    #[error("{path} cannot be written: {cause}.")]
    Write { path: PathBuf, cause: io::Error },
    #[error("{0} is there already.")]
    Taken(PathBuf),
    #[error("The command in {BUILD_FILE} does not start: {0}.")]
    Start(io::Error),
    #[error("The build has failed.\n{0}")]
    Build(String),
    #[error("{0}")]
    Wasm(#[from] WasmError),
}

fn read(path: PathBuf) -> Result<Vec<u8>, ProjectError> {
    fs::read(&path).map_err(|cause| ProjectError::Read { path, cause })
}

fn write(path: PathBuf, bytes: &[u8]) -> Result<(), ProjectError> {
    fs::write(&path, bytes).map_err(|cause| ProjectError::Write { path, cause })
}

/// Makes the folder of a new project, in C.
///
/// # Errors
/// Where it is there already, or cannot be made.
pub fn create(folder: &Path) -> Result<(), ProjectError> {
    if folder.exists() {
        return Err(ProjectError::Taken(folder.to_owned()));
    }
    let failed = |cause| ProjectError::Write { path: folder.to_owned(), cause };
    fs::create_dir_all(folder).map_err(failed)?;
    C_PROJECT.iter().try_for_each(|(name, text)| write(folder.join(name), text.as_bytes()))
}

/// Builds a project, and gives its module the facts.
///
/// # Errors
/// Where the command fails, with what it said.
pub fn build(folder: &Path) -> Result<Vec<u8>, ProjectError> {
    let facts = String::from_utf8_lossy(&read(folder.join(FACTS_FILE))?).into_owned();
    let command = String::from_utf8_lossy(&read(folder.join(BUILD_FILE))?).into_owned();
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let built = Command::new(shell).args([flag, command.trim()]).current_dir(folder).output();
    let built = built.map_err(ProjectError::Start)?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr).trim().to_owned();
        let silent = || format!("The command has ended with {}.", built.status);
        return Err(ProjectError::Build(if said.is_empty() { silent() } else { said }));
    }
    let path = folder.join(WASM_FILE);
    let wasm = with_facts(&read(path.clone())?, &facts);
    write(path, &wasm)?;
    Ok(wasm)
}

/// The text for the module that a file names: a module in WebAssembly, or the facts of a
/// project, which is built.
///
/// # Errors
/// Where it cannot be built, or breaks the contract.
pub fn text_of(file: &Path) -> Result<String, ProjectError> {
    let folder = project_of(file);
    let wasm = match folder {
        Some(folder) => build(folder)?,
        None => read(file.to_owned())?,
    };
    // First, so that who reads the text sees where it is from.
    let file = file.display();
    Ok(format!("{FILE_LINE}{file}\n{}", text(&wasm)?))
}

/// The folder of a project, by the file with its facts.
fn project_of(file: &Path) -> Option<&Path> {
    file.parent().filter(|_| file.file_name().is_some_and(|name| name == FACTS_FILE))
}

/// When what a file's module is made of was changed last. `None` where nothing is there.
pub fn changed(file: &Path) -> Option<SystemTime> {
    let when = |path: &Path| fs::metadata(path).and_then(|facts| facts.modified()).ok();
    let Some(folder) = project_of(file) else { return when(file) };
    let files = fs::read_dir(folder).ok()?.map_while(Result::ok).map(|entry| entry.path());
    let sources = files.filter(|path| path.is_file() && !path.ends_with(WASM_FILE));
    sources.filter_map(|path| when(&path)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = r#"(module (memory (export "memory") 1)
        (func (export "io") (result i32) (i32.const 16)) (func (export "process")))"#;

    #[test]
    fn a_project_is_made_where_nothing_is_and_told_why_it_is_not_built() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("my own");
        create(&project).unwrap();
        assert!(matches!(create(&project), Err(ProjectError::Taken(_))));
        let before = changed(&project.join(FACTS_FILE)).unwrap();
        fs::write(project.join(BUILD_FILE), "echo line 3 is odd >&2 && exit 1").unwrap();
        assert!(changed(&project.join(FACTS_FILE)).unwrap() >= before);
        let error = text_of(&project.join(FACTS_FILE)).unwrap_err().to_string();
        assert!(error.contains("line 3 is odd"), "{error}");
        fs::write(folder.path().join("bare.wasm"), wat::parse_str(BARE).unwrap()).unwrap();
        let error = text_of(&folder.path().join("bare.wasm")).unwrap_err().to_string();
        assert!(error.contains("no facts"), "{error}");
    }
}
