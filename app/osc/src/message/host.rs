//! The host itself: which one it is, whether it has done all, and its end.

use sostenuto_modules::catalog;

use crate::address::{REPLY, REQUEST};

message! {
    /// Asks which program this is: `/host`.
    Query("/query/host", REQUEST.over_udp()) {}
}

message! {
    /// Which program this is.
    Host("/host", REPLY, "0.1.0 81985529216486895h 4711") {
        /// of the program
        version: String,
        /// the same in two programs with the same modules
        catalogue: i64 ["", "any"],
        /// its process
        pid: u32 ["", ""],
    }
}

message! {
    /// Asks for `/synced`, once all that this connection asked for before is done, and lies in the
    /// journal where the host keeps one. Where the journal cannot be written, it is refused.
    Sync("/sync", REQUEST.over_udp(), "7") {
        /// comes back as it was sent
        id: i32 ["", "any"],
    }
}

message! {
    /// All that this connection asked for before `/sync` is done.
    Synced("/synced", REPLY, "7") {
        /// comes back as it was sent
        id: i32 ["", "any"],
    }
}

message! {
    /// A request was refused. Nothing has changed.
    Refused("/error", REPLY, "/undo \"Nothing is left to undo.\"") {
        /// of the request, or empty where the packet had none
        address: String,
        /// why, for the musician
        sentence: String,
    }
}

message! {
    /// Ends the host, and with it the sound.
    Quit("/host/quit", REQUEST) {}
}

/// Letters of the longest sentence: it may quote what was sent.
const MAX_SENTENCE_CHARS: usize = 500;

impl Refused {
    /// Says why. What is very long is clipped.
    pub fn new(address: &str, sentence: &str) -> Refused {
        let clip = |words: &str| words.chars().take(MAX_SENTENCE_CHARS).collect();
        Refused { address: clip(address), sentence: clip(sentence) }
    }
}

impl Host {
    /// This program.
    pub fn this() -> Host {
        Host {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            catalogue: catalog::fingerprint().cast_signed(),
            pid: std::process::id(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rosc::OscType;

    use super::*;
    use crate::message::Message;

    #[test]
    fn a_sentence_that_quotes_a_novel_is_clipped() {
        let args = Refused::new("/a\0b", &"ü".repeat(100_000)).encode().args;
        assert_eq!(args[0], OscType::String("/a\u{fffd}b".into()));
        assert_eq!(args[1], OscType::String("ü".repeat(500)));
    }
}
