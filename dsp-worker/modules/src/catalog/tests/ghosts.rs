//! What holds for every module whose channels go and come back: nothing sounds
//! then that no key holds, and nothing is cut off.

use std::cell::Cell;
use std::ops::Range;

use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::{AUDIO_VOLTS, GATE_VOLTS};

use super::scene::{ROUND, Scene};
use super::*;
use super::{at_every_choice, every_module_passes, volts};
use crate::clip::Text;
use crate::module::Event;
use crate::rig::{Render, Rig};

/// As at [`super`].
const RATE_HZ: usize = 48_000;
const VOICES: usize = 4;
/// What is as good as nothing, in volts.
const SILENT_VOLTS: f32 = 2e-3;
/// As long as fades take, in frames, and a little longer.
const FADE_FRAMES: usize = RATE_HZ / 100;

/// What hands do with every cable.
#[derive(Clone, Copy, Debug)]
enum Hands {
    /// They never come.
    Away,
    /// A gate on every cable.
    Hold,
    /// A gate where gates are taken, and noise elsewhere.
    HoldAndBlow,
}

impl Hands {
    fn feed(self, rig: &mut Rig, entry: &Entry, channels: usize) {
        for (index, port) in entry.about.inputs.iter().enumerate() {
            let takes_gates = ["gate", "trigger", "open", "closed", "clock"].contains(&port.name);
            rig.feed_channels(port.name, channels, move |channel, frame| match self {
                Hands::HoldAndBlow if !takes_gates => {
                    let seed = 64 * frame + 16 * index as u64 + channel as u64;
                    AUDIO_VOLTS * Random::new(seed).bipolar()
                }
                Hands::Hold | Hands::HoldAndBlow if frame > 10 + 7 * channel as u64 => GATE_VOLTS,
                _ => 0.0,
            });
        }
        if entry.about.tags.contains(&Tag::Notes) {
            for key in 0..channels as u32 {
                rig.event(match self {
                    Hands::Away => Event::NoteOff { key },
                    _ => Event::NoteOn { key, voct: key as f32 / 12.0, velocity: 1.0 },
                });
            }
        }
    }
}

/// How a note's channel goes, and comes back.
#[derive(Clone, Copy, Debug)]
enum Away {
    Fewer,
    Unplugged,
    Bypassed,
}

impl Away {
    fn go(self, rig: &mut Rig, entry: &Entry, hands: Hands) {
        match self {
            Away::Fewer => hands.feed(rig, entry, 1),
            Away::Unplugged => {
                entry.about.inputs.iter().for_each(|port| _ = rig.unplug(port.name));
            }
            Away::Bypassed => _ = rig.bypass(true),
        }
    }

    /// The keys go up while it is away.
    fn come_back(self, rig: &mut Rig, entry: &Entry, before: Render) -> [Render; 3] {
        match self {
            Away::Fewer => Hands::Away.feed(rig, entry, 1),
            Away::Unplugged => {}
            Away::Bypassed => Hands::Away.feed(rig, entry, VOICES),
        }
        rig.run(RATE_HZ / 10);
        let meanwhile = rig.run(32);
        Hands::Away.feed(rig, entry, VOICES);
        rig.bypass(false);
        [before, meanwhile, rig.run(RATE_HZ / 20)]
    }
}

/// What is heard before, while the channels are away, and once they are back.
fn story(entry: &Entry, rig: &mut Rig, hands: Hands, away: Away) -> [Render; 3] {
    put_in_a_sound(entry, rig);
    hands.feed(rig, entry, VOICES);
    let before = rig.run(RATE_HZ / 20);
    away.go(rig, entry, hands);
    rig.run(FADE_FRAMES);
    away.come_back(rig, entry, before)
}

fn put_in_a_sound(entry: &Entry, rig: &mut Rig) {
    if entry.about.text == Some(Text::Sound) {
        let noise = |frame| AUDIO_VOLTS * Random::new(frame).bipolar();
        rig.clip((0..2 * RATE_HZ as u64).map(noise).collect::<Vec<_>>(), 1, RATE_HZ as f32);
    }
}

/// Whether an output stays where it is, and where that is.
fn rests_at(volts: &[f32]) -> Option<f32> {
    let (low, high) = volts.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    (high - low < SILENT_VOLTS).then_some(low)
}

/// Which channels of an output were away.
fn were_away(
    about: &About,
    port: &str,
    away: Away,
    [before, meanwhile, _]: &[Render; 3],
) -> Range<usize> {
    match away {
        // It goes on, and what it plays may fade.
        Away::Bypassed if about.goes_on_bypassed() => 0..0,
        Away::Bypassed => 0..before.channels(port),
        _ => meanwhile.channels(port)..before.channels(port),
    }
}

#[test]
fn no_note_sounds_that_no_key_holds() {
    let judged = Cell::new(0);
    every_module_passes(|entry| {
        for index in 0..at_every_choice(entry).len() {
            let rig = || at_every_choice(entry).swap_remove(index);
            let (choice, mut alone) = rig();
            put_in_a_sound(entry, &mut alone);
            Hands::Away.feed(&mut alone, entry, VOICES);
            let alone = alone.run(2 * RATE_HZ);
            for away in [Away::Fewer, Away::Unplugged, Away::Bypassed] {
                let should_be = story(entry, &mut rig().1, Hands::Away, away);
                for hands in [Hands::Hold, Hands::HoldAndBlow] {
                    let heard = story(entry, &mut rig().1, hands, away);
                    for port in entry.about.outputs {
                        for channel in were_away(entry.about, port.name, away, &heard) {
                            let [alone, should_be, heard] = [&alone, &should_be[2], &heard[2]]
                                .map(|render| render.channel(port.name, channel));
                            // What moves by itself is no note.
                            let (Some(_), Some(rest)) = (rests_at(alone), rests_at(should_be))
                            else {
                                continue;
                            };
                            judged.set(judged.get() + 1);
                            let off = heard.iter().map(|volts| (volts - rest).abs());
                            let off = off.fold(0.0, f32::max);
                            if off > 2.0 * SILENT_VOLTS {
                                let what = format!("{choice}, {hands:?}, {away:?}");
                                let port = port.name;
                                return Err(format!("{what}: {port} {channel} is {off} V off"));
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    });
    assert!(judged.get() > 1000, "only {} channels were judged", judged.get());
}

#[test]
fn a_channel_that_goes_fades_from_where_it_was() {
    let fade_frames = (sostenuto_dsp::units::FADE_SECS * RATE_HZ as f32) as usize;
    let faded = Cell::new(0);
    every_module_passes(|entry| {
        for is_cut in [false, true] {
            let mut rig = Rig::named(entry.about.name, RATE_HZ as f32);
            if is_cut {
                rig.frame_by_frame();
            }
            Hands::HoldAndBlow.feed(&mut rig, entry, VOICES);
            let before = rig.run(RATE_HZ / 20);
            Hands::HoldAndBlow.feed(&mut rig, entry, 1);
            let fades = rig.run(fade_frames);
            rig.run(RATE_HZ / 100);
            let after = rig.run(1);
            for port in entry.about.outputs {
                let left = after.channels(port.name)..before.channels(port.name);
                for channel in left {
                    if fades.channels(port.name) <= channel {
                        return Err(format!("{}: channel {channel} is cut off", port.name));
                    }
                    faded.set(faded.get() + 1);
                    let was = before.channel(port.name, channel)[before.main().len() - 1];
                    for (frame, &volts) in fades.channel(port.name, channel).iter().enumerate() {
                        let should_be = was * (1.0 - frame as f32 / fade_frames as f32);
                        if (volts - should_be).abs() > 1e-3 * was.abs().max(1.0) {
                            let place = format!("{} {channel} at {frame}", port.name);
                            return Err(format!("{place}: {volts} V, not {should_be} V"));
                        }
                    }
                }
            }
        }
        Ok(())
    });
    assert!(faded.get() > 200, "only {} channels faded", faded.get());
}

#[test]
fn what_goes_on_while_it_is_bypassed_is_where_it_would_be() {
    every_module_passes(|entry| {
        if !entry.about.goes_on_bypassed() {
            return Ok(());
        }
        for seed in 0..4 {
            let scene = Scene::new(entry, seed);
            let (mut always, mut bypassed) = (scene.rig(), scene.rig());
            for round in 1..=15 {
                bypassed.bypass(round % 5 < 3);
                scene.set(&mut always, round);
                scene.set(&mut bypassed, round);
                let (should_be, is) = (always.run(ROUND), bypassed.run(ROUND));
                if round % 5 == 4 && volts(entry, &should_be) != volts(entry, &is) {
                    return Err(format!("other in round {round} of scene {seed}"));
                }
                // Longer than it takes to fade back.
                always.run(8 * ROUND);
                bypassed.run(8 * ROUND);
            }
        }
        Ok(())
    });
}

#[test]
fn hands_reach_a_module_that_is_bypassed() {
    let played = |about: &About| about.tags.iter().any(|tag| [Tag::Play, Tag::Notes].contains(tag));
    for entry in well_behaved().filter(|entry| played(entry.about)) {
        assert!(entry.about.goes_on_bypassed(), "{}", entry.about.name);
    }
    let on = Event::NoteOn { key: 60, voct: 0.0, velocity: 1.0 };
    for (module, gate) in [("keyboard", "gate"), ("buttons", "gate-1"), ("osc-in", "value-1")] {
        let (press, lift) = match module {
            "osc-in" => (
                Event::Value { index: 0, volts: GATE_VOLTS },
                Event::Value { index: 0, volts: 0.0 },
            ),
            _ => (on, Event::NoteOff { key: 60 }),
        };
        // Pressed before it is bypassed, and let go; or pressed then, and held.
        for (before, during, gate_volts) in [(press, lift, 0.0), (lift, press, GATE_VOLTS)] {
            let mut rig = Rig::named(module, RATE_HZ as f32);
            rig.event(before).run(RATE_HZ / 2);
            rig.bypass(true).run(FADE_FRAMES);
            let silent = rig.event(during).run(RATE_HZ / 2);
            assert_eq!(silent.channel(gate, 0), vec![0.0; RATE_HZ / 2]);
            rig.bypass(false).run(FADE_FRAMES);
            let volts = rig.run(32).channel(gate, 0)[31];
            assert!((volts - gate_volts).abs() < 1e-3, "{module}: {volts} V");
        }
    }
}
