//! Which panels there are, and where they can be.

use serde::{Deserialize, Serialize};

/// A panel beside the canvas, or above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panel {
    Scenes,
    SetList,
    Health,
    Sound,
    Recorder,
    History,
    Notices,
    Shortcuts,
    Preferences,
}

impl Panel {
    /// Every one, in the order of the menu.
    pub const ALL: [Panel; 9] = [
        Panel::Scenes,
        Panel::SetList,
        Panel::Health,
        Panel::Sound,
        Panel::Recorder,
        Panel::History,
        Panel::Notices,
        Panel::Shortcuts,
        Panel::Preferences,
    ];

    /// What its window and the menu call it.
    pub fn title(self) -> &'static str {
        match self {
            Panel::Scenes => "Scenes",
            Panel::SetList => "Set list",
            Panel::Health => "Health",
            Panel::Sound => "Sound",
            Panel::Recorder => "Recorder",
            Panel::History => "History",
            Panel::Notices => "Notices",
            Panel::Shortcuts => "Keys",
            Panel::Preferences => "Preferences",
        }
    }

    /// How wide its content is, in points.
    pub fn width(self) -> f32 {
        match self {
            Panel::Scenes => 310.0,
            Panel::SetList => 310.0,
            Panel::Health => 460.0,
            Panel::Sound => 400.0,
            Panel::Recorder => 320.0,
            Panel::History => 280.0,
            Panel::Notices => 380.0,
            Panel::Shortcuts => 480.0,
            Panel::Preferences => 330.0,
        }
    }
}

/// Where a panel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dock {
    /// Left of the canvas.
    Left,
    /// Right of the canvas.
    #[default]
    Right,
    /// Above it, where it is dragged to.
    Floating,
}

impl Dock {
    /// Every one, with a sign and words for it.
    pub const ALL: [(Dock, &str, &str); 3] = [
        (Dock::Left, "◀", "Dock left"),
        (Dock::Right, "▶", "Dock right"),
        (Dock::Floating, "▣", "Float"),
    ];
}
