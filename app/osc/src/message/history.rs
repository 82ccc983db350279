//! Undo, redo and the list of steps.

use crate::address::{ANSWER, REPLY, REQUEST};
use crate::message::note::Press;

message! {
    /// From here to `/gesture/end`, the edits of this connection are one undo step, as long as nobody
    /// else edits between them.
    BeginGesture("/gesture/begin", REQUEST) {}
}

message! {
    /// Ends what `/gesture/begin` began.
    EndGesture("/gesture/end", REQUEST) {}
}

message! {
    /// Takes the last step back, whoever made it.
    #[derive(Default)]
    Undo("/undo", REQUEST.over_udp()) {
        /// for buttons that send a number: at 0, as the button comes up, nothing is done
        press: Press,
    }
}

message! {
    /// Redoes the last undone step.
    #[derive(Default)]
    Redo("/redo", REQUEST.over_udp()) {
        /// for buttons that send a number: at 0, as the button comes up, nothing is done
        press: Press,
    }
}

message! {
    /// Asks what steps did, done or to be redone: `/history/steps`.
    Get("/history/get", REQUEST, "40 10") {
        /// from which step on
        first: u32 ["", "0 or more; 0: the oldest"],
        /// how many, and at most 1000
        count: Option<u32>,
    }
}

message! {
    /// Undoes or redoes as many steps as it needs.
    Go("/history/go", REQUEST, "12") {
        /// how many steps are done then
        undos: u32 ["", "0 to all steps"],
    }
}

message! {
    /// What steps did, the oldest first.
    Steps("/history/steps", REPLY, "40 \"Add VCO\" \"Turn cutoff of ladder-2\"") {
        /// which step the first of these is
        first: u32,
        /// what the step did
        labels as "label": Vec<String>,
    }
}

message! {
    /// How far undo and redo reach. Reported with `patch`, when it changes; what other steps did may
    /// have changed then, too.
    #[derive(Default)]
    History("/history", ANSWER, "12 0 \"Add VCO\"") {
        /// steps that can be undone
        undos: u32,
        /// steps that can be redone
        redos: u32,
        /// what the last step did that can be undone
        label: String,
    }
}
