//! Presets: how one module was set, to be found again in any patch.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sostenuto_modules::module::About;
use sostenuto_modules::param::Taper;
use sostenuto_patch::{ModuleId, Name, PatchModule, find_kind};

use super::model::Asks;

pub(crate) mod factory;
pub(crate) mod shelf;

pub use shelf::Presets;

/// Where a module's params stand, in their units.
pub type Settings = BTreeMap<Name, f32>;

/// The version of the files that this program writes, and the newest it reads.
const VERSION: u64 = 1;

/// How one kind of module was set.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The kind.
    pub kind: Name,
    /// What the musician calls it.
    pub name: String,
    /// Params that are not here are at their default.
    pub settings: Settings,
    /// Its sound, formula or melody; empty where it is to keep what it has.
    pub text: Name,
}

#[derive(Serialize, Deserialize)]
struct PresetFile {
    #[serde(rename = "sostenuto-preset")]
    version: u64,
    kind: String,
    name: String,
    params: BTreeMap<String, Written>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
}

/// A number, or the word of a choice: those still mean the same when a later
/// version has more of them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f32),
    Word(String),
}

impl Preset {
    /// How a module stands now.
    pub fn of(name: &str, module: &PatchModule) -> Preset {
        let settings = module.params.clone();
        let (kind, text) = (module.kind.clone(), module.text.clone());
        Preset { kind, name: name.trim().to_owned(), settings, text }
    }

    /// Reads a preset's file. What this version does not know of is left out,
    /// and what is out of range is brought into it. `None` where it is no preset.
    pub fn read(text: &[u8]) -> Option<Preset> {
        let file: PresetFile = serde_json::from_slice(text).ok()?;
        let about = find_kind(&file.kind).ok().filter(|_| file.version <= VERSION)?;
        let settings = file.params.into_iter().filter_map(|(name, written)| {
            let param = &about.params[about.param(&name)?];
            let value = match written {
                Written::Number(value) => value,
                Written::Word(word) => param.parse(&word)?,
            };
            Some((Name::from(name), param.legal(value)))
        });
        let settings = settings.collect();
        let text = file.text.into();
        Some(Preset { kind: file.kind.into(), name: file.name, settings, text })
    }

    /// The text of its file.
    pub fn write(&self) -> String {
        let about = find_kind(&self.kind).ok();
        let params = self.settings.iter();
        let params = params.map(|(name, &value)| (name.to_string(), written(about, name, value)));
        let file = PresetFile {
            version: VERSION,
            kind: self.kind.to_string(),
            name: self.name.clone(),
            params: params.collect(),
            text: self.text.to_string(),
        };
        serde_json::to_string_pretty(&file).expect("words and finite numbers are JSON") + "\n"
    }

    /// Its file, in a folder of presets.
    pub fn path(&self, folder: &std::path::Path) -> PathBuf {
        folder.join(&*self.kind).join(stem(&self.name) + ".json")
    }
}

fn written(about: Option<&About>, name: &str, value: f32) -> Written {
    let param = about.and_then(|about| Some(&about.params[about.param(name)?]));
    match param.map(|param| param.taper) {
        Some(Taper::Choice(words)) => match words.get(value as usize) {
            Some(&word) => Written::Word(word.to_owned()),
            None => Written::Number(value),
        },
        _ => Written::Number(value),
    }
}

/// A name as a file on every system may be called: names that differ only in
/// what files cannot say become one.
pub fn stem(name: &str) -> String {
    let dashed = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let text: String = name.trim().to_lowercase().chars().map(dashed).take(60).collect();
    let text = text.trim_matches('-');
    // What Windows keeps for itself ("Naming Files, Paths, and Namespaces").
    let device = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_device = ["con", "prn", "aux", "nul", "com", "lpt"].contains(&device);
    match text {
        "" => "preset".to_owned(),
        text if is_device => format!("{text}-preset"),
        text => text.to_owned(),
    }
}

/// Sets a module, as one undo step. What `settings` does not name goes to its
/// default; what stands there already is not touched.
pub fn set_all(id: &ModuleId, module: &PatchModule, settings: &Settings, asks: &mut Asks) {
    let Ok(about) = module.about() else { return };
    let gesture = asks.begin_gesture();
    for param in about.params {
        let value = settings.get(param.name).copied().unwrap_or(param.default);
        if module.param(param.name) != Some(value) {
            asks.set_param(id, param.name, value, gesture);
        }
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::catalog::CATALOG;

    use super::*;
    use crate::randomise::randomised;
    use sostenuto_osc::message::Request;
    use sostenuto_osc::message::param::SetParam;

    #[test]
    fn every_module_is_read_as_it_was_written() {
        for entry in CATALOG {
            let mut module = PatchModule::new(entry.about.name, 0.0, 0.0);
            module.params = randomised(entry.about, &module, 3);
            module.text = entry.about.text.map(|_| "a text").unwrap_or_default().into();
            let preset = Preset::of(" Mine ", &module);
            assert_eq!(preset.name, "Mine");
            assert_eq!(Preset::read(preset.write().as_bytes()), Some(preset));
        }
    }

    #[test]
    fn a_choice_is_written_as_its_word() {
        let mut module = PatchModule::new("delay", 0.0, 0.0);
        module.params.insert("ping-pong".into(), 1.0);
        let text = Preset::of("Wide", &module).write();
        assert!(text.contains(r#""ping-pong": "on""#), "{text}");
    }

    #[test]
    fn what_is_not_known_is_left_out_and_what_is_too_much_is_brought_back() {
        let text = r#"{"sostenuto-preset": 1, "kind": "ladder", "name": "x",
            "params": {"cutoff": 1e9, "colour": 3, "resonance": "much"}}"#;
        let preset = Preset::read(text.as_bytes()).unwrap();
        assert_eq!(preset.settings, Settings::from([("cutoff".into(), 20_000.0)]));
        for bad in
            ["", "{}", r#"{"sostenuto-preset": 2, "kind": "ladder", "name": "", "params": {}}"#]
        {
            assert_eq!(Preset::read(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_name_becomes_a_file_on_every_system() {
        assert_eq!(stem(" Dub Tape! "), "dub-tape");
        assert_eq!(stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(stem("Größe 2"), "größe-2");
        assert_eq!(stem("com1"), "com1-preset");
        assert_eq!(stem("???"), "preset");
        assert!(stem(&"x".repeat(999)).len() <= 60);
    }

    #[test]
    fn a_module_is_set_in_one_gesture_and_nothing_in_vain() {
        let mut module = PatchModule::new("adsr", 0.0, 0.0);
        module.params = Settings::from([("attack".into(), 1.0), ("decay".into(), 0.1)]);
        let mut asks = Asks::default();
        let settings = Settings::from([("attack".into(), 0.2), ("decay".into(), 0.1)]);
        set_all(&"adsr".parse().unwrap(), &module, &settings, &mut asks);
        let [Request::SetParam(SetParam { param, gesture, .. })] = asks.requests.as_slice() else {
            panic!("{:?}", asks.requests)
        };
        assert_eq!((&**param, *gesture), ("attack", 1));
        set_all(&"adsr".parse().unwrap(), &module, &Settings::new(), &mut asks);
        let gestures = asks.requests[1..].iter().map(|request| match request {
            Request::SetParam(SetParam { gesture, .. }) => *gesture,
            other => panic!("{other:?}"),
        });
        assert_eq!(gestures.collect::<Vec<_>>(), [2, 2]);
    }
}
