//! Loops of a patch, and the cables that are a sample late in them.
//!
//! Modules whose cables lead in a circle cannot all be computed before each
//! other. So one cable of each loop is delayed: it carries the sample before. It
//! is the cable that closed the loop, until a hand chooses another one.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::edit::Edit;
use super::problem::Problem;
use super::{Cable, ModuleId, Patch};

/// Which modules the cables out of each module lead to.
pub struct Paths<'a, M>(BTreeMap<&'a M, Vec<&'a M>>);

impl<'a, M: Ord> Paths<'a, M> {
    /// Of cables, each by the modules that it comes from and goes to.
    pub fn of(cables: impl Iterator<Item = (&'a M, &'a M)>) -> Paths<'a, M> {
        let mut paths = Paths(BTreeMap::new());
        cables.for_each(|(from, to)| paths.add(from, to));
        paths
    }

    /// One cable more.
    pub fn add(&mut self, from: &'a M, to: &'a M) {
        self.0.entry(from).or_default().push(to);
    }

    /// Whether a cable between these modules would close a loop.
    pub fn are_closed_by(&self, from: &M, to: &M) -> bool {
        let (mut reached, mut seen) = (vec![to], BTreeSet::from([to]));
        while let Some(at) = reached.pop() {
            if at == from {
                return true;
            }
            let nexts = self.0.get(at).into_iter().flatten();
            reached.extend(nexts.copied().filter(|next| seen.insert(next)));
        }
        false
    }
}

fn ends(cable: &Cable) -> (&ModuleId, &ModuleId) {
    (&cable.from.module, &cable.to.module)
}

/// Those of the cables that are part of a loop of them.
fn looped<'a>(cables: impl Iterator<Item = &'a Cable> + Clone) -> BTreeSet<&'a Cable> {
    let mut graph = DiGraph::<(), ()>::new();
    let mut nodes = BTreeMap::new();
    for cable in cables.clone() {
        let [from, to] = [&cable.from.module, &cable.to.module]
            .map(|id| *nodes.entry(id).or_insert_with(|| graph.add_node(())));
        graph.add_edge(from, to, ());
    }
    let mut region_of = vec![0; graph.node_count()];
    for (region, nodes) in kosaraju_scc(&graph).iter().enumerate() {
        nodes.iter().for_each(|node| region_of[node.index()] = region);
    }
    let region = |id: &ModuleId| nodes.get(id).map(|node| region_of[node.index()]);
    cables.filter(|cable| region(&cable.from.module) == region(&cable.to.module)).collect()
}

impl Patch {
    /// Whether a cable carries the sample before, because it closes a loop.
    pub fn is_delayed(&self, cable: &Cable) -> bool {
        self.delayed.contains(cable)
    }

    /// Every cable that is part of a loop.
    pub fn looped(&self) -> BTreeSet<&Cable> {
        looped(self.cables.iter())
    }

    fn prompt(&self) -> impl Iterator<Item = &Cable> + Clone {
        self.cables.iter().filter(|cable| !self.is_delayed(cable))
    }

    /// Whether that cable and others that are not delayed would make a loop.
    pub(super) fn closes_loop(&self, cable: &Cable) -> bool {
        let (from, to) = ends(cable);
        Paths::of(self.prompt().map(ends)).are_closed_by(from, to)
    }

    /// Cables that are no longer part of a loop are no longer delayed.
    pub(super) fn unmark_open_loops(&mut self) {
        if self.delayed.is_empty() {
            return;
        }
        let looped = self.looped();
        let is_marked = |cable: &&Cable| self.delayed.contains(*cable);
        self.delayed = looped.into_iter().filter(is_marked).cloned().collect();
    }

    /// Delays every cable of every loop of modules that are computed, as patches
    /// did before a cable could be marked.
    pub(super) fn delay_whole_loops(&mut self) {
        let live = self.cables.iter().filter(|cable| !self.is_dead(cable));
        self.delayed = looped(live).into_iter().cloned().collect();
    }

    /// Leaves no loop without a delayed cable, and no delayed cable without a
    /// loop. Where one has to be chosen, it is the cable that closes a loop when
    /// they are plugged in by that order; one that is not heard where possible.
    pub(super) fn settle_loops(&mut self, order: &[Cable]) {
        self.unmark_open_loops();
        let looped = looped(self.prompt());
        if looped.is_empty() {
            return;
        }
        let (dead, live): (Vec<_>, Vec<_>) = order
            .iter()
            .filter(|cable| looped.contains(cable))
            .partition(|cable| self.is_dead(cable));
        let mut paths = Paths::of(std::iter::empty());
        let mut closing = Vec::new();
        for cable in live.into_iter().chain(dead) {
            let (from, to) = ends(cable);
            if paths.are_closed_by(from, to) {
                closing.push(cable.clone());
            } else {
                paths.add(from, to);
            }
        }
        self.delayed.extend(closing);
    }

    /// Whether each loop has a delayed cable, and each delayed cable a loop.
    pub(super) fn check_loops(&self) -> Result<(), Problem> {
        let in_loops = self.looped();
        if let Some(cable) = self.delayed.iter().find(|cable| !in_loops.contains(cable)) {
            return Err(Problem::NoLoop { cable: cable.to_string() });
        }
        match looped(self.prompt()).first() {
            Some(cable) => Err(Problem::PromptLoop { cable: cable.to_string() }),
            None => Ok(()),
        }
    }

    /// Delays a cable, or no longer.
    pub(super) fn set_delay(&mut self, cable: Cable, is_delayed: bool) -> Result<Edit, Problem> {
        if !self.cables.contains(&cable) {
            return Err(Problem::NoCable { cable: cable.to_string() });
        }
        let was_delayed = self.is_delayed(&cable);
        if is_delayed && !was_delayed {
            if !self.looped().contains(&cable) {
                return Err(Problem::NoLoop { cable: cable.to_string() });
            }
            self.delayed.insert(cable.clone());
        } else if was_delayed && !is_delayed {
            if self.closes_loop(&cable) {
                return Err(Problem::PromptLoop { cable: cable.to_string() });
            }
            self.delayed.remove(&cable);
        }
        Ok(Edit::SetDelay { cable, is_delayed: was_delayed })
    }

    /// Pulls cables out. Returns the edits that plug them in again, so that the
    /// same cables are delayed as before.
    pub(super) fn pull_out(&mut self, cables: &[Cable]) -> Vec<Edit> {
        let before = self.delayed.clone();
        for cable in cables {
            self.cables.remove(cable);
        }
        self.unmark_open_loops();
        let mut back: Vec<Edit> = cables.iter().cloned().map(Edit::Connect).collect();
        let mark = |cable: &Cable, is_delayed| Edit::SetDelay { cable: cable.clone(), is_delayed };
        let lost: Vec<&Cable> = before.difference(&self.delayed).collect();
        if !lost.is_empty() {
            back.extend(lost.into_iter().map(|cable| mark(cable, true)));
            let prompt = cables.iter().filter(|cable| !before.contains(cable));
            back.extend(prompt.map(|cable| mark(cable, false)));
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::edit::apply;
    use super::super::file;
    use super::*;
    use crate::testing::{added, connected, id, ring};

    fn cable(text: &str) -> Cable {
        text.parse().unwrap()
    }

    fn delayed(patch: &Patch) -> Vec<String> {
        patch.check().unwrap();
        patch.delayed.iter().map(Cable::to_string).collect()
    }

    fn set_delay(text: &str, is_delayed: bool) -> Edit {
        Edit::SetDelay { cable: cable(text), is_delayed }
    }

    fn done(patch: &mut Patch, edits: impl IntoIterator<Item = Edit>) {
        for edit in edits {
            apply(patch, edit).unwrap();
        }
    }

    #[test]
    fn the_cable_that_closes_a_loop_is_delayed_and_no_other() {
        let mut patch = ring();
        assert_eq!(delayed(&patch), ["c.out -> a.in"]);
        done(&mut patch, [connected("b.out -> b.in"), added("d"), connected("c.out -> d.in")]);
        assert_eq!(delayed(&patch), ["b.out -> b.in", "c.out -> a.in"]);
        done(&mut patch, [connected("d.out -> b.in")]);
        assert_eq!(delayed(&patch), ["b.out -> b.in", "c.out -> a.in", "d.out -> b.in"]);
        // The loops through it are broken by the others.
        done(&mut patch, [connected("a.out -> c.in")]);
        assert_eq!(patch.delayed.len(), 3);
    }

    #[test]
    fn a_broken_loop_needs_no_delay_and_comes_back_with_its_own() {
        let mut patch = ring();
        let before = patch.clone();
        let back = apply(&mut patch, Edit::Disconnect(cable("a.out -> b.in"))).unwrap();
        assert!(delayed(&patch).is_empty());
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
        done(&mut patch, [Edit::Disconnect(cable("a.out -> b.in")), connected("a.out -> b.in")]);
        assert_eq!(
            delayed(&patch),
            ["a.out -> b.in"],
            "plugged in anew, it is the one that closes"
        );
    }

    #[test]
    fn the_delay_is_moved_by_hand_but_never_away_from_a_loop() {
        let mut patch = ring();
        let before = patch.clone();
        let problem = apply(&mut patch, set_delay("c.out -> a.in", false)).unwrap_err();
        assert!(problem.to_string().contains("`c.out -> a.in`"), "{problem}");
        let problem = apply(&mut patch, set_delay("c.out -> b.in", true)).unwrap_err();
        assert!(problem.to_string().contains("no cable"), "{problem}");
        done(&mut patch, [added("d"), connected("a.out -> d.in")]);
        let problem = apply(&mut patch, set_delay("a.out -> d.in", true)).unwrap_err();
        assert!(problem.to_string().contains("not part of a loop"), "{problem}");
        let mut patch = before.clone();
        let moved = Edit::Several(vec![
            set_delay("b.out -> c.in", true),
            set_delay("c.out -> a.in", false),
        ]);
        let back = apply(&mut patch, moved).unwrap();
        assert_eq!(delayed(&patch), ["b.out -> c.in"]);
        apply(&mut patch, back).unwrap();
        assert_eq!(patch, before);
    }

    #[test]
    fn a_renamed_module_keeps_the_marks_of_its_cables() {
        let mut patch = ring();
        done(&mut patch, [Edit::RenameModule { id: id("c"), new_id: id("z") }]);
        assert_eq!(delayed(&patch), ["z.out -> a.in"]);
    }

    #[test]
    fn another_patch_gets_the_delays_that_it_lacks() {
        let mut other = ring();
        other.delayed = [cable("a.out -> b.in"), cable("x.out -> y.in")].into();
        let mut none = ring();
        none.delayed.clear();
        for (given, should_be) in [(other, "a.out -> b.in"), (none, "c.out -> a.in")] {
            let mut patch = Patch::default();
            done(&mut patch, [Edit::Replace(Box::new(given))]);
            assert_eq!(delayed(&patch), [should_be]);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_cables_a_file_of_them_has_a_delay_in_each_loop_and_keeps_it(
            ends in prop::collection::vec((0usize..6, 0usize..6), 0..24),
            marks in prop::collection::vec(any::<bool>(), 24),
            version in 1..=2,
        ) {
            let modules: Vec<String> = (0..6)
                .map(|n| format!(r#"{{"id": "m{n}", "kind": "{}"}}"#, ["attenuverter", "unknown"][usize::from(n == 5)]))
                .collect();
            let ends: BTreeSet<(usize, usize)> = ends.into_iter().collect();
            let cables = ends.iter().map(|(from, to)| format!("m{from}.out -> m{to}.in"));
            let cables: Vec<String> = cables.collect();
            let marked = cables.iter().zip(marks).filter(|(_, is_marked)| version == 2 && *is_marked);
            let delayed: Vec<&String> = marked.map(|(cable, _)| cable).collect();
            let text = format!(
                r#"{{"sostenuto": {version}, "modules": [{}], "cables": {cables:?}, "delayed": {delayed:?}}}"#,
                modules.join(","),
            );
            let patch = file::read(text.as_bytes()).unwrap();
            patch.check().unwrap();
            if version == 1 {
                // They are sorted, as the program wrote them: it plays as it did.
                let live = patch.cables.iter().filter(|cable| !patch.is_dead(cable));
                for cable in looped(live) {
                    prop_assert!(patch.is_delayed(cable));
                }
            }
            prop_assert_eq!(file::read(file::write(&patch).as_bytes()).unwrap(), patch);
        }
    }
}
