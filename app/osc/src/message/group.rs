//! Groups: modules that are shown as one.

use sostenuto_patch::{Edit, Group, GroupId};

use crate::address::EDIT;
use crate::message::comment::Colour;

message! {
    /// Makes a group, a box on the canvas that modules can lie in, or changes the one of that name.
    /// Nothing is heard.
    Set("/group/set", EDIT, "voice 120.0 80.0 2 \"The voice\"") {
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
        /// the group that it lies in; the canvas itself without it
        inside: Option<GroupId>,
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
    Set { group, x, y, colour, title, inside } => Edit::SetGroup {
        id: group,
        group: Some(Group { title, x, y, colour, inside }),
    };
    Remove { group } => Edit::SetGroup { id: group, group: None };
}
