//! Keyboard: notes from hands, MIDI and OSC, as pitch and gate.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::{LANES, Lane, Lanes};
use sostenuto_dsp::pulse::{self, Pulse};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::tuning::Tuning;
use sostenuto_dsp::units::{CHANNELS, GATE_VOLTS};

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Event, Role, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::tail::Tail;

const VOICES: usize = 0;
const GLIDE: usize = 1;
const OCTAVE: usize = 2;
const RETRIGGER: usize = 3;

/// Keys that can be down at once; more than two hands have.
const KEYS: usize = 32;

/// A key that is down.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Key {
    key: u32,
    voct: f32,
    velocity: f32,
}

/// One channel.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Voice {
    /// The note that it plays or played last.
    note: Key,
    /// The pitch of that note, as it is tuned.
    goal_voct: f32,
    /// Where its pitch is on the way there.
    voct: f32,
    glide_step: f32,
    glide_frames: u32,
    is_held: u32,
    /// The gate is off for so long, and the trigger follows.
    gap_frames: u32,
    trigger: Pulse,
    /// When it last began or ended a note, by the count of notes.
    turn: u32,
    has_played: u32,
    /// Whether the gate was on at the last frame.
    was_on: u32,
}

/// The keys that are down, oldest first, and the voices that play them.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Keyboard {
    keys: [Key; KEYS],
    voices: [Voice; CHANNELS],
    keys_down: u32,
    turns: u32,
    tail: Tail,
}

impl Module for Keyboard {
    const ABOUT: &'static About = &About {
        name: "keyboard",
        title: "Keyboard",
        summary: "Plays notes from the mouse, the computer's keys or OSC, with up to 16 voices",
        aliases: &["midi", "piano", "notes", "tuning", "scala", "microtonal"],
        tags: &[Tag::Play, Tag::Notes, Tag::Source, Tag::Polyphonic],
        outputs: &[
            port("voct", "Pitch, 1 V/octave, 0 V = C4; one channel per voice"),
            port("gate", "10 V while the key is down"),
            port("velocity", "Velocity of the key, 0 to 10 V"),
            port("trigger", "10 V for 1 ms as a note begins"),
        ],
        params: &[
            Param::steps(
                "voices",
                1.0..=16.0,
                1.0,
                "The number of notes at once. With 1, the last key plays. Voices that are removed \
                 are released, and fade for up to 5 s",
            )
            .steady(),
            Param::linear(
                "glide",
                0.0..=5.0,
                0.0,
                Unit::Secs,
                "The time to glide from one note to the next",
            ),
            Param::steps("octave", -4.0..=4.0, 0.0, "Transposes by octaves"),
            Param::switch(
                "retrigger",
                true,
                "With one voice: whether a key pressed while another is held restarts the note, or \
                 only changes the pitch",
            )
            .steady(),
        ],
        // The gate of every voice, in volts, and then the pitch of its key.
        display: 2 * CHANNELS,
        screen: Some(Screen::Keys),
        text: Some(Text::Tuning),
        role: Some(Role::Keyboard),
        ..About::BLANK
    };

    fn change_rate(&mut self, change: &RateChange) {
        for voice in &mut self.voices {
            change.step(&mut voice.glide_step);
            change.all_frames([&mut voice.glide_frames, &mut voice.gap_frames]);
            voice.trigger.change_rate(change);
        }
        self.tail.change_rate(change);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let voices = block.choice(VOICES).clamp(1, CHANNELS);
        let channels = self.tail.channels(block, voices);
        block.set_channels(channels);
        if block.starts_quantum() {
            self.silence_from(voices);
            let hand = Hand::new(block, voices);
            self.tune(&hand);
            for event in block.events() {
                match *event {
                    Event::NoteOn { key, voct, velocity } => {
                        let is_number = voct.is_finite() && velocity.is_finite();
                        if is_number && hand.tuned(voct).is_some() {
                            self.note_on(Key { key, voct, velocity }, &hand);
                        }
                    }
                    Event::NoteOff { key } => self.note_off(key, &hand),
                    Event::Value { .. } => {}
                    Event::AllNotesOff => {
                        self.keys_down = 0;
                        self.silence_from(0);
                    }
                }
            }
        }
        if channels == 1 {
            play::<f32>(&mut self.voices[..1], block, 0);
        } else {
            for (group, voices) in self.voices[..channels].chunks_mut(LANES).enumerate() {
                play::<Lanes>(voices, block, group);
            }
        }
        for (channel, voice) in self.voices.iter().enumerate() {
            block.show(channel, if voice.is_held != 0 { GATE_VOLTS } else { 0.0 });
            block.show(CHANNELS + channel, voice.note.voct);
        }
    }
}

/// Lets the voices of one group sound. Where nothing moves, the first frame
/// holds for all.
#[inline(always)]
fn play<L: Lane>(voices: &mut [Voice], block: &mut Block, group: usize) {
    let octave = L::splat(block.param(OCTAVE));
    let is_still = voices.iter().all(Voice::is_still);
    let first = block.frames().start;
    let (mut voct, mut gate) = ([0.0; LANES], [0.0; LANES]);
    let (mut velocity, mut trigger) = ([0.0; LANES], [0.0; LANES]);
    for frame in block.frames() {
        if frame == first || !is_still {
            for (lane, voice) in voices.iter_mut().enumerate().take(LANES) {
                (gate[lane], trigger[lane]) = voice.gate_and_trigger(block.sample_rate_hz);
                voct[lane] = voice.glided();
                velocity[lane] = GATE_VOLTS * voice.note.velocity.clamp(0.0, 1.0);
            }
        }
        let [voct_out, gate_out, velocity_out, trigger_out] = block.outputs();
        voct_out.put(group, frame, L::from_lanes(voct) + octave);
        gate_out.put(group, frame, L::from_lanes(gate));
        velocity_out.put(group, frame, L::from_lanes(velocity));
        trigger_out.put(group, frame, L::from_lanes(trigger));
    }
}

/// How the keyboard is set while notes come in.
struct Hand<'a> {
    tuning: Option<Tuning<'a>>,
    voices: usize,
    glide_frames: u32,
    gap_frames: u32,
    is_legato: bool,
}

impl<'a> Hand<'a> {
    #[inline(always)]
    fn new(block: &Block<'a>, voices: usize) -> Hand<'a> {
        Hand {
            tuning: Tuning::of(block.clip().samples),
            voices,
            glide_frames: (block.param(GLIDE) * block.sample_rate_hz) as u32,
            gap_frames: pulse::frames(block.sample_rate_hz),
            is_legato: voices == 1 && !block.is_on(RETRIGGER),
        }
    }

    /// How the key of a pitch sounds. `None` where the tuning does not map it.
    #[inline(always)]
    fn tuned(&self, voct: f32) -> Option<f32> {
        self.tuning.map_or(Some(voct), |tuning| tuning.sounding(voct))
    }
}

impl Keyboard {
    /// Every voice follows the tuning, which may be another one. A key that it does not map
    /// sounds on as before.
    #[inline(always)]
    fn tune(&mut self, hand: &Hand) {
        for voice in &mut self.voices {
            voice.goal_voct = hand.tuned(voice.note.voct).unwrap_or(voice.goal_voct);
        }
    }

    #[inline(always)]
    fn note_on(&mut self, key: Key, hand: &Hand) {
        self.forget(key.key);
        if self.keys_down as usize == KEYS {
            self.keys.copy_within(1.., 0);
            self.keys_down -= 1;
        }
        self.keys[self.keys_down as usize % KEYS] = key;
        self.keys_down += 1;
        let voice = self.voice_for(key.key, hand.voices);
        self.turns = self.turns.wrapping_add(1);
        self.voices[voice].turn = self.turns;
        self.voices[voice].play(key, hand, hand.is_legato);
    }

    /// The voice that is set free takes up the last key down that no voice
    /// plays: the memory of a key held while another had its voice.
    #[inline(always)]
    fn note_off(&mut self, key: u32, hand: &Hand) {
        self.forget(key);
        self.turns = self.turns.wrapping_add(1);
        for voice in 0..hand.voices {
            if self.voices[voice].is_held == 0 || self.voices[voice].note.key != key {
                continue;
            }
            self.voices[voice].turn = self.turns;
            match self.last_unplayed(hand.voices) {
                Some(key) => self.voices[voice].play(key, hand, true),
                None => self.voices[voice].is_held = 0,
            }
        }
    }

    #[inline(always)]
    fn forget(&mut self, key: u32) {
        let down = self.keys_down as usize % (KEYS + 1);
        if let Some(at) = self.keys[..down].iter().position(|held| held.key == key) {
            self.keys[at..down].rotate_left(1);
            self.keys_down -= 1;
        }
    }

    #[inline(always)]
    fn last_unplayed(&self, voices: usize) -> Option<Key> {
        let down = self.keys_down as usize % (KEYS + 1);
        let is_played = |key: &&Key| {
            self.voices[..voices].iter().any(|v| v.is_held != 0 && v.note.key == key.key)
        };
        self.keys[..down].iter().rev().find(|key| !is_played(key)).copied()
    }

    /// The voice that plays this key already; else the one that has been free
    /// for longest; else the one whose note began first.
    #[inline(always)]
    fn voice_for(&self, key: u32, voices: usize) -> usize {
        let rank = |voice: &Voice| {
            let is_other = voice.is_held == 0 || voice.note.key != key;
            let age = self.turns.wrapping_sub(voice.turn);
            (is_other, voice.is_held, u32::MAX - age)
        };
        (0..voices).min_by_key(|&voice| rank(&self.voices[voice])).unwrap_or(0)
    }

    #[inline(always)]
    fn silence_from(&mut self, voice: usize) {
        self.voices[voice..].iter_mut().for_each(|voice| voice.is_held = 0);
    }
}

impl Voice {
    /// A voice that sounds begins anew after a gap of 1 ms in its gate, unless
    /// the new note is tied to the old one.
    #[inline(always)]
    fn play(&mut self, note: Key, hand: &Hand, is_tied: bool) {
        if !(is_tied && self.is_held != 0) {
            let gap_frames = if self.was_on != 0 { hand.gap_frames } else { 0 };
            self.gap_frames = self.gap_frames.max(1 + gap_frames);
        }
        self.note = note;
        self.is_held = 1;
        let glides = self.has_played != 0 && hand.glide_frames > 0;
        self.glide_frames = if glides { hand.glide_frames } else { 0 };
        self.goal_voct = hand.tuned(note.voct).unwrap_or(self.goal_voct);
        self.glide_step = (self.goal_voct - self.voct) / hand.glide_frames.max(1) as f32;
        self.has_played = 1;
    }

    /// Whether its next frames are all alike.
    #[inline(always)]
    fn is_still(&self) -> bool {
        self.gap_frames == 0 && self.glide_frames == 0 && !self.trigger.is_on()
    }

    #[inline(always)]
    fn glided(&mut self) -> f32 {
        if self.glide_frames > 1 {
            self.glide_frames -= 1;
            self.voct += self.glide_step;
        } else {
            self.glide_frames = 0;
            self.voct = self.goal_voct;
        }
        self.voct
    }

    /// The gate stays on at least as long as the trigger, so that a note which
    /// ends at once is still heard.
    #[inline(always)]
    fn gate_and_trigger(&mut self, sample_rate_hz: f32) -> (f32, f32) {
        if self.gap_frames > 1 {
            self.gap_frames -= 1;
            self.was_on = 0;
            return (0.0, 0.0);
        }
        if self.gap_frames == 1 {
            self.gap_frames = 0;
            self.trigger.start(sample_rate_hz);
        }
        let trigger = self.trigger.volts();
        let gate = if self.is_held != 0 { GATE_VOLTS } else { trigger };
        self.was_on = (gate > 0.0) as u32;
        (gate, trigger)
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_dsp::tuning;
    use sostenuto_dsp::tuning::scala::{Mapping, Scale};

    use super::*;
    use crate::rig::Rig;

    fn on(key: u32) -> Event {
        Event::NoteOn { key, voct: key as f32 / 12.0, velocity: 0.5 }
    }

    fn off(key: u32) -> Event {
        Event::NoteOff { key }
    }

    fn rig() -> Rig {
        Rig::new::<Keyboard>(48_000.0)
    }

    #[test]
    fn a_key_is_a_pitch_a_gate_a_velocity_and_a_trigger() {
        let mut rig = rig();
        assert_eq!(rig.run(32).channel("gate", 0), [0.0; 32]);
        let out = rig.event(on(12)).run(96);
        assert_eq!(out.channel("voct", 0), [1.0; 96]);
        assert_eq!(out.channel("gate", 0), [10.0; 96]);
        assert_eq!(out.channel("velocity", 0), [5.0; 96]);
        assert_eq!(out.channel("trigger", 0).iter().filter(|&&v| v == 10.0).count(), 48);
        let out = rig.event(off(12)).run(32);
        assert_eq!(out.channel("gate", 0), [0.0; 32]);
        assert_eq!(out.channel("voct", 0), [1.0; 32]);
    }

    #[test]
    fn it_shows_which_voices_are_held_and_which_keys_they_play() {
        let mut rig = rig();
        rig.set("voices", 2.0);
        rig.event(on(12)).event(on(24)).run(96);
        let shown = rig.display();
        assert_eq!(
            (&shown[..3], &shown[CHANNELS..][..2]),
            (&[10.0, 10.0, 0.0][..], &[1.0, 2.0][..])
        );
        rig.event(off(12)).run(32);
        assert_eq!(rig.display()[..2], [0.0, 10.0]);
    }

    #[test]
    fn the_last_key_has_the_voice_and_the_one_before_gets_it_back() {
        let mut rig = rig();
        rig.event(on(0)).run(96);
        let out = rig.event(on(24)).run(96);
        assert_eq!(out.channel("voct", 0), [2.0; 96]);
        assert_eq!(out.channel("gate", 0)[..48], [0.0; 48]);
        assert_eq!(out.channel("gate", 0)[48..], [10.0; 48]);
        assert_eq!(out.channel("trigger", 0)[48..], [10.0; 48]);
        let out = rig.event(off(24)).run(96);
        assert_eq!(out.channel("voct", 0), [0.0; 96]);
        assert_eq!(out.channel("gate", 0), [10.0; 96]);
        assert_eq!(rig.event(off(0)).run(32).channel("gate", 0), [0.0; 32]);
    }

    #[test]
    fn without_retrigger_a_new_key_only_changes_the_pitch() {
        let mut rig = rig();
        rig.set("retrigger", 0.0).event(on(0)).run(96);
        let out = rig.event(on(12)).run(96);
        assert_eq!(out.channel("voct", 0), [1.0; 96]);
        assert_eq!(out.channel("gate", 0), [10.0; 96]);
        assert_eq!(out.channel("trigger", 0), [0.0; 96]);
    }

    #[test]
    fn a_note_within_one_quantum_is_still_a_gate() {
        let mut rig = rig();
        let out = rig.event(on(12)).event(off(12)).run(96);
        assert_eq!(out.channel("gate", 0)[..48], [10.0; 48]);
        assert_eq!(out.channel("gate", 0)[48..], [0.0; 48]);
    }

    #[test]
    fn a_key_struck_again_within_one_quantum_is_heard_again() {
        for voices in [1.0, 2.0] {
            let mut rig = rig();
            rig.set("voices", voices).event(on(12)).run(96);
            let out = rig.event(off(12)).event(on(24)).event(off(24)).event(on(12)).run(96);
            let voice = (0..out.channels("gate"))
                .find(|&voice| out.channel("gate", voice)[95] == 10.0)
                .unwrap();
            assert_eq!(out.channel("voct", voice)[95], 1.0);
            assert_eq!(out.channel("gate", voice)[..48], [0.0; 48]);
            assert_eq!(out.channel("trigger", voice)[48..], [10.0; 48]);
        }
    }

    #[test]
    fn a_note_that_is_no_number_is_no_note() {
        let mut rig = rig();
        let note = Event::NoteOn { key: 1, voct: f32::NAN, velocity: 0.5 };
        assert_eq!(rig.event(note).run(32).channel("gate", 0), [0.0; 32]);
        assert_eq!(rig.not_finite(), 0);
    }

    #[test]
    fn a_chord_has_a_voice_for_every_key() {
        let mut rig = rig();
        let out = rig.set("voices", 4.0).event(on(0)).event(on(12)).event(on(24)).run(32);
        assert_eq!(out.channels("voct"), 4);
        let gates: Vec<f32> = (0..4).map(|voice| out.channel("gate", voice)[0]).collect();
        let vocts: Vec<f32> = (0..3).map(|voice| out.channel("voct", voice)[0]).collect();
        assert_eq!(gates, [10.0, 10.0, 10.0, 0.0]);
        assert_eq!(vocts, [0.0, 1.0, 2.0]);
    }

    #[test]
    fn a_new_note_takes_the_voice_that_was_free_for_longest_then_the_oldest() {
        let mut rig = rig();
        rig.set("voices", 3.0).event(on(0)).event(on(1)).event(on(2)).run(96);
        rig.event(off(1)).event(off(0)).run(96);
        let out = rig.event(on(12)).run(96);
        assert_eq!(out.channel("voct", 1)[0], 1.0);
        rig.event(on(24)).run(96);
        // Voice 3 has played since the beginning.
        let out = rig.event(on(36)).run(96);
        assert_eq!(out.channel("voct", 2)[0], 3.0);
        assert_eq!(out.channel("gate", 2)[..48], [0.0; 48]);
        assert_eq!(out.channel("gate", 2)[48], 10.0);
        assert_eq!(out.channel("gate", 1)[0], 10.0);
    }

    #[test]
    fn voices_that_are_turned_away_are_let_go_and_stay_to_fade() {
        let mut rig = rig();
        rig.set("voices", 3.0).event(on(0)).event(on(1)).event(on(2)).run(96);
        let out = rig.set("voices", 1.0).run(48_000);
        assert_eq!(out.channels("gate"), 3);
        for voice in 1..3 {
            assert_eq!(out.channel("gate", voice)[..64], [0.0; 64]);
            assert_eq!(out.channel("voct", voice)[47_999], voice as f32 / 12.0);
        }
        rig.run(5 * 48_000);
        assert_eq!(rig.run(32).channels("gate"), 1);
        // They come back without their keys.
        let out = rig.set("voices", 3.0).run(32);
        assert!((1..3).all(|voice| out.channel("gate", voice)[31] == 0.0));
    }

    #[test]
    fn glide_takes_its_time_and_arrives() {
        let mut rig = rig();
        rig.set("glide", 0.01).event(on(0)).run(96);
        let out = rig.event(on(12)).run(512);
        let voct = out.channel("voct", 0);
        assert!((voct[239] - 0.5).abs() < 1e-3, "{}", voct[239]);
        assert!(voct[478] < 1.0);
        assert_eq!(voct[479..], [1.0; 33]);
    }

    #[test]
    fn the_octave_moves_every_note() {
        let mut rig = rig();
        let out = rig.set("octave", -2.0).event(on(12)).run(32);
        assert_eq!(out.channel("voct", 0), [-1.0; 32]);
    }

    /// A tuning of five equal steps, on the keys from C4 to C5.
    fn five_steps() -> Vec<f32> {
        let scale = Scale::read("Five\n5\n240.0\n480.0\n720.0\n960.0\n2/1").unwrap();
        let keys = Mapping::read("0\n60\n72\n60\n60\n261.6256").unwrap();
        tuning::compile(&scale, &keys).unwrap()
    }

    #[test]
    fn a_key_sounds_what_its_tuning_says_and_shows_which_it_is() {
        let mut rig = rig();
        let out = rig.clip(five_steps(), 1, 0.0).event(on(3)).run(96);
        assert!((out.channel("voct", 0)[95] - 0.6).abs() < 1e-5);
        assert_eq!(rig.display()[CHANNELS], 0.25);
        // Half way between two keys stays half way.
        let bent = Event::NoteOn { key: 4, voct: 4.5 / 12.0, velocity: 0.5 };
        let out = rig.event(bent).run(96);
        assert!((out.channel("voct", 0)[95] - 1.0 + 0.5 / 12.0).abs() < 1e-5);
    }

    #[test]
    fn a_key_that_is_not_mapped_plays_nothing() {
        let mut rig = rig();
        rig.clip(five_steps(), 1, 0.0);
        assert_eq!(rig.event(on(13)).run(96).channel("gate", 0), [0.0; 96]);
        rig.event(on(2)).run(96);
        let out = rig.event(on(-1i32 as u32)).run(96);
        assert_eq!(out.channel("gate", 0), [10.0; 96], "the note before plays on");
    }

    #[test]
    fn a_note_that_is_held_follows_another_tuning() {
        let mut rig = rig();
        assert_eq!(rig.event(on(12)).run(96).channel("voct", 0), [1.0; 96]);
        let out = rig.clip(five_steps(), 1, 0.0).run(32);
        assert!((out.channel("voct", 0)[0] - 2.4).abs() < 1e-5);
        assert_eq!(out.channel("gate", 0), [10.0; 32]);
        assert_eq!(rig.clip([], 0, 0.0).run(32).channel("voct", 0), [1.0; 32]);
    }

    #[test]
    fn all_notes_off_closes_every_gate_and_forgets_every_key() {
        let mut rig = rig();
        rig.set("voices", 2.0);
        (0..40).for_each(|key| _ = rig.event(on(key)));
        rig.run(320);
        let out = rig.event(Event::AllNotesOff).run(32);
        assert_eq!(out.channel("gate", 0), [0.0; 32]);
        assert_eq!(out.channel("gate", 1), [0.0; 32]);
        let out = rig.event(off(39)).run(32);
        assert_eq!(out.channel("gate", 1), [0.0; 32]);
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |cut: bool| {
            let mut rig = rig();
            rig.set("voices", 3.0).set("glide", 0.003).clip(five_steps(), 1, 0.0);
            if cut {
                rig.frame_by_frame();
            }
            let mut all = Vec::new();
            for step in 0..60u32 {
                rig.event(if step % 3 == 2 { off(step * 7 % 5) } else { on(step * 5 % 7) });
                let out = rig.run(32);
                for port in ["voct", "gate", "trigger", "velocity"] {
                    (0..3).for_each(|voice| all.extend_from_slice(out.channel(port, voice)));
                }
            }
            all
        };
        assert!(render(false) == render(true));
    }
}
