//! The browser: every module, found by a word of what it does.

use eframe::egui::{
    Align, Area, Context, CornerRadius, FontId, Id, Key, Layout, Modifiers, Order, Pos2, Rect,
    Response, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo,
    WidgetType, pos2, vec2,
};
use sostenuto_modules::catalog::CATALOG;
use sostenuto_modules::module::{About, Port, Tag};
use sostenuto_patch::{Cable, InputRef, ModuleId, OutputRef};

use super::parts::{caption, chip, faint, floating, search_field, sign};
use super::preferences::Preferences;
use super::search::{Clue, Finder};
use super::theme::Theme;

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
    /// The index in the list of what Enter takes.
    marked: usize,
    finder: Finder,
}

impl Browser {
    /// Opens it with its corner there in the window, for a module that will
    /// stand at `at` on the canvas.
    pub fn open(&mut self, wish: BrowseFor, corner: Pos2, at: Pos2) {
        let finder = std::mem::take(&mut self.finder);
        *self = Browser {
            is_open: true,
            is_fresh: true,
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
    ) -> Option<Chosen> {
        if !self.is_open {
            return None;
        }
        let (list, recent) = self.list(preferences);
        self.marked = self.marked.min(list.len().saturating_sub(1));
        let mut chosen = self.keys(ctx, &list, preferences);
        let area = Area::new(Id::new("module browser"))
            .order(Order::Foreground)
            .fixed_pos(self.corner)
            .constrain_to(ctx.content_rect().shrink(8.0));
        let shown = area.show(ctx, |ui| {
            floating(theme).show(ui, |ui| {
                ui.set_width(LIST_WIDTH + HELP_WIDTH + 12.0);
                self.head(ui, theme);
                self.chips(ui, theme);
                ui.add_space(4.0);
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 12.0;
                    let clicked = self.rows(ui, theme, preferences, &list, recent);
                    chosen = chosen.take().or(clicked);
                    self.help(ui, theme, list.get(self.marked).copied());
                });
                ui.add_space(2.0);
                let keys =
                    format!("↑↓ select    Enter add    {}+D favourite    Esc close", command(ctx));
                ui.label(RichText::new(keys).size(11.0).color(theme.faint));
            });
        });
        if !self.is_fresh && shown.response.clicked_elsewhere() {
            self.close();
        }
        self.is_fresh = false;
        let kind = chosen?;
        self.close();
        preferences.used_module(kind.name);
        Some(Chosen { kind, wish: std::mem::take(&mut self.wish), at: self.at })
    }

    /// What is shown, from the top, and how many of them are recent.
    fn list(&mut self, preferences: &Preferences) -> (Vec<&'static About>, usize) {
        let mut list = find(&mut self.finder, &self.shelf, &self.wish, preferences);
        if !self.shelf.typed.trim().is_empty() {
            return (list, 0);
        }
        let place =
            |about: &About| preferences.recent_modules.iter().position(|kind| kind == about.name);
        list.sort_by_key(|about| place(about).unwrap_or(usize::MAX));
        let recent = list.iter().filter(|about| place(about).is_some()).count();
        (list, recent)
    }

    /// What the keyboard says. It is asked before the text field is.
    fn keys(
        &mut self,
        ctx: &Context,
        list: &[&'static About],
        preferences: &mut Preferences,
    ) -> Option<&'static About> {
        let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
        let none = Modifiers::NONE;
        if pressed(none, Key::Escape) {
            self.close();
        }
        let last = list.len().saturating_sub(1);
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
        list: &[&'static About],
        recent: usize,
    ) -> Option<&'static About> {
        let mut chosen = None;
        let scroll = ScrollArea::vertical().max_height(BODY_HEIGHT).auto_shrink([false, false]);
        let column = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            if list.is_empty() {
                ui.add_space(8.0);
                faint(ui, theme, "No match. Try fewer letters.");
            }
            for (index, about) in list.iter().enumerate() {
                match index {
                    0 if recent > 0 => drop(caption(ui, theme, "Recently used")),
                    index if index == recent && recent > 0 => {
                        ui.add_space(6.0);
                        caption(ui, theme, "All");
                    }
                    _ => {}
                }
                let response = self.row(ui, theme, preferences, about, index);
                if response.clicked() {
                    chosen = Some(*about);
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
        let size = vec2(ui.available_width(), ROW_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let is_marked = index == self.marked;
        response.widget_info(|| {
            WidgetInfo::selected(WidgetType::SelectableLabel, true, is_marked, about.title)
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
        let bar = Rect::from_min_size(rect.min + vec2(6.0, 6.0), vec2(4.0, ROW_HEIGHT - 12.0));
        ui.painter().rect_filled(bar, CornerRadius::same(2), theme.category(about));
        let font = FontId::proportional(14.0);
        let middle = pos2(rect.left() + 18.0, rect.center().y);
        let align = eframe::egui::Align2::LEFT_CENTER;
        ui.painter().text(middle, align, about.title, font, theme.text);
        let corner = Rect::from_min_max(pos2(rect.right() - 26.0, rect.top()), rect.max);
        let layout = Layout::centered_and_justified(eframe::egui::Direction::LeftToRight);
        let mut star_ui = ui.new_child(UiBuilder::new().max_rect(corner).layout(layout));
        star(&mut star_ui, theme, preferences, about);
        response
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

/// Every module that fits, best first.
fn find(
    finder: &mut Finder,
    shelf: &Shelf,
    wish: &BrowseFor,
    preferences: &Preferences,
) -> Vec<&'static About> {
    let abouts: Vec<&'static About> = CATALOG
        .iter()
        .map(|entry| entry.about)
        .filter(|about| wish.fits(about))
        .filter(|about| shelf.tag.is_none_or(|tag| about.tags.contains(&tag)))
        .filter(|about| !shelf.only_favourites || preferences.favourites.contains(about.name))
        .filter(|about| !about.tags.contains(&Tag::Test) || is_named(&shelf.typed, about))
        .collect();
    let ranked = finder.rank(&shelf.typed, abouts.iter().map(|about| clues(about)));
    ranked.into_iter().map(|index| abouts[index]).collect()
}

fn clues(about: &'static About) -> Vec<Clue<'static>> {
    let mut clues =
        vec![Clue::Name(about.title), Clue::Name(about.name), Clue::Summary(about.summary)];
    clues.extend(about.tags.iter().map(|&tag| Clue::Tag(tag_title(tag))));
    clues.extend(about.aliases.iter().map(|alias| Clue::Tag(alias)));
    let ports = about.inputs.iter().chain(about.outputs);
    clues.extend(ports.flat_map(|port| [Clue::Help(port.name), Clue::Help(port.help)]));
    clues.extend(about.params.iter().map(|param| Clue::Help(param.name)));
    clues
}

/// Modules that break on purpose are shown only when searched by name.
fn is_named(typed: &str, about: &About) -> bool {
    let typed = typed.trim().to_lowercase();
    typed.chars().count() >= 3 && about.name.starts_with(&typed)
}

/// The tags of what could be chosen, in the order of the catalogue's shelves.
fn tags(wish: &BrowseFor) -> Vec<Tag> {
    let all = [
        Tag::Source,
        Tag::Filter,
        Tag::Dynamics,
        Tag::Modulator,
        Tag::Effect,
        Tag::Sequencing,
        Tag::Play,
        Tag::Notes,
        Tag::Random,
        Tag::Utility,
        Tag::Display,
        Tag::Output,
        Tag::Polyphonic,
    ];
    let is_there = |tag: &Tag| {
        CATALOG.iter().any(|entry| entry.about.tags.contains(tag) && wish.fits(entry.about))
    };
    all.into_iter().filter(is_there).collect()
}

/// What the browser calls a shelf.
pub fn tag_title(tag: Tag) -> &'static str {
    match tag {
        Tag::Source => "Source",
        Tag::Filter => "Filter",
        Tag::Dynamics => "Dynamics",
        Tag::Modulator => "Modulator",
        Tag::Effect => "Effect",
        Tag::Sequencing => "Sequencing",
        Tag::Utility => "Utility",
        Tag::Display => "Display",
        Tag::Play => "Play",
        Tag::Notes => "Notes",
        Tag::Output => "Output",
        Tag::Polyphonic => "Polyphonic",
        Tag::Random => "Random",
        Tag::Test => "Test",
    }
}

/// What this keyboard writes on its command key.
fn command(ctx: &Context) -> &'static str {
    if ctx.os().is_mac() { "⌘" } else { "Ctrl" }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    fn found(typed: &str, wish: &BrowseFor) -> Vec<&'static str> {
        let shelf = Shelf { typed: typed.to_owned(), ..Shelf::default() };
        let found = find(&mut Finder::default(), &shelf, wish, &Preferences::default());
        found.into_iter().map(|about| about.name).collect()
    }

    #[test]
    fn a_few_letters_find_a_module() {
        let new = BrowseFor::New;
        assert_eq!(found("lad", &new)[0], "ladder");
        assert_eq!(found("vc", &new)[..2], ["vco", "vca"]);
        assert!(found("envelope", &new)[..4].contains(&"adsr"));
        assert!(found("filter", &new).contains(&"ladder"));
        assert_eq!(found("turing", &new)[0], "gated-random");
        assert_eq!(found("echo", &new)[..2], ["delay", "tape-delay"]);
        assert_eq!(found("qqq", &new), [""; 0]);
    }

    #[test]
    fn only_what_has_the_ports_is_shown() {
        let after = BrowseFor::From("vco.saw".parse().unwrap());
        assert!(
            found("", &after).contains(&"audio-out") && !found("", &after).contains(&"keyboard")
        );
        let before = BrowseFor::Into("ladder.in".parse().unwrap());
        assert!(!found("", &before).contains(&"scope"));
        let between = BrowseFor::Insert("vco.saw -> ladder.in".parse().unwrap());
        let found = found("", &between);
        assert!(found.contains(&"delay") && !found.contains(&"scope"));
    }

    #[test]
    fn what_breaks_on_purpose_comes_only_when_called() {
        assert!(!found("", &BrowseFor::New).contains(&"saboteur"));
        assert!(!found("worker", &BrowseFor::New).contains(&"saboteur"));
        assert_eq!(found("sabot", &BrowseFor::New), ["saboteur"]);
    }

    struct Stage {
        browser: Browser,
        preferences: Preferences,
        chosen: Option<Chosen>,
    }

    fn stage(corner: Pos2, recent: &[&str]) -> Harness<'static, Stage> {
        let recent_modules = recent.iter().map(|&kind| kind.to_owned()).collect();
        let preferences = Preferences { recent_modules, ..Preferences::default() };
        let mut browser = Browser::default();
        browser.open(BrowseFor::New, corner, pos2(100.0, 40.0));
        let app = |ui: &mut Ui, stage: &mut Stage| {
            let theme = Theme::of(Look::Dark);
            let chosen = stage.browser.ui(ui.ctx(), &theme, &mut stage.preferences);
            stage.chosen = chosen.or(stage.chosen.take());
        };
        let stage = Stage { browser, preferences, chosen: None };
        let builder = Harness::builder().with_size(vec2(900.0, 700.0)).with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, stage);
        harness.run_steps(3);
        harness
    }

    fn type_text(harness: &mut Harness<Stage>, text: &str) {
        harness.event(eframe::egui::Event::Text(text.to_owned()));
        harness.run_steps(2);
    }

    fn press(harness: &mut Harness<Stage>, key: Key) {
        harness.key_press(key);
        harness.run_steps(2);
    }

    #[test]
    fn typing_and_enter_is_enough() {
        let mut harness = stage(pos2(20.0, 20.0), &[]);
        type_text(&mut harness, "rev");
        press(&mut harness, Key::Enter);
        let chosen = harness.state().chosen.clone().expect("Enter takes the first");
        assert_eq!((chosen.kind.name, chosen.at), ("reverb", pos2(100.0, 40.0)));
        assert!(!harness.state().browser.is_open());
        assert_eq!(harness.state().preferences.recent_modules, ["reverb"]);
    }

    #[test]
    fn arrows_walk_and_escape_leaves() {
        let mut harness = stage(pos2(20.0, 20.0), &["delay", "lfo"]);
        press(&mut harness, Key::ArrowDown);
        press(&mut harness, Key::ArrowDown);
        press(&mut harness, Key::ArrowUp);
        press(&mut harness, Key::Enter);
        let chosen = harness.state().chosen.clone();
        assert_eq!(chosen.unwrap().kind.name, "lfo", "what was used last comes first");
        let mut harness = stage(pos2(20.0, 20.0), &[]);
        press(&mut harness, Key::Escape);
        assert!(!harness.state().browser.is_open() && harness.state().chosen.is_none());
    }

    #[test]
    fn a_star_is_given_by_keyboard_and_kept() {
        let mut harness = stage(pos2(20.0, 20.0), &[]);
        type_text(&mut harness, "vco");
        harness.key_press_modifiers(Modifiers::COMMAND, Key::D);
        harness.run_steps(2);
        assert!(harness.state().preferences.favourites.contains("vco"));
        harness.get_by_label("VCO is a favourite").click();
        harness.run_steps(2);
        assert!(harness.state().preferences.favourites.is_empty());
    }

    #[test]
    fn a_shelf_is_chosen_by_its_chip_and_a_module_by_a_click() {
        let mut harness = stage(pos2(20.0, 20.0), &[]);
        harness.get_by_label("Effect").click();
        harness.run_steps(2);
        assert!(harness.query_by_label("VCO").is_none());
        // The first is chosen already; the next is in sight.
        let effects = CATALOG.iter().map(|entry| entry.about);
        let second = effects.filter(|about| about.tags.contains(&Tag::Effect)).nth(1).unwrap();
        harness.get_by_label(second.title).click();
        harness.run_steps(2);
        assert_eq!(harness.state().chosen.as_ref().unwrap().kind.name, second.name);
    }

    #[test]
    fn it_stays_inside_the_window() {
        let harness = stage(pos2(880.0, 690.0), &[]);
        let star = harness.get_by_label("Search modules").rect();
        assert!(star.right() < 900.0 && star.top() > 0.0);
        let last = harness.get_by_label("★ Favourites").rect();
        assert!(last.bottom() + BODY_HEIGHT < 700.0);
    }
}
