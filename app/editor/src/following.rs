//! Knobs that follow scenes and automation: where they are led, as modules say that lead
//! them.

use std::collections::BTreeMap;

use sostenuto_dsp::units::{GATE_VOLTS, SCHMITT_HIGH_VOLTS};
use sostenuto_modules::module::{Role, SCENE_VOLTS};
use sostenuto_patch::automation;
use sostenuto_patch::scene::between;
use sostenuto_patch::{ModuleId, Name, Patch, PatchModule};

use super::model::{Led, Signals};

/// What each of these modules has taken.
#[derive(Debug, Default)]
pub struct Following {
    taken: BTreeMap<ModuleId, Taken>,
}

#[derive(Debug)]
struct Taken {
    said: Said,
    /// Where its knobs stood then: one that stands elsewhere now was turned by a hand,
    /// and follows no more.
    stood: BTreeMap<(ModuleId, Name), f32>,
}

/// What a leader says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Nothing,
    Scene { scene: u8, toward: u8, morphed: f32 },
    Beat(f32),
}

impl Following {
    /// Once a frame: where knobs are led now.
    pub fn follow(&mut self, patch: &Patch, signals: &Signals) -> Led {
        let mut led = Led::default();
        self.taken.retain(|id, _| patch.modules.contains_key(id));
        for id in leaders(patch) {
            let Some(said) = said(patch, signals, id) else { continue };
            let goals = goals(patch, id, said);
            if let Said::Scene { scene, .. } = said {
                led.scenes.insert(scene);
            }
            let is_new = self.taken.get(id).is_none_or(|taken| said.takes_after(taken.said));
            let stands = |(module, param): &(ModuleId, Name)| {
                let module = patch.modules.get(module)?;
                module.param(param).filter(|_| !module.locked.contains(param))
            };
            if is_new {
                let stood = goals.keys().filter_map(|key| Some((key.clone(), stands(key)?)));
                self.taken.insert(id.clone(), Taken { said, stood: stood.collect() });
            }
            let Some(taken) = self.taken.get_mut(id) else { continue };
            taken.said = said;
            for (key, goal) in goals {
                let stood = taken.stood.get(&key).copied();
                if stood.is_some() && stands(&key) == stood {
                    led.knobs.entry(key.0).or_default().insert(key.1, goal);
                }
            }
        }
        led
    }
}

impl Said {
    /// Whether its knobs are taken anew, also from a hand that has them.
    fn takes_after(self, before: Said) -> bool {
        match (self, before) {
            (Said::Scene { scene, toward, .. }, Said::Scene { scene: old, toward: next, .. }) => {
                (scene, toward) != (old, next)
            }
            (Said::Beat(now), Said::Beat(before)) => now < before,
            (Said::Nothing, Said::Nothing) => false,
            _ => true,
        }
    }
}

/// The modules of a patch that lead knobs of others.
pub fn leaders(patch: &Patch) -> impl Iterator<Item = &ModuleId> {
    patch.modules.iter().filter(|(_, module)| module.is_leader()).map(|(id, _)| id)
}

/// By what comes out of it.
fn said(patch: &Patch, signals: &Signals, leader: &ModuleId) -> Option<Said> {
    let outputs = signals.modules.get(leader)?.outputs.first_chunk::<3>()?;
    let [first, second, third] = outputs.map(|level| level.volts);
    let module = &patch.modules[leader];
    if module.has_role(Role::Automation) {
        let beat = first / GATE_VOLTS * module.param("length")?;
        return Some(if second > SCHMITT_HIGH_VOLTS { Said::Beat(beat) } else { Said::Nothing });
    }
    let [scene, toward] = [first, second].map(|volts| (volts / SCENE_VOLTS).round() as u8);
    let morphed = third / GATE_VOLTS;
    Some(if scene == 0 { Said::Nothing } else { Said::Scene { scene, toward, morphed } })
}

/// Where it leads knobs.
fn goals(patch: &Patch, leader: &ModuleId, said: Said) -> BTreeMap<(ModuleId, Name), f32> {
    let mut goals = BTreeMap::new();
    let facts = |module: &PatchModule, name: &str| {
        let about = module.about().ok()?;
        Some(&about.params[about.param(name)?])
    };
    match said {
        Said::Nothing => {}
        Said::Scene { scene, toward, morphed } => {
            for (id, module) in &patch.modules {
                let kept = |number| module.scenes.get(&number);
                for (name, &first) in kept(scene).into_iter().flatten() {
                    let Some(param) = facts(module, name) else { continue };
                    let last = kept(toward).and_then(|kept| kept.get(name)).copied();
                    let value = between(param, first, last.unwrap_or(first), morphed);
                    goals.insert((id.clone(), name.clone()), value);
                }
            }
        }
        Said::Beat(beat) => {
            for lane in patch.modules[leader].lanes() {
                let module = patch.modules.get(&lane.module).filter(|it| !it.is_leader());
                let param = module.and_then(|module| facts(module, &lane.param));
                let value = param.and_then(|param| automation::at(param, &lane.points, beat));
                goals.extend(value.map(|value| ((lane.module, lane.param), value)));
            }
        }
    }
    goals
}

#[cfg(test)]
mod tests {
    use sostenuto_patch::{Edit, apply};

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
