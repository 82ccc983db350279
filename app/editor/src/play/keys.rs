//! The computer's keyboard as a piano: the row of A is white, the row above black.
//!
//! Keys are taken by where they are, not by what is printed on them.

use eframe::egui::{Event, Key, Ui};
use sostenuto_modules::module::Event as Note;

use super::hands::{C4_KEY, Finger, Hands};
use super::scale::Scale;

/// From C upwards, one key a semitone.
const ROW: [Key; 18] = [
    Key::A,
    Key::W,
    Key::S,
    Key::E,
    Key::D,
    Key::F,
    Key::T,
    Key::G,
    Key::Y,
    Key::H,
    Key::U,
    Key::J,
    Key::K,
    Key::O,
    Key::L,
    Key::P,
    Key::Semicolon,
    Key::Quote,
];

/// How hard a key of the computer strikes: it cannot tell.
const VELOCITY: f32 = 0.8;
/// How many octaves it can be shifted.
pub const MOST_OCTAVES: i32 = 4;

/// What is printed on the key that plays so many semitones above C.
pub fn letter(semitones: u32) -> Option<&'static str> {
    ROW.get(semitones as usize).map(|key| match key {
        Key::Quote => "'",
        key => key.symbol_or_name(),
    })
}

/// The key of the C on the key A.
pub fn first_key(octave: i32) -> u32 {
    (C4_KEY as i32 + 12 * octave.clamp(-MOST_OCTAVES, MOST_OCTAVES)) as u32
}

/// Plays what was pressed since the last frame, and takes it away from what
/// is drawn later. Nothing sticks where the window or a text has the keys.
pub fn play_keys(
    ui: &Ui,
    hands: &mut Hands,
    octave: &mut i32,
    scale: Scale,
    latches: bool,
    events: &mut Vec<Note>,
) {
    let is_typing = ui.ctx().text_edit_focused();
    ui.input_mut(|input| {
        if !input.focused {
            hands.lift_all(|finger| matches!(finger, Finger::Key(_)), events);
        }
        input.events.retain(|event| {
            let Event::Key { key, physical_key, pressed, repeat, modifiers } = event else {
                return true;
            };
            let key = physical_key.unwrap_or(*key);
            let is_shortcut = modifiers.command || modifiers.ctrl || modifiers.alt;
            if *pressed && (is_typing || is_shortcut) {
                return true;
            }
            let semitones = ROW.iter().position(|&row| row == key);
            match (semitones, *pressed) {
                (Some(_), true) if *repeat => {}
                (Some(semitones), true) => {
                    let key_down = scale.nearest(first_key(*octave) + semitones as u32);
                    hands.press(Finger::Key(key), key_down, VELOCITY, events);
                }
                (Some(_), false) => hands.lift(Finger::Key(key), latches, events),
                (None, true) if key == Key::Z => *octave = (*octave - 1).max(-MOST_OCTAVES),
                (None, true) if key == Key::X => *octave = (*octave + 1).min(MOST_OCTAVES),
                _ => return true,
            }
            false
        });
    });
}
