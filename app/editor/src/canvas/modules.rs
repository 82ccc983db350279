//! Modules on the canvas: drawn, chosen, picked up, and their ports.

use eframe::egui::accesskit::Action;
use eframe::egui::{
    Align2, Color32, Key, Modifiers, PointerButton, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2,
    WidgetInfo, WidgetType, vec2,
};
use sostenuto_modules::module::Port;
use sostenuto_modules::param::Param;
use sostenuto_osc::message::status::FaultState;
use sostenuto_patch::{Cable, InputRef, ModuleId, OutputRef, Part, PatchModule};

use super::drag::Drag;
use super::face::{
    BELOW_TEXT, BESIDE_TEXT, EMBLEM, Face, JACK_RADIUS, Jack, LABEL_INSET, TITLE_HEIGHT, TITLE_TEXT,
};
use super::placing;
use super::showing::show_entry;
use super::sketch::{SKETCH_ZOOM, draw_sketch};
use super::{Canvas, DETAIL_ZOOM, Desk, End, Intent, Pointed, Scene, emblem, glow};
use crate::model::{Asks, Level};
use crate::module_menu::module_popup;
use crate::param::{ParamSpot, is_carried, param_ui};
use crate::part_menu::{module_lock_entry, module_stage_entry};
use crate::patching::{self, Modulator, input_that_moves, spoken};
use crate::pen::Pen;
use crate::screen::text::text_ui;
use crate::screen::{ScreenSpot, screen_ui};
use crate::shortcuts::{Command, entry};
use crate::theme::Theme;

/// The least height of letters from some way off, in points of the screen.
const FAR_TEXT: f32 = 10.0;

/// What a finger still hits, in points at zoom 1.
const REACH: f32 = 24.0;

/// One module, in one frame.
pub(super) struct Spot<'a> {
    pub id: &'a ModuleId,
    pub module: &'a PatchModule,
    pub face: &'a Face,
    /// On the screen.
    pub rect: Rect,
    /// Whether it is a part of a group's face.
    pub is_lent: bool,
}

impl Spot<'_> {
    /// A part of the face, on the screen.
    pub fn on_screen(&self, part: Rect, zoom: f32) -> Rect {
        Rect::from_min_size(self.rect.min + part.min.to_vec2() * zoom, part.size() * zoom)
    }
}

/// What is shown on a part of a face. `moved` are params that cables move, and to where.
pub(super) fn screen_spot<'a>(
    scene: Scene<'a>,
    spot: &'a Spot,
    part: Rect,
    zoom: f32,
    moved: Vec<(&'static str, f32)>,
) -> Option<ScreenSpot<'a>> {
    Some(ScreenSpot {
        rect: spot.on_screen(part, zoom),
        zoom,
        module: spot.id,
        about: spot.face.about?,
        params: spot.module,
        display: scene.model.signals.display(spot.id),
        sample_rate_hz: scene.model.status.sample_rate_hz,
        moved,
        patch: scene.model.patch(),
    })
}

/// What a module is known by from afar: the colour of its family, or that of its group.
pub(super) fn colour_of(theme: &Theme, id: &ModuleId, face: &Face) -> Color32 {
    match (face.about, face.colour) {
        (Some(about), _) => theme.category(about),
        (None, Some(colour)) => theme.cables[usize::from(colour) % theme.cables.len()],
        (None, None) if id.is_stand_in() => theme.faint,
        (None, None) => theme.trouble,
    }
}

impl Canvas {
    pub(super) fn modules_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.visible.clear();
        let patch = desk.scene.patch;
        let (layout, window) = (desk.layout, desk.window);
        let was_pointed = std::mem::take(&mut self.pointed);
        self.lit = match &was_pointed {
            Pointed::Module(id) => patching::connected(patch, id),
            _ => Default::default(),
        };
        for id in self.order.clone() {
            let Some((rect, face)) = layout.places.get(&id) else { continue };
            let rect = self.camera.rect_to_screen(window, *rect);
            if !rect.expand(12.0).intersects(window) {
                continue;
            }
            match id.is_stand_in() {
                true => self.visible.extend(behind(face)),
                false => self.visible.push(id.clone()),
            }
            let module = &patch.modules[&id];
            let spot = Spot { id: &id, module, face, rect, is_lent: false };
            self.module_ui(ui, desk, &spot);
        }
    }

    fn module_ui(&mut self, ui: &mut Ui, desk: &mut Desk, spot: &Spot) {
        let scene = desk.scene;
        let id = ui.id().with(("module", spot.id.as_str()));
        let response = ui.interact(spot.rect, id, Sense::click_and_drag());
        let is_chosen = self.selection.contains(spot.id);
        response.widget_info(|| {
            let title = &spot.face.title;
            let label = match (spot.id.stands_for(), spot.id.is_stand_in()) {
                (Some(_), _) => format!("{title}, group"),
                (None, true) => title.clone(),
                (None, false) => format!("{title}, module {}", spot.id),
            };
            WidgetInfo::selected(WidgetType::Button, true, is_chosen, label)
        });
        self.choose(ui, &response, spot);
        if response.contains_pointer() && matches!(self.drag, Drag::Nothing) {
            self.pointed = Pointed::Module(spot.id.clone());
        }
        let is_near = self.camera.zoom >= DETAIL_ZOOM;
        self.draw_face(ui, scene, spot, is_near);
        if response.has_focus() {
            Pen::new(ui, self.camera.zoom).focus_ring(spot.rect, scene.theme.accent);
        }
        if is_near {
            self.rename_ui(ui, desk, spot, &response);
            self.headings_of(ui, scene, spot);
            self.screen_of(ui, desk, spot);
            self.params_of(ui, desk, spot);
            self.lent_ui(ui, desk, spot);
            self.ports_of(ui, desk, spot);
        }
        // A third click, where one was chosen just before.
        let is_opened = response.double_clicked() || response.triple_clicked();
        if is_opened && spot.id.stands_for().is_some() {
            self.look_into(spot.id.stands_for());
        }
        module_popup(&response).show(|ui| {
            if !self.selection.contains(spot.id) {
                self.selection = [spot.id.clone()].into();
            }
            if spot.id.is_stand_in() {
                return self.group_menu(ui, desk, spot);
            }
            let wish = (desk.module_menu)(ui, spot.id, desk.asks);
            desk.intents.extend(wish.map(Intent::Module));
            ui.separator();
            let groupings =
                [("Group", Command::GroupModules), ("Take out of the group", Command::TakeOut)];
            for (name, command) in &groupings[..1 + usize::from(self.is_inside())] {
                if entry(ui, name, *command) {
                    desk.intents.push(Intent::Obey(*command));
                    ui.close();
                }
            }
            if spot.face.screen.is_some() {
                show_entry(ui, desk.scene, desk.asks, spot.id, Part::Screen);
            } else {
                module_stage_entry(ui, desk.scene.model.patch(), desk.asks, spot.id);
            }
            module_lock_entry(ui, desk.scene.model.patch(), desk.asks, spot.id);
        });
    }

    /// Clicks choose, drags carry.
    fn choose(&mut self, ui: &Ui, response: &Response, spot: &Spot) {
        let modifiers = ui.input(|input| input.modifiers);
        if response.is_pointer_button_down_on() {
            self.raise(spot.id);
        }
        let is_enter = response.has_focus() && ui.input(|input| input.key_pressed(Key::Space));
        if response.clicked() || is_enter {
            response.request_focus();
            self.selected_cable = None;
            self.selected_comment = None;
            if Canvas::adds(modifiers) {
                if !self.selection.remove(spot.id) {
                    self.selection.insert(spot.id.clone());
                }
            } else {
                self.selection = [spot.id.clone()].into();
            }
        }
        if response.drag_started_by(PointerButton::Primary) {
            if !self.selection.contains(spot.id) {
                if !Canvas::adds(modifiers) {
                    self.selection.clear();
                }
                self.selection.insert(spot.id.clone());
            }
            let modules = self.selection.clone();
            // What the pointer went before egui took it for a drag.
            let whole = ui.input(|input| {
                let pointer = &input.pointer;
                let from = pointer.press_origin().zip(pointer.interact_pos());
                from.map_or(Vec2::ZERO, |(from, to)| to - from - pointer.delta())
            });
            let way = whole / self.camera.zoom;
            self.drag = Drag::Modules { grabbed: spot.id.clone(), modules, way };
        }
    }

    /// What modules in a group show on its face: as on their own.
    fn lent_ui(&mut self, ui: &mut Ui, desk: &mut Desk, spot: &Spot) {
        for (id, face) in &spot.face.lent {
            let Some(module) = desk.scene.patch.modules.get(id) else { continue };
            let spot = Spot { id, module, face, rect: spot.rect, is_lent: true };
            self.screen_of(ui, desk, &spot);
            self.params_of(ui, desk, &spot);
        }
    }

    fn draw_face(&self, ui: &Ui, scene: Scene, spot: &Spot, is_near: bool) {
        let (theme, zoom, rect) = (scene.theme, self.camera.zoom, spot.rect);
        let pen = Pen::new(ui, zoom);
        let is_stand_in = spot.id.is_stand_in();
        let category = colour_of(theme, spot.id, spot.face);
        let is_off = spot.module.is_bypassed || (spot.module.is_placeholder && !is_stand_in);
        if spot.id.stands_for().is_some() {
            // More than one lies there.
            let below = rect.translate(vec2(5.0, 5.0) * zoom);
            pen.fill(below, 6.0, theme.face.gamma_multiply(0.6));
            pen.edge(below, 6.0, 1.0, theme.edge);
        }
        pen.fill(rect, 6.0, theme.face);
        let is_sketch = !is_near && zoom >= SKETCH_ZOOM;
        // From some way off, names are what one looks for.
        let least = if is_sketch { 1.3 * FAR_TEXT } else { 0.0 };
        let title =
            Rect::from_min_size(rect.min, vec2(rect.width(), (TITLE_HEIGHT * zoom).max(least)));
        let strip = category.gamma_multiply(if is_off { 0.15 } else { 0.32 });
        pen.fill(title, 6.0, strip);
        let is_chosen = self.selection.contains(spot.id);
        let is_lit = self.lit.contains(spot.id) && self.lit.len() > 1;
        let (width, edge) = match (is_chosen, is_lit) {
            (true, _) => (2.5, theme.accent),
            (false, true) => (1.5, category),
            (false, false) => (1.0, theme.edge),
        };
        pen.edge(rect, 6.0, width, edge);
        if is_near {
            let ink = if is_off { theme.faint } else { theme.text };
            let mut place = title.shrink2(vec2(8.0 * zoom, 0.0));
            if let Some(about) = spot.face.about {
                let at = place.left_center() + vec2(6.0 * zoom, 0.0);
                emblem::draw(&pen, at, about, if is_off { theme.faint } else { category });
                place.min.x += EMBLEM * zoom;
            }
            pen.fitted_text(place, Align2::LEFT_CENTER, TITLE_TEXT, ink, &spot.face.title);
            let name_fits = spot.face.about.is_none_or(|about| about.name != spot.id.as_str());
            let remark = self.remark(scene, spot);
            let names_it = remark.is_empty() && name_fits && !is_stand_in;
            let remark = if names_it { spoken(spot.id) } else { remark };
            let taken = pen.text_width(TITLE_TEXT, &spot.face.title) + (EMBLEM + 16.0) * zoom;
            let room =
                Rect::from_min_max(title.min + vec2(taken, 0.0), title.max - vec2(8.0 * zoom, 0.0));
            if room.width() > 20.0 * zoom {
                pen.fitted_text(room, Align2::RIGHT_CENTER, 11.0, theme.faint, &remark);
            }
        } else if is_sketch {
            draw_sketch(ui, scene, spot, zoom);
            for (id, face) in &spot.face.lent {
                let Some(module) = scene.patch.modules.get(id) else { continue };
                let lent = Spot { id, module, face, rect: spot.rect, is_lent: true };
                draw_sketch(ui, scene, &lent, zoom);
            }
            let place = title.shrink2(vec2(3.0, 0.0));
            let ink = if is_off { theme.faint } else { theme.text };
            let size = FAR_TEXT / zoom;
            let short = spot.face.about.map_or("", |about| about.short);
            let is_whole = pen.text_width(size, &spot.face.title) <= place.width();
            let words = if is_whole || short.is_empty() { &spot.face.title } else { short };
            pen.fitted_text(place, Align2::LEFT_CENTER, size, ink, words);
        } else {
            // As large as it goes.
            let size = (rect.width() / zoom / 8.0).min(13.0 / zoom);
            pen.fitted_text(
                rect.shrink(3.0),
                Align2::CENTER_CENTER,
                size,
                theme.text,
                &spot.face.title,
            );
        }
        if let Some(badge) = fault(scene, spot.id) {
            let at = rect.right_top() + vec2(-4.0, 4.0) * zoom;
            pen.disc(at, 6.0, theme.trouble, Stroke::NONE);
            let below = rect.left_bottom() + vec2(4.0, 3.0) * zoom;
            pen.text(below, Align2::LEFT_TOP, 12.0, theme.trouble, &badge);
        }
    }

    /// Beside the title: what it costs, or that signals pass it by.
    fn remark(&self, scene: Scene, spot: &Spot) -> String {
        if spot.module.is_bypassed {
            return "bypassed".to_owned();
        }
        let Some(signals) = scene.model.signals.modules.get(spot.id).filter(|_| self.shows_load)
        else {
            return String::new();
        };
        let worker = scene.model.status.workers.iter().find(|worker| worker.slot == signals.slot);
        let worker = worker.map(|worker| format!(" · pid {}", worker.pid)).unwrap_or_default();
        format!("{:.1} %{worker}", signals.load * 100.0)
    }

    fn headings_of(&self, ui: &Ui, scene: Scene, spot: &Spot) {
        let (theme, zoom) = (scene.theme, self.camera.zoom);
        let pen = Pen::new(ui, zoom);
        for heading in &spot.face.headings {
            let rect = spot.on_screen(heading.rect, zoom);
            pen.fill(rect, 4.0, theme.canvas.gamma_multiply(0.35));
            let head = rect.with_max_y(rect.top() + pen.scaled(18.0));
            pen.fitted_text(head, Align2::CENTER_CENTER, 11.0, theme.faint, &heading.words);
        }
    }

    fn screen_of(&self, ui: &mut Ui, desk: &mut Desk, spot: &Spot) {
        let (scene, zoom) = (desk.scene, self.camera.zoom);
        let Some(about) = spot.face.about else { return };
        if let Some(part) = spot.face.screen {
            let params = about.params.iter();
            let moved = params
                .filter_map(|param| moved(desk, spot, param).map(|value| (param.name, value)));
            if let Some(shown) = screen_spot(scene, spot, part, zoom, moved.collect()) {
                screen_ui(ui, scene.theme, &shown, desk.asks);
            }
        }
        let field = spot.face.text.zip(about.text);
        let shown = field.and_then(|(part, form)| {
            screen_spot(scene, spot, part, zoom, Vec::new()).map(|shown| (shown, form))
        });
        if let Some((shown, form)) = shown {
            text_ui(ui, scene.theme, form, &shown, desk.asks);
        }
    }

    fn params_of(&mut self, ui: &mut Ui, desk: &mut Desk, spot: &Spot) {
        let scene = desk.scene;
        let Some(about) = spot.face.about else { return };
        let zoom = self.camera.zoom;
        for control in &spot.face.params {
            let param = &about.params[control.index];
            let meter = control.meter.as_deref();
            let under = ParamSpot {
                rect: spot.on_screen(control.rect, zoom),
                zoom,
                module: spot.id,
                param,
                value: spot.module.param(param.name).unwrap_or(param.default),
                moved: moved(desk, spot, param),
                label: &control.label,
                title: spot.module.title_of_param(param.name),
                meter_volts: meter.and_then(|port| level_at(desk, spot, port)),
                kind: control.kind,
            };
            let mut wanted = None;
            let has_input = input_that_moves(about, param.name).is_some();
            let mut asked = Asks::default();
            let response = param_ui(ui, scene.theme, &under, desk.asks, &mut |ui| {
                show_entry(ui, scene, &mut asked, spot.id, Part::Param(param.name.into()));
                if has_input {
                    ui.menu_button("Modulate with", |ui| {
                        for with in Modulator::ALL {
                            if ui.button(with.name()).clicked() {
                                wanted = Some(with);
                                ui.close();
                            }
                        }
                    });
                }
            });
            desk.asks.requests.append(&mut asked.requests);
            if spot.module.locked.contains(param.name) {
                let corner = under.rect.right_top() + vec2(-6.0, 8.0) * zoom;
                Pen::new(ui, zoom).padlock(corner, scene.theme.faint);
            }
            if is_carried(ui, &response) {
                self.carried = Some((spot.id.clone(), Part::Param(param.name.into())));
            }
            if response.contains_pointer() {
                self.pointed = Pointed::Nothing;
            }
            if let Some(with) = wanted {
                let patch = scene.patch;
                if let Some(edit) = patching::modulate(patch, spot.id, param.name, with) {
                    let edit = placing::settled(patch, edit);
                    self.turn_to(patch, &placing::added(&edit), &edit);
                    desk.asks.edit(edit);
                }
            }
        }
    }

    fn ports_of(&mut self, ui: &Ui, desk: &mut Desk, spot: &Spot) {
        let scene = desk.scene;
        let about = spot.face.about;
        for (index, jack) in spot.face.inputs.iter().enumerate() {
            let port = jack.port.clone();
            let end = End::Input(InputRef { module: spot.id.clone(), port });
            let facts = about.map(|about| &about.inputs[index]).or_else(|| facts(scene, &end));
            let first = desk.wiring.arriving_at(spot.id, &jack.port).next();
            let (is_plugged, level) = (first.is_some(), first.and_then(|run| run.level));
            self.port_ui(ui, desk, spot, (&end, jack, facts), (is_plugged, level));
        }
        for (index, jack) in spot.face.outputs.iter().enumerate() {
            let output = OutputRef { module: spot.id.clone(), port: jack.port.clone() };
            let level = scene.model.signals.level(scene.patch, &output.meant());
            let end = End::Output(output);
            let facts = about.map(|about| &about.outputs[index]).or_else(|| facts(scene, &end));
            let is_plugged = desk.wiring.is_plugged(spot.id, &jack.port);
            self.port_ui(ui, desk, spot, (&end, jack, facts), (is_plugged, level));
        }
    }

    fn port_ui(
        &mut self,
        ui: &Ui,
        desk: &mut Desk,
        spot: &Spot,
        (end, place, facts): (&End, &Jack, Option<&'static Port>),
        (is_plugged, level): (bool, Option<Level>),
    ) {
        let scene = desk.scene;
        let (theme, zoom, patch) = (scene.theme, self.camera.zoom, scene.patch);
        let jack = spot.rect.min + place.at.to_vec2() * zoom;
        let (name, is_output) = match end {
            End::Output(output) => (&output.port, true),
            End::Input(input) => (&input.port, false),
        };
        let middle = Rect::from_center_size(jack, Vec2::splat(REACH * zoom));
        let words = label_rect(place, jack, is_output, zoom);
        let pen = Pen::new(ui, zoom);
        let size = if place.is_below { BELOW_TEXT } else { BESIDE_TEXT };
        let wide = pen.text_width(size, &place.label).min(words.width());
        let align = match (place.is_below, is_output) {
            (true, _) => Align2::CENTER_CENTER,
            (false, true) => Align2::RIGHT_CENTER,
            (false, false) => Align2::LEFT_CENTER,
        };
        let under = middle.union(align.align_size_within_rect(vec2(wide, words.height()), words));
        let id = ui.id().with(("port", spot.id.as_str(), is_output, &**name));
        let response = ui.interact(under, id, Sense::click_and_drag());
        let way = if is_output { "output" } else { "input" };
        let title = end.title(patch);
        response.widget_info(|| {
            let owner = if spot.id.is_stand_in() { &spot.face.title } else { spot.id.as_str() };
            let called = title.unwrap_or(name);
            WidgetInfo::labeled(WidgetType::Button, true, format!("{way} {called} of {owner}"))
        });
        let body = if is_plugged { theme.text } else { theme.faint };
        pen.disc(jack, JACK_RADIUS, theme.well, Stroke::new(2.0 * zoom, body));
        let hole = match &level {
            Some(level) => {
                theme.well.lerp_to_gamma(glow::colour(theme, level), glow::brightness(level))
            }
            None => theme.well,
        };
        pen.disc(jack, JACK_RADIUS - 3.0, hole, Stroke::NONE);
        let ink = if is_plugged { theme.text } else { theme.faint };
        pen.fitted_text(words, align, size, ink, &place.label);
        if response.has_focus() {
            pen.focus_ring(under, theme.accent);
        }
        if response.contains_pointer() && matches!(self.drag, Drag::Nothing) {
            self.pointed = Pointed::Port(end.clone());
        }
        if response.drag_started_by(PointerButton::Primary) {
            let modifiers = ui.input(|input| input.modifiers);
            match modifiers.shift {
                true => self.pull_all(patch, end),
                false => self.pull(patch, end.clone(), modifiers.command, false),
            }
        }
        let has_focus = response.has_focus();
        // A screen reader presses what it has found.
        let is_enter = ui.input_mut(|input| {
            input.has_accesskit_action_request(response.id, Action::Click)
                || has_focus && input.consume_key(Modifiers::NONE, Key::Enter)
        });
        if is_enter && self.is_holding_cable() {
            if let Some(error) = self.plug_by_keys(patch, end, desk.asks) {
                desk.say(error);
            }
        } else if is_enter {
            self.pull(patch, end.clone(), false, true);
            desk.say("Holding a cable: go to a port and press Enter, or Escape to drop it.");
        }
        response.context_menu(|ui| self.port_menu(ui, desk, end, jack));
        if !response.dragged() && matches!(self.drag, Drag::Nothing) {
            response.on_hover_ui(|ui| {
                ui.set_max_width(260.0);
                ui.strong(title.map_or_else(|| format!("{way} {name}"), str::to_owned));
                ui.label(facts.map_or("Unknown port", |port| port.help));
                if let Some(level) = &level {
                    ui.label(super::wires::reading(level));
                }
            });
        }
    }
}

/// The modules whose signals a group's face shows.
fn behind(face: &Face) -> impl Iterator<Item = ModuleId> {
    let outputs = face.outputs.iter().filter_map(|jack| jack.port.parse::<OutputRef>().ok());
    let lent = face.lent.iter().map(|(id, _)| id.clone());
    outputs.map(|output| output.module).chain(lent)
}

/// What the catalogue says of a port that is one of a stand-in.
fn facts(scene: Scene, end: &End) -> Option<&'static Port> {
    let about = |id: &ModuleId| scene.patch.modules.get(id)?.about().ok();
    match end {
        End::Output(output) => {
            let OutputRef { module, port } = output.meant();
            let about = about(&module)?;
            about.output(&port).map(|index| &about.outputs[index])
        }
        End::Input(input) => {
            let InputRef { module, port } = input.meant();
            let about = about(&module)?;
            about.input(&port).map(|index| &about.inputs[index])
        }
    }
}

/// Where the label of a jack stands.
fn label_rect(place: &Jack, jack: Pos2, is_output: bool, zoom: f32) -> Rect {
    let size = vec2(place.room, if place.is_below { 13.0 } else { 18.0 }) * zoom;
    let inset = LABEL_INSET * zoom;
    let middle = match (place.is_below, is_output) {
        (true, _) => jack + vec2(0.0, 17.0 * zoom),
        (false, true) => jack - vec2(inset + size.x / 2.0, 0.0),
        (false, false) => jack + vec2(inset + size.x / 2.0, 0.0),
    };
    Rect::from_center_size(middle, size)
}

/// The largest volts at a port of late: what comes in, or goes out.
fn level_at(desk: &Desk, spot: &Spot, port: &str) -> Option<f32> {
    let largest = |level: Level| level.max_volts.abs().max(level.min_volts.abs());
    if spot.face.about?.input(port).is_some() {
        let arriving = desk.wiring.arriving_at(spot.id, port);
        return Some(arriving.filter_map(|run| run.level).map(largest).sum());
    }
    let output = OutputRef { module: spot.id.clone(), port: port.into() };
    let model = desk.scene.model;
    model.signals.level(desk.scene.patch, &output).map(largest)
}

/// What is wrong with a module, in a word.
fn fault(scene: Scene, id: &ModuleId) -> Option<String> {
    let fault = scene.model.status.faults.iter().find(|fault| fault.module == id.as_str())?;
    Some(match (fault.state, fault.crashes) {
        (FaultState::Runs, 0) => "sent invalid samples".to_owned(),
        (FaultState::Runs, crashes) => format!("crashed {crashes}×, runs again"),
        (state, _) => state.word().to_owned(),
    })
}

/// Where a param is in effect, where a scene or cables move it.
fn moved(desk: &Desk, spot: &Spot, param: &'static Param) -> Option<f32> {
    let led = desk.scene.model.led.knob(spot.id, param.name);
    let stands = led.or_else(|| spot.module.param(param.name))?;
    moved_by_cables(desk, spot, param, stands).or(led)
}

fn moved_by_cables(desk: &Desk, spot: &Spot, param: &'static Param, stands: f32) -> Option<f32> {
    let input = input_that_moves(spot.face.about?, param.name)?;
    let moves = input.moves.as_ref()?;
    let mut volts = None;
    for level in levels_into(desk, spot, input.name) {
        volts = Some(volts.unwrap_or(0.0) + level?.volts);
    }
    let volts = volts?;
    let amount = moves.amount.map_or(Some(1.0), |amount| spot.module.param(amount))?;
    Some(moves.moved(param, stands, amount, volts))
}

/// What comes into an input, cable by cable, as far as it is known.
fn levels_into(desk: &Desk, spot: &Spot, input: &str) -> Vec<Option<Level>> {
    if !spot.is_lent {
        return desk.wiring.arriving_at(spot.id, input).map(|run| run.level).collect();
    }
    // Its cables lie in the group, and not here.
    let model = desk.scene.model;
    let ends = |cable: &&Cable| cable.to.module == *spot.id && &*cable.to.port == input;
    let cables = model.patch().cables.iter().filter(ends);
    cables.map(|cable| model.signals.level(model.patch(), &cable.from)).collect()
}
