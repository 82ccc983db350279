//! A copy of the host's patch, kept in step by its reports.

use rosc::{OscMessage, OscType};
use sostenuto_patch::{Edit, Patch, apply, file};

use crate::request::{Call, Request, Value};

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
    Edit(Edit),
    /// It is out of step: ask for `/patch/get`.
    Lost,
    /// The message was of something else.
    Nothing,
}

impl Mirror {
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
        match message.addr.as_str() {
            "/patch" => self.hear_whole(&message.args),
            "/reports/lost" => self.lose(),
            _ if !self.is_in_step => Mirrored::Nothing,
            _ => match Call::read(message).map(|call| call.request) {
                Ok(Request::Edit(edit)) => self.hear_edit(edit),
                Ok(Request::SetParam { module, param, value: Value::Number(value), .. }) => {
                    self.hear_edit(Edit::SetParam { module, param, value })
                }
                _ => Mirrored::Nothing,
            },
        }
    }

    fn hear_whole(&mut self, args: &[OscType]) -> Mirrored {
        let [OscType::Blob(json)] = args else { return self.lose() };
        let Ok(patch) = file::read(json) else { return self.lose() };
        *self = Mirror { patch, is_in_step: true };
        Mirrored::Whole
    }

    fn hear_edit(&mut self, edit: Edit) -> Mirrored {
        match apply(&mut self.patch, edit.clone()) {
            Ok(_) => Mirrored::Edit(edit),
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
    use crate::reply;
    use sostenuto_patch::testing::{added, ring};

    #[test]
    fn nothing_is_shown_before_the_whole_patch_was_heard() {
        let mut mirror = Mirror::default();
        let [report] = <[_; 1]>::try_from(reply::edit(&added("d"))).unwrap();
        assert_eq!(mirror.hear(report.clone()), Mirrored::Nothing);
        assert_eq!(mirror.hear(reply::patch(&ring())), Mirrored::Whole);
        assert_eq!(mirror.hear(report.clone()), Mirrored::Edit(added("d")));
        assert_eq!(mirror.hear(report), Mirrored::Lost, "it is there already");
        assert!(!mirror.is_in_step());
    }

    #[test]
    fn after_lost_it_waits_for_the_whole_patch() {
        let mut mirror = Mirror::default();
        mirror.hear(reply::patch(&ring()));
        assert_eq!(mirror.hear(reply::lost()), Mirrored::Lost);
        assert_eq!(mirror.hear(reply::edit(&added("d")).remove(0)), Mirrored::Nothing);
        mirror.hear(reply::patch(&ring()));
        assert!(mirror.is_in_step() && *mirror.patch() == ring());
    }

    #[test]
    fn what_is_no_patch_puts_it_out_of_step() {
        let mut mirror = Mirror::default();
        let nonsense = OscType::Blob(b"{}".to_vec());
        let message = OscMessage { addr: "/patch".into(), args: vec![nonsense] };
        assert_eq!(mirror.hear(message), Mirrored::Lost);
    }
}
