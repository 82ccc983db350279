//! Tunes modules: by a Scala file that is dropped or chosen, or by one that comes along.

use std::path::Path;

use sostenuto_dsp::tuning::scala::Scale;
use sostenuto_modules::clip::{Text, retuned};
use sostenuto_patch::factory;
use sostenuto_patch::sounds::FACTORY;
use sostenuto_patch::{Edit, ModuleId, Patch, PatchModule};

use super::parts::file_title;

/// Where the scales of a module can be chosen, this one is its tuning's.
const FROM_FILE: (&str, &str) = ("scale", "from file");

/// What a module's text is, if it takes a tuning.
pub fn tuned_form(module: &PatchModule) -> Option<Text> {
    module.text_form().filter(|form| form.takes_tuning())
}

/// Gives a module another tuning, whose files stand a line each; empty for none. `None` where
/// it takes none.
pub fn tune(module: &PatchModule, id: &ModuleId, tuning: &str) -> Option<Edit> {
    let text = tuned_form(module)?.with_tuning(&module.text, tuning);
    let mut edits = vec![Edit::SetText { module: id.clone(), text: text.into() }];
    edits.extend(from_file(module, id).filter(|_| !tuning.is_empty()));
    Some(Edit::Several(edits))
}

/// Gives a module a file as its scale or as its keyboard mapping. `None` where it takes none.
pub fn retune(patch: &Patch, id: &ModuleId, file: &str) -> Option<Edit> {
    let module = patch.modules.get(id)?;
    let tuning = tuned_form(module)?.tuning(&module.text);
    tune(module, id, &retuned(&tuning, file))
}

/// The same for all that take one. `None` where there are none.
pub fn retune_all(patch: &Patch, file: &str) -> Option<Edit> {
    let edits: Vec<Edit> = patch.modules.keys().filter_map(|id| retune(patch, id, file)).collect();
    (!edits.is_empty()).then_some(Edit::Several(edits))
}

/// What a musician calls a tuning.
pub fn name(tuning: &str) -> String {
    let names: Vec<String> = tuning.lines().map(file_name).collect();
    names.join(" · ")
}

/// What a tuning that comes along says of itself.
pub fn description(text: &str) -> String {
    Scale::read(text).map(|scale| scale.description).unwrap_or_default()
}

fn file_name(file: &str) -> String {
    match file.strip_prefix(FACTORY).and_then(factory::tuning) {
        Some(text) => short(&description(text)).to_owned(),
        None => file_title(Path::new(file)),
    }
}

/// Of a description, what comes before the details.
pub fn short(description: &str) -> &str {
    description.split([':', ',']).next().unwrap_or_default()
}

fn from_file(module: &PatchModule, id: &ModuleId) -> Option<Edit> {
    let about = module.about().ok()?;
    let param = &about.params[about.param(FROM_FILE.0)?];
    let value = param.parse(FROM_FILE.1)?;
    Some(Edit::SetParam { module: id.clone(), param: param.name.into(), value })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sostenuto_patch::{apply, factory};

    use super::*;

    fn patch() -> Patch {
        let mut patch = Patch::default();
        for kind in ["quantizer", "keyboard", "piano-roll", "tuner", "vco"] {
            patch.modules.insert(kind.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
        }
        patch.modules.get_mut("piano-roll").unwrap().text = "0 1 C4".into();
        patch
    }

    #[test]
    fn a_file_tunes_all_that_take_a_tuning_in_one_step() {
        let mut patch = patch();
        let edit = retune_all(&patch, "/a.scl").unwrap();
        let back = apply(&mut patch, edit).unwrap();
        let texts = ["keyboard", "piano-roll", "quantizer", "tuner", "vco"]
            .map(|id| patch.modules[id].text.to_string());
        assert_eq!(texts, ["/a.scl", "tuning /a.scl\n0 1 C4", "/a.scl", "/a.scl", ""]);
        let scale = patch.modules["quantizer"].param("scale").unwrap();
        let about = patch.modules["quantizer"].about().unwrap();
        assert_eq!(about.params[0].show(scale), "from file");
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, super::tests::patch());
        assert_eq!(retune_all(&Patch::default(), "/a.scl"), None);
    }

    #[test]
    fn a_mapping_joins_the_scale_and_none_takes_both_away() {
        let mut patch = patch();
        let id: ModuleId = "keyboard".parse().unwrap();
        for file in ["/a.scl", "/keys.kbm"] {
            let edit = retune(&patch, &id, file).unwrap();
            apply(&mut patch, edit).unwrap();
        }
        let tuning = Text::Tuning.tuning(&patch.modules["keyboard"].text);
        assert_eq!(name(&tuning), "keys · a");
        let edit = tune(&patch.modules["keyboard"], &id, "").unwrap();
        apply(&mut patch, edit).unwrap();
        assert_eq!(&*patch.modules["keyboard"].text, "");
        assert_eq!(retune(&patch, &"vco".parse().unwrap(), "/a.scl"), None);
    }

    #[test]
    fn tunings_that_come_along_have_names_of_their_own() {
        let names: BTreeSet<String> =
            factory::TUNINGS.iter().map(|(file, _)| name(&format!("{FACTORY}{file}"))).collect();
        assert_eq!(names.len(), factory::TUNINGS.len());
        assert!(names.contains("Werckmeister III"));
        assert!(names.iter().all(|name| (5..40).contains(&name.len())), "{names:?}");
    }
}
