//! The worker process: warm up, wait, run jobs, stamp.

pub mod state;
