//! What is at hand in one frame of the window.

use super::model::{Asks, Model};
use super::preferences::Preferences;
use super::theme::Theme;

/// What every panel reads, and what it may change.
pub struct Moment<'a> {
    /// Colours.
    pub theme: &'a Theme,
    /// What the host said.
    pub model: &'a Model,
    /// What this musician likes.
    pub preferences: &'a mut Preferences,
    /// What the musician asks for.
    pub asks: &'a mut Asks,
}
