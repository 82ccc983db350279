//! Chance at the knobs: somewhere else that is still worth hearing.

use sostenuto_modules::module::{About, Tag};
use sostenuto_modules::param::{Param, Taper, Unit};
use sostenuto_patch::PatchModule;

use super::presets::Settings;

/// Intervals that a voice may be off by and still be in key, in semitones.
const CONSONANT: [f32; 8] = [-12.0, -7.0, -5.0, 0.0, 0.0, 5.0, 7.0, 12.0];

/// From here on echoes grow instead of dying away.
const LOUDEST_FEEDBACK: f32 = 0.9;

/// New settings for a module, the same for the same seed.
pub fn randomised(about: &About, module: &PatchModule, seed: u64) -> Settings {
    let mut chance = Chance(seed);
    let mut settings = Settings::new();
    for param in about.params {
        let was = module.param(param.name).unwrap_or(param.default);
        let value = if is_left_alone(about, param) { was } else { chance.turn(param, was) };
        settings.insert(param.name.into(), param.legal(value));
    }
    settings
}

fn is_left_alone(about: &About, param: &Param) -> bool {
    param.is_steady
        || param.unit == Unit::Db
        || about.tags.contains(&Tag::Test)
        || about.tags.contains(&Tag::Output)
}

/// Vigna's SplitMix64 (2015): any seed will do.
struct Chance(u64);

impl Chance {
    /// 0 to 1.
    fn unipolar(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 40) as f32 / (1 << 24) as f32
    }

    /// -1 to 1, more often near 0.
    fn near(&mut self) -> f32 {
        self.unipolar() - self.unipolar()
    }

    fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[((self.unipolar() * things.len() as f32) as usize).min(things.len() - 1)]
    }

    fn turn(&mut self, param: &Param, was: f32) -> f32 {
        match (param.taper, param.unit) {
            // What a module is should mostly stay; how it is may change.
            (Taper::Choice(words), _) => match self.unipolar() {
                chance if chance < 0.33 => (self.unipolar() * words.len() as f32).floor(),
                _ => was,
            },
            (_, Unit::Semitones) => self.one_of(&CONSONANT),
            (_, Unit::Cents) => self.near() * 10.0,
            (_, Unit::Octaves) => (12.0 * self.near()).round() / 12.0,
            (Taper::Steps, _) if param.name == "octave" => self.near().round(),
            _ => {
                let home = share(param, param.default);
                let mut turned = home + 0.6 * self.near();
                if !(0.0..=1.0).contains(&turned) {
                    turned = home - (turned - home);
                }
                let value = at_share(param, turned.clamp(0.0, 1.0));
                if param.name == "feedback" { value.min(LOUDEST_FEEDBACK) } else { value }
            }
        }
    }
}

/// How far a param's knob is turned, 0 to 1.
fn share(param: &Param, value: f32) -> f32 {
    let (low, high) = (*param.range.start(), *param.range.end());
    match param.taper {
        Taper::Log => (value / low).ln() / (high / low).ln(),
        _ => (value - low) / (high - low),
    }
}

/// Where the param stands when its knob is turned that far.
fn at_share(param: &Param, share: f32) -> f32 {
    let (low, high) = (*param.range.start(), *param.range.end());
    match param.taper {
        Taper::Log => low * (high / low).powf(share),
        _ => low + (high - low) * share,
    }
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::catalog::CATALOG;

    use super::*;

    #[test]
    fn every_module_stays_in_range_whatever_the_seed() {
        for entry in CATALOG {
            let module = PatchModule::new(entry.about.name, 0.0, 0.0);
            for seed in 0..200 {
                let settings = randomised(entry.about, &module, seed);
                assert_eq!(settings.len(), entry.about.params.len());
                for param in entry.about.params {
                    let value = settings[param.name];
                    let name = format!("{}.{} {value}", entry.about.name, param.name);
                    assert!(param.range.contains(&value) && param.legal(value) == value, "{name}");
                }
            }
        }
    }

    fn of(kind: &str, seed: u64) -> Settings {
        let module = PatchModule::new(kind, 0.0, 0.0);
        randomised(module.about().unwrap(), &module, seed)
    }

    #[test]
    fn a_seed_always_gives_the_same_and_another_gives_another() {
        assert_eq!(of("ladder", 7), of("ladder", 7));
        assert_ne!(of("ladder", 7), of("ladder", 8));
    }

    #[test]
    fn a_logarithmic_knob_is_turned_by_ratios() {
        let below = (0..1000).filter(|&seed| of("ladder", seed)["cutoff"] < 1000.0).count();
        assert!((350..650).contains(&below), "{below} of 1000 are below the default");
    }

    #[test]
    fn loudness_is_left_alone_and_echoes_die_away() {
        for seed in 0..300 {
            assert_eq!(of("audio-out", seed)["level"], 0.0);
            assert_eq!(of("clock", seed)["run"], 1.0);
            assert!(of("delay", seed)["feedback"] <= LOUDEST_FEEDBACK);
        }
    }
}
