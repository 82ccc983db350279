//! State-variable VCF: four clean responses of one two-pole filter.
//!
//! Trapezoidal integration without delay in the loop: Simper, "Linear Trapezoidal
//! Integrated State Variable Filter With Low Noise Optimisation" (Cytomic, 2013),
//! and Zavalishin, "The Art of VA Filter Design", chapter 4. Whatever the cutoff
//! does, even at audio rate, its two integrators together only lose energy.

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::random::Random;
use crate::dsp::{exp2, tan_fraction};
use crate::lane::{Lane, Lanes};
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::signal::groups;
use crate::units::QUANTUM;

const IN: usize = 0;
const CUTOFF_IN: usize = 1;
const RESONANCE_IN: usize = 2;
const LOWPASS: usize = 0;
const CUTOFF: usize = 0;
const RESONANCE: usize = 1;
const CUTOFF_AMOUNT: usize = 2;

/// Damping without resonance: Butterworth's, flat and 3 dB down at the cutoff.
const FLAT: f32 = std::f32::consts::SQRT_2;
/// How far below none the damping goes at full resonance, so that it sings.
const PUSH: f32 = 0.03;
/// Damping per square volt of the bandpass that ends the growth at 5 V: there
/// the mean over a sine, 3/4 of its peak's, is the push.
const LIMIT: f32 = PUSH / (0.75 * 25.0);
/// The highest cutoff: 0.49 of the sample rate, as half an angle per frame.
const TOP_RAD: f32 = 0.49 * std::f32::consts::PI;
/// The hiss of its parts, in volts, which it needs to start singing from
/// silence.
const NOISE_VOLTS: f32 = 1e-6;

/// The two integrators of sixteen filters.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Svf {
    noise: Random,
    band: [f32; 16],
    low: [f32; 16],
}

impl Module for Svf {
    const ABOUT: &'static About = &About {
        name: "svf",
        title: "State-variable VCF",
        summary: "Lowpass, highpass, bandpass and notch at once: clean, exact, and singing at full resonance",
        tags: &[Tag::Filter, Tag::Polyphonic],
        inputs: &[
            port("in", "The signal to filter"),
            port("cutoff", "Moves the cutoff, 1 V/octave at an amount of 1. As fast as audio"),
            port("resonance", "Adds to the resonance: 10 V is all of it"),
        ],
        outputs: &[
            port("lowpass", "What is below the cutoff; 12 dB/octave less above it"),
            port("highpass", "What is above the cutoff; 12 dB/octave less below it"),
            port("bandpass", "What is around the cutoff; 6 dB/octave less on both sides"),
            port("notch", "Everything but the cutoff"),
        ],
        params: &[
            Param::log(
                "cutoff",
                20.0..=20_000.0,
                1000.0,
                Unit::Hz,
                "The corner, and the frequency at which it resonates, at 0 V of cutoff voltage",
            ),
            Param::linear(
                "resonance",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "Stresses the cutoff. At 0 the response is flat; at 1 the filter sings by itself",
            ),
            Param::linear(
                "cutoff-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "How much of the cutoff voltage counts: at 1 the cutoff follows it at 1 V/octave",
            ),
        ],
        bypass: &[(IN, LOWPASS)],
        display: 0,
    };

    fn start(&mut self, seed: u64) {
        self.noise = Random::new(seed);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, CUTOFF_IN, RESONANCE_IN]);
        let mut noise_volts = [0.0; QUANTUM];
        for frame in block.frames() {
            noise_volts[frame] = NOISE_VOLTS * self.noise.bipolar();
        }
        let knobs = Knobs {
            cutoff_hz: block.ramp(CUTOFF).frames(),
            resonance: block.ramp(RESONANCE).frames(),
            amount: block.ramp(CUTOFF_AMOUNT).frames(),
            noise_volts,
        };
        if channels == 1 {
            self.filter::<f32>(block, 0, &knobs);
        } else {
            for group in 0..groups(channels) {
                self.filter::<Lanes>(block, group, &knobs);
            }
        }
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    cutoff_hz: [f32; QUANTUM],
    resonance: [f32; QUANTUM],
    amount: [f32; QUANTUM],
    noise_volts: [f32; QUANTUM],
}

impl Svf {
    #[inline(always)]
    fn filter<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let c = L::splat;
        let (input, cutoff_in) = (block.input(IN), block.input(CUTOFF_IN));
        let resonance_in = block.input(RESONANCE_IN);
        let step_rad = std::f32::consts::PI / block.sample_rate_hz;
        let frames = block.frames();
        let [lowpass, highpass, bandpass, notch] = block.outputs();

        let (mut band_kept, mut low_kept) = (L::load(&self.band, group), L::load(&self.low, group));
        for frame in frames {
            let octaves = cutoff_in.get::<L>(group, frame) * c(knobs.amount[frame]);
            let cutoff_rad =
                exp2(octaves.clamp(-20.0, 20.0)) * c(knobs.cutoff_hz[frame]) * c(step_rad);
            let (sine, cosine) = tan_fraction(cutoff_rad.clamp(0.0, TOP_RAD));
            let resonance =
                resonance_in.get::<L>(group, frame) * c(0.1) + c(knobs.resonance[frame]);
            let resonance = resonance.clamp(0.0, 1.0);
            let hiss = resonance * c(knobs.noise_volts[frame]);
            let volts = input.get::<L>(group, frame) + hiss;

            // With gain = tan = sine / cosine, all is multiplied by cosine².
            let pull = band_kept * cosine + sine * (volts - low_kept);
            let stiff = cosine * cosine + sine * sine;
            let damping = c(FLAT) - resonance * c(FLAT + PUSH);
            let loose_band = pull * cosine / (stiff + damping * sine * cosine);
            let limit = resonance * resonance * c(LIMIT);
            let damping = damping + limit * loose_band * loose_band;
            let pull = pull / (stiff + damping * sine * cosine);
            let band = pull * cosine;
            let low = pull * sine + low_kept;
            band_kept = band + band - band_kept;
            low_kept = low + low - low_kept;
            let high = volts - damping * band - low;
            lowpass.put(group, frame, low);
            highpass.put(group, frame, high);
            bandpass.put(group, frame, band);
            notch.put(group, frame, low + high);
        }
        band_kept.store(&mut self.band, group);
        low_kept.store(&mut self.low, group);
    }
}
