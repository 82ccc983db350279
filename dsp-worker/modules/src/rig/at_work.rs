//! A module at work: patched with what its inputs are for.

use sostenuto_dsp::fnv::fnv1a;

use crate::module::{About, Event, Port, Tag};
use crate::rig::Rig;

/// Ports that carry sound, where bypass does not already say so.
const AUDIO: [&str; 8] =
    ["in", "left", "right", "carrier", "modulator", "sidechain", "mid", "side"];

/// What an input is for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Audio,
    Pitch,
    Gate,
    Clock,
    /// It only changes something: left unpatched.
    Change,
}

impl Rig {
    /// A module of the catalogue with its usual cables, each of that many
    /// channels: a chord for what it treats, C4 and C5 for a pitch, eight gates
    /// a second, a clock of sixteen. Knobs for hands are turned up, keys are
    /// held; all other params stand at their defaults.
    ///
    /// # Panics
    /// Where no module is called that.
    pub fn at_work(name: &str, sample_rate_hz: f32, channels: usize) -> Rig {
        let mut rig = Rig::named(name, sample_rate_hz);
        let about = rig.entry.room;
        let rate_hz = f64::from(sample_rate_hz);
        for (index, port) in about.inputs.iter().enumerate() {
            match use_of(about, index) {
                Use::Audio => rig.feed_channels(port.name, channels, move |channel, frame| {
                    chord(index + channel, frame as f64 / rate_hz)
                }),
                Use::Pitch => rig.feed_channels(port.name, channels, move |channel, frame| {
                    let octave = if is_on(frame as f64 / rate_hz, 4.0, 0.5) { 0.0 } else { 1.0 };
                    octave + channel as f32 * (7.0 / 12.0) % 2.0
                }),
                Use::Gate => rig.feed_channels(port.name, channels, move |_, frame| {
                    if is_on(frame as f64 / rate_hz, 8.0, 0.6) { 10.0 } else { 0.0 }
                }),
                Use::Clock => rig.feed(port.name, move |_, frame| {
                    if is_on(frame as f64 / rate_hz, 16.0, 0.5) { 10.0 } else { 0.0 }
                }),
                Use::Change => &mut rig,
            };
        }
        if about.tags.contains(&Tag::Notes) {
            for key in 0..channels as u32 {
                rig.event(Event::NoteOn { key, voct: key as f32 * (7.0 / 12.0), velocity: 0.8 });
            }
        } else if about.tags.contains(&Tag::Play) {
            for param in about.params {
                let (low, high) = (*param.range.start(), *param.range.end());
                rig.set(param.name, param.legal(low + 0.7 * (high - low)));
            }
        }
        rig
    }

    /// A number for how a module sounds at work for 0.1 s with three channels: the
    /// same wherever every sample is the same to the bit.
    ///
    /// # Panics
    /// Where no module is called that.
    pub fn fingerprint(name: &str) -> u64 {
        let mut rig = Rig::at_work(name, 48_000.0, 3);
        let about = rig.entry.room;
        let out = rig.run(4800);
        let channels = about.outputs.iter().flat_map(|port| {
            (0..out.channels(port.name)).map(|channel| out.channel(port.name, channel))
        });
        fnv1a(channels.flatten().flat_map(|volts| volts.to_bits().to_le_bytes()))
    }

    /// Whether [`Rig::at_work`] patches sound into such a module.
    #[cfg(test)]
    pub(crate) fn is_fed_sound(about: &About) -> bool {
        (0..about.inputs.len()).any(|index| use_of(about, index) == Use::Audio)
    }
}

fn use_of(about: &About, index: usize) -> Use {
    let Port { name, moves, .. } = about.inputs[index];
    let is_passed = about.bypass.iter().any(|&(from, _)| from == index);
    let is_called = |words: &[&str]| name.split('-').any(|word| words.contains(&word));
    if moves.is_some() || is_called(&["reset", "run", "sync"]) {
        Use::Change
    } else if is_called(&["clock"]) {
        Use::Clock
    } else if is_called(&["gate", "trigger", "hit", "strike", "strum", "pluck", "ping"]) {
        Use::Gate
    } else if is_called(&["voct"]) {
        Use::Pitch
    } else if is_passed || is_called(&AUDIO) {
        Use::Audio
    } else {
        Use::Change
    }
}

/// Whether a gate of that frequency is on.
fn is_on(secs: f64, hz: f64, share: f64) -> bool {
    (secs * hz).fract() < share
}

/// Three saws, ±5 V together; each input and each voice has its own.
fn chord(voice: usize, secs: f64) -> f32 {
    let root_hz = 110.0 * (1.0 + 0.25 * (voice % 16) as f64);
    let saw = |hz: f64| (2.0 * (secs * hz).fract() - 1.0) as f32;
    (5.0 / 3.0) * (saw(root_hz) + saw(1.5 * root_hz) + saw(2.01 * root_hz))
}
