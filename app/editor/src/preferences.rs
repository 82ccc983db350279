//! What this musician likes: kept beside the program's settings, not in patches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::kept;
use super::panel::{Dock, Panel};
use super::theme::Look;

/// How many patches and modules are remembered as recent.
const RECENT: usize = 12;

/// What is done with changes that were not saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsaved {
    /// The musician is asked.
    #[default]
    Ask,
    /// The next start has them.
    Keep,
    /// They are gone.
    Discard,
}

/// What this musician likes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// The colours of the window; light or dark as the system is, if not said.
    pub look: Option<Look>,
    /// How much of what lies under a cable it hides, 0 to 1.
    pub cable_opacity: f32,
    /// How tight cables hang: 0 is loose, 1 is straight.
    pub cable_tension: f32,
    /// The size of everything, as a factor.
    pub scale: f32,
    /// Whether the sound goes on when the window is closed.
    pub keeps_playing: bool,
    /// What is done with unsaved changes when the window closes.
    pub unsaved: Unsaved,
    /// Whether the wheel turns the knob under the pointer.
    pub wheel_turns_knobs: bool,
    /// Whether the keys one writes with play as soon as there is a keyboard.
    pub keys_play: bool,
    /// Panels that are open.
    pub open_panels: BTreeSet<Panel>,
    /// Where panels are that were put somewhere.
    pub docks: BTreeMap<Panel, Dock>,
    /// Modules that are shown first, by kind.
    pub favourites: BTreeSet<String>,
    /// Modules used last, by kind, newest first.
    pub recent_modules: Vec<String>,
    /// Patches opened or saved last, newest first.
    pub recent_patches: Vec<PathBuf>,
    /// Patches in the order in which they are played.
    pub set_list: Vec<PathBuf>,
    /// Files of modules of one's own that were opened by hand: others, which a patch may
    /// name, are not built.
    pub module_files: BTreeSet<PathBuf>,
    /// How long knobs take to a scene, in seconds.
    pub glide_secs: f32,
    /// Whether the patch's scenes are seen under the toolbar.
    pub shows_scenes: bool,
    /// Where recordings go; the system's place for music, if not said.
    pub recordings: Option<PathBuf>,
    /// `f32`, `s24` or `s16`.
    pub recording_format: String,
    /// How the sound was set last: device, rate in Hz, block in frames, blocks ahead.
    pub sound: Option<(String, u32, u32, u32)>,
    /// What Audio In hears: a card's id, `default` or `none`.
    pub input: Option<String>,
    /// Whether the first steps were taken or skipped.
    pub has_seen_guide: bool,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences {
            look: None,
            cable_opacity: 0.8,
            cable_tension: 0.4,
            scale: 1.0,
            keeps_playing: false,
            unsaved: Unsaved::Ask,
            wheel_turns_knobs: true,
            keys_play: true,
            open_panels: BTreeSet::new(),
            docks: BTreeMap::new(),
            favourites: BTreeSet::new(),
            recent_modules: Vec::new(),
            recent_patches: Vec::new(),
            set_list: Vec::new(),
            module_files: BTreeSet::new(),
            glide_secs: 0.0,
            shows_scenes: true,
            recordings: None,
            recording_format: "s24".to_owned(),
            sound: None,
            input: None,
            has_seen_guide: false,
        }
    }
}

impl Preferences {
    /// Reads them; where there are none, or none that can be read, the defaults.
    pub fn load(path: &Path) -> Preferences {
        kept::load(path)
    }

    /// Writes them beside, and puts them in their place.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        kept::save(self, path)
    }

    /// A patch was opened or saved.
    pub fn used_patch(&mut self, path: &Path) {
        self.recent_patches.retain(|recent| recent != path);
        self.recent_patches.insert(0, path.to_owned());
        self.recent_patches.truncate(RECENT);
    }

    /// A module was put on the canvas.
    pub fn used_module(&mut self, kind: &str) {
        self.recent_modules.retain(|recent| recent != kind);
        self.recent_modules.insert(0, kind.to_owned());
        self.recent_modules.truncate(RECENT);
    }
}

/// Where the preferences of this user are kept.
pub fn of_this_user() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "sostenuto")?;
    Some(folders.config_dir().join("preferences.json"))
}
