//! Groups: modules that are shown as one.

use sostenuto_patch::{Edit, Group, GroupId, Name};

use crate::address::EDIT;
use crate::field::{OrEmpty, OrZero};
use crate::message::comment::Colour;

message! {
    /// Makes a group, a box on the canvas that modules can lie in, or changes the one of that name.
    /// Nothing is heard.
    Set("/group/set", EDIT, "voice 120.0 80.0 2 \"The voice\" \"\" 0 Moog") {
        /// a group's name in the patch
        group: GroupId,
        /// its left edge, on the canvas that it lies on
        x: f32 ["points", "finite"],
        /// its top edge
        y: f32 ["points", "finite"],
        /// which of the palette
        colour: u8 as Colour,
        /// what it is called
        title: String ["", "at most 64 KiB"],
        /// the group that it lies in; the canvas itself where it is empty
        inside: Option<GroupId> as OrEmpty,
        /// in a linked group, the number that it has in every copy; 0 for none
        twin: u32 as OrZero,
        /// groups with the same link are copies of each other, and what is changed in one is changed
        /// in all; without it, it is linked with none
        link: Option<Name> as OrEmpty,
    }
}

message! {
    /// Takes a group away. What lies in it must be moved elsewhere first.
    Remove("/group/remove", EDIT, "voice") {
        /// a group's name in the patch
        group: GroupId,
    }
}

edits! {
    Set { group, x, y, colour, title, inside, twin, link } => Edit::SetGroup {
        id: group,
        group: Some(Group { title, x, y, colour, inside, twin, link }),
    };
    Remove { group } => Edit::SetGroup { id: group, group: None };
}
