//! The window: what a musician sees of the patch that a host plays.
//!
//! Nothing that is heard lives here. The [`session`] mirrors the host's patch
//! into a [`model`]; every panel reads that, draws, and pushes what the
//! musician asked for onto [`Asks`](model::Asks), which go back to the host.

pub mod canvas;
pub mod entry;
pub mod model;
pub mod param;
pub mod patching;
pub mod pen;
pub mod preferences;
pub mod screen;
pub mod session;
pub mod theme;
pub mod browser;
mod errands;
pub mod module_menu;
mod parts;
pub mod presets;
pub mod randomise;
mod search;
