//! The worker, as a program of this package: `cargo test` builds no other's.

fn main() -> std::process::ExitCode {
    dsp_worker::process::main()
}
