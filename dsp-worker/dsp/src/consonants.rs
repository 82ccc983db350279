//! What a mouth does before a vowel: it shuts, hisses, and glides away.
//!
//! Places of hisses and of formants at the release are after Klatt, "Software
//! for a cascade/parallel formant synthesizer", JASA 67(3), 1980, tables II and
//! III, rounded; levels and times by ear.

use crate::exp2;

/// What can be said.
pub const NAMES: [&str; 15] =
    ["none", "h", "m", "n", "l", "w", "b", "d", "g", "p", "t", "k", "f", "s", "sh"];

/// A consonant, from its start.
#[derive(Clone, Copy, Debug)]
pub struct Consonant {
    /// How long the mouth is shut, in seconds, and how much of the voice is
    /// heard through it.
    shut_secs: f32,
    murmur: f32,
    /// How long it hisses then, where, how broadly (1/Q) and how loudly.
    hiss_secs: f32,
    hiss_hz: f32,
    hiss_damping: f32,
    hiss: f32,
    /// How much breath goes through the vowel's mouth until the voice begins,
    /// that many seconds after the release.
    breath: f32,
    onset_secs: f32,
    /// Where the first three formants come from, and how quickly they leave:
    /// seconds until 63 % of the way.
    from_hz: [f32; 3],
    glide_secs: f32,
}

const SILENT: Consonant = Consonant {
    shut_secs: 0.0,
    murmur: 0.0,
    hiss_secs: 0.0,
    hiss_hz: 4000.0,
    hiss_damping: 0.5,
    hiss: 0.0,
    breath: 0.0,
    onset_secs: 0.0,
    from_hz: [0.0; 3],
    glide_secs: 0.02,
};

const LIPS_HZ: [f32; 3] = [200.0, 900.0, 2100.0];
const TEETH_HZ: [f32; 3] = [200.0, 1700.0, 2600.0];
const THROAT_HZ: [f32; 3] = [200.0, 1990.0, 2300.0];

const fn nasal(from_hz: [f32; 3]) -> Consonant {
    Consonant { shut_secs: 0.08, murmur: 0.45, from_hz, glide_secs: 0.025, ..SILENT }
}

const fn glide(from_hz: [f32; 3], glide_secs: f32) -> Consonant {
    Consonant { shut_secs: 0.06, murmur: 0.55, from_hz, glide_secs, ..SILENT }
}

const fn voiced(from_hz: [f32; 3], hiss_hz: f32, hiss_secs: f32) -> Consonant {
    Consonant {
        shut_secs: 0.05,
        murmur: 0.08,
        hiss_secs,
        hiss_hz,
        hiss: 0.5,
        from_hz,
        glide_secs: 0.025,
        ..SILENT
    }
}

const fn unvoiced(from_hz: [f32; 3], hiss_hz: f32, hiss_secs: f32, onset_secs: f32) -> Consonant {
    Consonant {
        murmur: 0.0,
        hiss: 1.0,
        breath: 0.6,
        onset_secs,
        ..voiced(from_hz, hiss_hz, hiss_secs)
    }
}

const fn fricative(from_hz: [f32; 3], hiss_hz: f32, hiss_damping: f32, hiss: f32) -> Consonant {
    Consonant {
        hiss_secs: 0.13,
        hiss_hz,
        hiss_damping,
        hiss,
        onset_secs: 0.12,
        from_hz,
        glide_secs: 0.03,
        ..SILENT
    }
}

/// All but the first of [`NAMES`].
pub const CONSONANTS: [Consonant; NAMES.len() - 1] = [
    Consonant { breath: 0.9, onset_secs: 0.09, ..SILENT },
    nasal([270.0, 1000.0, 2200.0]),
    nasal([270.0, 1600.0, 2600.0]),
    glide([330.0, 1050.0, 2800.0], 0.035),
    glide([290.0, 610.0, 2150.0], 0.07),
    voiced(LIPS_HZ, 700.0, 0.006),
    voiced(TEETH_HZ, 4200.0, 0.012),
    voiced(THROAT_HZ, 2000.0, 0.02),
    unvoiced(LIPS_HZ, 900.0, 0.012, 0.05),
    unvoiced(TEETH_HZ, 4500.0, 0.025, 0.06),
    unvoiced(THROAT_HZ, 1900.0, 0.03, 0.07),
    fricative([340.0, 1100.0, 2080.0], 7000.0, 1.5, 0.5),
    fricative([320.0, 1390.0, 2530.0], 6800.0, 0.4, 1.6),
    fricative([300.0, 1840.0, 2750.0], 2900.0, 0.5, 1.4),
];

/// What is heard at one time of a consonant.
#[derive(Clone, Copy, Debug)]
pub struct Sound {
    /// How loud the vocal folds are, and the breath through the mouth.
    pub folds: f32,
    /// Breath through the mouth.
    pub breath: f32,
    /// The hiss between teeth or lips, where it is, and how broad (1/Q).
    pub hiss: f32,
    /// In Hz.
    pub hiss_hz: f32,
    /// 1/Q.
    pub hiss_damping: f32,
    from_hz: [f32; 3],
    /// How much of the consonant is still in the formants.
    rest: f32,
}

impl Sound {
    /// Long after any consonant.
    pub const VOWEL: Sound = Sound {
        folds: 1.0,
        breath: 0.0,
        hiss: 0.0,
        hiss_hz: 4000.0,
        hiss_damping: 0.5,
        from_hz: [0.0; 3],
        rest: 0.0,
    };

    /// Where a formant of the vowel is now.
    #[inline(always)]
    pub fn formant_hz(&self, formant: usize, vowel_hz: f32) -> f32 {
        match self.from_hz.get(formant) {
            Some(&hz) if hz > 0.0 => vowel_hz + self.rest * (hz - vowel_hz),
            _ => vowel_hz,
        }
    }
}

impl Consonant {
    /// That long after its start.
    #[inline(always)]
    pub fn at(&self, secs: f32) -> Sound {
        let released = secs - self.shut_secs;
        let is_shut = released < 0.0;
        let hisses = !is_shut && released < self.hiss_secs;
        // A fricative swells and fades; a burst only fades.
        let swell = if self.shut_secs == 0.0 { (released * 40.0).min(1.0) } else { 1.0 };
        let fade = ((self.hiss_secs - released) * 60.0).clamp(0.0, 1.0);
        let voiced = released - self.onset_secs;
        let folds = if is_shut { self.murmur } else { (voiced * 60.0).clamp(0.0, 1.0) };
        // What was heard through the shut mouth does not stop at the release.
        let folds = if self.onset_secs == 0.0 { folds.max(self.murmur) } else { folds };
        let breathes = !is_shut && voiced < 0.02;
        let glided = exp2(-voiced.max(0.0) * std::f32::consts::LOG2_E / self.glide_secs);
        Sound {
            folds,
            breath: if breathes { self.breath } else { 0.0 },
            hiss: if hisses { self.hiss * swell * fade } else { 0.0 },
            hiss_hz: self.hiss_hz,
            hiss_damping: self.hiss_damping,
            from_hz: self.from_hz,
            rest: if is_shut { 1.0 } else { glided },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_consonant_ends_in_its_vowel() {
        for (consonant, name) in CONSONANTS.iter().zip(&NAMES[1..]) {
            let sound = consonant.at(1.0);
            assert_eq!((sound.folds, sound.breath, sound.hiss), (1.0, 0.0, 0.0), "{name}");
            assert!((sound.formant_hz(1, 1500.0) - 1500.0).abs() < 1.0, "{name}");
        }
    }
}
