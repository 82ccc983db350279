//! Something for any module to do, drawn by chance: for the tests of all.

use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::{CHANNELS, QUANTUM};

use crate::catalog::Entry;
use crate::module::{Event, Tag};
use crate::param::Param;
use crate::rig::Rig;

/// Frames in one round of a scene.
pub(super) const ROUND: usize = 8 * QUANTUM;

/// Params, cables and notes, which change from round to round. The same seed
/// gives the same scene.
pub(super) struct Scene {
    entry: &'static Entry,
    seed: u64,
}

impl Scene {
    pub(super) fn new(entry: &'static Entry, seed: u64) -> Scene {
        Scene { entry, seed }
    }

    fn random(&self, round: u64) -> Random {
        let name = self.entry.about.name.bytes();
        let name = name.fold(self.seed, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
        Random::new((name << 20).wrapping_add(round))
    }

    /// A rig at some rate, at the beginning of the sound or ten days later.
    pub(super) fn rig(&self) -> Rig {
        let mut random = self.random(0);
        let rate_hz = pick(&mut random, &[44_100.0, 48_000.0, 96_000.0, 192_000.0]);
        let mut rig = Rig::named(self.entry.about.name, rate_hz);
        rig.seed(u64::from(random.bits()));
        rig.begin_at(pick(&mut random, &[0, 864_000 * 48_000]));
        rig
    }

    /// Sets the stage for a round, from 1 up.
    pub(super) fn set(&self, rig: &mut Rig, round: u64) {
        let mut random = self.random(round);
        for param in self.entry.about.params {
            rig.set(param.name, anywhere(param, &mut random));
        }
        let channels = 1 + random.bits() as usize % CHANNELS;
        for port in self.entry.about.inputs {
            let cable = Cable::new(&mut random);
            match random.bits() % 8 {
                0 => rig.unplug(port.name),
                1 => rig.feed(port.name, cable.volts()),
                2 => rig.feed_channels(
                    port.name,
                    1 + random.bits() as usize % CHANNELS,
                    cable.volts(),
                ),
                _ => rig.feed_channels(port.name, channels, cable.volts()),
            };
        }
        if self.entry.about.tags.contains(&Tag::Notes) {
            rig.event(note(&mut random)).event(note(&mut random));
        }
    }
}

/// A place for a knob: somewhere, or at one of its ends.
pub(super) fn anywhere(param: &Param, random: &mut Random) -> f32 {
    let (low, high) = (*param.range.start(), *param.range.end());
    let place = 2.0 * random.unipolar() - 0.5;
    param.legal(low + (high - low) * place.clamp(0.0, 1.0))
}

fn pick<T: Copy>(random: &mut Random, choices: &[T]) -> T {
    choices[random.bits() as usize % choices.len()]
}

fn note(random: &mut Random) -> Event {
    let key = random.bits() % 4;
    match random.bits() % 8 {
        0 => Event::AllNotesOff,
        1..4 => Event::NoteOff { key },
        _ => Event::NoteOn { key, voct: 3.0 * random.bipolar(), velocity: random.unipolar() },
    }
}

/// What one cable carries: a function of the channel and the frame alone, so
/// that it is the same however the frames are cut.
#[derive(Clone, Copy)]
struct Cable {
    kind: u32,
    seed: u64,
    period: u64,
    volts: f32,
}

impl Cable {
    fn new(random: &mut Random) -> Cable {
        let period = 2 + u64::from(random.bits() % 400);
        let volts = 10.0 * random.bipolar();
        Cable { kind: random.bits() % 4, seed: u64::from(random.bits()) << 32, period, volts }
    }

    fn volts(self) -> impl FnMut(usize, u64) -> f32 {
        move |channel, frame| {
            let channel = channel as u64;
            let place = (frame + 17 * channel) % self.period;
            match self.kind {
                0 => 5.0 * Random::new(self.seed + 64 * frame + channel).bipolar(),
                1 => [0.0, 10.0][usize::from(2 * place < self.period)],
                2 => 10.0 * place as f32 / self.period as f32 - 5.0,
                _ => self.volts + 0.1 * channel as f32,
            }
        }
    }
}

/// Finite voltages that no cable ought to carry.
pub(super) fn storm(seed: u64) -> impl FnMut(usize, u64) -> f32 {
    let denormal = f32::MIN_POSITIVE / 64.0;
    let absurd = [0.0, -0.0, denormal, -denormal, 1e-20, 10.0, 1e4, -1e9, 1e18, -1e19, 1e30, -1e30];
    move |channel, frame| {
        let mut random = Random::new((seed << 40) + 16 * frame + channel as u64);
        pick(&mut random, &absurd)
    }
}
