//! What the host and the window have to say. It goes by itself; trouble that was not
//! read stays in the list, and is counted.

use eframe::egui::{
    Align2, Area, Context, CornerRadius, Id, Order, RichText, ScrollArea, Stroke, Ui, vec2,
};

use super::model::{Model, Notice};
use super::parts::{faint, floating, sign};
use super::theme::Theme;

/// How long good news and trouble are shown, in seconds, and how much of that they
/// fade.
const SHOWN_SECS: f64 = 6.0;
const TROUBLE_SECS: f64 = 20.0;
const FADING_SECS: f64 = 0.6;
/// The most that are shown at once; the list has the others.
const MOST: usize = 4;
/// The most that the window itself keeps.
const KEPT: usize = 50;
const WIDTH: f32 = 340.0;

/// The toasts at the window's edge, and what the window itself has said.
#[derive(Debug, Default)]
pub struct Notices {
    /// The window's own, oldest first.
    own: Vec<Notice>,
    /// What was read, by when it came and what it says.
    read: Vec<(u64, String)>,
}

impl Notices {
    /// Says something that the host does not know of.
    pub fn say(&mut self, sentence: impl Into<String>, is_trouble: bool, now_secs: f64) {
        Notice::add(&mut self.own, is_trouble, sentence.into(), now_secs);
        if self.own.len() > KEPT {
            self.own.remove(0);
        }
    }

    /// All there are, the newest first.
    pub fn all<'a>(&'a self, model: &'a Model) -> Vec<&'a Notice> {
        let mut all: Vec<&Notice> = model.notices.iter().chain(&self.own).collect();
        all.sort_by(|a, b| b.at_secs.total_cmp(&a.at_secs));
        all
    }

    /// How many troubles were not read yet.
    pub fn unread(&self, model: &Model) -> usize {
        self.all(model)
            .into_iter()
            .filter(|notice| notice.is_trouble && !self.is_read(notice))
            .count()
    }

    fn is_read(&self, notice: &Notice) -> bool {
        self.read
            .iter()
            .any(|(at, sentence)| *at == notice.at_secs.to_bits() && *sentence == notice.sentence)
    }

    fn mark_read(&mut self, notice: &Notice) {
        if !self.is_read(notice) {
            self.read.push((notice.at_secs.to_bits(), notice.sentence.clone()));
        }
    }

    /// What is shown now, the newest first, and how clearly, 0 to 1.
    fn shown(&self, model: &Model, now_secs: f64) -> Vec<(Notice, f32)> {
        let clear = |notice: &Notice| {
            let secs = if notice.is_trouble { TROUBLE_SECS } else { SHOWN_SECS };
            ((notice.at_secs + secs - now_secs) / FADING_SECS).clamp(0.0, 1.0) as f32
        };
        let all = self.all(model).into_iter().filter(|notice| !self.is_read(notice));
        let all = all.map(|notice| (notice.clone(), clear(notice)));
        all.filter(|&(_, clear)| clear > 0.0).take(MOST).collect()
    }

    /// Shows what is new, at the window's lower right.
    pub fn toasts_ui(&mut self, ctx: &Context, theme: &Theme, model: &Model) {
        let now_secs = ctx.input(|input| input.time);
        let shown = self.shown(model, now_secs);
        if shown.is_empty() {
            return;
        }
        let area = Area::new(Id::new("notices"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -40.0))
            .interactable(true);
        let read = area.show(ctx, |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 8.0;
            let mut read = Vec::new();
            for (notice, clear) in shown.iter().rev() {
                ui.scope(|ui| {
                    ui.multiply_opacity(*clear);
                    if toast(ui, theme, notice) {
                        read.push(notice.clone());
                    }
                });
            }
            read
        });
        read.inner.iter().for_each(|notice| self.mark_read(notice));
        ctx.request_repaint_after(std::time::Duration::from_millis(50));
    }

    /// The list of all, for a panel.
    pub fn list_ui(&mut self, ui: &mut Ui, theme: &Theme, model: &Model) {
        let now_secs = ui.input(|input| input.time);
        let all: Vec<Notice> = self.all(model).into_iter().cloned().collect();
        if all.is_empty() {
            faint(ui, theme, "No notices.");
        }
        ScrollArea::vertical()
            .auto_shrink([false, true])
            .max_height(420.0)
            .min_scrolled_height(300.0)
            .show(ui, |ui| {
                for notice in &all {
                    ui.horizontal_top(|ui| {
                        let (mark, ink) = mark(theme, notice);
                        ui.label(RichText::new(mark).color(ink));
                        ui.vertical(|ui| {
                            ui.label(notice.text());
                            let age = age(now_secs - notice.at_secs);
                            ui.label(RichText::new(age).size(11.0).color(theme.faint));
                        });
                    });
                    ui.add_space(4.0);
                    self.mark_read(notice);
                }
            });
    }
}

/// One notice; whether its cross was pressed.
fn toast(ui: &mut Ui, theme: &Theme, notice: &Notice) -> bool {
    let (mark, ink) = mark(theme, notice);
    let frame = floating(theme).stroke(Stroke::new(1.0, ink)).corner_radius(CornerRadius::same(8));
    let inner = frame.show(ui, |ui| {
        ui.set_width(WIDTH - 26.0);
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(mark).color(ink));
            let width = ui.available_width() - 30.0;
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.label(notice.text());
            });
            sign(ui, "✖", theme.faint, "Read").clicked()
        })
    });
    inner.inner.inner
}

fn mark(theme: &Theme, notice: &Notice) -> (&'static str, eframe::egui::Color32) {
    if notice.is_trouble { ("⚠", theme.trouble) } else { ("ℹ", theme.moved) }
}

/// `just now`, `5 min ago`.
fn age(secs: f64) -> String {
    match secs {
        secs if secs < 60.0 => "just now".to_owned(),
        secs if secs < 3600.0 => format!("{:.0} min ago", (secs / 60.0).floor()),
        secs => format!("{:.0} h ago", (secs / 3600.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    fn model() -> Model {
        let notice = |is_trouble, sentence: &str, at_secs| Notice {
            is_trouble,
            sentence: sentence.to_owned(),
            at_secs,
            times: 1,
        };
        Model {
            notices: vec![
                notice(true, "Reverb crashed and was replaced.", 1.0),
                notice(false, "The patch was recovered.", 2.0),
            ],
            ..Model::default()
        }
    }

    #[test]
    fn good_news_fade_soon_and_trouble_later_but_it_stays_unread() {
        let (notices, model) = (Notices::default(), model());
        let at =
            |now| notices.shown(&model, now).into_iter().map(|(n, clear)| (n.is_trouble, clear));
        assert_eq!(at(3.0).collect::<Vec<_>>(), [(false, 1.0), (true, 1.0)]);
        let fading: Vec<_> = at(7.7).collect();
        assert!(fading[0].1 > 0.4 && fading[0].1 < 0.6, "{fading:?}");
        assert_eq!(at(19.0).collect::<Vec<_>>(), [(true, 1.0)]);
        assert_eq!(at(99.0).collect::<Vec<_>>(), []);
        assert_eq!(notices.unread(&model), 1);
    }

    #[test]
    fn what_the_window_says_stands_in_line_with_the_host() {
        let (mut notices, model) = (Notices::default(), model());
        notices.say("A new patch.", false, 1.5);
        let sentences: Vec<&str> =
            notices.all(&model).iter().map(|notice| notice.sentence.as_str()).collect();
        assert_eq!(sentences[1], "A new patch.");
        assert_eq!(notices.unread(&model), 1);
    }

    #[test]
    fn what_is_said_again_and_again_is_said_once_and_counted() {
        let (mut notices, mut model) = (Notices::default(), model());
        for at_secs in [3.0, 4.0, 5.0] {
            notices.say("The disk is full.", false, at_secs);
            let sentence = "Reverb crashed and was replaced.".to_owned();
            Notice::add(&mut model.notices, true, sentence, at_secs);
        }
        let texts: Vec<String> =
            notices.all(&model).into_iter().take(2).map(Notice::text).collect();
        let again = ["Reverb crashed and was replaced. (4 times)", "The disk is full. (3 times)"];
        assert_eq!(texts, again);
        assert_eq!(notices.all(&model).len(), 3);
    }

    #[test]
    fn a_trouble_is_gone_once_it_was_read() {
        let app = |ui: &mut Ui, (notices, model): &mut (Notices, Model)| {
            notices.toasts_ui(ui.ctx(), &Theme::of(Look::Dark), model);
        };
        let mut trouble = model();
        trouble.notices.truncate(1);
        let builder = Harness::builder().with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, (Notices::default(), trouble));
        harness.run_steps(3);
        harness.get_by_label("Read").click();
        harness.run_steps(3);
        assert!(harness.query_by_label_contains("Reverb crashed").is_none());
        let (notices, model) = harness.state();
        assert_eq!(notices.unread(model), 0);
    }
}
