//! Scenes: where knobs stand, kept under a number, to come back to. Nothing is heard of
//! one until it is recalled.

use std::collections::BTreeMap;

use sostenuto_modules::module::Role;
use sostenuto_modules::param::Param;

use super::problem::Problem;
use super::{
    Edit, ModuleId, Name, Part, Patch, PatchModule, check_text, check_value, find_param,
    placeholder,
};

/// The number of the last scene; the first is 1.
pub const MAX_SCENES: u8 = 64;

/// Where the params of a module stand in a scene: those that are kept in it.
pub type Kept = BTreeMap<Name, f32>;

/// Between two values of a param, at 0 the first and at 1 the last, on its own scale. A
/// choice changes in the middle.
pub fn between(param: &Param, first: f32, last: f32, amount: f32) -> f32 {
    match amount {
        0.0 => first,
        1.0 => last,
        _ if param.jumps() => [first, last][usize::from(amount >= 0.5)],
        _ => {
            let [first, last] = [first, last].map(|value| param.position(value));
            param.at(first + amount * (last - first))
        }
    }
}

impl Patch {
    /// Whether a module leads knobs of others.
    pub fn has_leaders(&self) -> bool {
        self.modules.values().any(PatchModule::is_leader)
    }

    /// The number of the first scene that is free.
    pub fn fresh_scene(&self) -> Option<u8> {
        (1..=MAX_SCENES).find(|number| !self.scenes.contains_key(number))
    }

    /// Keeps where all knobs of these modules stand as a scene, in place of one of that
    /// number. What a hand holds is left out.
    pub fn kept_scene<'a>(
        &self,
        number: u8,
        title: &str,
        modules: impl IntoIterator<Item = &'a ModuleId>,
    ) -> Edit {
        let mut edits = vec![Edit::SetScene { number, title: Some(title.to_owned()) }];
        let kept: BTreeMap<&ModuleId, Kept> = modules
            .into_iter()
            .filter_map(|id| Some((id, self.modules.get(id)?.standing()?)))
            .collect();
        for (id, module) in &self.modules {
            let values = kept.get(id).cloned();
            if values.as_ref() != module.scenes.get(&number) {
                edits.push(Edit::KeepInScene { module: id.clone(), number, values });
            }
        }
        Edit::Several(edits)
    }

    /// Takes a scene away.
    pub fn without_scene(&self, number: u8) -> Edit {
        let keeps = self.modules.iter().filter(|(_, module)| module.scenes.contains_key(&number));
        let forget = |(id, _): (&ModuleId, _)| Edit::KeepInScene {
            module: id.clone(),
            number,
            values: None,
        };
        let away = Edit::SetScene { number, title: None };
        Edit::Several(keeps.map(forget).chain([away]).collect())
    }

    /// Puts all knobs of a scene where they stood, but for those that are locked.
    pub fn recalled(&self, number: u8) -> Result<Edit, Problem> {
        self.morphed(number, number, 0.0)
    }

    /// Puts the knobs that are in both scenes between where they stand in the first, at 0,
    /// and in the second, at 1: each on its own scale. A choice changes in the middle.
    pub fn morphed(&self, from: u8, to: u8, amount: f32) -> Result<Edit, Problem> {
        self.check_scene(from)?;
        self.check_scene(to)?;
        if !(0.0..=1.0).contains(&amount) {
            return Err(Problem::NoMorph { amount });
        }
        let mut edits = Vec::new();
        for (id, module) in &self.modules {
            let (Some(from), Some(to)) = (module.scenes.get(&from), module.scenes.get(&to)) else {
                continue;
            };
            let Ok(about) = module.about() else { continue };
            for (name, &first) in from {
                let (Some(&last), Some(index)) = (to.get(name), about.param(name)) else {
                    continue;
                };
                let value = between(&about.params[index], first, last, amount);
                if module.param(name) != Some(value) && !module.locked.contains(name) {
                    edits.push(Edit::SetParam { module: id.clone(), param: name.clone(), value });
                }
            }
        }
        Ok(Edit::Several(edits))
    }

    /// Whether there is such a scene.
    fn check_scene(&self, number: u8) -> Result<(), Problem> {
        let is_there = self.scenes.contains_key(&number);
        is_there.then_some(()).ok_or(Problem::NoScene { number })
    }

    pub(crate) fn check_scenes(&self) -> Result<(), Problem> {
        for (&number, title) in &self.scenes {
            check_number(number)?;
            check_text("title of the scene", title)?;
        }
        self.modules.values().try_for_each(|module| self.check_scenes_of(module))
    }

    /// Whether a module is kept only in scenes that are there.
    pub(crate) fn check_scenes_of(&self, module: &PatchModule) -> Result<(), Problem> {
        module.scenes.keys().try_for_each(|number| self.check_scene(*number))
    }

    pub(crate) fn set_scene(&mut self, number: u8, title: Option<String>) -> Result<Edit, Problem> {
        let was = match title {
            Some(title) => {
                check_number(number)?;
                check_text("title of the scene", &title)?;
                self.scenes.insert(number, title)
            }
            None => {
                self.check_scene(number)?;
                if self.modules.values().any(|module| module.scenes.contains_key(&number)) {
                    return Err(Problem::SceneInUse { number });
                }
                self.scenes.remove(&number)
            }
        };
        Ok(Edit::SetScene { number, title: was })
    }

    pub(crate) fn set_locked(
        &mut self,
        id: ModuleId,
        param: Name,
        is_locked: bool,
    ) -> Result<Edit, Problem> {
        self.module(id.as_str())?.check_param(&id, &param)?;
        let locked = &mut self.module_mut(&id)?.locked;
        let was = match is_locked {
            true => !locked.insert(param.clone()),
            false => locked.remove(&param),
        };
        Ok(Edit::SetLocked { module: id, param, is_locked: was })
    }

    pub(crate) fn keep_in_scene(
        &mut self,
        id: ModuleId,
        number: u8,
        values: Option<Kept>,
    ) -> Result<Edit, Problem> {
        self.check_scene(number)?;
        let values = values.filter(|values| !values.is_empty());
        if let Some(values) = &values {
            self.module(id.as_str())?.check_kept(&id, values)?;
        }
        let scenes = &mut self.module_mut(&id)?.scenes;
        let was = match values {
            Some(values) => scenes.insert(number, values),
            None => scenes.remove(&number),
        };
        Ok(Edit::KeepInScene { module: id, number, values: was })
    }
}

impl PatchModule {
    /// Whether it leads knobs of others.
    pub fn is_leader(&self) -> bool {
        self.has_role(Role::Scenes) || self.has_role(Role::Automation)
    }

    /// Where all its knobs stand, but for what a hand holds. `None` for a placeholder, for
    /// what has no knobs, and for what leads others.
    fn standing(&self) -> Option<Kept> {
        // Who leads is not led.
        let about = self.about().ok().filter(|_| !self.is_leader())?;
        let knobs = about.params.iter().filter(|param| !param.is_held);
        let standing = |name: &str| self.param(name).unwrap_or_default();
        let kept: Kept = knobs.map(|param| (param.name.into(), standing(param.name))).collect();
        (!kept.is_empty()).then_some(kept)
    }

    /// Whether it has such a param.
    pub(crate) fn check_param(&self, id: &ModuleId, name: &Name) -> Result<(), Problem> {
        self.check_part(id, &Part::Param(name.clone()))
    }

    /// Whether it has these params, and they can stand there.
    pub(crate) fn check_kept(&self, id: &ModuleId, values: &Kept) -> Result<(), Problem> {
        for (name, &value) in values {
            if self.is_placeholder {
                placeholder::check_name(name)?;
                if !value.is_finite() {
                    return Err(Problem::NoValue { param: format!("{id}.{name}") });
                }
                continue;
            }
            let (_, param) = find_param(self.about()?, id.as_str(), name)?;
            check_value(id.as_str(), param, value)?;
        }
        Ok(())
    }
}

fn check_number(number: u8) -> Result<(), Problem> {
    let is_one = (1..=MAX_SCENES).contains(&number);
    is_one.then_some(()).ok_or(Problem::BadScene { number, last: MAX_SCENES })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Reach, apply};
    use crate::testing::{id, ring, set};

    /// `a` stands elsewhere in scene 1 than in scene 2; `b` is in the first only.
    fn kept() -> Patch {
        let mut patch = ring();
        apply(&mut patch, set("a", "gain", -1.0)).unwrap();
        let first = patch.kept_scene(1, "Quiet", [&id("a"), &id("b")]);
        apply(&mut patch, first).unwrap();
        apply(&mut patch, set("a", "gain", 2.0)).unwrap();
        let second = patch.kept_scene(2, "Loud", [&id("a")]);
        assert_eq!(second.reach(), Reach::Scenes);
        apply(&mut patch, second).unwrap();
        patch
    }

    fn gain(patch: &Patch) -> f32 {
        patch.modules["a"].param("gain").unwrap()
    }

    #[test]
    fn a_scene_puts_its_knobs_back_and_no_others() {
        let mut patch = kept();
        apply(&mut patch, set("c", "gain", 0.25)).unwrap();
        let edit = patch.recalled(1).unwrap();
        assert_eq!(edit.reach(), Reach::Params);
        let back = apply(&mut patch, edit).unwrap();
        assert_eq!(gain(&patch), -1.0);
        assert_eq!(patch.modules["c"].param("gain"), Some(0.25), "it is in no scene");
        assert_eq!(patch.recalled(1).unwrap(), Edit::Several(Vec::new()), "it stands there");
        apply(&mut patch, back).unwrap();
        assert_eq!(gain(&patch), 2.0);
    }

    #[test]
    fn between_two_scenes_a_knob_stands_between() {
        let patch = kept();
        for (amount, stands) in [(0.0, -1.0), (0.5, 0.5), (1.0, 2.0)] {
            let mut patch = patch.clone();
            let edit = patch.morphed(1, 2, amount).unwrap();
            apply(&mut patch, edit).unwrap();
            assert_eq!(gain(&patch), stands);
        }
        assert!(patch.morphed(1, 2, 1.5).is_err() && patch.morphed(1, 2, f32::NAN).is_err());
        assert!(patch.morphed(1, 3, 0.5).unwrap_err().to_string().contains("no scene 3"));
    }

    #[test]
    fn a_scene_follows_its_module_through_new_names_and_out_and_back() {
        let mut patch = kept();
        let before = patch.clone();
        let rename = Edit::RenameModule { id: id("a"), new_id: id("lead") };
        apply(&mut patch, rename).unwrap();
        let edit = patch.recalled(1).unwrap();
        apply(&mut patch, edit).unwrap();
        assert_eq!(patch.modules["lead"].param("gain"), Some(-1.0));
        let mut patch = before.clone();
        let back = apply(&mut patch, Edit::RemoveModule { id: id("a") }).unwrap();
        assert_eq!(patch.recalled(2).unwrap(), Edit::Several(Vec::new()));
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
    }

    #[test]
    fn a_scene_is_kept_anew_and_taken_away_with_all_that_is_kept_in_it() {
        let mut patch = kept();
        let anew = patch.kept_scene(1, "Anew", [&id("c")]);
        apply(&mut patch, anew).unwrap();
        assert!(!patch.modules["a"].scenes.contains_key(&1));
        let away = patch.without_scene(1);
        let back = apply(&mut patch, away).unwrap();
        assert_eq!(patch.scenes.len(), 1);
        patch.check().unwrap();
        apply(&mut patch, back).unwrap();
        assert_eq!(patch.scenes[&1], "Anew");
        let alone = Edit::SetScene { number: 1, title: None };
        assert!(apply(&mut patch, alone).unwrap_err().to_string().contains("scene 1"));
    }

    #[test]
    fn what_no_scene_can_be_is_refused() {
        let mut patch = kept();
        let scene = |number| Edit::SetScene { number, title: Some(String::new()) };
        assert!(apply(&mut patch, scene(0)).is_err() && apply(&mut patch, scene(65)).is_err());
        let keep = |number, name: &str, value| Edit::KeepInScene {
            module: id("a"),
            number,
            values: Some([(name.into(), value)].into()),
        };
        for bad in [keep(9, "gain", 0.0), keep(1, "colour", 0.0), keep(1, "gain", 9.0)] {
            let before = patch.clone();
            assert!(apply(&mut patch, bad).is_err());
            assert_eq!(patch, before);
        }
    }
}
