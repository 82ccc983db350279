//! Modules: where they are, and what they are called.

use rosc::{OscMessage, OscType};
use sostenuto_patch::edit::Move as Place;
use sostenuto_patch::{Edit, GroupId, ModuleId, Name, Part, PatchModule};

use crate::address::{Address, Arg, EDIT, Form, REQUEST};
use crate::args::Args;
use crate::field::{Field, ID, OrEmpty, OrZero, Small};
use crate::message::Message;
use crate::unreadable::Unreadable;

pub(crate) const MODULE: Arg =
    Arg::new("module", Form::Text, "", ID, "a module's name in the patch");
pub(crate) const X: Arg =
    Arg::new("x", Form::Number, "points", "finite", "its left edge on the canvas");
pub(crate) const Y: Arg =
    Arg::new("y", Form::Number, "points", "finite", "its top edge on the canvas");

message! {
    /// Takes a module away, and its cables with it.
    Remove("/module/remove", EDIT, "lead") {
        /// a module's name in the patch
        module: ModuleId,
    }
}

/// Moves modules on the canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Each module, and where it goes.
    pub places: Vec<Place>,
}

impl Message for Move {
    const ADDRESS: Address = Address {
        path: "/module/move",
        args: &[MODULE.repeated(), X.repeated(), Y.repeated()],
        example: "/module/move lead 120.0 80.0 filter 360.0 80.0",
        help: "Moves modules on the canvas. Nothing is heard.",
        ..EDIT
    };

    fn read(args: &mut Args) -> Result<Move, Unreadable> {
        let place = |args: &mut Args| {
            Ok(Place { module: ModuleId::read(args)?, x: f32::read(args)?, y: f32::read(args)? })
        };
        Ok(Move { places: args.groups(place)? })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        for Place { module, x, y } in &self.places {
            ModuleId::write(module, args);
            f32::write(x, args);
            f32::write(y, args);
        }
    }
}

message! {
    /// Gives a module another name. Its cables stay.
    Rename("/module/rename", EDIT, "attenuverter-2 lead") {
        /// a module's name in the patch
        module: ModuleId,
        /// a name that no module has
        new_name: ModuleId,
    }
}

message! {
    /// Lets signals pass a module by, or no longer.
    Bypass("/module/bypass", EDIT.over_udp(), "lead true") {
        /// a module's name in the patch
        module: ModuleId,
        /// whether signals pass it by
        is_bypassed: bool,
    }
}

message! {
    /// Gives a module another sound, formula, melody or tuning. It plays on, from where it is. It follows
    /// `/module`, where the module has a text.
    Text("/module/text", EDIT, "math \"a * sin(tau * 2 * t)\"") {
        /// a module's name in the patch
        module: ModuleId,
        /// what its kind asks for: the whole path of a sound (WAV, AIFF, FLAC, OGG Vorbis or MP3) or
        /// `factory:name.wav`, a formula, notes, lanes of automation, or the whole paths of a tuning's
        /// Scala files, a line each; empty for none
        text: Name ["", "at most 64 KiB"],
    }
}

message! {
    /// Moves a module into a group, or out of all groups. Nothing is heard.
    Inside("/module/inside", EDIT, "lead voice 2") {
        /// a module's name in the patch
        module: ModuleId,
        /// the group that it lies in from now on; the canvas itself where it is empty
        group: Option<GroupId> as OrEmpty,
        /// in a linked group, the number that it has in every copy; 0 for none
        twin: u32 as OrZero,
    }
}

message! {
    /// Shows a part of a module on the faces of the groups around it, or no longer. A port that has a
    /// cable out of the group is always seen. Nothing is heard.
    Shown("/module/shown", EDIT, "lead \"param gain\" 1") {
        /// a module's name in the patch
        module: ModuleId,
        /// what of it
        part: Part,
        /// on how many of them, from its own group outwards
        levels: u8 as Small,
    }
}

message! {
    /// Calls a part of a module something else, where it is shown beside others: on faces of groups
    /// and on stage. Nothing is heard.
    Title("/module/title", EDIT, "lead \"param gain\" \"Loudness\"") {
        /// a module's name in the patch
        module: ModuleId,
        /// what of it
        part: Part,
        /// what it is called; empty for the name that its kind gives it
        title: String ["", "at most 64 KiB"],
    }
}

message! {
    /// Has scenes, automation and chance leave a param where it stands, or no longer. Nothing is heard.
    Lock("/module/lock", EDIT, "lead gain true") {
        /// a module's name in the patch
        module: ModuleId,
        /// a param's name
        param: Name ["", "see `sostenuto modules`"],
        /// whether they leave it alone
        is_locked: bool,
    }
}

message! {
    /// Tries a module again that rests or is in quarantine because it kept crashing. It begins afresh,
    /// with its params.
    Retry("/module/retry", REQUEST.over_udp(), "lead") {
        /// a module's name in the patch
        module: ModuleId,
    }
}

message! {
    /// Asks what a module is and where its params stand: `/module`, and `/module/text` where it has
    /// one.
    Query("/query/module", REQUEST.over_udp(), "lead") {
        /// a module's name in the patch
        module: ModuleId,
    }
}

edits! {
    Remove { module } => Edit::RemoveModule { id: module };
    Move { places } => Edit::MoveModules(places);
    Rename { module, new_name } => Edit::RenameModule { id: module, new_id: new_name };
    Bypass { module, is_bypassed } => Edit::SetBypass { module, is_bypassed };
    Text { module, text } => Edit::SetText { module, text };
    Inside { module, group, twin } => Edit::SetInside { module, group, twin };
    Shown { module, part, levels } => Edit::SetShown { module, part, levels };
    Lock { module, param, is_locked } => Edit::SetLocked { module, param, is_locked };
    Title { module, part, title } => Edit::SetPartTitle { module, part, title };
}

/// `/module/text`, where a module has one.
pub(crate) fn text_of(id: &ModuleId, module: &PatchModule) -> Option<OscMessage> {
    let text = module.text.clone();
    (!text.is_empty()).then(|| Text { module: id.clone(), text }.encode())
}
