//! \[rt\] What hands have done and modules have not heard yet.
//!
//! A module is called once a quantum. Of a switch that is thrown twice between
//! two calls it would hear nothing. So two changes of the same switch, key or
//! value are at least a trigger's length apart: the second waits, for a later
//! quantum of the same block or for the next block. What happens to one module
//! stays in order.

use dsp_worker::protocol::PlanEvent;
use shm_ring::layout::BlockStart;
use sostenuto_dsp::units::{QUANTUM, SCHMITT_LOW_VOLTS, TRIGGER_SECS};
use sostenuto_modules::module::Event;

/// Changes that can wait.
const WAITING: usize = 512;

/// Changes of one switch that can wait. Of more than these the last counts.
const WAITING_OF_ONE: usize = 128;

/// Switches that can be between two changes at a time.
const RESTING: usize = 512;

/// What is changed: two changes of the same are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Param(usize),
    Value(u32),
    Key(u32),
    AllKeys,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    event: PlanEvent,
    target: Target,
    /// Whether it is a switch that is thrown, and not a knob that is turned.
    is_switch: bool,
}

/// A switch was thrown a moment ago.
#[derive(Clone, Copy, Debug)]
struct Rest {
    memory: u64,
    target: Target,
    last: PlanEvent,
    until: u64,
}

/// What waits, in order, and what must not change again yet.
#[derive(Debug)]
pub struct Agenda {
    waiting: Vec<Change>,
    resting: Vec<Rest>,
    /// For each module with something that waits, from which frame on more can
    /// happen to it. For one block.
    order: Vec<(u64, u64)>,
}

impl Change {
    fn new(event: PlanEvent, is_switch: bool) -> Change {
        let target = match (event.param(), event.event()) {
            (Some((param, _)), _) => Target::Param(param),
            (None, Some(Event::Value { index, .. })) => Target::Value(index),
            (None, Some(Event::NoteOn { key, .. } | Event::NoteOff { key })) => Target::Key(key),
            (None, _) => Target::AllKeys,
        };
        Change { event, target, is_switch }
    }

    fn is_same(&self, memory: u64, target: Target) -> bool {
        self.event.memory() == memory && self.target == target
    }

    /// Whether nothing is lost where the other one alone is heard.
    fn can_give_way_to(&self, newer: &Change) -> bool {
        match self.target {
            Target::Param(_) if self.is_switch => self.event.param() == newer.event.param(),
            Target::Param(_) => true,
            Target::Value(_) => is_on(&self.event) == is_on(&newer.event),
            Target::Key(_) | Target::AllKeys => false,
        }
    }

    /// Whether a module must have heard the last change of the same for a while.
    fn is_edge(&self, rest: &Rest) -> bool {
        match self.target {
            Target::Param(_) => self.is_switch,
            Target::Value(_) => is_on(&self.event) != is_on(&rest.last),
            Target::Key(_) | Target::AllKeys => true,
        }
    }
}

/// Whether a value is a gate that is on.
fn is_on(event: &PlanEvent) -> bool {
    matches!(event.event(), Some(Event::Value { volts, .. }) if volts > SCHMITT_LOW_VOLTS)
}

/// Frames between two changes of a switch: whole quanta.
fn rest_frames(sample_rate_hz: f32) -> u64 {
    let frames = (TRIGGER_SECS * sample_rate_hz).ceil().max(1.0) as u64;
    frames.next_multiple_of(QUANTUM as u64)
}

impl Default for Agenda {
    fn default() -> Agenda {
        Agenda {
            waiting: Vec::with_capacity(WAITING),
            resting: Vec::with_capacity(RESTING),
            order: Vec::with_capacity(WAITING),
        }
    }
}

impl Agenda {
    /// Whether something waits for that module. Real-time safe.
    pub fn has(&self, memory: u64) -> bool {
        self.waiting.iter().any(|change| change.event.memory() == memory)
    }

    /// Takes a change. Where there is no room for it, false: then it is to be
    /// offered again. `is_switch`: where a param is set, whether it is a switch.
    /// Real-time safe.
    pub fn take(&mut self, event: PlanEvent, is_switch: bool) -> bool {
        let change = Change::new(event, is_switch);
        let is_same = |waiting: &Change| waiting.is_same(event.memory(), change.target);
        if let Some(last) = self.waiting.iter().rposition(is_same) {
            let is_replaced = self.waiting[last].can_give_way_to(&change)
                && (is_switch || !self.is_overtaking(last));
            let is_full = || self.waiting.iter().filter(|one| is_same(one)).count();
            if is_replaced || is_full() >= WAITING_OF_ONE {
                self.waiting[last] = change;
                return true;
            }
        }
        if self.waiting.len() == WAITING {
            return false;
        }
        self.waiting.push(change);
        true
    }

    /// Whether something else of its module waits behind one that waits.
    fn is_overtaking(&self, index: usize) -> bool {
        let memory = self.waiting[index].event.memory();
        let behind = &self.waiting[index + 1..];
        behind.iter().any(|change| change.event.memory() == memory && change.is_switch)
    }

    /// Whether nothing waits. Real-time safe.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The clock counts other frames from now on. What was changed may change again
    /// at once: nothing is heard while the sample rate changes. Real-time safe.
    pub fn forget_rests(&mut self) {
        self.resting.iter_mut().for_each(|rest| rest.until = 0);
    }

    /// Gives `deliver` all that happens in a block, in order, with its quantum.
    /// What that does not take waits for the next block. Real-time safe.
    pub fn deliver(&mut self, block: &BlockStart, mut deliver: impl FnMut(PlanEvent) -> bool) {
        let (start, end) = (block.frame, block.frame + u64::from(block.frames));
        let rest_frames = rest_frames(block.sample_rate_hz);
        let Agenda { waiting, resting, order } = self;
        resting.retain(|rest| rest.until > start);
        order.clear();
        waiting.retain(|change| {
            let memory = change.event.memory();
            let at = order.iter().position(|(other, _)| *other == memory);
            let at = at.unwrap_or_else(|| {
                order.push((memory, start));
                order.len() - 1
            });
            let due = order[at].1.max(due(change, resting, start));
            order[at].1 = due;
            let quantum = (due.min(end) - start) / QUANTUM as u64;
            if due >= end || !deliver(change.event.at(quantum as u32)) {
                order[at].1 = end;
                return true;
            }
            rest(change, resting, due + rest_frames);
            false
        });
    }

    /// What the switches stand at that have changes waiting for them: a new plan
    /// has them already where they will stand in the end. Real-time safe.
    pub fn standing(&self) -> impl Iterator<Item = PlanEvent> {
        let waits = |rest: &&Rest| {
            self.waiting.iter().any(|change| change.is_same(rest.memory, rest.target))
        };
        self.resting.iter().filter(waits).map(|rest| rest.last)
    }
}

/// From which frame on a change can be heard, as far as its own switch goes.
fn due(change: &Change, resting: &[Rest], start: u64) -> u64 {
    let own = resting.iter().filter(|rest| {
        let is_key = matches!(rest.target, Target::Key(_)) && change.target == Target::AllKeys;
        rest.memory == change.event.memory() && (is_key || rest.target == change.target)
    });
    let edges = own.filter(|rest| change.is_edge(rest));
    edges.map(|rest| rest.until).max().unwrap_or(start)
}

/// A change is heard now: the next of the same has to wait.
fn rest(change: &Change, resting: &mut Vec<Rest>, until: u64) {
    let memory = change.event.memory();
    let is_knob = matches!(change.target, Target::Param(_)) && !change.is_switch;
    if is_knob || change.target == Target::AllKeys {
        return;
    }
    let own = resting.iter_mut().find(|rest| rest.memory == memory && rest.target == change.target);
    if let Some(rest) = own {
        if change.is_edge(rest) {
            rest.until = until;
        }
        rest.last = change.event;
    } else if resting.len() < RESTING {
        resting.push(Rest { memory, target: change.target, last: change.event, until });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE_HZ: f32 = 48_000.0;

    /// What comes out of an agenda, block by block: the frame, and what happens.
    fn heard(agenda: &mut Agenda, start: u64, frames: u32) -> Vec<(u64, PlanEvent)> {
        let block =
            BlockStart { frame: start, frames, sample_rate_hz: RATE_HZ, ..BlockStart::default() };
        let mut heard = Vec::new();
        agenda.deliver(&block, |event| {
            assert!(event.quantum() < frames as usize / QUANTUM);
            heard.push((start + (event.quantum() * QUANTUM) as u64, event.at(0)));
            true
        });
        heard
    }

    fn until_empty(agenda: &mut Agenda, frames: u32) -> Vec<(u64, PlanEvent)> {
        let mut all = Vec::new();
        let mut start = 0;
        while all.is_empty() || !agenda.waiting.is_empty() {
            all.extend(heard(agenda, start, frames));
            start += u64::from(frames);
        }
        all
    }

    fn switch(memory: u64, value: f32) -> PlanEvent {
        PlanEvent::set_param(memory, 2, value)
    }

    fn value(volts: f32) -> PlanEvent {
        PlanEvent::new(7, Event::Value { index: 0, volts })
    }

    #[test]
    fn a_tap_within_a_block_is_64_frames_long_whatever_the_block() {
        for frames in [32, 64, 256, 2048] {
            let mut agenda = Agenda::default();
            for value in [1.0, 0.0, 1.0, 0.0] {
                assert!(agenda.take(switch(7, value), true));
            }
            let heard = until_empty(&mut agenda, frames);
            let should_be = [(0, 1.0), (64, 0.0), (128, 1.0), (192, 0.0)];
            assert_eq!(heard, should_be.map(|(at, value)| (at, switch(7, value))), "{frames}");
        }
    }

    #[test]
    fn a_switch_that_rests_long_enough_is_thrown_at_once() {
        let mut agenda = Agenda::default();
        agenda.take(switch(7, 1.0), true);
        assert_eq!(heard(&mut agenda, 0, 32).len(), 1);
        agenda.take(switch(7, 0.0), true);
        assert_eq!(heard(&mut agenda, 32, 32), []);
        assert_eq!(heard(&mut agenda, 64, 32), [(64, switch(7, 0.0))]);
        agenda.take(switch(7, 1.0), true);
        assert_eq!(heard(&mut agenda, 960, 32), [(960, switch(7, 1.0))]);
    }

    #[test]
    fn of_a_knob_and_of_a_fader_the_newest_counts() {
        let mut agenda = Agenda::default();
        for n in 0..1000 {
            assert!(agenda.take(PlanEvent::set_param(7, 0, n as f32), false));
            assert!(agenda.take(value(1.0 + n as f32 / 256.0), false));
        }
        let newest = [PlanEvent::set_param(7, 0, 999.0), value(1.0 + 999.0 / 256.0)];
        assert_eq!(heard(&mut agenda, 0, 32), newest.map(|event| (0, event)));
        // A fader that moves on does not wait.
        agenda.take(value(3.0), false);
        assert_eq!(heard(&mut agenda, 32, 32), [(32, value(3.0))]);
        // A gate does.
        agenda.take(value(0.0), false);
        assert_eq!(heard(&mut agenda, 64, 32), [(64, value(0.0))]);
        agenda.take(value(5.0), false);
        assert_eq!(heard(&mut agenda, 96, 32), []);
        assert_eq!(heard(&mut agenda, 128, 32), [(128, value(5.0))]);
    }

    #[test]
    fn two_touches_in_a_row_are_at_their_own_places() {
        let mut agenda = Agenda::default();
        let place = |place| PlanEvent::set_param(7, 0, place);
        agenda.take(place(0.1), false);
        for at in [0.2, 0.7] {
            agenda.take(place(at), false);
            agenda.take(switch(7, 1.0), true);
            agenda.take(switch(7, 0.0), true);
        }
        let heard = until_empty(&mut agenda, 256);
        assert_eq!(heard[..2], [(0, place(0.2)), (0, switch(7, 1.0))]);
        assert_eq!(heard[2..4], [(64, switch(7, 0.0)), (64, place(0.7))]);
        assert_eq!(heard[4..], [(128, switch(7, 1.0)), (192, switch(7, 0.0))]);
    }

    #[test]
    fn a_chord_is_struck_at_once_and_struck_again_after_it_was_let_go() {
        let on = |key| PlanEvent::new(7, Event::NoteOn { key, voct: 0.0, velocity: 1.0 });
        let off = |key| PlanEvent::new(7, Event::NoteOff { key });
        let mut agenda = Agenda::default();
        for event in [on(60), on(64), off(60), off(64), on(60), on(64)] {
            agenda.take(event, false);
        }
        agenda.take(PlanEvent::new(7, Event::AllNotesOff), false);
        agenda.take(PlanEvent::new(8, Event::AllNotesOff), false);
        let all_off = PlanEvent::new(7, Event::AllNotesOff);
        let heard = until_empty(&mut agenda, 2048);
        let own: Vec<_> = heard.iter().copied().filter(|one| one.1.memory() == 7).collect();
        assert_eq!(
            own,
            [
                (0, on(60)),
                (0, on(64)),
                (64, off(60)),
                (64, off(64)),
                (128, on(60)),
                (128, on(64)),
                (192, all_off)
            ]
        );
        assert_eq!(heard.len() - own.len(), 1);
    }

    #[test]
    fn what_is_not_taken_comes_again_in_order() {
        let mut agenda = Agenda::default();
        for value in [1.0, 0.0] {
            agenda.take(switch(7, value), true);
        }
        let block = BlockStart { frames: 256, sample_rate_hz: RATE_HZ, ..BlockStart::default() };
        agenda.deliver(&block, |_| false);
        assert!(agenda.has(7) && !agenda.has(8));
        assert_eq!(until_empty(&mut agenda, 256), [(0, switch(7, 1.0)), (64, switch(7, 0.0))]);
    }

    #[test]
    fn a_flood_ends_in_the_last_state_and_has_an_end() {
        let mut agenda = Agenda::default();
        for n in 0..100_001 {
            assert!(agenda.take(switch(7, f32::from(u8::from(n % 2 == 0))), true));
        }
        let heard = until_empty(&mut agenda, 256);
        assert!(heard.len() <= WAITING_OF_ONE);
        assert_eq!(heard.last().unwrap().1, switch(7, 1.0));
        // More switches than there is room for are offered again.
        let taken = (0..1000).take_while(|&memory| agenda.take(switch(memory, 1.0), true)).count();
        assert_eq!(taken, WAITING);
        assert!(!agenda.take(switch(3, 0.0), true) && agenda.take(switch(3, 1.0), true));
    }

    proptest! {
        #[test]
        fn every_press_is_heard_for_a_millisecond_at_any_rate_and_block(
            presses in prop::collection::vec((0u64..3, 0u32..2, 0usize..4), 0..60),
            frames in prop::sample::select(vec![32u32, 64, 256, 512, 2048]),
            rate_hz in prop::sample::select(vec![8e3f32, 44.1e3, 48e3, 96e3, 192e3, 384e3]),
        ) {
            let mut agenda = Agenda::default();
            let (mut start, mut left) = (0, presses.into_iter());
            let mut pressed = Vec::new();
            let mut heard: Vec<(u64, PlanEvent)> = Vec::new();
            loop {
                // As many as come between two blocks.
                let mut is_over = false;
                for _ in 0..2 {
                    let Some((memory, is_value, count)) = left.next() else {
                        is_over = true;
                        break;
                    };
                    for _ in 0..=count {
                        for on in [1.0, 0.0] {
                            let event = match is_value {
                                0 => PlanEvent::set_param(memory, 2, on),
                                _ => PlanEvent::new(memory, Event::Value { index: 5, volts: 10.0 * on }),
                            };
                            prop_assert!(agenda.take(event, is_value == 0));
                            pressed.push(event);
                        }
                    }
                }
                let block = BlockStart { frame: start, frames, sample_rate_hz: rate_hz, ..BlockStart::default() };
                agenda.deliver(&block, |event| {
                    heard.push((start + (event.quantum() * QUANTUM) as u64, event.at(0)));
                    true
                });
                start += u64::from(frames);
                if is_over && agenda.waiting.is_empty() {
                    break;
                }
            }
            for memory in 0..3 {
                for is_param in [true, false] {
                    let is_one = |event: &PlanEvent| event.memory() == memory && event.param().is_some() == is_param;
                    let asked: Vec<_> = pressed.iter().copied().filter(is_one).collect();
                    let got: Vec<_> = heard.iter().copied().filter(|(_, event)| is_one(event)).collect();
                    prop_assert_eq!(asked, got.iter().map(|one| one.1).collect::<Vec<_>>());
                    for pair in got.windows(2) {
                        let secs = (pair[1].0 - pair[0].0) as f32 / rate_hz;
                        prop_assert!(secs >= TRIGGER_SECS, "{secs}");
                    }
                }
            }
        }
    }
}
