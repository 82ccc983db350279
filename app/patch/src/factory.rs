//! What comes with the program: patches, templates to begin with, sounds and tunings.

use super::{Patch, file};

/// A patch that comes with the program.
#[derive(Debug)]
pub struct Factory {
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

macro_rules! factory {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(Factory {
            name: $name,
            text: include_str!(concat!("../../../assets/", $folder, "/", $name, ".sostenuto")),
        }),*]
    };
}

macro_rules! sounds {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!($name, ".wav"),
            include_bytes!(concat!("../../../assets/sounds/", $name, ".wav")),
        )),*]
    };
}

macro_rules! tunings {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!($name, ".scl"),
            include_str!(concat!("../../../assets/tunings/", $name, ".scl")),
        )),*]
    };
}

/// Patches to hear, the first to be heard first.
pub static PATCHES: &[Factory] = factory![
    "patches": "first-sound", "paper-lantern", "high-nave", "concrete-floor", "last-tram",
    "tin-parliament", "five-wheels", "bass-line", "pad", "glass-memory", "copper-orchard",
    "broken-escalator", "rain-on-wire", "relay-canon", "tide-pools", "ambient", "krell",
    "held-light", "rust-weather", "percussion", "night-train", "grid-groove", "weather-glass",
    "feedback", "poly-keys",
];

/// Patches to begin with, the simplest first.
pub static TEMPLATES: &[Factory] =
    factory!["templates": "empty", "mono-voice", "poly-voice", "groove"];

/// Groups that can be had as modules are, by the names that they are linked by.
pub static GROUPS: &[Factory] = factory![
    "library":
    "Analogue Voice",
    "Acid Line",
    "Wobble Bass",
    "FM Bell",
    "Karplus Ensemble",
    "Vowel Choir",
    "Drum Machine",
    "Generative Melody",
    "Granular Cloud",
    "Channel Strip",
    "Dub Echo",
    "Ambient Space",
];

/// Sounds that modules can play, by the names of their files.
pub static SOUNDS: &[(&str, &[u8])] = sounds!["hat", "kick", "pluck", "snare"];

/// Scala files of tunings, by their names: equal steps, just, well tempered, without octaves,
/// and of other musics.
pub static TUNINGS: &[(&str, &str)] = tunings![
    "12-edo",
    "5-edo",
    "7-edo",
    "19-edo",
    "22-edo",
    "24-edo",
    "31-edo",
    "53-edo",
    "just-12",
    "ptolemy-7",
    "partch-43",
    "harmonics-8-16",
    "pythagorean-12",
    "meantone-quarter-comma",
    "werckmeister-iii",
    "kirnberger-iii",
    "vallotti",
    "young",
    "bohlen-pierce",
    "carlos-alpha",
    "carlos-beta",
    "carlos-gamma",
    "slendro",
    "pelog",
];

/// The bytes of a sound that comes with the program.
pub fn sound(name: &str) -> Option<&'static [u8]> {
    SOUNDS.iter().find(|(own, _)| *own == name).map(|(_, bytes)| *bytes)
}

/// The text of a tuning that comes with the program.
pub fn tuning(name: &str) -> Option<&'static str> {
    TUNINGS.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

impl Factory {
    /// The patch.
    pub fn patch(&self) -> Patch {
        // A test reads them all.
        file::read(self.text.as_bytes()).expect("it comes with this program")
    }

    /// What it is called.
    pub fn title(&self) -> String {
        self.patch().title
    }

    /// What it is and how to play it.
    pub fn description(&self) -> String {
        self.patch().description
    }
}

#[cfg(test)]
mod tuning_tests;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn all() -> impl Iterator<Item = &'static Factory> {
        PATCHES.iter().chain(TEMPLATES)
    }

    #[test]
    fn whatever_lies_in_the_folder_is_in_the_list() {
        for (folder, list) in [("patches", PATCHES), ("templates", TEMPLATES)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets").join(folder);
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
            let files: BTreeSet<String> =
                files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
            let names: BTreeSet<String> = list.iter().map(|own| own.name.to_owned()).collect();
            assert_eq!(names, files);
            assert_eq!(list.len(), files.len());
        }
    }

    #[test]
    fn every_sound_in_the_folder_comes_with_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/sounds");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
        assert_eq!(
            SOUNDS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(),
            files
        );
    }

    #[test]
    fn as_a_file_from_before_delays_every_one_is_the_same_patch() {
        for own in all() {
            let mut file: serde_json::Value = serde_json::from_str(own.text).unwrap();
            file.as_object_mut().unwrap().remove("delayed");
            file["sostenuto"] = 1.into();
            assert_eq!(file::read(file.to_string().as_bytes()).unwrap(), own.patch());
        }
    }

    #[test]
    fn every_one_is_written_as_the_program_writes_it_and_says_what_it_is() {
        for own in all() {
            let patch = own.patch();
            // Git may have changed the ends of lines on Windows.
            assert_eq!(file::write(&patch), own.text.replace("\r\n", "\n"), "{}", own.name);
            assert!(!own.title().is_empty() && !own.description().is_empty(), "{}", own.name);
            assert_eq!(patch.about_placeholders(), None, "{}", own.name);
            assert!(patch.modules.values().any(|module| &*module.kind == "audio-out"));
        }
    }
}
