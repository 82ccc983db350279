//! Buttons: eight gates under the fingers.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::pulse::Pulse;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::units::GATE_VOLTS;

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Event, Port, Tag, port};
use crate::param::Param;
use crate::parts::rows::rows;

const BUTTONS: usize = 8;
/// The outputs after the gates.
const TRIGGERS: usize = BUTTONS;
/// The param after the switches.
const KEYS: usize = BUTTONS;

const LATCHED: usize = 1;
/// Keys that can be down at once on one button.
const DOWN: usize = 4;

/// What the keys of one button do.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Button {
    /// The keys that are down, first come first.
    keys: [u32; DOWN],
    keys_down: u32,
    /// Whether one was struck in this quantum, perhaps to go up in it again.
    is_struck: u32,
    /// Whether keys have turned its switch over.
    is_turned: u32,
    was_on: u32,
    trigger: Pulse,
}

/// Which buttons are down.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Buttons {
    buttons: [Button; BUTTONS],
}

const fn button(name: &'static str) -> Param {
    Param::switch(name, false, "The state of this button; a click toggles it").held()
}

const fn gate(name: &'static str) -> Port {
    port(name, "10 V while this button is on")
}

const fn trigger(name: &'static str) -> Port {
    port(name, "10 V for 1 ms as this button is switched on")
}

impl Module for Buttons {
    const ABOUT: &'static About = &About {
        name: "buttons",
        title: "Buttons",
        summary: "Eight buttons for gates and triggers, played by mouse, keys or MIDI pads",
        aliases: &["midi", "pads", "trigger"],
        tags: &[Tag::Play, Tag::Notes],
        outputs: &rows![gate("gate-", 1..=8), trigger("trigger-", 1..=8)],
        params: &rows![
            button("button-", 1..=8),
            Param::choice(
                "keys",
                &["momentary", "latched"],
                0,
                "How keys and pads play the buttons, with C4 as button 1 and every eighth semitone \
                 again: on while held, or toggled by each press",
            ),
        ],
        // The gate of every button, in volts.
        display: BUTTONS,
        face: &[Part::Strips(
            8,
            &[Part::Param("button-#"), Part::Output("gate-#"), Part::Output("trigger-#")],
        )],
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        for button in &mut self.buttons {
            button.trigger.change_rate(change);
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        if block.starts_quantum() {
            self.buttons.iter_mut().for_each(|button| button.is_struck = 0);
        }
        for event in block.events() {
            self.take(*event, block.choice(KEYS) == LATCHED);
        }
        for (index, button) in self.buttons.iter_mut().enumerate() {
            let is_pressed = button.keys_down > 0 || button.is_struck != 0;
            let is_turned = (button.is_turned != 0) != is_pressed;
            let is_on = block.is_on(index) != is_turned;
            if is_on && button.was_on == 0 {
                button.trigger.start(block.sample_rate_hz);
            }
            button.was_on = is_on as u32;
            let gate = if is_on { GATE_VOLTS } else { 0.0 };
            for frame in block.frames() {
                block.output(index).put(0, frame, gate);
                block.output(TRIGGERS + index).put(0, frame, button.trigger.volts());
            }
            block.show(index, gate);
        }
    }
}

impl Buttons {
    #[inline(always)]
    fn take(&mut self, event: Event, is_latched: bool) {
        match event {
            Event::NoteOn { key, voct, .. } if voct.is_finite() => {
                let semitone = (12.0 * voct.clamp(-100.0, 100.0) + 1200.5) as usize;
                let button = &mut self.buttons[semitone % BUTTONS];
                if is_latched {
                    button.is_turned ^= 1;
                } else {
                    button.press(key);
                }
            }
            Event::NoteOn { .. } | Event::Value { .. } => {}
            Event::NoteOff { key } => self.buttons.iter_mut().for_each(|button| button.lift(key)),
            Event::AllNotesOff => self.buttons.iter_mut().for_each(|button| button.keys_down = 0),
        }
    }
}

impl Button {
    #[inline(always)]
    fn press(&mut self, key: u32) {
        self.lift(key);
        self.is_struck = 1;
        let down = (self.keys_down as usize).min(DOWN - 1);
        self.keys[down] = key;
        self.keys_down = down as u32 + 1;
    }

    #[inline(always)]
    fn lift(&mut self, key: u32) {
        let down = (self.keys_down as usize).min(DOWN);
        if let Some(at) = self.keys[..down].iter().position(|&held| held == key) {
            self.keys[at..down].rotate_left(1);
            self.keys_down = down as u32 - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::{Render, Rig};

    fn on(semitone: i32) -> Event {
        let key = (60 + semitone) as u32;
        Event::NoteOn { key, voct: semitone as f32 / 12.0, velocity: 1.0 }
    }

    fn off(semitone: i32) -> Event {
        Event::NoteOff { key: (60 + semitone) as u32 }
    }

    /// The buttons that are on at the last frame, from 1.
    fn gates(out: &Render) -> Vec<usize> {
        let is_on = |n: &usize| *out.channel(&format!("gate-{n}"), 0).last().unwrap() == 10.0;
        (1..=8).filter(is_on).collect()
    }

    #[test]
    fn a_switch_is_a_gate_and_its_beginning_a_trigger() {
        let mut rig = Rig::new::<Buttons>(48_000.0);
        assert_eq!(gates(&rig.run(64)), [0; 0]);
        let out = rig.choose("button-2", "on").choose("button-8", "on").run(64);
        assert_eq!(gates(&out), [2, 8]);
        assert_eq!(out.channel("trigger-2", 0)[..48], [10.0; 48]);
        assert_eq!(out.channel("trigger-2", 0)[48..], [0.0; 16]);
        assert_eq!(out.channel("trigger-1", 0), [0.0; 64]);
        assert_eq!(gates(&rig.choose("button-2", "off").run(64)), [8]);
        assert_eq!(rig.display(), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0]);
    }

    #[test]
    fn a_key_holds_its_button_while_it_is_down() {
        let mut rig = Rig::new::<Buttons>(48_000.0);
        // The pads of a drum machine begin at C2, two octaves below C4.
        assert_eq!(gates(&rig.event(on(-24)).event(on(3)).run(32)), [1, 4]);
        assert_eq!(gates(&rig.event(off(3)).run(32)), [1]);
        // Two keys, one button: it stays until both are up.
        assert_eq!(gates(&rig.event(on(0)).event(off(-24)).run(32)), [1]);
        assert_eq!(gates(&rig.event(off(0)).run(32)), [0; 0]);
        rig.event(on(1)).event(on(2)).run(32);
        assert_eq!(gates(&rig.event(Event::AllNotesOff).run(32)), [0; 0]);
    }

    #[test]
    fn the_shortest_press_is_heard() {
        let mut rig = Rig::new::<Buttons>(48_000.0);
        let out = rig.event(on(0)).event(off(0)).run(64);
        assert_eq!(out.channel("gate-1", 0)[..32], [10.0; 32]);
        assert_eq!(out.channel("gate-1", 0)[32..], [0.0; 32]);
        assert_eq!(out.channel("trigger-1", 0)[..48], [10.0; 48]);
    }

    #[test]
    fn latched_keys_turn_their_button_over() {
        let mut rig = Rig::new::<Buttons>(48_000.0);
        rig.choose("keys", "latched").choose("button-5", "on");
        assert_eq!(gates(&rig.event(on(4)).event(on(1)).run(32)), [2]);
        assert_eq!(gates(&rig.event(off(4)).event(off(1)).run(32)), [2]);
        assert_eq!(gates(&rig.event(on(4)).event(on(1)).run(32)), [5]);
    }
}
