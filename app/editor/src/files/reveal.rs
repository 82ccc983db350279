//! Shows a file where it lies, in the system's file manager.

use std::path::Path;
use std::process::{Command, Stdio};

/// Opens the file manager there. May take a while: not for the window's thread.
///
/// # Errors
/// Where there is no file manager.
pub fn reveal(path: &Path) -> std::io::Result<()> {
    let mut command = command(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Waited for, so that it leaves no zombie; what it answers is its own affair.
    command.spawn()?.wait().map(drop)
}

#[cfg(not(any(target_os = "macos", windows)))]
fn command(path: &Path) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(path.parent().unwrap_or(path));
    command
}

#[cfg(target_os = "macos")]
fn command(path: &Path) -> Command {
    let mut command = Command::new("open");
    command.arg("-R").arg(path);
    command
}

#[cfg(windows)]
fn command(path: &Path) -> Command {
    use std::os::windows::process::CommandExt;

    let mut command = Command::new("explorer");
    // Not `arg`: it would put the quotes where Explorer does not look for them.
    command.raw_arg(format!("/select,\"{}\"", path.display()));
    command
}
