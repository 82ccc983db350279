//! What a module's text is, on its face: a sound's name, a formula.

use std::path::Path;

use eframe::egui::{
    Align, Align2, FontId, Key, Popup, Sense, TextEdit, Ui, UiBuilder, WidgetInfo, WidgetType,
};
use sostenuto_modules::clip::Text;
use sostenuto_patch::factory::SOUNDS;
use sostenuto_patch::sounds::FACTORY;

use super::ScreenSpot;
use crate::model::Asks;
use crate::parts::file_title;
use crate::pen::Pen;
use crate::theme::Theme;

/// The strip that shows it, and where it is changed.
pub fn text_ui(ui: &mut Ui, theme: &Theme, form: Text, spot: &ScreenSpot, asks: &mut Asks) {
    match form {
        Text::Sound | Text::Wavetable => sound_ui(ui, theme, spot, asks),
        Text::Formula => line_ui(ui, theme, spot, "Formula", "a + b", asks),
        Text::Words => line_ui(ui, theme, spot, "Words", "", asks),
        Text::Notes => {}
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
    let id = ui.id().with(("sound", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click());
    let text = &*spot.params.text;
    let words = if text.is_empty() { "Choose a sound…".to_owned() } else { sound_name(text) };
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Button, true, format!("{} sound: {words}", spot.module))
    });
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.fill(spot.rect, 4.0, theme.well);
    let edge = if response.hovered() || response.has_focus() { theme.accent } else { theme.edge };
    pen.edge(spot.rect, 4.0, 1.0, edge);
    let ink = if text.is_empty() { theme.faint } else { theme.text };
    let place = spot.rect.shrink(7.0 * spot.zoom);
    pen.fitted_text(place, Align2::LEFT_CENTER, 13.0, ink, &words);
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
            asks.sound_for = Some(spot.module.clone());
            ui.close();
        }
        if !text.is_empty() && ui.button("None").clicked() {
            asks.set_text(spot.module, "");
            ui.close();
        }
    });
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
