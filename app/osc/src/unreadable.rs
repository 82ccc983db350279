//! Why a message could not be read.

use sostenuto_patch::entry::EntryError;
use sostenuto_patch::problem::{Problem, did_you_mean};
use thiserror::Error;

use crate::packet::BadPacket;

/// Controllers that reports are sent to at a time.
pub const MAX_SUBSCRIBERS: usize = 16;

/// Why a message could not be read.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum Unreadable {
    #[error("{0}")]
    Packet(#[from] BadPacket),
    #[error("There is no such address.{}", did_you_mean(*near))]
    NoAddress { near: Option<&'static str> },
    #[error("The host sends this; it is not a request.")]
    NoRequest,
    #[error("This is a request; the host does not send it.")]
    NoReport,
    #[error("`{name}` is missing: {help}.")]
    Missing { name: &'static str, help: &'static str },
    #[error("`{name}` must be {wanted}: {help}.")]
    Wrong { name: &'static str, wanted: &'static str, help: &'static str },
    #[error("`{name}` must be in its range: {range}.")]
    OutOfRange { name: &'static str, range: &'static str },
    #[error("Too many arguments for this address.")]
    TooMany,
    #[error(
        "{MAX_SUBSCRIBERS} controllers get feedback already. End one with /feedback/end, or switch one off and wait a minute."
    )]
    TooManySubscribers,
    #[error("Give the full path of the file.")]
    HalfPath,
    #[error("`{name}`: {error}")]
    Entry { name: &'static str, error: EntryError },
    #[error("{0}")]
    Problem(#[from] Problem),
}
