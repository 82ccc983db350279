//! The words on the wire, both ways: OSC 1.0 packets.

pub mod address;
pub mod mirror;
pub mod outbox;
pub mod packet;
pub mod reply;
pub mod request;
pub mod status;
