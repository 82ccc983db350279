//! What a module's face shows besides knobs: pictures of signals, and fields
//! that are drawn on.

use eframe::egui::{Rect, Stroke, Ui, Vec2, vec2};
use sostenuto_modules::clip::Text;
use sostenuto_modules::module::{About, Screen};
use sostenuto_osc::message::Request;
use sostenuto_patch::{ModuleId, Patch, PatchModule};

use super::meter::Side;
use super::model::Asks;
use super::param::{ParamSpot, WidgetKind, reachable_ui, ring};
use super::pen::{Pen, at};
use super::play::piano::{self, Piano, PianoSpot};
use super::play::ribbon::{RibbonSpot, ribbon_ui};
use super::play::xy_pad::{PadSpot, xy_pad_ui};
use super::theme::Theme;

pub(crate) mod curve;
pub(crate) mod drum_grid;
pub(crate) mod lanes;
pub(crate) mod level_meter;
pub(crate) mod notes;
pub(crate) mod octave;
pub(crate) mod roll;
pub(crate) mod scene;
pub(crate) mod scope;
pub(crate) mod spectrum;
pub(crate) mod steps;
pub(crate) mod text;
pub(crate) mod tuner;

/// A screen, and what there is to show on it.
pub struct ScreenSpot<'a> {
    /// On the screen. Its natural size is [`screen_size`] times the zoom.
    pub rect: Rect,
    /// How near the face is.
    pub zoom: f32,
    /// Whose screen.
    pub module: &'a ModuleId,
    /// What the catalogue says of its kind.
    pub about: &'static About,
    /// Where its params stand.
    pub params: &'a PatchModule,
    /// The numbers that it shows; none where they are not known.
    pub display: &'a [f32],
    /// At which the host computes.
    pub sample_rate_hz: f32,
    /// The params that cables move, and to where.
    pub moved: Vec<(&'static str, f32)>,
    /// The patch that it is in.
    pub patch: &'a Patch,
}

impl ScreenSpot<'_> {
    /// Where a param stands; 0 where there is none of that name.
    pub fn param(&self, name: &str) -> f32 {
        self.params.param(name).unwrap_or(0.0)
    }

    /// A number that the module shows; 0 where it is not known.
    pub fn shown(&self, index: usize) -> f32 {
        self.display.get(index).copied().filter(|number| number.is_finite()).unwrap_or(0.0)
    }
}

/// The room that a module's screen wants at zoom 1, in points. `None` where it has none.
pub fn screen_size(about: &About) -> Option<Vec2> {
    Some(match about.screen {
        Some(Screen::Scope(_)) => vec2(320.0, 190.0),
        Some(Screen::Spectrum) => vec2(320.0, 180.0),
        Some(Screen::Tuner) => vec2(200.0, 130.0),
        Some(Screen::Levels) => vec2(120.0, 180.0),
        Some(Screen::Peaks) => vec2(84.0, 140.0),
        Some(Screen::Steps) => vec2(320.0, 230.0),
        Some(Screen::DrumGrid) => vec2(442.0, 210.0),
        Some(Screen::Notes) => vec2(280.0, 56.0),
        Some(Screen::Scene) => vec2(240.0, 76.0),
        Some(Screen::Automation) => vec2(360.0, 150.0),
        Some(Screen::XyPad) => vec2(220.0, 220.0),
        Some(Screen::Ribbon) => vec2(320.0, 60.0),
        Some(Screen::Keys) => vec2(390.0, 90.0),
        Some(Screen::Roll) => vec2(400.0, 220.0),
        Some(Screen::Octave) => vec2(216.0, 84.0),
        Some(Screen::Curve(which)) => curve::size(which),
        None => return None,
    })
}

/// The room that the field for a module's text wants. `None` where it has none.
pub fn text_size(about: &About) -> Option<Vec2> {
    if about.screen == Some(Screen::DrumGrid) {
        return None;
    }
    match about.text? {
        Text::Notes | Text::Tuning | Text::Sound | Text::Wavetable | Text::Code => {
            Some(vec2(180.0, 28.0))
        }
        Text::Formula | Text::Words => Some(vec2(240.0, 28.0)),
        Text::Automation => None,
    }
}

/// The params that a module's screen sets itself, so that no knob is needed.
pub fn covers(about: &About) -> &'static [&'static str] {
    match about.screen {
        Some(Screen::Steps) => &steps::PARAMS,
        Some(Screen::DrumGrid) => &drum_grid::PARAMS,
        Some(Screen::XyPad) => &["x", "y", "touch"],
        Some(Screen::Ribbon) => &["position", "touch"],
        Some(Screen::Octave) => &octave::PARAMS,
        _ => &[],
    }
}

/// A screen from some way off: what moves on it, and nothing to take hold of.
pub fn glance(ui: &Ui, theme: &Theme, spot: &ScreenSpot) {
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.fill(spot.rect, 4.0, theme.well);
    match spot.about.screen {
        Some(Screen::Scope(sweep)) => scope::glance(&pen, theme, spot, sweep),
        Some(Screen::Spectrum) => spectrum::glance(&pen, theme, spot),
        Some(Screen::Curve(which)) => curve::glance(&pen, theme, which, spot),
        Some(Screen::Octave) => octave::glance(&pen, theme, spot),
        Some(Screen::DrumGrid) => drum_grid::glance(&pen, theme, spot),
        Some(Screen::Notes) => notes::glance(&pen, theme, spot),
        Some(Screen::Scene) => scene::glance(&pen, theme, spot),
        Some(Screen::Automation) => lanes::glance(&pen, theme, spot),
        Some(Screen::Steps) => steps::glance(&pen, theme, spot),
        Some(Screen::XyPad) => {
            let finger = at(spot.rect, spot.param("x"), spot.param("y"));
            pen.disc(finger, 10.0, theme.accent, Stroke::NONE);
        }
        Some(Screen::Ribbon) => {
            let finger = at(spot.rect, spot.param("position"), 0.5);
            pen.disc(finger, 10.0, theme.accent, Stroke::NONE);
        }
        Some(Screen::Peaks | Screen::Levels) => {
            level_meter::glance(&pen, theme, spot, [0, 1].map(|side| spot.shown(side)));
        }
        _ => {}
    }
}

/// Draws a screen. Draw it before anything else reads the wheel.
pub fn screen_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let Some(screen) = spot.about.screen else { return };
    match screen {
        Screen::Scope(sweep) => scope::scope_ui(ui, theme, spot, sweep, asks),
        Screen::Spectrum => spectrum::spectrum_ui(ui, theme, spot),
        Screen::Tuner => tuner::tuner_ui(ui, theme, spot),
        Screen::Levels => {
            let sides = [0, 1].map(|side| Side {
                peak_volts: spot.shown(side),
                mean_volts: Some(spot.shown(2 + side)),
                is_clipped: spot.shown(4 + side) > 0.0,
            });
            level_meter::level_meter_ui(ui, theme, spot, sides);
        }
        Screen::Peaks => {
            let sides = [0, 1].map(|side| Side::of_peak(spot.shown(side)));
            level_meter::level_meter_ui(ui, theme, spot, sides);
        }
        Screen::Curve(which) => curve::curve_ui(ui, theme, which, spot, asks),
        Screen::Octave => octave::octave_ui(ui, theme, spot, asks),
        Screen::Steps => steps::steps_ui(ui, theme, spot, asks),
        Screen::DrumGrid => {
            drum_grid::drum_grid_ui(ui, theme, &drum_grid::GridSpot::of(spot), asks);
        }
        Screen::XyPad => {
            let edges = [(0.94, 0.0, 1.0, 0.06), (0.0, 0.06, 0.06, 1.0), (0.3, 0.3, 0.7, 0.7)];
            by_keys(ui, theme, spot, edges, asks, |ui, [x, y, touch], asks| {
                let is_touched = touch != 0.0;
                xy_pad_ui(ui, theme, &PadSpot { x, y, is_touched, ..pad(spot) }, asks);
            });
        }
        Screen::Ribbon => {
            let halves = [(0.0, 0.0, 1.0, 0.7), (0.0, 0.7, 1.0, 1.0)];
            by_keys(ui, theme, spot, halves, asks, |ui, [position, touch], asks| {
                let is_touched = touch != 0.0;
                ribbon_ui(ui, theme, &RibbonSpot { position, is_touched, ..ribbon(spot) }, asks);
            });
        }
        Screen::Notes => notes::notes_ui(ui, theme, spot),
        Screen::Scene => scene::scene_ui(ui, theme, spot),
        Screen::Automation => lanes::lanes_ui(ui, theme, spot, asks),
        Screen::Keys => keyboard_ui(ui, theme, spot, asks),
        Screen::Roll => roll::roll_ui(ui, theme, spot, asks),
    }
}

/// A screen that the mouse is dragged over, with its params for the keys and for
/// screen readers too. `places` are parts of the screen: left, top, right, bottom.
fn by_keys<const N: usize>(
    ui: &mut Ui,
    theme: &Theme,
    spot: &ScreenSpot,
    places: [(f32, f32, f32, f32); N],
    asks: &mut Asks,
    screen: impl FnOnce(&mut Ui, [f32; N], &mut Asks),
) {
    let within = |part: (f32, f32, f32, f32)| {
        Rect::from_min_max(
            spot.rect.lerp_inside(vec2(part.0, part.1)),
            spot.rect.lerp_inside(vec2(part.2, part.3)),
        )
    };
    let param_spot = |index: usize| {
        let name = covers(spot.about)[index];
        let param = &spot.about.params[spot.about.param(name).expect("a param of this kind")];
        ParamSpot {
            rect: within(places[index]),
            zoom: spot.zoom,
            module: spot.module,
            param,
            value: spot.param(name),
            moved: None,
            label: "",
            title: None,
            meter_volts: None,
            kind: WidgetKind::of(param),
        }
    };
    let values = std::array::from_fn(|index| reachable_ui(ui, &param_spot(index), asks));
    screen(ui, values, asks);
    (0..N).for_each(|index| ring(ui, theme, &param_spot(index)));
}

fn pad<'a>(spot: &ScreenSpot<'a>) -> PadSpot<'a> {
    PadSpot {
        rect: spot.rect,
        zoom: spot.zoom,
        module: spot.module,
        x: spot.param("x"),
        y: spot.param("y"),
        is_touched: spot.param("touch") != 0.0,
        is_bipolar: spot.param("range") != 0.0,
    }
}

fn ribbon<'a>(spot: &ScreenSpot<'a>) -> RibbonSpot<'a> {
    RibbonSpot {
        rect: spot.rect,
        zoom: spot.zoom,
        module: spot.module,
        position: spot.param("position"),
        is_touched: spot.param("touch") != 0.0,
        octave: spot.param("octave"),
        octaves: spot.param("octaves").max(1.0),
        snaps: spot.param("snap") != 0.0,
    }
}

/// The keys on a keyboard's face: for the mouse, and to see what sounds.
fn keyboard_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let id = ui.id().with(("piano on a face", spot.module.as_str()));
    let mut keys: Piano = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let sounding = piano::sounding(spot.display);
    let piano_spot = PianoSpot {
        rect: spot.rect,
        zoom: spot.zoom,
        name: spot.module.as_str(),
        sounding: &sounding,
        takes_keys: false,
    };
    for (_, event) in piano::piano_ui(ui, theme, &piano_spot, &mut keys) {
        asks.requests.push(Request::event(spot.module.clone(), event));
    }
    ui.data_mut(|data| data.insert_temp(id, keys));
}

#[cfg(test)]
mod tests;
