//! What a right click opens: a field to type in, the words of a choice, reset.

use eframe::egui::{
    Key, Popup, PopupCloseBehavior, PopupKind, RectAlign, Response, RichText, TextEdit, Ui,
};
use sostenuto_modules::param::Taper;
use sostenuto_patch::entry;

use super::turn::ParamInput;
use super::{ParamSpot, entry_id, face};
use crate::model::Asks;
use crate::theme::Theme;

/// Opens it from somewhere else than a right click.
pub fn open(ui: &Ui, response: &Response) {
    Popup::open_id(ui.ctx(), Popup::default_response_id(response));
}

pub fn is_open(ui: &Ui, response: &Response) -> bool {
    Popup::is_id_open(ui.ctx(), Popup::default_response_id(response))
}

pub fn menu_ui(
    ui: &Ui,
    theme: &Theme,
    spot: &ParamSpot,
    response: &Response,
    hand: &mut ParamInput,
    asks: &mut Asks,
    extra: &mut dyn FnMut(&mut Ui),
) {
    if response.secondary_clicked() {
        open(ui, response);
    }
    let popup = Popup::from_response(response)
        .open_memory(None)
        .kind(PopupKind::Menu)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .align(RectAlign::BOTTOM)
        .gap(4.0);
    if !popup.is_open() {
        // The next time, it begins with the value of that time.
        return ui.data_mut(|data| data.remove::<String>(entry_id(response)));
    }
    popup.show(|ui| {
        ui.set_min_width(150.0);
        ui.set_max_width(260.0);
        match spot.param.taper {
            Taper::Choice(words) => words_ui(ui, words, hand, asks),
            _ => entry_ui(ui, theme, spot, response, hand, asks),
        }
        ui.separator();
        let default = entry::show(spot.param, spot.param.default);
        if ui.button(format!("Reset to {default}")).clicked() {
            hand.set(spot.param.default, asks);
            ui.close();
        }
        extra(ui);
    });
}

fn words_ui(ui: &mut Ui, words: &[&str], hand: &mut ParamInput, asks: &mut Asks) {
    for (index, word) in words.iter().enumerate() {
        let is_chosen = hand.value() == index as f32;
        if ui.selectable_label(is_chosen, *word).clicked() {
            hand.set(index as f32, asks);
            ui.close();
        }
    }
}

fn entry_ui(
    ui: &mut Ui,
    theme: &Theme,
    spot: &ParamSpot,
    response: &Response,
    hand: &mut ParamInput,
    asks: &mut Asks,
) {
    let id = entry_id(response);
    let typed: Option<String> = ui.data(|data| data.get_temp(id));
    let is_new = typed.is_none();
    let mut typed = typed.unwrap_or_else(|| entry::show(spot.param, hand.value()));
    let title = ui.label(RichText::new(face::title(spot.param)).strong());
    let mut output = TextEdit::singleline(&mut typed).id(id).desired_width(150.0).show(ui);
    let field = output.response.response.clone().labelled_by(title.id);
    if is_new {
        use eframe::egui::text::{CCursor, CCursorRange};
        field.request_focus();
        let all = CCursorRange::two(CCursor::new(0), CCursor::new(typed.chars().count()));
        output.state.cursor.set_char_range(Some(all));
        output.state.store(ui.ctx(), id);
    }
    let read = entry::read(&typed, spot.param, hand.value());
    match &read {
        Ok(value) => {
            let value = format!("= {}", entry::show(spot.param, *value));
            ui.label(RichText::new(value).color(theme.faint));
        }
        Err(error) => {
            ui.label(RichText::new(error.to_string()).color(theme.trouble));
        }
    }
    if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        match read {
            Ok(value) => {
                hand.set(value, asks);
                ui.close();
                response.request_focus();
            }
            Err(_) => field.request_focus(),
        }
    }
    ui.data_mut(|data| data.insert_temp(id, typed));
}
