//! Undo and redo, without end. One gesture is one step.

use undo::{Merged, Record};

use super::Patch;
use super::edit::{Edit, apply};
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

/// The way a patch came to be what it is.
#[derive(Debug, Default)]
pub struct History {
    record: Record<Step>,
}

impl History {
    /// Changes the patch and remembers how to take it back. What was undone
    /// before can then no longer be redone.
    ///
    /// Returns whether anything has changed: where a knob is set to where it
    /// stands there is nothing to take back. Where the edit can not be done,
    /// neither patch nor history change.
    pub fn apply(
        &mut self,
        patch: &mut Patch,
        edit: &Edit,
        gesture: Option<Gesture>,
    ) -> Result<bool, Problem> {
        let turned = apply(patch, edit.clone())?;
        let has_changed = turned != *edit;
        if has_changed {
            self.record.edit(patch, Step { turned, gesture })?;
        }
        Ok(has_changed)
    }

    /// Takes the last step back. Returns the edit that did so, or `None`
    /// where nothing is left.
    pub fn undo(&mut self, patch: &mut Patch) -> Option<Edit> {
        let edit =
            self.record.get_entry(self.record.head().checked_sub(1)?)?.as_ref().turned.clone();
        self.record.undo(patch)?.expect("the last step can always be taken back");
        Some(edit)
    }

    /// Makes the step again that was undone last. Returns the edit that did
    /// so, or `None` where there is none.
    pub fn redo(&mut self, patch: &mut Patch) -> Option<Edit> {
        let edit = self.record.get_entry(self.record.head())?.as_ref().turned.clone();
        self.record.redo(patch)?.expect("what was undone can always be redone");
        Some(edit)
    }

    /// How many steps can be undone.
    pub fn undos(&self) -> usize {
        self.record.head()
    }

    /// How many steps can be redone.
    pub fn redos(&self) -> usize {
        self.record.len() - self.record.head()
    }
}

/// An edit that was made, kept as its other side: while it is done, the edit
/// that takes it back; while it is taken back, the edit that does it.
#[derive(Debug)]
struct Step {
    turned: Edit,
    gesture: Option<Gesture>,
}

impl Step {
    fn turn(&mut self, patch: &mut Patch) -> Result<(), Problem> {
        self.turned = apply(patch, self.turned.clone())?;
        Ok(())
    }

    /// Takes the taking-back of a later edit in, to be done first.
    fn precede(&mut self, later: Edit) {
        let earlier = std::mem::replace(&mut self.turned, Edit::Group(Vec::new()));
        // Kept oldest last, as it is taken back.
        let mut edits = match earlier {
            Edit::Group(edits) => edits,
            edit => vec![edit],
        };
        if !is_covered(&later, &edits) {
            edits.insert(0, later);
        }
        self.turned = Edit::Group(edits);
    }
}

/// Whether `edits` set again, with nothing but knobs turned before, what
/// `later` sets: then it need not be set at all.
fn is_covered(later: &Edit, edits: &[Edit]) -> bool {
    let knobs = edits.iter().take_while(|edit| matches!(edit, Edit::SetParam { .. }));
    match later {
        Edit::SetParam { module, param, .. } => knobs.into_iter().any(|edit| {
            matches!(edit, Edit::SetParam { module: m, param: p, .. } if m == module && p == param)
        }),
        Edit::MoveModules(moves) => match edits.first() {
            Some(Edit::MoveModules(earlier)) => {
                moves.iter().all(|later| earlier.iter().any(|move_| move_.module == later.module))
            }
            _ => false,
        },
        _ => false,
    }
}

impl undo::Edit for Step {
    type Target = Patch;
    type Output = Result<(), Problem>;

    /// Nothing: an edit is first tried, and only one that was done is pushed.
    fn edit(&mut self, _: &mut Patch) -> Result<(), Problem> {
        Ok(())
    }

    fn undo(&mut self, patch: &mut Patch) -> Result<(), Problem> {
        self.turn(patch)
    }

    fn redo(&mut self, patch: &mut Patch) -> Result<(), Problem> {
        self.turn(patch)
    }

    fn merge(&mut self, later: Step) -> Merged<Step> {
        if later.gesture.is_none() || later.gesture != self.gesture {
            return Merged::No(later);
        }
        self.precede(later.turned);
        Merged::Yes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::edit::Move;
    use super::super::edit::tests::{added, any_edit, id, ring, set};
    use super::*;

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
        let Some(Edit::Group(edits)) = history.undo(&mut patch) else { panic!("a group") };
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
        let Some(Edit::Group(edits)) = history.undo(&mut patch) else { panic!("a group") };
        assert_eq!(edits.len(), 1);
        assert_eq!(patch, ring());
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
        assert_eq!(history.apply(&mut patch, &set("a", "gain", 1.0), None), Ok(false));
        assert_eq!((history.undos(), history.redos()), (0, 1));
    }

    #[test]
    fn nothing_is_undone_where_nothing_was_done() {
        let (mut patch, mut history) = steps([], None);
        assert_eq!(history.undo(&mut patch), None);
        assert_eq!(history.redo(&mut patch), None);
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
                while history.undo(&mut patch).is_some() {}
                prop_assert_eq!(&patch, &ring());
                prop_assert_eq!(history.redos(), steps);
                while history.redo(&mut patch).is_some() {}
                prop_assert_eq!(&patch, &last);
            }
        }
    }
}
