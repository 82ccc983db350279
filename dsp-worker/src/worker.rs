//! The worker process: warm up, wait, run jobs, stamp.

pub mod evidence;
pub mod faults;
pub mod last_words;
pub mod limits;
pub mod process;
pub mod run;
pub mod state;
pub mod thread;
pub mod warm;
