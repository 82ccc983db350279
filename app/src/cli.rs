//! The command line: one file for each command.

mod check;
mod devices;
mod drill;
mod host;
mod modules;
mod options;
mod play;
mod render;
mod replay;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A modular synthesizer whose sound does not stop.
#[derive(Parser)]
#[command(name = "sostenuto", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
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
    Devices(devices::Devices),
}

/// Runs the program with this process's arguments. 0: done; 1: it went wrong,
/// and standard error says how; 2: the arguments make no sense.
pub fn run() -> ExitCode {
    log_to_stderr();
    let result = match Arguments::parse().command {
        Command::Host(command) => command.run(),
        Command::Play(command) => command.run(),
        Command::Render(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Drill(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Modules(command) => command.run(),
        Command::Devices(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sostenuto: {error:#}");
            ExitCode::FAILURE
        }
    }
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
