//! The program, as one of this package: `cargo test` builds no other's.

fn main() -> std::process::ExitCode {
    sostenuto::cli::run()
}
