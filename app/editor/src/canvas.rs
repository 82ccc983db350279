//! The canvas: modules and cables under the hand. It looks at the model, keeps
//! only what is seen (camera, selection, what is being dragged), and asks for
//! edits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use eframe::egui::{
    Align2, CursorIcon, Event, Modifiers, MouseWheelUnit, PointerButton, Pos2, Rect, Response,
    Sense, Ui, Vec2, WidgetInfo, WidgetType,
};
use sostenuto_patch::{
    Cable, CommentId, Edit, GroupId, InputRef, ModuleId, OutputRef, Part, Patch,
};

use self::camera::Camera;
use self::drag::Drag;
use self::face::Face;
use self::level::Level;
use self::trace::Trace;
use self::wiring::Wiring;
use super::browser::BrowseFor;
use super::model::{Asks, Model};
use super::module_menu::ModuleWish;
use super::patching;
use super::pen::Pen;
use super::preferences::Preferences;
use super::shortcuts::{Command, keys_of};
use super::theme::Theme;
use super::wheel::zoom_with_wheel;

mod adding;
mod cable;
pub(crate) mod camera;
mod carry;
mod comments;
mod drag;
pub(crate) mod emblem;
pub mod face;
mod glow;
mod groups;
mod level;
#[cfg(test)]
mod library_tests;
mod menus;
mod minimap;
mod modules;
pub mod placing;
mod rename;
mod showing;
mod sketch;
mod trace;
mod views;
mod wires;
mod wiring;

/// Below this zoom faces are drawn simply: nobody turns a knob of nine pixels.
pub const DETAIL_ZOOM: f32 = 0.5;

/// What the canvas reads.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Colours.
    pub theme: &'a Theme,
    /// What this musician likes.
    pub preferences: &'a Preferences,
    /// What the host said.
    pub model: &'a Model,
    /// Its patch, or what is shown of it.
    pub patch: &'a Patch,
}

/// What the canvas wants of the rest of the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// The module browser, there on the screen, for a module there on the canvas.
    Browse {
        /// What for.
        wish: BrowseFor,
        /// On the screen.
        corner: Pos2,
        /// On the canvas.
        at: Pos2,
    },
    /// A sentence at the bottom of the window.
    Say(String),
    /// What was chosen in a module's menu.
    Module(ModuleWish),
    /// What a key of the window does, too.
    Obey(Command),
    /// A group, as it was copied, is to be kept under that title.
    Keep(String, Box<Patch>),
    /// A linked group and its copies made to be what the browser has under its name.
    Update(GroupId),
}

/// One end of a cable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Where signals come from.
    Output(OutputRef),
    /// Where they go to.
    Input(InputRef),
}

impl End {
    /// Whose port it is.
    pub fn module(&self) -> &ModuleId {
        match self {
            End::Output(OutputRef { module, .. }) | End::Input(InputRef { module, .. }) => module,
        }
    }

    /// The port of the patch that is meant, as a part of its module.
    pub fn part(&self) -> (ModuleId, Part) {
        match self {
            End::Output(output) => {
                let OutputRef { module, port } = output.meant();
                (module, Part::Output(port))
            }
            End::Input(input) => {
                let InputRef { module, port } = input.meant();
                (module, Part::Input(port))
            }
        }
    }

    /// What the musician calls it, if it has a name of its own.
    fn title<'a>(&self, patch: &'a Patch) -> Option<&'a str> {
        let (module, part) = self.part();
        patch.title_of(&module, &part)
    }

    /// The cable between two ends, if one is an output and the other an input.
    pub fn cable_to(&self, other: &End) -> Option<Cable> {
        match (self, other) {
            (End::Output(from), End::Input(to)) | (End::Input(to), End::Output(from)) => {
                Some(Cable { from: from.clone(), to: to.clone() })
            }
            _ => None,
        }
    }
}

/// What the pointer is on.
#[derive(Clone, Debug, Default, PartialEq)]
enum Pointed {
    #[default]
    Nothing,
    Port(End),
    Cable(Cable),
    Module(ModuleId),
}

/// The canvas of one window.
#[derive(Default)]
pub struct Canvas {
    /// Where it looks.
    pub camera: Camera,
    /// What was chosen, to be moved, copied or deleted together.
    pub selection: BTreeSet<ModuleId>,
    /// What was chosen before the host has it.
    awaited: BTreeSet<ModuleId>,
    /// Whether faces say what they cost, and who computes them.
    pub shows_load: bool,
    selected_cable: Option<Cable>,
    selected_comment: Option<CommentId>,
    drag: Drag,
    /// By the address of the page that each is made of: modules of one's own have pages of
    /// their own.
    faces: HashMap<usize, Arc<Face>>,
    /// Bottom to top; what was touched last is on top.
    order: Vec<ModuleId>,
    pointed: Pointed,
    lit: BTreeSet<ModuleId>,
    trace: Trace,
    menu_of: Option<Cable>,
    menu_at: Pos2,
    editing: comments::Editing,
    /// In the window, as of the last frame.
    window: Option<Rect>,
    visible: Vec<ModuleId>,
    views: views::Views,
    renaming: Option<rename::Renaming>,
    /// A knob that the hand carries sideways, instead of turning it.
    carried: Option<(ModuleId, Part)>,
    wants_fit: bool,
    /// The group that is looked into.
    open: Option<GroupId>,
    level: Arc<Level>,
    /// Where it looked in the groups around, and in others before.
    cameras: HashMap<Option<GroupId>, Camera>,
}

/// Draws a module's menu, and says what was wished for beyond asking the host.
pub type ModuleMenu<'a> = dyn FnMut(&mut Ui, &ModuleId, &mut Asks) -> Option<ModuleWish> + 'a;

/// All that is at hand in one frame.
struct Desk<'a> {
    scene: Scene<'a>,
    layout: &'a Layout,
    wiring: &'a Wiring<'a>,
    /// Where the canvas is on the screen.
    window: Rect,
    asks: &'a mut Asks,
    intents: Vec<Intent>,
    module_menu: &'a mut ModuleMenu<'a>,
}

impl Desk<'_> {
    fn say(&mut self, error: &str) {
        self.intents.push(Intent::Say(error.to_owned()));
    }
}

/// Where every face is, for one frame.
struct Layout {
    /// On the canvas.
    places: BTreeMap<ModuleId, (Rect, Arc<Face>)>,
}

impl Layout {
    fn jack(&self, end: &End) -> Option<Pos2> {
        match end {
            End::Output(output) => self.output(output),
            End::Input(input) => self.input(input),
        }
    }

    fn output(&self, output: &OutputRef) -> Option<Pos2> {
        let (rect, face) = self.places.get(&output.module)?;
        face.output(&output.port).map(|at| rect.min + at.to_vec2())
    }

    fn input(&self, input: &InputRef) -> Option<Pos2> {
        let (rect, face) = self.places.get(&input.module)?;
        face.input(&input.port).map(|at| rect.min + at.to_vec2())
    }

    fn bounds(&self) -> Option<Rect> {
        self.places.values().map(|(rect, _)| *rect).reduce(Rect::union)
    }
}

impl Canvas {
    /// Modules that were in the window in the last frame, and whose signals are
    /// worth looking at.
    pub fn visible(&self) -> &[ModuleId] {
        &self.visible
    }

    /// Shows all of the patch.
    pub fn fit(&mut self) {
        self.wants_fit = true;
    }

    /// Shows what was chosen.
    pub fn fit_selection(&mut self, patch: &Patch) {
        let level = self.level(patch);
        let layout = self.layout(level.shown(patch));
        let chosen = self.selection.iter().filter_map(|id| layout.places.get(id));
        let bounds = chosen.map(|(rect, _)| *rect).reduce(Rect::union);
        if let Some((window, bounds)) = self.window.zip(bounds) {
            self.camera.fit(window, bounds);
        }
    }

    /// The corner of a module's face, on the screen and on the canvas.
    pub fn beside(&self, patch: &Patch, id: &ModuleId) -> (Pos2, Pos2) {
        let module = patch.modules.get(id);
        let at = module.map_or(self.camera.centre, |module| Pos2::new(module.x, module.y));
        (self.window.map_or(at, |window| self.camera.to_screen(window, at)), at)
    }

    /// The size of a module's face, in points.
    pub fn face_size(&mut self, patch: &Patch, id: &ModuleId) -> Vec2 {
        patch.modules.get(id).map_or(Vec2::ZERO, |module| self.face(patch, id, module).size)
    }

    fn face(
        &mut self,
        patch: &Patch,
        id: &ModuleId,
        module: &sostenuto_patch::PatchModule,
    ) -> Arc<Face> {
        if let Some(face) = self.level.face(id) {
            return Arc::clone(face);
        }
        match module.about() {
            Ok(about) => {
                let face = self.faces.entry(std::ptr::from_ref(about).addr());
                Arc::clone(face.or_insert_with(|| Arc::new(Face::of(about))))
            }
            Err(_) => Arc::new(Face::of_placeholder(patch, id, module)),
        }
    }

    fn layout(&mut self, patch: &Patch) -> Layout {
        let here = patch.modules.iter().filter(|(_, module)| module.group.is_none());
        let places = here.map(|(id, module)| {
            let face = self.face(patch, id, module);
            let carried = self.drag.offset_of(id) + self.editing.offset_of(id);
            let corner = Pos2::new(module.x, module.y) + carried;
            (id.clone(), (Rect::from_min_size(corner, face.size), face))
        });
        Layout { places: places.collect() }
    }

    /// Draws it all into what room there is, and lets the hand at it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        scene: Scene,
        asks: &mut Asks,
        module_menu: &mut ModuleMenu<'_>,
    ) -> Vec<Intent> {
        let level = self.level(scene.patch);
        let first = asks.requests.len();
        let scene = Scene { patch: level.shown(scene.patch), ..scene };
        let intents = self.shown_ui(ui, scene, asks, module_menu);
        level.all_real(&mut asks.requests[first..]);
        intents
    }

    fn shown_ui(
        &mut self,
        ui: &mut Ui,
        scene: Scene,
        asks: &mut Asks,
        module_menu: &mut ModuleMenu<'_>,
    ) -> Vec<Intent> {
        let window = ui.available_rect_before_wrap();
        if self.window.replace(window).is_some_and(|before| before.size() != window.size()) {
            self.wants_fit |= self.camera.is_fitted;
        }
        ui.set_clip_rect(window.intersect(ui.clip_rect()));
        let ground = ui.interact(window, ui.id().with("canvas"), Sense::click_and_drag());
        ground.widget_info(|| WidgetInfo::labeled(WidgetType::Panel, true, "Canvas"));
        self.keep_up(scene.patch);
        let layout = self.layout(scene.patch);
        self.move_camera(ui, &layout, window, &ground);
        self.draw_ground(ui, scene, window);
        if scene.patch.modules.is_empty() {
            invite(ui, scene, window);
        }
        let wiring = Wiring::new(scene.patch, &layout, &scene.model.signals);
        let (layout, wiring, intents) = (&layout, &wiring, Vec::new());
        let desk = Desk { scene, layout, wiring, window, asks, intents, module_menu };
        self.on_desk(ui, desk, &ground)
    }

    fn on_desk(&mut self, ui: &mut Ui, mut desk: Desk, ground: &Response) -> Vec<Intent> {
        self.comments_ui(ui, &mut desk);
        let was_carried = self.carried.take();
        self.modules_ui(ui, &mut desk);
        self.wires_ui(ui, &desk);
        self.drag(ui, &mut desk, ground);
        self.carry_ui(ui, &mut desk, was_carried);
        self.ground_menu(ui, &mut desk, ground);
        self.take_files(ui, &mut desk);
        self.minimap_ui(ui, &desk);
        self.path_ui(ui, &desk);
        self.wheel(ui, desk.window, ground);
        desk.intents
    }

    /// Forgets what is no more, and puts what is new on top.
    fn keep_up(&mut self, patch: &Patch) {
        self.awaited.retain(|id| !patch.modules.contains_key(id));
        let awaited = &self.awaited;
        self.selection.retain(|id| patch.modules.contains_key(id) || awaited.contains(id));
        self.order.retain(|id| patch.modules.contains_key(id));
        if self.selected_cable.as_ref().is_some_and(|cable| !patch.cables.contains(cable)) {
            self.selected_cable = None;
        }
        if self.order.len() < patch.modules.len() {
            let known: BTreeSet<ModuleId> = self.order.iter().cloned().collect();
            self.order.extend(patch.modules.keys().filter(|id| !known.contains(*id)).cloned());
        }
    }

    fn move_camera(&mut self, ui: &Ui, layout: &Layout, window: Rect, ground: &Response) {
        if std::mem::take(&mut self.wants_fit)
            && let Some(bounds) = layout.bounds()
        {
            self.camera.fit(window, bounds);
            self.camera.is_fitted = true;
        }
        let is_pressed = ui.input(|input| {
            let is_inside = |at: Pos2| window.contains(at);
            input.pointer.any_pressed() && input.pointer.interact_pos().is_some_and(is_inside)
        });
        if is_pressed {
            self.camera.rest();
        }
        if self.camera.glide(ui.input(|input| input.stable_dt).min(0.1)) {
            ui.ctx().request_repaint();
        }
        let (is_middle, is_dragged, delta) = ui.input(|input| {
            let pointer = &input.pointer;
            let is_dragged =
                pointer.button_down(PointerButton::Secondary) && pointer.is_decidedly_dragging();
            (pointer.middle_down(), is_dragged, pointer.delta())
        });
        let is_on_ground = ground.is_pointer_button_down_on();
        if (is_dragged && is_on_ground)
            || (is_middle && (is_on_ground || ui.rect_contains_pointer(window)))
        {
            self.camera.pan(delta);
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
    }

    /// The wheel zooms around the pointer; a touchpad pans, and zooms by
    /// pinching. What a knob under the pointer took is not there any more.
    fn wheel(&mut self, ui: &Ui, window: Rect, ground: &Response) {
        let Some(pointer) = ui.input(|input| input.pointer.hover_pos()) else { return };
        let is_mine = ground.contains_pointer() || ui.ui_contains_pointer();
        if !window.contains(pointer) || !is_mine || ui.ctx().any_popup_open() {
            return;
        }
        if let Some(fingers) = ui.input(|input| input.multi_touch()) {
            // What the first finger had begun is none of theirs.
            self.cancel();
            self.camera.pan(fingers.translation_delta);
        }
        let (scroll, zoom, is_wheel) = ui.input(|input| {
            let is_line = |event: &Event| {
                matches!(
                    event,
                    Event::MouseWheel { unit: MouseWheelUnit::Line | MouseWheelUnit::Page, .. }
                )
            };
            (input.smooth_scroll_delta(), input.zoom_delta(), input.events.iter().any(is_line))
        });
        let is_rolling = is_wheel
            || (scroll.x == 0.0 && ui.data(|data| data.get_temp(ui.id()).unwrap_or(false)));
        if scroll == Vec2::ZERO && zoom == 1.0 {
            return;
        }
        ui.data_mut(|data| data.insert_temp(ui.id(), is_rolling));
        // Until it rests, the wheel is the canvas's, whatever comes under the pointer.
        zoom_with_wheel(ui);
        if zoom != 1.0 {
            self.camera.zoom_by(window, pointer, zoom);
        } else if is_rolling && scroll.y != 0.0 {
            self.camera.zoom_by(window, pointer, (scroll.y / 320.0).exp());
        } else {
            self.camera.pan(scroll);
        }
        ui.ctx().request_repaint();
    }

    fn draw_ground(&self, ui: &Ui, scene: Scene, window: Rect) {
        let painter = ui.painter();
        painter.rect_filled(window, 0.0, scene.theme.canvas);
        if self.camera.zoom < DETAIL_ZOOM {
            return;
        }
        let step = 5.0 * face::GRID;
        let seen = self.camera.visible(window);
        let stroke = (1.0, scene.theme.grid);
        let lines = |from: f32, to: f32| {
            ((from / step).floor() as i32..=(to / step).ceil() as i32).map(move |n| n as f32 * step)
        };
        for x in lines(seen.left(), seen.right()) {
            painter.vline(
                self.camera.to_screen(window, Pos2::new(x, 0.0)).x,
                window.y_range(),
                stroke,
            );
        }
        for y in lines(seen.top(), seen.bottom()) {
            painter.hline(
                window.x_range(),
                self.camera.to_screen(window, Pos2::new(0.0, y)).y,
                stroke,
            );
        }
    }

    fn raise(&mut self, id: &ModuleId) {
        if self.order.last() != Some(id) {
            self.order.retain(|other| other != id);
            self.order.push(id.clone());
        }
    }

    /// Takes the selection away; signals go on past it.
    pub fn delete(&mut self, patch: &Patch, asks: &mut Asks) {
        if let Some(cable) = self.selected_cable.take() {
            asks.edit(Edit::Disconnect(cable));
        } else if let Some(id) = self.selected_comment.take() {
            asks.edit(Edit::SetComment { id, comment: None });
        } else if !self.selection.is_empty() {
            let chosen = std::mem::take(&mut self.selection);
            asks.edit(self.removed(patch, &chosen));
        }
    }

    /// The selection as words for the clipboard: a patch file.
    pub fn copy(&mut self, patch: &Patch) -> Option<String> {
        let (modules, comments) = self.chosen(patch);
        words(patch, self.open.as_ref(), &modules, &comments)
    }

    /// The same, and takes it away.
    pub fn cut(&mut self, patch: &Patch, asks: &mut Asks) -> Option<String> {
        let (modules, comments) = self.chosen(patch);
        let words = words(patch, self.open.as_ref(), &modules, &comments)?;
        let chosen = self.selection.clone();
        let mut edits = vec![self.removed(patch, &chosen)];
        edits.extend(comments.into_iter().map(|id| Edit::SetComment { id, comment: None }));
        asks.edit(Edit::Several(edits));
        self.selection.clear();
        self.selected_comment = None;
        Some(words)
    }

    /// Lines the selection up.
    pub fn align(&mut self, patch: &Patch, by: patching::Align, asks: &mut Asks) {
        let level = self.level(patch);
        let (modules, patch) = (self.selection.clone(), level.shown(patch));
        let sizes: BTreeMap<ModuleId, Vec2> =
            modules.iter().map(|id| (id.clone(), self.face_size(patch, id))).collect();
        asks.edit(level.real(patching::align(patch, &modules, by, |id| sizes[id].into())));
    }

    /// Lays all modules out as signals flow.
    pub fn arrange(&mut self, patch: &Patch, asks: &mut Asks) {
        let level = self.level(patch);
        let seen = level.seen(patch);
        let sizes: BTreeMap<ModuleId, Vec2> =
            seen.modules.keys().map(|id| (id.clone(), self.face_size(&seen, id))).collect();
        asks.edit(level.real(super::arrange::arrange(&seen, |id| sizes[id].into())));
        self.fit();
    }

    /// Chooses every module.
    pub fn select_all(&mut self, patch: &Patch) {
        self.selection = self.level(patch).seen(patch).modules.into_keys().collect();
    }

    /// Zooms around the middle of the window.
    pub fn zoom(&mut self, factor: f32) {
        if let Some(window) = self.window {
            self.camera.zoom_by(window, window.center(), factor);
        }
    }

    /// The browser for a new module where the pointer is.
    pub fn browse(&self, ui: &Ui) -> Intent {
        let window = self.window.unwrap_or(Rect::NOTHING);
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let corner = pointer.filter(|at| window.contains(*at)).unwrap_or(window.center());
        Intent::Browse { wish: BrowseFor::New, corner, at: self.camera.to_canvas(window, corner) }
    }

    /// Lets go of whatever is in the hand.
    pub fn cancel(&mut self) {
        self.drag = Drag::default();
    }

    /// Whether keys choose more than one thing.
    fn adds(modifiers: Modifiers) -> bool {
        modifiers.shift || modifiers.command
    }
}

/// What is chosen as a patch file, if it is anything.
fn words(
    patch: &Patch,
    level: Option<&GroupId>,
    modules: &BTreeSet<ModuleId>,
    comments: &BTreeSet<CommentId>,
) -> Option<String> {
    let is_any = !modules.is_empty() || !comments.is_empty();
    is_any.then(|| sostenuto_patch::file::write(&patching::copy(patch, level, modules, comments)))
}

/// Says on an empty canvas how to begin.
fn invite(ui: &Ui, scene: Scene, window: Rect) {
    let keys = keys_of(ui.ctx(), Command::AddModule);
    let words = format!("Double-click, or press {keys}, to add a module");
    let (pen, middle) = (Pen::new(ui, 1.0), window.center());
    pen.text(middle, Align2::CENTER_CENTER, 16.0, scene.theme.faint, &words);
}
