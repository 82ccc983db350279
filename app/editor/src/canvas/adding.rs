//! What is put on the canvas: it finds room, is chosen, and comes into view.

use std::collections::BTreeSet;
use std::path::Path;

use eframe::egui::{Pos2, Rect, Ui, vec2};
use sostenuto_modules::catalog;
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::{About, Role};
use sostenuto_patch::sounds::{is_sound, is_tuning};
use sostenuto_patch::{Cable, Edit, GroupId, ModuleId, Patch, PatchModule};

use super::cable::Curve;
use super::drag::INSERT_REACH;
use super::face::{self, Face};
use super::wiring::Wiring;
use super::{Canvas, Desk, Pointed, Scene, placing};
use crate::browser::{BrowseFor, Chosen};
use crate::model::Asks;
use crate::patching;
use crate::tuning;

impl Canvas {
    /// A sound that is dropped on a module that plays one is its sound; on the
    /// ground it gets a sampler. A tuning that is dropped on a module that takes one is its
    /// tuning; on the ground all that take one are tuned, or a quantizer is added.
    pub(super) fn take_files(&mut self, ui: &Ui, desk: &mut Desk) {
        let dropped = ui.input(|input| input.raw.dropped_files.clone());
        let paths = || dropped.iter().map(|file| file.path());
        if let Some(sound) = paths().filter(|path| is_sound(path)).find_map(Path::to_str) {
            self.take_sound(ui, desk, sound);
        } else if let Some(file) = paths().filter(|path| is_tuning(path)).find_map(Path::to_str) {
            self.take_tuning(ui, desk, file);
        }
    }

    fn take_sound(&mut self, ui: &Ui, desk: &mut Desk, text: &str) {
        let patch = desk.scene.patch;
        if let Pointed::Module(id) = &self.pointed
            && patch.modules.get(id).and_then(PatchModule::text_form).is_some_and(Text::is_sound)
        {
            return desk.asks.set_text(id, text);
        }
        let sampler = catalog::with_role(Role::Sampler).1.about.name;
        self.add_with(ui, desk, sampler, |id, _| {
            Some(Edit::SetText { module: id.clone(), text: text.into() })
        });
    }

    fn take_tuning(&mut self, ui: &Ui, desk: &mut Desk, file: &str) {
        let patch = desk.scene.model.patch();
        let pointed = match &self.pointed {
            Pointed::Module(id) => tuning::retune(patch, id, file),
            _ => None,
        };
        match pointed.or_else(|| tuning::retune_all(patch, file)) {
            Some(edit) => desk.asks.edit(edit),
            None => {
                let quantizer = catalog::with_role(Role::Quantizer).1.about.name;
                self.add_with(ui, desk, quantizer, |id, module| tuning::tune(module, id, file));
            }
        }
    }

    /// Adds a module under the pointer, or in the middle, and gives it something.
    fn add_with(
        &mut self,
        ui: &Ui,
        desk: &mut Desk,
        kind: &str,
        give: impl FnOnce(&ModuleId, &PatchModule) -> Option<Edit>,
    ) {
        let patch = desk.scene.patch;
        let latest = ui.input(|input| input.pointer.latest_pos());
        let place = latest.filter(|place| desk.window.contains(*place));
        let place = self.camera.to_canvas(desk.window, place.unwrap_or(desk.window.center()));
        let place = face::snapped(place.to_vec2());
        let (id, add) = patching::add(patch, kind, place.x, place.y);
        let given = give(&id, &PatchModule::new(kind, place.x, place.y));
        let edits = [add].into_iter().chain(given).collect();
        let edit = placing::settled(patch, Edit::Several(edits));
        self.ask_to_add(patch, BTreeSet::from([id]), edit, desk.asks);
    }

    /// Puts a chosen module on the canvas, and what else was wished for.
    /// What it had to leave out is said in a sentence.
    pub fn put(&mut self, scene: Scene, chosen: &Chosen, asks: &mut Asks) -> Option<String> {
        let level = self.level(scene.patch);
        let scene = Scene { patch: level.shown(scene.patch), ..scene };
        let first = asks.requests.len();
        let said = self.put_on(scene, chosen, asks);
        level.all_real(&mut asks.requests[first..]);
        said
    }

    fn put_on(&mut self, scene: Scene, chosen: &Chosen, asks: &mut Asks) -> Option<String> {
        let patch = scene.patch;
        let kind = chosen.kind;
        if let BrowseFor::Replace(modules) = &chosen.wish {
            let mut replaced = patch.clone();
            let mut edits = Vec::new();
            let mut names = BTreeSet::new();
            for id in modules {
                let Some((new_id, edit)) = patching::replace(&replaced, id, kind) else { continue };
                if sostenuto_patch::apply(&mut replaced, edit.clone()).is_ok() {
                    edits.push(edit);
                    names.insert(new_id);
                }
            }
            let edit = placing::settled(patch, Edit::Several(edits));
            let lost = patching::lost(patch, modules, &replaced, &names);
            self.ask_to_add(patch, names, edit, asks);
            return (lost > 0).then(|| left_out(lost, kind.title));
        }
        let dropped = self.window.zip(chosen.dropped);
        let at = dropped.map_or(chosen.at, |(window, point)| self.camera.to_canvas(window, point));
        let into = match &chosen.wish {
            BrowseFor::Insert(cable) => Some(cable.clone()),
            BrowseFor::New if dropped.is_some() => self.cable_at(scene, kind, at),
            _ => None,
        };
        if let Some(cable) = into {
            let (id, edit) = placing::put_into(patch, kind, &cable);
            self.ask_to_add(patch, BTreeSet::from([id]), edit, asks);
            return None;
        }
        let size = Face::of(kind).size;
        let corner = match &chosen.wish {
            BrowseFor::From(_) => at - vec2(0.0, size.y / 2.0),
            BrowseFor::Into(_) => at - vec2(size.x, size.y / 2.0),
            _ => at - size / 2.0,
        };
        let place = face::snapped(corner.to_vec2());
        let (id, add) = patching::add(patch, kind.name, place.x, place.y);
        let cable = match &chosen.wish {
            BrowseFor::From(from) => patching::input_after(patch, from, &id, kind)
                .map(|to| Cable { from: from.clone(), to }),
            BrowseFor::Into(to) => patching::output_before(patch, to, &id, kind)
                .map(|from| Cable { from, to: to.clone() }),
            BrowseFor::New | BrowseFor::Insert(_) | BrowseFor::Replace(_) => None,
        };
        let edits = [add].into_iter().chain(cable.map(Edit::Connect));
        let edit = placing::settled(patch, Edit::Several(edits.collect()));
        self.ask_to_add(patch, BTreeSet::from([id]), edit, asks);
        None
    }

    /// The cable into which a module goes that is dropped there, if not on another.
    fn cable_at(&mut self, scene: Scene, kind: &'static About, at: Pos2) -> Option<Cable> {
        let patch = scene.patch;
        let layout = self.layout(patch);
        if layout.places.values().any(|(rect, _)| rect.contains(at)) {
            return None;
        }
        patching::way_through(&patch.fresh_id(kind.name), kind)?;
        let wiring = Wiring::new(patch, &layout, &scene.model.signals);
        let near = wiring.runs().iter().filter_map(|run| {
            let curve = Curve::new(run.from, run.to, scene.preferences.cable_tension, 1.0);
            let (distance, _) = curve.distance(at);
            (distance < INSERT_REACH).then_some((distance, run.cable))
        });
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, cable)| cable.clone())
    }

    /// Asks for what is added, chooses it, and turns to where it will be.
    fn ask_to_add(
        &mut self,
        patch: &Patch,
        names: BTreeSet<ModuleId>,
        edit: Edit,
        asks: &mut Asks,
    ) {
        self.turn_to(patch, &names, &edit);
        self.choose_new(names);
        asks.edit(edit);
    }

    /// Brings into view where modules will be after an edit.
    pub(super) fn turn_to(&mut self, patch: &Patch, names: &BTreeSet<ModuleId>, edit: &Edit) {
        let mut ahead = patch.clone();
        if sostenuto_patch::apply(&mut ahead, edit.clone()).is_err() {
            return;
        }
        let rects = names.iter().filter_map(|id| placing::shown_rect(&ahead, id));
        if let Some((window, bounds)) = self.window.zip(rects.reduce(Rect::union)) {
            self.camera.reveal(window, bounds);
        }
    }

    /// Chooses what the host is only just being asked for.
    fn choose_new(&mut self, names: BTreeSet<ModuleId>) {
        self.awaited.clone_from(&names);
        self.selection = names;
    }

    /// Puts what was copied under the pointer, or in the middle.
    ///
    /// # Errors
    /// Where the words are no patch.
    pub fn paste(
        &mut self,
        ui: &Ui,
        patch: &Patch,
        words: &str,
        asks: &mut Asks,
    ) -> Result<(), String> {
        let copied =
            sostenuto_patch::file::read(words.as_bytes()).map_err(|error| error.to_string())?;
        let window = self.window.unwrap_or(Rect::NOTHING);
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let point = pointer.filter(|point| window.contains(*point)).unwrap_or(window.center());
        let place = face::snapped(self.camera.to_canvas(window, point).to_vec2());
        let (names, edit) = patching::paste(patch, &copied, place.x, place.y);
        self.add_copies(patch, names, edit, asks);
        Ok(())
    }

    /// Puts what was kept there on the canvas.
    pub fn put_own(&mut self, patch: &Patch, kept: &Patch, at: Pos2, asks: &mut Asks) {
        let place = face::snapped(at.to_vec2());
        let (names, edit) = patching::paste(patch, kept, place.x, place.y);
        self.add_copies(patch, names, edit, asks);
    }

    /// Copies of the selection beside it, fed as it is.
    pub fn duplicate(&mut self, patch: &Patch, asks: &mut Asks) {
        let (modules, comments) = self.chosen(patch);
        if !modules.is_empty() || !comments.is_empty() {
            let level = self.open.as_ref();
            let (names, edit) = patching::duplicate(patch, level, &modules, &comments);
            self.add_copies(patch, names, edit, asks);
        }
    }

    /// Another copy of a group, linked with it.
    pub(super) fn copy_linked(&mut self, patch: &Patch, id: &GroupId, asks: &mut Asks) {
        if let Ok((names, edit)) = patching::linked_copy(patch, self.open.as_ref(), id) {
            self.add_copies(patch, names, edit, asks);
        }
    }

    /// Makes several linked copies of a group, each with its own channel.
    pub(super) fn make_voices(
        &mut self,
        patch: &Patch,
        id: &GroupId,
        count: usize,
        asks: &mut Asks,
    ) {
        let rect = placing::shown_rect(patch, &id.stand_in());
        let height = rect.map_or(0.0, |rect| rect.height());
        let level = self.open.as_ref();
        if let Ok((names, edit)) = patching::voices(patch, level, id, count, height) {
            self.add_copies(patch, names, edit, asks);
        }
    }

    /// Puts copies where there is room, and chooses them: where they lie in new groups, these.
    fn add_copies(
        &mut self,
        patch: &Patch,
        names: BTreeSet<ModuleId>,
        edit: Edit,
        asks: &mut Asks,
    ) {
        let level = self.level(patch);
        let edit = placing::settled_together(level.shown(patch), edit);
        let groups = placing::added_groups(patch, &edit);
        let grouped = placing::added_within(&edit);
        let seen = names.into_iter().filter(|id| !grouped.contains(id));
        let names: BTreeSet<ModuleId> = seen.chain(groups.iter().map(GroupId::stand_in)).collect();
        let first = asks.requests.len();
        self.ask_to_add(level.shown(patch), names, edit, asks);
        level.all_real(&mut asks.requests[first..]);
    }
}

fn left_out(cables: usize, title: &str) -> String {
    match cables {
        1 => format!("A cable had no place on {title}. Undo brings it back."),
        count => format!("{count} cables had no place on {title}. Undo brings them back."),
    }
}
