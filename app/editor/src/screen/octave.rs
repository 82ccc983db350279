//! One octave of keys: the notes of a scale, those of one's own, and the one that sounds.

use eframe::egui::{Align2, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};
use sostenuto_dsp::scale::{KEY_NAMES, SCALE_NAMES, notes, turned};
use sostenuto_modules::param::Param;

use super::ScreenSpot;
use crate::held::Held;
use crate::model::Asks;
use crate::param::{ParamSpot, WidgetKind, reachable_ui, ring};
use crate::pen::Pen;
use crate::theme::{Look, Theme};

const NOTES: usize = 12;

/// The switches of one's own scale, from the root up.
pub const PARAMS: [&str; NOTES] = [
    "note-c",
    "note-c-sharp",
    "note-d",
    "note-d-sharp",
    "note-e",
    "note-f",
    "note-f-sharp",
    "note-g",
    "note-g-sharp",
    "note-a",
    "note-a-sharp",
    "note-b",
];

/// The scale that the switches make; after it comes a tuning's, which has no keys.
const OWN: usize = SCALE_NAMES.len();
/// Where keys stand, in white keys from the left; those of half are black.
const ACROSS: [f32; NOTES] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0];
const WHITE: usize = 7;

/// The scale as the hand has just made it: its notes above the root.
#[derive(Clone, Copy, Debug)]
struct Chosen(u32);

/// The keys. A key that is touched makes the scale one's own, with what it had before.
pub fn octave_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let id = ui.id().with(("octave", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click());
    let field = spot.rect.shrink(4.0 * spot.zoom);
    let root = spot.param("root") as usize % NOTES;
    let mut held: Option<Held<Chosen>> = Held::load(ui, id);
    let clicked = response.interact_pointer_pos().filter(|_| response.clicked());
    if let Some(key) = clicked.and_then(|place| key_at(field, place)) {
        let before = held.as_ref().map_or_else(|| chosen(spot), |held| held.now.0);
        let note = (key + NOTES - root) % NOTES;
        let mut down = Held::begin(ui, asks, Chosen(before ^ 1 << note));
        down.lift(ui);
        choose(spot, down.now.0, down.gesture, asks);
        held = Some(down);
    }
    let of_root = held.as_ref().map_or_else(|| chosen(spot), |held| held.now.0);
    if let Some(held) = held {
        held.keep(ui, id);
    }
    let spots: Vec<ParamSpot> = (0..NOTES).map(|note| key_spot(spot, field, note, root)).collect();
    for key in &spots {
        reachable_ui(ui, key, asks);
    }
    if ui.is_rect_visible(spot.rect) {
        draw(&Pen::within(ui, spot.zoom, spot.rect), theme, spot, field, turned(of_root, root));
        spots.iter().for_each(|key| ring(ui, theme, key));
    }
}

/// The scale, and the note that sounds.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    let root = spot.param("root") as usize % NOTES;
    draw(pen, theme, spot, spot.rect.shrink(4.0 * spot.zoom), turned(chosen(spot), root));
}

/// The notes above the root that the scale has.
fn chosen(spot: &ScreenSpot) -> u32 {
    match spot.param("scale") as usize {
        scale if scale < OWN => notes(scale, 0),
        scale if scale > OWN => 0,
        _ => (0..NOTES)
            .filter(|&note| spot.param(PARAMS[note]) != 0.0)
            .fold(0, |all, note| all | 1 << note),
    }
}

/// Asks for one's own scale of these notes, in one step.
fn choose(spot: &ScreenSpot, notes: u32, gesture: i32, asks: &mut Asks) {
    for (note, name) in PARAMS.iter().enumerate() {
        let is_on = (notes >> note & 1) as f32;
        if spot.param(name) != is_on {
            asks.set_param(spot.module, name, is_on, gesture);
        }
    }
    if spot.param("scale") as usize != OWN {
        asks.set_param(spot.module, "scale", OWN as f32, gesture);
    }
}

fn is_black(key: usize) -> bool {
    ACROSS[key].fract() != 0.0
}

fn key_rect(field: Rect, key: usize) -> Rect {
    let width = field.width() / WHITE as f32;
    let left = field.left() + ACROSS[key] * width;
    match is_black(key) {
        // Over the crack between two white keys.
        true => {
            let size = vec2(0.66 * width, 0.6 * field.height());
            Rect::from_min_size(pos2(left + width / 2.0 - size.x / 2.0, field.top()), size)
        }
        false => Rect::from_min_size(pos2(left, field.top()), vec2(width, field.height())),
    }
}

/// The key under a place: black ones lie on top.
fn key_at(field: Rect, place: Pos2) -> Option<usize> {
    let hit = |&key: &usize| key_rect(field, key).contains(place);
    let mut keys = (0..NOTES).filter(hit);
    let first = keys.next()?;
    Some(keys.find(|&key| is_black(key)).filter(|_| !is_black(first)).unwrap_or(first))
}

/// A key for the keys and for screen readers.
fn key_spot<'a>(spot: &ScreenSpot<'a>, field: Rect, note: usize, root: usize) -> ParamSpot<'a> {
    let about = spot.about;
    let index = about.param(PARAMS[note]).expect("a module with this screen has these params");
    let param: &'static Param = &about.params[index];
    ParamSpot {
        rect: key_rect(field, (note + root) % NOTES),
        zoom: spot.zoom,
        module: spot.module,
        param,
        value: spot.param(param.name),
        moved: None,
        label: "",
        title: None,
        meter_volts: None,
        kind: WidgetKind::Switch,
    }
}

fn draw(pen: &Pen, theme: &Theme, spot: &ScreenSpot, field: Rect, notes: u32) {
    pen.well(spot.rect, theme.well, theme.edge);
    let sounding = spot.display.first().filter(|note| note.is_finite());
    let sounding = sounding.map(|note| (note.round() as i32).rem_euclid(NOTES as i32) as usize);
    let (white, black): (Vec<usize>, Vec<usize>) = (0..NOTES).partition(|&key| !is_black(key));
    for key in white.into_iter().chain(black) {
        let rect = key_rect(field, key).shrink(pen.scaled(1.0));
        let is_on = notes >> key & 1 == 1;
        let ground = match (is_black(key), theme.look) {
            (true, Look::Light) => theme.faint,
            (true, _) => theme.well,
            (false, Look::Light) => theme.face,
            (false, _) => theme.knob,
        };
        pen.fill(rect, 2.5, if is_on { theme.accent } else { ground });
        pen.edge(rect, 2.5, 1.0, if is_on { theme.well } else { theme.edge });
        if sounding == Some(key) {
            let at = pos2(rect.center().x, rect.bottom() - pen.scaled(9.0));
            pen.disc(at, 4.5, theme.text, Stroke::new(pen.scaled(1.5), theme.well));
        }
        if !is_black(key) {
            let ink = if is_on { theme.face } else { theme.faint };
            let at = pos2(rect.center().x, rect.bottom() - pen.scaled(18.0));
            pen.text(at, Align2::CENTER_BOTTOM, 9.5, ink, KEY_NAMES[key]);
        }
    }
}
