//! Knobs that follow a scene: where they are led, as modules say that recall scenes.

use std::collections::BTreeMap;

use sostenuto_dsp::units::GATE_VOLTS;
use sostenuto_modules::module::{Role, SCENE_VOLTS};
use sostenuto_patch::scene::between;
use sostenuto_patch::{ModuleId, Name, Patch};

use super::model::{Led, Signals};

/// What each of these modules has recalled.
#[derive(Debug, Default)]
pub struct Following {
    recalled: BTreeMap<ModuleId, Recalled>,
}

#[derive(Debug)]
struct Recalled {
    scene: u8,
    toward: u8,
    /// Where its knobs stood then: one that stands elsewhere now was turned by a hand,
    /// and follows no more.
    stood: BTreeMap<(ModuleId, Name), f32>,
}

impl Following {
    /// Once a frame: where knobs are led now.
    pub fn follow(&mut self, patch: &Patch, signals: &Signals) -> Led {
        let mut led = Led::default();
        self.recalled.retain(|id, _| patch.modules.contains_key(id));
        for id in leaders(patch) {
            let Some([scene, toward, morphed]) = said(signals, id) else { continue };
            let [scene, toward] = [scene, toward].map(|volts| (volts / SCENE_VOLTS).round() as u8);
            led.scenes.extend(Some(scene).filter(|scene| *scene > 0));
            let is_known = |it: &Recalled| (it.scene, it.toward) == (scene, toward);
            if !self.recalled.get(id).is_some_and(is_known) {
                let stood = standing(patch, scene);
                self.recalled.insert(id.clone(), Recalled { scene, toward, stood });
            }
            let stood = &self.recalled[id].stood;
            for ((module, name), was) in stood {
                let Some(there) = patch.modules.get(module) else { continue };
                let (Ok(about), Some(first)) =
                    (there.about(), there.scenes.get(&scene).and_then(|kept| kept.get(name)))
                else {
                    continue;
                };
                let Some(param) = about.param(name).map(|index| &about.params[index]) else {
                    continue;
                };
                if there.param(name) != Some(*was) {
                    continue;
                }
                let last = there.scenes.get(&toward).and_then(|kept| kept.get(name));
                let value = between(param, *first, *last.unwrap_or(first), morphed / GATE_VOLTS);
                led.knobs.entry(module.clone()).or_default().insert(name.clone(), value);
            }
        }
        led
    }
}

/// The modules of a patch that recall scenes.
pub fn leaders(patch: &Patch) -> impl Iterator<Item = &ModuleId> {
    patch.modules.iter().filter(|(_, it)| it.has_role(Role::Scenes)).map(|(id, _)| id)
}

/// What comes out of one: a scene, the one it morphs to, and how far, all in volts.
fn said(signals: &Signals, leader: &ModuleId) -> Option<[f32; 3]> {
    let outputs = &signals.modules.get(leader)?.outputs;
    outputs.first_chunk::<3>().map(|outputs| outputs.map(|level| level.volts))
}

fn standing(patch: &Patch, scene: u8) -> BTreeMap<(ModuleId, Name), f32> {
    let mut stood = BTreeMap::new();
    for (id, module) in &patch.modules {
        let kept = module.scenes.get(&scene).into_iter().flat_map(|kept| kept.keys());
        let now = kept.filter_map(|name| Some(((id.clone(), name.clone()), module.param(name)?)));
        stood.extend(now);
    }
    stood
}

#[cfg(test)]
mod tests {
    use sostenuto_patch::{Edit, PatchModule, apply};

    use super::*;
    use crate::model::{Level, ModuleSignals};

    fn id(name: &str) -> ModuleId {
        name.parse().unwrap()
    }

    fn patch() -> Patch {
        let mut patch = Patch::default();
        for (name, kind) in [("filter", "ladder"), ("scenes", "scenes")] {
            let module = PatchModule::new(kind, 0.0, 0.0);
            apply(&mut patch, Edit::AddModule { id: id(name), module }).unwrap();
        }
        for (number, hz) in [(1, 100.0), (2, 1600.0)] {
            let title = Some(String::new());
            apply(&mut patch, Edit::SetScene { number, title }).unwrap();
            let values = Some([("cutoff".into(), hz)].into());
            let module = id("filter");
            apply(&mut patch, Edit::KeepInScene { module, number, values }).unwrap();
        }
        patch
    }

    fn saying(volts: [f32; 3]) -> Signals {
        let outputs = volts.map(|volts| Level { volts, ..Level::default() }).to_vec();
        let signals = ModuleSignals { outputs, ..ModuleSignals::default() };
        Signals { modules: [(id("scenes"), signals)].into() }
    }

    #[test]
    fn knobs_are_led_to_a_scene_until_a_hand_turns_them() {
        let (mut patch, mut following) = (patch(), Following::default());
        let mut cutoff = |patch: &Patch, volts| {
            following.follow(patch, &saying(volts)).knob(&id("filter"), "cutoff")
        };
        assert_eq!(cutoff(&patch, [0.0, 0.0, 0.0]), None, "it has not begun");
        assert_eq!(cutoff(&patch, [0.1, 0.2, 0.0]), Some(100.0));
        let half = cutoff(&patch, [0.1, 0.2, 5.0]).unwrap();
        assert!((half - 400.0).abs() < 0.1, "{half}");
        let (module, param) = (id("filter"), "cutoff".into());
        apply(&mut patch, Edit::SetParam { module, param, value: 5000.0 }).unwrap();
        assert_eq!(cutoff(&patch, [0.1, 0.2, 5.0]), None);
        assert_eq!(cutoff(&patch, [0.2, 0.1, 0.0]), Some(1600.0));
    }
}
