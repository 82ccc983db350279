//! Rooms that never were: impulse responses, frame after frame.

use bytemuck::{Pod, Zeroable};

use crate::one_pole::{OnePole, coefficient};
use crate::phase::{from_unipolar_turns, triangle};
use crate::random::Random;
use crate::sine::sine_of_triangle;
use crate::{exp2, hush};

/// A kind of space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Large and slow: it takes a moment to fill.
    Hall,
    /// A sheet of steel: dense and bright at once.
    Plate,
    /// Small, with walls that can be heard one by one.
    Room,
    /// Two coiled springs: each echo is a chirp.
    Spring,
}

/// What a space is like, by ear.
struct Character {
    /// Until it has fallen by 60 dB, and how long it is listened to.
    decay_secs: f32,
    length_secs: f32,
    /// How long it takes to fill.
    fill_secs: f32,
    /// What is above it is lost, at the beginning and at the end.
    bright_hz: f32,
    dull_hz: f32,
    /// Its first echoes: how many, between which times, and how loud.
    echoes: u32,
    echo_secs: [f32; 2],
    echo_gain: f32,
}

const HALL: Character = Character {
    decay_secs: 2.8,
    length_secs: 3.4,
    fill_secs: 0.05,
    bright_hz: 9000.0,
    dull_hz: 1800.0,
    echoes: 14,
    echo_secs: [0.014, 0.09],
    echo_gain: 5.0,
};
const PLATE: Character = Character {
    decay_secs: 1.9,
    length_secs: 2.4,
    fill_secs: 0.003,
    bright_hz: 16_000.0,
    dull_hz: 5000.0,
    echoes: 0,
    echo_secs: [0.0, 0.0],
    echo_gain: 0.0,
};
const ROOM: Character = Character {
    decay_secs: 0.5,
    length_secs: 0.7,
    fill_secs: 0.012,
    bright_hz: 12_000.0,
    dull_hz: 3500.0,
    echoes: 18,
    echo_secs: [0.0025, 0.035],
    echo_gain: 8.0,
};
const SPRING: Character = Character {
    decay_secs: 1.8,
    length_secs: 1.8,
    fill_secs: 0.0,
    bright_hz: 5000.0,
    dull_hz: 3000.0,
    echoes: 0,
    echo_secs: [0.0, 0.0],
    echo_gain: 0.0,
};

/// A spring's echoes: how far apart on each side, how much longer the highest
/// tone takes than the lowest, and which tone that is. Of the kind that Parker
/// and Bilbao measured ("Spring reverberation: a physical perspective", DAFx
/// 2009, section 2): below the transition each echo is a rising chirp.
const ECHO_SECS: [f64; 2] = [0.041, 0.047];
const CHIRP: f64 = 0.32;
const TRANSITION_HZ: f64 = 4200.0;
const SPRING_GAIN: f32 = 1.6;

/// Makes the response of a space, one frame after another.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Maker {
    random: [Random; 2],
    lowpass: [[OnePole; 2]; 2],
}

impl Space {
    fn character(self) -> &'static Character {
        match self {
            Space::Hall => &HALL,
            Space::Plate => &PLATE,
            Space::Room => &ROOM,
            Space::Spring => &SPRING,
        }
    }

    /// How many frames its response has.
    pub fn frames(self, sample_rate_hz: f32) -> usize {
        (self.character().length_secs * sample_rate_hz) as usize
    }
}

impl Maker {
    /// Begins a response. It is the same each time.
    pub fn new(space: Space) -> Maker {
        let seed = space as u64;
        Maker {
            random: [2 * seed, 2 * seed + 1].map(Random::new),
            lowpass: [[OnePole::default(); 2]; 2],
        }
    }

    /// The next frame of the response, whose number is `frame`.
    #[inline(always)]
    pub fn next(&mut self, space: Space, frame: usize, sample_rate_hz: f32) -> [f32; 2] {
        let character = space.character();
        let secs = frame as f32 / sample_rate_hz;
        // log2(1000) octaves are 60 dB.
        let decay = exp2(-9.965_784 * secs / character.decay_secs);
        let way = secs / character.length_secs;
        let dullness = coefficient(
            character.bright_hz + (character.dull_hz - character.bright_hz) * way.min(1.0),
            sample_rate_hz,
        );
        let mut heard = [0.0; 2];
        for (side, heard) in heard.iter_mut().enumerate() {
            let noise = self.random[side].bipolar();
            let volts = if space == Space::Spring {
                SPRING_GAIN * chirps(side, secs) + 0.03 * noise
            } else {
                let echo = echo(side, frame, sample_rate_hz, character);
                fill(secs, character.fill_secs) * noise + echo
            };
            let [first, second] = &mut self.lowpass[side];
            let dull = second.lowpass(first.lowpass(volts, dullness), dullness);
            *heard = hush(decay * dull);
        }
        heard
    }
}

/// How full a space is: as the square of the time, and then wholly.
#[inline(always)]
fn fill(secs: f32, fill_secs: f32) -> f32 {
    if secs >= fill_secs { 1.0 } else { (secs / fill_secs) * (secs / fill_secs) }
}

/// The first echoes: single frames at times by chance, later ones closer.
#[inline(always)]
fn echo(side: usize, frame: usize, sample_rate_hz: f32, character: &Character) -> f32 {
    let [from, to] = character.echo_secs;
    let mut volts = 0.0;
    if frame as f32 > (to + 0.001) * sample_rate_hz {
        return volts;
    }
    for number in 0..character.echoes {
        let mut random = Random::new(u64::from(1000 + 2 * number) + side as u64);
        let place = (number as f32 + random.unipolar()) / character.echoes as f32;
        let at = ((from + (to - from) * place.sqrt()) * sample_rate_hz) as usize;
        if at == frame {
            let sign = if random.bits().is_multiple_of(2) { 1.0 } else { -1.0 };
            volts += sign * character.echo_gain * (1.0 - 0.6 * place);
        }
    }
    volts
}

/// All echoes of a spring that can be heard at a time.
#[inline(always)]
fn chirps(side: usize, secs: f32) -> f32 {
    let secs = f64::from(secs);
    let echo_secs = ECHO_SECS[side % 2];
    let last = (secs / echo_secs) as u32;
    let first = (secs / echo_secs / (1.0 + CHIRP)) as u32;
    let mut volts = 0.0;
    for echo in (first + 1).max(1)..=last {
        // Tone f arrives at T (1 + CHIRP (f / transition)²).
        let begin_secs = f64::from(echo) * echo_secs;
        let late = ((secs / begin_secs - 1.0) / CHIRP).max(0.0);
        if late < 1.0 {
            let root = late.sqrt();
            let turns = 2.0 / 3.0 * CHIRP * TRANSITION_HZ * begin_secs * late * root;
            let [phase] = from_unipolar_turns::<f32, 1>((turns - (turns as u32) as f64) as f32);
            // All tones are as loud; the ends are rounded.
            let level = (16.0 * late).min(1.0) * (1.0 - late * late) / (root.sqrt() + 0.1);
            let spread = (1.0 / begin_secs).sqrt() * 0.2;
            volts += (level * spread) as f32 * sine_of_triangle(triangle::<f32, 1>([phase]));
        }
    }
    volts
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACES: [Space; 4] = [Space::Hall, Space::Plate, Space::Room, Space::Spring];

    fn response(space: Space, sample_rate_hz: f32) -> [Vec<f32>; 2] {
        let mut maker = Maker::new(space);
        let frames = 0..space.frames(sample_rate_hz);
        let both: Vec<[f32; 2]> =
            frames.map(|frame| maker.next(space, frame, sample_rate_hz)).collect();
        [0, 1].map(|side| both.iter().map(|frame| frame[side]).collect())
    }

    /// Energy from each frame to the end, and where it has fallen that far.
    fn falls_at(response: &[f32], db: f64) -> usize {
        let mut left: f64 = response.iter().map(|&v| f64::from(v).powi(2)).sum();
        let limit = left * 10f64.powf(db / 10.0);
        let fallen = response.iter().position(|&volts| {
            left -= f64::from(volts).powi(2);
            left < limit
        });
        fallen.expect("it falls")
    }

    #[test]
    fn each_decays_about_as_long_as_it_is_said_to() {
        for space in SPACES {
            for side in response(space, 48_000.0) {
                let (from, to) = (falls_at(&side, -5.0), falls_at(&side, -35.0));
                let secs = 2.0 * (to - from) as f64 / 48_000.0;
                let ratio = secs / f64::from(space.character().decay_secs);
                // High tones sooner, low tones as said.
                assert!((0.75..1.05).contains(&ratio), "{space:?}: {secs} s");
            }
        }
    }

    #[test]
    fn left_and_right_are_not_alike_and_none_has_an_offset() {
        for space in SPACES {
            let [left, right] = response(space, 48_000.0);
            let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
                left.iter().zip(&right).map(|(&l, &r)| f(f64::from(l), f64::from(r))).sum()
            };
            let energy = (sum(&|l, _| l * l) * sum(&|_, r| r * r)).sqrt();
            assert!((sum(&|l, r| l * r) / energy).abs() < 0.15, "{space:?}");
            // The gain at 0 Hz against that of noise.
            assert!(sum(&|l, _| l).abs() < 4.0 * energy.sqrt(), "{space:?}");
        }
    }

    #[test]
    fn the_tail_of_a_hall_grows_dull() {
        let [left, _] = response(Space::Hall, 48_000.0);
        let dullness = |part: &[f32]| -> f32 {
            let steps: f32 = part.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
            steps / part.iter().map(|volts| volts * volts).sum::<f32>()
        };
        assert!(dullness(&left[96_000..110_000]) < 0.5 * dullness(&left[6000..20_000]));
    }
}
