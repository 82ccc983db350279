//! The modules of Sostenuto, and the process that computes them.
//!
//! To write a module, read [`module`] and one of [`modules`]; then add your
//! file and its line in [`catalog`]. To hear it in a test, patch it in a
//! [`rig`].

pub mod card;
pub mod catalog;
pub mod clip;
pub mod dsp;
pub mod lane;
pub mod measure;
pub mod module;
pub mod modules;
pub mod moves;
pub mod param;
pub mod protocol;
pub mod rate_change;
pub mod rig;
pub mod signal;
pub mod tape;
pub mod tools;
pub mod units;
pub mod worker;

pub use module::Module;
