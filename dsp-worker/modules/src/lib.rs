//! \[rt\] The modules of Sostenuto.
//!
//! To write a module, read [`module`] and one of `modules/`; then add your file
//! there, and its line in `modules.rs` and in [`catalog`]. To hear it in a test, patch it in a
//! [`rig`].

pub mod about;
pub mod card;
pub mod catalog;
pub mod clip;
pub mod face;
pub mod limits;
pub mod module;
mod modules;
pub mod moves;
pub mod own;
pub mod param;
pub mod parts;
pub mod rig;
pub mod state;
pub mod tools;

pub use module::Module;
