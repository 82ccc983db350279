//! The words on the wire, both ways: OSC 1.0 packets.

pub mod address;
pub mod args;
pub mod call;
pub mod client;
pub mod endpoint;
pub mod field;
pub mod manual;
pub mod message;
pub mod mirror;
pub mod outbox;
pub mod packet;
pub mod service;
pub mod status;
pub mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod udp;
pub mod unreadable;
