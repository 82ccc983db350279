//! What the hand is doing, and what it asks for when it lets go.

use std::collections::BTreeSet;

use eframe::egui::{
    CursorIcon, Key, PointerButton, Pos2, Rect, Response, Shape, Stroke, StrokeKind, Ui, Vec2, vec2,
};
use sostenuto_patch::edit::Move;
use sostenuto_patch::{Cable, Edit, ModuleId, Patch};

use super::cable::Curve;
use super::face::snapped;
use super::wiring::Run;
use super::{Canvas, Desk, End, Intent, Layout};
use crate::browser::BrowseFor;
use crate::model::Asks;
use crate::patching::{self, can_connect};

/// How near to a jack a cable finds it, in points of the screen.
const SNAP: f32 = 22.0;
/// How near the middle of a face must come to a cable to go into it.
pub(super) const INSERT_REACH: f32 = 40.0;

/// What is being dragged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Drag {
    #[default]
    Nothing,
    /// A box is drawn around what will be chosen.
    Box { from: Pos2, kept: BTreeSet<ModuleId> },
    /// Modules, moved so far from where they were.
    Modules { grabbed: ModuleId, modules: BTreeSet<ModuleId>, way: Vec2 },
    /// The loose end of a cable.
    Cable { fixed: End, unplugged: Option<Cable>, by_keys: bool },
    /// The loose ends of all cables of a port: of an output, or of an input.
    Cables { cables: Vec<Cable>, of_output: bool },
}

impl Drag {
    /// How far from its place a module is carried.
    pub(super) fn offset_of(&self, id: &ModuleId) -> Vec2 {
        match self {
            Drag::Modules { modules, way, .. } if modules.contains(id) => snapped(*way),
            _ => Vec2::ZERO,
        }
    }

    /// The cables that it has pulled out.
    pub(super) fn unplugged(&self) -> &[Cable] {
        match self {
            Drag::Cable { unplugged, .. } => unplugged.as_slice(),
            Drag::Cables { cables, .. } => cables,
            _ => &[],
        }
    }
}

/// The cables of a port.
pub(super) fn cables_at(patch: &Patch, end: &End) -> Vec<Cable> {
    let is_at = |cable: &&Cable| match end {
        End::Output(output) => cable.from == *output,
        End::Input(input) => cable.to == *input,
    };
    patch.cables.iter().filter(is_at).cloned().collect()
}

/// The end of a cable that stays where it is, while the other is moved.
fn fixed_end(cable: &Cable, of_output: bool) -> End {
    if of_output { End::Input(cable.to.clone()) } else { End::Output(cable.from.clone()) }
}

/// What becomes of a cable that is let go.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Landing {
    /// It goes in there.
    Fits(Cable),
    /// It does not, and why.
    Refused(Pos2, &'static str),
    /// There is nothing.
    Space,
}

impl Canvas {
    pub(super) fn is_holding_cable(&self) -> bool {
        matches!(self.drag, Drag::Cable { .. })
    }

    /// A cable is pulled out of a port: a new one, or the end of one that is
    /// there. Inputs give the cable that they have, outputs a new one; with
    /// `command` it is the other way round.
    pub(super) fn pull(&mut self, patch: &Patch, end: End, is_other: bool, by_keys: bool) {
        let there = patch.cables.iter().rev().find(|cable| match &end {
            End::Output(output) => cable.from == *output,
            End::Input(input) => cable.to == *input,
        });
        let takes_there = matches!(end, End::Input(_)) != is_other;
        self.drag = match there.filter(|_| takes_there && !by_keys) {
            Some(cable) => {
                let fixed = match end {
                    End::Output(_) => End::Input(cable.to.clone()),
                    End::Input(_) => End::Output(cable.from.clone()),
                };
                Drag::Cable { fixed, unplugged: Some(cable.clone()), by_keys }
            }
            None => Drag::Cable { fixed: end, unplugged: None, by_keys },
        };
    }

    /// All cables are pulled out of a port, to go to another.
    pub(super) fn pull_all(&mut self, patch: &Patch, end: &End) {
        let cables = cables_at(patch, end);
        if !cables.is_empty() {
            self.drag = Drag::Cables { cables, of_output: matches!(end, End::Output(_)) };
        }
    }

    /// The port that a cable would find from there.
    fn port_near(&self, layout: &Layout, window: Rect, point: Pos2, outputs: bool) -> Option<End> {
        let mut nearest = (SNAP, None);
        for (id, (rect, face)) in &layout.places {
            let near = self.camera.rect_to_screen(window, *rect).expand(SNAP);
            if !near.contains(point) {
                continue;
            }
            let ports = if outputs { &face.outputs } else { &face.inputs };
            for found in ports {
                let jack = self.camera.to_screen(window, rect.min + found.at.to_vec2());
                let distance = jack.distance(point);
                if distance < nearest.0 {
                    let (module, port) = (id.clone(), found.port.clone());
                    let end = match outputs {
                        true => End::Output(sostenuto_patch::OutputRef { module, port }),
                        false => End::Input(sostenuto_patch::InputRef { module, port }),
                    };
                    nearest = (distance, Some(end));
                }
            }
        }
        nearest.1
    }

    /// What happens to a cable that is let go there.
    pub(super) fn landing(
        &self,
        patch: &Patch,
        layout: &Layout,
        window: Rect,
        point: Pos2,
        (fixed, unplugged): (&End, Option<&Cable>),
    ) -> Landing {
        let wants_output = matches!(fixed, End::Input(_));
        let port = self.port_near(layout, window, point, wants_output);
        let wrong = self.port_near(layout, window, point, !wants_output);
        let place = self.camera.to_canvas(window, point);
        let top = self
            .order
            .iter()
            .rev()
            .find(|id| layout.places.get(*id).is_some_and(|(rect, _)| rect.contains(place)));
        // On a face, but on none of its ports: the port that is meant most.
        let main = top.filter(|_| wrong.is_none()).and_then(|id| {
            let about = layout.places[id].1.about?;
            match wants_output {
                true => patching::main_output(id, about).map(End::Output),
                false => patching::main_input(id, about).map(End::Input),
            }
        });
        match port.or(main).and_then(|port| fixed.cable_to(&port)) {
            Some(cable) if unplugged == Some(&cable) => Landing::Fits(cable),
            Some(cable) => match can_connect(patch, &cable) {
                Ok(()) => Landing::Fits(cable),
                Err(error) => Landing::Refused(point, error),
            },
            None if wrong.as_ref().is_some_and(|wrong| wrong != fixed) => {
                let error =
                    if wants_output { "This is an input too." } else { "This is an output too." };
                Landing::Refused(point, error)
            }
            None if top.is_some() => {
                let error = if wants_output { "It has no outputs." } else { "It has no inputs." };
                Landing::Refused(point, error)
            }
            None => Landing::Space,
        }
    }

    /// The cable into which the module in the hand would go.
    pub(super) fn insertion(&self, desk: &Desk) -> Option<Cable> {
        let Desk { scene, layout, wiring, .. } = *desk;
        let Drag::Modules { grabbed, modules, .. } = &self.drag else { return None };
        let (rect, face) = layout.places.get(grabbed)?;
        let patch = scene.patch;
        let is_free = modules.len() == 1 && patch.cables_of(grabbed).next().is_none();
        let about = face.about.filter(|_| is_free)?;
        patching::way_through(grabbed, about)?;
        let distance = |run: &Run| {
            let curve = Curve::new(run.from, run.to, scene.preferences.cable_tension, 1.0);
            Some(curve.distance(rect.center()).0).filter(|distance| *distance < INSERT_REACH)
        };
        let near = wiring.runs().iter().filter_map(|run| Some((distance(run)?, run)));
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, run)| run.cable.clone())
    }

    /// Goes on with what the hand does, or ends it.
    pub(super) fn drag(&mut self, ui: &Ui, desk: &mut Desk, ground: &Response) {
        let Desk { scene, layout, window, .. } = *desk;
        let patch = scene.patch;
        let (modifiers, is_down, pointer) = ui.input(|input| {
            (input.modifiers, input.pointer.primary_down(), input.pointer.interact_pos())
        });
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.cancel();
        }
        if ground.drag_started_by(PointerButton::Primary) {
            ground.request_focus();
            let from = ground.interact_pointer_pos().unwrap_or(window.center());
            let from = ui.input(|input| input.pointer.press_origin()).unwrap_or(from);
            let keeps = Canvas::adds(modifiers);
            let kept = if keeps { self.selection.clone() } else { BTreeSet::new() };
            self.drag = Drag::Box { from: self.camera.to_canvas(window, from), kept };
        }
        if ground.clicked() {
            ground.request_focus();
            self.selection.clear();
            self.selected_comment = None;
            self.selected_cable = match &self.pointed {
                super::Pointed::Cable(cable) => Some(cable.clone()),
                _ => None,
            };
        }
        if ground.double_clicked() || ground.triple_clicked() {
            desk.intents.push(self.browse(ui));
        }
        let Some(pointer) = pointer.or(self.key_point(layout, window)) else { return };
        match self.drag.clone() {
            Drag::Nothing => {}
            Drag::Box { from, kept } => {
                let to = self.camera.to_canvas(window, pointer);
                let area = Rect::from_two_pos(from, to);
                let inside = layout.places.iter().filter(|(_, (rect, _))| area.intersects(*rect));
                self.selection = inside.map(|(id, _)| id.clone()).chain(kept).collect();
                let area = self.camera.rect_to_screen(window, area);
                let accent = scene.theme.accent;
                ui.painter().rect(
                    area,
                    2.0,
                    accent.gamma_multiply(0.08),
                    (1.0, accent),
                    StrokeKind::Inside,
                );
                self.pan_at_edge(ui, window, pointer);
                if !is_down {
                    self.drag = Drag::Nothing;
                }
            }
            Drag::Modules { grabbed, modules, way } => {
                let delta = ui.input(|input| input.pointer.delta()) / self.camera.zoom;
                let edge = self.pan_at_edge(ui, window, pointer);
                let way = way + delta + edge;
                self.drag =
                    Drag::Modules { grabbed: grabbed.clone(), modules: modules.clone(), way };
                ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
                if !is_down {
                    let into = self.insertion(desk);
                    self.drag = Drag::Nothing;
                    self.let_go_of_modules(
                        patch,
                        &grabbed,
                        &modules,
                        snapped(way),
                        into,
                        desk.asks,
                    );
                }
            }
            Drag::Cables { cables, of_output } => {
                self.pan_at_edge(ui, window, pointer);
                let fixed: Vec<End> =
                    cables.iter().map(|cable| fixed_end(cable, of_output)).collect();
                let held = (&fixed[0], Some(&cables[0]));
                let landing = self.landing(patch, layout, window, pointer, held);
                for fixed in &fixed {
                    self.draw_loose(ui, desk, fixed, pointer, &landing);
                }
                if !is_down {
                    self.drag = Drag::Nothing;
                    plug_all(desk, cables, of_output, landing);
                }
            }
            Drag::Cable { fixed, unplugged, by_keys } => {
                self.pan_at_edge(ui, window, pointer);
                let landing =
                    self.landing(patch, layout, window, pointer, (&fixed, unplugged.as_ref()));
                self.draw_loose(ui, desk, &fixed, pointer, &landing);
                if unplugged.is_none() && !by_keys {
                    self.edges_ui(ui, desk, pointer, &fixed.part());
                }
                if !is_down && !by_keys {
                    self.drag = Drag::Nothing;
                    self.plug(desk, pointer, (fixed, unplugged), landing);
                }
            }
        }
    }

    /// Where the loose end is while keys move it: beside its fixed end.
    fn key_point(&self, layout: &Layout, window: Rect) -> Option<Pos2> {
        let Drag::Cable { fixed, by_keys: true, .. } = &self.drag else { return None };
        Some(self.camera.to_screen(window, layout.jack(fixed)?) + vec2(30.0, 30.0))
    }

    fn plug(
        &mut self,
        desk: &mut Desk,
        point: Pos2,
        (fixed, unplugged): (End, Option<Cable>),
        landing: Landing,
    ) {
        let patch = desk.scene.patch;
        match (landing, unplugged) {
            (Landing::Fits(cable), Some(old)) if cable == old => {}
            (Landing::Fits(cable), Some(old)) => {
                desk.asks.edit(Edit::Several(vec![Edit::Disconnect(old), Edit::Connect(cable)]));
            }
            (Landing::Fits(cable), None) => desk.asks.edit(Edit::Connect(cable)),
            (Landing::Refused(_, error), _) => desk.say(error),
            (Landing::Space, Some(old)) if patch.cables.contains(&old) => {
                desk.asks.edit(Edit::Disconnect(old));
            }
            (Landing::Space, Some(_)) => {}
            (Landing::Space, None) if self.is_at_edge(desk.window, point) => {
                let (module, part) = fixed.part();
                self.show_here(desk, &module, part);
            }
            (Landing::Space, None) => {
                let wish = match fixed {
                    End::Output(output) => BrowseFor::From(output.meant()),
                    End::Input(input) => BrowseFor::Into(input.meant()),
                };
                let at = self.camera.to_canvas(desk.window, point);
                desk.intents.push(Intent::Browse { wish, corner: point, at });
            }
        }
    }

    /// Keys bring the loose end to a port.
    pub(super) fn plug_by_keys(
        &mut self,
        patch: &Patch,
        end: &End,
        asks: &mut Asks,
    ) -> Option<&'static str> {
        let Drag::Cable { fixed, .. } = std::mem::take(&mut self.drag) else { return None };
        let Some(cable) = fixed.cable_to(end) else {
            return Some("A cable goes from an output to an input.");
        };
        if patch.cables.contains(&cable) {
            asks.edit(Edit::Disconnect(cable));
            return None;
        }
        asks.edit(Edit::Connect(cable));
        None
    }

    fn let_go_of_modules(
        &mut self,
        patch: &Patch,
        grabbed: &ModuleId,
        modules: &BTreeSet<ModuleId>,
        way: Vec2,
        into: Option<Cable>,
        asks: &mut Asks,
    ) {
        if way == Vec2::ZERO {
            return;
        }
        let moved = modules.iter().filter_map(|id| {
            let module = patch.modules.get(id)?;
            Some(Move { module: id.clone(), x: module.x + way.x, y: module.y + way.y })
        });
        let moved = Edit::MoveModules(moved.collect());
        let about = patch.modules.get(grabbed).and_then(|module| module.about().ok());
        let insert = into
            .zip(about)
            .and_then(|(cable, about)| patching::insert(patch, grabbed, about, &cable));
        asks.edit(match insert {
            Some(insert) => Edit::Several(vec![moved, insert]),
            None => moved,
        });
    }

    /// The canvas moves along where the hand comes to its edge. Returns by how
    /// much, in canvas points.
    fn pan_at_edge(&mut self, ui: &Ui, window: Rect, pointer: Pos2) -> Vec2 {
        let inner = window.shrink(24.0);
        let beyond = pointer - pointer.clamp(inner.min, inner.max);
        if beyond == Vec2::ZERO || !window.expand(40.0).contains(pointer) {
            return Vec2::ZERO;
        }
        let step = beyond * ui.input(|input| input.stable_dt).min(0.1) * 12.0;
        self.camera.pan(-step);
        ui.ctx().request_repaint();
        step / self.camera.zoom
    }

    fn draw_loose(&self, ui: &Ui, desk: &Desk, fixed: &End, pointer: Pos2, landing: &Landing) {
        let Desk { scene, layout, window, .. } = *desk;
        let Some(at) = layout.jack(fixed).map(|at| self.camera.to_screen(window, at)) else {
            return;
        };
        let (theme, zoom) = (scene.theme, self.camera.zoom);
        let loose = match landing {
            Landing::Fits(cable) => {
                let there = match fixed {
                    End::Output(_) => End::Input(cable.to.clone()),
                    End::Input(_) => End::Output(cable.from.clone()),
                };
                layout.jack(&there).map_or(pointer, |at| self.camera.to_screen(window, at))
            }
            _ => pointer,
        };
        let (from, to) = if matches!(fixed, End::Output(_)) { (at, loose) } else { (loose, at) };
        let colour = match landing {
            Landing::Refused(..) => theme.trouble,
            _ => theme.accent,
        };
        let curve = Curve::new(from, to, scene.preferences.cable_tension, zoom);
        ui.painter().line(curve.points(), Stroke::new(4.0 * zoom.max(0.6), colour));
        let ring = Stroke::new(2.0, colour);
        match landing {
            Landing::Fits(_) => {
                ui.painter().circle_stroke(loose, 12.0 * zoom.max(0.6), ring);
            }
            Landing::Refused(point, error) => {
                let arm = vec2(6.0, 6.0);
                let flipped = vec2(6.0, -6.0);
                ui.painter().add(Shape::line_segment([*point - arm, *point + arm], ring));
                ui.painter().add(Shape::line_segment([*point - flipped, *point + flipped], ring));
                super::wires::label(ui, theme, *point + vec2(14.0, 14.0), error);
            }
            Landing::Space if self.is_at_edge(window, pointer) => {}
            Landing::Space => {
                let hint = "Release to add a module here";
                super::wires::label(ui, theme, pointer + vec2(14.0, 14.0), hint);
            }
        }
    }
}

/// All cables of a port go to another, or nowhere, as one step.
fn plug_all(desk: &mut Desk, cables: Vec<Cable>, of_output: bool, landing: Landing) {
    let target = match landing {
        Landing::Fits(target) => Some(target),
        Landing::Refused(_, error) => return desk.say(error),
        Landing::Space => None,
    };
    let moved = |cable: &Cable| {
        let target = target.as_ref()?;
        let mut moved = cable.clone();
        match of_output {
            true => moved.from = target.from.clone(),
            false => moved.to = target.to.clone(),
        }
        Some(moved)
    };
    let is_there = |cable: &Cable| desk.scene.patch.cables.contains(cable);
    let mut edits = Vec::new();
    for cable in cables.iter().filter(|cable| is_there(cable)) {
        match moved(cable) {
            Some(moved) if moved == *cable => {}
            moved => {
                edits.push(Edit::Disconnect(cable.clone()));
                edits.extend(moved.filter(|moved| !is_there(moved)).map(Edit::Connect));
            }
        }
    }
    if !edits.is_empty() {
        desk.asks.edit(Edit::Several(edits));
    }
}
