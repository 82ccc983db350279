//! The piano roll's notes: drawn, moved and stretched with the mouse.

use std::fmt::Write as _;

use eframe::egui::{
    Align2, CursorIcon, Key, Modifiers, Pos2, Rect, Response, Sense, Ui, WidgetInfo, WidgetType,
    pos2, vec2,
};
use sostenuto_dsp::notes::{self, Note};
use sostenuto_modules::clip::Text;
use sostenuto_patch::entry::note_name;
use sostenuto_patch::{Edit, Name};

use super::ScreenSpot;
use crate::held::hand_on;
use crate::model::Asks;
use crate::pen::Pen;
use crate::theme::Theme;

/// Semitones that are seen at least.
const LEAST_ROWS: i32 = 25;
/// Notes begin and end on sixteenths, unless Alt is held.
const GRID_BEATS: f32 = 0.25;
/// What a new note has.
const VELOCITY: f32 = 0.8;
/// The right end of a note, by which it is stretched, in points at zoom 1.
const HANDLE: f32 = 6.0;
const C4_KEY: i32 = 60;

/// What a hand does to the notes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Grip {
    /// Of a note's place; the way from its start to the hand, in beats and semitones.
    Move { note: usize, beats: f32, keys: f32 },
    /// Of a note's end.
    Stretch { note: usize },
    /// Of a note's velocity, from where the hand came down.
    Press { note: usize, from_y: f32, velocity: f32 },
}

/// Notes that a hand is at, until the host has them.
#[derive(Clone, Debug)]
struct Draft {
    notes: Vec<Note>,
    grip: Option<Grip>,
    /// The text that it came from.
    from: Name,
}

/// Where beats and keys are on the screen.
#[derive(Clone, Copy, Debug)]
struct Field {
    rect: Rect,
    beats: f32,
    lowest: i32,
    rows: i32,
}

impl Field {
    fn new(rect: Rect, beats: f32, notes: &[Note]) -> Field {
        let keys = notes.iter().map(key);
        let (low, high) = keys.fold((i32::MAX, i32::MIN), |(l, h), k| (l.min(k), h.max(k)));
        let (low, high) = if low > high { (C4_KEY - 12, C4_KEY + 12) } else { (low - 2, high + 2) };
        let spare = (LEAST_ROWS - (high - low + 1)).max(0);
        let lowest = low - spare / 2;
        Field { rect, beats, lowest, rows: high - low + 1 + spare }
    }

    fn x(&self, beats: f32) -> f32 {
        self.rect.left() + beats / self.beats * self.rect.width()
    }

    fn row_height(&self) -> f32 {
        self.rect.height() / self.rows as f32
    }

    fn note(&self, note: &Note) -> Rect {
        let bottom = self.rect.bottom() - (key(note) - self.lowest) as f32 * self.row_height();
        let right = self.x(note.start_beats + note.length_beats);
        Rect::from_min_max(
            pos2(self.x(note.start_beats), bottom - self.row_height()),
            pos2(right, bottom),
        )
    }

    fn beats_at(&self, place: Pos2) -> f32 {
        ((place.x - self.rect.left()) / self.rect.width() * self.beats).clamp(0.0, self.beats)
    }

    fn key_at(&self, place: Pos2) -> f32 {
        let row = (self.rect.bottom() - place.y) / self.row_height();
        self.lowest as f32 + row.clamp(0.0, self.rows as f32 - 0.01)
    }
}

fn key(note: &Note) -> i32 {
    C4_KEY + (note.voct * 12.0).round() as i32
}

fn voct(key: i32) -> f32 {
    (key - C4_KEY) as f32 / 12.0
}

/// The notes, and the hand at them: a click makes one, a drag moves it, its end
/// stretches it, Shift and a drag set its velocity, a double click removes it.
pub fn roll_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let id = ui.id().with(("roll", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let text = &spot.params.text;
    let kept: Option<Draft> = ui.data(|data| data.get_temp(id));
    // What the hand has made counts until the host says something else.
    let mut draft = kept
        .filter(|draft| draft.grip.is_some() || draft.from == *text)
        .unwrap_or_else(|| Draft { notes: read(text), grip: None, from: text.clone() });
    let length = spot.param("length").max(1.0);
    let seen = if draft.grip.is_some() { read(&draft.from) } else { draft.notes.clone() };
    let field = Field::new(spot.rect.shrink(5.0 * spot.zoom), length, &seen);
    let before = draft.notes.clone();
    hand(ui, spot, &field, &response, &mut draft);
    let is_done = draft.grip.is_none();
    if is_done && draft.notes != before || response.drag_stopped() || response.clicked() {
        let written = Text::Notes.with_tuning(&write(&draft.notes), &Text::Notes.tuning(text));
        if written != **text {
            let (module, text) = (spot.module.clone(), written.into());
            asks.edit(Edit::SetText { module, text });
        }
    }
    response.widget_info(|| {
        let notes = draft.notes.len();
        WidgetInfo::labeled(WidgetType::Other, true, format!("{} notes: {notes}", spot.module))
    });
    if ui.is_rect_visible(spot.rect) {
        draw(&Pen::within(ui, spot.zoom, spot.rect), theme, spot, &field, &draft);
    }
    ui.data_mut(|data| data.insert_temp(id, draft));
}

fn hand(ui: &Ui, spot: &ScreenSpot, field: &Field, response: &Response, draft: &mut Draft) {
    let (place, modifiers) = ui.input(|input| (input.pointer.interact_pos(), input.modifiers));
    if response.has_focus() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Backspace)) {
        draft.notes.pop();
        return;
    }
    let Some(place) = place else { return };
    let under = draft.notes.iter().rposition(|note| field.note(note).contains(place));
    if response.double_clicked() || response.secondary_clicked() {
        draft.grip = None;
        under.into_iter().for_each(|note| _ = draft.notes.remove(note));
        return;
    }
    let is_end = |note: usize| {
        let rect = field.note(&draft.notes[note]);
        place.x > rect.right() - (HANDLE * spot.zoom).min(rect.width() * 0.4)
    };
    if response.hovered() && under.is_some_and(is_end) {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    if hand_on(ui, response).is_none() {
        draft.grip = None;
        return;
    }
    let grip = match (draft.grip, under) {
        (Some(grip), _) => grip,
        (None, Some(note)) if modifiers.shift => {
            Grip::Press { note, from_y: place.y, velocity: draft.notes[note].velocity }
        }
        (None, Some(note)) if is_end(note) => Grip::Stretch { note },
        (None, Some(note)) => {
            let held = draft.notes[note];
            let beats = field.beats_at(place) - held.start_beats;
            Grip::Move { note, beats, keys: field.key_at(place) - key(&held) as f32 }
        }
        (None, None) => {
            response.request_focus();
            let start_beats = (field.beats_at(place) / GRID_BEATS).floor() * GRID_BEATS;
            let voct = voct(field.key_at(place).floor() as i32);
            let length_beats = GRID_BEATS;
            draft.notes.push(Note { start_beats, length_beats, voct, velocity: VELOCITY });
            Grip::Stretch { note: draft.notes.len() - 1 }
        }
    };
    draft.grip = Some(grip);
    pull(field, draft, grip, place, modifiers.alt);
}

/// Brings a note to where the hand is.
fn pull(field: &Field, draft: &mut Draft, grip: Grip, place: Pos2, is_free: bool) {
    let on_grid = |beats: f32| {
        if is_free { beats } else { (beats / GRID_BEATS).round() * GRID_BEATS }
    };
    match grip {
        Grip::Move { note, beats, keys } => {
            let note = &mut draft.notes[note];
            note.start_beats = on_grid(field.beats_at(place) - beats).clamp(0.0, field.beats);
            let key = (field.key_at(place) - keys).round() as i32;
            note.voct = voct(key.clamp(C4_KEY - 120, C4_KEY + 120));
        }
        Grip::Stretch { note } => {
            let note = &mut draft.notes[note];
            let end = on_grid(field.beats_at(place) + GRID_BEATS * 0.25);
            let least = if is_free { 0.02 } else { GRID_BEATS };
            note.length_beats = (end - note.start_beats).max(least);
        }
        Grip::Press { note, from_y, velocity } => {
            let up = (from_y - place.y) / field.rect.height() * 2.0;
            draft.notes[note].velocity = ((velocity + up).clamp(0.0, 1.0) * 100.0).round() / 100.0;
        }
    }
}

fn read(text: &str) -> Vec<Note> {
    let rows = notes::compile(text).unwrap_or_default();
    notes::rows(&rows).iter().map(Note::of).collect()
}

/// The notes as a text, a line each.
fn write(notes: &[Note]) -> String {
    let mut notes = notes.to_vec();
    notes.sort_by(|one, other| one.start_beats.total_cmp(&other.start_beats));
    let mut text = String::new();
    for Note { start_beats, length_beats, voct, velocity } in notes {
        let semitones = voct * 12.0;
        let pitch = if (semitones - semitones.round()).abs() < 1e-3 {
            note_name(C4_KEY + semitones.round() as i32)
        } else {
            voct.to_string()
        };
        let line = writeln!(text, "{start_beats} {length_beats} {pitch} {velocity}");
        line.expect("a String takes all");
    }
    text.truncate(text.trim_end().len());
    text
}

fn draw(pen: &Pen, theme: &Theme, spot: &ScreenSpot, field: &Field, draft: &Draft) {
    pen.fill(spot.rect, 4.0, theme.well);
    for row in 0..field.rows {
        let key = field.lowest + row;
        let bottom = field.rect.bottom() - row as f32 * field.row_height();
        if [1, 3, 6, 8, 10].contains(&key.rem_euclid(12)) {
            let size = vec2(field.rect.width(), field.row_height());
            let place = pos2(field.rect.left(), bottom - field.row_height());
            pen.fill(Rect::from_min_size(place, size), 0.0, theme.face.gamma_multiply(0.45));
        }
        if key.rem_euclid(12) == 0 {
            pen.line(
                pos2(field.rect.left(), bottom),
                pos2(field.rect.right(), bottom),
                1.0,
                theme.edge,
            );
            let at = pos2(field.rect.left() + 2.0 * spot.zoom, bottom);
            pen.text(at, Align2::LEFT_BOTTOM, 9.0, theme.faint, &note_name(key));
        }
    }
    for beat in 0..=field.beats as usize {
        let x = field.x(beat as f32);
        let colour = if beat % 4 == 0 { theme.edge } else { theme.edge.gamma_multiply(0.4) };
        pen.line(pos2(x, field.rect.top()), pos2(x, field.rect.bottom()), 1.0, colour);
    }
    for note in &draft.notes {
        let rect = field.note(note).intersect(field.rect);
        let inner = Rect::from_min_max(rect.min, rect.max - vec2(0.5, 0.5) * spot.zoom);
        pen.fill(inner, 2.0, theme.accent.gamma_multiply(0.35 + 0.65 * note.velocity));
    }
    let now = spot.display.first().filter(|&&beats| beats >= 0.0);
    if let Some(&now) = now {
        let x = field.x(now.rem_euclid(field.beats));
        pen.line(pos2(x, field.rect.top()), pos2(x, field.rect.bottom()), 1.5, theme.text);
    }
    if draft.notes.is_empty() {
        let words = "Click and drag to write notes";
        pen.text(field.rect.center(), Align2::CENTER_CENTER, 13.0, theme.faint, words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let text = "0 1 C4 0.8\n0.5 0.25 F#3 1\n2 2 Bb4 0.4";
        let notes = read(text);
        assert_eq!(read(&write(&notes)), notes);
        assert_eq!(write(&notes), "0 1 C4 0.8\n0.5 0.25 F#3 1\n2 2 A#4 0.4");
    }

    #[test]
    fn a_hand_is_where_the_note_is() {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 250.0));
        let field = Field::new(rect, 16.0, &[]);
        let note = Note { start_beats: 4.0, length_beats: 2.0, voct: 0.25, velocity: 1.0 };
        let place = field.note(&note).center();
        assert!((field.beats_at(place) - 5.0).abs() < 1e-3);
        assert_eq!(field.key_at(place).floor() as i32, key(&note));
        let mut draft = Draft { notes: vec![note], grip: None, from: "".into() };
        let grip =
            Grip::Move { note: 0, beats: 1.0, keys: field.key_at(place) - key(&note) as f32 };
        let there = place + vec2(25.0 * 1.5, -2.0 * field.row_height());
        pull(&field, &mut draft, grip, there, false);
        let moved = draft.notes[0];
        assert_eq!((moved.start_beats, key(&moved) - key(&note)), (5.5, 2));
        pull(&field, &mut draft, Grip::Stretch { note: 0 }, pos2(field.x(8.0), there.y), false);
        assert_eq!(draft.notes[0].length_beats, 2.5);
    }
}
