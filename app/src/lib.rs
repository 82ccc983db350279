//! The parts of Sostenuto without a window, so that tests can start them.

pub mod cli;
mod disk;
pub mod editor;
pub mod entry;
pub mod host;
pub mod osc;
pub mod patch;
