//! The stage: what a patch is played by, in tiles as large as the window allows, for a
//! mouse and for fingers. While it is locked, knobs turn and scenes are recalled, and
//! nothing else of the patch can be changed.

use eframe::egui::{
    Align2, Context, CursorIcon, Frame, Panel as Strip, Popup, PopupCloseBehavior, Pos2, Rect,
    Response, RichText, ScrollArea, Sense, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_modules::param::Param;
use sostenuto_patch::stage::{Form, StageItem, Tile};
use sostenuto_patch::{Edit, ModuleId, Part, Patch, PatchModule, entry};

use super::model::{Asks, Model};
use super::module_menu::staying;
use super::param::{ParamSpot, WidgetKind, label, played_ui};
use super::part_menu::title_ui;
use super::patching::spoken;
use super::pen::Pen;
use super::scenes::buttons_ui;
use super::screen::{ScreenSpot, screen_size, screen_ui};
use super::shortcuts::Command;
use super::theme::Theme;

mod grid;
mod pad;

/// What a finger hits without looking, in points.
pub const REACH: f32 = 48.0;
/// What a scene's button is at least, in points.
const SCENE: Vec2 = vec2(120.0, 56.0);
/// The line of a fader's value, in points.
const VALUE: f32 = 30.0;
/// How near what is on a tile can be drawn.
const ZOOMS: std::ops::RangeInclusive<f32> = 0.5..=6.0;
/// A screen that is wider than that, compared with its height, takes two cells.
const WIDE: f32 = 1.4;

/// The stage of one window.
#[derive(Debug, Default)]
pub struct Stage {
    is_open: bool,
    is_locked: bool,
    /// The tile that the hand moves.
    moved: Option<usize>,
}

impl Stage {
    /// Whether it is seen, instead of the patch.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether nothing but knobs and scenes can be changed.
    pub fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Locks it, or unlocks it.
    pub fn turn_lock(&mut self) {
        self.is_locked ^= true;
        self.moved = None;
    }

    /// Opens it, or goes back to the patch. The sentence says why it stays.
    pub fn toggle(&mut self, ctx: &Context) -> Option<&'static str> {
        if self.is_open && self.is_locked {
            return Some("The stage is locked. Unlock it to go back to the patch.");
        }
        // A pad that is held must hear of it when it is let go.
        if !ctx.input(|input| input.pointer.any_down()) {
            self.is_open ^= true;
        }
        None
    }

    /// Whether a command is obeyed now: on stage, what is played with, and while it is
    /// unlocked what takes back and saves.
    pub fn allows(&self, command: Command) -> bool {
        match command {
            _ if !self.is_open => true,
            Command::ShowStage
            | Command::FullScreen
            | Command::ShowKeyboard
            | Command::PlayStop
            | Command::Tap
            | Command::Panic
            | Command::Record
            | Command::SaveLast
            | Command::NextScene
            | Command::PreviousScene
            | Command::NextPatch
            | Command::PreviousPatch => true,
            Command::Undo | Command::Redo | Command::Save => !self.is_locked,
            _ => false,
        }
    }

    /// The modules whose signals are seen.
    pub fn modules(&self, patch: &Patch) -> Vec<ModuleId> {
        let is_there = |(_, module): &(&ModuleId, &PatchModule)| !module.staged.is_empty();
        let there = patch.modules.iter().filter(is_there).map(|(id, _)| id.clone());
        if self.is_open { there.collect() } else { Vec::new() }
    }

    /// Draws the scenes and the tiles into what room there is. Returns the scene that is
    /// to be recalled.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, model: &Model, asks: &mut Asks) -> Option<u8> {
        let patch = model.patch();
        let recalled = if patch.scenes.is_empty() { None } else { scenes_ui(ui, theme, model) };
        let room = ui.available_rect_before_wrap();
        ui.painter().rect_filled(room, 0.0, theme.canvas);
        let tiles = patch.stage();
        if tiles.is_empty() {
            let words = "Nothing is on stage yet. Right-click a knob or a module, and choose “Put on stage”.";
            let pen = Pen::new(ui, 1.0);
            pen.fitted_text(room.shrink(24.0), Align2::CENTER_CENTER, 22.0, theme.faint, words);
            return recalled;
        }
        let spans: Vec<usize> = tiles.iter().map(|tile| span(patch, tile)).collect();
        let (_, height) = grid::laid_out(&spans, room.min, room.size());
        let area = ScrollArea::vertical().auto_shrink(false);
        area.show_viewport(ui, |ui, _| {
            let corner = ui.max_rect().min;
            // Beside the bar that is scrolled with.
            let bar = if height > room.height() { grid::GAP } else { 0.0 };
            let width = room.width() - bar;
            let (rects, _) = grid::laid_out(&spans, corner, vec2(width, room.height()));
            ui.set_height(height - 1.0);
            for (index, rect) in rects.iter().enumerate() {
                self.tile_ui(ui, theme, model, (&tiles, index), *rect, asks);
            }
            self.move_ui(ui, theme, patch, (tiles, &rects), asks);
        });
        recalled
    }

    fn tile_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        (tiles, index): (&[Tile], usize),
        rect: Rect,
        asks: &mut Asks,
    ) {
        let patch = model.patch();
        let pen = Pen::new(ui, 1.0);
        pen.fill(rect, 10.0, theme.face);
        let is_moved = self.moved == Some(index);
        let edge = if is_moved { theme.accent } else { theme.edge };
        pen.edge(rect, 10.0, if is_moved { 3.0 } else { 1.0 }, edge);
        let head = rect.with_max_y(rect.top() + REACH.max(rect.height() * 0.18).min(72.0));
        let [title, module] = words_of(patch, &tiles[index]);
        let inner = head.shrink2(vec2(12.0, 4.0));
        let size = head.height() * 0.44;
        if module.is_empty() {
            pen.fitted_text(inner, Align2::LEFT_CENTER, size, theme.text, &title);
        } else {
            pen.fitted_text(inner, Align2::LEFT_TOP, size, theme.text, &title);
            pen.fitted_text(inner, Align2::LEFT_BOTTOM, size * 0.55, theme.faint, &module);
        }
        if !self.is_locked {
            self.head_ui(ui, theme, patch, (tiles, index), (head, &title), asks);
        }
        let body = rect.with_min_y(head.bottom()).shrink2(vec2(10.0, 0.0));
        let body = body.with_max_y(rect.bottom() - 10.0);
        match &tiles[index] {
            Tile::One(item) => item_ui(ui, theme, model, item, body, asks),
            Tile::Pad(both) => {
                let facts = both.each_ref().map(|item| facts(patch, item));
                let [Some((own_x, x)), Some((own_y, y))] = facts else { return };
                let names = both.each_ref().map(|item| title_of(patch, item));
                let halves = body.split_left_right_at_fraction(0.5);
                let spots = [
                    spot(halves.0, 1.0, &both[0], own_x, x, &names[0]),
                    spot(halves.1, 1.0, &both[1], own_y, y, &names[1]),
                ];
                pad::pad_ui(ui, theme, &spots, body, asks);
            }
        }
    }

    /// The upper edge of a tile, while the stage is unlocked: dragged, it moves the tile;
    /// clicked, it opens a menu.
    fn head_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        patch: &Patch,
        (tiles, index): (&[Tile], usize),
        (head, title): (Rect, &str),
        asks: &mut Asks,
    ) {
        let id = ui.id().with(("head", index));
        let response = ui.interact(head, id, Sense::click_and_drag());
        response.widget_info(|| {
            WidgetInfo::labeled(WidgetType::Button, true, format!("Change {title}"))
        });
        if response.hovered() || response.has_focus() {
            Pen::new(ui, 1.0).edge(head.shrink(3.0), 8.0, 1.5, theme.accent);
            ui.ctx().set_cursor_icon(CursorIcon::Grab);
        }
        if response.drag_started() {
            self.moved = Some(index);
        }
        menu_ui(&response, theme, patch, (tiles, index), asks);
    }

    /// A tile that the hand moves goes where it is let go: before or behind another.
    fn move_ui(
        &mut self,
        ui: &Ui,
        theme: &Theme,
        patch: &Patch,
        (mut tiles, rects): (Vec<Tile>, &[Rect]),
        asks: &mut Asks,
    ) {
        let Some(moved) = self.moved.filter(|moved| *moved < tiles.len()) else { return };
        let (pointer, is_down) =
            ui.input(|input| (input.pointer.interact_pos(), input.pointer.primary_down()));
        let Some((goes_to, mark)) = pointer.and_then(|pointer| slot(rects, pointer)) else {
            return;
        };
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        Pen::new(ui, 1.0).fill(mark, 3.0, theme.accent);
        if is_down {
            return;
        }
        self.moved = None;
        let tile = tiles.remove(moved);
        tiles.insert(goes_to - usize::from(goes_to > moved), tile);
        rearrange(patch, tiles, asks);
    }
}

/// Between which tiles a place is: before the one of that index, with a mark to show it.
fn slot(rects: &[Rect], place: Pos2) -> Option<(usize, Rect)> {
    let near = |rect: &Rect| rect.distance_sq_to_pos(place);
    let (index, rect) = rects.iter().enumerate().min_by(|a, b| near(a.1).total_cmp(&near(b.1)))?;
    let is_behind = place.x > rect.center().x;
    let x = if is_behind { rect.right() + grid::GAP / 2.0 } else { rect.left() - grid::GAP / 2.0 };
    let mark = Rect::from_center_size(pos2(x, rect.center().y), vec2(6.0, rect.height()));
    Some((index + usize::from(is_behind), mark))
}

fn rearrange(patch: &Patch, tiles: Vec<Tile>, asks: &mut Asks) {
    let edit = patch.arranged_stage(tiles);
    if edit != Edit::Several(Vec::new()) {
        asks.edit(edit);
    }
}

/// The scenes, as large buttons beside each other.
fn scenes_ui(ui: &mut Ui, theme: &Theme, model: &Model) -> Option<u8> {
    let frame = Frame::new().fill(theme.face).inner_margin(vec2(8.0, 6.0));
    let strip = Strip::top("scenes on stage").frame(frame);
    strip.show(ui, |ui| buttons_ui(ui, model, 22.0, SCENE)).inner
}

/// What can be done with a tile.
fn menu_ui(
    head: &Response,
    theme: &Theme,
    patch: &Patch,
    (tiles, index): (&[Tile], usize),
    asks: &mut Asks,
) {
    let popup = Popup::menu(head).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ui.set_min_width(200.0);
        ui.spacing_mut().interact_size.y = REACH;
        let choose = |ui: &mut Ui, name: &str| {
            let is_chosen = ui.button(RichText::new(name).size(17.0)).clicked();
            if is_chosen {
                ui.close();
            }
            is_chosen
        };
        let replaced = |tile: Tile| {
            let mut tiles = tiles.to_vec();
            tiles[index] = tile;
            tiles
        };
        if let Tile::One(item) = &tiles[index] {
            staying("Name…").ui(ui, |ui| {
                title_ui(ui, theme, patch, asks, &item.module, &item.part);
            });
            let param = facts(patch, item).map(|(_, param)| param).filter(|it| !it.jumps());
            let form = [("Knob", Form::Own), ("Fader", Form::Fader)];
            for (name, form) in form.into_iter().filter(|_| param.is_some()) {
                let is_it = item.form == form || form == Form::Own && item.form != Form::Fader;
                if !is_it && choose(ui, name) {
                    let item = StageItem { form, ..item.clone() };
                    rearrange(patch, replaced(Tile::One(item)), asks);
                }
            }
            let next = tiles.get(index + 1).and_then(|next| match next {
                Tile::One(next) if !facts(patch, next)?.1.jumps() => Some(next),
                _ => None,
            });
            if let (Some(_), Some(next)) = (param, next)
                && choose(ui, "One pad with the next")
            {
                let mut tiles = replaced(Tile::Pad([item.clone(), next.clone()]));
                tiles.remove(index + 1);
                rearrange(patch, tiles, asks);
            }
        }
        if let Tile::Pad(both) = &tiles[index]
            && choose(ui, "Two knobs")
        {
            let alone = both.clone().map(|item| Tile::One(StageItem { form: Form::Own, ..item }));
            let mut tiles = tiles.to_vec();
            tiles.splice(index..=index, alone);
            rearrange(patch, tiles, asks);
        }
        let ways = [("Move left", index.checked_sub(1)), ("Move right", Some(index + 1))];
        for (name, other) in ways {
            let other = other.filter(|other| *other < tiles.len());
            if let Some(other) = other
                && choose(ui, name)
            {
                let mut tiles = tiles.to_vec();
                tiles.swap(index, other);
                rearrange(patch, tiles, asks);
            }
        }
        if choose(ui, "Take off the stage") {
            asks.edit(patch.taken_off_stage(tiles[index].parts()));
        }
    });
}

/// What a part on stage is called: by the musician, or as its face has it.
fn title_of(patch: &Patch, item: &StageItem) -> String {
    let own = match facts(patch, item) {
        Some((_, param)) => label(param),
        None => spoken(&item.module),
    };
    patch.title_of(&item.module, &item.part).map_or(own, str::to_owned)
}

/// What a tile says at its upper edge: its name, and whose it is where that is not said.
fn words_of(patch: &Patch, tile: &Tile) -> [String; 2] {
    let is_named = |item: &StageItem| {
        item.part == Part::Screen || patch.title_of(&item.module, &item.part).is_some()
    };
    let items = tile.items();
    let titles: Vec<String> = items.iter().map(|item| title_of(patch, item)).collect();
    let mut modules: Vec<String> =
        items.iter().filter(|item| !is_named(item)).map(|item| spoken(&item.module)).collect();
    modules.dedup();
    [titles.join(" × "), modules.join(", ")]
}

/// The module and the param of a part that is one.
fn facts<'a>(patch: &'a Patch, item: &StageItem) -> Option<(&'a PatchModule, &'static Param)> {
    let module = patch.modules.get(&item.module)?;
    let Part::Param(name) = &item.part else { return None };
    let about = module.about().ok()?;
    Some((module, &about.params[about.param(name)?]))
}

/// How many cells a tile takes: two, where it has words beside each other.
fn span(patch: &Patch, tile: &Tile) -> usize {
    let [item] = tile.items() else { return 2 };
    if facts(patch, item).is_some_and(|(_, param)| kind_of(param, item.form) == WidgetKind::Choice)
    {
        return 2;
    }
    let about = patch.modules.get(&item.module).and_then(|module| module.about().ok());
    let screen = about.filter(|_| item.part == Part::Screen).and_then(screen_size);
    1 + usize::from(screen.is_some_and(|size| size.x > WIDE * size.y))
}

fn kind_of(param: &Param, form: Form) -> WidgetKind {
    match WidgetKind::of(param) {
        WidgetKind::Knob | WidgetKind::SmallKnob if form == Form::Fader => WidgetKind::Fader,
        WidgetKind::SmallKnob => WidgetKind::Knob,
        kind => kind,
    }
}

/// A param in the middle of a place, as large as it goes there.
fn spot<'a>(
    place: Rect,
    zoom: f32,
    item: &'a StageItem,
    module: &'a PatchModule,
    param: &'static Param,
    label: &'a str,
) -> ParamSpot<'a> {
    let kind = kind_of(param, item.form);
    ParamSpot {
        rect: Rect::from_center_size(place.center(), kind.size() * zoom),
        zoom,
        module: &item.module,
        param,
        value: module.param(param.name).unwrap_or(param.default),
        moved: None,
        label,
        title: module.title_of_param(param.name),
        meter_volts: None,
        kind,
    }
}

fn zoom_in(place: Rect, size: Vec2) -> f32 {
    (place.width() / size.x).min(place.height() / size.y).clamp(*ZOOMS.start(), *ZOOMS.end())
}

/// A param or a screen, in the middle of its tile.
fn item_ui(
    ui: &mut Ui,
    theme: &Theme,
    model: &Model,
    item: &StageItem,
    place: Rect,
    asks: &mut Asks,
) {
    let patch = model.patch();
    if let Some((module, param)) = facts(patch, item) {
        let kind = kind_of(param, item.form);
        // A fader is high: below it, its value would be small.
        let line = if kind == WidgetKind::Fader { VALUE } else { 0.0 };
        let above = place.with_max_y(place.bottom() - line);
        let zoom = zoom_in(above, kind.size());
        let words = match kind {
            WidgetKind::Fader | WidgetKind::Choice | WidgetKind::Stepper => String::new(),
            _ => entry::show(param, module.param(param.name).unwrap_or(param.default)),
        };
        let moved = model.led.knob(&item.module, param.name);
        let spot = ParamSpot { moved, ..spot(above, zoom, item, module, param, &words) };
        let value = played_ui(ui, theme, &spot, place, asks);
        if kind == WidgetKind::Fader {
            let words = entry::show(param, value);
            let below = place.with_min_y(above.bottom());
            let pen = Pen::new(ui, 1.0);
            pen.fitted_text(below, Align2::CENTER_CENTER, VALUE * 0.8, theme.text, &words);
        }
        return;
    }
    let module = patch.modules.get(&item.module);
    let about = module.and_then(|module| module.about().ok());
    let (Some(module), Some(about), true) = (module, about, item.part == Part::Screen) else {
        // Of a module that this version does not know.
        let pen = Pen::new(ui, 1.0);
        return pen.fitted_text(place, Align2::CENTER_CENTER, 16.0, theme.faint, "unknown");
    };
    let Some(size) = screen_size(about) else { return };
    let zoom = zoom_in(place, size);
    let shown = ScreenSpot {
        rect: Rect::from_center_size(place.center(), size * zoom),
        zoom,
        module: &item.module,
        about,
        params: module,
        display: model.signals.display(&item.module),
        sample_rate_hz: model.status.sample_rate_hz,
        moved: Vec::new(),
        patch,
    };
    screen_ui(ui, theme, &shown, asks);
}

#[cfg(test)]
mod tests;
