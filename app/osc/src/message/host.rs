//! The host itself: which one it is, whether it has done all, and its end.

use sostenuto_modules::catalog;
use sostenuto_patch::brief;

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

impl Refused {
    /// Says why, and briefly where it quotes what was sent.
    pub fn new(address: &str, sentence: &str) -> Refused {
        Refused { address: brief(address).into_owned(), sentence: brief(sentence).into_owned() }
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
    fn a_sentence_that_quotes_a_novel_is_brief() {
        let args = Refused::new("/a\0b", &"ü".repeat(100_000)).encode().args;
        assert_eq!(args[0], OscType::String("/a\u{fffd}b".into()));
        let OscType::String(sentence) = &args[1] else { panic!("{args:?}") };
        assert!(sentence.chars().count() < 1000);
    }
}
