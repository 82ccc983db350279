//! Cables.

use sostenuto_patch::{Cable, Edit, InputRef, OutputRef};

use crate::address::EDIT;

message! {
    /// Plugs a cable in. Cables into the same input are summed. One that closes a feedback loop is
    /// delayed by a sample.
    Connect("/cable/connect", EDIT, "lead.out filter.in") {
        /// where the signal comes from
        from: OutputRef,
        /// where it goes to
        to: InputRef,
    }
}

message! {
    /// Pulls a cable out.
    Disconnect("/cable/disconnect", EDIT, "lead.out filter.in") {
        /// where the signal comes from
        from: OutputRef,
        /// where it goes to
        to: InputRef,
    }
}

message! {
    /// Makes a cable of a feedback loop carry the sample before, or no longer. The cable that closes
    /// a loop is delayed when it is plugged in. To move the delay, first delay another cable of the
    /// loop, then stop delaying the one that was.
    Delay("/cable/delay", EDIT, "echo.out mix.in-2 true") {
        /// where the signal comes from
        from: OutputRef,
        /// where it goes to
        to: InputRef,
        /// whether it is one sample late
        is_delayed: bool,
    }
}

edits! {
    Connect { from, to } => Edit::Connect(Cable { from, to });
    Disconnect { from, to } => Edit::Disconnect(Cable { from, to });
    Delay { from, to, is_delayed } => Edit::SetDelay { cable: Cable { from, to }, is_delayed };
}
