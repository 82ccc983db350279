//! Where a module of one's own is written in the small language: its program is checked as
//! it is typed, and heard when it is asked for.

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Context, FontId, Galley, Key, Modifiers, ScrollArea, TextEdit, Ui, WidgetInfo, WidgetType,
    Window,
};
use sostenuto_modules::clip::Text;
use sostenuto_modules::own::{OwnError, PROGRAM_LINE};
use sostenuto_patch::{ModuleId, Patch};
use sostenuto_wasm::language::{WORDS, compile};

use super::model::Asks;
use super::parts::{MENUS_HEIGHT, faint, floating, main_button};
use super::theme::Theme;

/// What a program begins with that nobody has written yet.
const FIRST: &str = "sostenuto 1
title Fold
summary Folds a wave back where it is too loud
input in Signal input
output out The folded wave
param drive log 0.5 10 2 - How loud it goes in
program
# Every line is done for each sample of each channel.
let loud = in / 5 * drive
out = 5 * sine(loud / 4)
";

const SIZE: f32 = 13.0;

/// The sheet, while it is open.
#[derive(Debug, Default)]
pub struct ProgramSheet {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    module: ModuleId,
    typed: String,
    /// What is wrong with what is typed.
    error: Option<OwnError>,
}

impl ProgramSheet {
    /// Opens it for a module, with its program or a first one.
    pub fn open(&mut self, module: ModuleId, patch: &Patch) {
        let text = patch.modules.get(&module).map(|there| there.text.to_string());
        let typed = text.filter(|text| !text.is_empty()).unwrap_or_else(|| FIRST.to_owned());
        let error = compile(&typed).err();
        self.open = Some(Open { module, typed, error });
    }

    /// Once a frame: shows it while it is open.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme, patch: &Patch, asks: &mut Asks) {
        if let Some(module) = asks.program.take() {
            self.open(module, patch);
        }
        let Some(open) = &mut self.open else { return };
        let there = patch.modules.get(&open.module);
        let Some(there) = there.filter(|there| there.text_form() == Some(Text::Code)) else {
            self.open = None;
            return;
        };
        let is_played = *there.text == *open.typed;
        let mut stays = true;
        let window = Window::new(format!("Program of {}", open.module));
        let window = window.frame(floating(theme)).open(&mut stays).default_width(520.0);
        let mut room = ctx.content_rect();
        room.min.y += MENUS_HEIGHT;
        window.constrain_to(room).collapsible(false).show(ctx, |ui| {
            let wants = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter));
            ScrollArea::vertical().max_height(420.0).show(ui, |ui| open.field_ui(ui, theme));
            ui.add_space(6.0);
            open.foot_ui(ui, theme, is_played, wants, asks);
        });
        if !stays {
            self.open = None;
        }
    }
}

impl Open {
    fn field_ui(&mut self, ui: &mut Ui, theme: &Theme) {
        let bad = self.error.as_ref().map(|error| error.line);
        let mut layouter = |ui: &Ui, text: &dyn eframe::egui::TextBuffer, _: f32| -> Arc<Galley> {
            let job = coloured(text.as_str(), theme, bad);
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let field = TextEdit::multiline(&mut self.typed)
            .code_editor()
            .font(FontId::monospace(SIZE))
            .desired_rows(16)
            .desired_width(f32::INFINITY)
            .layouter(&mut layouter);
        let response = ui.add(field);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, "Program");
            info.current_text_value = Some(self.typed.clone());
            info
        });
        if response.changed() {
            self.error = compile(&self.typed).err();
        }
    }

    /// What is wrong, and what makes it heard.
    fn foot_ui(&self, ui: &mut Ui, theme: &Theme, is_played: bool, wants: bool, asks: &mut Asks) {
        match &self.error {
            Some(error) => drop(ui.colored_label(theme.trouble, error.to_string())),
            None if is_played => drop(faint(ui, theme, "This is what you hear.")),
            None => {
                ui.horizontal(|ui| {
                    let button = main_button(ui, theme, "Play it");
                    faint(ui, theme, "Ctrl+Enter");
                    if button.clicked() || wants {
                        asks.set_text(&self.module, &self.typed);
                    }
                });
            }
        }
    }
}

/// Words of the language, numbers and comments in colours of their own, and a line that
/// means nothing in red.
fn coloured(text: &str, theme: &Theme, bad: Option<usize>) -> LayoutJob {
    let mut job = LayoutJob::default();
    let font = FontId::monospace(SIZE);
    let mut add =
        |part: &str, colour| job.append(part, 0.0, TextFormat::simple(font.clone(), colour));
    let mut is_program = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if bad == Some(index + 1) {
            add(line, theme.trouble);
            continue;
        }
        let (code, comment) = line.split_at(line.find('#').unwrap_or(line.len()));
        for (place, part) in parts(code).into_iter().enumerate() {
            let is_number = part.starts_with(|c: char| c.is_ascii_digit());
            // Facts have sentences for people behind their first word.
            let may_mean = is_program || place == 0;
            let colour = match part {
                _ if is_number => theme.moved,
                word if may_mean && WORDS.contains(&word) => theme.accent,
                _ => theme.text,
            };
            add(part, colour);
        }
        add(comment, theme.faint);
        is_program |= line == PROGRAM_LINE;
    }
    job
}

/// Words and what stands between them.
fn parts(code: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut parts = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_in = is_word(first);
        let end = rest.find(|c| is_word(c) != is_in).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = &rest[end..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use eframe::egui::vec2;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use sostenuto_osc::message::Request;
    use sostenuto_patch::{Edit, PatchModule, apply};

    use super::*;
    use crate::theme::Look;

    struct Room {
        sheet: ProgramSheet,
        patch: Patch,
        asks: Asks,
    }

    fn room() -> Harness<'static, Room> {
        let mut patch = Patch::default();
        let id: ModuleId = "own".parse().unwrap();
        let own = PatchModule::new("code", 0.0, 0.0);
        apply(&mut patch, Edit::AddModule { id: id.clone(), module: own }).unwrap();
        let mut asks = Asks::default();
        asks.program = Some(id);
        let room = Room { sheet: ProgramSheet::default(), patch, asks };
        let builder = Harness::builder().with_size(vec2(700.0, 700.0));
        builder.build_ui_state(
            |ui, room: &mut Room| {
                let theme = Theme::of(Look::Dark);
                room.sheet.ui(ui.ctx(), &theme, &room.patch, &mut room.asks);
                for request in room.asks.requests.drain(..) {
                    let Request::Edit(edit) = request else { panic!("{request:?}") };
                    apply(&mut room.patch, edit).unwrap();
                }
            },
            room,
        )
    }

    #[test]
    fn a_program_is_written_and_played() {
        let mut harness = room();
        harness.run_steps(3);
        harness.get_by_label("Play it").click();
        harness.run_steps(3);
        assert_eq!(harness.state().patch.modules["own"].about().unwrap().title, "Fold");
        harness.get_by_label("This is what you hear.");
    }

    #[test]
    fn what_means_nothing_is_told_and_not_played() {
        let mut harness = room();
        harness.run_steps(3);
        let field = harness.get_by_label("Program");
        field.focus();
        harness.run_steps(2);
        harness.get_by_label("Program").type_text("oops");
        harness.run_steps(3);
        assert!(harness.query_by_label("Play it").is_none());
        assert!(harness.query_by_label_contains("line ").is_some());
        assert_eq!(&*harness.state().patch.modules["own"].text, "");
    }

    #[test]
    fn the_first_program_plays_and_parts_are_all_of_a_line() {
        compile(FIRST).unwrap();
        assert_eq!(parts("out = a_1*2.5").concat(), "out = a_1*2.5");
        assert_eq!(parts("out = 2"), ["out", " = ", "2"]);
    }
}
