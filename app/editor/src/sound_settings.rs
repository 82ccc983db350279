//! Through what the host plays, how quickly, and why nothing is heard.

use eframe::egui::{ComboBox, RichText, Ui, WidgetInfo, WidgetType};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::device::{Card, QueryDevices};
use sostenuto_osc::message::sound::{Query, SoundChange, SoundSetup};

use super::model::{Asks, Model};
use super::parts::{button, caption, chip, duration, faint, row, well};
use super::preferences::Preferences;
use super::theme::Theme;

const RATES_HZ: [u32; 6] = [44_100, 48_000, 88_200, 96_000, 176_400, 192_000];
const BLOCKS_FRAMES: [u32; 7] = [32, 64, 128, 256, 512, 1024, 2048];
const AHEAD: [u32; 6] = [1, 2, 3, 4, 6, 8];

/// Frames in a block and blocks ahead that go well together, and who wants them.
const RESPONSES: [(&str, [u32; 2], &str); 3] = [
    ("Safe", [256, 2], "For large patches, and machines that do other work meanwhile"),
    ("Balanced", [128, 1], "For playing by hand; what Sostenuto begins with"),
    ("Live", [64, 1], "As soon as can be: for small patches on a quiet machine"),
];

/// What is usual from a key to its sound, in seconds: a key comes within a block, the
/// next one is computed, and goes out after those ahead.
fn usual_latency_secs([block_frames, ahead]: [u32; 2], sample_rate_hz: u32) -> f32 {
    (1.5 + ahead as f32) * block_frames as f32 / sample_rate_hz.max(1) as f32
}

/// The panel. It looks for sound cards once when it is opened.
#[derive(Debug, Default)]
pub struct SoundSettings {
    has_looked: bool,
}

impl SoundSettings {
    /// It will look for sound cards again.
    pub fn opened(&mut self) {
        self.has_looked = false;
    }

    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        preferences: &mut Preferences,
        asks: &mut Asks,
    ) {
        ui.set_width(400.0);
        if !std::mem::replace(&mut self.has_looked, true) {
            asks.requests
                .extend([Request::QuerySound(Query {}), Request::QueryDevices(QueryDevices {})]);
        }
        let sound = &model.sound;
        if let Some(error) = &sound.error {
            well(theme).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.label(RichText::new(error).color(theme.trouble));
            });
            ui.add_space(6.0);
        }
        let mut wanted = sound.clone();
        self.device_ui(ui, theme, model, &mut wanted, asks);
        ui.add_space(8.0);
        response_ui(ui, theme, &mut wanted);
        latency(ui, theme, sound);
        ui.add_space(8.0);
        numbers(ui, theme, &mut wanted);
        ui.add_space(8.0);
        let mut heard = model.input.input.clone();
        input_ui(ui, theme, model, &mut heard);
        if heard != model.input.input {
            preferences.input = Some(heard.clone());
            let change = SoundChange { input: Some(heard), ..SoundChange::default() };
            asks.requests.push(Request::SetSound(change));
        }
        if let Some(change) = change(sound, &wanted) {
            preferences.sound =
                Some((wanted.device, wanted.sample_rate_hz, wanted.block_frames, wanted.ahead));
            asks.requests.push(Request::SetSound(change));
        }
    }

    fn device_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        model: &Model,
        wanted: &mut SoundSetup,
        asks: &mut Asks,
    ) {
        caption(ui, theme, "Card");
        row(ui, |ui| {
            choice_ui(ui, "Sound card", &model.cards, &mut wanted.device, "silent");
            if button(ui, "Search again").clicked() {
                asks.requests.push(Request::QueryDevices(QueryDevices {}));
            }
        });
    }
}

/// What the patch hears, and how that goes.
fn input_ui(ui: &mut Ui, theme: &Theme, model: &Model, wanted: &mut String) {
    caption(ui, theme, "Microphone or line input for Audio In");
    choice_ui(ui, "Sound input", &model.inputs, wanted, "none");
    let input = &model.input;
    match &input.error {
        Some(error) => drop(ui.label(RichText::new(error).color(theme.trouble))),
        None if input.card.is_empty() => {
            drop(faint(ui, theme, "Closed: this patch has no Audio In."))
        }
        None => {
            let words = format!("Heard: {}, after {}", input.card, duration(input.latency_secs));
            faint(ui, theme, words);
        }
    }
}

/// A list of cards, between the system's choice and none. `none` is what that is
/// called.
fn choice_ui(ui: &mut Ui, label: &str, cards: &[Card], wanted: &mut String, none: &str) {
    let combo = ComboBox::new(label, "");
    let shown = combo.selected_text(device_name(cards, wanted)).width(290.0);
    let shown = shown.show_ui(ui, |ui| {
        ui.selectable_value(wanted, "default".to_owned(), SYSTEM);
        for card in cards {
            ui.selectable_value(wanted, card.id.clone(), &card.name);
        }
        ui.selectable_value(wanted, none.to_owned(), none_name(none));
    });
    shown.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(WidgetType::ComboBox, true, label);
        info.current_text_value = Some(device_name(cards, wanted));
        info
    });
}

const SYSTEM: &str = "Follow the system";

fn none_name(id: &str) -> &'static str {
    if id == "silent" { "No output (silent)" } else { "No input" }
}

fn device_name(cards: &[Card], id: &str) -> String {
    let card = cards.iter().find(|card| card.id == id);
    match (id, card) {
        (_, Some(card)) => card.name.clone(),
        ("default" | "", None) => {
            let system = cards.iter().find(|card| card.is_default);
            let system = system.map(|card| format!(" ({})", card.name));
            format!("{SYSTEM}{}", system.unwrap_or_default())
        }
        ("silent" | "none", None) => none_name(id).to_owned(),
        (id, None) => id.to_owned(),
    }
}

/// How soon a key is heard, in one word.
fn response_ui(ui: &mut Ui, theme: &Theme, wanted: &mut SoundSetup) {
    caption(ui, theme, "Response");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (name, numbers, help) in RESPONSES {
            let usual = duration(usual_latency_secs(numbers, wanted.sample_rate_hz));
            let is_chosen = [wanted.block_frames, wanted.ahead] == numbers;
            let chip = chip(ui, theme, name, is_chosen);
            if chip.on_hover_text(format!("{help}: {usual} from a key to its sound")).clicked() {
                [wanted.block_frames, wanted.ahead] = numbers;
            }
        }
    });
    ui.add_space(4.0);
}

fn numbers(ui: &mut Ui, theme: &Theme, wanted: &mut SoundSetup) {
    let kilo = |hz: u32| format!("{} kHz", f64::from(hz) / 1000.0);
    chips(ui, theme, "Sample rate", &RATES_HZ, &mut wanted.sample_rate_hz, kilo);
    let frames = |frames: u32| frames.to_string();
    chips(ui, theme, "Block, in frames", &BLOCKS_FRAMES, &mut wanted.block_frames, frames);
    chips(ui, theme, "Blocks computed ahead", &AHEAD, &mut wanted.ahead, |ahead| ahead.to_string());
    faint(ui, theme, "More of either is safer on a busy machine. Fewer gives less latency.");
}

fn chips(
    ui: &mut Ui,
    theme: &Theme,
    title: &str,
    all: &[u32],
    value: &mut u32,
    show: impl Fn(u32) -> String,
) {
    caption(ui, theme, title);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for &one in all {
            if chip(ui, theme, &show(one), *value == one).clicked() {
                *value = one;
            }
        }
        // What was asked for on the command line need not be one of these.
        if !all.contains(value) && *value > 0 {
            chip(ui, theme, &show(*value), true);
        }
    });
    ui.add_space(4.0);
}

fn latency(ui: &mut Ui, theme: &Theme, sound: &SoundSetup) {
    ui.horizontal(|ui| {
        faint(ui, theme, "From a key to its sound:");
        ui.label(RichText::new(duration(sound.latency_secs)).size(17.0).strong());
    });
}

/// What to ask for; only what is not so already.
fn change(is: &SoundSetup, wanted: &SoundSetup) -> Option<SoundChange> {
    let change = SoundChange {
        device: (wanted.device != is.device).then(|| wanted.device.clone()),
        sample_rate_hz: (wanted.sample_rate_hz != is.sample_rate_hz)
            .then_some(wanted.sample_rate_hz),
        block_frames: (wanted.block_frames != is.block_frames).then_some(wanted.block_frames),
        ahead: (wanted.ahead != is.ahead).then_some(wanted.ahead),
        input: None,
    };
    (change != SoundChange::default()).then_some(change)
}

#[cfg(test)]
mod tests {
    use eframe::egui::vec2;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::message::sound::InputSetup;

    type Stage = (SoundSettings, Model, Preferences, Asks);

    fn stage() -> Harness<'static, Stage> {
        let sound = SoundSetup {
            device: "default".to_owned(),
            sample_rate_hz: 48_000,
            block_frames: 256,
            ahead: 3,
            latency_secs: 0.0213,
            error: None,
        };
        let card = Card { id: "hw:1".to_owned(), name: "Big card".to_owned(), is_default: false };
        let model = Model { sound, cards: vec![card], ..Model::default() };
        let app = |ui: &mut Ui, (settings, model, preferences, asks): &mut Stage| {
            settings.ui(ui, &Theme::of(Look::Dark), model, preferences, asks);
        };
        let stage = (SoundSettings::default(), model, Preferences::default(), Asks::default());
        let builder = Harness::builder().with_size(vec2(500.0, 500.0)).with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, stage);
        harness.run_steps(3);
        let asked = std::mem::take(&mut harness.state_mut().3.requests);
        assert_eq!(
            asked,
            [Request::QuerySound(Query {}), Request::QueryDevices(QueryDevices {})],
            "asked once, when opened"
        );
        harness
    }

    #[test]
    fn only_what_was_changed_is_asked_for_and_all_is_remembered() {
        let mut harness = stage();
        harness.get_by_label("64").click();
        harness.run_steps(2);
        let (_, _, preferences, asks) = harness.state();
        let change = SoundChange { block_frames: Some(64), ..SoundChange::default() };
        assert_eq!(asks.requests, [Request::SetSound(change)]);
        assert_eq!(preferences.sound, Some(("default".to_owned(), 48_000, 64, 3)));
    }

    #[test]
    fn a_response_is_a_block_and_blocks_ahead() {
        let mut harness = stage();
        harness.get_by_label("Balanced").click();
        harness.run_steps(2);
        let change =
            SoundChange { block_frames: Some(128), ahead: Some(1), ..SoundChange::default() };
        assert_eq!(harness.state().3.requests, [Request::SetSound(change)]);
        for (name, numbers, _) in RESPONSES {
            let [safe, live] = [20e-3, 3e-3];
            let usual = usual_latency_secs(numbers, 48_000);
            assert!((live..safe).contains(&usual), "{name}: {usual} s");
        }
    }

    #[test]
    fn a_card_is_chosen_by_its_name() {
        let mut harness = stage();
        harness.get_by_label("Sound card").click();
        harness.run_steps(3);
        harness.get_by_label("Big card").click();
        harness.run_steps(3);
        let change = SoundChange { device: Some("hw:1".to_owned()), ..SoundChange::default() };
        assert_eq!(harness.state().3.requests, [Request::SetSound(change)]);
    }

    #[test]
    fn silence_and_latency_are_said() {
        let mut harness = stage();
        harness.get_by_label("21.3 ms");
        harness.state_mut().1.sound.error = Some("No sound card answered.".to_owned());
        harness.run_steps(2);
        harness.get_by_label("No sound card answered.");
    }

    #[test]
    fn an_input_is_chosen_and_why_it_is_not_heard_is_said() {
        let mut harness = stage();
        harness.get_by_label("Closed: this patch has no Audio In.");
        let error = Some("The microphone is away.".to_owned());
        let (_, model, ..) = harness.state_mut();
        model.input = InputSetup { input: "default".to_owned(), error, ..InputSetup::default() };
        model.inputs =
            vec![Card { id: "hw:2".to_owned(), name: "Desk".to_owned(), is_default: true }];
        harness.run_steps(2);
        harness.get_by_label("The microphone is away.");
        let combo = harness.get_by_label("Sound input");
        assert_eq!(combo.value().as_deref(), Some("Follow the system (Desk)"));
        combo.click();
        harness.run_steps(3);
        harness.get_by_label("Desk").click();
        harness.run_steps(3);
        let (.., preferences, asks) = harness.state();
        let change = SoundChange { input: Some("hw:2".to_owned()), ..SoundChange::default() };
        assert_eq!(asks.requests, [Request::SetSound(change)]);
        assert_eq!(preferences.input.as_deref(), Some("hw:2"));
    }
}
