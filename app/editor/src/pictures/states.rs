//! The parts of faces in their states, for `docs/look.md`.

use eframe::egui::{Align2, Color32, Pos2, Rect, Ui, pos2, vec2};
use sostenuto_modules::catalog;
use sostenuto_patch::ModuleId;

use super::draw;
use crate::canvas::emblem;
use crate::canvas::face::{EMBLEM, TITLE_TEXT};
use crate::model::Asks;
use crate::param::{ParamSpot, WidgetKind, label, param_ui};
use crate::pen::Pen;
use crate::theme::{Look, Theme};

/// One part in one state: its module, its param, where it stands, and where a cable
/// has moved it.
struct State(&'static str, &'static str, f32, Option<f32>);

const STATES: [State; 12] = [
    State("ladder", "cutoff", 20.0, None),
    State("ladder", "cutoff", 640.0, None),
    State("ladder", "cutoff", 640.0, Some(2500.0)),
    State("delay", "time-amount", 0.5, None),
    State("delay", "time-amount", -0.5, None),
    State("equalizer", "level", -6.0, None),
    State("equalizer", "level", 6.0, Some(-12.0)),
    State("delay", "ping-pong", 0.0, None),
    State("delay", "ping-pong", 1.0, None),
    State("compressor", "detector", 0.0, None),
    State("delay", "division", 5.0, None),
    State("chord", "voices", 4.0, None),
];

/// Beside each other, on a face's ground.
fn states_ui(ui: &mut Ui, theme: &Theme) {
    let whole = ui.ctx().content_rect();
    Pen::new(ui, 1.0).fill(whole, 0.0, theme.face);
    let mut left = 14.0;
    for (index, State(kind, name, value, moved)) in STATES.iter().enumerate() {
        let about = catalog::find(kind).expect("it is in the catalogue").1.about;
        let param = &about.params[about.param(name).expect("it has this param")];
        let kind = WidgetKind::of(param);
        let module: ModuleId = format!("part-{index}").parse().expect("a name");
        let label = label(param);
        let spot = ParamSpot {
            rect: Rect::from_min_size(pos2(left, 144.0 - kind.size().y), kind.size()),
            zoom: 1.0,
            module: &module,
            param,
            value: *value,
            moved: *moved,
            label: &label,
            title: None,
            meter_volts: (kind == WidgetKind::Fader).then_some(4.0),
            kind,
        };
        param_ui(ui, theme, &spot, &mut Asks::default(), &mut |_| {});
        left += kind.size().x + 10.0;
    }
    families(ui, theme, pos2(14.0, 166.0));
}

/// A title of every family, and what its cables may look like.
fn families(ui: &Ui, theme: &Theme, corner: Pos2) {
    let pen = Pen::new(ui, 1.0);
    let kinds = ["vco", "ladder", "compressor", "lfo", "reverb", "sequencer", "keyboard", "mult"];
    for (index, kind) in kinds.into_iter().enumerate() {
        let about = catalog::find(kind).expect("it is in the catalogue").1.about;
        let at = corner + vec2(112.0 * index as f32, 0.0);
        let title = Rect::from_min_size(at, vec2(104.0, 28.0));
        pen.fill(title, 6.0, theme.category(about).gamma_multiply(0.32));
        emblem::draw(&pen, title.left_center() + vec2(14.0, 0.0), about, theme.category(about));
        let words = title.shrink2(vec2(8.0, 0.0)).with_min_x(title.left() + 8.0 + EMBLEM);
        pen.fitted_text(words, Align2::LEFT_CENTER, TITLE_TEXT, theme.text, about.title);
        let cable: Color32 = theme.cables[index];
        let [from, to] = [8.0, 96.0].map(|across| at + vec2(across, 42.0));
        pen.line(from, to, 3.0, cable);
    }
}

#[test]
fn every_part_is_drawn_whole_in_every_look() {
    for (look, name) in [
        (Look::Dark, "parts-dark.png"),
        (Look::Light, "parts-light.png"),
        (Look::HighContrast, "parts-high-contrast.png"),
    ] {
        let theme = Theme::of(look);
        let size = vec2(1000.0, 220.0);
        let words = draw(&theme, size, 2.0, Some(name), |ui| states_ui(ui, &theme));
        let is_cut = |(words, _): &&(String, f32)| words.ends_with('…');
        assert_eq!(words.iter().filter(is_cut).count(), 0, "{look:?}: {words:?}");
        assert!(words.len() >= STATES.len() + 8, "{look:?}: {words:?}");
    }
}
