//! The process that computes modules: plans, the runner, warm-up, and what it
//! says when it dies.

pub mod evidence;
pub mod faults;
pub mod last_words;
pub mod limits;
pub mod process;
pub mod protocol;
pub mod rights;
pub mod run;
pub mod thread;
pub mod warm;
