//! A piano: keys across, how hard by how far down a key is struck.

use eframe::egui::{
    self, Align2, Color32, Id, Pos2, Rect, Response, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_dsp::units::CHANNELS;
use sostenuto_modules::module::Event;
use sostenuto_patch::entry::note_name;

use super::hands::{C4_KEY, Finger, Hands};
use super::keys;
use super::scale::Scale;
use crate::held::hand_on;
use crate::pen::Pen;
use crate::theme::{Look, Theme};

/// How wide a white key wants to be, in points at zoom 1.
const WHITE_WIDTH: f32 = 26.0;
/// How far down the black keys reach, and how wide they are in white ones.
const BLACK_HEIGHT: f32 = 0.62;
const BLACK_WIDTH: f32 = 0.62;
/// Struck at the very top.
const SOFTEST: f32 = 0.2;

/// White keys to the left of each note, in white keys; black ones at their middle.
const LEFTS: [f32; 12] = [0.0, 0.92, 1.0, 2.08, 2.0, 3.0, 3.88, 4.0, 5.0, 5.0, 6.12, 6.0];

/// How a piano is set, and which keys are down. The window keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piano {
    /// How far the keys are shifted.
    pub octave: i32,
    /// Whether keys stay down until they are touched again.
    pub holds: bool,
    /// Which keys sound.
    pub scale: Scale,
    /// Which keys are down.
    pub hands: Hands,
}

impl Piano {
    /// Lets go of everything: when it is closed, or plays another module.
    pub fn silence(&mut self) -> Vec<(u32, Event)> {
        let mut events = Vec::new();
        self.hands.lift_all(|_| true, &mut events);
        with_keys(events)
    }
}

/// Where a piano is drawn.
pub struct PianoSpot<'a> {
    /// On the screen.
    pub rect: Rect,
    /// How near it is.
    pub zoom: f32,
    /// What it plays, by name.
    pub name: &'a str,
    /// Which keys sound; see [`sounding`].
    pub sounding: &'a [u32],
    /// Whether the computer's keys play it.
    pub takes_keys: bool,
}

/// Which keys a keyboard's voices play, from what its module shows.
pub fn sounding(display: &[f32]) -> Vec<u32> {
    let (gates, pitches) = display.split_at(CHANNELS.min(display.len()));
    let voices = gates.iter().zip(pitches).filter(|&(&gate_volts, _)| gate_volts > 1.0);
    voices.map(|(_, voct)| (C4_KEY as f32 + voct * 12.0).round().max(0.0) as u32).collect()
}

/// The keys, and what was played on them: each key and what befell it.
pub fn piano_ui(
    ui: &mut Ui,
    theme: &Theme,
    spot: &PianoSpot,
    piano: &mut Piano,
) -> Vec<(u32, Event)> {
    let id = ui.id().with(("piano", spot.name));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let row = Row::new(spot, piano.octave);
    let mut events = Vec::new();
    play_mouse(ui, &row, piano, &response, &mut events);
    play_touches(ui, &row, piano, &response, &mut events);
    if spot.takes_keys {
        let Piano { octave, holds, scale, hands } = piano;
        keys::play_keys(ui, hands, octave, *scale, *holds, &mut events);
    } else {
        piano.hands.lift_all(|finger| matches!(finger, Finger::Key(_)), &mut events);
    }
    if !piano.holds {
        piano.hands.lift_all(|finger| finger == Finger::Latch, &mut events);
    }
    describe(ui, spot, piano, &response);
    if ui.is_rect_visible(spot.rect) {
        draw(ui, theme, spot, piano, &row);
    }
    with_keys(events)
}

fn with_keys(events: Vec<Event>) -> Vec<(u32, Event)> {
    let key = |event: &Event| match *event {
        Event::NoteOn { key, .. } | Event::NoteOff { key } => key,
        Event::AllNotesOff | Event::Value { .. } => 0,
    };
    events.into_iter().map(|event| (key(&event), event)).collect()
}

fn play_mouse(ui: &Ui, row: &Row, piano: &mut Piano, response: &Response, events: &mut Vec<Event>) {
    let Some(place) = hand_on(ui, response) else {
        return piano.hands.lift(Finger::Mouse, piano.holds, events);
    };
    let (delta, is_pressed) =
        ui.input(|input| (input.pointer.delta(), input.pointer.primary_pressed()));
    let before = place - delta;
    if is_pressed {
        if let Some((key, velocity)) = row.key_at(place) {
            piano.hands.press(Finger::Mouse, piano.scale.nearest(key), velocity, events);
        }
        return;
    }
    // A latched key that was touched has gone up, and the mouse is on none.
    if piano.hands.key_of(Finger::Mouse).is_none() && place == before {
        return;
    }
    // A quick hand leaves out no key.
    let steps = ((place.x - before.x).abs() / (row.white_width * 0.25)).ceil().clamp(1.0, 200.0);
    for step in 1..=steps as usize {
        let at = before + (place - before) * (step as f32 / steps);
        if let Some((key, velocity)) = row.key_at(at) {
            let key = piano.scale.nearest(key);
            piano.hands.slide(Finger::Mouse, key, velocity, piano.holds, events);
        }
    }
}

/// Fingers on a screen, several at once.
fn play_touches(
    ui: &Ui,
    row: &Row,
    piano: &mut Piano,
    response: &Response,
    events: &mut Vec<Event>,
) {
    let touches: Vec<(u64, egui::TouchPhase, Pos2)> = ui.input(|input| {
        let touch = |event: &egui::Event| match *event {
            egui::Event::Touch { id, phase, pos, .. } => Some((id.0, phase, pos)),
            _ => None,
        };
        input.events.iter().filter_map(touch).collect()
    });
    for (id, phase, place) in touches {
        let finger = Finger::Touch(id);
        let hit = row.key_at(place).map(|(key, hard)| (piano.scale.nearest(key), hard));
        let is_on_piano =
            row.rect.contains(place) && ui.ctx().layer_id_at(place) == Some(response.layer_id);
        let is_down = piano.hands.key_of(finger).is_some();
        match (phase, hit) {
            (egui::TouchPhase::Start, Some((key, velocity))) if is_on_piano => {
                piano.hands.press(finger, key, velocity, events);
            }
            (egui::TouchPhase::Move, Some((key, velocity))) if is_down => {
                piano.hands.slide(finger, key, velocity, piano.holds, events);
            }
            (egui::TouchPhase::End | egui::TouchPhase::Cancel, _) => {
                piano.hands.lift(finger, piano.holds, events);
            }
            _ => {}
        }
    }
}

fn describe(ui: &Ui, spot: &PianoSpot, piano: &Piano, response: &Response) {
    let name = format!("piano of {}", spot.name);
    let info = || WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name);
    response.widget_info(info);
    let down: Vec<String> = piano.hands.keys().iter().map(|&key| note_name(key as i32)).collect();
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(down.join(" ")));
}

/// Which keys there are, and where.
pub struct Row {
    rect: Rect,
    first_key: u32,
    octaves: u32,
    white_width: f32,
}

impl Row {
    fn new(spot: &PianoSpot, octave: i32) -> Row {
        let octave_width = 7.0 * WHITE_WIDTH * spot.zoom;
        let octaves = (spot.rect.width() / octave_width).round().clamp(1.0, 7.0) as u32;
        // C4 in the middle, unless that reaches below the lowest key.
        let below = 12 * (octaves / 2);
        Row::of(spot.rect, keys::first_key(octave).saturating_sub(below), octaves)
    }

    /// So many octaves from a C on, and the C above them.
    pub fn of(rect: Rect, first_key: u32, octaves: u32) -> Row {
        Row { rect, first_key, octaves, white_width: rect.width() / (7 * octaves + 1) as f32 }
    }

    /// Whites first, as they are drawn: the blacks lie on them.
    pub fn keys(&self) -> impl Iterator<Item = u32> + use<> {
        let keys = self.first_key..=self.first_key + 12 * self.octaves;
        let (whites, blacks): (Vec<u32>, Vec<u32>) = keys.partition(|&key| !is_black(key));
        whites.into_iter().chain(blacks)
    }

    /// Where a key is.
    pub fn rect(&self, key: u32) -> Rect {
        let from_first = key - self.first_key;
        let lefts = 7.0 * (from_first / 12) as f32 + LEFTS[(from_first % 12) as usize];
        let left = self.rect.left() + lefts * self.white_width;
        let (left, width, height) = if is_black(key) {
            let width = self.white_width * BLACK_WIDTH;
            (left - width / 2.0, width, self.rect.height() * BLACK_HEIGHT)
        } else {
            (left, self.white_width, self.rect.height())
        };
        Rect::from_min_size(pos2(left, self.rect.top()), vec2(width, height))
    }

    /// The key there, and how hard it is struck. A hand that slides off above
    /// or below stays on its key.
    fn key_at(&self, place: Pos2) -> Option<(u32, f32)> {
        let place = place.clamp(self.rect.min, self.rect.max - vec2(0.0, 1.0));
        let keys: Vec<u32> = self.keys().collect();
        let key = keys.into_iter().rev().find(|&key| self.rect(key).contains(place))?;
        let rect = self.rect(key);
        let down = (place.y - rect.top()) / rect.height().max(1.0);
        Some((key, SOFTEST + (1.0 - SOFTEST) * down.clamp(0.0, 1.0)))
    }
}

/// Whether a key is a black one.
pub fn is_black(key: u32) -> bool {
    matches!(key % 12, 1 | 3 | 6 | 8 | 10)
}

fn draw(ui: &Ui, theme: &Theme, spot: &PianoSpot, piano: &Piano, row: &Row) {
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    let (ivory, ebony) = match theme.look {
        Look::Light => (theme.face, theme.text),
        Look::Dark | Look::HighContrast => (theme.text, theme.well),
    };
    let gap = if theme.look == Look::HighContrast { theme.canvas } else { theme.edge };
    pen.fill(spot.rect, 3.0, gap);
    for key in row.keys() {
        let ground = if is_black(key) { ebony } else { ivory };
        let is_out = !piano.scale.has(key);
        let fill = match (piano.hands.is_down(key), spot.sounding.contains(&key)) {
            (true, _) => theme.accent,
            (_, true) => ground.lerp_to_gamma(theme.accent, 0.6),
            _ if is_out => ground.lerp_to_gamma(theme.edge, 0.55),
            _ => ground,
        };
        let gap = vec2(pen.scaled(0.75), 0.0);
        let rect = row.rect(key).shrink2(gap);
        pen.fill(rect.translate(vec2(0.0, -pen.scaled(3.0))), 3.0, fill);
        if is_black(key) {
            pen.edge(rect.translate(vec2(0.0, -pen.scaled(3.0))), 3.0, 1.0, theme.edge);
        }
        let ink = if is_black(key) { ivory } else { ebony };
        letters(&pen, spot, piano, rect, key, ink.gamma_multiply(0.75));
    }
}

/// The names of the Cs, and which of the computer's keys play what.
fn letters(pen: &Pen, spot: &PianoSpot, piano: &Piano, rect: Rect, key: u32, ink: Color32) {
    let foot = rect.center_bottom() - vec2(0.0, pen.scaled(8.0));
    if key.is_multiple_of(12) {
        pen.text(foot, Align2::CENTER_BOTTOM, 9.5, ink, &note_name(key as i32));
    }
    let letter = key.checked_sub(keys::first_key(piano.octave)).and_then(keys::letter);
    if let Some(letter) = letter.filter(|_| spot.takes_keys) {
        let foot = foot - vec2(0.0, pen.scaled(if is_black(key) { 0.0 } else { 14.0 }));
        pen.text(foot, Align2::CENTER_BOTTOM, 10.5, ink, letter);
    }
}

/// What stands beside the keys: octave, hold, scale.
pub fn piano_bar_ui(ui: &mut Ui, piano: &mut Piano) {
    let most = keys::MOST_OCTAVES;
    if ui.button("−").on_hover_text("An octave down (Z)").clicked() {
        piano.octave = (piano.octave - 1).max(-most);
    }
    ui.label(note_name(keys::first_key(piano.octave) as i32));
    if ui.button("+").on_hover_text("An octave up (X)").clicked() {
        piano.octave = (piano.octave + 1).min(most);
    }
    ui.toggle_value(&mut piano.holds, "Hold").on_hover_text("Keys stay down until pressed again");
    let names = Scale::names();
    let scale = egui::ComboBox::from_id_salt(Id::new("piano scale"))
        .selected_text(names.get(piano.scale.index).copied().unwrap_or_default());
    scale.show_ui(ui, |ui| {
        for (index, name) in names.iter().enumerate() {
            ui.selectable_value(&mut piano.scale.index, index, *name);
        }
    });
    if piano.scale.index == 0 {
        return;
    }
    let root_name = |root: u32| note_name(root as i32).trim_end_matches("-1").to_owned();
    let root = egui::ComboBox::from_id_salt(Id::new("piano root"))
        .selected_text(root_name(piano.scale.root));
    root.width(48.0).show_ui(ui, |ui| {
        for root in 0..12 {
            ui.selectable_value(&mut piano.scale.root, root, root_name(root));
        }
    });
}

#[cfg(test)]
mod tests;
