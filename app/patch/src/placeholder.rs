//! Placeholders: modules that a newer version made. This one keeps them as
//! they are, and computes nothing.

use sostenuto_modules::catalog;
use sostenuto_modules::limits::MAX_PARAMS;

use super::problem::Problem;
use super::{Cable, ModuleId, Patch, PatchModule, check_text};

/// Characters of the longest kind, port or param of a placeholder.
const MAX_NAME_BYTES: usize = 64;

impl Patch {
    /// Whether a cable ends at a placeholder: then nothing goes through it.
    pub fn is_dead(&self, cable: &Cable) -> bool {
        let ends = [&cable.from.module, &cable.to.module];
        ends.iter().any(|id| self.modules.get(*id).is_none_or(|module| module.is_placeholder))
    }

    /// What a musician is told of the placeholders, if there are any.
    pub fn about_placeholders(&self) -> Option<String> {
        let placeholders = self.modules.iter().filter(|(_, module)| module.is_placeholder);
        let names: Vec<String> =
            placeholders.map(|(id, module)| format!("`{id}` ({})", module.kind)).collect();
        let (what, names) = match &names[..] {
            [] => return None,
            [one] => ("a module", one.clone()),
            [few @ .., last] if few.len() < 4 => {
                ("modules", format!("{} and {last}", few.join(", ")))
            }
            [first @ .., _] => {
                ("modules", format!("{} and {} others", first[..3].join(", "), names.len() - 3))
            }
        };
        Some(format!(
            "This patch has {what} that this version of Sostenuto does not know: {names}. Nothing \
             of that is heard; it is kept, and saved again, as it was."
        ))
    }
}

impl PatchModule {
    /// Whether a placeholder may be what it is.
    pub(super) fn check_placeholder(&self, id: &ModuleId) -> Result<(), Problem> {
        if catalog::find(&self.kind).is_some() {
            return Err(Problem::NoPlaceholder { kind: self.kind.to_string() });
        }
        check_name(&self.kind)?;
        if self.params.len() + self.words.len() > MAX_PARAMS {
            return Err(Problem::TooManyParams { module: id.to_string() });
        }
        for (name, value) in &self.params {
            check_name(name)?;
            if !value.is_finite() || self.words.contains_key(name) {
                return Err(Problem::NoValue { param: format!("{id}.{name}") });
            }
        }
        self.words.iter().try_for_each(|(name, word)| {
            check_name(name)?;
            check_text("word", word)
        })
    }
}

/// Whether that may be the name of something that this version does not know.
/// In a file it must be found again between the marks of a cable.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let is_fit = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '>');
    if is_fit { Ok(()) } else { Err(Problem::BadName { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::super::{Edit, apply};
    use super::*;
    use crate::testing::{added, connected, grains, id, ring, set};

    fn with_grains() -> Patch {
        let mut patch = ring();
        apply(&mut patch, Edit::AddModule { id: id("g"), module: grains() }).unwrap();
        patch
    }

    fn refused(change: impl Fn(&mut PatchModule)) -> String {
        let mut module = grains();
        change(&mut module);
        let edit = Edit::AddModule { id: id("g"), module };
        apply(&mut ring(), edit).unwrap_err().to_string()
    }

    #[test]
    fn a_placeholder_is_moved_bypassed_renamed_patched_and_removed_as_a_module() {
        let mut patch = with_grains();
        let first = patch.clone();
        let edits = [
            Edit::SetBypass { module: id("g"), is_bypassed: true },
            connected("a.out -> g.seed-3"),
            connected("g.left -> b.in"),
            connected("g.left -> g.seed"),
            Edit::RenameModule { id: id("g"), new_id: id("h") },
            Edit::RemoveModule { id: id("h") },
        ];
        let back: Vec<Edit> =
            edits.into_iter().map(|edit| apply(&mut patch, edit).unwrap()).collect();
        assert_eq!(patch, ring());
        for edit in back.into_iter().rev() {
            apply(&mut patch, edit).unwrap();
            patch.check().unwrap();
        }
        assert_eq!(patch, first);
    }

    #[test]
    fn a_knob_that_nobody_knows_is_not_turned() {
        let sentence = apply(&mut with_grains(), set("g", "density", 1.0)).unwrap_err();
        assert!(sentence.to_string().contains("`grains`"), "{sentence}");
    }

    #[test]
    fn what_could_not_be_read_again_is_no_placeholder() {
        assert!(refused(|module| module.kind = "vco".into()).contains("`vco`"));
        assert!(refused(|module| module.kind = "".into()).contains("``"));
        assert!(refused(|module| module.kind = "a b".into()).contains("`a b`"));
        assert!(refused(|module| module.x = f32::NAN).contains("`g`"));
        assert!(refused(|m| m.params.extend([("x".into(), f32::NAN)])).contains("`g.x`"));
        assert!(refused(|m| m.params.extend([("window".into(), 1.0)])).contains("`g.window`"));
        assert!(refused(|m| m.words.extend([("x".into(), "\0".into())])).contains("word"));
        let many = |module: &mut PatchModule| {
            module.params = (0..65).map(|n| (format!("p{n}").into(), 0.0)).collect();
        };
        assert!(refused(many).contains("too many params"));
        let odd = connected("g.out -> a.in");
        let Edit::Connect(mut cable) = odd else { panic!("a cable") };
        for port in ["", "x ", "a->b"] {
            cable.from.port = port.into();
            apply(&mut with_grains(), Edit::Connect(cable.clone())).unwrap_err();
        }
    }

    #[test]
    fn a_misspelt_kind_is_no_placeholder_by_itself() {
        let mut patch = ring();
        let edit =
            Edit::AddModule { id: id("d"), module: PatchModule::new("atenuverter", 0.0, 0.0) };
        let sentence = apply(&mut patch, edit).unwrap_err().to_string();
        assert!(sentence.contains("Did you mean `attenuverter`?"), "{sentence}");
    }

    #[test]
    fn a_musician_is_told_which_modules_are_not_known() {
        assert_eq!(ring().about_placeholders(), None);
        let mut patch = with_grains();
        assert!(patch.about_placeholders().unwrap().contains("a module that"));
        for name in ["h", "i", "j", "k"] {
            apply(&mut patch, Edit::AddModule { id: id(name), module: grains() }).unwrap();
        }
        apply(&mut patch, added("z")).unwrap();
        let sentence = patch.about_placeholders().unwrap();
        let names = "`g` (grains), `h` (grains), `i` (grains) and 2 others.";
        assert!(sentence.contains(names), "{sentence}");
    }

    #[test]
    fn a_cable_is_dead_where_one_of_its_ends_is_a_placeholder() {
        let patch = with_grains();
        for (cable, is_dead) in
            [("a.out -> b.in", false), ("a.out -> g.x", true), ("g.x -> a.in", true)]
        {
            assert_eq!(patch.is_dead(&cable.parse().unwrap()), is_dead, "{cable}");
        }
    }
}
