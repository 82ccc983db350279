//! A copy of the host's patch, kept in step by its reports.

use rosc::OscMessage;
use sostenuto_patch::{Edit, Patch, apply, file};

use crate::message::Report;

/// A copy of the host's patch: what an editor shows.
///
/// Subscribe to `patch`, ask for `/patch/get`, and give it every message that
/// comes. Reports that come before that `/patch` are of an older patch.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    patch: Patch,
    is_in_step: bool,
}

/// What a message did to a [`Mirror`].
#[derive(Clone, Debug, PartialEq)]
pub enum Mirrored {
    /// The patch is another one.
    Whole,
    /// It changed by this.
    Edit(Box<Edit>),
    /// It is out of step: ask for `/patch/get`.
    Lost,
    /// The message was of something else.
    Nothing,
}

impl Mirror {
    /// A copy of that patch, in step with a host that has the same.
    pub fn of(patch: Patch) -> Mirror {
        Mirror { patch, is_in_step: true }
    }

    /// The host's patch, as far as it was heard.
    pub fn patch(&self) -> &Patch {
        &self.patch
    }

    /// Whether the host's patch is known.
    pub fn is_in_step(&self) -> bool {
        self.is_in_step
    }

    /// Hears what the host says.
    pub fn hear(&mut self, message: OscMessage) -> Mirrored {
        Report::read(message).map_or(Mirrored::Nothing, |report| self.follow(report))
    }

    /// Does what is reported to its patch.
    pub fn follow(&mut self, report: Report) -> Mirrored {
        match report {
            Report::Patch(whole) => self.hear_whole(&whole.json),
            Report::Lost(_) => self.lose(),
            Report::Edit(edit) if self.is_in_step => self.hear_edit(edit),
            _ => Mirrored::Nothing,
        }
    }

    fn hear_whole(&mut self, json: &[u8]) -> Mirrored {
        let Ok(patch) = file::read(json) else { return self.lose() };
        *self = Mirror::of(patch);
        Mirrored::Whole
    }

    fn hear_edit(&mut self, edit: Edit) -> Mirrored {
        match apply(&mut self.patch, edit.clone()) {
            Ok(_) => Mirrored::Edit(Box::new(edit)),
            Err(_) => self.lose(),
        }
    }

    fn lose(&mut self) -> Mirrored {
        self.is_in_step = false;
        Mirrored::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::patch::Whole;
    use crate::message::reports::Lost;
    use crate::message::{Message, edit};
    use sostenuto_patch::testing::{added, ring};

    #[test]
    fn nothing_is_shown_before_the_whole_patch_was_heard() {
        let mut mirror = Mirror::default();
        let [report] = <[_; 1]>::try_from(edit::report(&added("d"))).unwrap();
        assert_eq!(mirror.hear(report.clone()), Mirrored::Nothing);
        assert_eq!(mirror.hear(Whole::of(&ring()).encode()), Mirrored::Whole);
        assert_eq!(mirror.hear(report.clone()), Mirrored::Edit(Box::new(added("d"))));
        assert_eq!(mirror.hear(report), Mirrored::Lost, "it is there already");
        assert!(!mirror.is_in_step());
    }

    #[test]
    fn after_lost_it_waits_for_the_whole_patch() {
        let mut mirror = Mirror::default();
        mirror.hear(Whole::of(&ring()).encode());
        assert_eq!(mirror.hear(Lost {}.encode()), Mirrored::Lost);
        assert_eq!(mirror.hear(edit::report(&added("d")).remove(0)), Mirrored::Nothing);
        mirror.hear(Whole::of(&ring()).encode());
        assert!(mirror.is_in_step() && *mirror.patch() == ring());
    }

    #[test]
    fn what_is_no_patch_puts_it_out_of_step() {
        let mut mirror = Mirror::default();
        let nonsense = Whole { json: b"{}".to_vec() };
        assert_eq!(mirror.hear(nonsense.encode()), Mirrored::Lost);
    }
}
