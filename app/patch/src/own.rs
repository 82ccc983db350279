//! Modules of one's own whose code has changed, and with it perhaps what they have.

use std::collections::BTreeSet;

use super::problem::Problem;
use super::scene::Kept;
use super::{Cable, Edit, ModuleId, Name, Part, Patch, PatchModule};

impl Patch {
    /// Takes away what a module does not have any more: cables, and where params stand.
    /// `was` is the module before. Returns what brings it back, once the module is as it
    /// was.
    pub(super) fn fit_to_own(
        &mut self,
        id: &ModuleId,
        was: &PatchModule,
    ) -> Result<Vec<Edit>, Problem> {
        let about = self.module(id.as_str())?.about()?;
        let module = self.module_mut(id)?;
        let fits = |name: &str, value: f32| {
            let param = about.param(name).map(|index| &about.params[index]);
            param.is_some_and(|param| param.range.contains(&value) && param.legal(value) == value)
        };
        let default = |name: &str| about.param(name).map(|index| about.params[index].default);
        module.params.retain(|name, value| fits(name, *value) && default(name) != Some(*value));
        module.scenes.values_mut().for_each(|kept| kept.retain(|name, value| fits(name, *value)));
        module.scenes.retain(|_, kept| !kept.is_empty());
        let parts = module.shown.keys().chain(module.titles.keys()).chain(module.staged.keys());
        let gone: BTreeSet<Part> =
            parts.filter(|part| module.check_part(id, part).is_err()).cloned().collect();
        for part in &gone {
            module.shown.remove(part);
            module.titles.remove(part);
            module.staged.remove(part);
        }
        module.locked.retain(|name| about.param(name).is_some());
        let mut back = restored(id, was, module);
        let lost: Vec<Cable> =
            self.cables_of(id).filter(|c| self.check_cable(c).is_err()).cloned().collect();
        if !lost.is_empty() {
            back.extend(self.pull_out(&lost));
        }
        Ok(back)
    }
}

/// What makes a module's params and scenes, and what its parts are, what they were.
fn restored(id: &ModuleId, was: &PatchModule, now: &PatchModule) -> Vec<Edit> {
    let mut back = Vec::new();
    let default = |name: &Name| {
        let about = was.about().ok()?;
        about.param(name).map(|index| about.params[index].default)
    };
    let names: BTreeSet<&Name> = was.params.keys().chain(now.params.keys()).collect();
    for name in names {
        let value = was.params.get(name).copied().or_else(|| default(name));
        if let Some(value) = value.filter(|_| was.params.get(name) != now.params.get(name)) {
            back.push(Edit::SetParam { module: id.clone(), param: name.clone(), value });
        }
    }
    for (&number, kept) in &was.scenes {
        if now.scenes.get(&number) != Some(kept) {
            let values: Option<Kept> = Some(kept.clone());
            back.push(Edit::KeepInScene { module: id.clone(), number, values });
        }
    }
    let of = |part: &Part| (id.clone(), part.clone());
    for (part, &levels) in was.shown.iter().filter(|(part, _)| !now.shown.contains_key(part)) {
        let (module, part) = of(part);
        back.push(Edit::SetShown { module, part, levels });
    }
    for (part, title) in was.titles.iter().filter(|(part, _)| !now.titles.contains_key(part)) {
        let (module, part) = of(part);
        back.push(Edit::SetPartTitle { module, part, title: title.clone() });
    }
    for (part, &staged) in was.staged.iter().filter(|(part, _)| !now.staged.contains_key(part)) {
        let (module, part) = of(part);
        back.push(Edit::SetStaged { module, part, staged: Some(staged) });
    }
    for param in was.locked.difference(&now.locked).cloned() {
        back.push(Edit::SetLocked { module: id.clone(), param, is_locked: true });
    }
    back
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stage::Staged;
    use crate::testing::{id, titled};
    use crate::{PatchModule, apply};

    const ONE: &str = "sostenuto 1\ntitle One\ninput in\ninput voct\noutput out\nparam cutoff log 20 20000 440 Hz\nparam depth linear 0 1 0.5 -\n";
    const TWO: &str = "sostenuto 1\ntitle Two\ninput in\noutput low\noutput out\nparam cutoff log 20 2000 440 Hz\n";

    fn added(name: &str, kind: &str) -> Edit {
        Edit::AddModule { id: id(name), module: PatchModule::new(kind, 0.0, 0.0) }
    }

    fn text(module: &str, text: &str) -> Edit {
        Edit::SetText { module: id(module), text: text.into() }
    }

    fn patched() -> Patch {
        let mut patch = Patch::default();
        let cable = |text: &str| Edit::Connect(text.parse().unwrap());
        let param =
            |name: &str, value| Edit::SetParam { module: id("own"), param: name.into(), value };
        let scene = Edit::SetScene { number: 1, title: Some("Loud".to_owned()) };
        let kept = [("cutoff".into(), 9000.0), ("depth".into(), 0.25)].into();
        let kept = Edit::KeepInScene { module: id("own"), number: 1, values: Some(kept) };
        let staged = Some(Staged::default());
        let part: Part = "param depth".parse().unwrap();
        let on_stage = Edit::SetStaged { module: id("own"), part, staged };
        let edits = [
            added("own", "code"),
            added("lfo", "lfo"),
            added("vca", "vca"),
            text("own", ONE),
            cable("lfo.sine -> own.voct"),
            cable("lfo.sine -> own.in"),
            cable("own.out -> vca.in"),
            cable("own.out -> own.voct"),
            param("cutoff", 9000.0),
            param("depth", 0.25),
            scene,
            kept,
            titled("own", "param depth", "Glow"),
            titled("own", "output out", "To the echo"),
            on_stage,
            Edit::SetLocked { module: id("own"), param: "depth".into(), is_locked: true },
        ];
        for edit in edits {
            apply(&mut patch, edit.clone()).unwrap_or_else(|problem| panic!("{edit:?}: {problem}"));
        }
        patch
    }

    #[test]
    fn a_new_code_keeps_what_it_still_has_and_undo_brings_back_the_rest() {
        let before = patched();
        let mut patch = before.clone();
        let back = apply(&mut patch, text("own", TWO)).unwrap();
        patch.check().unwrap();
        let cables: Vec<String> = patch.cables.iter().map(Cable::to_string).collect();
        assert_eq!(cables, ["lfo.sine -> own.in", "own.out -> vca.in"]);
        let own = &patch.modules["own"];
        assert!(own.params.is_empty(), "9000 Hz and depth are no more");
        assert_eq!((own.titles.len(), own.staged.len(), own.locked.len()), (1, 0, 0));
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
    }

    #[test]
    fn what_is_no_module_is_refused_and_changes_nothing() {
        let before = patched();
        let mut patch = before.clone();
        let problem = apply(&mut patch, text("own", "sostenuto 1\ntitel Glow")).unwrap_err();
        assert!(problem.to_string().contains("line 2"), "{problem}");
        assert_eq!(patch, before);
    }

    proptest! {
        #[test]
        fn any_codes_in_turn_leave_a_patch_whole_and_are_taken_back(turns in prop::collection::vec(0..4usize, 1..6)) {
            let before = patched();
            let mut patch = before.clone();
            let mut backs = Vec::new();
            for turn in turns {
                let three = "sostenuto 1\ntitle Three\ninput voct\noutput out\nchoice depth a|b b\n";
                backs.push(apply(&mut patch, text("own", [ONE, TWO, three, ""][turn])).unwrap());
                patch.check().unwrap();
            }
            for back in backs.into_iter().rev() {
                apply(&mut patch, back).unwrap();
            }
            prop_assert_eq!(patch, before);
        }
    }
}
