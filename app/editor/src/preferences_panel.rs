//! What this musician likes, to be set.

use eframe::egui::{Slider, Ui};

use super::parts::{caption, chip, faint};
use super::preferences::{Preferences, Unsaved};
use super::theme::{Look, Theme};

/// Every preference that has no better place.
pub fn preferences_ui(ui: &mut Ui, theme: &Theme, preferences: &mut Preferences) {
    ui.spacing_mut().slider_width = 180.0;
    caption(ui, theme, "Colours");
    ui.horizontal(|ui| {
        if chip(ui, theme, "Follow the system", preferences.look.is_none()).clicked() {
            preferences.look = None;
        }
        for look in Look::ALL.map(Some) {
            let name = look.map_or("", Look::name);
            if chip(ui, theme, name, preferences.look == look).clicked() {
                preferences.look = look;
            }
        }
    });
    ui.add_space(8.0);
    caption(ui, theme, "Interface scale");
    let scale = Slider::new(&mut preferences.scale, 0.7..=2.0).step_by(0.05);
    let scale = ui.add(scale.custom_formatter(percent).custom_parser(from_percent));
    scale.on_hover_text("Interface scale");
    ui.add_space(8.0);
    caption(ui, theme, "Cables");
    share(ui, &mut preferences.cable_opacity, 0.1, "Opacity");
    share(ui, &mut preferences.cable_tension, 0.0, "Tension");
    ui.add_space(8.0);
    caption(ui, theme, "Hands");
    ui.checkbox(&mut preferences.wheel_turns_knobs, "The wheel turns the knob under the pointer");
    ui.checkbox(&mut preferences.keys_play, "The computer's keys play the keyboard");
    ui.add_space(8.0);
    caption(ui, theme, "When the window closes");
    ui.radio_value(&mut preferences.keeps_playing, false, "Stop the sound");
    ui.radio_value(&mut preferences.keeps_playing, true, "Keep the sound playing");
    if preferences.keeps_playing {
        faint(ui, theme, "Open Sostenuto again to return to it or to stop it.");
    } else {
        ui.add_space(4.0);
        caption(ui, theme, "Changes that are not saved then");
        let unsaved = &mut preferences.unsaved;
        ui.radio_value(unsaved, Unsaved::Ask, "Ask");
        ui.radio_value(unsaved, Unsaved::Keep, "Keep for next time");
        ui.radio_value(unsaved, Unsaved::Discard, "Discard");
    }
    ui.add_space(8.0);
    ui.separator();
    if ui.button("Reset to defaults").clicked() {
        *preferences = as_at_first(preferences);
    }
}

fn share(ui: &mut Ui, value: &mut f32, least: f32, name: &str) {
    let slider = Slider::new(value, least..=1.0).text(name);
    ui.add(slider.custom_formatter(percent).custom_parser(from_percent));
}

fn percent(share: f64, _decimals: std::ops::RangeInclusive<usize>) -> String {
    format!("{:.0} %", share * 100.0)
}

fn from_percent(text: &str) -> Option<f64> {
    let number: f64 = text.trim().trim_end_matches('%').trim().parse().ok()?;
    Some(number / 100.0)
}

/// The looks of the first day; what was collected since then stays.
fn as_at_first(preferences: &Preferences) -> Preferences {
    let first = Preferences::default();
    Preferences {
        look: first.look,
        scale: first.scale,
        cable_opacity: first.cable_opacity,
        cable_tension: first.cable_tension,
        keeps_playing: first.keeps_playing,
        unsaved: first.unsaved,
        wheel_turns_knobs: first.wheel_turns_knobs,
        keys_play: first.keys_play,
        ..preferences.clone()
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;

    #[test]
    fn a_look_is_chosen_and_all_can_be_as_at_first() {
        let app = |ui: &mut Ui, preferences: &mut Preferences| {
            preferences_ui(ui, &Theme::of(preferences.look.unwrap_or_default()), preferences);
        };
        let mut preferences = Preferences::default();
        preferences.favourites.insert("vco".to_owned());
        let mut harness = Harness::builder().build_ui_state(app, preferences);
        harness.run_steps(2);
        harness.get_by_label("Light").click();
        harness.get_by_label("Keep the sound playing").click();
        harness.run_steps(2);
        assert_eq!(harness.state().look, Some(Look::Light));
        assert!(harness.state().keeps_playing);
        harness.get_by_label("Reset to defaults").click();
        harness.run_steps(2);
        assert_eq!(harness.state().look, None);
        assert!(harness.state().favourites.contains("vco"), "what was collected stays");
    }

    #[test]
    fn shares_are_typed_in_percent() {
        assert_eq!(from_percent(" 80 %"), Some(0.8));
        assert_eq!(from_percent("much"), None);
    }
}
