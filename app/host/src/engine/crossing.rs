//! From one patch to another that has nothing to do with it: loading, a new
//! patch, and undoing either. For a moment both play, each with modules of its
//! own, and the sound crosses from the one to the other.

use std::collections::BTreeSet;

use sostenuto_modules::module::Role;
use sostenuto_patch::{Cable, ModuleId, Patch, PatchModule};

use crate::plan::Key;

/// How long the sound takes to cross, in seconds.
const CROSSING_SECS: f32 = 50e-3;

/// How many frames the sound takes to cross. Real-time safe.
pub fn frames(sample_rate_hz: f32) -> u64 {
    (CROSSING_SECS * sample_rate_hz) as u64 + 1
}

/// How far the sound has crossed, 0 to 1, after that part of its way. Flat at both
/// ends, so that no sound changes faster than it did by itself. Real-time safe.
pub fn crossed(way: f32) -> f32 {
    way * way * (3.0 - 2.0 * way)
}

/// The names by which the modules of the old patch are known from now on, so that
/// none is taken for one of the new patch.
pub struct Parting {
    generation: u32,
    /// Modules that go on in the new patch.
    stay: BTreeSet<ModuleId>,
}

impl Parting {
    /// `generation` is that of the plan in which both play.
    pub fn new(now: &Patch, next: &Patch, generation: u32) -> Parting {
        let records = |module: &PatchModule| {
            module.has_role(Role::Recorder) && module.param("record") > Some(0.5)
        };
        let stays = |id: &&ModuleId| {
            // A recording that both patches want is one.
            [now, next].iter().all(|patch| patch.modules.get(*id).is_some_and(records))
        };
        Parting { generation, stay: now.modules.keys().filter(stays).cloned().collect() }
    }

    fn id(&self, id: &ModuleId) -> ModuleId {
        // Of a patch before this one, something may still be leaving.
        let has_name = id.is_leaving() || self.stay.contains(id);
        if has_name { id.clone() } else { id.leaving(self.generation) }
    }

    /// The key that a module of the old patch has from now on.
    pub fn key(&self, (id, kind): &Key) -> Key {
        (self.id(id), kind.clone())
    }

    /// Whether a module with that key is of the old patch.
    pub fn is_old(&self, key: &Key) -> bool {
        key.0.is_leaving() || self.stay.contains(&key.0)
    }

    /// The old patch with its new names.
    pub fn patch(&self, now: &Patch) -> Patch {
        let renamed = |cable: &Cable| {
            let mut cable = cable.clone();
            cable.from.module = self.id(&cable.from.module);
            cable.to.module = self.id(&cable.to.module);
            cable
        };
        let modules = now.modules.iter().map(|(id, module)| (self.id(id), module.clone()));
        Patch {
            modules: modules.collect(),
            cables: now.cables.iter().map(renamed).collect(),
            delayed: now.delayed.iter().map(renamed).collect(),
            ..Patch::default()
        }
    }

    /// Things by their modules' keys, by the keys that these have from now on.
    pub fn keyed<T, All: FromIterator<(Key, T)>>(
        &self,
        things: impl IntoIterator<Item = (Key, T)>,
    ) -> All {
        things.into_iter().map(|(key, thing)| (self.key(&key), thing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_crosses_evenly_and_begins_and_ends_without_an_edge() {
        assert_eq!([0.0, 0.5, 1.0].map(crossed), [0.0, 0.5, 1.0]);
        for step in 0..=100u8 {
            let way = f32::from(step) / 100.0;
            assert!((crossed(way) + crossed(1.0 - way) - 1.0).abs() < 1e-6);
        }
        assert!(crossed(1e-3) < 1e-5);
    }

    #[test]
    fn every_module_of_the_old_patch_gets_another_name_but_what_records_on() {
        let mut now = Patch::default();
        let id = |name: &str| name.parse::<ModuleId>().unwrap();
        for name in ["vco", "tape", "other-tape"] {
            let kind = if name == "vco" { "vco" } else { "recorder" };
            let mut module = PatchModule::new(kind, 0.0, 0.0);
            if name == "tape" {
                module.params.insert("record".into(), 1.0);
            }
            now.modules.insert(id(name), module);
        }
        now.cables.insert("vco.saw -> tape.left".parse().unwrap());
        let parting = Parting::new(&now, &now, 7);
        let old = parting.patch(&now);
        let kept: Vec<&ModuleId> =
            old.modules.keys().filter(|id| now.modules.contains_key(*id)).collect();
        assert_eq!(kept, [&id("tape")]);
        let cable = old.cables.first().unwrap();
        assert!(old.modules.contains_key(&cable.from.module) && cable.to.module == id("tape"));
        let key = parting.key(&(id("vco"), "vco".into()));
        assert!(parting.is_old(&key) && key.0.own_name() == "vco");
        assert!(key.0.as_str().parse::<ModuleId>().is_err(), "a module could be called that");
    }
}
