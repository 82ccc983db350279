//! The worker, as a program of this package: `cargo test` builds no other's.
//! Where a script of faults lies beside it, it obeys. Where its thread that
//! computes asks for memory, it ends at once.

use sostenuto_tests::faults::Scripted;
use sostenuto_tests::memory::{Counting, Frugal};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> std::process::ExitCode {
    dsp_worker::process::main_with(|_| Frugal::new(Scripted::beside_this_program()))
}
