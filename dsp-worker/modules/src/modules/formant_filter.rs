//! Formant filter: makes any sound speak vowels.
//!
//! Five bandpasses side by side at the formants of a sung vowel (a tenor's, from the
//! Csound manual, appendix "Formant Values"), with their signs in turn, as in Klatt,
//! "Software for a cascade/parallel formant synthesizer", JASA 67(3), 1980: so that
//! they do not cancel out between two formants. From vowel to vowel, formants move in
//! octaves, and levels in decibels.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::svf::{Cutoff, Svf, SvfState};
use sostenuto_dsp::units::QUANTUM;
use sostenuto_dsp::{dry_wet, exp2};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::mix::mix;

const IN: usize = 0;
const VOWEL_IN: usize = 1;
const SHIFT_IN: usize = 2;
const RESONANCE_IN: usize = 3;
const OUT: usize = 0;
const VOWEL: usize = 0;
const SHIFT: usize = 1;
const RESONANCE: usize = 2;
const MIX: usize = 3;

const FORMANTS: usize = 5;
const VOWELS: usize = 5;

/// How much of a sound the narrow bands leave, made up for. Found by ear.
const MAKEUP: f32 = 2.0;

/// For A, E, I, O and U: a formant in Hz, its level in dB, its width in Hz.
const TENOR: [[(f64, f64, f64); FORMANTS]; VOWELS] = [
    [
        (650.0, 0.0, 80.0),
        (1080.0, -6.0, 90.0),
        (2650.0, -7.0, 120.0),
        (2900.0, -8.0, 130.0),
        (3250.0, -22.0, 140.0),
    ],
    [
        (400.0, 0.0, 70.0),
        (1700.0, -14.0, 80.0),
        (2600.0, -12.0, 100.0),
        (3200.0, -14.0, 120.0),
        (3580.0, -20.0, 120.0),
    ],
    [
        (290.0, 0.0, 40.0),
        (1870.0, -15.0, 90.0),
        (2800.0, -18.0, 100.0),
        (3250.0, -20.0, 120.0),
        (3540.0, -30.0, 120.0),
    ],
    [
        (400.0, 0.0, 70.0),
        (800.0, -10.0, 80.0),
        (2600.0, -12.0, 100.0),
        (2800.0, -12.0, 130.0),
        (3000.0, -26.0, 135.0),
    ],
    [
        (350.0, 0.0, 40.0),
        (600.0, -20.0, 60.0),
        (2700.0, -17.0, 100.0),
        (2900.0, -14.0, 120.0),
        (3300.0, -26.0, 120.0),
    ],
];

/// Five filters, sixteen times.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct FormantFilter {
    formants: [SvfState; FORMANTS],
}

impl Module for FormantFilter {
    const ABOUT: &'static About = &About {
        name: "formant-filter",
        title: "Formant Filter",
        short: "Formants",
        summary: "Vowel filter: glides between A, E, I, O and U, from a giant's voice to a child's",
        aliases: &["vowel", "talk box"],
        tags: &[Tag::Filter, Tag::Effect, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input; rich sounds speak most clearly"),
            port("vowel", "Vowel CV: 10 V moves from A to U").moves_own(By::TenthPerVolt),
            port("shift", "Formant CV, 1 V/octave").moves_own(By::OctavePerVolt),
            port("resonance", "Resonance CV; 10 V covers the full range")
                .moves_own(By::TenthPerVolt),
        ],
        outputs: &[port("out", "The filtered signal")],
        params: &[
            Param::linear(
                "vowel",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "The vowel: A at 0, E at 25 %, I at 50 %, O at 75 %, U at 100 %, and everything in \
                 between",
            ),
            Param::linear(
                "shift",
                -2.0..=2.0,
                0.0,
                Unit::Octaves,
                "Size of the vocal tract: negative is a giant's, positive a child's",
            ),
            Param::linear(
                "resonance",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "Width of the formants: 0 is breathy, the centre is a singer's, 1 rings like bells",
            ),
            mix(1.0),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.formants, &channels);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, VOWEL_IN, SHIFT_IN, RESONANCE_IN]);
        let knobs = Knobs {
            vowel: block.ramp(VOWEL).frames(),
            shift: block.ramp(SHIFT).frames(),
            resonance: block.ramp(RESONANCE).frames(),
            mix: block.ramp(MIX).frames(),
        };
        each_group!(channels, |L, group| self.speak::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    vowel: [f32; QUANTUM],
    shift: [f32; QUANTUM],
    resonance: [f32; QUANTUM],
    mix: [f32; QUANTUM],
}

impl FormantFilter {
    #[inline(always)]
    fn speak<L: Lane>(&mut self, block: &mut Block, group: usize, knobs: &Knobs) {
        let c = L::splat;
        let [input, vowel_in, shift_in, resonance_in] =
            [IN, VOWEL_IN, SHIFT_IN, RESONANCE_IN].map(|port| block.input(port));
        let turns_per_hz = 1.0 / block.sample_rate_hz;
        let frames = block.frames();
        let output = block.output(OUT);

        let mut formants = self.formants.each_ref().map(|state| Svf::<L>::load(state, group));
        for frame in frames {
            let vowel = vowel_in.get::<L>(group, frame) * c(0.1) + c(knobs.vowel[frame]);
            let shift = shift_in.get::<L>(group, frame) + c(knobs.shift[frame]);
            let stretch = exp2(shift.clamp(-2.0, 2.0)) * c(turns_per_hz);
            let resonance = resonance_in.get::<L>(group, frame) * c(0.1);
            let resonance = (resonance + c(knobs.resonance[frame])).clamp(0.0, 1.0);
            // Four times as wide at 0, a quarter as wide at 1.
            let width = exp2(c(2.0) - resonance * c(4.0));

            let mouth = Mouth::new(vowel.clamp(0.0, 1.0));
            let dry = input.get::<L>(group, frame).clamp(-1e3, 1e3);
            let mut wet = c(0.0);
            for (formant, svf) in formants.iter_mut().enumerate() {
                let [octaves, level_octaves, width_octaves] = mouth.formant(formant);
                let cutoff = Cutoff::new(exp2(octaves) * stretch);
                let damping = (exp2(width_octaves) * width).min(c(2.0));
                let level = exp2(level_octaves) * damping;
                let band = svf.next(dry, &cutoff, damping).band * level;
                wet = if formant % 2 == 0 { wet + band } else { wet - band };
            }
            let (dry_gain, wet_gain) = dry_wet(knobs.mix[frame]);
            output.put(group, frame, dry * c(dry_gain) + wet * c(wet_gain * MAKEUP));
        }
        for (svf, state) in formants.iter().zip(&mut self.formants) {
            svf.store(state, group);
        }
    }
}

/// How much of each vowel there is.
struct Mouth<L>([L; VOWELS]);

impl<L: Lane> Mouth<L> {
    #[inline(always)]
    fn new(vowel: L) -> Mouth<L> {
        let place = vowel * L::splat((VOWELS - 1) as f32);
        let mut shares = [L::splat(0.0); VOWELS];
        for (share, at) in shares.iter_mut().zip([0.0, 1.0, 2.0, 3.0, 4.0]) {
            *share = (L::splat(1.0) - (place - L::splat(at)).abs()).max(L::splat(0.0));
        }
        Mouth(shares)
    }

    /// A formant's frequency in octaves above 1 Hz, and its gain and its width over
    /// its frequency in octaves too.
    #[inline(always)]
    fn formant(&self, formant: usize) -> [L; 3] {
        const TABLE: [[[f32; 3]; FORMANTS]; VOWELS] = in_octaves();
        let mut sums = [L::splat(0.0); 3];
        for (share, vowel) in self.0.iter().zip(&TABLE) {
            for (sum, &octaves) in sums.iter_mut().zip(&vowel[formant]) {
                *sum += *share * L::splat(octaves);
            }
        }
        sums
    }
}

const fn in_octaves() -> [[[f32; 3]; FORMANTS]; VOWELS] {
    let mut table = [[[0.0; 3]; FORMANTS]; VOWELS];
    let mut vowel = 0;
    while vowel < VOWELS {
        let mut formant = 0;
        while formant < FORMANTS {
            let (hz, level_db, width_hz) = TENOR[vowel][formant];
            let level = level_db / 6.020_599_913;
            let octaves = [log2(hz), level, log2(width_hz / hz)];
            table[vowel][formant] = [octaves[0] as f32, octaves[1] as f32, octaves[2] as f32];
            formant += 1;
        }
        vowel += 1;
    }
    table
}

/// For a table that is computed while compiling.
const fn log2(mut x: f64) -> f64 {
    let mut octaves = 0.0;
    while x >= 2.0 {
        (x, octaves) = (0.5 * x, octaves + 1.0);
    }
    while x < 1.0 {
        (x, octaves) = (2.0 * x, octaves - 1.0);
    }
    // Digit by digit.
    let mut digit = 0.5;
    while digit > 1e-12 {
        x *= x;
        if x >= 2.0 {
            (x, octaves) = (0.5 * x, octaves + digit);
        }
        digit *= 0.5;
    }
    octaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::response::gain_at;

    const RATE_HZ: f32 = 48_000.0;

    fn response(vowel: f32, shift: f32, resonance: f32) -> impl Fn(f64) -> f64 {
        let mut rig = Rig::new::<FormantFilter>(RATE_HZ);
        rig.set("vowel", vowel).set("shift", shift).set("resonance", resonance);
        rig.feed("in", |_, frame| f32::from(u8::from(frame == 0)));
        let impulse_response = rig.run(12_000).main().to_vec();
        move |hz| 20.0 * (gain_at(&impulse_response, hz, f64::from(RATE_HZ)) / 2.0).log10()
    }

    #[test]
    fn each_vowel_has_its_formants() {
        for (index, vowel) in TENOR.iter().enumerate() {
            let level_db = response(index as f32 / 4.0, 0.0, 1.0);
            for (hz, expected_db, _) in &vowel[..3] {
                let found_db = level_db(*hz);
                assert!((found_db - expected_db).abs() < 2.0, "{index}, {hz} Hz: {found_db} dB");
                let [below, above] = [0.99, 1.01].map(|ratio| level_db(hz * ratio));
                assert!(found_db > below && found_db > above, "{index}, {hz} Hz");
            }
        }
    }

    #[test]
    fn half_way_between_two_vowels_is_half_way_in_octaves() {
        let between = response(0.125, 0.0, 1.0);
        let first_hz = (650.0f64 * 400.0).sqrt();
        assert!(between(first_hz).abs() < 1.0, "{}", between(first_hz));
        assert!(between(0.98 * first_hz) < -0.3 && between(1.02 * first_hz) < -0.3);
    }

    #[test]
    fn an_octave_up_every_formant_is_twice_as_high() {
        let (voice, child) = (response(0.25, 0.0, 0.5), response(0.25, 1.0, 0.5));
        for hz in [200.0, 400.0, 1000.0, 1700.0] {
            assert!((voice(hz) - child(2.0 * hz)).abs() < 0.3, "{hz} Hz");
        }
    }

    #[test]
    fn every_voice_has_its_own_mouth() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<FormantFilter>(RATE_HZ);
            rig.feed("in", |_, frame| (frame % 300) as f32 / 30.0 - 5.0);
            rig.feed_channels("in", channels, |_, frame| (frame % 300) as f32 / 30.0 - 5.0);
            rig.feed_channels("vowel", channels, move |c, _| (c + first) as f32 * 0.6);
            rig.feed_channels("shift", channels, move |c, _| (c + first) as f32 * 0.1 - 0.8);
            rig
        };
        let together = rig(16, 0).run(500);
        for channel in 0..16 {
            assert_eq!(together.channel("out", channel), rig(1, channel).run(500).main());
        }
    }
}
