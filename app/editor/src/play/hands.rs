//! Which fingers are on which keys, so that no note is left hanging.

use eframe::egui;
use sostenuto_modules::module::Event;

/// The key of C4, which is 0 V.
pub const C4_KEY: u32 = 60;

/// What holds a key down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finger {
    /// The mouse.
    Mouse,
    /// A finger on the screen.
    Touch(u64),
    /// A key of the computer.
    Key(egui::Key),
    /// Nobody: it was left down.
    Latch,
}

/// Which fingers are on which keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hands {
    down: Vec<(Finger, u32)>,
}

impl Hands {
    /// Whether a key is down.
    pub fn is_down(&self, key: u32) -> bool {
        self.down.iter().any(|&(_, down)| down == key)
    }

    /// Every key that is down, lowest first.
    pub fn keys(&self) -> Vec<u32> {
        let mut keys: Vec<u32> = self.down.iter().map(|&(_, key)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The key that a finger is on.
    pub fn key_of(&self, finger: Finger) -> Option<u32> {
        self.down.iter().find(|&&(down, _)| down == finger).map(|&(_, key)| key)
    }

    /// A finger comes down on a key. One that was left down goes up instead.
    pub fn press(&mut self, finger: Finger, key: u32, velocity: f32, events: &mut Vec<Event>) {
        let before = self.down.len();
        self.down.retain(|&(down, held)| (down, held) != (Finger::Latch, key));
        if self.down.len() < before {
            return self.went_up(key, events);
        }
        self.slide(finger, key, velocity, false, events);
    }

    /// A finger is on this key now, wherever it was. `latches` says whether
    /// what it leaves stays down.
    pub fn slide(
        &mut self,
        finger: Finger,
        key: u32,
        velocity: f32,
        latches: bool,
        events: &mut Vec<Event>,
    ) {
        if self.key_of(finger) == Some(key) {
            return;
        }
        let was_down = self.is_down(key);
        let left = self.key_of(finger);
        self.down.retain(|&(down, _)| down != finger);
        self.down.push((finger, key));
        if !was_down {
            let voct = (key as f32 - C4_KEY as f32) / 12.0;
            events.push(Event::NoteOn { key, voct, velocity });
        }
        // The new note first: a voice that glides has somewhere to go.
        if let Some(left) = left {
            self.left(left, latches, events);
        }
    }

    /// A finger goes up.
    pub fn lift(&mut self, finger: Finger, latches: bool, events: &mut Vec<Event>) {
        let Some(key) = self.key_of(finger) else { return };
        self.down.retain(|&(down, _)| down != finger);
        self.left(key, latches, events);
    }

    /// Every finger that is like that goes up.
    pub fn lift_all(&mut self, mut which: impl FnMut(Finger) -> bool, events: &mut Vec<Event>) {
        let before = self.keys();
        self.down.retain(|&(finger, _)| !which(finger));
        for key in before {
            self.went_up(key, events);
        }
    }

    fn left(&mut self, key: u32, latches: bool, events: &mut Vec<Event>) {
        if latches && !self.is_down(key) {
            self.down.push((Finger::Latch, key));
        } else {
            self.went_up(key, events);
        }
    }

    fn went_up(&self, key: u32, events: &mut Vec<Event>) {
        if !self.is_down(key) {
            events.push(Event::NoteOff { key });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(key: u32) -> Event {
        Event::NoteOn { key, voct: (key as f32 - 60.0) / 12.0, velocity: 0.5 }
    }

    #[test]
    fn a_key_under_two_fingers_goes_up_with_the_second() {
        let (mut hands, mut events) = (Hands::default(), Vec::new());
        hands.press(Finger::Mouse, 60, 0.5, &mut events);
        hands.press(Finger::Key(egui::Key::A), 60, 0.5, &mut events);
        hands.lift(Finger::Mouse, false, &mut events);
        assert_eq!(events, [on(60)]);
        hands.lift(Finger::Key(egui::Key::A), false, &mut events);
        assert_eq!(events, [on(60), Event::NoteOff { key: 60 }]);
    }

    #[test]
    fn a_key_that_was_left_down_goes_up_when_it_is_touched() {
        let (mut hands, mut events) = (Hands::default(), Vec::new());
        hands.press(Finger::Mouse, 72, 0.5, &mut events);
        hands.lift(Finger::Mouse, true, &mut events);
        assert!(hands.is_down(72));
        hands.press(Finger::Mouse, 72, 0.5, &mut events);
        hands.lift(Finger::Mouse, true, &mut events);
        assert_eq!(events, [on(72), Event::NoteOff { key: 72 }]);
        assert!(!hands.is_down(72));
    }

    proptest! {
        #[test]
        fn every_note_that_begins_ends(moves in prop::collection::vec((0u8..6, 0u64..4, 58u32..64), 0..60)) {
            let (mut hands, mut events) = (Hands::default(), Vec::new());
            for (what, finger, key) in moves {
                let finger = Finger::Touch(finger);
                match what {
                    0 | 1 => hands.press(finger, key, 0.5, &mut events),
                    2 => hands.slide(finger, key, 0.5, key % 2 == 0, &mut events),
                    3 => hands.lift(finger, true, &mut events),
                    4 => hands.lift(finger, false, &mut events),
                    _ => hands.lift_all(|finger| finger == Finger::Latch, &mut events),
                }
            }
            let mut sounding = std::collections::BTreeSet::new();
            for event in &events {
                match *event {
                    Event::NoteOn { key, .. } => prop_assert!(sounding.insert(key)),
                    Event::NoteOff { key } => prop_assert!(sounding.remove(&key)),
                    Event::AllNotesOff | Event::Value { .. } => unreachable!(),
                }
            }
            prop_assert_eq!(sounding.into_iter().collect::<Vec<_>>(), hands.keys());
            hands.lift_all(|_| true, &mut events);
            prop_assert!(hands.keys().is_empty());
        }
    }
}
