//! The window: what a musician sees of the patch that a host plays.
//!
//! Nothing that is heard lives here. The [`session`] mirrors the host's patch
//! into a [`model`]; every panel reads that, draws, and pushes what the
//! musician asked for onto [`Asks`](model::Asks), which go back to the host.

pub mod entry;
pub mod held;
pub mod model;
pub mod param;
pub mod pen;
pub mod play;
pub mod preferences;
pub mod screen;
pub mod theme;
