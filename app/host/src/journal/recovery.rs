//! How a session begins, decided from what the last one left. Pure.
//!
//! | the last session   | PATCH given | what plays                    | the old patch       |
//! |--------------------|-------------|-------------------------------|---------------------|
//! | ended, or was none | no          | nothing                       | kept as `last-…`    |
//! | ended, or was none | yes         | that                          | kept as `last-…`    |
//! | ended unexpectedly | no          | its newest patch, its states  | that is it          |
//! | ended unexpectedly | yes         | that                          | kept as `recovered-…` |

use std::collections::BTreeSet;

use sostenuto_modules::module::Role;
use sostenuto_patch::{ModuleId, Patch, PatchModule};

use super::folder::{Facts, Left};
use crate::notice::Notice;
use crate::plan::snapshot::Snapshot;

/// So many sessions in a row that end unexpectedly, each soon after its start,
/// and no module is computed any more.
const TOO_MANY_EARLY_ENDS: u32 = 3;

/// How a session begins.
#[derive(Debug, Default, PartialEq)]
pub struct Beginning {
    /// What plays.
    pub patch: Patch,
    /// What its modules remember.
    pub snapshot: Option<Snapshot>,
    /// Its modules that are not computed.
    pub quarantined: Vec<ModuleId>,
    /// Sessions in a row, this one included, that ended early if it does.
    pub early_ends: u32,
    /// What the musician is told.
    pub notice: Option<Notice>,
    /// The old patch does not play on: with what its file's name is to begin.
    pub set_aside: Option<&'static str>,
}

/// Decides. `given` is the patch that was asked for.
pub fn begin(left: &Left, given: Option<Patch>) -> Beginning {
    let old = left.newest.as_ref().map(|(patch, _)| patch);
    let old = old.filter(|old| **old != Patch::default());
    let again = old.filter(|_| !left.facts.has_ended);
    match (again, given) {
        (Some(old), None) => play_on(left, old),
        (old_again, given) => {
            let patch = given.unwrap_or_default();
            let is_same = old_again.is_some_and(|old| sounds_the_same(old, &patch));
            let early_ends = if is_same { left.facts.early_ends } else { 0 };
            let (quarantined, notice) = too_many(&patch, early_ends);
            let prefix = if old_again.is_some() { "recovered" } else { "last" };
            Beginning {
                patch,
                quarantined,
                early_ends: early_ends.saturating_add(1),
                notice,
                set_aside: old.map(|_| prefix),
                ..Beginning::default()
            }
        }
    }
}

fn play_on(left: &Left, old: &Patch) -> Beginning {
    let Facts { early_ends, .. } = left.facts;
    let (all, notice) = too_many(old, early_ends);
    if notice.is_some() {
        return Beginning {
            patch: old.clone(),
            quarantined: all,
            early_ends: early_ends.saturating_add(1),
            notice,
            ..Beginning::default()
        };
    }
    let suspects = suspects(old, left.played.as_ref());
    let before = left.facts.quarantined.iter().filter(|id| old.modules.contains_key(*id));
    let quarantined: BTreeSet<ModuleId> = suspects.iter().chain(before).cloned().collect();
    let mut patch = old.clone();
    patch.let_go();
    Beginning {
        patch,
        snapshot: left.snapshot.clone(),
        quarantined: quarantined.into_iter().collect(),
        early_ends: early_ends.saturating_add(1),
        notice: Some(Notice::SessionResumed { has_states: left.snapshot.is_some(), suspects }),
        set_aside: None,
    }
}

/// Modules that are in the newest patch, and not like that in the one that has
/// played for some seconds: they may have ended the program. A turned knob is
/// no reason: it makes no plan.
fn suspects(newest: &Patch, played: Option<&Patch>) -> Vec<ModuleId> {
    let has_played = |id: &ModuleId| {
        let (new, old) = (&newest.modules[id], played.and_then(|patch| patch.modules.get(id)));
        old.is_some_and(|old| old.kind == new.kind && (new.is_bypassed || !old.is_bypassed))
    };
    computed(newest).filter(|id| !has_played(id)).cloned().collect()
}

fn too_many(patch: &Patch, early_ends: u32) -> (Vec<ModuleId>, Option<Notice>) {
    let all: Vec<ModuleId> = computed(patch).cloned().collect();
    if early_ends < TOO_MANY_EARLY_ENDS || all.is_empty() {
        return (Vec::new(), None);
    }
    (all, Some(Notice::EndedTooOften { times: early_ends }))
}

/// Without Audio Out, which does nothing that could go wrong.
fn computed(patch: &Patch) -> impl Iterator<Item = &ModuleId> {
    let is_computed =
        |module: &PatchModule| !module.is_placeholder && !module.has_role(Role::AudioOut);
    patch.modules.iter().filter(move |(_, module)| is_computed(module)).map(|(id, _)| id)
}

/// Whether two patches have the same modules and cables, wherever their knobs
/// are and whichever cables are delayed.
fn sounds_the_same(one: &Patch, other: &Patch) -> bool {
    let kinds = |patch: &Patch| -> Vec<_> {
        patch.modules.iter().map(|(id, module)| (id.clone(), module.kind.clone())).collect()
    };
    one.cables == other.cables && kinds(one) == kinds(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::folder::NEWEST;

    fn patch(modules: &[(&str, &str)]) -> Patch {
        let module =
            |&(id, kind): &(&str, &str)| (id.parse().unwrap(), PatchModule::new(kind, 0.0, 0.0));
        Patch { modules: modules.iter().map(module).collect(), ..Patch::default() }
    }

    const SMALL: [(&str, &str); 2] = [("lead", "vco"), ("out", "audio-out")];
    const MORE: [(&str, &str); 3] = [("lead", "vco"), ("out", "audio-out"), ("room", "reverb")];

    /// A session that ended unexpectedly, after its newest patch had played.
    fn left(newest: &[(&str, &str)], early_ends: u32) -> Left {
        Left {
            facts: Facts { has_ended: false, early_ends, ..Facts::default() },
            newest: Some((patch(newest), NEWEST)),
            played: Some(patch(newest)),
            snapshot: Some(Snapshot::default()),
        }
    }

    fn names(ids: &[ModuleId]) -> Vec<&str> {
        ids.iter().map(ModuleId::as_str).collect()
    }

    #[test]
    fn a_first_session_plays_what_is_asked_for_and_nothing_is_told() {
        let first = begin(&Left::default(), None);
        assert_eq!(first, Beginning { early_ends: 1, ..Beginning::default() });
        assert_eq!(begin(&Left::default(), Some(patch(&SMALL))).patch, patch(&SMALL));
    }

    #[test]
    fn after_a_proper_end_nothing_plays_on_and_the_patch_is_kept() {
        let mut left = left(&SMALL, 0);
        left.facts.has_ended = true;
        let next = begin(&left, None);
        assert_eq!((next.patch, next.snapshot), (Patch::default(), None));
        assert_eq!((next.set_aside, next.notice), (Some("last"), None));
    }

    #[test]
    fn after_an_unexpected_end_the_patch_plays_on_from_where_it_was() {
        let next = begin(&left(&SMALL, 0), None);
        assert_eq!((&next.patch, next.set_aside, next.early_ends), (&patch(&SMALL), None, 1));
        assert!(next.snapshot.is_some() && next.quarantined.is_empty());
        assert_eq!(
            next.notice,
            Some(Notice::SessionResumed { has_states: true, suspects: vec![] })
        );
        let next = begin(&Left { snapshot: None, ..left(&SMALL, 0) }, None);
        assert_eq!(
            next.notice,
            Some(Notice::SessionResumed { has_states: false, suspects: vec![] })
        );
    }

    #[test]
    fn another_patch_plays_where_it_was_asked_for_and_the_old_one_is_kept() {
        let next = begin(&left(&SMALL, 2), Some(patch(&MORE)));
        assert_eq!((&next.patch, next.set_aside), (&patch(&MORE), Some("recovered")));
        assert!(next.snapshot.is_none() && next.quarantined.is_empty());
        assert_eq!(next.early_ends, 1, "it is another patch");
    }

    #[test]
    fn what_had_not_played_yet_is_quarantined_and_named() {
        let mut left = left(&MORE, 0);
        left.played = Some(patch(&SMALL));
        let lead = left.newest.as_mut().unwrap().0.modules.get_mut("lead").unwrap();
        lead.params.insert("octave".into(), 1.0);
        let next = begin(&left, None);
        assert_eq!(names(&next.quarantined), ["room"]);
        assert!(next.notice.unwrap().to_string().contains("`room`"));
        left.played = None;
        assert_eq!(names(&begin(&left, None).quarantined), ["lead", "room"]);
    }

    #[test]
    fn what_was_quarantined_stays_so() {
        let mut left = left(&MORE, 0);
        left.facts.quarantined = ["room", "gone"].map(|id| id.parse().unwrap()).into();
        let next = begin(&left, None);
        assert_eq!(names(&next.quarantined), ["room"]);
        assert!(!next.notice.unwrap().to_string().contains("room"), "it is no news");
    }

    #[test]
    fn after_three_early_ends_everything_but_audio_out_is_quarantined() {
        for early_ends in 0..6 {
            let is_too_much = early_ends >= 3;
            let next = begin(&left(&MORE, early_ends), None);
            assert_eq!(next.early_ends, early_ends + 1);
            assert_eq!(next.quarantined.len(), if is_too_much { 2 } else { 0 });
            assert_eq!(
                next.notice == Some(Notice::EndedTooOften { times: early_ends }),
                is_too_much
            );
            // As a service would start it, again and again.
            let next = begin(&left(&MORE, early_ends), Some(patch(&MORE)));
            assert_eq!(next.quarantined.len(), if is_too_much { 2 } else { 0 });
            assert_eq!(next.early_ends, early_ends + 1);
        }
    }
}
