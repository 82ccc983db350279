//! What a module's text is, on its face: a sound's name, a formula.

use std::path::Path;

use eframe::egui::{
    Align, Align2, FontId, Key, Popup, Response, ScrollArea, Sense, TextEdit, Ui, UiBuilder,
    WidgetInfo, WidgetType,
};
use sostenuto_modules::clip::{Text, retuned};
use sostenuto_modules::own::file_of;
use sostenuto_patch::factory::{SOUNDS, TUNINGS};
use sostenuto_patch::sounds::FACTORY;
use sostenuto_wasm::language::is_program;

use super::ScreenSpot;
use crate::model::Asks;
use crate::parts::file_title;
use crate::pen::Pen;
use crate::theme::Theme;
use crate::tuning;

/// How high the list of tunings is at most, in points.
const LIST_HEIGHT: f32 = 340.0;

/// The strip that shows it, and where it is changed.
pub fn text_ui(ui: &mut Ui, theme: &Theme, form: Text, spot: &ScreenSpot, asks: &mut Asks) {
    match form {
        Text::Sound | Text::Wavetable => sound_ui(ui, theme, spot, asks),
        Text::Formula => line_ui(ui, theme, spot, "Formula", "a + b", asks),
        Text::Words => line_ui(ui, theme, spot, "Words", "", asks),
        Text::Code => code_ui(ui, theme, spot, asks),
        Text::Automation => {}
        Text::Notes | Text::Tuning => tuning_ui(ui, theme, form, spot, asks),
    }
}

/// What a musician calls a sound.
pub fn sound_name(text: &str) -> String {
    match text.strip_prefix(FACTORY) {
        Some(own) => file_title(Path::new(own)),
        None => file_title(Path::new(text)),
    }
}

fn sound_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let text = &*spot.params.text;
    let response = strip(ui, theme, spot, "sound", &sound_name(text));
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(180.0);
        for (sound, _) in SOUNDS {
            let whole = format!("{FACTORY}{sound}");
            if ui.selectable_label(text == whole, sound_name(&whole)).clicked() {
                asks.set_text(spot.module, &whole);
                ui.close();
            }
        }
        ui.separator();
        if ui.button("A file…").clicked() {
            asks.file_for = Some((spot.module.clone(), Text::Sound));
            ui.close();
        }
        if !text.is_empty() && ui.button("None").clicked() {
            asks.set_text(spot.module, "");
            ui.close();
        }
    });
}

fn tuning_ui(ui: &mut Ui, theme: &Theme, form: Text, spot: &ScreenSpot, asks: &mut Asks) {
    let files = form.tuning(&spot.params.text);
    let response = strip(ui, theme, spot, "tuning", &tuning::name(&files));
    let mut chosen = None;
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(240.0);
        ScrollArea::vertical().max_height(LIST_HEIGHT).show(ui, |ui| {
            for (name, text) in TUNINGS {
                let (file, description) = (format!("{FACTORY}{name}"), tuning::description(text));
                let is_chosen = files.lines().any(|own| own == file);
                let entry = ui.selectable_label(is_chosen, tuning::short(&description));
                if entry.on_hover_text(description).clicked() {
                    chosen = Some(retuned(&files, &file));
                }
            }
        });
        ui.separator();
        if ui.button("A Scala file…").clicked() {
            asks.file_for = Some((spot.module.clone(), Text::Tuning));
            ui.close();
        }
        if !files.is_empty() && ui.button("None").clicked() {
            chosen = Some(String::new());
        }
        if chosen.is_some() {
            ui.close();
        }
    });
    let edit = chosen.and_then(|files| tuning::tune(spot.params, spot.module, &files));
    edit.into_iter().for_each(|edit| asks.edit(edit));
}

fn code_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let text = &*spot.params.text;
    let file = file_of(text);
    let name = file.map(|file| file_title(Path::new(file))).unwrap_or_default();
    let name = match &*name {
        "" if is_program(text) => "a program",
        "" if !text.is_empty() => "carried by the patch",
        name => name,
    };
    let response = strip(ui, theme, spot, "module of your own", name);
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(180.0);
        // Nothing is written over that a compiler has made.
        if (text.is_empty() || is_program(text)) && ui.button("Write its program…").clicked() {
            asks.program = Some(spot.module.clone());
            ui.close();
        }
        if ui.button("Open a module…").clicked() {
            asks.file_for = Some((spot.module.clone(), Text::Code));
            ui.close();
        }
        if let Some(file) = file
            && ui.button("Build it again").on_hover_text(file).clicked()
        {
            asks.build_again = Some((spot.module.clone(), file.into()));
            ui.close();
        }
        if ui.button("New module…").clicked() {
            asks.new_module = Some(spot.module.clone());
            ui.close();
        }
        if !text.is_empty() && ui.button("None").clicked() {
            asks.set_text(spot.module, "");
            ui.close();
        }
    });
}

/// A strip that says which file is chosen, if any, and opens a menu.
fn strip(ui: &Ui, theme: &Theme, spot: &ScreenSpot, what: &str, name: &str) -> Response {
    let id = ui.id().with((what, spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click());
    let words = if name.is_empty() { format!("Choose a {what}…") } else { name.to_owned() };
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Button, true, format!("{} {what}: {words}", spot.module))
    });
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.fill(spot.rect, 4.0, theme.well);
    let edge = if response.hovered() || response.has_focus() { theme.accent } else { theme.edge };
    pen.edge(spot.rect, 4.0, 1.0, edge);
    let ink = if name.is_empty() { theme.faint } else { theme.text };
    let place = spot.rect.shrink(7.0 * spot.zoom);
    pen.fitted_text(place, Align2::LEFT_CENTER, 13.0, ink, &words);
    response
}

/// A line that is typed: taken with Enter or by leaving it, left with Escape.
fn line_ui(
    ui: &mut Ui,
    theme: &Theme,
    spot: &ScreenSpot,
    label: &str,
    hint: &str,
    asks: &mut Asks,
) {
    let id = ui.id().with(("text", spot.module.as_str()));
    let text = &*spot.params.text;
    let kept: Option<String> = ui.data(|data| data.get_temp(id));
    let mut typed = kept.unwrap_or_else(|| text.to_owned());
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.fill(spot.rect, 4.0, theme.well);
    let mut line_ui = ui.new_child(UiBuilder::new().max_rect(spot.rect));
    line_ui.set_clip_rect(spot.rect.intersect(ui.clip_rect()));
    let field = TextEdit::singleline(&mut typed)
        .id(id)
        .font(FontId::monospace(13.0 * spot.zoom))
        .hint_text(hint)
        .frame(eframe::egui::Frame::NONE.inner_margin(6.0 * spot.zoom))
        .vertical_align(Align::Center)
        .desired_width(spot.rect.width());
    let response = line_ui.add_sized(spot.rect.size(), field);
    response.widget_info(|| {
        let label = format!("{} {}", spot.module, label.to_lowercase());
        let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, label);
        info.current_text_value = Some(typed.clone());
        info
    });
    let is_left = ui.input_mut(|input| input.key_pressed(Key::Escape));
    if response.lost_focus() && !is_left && typed.trim() != text {
        asks.set_text(spot.module, typed.trim());
    }
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, typed));
    } else {
        ui.data_mut(|data| data.remove_temp::<String>(id));
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Pos2, Rect, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use sostenuto_osc::message::Request;
    use sostenuto_patch::{ModuleId, Patch, PatchModule, apply};

    use super::*;
    use crate::theme::Look;

    struct Bench {
        id: ModuleId,
        patch: Patch,
        asks: Asks,
    }

    fn bench(kind: &str, text: &str) -> Harness<'static, Bench> {
        let (id, mut patch): (ModuleId, _) = ("one".parse().unwrap(), Patch::default());
        let mut module = PatchModule::new(kind, 0.0, 0.0);
        module.text = text.into();
        patch.modules.insert(id.clone(), module);
        let bench = Bench { id, patch, asks: Asks::default() };
        let builder = Harness::builder().with_size(vec2(500.0, 600.0));
        builder.build_ui_state(
            |ui, bench: &mut Bench| {
                let module = &bench.patch.modules[&bench.id];
                let about = module.about().unwrap();
                let spot = ScreenSpot {
                    rect: Rect::from_min_size(Pos2::ZERO, vec2(180.0, 28.0)),
                    zoom: 1.0,
                    module: &bench.id,
                    about,
                    params: module,
                    display: &[],
                    sample_rate_hz: 48_000.0,
                    moved: Vec::new(),
                    patch: &bench.patch,
                };
                let theme = Theme::of(Look::Dark);
                text_ui(ui, &theme, about.text.unwrap(), &spot, &mut bench.asks);
            },
            bench,
        )
    }

    /// Presses what is called so, and does what is asked for.
    fn press(harness: &mut Harness<Bench>, label: &str) {
        harness.get_by_label(label).click();
        harness.run_steps(4);
        let Bench { patch, asks, .. } = harness.state_mut();
        for request in asks.requests.drain(..) {
            let Request::Edit(edit) = request else { panic!("{request:?}") };
            apply(patch, edit).unwrap();
        }
        harness.run_steps(2);
    }

    #[test]
    fn a_tuning_is_chosen_from_the_list_and_taken_away_again() {
        let mut harness = bench("quantizer", "/my.kbm");
        press(&mut harness, "one tuning: my");
        press(&mut harness, "Werckmeister III");
        let module = &harness.state().patch.modules["one"];
        assert_eq!(&*module.text, "factory:werckmeister-iii.scl\n/my.kbm");
        assert_eq!(module.param("scale"), Some(17.0), "from file");
        press(&mut harness, "one tuning: Werckmeister III · my");
        press(&mut harness, "None");
        assert_eq!(&*harness.state().patch.modules["one"].text, "");
        harness.get_by_label("one tuning: Choose a tuning…");
    }

    #[test]
    fn a_piano_roll_keeps_its_notes_and_a_file_is_asked_for() {
        let mut harness = bench("piano-roll", "0 1 C4");
        press(&mut harness, "one tuning: Choose a tuning…");
        press(&mut harness, "7 equal steps of the octave");
        let text = &harness.state().patch.modules["one"].text;
        assert_eq!(&**text, "tuning factory:7-edo.scl\n0 1 C4");
        press(&mut harness, "one tuning: 7 equal steps of the octave");
        press(&mut harness, "A Scala file…");
        let wanted = harness.state().asks.file_for.as_ref().map(|(id, form)| (id.as_str(), *form));
        assert_eq!(wanted, Some(("one", Text::Tuning)));
    }
}
