//! The patches that come with the program, to open or to begin with.

use eframe::egui::{
    Align, Button, Context, Id, Key, Layout, Modal, Modifiers, RichText, ScrollArea, Ui, vec2,
};
use sostenuto_patch::Patch;
use sostenuto_patch::factory::{Factory, PATCHES, TEMPLATES};

use super::parts::{caption, chip, faint, floating, main_button, search_field};
use super::search::{Clue, Finder};
use super::theme::Theme;

const LIST_WIDTH: f32 = 230.0;
const HELP_WIDTH: f32 = 300.0;
const HEIGHT: f32 = 330.0;

/// One that can be opened.
struct Offer {
    is_template: bool,
    title: String,
    description: String,
    genre: Genre,
    factory: &'static Factory,
}

/// What kind of music a factory patch plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Genre {
    Start,
    Ambient,
    Dance,
    Drums,
    Generative,
    Melody,
    ByHand,
}

impl Genre {
    const ALL: [Genre; 7] = [
        Genre::Start,
        Genre::Melody,
        Genre::Dance,
        Genre::Drums,
        Genre::Ambient,
        Genre::Generative,
        Genre::ByHand,
    ];

    fn title(self) -> &'static str {
        match self {
            Genre::Start => "Templates",
            Genre::Ambient => "Ambient",
            Genre::Dance => "Dance",
            Genre::Drums => "Drums",
            Genre::Generative => "Generative",
            Genre::Melody => "Melody",
            Genre::ByHand => "By hand",
        }
    }

    /// That of a patch, by the name of its file.
    fn of(name: &str) -> Option<Genre> {
        Some(match name {
            "empty" | "mono-voice" | "poly-voice" | "groove" => Genre::Start,
            "first-sound" | "last-tram" | "pad" | "relay-canon" | "glass-memory" => Genre::Melody,
            "paper-lantern" | "concrete-floor" | "bass-line" | "night-train" => Genre::Dance,
            "broken-escalator" | "five-wheels" | "percussion" | "grid-groove" => Genre::Drums,
            "high-nave" | "rain-on-wire" | "ambient" | "held-light" => Genre::Ambient,
            "copper-orchard" | "tide-pools" | "krell" | "rust-weather" | "feedback" => {
                Genre::Generative
            }
            "tin-parliament" | "weather-glass" | "poly-keys" => Genre::ByHand,
            _ => return None,
        })
    }
}

/// The list of them, with what each is.
#[derive(Default)]
pub struct FactoryBrowser {
    is_open: bool,
    is_fresh: bool,
    offers: Vec<Offer>,
    typed: String,
    genre: Option<Genre>,
    /// Whether the keys have just marked another.
    has_walked: bool,
    marked: usize,
    finder: Finder,
}

impl FactoryBrowser {
    /// Opens it.
    pub fn open(&mut self) {
        if self.offers.is_empty() {
            let offer = |is_template| {
                move |factory: &'static Factory| {
                    let Patch { title, description, .. } = factory.patch();
                    let genre = Genre::of(factory.name).unwrap_or(Genre::Melody);
                    Offer { is_template, title, description, genre, factory }
                }
            };
            self.offers.extend(TEMPLATES.iter().map(offer(true)));
            self.offers.extend(PATCHES.iter().map(offer(false)));
        }
        (self.is_open, self.is_fresh, self.marked) = (true, true, 0);
        self.typed.clear();
    }

    /// Whether it is there.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Shows it while it is open, and says what was chosen.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme) -> Option<Patch> {
        if !self.is_open {
            return None;
        }
        let list = self.list();
        let mut chosen = self.keys(ctx, &list);
        let modal = Modal::new(Id::new("factory patches")).frame(floating(theme));
        let shown = modal.show(ctx, |ui| {
            ui.set_width(LIST_WIDTH + HELP_WIDTH + 14.0);
            self.head(ui, theme);
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 14.0;
                column(ui, "offers", LIST_WIDTH, |ui| self.rows(ui, theme, &list));
                let is_taken = column(ui, "offer", HELP_WIDTH, |ui| self.help(ui, theme, &list));
                chosen = chosen.or(is_taken.then(|| list[self.marked]));
            });
        });
        self.is_fresh = false;
        if chosen.is_some() || shown.should_close() {
            self.is_open = false;
        }
        chosen.map(|index| self.offers[index].factory.patch())
    }

    /// The indices of what fits. Templates stay before patches.
    fn list(&mut self) -> Vec<usize> {
        let clues = self
            .offers
            .iter()
            .map(|offer| (vec![Clue::Name(&offer.title), Clue::Summary(&offer.description)], 0));
        let mut list = self.finder.rank(&self.typed, clues);
        list.retain(|&index| self.genre.is_none_or(|genre| self.offers[index].genre == genre));
        list.sort_by_key(|&index| !self.offers[index].is_template);
        self.marked = self.marked.min(list.len().saturating_sub(1));
        list
    }

    fn keys(&mut self, ctx: &Context, list: &[usize]) -> Option<usize> {
        let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let before = self.marked;
        if pressed(Key::ArrowDown) {
            self.marked = (self.marked + 1).min(list.len().saturating_sub(1));
        }
        if pressed(Key::ArrowUp) {
            self.marked = self.marked.saturating_sub(1);
        }
        self.has_walked = self.marked != before;
        let marked = list.get(self.marked).copied();
        marked.filter(|_| pressed(Key::Enter))
    }

    fn head(&mut self, ui: &mut Ui, theme: &Theme) {
        caption(ui, theme, "Templates and factory patches");
        let typed = &mut self.typed;
        let field = search_field(ui, typed, "Search", "Search patches", self.is_fresh);
        if field.changed() {
            self.marked = 0;
        }
        ui.horizontal_wrapped(|ui| {
            for genre in Genre::ALL {
                let is_on = self.genre == Some(genre);
                if chip(ui, theme, genre.title(), is_on).clicked() {
                    self.genre = (!is_on).then_some(genre);
                    self.marked = 0;
                }
            }
        });
        ui.add_space(4.0);
    }

    fn rows(&mut self, ui: &mut Ui, theme: &Theme, list: &[usize]) {
        if list.is_empty() {
            faint(ui, theme, "No match. Try fewer letters.");
        }
        let mut shelf = None;
        for (row, &index) in list.iter().enumerate() {
            let offer = &self.offers[index];
            if shelf.replace(offer.is_template) != Some(offer.is_template) {
                caption(ui, theme, if offer.is_template { "To begin with" } else { "To hear" });
            }
            let is_marked = row == self.marked;
            let entry = Button::selectable(is_marked, &offer.title).min_size(vec2(0.0, 26.0));
            let entry = ui.add(entry);
            if is_marked && self.has_walked {
                entry.scroll_to_me(None);
            }
            if entry.clicked() || entry.gained_focus() {
                self.marked = row;
            }
        }
    }

    /// What the marked one is; whether it was taken.
    fn help(&self, ui: &mut Ui, theme: &Theme, list: &[usize]) -> bool {
        let Some(&index) = list.get(self.marked) else { return false };
        let offer = &self.offers[index];
        ui.label(RichText::new(&offer.title).size(18.0).strong().color(theme.text));
        ui.label(&offer.description);
        ui.add_space(8.0);
        let verb = if offer.is_template { "Begin with it" } else { "Open it" };
        ui.with_layout(Layout::top_down(Align::Min), |ui| main_button(ui, theme, verb).clicked())
            .inner
    }
}

fn column<R>(ui: &mut Ui, name: &str, width: f32, content: impl FnOnce(&mut Ui) -> R) -> R {
    let size = vec2(width, HEIGHT);
    let inner = ui.allocate_ui_with_layout(size, Layout::top_down_justified(Align::Min), |ui| {
        ui.set_min_size(size);
        let scroll = ScrollArea::vertical().id_salt(name).max_height(HEIGHT);
        scroll.auto_shrink([false, false]).show(ui, content).inner
    });
    inner.inner
}

#[cfg(test)]
mod tests {
    use eframe::egui::Event;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    type Stage = (FactoryBrowser, Option<Patch>);

    fn stage() -> Harness<'static, Stage> {
        let mut browser = FactoryBrowser::default();
        browser.open();
        let app = |ui: &mut Ui, (browser, chosen): &mut Stage| {
            *chosen = browser.ui(ui.ctx(), &Theme::of(Look::Dark)).or(chosen.take());
        };
        let builder = Harness::builder().with_size(vec2(900.0, 700.0)).with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, (browser, None));
        harness.run_steps(4);
        harness
    }

    #[test]
    fn a_patch_is_found_and_opened_by_keyboard() {
        let mut harness = stage();
        harness.event(Event::Text("night".to_owned()));
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(2);
        let (browser, chosen) = harness.state();
        assert_eq!(chosen.as_ref().unwrap().title, "Night Train");
        assert!(!browser.is_open());
    }

    #[test]
    fn every_patch_has_a_genre_and_every_genre_patches() {
        let all: Vec<Genre> = PATCHES
            .iter()
            .chain(TEMPLATES)
            .map(|own| Genre::of(own.name).expect(own.name))
            .collect();
        assert!(Genre::ALL.iter().all(|genre| all.contains(genre)));
    }

    #[test]
    fn arrows_scroll_to_what_they_mark() {
        let mut harness = stage();
        for _ in 0..PATCHES.len() + TEMPLATES.len() {
            harness.key_press(Key::ArrowDown);
            harness.run_steps(1);
        }
        harness.run_steps(20);
        let list = harness.get_by_label("Search patches").rect();
        let last =
            harness.get_all_by_label(&PATCHES.last().unwrap().title()).next().unwrap().rect();
        assert!(last.top() > list.bottom() && last.bottom() < list.bottom() + HEIGHT + 80.0);
    }

    #[test]
    fn a_template_is_looked_at_and_begun_with() {
        let mut harness = stage();
        let title = TEMPLATES[1].title();
        harness.get_by_label(&title).click();
        harness.run_steps(3);
        harness.get_by_label("Begin with it").click();
        harness.run_steps(3);
        let (_, chosen) = harness.state();
        assert_eq!(*chosen.as_ref().unwrap(), TEMPLATES[1].patch());
    }
}
