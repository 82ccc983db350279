//! The window: what a musician sees of the patch that a host plays.
//!
//! Nothing that is heard lives here. The [`session`] mirrors the host's patch
//! into a [`model`]; every panel reads that, draws, and pushes what the
//! musician asked for onto [`Asks`](model::Asks), which go back to the host.

pub mod arrange;
pub mod browser;
pub mod canvas;
mod errands;
pub mod factory;
pub mod files;
pub mod guide;
pub mod health;
pub mod held;
pub mod history_view;
pub mod keyboard;
pub mod model;
pub mod module_menu;
pub mod notices;
pub mod panels;
pub mod param;
mod parts;
pub mod patching;
pub mod pen;
pub mod places;
pub mod play;
pub mod preferences;
pub mod preferences_panel;
pub mod presets;
pub mod probe;
pub mod randomise;
pub mod recorder;
pub mod screen;
mod search;
pub mod session;
pub mod shortcuts;
pub mod sound_settings;
pub mod theme;
pub mod transport;
mod wheel;
pub mod window;
