//! Groups under the hand: made, looked into, taken apart; and the way back out.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{Button, Key, Modifiers, Rect, Ui, UiBuilder, Vec2, vec2};
use sostenuto_patch::edit::Move;
use sostenuto_patch::{Edit, Group, GroupId, ModuleId, Part, Patch, apply};

use super::drag::Drag;
use super::face::{Face, GRID, snapped};
use super::level::Level;
use super::modules::Spot;
use super::{Canvas, Desk, Intent, placing};
use crate::model::Asks;
use crate::part_menu::stage_all_entry;
use crate::parts::palette;
use crate::patching;
use crate::shortcuts::{Command, entry};

/// What the canvas itself is called in the path to a group.
const CANVAS: &str = "Patch";

impl Canvas {
    /// What is shown of the patch. A group that is no more is left.
    pub(super) fn level(&mut self, patch: &Patch) -> Arc<Level> {
        if !self.level.is_of(patch, self.open.as_ref()) {
            self.level = Arc::new(Level::of(patch, self.open.as_ref()));
            if self.open.as_ref() != self.level.open() {
                self.look_into(self.level.open().cloned());
            }
        }
        Arc::clone(&self.level)
    }

    /// Shows what lies in a group, or on the canvas itself.
    pub fn look_into(&mut self, group: Option<GroupId>) {
        if group == self.open {
            return;
        }
        let left = std::mem::replace(&mut self.open, group);
        self.cameras.insert(left, self.camera);
        match self.cameras.get(&self.open) {
            Some(camera) => self.camera = *camera,
            None => self.wants_fit = true,
        }
        self.drag = Drag::default();
        self.selection.clear();
        self.selected_cable = None;
        self.selected_comment = None;
    }

    /// Whether a group is looked into.
    pub fn is_inside(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a group is among what is chosen.
    pub fn has_groups_chosen(&self) -> bool {
        self.selection.iter().any(|id| id.stands_for().is_some())
    }

    /// The modules of the patch that are chosen, also by their group.
    pub fn chosen_modules(&mut self, patch: &Patch) -> BTreeSet<ModuleId> {
        let chosen = self.selection.clone();
        self.level(patch).modules(&chosen)
    }

    /// Takes away what is chosen, groups with all that lies in them.
    pub(super) fn removed(&mut self, patch: &Patch, chosen: &BTreeSet<ModuleId>) -> Edit {
        let level = self.level(patch);
        let modules = level.modules(chosen);
        let groups = level.groups(chosen);
        let is_in = |group: Option<&GroupId>| group.is_some_and(|id| groups.contains(id));
        let comments = patch.comments.iter().filter(|(_, comment)| is_in(comment.group.as_ref()));
        let wipe = comments.map(|(id, _)| Edit::SetComment { id: id.clone(), comment: None });
        // Their copies stay.
        let linked = groups.iter().filter_map(|id| Some((id, patch.groups.get(id)?)));
        let linked = linked.filter(|(_, group)| group.link.is_some());
        let mut edits: Vec<Edit> = linked.map(|(id, group)| independent(id, group)).collect();
        edits.push(patching::remove(patch, &modules));
        edits.extend(wipe);
        let away = groups.iter().map(|id| Edit::SetGroup { id: id.clone(), group: None });
        edits.extend(away);
        if edits.len() == 1 { edits.remove(0) } else { Edit::Several(edits) }
    }

    /// Makes one of what is chosen. Nothing is heard of it.
    pub fn group(&mut self, patch: &Patch, asks: &mut Asks) {
        let level = self.level(patch);
        let shown = level.shown(patch);
        let rects = self.selection.iter().map(|id| placing::module_rect(shown, id));
        let Some(bounds) = rects.reduce(Rect::union) else { return };
        let modules = level.modules(&self.selection);
        if modules.is_empty() {
            return;
        }
        let (id, edit) = patch.grouped(&modules, self.open.as_ref(), "Group", (0.0, 0.0));
        // Where their middle was.
        let mut ahead = patch.clone();
        let Ok(_) = apply(&mut ahead, edit.clone()) else { return };
        let size = Face::of_group(&ahead, &id, &ahead.groups[&id]).size;
        let corner = snapped((bounds.center() - size / 2.0).to_vec2());
        let group = Group { x: corner.x, y: corner.y, ..ahead.groups[&id].clone() };
        let place = Edit::SetGroup { id: id.clone(), group: Some(group) };
        asks.edit(Edit::Several(vec![edit, place]));
        self.awaited = BTreeSet::from([id.stand_in()]);
        self.selection = self.awaited.clone();
    }

    /// Takes the chosen groups apart: what lies in one comes to lie around where it stood,
    /// or near there where that is taken.
    pub fn ungroup(&mut self, patch: &Patch, asks: &mut Asks) {
        let level = self.level(patch);
        let chosen: Vec<GroupId> = self.selection.iter().filter_map(ModuleId::stands_for).collect();
        let mut edits = Vec::new();
        let mut freed = BTreeSet::new();
        for id in &chosen {
            let Ok(edit) = patch.ungrouped(id) else { continue };
            let inside = Level::of(patch, Some(id)).seen(patch);
            let lying = |(id, _): &(&ModuleId, _)| !id.is_stand_in() || id.stands_for().is_some();
            let names: Vec<ModuleId> =
                inside.modules.iter().filter(lying).map(|(id, _)| id.clone()).collect();
            let rects = names.iter().map(|id| placing::module_rect(&inside, id));
            let Some(bounds) = rects.reduce(Rect::union) else { continue };
            let seen = level.seen(patch);
            let others = seen.modules.keys().filter(|other| **other != id.stand_in());
            let taken: Vec<Rect> = others.map(|id| placing::module_rect(&seen, id)).collect();
            let stood = placing::module_rect(&seen, &id.stand_in()).center() - bounds.center();
            // By whole steps of the grid: what was just made one comes back to its place.
            let steps = vec2((stood.x / GRID).trunc(), (stood.y / GRID).trunc());
            let wanted = bounds.min + steps * GRID;
            let way = placing::free_place(&taken, bounds.size(), wanted) - bounds.min;
            edits.push(edit);
            edits.extend(moved(patch, &inside, &names, snapped(way)));
            freed.extend(names);
        }
        if !edits.is_empty() {
            asks.edit(Edit::Several(edits));
            self.awaited.clone_from(&freed);
            self.selection = freed;
        }
    }

    /// Takes what is chosen out of the group that is looked into.
    pub fn take_out(&mut self, patch: &Patch, asks: &mut Asks) {
        let Some(open) = self.open.clone() else { return };
        let outside = patch.groups.get(&open).and_then(|group| group.inside.clone());
        let mut edits = Vec::new();
        for id in std::mem::take(&mut self.selection) {
            match id.stands_for().and_then(|id| Some((patch.groups.get(&id)?, id))) {
                Some((group, id)) => {
                    let group = Group { inside: outside.clone(), twin: 0, ..group.clone() };
                    edits.push(Edit::SetGroup { id, group: Some(group) });
                }
                None if patch.modules.contains_key(&id) => {
                    let group = outside.clone();
                    edits.push(Edit::SetInside { module: id, group, twin: 0 });
                }
                None => {}
            }
        }
        if !edits.is_empty() {
            asks.edit(Edit::Several(edits));
        }
    }

    /// What a right click on a group offers.
    pub(super) fn group_menu(&mut self, ui: &mut Ui, desk: &mut Desk, spot: &Spot) {
        let patch = desk.scene.model.patch();
        let Some(id) = spot.id.stands_for() else { return };
        let Some(group) = patch.groups.get(&id) else { return };
        if ui.button("Open").clicked() {
            self.look_into(Some(id.clone()));
            ui.close();
        }
        if ui.button("Rename…").clicked() {
            self.begin_rename(spot.id, &group.title);
            ui.close();
        }
        if let Some(colour) = palette(ui, desk.scene.theme) {
            let group = Group { colour, ..group.clone() };
            desk.asks.edit(Edit::SetGroup { id: id.clone(), group: Some(group) });
            ui.close();
        }
        if ui.button("Linked copy").on_hover_text(LINKED_HELP).clicked() {
            self.copy_linked(patch, &id, desk.asks);
            ui.close();
        }
        ui.menu_button("Make voices", |ui| {
            for count in [2, 4, 8, 16] {
                if ui.button(count.to_string()).on_hover_text(VOICES_HELP).clicked() {
                    self.make_voices(patch, &id, count, desk.asks);
                    ui.close();
                }
            }
        });
        if group.link.is_some() && ui.button("Make independent").clicked() {
            desk.asks.edit(independent(&id, group));
            ui.close();
        }
        if ui.button("Keep in My modules").clicked() {
            self.keep_own(desk, &id);
            ui.close();
        }
        if group.link.is_some() && ui.button("Update from the browser").clicked() {
            desk.intents.push(Intent::Update(id.clone()));
            ui.close();
        }
        let of_face = spot.face.lent.iter().flat_map(|(id, face)| {
            let params = face.about.map(|about| about.params).unwrap_or_default();
            let param = |index: usize| Part::Param(params[index].name.into());
            let params = face.params.iter().map(move |control| param(control.index));
            params.chain(face.screen.map(|_| Part::Screen)).map(|part| (id.clone(), part))
        });
        stage_all_entry(ui, patch, desk.asks, &of_face.collect::<Vec<_>>());
        ui.separator();
        for (name, command) in [
            ("Ungroup", Command::Ungroup),
            ("Bypass what lies in it", Command::Bypass),
            ("Copy", Command::Copy),
            ("Duplicate", Command::Duplicate),
            ("Delete", Command::Delete),
        ] {
            if entry(ui, name, command) {
                desk.intents.push(Intent::Obey(command));
                ui.close();
            }
        }
    }

    /// Keeps a group in My modules, and as one whose copies follow it.
    fn keep_own(&self, desk: &mut Desk, id: &GroupId) {
        let patch = desk.scene.model.patch();
        let mut ahead = patch.clone();
        let Ok(link) = patching::linked(patch, id) else { return };
        if apply(&mut ahead, link.clone()).is_err() {
            return;
        }
        desk.asks.edit(link);
        let modules = ahead.modules_within(id).cloned().collect();
        let kept = patching::copy(&ahead, self.open.as_ref(), &modules, &BTreeSet::new());
        if let Some(name) = &ahead.groups[id].link {
            desk.intents.push(Intent::Keep(name.to_string(), Box::new(kept)));
        }
    }

    /// The way from the canvas to the group that is looked into, and back: a click goes
    /// to any of them, Escape one step out.
    pub(super) fn path_ui(&mut self, ui: &mut Ui, desk: &Desk) {
        let path = self.level.path();
        let Some((_, last)) = path.split_last() else { return };
        let outside = last.last().map(|(id, _)| id.clone());
        let theme = desk.scene.theme;
        let strip = Rect::from_min_size(desk.window.min + vec2(12.0, 10.0), vec2(800.0, 28.0));
        let strip = strip.intersect(desk.window.shrink(8.0));
        let mut inner = ui.new_child(UiBuilder::new().max_rect(strip));
        let mut wanted = None;
        inner.horizontal(|ui| {
            if ui
                .button(CANVAS)
                .on_hover_text("Back to the whole patch (Escape: one step)")
                .clicked()
            {
                wanted = Some(None);
            }
            for (id, title) in &path {
                ui.colored_label(theme.faint, "›");
                let title = if title.is_empty() { "Group" } else { title };
                let is_here = Some(id) == self.open.as_ref();
                if ui.add(Button::selectable(is_here, title)).clicked() {
                    wanted = Some(Some(id.clone()));
                }
            }
        });
        let is_free = matches!(self.drag, Drag::Nothing)
            && self.renaming.is_none()
            && ui.memory(|memory| memory.focused().is_none())
            && !ui.ctx().any_popup_open();
        if is_free && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            wanted = Some(outside);
        }
        if let Some(group) = wanted {
            self.look_into(group);
        }
    }
}

/// What is said of linked copies.
const LINKED_HELP: &str = "What is changed in one of its copies is changed in all of them; \
    knobs on their faces are each copy's own";

/// What is said of voices.
const VOICES_HELP: &str = "Linked copies, each with its own channel of every cable that comes in; \
    what leaves them becomes channels of one cable";

/// Makes a group follow its copies no longer.
fn independent(id: &GroupId, group: &Group) -> Edit {
    Edit::SetGroup { id: id.clone(), group: Some(Group { link: None, ..group.clone() }) }
}

/// What was in a group, moved so far: modules, and the groups among them.
fn moved(patch: &Patch, inside: &Patch, names: &[ModuleId], way: Vec2) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut moves = Vec::new();
    for name in names {
        let at = &inside.modules[name];
        let (x, y) = (at.x + way.x, at.y + way.y);
        match name.stands_for() {
            Some(id) => {
                let group = &patch.groups[&id];
                let inside = group.inside.as_ref().and_then(|outer| patch.groups.get(outer));
                let inside = inside.and_then(|outer| outer.inside.clone());
                let group = Group { x, y, inside, ..group.clone() };
                edits.push(Edit::SetGroup { id, group: Some(group) });
            }
            None => moves.push(Move { module: name.clone(), x, y }),
        }
    }
    edits.push(Edit::MoveModules(moves));
    edits
}
