//! Knobs on their way to a scene, over some seconds.

use std::time::{Duration, Instant};

use sostenuto_patch::scene::between;
use sostenuto_patch::{Edit, Gesture, ModuleId, Name, Patch, Problem, find_param};

/// The longest way, in seconds.
pub(super) const LONGEST_SECS: f32 = 3600.0;

/// How often knobs that glide move on.
pub const GLIDE_EVERY: Duration = Duration::from_millis(5);

/// Knobs on their way, each on its own scale. What jumps does so in the middle.
#[derive(Debug)]
pub(super) struct Glide {
    knobs: Vec<Knob>,
    began: Instant,
    secs: f32,
    /// All of it is one undo step.
    pub gesture: Gesture,
}

#[derive(Debug)]
struct Knob {
    module: ModuleId,
    param: Name,
    from: f32,
    to: f32,
    /// Where it was put last. Where it stands elsewhere, or is locked, a hand has taken it.
    now: f32,
}

impl Glide {
    /// From where knobs stand to where an edit would put them.
    pub fn new(patch: &Patch, goal: Edit, secs: f32, gesture: Gesture, now: Instant) -> Glide {
        let edits = if let Edit::Several(edits) = goal { edits } else { vec![goal] };
        let knobs = edits.into_iter().filter_map(|edit| {
            let Edit::SetParam { module, param, value: to } = edit else { return None };
            let from = patch.modules.get(&module)?.param(&param)?;
            Some(Knob { module, param, from, to, now: from })
        });
        Glide { knobs: knobs.collect(), began: now, secs, gesture }
    }

    /// Where they go now, and whether that is the end of the way.
    pub fn step(&mut self, patch: &Patch, now: Instant) -> (Edit, bool) {
        let amount = now.duration_since(self.began).as_secs_f32() / self.secs;
        let amount = if amount < 1.0 { amount } else { 1.0 };
        let stands = |knob: &Knob| {
            let module = patch.modules.get(&knob.module)?;
            module.param(&knob.param).filter(|_| !module.locked.contains(&knob.param))
        };
        self.knobs.retain(|knob| stands(knob) == Some(knob.now));
        let mut edits = Vec::new();
        for knob in &mut self.knobs {
            let Ok(value) = knob.at(patch, amount) else { continue };
            if value != knob.now {
                knob.now = value;
                let (module, param) = (knob.module.clone(), knob.param.clone());
                edits.push(Edit::SetParam { module, param, value });
            }
        }
        (Edit::Several(edits), amount == 1.0 || self.knobs.is_empty())
    }
}

impl Knob {
    fn at(&self, patch: &Patch, amount: f32) -> Result<f32, Problem> {
        let about = patch.module(self.module.as_str())?.about()?;
        let (_, param) = find_param(about, self.module.as_str(), &self.param)?;
        Ok(between(param, self.from, self.to, amount))
    }
}
