//! What is usually patched into what: learned from the cables of the patches that
//! come with the program.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sostenuto_modules::module::About;
use sostenuto_patch::factory::{PATCHES, TEMPLATES};
use sostenuto_patch::{Cable, Patch};

/// A port of a kind of module.
type KindPort = (String, String);

/// So much more counts the same port of the same kind than one of the same name.
const SAME_KIND: u32 = 8;

/// How often what was patched.
#[derive(Debug, Default)]
pub struct Habits {
    /// From there to there.
    links: BTreeMap<(KindPort, KindPort), u32>,
    /// In so many patches.
    uses: BTreeMap<String, u32>,
}

/// What the factory patches teach.
pub fn habits() -> &'static Habits {
    static HABITS: OnceLock<Habits> = OnceLock::new();
    HABITS.get_or_init(|| {
        let mut habits = Habits::default();
        PATCHES.iter().chain(TEMPLATES).for_each(|factory| habits.learn(&factory.patch()));
        habits
    })
}

impl Habits {
    fn learn(&mut self, patch: &Patch) {
        let mut kinds: Vec<&str> = patch.modules.values().map(|module| &*module.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            *self.uses.entry(kind.to_owned()).or_default() += 1;
        }
        for Cable { from, to } in &patch.cables {
            let kind = |id| patch.modules[id].kind.to_string();
            let from = (kind(&from.module), from.port.to_string());
            let to = (kind(&to.module), to.port.to_string());
            *self.links.entry((from, to)).or_default() += 1;
        }
    }

    /// In how many patches a kind is.
    pub fn uses(&self, kind: &str) -> u32 {
        self.uses.get(kind).copied().unwrap_or(0)
    }

    /// How usual it is that a kind hears this output, and by which of its inputs.
    pub fn after(&self, kind: &str, port: &str, next: &About) -> Option<(u32, &str)> {
        let links = self.links.iter().filter(|((_, to), _)| to.0 == next.name);
        let links = links.map(|((from, to), count)| (from, &*to.1, *count));
        most_usual(links, (kind, port))
    }

    /// How usual it is that a kind feeds this input, and by which of its outputs.
    pub fn before(&self, kind: &str, port: &str, previous: &About) -> Option<(u32, &str)> {
        let links = self.links.iter().filter(|((from, _), _)| from.0 == previous.name);
        let links = links.map(|((from, to), count)| (to, &*from.1, *count));
        most_usual(links, (kind, port))
    }
}

/// All that links to such a port, as one number, and the port by which most do.
fn most_usual<'a>(
    links: impl Iterator<Item = (&'a KindPort, &'a str, u32)>,
    (kind, port): (&str, &str),
) -> Option<(u32, &'a str)> {
    let mut by_own: BTreeMap<&str, u32> = BTreeMap::new();
    for (other, own, count) in links.filter(|(other, ..)| other.1 == port) {
        let weight = if other.0 == kind { SAME_KIND } else { 1 };
        *by_own.entry(own).or_default() += weight * count;
    }
    let best = by_own.iter().max_by_key(|(_, count)| **count).map(|(own, _)| *own)?;
    Some((by_own.values().sum(), best))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_patch::find_kind;

    #[test]
    fn what_is_patched_often_is_known_by_its_ports() {
        let habits = habits();
        let of = |kind| find_kind(kind).unwrap();
        let (often, port) = habits.before("vco", "voct", of("quantizer")).unwrap();
        assert_eq!(port, "out");
        assert!(often > 0);
        let (_, port) = habits.after("adsr", "env", of("vca")).unwrap();
        assert_eq!(port, "cv");
        assert_eq!(habits.before("vco", "voct", of("reverb")), None);
        assert!(habits.uses("audio-out") > habits.uses("audio-in"));
    }
}
