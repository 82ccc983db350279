//! Where knobs stand, as far as a subscriber knows.

use std::collections::BTreeMap;

use rosc::OscMessage;
use sostenuto_osc::message::param::knob;
use sostenuto_patch::{ModuleId, Name, Patch};

/// Knobs that are told at a time. The others are told the next time, and of a
/// knob that is turned meanwhile only the newest value.
const MOST: usize = 100;

/// What one subscriber knows.
#[derive(Debug, Default)]
pub(super) struct Feedback {
    known: BTreeMap<ModuleId, (Name, Vec<f32>)>,
    /// Whether knobs may stand elsewhere than it knows.
    is_behind: bool,
}

impl Feedback {
    /// For a subscriber that knows nothing yet.
    pub(super) fn new() -> Feedback {
        Feedback { known: BTreeMap::new(), is_behind: true }
    }

    /// Something was turned.
    pub(super) fn fall_behind(&mut self) {
        self.is_behind = true;
    }

    /// What the subscriber is to be told now.
    pub(super) fn news(&mut self, patch: &Patch) -> Vec<OscMessage> {
        let mut news = Vec::new();
        if !std::mem::take(&mut self.is_behind) {
            return news;
        }
        let is_there = |id: &ModuleId, kind: &Name| {
            patch.modules.get(id).is_some_and(|module| module.kind == *kind)
        };
        self.known.retain(|id, (kind, _)| is_there(id, kind));
        for (id, module) in &patch.modules {
            let params = module.about().map(|about| about.params).unwrap_or_default();
            let unknown = || (module.kind.clone(), vec![f32::NAN; params.len()]);
            let (_, known) = self.known.entry(id.clone()).or_insert_with(unknown);
            for (param, known) in params.iter().zip(known) {
                let value = module.params.get(param.name).copied().unwrap_or(param.default);
                if *known == value {
                    continue;
                }
                if news.len() == MOST {
                    self.is_behind = true;
                    return news;
                }
                news.push(knob(id, param.name, value));
                *known = value;
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_osc::testing::example;
    use sostenuto_patch::PatchModule;
    use sostenuto_patch::testing::{id, ring};

    #[test]
    fn all_knobs_are_told_once_and_then_only_those_that_are_turned() {
        let (mut feedback, mut patch) = (Feedback::new(), ring());
        let params = patch.modules.values().map(|module| module.about().unwrap().params.len());
        assert_eq!(feedback.news(&patch).len(), params.sum::<usize>());
        feedback.fall_behind();
        assert_eq!(feedback.news(&patch), []);
        for gain in [0.5, 0.25] {
            patch.modules.get_mut("a").unwrap().params.insert("gain".into(), gain);
            feedback.fall_behind();
        }
        assert_eq!(feedback.news(&patch), [example("/a/gain 0.25")]);
        assert_eq!(feedback.news(&patch), []);
        // Another kind under the same name has other knobs.
        patch.modules.insert(id("a"), PatchModule::new("vca", 0.0, 0.0));
        feedback.fall_behind();
        let params = patch.modules["a"].about().unwrap().params.len();
        assert_eq!(feedback.news(&patch).len(), params);
    }

    #[test]
    fn a_large_patch_is_told_in_parts_and_all_of_it() {
        let mut patch = Patch::default();
        for n in 0..40 {
            patch.modules.insert(id(&format!("s-{n}")), PatchModule::new("sequencer", 0.0, 0.0));
        }
        let params = patch.modules["s-0"].about().unwrap().params.len();
        let (mut feedback, mut told) = (Feedback::new(), 0);
        while feedback.is_behind {
            let news = feedback.news(&patch).len();
            assert!(news <= MOST);
            told += news;
        }
        assert_eq!(told, 40 * params);
    }
}
