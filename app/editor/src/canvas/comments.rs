//! Comments: coloured sheets behind the modules, with words on them. What lies
//! wholly on one moves along with it, so it is a group, too.

use std::collections::BTreeSet;

use eframe::egui::{
    CursorIcon, Pos2, Rect, Sense, TextEdit, Ui, UiBuilder, Vec2, WidgetInfo, WidgetType, pos2,
    vec2,
};
use sostenuto_patch::edit::Move;
use sostenuto_patch::{Comment, CommentId, Edit, ModuleId, Patch};

use super::face::{GRID, snapped};
use super::{Canvas, Desk, Layout};
use crate::model::Asks;
use crate::parts::palette;
use crate::pen::Pen;

const LEAST: Vec2 = vec2(120.0, 60.0);
const HEAD: f32 = 30.0;
const GRIP: f32 = 18.0;

/// The comment that the hand is at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Editing {
    #[default]
    Nothing,
    /// It is written on.
    Words(CommentId, String),
    /// It is carried, with these modules.
    Moved(CommentId, BTreeSet<ModuleId>, Vec2),
    /// Its corner is pulled.
    Sized(CommentId, Vec2),
}

impl Editing {
    /// How far from its place a module is carried.
    pub(super) fn offset_of(&self, id: &ModuleId) -> Vec2 {
        match self {
            Editing::Moved(_, modules, way) if modules.contains(id) => snapped(*way),
            _ => Vec2::ZERO,
        }
    }
}

fn rect_of(comment: &Comment) -> Rect {
    Rect::from_min_size(pos2(comment.x, comment.y), vec2(comment.width, comment.height))
}

impl Canvas {
    pub(super) fn comments_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        // The largest lie lowest, so that one on another can be reached.
        let comments = desk.scene.patch.comments.iter();
        let mut comments: Vec<_> =
            comments.filter(|(_, comment)| comment.group.is_none()).collect();
        comments.sort_by(|a, b| (b.1.width * b.1.height).total_cmp(&(a.1.width * a.1.height)));
        for (id, comment) in comments {
            self.comment_ui(ui, desk, id, comment);
        }
    }

    fn comment_ui(&mut self, ui: &mut Ui, desk: &mut Desk, id: &CommentId, comment: &Comment) {
        let mut place = rect_of(comment);
        match &self.editing {
            Editing::Moved(moved, _, way) if moved == id => place = place.translate(snapped(*way)),
            Editing::Sized(sized, size) if sized == id => place.set_right(place.left() + size.x),
            _ => {}
        }
        if let Editing::Sized(sized, size) = &self.editing
            && sized == id
        {
            place.set_bottom(place.top() + size.y);
        }
        let (zoom, theme) = (self.camera.zoom, desk.scene.theme);
        let rect = self.camera.rect_to_screen(desk.window, place);
        if !rect.intersects(desk.window) {
            return;
        }
        let colour = theme.cables[usize::from(comment.colour) % theme.cables.len()];
        let pen = Pen::new(ui, zoom);
        pen.fill(rect, 6.0, colour.gamma_multiply(0.10));
        let is_chosen = self.selected_comment.as_ref() == Some(id);
        pen.edge(
            rect,
            6.0,
            if is_chosen { 2.5 } else { 1.0 },
            colour.gamma_multiply(if is_chosen { 1.0 } else { 0.6 }),
        );
        let head =
            Rect::from_min_size(rect.min, vec2(rect.width(), (HEAD * zoom).min(rect.height())));
        self.words_ui(ui, desk, id, comment, rect, head);
        let response =
            ui.interact(head, ui.id().with(("comment", id.as_str())), Sense::click_and_drag());
        response.widget_info(|| {
            WidgetInfo::labeled(WidgetType::Other, true, format!("Comment: {}", comment.text))
        });
        if response.clicked() {
            response.request_focus();
            self.selection.clear();
            self.selected_cable = None;
            self.selected_comment = Some(id.clone());
        }
        if response.double_clicked() || response.triple_clicked() {
            self.editing = Editing::Words(id.clone(), comment.text.clone());
        }
        if response.drag_started() {
            let modules = inside(desk.layout, rect_of(comment));
            self.editing = Editing::Moved(id.clone(), modules, Vec2::ZERO);
        }
        if response.dragged()
            && let Editing::Moved(_, _, way) = &mut self.editing
        {
            *way += response.drag_delta() / zoom;
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
        if response.drag_stopped()
            && let Editing::Moved(_, modules, way) = std::mem::take(&mut self.editing)
        {
            desk.asks.edit(moved(desk.scene.patch, id, comment, &modules, snapped(way)));
        }
        self.grip_ui(ui, desk, id, comment, rect);
        response.context_menu(|ui| {
            if let Some(colour) = palette(ui, theme) {
                set(desk, id, Comment { colour, ..comment.clone() });
                ui.close();
            }
            if ui.button("Write").clicked() {
                self.editing = Editing::Words(id.clone(), comment.text.clone());
            }
            if ui.button("Delete comment").clicked() {
                desk.asks.edit(Edit::SetComment { id: id.clone(), comment: None });
            }
        });
    }

    fn words_ui(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk,
        id: &CommentId,
        comment: &Comment,
        rect: Rect,
        head: Rect,
    ) {
        let zoom = self.camera.zoom;
        let is_written = matches!(&self.editing, Editing::Words(written, _) if written == id);
        if !is_written {
            let pen = Pen::within(ui, zoom, rect.shrink(4.0 * zoom));
            let ink = desk.scene.theme.text;
            let mut at = head.min + vec2(10.0, 7.0) * zoom;
            for line in comment.text.lines().take(40) {
                pen.text(at, eframe::egui::Align2::LEFT_TOP, 15.0, ink, line);
                at.y += 19.0 * zoom;
            }
            return;
        }
        let Editing::Words(_, words) = &mut self.editing else { return };
        let place = rect.shrink(6.0 * zoom);
        let field = ui.id().with(("words", id.as_str()));
        let mut inner = ui.new_child(UiBuilder::new().max_rect(place));
        let edit = TextEdit::multiline(words)
            .id(field)
            .desired_width(place.width())
            .hint_text("Write a comment");
        let response = inner.add(edit);
        if !response.has_focus() && !response.lost_focus() {
            response.request_focus();
        }
        if response.lost_focus() {
            let text = std::mem::take(words);
            self.editing = Editing::Nothing;
            if text != comment.text {
                set(desk, id, Comment { text, ..comment.clone() });
            }
        }
    }

    fn grip_ui(&mut self, ui: &Ui, desk: &mut Desk, id: &CommentId, comment: &Comment, rect: Rect) {
        let grip = Rect::from_min_max(rect.max - Vec2::splat(GRIP * self.camera.zoom), rect.max);
        let response = ui.interact(grip, ui.id().with(("grip", id.as_str())), Sense::drag());
        response
            .widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, "Size of the comment"));
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeNwSe);
        }
        let was = vec2(comment.width, comment.height);
        if response.drag_started() {
            self.editing = Editing::Sized(id.clone(), was);
        }
        if response.dragged()
            && let Editing::Sized(_, size) = &mut self.editing
        {
            *size = (*size + response.drag_delta() / self.camera.zoom).max(LEAST);
        }
        if response.drag_stopped()
            && let Editing::Sized(_, size) = std::mem::take(&mut self.editing)
        {
            let size = snapped(size).max(LEAST);
            set(desk, id, Comment { width: size.x, height: size.y, ..comment.clone() });
        }
    }

    /// The modules and comments of the patch that copies are made of: with a comment go the
    /// modules on it, and with modules the comments that lie around no others.
    pub(super) fn chosen(&mut self, patch: &Patch) -> (BTreeSet<ModuleId>, BTreeSet<CommentId>) {
        let level = self.level(patch);
        let shown = level.shown(patch);
        let layout = self.layout(shown);
        let on = |comment: &Comment| inside(&layout, rect_of(comment));
        let mut modules = self.selection.clone();
        if let Some(comment) = self.selected_comment.as_ref().and_then(|id| shown.comments.get(id))
        {
            modules.extend(on(comment));
        }
        let goes_along = |id: &CommentId, comment: &Comment| {
            let on = on(comment);
            self.selected_comment.as_ref() == Some(id) || (!on.is_empty() && on.is_subset(&modules))
        };
        let here = shown.comments.iter().filter(|(_, comment)| comment.group.is_none());
        let comments = here.filter(|(id, comment)| goes_along(id, comment));
        let comments = comments.map(|(id, _)| id.clone()).collect();
        (level.modules(&modules), comments)
    }

    /// A new comment: around the selection, or there.
    pub fn add_comment(&mut self, patch: &Patch, asks: &mut Asks) {
        let level = self.level(patch);
        let first = asks.requests.len();
        self.comment_on(level.shown(patch), None, asks);
        level.all_real(&mut asks.requests[first..]);
    }

    /// The same on what is shown.
    pub(super) fn comment_on(&mut self, patch: &Patch, at: Option<Pos2>, asks: &mut Asks) {
        let layout = self.layout(patch);
        let chosen =
            self.selection.iter().filter_map(|id| layout.places.get(id)).map(|(rect, _)| *rect);
        let window = self.window.unwrap_or(Rect::NOTHING);
        let place = match chosen.reduce(Rect::union) {
            Some(around) => Rect::from_min_max(
                around.min - vec2(GRID, GRID + HEAD),
                around.max + vec2(GRID, GRID),
            ),
            None => {
                let at = at.unwrap_or_else(|| self.camera.to_canvas(window, window.center()));
                Rect::from_min_size((at / GRID).round() * GRID, vec2(240.0, 120.0))
            }
        };
        let id = patch.fresh_comment_id();
        let comment = Comment {
            text: String::new(),
            x: place.left(),
            y: place.top(),
            width: place.width(),
            height: place.height(),
            colour: (patch.comments.len() % 8) as u8,
            group: None,
            twin: 0,
        };
        self.editing = Editing::Words(id.clone(), String::new());
        asks.edit(Edit::SetComment { id, comment: Some(comment) });
    }
}

/// The modules that lie wholly on a sheet.
fn inside(layout: &Layout, sheet: Rect) -> BTreeSet<ModuleId> {
    let inside = layout.places.iter().filter(|(_, (rect, _))| sheet.contains_rect(*rect));
    inside.map(|(id, _)| id.clone()).collect()
}

fn moved(
    patch: &Patch,
    id: &CommentId,
    comment: &Comment,
    modules: &BTreeSet<ModuleId>,
    way: Vec2,
) -> Edit {
    let sheet = Comment { x: comment.x + way.x, y: comment.y + way.y, ..comment.clone() };
    let moves = modules.iter().filter_map(|module| {
        let there = patch.modules.get(module)?;
        Some(Move { module: module.clone(), x: there.x + way.x, y: there.y + way.y })
    });
    let moves: Vec<Move> = moves.collect();
    let mut edits = vec![Edit::SetComment { id: id.clone(), comment: Some(sheet) }];
    if !moves.is_empty() {
        edits.push(Edit::MoveModules(moves));
    }
    Edit::Several(edits)
}

fn set(desk: &mut Desk, id: &CommentId, comment: Comment) {
    desk.asks.edit(Edit::SetComment { id: id.clone(), comment: Some(comment) });
}
