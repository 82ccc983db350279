//! The browser: every module, found by a word of what it does.

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::style::Interaction;
use eframe::egui::{
    Align, Align2, Area, Context, CornerRadius, CursorIcon, FontId, Id, Key, LayerId, Layout,
    Modifiers, Order, Pos2, Rect, Response, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_modules::module::{About, Port, Tag};
use sostenuto_patch::{Cable, InputRef, ModuleId, OutputRef, Patch};

pub use self::find::tag_title;
use self::find::{Usual, find, sort_by_use, tags, usual};

use super::own_modules::Own;
use super::parts::{caption, chip, faint, floating, search_field, sign};
use super::preferences::Preferences;
use super::search::{Finder, other_name};
use super::theme::Theme;

mod find;

/// The pointer is on it when it opens, so that nothing under it answers.
const OVER: Vec2 = vec2(12.0, 12.0);
const LIST_WIDTH: f32 = 236.0;
const HELP_WIDTH: f32 = 292.0;
const BODY_HEIGHT: f32 = 320.0;
const ROW_HEIGHT: f32 = 26.0;

/// What a module is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BrowseFor {
    /// To stand on the canvas.
    #[default]
    New,
    /// To hear this output.
    From(OutputRef),
    /// To feed this input.
    Into(InputRef),
    /// To stand in the way of this cable.
    Insert(Cable),
    /// To take the place of these.
    Replace(Vec<ModuleId>),
}

impl BrowseFor {
    fn title(&self) -> String {
        match self {
            BrowseFor::New => "Add a module".to_owned(),
            BrowseFor::From(output) => format!("Add a module after {output}"),
            BrowseFor::Into(input) => format!("Add a module before {input}"),
            BrowseFor::Insert(cable) => format!("Insert into {cable}"),
            BrowseFor::Replace(modules) => match modules.as_slice() {
                [module] => format!("Replace {module}"),
                modules => format!("Replace {} modules", modules.len()),
            },
        }
    }

    /// Whether such a module has the ports that are needed.
    fn fits(&self, about: &About) -> bool {
        let (needs_input, needs_output) = match self {
            BrowseFor::New | BrowseFor::Replace(_) => (false, false),
            BrowseFor::From(_) => (true, false),
            BrowseFor::Into(_) => (false, true),
            BrowseFor::Insert(_) => (true, true),
        };
        (!needs_input || !about.inputs.is_empty()) && (!needs_output || !about.outputs.is_empty())
    }
}

/// A module that was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Which.
    pub kind: &'static About,
    /// What for.
    pub wish: BrowseFor,
    /// Where on the canvas, in its points.
    pub at: Pos2,
    /// Where in the window it was dropped, if it was carried there.
    pub dropped: Option<Pos2>,
}

/// A module of the musician's own that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenOwn {
    /// Its name.
    pub name: String,
    /// Where on the canvas, in its points.
    pub at: Pos2,
}

/// What is shown of the catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shelf {
    /// What was typed.
    typed: String,
    /// Only modules with this tag.
    tag: Option<Tag>,
    /// Only modules with a star.
    only_favourites: bool,
}

/// The browser. It opens where it is called for, and closes by itself.
#[derive(Default)]
pub struct Browser {
    is_open: bool,
    is_fresh: bool,
    wish: BrowseFor,
    /// On the canvas.
    at: Pos2,
    /// In the window.
    corner: Pos2,
    shelf: Shelf,
    /// What is usually patched there.
    usual: Usual,
    /// What is being carried to the canvas.
    carried: Option<&'static About>,
    /// The index in the list of what Enter takes. Behind the catalogue's modules come the
    /// musician's own.
    marked: usize,
    finder: Finder,
    chosen_own: Option<ChosenOwn>,
    removed_own: Option<String>,
}

impl Browser {
    /// Opens it with its corner there in the window, for a module that will
    /// stand at `at` on the canvas.
    pub fn open(&mut self, wish: BrowseFor, corner: Pos2, at: Pos2, patch: &Patch) {
        let finder = std::mem::take(&mut self.finder);
        *self = Browser {
            is_open: true,
            is_fresh: true,
            usual: usual(&wish, patch),
            wish,
            at,
            corner,
            finder,
            ..Browser::default()
        };
    }

    /// Whether it is there.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Closes it; nothing is chosen.
    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Shows it while it is open, and says what was chosen.
    pub fn ui(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        preferences: &mut Preferences,
        own: &BTreeMap<String, Own>,
    ) -> Option<Chosen> {
        if !self.is_open {
            return None;
        }
        if let Some(about) = self.carried {
            return self.carry(ctx, theme, about, preferences);
        }
        hide_tooltips(ctx, self.is_fresh);
        let (list, parts) = self.list(preferences);
        let own = self.own_list(own);
        self.marked = self.marked.min((list.len() + own.len()).saturating_sub(1));
        let mut chosen = self.keys(ctx, &list, &own, preferences);
        let area = Area::new(Id::new("module browser"))
            .order(Order::Foreground)
            .fixed_pos(self.corner - OVER)
            .constrain_to(ctx.content_rect().shrink(8.0));
        let shown = area.show(ctx, |ui| {
            floating(theme).show(ui, |ui| {
                ui.set_width(LIST_WIDTH + HELP_WIDTH + 12.0);
                self.head(ui, theme);
                self.chips(ui, theme);
                ui.add_space(4.0);
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 12.0;
                    let clicked = self.rows(ui, theme, preferences, (&list, &own), &parts);
                    chosen = chosen.take().or(clicked);
                    match self.marked.checked_sub(list.len()).and_then(|at| own.get(at)) {
                        Some((name, own)) => self.own_help(ui, theme, name, own),
                        None => self.help(ui, theme, list.get(self.marked).copied()),
                    }
                });
                ui.add_space(2.0);
                let keys = format!(
                    "↑↓ select    Enter add    {}+D favourite    Esc close    or drag onto the canvas",
                    command(ctx)
                );
                ui.label(RichText::new(keys).size(11.0).color(theme.faint));
            });
        });
        if !self.is_fresh && shown.response.clicked_elsewhere() {
            self.close();
        }
        self.is_fresh = false;
        let kind = chosen?;
        Some(self.choose(kind, None, preferences))
    }

    fn choose(
        &mut self,
        kind: &'static About,
        dropped: Option<Pos2>,
        preferences: &mut Preferences,
    ) -> Chosen {
        self.close();
        preferences.used_module(kind.name);
        Chosen { kind, wish: std::mem::take(&mut self.wish), at: self.at, dropped }
    }

    /// While a module is carried only that is shown, at the pointer.
    fn carry(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        about: &'static About,
        preferences: &mut Preferences,
    ) -> Option<Chosen> {
        if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.close();
            return None;
        }
        let (is_down, pointer) =
            ctx.input(|input| (input.pointer.primary_down(), input.pointer.interact_pos()));
        let pointer = pointer?;
        if !is_down {
            return Some(self.choose(about, Some(pointer), preferences));
        }
        ctx.set_cursor_icon(CursorIcon::Grabbing);
        let layer = LayerId::new(Order::Tooltip, Id::new("carried module"));
        let painter = ctx.layer_painter(layer);
        let font = FontId::proportional(14.0);
        let words = painter.layout_no_wrap(about.title.to_owned(), font, theme.text);
        let rect = Rect::from_center_size(pointer, words.size() + vec2(28.0, 14.0));
        let edge = Stroke::new(1.5, theme.category(about));
        painter.rect(rect, CornerRadius::same(6), theme.face, edge, StrokeKind::Inside);
        painter.galley(rect.center() - words.size() / 2.0, words, theme.text);
        None
    }

    /// What is shown, from the top, and where which part of it begins.
    fn list(
        &mut self,
        preferences: &Preferences,
    ) -> (Vec<&'static About>, Vec<(usize, &'static str)>) {
        let mut list = find(&mut self.finder, &self.shelf, &self.wish, &self.usual, preferences);
        let parts = match self.shelf.typed.trim().is_empty() {
            true => sort_by_use(&mut list, &self.usual, preferences),
            false => Vec::new(),
        };
        (list, parts)
    }

    /// What the keyboard says. It is asked before the text field is.
    fn keys(
        &mut self,
        ctx: &Context,
        list: &[&'static About],
        own: &[(&String, &Own)],
        preferences: &mut Preferences,
    ) -> Option<&'static About> {
        let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
        let none = Modifiers::NONE;
        if pressed(none, Key::Escape) {
            self.close();
        }
        let last = (list.len() + own.len()).saturating_sub(1);
        let page = (BODY_HEIGHT / ROW_HEIGHT) as usize - 1;
        for (key, to) in [
            (Key::ArrowDown, (self.marked + 1).min(last)),
            (Key::ArrowUp, self.marked.saturating_sub(1)),
            (Key::PageDown, (self.marked + page).min(last)),
            (Key::PageUp, self.marked.saturating_sub(page)),
        ] {
            if pressed(none, key) {
                self.marked = to;
            }
        }
        if let Some((name, _)) = self.marked.checked_sub(list.len()).and_then(|at| own.get(at)) {
            if pressed(none, Key::Enter) {
                self.choose_own(name);
            }
            return None;
        }
        let about = *list.get(self.marked)?;
        if pressed(Modifiers::COMMAND, Key::D) {
            toggle_favourite(preferences, about);
        }
        pressed(none, Key::Enter).then_some(about)
    }

    fn head(&mut self, ui: &mut Ui, theme: &Theme) {
        caption(ui, theme, &self.wish.title());
        let typed = &mut self.shelf.typed;
        let field = search_field(ui, typed, "What should it do?", "Search modules", self.is_fresh);
        if field.changed() {
            self.marked = 0;
        }
        ui.add_space(2.0);
    }

    fn chips(&mut self, ui: &mut Ui, theme: &Theme) {
        let was = self.shelf.clone();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            if chip(ui, theme, "★ Favourites", self.shelf.only_favourites).clicked() {
                self.shelf.only_favourites ^= true;
            }
            for tag in tags(&self.wish) {
                let is_on = self.shelf.tag == Some(tag);
                if chip(ui, theme, tag_title(tag), is_on).clicked() {
                    self.shelf.tag = (!is_on).then_some(tag);
                }
            }
        });
        if self.shelf != was {
            self.marked = 0;
        }
    }

    fn rows(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        preferences: &mut Preferences,
        (list, own): (&[&'static About], &[(&String, &Own)]),
        parts: &[(usize, &str)],
    ) -> Option<&'static About> {
        let mut chosen = None;
        let scroll = ScrollArea::vertical().max_height(BODY_HEIGHT).auto_shrink([false, false]);
        let column = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            if list.is_empty() && own.is_empty() {
                ui.add_space(8.0);
                faint(ui, theme, "No match. Try fewer letters.");
            }
            for (index, about) in list.iter().enumerate() {
                if let Some((_, head)) = parts.iter().find(|(begin, _)| *begin == index) {
                    ui.add_space(if index > 0 { 6.0 } else { 0.0 });
                    caption(ui, theme, head);
                }
                let response = self.row(ui, theme, preferences, about, index);
                if response.clicked() {
                    chosen = Some(*about);
                }
                if response.drag_started() {
                    self.carried = Some(about);
                }
            }
            for (index, (name, one)) in own.iter().enumerate() {
                let is_kept = |at: usize| own[at].1.is_kept;
                if index == 0 || is_kept(index - 1) != one.is_kept {
                    ui.add_space(if list.is_empty() && index == 0 { 0.0 } else { 6.0 });
                    caption(ui, theme, if one.is_kept { "My modules" } else { "Groups" });
                }
                if self.row_of(ui, theme, name, list.len() + index).1.clicked() {
                    self.choose_own(name);
                }
            }
        };
        let size = vec2(LIST_WIDTH, BODY_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(size);
            scroll.show(ui, column)
        });
        chosen
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        preferences: &mut Preferences,
        about: &'static About,
        index: usize,
    ) -> Response {
        let (rect, response) = self.row_of(ui, theme, about.title, index);
        let bar = Rect::from_min_size(rect.min + vec2(6.0, 6.0), vec2(4.0, ROW_HEIGHT - 12.0));
        ui.painter().rect_filled(bar, CornerRadius::same(2), theme.category(about));
        if let Some(name) = self.other_name(about) {
            let right = pos2(rect.right() - 30.0, rect.center().y);
            let font = FontId::proportional(12.0);
            ui.painter().text(right, Align2::RIGHT_CENTER, name, font, theme.faint);
        }
        let corner = Rect::from_min_max(pos2(rect.right() - 26.0, rect.top()), rect.max);
        let layout = Layout::centered_and_justified(eframe::egui::Direction::LeftToRight);
        let mut star_ui = ui.new_child(UiBuilder::new().max_rect(corner).layout(layout));
        star(&mut star_ui, theme, preferences, about);
        response
    }

    /// A row with a name, which can be marked.
    fn row_of(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        title: &str,
        index: usize,
    ) -> (Rect, Response) {
        let size = vec2(ui.available_width(), ROW_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let is_marked = index == self.marked;
        response.widget_info(|| {
            WidgetInfo::selected(WidgetType::SelectableLabel, true, is_marked, title)
        });
        // Only a mouse that moves marks: one that lies there must not fight the keys.
        let has_moved = ui.input(|input| input.pointer.is_moving());
        if (response.hovered() && has_moved) || response.has_focus() {
            self.marked = index;
        }
        if is_marked {
            let fill = theme.accent.gamma_multiply(0.22);
            let edge = Stroke::new(1.0, theme.accent);
            let corner = CornerRadius::same(4);
            ui.painter().rect(rect, corner, fill, edge, StrokeKind::Inside);
            if !response.hovered() {
                response.scroll_to_me(None);
            }
        }
        let middle = pos2(rect.left() + 18.0, rect.center().y);
        let font = FontId::proportional(14.0);
        ui.painter().text(middle, Align2::LEFT_CENTER, title, font, theme.text);
        (rect, response)
    }

    /// The groups that were meant, the musician's own first: they stand alone, and so only
    /// where a module is to be added.
    fn own_list<'a>(&self, own: &'a BTreeMap<String, Own>) -> Vec<(&'a String, &'a Own)> {
        let is_plain = self.shelf.tag.is_none() && !self.shelf.only_favourites;
        if self.wish != BrowseFor::New || !is_plain {
            return Vec::new();
        }
        let typed = self.shelf.typed.trim().to_lowercase();
        let mut list: Vec<_> =
            own.iter().filter(|(name, _)| name.to_lowercase().contains(&typed)).collect();
        list.sort_by_key(|(_, own)| !own.is_kept);
        list
    }

    fn choose_own(&mut self, name: &str) {
        self.close();
        self.chosen_own = Some(ChosenOwn { name: name.to_owned(), at: self.at });
    }

    /// The one of the musician's own that was just chosen.
    pub fn take_own(&mut self) -> Option<ChosenOwn> {
        self.chosen_own.take()
    }

    /// The one that is no longer wanted among them.
    pub fn take_removed(&mut self) -> Option<String> {
        self.removed_own.take()
    }

    fn own_help(&mut self, ui: &mut Ui, theme: &Theme, name: &str, own: &Own) {
        let Own { patch, is_kept } = own;
        let size = vec2(HELP_WIDTH, BODY_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(size);
            ui.set_max_width(HELP_WIDTH - 12.0);
            ui.label(RichText::new(name).size(18.0).strong().color(theme.text));
            let count = patch.modules.len();
            if !patch.description.is_empty() {
                ui.label(RichText::new(&patch.description).color(theme.text));
            }
            let whose = if *is_kept { "A group of yours" } else { "A group" };
            ui.label(RichText::new(format!("{whose}: {count} modules.")).color(theme.text));
            let kinds: BTreeSet<&str> = patch
                .modules
                .values()
                .map(|module| module.about().map_or(&*module.kind, |about| about.title))
                .collect();
            let kinds = kinds.into_iter().collect::<Vec<_>>().join(" · ");
            ui.label(RichText::new(kinds).size(12.5).color(theme.faint));
            ui.add_space(12.0);
            if *is_kept && ui.button("Remove from My modules").clicked() {
                self.removed_own = Some(name.to_owned());
            }
        });
    }

    /// What it is called elsewhere, where it was found by that.
    fn other_name(&self, about: &'static About) -> Option<&'static str> {
        let typed = self.shelf.typed.trim().to_lowercase();
        let is_title = about.title.to_lowercase().contains(&typed);
        other_name(&typed, about.aliases).filter(|_| !is_title)
    }

    fn help(&self, ui: &mut Ui, theme: &Theme, about: Option<&'static About>) {
        let size = vec2(HELP_WIDTH, BODY_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(size);
            let Some(about) = about else { return };
            let scroll = ScrollArea::vertical().id_salt("help").max_height(BODY_HEIGHT);
            scroll.auto_shrink([false, false]).show(ui, |ui| {
                // Room for the scroll bar.
                ui.set_max_width(HELP_WIDTH - 12.0);
                about_ui(ui, theme, about);
            });
        });
    }
}

/// For a frame no tooltip is shown. One that was there when the browser opened would
/// stay above it as long as the pointer rests.
fn hide_tooltips(ctx: &Context, is_now: bool) {
    const NEVER_SECS: f32 = 1e6;
    let usual_secs = Interaction::default().tooltip_delay;
    let secs = if is_now { NEVER_SECS } else { usual_secs };
    if ctx.global_style().interaction.tooltip_delay != secs {
        ctx.all_styles_mut(|style| style.interaction.tooltip_delay = secs);
        ctx.request_repaint();
    }
}

/// What a musician should know of a module.
pub fn about_ui(ui: &mut Ui, theme: &Theme, about: &About) {
    ui.label(RichText::new(about.title).size(18.0).strong().color(theme.text));
    ui.label(RichText::new(about.summary).color(theme.text));
    let tags: Vec<&str> = about.tags.iter().map(|&tag| tag_title(tag)).collect();
    ui.label(RichText::new(tags.join(" · ")).size(12.0).color(theme.category(about)));
    ports(ui, theme, "Inputs", about.inputs);
    ports(ui, theme, "Outputs", about.outputs);
}

fn ports(ui: &mut Ui, theme: &Theme, title: &str, ports: &[Port]) {
    if ports.is_empty() {
        return;
    }
    ui.add_space(6.0);
    caption(ui, theme, title);
    for port in ports {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(RichText::new(port.name).size(12.5).strong().color(theme.text));
            ui.label(RichText::new(port.help).size(12.5).color(theme.faint));
        });
    }
}

fn star(ui: &mut Ui, theme: &Theme, preferences: &mut Preferences, about: &About) {
    let is_favourite = preferences.favourites.contains(about.name);
    let (text, ink, words) = match is_favourite {
        true => ("★", theme.accent, format!("{} is a favourite", about.title)),
        false => ("☆", theme.faint, format!("Make {} a favourite", about.title)),
    };
    if sign(ui, text, ink, &words).clicked() {
        toggle_favourite(preferences, about);
    }
}

fn toggle_favourite(preferences: &mut Preferences, about: &About) {
    if !preferences.favourites.remove(about.name) {
        preferences.favourites.insert(about.name.to_owned());
    }
}

/// What this keyboard writes on its command key.
fn command(ctx: &Context) -> &'static str {
    if ctx.os().is_mac() { "⌘" } else { "Ctrl" }
}

#[cfg(test)]
mod tests;
