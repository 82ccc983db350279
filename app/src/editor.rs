//! The window: what a musician sees of the patch that a host plays.
//!
//! Nothing that is heard lives here. The [`session`] mirrors the host's patch
//! into a [`model`]; every panel reads that, draws, and pushes what the
//! musician asked for onto [`Asks`](model::Asks), which go back to the host.

pub mod browser;
mod errands;
pub mod files;
pub mod guide;
pub mod model;
pub mod module_menu;
pub mod notices;
mod parts;
pub mod preferences;
pub mod preferences_panel;
pub mod presets;
pub mod randomise;
mod search;
pub mod shortcuts;
pub mod theme;
pub mod transport;
