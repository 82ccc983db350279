//! Comments.

use sostenuto_patch::{Comment, CommentId, Edit, GroupId};

use crate::address::{EDIT, Form};
use crate::args::Args;
use crate::field::{Field, OrEmpty, OrZero, Small};
use crate::unreadable::Unreadable;

message! {
    /// Writes a comment, a coloured rectangle behind the modules, or changes the one of that name.
    Set("/comment/set", EDIT, "voice 20.0 20.0 680.0 300.0 2 \"The voice\" \"\" 0") {
        /// a comment's name in the patch
        comment: CommentId,
        /// its left edge on the canvas
        x: f32 ["points", "finite"],
        /// its top edge on the canvas
        y: f32 ["points", "finite"],
        /// from edge to edge
        width: f32 ["points", "0 or more"],
        /// from edge to edge
        height: f32 ["points", "0 or more"],
        /// which of the palette
        colour: u8 as Colour,
        /// what it says
        text: String ["", "at most 64 KiB"],
        /// the group that it lies in; the canvas itself where it is empty
        group: Option<GroupId> as OrEmpty,
        /// in a linked group, the number that it has in every copy; 0 for none
        twin: u32 as OrZero,
    }
}

message! {
    /// Takes a comment away. What lies in it stays.
    Remove("/comment/remove", EDIT, "voice") {
        /// a comment's name in the patch
        comment: CommentId,
    }
}

pub(crate) struct Colour;

impl Field<u8> for Colour {
    const FORM: Form = Small::FORM;
    const RANGE: &'static str = "0 to 7";

    fn read(args: &mut Args) -> Result<u8, Unreadable> {
        Small::read(args)
    }

    fn write(value: &u8, args: &mut Vec<rosc::OscType>) {
        Small::write(value, args);
    }
}

edits! {
    Set { comment, x, y, width, height, colour, text, group, twin } => Edit::SetComment {
        id: comment,
        comment: Some(Comment { text, x, y, width, height, colour, group, twin }),
    };
    Remove { comment } => Edit::SetComment { id: comment, comment: None };
}
