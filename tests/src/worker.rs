//! The worker, as a program of this package: `cargo test` builds no other's.
//! Where a script of faults lies beside it, it obeys.

use sostenuto_tests::faults::Scripted;

fn main() -> std::process::ExitCode {
    dsp_worker::process::main_with(|_| Scripted::beside_this_program())
}
