//! Stems: what each module that is cabled to an Audio Out sends there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use sostenuto_host::engine::Frame;
use sostenuto_modules::module::Role;
use sostenuto_patch::{Cable, Edit, ModuleId, Patch, PatchModule, apply};

/// The patch, in which only one module is heard.
pub struct Stem {
    pub patch: Patch,
    /// Whether left and right are its own. A right that is not is what an Audio Out makes of
    /// its left where nothing is patched into its right; in the whole patch something is.
    pub sides: [bool; 2],
}

impl Stem {
    /// What is its own of what is heard.
    pub fn heard<'a>(&self, frames: &'a [Frame]) -> Cow<'a, [Frame]> {
        if self.sides == [true; 2] {
            return Cow::Borrowed(frames);
        }
        let own = |side: usize, frame: &Frame| if self.sides[side] { frame[side] } else { 0.0 };
        frames.iter().map(|frame| [own(0, frame), own(1, frame)]).collect()
    }
}

/// The stems of a patch, by what their files are called: a module that is cabled to several
/// Audio Outs has one for each.
pub fn stems(patch: &Patch) -> Vec<(String, Stem)> {
    let is_out = |id: &ModuleId| {
        patch.modules.get(id).is_some_and(|module: &PatchModule| module.has_role(Role::AudioOut))
    };
    let heard = patch.cables.iter().filter(|cable| is_out(&cable.to.module));
    let heard: Vec<&Cable> = heard.filter(|cable| !patch.is_dead(cable)).collect();
    let outs: BTreeSet<&ModuleId> = heard.iter().map(|cable| &cable.to.module).collect();
    let pairs: BTreeSet<(&ModuleId, &ModuleId)> =
        heard.iter().map(|cable| (&cable.from.module, &cable.to.module)).collect();
    let stem = |(source, out): (&ModuleId, &ModuleId)| {
        let is_own = |cable: &Cable| cable.from.module == *source && cable.to.module == *out;
        let has_right = |cable: &&&Cable| cable.to.module == *out && &*cable.to.port == "right";
        let mut alone = patch.clone();
        for cable in heard.iter().filter(|cable| !is_own(cable)) {
            let unplug = Edit::Disconnect((*cable).clone());
            apply(&mut alone, unplug).expect("the cable is in the patch");
        }
        let is_right_patched = heard.iter().any(|cable| has_right(&cable));
        let has_own_right = heard.iter().any(|cable| has_right(&cable) && is_own(cable));
        let sides = [true, has_own_right || !is_right_patched];
        let name = match outs.len() {
            1 => source.to_string(),
            _ => format!("{source} to {out}"),
        };
        (name, Stem { patch: alone, sides })
    };
    pairs.into_iter().map(stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(kinds: &[(&str, &str)], cables: &[&str]) -> Patch {
        let mut patch = Patch::default();
        for (id, kind) in kinds {
            patch.modules.insert(id.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
        }
        for cable in cables {
            apply(&mut patch, Edit::Connect(cable.parse().unwrap())).unwrap();
        }
        patch
    }

    #[test]
    fn a_module_on_one_side_is_on_that_side_only_where_the_other_is_patched() {
        let kinds = [("a", "vco"), ("b", "vco"), ("out", "audio-out")];
        let both = patch(&kinds, &["a.saw -> out.left", "b.saw -> out.right"]);
        let sides: Vec<(String, [bool; 2])> =
            stems(&both).into_iter().map(|(name, stem)| (name, stem.sides)).collect();
        assert_eq!(sides, [("a".to_owned(), [true, false]), ("b".to_owned(), [true, true])]);
        let left = patch(&kinds, &["a.saw -> out.left", "b.saw -> out.left"]);
        assert!(stems(&left).iter().all(|(_, stem)| stem.sides == [true, true]));
        let one = &stems(&both)[0].1;
        assert_eq!(*one.heard(&[[0.5, 0.5]]), [[0.5, 0.0]]);
    }

    #[test]
    fn only_its_own_cables_reach_the_audio_out_and_all_others_stay() {
        let kinds = [("a", "vco"), ("b", "vco"), ("out", "audio-out"), ("other", "audio-out")];
        let cables =
            ["a.saw -> b.voct", "a.saw -> out.left", "b.saw -> out.left", "a.sine -> other.left"];
        let stems = stems(&patch(&kinds, &cables));
        let names: Vec<&str> = stems.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["a to other", "a to out", "b to out"]);
        let left: Vec<String> = stems[1].1.patch.cables.iter().map(ToString::to_string).collect();
        assert_eq!(left, ["a.saw -> b.voct", "a.saw -> out.left"]);
    }
}
