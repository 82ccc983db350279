//! The patch as a whole, and its file.

use std::path::PathBuf;

use rosc::OscType;
use sostenuto_patch::file::{self, Over};
use sostenuto_patch::{Edit, Patch};

use crate::address::{ANSWER, Count, EDIT, Form, REQUEST};
use crate::args::Args;
use crate::field::{Field, MaybeText};
use crate::unreadable::Unreadable;

message! {
    /// Names the patch.
    Title("/patch/title", EDIT, "\"Glass rain\"") {
        /// what the musician calls it
        title: String ["", "at most 64 KiB"],
    }
}

message! {
    /// Describes the patch.
    Description("/patch/description", EDIT, "\"Turn the macro knob slowly.\"") {
        /// what it is and how to play it
        text: String ["", "at most 64 KiB"],
    }
}

message! {
    /// Loads a patch file instead of this patch. It can be undone.
    Load("/patch/load", REQUEST, "/home/ada/rain.sostenuto") {
        /// a file of the host's machine
        path: PathBuf,
    }
}

message! {
    /// Saves the patch. A file that is there, and is no patch that this version reads, is kept.
    Save("/patch/save", REQUEST, "/home/ada/rain.sostenuto") {
        /// a file of the host's machine
        path: PathBuf,
        /// overwrite even what is no patch
        over as "over_anything": Over,
    }
}

message! {
    /// An empty patch instead of this one. It can be undone.
    New("/patch/new", REQUEST) {}
}

message! {
    /// Another patch instead of this one. It can be undone.
    Put("/patch/put", REQUEST, "blob:{\"sostenuto\":1}") {
        /// the text of a patch file
        json: Vec<u8> ["", "UTF-8"],
    }
}

message! {
    /// Allows what `/patch/wants` says, to this patch and from its file ever after.
    Allow("/patch/allow", REQUEST) {}
}

message! {
    /// Asks for the whole patch: `/patch`, then `/patch/file`, `/history` and `/patch/wants`. After `/reports/lost`,
    /// reports of the patch go on from there.
    Get("/patch/get", REQUEST) {}
}

message! {
    /// The whole patch: asked for, or because another one was loaded.
    Whole("/patch", ANSWER, "blob:{\"sostenuto\":1}") {
        /// the text of a patch file
        json: Vec<u8> ["", "UTF-8"],
    }
}

message! {
    /// The file of the patch. Reported with `patch`, when it changes.
    #[derive(Default)]
    PatchFile("/patch/file", ANSWER, "/home/ada/rain.sostenuto true") {
        /// where it was loaded from or saved to; else empty
        path: Option<PathBuf> as MaybeText,
        /// whether the patch stands as in that file, or without one as it came
        is_saved: bool,
    }
}

message! {
    /// What the patch wants to do outside this program, and is not allowed. Reported with `patch`, when it changes.
    #[derive(Default)]
    Wants("/patch/wants", ANSWER, "\"send OSC to 10.0.0.7:9000\"") {
        /// empty for nothing
        what: String,
    }
}

impl Field for Over {
    const FORM: Form = Form::Flag;
    const COUNT: Count = Count::Optional;

    fn read(args: &mut Args) -> Result<Over, Unreadable> {
        let is_anything = Option::<bool>::read(args)?.unwrap_or(false);
        Ok(if is_anything { Over::Anything } else { Over::Patches })
    }

    fn write(value: &Over, args: &mut Vec<OscType>) {
        bool::write(&(*value == Over::Anything), args);
    }
}

impl Whole {
    /// That patch.
    pub fn of(patch: &Patch) -> Whole {
        Whole { json: file::write(patch).into_bytes() }
    }
}

edits! {
    Title { title } => Edit::SetTitle(title);
    Description { text } => Edit::SetDescription(text);
    New {} => Edit::Replace(Box::default());
}
