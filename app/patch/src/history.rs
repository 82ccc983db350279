//! Undo and redo, as far as there is memory for it. One gesture is one step.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use super::Patch;
use super::edit::{Edit, apply};
use super::label::Label;
use super::link::followed;
use super::memory::bytes;
use super::problem::Problem;

/// Edits of the same gesture, one after the other, are taken back as one: a
/// knob turned from here to there, or modules pasted with their cables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gesture {
    /// Whose hand: gestures of two editors are never one.
    pub hand: u32,
    /// Which of that hand's.
    pub number: u32,
}

/// How much memory the steps of a history take, unless it is told otherwise.
const MOST_BYTES: usize = 256 << 20;

/// The way a patch came to be what it is, and the file that it lies in.
#[derive(Debug)]
pub struct History {
    /// The oldest first: those that are done, then those that were undone.
    steps: VecDeque<Step>,
    done: usize,
    /// About what the steps take.
    bytes: usize,
    most_bytes: usize,
    file: Option<PathBuf>,
    /// The files that hold this patch as it was after so many steps. One that
    /// came without a file, such as a factory patch, is where it came from.
    saved: BTreeMap<Option<PathBuf>, usize>,
    changes: u64,
    replacements: u64,
}

impl Default for History {
    fn default() -> History {
        History {
            steps: VecDeque::new(),
            done: 0,
            bytes: 0,
            most_bytes: MOST_BYTES,
            file: None,
            saved: BTreeMap::new(),
            changes: 0,
            replacements: 0,
        }
    }
}

impl History {
    /// Changes the patch and remembers how to take it back. What was undone
    /// before can then no longer be redone.
    ///
    /// Returns the edit with all that follows from it ([`followed`]). `None` where nothing
    /// has changed: where a knob is set to where it stands there is nothing to take
    /// back. Where the edit cannot be done, neither patch nor history change.
    pub fn apply(
        &mut self,
        patch: &mut Patch,
        edit: &Edit,
        gesture: Option<Gesture>,
    ) -> Result<Option<Edit>, Problem> {
        self.apply_from(patch, edit, gesture, None)
    }

    /// As [`History::apply`]. Another patch instead of this one comes from that
    /// file, or from none.
    pub fn apply_from(
        &mut self,
        patch: &mut Patch,
        edit: &Edit,
        gesture: Option<Gesture>,
        file: Option<&Path>,
    ) -> Result<Option<Edit>, Problem> {
        let label = Label::of(edit, patch);
        let edit = followed(patch, edit)?;
        let turned = apply(patch, edit.clone())?;
        let has_changed = turned != edit;
        let files = edit.replaces().then(|| [self.file.clone(), file.map(Path::to_owned)]);
        if let Some([_, file]) = &files {
            self.file.clone_from(file);
            self.replacements += 1;
        }
        if has_changed {
            self.push(Step { turned, gesture, label, files: files.clone() });
        }
        if let Some([_, file]) = files {
            self.saved.insert(file, self.undos());
        }
        Ok(has_changed.then_some(edit))
    }

    fn push(&mut self, step: Step) {
        let (undos, label) = (self.done, self.label());
        // What was undone is gone, and what lay in a file of it.
        self.saved.retain(|_, at| *at <= undos);
        let undone = self.steps.drain(self.done..);
        self.bytes -= undone.map(|step| step.bytes()).sum::<usize>();
        let is_merged = step.gesture.is_some()
            && self.steps.back().is_some_and(|last| last.gesture == step.gesture);
        if let Some(last) = self.steps.back_mut().filter(|_| is_merged) {
            self.bytes -= last.bytes();
            last.take_in(step);
            self.bytes += last.bytes();
            self.saved.retain(|_, at| *at < undos);
        } else {
            self.bytes += step.bytes();
            self.steps.push_back(step);
            self.done += 1;
        }
        if !is_merged || label != self.label() {
            self.changes += 1;
        }
        while self.bytes > self.most_bytes && self.steps.len() > 1 {
            self.forget_the_oldest();
        }
    }

    /// From now on the steps take about so many bytes at most: the oldest are
    /// forgotten, but never the last.
    pub fn set_memory(&mut self, most_bytes: usize) {
        self.most_bytes = most_bytes;
    }

    fn forget_the_oldest(&mut self) {
        let Some(step) = self.steps.pop_front() else { return };
        self.bytes -= step.bytes();
        self.done -= 1;
        self.changes += 1;
        self.saved.retain(|_, at| *at > 0);
        self.saved.values_mut().for_each(|at| *at -= 1);
    }

    /// Takes the last step back. Returns the edit that did so, or `None`
    /// where nothing is left.
    pub fn undo(&mut self, patch: &mut Patch) -> Option<Edit> {
        let last = self.done.checked_sub(1)?;
        let (edit, files) = self.turn(last, patch)?;
        self.done = last;
        self.turn_file(files.map(|[before, _]| before));
        Some(edit)
    }

    /// Makes the step again that was undone last. Returns the edit that did
    /// so, or `None` where there is none.
    pub fn redo(&mut self, patch: &mut Patch) -> Option<Edit> {
        let (edit, files) = self.turn(self.done, patch)?;
        self.done += 1;
        self.turn_file(files.map(|[_, after]| after));
        Some(edit)
    }

    /// Does the other side of a step. Returns the edit that did so, and the step's
    /// files.
    fn turn(&mut self, index: usize, patch: &mut Patch) -> Option<(Edit, Files)> {
        let step = self.steps.get_mut(index)?;
        self.bytes -= step.bytes();
        let other = apply(patch, step.turned.clone());
        let other = other.expect("what was done can be taken back, and done again");
        let edit = std::mem::replace(&mut step.turned, other);
        self.bytes += step.bytes();
        Some((edit, step.files.clone()))
    }

    fn turn_file(&mut self, file: Option<Option<PathBuf>>) {
        self.changes += 1;
        if let Some(file) = file {
            self.file = file;
            self.replacements += 1;
        }
    }

    /// How many steps can be undone.
    pub fn undos(&self) -> usize {
        self.done
    }

    /// How many steps can be redone.
    pub fn redos(&self) -> usize {
        self.steps.len() - self.done
    }

    /// What the last step did; empty where there is none.
    pub fn label(&self) -> String {
        let last = self.undos().checked_sub(1).and_then(|last| self.labels(last).next());
        last.unwrap_or_default()
    }

    /// What every step did, from this one on: those that are done, then those
    /// that can be redone.
    pub fn labels(&self, first: usize) -> impl Iterator<Item = String> {
        self.steps.iter().skip(first).map(|step| step.label.text())
    }

    /// Counts whatever an answer to the questions above can change by.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Counts how often another patch took the place of this one.
    pub fn replacements(&self) -> u64 {
        self.replacements
    }

    /// The file that the patch was loaded from or saved to. `None` for one that
    /// is new, or came otherwise.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether the file holds the patch as it stands, or it stands as it came.
    pub fn is_saved(&self) -> bool {
        self.saved.get(&self.file) == Some(&self.undos())
    }

    /// The patch lies in that file: as it stands, or as it was a moment ago.
    pub fn set_file(&mut self, file: PathBuf, is_saved: bool) {
        let file = Some(file);
        self.saved.remove(&file);
        if is_saved {
            self.saved.insert(file.clone(), self.undos());
        }
        self.file = file;
    }

    /// That file was written, and this patch has left it since.
    pub fn forget_file(&mut self, file: &Path) {
        self.saved.remove(&Some(file.to_owned()));
    }
}

/// An edit that was made, kept as its other side: while it is done, the edit
/// that takes it back; while it is taken back, the edit that does it.
#[derive(Debug)]
struct Step {
    turned: Edit,
    gesture: Option<Gesture>,
    label: Label,
    files: Files,
}

/// The patch's file before and after a step, where that put another patch there.
type Files = Option<[Option<PathBuf>; 2]>;

impl Step {
    fn bytes(&self) -> usize {
        size_of_val(self) + bytes(&self.turned)
    }

    /// Takes a later step in.
    fn take_in(&mut self, later: Step) {
        self.precede(later.turned);
        self.label = std::mem::take(&mut self.label).and(later.label);
        self.files = match (self.files.take(), later.files) {
            (Some([before, _]), Some([_, after])) => Some([before, after]),
            (mine, later) => mine.or(later),
        };
    }

    /// Takes the taking-back of a later edit in, to be done first.
    fn precede(&mut self, later: Edit) {
        let earlier = std::mem::replace(&mut self.turned, Edit::Several(Vec::new()));
        // Kept oldest last, as it is taken back.
        let mut edits = match earlier {
            Edit::Several(edits) => edits,
            edit => vec![edit],
        };
        // One by one: of many knobs that are turned together, each is kept once.
        let mut later = if let Edit::Several(several) = later { several } else { vec![later] };
        later.retain(|edit| !is_covered(edit, &edits));
        edits.splice(0..0, later);
        self.turned = Edit::Several(edits);
    }
}

/// Whether `edits` set again, with nothing but things set before, what `later`
/// sets: then it need not be set at all.
fn is_covered(later: &Edit, edits: &[Edit]) -> bool {
    let is_setting = |edit: &&Edit| {
        matches!(
            edit,
            Edit::SetParam { .. }
                | Edit::SetText { .. }
                | Edit::MoveModules(_)
                | Edit::SetComment { comment: Some(_), .. }
        )
    };
    let mut settings = edits.iter().take_while(is_setting);
    match later {
        Edit::SetParam { module, param, .. } => settings.any(|edit| {
            matches!(edit, Edit::SetParam { module: m, param: p, .. } if m == module && p == param)
        }),
        Edit::SetText { module, .. } => settings
            .any(|edit| matches!(edit, Edit::SetText { module: m, .. } if m == module)),
        Edit::SetComment { id, .. } => {
            settings.any(|edit| matches!(edit, Edit::SetComment { id: other, .. } if other == id))
        }
        Edit::MoveModules(moves) => settings.any(|edit| match edit {
            Edit::MoveModules(earlier) => {
                moves.iter().all(|later| earlier.iter().any(|move_| move_.module == later.module))
            }
            _ => false,
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Comment;
    use super::super::edit::Move;
    use super::*;
    use crate::testing::{added, any_edit, commented, id, math, ring, set, written};

    const TURN: Option<Gesture> = Some(Gesture { hand: 1, number: 7 });

    fn steps(edits: impl IntoIterator<Item = Edit>, gesture: Option<Gesture>) -> (Patch, History) {
        let (mut patch, mut history) = (ring(), History::default());
        for edit in edits {
            history.apply(&mut patch, &edit, gesture).unwrap();
        }
        (patch, history)
    }

    #[test]
    fn a_knob_turned_in_one_gesture_is_one_step_and_one_edit() {
        let turns = (0..1000).map(|n| set("a", ["gain", "offset"][n % 2], n as f32 / 1000.0));
        let (mut patch, mut history) = steps(turns, TURN);
        assert_eq!(history.undos(), 1);
        let Some(Edit::Several(edits)) = history.undo(&mut patch) else { panic!("a group") };
        assert_eq!(edits.len(), 2);
        assert_eq!(patch, ring());
        history.redo(&mut patch).unwrap();
        assert_eq!(patch.modules["a"].param("offset"), Some(0.999));
    }

    #[test]
    fn without_a_gesture_or_from_two_hands_every_edit_is_a_step() {
        let turns = || (1..=5).map(|n| set("a", "gain", n as f32 / 10.0));
        assert_eq!(steps(turns(), None).1.undos(), 5);
        let (mut patch, mut history) = (ring(), History::default());
        for (n, edit) in turns().enumerate() {
            let gesture = Some(Gesture { hand: n as u32 % 2, number: 7 });
            history.apply(&mut patch, &edit, gesture).unwrap();
        }
        assert_eq!(history.undos(), 5);
    }

    #[test]
    fn modules_dragged_in_one_gesture_are_one_edit() {
        let drag = |n: i32| {
            let place = |module| Move { module: id(module), x: n as f32, y: 0.0 };
            Edit::MoveModules(vec![place("a"), place("b")])
        };
        let (mut patch, mut history) = steps((1..500).map(drag), TURN);
        let Some(Edit::Several(edits)) = history.undo(&mut patch) else { panic!("a group") };
        assert_eq!(edits.len(), 1);
        assert_eq!(patch, ring());
    }

    #[test]
    fn notes_drawn_in_one_gesture_are_one_edit() {
        let (mut patch, mut history) = steps([math("m")], None);
        let before = patch.clone();
        for n in 0..500 {
            history.apply(&mut patch, &written("m", &format!("a + {n}")), TURN).unwrap();
        }
        let Some(Edit::Several(edits)) = history.undo(&mut patch) else { panic!("a group") };
        assert_eq!((edits.len(), &patch), (1, &before));
    }

    #[test]
    fn a_comment_dragged_with_what_lies_in_it_is_two_edits() {
        let drag = |n: i32| {
            let Edit::SetComment { id: name, comment } = commented("note", "voice") else {
                panic!("a comment")
            };
            let comment = comment.map(|comment| Comment { x: n as f32, ..comment });
            let moved = Edit::MoveModules(vec![Move { module: id("a"), x: n as f32, y: 0.0 }]);
            [Edit::SetComment { id: name, comment }, moved]
        };
        let (mut patch, mut history) = steps([commented("note", "voice")], None);
        let before = patch.clone();
        for edit in (1..500).flat_map(drag) {
            history.apply(&mut patch, &edit, TURN).unwrap();
        }
        let Some(Edit::Several(edits)) = history.undo(&mut patch) else { panic!("a group") };
        assert_eq!(edits.len(), 2);
        assert_eq!(patch, before);
    }

    #[test]
    fn every_step_is_called_by_what_it_did() {
        let (mut patch, mut history) = steps([added("d"), set("a", "gain", 0.5)], None);
        for edit in [Edit::RemoveModule { id: id("a") }, Edit::RemoveModule { id: id("b") }] {
            history.apply(&mut patch, &edit, TURN).unwrap();
        }
        history.undo(&mut patch).unwrap();
        let labels: Vec<String> = history.labels(0).collect();
        assert_eq!(labels, ["Add Attenuverter", "Turn gain of a", "Delete 2 modules"]);
        assert_eq!(history.label(), "Turn gain of a");
        assert_eq!(history.labels(2).count(), 1);
        assert_eq!(history.labels(7).count(), 0);
        assert_eq!(History::default().label(), "");
    }

    #[test]
    fn a_step_that_grows_without_another_name_is_no_news() {
        let (mut patch, mut history) = steps([set("a", "gain", 0.1)], TURN);
        let before = history.changes();
        history.apply(&mut patch, &set("a", "gain", 0.2), TURN).unwrap();
        assert_eq!(history.changes(), before);
        history.apply(&mut patch, &set("a", "offset", 0.2), TURN).unwrap();
        assert_eq!((history.changes(), &*history.label()), (before + 1, "Turn 2 knobs"));
    }

    #[test]
    fn many_knobs_that_are_turned_together_are_each_kept_once() {
        let both = |gain| Edit::Several(vec![set("a", "gain", gain), set("b", "gain", gain)]);
        let (mut patch, mut history) = steps([both(0.1)], TURN);
        let bytes = history.bytes;
        for step in 2..100 {
            history.apply(&mut patch, &both(0.01 * step as f32), TURN).unwrap();
        }
        assert_eq!(history.bytes, bytes);
        history.undo(&mut patch).unwrap();
        assert_eq!(patch, ring());
    }

    /// The name of the patch's file, and whether it is saved.
    fn file(history: &History) -> (Option<&str>, bool) {
        (history.file().map(|file| file.to_str().unwrap()), history.is_saved())
    }

    #[test]
    fn undo_finds_the_file_again_and_whether_it_is_saved() {
        let (mut patch, mut history) = steps([added("d")], None);
        assert_eq!(file(&history), (None, false));
        history.set_file("a".into(), true);
        assert_eq!(file(&history), (Some("a"), true));
        let other = Edit::Replace(Box::default());
        history.apply_from(&mut patch, &other, None, Some(Path::new("b"))).unwrap();
        assert_eq!(file(&history), (Some("b"), true));
        history.apply(&mut patch, &added("e"), None).unwrap();
        assert_eq!(file(&history), (Some("b"), false));
        history.undo(&mut patch).unwrap();
        assert_eq!(file(&history), (Some("b"), true));
        history.undo(&mut patch).unwrap();
        assert_eq!(file(&history), (Some("a"), true));
        history.undo(&mut patch).unwrap();
        assert_eq!(file(&history), (Some("a"), false));
        while history.redo(&mut patch).is_some() {}
        assert_eq!(file(&history), (Some("b"), false));
        history.apply(&mut patch, &other, None).unwrap();
        assert_eq!(file(&history), (None, true), "as it came");
        history.apply(&mut patch, &added("e"), None).unwrap();
        assert_eq!(file(&history), (None, false));
    }

    #[test]
    fn a_step_that_grows_or_is_forgotten_is_saved_no_more() {
        let (mut patch, mut history) = steps([set("a", "gain", 0.1)], TURN);
        history.set_file("a".into(), true);
        history.apply(&mut patch, &set("a", "gain", 0.2), TURN).unwrap();
        assert_eq!(file(&history), (Some("a"), false));
        history.set_file("a".into(), true);
        history.undo(&mut patch).unwrap();
        history.apply(&mut patch, &added("d"), None).unwrap();
        assert_eq!(file(&history), (Some("a"), false), "another step has its number");
    }

    #[test]
    fn a_new_edit_forgets_what_was_undone() {
        let (mut patch, mut history) = steps([added("d"), added("e")], None);
        history.undo(&mut patch).unwrap();
        assert_eq!((history.undos(), history.redos()), (1, 1));
        history.apply(&mut patch, &added("f"), None).unwrap();
        assert_eq!((history.undos(), history.redos()), (2, 0));
        assert_eq!(history.redo(&mut patch), None);
    }

    #[test]
    fn a_refused_edit_leaves_what_was_undone() {
        let (mut patch, mut history) = steps([added("d")], None);
        history.undo(&mut patch).unwrap();
        history.apply(&mut patch, &added("a"), None).unwrap_err();
        assert_eq!(history.redos(), 1);
        history.redo(&mut patch).unwrap();
        assert!(patch.modules.contains_key("d"));
    }

    #[test]
    fn a_knob_set_to_where_it_stands_is_no_step() {
        let (mut patch, mut history) = steps([added("d")], None);
        history.undo(&mut patch).unwrap();
        assert_eq!(history.apply(&mut patch, &set("a", "gain", 1.0), None), Ok(None));
        assert_eq!((history.undos(), history.redos()), (0, 1));
    }

    #[test]
    fn nothing_is_undone_where_nothing_was_done() {
        let (mut patch, mut history) = steps([], None);
        assert_eq!(history.undo(&mut patch), None);
        assert_eq!(history.redo(&mut patch), None);
    }

    /// A text of that length.
    fn long(kib: usize) -> Edit {
        Edit::SetDescription("x".repeat(kib << 10))
    }

    #[test]
    fn the_oldest_steps_are_forgotten_where_memory_ends_and_never_the_last() {
        let (mut patch, mut history) = (ring(), History::default());
        history.set_memory(32 << 10);
        history.apply(&mut patch, &math("m"), None).unwrap();
        history.set_file("a".into(), true);
        let before = history.changes();
        for kib in [4, 5].into_iter().cycle().take(40) {
            history.apply(&mut patch, &long(kib), None).unwrap();
            assert!(history.bytes <= 32 << 10, "{}", history.bytes);
        }
        assert!((3..12).contains(&history.undos()), "{}", history.undos());
        assert!(history.changes() - before > 40, "what is forgotten is news");
        assert_eq!(history.labels(0).count(), history.undos());
        let last = patch.clone();
        while history.undo(&mut patch).is_some() {}
        assert!(!history.is_saved(), "that step is forgotten");
        assert!(patch.modules.contains_key("m"), "and so is this one");
        while history.redo(&mut patch).is_some() {}
        assert_eq!(patch, last);
        for kib in [40, 41, 42] {
            history.apply(&mut patch, &long(kib), None).unwrap();
        }
        // Each is larger than all that there is room for.
        assert_eq!((history.undos(), history.redos()), (1, 0));
    }

    proptest! {
        #[test]
        fn all_undone_is_the_first_patch_and_all_redone_the_last(
            edits in prop::collection::vec((any_edit(), prop::option::of(0u32..3)), 0..60)
        ) {
            let (mut patch, mut history) = (ring(), History::default());
            for (edit, gesture) in edits {
                let gesture = gesture.map(|number| Gesture { hand: 1, number });
                let _ = history.apply(&mut patch, &edit, gesture);
            }
            let last = patch.clone();
            for _ in 0..2 {
                let steps = history.undos();
                let counted: usize = history.steps.iter().map(Step::bytes).sum();
                prop_assert_eq!(history.bytes, counted);
                while history.undo(&mut patch).is_some() {}
                prop_assert_eq!(&patch, &ring());
                prop_assert_eq!(history.redos(), steps);
                while history.redo(&mut patch).is_some() {}
                prop_assert_eq!(&patch, &last);
            }
        }
    }
}
