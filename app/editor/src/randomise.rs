//! Chance at the knobs: somewhere else that is still worth hearing.

use sostenuto_modules::module::{About, Tag};
use sostenuto_modules::param::{Param, Taper, Unit};
use sostenuto_patch::{Edit, Patch, PatchModule};

use super::presets::Settings;

/// Intervals that a voice may be off by and still be in key, in semitones.
const CONSONANT: [f32; 8] = [-12.0, -7.0, -5.0, 0.0, 0.0, 5.0, 7.0, 12.0];

/// How far a knob is nudged at most, of its whole way.
const NUDGE: f32 = 0.12;

/// From here on echoes grow instead of dying away.
const LOUDEST_FEEDBACK: f32 = 0.9;

/// New settings for a module, the same for the same seed.
pub fn randomised(about: &About, module: &PatchModule, seed: u64) -> Settings {
    let mut chance = Chance(seed);
    let mut settings = Settings::new();
    for param in about.params {
        let was = module.param(param.name).unwrap_or(param.default);
        let value = if is_left_alone(about, module, param) { was } else { chance.turn(param, was) };
        settings.insert(param.name.into(), param.legal(value));
    }
    settings
}

/// The settings of a module, each turned a little: so far that it can be heard, and not so
/// far that it is another sound. The same for the same seed.
pub fn nudged(about: &About, module: &PatchModule, seed: u64) -> Settings {
    let mut chance = Chance(seed);
    let mut settings = Settings::new();
    for param in about.params {
        let was = module.param(param.name).unwrap_or(param.default);
        let turn = NUDGE * chance.near();
        let is_smooth = !param.jumps() && !matches!(param.unit, Unit::Semitones | Unit::Octaves);
        let value = match is_smooth && !is_left_alone(about, module, param) {
            true => at_share(param, (share(param, was) + turn).clamp(0.0, 1.0)),
            false => was,
        };
        let most = if param.name == "feedback" { was.max(LOUDEST_FEEDBACK) } else { f32::MAX };
        settings.insert(param.name.into(), param.legal(value.min(most)));
    }
    settings
}

/// All knobs of a patch, turned by `turn` from a seed of each module's own: one step.
pub fn all_turned(
    patch: &Patch,
    seed: u64,
    turn: impl Fn(&About, &PatchModule, u64) -> Settings,
) -> Edit {
    let mut edits = Vec::new();
    for (number, (id, module)) in (0..).zip(&patch.modules) {
        let Ok(about) = module.about() else { continue };
        let settings = turn(about, module, seed.wrapping_add(number));
        let news = settings.into_iter().filter(|(name, to)| module.param(name) != Some(*to));
        edits.extend(news.map(|(param, value)| Edit::SetParam {
            module: id.clone(),
            param,
            value,
        }));
    }
    Edit::Several(edits)
}

fn is_left_alone(about: &About, module: &PatchModule, param: &Param) -> bool {
    param.is_steady
        || param.is_held
        || module.locked.contains(param.name)
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
    use sostenuto_patch::Name;

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

    #[test]
    fn nudged_it_stays_near_and_what_is_locked_stays_where_it_is() {
        for entry in CATALOG {
            let mut module = PatchModule::new(entry.about.name, 0.0, 0.0);
            let first = entry.about.params.first().map(|param| param.name);
            module.locked.extend(first.map(Name::from));
            for seed in 0..50 {
                let settings = nudged(entry.about, &module, seed);
                for param in entry.about.params {
                    let (value, was) = (settings[param.name], param.default);
                    let name = format!("{}.{} {value}", entry.about.name, param.name);
                    assert!(param.range.contains(&value) && param.legal(value) == value, "{name}");
                    assert!((share(param, value) - share(param, was)).abs() <= 0.121, "{name}");
                }
                let chances = [settings, randomised(entry.about, &module, seed)];
                for (settings, first) in chances.iter().zip([first, first]) {
                    let stands = first.map(|name| settings[name]);
                    assert_eq!(stands, first.and_then(|name| module.param(name)));
                }
            }
        }
    }

    #[test]
    fn all_knobs_of_a_patch_are_turned_in_one_step_and_only_those_that_move() {
        let mut patch = Patch::default();
        for (name, kind) in [("a", "ladder"), ("b", "ladder"), ("out", "audio-out")] {
            patch.modules.insert(name.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
        }
        patch.modules.get_mut("a").unwrap().locked.insert("cutoff".into());
        let Edit::Several(edits) = all_turned(&patch, 3, nudged) else { panic!("several") };
        let names: Vec<String> = edits
            .iter()
            .map(|edit| match edit {
                Edit::SetParam { module, param, .. } => format!("{module}.{param}"),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(names.contains(&"b.cutoff".to_owned()) && names.iter().all(|it| it != "a.cutoff"));
        assert!(!names.iter().any(|it| it.starts_with("out")), "{names:?}");
        assert_eq!(all_turned(&patch, 3, |_, _, _| Settings::new()), Edit::Several(Vec::new()));
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
