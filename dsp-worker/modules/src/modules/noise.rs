//! Noise: five colours of hiss, from rumble to sizzle, and velvet.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::AUDIO_VOLTS;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};

const WHITE: usize = 0;
const PINK: usize = 1;
const RED: usize = 2;
const BLUE: usize = 3;
const VIOLET: usize = 4;
const COLOURS: usize = 5;
const VELVET: usize = COLOURS;
const DENSITY: usize = 0;

/// Root mean square of every colour but white, in volts: so that peaks of a
/// bell curve seldom pass 5 V.
const RMS_VOLTS: f32 = 1.6;
/// Red noise is level below this.
const RED_CORNER_HZ: f32 = 10.0;
/// Of white noise that fills -1 to 1 evenly.
const WHITE_RMS: f32 = 0.577_350_26;

/// All that a Noise remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Noise {
    random: Random,
    velvet: Random,
    pink: Pink,
    blue_pink: Pink,
    blue: Difference,
    violet: Difference,
    red: f32,
    red_before: f32,
    /// How much of velvet's interval is gone, 0 to 1, and when its pulse comes.
    interval: f32,
    pulse_at: f32,
}

impl Module for Noise {
    const ABOUT: &'static About = &About {
        name: "noise",
        title: "Noise",
        summary: "Five colours of noise from rumble to sizzle, and velvet noise: sparse pulses",
        aliases: &["white noise"],
        tags: &[Tag::Source, Tag::Random],
        outputs: &[
            port("white", "White noise, ±5 V: hiss, and a source for sample and hold"),
            port("pink", "Pink noise, -3 dB/octave, about ±5 V: rain and surf; even to the ear"),
            port("red", "Red noise, -6 dB/octave, about ±5 V: rumble, and a slow random drift"),
            port("blue", "Blue noise, +3 dB/octave, about ±5 V: spray"),
            port("violet", "Violet noise, +6 dB/octave, about ±5 V: sizzle"),
            port(
                "velvet",
                "Velvet noise: sparse single-sample pulses of ±5 V, from a crackle to a smooth \
                 hiss",
            ),
        ],
        params: &[Param::log(
            "density",
            1.0..=20_000.0,
            2000.0,
            Unit::Hz,
            "Pulses of velvet noise per second; from 1500 it is smoother than white noise",
        )],
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
        self.velvet = Random::new(!seed);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        let red_loss = std::f32::consts::TAU * RED_CORNER_HZ / block.sample_rate_hz;
        let red_gain = RMS_VOLTS / WHITE_RMS * (2.0 * red_loss).sqrt();
        let intervals = block.ramp(DENSITY).frames().map(|hz| hz / block.sample_rate_hz);
        let frames = block.frames();
        let outputs = block.outputs::<{ COLOURS + 1 }>();
        for frame in frames {
            // Each colour has its own chance, so that they may be mixed.
            let white = [(); COLOURS].map(|()| self.random.bipolar());
            outputs[WHITE].put(0, frame, white[WHITE] * AUDIO_VOLTS);
            outputs[PINK].put(0, frame, self.pink.next(white[PINK]) * PINK_GAIN);
            outputs[RED].put(0, frame, self.next_red(white[RED] * red_gain, red_loss));
            let blue = self.blue.next(self.blue_pink.next(white[BLUE]));
            outputs[BLUE].put(0, frame, blue * BLUE_GAIN);
            outputs[VIOLET].put(0, frame, self.violet.next(white[VIOLET]) * VIOLET_GAIN);
            outputs[VELVET].put(0, frame, self.next_velvet(intervals[frame].min(1.0)));
        }
    }
}

impl Noise {
    /// One pulse of either sign somewhere in every interval (Karjalainen and
    /// Järveläinen, "Reverberation modeling using velvet noise", AES 30th
    /// conference, 2007). `step` is a frame's part of the interval.
    #[inline(always)]
    fn next_velvet(&mut self, step: f32) -> f32 {
        let was = self.interval;
        self.interval += step;
        let is_due = was <= self.pulse_at && self.pulse_at < self.interval;
        if self.interval >= 1.0 {
            self.interval -= 1.0;
            self.pulse_at = self.velvet.unipolar();
            // The next interval's pulse may already be due.
            let is_due = is_due || self.pulse_at < self.interval;
            return if is_due { self.velvet_sign() } else { 0.0 };
        }
        if is_due { self.velvet_sign() } else { 0.0 }
    }

    #[inline(always)]
    fn velvet_sign(&mut self) -> f32 {
        if self.velvet.bits() >> 31 == 0 { AUDIO_VOLTS } else { -AUDIO_VOLTS }
    }

    /// A leaky sum, bent near half the sample rate (Al-Alaoui, "Novel digital
    /// integrator and differentiator", Electronics Letters 29, 1993).
    #[inline(always)]
    fn next_red(&mut self, white: f32, loss: f32) -> f32 {
        self.red += (7.0 * white + self.red_before) * (1.0 / 8.0) - loss * self.red;
        self.red_before = white;
        self.red
    }
}

// These bring each filter's output to `RMS_VOLTS`, by measurement.
const PINK_GAIN: f32 = 0.909;
const BLUE_GAIN: f32 = 1.28;
const VIOLET_GAIN: f32 = 1.587;

/// A filter that takes 3 dB an octave: Paul Kellet's "refined" sum of six
/// one-poles, within 0.05 dB of it (musicdsp.org, "Pink noise filter", 1999).
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Pink {
    poles: [f32; 6],
    before: f32,
}

impl Pink {
    #[inline(always)]
    fn next(&mut self, white: f32) -> f32 {
        const POLES: [f32; 6] = [0.99886, 0.99332, 0.969, 0.8665, 0.55, -0.7616];
        const GAINS: [f32; 6] =
            [0.055_517_9, 0.075_075_9, 0.153_852, 0.310_485_6, 0.532_952_2, -0.016_898];
        let mut sum = self.before + white * 0.5362;
        for ((value, pole), gain) in self.poles.iter_mut().zip(POLES).zip(GAINS) {
            *value = pole * *value + white * gain;
            sum += *value;
        }
        self.before = white * 0.115_926;
        sum
    }
}

/// A filter that adds 6 dB an octave: the inverse of red's.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Difference {
    before: f32,
    out: f32,
}

impl Difference {
    #[inline(always)]
    fn next(&mut self, sample: f32) -> f32 {
        self.out = (8.0 * (sample - self.before) - self.out) * (1.0 / 7.0);
        self.before = sample;
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{db, power_spectrum};

    const SLOPES: [(&str, f64); COLOURS] =
        [("white", 0.0), ("pink", -3.0103), ("red", -6.0206), ("blue", 3.0103), ("violet", 6.0206)];

    /// The level of a bin, in dB, around 250 Hz, 500 Hz and so on to 16 kHz.
    fn levels_db(sound: &[f32]) -> [f64; 7] {
        const WINDOW: usize = 4096;
        let mut powers = [0.0; WINDOW / 2 + 1];
        for frames in sound.chunks_exact(WINDOW) {
            for (sum, power) in powers.iter_mut().zip(power_spectrum(frames, 10.0)) {
                *sum += power;
            }
        }
        std::array::from_fn(|octave| {
            let centre = 250.0 * f64::from(1 << octave) * WINDOW as f64 / 48_000.0;
            let bins = (centre * 0.84) as usize..=(centre * 1.19) as usize;
            let count = bins.clone().count() as f64;
            db(bins.map(|bin| powers[bin]).sum::<f64>() / count)
        })
    }

    #[test]
    fn each_colour_has_its_slope_and_level() {
        let out = Rig::new::<Noise>(48_000.0).run(1 << 20);
        for (colour, slope_db) in SLOPES {
            let sound = out.channel(colour, 0);
            let rms = (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt();
            let wanted = if colour == "white" { 5.0 * WHITE_RMS } else { RMS_VOLTS };
            assert!((rms / wanted - 1.0).abs() < 0.1, "{colour}: {rms} V");

            let levels = levels_db(sound);
            let slopes: Vec<f64> = levels.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(slopes.iter().all(|slope| (slope - slope_db).abs() < 0.5), "{slopes:.2?}");
            let overall = (levels[6] - levels[0]) / 6.0;
            assert!((overall - slope_db).abs() < 0.1, "{colour}: {overall} dB an octave");
        }
    }

    #[test]
    fn velvet_is_as_dense_as_said_and_white() {
        for density in [100.0, 2000.0, 20_000.0f32] {
            let mut rig = Rig::new::<Noise>(48_000.0);
            let out = rig.set("density", density).run(480_000);
            let sound = out.channel("velvet", 0);
            assert!(sound.iter().all(|volts| [0.0, 5.0, -5.0].contains(volts)));
            let pulses = sound.iter().filter(|&&volts| volts != 0.0).count() as f32;
            let wanted = 10.0 * density;
            // Two in one frame are one.
            assert!((0.75..1.005).contains(&(pulses / wanted)), "{density}: {pulses}");
            let levels = levels_db(sound);
            assert!(density < 1e3 || levels.iter().all(|db| (db - levels[3]).abs() < 0.7));
        }
    }

    #[test]
    fn colours_are_of_independent_chance() {
        let out = Rig::new::<Noise>(48_000.0).run(100_000);
        let (white, violet) = (out.channel("white", 0), out.channel("violet", 0));
        let product = white.iter().zip(violet).map(|(a, b)| a * b).sum::<f32>() / 1e5;
        assert!(product.abs() < 0.1, "{product} V²");
    }

    #[test]
    fn a_seed_always_makes_the_same_noise() {
        let sound = |seed: u64, is_cut: bool| {
            let mut rig = Rig::new::<Noise>(48_000.0);
            if is_cut {
                rig.frame_by_frame();
            }
            rig.seed(seed).run(1000).channel("blue", 0).to_vec()
        };
        assert_eq!(sound(5, false), sound(5, true));
        assert_ne!(sound(5, false), sound(6, false));
    }
}
