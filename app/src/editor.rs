//! The window: what a musician sees of the patch that a host plays.
//!
//! Nothing that is heard lives here. The [`session`] mirrors the host's patch
//! into a [`model`]; every panel reads that, draws, and pushes what the
//! musician asked for onto [`Asks`](model::Asks), which go back to the host.

pub mod browser;
pub mod canvas;
pub mod entry;
mod errands;
pub mod model;
pub mod module_menu;
pub mod param;
mod parts;
pub mod patching;
mod pen;
pub mod preferences;
pub mod presets;
pub mod randomise;
pub mod screen;
mod search;
pub mod session;
pub mod theme;
