//! What holds for every module there is and will be.

mod clocked;
mod ghosts;
mod scene;

use std::panic::{AssertUnwindSafe, catch_unwind};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::units::{AUDIO_VOLTS, CHANNELS, QUANTUM};

use self::scene::{ROUND, Scene, storm};
use super::*;
use crate::module::Event;
use crate::param::{Param, Taper};
use crate::rig::{Render, Rig};

/// Ends the program where memory is asked for while it must not be.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const RATE_HZ: f32 = 48_000.0;
/// 100 dB below full scale.
const SILENT_VOLTS: f32 = 1e-4;
const LONGEST_TAIL_SECS: usize = 60;

#[test]
fn every_name_is_once_in_the_catalogue_and_fit_for_a_file() {
    for (index, entry) in CATALOG.iter().enumerate() {
        let about = entry.about;
        assert_eq!(find(about.name).unwrap().0, index, "{}", about.name);
        let names = about.inputs.iter().map(|port| port.name);
        let names = names.chain(about.params.iter().map(|param| param.name));
        for name in names.chain(about.outputs.iter().map(|port| port.name)).chain([about.name]) {
            let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(!name.is_empty() && name.chars().all(fit), "{}: {name}", about.name);
        }
        for port in about.inputs.iter().chain(about.outputs) {
            assert!(!port.help.is_empty(), "{}.{}", about.name, port.name);
        }
        assert!(!about.summary.is_empty() && !about.tags.is_empty(), "{}", about.name);
    }
}

#[test]
fn no_two_inputs_outputs_or_params_of_a_module_have_one_name() {
    for entry in CATALOG {
        let about = entry.about;
        let ports = |ports: &[crate::module::Port]| ports.iter().map(|port| port.name).collect();
        let params = about.params.iter().map(|param| param.name).collect();
        for mut names in [ports(about.inputs), ports(about.outputs), params] {
            let names: &mut Vec<&str> = &mut names;
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}: {names:?}", about.name);
        }
    }
}

#[test]
fn each_role_is_one_modules() {
    let has = |role: Role| CATALOG.iter().filter(|entry| entry.about.role == Some(role)).count();
    assert_eq!(Role::ALL.map(has), [1; Role::ALL.len()]);
}

#[test]
fn what_keeps_time_has_no_tapes_and_is_not_held() {
    for entry in CATALOG.iter().filter(|entry| entry.about.keeps_time) {
        let about = entry.about;
        assert!((entry.tapes)(48_000.0).is_empty(), "{}", about.name);
        if about.tags.contains(&Tag::Notes) {
            let mut rig = Rig::named(about.name, 48_000.0);
            rig.event(Event::NoteOn { key: 60, voct: 0.0, velocity: 1.0 }).run(480);
            let out = rig.run(480);
            for port in about.outputs {
                assert_eq!(out.channel(port.name, 0), [0.0; 480], "{}.{}", about.name, port.name);
            }
        }
    }
}

#[test]
fn every_param_starts_where_it_may_be() {
    for entry in CATALOG {
        for param in entry.about.params {
            let name = format!("{}.{}", entry.about.name, param.name);
            assert_eq!(param.legal(param.default), param.default, "{name}");
            assert!(param.range.start() < param.range.end(), "{name}");
            assert!(!param.help.is_empty(), "{name}");
            assert!(param.taper != Taper::Log || *param.range.start() > 0.0, "{name}");
        }
    }
}

#[test]
fn every_bypass_route_leads_from_an_input_to_an_output() {
    for entry in CATALOG {
        for &(input, output) in entry.about.bypass {
            assert!(input < entry.about.inputs.len(), "{}", entry.about.name);
            assert!(output < entry.about.outputs.len(), "{}", entry.about.name);
        }
    }
}

/// What every module is to pass. All that do not are named at once.
pub(super) fn every_module_passes(test: impl Fn(&'static Entry) -> Result<(), String>) {
    let failed = well_behaved().filter_map(|entry| {
        let result = catch_unwind(AssertUnwindSafe(|| test(entry)));
        let why = match result {
            Ok(Ok(())) => return None,
            Ok(Err(why)) => why,
            Err(_) => "it panics".to_owned(),
        };
        Some(format!("{}: {why}", entry.about.name))
    });
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

#[test]
fn whatever_happens_every_module_makes_finite_volts() {
    every_module_passes(|entry| {
        for seed in 0..4 {
            let scene = Scene::new(entry, seed);
            let mut rig = scene.rig();
            for round in 1..=24 {
                scene.set(&mut rig, round);
                rig.run(ROUND);
                if rig.not_finite() > 0 {
                    return Err(format!("not finite in round {round} of scene {seed}"));
                }
            }
        }
        Ok(())
    });
}

/// All volts that came out, port by port and channel by channel, and how many
/// channels there were.
pub(super) fn volts(entry: &Entry, render: &Render) -> Vec<u32> {
    let mut bits = Vec::new();
    for port in entry.about.outputs {
        bits.push(render.channels(port.name) as u32);
        for channel in 0..render.channels(port.name) {
            bits.extend(render.channel(port.name, channel).iter().map(|volts| volts.to_bits()));
        }
    }
    bits
}

#[test]
fn any_cut_gives_the_same_samples() {
    every_module_passes(|entry| {
        for seed in 0..3 {
            let scene = Scene::new(entry, seed);
            let (mut whole, mut by_frame, mut cut) = (scene.rig(), scene.rig(), scene.rig());
            by_frame.frame_by_frame();
            let mut random = Random::new(seed);
            for round in 1..=6 {
                for rig in [&mut whole, &mut by_frame, &mut cut] {
                    scene.set(rig, round);
                }
                let should_be = whole.run(ROUND);
                if volts(entry, &by_frame.run(ROUND)) != volts(entry, &should_be) {
                    return Err(format!("other frame by frame in round {round} of scene {seed}"));
                }
                let mut at = 0;
                while at < ROUND {
                    let frames = (1 + random.bits() as usize % 60).min(ROUND - at);
                    let piece = cut.run(frames);
                    for port in entry.about.outputs {
                        for channel in 0..piece.channels(port.name) {
                            let should_be = &should_be.channel(port.name, channel)[at..at + frames];
                            if piece.channel(port.name, channel) != should_be {
                                let port = port.name;
                                let place = format!("{at}+{frames} in round {round}");
                                return Err(format!("{port} other, cut at {place} of {seed}"));
                            }
                        }
                    }
                    at += frames;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_block_repeated_from_its_committed_state_gives_the_same_samples() {
    every_module_passes(|entry| {
        for seed in 0..3 {
            let scene = Scene::new(entry, seed);
            let (mut lives, mut dies) = (scene.rig(), scene.rig());
            let mut random = Random::new(seed);
            for round in 1..=8 {
                scene.set(&mut lives, round);
                scene.set(&mut dies, round);
                let committed = dies.committed();
                for _ in 0..2 {
                    dies.run(1 + random.bits() as usize % ROUND);
                    dies.take_over(&committed);
                    scene.set(&mut dies, round);
                }
                let (should_be, is) = (lives.run(ROUND), dies.run(ROUND));
                if volts(entry, &should_be) != volts(entry, &is) {
                    return Err(format!("other when repeated in round {round} of scene {seed}"));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn no_module_allocates() {
    every_module_passes(|entry| {
        // The allocator ends the program without a word.
        eprintln!("{}", entry.about.name);
        for seed in 0..2 {
            let scene = Scene::new(entry, seed);
            let mut rig = scene.rig();
            rig.committed();
            for round in 1..=16 {
                scene.set(&mut rig, round);
                for _ in 0..3 {
                    assert_no_alloc(|| rig.quantum());
                }
            }
        }
        Ok(())
    });
}

#[test]
fn after_voltages_beyond_all_measure_every_module_goes_on() {
    every_module_passes(|entry| {
        for seed in 0..3 {
            let scene = Scene::new(entry, seed);
            let mut rig = scene.rig();
            scene.set(&mut rig, 1);
            for (index, port) in entry.about.inputs.iter().enumerate() {
                rig.feed_channels(port.name, 3, storm(seed + 8 * index as u64));
            }
            rig.run(8 * ROUND);
            scene.set(&mut rig, 2);
            rig.run(24_000);
            let before = rig.not_finite();
            rig.run(ROUND);
            if rig.not_finite() > before {
                return Err(format!("still not finite after the storm of scene {seed}"));
            }
        }
        Ok(())
    });
}

/// The module at its default, and at every other value of each of its choices
/// alone.
pub(super) fn at_every_choice(entry: &'static Entry) -> Vec<(String, Rig)> {
    let rig = || Rig::named(entry.about.name, RATE_HZ);
    let others = |param: &'static Param| {
        let count = if let Taper::Choice(choices) = param.taper { choices.len() } else { 0 };
        (0..count).map(|index| index as f32).filter(|&value| value != param.default).map(
            move |value| {
                let mut rig = rig();
                rig.set(param.name, value);
                (format!("{} {}", param.name, param.show(value)), rig)
            },
        )
    };
    let default = ("default".to_owned(), rig());
    std::iter::once(default).chain(entry.about.params.iter().flat_map(others)).collect()
}

fn peak(entry: &Entry, render: &Render, output: usize) -> f32 {
    let name = entry.about.outputs[output].name;
    let channels = (0..render.channels(name)).flat_map(|channel| render.channel(name, channel));
    channels.fold(0.0, |peak, volts| volts.abs().max(peak))
}

#[test]
fn after_silence_in_there_is_silence_out() {
    every_module_passes(|entry| {
        let about = entry.about;
        if about.sounds_by_itself() {
            return Ok(());
        }
        let is_passed = |output: usize| about.bypass.iter().any(|&(_, to)| to == output);
        let outputs = (0..about.outputs.len()).filter(|&o| about.is_audio(o) || is_passed(o));
        let outputs: Vec<usize> = outputs.collect();
        for (choice, mut rig) in at_every_choice(entry) {
            // What a switch holds, it may hold for ever.
            if choice.ends_with(" on") {
                continue;
            }
            let mut feed = |is_on: bool| {
                for &(input, _) in about.bypass {
                    let noise = move |_: usize, frame: u64| {
                        if is_on { AUDIO_VOLTS * Random::new(frame).bipolar() } else { 0.0 }
                    };
                    rig.feed_channels(about.inputs[input].name, 2, noise);
                }
                rig.run(12_000)
            };
            feed(true);
            let is_silent = (0..4 * LONGEST_TAIL_SECS).any(|_| {
                let render = feed(false);
                outputs.iter().all(|&output| peak(entry, &render, output) < SILENT_VOLTS)
            });
            if !is_silent {
                return Err(format!("{choice}: it never falls silent"));
            }
        }
        Ok(())
    });
}

/// A chord of saws without a constant part, of 0.1 s.
fn chord(frame: u64) -> f32 {
    let saw = |period: u64| {
        let place = (frame % period) as f32 + 0.5;
        3.0 * (place / period as f32 - 0.5)
    };
    saw(480) + saw(320) + saw(240)
}

/// Gates of 10 V, four in a second.
fn gates(frame: u64) -> f32 {
    if frame % 12_000 < 6_000 { 10.0 } else { 0.0 }
}

#[test]
fn where_audio_is_promised_there_is_no_constant_voltage() {
    every_module_passes(|entry| {
        let about = entry.about;
        let audio: Vec<usize> = (0..about.outputs.len()).filter(|&o| about.is_audio(o)).collect();
        if audio.is_empty() {
            return Ok(());
        }
        for (choice, mut rig) in at_every_choice(entry) {
            for (index, port) in about.inputs.iter().enumerate() {
                if about.bypass.iter().any(|&(from, _)| from == index) {
                    rig.feed(port.name, |_, frame| chord(frame));
                } else if ["gate", "trigger"].contains(&port.name) {
                    rig.feed(port.name, |_, frame| gates(frame));
                }
            }
            rig.run(96_000);
            let render = rig.run(192_000);
            // Slow chance has not come round in four seconds.
            let share = if about.tags.contains(&Tag::Random) { 0.3 } else { 0.03 };
            for &output in &audio {
                let name = about.outputs[output].name;
                let volts = render.channel(name, 0).iter().map(|&volts| f64::from(volts));
                let mean = volts.clone().sum::<f64>() / volts.len() as f64;
                let level = (volts.clone().map(|v| v * v).sum::<f64>() / volts.len() as f64).sqrt();
                if mean.abs() > 0.001 + share * level {
                    return Err(format!("{choice}: {name} has {mean:.3} V in {level:.3} V"));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_bypassed_module_passes_what_it_declares() {
    every_module_passes(|entry| {
        let about = entry.about;
        let volts = |input: usize, channel: usize, frame: u64| {
            (frame % 97) as f32 * 0.1 - input as f32 + channel as f32
        };
        for (begins_bypassed, channels) in [(true, 1), (false, 1), (true, 5), (false, CHANNELS)] {
            let mut rig = Rig::named(about.name, RATE_HZ);
            for (index, port) in about.inputs.iter().enumerate() {
                rig.feed_channels(port.name, channels, move |c, frame| volts(index, c, frame));
            }
            if !begins_bypassed {
                rig.run(320);
            }
            rig.bypass(true).run(3200);
            let first = if begins_bypassed { 3200 } else { 3520 };
            let render = rig.run(64);
            for (output, port) in about.outputs.iter().enumerate() {
                let route = about.bypass.iter().find(|&&(_, to)| to == output);
                for channel in 0..render.channels(port.name) {
                    let should_be = |frame: u64| {
                        route.map_or(0.0, |&(from, _)| volts(from, channel, first + frame))
                    };
                    let should_be: Vec<f32> = (0..64).map(should_be).collect();
                    if render.channel(port.name, channel) != should_be {
                        return Err(format!("{} does not pass {channels} channels", port.name));
                    }
                }
                if route.is_some() && render.channels(port.name) != channels {
                    return Err(format!("{} has not {channels} channels", port.name));
                }
            }
        }
        Ok(())
    });
}

/// Whether every frame is within what the other had within a moment of it.
fn is_near(is: &[f32], should_be: &[f32], slack: usize) -> bool {
    let far = is.iter().enumerate().filter(|&(at, &volts)| {
        let around = &should_be[at.saturating_sub(slack)..(at + slack + 1).min(should_be.len())];
        let (low, high) =
            around.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        !(low - 0.05..=high + 0.05).contains(&volts)
    });
    // A few: where a phase has not the same last bit, a step is a frame off.
    far.count() * 500 <= is.len()
}

/// Times of rising edges, in frames.
fn rises(volts: &[f32]) -> Vec<usize> {
    let mut gate = Schmitt::default();
    let edges = volts.iter().enumerate().filter(|(_, volts)| gate.rises(**volts));
    edges.map(|(frame, _)| frame).collect()
}

fn level(volts: &[f32]) -> f32 {
    (volts.iter().map(|volts| volts * volts).sum::<f32>() / volts.len() as f32).sqrt()
}

#[test]
fn after_another_sample_rate_every_module_is_where_it_would_have_been() {
    every_module_passes(|entry| {
        let about = entry.about;
        // The instants: within a trigger, within a gate, between two clocks.
        let rates = [(48_000.0, 96_000.0), (96_000.0, 48_000.0), (48_000.0, 44_100.0)];
        for (from_hz, to_hz) in rates {
            for secs in [0.96, 1.28, 1.0 + 32.0 / 48_000.0, 1.125 + 32.0 / 48_000.0] {
                let frames = |hz: f32| (secs * f64::from(hz)).round() as usize;
                if !frames(from_hz).is_multiple_of(QUANTUM)
                    || !frames(to_hz).is_multiple_of(QUANTUM)
                {
                    continue;
                }
                // A glide is on its way by then.
                let lead = |hz: f32| (hz / 75.0).round() as usize;
                let glides = about.param("glide").is_some();
                let rig = |hz: f32| {
                    let mut rig = Rig::at_work(about.name, hz, 2);
                    if glides {
                        rig.set("glide", 0.5);
                    }
                    rig.run(frames(hz) - lead(hz));
                    if glides {
                        rig.event(Event::NoteOn { key: 9, voct: 2.0, velocity: 0.5 });
                    }
                    rig.run(lead(hz));
                    rig
                };
                let (mut changed, mut always) = (rig(from_hz), rig(to_hz));
                changed.change_rate(to_hz);
                // What was on a tape is lost, and comes again.
                let seconds = if (entry.tapes)(to_hz).is_empty() { 1 } else { 4 };
                let frames = seconds * to_hz as usize;
                compare(entry, &changed.run(frames), &always.run(frames), to_hz)
                    .map_err(|why| format!("{why}, {from_hz} to {to_hz} Hz after {secs} s"))?;
            }
        }
        Ok(())
    });
}

/// Whether a module that had another sample rate until now is where one is that
/// had it all the time.
fn compare(entry: &Entry, is: &Render, should_be: &Render, rate_hz: f32) -> Result<(), String> {
    let about = entry.about;
    let slack = (1.5e-3 * rate_hz) as usize;
    for (index, port) in about.outputs.iter().enumerate() {
        let name = port.name;
        if is.channels(name) != should_be.channels(name) {
            return Err(format!("{name} has {} channels", is.channels(name)));
        }
        for channel in 0..is.channels(name) {
            let (is, should_be) = (is.channel(name, channel), should_be.channel(name, channel));
            // Where a saw's edge falls between two frames depends on the rate.
            let is_sound = about.is_audio(index) || Rig::is_fed_sound(about);
            if is_sound || about.tags.contains(&Tag::Effect) {
                let late = is.len().saturating_sub(rate_hz as usize);
                let levels = [level(&is[late..]), level(&should_be[late..])];
                if (levels[0] - levels[1]).abs() > 0.3 * levels[1] + 0.05 {
                    return Err(format!("{name} is {levels:?} V"));
                }
                continue;
            }
            let edges = [rises(is), rises(should_be)];
            let is_gate = should_be.iter().all(|&volts| volts == 0.0 || volts == 10.0);
            if is_gate && edges[0].len() != edges[1].len() {
                return Err(format!("{name} has gates at {edges:?}"));
            }
            if !is_near(is, should_be, slack) {
                let at = is.iter().zip(should_be).position(|(a, b)| (a - b).abs() > 0.05);
                return Err(format!("{name} is elsewhere from frame {at:?} on"));
            }
        }
    }
    Ok(())
}

/// As the integration tests, whose modules are compiled with AVX2 where the
/// machine has it.
#[test]
fn every_module_is_the_same_to_the_bit_as_in_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bits.txt");
    for line in std::fs::read_to_string(path).expect("tests/bits.txt").lines() {
        let (name, bits) = line.split_once(' ').expect("a name and its bits");
        assert_eq!(format!("{:016x}", Rig::fingerprint(name)), bits, "{name}");
    }
}
