//! The program: reads its arguments, does what they say, and says what went
//! wrong in one sentence.

use std::process::ExitCode;

fn main() -> ExitCode {
    sostenuto::cli::run()
}
