//! What was seen of each patch: one that comes is shown whole, one that comes back as
//! it was left.

use std::hash::{DefaultHasher, Hash, Hasher};

use eframe::egui::{Pos2, Rect};
use sostenuto_patch::{ModuleId, Patch, PatchModule};

use super::camera::Camera;
use super::{Canvas, placing};

/// So few modules are all looked at.
const FEW: usize = 12;
/// So many views are remembered.
const KEPT: usize = 32;

/// Views of patches that were left, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Views(Vec<(u64, Camera)>);

impl Views {
    fn keep(&mut self, patch: &Patch, camera: Camera) {
        let key = key(patch);
        self.0.retain(|(other, _)| *other != key);
        self.0.push((key, camera));
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    fn find(&self, patch: &Patch) -> Option<Camera> {
        let key = key(patch);
        self.0.iter().find(|(other, _)| *other == key).map(|(_, camera)| *camera)
    }
}

impl Canvas {
    /// Another patch may have come in place of that one.
    pub fn turn_to_another(&mut self, before: &Patch, now: &Patch) {
        if !is_another(before, now) {
            return;
        }
        self.look_into(None);
        self.cameras.clear();
        self.views.keep(before, self.camera);
        match self.views.find(now) {
            Some(camera) => {
                self.camera = camera;
                // The window may have another size by now.
                self.wants_fit = camera.is_fitted;
            }
            None if now.modules.is_empty() => self.camera = Camera::default(),
            None => self.wants_fit = true,
        }
    }

    /// Where on the screen the modules are that are chosen; all that are shown where
    /// few are.
    pub fn looked_at(&self, patch: &Patch) -> Vec<Rect> {
        let Some(window) = self.window else { return Vec::new() };
        let few = self.visible.len() <= FEW;
        let shown = self.visible.iter().filter(|id| few || self.selection.contains(*id));
        let is_here =
            |id: &&ModuleId| patch.modules.get(*id).is_some_and(|module| module.group == self.open);
        let there = shown.filter(is_here);
        let rect = |id| self.camera.rect_to_screen(window, placing::module_rect(patch, id));
        there.map(rect).collect()
    }

    /// Looks there, if there is anything to be seen.
    pub fn look(&mut self, camera: Camera, patch: &Patch) {
        let window = self.window.unwrap_or(Rect::from_min_size(Pos2::ZERO, [800.0, 600.0].into()));
        let seen = camera.visible(window);
        if patch.modules.keys().any(|id| placing::module_rect(patch, id).intersects(seen)) {
            self.camera = camera;
            self.wants_fit = camera.is_fitted;
        }
    }
}

/// What a module is, and where.
fn footprint((id, module): (&ModuleId, &PatchModule)) -> (ModuleId, String, u32, u32) {
    (id.clone(), module.kind.to_string(), module.x.to_bits(), module.y.to_bits())
}

/// Whether less than half of the modules are what they were and where.
fn is_another(before: &Patch, now: &Patch) -> bool {
    let most = before.modules.len().max(now.modules.len());
    let is_same = |one: &(&ModuleId, &PatchModule)| {
        before.modules.get_key_value(one.0).map(footprint) == Some(footprint(*one))
    };
    let same = now.modules.iter().filter(is_same).count();
    most > 0 && 2 * same < most
}

fn key(patch: &Patch) -> u64 {
    let mut hasher = DefaultHasher::new();
    patch.modules.iter().map(footprint).for_each(|print| print.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_patch::factory::PATCHES;

    #[test]
    fn a_patch_that_comes_is_shown_whole_and_one_that_comes_back_as_it_was_left() {
        let [first, second] = [0, 1].map(|index| PATCHES[index].patch());
        let mut canvas = Canvas::default();
        canvas.turn_to_another(&Patch::default(), &first);
        assert!(std::mem::take(&mut canvas.wants_fit));
        let left = Camera::there(Pos2::new(7.0, 8.0), 2.0).unwrap();
        canvas.camera = left;
        for other in [Patch::default(), second] {
            canvas.turn_to_another(&first, &other);
            assert!(canvas.camera != left || canvas.wants_fit, "it looks elsewhere");
            canvas.turn_to_another(&other, &first);
            assert_eq!(canvas.camera, left);
            canvas.wants_fit = false;
        }
    }

    #[test]
    fn a_patch_that_is_heard_anew_is_no_other() {
        let patch = PATCHES[0].patch();
        let mut changed = patch.clone();
        let mut canvas = Canvas::default();
        changed.modules.pop_first();
        canvas.turn_to_another(&patch, &changed);
        assert!(!canvas.wants_fit && canvas.camera == Camera::default());
    }

    #[test]
    fn an_old_view_of_nothing_is_not_taken() {
        let patch = PATCHES[0].patch();
        let mut canvas = Canvas::default();
        canvas.look(Camera::there(Pos2::new(1e6, 0.0), 1.0).unwrap(), &patch);
        assert_eq!(canvas.camera, Camera::default());
        let first = patch.modules.values().next().unwrap();
        let there = Camera::there(Pos2::new(first.x, first.y), 1.5).unwrap();
        canvas.look(there, &patch);
        assert_eq!(canvas.camera, there);
    }
}
