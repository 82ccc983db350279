//! The stage: what is played by, large and in an order.

use rosc::OscType;
use sostenuto_patch::stage::{Form as StageForm, Staged};
use sostenuto_patch::{Edit, ModuleId, Part};

use crate::address::{EDIT, Form};
use crate::args::Args;
use crate::field::Field;
use crate::unreadable::Unreadable;

message! {
    /// Puts a part of a module on stage, or moves it there. Nothing is heard.
    Set("/stage/set", EDIT, "lead \"param gain\" 3 fader") {
        /// a module's name in the patch
        module: ModuleId,
        /// what of it: a param, or the screen
        part: Part,
        /// what has a lower place comes first
        place: u16 as Place,
        /// what it is played by: what suits it, a fader, or the way across of a pad, where what comes
        /// next is the way up
        form: StageForm,
    }
}

message! {
    /// Takes a part of a module off the stage. Nothing is heard.
    Remove("/stage/remove", EDIT, "lead \"param gain\"") {
        /// a module's name in the patch
        module: ModuleId,
        /// what of it
        part: Part,
    }
}

/// Where in the order.
pub(crate) struct Place;

impl Field<u16> for Place {
    const FORM: Form = Form::Int;
    const RANGE: &'static str = "0 to 65535";

    fn read(args: &mut Args) -> Result<u16, Unreadable> {
        args.int()?.try_into().map_err(|_| args.out_of_range())
    }

    fn write(value: &u16, args: &mut Vec<OscType>) {
        args.push(OscType::Int((*value).into()));
    }
}

edits! {
    Set { module, part, place, form } => {
        Edit::SetStaged { module, part, staged: Some(Staged { place, form }) }
    };
    Remove { module, part } => Edit::SetStaged { module, part, staged: None };
}
