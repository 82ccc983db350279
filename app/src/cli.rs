//! The command line: one file for each command.

mod card;
mod check;
mod completions;
mod devices;
mod doctor;
mod drill;
mod edit;
mod host;
mod man;
mod module;
mod modules;
mod options;
mod play;
mod render;
mod replay;
mod window;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sostenuto_patch::brief;

/// A modular synthesizer whose sound does not stop.
#[derive(Parser)]
#[command(name = "sostenuto", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    edit: edit::Edit,
}

#[derive(Subcommand)]
enum Command {
    Host(host::Host),
    Play(play::Play),
    Render(render::Render),
    Replay(replay::Replay),
    Drill(drill::Drill),
    Check(check::Check),
    Modules(modules::Modules),
    Module(module::Module),
    Devices(devices::Devices),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::ManPages),
    #[command(hide = true)]
    Card(card::Card),
    /// Compiles one module of a musician's own for a host, from standard input to standard
    /// output
    #[command(hide = true)]
    Compile,
    #[command(hide = true)]
    TryWindow(window::TryWindow),
}

/// Runs the program with this process's arguments. 0: done; 1: it went wrong,
/// and standard error says how; 2: the arguments make no sense.
pub fn run() -> ExitCode {
    log_to_stderr();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => arguments.edit.run(),
        Some(Command::Host(command)) => command.run(),
        Some(Command::Play(command)) => command.run(),
        Some(Command::Render(command)) => command.run(),
        Some(Command::Replay(command)) => command.run(),
        Some(Command::Drill(command)) => command.run(),
        Some(Command::Check(command)) => command.run(),
        Some(Command::Modules(command)) => command.run(),
        Some(Command::Module(command)) => command.run(),
        Some(Command::Devices(command)) => command.run(),
        Some(Command::Doctor(command)) => command.run(),
        Some(Command::Completions(command)) => command.run(),
        Some(Command::Man(command)) => command.run(),
        Some(Command::TryWindow(command)) => command.run(),
        Some(Command::Compile) => return dsp_worker::process::compile(),
        Some(Command::Card(command)) => {
            command.run();
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sostenuto: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, and why: no cause twice, where an error says its own already.
fn sentence(error: &anyhow::Error) -> String {
    let said = error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        cause if said.contains(&cause) => said,
        cause if cause.starts_with(&said) => cause,
        cause => format!("{said}: {cause}"),
    });
    brief(&said).into_owned()
}

/// Whether who read our output has read enough: `sostenuto modules | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// `RUST_LOG=sostenuto=debug` says more.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn an_error_says_each_cause_once_and_no_name_at_length() {
        let cause = anyhow!("it is no crash file");
        let told = cause.context("x.crash: it is no crash file").context("x.crash");
        assert_eq!(sentence(&told), "x.crash: it is no crash file");
        let told = anyhow!("not there").context("a.sostenuto");
        assert_eq!(sentence(&told), "a.sostenuto: not there");
        assert!(sentence(&anyhow!("{} is odd", "y".repeat(6000))).len() < 300);
    }
}
