//! The window: what a musician sees of the patch that a host plays.
//!
//! Nothing that is heard lives here. The [`session`] mirrors the host's patch
//! into a [`model`]; every panel reads that, draws, and pushes what the
//! musician asked for onto [`Asks`](model::Asks), which go back to the host.

mod arrange;
pub mod browser;
pub mod canvas;
mod errands;
mod factory;
pub mod files;
mod following;
#[cfg(test)]
mod glyphs;
mod guide;
mod habits;
mod health;
mod held;
mod history_view;
mod kept;
mod keyboard;
pub mod last_time;
mod meter;
pub mod model;
mod module_menu;
pub mod moment;
mod notices;
mod own_modules;
mod panel;
mod panels;
mod param;
mod part_menu;
mod parts;
pub mod patching;
mod pen;
#[cfg(test)]
mod pictures;
pub mod places;
mod play;
pub mod preferences;
mod preferences_panel;
mod presets;
pub mod probe;
mod program;
mod randomise;
mod recorder;
mod scenes;
mod screen;
mod search;
pub mod session;
mod set_list;
mod shortcuts;
mod sound_settings;
mod stage;
pub mod theme;
mod transport;
mod tuning;
mod wheel;
pub mod window;
mod workshop;
