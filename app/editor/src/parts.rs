//! Small things that every panel is put together from, so that all look alike.

use std::path::Path;

use eframe::egui::{
    Align2, Button, Color32, Context, CornerRadius, FontId, Frame, Margin, Response, RichText,
    Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, WidgetType, vec2,
};

use super::theme::Theme;

/// What the window's menus take at its top, in points.
pub const MENUS_HEIGHT: f32 = 44.0;
/// Between a panel's edge and what is in it.
pub const MARGIN: i8 = 12;
const BUTTON_HEIGHT: f32 = 28.0;

/// The ground of a panel that floats above the canvas.
pub fn floating(theme: &Theme) -> Frame {
    Frame::new()
        .fill(theme.face)
        .stroke(Stroke::new(1.0, theme.edge))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::same(MARGIN))
        .shadow(eframe::egui::Shadow {
            offset: [0, 6],
            blur: 24,
            spread: 0,
            color: Color32::from_black_alpha(96),
        })
}

/// Where one types what is looked for. It takes the keys while it `is_fresh`.
pub fn search_field(
    ui: &mut Ui,
    typed: &mut String,
    hint: &str,
    name: &str,
    is_fresh: bool,
) -> Response {
    let field = TextEdit::singleline(typed)
        .hint_text(hint)
        .font(FontId::proportional(16.0))
        .margin(vec2(8.0, 6.0))
        .desired_width(f32::INFINITY)
        .show(ui);
    let field = field.response.response;
    field.widget_info(|| {
        let mut info = WidgetInfo::labeled(WidgetType::TextEdit, true, name);
        info.current_text_value = Some(typed.clone());
        info
    });
    if is_fresh {
        field.request_focus();
    }
    field
}

/// A sunken part of a panel.
pub fn well(theme: &Theme) -> Frame {
    let edge = if theme.well == theme.face { theme.edge } else { theme.well };
    Frame::new()
        .fill(theme.well)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CornerRadius::same(6))
        .inner_margin(Margin::same(8))
}

/// The name of a part of a panel.
pub fn caption(ui: &mut Ui, theme: &Theme, text: &str) -> Response {
    ui.label(RichText::new(text).size(11.5).strong().color(theme.faint))
}

/// Words that matter less.
pub fn faint(ui: &mut Ui, theme: &Theme, text: impl Into<String>) -> Response {
    ui.label(RichText::new(text).color(theme.faint))
}

/// A word that can be on or off.
pub fn chip(ui: &mut Ui, theme: &Theme, text: &str, is_on: bool) -> Response {
    let ink = if is_on { theme.canvas } else { theme.text };
    let fill = if is_on { theme.accent } else { theme.well };
    let edge = if is_on { theme.accent } else { theme.edge };
    let button = Button::new(RichText::new(text).size(12.0).color(ink))
        .fill(fill)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(CornerRadius::same(10))
        .min_size(vec2(0.0, 24.0));
    let response = ui.add(button);
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, is_on, text));
    response
}

/// Buttons, words and fields beside each other, on one line.
pub fn row<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let inner = ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = BUTTON_HEIGHT;
        ui.set_min_height(BUTTON_HEIGHT);
        content(ui)
    });
    inner.inner
}

/// The button of a panel that one would press without thinking.
pub fn main_button(ui: &mut Ui, theme: &Theme, text: &str) -> Response {
    let button = Button::new(RichText::new(text).strong().color(theme.canvas))
        .fill(theme.accent)
        .stroke(Stroke::new(1.0, theme.accent))
        .corner_radius(CornerRadius::same(6))
        .min_size(vec2(0.0, BUTTON_HEIGHT));
    ui.add(button)
}

/// Any other button.
pub fn button(ui: &mut Ui, text: &str) -> Response {
    ui.add(
        Button::new(text).corner_radius(CornerRadius::same(6)).min_size(vec2(0.0, BUTTON_HEIGHT)),
    )
}

/// A button that is only a sign, with words for those who cannot see it.
pub fn sign(ui: &mut Ui, text: &str, ink: Color32, words: &str) -> Response {
    let button = Button::new(RichText::new(text).color(ink)).frame(false);
    let response = ui.add(button.min_size(Vec2::splat(24.0)));
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, words));
    response.on_hover_text(words)
}

/// How much of a whole is used: calm, then warm, then alarming.
pub fn bar(ui: &mut Ui, theme: &Theme, share: f32, size: Vec2, words: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let shown = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let ink = match share {
        share if share >= 0.9 => theme.trouble,
        share if share >= 0.7 => theme.accent,
        _ => theme.good,
    };
    let corner = CornerRadius::same(3);
    let painter = ui.painter();
    painter.rect(rect, corner, theme.well, Stroke::new(1.0, theme.edge), StrokeKind::Inside);
    let mut full = rect.shrink(1.5);
    full.set_width(full.width() * shown);
    painter.rect_filled(full, corner, ink.gamma_multiply(0.75));
    let font = FontId::proportional(11.0);
    let percent = format!("{:.0} %", share * 100.0);
    painter.text(rect.center(), Align2::CENTER_CENTER, percent, font, theme.text);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(WidgetType::ProgressIndicator, true, words);
        info.value = Some(f64::from(share));
        info
    });
    response
}

/// `3.2 ms`, `1.5 s`, `2 min 5 s`: as short as it can be said.
pub fn duration(secs: f32) -> String {
    match secs {
        secs if secs < 0.0995 => format!("{:.1} ms", secs * 1000.0),
        secs if secs < 1.0 => format!("{:.0} ms", secs * 1000.0),
        secs if secs < 60.0 => format!("{secs:.1} s"),
        secs => format!("{:.0} min {:.0} s", (secs / 60.0).floor(), (secs % 60.0).floor()),
    }
}

/// `1:05`, `1:02:05`: as a recorder counts.
pub fn clock_time(secs: f32) -> String {
    let secs = secs.max(0.0) as u64;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    match hours {
        0 => format!("{minutes}:{secs:02}"),
        _ => format!("{hours}:{minutes:02}:{secs:02}"),
    }
}

/// Whether a key goes to a text field rather than to the window.
pub fn is_typing(ctx: &Context) -> bool {
    ctx.text_edit_focused()
}

/// What a file is called, without its folder and ending.
pub fn file_title(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The colours that a comment or a group can have, in a row. Returns the one that was
/// picked.
pub fn palette(ui: &mut Ui, theme: &Theme) -> Option<u8> {
    let mut picked = None;
    ui.horizontal(|ui| {
        for (index, colour) in theme.cables.iter().enumerate() {
            let (place, pick) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::click());
            ui.painter().rect_filled(place.shrink(2.0), 3.0, *colour);
            pick.widget_info(|| {
                WidgetInfo::labeled(WidgetType::Button, true, format!("Colour {}", index + 1))
            });
            if pick.clicked() {
                picked = Some(index as u8);
            }
        }
    });
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_shortly() {
        assert_eq!(duration(0.0032), "3.2 ms");
        assert_eq!(duration(0.25), "250 ms");
        assert_eq!(duration(1.5), "1.5 s");
        assert_eq!(duration(125.9), "2 min 5 s");
        assert_eq!(clock_time(65.9), "1:05");
        assert_eq!(clock_time(3725.0), "1:02:05");
    }
}
